"""Compiled encoding: the spikes of `_inputs.random`, for one sample at a time.

Numbers of 32 bits are cast after every operation, because numba widens them.
"""

import math

import numpy as np

from sklearn_snn._engines.compiled.options import ZERO, compiled
from sklearn_snn._engines.compiled.synapses import list_bits
from sklearn_snn._engines.compiled.views import segment
from sklearn_snn._inputs import random as _random

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
def most_inputs(trains, n_samples, n_features, enough):
    """Return how many inputs of a sample can fire at most, or something more.

    Those of dense samples are not counted where ``enough`` is as many as there are
    features.
    """
    if len(trains.indptr) == 0 and n_features <= enough:
        return n_features
    most = 1
    for i in range(n_samples):
        n = ZERO
        if len(trains.indptr) > 0:
            n = trains.indptr[i + 1] - trains.indptr[i]
        elif len(trains.rates) > 0:
            for k in range(n_features):
                n += np.int64(trains.rates[i, k] > 0)
        else:
            for k in range(n_features):
                n += np.int64(trains.levels[trains.codes[i, k]] > 0)
        most = max(most, n)
    return most


@compiled
def _take_rates(trains, i, rates):
    """Set ``rates`` to those of a dense sample."""
    if len(trains.rates) > 0:
        for k in range(len(rates)):
            rates[k] = trains.rates[i, k]
    else:
        for k in range(len(rates)):
            rates[k] = trains.levels[trains.codes[i, k]]


@compiled
def list_inputs(trains, i, drawing, listed, rows, limits):
    """List the inputs of a sample that can fire, and first those that seldom do.

    ``rows`` get their features, and ``limits`` their thresholds, which are those of
    `SpikeTrains.active`. Returns how many there are, and how many of these fire at half
    of the steps or less. ``listed`` is overwritten.

    Fast because no branch hangs on a rate: four fifths of the pixels of a digit are
    black, in no order that a processor could foresee. Each input is written to both
    places where it may belong, and only one of these moves on.
    """
    n, words = ZERO, drawing.words
    if len(trains.indptr) > 0:
        first = trains.indptr[i]
        n = trains.indptr[i + 1] - first
        for e in range(n):
            listed[e] = trains.features[first + e]
            words[e] = trains.thresholds[first + e]
    else:
        rates, can_fire = drawing.rates, drawing.can_fire
        _take_rates(trains, i, rates)
        for k in range(len(rates)):
            can_fire[k] = rates[k] > 0
        n = list_bits(can_fire, listed)
        for e in range(n):
            n_words = math.ceil(np.float64(rates[listed[e]]) * 2.0**32)
            words[e] = np.uint32(n_words - 1)
    # Of an index without a sign numba knows that it is none from the end.
    one = np.uint64(1)
    front, back = np.uint64(0), np.uint64(n) - one
    for e in range(n):
        is_seldom = np.uint64(words[e] < np.uint32(2**31))
        rows[front], limits[front] = listed[e], words[e]
        rows[back], limits[back] = listed[e], words[e]
        front += is_seldom
        back -= one - is_seldom
    return n, np.int64(front)


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
def draw(keys, thresholds, first, often, starts, increments, bits):
    """Draw the spikes of a sample from a step on, or its silences where ``often``.

    As `_random.bernoulli`; ``bits``, of shape (n_steps, at least n_inputs), is filled
    up with zeros.
    """
    n, n_bits = len(keys), bits.shape[1]
    for k in range(n):
        starts[k] = np.uint32(keys[k])
        increments[k] = np.uint32(keys[k] >> np.uint64(32)) | np.uint32(1)
    for t in range(len(bits)):
        step = np.uint32(first + t)
        for k in range(n):
            word = _mix32(np.uint32(starts[k] + np.uint32(step * increments[k])))
            bits[t, k] = np.uint8(word <= thresholds[k]) ^ often[k]
        # Of a loop from n on, numba does not know that no index is negative.
        rest = segment(bits, t * n_bits + n, n_bits - n)
        for k in range(len(rest)):
            rest[k] = 0
