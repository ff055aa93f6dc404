"""Sections of the page on benchmarks: ours beside scikit-learn's own, and by itself."""

import os

import environments
from crew import Worker, crew_with
from peer_sections import MNIST, OURS, WORKS, some_images
from tabular import MODELS, TABLES

NUMPY = "sklearn-snn, numpy"
GROWTH = {
    "Number of steps": [MNIST | {"n_steps": n} for n in (25, 50, 100, 200, 400)],
    "Hidden neurons": [MNIST | {"n_hidden": n} for n in (50, 100, 200, 400, 800)],
    "Batch size": [MNIST | {"batch": n} for n in (16, 32, 64, 128, 256, 512)],
    "Firing rate of the input, times that of the image": [
        MNIST | {"rate": rate} for rate in (0.05, 0.1, 0.25, 0.5, 1.0)
    ],
}
MEASURED_THREADS, THREADS_ON_PAPER = (1, 2), (4, 8, 16)


def _beside_mlp(plan, task, datas, count):
    """Return median seconds of both estimators, for each of some data."""
    names = plan.chosen(MODELS, always=MODELS)
    workers = {name: Worker("tabular", name) for name in names}
    measured = {}
    arrays = some_images() if "images" in datas else {"X": [], "y": []}
    with crew_with(workers, **arrays) as crew:
        for data in datas:
            request = {"task": task, "data": data, "count": plan.count(count)}
            requests = dict.fromkeys(names, request)
            measured[data], _ = crew.measure(requests, plan.n_turns)
    return measured


def epochs(plan):
    """Return the section on epochs without spikes in the input."""
    lines = [
        "## An epoch without spikes in the input",
        "",
        "`fit` of both with one hidden layer of 100, the same number of epochs and "
        "rows of a batch, and their defaults in all else; columns are injected as a "
        "current for 25 steps. Seconds of a fit by its epochs; both take turns, after "
        "pauses in which the threads of the other fall asleep.",
        "",
        "| | rows of a batch | `MLPClassifier`, ms | `SpikingClassifier`, ms | times |",
        "|---|---:|---:|---:|---:|",
    ]
    for data, medians in _beside_mlp(plan, "fit", TABLES, 5).items():
        title, batch_size, _ = TABLES[data]
        ours, other = (1e3 * medians[name] for name in MODELS)
        cells = f"{other:.1f} | {ours:.1f} | {ours / other:.1f}"
        lines.append(f"| {title} | {batch_size} | {cells} |")
    return lines


def rows(plan):
    """Return the section on one row at a time."""
    lines = [
        "## One row of 30 columns",
        "",
        "A call for a single row of breast cancer, with networks of one hidden layer "
        "of 100: what is done around a network counts here.",
        "",
        "| | `MLPClassifier`, ms | `SpikingClassifier`, ms | times |",
        "|---|---:|---:|---:|",
    ]
    for task, title in (("predict", "`predict`"), ("learn", "`partial_fit`")):
        medians = _beside_mlp(plan, task, ["breast cancer"], 100)["breast cancer"]
        ours, other = (1e3 * medians[name] for name in MODELS)
        lines.append(f"| {title} | {other:.3f} | {ours:.3f} | {ours / other:.1f} |")
    return lines


def growth(plan):
    """Return tables of how our time grows."""
    engines = OURS, NUMPY
    varied = "n_steps", "n_hidden", "batch", "rate"
    lines = ["## How time grows", ""]
    workers = {name: Worker("images", name) for name in engines}
    with crew_with(workers, **some_images()) as crew:
        for (title, works), key in zip(GROWTH.items(), varied, strict=True):
            lines += [f"| {title} | numba, ms | numpy, ms |", "|---:|---:|---:|"]
            for work in works:
                request = work | {"count": plan.count(8)}
                requests = dict.fromkeys(engines, request)
                medians, _ = crew.measure(requests, plan.n_turns)
                cells = " | ".join(f"{1e3 * medians[name]:.1f}" for name in engines)
                lines.append(f"| {work[key]} | {cells} |")
            lines.append("")
    return lines


def on_paper(serial, shared, n_chunks, n):
    """Return seconds of a step with so many threads, after Amdahl.

    What one thread does alone stays; what all share is in chunks of like size, each of
    which one thread runs.

    Parameters
    ----------
    serial, shared : float
        Seconds on one thread.
    n_chunks, n : int

    Returns
    -------
    seconds : float
    """
    return serial + shared * -(-n_chunks // n) / n_chunks


def threads(plan):
    """Return the section on AVX2 and on threads: measured, and on paper."""
    from profile_step import measure, serial_and_parallel
    from step_shapes import SHAPES

    kinds = {"": {}, ", AVX2": environments.avx2()}
    counts = [n for n in MEASURED_THREADS if n <= os.cpu_count()]
    workers = {
        (kind, n): Worker("images", OURS, variables | environments.threads(n))
        for kind, variables in kinds.items()
        for n in counts
    }
    names = "headline", "wide", "small"
    measured = {}
    with crew_with(workers, **some_images()) as crew:
        for name in names:
            request = WORKS[name][1] | {"count": plan.count(12)}
            requests = dict.fromkeys(workers, request)
            measured[name], _ = crew.measure(requests, plan.n_turns)
    columns = [f"{n} threads" if n > 1 else "1 thread" for n in counts]
    columns += [f"{n}, on paper" for n in THREADS_ON_PAPER]
    lines = [
        "## Threads, and a processor without AVX-512",
        "",
        "A training step of ours with one thread and more, and compiled for a "
        "processor with AVX2 alone, in ms. More threads than were at hand are on "
        "paper, after Amdahl: from the parts of a step that one thread does alone, as "
        "profiled here, and the chunks of a batch that threads share; as if memory "
        "kept up.",
        "",
        f"| | {' | '.join(columns)} |",
        "|---|" + "---:|" * len(columns),
    ]
    for name in names:
        seconds, _, more = measure(SHAPES[name], plan.count(30))
        parts = *serial_and_parallel(seconds), more["n_chunks"]
        # From what was measured here, so that both are of the same process.
        by_number = {n: on_paper(*parts, n) for n in (1, *THREADS_ON_PAPER)}
        for kind in kinds:
            alone = measured[name][kind, counts[0]]
            cells = [measured[name][kind, n] for n in counts]
            cells += [alone * by_number[n] / by_number[1] for n in THREADS_ON_PAPER]
            text = " | ".join(f"{1e3 * cell:.2f}" for cell in cells)
            title = WORKS[name][0].removeprefix("Training, ")
            lines.append(f"| {title}{kind} | {text} |")
    return lines


SECTIONS = {"epochs": epochs, "rows": rows, "growth": growth, "threads": threads}
