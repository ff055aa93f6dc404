"""Compiled surrogate derivatives; the formulas are those of `_model.surrogates`."""

import math

import numpy as np
from numba import types
from numba.extending import overload

from sklearn_snn._engines.compiled.options import compiled_with_fma

# "none" is no surrogate: of neurons that never fire.
SURROGATE_CODES = {
    "sigmoid": 0,
    "fast_sigmoid": 1,
    "atan": 2,
    "triangular": 3,
    "none": 4,
}


def _exp(z):
    """Compute exp of a number in [-87, 0], or [-708, 0] in float64, by vector code."""
    raise NotImplementedError  # compiled code takes the function below


@overload(_exp)
def _exp_of_dtype(z):
    """Compute ``exp(z) = 2**k exp(r)`` with ``|r| <= log(2) / 2``.

    The Taylor series of ``exp(r)`` ends where its terms are below the rounding.
    """
    if z == types.float32:
        number, integer, exponent_at, bias, n_terms = np.float32, np.int32, 23, 127, 6
    else:
        number, integer, exponent_at, bias, n_terms = np.float64, np.int64, 52, 1023, 13
    one, half, per_log_2 = number(1), number(0.5), number(1 / math.log(2))
    # log(2) in two parts; the first has so few bits that k times it is exact.
    log_2, rest = number(355 / 512), number(math.log(2) - 355 / 512)

    def exp(z):
        k = integer(z * per_log_2 - half)
        r = (z - number(k) * log_2) - number(k) * rest
        series = one
        for n in range(n_terms, 0, -1):
            series = one + series * r * number(1 / n)
        # The exponent field of a float is an integer that can be written directly.
        return series * integer(integer(k + bias) << exponent_at).view(number)

    return exp


@compiled_with_fma
def surrogate_derivative(x, beta, surrogate):
    """Overwrite x = u - threshold with the derivative of the surrogate."""
    number = x.dtype.type
    one, zero = number(1), number(0)
    # Where exp is still a normal number.
    lowest = number(-87) if x.itemsize == 4 else number(-708)
    half_beta, slope = number(0.5) * beta, number(math.pi / 2) * beta
    if surrogate == 0:
        for h in range(len(x)):
            z = -beta * abs(x[h])
            e = _exp(lowest if z < lowest else z)  # NaN stays
            derivative = beta * e / ((one + e) * (one + e))
            # Not a little above it: what it is multiplied with may be huge.
            x[h] = zero if z < lowest else derivative
    elif surrogate == 1:
        for h in range(len(x)):
            z = one + beta * abs(x[h])
            x[h] = half_beta / (z * z)
    elif surrogate == 2:
        for h in range(len(x)):
            z = slope * x[h]
            x[h] = half_beta / (one + z * z)
    elif surrogate == 3:
        for h in range(len(x)):
            x[h] = beta * max(one - beta * abs(x[h]), zero)
    else:
        for h in range(len(x)):
            x[h] = zero
