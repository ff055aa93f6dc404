"""The constants of a network: what its parameters say, worked out once for a fit.

A fitted estimator keeps them beside its weights and answers with both: what is set
afterwards belongs to the next fit.
"""

from sklearn_snn._model.network import Network
from sklearn_snn._model.neurons import LIF, is_reset_stable

# With logit_scale="auto", the logit of an output neuron that fires at every step.
_FULL_RATE_LOGIT = 10


def frozen_constants(params):
    """Return the constants of a network as plain values, which any file can hold.

    Parameters
    ----------
    params : dict
        Valid parameters of `SpikingClassifier`; others than those of the network may
        be among them.

    Returns
    -------
    constants : dict
        The fields of `LIF`, where ``detach_reset`` is a bool even if the parameter is
        "auto"; ``n_steps``, an int; and ``logit_scale``, a float or "auto", since its
        meaning depends on the length of the input.
    """
    neuron = LIF(
        alpha=float(params["alpha"]),
        threshold=float(params["threshold"]),
        beta=float(params["beta"]),
        surrogate=str(params["surrogate"]),
        reset=str(params["reset"]),
    )
    detach, scale = params["detach_reset"], params["logit_scale"]
    detach = not is_reset_stable(neuron) if isinstance(detach, str) else bool(detach)
    return neuron._replace(detach_reset=detach)._asdict() | {
        "n_steps": int(params["n_steps"]),
        "logit_scale": "auto" if isinstance(scale, str) else float(scale),
    }


def make_network(constants, n_steps=None):
    """Return the Network with these constants.

    Parameters
    ----------
    constants : dict
        As `frozen_constants` returns it.
    n_steps : int, default=None
        Length of the input; None for a constant current, which is injected for as many
        steps as the constants say.

    Returns
    -------
    network : Network
    """
    n_steps = constants["n_steps"] if n_steps is None else n_steps
    scale = constants["logit_scale"]
    if scale == "auto":
        scale = _FULL_RATE_LOGIT / n_steps
    neuron = LIF(**{name: constants[name] for name in LIF._fields})
    return Network(neuron, n_steps, scale)
