"""Passes through whole arrays: compiled as by numpy, however many threads there are."""

import numpy as np
import pytest

from sklearn_snn._engines.compiled import arrays, unpacking
from sklearn_snn._engines.compiled import updates as compiled
from sklearn_snn._model import synapses, updates
from sklearn_snn._training.optimizers import norms

each_dtype = pytest.mark.parametrize("dtype", [np.float32, np.float64])
each_number_of_threads = pytest.mark.parametrize("n_threads", [1, 3])
# Rates, correction and epsilon of Adam; one step.
NUMBERS, STEP = (0.1, 0.001, 1.3, 1e-8), 0.002 / 0.7
# Of arrays that lie behind each other, some of which are small, and one large.
SIZES = np.array([1, 7, 130, 2257, 16, 999, 1000, 3])
ENDS = np.cumsum(SIZES)


@pytest.fixture(autouse=True)
def little_is_large(monkeypatch):
    """Let compiled code, and several threads, take arrays of this size already."""
    monkeypatch.setattr(arrays, "SMALL", 1000)
    monkeypatch.setattr(arrays, "LARGE", 2000)
    monkeypatch.setattr(compiled, "SMALL", 1000)
    monkeypatch.setattr(compiled, "PART", 300)
    monkeypatch.setattr(unpacking, "PART", 300)


@each_dtype
@each_number_of_threads
def test_steps_are_those_of_numpy(dtype, n_threads, rng):
    """Each array takes its own, whatever parts threads cut all of them into."""
    ours = [rng.standard_normal(ENDS[-1]).astype(dtype) for _ in range(4)]
    ours[3] = abs(ours[3])
    theirs, apart = [a.copy() for a in ours], [a.copy() for a in ours]
    steps = [STEP * 2.0**k for k in range(len(ENDS))]
    compiled.take_step(*ours, ENDS, steps, *NUMBERS, count_threads=lambda: n_threads)
    updates.take_step(*theirs, ENDS, steps, *NUMBERS)
    for stop, size, step in zip(ENDS, SIZES, steps, strict=True):
        own = [a[stop - size : stop] for a in apart]
        rate_1, rate_2, *others = NUMBERS
        new = updates.adam(*own, rate_1, rate_2, step, *others)
        for array, numbers in zip((own[0], *own[2:]), new, strict=True):
            array[...] = numbers
    for one, other, third in zip(ours, theirs, apart, strict=True):
        np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(one, third)


def test_a_step_in_blocks_is_one_of_all(rng, monkeypatch):
    whole = [abs(rng.standard_normal(450)) for _ in range(4)]
    blocks = [a.copy() for a in whole]
    rate_1, rate_2, *others = NUMBERS
    new = updates.adam(*whole, rate_1, rate_2, STEP, *others)
    whole[0][...], whole[2][...], whole[3][...] = new
    monkeypatch.setattr(updates, "MAX_NUMBERS", 60)
    updates.take_step(*blocks, np.array([450]), [STEP], *NUMBERS)
    for one, other in zip(whole, blocks, strict=True):
        np.testing.assert_array_equal(one, other)


@each_dtype
def test_outer_products_are_subtracted(dtype, rng, monkeypatch):
    matrix = rng.standard_normal((61, 37)).astype(dtype)
    column, row = (rng.standard_normal(n).astype(dtype) for n in matrix.shape)
    expected = matrix - column[:, np.newaxis] * row
    monkeypatch.setattr(updates, "MAX_NUMBERS", 100)
    updates.subtract_outer(matrix, column, row)
    np.testing.assert_array_equal(matrix, expected)


@pytest.mark.parametrize("n_features", [0, 61])
@pytest.mark.parametrize("has_decay", [True, False])
@each_dtype
def test_gradients_are_finished_as_by_numpy(dtype, has_decay, n_features, rng):
    """First weights about a mean, a large array, small ones, with and without decay."""
    sizes = [61 * 37, 370, 37, 10]
    ends = np.cumsum(sizes)
    weights, ours = (rng.standard_normal(ends[-1]).astype(dtype) for _ in "wg")
    theirs, before = ours.copy(), ours.copy()
    mean, bias = rng.standard_normal(n_features).astype(dtype), slice(ends[1], ends[2])
    scales, decays = [0.7, 2.0, 1.0, 1.0], [0.3 * has_decay, 0.0, 0.0, 0.2]
    pair = [
        module.finish_gradient(weights, grads, ends, scales, decays, mean, grads[bias])
        for module, grads in ((compiled, ours), (updates, theirs))
    ]
    np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_allclose(*pair, rtol=1e-14)
    # Small ones to the bit: what clipping makes of networks hangs on it.
    np.testing.assert_array_equal(pair[0][:, 1:], pair[1][:, 1:])
    assert pair[0][1, 0] == compiled.sum_of_squares(ours[: ends[0]])
    if has_decay:
        assert pair[0][0, 0] == compiled.sum_of_squares(weights[: ends[0]])
    if n_features:
        first = before[: ends[0]].reshape(61, 37)
        first -= mean[:, np.newaxis] * before[bias]
    for k, (stop, size) in enumerate(zip(ends, sizes, strict=True)):
        some = slice(stop - size, stop)
        expected = dtype(scales[k]) * before[some] + dtype(decays[k]) * weights[some]
        np.testing.assert_array_equal(ours[some], expected)
        exact = [
            np.sum(np.square(a[some], dtype=np.longdouble)) for a in (weights, ours)
        ]
        exact[0] *= decays[k] != 0
        assert pair[0][:, k] == pytest.approx(np.array(exact, float), rel=1e-14)


