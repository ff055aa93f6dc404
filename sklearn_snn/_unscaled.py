"""Features that outweigh all others, and the names that features have in warnings."""

import numpy as np
from scipy import sparse

from sklearn_snn._warnings import warn_user
from sklearn_snn.exceptions import UnscaledInputWarning

# Of fewer samples, neither the range nor the spread says much.
FEWEST = 20
# One spread outweighs others that are so many times smaller.
_OUTWEIGHS = 1000
# How much is looked at for a spread.
_SPREAD_ROWS, _SPREAD_VALUES = 1000, 2**18


def namer(estimator, X):
    """Return a function that makes a name of the index of a feature of X."""
    word = "channel" if X.ndim == 3 else "column"
    names = getattr(estimator, "feature_names_in_", None)

    def name(j):
        return f"{word} {j}" if names is None else f"{word} {j} ({names[j]!r})"

    return name


def some_rows(X):
    """Return evenly spaced rows, or steps, of an input as an array.

    Parameters
    ----------
    X : ndarray or CSR array
        See `_extent.parts`.

    Returns
    -------
    rows : ndarray of shape (n_rows, n_features)
    """
    n_rows = max(1, min(_SPREAD_ROWS, _SPREAD_VALUES // X.shape[-1]))
    if X.ndim == 2:
        rows = X[evenly(X.shape[0], n_rows)]
        return rows.toarray() if sparse.issparse(rows) else rows
    steps = evenly(X.shape[1], max(10, n_rows // X.shape[0]))
    samples = evenly(X.shape[0], max(1, n_rows // len(steps)))
    return X[np.ix_(samples, steps)].reshape(-1, X.shape[2])


def evenly(n, n_most):
    """Return at most so many evenly spaced ones of n indices, first and last too."""
    return np.unique(np.linspace(0, n - 1, min(n, n_most)).astype(np.intp))


@np.errstate(over="ignore", invalid="ignore")
def warn_of_spread(X, names, remedy):
    """Warn where one feature is spread so much more than others that it alone counts.

    Percentiles are what neither an outlier nor a rare category moves.

    Parameters
    ----------
    X : ndarray or CSR array
        See `_learned_input.parts`.
    names : callable
        Makes a name of a feature's index.
    remedy : str
        What scales it.
    """
    if X.dtype == bool or X.shape[-1] < 2 or X.shape[0] < FEWEST:
        return
    rows = some_rows(X).astype(np.float64)
    if len(rows) < FEWEST:
        return
    low, high = np.percentile(rows, [10, 90], axis=0)
    spread = high - low
    varied = np.flatnonzero(spread > 1e-9 * np.maximum(np.abs(low), np.abs(high)))
    if len(varied) < 2:
        return
    ordinary = np.sort(spread[varied])[(len(varied) - 1) // 2]
    large = varied[spread[varied] >= _OUTWEIGHS * ordinary]
    if len(large) == 0:
        return
    large = large[np.argsort(-spread[large], kind="stable")]
    named = ", ".join(map(names, large[:3])) + (", ..." if len(large) > 3 else "")
    warn_user(
        f"X is spread at least {_OUTWEIGHS} times as much in {named} as in half of the "
        f"others, so that the others hardly count: scale it, as {remedy} does.",
        UnscaledInputWarning,
    )
