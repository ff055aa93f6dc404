"""Callbacks in fits that fail or are interrupted, by themselves or by a callback."""

import copy

import numpy as np
import pytest
from helpers import assert_same_network, interrupt, steady
from recording import Recorder, assert_same_but_callbacks, calls_of_a_fit, raise_error

from sklearn_snn._training.optimizers import Adam


@pytest.mark.parametrize("state", ["unfitted", "fitted", "warm"])
@pytest.mark.parametrize(
    "where",
    [
        ("setup", "fit", 0),
        ("begin", "fit", 0),
        ("begin", "epoch", 0),
        ("end", "epoch", 0),
        ("begin", "epoch", 2),
        ("end", "epoch", 2),
        ("end", "fit", 0),
    ],
    ids=str,
)
def test_an_error_in_a_hook_leaves_the_estimator_as_it_was(where, state, iris):
    model = steady(warm_start=state == "warm")
    if state != "unfitted":
        model.fit(*iris)
    before = copy.deepcopy(vars(model))
    recorder = Recorder(where, raise_error)
    with pytest.raises(RuntimeError, match="of a callback"):
        model.set_callbacks(recorder).fit(*iris)
    assert_same_but_callbacks(model, before)
    assert recorder.calls[-2:] == [where, ("teardown", "fit", 0)]


def test_teardown_after_divergence(iris):
    """In the first epoch, and after one that is kept."""
    X, y = iris
    params = {"learning_rate_init": 1e103, "weight_decay": 1e-3, "momentum": 0}
    params |= {"solver": "sgd", "max_grad_norm": None, "max_iter": 20}
    for batch_size, is_fitted in ((5, False), (150, True)):
        recorder = Recorder()
        model = steady(**params, batch_size=batch_size).set_callbacks(recorder)
        with pytest.raises(ValueError, match="training has diverged"):
            model.fit(X, y)
        assert recorder.calls[0] == ("setup", "fit", 0)
        assert recorder.calls[-1] == ("teardown", "fit", 0)
        assert len(recorder.of("teardown", "fit")) == 1
        assert hasattr(model, "coefs_") is is_fitted
        if is_fitted:
            assert len(recorder.fitted()) == model.n_iter_ > 0
            assert_same_network(recorder.fitted()[-1], model)


def test_input_that_is_refused_is_not_announced(iris):
    X, y = iris
    recorder = Recorder()
    for arguments in ((X, y[1:]), (X, np.zeros(150)), (X * np.nan, y)):
        with pytest.raises(ValueError, match=r"inconsistent|only one class|NaN"):
            steady().set_callbacks(recorder).fit(*arguments)
    assert recorder.calls == []


def interrupt_step(monkeypatch, n):
    """Interrupt at the n-th step, counted from 1."""
    steps, update = [], Adam.update

    def interrupted(*args):
        steps.append(1)
        if len(steps) == n:
            raise KeyboardInterrupt
        update(*args)

    monkeypatch.setattr(Adam, "update", interrupted)


def test_teardown_after_an_interrupt_in_the_first_epoch(iris, monkeypatch):
    interrupt_step(monkeypatch, 3)
    recorder = Recorder()
    model = steady(batch_size=30).set_callbacks(recorder)
    with pytest.raises(KeyboardInterrupt):
        model.fit(*iris)
    assert recorder.calls == [
        *calls_of_a_fit(0)[:2],
        ("begin", "epoch", 0),
        calls_of_a_fit(0)[-1],
    ]
    assert_same_but_callbacks(model, steady(batch_size=30).get_params())


def test_an_interrupt_later_ends_the_fit_and_says_so(iris, monkeypatch):
    """Callbacks learn of the end with what is kept, the last complete epoch."""
    params = {"batch_size": 30, "max_iter": 9}
    until_then = steady(**params).set_params(max_iter=2).fit(*iris)
    interrupt_step(monkeypatch, 2 * 5 + 3)
    recorder = Recorder()
    model = steady(**params).set_callbacks(recorder)
    with pytest.warns(UserWarning, match="interrupted by user after 2 epochs"):
        model.fit(*iris)
    calls = calls_of_a_fit(2)
    assert recorder.calls == [*calls[:-2], ("begin", "epoch", 2), *calls[-2:]]
    assert_same_but_callbacks(model, vars(until_then) | {"max_iter": 9})
    assert_same_network(recorder.of("end", "fit")[0]["fitted"], until_then)


@pytest.mark.parametrize(("hook", "n_epochs"), [("begin", 2), ("end", 3)])
def test_an_interrupt_in_a_callback_ends_the_fit_too(hook, n_epochs, iris):
    recorder = Recorder((hook, "epoch", 2), interrupt)
    model = steady(max_iter=9).set_callbacks(recorder)
    with pytest.warns(UserWarning, match=f"interrupted by user after {n_epochs} ep"):
        model.fit(*iris)
    assert model.n_iter_ == len(model.loss_curve_) == n_epochs
    assert_same_network(model, steady(max_iter=n_epochs).fit(*iris))
    assert recorder.calls[-2:] == calls_of_a_fit(0)[-2:]
