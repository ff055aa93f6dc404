"""Compiled encoding and neuron: `_random`, `_surrogates`, `_neurons` for one sample.

The equations are those of the modules named; the tests hold both engines to the same
spikes and gradients. Numbers of 32 bits are cast after every operation, because numba
widens them. No view is made per step where an index will do: it would cost as much as
the arithmetic.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit, types
from numba.extending import overload

from sklearn_snn import _random

SURROGATE_CODES = {"sigmoid": 0, "fast_sigmoid": 1, "atan": 2, "triangular": 3}
RESET_CODES = {"zero": 0, "subtract": 1, "none": 2}

compiled = njit(nogil=True, error_model="numpy")
# Not where a spike is decided: there, fused operations would round differently.
_compiled_with_fma = njit(nogil=True, error_model="numpy", fastmath={"contract"})


class Constants(NamedTuple):
    """The network without its weights; floats are of the dtype of the weights."""

    alpha: float
    threshold: float
    beta: float
    logit_scale: float
    flush: float
    surrogate: int
    reset: int
    detach_reset: bool


_mix64 = compiled(_random.mix64)


@compiled
def _mix32(x):
    """Mix a word; `_random.mix32`."""
    x = np.uint32(x ^ (x >> np.uint32(16)))
    x = np.uint32(x * np.uint32(0x7FEB352D))
    x = np.uint32(x ^ (x >> np.uint32(15)))
    x = np.uint32(x * np.uint32(0x846CA68B))
    return np.uint32(x ^ (x >> np.uint32(16)))


@compiled
def stream_keys(features, thresholds, seed_key, presentation_key, keys):
    """Set the stream keys of a sample; `SpikeTrains._stream_keys`."""
    row_key = np.uint64(0)
    for k in range(len(features)):
        counter = np.uint64(features[k]) + np.uint64(1)
        keys[k] = _mix64(seed_key + counter * _random.GOLDEN_64)
        row_key += _mix64(keys[k] + np.uint64(thresholds[k]))
    row_key = _mix64(row_key ^ presentation_key)
    for k in range(len(features)):
        keys[k] = _mix64(row_key + keys[k])


@compiled
def draw(keys, thresholds, often, bits):
    """Draw the spikes of a sample, or its silences where ``often``.

    As `_random.bernoulli`; ``bits``, of shape (n_steps, at least n_inputs), is filled
    up with zeros.
    """
    n = len(keys)
    starts, increments = np.empty(n, np.uint32), np.empty(n, np.uint32)
    for k in range(n):
        starts[k] = np.uint32(keys[k])
        increments[k] = np.uint32(keys[k] >> np.uint64(32)) | np.uint32(1)
    for t in range(len(bits)):
        step = np.uint32(t)
        for k in range(n):
            word = _mix32(np.uint32(starts[k] + np.uint32(step * increments[k])))
            bits[t, k] = np.uint8(word <= thresholds[k]) ^ often[k]
        for k in range(n, bits.shape[1]):
            bits[t, k] = 0


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


@_compiled_with_fma
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
    else:
        for h in range(len(x)):
            x[h] = beta * max(one - beta * abs(x[h]), zero)


@compiled
def step_forward(t, total, scale, bias, u, s, v, constants):
    """Take one step of all neurons of a layer: from a current to membranes and spikes.

    The current is ``scale * total + bias``, and ``v``, of shape (width,), what the last
    reset left; ``u[t]`` and ``s[t]`` are written and ``v`` overwritten. One loop per
    reset, of which each compiles to vector code without a branch; the equations are
    those of `_neurons`, in the same order, so that every spike is the same.
    """
    alpha, threshold = constants.alpha, constants.threshold
    number = u.dtype.type
    zero = number(0)
    if constants.reset == 0:
        for h in range(len(v)):
            x = (scale * number(total[h]) + bias[h]) + alpha * v[h]
            u[t, h] = x
            s[t, h] = np.uint8(x > threshold)
            v[h] = zero if x > threshold else x
    elif constants.reset == 1:
        for h in range(len(v)):
            x = (scale * number(total[h]) + bias[h]) + alpha * v[h]
            u[t, h] = x
            s[t, h] = np.uint8(x > threshold)
            v[h] = x - threshold if x > threshold else x
    else:
        for h in range(len(v)):
            x = (scale * number(total[h]) + bias[h]) + alpha * v[h]
            u[t, h] = x
            s[t, h] = np.uint8(x > threshold)
            v[h] = x


@compiled
def step_backward(t, g, s, e, u, total, constants):
    """Take one step back: u[t] becomes ``delta_t = g e + alpha kappa delta_{t+1}``.

    ``g`` is the gradient by the spikes of the step, ``e`` the surrogate's derivative,
    both of shape (width,); ``u[t + 1]`` is ``delta_{t+1}`` already. The deltas are
    added to ``total``. As in `_neurons.lif_backward`, ``flush`` makes zero of what
    would become subnormal.
    """
    alpha, threshold, flush = constants.alpha, constants.threshold, constants.flush
    number = u.dtype.type
    one, zero = number(1), number(0)
    if constants.reset == 0:
        through = zero if constants.detach_reset else one
        for h in range(len(g)):
            kappa = (one - number(s[t, h])) - through * u[t, h] * e[h]
            d = g[h] * e[h] + alpha * kappa * u[t + 1, h]
            d = (d + flush) - flush
            u[t, h] = d
            total[h] += d
    else:
        by_subtraction = constants.reset == 1 and not constants.detach_reset
        through = threshold if by_subtraction else zero
        for h in range(len(g)):
            kappa = one - through * e[h]
            d = g[h] * e[h] + alpha * kappa * u[t + 1, h]
            d = (d + flush) - flush
            u[t, h] = d
            total[h] += d
