"""A neuron over a sequence, at once and in pieces with state and carry handed on."""

import numpy as np
from neurons.cases import constants_of, layer_of

from sklearn_snn._utils.workspace import Workspace

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
