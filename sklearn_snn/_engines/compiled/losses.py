"""Compiled losses of one sample; the formulas are those of `_model.losses`."""

import math

from sklearn_snn._engines.compiled.options import compiled

LOSS_CODES = {"cross_entropy": 0, "logistic": 1, "squared_error": 2}
# The targets are the gradient by the outputs, which is known.
GIVEN = 3


@compiled
def evaluate_loss(loss, outputs, target, gradient):
    """Return the loss of a sample, and set its gradient by the outputs.

    ``outputs`` and ``gradient`` have shape (n_outputs,) and at least that; ``target``
    holds the index of a class, or a number per output; of a loss that is `GIVEN`, whose
    value is not asked for, the gradient.
    """
    if loss == 0:
        return _cross_entropy(outputs, int(target[0]), gradient)
    if loss == 1:
        return _logistic(outputs, target, gradient)
    if loss == 2:
        return _squared_error(outputs, target, gradient)
    for k in range(len(outputs)):
        gradient[k] = target[k]
    return outputs.dtype.type(0)


@compiled
def _cross_entropy(logits, y, gradient):
    """Return the loss of a sample, and set its gradient; `_model.losses`.

    ``logits`` and ``gradient`` have shape (n_classes,), ``y`` is an index. The highest
    logit is subtracted first: the exponentials stay below 1 and the sum above.
    """
    highest, total = logits[0], logits.dtype.type(0)
    for k in range(len(logits)):
        highest = max(highest, logits[k])
    for k in range(len(logits)):
        gradient[k] = math.exp(logits[k] - highest)
        total += gradient[k]
    for k in range(len(logits)):
        gradient[k] /= total
    gradient[y] -= logits.dtype.type(1)
    return math.log(total) - (logits[y] - highest)


@compiled
def _logistic(outputs, target, gradient):
    """Return the sum of the binary cross-entropies, and set their gradient."""
    one, total = outputs.dtype.type(1), outputs.dtype.type(0)
    for k in range(len(outputs)):
        z = outputs[k]
        small = math.exp(-abs(z))
        total += max(z, outputs.dtype.type(0)) - target[k] * z + math.log1p(small)
        gradient[k] = (one if z >= 0 else small) / (one + small) - target[k]
    return total


@compiled
def _squared_error(outputs, target, gradient):
    """Return half the mean squared error, and set its gradient."""
    n, total = outputs.dtype.type(len(outputs)), outputs.dtype.type(0)
    for k in range(len(outputs)):
        error = outputs[k] - target[k]
        total += error * error
        gradient[k] = error / n
    return total / (n + n)
