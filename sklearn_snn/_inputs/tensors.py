"""Arrays of other libraries, such as torch's tensors, as numpy arrays."""

import numpy as np


def of_numpy(X):
    """Return an array of another library as the numpy array that shares its memory.

    scikit-learn does not know the types of numbers of tensors, and would make float64
    of all of them. What has no such type, as lists and data frames, stays as it is.

    Parameters
    ----------
    X : array-like

    Returns
    -------
    X : array-like
    """
    dtype = getattr(X, "dtype", None)
    is_foreign = dtype is not None and not hasattr(dtype, "kind")
    return np.asarray(X) if is_foreign and hasattr(X, "__array__") else X
