"""The network: a stack of layers, forward to outputs and backward to gradients.

Layer ``l`` takes a current from the spikes of the layer below, ``x_t @ W + b``, and if
it is recurrent from its own of the step before; its neurons make membranes and spikes
of it. The readout makes outputs of what the last layer did. What a network is stands
here, its numbers in its parameters, and how many steps there are comes with the input.
"""

from typing import NamedTuple

import numpy as np

from sklearn_snn._model.losses import LOSSES
from sklearn_snn._model.readouts import Reading, Readout
from sklearn_snn._model.recurrence import backpropagate_recurrent, run_recurrent
from sklearn_snn._model.restraint import NO_RESTRAINT
from sklearn_snn._model.synapses import (
    exact_parts,
    input_current,
    is_constant,
    parts_for,
    weight_gradient,
)


class Layer(NamedTuple):
    """A layer of alike neurons.

    Attributes
    ----------
    neuron : neuron
        See `neurons`.
    n_units : int
    recurrent : bool
        Whether its neurons hear each other; see `recurrence`.
    """

    neuron: object
    n_units: int
    recurrent: bool = False


class Network(NamedTuple):
    """What is fixed while the parameters learn.

    Attributes
    ----------
    layers : tuple of Layer
    readout : Readout
    loss : str
        Key of `LOSSES`.
    smooth : bool
        Whether spikes are smooth steps; see `LIF.forward`.
    """

    layers: tuple
    readout: Readout = Readout()
    loss: str = "cross_entropy"
    smooth: bool = False


class Tape(NamedTuple):
    """What `forward` leaves for `backward`.

    Attributes
    ----------
    inputs : Events, ndarray or CSR array
        What the first layer received.
    layers : list of dicts of ndarrays of shape (n_steps, n_samples, n_units)
        What each layer's neurons record: "membrane", before the spike test, "spikes",
        and more.
    before, after : lists of ndarrays of shape (n_states + 1, n_samples, n_units)
        The states of each layer before the first step and after the last, and the
        spikes of the step before these.
    states : list of lists of tuples of ndarrays, or of None
        Of recurrent layers the states before each step.
    sent : list of ndarrays of shape (n_steps, n_samples, n_units)
        The spikes of the hidden layers that the next layer received.
    reading : Reading
        What the readout took of the last layer.
    """

    inputs: object
    layers: list
    before: list
    after: list
    states: list
    sent: list
    reading: Reading


def forward(
    network,
    params,
    inputs,
    n_samples,
    n_steps,
    workspace,
    restraint=NO_RESTRAINT,
    lengths=None,
    before=None,
    reading=None,
):
    """Run the network over all steps, or over a piece of them.

    Parameters
    ----------
    network : Network
    params : list of dicts of ndarrays
        See `parameters`.
    inputs : input
        Events or an array; see `synapses`.
    n_samples, n_steps : int
    workspace : Workspace
        Holds the tape, which the next call with the same workspace overwrites.
    restraint : Restraint, default=NO_RESTRAINT
    lengths : ndarray of int of shape (n_samples,), default=None
        Number of steps of each sample, at most `n_steps`; None if all have as many.
        What is beyond its end is no spike, and is not read.
    before : list of ndarrays, default=None
        As on the tape; None is rest.
    reading : Reading, default=None
        That of the steps before these, which is overwritten.

    Returns
    -------
    tape : Tape
    """
    layers, after, all_states, sent = [], [], [], []
    if before is None:
        dtype = params[0]["coef"].dtype
        before = [resting(layer, n_samples, dtype) for layer in network.layers]
    for index, (layer, p) in enumerate(zip(network.layers, params, strict=True)):
        shape = n_steps, n_samples, layer.n_units
        if index:
            spikes = layers[-1]["spikes"]
            sent.append(restraint.sent(index - 1, spikes, workspace))
        x, kept = sent[-1] if index else inputs, restraint.heard(index)
        state = before[index]
        tape, last, states = run_layer(
            network, index, p, x, shape, workspace, state, kept, lengths
        )
        layers.append(tape)
        after.append(last)
        all_states.append(states)
    reading = network.readout.read(layers[-1], lengths, reading)
    return Tape(inputs, layers, before, after, all_states, sent, reading)


