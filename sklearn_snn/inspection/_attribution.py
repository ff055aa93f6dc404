"""Spikes times weights: what each neuron and each input gave to a current.

Take a weighted sum of the currents that the output neurons get over all steps,
``sum_c d_c sum_t I_t[c]``. The current is linear in the spikes of the layer below, so
the sum falls into parts, of each neuron ``h`` there and of the biases::

    n_h * sum_c W[h, c] d_c                  n_h: number of its spikes
    n_steps * sum_c b_c d_c

A spike of ``h`` at step ``t`` thus has a value, ``r_t = s_t * sum_c W[h, c] d_c``. It
is handed to the inputs of ``h`` as they charged the membrane. Up to its spike a
membrane is a sum of what came in, each part leaking and reset like the whole: with the
share ``k_t = v_t / u_t`` that a reset leaves (1 without a spike, 0 for
``reset="zero"``), the part of one input ``j`` is::

    m_t = alpha * k_{t-1} * m_{t-1} + x_t[j] * W[j, h]

so that the parts of all inputs and of the bias sum to ``u_t``, and input ``j`` gets
``r_t * m_t / u_t``. A neuron that fires has ``u_t > threshold``: no division comes near
0. From the last step to the first that is a single recurrence::

    g_t = r_t / u_t + alpha * k_t * g_{t+1}
    part of x_t[j] in all spikes of all h = x_t[j] * sum_h W[j, h] g_t[h]

and where the inputs are the spikes of another layer, their parts are the ``r_t`` there.
"""

from typing import NamedTuple

import numpy as np
from scipy import sparse

from sklearn_snn._model.neurons import RESETS


class Attribution(NamedTuple):
    """Parts of a weighted sum of output currents.

    Attributes
    ----------
    total : float
        The sum, to which the parts come both ways: `neurons` and `neuron_bias`, or
        `inputs` and `input_bias`.
    neurons : ndarray of shape (n_units,) or None
        Of the neurons of the last hidden layer; None without one.
    neuron_bias : float
        Of the output neurons' biases.
    inputs : ndarray of shape (n_features,)
        Of the inputs, through all layers.
    input_bias : float
        Of the biases of all layers.
    over_time : ndarray of shape (n_steps,) or None
        Of all inputs together at each step; None for a constant current.
    """

    total: float
    neurons: np.ndarray | None
    neuron_bias: float
    inputs: np.ndarray
    input_bias: float
    over_time: np.ndarray | None


def attribute(neuron, coefs, intercepts, record, direction):
    """Find what each neuron and each input gave to a weighted sum of output currents.

    Parameters
    ----------
    neuron : LIF
    coefs, intercepts : lists of ndarrays
    record : SimulationRecord
        Of one sample: all its layers and its input.
    direction : ndarray of shape (n_classes,)
        Weight of each output neuron's current.

    Returns
    -------
    attribution : Attribution
    """
    n_steps, bias = record.logits.shape[1], 0.0
    gain = np.tile(direction, (n_steps, 1))  # of a current to each neuron, by step
    neurons, neuron_bias = None, None
    for layer in reversed(range(len(coefs))):
        bias += float((gain @ intercepts[layer].astype(float)).sum())
        neuron_bias = bias if neuron_bias is None else neuron_bias
        if layer == 0:
            break
        u, s = (
            a[layer - 1][0].astype(float) for a in (record.membranes, record.spikes)
        )
        parts = s * (gain @ coefs[layer].T.astype(float))
        neurons = parts.sum(axis=0) if neurons is None else neurons
        gain = _gain_below(neuron, parts, u, s)
    inputs, over_time = _input_parts(record.inputs, gain, coefs[0].astype(float))
    total = inputs.sum() + bias
    return Attribution(float(total), neurons, neuron_bias, inputs, bias, over_time)


def _gain_below(neuron, parts, u, s):
    """Return ``g_t``, of shape (n_steps, n_units), from the value of each spike."""
    v = np.empty_like(u)
    RESETS[neuron.reset].apply(u, s, neuron.threshold, v)
    fires = s > 0
    left = np.divide(v, u, out=np.ones_like(u), where=fires)
    gain = np.divide(parts, u, out=np.zeros_like(u), where=fires)
    for t in reversed(range(len(u) - 1)):
        gain[t] += neuron.alpha * left[t] * gain[t + 1]
    return gain


def _input_parts(inputs, gain, weights):
    """Return the parts of the inputs, over all steps, and those of all inputs by step.

    Parameters
    ----------
    inputs : ndarray of shape (1, n_steps, n_features) or (1, n_features), or CSR array
    gain : ndarray of shape (n_steps, n_units)
    weights : ndarray of shape (n_features, n_units)
    """
    if inputs.ndim == 2:
        x = inputs.toarray()[0] if sparse.issparse(inputs) else inputs[0]
        return x * (weights @ gain.sum(axis=0)), None
    parts = inputs[0] * (gain @ weights.T)
    return parts.sum(axis=0), parts.sum(axis=1)
