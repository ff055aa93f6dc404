"""Chunks of a batch for the numpy engine, and what becomes of them together.

Where the cuts are depends on shapes alone, and what comes of the chunks is added in
their order.
"""

from typing import NamedTuple

import numpy as np

from sklearn_snn._inputs.lengths import known_lengths, with_ends
from sklearn_snn._inputs.spike_trains import SpikeTrains
from sklearn_snn._model.network import forward
from sklearn_snn._model.parameters import weights_like
from sklearn_snn._model.restraint import NO_RESTRAINT
from sklearn_snn._model.synapses import time_major

# Largest (n_steps, n_samples, n_units) of a chunk: 64 MB in float32.
MAX_CHUNK_ELEMENTS = 2**24
MAX_CHUNK_SAMPLES = 128


class Step(NamedTuple):
    """What a batch says about the parameters.

    Attributes
    ----------
    loss : float
        Weighted sum over the samples.
    penalty : float
        That of the firing rates, to be added to it.
    gradients : list of dicts of ndarrays
        Per layer, by "coef", "intercept" and the constants that learn.
    n_spikes : list of ndarrays of shape (n_units,)
        Number of spikes of each neuron, all samples together.
    outputs : ndarray of shape (n_samples, n_outputs) or (n_samples, n_steps, n_outputs)
        The answers.
    """

    loss: float
    penalty: float
    gradients: list
    n_spikes: list
    outputs: np.ndarray


def chunks_of(n_samples, n_steps, params):
    """Cut a batch; depends on shapes alone."""
    widest = max(max(p["coef"].shape) for p in params)
    size = MAX_CHUNK_ELEMENTS // (n_steps * widest)
    size = min(max(size, 1), MAX_CHUNK_SAMPLES)
    return [slice(i, min(i + size, n_samples)) for i in range(0, n_samples, size)]


def inputs_of(X, n_steps, dtype, workspace):
    """Return what the first layer receives, and over how many steps."""
    if isinstance(X, SpikeTrains):
        return X.events(workspace), n_steps
    if X.ndim == 2:
        return time_major(X, dtype, workspace), n_steps
    X, _ = with_ends(X)
    return time_major(X, dtype, workspace), X.shape[1]


def run_forward(
    network,
    params,
    X,
    n_steps,
    workspace,
    restraint=NO_RESTRAINT,
    states=None,
    reading=None,
):
    """Return the Tape of a chunk; see `forward`. The next one overwrites it."""
    inputs, n_steps = inputs_of(X, n_steps, params[0]["coef"].dtype, workspace)
    return forward(
        network,
        params,
        inputs,
        X.shape[0],
        n_steps,
        workspace,
        restraint,
        known_lengths(X),
        states,
        reading,
    )


def spikes_of_samples(tape):
    """Yield the number of spikes of each sample, of float64, by hidden layer."""
    for record in tape.layers[:-1]:
        yield record["spikes"].sum(axis=(0, 2), dtype=np.float64)


def no_gradients(network, params):
    """Return gradients that are zero, of all that learns."""
    gradients = weights_like(params, np.zeros)
    for layer, p, gradient in zip(network.layers, params, gradients, strict=True):
        gradient |= {name: np.zeros_like(p[name]) for name in layer.neuron.learned}
    return gradients


def add_gradients(totals, gradients):
    """Add gradients, in place; of those by first rows alone, the others are zero."""
    for total, gradient in zip(totals, gradients, strict=True):
        for name, part in gradient.items():
            total[name][: len(part)] += part


def join_steps(arrays, n_steps):
    """Return what all chunks have of each step; zero at steps that a chunk has not.

    Parameters
    ----------
    arrays : list of ndarrays of shape (n_samples_i, n_steps_i, n)
    n_steps : int

    Returns
    -------
    joined : ndarray of shape (n_samples, n_steps, n)
    """
    shape = sum(map(len, arrays)), n_steps, arrays[0].shape[2]
    joined, start = np.zeros(shape, arrays[0].dtype), 0
    for some in arrays:
        joined[start : start + len(some), : some.shape[1]] = some
        start += len(some)
    return joined
