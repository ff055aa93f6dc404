"""The adaptive leaky integrate-and-fire neuron over time, forward and backward.

A second state ``w``, the adaptation, follows membrane and spikes slowly and is taken
off the current: a neuron that was active gets quieter, and one can oscillate. Per step,
with input current ``I_t`` and in this order::

    u_t = alpha v_{t-1} + (1 - alpha) (I_t - w_{t-1})
    s_t = 1 if u_t > threshold else 0
    v_t = what the reset makes of u_t and s_t, as in `lif`
    w_t = rho w_{t-1} + (1 - rho) q (a v_t + b s_t)

with the new ``v_t`` and ``s_t`` (symplectic Euler): with the old ones it would be
unstable at ``q = 120``. After Baronig, Ferrand, Sabathiel & Legenstein, "Advancing
spatio-temporal processing in spiking neural networks through adaptation", 2024.

Backward, with ``g_t = dL/ds_t`` and ``m_t = dL/du_t`` from above, ``om = dL/dw`` and
``d = dL/du``::

    om_t = rho om_{t+1} - (1 - alpha) d_{t+1}
    nu_t = alpha d_{t+1} + (1 - rho) q a om_t
    h_t  = g_t + (1 - rho) q b om_t
    d_t  = h_t e_t + m_t + nu_t kappa_t

    dI_t = (1 - alpha) d_t
    dalpha     = sum_t d_t (v_{t-1} - u_t) / (1 - alpha)
    drho       = sum_t om_t (w_{t-1} - w_t) / (1 - rho)
    da         = sum_t (1 - rho) q v_t om_t
    db         = sum_t (1 - rho) q s_t om_t
    dthreshold = sum_t nu_t dv_t/dthreshold - h_t e_t
"""

from typing import NamedTuple

import numpy as np

from sklearn_snn._model.neurons.constants import (
    by_dtype,
    flush_of,
    leak_of,
    mean_of,
    spread,
)
from sklearn_snn._model.neurons.resets import RESETS, reset_derivatives
from sklearn_snn._model.surrogates import SURROGATES

# Time constants, in steps, that membrane and adaptation may have, and their strengths.
ALPHA_RANGE = leak_of(5), leak_of(25)
RHO_RANGE = leak_of(60), leak_of(300)
A_RANGE, B_RANGE = (0.0, 1.0), (0.0, 2.0)
_RANGES = {"alpha": ALPHA_RANGE, "rho": RHO_RANGE, "a": A_RANGE, "b": B_RANGE}

# Steps of a constant current that are kept at once.
_PIECE = 100


