"""Show where the time of a training step goes, and what it could be at the least.

    python benchmarks/profile_step.py [--shapes headline wide] [--repeats 30]
    python benchmarks/profile_step.py --output docs/benchmarks.md
    python benchmarks/profile_step.py --instructions [--output docs/benchmarks.md]

Parts are timed on one thread, where the package calls them: functions are wrapped by
their names, and a name that is gone is an error. A part is charged without the parts
that it calls. The forward kernel is that of a prediction; what training takes longer in
kernels is the backward one. Medians. What a limit is says `step_limits.py`.

With ``--instructions`` valgrind counts instead what is executed. It knows no AVX-512,
so that numba compiles for AVX2 (`environments.py`), and not the code that is timed.
"""

import argparse
import statistics
import time
from pathlib import Path

from machine import additions_rate, copy_rate, operations_rate, processor
from marked_page import write_sections
from step_limits import limits
from step_shapes import SHAPES, Work
from stopwatch import Stopwatch
from threadpoolctl import threadpool_limits

from sklearn_snn._engines.compiled.engine import MAX_GRADIENT_CHUNKS
from sklearn_snn._engines.compiled.running import cut

_ENGINE = "sklearn_snn._engines.compiled.engine"
_BATCH = "sklearn_snn._engines.compiled.batch"
_RUNNING = "sklearn_snn._engines.compiled.running"
_CHUNKS = "sklearn_snn._engines.compiled.chunks"
_OPTIMIZERS = "sklearn_snn._training.optimizers"
_WEIGHTS = "sklearn_snn._training.weights"
CHUNK = "Python around a chunk"
PARTS = {
    (_BATCH, "pack"): "packing the weights",
    (_BATCH, "Batch.__init__"): "making the batch",
    (_ENGINE, "run_at_once"): CHUNK,
    (_RUNNING, "_run_group"): CHUNK,
    (_BATCH, "kernel_multiplies"): "telling what is multiplied",
    (_CHUNKS, "run_spikes"): "kernel",
    (_CHUNKS, "run_currents"): "kernel",
    (_BATCH, "unpack"): "sum of partial gradients",
    (_WEIGHTS, "Weights.finish"): "norm and clipping",
    (_OPTIMIZERS, "clip_by_norm"): "norm and clipping",
    (_OPTIMIZERS, "Adam.update"): "Adam",
}
# What other threads can do at the same time: it lets go of the interpreter's lock.
PARALLEL = {"kernel, forward", "kernel, backward", "sum of partial gradients"}
REST, ESTIMATOR = "Python around all these", "`partial_fit` around the step"


def medians(function, repeats, watched=None):
    """Return median seconds of the parts of what a function does, and of the whole.

    Parameters
    ----------
    function : callable
    repeats : int
    watched : dict, default=PARTS
        See `Stopwatch.watch`.

    Returns
    -------
    seconds : dict of float
        REST is what no part is charged with; the whole is None's.
    """
    stopwatch, rows = Stopwatch(), []
    with stopwatch.watch(PARTS if watched is None else watched):
        for _ in range(repeats):
            stopwatch.reset()
            start = time.perf_counter()
            function()
            whole = time.perf_counter() - start
            rest = whole - sum(stopwatch.seconds.values())
            rows.append(stopwatch.seconds | {REST: rest, None: whole})
    return {part: statistics.median(r[part] for r in rows) for part in rows[0]}


def measure(shape, repeats):
    """Return seconds of the parts of a step, their limits, and what else was measured.

    Returns
    -------
    seconds : dict of float
        On one thread; they add up to the whole step.
    least : dict of float
        The limit of those parts that have one.
    more : dict
        ``whole`` and ``all threads``, seconds of a step; ``partial_fit``, seconds of
        it on one thread; ``n_chunks``, into how many parts a batch is cut.
    """
    work = Work(shape)
    everywhere = _whole(work.step, repeats)
    with threadpool_limits(1):
        work = Work(shape)
        for _ in range(3):
            work.step()
        forward = medians(work.forward, repeats)
        seconds = medians(work.step, repeats)
        estimator = _whole(work.estimator_step(), repeats)
    whole = seconds.pop(None)
    both, ahead = seconds.pop("kernel"), forward["kernel"]
    kernels = {"kernel, forward": ahead, "kernel, backward": max(both - ahead, 0.0)}
    seconds = kernels | seconds
    # Not calls of a chunk: one thread is handed several at a time.
    n_chunks = len(cut(shape.batch, -(-shape.batch // MAX_GRADIENT_CHUNKS)))
    more = {
        "whole": whole,
        "all threads": everywhere,
        "partial_fit": estimator,
        "n_chunks": n_chunks,
    }
    return seconds, limits(shape, work.counts(), n_chunks), more


def _whole(function, repeats):
    for _ in range(3):  # the first compiles
        function()
    return medians(function, repeats, watched={})[None]


def serial_and_parallel(seconds):
    """Return seconds of a step that one thread does alone, and that all share."""
    shared = sum(s for part, s in seconds.items() if part in PARALLEL)
    return sum(seconds.values()) - shared, shared


def lines_of(shape, seconds, least, more):
    """Return the table of a shape, in Markdown."""
    lines = [
        f"### {shape}",
        "",
        "| part | ms | limit, ms | times |",
        "|---|---:|---:|---:|",
    ]

    def row(part, time_taken, limit):
        cells = f"{1e3 * time_taken:.3f}"
        if limit is None:
            return f"| {part} | {cells} | | |"
        ratio = time_taken / limit
        return f"| {part} | {cells} | {1e3 * limit:.3f} | {ratio:.1f} |"

    for part, taken in sorted(seconds.items(), key=lambda item: -item[1]):
        lines.append(row(part, taken, least.get(part)))
    total = sum(limit for part, limit in least.items() if part in seconds)
    lines.append(row("**a step, one thread**", more["whole"], total))
    around = more["partial_fit"] - more["whole"]
    lines += [
        row("a step, all threads", more["all threads"], None),
        row(ESTIMATOR, max(around, 0.0), None),
    ]
    serial, shared = serial_and_parallel(seconds)
    share = serial / (serial + shared)
    return [*lines, "", f"One thread alone does {share:.0%} of a step.", ""]


def profile(names, repeats):
    """Return the section on all parts, in Markdown."""
    tables = []
    for name in names:
        tables += lines_of(SHAPES[name], *measure(SHAPES[name], repeats))
    return [
        "## Where the time of a training step goes",
        "",
        "Parts of a step on one thread, each without the parts that it calls; medians. "
        "A limit is what a part cannot do without, in bytes or operations, divided by "
        "the rate of a bare loop, measured in the same run: "
        f"{operations_rate() / 1e9:.0f} billion multiply-adds a second, "
        f"{additions_rate(2**18) / 1e9:.1f} billion numbers from 256 KiB loaded and "
        f"added, {copy_rate(2**20) / 1e9:.0f} GB/s moved within 1 MiB and "
        f"{copy_rate(2**28) / 1e9:.0f} GB/s within 256. Parts without a limit could be "
        "left out by a program that does this one step and nothing else.",
        "",
        *tables,
    ]


def main():
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--instructions", action="store_true", help="by valgrind")
    parser.add_argument("--output", type=Path, help="a page, to write the section in")
    args = parser.parse_args()
    if args.instructions:
        from instructions import count

        name, lines = "instructions", count(args.shapes)
    else:
        name, lines = "profile", profile(args.shapes, args.repeats)
    print("\n".join([processor(), "", *lines]))
    if args.output:
        write_sections(args.output, {name: lines})


if __name__ == "__main__":
    main()
