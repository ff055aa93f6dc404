"""The numpy engine: takes batches of any kind of input through the network.

A large batch is cut into chunks, so that memory does not grow with it. Where the cuts
are depends on shapes alone and the partial gradients are added in order, so that the
result is the same to the bit wherever and however often it is computed.
"""

from typing import NamedTuple

import numpy as np

from sklearn_snn._blas import single_threaded_blas
from sklearn_snn._network import (
    backward,
    cross_entropy,
    first_guess,
    forward,
)
from sklearn_snn._spike_trains import SpikeTrains
from sklearn_snn._synapses import time_major
from sklearn_snn._workspace import Workspace

# Largest (n_steps, n_samples, n_units) of a chunk: 64 MB in float32.
MAX_CHUNK_ELEMENTS = 2**24
MAX_CHUNK_SAMPLES = 128


class Step(NamedTuple):
    """What a batch says about the parameters.

    Attributes
    ----------
    loss : float
        Weighted sum over the samples.
    coef_grads, intercept_grads : lists of ndarrays
    n_spikes : list of ndarrays of shape (n_units,)
        Number of spikes of each neuron, all samples together.
    logits : ndarray of shape (n_samples, n_classes)
    """

    loss: float
    coef_grads: list
    intercept_grads: list
    n_spikes: list
    logits: np.ndarray


class NumpyEngine:
    """Logits and gradients of a network, for batches of any kind of input.

    A batch `X` is SpikeTrains, an array of shape (n_samples, n_steps, n_features), or
    an array or CSR array of shape (n_samples, n_features), which is injected as a
    constant current.

    Parameters
    ----------
    network : Network
    """

    compiles = False

    def __init__(self, network):
        self.network = network
        self._workspace = Workspace()

    def tapes(self, coefs, intercepts, X):
        """Run the network chunk by chunk, and show all that happened.

        Parameters
        ----------
        coefs, intercepts : lists of ndarrays
        X : batch of n_samples samples

        Yields
        ------
        rows : slice
        tape : Tape
            Of these rows of X; the next one overwrites it, but for its logits.
        """
        for rows in self._chunks(X.shape[0], coefs):
            with (
                single_threaded_blas(),
                np.errstate(over="ignore", invalid="ignore"),
            ):
                tape = self._forward(coefs, intercepts, X[rows])
            yield rows, tape

    def logits(self, coefs, intercepts, X):
        """Run the network.

        Parameters
        ----------
        coefs, intercepts : lists of ndarrays
        X : batch of n_samples samples

        Returns
        -------
        logits : ndarray of shape (n_samples, n_classes)
        """
        return np.concatenate(
            [tape.logits for _, tape in self.tapes(coefs, intercepts, X)]
        )

    def spikes(self, coefs, intercepts, X, first=0):
        """Run the network and keep the spikes of some layers.

        Parameters
        ----------
        coefs, intercepts : lists of ndarrays
        X : batch of n_samples samples
        first : int, default=0
            The layers from this one on.

        Returns
        -------
        spikes : list of ndarrays of uint8 of shape (n_samples, n_steps, n_units)
            One per layer.
        """
        shape = X.shape[0], self.network.n_steps
        spikes = [np.empty((*shape, len(b)), np.uint8) for b in intercepts[first:]]
        for rows, tape in self.tapes(coefs, intercepts, X):
            for kept, s in zip(spikes, tape.spikes[first:], strict=True):
                kept[rows] = s.transpose(1, 0, 2)
        return spikes

    @np.errstate(over="ignore", invalid="ignore")
    def loss_and_gradients(self, coefs, intercepts, X, y, loss_weights):
        """Run the network and backpropagate the cross-entropy through time.

        Parameters
        ----------
        coefs, intercepts : lists of ndarrays
        X : batch of n_samples samples
        y : ndarray of int of shape (n_samples,)
            Index of the class.
        loss_weights : ndarray of shape (n_samples,)
            What each sample's loss is multiplied with; ``1 / n_samples`` for a mean.

        Returns
        -------
        step : Step
        """
        loss_weights = np.asarray(loss_weights, coefs[0].dtype)
        coef_grads = [np.zeros_like(w) for w in coefs]
        intercept_grads = [np.zeros_like(b) for b in intercepts]
        loss, logits = 0.0, []
        n_spikes = [np.zeros(len(b)) for b in intercepts]
        for chunk in self._chunks(len(y), coefs):
            with single_threaded_blas():
                tape = self._forward(coefs, intercepts, X[chunk])
                chunk_loss, grad_logits = cross_entropy(
                    tape.logits, y[chunk], loss_weights[chunk]
                )
                chunk_grads = backward(
                    self.network, coefs, tape, grad_logits, self._workspace
                )
            for layer, (coef_grad, intercept_grad) in enumerate(chunk_grads):
                coef_grads[layer][: len(coef_grad)] += coef_grad
                intercept_grads[layer] += intercept_grad
            loss += chunk_loss
            logits.append(tape.logits)
            for n, s in zip(n_spikes, tape.spikes, strict=True):
                n += s.sum(axis=(0, 1))
        logits = np.concatenate(logits)
        return Step(loss, coef_grads, intercept_grads, n_spikes, logits)

    @np.errstate(over="ignore", invalid="ignore")
    def first_guess(self, coefs, intercepts, X, weights):
        """Make the first guess, from a few samples; see `_network.first_guess`.

        Parameters
        ----------
        coefs : list of ndarrays
            Scaled in place.
        intercepts : list of ndarrays
            Overwritten.
        X : batch
            As many samples as fit into a chunk are used.
        weights : ndarray of shape (n_samples,)
            Positive.

        Returns
        -------
        scales : list of float
            What the weights of each layer were multiplied with.
        """
        chunk = self._chunks(X.shape[0], coefs)[0]
        inputs = self._inputs(X[chunk], coefs[0].dtype)
        weights = (weights[chunk] / weights[chunk].sum()).astype(coefs[0].dtype)
        with single_threaded_blas():
            return first_guess(
                self.network, coefs, intercepts, inputs, weights, self._workspace
            )

    def _chunks(self, n_samples, coefs):
        """Cut a batch; depends on shapes alone."""
        widest = max(max(w.shape) for w in coefs)
        size = MAX_CHUNK_ELEMENTS // (self.network.n_steps * widest)
        size = min(max(size, 1), MAX_CHUNK_SAMPLES)
        return [slice(i, min(i + size, n_samples)) for i in range(0, n_samples, size)]

    def _forward(self, coefs, intercepts, X):
        """Return the Tape of a chunk; the next one overwrites it."""
        inputs = self._inputs(X, coefs[0].dtype)
        return forward(
            self.network, coefs, intercepts, inputs, X.shape[0], self._workspace
        )

    def _inputs(self, X, dtype):
        """Return what the first layer receives."""
        if isinstance(X, SpikeTrains):
            return X.events(self._workspace)
        return time_major(X, dtype, self._workspace)
