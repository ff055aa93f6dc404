"""Compiled network: samples forward, spike by spike, and what that leaves behind.

A current ``sum_k x_k W_k`` over bits ``x_k`` is the sum of the rows of W whose input
fired, and the gradient of such a row is the sum of the deltas of the steps at which its
input fired. Both are sums of rows that a list of events names, with no multiplication
and no work for what is silent. (A layer of very few neurons looks at all of its inputs
instead: see `narrow`; one of some neurons lists events in another way: see `synapses`.)
An input that fires more often than not is counted by its *silences*: it is first taken
to fire at every step, and then rows of W (or delta) are subtracted for the silent
steps. So an input costs at most half of its steps.

A sample runs forward and backward before the next one starts, so that all that it
needs stays in the cache. The way of a sample::

    run_layer     the first layer: spikes of the input -> membranes and spikes
    run_above     all further layers alike, and what is read of the last one
    loss_gradient what was read -> loss, and its gradient by spikes and membranes
    backward      per layer, from the last one down: membranes -> deltas, and from
                  deltas and events the gradient of the weights; it has its own file

The neurons are two: those of the hidden layers, all of one class, and those of the
output layer, of the same or another. What is in `layers` says how the arrays are laid
out. In the shapes below, ``width`` is the padded number of neurons of a layer.
"""

from sklearn_snn._engines.compiled.layers import (
    bias_of,
    deltas_of,
    narrow_weights_of,
    second_of,
    spikes_of,
    states_of,
    times_of,
    weights_of,
)
from sklearn_snn._engines.compiled.narrow import (
    count_spikes,
    sum_fired,
    weights_of_heard,
)
from sklearn_snn._engines.compiled.neurons import n_states, of_layer
from sklearn_snn._engines.compiled.options import ZERO, compiled, inlined, merged
from sklearn_snn._engines.compiled.readouts import read_out
from sklearn_snn._engines.compiled.recurrence import take_step
from sklearn_snn._engines.compiled.restraint import copy_heard
from sklearn_snn._engines.compiled.synapses import (
    collect,
    collect_by_step,
    collect_rows,
)
from sklearn_snn._engines.compiled.vectors import sum_rows
from sklearn_snn._engines.compiled.views import matrix, segment


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
    n_added,
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
    ends,
    is_narrow,
    by_step,
):
    """Run a layer on spikes over all steps: membranes to ``u``, spikes to ``s``.

    Its states go from ``before`` to ``after``; see `Record`. It has ``recurrence``, or
    None, in which all neurons are heard if ``heard`` is empty. ``neuron`` has the
    constants of this layer, and what it has for a second state goes to ``second``.

    The current of step ``t`` is ``grid * (base + sum of listed rows of weights) +
    bias``, and what the neurons hear of each other. ``bits`` has shape (n_steps,
    n_bits) and says which inputs have an event; ``rows``, ``times`` and ``n_times``
    have an entry per input, as `collect` and `add_weight_gradient` take them; rows of
    the first ``n_added`` are added, and of all others subtracted. ``weights``, of shape
    (n_rows, width), are whole numbers of the unit ``grid``, and so is ``base``, the
    current of those inputs of which the silences are events. ``u`` has shape (n_steps,
    width), ``s`` (n_steps, at least width). If the layer ``is_narrow``, the weights are
    transposed, of shape (n_neurons, n_rows), there is no base, and no events are
    listed: see `sum_fired`. If it is ``by_step``, the inputs themselves are listed, in
    ``times`` one after the other, and those of step ``t`` end at ``ends[t]``: see
    `collect_by_step`. If there are no ``times``, nothing is learned of the sample, and
    no events are kept.

    Where events are listed, it is fast because a step adds as many rows as there are
    events, held in registers by `sum_rows`, and because one multiplication per neuron
    makes of the whole sum a current. Whole numbers add up without rounding: the order
    of events does not count.
    """
    width, listed, n = len(base), work.listed, ZERO
    total, lists = segment(work.current, 0, width), segment(times, 0, times.size)
    state = begin(neuron, before, work)
    has_lists = len(times) > 0 and not is_narrow and not by_step
    if has_lists:
        for k in range(len(n_times)):  # while it runs, where lists end
            n_times[k] += k * times.shape[1]
    for t in range(len(s)):
        if is_narrow:
            sum_fired(bits[t], weights, total)
        elif by_step:
            end = collect_by_step(bits[t], n, lists)
            sum_rows(base, weights, segment(lists, n, end - n), end - n, total)
            n = ends[t] = end
        else:
            if has_lists:
                m, n_spikes = collect(bits[t], t, rows, n_added, listed, times, n_times)
            else:
                m, n_spikes = collect_rows(bits[t], rows, n_added, listed)
            sum_rows(base, weights, segment(listed, 0, m), n_spikes, total)
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
    if has_lists:
        for k in range(len(n_times)):
            n_times[k] -= k * times.shape[1]
    leave(state, s, after)


