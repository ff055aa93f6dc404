"""Inputs as whole numbers: which they are, and what is refused."""

import pickle

import numpy as np
import pandas as pd
import pytest
from helpers import fast
from quantized import N_STEPS, fitted, inputs, quantized, targets
from scipy import sparse
from sklearn.datasets import load_breast_cancer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_snn import EventSequences, Sequences, SpikeTrains
from sklearn_snn.exceptions import InputMismatchWarning, UnscaledInputWarning
from sklearn_snn.quantization import _base, _layers, quantize
from sklearn_snn.quantization._inputs import InputLevels, input_levels


def learned(low, high):
    """Return what is kept of a range that was learned, of two features."""
    return {"n_samples": 9, "low": np.array([0.0, low]), "high": np.array([high, 0.0])}


@pytest.mark.parametrize(
    ("low", "high", "is_sequential", "bits", "expected"),
    [
        (0, 1, True, "auto", ([1], 0, 1)),  # spikes
        (0, 1, False, "auto", ([1 / 255, 1 / 255], 0, 255)),  # maybe scaled
        (0, 2, True, "auto", ([1 / 127, 1 / 127], 0, 255)),  # maybe counts, exact
        (-1, 1, True, "auto", ([1 / 127, 1 / 127], -127, 127)),
        # Exact, and no coarser than the root of 1 * 2.5, in 127 levels, demands.
        (-2.5, 1, True, "auto", ([1 / 80, 2.5 / 127], -127, 127)),
        (-0.1, 0.9, True, "auto", ([0.9 / 127, 0.3 / 127], -127, 127)),
        (0, 0.5, True, "auto", ([0.5 / 255, 0.5 / 255], 0, 255)),
        (0, 300, False, "auto", ([300 / 255, 300 / 255], 0, 255)),
        (0, 300, False, 16, ([1 / 218, 1 / 218], 0, 65535)),
        (-300, 4, False, "auto", ([1 / 3, 300 / 127], -127, 127)),
        (0, 1, True, 4, ([1 / 15, 1 / 15], 0, 15)),
        (-2.5, 1, False, 1, ([1], 0, 1)),
        (0, 0, False, "auto", ([1 / 255, 1 / 255], 0, 255)),
    ],
)
def test_levels(low, high, is_sequential, bits, expected):
    levels = input_levels(learned(low, high), is_sequential, bits)
    np.testing.assert_allclose(levels.unit, expected[0], rtol=1e-12)
    assert (levels.low, levels.high) == expected[1:]
    assert levels.dtype.itemsize == (1 if bits != 16 else 2)
    assert levels.dtype.kind == ("i" if low < 0 and bits != 1 else "u")


def test_the_nearest_level_and_no_others():
    levels = InputLevels(np.array([0.5, 0.5, 0.25, 2.0, 0.5]), -3, 3)
    X, whole = np.array([[0.2, 0.3, -0.4, 9.0, -9.0]]), [[0, 1, -2, 3, -3]]
    exact = [[0, 0.5, -0.5, 6, -1.5]]
    np.testing.assert_array_equal(levels.of(X), whole)
    values = levels.values(X, np.float32)
    np.testing.assert_array_equal(values, exact)
    assert values.dtype == np.float32
    table = sparse.csr_array(X)
    np.testing.assert_array_equal(levels.of(table).toarray(), whole)
    values = levels.values(table, np.float32)
    np.testing.assert_array_equal(values.toarray(), exact)
    assert values.dtype == np.float32
    steps = Sequences(X.repeat(3, axis=0), [0, 1], [1, 2])
    whole = np.repeat(whole, 3, axis=0)
    np.testing.assert_array_equal(levels.of(steps).concatenated(), whole)


