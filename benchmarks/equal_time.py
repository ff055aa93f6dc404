"""The section of the page on benchmarks that compares accuracy after equal time.

What is fast per step may learn little by it. Each contestant trains 784-100-10 on MNIST
for the same seconds, alone on all cores; its first step, which compiles, and the tests
are not counted. All have the same learning rate, which stays, and batches of the same
rows; each draws its own weights and spikes.
"""

from contestants import CONTESTANTS
from crew import Worker, crew_with
from peer_sections import OURS

SECONDS = 10, 30
SETTING = {"n_steps": 100, "n_hidden": 100, "batch": 128}
# The fastest peers; those that take less time flushed are. SpikingJelly's network as a
# whole, compiled, is not among them: after 20 minutes it was not done.
PEERS = (
    "SpikingJelly, flushed",
    "norse, flushed",
    "torch, compiled loop, flushed",
    "torch, own backward, flushed",
    "JAX, jitted scan",
)


def all_images():
    """Return images of MNIST and labels: those to train with, then those to test."""
    import numpy as np

    from sklearn_snn.datasets import fetch_mnist

    parts = [fetch_mnist(split=part, return_X_y=True) for part in ("train", "test")]
    images, labels = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return images, labels.astype(int), len(parts[1][1])


def equal_time(plan):
    """Return the section."""
    names = plan.chosen(CONTESTANTS, among=(OURS, *PEERS))
    images, labels, n_test = all_images()
    answers = {}
    for name in names:
        # One at a time: a process that waits may still keep a core busy.
        worker = {name: Worker("equal-time", name)}
        with crew_with(worker, X=images, y=labels) as crew:
            answers[name] = [
                crew.ask(name, SETTING | {"seconds": seconds, "n_test": n_test})[0]
                for seconds in plan.seconds(SECONDS)
            ]
    times = plan.seconds(SECONDS)
    heads = " | ".join(f"{s:g} s: accuracy | updates" for s in times)
    lines = [
        "## Accuracy after equal time",
        "",
        "784-100-10 on MNIST, 100 steps, batches of 128: test accuracy after so many "
        "seconds of training, one run of each. The first step, which compiles, and the "
        "tests are not counted. All with the same constant learning rate.",
        "",
        f"| | {heads} |",
        "|---|" + "---:|---:|" * len(times),
    ]
    for name, by_time in answers.items():
        cells = " | ".join(f"{accuracy:.2%} | {n}" for accuracy, n in by_time)
        lines.append(f"| {name} | {cells} |")
    accuracies = {name: [a for a, _ in row] for name, row in answers.items()}
    return [*lines, "", *plan.dots("equal-time", times, accuracies)]


SECTIONS = {"equal-time": equal_time}
