"""Surrogates: smooth steps from 0 to 1, whose derivatives are what they say."""

import numba
import numpy as np
import pytest

from sklearn_snn._engines.compiled.layers import SLOPES
from sklearn_snn._engines.compiled.surrogates import (
    SURROGATE_CODES,
    surrogate_derivative,
)
from sklearn_snn._engines.compiled.vectors import lanes_of
from sklearn_snn._model.surrogates import SURROGATES

X = np.concatenate([np.linspace(-4, 4, 801), [-1e3, 1e3, 1e-12]])
PEAK = {"sigmoid": 0.25, "fast_sigmoid": 0.5, "atan": 0.5, "triangular": 1.0}


@pytest.fixture(params=sorted(SURROGATES))
def name(request):
    return request.param


@pytest.mark.parametrize("beta", [0.5, 5.0, 100.0])
def test_derivative_is_that_of_the_primitive(name, beta):
    primitive, derivative = SURROGATES[name]
    x = X[np.abs(np.abs(X) - 1 / beta) > 1e-3]  # triangular has kinks there
    h = 1e-6 / beta
    numeric = (primitive(x + h, beta) - primitive(x - h, beta)) / (2 * h)
    np.testing.assert_allclose(
        derivative(x.copy(), beta), numeric, rtol=1e-4, atol=beta * 1e-5
    )


def test_formula_of_the_docstring(name):
    from oracles import SURROGATE_DERIVATIVES, torch

    expected = SURROGATE_DERIVATIVES[name](torch.tensor(X), 3.0).numpy()
    np.testing.assert_allclose(
        SURROGATES[name].derivative(X.copy(), 3.0), expected, rtol=1e-12, atol=1e-15
    )


def test_derivative_of_spikingjelly(name):
    from oracles import SPIKINGJELLY_SURROGATES, torch

    x = torch.tensor(X, requires_grad=True)
    SPIKINGJELLY_SURROGATES[name](alpha=3.0)(x).sum().backward()
    np.testing.assert_allclose(
        SURROGATES[name].derivative(X.copy(), 3.0),
        x.grad.numpy(),
        rtol=1e-9,
        atol=1e-15,
    )


def test_a_step_from_zero_to_one(name):
    primitive, derivative = SURROGATES[name]
    np.testing.assert_allclose(
        primitive(np.array([-1e9, 0, 1e9]), 5.0), [0, 0.5, 1], atol=1e-9
    )
    assert derivative(np.zeros(1), 5.0) == 5.0 * PEAK[name]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_in_place_finite_and_of_the_same_type(name, dtype):
    x = np.array([-1e30, -1.0, 0.0, 1.0, 1e30], dtype=dtype)
    with np.errstate(over="ignore"):  # squares of 1e30 are inf, and its inverse 0
        result = SURROGATES[name].derivative(x, 25.0)
    assert result is x
    assert result.dtype == dtype
    assert np.isfinite(result).all()
    assert (result >= 0).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_compiled_for_any_number_of_vectors(name, dtype, rng):
    eps, n = np.finfo(dtype).eps, lanes_of(np.dtype(dtype))

    @numba.njit
    def compiled(x, beta, code):
        surrogate_derivative(x, beta, code)

    for length in [*range(0, 10 * n, n), SLOPES]:
        for scale in [1e-3, 1, 20]:
            x = (scale * rng.normal(size=length + n)).astype(dtype)
            x[:4] = 0, np.inf, -np.inf, np.nan
            expected = x.copy()
            expected[:length] = SURROGATES[name].derivative(x[:length].copy(), 2.5)
            compiled(x[:length], dtype(2.5), SURROGATE_CODES[name])
            # Beyond the end nothing is written.
            np.testing.assert_allclose(x, expected, rtol=200 * eps, atol=eps)
