"""When the gradient goes through the reset, and what is learned where it does."""

import numpy as np
import pytest

from sklearn_snn import SpikingClassifier
from sklearn_snn._model.neurons.resets import is_reset_stable
from sklearn_snn.neurons import LIF


@pytest.fixture
def blobs(rng):
    y = np.arange(60) % 3
    return rng.normal(size=(60, 5)) + 3 * np.eye(3, 5)[y], y


@pytest.mark.parametrize(
    ("stable", "others"),
    [
        (True, {}),
        (True, {"alpha": 0.5, "threshold": 1.5}),  # alpha kappa = 0.94
        (False, {"alpha": 0.5, "threshold": 1.7}),  # 1.06
        (False, {"threshold": 2.0}),
        (False, {"threshold": 1e308}),
        (False, {"beta": 10.0}),
        (False, {"alpha": 0.99}),  # remembers 100 steps
        (True, {"alpha": 0.99, "recurrent": True}),
        (False, {"threshold": 2.0, "recurrent": True}),
        (True, {"alpha": 0.9, "threshold": 1.6, "reset": "subtract"}),  # 1 - 2
        (
            False,
            {"alpha": 0.9, "threshold": 1.8, "reset": "subtract"},
        ),  # 0.9 (1 - 2.25)
        (True, {"threshold": 100.0, "reset": "none"}),
        (False, {"surrogate": "atan"}),  # peaks at beta / 2
    ],
)
def test_when_the_gradient_goes_through_the_reset(stable, others):
    defaults = {"alpha": 0.95, "threshold": 0.6, "beta": 5.0}
    defaults |= {"surrogate": "sigmoid", "reset": "zero"}
    assert is_reset_stable(**defaults | others) is stable


def test_auto_detaches_where_it_has_to(blobs):
    for params, detached in (({}, False), ({"threshold": 2.0}, True)):
        fits = {
            choice: SpikingClassifier(
                (6,), max_iter=3, random_state=0, detach_reset=choice, **params
            ).fit(*blobs)
            for choice in ("auto", True, False)
        }
        for choice in (True, False):
            same = np.array_equal(fits["auto"].coefs_[0], fits[choice].coefs_[0])
            assert same is (choice is detached)


def slow_waves(n_samples, rng):
    """Return waves of one of four periods, in any phase, and which it is."""
    y = rng.integers(4, size=n_samples)
    phase = rng.uniform(0, 2 * np.pi, size=n_samples)
    angle = 2 * np.pi * np.arange(80)[:, np.newaxis] / np.array([16, 24, 36, 54])[y]
    wave = np.sin(angle + phase).T
    return np.stack([wave, -wave], axis=2).astype(np.float32), y


def test_recurrent_neurons_that_remember_long_learn():
    """Detached from the resets, the gradient is 1e6 times as large, and noise."""
    rng = np.random.default_rng(0)
    model = SpikingClassifier(
        (40,),
        neuron=LIF(alpha=(0.85, 0.975)),
        recurrent=True,
        readout="soft_count",
        learning_rate_init=0.005,
        batch_size=32,
        max_iter=20,
        random_state=0,
    )
    model.fit(*slow_waves(400, rng))
    assert model.score(*slow_waves(400, rng)) > 0.65
    assert model.grad_norm_curve_[-1].max() < 2
