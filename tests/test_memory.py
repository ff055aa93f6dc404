"""Memory: that of a mini-batch, whatever is left out of X or set aside."""

import tracemalloc

import numpy as np
import pytest
from helpers import assert_same_network, fast
from scipy import sparse

from sklearn_snn import SpikeTrains
from sklearn_snn._training.trainer import first_guess

WAYS = {
    "plain": ({}, False),
    "early stopping": ({"early_stopping": True}, False),
    "much set aside": ({"early_stopping": True, "validation_fraction": 0.8}, False),
    "weights of 0": ({}, True),
    "a class of weight 0": ({"class_weight": {2: 0}}, False),
    "all": ({"early_stopping": True, "class_weight": {2: 0, 1: 3}}, True),
}


@pytest.fixture
def recordings(tmp_path, rng):
    """Return a map of 2,400 recordings, 12 MB of uint8, and labels."""
    path = tmp_path / "X.npy"
    X = np.lib.format.open_memmap(path, "w+", np.uint8, (2400, 50, 100))
    X[...] = rng.random((2400, 1, 100)) < 0.05
    X.flush()
    return path, np.arange(2400) % 3


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_no_copy_of_a_memory_map(method, way, recordings):
    """A copy of all rows, or of most, would be more than the limit."""
    params, some_weights = WAYS[way]
    path, y = recordings
    weights = np.arange(2400) // 3 % 4 if some_weights else None
    model = fast(engine="numpy", max_iter=1, batch_size=32, **params)
    if method == "partial_fit":
        model.set_params(early_stopping=False)
    X = np.load(path, mmap_mode="r")
    train = getattr(model, method)
    keywords = {"classes": [0, 1, 2]} if method == "partial_fit" else {}
    train(X[:150], y[:150], **keywords)
    tracemalloc.start()
    train(X, y, sample_weight=weights, **keywords)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < X.nbytes / 2
    in_memory = fast(engine="numpy", max_iter=1, batch_size=32, **params)
    if method == "fit":
        rows = np.arange(2400) if weights is None else np.flatnonzero(weights)
        weights = None if weights is None else weights[rows]
        in_memory.fit(np.array(X[rows]), y[rows], sample_weight=weights)
        assert_same_network(model, in_memory)


def test_no_copy_for_loss_and_gradients(recordings):
    path, y = recordings
    X = np.load(path, mmap_mode="r")
    model = fast(engine="numpy", max_iter=1).fit(X[:150], y[:150])
    tracemalloc.start()
    model.loss_and_gradients(X, y, np.arange(2400) % 4)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < X.nbytes / 2


@pytest.mark.parametrize("kind", ["table", "sparse", "trains"])
def test_only_mini_batches_are_taken(kind, rng, engine, monkeypatch):
    """Of every kind of X, by counting the rows that the engine gets."""
    X = rng.random((300, 6)) * (rng.random((300, 6)) < 0.5)
    X = {"table": X, "sparse": sparse.csr_array(X), "trains": SpikeTrains(X, 5)}[kind]
    y = np.arange(300) % 3
    model = fast(early_stopping=True, batch_size=16, validation_fraction=0.4)
    engine_class = type(fast().fit(X, y)._engine(X))
    seen = {"run": [], "loss_and_gradients": []}
    methods = {name: getattr(engine_class, name) for name in seen}
    for name in seen:

        def record(self, params, X, *args, name=name):
            seen[name].append(X.shape[0])
            return methods[name](self, params, X, *args)

        monkeypatch.setattr(engine_class, name, record)
    weights = 1 + y % 2
    weights[::7] = 0
    model.fit(X, y, weights)
    n_valid = np.ceil(0.4 * np.count_nonzero(weights))
    assert set(seen["run"]) == {16, n_valid % 16}
    assert sum(seen["run"]) == 3 * n_valid
    assert max(seen["loss_and_gradients"]) == 16


def test_the_first_guess_takes_little_memory(monkeypatch, rng):
    """Of a table: what it keeps of each step is which hidden neurons fire."""
    peaks = []

    def watched(*args):
        tracemalloc.start()
        scales = first_guess(*args)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        return scales

    monkeypatch.setattr("sklearn_snn._training.fitting.first_guess", watched)
    n_samples, n_steps, n_hidden = 128, 50, 500
    X, y = rng.normal(size=(n_samples, 10)), np.arange(n_samples) % 3
    model = fast(hidden_layer_sizes=n_hidden, n_steps=n_steps, max_iter=1)
    model.fit(X, y)
    (peak,) = peaks
    assert peak < 8 * n_samples * n_steps * n_hidden / 3
