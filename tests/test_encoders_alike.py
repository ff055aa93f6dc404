"""What all encoders, and the delay line, have in common: rows, files, networks."""

import pickle

import joblib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import skops.io
from helpers import fast
from scipy import sparse
from sklearn import config_context
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils._param_validation import InvalidParameterError

from sklearn_snn import (
    ChannelTransformer,
    DelayLine,
    DeltaSpikeEncoder,
    LatencySpikeEncoder,
    PoissonSpikeEncoder,
    PopulationSpikeEncoder,
    SpikeTrains,
    inspection,
)
from sklearn_snn.exceptions import InputMismatchWarning, UnscaledInputWarning

OF_TABLES = {
    "poisson": PoissonSpikeEncoder(20, scaling="feature", random_state=0),
    "latency": LatencySpikeEncoder(20, scaling="feature"),
    "logarithmic": LatencySpikeEncoder(20, law="logarithmic", scaling="feature"),
    "population": PopulationSpikeEncoder(5, 20, random_state=0),
    "population, latency": PopulationSpikeEncoder(5, 20, code="latency"),
}
OF_RECORDINGS = {
    "delays": DelayLine(4, stride=2),
    "delta": DeltaSpikeEncoder(0.3),
    "delta, counts": DeltaSpikeEncoder(0.1, max_count=3, initial=0.0),
}
ALL = OF_TABLES | OF_RECORDINGS
NEW = [name for name in ALL if name != "poisson"]
Y = np.arange(60) % 2
each = pytest.mark.parametrize


def data_for(name):
    """Return a table or recordings of which two features tell the class."""
    rng = np.random.default_rng(0)
    if name in OF_TABLES:
        X = rng.normal(size=(60, 3))
        X[Y == 1, :2] += 3
        return X
    X = rng.normal(size=(60, 12, 3), scale=0.3)
    X[Y == 1, :, :2] += np.linspace(0, 3, 12)[:, np.newaxis]
    return X


@pytest.fixture(params=ALL)
def name(request):
    return request.param


@pytest.fixture
def fitted(name):
    return clone(ALL[name]).fit(data_for(name))


def same(a, b):
    np.testing.assert_array_equal(np.asarray(a), np.asarray(b))


def test_rows_are_the_same_alone_in_any_batch_and_in_any_order(name, fitted):
    X = data_for(name)
    whole = np.asarray(fitted.transform(X))
    assert whole.any()
    order = np.random.default_rng(1).permutation(60)
    same(fitted.transform(X[order]), whole[order])
    for rows in (slice(7, 8), slice(3, 40), slice(None, None, 7)):
        same(fitted.transform(X[rows]), whole[rows])
    same(fitted.transform(np.asfortranarray(X)), whole)
    same(fitted.transform(X.tolist()), whole)


def test_blocks_of_rows_do_not_show(monkeypatch):
    for name in OF_TABLES:
        encoder = clone(ALL[name]).fit(data_for(name))
        whole = np.asarray(encoder.transform(data_for(name)))
        for module in ("poisson", "latency", "population"):
            monkeypatch.setattr(f"sklearn_snn._encoders.{module}.ROWS", 7)
        same(encoder.transform(data_for(name)), whole)
        monkeypatch.undo()


def test_input_is_left_as_it_is(name, fitted):
    X = data_for(name)
    made = np.array(fitted.transform(X))
    same(X, data_for(name))
    again = fitted.transform(X)
    X[:] = 0
    same(again, made)


def test_files_and_copies(name, fitted, tmp_path):
    X = data_for(name)
    expected = np.asarray(fitted.transform(X))
    joblib.dump(fitted, tmp_path / "it")
    data = skops.io.dumps(fitted)
    trusted = skops.io.get_untrusted_types(data=data)
    for loaded in (
        pickle.loads(pickle.dumps(fitted)),
        joblib.load(tmp_path / "it"),
        skops.io.loads(data, trusted=trusted),
    ):
        assert repr(loaded) == repr(fitted)
        same(loaded.transform(X), expected)
    state = fitted.__getstate__()
    del state["n_features_in_"], state[next(iter(fitted.get_params()))]
    with pytest.raises(ValueError, match="damaged"):
        type(fitted)().__setstate__(state)
    assert not hasattr(clone(fitted), "n_features_in_")


