"""Inputs as whole numbers: which they are, and what is refused."""

import numpy as np
import pandas as pd
import pytest
from helpers import fast
from quantized import N_STEPS, fitted, inputs, quantized, targets
from scipy import sparse

from sklearn_snn import EventSequences, Sequences, SpikeTrains
from sklearn_snn.exceptions import InputMismatchWarning
from sklearn_snn.quantization import _base, _layers, quantize
from sklearn_snn.quantization._inputs import InputLevels, input_levels


def learned(low, high):
    """Return what is kept of a range that was learned, of two features."""
    return {"n_samples": 9, "low": np.array([0.0, low]), "high": np.array([high, 0.0])}


@pytest.mark.parametrize(
    ("low", "high", "is_sequential", "bits", "expected"),
    [
        (0, 1, True, "auto", InputLevels(1.0, 0, 1)),  # spikes
        (0, 1, False, "auto", InputLevels(1 / 255, 0, 255)),  # maybe scaled
        (0, 2, True, "auto", InputLevels(1 / 127, 0, 255)),  # maybe counts, exact
        (-1, 1, True, "auto", InputLevels(1 / 127, -127, 127)),
        (-2.5, 1, True, "auto", InputLevels(2.5 / 127, -127, 127)),
        (0, 0.5, True, "auto", InputLevels(0.5 / 255, 0, 255)),
        (0, 300, False, "auto", InputLevels(300 / 255, 0, 255)),
        (0, 300, False, 16, InputLevels(1 / 218, 0, 65535)),
        (0, 1, True, 4, InputLevels(1 / 15, 0, 15)),
        (-2.5, 1, False, 1, InputLevels(1.0, 0, 1)),
        (0, 0, False, "auto", InputLevels(1 / 255, 0, 255)),
    ],
)
def test_levels(low, high, is_sequential, bits, expected):
    levels = input_levels(learned(low, high), is_sequential, bits)
    assert levels == pytest.approx(expected)
    assert levels.dtype.itemsize == (1 if bits != 16 else 2)
    assert levels.dtype.kind == ("i" if low < 0 and bits != 1 else "u")


def test_the_nearest_level_and_no_others():
    levels = InputLevels(0.5, -3, 3)
    X = np.array([[0.2, 0.3, -0.8, 9.0, -9.0]])
    np.testing.assert_array_equal(levels.of(X), [[0, 1, -2, 3, -3]])
    np.testing.assert_array_equal(
        levels.of(sparse.csr_array(X)).toarray(), [[0, 1, -2, 3, -3]]
    )
    values = levels.values(X, np.float32)
    np.testing.assert_array_equal(values, [[0, 0.5, -1, 1.5, -1.5]])
    assert values.dtype == np.float32


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