@inlined
def begin(neuron, before, work):
    """Return the state of a layer, which is that before the first step."""
    state = matrix(work.states, 0, n_states(neuron), before.shape[1])
    for r in range(state.shape[0]):
        for h in range(state.shape[1]):
            state[r, h] = before[r, h]
    return state


@merged
def leave(state, s, after):
    """Keep the state of a layer, and its last spikes."""
    last = after.shape[0] - 1
    for r in range(state.shape[0]):
        for h in range(state.shape[1]):
            after[r, h] = state[r, h]
    for h in range(state.shape[1]):
        after[last, h] = s[len(s) - 1, h]


@merged
def _run_layer_above(
    recurrence, neuron, layers, heard, tape, n_steps, layer, n_spikes, learns
):
    """Run a layer on what it receives of the spikes of the one below."""
    n_times, width = tape.record.n_times[tape.row + layer], layers.widths[layer + 1]
    n_inputs, is_narrow = layers.sizes[layer], layers.are_narrow[layer]
    by_step = n_steps <= layers.steps_by_step[layer]
    first, sent = layers.firsts[layer], spikes_of(tape, layers, layer - 1, n_steps)
    if is_narrow:
        weights = narrow_weights_of(layers.whole_weights, layers, layer)
        n_neurons, n_rows = weights.shape
        if len(heard) > 0:
            some = matrix(tape.work.of_heard, 0, n_neurons, n_rows)
            own = segment(heard, layers.firsts[layer - 1], n_rows)
            weights_of_heard(weights, own, some)
            weights = some
    else:
        weights = weights_of(layers.whole_weights, layers, layer)
        if len(heard) > 0:
            sent = matrix(tape.work.sent, 0, sent.shape[0], sent.shape[1])
            copy_heard(heard, layers, tape, n_steps, layer - 1, n_spikes, sent)
    times = times_of(tape, layer)
    if not (learns or by_step):  # these lists are read on the way forward, too
        times = matrix(times, 0, 0, times.shape[1])
    if is_narrow or by_step or not learns:
        counts = segment(n_times, 0, n_inputs)
        count_spikes(sent, counts, segment(tape.work.counted, 0, sent.shape[1]))
    else:
        for k in range(n_inputs):
            n_times[k] = 0
    run_layer(
        recurrence,
        layers,
        layer,
        heard,
        of_layer(neuron, first, first + width),
        tape.work,
        sent,
        tape.record.units,
        n_inputs,
        weights,
        segment(tape.work.nothing, 0, width),
        layers.grids[layer],
        bias_of(layers.biases, layers, layer),
        states_of(tape.record.befores, tape, layers, layer),
        states_of(tape.record.afters, tape, layers, layer),
        deltas_of(tape, layers, layer, n_steps),
        spikes_of(tape, layers, layer, n_steps),
        second_of(tape, layers, layer, n_steps),
        times,
        n_times,
        tape.record.ends[tape.row + layer],
        is_narrow,
        by_step,
    )


@compiled
def run_above(
    neurons,
    readout,
    layers,
    heard,
    tape,
    i,
    n_steps,
    n_spikes,
    scratch,
    learns,
    reading,
):
    """Run all layers but the first, count all spikes, and read out sample ``i``.

    Each layer takes the spikes that the one below left on the tape, but for those of
    neurons that are not ``heard``. All inputs, but those of narrow layers, are listed
    by what they do, and none by its silences, so that input ``k`` has row ``k``. To
    ``n_spikes``, of shape (n_neurons,), the spikes of all layers are added; those of
    the hidden layers are known already, as the numbers of the events above, or counted.
    What is read is added to ``reading``, of shape (2, n_outputs). If it ``learns``, the
    events of each input are listed for the way back.
    """
    hidden, output = neurons
    last, first, own = len(layers.sizes) - 2, 0, layers.recurrence
    for layer in range(1, last):
        _run_layer_above(
            own, hidden, layers, heard, tape, n_steps, layer, n_spikes, learns
        )
    if last > 0:
        _run_layer_above(
            None, output, layers, heard, tape, n_steps, last, n_spikes, learns
        )
    for layer in range(1, last + 1):
        for k in range(layers.sizes[layer]):
            n_spikes[first + k] += tape.record.n_times[tape.row + layer][k]
        first += layers.sizes[layer]
    s = spikes_of(tape, layers, last, n_steps)
    u = deltas_of(tape, layers, last, n_steps)
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
