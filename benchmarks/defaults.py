"""Compare settings of `SpikingClassifier` with each other, and with `MLPClassifier`.

    python benchmarks/defaults.py --cache FOLDER [--groups open] [--seeds 0 1 2]
        [--settings default decay ...] [--held-back]

How the defaults were chosen: `SETTINGS` are parameters other than the defaults, the
same for every set, or constants of modules. The sets are in `tables.py`, which says
what they need. Those that are held back are read with ``--held-back`` only: choose by
the others, and look at them once.

Every seed is another split and another model. Each result is kept in a file of its
setting in FOLDER, and is not computed again: stop and go on at will, but take another
folder, or delete the file, when the code has changed.

The score is accuracy, or the area under the ROC curve where classes are rare; of
regions it is told how many seeds learned them. Seconds depend on the machine: run it
when nothing else runs.
"""

import argparse
import hashlib
import json
import math
import statistics
import time
import warnings
from contextlib import ExitStack
from importlib import import_module
from pathlib import Path
from unittest.mock import patch

import numpy as np
from scipy.stats import rankdata
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from tables import GROUPS, LEARNED

from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier
from sklearn_snn.exceptions import DeadNeuronWarning

MLP = "MLPClassifier"
IMAGE_STEPS = 50
RANGE = "_model.first_guess.CONSTANT_RANGE"
RANGE_IN_TIME = "_model.first_guess.MEMBRANE_RANGE"
# name: parameters, or with a dot in their names constants of modules. What the defaults
# were before, and what each change is worth: the defaults without it.
SETTINGS = {
    MLP: {},
    "default": {},
    "before": {
        **{"readout": "spike_count", "reset": "zero", "weight_decay": 1e-5},
        **{"n_iter_no_change": 10, "batch_size": 128, RANGE: (0.3, 10.0)},
        **{"learning_rate_init": 0.002, "centering": False, "dropout": 0.0},
        RANGE_IN_TIME: (0.3, 10.0),
    },
    "plain counts": {"readout": "spike_count"},
    "reset to zero": {"reset": "zero"},
    "little decay": {"weight_decay": 1e-5},
    "decay of 3 / n": {"_training.plan._TWICE_THE_PRIOR": 0},
    "not centred": {"centering": False},
    "rate of 0.002": {"learning_rate_init": 0.002},
    "none left out": {"dropout": 0.0},
    "patience": {"n_iter_no_change": 10},
    "half the epochs": {"max_iter": 100},
    "large first guess": {RANGE: (0.3, 10.0), RANGE_IN_TIME: (0.3, 10.0)},
    # What else was tried: other rates, longer, in smaller batches, held back more.
    "rate of 0.001": {"learning_rate_init": 0.001},
    "rate of 0.005": {"learning_rate_init": 0.005},
    "thrice the epochs": {"max_iter": 600},
    "batches of 16": {"batch_size": 16},
    "dropout": {"dropout": 0.2},
    "steeper": {"beta": 10.0},
    "twice the steps": {"n_steps": 50},
    # Readouts of membranes alone, in logits as large as those of counts.
    "membrane_mean": {"readout": "membrane_mean", "logit_scale": 10.0},
    "membrane_last": {"readout": "membrane_last", "logit_scale": 10.0},
    "membrane_max": {"readout": "membrane_max", "logit_scale": 10.0},
    "softmax_mean": {"readout": "softmax_mean", "logit_scale": 10.0},
    # What goes well with Poisson spikes of images in wide layers, with as many neurons
    # and steps as the others.
    "for images": {
        **{"threshold": 2.0, "beta": 2.5},
        **{"readout": "soft_count", "logit_scale": 20 / IMAGE_STEPS},
    },
}


def make_model(name, overrides, group, seed):
    """Return an unfitted model."""
    if name == MLP:
        return MLPClassifier(random_state=seed)
    model = SpikingClassifier(random_state=seed, **overrides)
    if group == "images":
        model.set_params(max_iter=5)
        encoder = PoissonSpikeEncoder(n_steps=IMAGE_STEPS, random_state=seed)
        model = make_pipeline(encoder, model)
    return model


def measure(model, split, group):
    """Return a dict of what came of a fit."""
    X_train, X_test, y_train, y_test = split
    if isinstance(model, MLPClassifier) and group in ("images", "recordings"):
        scale = 255 if group == "images" else 1
        X_train, X_test = (X.reshape(len(X), -1) / scale for X in (X_train, X_test))
    start = time.perf_counter()
    model.fit(X_train, y_train)
    seconds = time.perf_counter() - start
    proba = model.predict_proba(X_test)
    predicted = model.classes_[proba.argmax(axis=1)]
    last = model[-1] if hasattr(model, "steps") else model
    result = {
        "accuracy": np.mean(predicted == y_test),
        "balanced": balanced_accuracy_score(y_test, predicted),
        "seconds": seconds,
        "n_iter": last.n_iter_,
        "distinct": len(np.unique(proba[:, 0])),
        "loss": last.loss_curve_[-1],
        "n_test": len(y_test),
    }
    if len(model.classes_) == 2:
        result["auc"] = roc_auc_score(y_test, proba[:, 1])
    if hasattr(last, "firing_rates_"):
        result["rates"] = last.firing_rates_.tolist()
    return {k: v if k == "rates" else float(v) for k, v in result.items()}


def score_of(result, group, data):
    """Return the number that is compared, in points."""
    if group == "imbalanced":
        return 100 * result["auc"]
    is_rare = group == "regions" and "95:5" in data
    return 100 * result["balanced" if is_rare else "accuracy"]


