"""From the gradients of all chunks, in flat arrays with padding, to those of a batch.

Each chunk of a batch has gradients of its own, as `sums` lays them out. Here they are
added up, in the order of the chunks, and become arrays of the shapes of the parameters,
which lie behind each other as those of `parameters.weights_like`: all of them by one
call, as of small ones it is calls that take time.
"""

import math
from typing import NamedTuple

import numpy as np

from sklearn_snn._engines.compiled.arrays import PART, board_for
from sklearn_snn._engines.compiled.boards import say_what, share, take
from sklearn_snn._engines.compiled.cache import code_key, entry_point
from sklearn_snn._engines.compiled.options import ZERO, compiled, compiled_apart
from sklearn_snn._engines.compiled.views import segment
from sklearn_snn._model.parameters import order_of_weights
from sklearn_snn._utils.workspace import aligned, parts_of

# So that numba renews what it keeps when any code that it consists of changes.
_CODE = code_key(__name__)


class Places(NamedTuple):
    """Where the gradients by weights, biases and recurrent weights are in a chunk.

    Attributes
    ----------
    names : list of (int, str)
        Layer and name of each array, in the order of `parameters.learning`.
    shapes : list of tuples of int
        Their shapes.
    table : ndarray of int64 of shape (n_arrays, 5)
        Where each begins, how far apart its rows are, and how many rows and columns it
        has; and what it is part of: 0 for the gradients of `Sums`, 1 for those of which
        only the rows count that ``has_begun`` says, 2 for ``of_first``, and 3 for the
        gradients again, where columns stand for rows, as those of narrow layers do.
    """

    names: list
    shapes: list
    table: np.ndarray


def places_of(params, layers, n_constants, are_apart, begins_later):
    """Return Places.

    Parameters
    ----------
    params : list of dicts of ndarrays
    layers : Layers
    n_constants : int
        Number of gradients by constants of a neuron.
    are_apart : bool
        Whether the gradients of the first weights are: those of what is multiplied.
    begins_later : bool
        Whether those count of which ``has_begun`` tells that they do.
    """
    names, shapes, table = order_of_weights(params), [], []
    biases, widths = len(layers.whole_weights), layers.widths[1:]
    recurrent = biases + (1 + n_constants) * len(layers.biases)
    for i, name in names:
        shapes.append(params[i][name].shape)
        n_rows, n_columns = shapes[-1] if len(shapes[-1]) == 2 else (1, *shapes[-1])
        start, width, kind = layers.starts[i], widths[i], int(i == 0 and begins_later)
        if name == "intercept":
            start, kind = biases + layers.firsts[i], 0
        elif name == "recurrent":
            start, kind = recurrent + layers.recurrence.starts[i], 0
        elif i == 0 and are_apart:
            start, width, kind = 0, n_columns, 2
        elif layers.are_narrow[i]:
            width, kind = layers.widths[i], 3
        table.append((start, width, n_rows, n_columns, kind))
    return Places(names, shapes, np.array(table, np.int64))


def unpack(places, numbers, has_begun, of_first, count_threads):
    """Return the sum of the gradients of all chunks, added in order.

    Parameters
    ----------
    places : Places
    numbers, has_begun, of_first : ndarrays
        Of all chunks; see `Sums`.
    count_threads : callable
        Returns how many threads to use; only asked where it matters.

    Returns
    -------
    gradients : list of dicts of ndarrays
        Per layer, of the shapes of the parameters.
    """
    names, shapes, table = places
    flat = aligned(np.empty, sum(map(math.prod, shapes)), numbers.dtype)
    with board_for(numbers.size + of_first.size, count_threads) as board:
        _add_up(numbers, has_begun, of_first, table, flat, PART, board)
    gradients = [{} for _ in range(1 + max(i for i, _ in names))]
    for (i, name), array in zip(names, parts_of(flat, shapes), strict=True):
        gradients[i][name] = array
    return gradients


class _Sum(NamedTuple):
    """A pass of `unpack`, a part of which has about so many numbers."""

    numbers: np.ndarray
    has_begun: np.ndarray
    of_first: np.ndarray
    table: np.ndarray
    flat: np.ndarray
    size: int
    board: np.ndarray


@entry_point(_CODE)
def _add_up(numbers, has_begun, of_first, table, flat, size, board):
    call = _Sum(numbers, has_begun, of_first, table, flat, size, board)
    say_what(board, _add_up_parts, call)
    share(board, -(-len(flat) // size))


@compiled
def _add_up_parts(call, part):
    """Add up a part of the rows, and all that nobody else takes.

    To a part belong the rows of which the first number is among its own.
    """
    while part >= 0:
        first, stop, place = part * call.size, (part + 1) * call.size, ZERO
        for i in range(len(call.table)):
            n_rows, n_columns = call.table[i, 2], call.table[i, 3]
            start = max(ZERO, -(-(first - place) // n_columns))
            for r in range(start, min(n_rows, -(-(stop - place) // n_columns))):
                row = segment(call.flat, place + r * n_columns, n_columns)
                if call.table[i, 4] == 3:
                    _add_up_column(call, i, r, row)
                else:
                    _add_up_row(call, i, r, row)
            place += n_rows * n_columns
        part = take(call.board)


@compiled
def _add_up_row(call, i, r, row):
    """Set a row of array ``i`` to the sum of those of all chunks that count."""
    kind, at = call.table[i, 4], call.table[i, 0] + r * call.table[i, 1]
    chunks = call.of_first if kind == 2 else call.numbers
    is_sum = False
    for c in range(len(chunks)):
        if kind != 1 or call.has_begun[c, r]:
            own = segment(chunks, c * chunks.shape[1] + at, len(row))
            _add_row(own, is_sum, row)
            is_sum = True
    if not is_sum:
        for k in range(len(row)):
            row[k] = 0


@compiled
def _add_up_column(call, i, r, row):
    """Do as `_add_up_row`, with a column of array ``i``: they are few and short."""
    for k in range(len(row)):
        at = call.table[i, 0] + k * call.table[i, 1] + r
        row[k] = call.numbers[0, at]
        for c in range(1, len(call.numbers)):
            row[k] += call.numbers[c, at]


@compiled_apart
def _add_row(added, is_sum, row):
    if is_sum:
        for k in range(len(row)):
            row[k] += added[k]
    else:
        for k in range(len(row)):
            row[k] = added[k]
