"""Measure what the answer after each step costs, compared with the last one alone.

    python benchmarks/staged.py [--turns 9]

Predictions of MNIST's test images, 784-100-10 with 100 steps: `predict`,
`staged_predict` and `staged_predict_proba` take turns. Exits with 1 if the median of
one of the latter is more than 1.2 times that of `predict`.
"""

import argparse
import statistics
import sys
import time
import warnings

from sklearn.exceptions import ConvergenceWarning

from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier
from sklearn_snn.datasets import fetch_mnist

LIMIT = 1.2

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--turns", type=int, default=9, help="turns of each (9)")
args = parser.parse_args()

images, labels = fetch_mnist(split="train", return_X_y=True)
encoder = PoissonSpikeEncoder(100, random_state=0).fit(images)
model = SpikingClassifier(max_iter=1, random_state=0)
with warnings.catch_warnings():
    warnings.simplefilter("ignore", ConvergenceWarning)
    model.fit(encoder.transform(images[:10_000]), labels[:10_000])
test = encoder.transform(fetch_mnist(split="test", return_X_y=True)[0])


def all_stages(stages):
    """Take the answers one by one, as they come."""
    for _ in stages:
        pass


ways = {
    "predict": lambda: model.predict(test),
    "staged_predict": lambda: all_stages(model.staged_predict(test)),
    "staged_predict_proba": lambda: all_stages(model.staged_predict_proba(test)),
}
seconds = {name: [] for name in ways}
for turn in range(args.turns + 1):
    for name, way in ways.items():
        start = time.perf_counter()
        way()
        if turn:  # the first one may compile
            seconds[name].append(time.perf_counter() - start)
medians = {name: statistics.median(times) for name, times in seconds.items()}
for name, median in medians.items():
    print(f"{name:22}{1e3 * median:7.0f} ms, {median / medians['predict']:.2f} times")
sys.exit(max(medians.values()) > LIMIT * medians["predict"])
