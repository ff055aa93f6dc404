"""How a batch runs: calls of the kernels, from samples as they come to gradients.

Samples are made ready in Python, as spikes to draw, spikes as bytes or currents, and
then run by a kernel, which lets go of the interpreter's lock. In a small batch one
thread makes all ready, and the threads have hardly more than kernels to call, and large
products (`AtOnce`): else each would wait for the lock that the other holds. In a large
one each thread makes its own samples ready, a few at a time, and memory does not grow
with the batch (`Piecemeal`).
"""

from functools import partial
from itertools import chain

import numpy as np
from scipy import sparse

from sklearn_snn._engines.compiled import chunks as kernels
from sklearn_snn._engines.compiled.inputs import Trains, active_inputs, as_bits
from sklearn_snn._engines.compiled.sums import Sums
from sklearn_snn._inputs.lengths import with_ends
from sklearn_snn._inputs.spike_trains import SpikeTrains
from sklearn_snn._model.synapses import alike, multiply_samples, weight_gradients

# Samples that are made ready at a time, so that memory does not grow with the batch;
# constant currents take no more room than their samples.
MAX_CHUNK_SAMPLES, MAX_CONSTANT_SAMPLES = 32, 256
# Samples of spikes that one thread makes ready, and multiplications that it does sooner
# than it hands them to others.
FEW_TRAINS, FEW_PRODUCTS = 32, 2**21
# What the code that looks for spikes in a sequence is compiled for.
_SEQUENCE_DTYPES = np.float64, np.float32, np.uint8, np.bool_


def cut(stop, size, start=0):
    """Cut ``range(start, stop)`` into slices of `size`."""
    return [slice(i, min(i + size, stop)) for i in range(start, stop, size)]


def most_samples(X):
    """Return how many samples of a batch run at a time at most."""
    return MAX_CONSTANT_SAMPLES if X.ndim == 2 else MAX_CHUNK_SAMPLES


def is_small(batch):
    """Tell whether one thread makes all samples of a batch ready."""
    if isinstance(batch.X, SpikeTrains):
        return len(batch.lengths) <= FEW_TRAINS
    return batch.X.ndim == 2 and len(batch.lengths) <= MAX_CONSTANT_SAMPLES


class AtOnce:
    """Runs groups of chunks of a batch, all of which one thread makes ready.

    Parameters
    ----------
    batch : Batch
        One that `is_small`.
    chunks : list of slices
        Of its samples.
    groups : list of slices
        Of the chunks: those of a call.
    workspaces : dict of Workspace
        By runner.
    """

    def __init__(self, batch, chunks, groups, workspaces):
        self._groups, self._workspaces = groups, workspaces
        self._sums, self._all = _new_sums(batch, 0, chunks), slice(0, chunks[-1].stop)
        make = _Currents if batch.X.ndim == 2 else _Drawn
        self._ready = make(batch, batch.X, self._all, workspaces[0])
        self._parts = [
            slice(chunks[group.start].start, chunks[group.stop - 1].stop)
            for group in groups
        ]
        self._calls = [self._ready.call(part, self._sums) for part in self._parts]
        # What BLAS does for all at once; else each thread does it for its own.
        self._is_one_product = self._ready.n_products <= FEW_PRODUCTS
        if self._is_one_product:
            self._ready.multiply(self._all, workspaces[0])

    def run(self, i, runner):
        """Run a group; `runner` differs for calls at the same time."""
        part, workspace = self._parts[i], self._workspaces[runner]
        self._sums.numbers[self._groups[i]].fill(0)
        if self._is_one_product:
            self._calls[i]()
            return []
        self._ready.multiply(part, workspace)
        self._calls[i]()
        return self._ready.gradients(part, self._sums, workspace)

    def together(self, results):
        """Return what `NumbaEngine.run_batch` does, of the results of all groups."""
        if self._is_one_product:
            workspace = self._workspaces[0]
            results = [self._ready.gradients(self._all, self._sums, workspace)]
        by_chunk = dict(chain(*results))
        gradients = [by_chunk[chunk] for chunk in sorted(by_chunk)]
        return self._sums.losses, self._sums.n_spikes, gradients


