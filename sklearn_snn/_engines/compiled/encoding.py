"""Compiled encoding: the spikes of `_inputs.random`, for one sample at a time.

Numbers of 32 bits are cast after every operation, because numba widens them.
"""

import numpy as np

from sklearn_snn._engines.compiled.options import compiled
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
