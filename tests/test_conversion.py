"""from_mlp: a trained network without spikes becomes one of spikes."""

import pickle
import warnings

import joblib
import numpy as np
import pytest
from conversions import (
    TARGETS,
    X,
    activations,
    convert,
    each_target,
    fitted,
    random_mlp,
)
from helpers import assert_same_network
from scipy.special import expit
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

from sklearn_snn import SpikingClassifier, load_model
from sklearn_snn.inspection import TrainingDisplay


def rates_and_scales(mlp, model):
    """Return the firing rates of each hidden layer, and what rate 1 stands for."""
    spikes = model.simulate(X).spikes[:-1]
    scales, below = [], 1.0
    for w, new in zip(mlp.coefs_[:-1], model.coefs_[:-1], strict=True):
        ratio = new / w
        np.testing.assert_allclose(ratio, ratio[0, 0])
        scales.append(below / ratio[0, 0])
        below = scales[-1]
    return [layer.mean(axis=1) for layer in spikes], scales


def answers(model, X):
    """Return what a classifier says of probabilities, or a regressor of numbers."""
    return getattr(model, "predict_proba", model.predict)(X)


@pytest.mark.parametrize("balancing", ["max", "mse", 90.0])
@pytest.mark.parametrize("n_steps", [3, 10, 64])
def test_rates_are_the_nearest_ones_to_activations(n_steps, balancing):
    for seed in range(5):
        mlp, model = convert("classes", seed=seed, n_steps=n_steps, balancing=balancing)
        (rates,), (scale,) = rates_and_scales(mlp, model)
        wanted = np.clip(activations(mlp, X)[0] / scale, 0, 1)
        assert np.abs(rates - wanted).max() <= 0.5 / n_steps + 1e-9
        # Which is not for want of any that are cut off, or between two rates.
        assert (wanted == 1).any()
        assert np.abs(rates - wanted).max() > 0.4 / n_steps


def test_without_a_shift_rates_are_rounded_down():
    mlp, model = convert("classes", n_steps=10, balancing="max", bias_shift=False)
    (rates,), (scale,) = rates_and_scales(mlp, model)
    lacking = activations(mlp, X)[0] / scale - rates
    assert lacking.min() > -1e-9
    assert 0.08 < lacking.max() <= 0.1 + 1e-9


def test_scales_are_the_largest_activation_or_a_percentile():
    for balancing, q in (("max", 100), (99.9, 99.9), (75, 75)):
        mlp, model = convert("classes", (8, 6), balancing=balancing)
        _, scales = rates_and_scales(mlp, model)
        for scale, a in zip(scales, activations(mlp, X), strict=True):
            assert scale == pytest.approx(np.percentile(a[a > 0], q))


@pytest.mark.parametrize("bias_shift", [True, False])
@pytest.mark.parametrize("n_steps", [2, 5])
def test_mse_has_the_least_error_of_rates(n_steps, bias_shift):
    def error(balancing, seed):
        options = {"n_steps": n_steps, "bias_shift": bias_shift, "seed": seed}
        mlp, model = convert("classes", balancing=balancing, **options)
        (rates,), (scale,) = rates_and_scales(mlp, model)
        return np.square(rates * scale - activations(mlp, X)[0]).sum()

    for seed in range(3):
        others = [error(b, seed) for b in ("max", 99.9, 95, 90, 80, 70, 60)]
        assert error("mse", seed) <= min(others) * 1.01
        assert error("mse", seed) < 0.95 * error("max", seed)


def test_the_scale_of_many_activations_is_that_of_all():
    """More of them than are looked at, of which the largest always is."""
    mlp, spiking = random_mlp("classes")
    rows = np.random.default_rng(1).normal(size=(9_000, 5))
    few = spiking.from_mlp(mlp, rows, n_steps=2000)
    largest = activations(mlp, rows)[0].max()
    assert (mlp.coefs_[0] / few.coefs_[0])[0, 0] == pytest.approx(largest, rel=0.05)
    assert spiking.from_mlp(mlp, rows, n_steps=3).coefs_[0].std() > (
        1.5 * few.coefs_[0].std()
    )


@pytest.mark.parametrize("hidden", [(8,), (8, 7, 6)])
@each_target
def test_many_steps_lead_to_the_answers_of_the_mlp(name, hidden):
    errors = []
    for n_steps in (30, 3000):
        mlp, model = convert(name, hidden, n_steps=n_steps, balancing="max")
        unit = getattr(model, "y_scale_", 1.0)
        errors.append(np.abs((answers(model, X) - answers(mlp, X)) / unit).max())
    assert errors[1] < 0.01
    assert errors[1] < errors[0] / 20
    if isinstance(mlp, MLPClassifier):
        assert np.mean(model.predict(X) == mlp.predict(X)) > 0.98
        np.testing.assert_array_equal(model.classes_, mlp.classes_)


@each_target
def test_without_hidden_layers_the_answers_are_those_of_the_mlp(name):
    mlp, model = convert(name, ())
    np.testing.assert_allclose(answers(model, X), answers(mlp, X), rtol=1e-12)
    np.testing.assert_array_equal(model.predict(X).shape, mlp.predict(X).shape)


def test_the_logit_of_two_classes_is_that_of_the_mlp():
    mlp, model = convert("two classes", ())
    logit = X @ mlp.coefs_[0][:, 0] + mlp.intercepts_[0][0]
    np.testing.assert_allclose(model.decision_function(X), logit)
    np.testing.assert_allclose(model.predict_proba(X)[:, 1], expit(logit))


