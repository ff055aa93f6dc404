"""Ctrl-C at any moment of a fit leaves a whole estimator, and the next fit works."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from sklearn_snn import SpikeTrains, SpikingClassifier

# How many fits are interrupted; with a number set, at other moments in each run.
N = int(os.environ.get("SKLEARN_SNN_INTERRUPTIONS", 0))
# A fit whose import of numba is interrupted by that of one of its modules, or of ours.
IMPORTING = """
import builtins, sys
import numpy as np
from sklearn_snn import SpikingClassifier
X, y = np.random.default_rng(0).random((20, 3)), np.arange(20) % 2
model = SpikingClassifier((4,), max_iter=1, n_iter_no_change=9, engine="numba")
find, where = builtins.__import__, sys.argv[1]

def interrupted(name, *args):
    if name == where and builtins.__import__ is interrupted:
        builtins.__import__ = find
        raise KeyboardInterrupt
    return find(name, *args)

builtins.__import__ = interrupted
try:
    model.fit(X, y)
except KeyboardInterrupt:
    assert not any(name.partition(".")[0] == "numba" for name in sys.modules) or (
        where.startswith("sklearn_snn")
    )
    print(len(model.fit(X, y).coefs_))
"""


def test_interruptions():
    script = Path(__file__).with_name("interrupting.py")
    seed = int.from_bytes(os.urandom(4)) if N else 0
    arguments = [sys.executable, str(script), str(N or 10), str(seed)]
    run = subprocess.run(
        arguments, capture_output=True, text=True, timeout=300 + 5 * N, check=False
    )
    results = [json.loads(line) for line in run.stdout.splitlines()]
    assert run.returncode == 0, f"seed {seed}\n{run.stdout}{run.stderr}"
    assert len(results) == (N or 10)
    # The moments are spread over the fits, and a little beyond their usual end.
    n_hits = sum(result["place"] is not None for result in results)
    print(f"{n_hits} of {len(results)} interrupted, {run.returncode} broken")
    assert n_hits > len(results) / 2, run.stdout


@pytest.mark.parametrize("name", ["as_bits", "kernels.run_spikes"])
def test_what_numba_makes_of_an_interruption_is_one(name, monkeypatch):
    """While compiled code hands over its result, as of whoever makes samples ready."""

    def interrupted(*args):
        raise SystemError("returned a result with an exception set") from (
            KeyboardInterrupt()
        )

    X, y = SpikeTrains(np.full((300, 3), 0.5), 4, seed=0), np.arange(300) % 2
    X = np.asarray(X) if name == "as_bits" else X
    model = SpikingClassifier((4,), max_iter=1, engine="numba").fit(X, y)
    monkeypatch.setattr(f"sklearn_snn._engines.compiled.ready.{name}", interrupted)
    for n in (1, 20, 300):  # made ready by one thread, and by each
        with pytest.raises(KeyboardInterrupt):
            model.predict(X[:n])


@pytest.mark.parametrize(
    "name",
    ["llvmlite.ir", "numba.core", "sklearn_snn._engines.compiled.products"],
)
def test_an_interrupted_import_is_begun_anew(name):
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", IMPORTING, name],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout == "2\n", run.stderr
