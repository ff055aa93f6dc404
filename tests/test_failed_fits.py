"""Fits that are refused, interrupted or diverge leave a whole estimator."""

import copy

import numpy as np
import pytest
from helpers import (
    arrays,
    assert_same_network,
    assert_same_state,
    each_engine,
    fast,
    interrupt,
    stream,
)

from sklearn_snn._training.optimizers import SGD, Adam

NOT_FINITE = "is not finite: training has diverged"
FAILURES = ("nan", "length", "labels", "infinite", "Ctrl-C")
overflows = pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")


def failures(X, y):
    """Arguments that are refused, some of them late."""
    return {
        "features": ((X[:, :3], y), "X has 3 features"),
        "nan": ((np.where(X > 1, np.nan, X), y), "contains NaN"),
        "length": ((X, y[1:]), "inconsistent numbers of samples"),
        "labels": ((X, X[:, 0]), "Unknown label type|not all are in"),
        "infinite": ((X * 5e307, y), NOT_FINITE),
    }


# Refused or interrupted


@pytest.mark.filterwarnings("ignore:X leaves the range")
@overflows
@pytest.mark.parametrize("failure", ["nan", "length", "labels", "infinite"])
@pytest.mark.parametrize("fitted", [False, True])
def test_a_failed_fit_changes_nothing(failure, fitted, iris):
    X, y = iris
    for params in ({}, {"warm_start": True}, {"early_stopping": True}):
        model = fast(**params)
        if fitted:
            model.fit(X, y)
        before = copy.deepcopy(vars(model))
        arguments, message = failures(X, y)[failure]
        with pytest.raises(ValueError, match=message):
            model.fit(*arguments)
        assert_same_state(model, before)


@each_engine
def test_a_failed_fit_leaves_the_same_objects(blobs, monkeypatch):
    X, y = blobs
    model = fast().fit(X, y)
    before = {k: v for k, v in vars(model).items() if k.endswith("_")}
    expected = model.decision_function(X)
    for broken, error in ((X[:, :3], KeyboardInterrupt), (X[:, :4], ValueError)):
        with monkeypatch.context() as patch:
            if error is KeyboardInterrupt:
                patch.setattr("sklearn_snn._training.optimizers.Adam.update", interrupt)
            with pytest.raises(error):
                model.fit(broken, y if error is KeyboardInterrupt else np.zeros(60))
        after = {k: v for k, v in vars(model).items() if k.endswith("_")}
        assert after.keys() == before.keys()
        assert all(after[k] is before[k] for k in before)
        np.testing.assert_array_equal(model.decision_function(X), expected)


@pytest.mark.filterwarnings("ignore:X leaves the range")
@overflows
@pytest.mark.parametrize(
    ("started", "failure"),
    [(True, "features"), *((s, f) for s in (False, True) for f in FAILURES)],
)
def test_a_failed_partial_fit_changes_nothing(started, failure, iris, monkeypatch):
    """And the stream goes on as if it had not been."""
    X, y = iris
    model, same = fast(), fast()
    classes = {"classes": [0, 1, 2]}
    for m in (model, same) if started else ():
        m.partial_fit(X, y, **classes)
    before = copy.deepcopy(vars(model))
    if failure == "Ctrl-C":
        with monkeypatch.context() as patch:
            patch.setattr(Adam, "update", interrupt)
            with pytest.raises(KeyboardInterrupt):
                model.partial_fit(X, y, **classes)
    else:
        arguments, message = failures(X, y)[failure]
        with pytest.raises(ValueError, match=message):
            model.partial_fit(*arguments, **classes)
    assert_same_state(model, before)
    model.partial_fit(X, y, **classes)
    same.partial_fit(X, y, **classes)
    assert_same_state(model, vars(same))


def test_partial_fit_fails_after_some_steps_and_changes_nothing(iris, monkeypatch):
    """Steps are taken on copies, of the optimizer's memory too."""
    X, y = iris
    for solver, optimizer in (("adam", Adam), ("sgd", SGD)):
        model = stream(fast(solver=solver, batch_size=20), X, y, 1)
        before = copy.deepcopy(vars(model))
        steps, update = [], optimizer.update

        def fail_at_last(*args, steps=steps, update=update):
            steps.append(1)
            update(*args)
            if len(steps) == 5:
                raise MemoryError

        with monkeypatch.context() as patch:
            patch.setattr(optimizer, "update", fail_at_last)
            with pytest.raises(MemoryError):
                model.partial_fit(X, y)
        assert_same_state(model, before)


def test_bad_parameters_are_refused_by_partial_fit_too(iris):
    for params in ({"power_t": -1}, {"validation_fraction": 1.0}, {"tol": -1e-3}):
        (name,) = params
        for refuse in (fast(**params).fit, fast(**params).partial_fit):
            with pytest.raises(ValueError, match=f"The '{name}' parameter"):
                refuse(*iris)


# Divergence


@each_engine
def test_divergence_is_an_error(blobs):
    X, y = blobs
    model = fast(learning_rate_init=1e308, batch_size=20)
    with (
        np.errstate(all="ignore"),
        pytest.raises(ValueError, match="gradient is not finite"),
    ):
        model.fit(X, y)
    assert not hasattr(model, "coefs_")


@overflows
@pytest.mark.parametrize("early_stopping", [False, True])
def test_divergence_after_an_epoch_leaves_that_epoch(early_stopping, iris):
    """Here every step multiplies the weights by 1e100."""
    X, y = iris
    params = {"learning_rate_init": 1e103, "weight_decay": 1e-3, "momentum": 0}
    model = fast(**params, solver="sgd", max_grad_norm=None, learning_rate="constant")
    model.set_params(batch_size=150, early_stopping=early_stopping, max_iter=20)
    with pytest.raises(ValueError, match=NOT_FINITE):
        model.fit(X, y)
    assert 1 <= model.n_iter_ == len(model.loss_curve_) < 20
    assert all(np.isfinite(a).all() for a in arrays(model))
    until_then = copy.deepcopy(model).set_params(max_iter=model.n_iter_).fit(X, y)
    assert_same_network(until_then, model)
