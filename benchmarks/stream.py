"""Train on a stream of 10 million rows from a memory map, and watch the memory.

    python benchmarks/stream.py [--rows 10000000] [--block 50000]

Rows of 20 features, written to a temporary file first (800 MB), injected as a constant
current. Prints the accuracy on rows that were held out and the largest private memory
of the process (USS; pages of the file do not count), as psutil counts it all the time.
Exits with 1 if it is above the limit.
"""

import argparse
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import psutil

from sklearn_snn import SpikingClassifier

N_FEATURES, N_TEST = 20, 50_000

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--rows", type=int, default=10_000_000)
parser.add_argument("--block", type=int, default=50_000)
parser.add_argument("--limit", type=int, default=500, help="in MiB")
args = parser.parse_args()


def write(X, y):
    """Fill X with noise and y with the quadrant of its first two features."""
    rng = np.random.default_rng(0)
    for start in range(0, len(X), args.block):
        rows = slice(start, start + args.block)
        X[rows] = rng.standard_normal(X[rows].shape, np.float32)
        y[rows] = 2 * (X[rows, 0] > 0) + (X[rows, 1] > 0)


def private_memory(path):
    """Return the private memory in bytes, without the pages of a file."""
    process = psutil.Process()
    of_file = [m for m in process.memory_maps() if m.path == str(path)]
    pages = sum(m.private_clean + m.private_dirty for m in of_file)
    return process.memory_full_info().uss - pages


class Watch(threading.Thread):
    """Keeps the highest private memory that it ever saw."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.path, self.highest = path, 0
        self.start()

    def run(self):
        """Look a few times a second."""
        while True:
            self.highest = max(self.highest, private_memory(self.path))
            time.sleep(0.2)


def blocks():
    """Return the slices of the rows to train on."""
    return [
        slice(start, min(start + args.block, args.rows))
        for start in range(0, args.rows, args.block)
    ]


with tempfile.TemporaryDirectory() as folder:
    n_rows = args.rows + N_TEST
    path = Path(folder) / "X.npy"
    X = np.lib.format.open_memmap(path, "w+", np.float32, (n_rows, N_FEATURES))
    y = np.empty(n_rows, np.uint8)
    write(X, y)
    X.flush()
    X = np.load(path, mmap_mode="r")

    watch = Watch(path)
    model = SpikingClassifier(learning_rate="invscaling", power_t=0.1, random_state=0)
    start = time.perf_counter()
    for i, rows in enumerate(blocks()):
        model.partial_fit(X[rows], y[rows], classes=np.arange(4))
        if i % 20 == 0 or rows.stop == args.rows:
            print(
                f"{rows.stop:10} rows, loss {model.loss_:.4f}, USS at most "
                f"{watch.highest / 2**20:.0f} MiB, {time.perf_counter() - start:.0f} s",
                flush=True,
            )
    accuracy = model.score(X[args.rows :], y[args.rows :])
    print(f"{model.t_} rows seen, accuracy {accuracy:.4f} on {N_TEST} others")
    sys.exit(watch.highest > args.limit * 2**20)
