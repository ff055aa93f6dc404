"""Compiled entry points: chunks of samples, from the engine's arrays to gradients.

The chunks of a call are offered on a board: whoever takes one makes the memory that a
sample takes, and then goes on with all that are left; see `boards`.

What is compiled here is kept on disk, with all that it calls: see `cache`.
"""

from typing import NamedTuple

import numpy as np

from sklearn_snn._engines.compiled.boards import say_what, share, take
from sklearn_snn._engines.compiled.cache import code_key, entry_point
from sklearn_snn._engines.compiled.encoding import most_inputs
from sklearn_snn._engines.compiled.layers import new_tapes, whole_words
from sklearn_snn._engines.compiled.neurons import n_states
from sklearn_snn._engines.compiled.options import ZERO, allocating
from sklearn_snn._engines.compiled.products import (
    end_of_few,
    learn_from_some,
    most_rows,
    multiply_some,
    n_rows_of,
)
from sklearn_snn._engines.compiled.readouts import new_scratches
from sklearn_snn._engines.compiled.recurrence import most_together
from sklearn_snn._engines.compiled.samples import (
    Asked,
    Drawing,
    run_samples_of_currents,
    run_samples_of_spikes,
)
from sklearn_snn._engines.compiled.sums import (
    Sums,
    chunks_of,
    samples_of,
)
from sklearn_snn._engines.compiled.views import empty, zeros

# So that numba renews what it keeps when any code that it consists of changes.
_CODE = code_key(__name__)
# Entries of lists, by input and step, for which there is always room.
_FEW_TIMES = 2**18


@allocating
def _new_memory(neurons, layers, readings, n_steps, n_inputs):
    """Return the Record, Work and Scratches of as many samples as go back together.

    All arrays of a sample are made once and reused, so that they stay in the cache.
    """
    hidden, output = neurons
    most_states = max(n_states(hidden), n_states(output))
    n_tapes = most_together(layers.recurrence)
    record, work = new_tapes(layers, n_steps, n_inputs, most_states, n_tapes)
    n_outputs, width = readings.shape[2], layers.widths[-1]
    return record, work, new_scratches(n_outputs, n_steps, width, readings, n_tapes)


class _OfSpikes(NamedTuple):
    """What chunks of a call of `run_spikes` are about."""

    neurons: tuple
    readout: NamedTuple
    layers: NamedTuple
    asked: Asked
    trains: NamedTuple
    bits: np.ndarray
    n_inputs: int
    sums: Sums
    board: np.ndarray


class _OfCurrents(NamedTuple):
    """What chunks of a call of `run_currents` are about."""

    neurons: tuple
    readout: NamedTuple
    layers: NamedTuple
    asked: Asked
    matmul: int
    inputs: np.ndarray
    weights: np.ndarray
    currents: np.ndarray
    begins: np.ndarray
    is_constant: bool
    most_steps: int
    sums: Sums
    board: np.ndarray


@allocating
def _chunks_of_spikes(call, chunk):
    """Run a chunk of samples of spikes, and all others that nobody else takes."""
    layers, readings, n_inputs = call.layers, call.asked.readings, call.n_inputs
    most_steps = call.bits.shape[1]
    is_dense = len(call.bits) == 0 and len(call.trains.indptr) == 0
    n_features = layers.sizes[0] if is_dense else 0
    drawing = Drawing(
        empty(n_features, np.float32),
        zeros(whole_words(n_features), np.uint8),
        empty(n_inputs, np.uint32),
        empty(n_inputs, np.uint32),
        zeros(n_inputs, np.uint8),
        zeros(n_inputs, np.uint64),
        zeros(n_inputs, np.uint32),
        zeros(n_inputs, np.uint32),
        empty((most_steps, whole_words(n_inputs)), np.uint8),
        zeros(layers.widths[1], layers.whole_weights.dtype),
    )
    memory = _new_memory(call.neurons, layers, readings, most_steps, n_inputs)
    while chunk >= 0:
        start, stop = samples_of(call.sums, chunk, len(readings))
        run_samples_of_spikes(
            call.neurons,
            call.readout,
            layers,
            call.asked,
            call.trains,
            call.bits,
            drawing,
            memory,
            call.sums,
            start,
            stop,
        )
        chunk = take(call.board)


