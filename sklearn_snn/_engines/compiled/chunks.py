"""Compiled entry points: a chunk of samples, from the engine's arrays to gradients.

What is compiled here is kept on disk, with all that it calls: see `cache`.
"""

import math
from typing import NamedTuple

import numpy as np

from sklearn_snn._engines.compiled.cache import code_key, entry_point
from sklearn_snn._engines.compiled.encoding import draw, stream_keys
from sklearn_snn._engines.compiled.layers import (
    bias_of,
    new_tape,
    second_of,
    spikes_of,
    weights_of,
    whole_words,
)
from sklearn_snn._engines.compiled.network import (
    add_weight_gradient,
    append_negatives,
    backward,
    copy_spikes,
    run_above,
    run_layer,
)
from sklearn_snn._engines.compiled.neurons import forward_step, n_states, of_layer
from sklearn_snn._engines.compiled.readouts import loss_gradient, new_scratch
from sklearn_snn._engines.compiled.restraint import rate_penalty
from sklearn_snn._engines.compiled.views import (
    copy_columns,
    matrix,
    segment,
    set_to_zero,
)

# So that numba renews what it keeps when any code that it consists of changes.
_CODE = code_key(__name__)


class Trains(NamedTuple):
    """Spike trains to draw.

    Attributes
    ----------
    indptr : ndarray of int64 of shape (n_samples + 1,)
        Sample ``i`` owns the entries ``indptr[i]:indptr[i + 1]``.
    features, thresholds : ndarrays of uint32 of shape (n_active,)
    seed_key, presentation_key : uint64
        See `encoding.stream_keys`.
    """

    indptr: np.ndarray
    features: np.ndarray
    thresholds: np.ndarray
    seed_key: np.uint64
    presentation_key: np.uint64


@entry_point
def active_inputs(rates, code=_CODE):
    """Return indptr, features and thresholds of all rates above 0, by sample.

    ``rates`` is of float32 and of shape (n_samples, n_features); the thresholds are
    those of `SpikeTrains.active`, and the three are laid out as in `Trains`.

    Fast because there is no branch: every feature is written where the next one that
    can fire belongs, and that place moves on only if it can. Four fifths of the pixels
    of a digit are black, in no order that a processor could foresee.
    """
    n_samples, n_features = rates.shape
    indptr = np.zeros(n_samples + 1, np.int64)
    features = np.empty(rates.size, np.uint32)
    thresholds = np.empty(rates.size, np.uint32)
    n = 0
    for i in range(n_samples):
        for k in range(n_features):
            features[n] = k  # the next one replaces it if the rate is 0
            n += np.int64(rates[i, k] > 0)
        for e in range(indptr[i], n):
            words = math.ceil(np.float64(rates[i, features[e]]) * 2.0**32)
            thresholds[e] = np.uint32(words - 1)
        indptr[i + 1] = n
    return indptr, features[:n], thresholds[:n]


@entry_point
def as_bits(x, bits, code=_CODE):
    """Copy spikes to bytes; tell for each sample whether it consists of spikes.

    ``x`` has shape (n_samples, n_steps, n_features) and any type of number; ``bits``,
    of uint8, at least that shape, and is filled up with zeros. A spike is a 1; a sample
    with any value but 0 and 1 is graded, and left at the end of the step in which that
    shows, so that graded data are hardly read twice. Within a step there is no branch,
    which makes vector code of the loop.
    """
    is_binary = np.ones(len(x), np.bool_)
    for i in range(len(x)):
        for t in range(x.shape[1]):
            is_graded = False
            for k in range(x.shape[2]):
                value = x[i, t, k]
                bits[i, t, k] = np.uint8(value != 0)
                is_graded |= (value != 0) & (value != 1)
            for k in range(x.shape[2], bits.shape[2]):
                bits[i, t, k] = 0
            if is_graded:
                is_binary[i] = False
                break
    return is_binary


