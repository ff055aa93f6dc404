"""Recordings of unequal length in all the forms that they take, and what they hold."""

import numpy as np
import pytest

from sklearn_snn import EventSequences, Sequences

LENGTHS = 5, 9, 7, 9


def recorded(rng):
    """Return spikes of unequal length, of which some are silent at both ends."""
    items = [(rng.random((n, 3)) < 0.4).astype(np.uint8) for n in LENGTHS]
    items[0][[0, -1]] = 0
    return items


def of_values(items):
    return Sequences.of_lengths(np.concatenate(items), [len(item) for item in items])


def of_padded(items):
    """Return sequences in an array, between which there is what must not be seen."""
    lengths = [len(item) for item in items]
    n_steps = max(lengths) + 2
    X = np.full((len(items), n_steps, 3), 77, items[0].dtype)
    for row, item in zip(X, items, strict=True):
        row[: len(item)] = item
    return Sequences(X.reshape(-1, 3), np.arange(len(items)) * n_steps, lengths)


def of_events(items, counts=False):
    places = [np.nonzero(item) for item in items]
    steps, units = (np.concatenate(p) for p in zip(*places, strict=True))
    indptr = np.cumsum([0, *(len(p[0]) for p in places)])
    values = np.concatenate([x[p] for x, p in zip(items, places, strict=True)])
    return EventSequences(
        *(steps, units, indptr),
        lengths=[len(item) for item in items],
        n_units=items[0].shape[1],
        counts=values if counts else None,
    )


def of_counts(items):
    return of_events(items, counts=True)


KINDS = [of_values, of_padded, of_events, of_counts]
each_kind = pytest.mark.parametrize("make", KINDS)


def padded(items, value=0, dtype=float):
    """Return items in one array as long as the longest."""
    X = np.full((len(items), max(map(len, items)), 3), value, dtype)
    for row, item in zip(X, items, strict=True):
        row[: len(item)] = item
    return X


def assert_holds(X, items):
    """Check everything that can be read of sequences."""
    assert len(X) == len(items)
    assert X.ndim == 3
    assert X.dtype == items[0].dtype
    assert X.shape == padded(items).shape
    assert X.lengths.tolist() == [len(item) for item in items]
    for i, item in enumerate(items):
        np.testing.assert_array_equal(X[i], item)
        np.testing.assert_array_equal(X[i - len(items)], item)
    assert len(list(X)) == len(items)
    for one, item in zip(X, items, strict=True):
        np.testing.assert_array_equal(one, item)
    rows = X.concatenated()
    rows = rows.toarray() if hasattr(rows, "toarray") else rows
    np.testing.assert_array_equal(rows, np.concatenate(items))
    array = X.padded()
    assert array.flags.c_contiguous
    assert array.dtype == X.dtype
    np.testing.assert_array_equal(array, padded(items))
    assert X.padded(np.float32).dtype == np.float32
    np.testing.assert_array_equal(X.padded(np.float32), padded(items))
