"""The leaky integrate-and-fire neuron over time: one forward and one backward scan.

With input current ``I_t``, per step ``t = 1..T`` and in this order::

    u_t = alpha * v_{t-1} + gain * I_t       membrane before the spike test, v_0 = 0
    s_t = 1 if u_t > threshold else 0        strict
    v_t = u_t * (1 - s_t)                    reset="zero": acts at once
          u_t - threshold * s_t              reset="subtract"
          u_t                                reset="none"

The gain is 1; or, where neurons differ in their leak or learn it, ``1 - alpha``: else a
longer memory would also be a louder input.

Backward, with ``g_t = dL/ds_t`` and ``m_t = dL/du_t`` from above, ``delta_t`` the total
``dL/du_t`` and the surrogate derivative ``e_t = S'(u_t - threshold)`` in place of
``ds_t/du_t``; see `resets` for ``kappa_t = dv_t/du_t``::

    delta_t = g_t * e_t + m_t + alpha * kappa_t * delta_{t+1}

    dI_t = gain * delta_t
    dalpha     = sum_t delta_t * (v_{t-1} - I_t)                  if gain = 1 - alpha
    dthreshold = sum_t alpha * delta_{t+1} * dv_t/dthreshold - g_t * e_t

All arrays here are time-major, ``(n_steps, n_samples, n_units)``: a step is contiguous.
"""

from typing import NamedTuple

import numpy as np

from sklearn_snn._model.neurons.constants import (
    by_dtype,
    flush_of,
    leak_of,
    mean_of,
    neuron_by_neuron,
    spread,
)
from sklearn_snn._model.neurons.resets import RESETS, reset_derivatives
from sklearn_snn._model.surrogates import SURROGATES


