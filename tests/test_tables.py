"""Tables: learned about the mean row, and held back where rows are few or noisy."""

import numpy as np
import pytest
from helpers import assert_same_network, fast
from scipy.sparse import csr_array
from sklearn.base import clone

from sklearn_snn import SpikingClassifier, SpikingRegressor
from sklearn_snn._training.trainer import Trainer


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 6))
    return X, (X[:, 0] + X[:, 1] * X[:, 2] > 0).astype(int)


def params_of(model):
    return [*model.coefs_, *model.intercepts_]


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_means_of_columns_do_not_matter(table, solver, engine):
    """Nothing of them is left but rounding: the weights are those without."""
    X, y = table
    offset = np.array([8.0, -4.0, 0.0, 2.0, 16.0, 1.0])
    params = {"learning_rate_init": "auto", "max_iter": 5, "batch_size": 30}
    model = fast(solver=solver, engine=engine, **params)
    centred = model.fit(X, y)
    coefs, intercepts = centred.coefs_, centred.intercepts_
    moved = model.fit(X + offset, y)
    for one, other in zip(coefs, moved.coefs_, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-7, atol=1e-9)
    expected = intercepts[0] - offset @ coefs[0]
    np.testing.assert_allclose(moved.intercepts_[0], expected, rtol=1e-7)


def test_a_step_is_that_of_currents_about_the_mean(table):
    """By hand: c = b + m W is what learns, and b follows a change of W."""
    X, y = table
    X = X + np.arange(6)
    weights = np.random.default_rng(1).uniform(0.5, 2, len(X))
    params = {"solver": "sgd", "momentum": 0, "weight_decay": 0, "max_grad_norm": None}
    params |= {"max_iter": 1, "batch_size": len(X), "shuffle": False}
    start = fast(**params, learning_rate_init=1e-300).fit(X, y, weights)
    after = fast(**params, learning_rate_init="auto").fit(X, y, weights)
    rate = after.learning_rate_
    gradients = start.loss_and_gradients(X, y, weights)
    mean = weights @ X / weights.sum()
    by_b = gradients.intercept_grads[0]
    by_w = gradients.coef_grads[0] - np.outer(mean, by_b)
    unit = start._initial_scales_[0] ** 2
    change = after.coefs_[0] - start.coefs_[0]
    np.testing.assert_allclose(change, -rate * unit * by_w, rtol=1e-6, atol=1e-12)
    expected = start.intercepts_[0] - rate * by_b - mean @ change
    np.testing.assert_allclose(after.intercepts_[0], expected, rtol=1e-6)


def test_how_a_table_lies_in_memory_does_not_matter(table):
    X, y = table
    X = X + 3.0
    X[X < 2.5] = 0
    network = fast(learning_rate_init="auto")
    model = clone(network).fit(X, y)
    assert_same_network(clone(network).fit(np.asfortranarray(X), y), model)
    assert_same_network(clone(network).fit(np.repeat(X, 2, axis=0)[::2], y), model)
    sparse = clone(network).fit(csr_array(X), y)
    for one, other in zip(params_of(sparse), params_of(model), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    ("rate", "n", "is_stream"),
    [(0.1, 120, False), ("auto", 120, True), ("auto", 300, False)],
)
def test_in_small_steps_weights_and_bias_learn_by_themselves(rate, n, is_stream):
    """What parts of a stream, and rates that are given, lead to is as it was."""
    X = np.random.default_rng(0).normal(size=(n, 4)) + 5
    y = (X[:, 0] > 5).astype(int)
    params = {"solver": "sgd", "momentum": 0, "weight_decay": 0, "max_grad_norm": None}
    params |= {"max_iter": 1, "batch_size": n, "shuffle": False}
    start = fast(**params, learning_rate_init=1e-300).fit(X, y)
    model = fast(**params, learning_rate_init=rate)
    model.partial_fit(X, y, classes=[0, 1]) if is_stream else model.fit(X, y)
    by_w = start.loss_and_gradients(X, y).coef_grads[0]
    expected = -model.learning_rate_ * start._initial_scales_[0] ** 2 * by_w
    change = model.coefs_[0] - start.coefs_[0]
    np.testing.assert_allclose(change, expected, rtol=1e-6, atol=1e-12)


