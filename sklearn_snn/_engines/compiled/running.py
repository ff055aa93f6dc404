"""How a batch runs: calls of the kernels, from samples as they come to gradients.

Samples are made ready in Python, as spikes to draw, spikes as bytes or currents, and
then run by a kernel, which lets go of the interpreter's lock. In a small batch one
thread makes all ready, and others have nothing to do with Python (`run_at_once`): else
each would wait for the lock that the other holds. In a large one, and where numpy has
much to multiply, each thread makes its own samples ready, a few at a time, and memory
does not grow with the batch (`run_piecemeal`). Of spikes to draw, unless they are
sparse, and of tables to learn from nothing is left to make ready.
"""

import numpy as np
from scipy import sparse

from sklearn_snn._engines.compiled import chunks as kernels
from sklearn_snn._engines.compiled import crew
from sklearn_snn._engines.compiled.boards import new_board
from sklearn_snn._engines.compiled.inputs import Trains, as_bits
from sklearn_snn._engines.compiled.sums import Sums
from sklearn_snn._engines.threads import run_chunks
from sklearn_snn._inputs.lengths import with_ends
from sklearn_snn._inputs.spike_trains import SpikeTrains
from sklearn_snn._model.synapses import alike, multiply_samples, weight_gradients

# Samples that are made ready at a time, so that memory does not grow with the batch;
# constant currents, and rates, take no more room than their samples.
MAX_CHUNK_SAMPLES, MAX_CONSTANT_SAMPLES = 32, 256
# Sparse samples of spikes that one thread makes ready, or samples that take long, and
# multiplications that it does sooner than it hands them to others.
FEW_TRAINS, FEW_PRODUCTS = 32, 2**21
# Weights, by step and sample, that are soon gone through: Ctrl-C waits for that.
FEW_WEIGHTS = 2**33
# Samples that are soon run.
_FEW = 32
# What the code that looks for spikes in a sequence is compiled for.
_SEQUENCE_DTYPES = np.float64, np.float32, np.uint8, np.bool_

# Networks and kinds of batches that this process has run piecemeal.
_known = set()


def cut(stop, size, start=0):
    """Cut ``range(start, stop)`` into slices of `size`."""
    return [slice(i, min(i + size, stop)) for i in range(start, stop, size)]


def most_samples(X):
    """Return how many samples of a batch run at a time at most."""
    return MAX_CONSTANT_SAMPLES if X.ndim == 2 else MAX_CHUNK_SAMPLES


def is_small(batch):
    """Tell whether one thread makes all samples of a batch ready."""
    n_samples, is_trains = len(batch.lengths), isinstance(batch.X, SpikeTrains)
    if n_samples > MAX_CONSTANT_SAMPLES or not (is_trains or batch.X.ndim == 2):
        return False
    if not is_trains and not _kernel_multiplies(batch):
        return n_samples * batch.params[0]["coef"].size <= FEW_PRODUCTS
    n_weights = sum(p["coef"].size for p in batch.params)
    is_long = n_samples * batch.n_steps * n_weights > FEW_WEIGHTS
    is_sparse = is_trains and sparse.issparse(batch.X.rates)
    return n_samples <= FEW_TRAINS or not (is_sparse or is_long)


def run_at_once(batch, chunks, n_threads, workspaces):
    """Run a small batch by one call of compiled code, whose chunks threads share.

    Parameters
    ----------
    batch : Batch
    chunks : list of slices
        Of its samples.
    n_threads : int
    workspaces : dict of Workspace
        By runner.

    Returns
    -------
    losses, n_spikes
        As of `NumbaEngine.run_batch`.
    """
    sums, make = _new_sums(batch, 0, chunks), _make_ready(batch)
    ready = make(batch, batch.X, slice(0, chunks[-1].stop), workspaces[0])
    with crew.board(min(n_threads, len(chunks))) as board:
        ready.run(sums, board)
    return sums.losses, sums.n_spikes


