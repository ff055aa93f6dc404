"""What a spike does to the membrane, in the same step, and the derivatives of that.

========== ==================== ===== ============ ===================
reset      v                    dv/du dv/ds        dv/dthreshold
========== ==================== ===== ============ ===================
zero       u (1 - s)            1 - s -u           0
subtract   u - threshold * s    1     -threshold   -s
none       u                    1     0            0
========== ==================== ===== ============ ===================

All of these are partial: at constant ``s``, or ``u``. What a reset leaves of a change
of the membrane is the total derivative ``kappa = dv/du + dv/ds * e``, with the
surrogate derivative ``e`` in place of ``ds/du``; with `detach_reset`, which takes the
spike in the reset as a constant, it is ``dv/du`` alone.
"""

from typing import NamedTuple

import numpy as np

from sklearn_snn._model.surrogates import SURROGATES


class Reset(NamedTuple):
    """A reset rule and its derivatives; those with an ``out`` write to it.

    ``apply(u, s, threshold, out)`` gives v, ``by_membrane(s, out)`` dv/du at constant
    ``s``, ``by_threshold(s, out)`` dv/dthreshold at constant ``s``, and
    ``taken(u, threshold)`` returns -dv/ds, what a spike takes away; it may be ``u``
    itself, and is not to be written to.
    """

    apply: callable
    by_membrane: callable
    by_threshold: callable
    taken: callable


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
        _fill(0),
        lambda u, threshold: u,
    ),
    "subtract": Reset(
        _reset_by_subtraction,
        _fill(1),
        lambda s, out: np.negative(s, out=out),
        lambda u, threshold: threshold,
    ),
    "none": Reset(_no_reset, _fill(1), _fill(0), lambda u, threshold: 0),
}


class ResetDerivatives(NamedTuple):
    """Derivatives over all steps; arrays of the shape of the membranes.

    Attributes
    ----------
    surrogate : ndarray
        ``e_t``.
    kappa : ndarray
        ``dv_t/du_t``.
    by_threshold : ndarray or None
        ``dv_t/dthreshold``, in total; None if it was not asked for.
    """

    surrogate: np.ndarray
    kappa: np.ndarray
    by_threshold: np.ndarray | None


def reset_derivatives(neuron, threshold, membrane, spikes, workspace, by_threshold):
    """Differentiate the spikes and the resets of a layer, at all steps at once.

    Parameters
    ----------
    neuron : neuron
        With ``beta``, ``surrogate``, ``reset`` and ``detach_reset``.
    threshold : ndarray of shape (n_units,)
    membrane, spikes : ndarrays of shape (n_steps, n_samples, n_units)
    workspace : Workspace
        Holds the arrays that are returned.
    by_threshold : bool
        Whether that derivative is needed.

    Returns
    -------
    derivatives : ResetDerivatives
    """
    reset, shape, dtype = RESETS[neuron.reset], membrane.shape, membrane.dtype
    e = workspace.array("surrogate derivative", shape, dtype)
    np.subtract(membrane, threshold, out=e)
    SURROGATES[neuron.surrogate].derivative(e, neuron.beta)
    kappa = workspace.array("kappa", shape, dtype)
    reset.by_membrane(spikes, kappa)
    through = None
    if by_threshold:
        through = workspace.array("reset by threshold", shape, dtype)
        reset.by_threshold(spikes, through)
    if not neuron.detach_reset:
        taken = workspace.array("taken by spikes", shape, dtype)
        np.multiply(reset.taken(membrane, threshold), e, out=taken)
        np.subtract(kappa, taken, out=kappa)
        if by_threshold:
            # The spike hangs on u - threshold: it sees the threshold with a minus.
            np.add(through, taken, out=through)
    return ResetDerivatives(e, kappa, through)


# Longest memory, in steps, through which the gradient of a reset still helps.
MAX_RESET_MEMORY = 20


@np.errstate(over="ignore")
def is_reset_stable(alpha, threshold, beta, surrogate, reset, recurrent=False):
    """Tell whether the gradient through the reset leads to the goal.

    At the threshold, where the surrogate peaks, ``alpha * |kappa|`` is how much a
    spike's reset multiplies ``delta`` by. Above 1, ``delta`` grows with every spike on
    the way back. Below, what has come through many resets is still mostly noise: with a
    memory of more than `MAX_RESET_MEMORY` steps, ``1 / (1 - alpha)``, training does
    better without it. But where neurons hear each other, the reset is what damps the
    gradient that comes back through their spikes: without it this grows from step to
    step, the more so the longer the memory.

    Parameters
    ----------
    alpha, threshold, beta : float
    surrogate : str
        Key of `SURROGATES`.
    reset : str
        Key of `RESETS`.
    recurrent : bool, default=False
        Whether neurons hear each other.

    Returns
    -------
    stable : bool
    """
    rule, at_threshold = RESETS[reset], np.full(1, float(threshold))
    peak, kappa = np.zeros((2, 1))
    SURROGATES[surrogate].derivative(peak, beta)
    rule.by_membrane(np.ones(1), kappa)
    kappa -= rule.taken(at_threshold, threshold) * peak
    is_noise = (1 - alpha) * MAX_RESET_MEMORY <= 1 - 1e-9 and not recurrent
    return bool(not is_noise and abs(alpha * kappa[0]) <= 1)
