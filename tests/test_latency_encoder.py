"""LatencySpikeEncoder: both laws, what is silent, and the way back."""

import numpy as np
import pytest

from sklearn_snn import LatencySpikeEncoder, PoissonSpikeEncoder

UNIT = np.linspace(0, 1, 41)[:, np.newaxis]
each = pytest.mark.parametrize


def times_of(spikes):
    """Return when each feature fires, -1 for never; check that it does so once."""
    assert spikes.dtype == np.uint8
    counts = spikes.sum(axis=1)
    assert counts.max() <= 1
    return np.where(counts == 1, spikes.argmax(axis=1), -1)


def test_times_are_linear_in_intensities():
    X = np.array([[0.0, 1.0, 10.0], [5.0, 2.6, 7.4]])
    times = times_of(LatencySpikeEncoder(11).fit_transform(X))
    assert times.tolist() == [[-1, 9, 0], [5, 7, 3]]


def test_one_range_for_all_features_or_one_for_each():
    X = np.array([[0.0, 200.0], [10.0, 100.0], [5.0, 150.0]])
    by_feature = LatencySpikeEncoder(11, scaling="feature").fit_transform(X)
    assert times_of(by_feature).tolist() == [[-1, 0], [0, -1], [5, 5]]
    together = times_of(LatencySpikeEncoder(201).fit_transform(X))
    assert together.tolist() == [[-1, 0], [190, 100], [195, 50]]


def test_what_is_just_above_zero_fires_last():
    encoder = LatencySpikeEncoder(5, scaling=None).fit(UNIT)
    tiny = np.nextafter(0, 1)
    assert times_of(encoder.transform([[0.0], [tiny], [1e-3]])).tolist() == [
        *([-1], [4], [4])
    ]


def test_logarithmic_times_are_when_a_membrane_reaches_the_threshold():
    """Compared with the membrane itself, integrated in small steps."""
    tau, threshold, n_steps, finer = 9.0, 0.25, 40, 1000
    encoder = LatencySpikeEncoder(
        n_steps, law="logarithmic", threshold=threshold, tau=tau, scaling=None
    )
    times = times_of(encoder.fit_transform(UNIT))
    u, reached = np.zeros(len(UNIT)), np.full(len(UNIT), np.inf)
    for k in range(1, n_steps * finer):
        u += (UNIT[:, 0] - u) / (tau * finer)
        reached[(u > threshold) & np.isinf(reached)] = k / finer
    fires = times[:, 0] >= 0
    np.testing.assert_array_equal(fires, reached < n_steps - 0.5)
    assert 20 < fires.sum() < len(UNIT)
    assert np.abs(times[fires, 0] - reached[fires]).max() < 0.51


def test_by_default_the_steps_are_five_time_constants():
    log = {"law": "logarithmic", "scaling": None}
    given = LatencySpikeEncoder(50, tau=10.0, **log).fit_transform(UNIT)
    default = LatencySpikeEncoder(50, **log).fit_transform(UNIT)
    np.testing.assert_array_equal(given, default)


@each("law", ["linear", "logarithmic"])
def test_back_to_intensities(law):
    X = np.random.default_rng(0).normal(size=(200, 3)) * 50 + 7
    encoder = LatencySpikeEncoder(60, law=law, threshold=0.1).fit(X)
    spikes = encoder.transform(X)
    told = encoder.inverse_transform(spikes)
    width = X.max() - X.min()
    fires = spikes.any(axis=1)
    assert (told[~fires] == X.min()).all()
    if law == "linear":
        assert np.abs(told - X).max() <= width / 59 / 2 * (1 + 1e-9)
        assert np.abs(told - X).max() > width / 59 / 3
    else:
        assert not fires.all()
        assert (X[~fires] - X.min()).max() < 0.11 * width
        # Encoded again, it is the same: nothing but the place within a step was lost.
        np.testing.assert_array_equal(encoder.transform(told), spikes)


@each("law", ["linear", "logarithmic"])
def test_of_several_spikes_the_first_is_decoded(law):
    encoder = LatencySpikeEncoder(8, law=law).fit([[0.0], [8.0]])
    spikes = np.zeros((1, 8, 1))
    spikes[0, 3] = 1
    first = encoder.inverse_transform(spikes)
    spikes[0, [5, 7]] = 4
    np.testing.assert_array_equal(encoder.inverse_transform(spikes), first)
    assert 0 < first[0, 0] < 8


def test_a_spike_at_once_tells_the_highest_intensity():
    encoder = LatencySpikeEncoder(8, law="logarithmic").fit([[2.0], [8.0]])
    spikes = np.eye(8, dtype=np.uint8)[:1, :, np.newaxis]
    assert encoder.inverse_transform(spikes).tolist() == [[8.0]]


@each("params", [{"tau": 1e-300}, {"tau": 1e300}, {"threshold": 1 - 1e-16}])
def test_extreme_constants(params):
    encoder = LatencySpikeEncoder(8, law="logarithmic", scaling=None, **params)
    times = times_of(encoder.fit_transform(UNIT))
    if params == {"tau": 1e-300}:
        assert times.tolist() == [[0 if x > 0.2 else -1] for x in UNIT[:, 0]]
    else:
        assert (times == -1).all() or params != {"tau": 1e300}
    assert np.isfinite(encoder.inverse_transform(encoder.transform(UNIT))).all()


def test_a_single_step():
    encoder = LatencySpikeEncoder(1, scaling=None)
    spikes = encoder.fit_transform([[0.0, 0.3, 1.0]])
    assert spikes.tolist() == [[[0, 1, 1]]]
    assert encoder.inverse_transform(spikes).tolist() == [[0.0, 1.0, 1.0]]


def test_what_is_no_spikes_is_not_decoded():
    encoder = LatencySpikeEncoder(5).fit(np.eye(3))
    for shape in [(2, 5), (2, 4, 3), (2, 5, 2), (2, 5, 3, 1)]:
        with pytest.raises(ValueError, match=r"decodes spikes of .*n_samples, 5, 3\)"):
            encoder.inverse_transform(np.zeros(shape))
    with pytest.raises(ValueError, match="NaN"):
        encoder.inverse_transform(np.full((2, 5, 3), np.nan))
    rates = PoissonSpikeEncoder(5, random_state=0).fit_transform(np.eye(3))
    told = encoder.inverse_transform(rates)  # spikes that are drawn are spikes, too
    np.testing.assert_array_equal(told, np.eye(3))
