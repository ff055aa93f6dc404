"""Training control: what MLPClassifier promises, and weights, streams and schedules."""

import copy
import re
import warnings

import joblib
import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from sklearn import config_context
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score, get_scorer, roc_auc_score
from sklearn.model_selection import cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_snn import SpikeTrains, SpikingClassifier
from sklearn_snn._optimizers import SGD, Adam

SOLVERS = ("adam", "sgd")
NOT_FINITE = "is not finite: training has diverged"
overflows = pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")


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


def some_digits(n_classes, n_samples=200):
    X, y = load_digits(n_class=n_classes, return_X_y=True)
    return X[:n_samples] / 16, y[:n_samples]


@pytest.fixture(scope="module")
def iris():
    """Iris in random order, standardized, as float64 of shape (150, 4)."""
    X, y = load_iris(return_X_y=True)
    order = np.random.default_rng(0).permutation(150)
    return StandardScaler().fit_transform(X)[order], y[order]


@pytest.fixture
def rates(monkeypatch):
    """Record the learning rate of every update, of both optimizers."""
    recorded = []
    for optimizer in (Adam, SGD):

        def record(self, grads, learning_rate, update=optimizer.update):
            recorded.append(learning_rate)
            update(self, grads, learning_rate)

        monkeypatch.setattr(optimizer, "update", record)
    return recorded


def interrupt(*args):
    raise KeyboardInterrupt


def kinds_of_input(X):
    """Every kind of input, made of non-negative values of which many are 0."""
    sequence = np.repeat(X[:, None], 4, axis=1) * np.arange(4)[:, None] / 3
    return {
        "dense": X,
        "float32": X.astype(np.float32),
        "sparse": sparse.csr_array(X),
        "sequence": sequence,
        "spikes": sequence > 0.5,
        "trains": SpikeTrains(X / X.max(), 6, seed=3),
    }


KINDS = ("dense", "float32", "sparse", "sequence", "spikes", "trains")


def arrays(model):
    return [*model.coefs_, *model.intercepts_]


def assert_same_network(a, b):
    """Equal to the bit."""
    for one, other in zip(arrays(a), arrays(b), strict=True):
        np.testing.assert_array_equal(one, other)


def assert_close_network(a, b, rtol=1e-7):
    for one, other in zip(arrays(a), arrays(b), strict=True):
        np.testing.assert_allclose(one, other, rtol=rtol, atol=1e-12)


def differ(a, b):
    pairs = zip(arrays(a), arrays(b), strict=True)
    return any(not np.array_equal(one, other) for one, other in pairs)


def assert_same_state(model, before):
    """All attributes as in a deep copy made before."""
    assert vars(model).keys() == before.keys()
    for name, value in vars(model).items():
        np.testing.assert_equal(value, before[name], err_msg=name)


def stream(model, X, y, n_calls, **kwargs):
    for _ in range(n_calls):
        model.partial_fit(X, y, classes=np.unique(y), **kwargs)
    return model


# What it learns


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("solver", SOLVERS)
def test_digits(n_classes, solver):
    X, y = some_digits(n_classes)
    names = np.array(["nought", "one", "two"])[y]
    model = fast(max_iter=40, solver=solver)
    if solver == "sgd":
        model.set_params(learning_rate_init=0.1)
    model.fit(X[:150], names[:150])
    assert model.score(X[:150], names[:150]) > 0.95
    assert model.score(X[150:], names[150:]) > 0.8
    answer = model.predict(X[150:])
    assert (answer.shape, answer.dtype) == ((50,), names.dtype)


def test_more_weight_decay_smaller_weights():
    X, y = some_digits(2, 100)
    plain, decayed = (fast(max_iter=40, weight_decay=d).fit(X, y) for d in (0, 1))
    for w, w_decayed in zip(plain.coefs_, decayed.coefs_, strict=True):
        assert np.abs(w_decayed).sum() < 0.9 * np.abs(w).sum()


def test_probabilities_of_two_classes():
    X, y = some_digits(2, 50)
    model = fast(max_iter=40).fit(X, y)
    p = model.predict_proba(X)
    assert p.shape == (50, 2)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    np.testing.assert_allclose(model.predict_log_proba(X), np.log(p))
    assert roc_auc_score(y, p[:, 1]) == 1


