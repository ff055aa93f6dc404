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


def take_step(param, grad, mean, square, ends, steps, *numbers):
    """Let arrays take a step, in place; a few numbers at a time stay in the cache.

    Parameters
    ----------
    param, grad, mean, square : ndarrays of shape (n,)
        Of one or more arrays behind each other.
    ends : ndarray of int
        Where each of these ends.
    steps : list of float
        The ``step`` of each.
    *numbers : float
        As of `adam`: ``rate_1``, ``rate_2``, ``correction`` and ``epsilon``.
    """
    rate_1, rate_2, correction, epsilon = numbers
    steps = np.array(steps, param.dtype)
    for first in range(0, len(param), MAX_NUMBERS):
        some = slice(first, min(first + MAX_NUMBERS, len(param)))
        p, g, m, v = (a[some] for a in (param, grad, mean, square))
        of_each = np.diff(np.clip(ends, some.start, some.stop), prepend=first)
        step = np.repeat(steps, of_each)
        p[...], m[...], v[...] = adam(
            p, g, m, v, rate_1, rate_2, step, correction, epsilon
        )


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


def finish_gradient(weights, grads, ends, scales, decays, mean, bias):
    """Make of gradients, in place, those by what learns, and sum up squares.

    What learns of weights is ``weights / scale``, with decay. The first weights, if
    there is a mean, learn about that, which takes from their gradient the outer product
    of the mean and the gradient by the biases; see `_training.centring`.

    Parameters
    ----------
    weights, grads : ndarrays of shape (n,)
        Of some arrays behind each other.
    ends : ndarray of int of shape (n_arrays,)
        Where each of these ends.
    scales, decays : lists of float
        Of each array; rounded to the dtype of the weights.
    mean : ndarray of shape (n_features,), or empty
    bias : ndarray of shape (n_units,)
        Gradient by the biases of the first layer, a part of `grads`.

    Returns
    -------
    squares : ndarray of shape (2, n_arrays)
        The `sum_of_squares` of each array, 0 where there is no decay, and that of what
        its gradient has become.
    """
    squares, first = np.zeros((2, len(ends))), 0
    if len(mean):
        subtract_outer(
            grads[: len(mean) * len(bias)].reshape(len(mean), -1), mean, bias
        )
    for i, (stop, scale, decay) in enumerate(zip(ends, scales, decays, strict=True)):
        w, g = weights[first:stop], grads[first:stop]
        if decay:
            squares[0, i] = sum_of_squares(w)
            g[...] = decayed(g, w, scale, decay)
        elif scale != 1:
            g *= scale
        squares[1, i], first = sum_of_squares(g), stop
    return squares


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