class Piecemeal:
    """Runs groups of chunks of a batch, each made ready where it runs.

    Parameters
    ----------
    batch, chunks, groups, workspaces
        As of `AtOnce`; the batch may be any.
    """

    def __init__(self, batch, chunks, groups, workspaces):
        self._batch, self._chunks, self._groups = batch, chunks, groups
        self._workspaces = workspaces

    def run(self, i, runner):
        """Run a group; `runner` differs for calls at the same time."""
        group = self._groups[i]
        return _run_group(
            self._batch, group.start, self._chunks[group], self._workspaces[runner]
        )

    def together(self, results):
        """Return what `NumbaEngine.run_batch` does, of the results of all groups."""
        sums, gradients = zip(*results, strict=True)
        losses, n_spikes = (
            np.concatenate([getattr(some, name) for some in sums])
            for name in ("losses", "n_spikes")
        )
        return losses, n_spikes, list(chain(*gradients))


def _run_group(batch, first, chunks, workspace):
    """Run chunks that follow each other, of which the first has number `first`.

    Parameters
    ----------
    batch : Batch
    first : int
    chunks : list of slices
        Several together have `most_samples` at most.
    workspace : Workspace

    Returns
    -------
    sums : Sums
    first_gradients : list of ndarrays of the shape of the first weights, or None
        Of each chunk, where X is constant and there are targets; else these are with
        the others.
    """
    sums = _new_sums(batch, first, chunks)
    sums.numbers.fill(0)
    start, stop = chunks[0].start, chunks[-1].stop
    first_gradients = [None] * len(chunks)
    for few in cut(stop, most_samples(batch.X), start=start):
        X, some = batch.X[few], sums._replace(first=few.start - start)
        every = slice(0, few.stop - few.start)
        if isinstance(X, SpikeTrains):
            _Drawn(batch, X, few, workspace).call(every, some)()
        elif X.ndim == 3:
            _run_sequences(batch, X, few, some, workspace)
        else:
            ready = _Currents(batch, X, few, workspace)
            ready.multiply(every, workspace)
            ready.call(every, some)()
            for chunk, gradient in ready.gradients(every, some, workspace):
                if first_gradients[chunk] is None:
                    first_gradients[chunk] = gradient
                else:
                    first_gradients[chunk] += gradient
    return sums, first_gradients


def _new_sums(batch, first, chunks):
    """Return Sums of zeros, but for the gradients, which are as they are."""
    n_chunks, n_neurons = len(chunks), batch.layers.sizes[1:].sum()
    numbers = np.empty((n_chunks, 0), batch.readings.dtype)
    if batch.gradients is not None:
        numbers = batch.gradients[first : first + n_chunks]
    n_spikes = np.zeros((n_chunks, n_neurons), np.int64)
    losses, size = np.zeros((n_chunks, 2)), chunks[0].stop - chunks[0].start
    return Sums(numbers, batch.n_rows(), n_spikes, losses, size, 0)


class _Drawn:
    """Spike trains, of which the kernel draws what can fire: nothing is multiplied.

    Parameters
    ----------
    batch : Batch
    X : SpikeTrains
        Some rows of that of the batch.
    rows : slice
        Which ones.
    workspace : Workspace
    """

    n_products = 0

    def __init__(self, batch, X, rows, workspace):
        if sparse.issparse(X.rates):
            indptr, features, thresholds = X.active()
        else:
            rates = X.rates if X.levels is None else X.levels.take(X.rates)
            rates = np.ascontiguousarray(rates)
            indptr, features, thresholds = active_inputs(rates)
        self._batch, self._first = batch, rows.start
        self._bits = np.empty((0, batch.n_steps, 0), np.uint8)
        self._trains = Trains(
            indptr.astype(np.int64, copy=False),
            features.astype(np.uint32, copy=False),
            thresholds,
            batch.seed_key,
            batch.presentation_key,
            X.first_step,
        )

    def multiply(self, part, workspace):
        """Make the currents of a part of the samples: there are none."""

    def call(self, part, sums):
        """Return what runs a part of the samples; `sums` are of the first of all."""
        indptr = self._trains.indptr[part.start : part.stop + 1]
        return partial(
            kernels.run_spikes,
            *_network(self._batch, _within(self._first, part)),
            self._trains._replace(indptr=indptr),
            self._bits,
            *_results(self._batch, _within(self._first, part)),
            sums._replace(first=sums.first + part.start),
        )

    def gradients(self, part, sums, workspace):
        """Return pairs of chunk and gradient: none, as `sums` have them."""
        return []


