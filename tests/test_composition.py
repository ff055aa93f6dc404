"""Pipelines, columns of tables and data frames take our estimators as parts."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from helpers import make_classifier, make_encoder, tabular
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    KBinsDiscretizer,
    MinMaxScaler,
    QuantileTransformer,
    StandardScaler,
)

from sklearn_snn import PoissonSpikeEncoder

# Pipelines and columns


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


# Data frames


@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
@pytest.mark.parametrize("make", [make_encoder, make_classifier])
def test_data_frames(make, library, split_iris):
    """A column has a name, by which it must stand where it stood."""
    X, _, y, _ = split_iris
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
def test_data_frames_through_pipelines(library, split_iris):
    X, X_test, y, y_test = split_iris
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
