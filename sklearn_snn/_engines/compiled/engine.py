"""The event-driven engine: compiled code on threads, for spikes that are mostly absent.

A batch is cut into chunks, each of which runs forward and backward on one thread. Where
the cuts are depends on the length of the batch alone and the partial gradients are
added in order: the result is the same to the bit for any number of threads.
"""

import time
from collections import defaultdict
from contextlib import nullcontext
from functools import cached_property
from itertools import accumulate

import numpy as np

from sklearn_snn._engines.blas import limit_kept, single_threaded_blas
from sklearn_snn._engines.compiled.batch import Batch
from sklearn_snn._engines.compiled.cache import n_compiled
from sklearn_snn._engines.compiled.neurons import problem_of
from sklearn_snn._engines.compiled.pieces import CompiledPiece
from sklearn_snn._engines.compiled.running import (
    MAX_CHUNK_SAMPLES,
    cut,
    is_small,
    run_at_once,
    run_piecemeal,
)
from sklearn_snn._engines.compiled.updates import (
    compile_updates,
    finish_gradient,
    sum_of_squares,
    take_step,
)
from sklearn_snn._engines.hurry import unless_compiled_first
from sklearn_snn._engines.numpy_chunks import Step
from sklearn_snn._engines.numpy_engine import NumpyEngine
from sklearn_snn._engines.threads import n_threads
from sklearn_snn._inputs.lengths import known_lengths, steps_of
from sklearn_snn._inputs.spike_trains import SpikeTrains
from sklearn_snn._model.network import (
    add_threshold_gradient,
    answers,
    loss_and_gradient,
)
from sklearn_snn._model.restraint import NO_RESTRAINT
from sklearn_snn._utils.workspace import Workspace

# As many threads can share a batch: each chunk has a gradient of its own to be added.
MAX_GRADIENT_CHUNKS = 8
# Fewer if these gradients would take more numbers than this: 256 MB in float32.
MAX_GRADIENT_ELEMENTS = 2**26


