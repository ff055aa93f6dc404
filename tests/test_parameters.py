"""Parameters: how they are drawn, copied and ordered, and how constants are spread."""

from itertools import pairwise

import numpy as np
import pytest
from networks import initial_params, lif, network_of

from sklearn_snn._model.neurons.constants import leak_of, spread
from sklearn_snn._model.parameters import (
    copied,
    initial_weights,
    learning,
    limits_of_constants,
    part,
    units_of_constants,
)

SIZES = [30, 20, 4]


def test_weights_are_drawn_alike_for_all_types():
    double, single = (
        initial_weights(SIZES, dtype, np.random.RandomState(3))
        for dtype in (np.float64, np.float32)
    )
    for (n_inputs, n_units), w, w_single in zip(
        pairwise(SIZES), double[0], single[0], strict=True
    ):
        assert w.shape == (n_inputs, n_units)
        assert w_single.dtype == np.float32
        np.testing.assert_array_equal(w.astype(np.float32), w_single)
        assert 0.9 / np.sqrt(n_inputs) < np.abs(w).max() < 1 / np.sqrt(n_inputs)
    for of_type, dtype in ((double, np.float64), (single, np.float32)):
        assert all(b.dtype == dtype and not b.any() for b in of_type[1])


def test_copies_are_others():
    params = initial_params(lif(), SIZES, np.float32, 0)
    copy = copied(params)
    for p, q in zip(params, copy, strict=True):
        assert [*p] == [*q] == ["coef", "intercept", "alpha", "threshold"]
        for name, array in p.items():
            assert q[name].dtype == array.dtype
            np.testing.assert_array_equal(q[name], array)
            assert not np.shares_memory(q[name], array)


def test_what_learns_is_not_copied():
    """An optimizer changes it in place."""
    neurons = lif(learned=("threshold",))
    params = initial_params(neurons, SIZES, np.float32, 0)
    network = network_of(neurons, SIZES)
    arrays = learning(network, params)
    kinds = "coef", "intercept", "threshold"
    expected = [array for name in kinds for array in part(params, name)]
    assert all(a is b for a, b in zip(arrays, expected, strict=True))
    assert len(learning(network_of(lif(), SIZES), params)) == 4
    assert len(limits_of_constants(network, params)) == 2
    assert units_of_constants(network, params) == [pytest.approx(0.6)] * 2


# Numbers that are spread over the neurons of a layer


def test_a_number_is_that_of_all_neurons():
    for value in (0.6, np.float32(0.6), 1):
        numbers = spread(value, 4)
        assert numbers.dtype == np.float64
        np.testing.assert_array_equal(numbers, np.full(4, float(value)))
        np.testing.assert_array_equal(
            spread((value, value), 4, over_time=True), numbers
        )


def test_a_pair_is_spread_evenly():
    np.testing.assert_allclose(spread((0.5, 2.0), 4), [0.5, 1, 1.5, 2])
    np.testing.assert_allclose(spread((2.0, 0.5), 4), [2, 1.5, 1, 0.5])
    np.testing.assert_array_equal(spread((0.5, 2.0), 1), [0.5])


def test_leaks_are_spread_evenly_in_time():
    """Their ends are the numbers of the pair, not what rounding makes of them."""
    leaks = spread((leak_of(5), leak_of(25)), 5, over_time=True)
    np.testing.assert_allclose(-1 / np.log(leaks), [5, 10, 15, 20, 25])
    for low, high in ((0.5, 0.97), (0.0, 0.9), (0.9, 0.1), (0.3, 1 - 2**-53)):
        leaks = spread((low, high), 7, over_time=True)
        assert (leaks[0], leaks[-1]) == (low, high)
        assert (np.diff(leaks) * (high - low) >= 0).all()


def test_no_memory_at_all():
    """A leak of 0 has a time constant of 0."""
    leaks = spread((0.0, leak_of(10)), 3, over_time=True)
    np.testing.assert_allclose(leaks, [0, leak_of(5), leak_of(10)])
