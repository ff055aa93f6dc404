"""Lazy arrays of recordings of unequal length, and what scikit-learn does with them."""

import pickle

import joblib
import numpy as np
import pytest
from sequences import (
    LENGTHS,
    assert_holds,
    each_kind,
    of_counts,
    of_padded,
    of_values,
    recorded,
)
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import GridSearchCV, cross_val_score, train_test_split
from sklearn.utils import _safe_indexing, indexable

from sklearn_snn import EventSequences, Sequences, as_sequences


@pytest.fixture
def items(rng):
    return recorded(rng)


@each_kind
def test_what_sequences_hold(make, items):
    X = make(items)
    assert_holds(X, items)
    assert f"n_samples=4, n_steps=5 to 9, n_features=3, dtype={X.dtype}" in repr(X)
    assert "n_steps=9, " in repr(X[1::2])


@each_kind
@pytest.mark.parametrize(
    "samples",
    [
        slice(None),
        slice(1, 3),
        slice(None, None, -2),
        [2, 0],
        np.array([3, 3, 0]),
        np.array([-1, 1]),
        [True, False, False, True],
        (slice(1, 2), ...),
        (np.array([2]), slice(None), slice(None)),
        ...,
    ],
    ids=str,
)
def test_samples_are_taken_as_of_an_array(make, items, samples):
    key = samples[0] if isinstance(samples, tuple) else samples
    chosen = np.arange(4)[key]
    taken = make(items)[samples]
    assert_holds(taken, [items[i] for i in chosen])
    # ... and again, of what was taken:
    assert_holds(taken[::-1], [items[i] for i in chosen[::-1]])


@each_kind
def test_none_taken(make, items):
    for none in ([], slice(0), np.zeros(4, bool)):
        X = make(items)[none]
        assert X.shape == (0, 0, 3)
        assert len(list(X)) == 0
        assert X.padded().shape == (0, 0, 3)
        assert X.concatenated().shape == (0, 3)
        assert "n_samples=0, n_steps=0" in repr(X)


@each_kind
def test_samples_that_there_are_not(make, items):
    X = make(items)
    for key in (4, -5):
        with pytest.raises(IndexError, match=f"sample {key} of 4"):
            X[key]
    with pytest.raises(IndexError, match="indexed by sample only"):
        X[:, 0]
    with pytest.raises(IndexError, match="must be 1-D, got 2-D"):
        X[[[0]]]
    with pytest.raises(IndexError):
        X[[7]]


@pytest.mark.parametrize("make", [of_values, of_padded])
def test_taking_copies_nothing(make, items):
    X = make(items)
    for taken in (X[1:], X[[3, 0]], X[np.array([True, False, True, False])]):
        assert taken.values is X.values
    assert np.shares_memory(X[1], X.values)


def test_rows_one_behind_the_other_are_a_view(items):
    X = of_values(items)
    assert np.shares_memory(X[1:3].concatenated(), X.values)
    assert not np.shares_memory(X[[1, 3]].concatenated(), X.values)


@each_kind
def test_arrays_of_sequences(make, items):
    X = make(items)
    with pytest.raises(ValueError, match=r"of 5 to 9 steps are no array; padded\(\)"):
        np.asarray(X)
    np.testing.assert_array_equal(np.asarray(X[1::2]), np.stack(items[1::2]))
    with pytest.raises(ValueError, match="by a copy only"):
        np.array(X[1::2], copy=False)


@each_kind
def test_pickles_hold_no_more_than_the_samples(make, items):
    items = [np.tile(items[1], (n, 1)) for n in LENGTHS]
    items = [np.tile(item, (100, 1)) for item in items]
    X = make(items)
    whole = len(pickle.dumps(X))
    for taken, chosen in ((X[:1], [0]), (X[[2, 0]], [2, 0]), (X, range(4))):
        data = pickle.dumps(taken)
        assert len(data) < whole * sum(taken.lengths) / sum(X.lengths) + 500
        assert_holds(pickle.loads(data), [items[i] for i in chosen])
    # What it was taken of is as it was.
    assert_holds(X, items)


def test_files_and_memory_maps(items, tmp_path):
    np.save(tmp_path / "rows.npy", np.concatenate(items))
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    X = Sequences.of_lengths(mapped, LENGTHS)
    assert isinstance(X[1:].values, np.memmap)
    assert_holds(X, items)
    joblib.dump(X[1:], tmp_path / "X.joblib")
    assert_holds(joblib.load(tmp_path / "X.joblib"), items[1:])


