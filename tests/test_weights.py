"""Weights of samples and of classes, and how they are routed."""

import copy

import numpy as np
import pytest
from helpers import (
    KINDS,
    SOLVERS,
    assert_close_network,
    assert_same_network,
    assert_same_state,
    differ,
    fast,
    kinds_of_input,
    some_digits,
    stream,
)

# Of samples


@pytest.mark.parametrize("solver", SOLVERS)
def test_weight_two_is_the_row_twice(solver, iris, engine):
    """In one mini-batch of at most 128 samples, up to rounding."""
    X, y = iris[0][:60], iris[1][:60]
    weights = np.arange(60) % 4
    rows = np.repeat(np.arange(60), weights)
    assert len(rows) <= 128
    params = {"solver": solver, "max_iter": 5, "batch_size": 128}
    weighted = fast(**params).fit(X, y, sample_weight=weights)
    repeated = fast(**params).fit(X[rows], y[rows])
    assert_close_network(weighted, repeated, rtol=1e-6)
    np.testing.assert_allclose(weighted.loss_curve_, repeated.loss_curve_, rtol=1e-9)
    assert not np.allclose(weighted.coefs_[0], fast(**params).fit(X, y).coefs_[0])
    a = fast(**params).partial_fit(X, y, [0, 1, 2], weights)
    b = fast(**params).partial_fit(X[rows], y[rows], [0, 1, 2])
    assert_close_network(a, b, rtol=1e-6)


@pytest.mark.parametrize("recurrent", [False, True])
@pytest.mark.parametrize("bptt_steps", [None, 5])
def test_a_recording_of_weight_zero_may_be_the_longest(bptt_steps, recurrent, rng):
    y, X = np.arange(30) % 2, [rng.normal(size=(n, 3)) for n in range(10, 40)]
    params = {"bptt_steps": bptt_steps, "recurrent": recurrent, "engine": "numpy"}
    without = fast(**params).fit(X, y)
    longer, weights = [*X, rng.normal(size=(500, 3))], [1] * 30 + [0]
    some = fast(**params).fit(longer, [*y, 0], sample_weight=weights)
    assert_same_network(some, without)
    some = fast(**params).partial_fit(longer, [*y, 0], [0, 1], weights)
    assert_same_network(some, fast(**params).partial_fit(X, y, [0, 1]))


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_weight_zero_is_no_row(kind, early_stopping):
    """To the bit, over several mini-batches, in all that is kept."""
    X, y = some_digits(3, 120)
    X = kinds_of_input(X)[kind]
    weights = np.random.default_rng(0).integers(0, 3, 120)
    rows = np.flatnonzero(weights)
    params = {"batch_size": 20, "early_stopping": early_stopping}
    some = fast(**params).fit(X, y, sample_weight=weights)
    without = fast(**params).fit(X[rows], y[rows], sample_weight=weights[rows])
    assert_same_state(some, vars(without))
    assert len(rows) < 120
    if not early_stopping:
        assert some.t_ == 3 * len(rows)
        for block in (slice(0, 60), slice(60, 120)):
            kept = rows[(rows >= block.start) & (rows < block.stop)]
            some.partial_fit(X[block], y[block], sample_weight=weights[block])
            without.partial_fit(X[kept], y[kept], sample_weight=weights[kept])
        assert_same_state(some, vars(without))


def test_a_class_whose_weights_are_all_zero_is_not_there(iris):
    X, y = iris
    model = fast().fit(X, y, sample_weight=y != 1)
    assert model.classes_.tolist() == [0, 2]
    with pytest.raises(ValueError, match=r"only one class.*weight 0 do not count"):
        fast().fit(X, y, sample_weight=y == 1)


def test_the_scale_of_weights_does_not_matter(iris):
    X, y = iris
    weights = np.random.default_rng(0).random(150)
    params = {"batch_size": 20, "weight_decay": 0.01, "max_grad_norm": 0.1}
    model = fast(**params).fit(X, y, weights)
    for scale in (2.0**-1000, 2, 2.0**1000):
        assert_same_network(fast(**params).fit(X, y, scale * weights), model)
    for scale in (1e-3, 7, 1e308):
        assert_close_network(fast(**params).fit(X, y, scale * weights), model, 1e-5)
    classes = dict.fromkeys(range(3), 16)
    assert_same_network(fast(**params, class_weight=classes).fit(X, y, weights), model)
    assert differ(fast(**params).fit(X, y), model)


