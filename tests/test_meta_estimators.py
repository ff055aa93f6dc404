"""Estimators that are made of classifiers take ours: ensembles and others."""

import pickle

import numpy as np
import pytest
from helpers import make_classifier, spiking, tabular
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.semi_supervised import SelfTrainingClassifier


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_calibration_in_folds(method, cancer):
    X, X_test, y, y_test = cancer
    model = CalibratedClassifierCV(tabular(), method=method, cv=3).fit(X, y)
    p = model.predict_proba(X_test)
    by_hand = [
        member.calibrators[0].predict(member.estimator.decision_function(X_test))
        for member in model.calibrated_classifiers_
    ]
    np.testing.assert_allclose(p[:, 1], np.mean(by_hand, axis=0))
    assert model.score(X_test, y_test) > 0.9
    assert log_loss(y_test, p) < 0.3


def test_calibration_of_a_fitted_model(images):
    """A temperature mends what is too sure of itself, and changes no decision."""
    X, X_test, y, y_test = images
    model = tabular(max_iter=20, logit_scale=20.0).fit(X, y)
    calibrated = CalibratedClassifierCV(FrozenEstimator(model), method="temperature")
    calibrated.fit(X_test[:150], y_test[:150])
    rest, y_rest = X_test[150:], y_test[150:]
    p, p_before = calibrated.predict_proba(rest), model.predict_proba(rest)
    assert log_loss(y_rest, p) < log_loss(y_rest, p_before) / 2
    np.testing.assert_array_equal(calibrated.predict(rest), model.predict(rest))


def test_stacking(split_iris):
    X, X_test, y, y_test = split_iris
    members = [("network", make_classifier()), ("bayes", GaussianNB())]
    stack = StackingClassifier(members, LogisticRegression(), cv=3).fit(X, y)
    by_hand = [model.fit(X, y).predict_proba(X_test) for _, model in members]
    np.testing.assert_array_equal(stack.transform(X_test), np.hstack(by_hand))
    assert stack.score(X_test, y_test) > 0.85
    # It is the network that the last estimator relies on, too.
    assert np.abs(stack.final_estimator_.coef_[:, :3]).max() > 0.5


def test_soft_voting_with_string_labels(images):
    X, X_test, y, y_test = images
    names = np.array([f"digit {i}" for i in range(10)])
    members = [(f"network {seed}", spiking(random_state=seed)) for seed in range(3)]
    vote = VotingClassifier(members, voting="soft", weights=[1, 2, 1]).fit(X, names[y])
    ps = [model.fit(X, y).predict_proba(X_test) for _, model in members]
    p = np.average(ps, axis=0, weights=[1, 2, 1])
    np.testing.assert_allclose(vote.predict_proba(X_test), p)
    np.testing.assert_array_equal(vote.predict(X_test), names[p.argmax(axis=1)])
    assert vote.score(X_test, names[y_test]) > 0.75


def test_bagging(images):
    X, X_test, y, y_test = images
    model = BaggingClassifier(
        spiking(), n_estimators=4, max_features=0.8, random_state=0
    ).fit(X, y)
    ps = []
    for member, rows, columns in zip(
        model.estimators_,
        model.estimators_samples_,
        model.estimators_features_,
        strict=True,
    ):
        by_hand = clone(member).fit(X[rows][:, columns], y[rows])
        ps.append(by_hand.predict_proba(X_test[:, columns]))
    np.testing.assert_allclose(model.predict_proba(X_test), np.mean(ps, 0), rtol=1e-5)
    assert not np.array_equal(ps[0], ps[1])
    assert model.score(X_test, y_test) > 0.75


