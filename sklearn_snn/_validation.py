"""What a network accepts as X and y: scikit-learn's rules, and those for sequences."""

import numpy as np
from sklearn.utils.validation import (
    check_array,
    check_consistent_length,
    validate_data,
)

from sklearn_snn._spike_trains import SpikeTrains

# A recorded sequence keeps these types; it is converted batch by batch.
_SEQUENCE_DTYPES = (np.float64, np.float32, np.uint8, np.bool_)


def validate_input(estimator, X, y="no_validation", *, reset):
    """Check X, and y where one is given, before any work is done.

    Parameters
    ----------
    estimator : estimator
        Its ``n_features_in_`` and ``feature_names_in_`` are set or compared.
    X : SpikeTrains, or array-like of 2 or 3 dimensions, or sparse matrix
    y : array-like of shape (n_samples,), default="no_validation"
    reset : bool
        True in `fit`.

    Returns
    -------
    X : SpikeTrains, ndarray or CSR array
    y : ndarray of shape (n_samples,)
        Only where y was given.

    Raises
    ------
    ValueError, TypeError
        As `sklearn.utils.check_array` does, and for sequences with an empty axis.
    """
    n_dimensions = _n_dimensions(X)
    if n_dimensions > 3:
        raise ValueError(
            f"Found array with dim {n_dimensions}; {type(estimator).__name__} accepts "
            "(n_samples, n_features) and (n_samples, n_steps, n_features)."
        )
    if n_dimensions != 3:
        return validate_data(
            estimator,
            X,
            y,
            reset=reset,
            accept_sparse="csr",
            dtype=(np.float64, np.float32),
        )
    if not isinstance(X, SpikeTrains):
        X = check_array(
            X,
            dtype=_SEQUENCE_DTYPES,
            allow_nd=True,
            estimator=estimator,
            input_name="X",
        )
    if 0 in X.shape:
        raise ValueError(
            f"Found array with shape {X.shape}; {type(estimator).__name__} needs at "
            "least one sample, one step and one feature."
        )
    has_y = not isinstance(y, str)
    if has_y:
        y = validate_data(estimator, y=y, reset=reset)
        check_consistent_length(X, y)
    # Features are the last axis: any (n_samples, n_features) cut tells their number.
    features = X.rates if isinstance(X, SpikeTrains) else X[:, 0]
    validate_data(estimator, features, reset=reset, skip_check_array=True)
    return (X, y) if has_y else X


def network_dtype(X):
    """Return the type to compute in: float64 for float64 input, else float32."""
    return np.float64 if X.dtype == np.float64 else np.float32


def _n_dimensions(X):
    return X.ndim if hasattr(X, "ndim") else np.asarray(X).ndim
