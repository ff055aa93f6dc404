"""How a batch runs: calls of the kernels, from samples as they come to gradients.

Samples are made ready in Python, as spikes to draw, spikes as bytes or currents, and
then run by a kernel, which lets go of the interpreter's lock. In a small batch one
thread makes all ready, and others have nothing to do with Python (`run_at_once`): else
each would wait for the lock that the other holds. In a large one, and where numpy has
much to multiply, each thread makes its own samples ready, a few at a time, and memory
does not grow with the batch (`run_piecemeal`). Of spikes to draw, unless they are
sparse, and of what the kernel multiplies nothing is left to make ready.
"""

import math

import numpy as np
from scipy import sparse

from sklearn_snn._engines.compiled import crew
from sklearn_snn._engines.compiled.boards import new_board
from sklearn_snn._engines.compiled.ready import make_ready
from sklearn_snn._engines.compiled.sums import Sums
from sklearn_snn._engines.threads import run_chunks
from sklearn_snn._inputs.spike_trains import SpikeTrains

# Samples that are made ready at a time, so that memory does not grow with the batch;
# constant currents, and rates, take no more room than their samples.
MAX_CHUNK_SAMPLES, MAX_CONSTANT_SAMPLES = 32, 256
# Sparse samples of spikes that one thread makes ready, or samples that take long, and
# multiplications that it does sooner than it hands them to others.
FEW_TRAINS, FEW_PRODUCTS = 32, 2**21
# Weights, by step and sample, that are soon gone through: Ctrl-C waits for that. A
# neuron takes a step in the time of so many weights, where these are multiplied.
FEW_WEIGHTS, _WEIGHTS_OF_NEURON = 2**33, 64
# Numbers of sequences, which may have to be copied, that do not take much memory.
FEW_NUMBERS = 2**26
# Samples that are soon run.
_FEW = 32

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
    if n_samples > MAX_CONSTANT_SAMPLES:
        return False
    if not is_trains and not batch.is_multiplied:
        n_products = n_samples * batch.params[0]["coef"].size
        return batch.X.ndim == 2 and n_products <= FEW_PRODUCTS
    is_sequences = not is_trains and batch.X.ndim == 3
    n_weights = sum(p["coef"].size for p in batch.params)
    if is_sequences:
        n_weights += _WEIGHTS_OF_NEURON * int(batch.layers.sizes[1:].sum())
    is_long = n_samples * batch.n_steps * n_weights > FEW_WEIGHTS
    if is_sequences:
        return not is_long and math.prod(batch.X.shape) <= FEW_NUMBERS
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
    sums, make = _new_sums(batch, 0, chunks), make_ready(batch)
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
    what = type(X), X.ndim, X.dtype, batch.is_multiplied
    kind = network.layers, network.readout.name, *what
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
        some = sums._replace(first=few.start - start)
        make_ready(batch)(batch, batch.X[few], few, workspace).run(some, new_board())
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