@each_target
def test_both_engines_answer_alike(name):
    _, model = convert(name, (8, 6))
    compiled = model.set_params(engine="numba").predict(X)
    np.testing.assert_array_equal(model.set_params(engine="numpy").predict(X), compiled)


@each_target
def test_it_goes_through_files_and_is_trained_further(name, tmp_path):
    y = TARGETS[name]
    _, model = convert(name, n_steps=4, random_state=3)
    joblib.dump(model, tmp_path / "model.joblib")
    again = load_model(tmp_path / "model.joblib")
    np.testing.assert_array_equal(answers(again, X), answers(model, X))
    assert again._initial_coefs() is None
    before = model.loss_and_gradients(X, y).loss
    for _ in range(5):
        again.partial_fit(X, y)
        model.partial_fit(X, y)
    assert_same_network(pickle.loads(pickle.dumps(again)), model)
    assert model.loss_and_gradients(X, y).loss < before
    assert (model.n_iter_, len(model.loss_curve_), model.t_) == (1, 5, 300)
    # The random order of the rows is that of the seed.
    _, other = convert(name, n_steps=4, random_state=4, batch_size=7)
    _, one = convert(name, n_steps=4, random_state=3, batch_size=7)
    assert other.partial_fit(X, y).loss_ != one.partial_fit(X, y).loss_


def test_training_makes_up_for_few_steps():
    digits, y = load_digits(n_class=5, return_X_y=True)
    digits = digits / 16
    mlp = fitted(MLPClassifier, digits, y, max_iter=60, hidden_layer_sizes=(20, 20))
    params = {"engine": "numpy", "random_state": 0}
    spiking = SpikingClassifier.from_mlp(mlp, digits, n_steps=4, **params)
    plain = {"balancing": "max", "bias_shift": False}
    naive = SpikingClassifier.from_mlp(mlp, digits, n_steps=4, **plain)
    assert spiking.score(digits, y) > mlp.score(digits, y) - 0.02
    assert naive.score(digits, y) < spiking.score(digits, y) - 0.05
    short = SpikingClassifier.from_mlp(mlp, digits, n_steps=1, **params)
    before = short.score(digits, y)
    for _ in range(5):
        short.partial_fit(digits, y)
    assert short.score(digits, y) > before + 0.01


def test_the_unit_of_the_input_does_not_matter_to_training():
    mlp, model = convert("classes", n_steps=4, random_state=0)
    mlp.coefs_[0] = mlp.coefs_[0] / 1024
    other = SpikingClassifier.from_mlp(mlp, X * 1024, n_steps=4, random_state=0)
    before = model.coefs_[0].copy()
    model.partial_fit(X, TARGETS["classes"])
    other.partial_fit(X * 1024, TARGETS["classes"])
    np.testing.assert_allclose(other.coefs_[0] * 1024, model.coefs_[0], rtol=1e-9)
    assert np.abs(model.coefs_[0] - before).max() > 1e-4


def test_fit_begins_anew_and_warm_start_goes_on():
    _, model = convert("classes", max_iter=1, n_iter_no_change=1, random_state=0)
    fresh = clone(model)
    assert model.get_params() == fresh.get_params()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warm = pickle.loads(pickle.dumps(model)).set_params(warm_start=True)
        # A step so small leaves the weights that were converted.
        warm.set_params(learning_rate_init=1e-12).fit(X, TARGETS["classes"])
        np.testing.assert_allclose(warm.coefs_[0], model.coefs_[0])
        assert warm._initial_coefs() is None
        model.fit(X, TARGETS["classes"])
        fresh.fit(X, TARGETS["classes"])
    assert_same_network(model, fresh)
    assert model._initial_coefs()[0].shape == (5, 8)


def test_there_is_no_epoch_to_be_shown():
    _, model = convert("classes")
    assert (model.n_iter_, model.loss_curve_, model.t_) == (0, [], 0)
    with pytest.raises(ValueError, match=r"weights of this .* were made elsewhere"):
        TrainingDisplay.from_estimator(model)


def test_parameters_are_those_of_the_network():
    _, model = convert("number", (8, 6), n_steps=12, learning_rate_init=0.5, beta=2.0)
    assert model.hidden_layer_sizes == (8, 6)
    assert [layer.n_units for layer in model.network_.layers] == [8, 6, 1]
    assert (model.n_steps, model.learning_rate_init, model.beta) == (12, 0.5, 2.0)
    assert model.network_.layers[0].neuron.beta == 2.0
    assert model.n_features_in_ == 5


def test_silent_layers_and_constant_outputs_have_a_scale():
    mlp, spiking = random_mlp("number", (4, 3))
    mlp.intercepts_[1][:] = -1e3
    model = spiking.from_mlp(mlp, X, engine="numpy")
    assert not model.simulate(X).spikes[1].any()
    np.testing.assert_allclose(model.predict(X), mlp.predict(X))
    assert 0 < model.y_scale_ < np.inf


def test_numbers_are_learned_in_their_deviation():
    mlp, model = convert("numbers", n_steps=3000)
    y = mlp.predict(X)
    np.testing.assert_allclose(model.y_mean_, y.mean(axis=0))
    np.testing.assert_allclose(model.y_scale_, y.std(axis=0))
    np.testing.assert_allclose(model.loss_and_gradients(X, y).loss, 0, atol=1e-4)
