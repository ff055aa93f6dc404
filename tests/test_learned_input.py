"""Input that is unlike what was learned from, and features that outweigh all others."""

import pickle
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from helpers import fast, make_encoder, stream
from scipy import sparse
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_linnerud,
    load_wine,
    make_classification,
    make_moons,
)
from sklearn.model_selection import cross_val_score, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from warned import DIGITS, IMAGES, found, model, one

from sklearn_snn import PoissonSpikeEncoder, SpikeTrains
from sklearn_snn._inputs.extent import extent, some_samples
from sklearn_snn._inputs.learned_input import Wording, mismatch
from sklearn_snn.exceptions import InputMismatchWarning, UnscaledInputWarning
from sklearn_snn.inspection import AnytimeAccuracyDisplay, EncodingDisplay


def as_sequence(X):
    return X[:, None] * np.array([1.0, 0.5, 0.1])[:, None]


KINDS = {
    "dense": np.asarray,
    "float32": np.float32,
    "sparse": sparse.csr_array,
    "sequence": as_sequence,
    "recorded": lambda X: np.rint(as_sequence(X)).astype(np.int16),
    "encoder, global": np.asarray,
    "encoder, feature": np.asarray,
    "encoder, sparse": sparse.csr_array,
    "encoder, whole": lambda X: np.rint(X).astype(np.int16),
}


@pytest.fixture(params=KINDS)
def asks(request):
    """Return fit, which returns what asks, and the kind of input."""
    kind = KINDS[request.param]
    if request.param.startswith("encoder"):
        scaling = "feature" if "feature" in request.param else "global"
        return lambda X: make_encoder(scaling=scaling).fit(kind(X)).transform, kind
    return lambda X: model(kind(X), DIGITS[: len(X)]).predict, kind


@pytest.mark.parametrize("n", [100, 1])
def test_another_scale(asks, n):
    fit, kind = asks
    ask = fit(IMAGES * 100)
    assert one(ask, kind(IMAGES[:n])).startswith("X hardly reaches the range")
    ask = fit(IMAGES)
    assert one(ask, kind(IMAGES[:n] * 100)).startswith("X leaves the range")


def test_nothing_is_said_of_ordinary_input(asks):
    fit, kind = asks
    ask = fit(IMAGES[:50])
    assert not found(ask, kind(IMAGES[50:]))
    assert not found(ask, kind(np.zeros((2, 64))))
    for row in IMAGES[50:]:
        assert not found(ask, kind(row[np.newaxis]))


def test_sparse_spikes_of_another_height():
    X = np.random.default_rng(0).random((40, 8, 5)) < 0.05
    ask = model(X, np.arange(40) % 2).predict
    assert "0 to 1 was learned and X has 0 to 255" in one(ask, X * np.uint8(255))
    assert not found(ask, X.astype(np.uint8))


@pytest.mark.parametrize("scaling", ["feature", "global", None])
def test_the_worst_column_is_named(scaling, rng):
    X = pd.DataFrame(rng.random((40, 3)), columns=["mass", "height", "age"])
    other = X.copy()
    other["height"] *= 100
    encoder = make_encoder(scaling=scaling).fit(X)
    assert "column 1 ('height')" in one(encoder.transform, other)
    encoder.fit(X.to_numpy())
    assert "column 1, where" in one(encoder.transform, other.to_numpy())
    classifier = model(X, np.arange(40) % 2)
    assert "column 1 ('height')" in one(classifier.predict_proba, other)
    sequence = np.repeat(X.to_numpy()[:, None], 3, axis=1)
    classifier.fit(sequence, np.arange(40) % 2)
    assert "channel 1, where" in one(classifier.predict, sequence * [1, 100, 1])


