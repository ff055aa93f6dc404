"""ChannelTransformer: a transformer of tables, applied to the channels of sequences."""

import pickle
import tracemalloc

import numpy as np
import pandas as pd
import pytest
import skops.io
from helpers import fast
from scipy import sparse
from sklearn.base import BaseEstimator, clone
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import NotFittedError
from sklearn.feature_selection import SelectKBest
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    OneHotEncoder,
    StandardScaler,
)

from sklearn_snn import (
    ChannelTransformer,
    EventSequences,
    PoissonSpikeEncoder,
    Sequences,
    SpikeTrains,
    SpikingClassifier,
    SpikingRegressor,
    as_sequences,
)

Y = np.arange(40) % 2


@pytest.fixture
def X(rng):
    """Return channels in different units; the small one tells the class."""
    X = rng.normal(size=(40, 12, 2)) * [1.0, 1e4] + [5, 0]
    X[Y == 1, :6, 0] += 2
    return X


def test_every_channel_is_scaled_over_samples_and_steps(X):
    scaler = ChannelTransformer(StandardScaler())
    Z = scaler.fit_transform(X)
    np.testing.assert_allclose(
        Z, (X - X.mean(axis=(0, 1))) / X.std(axis=(0, 1)), rtol=1e-10, atol=1e-10
    )
    np.testing.assert_allclose(scaler.inverse_transform(Z), X, rtol=1e-10)
    np.testing.assert_array_equal(scaler.transform(X[3:4, :5]), Z[3:4, :5])
    np.testing.assert_array_equal(scaler.transform(X[3]), Z[3])  # one recording alone


def test_a_network_learns_what_the_largest_channel_hid(X):
    model = make_pipeline(
        ChannelTransformer(StandardScaler()), fast(max_iter=30, engine="numpy")
    )
    assert model.fit(X, Y).score(X, Y) > 0.95


def test_a_table_is_handed_on_as_it_is(X):
    table = pd.DataFrame(X[:, 0], columns=["a", "b"])
    scaler = ChannelTransformer(StandardScaler()).fit(table)
    expected = StandardScaler().fit(table)
    np.testing.assert_array_equal(scaler.transform(table), expected.transform(table))
    assert scaler.feature_names_in_.tolist() == ["a", "b"]
    assert scaler.transformer_.feature_names_in_.tolist() == ["a", "b"]
    assert scaler.get_feature_names_out().tolist() == ["a", "b"]


def test_the_number_of_channels_may_change(X):
    pca = ChannelTransformer(PCA(1)).fit(X)
    assert pca.transform(X).shape == (40, 12, 1)
    assert pca.inverse_transform(pca.transform(X)).shape == X.shape
    assert pca.get_feature_names_out().tolist() == ["pca0"]
    assert pca.n_features_in_ == 2


def test_each_step_has_the_label_of_its_sample(X):
    best = ChannelTransformer(SelectKBest(k=1)).fit(X, Y)
    assert best.get_feature_names_out().tolist() == ["x0"]
    assert best.get_feature_names_out(["volt", "pascal"]).tolist() == ["volt"]
    np.testing.assert_array_equal(best.transform(X), X[:, :, :1])


def test_missing_values_are_the_transformers_affair(X):
    X[0, 0, 0] = np.nan
    imputer = ChannelTransformer(SimpleImputer()).fit(X)
    filled = imputer.transform(X)[0, 0, 0]
    assert filled == pytest.approx(np.nanmean(X[:, :, 0]))
    with pytest.raises(ValueError, match="contains NaN"):
        ChannelTransformer(PCA()).fit(X)


@pytest.fixture
def recordings(rng):
    """Return recordings of unequal length, and labels."""
    recordings = [rng.normal(size=(n, 2)) * [1, 50] for n in (9, 5, 7, 9, 3)]
    return recordings, np.arange(5) % 2


def as_padded(recordings):
    X = np.full((len(recordings), 10, 2), np.nan)
    for row, recording in zip(X, recordings, strict=True):
        row[: len(recording)] = recording
    return X


