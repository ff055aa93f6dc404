"""Compiled entry points: what of an input can fire, and which samples are spikes.

What is compiled here is kept on disk, with all that it calls: see `cache`.
"""

import math
from typing import NamedTuple

import numpy as np

from sklearn_snn._engines.compiled.cache import code_key, entry_point
from sklearn_snn._engines.compiled.views import empty, zeros

# So that numba renews what it keeps when any code that it consists of changes.
_CODE = code_key(__name__)


class Trains(NamedTuple):
    """Spike trains to draw.

    Attributes
    ----------
    indptr : ndarray of int64 of shape (n_samples + 1,)
        Sample ``i`` owns the entries ``indptr[i]:indptr[i + 1]``.
    n_seldom : ndarray of int64 of shape (n_samples,)
        How many of these, the first ones, fire at half of the steps or less.
    features, thresholds : ndarrays of uint32 of shape (n_active,)
    seed_key, presentation_key : uint64
        See `encoding.stream_keys`.
    first_step : int
        Number of steps before the first of these.
    """

    indptr: np.ndarray
    n_seldom: np.ndarray
    features: np.ndarray
    thresholds: np.ndarray
    seed_key: np.uint64
    presentation_key: np.uint64
    first_step: int


@entry_point(_CODE)
def active_inputs(rates):
    """Return indptr, features and thresholds of all rates above 0, by sample.

    ``rates`` is of float32 and of shape (n_samples, n_features); the thresholds are
    those of `SpikeTrains.active`, and so is the order.

    Fast because there is no branch: every feature is written where the next one that
    can fire belongs, and that place moves on only if it can. Four fifths of the pixels
    of a digit are black, in no order that a processor could foresee.
    """
    n_samples, n_features = rates.shape
    indptr = zeros(n_samples + 1, np.int64)
    features = empty(rates.size, np.uint32)
    thresholds = empty(rates.size, np.uint32)
    n = 0
    for i in range(n_samples):
        for k in range(n_features):
            features[n] = k  # the next one replaces it if the rate is 0
            n += np.int64(rates[i, k] > 0)
        for e in range(indptr[i], n):
            words = math.ceil(np.float64(rates[i, features[e]]) * 2.0**32)
            thresholds[e] = np.uint32(words - 1)
        indptr[i + 1] = n
    return indptr, features[:n], thresholds[:n]


@entry_point(_CODE)
def seldom_first(indptr, features, thresholds):
    """Return n_seldom, features and thresholds with what fires seldom first, by sample.

    What is taken and returned is as in `Trains`. Fast because there is no branch, which
    no processor could foresee: each input is written to both places where it may
    belong, and only one of these moves on.
    """
    n_seldom = zeros(len(indptr) - 1, np.int64)
    ordered = empty(len(features), np.uint32)
    limits = empty(len(features), np.uint32)
    one = np.uint64(1)  # an index without a sign cannot be one from the end
    for i in range(len(n_seldom)):
        first, last = np.uint64(indptr[i]), np.uint64(indptr[i + 1]) - one
        for e in range(indptr[i], indptr[i + 1]):
            feature, threshold = features[e], thresholds[e]
            is_seldom = np.uint64(threshold < np.uint32(2**31))
            ordered[first], limits[first] = feature, threshold
            ordered[last], limits[last] = feature, threshold
            first += is_seldom
            last -= one - is_seldom
        n_seldom[i] = first - np.uint64(indptr[i])
    return n_seldom, ordered, limits


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
