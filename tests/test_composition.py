"""Everything of scikit-learn that is built of estimators takes ours as parts."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.experimental import enable_halving_search_cv  # noqa: F401
from sklearn.frozen import FrozenEstimator
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, log_loss
from sklearn.model_selection import (
    GridSearchCV,
    HalvingRandomSearchCV,
    StratifiedKFold,
    TunedThresholdClassifierCV,
    cross_val_predict,
    cross_val_score,
    learning_curve,
    train_test_split,
    validation_curve,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    KBinsDiscretizer,
    MinMaxScaler,
    QuantileTransformer,
    StandardScaler,
)
from sklearn.semi_supervised import SelfTrainingClassifier

from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier


def make_encoder(**params):
    return PoissonSpikeEncoder(**{"n_steps": 10, "random_state": 0, **params})


def make_classifier(**params):
    """Return a classifier that learns a few hundred rows within a second."""
    defaults = {
        "hidden_layer_sizes": (30,),
        "n_steps": 10,
        "learning_rate_init": 0.01,
        "batch_size": 32,
        "max_iter": 10,
        "random_state": 0,
    }
    return SpikingClassifier(**{**defaults, **params})


def spiking(**params):
    """Return a pipeline for intensities."""
    return make_pipeline(make_encoder(), make_classifier(**params))


def tabular(**params):
    """Return a pipeline for the columns of a table."""
    return make_pipeline(StandardScaler(), make_classifier(**params))


def fit_without(model, X, y, rows):
    """Return a clone of `model` that was fitted to all rows but the given ones."""
    rest = np.setdiff1d(np.arange(len(y)), rows)
    return clone(model).fit(X[rest], y[rest])


@pytest.fixture(scope="module")
def images(digits):
    """Return 300 digits for training and 300 others."""
    X_train, X_test, y_train, y_test = digits
    return X_train[:300], X_test[:300], y_train[:300], y_test[:300]


@pytest.fixture(scope="module")
def iris():
    """Return the scaled iris in random order, as (X_train, X_test, y_train, y_test)."""
    X, y = load_iris(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    return train_test_split(X, y, stratify=y, random_state=0)


@pytest.fixture(scope="module")
def cancer():
    """Return the breast cancer data as (X_train, X_test, y_train, y_test)."""
    X, y = load_breast_cancer(return_X_y=True)
    return train_test_split(X, y, stratify=y, random_state=0)


def test_nested_pipelines(images):
    X, X_test, y, y_test = images
    model = Pipeline(
        [
            ("before", make_pipeline(MinMaxScaler(), make_encoder())),
            ("network", Pipeline([("spiking", make_classifier())])),
        ]
    )
    model.set_params(
        before__poissonspikeencoder__n_steps=15, network__spiking__alpha=0.9
    )
    model.fit(X, y)
    scaler = MinMaxScaler().fit(X)
    encoder = make_encoder(n_steps=15).fit(scaler.transform(X))
    by_hand = make_classifier(alpha=0.9)
    by_hand.fit(encoder.transform(scaler.transform(X)), y)
    np.testing.assert_array_equal(
        model.predict_proba(X_test),
        by_hand.predict_proba(encoder.transform(scaler.transform(X_test))),
    )
    assert model.score(X_test, y_test) > 0.7


def test_column_transformer(cancer):
    X, X_test, y, y_test = cancer
    ranks = QuantileTransformer(n_quantiles=50)
    columns = ColumnTransformer(
        [("scaled", MinMaxScaler(), slice(10, 30)), ("ranked", ranks, slice(0, 10))]
    )
    model = make_pipeline(columns, make_encoder(scaling="feature"), make_classifier())
    model.fit(X, y)
    parts = MinMaxScaler().fit_transform(X[:, 10:]), ranks.fit_transform(X[:, :10])
    encoder = make_encoder(scaling="feature")
    by_hand = make_classifier().fit(encoder.fit_transform(np.hstack(parts)), y)
    for a, b in zip(model[-1].coefs_, by_hand.coefs_, strict=True):
        np.testing.assert_array_equal(a, b)
    assert model.score(X_test, y_test) > 0.9


def test_column_transformer_with_sparse_output(cancer):
    """One-hot columns are the same whether they are sparse or dense."""
    X, X_test, y, y_test = cancer
    scores, weights = [], []
    for threshold in (0.0, 1.0):
        bins = KBinsDiscretizer(5, quantile_method="averaged_inverted_cdf")
        columns = ColumnTransformer(
            [("bins", bins, slice(0, 15))], sparse_threshold=threshold
        )
        encoder = make_encoder(scaling="feature")
        model = make_pipeline(columns, encoder, make_classifier()).fit(X, y)
        assert sparse.issparse(model[0].transform(X)) == (threshold == 1.0)
        scores.append(model.score(X_test, y_test))
        weights.append(model[-1].coefs_[0])
    np.testing.assert_array_equal(*weights)
    assert scores[0] == scores[1] > 0.85


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
    model = tabular(max_iter=20).fit(X, y)
    model.set_params(spikingclassifier__logit_scale=20.0)
    calibrated = CalibratedClassifierCV(FrozenEstimator(model), method="temperature")
    calibrated.fit(X_test[:150], y_test[:150])
    rest, y_rest = X_test[150:], y_test[150:]
    p, p_before = calibrated.predict_proba(rest), model.predict_proba(rest)
    assert log_loss(y_rest, p) < log_loss(y_rest, p_before) / 2
    np.testing.assert_array_equal(calibrated.predict(rest), model.predict(rest))


def test_stacking(iris):
    X, X_test, y, y_test = iris
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


def test_boosting(iris):
    """AdaBoost's second network sees what the first got wrong with more weight."""
    X, X_test, y, y_test = iris
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


