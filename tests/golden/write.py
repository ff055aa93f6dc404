"""Write golden files: models of the present version, and what they answer.

    python tests/golden/write.py

Makes the folder of this version beside itself, once, when a version is released. The
tests load the files of all versions, for ever: a file that is there is never changed.
"""

import pickle
import sys
import warnings
from pathlib import Path

import joblib
import numpy as np
import skops.io
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_snn import (
    PoissonSpikeEncoder,
    SpikingClassifier,
    SpikingRegressor,
    __version__,
)
from sklearn_snn.neurons import CUBA, AdLIF

SHORT = {"n_steps": 10, "max_iter": 15, "batch_size": 32, "learning_rate_init": 0.01}
# What 0.5.0 has by default, and none before had.
SHORT |= {"centering": False, "dropout": 0.0}
# Defaults of 0.1.0 that became others.
PLAIN = {"reset": "zero", "n_iter_no_change": 10, "weight_decay": 1e-5}


def classifier(**params):
    """Return a classifier that is trained in a moment."""
    params = {"random_state": 0, **SHORT, **PLAIN, **params}
    params = {"hidden_layer_sizes": (12,), "readout": "spike_count", **params}
    return SpikingClassifier(**params)


def regressor(**params):
    """Return a regressor that is trained in a moment."""
    params = {"readout": "membrane_mean", **SHORT, **PLAIN, **params}
    return SpikingRegressor((12,), random_state=0, **params)


def data():
    """Return X of each kind and its y."""
    iris, flowers = load_iris(return_X_y=True)
    iris = StandardScaler().fit_transform(iris)
    digits, numbers = load_digits(n_class=4, return_X_y=True)
    digits, numbers = digits[:200], numbers[:200]
    rng = np.random.default_rng(0)
    direction = rng.integers(2, size=120)
    spikes = np.zeros((120, 30, 8), np.uint8)
    for i, is_down in enumerate(direction):
        channels = np.arange(8)[::-1] if is_down else np.arange(8)
        spikes[i, 3 + 3 * np.arange(8) + rng.integers(-1, 2, 8), channels] = 1
    wave = rng.normal(size=(90, 20, 3)).astype(np.float32)
    wave[:30, :, 0] += 1
    wave[30:60, :, 1] += 1
    return {
        "table": (iris, flowers),
        "float32 table": (iris.astype(np.float32), np.array(list("abc"))[flowers]),
        "images": (digits, numbers),
        "spikes": (spikes, np.array(["up", "down"])[direction]),
        "wave": (wave, np.repeat([3, 5, 9], 30)),
        "labels": (iris, np.column_stack([flowers > 0, iris[:, 0] > 0]).astype(int)),
        "number": (iris[:, :3], 5 + 2 * iris[:, 3]),
        "numbers": (iris[:, :2], iris[:, 2:]),
    }


