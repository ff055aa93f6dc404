"""DelayLine and DeltaSpikeEncoder: values, the past alone, lists, layouts."""

import re
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn.base import clone

from sklearn_snn import (
    DelayLine,
    DeltaSpikeEncoder,
    Sequences,
    SpikeTrains,
    as_sequences,
)

X = np.random.default_rng(0).normal(size=(6, 15, 2)).cumsum(axis=1)
LISTED = [X[0], X[1, :4], X[2, :1], X[3]]
TRANSFORMERS = [
    *(DelayLine(1), DelayLine(3), DelayLine(4, stride=5), DelayLine(30, 2)),
    *(DeltaSpikeEncoder(0.4), DeltaSpikeEncoder(0.1, max_count=7, initial=1.0)),
]
each = pytest.mark.parametrize
each_transformer = each("transformer", TRANSFORMERS, ids=repr)


@each("stride", [1, 2, 20])
@each("n_delays", [1, 3, 30])
def test_delayed_values(n_delays, stride):
    made = DelayLine(n_delays, stride).fit_transform(X)
    assert made.shape == (6, 15, 2 * n_delays)
    for t in range(15):
        for j in range(n_delays):
            past = t - j * stride
            expected = X[:, past] if past >= 0 else np.zeros((6, 2))
            np.testing.assert_array_equal(made[:, t, 2 * j : 2 * j + 2], expected)


def test_names_of_delays():
    line = DelayLine(2, stride=3).fit(X)
    assert line.get_feature_names_out().tolist() == [
        *("x0_delay0", "x1_delay0", "x0_delay3", "x1_delay3")
    ]


@each("dtype", [bool, np.uint8, np.int16, np.int64, np.float16, np.float32, float])
def test_delayed_values_keep_their_type(dtype):
    values = (np.abs(X) * 3).astype(dtype)
    made = DelayLine(3).fit_transform(values)
    assert made.dtype == dtype
    np.testing.assert_array_equal(made[..., :2], values)
    for one in DelayLine(3).fit_transform([values[0], values[1, :3]]):
        assert one.dtype == dtype


def test_the_input_is_not_copied_beside_the_result():
    values = np.zeros((50, 400, 20), dtype=np.float32)
    line = DelayLine(4).fit(values)
    tracemalloc.start()
    made = line.transform(values)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.3 * made.nbytes


def followed(signal, threshold, max_count, initial):
    """Return on and off spikes of one signal, one value after the other."""
    level = signal[0] if initial is None else initial
    on, off = [], []
    for value in signal:
        up = down = 0
        while value >= level + threshold and up < max_count:
            level, up = level + threshold, up + 1
        while value <= level - threshold and down < max_count:
            level, down = level - threshold, down + 1
        on.append(up)
        off.append(down)
    return on, off


@each("initial", [None, 0.0, -2.5])
@each("max_count", [1, 2, 255])
def test_levels_follow_signals(max_count, initial):
    """In eighths, which float64 adds without rounding."""
    values = np.rint(X * 8) / 8
    encoder = DeltaSpikeEncoder(0.25, max_count=max_count, initial=initial)
    spikes = encoder.fit_transform(values)
    assert spikes.dtype == np.uint8
    assert spikes.max() == min(max_count, spikes.max())
    for i in range(6):
        for c in range(2):
            on, off = followed(values[i, :, c], 0.25, max_count, initial)
            assert spikes[i, :, c].tolist() == on
            assert spikes[i, :, 2 + c].tolist() == off
    assert not (spikes[..., :2] * spikes[..., 2:]).any()


@each("initial", [None, 0.0, -2.5])
def test_levels_are_within_a_threshold(initial):
    encoder = DeltaSpikeEncoder(0.1, max_count=255, initial=initial)
    levels = encoder.inverse_transform(encoder.fit_transform(X))
    start = X[:, :1] if initial is None else 0
    assert np.abs(levels + start - X).max() < 0.1 * (1 + 1e-9)


