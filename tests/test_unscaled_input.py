"""Scales at which values tell nothing are told of when an estimator is fitted."""

import warnings

import numpy as np
import pandas as pd
import pytest
from helpers import fast, make_encoder
from scipy import sparse
from sequences import of_values, padded
from sklearn.datasets import (
    load_digits,
    load_wine,
)
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from warned import found, model, one

from sklearn_snn import DeltaSpikeEncoder
from sklearn_snn._inputs.unscaled import warn_of_spread
from sklearn_snn.exceptions import UnscaledInputWarning


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_an_outlier_that_silences_all_else(kind, sign, rng):
    X = sign * rng.random((50, 4))
    fit = make_encoder().fit
    assert not found(fit, kind(X), category=UnscaledInputWarning)
    X[7, 2] = sign * 1e6
    message = one(fit, kind(X), category=UnscaledInputWarning)
    assert f"{'lower' if sign > 0 else 'upper'} end" in message
    assert "most extreme in column 2: in 10 steps" in message
    assert not found(
        make_encoder(scaling="feature").fit, kind(X), category=UnscaledInputWarning
    )


def test_few_steps_are_no_outlier(rng):
    for params in ({"n_steps": 1}, {"max_rate": 1e-4}):
        fit = make_encoder(**params).fit
        assert not found(fit, rng.random((50, 1)), category=UnscaledInputWarning)
        sparse_rows = rng.random((50, 30)) < 0.01
        assert not found(fit, sparse_rows, category=UnscaledInputWarning)


def test_features_in_other_units(rng):
    X, y = rng.random((40, 6, 3)), np.arange(40) % 2
    classifier, category = fast(engine="numpy"), UnscaledInputWarning
    for units, is_warned in (([1, 30, 1], False), ([1, 100, 1], True)):
        for data in (X, X[:, 0], sparse.csr_array(X[:, 0])):
            n = len(found(classifier.fit, data * np.array(units), y, category=category))
            assert n == is_warned
    X = X * [1, 1, 1e4]
    message = one(classifier.fit, X, y, category=category)
    assert message.startswith("Channel 2 outweighs others: ")
    assert "ChannelTransformer(StandardScaler())" in message
    table = pd.DataFrame(X[:, 0], columns=["a", "b", "pressure"])
    message = one(classifier.fit, table, y, category=category)
    assert message.startswith("Column 2 ('pressure') outweighs others: ")
    assert "scaling='feature'" in one(make_encoder().fit, table, category=category)
    fit = make_encoder(scaling="feature").fit
    assert not found(fit, table, category=category)


def test_a_small_feature_beside_large_ones(rng):
    X, y = rng.random((60, 4)), np.arange(60) % 2
    message = one(model, X * [1000, 1, 500, 800], y, category=UnscaledInputWarning)
    assert message.startswith("Column 0, column 3, column 2 outweigh others: ")
    assert "as in column 1, which" in message
    wine, y = load_wine(return_X_y=True)
    message = one(model, wine, y, category=UnscaledInputWarning)
    assert message.startswith("Column 12, column 4 outweigh")
    scaled = StandardScaler().fit_transform(wine)
    assert not found(model, scaled, y, category=UnscaledInputWarning)


def test_huge_numbers_are_all_alike(rng):
    X = rng.choice([-1e308, 0.0, 1e308], (60, 3))
    X[:, 2] /= 2
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        warn_of_spread(X, str, "")


def test_pixels_and_words_are_not_other_units(rng):
    def warned(X):
        return found(warn_of_spread, X, str, "", category=UnscaledInputWarning)

    images = load_digits().data
    for X in (
        images,
        images / 16,
        images.astype(np.uint8),
        MinMaxScaler().fit_transform(images),
    ):
        assert not warned(X)
    edge = rng.poisson(0.3, (200, 3))
    assert not warned(np.hstack([edge, rng.integers(0, 256, (200, 60))]))
    words = rng.poisson(100 / np.arange(1, 1001), (500, 1000))
    assert not warned(words)
    assert not warned(sparse.csr_array(words))
    tfidf = TfidfTransformer().fit_transform(words)
    assert not warned(sparse.csr_array(tfidf))


