"""Loss and gradients of a fitted network on given data."""

from typing import NamedTuple

import numpy as np

from sklearn_snn._model.parameters import WEIGHTS, part
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
    neuron_grads : list of dicts of ndarrays
        Per layer, of those constants of its neurons that learn.
    recurrent_grads : list of ndarrays
        Of recurrent layers.
    """

    loss: float
    coef_grads: list
    intercept_grads: list
    neuron_grads: list
    recurrent_grads: list


def mean_loss_and_gradients(engine, params, samples):
    """Return the weighted mean of the samples' losses, and its gradients.

    Parameters
    ----------
    engine : engine
    params : list of dicts of ndarrays
    samples : Samples
        Of positive weights.

    Returns
    -------
    result : LossAndGradients
    """
    # The largest of them first: their sum may be infinite.
    loss_weights = samples.weights / samples.weights.max()
    loss_weights /= loss_weights.sum()
    loss, totals = 0.0, None
    for rows in slices(len(loss_weights), _BATCH_SIZE):
        batch = samples.take(np.arange(len(loss_weights))[rows])
        step = engine.loss_and_gradients(
            params, batch.inputs(), batch.y, loss_weights[rows]
        )
        loss += step.loss
        if totals is None:
            totals = [
                {k: np.zeros_like(g) for k, g in of.items()} for of in step.gradients
            ]
        for total, gradient in zip(totals, step.gradients, strict=True):
            for name, grad in gradient.items():
                with np.errstate(over="ignore", invalid="ignore"):
                    total[name] += grad
    coef_grads, intercept_grads = part(totals, "coef"), part(totals, "intercept")
    others = [
        {name: grad for name, grad in total.items() if name not in WEIGHTS}
        for total in totals
    ]
    own = part(totals, "recurrent")
    return LossAndGradients(loss, coef_grads, intercept_grads, others, own)
