"""PoissonSpikeEncoder: ranges, kinds of input, and what it keeps out of memory."""

import tracemalloc

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils._param_validation import InvalidParameterError

from sklearn_snn import PoissonSpikeEncoder, SpikeTrains
from sklearn_snn.exceptions import InputMismatchWarning


def rates_of(trains):
    """Return the firing probabilities of SpikeTrains as a dense array."""
    rates = trains.rates.toarray() if sparse.issparse(trains.rates) else trains.rates
    return rates if trains.levels is None else trains.levels[rates]


@pytest.fixture
def X(rng):
    return rng.normal(size=(30, 6)) * [1, 2, 3, 4, 5, 6] + [0, 9, -9, 0, 0, 0]


def test_global_scaling(X):
    encoder = PoissonSpikeEncoder(max_rate=0.8).fit(X)
    assert (encoder.data_min_, encoder.data_max_) == (X.min(), X.max())
    expected = 0.8 * (X - X.min()) / (X.max() - X.min())
    np.testing.assert_allclose(rates_of(encoder.transform(X)), expected, rtol=1e-5)


def test_feature_scaling(X):
    encoder = PoissonSpikeEncoder(scaling="feature").fit(X)
    np.testing.assert_array_equal(encoder.data_min_, X.min(axis=0))
    expected = (X - X.min(axis=0)) / np.ptp(X, axis=0)
    np.testing.assert_allclose(
        rates_of(encoder.transform(X)), expected, rtol=1e-5, atol=1e-7
    )


def test_no_scaling(rng):
    X = rng.random((5, 4))
    encoder = PoissonSpikeEncoder(scaling=None).fit(X)
    np.testing.assert_allclose(rates_of(encoder.transform(X)), X, rtol=1e-6)


@pytest.mark.parametrize("scaling", ["global", "feature"])
def test_new_intensities_are_clipped_to_the_learned_range(X, scaling):
    encoder = PoissonSpikeEncoder(scaling=scaling).fit(X)
    with pytest.warns(InputMismatchWarning, match="leaves the range"):
        trains = encoder.transform(np.array([[-1e6] * 6, [1e6] * 6]))
    rates = rates_of(trains)
    assert rates.tolist() == [[0.0] * 6, [1.0] * 6]


@pytest.mark.parametrize("scaling", ["global", "feature"])
@pytest.mark.parametrize("kind", [np.uint8, np.float32, sparse.csr_array])
def test_max_rate(kind, scaling):
    X = kind(np.array([[0, 100], [50, 50], [100, 0]], dtype=np.uint8))
    trains = PoissonSpikeEncoder(max_rate=0.3, scaling=scaling).fit_transform(X)
    expected = [[0, 0.3], [0.15, 0.15], [0.3, 0]]
    np.testing.assert_allclose(rates_of(trains), expected, rtol=1e-6)


@pytest.mark.parametrize("scaling", ["global", "feature"])
def test_constant_features_are_silent(scaling):
    encoder = PoissonSpikeEncoder(scaling=scaling).fit(np.full((4, 3), 7.0))
    trains = encoder.transform(np.array([[7.0, 6.0, 9.0]]))
    assert np.asarray(trains).sum() == 0


@pytest.mark.parametrize("scaling", ["global", "feature"])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_all_kinds_of_input_give_the_same_spikes(scaling, dtype, rng):
    images = rng.integers(0, 256, (20, 10), dtype=np.uint8)
    images[rng.random(images.shape) < 0.6] = 0
    make = PoissonSpikeEncoder(n_steps=9, scaling=scaling, random_state=0).fit_transform
    reference = np.asarray(make(images.astype(float)))
    X = images.astype(dtype)
    for same in (
        X,
        np.asfortranarray(X),
        sparse.csr_matrix(X),
        sparse.csc_array(X),
        X.tolist(),
        pd.DataFrame(X, columns=list("abcdefghij")),
        pl.DataFrame(X, schema=list("abcdefghij")),
    ):
        np.testing.assert_array_equal(np.asarray(make(same)), reference)


def test_sparse_input_with_negative_values(X):
    """Zero is not the lowest intensity then, and must fire."""
    X[X < 0.5] = 0
    X[0, 0] = -3
    encoder = PoissonSpikeEncoder(n_steps=5, random_state=0).fit(X)
    np.testing.assert_array_equal(
        np.asarray(encoder.transform(sparse.csr_array(X))),
        np.asarray(encoder.transform(X)),
    )


def test_sparse_input_stays_sparse():
    X = sparse.random_array((1000, 5000), density=0.001, format="csr", rng=0)
    trains = PoissonSpikeEncoder().fit_transform(X)
    assert sparse.issparse(trains.rates)
    assert trains.rates.nnz == X.nnz


