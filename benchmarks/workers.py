"""A worker of `compare.py`: does one kind of work, as one contestant.

It is started with the kind, the contestant and a file of arrays; each line that it
reads is a request. What it prints besides goes to the standard error.
"""

import statistics
import sys
import time
from itertools import count as forever
from itertools import repeat

import numpy as np
from contestants import CONTESTANTS
from crew import answer_requests
from graded_contestants import GRADED
from recurrent_contestants import RECURRENT
from recurrent_task import N_BATCHES
from tabular import run_tabular

# After a pause: so long some systems leave two threads on one core.
SETTLING_SECONDS = 0.05


def prepare_torch(flush):
    """Seed torch and tell it what to do with subnormal numbers; None is no torch."""
    if flush is not None:
        import torch

        torch.manual_seed(0)
        torch.set_flush_denormal(flush)


def timed(function, *args):
    """Return the seconds that a call took."""
    start = time.perf_counter()
    function(*args)
    return time.perf_counter() - start


def timed_steps(function, all_args, count):
    """Return the seconds of so many calls, after others that are not counted.

    Batches follow each other: the first ones after a pause, which find caches cold and
    threads asleep, or woken on a core that is taken, stand for none. They are learned
    from all the same: who is faster has then learned more.

    Parameters
    ----------
    function : callable
    all_args : iterator
        Of what it is called with, without an end.
    count : int
    """
    start = time.perf_counter()
    function(*next(all_args))
    while time.perf_counter() - start < SETTLING_SECONDS:
        function(*next(all_args))
    return [timed(function, *next(all_args)) for _ in range(count)]


def run_steps(name, X, y):
    """Return a function that times steps of a contestant on images."""
    make, flush, _ = CONTESTANTS[name]
    prepare_torch(flush)
    made = {}
    rng = np.random.default_rng(0)

    def run(task, n_steps, n_hidden, batch, rate, count):
        key = n_steps, n_hidden, rate
        if key not in made:
            made.clear()
            dimmed = np.round(X * rate).astype(np.uint8)
            dimmed[0, 0] = 255  # the encoder scales by the largest intensity
            made[key] = make(dimmed, y, n_steps, n_hidden)
        function = made[key][task == "predict"]
        batches = ((rng.choice(len(y), batch, replace=False),) for _ in forever())
        return timed_steps(function, batches, count)

    return run


def run_equal_time(name, X, y):
    """Return a function that trains for a time, and tells the accuracy.

    The last rows are for testing. What it has learned it keeps.
    """
    make, flush, _ = CONTESTANTS[name]
    prepare_torch(flush)
    state = {"seconds": 0.0, "n_updates": 0}

    def run(seconds, n_test, n_steps, n_hidden, batch):
        if "step" not in state:
            state["step"], state["predict"] = make(X, y, n_steps, n_hidden)
            state["rng"] = np.random.default_rng(0)
            # Compiles: one update more than are counted.
            state["step"](np.arange(batch))
        n_train = len(y) - n_test
        while state["seconds"] < seconds:
            rows = state["rng"].choice(n_train, batch, replace=False)
            state["seconds"] += timed(state["step"], rows)
            state["n_updates"] += 1
        right = 0
        for start in range(n_train, len(y), batch):
            # The last batch is filled up: for another size some compile anew.
            rows = np.arange(start, start + batch) % len(y)
            n = min(batch, len(y) - start)
            right += int((state["predict"](rows) == y[rows])[:n].sum())
        return [right / n_test, state["n_updates"]]

    return run


def run_graded(name, X, y):
    """Return a function that times steps on graded sequences of one shape."""
    make, flush, _ = GRADED[name]
    prepare_torch(flush)
    made = {}

    def run(n_steps, n_inputs, n_hidden, batch, count):
        shape = n_steps, n_inputs, n_hidden, batch
        if shape not in made:
            made.clear()
            made[shape] = make(*shape)
        return timed_steps(made[shape], repeat(()), count)

    return run


def run_recurrent(name, X, y):
    """Return a function that times steps of a recurrent network, or checks them."""
    make, flush, _ = RECURRENT[name]
    prepare_torch(flush)
    contestant = make(X, y)

    def run(count, is_check=False):
        if not is_check:
            batches = ((i % N_BATCHES,) for i in forever())
            return timed_steps(contestant.step, batches, count)
        before = contestant.firing_rate(0)
        losses = [contestant.step(i % N_BATCHES) for i in range(count)]
        ends = losses[:N_BATCHES], losses[-N_BATCHES:]
        rates = before, contestant.firing_rate(0)
        return [contestant.n_parameters, *rates, *map(statistics.mean, ends)]

    return run


# Functions of a contestant's name, X and y that return one that answers requests.
KINDS = {
    "images": run_steps,
    "equal-time": run_equal_time,
    "graded": run_graded,
    "recurrent": run_recurrent,
    "tabular": run_tabular,
}


def main():
    """Answer until there are no more requests."""
    kind, contestant, data = sys.argv[1:]
    answers, sys.stdout = sys.stdout, sys.stderr
    with np.load(data) as arrays:
        X, y = arrays["X"], arrays["y"]
    answer_requests(KINDS[kind](contestant, X, y), sys.stdin, answers)


if __name__ == "__main__":
    main()
