"""The types of numbers that an input keeps, and whether all of it is finite."""

import numpy as np
from sklearn.utils.validation import assert_all_finite

from sklearn_snn._inputs.extent import parts

# What input becomes, the first or, if it is that already, the second.
FLOATS = np.float64, np.float32
# A sequence keeps these types, too, whatever kind of array it is.
OF_SPIKES = np.uint8, np.bool_


def kept_dtypes(X, others=()):
    """Return the types that X is not converted from, as scikit-learn wants them.

    Whole numbers and halves stay what they are, so that a memory map is not copied: an
    engine, or an encoder, converts a batch at a time. Floats whose bytes are in another
    order become those of their size.

    Parameters
    ----------
    X : array-like
    others : tuple of types
        More of them.

    Returns
    -------
    dtypes : tuple
    """
    is_kept = isinstance(X, np.ndarray) and (X.dtype.kind in "biu" or is_half(X))
    if is_kept:
        return (X.dtype,)
    dtype = getattr(X, "dtype", None)
    native = dtype.newbyteorder("=") if isinstance(dtype, np.dtype) else None
    if native != dtype and native in FLOATS:
        return (native,)
    return (*FLOATS, *others)


def is_half(X):
    """Tell whether X is an array of half floats."""
    return isinstance(X, np.ndarray) and X.dtype.kind == "f" and X.dtype.itemsize == 2


def check_halves(estimator, X):
    """Raise ValueError unless all of an array is finite, if it is of half floats.

    scikit-learn would make an array of the size of X for that.

    Parameters
    ----------
    estimator : estimator
    X : validated input
    """
    if is_half(X):
        check_finite(estimator, X)


def check_finite(estimator, X):
    """Raise ValueError unless all of an input is finite.

    Parameters
    ----------
    estimator : estimator
    X : ndarray, CSR array or Recordings
    """
    if X.dtype.kind == "f":
        name = type(estimator).__name__
        for _, part in parts(X):
            assert_all_finite(part, estimator_name=name, input_name="X")
