"""Whole numbers and halves are converted batch by batch, to the same answers."""

import tracemalloc

import numpy as np
import pytest
from helpers import assert_same_network, fast, make_encoder

from sklearn_snn import DeltaSpikeEncoder, as_sequences
from sklearn_snn._engines.compiled import cache as compiled_code
from sklearn_snn.exceptions import UnscaledInputWarning

SMALL = (np.int8, np.uint8, np.int16, np.uint16, np.float16, np.bool_)
LARGE = (np.int32, np.uint32, np.int64, np.uint64)
FOREIGN = tuple(np.dtype(t).newbyteorder() for t in ("i2", "u2", "f2", "i4"))
Y = np.arange(24) % 2


@pytest.fixture(params=["spikes", "graded"])
def sequences(request, rng):
    X = rng.integers(0, 2 if request.param == "spikes" else 9, (24, 7, 5))
    X[:4] = X[:4] > 4  # spikes and graded samples in one batch
    return X


def test_computes_in_float32(sequences, engine):
    reference = fast().fit(sequences.astype(np.float32), Y)
    for dtype in (*SMALL, *FOREIGN[:3]):
        if dtype is np.bool_ and sequences.max() > 1:
            continue
        X = sequences.astype(dtype)
        model = fast().fit(X, Y)
        assert {w.dtype for w in model.coefs_} == {np.dtype(np.float32)}
        assert_same_network(model, reference)
        for ask in ("predict_proba", "decision_function"):
            expected = getattr(reference, ask)(sequences.astype(np.float32))
            np.testing.assert_array_equal(getattr(reference, ask)(X), expected)
        record = model.simulate(X)
        np.testing.assert_array_equal(
            record.probabilities[:, -1], model.predict_proba(X)
        )
        assert (record.inputs == sequences).all()


def test_computes_in_float64(sequences, engine):
    reference = fast().fit(sequences.astype(np.float64), Y)
    for dtype in (*LARGE, FOREIGN[3]):
        model = fast().fit(sequences.astype(dtype), Y)
        assert {w.dtype for w in model.coefs_} == {np.dtype(np.float64)}
        assert_same_network(model, reference)
        np.testing.assert_array_equal(
            model.predict_proba(sequences.astype(dtype)),
            reference.predict_proba(sequences.astype(np.float64)),
        )


@pytest.mark.parametrize("dtype", [*SMALL, *LARGE, *FOREIGN])
def test_tables_compute_in_float64(dtype, rng, engine):
    X = rng.integers(0, 2, (24, 5)).astype(dtype)
    reference = fast().fit(X.astype(np.float64), Y)
    model = fast().fit(X, Y)
    assert_same_network(model, reference)
    np.testing.assert_array_equal(
        model.predict_proba(X), reference.predict_proba(X.astype(np.float64))
    )
    record = model.simulate(X[:2])
    assert record.inputs.dtype == np.float64


@pytest.mark.parametrize("scaling", ["global", "feature"])
def test_encoder(scaling, rng):
    X = rng.integers(0, 2, (24, 5))
    expected = make_encoder(scaling=scaling).fit(X.astype(np.float64))
    for dtype in (*SMALL, *LARGE, *FOREIGN):
        encoder = make_encoder(scaling=scaling).fit(X.astype(dtype))
        assert np.asarray(encoder.data_min_).dtype in (np.float64, np.uint8)
        np.testing.assert_array_equal(encoder.data_max_, expected.data_max_)
        np.testing.assert_array_equal(
            np.asarray(encoder.transform(X.astype(dtype))),
            np.asarray(expected.transform(X.astype(np.float64))),
        )


@pytest.mark.parametrize("shape", [(24, 5), (24, 7, 5)])
@pytest.mark.parametrize(("value", "match"), [(np.nan, "NaN"), (np.inf, "infinity")])
def test_halves_must_be_finite(shape, value, match):
    X = np.zeros(shape, np.float16)
    X[-1, 3] = value  # not the last step, of which NaN is an end
    for estimator in (fast(), make_encoder()):
        with pytest.raises(ValueError, match=f"contains {match}|dim 3"):
            estimator.fit(X, Y)


def test_nothing_is_compiled_for_them(sequences):
    model = fast(engine="numba").fit(sequences.astype(np.float32), Y)
    before = compiled_code.n_compiled()
    for dtype in (*SMALL[:1], *SMALL[2:5], *LARGE, *FOREIGN):
        model.predict(sequences.astype(dtype))
    assert compiled_code.n_compiled() == before


@pytest.mark.parametrize("shape", [(2000, 20, 50), (2000, 1000)])
@pytest.mark.parametrize("dtype", [np.int16, np.float16])
def test_memory_is_that_of_a_batch(tmp_path, shape, dtype, rng):
    X = np.lib.format.open_memmap(tmp_path / "x.npy", "w+", dtype, shape)
    X[...] = rng.integers(0, 50, shape)
    y = np.arange(len(X)) % 2
    model = fast(engine="numpy", n_steps=3, max_iter=1, hidden_layer_sizes=(2,))
    model.set_params(batch_size=500)
    few = slice(0, 100)
    model.fit(X[few], y[few]).simulate(X[few], layers=[-1], inputs=False)
    for call in (
        lambda: model.fit(X, y),
        lambda: model.partial_fit(X, y),
        lambda: model.predict(X),
        lambda: model.simulate(X, layers=[-1], inputs=False),
    ):
        tracemalloc.start()
        call()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        # A copy in float64 alone would be more.
        assert peak < 0.75 * X.size * 8


def test_integer_channels_in_other_units(rng):
    X = rng.integers(-9, 10, (24, 7, 2)).astype(np.int16) * np.array([1, 2000])
    with pytest.warns(UnscaledInputWarning, match="Channel 1 outweighs"):
        fast(engine="numpy").fit(X.astype(np.int16), Y)


@pytest.mark.parametrize("kind", ["table", "array", "list", "sequences"])
def test_another_order_of_bytes_is_no_other_type(kind, rng):
    X, y = rng.normal(size=(40, 20, 3)).astype(np.float32), np.arange(40) % 2
    of_kind = {
        "table": lambda X: X[:, 0],
        "array": lambda X: X,
        "list": list,
        "sequences": lambda X: as_sequences(X, layout="steps_first"),
    }[kind]
    for dtype in (np.float32, np.float64):
        native = X.astype(dtype)
        swapped = native.astype(np.dtype(dtype).newbyteorder())
        expected = fast(engine="numpy").fit(of_kind(native), y)
        model = fast(engine="numpy").fit(of_kind(swapped), y)
        assert model.coefs_[0].dtype == dtype
        np.testing.assert_array_equal(model.coefs_[0], expected.coefs_[0])
        answers = expected.predict_proba(of_kind(native))
        np.testing.assert_array_equal(model.predict_proba(of_kind(swapped)), answers)
        if kind != "table":
            encode = DeltaSpikeEncoder(0.1, max_count=5).fit_transform
            for a, b in zip(
                encode(of_kind(native)), encode(of_kind(swapped)), strict=True
            ):
                np.testing.assert_array_equal(a, b)
