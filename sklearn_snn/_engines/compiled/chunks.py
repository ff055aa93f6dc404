"""Compiled entry points: a chunk of samples, from the engine's arrays to gradients.

What is compiled here is kept on disk, with all that it calls: see `cache`.
"""

import numpy as np

from sklearn_snn._engines.compiled.backward import Together, backward, heard_by
from sklearn_snn._engines.compiled.cache import code_key, entry_point
from sklearn_snn._engines.compiled.encoding import draw, inputs_of, stream_keys
from sklearn_snn._engines.compiled.layers import (
    bias_of,
    count_up,
    deltas_of,
    new_tapes,
    put_states,
    second_of,
    spikes_of,
    states_of,
    take_states,
    tape_of,
    times_of,
    total_of,
    whole_words,
)
from sklearn_snn._engines.compiled.network import (
    begin,
    copy_spikes,
    leave,
    run_above,
    run_layer,
)
from sklearn_snn._engines.compiled.neurons import n_states, of_layer
from sklearn_snn._engines.compiled.options import ZERO, compiled
from sklearn_snn._engines.compiled.readouts import (
    loss_gradient,
    new_scratches,
    scratch_of,
)
from sklearn_snn._engines.compiled.recurrence import most_together, take_step
from sklearn_snn._engines.compiled.restraint import rate_penalty
from sklearn_snn._engines.compiled.sums import chunk_of, spikes_in
from sklearn_snn._engines.compiled.synapses import add_weight_gradient, append_negatives
from sklearn_snn._engines.compiled.vectors import sum_rows
from sklearn_snn._engines.compiled.views import copy_columns, matrix, segment, zeros

# So that numba renews what it keeps when any code that it consists of changes.
_CODE = code_key(__name__)


@compiled
def _run_on(
    neurons,
    readout,
    layers,
    bounds,
    heard,
    tape,
    i,
    n_steps,
    targets,
    loss_weights,
    readings,
    spikes,
    membranes,
    states,
    scratch,
    sums,
):
    """Run sample ``i`` on from the first layer's spikes, and up to the loss.

    That and the penalty are added to the ``sums``, if there are targets. Of what else
    is asked for, nothing beyond the end of the sample is written.
    """
    last = len(layers.sizes) - 2
    u = deltas_of(tape, layers, last, n_steps)
    reading, chunk = readings[i], chunk_of(sums, i)
    n_spikes = spikes_in(sums, chunk)
    run_above(
        neurons, readout, layers, heard, tape, i, n_steps, n_spikes, scratch, reading
    )
    put_states(states, i, layers, tape)
    if len(spikes) > 0:
        copy_spikes(layers, tape, n_steps, spikes[i])
    if len(membranes) > 0:
        copy_columns(u, matrix(membranes[i], 0, n_steps, membranes.shape[2]))
    if len(targets) == 0:
        return
    weights, weight = loss_weights[i], 0.0
    loss = loss_gradient(readout, i, u, reading, targets[i], weights, scratch)
    sums.losses[chunk, 0] += loss
    if len(bounds.limits) > 0:
        for t in range(len(weights)):
            weight += weights[t]
        penalty = rate_penalty(bounds, i, layers, tape, n_steps, weight)
        sums.losses[chunk, 1] += penalty


