"""The leaky integrate-and-fire neuron over time: one forward and one backward scan.

With input current ``I_t``, per step ``t = 1..T`` and in this order::

    u_t = alpha * v_{t-1} + I_t              membrane before the spike test, v_0 = 0
    s_t = 1 if u_t > threshold else 0        strict
    v_t = u_t * (1 - s_t)                    reset="zero": acts at once
          u_t - threshold * s_t              reset="subtract"
          u_t                                reset="none"

Backward, with ``g_t = dL/ds_t`` from above, ``delta_t = dL/du_t`` and the surrogate
derivative ``e_t = S'(u_t - threshold)`` in place of ``ds_t/du_t``::

    delta_t = g_t * e_t + alpha * kappa_t * delta_{t+1},    kappa_t = dv_t/du_t

``kappa_t`` is what a reset leaves of a change of the membrane. Differentiated through
the reset, and with ``detach_reset`` (``s_t`` in the reset taken as a constant):

========== ========================== ===================
reset      kappa_t                    kappa_t, detached
========== ========================== ===================
zero       1 - s_t - u_t * e_t        1 - s_t
subtract   1 - threshold * e_t        1
none       1                          1
========== ========================== ===================

All arrays here are time-major, ``(n_steps, n_samples, n_units)``: a step is contiguous.
"""

from typing import NamedTuple

import numpy as np

from sklearn_snn._surrogates import SURROGATES


class LIF(NamedTuple):
    """Parameters of a layer of leaky integrate-and-fire neurons.

    Attributes
    ----------
    alpha : float
        Leak: share of the membrane that is left after one step, in [0, 1].
    threshold : float
        Firing threshold, positive.
    beta : float
        Steepness of the surrogate, positive.
    surrogate : str
        Key of `SURROGATES`.
    reset : str
        Key of `RESETS`.
    detach_reset : bool
        Whether the backward pass ignores that the reset depends on the spike.
    """

    alpha: float = 0.95
    threshold: float = 0.6
    beta: float = 5.0
    surrogate: str = "sigmoid"
    reset: str = "zero"
    detach_reset: bool = False


class Reset(NamedTuple):
    """A reset rule and its derivatives; all three write to their last argument.

    ``apply(u, s, threshold, out)`` gives v, ``by_membrane(s, out)`` dv/du at constant
    ``s``, and ``by_spike(u, threshold, out)`` dv/ds. kappa is the total derivative
    ``by_membrane + by_spike * e``.
    """

    apply: callable
    by_membrane: callable
    by_spike: callable


def _reset_to_zero(u, s, threshold, out):
    np.multiply(u, s, out=out)
    np.subtract(u, out, out=out)
    if not np.isfinite(out).all():
        # An infinite membrane: neither inf - inf * 1 nor inf - inf * 0 is a number.
        np.copyto(out, u, where=s == 0)
        np.copyto(out, 0, where=s == 1)


def _reset_by_subtraction(u, s, threshold, out):
    np.multiply(s, threshold, out=out)
    np.subtract(u, out, out=out)


def _no_reset(u, s, threshold, out):
    out[...] = u


def _fill(value):
    def write(*args):
        args[-1][...] = value

    return write


RESETS = {
    "zero": Reset(
        _reset_to_zero,
        lambda s, out: np.subtract(1, s, out=out),
        lambda u, threshold, out: np.negative(u, out=out),
    ),
    "subtract": Reset(
        _reset_by_subtraction,
        _fill(1),
        lambda u, threshold, out: np.copyto(out, -threshold),
    ),
    "none": Reset(_no_reset, _fill(1), _fill(0)),
}


# Longest memory, in steps, through which the gradient of a reset still helps.
MAX_RESET_MEMORY = 20


