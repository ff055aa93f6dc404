"""Time sklearn-snn against other frameworks and against itself; write a page of tables.

    pip install -e .[bench]
    python benchmarks/compare.py --output docs/benchmarks.md
    python benchmarks/compare.py --only recurrent

The second prints the section on a recurrent network alone, and takes some minutes.

Each contestant (see `contestants.py` and, for the recurrent network,
`recurrent_contestants.py`) runs in a process of its own, because subnormal
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
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import numpy as np
from contestants import CONTESTANTS
from recurrent_contestants import RECURRENT
from recurrent_task import N_BATCHES, RATE, make_batches

OURS, ADAPTIVE = "sklearn-snn, numba", "sklearn-snn, numba, adlif"
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
# Of a contestant's name, where a process is to time another kind of work than MNIST.
EPOCH, LOOP = "epoch of ", "recurrent "
CHECKED_STEPS = 50


def worker(name):
    """Answer each request, a line of JSON, with times in seconds and peak memory."""
    arrays = np.load(sys.stdin.readline().strip())
    X, y = arrays["X"], arrays["y"]
    if name.startswith(LOOP):
        run = run_recurrent(name.removeprefix(LOOP), X, y)
    else:
        run = fit_epochs if name.startswith(EPOCH) else run_steps(name)
    print("ready", flush=True)
    for line in sys.stdin:
        seconds = run(X, y, **json.loads(line))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps([seconds, peak]), flush=True)


def prepare_torch(flush):
    """Seed torch and tell it what to do with subnormal numbers; None is no torch."""
    if flush is not None:
        import torch

        torch.manual_seed(0)
        torch.set_flush_denormal(flush)


def run_steps(name):
    """Return a function that times steps of a contestant."""
    make, flush, _ = CONTESTANTS[name]
    prepare_torch(flush)
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


def run_recurrent(name, X, y):
    """Return a function that times steps of a recurrent network, or checks them."""
    make, flush, _ = RECURRENT[name]
    prepare_torch(flush)
    contestant = make(X, y)

    def run(X, y, count, is_check=False):
        before = contestant.firing_rate(0) if is_check else None
        seconds, losses = [], []
        for i in range(count):
            start = time.perf_counter()
            losses.append(contestant.step(i % N_BATCHES))
            seconds.append(time.perf_counter() - start)
        if is_check:
            ends = losses[:N_BATCHES], losses[-N_BATCHES:]
            rates = before, contestant.firing_rate(0)
            return [contestant.n_parameters, *rates, *map(statistics.mean, ends)]
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
                new, peaks[name] = self.ask(name, request)
                seconds[name] += new if turn else []
        medians = {name: statistics.median(s) for name, s in seconds.items()}
        return medians, peaks

    def ask(self, name, request):
        """Return what a worker answers."""
        process = self.processes[name]
        print(json.dumps(request), file=process.stdin, flush=True)
        return json.loads(process.stdout.readline())

    def close(self):
        """Let all processes end."""
        for process in self.processes.values():
            process.communicate()


@contextmanager
def crew_with(names, **arrays):
    """Yield a Crew that has these arrays, and let it go."""
    with tempfile.NamedTemporaryFile(suffix=".npz") as file:
        np.savez(file, **arrays)
        file.flush()
        crew = Crew(names, file.name)
        yield crew
        crew.close()


def comparison(title, work, crew, n_turns):
    """Return a table of all contestants at one kind of work."""
    request = work | {"count": 12}
    medians, peaks = crew.measure(dict.fromkeys(CONTESTANTS, request), n_turns)
    return [f"## {title}", "", *ranking(CONTESTANTS, medians, peaks)]


def ranking(contestants, medians, peaks):
    """Return the table of seconds and MiB by contestant, and what it comes to."""
    peers = [s for name, s in medians.items() if not name.startswith("sklearn-snn")]
    lines = [
        "| | version | ms per batch | times ours | peak MiB so far |",
        "|---|---|---:|---:|---:|",
    ]
    for name, seconds in medians.items():
        ratio = seconds / medians[OURS]
        lines.append(
            f"| {name} | {version(contestants[name][2])} | {1e3 * seconds:.1f} "
            f"| {ratio:.2f} | {peaks[name]:.0f} |"
        )
    ratio = min(peers) / medians[OURS]
    return [*lines, "", f"**{ratio:.1f} times as fast as the fastest peer.**", ""]


def recurrence(n_turns):
    """Return the section on a recurrent network; its workers run by themselves."""
    X, y = make_batches()
    with crew_with([LOOP + name for name in RECURRENT], X=X, y=y) as crew:
        request = {"count": CHECKED_STEPS, "is_check": True}
        checks = {name: crew.ask(LOOP + name, request)[0] for name in RECURRENT}
        requests = {LOOP + name: {"count": 4} for name in RECURRENT}
        measured = crew.measure(requests, n_turns)
    medians, peaks = (
        {name.removeprefix(LOOP): value for name, value in of.items()}
        for of in measured
    )
    ratio = medians[ADAPTIVE] / medians[OURS]
    lines = [
        "## Recurrent network, 700-128-20, 100 steps, batches of 128",
        "",
        f"One training step: binary input with {RATE:.0%} spikes, forward pass, "
        "backpropagation through time and Adam. 128 recurrent LIF neurons, or adaptive "
        "ones (adlif); the logits are mean membranes of leaky integrators.",
        "",
        *ranking(RECURRENT, medians, peaks),
        f"**adlif takes {ratio:.2f} times as long as lif.**",
        "",
        f"The same networks, before and after {CHECKED_STEPS} steps on {N_BATCHES} "
        "batches:",
        "",
        "| | parameters | hidden spikes per step | loss |",
        "|---|---:|---:|---:|",
    ]
    for name, (n_parameters, *rates, first, last) in checks.items():
        before, after = rates
        lines.append(
            f"| {name} | {n_parameters} | {before:.1%}, {after:.1%} "
            f"| {first:.2f}, {last:.2f} |"
        )
    return [*lines, ""]


def feed_forward(n_turns):
    """Return the sections on networks without recurrence."""
    from sklearn_snn.datasets import fetch_mnist

    X, y = fetch_mnist(split="train", return_X_y=True)
    names = [*CONTESTANTS, EPOCH + "MLPClassifier", EPOCH + "SpikingClassifier"]
    lines = [
        "One training step on MNIST: Poisson encoding, forward pass, backpropagation "
        "through time, clipping and Adam. Flushed: with torch's flushing of subnormal "
        "numbers. All contestants take turns on all cores; medians.",
        "",
    ]
    with crew_with(names, X=X[:10_000], y=y[:10_000].astype(int)) as crew:
        for title, work in (
            ("Training, 784-100-10, 100 steps, batches of 128", MNIST),
            ("Training, 784-1000-10, 25 steps, batches of 128", WIDE),
            ("Prediction, 784-100-10, 100 steps, batches of 128", PREDICT),
        ):
            lines += comparison(title, work, crew, n_turns)
        lines += epochs(crew, n_turns)
        lines += growth(crew, n_turns)
    return lines


def epochs(crew, n_turns):
    """Return the lines on epochs without spikes in the input."""
    names = [EPOCH + "MLPClassifier", EPOCH + "SpikingClassifier"]
    requests = {
        name: {"estimator": name.removeprefix(EPOCH), "count": 1} for name in names
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
    parser.add_argument("--only", choices=SECTIONS, help="some sections, not the page")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        return worker(args.worker)

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
    ]
    for name, section in SECTIONS.items():
        if args.only in (None, name):
            lines += section(args.turns)
    page = "\n".join(lines).rstrip() + "\n"
    if args.output:
        args.output.write_text(page)
    else:
        print(page)


SECTIONS = {"feed-forward": feed_forward, "recurrent": recurrence}

if __name__ == "__main__":
    main()
