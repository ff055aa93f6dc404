"""The network: a stack of LIF layers, forward to logits and backward to gradients.

Layer ``l`` has weights ``coefs[l]`` of shape (n_inputs, n_units) and a bias
``intercepts[l]``. The readout is a LIF layer too, with one neuron per class, and its
spike counts are the logits::

    logits = logit_scale * sum_t s_t        p = softmax(logits)
    loss = -sum_i w_i log p[i, y_i]         dL/ds_t = logit_scale * w_i (p - onehot(y))

where ``w_i`` is what a sample's loss is multiplied with, ``1 / n`` for a mean.
"""

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy.special import log_softmax, softmax

from sklearn_snn._neurons import LIF, lif_backward, lif_forward
from sklearn_snn._synapses import (
    input_current,
    is_constant,
    parts_for,
    weight_gradient,
)

# Between these, in thresholds, the first guess puts the membranes' standard deviation.
MEMBRANE_RANGE = 0.3, 10.0
_FLOAT32_RANGE = np.finfo(np.float32).tiny, np.finfo(np.float32).max
# The first guess lets an output neuron fire once in so many steps.
OUTPUT_PERIOD = 10


class Network(NamedTuple):
    """What is fixed while the weights learn.

    Attributes
    ----------
    neuron : LIF
    n_steps : int
    logit_scale : float
        Logit per output spike.
    smooth : bool
        See `lif_forward`.
    """

    neuron: LIF
    n_steps: int
    logit_scale: float
    smooth: bool = False


class Tape(NamedTuple):
    """What `forward` leaves for `backward`.

    Attributes
    ----------
    inputs : Events, ndarray or CSR array
        What the first layer received.
    membranes, spikes : lists of ndarrays of shape (n_steps, n_samples, n_units)
        One per layer; the membrane is the one before the spike test.
    logits : ndarray of shape (n_samples, n_classes)
    """

    inputs: object
    membranes: list
    spikes: list
    logits: np.ndarray


def initial_parameters(sizes, dtype, random_state):
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


def forward(network, coefs, intercepts, inputs, n_samples, workspace):
    """Run the network over all steps.

    Parameters
    ----------
    network : Network
    coefs, intercepts : lists of ndarrays
    inputs : input
        Events or an array; see `_synapses`.
    n_samples : int
    workspace : Workspace
        Holds the tape, which the next call with the same workspace overwrites.

    Returns
    -------
    tape : Tape
    """
    membranes, spikes = [], []
    x = inputs
    for layer, (weights, bias) in enumerate(zip(coefs, intercepts, strict=True)):
        u, x = _run_layer(network, layer, weights, bias, x, n_samples, workspace)
        membranes.append(u)
        spikes.append(x)
    return Tape(inputs, membranes, spikes, readout(network, x.sum(axis=0)))


def readout(network, n_spikes):
    """Return the logits of so many spikes of the output neurons.

    Parameters
    ----------
    network : Network
    n_spikes : ndarray of shape (..., n_classes)
        Of the dtype of the weights.

    Returns
    -------
    logits : ndarray of shape (..., n_classes)
    """
    return network.logit_scale * n_spikes


def _current(network, layer, weights, bias, x, n_samples, workspace):
    """Return the input current of a layer, with a single step if it is constant."""
    # A constant current is kept apart: it is read at every step.
    name = "current" if is_constant(x) else ("membrane", layer)
    n_steps = 1 if is_constant(x) else network.n_steps
    shape = n_steps, n_samples, weights.shape[1]
    current = workspace.array(name, shape, weights.dtype)
    input_current(x, parts_for(x, weights), bias, current, workspace)
    return current


def _run_layer(network, layer, weights, bias, x, n_samples, workspace):
    """Return membranes and spikes of a layer."""
    current = _current(network, layer, weights, bias, x, n_samples, workspace)
    shape = network.n_steps, n_samples, weights.shape[1]
    u = workspace.array(("membrane", layer), shape, weights.dtype)
    s = workspace.array(("spikes", layer), shape, weights.dtype)
    current = np.broadcast_to(current, shape)
    lif_forward(current, network.neuron, u, s, network.smooth)
    return u, s


def class_probabilities(logits):
    """Return the softmax of logits.

    Parameters
    ----------
    logits : ndarray of shape (..., n_classes)

    Returns
    -------
    p : ndarray of shape (..., n_classes)
    """
    # Class by class, long vectors, instead of many short ones: several times as fast.
    by_class = np.ascontiguousarray(np.moveaxis(logits, -1, 0))
    return np.moveaxis(softmax(by_class, axis=0), 0, -1)


