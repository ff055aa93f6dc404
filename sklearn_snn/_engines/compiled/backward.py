"""Compiled way back: from what the loss left, layer by layer, to the gradients.

From the last step to the first the membranes of a layer become deltas, the gradients by
the currents; then deltas and events make the gradient of its weights.

In a recurrent layer a delta takes a product of all deltas of the step after with the
recurrent weights, and these, 64 kB for 128 neurons, are more than the nearest cache
holds: a sample alone waits for them at every step. So four samples go back together, in
lockstep, for which the weights come but once. All else of a sample is as it would be
alone, and what samples add to a gradient is added one sample after the other.
"""

from typing import NamedTuple

import numpy as np
from numba import types
from numba.extending import overload

from sklearn_snn._engines.compiled.layers import (
    bias_of,
    by_spike_of,
    carry_of,
    deltas_of,
    narrow_weights_of,
    second_of,
    spikes_of,
    states_of,
    tape_of,
    times_of,
    total_of,
    weights_of,
)
from sklearn_snn._engines.compiled.narrow import add_narrow_gradient
from sklearn_snn._engines.compiled.neurons import (
    add_gradients,
    backward_step,
    n_states,
    of_layer,
)
from sklearn_snn._engines.compiled.neurons.numbers import above_threshold
from sklearn_snn._engines.compiled.options import INNER, ZERO, compiled, inlined, merged
from sklearn_snn._engines.compiled.readouts import scratch_of
from sklearn_snn._engines.compiled.recurrence import add_recurrent_gradient
from sklearn_snn._engines.compiled.restraint import restrain_gradient
from sklearn_snn._engines.compiled.sums import chunk_of, gradients_in
from sklearn_snn._engines.compiled.surrogates import surrogate_derivative
from sklearn_snn._engines.compiled.synapses import (
    add_weight_gradient,
    add_weight_gradient_by_step,
)
from sklearn_snn._engines.compiled.vectors import (
    add_scaled_rows_to_each,
    sum_scaled_rows,
)
from sklearn_snn._engines.compiled.views import (
    copy_columns,
    matrix,
    segment,
    set_to_zero,
)


class Together(NamedTuple):
    """Samples that go back together: a few of a recurrent network, else one.

    Attributes
    ----------
    first, stop : int
        Samples of the call.
    lengths : ndarray of int64 of shape (n_samples,)
        Number of steps of each sample of the call.
    kept : ndarray of bool of shape (n_samples or 0, n_biases)
        See `chunks.run_spikes`.
    tapes : Tape
    scratches : Reference to a Scratch
    """

    first: int
    stop: int
    lengths: np.ndarray
    kept: np.ndarray
    tapes: object
    scratches: object


@inlined
def heard_by(kept, i):
    """Return which neurons of sample ``i`` are heard: all, if the result is empty."""
    n = kept.shape[1] if len(kept) > 0 else 0
    return segment(kept, i * n, n)


@merged
def _begin(neuron, tape, width, n_steps):
    """Let a layer have no deltas yet: nothing is carried, and their sum is 0."""
    carry, total = carry_of(tape, n_states(neuron), width), total_of(tape, width)
    set_to_zero(carry)
    for h in range(width):
        total[h] = 0
    tape.work.known[tape.j] = n_steps


@merged
def _feel_from_above(layers, layer, tape, t, g):
    """Set the gradient by the spikes of a step to what the layer above felt of them."""
    above = layer + 1
    n_above, width = layers.sizes[above + 1], layers.widths[above + 1]
    back = matrix(layers.transposed, layers.starts[above], n_above, len(g))
    row = segment(tape.record.deltas[tape.row + above], t * width, n_above)
    sum_scaled_rows(segment(tape.work.zeros, 0, len(g)), row, back, g)