@pytest.mark.parametrize("wrong", ["negative", "nan", "length", "zeros", "2-D"])
def test_bad_weights(wrong, iris):
    X, y = iris
    weights, message = {
        "negative": (np.where(y == 0, -1.0, 1.0), "[Nn]egative"),
        "nan": (np.where(y == 0, np.nan, 1.0), "NaN"),
        "length": (np.ones(149), "149"),
        "zeros": (np.zeros(150), "at least one non-zero"),
        "2-D": (np.ones((150, 1)), "1D"),
    }[wrong]
    model = fast()
    for refuse in (model.fit, model.partial_fit):
        kwargs = {"classes": [0, 1, 2]} if refuse == model.partial_fit else {}
        with pytest.raises(ValueError, match=message):
            refuse(X, y, sample_weight=weights, **kwargs)
        assert_same_state(model, fast().get_params())


# Of classes


def test_class_weights_are_sample_weights(iris):
    """To the bit, over several mini-batches, for labels of any type."""
    X, y = iris
    names = np.array(["x", "y", "z"])[y]
    by_class = np.array([1.0, 0.25, 4.0])
    by_sample = fast(batch_size=20).fit(X, y, sample_weight=by_class[y])
    weights = dict(zip("xyz", by_class.tolist(), strict=True))
    by_label = fast(batch_size=20, class_weight=weights).fit(X, names)
    assert_same_network(by_label, by_sample)
    assert differ(by_label, fast(batch_size=20).fit(X, names))
    del weights["x"]
    some_labels = fast(batch_size=20, class_weight=weights).fit(X, names)
    assert_same_network(some_labels, by_sample)


def test_class_and_sample_weights_multiply(iris):
    X, y = iris
    by_class, weights = np.array([1.0, 2.0, 0.5]), 1.0 + np.arange(150) % 3
    model = fast(class_weight=dict(enumerate(by_class))).fit(X, y, weights)
    assert_same_network(model, fast().fit(X, y, by_class[y] * weights))


def test_balanced_class_weights(iris):
    """All classes have the same total weight, sample weights included."""
    X, y = iris
    rare = np.flatnonzero((y > 0) | (np.arange(150) % 5 == 0))
    X, y = X[rare], y[rare]
    for weights in (np.ones(len(y)), 1.0 + np.arange(len(y)) % 2):
        totals = np.bincount(y, weights)
        balanced = fast(class_weight="balanced", batch_size=20).fit(X, y, weights)
        expected = fast(batch_size=20).fit(X, y, weights / totals[y])
        assert_close_network(balanced, expected, rtol=1e-5)
        assert differ(balanced, fast(batch_size=20).fit(X, y, weights))


def test_balanced_class_weights_ignore_rows_of_weight_zero(iris):
    X, y = iris
    weights = np.arange(150) % 2
    half = fast(class_weight="balanced").fit(X[1::2], y[1::2])
    assert_same_network(fast(class_weight="balanced").fit(X, y, weights), half)


def test_balanced_class_weights_find_a_rare_class():
    rng = np.random.default_rng(0)
    y = (np.arange(400) % 20 == 0).astype(int)
    X = rng.normal(size=(400, 2)) + y[:, None]
    recall = [
        fast(class_weight=w, max_iter=20).fit(X, y).predict(X[y == 1]).mean()
        for w in (None, "balanced")
    ]
    assert recall[1] > 0.5 > 0.3 > recall[0]


def test_class_weights_in_a_stream(iris):
    """A dict, also for classes that a block does not have, but not "balanced"."""
    X, y = iris
    by_class = np.array([1.0, 3.0, 0.5])
    model = fast(class_weight=dict(enumerate(by_class)))
    same = fast()
    for rows in (np.flatnonzero(y < 2), np.flatnonzero(y > 0), np.arange(150)):
        weights = by_class[y[rows]]
        model.partial_fit(X[rows], y[rows], classes=[0, 1, 2])
        same.partial_fit(X[rows], y[rows], [0, 1, 2], weights)
        assert_same_network(model, same)
    model.set_params(class_weight="balanced")
    before = copy.deepcopy(vars(model))
    with pytest.raises(ValueError, match="'balanced' needs all data at once"):
        model.partial_fit(X, y)
    assert_same_state(model, before)