def test_a_jump_is_caught_up_by_a_spike_in_each_step():
    signal = np.array([0.0, 3.5, 3.5, 3.5, 3.5, 3.5])[np.newaxis, :, np.newaxis]
    one = DeltaSpikeEncoder(1.0).fit_transform(signal)[0]
    assert one.T.tolist() == [[0, 1, 1, 1, 0, 0], [0] * 6]
    two = DeltaSpikeEncoder(1.0, max_count=2).fit_transform(-signal)[0]
    assert two.T.tolist() == [[0] * 6, [0, 2, 1, 0, 0, 0]]


def test_small_steps_do_not_add_up_to_an_error():
    n = 20_000
    signal = (np.arange(n) * 0.1)[np.newaxis, :, np.newaxis]
    encoder = DeltaSpikeEncoder(0.1)
    levels = encoder.inverse_transform(encoder.fit_transform(signal))
    assert np.abs(levels - signal).max() < 0.1 * (1 + 1e-9)


@each("dtype", [np.float32, float])
@each("sign", [1, -1])
@each("threshold", [0.1, 0.3, 0.7, 1e-3, 1 / 3])
@each("initial", [None, 0.0, 0.1, -1.3, 1000.0, 7e4])
def test_levels_that_rounding_misses(initial, threshold, sign, dtype):
    """A level in each step is reached in each step, rising and falling and back."""
    n = 300
    if dtype is np.float32 and abs(initial or 0) > 2e6 * threshold:
        threshold *= 1000  # what float32 resolves there
    start = 0.0 if initial is None else initial
    there = np.concatenate([np.arange(n), np.arange(n)[-2::-1]])
    signal = (start + sign * there * threshold).astype(dtype)
    if initial is None:
        start = float(signal[0])
    encoder = DeltaSpikeEncoder(threshold, initial=initial)
    spikes = encoder.fit_transform(signal[np.newaxis, :, np.newaxis])[0].astype(int)
    moved = spikes[:, 0] - spikes[:, 1]
    np.testing.assert_array_equal(moved, sign * np.diff(there, prepend=0))
    assert spikes.sum() == 2 * (n - 1)


@each("dtype", [np.float32, float])
def test_a_spike_for_each_tenth(dtype):
    signal = np.array([0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7], dtype=dtype)
    encoder = DeltaSpikeEncoder(0.1).fit(signal[np.newaxis, :, np.newaxis])
    for given, channel in ((signal, 0), (-signal, 1)):
        spikes = encoder.transform(given[np.newaxis, :, np.newaxis])[0]
        assert spikes[:, channel].tolist() == [0, 1, 1, 1, 1, 1, 1, 1]
        assert not spikes[:, 1 - channel].any()


@each("initial", [None, 0.0, -2.5, 1000.0, 1e6])
@each("short", [1e-3, 0.1])
def test_what_is_clearly_short_of_a_level_does_not_reach_it(short, initial):
    start = 0.0 if initial is None else initial
    levels = start + 0.1 * (np.arange(1, 50) - short)
    for sign in (1, -1):
        signal = start + sign * (np.concatenate([[start], levels]) - start)
        spikes = DeltaSpikeEncoder(0.1, initial=initial).fit_transform(
            signal[np.newaxis, :, np.newaxis]
        )[0]
        # Each is a level behind.
        expected = [0, 0, *[1] * 48]
        assert spikes[:, 0 if sign > 0 else 1].tolist() == expected


@each("initial", [None, 0.0, 0.3])
def test_levels_reached_by_rounding_stay_within_a_threshold(initial):
    rng = np.random.default_rng(1)
    steps = rng.integers(-3, 4, size=(4, 500, 2)).cumsum(axis=1)
    for dtype in (np.float32, float):
        signals = (steps * 0.1).astype(dtype)
        encoder = DeltaSpikeEncoder(0.1, max_count=255, initial=initial)
        spikes = encoder.fit_transform(signals)
        levels = encoder.inverse_transform(spikes)
        start = signals[:, :1] if initial is None else 0
        rounding = 1e-9 if dtype is float else 1e-4
        # All are levels.
        np.testing.assert_allclose(levels + start, signals, rtol=0, atol=rounding)
        listed = encoder.transform([signals[0], signals[1, :7]])
        np.testing.assert_array_equal(listed[0], spikes[0])
        np.testing.assert_array_equal(listed[1], spikes[1, :7])
        for i in range(4):
            alone = encoder.transform(signals[i : i + 1])[0]
            np.testing.assert_array_equal(alone, spikes[i])
        np.testing.assert_array_equal(encoder.transform(signals.astype(float)), spikes)


