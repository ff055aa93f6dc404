"""The event-driven engine: compiled code on threads, for spikes that are mostly absent.

A batch is cut into chunks, each of which runs forward and backward on one thread. Where
the cuts are depends on the length of the batch alone and the partial gradients are
added in order: the result is the same to the bit for any number of threads.
"""

import time
from contextlib import nullcontext
from itertools import accumulate

import numpy as np

from sklearn_snn import _numba_chunks as kernels
from sklearn_snn._blas import single_threaded_blas
from sklearn_snn._engine_numpy import NumpyEngine, Step
from sklearn_snn._numba_batch import MAX_CHUNK_SAMPLES, Batch, cut
from sklearn_snn._spike_trains import SpikeTrains
from sklearn_snn._threads import n_threads, run_chunks
from sklearn_snn._workspace import Workspace

# As many threads can share a batch: each chunk has a gradient of its own to be added.
MAX_GRADIENT_CHUNKS = 8
# Fewer if these gradients would take more numbers than this: 256 MB in float32.
MAX_GRADIENT_ELEMENTS = 2**26
# Partial gradients are added in pieces of this many numbers.
PIECE = 2**15


class NumbaEngine:
    """Logits and gradients of a network; the same contract as `NumpyEngine`.

    Parameters
    ----------
    network : Network
    """

    compiles = True

    def __init__(self, network):
        if network.smooth:
            raise ValueError("Only the numpy engine runs a smooth network.")
        self.network = network
        self._n_threads = n_threads()
        self._shared = Workspace()
        self._workspaces = [Workspace() for _ in range(self._n_threads)]

    def prepare(self, coefs, intercepts, X):
        """Compile or load what `loss_and_gradients` needs for batches like `X`.

        Parameters
        ----------
        coefs, intercepts : lists of ndarrays
        X : batch

        Returns
        -------
        seconds : float
            How long it took if there was something to compile, else 0.
        """
        n_before, start = kernels.n_compiled(), time.perf_counter()
        samples = [X[:1]]
        if isinstance(X, np.ndarray) and X.ndim == 3:
            # Spikes and graded values are run by different code.
            samples = [np.full_like(X[:1], value) for value in (0, 0.5, 2)]
        for sample in samples:
            y, loss_weights = np.zeros(1, int), np.ones(1)
            self.loss_and_gradients(coefs, intercepts, sample, y, loss_weights)
        if kernels.n_compiled() == n_before:
            return 0.0
        return time.perf_counter() - start

    def logits(self, coefs, intercepts, X):
        """Run the network; see `NumpyEngine.logits`."""
        batch = Batch(self.network, coefs, intercepts, X)
        self._run(batch, cut(X.shape[0], MAX_CHUNK_SAMPLES))
        return batch.logits

    def spikes(self, coefs, intercepts, X, first=0):
        """Run the network and keep spikes; see `NumpyEngine.spikes`."""
        batch = Batch(self.network, coefs, intercepts, X)
        sizes = batch.layers.sizes[1 + first :]
        batch.keep_spikes(sizes.sum())
        self._run(batch, cut(X.shape[0], MAX_CHUNK_SAMPLES))
        return np.split(batch.spikes, list(accumulate(sizes[:-1])), 2)

    def loss_and_gradients(self, coefs, intercepts, X, y, loss_weights):
        """Backpropagate through time; see `NumpyEngine.loss_and_gradients`."""
        batch = Batch(self.network, coefs, intercepts, X)
        n_samples = len(y)
        n_weights, n_biases = len(batch.layers.whole_weights), len(batch.layers.biases)
        n_parameters = max(n_weights, sum(w.size for w in coefs))
        affordable = max(1, MAX_GRADIENT_ELEMENTS // n_parameters)
        chunks = cut(n_samples, -(-n_samples // min(MAX_GRADIENT_CHUNKS, affordable)))
        dtype = batch.layers.biases.dtype
        parts = self._shared.array(
            "gradients", (len(chunks), n_weights + n_biases), dtype
        )
        gradients = [(part[:n_weights], part[n_weights:]) for part in parts]
        batch.learn(y, loss_weights, gradients)
        results = self._run(batch, chunks)
        gradient = self._sum(parts)
        losses, of_chunks, first_gradients = zip(*results, strict=True)
        coef_grads, intercept_grads = batch.unpack(gradient)
        if X.ndim == 2:
            coef_grads[0] = first_gradients[0]
            for more in first_gradients[1:]:
                coef_grads[0] += more
        ends = list(accumulate(batch.layers.sizes[1:-1]))
        n_spikes = np.split(np.sum(of_chunks, axis=0), ends)
        return Step(sum(losses), coef_grads, intercept_grads, n_spikes, batch.logits)

    def first_guess(self, coefs, intercepts, X, weights):
        """Make the first guess, once in a fit: numpy will do."""
        return NumpyEngine(self.network).first_guess(coefs, intercepts, X, weights)

    def _run(self, batch, chunks):
        """Run all chunks; return (loss, n_spikes, first gradient) of each."""

        def run(i, runner):
            return batch.run(i, chunks[i], self._workspaces[runner])

        # Graded input takes the BLAS, whose rounding depends on its threads.
        needs_blas = not isinstance(batch.X, SpikeTrains)
        with single_threaded_blas() if needs_blas else nullcontext():
            try:
                return run_chunks(run, len(chunks), self._n_threads)
            except SystemError as error:
                # So numba reports Ctrl-C while compiled code hands over its result.
                cause = error
                while isinstance(cause, SystemError):
                    cause = cause.__cause__
                if isinstance(cause, KeyboardInterrupt):
                    raise cause from None
                raise

    def _sum(self, parts):
        """Return the sum of the partial gradients, added in order."""
        total = np.empty(parts.shape[1], parts.dtype)
        pieces = cut(len(total), PIECE)

        def add(i, _):
            np.sum(parts[:, pieces[i]], axis=0, out=total[pieces[i]])

        run_chunks(add, len(pieces), self._n_threads)
        return total