@pytest.mark.parametrize(
    "load",
    [
        load_iris,
        load_wine,
        load_digits,
        load_diabetes,
        load_linnerud,
        load_breast_cancer,
        make_moons,
        make_classification,
    ],
)
@pytest.mark.parametrize("scaler", [None, StandardScaler()])
def test_no_false_alarm(load, scaler):
    X = load(return_X_y=True)[0] if load.__name__.startswith("load") else load(100)[0]
    if load is load_linnerud:
        X = np.repeat(X, 3, axis=0)
    n_alarms = 0
    for seed in range(3):
        train, test = train_test_split(X, train_size=0.5, random_state=seed)
        if scaler is not None:
            train = scaler.fit_transform(train)
            test = scaler.transform(test)
        y = np.arange(len(train)) % 2
        with warnings.catch_warnings():
            if load in (
                load_breast_cancer,
                load_wine,
            ):  # their columns have other units
                warnings.simplefilter("ignore", UnscaledInputWarning)
            classifier = model(train, y, hidden_layer_sizes=(), n_steps=2)
        encoder = make_encoder(scaling="feature").fit(train)
        for ask in (classifier.predict, encoder.transform):
            n_alarms += len(found(ask, test))
            for row in test[:20]:
                n_alarms += len(found(ask, row[np.newaxis]))
    assert n_alarms == 0


def test_of_too_few_samples_nothing_is_said(rng):
    X = rng.random((19, 4))
    assert not found(model(X, np.arange(19) % 2).predict, 100 * X)
    X = rng.random((20, 4))
    assert found(model(X, np.arange(20) % 2).predict, 100 * X)


def test_samples_of_weight_zero_do_not_count(rng):
    X, y = rng.random((40, 4)), np.arange(40) % 2
    X[:2] *= 100
    weights = np.ones(40)
    weights[:2] = 0
    weighted = fast(engine="numpy").fit(X, y, sample_weight=weights)
    absent = fast(engine="numpy").fit(X[2:], y[2:])
    assert found(weighted.predict, 100 * X)
    assert not found(model(X, y).predict, 100 * X[2:])
    np.testing.assert_equal(weighted._learned_input_, absent._learned_input_)


def test_partial_fit_adds_to_what_was_learned(rng):
    X, y = rng.random((40, 4)), np.arange(40) % 2
    whole = stream(fast(engine="numpy"), X, y, 1)
    parts = fast(engine="numpy")
    for start in range(0, 40, 8):
        rows = slice(start, start + 8)
        assert not found(lambda r=rows: parts.partial_fit(X[r], y[r], classes=[0, 1]))
    np.testing.assert_equal(parts._learned_input_, whole._learned_input_)
    assert found(parts.predict, 100 * X)
    assert one(parts.partial_fit, 100 * X, y).startswith("X leaves the range")
    assert not found(parts.predict, 100 * X)


def test_a_model_that_kept_nothing_says_nothing(rng):
    """As those of version 0.1.0 did; going on does not make a part look like all."""
    X, y = rng.random((40, 4)), np.arange(40) % 2
    old = model(X, y)
    del old._learned_input_
    assert not found(old.predict, 100 * X)
    old.partial_fit(X, y)
    old.partial_fit(X, y)
    assert not found(old.predict, 100 * X)
    encoder = make_encoder().fit(X)
    del encoder._learned_input_
    assert not found(encoder.transform, 100 * X)


def test_it_is_saved_with_the_model():
    loaded = pickle.loads(pickle.dumps(model(IMAGES)))
    assert found(loaded.predict, IMAGES * 100)


@pytest.mark.parametrize("method", ["predict", "simulate", "staged_predict"])
def test_sequences_of_another_length(method, rng):
    X, y = rng.random((20, 6, 3)), np.arange(20) % 2
    classifier = model(X, y)
    ask = getattr(classifier, method)
    assert not found(ask, X)
    message = one(ask, np.concatenate([X, 0 * X], axis=1))
    assert "X have 12 steps, and those in fit had 6: " in message
    assert "time-major" in one(ask, rng.random((6, 20, 3)))
    classifier.partial_fit(X[:, :4], y)
    assert not found(ask, X[:, :4])
    assert not found(ask, X)
    assert "those in fit had 4 to 6: " in one(ask, X[:, :3])


def test_one_warning_for_many_chunks_of_spike_trains():
    trains = SpikeTrains(IMAGES / 16, 5)
    classifier = model(trains)
    longer = SpikeTrains(np.tile(IMAGES / 16, (4, 1)), 7)
    assert "X have 7 steps, and those in fit had 5" in one(classifier.predict, longer)


