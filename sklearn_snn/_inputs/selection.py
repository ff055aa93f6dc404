"""What an index selects of a lazy array that can be cut along its samples only."""

import numpy as np


def check_span(first, stop):
    """Raise ValueError unless there are steps from one to before another."""
    if not 0 <= first < stop:
        raise ValueError(f"Steps from {first} to before {stop} are none.")


def selected(key, n_samples, name):
    """Return what is selected of the first axis.

    Parameters
    ----------
    key : int, slice, ellipsis, array-like of int or of bool, or tuple of one of these
        In a tuple, ``...`` or full slices may follow, as with a numpy array.
    n_samples : int
    name : str
        Of the kind of array, for messages.

    Returns
    -------
    key : int, slice or ndarray of shape (n_selected,)

    Raises
    ------
    IndexError
        If another axis is cut, there is no such sample, or indices are not 1-D.
    """
    if isinstance(key, tuple):
        key, *others = key or (...,)
        whole = (slice(None), Ellipsis)
        if not all(isinstance(o, type(...) | slice) and o in whole for o in others):
            raise IndexError(
                f"{name} can be indexed by sample only; np.asarray, of recordings of "
                "one length, gives an array that can be cut along every axis."
            )
    if key is Ellipsis:
        return slice(None)
    if isinstance(key, int | np.integer):
        if not -n_samples <= key < n_samples:
            raise IndexError(f"sample {key} of {n_samples}")
        return int(key)
    if isinstance(key, slice):
        return key
    key = np.asarray(key)
    if key.ndim != 1:
        raise IndexError(f"sample indices must be 1-D, got {key.ndim}-D")
    return key.astype(np.intp) if key.size == 0 else key