class _Currents:
    """Graded samples, which are multiplied with the first weights here.

    Parameters
    ----------
    batch, X, rows, workspace
        As of `_Drawn`; X is an array, or of two axes a CSR array too.
    lengths : ndarray of int of shape (n_samples,), default=None
        Number of steps of each sample, beyond which nothing counts.
    """

    def __init__(self, batch, X, rows, workspace, lengths=None):
        weights, dtype = batch.params[0]["coef"], batch.readings.dtype
        n_currents = 1 if X.ndim == 2 else X.shape[1]
        shape = X.shape[0], n_currents, weights.shape[1]
        is_sparse = sparse.issparse(X)
        X = X.astype(dtype) if is_sparse else np.ascontiguousarray(X, dtype)
        self._batch, self._first = batch, rows.start
        self._X, self._weights, self._lengths = X, weights, lengths
        self._currents = workspace.array("currents", shape, dtype)
        self.n_products = X.size * weights.shape[1]

    def multiply(self, part, workspace):
        """Make the currents of a part of the samples."""
        X, currents = self._X[part], self._currents[part]
        if sparse.issparse(X):
            currents[:, 0] = X @ self._weights
            return
        inputs = X.reshape(len(X), currents.shape[1], -1)
        make = None if X.ndim == 2 else lambda: self._batch.parts
        lengths = None if self._lengths is None else self._lengths[part]
        multiply_samples(inputs, self._weights, make, currents, workspace, lengths)

    def call(self, part, sums):
        """Return what runs a part of the samples; `sums` are of the first of all."""
        return partial(
            kernels.run_currents,
            *_network(self._batch, _within(self._first, part)),
            self._currents[part],
            *_results(self._batch, _within(self._first, part)),
            sums._replace(first=sums.first + part.start),
        )

    def gradients(self, part, sums, workspace):
        """Return pairs of a chunk and its gradient of the first weights, if asked."""
        if self._batch.gradients is None:
            return []
        chunk, n_before = divmod(sums.first + part.start, sums.size)
        gradients = weight_gradients(
            self._X[part],
            self._currents[part],
            sums.size,
            n_before,
            workspace,
            None if self._lengths is None else self._lengths[part],
        )
        return enumerate(gradients, chunk)


def _run_sequences(batch, X, rows, sums, workspace):
    """Run recorded spikes as events, graded sequences as currents."""
    X, lengths = with_ends(X)
    # Other types would have to be compiled for: they become that of the weights.
    is_known = X.dtype in _SEQUENCE_DTYPES
    X = np.ascontiguousarray(X, None if is_known else batch.readings.dtype)
    n_words = -(-X.shape[2] // 64)
    bits = workspace.array("bits", (*X.shape[:2], 64 * n_words), np.uint8)
    is_binary = as_bits(X, bits)
    # Sample by sample, so that none depends on what it is computed with.
    for start, stop in alike(is_binary):
        part, every = slice(start, stop), slice(0, stop - start)
        here = _within(rows.start, part)
        own = sums._replace(first=sums.first + start)
        if is_binary[start]:
            network, results = _network(batch, here), _results(batch, here)
            kernels.run_spikes(*network, _NO_TRAINS, bits[part], *results, own)
            continue
        ends = None if lengths is None else lengths[part]
        ready = _Currents(batch, X[part], here, workspace, ends)
        ready.multiply(every, workspace)
        ready.call(every, own)()
        for chunk, gradient in ready.gradients(every, own, workspace):
            n_rows, width = batch.layers.widths[:2]
            padded = sums.numbers[chunk, : n_rows * width].reshape(n_rows, width)
            padded[:, : gradient.shape[1]] += gradient


def _within(first, part):
    """Return the rows of a batch that are a part of those from the first one on."""
    return slice(first + part.start, first + part.stop)


def _network(batch, rows):
    """Return what the compiled code is told of the network, for some rows."""
    readout, bounds = batch.readout, batch.bounds
    if rows != slice(0, len(batch.lengths)):
        names = "factor", "by_step", "half", "n_read"
        parts = {name: getattr(readout, name)[rows] for name in names}
        readout = readout._replace(**parts)
        bounds = bounds._replace(pushes=bounds.pushes[rows])
    return batch.neurons, readout, batch.layers, bounds


def _results(batch, rows):
    """Return what the compiled code is told of some rows, and writes of them."""
    return (
        batch.lengths[rows],
        batch.targets[rows],
        batch.loss_weights[rows],
        batch.kept[rows],
        batch.states[rows],
        batch.readings[rows],
        batch.spikes[rows],
        batch.membranes[rows],
    )


_NO_TRAINS = Trains(
    np.zeros(1, np.int64),
    np.empty(0, np.uint32),
    np.empty(0, np.uint32),
    np.uint64(0),
    np.uint64(0),
    0,
)