@allocating
def _chunks_of_currents(call, chunk):
    """Run a chunk of samples of currents, and all others that nobody else takes."""
    layers, readings, first_row, n_rows = call.layers, call.asked.readings, ZERO, ZERO
    multiplies, n_units = call.matmul != 0, call.weights.shape[1]
    learns = multiplies and len(call.asked.targets) > 0
    currents = call.currents
    if multiplies:
        currents = empty((most_rows(call), n_units), readings.dtype)
    product = empty(call.sums.of_first.shape[1] * learns, readings.dtype)
    current = zeros(layers.widths[1], readings.dtype)
    memory = _new_memory(call.neurons, layers, readings, call.most_steps, ZERO)
    while chunk >= 0:
        begin, end = samples_of(call.sums, chunk, len(readings))
        start = begin
        while start < end:
            stop = end_of_few(call, start, end)
            if multiplies:
                first_row = call.begins[start]
                n_rows = n_rows_of(call, start, stop)
                multiply_some(call, start, stop, currents)
            run_samples_of_currents(
                call.neurons,
                call.readout,
                layers,
                call.asked,
                call.inputs,
                currents,
                call.begins,
                first_row,
                n_rows,
                call.is_constant,
                current,
                memory,
                call.sums,
                start,
                stop,
            )
            if learns:
                learn_from_some(call, start, stop, start == begin, currents, product)
            start = stop
        chunk = take(call.board)


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
    board,
):
    """Run samples of spikes forward and, where there are targets, backward.

    The inputs of the first layer are those features of a sample that can fire, in one
    list; so what is drawn, and the loops over inputs, have its length. Input ``k`` is
    ``rows[k]`` in the weights. Those come last that fire at more than half of the
    steps, and are counted by their silences, which are their events: ``base`` holds
    their rows of W, as if they fired at every step, and a silence subtracts one of
    them; in the backward pass likewise. Recorded spikes are taken as they are, with all
    features as inputs.

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
        see `Record`. At rest, if there are no samples.
    readings : ndarray of shape (n_samples, 2, n_outputs)
        What is read out is added; see `read_out`.
    spikes : ndarray of uint8 of shape (n_samples or 0, n_steps, n_neurons)
        Overwritten; the last layers side by side, as many as fit.
    membranes : ndarray of shape (n_samples or 0, n_steps, n_outputs)
        Overwritten with those of the output layer.
    sums : Sums
        Added to.
    board : ndarray of int64
        Where the chunks are offered; see `boards`.

    Raises
    ------
    MemoryError
    """
    n_inputs, n_samples = layers.sizes[0], len(readings)
    if len(bits) == 0:
        enough = _FEW_TIMES // (bits.shape[1] + 1)
        n_inputs = most_inputs(trains, n_samples, n_inputs, enough)
    asked = Asked(
        bounds,
        lengths,
        targets,
        loss_weights,
        kept,
        states,
        readings,
        spikes,
        membranes,
    )
    call = _OfSpikes(
        neurons, readout, layers, asked, trains, bits, n_inputs, sums, board
    )
    say_what(board, _chunks_of_spikes, call)
    if share(board, chunks_of(sums, n_samples)):
        raise MemoryError


@entry_point(_CODE)
def run_currents(
    neurons,
    readout,
    layers,
    bounds,
    matmul,
    inputs,
    weights,
    currents,
    begins,
    is_constant,
    lengths,
    targets,
    loss_weights,
    kept,
    states,
    readings,
    spikes,
    membranes,
    sums,
    board,
):
    """Run samples from the currents of the first layer on; else as `run_spikes`.

    For graded input, whose products with the weights the BLAS makes: the first layer
    takes its current from there, all further ones are as they are for spikes. A
    constant current is added at every step from one row, and only the sum of its deltas
    is needed. With `matmul`, the `inputs` are multiplied here, by whoever runs them,
    and with their deltas for the gradient of the first weights; see `products`. Without
    it, `currents` are what numpy has made, and the deltas take their place: that
    gradient is left to numpy, too.

    Parameters
    ----------
    matmul : int
        What multiplies, see `_compat.numpy_matmul`; 0 if `currents` has the products.
    inputs : ndarray of shape (n_rows, n_inputs), or (0, 0)
        The steps of all samples, or the rows of a table.
    weights : ndarray of shape (n_inputs, n_units), or (0, 0)
        The first ones, which `inputs` are multiplied with.
    currents : ndarray of shape (n_rows or 0, n_units)
        Without the biases. Where there are targets, overwritten with the deltas, or
        their sum over the steps if constant.
    begins : ndarray of int64 of shape (n_samples,)
        The first row of each sample, in `inputs` or in `currents`.
    is_constant : bool
        Whether each sample has one row, for all steps.
    lengths : ndarray of int64 of shape (n_samples,)
        Number of steps of each sample.
    neurons, readout, layers, bounds, targets, loss_weights, kept, states, readings, \
            spikes, membranes, sums, board
        As in `run_spikes`.

    Raises
    ------
    MemoryError
    """
    most_steps, n_samples = ZERO, len(readings)
    for i in range(n_samples):
        most_steps = max(most_steps, lengths[i])
    asked = Asked(
        bounds,
        lengths,
        targets,
        loss_weights,
        kept,
        states,
        readings,
        spikes,
        membranes,
    )
    call = _OfCurrents(
        neurons,
        readout,
        layers,
        asked,
        matmul,
        inputs,
        weights,
        currents,
        begins,
        is_constant,
        most_steps,
        sums,
        board,
    )
    say_what(board, _chunks_of_currents, call)
    if share(board, chunks_of(sums, n_samples)):
        raise MemoryError
