"""Data frames in lists of recordings: names of channels, missing values, text."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from helpers import fast
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_snn import (
    ChannelTransformer,
    DelayLine,
    DeltaSpikeEncoder,
    SpikingRegressor,
    as_sequences,
)
from sklearn_snn.quantization import quantize

Y = np.arange(12) % 2
LENGTHS = 5 + np.arange(12) % 3


def arrays(seed=0):
    """Return recordings of whole numbers."""
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 100, size=(n, 2)).astype(float) for n in LENGTHS]


def frames(dtype=float, library=pd):
    named = [library.DataFrame({"a": x[:, 0], "b": x[:, 1]}) for x in arrays()]
    return [frame.astype(dtype) for frame in named] if library is pd else named


# Types that may have missing values


@pytest.mark.parametrize(
    ("dtype", "plain", "with_missing"),
    [
        ("Float64", "float64", "float64"),
        ("Float32", "float32", "float32"),
        ("Int64", "int64", "float64"),
        ("Int16", "int16", "float32"),
        ("UInt8", "uint8", "float32"),
        ({"a": "Int16", "b": "float32"}, "float32", "float32"),
        ({"a": "Int16", "b": object}, "float64", "float64"),
        (object, "float64", "float64"),
    ],
)
def test_nullable_types(dtype, plain, with_missing):
    """What is missing is NaN: a gap, or the end; and types keep their width."""
    given, model = frames(dtype), fast(engine="numpy")
    found = as_sequences(given, layout="steps_first")
    assert found.dtype == plain
    for a, b in zip(found, arrays(), strict=True):
        np.testing.assert_array_equal(a, b)
    sideways = as_sequences([f.T for f in frames("Float64")], layout="channels_first")
    np.testing.assert_array_equal(sideways[3], arrays()[3])
    is_narrow = np.dtype(plain).itemsize <= 2 or plain == "float32"
    network = model.fit(given, Y).coefs_[0].dtype
    assert network == (np.float32 if is_narrow else np.float64)
    assert DelayLine(2).fit_transform(given).dtype == plain

    given[3].iloc[-2:] = pd.NA
    ended = as_sequences(given, layout="steps_first")
    assert ended.dtype == with_missing
    assert ended.lengths.tolist() == (LENGTHS - 2 * (np.arange(12) == 3)).tolist()
    given[4].iloc[1, 0] = pd.NA
    with pytest.raises(ValueError, match=r"Input X contains NaN.*SimpleImputer"):
        model.fit(given, Y)
    filled = ChannelTransformer(SimpleImputer()).fit_transform(given)
    known = np.concatenate([x[: len(e)] for x, e in zip(arrays(), ended, strict=True)])
    gap = LENGTHS[:4].sum() - 2 + 1
    expected = np.delete(known[:, 0], gap).mean()
    assert filled[4][1, 0] == pytest.approx(expected, rel=1e-6)


def test_a_sparse_column_beside_one_of_a_nullable_type():
    given = [x.astype({"a": pd.SparseDtype(float), "b": "Int16"}) for x in frames()]
    found = as_sequences(given, layout="steps_first")
    np.testing.assert_array_equal(found.concatenated(), np.concatenate(arrays()))


# Names


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("library", [pd, pl])
@pytest.mark.parametrize(
    "make",
    [
        lambda: fast(engine="numpy"),
        lambda: SpikingRegressor((4,), max_iter=1, random_state=0, engine="numpy"),
        lambda: ChannelTransformer(StandardScaler()),
        lambda: DelayLine(2),
        lambda: DeltaSpikeEncoder(10.0),
    ],
)
def test_names_are_kept_and_compared(make, library):
    estimator = make().fit(frames(library=library), Y)
    assert estimator.feature_names_in_.tolist() == ["a", "b"]
    estimator = pickle.loads(pickle.dumps(estimator))
    method = estimator.predict if hasattr(estimator, "predict") else estimator.transform
    swapped = [frame[["b", "a"]] for frame in frames(library=library)]
    with pytest.raises(ValueError, match="must be in the same order"):
        method(swapped)
    with pytest.raises(ValueError, match=r"X\[1\] has the columns 'b', 'a', and X\[0"):
        method([frames(library=library)[0], *swapped[1:]])
    with pytest.raises(ValueError, match=r"X\[1\] has the columns"):
        make().fit([frames(library=library)[0], *swapped[1:]], Y)
    with pytest.warns(UserWarning, match="X does not have valid feature names"):
        answers = method(arrays())
    for ours, theirs in zip(method(frames(library=library)), answers, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_names_through_a_pipeline():
    scaler = ChannelTransformer(StandardScaler())
    model = make_pipeline(scaler, DelayLine(2), fast(engine="numpy")).fit(frames(), Y)
    names = model[:-1].get_feature_names_out()
    assert names.tolist() == ["a_delay0", "b_delay0", "a_delay1", "b_delay1"]
    with pytest.raises(ValueError, match="must be in the same order"):
        model.predict(shuffled())
    by_hand = make_pipeline(scaler, DelayLine(2), fast(engine="numpy"))
    by_hand.fit(arrays(), Y)
    assert not hasattr(by_hand[0], "feature_names_in_")
    np.testing.assert_array_equal(
        by_hand.decision_function(frames()), model.decision_function(frames())
    )


def shuffled():
    return [frame[["b", "a"]] for frame in frames()]


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_calls_with_targets_compare_names_too():
    """And say nothing where names are right."""
    steps, numbers = [np.arange(n) % 2 for n in LENGTHS], Y * 1.0
    model = fast(engine="numpy").fit(frames(), Y)
    of_steps = fast(engine="numpy", per_step=True, readout="auto").fit(frames(), steps)
    regressor = SpikingRegressor((4,), max_iter=1, random_state=0, engine="numpy")
    warm = fast(engine="numpy", warm_start=True).fit(frames(), Y)
    for call, y in (
        (model.partial_fit, Y),
        (model.loss_and_gradients, Y),
        (model.score, Y),
        (of_steps.partial_fit, steps),
        (of_steps.score, steps),
        (regressor.fit(frames(), numbers).partial_fit, numbers),
        (regressor.score, numbers),
        (lambda X, y: quantize(model, X=X, y=y, epochs=1), Y),
    ):
        call(frames(), y)
        with pytest.raises(ValueError, match="must be in the same order"):
            call(shuffled(), y)
    warm.fit(frames(), Y)


@pytest.mark.parametrize(
    "listed", [list, tuple, pd.Series, lambda items: pd.Series(items).to_numpy()]
)
def test_lists_of_any_kind(listed):
    delays = DelayLine(2).fit(listed(frames()))
    assert delays.feature_names_in_.tolist() == ["a", "b"]
    with pytest.raises(ValueError, match="must be in the same order"):
        delays.transform(listed(shuffled()))


def test_the_first_that_differs_is_named():
    given = [arrays()[0], *frames()[1:4], *shuffled()[4:]]
    with pytest.raises(
        ValueError, match=r"X\[4\] has .* 'b', 'a', and X\[1\] 'a', 'b'"
    ):
        DelayLine().fit(given)


def test_arrays_beside_frames_are_taken_by_their_place():
    """Which of the frames comes first does not matter."""
    mixed = [*arrays()[:6], *frames()[6:]]
    found = as_sequences(mixed, layout="steps_first")
    np.testing.assert_array_equal(found.concatenated(), np.concatenate(arrays()))
    delays = DelayLine(2).fit(mixed)
    assert delays.feature_names_in_.tolist() == ["a", "b"]
    with pytest.raises(ValueError, match="must be in the same order"):
        delays.transform([*arrays()[:6], *shuffled()[6:]])


def test_a_recording_alone_is_compared_with_those_of_a_list():
    """It is a table to ChannelTransformer, whose transformer saw an array."""
    scaler = ChannelTransformer(StandardScaler()).fit(frames("Int16"))
    alone = frames("Int16")[3]
    expected = scaler.transform(frames("Int16"))[3]
    np.testing.assert_array_equal(scaler.transform(alone), expected)
    for other in (alone[["b", "a"]], alone.set_axis(["c", "d"], axis=1)):
        with pytest.raises(ValueError, match="feature names should match"):
            scaler.transform(other)
    of_table = ChannelTransformer(StandardScaler()).fit(frames()[0])
    with pytest.raises(ValueError, match="must be in the same order"):
        of_table.transform(frames()[3][["b", "a"]])
    of_table.transform(frames()[3])


# What is no number


@pytest.mark.parametrize("library", [pd, pl])
@pytest.mark.parametrize("unit", ["datetime64[ms]", "timedelta64[ms]"])
def test_dates_are_refused(library, unit):
    """An array of columns of all types has numbers for them."""
    given = [
        library.DataFrame({"a": np.arange(5.0), "when": np.arange(5).astype(unit)})
        for _ in Y
    ]
    for use in (
        lambda: fast(engine="numpy").fit(given, Y),
        lambda: DelayLine().fit(given),
        lambda: as_sequences(given, layout="steps_first"),
    ):
        with pytest.raises(ValueError, match="X has dates or times"):
            use()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda frame: frame.assign(c="text"),
        lambda frame: frame.astype(object).replace({frame.iloc[1, 1]: "text"}),
    ],
)
def test_text_is_told_with_its_place(spoil):
    """Where the first recordings have numbers, too."""
    good = [spoil(frame).replace("text", 0) for frame in frames()[:2]]
    given = good + [spoil(frame) for frame in frames()[2:]]
    message = r"X\[2\] has values that are no numbers: could not convert .*'text'"
    for use in (
        lambda: fast(engine="numpy").fit(given, Y),
        lambda: ChannelTransformer(StandardScaler()).fit(given),
        lambda: as_sequences([f.T for f in given], layout="channels_first"),
    ):
        with pytest.raises(ValueError, match=message):
            use()


# How values lie in memory


@pytest.mark.parametrize("is_equal", [True, False])
def test_the_order_in_memory_does_not_show(is_equal):
    """Sums of numpy add up columns in another order than rows."""
    rng = np.random.default_rng(0)
    rows = [rng.normal(size=(200 + i * (not is_equal), 3)) for i in range(6)]
    columns = [np.asfortranarray(x) for x in rows]
    scaler = ChannelTransformer(StandardScaler())
    for a, b in zip(
        scaler.fit_transform(rows), scaler.fit_transform(columns), strict=True
    ):
        np.testing.assert_array_equal(a, b)
