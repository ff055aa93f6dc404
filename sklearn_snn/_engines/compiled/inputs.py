"""Spike trains to draw, and a compiled entry point: which samples are spikes.

What is compiled here is kept on disk, with all that it calls: see `cache`.
"""

from typing import NamedTuple

import numpy as np

from sklearn_snn._engines.compiled.cache import code_key, entry_point

# So that numba renews what it keeps when any code that it consists of changes.
_CODE = code_key(__name__)


class Trains(NamedTuple):
    """Spike trains to draw.

    Attributes
    ----------
    rates : ndarray of float32 of shape (n_samples or 0, n_features)
    codes : ndarray of uint8 of shape (n_samples or 0, n_features)
        Where there are no rates, and what is not sparse.
    levels : ndarray of float32 of shape (256 or 0,)
        The rate of each code.
    indptr : ndarray of int64 of shape (n_samples + 1 or 0,)
        Of sparse rates. Sample ``i`` owns the entries ``indptr[i]:indptr[i + 1]``.
    features, thresholds : ndarrays of uint32 of shape (n_active,)
        Of sparse rates, what `SpikeTrains.active` returns.
    seed_key, presentation_key : uint64
        See `encoding.stream_keys`.
    first_step : int
        Number of steps before the first of these.
    """

    rates: np.ndarray
    codes: np.ndarray
    levels: np.ndarray
    indptr: np.ndarray
    features: np.ndarray
    thresholds: np.ndarray
    seed_key: np.uint64
    presentation_key: np.uint64
    first_step: int


@entry_point(_CODE)
def as_bits(x, bits):
    """Copy spikes to bytes; tell for each sample whether it consists of spikes.

    ``x`` has shape (n_samples, n_steps, n_features) and any type of number; ``bits``,
    of uint8, at least that shape, and is filled up with zeros. A spike is a 1; a sample
    with any value but 0 and 1 is graded, and left at the end of the step in which that
    shows, so that graded data are hardly read twice. Within a step there is no branch,
    which makes vector code of the loop.
    """
    is_binary = np.ones(len(x), np.bool_)
    for i in range(len(x)):
        for t in range(x.shape[1]):
            is_graded = False
            for k in range(x.shape[2]):
                value = x[i, t, k]
                bits[i, t, k] = np.uint8(value != 0)
                is_graded |= (value != 0) & (value != 1)
            for k in range(x.shape[2], bits.shape[2]):
                bits[i, t, k] = 0
            if is_graded:
                is_binary[i] = False
                break
    return is_binary