def test_boosting(split_iris):
    """AdaBoost's second network sees what the first got wrong with more weight."""
    X, X_test, y, y_test = split_iris
    weak = make_classifier(hidden_layer_sizes=(10,), max_iter=6)
    model = AdaBoostClassifier(weak, n_estimators=3, random_state=0).fit(X, y)
    first, second, _ = model.estimators_
    is_wrong = first.predict(X) != y
    assert 0 < is_wrong.sum() < len(y) / 2
    error = is_wrong.mean()
    weights = np.where(is_wrong, 2 * (1 - error) / error, 1.0)
    by_hand = clone(second).fit(X, y, sample_weight=weights)
    np.testing.assert_allclose(second.coefs_[0], by_hand.coefs_[0], atol=1e-9)
    unweighted = clone(second).fit(X, y)
    assert np.abs(second.coefs_[0] - unweighted.coefs_[0]).max() > 1e-3
    assert model.score(X_test, y_test) > 0.8


def test_one_versus_rest(images):
    X, X_test, y, y_test = images
    model = OneVsRestClassifier(spiking()).fit(X, y)
    logits = [
        spiking().fit(X, (y == k).astype(int)).decision_function(X_test)
        for k in range(10)
    ]
    np.testing.assert_array_equal(model.decision_function(X_test).T, logits)
    np.testing.assert_array_equal(model.predict(X_test), np.argmax(logits, axis=0))
    assert model.predict_proba(X_test).shape == (300, 10)
    assert model.score(X_test, y_test) > 0.7


def test_one_versus_one(split_iris):
    X, X_test, y, y_test = split_iris
    model = OneVsOneClassifier(make_classifier()).fit(X, y)
    pairs = [(0, 1), (0, 2), (1, 2)]
    for pair, member in zip(pairs, model.estimators_, strict=True):
        rows = np.isin(y, pair)
        by_hand = make_classifier().fit(X[rows], y[rows] == pair[1])
        np.testing.assert_array_equal(
            member.decision_function(X_test), by_hand.decision_function(X_test)
        )
    assert model.score(X_test, y_test) > 0.85


def test_self_training(split_iris):
    """Labels that the network gives to unlabelled rows are what it learns from next."""
    X, X_test, y, y_test = split_iris
    partly = np.where(np.arange(len(y)) < 30, y, -1)
    model = SelfTrainingClassifier(make_classifier(max_iter=30), threshold=0.9)
    model.fit(X, partly)
    learned = model.labeled_iter_ > 0
    assert learned.sum() > 20
    assert np.mean(model.transduction_[learned] == y[learned]) > 0.85
    assert model.score(X_test, y_test) > 0.85


def as_recordings(rows, n_steps=10):
    """Return rows, a recording each, as (n_samples, n_steps, n_features)."""
    return rows.reshape(len(rows), n_steps, -1)


def test_recordings_as_rows_where_tables_are_wanted(rng):
    """What refuses a third axis takes a pipeline whose first step adds it."""
    y = np.arange(60) % 2
    X = rng.random((60, 10, 2)) < 0.1
    X[y == 1, :5, 0] |= rng.random((30, 5)) < 0.6
    network, rows = make_classifier(), X.reshape(60, -1)
    model = make_pipeline(FunctionTransformer(as_recordings), network)
    columns = ColumnTransformer([("all", "passthrough", list(range(20)))])
    bags = BaggingClassifier(network, n_estimators=2, random_state=0)
    fitted = network.fit(X, y)
    for refuse in (
        lambda: bags.fit(X, y),
        lambda: permutation_importance(fitted, X, y, n_repeats=1),
        lambda: ColumnTransformer([("all", "passthrough", [0])]).fit_transform(X),
    ):
        with pytest.raises(ValueError, match=r"(?i)dim 3|3D|2D|2-d|dimensional"):
            refuse()
    model.fit(rows, y)
    np.testing.assert_array_equal(model.predict(rows), fitted.predict(X))
    loaded = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(loaded.predict(rows), fitted.predict(X))
    found = permutation_importance(model, rows, y, n_repeats=2, random_state=0)
    assert found.importances_mean.reshape(10, 2).sum(axis=0).argmax() == 0
    bags = BaggingClassifier(model, n_estimators=2, random_state=0).fit(rows, y)
    assert bags.score(rows, y) > 0.8
    assert make_pipeline(columns, model).fit(rows, y).score(rows, y) > 0.8