# Across calls

# Steps of which the length is that of the gradient.
PLAIN = {"solver": "sgd", "momentum": 0, "weight_decay": 0, "max_grad_norm": None}


@pytest.mark.parametrize("by", ["sample", "class"])
@pytest.mark.parametrize("first", ["fit", "partial_fit"])
def test_weights_count_relative_to_the_first_call(first, by, iris, engine):
    """In blocks of one class, and single rows: twice the weight is twice the step."""
    X, y = iris
    weighted, plain = (fast(**PLAIN, learning_rate="constant") for _ in "ab")
    start = np.full(150, 5.0)  # of which the size does not matter
    factors = {0: 1.0, 1: 2.0, 2: 0.25}
    if by == "class":
        # The mean of the first call is 1 and a quarter: that is the unit.
        factors = {c: f * 1.25 for c, f in factors.items()}
        start = start / np.array([factors[c] for c in y])
        weighted.set_params(class_weight=factors)
        factors = {c: f / 1.25 for c, f in factors.items()}
    for model, weights in ((weighted, start), (plain, None)):
        if first == "fit":
            model.fit(X, y, weights)
        else:
            model.partial_fit(X, y, [0, 1, 2], weights)
    assert_close_network(weighted, plain)
    for label, factor in factors.items():
        for rows in (np.flatnonzero(y == label), np.flatnonzero(y == label)[:1]):
            weights = np.full(len(rows), 5.0 * factor)
            if by == "class":
                weights = np.full(len(rows), 5.0 / 1.25)
            weighted.partial_fit(X[rows], y[rows], sample_weight=weights)
            plain.set_params(learning_rate_init=0.02 * factor)
            plain.partial_fit(X[rows], y[rows])
            assert_close_network(weighted, plain)
            # What is told of the call is a mean with its weights.
            assert weighted.loss_ == pytest.approx(plain.loss_, rel=1e-9)
            assert weighted.train_scores_[-1] == plain.train_scores_[-1]


def test_class_weights_count_in_blocks_of_one_class(iris):
    """The class that weighs 20 times as much is found more often than without."""
    X, y = iris
    rng = np.random.default_rng(0)
    X = X + 2 * rng.normal(size=X.shape)
    blocks = [np.flatnonzero(y == label)[i::5] for label in range(3) for i in range(5)]
    recall = []
    for weights in (None, {0: 1, 1: 20, 2: 1}):
        model = fast(class_weight=weights, solver="sgd", max_grad_norm=None)
        for i in np.random.default_rng(1).permutation(np.arange(300) % 15):
            model.partial_fit(X[blocks[i]], y[blocks[i]], classes=[0, 1, 2])
        recall.append((model.predict(X[y == 1]) == 1).mean())
    assert recall[1] > recall[0] + 0.1


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_same_weights_in_each_call_are_those_of_a_fit(solver, iris):
    """To the bit: the mean is the same each time."""
    X, y = iris
    weights = np.random.default_rng(0).random(150) * 1e3
    params = {"solver": solver, "batch_size": 40, "class_weight": {0: 0.3, 1: 7}}
    whole = fast(**params, learning_rate="constant", max_iter=4).fit(X, y, weights)
    streamed = stream(fast(**params), X, y, 4, sample_weight=weights)
    assert_same_network(whole, streamed)
    assert whole.loss_curve_ == streamed.loss_curve_
    assert whole.train_scores_ == streamed.train_scores_


def test_a_fit_from_scratch_forgets_the_weights_before(iris):
    X, y = iris
    model = fast(**PLAIN).fit(X, y, np.full(150, 8.0)).fit(X, y)
    same = fast(**PLAIN).fit(X, y)
    for m in (model, same):
        m.partial_fit(X[:9], y[:9], sample_weight=np.full(9, 2.0))
    assert_same_network(model, same)


