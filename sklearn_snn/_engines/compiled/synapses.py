"""Compiled synapses: which inputs have an event in a step, and what rows these add up.

The sums of rows themselves are in `vectors`.
"""

import numpy as np

from sklearn_snn._engines.compiled.options import compiled, merged
from sklearn_snn._engines.compiled.vectors import lowest_bit, nonzero_mask, sum_rows
from sklearn_snn._engines.compiled.views import segment


@compiled
def collect(bits, t, rows, shifts, listed, times, n_times):
    """List the inputs that a step's bits name, for both directions; return how many.

    Bit ``k`` of ``bits``, a byte each, is an event of input ``k`` at step ``t``: a
    spike, or a silence of an input that is counted by these. For the forward pass
    ``listed[0], listed[1], ...`` get ``rows[k]``, the row of the weights to be added;
    for the backward pass ``t + shifts[k]``, the row of the deltas, is appended to
    ``times[k]``, of which ``n_times[k]`` entries are in use.

    Fast because 64 bytes are compared with zero in one instruction, to a word of 64
    bits, and the loop goes from one set bit to the next: silence costs 1/64 of a turn.
    """
    # An index without a sign cannot be one from the end: numba need not ask.
    m, n_columns, one = np.uint64(0), np.uint64(times.shape[1]), np.uint64(1)
    flat = segment(times, 0, times.size)
    for start in range(0, len(bits), 64):
        word = nonzero_mask(bits, start)
        while word != np.uint64(0):
            k = np.uint64(start + lowest_bit(word))
            word &= word - one
            listed[m] = rows[k]
            n = np.uint64(n_times[k])
            flat[k * n_columns + n] = t + shifts[k]
            n_times[k] = n + one
            m += one
    return m


@compiled
def list_heard(bits, heard, first, listed):
    """List the neurons that fired in a step and are heard by others; return how many.

    ``heard`` is empty if all are; a layer's own begin at ``first``.
    """
    m = 0
    for start in range(0, len(bits), 64):
        word = nonzero_mask(bits, start)
        while word != np.uint64(0):
            k = start + lowest_bit(word)
            word &= word - np.uint64(1)
            if len(heard) == 0 or heard[first + k]:
                listed[m] = k
                m += 1
    return m


@compiled
def add_weight_gradient(deltas, rows, times, n_times, gradient):
    """Add to row ``rows[k]`` of the gradient the deltas that input ``k`` lists.

    That is ``x.T @ delta``, without the product: ``deltas`` has shape (n, width),
    ``gradient`` (n_inputs, width), and ``times[k, :n_times[k]]`` are the rows of the
    deltas. Fast for the reason that `run_layer` is: as many additions as there are
    events, in registers, and each row of the gradient is read and written once.
    """
    width = gradient.shape[1]
    for k in range(len(rows)):
        if n_times[k] > 0:
            row = segment(gradient, rows[k] * width, width)
            listed = segment(times, k * times.shape[1], n_times[k])
            sum_rows(row, deltas, listed, row)


@merged
def append_negatives(deltas, n_steps, total):
    """Let the negatives of the deltas follow them, and their sum.

    ``deltas`` has shape (2 * n_steps + 1, width). With that, an input counted by its
    silences is a list of rows like any other: the sum, row ``2 * n_steps``, stands for
    firing at every step, and row ``n_steps + t`` takes step ``t`` back.
    """
    for t in range(n_steps):
        for h in range(len(total)):
            deltas[n_steps + t, h] = -deltas[t, h]
    for h in range(len(total)):
        deltas[2 * n_steps, h] = total[h]
