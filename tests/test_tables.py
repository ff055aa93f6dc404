"""Tables: learned about the mean row, and held back more where rows are few."""

import pickle
import tracemalloc

import numpy as np
import pytest
from helpers import assert_same_network, fast
from scipy.sparse import csr_array
from sklearn.base import clone

from sklearn_snn import SpikingClassifier, SpikingRegressor
from sklearn_snn._training import centring
from sklearn_snn._training.samples import Samples


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 6))
    return X, (X[:, 0] + X[:, 1] * X[:, 2] > 0).astype(int)


@pytest.fixture
def wide_table():
    X = np.random.default_rng(0).normal(size=(120, 12))
    return X, (X[:, 0] + X[:, 1] * X[:, 2] > 0).astype(int)


def params_of(model):
    return [*model.coefs_, *model.intercepts_]


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_means_of_columns_do_not_matter(table, solver, engine):
    """Nothing of them is left but rounding: the weights are those without."""
    X, y = table
    offset = np.array([8.0, -4.0, 0.0, 2.0, 16.0, 1.0])
    params = {"centering": True, "max_iter": 5, "batch_size": 30}
    model = fast(solver=solver, engine=engine, **params)
    centred = model.fit(X, y)
    coefs, intercepts = centred.coefs_, centred.intercepts_
    moved = model.fit(X + offset, y)
    for one, other in zip(coefs, moved.coefs_, strict=True):
        np.testing.assert_allclose(other, one, rtol=1e-7, atol=1e-9)
    expected = intercepts[0] - offset @ coefs[0]
    np.testing.assert_allclose(moved.intercepts_[0], expected, rtol=1e-7)


@pytest.mark.parametrize("kind", [SpikingClassifier, SpikingRegressor])
def test_tables_far_from_0_are_learned_by_default(kind):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 5))
    y = X[:, 0] + X[:, 1]
    y = y > 0 if kind is SpikingClassifier else y
    params = {"n_steps": 8, "max_iter": 60, "learning_rate_init": 0.01}
    model = kind((20,), **params, random_state=0)
    score = model.fit(X, y).score(X, y)
    assert score > 0.9
    assert model.fit(X + 100, y).score(X + 100, y) == pytest.approx(score, abs=0.01)


