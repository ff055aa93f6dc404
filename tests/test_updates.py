"""Training step by step: samples, gradients, their clipping, and learning rates."""

import warnings

import numpy as np
import pytest
from helpers import (
    SOLVERS,
    assert_same_network,
    each_engine,
    fast,
    stream,
    use_wide_range,
)
from sklearn.exceptions import ConvergenceWarning

from sklearn_snn._engines.compiled.engine import NumbaEngine
from sklearn_snn._engines.numpy_engine import NumpyEngine
from sklearn_snn._training.optimizers import SGD, Adam


@pytest.fixture
def engine_class(engine):
    return {"numpy": NumpyEngine, "numba": NumbaEngine}[engine]


@pytest.fixture
def updates(monkeypatch):
    """Record (gradients, learning rate) of every update, of both optimizers."""
    recorded = []
    for optimizer in (Adam, SGD):

        def record(self, grads, learning_rate, update=optimizer.update):
            recorded.append(([g.copy() for g in grads], learning_rate))
            update(self, grads, learning_rate)

        monkeypatch.setattr(optimizer, "update", record)
    return recorded


def rates(updates):
    return [rate for _, rate in updates]


# Gradients and steps


@each_engine
def test_weight_decay_is_an_l2_penalty(blobs, monkeypatch):
    """One full-batch step: the weights' gradient grows by weight_decay * W."""
    use_wide_range(monkeypatch)
    X, y = blobs
    params = {
        "solver": "sgd",
        "momentum": 0,
        "nesterovs_momentum": False,
        "max_iter": 1,
        "learning_rate_init": 0.5,
        "max_grad_norm": None,
    }
    plain = fast(**params, weight_decay=0).fit(X, y)
    decayed = fast(**params, weight_decay=0.1).fit(X, y)
    start = fast(**params).set_params(learning_rate_init=1e-300).fit(X, y)
    for w, w_decayed, w_0 in zip(
        plain.coefs_, decayed.coefs_, start.coefs_, strict=True
    ):
        np.testing.assert_allclose(w - w_decayed, 0.5 * 0.1 * w_0, rtol=1e-9)
    for b, b_decayed in zip(plain.intercepts_, decayed.intercepts_, strict=True):
        np.testing.assert_array_equal(b, b_decayed)
    penalty = 0.05 * sum((w**2).sum() for w in start.coefs_)
    assert decayed.loss_ - plain.loss_ == pytest.approx(penalty)


