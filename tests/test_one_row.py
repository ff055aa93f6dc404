"""What makes the answer to a row, or a step, fast must not show in any of them."""

import copy
import gc
import pickle
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from networks import assert_same_gradients, initial_params, lif, network_of
from sklearn.datasets import load_iris

from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier, SpikingRegressor
from sklearn_snn._encoders import ranges
from sklearn_snn._inputs import plain, validation

numba_engine = pytest.importorskip("sklearn_snn._engines.compiled.engine")
numba_kept = pytest.importorskip("sklearn_snn._engines.compiled.kept")

ROWS = load_iris().data / 8
SPIKES = (np.random.default_rng(0).random((30, 12, 4)) < 0.3).astype(np.uint8)
GRADED = np.random.default_rng(1).random((30, 12, 4))
INPUTS = {"rows": ROWS[:30], "spikes": SPIKES, "graded": GRADED}


def fitted(X, kind=SpikingClassifier, **options):
    options = {"n_steps": 12, "max_iter": 2, "random_state": 0} | options
    y = np.arange(len(X)) % 3
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return kind((20, 20), engine="numba", **options).fit(X, y)


def answers(model, X):
    if isinstance(model, SpikingRegressor):
        return model.predict(X)
    return model.decision_function(X)


def changes(model):
    """Yield what users may do to a fitted network, in place and otherwise."""
    for arrays in (model.coefs_, model.intercepts_, model.recurrent_coefs_):
        for array in arrays:

            def scale(array=array):
                array *= 1.25

            def flip_a_bit(array=array):
                array.flat[-1] = np.nextafter(array.flat[-1] + 1, 9)

            yield scale
            yield flip_a_bit
    for constants in model.neuron_constants_:
        for array in constants.values():

            def shrink(array=array):
                array *= 0.5  # of all alike, or there would be more to compile

            yield shrink

    def assign():
        model.coefs_ = [w / 2 for w in model.coefs_]

    yield assign


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        *((kind, {}) for kind in INPUTS),
        ("spikes", {"recurrent": True}),
        ("rows", {"kind": SpikingRegressor}),
    ],
)
def test_an_answer_is_of_the_network_as_it_is(kind, options):
    """Whatever is changed in place, the next answer knows of it; so is numpy's."""
    X = INPUTS[kind]
    model = fitted(X, **options)
    previous, n_different = answers(model, X[:1]), 0
    for change in changes(model):
        assert np.array_equal(answers(model, X[:1]), previous)
        change()
        changed = answers(model, X[:1])
        model.set_params(engine="numpy")
        assert np.array_equal(changed, answers(model, X[:1]))
        model.set_params(engine="numba")
        # And so are those of any number of rows.
        assert np.array_equal(answers(model, X)[:1], changed)
        n_different += not np.array_equal(changed, previous)
        previous = changed
    assert n_different > 3
    model.partial_fit(X, np.arange(len(X)) % 3)
    assert not np.array_equal(answers(model, X[:1]), previous)


def test_lengths_alternate():
    """A recording is read over its own steps, whatever the last one had."""
    model = fitted([x[: 10 + i % 3] for i, x in enumerate(SPIKES)])
    alone = [SPIKES[:1, :n] for n in (12, 11, 10)]
    together = [[SPIKES[0, :n], SPIKES[1, :m]] for n, m in ((12, 10), (10, 12))]
    asked = [*alone, *together, SPIKES[:2], together[0]]
    answered = [model.decision_function(X) for X in asked]
    model.set_params(engine="numpy")
    for X, expected in zip(asked, answered, strict=True):
        assert np.array_equal(model.decision_function(X), expected)


@pytest.mark.parametrize("kind", INPUTS)
def test_an_answer_leaves_no_trace_in_the_estimator(kind):
    """Neither the state nor what is copied knows that there were answers."""
    model = fitted(INPUTS[kind])
    before, names = pickle.dumps(model), [*vars(model)]
    expected = answers(model, INPUTS[kind][:1])
    assert pickle.dumps(model) == before
    assert [*vars(model)] == names
    other = copy.deepcopy(model)
    other.coefs_[-1][...] = 0
    assert not np.array_equal(answers(other, INPUTS[kind][:1]), expected)
    assert np.array_equal(answers(model, INPUTS[kind][:1]), expected)


