"""The compiled current-based neuron: `_model.neurons.cuba`."""

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
from sklearn_snn._model.neurons import CUBA
from sklearn_snn._model.neurons.constants import flush_of

NEURONS = (CUBA,)
ROWS = CUBA.constants


class Compiled(NamedTuple):
    """Constants of all layers; floats are of the dtype of the weights."""

    alpha: np.ndarray
    gain: np.ndarray
    threshold: np.ndarray
    alpha_syn: np.ndarray
    gain_syn: np.ndarray
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
        arrange(lambda p: p["alpha_syn"]),
        arrange(lambda p: 1 - p["alpha_syn"]),
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
        part(neuron.alpha_syn, first, stop),
        part(neuron.gain_syn, first, stop),
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
        left = neuron.alpha_syn[h] * state[1, h]
        i = neuron.gain_syn[h] * current + left
        x = neuron.gain[h] * i + neuron.alpha[h] * state[0, h]
        spike = np.uint8(x > neuron.threshold[h])
        u[t, h] = x
        s[t, h] = spike
        second[t, h] = i
        state[0, h] = after_reset(neuron.reset, x, spike, neuron.threshold[h])
        state[1, h] = i


def backward_step(neuron, t, g, m, s, e, u, carry, total):
    flush = neuron.flush
    number = u.dtype.type
    for h in range(len(g)):
        threshold, spike = neuron.threshold[h], number(s[t, h])
        kappa = kappa_of(
            neuron.reset, neuron.detach_reset, u[t, h], spike, e[h], threshold
        )
        d = g[h] * e[h] + m[h] + neuron.alpha[h] * kappa * carry[0, h]
        flushed = (d + flush) - flush
        j = neuron.gain[h] * flushed + neuron.alpha_syn[h] * carry[1, h]
        j = (j + flush) - flush
        carry[0, h] = flushed
        carry[1, h] = j
        u[t, h] = neuron.gain_syn[h] * j
        total[h] += neuron.gain_syn[h] * j


def add_gradients(neuron, t, g, s, e, u_t, u, before, second, later, carry, gradients):
    number, reset = u.dtype.type, neuron.reset
    for h in range(len(g)):
        threshold = neuron.threshold[h]
        v_before, i_before = before[0, h], before[1, h]
        if t > 0:
            v_before = after_reset(reset, u[t - 1, h], s[t - 1, h], threshold)
            i_before = second[t - 1, h]
        by_threshold = reset_by_threshold(reset, number(s[t, h]))
        if not neuron.detach_reset:
            by_threshold -= reset_by_spike(reset, u_t[h], threshold) * e[h]
        nu = neuron.alpha[h] * later[0, h]
        gradients[0, h] += carry[0, h] * (v_before - u_t[h])
        gradients[1, h] += nu * by_threshold - g[h] * e[h]
        gradients[2, h] += carry[1, h] * (i_before - second[t, h])
