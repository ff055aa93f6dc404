"""Compiled network: samples forward and backward, spike by spike.

A current ``sum_k x_k W_k`` over bits ``x_k`` is the sum of the rows of W whose input
fired, and the gradient of such a row is the sum of the deltas of the steps at which its
input fired. Both are sums of rows that a list of events names, with no multiplication
and no work for what is silent. An input that fires more often than not is counted by
its *silences*: it is first taken to fire at every step, and rows of -W (or -delta) take
the silent steps back. So an input costs at most half of its steps.

A sample runs forward and backward before the next one starts, so that all that it
needs stays in the cache. The way of a sample::

    run_layer     the first layer: spikes of the input -> membranes and spikes
    run_above     all further layers alike, and the logits
    loss_gradient the logits -> loss, and gradient by the output spikes
    backward      per layer, from the last one down: membranes -> deltas, and from
                  deltas and events the gradient of the weights

What is in `_numba_layers` says how the arrays are laid out. In the shapes below,
``width`` is the padded number of neurons of a layer.
"""

import math

import numpy as np

from sklearn_snn._numba_layers import bias_of, matrix, spikes_of, weights_of
from sklearn_snn._numba_neurons import (
    compiled,
    step_backward,
    step_forward,
    surrogate_derivative,
)
from sklearn_snn._numba_vectors import (
    lowest_bit,
    nonzero_mask,
    sum_rows,
    sum_scaled_rows,
)


@compiled
def _collect(bits, t, rows, shifts, listed, times, n_times):
    """List the inputs that a step's bits name, for both directions; return how many.

    Bit ``k`` of ``bits``, a byte each, is an event of input ``k`` at step ``t``: a
    spike, or a silence of an input that is counted by these. For the forward pass
    ``listed[0], listed[1], ...`` get ``rows[k]``, the row of the weights to be added;
    for the backward pass ``t + shifts[k]``, the row of the deltas, is appended to
    ``times[k]``, of which ``n_times[k]`` entries are in use.

    Fast because 64 bytes are compared with zero in one instruction, to a word of 64
    bits, and the loop goes from one set bit to the next: silence costs 1/64 of a turn.
    """
    m = 0
    for start in range(0, len(bits), 64):
        word = nonzero_mask(bits, start)
        while word != np.uint64(0):
            k = start + lowest_bit(word)
            word &= word - np.uint64(1)
            listed[m] = rows[k]
            times[k, n_times[k]] = t + shifts[k]
            n_times[k] += 1
            m += 1
    return m


@compiled
def run_layer(
    constants, bits, rows, shifts, weights, base, grid, bias, u, s, times, n_times
):
    """Run a layer on spikes over all steps: membranes to ``u``, spikes to ``s``.

    The current of step ``t`` is ``grid * (base + sum of listed rows of weights) +
    bias``. ``bits`` has shape (n_steps, n_bits) and says which inputs have an event;
    ``rows``, ``shifts``, ``times`` and ``n_times``, as `_collect` takes them, have an
    entry per input. ``weights``, of shape (n_rows, width), are whole numbers of the
    unit ``grid``, and so is ``base``, the current of those inputs of which the silences
    are events. ``u`` has shape (n_steps, width), ``s`` (n_steps, at least width).

    Fast because a step adds as many rows as there are events, held in registers by
    `sum_rows`, and because one multiplication per neuron makes of the whole sum a
    current. Whole numbers add up without rounding: the order of events does not count.
    """
    listed = np.empty(bits.shape[1], np.uint32)
    v, total = np.zeros(len(base), u.dtype), np.empty_like(base)
    for t in range(len(s)):
        m = _collect(bits[t], t, rows, shifts, listed, times, n_times)
        sum_rows(base, weights, listed[:m], total)
        step_forward(t, total, grid, bias, u, s, v, constants)


@compiled
def run_above(constants, layers, tape, n_steps, units, n_spikes, logits):
    """Run all layers but the first, count all spikes, and read out the logits.

    Each layer takes the spikes that the one below left on the tape. ``units`` is 0, 1,
    2, ...: all inputs are listed by what they do, and none by its silences, so that
    input ``k`` has row ``k``. To ``n_spikes``, of shape (n_neurons,), the spikes of all
    layers are added; those of the hidden layers are known already, as the lengths of
    the lists of events. ``logits``, of shape (n_classes,), are overwritten.
    """
    shifts = np.zeros(len(units), np.uint32)
    last, first = len(layers.sizes) - 2, 0
    for layer in range(1, last + 1):
        n_times = tape.n_times[layer]
        for k in range(layers.sizes[layer]):
            n_times[k] = 0
        run_layer(
            constants,
            spikes_of(tape, layers, layer - 1, n_steps),
            units,
            shifts,
            weights_of(layers.whole_weights, layers, layer),
            np.zeros(layers.widths[layer + 1], layers.whole_weights.dtype),
            layers.grids[layer],
            bias_of(layers.biases, layers, layer),
            matrix(tape.deltas[layer], 0, n_steps, layers.widths[layer + 1]),
            spikes_of(tape, layers, layer, n_steps),
            tape.times[layer],
            n_times,
        )
        for k in range(layers.sizes[layer]):
            n_spikes[first + k] += n_times[k]
        first += layers.sizes[layer]
    s = spikes_of(tape, layers, last, n_steps)
    for k in range(len(logits)):
        n = 0
        for t in range(n_steps):
            n += s[t, k]
        n_spikes[first + k] += n
        logits[k] = constants.logit_scale * logits.dtype.type(n)


