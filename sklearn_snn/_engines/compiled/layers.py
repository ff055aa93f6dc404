"""How the weights of all layers, and the record of one sample, lie in memory.

numba takes no list of matrices of different shapes without work at every call. So the
matrices of all layers lie one after another in flat arrays, and the functions here
return the part that belongs to a layer, as a view. Rows are padded with zeros to a
multiple of `lanes_of`, so that the vector code needs no loop for a remainder: a padded
neuron has no weights and no bias, and never fires.
"""

from typing import NamedTuple

import numpy as np

from sklearn_snn._engines.compiled.bits import BITS_AT_ONCE
from sklearn_snn._engines.compiled.narrow import MOST_NEURONS
from sklearn_snn._engines.compiled.options import ZERO, allocating, compiled, inlined
from sklearn_snn._engines.compiled.views import empty, matrix, segment, zeros

# Derivatives of surrogates that are worked out at a time: 16 kB in float32.
SLOPES = 4096


class Layers(NamedTuple):
    """The weights of all layers, one after another in flat arrays.

    Attributes
    ----------
    sizes : ndarray of int64 of shape (n_layers + 1,)
        Number of units, input included.
    widths : ndarray of int64 of shape (n_layers + 1,)
        The same, rounded up to a multiple of `lanes_of`, but for the input.
    starts : ndarray of int64 of shape (n_layers + 1,)
        Where the weights of a layer begin.
    firsts : ndarray of int64 of shape (n_layers,)
        Where the neurons of a layer begin among those of all, padding included.
    are_narrow : ndarray of bool of shape (n_layers,)
        Which layers sum over all of their inputs; see `narrow`.
    steps_by_step : ndarray of int64 of shape (n_layers,)
        Up to how many steps of a sample a layer lists its events step by step; see
        `synapses`.
    grids : ndarray of shape (n_layers,)
        The unit of `whole_weights`; see `_model.synapses.grid`.
    whole_weights : ndarray of int32 or float64 of shape (starts[-1],)
        Per layer a matrix of shape (widths[l], widths[l + 1]), the weights in whole
        units: their sums are exact in any order. Of a narrow layer transposed.
    transposed : ndarray of shape (starts[-1],)
        Per layer but the first the weights as they are, transposed.
    biases : ndarray of shape (sum(widths[1:]),)
    recurrence : Recurrence or None
        See `recurrence`.
    """

    sizes: np.ndarray
    widths: np.ndarray
    starts: np.ndarray
    firsts: np.ndarray
    are_narrow: np.ndarray
    steps_by_step: np.ndarray
    grids: np.ndarray
    whole_weights: np.ndarray
    transposed: np.ndarray
    biases: np.ndarray
    recurrence: object = None


class Work(NamedTuple):
    """What the code needs beside the tape, made once, and used by a layer at a time.

    Most of it is as long as the widest layer has neurons. No zero is ever written, and
    the total is left of the layer that ran last. Samples that go back together have
    `states`, `by_spike`, `slopes` and `total` of their own, and share the rest.

    Attributes
    ----------
    listed : ndarray of uint32 of shape (most inputs + `BITS_AT_ONCE`,)
        Rows of the weights of the inputs that have an event in a step.
    nothing, current, felt : ndarrays of the dtype of `Layers.whole_weights`
        Zeros, the sum of the listed rows, and that of those of recurrent weights.
    states, later : ndarrays of shape (most_states * widest,)
        What is carried from step to step, forward or back, and a copy.
    membranes, by_spike : ndarrays
        Of a step: the membranes that deltas replace, and the gradient by the spikes.
    slopes : ndarray of shape (at least widest,)
        The derivatives of the surrogate of some steps, as many as there is room for;
        going forward, the current of a recurrent layer.
    known : ndarray of int64 of shape (n_tapes,)
        The first step of which a sample's slopes are there.
    total, zeros, neutral : ndarrays
        The sum of the deltas over the steps, zeros, and -0 for all, which leaves every
        number that it is added to as it is, -0 too.
    sent : ndarray of uint8 of shape (n_steps * at least widest,)
        The spikes of a layer that the one above receives.
    counted : ndarray of uint8 of shape (at least widest,)
        How many spikes there were at some steps.
    narrow : ndarray of shape (widest,)
        Of a neuron of a narrow layer, the gradient of the weights.
    of_heard : ndarray of shape (`MOST_NEURONS` * widest,)
        Of a narrow layer, transposed, the whole weights of the inputs that are heard.
    """

    listed: np.ndarray
    nothing: np.ndarray
    current: np.ndarray
    felt: np.ndarray
    states: np.ndarray
    later: np.ndarray
    membranes: np.ndarray
    by_spike: np.ndarray
    slopes: np.ndarray
    known: np.ndarray
    total: np.ndarray
    zeros: np.ndarray
    neutral: np.ndarray
    sent: np.ndarray
    counted: np.ndarray
    narrow: np.ndarray
    of_heard: np.ndarray


