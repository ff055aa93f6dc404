"""Arithmetic on whole arrays before a batch; who shares passes through large ones.

numpy does the same, to the bit, but with a pass through memory for each operation,
which takes several times as long where arrays do not fit into the nearest cache. Small
ones are left to it.
"""

import numpy as np

from sklearn_snn._engines.compiled import crew
from sklearn_snn._engines.compiled.cache import code_key, entry_point
from sklearn_snn._engines.compiled.options import compiled_apart
from sklearn_snn._engines.compiled.views import segment
from sklearn_snn._model import synapses

# So that numba renews what it keeps when any code that it consists of changes.
_CODE = code_key(__name__)
# What numpy does as fast, and what is worth to wake other threads for.
SMALL, LARGE = 2**14, 2**20
# Numbers that a thread goes through at a time, and how many threads a memory can feed;
# a batch has as many at most.
PART, MOST_THREADS = 2**13, 8


def largest_current(weights):
    """Return the largest sum of weights, without their signs; see `_model.synapses`."""
    # Of one column numpy adds in another order.
    if weights.size < SMALL or len(weights.T) < 2 or not weights.flags.c_contiguous:
        return synapses.largest_current(weights)
    sums = np.zeros(weights.shape[1], weights.dtype)
    _add_sizes(weights, sums)
    return float(sums.max())


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


def board_for(n_numbers, count_threads):
    """Hold a board for a pass through arrays: helpers are woken if it is worthwhile."""
    if n_numbers < LARGE:
        return crew.board(None)
    return crew.board(min(count_threads(), MOST_THREADS))


@entry_point(_CODE)
def _add_sizes(weights, sums):
    for r in range(len(weights)):
        _add_sizes_of(segment(weights, r * len(sums), len(sums)), sums)


@compiled_apart
def _add_sizes_of(row, sums):
    for k in range(len(row)):
        sums[k] += abs(row[k])


@entry_point(_CODE)
def _to_units(weights, unit, whole):
    number = whole.dtype.type
    for r in range(len(weights)):
        for k in range(weights.shape[1]):
            whole[r, k] = number(np.rint(weights[r, k] / unit))
