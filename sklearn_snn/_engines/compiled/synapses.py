"""Compiled synapses: which inputs have an event in a step, and what rows these add up.

The sums of rows themselves are in `vectors`.
"""

import numpy as np

from sklearn_snn._engines.compiled.bits import (
    BITS_AT_ONCE,
    lowest_bit,
    n_bits_of,
    nonzero_mask,
)
from sklearn_snn._engines.compiled.options import ZERO, compiled, merged
from sklearn_snn._engines.compiled.vectors import add_to_rows, sum_rows
from sklearn_snn._engines.compiled.views import segment


@compiled
def list_bits(bits, listed):
    """List which of a step's bits, a byte each, are set; return how many.

    Up to `BITS_AT_ONCE` entries more of ``listed`` are written.

    Fast because 64 bytes are compared with zero in one instruction, to a word of 64
    bits, and its set bits are listed four at a time, whether there are so many or not:
    how many there are no processor can guess, and to have guessed wrong costs more than
    some entries that are written in vain. One by one, a forward pass over events at 2 %
    took a quarter longer.
    """
    # An index without a sign cannot be one from the end: numba need not ask.
    m, one = np.uint64(0), np.uint64(1)
    for start in range(0, len(bits), 64):
        word = nonzero_mask(bits, start)
        stop = m + n_bits_of(word)
        while True:
            for _ in range(BITS_AT_ONCE):
                listed[m] = start + lowest_bit(word)
                word &= word - one
                m += one
            if m >= stop:
                break
        m = stop
    return np.int64(m)


@compiled
def collect(bits, t, rows, n_added, listed, times, ends):
    """List the inputs that a step's bits name, for both directions.

    Bit ``k`` of ``bits``, a byte each, is an event of input ``k`` at step ``t``: a
    spike of the first ``n_added``, and a silence of all others. For the forward pass
    ``listed[0], listed[1], ...`` get ``rows[k]``, the row of the weights; for the
    backward pass ``t``, the row of the deltas, is appended to ``times[k]``. Where that
    is, counted in all of ``times``, says ``ends[k]``: from the number of a list, and
    how many are in it, it would take longer to work out than to write. Returns how many
    events there are, and how many of these are spikes, which come first.
    """
    m = list_bits(bits, listed)
    flat, n_spikes = segment(times, 0, times.size), ZERO
    for e in range(np.uint64(m)):
        k = np.uint64(listed[e])
        n_spikes += np.int64(k < np.uint64(n_added))
        listed[e] = rows[k]
        end = np.uint64(ends[k])
        flat[end] = t
        ends[k] = end + np.uint64(1)
    return m, n_spikes


@compiled
def collect_rows(bits, rows, n_added, listed):
    """List the rows of the weights only, for an answer; else as `collect`.

    Appending each event to the list of its input took a thirteenth of an answer.
    """
    m, n_spikes = list_bits(bits, listed), ZERO
    for e in range(np.uint64(m)):
        k = np.uint64(listed[e])
        n_spikes += np.int64(k < np.uint64(n_added))
        listed[e] = rows[k]
    return m, n_spikes


@compiled
def collect_by_step(bits, n_before, lists):
    """List the inputs that a step's bits name behind those of the steps before.

    These are ``n_before``, in ``lists``, which is flat. Returns how many there are now.
    """
    left = segment(lists, n_before, len(lists) - n_before)
    return n_before + list_bits(bits, left)


@compiled
def list_heard(bits, heard, first, listed):
    """List the neurons that fired in a step and are heard by others; return how many.

    ``heard`` is empty if all are; a layer's own begin at ``first``.
    """
    n_fired = list_bits(bits, listed)
    if len(heard) == 0:
        return n_fired
    m = 0
    for e in range(n_fired):
        if heard[first + listed[e]]:
            listed[m] = listed[e]
            m += 1
    return m


@compiled
def add_weight_gradient(deltas, rows, n_added, times, n_times, gradient):
    """Add to row ``rows[k]`` of the gradient the deltas that input ``k`` lists.

    That is ``x.T @ delta``, without the product: ``deltas`` has shape (n, width),
    ``gradient`` (n_inputs, width), and ``times[k, :n_times[k]]`` are the rows of the
    deltas. Those of the first ``n_added`` inputs are added. Any other is counted by its
    silences: the first of its list, the sum of all deltas, stands for firing at every
    step, and is added; the others are subtracted. Fast for the reason that `run_layer`
    is: as many additions as there are events, in registers, and each row of the
    gradient is read and written once.
    """
    width = gradient.shape[1]
    for k in range(len(rows)):
        if n_times[k] > 0:
            row = segment(gradient, rows[k] * width, width)
            listed = segment(times, k * times.shape[1], n_times[k])
            sum_rows(row, deltas, listed, n_times[k] if k < n_added else 1, row)


@compiled
def add_weight_gradient_by_step(deltas, lists, ends, gradient):
    """Do as `add_weight_gradient` does, with lists of the inputs of each step.

    Those of step ``t`` end in ``lists`` at ``ends[t]``. The order of each sum is the
    same, to the bit. Fast where a row is a vector or two: to add it to a row of the
    gradient in the nearest cache takes less than to append a step to the list of an
    input, and to begin a sum for each of these.
    """
    start, width = ZERO, deltas.shape[1]
    for t in range(len(deltas)):
        stop = ends[t]
        delta = segment(deltas, t * width, width)
        add_to_rows(delta, segment(lists, start, stop - start), gradient)
        start = stop


@merged
def begin_rows(rows, n_times, has_begun, gradient):
    """Let the rows of a gradient that are to be added to be sums, of nothing yet."""
    for k in range(len(rows)):
        if n_times[k] > 0 and not has_begun[rows[k]]:
            has_begun[rows[k]] = 1
            row = segment(gradient, rows[k] * gradient.shape[1], gradient.shape[1])
            for h in range(len(row)):
                row[h] = 0
