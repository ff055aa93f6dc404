"""What a page is told of a fitted network and of samples: plain values, and arrays.

An array is written as its type and its bytes in base64, little-endian, which is how
every browser has numbers in memory.
"""

import base64

import numpy as np

from sklearn_snn._engines.blas import single_threaded_blas
from sklearn_snn._engines.numpy_chunks import inputs_of
from sklearn_snn._inputs.lengths import known_lengths
from sklearn_snn._model.network import layer_current
from sklearn_snn._model.neurons import CUBA, LIF, AdLIF, LeakyIntegrator
from sklearn_snn._model.synapses import exact_parts, grid
from sklearn_snn._utils.workspace import Workspace

_KINDS = {LIF: "lif", AdLIF: "adlif", CUBA: "cuba", LeakyIntegrator: "integrator"}
_TASKS = {"cross_entropy": "classes", "logistic": "labels", "squared_error": "numbers"}
_WORDS = {
    "lif": "integrate-and-fire",
    "adlif": "adaptive",
    "cuba": "current-based",
}


def packed(array):
    """Return an array as a page has it."""
    array = np.ascontiguousarray(array)
    data = array.astype(array.dtype.newbyteorder("<")).tobytes()
    return {"type": array.dtype.name, "data": base64.b64encode(data).decode("ascii")}


def narrowed(values):
    """Return values as the smallest type that a page has and that holds them all."""
    values = np.asarray(values, dtype=np.float64)
    for dtype in (np.uint8, np.float32):
        with np.errstate(invalid="ignore", over="ignore"):
            if (values.astype(dtype) == values).all():
                return values.astype(dtype)
    return values


def packed_bits(spikes):
    """Return an array of bool as bits, the first step first."""
    return packed(np.packbits(np.ascontiguousarray(spikes).ravel()))


def check_network(network, params):
    """Raise TypeError or ValueError if a page cannot run a network.

    Parameters
    ----------
    network : Network
    params : list of dicts of ndarrays
    """
    for layer in network.layers:
        if type(layer.neuron) not in _KINDS:
            known = ", ".join(repr(name) for name in _WORDS)
            raise TypeError(
                f"A page has neurons of the kinds {known}; this network has "
                f"{type(layer.neuron).__name__}. SpikeRasterDisplay and "
                "MembraneDisplay show what it does."
            )
    if not all(np.isfinite(array).all() for p in params for array in p.values()):
        raise ValueError("Not all weights and biases of the network are finite.")


def describe_network(network, params, has_currents):
    """Return the layers and the readout of a network.

    Parameters
    ----------
    network : Network
    params : list of dicts of ndarrays
    has_currents : bool
        Whether the page is given the currents of the first layer.

    Returns
    -------
    description : dict
    """
    dtype = params[0]["coef"].dtype
    layers = [
        _layer(layer, p, dtype, has_currents and index == 0)
        for index, (layer, p) in enumerate(zip(network.layers, params, strict=True))
    ]
    readout, threshold = network.readout, params[-1].get("threshold")
    return {
        "dtype": dtype.name,
        "task": _TASKS[network.loss],
        "layers": layers,
        "readout": {
            "counting": readout.counts,
            "statistic": readout.statistic,
            "ties": readout.ties,
            "signed": readout.is_signed,
            "start": readout.start,
            "scale": None if isinstance(readout.scale, str) else float(readout.scale),
            "threshold": None if threshold is None else packed(threshold),
            "per_step": readout.per_step,
        },
    }


def _layer(layer, p, dtype, has_currents):
    """Return one layer: its kind of neuron, constants, weights."""
    neuron = layer.neuron
    return {
        "kind": _KINDS[type(neuron)],
        "n_units": layer.n_units,
        "reset": getattr(neuron, "reset", "none"),
        "bias": packed(p["intercept"]),
        "constants": {
            name: packed(value.astype(dtype))
            for name, value in _constants(neuron, p).items()
        },
        "coef": None if has_currents else _exact(p["coef"]),
        "recurrent": _exact(p["recurrent"]) if layer.recurrent else None,
    }


def _constants(neuron, p):
    """Return what a step of a neuron multiplies with, and its threshold."""
    constants = {"alpha": p["alpha"]}
    if neuron.fires:
        constants["threshold"] = p["threshold"]
    if not getattr(neuron, "has_unit_gain", False):
        constants["gain"] = 1 - p["alpha"]
    if isinstance(neuron, CUBA):
        constants |= {"alpha_syn": p["alpha_syn"], "gain_syn": 1 - p["alpha_syn"]}
    if isinstance(neuron, AdLIF):
        by_membrane, by_spike = neuron.drives(p)
        constants |= {"rho": p["rho"], "by_membrane": by_membrane, "by_spike": by_spike}
    return constants


def _exact(weights):
    """Return weights as whole numbers of a spacing, whose sums are exact."""
    spacing, n_units = float(grid(weights)), weights.shape[1]
    parts = exact_parts(weights).astype(np.float64)
    whole = sum(parts[:, i : i + n_units] for i in range(0, parts.shape[1], n_units))
    whole = np.rint(whole / spacing)
    if weights.dtype == np.float32:
        whole = whole.astype(np.int32)
    return {"weights": packed(whole), "spacing": spacing}


def first_currents(network, params, X, n_steps):
    """Return the current of the first layer for one sample.

    Parameters
    ----------
    network : Network
    params : list of dicts of ndarrays
    X : batch of one sample
    n_steps : int

    Returns
    -------
    current : ndarray of shape (n_steps, n_units), or (1, n_units) if it is constant
    """
    workspace, dtype = Workspace(), params[0]["coef"].dtype
    inputs, n_steps = inputs_of(X, n_steps, dtype, workspace)
    shape = n_steps, 1, network.layers[0].n_units
    with single_threaded_blas():
        current = layer_current(
            params[0], inputs, 0, shape, workspace, known_lengths(X)
        )
    return current[:, 0].copy()


def summary(network, params, n_features, lengths):
    """Return a sentence on the size of a network.

    Parameters
    ----------
    network : Network
    params : list of dicts of ndarrays
    n_features : int
    lengths : ndarray of shape (n_samples,)
        Number of steps of each sample.

    Returns
    -------
    sentence : str
    """
    *hidden, last = network.layers
    parts = [f"{n_features} {'input' if n_features == 1 else 'inputs'}"]
    for layer, p in zip(hidden, params[:-1], strict=True):
        words = _WORDS[_KINDS[type(layer.neuron)]]
        leaky = "leaky " if type(layer.neuron) is LIF and (p["alpha"] < 1).any() else ""
        own = "recurrent " if layer.recurrent else ""
        parts.append(f"{layer.n_units} {own}{leaky}{words} neurons")
    parts.append(f"{last.n_units} {'output' if last.n_units == 1 else 'outputs'}")
    up_to = "up to " if lengths.min() < lengths.max() else ""
    return f"{', '.join(parts)}; {up_to}{lengths.max()} steps."
