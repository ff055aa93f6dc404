"""Arithmetic on whole arrays: compiled as by numpy, however many threads there are."""

import numpy as np
import pytest

from sklearn_snn._engines.compiled import arrays
from sklearn_snn._model import synapses, updates

each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])
each_number_of_threads = pytest.mark.parametrize("n_threads", [1, 3])
NUMBERS = 0.1, 0.001, 0.002 / 0.7, 1.3, 1e-8


@pytest.fixture(autouse=True)
def little_is_large(monkeypatch):
    """Let compiled code, and several threads, take arrays of this size already."""
    monkeypatch.setattr(arrays, "SMALL", 1000)
    monkeypatch.setattr(arrays, "LARGE", 2000)
    monkeypatch.setattr(arrays, "PART", 300)


@each_dtype
@each_number_of_threads
def test_steps_are_those_of_numpy(dtype, n_threads, rng):
    ours = [rng.standard_normal((61, 37)).astype(dtype) for _ in range(4)]
    ours[3] = abs(ours[3])
    theirs = [a.copy() for a in ours]
    arrays.adam(*ours, NUMBERS, lambda: n_threads)
    updates.take_step(*theirs, *NUMBERS)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one, other)


@each_dtype
@each_number_of_threads
def test_outer_products_are_those_of_numpy(dtype, n_threads, rng, monkeypatch):
    matrix = rng.standard_normal((61, 37)).astype(dtype)
    column, row = (rng.standard_normal(n).astype(dtype) for n in matrix.shape)
    expected = matrix - column[:, np.newaxis] * row
    theirs = matrix.copy()
    arrays.subtract_outer(matrix, column, row, lambda: n_threads)
    np.testing.assert_array_equal(matrix, expected)
    monkeypatch.setattr(updates, "MAX_NUMBERS", 100)
    updates.subtract_outer(theirs, column, row)
    np.testing.assert_array_equal(theirs, expected)


def test_a_step_in_blocks_of_rows_is_one_of_all(rng, monkeypatch):
    whole = [abs(rng.standard_normal((50, 9))) for _ in range(4)]
    blocks = [a.copy() for a in whole]
    whole[0][...], whole[2][...], whole[3][...] = updates.adam(*whole, *NUMBERS)
    monkeypatch.setattr(updates, "MAX_NUMBERS", 60)
    updates.take_step(*blocks, *NUMBERS)
    for one, other in zip(whole, blocks, strict=True):
        np.testing.assert_array_equal(one, other)


@each_dtype
@each_number_of_threads
def test_parts_are_added_in_order_without_their_padding(dtype, n_threads, rng):
    parts = rng.standard_normal((5, 8000)).astype(dtype)
    total = np.empty((61, 37), dtype)
    arrays.add_up(parts, None, 100, 48, total, lambda: n_threads)
    in_order = parts[0]
    for part in parts[1:]:
        in_order = in_order + part
    expected = in_order[100 : 100 + 61 * 48].reshape(61, 48)[:, :37]
    np.testing.assert_array_equal(total, expected)


@pytest.mark.parametrize(("dtype", "whole"), [(np.float32, "i4"), (np.float64, "f8")])
def test_weights_in_units_are_those_of_numpy(dtype, whole, rng):
    weights, unit = rng.standard_normal((61, 37)).astype(dtype), dtype(2.0**-20)
    units = np.full((61, 48), 7, whole)
    arrays.to_units(weights, unit, units)
    np.testing.assert_array_equal(units[:, :37], np.rint(weights / unit))
    assert (units[:, 37:] == 7).all()


@pytest.mark.parametrize("n", [1600, 1611])
@each_dtype
def test_sums_of_squares(dtype, n, rng):
    x = rng.standard_normal(n).astype(dtype)
    exact = np.sum(np.square(x, dtype=np.longdouble))
    assert arrays.sum_of_squares(x) == pytest.approx(float(exact), rel=1e-14)
    x[3] = 1e30  # of which the square is no float32
    assert arrays.sum_of_squares(x) == pytest.approx(1e60, rel=1e-6)
    x[5] = np.nan
    assert np.isnan(arrays.sum_of_squares(x))


@pytest.mark.parametrize("shape", [(61, 37), (800, 2)])
@pytest.mark.parametrize(("scale", "decay"), [(0.7, 0.3), (1.0, 0.3), (0.7, 0.0)])
@each_dtype
def test_decay_is_that_of_numpy(dtype, scale, decay, shape, rng):
    ours, weights = (rng.standard_normal(shape).astype(dtype) for _ in "gw")
    theirs = ours.copy()
    squares = arrays.add_decay(ours, weights, scale, decay)
    expected = updates.add_decay(theirs, weights, scale, decay)
    np.testing.assert_array_equal(ours, theirs)
    assert squares == pytest.approx(expected, rel=1e-14)
    assert squares[1] == arrays.sum_of_squares(ours)
    assert squares[0] == (arrays.sum_of_squares(weights) if decay else 0)


@pytest.mark.parametrize("shape", [(61, 37), (1000, 2), (2000, 1)])
@each_dtype
def test_the_largest_current_is_that_of_numpy(dtype, shape, rng):
    """To the bit: what weights are rounded to hangs on it."""
    weights = rng.standard_normal(shape).astype(dtype)
    largest = np.finfo(dtype).max
    for some in ([], [-np.inf], [largest, -largest], [np.nan], [largest, np.nan]):
        weights[5 : 5 + len(some), -1] = some
        ours, theirs = (m.largest_current(weights) for m in (arrays, synapses))
        np.testing.assert_array_equal(ours, theirs)
        is_finite = np.isfinite(weights).all()
        assert np.isfinite(synapses.grid(weights, ours)) == is_finite


def test_what_has_gaps_is_left_to_numpy(rng):
    """Flat, it would be a copy, and the step lost."""
    param = rng.standard_normal((61, 74))[:, ::2]
    before, others = param.copy(), [abs(rng.standard_normal((61, 37))) for _ in "gmv"]
    arrays.adam(param, *others, NUMBERS, lambda: 2)
    assert (param != before).all()
    weights = np.ones((61, 74))[:, ::2]
    before = param.copy()
    arrays.add_decay(param, weights, 1.0, 0.5)
    np.testing.assert_array_equal(param, before + 0.5)
    expected = np.square(param).sum()
    assert arrays.sum_of_squares(param) == pytest.approx(expected, rel=1e-14)
