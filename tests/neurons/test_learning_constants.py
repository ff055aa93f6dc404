"""Constants that learn: within their limits at any rate, and never caught there."""

import numpy as np
import pytest
from neurons.cases import ALL, FIRING, TABLE, case_of, stacks, telling
from neurons.checks import Learner, check_limits, put_at_limits

from sklearn_snn._model.parameters import (
    learning,
    limits_of_constants,
    units_of_constants,
)
from sklearn_snn._training.optimizers import SGD, Adam

each_optimizer = pytest.mark.parametrize("optimizer_class", [Adam, SGD])


@pytest.mark.parametrize("learning_rate", [10.0, 1e6, 1e300])
@each_optimizer
@pytest.mark.parametrize("name", ALL)
def test_limits_are_kept_at_any_rate(name, optimizer_class, learning_rate):
    for names, readout in stacks(name):
        with telling(names, readout):
            check_limits(case_of(names, readout), optimizer_class, learning_rate)


@each_optimizer
@pytest.mark.parametrize("end", [0, 1])
@pytest.mark.parametrize("name", ALL)
def test_a_small_step_leaves_a_limit(name, end, optimizer_class):
    for names, readout in stacks(name):
        case = case_of(names, readout)
        learner = Learner(case, optimizer_class)
        put_at_limits(case, end)
        learner.push(1 if end else -1, 1e-3)
        for array, limits in zip(learner.constants, learner.limits, strict=True):
            assert (array != limits[end]).all()


@pytest.mark.parametrize("learning_rate", [0.1, 1e3])
@each_optimizer
@pytest.mark.parametrize("name", ALL)
def test_gradients_of_a_network(name, optimizer_class, learning_rate):
    """Where constants are at a limit, the network still has gradients, and answers."""
    for names, readout in stacks(name):
        case = case_of(names, readout)
        learner = Learner(case, optimizer_class)
        before = [array.copy() for array in learner.constants]
        for _ in range(15):
            step = case.step("numpy")
            gradients = learning(case.network, step.gradients)
            with telling(names, readout):
                assert all(np.isfinite(g).all() for g in gradients)
                learner.step(gradients, learning_rate)
        for array, start in zip(learner.constants, before, strict=True):
            assert not np.array_equal(array, start)


@pytest.mark.parametrize("name", ALL)
def test_order_limits_and_units(name):
    """Weights, biases, and then the constants, layer by layer, as they are named."""
    for names, readout in stacks(name):
        case = case_of(names, readout)
        arrays = learning(case.network, case.params)
        expected = [p[key] for key in ("coef", "intercept") for p in case.params]
        of_constants = []
        for layer, p in zip(case.network.layers, case.params, strict=True):
            of_constants += [
                (layer.neuron, key, p[key]) for key in layer.neuron.learned
            ]
        expected += [array for _, _, array in of_constants]
        assert all(a is b for a, b in zip(arrays, expected, strict=True))
        limits = limits_of_constants(case.network, case.params)
        units = units_of_constants(case.network, case.params)
        for (neuron, key, array), (low, high), unit in zip(
            of_constants, limits, units, strict=True
        ):
            assert (low, high) == neuron.limits(key, array)
            assert unit == neuron.unit(key, array) > 0
            # What there is at first is within, and the unit is no matter of limits.
            assert low <= array.min() < array.max() <= high
            assert unit < 1.01 * (high - low)


@pytest.mark.parametrize("name", ALL)
def test_limits_where_neurons_are_sound(name):
    """Leaks below 1, by which gradients are divided, and thresholds above 0."""
    row = TABLE[name]
    for constant in row.learnable:
        for value in (0.0, 0.5, 0.9, 0.999999):
            low, high = row.neuron.limits(constant, np.full(3, value))
            assert 0 <= low <= value <= high
            if constant in row.neuron.leaks:
                assert high < 1
            if constant == "threshold" and value:
                assert low > 0


@pytest.mark.parametrize("name", FIRING)
def test_the_unit_of_thresholds_that_are_too_large_to_add_up(name):
    """Or their steps, and a warning, would be all that comes of them."""
    unit = TABLE[name].neuron.unit("threshold", np.array([1e308, 1.2e308, 1.4e308]))
    assert unit == pytest.approx(1.2e308)
