"""SpikeTrains: array behaviour, and the statistics of the spikes.

The statistical tests have fixed seeds; ``FALSE_ALARM`` is the probability with which a
perfect generator would fail a single check. A test makes at most four, and so fails
with at most four times that.
"""

import pickle

import numpy as np
import pytest
from scipy import sparse, stats

from sklearn_snn import SpikeTrains

FALSE_ALARM = 1e-4


def _z_is_plausible(z):
    """Check standard normal values, corrected for their number (two-sided)."""
    z = np.asarray(z)
    return np.abs(z).max() < stats.norm.isf(FALSE_ALARM / 2 / z.size)


def _correlation_z(a, b, p, q):
    """Standardized covariance of spikes with known probabilities, over axis 0."""
    n = a.shape[0]
    covariance = ((a - p) * (b - q)).sum(axis=0)
    return covariance / np.sqrt(n * p * (1 - p) * q * (1 - q))


@pytest.fixture
def rates(rng):
    return rng.uniform(0.02, 0.98, (40, 30))


# Array behaviour


def test_looks_like_an_array(rates):
    trains = SpikeTrains(rates, 7)
    assert trains.shape == (40, 7, 30)
    assert (trains.ndim, trains.dtype, len(trains)) == (3, np.uint8, 40)
    dense = np.asarray(trains)
    assert dense.shape == trains.shape
    assert dense.dtype == np.uint8
    assert np.asarray(trains, dtype=np.float32).dtype == np.float32
    with pytest.raises(ValueError, match="copy"):
        np.asarray(trains, copy=False)


@pytest.mark.parametrize(
    "index",
    [
        3,
        -1,
        np.int64(5),
        slice(2, 9),
        slice(None, None, -3),
        [4, 4, 1],
        np.array([7, 0]),
        np.arange(40) % 3 == 0,
        [],
        ...,
        (),
        ([1, 2], ...),
        (slice(3), slice(None), slice(None)),
    ],
)
def test_indexing_selects_samples(rates, index):
    trains = SpikeTrains(rates, 5)
    expected = np.asarray(trains)[index]
    if expected.ndim == 2:  # a single sample keeps its axis
        expected = expected[np.newaxis]
    selected = trains[index]
    assert isinstance(selected, SpikeTrains)
    np.testing.assert_array_equal(np.asarray(selected), expected)


def test_bad_indices(rates):
    trains = SpikeTrains(rates, 5)
    for index in (40, -41, np.zeros(39, dtype=bool), [50]):
        with pytest.raises(IndexError):
            trains[index]
    for index in ((slice(None), 0), (0, np.array([0, 1]))):
        with pytest.raises(IndexError, match="by sample only"):
            trains[index]
    with pytest.raises(IndexError, match="1-D"):
        trains[np.array([[0, 1]])]
    assert sum(1 for _ in trains) == 40


def test_storage_does_not_change_the_spikes(rng):
    codes = rng.integers(0, 256, (20, 12), dtype=np.uint8)
    codes[rng.random(codes.shape) < 0.5] = 0
    levels = np.arange(256) / 255
    rates = levels[codes]
    reference = np.asarray(SpikeTrains(rates, 9, seed=3))
    csr = sparse.csr_matrix(rates)
    explicit_zeros = sparse.csr_array(np.where(rates == 0, 2, rates))
    explicit_zeros.data[explicit_zeros.data == 2] = 0
    for same in (
        SpikeTrains(codes, 9, seed=3, levels=levels),
        SpikeTrains(csr, 9, seed=3),
        SpikeTrains(explicit_zeros, 9, seed=3),
        SpikeTrains(np.asfortranarray(rates), 9, seed=3),
        pickle.loads(pickle.dumps(SpikeTrains(rates, 9, seed=3))),
    ):
        np.testing.assert_array_equal(np.asarray(same), reference)


def test_duplicate_entries_add_up():
    entries = np.array([0.25, 0.5]), np.array([0, 0]), np.array([0, 2])
    trains = SpikeTrains(sparse.csr_array(entries, shape=(1, 1)), 20)
    same = SpikeTrains(np.array([[0.75]]), 20)
    np.testing.assert_array_equal(np.asarray(trains), np.asarray(same))


def test_eight_bit_images_are_not_blown_up():
    codes = np.zeros((1000, 784), dtype=np.uint8)
    trains = SpikeTrains(codes, 100, levels=np.arange(256) / 255)
    assert trains.rates is codes


@pytest.mark.parametrize(
    ("rates", "message"),
    [
        (np.array([[1.1]]), r"\[0, 1\]"),
        (np.array([[-0.1]]), r"\[0, 1\]"),
        (np.array([[np.nan]]), r"\[0, 1\]"),
        (sparse.csr_array([[2.0]]), r"\[0, 1\]"),
        (np.zeros(3), r"shape \(n_samples, n_features\), got shape \(3,\)"),
    ],
)
def test_rates_must_be_probabilities(rates, message):
    with pytest.raises(ValueError, match=message):
        SpikeTrains(rates, 5)


def test_other_bad_arguments():
    with pytest.raises(ValueError, match="n_steps"):
        SpikeTrains(np.zeros((1, 1)), 0)
    for kwargs in ({"n_steps": 2.5}, {"n_steps": 1, "seed": 0.5}):
        with pytest.raises(TypeError, match="float"):
            SpikeTrains(np.zeros((1, 1)), **kwargs)
    codes = np.zeros((1, 1), dtype=np.uint8)
    for rates in (codes.astype(float), [[0]], sparse.csr_array(codes)):
        with pytest.raises(ValueError, match="levels"):
            SpikeTrains(rates, 1, levels=np.zeros(256))


# A spike is a function of its content alone


