"""Training that goes on: fit with warm_start, and partial_fit."""

import copy
import pickle
import re

import joblib
import numpy as np
import pytest
from helpers import (
    KINDS,
    SOLVERS,
    arrays,
    assert_same_network,
    assert_same_state,
    differ,
    fast,
    kinds_of_input,
    some_digits,
    stream,
)
from sklearn.exceptions import ConvergenceWarning

from sklearn_snn._training.results import CURVES, MAX_CALLS

# Going on with fit


def test_warm_start_needs_the_same_classes(iris):
    X, y = iris
    other_labels = np.sort(np.arange(150) % 3)
    model = fast(warm_start=True).fit(X, y).fit(X, y).fit(X, other_labels)
    before = copy.deepcopy(vars(model))
    for y_other in (
        np.arange(150) % 2,
        np.arange(150) % 3 * 2,
        np.arange(150) % 4,
        np.arange(150) % 5,
    ):
        message = (
            "warm_start can only be used where `y` has the same classes as in the "
            f"previous call to fit. Previously got [0 1 2], `y` has "
            f"{np.unique(y_other)}"
        )
        with pytest.raises(ValueError, match=re.escape(message)):
            model.fit(X, y_other)
        assert_same_state(model, before)
    model.set_params(warm_start=False).fit(X, np.arange(150) % 4)
    assert model.n_outputs_ == 4


@pytest.mark.parametrize("solver", SOLVERS)
def test_n_iter_counts_each_warm_start_anew(solver, iris):
    """All epochs are run each time, however many there were."""
    model = fast(warm_start=True, n_iter_no_change=1000, solver=solver)
    n_epochs = 0
    for max_iter in (4, 4, 8):
        model.set_params(max_iter=max_iter)
        with pytest.warns(ConvergenceWarning, match=rf"max_iter={max_iter}\)"):
            model.fit(*iris)
        n_epochs += max_iter
        assert model.n_iter_ == max_iter
        assert len(model.loss_curve_) == n_epochs
        assert model.t_ == 150 * n_epochs
        assert model.best_loss_ == min(model.loss_curve_)


@pytest.mark.parametrize("kind", KINDS)
def test_warm_start_is_one_training_in_parts(kind):
    """To the bit where the optimizer has no memory: also in shuffling and spikes."""
    X, y = some_digits(3, 60)
    X = kinds_of_input(X)[kind]
    params = {"solver": "sgd", "momentum": 0, "batch_size": 25}
    params |= {"learning_rate": "invscaling", "learning_rate_init": 0.2}
    model = fast(**params, warm_start=True, max_iter=2).fit(X, y)
    first = copy.deepcopy(model)
    model.set_params(max_iter=3).fit(X, y)
    whole = fast(**params, max_iter=5).fit(X, y)
    assert_same_network(model, whole)
    assert model.loss_curve_ == whole.loss_curve_
    assert model.t_ == whole.t_
    assert differ(model, first)


def test_warm_start_with_early_stopping(iris):
    model = fast(warm_start=True, early_stopping=True, max_iter=4).fit(*iris)
    scores = model.validation_scores_.copy()
    model.set_params(max_iter=6).fit(*iris)
    assert model.validation_scores_[:4] == scores
    assert len(model.validation_scores_) == len(model.loss_curve_) == 10
    assert model.n_iter_ == 6


def test_warm_start_with_other_layers_is_refused(iris):
    model = fast(warm_start=True).fit(*iris)
    before = copy.deepcopy(vars(model))
    for sizes in ((11,), (10, 10), ()):
        model.set_params(hidden_layer_sizes=sizes)
        for go_on in (model.fit, model.partial_fit):
            with pytest.raises(ValueError, match=r"hidden_layer_sizes=.* \(10,\)"):
                go_on(*iris)
    # The same network by another name.
    model.set_params(hidden_layer_sizes=10)
    assert_same_state(model, before | {"hidden_layer_sizes": 10})
    model.fit(*iris)
    assert len(model.loss_curve_) == 6


def test_warm_start_refuses_other_features(iris):
    X, y = iris
    model = fast(warm_start=True).fit(X, y)
    before = copy.deepcopy(vars(model))
    with pytest.raises(ValueError, match=r"X has 3 features, but .* is expecting 4"):
        model.fit(X[:, :3], y)
    assert_same_state(model, before)


