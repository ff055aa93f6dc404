"""Measure what an answer costs in service: the first one, one row, and many rows.

    python benchmarks/latency.py --output docs/_generated/latency.rst

Every figure comes from new processes, which load a saved model as a service does: for
the first answer with an empty cache of compiled code, with a full one, and with the
numpy engine. Then a row alone and batches, for both engines, on one thread and on all.
Run it when nothing else runs.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import joblib
import numpy as np
from machine import processor
from sklearn.datasets import load_breast_cancer
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier, __version__
from sklearn_snn.datasets import fetch_mnist

SIZES = 1, 128, 1000
SECONDS = 1.0  # of repetitions per figure
MODELS = {
    "table": ("a table, 30-100-2 network,", "25 steps of constant current"),
    "image": ("MNIST, 784-100-10 network,", "100 steps of Poisson spikes"),
}


def save_models(folder):
    """Train and save the models, and rows to ask them."""
    warnings.simplefilter("ignore", ConvergenceWarning)
    images, labels = fetch_mnist(split="test", return_X_y=True)
    data = {
        "table": (*load_breast_cancer(return_X_y=True), StandardScaler()),
        "image": (images[:2000], labels[:2000], PoissonSpikeEncoder(random_state=0)),
    }
    for name, (X, y, first) in data.items():
        classifier = SpikingClassifier(max_iter=3, random_state=0, engine="numpy")
        model = make_pipeline(first, classifier).fit(X, y)
        model[-1].set_params(engine="auto")
        joblib.dump(model, folder / f"{name}.joblib")
        np.save(folder / f"{name}.npy", np.resize(X, (max(SIZES), X.shape[1])))


def rounded(number):
    """Return a number with two digits that count."""
    return f"{number:.0f}" if number >= 10 else f"{number:.2g}"


def worker(folder, name, engine, sizes):
    """Load a model, and print the seconds of each thing as JSON."""
    start = time.perf_counter()
    from sklearn_snn import load_model

    model = load_model(folder / f"{name}.joblib")
    model[-1].set_params(engine=engine)
    X = np.load(folder / f"{name}.npy")
    loaded = time.perf_counter()
    model.predict(X[:1])
    seconds = {"load": loaded - start, "first": time.perf_counter() - loaded}
    for size in sizes:
        times, end = [], time.perf_counter() + SECONDS
        while time.perf_counter() < end or len(times) < 5:
            start = time.perf_counter()
            model.predict(X[:size])
            times.append(time.perf_counter() - start)
        seconds[str(size)] = statistics.median(times)
    print(json.dumps(seconds))


def ask(folder, name, engine, cache, threads=None, sizes=()):
    """Run a worker in a new process; return its seconds, with those of the whole."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache)}
    if threads:
        environment["OMP_NUM_THREADS"] = str(threads)
    command = [sys.executable, __file__, "--worker", folder, name, engine, *sizes]
    start = time.perf_counter()
    done = subprocess.run(
        [str(part) for part in command],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return {**json.loads(done.stdout), "whole": time.perf_counter() - start}


def first_answers(folder, turns):
    """Return the lines of the table of first answers."""
    lines = [
        ".. list-table:: Seconds to the first answer of a new process, which predicts "
        "one row of a",
        "   table with a saved 30-100-2 network. The whole process includes starting "
        "Python,",
        "   importing and loading",
        "   :header-rows: 1",
        "   :widths: 46 27 27",
        "",
        "   * -",
        "     - first ``predict``",
        "     - whole process",
    ]
    full = folder / "cache"
    kinds = {
        "numba, nothing compiled yet": ("numba", None),
        "numba, compiled code on disk": ("numba", full),
        "numpy": ("numpy", full),
    }
    ask(folder, "table", "numba", full)
    for kind, (engine, cache) in kinds.items():
        runs = []
        for turn in range(turns):
            where = cache or folder / f"empty{turn}"
            runs.append(ask(folder, "table", engine, where))
        first, whole = (
            statistics.median(run[key] for run in runs) for key in ("first", "whole")
        )
        lines += [f"   * - {kind}"]
        lines += [f"     - {rounded(seconds)} s" for seconds in (first, whole)]
    return [*lines, ""]


def warm_answers(folder):
    """Return the lines of a table of warm answers for each model."""
    lines, everything = [], os.cpu_count()
    for name, (network, steps) in MODELS.items():
        lines += [
            f".. list-table:: Milliseconds for a later call of ``predict``: {network}",
            f"   {steps}",
            "   :header-rows: 1",
            "   :widths: 40 20 20 20",
            "",
            "   * - engine",
            *(f"     - {size:,} row{'s' * (size > 1)}" for size in SIZES),
        ]
        for engine in ("numba", "numpy"):
            for threads in (1, everything):
                cache = folder / "cache"
                run = ask(folder, name, engine, cache, threads, SIZES)
                of = "1 thread" if threads == 1 else f"{threads} threads"
                lines.append(f"   * - {engine}, {of}")
                lines += [f"     - {rounded(1e3 * run[str(size)])}" for size in SIZES]
        lines.append("")
    return lines


def main():
    """Measure, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=5, help="processes per figure (5)")
    parser.add_argument("--output", type=Path, help="a file for the tables (rst)")
    parser.add_argument("--note", default="", help="a sentence for the caption")
    parser.add_argument("--worker", nargs="+", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        folder, name, engine, *sizes = args.worker
        return worker(Path(folder), name, engine, [int(size) for size in sizes])
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        save_models(folder)
        lines = [
            ".. Written by benchmarks/latency.py.",
            "",
            *first_answers(folder, args.turns),
            *warm_answers(folder),
            "Medians, of processes in the first table and of calls in the others. "
            f"{processor()}, {os.cpu_count()} cores, Python "
            f"{platform.python_version()}, sklearn-snn {__version__}. {args.note}",
        ]
    page = "\n".join(lines).rstrip() + "\n"
    print(page)
    if args.output:
        args.output.write_text(page)


if __name__ == "__main__":
    main()
