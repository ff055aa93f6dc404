"""The extremes of an input: all that is kept of what was learned from.

Large inputs are taken part by part, in their own type, so that nothing copies them.
"""

from typing import NamedTuple

import numpy as np
from scipy import sparse
from sklearn.utils.sparsefuncs import min_max_axis

from sklearn_snn._inputs.unscaled import FEWEST, evenly

# How many bytes are looked at at a time, and how many values where some are enough.
_BYTES, _SOME_VALUES = 2**21, 2**16


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
    """Cut an input into parts of two megabytes, dense ones as tables.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features) or (n_samples, n_steps, n_features), \
            or CSR array of the former

    Yields
    ------
    rows : slice
        The samples.
    part : ndarray or CSR array of shape (n_rows, n_features)
        All steps of theirs.
    """
    per_sample = X.nnz // X.shape[0] if sparse.issparse(X) else X[0].size
    n_samples = X.shape[0]
    n_rows = max(1, _BYTES // max(1, per_sample * X.dtype.itemsize))
    for start in range(0, n_samples, n_rows):
        rows = slice(start, min(start + n_rows, n_samples))
        part = X[rows]
        yield rows, part if X.ndim == 2 else part.reshape(-1, X.shape[2])


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
    extents = []
    for rows, part in parts(X):
        n_samples = rows.stop - rows.start
        if present is not None and not present[rows].all():
            keep, n_samples = present[rows], np.count_nonzero(present[rows])
            if n_samples == 0:
                continue
            part = part[np.repeat(keep, part.shape[0] // len(keep))]
        weakest = _least_positive(_sizes(part, n_samples))
        extents.append((*limits_of(part, axis=0), weakest))
    low, high, weakest = zip(*extents, strict=True)
    rows = some_samples(X, None if present is None else np.flatnonzero(present))
    faintest = min(_least_positive(sums(part, n)) for part, n in tables(rows))
    return Extent(np.min(low, axis=0), np.max(high, axis=0), min(weakest), faintest)


def union(extents):
    """Return the Extent of inputs of which these are the Extents."""
    low, high, weakest, faintest = zip(*extents, strict=True)
    limits = np.min(low, axis=0), np.max(high, axis=0)
    return Extent(*limits, min(weakest), min(faintest))


def tables(X):
    """Yield the tables of `parts`, and of how many samples each is."""
    for rows, part in parts(X):
        yield part, rows.stop - rows.start


def some_samples(X, rows=None):
    """Return evenly spaced samples of X, all if it is small.

    Parameters
    ----------
    X : ndarray or CSR array
    rows : ndarray of int, default=None
        Indices of the samples that there are; None for all.
    """
    per_sample = X.nnz // X.shape[0] if sparse.issparse(X) else X[0].size
    n_most = max(FEWEST, _SOME_VALUES // max(1, per_sample))
    if rows is not None and len(rows) < X.shape[0]:
        return X[rows[evenly(len(rows), n_most)]]
    return X if X.shape[0] <= n_most else X[evenly(X.shape[0], n_most)]


def _least_positive(x):
    return float(x.min(initial=np.inf, where=x > 0))


def _sizes(part, n_samples):
    """Return the largest absolute value of each sample."""
    if not sparse.issparse(part):
        part = part.reshape(n_samples, -1)  # long rows are reduced in half the time
        if part.dtype.kind not in "if":
            return part.max(axis=1).astype(np.float64)
    low, high = limits_of(part, axis=1)
    return np.maximum(np.abs(low), np.abs(high))


def sums(part, n_samples):
    """Return the sum of the absolute values of each sample."""
    sizes = abs(part.astype(np.float64))  # of -128, an 8-bit integer has none
    return np.asarray(sizes.sum(axis=1)).reshape(n_samples, -1).sum(axis=1)


def limits_of(part, axis):
    """Return least and largest along an axis, as float64."""
    if sparse.issparse(part):
        limits = min_max_axis(part, axis=axis)
    else:
        limits = part.min(axis=axis), part.max(axis=axis)
    return [limit.astype(np.float64) for limit in limits]
