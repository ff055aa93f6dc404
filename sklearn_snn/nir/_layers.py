"""Layers as NIR has them, and how they scale: from the equations in time to steps.

NIR is continuous in time. A leaky integrate-and-fire neuron of it is ``tau dv/dt =
v_leak - v + r I``, which fires above ``v_threshold``. A step ``dt`` of the Euler method
is, for the membrane above ``v_leak``, ::

    v_t = (1 - dt / tau) v_{t-1} + r dt / tau I_t

So ``alpha = 1 - dt / tau``, and ``r dt / tau`` is the gain of the current, which
belongs to the weights here. Two ways to write it are in use: ``r = 1``, whose gain goes
into the weights, and ``r = tau / dt``, whose gain is 1. A current-based neuron has a
second such equation before, of ``tau_syn`` and with ``w_in`` in the place of ``r``.
"""

from importlib.util import find_spec
from typing import NamedTuple

import numpy as np

# The step that snnTorch always takes, and SpikingJelly by default.
DT = 1e-4
# NIR has no leak of 1 with a finite tau: this one loses 1e-9 of a membrane in a step.
NO_LEAK = 1 - 2.0**-30
# What single precision makes of r = tau / dt, and of times.
_ROUNDING = 1e-6


class NodeLayer(NamedTuple):
    """A layer of a graph: weights, then neurons.

    Attributes
    ----------
    kind : str or None
        Name of the class of the neurons in NIR; None if there are none.
    fields : dict of ndarrays of float64 of shape (n_units,)
        What the neurons have there.
    weight : ndarray of shape (n_inputs, n_units)
        The transpose of what NIR has.
    bias : ndarray of shape (n_units,)
    recurrent : ndarray of shape (n_units, n_units) or None
        Transposed, too.
    recorded : dict of ndarrays
        What a graph of ours says beside: constants of the neurons, and of what the
        weights were rounded by.
    """

    kind: str | None
    fields: dict
    weight: np.ndarray
    bias: np.ndarray
    recurrent: np.ndarray | None
    recorded: dict

    @property
    def n_units(self):
        """Number of neurons."""
        return self.weight.shape[1]


def require_nir(what):
    """Return the library; raise ImportError, which names who needs it, without it."""
    if find_spec("nir") is None:
        raise ImportError(
            f"{what} needs nir, which is not installed: pip install 'sklearn-snn[nir]'"
        )
    import nir

    return nir


def lost(kind, fields, dt, discretization="euler"):
    """Return which share of a membrane a step takes, ``1 - alpha``.

    Parameters
    ----------
    kind : str
    fields : dict of ndarrays
    dt : float
    discretization : {"euler", "exp"}, default="euler"

    Returns
    -------
    share : ndarray of shape (n_units,)
    """
    if kind == "IF":
        return np.zeros_like(fields["r"])
    tau = fields["tau_mem" if kind == "CubaLIF" else "tau"]
    return lost_in(tau, dt, discretization)


def lost_in(tau, dt, discretization="euler"):
    """Return the share that is lost in ``dt``; above 1 if that is more than ``tau``."""
    if discretization == "exp":
        return -np.expm1(-dt / tau)
    share = dt / tau
    return np.where((share > 1) & (share <= 1 + _ROUNDING), 1.0, share)


def weight_scale(layer, dt, discretization, neuron, constants):
    """Return what the weights of a graph are multiplied with in the network.

    Parameters
    ----------
    layer : NodeLayer
        Of which the weights are not looked at.
    dt : float
    discretization : {"euler", "exp"}
    neuron : neuron
        What the network has for it.
    constants : dict of ndarrays of float64
        Of that.

    Returns
    -------
    scale : ndarray of float64 of shape (n_units,)
        1 where it is that up to the rounding of single precision.
    """
    kind, fields = layer.kind, layer.fields
    scale = fields["r"]
    if kind == "CubaLIF":
        scale = scale * fields["w_in"]
    elif kind == "IF":
        scale = scale * dt
    elif neuron.fires:
        scale = scale * lost(kind, fields, dt, discretization)
        if not getattr(neuron, "has_unit_gain", False):
            scale = scale / (1 - constants["alpha"])
    if neuron.fires:
        # Only a membrane in thresholds matters, where spikes reset it to zero.
        scale = scale * (constants["threshold"] / height(fields))
    return np.where(np.abs(scale - 1) <= _ROUNDING, 1.0, scale)


def height(fields):
    """Return the thresholds above what membranes are reset to."""
    return fields["v_threshold"] - fields["v_reset"]


def rescaled(values, scale):
    """Return weights or a bias times a scale per unit, of their own dtype."""
    with np.errstate(over="ignore"):
        return (values * scale).astype(values.dtype)
