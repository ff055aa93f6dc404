"""Measure what quantising costs on MNIST, and the C file: its size, time and spikes.

    python benchmarks/quantization.py --output docs/_generated/quantization.rst

A 784-100-10 network learns by the default parameters for some epochs, and is quantised
in several ways, of which accuracies on the 10,000 test images are told. The C files of
some of them are compiled with ``cc``, and their spikes of 1,000 images compared with
those of the quantised network: the script fails if one differs. Of what `to_estimator`
returns, which rounds no membranes, the share of these images is told of which all
spikes are the same, of all neurons. Exits with 1 if 8 bits cost more than 0.3 points of
accuracy, 4 bits more than 2, or 0.7 fine-tuned, on average. Set SKLEARN_SNN_DATA.
"""

import argparse
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
from machine import processor
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline

from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier, __version__
from sklearn_snn.datasets import fetch_mnist
from sklearn_snn.export import export_c
from sklearn_snn.quantization import quantization_cost, quantize

KINDS = {
    "8 bits": {"bits": 8},
    "8 bits, leak a power of two": {"bits": 8, "leak": "power_of_two"},
    "4 bits": {"bits": 4},
    "4 bits, fine-tuned": {"bits": 4, "epochs": 3},
    "2 bits": {"bits": 2},
    "2 bits, fine-tuned": {"bits": 2, "epochs": 3},
}
# What may be lost, in points.
BARS = {"8 bits": 0.3, "4 bits": 2.0, "4 bits, fine-tuned": 0.7}
IN_C = "8 bits", "8 bits, leak a power of two", "4 bits"
N_IN_C = 1000
FLAGS = "-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror"


def train(seed, n_steps, epochs, X, y):
    """Return a trained pipeline of an encoder and a network."""
    model = make_pipeline(
        PoissonSpikeEncoder(n_steps=n_steps, random_state=seed),
        SpikingClassifier(max_iter=epochs, random_state=seed),
    )
    return model.fit(X, y)


def costs(model, data):
    """Yield each kind, the quantised model, what it costs and the seconds it took."""
    X, y, X_test, y_test = data
    for kind, options in KINDS.items():
        start = time.perf_counter()
        samples = {"X": X, "y": y} if "epochs" in options else {}
        quantized = quantize(model, **options, **samples)
        seconds = time.perf_counter() - start
        cost = quantization_cost(model, quantized, X_test, y_test)
        print(f"{kind}: {100 * cost.quantized_score:.2f} %, costs", end=" ")
        print(f"{100 * cost.cost:+.2f} points, {seconds:.1f} s", flush=True)
        yield kind, quantized, cost


def same_spikes(quantized, X):
    """Return the share of samples whose spikes `to_estimator` leaves as they are."""
    spikes, model = quantized[0].transform(X), quantized[-1]
    records = [
        network.simulate(spikes, inputs=False, max_memory=8.0).spikes
        for network in (model, model.to_estimator())
    ]
    layers = zip(*records, strict=True)
    return np.all([(a == b).all(axis=(1, 2)) for a, b in layers], axis=0).mean()


def measure_c(quantized, X, folder):
    """Compile the C file of a pipeline, and compare it with that.

    Returns
    -------
    n_bytes : tuple of two ints
        Of code with constants, and of variables, as ``size`` tells them.
    milliseconds : float
        That an image takes.
    """
    source, program = folder / "network.c", folder / "network"
    export_c(quantized, source)
    run("cc", *FLAGS, "-Os", "-c", source, "-o", folder / "network.o")
    sizes = run("size", folder / "network.o").decode().splitlines()[1].split()
    run("cc", *FLAGS, "-O2", "-DSNN_MAIN", source, "-o", program)
    spikes, model = np.asarray(quantized[0].transform(X)), quantized[-1]
    command = program, str(spikes.shape[1])
    n_units = [len(layer.bias) for layer in model.layers_]
    split = spikes.shape[1] * sum(n_units)
    printed = run(*command, input=spikes.tobytes())
    table = np.frombuffer(printed, np.uint8).reshape(len(X), -1)
    record = model.simulate(spikes, inputs=False, max_memory=8.0)
    ours = np.concatenate(record.spikes, axis=2).reshape(len(X), -1)
    outputs = np.ascontiguousarray(table[:, split:]).view(np.int64)
    same = np.array_equal(table[:, :split], ours)
    same &= np.array_equal(
        model.classes_[outputs.argmax(axis=1)], model.predict(spikes)
    )
    if not same:
        raise SystemExit("The C file differs from the quantised network.")
    done = subprocess.run(
        [*map(str, command), "quiet"],
        input=spikes.tobytes(),
        capture_output=True,
        check=True,
    )
    milliseconds = float(re.search(r"([\d.]+) ms", done.stderr.decode())[1])
    text, data, variables = map(int, sizes[:3])
    print(
        f"C: {len(X)} images alike to the bit, {text + data} bytes of code and", end=""
    )
    print(f" constants, {variables} of variables, {milliseconds:.2f} ms an image")
    return (text + data, variables), milliseconds