def test_a_step_is_that_of_currents_about_the_mean(table):
    """By hand: c = b + m W is what learns, and b follows a change of W."""
    X, y = table
    X = X + np.arange(6)
    weights = np.random.default_rng(1).uniform(0.5, 2, len(X))
    params = {"solver": "sgd", "momentum": 0, "weight_decay": 0, "max_grad_norm": None}
    params |= {"max_iter": 1, "batch_size": len(X), "shuffle": False}
    start = fast(**params, learning_rate_init=1e-300).fit(X, y, weights)
    after = fast(**params, centering=True).fit(X, y, weights)
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
    network = fast(centering=True)
    model = clone(network).fit(X, y)
    assert_same_network(clone(network).fit(np.asfortranarray(X), y), model)
    assert_same_network(clone(network).fit(np.repeat(X, 2, axis=0)[::2], y), model)
    sparse = clone(network).fit(csr_array(X), y)
    for one, other in zip(params_of(sparse), params_of(model), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("centering", [True, False])
@pytest.mark.parametrize("kind", ["fit", "stream", "in time"])
def test_constant_currents_alone_are_centred(kind, centering):
    """A first step of W is by the gradient, or by that less the mean's share of it."""
    X = np.random.default_rng(0).normal(size=(300, 4)) + 5
    y = (X[:, 0] > 5).astype(int)
    if kind == "in time":
        X = X[:, np.newaxis].repeat(4, axis=1)
    params = {"solver": "sgd", "momentum": 0, "weight_decay": 0, "max_grad_norm": None}
    params |= {"max_iter": 1, "batch_size": 300, "shuffle": False}
    start = fast(**params, learning_rate_init=1e-300).fit(X, y)
    model = fast(**params, centering=centering)
    model.partial_fit(X, y, [0, 1]) if kind == "stream" else model.fit(X, y)
    gradients = start.loss_and_gradients(X, y)
    by_w = gradients.coef_grads[0]
    if kind != "in time" and centering:
        by_w = by_w - np.outer(X.mean(axis=0), gradients.intercept_grads[0])
    expected = -model.learning_rate_ * start._initial_scales_[0] ** 2 * by_w
    change = model.coefs_[0] - start.coefs_[0]
    np.testing.assert_allclose(change, expected, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
def test_calls_are_epochs_of_one_training(table, solver):
    X, y = table
    params = {"centering": True, "learning_rate": "constant", "solver": solver}
    model = fast(**params, max_iter=4).fit(X + 7, y)
    stream = fast(**params)
    for _ in range(4):
        stream.partial_fit(X + 7, y, [0, 1])
    assert_same_network(stream, model)
    params = {**params, "solver": "sgd", "momentum": 0}  # of which nothing is kept
    model = fast(**params, max_iter=4).fit(X + 7, y)
    parts = fast(**params, max_iter=2, warm_start=True).fit(X + 7, y)
    assert_same_network(parts.fit(X + 7, y), model)


@pytest.mark.parametrize("first", ["fit", "partial_fit"])
def test_the_mean_of_a_stream_is_that_of_its_first_call(table, first):
    X, y = table
    params = {"centering": True, "solver": "sgd", "momentum": 0, "weight_decay": 0}
    params |= {"batch_size": 120, "max_grad_norm": None, "learning_rate": "constant"}
    model = fast(**params, max_iter=1)
    model.fit(X + 5, y) if first == "fit" else model.partial_fit(X + 5, y, [0, 1])
    model = pickle.loads(pickle.dumps(model))
    before = [array.copy() for array in params_of(model)]
    some = X[:, 0] > 0  # of another mean
    gradients = model.loss_and_gradients(X[some] + 5, y[some])
    model.partial_fit(X[some] + 5, y[some])
    mean, by_b = (X + 5).mean(axis=0), gradients.intercept_grads[0]
    unit = model._initial_scales_[0] ** 2
    by_w = gradients.coef_grads[0] - np.outer(mean, by_b)
    change = model.coefs_[0] - before[0]
    np.testing.assert_allclose(change, -0.02 * unit * by_w, rtol=1e-6, atol=1e-12)
    expected = before[2] - 0.02 * by_b - mean @ change
    np.testing.assert_allclose(model.intercepts_[0], expected, rtol=1e-6)


def test_a_fit_far_from_0_goes_on_as_a_stream(table):
    X, y = table
    X = X + 100
    model = SpikingClassifier((20,), n_steps=8, random_state=0).fit(X, y)
    score = model.score(X, y)
    for _ in range(20):
        model.partial_fit(X, y)
    assert score > 0.85
    assert model.score(X, y) > score - 0.05


@pytest.fixture
def means(monkeypatch):
    """Return what mean rows training begins with, to be; found a few rows at a time."""
    found = []

    def watched(samples):
        found.append(centring.find_mean_row(samples))
        return found[-1]

    monkeypatch.setattr(centring, "_BLOCK", 45)
    monkeypatch.setattr("sklearn_snn._training.trainer.find_mean_row", watched)
    return found


@pytest.mark.parametrize("make", [np.asarray, csr_array, np.asfortranarray])
def test_a_mean_row_is_that_of_all_weighted_rows(table, means, make):
    X, y = table
    weights = np.arange(1.0, 121)
    fast(centering=True).fit(make(X), y, weights)
    np.testing.assert_allclose(means, [weights @ X / weights.sum()])


def test_a_mean_row_is_of_what_is_learned_from(table, means):
    """Not of rows that are set aside, or of weight 0."""
    X, y = table
    X = np.where(np.arange(120)[:, np.newaxis] < 20, 1e3, X)
    fast(centering=True).fit(X, y, np.arange(120) >= 20)
    np.testing.assert_allclose(means.pop(), X[20:].mean(axis=0))
    marks = np.eye(120)  # a column tells each row
    fast(centering=True, early_stopping=True).fit(marks, y)
    np.testing.assert_allclose(np.unique(means.pop()), [0, 1 / 108])


def test_a_mean_row_takes_the_memory_of_a_block():
    X = np.ones((500, 3000), np.float32)
    samples = Samples(X, np.zeros(500, int), np.ones(500), np.ones(500))
    tracemalloc.start()
    try:
        np.testing.assert_allclose(centring.find_mean_row(samples), 1)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < X.nbytes / 5


@pytest.mark.parametrize(
    ("n", "decay"),
    [(4, 0.1), (60, 0.05), (200, 0.03), (300, 0.02), (600, 7.5e-3), (3000, 1.1e-3)],
)
def test_few_rows_are_held_back_more(n, decay):
    """One full step: the gradient of the weights has the decay times the weights."""
    X = np.random.default_rng(0).normal(size=(n, 3))
    y = (X[:, 0] > 0).astype(int)
    params = {"solver": "sgd", "momentum": 0, "max_grad_norm": None, "max_iter": 1}
    params |= {"batch_size": n, "shuffle": False, "learning_rate_init": 0.1}
    plain = fast(**params, weight_decay=0).fit(X, y)
    model = fast(**params, weight_decay="auto").fit(X, y)
    start = fast(**params | {"learning_rate_init": 1e-300}).fit(X, y)
    scales = start._initial_scales_
    layers = zip(model.coefs_, plain.coefs_, start.coefs_, strict=True)
    for one, other, first in layers:
        # The same in any unit: W / scale decays, and its steps are scale times as long.
        np.testing.assert_allclose(one - other, -0.1 * decay * first, rtol=1e-6)
    penalties = [
        decay / 2 * np.sum((w / s) ** 2)
        for w, s in zip(start.coefs_, scales, strict=True)
    ]
    difference = model.loss_curve_[0] - plain.loss_curve_[0]
    assert difference == pytest.approx(sum(penalties), rel=1e-6)


def test_streams_and_recordings_are_hardly_held_back(table):
    X, y = table
    recordings = X[:, np.newaxis].repeat(4, axis=1)
    for kind in ("stream", "in time"):
        models = []
        for decay in ("auto", 1e-5):
            model = fast(weight_decay=decay)
            if kind == "stream":
                model.partial_fit(X, y, [0, 1]).partial_fit(X, y)
            models.append(model if kind == "stream" else model.fit(recordings, y))
        assert_same_network(*models)


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


@pytest.mark.parametrize(
    ("n", "n_columns", "sizes", "expected"),
    [
        (100, 3, (30,), 0.2),
        (134, 3, (40, 30), 0.2),
        (135, 3, (30,), 0),
        (99, 30, (30,), 0),
        (4999, 30, (30,), 0.2),
        (5000, 30, (30,), 0),
        (100, 3, (29,), 0),
        (100, 3, (30, 29), 0),
        (100, 3, (), 0),
    ],
)
@pytest.mark.parametrize("make", [np.asarray, csr_array])
def test_neurons_are_left_out_of_some_rows_of_many_columns(
    make, n, n_columns, sizes, expected
):
    X = np.random.default_rng(0).normal(size=(n, n_columns))
    X, y, params = make(X), X[:, 0] > 0, {"hidden_layer_sizes": sizes, "max_iter": 1}
    model, given, other = (
        fast(**params, dropout=dropout).fit(X, y)
        for dropout in ("auto", expected, 0.2 - expected)
    )
    assert_same_network(model, given)
    if sizes:
        assert not np.array_equal(model.coefs_[-1], other.coefs_[-1])


@pytest.mark.parametrize("kind", ["stream", "in time"])
def test_none_is_left_out_of_streams_and_recordings(wide_table, kind):
    X, y = wide_table
    models = []
    for dropout in ("auto", 0):
        model = fast(dropout=dropout, hidden_layer_sizes=(30,))
        if kind == "stream":
            models.append(model.partial_fit(X, y, [0, 1]))
        else:
            models.append(model.fit(X[:, np.newaxis].repeat(12, axis=1), y))
    assert_same_network(*models)


@pytest.mark.parametrize("kind", [SpikingClassifier, SpikingRegressor])
def test_what_dropout_is_by_default(kind, wide_table):
    """A regressor leaves none out."""
    X, y = wide_table
    params = {"n_steps": 5, "max_iter": 2, "random_state": 0}
    expected = 0.2 if kind is SpikingClassifier else 0.0
    given = kind(dropout=expected, **params).fit(X, y)
    assert_same_network(kind(**params).fit(X, y), given)


def test_noise_in_many_columns_is_learned_less_by_default():
    """The class hangs on a few columns, and a fifth of the labels is wrong."""
    accuracies = {0.0: [], "auto": []}
    for dropout, found in accuracies.items():
        for seed in range(3):
            rng = np.random.default_rng(seed)
            X = rng.normal(size=(2000, 20))
            y = (X[:, :5] ** 2).sum(axis=1) + X[:, 5] > 5
            labels = y[:600] ^ (rng.random(600) < 0.2)
            model = SpikingClassifier(dropout=dropout, n_steps=8, random_state=seed)
            found.append(model.fit(X[:600], labels).score(X[600:], y[600:]))
    assert np.mean(accuracies["auto"]) > np.mean(accuracies[0.0]) + 0.01
