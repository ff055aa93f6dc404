"""Counter-based random numbers: a spike is a pure function of what it stands for.

Every (row, feature) pair of an input owns one stream of 32-bit numbers; number ``t``
of the stream decides the spike at step ``t``. There is no state to advance, so a
spike does not depend on what else is drawn, in which order, or on which thread.

Two published mixers do the work:

- 64-bit keys: the finalizer of SplitMix64 (Steele, Lea & Flood, "Fast splittable
  pseudorandom number generators", OOPSLA 2014), variant 13 of Stafford.
- 32-bit draws: a Weyl sequence ``a + t * b`` with an odd increment of its own for
  each stream, as in SplitMix, through the finalizer "lowbias32" (C. Wellons,
  "Prospecting for hash functions", 2018), whose avalanche bias is 0.17 per mille.

``tests/test_random.py`` measures avalanche and uniformity of both, and
``tests/test_spike_trains.py`` the statistics of the spikes that come out.
"""

import functools

import numpy as np

# 2**64 / golden ratio: the customary increment of a Weyl sequence of 64-bit words.
GOLDEN_64 = np.uint64(0x9E3779B97F4A7C15)

_MASK_64 = (1 << 64) - 1


def mix64(x):
    """Mix with the finalizer of SplitMix64: a bijection of 64-bit words.

    Parameters
    ----------
    x : ndarray of uint64
        Any words; left unchanged.

    Returns
    -------
    mixed : ndarray of uint64, same shape as `x`
    """
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def mix32(x, scratch):
    """Mix with the finalizer "lowbias32", in place: a bijection of 32-bit words.

    Parameters
    ----------
    x : ndarray of uint32
        Words to mix; overwritten.
    scratch : ndarray of uint32, same shape as `x`
        Overwritten.
    """
    for shift, factor in ((16, 0x7FEB352D), (15, 0x846CA68B)):
        np.right_shift(x, np.uint32(shift), out=scratch)
        np.bitwise_xor(x, scratch, out=x)
        np.multiply(x, np.uint32(factor), out=x)
    np.right_shift(x, np.uint32(16), out=scratch)
    np.bitwise_xor(x, scratch, out=x)


# Of each batch it is asked again, for the same few seeds: three arrays of one number.
@functools.lru_cache(maxsize=256)
def counter_start(seed):
    """Return the 64-bit word that the keys of a seed's counters start from.

    Parameters
    ----------
    seed : int
        Any integer; its low 64 bits count.

    Returns
    -------
    start : uint64
    """
    return mix64(np.array([seed & _MASK_64], dtype=np.uint64))[0]


def counter_keys(seed, counters):
    """One 64-bit key per counter, e.g. per feature.

    Parameters
    ----------
    seed : int
        Any integer; its low 64 bits count.
    counters : array-like of int of shape (n,)

    Returns
    -------
    keys : ndarray of uint64 of shape (n,)
    """
    steps = (np.asarray(counters, dtype=np.uint64) + 1) * GOLDEN_64
    return mix64(counter_start(seed) + steps)


def content_keys(indptr, words, keys):
    """One 64-bit key per row that depends on all of the row's entries.

    A Zobrist hash: the sum, modulo 2**64, of one pseudo-random word per entry. Two
    different rows get the same key with probability 2**-64, and the order in which
    the entries are stored does not matter.

    Parameters
    ----------
    indptr : ndarray of int of shape (n_rows + 1,)
        Row ``i`` owns the entries ``indptr[i]:indptr[i + 1]``.
    words : ndarray of uint32 of shape (n_entries,)
        What an entry holds.
    keys : ndarray of uint64 of shape (n_entries,)
        Key of the column that an entry stands in.

    Returns
    -------
    row_keys : ndarray of uint64 of shape (n_rows,)
    """
    running = np.zeros(len(words) + 1, dtype=np.uint64)
    np.cumsum(mix64(keys + words), out=running[1:])
    return running[indptr[1:]] - running[indptr[:-1]]


def split_keys(stream_keys):
    """Return start and odd increment, both uint32, of each stream's Weyl sequence.

    Parameters
    ----------
    stream_keys : ndarray of uint64 of shape (n_streams,)

    Returns
    -------
    starts, increments : ndarrays of uint32 of shape (n_streams,)
    """
    increments = (stream_keys >> np.uint64(32)).astype(np.uint32) | np.uint32(1)
    return stream_keys.astype(np.uint32), increments


def bernoulli(stream_keys, thresholds, out, scratch, first=0):
    """Draw ``out[k, t] = 1`` with probability ``(thresholds[k] + 1) / 2**32``.

    Parameters
    ----------
    stream_keys : ndarray of uint64 of shape (n_streams,)
        Start (low half) and increment (high half) of each stream.
    thresholds : ndarray of uint32 of shape (n_streams,)
    out : ndarray of bool of shape (n_streams, n_steps)
        Overwritten with the draws.
    scratch : tuple of two ndarrays of uint32 of the shape of `out`
        Overwritten.
    first : int, default=0
        The step that ``out[:, 0]`` is.
    """
    words, spare = scratch
    starts, increments = split_keys(stream_keys)
    steps = np.arange(first, first + out.shape[1], dtype=np.uint32)
    np.multiply(increments[:, None], steps, out=words)
    np.add(words, starts[:, None], out=words)
    mix32(words, spare)
    np.less_equal(words, thresholds[:, None], out=out)