@np.errstate(over="ignore")
def is_reset_stable(neuron):
    """Tell whether the gradient through the reset leads to the goal.

    At the threshold, where the surrogate peaks, ``alpha * |kappa|`` is how much a
    spike's reset multiplies ``delta`` by. Above 1, ``delta`` grows with every spike on
    the way back. Below, what has come through many resets is still mostly noise: with a
    memory of more than `MAX_RESET_MEMORY` steps, ``1 / (1 - alpha)``, training does
    better without it.

    Parameters
    ----------
    neuron : LIF

    Returns
    -------
    stable : bool
    """
    reset, at_threshold = RESETS[neuron.reset], np.full(1, float(neuron.threshold))
    peak, kappa, by_spike = np.zeros((3, 1))
    SURROGATES[neuron.surrogate].derivative(peak, neuron.beta)
    reset.by_membrane(np.ones(1), kappa)
    reset.by_spike(at_threshold, neuron.threshold, by_spike)
    kappa += by_spike * peak
    has_short_memory = (1 - neuron.alpha) * MAX_RESET_MEMORY > 1 - 1e-9
    return bool(has_short_memory and abs(neuron.alpha * kappa[0]) <= 1)


def lif_forward(current, neuron, membrane, spikes, smooth=False):
    """Integrate the current and fire.

    Parameters
    ----------
    current : ndarray of shape (n_steps, n_samples, n_units)
        Input current; may be the same memory as `membrane`.
    neuron : LIF
    membrane : ndarray of shape (n_steps, n_samples, n_units)
        Overwritten with ``u_t``, the membrane before the spike test.
    spikes : ndarray of shape (n_steps, n_samples, n_units)
        Overwritten with ``s_t``, 0 or 1.
    smooth : bool, default=False
        Fire ``S(u - threshold)``, the surrogate's smooth step, instead of a spike. The
        backward scan is then the exact gradient; a test instrument.
    """
    threshold = neuron.threshold
    reset = RESETS[neuron.reset].apply
    primitive = SURROGATES[neuron.surrogate].primitive
    v = np.zeros(current.shape[1:], dtype=current.dtype)
    for current_t, u, s in zip(current, membrane, spikes, strict=True):
        np.multiply(v, neuron.alpha, out=v)
        np.add(current_t, v, out=u)
        if smooth:
            s[...] = primitive(u - threshold, neuron.beta)
        else:
            np.greater(u, threshold, out=s)
        reset(u, s, threshold, out=v)


def lif_backward(grad_spikes, membrane, spikes, neuron, delta, workspace):
    """Carry the gradient back through time.

    Parameters
    ----------
    grad_spikes : ndarray broadcastable to (n_steps, n_samples, n_units)
        ``g_t``, the gradient with respect to the spikes.
    membrane, spikes : ndarrays of shape (n_steps, n_samples, n_units)
        As `lif_forward` left them.
    neuron : LIF
    delta : ndarray of shape (n_steps, n_samples, n_units)
        Overwritten with ``delta_t``, the gradient with respect to the current; may be
        the same memory as `grad_spikes`.
    workspace : Workspace
    """
    reset = RESETS[neuron.reset]
    shape, dtype = membrane.shape, membrane.dtype
    e = workspace.array("surrogate derivative", shape, dtype)
    np.subtract(membrane, neuron.threshold, out=e)
    SURROGATES[neuron.surrogate].derivative(e, neuron.beta)

    kappa = workspace.array("kappa", shape, dtype)
    reset.by_membrane(spikes, kappa)
    if not neuron.detach_reset:
        by_spike = workspace.array("reset by spike", shape, dtype)
        reset.by_spike(membrane, neuron.threshold, by_spike)
        np.multiply(by_spike, e, out=by_spike)
        np.add(kappa, by_spike, out=kappa)
    carry = np.multiply(kappa, neuron.alpha, out=kappa)
    np.multiply(grad_spikes, e, out=delta)

    # A decaying delta drifts into subnormal numbers, which make the matrix products
    # that follow up to ten times slower. Adding and subtracting sqrt(tiny) flushes
    # everything below sqrt(tiny) * eps / 2 (1e-26 in float32) to zero.
    flush = np.sqrt(np.finfo(dtype).tiny)
    for t in reversed(range(len(delta) - 1)):
        np.multiply(carry[t], delta[t + 1], out=carry[t])
        np.add(delta[t], carry[t], out=delta[t])
        np.add(delta[t], flush, out=delta[t])
        np.subtract(delta[t], flush, out=delta[t])
