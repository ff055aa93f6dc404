"""Compiled surrogate derivatives; the formulas are those of `_model.surrogates`."""

import math

import numpy as np

from sklearn_snn._engines.compiled.formulas import in_place
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
    """Make of a Formula, of numbers that are not positive, ``exp(z)``.

    It is ``2**k exp(r)`` with ``|r| <= log(2) / 2``; the Taylor series of ``exp(r)``
    ends where its terms are below the rounding. What is no normal number is 0, as what
    it is multiplied with may be huge.
    """
    exponent_at, bias, n_terms, lowest = 52, 1023, 13, -708
    if z.dtype == np.float32:
        exponent_at, bias, n_terms, lowest = 23, 127, 6, -87
    # log(2) in two parts; the first has so few bits that k times it is exact.
    log_2, rest = 355 / 512, math.log(2) - 355 / 512
    k = (z * (1 / math.log(2)) - 0.5).truncated()
    r = (z - k * log_2) - k * rest
    if z.dtype == np.float32:
        # Spares a product for each term, and changes last bits: not those of float64,
        # with which streams go on that were saved.
        series = r * (1 / math.factorial(n_terms)) + 1 / math.factorial(n_terms - 1)
        for n in range(n_terms - 2, -1, -1):
            series = series * r + 1 / math.factorial(n)
    else:
        series = r * (1 / n_terms) + 1
        for n in range(n_terms - 1, 0, -1):
            series = series * r * (1 / n) + 1
    # The exponent field of a float is an integer that can be written directly: what is
    # added to so large a number comes to stand in its last bits.
    field = k + (1.5 * 2**exponent_at + bias)
    power = series * field.shifted_bits(exponent_at)
    return power.where(z < lowest, 0)  # NaN is not


def _sigmoid(u, beta):
    """Make of Formulas the derivative of the sigmoid."""
    e = _exp(u.absolute() * -beta)
    return beta * e / ((e + 1) * (e + 1))


_sigmoid_derivative = in_place(_sigmoid)


@compiled_with_fma
def surrogate_derivative(x, beta, surrogate):
    """Overwrite x = u - threshold with the derivative of the surrogate.

    Its length is a multiple of `lanes_of`: formulas leave over what fills no vector.
    """
    number = x.dtype.type
    one, zero = number(1), number(0)
    half_beta, slope = number(0.5) * beta, number(math.pi / 2) * beta
    if surrogate == 0:
        _sigmoid_derivative(x, beta)
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