@compiled
def copy_spikes(layers, tape, n_steps, spikes):
    """Copy spikes to ``spikes``, of shape (n_steps, n_neurons), for those who ask.

    The last layers stand side by side, without their padding: as many as fit.
    """
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
    """Return the loss of a sample, and set its gradient; `_network.cross_entropy`.

    ``logits`` and ``gradient`` have shape (n_classes,), ``y`` is an index. The highest
    logit is subtracted first: the exponentials stay below 1 and the sum above.
    """
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
def _scan_back(constants, layers, tape, n_steps, layer, grad_spikes):
    """Turn the membranes of a layer into deltas; return their sum over the steps.

    From the last step to the first, ``step_backward`` overwrites row ``t`` of the
    membranes, (n_steps, width), with ``delta_t``. What it needs, the gradient ``g_t``
    by the spikes of the step, is for the output layer the same at every step,
    ``grad_spikes``, of shape (width,); below it ``delta_t`` of the layer above times
    that layer's transposed weights. The sum over the steps is the gradient of the
    biases.

    Fast because the product is one of a row with a matrix that stays in the cache, its
    sums in registers (`sum_scaled_rows`), and because nothing but the membranes has to
    be kept from the forward pass: the surrogate's derivative is computed again, for one
    step at a time.
    """
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
            g[h] = grad_spikes[h]
    for t in range(n_steps - 1, -1, -1):
        if not is_last:
            sum_scaled_rows(zeros, deltas[t, :n_above], back, g)
        for h in range(width):
            e[h] = u[t, h] - constants.threshold
        surrogate_derivative(e, constants.beta, constants.surrogate)
        step_backward(t, g, s, e, u, total, constants)
    return total


@compiled
def add_weight_gradient(deltas, rows, times, n_times, gradient):
    """Add to row ``rows[k]`` of the gradient the deltas that input ``k`` lists.

    That is ``x.T @ delta``, without the product: ``deltas`` has shape (n, width),
    ``gradient`` (n_inputs, width), and ``times[k, :n_times[k]]`` are the rows of the
    deltas. Fast for the reason that `run_layer` is: as many additions as there are
    events, in registers, and each row of the gradient is read and written once.
    """
    for k in range(len(rows)):
        if n_times[k] > 0:
            row = gradient[rows[k]]
            sum_rows(row, deltas, times[k, : n_times[k]], row)


@compiled
def backward(constants, layers, tape, n_steps, grad_spikes, units, gradients):
    """Add all gradients but that of the first weights; return the first deltas' sum.

    ``gradients`` are two flat arrays, laid out as the weights and the biases are. The
    first weights are left to the caller: their inputs may be listed by their silences,
    or be no events at all. The sum returned has shape (width,).
    """
    weights, biases = gradients
    total = np.zeros(0, biases.dtype)
    for layer in range(len(layers.sizes) - 2, -1, -1):
        total = _scan_back(constants, layers, tape, n_steps, layer, grad_spikes)
        bias = bias_of(biases, layers, layer)
        for h in range(len(total)):
            bias[h] += total[h]
        if layer:
            add_weight_gradient(
                matrix(tape.deltas[layer], 0, n_steps, len(total)),
                units[: layers.sizes[layer]],
                tape.times[layer],
                tape.n_times[layer],
                weights_of(weights, layers, layer),
            )
    return total


@compiled
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


@compiled
def loss_gradient(constants, logits, y, loss_weight, grad_spikes):
    """Return the loss of a sample, times its weight, and set its gradient by spikes.

    ``grad_spikes``, of shape (at least n_classes,), is what one more spike of an output
    neuron does to the loss, the same at every step.
    """
    loss = _cross_entropy(logits, y, grad_spikes)
    for k in range(len(logits)):
        grad_spikes[k] = constants.logit_scale * (grad_spikes[k] * loss_weight)
    return loss_weight * loss