@pytest.mark.parametrize("kind", INPUTS)
def test_threads_share_a_network(kind):
    """Many threads ask one estimator at once, and others at the same time."""
    X = INPUTS[kind]
    models = [fitted(X, random_state=seed) for seed in range(3)]
    expected = [answers(model, X) for model in models]

    def ask(i):
        return np.concatenate([answers(models[i % 3], row[np.newaxis]) for row in X])

    with ThreadPoolExecutor(6) as pool:
        for i, got in enumerate(pool.map(ask, range(12))):
            assert np.array_equal(got, expected[i % 3])


def test_networks_are_forgotten():
    """Those that are gone at once, and of those that there are all but a few."""
    numba_kept._kept.clear()
    model = fitted(ROWS)
    model.predict(ROWS[:1])
    assert len(numba_kept._kept) > 0
    del model
    gc.collect()
    assert len(numba_kept._kept) == 0
    model = fitted(ROWS)
    models = [copy.deepcopy(model) for _ in range(2 * numba_kept._MOST)]
    for other in models:
        other.predict(ROWS[:1])
    assert len(numba_kept._kept) == numba_kept._MOST


def test_large_networks_are_not_kept(monkeypatch):
    """A copy of theirs would take memory, and they take long anyway."""
    monkeypatch.setattr(numba_kept, "_MOST_NUMBERS", 100)
    numba_kept._kept.clear()
    model = fitted(ROWS)
    expected = model.decision_function(ROWS)
    assert np.array_equal(model.decision_function(ROWS[:1]), expected[:1])
    assert len(numba_kept._kept) == 0


def test_neurons_of_different_kinds_are_different():
    """Also where all that is said of them is equal."""
    network = fitted(ROWS).network_
    params = fitted(ROWS)._learned_params()

    class Other(type(network.layers[0].neuron)):
        pass

    layers = [layer._replace(neuron=Other(*layer.neuron)) for layer in network.layers]
    other = network._replace(layers=(*layers,))
    assert other == network
    sources = [numba_kept._source(n, params, True) for n in (network, other)]
    assert sources[0] != sources[1]


def bad_and_odd_tables():
    X = ROWS[:3]
    yield "plain", X
    yield "float32", X.astype(np.float32)
    yield "integers", (8 * X).astype(np.int64)
    yield "bytes", (8 * X).astype(np.uint8)
    yield "booleans", X > 0.3
    yield "by columns", np.asfortranarray(X)
    yield "strided", np.repeat(X, 2, axis=1)[:, ::2]
    yield "other byte order", X.astype(X.dtype.newbyteorder())
    yield "halves", X.astype(np.float16)
    yield "infinite halves", np.where(X > 0.5, np.inf, X).astype(np.float16)
    yield "long", X.astype(np.longdouble)
    yield "complex", X.astype(complex)
    yield "objects", X.astype(object)
    yield "text", X.astype(str)
    yield "dates", X.astype("M8[D]")
    yield "masked", np.ma.masked_array(X, X > 0.5)
    yield "no rows", X[:0]
    yield "fewer columns", X[:, :2]
    yield "no columns", X[:, :0]
    yield "one row of one axis", X[0]
    yield "sequences", X[np.newaxis]
    yield "NaN", np.where(X > 0.5, np.nan, X)
    yield "infinite", np.where(X > 0.5, np.inf, X)
    yield "both infinities", np.where(X > 0.5, np.inf, -np.inf)
    yield "sums too large", np.full_like(X, 1e308)
    yield "sums too large in float32", np.full(X.shape, 3e38, np.float32)
    yield "far off", 1000 * X
    yield "hardly there", X / 1000
    yield "a list", X.tolist()


