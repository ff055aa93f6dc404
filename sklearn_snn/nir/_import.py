"""`from_nir`: a graph of NIR as a fitted estimator."""

import os
from itertools import pairwise
from numbers import Integral, Real
from pathlib import Path

import numpy as np
from sklearn.base import clone

from sklearn_snn._classifier import SpikingClassifier
from sklearn_snn._compat import Interval, StrOptions, validate_params
from sklearn_snn._constants import frozen_constants, params_of
from sklearn_snn._model.build import make_network
from sklearn_snn._model.parameters import WEIGHTS, part
from sklearn_snn._regressor import SpikingRegressor
from sklearn_snn._training.targets import Classes, Labels, Numbers
from sklearn_snn.nir._assembly import assemble
from sklearn_snn.nir._chain import chain_of
from sklearn_snn.nir._layers import require_nir, rescaled, weight_scale
from sklearn_snn.nir._record import read_record, time_step
from sklearn_snn.nir._settings import (
    constants_of,
    ended,
    have,
    set_neurons,
    set_readout,
)

# What h5py and nir make of a file that is none of theirs.
_UNREADABLE = OSError, KeyError, ValueError, TypeError, AttributeError, AssertionError


@validate_params(
    {
        "classes": ["array-like", None],
        "dt": [Interval(Real, 0, None, closed="neither"), None],
        "n_steps": [Interval(Integral, 1, None, closed="left"), None],
        "discretization": [StrOptions({"euler", "exp"})],
        "estimator": [SpikingClassifier, SpikingRegressor, None],
    },
    prefer_skip_nested_validation=True,
)
def from_nir(
    graph,
    *,
    classes=None,
    dt=None,
    n_steps=None,
    discretization="euler",
    estimator=None,
):
    """Make a fitted estimator of a graph of NIR.

    A graph of `to_nir` that nobody changed comes back as the estimator it was written
    from, with the same answers to the bit, probabilities and all. Parameters that are
    no plain values are not in it, and come back as their defaults: a `class_weight`
    that is a dict, and a `random_state` that is an object. Of another program's the
    spikes of all layers are those that the program makes, up to the rounding of
    membranes; what NIR does not tell is taken from `estimator`.

    Parameters
    ----------
    graph : nir.NIRGraph, str or path-like
        The graph, or the name of its file.
    classes : array-like of shape (n_outputs,), default=None
        What the output neurons stand for, in their order. None is what the graph's
        metadata say, or else 0, 1, 2, ...
    dt : float, default=None
        Duration of a step in seconds, positive. None is what the metadata say, or else
        1e-4, as snnTorch and SpikingJelly have it.
    n_steps : int, default=None
        Number of steps that a table, of shape (n_samples, n_features), is injected for
        as a constant current. None is what the metadata say; or else the estimator is
        one of arrays of shape (n_samples, n_steps, n_features).
    discretization : {"euler", "exp"}, default="euler"
        What is left of a membrane after a step: ``1 - dt / tau``, as snnTorch,
        SpikingJelly and norse have it, or ``exp(-dt / tau)``.
    estimator : SpikingClassifier or SpikingRegressor, default=None
        Whose parameters say what the graph does not: `readout`, `logit_scale`,
        `readout_start`, and how to train. It is cloned, and those that say what neurons
        there are become those of the graph. None is what the metadata say, or else
        ``SpikingClassifier()``.

    Returns
    -------
    estimator : SpikingClassifier or SpikingRegressor
        Fitted, without a history: `n_iter_` is 0, curves are empty, and nothing warns
        of input that is unlike what was learned from. It can learn on with
        `partial_fit` or `warm_start`.

    Raises
    ------
    ImportError
        If nir is not installed.
    OSError
        If the file cannot be read.
    ValueError
        If it is none of NIR; if a node is none of `nir.Linear`, `nir.Affine`,
        `nir.Scale`, `nir.LIF`, `nir.CubaLIF`, `nir.IF`, `nir.LI`, `nir.Identity`, or a
        `nir.Flatten` at the beginning; if layers are no chain; if a neuron has a
        ``v_leak`` other than its ``v_reset``, or fires by itself; or if `classes`, or
        the readout of `estimator`, do not fit the outputs.

    See Also
    --------
    to_nir : The way there.

    Notes
    -----
    With ``alpha = 1 - dt / tau`` the gain ``r dt / tau`` of a neuron goes into its
    weights, or where neurons differ in their leak, and so have a gain of ``1 - alpha``
    here, what is left of it. A ``v_leak`` that is also ``v_reset`` is taken off the
    threshold: membranes here decay to 0, and begin there. Constants that differ from
    neuron to neuron are those of `learn_neuron`. Where the last neurons are a
    `nir.CubaLIF`, or recurrent, a layer is added that repeats their spikes in the same
    step, which output neurons here are not; and where weights come last, their currents
    are read out.

    A graph does not say how its author reset membranes: snnTorch writes the same for
    ``reset_mechanism="subtract"``, its default, as for "zero", which alone it means;
    and, of neurons other than ``Leaky``, for ``reset_delay=True`` as for False.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_snn import SpikingClassifier
    >>> from sklearn_snn.nir import from_nir, to_nir
    >>> X, y = load_iris(as_frame=True, return_X_y=True)
    >>> model = SpikingClassifier((10,), reset="zero", random_state=0).fit(X, y)
    >>> same = from_nir(to_nir(model))
    >>> bool((same.predict_proba(X) == model.predict_proba(X)).all())
    True

    A graph that was made by hand, of two neurons:

    >>> import nir
    >>> one = np.ones(2)
    >>> lif = nir.LIF(tau=1e-3 * one, r=10 * one, v_leak=0 * one, v_threshold=one)
    >>> graph = nir.NIRGraph.from_list(nir.Linear(np.eye(2)), lif)
    >>> model = from_nir(graph, classes=["left", "right"])
    >>> model.alpha, model.threshold
    (0.9, 1.0)
    >>> model.predict(np.array([[[0, 1], [0, 1]]]))
    array(['right'], dtype='<U5')
    """
    nir = require_nir("from_nir")
    graph = _read(nir, graph)
    record, dt = read_record(graph), time_step(graph, dt)
    layers = ended(chain_of(graph), dt, discretization)
    _check_sizes(layers)
    found = constants_of(layers, dt, discretization)
    fires = "threshold" in found[-1]
    is_recorded = record is not None and estimator is None
    if is_recorded:
        estimator = _recorded_estimator(record)
    else:
        estimator = SpikingClassifier() if estimator is None else clone(estimator)
    is_sequential = record is None or record.is_sequential
    if n_steps is not None:
        is_sequential = False
        estimator.n_steps = int(n_steps)
    target, order = _target(estimator, record, classes, layers[-1].n_units)
    if is_recorded and have(record.constants, layers, found):
        constants = dict(record.constants)
        if n_steps is not None:
            constants["n_steps"] = int(n_steps)
    else:
        set_neurons(estimator, layers, found)
        set_readout(estimator, fires)
        is_constant = not is_sequential
        constants = frozen_constants(estimator._params(), target.loss, is_constant)
    network = make_network(constants, [layer.n_units for layer in layers])
    dtypes = {layer.weight.dtype for layer in layers}
    dtype = np.dtype("f4") if dtypes == {np.dtype("f4")} else np.dtype("f8")
    params = [
        _params(layer, dt, discretization, of_network.neuron, of_neurons, dtype)
        for layer, of_network, of_neurons in zip(
            layers, network.layers, found, strict=True
        )
    ]
    params[-1] = {name: array[..., order] for name, array in params[-1].items()}
    for p, layer in zip(params[:-1], layers, strict=False):
        if constants["recurrent"] and "recurrent" not in p:
            p["recurrent"] = np.zeros((layer.n_units, layer.n_units), dtype)
    return assemble(
        estimator,
        constants,
        params,
        target,
        is_sequential=is_sequential,
        **_history(record, params),
    )


