"""Compare one recipe for time series with the usual methods for these.

    python benchmarks/time_series.py --cache FOLDER [--seeds 0 1 2 3 4]
        [--sets GunPoint ...] [--models recipe DTW ...] [--held-back]
        [--output docs/_generated/time_series.rst]

The recipe is `recipe`: the same parameters for every set, and time constants that
follow the length of the series. Only the length of the delay line differs; it is chosen
by cross-validation within the training set, as `longest` says. The others are 1-NN with
dynamic time warping, whose window is not limited, ROCKET (Dempster, Petitjean & Webb,
Data Mining and Knowledge Discovery 34, 2020), both those of aeon, and `MLPClassifier`
with the values of all steps as columns, each with its defaults::

    pip install aeon

The sets are in `series.py`, which says what they need. A seed is another model, and
other folds, on the published split. Of series of unequal lengths all but 1-NN-DTW get
the mean of the channel after the end. Each result is kept in a file of its model in
FOLDER, and is not computed again: stop and go on at will, but take another folder when
the code has changed. The files also have the seconds of `fit`, cross-validation
included, when compiled.
"""

import argparse
import itertools
import math
import statistics
import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
from results import Results
from scipy.stats import rankdata
from series import HELD_BACK, SETS, padded
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_snn import ChannelTransformer, DelayLine, Sequences, SpikingClassifier
from sklearn_snn.exceptions import DeadNeuronWarning
from sklearn_snn.neurons import AdLIF

# Lengths of the delay line among which cross-validation chooses; 1 is none. None is
# longer than the series, or makes more than 64 channels of those that there are.
DELAYS = 1, 8, 64
MAX_CHANNELS = 64
N_FOLDS = 3


def leaks(first, last):
    """Return the leaks of time constants, in steps."""
    return math.exp(-1 / first), math.exp(-1 / last)


def filled(X, n_steps):
    """Return standardized series as an array, with 0, the mean, after their ends.

    On JapaneseVowels, of 7 to 29 steps, cross-validation has a log loss of 0.07 with
    this, and of 0.12 with networks that stop where a series ends.
    """
    if isinstance(X, Sequences):
        X = X.padded()
    return np.pad(X, ((0, 0), (0, max(0, n_steps - X.shape[1])), (0, 0)))


def recipe(n_steps, n_delays, seed):
    """Return an unfitted model for series of so many steps."""
    membrane = leaks(max(4, 0.01 * n_steps), max(8, 0.05 * n_steps))
    adaptation = leaks(max(20, 0.1 * n_steps), max(40, 0.5 * n_steps))
    return make_pipeline(
        ChannelTransformer(StandardScaler()),
        FunctionTransformer(filled, kw_args={"n_steps": n_steps}),
        DelayLine(n_delays),
        SpikingClassifier(
            (256,),
            neuron=AdLIF(alpha=membrane, rho=adaptation, b=(0.0, 0.5)),
            learn_neuron=True,
            readout="soft_count",
            logit_scale=20 / n_steps,
            beta=10.0,
            learning_rate_init=0.005,
            batch_size=32,
            dropout=0.3,
            max_iter=100,
            n_iter_no_change=math.inf,
            random_state=seed,
        ),
    )


def longest(cv_results):
    """Return the index of the longest delay line as good as the best one.

    As good is what is within one standard error over the folds. These are of a dozen
    series each, and a longer delay line shows all that a shorter one does.
    """
    mean = cv_results["mean_test_score"]
    best = mean.argmax()
    error = cv_results["std_test_score"][best] / math.sqrt(N_FOLDS - 1)
    good = mean >= mean[best] - error - 1e-9
    return int(np.flatnonzero(good)[-1])


