"""Compiled samples: each runs forward and, where there are targets, back at once.

What is here makes no arrays, and so counts no references to any: where a sample's parts
of them were taken in the entry points, which do count, to count took a sixth of the
time of a sample of few steps. From here on, what is the same for all samples is passed
on by `references`.
"""

from typing import NamedTuple

import numpy as np

from sklearn_snn._engines.compiled.backward import Together, backward, heard_by
from sklearn_snn._engines.compiled.encoding import draw, list_inputs, stream_keys
from sklearn_snn._engines.compiled.layers import (
    Tape,
    bias_of,
    deltas_of,
    put_states,
    rows_of,
    second_of,
    spikes_of,
    states_of,
    take_states,
    tape_of,
    times_of,
    total_of,
    weights_of,
    whole_words,
)
from sklearn_snn._engines.compiled.network import (
    begin,
    copy_spikes,
    leave,
    run_above,
    run_layer,
)
from sklearn_snn._engines.compiled.neurons import of_layer
from sklearn_snn._engines.compiled.options import ZERO, compiled, merged
from sklearn_snn._engines.compiled.products import fetch
from sklearn_snn._engines.compiled.readouts import loss_gradient, scratch_of
from sklearn_snn._engines.compiled.recurrence import most_together, take_step
from sklearn_snn._engines.compiled.references import reference
from sklearn_snn._engines.compiled.restraint import Bounds, rate_penalty
from sklearn_snn._engines.compiled.sums import chunk_of, spikes_in
from sklearn_snn._engines.compiled.synapses import (
    add_weight_gradient,
    begin_rows,
)
from sklearn_snn._engines.compiled.vectors import sum_rows
from sklearn_snn._engines.compiled.views import copy_columns, matrix, segment


class Asked(NamedTuple):
    """What an entry point is told of the samples, and writes of them; see `chunks`."""

    bounds: Bounds
    lengths: np.ndarray
    targets: np.ndarray
    loss_weights: np.ndarray
    kept: np.ndarray
    states: np.ndarray
    readings: np.ndarray
    spikes: np.ndarray
    membranes: np.ndarray


class Drawing(NamedTuple):
    """What the events of the first layer take, made once for all samples.

    Attributes
    ----------
    rates : ndarray of float32 of shape (n_features,)
        Those of a dense sample.
    can_fire : ndarray of uint8 of shape (n_bits,)
        Which of them are above 0, and zeros.
    words, limits : ndarrays of uint32 of shape (n_inputs,)
        Up to which words of random numbers inputs fire; see `list_inputs`.
    often : ndarray of uint8 of shape (n_inputs,)
        Which inputs are counted by their silences.
    keys : ndarray of uint64 of shape (n_inputs,)
    starts, increments : ndarrays of uint32 of shape (n_inputs,)
        See `draw`.
    drawn : ndarray of uint8 of shape (n_steps, n_bits)
    base : ndarray of shape (width,)
        The current of the inputs that are counted by their silences.
    """

    rates: np.ndarray
    can_fire: np.ndarray
    words: np.ndarray
    limits: np.ndarray
    often: np.ndarray
    keys: np.ndarray
    starts: np.ndarray
    increments: np.ndarray
    drawn: np.ndarray
    base: np.ndarray


@compiled
def _run_on(neurons, readout, layers, asked, heard, tape, i, n_steps, scratch, sums):
    """Run sample ``i`` on from the first layer's spikes, and up to the loss.

    That and the penalty are added to the ``sums``, if there are targets. Of what else
    is asked for, nothing beyond the end of the sample is written.
    """
    last, bounds = len(layers.sizes) - 2, asked.bounds
    u = deltas_of(tape, layers, last, n_steps)
    reading, chunk = asked.readings[i], chunk_of(sums, i)
    n_spikes = spikes_in(sums, chunk)
    learns = len(asked.targets) > 0
    run_above(
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
    )
    put_states(asked.states, i, layers, tape)
    if len(asked.spikes) > 0:
        copy_spikes(layers, tape, n_steps, asked.spikes[i])
    if len(asked.membranes) > 0:
        n_outputs = asked.membranes.shape[2]
        copy_columns(u, matrix(asked.membranes[i], 0, n_steps, n_outputs))
    if not learns:
        return
    weights, weight = asked.loss_weights[i], 0.0
    loss = loss_gradient(readout, i, u, reading, asked.targets[i], weights, scratch)
    sums.losses[chunk, 0] += loss
    if len(bounds.limits) > 0:
        for t in range(len(weights)):
            weight += weights[t]
        penalty = rate_penalty(bounds, i, layers, tape, n_steps, weight)
        sums.losses[chunk, 1] += penalty


