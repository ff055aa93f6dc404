"""Where compiled code adds up what chunks of samples come to, gradients above all.

A call runs the samples of one chunk or of several, each of which has sums of its own:
so they do not hang on how many chunks Python hands over at a time.
"""

from typing import NamedTuple

import numpy as np

from sklearn_snn._engines.compiled.options import inlined
from sklearn_snn._engines.compiled.views import matrix, segment


class Gradients(NamedTuple):
    """Where gradients of a chunk are added.

    Attributes
    ----------
    weights, biases : ndarrays
        Flat, laid out as the weights (not transposed, but for narrow layers: see
        `narrow`) and the biases are.
    constants : ndarray of shape (n_rows, n_biases)
        A row per constant of a neuron; see `neurons`.
    recurrent : ndarray of shape (n_recurrent,)
        Flat, laid out as in `Recurrence`.
    """

    weights: np.ndarray
    biases: np.ndarray
    constants: np.ndarray
    recurrent: np.ndarray


class Sums(NamedTuple):
    """What the chunks of a call come to.

    Attributes
    ----------
    numbers : ndarray of shape (n_chunks, n_gradients)
        The gradients of each, one kind behind the other as in `Gradients`; without
        targets there are none. Of the first weights, those that have begun.
    has_begun : ndarray of uint8 of shape (n_chunks, n_features)
        Which rows of the gradient of the first weights are sums already. What is in
        the others counts for nothing, where the weights are many: to set all of it to
        zero, when few inputs fire, took longer than to add the sums up.
    of_first : ndarray of shape (n_chunks, n_first_weights or 0)
        The gradients of the first weights of each, not transposed, where an input has
        no events but is multiplied with these. Overwritten.
    n_rows : int
        Of the gradients by constants; 0 if none learns.
    n_spikes : ndarray of int64 of shape (n_chunks, n_neurons)
        The number of spikes of each neuron, layer after layer.
    losses : ndarray of float64 of shape (n_chunks, 2)
        The loss, and the penalty of the firing rates.
    size : int
        Number of samples of a chunk; the last one may have fewer.
    first : int
        Number of samples of the first chunk that came before those of the call.
    """

    numbers: np.ndarray
    has_begun: np.ndarray
    of_first: np.ndarray
    n_rows: int
    n_spikes: np.ndarray
    losses: np.ndarray
    size: int
    first: int


@inlined
def chunk_of(sums, i):
    """Return the chunk that sample ``i`` of the call belongs to."""
    return (sums.first + i) // sums.size


@inlined
def chunks_of(sums, n_samples):
    """Return how many chunks the samples of a call belong to."""
    return chunk_of(sums, n_samples - 1) + 1 - chunk_of(sums, 0)


@inlined
def samples_of(sums, chunk, n_samples):
    """Return the first sample of the call's ``chunk``-th chunk, and where it ends."""
    start = (chunk_of(sums, 0) + chunk) * sums.size - sums.first
    return max(0, start), min(start + sums.size, n_samples)


@inlined
def spikes_in(sums, chunk):
    """Return where the spikes of a chunk are counted."""
    n_neurons = sums.n_spikes.shape[1]
    return segment(sums.n_spikes, chunk * n_neurons, n_neurons)


@inlined
def of_first_in(sums, chunk):
    """Return where the gradient of the first weights of a chunk is put."""
    n_weights = sums.of_first.shape[1]
    return segment(sums.of_first, chunk * n_weights, n_weights)


@inlined
def gradients_in(sums, chunk, layers):
    """Return where the gradients of a chunk are added."""
    n_weights, n_biases = len(layers.whole_weights), len(layers.biases)
    start, n_constants = chunk * sums.numbers.shape[1], sums.n_rows * n_biases
    biases = start + n_weights
    constants = biases + n_biases
    recurrent = constants + n_constants
    stop = start + sums.numbers.shape[1]
    return Gradients(
        segment(sums.numbers, start, n_weights),
        segment(sums.numbers, biases, n_biases),
        matrix(sums.numbers, constants, sums.n_rows, n_biases),
        segment(sums.numbers, recurrent, max(0, stop - recurrent)),
    )
