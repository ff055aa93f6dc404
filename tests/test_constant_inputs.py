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
from numba import typeof
from scipy import sparse

from sklearn_snn._engines import make_engine
from sklearn_snn._engines.compiled import chunks, running

N_STEPS, N_FEATURES = 9, 21


def _in_other_memory(X):
    """Return equal arrays, of which only the first is as compiled code wants it."""
    read_only = X.copy()
    read_only.flags.writeable = False
    wide = np.repeat(X, 2, axis=1)
    return X, read_only, np.asfortranarray(X), wide[:, ::2], X.astype(np.float64)


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


def test_what_numpy_multiplies(rng, monkeypatch):
    """What is answered, what is run twice to be learned from, and a single column."""
    run_currents, ways = chunks.run_currents, set()

    def record(*args):
        ways.add(len(args[4]) > 0)
        run_currents(*args)

    monkeypatch.setattr(chunks, "run_currents", record)
    X = rng.random((20, N_FEATURES))

    def ways_of(sizes, task, bptt_steps=None):
        params = initial_params(lif(), sizes, float, 0)
        network = network_of(lif(), sizes, 0.5)
        ways.clear()
        task(make_engine("numba", network, N_STEPS, bptt_steps), params, X)
        return {*ways}

    sizes = [N_FEATURES, 8, 3]
    assert ways_of(sizes, _learn) == {True}
    assert ways_of(sizes, lambda engine, *args: engine.run(*args)) == {False}
    assert ways_of(sizes, _learn, bptt_steps=4) == {False}
    assert ways_of([N_FEATURES, 1, 3], _learn) == {False}


def test_an_array_of_any_memory_is_multiplied_alike(rng, monkeypatch):
    """And by the same compiled code: for what is read-only numba made it anew."""
    sizes = [N_FEATURES, 8, 3]
    params = initial_params(lif(), sizes, np.float32, 0)
    _, engine = both_engines(network_of(lif(), sizes, 0.5), N_STEPS)
    run_currents, types, results = chunks.run_currents, set(), []

    def record(*args):
        types.add(tuple(typeof(arg) for arg in args))
        run_currents(*args)

    monkeypatch.setattr(chunks, "run_currents", record)
    for X in _in_other_memory(rng.random((20, N_FEATURES)).astype(np.float32)):
        results.append(_learn(engine, params, X).gradients[0]["coef"])
        engine.run(params, X)
        for p in params:  # as of a model whose file is mapped into memory
            p["coef"].flags.writeable = False
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])
    assert len(types) == 1


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