def test_rounding_is_no_reason_to_refuse():
    X, y = load_breast_cancer(return_X_y=True)
    scaled = MinMaxScaler().fit_transform(X)
    assert scaled.max() > 1  # 1.0000000000000002
    encoder = PoissonSpikeEncoder(scaling=None).fit(scaled)
    assert encoder.transform(scaled).rates.max() == 1
    assert SpikeTrains(np.array([[-1e-17, 1 + 1e-15, 1]]), 3).rates.tolist() == [
        [0, 1, 1]
    ]
    pipeline = make_pipeline(
        MinMaxScaler(), make_encoder(scaling=None), fast(engine="numpy", max_iter=2)
    )
    assert not np.isnan(cross_val_score(pipeline, X, y, cv=3)).any()


def test_without_scaling_rows_are_clipped_to_the_unit_interval():
    encoder = make_encoder(scaling=None).fit(np.full((2, 4), 0.5))
    rates = encoder.transform([[-0.1, 0.2, 1.2, 1.0]]).rates
    assert rates.tolist() == [[0.0, np.float32(0.2), 1.0, 1.0]]
    assert "0 to 1 is encoded" in one(encoder.transform, np.full((3, 4), 7.0))


def test_a_failed_fit_forgets_what_it_saw(rng):
    X, y = rng.random((40, 4)), np.arange(40) % 2
    classifier = model(X, y)
    before = classifier._learned_input_
    classifier.set_params(hidden_layer_sizes=(3,))
    with (
        pytest.warns(InputMismatchWarning),
        pytest.raises(ValueError, match="hidden_layer_sizes"),
    ):
        classifier.partial_fit(100 * X, y)
    assert classifier._learned_input_ is before


def asked_each(model, rows):
    """Return how many of the rows are warned of, asked one by one."""
    return sum(len(found(model, row[np.newaxis])) for row in rows)


@pytest.mark.parametrize("load", [load_breast_cancer, load_wine])
def test_raw_rows_after_a_fit_on_standardized_ones(load):
    X = load(return_X_y=True)[0]
    scaled = StandardScaler().fit_transform(X)
    ask = model(scaled, np.arange(len(X)) % 2, n_steps=2).predict
    assert asked_each(ask, X[:20]) == 20
    assert "X leaves the range" in one(ask, X[:9])
    assert "X leaves the range" in one(ask, sparse.csr_array(X[:9]))


@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_three_values_of_one_row_are_judged_together(kind, rng):
    known = extent(rng.random((60, 8)))
    X = rng.uniform(0.2, 0.8, (30, 8))
    X[:, 7] = 0
    scattered, together = X.copy(), X.copy()
    scattered[[3, 9, 20], [0, 1, 2]] = 4
    together[9, [0, 3, 5]] = 4, 4.5, 4
    assert mismatch(kind(scattered), known, str, Wording()) is None
    # One such row among many is an outlier; alone, or among few, it is another scale.
    assert mismatch(kind(together), known, str, Wording()) is None
    for rows in (slice(9, 10), slice(5, 14)):
        message = mismatch(kind(together[rows]), known, str, Wording())
        assert "most of all in 3, " in message


def test_a_single_value_that_is_far_away(rng):
    X, y = rng.random((60, 2)), np.arange(60) % 2
    far = X[:30].copy()
    far[17, 1] = 5000
    asks = model(X, y).predict, make_encoder(scaling=None).fit(X).transform
    for ask in asks:
        assert "in column 1, where" in one(ask, far)
        assert "in column 1, where" in one(ask, sparse.csr_array(far))
        assert "has 255 to 255" in one(ask, [[0.5, 255]])
        assert not found(ask, [[0.5, 1.4]])
    ask = model(np.repeat(X[:, None], 4, axis=1), y).predict
    assert "channel 1" in one(ask, np.repeat(far[:, None], 4, axis=1))


@pytest.mark.parametrize("draw", ["lognormal", "standard_cauchy", "pareto"])
def test_heavy_tails_are_no_other_scale(draw):
    """A hundred tables of eight columns each, halved, scaled or not."""
    n_alarms = 0
    for seed in range(50):
        rng = np.random.default_rng(seed)
        X = getattr(rng, draw)(*[1.5] * (draw == "pareto"), size=(200, 8))
        for scaler in (None, StandardScaler()):
            train, test = X[:100], X[100:]
            if scaler is not None:
                train, test = scaler.fit_transform(train), scaler.transform(test)
            known = extent(train)
            n_alarms += mismatch(test, known, str, Wording()) is not None
            for row in test[:20]:
                n_alarms += mismatch(row[np.newaxis], known, str, Wording()) is not None
    assert n_alarms <= (8 if draw == "standard_cauchy" else 0)


