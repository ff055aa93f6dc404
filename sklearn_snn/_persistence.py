"""What a saved estimator says of itself, and how one that was loaded is checked."""

import warnings
from itertools import pairwise

import numpy as np
from sklearn.exceptions import InconsistentVersionWarning

from sklearn_snn._version import __version__

_VERSION_KEY = "_sklearn_snn_version"


class PersistenceMixin:
    """State of an estimator for pickle, joblib, skops and copy: parameters and arrays.

    Raises
    ------
    ValueError
        When a state is set that cannot be that of a whole estimator.

    Warns
    -----
    InconsistentVersionWarning
        When a state was written by another version of sklearn-snn.
    """

    def __getstate__(self):
        return super().__getstate__() | {_VERSION_KEY: __version__}

    def __setstate__(self, state):
        name = type(self).__name__
        if not isinstance(state, dict) or _VERSION_KEY not in state:
            raise ValueError(f"This is not the state of a {name}.")
        state = state.copy()
        version = state.pop(_VERSION_KEY)
        if version != __version__:
            warnings.warn(
                InconsistentVersionWarning(
                    estimator_name=name,
                    current_sklearn_version=f"{__version__} of sklearn-snn",
                    original_sklearn_version=str(version),
                ),
                stacklevel=2,
            )
        missing = sorted(set(self._get_param_names()) - set(state))
        if missing:
            raise ValueError(
                f"This state of a {name}, of sklearn-snn {version}, lacks the "
                f"parameters {missing}: it is damaged, or has to be fitted again."
            )
        if "coefs_" in state:
            _check_network(state, name)
        super().__setstate__(state)


def _check_network(state, name):
    """Raise ValueError unless the arrays of a network fit each other."""
    try:
        shapes = [np.shape(w) for w in state["coefs_"]]
        ends = (state["n_features_in_"],), (len(state["classes_"]),)
        is_whole = (
            [shape[1:] for shape in shapes]
            == [np.shape(b) for b in state["intercepts_"]]
            and all(below[1:] == above[:1] for below, above in pairwise(shapes))
            and ends == (shapes[0][:1], shapes[-1][1:])
        )
    except (KeyError, IndexError, TypeError, ValueError):
        is_whole = False
    if not is_whole:
        raise ValueError(f"The arrays in this state of a {name} do not fit each other.")
