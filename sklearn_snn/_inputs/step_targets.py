"""Targets of each step: as long as each recording, and together as a padded array."""

from contextlib import contextmanager

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils.validation import check_array, column_or_1d

from sklearn_snn._compat import num_samples
from sklearn_snn._inputs.dates import check_numeric_y
from sklearn_snn._inputs.layout import n_dimensions
from sklearn_snn._inputs.lengths import all_lengths
from sklearn_snn._inputs.recordings import gathered, given_lengths, without_padding
from sklearn_snn._inputs.sequences import Recordings
from sklearn_snn._inputs.tensors import of_numpy
from sklearn_snn._inputs.validation import quietly, require_y, validate_input
from sklearn_snn._utils.warnings import warn_user
from sklearn_snn.exceptions import InputMismatchWarning

# How errors begin that are of y; the last two are said by other libraries.
_OF_Y = "y ", "Input y ", "Found array with dim 3, while", "The truth value of an array"


@contextmanager
def hint_at_per_step(estimator, X, y):
    """Say before errors of y, of samples that have one target each, what seems meant.

    Parameters
    ----------
    estimator : estimator
    X : input
        As it was given, maybe with padding.
    y : array-like
        As it was given, or some rows of it as an array.
    """
    try:
        yield
    except ValueError as error:
        message = str(error)
        if not message.startswith(_OF_Y) or not _is_as_long(X, y):
            raise
        if not message.startswith(_OF_Y[:2]):
            message = "y must have one target for each sample, or one row of them"
        what = "labels" if is_classifier(estimator) else "numbers"
        raise ValueError(
            f"y is as long as the recordings are: {what} of each step need "
            f"per_step=True. As targets of whole recordings: {message}"
        ) from None


def warn_of_columns(estimator, X, y, given):
    """Warn where recordings have as many targets as steps, which may be meant.

    Parameters
    ----------
    estimator : estimator
    X, y : validated input and targets
        Of each sample, not of each step.
    given : input
        X as it was given, maybe with padding.

    Warns
    -----
    InputMismatchWarning
    """
    if X.ndim != 3 or y.ndim != 2:
        return
    n = y.shape[1]
    if n not in (X.shape[1], np.max(given_lengths(given))):
        return
    of_labels = is_classifier(estimator)
    outputs, of_steps = ("labels",) * 2 if of_labels else ("outputs", "numbers")
    warn_user(
        f"y has as many columns as X has steps, {n}, and they are taken as {n} "
        f"{outputs} of each recording: {of_steps} of each step need per_step=True.",
        InputMismatchWarning,
    )


def validate_steps(estimator, X, y, *, reset):
    """Check X and y, of which each sample has a target for each of its steps.

    Parameters
    ----------
    estimator, X, reset
        As of `validate_input`.
    y : array-like of shape (n_samples, n_steps) or (n_samples, n_steps, n_outputs), \
            or list of array-likes without the first axis
        Where steps of X are padding, which are NaN, what y has there counts for
        nothing; or it has no such steps. For X that says itself where recordings end,
        y may be one array that is as long as the longest, or longer.

    Returns
    -------
    X : SpikeTrains or input of three axes
    y : ndarray of shape (n_samples, n_steps) or (n_samples, n_steps, n_outputs)
        With n_steps of the longest sample. Beyond the end of a sample is a target that
        is somewhere else in y.

    Raises
    ------
    ValueError, TypeError
        If X is not acceptable or has no steps, or y does not have as many targets as X
        has steps, and all of one kind.
    """
    require_y(estimator, y)
    # Whether there are as many samples is compared with whatever has as many.
    stand_ins = np.zeros(num_samples(y))
    with _hint_at_new_axis(X, len(stand_ins)):
        given, (X, _) = X, validate_input(estimator, X, stand_ins, reset=reset)
    if X.ndim == 2:
        raise ValueError(
            "per_step=True needs X with steps, to each of which there is an answer: of "
            f"shape (n_samples, n_steps, n_features), or spike trains. X of shape "
            f"{X.shape} is a table, whose rows have one answer each."
        )
    lengths, n_steps = all_lengths(X, X.shape[1]), X.shape[1]
    flat = _one_behind_the_other(estimator, y, lengths, given)
    padded = np.empty((len(lengths), n_steps, *flat.shape[1:]), flat.dtype)
    padded[...] = flat[0]
    padded[np.arange(n_steps) < lengths[:, np.newaxis]] = flat
    return X, padded


def targets_of_steps(y, lengths, given):
    """Return a target for each step of recordings, one behind the other.

    Parameters
    ----------
    y : array-like or list
        Of each recording, or of each step as `validate_steps` takes it: where its
        second axis is as long as the recordings, it is that of steps.
    lengths : ndarray of int of shape (n_samples,)
    given : recordings
        As they were given, maybe with padding.

    Returns
    -------
    y : ndarray of shape (n_steps of all samples, ...)

    Raises
    ------
    ValueError
        If it is neither.
    """
    if getattr(y, "ndim", 0) == 1 and y.dtype != object:
        return np.repeat(np.asarray(y), lengths)  # no row is looked at by itself
    rows = _rows(y)
    cut = _without_padding(rows, lengths, _lengths_of_targets(y, lengths, given))
    fits = [r.ndim > 0 and len(r) == n for r, n in zip(cut, lengths, strict=True)]
    if all(fits):
        return np.concatenate(cut)
    if len({row.shape for row in rows}) == 1:
        return np.repeat(rows, lengths, axis=0)
    i = fits.index(False)
    raise ValueError(
        f"y must have one target for each recording, or one for each of its steps: "
        f"y[{i}] has shape {rows[i].shape}, and X[{i}] has {lengths[i]} steps."
    )