@pytest.mark.parametrize("scaling", ["global", "feature", None])
def test_sparse_input_without_any_entry(scaling):
    trains = PoissonSpikeEncoder(scaling=scaling).fit_transform(
        sparse.csr_array((3, 4))
    )
    assert np.asarray(trains).shape == (3, 100, 4)
    assert not np.asarray(trains).any()


def test_images_are_not_copied_to_float():
    X = np.tile(np.arange(256, dtype=np.uint8), (20_000, 3))
    encoder = PoissonSpikeEncoder(random_state=0).fit(X)
    tracemalloc.start()
    encoder.transform(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1.5 * X.nbytes


def test_the_input_may_change_afterwards(rng):
    dense = rng.random((4, 3))
    for X in (
        dense,
        dense.astype(np.float32),
        rng.integers(0, 9, (4, 3), dtype=np.uint8),
        sparse.csr_array(dense),
        sparse.csr_array(dense.astype(np.float32)),
    ):
        values = X.data if sparse.issparse(X) else X
        given = values.copy()
        trains = PoissonSpikeEncoder(n_steps=20, random_state=0).fit_transform(X)
        np.testing.assert_array_equal(values, given)  # nor does the encoder change it
        before = np.asarray(trains)
        values[:] = 0
        np.testing.assert_array_equal(np.asarray(trains), before)


@pytest.mark.parametrize("scaling", ["global", "feature"])
def test_duplicate_entries_of_a_sparse_matrix_add_up(scaling):
    duplicated = sparse.csr_array(
        ([2.0, 4.0, 4.0, 3.0, 1.0], [0, 0, 1, 0, 1], [0, 3, 5]), shape=(2, 2)
    )
    encoder = PoissonSpikeEncoder(scaling=scaling).fit(duplicated.toarray())
    np.testing.assert_allclose(
        rates_of(encoder.transform(duplicated)),
        rates_of(encoder.transform(duplicated.toarray())),
    )
    assert duplicated.nnz == 5  # the user's matrix is left alone


def test_range_beyond_float64():
    with pytest.raises(ValueError, match="range of X is too large"):
        PoissonSpikeEncoder().fit(np.array([[-1e308, 1e308]]))


def test_random_state(X):
    def spikes(random_state):
        encoder = PoissonSpikeEncoder(n_steps=50, random_state=random_state)
        return np.asarray(encoder.fit_transform(X))

    np.testing.assert_array_equal(spikes(0), spikes(0))
    np.testing.assert_array_equal(
        spikes(np.random.RandomState(3)), spikes(np.random.RandomState(3))
    )
    assert (spikes(0) != spikes(1)).mean() > 0.1
    assert (spikes(None) != spikes(None)).mean() > 0.1


def test_transform_repeats_itself(X):
    encoder = PoissonSpikeEncoder(n_steps=50).fit(X)
    np.testing.assert_array_equal(
        np.asarray(encoder.transform(X)), np.asarray(encoder.transform(X.copy()))
    )


def test_set_params_after_fit_takes_effect(X):
    encoder = clone(PoissonSpikeEncoder(random_state=0)).fit(X)
    assert encoder.set_params(n_steps=3).transform(X).shape == (30, 3, 6)


@pytest.mark.parametrize("frame", ["pandas", "polars", "default"])
def test_spike_trains_stay_what_they_are_where_data_frames_are_asked_for(X, frame):
    from sklearn import config_context

    X = pd.DataFrame(X, columns=list("abcdef"))
    expected = PoissonSpikeEncoder(random_state=0).fit_transform(
        StandardScaler().fit_transform(X)
    )
    encoder = PoissonSpikeEncoder(random_state=0)
    model = make_pipeline(StandardScaler(), encoder).set_output(transform=frame)
    assert encoder.set_output(transform=frame) is encoder
    for context in (config_context(), config_context(transform_output=frame)):
        with context:
            trains = model.fit_transform(X)
            assert isinstance(trains, SpikeTrains)
            np.testing.assert_array_equal(rates_of(trains), rates_of(expected))
            names = getattr(encoder, "feature_names_in_", np.array([]))
            assert names.tolist() == list("abcdef" if frame != "default" else "")


@pytest.mark.parametrize(
    ("name", "value"), [("scaling", "bla"), ("n_steps", "a"), ("max_rate", 5)]
)
def test_transform_checks_parameters_that_were_set_after_fit(name, value):
    encoder = PoissonSpikeEncoder().fit([[0.0, 1.0]])
    encoder.set_params(**{name: value})
    with pytest.raises(InvalidParameterError, match=f"The '{name}' parameter"):
        encoder.transform([[0.0, 1.0]])