def searched(n_steps, n_channels, seed):
    """Return the recipe, which chooses the length of the delay line itself."""
    longest_line = max(1, min(n_steps, MAX_CHANNELS // n_channels))
    n_delays = sorted({min(n, longest_line) for n in DELAYS})
    return GridSearchCV(
        recipe(n_steps, 1, seed),
        {"delayline__n_delays": n_delays},
        cv=StratifiedKFold(N_FOLDS, shuffle=True, random_state=seed),
        refit=longest,
        error_score="raise",
    )


def spiking(with_delays):
    """Return a function of data and a seed that fits the recipe and predicts."""

    def predict(X_train, y_train, X_test, seed):
        X_train, X_test = padded(X_train, X_test)
        _, n_steps, n_channels = X_train.shape
        model = recipe(n_steps, 1, seed)
        if with_delays:
            model = searched(n_steps, n_channels, seed)
        start = time.perf_counter()
        model.fit(X_train, y_train)
        seconds = time.perf_counter() - start
        chosen = {}
        if with_delays:
            chosen["n_delays"] = model.best_params_["delayline__n_delays"]
        return model.predict(X_test), seconds, chosen

    return predict


def mlp(X_train, y_train, X_test, seed):
    """Fit `MLPClassifier` to all values of a series as columns, and predict."""
    X_train, X_test = (X.reshape(len(X), -1) for X in padded(X_train, X_test))
    filled = FunctionTransformer(np.nan_to_num)
    model = make_pipeline(StandardScaler(), filled, MLPClassifier(random_state=seed))
    return _measured(model, X_train, y_train, X_test)


def dtw(X_train, y_train, X_test, seed):
    """Answer with the class of the nearest neighbour by dynamic time warping."""
    from aeon.classification.distance_based import KNeighborsTimeSeriesClassifier

    model = KNeighborsTimeSeriesClassifier(n_neighbors=1, distance="dtw")
    X_train, X_test = ([x.T for x in X] for X in (X_train, X_test))
    return _measured(model, X_train, y_train, X_test)


def rocket(X_train, y_train, X_test, seed):
    """Fit ROCKET and predict."""
    from aeon.classification.convolution_based import RocketClassifier

    scaler = ChannelTransformer(StandardScaler())
    X_train, X_test = padded(X_train, X_test)
    n_steps = X_train.shape[1]
    X_train, X_test = scaler.fit_transform(X_train), scaler.transform(X_test)
    X_train, X_test = (filled(X, n_steps).transpose(0, 2, 1) for X in (X_train, X_test))
    return _measured(RocketClassifier(random_state=seed), X_train, y_train, X_test)


def _measured(model, X_train, y_train, X_test):
    """Return predictions, seconds to fit, and what was chosen: nothing."""
    start = time.perf_counter()
    model.fit(X_train, y_train)
    seconds = time.perf_counter() - start
    return model.predict(X_test), seconds, {}


MODELS = {
    "recipe": spiking(with_delays=True),
    "no delays": spiking(with_delays=False),
    "DTW": dtw,
    "ROCKET": rocket,
    "MLP": mlp,
}
DETERMINISTIC = {"DTW"}


def computed(name, data, seed):
    """Fit a model to a set, and return its accuracy and what else it tells."""
    X_train, X_test, y_train, y_test = (SETS | HELD_BACK)[data]()
    predicted, seconds, chosen = MODELS[name](X_train, y_train, X_test, seed)
    accuracy = float(np.mean(predicted == y_test))
    return {"accuracy": accuracy, "seconds": seconds, **chosen}


def seeds_of(result, seeds):
    """Return the seeds of a model, one if they make no difference."""
    return [0] if result.name in DETERMINISTIC else seeds


def cell(runs):
    """Return the mean accuracy and its deviation over seeds, as text."""
    accuracy = [run["accuracy"] for run in runs]
    mean = f"{statistics.mean(accuracy):.3f}"
    return f"{mean} ± {statistics.stdev(accuracy):.3f}" if len(runs) > 1 else mean


def rows(sets, seeds, results):
    """Return the table: of each set the lengths chosen and the cells; mean ranks."""
    lines, means = [], []
    for data in sets:
        runs = [[r.get(data, s) for s in seeds_of(r, seeds)] for r in results]
        means.append([statistics.mean(x["accuracy"] for x in v) for v in runs])
        lengths = Counter(x["n_delays"] for v in runs for x in v if "n_delays" in x)
        chosen = ", ".join(
            str(k) if n == len(seeds) else f"{k} ({n})"
            for k, n in sorted(lengths.items())
        )
        lines.append([data, chosen, *map(cell, runs)])
    # The best has the rank 1; those that are equal share the mean of their ranks.
    ranks = rankdata(-np.round(means, 12), axis=1).mean(axis=0)
    lines.append(["mean", "", *(f"{m:.3f}" for m in np.mean(means, axis=0))])
    lines.append(["mean rank", "", *(f"{rank:.2f}" for rank in ranks)])
    return lines


def as_rst(tables, names):
    """Return tables, each with what it is of, in reStructuredText."""
    lines = [".. Written by benchmarks/time_series.py.", ""]
    for title, table in tables:
        lines += [f"{title}:", "", ".. list-table::", "   :header-rows: 1", ""]
        for first, *others in (["Data", "Delay line", *names], *table):
            lines += [f"   * - {first}", *(f"     - {x}".rstrip() for x in others)]
        lines.append("")
    return "\n".join(lines)


def main():
    """Compute what is not known yet, print it, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--models", nargs="+", choices=list(MODELS), default=[*MODELS])
    parser.add_argument("--held-back", action="store_true")
    parser.add_argument("--output", type=Path, help="a file for the tables (rst)")
    args = parser.parse_args()
    for category in (ConvergenceWarning, DeadNeuronWarning):
        warnings.simplefilter("ignore", category)
    # Of steps after the end of all series that are learned from there is no mean.
    warnings.filterwarnings("ignore", "invalid value", RuntimeWarning)
    args.cache.mkdir(parents=True, exist_ok=True)
    results = [Results(args.cache, name, computed) for name in args.models]
    groups = {"Sets that were looked at while the recipe was chosen": args.sets}
    if args.held_back:
        groups["Sets that were held back until it was"] = list(HELD_BACK)
    tables = []
    for title, sets in groups.items():
        for data, result in itertools.product(sets, results):
            for seed in seeds_of(result, args.seeds):
                result.get(data, seed)
                print(".", end="", flush=True)
        tables.append((title, rows(sets, args.seeds, results)))
    text = as_rst(tables, args.models)
    print(f"\n{text}")
    if args.output:
        args.output.write_text(text)


if __name__ == "__main__":
    main()
