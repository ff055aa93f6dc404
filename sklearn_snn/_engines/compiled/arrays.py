"""Arithmetic on whole arrays before and after a batch: packing, adding up, Adam's step.

numpy does the same, to the bit, but with a pass through memory for each operation,
which takes several times as long where arrays do not fit into the nearest cache. Small
ones are left to it, and for these nothing is compiled.
"""

from typing import NamedTuple

import numpy as np

from sklearn_snn._engines.compiled import crew
from sklearn_snn._engines.compiled.boards import say_what, share, take
from sklearn_snn._engines.compiled.cache import code_key, entry_point
from sklearn_snn._engines.compiled.options import compiled, compiled_apart
from sklearn_snn._engines.compiled.views import segment
from sklearn_snn._model import synapses
from sklearn_snn._model import updates as _model

# So that numba renews what it keeps when any code that it consists of changes.
_CODE = code_key(__name__)
# What numpy does as fast, and what is worth to wake other threads for.
SMALL, LARGE = 2**14, 2**20
# Numbers that a thread goes through at a time, and how many threads a memory can feed;
# a batch has as many at most.
PART, MOST_THREADS = 2**13, 8
# Sums that are added up side by side, as none of them waits for another.
N_SUMS = 16

_adam_of_one, _decayed = compiled(_model.adam), compiled(_model.decayed)


def adam(param, grad, mean, square, numbers, count_threads):
    """Let arrays take a step, in place; see `_model.updates`.

    Parameters
    ----------
    param, grad, mean, square : ndarrays of one shape
    numbers : tuple of float
        Those that they all share.
    count_threads : callable
        Returns how many threads to use; only asked where it matters.
    """
    arrays = param, grad, mean, square
    if param.size < SMALL or not all(a.flags.c_contiguous for a in arrays):
        _model.take_step(*arrays, *numbers)
        return
    arrays = [a.reshape(-1) for a in arrays]
    numbers = tuple(param.dtype.type(number) for number in numbers)
    with _board(4 * param.size, count_threads) as board:
        _adam(*arrays, numbers, PART, board)


def subtract_outer(matrix, column, row, count_threads):
    """Subtract an outer product, in place; see `_model.updates`."""
    if matrix.size < SMALL or not matrix.flags.c_contiguous:
        _model.subtract_outer(matrix, column, row)
        return
    with _board(2 * matrix.size, count_threads) as board:
        _subtract_outer(matrix, column, row, _n_rows(matrix), board)


def sum_of_squares(array):
    """Return the sum of the squares of all elements; see `_model.updates`."""
    if array.size < SMALL or not array.flags.c_contiguous:
        return _model.sum_of_squares(array)
    return _sum_of_squares(array.reshape(-1), np.zeros(N_SUMS))


def add_decay(grad, weights, scale, decay):
    """Scale a gradient and add decay; see `_model.updates`, but in one pass."""
    arrays = grad, weights
    if grad.size < SMALL or not all(a.flags.c_contiguous for a in arrays):
        return _model.add_decay(*arrays, scale, decay)
    if not decay:
        if scale != 1:
            grad *= scale
        return 0.0, sum_of_squares(grad)
    number, sums = grad.dtype.type, np.zeros((2, N_SUMS))
    flat = (a.reshape(-1) for a in arrays)
    return _add_decay(*flat, number(scale), number(decay), *sums)


def largest_current(weights):
    """Return the largest sum of weights, without their signs; see `_model.synapses`."""
    # Of one column numpy adds in another order.
    if weights.size < SMALL or len(weights.T) < 2 or not weights.flags.c_contiguous:
        return synapses.largest_current(weights)
    sums = np.zeros(weights.shape[1], weights.dtype)
    _add_sizes(weights, sums)
    return float(sums.max())


