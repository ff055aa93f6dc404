"""From layers of a graph to the constants of a network that has such neurons.

A network has one kind of hidden neurons, with constants that are one number for all of
them, or learn. What differs from neuron to neuron in a graph is taken for learned, so
that `partial_fit` goes on from it.
"""

import numpy as np

from sklearn_snn._model.build import initial_constants, make_network
from sklearn_snn._model.readouts import COUNTING
from sklearn_snn.neurons import CUBA, LIF
from sklearn_snn.nir._layers import NO_LEAK, NodeLayer, height, lost, lost_in

# A recorded leak is that of the graph if it is as near to it as a leak of 1 to NO_LEAK.
_LIKE = 2 * (1 - NO_LEAK)


def ended(layers, dt, discretization):
    """Return layers whose last can be an output layer: LIF or LI, and not recurrent.

    After others one is added whose neurons repeat the spikes of those, in the same
    step. Where weights are last, their currents are what a membrane without memory is.
    """
    *hidden, last = layers
    n_units = last.n_units
    zero, one = np.zeros(n_units), np.ones(n_units)
    # Nothing is left of a membrane after a step.
    tau = one * (dt if discretization == "euler" else dt / 1000)
    fields = {"tau": tau, "r": one, "v_leak": zero}
    if last.kind is None:
        return [*hidden, last._replace(kind="LI", fields=fields)]
    if last.kind != "CubaLIF" and last.recurrent is None:
        return layers
    fields |= {"v_threshold": one / 2, "v_reset": zero}
    dtype = last.weight.dtype
    weight, bias = np.eye(n_units, dtype=dtype), np.zeros(n_units, dtype)
    return [*layers, NodeLayer("LIF", fields, weight, bias, None, {})]


def constants_of(layers, dt, discretization):
    """Return the constants of the neurons of each layer, as a network has them.

    Parameters
    ----------
    layers : list of NodeLayer
    dt : float
    discretization : {"euler", "exp"}

    Returns
    -------
    constants : list of dicts of ndarrays of float64 of shape (n_units,)
        "alpha"; "threshold" where the neurons fire; and "alpha_syn" of all hidden
        neurons, where some are current-based.

    Raises
    ------
    ValueError
        If there are no such neurons here.
    """
    if any(layer.kind == "LI" for layer in layers[:-1]):
        raise ValueError(
            "There is a nir.LI before the last layer of this graph: hidden neurons "
            "fire here."
        )
    found = [_of_layer(layer, dt, discretization) for layer in layers]
    if any("alpha_syn" in constants for constants in found):
        for constants in found[:-1]:
            # A synapse that keeps nothing.
            constants.setdefault("alpha_syn", np.zeros_like(constants["alpha"]))
    return found


def _of_layer(layer, dt, discretization):
    """Return the constants of the neurons of a layer."""
    kind, fields, recorded = layer.kind, layer.fields, layer.recorded
    if kind == "LI" and fields["v_leak"].any():
        raise ValueError(
            "A nir.LI of this graph has a v_leak other than 0, which is what membranes "
            "that are read out decay to here."
        )
    if kind in ("LIF", "CubaLIF") and (fields["v_leak"] != fields["v_reset"]).any():
        raise ValueError(
            f"A nir.{kind} of this graph has a v_leak other than its v_reset: spikes "
            "set a membrane here to what it decays to."
        )
    shares = {"alpha": lost(kind, fields, dt, discretization)}
    if kind == "CubaLIF":
        shares["alpha_syn"] = lost_in(fields["tau_syn"], dt, discretization)
    constants = {}
    for name, share in shares.items():
        if not ((share >= 0) & (share <= 1)).all():
            raise ValueError(
                f"A nir.{kind} of this graph has a time constant that is not positive, "
                f"or below the step dt={dt}: pass the dt that it was written for."
            )
        constants[name] = _recorded(recorded.get(name), 1 - share)
    if kind == "LI":
        return constants
    threshold, known = height(fields), recorded.get("threshold")
    if not (threshold > 0).all():
        raise ValueError(
            f"A nir.{kind} of this graph has a v_threshold that is not above its "
            "v_reset: it would fire by itself."
        )
    is_known = np.shape(known) == threshold.shape and (known > 0).all()
    return constants | {"threshold": known if is_known else threshold}


def _recorded(known, found):
    """Return recorded leaks where they are those that were found but for rounding."""
    is_known = np.shape(known) == found.shape
    return known if is_known and (np.abs(known - found) <= _LIKE).all() else found


