"""Arithmetic on whole arrays before and after a batch: packing, adding up, Adam's step.

numpy does the same, to the bit, but with a pass through memory for each operation,
which takes several times as long where arrays do not fit into the nearest cache. Small
ones are left to it, and for these nothing is compiled.
"""

import numpy as np

from sklearn_snn._engines.compiled import crew
from sklearn_snn._engines.compiled.cache import code_key, entry_point
from sklearn_snn._engines.compiled.options import compiled, compiled_apart
from sklearn_snn._engines.compiled.views import segment
from sklearn_snn._engines.threads import run_chunks
from sklearn_snn._model import synapses
from sklearn_snn._model import updates as _model

# So that numba renews what it keeps when any code that it consists of changes.
_CODE = code_key(__name__)
# What numpy does as fast, and what two threads do sooner than one.
SMALL, LARGE = 2**14, 2**20
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
    numbers = [param.dtype.type(number) for number in numbers]

    def run(part):
        _adam(*(a[part] for a in arrays), *numbers)

    _in_parts(run, param.size, 4 * param.size, count_threads)


def subtract_outer(matrix, column, row, count_threads):
    """Subtract an outer product, in place; see `_model.updates`."""
    if matrix.size < SMALL or not matrix.flags.c_contiguous:
        _model.subtract_outer(matrix, column, row)
        return

    def run(rows):
        _subtract_outer(matrix[rows], column[rows], row)

    _in_parts(run, len(matrix), 2 * matrix.size, count_threads)


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

    def run(rows):
        _add_up(parts, has_begun, start, width, rows.start, total[rows])

    _in_parts(run, n_rows, parts.size, count_threads)


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


def _in_parts(run, n, n_numbers, count_threads):
    """Call ``run(part)`` for slices of n, on several threads if that is worthwhile."""
    n_parts = count_threads() if n_numbers >= LARGE else 1
    ends = [i * n // n_parts for i in range(n_parts + 1)]

    def run_part(i, _):
        run(slice(ends[i], ends[i + 1]))

    # This thread compiles what has to be: see `running.run_piecemeal`.
    if n_parts > 1:
        run(slice(0, 0))
        crew.dismiss()
    run_chunks(run_part, n_parts, n_parts)


@entry_point(_CODE)
def _adam(param, grad, mean, square, rate_1, rate_2, step, correction, epsilon):
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
def _subtract_outer(matrix, column, row):
    for r in range(len(matrix)):
        for k in range(len(row)):
            matrix[r, k] -= column[r] * row[k]


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


@entry_point(_CODE)
def _add_up(parts, has_begun, start, width, first, total):
    n_columns, n_numbers = total.shape[1], parts.shape[1]
    for r in range(len(total)):
        row, at = segment(total, r * n_columns, n_columns), start + (first + r) * width
        is_sum = False
        for part in range(len(parts)):
            if has_begun[part, first + r]:
                _add_row(segment(parts, part * n_numbers + at, n_columns), is_sum, row)
                is_sum = True
        if not is_sum:
            for k in range(n_columns):
                row[k] = 0


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