def test_spikes_do_not_depend_on_batch_or_order(rates, rng):
    trains = SpikeTrains(rates, 11)
    dense = np.asarray(trains)
    order = rng.permutation(len(trains))
    np.testing.assert_array_equal(np.asarray(trains[order]), dense[order])
    for i in (0, 17, 39):
        np.testing.assert_array_equal(np.asarray(trains[i])[0], dense[i])


def test_longer_trains_begin_with_the_shorter(rates):
    short, long = SpikeTrains(rates, 10), SpikeTrains(rates, 25)
    np.testing.assert_array_equal(np.asarray(long)[:, :10], np.asarray(short))


def test_no_two_rows_presentations_or_seeds_share_their_streams(rng):
    """All keys of 30,000 sparse rows that differ in one entry are different.

    A perfect hash has a collision among 3e5 words of 64 bits with p = 2.4e-9.
    """
    base = np.zeros(100)
    base[:10] = 0.5
    rows = np.tile(base, (30_000, 1))
    # Rates that differ in their low bits, their high bits, and in place.
    rows[np.arange(10_000), 5] = np.linspace(0.1, 0.2, 10_000)
    rows[np.arange(10_000, 20_000), 6] = 2.0 ** -np.linspace(0, 20, 10_000)
    rows[20_000:] = 0
    pairs = rng.choice(100**3, 10_000, replace=False)
    for k in range(3):
        rows[np.arange(20_000, 30_000), (pairs // 100**k) % 100] = 0.5
    rows = np.unique(rows.astype(np.float32), axis=0)
    keys = []
    for seed, presentation in ((0, 0), (0, 1), (1, 0)):
        trains = SpikeTrains(rows, 1, seed=seed, presentation=presentation)
        keys.append(trains._stream_keys(*trains.active()))
    keys = np.concatenate(keys)
    assert len(np.unique(keys)) == len(keys)


# Statistics


def test_rates_are_met(rates):
    n_steps = 4000
    p = rates.astype(np.float32).astype(np.float64)
    counts = np.asarray(SpikeTrains(rates, n_steps)).sum(axis=1, dtype=np.int64)
    z = (counts - n_steps * p) / np.sqrt(n_steps * p * (1 - p))
    assert _z_is_plausible(z)
    # Neither too far from the mean nor too close to it.
    assert FALSE_ALARM < stats.chi2.cdf((z**2).sum(), z.size) < 1 - FALSE_ALARM


def test_small_rates_are_met():
    """Rates far below 1/65536 still fire as often as they should."""
    p, n_steps = 2e-5, 1000
    distinct = p * (1 + np.arange(300) / 1e4)[:, None] * np.ones(100)
    spikes = np.asarray(SpikeTrains(distinct, n_steps)).sum(dtype=np.int64)
    expected = distinct.sum() * n_steps
    assert FALSE_ALARM < stats.poisson.cdf(spikes, expected) < 1 - FALSE_ALARM


def test_zero_never_fires_and_one_always():
    dense = np.asarray(SpikeTrains(np.array([[0.0, 1.0]]), 10_000))
    assert dense[..., 0].sum() == 0
    assert dense[..., 1].all()


@pytest.mark.parametrize("lag", [1, 2, 3, 7, 16, 32])
def test_steps_are_independent(rates, lag):
    dense = np.asarray(SpikeTrains(rates, 3000)).astype(float)
    steps = np.moveaxis(dense, 1, 0)
    assert _z_is_plausible(_correlation_z(steps[:-lag], steps[lag:], rates, rates))


def test_features_are_independent(rates):
    """Also features of equal rate, whose thresholds are the same."""
    equal = np.concatenate([rates, np.full_like(rates, 0.3)], axis=1)
    dense = np.asarray(SpikeTrains(equal, 3000)).astype(float)
    steps = np.moveaxis(dense, 1, 0)
    for shift in (1, 2, 30):
        other = np.roll(steps, shift, axis=2)
        q = np.roll(equal, shift, axis=1)
        assert _z_is_plausible(_correlation_z(steps, other, equal, q))


def test_presentations_and_seeds_are_independent(rates):
    trains = SpikeTrains(rates, 3000)
    first = np.moveaxis(np.asarray(trains).astype(float), 1, 0)
    for other in (
        trains.present(1),
        trains.present(2),
        trains.present(2**40),
        SpikeTrains(rates, 3000, seed=1),
    ):
        second = np.moveaxis(np.asarray(other).astype(float), 1, 0)
        assert _z_is_plausible(_correlation_z(first, second, rates, rates))


def test_rows_that_differ_in_one_feature_are_independent(rates):
    rows = np.tile(rates[0], (40, 1))
    rows[:, 7] = np.linspace(0.1, 0.9, 40)
    dense = np.moveaxis(np.asarray(SpikeTrains(rows, 3000)).astype(float), 1, 0)
    z = _correlation_z(dense[:, 1:], dense[:, :-1], rows[1:], rows[:-1])
    assert _z_is_plausible(z)


@pytest.mark.parametrize("p", [0.05, 0.3, 0.8])
def test_intervals_are_geometric(p):
    """Chi-square test of the inter-spike intervals of one long train per row."""
    rows = p * (1 - np.arange(50) / 1e6)[:, None]
    dense = np.asarray(SpikeTrains(rows, 4000))[..., 0]
    intervals = np.concatenate([np.diff(np.flatnonzero(train)) for train in dense])
    longest = int(stats.geom.isf(0.005, p))
    observed = np.bincount(np.minimum(intervals, longest))[1:]
    expected = stats.geom.pmf(np.arange(1, longest + 1), p)
    expected[-1] = stats.geom.sf(longest - 1, p)
    assert stats.chisquare(observed, expected * len(intervals)).pvalue > FALSE_ALARM