def test_large_inputs_are_judged_by_evenly_spaced_samples(rng):
    X = rng.random((5000, 4))
    known = extent(X)
    X = np.tile(X, (20, 1))
    assert len(some_samples(X)) < len(X) / 5
    assert mismatch(X, known, str, Wording()) is None
    assert mismatch(100 * X, known, str, Wording()).startswith("X leaves")
    assert mismatch(X / 100, known, str, Wording()).startswith("X hardly")


def test_labels_do_not_silence_it(rng):
    X, y = rng.random((40, 4)), np.arange(40) % 2
    classifier = model(X, y)
    assert found(classifier.loss_and_gradients, 100 * X, y)
    assert found(classifier.score, 100 * X, y)
    weights = np.ones(40)
    weights[:2] = 0
    mixed = np.vstack([1000 * X[:2], X[2:]])
    assert found(classifier.loss_and_gradients, mixed, y)
    for call in (classifier.loss_and_gradients, classifier.set_params(warm_start=True)):
        call = getattr(call, "fit", call)
        assert not found(call, mixed, y, weights)
    assert one(classifier.fit, 100 * X, y).startswith("X leaves the range")
    assert not found(classifier.fit, 100 * X, y)
    assert one(classifier.partial_fit, 1e4 * X, y).startswith("X leaves the range")


def test_lengths_of_a_stream_may_vary(rng):
    X, y = rng.random((20, 50, 3)), np.arange(20) % 2
    classifier = fast(engine="numpy")
    for n_steps in (30, 50, 40):
        part = X[:, :n_steps]
        assert not found(lambda p=part: classifier.partial_fit(p, y, classes=[0, 1]))
    for n_steps in (30, 40, 50):
        assert not found(classifier.predict, X[:, :n_steps])
    # By a quarter of the range they may leave it, as values may.
    assert not found(classifier.predict, X[:, :25])
    assert "in fit had 30 to 50: " in one(classifier.predict, X[:, :24])
    assert "in fit had 30 to 50: " in one(
        classifier.loss_and_gradients, np.tile(X, (1, 2, 1)), y
    )


def test_a_range_that_is_declared_is_not_learned(rng):
    encoder = make_encoder(scaling=None).fit([[1, 1, 1.0]])
    assert not found(encoder.transform, np.full((5, 3), 0.1))
    message = one(encoder.transform, np.full((5, 3), 7.0))
    assert "the range that scaling=None stands for" in message
    encoder.fit(rng.uniform(0.5, 1, (40, 3)))
    assert "hardly reaches the range of the samples" in one(
        encoder.transform, np.full((5, 3), 0.01)
    )


def test_one_warning_for_one_picture(rng):
    """Although displays look at the input more than once."""
    X, y = rng.random((40, 4)), np.arange(40) % 2
    pipeline = make_pipeline(make_encoder(), fast(engine="numpy", max_iter=1))
    pipeline.fit(X, y)
    classifier = model(X, y)
    for _ in range(2):
        assert one(AnytimeAccuracyDisplay.from_estimator, classifier, 100 * X, y)
        assert one(AnytimeAccuracyDisplay.from_estimator, pipeline, 100 * X, y)
        assert one(EncodingDisplay.from_estimator, pipeline, 100 * X)
    plt.close("all")
    assert len(found(lambda: [classifier.predict(100 * X) for _ in range(2)])) == 2


@pytest.mark.parametrize("kind", [sparse.csr_array, np.asarray])
@pytest.mark.parametrize("seed", range(8))
def test_rare_features_go_as_far_as_others(kind, seed):
    """The few values that one had tell little of where others may be."""
    X = sparse.random_array((400, 600), density=0.01, rng=seed).toarray()
    claims = np.where(X > 0, np.random.default_rng(seed).lognormal(0, 2, X.shape), 0)
    for table in (X, claims[:, :100]):
        fitted = fast(engine="numpy").fit(kind(table[:300]), np.arange(300) % 2)
        for new in (table[300:], table[300:301], table[305:308]):
            assert not found(fitted.predict, kind(new), category=InputMismatchWarning)
        other = kind(1e6 * table[300:])
        assert found(fitted.predict, other, category=InputMismatchWarning)