@pytest.mark.parametrize("kind", ["list", "padded", "sequences"])
def test_recordings_of_unequal_length(recordings, kind):
    listed, y = recordings
    as_sequences = Sequences.of_lengths(
        np.concatenate(listed), [len(x) for x in listed]
    )
    kinds = {"list": listed, "padded": as_padded(listed), "sequences": as_sequences}
    X, table = kinds[kind], np.concatenate(listed)
    scaler = ChannelTransformer(StandardScaler()).fit(X)
    expected = StandardScaler().fit(table)
    np.testing.assert_array_equal(scaler.transformer_.mean_, expected.mean_)
    Z = scaler.transform(X)
    assert type(Z) is Sequences
    assert Z.lengths.tolist() == [9, 5, 7, 9, 3]
    for one, recording in zip(Z, listed, strict=True):
        np.testing.assert_array_equal(one, expected.transform(recording))
    back = scaler.inverse_transform(Z)
    assert back.lengths.tolist() == Z.lengths.tolist()
    np.testing.assert_allclose(back.concatenated(), table)
    assert ChannelTransformer(PCA(1)).fit_transform(X).shape == (5, 9, 1)
    # Those of one length are an array, as they are alone.
    np.testing.assert_array_equal(scaler.transform(listed[::3]), np.stack([Z[0], Z[3]]))
    of_steps = SelectKBest(k=1).fit(table, np.repeat(y, Z.lengths))
    best = ChannelTransformer(SelectKBest(k=1)).fit(X, y)
    np.testing.assert_array_equal(best.transformer_.scores_, of_steps.scores_)


def test_gaps_are_filled_and_padding_is_not(recordings):
    X = as_padded(recordings[0])
    X[1, 2], X[2, 6, 0] = np.nan, np.nan  # a step within, and a half of the last
    Z = ChannelTransformer(SimpleImputer()).fit_transform(X)
    assert Z.lengths.tolist() == [9, 5, 7, 9, 3]
    assert np.isfinite(Z.concatenated()).all()
    np.testing.assert_allclose(Z[1][2], np.nanmean(X, axis=(0, 1)))
    whole = X[[0, 3, 4], :3]
    whole[2, 2, 1] = np.nan  # half of a last step is no end
    assert type(ChannelTransformer(SimpleImputer()).fit_transform(whole)) is np.ndarray


def test_only_methods_of_the_transformer():
    assert hasattr(ChannelTransformer(PCA()), "inverse_transform")
    assert not hasattr(ChannelTransformer(PoissonSpikeEncoder()), "inverse_transform")
    without = ChannelTransformer(FunctionTransformer(feature_names_out=None))
    assert not hasattr(without, "get_feature_names_out")


@pytest.mark.parametrize("frame", ["default", "pandas", "polars"])
def test_sequences_stay_arrays_where_data_frames_are_asked_for(X, frame):
    from sklearn import config_context

    scaler = ChannelTransformer(StandardScaler())
    model = make_pipeline(FunctionTransformer(), scaler)
    with config_context(transform_output=frame):
        Z = scaler.fit_transform(X)
    assert type(Z) is np.ndarray
    assert Z.shape == X.shape
    model = make_pipeline(ChannelTransformer(MinMaxScaler()), scaler)
    Z = model.set_output(transform=frame).fit_transform(X)
    assert type(Z) is np.ndarray


@pytest.mark.parametrize("inner", ["transformer", "pipeline"])
def test_tables_become_data_frames_where_these_are_asked_for(X, inner):
    table = pd.DataFrame(X[:, 0], columns=["a", "b"], index=np.arange(40) + 7)

    def make():
        scaler = StandardScaler()
        if inner == "pipeline":
            scaler = make_pipeline(scaler, MinMaxScaler())
        return ChannelTransformer(scaler)

    expected = make().fit_transform(table)
    fitted = make().set_output(transform="pandas").fit(table)
    pipeline = make_pipeline(FunctionTransformer(), make())
    for frame in (
        make().set_output(transform="pandas").fit_transform(table),
        clone(make().set_output(transform="pandas")).fit_transform(table),
        fitted.transform(table),
        fitted.set_output(transform=None).transform(table),
        pipeline.set_output(transform="pandas").fit_transform(table),
    ):
        assert type(frame) is pd.DataFrame
        assert frame.columns.tolist() == ["a", "b"]
        assert frame.index.tolist() == table.index.tolist()
        np.testing.assert_array_equal(frame, expected)
    assert type(fitted.fit(X).transform(X)) is np.ndarray
    assert type(fitted.inverse_transform(X)) is np.ndarray
    back = fitted.set_output(transform="default").fit(table)
    assert type(back.transform(table)) is np.ndarray


def test_what_is_asked_for_after_fit_holds_for_the_fitted_transformer(X):
    scaler = ChannelTransformer(StandardScaler()).fit(X[:, 0])
    frame = scaler.set_output(transform="pandas").transform(X[:, 0])
    assert type(frame) is pd.DataFrame


