"""Time sklearn-snn against other frameworks and against itself; write a page of tables.

    pip install -e .[bench]
    python benchmarks/compare.py --output docs/benchmarks.md

Each contestant (see `contestants.py`) runs in a process of its own, because subnormal
numbers are flushed per process. The processes take turns, so that a change of the
machine's speed meets all of them, and each figure is the median over all turns.
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
from contestants import CONTESTANTS

OURS = "sklearn-snn, numba"
MNIST = {"task": "train", "n_steps": 100, "n_hidden": 100, "batch": 128, "rate": 1.0}
WIDE = MNIST | {"n_steps": 25, "n_hidden": 1000}
PREDICT = MNIST | {"task": "predict"}
GROWTH = {
    "Number of steps": [MNIST | {"n_steps": n} for n in (25, 50, 100, 200, 400)],
    "Hidden neurons": [MNIST | {"n_hidden": n} for n in (50, 100, 200, 400, 800)],
    "Batch size": [MNIST | {"batch": n} for n in (16, 32, 64, 128, 256, 512)],
    "Firing rate of the input, times that of the image": [
        MNIST | {"rate": rate} for rate in (0.05, 0.1, 0.25, 0.5, 1.0)
    ],
}
EPOCH_SAMPLES, EPOCH_BATCH, EPOCH_STEPS = 10_000, 128, 25


def worker(name):
    """Answer each request, a line of JSON, with times in seconds and peak memory."""
    arrays = np.load(sys.stdin.readline().strip())
    images, labels = arrays["images"], arrays["labels"]
    run = fit_epochs if name.startswith("epoch of ") else run_steps(name)
    print("ready", flush=True)
    for line in sys.stdin:
        seconds = run(images, labels, **json.loads(line))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps([seconds, peak]), flush=True)


def run_steps(name):
    """Return a function that times steps of a contestant."""
    make, flush, _ = CONTESTANTS[name]
    if flush is not None:
        import torch

        torch.manual_seed(0)
        torch.set_flush_denormal(flush)
    made = {}
    rng = np.random.default_rng(0)

    def run(images, labels, task, n_steps, n_hidden, batch, rate, count):
        key = n_steps, n_hidden, rate
        if key not in made:
            made.clear()
            dimmed = np.round(images * rate).astype(np.uint8)
            dimmed[0, 0] = 255  # the encoder scales by the largest intensity
            made[key] = make(dimmed, labels, n_steps, n_hidden)
        function = made[key][task == "predict"]
        seconds = []
        for _ in range(count):
            rows = rng.choice(len(labels), batch, replace=False)
            start = time.perf_counter()
            function(rows)
            seconds.append(time.perf_counter() - start)
        return seconds

    return run


def fit_epochs(images, labels, estimator, count):
    """Time whole epochs on intensities as they are, without spikes in the input."""
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    from sklearn_snn import SpikingClassifier

    warnings.simplefilter("ignore", ConvergenceWarning)
    X, y = images.astype(np.float32) / 255, labels
    model = {"MLPClassifier": MLPClassifier, "SpikingClassifier": SpikingClassifier}[
        estimator
    ](hidden_layer_sizes=(100,), batch_size=EPOCH_BATCH, max_iter=1, random_state=0)
    seconds = []
    for _ in range(count):
        start = time.perf_counter()
        model.fit(X[:EPOCH_SAMPLES], y[:EPOCH_SAMPLES])
        seconds.append(time.perf_counter() - start)
    return seconds


class Crew:
    """The workers, one process each."""

    def __init__(self, names, data):
        self.processes = {}
        for name in names:
            process = self.processes[name] = subprocess.Popen(
                [sys.executable, __file__, "--worker", name],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            print(data, file=process.stdin, flush=True)
            if process.stdout.readline().strip() != "ready":
                raise RuntimeError(f"{name} did not start")

    def measure(self, requests, n_turns):
        """Return median seconds and peak MiB by name; the first turn warms up."""
        seconds, peaks = {name: [] for name in requests}, {}
        for turn in range(n_turns + 1):
            for name, request in requests.items():
                process = self.processes[name]
                print(json.dumps(request), file=process.stdin, flush=True)
                new, peaks[name] = json.loads(process.stdout.readline())
                seconds[name] += new if turn else []
        medians = {name: statistics.median(s) for name, s in seconds.items()}
        return medians, peaks

    def close(self):
        """Let all processes end."""
        for process in self.processes.values():
            process.communicate()


def comparison(title, work, crew, n_turns):
    """Return a table of all contestants at one kind of work."""
    request = work | {"count": 12}
    medians, peaks = crew.measure(dict.fromkeys(CONTESTANTS, request), n_turns)
    peers = [s for name, s in medians.items() if not name.startswith("sklearn-snn")]
    lines = [
        f"## {title}",
        "",
        "| | version | ms per batch | times ours | peak MiB so far |",
        "|---|---|---:|---:|---:|",
    ]
    for name, seconds in medians.items():
        ratio = seconds / medians[OURS]
        lines.append(
            f"| {name} | {version(CONTESTANTS[name][2])} | {1e3 * seconds:.1f} "
            f"| {ratio:.2f} | {peaks[name]:.0f} |"
        )
    ratio = min(peers) / medians[OURS]
    lines += ["", f"**{ratio:.1f} times as fast as the fastest peer.**", ""]
    return lines


def epochs(crew, n_turns):
    """Return the lines on epochs without spikes in the input."""
    names = ["epoch of MLPClassifier", "epoch of SpikingClassifier"]
    requests = {
        name: {"estimator": name.removeprefix("epoch of "), "count": 1}
        for name in names
    }
    medians, _ = crew.measure(requests, n_turns)
    mlp, ours = (medians[name] for name in names)
    return [
        "## An epoch without spikes in the input",
        "",
        f"`fit` of one epoch on {EPOCH_SAMPLES} images, 784-100-10, batches of "
        f"{EPOCH_BATCH}, intensities injected as a current for {EPOCH_STEPS} steps.",
        "",
        "| | s |",
        "|---|---:|",
        f"| `MLPClassifier` | {mlp:.2f} |",
        f"| `SpikingClassifier` | {ours:.2f} |",
        "",
        f"**{ours / mlp:.1f} times an epoch of MLPClassifier.**",
        "",
    ]


def growth(crew, n_turns):
    """Return tables of how our time grows."""
    engines = OURS, "sklearn-snn, numpy"
    varied = "n_steps", "n_hidden", "batch", "rate"
    lines = ["## How time grows", ""]
    for (title, works), key in zip(GROWTH.items(), varied, strict=True):
        lines += [f"| {title} | numba, ms | numpy, ms |", "|---:|---:|---:|"]
        for work in works:
            request = work | {"count": 8}
            medians, _ = crew.measure(dict.fromkeys(engines, request), n_turns)
            cells = " | ".join(f"{1e3 * medians[name]:.1f}" for name in engines)
            lines.append(f"| {work[key]} | {cells} |")
        lines.append("")
    return lines


def processor():
    """Return the name of the processor."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.split(":")[1].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.processor() or platform.machine()


