"""The leaky integrator: a neuron that never fires, read out by its membrane.

Per step, with input current ``I_t``::

    u_t = alpha * u_{t-1} + (1 - alpha) * I_t        u_0 = 0

and backward, with ``m_t = dL/du_t`` from the readout::

    delta_t = m_t + alpha * delta_{t+1}      dI_t = (1 - alpha) * delta_t
    dalpha  = sum_t delta_t * (u_{t-1} - I_t)

A constant current charges it to that current, whatever the leak.
"""

from typing import NamedTuple

import numpy as np

from sklearn_snn._model.neurons.constants import by_dtype, flush_of, leak_of, spread


class LeakyIntegrator(NamedTuple):
    """What a layer of leaky integrators is, but for its numbers, the leaks ``alpha``.

    Attributes
    ----------
    learned : tuple of str
        The constants that learn.
    """

    learned: tuple = ()

    constants = ("alpha",)
    leaks = ("alpha",)
    tape = "membrane", "spikes"
    n_states = 1
    fires = False
    must_leak = True
    sums_inputs = True

    @staticmethod
    def initial(settings, n_units):
        """Return the constants before they learn, a dict of arrays of float64."""
        return {"alpha": spread(settings["alpha"], n_units, over_time=True)}

    def forward(self, p, current, state, tape, smooth=False):
        """Integrate the current; see `LIF.forward`. There are no spikes."""
        (alpha,) = by_dtype(p, self.constants, current.dtype)
        gain = (1 - p["alpha"]).astype(current.dtype)
        tape["spikes"][...] = 0
        v = state[0].copy()
        for current_t, u in zip(current, tape["membrane"], strict=True):
            np.multiply(v, alpha, out=v)
            np.multiply(current_t, gain, out=u)
            np.add(u, v, out=u)
            v[...] = u
        return (v,)

    def backward(self, p, grads, tape, state, carry, delta, workspace):
        """Carry the gradient back through time; see `LIF.backward`."""
        (alpha,) = by_dtype(p, self.constants, delta.dtype)
        delta[...] = 0 if grads[1] is None else grads[1]
        flush = flush_of(delta.dtype)
        following = None if carry is None else carry[0]
        for d in delta[::-1]:
            if following is not None:
                d += alpha * following
                d += flush
                d -= flush
            following = d
        first, gradients = delta[0].copy(), {}
        if "alpha" in self.learned:
            u = tape["membrane"]
            before = np.concatenate([state[0][np.newaxis], u[:-1]])
            change = (before - u) * delta
            total = change.sum(axis=(0, 1), dtype=np.float64)
            gradients["alpha"] = total * self.gradient_factors(p)["alpha"]
        np.multiply(delta, (1 - p["alpha"]).astype(delta.dtype), out=delta)
        return gradients, (first,)

    @staticmethod
    def gradient_factors(p):
        """Return what the sums over the steps are multiplied with, by constant."""
        return {"alpha": 1 / (1 - p["alpha"])}

    @staticmethod
    def limits(name, value):
        """Return the range that the leak may learn in; see `LIF.limits`."""
        return 0.0, max(leak_of(1000), float(value.max()))

    @staticmethod
    def unit(name, value):
        """Return the unit that the leak learns in."""
        return float(1 - value.mean()) or 1e-3
