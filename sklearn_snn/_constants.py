"""The constants of a network: what its parameters say, worked out once for a fit.

A fitted estimator keeps them beside its weights and answers with both: what is set
afterwards belongs to the next fit. `_model.build` makes a network of them.
"""

from sklearn_snn._compat import InvalidParameterError
from sklearn_snn._model.build import longest_memory
from sklearn_snn._model.neurons import NEURONS
from sklearn_snn._model.neurons.resets import is_reset_stable
from sklearn_snn._model.readouts import COUNTING
from sklearn_snn.neurons import KINDS


def frozen_constants(params, loss, is_constant=False):
    """Return the constants of a network as plain values, which any file can hold.

    Parameters
    ----------
    params : dict
        Valid parameters of an estimator; others than those of the network may be among
        them. ``breaks_ties``, which is none, is taken for True unless it is there.
    loss : str
        The loss of its task.
    is_constant : bool, default=False
        Whether the input is the same at every step.

    Returns
    -------
    constants : dict
        As `_model.build` describes it. ``detach_reset`` is a bool, and ``reset`` and
        ``readout`` are names, even if the parameter is "auto"; ``logit_scale`` is a
        float or "auto", since its meaning depends on the length of the input.

    Raises
    ------
    ValueError
        If a parameter of the neuron is not valid, there is no such constant to be
        learned, or the readout is none of each step where it has to be.
    """
    neuron = params["neuron"]
    neuron = KINDS[neuron]() if isinstance(neuron, str) else neuron
    scale, bptt_steps = params["logit_scale"], params["bptt_steps"]
    constants = {
        "alpha": float(params["alpha"]),
        "threshold": float(params["threshold"]),
        "beta": float(params["beta"]),
        "surrogate": str(params["surrogate"]),
        "reset": str(params["reset"]),
        "n_steps": int(params["n_steps"]),
        "logit_scale": "auto" if isinstance(scale, str) else float(scale),
        "neuron": neuron.name,
        "neuron_settings": neuron.settings(),
        "recurrent": bool(params["recurrent"]),
        "readout": str(params["readout"]),
        "readout_start": int(params["readout_start"]),
        "per_step": bool(params["per_step"]),
        "bptt_steps": bptt_steps if bptt_steps is None else int(bptt_steps),
        "breaks_ties": params.get("breaks_ties", True),
        "loss": loss,
    }
    if constants["threshold"] == 0:
        raise InvalidParameterError(
            "threshold must be positive as a float of 64 bits, too: "
            f"{params['threshold']!r} becomes 0."
        )
    if constants["reset"] == "auto":
        constants["reset"] = "subtract"
    constants["readout"] = _readout(constants, is_constant)
    of_output = params["readout_alpha"]
    of_output = constants["alpha"] if isinstance(of_output, str) else float(of_output)
    constants["readout_alpha"] = of_output
    alpha = longest_memory(constants)
    learned = _learned(params["learn_neuron"], neuron.name)
    leaks = {"alpha": max(alpha, of_output), "readout_alpha": of_output}
    for name in learned:
        if leaks.get(name) == 1:
            raise InvalidParameterError(f"{name} must be below 1 where it learns.")
    integrated = 0.0 if constants["readout"] in COUNTING else of_output
    must_leak = alpha if NEURONS[neuron.name].must_leak else 0.0
    if max(must_leak, integrated) == 1:
        is_own = must_leak < 1 and not isinstance(params["readout_alpha"], str)
        raise InvalidParameterError(
            f"{'readout_alpha' if is_own else 'alpha'} must be below 1 where currents "
            "are multiplied by 1 - alpha: in adaptive and current-based neurons, and "
            "where membranes are read out."
        )
    detach = params["detach_reset"]
    if isinstance(detach, str):
        names = "threshold", "beta", "surrogate", "reset", "recurrent"
        detach = not is_reset_stable(alpha, *(constants[name] for name in names))
    return constants | {"detach_reset": bool(detach), "learn_neuron": learned}


def _readout(constants, is_constant):
    """Return the name of the readout; raise ValueError if it reads more than a step."""
    name = constants["readout"]
    if constants["per_step"]:
        if name not in ("auto", "membrane_last"):
            raise InvalidParameterError(
                "per_step=True reads the membranes of each step, as "
                "readout='membrane_last' does of the last one: readout must be that, "
                f"or 'auto'. Got {name!r} instead, which is of many steps."
            )
        return "membrane_last"
    if name != "auto":
        return name
    if constants["loss"] == "squared_error":
        return "membrane_mean"
    return "soft_count" if is_constant else "spike_count"


def params_of(constants):
    """Return parameters that `frozen_constants` makes the same constants of."""
    names = "neuron", "neuron_settings", "loss"
    params = {k: v for k, v in constants.items() if k not in names}
    return params | {
        "neuron": KINDS[constants["neuron"]](**constants["neuron_settings"])
    }


def _learned(value, name):
    """Return the names of the constants that learn."""
    known = *NEURONS[name].constants, "readout_alpha"
    if isinstance(value, str):
        value = [value]
    names = ([*known[:-1]] if value else []) if isinstance(value, bool) else [*value]
    unknown = [n for n in names if n not in known]
    if unknown:
        raise InvalidParameterError(
            f"learn_neuron must be a bool, or names of constants of the neuron "
            f"{name!r} or of the readout, which are {[*known]}. Got {value!r} instead."
        )
    return [n for n in known if n in names]
