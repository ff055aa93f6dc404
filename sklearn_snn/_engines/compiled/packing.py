"""A network as compiled code wants it: numbers in flat arrays, and codes.

Weights become whole numbers of their unit, and a neuron becomes constants and codes.
How the flat arrays are laid out says `layers`.
"""

import math
from contextlib import suppress
from functools import partial
from itertools import pairwise

import numpy as np

from sklearn_snn._engines.compiled.arrays import largest_current, to_units
from sklearn_snn._engines.compiled.layers import Layers
from sklearn_snn._engines.compiled.losses import LOSS_CODES
from sklearn_snn._engines.compiled.narrow import MOST_BY_EVENTS, MOST_NEURONS
from sklearn_snn._engines.compiled.neurons import compile_neuron
from sklearn_snn._engines.compiled.neurons.numbers import (
    ManyNumbersError,
    number_of_all,
)
from sklearn_snn._engines.compiled.readouts import STATISTIC_CODES, Readout
from sklearn_snn._engines.compiled.recurrence import Recurrence
from sklearn_snn._engines.compiled.vectors import MOST_BY_STEP, lanes_of
from sklearn_snn._model.parameters import part
from sklearn_snn._model.synapses import grid
from sklearn_snn._utils.workspace import Workspace, aligned

# Bytes of the nearest cache, and steps of a sample whose lists are short.
_NEAREST_CACHE, _FEW_STEPS = 2**15, 100


def pack(params, has_events, kept=None):
    """Return the weights and biases of a network as compiled code wants them.

    Parameters
    ----------
    params : list of dicts of ndarrays
    has_events : bool
        Whether the input is spikes; without them the first layer has no inputs.
    kept : dict, default=None
        Where memory is kept for the next call, which overwrites it.

    Returns
    -------
    layers : Layers
    """
    coefs, intercepts = part(params, "coef"), part(params, "intercept")
    sizes = len(coefs[0]) if has_events else 0, *(len(b) for b in intercepts)
    own = [p["recurrent"] for p in params if "recurrent" in p]
    kept, key = {} if kept is None else kept, (sizes, coefs[0].dtype, len(own) > 0)
    if key not in kept:
        layers = _allocate(*key)
        kept[key] = layers, _matrices(layers), Workspace()
    layers, (lowest, *above), workspace = kept[key]
    for i, w in enumerate(coefs):
        if i or has_events:
            layers.grids[i] = grid(w, largest_current(w))
    if has_events:
        to_units(coefs[0], layers.grids[0], lowest[1])
    for w, unit, (is_narrow, in_units, transposed) in zip(
        coefs[1:], layers.grids[1:], above, strict=True
    ):
        whole = _in_units(w, unit, workspace)
        n_rows, n_columns = w.shape
        if is_narrow:
            in_units[:n_columns, :n_rows] = whole.T
        else:
            in_units[:n_rows, :n_columns] = whole
        transposed[:n_columns, :n_rows] = w.T
    for first, b in zip(layers.firsts, intercepts, strict=True):
        layers.biases[first : first + len(b)] = b
    for i, weights in enumerate(own):
        _pack_recurrent(layers.recurrence, i, weights, workspace)
    return layers


def _pack_recurrent(recurrence, i, weights, workspace):
    """Write the recurrent weights of a hidden layer to where they belong."""
    recurrence.grids[i] = unit = grid(weights, largest_current(weights))
    n_units = len(weights)
    whole, transposed = (
        recurrent_matrices(flat, recurrence.starts)[i]
        for flat in (recurrence.whole, recurrence.transposed)
    )
    whole[:n_units, :n_units] = _in_units(weights, unit, workspace)
    transposed[:n_units, :n_units] = weights.T


def recurrent_matrices(flat, starts):
    """Return the square matrix of each hidden layer that a flat array consists of."""
    parts = [flat[start:stop] for start, stop in pairwise(starts)]
    return [part.reshape(math.isqrt(len(part)), -1) for part in parts]


def _allocate(sizes, dtype, is_recurrent):
    """Return Layers of zeros, of which the padding stays zero."""
    widths, starts, firsts = _places(sizes, dtype)
    whole, recurrence = np.int32 if dtype == np.float32 else np.float64, None
    if is_recurrent:
        ends = np.concatenate([[0], np.cumsum(widths[1:-1] ** 2)])
        recurrence = Recurrence(
            starts=ends,
            grids=np.ones(len(ends) - 1, dtype),
            whole=aligned(np.zeros, ends[-1], whole),
            transposed=aligned(np.zeros, ends[-1], dtype),
        )
    return Layers(
        sizes=np.array(sizes),
        widths=widths,
        starts=starts,
        firsts=firsts,
        are_narrow=_are_narrow(sizes, is_recurrent),
        steps_by_step=_steps_by_step(sizes, widths, dtype, is_recurrent),
        grids=np.ones(len(firsts), dtype),
        whole_weights=aligned(np.zeros, starts[-1], whole),
        transposed=aligned(np.zeros, starts[-1], dtype),
        biases=aligned(np.zeros, widths[1:].sum(), dtype),
        recurrence=recurrence,
    )


