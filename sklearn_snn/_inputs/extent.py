"""The extremes of an input: all that is kept of what was learned from.

Large inputs are taken part by part, in their own type, so that nothing copies them.
"""

from typing import NamedTuple

import numpy as np
from scipy import sparse
from sklearn.utils.sparsefuncs import min_max_axis

from sklearn_snn._inputs.event_sequences import EventSequences
from sklearn_snn._inputs.sequences import Recordings
from sklearn_snn._inputs.unscaled import FEWEST, evenly

# How many bytes are looked at at a time, which are fewer than what training takes, and
# how many values where some are enough.
_BYTES, _SOME_VALUES = 2**19, 2**16
# What a step, or an event, takes as a part of a sparse table, while that is made.
_BYTES_OF_EVENT = 32


class Extent(NamedTuple):
    """The extremes of an input.

    Attributes
    ----------
    low, high : ndarrays of float64 of shape (n_features,)
    weakest : float
        The smallest, over all samples that are not zero throughout, of a sample's
        largest absolute value; infinite if there are none.
    faintest : float
        The same of a sample's sum of absolute values.
    """

    low: np.ndarray
    high: np.ndarray
    weakest: float
    faintest: float


def parts(X):
    """Cut an input into parts of half a megabyte, or of a sample, as tables.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features) or (n_samples, n_steps, n_features), \
            CSR array of the former, or Recordings

    Yields
    ------
    rows : slice
        The samples.
    part : ndarray or CSR array of shape (n_rows, n_features)
        All steps of theirs.
    """
    n_samples, n_rows = X.shape[0], _n_at_once(X)
    for start in range(0, n_samples, n_rows):
        rows = slice(start, min(start + n_rows, n_samples))
        yield rows, as_table(X[rows])


def _n_at_once(X):
    """Return how many samples make a part."""
    size = _BYTES_OF_EVENT if isinstance(X, EventSequences) else X.dtype.itemsize
    return max(1, _BYTES // max(1, _n_values(X) * size))


def as_table(X):
    """Return all steps of an input as the rows of a table."""
    if X.ndim == 2:
        return X
    return X.concatenated() if isinstance(X, Recordings) else X.reshape(-1, X.shape[2])


def _n_values(X):
    """Return how many values a sample has that are stored, on the average."""
    if sparse.issparse(X):
        return X.nnz // X.shape[0]
    if isinstance(X, EventSequences):
        return (len(X.steps) + X.lengths.sum()) // X.shape[0]
    if isinstance(X, Recordings):
        return X.lengths.sum() * X.shape[2] // X.shape[0]
    return X[0].size


def _lengths(X):
    """Return how many rows of the table each sample has."""
    if isinstance(X, Recordings):
        return X.lengths
    return np.broadcast_to(X.shape[1] if X.ndim == 3 else 1, X.shape[:1])


@np.errstate(over="ignore")
def extent(X, present=None):
    """Return the Extent of an input.

    Parameters
    ----------
    X : ndarray or CSR array
        See `parts`.
    present : ndarray of bool of shape (n_samples,), default=None
        The samples that count; at least one does.

    Returns
    -------
    extent : Extent
    """
    extents, all_lengths = [], _lengths(X)
    for rows, part in parts(X):
        lengths = all_lengths[rows]
        if present is not None and not present[rows].all():
            keep = present[rows]
            if not keep.any():
                continue
            part, lengths = part[np.repeat(keep, lengths)], lengths[keep]
        weakest = _least_positive(_sizes(part, lengths))
        extents.append((*limits_of(part, axis=0), weakest))
    low, high, weakest = zip(*extents, strict=True)
    some = _some_of(X, None if present is None else np.flatnonzero(present))
    faintest = min(_least_positive(sums(*table)) for table in tables(X, some))
    return Extent(np.min(low, axis=0), np.max(high, axis=0), min(weakest), faintest)


def union(extents):
    """Return the Extent of inputs of which these are the Extents."""
    low, high, weakest, faintest = zip(*extents, strict=True)
    limits = np.min(low, axis=0), np.max(high, axis=0)
    return Extent(*limits, min(weakest), min(faintest))


def tables(X, rows=None):
    """Yield tables as `parts` does, and how many of its rows each sample has.

    Parameters
    ----------
    X : ndarray, CSR array or Recordings
    rows : ndarray of int, default=None
        Indices of the samples that are looked at; None for all.
    """
    lengths = _lengths(X)
    if rows is None:
        for some, part in parts(X):
            yield part, lengths[some]
        return
    n_rows = _n_at_once(X)
    for start in range(0, len(rows), n_rows):
        some = rows[start : start + n_rows]
        if n_rows == 1:  # which need not be copied
            some = slice(some[0], some[0] + 1)
        yield as_table(X[some]), lengths[some]


def some_samples(X, rows=None):
    """Return evenly spaced samples of X, all if it is small.

    Parameters
    ----------
    X : ndarray or CSR array
    rows : ndarray of int, default=None
        Indices of the samples that there are; None for all.
    """
    some = _some_of(X, rows)
    return X if some is None else X[some]


def _some_of(X, rows):
    """Return the indices of these samples; None for all."""
    if rows is None and X.shape[0] <= FEWEST:
        return None
    n_most = max(FEWEST, _SOME_VALUES // max(1, _n_values(X)))
    if rows is not None and len(rows) < X.shape[0]:
        return rows[evenly(len(rows), n_most)]
    return None if X.shape[0] <= n_most else evenly(X.shape[0], n_most)


def _least_positive(x):
    return float(x.min(initial=np.inf, where=x > 0))


def _sizes(part, lengths):
    """Return the largest absolute value of each sample."""
    if not sparse.issparse(part) and _are_equal(lengths):
        # Long rows are reduced in half the time.
        part, lengths = part.reshape(len(lengths), -1), np.ones_like(lengths)
    if part.dtype.kind not in "if" and not sparse.issparse(part):
        return _by_sample(np.maximum, part.max(axis=1).astype(np.float64), lengths)
    low, high = limits_of(part, axis=1)
    return _by_sample(np.maximum, np.maximum(np.abs(low), np.abs(high)), lengths)


def sums(part, lengths):
    """Return the sum of the absolute values of each sample."""
    n_rows = part.shape[0]
    if not sparse.issparse(part):  # of a sample that is long, a part
        n_rows = max(1, _BYTES // (8 * part.shape[1]))
    by_row = [
        # Of -128, an 8-bit integer has no absolute value.
        np.asarray(abs(part[i : i + n_rows].astype(np.float64)).sum(axis=1)).ravel()
        for i in range(0, part.shape[0], n_rows)
    ]
    return _by_sample(np.add, np.concatenate(by_row), lengths)


def _by_sample(ufunc, by_row, lengths):
    """Reduce what there is of each row to what there is of each sample."""
    if _are_equal(lengths):
        return ufunc.reduce(by_row.reshape(len(lengths), -1), axis=1)
    return ufunc.reduceat(by_row, np.cumsum(lengths) - lengths)


def _are_equal(lengths):
    return (lengths == lengths[0]).all()


def limits_of(part, axis):
    """Return least and largest along an axis, as float64."""
    if sparse.issparse(part):
        limits = min_max_axis(part, axis=axis)
    elif part.shape[axis] == 1:
        limits = [part.reshape(part.shape[1 - axis])] * 2
    else:
        limits = part.min(axis=axis), part.max(axis=axis)
    return [limit.astype(np.float64) for limit in limits]
