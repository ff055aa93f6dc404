"""Estimators and inputs of all kinds, taken apart as scikit-learn does at predict."""

import warnings

import numpy as np
import pandas as pd
import polars as pl
import pytest
from drawings import drawn_spikes
from helpers import fast, make_encoder
from imblearn.over_sampling import SMOTE
from imblearn.pipeline import make_pipeline as make_imbalanced
from imblearn.under_sampling import RandomUnderSampler
from scipy import sparse
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import make_column_transformer
from sklearn.ensemble import BaggingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import RFE
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    TunedThresholdClassifierCV,
)
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler

from sklearn_snn import SpikeTrains
from sklearn_snn.inspection import (
    AnytimeAccuracyDisplay,
    ContributionDisplay,
    EncodingDisplay,
    MembraneDisplay,
    SpikeRasterDisplay,
    TrainingDisplay,
    WeightDisplay,
)

ANSWER = (SpikeRasterDisplay, MembraneDisplay, ContributionDisplay)


def quick(**params):
    return fast(max_iter=1, **params)


def skip(*steps):
    """Return a pipeline with steps that do nothing at predict."""
    named = [(f"step{i}", step) for i, step in enumerate(steps)]
    return Pipeline([("none", None), *named[:-1], ("pass", "passthrough"), named[-1]])


def under():
    return RandomUnderSampler(random_state=0)


# With an encoder, where there is one: that of the search around it is in its grid.
PIPELINES = {
    "sampler before the network": lambda: make_imbalanced(
        MinMaxScaler(), under(), quick()
    ),
    "SMOTE before the network": lambda: make_imbalanced(
        MinMaxScaler(), SMOTE(random_state=0), quick()
    ),
    "sampler before the encoder": lambda: make_imbalanced(
        MinMaxScaler(), under(), make_encoder(), quick()
    ),
    "passthrough": lambda: skip(MinMaxScaler(), make_encoder(), quick()),
    "imbalanced passthrough": lambda: make_imbalanced(
        "passthrough", MinMaxScaler(), make_encoder(), None, quick()
    ),
    "nested first": lambda: make_pipeline(
        make_pipeline(MinMaxScaler(), "passthrough", make_encoder()), quick()
    ),
    "nested last": lambda: make_imbalanced(
        MinMaxScaler(), make_imbalanced(under(), make_encoder(), quick())
    ),
    "function": lambda: make_pipeline(
        MinMaxScaler(), FunctionTransformer(), make_encoder(), quick()
    ),
    "search inside": lambda: make_pipeline(
        MinMaxScaler(), GridSearchCV(make_pipeline(make_encoder(), quick()), {}, cv=2)
    ),
    "search around": lambda: GridSearchCV(
        make_imbalanced(MinMaxScaler(), under(), make_encoder(), quick()), {}, cv=2
    ),
}


@pytest.fixture(scope="module")
def table():
    """Two unbalanced classes that overlap, as float64 of shape (45, 4)."""
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1], [30, 15])
    return rng.normal(size=(45, 4)) + y[:, np.newaxis], y


def answer_of(model, X, sample):
    """Return what is said of a sample, from predict_proba; a tie is told of behind."""
    p = model.predict_proba(X)[sample]
    return f"nswer: {model.classes_[p.argmax()]} (p = {p.max():.2f}"


def title_of(display):
    return display.title.replace("\N{NO-BREAK SPACE}", " ")


@pytest.mark.parametrize("name", PIPELINES)
def test_steps_are_taken_as_at_predict(name, table):
    X, y = table
    model, sample = PIPELINES[name]().fit(X, y), 31
    answer = answer_of(model, X, sample)
    for display in ANSWER:
        shown = display.from_estimator(model, X, sample=sample, y=y)
        assert title_of(shown).startswith(f"True: 1, a{answer}")
    scaled = MinMaxScaler().fit_transform(X)[sample]
    raster = SpikeRasterDisplay.from_estimator(model, X, sample=sample)
    np.testing.assert_allclose(raster.inputs, scaled, atol=1e-12)
    if name.endswith("network"):
        with pytest.raises(TypeError, match="There is no encoder of tables in"):
            EncodingDisplay.from_estimator(model, X)
    else:
        shown = EncodingDisplay.from_estimator(model, X, sample=sample)
        np.testing.assert_allclose(shown.intensities, scaled, atol=1e-12)
        assert shown.spikes.shape == (10, 4)
        assert title_of(shown).startswith(f"A{answer}")
    accuracy = AnytimeAccuracyDisplay.from_estimator(model, X, y).accuracy
    assert accuracy[-1] == pytest.approx(model.score(X, y))
    TrainingDisplay.from_estimator(model)
    WeightDisplay.from_estimator(model)


DRAW = (
    *(display.from_estimator for display in (*ANSWER, EncodingDisplay)),
    lambda model, X: AnytimeAccuracyDisplay.from_estimator(model, X, np.zeros(len(X))),
    lambda model, X: TrainingDisplay.from_estimator(model),
    lambda model, X: WeightDisplay.from_estimator(model),
)


@pytest.mark.parametrize("draw", DRAW)
def test_what_is_not_fitted(draw, table):
    X, _ = table
    pipeline = make_pipeline(MinMaxScaler(), make_encoder(), quick())
    nested = make_imbalanced(MinMaxScaler(), make_pipeline(make_encoder(), quick()))
    searches = GridSearchCV(pipeline, {}), make_pipeline(GridSearchCV(pipeline, {}))
    for estimator in (pipeline, nested, quick(), make_encoder(), *searches):
        with warnings.catch_warnings():
            # That a pipeline may not be used unfitted is what scikit-learn warns of.
            warnings.simplefilter("ignore", FutureWarning)
            with pytest.raises(NotFittedError):
                draw(estimator, X)