def test_a_transformer_without_frames_is_left_as_it_is(X):
    class Plain(BaseEstimator):
        def fit(self, X, y=None):
            return self

        def transform(self, X):
            return X

    plain = ChannelTransformer(Plain()).set_output(transform="pandas")
    assert type(plain.fit(X[:, 0]).transform(X[:, 0])) is np.ndarray


def test_search_clone_and_files(X):
    search = GridSearchCV(
        make_pipeline(
            ChannelTransformer(StandardScaler()), fast(max_iter=2, engine="numpy")
        ),
        {"channeltransformer__transformer__with_mean": [True, False]},
        cv=2,
    ).fit(X, Y)
    best = search.best_estimator_
    with_mean = search.best_params_["channeltransformer__transformer__with_mean"]
    assert best[0].transformer_.with_mean == with_mean
    scaler = best[0]
    assert not hasattr(clone(scaler), "transformer_")
    data = skops.io.dumps(scaler)
    trusted = skops.io.get_untrusted_types(data=data)
    assert trusted == ["sklearn_snn._channels.ChannelTransformer"]
    for loaded in (
        pickle.loads(pickle.dumps(scaler)),
        skops.io.loads(data, trusted=trusted),
    ):
        np.testing.assert_array_equal(loaded.transform(X), scaler.transform(X))


def test_the_given_transformer_stays_unfitted(X):
    inner = StandardScaler()
    scaler = ChannelTransformer(inner).fit(X)
    assert not hasattr(inner, "mean_")
    assert scaler.transformer_ is not inner


def test_a_failed_fit_leaves_it_as_it_was(X):
    scaler = ChannelTransformer(StandardScaler()).fit(X)
    before = scaler.transformer_
    with pytest.raises(ValueError, match="infinity"):
        scaler.fit(np.full((3, 4, 5), np.inf))
    assert scaler.transformer_ is before
    assert scaler.n_features_in_ == 2


@pytest.mark.parametrize(
    ("bad", "match"),
    [
        (SpikeTrains(np.ones((2, 2)), 3), "SpikeTrains have none: put it before"),
        (
            EventSequences([0], [0], [0, 1], lengths=[2], n_units=2),
            r"EventSequences have none: put it before.* list\(X\) lays them out",
        ),
        ([np.zeros((3, 2)), np.zeros((0, 2))], "at least one step and one feature"),
        (np.zeros((2, 3, 4, 5)), r"X.reshape\(2, 3, 20\)"),
        (np.zeros((2, 0, 2)), "at least one sample, one step and one feature"),
        (np.zeros(5), "Reshape your data"),
    ],
)
def test_what_it_refuses(X, bad, match):
    scaler = ChannelTransformer(StandardScaler()).fit(X)
    for method in (scaler.fit, scaler.transform, scaler.inverse_transform):
        with pytest.raises(ValueError, match=match):
            method(bad)


def test_events_are_laid_out_as_is_advised():
    X = EventSequences([0, 2, 1], [1, 0, 1], [0, 2, 3], lengths=[4, 2], n_units=2)
    scaled = ChannelTransformer(StandardScaler()).fit_transform(list(X))
    assert scaled.lengths.tolist() == [4, 2]
    rows = X.concatenated().toarray().astype(float)
    expected = StandardScaler().fit_transform(rows)
    np.testing.assert_array_equal(np.concatenate([*scaled]), expected)


def test_errors_of_use(X):
    with pytest.raises(NotFittedError):
        ChannelTransformer(StandardScaler()).transform(X)
    with pytest.raises(ValueError, match="'transformer' parameter"):
        ChannelTransformer(3).fit(X)
    with pytest.raises(ValueError, match=r"has 12 features, .*X.swapaxes\(1, 2\)"):
        ChannelTransformer(StandardScaler()).fit(X).transform(X.transpose(0, 2, 1))
    with pytest.raises(ValueError, match="sparse_output=False"):
        ChannelTransformer(OneHotEncoder()).fit_transform(np.rint(X))
    dense = ChannelTransformer(OneHotEncoder(sparse_output=False))
    assert dense.fit_transform(np.sign(X - 5)).shape == (40, 12, 4)
    halve = ChannelTransformer(FunctionTransformer(lambda rows: rows[::2]))
    with pytest.raises(ValueError, match=r"shape \(240, 2\) of 480 steps"):
        halve.fit_transform(X)


def test_sparse_tables_go_as_they_are(X):
    table = sparse.csr_array(X[:, 0])
    scaler = ChannelTransformer(StandardScaler(with_mean=False)).fit(table)
    assert sparse.issparse(scaler.transform(table))


