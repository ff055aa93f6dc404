"""Weights of samples and of classes, and how they are routed."""

import copy

import numpy as np
import pytest
from helpers import (
    KINDS,
    SOLVERS,
    assert_close_network,
    assert_same_network,
    assert_same_state,
    differ,
    fast,
    kinds_of_input,
    some_digits,
)
from sklearn import config_context
from sklearn.metrics import accuracy_score, get_scorer
from sklearn.model_selection import cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_snn import SpikingClassifier

# Of samples


@pytest.mark.parametrize("solver", SOLVERS)
def test_weight_two_is_the_row_twice(solver, iris, engine):
    """In one mini-batch of at most 128 samples, up to rounding."""
    X, y = iris[0][:60], iris[1][:60]
    weights = np.arange(60) % 4
    rows = np.repeat(np.arange(60), weights)
    assert len(rows) <= 128
    params = {"solver": solver, "max_iter": 5, "batch_size": 128}
    weighted = fast(**params).fit(X, y, sample_weight=weights)
    repeated = fast(**params).fit(X[rows], y[rows])
    assert_close_network(weighted, repeated, rtol=1e-6)
    np.testing.assert_allclose(weighted.loss_curve_, repeated.loss_curve_, rtol=1e-9)
    assert not np.allclose(weighted.coefs_[0], fast(**params).fit(X, y).coefs_[0])
    a = fast(**params).partial_fit(X, y, [0, 1, 2], weights)
    b = fast(**params).partial_fit(X[rows], y[rows], [0, 1, 2])
    assert_close_network(a, b, rtol=1e-6)


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_weight_zero_is_no_row(kind, early_stopping):
    """To the bit, over several mini-batches, in all that is kept."""
    X, y = some_digits(3, 120)
    X = kinds_of_input(X)[kind]
    weights = np.random.default_rng(0).integers(0, 3, 120)
    rows = np.flatnonzero(weights)
    params = {"batch_size": 20, "early_stopping": early_stopping}
    some = fast(**params).fit(X, y, sample_weight=weights)
    without = fast(**params).fit(X[rows], y[rows], sample_weight=weights[rows])
    assert_same_state(some, vars(without))
    assert len(rows) < 120
    if not early_stopping:
        assert some.t_ == 3 * len(rows)
        for block in (slice(0, 60), slice(60, 120)):
            kept = rows[(rows >= block.start) & (rows < block.stop)]
            some.partial_fit(X[block], y[block], sample_weight=weights[block])
            without.partial_fit(X[kept], y[kept], sample_weight=weights[kept])
        assert_same_state(some, vars(without))


def test_a_class_whose_weights_are_all_zero_is_not_there(iris):
    X, y = iris
    model = fast().fit(X, y, sample_weight=y != 1)
    assert model.classes_.tolist() == [0, 2]
    with pytest.raises(ValueError, match=r"only one class.*weight 0 do not count"):
        fast().fit(X, y, sample_weight=y == 1)


def test_the_scale_of_weights_does_not_matter(iris):
    X, y = iris
    weights = np.random.default_rng(0).random(150)
    params = {"batch_size": 20, "weight_decay": 0.01, "max_grad_norm": 0.1}
    model = fast(**params).fit(X, y, weights)
    for scale in (2.0**-1000, 2, 2.0**1000):
        assert_same_network(fast(**params).fit(X, y, scale * weights), model)
    for scale in (1e-3, 7, 1e308):
        assert_close_network(fast(**params).fit(X, y, scale * weights), model, 1e-5)
    classes = dict.fromkeys(range(3), 16)
    assert_same_network(fast(**params, class_weight=classes).fit(X, y, weights), model)
    assert differ(fast(**params).fit(X, y), model)


@pytest.mark.parametrize("wrong", ["negative", "nan", "length", "zeros", "2-D"])
def test_bad_weights(wrong, iris):
    X, y = iris
    weights, message = {
        "negative": (np.where(y == 0, -1.0, 1.0), "[Nn]egative"),
        "nan": (np.where(y == 0, np.nan, 1.0), "NaN"),
        "length": (np.ones(149), "149"),
        "zeros": (np.zeros(150), "at least one non-zero"),
        "2-D": (np.ones((150, 1)), "1D"),
    }[wrong]
    model = fast()
    for refuse in (model.fit, model.partial_fit):
        kwargs = {"classes": [0, 1, 2]} if refuse == model.partial_fit else {}
        with pytest.raises(ValueError, match=message):
            refuse(X, y, sample_weight=weights, **kwargs)
        assert_same_state(model, fast().get_params())


# Of classes


def test_class_weights_are_sample_weights(iris):
    """To the bit, over several mini-batches, for labels of any type."""
    X, y = iris
    names = np.array(["x", "y", "z"])[y]
    by_class = np.array([1.0, 0.25, 4.0])
    by_sample = fast(batch_size=20).fit(X, y, sample_weight=by_class[y])
    weights = dict(zip("xyz", by_class.tolist(), strict=True))
    by_label = fast(batch_size=20, class_weight=weights).fit(X, names)
    assert_same_network(by_label, by_sample)
    assert differ(by_label, fast(batch_size=20).fit(X, names))
    del weights["x"]
    some_labels = fast(batch_size=20, class_weight=weights).fit(X, names)
    assert_same_network(some_labels, by_sample)


