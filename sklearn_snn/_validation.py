"""What a network accepts as X, y and weights: scikit-learn's rules, and sequences."""

import os
import sys
from itertools import pairwise
from numbers import Integral, Real

import numpy as np
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    check_array,
    check_consistent_length,
    validate_data,
)

from sklearn_snn._compat import check_sample_weight
from sklearn_snn._spike_trains import SpikeTrains

_KINDS = {
    False: "a constant current per sample (2-D)",
    True: "a sequence per sample (3-D, or spike trains)",
}
# A recorded sequence keeps these types; it is converted batch by batch.
_SEQUENCE_DTYPES = (np.float64, np.float32, np.uint8, np.bool_)


def quietly():
    """Return a context in which scikit-learn checks data without numpy's warnings.

    Looking for infinite numbers and for fractions it sums, and casts to integers,
    whatever there is; what numpy says about that says nothing about the data.
    """
    return np.errstate(over="ignore", invalid="ignore")


@quietly()
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
        As `sklearn.utils.check_array` does, for sequences with an empty axis, and for
        sequences where there were none in `fit`, or the other way round.
    """
    n_dimensions = _n_dimensions(X)
    if n_dimensions > 3:
        raise ValueError(
            f"Found array with dim {n_dimensions}; {type(estimator).__name__} accepts "
            "(n_samples, n_features) and (n_samples, n_steps, n_features)."
        )
    if reset:
        estimator._is_sequential_ = n_dimensions == 3
    elif n_dimensions > 1 and estimator._is_sequential_ != (n_dimensions == 3):
        known, new = _KINDS[estimator._is_sequential_], _KINDS[n_dimensions == 3]
        raise ValueError(
            f"X is {new}, but {type(estimator).__name__} is expecting {known} as "
            "input. (A single sequence is X[np.newaxis].)"
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


def check_magnitudes(params):
    """Raise ValueError if a parameter, or a class's weight, is finite but no float."""
    weights = params["class_weight"]
    named = list(params.items())
    if isinstance(weights, dict):
        named += [("class_weight", weight) for weight in weights.values()]
    for name, value in named:
        if not isinstance(value, Real) or value == np.inf:
            continue
        try:
            is_finite = float(value) != np.inf
        except OverflowError:  # of an int
            is_finite = False
        if not is_finite:
            raise ValueError(f"{name} is, or contains, too large a number.")


def hidden_sizes(value):
    """Return `hidden_layer_sizes` as a list of int; raise ValueError if it is none."""
    hidden = np.atleast_1d(value)
    if hidden.ndim > 1 or not all(
        isinstance(n, Integral) and n > 0 for n in hidden.tolist()
    ):
        raise ValueError(
            "hidden_layer_sizes must be a positive int or a sequence of them, "
            f"got {value!r}."
        )
    return hidden.tolist()


def check_memory(sizes, n_steps, dtype):
    """Raise ValueError if a network could not even run a single sample in memory.

    Parameters
    ----------
    sizes : list of int
        Number of units of each layer, input and output included.
    n_steps : int
    dtype : dtype-like
    """
    n_weights = sum(below * above for below, above in pairwise(sizes))
    # Weights, their gradient and its means; membranes, spikes and deltas of all steps.
    n_numbers = 4 * n_weights + 3 * n_steps * sum(sizes[1:])
    needed = np.dtype(dtype).itemsize * n_numbers
    if needed > (available := _physical_memory()):
        raise ValueError(
            f"A network of {sizes} units and {n_steps} steps needs at least "
            f"{needed / 2**30:.1f} GiB of memory, of which there are "
            f"{available / 2**30:.1f} GiB. Take fewer hidden neurons or steps."
        )


def _physical_memory():
    """Return the memory of the machine in bytes, or a bound where it is not known."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return sys.maxsize


def network_dtype(X):
    """Return the type to compute in: float64 for float64 input, else float32."""
    return np.float64 if X.dtype == np.float64 else np.float32


def _n_dimensions(X):
    return X.ndim if hasattr(X, "ndim") else np.asarray(X).ndim


def validate_weights(X, sample_weight):
    """Check the weights of the samples.

    Parameters
    ----------
    X : validated input
    sample_weight : array-like of shape (n_samples,), float or None

    Returns
    -------
    weights : ndarray of float64 of shape (n_samples,)
        Of which at least one is positive, and none negative.

    Raises
    ------
    ValueError
        If they are not.
    """
    if sample_weight is None:
        return np.ones(X.shape[0])
    return check_sample_weight(
        sample_weight, X, dtype=np.float64, ensure_non_negative=True
    )


def class_weights(class_weight, classes, labels, sample_weight):
    """Return the weight of each sample's class.

    Parameters
    ----------
    class_weight : dict, "balanced" or None
    classes : ndarray of shape (n_classes,)
    labels : ndarray of shape (n_samples,)
    sample_weight : ndarray of shape (n_samples,)
        Counts with "balanced".

    Returns
    -------
    weights : ndarray of shape (n_samples,)

    Raises
    ------
    ValueError
        If a weight is negative or not finite, or none is positive.
    """
    if class_weight is None:
        return np.ones(len(labels))
    by_class = compute_class_weight(
        class_weight, classes=classes, y=labels, sample_weight=sample_weight
    )
    weights = by_class[np.searchsorted(classes, labels)]
    if not (np.isfinite(by_class).all() and by_class.min() >= 0 < weights.max()):
        raise ValueError(
            "class_weight must be finite and not negative, and positive for a class in "
            f"y, got {class_weight!r}."
        )
    return weights


@quietly()
def check_classes(y, classes, name):
    """Check the labels, and find out which classes there are.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
    classes : ndarray of shape (n_classes,) or None
        All classes, sorted; None for those of `y`.
    name : str
        Name of the estimator.

    Returns
    -------
    classes : ndarray of shape (n_classes,)
        Sorted.

    Raises
    ------
    ValueError
        If `y` is not a set of labels, there are fewer than two classes, or `y` has
        others than `classes`.
    """
    check_classification_targets(y)
    found = np.unique(y)
    if classes is not None and len(classes) < 2:
        raise ValueError(f"{name} needs at least 2 classes, got {classes.tolist()!r}.")
    classes = found if classes is None else classes
    if len(classes) < 2:
        raise ValueError(
            f"{name} needs samples of at least 2 classes in y, but the data contains "
            f"only one class: {classes.tolist()[0]!r}. (Samples of weight 0 do not "
            "count.)"
        )
    if not np.isin(found, classes).all():
        raise ValueError(f"y has classes {found}, of which not all are in {classes}.")
    return classes