def test_weights_that_are_relative_to_none_are_those_of_a_first_call(iris):
    """As in files of version 0.1.0, which did not keep them."""
    X, y = iris
    model, same = (fast(**PLAIN).fit(X, y) for _ in "ab")
    del model._log2_mean_weight_
    model.partial_fit(X[:9], y[:9], sample_weight=np.full(9, 16.0))
    same.partial_fit(X[:9], y[:9])
    assert_same_network(model, same)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extreme_weights_between_calls(dtype, iris, engine):
    """Up to 2**64 times the first ones, or its inverse, training is stable."""
    X, y = iris[0].astype(dtype), iris[1]
    for extreme in (1e-300, 1e300):
        model = fast().partial_fit(X, y, [0, 1, 2], sample_weight=extreme)
        for factor in (2.0**-63, 1.0, 2.0**63):
            weights = np.full(9, extreme * factor)
            if np.isfinite(weights).all():
                model.partial_fit(X[:9], y[:9], sample_weight=weights)
                assert np.isfinite(model.predict_proba(X)).all()
                assert 0 < model.loss_ < 10
        before = copy.deepcopy(vars(model))
        for factor in (2.0**-66, 2.0**66):
            if 0 < extreme * factor < np.inf:
                weights = np.full(9, extreme * factor)
                with pytest.raises(ValueError, match="times those of the first call"):
                    model.partial_fit(X[:9], y[:9], sample_weight=weights)
                assert_same_state(model, before)


def test_a_class_of_weight_zero_is_known_but_not_trained_on(iris):
    X, y = iris
    model = fast(class_weight={1: 0}, max_iter=1).fit(X, y)
    assert model.classes_.tolist() == [0, 1, 2]
    assert model.t_ == 100
    weights = (y != 1).astype(float)
    same = fast().partial_fit(X, y, classes=[0, 1, 2], sample_weight=weights)
    assert_same_network(model, same)


@pytest.mark.parametrize("first", ["fit", "partial_fit"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_block_without_weight_changes_nothing(kind, first):
    """A stream does not end because a block has only what does not count."""
    X, y = some_digits(3, 90)
    X = kinds_of_input(X)[kind]
    model = fast(class_weight={0: 0})
    model.fit(X, y) if first == "fit" else model.partial_fit(X, y, [0, 1, 2])
    before = copy.deepcopy(vars(model))
    ignored, others = np.flatnonzero(y == 0), np.flatnonzero(y > 0)
    model.partial_fit(X[ignored], y[ignored])
    model.partial_fit(X[others], y[others], sample_weight=np.zeros(len(others)))
    model.partial_fit(X, y, sample_weight=(y == 0).astype(float))
    model.partial_fit(X, y, sample_weight=0)
    assert_same_state(model, before)
    # Whatever is wrong with it is said all the same.
    zeros = np.zeros(len(ignored))
    for args, kwargs in (
        ((X[ignored][..., 1:] if kind != "trains" else X, y[ignored]), {}),
        ((X[ignored], y[others]), {"sample_weight": zeros}),
        ((X[ignored], zeros + 7), {}),
        ((X[ignored], y[ignored], [0, 1]), {}),
    ):
        with pytest.raises(ValueError, match=r"features|inconsistent|class"):
            model.partial_fit(*args, **kwargs)
    for nothing in ({0: 0, 1: 0, 2: 0}, {0: 0, 1: -1}):
        model.set_params(class_weight=nothing)
        with pytest.raises(ValueError, match="class_weight must be"):
            model.partial_fit(X[ignored], y[ignored])
    model.set_params(class_weight={0: 0})
    assert_same_state(model, before)


def test_a_first_call_needs_a_weight(iris):
    """There is nothing to make a first guess from."""
    X, y = iris
    model = fast(class_weight={0: 0})
    with pytest.raises(ValueError, match="positive for a class in y"):
        model.partial_fit(X[y == 0], y[y == 0], [0, 1, 2])
    with pytest.raises(ValueError, match="at least one non-zero"):
        model.partial_fit(X, y, [0, 1, 2], sample_weight=np.zeros(150))
    for ask in (model.fit(X, y).fit, model.score, model.loss_and_gradients):
        with pytest.raises(ValueError, match="at least one non-zero"):
            ask(X, y, np.zeros(150))


@pytest.mark.parametrize(
    "class_weight",
    [{0: -1}, {0: np.nan}, {0: np.inf}, {0: 0, 1: 0, 2: 0}, {3: 1}, "rare", [1, 1, 1]],
    ids=str,
)
def test_bad_class_weights(class_weight, iris):
    model = fast(class_weight=class_weight)
    with pytest.raises(ValueError, match="class_weight"):
        model.fit(*iris)
    assert not hasattr(model, "classes_")
