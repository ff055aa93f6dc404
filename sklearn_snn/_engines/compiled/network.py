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
    run_above     all further layers alike, and what is read of the last one
    loss_gradient what was read -> loss, and its gradient by spikes and membranes
    backward      per layer, from the last one down: membranes -> deltas, and from
                  deltas and events the gradient of the weights

The neurons are two: those of the hidden layers, all of one class, and those of the
output layer, of the same or another. What is in `layers` says how the arrays are laid
out. In the shapes below, ``width`` is the padded number of neurons of a layer.
"""

from sklearn_snn._engines.compiled.layers import (
    bias_of,
    second_of,
    spikes_of,
    states_of,
    weights_of,
)
from sklearn_snn._engines.compiled.neurons import (
    add_gradients,
    backward_step,
    n_states,
    of_layer,
)
from sklearn_snn._engines.compiled.neurons.numbers import above_threshold
from sklearn_snn._engines.compiled.options import compiled, inlined
from sklearn_snn._engines.compiled.readouts import read_out
from sklearn_snn._engines.compiled.recurrence import (
    add_felt,
    add_recurrent_gradient,
    take_step,
)
from sklearn_snn._engines.compiled.restraint import copy_heard, restrain_gradient
from sklearn_snn._engines.compiled.surrogates import surrogate_derivative
from sklearn_snn._engines.compiled.synapses import add_weight_gradient, collect
from sklearn_snn._engines.compiled.vectors import sum_rows, sum_scaled_rows
from sklearn_snn._engines.compiled.views import (
    copy_columns,
    matrix,
    segment,
    set_to_zero,
)


@compiled
def run_layer(
    recurrence,
    layers,
    layer,
    heard,
    neuron,
    work,
    bits,
    rows,
    shifts,
    weights,
    base,
    grid,
    bias,
    before,
    after,
    u,
    s,
    second,
    times,
    n_times,
):
    """Run a layer on spikes over all steps: membranes to ``u``, spikes to ``s``.

    Its states go from ``before`` to ``after``; see `Tape`. It has ``recurrence``, or
    None, in which all neurons are heard if ``heard`` is empty. ``neuron`` has the
    constants of this layer, and what it has for a second state goes to ``second``.

    The current of step ``t`` is ``grid * (base + sum of listed rows of weights) +
    bias``, and what the neurons hear of each other. ``bits`` has shape (n_steps,
    n_bits) and says which inputs have an event; ``rows``, ``shifts``, ``times`` and
    ``n_times``, as `collect` takes them, have an entry per input. ``weights``, of shape
    (n_rows, width), are whole numbers of the unit ``grid``, and so is ``base``, the
    current of those inputs of which the silences are events. ``u`` has shape (n_steps,
    width), ``s`` (n_steps, at least width).

    Fast because a step adds as many rows as there are events, held in registers by
    `sum_rows`, and because one multiplication per neuron makes of the whole sum a
    current. Whole numbers add up without rounding: the order of events does not count.
    """
    width, listed = len(base), work.listed
    total = segment(work.current, 0, width)
    state = begin(neuron, before, work)
    for t in range(len(s)):
        m = collect(bits[t], t, rows, shifts, listed, times, n_times)
        sum_rows(base, weights, segment(listed, 0, m), total)
        take_step(
            recurrence,
            layers,
            layer,
            heard,
            neuron,
            work,
            t,
            total,
            grid,
            bias,
            before,
            u,
            s,
            state,
            second,
        )
    leave(state, s, after)


@inlined
def begin(neuron, before, work):
    """Return the state of a layer, which is that before the first step."""
    state = matrix(work.states, 0, n_states(neuron), before.shape[1])
    for r in range(state.shape[0]):
        for h in range(state.shape[1]):
            state[r, h] = before[r, h]
    return state


@inlined
def leave(state, s, after):
    """Keep the state of a layer, and its last spikes."""
    last = after.shape[0] - 1
    for r in range(state.shape[0]):
        for h in range(state.shape[1]):
            after[r, h] = state[r, h]
    for h in range(state.shape[1]):
        after[last, h] = s[len(s) - 1, h]


@inlined
def _run_layer_above(recurrence, neuron, layers, heard, tape, n_steps, layer, n_spikes):
    """Run a layer on what it receives of the spikes of the one below."""
    n_times, width = tape.n_times[layer], layers.widths[layer + 1]
    for k in range(layers.sizes[layer]):
        n_times[k] = 0
    first, sent = layers.firsts[layer], spikes_of(tape, layers, layer - 1, n_steps)
    if len(heard) > 0:
        sent = matrix(tape.work.sent, 0, sent.shape[0], sent.shape[1])
        copy_heard(heard, layers, tape, n_steps, layer - 1, n_spikes, sent)
    run_layer(
        recurrence,
        layers,
        layer,
        heard,
        of_layer(neuron, first, first + width),
        tape.work,
        sent,
        tape.units,
        tape.no_shifts,
        weights_of(layers.whole_weights, layers, layer),
        segment(tape.work.nothing, 0, width),
        layers.grids[layer],
        bias_of(layers.biases, layers, layer),
        states_of(tape.befores, tape, layers, layer),
        states_of(tape.afters, tape, layers, layer),
        matrix(tape.deltas[layer], 0, n_steps, width),
        spikes_of(tape, layers, layer, n_steps),
        second_of(tape, layers, layer, n_steps),
        tape.times[layer],
        n_times,
    )


@compiled
def run_above(
    neurons, readout, layers, heard, tape, i, n_steps, n_spikes, scratch, reading
):
    """Run all layers but the first, count all spikes, and read out sample ``i``.

    Each layer takes the spikes that the one below left on the tape, but for those of
    neurons that are not ``heard``. All inputs are listed by what they do, and none by
    its silences, so that input ``k`` has row ``k``. To ``n_spikes``, of shape
    (n_neurons,), the spikes of all layers are added; those of the hidden layers are
    known already, as the lengths of the lists of events. What is read is added to
    ``reading``, of shape (2, n_outputs).
    """
    hidden, output = neurons
    last, first, own = len(layers.sizes) - 2, 0, layers.recurrence
    for layer in range(1, last):
        _run_layer_above(own, hidden, layers, heard, tape, n_steps, layer, n_spikes)
    if last > 0:
        _run_layer_above(None, output, layers, heard, tape, n_steps, last, n_spikes)
    for layer in range(1, last + 1):
        for k in range(layers.sizes[layer]):
            n_spikes[first + k] += tape.n_times[layer][k]
        first += layers.sizes[layer]
    s = spikes_of(tape, layers, last, n_steps)
    u = matrix(tape.deltas[last], 0, n_steps, layers.widths[last + 1])
    for t in range(n_steps):
        for k in range(reading.shape[1]):
            n_spikes[first + k] += s[t, k]
    read_out(readout, i, s, u, scratch, reading)


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


@inlined
def _scan_back(
    recurrence,
    neurons,
    layers,
    heard,
    bounds,
    tape,
    n_steps,
    layer,
    start,
    scratch,
    m,
    gradients,
):
    """Turn the membranes of a layer into deltas, and sum these over the steps.

    From the last step to the first, ``backward_step`` overwrites row ``t`` of the
    membranes, (n_steps, width), with ``delta_t``, the gradient by the current. What it
    needs, the gradient ``g_t`` by the spikes of the step, is for the output layer the
    same at every step from ``start`` on, that of ``scratch``; below it ``delta_t`` of
    the layer above times that layer's transposed weights, as far as the neurons are
    ``heard``, what the neurons of the layer itself felt, and the penalty of the
    ``bounds``. ``m`` is the gradient by the
    membranes, of the output layer, or None. The sum over the steps, which is left in
    ``tape.work.total``, is the gradient of the biases. Those of the constants, if they
    learn, are added to ``gradients``.

    Fast because the product is one of a row with a matrix that stays in the cache, its
    sums in registers (`sum_scaled_rows`), and because nothing but the membranes has to
    be kept from the forward pass: the surrogate's derivative is computed again, for a
    few steps at a time, which stay in the nearest cache until they are needed.
    """
    width, first = layers.widths[layer + 1], layers.firsts[layer]
    n_units, neuron = layers.sizes[layer + 1], of_layer(neurons, first, first + width)
    constants = gradients.constants[:, first : first + width]
    u = matrix(tape.deltas[layer], 0, n_steps, width)
    s = spikes_of(tape, layers, layer, n_steps)
    second = second_of(tape, layers, layer, n_steps)
    before, work = states_of(tape.befores, tape, layers, layer), tape.work
    carry = matrix(work.states, 0, n_states(neuron), width)
    later = matrix(work.later, 0, n_states(neuron), width)
    u_t, g = segment(work.membranes, 0, width), segment(work.by_spike, 0, width)
    total, n_together = segment(work.total, 0, width), len(work.slopes) // width
    zeros = segment(work.zeros, 0, width)
    set_to_zero(carry)
    for h in range(width):
        total[h] = 0
    is_last = layer + 2 == len(layers.sizes)
    above = layer + int(not is_last)
    n_above = layers.sizes[above + 1]
    deltas = matrix(tape.deltas[above], 0, n_steps, layers.widths[above + 1])
    back = matrix(
        layers.transposed, layers.starts[above], n_above, layers.widths[above]
    )
    is_restrained = not is_last and (len(heard) > 0 or len(bounds.limits) > 0)
    push = tape.pushes[layer]
    if is_last:
        for h in range(width):
            g[h] = scratch.by_spike[h]
    first_known = n_steps
    for t in range(n_steps - 1, -1, -1):
        if t < first_known:
            first_known = max(0, t + 1 - n_together)
            slopes = segment(work.slopes, 0, (t + 1 - first_known) * width)
            above_threshold(u, first_known, neuron.threshold, slopes)
            surrogate_derivative(slopes, neuron.beta, neuron.surrogate)
        e = segment(work.slopes, (t - first_known) * width, width)
        if not is_last:
            row = segment(deltas, t * deltas.shape[1], n_above)
            sum_scaled_rows(zeros, row, back, g)
            add_felt(recurrence, layers, layer, n_steps, t, u, g)
            if is_restrained:
                restrain_gradient(heard, first, push, n_units, g)
        elif t < start:
            for h in range(width):
                g[h] = 0
        if neuron.learns:
            for h in range(width):
                u_t[h] = u[t, h]
            copy_columns(carry, later)
        backward_step(neuron, t, g, m, s, e, u, carry, total)
        if neuron.learns:
            add_gradients(
                neuron, t, g, s, e, u_t, u, before, second, later, carry, constants
            )


@compiled
def backward(neurons, layers, heard, bounds, tape, n_steps, start, scratch, gradients):
    """Add all gradients but that of the first weights.

    These are left to the caller: their inputs may be listed by their silences, or be no
    events at all. The sum of the first deltas is left in ``tape.work.total``. Steps
    before ``start`` are not read out, and ``scratch`` has what the loss left.
    """
    hidden, output = neurons
    last = len(layers.sizes) - 2
    by_membrane = scratch.by_membrane
    _scan_back(
        None,
        output,
        layers,
        heard,
        bounds,
        tape,
        n_steps,
        last,
        start,
        scratch,
        by_membrane,
        gradients,
    )
    _add_layer_gradient(None, layers, heard, tape, n_steps, last, gradients)
    for layer in range(last - 1, -1, -1):
        _scan_back(
            layers.recurrence,
            hidden,
            layers,
            heard,
            bounds,
            tape,
            n_steps,
            layer,
            start,
            scratch,
            None,
            gradients,
        )
        _add_layer_gradient(
            layers.recurrence, layers, heard, tape, n_steps, layer, gradients
        )


@inlined
def _add_layer_gradient(recurrence, layers, heard, tape, n_steps, layer, gradients):
    """Add the gradient of a layer's biases and, but for the first one, weights."""
    add_recurrent_gradient(recurrence, layers, layer, heard, n_steps, tape, gradients)
    bias, total = bias_of(gradients.biases, layers, layer), tape.work.total
    for h in range(len(bias)):
        bias[h] += total[h]
    if layer:
        add_weight_gradient(
            matrix(tape.deltas[layer], 0, n_steps, len(bias)),
            segment(tape.units, 0, layers.sizes[layer]),
            tape.times[layer],
            tape.n_times[layer],
            weights_of(gradients.weights, layers, layer),
        )
