"""What a network accepts as X, y and weights: scikit-learn's rules, and sequences."""

import os
import sys
from itertools import pairwise
from numbers import Integral, Real

import numpy as np
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    check_consistent_length,
    validate_data,
)

from sklearn_snn._compat import check_sample_weight, check_y
from sklearn_snn._inputs.dates import check_numeric_y, refuse_dates_and_text
from sklearn_snn._inputs.dtypes import (
    OF_SPIKES,
    check_finite,
    check_halves,
    is_half,
    kept_dtypes,
)
from sklearn_snn._inputs.layout import hints, n_dimensions, refuse_dimensions
from sklearn_snn._inputs.learned_input import check_likeness
from sklearn_snn._inputs.plain import has_features, is_plain
from sklearn_snn._inputs.recordings import (
    check_recordings,
    empty,
    gathered,
    with_names,
)
from sklearn_snn._inputs.spike_trains import SpikeTrains
from sklearn_snn._inputs.tensors import of_numpy

_KINDS = {
    False: "a constant current per sample (2-D)",
    True: "a sequence per sample (3-D, a list of recordings, or spike trains)",
}


def quietly():
    """Return a context in which scikit-learn checks data without numpy's warnings.

    Looking for infinite numbers and for fractions it sums, and casts to integers,
    whatever there is; what numpy says about that says nothing about the data.
    """
    return np.errstate(over="ignore", invalid="ignore")


@quietly()
def validate_input(estimator, X, y="no_validation", *, reset, **y_options):
    """Check X, and y where one is given, before any work is done.

    Parameters
    ----------
    estimator : estimator
        Its ``n_features_in_`` and ``feature_names_in_`` are set or compared.
    X : SpikeTrains, Sequences, EventSequences, array-like of 2 or 3 dimensions, list \
            of 2-D arrays, or sparse matrix
    y : array-like of shape (n_samples,), default="no_validation"
    reset : bool
        True in `fit`.
    **y_options : dict
        What scikit-learn's `validate_data` is to know of y: ``multi_output`` and
        ``y_numeric``.

    Returns
    -------
    X : SpikeTrains, Sequences, EventSequences, ndarray or CSR array
        Sequences of a list whose items differ in length, or of an array that is padded
        with NaN.
    y : ndarray of shape (n_samples,) or (n_samples, n_columns)
        Only where y was given.

    Raises
    ------
    ValueError, TypeError
        As `sklearn.utils.check_array` does, for sequences with an empty axis, and for
        sequences where there were none in `fit`, or the other way round.
    """
    has_y = not isinstance(y, str)
    if not (reset or has_y) and is_plain(estimator, X, 2 + estimator._is_sequential_):
        check_likeness(estimator, X)
        return X
    owner, given, X = type(estimator).__name__, X, gathered(X)
    n = n_dimensions(X)
    refuse_dimensions(X, n, owner)
    refuse_dates_and_text(X)
    is_numeric = y_options.get("y_numeric", False)
    if is_numeric:
        check_numeric_y(y)
    if reset:
        estimator._is_sequential_ = n == 3
    elif n > 1 and estimator._is_sequential_ != (n == 3):
        known, new = _KINDS[estimator._is_sequential_], _KINDS[n == 3]
        hint = " (A single sequence is [X].)" if n == 2 else ""
        raise ValueError(
            f"X is {new}, but {owner} is expecting {known} as input.{hint}"
        )
    n_features = None if reset else getattr(estimator, "n_features_in_", None)
    with hints(X, y, n_features, is_numeric):
        if n == 3:
            out = _validate_sequences(
                estimator, of_numpy(X), y, reset=reset, given=given, **y_options
            )
        else:
            out = _validate_table(estimator, of_numpy(X), y, reset=reset, **y_options)
    if not has_y:
        check_likeness(estimator, out)
    return out


def _validate_table(estimator, X, y, *, reset, **y_options):
    """Check a table."""
    out = validate_data(
        estimator,
        X,
        y,
        reset=reset,
        accept_sparse="csr",
        dtype=kept_dtypes(X),
        ensure_all_finite=not is_half(X),
        **y_options,
    )
    check_halves(estimator, out if isinstance(y, str) else out[0])
    return out


