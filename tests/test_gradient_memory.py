"""The memory of partial gradients: what it held before counts for nothing."""

import numpy as np
import pytest
from networks import arrays_of, assert_same_gradients, initial_params, lif, network_of

from sklearn_snn import PoissonSpikeEncoder
from sklearn_snn._engines.compiled import arrays, batch, unpacking
from sklearn_snn._engines.compiled.engine import NumbaEngine
from sklearn_snn._engines.numpy_engine import NumpyEngine

N_SAMPLES, N_STEPS, N_FEATURES, N_CLASSES = 20, 9, 40, 3
# Partial gradients of the first are too few to be worth any care, those of the second
# with their padding are not.
N_HIDDEN = [5, 20, 60]
SMALL = 21 * N_FEATURES


def recorded(rng):
    """Return spikes of features that fire in some samples, others in none."""
    fires = rng.random((N_SAMPLES, 1, N_FEATURES)) < 0.2
    fires[..., 3:9] = False
    spikes = rng.random((N_SAMPLES, N_STEPS, N_FEATURES)) < 0.5 * fires
    return spikes.astype(np.float32)


def partly_graded(rng):
    """Return spikes of some samples, and numbers of others, in the same chunks."""
    X = recorded(rng)
    X[1::3] *= rng.random((len(X[1::3]), 1, N_FEATURES))
    return X


def drawn(rng):
    """Return spike trains, of which some features fire more often than not."""
    rates = np.where(rng.random((N_SAMPLES, N_FEATURES)) < 0.3, rng.random(), 0)
    rates[:, 3:9] = 0
    encoder = PoissonSpikeEncoder(N_STEPS, random_state=0)
    return encoder.fit_transform(rates.astype(np.float32))


@pytest.mark.parametrize("n_hidden", N_HIDDEN)
@pytest.mark.parametrize("make", [recorded, partly_graded, drawn])
def test_what_was_there_counts_for_nothing(make, n_hidden, rng, monkeypatch):
    monkeypatch.setattr(batch, "SMALL", SMALL)
    sizes = [N_FEATURES, n_hidden, N_CLASSES]
    network, params = network_of(lif(), sizes), initial_params(lif(), sizes, "f4", 0)
    X, y = make(rng), rng.integers(0, N_CLASSES, N_SAMPLES)
    arguments = params, X, y, np.full(N_SAMPLES, 1 / N_SAMPLES)
    engine = NumbaEngine(network, N_STEPS)
    first = arrays_of(engine.loss_and_gradients(*arguments).gradients)
    assert (first[0] != 0).any()
    assert (first[0][3:9] == 0).all()
    for memory in engine._shared._buffers.values():
        memory.fill(np.nan)
    step = engine.loss_and_gradients(*arguments)
    for before, after in zip(first, arrays_of(step.gradients), strict=True):
        np.testing.assert_array_equal(before, after)
    theirs = NumpyEngine(network, N_STEPS).loss_and_gradients(*arguments)
    assert_same_gradients(step.gradients, theirs.gradients, 1e-4)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rows_that_have_not_begun_are_not_added(dtype, rng, monkeypatch):
    monkeypatch.setattr(arrays, "LARGE", 2000)
    monkeypatch.setattr(unpacking, "PART", 300)
    parts = rng.standard_normal((5, 8000)).astype(dtype)
    has_begun = (rng.random((5, 61)) < 0.4).astype(np.uint8)
    has_begun[:, 7] = 0
    matrices = parts[:, 100 : 100 + 61 * 48].reshape(5, 61, 48)
    expected = np.zeros((61, 48), dtype)
    for matrix, rows in zip(matrices, has_begun, strict=True):
        expected[rows == 1] += matrix[rows == 1]
    matrices[has_begun == 0] = np.nan
    table = np.array([[100, 48, 61, 37, 1]])
    places = unpacking.Places([(0, "coef")], [(61, 37)], table)
    nothing = np.empty((5, 0), dtype)
    for n_threads in (1, 3):
        (gradient,) = unpacking.unpack(
            places, parts, has_begun, nothing, lambda n=n_threads: n
        )
        np.testing.assert_array_equal(gradient["coef"], expected[:, :37])


def test_weights_of_another_type_have_places_of_their_own(rng):
    """Padding hangs on it: what is where in a chunk's gradients does, too."""
    sizes = [7, 5, 3]
    X, y = rng.normal(size=(20, 7)), rng.integers(0, 3, 20)
    network = network_of(lif(), sizes)
    engine, weights = NumbaEngine(network, N_STEPS), np.full(20, 1 / 20)
    for dtype in ("f4", "f8", "f4"):
        params = initial_params(lif(), sizes, dtype, 0)
        ours, theirs = (
            e.loss_and_gradients(params, X.astype(dtype), y, weights).gradients
            for e in (engine, NumpyEngine(network, N_STEPS))
        )
        assert_same_gradients(ours, theirs, 1e-4)
