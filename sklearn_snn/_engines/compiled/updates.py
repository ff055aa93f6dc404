"""Passes over all parameters after a batch: gradients are finished, a step is taken.

What `_model.updates` does with numpy, to the bit but for sums of large arrays, which
are added up in another order. All arrays lie behind each other and are gone through by
one call: of small ones it is calls that take time, and large ones would come from
memory once more for each operation.
"""

from typing import NamedTuple

import numpy as np

from sklearn_snn._engines.compiled.arrays import PART, SMALL, board_for
from sklearn_snn._engines.compiled.boards import say_what, share, take
from sklearn_snn._engines.compiled.cache import code_key, entry_point
from sklearn_snn._engines.compiled.options import ZERO, compiled, compiled_apart
from sklearn_snn._engines.compiled.views import segment
from sklearn_snn._model import updates as _model

# So that numba renews what it keeps when any code that it consists of changes.
_CODE = code_key(__name__)
# Sums that are added up side by side, as none of them waits for another.
N_SUMS = 16
# A multiple of these: numbers that are looked at again while they are in the cache.
_BLOCK = 2**11
# So does numpy: so many side by side, of at most so many numbers; see `_sum_in_pairs`.
_N_BESIDE, _MOST_BESIDE = 8, 128

_adam_of_one, _decayed = compiled(_model.adam), compiled(_model.decayed)


def take_step(param, grad, mean, square, ends, steps, *numbers, count_threads):
    """Let arrays take a step of Adam, in place; see `_model.updates`.

    Parameters
    ----------
    param, grad, mean, square, ends, steps, *numbers
        As there.
    count_threads : callable
        Returns how many threads to use; only asked where it matters.
    """
    number = param.dtype.type
    numbers = tuple(number(n) for n in numbers)
    steps = np.array(steps, number)
    with board_for(4 * param.size, count_threads) as board:
        _take_step(param, grad, mean, square, ends, steps, numbers, PART, board)


def finish_gradient(weights, grads, ends, scales, decays, mean, bias):
    """Scale gradients, add decay and sum up squares; see `_model.updates`."""
    squares = np.zeros((2, len(ends)))
    scales, decays = np.array(scales), np.array(decays)
    _finish(weights, grads, ends, scales, decays, mean, bias, SMALL, _work(), squares)
    return squares


def compile_updates(dtype):
    """Compile or load what a step of weights of a dtype needs."""
    one, ends = np.ones(1, dtype), np.ones(1, int)
    finish_gradient(one, one.copy(), ends, [1.0], [0.0], one[:0], one[:0])
    arrays = (one.copy() for _ in "pgmv")
    take_step(*arrays, ends, [1.0], *[1.0] * 4, count_threads=lambda: 1)


def sum_of_squares(array):
    """Return the sum of the squares of all elements; see `_model.updates`."""
    if array.size < SMALL or not array.flags.c_contiguous:
        return _model.sum_of_squares(array)
    return _sum_of_squares(array.reshape(-1), np.zeros(N_SUMS))


def _work():
    """Return the memory that sums of squares take; see `_sum_in_pairs`."""
    sums = np.zeros((2, N_SUMS))
    return np.zeros(4 * N_SUMS, np.int64), sums[0], sums[1]


class _Adam(NamedTuple):
    """A pass of `take_step`, a part of which has so many numbers."""

    param: np.ndarray
    grad: np.ndarray
    mean: np.ndarray
    square: np.ndarray
    ends: np.ndarray
    steps: np.ndarray
    numbers: tuple
    size: int
    board: np.ndarray


@compiled
def _take_steps(call, part):
    """Let a part of the numbers take a step, and all that nobody else takes.

    Of each of the arrays that a part has some of: these have a step of their own.
    """
    while part >= 0:
        start, stop = part * call.size, min((part + 1) * call.size, len(call.param))
        for i in range(len(call.ends)):
            first = start if i == 0 else max(start, call.ends[i - 1])
            n = min(stop, call.ends[i]) - first
            if n > 0:
                _take_step_of_some(
                    segment(call.param, first, n),
                    segment(call.grad, first, n),
                    segment(call.mean, first, n),
                    segment(call.square, first, n),
                    call.steps[i],
                    call.numbers,
                )
        part = take(call.board)