def run_piecemeal(batch, chunks, n_threads, workspaces):
    """Run groups of chunks, each made ready by the thread that runs it.

    Parameters and what is returned are as of `run_at_once`; the batch may be any.
    """
    groups = _groups(batch.X, chunks, n_threads)

    def run(i, runner):
        first = groups[i].start
        return _run_group(batch, first, chunks[groups[i]], workspaces[runner])

    # This thread compiles what has to be: where it waits for another one that does,
    # that takes half as long again.
    network, X = batch.network, batch.X
    kind = network.layers, network.readout.name, type(X), X.ndim, X.dtype
    n_alone = min(len(groups), int(kind not in _known))
    results = run_chunks(run, n_alone, 1)
    _known.add(kind)
    crew.dismiss()
    results += run_chunks(run, len(groups), n_threads, n_alone)
    return tuple(
        np.concatenate([getattr(sums, name) for sums in results])
        for name in ("losses", "n_spikes")
    )


def _groups(X, chunks, n_threads):
    """Return which chunks go together: what Python does for a call is done once.

    No two threads do that at the same time. Two calls for each thread, as one may be
    slower than another; one where there is little to do.
    """
    if len(chunks) == 1:
        return [slice(0, 1)]
    n_samples = chunks[0].stop - chunks[0].start
    n_calls = n_threads * (1 if X.ndim == 2 or X.shape[0] <= _FEW else 2)
    n_together = min(most_samples(X) // n_samples, -(-len(chunks) // n_calls))
    return cut(len(chunks), max(1, n_together))


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
    """
    sums = _new_sums(batch, first, chunks)
    start, stop = chunks[0].start, chunks[-1].stop
    for few in cut(stop, most_samples(batch.X), start=start):
        X, some = batch.X[few], sums._replace(first=few.start - start)
        if X.ndim == 3 and not isinstance(X, SpikeTrains):
            _run_sequences(batch, X, few, some, workspace)
            continue
        _make_ready(batch)(batch, X, few, workspace).run(some, new_board())
    return sums


def _new_sums(batch, first, chunks):
    """Return Sums of nothing yet."""
    n_chunks, n_neurons = len(chunks), batch.layers.sizes[1:].sum()
    numbers = of_first = np.empty((n_chunks, 0), batch.readings.dtype)
    has_begun = np.empty((n_chunks, 0), np.uint8)
    if batch.gradients is not None:
        own = slice(first, first + n_chunks)
        numbers, has_begun = batch.gradients[own], batch.has_begun[own]
        of_first = batch.of_first[own]
        numbers[:, batch.n_begun_later() :].fill(0)
    n_spikes = np.zeros((n_chunks, n_neurons), np.int64)
    losses, size = np.zeros((n_chunks, 2)), chunks[0].stop - chunks[0].start
    return Sums(numbers, has_begun, of_first, batch.n_rows(), n_spikes, losses, size, 0)


def _make_ready(batch):
    """Return what makes samples ready: spikes to draw, or what is multiplied."""
    if isinstance(batch.X, SpikeTrains):
        return _Drawn
    return _Constants if _kernel_multiplies(batch) else _Currents


def _kernel_multiplies(batch):
    """Tell whether it is the kernel that multiplies with the first weights.

    A whole table that is learned from: the BLAS of compiled code, which is that of
    scipy, may be another version than that of numpy, and no answer may change with it,
    nor a piece that is run a second time to learn. With a single column numpy makes
    another product; see `_model.synapses`.
    """
    is_dense = batch.X.ndim == 2 and not sparse.issparse(batch.X)
    is_whole = batch.gradients is not None and len(batch.states) == 0
    return is_dense and is_whole and batch.params[0]["coef"].shape[1] > 1


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

    def __init__(self, batch, X, rows, workspace):
        if sparse.issparse(X.rates):
            indptr, features, thresholds = X.active()
            own = {"indptr": indptr, "features": features, "thresholds": thresholds}
        elif X.levels is None:
            own = {"rates": X.rates}
        else:
            own = {"codes": X.rates, "levels": X.levels}
        for name, array in own.items():
            # A copy of what is read-only, or of another class of array: for that, numba
            # would compile all anew.
            dtype = getattr(_NO_TRAINS, name).dtype
            own[name] = np.require(array, dtype, "CWE")
        self._batch, self._rows = batch, rows
        self._trains = _NO_TRAINS._replace(
            seed_key=batch.seed_key,
            presentation_key=batch.presentation_key,
            first_step=X.first_step,
            **own,
        )
        self._bits = np.empty((0, batch.n_steps, 0), np.uint8)

    def run(self, sums, board):
        """Run the samples, whose first is the first of `sums`."""
        kernels.run_spikes(
            *_network(self._batch, self._rows),
            self._trains,
            self._bits,
            *_results(self._batch, self._rows),
            sums,
            board,
        )


class _Constants:
    """Rows of a table to learn from, which the kernel multiplies.

    Parameters
    ----------
    batch, X, rows, workspace
        As of `_Drawn`; X is an array of two axes.
    """

    def __init__(self, batch, X, rows, workspace):
        weights, dtype = batch.params[0]["coef"], batch.readings.dtype
        # As of `_Drawn`.
        self._factors = [np.require(array, dtype, "CWE") for array in (X, weights)]
        shape = len(X), 1, weights.shape[1]
        self._batch, self._rows, self._workspace = batch, rows, workspace
        self._currents = workspace.array("currents", shape, dtype)

    def run(self, sums, board):
        """Run the samples, whose first is the first of `sums`."""
        own, of_first = sums, sums.of_first
        if sums.first > 0:  # more of a chunk that is the only one
            more = self._workspace.array("more", of_first.shape, of_first.dtype)
            own = sums._replace(of_first=more)
        _run_currents(
            self._batch, self._rows, *self._factors, self._currents, own, board
        )
        if own is not sums:
            of_first += own.of_first


class _Currents:
    """Other graded samples, which are multiplied with the first weights here.

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
        self._batch, self._rows, self._lengths = batch, rows, lengths
        self._workspace = workspace
        self._currents = workspace.array("currents", shape, dtype)
        if sparse.issparse(X):
            self._X = X.astype(dtype)
            self._currents[:, 0] = self._X @ weights
            return
        self._X = np.ascontiguousarray(X, dtype)
        inputs = self._X.reshape(len(X), n_currents, -1)
        make = None if X.ndim == 2 else lambda: batch.parts
        multiply_samples(inputs, weights, make, self._currents, workspace, lengths)

    def run(self, sums, board):
        """Run the samples, whose first is the first of `sums`."""
        nothing = np.empty((0, 0), self._currents.dtype)
        _run_currents(
            self._batch, self._rows, nothing, nothing, self._currents, sums, board
        )
        if self._batch.gradients is None:
            return
        chunk, n_before = divmod(sums.first, sums.size)
        gradients = weight_gradients(
            self._X,
            self._currents,
            sums.size,
            n_before,
            self._workspace,
            self._lengths,
        )
        for k, gradient in enumerate(gradients, chunk):
            if self._X.ndim == 3:
                self._add_padded(gradient, k, sums)
            elif k == chunk and n_before > 0:
                sums.of_first[k] += gradient.reshape(-1)
            else:
                sums.of_first[k] = gradient.reshape(-1)

    def _add_padded(self, gradient, chunk, sums):
        """Add a gradient to that of spikes, of which other samples may consist."""
        n_rows, width = self._batch.layers.widths[:2]
        padded = sums.numbers[chunk, : n_rows * width].reshape(n_rows, width)
        padded[sums.has_begun[chunk] == 0] = 0
        sums.has_begun[chunk] = 1
        padded[:, : gradient.shape[1]] += gradient


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
        part = slice(start, stop)
        here = slice(rows.start + start, rows.start + stop)
        own = sums._replace(first=sums.first + start)
        if is_binary[start]:
            network, results = _network(batch, here), _results(batch, here)
            kernels.run_spikes(
                *network, _NO_TRAINS, bits[part], *results, own, new_board()
            )
            continue
        ends = None if lengths is None else lengths[part]
        _Currents(batch, X[part], here, workspace, ends).run(own, new_board())


def _run_currents(batch, rows, inputs, weights, currents, sums, board):
    """Run what is a current, or becomes one: see `chunks.run_currents`."""
    kernels.run_currents(
        *_network(batch, rows),
        inputs,
        weights,
        currents,
        *_results(batch, rows),
        sums,
        board,
    )


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
    np.empty((0, 0), np.float32),
    np.empty((0, 0), np.uint8),
    np.empty(0, np.float32),
    np.empty(0, np.int64),
    np.empty(0, np.uint32),
    np.empty(0, np.uint32),
    np.uint64(0),
    np.uint64(0),
    0,
)
