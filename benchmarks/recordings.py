"""Compare one recipe for recordings of unequal length with `MLPClassifier`.

    SKLEARN_SNN_DATA=FOLDER python benchmarks/recordings.py --cache FOLDER
        [--seeds 0 1 2 3 4] [--sets Braille ...] [--models recipe MLP ...]

The recipe is `recipe`: the same parameters for every set, and time constants that
follow the median length of the recordings. `MLPClassifier`, with its defaults, gets the
frames resampled to 32 steps, as columns, standardised.

The sets are spoken digits and touched letters, in two files in the folder that
SKLEARN_SNN_DATA names:

- ``FSDD/fsdd_mel.npz``, the Free Spoken Digit Dataset (Jakobovski, CC BY-SA 4.0), 3000
  recordings of 6 speakers: ``mel``, uint8 of shape (n_frames_of_all, 32), log-energies
  of mel bands, a frame every 10 ms, all recordings one behind the other, and
  ``lengths``, ``digit``, ``speaker`` (0 to 5, the speakers in alphabetical order) and
  ``recording`` (0 to 49), of shape (3000,). In "new speakers" the test set is all of
  speakers 2 and 4; in "new recordings" it is recordings 0 to 4 of everyone.
- ``Braille/braille.npz``, letters touched by a robot's finger (Müller-Cleve et al.,
  "Braille letter reading", Frontiers in Neuroscience 16, 2022, as in tutorial 5 of
  fzenke/spytorch, CC BY 4.0): ``taxels``, float32 of shape (n_steps_of_all, 12),
  ``lengths``, ``letter`` and ``repetition`` (0 to 49), of shape (1350,). The test set
  is every fifth repetition. The letters were recorded one after the other, and what the
  sensors read at rest drifted meanwhile, so that it tells letters by itself; in "from
  rest" the first reading is taken off each recording.

A seed is another model on the same split. Each result is kept in a file of its model in
the folder of the cache, and is not computed again: stop and go on at will, but take
another folder when the code has changed. Seconds are those of `fit`, when compiled, and
depend on the machine: run it when nothing else runs.
"""

import argparse
import math
import os
import statistics
import time
import warnings
from functools import cache
from pathlib import Path

import numpy as np
from results import Results
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_snn import ChannelTransformer, DelayLine, Sequences, SpikingClassifier
from sklearn_snn.exceptions import DeadNeuronWarning, InputMismatchWarning
from sklearn_snn.neurons import AdLIF

N_RESAMPLED = 32


@cache
def read(file):
    """Return the arrays of a file of the folder, which SKLEARN_SNN_DATA names."""
    folder = os.environ.get("SKLEARN_SNN_DATA")
    if folder is None:
        raise SystemExit(f"Let SKLEARN_SNN_DATA name the folder that has {file}.")
    with np.load(Path(folder, file)) as arrays:
        return dict(arrays)


def split(values, lengths, labels, is_test):
    """Return X_train, X_test, y_train and y_test of rows that lie one behind other."""
    X = Sequences.of_lengths(values, lengths)
    return X[~is_test], X[is_test], labels[~is_test], labels[is_test]


def new_speakers():
    """Return spoken digits; two of six speakers are not learned from."""
    data = read("FSDD/fsdd_mel.npz")
    is_test = np.isin(data["speaker"], (2, 4))
    return split(data["mel"], data["lengths"], data["digit"], is_test)


def new_recordings():
    """Return spoken digits; a tenth of each speaker's are not learned from."""
    data = read("FSDD/fsdd_mel.npz")
    is_test = data["recording"] < 5
    return split(data["mel"], data["lengths"], data["digit"], is_test)


def braille():
    """Return touched letters; a fifth of the repetitions are not learned from."""
    data = read("Braille/braille.npz")
    is_test = data["repetition"] % 5 == 0
    return split(data["taxels"], data["lengths"], data["letter"], is_test)