def test_probabilities_of_many_classes():
    X, y = some_digits(3, 60)
    model = fast(max_iter=40).fit(X, y)
    p = model.predict_proba(X)
    assert p.shape == (60, 3)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    np.testing.assert_allclose(model.predict_log_proba(X), np.log(p))
    np.testing.assert_array_equal(model.classes_[p.argmax(axis=1)], model.predict(X))
    assert roc_auc_score(y, p, multi_class="ovr") > 0.99


def test_float32_predicts_like_float64():
    X, y = some_digits(3, 300)
    double = fast(max_iter=10).fit(X[:200], y[:200])
    single = fast(max_iter=10).fit(X[:200].astype(np.float32), y[:200])
    assert {a.dtype for a in arrays(double)} == {np.dtype(np.float64)}
    assert {a.dtype for a in arrays(single)} == {np.dtype(np.float32)}
    p, p_single = double.predict_proba(X[200:]), single.predict_proba(X[200:])
    assert (p.dtype, p_single.dtype) == (np.float64, np.float32)
    # A spike at the threshold may come or not.
    assert (p.argmax(axis=1) == p_single.argmax(axis=1)).mean() >= 0.98
    assert np.median(np.abs(p - p_single)) < 1e-5


def test_partial_fit_keeps_the_type_of_the_first_call():
    X, y = some_digits(2, 60)
    model = stream(fast(), X.astype(np.float32), y, 1)
    model.partial_fit(X, y)
    assert {a.dtype for a in arrays(model)} == {np.dtype(np.float32)}


@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csr_array])
def test_sparse_input(container):
    X, y = some_digits(2, 50)
    dense, from_sparse = fast(max_iter=5).fit(X, y), fast(max_iter=5)
    from_sparse.fit(container(X), y)
    assert_close_network(from_sparse, dense)
    np.testing.assert_array_equal(from_sparse.predict(X), dense.predict(container(X)))
    streamed = stream(fast(), X, y, 2)
    assert_close_network(stream(fast(), container(X), y, 2), streamed)


@pytest.mark.parametrize("shuffle", [False, True])
def test_shuffle_is_reproducible(shuffle, iris):
    a, b = (fast(batch_size=1, max_iter=1, shuffle=shuffle).fit(*iris) for _ in "ab")
    assert_same_network(a, b)


def test_shuffle_matters_and_without_it_the_order_does(iris):
    X, y = iris
    params = {"batch_size": 10, "max_iter": 1}
    assert differ(fast(**params).fit(X, y), fast(**params, shuffle=False).fit(X, y))
    # All of 120 samples make the first guess: the order of the steps is what differs.
    X, y = X[:120], y[:120]
    forth = fast(**params, shuffle=False).fit(X, y)
    back = fast(**params, shuffle=False).fit(X[::-1], y[::-1])
    assert not np.allclose(forth.coefs_[0], back.coefs_[0], rtol=1e-3)


# When it stops


@pytest.mark.parametrize("solver", SOLVERS)
def test_tolerance_ends_training(solver):
    model = fast(tol=0.5, max_iter=3000, solver=solver)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        model.fit([[3, 2], [1, 6]], [1, 0])
    assert model.n_iter_ < 100


@pytest.mark.parametrize("n_iter_no_change", [1, 2, 5, 20])
def test_n_iter_no_change(n_iter_no_change, iris):
    """One epoch beats infinity, so many may pass, one is too many."""
    for early_stopping in (False, True):
        model = fast(
            tol=5.0,
            max_iter=100,
            n_iter_no_change=n_iter_no_change,
            early_stopping=early_stopping,
        )
        assert model.fit(*iris).n_iter_ == n_iter_no_change + 2


def test_patience_starts_again_after_an_improvement():
    """The last epoch that improved the best loss by tol is that long ago."""
    X, y = some_digits(2, 100)
    model = fast(tol=0.01, max_iter=300, n_iter_no_change=3, learning_rate="constant")
    curve = np.array(model.fit(X, y).loss_curve_)
    assert 6 < model.n_iter_ < 300
    best_before = np.minimum.accumulate(np.append(np.inf, curve[:-1]))
    improved = curve <= best_before - 0.01
    assert np.flatnonzero(improved)[-1] == len(curve) - 5
    assert not any((~improved[i : i + 4]).all() for i in range(len(curve) - 4))


