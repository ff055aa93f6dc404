"""What a saved estimator says of itself, and how one that was loaded is checked."""

import os
import warnings
from itertools import pairwise
from pathlib import Path

import joblib
import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import InconsistentVersionWarning

from sklearn_snn._version import __version__

_VERSION_KEY = "_sklearn_snn_version"


class PersistenceMixin:
    """State of an estimator for pickle, joblib, skops and copy: parameters and arrays.

    A class says in `_fitted_names` which attributes it has once it is fitted, beside
    others.

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
        if _is_fitted(state, self._fitted_names, name) and "coefs_" in state:
            _check_network(state, name)
        super().__setstate__(state)


def _is_fitted(state, names, owner):
    """Tell whether a state is fitted; raise ValueError if it is so in part only."""
    missing = sorted(set(names) - set(state))
    if missing and len(missing) < len(names):
        raise ValueError(f"This state of a {owner} is damaged: it lacks {missing}.")
    return not missing


def _check_network(state, name):
    """Raise ValueError unless the arrays of a network are finite and fit each other."""
    try:
        shapes = [np.shape(w) for w in state["coefs_"]]
        ends = (state["n_features_in_"],), (len(state["classes_"]),)
        is_whole = (
            [shape[1:] for shape in shapes]
            == [np.shape(b) for b in state["intercepts_"]]
            and all(below[1:] == above[:1] for below, above in pairwise(shapes))
            and ends == (shapes[0][:1], shapes[-1][1:])
        )
        arrays = [*state["coefs_"], *state["intercepts_"]]
        is_whole &= all(
            a.dtype in ("f4", "f8") and np.isfinite(a).all() for a in arrays
        )
    except (AttributeError, KeyError, IndexError, TypeError, ValueError):
        is_whole = False
    if not is_whole:
        raise ValueError(
            f"The arrays in this state of a {name} are damaged: they are not of finite "
            "numbers, or do not fit each other."
        )


def load_model(path):
    """Load a model that `joblib.dump` saved, and see that it is one.

    As with `joblib.load`, code that the file names is run: load what you trust only.

    Parameters
    ----------
    path : str or path-like
        The file.

    Returns
    -------
    model : estimator
        A `SpikingClassifier`, a pipeline, a search, or whatever estimator was saved.

    Raises
    ------
    OSError
        If the file cannot be read.
    ValueError
        If it is truncated, damaged or not of joblib, or holds no estimator.

    Warns
    -----
    InconsistentVersionWarning
        If another version of sklearn-snn or scikit-learn wrote it.

    See Also
    --------
    joblib.dump : Saves a model.

    Examples
    --------
    >>> import joblib, tempfile
    >>> from pathlib import Path
    >>> from sklearn_snn import SpikingClassifier, load_model
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "model.joblib"
    ...     files = joblib.dump(SpikingClassifier(alpha=0.9), path)
    ...     load_model(path)
    SpikingClassifier(alpha=0.9)
    """
    Path(path).open("rb").close()  # says so if there is no such file
    try:
        model = joblib.load(path)
    except Exception as error:  # whatever pickle makes of a damaged file
        raise ValueError(
            f"{os.fspath(path)} is no whole file of joblib.dump; it is truncated, "
            f"damaged or of another kind ({type(error).__name__}: {error})."
        ) from error
    if not isinstance(model, BaseEstimator):
        raise ValueError(
            f"{os.fspath(path)} holds no estimator but a {type(model).__name__}."
        )
    return model