@each("frame", ["default", "pandas", "polars"])
def test_no_data_frames_are_made(name, fitted, frame):
    X = data_for(name)
    expected, kind = np.asarray(fitted.transform(X)), type(fitted.transform(X))
    assert kind is (SpikeTrains if name in ("poisson", "population") else np.ndarray)
    assert fitted.set_output(transform=frame) is fitted
    with config_context(transform_output=frame):
        made = clone(ALL[name]).fit(X).transform(X)
    assert type(made) is kind
    same(made, expected)
    scaler = ChannelTransformer(StandardScaler())
    model = make_pipeline(scaler, clone(ALL[name])).set_output(transform=frame)
    assert type(model.fit_transform(X)) is kind


@each("name", ALL)
def test_names_of_what_comes_out(name, fitted):
    X = data_for(name)
    names = fitted.get_feature_names_out()
    assert len(set(names)) == len(names) == fitted.transform(X).shape[2]
    own = fitted.get_feature_names_out(["a", "b", "c"])
    assert [n.replace("x0", "a") for n in names if "x0" in n] == [
        n for n in own if n.startswith("a")
    ]
    with pytest.raises(ValueError, match="should have length equal"):
        fitted.get_feature_names_out(["a"])


def test_names_of_columns_are_kept_and_compared():
    for name in OF_TABLES:
        frame = pd.DataFrame(data_for(name), columns=["a", "b", "c"])
        encoder = clone(ALL[name]).fit(frame)
        same(encoder.transform(frame), encoder.fit(frame).transform(frame))
        assert encoder.feature_names_in_.tolist() == ["a", "b", "c"]
        with pytest.raises(ValueError, match="feature names should match"):
            encoder.transform(frame[["b", "a", "c"]])


@each("name", NEW)
def test_before_and_after_fit(name):
    new, X = clone(ALL[name]), data_for(name)
    methods = ["transform", "get_feature_names_out"]
    methods += [m for m in ("inverse_transform",) if hasattr(new, m)]
    for method in methods:
        with pytest.raises(NotFittedError):
            getattr(new, method)(*([] if "names" in method else [X]))
    fitted = clone(new).fit(X)
    first = next(iter(new.get_params()))
    fitted.set_params(**{first: "bla"})
    for method in methods[:1] + methods[2:]:
        with pytest.raises(InvalidParameterError, match=f"The '{first}' parameter"):
            getattr(fitted, method)(X)
    with config_context(skip_parameter_validation=True):
        fitted.set_params(**{first: getattr(new, first)}).transform(X)


@each("value", [np.nan, np.inf])
def test_what_is_not_finite(name, fitted, value):
    X = data_for(name)
    X[3, ..., 1] = value
    message = "NaN" if np.isnan(value) else "infinity"
    for method in (clone(fitted).fit, fitted.transform):
        with pytest.raises(ValueError, match=f"contains {message}") as caught:
            method(X)
        if name in OF_RECORDINGS and np.isnan(value):
            assert r"ChannelTransformer(SimpleImputer())" in str(caught.value)
    with pytest.raises(ValueError, match="contains"):
        fitted.transform(X.astype(np.float16))


def test_text_and_numbers_of_features(name, fitted):
    X = data_for(name)
    for method in (clone(fitted).fit, fitted.transform):
        with pytest.raises(ValueError, match="Convert your data to numeric"):
            method(X.astype(str))
    with pytest.raises(ValueError, match=r"X has 2 features, but .* expecting 3"):
        fitted.transform(X[..., :2])
    with pytest.raises(ValueError, match="Found array with"):
        fitted.fit(X[:0])


def test_a_failure_leaves_no_trace(name):
    new, X = clone(ALL[name]), data_for(name)
    X[0] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        new.fit(X)
    assert vars(new) == vars(clone(new))


@each("name", [name for name in OF_TABLES if name != "poisson"])
def test_encoders_of_tables_know_their_range(name):
    X, encoder = data_for(name), clone(ALL[name])
    encoder.fit(X)
    same(encoder.data_min_, X.min(axis=0))
    same(encoder.data_max_, X.max(axis=0))
    with pytest.warns(InputMismatchWarning, match="leaves the range"):
        spikes = encoder.transform(1e6 * np.sign(X))
    ends = np.where(X > 0, encoder.data_max_, encoder.data_min_)
    same(spikes, encoder.transform(ends))
    constant = encoder.fit(np.column_stack([X[:, 0], np.full(60, 7.0)]))
    spikes = np.asarray(constant.transform([[X[0, 0], 7.0], [X[1, 0], 9.0]]))
    n = spikes.shape[2] // 2
    assert spikes[..., :n].any()
    assert not spikes[..., n:].any()
    if hasattr(encoder, "inverse_transform"):
        assert encoder.inverse_transform(spikes)[:, 1].tolist() == [7.0, 7.0]
    encoder.set_params(scaling=None)
    with pytest.raises(ValueError, match=r"X must lie in \[0, 1\]"):
        encoder.fit(X)
    unit = (X - X.min(axis=0)) / np.ptp(X, axis=0)
    by_feature = clone(ALL[name]).fit(X)
    # The same but for rounding, which may move a spike by a step.
    apart = np.asarray(encoder.fit(unit).transform(unit)) != by_feature.transform(X)
    assert np.mean(apart) < 0.02
    encoder.set_params(scaling="global").fit(X)
    assert (encoder.data_min_, encoder.data_max_) == (X.min(), X.max())
    with pytest.raises(TypeError, match="Sparse data was passed"):
        encoder.fit(sparse.csr_array(X))


