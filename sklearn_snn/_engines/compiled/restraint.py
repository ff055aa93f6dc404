"""Compiled restraint of hidden spikes; the formulas are those of `_model.restraint`."""

from typing import NamedTuple

import numpy as np

from sklearn_snn._engines.compiled.layers import spikes_of
from sklearn_snn._engines.compiled.options import compiled, compiled_apart
from sklearn_snn._engines.compiled.views import copy_columns, segment


class Bounds(NamedTuple):
    """Bounds on the firing rates of hidden layers.

    Attributes
    ----------
    limits : ndarray of shape (n_hidden_layers or 0, 2)
        The lowest and the highest rate; no penalty, if there are no layers.
    strength : float
        Of the penalty.
    pushes : ndarray of float64 of shape (n_samples or 0, n_hidden_layers)
        The gradient of the penalty by a spike, where it is known.
    """

    limits: np.ndarray
    strength: float
    pushes: np.ndarray


@compiled
def copy_heard(heard, layers, tape, n_steps, layer, n_spikes, sent):
    """Copy those spikes of a hidden layer that the layer above receives.

    ``heard`` says which of its neurons are, laid out as the biases are. What is not
    heard is added to ``n_spikes`` here, as nothing above counts it.
    """
    s = spikes_of(tape, layers, layer, n_steps)
    n_below = 0
    copy_columns(s, sent)
    for below in range(layer):
        n_below += layers.sizes[below + 1]
    for k in range(layers.sizes[layer + 1]):
        if not heard[layers.firsts[layer] + k]:
            for t in range(n_steps):
                n_spikes[n_below + k] += s[t, k]
                sent[t, k] = 0


@compiled
def rate_penalty(bounds, i, layers, tape, n_steps, loss_weight):
    """Return the penalty of sample ``i``, and set the pushes of the tape.

    These are its gradients, by layer, those by a spike. Where they are known, the
    penalty is, too.
    """
    penalty = 0.0
    if len(bounds.pushes) > 0:
        for layer in range(len(bounds.limits)):
            tape.record.pushes[tape.row + layer] = bounds.pushes[i, layer]
        return penalty
    for layer in range(len(bounds.limits)):
        s, n_units = spikes_of(tape, layers, layer, n_steps), layers.sizes[layer + 1]
        n = 0
        for t in range(n_steps):
            for k in range(n_units):
                n += s[t, k]
        rate = n / (n_steps * n_units)
        low, high = bounds.limits[layer]
        excess = max(rate - high, 0.0) - max(low - rate, 0.0)
        weighted = bounds.strength * np.float64(loss_weight) * excess
        penalty += weighted * excess / 2
        tape.record.pushes[tape.row + layer] = weighted / (n_steps * n_units)
    return penalty


@compiled
def restrain_gradient(heard, first, push, n_units, g):
    """Change the gradient by the spikes of a step of a hidden layer.

    None of it reaches a neuron that is not heard, but that of the penalty. All are, if
    ``heard`` is empty.

    Fast because it has no branch: which neurons are heard no processor can guess.
    """
    if len(heard) > 0:
        _silence(segment(heard, first, len(g)), g)
    if push != 0:
        for h in range(n_units):
            g[h] += g.dtype.type(push)


@compiled_apart
def _silence(heard, g):
    """Set to 0 what is not heard; with the padding, so that vectors are whole."""
    zero = g.dtype.type(0)
    for h in range(len(g)):
        g[h] = g[h] if heard[h] else zero
