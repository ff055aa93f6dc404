"""SpikingClassifier: what it learns, what it accepts, what it leaves behind."""

import tracemalloc
import warnings
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.special import softmax
from sklearn.base import clone
from sklearn.datasets import (
    load_breast_cancer,
    load_digits,
    load_iris,
    load_wine,
    make_classification,
)
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_snn import PoissonSpikeEncoder, SpikeTrains, SpikingClassifier
from sklearn_snn._engine_numba import NumbaEngine
from sklearn_snn._engine_numpy import NumpyEngine
from sklearn_snn._neurons import RESETS
from sklearn_snn._optimizers import Adam
from sklearn_snn._surrogates import SURROGATES


@pytest.fixture(scope="module")
def blobs():
    """Two separated classes, as float64 of shape (60, 5)."""
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    return rng.normal(size=(60, 5)) + 2.5 * (y[:, None] - 0.5), y


pytestmark = pytest.mark.usefixtures("engine")


@pytest.fixture
def engine_class(engine):
    return {"numpy": NumpyEngine, "numba": NumbaEngine}[engine]


def fast(**params):
    return SpikingClassifier(
        **{
            "hidden_layer_sizes": (10,),
            "max_iter": 3,
            "learning_rate_init": 0.02,
            "n_steps": 10,
            "random_state": 0,
            **params,
        }
    )


# What it learns


@pytest.mark.parametrize(
    ("load", "encoder"),
    [
        (load_iris, StandardScaler()),
        (load_wine, StandardScaler()),
        (load_breast_cancer, StandardScaler()),
        (load_digits, PoissonSpikeEncoder(n_steps=25, random_state=0)),
    ],
)
def test_tabular_data_as_well_as_an_mlp(load, encoder):
    """Defaults against MLPClassifier's defaults, cross-validated: within 2 points."""
    X, y = load(return_X_y=True)
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    mlp = make_pipeline(StandardScaler(), MLPClassifier(random_state=0))
    snn = make_pipeline(encoder, SpikingClassifier(random_state=0))
    expected = cross_val_score(mlp, X, y, cv=folds).mean()
    assert cross_val_score(snn, X, y, cv=folds).mean() >= expected - 0.02


@pytest.mark.parametrize("random_state", range(4))
def test_no_class_is_silent_from_birth(random_state):
    """With biases of zero, some seeds left an output neuron silent for good."""
    X, y = make_classification(1000, 20, n_informative=8, random_state=0)
    model = make_pipeline(
        PoissonSpikeEncoder(n_steps=25, scaling="feature", random_state=0),
        SpikingClassifier(max_iter=30, random_state=random_state),
    )
    assert model.fit(X, y).score(X, y) > 0.8
    assert (model.decision_function(X) > 0).any()


def test_mnist(mnist):
    X_train, y_train, X_test, y_test = mnist
    model = make_pipeline(
        PoissonSpikeEncoder(n_steps=50, random_state=0),
        SpikingClassifier(max_iter=2, random_state=0),
    )
    model.fit(X_train[:10_000], y_train[:10_000])
    assert model.score(X_test, y_test) > 0.91


@pytest.mark.parametrize("hidden_layer_sizes", [(), 7, (8,), [9, 8], (8, 7, 6)])
def test_any_depth_learns(hidden_layer_sizes, blobs):
    model = fast(hidden_layer_sizes=hidden_layer_sizes, max_iter=60)
    model.fit(*blobs)
    assert model.score(*blobs) > 0.95
    sizes = [5, *np.atleast_1d(hidden_layer_sizes).astype(int), 2]
    assert [w.shape for w in model.coefs_] == list(pairwise(sizes))
    assert [b.shape for b in model.intercepts_] == [(n,) for n in sizes[1:]]
    assert (model.n_layers_, model.n_outputs_) == (len(sizes), 2)
    assert model.firing_rates_.shape == (len(sizes) - 1,)


@pytest.mark.parametrize(
    "params",
    [
        *({"surrogate": name, "beta": 1.0} for name in SURROGATES),
        *({"reset": name} for name in RESETS),
        {"detach_reset": True},
        {"logit_scale": 0.5},
        {"solver": "sgd", "learning_rate_init": 0.2},
        {"solver": "sgd", "learning_rate_init": 0.2, "nesterovs_momentum": False},
        {"solver": "sgd", "learning_rate_init": 0.2, "momentum": 0.8},
        {"shuffle": False},
        {"grad_clip": 0.01},
        {"max_grad_norm": 0.1},
        {"max_grad_norm": None},
        {"weight_decay": 1e-3},
        {"batch_size": 7},
        {"alpha": 0.0},
        {"alpha": 1.0},
        {"threshold": 1.5},
        {"beta": 1.0},
        {"n_steps": 1},
    ],
    ids=str,
)
def test_every_parameter_takes_effect_and_learns(params, blobs):
    # Compared with the defaults, but for what the parameter needs in order to count.
    needed = {k: params[k] for k in ("solver", "learning_rate_init") if k in params}
    if len(needed) == len(params):
        needed = {}
    reference = fast(max_iter=60).set_params(**needed).fit(*blobs)
    model = fast(max_iter=60).set_params(**params).fit(*blobs)
    assert model.score(*blobs) > 0.9
    defaults = SpikingClassifier().get_params()
    if all(defaults[name] == value for name, value in params.items()):
        assert model.loss_curve_ == reference.loss_curve_
    else:
        assert model.loss_curve_ != reference.loss_curve_


