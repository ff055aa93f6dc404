"""What a saved estimator says of itself, and how one that was loaded is checked."""

import lzma
import os
import pickle
import re
import struct
import zlib
from itertools import pairwise
from pathlib import Path

import joblib
import numpy as np
from sklearn import __version__ as sklearn_version
from sklearn.base import BaseEstimator
from sklearn.exceptions import InconsistentVersionWarning

from sklearn_snn._compat import validate_parameter_constraints
from sklearn_snn._constants import frozen_constants, params_of
from sklearn_snn._inputs.learned_input import is_learned_input
from sklearn_snn._migrations import (
    FORMAT,
    constructor_defaults,
    defaults_before,
    migrate,
    version_key,
)
from sklearn_snn._model.build import initial_constants
from sklearn_snn._model.recurrence import check_recurrent
from sklearn_snn._utils.warnings import warn_user
from sklearn_snn._version import __version__
from sklearn_snn.exceptions import OtherVersionWarning
from sklearn_snn.neurons import RANGES

# What a state says of who wrote it. Version 0.1.0 gave the first of them only.
_VERSION_KEY = "_sklearn_snn_version"
_FORMAT_KEY = "_sklearn_snn_format"
_SKLEARN_KEY = "_sklearn_version"

# What pickle, joblib, numpy and the decompressors make of a damaged file. Everything
# else, such as a lack of memory, is no fault of the file.
_DAMAGED = (
    *(pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError),
    *(LookupError, ArithmeticError, AssertionError, struct.error, zlib.error),
    lzma.LZMAError,
)
# What pickle says of a class or function that its module does not have.
_MISSING_NAME = re.compile(r"^Can't get attribute|^module .* has no attribute")


class StateError(ValueError):
    """A state is no whole one, or not one of a version that this one can read."""


class PersistenceMixin:
    """State of an estimator for pickle, joblib, skops and copy: parameters and arrays.

    A class says in `_fitted_names` which attributes it has once it is fitted, beside
    others. A state of an older version is brought up to date, as `_migrations` says.

    Raises
    ------
    ValueError
        When a state is set that cannot be that of a whole estimator, or is of a newer
        version and of a kind that this one does not know.

    Warns
    -----
    OtherVersionWarning
        When a state was written by another version of sklearn-snn.
    InconsistentVersionWarning
        When it was by this one, with another version of scikit-learn.
    """

    def __getstate__(self):
        return super().__getstate__() | {
            _VERSION_KEY: __version__,
            _FORMAT_KEY: FORMAT,
            _SKLEARN_KEY: sklearn_version,
        }

    def __setstate__(self, state):
        name = type(self).__name__
        state, origin = _read(state, name)
        if origin["format"] > FORMAT:
            raise StateError(
                f"This state of a {name} is of sklearn-snn {origin['version']}, whose "
                f"format {origin['format']} version {__version__} does not know yet: "
                "update sklearn-snn."
            )
        _complete(state, origin["version"], type(self))
        migrate(state, origin["format"])
        if _is_fitted(state, self._fitted_names, name) and "coefs_" in state:
            _check_constants(state["_constants_"], type(self))
            _check_network(state, name)
            _check_learned(state.get("_learned_input_"), state["n_features_in_"], name)
        _warn_of_versions(name, origin)
        super().__setstate__(state)


def _read(state, name):
    """Return a copy of a state without what it says of its origin, and the origin."""
    try:
        state = state.copy()
        origin = {
            "version": state.pop(_VERSION_KEY),
            "format": state.pop(_FORMAT_KEY, 1),
            "scikit-learn": state.pop(_SKLEARN_KEY, None),
        }
        version_key(origin["version"])
        is_ours = origin["format"] >= 1
    except (AttributeError, KeyError, TypeError, ValueError):
        is_ours = False
    if not is_ours:
        raise StateError(f"This is not the state of a {name}.")
    return state, origin


def _complete(state, version, estimator_class):
    """Add the parameters that a version did not have; raise if others are missing."""
    name = estimator_class.__name__
    known = constructor_defaults(estimator_class)
    own, other = version_key(__version__), version_key(version)
    if other < own:
        state |= defaults_before(estimator_class, version) | state
    elif other > own:
        public = {key for key in state if not key.startswith("_")}
        unknown = sorted(k for k in public - set(known) if not k.endswith("_"))
        if unknown:
            raise StateError(
                f"This state of a {name} is of sklearn-snn {version}, and version "
                f"{__version__} does not know its parameters {unknown}, on which the "
                "answers may depend: update sklearn-snn."
            )
    missing = sorted(set(known) - set(state))
    if missing:
        raise StateError(
            f"This state of a {name}, of sklearn-snn {version}, lacks the parameters "
            f"{missing}: it is damaged."
        )