def test_values_whose_difference_is_no_float():
    signal = np.array([-1e308, 1e308, -1e308])[np.newaxis, :, np.newaxis]
    spikes = DeltaSpikeEncoder(1e-300, max_count=9).fit_transform(signal)
    assert spikes[0].T.tolist() == [[0, 9, 0], [0, 0, 9]]


@each("dtype", [np.float16, np.float32])
def test_values_of_small_types_are_followed_in_float64(dtype):
    values = X.astype(dtype)
    encoder = DeltaSpikeEncoder(0.01, max_count=255, initial=1 / 3)
    np.testing.assert_array_equal(
        encoder.fit_transform(values), encoder.transform(values.astype(float))
    )


FINE = np.array([[1000.0], [1000.04], [1000.08]])
COMPANY = [
    *(FINE, FINE.astype(np.float32), (FINE * 10).astype(np.int32), FINE.tolist()),
    *(FINE.astype(np.float16), [[np.float32(x)] for x in FINE[:2, 0]], FINE > 1000),
    *(np.array([[9.0], [np.nan]], np.float32), pd.DataFrame(FINE, dtype=np.float32)),
    *(FINE.astype(object), FINE.astype(np.longdouble)[:2]),
]


@each("transformer", [DeltaSpikeEncoder(0.01, max_count=100), DelayLine(2)], ids=repr)
def test_a_recording_is_the_same_in_any_company(transformer):
    """Whatever the types of the others, which have one in common in the end."""
    transformer.fit([FINE])
    alone = [transformer.transform([x])[0] for x in COMPANY]
    for i, given in enumerate(COMPANY):
        for k, other in enumerate(COMPANY):
            made = transformer.transform([given, other])
            are_alike = len(alone[i]) == len(alone[k]) == len(given) == len(other)
            assert type(made) is (np.ndarray if are_alike else Sequences)
            np.testing.assert_array_equal(made[0], alone[i])
            np.testing.assert_array_equal(made[1], alone[k])
    single = COMPANY[1]
    spikes = transformer.transform([single, np.zeros((1, 1))])
    np.testing.assert_array_equal(spikes[0], transformer.transform(single[None])[0])


def test_unsigned_values_fall_too():
    signal = np.array([5, 3, 9], dtype=np.uint8)[np.newaxis, :, np.newaxis]
    spikes = DeltaSpikeEncoder(1.0, max_count=9).fit_transform(signal)
    assert spikes[0].T.tolist() == [[0, 0, 6], [0, 2, 0]]


@each_transformer
def test_only_the_past_counts(transformer):
    whole = transformer.fit_transform(X)
    for n in (1, 6):
        np.testing.assert_array_equal(transformer.transform(X[:, :n]), whole[:, :n])


@each_transformer
@each("kind", [list, tuple])
def test_lists_of_recordings_of_unequal_length(transformer, kind):
    made = transformer.fit(kind(LISTED)).transform(kind(LISTED))
    assert type(made) is Sequences
    for one, given in zip(made, LISTED, strict=True):
        np.testing.assert_array_equal(one, transformer.transform(given[np.newaxis])[0])
    if hasattr(transformer, "inverse_transform"):
        for one, back in zip(made, transformer.inverse_transform(made), strict=True):
            expected = transformer.inverse_transform(one[np.newaxis])[0]
            np.testing.assert_array_equal(back, expected)


@each_transformer
def test_what_is_a_list(transformer):
    """Recordings of equal length become an array."""
    whole = transformer.fit_transform(X)
    for given in (list(X), [pd.DataFrame(x) for x in X], X.tolist()):
        made = transformer.transform(given)
        assert type(made) is np.ndarray
        np.testing.assert_array_equal(made, whole)
    unequal = [x.tolist() for x in LISTED]
    for one, other in zip(
        transformer.transform(unequal), transformer.transform(LISTED), strict=True
    ):
        np.testing.assert_array_equal(one, other)


each_kind = each("transformer", [DelayLine(), DeltaSpikeEncoder()], ids=repr)


