"""What encoders check beside their input: parameters, and spikes to be decoded."""

import numpy as np
from sklearn import get_config
from sklearn.utils import check_array

from sklearn_snn._compat import validate_parameter_constraints
from sklearn_snn._inputs.spike_trains import SpikeTrains


def check_parameters(encoder):
    """Raise unless parameters are valid, which may have been set after `fit`.

    Parameters
    ----------
    encoder : estimator

    Raises
    ------
    InvalidParameterError
        If one of them is not.
    """
    if get_config()["skip_parameter_validation"]:
        return
    constraints = encoder._parameter_constraints
    # The seed is that of the fit.
    names = [name for name in constraints if name != "random_state"]
    validate_parameter_constraints(
        {name: constraints[name] for name in names},
        {name: getattr(encoder, name) for name in names},
        caller_name=type(encoder).__name__,
    )


def checked_spikes(encoder, X, n_steps, n_features):
    """Return spikes as an array, checked before they are decoded.

    Parameters
    ----------
    encoder : estimator
    X : array-like or SpikeTrains
    n_steps : int
        How many steps they must have.
    n_features : int
        How many features they must have.

    Returns
    -------
    spikes : ndarray of shape (n_samples, n_steps, n_features)

    Raises
    ------
    ValueError
        If `X` is not numeric, finite and of that shape.
    """
    if isinstance(X, SpikeTrains):
        X = np.asarray(X)
    X = check_array(X, dtype="numeric", allow_nd=True, estimator=encoder)
    if X.shape[1:] != (n_steps, n_features):
        raise ValueError(
            f"Found array with shape {X.shape}; {type(encoder).__name__} decodes "
            f"spikes of shape (n_samples, {n_steps}, {n_features})."
        )
    return X
