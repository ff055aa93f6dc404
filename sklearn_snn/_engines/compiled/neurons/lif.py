"""The compiled leaky integrate-and-fire neuron, and the integrator: `_model.neurons`.

An integrator is a neuron of an infinite threshold and without a reset.
"""

from typing import NamedTuple

import numpy as np

from sklearn_snn._engines.compiled.neurons.numbers import at, part
from sklearn_snn._engines.compiled.neurons.resets import (
    RESET_CODES,
    after_reset,
    reset_by_spike,
    reset_by_threshold,
)
from sklearn_snn._engines.compiled.surrogates import SURROGATE_CODES
from sklearn_snn._model.neurons import LIF, LeakyIntegrator
from sklearn_snn._model.neurons.constants import flush_of

NEURONS = LIF, LeakyIntegrator
ROWS = "alpha", "threshold"


class Compiled(NamedTuple):
    """Constants of all layers; floats are of the dtype of the weights.

    The first three are arrays, or one number for all neurons. A gain of 1 is a number
    like any other: a kernel of its own, without the multiplication, would have to be
    compiled beside that of the integrator.
    """

    alpha: np.ndarray | float
    gain: np.ndarray | float
    threshold: np.ndarray | float
    beta: float
    flush: float
    surrogate: int
    reset: int
    detach_reset: bool
    learns: bool


def pack(neuron, arrange, number):
    """Return the compiled form of a neuron."""
    alpha = arrange(lambda p: p["alpha"])
    flush, learns = flush_of(number), len(neuron.learned) > 0
    if isinstance(neuron, LeakyIntegrator):
        gain = arrange(lambda p: 1 - p["alpha"])
        threshold = alpha + number(np.inf)
        codes = SURROGATE_CODES["none"], RESET_CODES["none"], True, learns
        return Compiled(alpha, gain, threshold, number(1), flush, *codes)
    gain = np.ones_like(alpha) if np.ndim(alpha) == 1 else number(1)
    if not neuron.has_unit_gain:
        gain = arrange(lambda p: 1 - p["alpha"])
    return Compiled(
        alpha,
        gain,
        arrange(lambda p: p["threshold"]),
        number(neuron.beta),
        flush,
        SURROGATE_CODES[neuron.surrogate],
        RESET_CODES[neuron.reset],
        neuron.detach_reset,
        learns,
    )


def of_layer(neuron, first, stop):
    return Compiled(
        part(neuron.alpha, first, stop),
        part(neuron.gain, first, stop),
        part(neuron.threshold, first, stop),
        neuron.beta,
        neuron.flush,
        neuron.surrogate,
        neuron.reset,
        neuron.detach_reset,
        neuron.learns,
    )


def n_states(neuron):
    return 1


def forward_step(neuron, t, total, scale, bias, u, s, state, second):
    # One loop per reset, of which each compiles to vector code without a branch.
    alpha, gain, threshold = neuron.alpha, neuron.gain, neuron.threshold
    number = u.dtype.type
    zero = number(0)
    if neuron.reset == 0:
        for h in range(state.shape[1]):
            current = scale * number(total[h]) + bias[h]
            x = at(gain, h) * current + at(alpha, h) * state[0, h]
            u[t, h] = x
            s[t, h] = np.uint8(x > at(threshold, h))
            state[0, h] = zero if x > at(threshold, h) else x
    elif neuron.reset == 1:
        for h in range(state.shape[1]):
            current = scale * number(total[h]) + bias[h]
            x = at(gain, h) * current + at(alpha, h) * state[0, h]
            u[t, h] = x
            s[t, h] = np.uint8(x > at(threshold, h))
            state[0, h] = x - at(threshold, h) if x > at(threshold, h) else x
    else:
        for h in range(state.shape[1]):
            current = scale * number(total[h]) + bias[h]
            x = at(gain, h) * current + at(alpha, h) * state[0, h]
            u[t, h] = x
            s[t, h] = np.uint8(x > at(threshold, h))
            state[0, h] = x


def backward_step(neuron, t, g, m, s, e, u, carry, total):
    # One loop per reset again; zero times an infinite membrane, or the infinite
    # threshold of an integrator, would not be zero.
    alpha, gain, threshold = neuron.alpha, neuron.gain, neuron.threshold
    flush = neuron.flush
    number = u.dtype.type
    one = number(1)
    if neuron.reset == 0 and not neuron.detach_reset:
        for h in range(len(g)):
            kappa = (one - number(s[t, h])) - u[t, h] * e[h]
            d = g[h] * e[h] + m[h] + at(alpha, h) * kappa * carry[0, h]
            flushed = (d + flush) - flush
            carry[0, h] = flushed
            u[t, h] = at(gain, h) * flushed
            total[h] += at(gain, h) * flushed
    elif neuron.reset == 0:
        for h in range(len(g)):
            kappa = one - number(s[t, h])
            d = g[h] * e[h] + m[h] + at(alpha, h) * kappa * carry[0, h]
            flushed = (d + flush) - flush
            carry[0, h] = flushed
            u[t, h] = at(gain, h) * flushed
            total[h] += at(gain, h) * flushed
    elif neuron.reset == 1 and not neuron.detach_reset:
        for h in range(len(g)):
            kappa = one - at(threshold, h) * e[h]
            d = g[h] * e[h] + m[h] + at(alpha, h) * kappa * carry[0, h]
            flushed = (d + flush) - flush
            carry[0, h] = flushed
            u[t, h] = at(gain, h) * flushed
            total[h] += at(gain, h) * flushed
    else:
        for h in range(len(g)):
            d = g[h] * e[h] + m[h] + at(alpha, h) * carry[0, h]
            flushed = (d + flush) - flush
            carry[0, h] = flushed
            u[t, h] = at(gain, h) * flushed
            total[h] += at(gain, h) * flushed


def add_gradients(neuron, t, g, s, e, u_t, u, before, second, later, carry, gradients):
    number = u.dtype.type
    for h in range(len(g)):
        threshold = at(neuron.threshold, h)
        v_before = before[0, h]
        if t > 0:
            v_before = after_reset(neuron.reset, u[t - 1, h], s[t - 1, h], threshold)
        gradients[0, h] += carry[0, h] * (v_before - u_t[h])
        by_threshold = reset_by_threshold(neuron.reset, number(s[t, h]))
        if not neuron.detach_reset:
            by_threshold -= reset_by_spike(neuron.reset, u_t[h], threshold) * e[h]
        nu = at(neuron.alpha, h) * later[0, h]
        gradients[1, h] += nu * by_threshold - g[h] * e[h]