@compiled_apart
def _take_step_of_some(param, grad, mean, square, step, numbers):
    rate_1, rate_2, correction, epsilon = numbers
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
def _take_step(param, grad, mean, square, ends, steps, numbers, size, board):
    call = _Adam(param, grad, mean, square, ends, steps, numbers, size, board)
    say_what(board, _take_steps, call)
    share(board, -(-len(param) // size))


@entry_point(_CODE)
def _finish(weights, grads, ends, scales, decays, mean, bias, small, work, squares):
    """Do what `finish_gradient` says: of large arrays a few numbers at a time.

    But for the part of the mean row, which is a pass of its own, what is read comes
    from memory once: of these few, the nearest cache has what is done next with them.
    Squares of a ``small`` array are added up in the order in which numpy does it, so
    that what is trained is the same as ever; those of others `N_SUMS` side by side.
    """
    first, width = ZERO, len(bias)
    for r in range(len(mean)):
        _subtract(mean[r], bias, segment(grads, r * width, width))
    for i in range(len(ends)):
        n = ends[i] - first
        w, g = segment(weights, first, n), segment(grads, first, n)
        if n < small:
            _decay(g, w, scales[i], decays[i])
            if decays[i] != 0:
                squares[0, i] = _sum_in_pairs(w, work)
            squares[1, i] = _sum_in_pairs(g, work)
        else:
            of_weights, of_grad = work[1], work[2]
            _decay_and_sum(g, w, scales[i], decays[i], of_weights, of_grad)
            if decays[i] != 0:
                squares[0, i] = _in_all(w, of_weights)
            squares[1, i] = _in_all(g, of_grad)
        first = ends[i]


@compiled
def _decay_and_sum(grad, weights, scale, decay, of_weights, of_grad):
    """Let a large array decay, and sum up squares but those of `_in_all`."""
    n = len(grad)
    for k in range(N_SUMS):
        of_weights[k] = of_grad[k] = 0
    for start in range(0, n, _BLOCK):
        size = min(_BLOCK, n - start)
        g, w = segment(grad, start, size), segment(weights, start, size)
        _decay(g, w, scale, decay)
        if decay != 0:
            _add_squares(w, of_weights)
        _add_squares(g, of_grad)


@compiled
def _decay(grad, weights, scale, decay):
    number = grad.dtype.type
    if decay != 0:
        _decay_all(grad, weights, number(scale), number(decay))
    elif scale != 1:
        _scale_all(grad, number(scale))


@compiled_apart
def _decay_all(grad, weights, scale, decay):
    for k in range(len(grad)):
        grad[k] = _decayed(grad[k], weights[k], scale, decay)


@compiled_apart
def _scale_all(grad, scale):
    for k in range(len(grad)):
        grad[k] *= scale


@compiled_apart
def _subtract(factor, row, out):
    for k in range(len(out)):
        out[k] -= factor * row[k]


@compiled_apart
def _add_squares(x, sums):
    """Add squares to `N_SUMS` sums, and leave over what does not fill these."""
    for first in range(0, len(x) // N_SUMS * N_SUMS, N_SUMS):
        some = segment(x, first, N_SUMS)
        for k in range(N_SUMS):
            sums[k] += np.float64(some[k]) * np.float64(some[k])


@compiled
def _in_all(x, sums):
    """Return the sum of squares of which all but the last few are in the sums."""
    total = 0.0
    for k in range(len(x) // N_SUMS * N_SUMS, len(x)):
        total += np.float64(x[k]) * np.float64(x[k])
    for k in range(N_SUMS):
        total += sums[k]
    return total


@entry_point(_CODE)
def _sum_of_squares(x, sums):
    _add_squares(x, sums)
    return _in_all(x, sums)


@compiled
def _sum_in_pairs(x, work):
    """Return the sum of squares as numpy adds it up: in halves, and these in halves.

    ``todo`` has the sizes of parts that follow each other and, as 0, what is to be done
    between: the last two sums are to be added. There is room for `SMALL` numbers.
    """
    todo, sums, beside = work
    todo[0], n_todo, n_sums, start = len(x), 1, 0, ZERO
    while n_todo > 0:
        n_todo -= 1
        n = todo[n_todo]
        if n == 0:
            n_sums -= 1
            sums[n_sums - 1] += sums[n_sums]
        elif n <= _MOST_BESIDE:
            sums[n_sums] = _sum_beside(segment(x, start, n), beside)
            n_sums, start = n_sums + 1, start + n
        else:
            half = n // 2 - n // 2 % _N_BESIDE
            todo[n_todo], todo[n_todo + 1], todo[n_todo + 2] = 0, n - half, half
            n_todo += 3
    return sums[0]


@compiled_apart
def _sum_beside(x, sums):
    """Return the sum of a few squares, of which `_N_BESIDE` are added up side by side.

    ``sums``, of so many, is overwritten.
    """
    n, total = len(x) // _N_BESIDE * _N_BESIDE, 0.0
    if n > 0:
        for k in range(_N_BESIDE):
            sums[k] = np.float64(x[k]) * np.float64(x[k])
        for first in range(_N_BESIDE, n, _N_BESIDE):
            for k in range(_N_BESIDE):
                number = np.float64(x[first + k])
                sums[k] += number * number
        total = ((sums[0] + sums[1]) + (sums[2] + sums[3])) + (
            (sums[4] + sums[5]) + (sums[6] + sums[7])
        )
    for k in range(n, len(x)):
        total += np.float64(x[k]) * np.float64(x[k])
    return total