def have(constants, layers, found):
    """Tell whether neurons with the constants of an estimator can be those of layers.

    Those that do not learn are what it says, or what is recorded of the nodes, as of a
    network that was rounded.

    Parameters
    ----------
    constants : dict
        See `_model.build`.
    layers : list of NodeLayer
    found : list of dicts of ndarrays
        What `constants_of` made of them.
    """
    n_units = [layer.n_units for layer in layers]
    is_recurrent = any(layer.recurrent is not None for layer in layers)
    if constants["recurrent"] != is_recurrent:
        return False
    network = make_network(constants, n_units)
    initial = initial_constants(constants, n_units)
    if network.layers[-1].neuron.fires != ("threshold" in found[-1]):
        return False
    return all(
        {*layer.neuron.constants} == {*ours}
        and getattr(layer.neuron, "reset", "zero") == "zero"
        and all(
            name in layer.neuron.learned
            or np.array_equal(ours[name], first[name])
            or np.array_equal(ours[name], of.recorded.get(name))
            for name in ours
        )
        for layer, of, ours, first in zip(
            network.layers, layers, found, initial, strict=True
        )
    )


def set_neurons(estimator, layers, found):
    """Set the parameters of an estimator that say what its neurons are.

    Parameters
    ----------
    estimator : SpikingClassifier or SpikingRegressor
        Is changed.
    layers : list of NodeLayer
    found : list of dicts of ndarrays
        What `constants_of` made of them.

    Raises
    ------
    ValueError
        If neurons that do not leak stand beside others.
    """
    *hidden, output = found
    learned, settings = [], {}
    for name in hidden[0] if hidden else ():
        values = np.concatenate([constants[name] for constants in hidden])
        low, high = float(values.min()), float(values.max())
        settings[name] = low if low == high else (low, high)
        learned += [name] if low < high else []
    is_cuba = "alpha_syn" in settings
    out = {name: _median(values) for name, values in output.items()}
    params = {"alpha": out["alpha"], "readout_alpha": out["alpha"]}
    if "threshold" in out:
        params["threshold"] = out["threshold"]
    elif np.ndim(settings.get("threshold", ())) == 0:
        params["threshold"] = settings["threshold"]
    if (output["alpha"] != out["alpha"]).any():
        learned.append("readout_alpha")
    if "threshold" in out and (output["threshold"] != out["threshold"]).any():
        learned += [] if "threshold" in learned else ["threshold"]
    alphas = np.concatenate([constants["alpha"] for constants in found])
    if alphas.max() == 1 and (is_cuba or {"alpha", "readout_alpha"} & {*learned}):
        raise ValueError(
            "Some neurons of this graph do not leak, as a nir.IF, beside others that "
            "do, each its own: here all of a layer leak alike, or all leak."
        )
    if hidden and np.ndim(settings["alpha"]) == 0:
        params["alpha"] = settings.pop("alpha")
    if settings.get("threshold") == params.get("threshold"):
        settings.pop("threshold", None)
    kind = CUBA if is_cuba else LIF
    estimator.set_params(
        **params,
        hidden_layer_sizes=tuple(layer.n_units for layer in layers[:-1]),
        neuron=kind(**settings) if settings else kind.name,
        learn_neuron=learned or False,
        recurrent=any(layer.recurrent is not None for layer in layers),
        reset="zero",
    )


def _median(values):
    """Return a number that stands for all."""
    return float(np.sort(values)[len(values) // 2])


def set_readout(estimator, fires):
    """Set the readout of an estimator, where it is "auto", to one of such neurons.

    Parameters
    ----------
    estimator : SpikingClassifier or SpikingRegressor
        Is changed.
    fires : bool
        Whether the output neurons do.

    Raises
    ------
    ValueError
        If it is none of such neurons.
    """
    if estimator.readout == "auto" and not estimator.per_step:
        estimator.readout = "spike_count" if fires else "membrane_mean"
        return
    name = "membrane_last" if estimator.readout == "auto" else estimator.readout
    if (name in COUNTING) != fires:
        does = "fire" if fires else "never fire"
        other = [*COUNTING] if fires else "one of membranes"
        raise ValueError(
            f"The output neurons of this graph {does}, which readout={name!r} of the "
            f"estimator does not fit: choose {other}, or 'auto'."
        )
