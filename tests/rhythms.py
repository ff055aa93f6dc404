"""Sines with what each of their steps is, and small estimators of such targets."""

import numpy as np

from sklearn_snn import SpikingClassifier, SpikingRegressor

N_STEPS, PERIOD = 30, 12
NAMES = np.array(["rising", "high", "falling", "low"])
SETTINGS = {
    "hidden_layer_sizes": (30,),
    "per_step": True,
    "alpha": 0.8,
    "readout_alpha": 0.5,
    "learning_rate_init": 0.01,
    "batch_size": 20,
    "max_iter": 40,
    "random_state": 0,
    "engine": "numpy",
}


def classifier(**params):
    return SpikingClassifier(**SETTINGS | {"max_iter": 3} | params)


def regressor(**params):
    return SpikingRegressor(**SETTINGS | {"max_iter": 3} | params)


def rhythms(n_samples=60, n_steps=N_STEPS, seed=0):
    """Return sines of any phase, the quarter that each step is in, and what is next."""
    rng = np.random.default_rng(seed)
    turns = np.arange(n_steps + 1) / PERIOD + rng.random((n_samples, 1))
    sine = np.sin(2 * np.pi * turns)
    quarters = NAMES[np.floor(4 * turns).astype(int) % 4]
    return sine[:, :-1, np.newaxis], quarters[:, :-1], sine[:, 1:]


X, PHASES, NEXT = rhythms()
