"""Warnings that point at the line of the user, not at one of the library."""

import sys
import warnings
from contextlib import contextmanager
from contextvars import ContextVar

# Whose frames may stand between the line of the user and the warning.
_INNER = (
    *("sklearn_snn", "sklearn", "imblearn", "joblib", "numpy", "contextlib"),
    *("pickle", "skops", "copy"),  # as what loads an estimator
)

# What was said in the call that is under way, if it says nothing twice.
_said = ContextVar("said", default=None)


@contextmanager
def each_once():
    """Return a context, or decorator, in which `warn_user` says nothing twice.

    For calls that look at the same input more than once.
    """
    token = _said.set(set())
    try:
        yield
    finally:
        _said.reset(token)


def warn_user(message, category=None):
    """Show a warning at the line that led to it, outside of this library.

    Parameters
    ----------
    message : str or Warning
    category : type of Warning, default=None
        Needed for a str.
    """
    said = _said.get()
    if said is not None:
        if (str(message), category) in said:
            return
        said.add((str(message), category))
    frame, level = sys._getframe(), 1
    while frame.f_back is not None and _package(frame) in _INNER:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def _package(frame):
    return frame.f_globals.get("__name__", "").partition(".")[0]
