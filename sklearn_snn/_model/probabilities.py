"""Probabilities that steps make of membranes, and their mean over the steps.

Those of a step are ``q_t = softmax(factor * u_t)``, or the logistic function of the
same where outputs are signed; the output is the logarithm of their mean ``p`` over the
steps, or the logarithm of its odds, and the gradient by a membrane that of the chain of
these.
"""

import numpy as np
from scipy.special import expit


def of_step(u, factor, is_signed):
    """Return the probabilities that a step makes of its membranes."""
    z = np.multiply(u, factor, dtype=u.dtype)
    if is_signed:
        return expit(z)
    powers = np.exp(z - z.max(axis=-1, keepdims=True))
    # numpy adds the classes of a single sample in another order than those of many.
    total = powers[..., 0].copy()
    for k in range(1, powers.shape[-1]):
        total += powers[..., k]
    return powers / total[..., np.newaxis]


def mean(total, n_read):
    """Return mean probabilities, none of them 0 or 1 by rounding."""
    info = np.finfo(total.dtype)
    n_read = n_read if np.ndim(n_read) == 0 else n_read.astype(total.dtype)
    return np.clip(total / n_read, info.tiny, 1 - info.epsneg)


def log_odds(p, is_signed):
    """Return the outputs that mean probabilities stand for."""
    return np.log(p) - np.log1p(-p) if is_signed else np.log(p)


def slope(p, is_signed):
    """Return the derivative of `log_odds`."""
    return 1 / (p * (1 - p)) if is_signed else 1 / p


def backward(q, by_probability, is_signed):
    """Return the gradient by the membranes of a step, times the factor.

    Parameters
    ----------
    q, by_probability : ndarrays of shape (n_samples, n_outputs)
        The probabilities of the step, and the gradient by them, times the factor.
    is_signed : bool
    """
    if is_signed:
        return by_probability * q * (1 - q)
    expected = (by_probability * q).sum(axis=1, keepdims=True)
    return q * (by_probability - expected)
