"""Fine-tuning: gradients of the rounded network move the numbers before rounding."""

import numpy as np
import pytest
from helpers import fast
from quantized import fitted, inputs, targets
from sklearn.datasets import load_digits

from sklearn_snn import SpikeTrains, SpikingClassifier, SpikingRegressor
from sklearn_snn.quantization import QuantizedSpikingClassifier, quantize
from sklearn_snn.quantization._base import _Rounding
from sklearn_snn.quantization._fine_tuning import fine_tuned
from sklearn_snn.quantization._layers import Precision

COARSE = Precision(2, "power_of_two", 12, 6, 32)
# So large that steps stand out from rounding.
RATE = 10.0


def plain_sgd(**params):
    """Return a classifier whose step is that of plain gradient descent."""
    plain = {"solver": "sgd", "momentum": 0.0, "nesterovs_momentum": False}
    plain |= {"weight_decay": 0.0, "max_grad_norm": None, "batch_size": 300}
    return fast(engine="numpy", **plain | params)


@pytest.mark.parametrize("kind", ["spikes", "signed"])
def test_a_step_is_by_the_gradient_of_the_rounded_network(kind):
    """From the numbers as they were: straight through the rounding, and the input's."""
    X, y = inputs(kind), targets("classes")
    model = plain_sgd(recurrent=True, centering=True).fit(X, y)
    options = {"bits": COARSE.bits, "leak": COARSE.leak}
    quantized = quantize(model, **options)
    levels = quantized._levels_
    make = _Rounding(model, COARSE, levels)
    params = fine_tuned(model, (X, y, None), make.on_grid, levels, 1, RATE)
    rounded = quantized.to_estimator()
    step = rounded.loss_and_gradients(levels.values(X, np.float64), y)
    for index, p in enumerate(params):
        unit = model._initial_scales_[index]
        expected = model.coefs_[index] - RATE * unit**2 * step.coef_grads[index]
        np.testing.assert_allclose(p["coef"], expected, rtol=1e-4, atol=1e-5)
        expected = model.intercepts_[index] - RATE * step.intercept_grads[index]
        np.testing.assert_allclose(p["intercept"], expected, rtol=1e-4, atol=1e-5)
    moved = params[0]["recurrent"] - model.recurrent_coefs_[0]
    expected = -RATE * model._recurrent_scales_[0] ** 2 * step.recurrent_grads[0]
    np.testing.assert_allclose(moved, expected, rtol=1e-3, atol=1e-5)
    assert np.abs(expected).max() > 1e-3


def test_no_neuron_is_left_out_unless_it_is_said():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(120, 8))
    y, found = (X[:, 0] > 0).astype(int), {}
    model = fast(hidden_layer_sizes=(30,), engine="numpy").fit(X, y)
    for dropout in ("auto", 0.0, 0.2):
        tuned = quantize(model.set_params(dropout=dropout), 4, X=X, y=y, epochs=2)
        found[dropout] = tuned.to_estimator().coefs_[0]
    np.testing.assert_array_equal(found["auto"], found[0.0])
    assert not np.array_equal(found["auto"], found[0.2])


def digits():
    """Return digits as spike trains, for training and others, and their labels."""
    X, y = load_digits(return_X_y=True)
    trains = SpikeTrains(X / 16, 12, seed=1)
    return trains[:900], trains[900:], y[:900], y[900:]


def test_two_bits_cost_less_after_it_and_always_the_same():
    X, X_test, y, y_test = digits()
    model = SpikingClassifier((30,), max_iter=6, learning_rate_init=0.01)
    model.set_params(random_state=0, engine="numpy").fit(X, y)
    score = model.score(X_test, y_test)
    assert score > 0.85
    assert quantize(model).score(X_test, y_test) > score - 0.01
    assert quantize(model, 4).score(X_test, y_test) > score - 0.03
    coarse = quantize(model, 2)
    tuned = [quantize(model, 2, X=X, y=y, epochs=2) for _ in range(2)]
    assert coarse.score(X_test, y_test) < score - 0.05
    assert tuned[0].score(X_test, y_test) > coarse.score(X_test, y_test) + 0.05
    for a, b in zip(*(q.layers_ for q in tuned), strict=True):
        np.testing.assert_array_equal(a.weights, b.weights)
        np.testing.assert_array_equal(a.threshold, b.threshold)
        assert set(np.unique(a.weights)) == {-1, 0, 1}


@pytest.mark.parametrize(
    "params",
    [
        {"bptt_steps": 5},
        {"dropout": 0.3, "rate_bounds": (0.1, 0.2), "learn_neuron": True},
        {"neuron": "cuba", "class_weight": {3: 0.0}, "readout": "membrane_max"},
    ],
    ids=["truncated", "restrained", "weighed"],
)
def test_it_takes_what_fit_takes(params):
    X, y = inputs("trains"), targets("classes")
    model = fast(engine="numpy", **params).fit(X, y)
    options = {"bits": 3, "leak": "power_of_two", "learning_rate_init": 0.01}
    tuned = quantize(model, X=X, y=y, epochs=2, **options)
    before = quantize(model, **options)
    assert (tuned.layers_[0].weights != before.layers_[0].weights).any()
    loss = [
        q.to_estimator().loss_and_gradients(X[y != 3], y[y != 3]).loss
        for q in (tuned, before)
    ]
    assert loss[0] < loss[1]


def test_regressors_and_fits_take_it_too():
    X, y = inputs("trains"), targets("numbers")
    model = fitted("numbers")
    assert isinstance(model, SpikingRegressor)
    tuned = quantize(model, 2, X=X, y=y, epochs=3, learning_rate_init=0.02)
    assert tuned.score(X, y) > quantize(model, 2).score(X, y) + 0.02
    X, y = inputs("signed"), targets("classes")
    base = fast(engine="numpy")
    in_fit = QuantizedSpikingClassifier(base, bits=2, epochs=2).fit(X, y)
    after = quantize(base.fit(X, y), 2, X=X, y=y, epochs=2)
    np.testing.assert_array_equal(
        in_fit.decision_function(X), after.decision_function(X)
    )


def test_a_constant_number_keeps_its_unit(rng):
    """Integers are read in the unit of the fit: what varies now cannot be learned."""
    X = rng.normal(size=(60, 3))
    y = np.column_stack([X[:, 0], np.full(60, 7.0)])
    model = SpikingRegressor((9,), random_state=0, engine="numpy", max_iter=5)
    model.fit(X, y)
    options = {"bits": 8, "X": X, "epochs": 5, "learning_rate_init": 0.05}
    tuned = quantize(model, y=y, **options)
    others = quantize(model, y=np.column_stack([y[:, 0], 7 + X[:, 1]]), **options)
    np.testing.assert_array_equal(others.predict(X)[:, 1], 7)
    np.testing.assert_array_equal(others.predict(X), tuned.predict(X))
