"""SpikingClassifier: what it accepts, answers and tells of its training."""

import tracemalloc

import numpy as np
import pandas as pd
import pytest
from helpers import (
    PLAIN,
    assert_same_network,
    fast,
    use_wide_range,
)
from scipy import sparse
from scipy.special import softmax
from sklearn.base import clone
from sklearn.exceptions import DataConversionWarning

from sklearn_snn import SpikeTrains, SpikingClassifier

pytestmark = pytest.mark.usefixtures("engine")


# What it accepts


@pytest.mark.parametrize(
    "labels",
    [
        ["no", "yes"],
        [False, True],
        [-1, 1],
        [10, 7],
        np.array(["b", "a"], dtype=object),
        pd.Categorical(["b", "a"]),
    ],
    ids=str,
)
def test_any_label_type(labels, blobs):
    X, y = blobs
    named = np.asarray(labels)[y]
    model = fast(max_iter=40).fit(X, named)
    np.testing.assert_array_equal(model.classes_, np.unique(named))
    assert model.predict(X).dtype == model.classes_.dtype
    assert (model.predict(X) == named).mean() > 0.9


def test_column_y_warns(blobs):
    X, y = blobs
    with pytest.warns(DataConversionWarning):
        fast().fit(X, y[:, None])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_dim", [2, 3])
def test_float_types_are_kept(dtype, n_dim, blobs):
    X, y = blobs
    X = X.astype(dtype)
    if n_dim == 3:
        X = np.repeat(X[:, None], 4, axis=1)
    model = fast().fit(X, y)
    arrays = [*model.coefs_, *model.intercepts_, model.predict_proba(X)]
    assert {a.dtype for a in arrays} == {np.dtype(dtype)}
    other = X.astype(np.float64 if dtype == np.float32 else np.float32)
    assert model.predict_proba(other).dtype == dtype


@pytest.mark.parametrize("dtype", [np.uint8, bool])
def test_recorded_spikes_are_computed_in_float32(dtype, rng):
    X = rng.random((20, 6, 4)) < 0.5
    model = fast().fit(X.astype(dtype), np.arange(20) % 2)
    assert model.coefs_[0].dtype == np.float32
    assert model.n_features_in_ == 4
    same = fast().fit(X.astype(np.float32), np.arange(20) % 2)
    np.testing.assert_array_equal(model.coefs_[0], same.coefs_[0])


def test_constant_current_equals_the_repeated_sequence(blobs, monkeypatch):
    X, y = blobs
    use_wide_range(monkeypatch)
    flat = fast(n_steps=6).fit(X, y)
    repeated = np.repeat(X[:, None], 6, axis=1)
    sequence = fast(n_steps=99).fit(repeated, y)
    np.testing.assert_allclose(flat.coefs_[0], sequence.coefs_[0], rtol=1e-9)
    np.testing.assert_allclose(
        flat.predict_proba(X), sequence.predict_proba(repeated), rtol=1e-9
    )


@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csc_array])
def test_sparse_equals_dense(container, blobs):
    X, y = blobs
    X = np.where(X > 1, X, 0)
    dense, from_sparse = fast().fit(X, y), fast().fit(container(X), y)
    np.testing.assert_allclose(dense.coefs_[0], from_sparse.coefs_[0], rtol=1e-9)
    np.testing.assert_array_equal(
        dense.decision_function(X), dense.decision_function(container(X))
    )


def test_wide_sparse_input_is_not_made_dense():
    """As dense float64, a mini-batch would take 128 * 300,000 * 8 B = 307 MB."""
    X = sparse.random_array((256, 300_000), density=1e-5, format="csr", rng=0)
    model = fast(hidden_layer_sizes=(2,), max_iter=1).fit(X, np.arange(256) % 2)
    tracemalloc.start()
    model.predict(X)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6


def test_data_frames(blobs):
    X, y = blobs
    frame = pd.DataFrame(X, columns=list("abcde"))
    model = fast().fit(frame, pd.Series(y))
    assert model.feature_names_in_.tolist() == list("abcde")
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame[list("edcba")])


def test_lazy_spikes_equal_dense_spikes(blobs, rng):
    """Prediction sees the spikes that np.asarray shows; training draws fresh ones."""
    trains = SpikeTrains(rng.random((60, 5)), 12)
    model = fast().fit(trains, blobs[1])
    np.testing.assert_allclose(
        model.decision_function(trains), model.decision_function(np.asarray(trains))
    )
    one_epoch = fast(max_iter=1)
    first = one_epoch.fit(trains, blobs[1]).coefs_[0]
    dense = one_epoch.fit(np.asarray(trains.present(1)), blobs[1]).coefs_[0]
    np.testing.assert_allclose(first, dense, rtol=1e-4, atol=1e-6)
    two = clone(one_epoch).set_params(max_iter=2, learning_rate="constant")
    epochs = two.fit(trains, blobs[1]).loss_curve_
    same = two.fit(np.asarray(trains.present(1)), blobs[1]).loss_curve_
    assert epochs[0] == pytest.approx(same[0], rel=1e-5)
    assert epochs[1] != pytest.approx(same[1], rel=1e-3)


