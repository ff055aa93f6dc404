"""Data frames in lists of recordings: the names of their channels, missing values."""

import numpy as np


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
        if not is_frame(item):
            continue
        names = list(item.columns)
        if known is None:
            known, first = names, i
        elif names != known:
            raise ValueError(
                f"X[{i}] has the columns {_listed(names)}, and X[{first}] "
                f"{_listed(known)}: recordings need the same channels in the same "
                "order. [x[columns] for x in X] puts columns in order, and "
                "[np.asarray(x) for x in X] takes them by their place."
            )


def refuse_other_names(item, known):
    """Raise ValueError if a data frame, or a row of one, has other names than known.

    Parameters
    ----------
    item : anything
        What has no names that are strings is taken by the place.
    known : array-like of str, or None
        None accepts all.
    """
    names = _names_of(item)
    if known is not None and names is not None and names != list(known):
        raise ValueError(
            f"X has the columns {_listed(names)}, and what was learned from had "
            f"{_listed(list(known))}: the same channels are needed in the same order."
        )


def array_of(item):
    """Return a frame or series of pandas' own types as numpy's; others as they are.

    numpy would make objects of columns that may have missing values, such as "Int16",
    and of a row of columns of several types.

    Parameters
    ----------
    item : anything

    Returns
    -------
    item : array-like
        NaN stands for what is missing, and makes whole numbers floats.
    """
    if not (hasattr(item, "isna") and hasattr(item, "to_numpy")):
        return item
    own = [*item.dtypes] if is_frame(item) else [item.dtype]
    types = [getattr(t, "numpy_dtype", t) for t in own]
    is_plain = all(t is given for t, given in zip(types, own, strict=True))
    if is_plain and np.dtype(object) not in types:
        return item
    if types and all(isinstance(t, np.dtype) and t.kind in "biuf" for t in types):
        dtype = np.result_type(*types)
        if np.asarray(item.isna()).any():
            dtype = np.result_type(dtype, np.float32)
        return item.to_numpy(dtype=dtype, na_value=np.nan)
    objects = item.to_numpy(dtype=object, na_value=np.nan)
    try:
        return objects.astype(np.float64)
    except (TypeError, ValueError):  # of text, of which others tell
        return objects


def is_frame(item):
    """Tell whether an object is a data frame, of any library."""
    return hasattr(item, "columns") and hasattr(item, "dtypes")


def _names_of(item):
    """Return the names of the columns of a frame, or a row of one; None for others."""
    names = None
    if is_frame(item):
        names = list(item.columns)
    elif hasattr(item, "iloc") and getattr(item, "ndim", 0) == 1:
        names = list(item.index)
    is_text = names is not None and all(isinstance(name, str) for name in names)
    return names if is_text else None


def _listed(names):
    """Return names for a message, the first few of them."""
    shown = ", ".join(f"{name!r}" for name in names[:6])
    return f"{shown}, ..." if len(names) > 6 else shown
