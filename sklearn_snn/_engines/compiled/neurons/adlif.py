"""The compiled adaptive neuron: `_model.neurons.adlif`."""

from typing import NamedTuple

import numpy as np

from sklearn_snn._engines.compiled.neurons.numbers import (
    ManyNumbersError,
    part,
)
from sklearn_snn._engines.compiled.neurons.resets import (
    RESET_CODES,
    after_reset,
    kappa_of,
    reset_by_spike,
    reset_by_threshold,
)
from sklearn_snn._engines.compiled.surrogates import SURROGATE_CODES
from sklearn_snn._model.neurons import AdLIF
from sklearn_snn._model.neurons.constants import flush_of

NEURONS = (AdLIF,)
ROWS = AdLIF.constants


class Compiled(NamedTuple):
    """Constants of all layers; floats are of the dtype of the weights."""

    alpha: np.ndarray
    gain: np.ndarray
    threshold: np.ndarray
    rho: np.ndarray
    by_membrane: np.ndarray
    by_spike: np.ndarray
    beta: float
    flush: float
    surrogate: int
    reset: int
    detach_reset: bool
    learns: bool


def pack(neuron, arrange, number):
    """Return the compiled form of a neuron."""
    if np.ndim(arrange(lambda p: p["alpha"])) == 0:
        raise ManyNumbersError  # its code is for arrays
    return Compiled(
        arrange(lambda p: p["alpha"]),
        arrange(lambda p: 1 - p["alpha"]),
        arrange(lambda p: p["threshold"]),
        arrange(lambda p: p["rho"]),
        arrange(lambda p: neuron.drives(p)[0]),
        arrange(lambda p: neuron.drives(p)[1]),
        number(neuron.beta),
        flush_of(number),
        SURROGATE_CODES[neuron.surrogate],
        RESET_CODES[neuron.reset],
        neuron.detach_reset,
        len(neuron.learned) > 0,
    )


def of_layer(neuron, first, stop):
    return Compiled(
        part(neuron.alpha, first, stop),
        part(neuron.gain, first, stop),
        part(neuron.threshold, first, stop),
        part(neuron.rho, first, stop),
        part(neuron.by_membrane, first, stop),
        part(neuron.by_spike, first, stop),
        neuron.beta,
        neuron.flush,
        neuron.surrogate,
        neuron.reset,
        neuron.detach_reset,
        neuron.learns,
    )


def n_states(neuron):
    return 2


def forward_step(neuron, t, total, scale, bias, u, s, state, second):
    number = u.dtype.type
    for h in range(state.shape[1]):
        current = scale * number(total[h]) + bias[h]
        x = neuron.gain[h] * (current - state[1, h]) + neuron.alpha[h] * state[0, h]
        spike = np.uint8(x > neuron.threshold[h])
        v = after_reset(neuron.reset, x, spike, neuron.threshold[h])
        drive = neuron.by_membrane[h] * v + neuron.by_spike[h] * number(spike)
        w = neuron.rho[h] * state[1, h] + drive
        u[t, h] = x
        s[t, h] = spike
        second[t, h] = w
        state[0, h] = v
        state[1, h] = w


def backward_step(neuron, t, g, m, s, e, u, carry, total):
    flush = neuron.flush
    number = u.dtype.type
    for h in range(len(g)):
        later, gain = carry[0, h], neuron.gain[h]
        adapted = neuron.rho[h] * carry[1, h] - gain * later
        om = (adapted + flush) - flush
        nu = neuron.alpha[h] * later + neuron.by_membrane[h] * om
        threshold, spike = neuron.threshold[h], number(s[t, h])
        kappa = kappa_of(
            neuron.reset, neuron.detach_reset, u[t, h], spike, e[h], threshold
        )
        from_spikes = (g[h] + neuron.by_spike[h] * om) * e[h]
        d = from_spikes + m[h] + nu * kappa
        flushed = (d + flush) - flush
        carry[0, h] = flushed
        carry[1, h] = om
        u[t, h] = gain * flushed
        total[h] += gain * flushed


def add_gradients(neuron, t, g, s, e, u_t, u, before, second, later, carry, gradients):
    number, reset = u.dtype.type, neuron.reset
    for h in range(len(g)):
        threshold, spike = neuron.threshold[h], number(s[t, h])
        v_before, w_before = before[0, h], before[1, h]
        if t > 0:
            v_before = after_reset(reset, u[t - 1, h], s[t - 1, h], threshold)
            w_before = second[t - 1, h]
        v = after_reset(reset, u_t[h], s[t, h], threshold)
        d, om = carry[0, h], carry[1, h]
        nu = neuron.alpha[h] * later[0, h] + neuron.by_membrane[h] * om
        by_threshold = reset_by_threshold(reset, spike)
        if not neuron.detach_reset:
            by_threshold -= reset_by_spike(reset, u_t[h], threshold) * e[h]
        from_spikes = (g[h] + neuron.by_spike[h] * om) * e[h]
        gradients[0, h] += d * (v_before - u_t[h])
        gradients[1, h] += nu * by_threshold - from_spikes
        gradients[2, h] += om * (w_before - second[t, h])
        gradients[3, h] += om * v
        gradients[4, h] += om * spike
