"""Interrupt fits at random moments, and check what they leave behind.

``python interrupting.py N SEED`` sends this process SIGINT, as Ctrl-C does, in each of
N fits, at moments spread over a fit from before its first epoch to after its last. A
line of JSON tells what came of each; the exit code is 1 if one broke the rules.
"""

import copy
import faulthandler
import itertools
import json
import os
import signal
import sys
import threading
import time
import traceback
import warnings
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_info

import sklearn_snn
from sklearn_snn import SpikeTrains, SpikingClassifier

# A fit takes some hundredths of a second: one that takes so long is stuck.
TIME_LIMIT = 60
PACKAGE = Path(sklearn_snn.__file__).parent
MAX_ITER = 15
RNG = np.random.default_rng(0)
X2 = RNG.random((150, 6))
Y = (X2[:, 0] + 0.3 * RNG.random(150) > X2[:, 1]).astype(int)
INPUTS = {"2-D": X2, "trains": SpikeTrains(X2, 6, seed=1)}
METHODS = ("fit", "refit", "warm fit", "partial_fit")


class Interruption:
    """A SIGINT to this process after some seconds.

    It raises KeyboardInterrupt, as ever, if it comes while the package runs, and has no
    effect before and after.

    Attributes
    ----------
    place : str or None
        The line of the package that was interrupted.
    """

    def __init__(self, seconds):
        self.place = None
        self._timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGINT))

    def __enter__(self):
        self._before = signal.signal(signal.SIGINT, self._interrupt)
        self._timer.start()
        return self

    def __exit__(self, *error):
        self._timer.join()
        # Let the interpreter handle the signal, if it has not.
        time.sleep(0.001)
        signal.signal(signal.SIGINT, self._before)

    def _interrupt(self, number, frame):
        stack = traceback.extract_stack(frame)
        own = [f for f in stack if Path(f.filename).is_relative_to(PACKAGE)]
        # What is around a public method, as scikit-learn's decorator is, is not in it.
        own = [f for f in own if Path(f.filename).name != "_errstate.py"]
        if own:
            self.place = f"{Path(own[-1].filename).name}:{own[-1].lineno}"
            signal.default_int_handler(number, frame)


def make(engine, early_stopping, max_iter=MAX_ITER):
    """Return a network whose first epochs do not depend on how many there are."""
    return SpikingClassifier(
        (4,),
        n_steps=6,
        learning_rate="constant",
        max_iter=max_iter,
        batch_size=32,
        n_iter_no_change=np.inf,
        early_stopping=early_stopping,
        random_state=0,
        engine=engine,
    )


def train(model, method, X):
    """Train in one of the ways there are."""
    if method == "partial_fit":
        return model.partial_fit(X, Y, classes=[0, 1])
    return model.set_params(warm_start=method == "warm fit").fit(X, Y)


def state(model):
    """Return all that a fit leaves, to the bit."""
    return {k: _bits(v) for k, v in vars(model).items() if k.endswith("_")}


def _bits(value):
    if isinstance(value, dict):
        return {name: _bits(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_bits(item) for item in value]
    return value.tobytes() if isinstance(value, np.ndarray) else repr(value)


def n_blas_threads():
    """Return the number of threads of each BLAS."""
    return [i["num_threads"] for i in threadpool_info() if i["user_api"] == "blas"]


class Scenario:
    """One way to train, its duration, and what it leads to if nothing interrupts it."""

    def __init__(self, engine, X, early_stopping, method):
        self.engine, self.X, self.method = engine, X, method
        self.early_stopping = early_stopping
        self.first = make(engine, early_stopping)
        if method != "fit":
            train(self.first, "partial_fit" if method == "partial_fit" else "fit", X)
        self._expected = {}
        self.seconds = min(self._measure() for _ in range(3))

    def _measure(self):
        model, start = copy.deepcopy(self.first), time.perf_counter()
        train(model, self.method, self.X)
        return time.perf_counter() - start

    def expected(self, n_iter):
        """Return the state after that many epochs."""
        if n_iter not in self._expected:
            model = copy.deepcopy(self.first).set_params(max_iter=n_iter)
            self._expected[n_iter] = state(train(model, self.method, self.X))
        return self._expected[n_iter]

    def interrupt(self, share):
        """Interrupt after a share of the duration; return what came of it."""
        model, threads = copy.deepcopy(self.first), n_blas_threads()
        before, raised = state(model), False
        with warnings.catch_warnings(record=True) as shown:
            warnings.simplefilter("always")
            with Interruption(share * self.seconds) as interruption:
                try:
                    train(model, self.method, self.X)
                except KeyboardInterrupt:
                    raised = True
        messages = [str(w.message) for w in shown]
        said = [m for m in messages if "interrupted by user" in m]
        if raised:
            assert interruption.place is not None, "KeyboardInterrupt out of nowhere"
            assert state(model) == before, "an interrupted fit leaves no trace"
            epochs = None
        else:
            epochs = self._check_fitted(model, said)
        assert n_blas_threads() == threads, "the BLAS has its threads again"
        again = train(copy.deepcopy(self.first), self.method, self.X)
        assert state(again) == self.expected(MAX_ITER), "the next fit is a normal one"
        return {"raised": raised, "epochs": epochs, "place": interruption.place}

    def _check_fitted(self, model, said):
        """Check a model whose fit returned; return its number of epochs."""
        n_iter = model.n_iter_
        n_before = len(self.first.loss_curve_) if self.goes_on else 0
        assert len(model.loss_curve_) == n_before + n_iter
        assert np.isfinite(model.predict_proba(self.X)).all()
        assert state(model) == self.expected(n_iter), "epochs are those of any fit"
        is_whole = n_iter == (1 if self.method == "partial_fit" else MAX_ITER)
        assert is_whole or len(said) == 1, "a warning tells that it ended early"
        assert not said or f"after {n_iter} epochs" in said[0]
        return n_iter

    @property
    def goes_on(self):
        """Tell whether the epochs of earlier calls count too."""
        return self.method in ("warm fit", "partial_fit")


def scenarios():
    """Return all ways to train; partial_fit has no early stopping."""
    choices = itertools.product(
        METHODS, (False, True), INPUTS.items(), ("numpy", "numba")
    )
    for method, early_stopping, (name, X), engine in choices:
        if not (early_stopping and method == "partial_fit"):
            title = f"{engine}, {name}, {method}{', early' if early_stopping else ''}"
            yield title, Scenario(engine, X, early_stopping, method)


def main(n, seed):
    """Interrupt `n` fits; return how many broke the rules."""
    warnings.simplefilter("ignore")
    faulthandler.enable()
    rng = np.random.default_rng(seed)
    ways = list(scenarios())
    order = itertools.cycle(rng.permutation(len(ways)))
    n_broken = 0
    for i, way in zip(range(n), order, strict=False):
        title, scenario = ways[way]
        share = 1.1 * (i + rng.random()) / n
        faulthandler.dump_traceback_later(TIME_LIMIT, exit=True)
        result = {"way": title, "moment": round(share, 3)}
        try:
            result |= scenario.interrupt(share)
        except Exception as error:
            n_broken += 1
            result["broken"] = f"{type(error).__name__}: {error}"
            traceback.print_exc()
        faulthandler.cancel_dump_traceback_later()
        print(json.dumps(result), flush=True)
    return n_broken


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])) > 0)
