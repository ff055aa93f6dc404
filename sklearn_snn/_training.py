"""Training: mini-batches through an engine, gradients to an optimizer."""

import math
import time
from typing import NamedTuple

import numpy as np

from sklearn_snn._optimizers import (
    SCHEDULES,
    SGD,
    Adam,
    clip_by_norm,
    clip_by_value,
    global_norm,
    sum_of_squares,
)
from sklearn_snn._spike_trains import SpikeTrains

# Enough samples to tell the mean current of a neuron.
N_CENTERING_SAMPLES = 128


class TrainingPlan(NamedTuple):
    """How to train; the names are explained in `SpikingClassifier`."""

    max_iter: int
    batch_size: int
    shuffle: bool
    learning_rate_init: float
    schedule: str
    solver: str
    momentum: float
    nesterov: bool
    grad_clip: float | None
    max_grad_norm: float | None
    weight_decay: float


class Epoch(NamedTuple):
    """What an epoch came to.

    Attributes
    ----------
    loss : float
        Mean over the samples while the parameters were changing, penalty included.
    firing_rates : ndarray of shape (n_layers,)
        Mean number of spikes per neuron and step of each layer.
    seconds : float
    """

    loss: float
    firing_rates: np.ndarray
    seconds: float


def train(engine, coefs, intercepts, X, y, plan, random_state):
    """Set the biases from some samples, then train all parameters, in place.

    Parameters
    ----------
    engine : NumpyEngine
    coefs, intercepts : lists of ndarrays
    X : SpikeTrains, ndarray or CSR array
        Spike trains are drawn anew in every epoch.
    y : ndarray of int of shape (n_samples,)
        Index of the class.
    plan : TrainingPlan
    random_state : RandomState
        Chooses and shuffles samples.

    Yields
    ------
    epoch : Epoch
        After each of at most ``plan.max_iter`` epochs.

    Raises
    ------
    ValueError
        If the gradient is not finite.
    """
    some = random_state.permutation(len(y))[:N_CENTERING_SAMPLES]
    first = X.present(1) if isinstance(X, SpikeTrains) else X
    engine.center_currents(coefs, intercepts, first[some])
    params = coefs + intercepts
    if plan.solver == "adam":
        optimizer = Adam(params)
    else:
        optimizer = SGD(params, plan.momentum, plan.nesterov)
    order = np.arange(len(y))
    starts = range(0, len(y), plan.batch_size)
    for n_done in range(plan.max_iter):
        start = time.perf_counter()
        if plan.shuffle:
            order = random_state.permutation(len(y))
        if isinstance(X, SpikeTrains):
            X = X.present(n_done + 1)
        loss = 0.0
        firing_rates = np.zeros(len(coefs))
        for i, batch_start in enumerate(starts):
            rows = order[batch_start : batch_start + plan.batch_size]
            batch_loss, grads, rates = _penalized_gradients(
                engine, coefs, intercepts, X[rows], y[rows], plan.weight_decay
            )
            if plan.grad_clip is not None:
                clip_by_value(grads, plan.grad_clip)
            if plan.max_grad_norm is not None:
                clip_by_norm(grads, plan.max_grad_norm)
            progress = (n_done + i / len(starts)) / plan.max_iter
            factor = SCHEDULES[plan.schedule](progress)
            optimizer.update(grads, plan.learning_rate_init * factor)
            share = len(rows) / len(y)
            loss += share * batch_loss
            firing_rates += share * rates
        yield Epoch(loss, firing_rates, time.perf_counter() - start)


def _penalized_gradients(engine, coefs, intercepts, X, y, weight_decay):
    """Return loss, gradients of coefs and intercepts, and firing rates of a batch."""
    loss, coef_grads, intercept_grads, rates = engine.loss_and_gradients(
        coefs, intercepts, X, y
    )
    if weight_decay:
        for weights, grad in zip(coefs, coef_grads, strict=True):
            loss += weight_decay / 2 * sum_of_squares(weights)
            grad += weight_decay * weights
    grads = coef_grads + intercept_grads
    # The loss tells nothing: a neuron whose membrane is NaN is merely silent.
    if not math.isfinite(global_norm(grads)):
        raise ValueError(
            "The gradient is not finite: training has diverged. A smaller "
            "learning_rate_init or max_grad_norm, or scaling X, may help."
        )
    return loss, grads, rates