@contextmanager
def _hint_at_new_axis(X, n_rows):
    """Say so where y, of so many rows, is that of the steps of a single recording."""
    try:
        yield
    except ValueError as error:
        is_of_samples = "inconsistent numbers of samples" in str(error)
        # Of what has other numbers of samples X is known to be acceptable.
        if not is_of_samples or num_samples(X) != 1 or n_dimensions(gathered(X)) != 3:
            raise
        if n_rows != np.max(given_lengths(X)):
            raise
        raise ValueError(
            f"X is a single recording of {n_rows} steps, and y has {n_rows} rows, as "
            "if of as many recordings: with per_step=True the y of a single recording "
            "is [y]."
        ) from None


def _is_as_long(X, y):
    """Tell whether X has steps, and y as many, with their padding or without."""
    given, X = X, of_numpy(gathered(X))
    if n_dimensions(X) != 3:
        return False
    X = without_padding(X) if isinstance(X, np.ndarray) else X
    lengths = all_lengths(X, X.shape[1])
    padded = np.broadcast_to(given_lengths(given), lengths.shape)
    if getattr(y, "ndim", 0) > 1:
        return y.shape[1] in (lengths.max(), padded.max())
    rows = [-1 if isinstance(row, str) or np.ndim(row) == 0 else len(row) for row in y]
    if len(rows) != len(lengths):
        return False
    return bool(((rows == lengths) | (rows == padded)).all())


@quietly()
def _one_behind_the_other(estimator, y, lengths, given):
    """Return the targets of all steps of samples of these lengths, checked."""
    rows = _without_padding(_rows(y), lengths, _lengths_of_targets(y, lengths, given))
    _check_shapes(rows, lengths, is_classifier(estimator))
    flat = np.concatenate(rows)
    if is_classifier(estimator) and flat.shape[1:] == (1,):
        flat = column_or_1d(flat, dtype=flat.dtype, warn=True)
    missing = np.flatnonzero(_are_missing(flat))
    if len(missing):
        ends = np.cumsum(lengths)
        sample = np.searchsorted(ends, missing[0], side="right")
        step = missing[0] - (ends[sample] - lengths[sample])
        raise ValueError(
            f"y[{sample}] has no value at step {step}: with per_step=True missing "
            "targets are not supported. Cut the recordings where they are not known, "
            "or fill them in."
        )
    must_be_numbers = estimator._y_options(flat).get("y_numeric", False)
    if must_be_numbers:
        check_numeric_y(flat)
    flat = check_array(
        flat, ensure_2d=False, dtype=None, input_name="y", estimator=estimator
    )
    if must_be_numbers and flat.dtype.kind == "O":
        flat = flat.astype(np.float64)
    return estimator._check_y(flat)


def _rows(y):
    """Return the targets of each sample as a list of arrays."""
    if hasattr(y, "toarray"):
        y = y.toarray()
    elif hasattr(y, "shape"):  # iterating over a data frame gives its columns
        y = np.asarray(y)
    try:
        return [np.asarray(row) for row in y]
    except ValueError:
        raise ValueError(
            "y[i] must be an array of the targets of all steps of X[i]; its rows are "
            "of unequal length."
        ) from None


def _lengths_of_targets(y, lengths, given):
    """Return how many targets samples may have with those of the padding."""
    shape = getattr(y, "shape", ())
    if isinstance(given, Recordings) and len(shape) > 1 and shape[1] >= lengths.max():
        # Where padding was taken away, maybe by a transformer, y may have it still.
        return shape[1]
    return given_lengths(given)


def _without_padding(rows, lengths, padded):
    """Return the targets without those that belong to the padding of recordings."""
    padded = np.broadcast_to(padded, lengths.shape).tolist()
    return [
        row[:n] if row.ndim and len(row) == n_padded else row
        for row, n, n_padded in zip(rows, lengths.tolist(), padded, strict=True)
    ]


def _check_shapes(rows, lengths, is_of_labels):
    """Raise ValueError unless rows are as long as this, and of one kind."""
    what, last = ("label", "n_labels") if is_of_labels else ("number", "n_outputs")
    for i, (row, n_steps) in enumerate(zip(rows, lengths.tolist(), strict=True)):
        if row.ndim not in (1, 2):
            raise ValueError(
                f"per_step=True needs a {what} for each step: y[{i}] must have shape "
                f"(n_steps,) or (n_steps, {last}), with {n_steps} steps as X[{i}], but "
                f"has {row.shape}."
            )
        if len(row) != n_steps:
            raise ValueError(
                f"y[{i}] has {len(row)} steps, but X[{i}] has {n_steps}: per_step=True "
                f"needs a {what} for each step."
            )
        if row.shape[1:] != rows[0].shape[1:]:
            raise ValueError(
                f"y[{i}] has shape {row.shape} and y[0] {rows[0].shape}: all steps "
                f"need equally many {what}s."
            )


def _are_missing(flat):
    """Tell which steps have no value: None, or what is not equal to itself."""
    if flat.dtype.kind == "f":
        return np.isnan(flat.reshape(len(flat), -1)).any(axis=1)
    if flat.dtype.kind != "O":
        return np.zeros(len(flat), bool)
    cells = flat.reshape(len(flat), -1)
    return np.array([any(c is None or c != c for c in row) for row in cells], bool)