def braille_from_rest():
    """Return the same, each recording less its first reading."""
    X_train, X_test, y_train, y_test = braille()
    X_train, X_test = (
        X.with_values(np.concatenate([x - x[0] for x in X])) for X in (X_train, X_test)
    )
    return X_train, X_test, y_train, y_test


SETS = {
    "new speakers": new_speakers,
    "new recordings": new_recordings,
    "Braille": braille,
    "from rest": braille_from_rest,
}


def levelled(X):
    """Return recordings, each without the mean of its values: loud or soft is one."""
    return [x - np.mean(x, dtype=np.float32) for x in X]


def resampled(X):
    """Return recordings as rows, each of 32 frames that lie evenly in it."""
    rows = []
    for x in X:
        place = np.linspace(0, len(x) - 1, N_RESAMPLED)
        before = place.astype(int)
        after = np.minimum(before + 1, len(x) - 1)
        share = (place - before)[:, np.newaxis]
        rows.append(((1 - share) * x[before] + share * x[after]).ravel())
    return np.array(rows)


def leaks(first, last):
    """Return the leaks of time constants, in steps."""
    return math.exp(-1 / first), math.exp(-1 / last)


def recipe(n_steps, seed):
    """Return an unfitted model for recordings of so many steps, in the median."""
    return make_pipeline(
        FunctionTransformer(levelled),
        ChannelTransformer(StandardScaler()),
        DelayLine(8),
        SpikingClassifier(
            (128,),
            neuron=AdLIF(
                alpha=leaks(0.075 * n_steps, 0.5 * n_steps),
                rho=leaks(0.25 * n_steps, 2.5 * n_steps),
            ),
            learn_neuron=True,
            recurrent=True,
            readout="soft_count",
            learning_rate_init=0.005,
            batch_size=32,
            max_iter=25,
            n_iter_no_change=math.inf,
            dropout=0.2,
            random_state=seed,
        ),
    )


def network(X, seed):
    """Return the recipe for some recordings."""
    return recipe(np.median(X.lengths), seed)


def mlp(X, seed):
    """Return `MLPClassifier` on resampled frames."""
    return make_pipeline(
        FunctionTransformer(resampled),
        StandardScaler(),
        MLPClassifier(random_state=seed),
    )


def levelled_mlp(X, seed):
    """Return the same on what the recipe learns from."""
    return make_pipeline(FunctionTransformer(levelled), mlp(X, seed))


MODELS = {"recipe": network, "MLP": mlp, "MLP levelled": levelled_mlp}


def computed(name, data, seed):
    """Fit a model to a set, and return its accuracy on the test set."""
    X_train, X_test, y_train, y_test = SETS[data]()
    model = MODELS[name](X_train, seed)
    start = time.perf_counter()
    model.fit(X_train, y_train)
    seconds = time.perf_counter() - start
    return {"accuracy": float(model.score(X_test, y_test)), "seconds": seconds}


def main():
    """Compute what is not known yet, and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--models", nargs="+", choices=list(MODELS), default=[*MODELS])
    args = parser.parse_args()
    # Speech lasts as long as it lasts, in what is asked about longer than in `fit`.
    for category in (ConvergenceWarning, DeadNeuronWarning, InputMismatchWarning):
        warnings.simplefilter("ignore", category)
    args.cache.mkdir(parents=True, exist_ok=True)
    results = [Results(args.cache, name, computed) for name in args.models]
    print(f"Accuracy, {len(args.seeds)} seeds: mean, deviation, each; seconds to fit")
    for data in args.sets:
        for result in results:
            runs = [result.get(data, seed) for seed in args.seeds]
            accuracy = [run["accuracy"] for run in runs]
            spread = statistics.stdev(accuracy) if len(accuracy) > 1 else 0.0
            seconds = statistics.median(run["seconds"] for run in runs)
            each = " ".join(f"{a:.3f}" for a in accuracy)
            print(
                f"{data:14} {result.name:12} {statistics.mean(accuracy):.3f} "
                f"±{spread:.3f} {seconds:5.1f} s  {each}",
                flush=True,
            )


if __name__ == "__main__":
    main()
