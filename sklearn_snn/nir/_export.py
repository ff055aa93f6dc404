"""`to_nir`: a fitted network as a graph of NIR."""

import os
from itertools import pairwise
from numbers import Real
from pathlib import Path

import numpy as np
from sklearn.base import BaseEstimator

from sklearn_snn._compat import HasMethods, Interval, StrOptions, validate_params
from sklearn_snn.inspection._pipelines import unquantized_model
from sklearn_snn.nir._layers import (
    DT,
    NO_LEAK,
    NodeLayer,
    require_nir,
    rescaled,
    weight_scale,
)
from sklearn_snn.nir._record import metadata

# What the neurons of a network are called in NIR.
_KINDS = {"LIF": "LIF", "CUBA": "CubaLIF", "LeakyIntegrator": "LI"}
EXPORT_CONSTRAINTS = {
    "estimator": [BaseEstimator, HasMethods(["predict"])],
    "dt": [Interval(Real, 1e-30, 1e30, closed="both")],
    "resistance": [StrOptions({"auto", "one", "tau/dt"})],
}


@validate_params(
    EXPORT_CONSTRAINTS | {"path": [str, os.PathLike, None]},
    prefer_skip_nested_validation=True,
)
def to_nir(estimator, path=None, *, dt=DT, resistance="auto"):
    """Write a fitted network as a graph of NIR, for other simulators and chips.

    Each layer becomes a `nir.Linear`, or where it has a bias a `nir.Affine`, and its
    neurons a `nir.LIF` or `nir.CubaLIF`, or the `nir.LI` of a readout of membranes. A
    recurrent layer is a graph within the graph, of the neurons and a `nir.Linear`
    ``w_rec`` around them. An encoder before the network is not part of it: feed what
    `transform` of it returns, as an array; and a row of a table in each step anew.

    Parameters
    ----------
    estimator : fitted SpikingClassifier, SpikingRegressor, Pipeline or search
        With a network of ``reset="zero"`` and of neurons "lif" or "cuba"; of a pipeline
        the last step is written.
    path : str or path-like, default=None
        Where to write the graph, too, as a file of HDF5.
    dt : float, default=1e-4
        Duration of a step in seconds, from 1e-30 to 1e30. NIR has time constants and no
        steps: whoever reads the graph has to take this one. The default is what
        snnTorch always takes, SpikingJelly by default, and norse if it is told to.
    resistance : {"auto", "one", "tau/dt"}, default="auto"
        How the gain of a neuron's input is told, which changes the numbers and not the
        network: "one" has ``r = 1``, and so a gain of ``1 - alpha``; "tau/dt" has ``r =
        tau / dt``, and so a gain of 1. Where neurons here have the other one, weights
        make up for it. "auto" is what most readers take as it is meant: "one", but
        "tau/dt" in `nir.CubaLIF`. See `nir_compatibility`.

    Returns
    -------
    graph : nir.NIRGraph
        With nodes ``input``, ``layer1_fc``, ``layer1_lif``, ``layer2_fc``, ...,
        ``output``; a readout of membranes is ``layer2_li``, say. Its weights are of the
        type of `coefs_`, all else is float64. The metadata has ``dt`` and, for
        `from_nir`, what the outputs stand for.

    Raises
    ------
    ImportError
        If nir is not installed.
    TypeError
        If there is no spiking network at the end of `estimator`, or a quantised one:
        give what `to_estimator` of it returns.
    ValueError
        If NIR has no such neuron, or no such reset; a number leaves the range of its
        type, or is none; or classes are neither numbers nor strings. Networks of
        `from_mlp` are reset by subtraction, which nothing but training another one
        changes.

    See Also
    --------
    from_nir : The way back.
    nir_compatibility : Which reader will make the same spikes of it.

    Notes
    -----
    A step of the Euler method of ``tau dv/dt = v_leak - v + r I`` is ``v_t = (1 - dt /
    tau) v_{t-1} + r dt / tau I_t``, so that ``tau = dt / (1 - alpha)``. NIR says when a
    neuron fires, ``v > v_threshold``, and what its membrane is set to, ``v_reset``,
    which is 0 here, as is ``v_leak``. Where `alpha` is 1, ``tau`` is ``2**30 dt``, of
    which 1e-9 of a membrane is lost in each step. Thresholds that differ within a layer
    become that of its first neuron, as most readers demand them to be the same, and the
    weights are scaled instead: the spikes are the same, where membranes are reset to
    zero.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier
    >>> from sklearn_snn.nir import to_nir
    >>> X, y = load_iris(return_X_y=True)
    >>> model = make_pipeline(
    ...     PoissonSpikeEncoder(n_steps=20, random_state=0),
    ...     SpikingClassifier((10,), reset="zero", random_state=0),
    ... ).fit(X, y)
    >>> graph = to_nir(model)
    >>> {name: type(node).__name__ for name, node in graph.nodes.items()}
    {'input': 'Input', 'layer1_fc': 'Affine', 'layer1_lif': 'LIF',
     'layer2_fc': 'Affine', 'layer2_lif': 'LIF', 'output': 'Output'}

    What a simulator that has read the graph is fed, step by step, and what it should
    come to:

    >>> record = model[-1].simulate(model[:-1].transform(X[:5]))
    >>> record.inputs.shape, record.spikes[-1].shape
    ((5, 20, 4), (5, 20, 3))
    """
    nir = require_nir("to_nir")
    model = unquantized_model(estimator)
    layers = layers_of(model, dt, resistance)
    nodes = {"input": nir.Input({"input": np.array([model.n_features_in_])})}
    n_digits = len(str(len(layers)))
    for i, layer in enumerate(layers, 1):
        # A file has its nodes in the order of the alphabet, and nirtorch cannot do with
        # a recurrent graph that comes before what leads to it.
        name = f"layer{i:0{n_digits}d}"
        nodes[f"{name}_fc"] = _weights(nir, layer)
        nodes[f"{name}_{'li' if layer.kind == 'LI' else 'lif'}"] = _neurons(nir, layer)
    nodes["output"] = nir.Output({"output": np.array([model.n_outputs_])})
    graph = nir.NIRGraph(nodes, [*pairwise(nodes)], metadata=metadata(model, float(dt)))
    if path is not None:
        nir.write(Path(path), graph)
    return graph