@compiled
def _go_back(neurons, readout, layers, asked, together, sums):
    """Add all gradients of some samples but that of the first weights."""
    bounds, own, start = asked.bounds, layers.recurrence, readout.start
    backward(own, neurons, layers, bounds, together, start, sums)


@merged
def _how_many_together(neurons, layers):
    """Return how many samples go back together."""
    # What constants learn is added step by step, of one sample after the other.
    return 1 if neurons[0].learns else most_together(layers.recurrence)


@compiled
def run_samples_of_spikes(
    neurons, readout, layers, asked, trains, bits, drawing, memory, sums, start, stop
):
    """Do what `chunks.run_spikes` says with samples from `start` to `stop`."""
    record, work, scratches = memory
    tapes = Tape(reference(record), reference(work), 0, 0)
    scratches = reference(scratches)
    must_draw, n_inputs = len(bits) == 0, len(drawing.often)
    n_features, width = layers.sizes[0], layers.widths[1]
    first_layer = of_layer(neurons[0], 0, width)
    n_together = _how_many_together(neurons, layers)
    often, drawn, base = drawing.often, drawing.drawn, drawing.base
    weights = weights_of(layers.whole_weights, layers, 0)
    first_bias = bias_of(layers.biases, layers, 0)
    nothing = segment(tapes.work.nothing, 0, width)
    learns = len(asked.targets) > 0
    for i in range(start, stop):
        j, n_steps = (i - start) % n_together, asked.lengths[i]
        heard = heard_by(asked.kept, i)
        tape, scratch = tape_of(tapes, j, layers), reference(scratch_of(scratches, j))
        times, n_times = times_of(tape, 0), tape.record.n_times[tape.row]
        if not learns:
            times = matrix(times, 0, 0, times.shape[1])
        take_states(asked.states, i, layers, tape)
        rows, n_added = segment(tape.record.units, 0, n_inputs), n_inputs
        for k in range(n_inputs):
            n_times[k] = 0
        if must_draw:
            rows = rows_of(tape)
            n, n_added = list_inputs(
                trains, i, drawing, tape.work.listed, rows, drawing.limits
            )
            tape.record.n_listed[j], tape.record.n_seldom[j] = n, n_added
            rows, limits = segment(rows, 0, n), segment(drawing.limits, 0, n)
            x = matrix(drawn, 0, len(drawn), whole_words(n))
            for k in range(n):
                often[k] = k >= n_added
                if often[k] and learns:  # at every step, by the deltas' sum, and back
                    times[k, 0], n_times[k] = n_steps, 1
            n_often = n - n_added
            sum_rows(nothing, weights, segment(rows, n_added, n_often), n_often, base)
            keys, step = segment(drawing.keys, 0, n), trains.first_step
            stream_keys(rows, limits, trains.seed_key, trains.presentation_key, keys)
            draw(keys, limits, step, often, drawing.starts, drawing.increments, x)
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
            n_added,
            weights,
            base,
            layers.grids[0],
            first_bias,
            states_of(tape.record.befores, tape, layers, 0),
            states_of(tape.record.afters, tape, layers, 0),
            deltas_of(tape, layers, 0, n_steps),
            spikes_of(tape, layers, 0, n_steps),
            second_of(tape, layers, 0, n_steps),
            times,
            n_times,
            tape.record.ends[tape.row],
            layers.are_narrow[0],  # no: of a literal all would be compiled anew
            n_steps <= layers.steps_by_step[0],  # no, too
        )
        _run_on(neurons, readout, layers, asked, heard, tape, i, n_steps, scratch, sums)
        if not learns or not (j + 1 == n_together or i + 1 == stop):
            continue
        together = Together(i - j, i + 1, asked.lengths, asked.kept, tapes, scratches)
        _go_back(neurons, readout, layers, asked, together, sums)
        for back in range(i - j, i + 1):
            tape, n_steps = tape_of(tapes, back - i + j, layers), asked.lengths[back]
            rows, n_added = segment(tape.record.units, 0, n_inputs), n_inputs
            if must_draw:
                n, n_added = tape.record.n_listed[tape.j], tape.record.n_seldom[tape.j]
                rows = segment(rows_of(tape), 0, n)
            deltas = deltas_of(tape, layers, 0, n_steps + 1)
            total = total_of(tape, width)
            for h in range(width):
                deltas[n_steps, h] = total[h]
            chunk = chunk_of(sums, back)
            place = chunk * sums.numbers.shape[1]
            gradient = matrix(sums.numbers, place, n_features, width)
            times, n_times = times_of(tape, 0), tape.record.n_times[tape.row]
            begin_rows(rows, n_times, sums.has_begun[chunk], gradient)
            add_weight_gradient(deltas, rows, n_added, times, n_times, gradient)