def test_weight_decay_is_an_l2_penalty(blobs):
    """One full-batch step: the weights' gradient grows by weight_decay * W."""
    X, y = blobs
    params = {
        "solver": "sgd",
        "momentum": 0,
        "nesterovs_momentum": False,
        "max_iter": 1,
        "learning_rate_init": 0.5,
        "max_grad_norm": None,
    }
    plain = fast(**params).fit(X, y)
    decayed = fast(**params, weight_decay=0.1).fit(X, y)
    start = fast(**params).set_params(learning_rate_init=1e-300).fit(X, y)
    for w, w_decayed, w_0 in zip(
        plain.coefs_, decayed.coefs_, start.coefs_, strict=True
    ):
        np.testing.assert_allclose(w - w_decayed, 0.5 * 0.1 * w_0, rtol=1e-9)
    for b, b_decayed in zip(plain.intercepts_, decayed.intercepts_, strict=True):
        np.testing.assert_array_equal(b, b_decayed)
    penalty = 0.05 * sum((w**2).sum() for w in start.coefs_)
    assert decayed.loss_ - plain.loss_ == pytest.approx(penalty)


@pytest.fixture
def updates(monkeypatch):
    """Record (gradients, learning rate) of every update."""
    recorded = []
    update = Adam.update

    def record(self, grads, learning_rate):
        recorded.append(([g.copy() for g in grads], learning_rate))
        update(self, grads, learning_rate)

    monkeypatch.setattr(Adam, "update", record)
    return recorded


def test_cosine_schedule_falls_with_every_batch(blobs, updates):
    fast(max_iter=4, batch_size=20, learning_rate_init=0.3).fit(*blobs)
    expected = 0.3 * (1 + np.cos(np.pi * np.arange(12) / 12)) / 2
    np.testing.assert_allclose([rate for _, rate in updates], expected)


def test_constant_schedule(blobs, updates):
    with pytest.warns(ConvergenceWarning):
        fast(learning_rate="constant", batch_size=20, learning_rate_init=0.3).fit(
            *blobs
        )
    assert [rate for _, rate in updates] == [0.3] * 9


def test_gradients_are_clipped_by_value_then_by_norm(blobs, updates):
    """Of all parameters, biases included."""
    params = {"max_iter": 1, "max_grad_norm": None}
    fast(**params).fit(*blobs)
    fast(**params, grad_clip=1e-3).fit(*blobs)
    fast(**params | {"max_grad_norm": 5e-3}, grad_clip=1e-3).fit(*blobs)
    (plain, _), (by_value, _), (by_both, _) = updates
    clipped = [np.clip(g, -1e-3, 1e-3) for g in plain]
    norm = np.sqrt(sum((g**2).sum() for g in clipped))
    assert norm > 5e-3
    assert any((np.abs(g) > 1e-3).any() for g in plain[2:])  # some of the biases
    for value, both, expected in zip(by_value, by_both, clipped, strict=True):
        np.testing.assert_array_equal(value, expected)
        np.testing.assert_allclose(both, expected * 5e-3 / norm)


@pytest.mark.parametrize("nesterovs_momentum", [False, True])
def test_momentum(nesterovs_momentum, blobs, engine_class, monkeypatch):
    """Two full-batch steps by hand."""
    gradients = []
    step = engine_class.loss_and_gradients

    def record(self, coefs, intercepts, X, *args):
        result = step(self, coefs, intercepts, X, *args)
        gradients.append(result[1][0].copy())
        return result

    monkeypatch.setattr(engine_class, "loss_and_gradients", record)
    params = {"solver": "sgd", "learning_rate": "constant", "max_grad_norm": None}
    start = fast(**params | {"learning_rate_init": 1e-300}, max_iter=1).fit(*blobs)
    model = fast(
        **params | {"learning_rate_init": 0.1},
        max_iter=2,
        momentum=0.5,
        nesterovs_momentum=nesterovs_momentum,
    ).fit(*blobs)
    _, g1, g2 = gradients
    v1 = -0.1 * g1
    v2 = 0.5 * v1 - 0.1 * g2
    moves = [0.5 * v - 0.1 * g for v, g in ((v1, g1), (v2, g2))]
    expected = start.coefs_[0] + (sum(moves) if nesterovs_momentum else v1 + v2)
    np.testing.assert_allclose(model.coefs_[0], expected, rtol=1e-9, atol=1e-15)