class LIF(NamedTuple):
    """What a layer of leaky integrate-and-fire neurons is, but for its numbers.

    The numbers, one per neuron, are ``alpha``, the leak, the share of the membrane that
    is left after one step; and ``threshold``.

    Attributes
    ----------
    beta : float
        Steepness of the surrogate, positive.
    surrogate : str
        Key of `SURROGATES`.
    reset : str
        Key of `RESETS`.
    detach_reset : bool
        Whether the backward pass ignores that the reset depends on the spike.
    has_unit_gain : bool
        Whether the current is added as it is; else it is multiplied by ``1 - alpha``.
    learned : tuple of str
        The constants that learn.
    """

    beta: float = 5.0
    surrogate: str = "sigmoid"
    reset: str = "zero"
    detach_reset: bool = False
    has_unit_gain: bool = True
    learned: tuple = ()

    constants = "alpha", "threshold"
    leaks = ("alpha",)
    tape = "membrane", "spikes"
    n_states = 1
    fires = True
    must_leak = False
    sums_inputs = True

    @classmethod
    def of(cls, settings, learned):
        """Return the neuron that plain values describe; some constants may learn."""
        return cls(
            beta=settings["beta"],
            surrogate=settings["surrogate"],
            reset=settings["reset"],
            detach_reset=settings["detach_reset"],
            has_unit_gain=np.ndim(settings["alpha"]) == 0 and "alpha" not in learned,
            learned=learned,
        )

    @staticmethod
    def initial(settings, n_units):
        """Return the constants before they learn, a dict of arrays of float64."""
        return {
            "alpha": spread(settings["alpha"], n_units, over_time=True),
            "threshold": spread(settings["threshold"], n_units),
        }

    def forward(self, p, current, state, tape, smooth=False):
        """Integrate the current and fire.

        Parameters
        ----------
        p : dict of ndarrays of shape (n_units,)
            The constants.
        current : ndarray of shape (n_steps, n_samples, n_units)
            Input current; may be the same memory as the membranes on the tape.
        state : tuple of ndarrays of shape (n_samples, n_units)
            ``(v,)`` after the step before the first one.
        tape : dict of ndarrays of shape (n_steps, n_samples, n_units)
            ``"membrane"`` is overwritten with ``u_t``, before the spike test, and
            ``"spikes"`` with ``s_t``, 0 or 1.
        smooth : bool, default=False
            Fire ``S(u - threshold)``, the surrogate's smooth step, instead of a spike.
            The backward scan is then the exact gradient; a test instrument.

        Returns
        -------
        state : tuple of ndarrays
            After the last step; the one given is not changed.
        """
        alpha, threshold = by_dtype(p, self.constants, current.dtype)
        gain = (1 - p["alpha"]).astype(current.dtype)
        reset = RESETS[self.reset].apply
        primitive = SURROGATES[self.surrogate].primitive
        v = state[0].copy()
        steps = zip(current, tape["membrane"], tape["spikes"], strict=True)
        for current_t, u, s in steps:
            np.multiply(v, alpha, out=v)
            if self.has_unit_gain:
                np.add(current_t, v, out=u)
            else:
                np.multiply(current_t, gain, out=u)
                np.add(u, v, out=u)
            if smooth:
                s[...] = primitive(u - threshold, self.beta)
            else:
                np.greater(u, threshold, out=s)
            reset(u, s, threshold, out=v)
        return (v,)

    def backward(self, p, grads, tape, state, carry, delta, workspace):
        """Carry the gradient back through time.

        Parameters
        ----------
        p : dict of ndarrays of shape (n_units,)
        grads : tuple of two ndarrays broadcastable to (n_steps, n_samples, n_units)
            ``g_t`` and ``m_t``, the gradients with respect to spikes and membranes;
            None for one that is zero.
        tape, state : as `forward` got and left them
        carry : tuple or None
            What this method returned for the steps that follow; None if none follow.
        delta : ndarray of shape (n_steps, n_samples, n_units)
            Overwritten with the gradient with respect to the current; may be the same
            memory as ``g_t``.
        workspace : Workspace

        Returns
        -------
        gradients : dict of ndarrays of float64 of shape (n_units,)
            Of the constants in `learned`.
        carry : tuple
            For the steps before.
        """
        u, s = tape["membrane"], tape["spikes"]
        learns_threshold = "threshold" in self.learned
        alpha, threshold = by_dtype(p, self.constants, u.dtype)
        e, kappa, by_threshold = reset_derivatives(
            self, threshold, u, s, workspace, learns_threshold
        )
        factor = np.multiply(kappa, alpha, out=kappa)
        from_spikes, from_membranes = grads
        if from_spikes is None:
            delta[...] = 0
        else:
            np.multiply(from_spikes, e, out=delta)
        gradients = {}
        if learns_threshold:
            gradients["threshold"] = -delta.sum(axis=(0, 1), dtype=np.float64)
        if from_membranes is not None:
            np.add(delta, from_membranes, out=delta)
        flush = flush_of(u.dtype)
        following = carry
        for t in reversed(range(len(delta))):
            if following is not None:
                np.multiply(factor[t], following[0], out=factor[t])
                np.add(delta[t], factor[t], out=delta[t])
                np.add(delta[t], flush, out=delta[t])
                np.subtract(delta[t], flush, out=delta[t])
            following = (delta[t],)
        first = delta[0].copy()
        if learns_threshold:
            after = [] if carry is None else [carry[0]]
            later = np.concatenate([delta[1:], *(d[np.newaxis] for d in after)])
            through = later * by_threshold[: len(later)] * alpha
            gradients["threshold"] += through.sum(axis=(0, 1), dtype=np.float64)
        if "alpha" in self.learned:
            gradients["alpha"] = self._alpha_gradient(p, u, s, state, delta, workspace)
        if not self.has_unit_gain:
            np.multiply(delta, (1 - p["alpha"]).astype(u.dtype), out=delta)
        return gradients, (first,)

    def _alpha_gradient(self, p, u, s, state, delta, workspace):
        """Return the gradient of the leak."""
        before = workspace.array("membrane before", u.shape, u.dtype)
        before[0] = state[0]
        (threshold,) = by_dtype(p, ("threshold",), u.dtype)
        RESETS[self.reset].apply(u[:-1], s[:-1], threshold, before[1:])
        np.subtract(before, u, out=before)
        np.multiply(before, delta, out=before)
        total = before.sum(axis=(0, 1), dtype=np.float64)
        return total * self.gradient_factors(p)["alpha"]

    def response(self, p, n_steps):
        """Return the membranes after so many steps of a constant current of 1.

        It is the highest that the current charges them to. Without spikes or reset; of
        shape (n_units,).
        """
        steps = np.arange(n_steps)

        def charged(alpha):
            return (alpha**steps).sum(axis=1)

        charge = neuron_by_neuron(charged, n_steps, p["alpha"])
        return charge if self.has_unit_gain else charge * (1 - p["alpha"])

    def unreset(self, p):
        """Return a neuron, and its constants, that integrates and is never reset."""
        return self._replace(reset="none"), p

    @staticmethod
    def gradient_factors(p):
        """Return what the sums over the steps are multiplied with, by constant.

        ``v - I = (v - u) / (1 - alpha)``, which needs no current to be kept.
        """
        return {"alpha": 1 / (1 - p["alpha"]), "threshold": 1.0}

    @staticmethod
    def limits(name, value):
        """Return the range that a constant may learn in, from its first values.

        Parameters
        ----------
        name : str
        value : ndarray of shape (n_units,)

        Returns
        -------
        low, high : float
        """
        if name == "alpha":
            # A memory of at most 1,000 steps, or the longest there is at first.
            return 0.0, max(leak_of(1000), float(value.max()))
        return float(value.min()) / 10, float(value.max()) * 10

    @staticmethod
    def unit(name, value):
        """Return the unit that a constant learns in: what is a change worth noting."""
        if name == "alpha":
            return float(1 - value.mean()) or 1e-3
        return mean_of(value)