def _read(nir, graph):
    """Return a graph, or that of a file, with whatever types its nodes have."""
    if isinstance(graph, nir.NIRGraph):
        return graph
    if not isinstance(graph, str | os.PathLike):
        raise TypeError(
            "graph must be a nir.NIRGraph or the name of a file, got "
            f"{type(graph).__name__}."
        )
    Path(graph).open("rb").close()  # says so if there is no such file
    try:
        graph = nir.read(graph, type_check=False)
    except _UNREADABLE as error:
        raise ValueError(
            f"{os.fspath(graph)} is no file of NIR, is damaged, or has nodes that nir "
            f"{nir.__version__} does not know ({type(error).__name__}: {error})."
        ) from error
    return graph


def _recorded_estimator(record):
    """Return the estimator of a record, not fitted, with its parameters."""
    is_of_numbers = isinstance(record.target, Numbers)
    estimator = SpikingRegressor() if is_of_numbers else SpikingClassifier()
    names, params = estimator.get_params(deep=False), record.params
    if "neuron" not in params:
        neuron = params_of(record.constants)["neuron"]
        settings = neuron.get_params(deep=False)
        neuron.set_params(**{k: _tuple(v) for k, v in settings.items()})
        params = params | {"neuron": neuron}
    known = {k: _tuple(v) for k, v in params.items() if k in names}
    return estimator.set_params(**known)


