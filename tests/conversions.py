"""Random networks without spikes, and what they become."""

import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier, MLPRegressor

from sklearn_snn import SpikingClassifier, SpikingRegressor

X = np.random.default_rng(0).normal(size=(60, 5))
TARGETS = {
    "classes": np.arange(60) % 3,
    "two classes": np.array(["no", "yes"])[np.arange(60) % 2],
    "labels": np.stack([np.arange(60) % 2, np.arange(60) % 3 == 0], 1).astype(int),
    "number": X[:, 0] * 30 + 100,
    "numbers": np.stack([X[:, 0] * 30 + 100, X[:, 1] / 1000], 1),
}
each_target = pytest.mark.parametrize("name", TARGETS)


def fitted(kind, X=X, y=TARGETS["classes"], max_iter=1, **params):
    """Return an estimator after so many epochs."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return kind(max_iter=max_iter, random_state=0, **params).fit(X, y)


def random_mlp(name, hidden=(8,), seed=0, X=X):
    """Return a fitted MLP whose weights are random, and the class that converts it."""
    y = TARGETS[name][: X.shape[0]]
    kinds = MLPClassifier, SpikingClassifier
    if name.startswith("number"):
        kinds = MLPRegressor, SpikingRegressor
    mlp = fitted(kinds[0], X, y, hidden_layer_sizes=hidden)
    rng = np.random.default_rng(seed)
    mlp.coefs_ = [rng.normal(size=w.shape, scale=0.6) for w in mlp.coefs_]
    mlp.intercepts_ = [rng.normal(size=b.shape, scale=0.3) for b in mlp.intercepts_]
    return mlp, kinds[1]


def convert(name, hidden=(8,), seed=0, X=X, **params):
    """Return a random MLP and what it becomes."""
    mlp, spiking = random_mlp(name, hidden, seed)
    return mlp, spiking.from_mlp(mlp, X, **{"engine": "numpy", **params})


def activations(mlp, X):
    """Return those of each hidden layer."""
    layers = []
    for w, b in zip(mlp.coefs_[:-1], mlp.intercepts_[:-1], strict=True):
        layers.append(np.maximum((layers[-1] if layers else X) @ w + b, 0))
    return layers