class Record(NamedTuple):
    """What the forward pass over a sample leaves for the backward pass, per layer.

    Of samples that go back together all have their layers here, one behind the other.

    Attributes
    ----------
    deltas : ndarray of shape (n_layers, (n_steps + 1) * widest)
        First the membranes, of shape (n_steps, width), which the deltas replace: the
        gradients by the currents. In the first layer their sum follows.
    seconds : ndarray of shape (n_layers, n_steps * widest)
        The second state of the neurons, if they have one, of shape (n_steps, width);
        else it is empty.
    spikes : ndarray of uint8 of shape (n_layers, n_steps * at least widest)
        Of shape (n_steps, n_bits), with n_bits a multiple of 64.
    times : ndarray of uint32 of shape (n_layers * most inputs + `BITS_AT_ONCE`, \
            n_steps + 1)
        Per layer and input the rows of the deltas that add up to its gradient: the
        steps at which it fired, or n_steps, where their sum is, and then the steps at
        which it did not, whose deltas are subtracted. Of a layer by
        step the inputs that fired, those of a step after those of the step before;
        `BITS_AT_ONCE` entries more may be written, of the layer above, whose turn is
        later, or of the last rows. Not written for narrow layers, nor in an answer, but
        by step.
    n_times : ndarray of int64 of shape (n_layers, most inputs)
        How many of them are listed; for a layer that is narrow or by step, and in an
        answer for all but the first, how often its inputs fired.
    ends : ndarray of int64 of shape (n_layers, n_steps)
        Of a layer by step, where the inputs of each step end.
    befores, afters : ndarrays of shape (n_layers, (most_states + 1) * widest)
        The states of the neurons before the first step and after the last, of shape
        (most_states + 1, width); the last row are the spikes of the step before these.
    pushes : ndarray of float64 of shape (n_layers,)
        The gradient by a spike that a bound on the firing rate makes.
    units : ndarray of uint32 of shape (most inputs,)
        0, 1, 2, ...
    rows : ndarray of uint32 of shape (n_tapes, most inputs)
        Of spikes that are drawn, the features that can fire; see `list_inputs`.
    n_listed, n_seldom : ndarrays of int64 of shape (n_tapes,)
        How many these are, and how many of them fire seldom.
    """

    deltas: np.ndarray
    seconds: np.ndarray
    spikes: np.ndarray
    times: np.ndarray
    n_times: np.ndarray
    ends: np.ndarray
    befores: np.ndarray
    afters: np.ndarray
    pushes: np.ndarray
    units: np.ndarray
    rows: np.ndarray
    n_listed: np.ndarray
    n_seldom: np.ndarray


class Tape(NamedTuple):
    """The part of the Record that is a sample's, and the Work.

    Attributes
    ----------
    record, work : Reference
    j, row : int
        Which of the samples this is that go back together, and where the first of its
        layers is.
    """

    record: object
    work: object
    j: int
    row: int


@compiled
def whole_words(n):
    """Round up to a multiple of 64, the bits of a word: `nonzero_mask` takes 64."""
    return (n + 63) // 64 * 64


@allocating
def _count_up(n):
    """Return 0, 1, 2, ..., n - 1."""
    numbers = empty(n, np.uint32)
    for k in range(n):
        numbers[k] = k
    return numbers


@allocating
def _new_work(layers, n_steps, most, widest, most_states, n_tapes):
    """Return the Work of some tapes."""
    floats, whole = layers.biases.dtype, layers.whole_weights.dtype
    neutral = empty(widest, floats)
    for h in range(widest):
        neutral[h] = -0.0
    return Work(
        empty(most + BITS_AT_ONCE, np.uint32),
        zeros(widest, whole),
        empty(widest, whole),
        empty(widest, whole),
        empty(n_tapes * most_states * widest, floats),
        empty(most_states * widest, floats),
        empty(widest, floats),
        empty(n_tapes * widest, floats),
        empty(n_tapes * max(widest, SLOPES), floats),
        empty(n_tapes, np.int64),
        empty(n_tapes * widest, floats),
        zeros(widest, floats),
        neutral,
        empty(n_steps * whole_words(widest), np.uint8),
        empty(whole_words(widest), np.uint8),
        empty(widest, floats),
        empty(MOST_NEURONS * widest, whole),
    )


