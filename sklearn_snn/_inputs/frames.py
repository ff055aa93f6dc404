"""Data frames in lists of recordings: the names of their channels, missing values."""

import numpy as np


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
        The first recording if it has names that count, else the table.
    """
    is_list = isinstance(X, list | tuple) or (
        getattr(getattr(X, "dtype", None), "kind", "") == "O" and np.ndim(X) == 1
    )
    if is_list and (reset or hasattr(estimator, "feature_names_in_")):
        first = next(iter(X))
        return first if _is_frame(first) else table
    return table


def refuse_other_columns(items):
    """Raise ValueError if data frames name their columns unlike the first.

    What stands in one place would else be taken for the same channel.

    Parameters
    ----------
    items : list
        Recordings, of which any are data frames.
    """
    known, first = None, 0
    for i, item in enumerate(items):
        if not _is_frame(item):
            continue
        names = list(item.columns)
        if known is None:
            known, first = names, i
        elif names != known and len(names) == len(known):
            raise ValueError(
                f"X[{i}] has the columns {_listed(names)}, and X[{first}] "
                f"{_listed(known)}: recordings need the same channels in the same "
                "order. [x[columns] for x in X] puts columns in order, and "
                "[np.asarray(x) for x in X] takes them by their place."
            )


def array_of(item):
    """Return a data frame of pandas' own types as one of numpy's; others as they are.

    numpy would make objects of columns that may have missing values, such as "Int16".

    Parameters
    ----------
    item : anything

    Returns
    -------
    item : array-like
        NaN stands for what is missing, and makes whole numbers floats.
    """
    if not (_is_frame(item) and hasattr(item, "isna")):
        return item
    types = [getattr(t, "numpy_dtype", t) for t in item.dtypes]
    is_plain = all(t is own for t, own in zip(types, item.dtypes, strict=True))
    if is_plain and np.dtype(object) not in types:
        return item
    dtype = object
    if types and all(getattr(t, "kind", "O") in "biuf" for t in types):
        dtype = np.result_type(*types)
        if item.isna().any(axis=None):
            dtype = np.result_type(dtype, np.float32)
    return item.to_numpy(dtype=dtype, na_value=np.nan)


def _is_frame(item):
    return hasattr(item, "columns") and hasattr(item, "dtypes")


def _listed(names):
    """Return names for a message, the first few of them."""
    shown = ", ".join(f"{name!r}" for name in names[:6])
    return f"{shown}, ..." if len(names) > 6 else shown