def refuses(transformer, X, match, error=ValueError):
    """Check the message of fit, and of transform of what was fitted."""
    fitted = type(transformer)().fit(LISTED)
    for method in (type(transformer)().fit, fitted.transform):
        with pytest.raises(error, match=match):
            method(X)


@each_kind
def test_tables_are_refused(transformer):
    refuses(transformer, X[0], r"dim 2; .* X\[:, :, np.newaxis\], .*single")
    refuses(transformer, pd.DataFrame(X[0]), "dim 2; .* is a table")
    refuses(transformer, sparse.csr_array(X[0]), "dim 2; .* is a table")


@each_kind
def test_other_dimensions_are_refused(transformer):
    refuses(transformer, X[0, 0], "dim 1; .* takes recordings")
    frames = np.zeros((2, 3, 4, 5))
    with pytest.raises(ValueError, match="Frames in time") as caught:
        transformer.fit(frames)
    recipe = re.search(r"X\.reshape\(.*\)", str(caught.value))[0]
    assert eval(recipe, {"X": frames}).shape == (2, 3, 20)


@each_kind
def test_lists_that_are_refused(transformer):
    refuses(transformer, [], "empty list")
    refuses(transformer, [X[0], X[1, :, :1]], r"X\[1\]")
    refuses(transformer, [X[0], X[1, :, 0]], "of 1 to 2 dimensions")
    refuses(transformer, [X[0], X[1, :0]], r"X\[1\]")
    bad = X[1, :4].copy()
    bad[2] = np.nan
    refuses(transformer, [X[0], bad], r"NaN. ChannelTransformer\(SimpleImp")
    text = X[1, :4].astype(str)
    refuses(transformer, [X[0], text], "Convert your data to numeric")
    days = np.zeros((4, 2), "datetime64[D]")
    refuses(transformer, [X[0], days], "X has dates or times")
    thin = sparse.csr_array(X[0])
    refuses(transformer, [X[0], thin], r"X\[1\] is sparse")


@each_kind
def test_other_channels_than_in_fit(transformer):
    transformer.fit(LISTED)
    for given in (X[..., :1], [x[:, :1] for x in LISTED]):
        with pytest.raises(ValueError, match=r"X has 1 features, but .* expecting 2"):
            transformer.transform(given)
    with pytest.raises(ValueError, match=r"X.swapaxes\(1, 2\)"):
        transformer.transform(X.swapaxes(1, 2))


@each_kind
def test_nothing_is_refused(transformer):
    refuses(transformer, X[:, :0], r"\(6, 0, 2\); .* at least one sample")
    refuses(transformer, X[:0], r"0 sample\(s\)")


@each_kind
def test_spike_trains_are_refused(transformer):
    trains = SpikeTrains(np.full((3, 2), 0.5), 5)
    refuses(transformer, trains, r"np.asarray\(X\) draws one")
    transformer.fit(np.asarray(trains))


@each_transformer
def test_events_are_refused_and_laid_out_as_is_advised(transformer):
    """Not padded: silence beyond an end would be steps."""
    arrays = [(np.abs(x) > 1).astype(np.uint8) for x in LISTED]
    events = as_sequences(
        [tuple(np.nonzero(x)) for x in arrays],
        dt=1,
        n_units=2,
        n_steps=[len(x) for x in arrays],
    )
    refuses(transformer, events, r"EventSequences are events: list\(X\) lays them")
    made = clone(transformer).fit_transform(list(events))
    for one, array in zip(made, arrays, strict=True):
        expected = clone(transformer).fit_transform(array[np.newaxis])[0]
        np.testing.assert_array_equal(one, expected)


def test_spikes_of_other_channels_are_not_decoded():
    encoder = DeltaSpikeEncoder().fit(X)
    with pytest.raises(
        ValueError, match=r"X has 2 channels, but .* of 2 on and as many"
    ):
        encoder.inverse_transform(X)
    with pytest.raises(ValueError, match="dim 2"):
        encoder.inverse_transform(X[0])


def test_the_present_is_what_delays_are_made_of():
    delays = DelayLine(3, stride=2).fit(X)
    back = delays.inverse_transform(delays.transform(X))
    np.testing.assert_array_equal(back, X)
    assert back.base is None
    with pytest.raises(ValueError, match="X has 2 channels, but DelayLine made 3 of e"):
        delays.inverse_transform(X)
