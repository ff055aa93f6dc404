"""Run networks that were trained on MNIST in other simulators, and compare all spikes.

    SKLEARN_SNN_DATA=FOLDER python benchmarks/nir_exchange.py
        [--train 10000] [--epochs 3] [--images 200] [--steps 100] [--hidden 100]

Each network is trained on spike trains, in float32, and then computes in float64. It is
written by `to_nir`, to a file, and read from there by snnTorch, SpikingJelly and norse,
which are fed the same spikes of test images, and by `from_nir`. Two rows are of each
network: as it was trained, and without its biases.

"spikes" is how many spikes there were in all layers; "differ" counts (neuron, step)
whose spike is another one, and "images" those in which there are any; "nearest" is how
far from its threshold the membrane was, here, that was the first to differ, at most.
Rounding alone makes that less than 1e-5 where weights are of float32. "labels" is the
share of images for which the output spikes count up to the same label. What a backend
refuses stands in its row instead.
"""

import argparse
import os
import tempfile
import warnings
from pathlib import Path

import nir
import numpy as np
from nir_readers import BACKENDS, first_differences, spikes_in

from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier
from sklearn_snn.datasets import fetch_mnist
from sklearn_snn.nir import from_nir, nir_compatibility, to_nir


def networks(n_hidden):
    """Return the parameters of each network, by name."""
    return {
        "1 hidden layer": {"hidden_layer_sizes": (n_hidden,)},
        "2 hidden layers": {"hidden_layer_sizes": (n_hidden,) * 2},
        "3 hidden layers": {"hidden_layer_sizes": (n_hidden,) * 3},
        "recurrent": {"hidden_layer_sizes": (n_hidden,), "recurrent": True},
        "cuba": {"hidden_layer_sizes": (n_hidden,), "neuron": "cuba"},
        "alpha=1": {"hidden_layer_sizes": (n_hidden,), "alpha": 1.0},
        "alpha=0": {"hidden_layer_sizes": (n_hidden,), "alpha": 0.0},
    }


def compared(record, spikes):
    """Return a row's numbers: spikes, differences, images, nearest, labels."""
    pairs = [*zip(record.spikes, spikes, strict=True)]
    differ = [a != b for a, b in pairs]
    images = np.any([d.any(axis=(1, 2)) for d in differ], axis=0)
    distances = first_differences(record, spikes)
    labels = [s.sum(axis=1, dtype=int).argmax(axis=1) for s in pairs[-1]]
    return (
        sum(int(s.sum()) for s, _ in pairs),
        sum(int(d.sum()) for d in differ),
        int(images.sum()),
        max(distances, default=0.0),
        float(np.mean(labels[0] == labels[1])),
    )


def print_rows(name, model, X, y, folder):
    """Print the rows of a network: one for each simulator, and that of `from_nir`."""
    path = Path(folder) / "network.nir"
    to_nir(model, path)
    graph, record = nir.read(path), model.simulate(X, inputs=False)
    report = nir_compatibility(model)
    score = np.mean(model.predict(X) == y)
    print(f"\n{name}: accuracy {score:.3f}, {path.stat().st_size / 2**10:.0f} KiB")
    for backend in BACKENDS:
        try:
            spikes = spikes_in(backend, graph, X)
        except (ValueError, AssertionError) as error:
            print(f"  {backend:<13}refuses: {error} ({report[backend].reason})")
            continue
        n_spikes, n, n_images, nearest, labels = compared(record, spikes)
        print(
            f"  {backend:<13}{n_spikes:>10,} spikes {n:>8} differ {n_images:>5} images"
            f"{nearest:>11.1e} nearest {labels:>8.3f} labels"
        )
    same = from_nir(path)
    is_same = np.array_equal(same.predict_proba(X), model.predict_proba(X))
    print(f"  from_nir: probabilities the same to the bit: {is_same}")


def main():
    """Train, write, run and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("train", 10_000), ("epochs", 3), ("images", 200)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--hidden", type=int, default=100)
    args = parser.parse_args()
    if "SKLEARN_SNN_DATA" not in os.environ:
        parser.error("SKLEARN_SNN_DATA must name the folder with MNIST")
    warnings.simplefilter("ignore")
    X_train, y_train = fetch_mnist(split="train", return_X_y=True)
    X_test, y_test = fetch_mnist(split="test", return_X_y=True)
    rows = slice(args.train)
    encoder = PoissonSpikeEncoder(n_steps=args.steps, random_state=0).fit(X_train)
    trains, y = encoder.transform(X_train[rows]), y_train[rows]
    X = np.asarray(encoder.transform(X_test[: args.images]))
    with tempfile.TemporaryDirectory() as folder:
        for name, params in networks(args.hidden).items():
            model = SpikingClassifier(
                **params, reset="zero", max_iter=args.epochs, random_state=0
            ).fit(trains, y)
            for arrays in (model.coefs_, model.intercepts_, model.recurrent_coefs_):
                arrays[:] = [a.astype(np.float64) for a in arrays]
            print_rows(name, model, X, y_test[: args.images], folder)
            model.intercepts_ = [np.zeros_like(b) for b in model.intercepts_]
            print_rows(f"{name}, no bias", model, X, y_test[: args.images], folder)


if __name__ == "__main__":
    main()