@pytest.mark.parametrize("n_iter_no_change", [np.inf, 1000])
def test_infinite_patience(n_iter_no_change, iris):
    model = fast(tol=1e9, max_iter=30, n_iter_no_change=n_iter_no_change)
    with pytest.warns(ConvergenceWarning, match=r"max_iter=30\) reached"):
        model.fit(*iris)
    assert model.n_iter_ == 30


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
    assert line.startswith(f"Epoch 3: loss {model.loss_:.4f}, firing rates ")
    early = {"early_stopping": True, "validation_fraction": 0.5, "max_iter": 1}
    model.set_params(**early).fit(X * 2, y * 2)
    score = f"validation score {model.validation_scores_[-1]:.4f}"
    assert score in capsys.readouterr().out


# Early stopping


def test_early_stopping():
    X, y = some_digits(2, 100)
    model = fast(early_stopping=True, tol=0.2, max_iter=3000).fit(X, y)
    assert model.n_iter_ < 100
    scores = model.validation_scores_
    assert isinstance(scores, list)
    assert len(scores) == len(model.loss_curve_) == model.n_iter_
    assert model.best_validation_score_ == max(scores)
    assert max(scores[-11:]) < max(scores[:-11]) + 0.2
    assert model.best_loss_ is None
    assert model.t_ == 90 * model.n_iter_

    model.set_params(early_stopping=False).fit(X, y)
    assert model.validation_scores_ is None
    assert model.best_validation_score_ is None
    assert model.best_loss_ == min(model.loss_curve_)
    assert model.t_ == 100 * model.n_iter_


def test_the_weights_of_the_best_epoch_are_kept(iris):
    """Those of the first of the best, as if training had stopped there."""
    params = {"early_stopping": True, "learning_rate": "constant", "batch_size": 20}
    params |= {"learning_rate_init": 0.1, "validation_fraction": 0.3}
    params |= {"n_iter_no_change": np.inf}
    model = fast(**params, max_iter=12).fit(*iris)
    best = int(np.argmax(model.validation_scores_))
    assert 0 < best < 11
    until_then = fast(**params, max_iter=best + 1).fit(*iris)
    assert_same_network(model, until_then)
    assert model.validation_scores_[: best + 1] == until_then.validation_scores_
    assert differ(model, fast(**params, max_iter=best).fit(*iris))


@pytest.mark.parametrize("random_state", range(5))
def test_the_validation_set_is_stratified(random_state):
    """All rows are alike, so the score is the share of one of the classes."""
    X, y = np.ones((100, 3)), np.arange(100) % 5 == 0
    model = fast(early_stopping=True, validation_fraction=0.25, max_iter=1)
    model.set_params(random_state=random_state).fit(X, y)
    (score,) = model.validation_scores_
    assert min(score, 1 - score) == pytest.approx(0.2)


def test_a_class_of_one_sample_cannot_be_stratified():
    """The message names the class as the user does."""
    X, y = [[1, 2], [2, 3], [3, 4], [4, 5]], ["often", "often", "often", "once"]
    model = fast(early_stopping=True, validation_fraction=0.5)
    message = "least populated classes in y have only 1 member.*'once'"
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)
    assert not hasattr(model, "classes_")


def test_too_small_a_validation_set():
    model = fast(early_stopping=True)
    message = "validation set is too small|number of classes"
    with pytest.raises(ValueError, match=message):
        model.fit([[0, 1], [1, 0], [0, 2], [2, 0]], [0, 1, 0, 1])
    assert not hasattr(model, "classes_")


def test_early_stopping_with_string_labels(iris):
    X, y = iris
    model, named = (fast(early_stopping=True, max_iter=15) for _ in "ab")
    model.fit(X, y)
    named.fit(X, np.array(["setosa", "versicolor", "virginica"], dtype=object)[y])
    assert named.validation_scores_ == model.validation_scores_
    assert named.best_validation_score_ > 0.5
    assert_same_network(model, named)