@pytest.mark.parametrize("display", ANSWER)
def test_other_estimators(display, table):
    X, y = table
    linear = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y)
    encoder = Pipeline([("encoder", make_encoder()), ("none", "passthrough")]).fit(X)
    for model in (linear, linear[-1], encoder):
        with pytest.raises(TypeError, match="There is no SpikingClassifier at the end"):
            display.from_estimator(model, X)
    assert EncodingDisplay.from_estimator(encoder, X).spikes.shape == (10, 4)
    search = GridSearchCV(quick(), {}, cv=2, refit=False).fit(X, y)
    with pytest.raises(AttributeError, match="refit=True"):
        display.from_estimator(search, X)


@pytest.mark.parametrize("display", ANSWER)
def test_tuned_thresholds(display, table):
    """As in the example of rare classes; the answer is that of the network."""
    X, y = table
    network = make_pipeline(MinMaxScaler(), quick())
    tuned = TunedThresholdClassifierCV(network, cv=2).fit(X, y)
    expected = display.from_estimator(tuned.estimator_, X, sample=4, y=y)
    search = GridSearchCV(tuned, {}, cv=2).fit(X, y)
    inside = make_pipeline("passthrough", FixedThresholdClassifier(network)).fit(X, y)
    for model in (tuned, search, inside):
        shown = display.from_estimator(model, X, sample=4, y=y)
        assert_same_display(shown, expected)


@pytest.mark.parametrize("display", ANSWER)
def test_networks_that_cannot_be_shown(display, table):
    """Said before rows of anything else than numbers are converted."""
    X, y = table
    frame = pd.DataFrame(X).assign(colour="red").rename(columns=str)
    numbers = make_column_transformer((StandardScaler(), [*"0123"]))
    network = make_pipeline(numbers, quick())
    for model in (
        CalibratedClassifierCV(network, cv=2),
        BaggingClassifier(quick(), n_estimators=2),
        RFE(LogisticRegression()),
    ):
        takes_text = isinstance(model, CalibratedClassifierCV)
        model.fit(frame if takes_text else X, y)
        with pytest.raises(TypeError, match="There is no SpikingClassifier at the end"):
            display.from_estimator(model, frame)


@pytest.mark.parametrize("display", ANSWER)
@pytest.mark.parametrize("sample", [4, -1])
def test_kinds_of_rows(display, sample, table):
    """All show what the array shows."""
    X, y = table
    model = make_pipeline(FunctionTransformer(), quick()).fit(X, y)
    expected = display.from_estimator(model, X, sample=sample)
    kinds = [X.tolist(), list(X), np.asfortranarray(X), X[[sample]]]
    kinds += [
        make(X) for make in (sparse.csr_array, sparse.csc_matrix, sparse.coo_array)
    ]
    for kind in kinds:
        at = 0 if np.shape(kind)[0] == 1 else sample
        assert_same_display(display.from_estimator(model, kind, sample=at), expected)
    for make in (pd.DataFrame, pl.DataFrame):
        frame = make(dict(zip("abcd", X.T, strict=True)))
        named = make_pipeline(StandardScaler(), quick()).fit(frame, y)
        plain = make_pipeline(StandardScaler(), quick()).fit(X, y)
        shown = display.from_estimator(named, frame, sample=sample)
        expected_named = display.from_estimator(plain, X, sample=sample)
        assert shown.title == expected_named.title
        if display is SpikeRasterDisplay:
            assert shown.input_names[1] == f"b = {X[sample, 1]:.4g}"
            np.testing.assert_allclose(shown.inputs, expected_named.inputs)


def assert_same_display(shown, expected):
    """Check that all data are equal, but for the rounding of sums."""
    for key, value in vars(expected).items():
        if isinstance(value, (float, np.ndarray)) and np.asarray(value).dtype == float:
            np.testing.assert_allclose(getattr(shown, key), value, rtol=1e-9)
        elif not key.endswith("_"):
            np.testing.assert_equal(getattr(shown, key), value, err_msg=key)


@pytest.mark.parametrize("display", ANSWER)
def test_kinds_of_recordings(display, rng):
    X = (rng.random((12, 8, 3)) < 0.4).astype(np.uint8)
    model = quick().fit(X, np.arange(12) % 2)
    expected = display.from_estimator(model, X, sample=5)
    for kind in (list(X), X.tolist(), X.astype(bool), X.astype(np.int16), X[[5]]):
        at = 0 if len(kind) == 1 else 5
        shown = display.from_estimator(model, kind, sample=at)
        assert shown.title == expected.title
    trains = SpikeTrains(rng.random((12, 3)), 8, seed=1)
    shown = display.from_estimator(model, trains, sample=5)
    same = display.from_estimator(model, np.asarray(trains), sample=5)
    assert_same_display(shown, same)


def test_long_recordings(rng):
    """A step is a thinner mark, and every spike is drawn where it is."""
    X = (rng.random((4, 1200, 3)) < 0.05).astype(np.uint8)
    model = quick(alpha=0.99).fit(X, np.arange(4) % 2)
    shown = SpikeRasterDisplay.from_estimator(model, X, sample=1)
    np.testing.assert_array_equal(drawn_spikes(shown.ax_[-1]), X[1])
    (marks,) = shown.ax_[-1].collections
    assert marks.get_linewidth()[0] < 0.5
    for display in (MembraneDisplay, ContributionDisplay):
        display.from_estimator(model, X, sample=1).figure_.canvas.draw()