@each(
    ("name", "what"),
    [
        ("latency", "of 20 steps less than one tells"),
        ("population", "of 5 neurons less than one tells"),
    ],
)
def test_an_outlier_is_warned_of(name, what):
    X = data_for(name)
    X[5, 1] = 1e6
    with pytest.warns(UnscaledInputWarning, match=f"column 1: {what}"):
        clone(ALL[name]).set_params(scaling="global").fit(X)


def test_a_network_learns_from_it(name):
    X = data_for(name)
    network = fast(max_iter=30, alpha=0.99, readout="soft_count", engine="numpy")
    model = make_pipeline(clone(ALL[name]), network)
    assert model.fit(X, Y).score(X, Y) > 0.8


def test_search_over_a_parameter_of_a_pipeline_of_recordings():
    X = data_for("delays")
    search = GridSearchCV(
        make_pipeline(
            ChannelTransformer(StandardScaler()),
            DelayLine(5),
            fast(max_iter=2, engine="numpy"),
        ),
        {"delayline__n_delays": [1, 3], "delayline__stride": [2]},
        cv=2,
        error_score="raise",
    ).fit(X, Y)
    best = search.best_estimator_
    n = search.best_params_["delayline__n_delays"]
    assert best[-1].n_features_in_ == 3 * n
    scaled = best[0].transform(X[:4])
    same(best[-1].predict(DelayLine(n, 2).fit_transform(scaled)), best.predict(X[:4]))


@each("name", ALL)
def test_displays(name):
    """Also where there are more inputs than features, 64 of them, which is a square."""
    X = np.tile(data_for(name), 4) if name in OF_TABLES else data_for(name)
    encoder = clone(ALL[name])
    if name.startswith("population"):
        X = X[:, :8]
        encoder.set_params(n_neurons=8)
    model = make_pipeline(
        ChannelTransformer(StandardScaler()), encoder, fast(max_iter=2, engine="numpy")
    ).fit(X, Y)
    display = inspection.ContributionDisplay.from_estimator(model, X, sample=1)
    n_inputs = model[-1].n_features_in_
    assert len(display.names) == len(display.inputs) == n_inputs
    assert display.image_shape is None
    if n_inputs != X.shape[-1]:
        assert list(display.names) == encoder.get_feature_names_out().tolist()
    inspection.SpikeRasterDisplay.from_estimator(model, X, sample=1)
    inspection.MembraneDisplay.from_estimator(model, X, sample=1)
    inspection.AnytimeAccuracyDisplay.from_estimator(model, X, Y)
    if name in OF_TABLES:
        display = inspection.EncodingDisplay.from_estimator(model, X, sample=1)
        given = model[0].transform(X[1:2])
        same(display.spikes, np.asarray(encoder.transform(given))[0])
        label = display.ax_[2].get_xlabel()
        if name == "poisson":
            assert (display.decoded, label) == (None, "Spikes per step")
        else:
            told = encoder.inverse_transform(display.spikes[np.newaxis])[0]
            same(display.decoded, told)
            widths = [bar.get_width() for bar in display.ax_[2].patches]
            assert (widths, label) == (told.tolist(), "Intensity")
    else:
        with pytest.raises(
            TypeError, match=r"no encoder of tables in .*by PoissonSpikeEncoder"
        ):
            inspection.EncodingDisplay.from_estimator(model, X, sample=1)
    plt.close("all")


def test_an_image_is_decoded_to_an_image():
    X = np.random.default_rng(0).random((30, 64))
    encoder = PopulationSpikeEncoder(4, 40, random_state=0).fit(X)
    display = inspection.EncodingDisplay.from_estimator(encoder, X, sample=2)
    shown = display.ax_[2].images[0].get_array()
    np.testing.assert_array_equal(shown, display.decoded.reshape(8, 8))
    assert np.corrcoef(display.decoded, X[2])[0, 1] > 0.8
    assert display.ax_[1].get_ylabel() == "Neuron"
    plt.close("all")
