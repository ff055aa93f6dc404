"""Sections of the page on benchmarks: time per step of ours and of other libraries."""

from importlib.metadata import version

from contestants import CONTESTANTS
from crew import Worker, crew_with
from graded_contestants import GRADED
from recurrent_contestants import RECURRENT
from recurrent_task import N_BATCHES, RATE, make_batches
from workers import SETTLING_SECONDS

OURS, ADAPTIVE = "sklearn-snn, numba", "sklearn-snn, numba, adlif"
MNIST = {"task": "train", "n_steps": 100, "n_hidden": 100, "batch": 128, "rate": 1.0}
CHECKED_STEPS = 50
# name: (title, request)
WORKS = {
    "headline": ("Training, 784-100-10, 100 steps, batches of 128", MNIST),
    "wide": (
        "Training, 784-1000-10, 25 steps, batches of 128",
        MNIST | {"n_steps": 25, "n_hidden": 1000},
    ),
    "predict": (
        "Prediction, 784-100-10, 100 steps, batches of 128",
        MNIST | {"task": "predict"},
    ),
    "small": (
        "Training, 784-100-10, 100 steps, batches of 16",
        MNIST | {"batch": 16},
    ),
}
# n_steps, n_inputs, n_hidden, batch
GRADED_SHAPES = (100, 64, 128, 128), (250, 140, 128, 64), (500, 512, 512, 16)

_LEFT_OUT = (
    f"Of each turn the first {1e3 * SETTLING_SECONDS:.0f} ms, and the first step, are "
    "not counted: who is faster takes more steps in all."
)


def is_ours(name):
    """Return whether a contestant is one of our own."""
    return name.startswith("sklearn-snn")


def some_images(n=10_000):
    """Return the first images of MNIST, and their labels as numbers."""
    from sklearn_snn.datasets import fetch_mnist

    X, y = fetch_mnist(split="train", return_X_y=True)
    return {"X": X[:n], "y": y[:n].astype(int)}


def ranking(contestants, medians, peaks):
    """Return the table of seconds and MiB by contestant, and what it comes to.

    Parameters
    ----------
    contestants : dict of (function, bool, str)
    medians, peaks : dict of float
        Seconds and MiB by name; ours is among them.

    Returns
    -------
    lines : list of str
    """
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
    peers = {name: s for name, s in medians.items() if not is_ours(name)}
    if not peers:
        return [*lines, ""]
    fastest = min(peers, key=peers.get)
    ratio = peers[fastest] / medians[OURS]
    verdict = f"**{ratio:.1f} times as fast as the fastest peer, {fastest}.**"
    return [*lines, "", verdict, ""]


def on_images(name):
    """Return the function of a Plan that writes a section on steps with MNIST."""
    title, work = WORKS[name]

    def section(plan):
        names = plan.chosen(CONTESTANTS)
        workers = {n: Worker("images", n) for n in names}
        with crew_with(workers, **some_images()) as crew:
            request = work | {"count": plan.count(12)}
            medians, peaks = crew.measure(dict.fromkeys(names, request), plan.n_turns)
        lines = [
            f"## {title}",
            "",
            *_preface(work["task"]),
            *ranking(CONTESTANTS, medians, peaks),
        ]
        return [*lines, *plan.bars(name, title, medians)]

    return section


def _preface(task):
    if task == "predict":
        return [_LEFT_OUT, ""]
    return [
        "One training step on MNIST: Poisson encoding, forward pass, backpropagation "
        "through time, clipping and Adam. Flushed: with torch's flushing of subnormal "
        "numbers. Compiled: by `torch.compile`; SpikingJelly's own compiled neurons "
        "are for GPUs. The loops of torch alone take no library: they draw spikes in "
        "bytes, and the last has a backward pass written by hand. All contestants take "
        f"turns on all cores; medians. {_LEFT_OUT}",
        "",
    ]


def graded(plan):
    """Return the section on graded sequences."""
    names = plan.chosen(GRADED)
    workers = {n: Worker("graded", n) for n in names}
    lines = [
        "## Training on graded sequences",
        "",
        "A number for each input at each step, one hidden layer of LIF neurons, 10 "
        "outputs, float32: forward pass, backpropagation through time, clipping and "
        f"Adam. {_LEFT_OUT}",
        "",
    ]
    with crew_with(workers, X=[], y=[]) as crew:
        for shape in GRADED_SHAPES:
            keys = "n_steps", "n_inputs", "n_hidden", "batch"
            request = dict(zip(keys, shape, strict=True)) | {"count": plan.count(4)}
            medians, peaks = crew.measure(dict.fromkeys(names, request), plan.n_turns)
            n_steps, n_inputs, n_hidden, batch = shape
            title = f"{n_inputs}-{n_hidden}-10, {n_steps} steps, batches of {batch}"
            lines += [f"### {title}", "", *ranking(GRADED, medians, peaks)]
    return lines


def recurrent(plan):
    """Return the section on a recurrent network."""
    X, y = make_batches()
    names = plan.chosen(RECURRENT)
    workers = {n: Worker("recurrent", n) for n in names}
    with crew_with(workers, X=X, y=y) as crew:
        request = {"count": plan.count(CHECKED_STEPS), "is_check": True}
        checks = {name: crew.ask(name, request)[0] for name in names}
        timing = {"count": plan.count(4)}
        medians, peaks = crew.measure(dict.fromkeys(names, timing), plan.n_turns)
    title = "Recurrent network, 700-128-20, 100 steps, batches of 128"
    lines = [
        f"## {title}",
        "",
        f"One training step: binary input with {RATE:.0%} spikes, forward pass, "
        "backpropagation through time and Adam. 128 recurrent LIF neurons, or adaptive "
        "ones (adlif); the logits are mean membranes of leaky integrators. "
        f"{_LEFT_OUT}",
        "",
        *ranking(RECURRENT, medians, peaks),
    ]
    if ADAPTIVE in medians:
        ratio = medians[ADAPTIVE] / medians[OURS]
        lines.append(f"**adlif takes {ratio:.2f} times as long as lif.**")
    lines += [
        "",
        *plan.bars("recurrent", title, medians),
        f"The same networks, before and after {request['count']} steps on {N_BATCHES} "
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
    return lines


SECTIONS = {
    **{name: on_images(name) for name in WORKS},
    "graded": graded,
    "recurrent": recurrent,
}
