"""Train 27 networks over the range of reasonable neurons, to see each of them learn.

    python benchmarks/first_guess.py [--seeds 0 1]

784-100-10 on 10,000 images of MNIST, 2 epochs, everything else by default, at each
point of a grid over leak, threshold and number of steps, ends included. Prints the
accuracy on the 10,000 test images, and exits with 1 if one is below the goal.
"""

import argparse
import itertools
import sys
import warnings

from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline

from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier
from sklearn_snn.datasets import fetch_mnist

ALPHAS, THRESHOLDS, N_STEPS = (0.5, 0.745, 0.99), (0.3, 1.15, 2.0), (10, 105, 200)
GOAL = 0.88

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--seeds", nargs="+", type=int, default=[0])
args = parser.parse_args()
# The number of epochs is part of the task.
warnings.simplefilter("ignore", ConvergenceWarning)

X_train, y_train = fetch_mnist(split="train", return_X_y=True)
X_test, y_test = fetch_mnist(split="test", return_X_y=True)
n_failed = 0
for seed in args.seeds:
    scores = []
    for alpha, threshold, n_steps in itertools.product(ALPHAS, THRESHOLDS, N_STEPS):
        model = make_pipeline(
            PoissonSpikeEncoder(n_steps=n_steps, random_state=seed),
            SpikingClassifier(
                alpha=alpha, threshold=threshold, max_iter=2, random_state=seed
            ),
        )
        model.fit(X_train[:10_000], y_train[:10_000])
        scores.append(model.score(X_test, y_test))
        print(
            f"seed {seed}, alpha {alpha:5}, threshold {threshold:4}, "
            f"{n_steps:3} steps: test accuracy {scores[-1]:.4f}",
            flush=True,
        )
    print(
        f"seed {seed}: {sum(score > GOAL for score in scores)} of {len(scores)} above "
        f"{GOAL}, lowest {min(scores):.4f}"
    )
    n_failed += sum(score <= GOAL for score in scores)
sys.exit(n_failed > 0)
