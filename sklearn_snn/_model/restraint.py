"""What holds hidden spikes back while a network learns: dropout, and bounds on rates.

With dropout, hidden neurons are left out of a sample at random, each for all of its
steps: nothing above receives their spikes, nor do the neurons of their own layer
(Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting",
JMLR 15, 2014). They fire all the same, and learn nothing from the loss.

Bounds on firing rates are a penalty, of each sample and hidden layer, where ``r`` is
the share of its neurons and steps at which there is a spike::

    strength / 2 * (max(0, r - high)**2 + max(0, low - r)**2)

Its gradient is the same by each of the layer's spikes, silent neurons included: it
reaches those that no other gradient does.
"""

from typing import NamedTuple

import numpy as np


class Restraint(NamedTuple):
    """What holds the hidden spikes of a batch back.

    Attributes
    ----------
    kept : list of ndarrays of bool of shape (n_samples, n_units), or None
        Per hidden layer, which neurons the layers above hear; None for all.
    bounds : ndarray of shape (n_hidden_layers, 2) or None
        The lowest and the highest rate; None for no penalty.
    strength : float
        Of the penalty.
    """

    kept: list | None = None
    bounds: np.ndarray | None = None
    strength: float = 0.0

    def take(self, rows):
        """Return that of some samples."""
        if self.kept is None:
            return self
        return self._replace(kept=[kept[rows] for kept in self.kept])

    def heard(self, index):
        """Return which neurons of a layer are heard; None for all."""
        is_hidden = self.kept is not None and index < len(self.kept)
        return self.kept[index] if is_hidden else None

    def sent(self, index, spikes, workspace):
        """Return the spikes of a hidden layer that the layer above receives.

        Parameters
        ----------
        index : int
            Of the layer.
        spikes : ndarray of shape (n_steps, n_samples, n_units)
        workspace : Workspace

        Returns
        -------
        sent : ndarray of the same shape
        """
        if self.kept is None:
            return spikes
        sent = workspace.array(("sent", index), spikes.shape, spikes.dtype)
        return np.multiply(spikes, self.kept[index], out=sent)

    def penalties(self, spikes, loss_weights, lengths=None):
        """Return the penalty of the rates, and its gradients by a spike.

        Parameters
        ----------
        spikes : list of ndarrays of shape (n_steps, n_samples, n_units)
            Of the hidden layers.
        loss_weights : ndarray of shape (n_samples,)
        lengths : ndarray of int of shape (n_samples,), default=None
            Number of steps of each sample; None if all have as many.

        Returns
        -------
        penalty : float
            Sum over layers and samples, times the weights of the latter.
        gradients : list of ndarrays of float64 of shape (n_samples,)
            Per hidden layer; empty if there are no bounds.
        """
        total, gradients = 0.0, []
        if self.bounds is None:
            return total, gradients
        for (low, high), s in zip(self.bounds, spikes, strict=True):
            size = (s.shape[0] if lengths is None else lengths) * s.shape[2]
            rates = s.sum(axis=(0, 2), dtype=np.float64) / size
            excess = np.maximum(rates - high, 0) - np.maximum(low - rates, 0)
            weighted = self.strength * loss_weights.astype(np.float64) * excess
            total += float((weighted * excess).sum() / 2)
            gradients.append(weighted / size)
        return total, gradients


NO_RESTRAINT = Restraint()
