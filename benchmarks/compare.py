"""Time sklearn-snn against other frameworks and against itself; write a page of tables.

    pip install -e .[bench]
    python benchmarks/compare.py --output docs/benchmarks.md
    python benchmarks/compare.py --only headline wide --contestants spikingjelly jax
    python benchmarks/profile_step.py --output docs/benchmarks.md

Sections that are measured are written to the page, all others stay as they are there;
so do contestants not: a section has those that were asked for, and ours. Charts are
written beside the page, to `_static/benchmarks`.

Each contestant (see `contestants.py`, `graded_contestants.py` and, for the recurrent
network, `recurrent_contestants.py`) runs in a process of its own. The processes take
turns, so that a change of the machine's speed meets all of them, and each figure is the
median over all turns.
"""

import argparse
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import equal_time
import own_sections
import peer_sections
from contestants import CONTESTANTS
from graded_contestants import GRADED
from machine import processor
from marked_page import ORDER, write_sections
from peer_sections import OURS
from recurrent_contestants import RECURRENT
from tabular import MODELS

_ALL = peer_sections.SECTIONS | own_sections.SECTIONS | equal_time.SECTIONS
SECTIONS = {name: _ALL[name] for name in ORDER if name in _ALL}


class Plan:
    """What is to be measured, and where charts go.

    Parameters
    ----------
    n_turns : int
    words : list of str, default=()
        Contestants have one of them in their names; without any all are wanted.
    is_quick : bool, default=False
        Measure as little as can be, to try the code.
    page : Path, default=None
        None draws no charts.
    """

    def __init__(self, n_turns, words=(), is_quick=False, page=None):
        self.n_turns, self._words = n_turns, [word.lower() for word in words]
        self._is_quick, self._page = is_quick, page

    def chosen(self, names, among=None, always=(OURS,)):
        """Return those names that are wanted, in their order.

        Parameters
        ----------
        names : iterable of str
        among : iterable of str, default=None
            Those that are wanted without any words; None is all.
        always : iterable of str, default=(OURS,)

        Returns
        -------
        names : list of str
        """
        if not self._words:
            return [name for name in names if among is None or name in among]
        return [
            name
            for name in names
            if name in always or any(word in name.lower() for word in self._words)
        ]

    def count(self, n):
        """Return how often to do something for a turn, that is n times in earnest."""
        return 1 if self._is_quick else n

    def seconds(self, times):
        """Return how long to do something."""
        return [0.02 * t for t in times] if self._is_quick else list(times)

    def bars(self, name, title, medians):
        """Return the lines of a chart of seconds by name."""
        return self._chart(name, "bars", medians, title=title)

    def dots(self, name, times, accuracies):
        """Return the lines of a chart of accuracies by time and name."""
        return self._chart(name, "dots", times, accuracies)

    def _chart(self, name, kind, *args, title=None):
        if self._page is None:
            return []
        import charts

        place = Path("_static", "benchmarks", f"{name}.svg")
        alt = getattr(charts, kind)(self._page.parent / place, *args)
        alt = alt if title is None else f"{title}. {alt}"
        return [f"![{alt}]({place.as_posix()})", ""]


def machine():
    """Return the lines on where and with what it was measured."""
    versions = []
    for package in ("numpy", "numba", "torch", "jax", "scikit-learn"):
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            continue
    return [
        f"{processor()}, {os.cpu_count()} cores, {platform.system()}, "
        f"Python {platform.python_version()}, {', '.join(versions)}."
    ]


def main():
    """Run the sections, one after the other, and write each when it is there."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=5, help="turns of each (5)")
    parser.add_argument("--output", type=Path, help="a page, to write sections in")
    parser.add_argument("--only", nargs="+", choices=SECTIONS, default=list(SECTIONS))
    parser.add_argument(
        "--contestants",
        nargs="+",
        default=[],
        metavar="WORD",
        help="those with one of these words in their name, and ours",
    )
    parser.add_argument("--quick", action="store_true", help="only try the code")
    args = parser.parse_args()
    if args.quick and args.output:
        parser.error("--quick measures nothing that a page should have")
    known = [*CONTESTANTS, *GRADED, *RECURRENT, *MODELS]
    for word in args.contestants:
        if not any(word.lower() in name.lower() for name in known):
            parser.error(f"no contestant has {word!r} in its name: {sorted({*known})}")
    plan = Plan(args.turns, args.contestants, args.quick, args.output)
    print("\n".join(machine()))
    if args.output:
        write_sections(args.output, {"machine": machine()})
    for name in args.only:
        lines = SECTIONS[name](plan)
        print("\n".join(["", *lines]), flush=True)
        if args.output:
            write_sections(args.output, {name: lines})


if __name__ == "__main__":
    main()