def main():
    """Run everything and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=5, help="turns of each (5)")
    parser.add_argument("--output", type=Path, help="a file, instead of the terminal")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        return worker(args.worker)

    from sklearn_snn.datasets import fetch_mnist

    images, labels = fetch_mnist(split="train", return_X_y=True)
    lines = [
        "# Benchmarks",
        "",
        "Written by `python benchmarks/compare.py --output docs/benchmarks.md`.",
        "",
        f"{processor()}, {os.cpu_count()} cores, {platform.system()}, "
        f"Python {platform.python_version()}, numpy {version('numpy')}, "
        f"numba {version('numba')}, torch {version('torch')}, "
        f"scikit-learn {version('scikit-learn')}.",
        "",
        "One training step on MNIST: Poisson encoding, forward pass, backpropagation "
        "through time, clipping and Adam. Flushed: with torch's flushing of subnormal "
        "numbers. All contestants take turns on all cores; medians.",
        "",
    ]
    with tempfile.NamedTemporaryFile(suffix=".npz") as file:
        np.savez(file, images=images[:10_000], labels=labels[:10_000].astype(int))
        file.flush()
        names = [*CONTESTANTS, "epoch of MLPClassifier", "epoch of SpikingClassifier"]
        crew = Crew(names, file.name)
        for title, work in (
            ("Training, 784-100-10, 100 steps, batches of 128", MNIST),
            ("Training, 784-1000-10, 25 steps, batches of 128", WIDE),
            ("Prediction, 784-100-10, 100 steps, batches of 128", PREDICT),
        ):
            lines += comparison(title, work, crew, args.turns)
        lines += epochs(crew, args.turns)
        lines += growth(crew, args.turns)
        crew.close()
    page = "\n".join(lines).rstrip() + "\n"
    if args.output:
        args.output.write_text(page)
    else:
        print(page)


if __name__ == "__main__":
    main()
