"""Counts what the layers of a network do for some samples, chunk by chunk.

All that is added up are whole numbers, so that the sums do not depend on where samples
are cut; and of a chunk nothing is kept but these.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import sparse
from scipy.special import expit
from sklearn.utils import gen_batches

from sklearn_snn._inputs.lengths import all_lengths
from sklearn_snn._inputs.spike_trains import Events
from sklearn_snn._model.network import within
from sklearn_snn._model.neurons.constants import by_dtype
from sklearn_snn._model.neurons.resets import RESETS

# Rows of a table that an MLP takes at once.
_CHUNK = 128
_ACTIVATIONS = {
    "identity": lambda x: x,
    "logistic": expit,
    "relu": lambda x: np.maximum(x, 0),
    "tanh": np.tanh,
}


@dataclass
class Counts:
    """What a layer did, all samples and steps together.

    Attributes
    ----------
    n_active : ndarray of int of shape (n_inputs,)
        How often each input was not zero.
    n_presented : int
        How often the layer was given an input.
    is_graded : bool
        Whether an input was another number than -1, 0 and 1.
    n_fired : ndarray of int of shape (n_units,)
        How often the output of each neuron was not zero.
    n_heard : ndarray of int of shape (n_units,)
        How often each neuron was heard by its own layer, if that is recurrent.
    n_steps : int
        Steps of all samples.
    n_updates : int
        Changes of membranes.
    """

    n_active: np.ndarray
    n_fired: np.ndarray
    n_heard: np.ndarray
    n_presented: int = 0
    is_graded: bool = False
    n_steps: int = 0
    n_updates: int = 0

    @classmethod
    def of_nothing(cls, n_inputs, n_units):
        """Return the counts of no samples."""
        shapes = n_inputs, n_units, n_units
        return cls(*(np.zeros(n, np.int64) for n in shapes))


def counts_of_network(engine, params, X):
    """Count what a spiking network does.

    Parameters
    ----------
    engine : NumpyEngine
        Its spikes are those of all engines, and it has them, and membranes, on tape.
    params : list of dicts of ndarrays
    X : batch
        See `NumpyEngine`.

    Returns
    -------
    counts : list of Counts
        By layer.
    """
    totals = [Counts.of_nothing(*p["coef"].shape) for p in params]
    for rows, tape in engine.tapes(params, X):
        lengths = all_lengths(X[rows], engine.n_steps)
        _add_input(totals[0], tape.inputs, lengths)
        layers = zip(totals, engine.network.layers, params, tape.layers, strict=True)
        for total, layer, p, record in layers:
            _add_layer(total, layer, p, record, lengths)
    for below, above in pairwise(totals):
        above.n_active, above.n_presented = below.n_fired, below.n_steps
    return totals


def counts_of_mlp(mlp, X):
    """Count what a fitted MLP does; parameters and returns as `counts_of_network`."""
    totals = [Counts.of_nothing(*weights.shape) for weights in mlp.coefs_]
    activate = _ACTIVATIONS[mlp.activation]
    for rows in gen_batches(X.shape[0], _CHUNK):
        x = X[rows]
        for index, total in enumerate(totals):
            _add_values(total, x)
            x = x @ mlp.coefs_[index] + mlp.intercepts_[index]
            total.n_steps += x.shape[0]
            if index + 1 < len(totals):
                x = activate(x)
                total.n_fired += np.count_nonzero(x, axis=0)
    return totals


def _add_input(total, inputs, lengths):
    """Count what the network is given."""
    if isinstance(inputs, Events):
        n_spikes = np.count_nonzero(inputs.spikes, axis=1)
        np.add.at(total.n_active, inputs.features, n_spikes)
        total.n_presented += int(lengths.sum())
    elif inputs.ndim == 2:
        # A constant current: multiplied once, whatever the number of steps.
        _add_values(total, inputs)
    else:
        # Beyond the end of a sample there are zeros.
        _add_values(total, inputs.reshape(-1, inputs.shape[2]), int(lengths.sum()))


def _add_values(total, x, n_presented=None):
    """Count the values of a table, or CSR array, of inputs."""
    is_sparse = sparse.issparse(x)
    values = x.data if is_sparse else x
    total.n_active += x.count_nonzero(0) if is_sparse else np.count_nonzero(x, axis=0)
    total.n_presented += x.shape[0] if n_presented is None else n_presented
    if not total.is_graded:
        total.is_graded = not ((values == 0) | (np.abs(values) == 1)).all()


def _add_layer(total, layer, p, record, lengths):
    """Count what a layer does, by what is on tape of it."""
    spikes, membrane = record["spikes"], record["membrane"]
    n_steps = len(spikes)
    total.n_fired += np.count_nonzero(spikes, axis=(0, 1))
    total.n_steps += int(lengths.sum())
    if layer.recurrent:
        # The spikes of the last step are heard by nobody.
        last = spikes[lengths - 1, np.arange(len(lengths))]
        total.n_heard += np.count_nonzero(spikes, axis=(0, 1))
        total.n_heard -= np.count_nonzero(last, axis=0)
    if layer.neuron.fires:
        (threshold,) = by_dtype(p, ("threshold",), membrane.dtype)
        left = np.empty_like(membrane)
        RESETS[layer.neuron.reset].apply(membrane, spikes, threshold, left)
        membrane = left
    changed = membrane[1:] != membrane[:-1]
    changed &= within(lengths, n_steps)[1:]
    total.n_updates += np.count_nonzero(changed) + len(lengths) * layer.n_units