# What it answers


def test_answers_agree_with_each_other(digits):
    X, _, y, _ = digits
    X = X[:200] / 16
    model = fast(max_iter=20).fit(X, y[:200])
    logits = model.decision_function(X)
    assert logits.shape == (200, 10)
    np.testing.assert_allclose(model.predict_proba(X), softmax(logits, axis=1))
    np.testing.assert_allclose(
        model.predict_log_proba(X), np.log(model.predict_proba(X))
    )
    np.testing.assert_array_equal(
        model.predict(X), model.classes_[logits.argmax(axis=1)]
    )
    # Spike counts: multiples of 10 / n_steps, from 0 to 10, told apart by less than
    # half a spike.
    counts = model.simulate(X).spikes[-1].sum(axis=1, dtype=float)
    assert 0 <= counts.min() < counts.max() <= 10
    assert (np.abs(logits - counts) < 0.5).all()
    assert len(np.unique(logits)) > 1000
    assert model.out_activation_ == "softmax"


def test_two_classes(blobs):
    X, y = blobs
    model = fast(max_iter=20).fit(X, y)
    decision = model.decision_function(X)
    assert decision.shape == (60,)
    p = model.predict_proba(X)
    np.testing.assert_allclose(decision, np.log(p[:, 1] / p[:, 0]), atol=1e-9)
    np.testing.assert_array_equal(model.predict(X), (decision > 0).astype(int))


# What it tells of its training


def test_losses_and_epochs(blobs):
    model = fast(max_iter=7).fit(*blobs)
    assert model.n_iter_ == len(model.loss_curve_) == 7
    assert model.loss_ == model.loss_curve_[-1]
    assert model.best_loss_ == min(model.loss_curve_)
    assert model.loss_curve_[-1] < model.loss_curve_[0]
    assert ((model.firing_rates_ >= 0) & (model.firing_rates_ <= 1)).all()


def test_first_loss_is_the_mean_over_all_samples(blobs):
    """Batches of unequal size are weighted by their size; the steps are negligible."""
    X, y = blobs
    curves = [
        fast(max_iter=1, batch_size=size, learning_rate_init=1e-12).fit(X, y).loss_
        for size in (60, 59, 7)
    ]
    assert curves[1:] == pytest.approx(curves[:1] * 2, rel=1e-6)


def test_firing_rates_are_those_of_the_last_epoch(blobs):
    """Against the spikes of a network that hardly moves, for unequal batches."""
    X, y = blobs
    params = {"learning_rate_init": 1e-12, "max_iter": 1, "hidden_layer_sizes": (9,)}
    model = fast(**params, batch_size=47).fit(X, y)
    spikes = np.zeros(2)
    u = [np.zeros((60, 9)), np.zeros((60, 2))]
    for _ in range(10):
        x = X
        for layer in range(2):
            u[layer] = (
                0.95 * u[layer] + x @ model.coefs_[layer] + model.intercepts_[layer]
            )
            x = (u[layer] > 0.6).astype(float)
            u[layer] *= 1 - x
            spikes[layer] += x.mean() / 10
    assert spikes[0] > 0
    np.testing.assert_allclose(model.firing_rates_, spikes, rtol=1e-6)


def test_verbose(blobs, capsys):
    fast().fit(*blobs)
    assert capsys.readouterr().out == ""
    model = fast(verbose=True).fit(*blobs)
    lines = capsys.readouterr().out.splitlines()
    lines = [line for line in lines if "ompil" not in line]  # see test_engines
    assert len(lines) == 3
    assert lines[2].startswith(f"Epoch 3/3: loss {model.loss_:.4f}, firing rates")


class Fewer(SpikingClassifier):
    """A subclass that fixes most parameters, as a project may have its own."""

    def __init__(self, max_iter=3, *, random_state=None):
        super().__init__((10,), n_steps=10, learning_rate_init=0.02, **PLAIN)
        self.max_iter, self.random_state = max_iter, random_state


def test_a_subclass_with_fewer_parameters(blobs):
    """It is the same network as that of the parameters that it stands for."""
    X, y = blobs
    assert_same_network(Fewer(random_state=0).fit(X, y), fast().fit(X, y))
    a, b = (m.partial_fit(X, y, [0, 1]) for m in (Fewer(random_state=0), fast()))
    assert_same_network(a, b)
    np.testing.assert_array_equal(clone(a).fit(X, y).coefs_[0], b.fit(X, y).coefs_[0])
