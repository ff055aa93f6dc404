"""Compare accuracy and cost with scikit-learn's own classifiers, on data of both kinds.

    python benchmarks/when_to_use.py --output docs/_generated/when_to_use.rst \
        --readme README.md

Tables, images and recordings; `MLPClassifier` and `HistGradientBoostingClassifier` with
their defaults against `SpikingClassifier` with its own. Every seed is another split, or
other recordings, and another model. Accuracies do not depend on the machine, seconds
do: run it when nothing else runs. Writes the table that the start page includes and, in
Markdown, the one that stands in the README between two comments.
"""

import argparse
import os
import platform
import statistics
import textwrap
import time
import warnings
from importlib.metadata import version
from pathlib import Path

import numpy as np
from machine import processor
from sklearn.datasets import (
    load_breast_cancer,
    load_digits,
    load_wine,
    make_classification,
)
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, MinMaxScaler, StandardScaler

from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier, __version__
from sklearn_snn.datasets import fetch_mnist

OURS, *OTHERS = MODELS = (
    "SpikingClassifier",
    "MLPClassifier",
    "HistGradientBoostingClassifier",
)
LATER = "Bursts later than any learned"
EARLY, LATE = (0, 12), (20, 34)  # where bursts begin in `later`
MARKS = "<!-- table of when_to_use.py -->", "<!-- end of the table -->"


def record(n_samples, begins=(5, 30), n_steps=60, seed=0):
    """Return recordings of 40 channels, and which half of them fires first.

    Those of `examples/spike_recordings.py`: the counts are the same in both classes.
    The first burst begins at a step from `begins[0]` to below `begins[1]`.
    """
    rng = np.random.default_rng(seed)
    y = rng.integers(2, size=n_samples)
    begin = rng.integers(*begins, size=(n_samples, 1))
    rates = np.full((n_samples, n_steps, 40), 0.02)
    for half, channels in enumerate((slice(0, 20), slice(20, 40))):
        delay = np.where(y == half, 0, 15)[:, np.newaxis]
        since = np.arange(n_steps) - begin - delay
        rates[:, :, channels][(since >= 0) & (since < 10)] = 0.25
    return rng.random(rates.shape) < rates, y


def some_mnist(n_samples=3000):
    """Return the first images of MNIST."""
    X, y = fetch_mnist(split="train", return_X_y=True)
    return X[:n_samples], y[:n_samples]


def noisy():
    """Return a table whose classes overlap, with labels that are often wrong."""
    return make_classification(
        600, 10, n_informative=5, class_sep=0.7, flip_y=0.1, random_state=0
    )


def kept_out(load, **kwargs):
    """Return a function of a seed that splits what `load` returns, 30 % for testing."""

    def split(seed):
        X, y = load(**kwargs)
        return train_test_split(X, y, test_size=0.3, stratify=y, random_state=seed)

    return split


def later(seed):
    """Return recordings to learn from, and others whose bursts begin later."""
    X_train, y_train = record(1400, EARLY, seed=2 * seed)
    X_test, y_test = record(600, LATE, seed=2 * seed + 1)
    return X_train, X_test, y_train, y_test


def flat(X):
    """Make each channel at each step a column."""
    return X.reshape(len(X), -1).astype(float)


def counts(X):
    """Return the spikes of each channel."""
    return X.sum(axis=1).astype(float)


# name: (kind, function of a seed that returns X_train, X_test, y_train and y_test, what
# makes currents or spikes of X, what the others get).
DATA = {
    "Breast cancer": (
        "table",
        kept_out(load_breast_cancer, return_X_y=True),
        StandardScaler(),
        StandardScaler(),
    ),
    "Wine": ("table", kept_out(load_wine, return_X_y=True), *2 * [StandardScaler()]),
    "Noisy table": ("table", kept_out(noisy), *2 * [StandardScaler()]),
    "Digits, 8x8": (
        "images",
        kept_out(load_digits, return_X_y=True),
        PoissonSpikeEncoder(n_steps=25),
        MinMaxScaler(),
    ),
    "3,000 of MNIST": (
        "images",
        kept_out(some_mnist),
        PoissonSpikeEncoder(n_steps=50),
        MinMaxScaler(),
    ),
    "Spike recordings, flattened for the others": (
        "recordings",
        kept_out(record, n_samples=2000),
        "passthrough",
        FunctionTransformer(flat),
    ),
    "Same, the others get counts": (
        "recordings",
        kept_out(record, n_samples=2000),
        "passthrough",
        make_pipeline(FunctionTransformer(counts), StandardScaler()),
    ),
    LATER: ("recordings", later, "passthrough", FunctionTransformer(flat)),
}


def make_model(name, ours, theirs, seed):
    """Return an unfitted pipeline."""
    steps = {
        OURS: (ours, SpikingClassifier(random_state=seed)),
        OTHERS[0]: (theirs, MLPClassifier(random_state=seed)),
        OTHERS[1]: (theirs, HistGradientBoostingClassifier(random_state=seed)),
    }[name]
    model = make_pipeline(*steps)
    if isinstance(ours, PoissonSpikeEncoder) and name == OURS:
        model.set_params(poissonspikeencoder__random_state=seed)
    return model