def bad_and_odd_sequences():
    for name, X in bad_and_odd_tables():
        if not isinstance(X, list) and X.ndim == 2:
            yield name, np.repeat(X[:, np.newaxis], 12, axis=1)
    ends = GRADED[:3].copy()
    ends[0, 7:] = np.nan
    yield "padded", ends
    yield "a list", [*GRADED[:3]]
    yield "unequal", [GRADED[0], GRADED[1, :7]]
    yield "a table", ROWS[:3]
    yield "no steps", GRADED[:3, :0]


CASES = [
    *(("rows", name, X) for name, X in bad_and_odd_tables()),
    *(("graded", name, X) for name, X in bad_and_odd_sequences()),
    *(("encoder", name, X) for name, X in bad_and_odd_tables()),
]


@pytest.fixture(scope="module")
def by_kind():
    return {
        "rows": fitted(ROWS),
        "graded": fitted(np.tile(GRADED, (4, 1, 1))),
        "encoder": PoissonSpikeEncoder(random_state=0).fit(ROWS),
    }


def outcome(model, X):
    """Return all that comes of a call: an answer or an error, and the warnings."""
    method = getattr(model, "predict_proba", None) or model.transform
    with warnings.catch_warnings(record=True) as messages:
        warnings.simplefilter("always")
        try:
            result = np.asarray(method(X)).tobytes()
        except Exception as error:
            result = type(error), str(error)
    return result, [(w.category, str(w.message)) for w in messages]


@pytest.mark.parametrize(
    ("kind", "X"),
    [pytest.param(kind, X, id=f"{kind}, {name}") for kind, name, X in CASES],
)
def test_plain_arrays_are_checked_as_all_others(kind, X, by_kind, monkeypatch):
    """What is told at once to be in order has no other outcome by all the checks."""
    model = by_kind[kind]
    got = outcome(model, X)
    for module in (validation, ranges):
        monkeypatch.setattr(module, "is_plain", lambda *_: False)
    monkeypatch.setattr(validation, "has_features", lambda *_: False)
    assert outcome(model, X) == got


def test_names_of_features_are_missed():
    """An array has none: that is warned of."""
    pandas = pytest.importorskip("pandas")
    model = fitted(pandas.DataFrame(ROWS, columns=[*"abcd"]))
    assert not plain.is_plain(model, ROWS[:1], 2)
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        model.predict(ROWS[:1])


def test_what_is_plain():
    """The usual row is, or all of this is in vain."""
    model = fitted(ROWS)
    assert plain.is_plain(model, ROWS[:1], 2)
    assert not plain.is_plain(model, np.where(ROWS > 0.5, np.nan, ROWS), 2)


@pytest.mark.parametrize("layer", [0, 1])
@pytest.mark.parametrize("name", ["alpha", "threshold"])
def test_constants_may_change_between_calls(name, layer):
    """In place, or of another type; what an engine keeps of neurons is theirs."""
    sizes, neurons = [9, 6, 3], lif()
    network = network_of(neurons, sizes)
    kept = numba_engine.NumbaEngine(network, 12)
    X, y = np.random.default_rng(0).random((20, 9)), np.arange(20) % 3
    params = initial_params(neurons, sizes, np.float64, 0)

    def step(params, engine=None):
        engine = numba_engine.NumbaEngine(network, 12) if engine is None else engine
        return engine.loss_and_gradients(params, X, y, np.ones(len(y)))

    for changed in (slice(None), slice(1, None)):  # still alike, and then not
        before = step(params, kept)
        params[layer][name][changed] *= 0.9
        after, expected = step(params, kept), step(params)
        assert_same_gradients(after.gradients, expected.gradients, 0, 0)
        pairs = zip(before.gradients, after.gradients, strict=True)
        assert not all(np.array_equal(a["coef"], b["coef"]) for a, b in pairs)
    weights = "coef", "intercept"
    narrow = [p | {k: p[k].astype(np.float32) for k in weights} for p in params]
    after, expected = step(narrow, kept), step(narrow)
    assert_same_gradients(after.gradients, expected.gradients, 0, 0)
