"""Arrays that networks and encoders take as they stand: told at once.

All checks of an input together take longer than a small network needs for a row, and
most of them ask what else it might be: a list, a data frame, text, padding. For a plain
array of numbers there are few questions, and no answer changes it.
"""

import math

import numpy as np

_FLOATS = {np.dtype(np.float64), np.dtype(np.float32)}


def is_plain(estimator, X, n_dimensions):
    """Tell whether all checks of a fitted estimator would return an input as it is.

    False says nothing: the checks find out, and raise what is to be raised.

    Parameters
    ----------
    estimator : fitted estimator
        Whose features have no names, or the checks must compare them.
    X : anything
    n_dimensions : int
        How many axes the estimator takes.

    Returns
    -------
    is_plain : bool
    """
    return (
        type(X) is np.ndarray
        and X.ndim == n_dimensions
        and X.size > 0
        and has_features(estimator, X.shape[-1])
        and (X.dtype.kind in "biu" or (X.dtype in _FLOATS and _is_finite(X)))
    )


def has_features(estimator, n_features):
    """Tell whether what was learned from had so many features, without names."""
    known = getattr(estimator, "n_features_in_", None)
    return known == n_features and not hasattr(estimator, "feature_names_in_")


def _is_finite(X):
    """Tell whether the sum is finite: then all numbers are."""
    return math.isfinite(np.add.reduce(X, axis=None))
