"""Searches, curves and importances treat our estimators as they treat any other."""

import numpy as np
import pytest
from helpers import make_classifier, spiking, tabular
from sklearn.base import clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.inspection import permutation_importance
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import (
    GridSearchCV,
    HalvingRandomSearchCV,
    StratifiedKFold,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_val_score,
    learning_curve,
    validation_curve,
)
from sklearn.preprocessing import StandardScaler


def fit_without(model, X, y, rows):
    """Return a clone of `model` that was fitted to all rows but the given ones."""
    rest = np.setdiff1d(np.arange(len(y)), rows)
    return clone(model).fit(X[rest], y[rest])


def test_grid_search(images):
    X, X_test, y, y_test = images
    grid = {
        "poissonspikeencoder__n_steps": [2, 12],
        "spikingclassifier__threshold": [0.6, 100.0],
    }
    folds = StratifiedKFold(3)
    search = GridSearchCV(spiking(max_iter=6), grid, cv=folds).fit(X, y)
    assert search.best_params_ == {
        "poissonspikeencoder__n_steps": 12,
        "spikingclassifier__threshold": 0.6,
    }
    by_hand = spiking(max_iter=6).set_params(**search.best_params_)
    rows = [test for _, test in folds.split(X, y)]
    scores = [fit_without(by_hand, X, y, r).score(X[r], y[r]) for r in rows]
    results = search.cv_results_
    np.testing.assert_array_equal(
        scores,
        [results[f"split{i}_test_score"][search.best_index_] for i in range(3)],
    )
    np.testing.assert_array_equal(
        search.predict_proba(X_test), by_hand.fit(X, y).predict_proba(X_test)
    )
    assert search.score(X_test, y_test) > 0.6
    # Where no neuron fires all classes are alike.
    assert results["mean_test_score"].min() < 0.2


@pytest.mark.parametrize("resource", ["n_samples", "spikingclassifier__max_iter"])
def test_halving_random_search(resource, images):
    X, X_test, y, y_test = images
    limits = {"n_samples": (100, 300), "spikingclassifier__max_iter": (3, 9)}
    smallest, largest = limits[resource]
    search = HalvingRandomSearchCV(
        spiking(),
        {"spikingclassifier__threshold": [0.4, 0.6, 1e6]},
        resource=resource,
        n_candidates=3,
        min_resources=smallest,
        max_resources=largest,
        cv=2,
        random_state=0,
    ).fit(X, y)
    assert search.n_candidates_ == [3, 1]
    assert search.n_resources_ == [smallest, largest]
    assert search.best_params_["spikingclassifier__threshold"] < 1
    assert search.score(X_test, y_test) > 0.6
    if resource != "n_samples":
        assert search.best_estimator_[-1].n_iter_ == largest


def test_cross_val_predict(images):
    X, _, y, _ = images
    folds = StratifiedKFold(3)
    p = cross_val_predict(spiking(), X, y, cv=folds, method="predict_proba")
    assert p.shape == (300, 10)
    for _, rows in folds.split(X, y):
        by_hand = fit_without(spiking(), X, y, rows).predict_proba(X[rows])
        np.testing.assert_array_equal(p[rows], by_hand)
    assert np.mean(p.argmax(axis=1) == y) > 0.7


def test_learning_curve(images):
    X, _, y, _ = images
    sizes, _, scores = learning_curve(
        spiking(), X, y, train_sizes=[20, 60, 200], cv=3, shuffle=True, random_state=0
    )
    np.testing.assert_array_equal(sizes, [20, 60, 200])
    means = scores.mean(axis=1)
    assert scores.shape == (3, 3)
    assert 0.2 < means[0] < means[1] < means[2] > 0.7


def test_learning_curve_with_partial_fit(cancer):
    X, _, y, _ = cancer
    X = StandardScaler().fit_transform(X)
    folds = StratifiedKFold(2)
    sizes = [40, 100, 200]
    _, _, scores = learning_curve(
        make_classifier(),
        X,
        y,
        train_sizes=sizes,
        cv=folds,
        exploit_incremental_learning=True,
    )
    for fold, (train, test) in enumerate(folds.split(X, y)):
        by_hand = make_classifier()
        for i, rows in enumerate(np.split(train, sizes)[:-1]):
            by_hand.partial_fit(X[rows], y[rows], classes=[0, 1])
            assert scores[i, fold] == by_hand.score(X[test], y[test])
    assert scores[-1].mean() > 0.85


def test_validation_curve(images):
    X, _, y, _ = images
    values = [1e6, 0.6]
    name = "spikingclassifier__threshold"
    train, test = validation_curve(
        spiking(), X, y, param_name=name, param_range=values, cv=2
    )
    for value, scores in zip(values, test, strict=True):
        model = spiking().set_params(**{name: value})
        np.testing.assert_array_equal(scores, cross_val_score(model, X, y, cv=2))
    assert train[0].max() < 0.2
    assert train[1].mean() > 0.8
    assert test[1].mean() > 0.6


def test_tuned_threshold(cancer):
    """Where one class is rare, another threshold than 0.5 is fairer to it."""
    X, X_test, y, y_test = cancer
    rows = np.concatenate([np.flatnonzero(y == 0)[:20], np.flatnonzero(y == 1)])
    model = tabular(max_iter=6)
    tuned = TunedThresholdClassifierCV(
        model, scoring="balanced_accuracy", cv=3, random_state=0
    ).fit(X[rows], y[rows])
    model.fit(X[rows], y[rows])
    is_one = model.predict_proba(X_test)[:, 1] >= tuned.best_threshold_
    np.testing.assert_array_equal(tuned.predict(X_test), is_one)
    assert tuned.best_threshold_ > 0.5
    assert balanced_accuracy_score(y_test, tuned.predict(X_test)) > 0.8
    assert tuned.predict(X_test).mean() < model.predict(X_test).mean()


def test_permutation_importance(images, split_iris):
    X, X_test, y, y_test = images
    X, X_test = (A.reshape(-1, 4, 2, 8).sum(axis=2) for A in (X, X_test))
    model = spiking().set_params(poissonspikeencoder__n_steps=30)
    model.fit(X.reshape(-1, 32), y)
    result = permutation_importance(
        model, X_test.reshape(-1, 32), y_test, n_repeats=2, random_state=0
    )
    means = result.importances_mean.reshape(4, 8)
    assert result.importances.shape == (32, 2)
    # Digits stand in the middle; a place that is black in all of them tells nothing.
    assert means[:, 2:6].max() > 0.05
    assert means[:, 2:6].mean() > means[:, [0, 1, 6, 7]].mean() + 0.01
    is_black = X_test.max(axis=0) == 0
    assert is_black.any()
    assert not means[is_black].any()

    X, X_test, y, y_test = split_iris
    model = make_classifier(max_iter=20).fit(X, y)
    result = permutation_importance(model, X_test, y_test, random_state=0)
    assert set(result.importances_mean.argsort()[-2:]) == {2, 3}  # the petals'
