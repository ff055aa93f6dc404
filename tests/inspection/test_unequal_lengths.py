"""Pictures of recordings of unequal lengths: what has ended is not silent."""

import numpy as np
import pytest
from helpers import fast

from sklearn_snn.inspection import (
    AnytimeAccuracyDisplay,
    MembraneDisplay,
    SpikeRasterDisplay,
)

LENGTHS = (2, 3, 2, 20)


@pytest.fixture
def recordings():
    return [np.ones((n, 4)) for n in LENGTHS], [0, 1, 0, 1]


@pytest.fixture
def trained(recordings):
    return fast(hidden_layer_sizes=(8,)).fit(*recordings)


def test_spikes_so_far_are_those_of_a_sample(trained, recordings):
    """One that has ended keeps those that it fired."""
    X, y = recordings
    shown = AnytimeAccuracyDisplay.from_estimator(trained, X, y)
    expected = [4 * np.minimum(LENGTHS, t + 1).mean() for t in range(20)]
    np.testing.assert_allclose(shown.spikes[:, 0], expected)
    for layer, spikes in enumerate(trained.simulate(X).spikes):
        assert spikes.any()
        so_far = spikes.sum(axis=2).cumsum(axis=1).mean(axis=0)
        np.testing.assert_allclose(shown.spikes[:, 1 + layer], so_far)


def test_the_mean_of_a_step_is_over_those_that_have_it(trained, recordings):
    X, _ = recordings
    record = trained.simulate(X)
    np.testing.assert_array_equal(record.lengths, LENGTHS)
    for of in (trained.simulate(X, layers=[]), record):
        shown = SpikeRasterDisplay.from_record(of, sample="mean")
        np.testing.assert_array_equal(shown.rasters[0], np.ones((20, 4)))
    hidden = shown.rasters[1]
    np.testing.assert_allclose(hidden[0], record.spikes[0][:, 0].mean(axis=0))
    np.testing.assert_allclose(hidden[2], record.spikes[0][[1, 3], 2].mean(axis=0))
    np.testing.assert_allclose(hidden[19], record.spikes[0][3, 19])


@pytest.mark.parametrize("readout", ["spike_count", "membrane_mean"])
@pytest.mark.parametrize("layer", [0, 1])
def test_membranes_end_with_the_sample(layer, readout, recordings):
    """As they are drawn of the sample alone, which has no steps after its end."""
    X, y = recordings
    model = fast(hidden_layer_sizes=(8,), readout=readout).fit(X, y)
    record = model.simulate(X)
    for sample, n_steps in enumerate(LENGTHS):
        one = {"sample": sample, "layer": layer}
        shown = MembraneDisplay.from_record(record, **one)
        alone = MembraneDisplay.from_estimator(model, X, **one)
        assert shown.membranes.shape == (20, alone.membranes.shape[1])
        np.testing.assert_array_equal(shown.membranes[:n_steps], alone.membranes)
        np.testing.assert_array_equal(shown.offsets_, alone.offsets_)
        assert shown.ax_.get_ylim() == alone.ax_.get_ylim()
        for line, other in zip(shown.ax_.lines, alone.ax_.lines, strict=True):
            u, v = line.get_ydata(), other.get_ydata()
            np.testing.assert_array_equal(u[: len(v)], v)
            assert np.isnan(u[len(v) :]).all()


def test_a_record_of_samples_as_long_has_no_lengths(trained, rng):
    assert trained.simulate(rng.random((3, 5, 4))).lengths is None
