"""Steps of times: one on an edge is of the step that begins, rounded or not."""

import numpy as np
import pytest

from sklearn_snn import as_sequences
from sklearn_snn._inputs.binning import steps_of


@pytest.mark.parametrize("dt", [0.1, 0.001, 0.005, 1 / 3, 1e-6, 7.0])
@pytest.mark.parametrize(
    ("dtype", "start"), [("f4", 0.0), ("f8", 0.0), ("f8", 12.0), ("f8", -0.5)]
)
def test_no_first_or_last_step_is_lost(dt, dtype, start):
    """A spike on each edge: one in each step, whatever a quotient is rounded to."""
    edges = (start + np.arange(900) * dt).astype(dtype)
    assert steps_of(edges, dt, start).tolist() == list(range(900))
    for n in range(1, 900, 7):
        X = as_sequences([(edges[:n], np.zeros(n, int))], dt=dt, n_units=1, start=start)
        assert X.lengths.tolist() == [n]
        assert X[0].all()
    X = as_sequences(
        [(edges, np.zeros(900, int))], dt=dt, n_units=1, start=start, duration=900 * dt
    )
    assert X.lengths.tolist() == [900]
    assert X[0].all()


def test_times_that_count_from_long_before():
    """As seconds since 1970, which have lost digits, of the start of each recording."""
    start = 1.7e9 + 1 / 3
    edges = start + np.arange(900) * 0.001
    assert steps_of(edges, 0.001, start).tolist() == list(range(900))


def rounded_edges(n, dt, dtype):
    """Return edges of steps as they are in files: numbers of a type, rounded once."""
    return (np.arange(n) * dt).astype(dtype)


@pytest.mark.parametrize(
    ("n", "dt", "dtype"),
    [
        (34_000, 0.001, "f4"),
        (1_000_000, 0.001, "f4"),
        (100_000, 0.005, "f4"),
        (150_000, 0.01, "f4"),
        (2_000, 0.1, "f4"),
        (1_000, 0.001, "f2"),
        (140, 0.01, "f2"),
        (40, 0.1, "f2"),
        (1_000_000, 0.001, "f8"),
    ],
)
def test_edges_that_a_type_rounds(n, dt, dtype):
    """One spike in each step, for as long as rounding is less than a quarter of it."""
    edges = rounded_edges(n, dt, dtype)
    np.testing.assert_array_equal(steps_of(edges, dt), np.arange(n))
    X = as_sequences([(edges, np.zeros(n, int))], dt=dt, n_units=1, n_steps=n)
    np.testing.assert_array_equal(X.steps, np.arange(n))
    for k in {n - 1, n // 2, n // 3}:
        X = as_sequences([(edges[k : k + 1], [0])], dt=dt, n_units=1)
        assert X.lengths.tolist() == [k + 1]
    long = np.repeat(edges[1::97], 2)
    X = [([], [])] * len(long)
    lengths = as_sequences(X, dt=dt, n_units=1, duration=long).lengths
    np.testing.assert_array_equal(lengths, np.repeat(np.arange(n)[1::97], 2))


@pytest.mark.parametrize("dt", [0.001, 0.005, 0.01])
def test_edges_computed_in_float32(dt):
    """Which rounds twice: the width of a step, and its product."""
    n = 200_000
    edges = np.arange(n, dtype="f4") * np.float32(dt)
    np.testing.assert_array_equal(steps_of(edges, dt), np.arange(n))


def test_edges_from_long_before_that_float64_rounds():
    """Steps of a tenth of a millisecond, and seconds since 1970."""
    edges = 1.7e9 + np.arange(20_000) * 1e-4
    np.testing.assert_array_equal(steps_of(edges, 1e-4, 1.7e9), np.arange(20_000))


def test_a_start_that_float32_rounds():
    start = np.float32(100.1)
    edges = 100.1 + np.arange(5_000) * 0.001
    for given in (start, float(start)):
        own = (float(start) + np.arange(5_000) * 0.001).astype("f4")
        np.testing.assert_array_equal(steps_of(own, 0.001, given), np.arange(5_000))
    np.testing.assert_array_equal(steps_of(edges, 0.001, start), np.arange(5_000))


@pytest.mark.parametrize(
    ("dtype", "end"), [("f2", 1.0), ("f4", 30.0), ("f4", 2_000.0), ("f8", 30.0)]
)
def test_what_is_clearly_before_an_edge_stays_there(dtype, end, rng):
    """By more than a spacing of the type (half of it in float16), and 1e-9 of it."""
    dt = 0.001
    times = rng.uniform(0, end, 200_000).astype(dtype)
    spacing = np.spacing(times).astype(float) / (2 if dtype == "f2" else 1)
    steps, exact = steps_of(times, dt), times.astype(float) / dt
    allowed = np.minimum(spacing / dt, 0.25) + 1e-9 * (1 + exact)
    if dtype == "f4":  # as it was before, where a spacing is next to nothing
        allowed = np.maximum(allowed, np.minimum(2.0**-23 * exact, 1e-3) + 1e-9)
    assert (steps <= exact + allowed).all()
    assert (steps > exact - 1 - 1e-12).all()
    is_clear = np.ceil(exact) - exact > allowed
    assert is_clear.sum() > 50_000
    np.testing.assert_array_equal(steps[is_clear], np.floor(exact[is_clear]))


def test_times_whose_type_does_not_resolve_steps():
    """What is a quarter of a step away from the next is not moved there."""
    times = np.array([4096.0, 4096.0005, 60_000.0], "f4")
    assert steps_of(times, 0.001).tolist() == [4_096_000, 4_096_000, 60_000_000]
    largest = np.array([np.finfo(dtype).max for dtype in ("f4", "f8")])
    for time, dtype in zip(largest, ("f4", "f8"), strict=True):
        assert steps_of(np.array([time], dtype), 1.0)[0] == 2**62


def test_steps_between_their_edges():
    middle = np.arange(900) * 0.001 + 0.0009
    assert steps_of(middle, 0.001).tolist() == list(range(900))
    below = np.nextafter(np.arange(1, 900) * 0.001, 0) - 1e-9
    assert steps_of(below, 0.001).tolist() == list(range(899))


def test_whole_numbers_are_divided_as_such():
    """A quotient of floats would be taken for the next whole number."""
    times = np.array([0, 999, 1_000, 999_999_999, 10**15 - 1, 10**15, -1])
    expected = [0, 0, 1, 999_999, 10**12 - 1, 10**12, -1]
    assert steps_of(times, 1000).tolist() == expected
    assert steps_of(times + 7, 1000, 7).tolist() == expected
    assert steps_of(np.array([3, 4]), 0.5).tolist() == [6, 8]
    assert steps_of(np.array([250], "u1"), 100, -100).tolist() == [3]


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_start_that_is_not_finite_is_refused(wrong):
    """Of it, as of a trial whose onset is missing, no event would be left."""
    trials = [([0.0, 1.5], [0, 1]), ([0.2], [2])]
    for outside in ("raise", "drop"):
        options = {"dt": 1, "n_units": 3, "n_steps": 3, "outside": outside}
        with pytest.raises(ValueError, match="start must be finite"):
            as_sequences(trials, start=[wrong, 0], **options)
