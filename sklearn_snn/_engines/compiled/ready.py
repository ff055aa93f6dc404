"""Samples made ready: what a call of a kernel is told of a few samples of a batch.

They are spikes to draw, spikes as bytes, rows that the kernel multiplies, or currents
that numpy has made of them. The kernel multiplies what has the same row at all steps,
or a row for each of them, if no spikes and no counts are among the samples: their
products are exact (see `_model.synapses`), and of spikes none is made.
"""

import numpy as np
from scipy import sparse

from sklearn_snn._compat import numpy_matmul
from sklearn_snn._engines.compiled import chunks as kernels
from sklearn_snn._engines.compiled.inputs import Trains, as_bits
from sklearn_snn._inputs.lengths import with_ends
from sklearn_snn._inputs.sequences import Sequences
from sklearn_snn._inputs.spike_trains import SpikeTrains
from sklearn_snn._model.synapses import (
    alike,
    are_fractional,
    multiply_samples,
    weight_gradients,
)

# At so many steps a sequence is looked at for fractions, and first at so few numbers;
# as copies are made, of so many sequences at a time.
_LOOKS, _FEW_NUMBERS, _AT_ONCE = 8, 16, 256
# What the code that looks for spikes in a sequence is compiled for.
_SEQUENCE_DTYPES = np.float64, np.float32, np.uint8, np.bool_


def kernel_multiplies(X, lengths, weights):
    """Tell whether it is the kernel that multiplies a batch with the first weights.

    With a single column numpy makes another product, see `_model.synapses`; and with
    weights that lie in memory in another order its BLAS adds up in another one.
    """
    if not isinstance(X, np.ndarray | Sequences) or weights.shape[1] < 2:
        return False
    if not weights.flags.c_contiguous or numpy_matmul(weights.dtype) == 0:
        return False
    return X.ndim == 2 or _are_soon_fractional(X, lengths, weights.dtype)


def _are_soon_fractional(X, lengths, dtype):
    """Tell whether a few steps show of all sequences that they are fractional.

    To look for longer may take more than is gained. A few numbers of the first step
    tell, as a rule. One that is over has none.
    """
    if X.dtype.kind != "f" or not lengths.all():
        return False
    some = (np.arange(i, min(i + _AT_ONCE, len(X))) for i in range(0, len(X), _AT_ONCE))
    return all(_are_fractional(X, lengths, left, dtype) for left in some)


@np.errstate(over="ignore", invalid="ignore")
def _are_fractional(X, lengths, left, dtype):
    """Tell of some samples what `_are_soon_fractional` tells of all."""
    for j in range(_LOOKS):
        steps, few = lengths[left] * j // _LOOKS, slice(None if j else _FEW_NUMBERS)
        if isinstance(X, Sequences):
            numbers = X.values[X.starts[left] + steps, few]
        else:
            numbers = X[left, steps, few]
        numbers = numbers[:, np.newaxis].astype(dtype, copy=False)
        left = left[~are_fractional(numbers)]
        if len(left) == 0:
            return True
    return False


def _plain(array, dtype):
    """Return an array as compiled code takes it, itself if it is so.

    A copy of what is read-only, or of another class of array: for that, numba would
    compile all anew.
    """
    if type(array) is np.ndarray and array.dtype == dtype and array.flags.carray:
        return array
    return np.require(array, dtype, "CAWE")


def make_ready(batch):
    """Return what makes samples ready: a class of those below."""
    if isinstance(batch.X, SpikeTrains):
        return Drawn
    if batch.is_multiplied:
        return Multiplied
    return Currents if batch.X.ndim == 2 else Recorded


class Drawn:
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
            own[name] = _plain(array, getattr(_NO_TRAINS, name).dtype)
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
        _run_spikes(self._batch, self._rows, self._trains, self._bits, sums, board)


class Multiplied:
    """Rows of a table, or fractional sequences, which the kernel multiplies.

    Parameters
    ----------
    batch, X, rows, workspace
        As of `Drawn`; X is an array or, of three axes, `Sequences`.
    """

    def __init__(self, batch, X, rows, workspace):
        self._batch, self._rows, self._workspace = batch, rows, workspace
        self._is_constant = X.ndim == 2
        lengths = np.ones(len(X), int) if X.ndim == 2 else batch.lengths[rows]
        self._begins = np.cumsum(lengths) - lengths
        is_list = isinstance(X, Sequences)
        inputs = X.concatenated() if is_list else X.reshape(-1, X.shape[-1])
        dtype = batch.readings.dtype
        factors = _plain(inputs, dtype), _plain(batch.params[0]["coef"], dtype)
        self._factors = numpy_matmul(dtype), *factors

    def run(self, sums, board):
        """Run the samples, whose first is the first of `sums`."""
        own, of_first = sums, sums.of_first
        if sums.first > 0:  # more of a chunk that is the only one
            more = self._workspace.array("more", of_first.shape, of_first.dtype)
            own = sums._replace(of_first=more)
        nothing = np.empty((0, of_first.shape[1]), of_first.dtype)
        _run_currents(
            self._batch,
            self._rows,
            *self._factors,
            nothing,
            self._begins,
            self._is_constant,
            own,
            board,
        )
        if own is not sums:
            of_first += own.of_first


class Currents:
    """Other graded samples, which are multiplied with the first weights here.

    Parameters
    ----------
    batch, X, rows, workspace
        As of `Drawn`; X is an array, or of two axes a CSR array too.
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
        n_samples, n_currents, n_units = self._currents.shape
        _run_currents(
            self._batch,
            self._rows,
            0,
            nothing,
            nothing,
            self._currents.reshape(-1, n_units),
            np.arange(n_samples) * n_currents,
            self._X.ndim == 2,
            sums,
            board,
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


class Recorded:
    """Sequences of which some may be spikes or counts.

    Parameters
    ----------
    batch, X, rows, workspace
        As of `Drawn`; X is an array of three axes, or `Recordings`.
    """

    def __init__(self, batch, X, rows, workspace):
        self._batch, self._rows, self._workspace = batch, rows, workspace
        X, self._lengths = with_ends(X)
        # Other types would have to be compiled for: they become that of the weights.
        is_known = X.dtype in _SEQUENCE_DTYPES
        self._X = np.ascontiguousarray(X, None if is_known else batch.readings.dtype)

    def run(self, sums, board):
        """Run spikes as events, and what is graded as currents.

        Sample by sample, so that none depends on what it is computed with.
        """
        batch, X, lengths = self._batch, self._X, self._lengths
        n_words, first = -(-X.shape[2] // 64), self._rows.start
        bits = self._workspace.array("bits", (*X.shape[:2], 64 * n_words), np.uint8)
        is_binary = as_bits(X, bits)
        for start, stop in alike(is_binary):
            part, here = slice(start, stop), slice(first + start, first + stop)
            own = sums._replace(first=sums.first + start)
            if is_binary[start]:
                _run_spikes(batch, here, _NO_TRAINS, bits[part], own, board)
                continue
            ends = None if lengths is None else lengths[part]
            Currents(batch, X[part], here, self._workspace, ends).run(own, board)


def _run_spikes(batch, rows, trains, bits, sums, board):
    """Run what is drawn, or recorded: see `chunks.run_spikes`."""
    kernels.run_spikes(
        *_network(batch, rows), trains, bits, *_results(batch, rows), sums, board
    )


def _run_currents(batch, rows, *what_and_sums):
    """Run what is a current, or becomes one: see `chunks.run_currents`."""
    *what, sums, board = what_and_sums
    kernels.run_currents(
        *_network(batch, rows), *what, *_results(batch, rows), sums, board
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