def _are_narrow(sizes, is_recurrent):
    """Return which layers sum over all of their inputs: not the first one.

    Fewer where the input is events, `sizes[0]` not being 0. In a recurrent network none
    does, as what neurons hear of each other is learned from the lists of the layer
    above.
    """
    most = MOST_BY_EVENTS if sizes[0] else MOST_NEURONS
    are_narrow = np.array(sizes[1:]) <= most
    are_narrow[0] = False
    return are_narrow & (not is_recurrent)


def _steps_by_step(sizes, widths, dtype, is_recurrent):
    """Return up to how many steps layers list events by step: those of a vector or two.

    Not the first one, whose inputs may be listed by their silences, nor those that
    `_are_narrow`; in a recurrent network none does, for the same reason. To add to rows
    here and there of a gradient that is larger than the nearest cache takes more than
    to read lists by input, if these are long: with 1,000 inputs it took a sixth less
    time at 25 steps, and more at 300.
    """
    n_bytes = np.array(sizes[:-1]) * widths[1:] * dtype.itemsize
    most = np.where(n_bytes <= _NEAREST_CACHE, np.iinfo(np.int64).max, _FEW_STEPS)
    most[widths[1:] > MOST_BY_STEP * lanes_of(dtype)] = 0
    most[_are_narrow(sizes, is_recurrent)] = most[0] = 0
    return most * (not is_recurrent)


