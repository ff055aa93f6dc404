"""NamedTuples that compiled code passes on by reference have their fields."""

import sys
from typing import NamedTuple

import numpy as np
import pytest
from numba import njit
from numba.core.errors import TypingError

from sklearn_snn._engines.compiled.options import compiled
from sklearn_snn._engines.compiled.references import reference


class Inner(NamedTuple):
    """What another one holds."""

    number: float
    row: np.ndarray


class Outer(NamedTuple):
    """What is passed by reference."""

    inner: Inner
    n: int
    table: np.ndarray


@compiled
def _write(values, i):
    """Write to both arrays, and return what stands elsewhere."""
    values.table[i, 1] = values.inner.number
    values.inner.row[i] += values.n
    return values.n


@compiled
def _write_all(values):
    own, total = reference(values), 0
    for i in range(len(values.table)):
        total += _write(own, i)
    return total


@njit(error_model="numpy")
def _call(values):
    return _write_all(values)


def test_fields_are_those_of_the_tuple_and_arrays_are_not_copied():
    row, table = np.arange(4.0), np.zeros((4, 2), np.float32)
    assert _call(Outer(Inner(2.5, row), 7, table)) == 28
    np.testing.assert_array_equal(row, np.arange(4) + 7)
    np.testing.assert_array_equal(table, [[0, 2.5]] * 4)


def test_a_reference_counts_as_none_to_the_arrays():
    """They go when their last owner does, and not before."""
    row, table = np.arange(4.0), np.zeros((4, 2), np.float32)
    before = sys.getrefcount(row), sys.getrefcount(table)
    for _ in range(3):
        _call(Outer(Inner(2.5, row), 7, table))
    assert (sys.getrefcount(row), sys.getrefcount(table)) == before


def test_another_name_is_an_error_of_the_compiler():
    @njit
    def call(values):
        return reference(values).m

    with pytest.raises(TypingError, match="Unknown attribute 'm' of type Reference"):
        call(Inner(1.0, np.zeros(1)))