@entry_point
def run_spikes(
    neurons,
    readout,
    layers,
    bounds,
    trains,
    bits,
    targets,
    loss_weights,
    kept,
    readings,
    spikes,
    membranes,
    gradients,
    n_spikes,
    losses,
    code=_CODE,
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
    targets : ndarray of shape (n_samples or 0, 1 or n_outputs)
        The index of the class, or a number per output.
    loss_weights : ndarray of shape (n_samples,) or (0,)
        What each sample's loss is multiplied with.
    kept : ndarray of bool of shape (n_samples or 0, n_biases)
        Which hidden neurons are heard, laid out as the biases are; all, if there are no
        samples.
    readings : ndarray of shape (n_samples, 2, n_outputs)
        Overwritten with what is read out; see `read_out`.
    spikes : ndarray of uint8 of shape (n_samples or 0, n_steps, n_neurons)
        Overwritten; the last layers side by side, as many as fit.
    membranes : ndarray of shape (n_samples or 0, n_steps, n_outputs)
        Overwritten with those of the output layer.
    gradients : Gradients
        Added to.
    n_spikes : ndarray of int64 of shape (n_neurons,)
        The number of spikes of each neuron is added, layer after layer.
    losses : ndarray of float64 of shape (2,)
        The loss is added, and the penalty of the firing rates.
    code : int
        Leave it alone.
    """
    n_steps, n_features, width = bits.shape[1], layers.sizes[0], layers.widths[1]
    must_draw, n_inputs = len(bits) == 0, n_features
    if must_draw:
        n_inputs = 1
        for i in range(len(readings)):
            n_inputs = max(n_inputs, trains.indptr[i + 1] - trains.indptr[i])
    hidden, output = neurons
    first_layer = of_layer(hidden, 0, layers.widths[1])
    most_states = max(n_states(hidden), n_states(output))
    tape = new_tape(layers, n_steps, n_inputs, most_states)
    times, n_times = tape.times[0], tape.n_times[0]
    rows = segment(tape.units, 0, n_inputs).copy()
    shifts = np.zeros(n_inputs, np.uint32)
    keys, often = np.empty(n_inputs, np.uint64), np.zeros(n_inputs, np.uint8)
    starts, increments = np.empty(n_inputs, np.uint32), np.empty(n_inputs, np.uint32)
    drawn = np.empty((n_steps, whole_words(n_inputs)), np.uint8)
    base = np.zeros(width, layers.signed.dtype)
    first_bias = bias_of(layers.biases, layers, 0)
    n_outputs, last = readings.shape[2], len(layers.sizes) - 2
    scratch = new_scratch(n_outputs, n_steps, layers.widths[-1], readings)
    last_u = matrix(tape.deltas[last], 0, n_steps, layers.widths[-1])
    deltas = matrix(tape.deltas[0], 0, 2 * n_steps + 1, width)
    s = spikes_of(tape, layers, 0, n_steps)
    second = second_of(tape, layers, 0, n_steps)
    total = segment(tape.work.total, 0, width)
    loss, penalty, everyone = 0.0, 0.0, np.empty(0, np.bool_)
    for i in range(len(readings)):
        active, x = segment(tape.units, 0, n_inputs), drawn
        for k in range(n_inputs):
            n_times[k] = 0
        if must_draw:
            first, n = trains.indptr[i], trains.indptr[i + 1] - trains.indptr[i]
            active = segment(trains.features, first, n)
            limits = segment(trains.thresholds, first, n)
            for h in range(width):
                base[h] = 0
            for k in range(n):
                often[k] = np.uint8(limits[k] >= np.uint32(2**31))
                rows[k], shifts[k] = active[k], 0
                if often[k]:
                    # At every step, and then back by the rows of -W and -delta.
                    rows[k], shifts[k] = active[k] + n_features, n_steps
                    times[k, 0], n_times[k] = 2 * n_steps, 1
                    for h in range(width):
                        base[h] += layers.signed[active[k], h]
            stream_keys(active, limits, trains.seed_key, trains.presentation_key, keys)
            draw(segment(keys, 0, n), limits, often, starts, increments, drawn)
        else:
            x = bits[i]
        run_layer(
            first_layer,
            tape.work,
            x,
            rows,
            shifts,
            layers.signed,
            base,
            layers.grids[0],
            first_bias,
            deltas,
            s,
            second,
            times,
            n_times,
        )
        heard = kept[i] if len(kept) > 0 else everyone
        run_above(
            neurons,
            readout,
            layers,
            heard,
            tape,
            n_steps,
            n_spikes,
            scratch,
            readings[i],
        )
        if len(spikes) > 0:
            copy_spikes(layers, tape, n_steps, spikes[i])
        if len(membranes) > 0:
            copy_columns(last_u, membranes[i])
        if len(targets) > 0:
            loss += loss_gradient(
                readout, last_u, readings[i], targets[i], loss_weights[i], scratch
            )
            if len(bounds.limits) > 0:
                penalty += rate_penalty(bounds, layers, tape, n_steps, loss_weights[i])
            backward(
                neurons,
                layers,
                heard,
                bounds,
                tape,
                n_steps,
                readout.start,
                scratch,
                gradients,
            )
            append_negatives(deltas, n_steps, total)
            gradient = weights_of(gradients.weights, layers, 0)
            add_weight_gradient(deltas, active, times, n_times, gradient)
    losses[0] += loss
    losses[1] += penalty


@entry_point
def run_currents(
    neurons,
    readout,
    layers,
    bounds,
    n_steps,
    currents,
    targets,
    loss_weights,
    kept,
    readings,
    spikes,
    membranes,
    gradients,
    n_spikes,
    losses,
    code=_CODE,
):
    """Run samples from the currents of the first layer on; else as `run_spikes`.

    For graded input, whose products with the weights the BLAS has made: the first layer
    takes its current from there, all further ones are as they are for spikes. For the
    same reason the gradient of the first weights is left to the BLAS: the deltas, which
    it needs, take the place of the currents. A constant current is added at every step
    from one row, and only the sum of its deltas is needed.

    Parameters
    ----------
    n_steps : int
    currents : ndarray of shape (n_steps or 1, n_samples, n_units)
        Of a single step: constant. Where there are targets, overwritten with the
        deltas, or their sum over the steps if constant; the gradient of the first
        weights, which follows from it, is not added.
    neurons, readout, layers, bounds, targets, loss_weights, kept, readings, spikes, \
            membranes, gradients, n_spikes, losses, code
        As in `run_spikes`.
    """
    n_units, width = layers.sizes[1], layers.widths[1]
    hidden, output = neurons
    first_layer = of_layer(hidden, 0, layers.widths[1])
    most_states = max(n_states(hidden), n_states(output))
    tape = new_tape(layers, n_steps, 0, most_states)
    n_outputs, last = readings.shape[2], len(layers.sizes) - 2
    scratch = new_scratch(n_outputs, n_steps, layers.widths[-1], readings)
    last_u = matrix(tape.deltas[last], 0, n_steps, layers.widths[-1])
    u = matrix(tape.deltas[0], 0, n_steps, width)
    s = spikes_of(tape, layers, 0, n_steps)
    second = second_of(tape, layers, 0, n_steps)
    total = segment(tape.work.total, 0, width)
    one = readings.dtype.type(1)
    state = np.empty((n_states(hidden), width), readings.dtype)
    current, bias = np.zeros(width, readings.dtype), np.zeros(width, readings.dtype)
    loss, penalty, everyone = 0.0, 0.0, np.empty(0, np.bool_)
    for i in range(len(readings)):
        set_to_zero(state)
        for t in range(n_steps):
            if t < len(currents):  # else it is constant
                for h in range(n_units):
                    current[h] = currents[t, i, h]
            forward_step(first_layer, t, current, one, bias, u, s, state, second)
        heard = kept[i] if len(kept) > 0 else everyone
        run_above(
            neurons,
            readout,
            layers,
            heard,
            tape,
            n_steps,
            n_spikes,
            scratch,
            readings[i],
        )
        if len(spikes) > 0:
            copy_spikes(layers, tape, n_steps, spikes[i])
        if len(membranes) > 0:
            copy_columns(last_u, membranes[i])
        if len(targets) > 0:
            loss += loss_gradient(
                readout, last_u, readings[i], targets[i], loss_weights[i], scratch
            )
            if len(bounds.limits) > 0:
                penalty += rate_penalty(bounds, layers, tape, n_steps, loss_weights[i])
            backward(
                neurons,
                layers,
                heard,
                bounds,
                tape,
                n_steps,
                readout.start,
                scratch,
                gradients,
            )
            if len(currents) == 1:
                for h in range(n_units):
                    currents[0, i, h] = total[h]
            else:
                for t in range(n_steps):
                    for h in range(n_units):
                        currents[t, i, h] = u[t, h]
    losses[0] += loss
    losses[1] += penalty


def n_compiled():
    """Return how many functions this process compiled because none was on disk."""
    entries = active_inputs, as_bits, run_spikes, run_currents
    return sum(sum(entry.stats.cache_misses.values()) for entry in entries)
