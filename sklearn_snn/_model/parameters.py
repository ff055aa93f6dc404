"""The parameters of a network: per layer a dict of arrays.

``"coef"`` of shape (n_inputs, n_units), ``"intercept"`` of shape (n_units,) and, of a
recurrent layer, ``"recurrent"`` of shape (n_units, n_units), of float32 or float64, in
which the network computes; and each constant of its neurons, of shape (n_units,) and
kept in float64.
"""

from itertools import pairwise

import numpy as np

from sklearn_snn._utils.workspace import side_by_side

# What layers have, whatever their neurons.
WEIGHTS = "coef", "intercept", "recurrent"


def initial_weights(sizes, dtype, random_state):
    """Draw weights from U(-bound, bound) with bound = 1 / sqrt(n_inputs).

    The biases are zero. `first_guess` sets them, and scales the weights.

    Parameters
    ----------
    sizes : list of int
        Number of units of all layers, input and output included.
    dtype : dtype-like
        The same numbers are drawn for all types.
    random_state : RandomState

    Returns
    -------
    coefs, intercepts : lists of ndarrays
    """
    coefs, intercepts = [], []
    for n_inputs, n_units in pairwise(sizes):
        bound = n_inputs**-0.5
        weights = random_state.uniform(-bound, bound, (n_inputs, n_units))
        coefs.append(weights.astype(dtype))
        intercepts.append(np.zeros(n_units, dtype=dtype))
    return coefs, intercepts


def layered(coefs, intercepts, constants, recurrent=()):
    """Return the parameters that consist of these arrays, which are not copied.

    Parameters
    ----------
    coefs, intercepts : lists of ndarrays
    constants : list of dicts of ndarrays
        Those of each layer's neurons.
    recurrent : list of ndarrays, default=()
        Those of the first layers, as many as are recurrent.

    Returns
    -------
    params : list of dicts of ndarrays
    """
    params = [
        {"coef": w, "intercept": b, **of_neurons}
        for w, b, of_neurons in zip(coefs, intercepts, constants, strict=True)
    ]
    for p, weights in zip(params, recurrent, strict=False):  # the others have none
        p["recurrent"] = weights
    return params


def copied(params):
    """Return a copy of parameters, or of gradients."""
    return [{name: array.copy() for name, array in p.items()} for p in params]


def weights_like(params, allocate=np.empty):
    """Return arrays for weights, or for gradients by them.

    All of them lie behind each other, in the order of `learning`: so all of them can be
    changed at once.

    Parameters
    ----------
    params : list of dicts of ndarrays
    allocate : callable, default=`numpy.empty`
        Or `numpy.zeros`.

    Returns
    -------
    arrays : list of dicts of ndarrays
    """
    of_layers, order = [{} for _ in params], order_of_weights(params)
    shapes = [params[i][name].shape for i, name in order]
    arrays = side_by_side(shapes, params[0]["coef"].dtype, allocate)
    for (i, name), array in zip(order, arrays, strict=True):
        of_layers[i][name] = array
    return of_layers


def order_of_weights(params):
    """Return layer and name of all weights and biases, in the order of `learning`."""
    return [(i, name) for name in WEIGHTS for i, p in enumerate(params) if name in p]


def copied_side_by_side(params):
    """Return a copy of parameters whose weights lie as those of `weights_like`."""
    copies = weights_like(params)
    for copy, p in zip(copies, params, strict=True):
        for name, array in p.items():
            if name in WEIGHTS:
                copy[name][...] = array
            else:
                copy[name] = array.copy()
    return copies


def part(params, name):
    """Return the list of one kind of array, such as "coef", of layers that have it."""
    return [p[name] for p in params if name in p]


def learning(network, params):
    """Return the arrays that learn.

    All weights, all biases, all recurrent weights, and learned constants.

    Parameters
    ----------
    network : Network
    params : list of dicts of ndarrays
        Parameters, or gradients.

    Returns
    -------
    arrays : list of ndarrays
        In the order in which optimizers keep what they know of them.
    """
    return [
        *part(params, "coef"),
        *part(params, "intercept"),
        *part(params, "recurrent"),
        *(p[name] for p, name in _learned(network, params)),
    ]


def units_of_constants(network, params):
    """Return the unit that each learned constant learns in, in the order of `learning`.

    Parameters
    ----------
    network : Network
    params : list of dicts of ndarrays
        The first ones.

    Returns
    -------
    units : list of float
    """
    return [
        layer.neuron.unit(name, p[name])
        for layer, p in zip(network.layers, params, strict=True)
        for name in layer.neuron.learned
    ]


def limits_of_constants(network, params):
    """Return low and high of each learned constant, in the order of `learning`."""
    return [
        layer.neuron.limits(name, p[name])
        for layer, p in zip(network.layers, params, strict=True)
        for name in layer.neuron.learned
    ]


def keep_in_limits(network, params, limits):
    """Clip the learned constants, in place; what is at a limit can leave it again.

    Their gradient is that of the constants as they are, not zero where they are
    clipped: it is a step that is cut short, not the function that is flat.

    Parameters
    ----------
    network : Network
    params : list of dicts of ndarrays
    limits : list of pairs of float
        As `limits_of_constants` returned them for the first parameters.
    """
    for (p, name), (low, high) in zip(_learned(network, params), limits, strict=True):
        np.clip(p[name], low, high, out=p[name])


def _learned(network, params):
    """Return (dict of the layer, name) of each constant that learns."""
    return [
        (p, name)
        for layer, p in zip(network.layers, params, strict=True)
        for name in layer.neuron.learned
    ]
