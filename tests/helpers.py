"""Networks that train fast, inputs of every kind, and comparisons of networks."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_snn import (
    PoissonSpikeEncoder,
    SpikeTrains,
    SpikingClassifier,
    SpikingRegressor,
)
from sklearn_snn._model import first_guess

SOLVERS = ("adam", "sgd")
KINDS = ("dense", "float32", "sparse", "sequence", "spikes", "trains")
each_engine = pytest.mark.usefixtures("engine")


def running_counts(record, finer=True):
    """Return the output spikes of a record up to each step.

    If finer, equal counts are told apart by the mean membranes, in thresholds.
    """
    counts = record.spikes[-1].astype(float).cumsum(axis=1)
    if not finer:
        return counts
    u = record.membranes[-1].astype(float)
    n_done = np.arange(1, u.shape[1] + 1)[:, np.newaxis]
    means = u.cumsum(axis=1) / n_done / record.thresholds[-1]
    return counts + np.tanh(means) / 2


# What most tests are about does not depend on the kind of input, as "auto" does.
PLAIN = {
    "readout": "spike_count",
    "reset": "zero",
    "batch_size": 128,
    "n_iter_no_change": 10,
    "centering": False,
    "weight_decay": 1e-5,
    "dropout": 0.0,
}


def use_wide_range(monkeypatch):
    """Let the first guess leave membranes that vary by up to ten thresholds.

    So that the weights of common rows need no scale, which is the unit they learn in.
    """
    for name in ("CONSTANT_RANGE", "MEMBRANE_RANGE"):
        monkeypatch.setattr(first_guess, name, (0.3, 10.0))


def fast(**params):
    """Return a classifier that is trained within milliseconds."""
    return SpikingClassifier(
        **{
            **PLAIN,
            "hidden_layer_sizes": (10,),
            "max_iter": 3,
            "learning_rate_init": 0.02,
            "n_steps": 10,
            "random_state": 0,
            **params,
        }
    )


def regressor(**params):
    """Return a regressor that is trained within milliseconds."""
    small = {"hidden_layer_sizes": (8,), "n_steps": 10, "max_iter": 3}
    small |= {"reset": "zero"}
    return SpikingRegressor(**{**small, "random_state": 0, **params})


def steady(**params):
    """Return a fast one whose epochs do not depend on how many there are."""
    return fast(**{"learning_rate": "constant", **params})


def make_encoder(**params):
    """Return an encoder of few steps."""
    return PoissonSpikeEncoder(**{"n_steps": 10, "random_state": 0, **params})


def make_classifier(**params):
    """Return a classifier that learns a few hundred rows within a second."""
    defaults = {
        **PLAIN,
        "hidden_layer_sizes": (30,),
        "n_steps": 10,
        "learning_rate_init": 0.01,
        "batch_size": 32,
        "max_iter": 10,
        "random_state": 0,
    }
    return SpikingClassifier(**{**defaults, **params})


def spiking(**params):
    """Return a pipeline for intensities."""
    return make_pipeline(make_encoder(), make_classifier(**params))


def tabular(**params):
    """Return a pipeline for the columns of a table."""
    return make_pipeline(StandardScaler(), make_classifier(**params))


def some_digits(n_classes, n_samples=200):
    """Return the first digits of the first classes, from 0 to 1."""
    X, y = load_digits(n_class=n_classes, return_X_y=True)
    return X[:n_samples] / 16, y[:n_samples]


def kinds_of_input(X):
    """Return every kind of input, made of non-negative values of which many are 0."""
    sequence = np.repeat(X[:, None], 4, axis=1) * np.arange(4)[:, None] / 3
    return {
        "dense": X,
        "float32": X.astype(np.float32),
        "sparse": sparse.csr_array(X),
        "sequence": sequence,
        "spikes": sequence > 0.5,
        "trains": SpikeTrains(X / X.max(), 6, seed=3),
    }


def stream(model, X, y, n_calls, **kwargs):
    """Call partial_fit with the same data several times."""
    for _ in range(n_calls):
        model.partial_fit(X, y, classes=np.unique(y), **kwargs)
    return model


def interrupt(*args):
    """Act like Ctrl-C, in the place of some function."""
    raise KeyboardInterrupt


def arrays(model):
    """Return the weights and biases of a network."""
    return [*model.coefs_, *model.intercepts_]


def assert_same_network(a, b):
    """Check that parameters are equal to the bit."""
    for one, other in zip(arrays(a), arrays(b), strict=True):
        np.testing.assert_array_equal(one, other)


def assert_close_network(a, b, rtol=1e-7):
    """Check that parameters are equal up to rounding."""
    for one, other in zip(arrays(a), arrays(b), strict=True):
        np.testing.assert_allclose(one, other, rtol=rtol, atol=1e-12)


def differ(a, b):
    """Tell whether any parameter differs."""
    pairs = zip(arrays(a), arrays(b), strict=True)
    return any(not np.array_equal(one, other) for one, other in pairs)


def assert_same_state(model, before, but=()):
    """Check that all attributes but some are as in a deep copy made before."""
    after = {k: v for k, v in vars(model).items() if k not in but}
    assert after.keys() == before.keys() - set(but)
    for name, value in after.items():
        np.testing.assert_equal(value, before[name], err_msg=name)
