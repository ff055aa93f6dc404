"""Loss and gradients of a fitted network on given data."""

import copy

import numpy as np
import oracles
import pytest
from helpers import (
    KINDS,
    assert_same_network,
    fast,
    kinds_of_input,
    running_counts,
    some_digits,
)
from networks import Case
from scipy import sparse
from scipy.special import softmax
from sklearn.metrics import log_loss

from sklearn_snn import SpikeTrains

X, Y = some_digits(3, 160)
NAMES = np.array(["two", "one", "zero"])[Y]


def dense(X):
    """Return what the network of an oracle takes for X."""
    if isinstance(X, SpikeTrains):
        return np.asarray(X)
    return X.toarray() if sparse.issparse(X) else X


def assert_close(ours, theirs, rtol):
    for a, b in zip(ours, theirs, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * np.abs(b).max())


@pytest.mark.parametrize("library", ["torch", "spikingjelly"])
@pytest.mark.parametrize("kind", KINDS)
def test_equal_to_automatic_differentiation(kind, library, engine):
    """Of a fitted network with its constants, for weighted samples of any kind."""
    data = kinds_of_input(X)[kind]
    params = {"alpha": 0.9, "threshold": 0.7, "reset": "subtract", "surrogate": "atan"}
    model = fast(**params, hidden_layer_sizes=(9, 7), detach_reset=True, max_iter=6)
    model.fit(data, NAMES).set_params(alpha=0.3)
    weights = np.random.default_rng(0).uniform(0.1, 3, len(Y))
    result = model.loss_and_gradients(data, NAMES, sample_weight=weights)
    single = model.coefs_[0].dtype == np.float32
    shares = (weights / weights.sum()).astype(model.coefs_[0].dtype)
    y = np.searchsorted(model.classes_, NAMES)
    engine, parameters = model._engine(data), model._learned_params()
    assert all((p["alpha"] == 0.9).all() for p in parameters)
    case = Case(engine.network, engine.n_steps, parameters, dense(data), y, shares)
    _, loss, _, gradients = oracles.loss_and_gradients(library, case)
    coef_grads, intercept_grads = (
        [g[name] for g in gradients] for name in ("coef", "intercept")
    )
    rtol = 2e-4 if single else 1e-9
    assert result.loss == pytest.approx(loss, rel=rtol)
    assert_close(result.coef_grads, coef_grads, rtol)
    assert_close(result.intercept_grads, intercept_grads, rtol)
    assert all(grad.any() for grad in coef_grads)


@pytest.mark.parametrize("kind", KINDS)
def test_engines_agree(kind):
    """Also where the last features, or all of them, never fire."""
    data = X.copy()
    data[:, 40:] = 0
    data[5] = 0
    data = kinds_of_input(data)[kind]
    model = fast(engine="numpy").fit(data, Y)
    for rows in (slice(None), slice(5, 6), slice(0, 130)):
        numpy = model.set_params(engine="numpy").loss_and_gradients(data[rows], Y[rows])
        numba = model.set_params(engine="numba").loss_and_gradients(data[rows], Y[rows])
        rtol = 1e-4 if model.coefs_[0].dtype == np.float32 else 1e-9
        assert numba.loss == pytest.approx(numpy.loss, rel=1e-6)
        assert_close(numba.coef_grads, numpy.coef_grads, rtol)
        assert_close(numba.intercept_grads, numpy.intercept_grads, rtol)
        for result in (numpy, numba):
            assert_shapes(result, model)


def assert_shapes(result, model):
    shapes = [a.shape for a in (*result.coef_grads, *result.intercept_grads)]
    assert shapes == [a.shape for a in (*model.coefs_, *model.intercepts_)]
    dtypes = {a.dtype for a in (*result.coef_grads, *result.intercept_grads)}
    assert dtypes == {model.coefs_[0].dtype}
    assert type(result.loss) is float


@pytest.mark.parametrize("kind", KINDS)
def test_weights_are_rows(kind, engine):
    """2 is twice the row, 0 none, and no weights are equal ones of any size."""
    data = kinds_of_input(X)[kind]
    model = fast().fit(data, Y)
    before = copy.deepcopy(model)
    weights = np.arange(len(Y)) % 3
    rows = np.repeat(np.arange(len(Y)), weights)
    rtol = 1e-4 if model.coefs_[0].dtype == np.float32 else 1e-9
    for a, b in (
        ((data, Y, weights), (data[rows], Y[rows])),
        ((data, Y), (data, Y, np.full(len(Y), 1e308))),
    ):
        a, b = model.loss_and_gradients(*a), model.loss_and_gradients(*b)
        assert a.loss == pytest.approx(b.loss, rel=1e-6)
        assert_close(a.coef_grads, b.coef_grads, rtol)
        assert_close(a.intercept_grads, b.intercept_grads, rtol)
    assert_same_network(model, before)
    again = model.loss_and_gradients(data, Y), model.loss_and_gradients(data, Y)
    np.testing.assert_equal(*again)


def test_the_loss_is_that_of_the_probabilities():
    model = fast(weight_decay=0.1, class_weight={0: 3}).fit(X, Y)
    weights = 1.0 + np.arange(len(Y)) % 4
    loss = model.loss_and_gradients(X, Y, weights).loss
    # Without what tells equal counts apart.
    counts = running_counts(model.simulate(X), finer=False)[:, -1]
    p = softmax(counts, axis=1)
    expected = log_loss(Y, p, sample_weight=weights)
    assert loss == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("kind", ["dense", "sequence", "sparse"])
def test_a_step_by_hand_is_a_step_of_partial_fit(kind, engine):
    """Weights learn in the unit that the first guess gave them."""
    data = kinds_of_input(X)[kind]
    params = {"solver": "sgd", "momentum": 0, "weight_decay": 0, "max_grad_norm": None}
    params |= {"nesterovs_momentum": False, "batch_size": len(Y)}
    model = fast(**params, learning_rate_init=0.3).fit(data, Y)
    result = model.loss_and_gradients(data, Y)
    units = model._initial_scales_
    coefs = [
        w - 0.3 * unit**2 * grad
        for w, unit, grad in zip(model.coefs_, units, result.coef_grads, strict=True)
    ]
    intercepts = [
        b - 0.3 * grad
        for b, grad in zip(model.intercepts_, result.intercept_grads, strict=True)
    ]
    model.partial_fit(data, Y)
    assert model.loss_ == pytest.approx(result.loss, rel=1e-12)
    assert_close(model.coefs_ + model.intercepts_, coefs + intercepts, 1e-9)


def test_what_is_refused(engine):
    model = fast()
    with pytest.raises(ValueError, match="not fitted"):
        model.loss_and_gradients(X, Y)
    model.fit(X, NAMES)
    strangers = np.where(Y == 1, "three", NAMES)
    for arguments, message in (
        ((X, strangers), r"y has classes .*three.*not all are in"),
        ((X, Y), "not all are in"),
        ((X, NAMES[1:]), "inconsistent numbers of samples"),
        ((X[:, 1:], NAMES), "X has 63 features"),
        ((X[:, None], NAMES), "is expecting a constant current"),
        ((np.where(X > 0.9, np.nan, X), NAMES), "contains NaN"),
        ((X, NAMES, -np.ones(len(Y))), "[Nn]egative"),
        ((X, NAMES, np.zeros(len(Y))), "at least one non-zero"),
    ):
        with pytest.raises(ValueError, match=message):
            model.loss_and_gradients(*arguments)
    # A row of weight 0 is none.
    model.loss_and_gradients(X, strangers, Y != 1)
