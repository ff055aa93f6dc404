"""Workers of `compare.py`: a process each, that do in turns what they are asked for.

A process of its own, because subnormal numbers are flushed per process, and because
compiled code, threads and memory are those of a process.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

# Threads of the BLAS look for more work for a tenth of a second, and of some OpenMP for
# two tenths: in seconds, how long who is next waits for the cores that they take.
_PAUSE = 0.25


class Worker(NamedTuple):
    """What a process is made of.

    Attributes
    ----------
    kind : str
        Of work: one of `workers.KINDS`.
    contestant : str
    environment : dict of str
        Variables that are other than here.
    """

    kind: str
    contestant: str
    environment: dict = {}


class Crew:
    """The workers, one process each.

    Parameters
    ----------
    workers : dict of Worker
        By the names that they are to have.
    data : str
        A file of arrays, as `numpy.savez` writes it.
    """

    def __init__(self, workers, data):
        self.processes = {}
        script = Path(__file__).with_name("workers.py")
        for name, (kind, contestant, environment) in workers.items():
            process = self.processes[name] = subprocess.Popen(
                [sys.executable, script, kind, contestant, data],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=os.environ | environment,
            )
            if process.stdout.readline().strip() != "ready":
                raise RuntimeError(f"{name} did not start")

    def measure(self, requests, n_turns):
        """Return median seconds and peak MiB by name; the first turn warms up."""
        seconds, peaks = {name: [] for name in requests}, {}
        for turn in range(n_turns + 1):
            for name, request in requests.items():
                new, peaks[name] = self.ask(name, request)
                seconds[name] += new if turn else []
        medians = {name: statistics.median(s) for name, s in seconds.items()}
        return medians, peaks

    def ask(self, name, request):
        """Return what a worker answers, once the others' threads sleep."""
        time.sleep(_PAUSE)
        process = self.processes[name]
        print(json.dumps(request), file=process.stdin, flush=True)
        answer = process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{name} failed at {request}")
        return json.loads(answer)

    def close(self):
        """Let all processes end."""
        for process in self.processes.values():
            process.communicate()


@contextmanager
def crew_with(workers, **arrays):
    """Yield a Crew that has these arrays, and let it go."""
    import numpy as np

    with tempfile.NamedTemporaryFile(suffix=".npz") as file:
        np.savez(file, **arrays)
        file.flush()
        crew = Crew(workers, file.name)
        try:
            yield crew
        finally:
            crew.close()


def answer_requests(run, requests, answers):
    """Answer each request, a line of JSON, with its result and peak memory in MiB."""
    print("ready", file=answers, flush=True)
    for line in requests:
        result = run(**json.loads(line))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(json.dumps([result, peak]), file=answers, flush=True)
