"""Fit and predict under settings that people have, and print what comes of each.

``python odd_settings.py settings`` changes the settings of this process one by one;
``python odd_settings.py processes`` works in processes and threads of odd kinds. A line
of JSON for each: its name, and the digests of `digests` or the error.
"""

import atexit
import hashlib
import json
import locale
import multiprocessing
import sys
import threading
import traceback
import warnings
from pathlib import Path

import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler

import sklearn_snn
from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier
from sklearn_snn.exceptions import DeadNeuronWarning


def table():
    """Return standardized float32 data, of which many products underflow."""
    X, y = load_breast_cancer(return_X_y=True)
    return StandardScaler().fit_transform(X[:150]).astype(np.float32), y[:150]


def digests(engines=("numpy", "numba")):
    """Return what tells the bits of a fit and its predictions, for each engine."""
    X, y = table()
    found = {}
    for engine in engines:
        model = SpikingClassifier(
            (30,), max_iter=3, n_steps=10, random_state=0, engine=engine
        ).fit(X, y)
        arrays = *model.coefs_, *model.staged_predict_proba(X), model.simulate(X).logits
        contents = b"".join(a.tobytes() for a in arrays)
        found[engine] = hashlib.sha256(contents).hexdigest()
    trains = PoissonSpikeEncoder(5, random_state=0).fit_transform(X)
    found["encoder"] = hashlib.sha256(np.asarray(trains).tobytes()).hexdigest()
    return found


def tell(name):
    """Print the digests under a name, or the error that comes instead."""
    try:
        result = digests()
    except BaseException:
        result = traceback.format_exc()
    print(json.dumps([name, result]), flush=True)


def comma_locale():
    """Set a locale that writes 0,5 for a half; the caller saw to it that it exists."""
    locale.setlocale(locale.LC_ALL, "de_DE.UTF-8")
    if locale.localeconv()["decimal_point"] != ",":  # without asserts, as with -O
        raise RuntimeError("this locale has no comma")


def settings():
    """Change one setting after the other; none is taken back."""
    tell("optimized, without sources, in the C locale")
    comma_locale()
    tell("comma locale")
    Path.cwd().rmdir()
    tell("deleted directory")
    warnings.simplefilter("error")
    for category in (ConvergenceWarning, DeadNeuronWarning):  # of a short fit
        warnings.simplefilter("ignore", category)
    tell("warnings are errors")
    np.seterr(all="raise")
    tell("floating point errors are raised")


def processes():
    """Work where there are no threads any more, or may be no children."""
    from sklearn_snn._engines.compiled import engine as _engine_numba

    _engine_numba.n_threads = lambda: 2  # on any machine
    tell("from an archive, with nowhere to write")
    daemon = multiprocessing.get_context("fork").Process(
        target=tell, args=["daemonic process"], daemon=True
    )
    daemon.start()
    daemon.join()
    atexit.register(tell, "at exit")

    def outlive():
        threading.main_thread().join()
        tell("thread after the main one")

    threading.Thread(target=outlive).start()


if __name__ == "__main__":
    warnings.filterwarnings("ignore", message=".*fork")
    print(json.dumps(["package", sklearn_snn.__file__]))
    {"settings": settings, "processes": processes}[sys.argv[1]]()