def first_guess(network, coefs, intercepts, inputs, sample_weights, workspace):
    """Scale the weights and set the biases so that no neuron is born silent.

    Layer by layer, from a few samples:

    - The membrane's standard deviation, with no bias and no reset, is brought into
      `MEMBRANE_RANGE`, in thresholds: a weaker current could not tell samples apart,
      and with a stronger one, as a long memory piles it up, one step of the optimizer
      would turn a neuron from silent to always firing.
    - The bias makes each neuron's mean current its rheobase, the constant current that
      charges a membrane to the threshold, here within the steps there are:
      ``threshold / sum_t alpha**t``. With random weights alone some neurons get a
      current so negative that they never fire; their surrogate gradient vanishes, and
      an output neuron that is born silent stays it. At its rheobase, one step of the
      optimizer may silence it for good: output neurons get the current that charges
      them within `OUTPUT_PERIOD` steps, if that is more.

    The idea of setting scale and biases from data is that of Salimans & Kingma, "Weight
    normalization", NeurIPS 2016, and Mishkin & Matas, "All you need is a good init",
    ICLR 2016.

    Parameters
    ----------
    network : Network
    coefs : list of ndarrays
        Scaled in place.
    intercepts : list of ndarrays
        Overwritten.
    inputs, workspace
        As in `forward`.
    sample_weights : ndarray of shape (n_samples,)
        Weights of the samples, which sum to 1.

    Returns
    -------
    scales : list of float
        What the weights of each layer were multiplied with.
    """
    neuron, n_samples = network.neuron, len(sample_weights)
    decay = neuron.alpha ** np.arange(network.n_steps)
    x, scales = inputs, []
    for layer, (weights, bias) in enumerate(zip(coefs, intercepts, strict=True)):
        arguments = layer, weights, bias, x, n_samples, workspace
        bias[:] = 0
        current = _current(network, *arguments)
        mean = sample_weights @ current.mean(axis=0)
        deviation = _membrane_deviation(network, current - mean, sample_weights)
        scale = np.float32(1)
        # Samples that are all alike differ by rounding, which is not to be magnified.
        rounding = 8 * np.finfo(mean.dtype).eps * np.abs(mean).max() * decay.sum()
        if rounding < deviation < np.inf:
            target = np.clip(deviation, *(neuron.threshold * r for r in MEMBRANE_RANGE))
            scale = np.float32(np.clip(target / deviation, *_FLOAT32_RANGE))
        weights *= scale
        is_output = layer == len(coefs) - 1
        charge = decay[:OUTPUT_PERIOD] if is_output else decay
        bias[:] = neuron.threshold / charge.sum() - scale * mean
        _, x = _run_layer(network, *arguments)
        scales.append(float(scale))
    return scales


def _membrane_deviation(network, current, sample_weights):
    """Return the standard deviation of membranes that integrate and never reset.

    In units of a power of two, which leaves all digits as they are, so that squares of
    small and large currents stay in range; `current` is overwritten.
    """
    _, exponent = math.frexp(float(np.abs(current).max()))
    unit = math.ldexp(1.0, min(exponent, np.finfo(current.dtype).maxexp - 1))
    current /= current.dtype.type(unit)
    shape = network.n_steps, *current.shape[1:]
    u, s = np.empty(shape, current.dtype), np.empty(shape, current.dtype)
    neuron = network.neuron._replace(reset="none")
    with np.errstate(over="ignore", invalid="ignore"):
        lif_forward(np.broadcast_to(current, shape), neuron, u, s)
        return unit * math.sqrt(sample_weights @ np.square(u, out=u).mean(axis=(0, 2)))


def cross_entropy(logits, y, loss_weights):
    """Weighted sum over the samples of the softmax cross-entropy, and its gradient.

    Parameters
    ----------
    logits : ndarray of shape (n_samples, n_classes)
    y : ndarray of int of shape (n_samples,)
    loss_weights : ndarray of shape (n_samples,)
        Weight of each sample.

    Returns
    -------
    loss : float
    gradient : ndarray of shape (n_samples, n_classes)
    """
    log_p = log_softmax(logits, axis=1)
    rows = np.arange(len(y))
    gradient = np.exp(log_p)
    gradient[rows, y] -= 1
    gradient *= loss_weights[:, np.newaxis]
    loss = -(loss_weights * log_p[rows, y]).sum(dtype=np.float64)
    return float(loss), gradient


def backward(network, coefs, tape, grad_logits, workspace):
    """Backpropagate through time.

    Parameters
    ----------
    network : Network
    coefs : list of ndarrays
    tape : Tape
    grad_logits : ndarray of shape (n_samples, n_classes)
    workspace : Workspace

    Returns
    -------
    gradients : list of (coef_grad, intercept_grad)
        One pair per layer: as `weight_gradient` returns it, and of shape (n_units,).
    """
    gradients = []
    grad_spikes = network.logit_scale * grad_logits
    for layer in reversed(range(len(coefs))):
        u, s = tape.membranes[layer], tape.spikes[layer]
        delta = workspace.array(("delta", layer), u.shape, u.dtype)
        lif_backward(grad_spikes, u, s, network.neuron, delta, workspace)
        inputs = tape.spikes[layer - 1] if layer else tape.inputs
        coef_grad = weight_gradient(inputs, delta, workspace)
        gradients.append((coef_grad, delta.sum(axis=(0, 1))))
        if layer:
            below = workspace.array(("delta", layer - 1), inputs.shape, u.dtype)
            grad_spikes = np.matmul(delta, coefs[layer].T, out=below)
    return gradients[::-1]