@pytest.fixture
def decays(monkeypatch):
    """Return (decay, share of the loss of guessing after it) of each epoch, to be."""
    seen = []

    class Watched(Trainer):
        def epoch(self, *args):
            decay = self.plan.decay(self._unexplained)
            epoch = super().epoch(*args)
            samples = self.samples
            weights = samples.weights, samples.score_weights
            guess, _ = self.target.guessing(samples.y, *weights)
            loss = epoch.loss - epoch.penalty
            seen.append((decay, loss / guess if guess else np.nan))
            return epoch

    monkeypatch.setattr("sklearn_snn._training.fitting.Trainer", Watched)
    return seen


@pytest.mark.parametrize("n", [25, 120, 400, 1000])
def test_decay_follows_what_stays_unexplained(decays, n):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 4))
    y, guesses = X[:, 0] > 0, rng.random(n) < 0.4
    for labels in (y, guesses):
        decays.clear()
        params = {"max_iter": 15, "n_steps": 8, "learning_rate_init": 0.02}
        SpikingClassifier((20,), random_state=0, **params).fit(X, labels)
        shares = [1.0, *(min(share, 1.0) for _, share in decays[:-1])]
        prior, most = min(3 / n, 0.1), min((120 / n) ** 2, 0.05)
        expected = [prior + most * share**2 for share in shares]
        np.testing.assert_allclose([decay for decay, _ in decays], expected)
        if labels is y:
            assert shares[-1] < 0.5  # or it would say nothing


@pytest.mark.parametrize("decay", [0.0, 0.01])
def test_a_decay_that_is_given_stays(decays, table, decay):
    fast(weight_decay=decay, max_iter=3).fit(*table)
    assert [seen for seen, _ in decays] == [decay] * 3


def test_streams_and_recordings_are_hardly_held_back(decays, table):
    X, y = table
    model = fast(weight_decay="auto")
    model.partial_fit(X, y, classes=[0, 1]).partial_fit(X, y)
    model.fit(X[:, np.newaxis].repeat(4, axis=1), y)
    assert [decay for decay, _ in decays] == [1e-5] * 5


def test_decay_of_numbers(decays):
    """What guessing the mean leaves of numbers is half their variance, 1."""
    X = np.random.default_rng(0).normal(size=(600, 3))
    params = {"weight_decay": "auto", "max_iter": 4, "random_state": 0}
    model = SpikingRegressor((10,), n_steps=5, **params).fit(X, X[:, 0])
    share = decays[0][1]
    assert 0 < share < 2 * model.loss_curve_[0]
    expected = [3 / 600 + 0.2**2 * min(share, 1) ** 2 for share in (1, share)]
    assert [decay for decay, _ in decays][:2] == pytest.approx(expected)


def test_a_label_that_all_have_leaves_nothing_to_explain(decays):
    """The loss of guessing is 0, by which nothing can be divided."""
    X = np.random.default_rng(0).normal(size=(40, 3))
    y = np.ones((40, 2), int)
    SpikingClassifier((10,), n_steps=5, max_iter=3, random_state=0).fit(X, y)
    assert [decay for decay, _ in decays][1:] == [3 / 40] * 2


@pytest.mark.parametrize(
    ("n", "rate"), [(10, 0.01), (50, 0.01), (100, 0.005), (249, 0.5 / 249), (300, 2e-3)]
)
def test_few_rows_have_a_larger_rate(n, rate):
    X = np.random.default_rng(0).normal(size=(n, 3))
    params = {"max_iter": 1, "n_steps": 5, "learning_rate": "constant"}
    model = SpikingClassifier((10,), random_state=0, **params).fit(X, X[:, 0] > 0)
    assert model.learning_rate_ == pytest.approx(rate, rel=1e-12)
    in_time = model.fit(X[:, np.newaxis].repeat(4, axis=1), X[:, 0] > 0)
    assert in_time.learning_rate_ == 0.002
    stream = SpikingClassifier((10,), random_state=0, **params)
    stream.partial_fit(X, X[:, 0] > 0, classes=[False, True])
    assert stream.learning_rate_ == 0.002