def run(*command, **kwargs):
    """Run a command, and return what it printed."""
    return subprocess.run(
        [*map(str, command)], capture_output=True, check=True, **kwargs
    ).stdout


def row(*cells):
    """Return the lines of a row of a table."""
    first, *others = cells
    lines = [f"   * - {first}", *(f"     - {cell}" for cell in others)]
    return [line.rstrip() for line in lines]


def points(share):
    """Return a difference of accuracies in points, of which none has no sign."""
    text = f"{100 * share:+.2f}"
    return "0.00" if float(text) == 0 else text


def tables(scores, on_grid, in_c, args):
    """Return the lines of both tables."""
    floats = np.array([cost.score for cost in scores["8 bits"]])
    lines = [
        f".. list-table:: Accuracy on MNIST's test images, in percent: 784-100-10, "
        f"{args.n_steps} steps,",
        f"   {args.epochs} epochs, mean of {args.seeds} seeds",
        "   :header-rows: 1",
        "   :widths: 36 16 16 16 16",
        "",
        *row("", "accuracy", "cost, points", "same answers", "same spikes [#grid]_"),
        *row("float32", f"{100 * floats.mean():.2f}", "", "", ""),
    ]
    for kind, costs_of_kind in scores.items():
        score = np.mean([c.quantized_score for c in costs_of_kind])
        cost = np.mean([c.cost for c in costs_of_kind])
        agreement = np.mean([c.agreement for c in costs_of_kind])
        numbers = f"{100 * score:.2f}", points(cost), f"{100 * agreement:.1f}"
        lines += row(kind, *numbers, f"{100 * np.mean(on_grid[kind]):.1f}")
    lines += [
        "",
        f".. [#grid] Of the integers and of ``to_estimator()``, of {N_IN_C:,} images.",
        "",
        f".. list-table:: Its C file, all spikes of {N_IN_C:,} images being the same",
        "   :header-rows: 1",
        "   :widths: 46 18 18 18",
        "",
        *row("", "code and constants, kB", "variables, kB", "ms per image"),
    ]
    for kind, ((constant, variable), milliseconds) in in_c.items():
        kilobytes = f"{constant / 1e3:.1f}", f"{variable / 1e3:.1f}"
        lines += row(kind, *kilobytes, f"{milliseconds:.2f}")
    compiler = run("cc", "--version").decode().splitlines()[0]
    return [
        *lines,
        "",
        f"Sizes with ``-Os``, times with ``-O2``, {compiler}. {processor()}, "
        f"{os.cpu_count()} cores, Python {platform.python_version()}, sklearn-snn "
        f"{__version__}. {args.note}",
    ]


def main():
    """Measure, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3, help="networks (3)")
    parser.add_argument("--n-steps", type=int, default=100, help="of an image (100)")
    parser.add_argument("--epochs", type=int, default=5, help="of training (5)")
    parser.add_argument("--output", type=Path, help="a file for the tables (rst)")
    parser.add_argument("--note", default="", help="a sentence at the end")
    args = parser.parse_args()
    warnings.simplefilter("ignore", ConvergenceWarning)
    train_set, test_set = (
        fetch_mnist(split=split, return_X_y=True) for split in ("train", "test")
    )
    scores, in_c = {kind: [] for kind in KINDS}, {}
    on_grid = {kind: [] for kind in KINDS}
    for seed in range(args.seeds):
        model = train(seed, args.n_steps, args.epochs, *train_set)
        print(f"seed {seed}", flush=True)
        for kind, quantized, cost in costs(model, (*train_set, *test_set)):
            scores[kind].append(cost)
            on_grid[kind].append(same_spikes(quantized, test_set[0][:N_IN_C]))
            print(f"spikes alike of {100 * on_grid[kind][-1]:.1f} %", flush=True)
            if seed == 0 and kind in IN_C:
                with tempfile.TemporaryDirectory() as folder:
                    images = test_set[0][:N_IN_C]
                    in_c[kind] = measure_c(quantized, images, Path(folder))
    lines = [".. Written by benchmarks/quantization.py.", ""]
    page = "\n".join([*lines, *tables(scores, on_grid, in_c, args)]).rstrip() + "\n"
    print(page)
    if args.output:
        args.output.write_text(page)
    means = {kind: 100 * np.mean([c.cost for c in scores[kind]]) for kind in BARS}
    sys.exit(any(means[kind] > bar for kind, bar in BARS.items()))


if __name__ == "__main__":
    main()
