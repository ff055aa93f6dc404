"""Arithmetic of an update: Adam's step, weight decay, and passes over arrays."""

import numpy as np

# Temporary arrays of 64 kB in float32: larger ones would be new memory each time.
MAX_NUMBERS = 2**14


def adam(param, grad, mean, square, rate_1, rate_2, step, correction, epsilon):
    """Return a parameter after a step, and the running means that this goes by.

    Kingma & Ba, "Adam: a method for stochastic optimization", ICLR 2015. All of this
    may be single numbers, as in compiled code, or arrays.

    Parameters
    ----------
    param, grad : number or ndarray
    mean, square : number or ndarray
        Running means of the gradient, and of its square.
    rate_1, rate_2 : number
        Weight of what is new in either, ``1 - beta``.
    step : number
        The learning rate, corrected for what the first mean begins with.
    correction : number
        The same of the root of the second.
    epsilon : number

    Returns
    -------
    param, mean, square : number or ndarray
    """
    mean = mean + (grad - mean) * rate_1
    square = square + (grad * grad - square) * rate_2
    return param - mean * step / (np.sqrt(square) * correction + epsilon), mean, square


def take_step(param, grad, mean, square, *numbers):
    """Let arrays take a step, in place; a few rows at a time, which stay in the cache.

    Parameters
    ----------
    param, grad, mean, square : ndarrays of one shape
    *numbers : float
        As of `adam`.
    """
    n_rows = max(1, MAX_NUMBERS * len(param) // max(1, param.size))
    for first in range(0, len(param), n_rows):
        p, g, m, v = (a[first : first + n_rows] for a in (param, grad, mean, square))
        p[...], m[...], v[...] = adam(p, g, m, v, *numbers)


def subtract_outer(matrix, column, row):
    """Subtract the outer product of two vectors, in place; a few rows at a time.

    Parameters
    ----------
    matrix : ndarray of shape (n, m)
    column : ndarray of shape (n,)
    row : ndarray of shape (m,)
    """
    n_rows = max(1, MAX_NUMBERS // max(1, len(row)))
    for first in range(0, len(matrix), n_rows):
        rows = slice(first, first + n_rows)
        matrix[rows] -= column[rows, np.newaxis] * row


def sum_of_squares(array):
    """Return the sum of the squares of all elements, computed in float64.

    Not by the BLAS, whose rounding depends on its threads, and whose threads keep a
    core busy for a while after each call.

    Parameters
    ----------
    array : ndarray

    Returns
    -------
    total : float
    """
    return float(np.square(array, dtype=np.float64).sum())


def decayed(grad, weight, scale, decay):
    """Return a gradient by ``weight / scale``, with decay; numbers or arrays."""
    return scale * grad + decay * weight


def add_decay(grad, weights, scale, decay):
    """Make of a gradient by weights, in place, that by ``weights / scale``, with decay.

    Parameters
    ----------
    grad, weights : ndarrays of one shape
        The first becomes what is `decayed`.
    scale, decay : float

    Returns
    -------
    of_weights, of_grad : float
        The `sum_of_squares` of the weights, or 0 without decay, and that of what the
        gradient has become.
    """
    of_weights = 0.0
    if decay:
        of_weights = sum_of_squares(weights)
        grad[...] = decayed(grad, weights, scale, decay)
    elif scale != 1:
        grad *= scale
    return of_weights, sum_of_squares(grad)
