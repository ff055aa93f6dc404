"""What an engine keeps of a readout from batch to batch, and when it makes it anew."""

import numpy as np
import pytest
from helpers import fast
from networks import arrays_of, initial_params, lif, network_of
from sequences import of_values

from sklearn_snn._engines.compiled import kept
from sklearn_snn._engines.compiled.engine import NumbaEngine
from sklearn_snn._engines.compiled.packing import readout_of

SIZES = [3, 20, 2]


def step(engine, params, X):
    n_samples = X.shape[0]
    y, weights = np.arange(n_samples) % 2, np.full(n_samples, 1 / n_samples)
    return engine.loss_and_gradients(params, X, y, weights)


def assert_as_a_new_engine_says(engine, params, X):
    ours = step(engine, params, X)
    theirs = step(NumbaEngine(engine.network, engine.n_steps), params, X)
    assert ours.loss == theirs.loss
    for a, b in zip(*(arrays_of(s.gradients) for s in (ours, theirs)), strict=True):
        np.testing.assert_array_equal(a, b)
    return ours


@pytest.fixture
def engine():
    network = network_of(lif(), SIZES)
    soft = network.readout._replace(name="soft_count")
    return NumbaEngine(network._replace(readout=soft), 12)


@pytest.fixture
def params():
    return initial_params(lif(), SIZES, np.float32, 0)


def recordings(rng, lengths):
    return of_values([rng.normal(1, 1, (n, 3)).astype(np.float32) for n in lengths])


def test_lengths(engine, params, rng):
    for lengths in ([12, 4, 9], [12, 9, 4], [12, 9, 4, 7], [12, 12, 12]):
        X = recordings(rng, lengths)
        assert_as_a_new_engine_says(engine, params, X)
    tables = rng.normal(1, 1, (5, 3)).astype(np.float32), rng.normal(1, 1, (3, 3))
    for X in tables:
        assert_as_a_new_engine_says(engine, params, X.astype(np.float32))


def test_thresholds(engine, params, rng):
    X = rng.normal(1, 1, (5, 3)).astype(np.float32)
    before = assert_as_a_new_engine_says(engine, params, X)
    params[-1]["threshold"] *= 2  # in place, as they are learned
    after = assert_as_a_new_engine_says(engine, params, X)
    assert after.loss != before.loss


def test_type_of_the_weights(engine, params, rng):
    X = rng.normal(1, 1, (5, 3))
    assert_as_a_new_engine_says(engine, params, X.astype(np.float32))
    double = initial_params(lif(), SIZES, np.float64, 0)
    step_ = assert_as_a_new_engine_says(engine, double, X)
    assert step_.gradients[0]["coef"].dtype == np.float64


def test_readout_and_loss(engine, params, rng):
    """Of pieces, each of which has a readout of its own, and of another loss."""
    X, network = rng.normal(1, 1, (5, 3)).astype(np.float32), engine.network
    for change in (
        {"readout": network.readout._replace(scale=0.5)},
        {"readout": network.readout._replace(start=3)},
        {"loss": "squared_error"},
    ):
        step(engine, params, X)
        engine.network = network._replace(**change)
        if "loss" in change:
            y, weights = np.ones((5, 2), np.float32), np.full(5, 0.2)
            new = NumbaEngine(engine.network, 12)
            losses = {
                e.loss_and_gradients(params, X, y, weights).loss for e in (engine, new)
            }
            assert len(losses) == 1
        else:
            assert_as_a_new_engine_says(engine, params, X)
        engine.network = network


def test_a_fit_leaves_alone_what_answers_share():
    """A first guess asks a network that is soon another: it would push out others."""
    X, y = np.random.default_rng(0).random((30, 3)), np.arange(30) % 2
    kept._kept.clear()
    model = fast(engine="numba").fit(X, y)
    assert not kept._kept
    model.predict(X)
    assert len(kept._kept) == 1


def test_answers_share_the_readout_of_the_same_lengths(engine, params):
    packed, dtype = kept.Packed(engine.network, params, False), np.dtype(np.float32)
    for lengths in ([12, 9], [9, 12], [12], [12, 9]):
        readout = packed.readout(np.array(lengths))
        expected = readout_of(engine.network, params, np.array(lengths), dtype)
        for ours, theirs in zip(readout, expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)
        assert packed.readout(np.array(lengths)) is readout
    many = np.full(kept._MOST_SAMPLES + 1, 12)
    assert packed.readout(many) is not packed.readout(many)