def test_samples_are_shuffled_anew_in_every_epoch(blobs, engine_class, monkeypatch):
    seen = []
    step = engine_class.loss_and_gradients

    def record(self, coefs, intercepts, X, *args):
        seen.append(X[:, 0])
        return step(self, coefs, intercepts, X, *args)

    monkeypatch.setattr(engine_class, "loss_and_gradients", record)
    X, y = blobs
    fast(max_iter=3).fit(X, y)
    fast(max_iter=2, shuffle=False).fit(X, y)
    first, second, third, *unshuffled = seen
    for epoch in (first, second, third):
        np.testing.assert_array_equal(np.sort(epoch), np.sort(X[:, 0]))
    assert not np.array_equal(first, second)
    assert not np.array_equal(second, third)
    for epoch in unshuffled:
        np.testing.assert_array_equal(epoch, X[:, 0])


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


def test_many_classes(rng):
    y = np.arange(120) % 6
    X = np.eye(6)[y] * 3 + rng.normal(size=(120, 6)) / 5
    model = fast(hidden_layer_sizes=(30,), max_iter=100).fit(X, y)
    assert model.score(X, y) > 0.95
    assert model.decision_function(X).shape == (120, 6)


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


def test_constant_current_equals_the_repeated_sequence(blobs):
    X, y = blobs
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
    # Spike counts: multiples of 10 / n_steps, from 0 to 10.
    np.testing.assert_allclose(logits, np.round(logits))
    assert 0 <= logits.min() < logits.max() <= 10
    assert model.out_activation_ == "softmax"


def test_two_classes(blobs):
    X, y = blobs
    model = fast(max_iter=20).fit(X, y)
    decision = model.decision_function(X)
    assert decision.shape == (60,)
    p = model.predict_proba(X)
    np.testing.assert_allclose(decision, np.log(p[:, 1] / p[:, 0]), atol=1e-9)
    np.testing.assert_array_equal(model.predict(X), (decision > 0).astype(int))


# How it stops, and what it says


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


def test_stops_without_progress(blobs):
    model = fast(max_iter=100, tol=10.0, n_iter_no_change=4).fit(*blobs)
    # The first epoch improves on infinity, then four may pass, and one too many.
    assert model.n_iter_ == 6


def test_convergence_warning(blobs):
    with pytest.warns(ConvergenceWarning, match=r"\(max_iter=3\) reached") as caught:
        fast().fit(*blobs)
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fast(tol=10.0, n_iter_no_change=1, max_iter=9).fit(*blobs)


def test_verbose(blobs, capsys):
    fast().fit(*blobs)
    assert capsys.readouterr().out == ""
    model = fast(verbose=True).fit(*blobs)
    lines = capsys.readouterr().out.splitlines()
    lines = [line for line in lines if "ompil" not in line]  # see test_engines
    assert len(lines) == 3
    assert lines[2].startswith(f"Epoch 3/3: loss {model.loss_:.4f}, firing rates")


# Failure


def test_a_failed_fit_changes_nothing(blobs, monkeypatch):
    X, y = blobs
    model = fast().fit(X, y)
    before = {k: v for k, v in vars(model).items() if k.endswith("_")}
    expected = model.decision_function(X)

    def interrupt(*args):
        raise KeyboardInterrupt

    for broken, error in ((X[:, :3], KeyboardInterrupt), (X[:, :4], ValueError)):
        with monkeypatch.context() as patch:
            if error is KeyboardInterrupt:
                patch.setattr("sklearn_snn._optimizers.Adam.update", interrupt)
            with pytest.raises(error):
                model.fit(broken, y if error is KeyboardInterrupt else np.zeros(60))
        after = {k: v for k, v in vars(model).items() if k.endswith("_")}
        assert after.keys() == before.keys()
        assert all(after[k] is before[k] for k in before)
        np.testing.assert_array_equal(model.decision_function(X), expected)


def test_divergence_is_an_error(blobs):
    X, y = blobs
    model = fast(learning_rate_init=1e308, batch_size=20)
    with (
        np.errstate(all="ignore"),
        pytest.raises(ValueError, match="gradient is not finite"),
    ):
        model.fit(X, y)
    assert not hasattr(model, "coefs_")
