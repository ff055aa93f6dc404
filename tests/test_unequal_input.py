"""Recordings of unequal length as input: what is taken, and what is learned of it."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from sequences import (
    LENGTHS,
    assert_holds,
    each_kind,
    of_counts,
    of_events,
    of_values,
    padded,
    recorded,
)
from sklearn.preprocessing import FunctionTransformer

from sklearn_snn import (
    ChannelTransformer,
    DelayLine,
    EventSequences,
    PoissonSpikeEncoder,
    Sequences,
    SpikingClassifier,
    as_sequences,
)
from sklearn_snn._inputs.extent import extent, parts
from sklearn_snn._inputs.learned_input import check_likeness, remember
from sklearn_snn._inputs.validation import validate_input, validate_weights
from sklearn_snn._training.samples import Samples
from sklearn_snn.exceptions import InputMismatchWarning, UnscaledInputWarning


@pytest.fixture
def items(rng):
    return recorded(rng)


def validated(X, **options):
    return validate_input(SpikingClassifier(), X, reset=True, **options)


def as_objects(items):
    X = np.empty(len(items), object)
    X[:] = items
    return X


@pytest.mark.parametrize(
    "kind", [list, tuple, as_objects, lambda items: pd.Series(list(items))]
)
@pytest.mark.parametrize("dtype", ["f4", "f8", "u1", "?", "i2", "i8", "f2"])
def test_lists_become_sequences(items, kind, dtype):
    items = [item.astype(dtype) for item in items]
    X = validated(kind(items))
    assert type(X) is Sequences
    assert_holds(X, items)
    # Of one length they become an array of the same type, and so does one of them.
    for some in (items[1::2], items[:1]):
        array = validated(kind(some))
        assert type(array) is np.ndarray
        assert array.dtype == dtype
        np.testing.assert_array_equal(array, np.stack(some))


def test_lists_of_mixed_kinds(items):
    frames = [pd.DataFrame(item) for item in items]
    assert_holds(validated(frames), items)
    of_lists = validated([item.tolist() for item in items])
    assert_holds(of_lists, [item.astype(float) for item in items])
    mixed = validated([items[0].astype(bool), items[1].astype(np.float32)])
    assert mixed.dtype == np.float32
    assert_holds(validated([np.longdouble(x) for x in items]), as_floats(items))
    objects = [item.astype(object) for item in items]
    assert_holds(validated(objects), as_floats(items))


def as_floats(items):
    return [item.astype(float) for item in items]


def test_the_estimator_knows_what_it_was_given(items):
    model = SpikingClassifier()
    validate_input(model, items, [0, 1, 0, 1], reset=True)
    assert model.n_features_in_ == 3
    assert model._is_sequential_
    with pytest.raises(ValueError, match=r"has 2 features, but .* is expecting 3"):
        validate_input(model, [item[:, :2] for item in items], reset=False)
    with pytest.raises(ValueError, match=r"constant current .*, but .* a sequence"):
        validate_input(model, np.zeros((4, 3)), reset=False)
    with pytest.raises(ValueError, match=r"numbers of samples: \[4, 5\]$"):
        validate_input(model, items, np.arange(5), reset=False)


@each_kind
def test_sequences_are_taken_as_they_are(make, items):
    X = make(items)
    taken, y = validated(X, y=np.arange(4))
    assert taken is X
    assert y.tolist() == [0, 1, 2, 3]
    assert validated(X[1::2]) is not None
    assert np.array_equal(validate_weights(X, [1, 2, 0, 1]), [1, 2, 0, 1])
    with pytest.raises(ValueError, match=r"sample_weight.shape == \(3,\)"):
        validate_weights(X, [1, 2, 0])
    samples = Samples(X, y, y, y).take(np.array([3, 0]))
    assert_holds(samples.inputs(), [items[3], items[0]])


def test_wide_floats_become_float64(items):
    X = Sequences.of_lengths(np.longdouble(np.concatenate(items)), LENGTHS)
    assert_holds(validated(X[1:]), as_floats(items)[1:])


@pytest.mark.parametrize(
    ("X", "match"),
    [
        (Sequences(np.zeros((4, 2)), [0, 1], [2, 0]), "Sample 1 of X has no steps"),
        (Sequences(np.zeros((4, 2)), [], []), r"shape \(0, 0, 2\).* one sample"),
        (Sequences(np.zeros((4, 0)), [0], [2]), r"shape \(1, 2, 0\).* one feature"),
        (
            EventSequences([], [], [0, 0, 0], lengths=[0, 2], n_units=2),
            "Sample 0 of X has no steps",
        ),
        (Sequences(np.full((4, 2), np.inf), [0, 1], [2, 1]), "contains infinity"),
        (Sequences(np.full((4, 2), np.nan), [0, 1], [2, 1]), "Sample 0 of X is NaN at"),
        (Sequences([[np.nan], [0]], [0, 1], [2, 1]), "ChannelTransformer"),
        ([np.zeros((3, 2)), np.full((4, 2), np.nan)], "Sample 1 of X is NaN at all"),
        ([np.zeros((3, 1)), np.array([[np.nan], [0]])], "ChannelTransformer"),
        ([np.zeros((3, 2)), np.full((4, 2), np.float16(np.inf))], "infinity"),
    ],
)
def test_what_is_refused_of_sequences(X, match):
    with pytest.raises(ValueError, match=match):
        validated(X)


@pytest.mark.parametrize("make", [of_events, of_values])
def test_an_encoder_refuses_them(make, items):
    match = "spike trains already" if make is of_events else "without an encoder"
    for X in (make(items), *([items] if make is of_values else [])):
        with pytest.raises(ValueError, match=match):
            PoissonSpikeEncoder().fit(X)


@pytest.fixture(params=["f2", "f4", "f8"])
def array(items, request):
    return padded(items, np.nan, request.param)


def test_samples_end_before_it(items, array):
    X = validated(array)
    assert type(X) is Sequences
    assert_holds(X, [item.astype(array.dtype) for item in items])
    assert np.shares_memory(X.values, array)
    longer = np.concatenate([array, np.full_like(array, np.nan)], axis=1)
    assert_holds(validated(longer), list(X))
    assert_holds(validated(array.tolist()), as_floats(items))
    # One alone ends where it did:
    assert_holds(validated(array[:1]), list(X[:1]))


def test_sequences_end_before_it(items, array):
    """As arrays and lists do, whatever made them, without a copy."""
    expected = [item.astype(array.dtype) for item in items]
    rows, lengths = array.reshape(-1, 3), np.full(len(array), array.shape[1])
    for made in (
        Sequences.of_array(array),
        Sequences.of_lengths(rows, lengths),
        as_sequences(rows, lengths=lengths),
    ):
        X = validated(made)
        assert_holds(X, expected)
        assert np.shares_memory(X.values, array)
        assert made.lengths.tolist() == lengths.tolist()
        assert validated(X) is X
        for transformer in (ChannelTransformer(FunctionTransformer()), DelayLine(1)):
            assert transformer.fit_transform(made).lengths.tolist() == [*LENGTHS]


def test_a_memory_map_that_is_padded(items, array, tmp_path):
    np.save(tmp_path / "X.npy", array)
    mapped = np.load(tmp_path / "X.npy", mmap_mode="r")
    X = validated(mapped)
    assert np.shares_memory(X.values, mapped)
    assert_holds(X, [item.astype(array.dtype) for item in items])


def test_other_orders_of_axes(items, array):
    channels_first = array.swapaxes(1, 2).copy()
    X = validated(channels_first.swapaxes(1, 2))
    assert_holds(X, [item.astype(array.dtype) for item in items])


def test_gaps_within_are_refused(array):
    for where in ((1, 3), (1, 8, 0), (0, 0)):
        gaps = array.copy()
        gaps[where] = np.nan
        with pytest.raises(ValueError, match=r"contains NaN\. ChannelTransformer"):
            validated(gaps)
    array[2, 1, 1] = np.inf
    with pytest.raises(ValueError, match="contains infinity"):
        validated(array)


def test_a_sample_of_nothing_else_is_refused(array):
    array[2] = np.nan
    with pytest.raises(ValueError, match="Sample 2 of X is NaN at all steps"):
        validated(array)


@pytest.mark.parametrize(
    "made_of",
    [
        ChannelTransformer(FunctionTransformer()).fit_transform,
        DelayLine(2).fit_transform,
        lambda X: as_sequences(X, layout="steps_first"),
        lambda X: as_sequences([x.T for x in X], layout="channels_first"),
    ],
)
def test_a_recording_of_a_list_ends_wherever_the_others_do(made_of, rng):
    """Steps of NaN are padding beside longer and shorter recordings, and alone."""
    a, b = rng.random((8, 2)), rng.random((5, 2))
    ends = np.full((5, 2), np.nan)
    longer, expected = np.concatenate([a, ends[:2]]), [*made_of([a, b])]
    for X in ([longer, b], [longer, np.concatenate([b, ends])], [longer]):
        made = made_of(X)
        assert made.lengths.tolist() == [8, 5][: len(X)]
        for one, other in zip(made, expected, strict=False):
            np.testing.assert_array_equal(one, other)


def test_large_arrays_are_looked_at_in_parts(rng):
    lengths = rng.integers(1, 120, 300)
    array = rng.random((300, 120, 10))
    array[np.arange(120) >= lengths[:, None]] = np.nan
    assert validated(array).lengths.tolist() == lengths.tolist()


@pytest.fixture
def recordings(rng):
    lengths = rng.integers(20, 40, 30)
    return [1 + rng.random((n, 3)) for n in lengths]


def test_extremes(recordings):
    expected = extent(np.concatenate(recordings)[None])
    sums = [abs(x).sum() for x in recordings]
    X = validated(recordings)
    learned = extent(X)
    np.testing.assert_array_equal(learned.low, expected.low)
    np.testing.assert_array_equal(learned.high, expected.high)
    assert learned.low.min() > 1
    assert learned.weakest == min(x.max() for x in recordings)
    assert learned.faintest == pytest.approx(min(sums))
    present = np.arange(30) % 3 == 0
    some = [x for x, is_there in zip(recordings, present, strict=True) if is_there]
    np.testing.assert_equal(extent(X, present), extent(validated(some)))


def test_extremes_of_events(items):
    expected = extent(of_values(items))
    for make in (of_events, of_counts):
        np.testing.assert_equal(extent(make(items)), expected)
    high = extent(of_counts([2 * item for item in items])).high
    assert high.tolist() == [2, 2, 2]


@each_kind
def test_parts(make, items, monkeypatch):
    monkeypatch.setattr("sklearn_snn._inputs.extent._BYTES", 40)
    cut = list(parts(make(items)))
    assert len(cut) > 1
    tables = [p if isinstance(p, np.ndarray) else p.toarray() for _, p in cut]
    np.testing.assert_array_equal(np.concatenate(tables), np.concatenate(items))
    stops = [0, *(rows.stop for rows, _ in cut)]
    assert [rows.start for rows, _ in cut] == stops[:-1]


@each_kind
def test_extremes_however_it_is_cut(make, rng, monkeypatch):
    """Also where each sample is a part, and only some count, or are looked at."""
    recordings = [
        rng.integers(1, 9, (3 + i % 4, 3)).astype(np.uint8) for i in range(30)
    ]
    if make is of_events:
        recordings = [np.minimum(x, 1) for x in recordings]
    recordings[0] = recordings[0][:1]  # the faintest, which is left out at last
    X, present = make(recordings), np.arange(30) > 0
    monkeypatch.setattr("sklearn_snn._inputs.extent._SOME_VALUES", 1)
    expected = extent(X), extent(X, present)
    assert expected[0].faintest < expected[1].faintest
    for n_bytes in (1, 100, 500):
        monkeypatch.setattr("sklearn_snn._inputs.extent._BYTES", n_bytes)
        np.testing.assert_equal((extent(X), extent(X, present)), expected)


def test_memory_of_events():
    """A recording of a day, in milliseconds, is no array."""
    day = 86_400_000
    X = EventSequences([0, day - 1], [1, 0], [0, 2], lengths=[day], n_units=9_999)
    assert X[[0, 0]].shape == (2, day, 9_999)
    assert len(pickle.dumps(X)) < 2000


def learned(X):
    model = SpikingClassifier()
    X = validate_input(model, X, reset=True)
    remember(model, X, np.ones(len(X)), False)
    return model


def warned(model, X):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check_likeness(model, validate_input(SpikingClassifier(), X, reset=True))
    assert {w.category for w in caught} <= {InputMismatchWarning}
    return [str(w.message) for w in caught]


def test_lengths(recordings):
    model = learned(recordings)
    lengths = [len(x) for x in recordings]
    low, high = min(lengths), max(lengths)
    assert model._learned_input_["shortest"] == low
    assert model._learned_input_["longest"] == high
    assert not warned(model, recordings)
    assert not warned(model, recordings[:1])
    slack = (high - low) // 4
    for n in (low - slack, high + slack):
        assert not warned(model, [np.full((n, 3), 1.5)])
    for n in (low - slack - 1, high + slack + 1):
        (message,) = warned(model, [np.full((n, 3), 1.5)])
        assert f"X have {n} steps, and those in fit had {low} to {high}: " in message
        assert "in a list of arrays (n_steps, n_features), in fit as" in message
        (message,) = warned(model, [recordings[0], np.full((n, 3), 1.5)])
        assert f"{n}" in message
        assert "list" not in message  # it is one


def test_samples_of_weight_zero_have_no_length(recordings):
    model = SpikingClassifier()
    X = validate_input(model, [*recordings, np.ones((99, 3))], reset=True)
    remember(model, X, np.append(np.ones(30), 0), False)
    assert model._learned_input_["longest"] == max(len(x) for x in recordings)
    model._learned_input_["longest"] = 99
    check_likeness(model, X, np.arange(30))


def test_range(recordings):
    recordings = [x - 1 for x in recordings]
    model = learned(recordings)
    (message,) = warned(model, [100 * x for x in recordings])
    assert "X leaves the range that was learned in fit" in message
    (message,) = warned(model, [x / 100 for x in recordings])
    assert "X hardly reaches the range" in message
    ends = padded(recordings, np.nan)
    assert not warned(model, ends)


def test_spread(recordings):
    with pytest.warns(UnscaledInputWarning, match="Channel 2 outweighs others"):
        learned([x * [1, 1, 1000] for x in recordings])


def test_range_of_events(items):
    model = learned(of_counts(items * 5))
    assert not warned(model, of_counts(items))
    many = of_counts([200 * item for item in items])
    (message,) = warned(model, many)
    assert "0 to 1 was learned and X has 0 to 200" in message
