"""Loss and gradients of a fitted network on given data."""

from typing import NamedTuple

import numpy as np

from sklearn_snn._training.trainer import slices

# Samples that are taken from X at a time, so that memory does not grow with it.
_BATCH_SIZE = 128


class LossAndGradients(NamedTuple):
    """What data says about the parameters of a network.

    Attributes
    ----------
    loss : float
    coef_grads, intercept_grads : lists of ndarrays
        Of the shapes of the parameters.
    """

    loss: float
    coef_grads: list
    intercept_grads: list


def mean_loss_and_gradients(engine, coefs, intercepts, samples):
    """Return the weighted mean of the samples' losses, and its gradients.

    Parameters
    ----------
    engine : engine
    coefs, intercepts : lists of ndarrays
    samples : Samples
        Of positive weights.

    Returns
    -------
    result : LossAndGradients
    """
    # The largest of them first: their sum may be infinite.
    loss_weights = samples.weights / samples.weights.max()
    loss_weights /= loss_weights.sum()
    loss, gradients = 0.0, [np.zeros_like(p) for p in (*coefs, *intercepts)]
    for rows in slices(len(loss_weights), _BATCH_SIZE):
        batch = samples.take(np.arange(len(loss_weights))[rows])
        step = engine.loss_and_gradients(
            coefs, intercepts, batch.inputs(), batch.y, loss_weights[rows]
        )
        loss += step.loss
        grads = *step.coef_grads, *step.intercept_grads
        for total, grad in zip(gradients, grads, strict=True):
            with np.errstate(over="ignore", invalid="ignore"):
                total += grad
    return LossAndGradients(loss, gradients[: len(coefs)], gradients[len(coefs) :])