def add_up(parts, has_begun, start, width, total, count_threads):
    """Set ``total`` to the sum of a matrix of all parts, added in order.

    Parameters
    ----------
    parts : ndarray of shape (n_parts, n_numbers)
        Each has a matrix with rows of `width`, from `start` on.
    has_begun : ndarray of uint8 of shape (n_parts, n_rows), or None
        Which rows of a part count: what is in the others is no number; see `Sums`.
        None is all of them.
    start, width : int
    total : ndarray of shape (n_rows, at most width)
        Overwritten; without padding.
    count_threads : callable
    """
    n_rows, n_columns = total.shape
    if has_begun is None and total.size < SMALL:
        flat = np.sum(parts[:, start : start + n_rows * width], axis=0)
        total[...] = flat.reshape(n_rows, width)[:, :n_columns]
        return

    if has_begun is None:
        has_begun = np.ones((len(parts), n_rows), np.uint8)
    with _board(parts.size, count_threads) as board:
        _add_up(parts, has_begun, start, width, total, _n_rows(total), board)


def to_units(weights, unit, whole):
    """Write weights as whole numbers of a unit.

    Parameters
    ----------
    weights : ndarray of shape (n_rows, n_columns)
    unit : float
        Of the dtype of the weights.
    whole : ndarray of shape (n_rows, at least n_columns)
        Overwritten, but for the padding.
    """
    if weights.size >= SMALL and weights.flags.c_contiguous:
        _to_units(weights, unit, whole)
        return
    whole[:, : weights.shape[1]] = np.rint(weights / unit)


def _board(n_numbers, count_threads):
    """Hold a board for a pass through arrays: helpers are woken if it is worthwhile."""
    if n_numbers < LARGE:
        return crew.board(None)
    return crew.board(min(count_threads(), MOST_THREADS))


