"""Spikes times weights: what each neuron and each input gave to the outputs.

Take a weighted sum of the currents that the output neurons get over all steps,
``sum_c d_c sum_t f_t[c] I_t[c]``. Where output neurons fire, ``f_t[c]`` is the gain
that a current is multiplied with on its way into the membrane: 1, or ``1 - alpha_c``.
Where they do not, what is read is a mean of the membranes, or one of them, times a
factor, and these are sums of currents as well, for the mean::

    factor * mean_t u_t[c] = sum_t f_t[c] I_t[c]
    f_t[c] = factor / n_steps * (1 - alpha_c**(n_steps - t))        t = 0, 1, ...

so that the weighted sum is one of outputs, exactly: the later a current comes, the
fewer membranes it counts in. (A mean of probabilities is no such sum: there it is that
of the mean membranes.)

The current is linear in the spikes of the layer below, so the sum falls into parts, of
each neuron ``h`` there and of the biases::

    sum_t s_t[h] * sum_c W[h, c] f_t[c] d_c
    sum_t sum_c b_c f_t[c] d_c

A spike of ``h`` at step ``t`` thus has a value, ``r_t = s_t * sum_c W[h, c] f_t[c]
d_c``. It is handed to the inputs of ``h`` as they charged the membrane. Up to its spike
a membrane is a sum of what came in, each part leaking and reset like the whole: with
the share ``k_t = v_t / u_t`` that a reset leaves (1 without a spike, 0 for
``reset="zero"``), the part of one input ``j`` is::

    m_t = alpha * k_{t-1} * m_{t-1} + gain * x_t[j] * W[j, h]

so that the parts of all inputs and of the bias sum to ``u_t``, and input ``j`` gets
``r_t * m_t / u_t``. A neuron that fires has ``u_t > threshold``: no division comes near
0. From the last step to the first that is a single recurrence::

    g_t = r_t / u_t + alpha * k_t * g_{t+1}
    part of x_t[j] in all spikes of all h = x_t[j] * sum_h W[j, h] gain g_t[h]

and where the inputs are the spikes of another layer, their parts are the ``r_t`` there.
A membrane that something else goes into as well, such as an adaptation that hangs on
earlier spikes, is no sum of inputs, and cannot be taken apart like this; nor can one
that a synaptic current, which is not reset, goes on charging: its parts do not leak as
a whole.
"""

from typing import NamedTuple

import numpy as np
from scipy import sparse

from sklearn_snn._model.neurons.resets import RESETS


class Attribution(NamedTuple):
    """Parts of a weighted sum of output currents, or of outputs.

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


def can_attribute(network):
    """Return whether all membranes of a network are sums of what came in."""
    return all(layer.neuron.sums_inputs for layer in network.layers)


def attribute(network, params, record, direction):
    """Find what each neuron and each input gave to a weighted sum of the outputs.

    Parameters
    ----------
    network : Network
        One that `can_attribute` allows.
    params : list of dicts of ndarrays
    record : SimulationRecord
        Of one sample: all its layers and its input.
    direction : ndarray of shape (n_outputs,)
        Weight of each output neuron's current, or of what is read of its membranes if
        it never fires.

    Returns
    -------
    attribution : Attribution
    """
    bias, neurons, neuron_bias = 0.0, None, None
    # Of a current to each neuron, by step.
    gain = direction * _output_gain(network, params[-1], record.membranes[-1][0])
    for layer in reversed(range(len(params))):
        bias += float((gain @ params[layer]["intercept"].astype(float)).sum())
        neuron_bias = bias if neuron_bias is None else neuron_bias
        if layer == 0:
            break
        u, s = (
            a[layer - 1][0].astype(float) for a in (record.membranes, record.spikes)
        )
        parts = s * (gain @ params[layer]["coef"].T.astype(float))
        neurons = parts.sum(axis=0) if neurons is None else neurons
        neuron, p = network.layers[layer - 1].neuron, params[layer - 1]
        gain = _gain_below(neuron, p, parts, u, s)
    weights = params[0]["coef"].astype(float)
    inputs, over_time = _input_parts(record.inputs, gain, weights)
    total = inputs.sum() + bias
    return Attribution(float(total), neurons, neuron_bias, inputs, bias, over_time)


def _output_gain(network, p, u):
    """Return ``f_t`` for the membranes of the output, of shape (n_steps, n_outputs)."""
    neuron, n_steps = network.layers[-1].neuron, len(u)
    if neuron.fires:
        return np.tile(_input_gain(neuron, p), (n_steps, 1))
    # A current at step t is still there, by what the leak leaves of it, when a later
    # membrane is read.
    gain = network.readout.shares(u)
    for t in reversed(range(n_steps - 1)):
        gain[t] += p["alpha"] * gain[t + 1]
    return network.readout.factor(n_steps) * (1 - p["alpha"]) * gain


def _input_gain(neuron, p):
    """Return what a current to each neuron that fires is multiplied with."""
    return np.ones(len(p["alpha"])) if neuron.has_unit_gain else 1 - p["alpha"]


def _gain_below(neuron, p, parts, u, s):
    """Return ``gain * g_t``, of shape (n_steps, n_units), from each spike's value."""
    v = np.empty_like(u)
    RESETS[neuron.reset].apply(u, s, p["threshold"], v)
    fires = s > 0
    left = np.divide(v, u, out=np.ones_like(u), where=fires)
    gain = np.divide(parts, u, out=np.zeros_like(u), where=fires)
    for t in reversed(range(len(u) - 1)):
        gain[t] += p["alpha"] * left[t] * gain[t + 1]
    return gain * _input_gain(neuron, p)


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