@compiled
def run_samples_of_currents(
    neurons,
    readout,
    layers,
    asked,
    inputs,
    currents,
    begins,
    first_row,
    n_rows,
    is_constant,
    current,
    memory,
    sums,
    start,
    stop,
):
    """Do what `chunks.run_currents` says with samples from `start` to `stop`."""
    record, work, scratches = memory
    tapes = Tape(reference(record), reference(work), 0, 0)
    scratches = reference(scratches)
    n_units, width, n_inputs = layers.sizes[1], layers.widths[1], inputs.shape[1]
    first_layer = of_layer(neurons[0], 0, width)
    n_together = _how_many_together(neurons, layers)
    one, bias = current.dtype.type(1), bias_of(layers.biases, layers, 0)
    for i in range(start, stop):
        j, n_steps = (i - start) % n_together, asked.lengths[i]
        heard = heard_by(asked.kept, i)
        tape, scratch = tape_of(tapes, j, layers), reference(scratch_of(scratches, j))
        take_states(asked.states, i, layers, tape)
        u = deltas_of(tape, layers, 0, n_steps)
        s = spikes_of(tape, layers, 0, n_steps)
        second = second_of(tape, layers, 0, n_steps)
        before = states_of(tape.record.befores, tape, layers, 0)
        state = begin(first_layer, before, tape.work)
        for t in range(n_steps):
            if t == 0 or not is_constant:
                row = begins[i] - first_row + t
                # Of the samples after these: their products would wait for the memory.
                if not is_constant:
                    fetch(inputs, (row + first_row + n_rows) * n_inputs, n_inputs)
                for h in range(n_units):
                    current[h] = currents[row, h]
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
        leave(state, s, states_of(tape.record.afters, tape, layers, 0))
        _run_on(neurons, readout, layers, asked, heard, tape, i, n_steps, scratch, sums)
        if len(asked.targets) == 0 or not (j + 1 == n_together or i + 1 == stop):
            continue
        together = Together(i - j, i + 1, asked.lengths, asked.kept, tapes, scratches)
        _go_back(neurons, readout, layers, asked, together, sums)
        for back in range(i - j, i + 1):
            tape, n_steps = tape_of(tapes, back - i + j, layers), asked.lengths[back]
            u, total = deltas_of(tape, layers, 0, n_steps), total_of(tape, width)
            row = begins[back] - first_row
            if is_constant:
                for h in range(n_units):
                    currents[row, h] = total[h]
            else:
                for t in range(n_steps):
                    for h in range(n_units):
                        currents[row + t, h] = u[t, h]