@entry_point(_CODE)
def run_spikes(
    neurons,
    readout,
    layers,
    bounds,
    trains,
    bits,
    lengths,
    targets,
    loss_weights,
    kept,
    states,
    readings,
    spikes,
    membranes,
    sums,
):
    """Run samples of spikes forward and, where there are targets, backward.

    The inputs of the first layer are those features of a sample that can fire, in one
    list; so what is drawn, and the loops over inputs, have its length. Input ``k`` is
    ``active[k]`` in the weights. One that fires at half of the steps or more
    (``often``) is counted by its silences: ``base`` holds its row of W, as if it fired
    at every step, and its events add the row of -W, ``n_features`` further down; in the
    backward pass likewise, ``n_steps`` further down. Recorded spikes are taken as they
    are, with all features as inputs.

    All arrays of a sample are made once and reused, so that they stay in the cache.

    Parameters
    ----------
    neurons : tuple of two compiled neurons
        Of the hidden layers, and of the output layer; without hidden layers twice the
        latter.
    readout : Readout
    layers : Layers
    bounds : Bounds
        On the rates of hidden layers.
    trains : Trains
        Drawn if there are no bits.
    bits : ndarray of uint8 of shape (n_samples or 0, n_steps, n_bits)
        Spikes, with n_bits a multiple of 64.
    lengths : ndarray of int64 of shape (n_samples,)
        Number of steps of each sample, at most n_steps; all have n_steps if they are
        drawn.
    targets : ndarray of shape (n_samples or 0, 1 or n_outputs)
        The index of the class, or a number per output; per step those of all steps, one
        behind the other.
    loss_weights : ndarray of shape (n_samples or 0, 1) or, per step, (n_samples, \
            n_steps)
        What each loss is multiplied with.
    kept : ndarray of bool of shape (n_samples or 0, n_biases)
        Which hidden neurons are heard, laid out as the biases are; all, if there are no
        samples.
    states : ndarray of shape (n_samples or 0, most_states + 1, n_biases)
        Of all neurons before the first step, overwritten with those after the last;
        see `Tape`. At rest, if there are no samples.
    readings : ndarray of shape (n_samples, 2, n_outputs)
        What is read out is added; see `read_out`.
    spikes : ndarray of uint8 of shape (n_samples or 0, n_steps, n_neurons)
        Overwritten; the last layers side by side, as many as fit.
    membranes : ndarray of shape (n_samples or 0, n_steps, n_outputs)
        Overwritten with those of the output layer.
    sums : Sums
        Added to.
    """
    most_steps, n_features, width = bits.shape[1], layers.sizes[0], layers.widths[1]
    must_draw, n_inputs = len(bits) == 0, n_features
    if must_draw:
        n_inputs = 1
        for i in range(len(readings)):
            n_inputs = max(n_inputs, trains.indptr[i + 1] - trains.indptr[i])
    hidden, output = neurons
    first_layer = of_layer(hidden, 0, layers.widths[1])
    most_states = max(n_states(hidden), n_states(output))
    n_tapes = most_together(layers.recurrence)
    # What constants learn is added step by step, of one sample after the other.
    n_together = 1 if hidden.learns else n_tapes
    tapes = new_tapes(layers, most_steps, n_inputs, most_states, n_tapes)
    rows, shifts = count_up(n_inputs), zeros(n_inputs, np.uint32)
    keys, often = zeros(n_inputs, np.uint64), zeros(n_inputs, np.uint8)
    starts, increments = zeros(n_inputs, np.uint32), zeros(n_inputs, np.uint32)
    drawn = zeros((most_steps, whole_words(n_inputs)), np.uint8)
    base = zeros(width, layers.signed.dtype)
    first_bias = bias_of(layers.biases, layers, 0)
    n_outputs, last_width = readings.shape[2], layers.widths[-1]
    scratches = new_scratches(n_outputs, most_steps, last_width, readings, n_tapes)
    listed, nothing = tapes.work.listed, segment(tapes.work.nothing, 0, width)
    for i in range(len(readings)):
        j, n_steps, heard = i % n_together, lengths[i], heard_by(kept, i)
        tape, scratch = tape_of(tapes, j, layers), scratch_of(scratches, j)
        times, n_times = times_of(tape, 0), tape.n_times[tape.row]
        take_states(states, i, layers, tape)
        deltas = deltas_of(tape, layers, 0, 2 * n_steps + 1)
        x = drawn
        for k in range(n_inputs):
            n_times[k] = 0
        if must_draw:
            active, limits = inputs_of(trains, i)
            n, m = len(active), 0
            x = matrix(drawn, 0, most_steps, whole_words(n))
            for k in range(n):
                often[k] = np.uint8(limits[k] >= np.uint32(2**31))
                rows[k], shifts[k] = active[k], 0
                if often[k]:
                    # At every step, and then back by the rows of -W and -delta.
                    rows[k], shifts[k] = active[k] + n_features, n_steps
                    times[k, 0], n_times[k] = 2 * n_steps, 1
                    listed[m], m = active[k], m + 1
            sum_rows(nothing, layers.signed, segment(listed, 0, m), base)
            stream_keys(active, limits, trains.seed_key, trains.presentation_key, keys)
            own, step = segment(keys, 0, n), trains.first_step
            draw(own, limits, step, often, starts, increments, x)
        else:
            x = bits[i]
        run_layer(
            layers.recurrence,
            layers,
            ZERO,
            heard,
            first_layer,
            tape.work,
            x,
            rows,
            shifts,
            layers.signed,
            base,
            layers.grids[0],
            first_bias,
            states_of(tape.befores, tape, layers, 0),
            states_of(tape.afters, tape, layers, 0),
            deltas,
            spikes_of(tape, layers, 0, n_steps),
            second_of(tape, layers, 0, n_steps),
            times,
            n_times,
        )
        _run_on(
            neurons,
            readout,
            layers,
            bounds,
            heard,
            tape,
            i,
            n_steps,
            targets,
            loss_weights,
            readings,
            spikes,
            membranes,
            states,
            scratch,
            sums,
        )
        if len(targets) == 0 or (j + 1 < n_together and i + 1 < len(readings)):
            continue
        together = Together(i - j, i + 1, lengths, kept, tapes, scratches)
        start = readout.start
        backward(layers.recurrence, neurons, layers, bounds, together, start, sums)
        for back in range(i - j, i + 1):
            tape, n_steps = tape_of(tapes, back - i + j, layers), lengths[back]
            active = segment(tape.units, 0, n_inputs)
            if must_draw:
                active, limits = inputs_of(trains, back)
            deltas = deltas_of(tape, layers, 0, 2 * n_steps + 1)
            append_negatives(deltas, n_steps, total_of(tape, width))
            place = chunk_of(sums, back) * sums.numbers.shape[1]
            gradient = matrix(sums.numbers, place, n_features, width)
            times, n_times = times_of(tape, 0), tape.n_times[tape.row]
            add_weight_gradient(deltas, active, times, n_times, gradient)