def test_rare_categories_and_outliers_are_not_other_units(rng):
    X, y = rng.normal(size=(400, 3)), np.arange(400) % 2
    categories = np.eye(100)[rng.integers(0, 100, 400)]
    X[5, 1] = 1e6
    X = np.hstack([X, categories, 1e-17 * rng.random((400, 1)) + 0.1])
    assert not found(model, X, y, category=UnscaledInputWarning)


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array, np.float32])
@pytest.mark.parametrize("is_sequential", [False, True])
def test_outliers_are_not_scaled_as_other_units_are(kind, is_sequential, rng):
    """What StandardScaler has scaled it is not to scale again."""
    X, y = rng.normal(size=(400, 10)), np.arange(400) % 2
    X[1, 4] = 1e4
    X = StandardScaler().fit_transform(X)
    word, scaler = "column", "with QuantileTransformer()."
    if is_sequential:
        X = X.reshape(200, 2, 10)
        X, y = ([*X] if kind is sparse.csr_array else kind(X)), y[:200]
        word, scaler = "channel", "with ChannelTransformer(QuantileTransformer())."
    else:
        X = kind(X)
    message = one(model, X, y, category=UnscaledInputWarning)
    assert f"as in {word} 4, which hardly counts, though" in message
    assert f"a few values of {word} 4 are far from all others" in message
    assert message.endswith(scaler)
    assert "StandardScaler" not in message


def test_a_unit_with_no_outlier_is_a_unit(rng):
    """Where the standard deviations differ less than the spreads, too."""
    X = np.column_stack([rng.uniform(-85, 85, 400), rng.normal(size=400)])
    message = one(model, X, np.arange(400) % 2, category=UnscaledInputWarning)
    assert message.startswith("Column 0 outweighs others: ")


def as_padded(arrays):
    return padded(arrays, np.nan, float)


@pytest.mark.parametrize("kind", [list, as_padded, of_values])
@pytest.mark.parametrize("initial", [None, 0.25])
def test_a_threshold_that_nothing_reaches_is_warned_of(kind, initial):
    faint = [np.full((n, 3), 0.25) for n in (1, 7, 9)]
    faint[1][3, 1] -= 0.25
    encoder = DeltaSpikeEncoder(initial=initial)
    match = (
        rf"threshold=0.5, initial={initial}, .* is 0.25. A lower threshold helps, or "
        r"ChannelTransformer\(StandardScaler\(\)\)"
    )
    with pytest.warns(UnscaledInputWarning, match=match) as caught:
        encoder.fit(kind(faint))
    assert [w.filename for w in caught] == [__file__]
    assert not any(x.any() for x in encoder.transform(kind(faint)))
    with pytest.warns(UnscaledInputWarning, match="is 0.25. A lower"):
        encoder.fit(np.stack([faint[1]] * 2))
    faint[1][3, 1] -= 0.25  # there and back, and no warning
    assert sum(x.sum() for x in encoder.fit_transform(kind(faint))) == 2


def test_silence_that_is_not_of_the_scale():
    """Nothing is advised where nothing changes; nor said of single steps."""
    with pytest.warns(UnscaledInputWarning, match=r"begins is 0\.$"):
        DeltaSpikeEncoder().fit(np.ones((3, 4, 2)))
    for initial in (None, 0.0):
        DeltaSpikeEncoder(initial=initial).fit(np.full((3, 1, 2), 0.1))


def test_a_spike_by_rounding_is_one():
    """Of the float32 recording alone, in the type that it would have alone."""
    given = [np.array([[7e4], [7e4 + 0.093]], np.float32), np.zeros((3, 1))]
    encoder = DeltaSpikeEncoder(0.1)
    assert np.ptp(given[0].astype(float)) < 0.1
    assert sum(x.sum() for x in encoder.fit_transform(given)) == 1
