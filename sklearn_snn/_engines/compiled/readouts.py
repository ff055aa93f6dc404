"""Compiled readouts of one sample; the formulas are those of `_model.readouts`."""

import math
from typing import NamedTuple

import numpy as np

from sklearn_snn._engines.compiled.losses import GIVEN, evaluate_loss
from sklearn_snn._engines.compiled.options import allocating, compiled, inlined
from sklearn_snn._engines.compiled.views import empty, matrix, segment, zeros

STATISTIC_CODES = {None: 0, "sum": 1, "last": 2, "max": 3, "probability": 4}


class Readout(NamedTuple):
    """The readout and the loss; floats are of the dtype of the weights.

    Attributes
    ----------
    counts, is_signed, per_step : bool
        As of the model.
    statistic : int
        Of `STATISTIC_CODES`, what the answers take of the membranes.
    is_soft : bool
        Whether the loss takes membranes beside counts.
    factor, by_step : ndarrays of shape (n_samples,)
        Output per spike, and per membrane of a step.
    half : ndarray of shape (n_samples,)
        What is taken off an output, half of what a count can reach.
    n_read : ndarray of shape (n_samples,)
        Number of steps that are read.
    thresholds : ndarray of shape (n_outputs,) or (0,)
        Of the output neurons, if they count; of float64, as float32 may not hold a tiny
        one.
    start : int
        Number of first steps that are left out.
    lowest, highest : float
        Limits of mean probabilities, next to 0 and 1.
    loss : int
        Code of `losses`.
    """

    counts: bool
    is_signed: bool
    per_step: bool
    statistic: int
    is_soft: bool
    factor: np.ndarray
    by_step: np.ndarray
    half: np.ndarray
    n_read: np.ndarray
    thresholds: np.ndarray
    start: int
    lowest: float
    highest: float
    loss: int


class Scratch(NamedTuple):
    """What the loss of a sample leaves for the backward pass.

    Attributes
    ----------
    outputs, by_output : ndarrays of shape (n_outputs,)
        Outputs, and the gradient by them.
    by_spike : ndarray of shape (width,)
        The gradient by a spike of any step that is read.
    by_membrane : ndarray of shape (n_steps, width)
        The gradient by the membranes of each step; zero where they are not read.
    shares, slopes : ndarrays of shape (n_outputs,)
        The probabilities of a step, and the gradient by their mean.
    """

    outputs: np.ndarray
    by_output: np.ndarray
    by_spike: np.ndarray
    by_membrane: np.ndarray
    shares: np.ndarray
    slopes: np.ndarray


@allocating
def new_scratches(n_outputs, n_steps, width, like, n_tapes):
    """Return Scratches of the dtype of an array, in one, for so many samples."""
    return Scratch(
        empty(n_outputs, like.dtype),
        empty(n_outputs, like.dtype),
        zeros(n_tapes * width, like.dtype),
        zeros((n_tapes * n_steps, width), like.dtype),
        empty(n_outputs, like.dtype),
        empty(n_outputs, like.dtype),
    )


@inlined
def scratch_of(scratches, j):
    """Return the Scratch of sample ``j`` of those that go back together."""
    n_rows, width = scratches.by_membrane.shape
    n_steps = n_rows * width // len(scratches.by_spike)
    return Scratch(
        scratches.outputs,
        scratches.by_output,
        segment(scratches.by_spike, j * width, width),
        matrix(scratches.by_membrane, j * n_steps * width, n_steps, width),
        scratches.shares,
        scratches.slopes,
    )


@compiled
def read_out(readout, i, s, u, scratch, reading):
    """Add what is read of sample ``i`` to ``reading``: counts, and the statistic.

    ``s`` and ``u`` have n_steps rows, ``reading`` the shape (2, n_outputs). If the loss
    is given, the reading is so, too.
    """
    n_steps, n_outputs = len(u), reading.shape[1]
    if readout.loss == GIVEN:
        return
    if readout.statistic == 4:
        _read_probabilities(readout, i, u, scratch.shares, reading)
        return
    # Step by step: outputs are summed side by side, and no sum waits for itself.
    if readout.counts:
        for t in range(readout.start, n_steps):
            for k in range(n_outputs):
                reading[0, k] += s[t, k]
    if readout.statistic == 1:
        for t in range(readout.start, n_steps):
            for k in range(n_outputs):
                reading[1, k] += u[t, k]
    elif readout.statistic == 2:
        for k in range(n_outputs):
            reading[1, k] = u[n_steps - 1, k]
    elif readout.statistic == 3:
        for t in range(readout.start, n_steps):
            for k in range(n_outputs):
                if not u[t, k] <= reading[1, k]:  # NaN is kept
                    reading[1, k] = u[t, k]


@compiled
def _read_probabilities(readout, i, u, q, reading):
    """Sum the probabilities of each step."""
    for t in range(readout.start, len(u)):
        _probabilities(readout, readout.by_step[i], u[t], q)
        for k in range(len(q)):
            reading[1, k] += q[k]


@compiled
def _probabilities(readout, by_step, u, q):
    """Set the probabilities that a step makes of its membranes."""
    one = q.dtype.type(1)
    if readout.is_signed:
        for k in range(len(q)):
            z = by_step * u[k]
            small = math.exp(-abs(z))
            q[k] = (one if z >= 0 else small) / (one + small)
        return
    highest, total = by_step * u[0], q.dtype.type(0)
    for k in range(len(q)):
        highest = max(highest, by_step * u[k])
    for k in range(len(q)):
        q[k] = math.exp(by_step * u[k] - highest)
        total += q[k]
    for k in range(len(q)):
        q[k] /= total


