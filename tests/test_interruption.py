"""Ctrl-C at any moment of a fit leaves a whole estimator, and the next fit works."""

import json
import os
import subprocess
import sys
from pathlib import Path

# How many fits are interrupted; with a number set, at other moments in each run.
N = int(os.environ.get("SKLEARN_SNN_INTERRUPTIONS", 0))


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
