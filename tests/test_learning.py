"""What SpikingClassifier learns: with any parameters, from any type of data."""

from itertools import pairwise

import numpy as np
import pytest
from helpers import (
    SOLVERS,
    arrays,
    assert_close_network,
    assert_same_network,
    differ,
    each_engine,
    fast,
    some_digits,
    stream,
)
from scipy import sparse
from sklearn.datasets import (
    load_breast_cancer,
    load_digits,
    load_iris,
    load_wine,
    make_classification,
)
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier
from sklearn_snn._model.neurons.resets import RESETS
from sklearn_snn._model.surrogates import SURROGATES


@each_engine
@pytest.mark.parametrize("load", [load_iris, load_wine, load_breast_cancer])
def test_tables_as_well_as_an_mlp(load):
    check_as_well_as_an_mlp(load, StandardScaler())


def test_images_as_well_as_an_mlp():
    check_as_well_as_an_mlp(load_digits, PoissonSpikeEncoder(25, random_state=0))


def check_as_well_as_an_mlp(load, encoder):
    """Defaults against MLPClassifier's defaults, cross-validated: within 2 points.

    On 300 rows at most.
    """
    X, y = load(return_X_y=True)
    some = np.random.RandomState(0).permutation(len(y))[:300]
    X, y = X[some], y[some]
    folds = StratifiedKFold(3, shuffle=True, random_state=0)
    mlp = make_pipeline(StandardScaler(), MLPClassifier(random_state=0))
    snn = make_pipeline(encoder, SpikingClassifier(random_state=0))
    expected = cross_val_score(mlp, X, y, cv=folds).mean()
    assert cross_val_score(snn, X, y, cv=folds).mean() >= expected - 0.02


@each_engine
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


@each_engine
def test_mnist(mnist):
    X_train, y_train, X_test, y_test = mnist
    model = make_pipeline(
        PoissonSpikeEncoder(n_steps=50, random_state=0),
        SpikingClassifier(max_iter=2, random_state=0),
    )
    model.fit(X_train[:10_000], y_train[:10_000])
    assert model.score(X_test, y_test) > 0.91


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


@each_engine
def test_many_classes(rng):
    y = np.arange(120) % 6
    X = np.eye(6)[y] * 3 + rng.normal(size=(120, 6)) / 5
    model = fast(hidden_layer_sizes=(30,), max_iter=100).fit(X, y)
    assert model.score(X, y) > 0.95
    assert model.decision_function(X).shape == (120, 6)


# Parameters


@each_engine
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


@each_engine
@pytest.mark.parametrize(
    "params",
    [
        *({"surrogate": name, "beta": 1.0} for name in SURROGATES),
        *({"reset": name} for name in RESETS if name != "zero"),
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


def test_more_weight_decay_smaller_weights():
    X, y = some_digits(2, 100)
    plain, decayed = (fast(max_iter=40, weight_decay=d).fit(X, y) for d in (0, 1))
    for w, w_decayed in zip(plain.coefs_, decayed.coefs_, strict=True):
        assert np.abs(w_decayed).sum() < 0.9 * np.abs(w).sum()


def test_automatic_batch_size():
    """200, and all samples where there are fewer; with float64, to the bit."""
    X, y = some_digits(3, 250)
    model = fast(batch_size="auto").fit(X, y)
    assert_same_network(model, fast(batch_size=200).fit(X, y))
    assert differ(model, fast(batch_size=250).fit(X, y))
    few = fast(batch_size="auto", shuffle=False).fit(X[:50], y[:50])
    assert_same_network(few, fast(batch_size=50, shuffle=False).fit(X[:50], y[:50]))


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


# Probabilities, and types of data


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


@pytest.mark.parametrize("container", [sparse.csr_matrix, sparse.csr_array])
def test_sparse_input(container):
    X, y = some_digits(2, 50)
    dense, from_sparse = fast(max_iter=5).fit(X, y), fast(max_iter=5)
    from_sparse.fit(container(X), y)
    assert_close_network(from_sparse, dense)
    np.testing.assert_array_equal(from_sparse.predict(X), dense.predict(container(X)))
    streamed = stream(fast(), X, y, 2)
    assert_close_network(stream(fast(), container(X), y, 2), streamed)
