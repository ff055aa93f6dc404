"""Compiled network: samples forward and backward, spike by spike.

A current ``sum_k x_k W_k`` over bits ``x_k`` is the sum of the rows of W whose input
fired, and the gradient of such a row is the sum of the deltas of the steps at which its
input fired. Both are sums of rows that a list of events names, with no multiplication
and no work for what is silent. An input that fires more often than not is counted by
its *silences*: it is first taken to fire at every step, and rows of -W (or -delta) take
the silent steps back. So an input costs at most half of its steps.

A sample runs forward and backward before the next one starts, so that all that it
needs stays in the cache. Rows are padded with zeros to a multiple of `LANES`.
"""

import math
from typing import NamedTuple

import numpy as np

from sklearn_snn._numba_neurons import (
    compiled,
    fire,
    retract,
    surrogate_derivative,
)
from sklearn_snn._numba_vectors import (
    lowest_bit,
    nonzero_mask,
    sum_rows,
    sum_scaled_rows,
)


class Layers(NamedTuple):
    """The weights of all layers, one after another in flat arrays.

    Attributes
    ----------
    sizes : ndarray of int64 of shape (n_layers + 1,)
        Number of units, input included.
    widths : ndarray of int64 of shape (n_layers + 1,)
        The same, rounded up to a multiple of `LANES`, but for the input.
    starts : ndarray of int64 of shape (n_layers + 1,)
        Where the weights of a layer begin.
    grids : ndarray of shape (n_layers,)
        The unit of `counts` and `signed`; see `_synapses.grid`.
    counts : ndarray of int32 or float64 of shape (starts[-1],)
        Per layer but the first a matrix of shape (widths[l], widths[l + 1]), the
        weights in whole units.
    signed : ndarray of the dtype of `counts` and of shape (2 * widths[0], widths[1])
        W of the first layer in whole units, and -W below it.
    transposed : ndarray of shape (starts[-1],)
        Per layer but the first the weights as they are, transposed.
    biases : ndarray of shape (sum(widths[1:]),)
    """

    sizes: np.ndarray
    widths: np.ndarray
    starts: np.ndarray
    grids: np.ndarray
    counts: np.ndarray
    signed: np.ndarray
    transposed: np.ndarray
    biases: np.ndarray


class Tape(NamedTuple):
    """What the forward pass over a sample leaves for the backward pass, per layer.

    Attributes
    ----------
    deltas : ndarray of shape (n_layers, (2 * n_steps + 1) * widest)
        First the membranes, of shape (n_steps, width), which the deltas replace. In
        the first layer their negatives follow, and their sum.
    spikes : ndarray of uint8 of shape (n_layers, n_steps * at least widest)
        Of shape (n_steps, n_bits), with n_bits a multiple of 64.
    times : ndarray of uint32 of shape (n_layers, most inputs, n_steps + 1)
        Per input the rows of the deltas that add up to its gradient.
    counts : ndarray of int64 of shape (n_layers, most inputs)
        How many.
    """

    deltas: np.ndarray
    spikes: np.ndarray
    times: np.ndarray
    counts: np.ndarray


@compiled
def whole_words(n):
    return (n + 63) // 64 * 64


@compiled
def new_tape(layers, n_steps, n_inputs):
    n_layers = len(layers.sizes) - 1
    widest, most = 0, n_inputs
    for layer in range(n_layers):
        widest = max(widest, layers.widths[layer + 1])
        most = max(most, layers.sizes[layer + 1])
    return Tape(
        np.empty((n_layers, (2 * n_steps + 1) * widest), layers.biases.dtype),
        np.zeros((n_layers, n_steps * whole_words(widest)), np.uint8),
        np.empty((n_layers, most, n_steps + 1), np.uint32),
        np.zeros((n_layers, most), np.int64),
    )


@compiled
def matrix(flat, start, n_rows, n_columns):
    return flat[start : start + n_rows * n_columns].reshape((n_rows, n_columns))


@compiled
def weights_of(flat, layers, layer):
    n_rows, n_columns = layers.widths[layer], layers.widths[layer + 1]
    return matrix(flat, layers.starts[layer], n_rows, n_columns)


@compiled
def bias_of(flat, layers, layer):
    start = 0
    for below in range(layer):
        start += layers.widths[below + 1]
    return flat[start : start + layers.widths[layer + 1]]


@compiled
def spikes_of(tape, layers, layer, n_steps):
    n_bits = whole_words(layers.widths[layer + 1])
    return matrix(tape.spikes[layer], 0, n_steps, n_bits)


@compiled
def _collect(bits, t, rows, shifts, listed, times, counts):
    """List the inputs that a step's bits name, for both directions; return how many.

    `listed` gets the rows of the weights, and each input's row of `times` the row of
    the deltas that step `t` stands for.
    """
    m = 0
    for start in range(0, len(bits), 64):
        word = nonzero_mask(bits, start)
        while word != np.uint64(0):
            k = start + lowest_bit(word)
            word &= word - np.uint64(1)
            listed[m] = rows[k]
            times[k, counts[k]] = t + shifts[k]
            counts[k] += 1
            m += 1
    return m


@compiled
def run_layer(
    constants, bits, rows, shifts, weights, base, grid, bias, u, s, times, counts
):
    """Run a layer on spikes.

    The current is that of `base` and of the listed rows of `weights`, in units of
    `grid`, and `bias`.
    """
    listed = np.empty(bits.shape[1], np.uint32)
    v, total = np.zeros(len(base), u.dtype), np.empty_like(base)
    for t in range(len(s)):
        m = _collect(bits[t], t, rows, shifts, listed, times, counts)
        sum_rows(base, weights, listed[:m], total)
        fire(t, total, grid, bias, u, s, v, constants)


