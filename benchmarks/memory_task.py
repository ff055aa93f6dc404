"""A task that memory alone solves: accuracy with adaptation, recurrence, and neither.

Two cues, each a burst on either half of the channels, lie 100 to 200 steps apart: were
they of the same half? The readout remembers 10 steps and reads the end, when the second
cue comes; so the first has to be remembered by the hidden neurons. All networks learn
by the same plan, from short pauses to long ones, and are asked about 500 recordings
that they did not learn from.

    python benchmarks/memory_task.py [--seeds 5]
"""

import argparse
import warnings

import numpy as np

from sklearn_snn import SpikingClassifier
from sklearn_snn.neurons import LIF, AdLIF

NETWORKS = {
    "lif": {},
    "lif, tau of 5 to 400": {"neuron": LIF(alpha=(0.8187, 0.9975))},
    "adlif": {"neuron": AdLIF(a=0.0, b=(0.0, 8.0))},
    "lif, recurrent": {"recurrent": True},
}
# Shortest and longest pause, and epochs.
PLAN = (20, 40, 15), (30, 80, 10), (50, 200, 20)
PAUSES = 100, 200


def make_pairs(n_samples, shortest, longest, rng):
    """Return recordings of two cues, and whether these are of one half.

    Returns
    -------
    X : list of ndarrays of bool of shape (n_steps, 10)
        The second cue comes in the last 10 steps.
    y : ndarray of bool of shape (n_samples,)
    """
    cues = rng.integers(2, size=(n_samples, 2))
    X = []
    for first, second in cues:
        pause = rng.integers(shortest, longest + 1)
        rates = np.full((25 + pause, 10), 0.01)
        rates[5:15, 5 * first : 5 * first + 5] = 0.5
        rates[-10:, 5 * second : 5 * second + 5] = 0.5
        X.append(rng.random(rates.shape) < rates)
    return X, cues[:, 0] == cues[:, 1]


def train(seed, n_samples=500, plan=PLAN, **parameters):
    """Return a network that has learned by the plan, and its accuracy."""
    rng = np.random.default_rng(seed)
    X_test, y_test = make_pairs(500, *PAUSES, rng)
    model = SpikingClassifier(
        (30,),
        readout="membrane_last",
        readout_alpha=0.9,
        learning_rate_init=0.01,
        batch_size=32,
        n_iter_no_change=1000,
        warm_start=True,
        random_state=seed,
        **parameters,
    )
    for shortest, longest, max_iter in plan:
        model.set_params(max_iter=max_iter)
        model.fit(*make_pairs(n_samples, shortest, longest, rng))
    return model, model.score(X_test, y_test)


def main():
    """Print a table: mean and lowest accuracy of each network."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=5, help="seeds of each (5)")
    n_seeds = parser.parse_args().seeds
    # A network that cannot remember hardly learns.
    warnings.simplefilter("ignore")
    print(f"accuracy over {n_seeds} seeds, cues {PAUSES[0]} to {PAUSES[1]} steps apart")
    print(f"{'network':22}  mean  lowest")
    for name, parameters in NETWORKS.items():
        found = [train(seed, **parameters)[1] for seed in range(n_seeds)]
        print(f"{name:22} {np.mean(found):.3f}   {np.min(found):.3f}")


if __name__ == "__main__":
    main()
