"""Count the instructions of a training step, by callgrind of valgrind.

    python benchmarks/profile_step.py --instructions

A clock is disturbed by whatever else runs, and a count is not. One process does all
that is to be counted, as it takes valgrind minutes to start it; the calls of a function
of the system that does nothing, `getppid`, are where callgrind begins to count anew.
valgrind knows no AVX-512, so the code that it runs is compiled for AVX2, in vectors of
8 numbers.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import environments
from step_limits import kernel_work
from step_shapes import SHAPES, Work
from threadpoolctl import threadpool_limits

N_LANES, TASKS = 8, ("forward", "step")
_TOTAL = re.compile(r"^totals: (\d+)$", re.MULTILINE)


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
    counted = executed(names)
    for name in names:
        shape = SHAPES[name]
        forward, backward = kernel_work(shape, Work(shape).counts())
        limits = least(forward), least(forward) + least(backward)
        cells = []
        for task, limit in zip(TASKS, limits, strict=True):
            n = counted[name, task]
            cells.append(f"{n / 1e6:.2f} | {limit / 1e6:.2f} | {n / limit:.1f}")
        lines.append(f"| {shape} | {' | '.join(cells)} |")
    return lines


def executed(names):
    """Return the instructions of each shape's tasks, by the names of both."""
    run(names)  # without valgrind, to compile
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        options = f"--callgrind-out-file={out}", "--dump-before=getppid"
        run(names, under=("valgrind", "--tool=callgrind", *options))
        return totals(folder, names)


def totals(folder, names):
    """Read what callgrind wrote: a file for what came before each call, numbered.

    Parameters
    ----------
    folder : str
    names : list of str
        Of shapes: what is before the first call of each is not counted.

    Returns
    -------
    n_instructions : dict of int
    """
    found, number = {}, 1
    for name in names:
        for task in TASKS:
            number += 1
            text = (Path(folder) / f"out.{number}").read_text()
            found[name, task] = int(_TOTAL.search(text)[1])
        number += 1
    return found


def run(names, under=()):
    """Run this file in a process."""
    environment = environments.avx2() | environments.threads(1)
    done = subprocess.run(
        [*under, sys.executable, __file__, *names],
        env=os.environ | environment | {"PYTHONHASHSEED": "0"},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])


def main():
    """Do each task of each shape between two calls that callgrind knows."""
    for name in sys.argv[1:]:
        with threadpool_limits(1):
            work = Work(SHAPES[name])
            tasks = [getattr(work, task) for task in TASKS]
            for task in tasks:
                task()  # loads what is compiled
            os.getppid()
            for task in tasks:
                task()
                os.getppid()


if __name__ == "__main__":
    main()