@each_dtype
def test_squares_of_small_arrays_are_added_up_as_by_numpy(dtype, rng, monkeypatch):
    """To the bit, of any size that is small."""
    monkeypatch.setattr(compiled, "SMALL", 2**14)
    sizes = [*range(1, 140), 255, 256, 257, 1000, 1023, 4097, 8191, 16382, 16383]
    x = rng.standard_normal(16383).astype(dtype)
    for size in sizes:
        squares = compiled.finish_gradient(
            x[:size],
            x[:size].copy(),
            np.array([size]),
            [1.0],
            [1.0],
            np.empty(0, dtype),
            x[:0],
        )
        assert squares[0, 0] == updates.sum_of_squares(x[:size]), size


@pytest.mark.parametrize("size", [130, 2257])
def test_squares_that_are_no_float32(size):
    for value in (1e30, np.inf, np.nan):
        weights, grads = np.full((2, size), value, np.float32)
        arguments = np.array([size]), [1.0], [1e-9], weights[:0], weights[:0]
        (of_weights,), (of_grads,) = compiled.finish_gradient(
            weights, grads, *arguments
        )
        for square in of_weights, of_grads:
            expected = size * np.float64(np.float32(value)) ** 2
            np.testing.assert_allclose(square, expected, rtol=1e-6)


@each_dtype
@each_number_of_threads
def test_parts_are_added_in_order_without_their_padding(dtype, n_threads, rng):
    """Of arrays of many shapes, each from its own place; see `unpacking.Places`."""
    parts, first = (rng.standard_normal((5, n)).astype(dtype) for n in (8000, 610))
    table = [[0, 10, 61, 10, 2], [100, 48, 61, 37, 0], [3500, 64, 61, 3, 3]]
    table += [[7000, 37, 1, 37, 0], [7100, 16, 16, 11, 0]]
    names = [(0, "coef"), (1, "coef"), (2, "coef"), (1, "intercept"), (1, "recurrent")]
    shapes = [(61, 10), (61, 37), (61, 3), (37,), (16, 11)]
    places = unpacking.Places(names, shapes, np.array(table))
    has_begun = np.zeros((5, 61), np.uint8)
    lowest, above, narrow = unpacking.unpack(
        places, parts, has_begun, first, lambda: n_threads
    )
    in_order, of_first = parts[0], first[0]
    for part, more in zip(parts[1:], first[1:], strict=True):
        in_order, of_first = in_order + part, of_first + more
    expected = in_order[100 : 100 + 61 * 48].reshape(61, 48)[:, :37]
    np.testing.assert_array_equal(above["coef"], expected)
    np.testing.assert_array_equal(above["intercept"], in_order[7000:7037])
    expected = in_order[7100 : 7100 + 256].reshape(16, 16)[:, :11]
    np.testing.assert_array_equal(above["recurrent"], expected)
    np.testing.assert_array_equal(lowest["coef"], of_first.reshape(61, 10))
    transposed = in_order[3500 : 3500 + 192].reshape(3, 64)[:, :61]
    np.testing.assert_array_equal(narrow["coef"], transposed.T)
    assert lowest.keys() == narrow.keys() == {"coef"}


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
    assert compiled.sum_of_squares(x) == pytest.approx(float(exact), rel=1e-14)
    x[3] = 1e30  # of which the square is no float32
    assert compiled.sum_of_squares(x) == pytest.approx(1e60, rel=1e-6)
    assert norms([x], compiled.sum_of_squares) == pytest.approx([1e30], rel=1e-6)
    x[5] = np.nan
    assert np.isnan(compiled.sum_of_squares(x))


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
    x = rng.standard_normal((61, 74))[:, ::2]
    expected = np.square(x).sum()
    assert compiled.sum_of_squares(x) == pytest.approx(expected, rel=1e-14)