def _validate_sequences(estimator, X, y, *, reset, given, **y_options):
    """Check sequences, which may have any number of steps, as they were given."""
    if not isinstance(X, SpikeTrains):
        X = check_recordings(estimator, X, kept_dtypes(X, OF_SPIKES))
        check_finite(estimator, X)
    elif 0 in X.shape:
        raise empty(estimator, X.shape)
    has_y = not isinstance(y, str)
    if has_y:
        # Not by `validate_data`, which would look for names in an X that is not there.
        require_y(estimator, y)
        y = check_y(y, estimator=estimator, **y_options)
        check_consistent_length(X, y)
    if reset or not has_features(estimator, X.shape[2]):
        # Features are the last axis: a table of as many columns tells their number.
        features = np.broadcast_to(np.uint8(0), (X.shape[0], X.shape[2]))
        features = with_names(estimator, given, features, reset=reset)
        validate_data(estimator, features, reset=reset, skip_check_array=True)
    return (X, y) if has_y else X


def require_y(estimator, y):
    """Raise ValueError, as scikit-learn does, if there is no y."""
    if y is None:
        raise ValueError(
            f"{type(estimator).__name__} requires y to be passed, but the target y is "
            "None."
        )


def check_magnitudes(params):
    """Raise ValueError if a parameter, or a class's weight, is finite but no float."""
    weights = params.get("class_weight")
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
        isinstance(n, Integral) and not isinstance(n, bool) and n > 0
        for n in np.atleast_1d(np.array(value, dtype=object)).tolist()
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


def check_shapes(coefs, intercepts, n_features, n_outputs):
    """Raise ValueError unless weights and biases, which users may assign, fit.

    Parameters
    ----------
    coefs, intercepts : lists of ndarrays
    n_features, n_outputs : int
    """
    shapes = [np.shape(w) for w in coefs]
    sizes = [n_features, *(shape[-1] for shape in shapes if shape)]
    arrays = [*coefs, *intercepts]
    is_whole = (
        shapes == list(pairwise(sizes))
        and sizes[-1] == n_outputs
        and [np.shape(b) for b in intercepts] == [(n,) for n in sizes[1:]]
        and len({getattr(a, "dtype", None) for a in arrays}) == 1
        and arrays[0].dtype in (np.float32, np.float64)
    )
    if not is_whole:
        raise ValueError(
            "coefs_ and intercepts_ must be arrays, all of float32 or all of float64, "
            f"that lead from {n_features} features to {n_outputs} outputs; their "
            f"shapes are {shapes} and {[np.shape(b) for b in intercepts]}, their types "
            f"{[str(getattr(a, 'dtype', type(a).__name__)) for a in arrays]}."
        )


def _physical_memory():
    """Return the memory of the machine in bytes, or a bound where it is not known."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return sys.maxsize


def network_dtype(X):
    """Return the type to compute in.

    Parameters
    ----------
    X : validated input

    Returns
    -------
    dtype : type
        float32 for float32 and for sequences of types of up to 16 bits, all values of
        which are also values of float32; else float64.
    """
    is_small = X.ndim == 3 and X.dtype.itemsize <= 2
    return np.float32 if is_small or X.dtype == np.float32 else np.float64


def validate_weights(X, sample_weight, all_zero=False):
    """Check the weights of the samples.

    Parameters
    ----------
    X : validated input
    sample_weight : array-like of shape (n_samples,), float or None
    all_zero : bool, default=False
        Whether all of them may be 0.

    Returns
    -------
    weights : ndarray of float64 of shape (n_samples,)
        Of which none is negative and, unless `all_zero`, at least one is positive.

    Raises
    ------
    ValueError
        If they are not.
    """
    if sample_weight is None:
        return np.ones(X.shape[0])
    try:
        return check_sample_weight(
            sample_weight,
            X,
            dtype=np.float64,
            ensure_non_negative=True,
            allow_all_zero_weights=all_zero,
        )
    except ValueError as error:
        if "setting an array element with a sequence" not in str(error):
            raise
        raise ValueError(
            "sample_weight must be one weight for each sample, of shape (n_samples,), "
            "or a number for all; got a list that holds arrays or lists. Single steps "
            "have no weights: all of a recording have its weight."
        ) from None


def n_columns(y):
    """Return how many columns a y has that was not checked yet; 1 if it has no axis."""
    shape = getattr(y, "shape", None)
    if shape is None:
        try:
            shape = np.asarray(y).shape
        except ValueError:  # of lists of unequal length, which is found out later
            return 1
    return shape[1] if len(shape) == 2 else 1


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
    # What leaves the range is not finite, which is refused below.
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
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