@inlined
def _slopes_at(neuron, u, t, tape):
    """Return the derivatives of the surrogate at a step.

    They are worked out for a few steps at a time, and stay in the nearest cache until
    they are needed.
    """
    width, known, j = u.shape[1], tape.work.known, tape.j
    size = len(tape.work.slopes) // len(known)
    if t < known[j]:
        known[j] = max(0, t + 1 - size // width)
        some = segment(tape.work.slopes, j * size, (t + 1 - known[j]) * width)
        above_threshold(u, known[j], neuron.threshold, some)
        surrogate_derivative(some, neuron.beta, neuron.surrogate)
    return segment(tape.work.slopes, j * size + (t - known[j]) * width, width)


@merged
def _take_step_back(
    neuron, tape, t, g, m, u, s, second, before, carry, total, constants
):
    """Turn the membranes of a step into deltas, and add these to their sum.

    ``g`` is the gradient by the spikes of the step, and ``m`` that by the membranes,
    both of shape (width,). Gradients of the constants, if they learn, are added.
    """
    width, work = len(g), tape.work
    e = _slopes_at(neuron, u, t, tape)
    u_t = segment(work.membranes, 0, width)
    later = matrix(work.later, 0, n_states(neuron), width)
    if neuron.learns:
        for h in range(width):
            u_t[h] = u[t, h]
        copy_columns(carry, later)
    backward_step(neuron, t, g, m, s, e, u, carry, total)
    if neuron.learns:
        add_gradients(
            neuron, t, g, s, e, u_t, u, before, second, later, carry, constants
        )


@merged
def _scan_back(
    neurons, layers, layer, heard, bounds, tape, n_steps, start, scratch, gradients
):
    """Turn the membranes of a layer into deltas, and sum these over the steps.

    From the last step to the first, ``backward_step`` overwrites row ``t`` of the
    membranes, (n_steps, width), with ``delta_t``, the gradient by the current. What it
    needs, the gradient ``g_t`` by the spikes of the step, is for the output layer the
    same at every step from ``start`` on, that of ``scratch``; below it ``delta_t`` of
    the layer above times that layer's transposed weights, as far as the neurons are
    ``heard``, and the penalty of the ``bounds``. The membranes of the output layer have
    a gradient as well; to all others -0 is added, so that the code is the same. The sum
    over the steps, which is left for `total_of`, is the gradient of the biases.

    Fast because the product is one of a row with a matrix that stays in the cache, its
    sums in registers (`sum_scaled_rows`), and because nothing but the membranes has to
    be kept from the forward pass: the surrogate's derivative is computed again.
    """
    width, first = layers.widths[layer + 1], layers.firsts[layer]
    n_units, neuron = layers.sizes[layer + 1], of_layer(neurons, first, first + width)
    constants = gradients.constants[:, first : first + width]
    u = deltas_of(tape, layers, layer, n_steps)
    s = spikes_of(tape, layers, layer, n_steps)
    second = second_of(tape, layers, layer, n_steps)
    before = states_of(tape.record.befores, tape, layers, layer)
    carry, total = carry_of(tape, n_states(neuron), width), total_of(tape, width)
    g, push = by_spike_of(tape, width), tape.record.pushes[tape.row + layer]
    is_last = layer + 2 == len(layers.sizes)
    is_restrained = not is_last and (len(heard) > 0 or len(bounds.limits) > 0)
    m = segment(tape.work.neutral, 0, width)
    _begin(neuron, tape, width, n_steps)
    if is_last:
        for h in range(width):
            g[h] = scratch.by_spike[h]
    for t in range(n_steps - 1, -1, -1):
        if is_last:
            m = segment(scratch.by_membrane, t * width, width)
            if t < start:
                for h in range(width):
                    g[h] = 0
        else:
            _feel_from_above(layers, layer, tape, t, g)
            if is_restrained:
                restrain_gradient(heard, first, push, n_units, g)
        _take_step_back(
            neuron,
            tape,
            t,
            g,
            m,
            u,
            s,
            second,
            before,
            carry,
            total,
            constants,
        )


@merged
def _begin_together(neuron, layers, layer, together):
    """Let a layer of some samples have no deltas yet; return the most steps there are.

    Those of the step after a sample's last one are 0. Beyond, they are of nobody: what
    `_feel_each_other` makes of them is set anew at the last step.
    """
    width, most_steps = layers.widths[layer + 1], ZERO
    for i in range(together.first, together.stop):
        tape = tape_of(together.tapes, i - together.first, layers)
        n_steps = together.lengths[i]
        _begin(neuron, tape, width, n_steps)
        after = segment(tape.record.deltas[tape.row + layer], n_steps * width, width)
        for h in range(width):
            after[h] = 0
        most_steps = max(most_steps, n_steps)
    return most_steps


@merged
def _feel_each_other(layers, layer, together, t):
    """Add to the gradients by the spikes of a step what the layer itself felt of them.

    These are the deltas of the step after, of shape (n_units,), times the recurrent
    weights, of shape (n_units, width), of all samples at a time.
    """
    recurrence, tapes = layers.recurrence, together.tapes
    width, n_units = layers.widths[layer + 1], layers.sizes[layer + 1]
    most, n_layers = tapes.record.deltas.shape[1], len(layers.sizes) - 1
    felt = segment(tapes.record.deltas, layer * most + (t + 1) * width, n_units)
    add_scaled_rows_to_each(
        tapes.work.by_spike,
        len(tapes.work.zeros),
        felt,
        n_layers * most,
        together.stop - together.first,
        matrix(recurrence.transposed, recurrence.starts[layer], n_units, width),
    )


@merged
def _scan_together(neurons, layers, layer, bounds, together, sums):
    """Do as `_scan_back` does, with a recurrent layer of some samples in lockstep.

    The gradient by the spikes of a step has one part more, what the neurons of the
    layer itself felt at the step after.

    Fast because the recurrent weights come from the second cache once for all samples,
    each row of which is multiplied with a delta of each: of four, that takes less than
    half of the time.
    """
    width, first = layers.widths[layer + 1], layers.firsts[layer]
    n_units, neuron = layers.sizes[layer + 1], of_layer(neurons, first, first + width)
    n_samples = together.stop - together.first
    most_steps = _begin_together(neuron, layers, layer, together)
    for t in range(most_steps - 1, -1, -1):
        for j in range(n_samples):
            if t < together.lengths[together.first + j]:
                tape = tape_of(together.tapes, j, layers)
                _feel_from_above(layers, layer, tape, t, by_spike_of(tape, width))
        if t + 1 < most_steps:
            _feel_each_other(layers, layer, together, t)
        for j in range(n_samples):
            i = together.first + j
            n_steps, heard = together.lengths[i], heard_by(together.kept, i)
            if t < n_steps:
                tape = tape_of(together.tapes, j, layers)
                g, push = by_spike_of(tape, width), tape.record.pushes[tape.row + layer]
                if len(heard) > 0 or len(bounds.limits) > 0:
                    restrain_gradient(heard, first, push, n_units, g)
                gradients = gradients_in(sums, chunk_of(sums, i), layers)
                _take_step_back(
                    neuron,
                    tape,
                    t,
                    g,
                    segment(tape.work.neutral, 0, width),
                    deltas_of(tape, layers, layer, n_steps),
                    spikes_of(tape, layers, layer, n_steps),
                    second_of(tape, layers, layer, n_steps),
                    states_of(tape.record.befores, tape, layers, layer),
                    carry_of(tape, n_states(neuron), width),
                    total_of(tape, width),
                    gradients.constants[:, first : first + width],
                )


@merged
def _add_layer_gradient(recurrence, layers, heard, tape, n_steps, layer, gradients):
    """Add the gradient of a layer's biases and, but for the first one, weights."""
    add_recurrent_gradient(recurrence, layers, layer, heard, n_steps, tape, gradients)
    bias = bias_of(gradients.biases, layers, layer)
    total = total_of(tape, len(bias))
    for h in range(len(bias)):
        bias[h] += total[h]
    n_inputs, deltas = layers.sizes[layer], deltas_of(tape, layers, layer, n_steps)
    gradient = weights_of(gradients.weights, layers, layer)
    if layers.are_narrow[layer]:
        n_heard = layers.widths[layer] if len(heard) > 0 else 0
        add_narrow_gradient(
            deltas,
            spikes_of(tape, layers, layer - 1, n_steps),
            segment(heard, layers.firsts[layer - 1], n_heard),
            segment(tape.work.narrow, 0, layers.widths[layer]),
            narrow_weights_of(gradients.weights, layers, layer),
        )
    elif n_steps <= layers.steps_by_step[layer]:
        times, ends = times_of(tape, layer), tape.record.ends[tape.row + layer]
        lists = segment(times, 0, times.size)
        add_weight_gradient_by_step(deltas, lists, ends, gradient)
    elif layer:
        add_weight_gradient(
            deltas,
            segment(tape.record.units, 0, n_inputs),
            n_inputs,
            times_of(tape, layer),
            tape.record.n_times[tape.row + layer],
            gradient,
        )


def backward(recurrence, neurons, layers, bounds, together, start, sums):
    """Add all gradients but that of the first weights.

    These are left to the caller: their inputs may be listed by their silences, or be no
    events at all. The sum of the first deltas is left for `total_of`. Steps before
    ``start`` are not read out.
    """
    raise NotImplementedError  # compiled code takes one of those below


@compiled
def _layer_back(neurons, layers, layer, bounds, together, j, start, sums):
    """Go back through a layer of sample ``j`` alone, and add its gradients."""
    i = together.first + j
    tape = tape_of(together.tapes, j, layers)
    scratch = scratch_of(together.scratches, j)
    n_steps, heard = together.lengths[i], heard_by(together.kept, i)
    gradients = gradients_in(sums, chunk_of(sums, i), layers)
    _scan_back(
        neurons,
        layers,
        layer,
        heard,
        bounds,
        tape,
        n_steps,
        start,
        scratch,
        gradients,
    )
    _add_layer_gradient(None, layers, heard, tape, n_steps, layer, gradients)


def _backward(recurrence, neurons, layers, bounds, together, start, sums):
    (hidden, output), last = neurons, len(layers.sizes) - 2
    _layer_back(output, layers, last, bounds, together, 0, start, sums)
    for layer in range(last - 1, -1, -1):
        _layer_back(hidden, layers, layer, bounds, together, 0, start, sums)


def _recurrent_backward(recurrence, neurons, layers, bounds, together, start, sums):
    (hidden, output), last = neurons, len(layers.sizes) - 2
    for j in range(together.stop - together.first):
        _layer_back(output, layers, last, bounds, together, j, start, sums)
    for layer in range(last - 1, -1, -1):
        _scan_together(hidden, layers, layer, bounds, together, sums)
        for i in range(together.first, together.stop):
            tape = tape_of(together.tapes, i - together.first, layers)
            gradients = gradients_in(sums, chunk_of(sums, i), layers)
            _add_layer_gradient(
                recurrence,
                layers,
                heard_by(together.kept, i),
                tape,
                together.lengths[i],
                layer,
                gradients,
            )


@overload(backward, jit_options=INNER)
def _backward_of(recurrence, neurons, layers, bounds, together, start, sums):
    is_none = isinstance(recurrence, types.NoneType)
    return _backward if is_none else _recurrent_backward