def test_fit_without_warm_start_forgets(iris):
    """Epochs in fit and in partial_fit, and the state of the optimizer."""
    model = fast().fit(*iris)
    model.partial_fit(*iris).partial_fit(*iris)
    model.fit(*iris)
    fresh = fast().fit(*iris)
    assert_same_network(model, fresh)
    assert model.loss_curve_ == fresh.loss_curve_
    assert (model.t_, model.n_iter_) == (450, 3)
    assert_same_network(model.partial_fit(*iris), fresh.partial_fit(*iris))


# Going on with partial_fit


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"solver": "sgd"},
        {"solver": "sgd", "momentum": 0},
        {"solver": "sgd", "nesterovs_momentum": False},
        {"learning_rate": "invscaling"},
        {"shuffle": False, "weight_decay": 0.01},
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", KINDS)
def test_calls_of_partial_fit_are_epochs_of_fit(params, kind, engine):
    """To the bit, and in all that is kept."""
    X, y = some_digits(3, 60)
    X = kinds_of_input(X)[kind]
    params = {"learning_rate": "constant", "batch_size": 25, **params}
    whole = fast(**params, max_iter=4).fit(X, y)
    streamed = stream(fast(**params), X, y, 4)
    assert_same_network(whole, streamed)
    assert (whole.n_iter_, streamed.n_iter_) == (4, 1)
    assert (whole.t_, streamed.t_) == (240, 240)
    assert whole.loss_curve_ == streamed.loss_curve_
    assert whole.learning_rate_ == streamed.learning_rate_
    np.testing.assert_array_equal(whole.firing_rates_, streamed.firing_rates_)


def test_partial_fit_keeps_the_type_of_the_first_call():
    X, y = some_digits(2, 60)
    model = stream(fast(), X.astype(np.float32), y, 1)
    model.partial_fit(X, y)
    assert {a.dtype for a in arrays(model)} == {np.dtype(np.float32)}


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_stream_of_blocks_is_learned(n_classes):
    """Blocks that do not have all classes each, as strings."""
    X, y = some_digits(n_classes)
    order = np.argsort(y[:160], kind="stable").reshape(-1, 8).T
    names = np.array(["zero", "one", "two"])[y]
    model = fast()
    for _ in range(10):
        for block in order:
            model.partial_fit(X[block], names[block], classes=np.unique(names))
    assert model.score(X[160:], names[160:]) > 0.95
    assert (model.t_, model.n_iter_) == (1600, 1)
    assert len(model.loss_curve_) == 80
    assert model.loss_ == model.loss_curve_[-1]
    assert model.best_loss_ == min(model.loss_curve_)


def test_classes_that_come_later():
    model = fast(learning_rate_init=0.05)
    X, y = np.eye(4), ["a", "b", "c", "d"]
    model.partial_fit(X[:3], y[:3], classes=["d", "c", "b", "a"])
    assert model.classes_.tolist() == y
    assert model.coefs_[-1].shape == (10, 4)
    for _ in range(60):
        model.partial_fit(X[3:], y[3:]).partial_fit(X[:3], y[:3])
    assert model.predict(X).tolist() == y


def test_refused_classes(iris):
    X, y = iris
    for kwargs, message in (
        ({}, "classes must be passed on the first call"),
        ({"classes": [2]}, "at least 2 classes|not all are in"),
        ({"classes": [0, 1]}, r"y has classes \[0 1 2\], .*not all are in \[0 1\]"),
    ):
        model = fast()
        with pytest.raises(ValueError, match=message):
            model.partial_fit(X, y, **kwargs)
        assert_same_state(model, fast().get_params())
    for model in (stream(fast(), X, y, 1), fast().fit(X, y)):
        before = copy.deepcopy(vars(model))
        with pytest.raises(ValueError, match=r"classes=.*is not the same as"):
            model.partial_fit(X, y, classes=[1, 2, 3])
        with pytest.raises(ValueError, match=r"y has classes .*not all are in"):
            model.partial_fit(X, y + 1)
        with pytest.raises(ValueError, match=r"y has classes .*not all are in"):
            model.partial_fit(X, y.astype(str))
        assert_same_state(model, before)
        model.partial_fit(X, y, classes=[2, 0, 1])


def test_loaded_from_disk_it_goes_on(iris, tmp_path):
    """As if it had never been away; and it learns what it is shown then."""
    X, y = iris
    # An output that fell silent would not learn another class.
    params = {"solver": "sgd", "learning_rate_init": 0.1, "readout": "soft_count"}
    model = stream(fast(**params), X, y, 2)
    joblib.dump(model, tmp_path / "model.joblib")
    loaded = joblib.load(tmp_path / "model.joblib")
    assert_same_network(stream(loaded, X, y, 2), stream(model, X, y, 2))
    assert loaded.loss_curve_ == model.loss_curve_
    renamed = (y + 1) % 3
    assert loaded.score(X, renamed) < 0.5
    assert stream(loaded, X, renamed, 40).score(X, renamed) > 0.8


