"""Features that outweigh all others, and the names that features have in warnings."""

import numpy as np
from scipy import sparse

from sklearn_snn._utils.warnings import warn_user
from sklearn_snn.exceptions import UnscaledInputWarning

# Of fewer samples, neither the range nor the spread says much.
FEWEST = 20
# One spread outweighs others that are so many times smaller. Pixels and counts of words
# differ less, apart from the few that hardly ever vary.
_OUTWEIGHS = 50
# As many times as that, where their standard deviations are as good as alike, it is a
# few values that make them so.
_ALIKE = 5
_SMALL = 0.1
# How much is looked at for a spread.
_SPREAD_ROWS, _SPREAD_VALUES = 200, 2**15


def namer(estimator, X):
    """Return a function that makes a name of the index of a feature of X."""
    return name_of_feature(estimator, X.ndim == 3)


def name_of_feature(estimator, is_sequential):
    """Return such a function, for input that has steps or has none."""
    word = "channel" if is_sequential else "column"
    names = getattr(estimator, "feature_names_in_", None)

    def name(j):
        return f"{word} {j}" if names is None else f"{word} {j} ({names[j]!r})"

    return name


def some_rows(X):
    """Return evenly spaced rows, or steps, of an input as an array.

    Parameters
    ----------
    X : ndarray or CSR array
        See `extent.parts`.

    Returns
    -------
    rows : ndarray of shape (n_rows, n_features)
    """
    n_rows = min(_SPREAD_ROWS, max(2 * FEWEST, _SPREAD_VALUES // X.shape[-1]))
    if X.ndim == 2:
        rows = X[evenly(X.shape[0], n_rows)]
        return rows.toarray() if sparse.issparse(rows) else rows
    n_steps = max(10, n_rows // X.shape[0])
    samples = evenly(X.shape[0], max(1, n_rows // min(X.shape[1], n_steps)))
    rows = [x[evenly(x.shape[0], n_steps)] for x in map(X.__getitem__, samples)]
    return np.concatenate(rows)


def evenly(n, n_most):
    """Return at most so many evenly spaced ones of n indices, first and last too."""
    return np.unique(np.linspace(0, n - 1, min(n, n_most)).astype(np.intp))


def warn_of_spread(X, names, remedy, robust="QuantileTransformer()"):
    """Warn where features are spread so much more than others that they alone count.

    Percentiles are what neither an outlier nor a rare category moves.

    Parameters
    ----------
    X : ndarray or CSR array
        See `extent.parts`.
    names : callable
        Makes a name of a feature's index.
    remedy, robust : str
        What scales it, and what does so where a few values are far from all others.
    """
    if X.dtype == bool or X.shape[-1] < 2 or X.shape[0] < FEWEST:
        return
    spread, varied = _spreads(some_rows(X))
    if len(varied) < 2:
        return
    order = varied[np.argsort(-spread[varied], kind="stable")]
    small = order[-1 - int(_SMALL * (len(order) - 1))]
    large = order[spread[order] / _OUTWEIGHS >= spread[small]]
    if len(large) == 0:
        return
    named = ", ".join(map(names, large[:3])) + (", ..." if len(large) > 3 else "")
    deviations = _deviation(X, large[0]), _deviation(X, small)
    if deviations[0] < _ALIKE * deviations[1]:
        warn_user(
            f"X is spread at least {_OUTWEIGHS} times as much in {named} as in "
            f"{names(small)}, which hardly counts, though their standard deviations "
            f"are alike: a few values of {names(small)} are far from all others. Leave "
            f"out what is wrong, or scale X with {robust}.",
            UnscaledInputWarning,
        )
        return
    outweigh = "outweighs" if len(large) == 1 else "outweigh"
    warn_user(
        f"{named[0].upper()}{named[1:]} {outweigh} others: X is spread at least "
        f"{_OUTWEIGHS} times as much there as in {names(small)}, which hardly counts. "
        f"Scale it, as {remedy} does.",
        UnscaledInputWarning,
    )


@np.errstate(over="ignore", invalid="ignore")
def _deviation(X, j):
    """Return the standard deviation of a feature, over all samples and steps."""
    if sparse.issparse(X):
        return X[:, [j]].toarray().std(dtype=np.float64)
    if isinstance(X, np.ndarray):
        return X[..., j].std(dtype=np.float64)
    parts = [x[:, j] for x in map(X.__getitem__, range(X.shape[0]))]
    return np.concatenate(parts).std(dtype=np.float64)


def _spreads(rows):
    """Return half the distance of the 10th and 90th percentile, and where it is not 0.

    Half, since the whole may leave the range of floats.
    """
    # As float64, which numpy sorts faster than bytes.
    columns = np.sort(np.ascontiguousarray(rows.T, dtype=np.float64), axis=1)
    tail = (columns.shape[1] - 1) // 10
    low, high = columns[:, tail] / 2, columns[:, -1 - tail] / 2
    spread = high - low
    size = np.maximum(np.abs(low), np.abs(high))
    return spread, np.flatnonzero(spread > 1e-9 * size)
