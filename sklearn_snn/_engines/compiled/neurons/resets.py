"""Compiled resets; the rules are those of `_model.neurons.resets`."""

import numpy as np

from sklearn_snn._engines.compiled.options import compiled

RESET_CODES = {"zero": 0, "subtract": 1, "none": 2}


@compiled
def after_reset(reset, u, s, threshold):
    """Return what a reset makes of a membrane."""
    v = u
    if s != np.uint8(0):
        if reset == 0:
            v = u - u if np.isfinite(u) else threshold - threshold
        elif reset == 1:
            v = u - threshold
    return v


@compiled
def reset_by_membrane(reset, s):
    """Return dv/du at a constant spike."""
    one = s - s + 1
    return one - s if reset == 0 else one


@compiled
def reset_by_spike(reset, u, threshold):
    """Return dv/ds."""
    if reset == 0:
        return -u
    if reset == 1:
        return -threshold
    return threshold - threshold  # zero, also where the membrane is infinite


@compiled
def reset_by_threshold(reset, s):
    """Return dv/dthreshold at a constant spike."""
    return -s if reset == 1 else s - s


@compiled
def kappa_of(reset, detach_reset, u, s, e, threshold):
    """Return what a reset leaves of a change of the membrane."""
    kappa = reset_by_membrane(reset, s)
    if not detach_reset:  # zero times an infinite membrane is not zero
        kappa += reset_by_spike(reset, u, threshold) * e
    return kappa