def models():
    """Return name: (kind of data, new model) of all that is kept."""

    def encoder(**params):
        return PoissonSpikeEncoder(n_steps=10, random_state=0, **params)

    found = {}
    for engine in ("numpy", "numba"):
        for kind in ("table", "float32 table", "spikes", "wave"):
            found[f"{kind}, {engine}"] = kind, classifier(engine=engine)
        model = make_pipeline(encoder(), classifier(engine=engine))
        found[f"images, {engine}"] = "images", model
    deep = {"hidden_layer_sizes": (10, 6), "reset": "subtract", "surrogate": "atan"}
    watched = {"early_stopping": True, "class_weight": {"a": 1, "b": 2.5, "c": 3}}
    learned = {"learn_neuron": True, "readout": "membrane_mean"}
    loud = {"logit_scale": 1.5, "detach_reset": True, "alpha": 0.8, "threshold": 0.4}
    return found | {
        "deep": ("table", classifier(**deep)),
        "watched": ("float32 table", classifier(**watched)),
        "loud": ("wave", classifier(reset="none", surrogate="triangular", **loud)),
        "long memory": ("table", classifier(alpha=0.99, surrogate="fast_sigmoid")),
        "no hidden layer": ("table", classifier(hidden_layer_sizes=(), solver="sgd")),
        "stream, adam": ("table", classifier(solver="adam")),
        "stream, sgd": ("table", classifier(solver="sgd", learning_rate="invscaling")),
        "adaptive": ("wave", classifier(neuron="adlif", readout="membrane_mean")),
        "adaptive, spread": ("wave", classifier(neuron=AdLIF(rho=(0.8, 0.97)))),
        "adaptive, learned": ("wave", classifier(neuron="adlif", learn_neuron=True)),
        "current-based": ("wave", classifier(neuron="cuba")),
        "current-based, spread": ("wave", classifier(neuron=CUBA(None, (0.5, 0.9)))),
        "current-based, learned": ("spikes", classifier(neuron="cuba", **learned)),
        "leaks learned": ("spikes", classifier(learn_neuron=["alpha", "threshold"])),
        "labels": ("labels", classifier()),
        "labels, membranes": ("labels", classifier(readout="membrane_mean")),
        "number": ("number", regressor()),
        "numbers": ("numbers", regressor(neuron="adlif", learn_neuron="rho")),
        "defaults": ("table", SpikingClassifier((12,), random_state=0, **SHORT)),
        "defaults of tables": (
            "table",
            SpikingClassifier((12,), n_steps=10, max_iter=15, random_state=0),
        ),
        "defaults in time": ("wave", SpikingClassifier((12,), random_state=0, **SHORT)),
        "soft count": ("spikes", classifier(readout="soft_count", readout_alpha=0.8)),
        "last membrane": (
            "wave",
            classifier(readout="membrane_last", learn_neuron="readout_alpha"),
        ),
        "mean of softmax": (
            "wave",
            classifier(readout="softmax_mean", logit_scale=4.0, readout_start=3),
        ),
        "held back": (
            "spikes",
            classifier(dropout=0.3, rate_bounds=(0.05, 0.3), engine="numpy"),
        ),
        "encoder": ("images", encoder(max_rate=0.8)),
        "encoder by feature": ("images", encoder(scaling="feature")),
        "new": ("table", classifier(beta=3.0)),
    }


def answers(model, X):
    """Return what a fitted model says of X, as a dict of arrays."""
    if isinstance(model, PoissonSpikeEncoder):
        return {"transform": np.packbits(np.asarray(model.transform(X)))}
    names = "decision_function", "predict", "predict_proba"
    return {name: getattr(model, name)(X) for name in names if hasattr(model, name)}


def main():
    """Write all files."""
    folder = Path(__file__).parent / __version__
    if folder.exists():
        sys.exit(f"{folder} is there already: golden files are never changed.")
    folder.mkdir()
    warnings.simplefilter("ignore", ConvergenceWarning)
    kinds, expected = data(), {}
    for kind, (X, _) in kinds.items():
        expected[f"X, {kind}"] = X
    for name, (kind, model) in models().items():
        X, y = kinds[kind]
        if name.startswith("stream"):
            for rows in (slice(0, 150, 2), slice(1, 150, 2)) * 10:
                model.partial_fit(X[rows], y[rows], classes=np.unique(y))
        elif name != "new":
            model.fit(X, y)
        if name != "new":
            for method, answer in answers(model, X).items():
                expected[f"{name}: {method}"] = answer
        stem = name.replace(", ", "-").replace(" ", "_")
        (folder / f"{stem}.pickle").write_bytes(pickle.dumps(model, protocol=4))
        joblib.dump(model, folder / f"{stem}.joblib", compress=3)
        skops.io.dump(model, folder / f"{stem}.skops")
    np.savez_compressed(folder / "expected.npz", **expected)


if __name__ == "__main__":
    main()