@compiled
def run_above(constants, layers, tape, n_steps, units, fired, logits):
    """Run all layers but the first, count all spikes, and read out the logits."""
    shifts = np.zeros(len(units), np.uint32)
    last, first = len(layers.sizes) - 2, 0
    for layer in range(1, last + 1):
        counts = tape.counts[layer]
        for k in range(layers.sizes[layer]):
            counts[k] = 0
        run_layer(
            constants,
            spikes_of(tape, layers, layer - 1, n_steps),
            units,
            shifts,
            weights_of(layers.counts, layers, layer),
            np.zeros(layers.widths[layer + 1], layers.counts.dtype),
            layers.grids[layer],
            bias_of(layers.biases, layers, layer),
            matrix(tape.deltas[layer], 0, n_steps, layers.widths[layer + 1]),
            spikes_of(tape, layers, layer, n_steps),
            tape.times[layer],
            counts,
        )
        for k in range(layers.sizes[layer]):
            fired[first + k] += counts[k]
        first += layers.sizes[layer]
    s = spikes_of(tape, layers, last, n_steps)
    for k in range(len(logits)):
        n_spikes = 0
        for t in range(n_steps):
            n_spikes += s[t, k]
        fired[first + k] += n_spikes
        logits[k] = constants.logit_scale * logits.dtype.type(n_spikes)


@compiled
def copy_spikes(layers, tape, n_steps, spikes):
    """Copy spikes to ``spikes``, the last layers side by side: as many as fit."""
    first = spikes.shape[1]
    for layer in range(len(layers.sizes) - 2, -1, -1):
        first -= layers.sizes[layer + 1]
        if first < 0:
            break
        s = spikes_of(tape, layers, layer, n_steps)
        for t in range(n_steps):
            for k in range(layers.sizes[layer + 1]):
                spikes[t, first + k] = s[t, k]


@compiled
def _cross_entropy(logits, y, gradient):
    """Return the loss of a sample, and set its gradient; `_network.cross_entropy`."""
    highest, total = logits[0], logits.dtype.type(0)
    for k in range(len(logits)):
        highest = max(highest, logits[k])
    for k in range(len(logits)):
        gradient[k] = math.exp(logits[k] - highest)
        total += gradient[k]
    for k in range(len(logits)):
        gradient[k] /= total
    gradient[y] -= logits.dtype.type(1)
    return math.log(total) - (logits[y] - highest)


@compiled
def _scan_back(constants, layers, tape, n_steps, layer, grad_counts):
    """Turn the membranes of a layer into deltas; return their sum over the steps."""
    width = layers.widths[layer + 1]
    u = matrix(tape.deltas[layer], 0, n_steps + 1, width)
    s = spikes_of(tape, layers, layer, n_steps)
    g, e = np.zeros(width, u.dtype), np.zeros(width, u.dtype)
    total, zeros = np.zeros(width, u.dtype), np.zeros(width, u.dtype)
    is_last = layer + 2 == len(layers.sizes)
    above = layer if is_last else layer + 1
    n_above = layers.sizes[above + 1]
    deltas = matrix(tape.deltas[above], 0, n_steps, layers.widths[above + 1])
    back = matrix(
        layers.transposed, layers.starts[above], n_above, layers.widths[above]
    )
    for h in range(width):
        u[n_steps, h] = 0
        if is_last:
            g[h] = grad_counts[h]
    for t in range(n_steps - 1, -1, -1):
        if not is_last:
            sum_scaled_rows(zeros, deltas[t, :n_above], back, g)
        for h in range(width):
            e[h] = u[t, h] - constants.threshold
        surrogate_derivative(e, constants.beta, constants.surrogate)
        retract(t, g, s, e, u, total, constants)
    return total


@compiled
def add_weight_gradient(deltas, rows, times, counts, gradient):
    """Add to row ``rows[k]`` of the gradient the deltas that input ``k`` lists."""
    for k in range(len(rows)):
        if counts[k] > 0:
            row = gradient[rows[k]]
            sum_rows(row, deltas, times[k, : counts[k]], row)


@compiled
def backward(constants, layers, tape, n_steps, grad_counts, units, gradients):
    """Add all gradients but that of the first weights; return the first deltas' sum."""
    weights, biases = gradients
    total = np.zeros(0, biases.dtype)
    for layer in range(len(layers.sizes) - 2, -1, -1):
        total = _scan_back(constants, layers, tape, n_steps, layer, grad_counts)
        bias = bias_of(biases, layers, layer)
        for h in range(len(total)):
            bias[h] += total[h]
        if layer:
            add_weight_gradient(
                matrix(tape.deltas[layer], 0, n_steps, len(total)),
                units[: layers.sizes[layer]],
                tape.times[layer],
                tape.counts[layer],
                weights_of(weights, layers, layer),
            )
    return total


@compiled
def append_negatives(deltas, n_steps, total):
    """Let the negatives of the deltas follow them, and their sum."""
    for t in range(n_steps):
        for h in range(len(total)):
            deltas[n_steps + t, h] = -deltas[t, h]
    for h in range(len(total)):
        deltas[2 * n_steps, h] = total[h]


@compiled
def loss_gradient(constants, logits, y, share, grad_counts):
    """Return the loss of a sample, and set its gradient by the spike counts."""
    loss = _cross_entropy(logits, y, grad_counts)
    for k in range(len(logits)):
        grad_counts[k] = constants.logit_scale * (grad_counts[k] * share)
    return share * loss
