"""Dropout and bounds on firing rates, as parameters of the estimators."""

import copy
import re
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from helpers import fast, kinds_of_input, regressor
from sklearn.base import clone

from sklearn_snn._engines import threads
from sklearn_snn._engines.compiled import cache as compiled_code
from sklearn_snn._engines.compiled import engine as engine_numba
from sklearn_snn._engines.numpy_engine import NumpyEngine


@pytest.fixture
def steps(monkeypatch):
    """Return a list that gets the parameters and the restraint of each step."""
    seen, original = [], NumpyEngine.loss_and_gradients

    def watched(self, params, X, targets, loss_weights, restraint):
        seen.append((params, restraint))
        step = original(self, params, X, targets, loss_weights, restraint)
        step.gradients[-1]["coef"][...] = 1
        return step

    monkeypatch.setattr(NumpyEngine, "loss_and_gradients", watched)
    return seen


def test_a_share_is_left_out_and_the_others_count_for_it(steps, blobs):
    X, y = blobs
    rate = {"learning_rate_init": 0.01, "learning_rate": "constant"}
    plain = {"solver": "sgd", "momentum": 0.0, "weight_decay": 0.0, **rate}
    model = fast(dropout=0.75, hidden_layer_sizes=(200,), engine="numpy", **plain)
    model.set_params(max_grad_norm=None, max_iter=1, batch_size=60).fit(X, y)
    ((params, restraint),) = steps
    (kept,) = restraint.kept
    assert kept.shape == (60, 200)
    assert kept.mean() == pytest.approx(0.25, abs=0.02)
    # By sample and by neuron: nothing is the same for a whole row or column.
    assert 0 < kept.mean(axis=0).min() < kept.mean(axis=0).max() < 0.6
    assert 0.1 < kept.mean(axis=1).min() < kept.mean(axis=1).max() < 0.5
    # Of a step along a gradient of 1 by the weights that counted four times, four.
    before = params[-1]["coef"] / 4
    np.testing.assert_allclose(model.coefs_[-1], before - 0.01 * 4, rtol=1e-9)


@pytest.mark.parametrize("kind", ["dense", "sequence", "trains"])
@pytest.mark.parametrize("make", [fast, regressor])
def test_the_same_to_the_bit(make, kind, blobs, engine, monkeypatch):
    X, y = blobs
    X = kinds_of_input(np.abs(X))[kind]
    restrained = {"dropout": 0.4, "rate_bounds": (0.05, 0.1), "batch_size": 35}
    model = make(**restrained)
    models = [clone(model).fit(X, y), clone(model).fit(X, y)]
    with ThreadPoolExecutor(3) as pool:
        monkeypatch.setattr(threads, "_pool", pool)
        monkeypatch.setattr(engine_numba, "n_threads", lambda: 3)
        models.append(clone(model).fit(X, y))
    for other in models[1:]:
        np.testing.assert_equal(other.coefs_, models[0].coefs_)
        assert other.loss_curve_ == models[0].loss_curve_


def test_epoch_by_epoch_it_is_the_same(blobs, engine):
    X, y = blobs
    model = fast(dropout=0.4, rate_bounds=(0.05, 0.1), learning_rate="constant")
    whole, stepwise = clone(model).fit(X, y), clone(model)
    for _ in range(model.max_iter):
        stepwise.partial_fit(X, y, classes=[0, 1])
    np.testing.assert_equal(stepwise.coefs_, whole.coefs_)


def test_neurons_are_drawn_anew_in_each_epoch(steps, blobs):
    X, y = blobs
    fast(dropout=0.5, engine="numpy", batch_size=30, max_iter=2).fit(X, y)
    kept = [restraint.kept[0] for _, restraint in steps]
    assert len(kept) == 4
    for i, one in enumerate(kept):
        for other in kept[:i]:
            assert (one != other).any()


@pytest.mark.parametrize("make", [fast, regressor])
def test_answers_are_those_of_all_neurons(make, blobs, engine):
    """Nothing is left out of predictions, which are the same each time."""
    X, y = blobs
    model = make(dropout=0.9).fit(X, y)
    np.testing.assert_array_equal(model.predict(X), model.predict(X))
    record = model.simulate(X)
    assert (record.spikes[0].mean(axis=(0, 1)) > 0).mean() > 0.5


def rates_of(model, X):
    """Return the mean rate of each hidden layer over the samples."""
    return [spikes.mean() for spikes in model.simulate(X).spikes[:-1]]