class AdLIF(NamedTuple):
    """What a layer of adaptive neurons is, but for its numbers.

    The numbers, one per neuron, are the leaks ``alpha`` of the membrane and ``rho`` of
    the adaptation, ``threshold``, and how strongly the membrane (``a``) and a spike
    (``b``) drive the adaptation.

    Attributes
    ----------
    q : float
        Scale of both.
    beta, surrogate, reset, detach_reset, learned
        As those of `LIF`.
    """

    q: float = 120.0
    beta: float = 5.0
    surrogate: str = "sigmoid"
    reset: str = "zero"
    detach_reset: bool = False
    learned: tuple = ()

    constants = "alpha", "threshold", "rho", "a", "b"
    leaks = "alpha", "rho"
    tape = "membrane", "spikes", "adaptation"
    n_states = 2
    fires = True
    must_leak = True
    sums_inputs = False

    @classmethod
    def of(cls, settings, learned):
        """Return the neuron that plain values describe; some constants may learn."""
        names = "q", "beta", "surrogate", "reset", "detach_reset"
        return cls(**{name: settings[name] for name in names}, learned=learned)

    @classmethod
    def initial(cls, settings, n_units):
        """Return the constants before they learn, a dict of arrays of float64."""
        return {
            name: spread(settings[name], n_units, over_time=name in ("alpha", "rho"))
            for name in cls.constants
        }

    def drives(self, p):
        """Return what a membrane of 1, and a spike, add to the adaptation."""
        scale = (1 - p["rho"]) * self.q
        return scale * p["a"], scale * p["b"]

    def forward(self, p, current, state, tape, smooth=False):
        """Integrate the current, fire and adapt; see `LIF.forward`."""
        dtype = current.dtype
        alpha, threshold, rho = by_dtype(p, ("alpha", "threshold", "rho"), dtype)
        gain = (1 - p["alpha"]).astype(dtype)
        by_membrane, by_spike = (d.astype(dtype) for d in self.drives(p))
        reset = RESETS[self.reset].apply
        primitive = SURROGATES[self.surrogate].primitive
        v, w = (array.copy() for array in state)
        drive, from_spikes = np.empty_like(v), np.empty_like(v)
        steps = zip(current, *(tape[name] for name in self.tape), strict=True)
        for current_t, u, s, adaptation in steps:
            np.multiply(v, alpha, out=v)
            np.subtract(current_t, w, out=u)
            np.multiply(u, gain, out=u)
            np.add(u, v, out=u)
            if smooth:
                s[...] = primitive(u - threshold, self.beta)
            else:
                np.greater(u, threshold, out=s)
            reset(u, s, threshold, out=v)
            np.multiply(v, by_membrane, out=drive)
            np.multiply(s, by_spike, out=from_spikes)
            np.add(drive, from_spikes, out=drive)
            np.multiply(w, rho, out=w)
            np.add(w, drive, out=w)
            adaptation[...] = w
        return v, w

    def backward(self, p, grads, tape, state, carry, delta, workspace):
        """Carry the gradient back through time; see `LIF.backward`."""
        u, s = tape["membrane"], tape["spikes"]
        dtype, flush = u.dtype, flush_of(u.dtype)
        alpha, threshold, rho = by_dtype(p, ("alpha", "threshold", "rho"), dtype)
        gain = (1 - p["alpha"]).astype(dtype)
        by_membrane, by_spike = (d.astype(dtype) for d in self.drives(p))
        e, kappa, by_threshold = reset_derivatives(
            self, threshold, u, s, workspace, "threshold" in self.learned
        )
        g, m = (None if x is None else np.broadcast_to(x, u.shape) for x in grads)
        zeros = np.zeros(u.shape[1:], dtype)
        d, om = (zeros, zeros) if carry is None else carry
        names = ("d", "om", "nu", "h") if self.learned else ()
        kept = {
            name: workspace.array(("adlif", name), u.shape, dtype) for name in names
        }
        for t in reversed(range(len(u))):
            om = rho * om - gain * d
            om += flush
            om -= flush
            nu = alpha * d + by_membrane * om
            h = by_spike * om
            if g is not None:
                h += g[t]
            d = h * e[t] + nu * kappa[t]
            if m is not None:
                d += m[t]
            d += flush
            d -= flush
            np.multiply(d, gain, out=delta[t])
            for name, value in zip(kept, (d, om, nu, h), strict=False):
                kept[name][t] = value
        gradients = {}
        if self.learned:
            derivatives = e, by_threshold
            gradients = self._constant_gradients(p, tape, state, kept, derivatives)
        return gradients, (d, om)

    def _constant_gradients(self, p, tape, state, kept, derivatives):
        """Return the gradients of the constants that learn, from all steps at once."""
        u, s, adaptation = (tape[name] for name in self.tape)
        d, om, nu, h = kept.values()
        e, by_threshold = derivatives
        (threshold,) = by_dtype(p, ("threshold",), u.dtype)
        v = np.empty_like(u)
        RESETS[self.reset].apply(u, s, threshold, v)
        v_before = np.concatenate([state[0][np.newaxis], v[:-1]])
        w_before = np.concatenate([state[1][np.newaxis], adaptation[:-1]])
        terms = {
            "alpha": lambda: d * (v_before - u),
            "threshold": lambda: nu * by_threshold - h * e,
            "rho": lambda: om * (w_before - adaptation),
            "a": lambda: om * v,
            "b": lambda: om * s,
        }
        factors = self.gradient_factors(p)
        return {
            name: terms[name]().sum(axis=(0, 1), dtype=np.float64) * factors[name]
            for name in self.learned
        }

    def response(self, p, n_steps):
        """Return the highest membranes within so many steps of a constant current of 1.

        Without spikes; of shape (n_units,).
        """
        free, p = self.unreset(p)
        n_units = len(p["alpha"])
        state, highest = tuple(np.zeros((2, 1, n_units))), np.full(n_units, -np.inf)
        for first in range(0, n_steps, _PIECE):
            shape = min(_PIECE, n_steps - first), 1, n_units
            tape = {name: np.empty(shape) for name in self.tape}
            state = free.forward(p, np.ones(shape), state, tape)
            highest = np.maximum(highest, tape["membrane"].max(axis=(0, 1)))
        return highest

    def unreset(self, p):
        """Return a neuron, and its constants, that integrates and never fires."""
        threshold = np.full_like(p["threshold"], np.inf)
        return self._replace(reset="none"), p | {"threshold": threshold}

    def gradient_factors(self, p):
        """Return what the sums over the steps are multiplied with, by constant."""
        scale = (1 - p["rho"]) * self.q
        return {
            "alpha": 1 / (1 - p["alpha"]),
            "threshold": 1.0,
            "rho": 1 / (1 - p["rho"]),
            "a": scale,
            "b": scale,
        }

    @staticmethod
    def limits(name, value):
        """Return the range that a constant may learn in; see `LIF.limits`.

        It is that of the paper, in which the neuron is stable, and what there is at
        first.
        """
        low, high = float(value.min()), float(value.max())
        if name == "threshold":
            return low / 10, high * 10
        return min(low, _RANGES[name][0]), max(high, _RANGES[name][1])

    @staticmethod
    def unit(name, value):
        """Return the unit that a constant learns in."""
        if name == "threshold":
            return mean_of(value)
        low, high = _RANGES[name]
        return high - low