def _tuple(value):
    """Return a list as a tuple, which JSON has not."""
    return tuple(value) if isinstance(value, list) else value


def _check_sizes(layers):
    """Raise ValueError unless each layer takes what the one before has."""
    for below, above in pairwise(layers):
        if below.n_units != len(above.weight):
            raise ValueError(
                f"A layer of {below.n_units} neurons in this graph is followed by "
                f"weights for {len(above.weight)}."
            )


def _target(estimator, record, classes, n_outputs):
    """Return what the outputs stand for, and the order in which they are wanted."""
    order, recorded = np.arange(n_outputs), None if record is None else record.target
    is_regressor = isinstance(estimator, SpikingRegressor)
    if recorded is not None and isinstance(recorded, Numbers) != is_regressor:
        recorded = None
    if classes is not None:
        classes = np.asarray(classes)
        if is_regressor or isinstance(recorded, Labels):
            raise ValueError("classes are of a classifier with one label per sample.")
        if classes.shape != (n_outputs,) or len(np.unique(classes)) < n_outputs:
            raise ValueError(
                f"classes must be {n_outputs} different labels, one for each output "
                f"neuron, got {classes!r}."
            )
        order = np.argsort(classes)
        recorded = Classes(classes[order])
    if recorded is None and is_regressor:
        recorded = Numbers(np.zeros(n_outputs), np.ones(n_outputs), n_outputs == 1)
    recorded = Classes(order) if recorded is None else recorded
    if recorded.n_outputs != n_outputs or (
        recorded.loss == Classes.loss and n_outputs < 2
    ):
        raise ValueError(
            f"This graph has {n_outputs} output neurons, which are not those of the "
            f"{recorded.n_outputs} {recorded.output_name} in its metadata, or too few "
            "for classes: pass other classes, or estimator=SpikingRegressor()."
        )
    return recorded, order


def _params(layer, dt, discretization, neuron, constants, dtype):
    """Return weights and constants of a layer as a network has them."""
    scale = weight_scale(layer, dt, discretization, neuron, constants)
    arrays, params = (layer.weight, layer.bias, layer.recurrent), {}
    for name, values in zip(WEIGHTS, arrays, strict=True):
        if values is None:
            continue
        array = rescaled(values.astype(dtype), scale)
        if not np.isfinite(array).all():
            raise ValueError(
                f"Weights of this graph are not finite where they are multiplied with "
                f"a gain of {scale.max():.3g}."
            )
        rest = layer.recorded.get(f"{name}_rounding")
        if rest is not None and rest.shape == array.shape:
            array = array + rest.astype(dtype)
        params[name] = array
    return params | constants


def _history(record, params):
    """Return what is recorded of the fit, where it is that of such a network."""
    if record is None or len(record.scales) != len(params):
        return {"is_from_graph": True}
    names, recurrent = record.feature_names, part(params, "recurrent")
    history = {"seed": record.seed, "scales": record.scales}
    history["is_from_graph"] = record.begins_with_others
    if len(record.recurrent_scales) == len(recurrent):
        history["recurrent_scales"] = record.recurrent_scales
    if names is not None and len(names) == len(params[0]["coef"]):
        history["feature_names"] = names
    return history
