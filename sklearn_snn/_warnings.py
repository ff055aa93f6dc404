"""Warnings that point at the line of the user, not at one of the library."""

import sys
import warnings

# Whose frames may stand between the line of the user and the warning.
_INNER = (
    *("sklearn_snn", "sklearn", "imblearn", "joblib", "numpy", "contextlib"),
    *("pickle", "skops", "copy"),  # as what loads an estimator
)


def warn_user(message, category=None):
    """Show a warning at the line that led to it, outside of this library.

    Parameters
    ----------
    message : str or Warning
    category : type of Warning, default=None
        Needed for a str.
    """
    frame, level = sys._getframe(), 1
    while frame.f_back is not None and _package(frame) in _INNER:
        frame, level = frame.f_back, level + 1
    warnings.warn(message, category, stacklevel=level)


def _package(frame):
    return frame.f_globals.get("__name__", "").partition(".")[0]
