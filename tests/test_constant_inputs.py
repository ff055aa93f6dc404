"""Tables to learn from, which compiled code multiplies: as they come, however many."""

import numpy as np
import pytest
from networks import (
    assert_same_gradients,
    both_engines,
    initial_params,
    lif,
    network_of,
)
from scipy import sparse

from sklearn_snn._engines.compiled import running

N_STEPS, N_FEATURES = 9, 21


def _learn(engine, params, X):
    n = X.shape[0]
    y, weights = np.arange(n) % 3, np.linspace(0.5, 1, n) / n
    return engine.loss_and_gradients(params, X, y, weights)


@pytest.mark.parametrize("n_hidden", [1, 8])
@pytest.mark.parametrize("make", [np.array, sparse.csr_array])
def test_gradients_are_those_of_numpy(n_hidden, make, rng):
    """Of batches of any size, one after the other, in the memory of those before."""
    sizes = [N_FEATURES, n_hidden, 3]
    params = initial_params(lif(), sizes, float, 0)
    both = both_engines(network_of(lif(), sizes, 0.5), N_STEPS)
    # Chunks of more samples than are run at a time, too many for one call, chunks that
    # are not full, fewer samples than there may be chunks, one.
    for n_samples in (2060, 257, 60, 5, 1):
        X = make(rng.random((n_samples, N_FEATURES)) - 0.3)
        expected, got = (_learn(engine, params, X) for engine in both)
        assert np.abs(expected.gradients[0]["coef"]).min() > 0
        assert_same_gradients(got.gradients, expected.gradients, 1e-11)
        assert got.loss == pytest.approx(expected.loss, rel=1e-12)


def test_how_many_samples_are_one_call(monkeypatch):
    """Of samples that take long fewer, as Ctrl-C waits for the end of a call."""
    sizes = [N_FEATURES, 8, 3]
    params = initial_params(lif(), sizes, np.float32, 0)
    _, engine = both_engines(network_of(lif(), sizes, 0.5), N_STEPS)

    def is_one_call(n_samples):
        batch = engine._batch(params, np.zeros((n_samples, N_FEATURES)))
        batch.learn(np.zeros(n_samples), np.ones(n_samples), *np.empty((2, 1, 1)))
        return running.is_small(batch)

    assert is_one_call(256)
    assert not is_one_call(257)
    monkeypatch.setattr(running, "FEW_WEIGHTS", 1)
    assert is_one_call(32)
    assert not is_one_call(33)