def test_early_stopping_keeps_feature_names(iris):
    X, y = iris
    frame = pd.DataFrame(X, columns=list("abcd"))
    model = fast(early_stopping=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(frame, pd.Series(y, name="species"))
        model.predict(frame)
    assert model.feature_names_in_.tolist() == list("abcd")
    assert_same_network(model, fast(early_stopping=True).fit(X, y))


def test_no_partial_fit_with_early_stopping(iris):
    model = fast(early_stopping=True)
    message = "partial_fit does not support early_stopping=True"
    with pytest.raises(ValueError, match=message):
        model.partial_fit(*iris, classes=[0, 1, 2])
    assert not hasattr(model, "classes_")
    model.fit(*iris)
    before = copy.deepcopy(vars(model))
    with pytest.raises(ValueError, match=message):
        model.partial_fit(*iris)
    assert_same_state(model, before)


def test_unit_weights_with_early_stopping(iris):
    X, y = iris
    params = {"early_stopping": True, "batch_size": 10}
    model = fast(**params).fit(X, y)
    assert_same_network(fast(**params).fit(X, y, sample_weight=np.ones(150)), model)


def test_weights_count_in_the_validation_score():
    """All rows are alike: the score is the weight of the class that is answered."""
    X, y = np.ones((80, 3)), np.arange(80) % 2
    model = fast(early_stopping=True, validation_fraction=0.5, max_iter=1)
    model.fit(X, y, np.where(y == 1, 3.0, 1.0))
    expected = 0.75 if model.predict(X[:1]) == 1 else 0.25
    assert model.validation_scores_ == [pytest.approx(expected)]


# Learning rates


def test_invscaling_by_hand(iris, rates):
    """60 samples in 3 mini-batches; samples of the same epoch do not count."""
    X, y = iris[0][:60], iris[1][:60]
    params = {"learning_rate": "invscaling", "power_t": 0.25, "batch_size": 20}
    for solver in SOLVERS:
        rates.clear()
        model = fast(**params, solver=solver, max_iter=4).fit(X, y)
        expected = [0.02 / (1 + t) ** 0.25 for t in (0, 60, 120, 180)]
        np.testing.assert_allclose(rates, np.repeat(expected, 3), rtol=1e-12)
        assert model.learning_rate_ == rates[-1]


@pytest.mark.parametrize("learning_rate", ["constant", "invscaling"])
def test_schedules_go_on_where_training_does(learning_rate, iris, rates):
    X, y = iris[0][:40], iris[1][:40]
    expected = [0.02] * 3
    if learning_rate == "invscaling":
        expected = [0.02 / (1 + t) ** 0.5 for t in (0, 40, 80)]
    params = {"learning_rate": learning_rate, "solver": "sgd"}
    warm, streamed = fast(**params, warm_start=True, max_iter=1), fast(**params)
    for rate in expected:
        assert warm.fit(X, y).learning_rate_ == pytest.approx(rate, rel=1e-12)
        stream(streamed, X, y, 1)
        assert streamed.learning_rate_ == pytest.approx(rate, rel=1e-12)
    np.testing.assert_allclose(rates, np.repeat(expected, 2), rtol=1e-12)
    fresh = fast(**params, max_iter=1).fit(X, y)
    assert fresh.learning_rate_ == pytest.approx(0.02)


@pytest.mark.parametrize("solver", SOLVERS)
def test_adaptive_by_hand(solver, iris, rates):
    """With patience 1 and a loss that never counts as better, every 2 epochs.

    0.01 is divided by 5 until it is below 1e-6, which the 6th division achieves.
    """
    params = {"learning_rate": "adaptive", "learning_rate_init": 0.01, "tol": 1e3}
    params |= {"n_iter_no_change": 1, "solver": solver, "batch_size": 150}
    model = fast(**params, max_iter=100)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        model.fit(*iris)
    expected = [0.01] * 3 + [0.01 / 5 ** (1 + i // 2) for i in range(12)]
    np.testing.assert_allclose(rates, expected, rtol=1e-12)
    assert model.n_iter_ == 15
    assert model.learning_rate_ == rates[-1] < 1e-6
    assert fast(**params, max_iter=5).fit(*iris).learning_rate_ == rates[4]


def test_adaptive_keeps_the_rate_while_the_loss_falls(iris):
    params = {"learning_rate": "adaptive", "tol": 0.0, "learning_rate_init": 0.001}
    model = fast(**params, max_iter=10).fit(*iris)
    assert model.learning_rate_ == 0.001
    assert_same_network(
        model,
        fast(max_iter=10, learning_rate="constant", learning_rate_init=0.001).fit(
            *iris
        ),
    )


def test_adaptive_watches_the_validation_score(iris, rates):
    model = fast(learning_rate="adaptive", early_stopping=True, n_iter_no_change=2)
    model.set_params(tol=2.0, max_iter=5).fit(*iris)
    np.testing.assert_allclose(rates, [0.02] * 8 + [0.004] * 2, rtol=1e-12)


def test_automatic_batch_size():
    """200, and all samples where there are fewer; with float64, to the bit."""
    X, y = some_digits(3, 250)
    model = fast(batch_size="auto").fit(X, y)
    assert_same_network(model, fast(batch_size=200).fit(X, y))
    assert differ(model, fast(batch_size=250).fit(X, y))
    few = fast(batch_size="auto", shuffle=False).fit(X[:50], y[:50])
    assert_same_network(few, fast(batch_size=50, shuffle=False).fit(X[:50], y[:50]))


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
    model = fast(warm_start=True, n_iter_no_change=np.inf, solver=solver)
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


def test_partial_fit_stays_at_the_beginning_of_a_cosine(iris, rates):
    streamed = stream(fast(learning_rate="cosine"), *iris, 3)
    assert set(rates) == {0.02}
    constant = fast(learning_rate="constant", max_iter=3).fit(*iris)
    assert_same_network(streamed, constant)


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
    model = stream(fast(solver="sgd", learning_rate_init=0.1), X, y, 2)
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


# Weights


@pytest.mark.parametrize("solver", SOLVERS)
def test_weight_two_is_the_row_twice(solver, iris, engine):
    """In one mini-batch of at most 128 samples, up to rounding."""
    X, y = iris[0][:60], iris[1][:60]
    weights = np.arange(60) % 4
    rows = np.repeat(np.arange(60), weights)
    assert len(rows) <= 128
    params = {"solver": solver, "max_iter": 5, "batch_size": 128}
    weighted = fast(**params).fit(X, y, sample_weight=weights)
    repeated = fast(**params).fit(X[rows], y[rows])
    assert_close_network(weighted, repeated, rtol=1e-6)
    np.testing.assert_allclose(weighted.loss_curve_, repeated.loss_curve_, rtol=1e-9)
    assert not np.allclose(weighted.coefs_[0], fast(**params).fit(X, y).coefs_[0])
    a = fast(**params).partial_fit(X, y, [0, 1, 2], weights)
    b = fast(**params).partial_fit(X[rows], y[rows], [0, 1, 2])
    assert_close_network(a, b, rtol=1e-6)


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_weight_zero_is_no_row(kind, early_stopping):
    """To the bit, over several mini-batches, in all that is kept."""
    X, y = some_digits(3, 120)
    X = kinds_of_input(X)[kind]
    weights = np.random.default_rng(0).integers(0, 3, 120)
    rows = np.flatnonzero(weights)
    params = {"batch_size": 20, "early_stopping": early_stopping}
    some = fast(**params).fit(X, y, sample_weight=weights)
    without = fast(**params).fit(X[rows], y[rows], sample_weight=weights[rows])
    assert_same_state(some, vars(without))
    assert len(rows) < 120
    if not early_stopping:
        assert some.t_ == 3 * len(rows)
        for block in (slice(0, 60), slice(60, 120)):
            kept = rows[(rows >= block.start) & (rows < block.stop)]
            some.partial_fit(X[block], y[block], sample_weight=weights[block])
            without.partial_fit(X[kept], y[kept], sample_weight=weights[kept])
        assert_same_state(some, vars(without))


def test_a_class_whose_weights_are_all_zero_is_not_there(iris):
    X, y = iris
    model = fast().fit(X, y, sample_weight=y != 1)
    assert model.classes_.tolist() == [0, 2]
    with pytest.raises(ValueError, match=r"only one class.*weight 0 do not count"):
        fast().fit(X, y, sample_weight=y == 1)


def test_the_scale_of_weights_does_not_matter(iris):
    X, y = iris
    weights = np.random.default_rng(0).random(150)
    params = {"batch_size": 20, "weight_decay": 0.01, "max_grad_norm": 0.1}
    model = fast(**params).fit(X, y, weights)
    for scale in (2.0**-1000, 2, 2.0**1000):
        assert_same_network(fast(**params).fit(X, y, scale * weights), model)
    for scale in (1e-3, 7, 1e308):
        assert_close_network(fast(**params).fit(X, y, scale * weights), model, 1e-5)
    classes = dict.fromkeys(range(3), 16)
    assert_same_network(fast(**params, class_weight=classes).fit(X, y, weights), model)
    assert differ(fast(**params).fit(X, y), model)


@pytest.mark.parametrize("wrong", ["negative", "nan", "length", "zeros", "2-D"])
def test_bad_weights(wrong, iris):
    X, y = iris
    weights, message = {
        "negative": (np.where(y == 0, -1.0, 1.0), "[Nn]egative"),
        "nan": (np.where(y == 0, np.nan, 1.0), "NaN"),
        "length": (np.ones(149), "149"),
        "zeros": (np.zeros(150), "at least one non-zero"),
        "2-D": (np.ones((150, 1)), "1D"),
    }[wrong]
    model = fast()
    for refuse in (model.fit, model.partial_fit):
        kwargs = {"classes": [0, 1, 2]} if refuse == model.partial_fit else {}
        with pytest.raises(ValueError, match=message):
            refuse(X, y, sample_weight=weights, **kwargs)
        assert_same_state(model, fast().get_params())


def test_class_weights_are_sample_weights(iris):
    """To the bit, over several mini-batches, for labels of any type."""
    X, y = iris
    names = np.array(["x", "y", "z"])[y]
    by_class = np.array([1.0, 0.25, 4.0])
    by_sample = fast(batch_size=20).fit(X, y, sample_weight=by_class[y])
    weights = dict(zip("xyz", by_class.tolist(), strict=True))
    by_label = fast(batch_size=20, class_weight=weights).fit(X, names)
    assert_same_network(by_label, by_sample)
    assert differ(by_label, fast(batch_size=20).fit(X, names))
    del weights["x"]
    some_labels = fast(batch_size=20, class_weight=weights).fit(X, names)
    assert_same_network(some_labels, by_sample)


def test_class_and_sample_weights_multiply(iris):
    X, y = iris
    by_class, weights = np.array([1.0, 2.0, 0.5]), 1.0 + np.arange(150) % 3
    model = fast(class_weight=dict(enumerate(by_class))).fit(X, y, weights)
    assert_same_network(model, fast().fit(X, y, by_class[y] * weights))


def test_balanced_class_weights(iris):
    """All classes have the same total weight, sample weights included."""
    X, y = iris
    rare = np.flatnonzero((y > 0) | (np.arange(150) % 5 == 0))
    X, y = X[rare], y[rare]
    for weights in (np.ones(len(y)), 1.0 + np.arange(len(y)) % 2):
        totals = np.bincount(y, weights)
        balanced = fast(class_weight="balanced", batch_size=20).fit(X, y, weights)
        expected = fast(batch_size=20).fit(X, y, weights / totals[y])
        assert_close_network(balanced, expected, rtol=1e-5)
        assert differ(balanced, fast(batch_size=20).fit(X, y, weights))


def test_balanced_class_weights_ignore_rows_of_weight_zero(iris):
    X, y = iris
    weights = np.arange(150) % 2
    half = fast(class_weight="balanced").fit(X[1::2], y[1::2])
    assert_same_network(fast(class_weight="balanced").fit(X, y, weights), half)


def test_balanced_class_weights_find_a_rare_class():
    rng = np.random.default_rng(0)
    y = (np.arange(400) % 20 == 0).astype(int)
    X = rng.normal(size=(400, 2)) + y[:, None]
    recall = [
        fast(class_weight=w, max_iter=20).fit(X, y).predict(X[y == 1]).mean()
        for w in (None, "balanced")
    ]
    assert recall[1] > 0.5 > 0.3 > recall[0]


def test_class_weights_do_not_count_in_the_validation_score():
    """All rows are alike: the score is the share of the class that is answered."""
    X, y = np.ones((80, 3)), np.arange(80) % 4 == 0
    model = fast(early_stopping=True, validation_fraction=0.5, max_iter=1)
    model.set_params(class_weight="balanced").fit(X, y)
    (score,) = model.validation_scores_
    assert min(score, 1 - score) == pytest.approx(0.25)


def test_class_weights_in_a_stream(iris):
    """A dict, also for classes that a block does not have, but not "balanced"."""
    X, y = iris
    by_class = np.array([1.0, 3.0, 0.5])
    model = fast(class_weight=dict(enumerate(by_class)))
    same = fast()
    for rows in (np.flatnonzero(y < 2), np.flatnonzero(y > 0), np.arange(150)):
        weights = by_class[y[rows]]
        model.partial_fit(X[rows], y[rows], classes=[0, 1, 2])
        same.partial_fit(X[rows], y[rows], [0, 1, 2], weights)
        assert_same_network(model, same)
    model.set_params(class_weight="balanced")
    before = copy.deepcopy(vars(model))
    with pytest.raises(ValueError, match="'balanced' needs all data at once"):
        model.partial_fit(X, y)
    assert_same_state(model, before)


def test_a_class_of_weight_zero_is_known_but_not_trained_on(iris):
    X, y = iris
    model = fast(class_weight={1: 0}, max_iter=1).fit(X, y)
    assert model.classes_.tolist() == [0, 1, 2]
    assert model.t_ == 100
    weights = (y != 1).astype(float)
    same = fast().partial_fit(X, y, classes=[0, 1, 2], sample_weight=weights)
    assert_same_network(model, same)


@pytest.mark.parametrize(
    "class_weight",
    [{0: -1}, {0: np.nan}, {0: np.inf}, {0: 0, 1: 0, 2: 0}, {3: 1}, "rare", [1, 1, 1]],
    ids=str,
)
def test_bad_class_weights(class_weight, iris):
    model = fast(class_weight=class_weight)
    with pytest.raises(ValueError, match="class_weight"):
        model.fit(*iris)
    assert not hasattr(model, "classes_")


# Routing of weights


@pytest.fixture
def routing():
    with config_context(enable_metadata_routing=True):
        yield


def test_weights_reach_the_last_step_of_a_pipeline(iris, routing):
    X, y = iris
    weights = 1.0 + np.arange(150) % 3
    classifier = fast().set_fit_request(sample_weight=True)
    model = make_pipeline(
        StandardScaler().set_fit_request(sample_weight=False), classifier
    )
    model.fit(X, y, sample_weight=weights)
    scaled = StandardScaler().fit_transform(X)
    assert_same_network(model[-1], fast().fit(scaled, y, weights))
    assert differ(model[-1], fast().fit(scaled, y))


def test_weights_are_cut_into_folds(iris, routing):
    X, y = iris
    weights = 1.0 + np.arange(150) % 3
    result = cross_validate(
        fast()
        .set_fit_request(sample_weight=True)
        .set_score_request(sample_weight=True),
        X,
        y,
        cv=[(np.arange(100), np.arange(100, 150))],
        params={"sample_weight": weights},
        scoring=get_scorer("accuracy").set_score_request(sample_weight=True),
        return_estimator=True,
    )
    expected = fast().fit(X[:100], y[:100], weights[:100])
    assert_same_network(result["estimator"][0], expected)
    score = accuracy_score(
        y[100:], expected.predict(X[100:]), sample_weight=weights[100:]
    )
    assert result["test_score"] == [pytest.approx(score)]


def test_metadata_that_can_be_routed(routing):
    requests = (
        SpikingClassifier()
        .set_fit_request(sample_weight="weight")
        .set_partial_fit_request(sample_weight=False, classes=True)
        .get_metadata_routing()
    )
    assert requests.fit.requests == {"sample_weight": "weight"}
    assert requests.partial_fit.requests == {"sample_weight": False, "classes": True}


# Failure


def failures(X, y):
    """Arguments that are refused, some of them late."""
    return {
        "features": ((X[:, :3], y), "X has 3 features"),
        "nan": ((np.where(X > 1, np.nan, X), y), "contains NaN"),
        "length": ((X, y[1:]), "inconsistent numbers of samples"),
        "labels": ((X, X[:, 0]), "Unknown label type|not all are in"),
        "infinite": ((X * 1e307, y), NOT_FINITE),
    }


FAILURES = ("nan", "length", "labels", "infinite", "Ctrl-C")


@overflows
@pytest.mark.parametrize(
    ("started", "failure"),
    [(True, "features"), *((s, f) for s in (False, True) for f in FAILURES)],
)
def test_a_failed_partial_fit_changes_nothing(started, failure, iris, monkeypatch):
    """And the stream goes on as if it had not been."""
    X, y = iris
    model, same = fast(), fast()
    classes = {"classes": [0, 1, 2]}
    for m in (model, same) if started else ():
        m.partial_fit(X, y, **classes)
    before = copy.deepcopy(vars(model))
    if failure == "Ctrl-C":
        with monkeypatch.context() as patch:
            patch.setattr(Adam, "update", interrupt)
            with pytest.raises(KeyboardInterrupt):
                model.partial_fit(X, y, **classes)
    else:
        arguments, message = failures(X, y)[failure]
        with pytest.raises(ValueError, match=message):
            model.partial_fit(*arguments, **classes)
    assert_same_state(model, before)
    model.partial_fit(X, y, **classes)
    same.partial_fit(X, y, **classes)
    assert_same_state(model, vars(same))


def test_partial_fit_fails_after_some_steps_and_changes_nothing(iris, monkeypatch):
    """Steps are taken on copies, of the optimizer's memory too."""
    X, y = iris
    for solver, optimizer in (("adam", Adam), ("sgd", SGD)):
        model = stream(fast(solver=solver, batch_size=20), X, y, 1)
        before = copy.deepcopy(vars(model))
        steps, update = [], optimizer.update

        def fail_at_last(*args, steps=steps, update=update):
            steps.append(1)
            update(*args)
            if len(steps) == 5:
                raise MemoryError

        with monkeypatch.context() as patch:
            patch.setattr(optimizer, "update", fail_at_last)
            with pytest.raises(MemoryError):
                model.partial_fit(X, y)
        assert_same_state(model, before)


@overflows
@pytest.mark.parametrize("failure", ["nan", "length", "labels", "infinite"])
@pytest.mark.parametrize("fitted", [False, True])
def test_a_failed_fit_changes_nothing(failure, fitted, iris):
    X, y = iris
    for params in ({}, {"warm_start": True}, {"early_stopping": True}):
        model = fast(**params)
        if fitted:
            model.fit(X, y)
        before = copy.deepcopy(vars(model))
        arguments, message = failures(X, y)[failure]
        with pytest.raises(ValueError, match=message):
            model.fit(*arguments)
        assert_same_state(model, before)


@overflows
@pytest.mark.parametrize("early_stopping", [False, True])
def test_divergence_after_an_epoch_leaves_that_epoch(early_stopping, iris):
    """Here every step multiplies the weights by 1e100."""
    X, y = iris
    params = {"learning_rate_init": 1e103, "weight_decay": 1e-3, "momentum": 0}
    model = fast(**params, solver="sgd", max_grad_norm=None, learning_rate="constant")
    model.set_params(batch_size=150, early_stopping=early_stopping, max_iter=20)
    with pytest.raises(ValueError, match=NOT_FINITE):
        model.fit(X, y)
    assert 1 <= model.n_iter_ == len(model.loss_curve_) < 20
    assert all(np.isfinite(a).all() for a in arrays(model))
    until_then = copy.deepcopy(model).set_params(max_iter=model.n_iter_).fit(X, y)
    assert_same_network(until_then, model)


def test_bad_parameters_are_refused_by_partial_fit_too(iris):
    for params in ({"power_t": -1}, {"validation_fraction": 1.0}, {"tol": -1e-3}):
        (name,) = params
        for refuse in (fast(**params).fit, fast(**params).partial_fit):
            with pytest.raises(ValueError, match=f"The '{name}' parameter"):
                refuse(*iris)
