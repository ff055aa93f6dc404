"""Threshold balancing: rectified activations become rates of spikes.

A neuron with threshold 1 that integrates without a leak, and from which a spike takes
the threshold, has fired ``n`` times after ``T`` steps of the current ``I``, where

    n = T I - v_T       and so    n / T = I, cut off at 0 and 1, but for v_T / T

What is left on the membrane, ``v_T``, lies between 0 and 1 if the current is constant.
With the bias raised by ``1 / (2 T)`` it lies between -1/2 and 1/2 in terms of ``I``:
rates are rounded, not rounded down.

An activation ``a`` in [0, scale] is told by the rate ``a / scale``: the weights to a
layer are divided by its scale, and those from it multiplied. A scale too small cuts
activations off, one too large leaves few of the ``T + 1`` rates that there are to most
of them. So it is chosen from activations of data.
"""

from itertools import pairwise

import numpy as np

# As many activations of a layer tell its scale as well as all of them do.
_N_VALUES = 2**14
# Scales are looked for among these shares of the largest activation; of equals, the
# first one, with which there are fewest spikes.
_SHARES = np.linspace(1, 0, 200, endpoint=False)


def scales_and_outputs(X, coefs, intercepts, scale_of):
    """Run a network of rectified linear units, whose outputs are not rectified.

    Parameters
    ----------
    X : ndarray or CSR array of shape (n_samples, n_features)
    coefs, intercepts : lists of ndarrays
    scale_of : callable
        Returns the scale of the activations of a layer.

    Returns
    -------
    scales : list of float
        One for each hidden layer.
    outputs : ndarray of shape (n_samples, n_outputs)
    """
    scales, a = [], X
    *hidden, (last, bias) = zip(coefs, intercepts, strict=True)
    for weights, b in hidden:
        a = np.maximum(a @ weights + b, 0)
        scales.append(scale_of(a))
    return scales, a @ last + bias


def scale_of(activations, n_steps, balancing, offset):
    """Return the activation that a spike at every step is to tell.

    Parameters
    ----------
    activations : ndarray of shape (n_samples, n_units)
        Not negative.
    n_steps : int
        Number of steps in which a rate has to tell an activation.
    balancing : "mse", "max" or float
        With which the squared error of the rates is least, the largest one, or a
        percentile of those that are positive.
    offset : float
        Spikes that a neuron has in advance: a half where rates are rounded.

    Returns
    -------
    scale : float
        Positive; 1 for a layer that is silent.
    """
    values = np.sort(activations[activations > 0]).astype(np.float64)
    if len(values) == 0:
        return 1.0
    if balancing == "max":
        return float(values[-1])
    if balancing != "mse":
        return float(np.percentile(values, balancing))
    if len(values) > _N_VALUES:
        evenly = np.linspace(0, len(values) - 1, _N_VALUES)
        values = values[np.rint(evenly).astype(int)]
    values /= values[-1]
    errors = [_squared_error(values, share, n_steps, offset) for share in _SHARES]
    largest = float(activations.max())
    return largest * float(_SHARES[np.argmin(errors)])


def _squared_error(values, scale, n_steps, offset):
    """Return the sum of squares of what rates tell beside the truth."""
    counts = np.clip(np.floor(values * (n_steps / scale) + offset), 0, n_steps)
    return np.square(counts * (scale / n_steps) - values).sum()


def balanced(coefs, intercepts, scales, shift):
    """Return weights and biases with which rates tell activations in their scales.

    Parameters
    ----------
    coefs, intercepts : lists of ndarrays
    scales : list of float
        One for each hidden layer.
    shift : float
        What is added to the currents of the hidden neurons.

    Returns
    -------
    coefs, intercepts : lists of ndarrays
    """
    below_and_own = pairwise([1.0, *scales, 1.0])
    ratios = [(below / own, own) for below, own in below_and_own]
    shifts = [*[shift] * len(scales), 0.0]
    new_coefs = [w * ratio for w, (ratio, _) in zip(coefs, ratios, strict=True)]
    new_intercepts = [
        b / own + more
        for b, (_, own), more in zip(intercepts, ratios, shifts, strict=True)
    ]
    return new_coefs, new_intercepts
