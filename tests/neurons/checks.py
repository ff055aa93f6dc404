"""What must be true of every neuron; a mistake in it raises AssertionError."""

import numpy as np
from networks import assert_same_gradients
from neurons.cases import constants_of, layer_of

from sklearn_snn._model.parameters import (
    keep_in_limits,
    learning,
    limits_of_constants,
    units_of_constants,
)
from sklearn_snn._utils.workspace import Workspace

# Autograd


def check_autograd(case, engine, library="torch", rtol=1e-9):
    """Compare spikes, outputs, loss and gradients; return the oracle's gradients.

    They are those of weights, biases and learned constants.
    """
    from oracles import loss_and_gradients

    spikes, loss, outputs, gradients = loss_and_gradients(library, case)
    for ours, theirs in zip(case.spikes(engine), spikes, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    step = case.step(engine)
    np.testing.assert_allclose(step.outputs, outputs, rtol=rtol, atol=rtol)
    np.testing.assert_allclose(step.loss, loss, rtol=rtol)
    for count, s in zip(step.n_spikes, spikes, strict=True):
        np.testing.assert_array_equal(count, s.sum(axis=(0, 1)))
    assert_same_gradients(step.gradients, gradients, rtol)
    return gradients


def put_at_limits(case, end):
    """Let some of the learned constants be as low as they may get, or as high."""
    limits = iter(limits_of_constants(case.network, case.params))
    for layer, p in zip(case.network.layers, case.params, strict=True):
        for name in layer.neuron.learned:
            p[name][:2] = next(limits)[end]


# Pieces of sequences

N_STEPS, N_SAMPLES, N_UNITS = 9, 3, 5


class Sequence:
    """A layer of a row's neurons, currents, and gradients from above.

    Parameters
    ----------
    name : str
        Of a row.
    dtype : dtype
    sources : str
        From what gradients come: "spikes", "membranes" or "both".
    **choices : reset, surrogate and detach_reset
    """

    def __init__(self, name, dtype, sources="both", **choices):
        rng = np.random.default_rng(5)
        self.neuron = layer_of(name, N_UNITS, learns=True, **choices).neuron
        self.p = constants_of(name, N_UNITS, rng)
        shape = N_STEPS, N_SAMPLES, N_UNITS
        self.current = rng.normal(0.5, 2, shape).astype(dtype)
        self.grads = tuple(
            rng.normal(size=shape).astype(dtype) if sources in (kind, "both") else None
            for kind in ("spikes", "membranes")
        )
        # The first step does not begin at rest: it follows others.
        states = rng.normal(0, 0.3, (self.neuron.n_states, *shape[1:])).astype(dtype)
        self.state = tuple(states)

    def run(self, *cuts):
        """Go forward and backward in pieces that end at these steps, and the last.

        Returns
        -------
        tape : dict of ndarrays
        state : tuple
            After the last step.
        delta : ndarray
        carry : tuple
            Before the first step.
        gradients : dict of ndarrays
            Sums over the pieces.
        """
        ends = [0, *cuts, N_STEPS]
        pieces = [slice(*ends[i : i + 2]) for i in range(len(ends) - 1)]
        shape, dtype = self.current.shape, self.current.dtype
        tape = {name: np.full(shape, np.nan, dtype) for name in self.neuron.tape}
        state, before = self.state, []
        for piece in pieces:
            before.append(state)
            part = {name: array[piece] for name, array in tape.items()}
            state = self.neuron.forward(self.p, self.current[piece], state, part)
        delta = np.full(shape, np.nan, dtype)
        carry, gradients = None, {}
        for piece, first in zip(reversed(pieces), reversed(before), strict=True):
            part = {name: array[piece] for name, array in tape.items()}
            grads = tuple(None if g is None else g[piece] for g in self.grads)
            arguments = part, first, carry, delta[piece], Workspace()
            more, carry = self.neuron.backward(self.p, grads, *arguments)
            for name, gradient in more.items():
                gradients[name] = gradients.get(name, 0) + gradient
        return tape, state, delta, carry, gradients


def assert_same_run(pieces, whole, rtol):
    """Compare to the bit, but for the sums over time, whose order differs."""
    for part, expected in zip(pieces, whole, strict=True):
        named = isinstance(part, dict)
        items = part.items() if named else enumerate(part)
        for name, array in items:
            message = f"{name} of {'a dict' if named else 'a tuple'}"
            if part is pieces[-1]:
                scale = np.abs(expected[name]).max()
                np.testing.assert_allclose(
                    array, expected[name], rtol=0, atol=rtol * scale, err_msg=message
                )
            else:
                np.testing.assert_array_equal(array, expected[name], err_msg=message)


# Learning


class Learner:
    """The parameters of a case, an optimizer as training has it, and the limits.

    Attributes
    ----------
    constants : list of ndarrays
        Those that learn.
    limits : list of pairs of float
    """

    def __init__(self, case, optimizer_class):
        self.case, network = case, case.network
        self.arrays = learning(network, case.params)
        self.limits = limits_of_constants(network, case.params)
        n_weights = len(self.arrays) - len(self.limits)
        self.constants = self.arrays[n_weights:]
        units = [1.0] * n_weights + units_of_constants(network, case.params)
        self.optimizer = optimizer_class(self.arrays, scales=units)

    def step(self, gradients, learning_rate):
        """Take a step, and check that no constant is beyond its limits."""
        self.optimizer.update(gradients, learning_rate)
        keep_in_limits(self.case.network, self.case.params, self.limits)
        for array, (low, high) in zip(self.constants, self.limits, strict=True):
            assert (array >= low).all()
            assert (array <= high).all()

    def push(self, gradient, learning_rate):
        """Take a step with a gradient that is the same number for all."""
        gradients = [np.full_like(array, gradient) for array in self.arrays]
        self.step(gradients, learning_rate)


def check_limits(case, optimizer_class, learning_rate, n_steps=25):
    """Push constants to one limit and the other; they come to each, and leave it."""
    learner = Learner(case, optimizer_class)
    for end, gradient in ((0, 1), (1, -1), (0, 1)):
        for _ in range(n_steps):
            learner.push(gradient, learning_rate)
        for array, limits in zip(learner.constants, learner.limits, strict=True):
            np.testing.assert_array_equal(array, np.full_like(array, limits[end]))
