"""Dates and text: what numpy would take for numbers, and nobody else."""

from datetime import date, time, timedelta

import numpy as np
from scipy import sparse

from sklearn_snn._inputs.sequences import Recordings
from sklearn_snn._inputs.spike_trains import SpikeTrains

_DATES = date, time, timedelta, np.datetime64, np.timedelta64
# How the names of types of pandas and polars begin, in either case.
_NAMES = "date", "time", "duration", "period"
_TEXT = {*"SU"}
_NOT_NUMERIC = (
    "dtype='numeric' is not compatible with arrays of bytes/strings. Convert {} to "
    "numeric values explicitly instead."
)


def refuse_dates_and_text(X):
    """Raise ValueError if X has dates or times, or is an array of text.

    Parameters
    ----------
    X : anything
    """
    if isinstance(X, SpikeTrains | Recordings):
        return
    kinds, is_of_dates, _ = _look_at(X)
    if is_of_dates:
        raise ValueError(
            "X has dates or times, which are no numbers: make columns of them, such as "
            "the month, or the days since a date."
        )
    if isinstance(X, np.ndarray) and kinds & _TEXT:
        raise ValueError(_NOT_NUMERIC.format("your data"))


def check_numeric_y(y):
    """Raise ValueError if a y that must be numbers has dates, times or text.

    And TypeError if it is sparse, as scikit-learn does.

    Parameters
    ----------
    y : anything
    """
    if sparse.issparse(y):
        raise TypeError(
            "Sparse data was passed for y, but dense data is required. Use "
            "'.toarray()' to convert to a dense numpy array."
        )
    kinds, is_of_dates, some = _look_at(y)
    if is_of_dates:
        raise ValueError(
            "y has dates or times, which are no numbers: predict a number, such as the "
            "days since a date."
        )
    if kinds & _TEXT or any(isinstance(cell, str | bytes) for cell in some):
        raise ValueError(_NOT_NUMERIC.format("y"))


def _look_at(X):
    """Return the kinds of types, whether there are dates, and objects of a row."""
    types = _types(X)
    kinds = {getattr(t, "kind", "") for t in types}
    # Objects are told by those of the first row.
    some = list(_first_cells(X)) if "O" in kinds or not types else []
    is_of_dates = (
        kinds & {*"mM"}
        or any(str(t).lower().startswith(_NAMES) for t in types)
        or any(isinstance(c, _DATES) or type(c).__name__ == "Period" for c in some)
    )
    return kinds, bool(is_of_dates), some


def _types(X):
    """Return the types of the columns of a data frame, or that of anything else."""
    try:
        columns = [*getattr(X, "dtypes", ())]
    except TypeError:  # of a series, which has a single one by that name
        columns = []
    return [t for t in (*columns, getattr(X, "dtype", None)) if t is not None]


def _first_cells(X):
    """Return the values of the first row."""
    if isinstance(X, list | tuple) or (isinstance(X, np.ndarray) and X.ndim):
        first = X[:1]
    elif hasattr(X, "iloc") and isinstance(X.shape[0], int):  # Dask's is no number
        first = X.iloc[:1]
    else:
        return ()
    try:
        return np.asarray(first, dtype=object).flat
    except ValueError:  # of unequal length, of which others tell
        return ()
