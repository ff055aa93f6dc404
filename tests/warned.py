"""Calls, and the warnings about their input that they lead to."""

import warnings
from pathlib import Path

from helpers import fast
from sklearn.datasets import load_digits

from sklearn_snn.exceptions import InputMismatchWarning

IMAGES, DIGITS = load_digits(n_class=3, return_X_y=True)
IMAGES, DIGITS = IMAGES[:100], DIGITS[:100]


def model(X, y=DIGITS, **params):
    return fast(**{"engine": "numpy", "max_iter": 1, **params}).fit(X, y)


def found(call, *args, category=InputMismatchWarning):
    """Return the messages of a call, each of which is about a line of the tests."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", category)
        call(*args)
    caught = [w for w in caught if issubclass(w.category, category)]
    assert {Path(w.filename).parent for w in caught} <= {Path(__file__).parent}
    return [str(w.message) for w in caught]


def one(call, *args, **kwargs):
    (message,) = found(call, *args, **kwargs)
    return message