def test_class_and_sample_weights_multiply(iris):
    X, y = iris
    by_class, weights = np.array([1.0, 2.0, 0.5]), 1.0 + np.arange(150) % 3
    model = fast(class_weight=dict(enumerate(by_class))).fit(X, y, weights)
    assert_same_network(model, fast().fit(X, y, by_class[y] * weights))


def test_balanced_class_weights(iris):
    """All classes have the same total weight, sample weights included."""
    X, y = iris
    rare = np.flatnonzero((y > 0) | (np.arange(150) % 5 == 0))
    X, y = X[rare], y[rare]
    for weights in (np.ones(len(y)), 1.0 + np.arange(len(y)) % 2):
        totals = np.bincount(y, weights)
        balanced = fast(class_weight="balanced", batch_size=20).fit(X, y, weights)
        expected = fast(batch_size=20).fit(X, y, weights / totals[y])
        assert_close_network(balanced, expected, rtol=1e-5)
        assert differ(balanced, fast(batch_size=20).fit(X, y, weights))


def test_balanced_class_weights_ignore_rows_of_weight_zero(iris):
    X, y = iris
    weights = np.arange(150) % 2
    half = fast(class_weight="balanced").fit(X[1::2], y[1::2])
    assert_same_network(fast(class_weight="balanced").fit(X, y, weights), half)


def test_balanced_class_weights_find_a_rare_class():
    rng = np.random.default_rng(0)
    y = (np.arange(400) % 20 == 0).astype(int)
    X = rng.normal(size=(400, 2)) + y[:, None]
    recall = [
        fast(class_weight=w, max_iter=20).fit(X, y).predict(X[y == 1]).mean()
        for w in (None, "balanced")
    ]
    assert recall[1] > 0.5 > 0.3 > recall[0]


def test_class_weights_in_a_stream(iris):
    """A dict, also for classes that a block does not have, but not "balanced"."""
    X, y = iris
    by_class = np.array([1.0, 3.0, 0.5])
    model = fast(class_weight=dict(enumerate(by_class)))
    same = fast()
    for rows in (np.flatnonzero(y < 2), np.flatnonzero(y > 0), np.arange(150)):
        weights = by_class[y[rows]]
        model.partial_fit(X[rows], y[rows], classes=[0, 1, 2])
        same.partial_fit(X[rows], y[rows], [0, 1, 2], weights)
        assert_same_network(model, same)
    model.set_params(class_weight="balanced")
    before = copy.deepcopy(vars(model))
    with pytest.raises(ValueError, match="'balanced' needs all data at once"):
        model.partial_fit(X, y)
    assert_same_state(model, before)


def test_a_class_of_weight_zero_is_known_but_not_trained_on(iris):
    X, y = iris
    model = fast(class_weight={1: 0}, max_iter=1).fit(X, y)
    assert model.classes_.tolist() == [0, 1, 2]
    assert model.t_ == 100
    weights = (y != 1).astype(float)
    same = fast().partial_fit(X, y, classes=[0, 1, 2], sample_weight=weights)
    assert_same_network(model, same)


@pytest.mark.parametrize(
    "class_weight",
    [{0: -1}, {0: np.nan}, {0: np.inf}, {0: 0, 1: 0, 2: 0}, {3: 1}, "rare", [1, 1, 1]],
    ids=str,
)
def test_bad_class_weights(class_weight, iris):
    model = fast(class_weight=class_weight)
    with pytest.raises(ValueError, match="class_weight"):
        model.fit(*iris)
    assert not hasattr(model, "classes_")


# Routing


@pytest.fixture
def routing():
    with config_context(enable_metadata_routing=True):
        yield


def test_weights_reach_the_last_step_of_a_pipeline(iris, routing):
    X, y = iris
    weights = 1.0 + np.arange(150) % 3
    classifier = fast().set_fit_request(sample_weight=True)
    model = make_pipeline(
        StandardScaler().set_fit_request(sample_weight=False), classifier
    )
    model.fit(X, y, sample_weight=weights)
    scaled = StandardScaler().fit_transform(X)
    assert_same_network(model[-1], fast().fit(scaled, y, weights))
    assert differ(model[-1], fast().fit(scaled, y))


def test_weights_are_cut_into_folds(iris, routing):
    X, y = iris
    weights = 1.0 + np.arange(150) % 3
    result = cross_validate(
        fast()
        .set_fit_request(sample_weight=True)
        .set_score_request(sample_weight=True),
        X,
        y,
        cv=[(np.arange(100), np.arange(100, 150))],
        params={"sample_weight": weights},
        scoring=get_scorer("accuracy").set_score_request(sample_weight=True),
        return_estimator=True,
    )
    expected = fast().fit(X[:100], y[:100], weights[:100])
    assert_same_network(result["estimator"][0], expected)
    score = accuracy_score(
        y[100:], expected.predict(X[100:]), sample_weight=weights[100:]
    )
    assert result["test_score"] == [pytest.approx(score)]


def test_metadata_that_can_be_routed(routing):
    requests = (
        SpikingClassifier()
        .set_fit_request(sample_weight="weight")
        .set_partial_fit_request(sample_weight=False, classes=True)
        .get_metadata_routing()
    )
    assert requests.fit.requests == {"sample_weight": "weight"}
    assert requests.partial_fit.requests == {"sample_weight": False, "classes": True}