def layers_of(model, dt, resistance):
    """Return the layers of a network as NIR has them.

    Parameters
    ----------
    model : fitted SpikingClassifier or SpikingRegressor
    dt : float
    resistance : {"auto", "one", "tau/dt"}

    Returns
    -------
    layers : list of NodeLayer

    Raises
    ------
    ValueError
        If NIR has no such network.
    """
    layers, parts = [], zip(model.network_.layers, model._learned_params(), strict=True)
    for layer, p in parts:
        neuron = layer.neuron
        kind = _KINDS.get(type(neuron).__name__)
        if kind is None:
            raise ValueError(
                f"NIR has no neuron like {model._constants_['neuron']!r}: refit with "
                "neuron='cuba', whose inputs last, or neuron='lif'."
            )
        if neuron.fires and getattr(model, "_is_converted_", False):
            raise ValueError(
                "A spike sets a membrane of NIR to a fixed value, and the rates of a "
                "converted MLP hang on what is left of it (reset='subtract'): there is "
                f"no way to NIR. Train a {type(model).__name__} with fit and "
                "reset='zero'."
            )
        if neuron.fires and neuron.reset != "zero":
            raise ValueError(
                "A spike sets a membrane of NIR to a fixed value, and that of this "
                f"{type(model).__name__} has reset={neuron.reset!r}: refit with "
                "reset='zero'."
            )
        constants = {name: p[name].copy() for name in neuron.constants}
        fields = _fields(kind, constants, dt, resistance)
        empty = NodeLayer(kind, fields, p["coef"], None, None, {})
        scale = weight_scale(empty, dt, "euler", neuron, constants)
        recorded, arrays = dict(constants), []
        for name in ("coef", "intercept", "recurrent"):
            written, rest = _written(p.get(name), scale)
            arrays.append(written)
            recorded |= {} if rest is None else {f"{name}_rounding": rest}
        layers.append(NodeLayer(kind, fields, *arrays, recorded))
    return layers


def _fields(kind, constants, dt, resistance):
    """Return what the neurons of a layer have in NIR."""
    tau = dt / (1 - np.minimum(constants["alpha"], NO_LEAK))
    is_one = resistance == "one" or (resistance == "auto" and kind != "CubaLIF")
    one, zero = np.ones_like(tau), np.zeros_like(tau)
    fields = {"v_leak": zero, "r": one if is_one else tau / dt}
    if kind == "LI":
        return fields | {"tau": tau}
    threshold = np.full_like(zero, constants["threshold"][0])
    fields |= {"v_threshold": threshold, "v_reset": zero.copy()}
    if kind == "LIF":
        return fields | {"tau": tau}
    tau_syn = dt / (1 - constants["alpha_syn"])
    w_in = one.copy() if is_one else tau_syn / dt
    return fields | {"tau_mem": tau, "tau_syn": tau_syn, "w_in": w_in}


def _written(values, scale):
    """Return weights as NIR has them, and what is lost of them; None for nothing."""
    if values is None:
        return None, None
    if not np.isfinite(values).all():
        raise ValueError("Weights and biases must be finite to be written.")
    with np.errstate(over="ignore"):
        written = (values / scale).astype(values.dtype)
    if not np.isfinite(written).all():
        raise ValueError(
            f"Weights of up to {np.abs(values).max():.3g} become infinite where they "
            f"are divided by a gain of {scale.min():.3g}: write resistance='tau/dt'."
        )
    rest = values - rescaled(written, scale)
    return written, rest if rest.any() else None


def _weights(nir, layer):
    """Return the node of the weights of a layer, with a bias where it has one."""
    known = _kept(layer, "coef_rounding", "intercept_rounding")
    weight = np.ascontiguousarray(layer.weight.T)
    if layer.bias.any():
        return nir.Affine(weight, layer.bias, metadata=known)
    return nir.Linear(weight, metadata=known)


def _neurons(nir, layer):
    """Return the node of the neurons of a layer, or the graph if it is recurrent."""
    constants = _kept(layer, "alpha", "alpha_syn", "threshold")
    neurons = getattr(nir, layer.kind)(**layer.fields, metadata=constants)
    if layer.recurrent is None:
        return neurons
    known = _kept(layer, "recurrent_rounding")
    weight, shape = np.ascontiguousarray(layer.recurrent.T), np.array([layer.n_units])
    nodes = {
        "input": nir.Input({"input": shape}),
        "lif": neurons,
        "w_rec": nir.Linear(weight, metadata=known),
        "output": nir.Output({"output": shape}),
    }
    edges = [("input", "lif"), ("lif", "w_rec"), ("w_rec", "lif"), ("lif", "output")]
    return nir.NIRGraph(nodes, edges)


def _kept(layer, *names):
    """Return what is recorded of a layer under some names."""
    return {name: layer.recorded[name] for name in names if name in layer.recorded}