class Seen(FunctionTransformer):
    """Keeps the targets that it is fitted with."""

    def fit(self, X, y=None):
        """Fit, and keep y."""
        self.y_ = y
        return super().fit(X)


def test_targets_of_recordings_and_of_steps(rng):
    """Each step has its recording's, or its own, of all layouts of recordings."""
    lengths = [3, 5, 2]
    listed = [rng.random((n, 2)) for n in lengths]
    steps = [np.arange(n) + 10 * i for i, n in enumerate(lengths)]
    X, padded = np.full((3, 6, 2), np.nan), np.full((3, 6), -1)
    for i, (x, y) in enumerate(zip(listed, steps, strict=True)):
        X[i, : len(x)], padded[i, : len(y)] = x, y
    labels = np.array(["a", "b", "c"])
    as_rows = as_sequences(listed, layout="steps_first")
    for some in (listed, X, as_rows):
        of_steps = [steps, padded] if some is not listed else [steps]
        for y in of_steps:
            seen = ChannelTransformer(Seen()).fit(some, y).transformer_.y_
            np.testing.assert_array_equal(seen, np.concatenate(steps))
        for y in (labels, [*labels], np.stack([labels] * 2, 1)):
            seen = ChannelTransformer(Seen()).fit(some, y).transformer_.y_
            np.testing.assert_array_equal(seen, np.repeat(y, lengths, axis=0))
    numbers = rng.random((3, 4, 2))
    seen = ChannelTransformer(Seen()).fit(numbers, numbers).transformer_.y_
    np.testing.assert_array_equal(seen, numbers.reshape(12, 2))
    with pytest.raises(ValueError, match=r"y\[1\] has shape \(4,\), and X\[1\] has 5"):
        ChannelTransformer(Seen()).fit(listed, [y[:4] for y in steps])


def test_targets_of_steps_take_the_memory_of_one_table():
    X, y = np.zeros((1, 6_000, 1)), np.zeros((1, 6_000))
    tracemalloc.start()
    ChannelTransformer(Seen()).fit(X, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * X.nbytes


@pytest.mark.parametrize("network", [SpikingClassifier, SpikingRegressor])
def test_pipelines_of_targets_of_steps(network, rng):
    listed = [rng.random((n, 2)) for n in (8, 5, 9, 6)]
    y = [(x[:, 0] > 0.5).astype(int) for x in listed]
    model = network((3,), max_iter=1, engine="numpy", per_step=True, random_state=0)
    for inner in (StandardScaler(), LinearDiscriminantAnalysis()):
        pipeline = make_pipeline(ChannelTransformer(inner), clone(model)).fit(listed, y)
        assert [len(p) for p in pipeline.predict(listed)] == [8, 5, 9, 6]
        assert np.isfinite(pipeline.score(listed, y))


@pytest.mark.parametrize("given", [np.ones((1, 20, 2)), [np.ones((20, 2))]])
def test_targets_of_the_steps_of_a_single_recording(given):
    """These are no recordings with their steps first."""
    network = SpikingClassifier(engine="numpy")
    for fit in (ChannelTransformer(StandardScaler()).fit, network.fit):
        with pytest.raises(ValueError, match=r"single recording.* \[y\]\.$") as raised:
            fit(given, np.arange(20) % 2)
        assert "swapaxes" not in str(raised.value)


@pytest.mark.parametrize("lengths", [(4, 9, 2, 5), (6, 6, 6, 6)])
def test_a_recording_does_not_hang_on_the_type_of_others(lengths, rng):
    X = [5 + rng.normal(size=(n, 3)) for n in lengths]
    scaler = ChannelTransformer(StandardScaler()).fit(X)
    types = [np.float64, np.float32, np.float16, np.float32]
    mixed = [x.astype(t) for x, t in zip(X, types, strict=True)]
    for made, x in zip(scaler.transform(mixed), mixed, strict=True):
        np.testing.assert_array_equal(made, scaler.transform([x])[0])
    counts = [np.rint(x).astype(np.uint8) for x in X[:2]] + X[2:]
    for made, x in zip(scaler.transform(counts), counts, strict=True):
        np.testing.assert_array_equal(made, scaler.transform([x])[0])
    encoder = ChannelTransformer(OneHotEncoder(handle_unknown="ignore")).fit(X)
    with pytest.raises(ValueError, match="makes sparse arrays"):
        encoder.transform(mixed)