def test_one_versus_one(iris):
    X, X_test, y, y_test = iris
    model = OneVsOneClassifier(make_classifier()).fit(X, y)
    pairs = [(0, 1), (0, 2), (1, 2)]
    for pair, member in zip(pairs, model.estimators_, strict=True):
        rows = np.isin(y, pair)
        by_hand = make_classifier().fit(X[rows], y[rows] == pair[1])
        np.testing.assert_array_equal(
            member.decision_function(X_test), by_hand.decision_function(X_test)
        )
    assert model.score(X_test, y_test) > 0.85


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


def test_permutation_importance(images, iris):
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

    X, X_test, y, y_test = iris
    model = make_classifier(max_iter=20).fit(X, y)
    result = permutation_importance(model, X_test, y_test, random_state=0)
    assert set(result.importances_mean.argsort()[-2:]) == {2, 3}  # the petals'


def test_pipeline_with_memory(images, tmp_path, monkeypatch):
    """The encoder is fitted anew only where something before it has changed."""
    X, X_test, y, _ = images
    fits = []
    fit = PoissonSpikeEncoder.fit
    monkeypatch.setattr(
        PoissonSpikeEncoder, "fit", lambda *args: fits.append(1) or fit(*args)
    )
    steps = [("encoder", make_encoder()), ("network", make_classifier())]
    model = Pipeline(steps, memory=str(tmp_path)).fit(X, y)
    expected = Pipeline(steps).fit(X, y).predict_proba(X_test)
    np.testing.assert_array_equal(model.predict_proba(X_test), expected)
    fits.clear()
    again = clone(model).fit(X, y)
    np.testing.assert_array_equal(again.predict_proba(X_test), expected)
    another = clone(model).set_params(network__alpha=0.9).fit(X, y)
    assert not np.array_equal(another.predict_proba(X_test), expected)
    assert fits == []
    clone(model).set_params(encoder__n_steps=5).fit(X, y)
    assert fits == [1]
    clone(model).fit(X[::-1], y[::-1])
    assert fits == [1, 1]


@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
@pytest.mark.parametrize("make", [make_encoder, make_classifier])
def test_data_frames(make, library, iris):
    """A column has a name, by which it must stand where it stood."""
    X, _, y, _ = iris
    names = ["sepal length", "sepal width", "petal length", "petal width"]
    frame = library.DataFrame(dict(zip(names, X.T, strict=True)))
    estimator, by_hand = make().fit(frame, y), make().fit(X, y)
    np.testing.assert_array_equal(estimator.feature_names_in_, names)
    assert not hasattr(by_hand, "feature_names_in_")
    if make is make_encoder:
        ours, theirs = estimator.transform, by_hand.transform
    else:
        ours, theirs = estimator.predict_proba, by_hand.predict_proba
    np.testing.assert_array_equal(ours(frame), theirs(X))
    with pytest.raises(ValueError, match="feature names should match"):
        ours(frame[names[::-1]])
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        ours(X)


@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
def test_data_frames_through_pipelines(library, iris):
    X, X_test, y, y_test = iris
    names = list("abcd")
    train, test = (library.DataFrame(dict(zip(names, A.T))) for A in (X, X_test))  # noqa: B905
    labels = library.Series(np.array(["x", "y", "z"])[y])
    columns = ColumnTransformer(
        [("ranked", QuantileTransformer(n_quantiles=20), ["d", "c"])],
        remainder="passthrough",
        verbose_feature_names_out=False,
    )
    columns.set_output(transform=library.__name__)
    model = make_pipeline(
        columns, make_encoder(scaling="feature"), make_classifier(max_iter=30)
    )
    model.fit(train, labels)
    np.testing.assert_array_equal(model[1].feature_names_in_, list("dcab"))
    np.testing.assert_array_equal(model.classes_, ["x", "y", "z"])
    assert model.score(test, np.array(["x", "y", "z"])[y_test]) > 0.7


def test_transformers_that_return_data_frames(cancer):
    X, X_test, y, y_test = cancer
    steps = StandardScaler(), make_encoder(scaling="feature"), make_classifier()
    expected = make_pipeline(*steps).fit(X, y).predict_proba(X_test)
    with config_context(transform_output="pandas"):
        model = make_pipeline(*steps).fit(X, y)
        assert isinstance(model[0].transform(X), pd.DataFrame)
        np.testing.assert_array_equal(model.predict_proba(X_test), expected)
        names = [f"x{i}" for i in range(30)]
        np.testing.assert_array_equal(model[1].feature_names_in_, names)
        assert not hasattr(model[2], "feature_names_in_")
        # The classifier alone gets the names itself.
        model = tabular().fit(X, y)
        np.testing.assert_array_equal(model[1].feature_names_in_, names)
        assert model.score(X_test, y_test) > 0.9


def test_self_training(iris):
    """Labels that the network gives to unlabelled rows are what it learns from next."""
    X, X_test, y, y_test = iris
    partly = np.where(np.arange(len(y)) < 30, y, -1)
    model = SelfTrainingClassifier(make_classifier(max_iter=30), threshold=0.9)
    model.fit(X, partly)
    learned = model.labeled_iter_ > 0
    assert learned.sum() > 20
    assert np.mean(model.transduction_[learned] == y[learned]) > 0.85
    assert model.score(X_test, y_test) > 0.85