def _warn_of_versions(name, origin):
    """Warn, once for an estimator, if it is of another version of either library."""
    current, original = sklearn_version, origin["scikit-learn"]
    if origin["version"] != __version__:
        warning = OtherVersionWarning(
            estimator_name=name,
            current_version=__version__,
            original_version=origin["version"],
            current_sklearn_version=current,
            original_sklearn_version=original,
        )
    elif original not in (None, current):
        warning = InconsistentVersionWarning(
            estimator_name=name,
            current_sklearn_version=f"{current} of scikit-learn",
            original_sklearn_version=f"{original} of scikit-learn",
        )
    else:
        return
    warn_user(warning)


def _is_fitted(state, names, owner):
    """Tell whether a state is fitted; raise ValueError if it is so in part only."""
    missing = sorted(set(names) - set(state))
    if missing and len(missing) < len(names):
        raise StateError(f"This state of a {owner} is damaged: it lacks {missing}.")
    return not missing


def _check_network(state, name):
    """Raise ValueError unless the arrays of a network are finite and fit each other."""
    try:
        shapes = [np.shape(w) for w in state["coefs_"]]
        n_units = [shape[1] for shape in shapes]
        ends = (state["n_features_in_"],), (state["n_outputs_"],)
        is_whole = (
            [shape[1:] for shape in shapes]
            == [np.shape(b) for b in state["intercepts_"]]
            and all(below[1:] == above[:1] for below, above in pairwise(shapes))
            and ends == (shapes[0][:1], shapes[-1][1:])
            and state["n_outputs_"] == len(state.get("classes_", state.get("y_mean_")))
        )
        own = n_units[:-1] if state["_constants_"]["recurrent"] else []
        check_recurrent(state["recurrent_coefs_"], own, state["coefs_"][0].dtype)
        is_whole &= len(state["_recurrent_scales_"]) == len(own)
        arrays = [*state["coefs_"], *state["intercepts_"], *state["recurrent_coefs_"]]
        is_whole &= all(
            a.dtype in ("f4", "f8") and np.isfinite(a).all() for a in arrays
        )
        expected = initial_constants(state["_constants_"], n_units)
        layers = zip(state["neuron_constants_"], expected, strict=True)
        is_whole &= all(
            found.keys() == wanted.keys()
            and all(_is_constant(k, found[k], wanted[k].shape) for k in wanted)
            for found, wanted in layers
        )
    except (AttributeError, KeyError, IndexError, TypeError, ValueError):
        is_whole = False
    if not is_whole:
        raise StateError(
            f"The arrays in this state of a {name} are damaged: they are not of finite "
            "numbers, or do not fit each other."
        )


def _is_constant(name, array, shape):
    """Return whether an array can be a constant of so many neurons."""
    low, high, _ = RANGES[name]
    is_whole = array.dtype == "f8" and array.shape == shape
    return is_whole and bool(((low <= array) & (array <= high)).all())


def _check_constants(constants, estimator_class):
    """Raise ValueError unless the constants of a network are all there and valid."""
    name = estimator_class.__name__
    constraints = estimator_class._parameter_constraints
    try:
        params = params_of(constants)
        # Frozen once more, they are what they are: no other type, none more or less.
        is_whole = frozen_constants(params, constants["loss"]) == constants
        is_whole &= constants["loss"] in estimator_class._losses
        known = {key: params[key] for key in params if key in constraints}
        validate_parameter_constraints(
            {key: constraints[key] for key in known}, known, caller_name=name
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        is_whole = False
    if not is_whole:
        raise StateError(
            f"The constants in this state of a {name} are damaged: they are not those "
            "of a network."
        )


def _check_learned(learned, n_features, name):
    """Raise ValueError unless what a network learned from is known, or wholly not."""
    if learned is None or is_learned_input(learned, n_features):
        return
    raise StateError(
        f"What this state of a {name} says of the data it learned from is damaged."
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
    ImportError
        If the model needs a module, or a class or function of one, that is not there.
    ValueError
        If it is truncated, damaged or not of joblib, or holds no estimator; or is of a
        newer version of sklearn-snn and cannot be read by this one.

    Warns
    -----
    OtherVersionWarning
        If another version of sklearn-snn wrote it: it answers as it did there.
    InconsistentVersionWarning
        If another version of scikit-learn did.

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
    name = os.fspath(path)
    try:
        model = joblib.load(path)
    except StateError as error:
        raise StateError(f"{name}: {error}") from error
    except ImportError as error:
        kind = ModuleNotFoundError if error.name else ImportError
        raise kind(
            f"{name} needs what cannot be imported here: {error}.",
            name=error.name,
            path=error.path,
        ) from error
    except (*_DAMAGED, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk or the rights, not the content
        if _MISSING_NAME.search(str(error)):
            raise ImportError(
                f"{name} needs what its module does not have here: {error}."
            ) from error
        raise ValueError(
            f"{name} is no whole file of joblib.dump; it is truncated, damaged or of "
            f"another kind ({type(error).__name__}: {error})."
        ) from error
    if not isinstance(model, BaseEstimator):
        raise ValueError(f"{name} holds no estimator but a {type(model).__name__}.")
    return model