@each_engine
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("powers", [(-70, -20, -18), (12, 14, 70)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_unit_of_the_inputs_changes_nothing(dtype, powers, solver, blobs):
    """Powers of two, so that not even the rounding differs; warm, and in calls."""
    X, y = blobs[0].astype(dtype), blobs[1]
    params = {"solver": solver, "weight_decay": 0.01, "max_iter": 3, "grad_clip": 0.1}

    def trained(power):
        scale = dtype(2) ** dtype(power)
        model = fast(**params, warm_start=True).fit(scale * X, y)
        return model.fit(scale * X, y).partial_fit(scale * X, y)

    first, *others = (trained(power) for power in powers)
    for model, power in zip(others, powers[1:], strict=True):
        back = dtype(2) ** dtype(power - powers[0])
        np.testing.assert_array_equal(model.coefs_[0] * back, first.coefs_[0])
        np.testing.assert_array_equal(model.coefs_[1], first.coefs_[1])
        assert model.loss_curve_ == first.loss_curve_
        np.testing.assert_array_equal(model.grad_norm_curve_, first.grad_norm_curve_)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_rounding_of_equal_samples_is_not_magnified(dtype):
    X, y = np.full((90, 3), 0.1, dtype), np.arange(90) % 3
    model = fast(max_iter=2).fit(X, y)
    assert model.loss_ == pytest.approx(np.log(3), abs=0.3)
    assert np.abs(model.coefs_[0]).max() < 1


@each_engine
def test_gradients_are_clipped_by_value_then_by_norm(blobs, updates):
    """Of all parameters, biases included."""
    params = {"max_iter": 1, "max_grad_norm": None}
    fast(**params).fit(*blobs)
    fast(**params, grad_clip=1e-3).fit(*blobs)
    fast(**params | {"max_grad_norm": 5e-3}, grad_clip=1e-3).fit(*blobs)
    (plain, _), (by_value, _), (by_both, _) = updates
    clipped = [np.clip(g, -1e-3, 1e-3) for g in plain]
    norm = np.sqrt(sum((g**2).sum() for g in clipped))
    assert norm > 5e-3
    assert any((np.abs(g) > 1e-3).any() for g in plain[2:])  # some of the biases
    for value, both, expected in zip(by_value, by_both, clipped, strict=True):
        np.testing.assert_array_equal(value, expected)
        np.testing.assert_allclose(both, expected * 5e-3 / norm)


@each_engine
@pytest.mark.parametrize("nesterovs_momentum", [False, True])
def test_momentum(nesterovs_momentum, blobs, engine_class, monkeypatch):
    """Two full-batch steps by hand."""
    use_wide_range(monkeypatch)
    gradients = []
    step = engine_class.loss_and_gradients

    def record(self, params, X, *args):
        result = step(self, params, X, *args)
        gradients.append(result.gradients[0]["coef"].copy())
        return result

    monkeypatch.setattr(engine_class, "loss_and_gradients", record)
    params = {"solver": "sgd", "learning_rate": "constant", "max_grad_norm": None}
    params |= {"weight_decay": 0}
    start = fast(**params | {"learning_rate_init": 1e-300}, max_iter=1).fit(*blobs)
    model = fast(
        **params | {"learning_rate_init": 0.1},
        max_iter=2,
        momentum=0.5,
        nesterovs_momentum=nesterovs_momentum,
    ).fit(*blobs)
    _, g1, g2 = gradients
    v1 = -0.1 * g1
    v2 = 0.5 * v1 - 0.1 * g2
    moves = [0.5 * v - 0.1 * g for v, g in ((v1, g1), (v2, g2))]
    expected = start.coefs_[0] + (sum(moves) if nesterovs_momentum else v1 + v2)
    np.testing.assert_allclose(model.coefs_[0], expected, rtol=1e-9, atol=1e-15)


@each_engine
def test_samples_are_shuffled_anew_in_every_epoch(blobs, engine_class, monkeypatch):
    seen = []
    step = engine_class.loss_and_gradients

    def record(self, params, X, *args):
        seen.append(X[:, 0])
        return step(self, params, X, *args)

    monkeypatch.setattr(engine_class, "loss_and_gradients", record)
    X, y = blobs
    fast(max_iter=3).fit(X, y)
    fast(max_iter=2, shuffle=False).fit(X, y)
    first, second, third, *unshuffled = seen
    for epoch in (first, second, third):
        np.testing.assert_array_equal(np.sort(epoch), np.sort(X[:, 0]))
    assert not np.array_equal(first, second)
    assert not np.array_equal(second, third)
    for epoch in unshuffled:
        np.testing.assert_array_equal(epoch, X[:, 0])


# Learning rates


@each_engine
def test_cosine_schedule_falls_with_every_batch(blobs, updates):
    fast(max_iter=4, batch_size=20, learning_rate_init=0.3).fit(*blobs)
    expected = 0.3 * (1 + np.cos(np.pi * np.arange(12) / 12)) / 2
    np.testing.assert_allclose(rates(updates), expected)


@each_engine
def test_constant_schedule(blobs, updates):
    with pytest.warns(ConvergenceWarning):
        fast(learning_rate="constant", batch_size=20, learning_rate_init=0.3).fit(
            *blobs
        )
    assert rates(updates) == [0.3] * 9


def test_invscaling_by_hand(iris, updates):
    """60 samples in 3 mini-batches; samples of the same epoch do not count."""
    X, y = iris[0][:60], iris[1][:60]
    params = {"learning_rate": "invscaling", "power_t": 0.25, "batch_size": 20}
    for solver in SOLVERS:
        updates.clear()
        model = fast(**params, solver=solver, max_iter=4).fit(X, y)
        expected = [0.02 / (1 + t) ** 0.25 for t in (0, 60, 120, 180)]
        np.testing.assert_allclose(rates(updates), np.repeat(expected, 3), rtol=1e-12)
        assert model.learning_rate_ == rates(updates)[-1]


@pytest.mark.parametrize("learning_rate", ["constant", "invscaling"])
def test_schedules_go_on_where_training_does(learning_rate, iris, updates):
    X, y = iris[0][:40], iris[1][:40]
    expected = [0.02] * 3
    if learning_rate == "invscaling":
        expected = [0.02 / (1 + t) ** 0.5 for t in (0, 40, 80)]
    params = {"learning_rate": learning_rate, "solver": "sgd"}
    warm, streamed = fast(**params, warm_start=True, max_iter=1), fast(**params)
    for rate in expected:
        assert warm.fit(X, y).learning_rate_ == pytest.approx(rate, rel=1e-12)
        stream(streamed, X, y, 1)
        assert streamed.learning_rate_ == pytest.approx(rate, rel=1e-12)
    np.testing.assert_allclose(rates(updates), np.repeat(expected, 2), rtol=1e-12)
    fresh = fast(**params, max_iter=1).fit(X, y)
    assert fresh.learning_rate_ == pytest.approx(0.02)


@pytest.mark.parametrize("solver", SOLVERS)
def test_adaptive_by_hand(solver, iris, updates):
    """With patience 1 and a loss that never counts as better, every 2 epochs.

    0.01 is divided by 5 until it is below 1e-6, which the 6th division achieves.
    """
    params = {"learning_rate": "adaptive", "learning_rate_init": 0.01, "tol": 1e3}
    params |= {"n_iter_no_change": 1, "solver": solver, "batch_size": 150}
    model = fast(**params, max_iter=100)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        model.fit(*iris)
    expected = [0.01] * 3 + [0.01 / 5 ** (1 + i // 2) for i in range(12)]
    np.testing.assert_allclose(rates(updates), expected, rtol=1e-12)
    assert model.n_iter_ == 15
    assert model.learning_rate_ == rates(updates)[-1] < 1e-6
    assert fast(**params, max_iter=5).fit(*iris).learning_rate_ == rates(updates)[4]


def test_adaptive_keeps_the_rate_while_the_loss_falls(iris):
    params = {"learning_rate": "adaptive", "tol": 0.0, "learning_rate_init": 0.001}
    model = fast(**params, max_iter=10).fit(*iris)
    assert model.learning_rate_ == 0.001
    assert_same_network(
        model,
        fast(max_iter=10, learning_rate="constant", learning_rate_init=0.001).fit(
            *iris
        ),
    )


def test_adaptive_watches_the_validation_score(iris, updates):
    model = fast(learning_rate="adaptive", early_stopping=True, n_iter_no_change=2)
    model.set_params(tol=2.0, max_iter=5).fit(*iris)
    np.testing.assert_allclose(rates(updates), [0.02] * 8 + [0.004] * 2, rtol=1e-12)


def test_partial_fit_stays_at_the_beginning_of_a_cosine(iris, updates):
    streamed = stream(fast(learning_rate="cosine"), *iris, 3)
    assert set(rates(updates)) == {0.02}
    constant = fast(learning_rate="constant", max_iter=3).fit(*iris)
    assert_same_network(streamed, constant)
