"""The current-based leaky integrate-and-fire neuron over time, forward and backward.

A second state ``i``, the synaptic current, has a leak of its own: what comes in reaches
the membrane smoothed, and an input that is over goes on charging it. Per step, with
input current ``I_t`` and in this order::

    i_t = alpha_syn i_{t-1} + (1 - alpha_syn) I_t       i_0 = 0, never reset
    u_t = alpha v_{t-1} + (1 - alpha) i_t
    s_t = 1 if u_t > threshold else 0
    v_t = what the reset makes of u_t and s_t, as in `lif`

The membrane takes the new ``i_t``: an input can make a spike in the step in which it
comes. With ``i_{t-1}``, as Perez-Nieves, Leung, Dragotti & Goodman, "Neural
heterogeneity promotes robust learning", 2021, have it, every layer would delay by a
step. Both gains are normalised, whatever the leaks: a current charges synapse and
membrane to itself, so that leaks that differ, or learn, change how long an input lasts
and not how strong it is.

The first line is a leaky integrator, the others are the leaky integrate-and-fire neuron
that it feeds, and so is the code. Backward, with ``g_t = dL/ds_t`` and ``m_t =
dL/du_t`` from above, ``d = dL/du`` and ``j = dL/di``::

    d_t = g_t e_t + m_t + alpha kappa_t d_{t+1}
    j_t = (1 - alpha) d_t + alpha_syn j_{t+1}

    dI_t = (1 - alpha_syn) j_t
    dalpha     = sum_t d_t (v_{t-1} - u_t) / (1 - alpha)
    dalpha_syn = sum_t j_t (i_{t-1} - i_t) / (1 - alpha_syn)
    dthreshold = sum_t alpha d_{t+1} dv_t/dthreshold - g_t e_t
"""

from typing import NamedTuple

import numpy as np

from sklearn_snn._model.neurons.constants import neuron_by_neuron, spread
from sklearn_snn._model.neurons.integrator import LeakyIntegrator
from sklearn_snn._model.neurons.lif import LIF


class CUBA(NamedTuple):
    """What a layer of current-based neurons is, but for its numbers.

    The numbers, one per neuron, are the leaks ``alpha`` of the membrane and
    ``alpha_syn`` of the synaptic current, and ``threshold``.

    Attributes
    ----------
    beta, surrogate, reset, detach_reset, learned
        As those of `LIF`.
    """

    beta: float = 5.0
    surrogate: str = "sigmoid"
    reset: str = "zero"
    detach_reset: bool = False
    learned: tuple = ()

    constants = "alpha", "threshold", "alpha_syn"
    leaks = "alpha", "alpha_syn"
    tape = "membrane", "spikes", "synaptic"
    n_states = 2
    fires = True
    must_leak = True
    # What is left of a synaptic current outlives the reset of what it had charged.
    sums_inputs = False

    @classmethod
    def of(cls, settings, learned):
        """Return the neuron that plain values describe; some constants may learn."""
        names = "beta", "surrogate", "reset", "detach_reset"
        return cls(**{name: settings[name] for name in names}, learned=learned)

    @classmethod
    def initial(cls, settings, n_units):
        """Return the constants before they learn, a dict of arrays of float64."""
        return {
            name: spread(settings[name], n_units, over_time=name in cls.leaks)
            for name in cls.constants
        }

    def synapse(self, p, tape):
        """Return the integrator of currents, its constants and its tape."""
        integrator = LeakyIntegrator(("alpha",) if "alpha_syn" in self.learned else ())
        # There are no spikes of it: the neuron's, which come later, overwrite them.
        of_synapse = {"membrane": tape["synaptic"], "spikes": tape["spikes"]}
        return integrator, {"alpha": p["alpha_syn"]}, of_synapse

    def membrane(self):
        """Return the neuron that the synaptic current goes into."""
        return LIF(
            self.beta,
            self.surrogate,
            self.reset,
            self.detach_reset,
            has_unit_gain=False,
            learned=tuple(name for name in self.learned if name in LIF.constants),
        )

    def forward(self, p, current, state, tape, smooth=False):
        """Integrate the current twice and fire; see `LIF.forward`."""
        v, i = state
        integrator, leak, of_synapse = self.synapse(p, tape)
        (i,) = integrator.forward(leak, current, (i,), of_synapse)
        (v,) = self.membrane().forward(p, tape["synaptic"], (v,), tape, smooth)
        return v, i

    def backward(self, p, grads, tape, state, carry, delta, workspace):
        """Carry the gradient back through time; see `LIF.backward`."""
        v, i = state
        d, j = (None, None) if carry is None else ((part,) for part in carry)
        gradients, (d,) = self.membrane().backward(
            p, grads, tape, (v,), d, delta, workspace
        )
        integrator, leak, of_synapse = self.synapse(p, tape)
        of_leak, (j,) = integrator.backward(
            leak, (None, delta), of_synapse, (i,), j, delta, workspace
        )
        if of_leak:
            gradients["alpha_syn"] = of_leak["alpha"]
        return gradients, (d, j)

    def response(self, p, n_steps):
        """Return the membranes after so many steps of a constant current of 1.

        See `LIF.response`.
        """
        steps = np.arange(n_steps)

        def charged(alpha, alpha_syn):
            synaptic = 1 - alpha_syn ** (steps + 1)
            return ((1 - alpha) * alpha ** steps[::-1] * synaptic).sum(axis=1)

        return neuron_by_neuron(charged, n_steps, p["alpha"], p["alpha_syn"])

    def unreset(self, p):
        """Return a neuron, and its constants, that integrates and is never reset."""
        return self._replace(reset="none"), p

    @staticmethod
    def gradient_factors(p):
        """Return what the sums over the steps are multiplied with, by constant."""
        of_synapse = LeakyIntegrator.gradient_factors({"alpha": p["alpha_syn"]})
        return LIF.gradient_factors(p) | {"alpha_syn": of_synapse["alpha"]}

    @staticmethod
    def limits(name, value):
        """Return the range that a constant may learn in; see `LIF.limits`."""
        return LIF.limits(name.removesuffix("_syn"), value)

    @staticmethod
    def unit(name, value):
        """Return the unit that a constant learns in; see `LIF.unit`."""
        return LIF.unit(name.removesuffix("_syn"), value)
