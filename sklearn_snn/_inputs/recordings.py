"""Recordings of unequal length as users have them: in lists, or padded with NaN."""

import numpy as np
from scipy import sparse
from sklearn.utils.validation import check_array

from sklearn_snn._inputs.dates import refuse_dates_and_text
from sklearn_snn._inputs.dtypes import FLOATS
from sklearn_snn._inputs.frames import array_of, is_frame, refuse_other_columns
from sklearn_snn._inputs.layout import refuse_unlike
from sklearn_snn._inputs.sequences import Recordings, Sequences
from sklearn_snn._inputs.tensors import of_numpy

# How many values are looked at at a time.
_VALUES = 2**18


def gathered(X):
    """Return a list of recordings as one array, or as Sequences.

    Parameters
    ----------
    X : anything

    Returns
    -------
    X : ndarray of shape (n_samples, n_steps, n_features), Sequences, or X
        An array if all recordings have one length, of the type that they have in
        common; and X itself if it is no list, tuple, series or array of 2-D arrays.
        Recordings of unequal length end where an array of them would, before steps of
        NaN: see `without_padding`.

    Raises
    ------
    ValueError
        If not all are of two dimensions, the same number of features and at least one
        step, and made of numbers; or if data frames name their columns otherwise.
    """
    items = _items(X)
    if items is None or _n_dimensions(items[0]) != 2:
        return X
    arrays = [recording_array(item, i) for i, item in enumerate(items)]
    refuse_unlike([array.shape for array in arrays])
    refuse_other_columns(items)
    dtype = _common_type(items, arrays)
    # Rows behind each other, whatever the order of each: sums of columns depend on it.
    values = np.empty((sum(map(len, arrays)), arrays[0].shape[1]), dtype)
    try:
        np.concatenate(arrays, out=values, casting="unsafe")
    except (TypeError, ValueError):  # of objects
        raise _no_numbers(arrays) from None
    lengths = [len(array) for array in arrays]
    if len(set(lengths)) == 1:
        return values.reshape(len(arrays), lengths[0], -1)
    return _without_ends(Sequences.of_lengths(values, lengths))


def of_own_types(X):
    """Return recordings of a list as arrays of the types that they would have alone.

    Parameters
    ----------
    X : anything
        What `gathered` accepts.

    Returns
    -------
    arrays : list of ndarray of shape (n_steps, n_features), or None
        With their padding. None if X is no list, or all of it is of one type.
    """
    items = _items(X)
    if items is None:
        return None
    arrays = [recording_array(item, i) for i, item in enumerate(items)]
    pairs = zip(items, arrays, strict=True)
    types = [_common_type([item], [array]) for item, array in pairs]
    if len(set(types)) == 1:
        return None
    return [a.astype(dtype, copy=False) for a, dtype in zip(arrays, types, strict=True)]


def recording_array(item, i):
    """Return a recording of a list as an array of numbers, maybe as objects.

    Parameters
    ----------
    item : array-like
    i : int
        Its place in the list, for messages.

    Returns
    -------
    array : ndarray
        Of any number of axes.

    Raises
    ------
    ValueError
        If it is sparse, no array, or of no numbers.
    """
    if sparse.issparse(item):
        raise ValueError(
            f"X[{i}] is sparse: recordings in a list must be arrays, as x.toarray() is."
        )
    if is_frame(item):
        refuse_dates_and_text(item)  # which may look like numbers as an array
    try:
        array = np.asarray(array_of(of_numpy(item)))
    except ValueError as error:
        raise ValueError(f"X[{i}] cannot become an array: {error}") from None
    refuse_dates_and_text(array)
    if array.dtype.kind not in "biufO":
        raise ValueError(f"X[{i}] is of {array.dtype}: recordings are real numbers.")
    return array


def given_lengths(X):
    """Return how many steps recordings have as they were given, with their padding.

    Parameters
    ----------
    X : array-like of three dimensions, SpikeTrains, or list of recordings

    Returns
    -------
    lengths : list of int, array of int, or int
        Of each recording of a list, or of sequences, or of all.
    """
    items = _items(X)
    if items is not None:
        return [len(item) for item in items]
    if isinstance(X, Recordings):
        return X.lengths
    shape = np.shape(X) if getattr(X, "shape", None) is None else X.shape
    return int(shape[1])


def with_names(estimator, X, table, *, reset):
    """Return a table of which scikit-learn is to keep, or compare, names of columns.

    Parameters
    ----------
    estimator : estimator
        One that learned no names, as those of older files did not, compares none.
    X : anything
        As it was given: a list of data frames has names.
    table : array-like of shape (n_rows, n_features)
        Of the same features, without names.
    reset : bool
        Whether names are kept.

    Returns
    -------
    table : data frame or array-like
        The first recording that has names, if these count, else the table.
    """
    if reset or hasattr(estimator, "feature_names_in_"):
        return next((item for item in _items(X) or () if is_frame(item)), table)
    return table