@pytest.mark.parametrize("solver", SOLVERS)
def test_another_solver_starts_without_memory(solver, iris):
    X, y = iris
    (other,) = set(SOLVERS) - {solver}
    model = stream(fast(solver=other), X, y, 2).set_params(solver=solver)
    without_memory = copy.deepcopy(model)
    without_memory._optimizer_state_ = None
    assert_same_network(stream(model, X, y, 2), stream(without_memory, X, y, 2))


def test_partial_fit_after_fit_goes_on_with_its_network(iris):
    X, y = iris
    model = fast(learning_rate="constant", solver="sgd", momentum=0).fit(X, y)
    assert_same_network(
        model.partial_fit(X, y),
        fast(learning_rate="constant", solver="sgd", momentum=0, max_iter=4).fit(X, y),
    )
    assert (model.n_iter_, model.t_, len(model.loss_curve_)) == (1, 600, 4)


# Streams without an end


def size_of(model):
    """Return the bytes that a file of the model would have."""
    return len(pickle.dumps(model))


def test_neither_calls_nor_files_grow(iris, monkeypatch):
    """Of the last calls so much is kept, and no more is copied in a call."""
    assert MAX_CALLS == 1000
    monkeypatch.setattr("sklearn_snn._training.results.MAX_CALLS", 30)
    X, y = iris
    model = fast(engine="numpy").partial_fit(X[:4], y[:4], classes=[0, 1, 2])
    sizes, losses = [], []
    for call in range(200):
        row = slice(call % 150, call % 150 + 1)
        model.partial_fit(X[row], y[row])
        sizes.append(size_of(model))
        losses.append(model.loss_)
        assert max(len(vars(model)[name]) for name in CURVES) <= 30
    assert model.loss_curve_ == losses[-30:]
    assert model.best_loss_ == min(losses[-30:])
    assert {len(vars(model)[name]) for name in CURVES} == {30}
    assert model.t_ == 204
    # The digits of a few counts.
    assert sizes[-1] - sizes[40] < 50


@pytest.mark.parametrize("train", ["fit", "partial_fit"])
def test_curves_are_saved_as_single_arrays(train, iris):
    """A thousand small arrays would take several times the bytes of their numbers."""
    X, y = iris[0][:9], np.arange(9) % 3
    model = stream(fast(engine="numpy"), X, y, 1)
    before = size_of(model)
    if train == "fit":
        model.set_params(max_iter=101, warm_start=True, n_iter_no_change=np.inf)
        stream(model.fit(X, y), X, y, 1)
    else:
        stream(model, X, y, 102)
    # Two floats of pickle, and twice two of float64, for each of 102 epochs.
    assert size_of(model) - before < 102 * (2 * 9 + 4 * 8) + 200
    loaded = pickle.loads(pickle.dumps(model))
    for name in CURVES:
        assert type(vars(loaded)[name]) is list
        np.testing.assert_equal(vars(loaded)[name], vars(model)[name])
    assert {a.shape for a in loaded.grad_norm_curve_} == {(2,)}
    assert type(model.grad_norm_curve_) is list


# What is printed of both


@pytest.mark.parametrize("solver", SOLVERS)
def test_verbose_fit_and_partial_fit(solver, capsys):
    X, y = [[3, 2], [1, 6]], [1, 0]
    model = fast(solver=solver, verbose=10, max_iter=2).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert [line[:11] for line in lines if "loss" in line] == [
        "Epoch 1/2: ",
        "Epoch 2/2: ",
    ]
    model.partial_fit(X, y)
    (line,) = (s for s in capsys.readouterr().out.splitlines() if "loss" in s)
    rates = r"{:.3f} {:.3f}".format(*model.firing_rates_)
    start = f"Epoch 3: loss {model.loss_:.4f}, firing rates {rates}, "
    assert re.fullmatch(re.escape(start) + r"\d+\.\d\d s", line)
    early = {"early_stopping": True, "validation_fraction": 0.5, "max_iter": 1}
    model.set_params(**early).fit(X * 2, y * 2)
    score = f"validation score {model.validation_scores_[-1]:.4f}"
    assert score in capsys.readouterr().out