def measure(model, split):
    """Return the test accuracy, seconds to fit, and to predict a thousand rows."""
    X_train, X_test, y_train, y_test = split
    start = time.perf_counter()
    model.fit(X_train, y_train)
    fitted = time.perf_counter()
    accuracy = np.mean(model.predict(X_test) == y_test)
    predicted = time.perf_counter()
    return accuracy, fitted - start, (predicted - fitted) * 1000 / len(y_test)


def compare(seeds, sets):
    """Return {(data, model): list of what `measure` returns, one per seed}."""
    results = {}
    for data in sets:
        _, splitter, ours, theirs = DATA[data]
        for seed in seeds:
            split = splitter(seed)
            for name in MODELS:
                if seed == seeds[0]:  # nobody pays for compiling and for first calls
                    few = [part[:100] for part in split]
                    measure(make_model(name, ours, theirs, seed), few)
                model = make_model(name, ours, theirs, seed)
                results.setdefault((data, name), []).append(measure(model, split))
            print(data, seed, [results[data, name][-1] for name in MODELS], flush=True)
    return results


def _two_digits(number):
    return f"{number:.2g}" if number < 10 else f"{number:.0f}"


def cell(runs):
    """Return accuracy with spread, and cost, as two lines of text."""
    accuracy, fit, predict = zip(*runs, strict=True)
    spread = statistics.stdev(accuracy) if len(accuracy) > 1 else 0.0
    fit, predict = statistics.median(fit), 1000 * statistics.median(predict)
    return (
        f"{statistics.mean(accuracy):.3f} ± {spread:.3f}",
        f"{_two_digits(fit)} s, {_two_digits(predict)} ms",
    )


def rows(results):
    """Yield the name of each set, its kind, and the cell of each model."""
    for data in dict.fromkeys(data for data, _ in results):
        yield data, DATA[data][0], [cell(results[data, name]) for name in MODELS]


def caption(results, seeds, note):
    """Say what the table shows and where it was measured."""
    begins = [f"{first} to {stop - 1}" for first, stop in (EARLY, LATE)]
    late = (
        f"Bursts that are learned begin in steps {begins[0]}, those later than any "
        f"learned in steps {begins[1]}, flattened for the others. "
    )
    text = (
        f"Accuracy on 30 % of the rows, kept out: mean of {len(seeds)} seeds and "
        "standard deviation; each seed is another split and another model. "
        f"{late if any(data == LATER for data, _ in results) else ''}Below it "
        "seconds to fit, and milliseconds to predict a thousand rows: medians, when "
        f"compiled. All with their defaults. {processor()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, sklearn-snn {__version__}, scikit-learn "
        f"{version('scikit-learn')}.{note}"
    )
    return textwrap.fill(text, 88)


def as_rst(results, seeds, note):
    """Return the table in reStructuredText."""
    lines = [
        ".. Written by benchmarks/when_to_use.py.",
        "",
        ".. list-table::",
        "   :header-rows: 1",
        "   :widths: 28 24 24 24",
        "",
        "   * - Data",
        *(f"     - ``{name}``" for name in MODELS),
    ]
    for data, kind, cells in rows(results):
        lines += [f"   * - | {data}", f"       | ({kind})"]
        for accuracy, cost in cells:
            lines += [f"     - | {accuracy}", f"       | {cost}"]
    return "\n".join([*lines, "", caption(results, seeds, note), ""])


def as_markdown(results, seeds, note):
    """Return the table in Markdown."""
    lines = [f"| data | {' | '.join(f'`{n}`' for n in MODELS)} |", "|---|---|---|---|"]
    for data, kind, cells in rows(results):
        texts = " | ".join("<br>".join(cell) for cell in cells)
        lines.append(f"| {data} ({kind}) | {texts} |")
    return "\n".join([*lines, "", caption(results, seeds, note)])


def main():
    """Measure, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument("--data", nargs="+", choices=DATA, default=list(DATA))
    parser.add_argument("--output", type=Path, help="a file for the table (rst)")
    parser.add_argument("--readme", type=Path, help="a README with the two comments")
    parser.add_argument("--note", default="", help="a sentence for the caption")
    args = parser.parse_args()
    # Where the epochs end is part of the defaults.
    warnings.simplefilter("ignore", ConvergenceWarning)
    note = f" {args.note}" if args.note else ""
    results = compare(args.seeds, args.data)
    table = as_rst(results, args.seeds, note)
    print(table)
    if args.output:
        args.output.write_text(table)
    if args.readme:
        begin, end = MARKS
        before, _, rest = args.readme.read_text().partition(begin)
        after = rest.partition(end)[2]
        table = as_markdown(results, args.seeds, note)
        args.readme.write_text(f"{before}{begin}\n{table}\n{end}{after}")


if __name__ == "__main__":
    main()
