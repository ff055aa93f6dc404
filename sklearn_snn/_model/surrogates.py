"""Surrogate gradients: smooth steps that stand in for the spike in the backward pass.

A spike ``s = 1 if x > 0 else 0``, with ``x = u - threshold``, has no useful derivative.
Training uses that of a smooth step S instead, which rises from 0 to 1 around ``x = 0``
with steepness `beta` (Neftci, Mostafa & Zenke, "Surrogate gradient learning in spiking
neural networks", IEEE Signal Processing Magazine 36(6), 2019).

Each entry of `SURROGATES` holds S and its derivative. With S in the forward pass too
the whole network becomes differentiable, which is how the tests check it.

============== ======================================== ================= ==========
name           S(x)                                     S'(x)             peak
============== ======================================== ================= ==========
sigmoid        1 / (1 + exp(-beta x))                   beta S (1 - S)    beta / 4
fast_sigmoid   (1 + beta x / (1 + beta |x|)) / 2        see below         beta / 2
atan           1/2 + arctan(pi beta x / 2) / pi         see below         beta / 2
triangular     parabola pieces on [-1/beta, 1/beta]     see below         beta
============== ======================================== ================= ==========
"""

from typing import NamedTuple

import numpy as np
from scipy.special import expit


class Surrogate(NamedTuple):
    """A smooth step ``primitive(x, beta)`` and ``derivative(x, beta)``.

    The derivative is computed in place: it overwrites `x` and returns it.
    """

    primitive: callable
    derivative: callable


def _sigmoid(x, beta):
    return expit(beta * x)


def _sigmoid_derivative(x, beta):
    """Compute beta e / (1 + e)**2 with e = exp(-beta |x|), which cannot overflow."""
    np.abs(x, out=x)
    np.multiply(x, -beta, out=x)
    np.exp(x, out=x)
    denominator = x + 1
    np.square(denominator, out=denominator)
    np.divide(x, denominator, out=x)
    return np.multiply(x, beta, out=x)


def _fast_sigmoid(x, beta):
    return 0.5 * (1 + beta * x / (1 + beta * np.abs(x)))


def _fast_sigmoid_derivative(x, beta):
    """Compute beta / (2 (1 + beta |x|)**2)."""
    np.abs(x, out=x)
    np.multiply(x, beta, out=x)
    np.add(x, 1, out=x)
    np.square(x, out=x)
    return np.divide(beta / 2, x, out=x)


def _atan(x, beta):
    return 0.5 + np.arctan(np.pi / 2 * beta * x) / np.pi


def _atan_derivative(x, beta):
    """Compute (beta / 2) / (1 + (pi beta x / 2)**2)."""
    np.multiply(x, np.pi / 2 * beta, out=x)
    np.square(x, out=x)
    np.add(x, 1, out=x)
    return np.divide(beta / 2, x, out=x)


def _triangular(x, beta):
    z = np.clip(beta * x, -1, 1)
    return 0.5 + z - 0.5 * z * np.abs(z)


def _triangular_derivative(x, beta):
    """Compute beta max(0, 1 - beta |x|)."""
    np.abs(x, out=x)
    np.multiply(x, -beta, out=x)
    np.add(x, 1, out=x)
    np.maximum(x, 0, out=x)
    return np.multiply(x, beta, out=x)


SURROGATES = {
    "sigmoid": Surrogate(_sigmoid, _sigmoid_derivative),
    "fast_sigmoid": Surrogate(_fast_sigmoid, _fast_sigmoid_derivative),
    "atan": Surrogate(_atan, _atan_derivative),
    "triangular": Surrogate(_triangular, _triangular_derivative),
}