@compiled
def _mean_probability(readout, i, total):
    """Return a mean probability, none of 0 or 1 by rounding."""
    p = total / readout.n_read[i]
    return min(max(p, readout.lowest), readout.highest)


@compiled
def _soft_factor(readout, i, k):
    """Return what a membrane of a step is divided by, in a soft count."""
    return np.float64(readout.n_read[i]) * readout.thresholds[k]


@compiled
def _set_outputs(readout, i, reading, outputs):
    """Set the outputs that the loss takes."""
    for k in range(len(outputs)):
        if readout.statistic == 4:
            p = _mean_probability(readout, i, reading[1, k])
            outputs[k] = math.log(p)
            if readout.is_signed:
                outputs[k] -= math.log1p(-p)
        elif not readout.counts:
            outputs[k] = readout.by_step[i] * reading[1, k]
        else:
            total = reading[0, k]
            if readout.is_soft:
                total += outputs.dtype.type(reading[1, k] / _soft_factor(readout, i, k))
            outputs[k] = readout.factor[i] * total - readout.half[i]


@compiled
def loss_gradient(readout, i, u, reading, target, loss_weights, scratch):
    """Return the loss of sample ``i``, times its weight, and set its gradient.

    What one more spike of an output neuron, or one more of a membrane, does to the
    loss. ``u`` has shape (n_steps, width) and ``reading`` (2, n_outputs). There is one
    weight, or one for each step.
    """
    if readout.per_step:
        return _losses_of_steps(readout, i, u, reading, target, loss_weights, scratch)
    outputs, gradient, loss_weight = scratch.outputs, scratch.by_output, loss_weights[0]
    _set_outputs(readout, i, reading, outputs)
    loss = evaluate_loss(readout.loss, outputs, target, gradient)
    for k in range(len(outputs)):
        gradient[k] *= loss_weight
    by_membrane = scratch.by_membrane
    if readout.counts:
        for k in range(len(outputs)):
            scratch.by_spike[k] = readout.factor[i] * gradient[k]
        if readout.is_soft:
            for t in range(readout.start, len(u)):
                for k in range(len(outputs)):
                    soft = _soft_factor(readout, i, k)
                    by_membrane[t, k] = scratch.by_spike[k] / soft
    elif readout.statistic == 1:
        for t in range(readout.start, len(u)):
            for k in range(len(outputs)):
                by_membrane[t, k] = readout.by_step[i] * gradient[k]
    elif readout.statistic == 2:
        # The sample before may have been shorter.
        for t in range(len(u) - 1):
            for k in range(len(outputs)):
                by_membrane[t, k] = 0
        for k in range(len(outputs)):
            by_membrane[len(u) - 1, k] = readout.by_step[i] * gradient[k]
    elif readout.statistic == 3:
        _mark_largest(readout, i, u, gradient, by_membrane)
    else:
        _through_probabilities(readout, i, u, reading, gradient, scratch)
    return np.float64(loss_weight * loss)


@compiled
def _losses_of_steps(readout, i, u, reading, target, loss_weights, scratch):
    """Return the sum of the losses of all steps, and set its gradient.

    Parameters are those of `loss_gradient`; targets of steps are one behind the other.
    """
    outputs, gradient = scratch.outputs, scratch.by_output
    by_membrane, loss = scratch.by_membrane, 0.0
    n_targets = len(target) // len(loss_weights)
    for t in range(readout.start, len(u)):
        for k in range(len(outputs)):
            by_membrane[t, k] = 0
        if loss_weights[t] == 0:
            continue
        for k in range(len(outputs)):
            reading[1, k] = u[t, k]
        _set_outputs(readout, i, reading, outputs)
        of_step = segment(target, t * n_targets, n_targets)
        of_step_loss = evaluate_loss(readout.loss, outputs, of_step, gradient)
        loss += np.float64(loss_weights[t] * of_step_loss)
        for k in range(len(outputs)):
            by_membrane[t, k] = readout.by_step[i] * (loss_weights[t] * gradient[k])
    return loss


@compiled
def _mark_largest(readout, i, u, gradient, by_membrane):
    """Give the gradient to the step of the largest membrane; of equals, the first."""
    for k in range(len(gradient)):
        when = min(readout.start, len(u) - 1)
        for t in range(readout.start, len(u)):
            by_membrane[t, k] = 0
            if u[t, k] > u[when, k]:
                when = t
        by_membrane[when, k] = readout.by_step[i] * gradient[k]


@compiled
def _through_probabilities(readout, i, u, reading, gradient, scratch):
    """Give each step its part in the gradient by the mean probabilities."""
    q, inner = scratch.shares, scratch.slopes
    one = u.dtype.type(1)
    for k in range(len(inner)):
        p = _mean_probability(readout, i, reading[1, k])
        slope = one / (p * (one - p)) if readout.is_signed else one / p
        inner[k] = slope * (readout.by_step[i] * gradient[k] / readout.n_read[i])
    for t in range(readout.start, len(u)):
        _probabilities(readout, readout.by_step[i], u[t], q)
        mean = u.dtype.type(0)
        for k in range(len(q)):
            mean += inner[k] * q[k]
        for k in range(len(q)):
            other = inner[k] * (one - q[k]) if readout.is_signed else inner[k] - mean
            scratch.by_membrane[t, k] = q[k] * other