@pytest.mark.parametrize(
    ("args", "match"),
    [
        ((np.zeros(4), [0], [4]), r"shape \(n_rows, n_features\), got float64 of"),
        ((np.full((4, 1), "a"), [0], [4]), "array of numbers"),
        ((np.zeros((4, 1)), [0, 1], [4]), "2 starts, but 1 lengths"),
        ((np.zeros((4, 1)), [0, 2], [2, 3]), "Sample 1, rows 2 to 5, .* 4 rows"),
        ((np.zeros((4, 1)), [-1], [2]), "Sample 0, rows -1 to 1"),
        ((np.zeros((4, 1)), [3], [-2]), "Sample 0, rows 3 to 1"),
        ((np.zeros((4, 1)), [0.0], [2]), "starts must be whole numbers"),
        ((np.zeros((4, 1)), [0], [[2]]), "lengths must be whole numbers"),
    ],
)
def test_sequences_that_there_are_not(args, match):
    with pytest.raises(ValueError, match=match):
        Sequences(*args)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"indptr": [0, 2]}, "indptr must rise from 0 to 3, .* lengths, 2"),
        ({"indptr": [0, 2, 4]}, "indptr must rise"),
        ({"indptr": [1, 2, 3]}, "indptr must rise"),
        ({"indptr": [0, 4, 3]}, "indptr must rise"),
        ({"units": [0, 1]}, "3 steps, but 2 units"),
        ({"steps": [0, 4, 0]}, "Sample 0 has an event at step 4, .* 0 to 3"),
        ({"steps": [0, 1, -1]}, "Sample 1 has an event at step -1"),
        ({"units": [0, 1, 2]}, "Sample 1 has an event at unit 2, .* 0 to 1"),
        ({"steps": [1, 0, 0]}, "events of sample 0 must be sorted"),
        ({"steps": [1, 1, 0], "units": [1, 1, 0]}, "each pair at most once"),
        ({"counts": [1, 2]}, "3 steps, but 2 counts"),
        ({"counts": [1, 256, 1]}, "from 1 to 255, got 1 to 256: take narrower bins"),
        ({"counts": [1, 0, 1]}, "from 1 to 255, got 0 to 1"),
        ({"steps": [0.0, 1.0, 0.0]}, "steps must be whole numbers"),
    ],
)
def test_events_that_there_are_not(changes, match):
    good = {"steps": [0, 3, 0], "units": [1, 0, 1], "indptr": [0, 2, 3]}
    good |= {"lengths": [4, 2], "n_units": 2}
    EventSequences(**good)
    with pytest.raises(ValueError, match=match):
        EventSequences(**good | changes)


def test_events_take_the_smallest_types(items):
    X = of_counts(items)
    assert (X.steps.dtype, X.units.dtype, X.counts.dtype) == ("u4", "u1", "u1")
    many = EventSequences([0], [256], [0, 1], lengths=[1], n_units=257)
    assert many.units.dtype == np.uint16
    assert many[0].nonzero()[1].tolist() == [256]


@each_kind
def test_splits(make, items):
    X, y = make(items), np.arange(4)
    (again, _) = indexable(X, y)
    assert again is X
    assert_holds(_safe_indexing(X, [2, 0]), [items[2], items[0]])
    assert_holds(_safe_indexing(X, np.array([False, True] * 2)), items[1::2])
    X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    assert_holds(X_train, [items[i] for i in y_train])
    assert_holds(X_test, [items[i] for i in y_test])


@each_kind
def test_cross_validation_and_searches(make, items):
    X, y = make(items)[[0, 1, 2, 3, 0, 1, 2, 3]], [5, 9, 7, 9] * 2
    scores = cross_val_score(OfLengths(), X, y, cv=2, n_jobs=2)
    assert scores.tolist() == [1.0, 1.0]
    search = GridSearchCV(OfLengths(), {"shift": [0, 1]}, cv=2).fit(X, y)
    assert search.best_params_ == {"shift": 0}
    assert search.best_score_ == 1.0


def test_lists(items):
    X, y = items * 2, [5, 9, 7, 9] * 2
    assert cross_val_score(OfLengths(), X, y, cv=2).tolist() == [1.0, 1.0]


class OfLengths(ClassifierMixin, BaseEstimator):
    """Predicts how many steps recordings have."""

    def __init__(self, shift=0):
        self.shift = shift

    def fit(self, X, y):
        """Learn nothing."""
        assert len(X) == len(y)
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        """Return the numbers of steps."""
        return np.array([len(x) for x in X]) + self.shift


def test_what_is_pickled_has_no_rows_of_others():
    """Also where samples are there twice, as a bootstrap takes them."""
    recordings = [np.full((5, 1), float(i)) for i in range(10)]
    X = as_sequences(recordings, layout="steps_first")
    for rows in ([0] * 10, [0] * 3, [1, 1, 4], range(10), [*range(10), 3]):
        some = pickle.loads(pickle.dumps(X[list(rows)]))
        assert {*some.values.ravel()} == {*map(float, rows)}
        for i, k in enumerate(rows):
            np.testing.assert_array_equal(some[i], recordings[k])


@pytest.mark.parametrize(
    ("lengths", "n_units"), [([-3], 2), ([2], -1), ([2], 2.5), ([2, -3], 2)]
)
def test_no_negative_number_of_steps_or_units(lengths, n_units):
    indptr = [0] * (len(lengths) + 1)
    with pytest.raises(ValueError, match="n_units must be a whole number, and neither"):
        EventSequences([], [], indptr, lengths=lengths, n_units=n_units)
