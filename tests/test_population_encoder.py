"""PopulationSpikeEncoder: receptive fields, both codes, and the way back."""

import numpy as np
import pytest

from sklearn_snn import PopulationSpikeEncoder

X = np.linspace(-20, 60, 401)[:, np.newaxis]
each = pytest.mark.parametrize


def rates_of(encoder, data):
    return encoder.transform(data).rates.reshape(len(data), -1, encoder.n_neurons)


@each("beta", [1.0, 1.5, 2.0])
@each("n", [3, 4, 9])
def test_receptive_fields_are_those_of_the_paper(n, beta):
    rates = rates_of(PopulationSpikeEncoder(n, beta=beta).fit(X), X)[:, 0]
    low, high = X.min(), X.max()
    for i in range(1, n + 1):
        center = low + (2 * i - 3) / 2 * (high - low) / (n - 2)
        width = (high - low) / (beta * (n - 2))
        expected = np.exp(-((X[:, 0] - center) ** 2) / (2 * width**2))
        expected[np.abs(X[:, 0] - center) > 4 * width] = 0
        np.testing.assert_allclose(rates[:, i - 1], expected, atol=1e-6)


def test_neurons_of_a_feature_stand_together():
    table = np.array([[0.0, 5.0], [1.0, 9.0], [0.2, 7.0]])
    encoder = PopulationSpikeEncoder(4).fit(table)
    rates = encoder.transform(table).rates
    for j in range(2):
        alone = PopulationSpikeEncoder(4).fit(table[:, [j]])
        expected = alone.transform(table[:, [j]]).rates
        np.testing.assert_array_equal(rates[:, 4 * j : 4 * j + 4], expected)
    names = encoder.get_feature_names_out(["a", "b"])
    assert names[:5].tolist() == [*(f"a_neuron{i}" for i in range(4)), "b_neuron0"]


def test_max_rate_and_seed():
    encoder = PopulationSpikeEncoder(4, 50, random_state=0).fit(X)
    full = rates_of(encoder, X)
    half = rates_of(PopulationSpikeEncoder(4, max_rate=0.5).fit(X), X)
    np.testing.assert_allclose(half, full / 2, rtol=1e-6)
    trains = encoder.transform(X)
    assert (trains.n_steps, trains.seed) == (50, encoder.seed_)
    again = PopulationSpikeEncoder(4, 50, random_state=0).fit_transform(X)
    np.testing.assert_array_equal(np.asarray(again), np.asarray(trains))
    assert PopulationSpikeEncoder(random_state=1).fit(X).seed_ != encoder.seed_
    assert (np.asarray(trains) != np.asarray(trains.present(1))).any()


@each("n_steps", [1, 2, 11])
def test_the_most_active_neuron_fires_first_and_the_others_not_last(n_steps):
    rates = rates_of(PopulationSpikeEncoder(5).fit(X), X)[:, 0].astype(float)
    encoder = PopulationSpikeEncoder(5, n_steps, code="latency")
    spikes = encoder.fit_transform(X)
    assert spikes.dtype == np.uint8
    assert spikes.sum(axis=1).max() == 1
    expected = np.zeros_like(spikes)
    exact = (1 - rates) * (n_steps - 1)
    times = np.rint(exact).astype(int)
    last = max(1, n_steps - 1)
    for i, j in np.argwhere((rates > 0) & (times < last)):
        expected[i, times[i, j], j] = 1
    # Rates were rounded to float32, which matters at the border of two steps only.
    borderline = (np.abs(exact % 1 - 0.5) < 1e-4).any(axis=1)
    assert borderline.sum() < 5
    np.testing.assert_array_equal(spikes[~borderline], expected[~borderline])
    if n_steps == 11:
        assert not spikes[:, 10].any()


def test_back_to_values():
    """By rates that are nearly exact, to a tenth of the distance of two centers."""
    distance = (X.max() - X.min()) / 6
    encoder = PopulationSpikeEncoder(8, 4000, random_state=0).fit(X)
    errors = np.abs(encoder.inverse_transform(encoder.transform(X[::8])) - X[::8])
    assert errors.max() < 0.12 * distance
    assert np.median(errors) < 0.02 * distance
    encoder = PopulationSpikeEncoder(8, 200, code="latency").fit(X)
    errors = np.abs(encoder.inverse_transform(encoder.transform(X)) - X)
    assert errors.max() < 0.1 * distance
    assert np.median(errors) < 0.01 * distance


def test_nobody_knows_the_value_of_what_is_silent():
    table = np.column_stack([X[:, 0], np.full(len(X), 3.0)])
    for code in ("poisson", "latency"):
        encoder = PopulationSpikeEncoder(4, 5, code=code).fit(table)
        told = encoder.inverse_transform(np.zeros((2, 5, 8)))
        assert np.isnan(told[:, 0]).all()
        assert (told[:, 1] == 3).all()
    with pytest.raises(ValueError, match=r"decodes spikes of .*n_samples, 5, 8\)"):
        encoder.inverse_transform(np.zeros((2, 5, 2)))


def test_decoding_does_not_depend_on_the_batch():
    encoder = PopulationSpikeEncoder(7, 30, random_state=0).fit(X)
    trains = encoder.transform(X)
    whole = encoder.inverse_transform(trains)
    for rows in (slice(5, 6), slice(3, 90)):
        np.testing.assert_array_equal(
            encoder.inverse_transform(trains[rows]), whole[rows]
        )