def _n_rows(array):
    """Return how many rows a thread goes through at a time."""
    return max(1, PART // max(1, array.shape[1]))


class _Adam(NamedTuple):
    """A pass of `adam`, a part of which has so many numbers."""

    param: np.ndarray
    grad: np.ndarray
    mean: np.ndarray
    square: np.ndarray
    numbers: tuple
    size: int
    board: np.ndarray


@compiled
def _adam_of_parts(call, part):
    """Let a part of the arrays take a step, and all that nobody else takes."""
    while part >= 0:
        start = part * call.size
        n = min(call.size, len(call.param) - start)
        _adam_of_some(
            segment(call.param, start, n),
            segment(call.grad, start, n),
            segment(call.mean, start, n),
            segment(call.square, start, n),
            call.numbers,
        )
        part = take(call.board)


@compiled_apart
def _adam_of_some(param, grad, mean, square, numbers):
    rate_1, rate_2, step, correction, epsilon = numbers
    for k in range(len(param)):
        param[k], mean[k], square[k] = _adam_of_one(
            param[k],
            grad[k],
            mean[k],
            square[k],
            rate_1,
            rate_2,
            step,
            correction,
            epsilon,
        )


@entry_point(_CODE)
def _adam(param, grad, mean, square, numbers, size, board):
    call = _Adam(param, grad, mean, square, numbers, size, board)
    say_what(board, _adam_of_parts, call)
    share(board, -(-len(param) // size))


class _Outer(NamedTuple):
    """A pass of `subtract_outer`, a part of which has so many rows."""

    matrix: np.ndarray
    column: np.ndarray
    row: np.ndarray
    n_rows: int
    board: np.ndarray


@compiled
def _subtract_parts(call, part):
    """Subtract a part of an outer product, and all that nobody else takes."""
    n_columns = len(call.row)
    while part >= 0:
        start = part * call.n_rows
        for r in range(start, min(start + call.n_rows, len(call.column))):
            own = segment(call.matrix, r * n_columns, n_columns)
            for k in range(n_columns):
                own[k] -= call.column[r] * call.row[k]
        part = take(call.board)


@entry_point(_CODE)
def _subtract_outer(matrix, column, row, n_rows, board):
    call = _Outer(matrix, column, row, n_rows, board)
    say_what(board, _subtract_parts, call)
    share(board, -(-len(column) // n_rows))


@entry_point(_CODE)
def _sum_of_squares(x, sums):
    n, total = len(x) // N_SUMS * N_SUMS, 0.0
    for first in range(0, n, N_SUMS):
        some = segment(x, first, N_SUMS)
        for k in range(N_SUMS):
            sums[k] += np.float64(some[k]) * np.float64(some[k])
    for k in range(n, len(x)):
        total += np.float64(x[k]) * np.float64(x[k])
    return _in_all(sums, total)


@compiled
def _in_all(sums, total):
    for k in range(N_SUMS):
        total += sums[k]
    return total


@entry_point(_CODE)
def _add_decay(grad, weights, scale, decay, of_weights, of_grad):
    n = len(grad) // N_SUMS * N_SUMS
    _decay_most(grad, weights, n, scale, decay, of_weights, of_grad)
    rest_of_weights, rest_of_grad = 0.0, 0.0
    for k in range(n, len(grad)):
        grad[k] = _decayed(grad[k], weights[k], scale, decay)
        rest_of_weights += np.float64(weights[k]) * np.float64(weights[k])
        rest_of_grad += np.float64(grad[k]) * np.float64(grad[k])
    return _in_all(of_weights, rest_of_weights), _in_all(of_grad, rest_of_grad)


@compiled_apart
def _decay_most(grad, weights, n, scale, decay, of_weights, of_grad):
    for first in range(0, n, N_SUMS):
        g, w = segment(grad, first, N_SUMS), segment(weights, first, N_SUMS)
        for k in range(N_SUMS):
            g[k] = _decayed(g[k], w[k], scale, decay)
            of_weights[k] += np.float64(w[k]) * np.float64(w[k])
            of_grad[k] += np.float64(g[k]) * np.float64(g[k])


@entry_point(_CODE)
def _add_sizes(weights, sums):
    for r in range(len(weights)):
        _add_sizes_of(segment(weights, r * len(sums), len(sums)), sums)


@compiled_apart
def _add_sizes_of(row, sums):
    for k in range(len(row)):
        sums[k] += abs(row[k])


class _Sum(NamedTuple):
    """A pass of `add_up`, a part of which has so many rows."""

    parts: np.ndarray
    has_begun: np.ndarray
    start: int
    width: int
    total: np.ndarray
    n_rows: int
    board: np.ndarray


@compiled
def _add_up_parts(call, part):
    """Add up a part of the rows, and all that nobody else takes."""
    while part >= 0:
        first = part * call.n_rows
        for r in range(first, min(first + call.n_rows, len(call.total))):
            _add_up_row(call, r)
        part = take(call.board)


@compiled
def _add_up_row(call, r):
    parts, has_begun, n_columns = call.parts, call.has_begun, call.total.shape[1]
    row, at = segment(call.total, r * n_columns, n_columns), call.start + r * call.width
    is_sum = False
    for p in range(len(parts)):
        if has_begun[p, r]:
            own = segment(parts, p * parts.shape[1] + at, n_columns)
            _add_row(own, is_sum, row)
            is_sum = True
    if not is_sum:
        for k in range(n_columns):
            row[k] = 0


@entry_point(_CODE)
def _add_up(parts, has_begun, start, width, total, n_rows, board):
    call = _Sum(parts, has_begun, start, width, total, n_rows, board)
    say_what(board, _add_up_parts, call)
    share(board, -(-len(total) // n_rows))


@compiled_apart
def _add_row(added, is_sum, row):
    if is_sum:
        for k in range(len(row)):
            row[k] += added[k]
    else:
        for k in range(len(row)):
            row[k] = added[k]


@entry_point(_CODE)
def _to_units(weights, unit, whole):
    number = whole.dtype.type
    for r in range(len(weights)):
        for k in range(weights.shape[1]):
            whole[r, k] = number(np.rint(weights[r, k] / unit))
