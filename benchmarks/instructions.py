"""Count the instructions of a training step, by callgrind of valgrind.

    python benchmarks/profile_step.py --instructions

A clock is disturbed by whatever else runs, and a count is not. Two runs of a step, of
few and of more repeats, differ by the repeats alone: start-up and compiling cancel out.
valgrind knows no AVX-512, so the code that it runs is compiled for AVX2, in vectors of
8 numbers. It counts all threads; here is one.
"""

import os
import re
import subprocess
import sys

import environments
from step_limits import kernel_work
from step_shapes import SHAPES, Work
from threadpoolctl import threadpool_limits

FEW, MORE, N_LANES = 1, 4, 8
_COLLECTED = re.compile(r"Collected\s*:\s*(\d+)")


def least(work):
    """Return the fewest instructions of what `kernel_work` says, in vectors."""
    return (work["operations"] + sum(n for n, _ in work["additions"])) / N_LANES


def count(names):
    """Return the section on instructions, in Markdown."""
    lines = [
        "## Instructions of a training step",
        "",
        "Counted by callgrind, in millions, of code for AVX2 on one thread. The limit "
        "is that of the kernels: their operations in vectors of 8 numbers, and no "
        "loads, stores, or loops.",
        "",
        "| | forward | limit | times | whole step | limit | times |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for name in names:
        shape = SHAPES[name]
        forward, backward = kernel_work(shape, Work(shape).counts())
        limits = least(forward), least(forward) + least(backward)
        cells = []
        for task, limit in zip(("forward", "step"), limits, strict=True):
            n = executed(name, task)
            cells.append(f"{n / 1e6:.2f} | {limit / 1e6:.2f} | {n / limit:.1f}")
        lines.append(f"| {shape} | {' | '.join(cells)} |")
    return lines


def executed(name, task):
    """Return the instructions of one repeat of a task, "forward" or "step"."""
    run(name, task, FEW, under=())  # compiles
    few, more = (run(name, task, n) for n in (FEW, MORE))
    return (more - few) / (MORE - FEW)


def run(name, task, repeats, under=("valgrind", "--tool=callgrind")):
    """Run this file in a process; return the instructions, if they are counted."""
    options = ["--callgrind-out-file=/dev/null"] if under else []
    environment = environments.avx2() | environments.threads(1)
    done = subprocess.run(
        [*under, *options, sys.executable, __file__, name, task, str(repeats)],
        env=os.environ | environment | {"PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    return int(_COLLECTED.search(done.stderr)[1]) if under else None


def main():
    """Repeat a task of a shape."""
    name, task, repeats = sys.argv[1:]
    with threadpool_limits(1):
        work = Work(SHAPES[name])
        # The first call is another one: it loads what is compiled.
        for _ in range(1 + int(repeats)):
            getattr(work, task)()


if __name__ == "__main__":
    main()