@allocating
def new_tapes(layers, n_steps, n_inputs, most_states, n_tapes):
    """Return the Record and the Work of so many samples; `tape_of` tells them apart.

    The next samples overwrite them. ``n_inputs`` is the number of inputs of the first
    layer that may be listed, and ``most_states`` that of the states of a neuron. Only
    the spikes have to start as zeros, as no neuron writes those that fill a word up.
    """
    n_layers = len(layers.sizes) - 1
    n_rows = n_tapes * n_layers
    widest, most = ZERO, n_inputs
    for layer in range(n_layers):
        widest = max(widest, layers.widths[layer + 1])
        most = max(most, layers.sizes[layer + 1])
    record = Record(
        empty((n_rows, (n_steps + 1) * widest), layers.biases.dtype),
        empty((n_rows, (most_states - 1) * n_steps * widest), layers.biases.dtype),
        zeros((n_rows, n_steps * whole_words(widest)), np.uint8),
        empty((n_rows * most + BITS_AT_ONCE, n_steps + 1), np.uint32),
        zeros((n_rows, most), np.int64),
        empty((n_rows, n_steps), np.int64),
        zeros((n_rows, (most_states + 1) * widest), layers.biases.dtype),
        zeros((n_rows, (most_states + 1) * widest), layers.biases.dtype),
        zeros(n_rows, np.float64),
        _count_up(most),
        empty((n_tapes, most), np.uint32),
        empty(n_tapes, np.int64),
        empty(n_tapes, np.int64),
    )
    return record, _new_work(layers, n_steps, most, widest, most_states, n_tapes)


@inlined
def tape_of(tapes, j, layers):
    """Return the tape of sample ``j`` of those that go back together."""
    return Tape(tapes.record, tapes.work, j, j * (len(layers.sizes) - 1))


@inlined
def rows_of(tape):
    """Return the features that can fire, of shape (most inputs,)."""
    most = tape.record.rows.shape[1]
    return segment(tape.record.rows, tape.j * most, most)


@inlined
def deltas_of(tape, layers, layer, n_steps):
    """Return the deltas of a layer, or its membranes still, (n_steps, width)."""
    own = tape.record.deltas[tape.row + layer]
    return matrix(own, 0, n_steps, layers.widths[layer + 1])


@inlined
def by_spike_of(tape, width):
    """Return the gradient by the spikes of a step, (width,)."""
    return segment(tape.work.by_spike, tape.j * len(tape.work.zeros), width)


@inlined
def total_of(tape, width):
    """Return the sum of the deltas over the steps, (width,)."""
    return segment(tape.work.total, tape.j * len(tape.work.zeros), width)


@inlined
def carry_of(tape, n_states, width):
    """Return what is carried from step to step on the way back, (n_states, width)."""
    start = tape.j * len(tape.work.later)
    return matrix(tape.work.states, start, n_states, width)


@inlined
def times_of(tape, layer):
    """Return the part (most inputs, n_steps + 1) of the times that is a layer's."""
    most, n_columns = tape.record.n_times.shape[1], tape.record.times.shape[1]
    start = (tape.row + layer) * most * n_columns
    return matrix(tape.record.times, start, most, n_columns)


@inlined
def weights_of(flat, layers, layer):
    """Return the part (widths[l], widths[l + 1]) of weights, or of their gradient."""
    n_rows, n_columns = layers.widths[layer], layers.widths[layer + 1]
    return matrix(flat, layers.starts[layer], n_rows, n_columns)


@inlined
def narrow_weights_of(flat, layers, layer):
    """Return the part (sizes[l + 1], widths[l]) of a narrow layer, transposed."""
    n_rows, n_columns = layers.sizes[layer + 1], layers.widths[layer]
    return matrix(flat, layers.starts[layer], n_rows, n_columns)


@inlined
def bias_of(flat, layers, layer):
    """Return the part (widths[l + 1],) of the biases, or of their gradient."""
    start = layers.firsts[layer]
    return segment(flat, start, layers.widths[layer + 1])


@inlined
def second_of(tape, layers, layer, n_steps):
    """Return the second states of a layer, (n_steps, width), or no rows."""
    width = layers.widths[layer + 1]
    n_rows = n_steps * int(tape.record.seconds.shape[1] > 0)
    return matrix(tape.record.seconds[tape.row + layer], 0, n_rows, width)


@inlined
def states_of(flat, tape, layers, layer):
    """Return the part (most_states + 1, width) of the states before or after."""
    width = layers.widths[layer + 1]
    n_rows = flat.shape[1] // len(tape.work.zeros)
    return matrix(flat[tape.row + layer], 0, n_rows, width)


@compiled
def take_states(states, i, layers, tape):
    """Take the states of sample ``i`` before its first step, if there are any."""
    if len(states) > 0:
        for layer in range(len(layers.sizes) - 1):
            before = states_of(tape.record.befores, tape, layers, layer)
            for r in range(before.shape[0]):
                for h in range(before.shape[1]):
                    before[r, h] = states[i, r, layers.firsts[layer] + h]


@compiled
def put_states(states, i, layers, tape):
    """Keep the states of sample ``i`` after its last step, if there are any."""
    if len(states) > 0:
        for layer in range(len(layers.sizes) - 1):
            after = states_of(tape.record.afters, tape, layers, layer)
            for r in range(after.shape[0]):
                for h in range(after.shape[1]):
                    states[i, r, layers.firsts[layer] + h] = after[r, h]


@inlined
def spikes_of(tape, layers, layer, n_steps):
    """Return the spikes of a layer, (n_steps, n_bits), a byte each."""
    n_bits = whole_words(layers.widths[layer + 1])
    return matrix(tape.record.spikes[tape.row + layer], 0, n_steps, n_bits)