def breast_cancer(at=None):
    """Return a scaled table, with an outlier in a cell, and its classes."""
    X, y = load_breast_cancer(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    if at is not None:
        X[3, 4] = at
    return X, y


def test_an_outlier_leaves_something_of_the_other_columns():
    X, y = breast_cancer(at=100.0)
    model = fast(engine="numpy", max_iter=15, learning_rate_init=0.01).fit(X, y)
    assert model.score(X, y) > 0.95
    assert quantize(model).score(X, y) > model.score(X, y) - 0.01
    assert quantize(model, 6, input_bits=6).score(X, y) > model.score(X, y) - 0.04
    # So large a one takes most of them, which is said.
    X, y = breast_cancer(at=1e4)
    model.fit(pd.DataFrame(X).add_prefix("x"), y)
    with pytest.warns(UnscaledInputWarning, match=r"of \d\d of 30 inputs") as caught:
        quantize(model)
    text = str(caught[0].message)
    assert "column 0 ('x0'), column 1 ('x1'), column 2 ('x2'), ..." in text
    assert "that of column 4 ('x4'), -3.112 to 1e+04" in text
    assert caught[0].filename == __file__


def test_columns_that_are_narrow_and_whole_are_not_warned_of():
    X, y = (inputs("constant") > 0.5) * 1.0, targets("classes")
    X[5, 20] = 5000
    levels = quantize(fast(engine="numpy").fit(X, y))._levels_
    others = np.arange(64) != 20
    assert (1 / levels.unit[others]).max() < 4
    values = levels.values(X, float)
    np.testing.assert_array_equal(values[:, others], X[:, others])


def test_all_forms_of_an_input_have_the_same_answers():
    """Sparse tables, frames, recordings of unequal length, events and arrays."""
    X, y = inputs("constant"), targets("classes")
    names = [f"x{i}" for i in range(64)]
    model = quantize(fast(engine="numpy").fit(pd.DataFrame(X, columns=names), y))
    logits = model.decision_function(pd.DataFrame(X, columns=names))
    assert list(model.feature_names_in_) == names
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        np.testing.assert_array_equal(model.decision_function(X), logits)
    model = quantize(fast(engine="numpy").fit(sparse.csr_array(X), y))
    np.testing.assert_array_equal(
        model.decision_function(sparse.csr_array(X)), model.decision_function(X)
    )
    for name, kind in (("events", "spikes"), ("graded", "graded")):
        model, X = quantized(name), inputs(kind, 50)
        logits = model.decision_function(X)
        lists = model.decision_function([*X])
        np.testing.assert_array_equal(lists, logits)
        lengths = np.arange(50) % 4 + 5
        ragged = Sequences(X.reshape(-1, 64), N_STEPS * np.arange(50), lengths)
        with pytest.warns(InputMismatchWarning, match="have 5 to 8 steps"):
            answers = model.decision_function(ragged)
            record = model.simulate(ragged)
        for i in range(0, 50, 7):
            with pytest.warns(InputMismatchWarning):
                alone = model.decision_function(X[i : i + 1, : lengths[i]])
            np.testing.assert_array_equal(answers[i], alone[0])
        assert np.isnan(record.membranes[0][0, 5:]).all()


def test_counts_are_exact():
    """Events with up to three spikes each: a level stands for each count."""
    rng = np.random.default_rng(0)
    X, y = rng.integers(0, 4, (60, 8, 6)), np.arange(60) % 3
    samples, steps, units = np.nonzero(X)
    indptr = np.searchsorted(samples, np.arange(61))
    events = EventSequences(
        steps,
        units,
        indptr,
        lengths=np.full(60, 8),
        n_units=6,
        counts=X[samples, steps, units],
    )
    model = quantize(fast(engine="numpy").fit(events, y))
    np.testing.assert_array_equal(model._levels_.values(X, float), X)
    np.testing.assert_array_equal(
        model.decision_function(events), model.decision_function(X.astype(float))
    )


def test_values_that_are_no_spikes_are_refused():
    model = quantized("events")
    with pytest.raises(ValueError, match="other values than 0 and 1"):
        model.predict(inputs("spikes") * 0.5)
    counts = EventSequences([1], [2], [0, 1], lengths=[N_STEPS], n_units=64, counts=[2])
    with pytest.raises(ValueError, match="quantize with input_bits=8"):
        model.predict(counts)
    single = EventSequences([1], [2], [0, 1], lengths=[N_STEPS], n_units=64)
    assert model.predict(single).shape == (1,)
    with pytest.raises(ValueError, match="quantised for graded values from -"):
        quantized("graded").predict(SpikeTrains(np.zeros((1, 64)), N_STEPS))


def test_what_is_unlike_what_was_learned_is_warned_of():
    X = inputs("signed")
    with pytest.warns(InputMismatchWarning, match="leaves the range"):
        quantized("constant_signed").predict(X * 1000)
    with pytest.raises(ValueError, match="X has 3 features, but Quantized"):
        quantized("constant_signed").predict(X[:, :3])
    with pytest.raises(ValueError, match=r"expecting a constant current .* \(2-D\)"):
        quantized("constant_signed").predict(inputs("graded"))


def test_a_network_of_an_old_file_does_not_know_its_range():
    model = fitted("constant")
    model._learned_input_ = dict.fromkeys(model._learned_input_) | {"n_samples": 0}
    with pytest.raises(ValueError, match="range of the input is not known"):
        quantize(model)
    assert quantize(model, input_bits=1)._levels_.are_spikes


def test_x_says_a_range_that_was_not_learned():
    X = inputs("constant")
    model, known = fitted("constant"), quantized("constant")
    del model._learned_input_
    pipeline = make_pipeline(FunctionTransformer(np.sqrt), model)
    for given in (quantize(model, X=X), quantize(pipeline, X=X**2)[-1]):
        np.testing.assert_allclose(given._levels_.unit, known._levels_.unit)
        np.testing.assert_array_equal(given.predict(X), known.predict(X))
        assert pickle.loads(pickle.dumps(given))._learned_input_["n_samples"] == 300
    with pytest.warns(InputMismatchWarning, match="leaves the range"):
        given.predict(X * 1000)


def test_more_steps_than_sums_have_room_for(monkeypatch):
    monkeypatch.setattr(_base, "MAX_STEPS", N_STEPS - 1)
    with pytest.raises(ValueError, match="sums of membranes hold up to 11"):
        quantized("default").predict(inputs("trains"))


def test_currents_of_too_many_bits(monkeypatch):
    monkeypatch.setattr(_layers, "_LARGEST_SUM", 2**34)
    model = fitted("recurrent")
    assert quantize(model, 8)
    with pytest.raises(ValueError, match="layer 0 could need more than 50 bits: take"):
        quantize(model, 16, fraction_bits=16)