def answers(network, params, reading, n_steps):
    """Return the outputs that are the answers, of shape (n_samples, n_outputs)."""
    return network.readout.outputs(reading, params[-1].get("threshold"), n_steps)


def layer_current(p, x, index, shape, workspace, lengths=None):
    """Return the input current of a layer, with a single step if it is constant.

    Parameters
    ----------
    p : dict of ndarrays
        Parameters of the layer.
    x : input
    index : int
        Of the layer.
    shape : tuple of int
        (n_steps, n_samples, n_units)
    workspace : Workspace
    lengths : ndarray of int of shape (n_samples,), default=None
        As of `forward`.

    Returns
    -------
    current : ndarray
    """
    # A constant current is kept apart: it is read at every step.
    name = "current" if is_constant(x) else ("membrane", index)
    n_steps = 1 if is_constant(x) else shape[0]
    weights = p["coef"]
    current = workspace.array(name, (n_steps, *shape[1:]), weights.dtype)
    parts, bias = p.get("coef_parts"), p["intercept"]
    if parts is None:
        parts = parts_for(x, weights)
    # That of spikes is exact whatever is computed with it.
    lengths = None if index else lengths
    input_current(x, weights, parts, bias, current, workspace, lengths, not index)
    return current


def prepared(params):
    """Return parameters with what is made of them in each run, for many short ones.

    Their inputs have time in them.
    """
    own = [p | {"coef_parts": exact_parts(p["coef"])} for p in params]
    for p in own:
        if "recurrent" in p:
            p["recurrent_parts"] = exact_parts(p["recurrent"])
    return own


def run_layer(network, index, p, x, shape, workspace, before, kept=None, lengths=None):
    """Run a layer; parameters as of `layer_current`, its state, and who is heard in it.

    Returns
    -------
    tape, after, states
        As of `run_neurons`.
    """
    current = layer_current(p, x, index, shape, workspace, lengths)
    return run_neurons(
        network, index, p, current, shape, workspace, before, kept, lengths
    )


def run_neurons(
    network, index, p, current, shape, workspace, before, kept=None, lengths=None
):
    """Run the neurons of a layer, which get the current of `layer_current`.

    Returns
    -------
    tape : dict of ndarrays
        What its neurons record.
    after : ndarray of the shape of ``before``
    states : list of tuples of ndarrays, or None
        Those before each step, of a recurrent layer.
    """
    layer, dtype = network.layers[index], current.dtype
    neuron, smooth = layer.neuron, network.smooth
    tape = {name: workspace.array((name, index), shape, dtype) for name in neuron.tape}
    *state, last = before
    current = np.broadcast_to(current, shape)
    states = None
    if layer.recurrent:
        *states, state = run_recurrent(
            neuron, p, current, tuple(state), last, tape, smooth, kept
        )
    else:
        state = neuron.forward(p, current, tuple(state), tape, smooth)
    after = np.stack([*state, tape["spikes"][-1]])
    if lengths is not None:
        np.multiply(tape["spikes"], within(lengths, shape[0]), out=tape["spikes"])
    return tape, after, states


def within(lengths, n_steps):
    """Tell which steps samples have, as an array of (n_steps, n_samples, 1)."""
    return (np.arange(n_steps)[:, np.newaxis] < lengths)[..., np.newaxis]


def resting(layer, n_samples, dtype):
    """Return the states of a layer at rest; see `Tape`."""
    return np.zeros((layer.neuron.n_states + 1, n_samples, layer.n_units), dtype)


def running_answers(network, params, record, order="C", lengths=None):
    """Return an iterator over the answers after each step; see `Readout.running`."""
    threshold, dtype = params[-1].get("threshold"), params[-1]["coef"].dtype
    return network.readout.running(record, threshold, dtype, order, lengths)