class Results:
    """Results of a setting, in a file with a line for each set and seed."""

    def __init__(self, folder, name, overrides):
        self.name, self.overrides = name, overrides
        text = json.dumps(overrides, sort_keys=True)
        digest = hashlib.sha256(text.encode()).hexdigest()[:8]
        label = "".join(c if c.isalnum() else "_" for c in name)
        self.path = folder / f"{label}-{digest}.jsonl"
        self.known = {}
        if self.path.exists():
            for line in self.path.read_text().splitlines():
                data, seed, result = json.loads(line)
                self.known[data, seed] = result

    def get(self, group, data, seed):
        """Return a result, which is computed if it is not known."""
        if (data, seed) not in self.known:
            params = {k: v for k, v in self.overrides.items() if "." not in k}
            with ExitStack() as stack:
                for key in self.overrides.keys() - params.keys():
                    module, _, constant = key.rpartition(".")
                    module = import_module(f"sklearn_snn.{module}")
                    value = self.overrides[key]
                    stack.enter_context(patch.object(module, constant, value))
                model = make_model(self.name, params, group, seed)
                result = measure(model, GROUPS[group][data](seed), group)
            self.known[data, seed] = result
            with self.path.open("a") as file:
                file.write(json.dumps([data, seed, result]) + "\n")
        return self.known[data, seed]


def mean_and_error(by_set):
    """Return the mean over sets, and its standard errors over seeds and over sets.

    Parameters
    ----------
    by_set : list of lists of float
        A number per seed of each set.
    """
    means = [statistics.mean(v) for v in by_set]
    n = len(by_set)
    variances = [statistics.variance(v) / len(v) for v in by_set if len(v) > 1]
    over_seeds = math.sqrt(sum(variances)) / n
    over_sets = statistics.stdev(means) / math.sqrt(n) if n > 1 else 0.0
    return statistics.mean(means), over_seeds, over_sets


def summary(group, sets, seeds, results):
    """Print what the settings came to in a group."""
    scores = {
        r.name: [[score_of(r.get(group, d, s), group, d) for s in seeds] for d in sets]
        for r in results
    }
    width = max(map(len, sets))
    print(f"\n{group}, {len(seeds)} seeds")
    header = " ".join(f"{name[:13]:>13}" for name in scores)
    print(f"{'':{width}} {header}")
    for i, data in enumerate(sets):
        cells = []
        for by_set in scores.values():
            text = f"{statistics.mean(by_set[i]):.1f}"
            if group == "regions":
                goal = 100 * LEARNED[data] - 1e-9
                text += f" {sum(v >= goal for v in by_set[i]):2}/{len(seeds)}"
            cells.append(f"{text:>13}")
        print(f"{data:{width}} {' '.join(cells)}")
    means = [[statistics.mean(v) for v in by_set] for by_set in scores.values()]
    ranks = rankdata(-np.array(means), axis=0)
    first = next(r for r in results if r.name != MLP)
    for r, rank in zip(results, ranks, strict=True):
        row = [[r.get(group, d, s) for s in seeds] for d in sets]
        pairs = zip(row, sets, strict=True)
        seconds, base = (
            sum(x.get(group, d, s)["seconds"] for d in sets for s in seeds)
            for x in (r, first)
        )
        share = statistics.mean(
            min(1, a["distinct"] / b["distinct"])
            for by_set, d in pairs
            for a, b in zip(
                by_set, [results[0].get(group, d, s) for s in seeds], strict=True
            )
        )
        text = f"{r.name:32} rank {rank.mean():5.2f}"
        for label, other in (("MLP", MLP), (first.name, first.name)):
            if other in scores and other != r.name:
                differences = [
                    [a - b for a, b in zip(*pair, strict=True)]
                    for pair in zip(scores[r.name], scores[other], strict=True)
                ]
                mean, over_seeds, over_sets = mean_and_error(differences)
                by_set = [statistics.mean(v) for v in differences]
                worst = int(np.argmin(by_set))
                text += f" | -{label} {mean:+5.2f} ±{over_seeds:.2f} ±{over_sets:.2f}"
                if other == MLP:
                    text += f" worst {by_set[worst]:+5.1f} {sets[worst]:11}"
        print(f"{text} | {seconds / base:4.2f} of time, distinct {share:.2f}")


def main():
    """Compute what is not known yet, and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, required=True)
    groups = [group for group in GROUPS if group != "held-back"]
    parser.add_argument("--groups", nargs="*", choices=groups, default=["open"])
    parser.add_argument("--sets", nargs="+", help="of these groups only these sets")
    parser.add_argument("--held-back", action="store_true")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument("--settings", nargs="+", default=list(SETTINGS))
    parser.add_argument("--more", type=Path, help="a JSON file of further settings")
    args = parser.parse_args()
    # Where the epochs end is part of the defaults.
    for category in (ConvergenceWarning, DeadNeuronWarning):
        warnings.simplefilter("ignore", category)
    args.cache.mkdir(parents=True, exist_ok=True)
    settings = dict(SETTINGS)
    if args.more:
        settings |= json.loads(args.more.read_text())
    results = [Results(args.cache, name, settings[name]) for name in args.settings]
    for group in [*args.groups, *["held-back"] * args.held_back]:
        sets = [s for s in GROUPS[group] if args.sets is None or s in args.sets]
        for result in results:
            for data in sets:
                for seed in args.seeds:
                    result.get(group, data, seed)
            print(".", end="", flush=True)
        summary(group, sets, args.seeds, results)


if __name__ == "__main__":
    main()