def _places(sizes, dtype):
    """Return widths, starts and firsts of `Layers`."""
    widths = -(-np.array(sizes) // lanes_of(dtype)) * lanes_of(dtype)
    widths[0] = sizes[0]
    starts = np.concatenate([[0], np.cumsum(widths[:-1] * widths[1:])])
    return widths, starts, np.cumsum(widths[1:]) - widths[1:]


def _in_units(weights, unit, workspace):
    """Return weights as whole numbers of a unit; the next call overwrites them."""
    whole = workspace.array("whole", weights.shape, weights.dtype)
    np.divide(weights, unit, out=whole)
    return np.rint(whole, out=whole)


def _matrices(layers):
    """Return what the weights of each layer are written to.

    Whether it is narrow, the matrix of its whole weights, and that of the transposed.
    """
    result = []
    for layer in range(len(layers.widths) - 1):
        shape = layers.widths[layer : layer + 2]
        own = slice(*layers.starts[layer : layer + 2])
        whole, is_narrow = layers.whole_weights[own], layers.are_narrow[layer]
        in_units = whole.reshape(shape[::-1] if is_narrow else shape)
        transposed = layers.transposed[own].reshape(shape[::-1])
        result.append((is_narrow, in_units, transposed))
    return result


@np.errstate(over="ignore")  # what is infinite in float32 is so in numpy, too
def compiled_neurons(network, params, layers):
    """Return the neurons of the hidden layers, and those of the output layer.

    Without hidden layers both are the latter. All have one number for each constant, or
    all have arrays: so there are fewer kinds of kernels to compile.
    """
    last = len(params) - 1
    parts = ([*range(last)] or [last]), [last]
    dtype = layers.biases.dtype

    def compile_both(arrange):
        return tuple(
            compile_neuron(
                network.layers[indices[0]].neuron, partial(arrange, indices), dtype.type
            )
            for indices in parts
        )

    def one_number(indices, array_of):
        return dtype.type(number_of_all([array_of(params[i]) for i in indices]))

    def one_behind_the_other(indices, array_of):
        flat = aligned(np.empty, len(layers.biases), dtype)
        flat[...] = array_of(params[indices[0]])[0]
        for i in indices:
            first = layers.firsts[i]
            flat[first : first + layers.sizes[i + 1]] = array_of(params[i])
        return flat

    if not any(layer.neuron.learned for layer in network.layers):
        with suppress(ManyNumbersError):
            return compile_both(one_number)
    return compile_both(one_behind_the_other)


def kept_neurons(network, params, layers, kept):
    """Return `compiled_neurons`, those of the last call unless a constant has changed.

    Of a network whose constants do not learn, that is always. `kept` is as of `pack`.
    """
    weights = "coef", "intercept", "recurrent"
    source = [layers.biases.dtype]
    source += [
        a.tobytes() for p in params for name, a in p.items() if name not in weights
    ]
    known, neurons = kept.get("neurons", (None, None))
    if known != source:
        neurons = compiled_neurons(network, params, layers)
        kept["neurons"] = source, neurons
    return neurons


def kept_readout(network, params, lengths, dtype, kept):
    """Return `readout_of`, that of the last as many samples unless something changed.

    From batch to batch nothing does. `kept` is as of `pack`.
    """
    key = "readout", len(lengths)
    thresholds = params[-1].get("threshold", lengths[:0])
    source = dtype, network.loss, lengths.tobytes(), thresholds.tobytes()
    of, known, readout = kept.get(key, (None, None, None))
    # Where a readout has arrays, to compare them would take longer.
    if of is not network.readout or known != source:
        readout = readout_of(network, params, lengths, dtype)
        kept[key] = network.readout, source, readout
    return readout


def pack_kept(kept, layers):
    """Return which hidden neurons are heard, laid out as the biases are.

    Parameters
    ----------
    kept : list of ndarrays of bool of shape (n_samples, n_units), or None
    layers : Layers

    Returns
    -------
    kept : ndarray of bool of shape (n_samples or 0, n_biases)
    """
    if not kept:
        return np.empty((0, len(layers.biases)), bool)
    packed = np.ones((len(kept[0]), len(layers.biases)), bool)
    for first, of_layer in zip(layers.firsts, kept, strict=False):  # but the last
        packed[:, first : first + of_layer.shape[1]] = of_layer
    return packed


def pack_states(states, layers):
    """Return the states of all neurons, laid out as the biases are.

    Parameters
    ----------
    states : list of ndarrays of shape (n_states + 1, n_samples, n_units)
        See `_model.network.Tape`.
    layers : Layers

    Returns
    -------
    packed : ndarray of shape (n_samples, most_states + 1, n_biases)
    """
    shape = states[0].shape[1], max(map(len, states)), len(layers.biases)
    packed = np.zeros(shape, layers.biases.dtype)
    for state, own in zip(states, _by_layer(packed, layers), strict=True):
        own[:, : len(state) - 1] = state[:-1].transpose(1, 0, 2)
        own[:, -1] = state[-1]
    return packed


def unpack_states(packed, layers, states):
    """Overwrite states with packed ones; see `pack_states`."""
    for state, own in zip(states, _by_layer(packed, layers), strict=True):
        state[:-1] = own[:, : len(state) - 1].transpose(1, 0, 2)
        state[-1] = own[:, -1]


def _by_layer(packed, layers):
    """Return the part of each layer of what is laid out as the biases are."""
    sizes = zip(layers.firsts, layers.sizes[1:], strict=True)
    return [packed[..., first : first + size] for first, size in sizes]


@np.errstate(over="ignore")
def readout_of(network, params, lengths, dtype, n_read=None):
    """Return the Readout of samples of these lengths for weights of a dtype.

    The number of steps that are read of each may be given, if it is not that of all.
    """
    readout, info = network.readout, np.finfo(dtype)
    n_read = lengths - readout.start if n_read is None else n_read
    if np.ndim(readout.scale):
        factor = readout.scale[:, 0].astype(np.float64)
    else:
        # Like lengths have like factors, which are worked out as numpy does.
        known, places = lengths[:1], 0
        if not (lengths == known).all():
            known, places = np.unique(lengths, return_inverse=True)
        factor = np.array([readout.factor(n) for n in known.tolist()], np.float64)
        factor = np.broadcast_to(factor[places], lengths.shape)
    is_mean = readout.name == "membrane_mean"
    by_sample = {
        "factor": factor,
        "by_step": factor / n_read if is_mean else factor,
        "half": factor * n_read / 2 if readout.is_signed else np.zeros_like(factor),
        "n_read": n_read,
    }
    return Readout(
        counts=readout.counts,
        is_signed=readout.is_signed,
        per_step=readout.per_step,
        statistic=STATISTIC_CODES[readout.statistic],
        is_soft=readout.name == "soft_count",
        # A copy, as for what is read-only numba would compile all anew.
        thresholds=np.array(params[-1].get("threshold", [])),
        start=readout.start,
        lowest=dtype.type(info.tiny),
        highest=dtype.type(1 - info.epsneg),
        loss=LOSS_CODES[network.loss],
        **{name: array.astype(dtype) for name, array in by_sample.items()},
    )