def loss_and_gradient(network, params, reading, n_steps, targets, loss_weights):
    """Return the loss, and its gradient by the outputs; see `losses`.

    Of a readout `per_step` it is the sum over the steps of a sample, too. Targets and
    weights have an axis of steps, of which the first are those that the outputs have;
    a step of weight 0 is not looked at.
    """
    threshold = params[-1].get("threshold")
    outputs = network.readout.loss_outputs(reading, threshold, n_steps)
    evaluate = LOSSES[network.loss].evaluate
    if not network.readout.per_step:
        return evaluate(outputs, targets, loss_weights)
    steps = slice(outputs.shape[1])
    targets, loss_weights = targets[:, steps], loss_weights[:, steps]
    some, gradient = loss_weights != 0, np.zeros_like(outputs)
    loss, gradient[some] = evaluate(outputs[some], targets[some], loss_weights[some])
    return loss, gradient


def backward(
    network,
    params,
    tape,
    grad_outputs,
    workspace,
    restraint=NO_RESTRAINT,
    pushes=(),
    lengths=None,
):
    """Backpropagate through time, to the first step on a tape.

    Parameters
    ----------
    network : Network
    params : list of dicts of ndarrays
    tape : Tape
    grad_outputs : ndarray of the shape of the outputs
    workspace : Workspace
    restraint : Restraint, default=NO_RESTRAINT
        That of the forward pass.
    pushes : list of ndarrays of shape (n_samples,), default=()
        Per hidden layer the gradient of its penalty by a spike, if there are any.
    lengths : ndarray of int of shape (n_samples,), default=None
        As of `forward`. No gradient comes from beyond the end of a sample, and none
        gets there.

    Returns
    -------
    gradients : list of dicts of ndarrays
        ``"coef"`` as `weight_gradient` returns it, ``"intercept"``, ``"recurrent"``
        where there is that, and those of the constants that learn, but for what
        `add_threshold_gradient` adds.
    """
    gradients, readout = [], network.readout
    threshold = params[-1].get("threshold")
    record = tape.layers[-1]
    grads = readout.backward(record, tape.reading, grad_outputs, threshold, lengths)
    for index in reversed(range(len(params))):
        neuron, record = network.layers[index].neuron, tape.layers[index]
        u, p = record["membrane"], params[index]
        delta = workspace.array(("delta", index), u.shape, u.dtype)
        *state, last = tape.before[index]
        if network.layers[index].recurrent:
            states, kept = tape.states[index], restraint.heard(index)
            more = backpropagate_recurrent(
                neuron, p, grads[0], record, states, last, delta, kept, workspace
            )
        else:
            more, _ = neuron.backward(p, grads, record, state, None, delta, workspace)
        inputs = tape.sent[index - 1] if index else tape.inputs
        coef = weight_gradient(inputs, delta, workspace)
        intercept = delta.sum(axis=(0, 1))
        gradients.append({"coef": coef, "intercept": intercept, **more})
        if index:
            below = workspace.array(("delta", index - 1), inputs.shape, u.dtype)
            below = np.matmul(delta, params[index]["coef"].T, out=below)
            if restraint.kept is not None:
                np.copyto(below, 0, where=~restraint.kept[index - 1])
            if pushes:
                push = pushes[index - 1][:, np.newaxis].astype(below.dtype)
                below += push if lengths is None else push * within(lengths, len(u))
            grads = below, None
    return gradients[::-1]


def add_threshold_gradient(network, params, reading, grad_outputs, n_steps, gradient):
    """Add what outputs that are measured in thresholds say about these.

    Parameters
    ----------
    network, params, reading, grad_outputs, n_steps
        As of the functions above.
    gradient : dict of ndarrays
        That of the last layer, changed in place if its thresholds learn.
    """
    if "threshold" not in gradient:
        return
    threshold = params[-1]["threshold"]
    more = network.readout.threshold_gradient(reading, grad_outputs, threshold, n_steps)
    if more is not None:
        gradient["threshold"] += more