class NumbaEngine:
    """Outputs and gradients of a network; the same contract as `NumpyEngine`.

    Parameters
    ----------
    network : Network
        One that it `supports`.
    n_steps : int
    is_hurried : bool, default=False
        Whether numpy is to give small answers that code must be compiled for.
    """

    compiles, bptt_steps = True, None
    sum_of_squares = staticmethod(sum_of_squares)
    finish_gradient = staticmethod(finish_gradient)
    limit_kept = staticmethod(limit_kept)

    def __init__(self, network, n_steps, is_hurried=False):
        if (problem := self.supports(network)) is not None:
            raise ValueError(f"The numba engine cannot run this: {problem}.")
        self.network, self.n_steps, self.is_hurried = network, n_steps, is_hurried
        self._shared, self._packed = Workspace(), {}
        self._workspaces = defaultdict(Workspace)  # of each runner

    @cached_property
    def _n_threads(self):
        """How many threads to use: not looked up where a single row is answered."""
        return n_threads()

    def _count_threads(self):
        return self._n_threads

    @staticmethod
    def supports(network):
        """Return None if it can run a network, or the reason why not."""
        if network.smooth:
            return "only the numpy engine runs a smooth network"
        kinds = {layer.neuron for layer in network.layers[:-1]}
        if len(kinds) > 1:
            return "its hidden layers are of different kinds of neurons"
        *hidden, is_output_recurrent = (layer.recurrent for layer in network.layers)
        if len({*hidden}) > 1 or is_output_recurrent:
            return "not just all of its hidden layers are recurrent"
        problems = [problem_of(layer.neuron) for layer in network.layers]
        return next(filter(None, problems), None)

    def by_numpy(self):
        """Return an engine of the same answers for which nothing is compiled."""
        return NumpyEngine(self.network, self.n_steps)

    def prepare(self, params, X, targets):
        """Compile or load what steps need that learn from batches like `X`.

        Parameters
        ----------
        params : list of dicts of ndarrays
        X : batch
        targets : ndarray
            Those of X.

        Returns
        -------
        seconds : float
            How long it took if there was something to compile, else 0.
        """
        n_before, start = n_compiled(), time.perf_counter()
        samples = [X[:1]]
        if X.ndim == 3 and not isinstance(X, SpikeTrains):
            # Spikes, fractions and counts are run by different code.
            shape = 1, self.n_steps, X.shape[2]
            samples = [np.full(shape, value, X.dtype) for value in (0, 0.5, 2)]
        weights = np.ones((1, self.n_steps) if self.network.readout.per_step else 1)
        for sample in samples:
            self.loss_and_gradients(params, sample, targets[:1], weights)
        compile_updates(params[0]["coef"].dtype)
        if n_compiled() == n_before:
            return 0.0
        return time.perf_counter() - start

    @unless_compiled_first
    def run(self, params, X):
        """Run the network; see `NumpyEngine.run`."""
        network = self.network
        if network.readout.statistic == "probability":
            # Of exponentials, which compiled code may round in another way than numpy,
            # and so in another way than the running answers.
            record = self.read_out(params, X)
            reading = network.readout.read(record, known_lengths(X))
        else:
            batch = self._asked(params, X)
            if network.readout.per_step:
                batch.keep_membranes()
            self.run_batch(batch, cut(X.shape[0], MAX_CHUNK_SAMPLES))
            reading = batch.reading()
        return answers(network, params, reading, steps_of(X, self.n_steps))

    @unless_compiled_first
    def read_out(self, params, X):
        """Run the network and keep what is read; see `NumpyEngine.read_out`."""
        batch, names = self._asked(params, X), self.network.readout.reads
        if "spikes" in names:
            batch.keep_spikes(batch.layers.sizes[-1])
        if "membrane" in names:
            batch.keep_membranes()
        self.run_batch(batch, cut(X.shape[0], MAX_CHUNK_SAMPLES))
        record = {"spikes": batch.spikes, "membrane": batch.membranes}
        return {name: record[name].transpose(1, 0, 2) for name in names}

    @unless_compiled_first
    def spikes(self, params, X, first=0):
        """Run the network and keep spikes; see `NumpyEngine.spikes`."""
        return self._spikes_of(self._asked(params, X), first)

    def _spikes_of(self, batch, first):
        sizes = batch.layers.sizes[1 + first :]
        batch.keep_spikes(sizes.sum())
        self.run_batch(batch, cut(batch.X.shape[0], MAX_CHUNK_SAMPLES))
        return np.split(batch.spikes, list(accumulate(sizes[:-1])), 2)

    def loss_and_gradients(
        self, params, X, targets, loss_weights, restraint=NO_RESTRAINT
    ):
        """Backpropagate through time; see `NumpyEngine.loss_and_gradients`."""
        batch = self._batch(params, X)
        if restraint.kept or restraint.bounds is not None:
            batch.restrain(restraint)
        if self.network.readout.per_step:
            batch.keep_membranes()
        loss_weights = np.asarray(loss_weights)
        gradients, losses, n_spikes = self.go_back(
            batch, lambda *parts: batch.learn(targets, loss_weights, *parts)
        )
        n_steps = steps_of(X, self.n_steps)
        outputs = answers(self.network, params, batch.reading(), n_steps)
        is_soft = self.network.readout.name == "soft_count"
        if is_soft and "threshold" in gradients[-1]:
            self._add_threshold_gradient(batch, gradients[-1])
        return Step(*losses, gradients, n_spikes, outputs)

    def go_back(self, batch, learn):
        """Run a batch forward and backward, once `learn` has told it what for.

        ``learn(gradients, of_first)`` is told where gradients are put; see `Batch`.

        Returns
        -------
        gradients : list of dicts of ndarrays
        losses : list of float
            The loss and the penalty.
        n_spikes : list of ndarrays of shape (n_units,)
        """
        n_samples, n_gradients = batch.X.shape[0], batch.n_gradients()
        n_of_first = batch.n_of_first()
        affordable = max(1, MAX_GRADIENT_ELEMENTS // (n_gradients + n_of_first))
        chunks = cut(n_samples, -(-n_samples // min(MAX_GRADIENT_CHUNKS, affordable)))
        dtype = batch.layers.biases.dtype
        gradients, of_first = (
            self._shared.array(name, (len(chunks), size), dtype)
            for name, size in (("gradients", n_gradients), ("first", n_of_first))
        )
        learn(gradients, of_first)
        losses, n_spikes = self.run_batch(batch, chunks)
        gradients = batch.unpack(self._count_threads)
        n_spikes = batch.by_layer(n_spikes.sum(axis=0))
        return gradients, losses.sum(axis=0).tolist(), n_spikes

    def take_adam_step(self, *arrays_and_numbers):
        """Let arrays take a step; see `_model.updates`."""
        take_step(*arrays_and_numbers, count_threads=self._count_threads)

    def piece(self, first, n_steps, n_steps_in_all):
        """Return a `CompiledPiece`; parameters as of `NumpyEngine.piece`."""
        readout = self.network.readout.from_step(first, n_steps_in_all)
        network = self.network._replace(readout=readout)
        return CompiledPiece(self, network, n_steps, self._packed)

    def _add_threshold_gradient(self, batch, gradient):
        """Add what outputs that are measured in thresholds say about these."""
        network, params, reading = self.network, batch.params, batch.reading()
        targets, weights = batch.targets, batch.loss_weights[:, 0]
        if network.loss == "cross_entropy":
            targets = targets[:, 0].astype(int)
        n_steps = steps_of(batch.X, self.n_steps)
        _, by_output = loss_and_gradient(
            network, params, reading, n_steps, targets, weights
        )
        add_threshold_gradient(network, params, reading, by_output, n_steps, gradient)

    def first_guess(self, params, X, weights):
        """Make the first guess, once in a fit: for all but spikes, numpy will do."""
        engine = NumpyEngine(self.network, self.n_steps)

        def spikes(params, X, first):  # of what is not to be asked again
            return self._spikes_of(self._batch(params, X), first)

        self._count_threads()  # before the BLAS is limited
        with limit_kept():
            return engine.first_guess(params, X, weights, spikes=spikes)

    def _asked(self, params, X):
        """Return a batch that is only to be answered."""
        return self._batch(params, X, is_asked=True)

    def _batch(self, params, X, is_asked=False):
        return Batch(self.network, params, X, self.n_steps, self._packed, is_asked)

    def run_batch(self, batch, chunks):
        """Run all chunks.

        Returns
        -------
        losses, n_spikes : ndarrays of shape (n_chunks, 2) and (n_chunks, n_neurons)
            As of `Sums`.
        """
        run = run_at_once if is_small(batch) else run_piecemeal
        # Graded input takes the BLAS, whose rounding depends on its threads.
        needs_blas = not isinstance(batch.X, SpikeTrains)
        n = self._n_threads if len(chunks) > 1 else 1  # before the BLAS is limited
        with (
            single_threaded_blas() if needs_blas else nullcontext(),
            np.errstate(over="ignore", invalid="ignore"),
        ):
            try:
                return run(batch, chunks, n, self._workspaces)
            except SystemError as error:
                # So numba reports Ctrl-C while compiled code hands over its result.
                cause = error
                while isinstance(cause, SystemError):
                    cause = cause.__cause__
                if isinstance(cause, KeyboardInterrupt):
                    raise cause from None
                raise
