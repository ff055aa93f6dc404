"""Losses, weighted sums over the samples, and their gradients by the outputs.

With outputs ``z`` of shape (n_samples, n_outputs), targets ``y`` and weights ``w``,
``1 / n_samples`` for a mean::

    "cross_entropy"   sum_i w_i -log softmax(z_i)[y_i]
                      gradient w_i (p_i - onehot(y_i))
    "logistic"        sum_i w_i sum_k log(1 + exp(z_ik)) - y_ik z_ik
                      gradient w_i (p_i - y_i)
    "squared_error"   sum_i w_i mean_k (z_ik - y_ik)**2 / 2
                      gradient w_i (z_i - y_i) / n_outputs

where ``p`` is the activation of the outputs, the softmax or the logistic function. The
targets of the first are the indices of the classes, of shape (n_samples,), and those of
the others of the shape of the outputs.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import expit, log_expit, log_softmax


class Loss(NamedTuple):
    """A loss.

    Attributes
    ----------
    evaluate : callable
        ``evaluate(outputs, targets, loss_weights)`` returns the loss, a float, and its
        gradient, of the shape of the outputs.
    activate, log_activate, decide : callables or None
        Make probabilities, their logarithms, and logits of outputs of shape (...,
        n_outputs), of two classes a single logit; None where outputs are no matter of
        probability. Functions with a name, so that what holds them can be pickled.
    """

    evaluate: callable
    activate: callable
    log_activate: callable
    decide: callable


def cross_entropy(outputs, y, loss_weights):
    """Return the softmax cross-entropy and its gradient."""
    log_p = log_softmax(outputs, axis=1)
    rows = np.arange(len(y))
    gradient = np.exp(log_p)
    gradient[rows, y] -= 1
    gradient *= loss_weights[:, np.newaxis]
    loss = -(loss_weights * log_p[rows, y]).sum(dtype=np.float64)
    return float(loss), gradient


def logistic(outputs, y, loss_weights):
    """Return the sum of the binary cross-entropies of all outputs, and its gradient."""
    # log(1 + exp(z)) - y z, for y of 0 and 1, without the large z in both terms.
    by_output = -log_expit(np.where(y > 0, outputs, -outputs))
    gradient = (expit(outputs) - y) * loss_weights[:, np.newaxis]
    loss = (loss_weights * by_output.sum(axis=1)).sum(dtype=np.float64)
    return float(loss), gradient


def squared_error(outputs, y, loss_weights):
    """Return half the mean squared error of the outputs, and its gradient."""
    error = outputs - y
    by_sample = np.square(error).mean(axis=1) / 2
    loss = (loss_weights * by_sample).sum(dtype=np.float64)
    return float(loss), error * (loss_weights / outputs.shape[1])[:, np.newaxis]


def _softmax(outputs):
    # Class by class, long vectors, instead of many short ones: several times as fast.
    by_class = np.ascontiguousarray(np.moveaxis(outputs, -1, 0))
    powers = np.exp(by_class - by_class.max(axis=0))
    # numpy adds the classes of a single sample in another order than those of many.
    total = powers[0].copy()
    for power in powers[1:]:
        total += power
    return np.moveaxis(powers / total, 0, -1)


def _log_softmax(outputs):
    return log_softmax(outputs, axis=-1)


def _logits(outputs):
    # Of two classes only the difference matters, as in scikit-learn.
    is_of_two = outputs.shape[-1] == 2
    return outputs[..., 1] - outputs[..., 0] if is_of_two else outputs


LOSSES = {
    "cross_entropy": Loss(cross_entropy, _softmax, _log_softmax, _logits),
    "logistic": Loss(logistic, expit, log_expit, np.asarray),
    "squared_error": Loss(squared_error, None, None, None),
}