def _items(X):
    """Return what a list, tuple, series or 1-D array of objects holds, if anything."""
    if isinstance(X, list | tuple):
        return X or None
    is_of_objects = getattr(getattr(X, "dtype", None), "kind", "") == "O"
    if is_of_objects and getattr(X, "ndim", 0) == 1 and len(X):
        return list(np.asarray(X))
    return None


def _common_type(items, arrays):
    """Return the type of an array of all items, of which these are the arrays."""
    dtype = np.result_type(*{array.dtype for array in arrays})
    is_kept = dtype.kind in "biu" or (dtype.kind == "f" and dtype.itemsize <= 8)
    if not is_kept or any(isinstance(item, list | tuple) for item in items):
        return np.dtype(FLOATS[0])  # as scikit-learn makes of lists of numbers
    return dtype


def _no_numbers(arrays):
    """Return the ValueError for recordings of objects that are no numbers."""
    for i, array in enumerate(arrays):
        try:
            array.astype(np.float64)
        except (TypeError, ValueError) as error:
            return ValueError(
                f"X[{i}] has values that are no numbers: {error}. Recordings are real "
                "numbers; leave columns of text out, or encode them."
            )
    raise AssertionError("all are numbers")


def _n_dimensions(item):
    """Return the number of axes of an item; None if it cannot become an array."""
    try:
        return np.ndim(item)
    except ValueError:  # of lists of unequal length, which others tell of
        return None


def check_recordings(estimator, X, dtype="numeric"):
    """Check that sequences are numbers, and where each of them ends; not their values.

    Parameters
    ----------
    estimator : estimator
    X : Sequences, EventSequences, or array-like of 3 dimensions
        Lists of recordings are `gathered` already.
    dtype : "numeric", or tuple of types
        Those which are kept; others become the first.

    Returns
    -------
    X : ndarray, Sequences or EventSequences
        Sequences, which share the memory, if X ends with steps of NaN: see
        `without_padding`.

    Raises
    ------
    ValueError, TypeError
        As `sklearn.utils.check_array` does, and if an axis is empty.
    """
    if not isinstance(X, Recordings):
        X = check_array(
            X,
            dtype=dtype,
            allow_nd=True,
            ensure_all_finite=False,
            estimator=estimator,
            input_name="X",
        )
    elif isinstance(X, Sequences):
        native = X.dtype.newbyteorder("=")
        if X.dtype.itemsize > 8 or (native == np.float32 and X.dtype != native):
            of_size = np.float64 if X.dtype.itemsize > 8 else native
            X = X.with_values(X.concatenated().astype(of_size))
    if 0 in X.shape:
        raise empty(estimator, X.shape)
    if isinstance(X, np.ndarray):
        return without_padding(X)
    if not X.lengths.all():
        raise ValueError(
            f"Sample {np.argmin(X.lengths)} of X has no steps; each needs at least one."
        )
    return _without_ends(X) if isinstance(X, Sequences) else X


def empty(estimator, shape):
    """Return the ValueError for sequences with an empty axis."""
    return ValueError(
        f"Found array with shape {shape}; {type(estimator).__name__} needs at least "
        "one sample, one step and one feature."
    )


def without_padding(X):
    """Return recordings that end with steps of NaN as Sequences that end before.

    A step belongs to the padding if it, and all after it, are NaN in all features:
    the convention of tslearn.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_steps, n_features)
        No axis of it is empty.

    Returns
    -------
    X : ndarray or Sequences
        X itself if no sample ends so. Sequences share the memory of a C-contiguous X.

    Raises
    ------
    ValueError
        If a sample is nothing but NaN.
    """
    if X.dtype.kind != "f" or not np.isnan(X[:, -1]).all(axis=1).any():
        return X
    n_samples, n_steps, n_features = X.shape
    lengths = np.empty(n_samples, np.int64)
    n_rows = max(1, _VALUES // (n_steps * n_features))
    for start in range(0, n_samples, n_rows):
        rows = slice(start, start + n_rows)
        is_there = ~np.isnan(X[rows]).all(axis=2)
        lengths[rows] = n_steps - is_there[:, ::-1].argmax(axis=1)
        lengths[rows][~is_there.any(axis=1)] = 0
    starts = np.arange(n_samples) * n_steps
    return _ended(X.reshape(-1, n_features), starts, lengths)


def _without_ends(X):
    """Return Sequences that end before their last steps if these are NaN."""
    if X.dtype.kind != "f":
        return X
    last = X.values[X.starts + X.lengths - 1]
    padded = np.flatnonzero(np.isnan(last).all(axis=1)).tolist()
    if not padded:
        return X
    lengths = X.lengths.copy()
    for i in padded:
        is_there = ~np.isnan(X[i]).all(axis=1)
        lengths[i] = np.flatnonzero(is_there).max(initial=-1) + 1
    return _ended(X.values, X.starts, lengths)


def _ended(values, starts, lengths):
    """Return Sequences of these lengths, of which none may be 0."""
    if not lengths.all():
        raise ValueError(
            f"Sample {np.argmin(lengths)} of X is NaN at all steps: NaN at the end "
            "says that a recording is over, and each needs at least one step."
        )
    return Sequences(values, starts, lengths)