@entry_point(_CODE)
def run_currents(
    neurons,
    readout,
    layers,
    bounds,
    currents,
    lengths,
    targets,
    loss_weights,
    kept,
    states,
    readings,
    spikes,
    membranes,
    sums,
):
    """Run samples from the currents of the first layer on; else as `run_spikes`.

    For graded input, whose products with the weights the BLAS has made: the first layer
    takes its current from there, all further ones are as they are for spikes. For the
    same reason the gradient of the first weights is left to the BLAS: the deltas, which
    it needs, take the place of the currents. A constant current is added at every step
    from one row, and only the sum of its deltas is needed.

    Parameters
    ----------
    currents : ndarray of shape (n_samples, n_steps or 1, n_units)
        Without the biases. Of a single step: constant. What is beyond the end of a
        sample counts for nothing. Where there are targets, overwritten with the deltas,
        or their sum over the steps if constant; the gradient of the first weights,
        which follows from it, is not added.
    lengths : ndarray of int64 of shape (n_samples,)
        Number of steps of each sample.
    neurons, readout, layers, bounds, targets, loss_weights, kept, states, readings, \
            spikes, membranes, sums
        As in `run_spikes`.
    """
    n_units, width = layers.sizes[1], layers.widths[1]
    hidden, output = neurons
    first_layer = of_layer(hidden, 0, layers.widths[1])
    most_states = max(n_states(hidden), n_states(output))
    most_steps = ZERO
    for i in range(len(lengths)):
        most_steps = max(most_steps, lengths[i])
    n_tapes = most_together(layers.recurrence)
    # What constants learn is added step by step, of one sample after the other.
    n_together = 1 if hidden.learns else n_tapes
    tapes = new_tapes(layers, most_steps, ZERO, most_states, n_tapes)
    n_outputs, last_width = readings.shape[2], layers.widths[-1]
    scratches = new_scratches(n_outputs, most_steps, last_width, readings, n_tapes)
    one = readings.dtype.type(1)
    current, bias = zeros(width, readings.dtype), bias_of(layers.biases, layers, 0)
    n_currents = currents.shape[1]
    for i in range(len(readings)):
        j, n_steps, heard = i % n_together, lengths[i], heard_by(kept, i)
        tape, scratch = tape_of(tapes, j, layers), scratch_of(scratches, j)
        take_states(states, i, layers, tape)
        u = deltas_of(tape, layers, 0, n_steps)
        s = spikes_of(tape, layers, 0, n_steps)
        second = second_of(tape, layers, 0, n_steps)
        before = states_of(tape.befores, tape, layers, 0)
        state = begin(first_layer, before, tape.work)
        for t in range(n_steps):
            if t < n_currents:  # else it is constant
                for h in range(n_units):
                    current[h] = currents[i, t, h]
            take_step(
                layers.recurrence,
                layers,
                0,
                heard,
                first_layer,
                tape.work,
                t,
                current,
                one,
                bias,
                before,
                u,
                s,
                state,
                second,
            )
        leave(state, s, states_of(tape.afters, tape, layers, 0))
        _run_on(
            neurons,
            readout,
            layers,
            bounds,
            heard,
            tape,
            i,
            n_steps,
            targets,
            loss_weights,
            readings,
            spikes,
            membranes,
            states,
            scratch,
            sums,
        )
        if len(targets) == 0 or (j + 1 < n_together and i + 1 < len(readings)):
            continue
        together = Together(i - j, i + 1, lengths, kept, tapes, scratches)
        start = readout.start
        backward(layers.recurrence, neurons, layers, bounds, together, start, sums)
        for back in range(i - j, i + 1):
            tape, n_steps = tape_of(tapes, back - i + j, layers), lengths[back]
            u, total = deltas_of(tape, layers, 0, n_steps), total_of(tape, width)
            if n_currents == 1:
                for h in range(n_units):
                    currents[back, 0, h] = total[h]
            else:
                for t in range(n_currents):
                    for h in range(n_units):
                        currents[back, t, h] = u[t, h] if t < n_steps else 0