@pytest.mark.parametrize(("low", "high"), [(0.7, 1.0), (0.0, 0.02)])
def test_rates_are_moved_into_their_bounds(low, high, blobs, engine):
    X, y = blobs
    model = fast(hidden_layer_sizes=(20, 10), max_iter=150, batch_size=20)
    free = rates_of(model.fit(X, y), X)
    assert not all(low <= rate <= high for rate in free)
    bounded = clone(model).set_params(rate_bounds=(low, high)).fit(X, y)
    for rate in rates_of(bounded, X):
        assert low - 0.03 < rate < high + 0.03
    assert bounded.score(X, y) > 0.9


@pytest.mark.parametrize("kind", ["dense", "trains"])
def test_bounds_have_no_code_of_their_own(kind, blobs):
    """Which would take as long to compile as all that there is."""
    X, y = kinds_of_input(abs(blobs[0]))[kind], blobs[1]
    model = fast(engine="numba", max_iter=1).fit(X, y)
    n_compiled = compiled_code.n_compiled()
    model.set_params(rate_bounds=(0.1, 0.2), dropout=0.1).fit(X, y)
    assert compiled_code.n_compiled() == n_compiled


def test_layers_may_have_bounds_of_their_own(blobs):
    X, y = blobs
    bounds = [(0.0, 0.05), (0.3, 0.4)]
    model = fast(hidden_layer_sizes=(20, 10), max_iter=150, batch_size=20)
    first, second = rates_of(model.set_params(rate_bounds=bounds).fit(X, y), X)
    assert first < 0.08
    assert 0.27 < second < 0.43


def test_a_silent_layer_learns(blobs, engine):
    """Nothing else comes to it, where what it sends has no weight yet."""
    X, y = blobs
    model = fast(max_iter=1, surrogate="atan", weight_decay=0.0).fit(X, y)
    model.set_params(warm_start=True, max_iter=100, learning_rate="constant")
    model.intercepts_[0][:] = -0.5
    model.coefs_[0][:] *= 0.01
    model.coefs_[1][:] = 0
    assert sum(rates_of(model, X)) == 0
    plain = copy.deepcopy(model).fit(X, y)
    assert sum(rates_of(plain, X)) == 0
    model.set_params(rate_bounds=(0.1, 1.0)).fit(X, y)
    assert sum(rates_of(model, X)) > 0.05


def test_the_penalty_is_in_the_loss(blobs, engine):
    X, y = blobs
    model = fast(max_iter=1, weight_decay=0.0)
    plain = clone(model).fit(X, y).loss_
    costs = []
    for weight in (1.0, 3.0):
        params = {"rate_bounds": (0.9, 1.0), "rate_penalty": weight}
        model.set_params(**params, learning_rate_init=1e-12)
        costs.append(clone(model).fit(X, y).loss_)
    plain = clone(model).set_params(rate_bounds=None).fit(X, y).loss_
    assert costs[0] > plain
    assert costs[1] - plain == pytest.approx(3 * (costs[0] - plain), rel=1e-6)


def test_without_hidden_layers_there_is_nothing_to_hold_back(blobs, engine):
    X, y = blobs
    plain = fast(hidden_layer_sizes=()).fit(X, y)
    model = clone(plain).set_params(dropout=0.5, rate_bounds=(0.1, 0.2)).fit(X, y)
    np.testing.assert_equal(model.coefs_, plain.coefs_)


@pytest.mark.parametrize(
    "bounds",
    [
        *[(0.5, 0.1), (-0.1, 0.5), (0.1, 1.5), (0.1,), (0.1, np.nan), "ab"],
        *[[(0, 1)] * 3, [[(0, 1)]], [(0, 1), (0.2, 0.1)], (None, 0.5), 0.5],
    ],
)
def test_bounds_that_are_none(bounds, blobs):
    model = fast(hidden_layer_sizes=(5, 4), rate_bounds=bounds)
    with pytest.raises(ValueError, match=r"[Tt]he 'rate_bounds'|rate_bounds must be"):
        model.fit(*blobs)
    assert not hasattr(model, "coefs_")


@pytest.mark.parametrize("dropout", [1.0, -0.1, "half"])
def test_a_dropout_that_is_none(dropout, blobs):
    with pytest.raises(ValueError, match=re.escape("[0.0, 1.0)")):
        fast(dropout=dropout).fit(*blobs)
