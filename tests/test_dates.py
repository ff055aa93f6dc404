"""Dates, times and text are refused wherever numbers belong, and it is said."""

import numpy as np
import pandas as pd
import pytest
from helpers import fast, regressor
from sklearn.preprocessing import StandardScaler

from sklearn_snn import (
    ChannelTransformer,
    DelayLine,
    DeltaSpikeEncoder,
    LatencySpikeEncoder,
    PoissonSpikeEncoder,
    PopulationSpikeEncoder,
)

pytestmark = pytest.mark.usefixtures("engine")

DAYS = np.datetime64("2024-01-01") + np.arange(12)
TABLE = np.random.default_rng(0).random((12, 2))
Y = np.arange(12) % 2
ENCODERS = PoissonSpikeEncoder, LatencySpikeEncoder, PopulationSpikeEncoder
# Each becomes the only, or the last, feature.
COLUMNS = {
    "datetime64": DAYS,
    "timedelta64": DAYS - DAYS[0],
    "objects": DAYS.astype(object),
    "time zone": pd.Series(DAYS).dt.tz_localize("UTC"),
    "periods": pd.Series(DAYS).dt.to_period("D"),
}
each_kind = pytest.mark.parametrize("kind", COLUMNS)
X_IS_OF_DATES = "X has dates or times, which are no numbers: make columns"
Y_IS_OF_DATES = "y has dates or times, which are no numbers: predict a number"


@each_kind
def test_a_column_of_a_table(kind):
    X = pd.DataFrame(TABLE, columns=["a", "b"])
    bad = X.assign(b=COLUMNS[kind])
    for estimator in (fast(), regressor(), *(encoder() for encoder in ENCODERS)):
        with pytest.raises(ValueError, match=X_IS_OF_DATES):
            estimator.fit(bad, Y)
        estimator.fit(X, Y)
        answer = getattr(estimator, "predict", None) or estimator.transform
        with pytest.raises(ValueError, match=X_IS_OF_DATES):
            answer(bad)


@pytest.mark.parametrize("listed", [False, True])
@pytest.mark.parametrize("kind", ["datetime64", "timedelta64", "objects"])
def test_recordings(kind, listed):
    bad = np.asarray(COLUMNS[kind]).reshape(6, 2, 1)
    good = np.zeros((6, 2, 1)) + np.arange(6)[:, np.newaxis, np.newaxis]
    if listed:
        bad = [[[*step] for step in sample] for sample in bad]
    transformers = (
        ChannelTransformer(StandardScaler()),
        DelayLine(),
        DeltaSpikeEncoder(initial=0.0),
    )
    for estimator in (fast(), regressor(), *transformers):
        with pytest.raises(ValueError, match=X_IS_OF_DATES):
            estimator.fit(bad, Y[:6])
        estimator.fit(good, Y[:6])
        answer = getattr(estimator, "predict", None) or estimator.transform
        with pytest.raises(ValueError, match=X_IS_OF_DATES):
            answer(bad)


def test_recordings_of_text():
    with pytest.raises(ValueError, match=r"Convert your data to numeric"):
        fast().fit(np.ones((6, 2, 1)).astype(str), Y[:6])


@pytest.mark.parametrize("as_column", [False, True])
@each_kind
def test_y_of_a_regressor(kind, as_column):
    y = pd.Series(COLUMNS[kind])
    others = [list(y)] if kind != "periods" else []
    for bad in (y.to_frame() if as_column else y, y.to_numpy(), *others):
        assert_no_y(bad, Y_IS_OF_DATES)


@pytest.mark.parametrize("make", [np.array, list, pd.Series, pd.DataFrame])
@pytest.mark.parametrize("dtype", [str, bytes, object])
def test_text_as_y_of_a_regressor(make, dtype):
    text = np.arange(12).astype(str).astype(dtype)
    assert_no_y(make(text), "Convert y to numeric values explicitly")


def assert_no_y(y, match):
    fitted = regressor().fit(TABLE, Y)
    for method in (
        regressor().fit,
        regressor().partial_fit,
        fitted.partial_fit,
        fitted.loss_and_gradients,
        fitted.score,
    ):
        with pytest.raises(ValueError, match=match):
            method(TABLE, y)


def test_labels_may_be_dates():
    """They are names of classes, and no numbers."""
    labels = DAYS[Y]
    model = fast().fit(TABLE, labels)
    assert model.classes_.dtype == DAYS.dtype
    assert set(model.predict(TABLE)) <= set(labels)


def test_numbers_that_are_objects_stay_accepted():
    X = pd.DataFrame(TABLE).astype(object)
    regressor().fit(X, pd.Series(Y).astype(object))
    fast().fit(X.to_numpy(), Y)
