"""Networks on recordings of unequal length: answers, scores and splits."""

import numpy as np
import pytest
from helpers import assert_close_network, assert_same_network, fast, regressor
from networks import initial_params, lif, network_of
from sequences import of_events, of_padded, of_values, padded
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_snn import ChannelTransformer
from sklearn_snn._engines.compiled.engine import NumbaEngine
from sklearn_snn._inputs.sequences import Sequences
from sklearn_snn._model.synapses import weight_gradients
from sklearn_snn._utils.workspace import Workspace

pytestmark = pytest.mark.usefixtures("engine")
Y = np.arange(40) % 2


@pytest.fixture(params=["spikes", "float32", "float64"])
def items(request, rng):
    """Return 40 recordings of 3 channels; the first fires more in class 1."""
    lengths = rng.integers(5, 30, 40)
    spikes = [(rng.random((n, 3)) < 0.3).astype(np.uint8) for n in lengths]
    for item in spikes[1::2]:
        item[:, 0] |= rng.random(len(item)) < 0.5
    if request.param == "spikes":
        return spikes
    return [(x + rng.normal(0, 0.3, x.shape)).astype(request.param) for x in spikes]


def forms(items):
    """Return the same recordings in all forms that they take."""
    made = {"list": items, "rows": of_values(items), "behind ends": of_padded(items)}
    objects = np.empty(len(items), object)
    objects[:] = items
    made["objects"] = objects
    if items[0].dtype == np.uint8:
        return made | {"events": of_events(items)}
    ends = np.full((2, items[0].shape[1]), np.nan, items[0].dtype)
    some = [np.concatenate([x, ends[: i % 3]]) for i, x in enumerate(items)]
    return made | {"NaN": padded(items, np.nan, items[0].dtype), "some NaN": some}


def test_all_forms_are_learned_and_answered_alike(items):
    models = {name: fast().fit(X, Y) for name, X in forms(items).items()}
    expected = models["list"].decision_function(items)
    for name, model in models.items():
        assert_same_network(model, models["list"])
        for X in forms(items).values():
            np.testing.assert_array_equal(model.decision_function(X), expected, name)


@pytest.mark.filterwarnings("ignore::sklearn_snn.exceptions.InputMismatchWarning")
def test_answers_are_those_of_a_sample_alone(items, rng):
    model = fast().fit(items, Y)
    expected = model.decision_function(items)
    for i, item in enumerate(items):
        for alone in ([item], item[np.newaxis]):
            np.testing.assert_array_equal(
                model.decision_function(alone)[0], expected[i]
            )
    order = rng.permutation(40)
    shuffled = model.decision_function([items[i] for i in order])
    np.testing.assert_array_equal(shuffled, expected[order])
    # A long neighbour changes nothing.
    longer = [*items, np.ones((500, 3), items[0].dtype)]
    np.testing.assert_array_equal(model.decision_function(longer)[:40], expected)
    record = model.simulate(items)
    for i, item in enumerate(items):
        alone = model.simulate([item])
        n = len(item)
        np.testing.assert_array_equal(record.logits[i, :n], alone.logits[0])
        for ours, theirs in zip(record.spikes, alone.spikes, strict=True):
            np.testing.assert_array_equal(ours[i, :n], theirs[0])


def test_recordings_of_one_length_are_as_an_array(items):
    array = np.stack([item[:5] for item in items])
    model = fast().fit(array, Y)
    for X in (list(array), of_values(list(array)), of_padded(list(array))):
        assert_same_network(fast().fit(X, Y), model)
        np.testing.assert_array_equal(
            model.decision_function(X), model.decision_function(array)
        )


def test_gradients_are_the_sum_of_those_alone(items):
    # The scale of the answers hangs on the length, which is the first's for the last.
    items, y = [*items, items[0]], [*Y, Y[0]]
    model = fast(logit_scale="auto").fit(items, y)
    whole = model.loss_and_gradients(items, y)
    parts = [model.loss_and_gradients([x], [y]) for x, y in zip(items, y, strict=True)]
    assert whole.loss == pytest.approx(np.mean([part.loss for part in parts]), rel=1e-5)
    for i, grad in enumerate(whole.coef_grads):
        mean = np.mean([part.coef_grads[i] for part in parts], axis=0)
        np.testing.assert_allclose(grad, mean, rtol=1e-3, atol=1e-6)


def test_silence_behind_the_end_counts_where_it_is_given(items):
    """Else the test on padding could pass because silence changes nothing."""
    model = fast().fit(items, Y)
    zeros = padded(items, 0, items[0].dtype)
    silent = model.decision_function(zeros)
    assert not np.array_equal(silent, model.decision_function(items))


def test_cross_validation_and_searches(items):
    scaled = items[0].dtype != np.uint8
    model = fast(max_iter=20)
    if scaled:
        model = make_pipeline(ChannelTransformer(StandardScaler()), model)
    scores = cross_val_score(model, items, Y, cv=3, error_score="raise")
    for name, X in forms(items).items():
        again = cross_val_score(model, X, Y, cv=3, error_score="raise")
        np.testing.assert_array_equal(again, scores, name)
    parallel = cross_val_predict(model, of_values(items), Y, cv=3, n_jobs=2)
    np.testing.assert_array_equal(parallel, cross_val_predict(model, items, Y, cv=3))
    name = "spikingclassifier__alpha" if scaled else "alpha"
    search = GridSearchCV(model, {name: [0.8, 0.9]}, cv=2, error_score="raise")
    assert search.fit(items, Y).predict(items).shape == (40,)


def test_it_is_learned(items):
    model = fast(max_iter=60, hidden_layer_sizes=(20,)).fit(items, Y)
    assert model.score(items, Y) > 0.8


def test_early_stopping(items):
    fits = [
        fast(early_stopping=True, validation_fraction=0.25, max_iter=5).fit(X, Y)
        for X in forms(items).values()
    ]
    assert len(fits[0].validation_scores_) == 5
    for fit in fits[1:]:
        assert_same_network(fit, fits[0])
        assert fit.validation_scores_ == fits[0].validation_scores_


def test_sample_weights(items):
    """Weight 0 is absence, and 2 is twice, of any form and length."""
    weights = np.ones(40)
    weights[-4:] = 0  # of both classes
    for X in forms(items).values():
        weighted = fast(shuffle=False).fit(X, Y, weights)
        without = fast(shuffle=False).fit(X[:-4], Y[:-4])
        assert_same_network(weighted, without)
    model = fast().fit(items, Y)
    weights[:] = 1
    weights[0] = 2
    one = model.loss_and_gradients(items, Y, weights)
    twice = model.loss_and_gradients([items[0], *items], [Y[0], *Y])
    assert one.loss == pytest.approx(twice.loss, rel=1e-5)


def test_streams(items):
    model, other = fast(), fast()
    for rows in (slice(20), slice(20, 40)):
        model.partial_fit(items[rows], Y[rows], classes=[0, 1])
        other.partial_fit(of_values(items)[rows], Y[rows], classes=[0, 1])
    assert_same_network(model, other)


@pytest.mark.filterwarnings("ignore::sklearn_snn.exceptions.InputMismatchWarning")
def test_engines_agree(items):
    ours = fast(engine="numpy").fit(items, Y)
    theirs = fast(engine="numba").fit(items, Y)
    if items[0].dtype == np.uint8:
        np.testing.assert_array_equal(ours.predict(items), theirs.predict(items))
    assert_close_network(ours, theirs, rtol=1e-3)


def test_regressor(items):
    y = np.array([item[:, 0].mean() for item in items])
    model = regressor().fit(items, y)
    expected = model.predict(items)
    for X in forms(items).values():
        np.testing.assert_array_equal(regressor().fit(X, y).predict(X), expected)
    np.testing.assert_array_equal(model.predict(items[:1]), expected[:1])


def test_threads(items):
    from joblib import Parallel, delayed

    model = fast().fit(items, Y)
    expected = model.decision_function(items)
    jobs = (
        delayed(model.decision_function)(items[i : i + 10]) for i in range(0, 40, 10)
    )
    answers = Parallel(n_jobs=2, prefer="threads")(jobs)
    np.testing.assert_array_equal(np.concatenate(answers), expected)


def test_gradients_hang_on_no_longer_sample_of_another_chunk(rng, monkeypatch):
    """To the bit, for any number of threads, whose samples are padded together."""
    engine = NumbaEngine(network_of(lif(), [65, 40, 2]), 5)
    params = initial_params(lif(), [65, 40, 2], np.float32, 0)
    for i in range(8):
        lengths = rng.integers(1, 6, 33)
        lengths[0] = 5
        values = rng.random((lengths.sum(), 65)).astype(np.float32)
        is_binary = np.repeat(rng.random(33) < 0.5, lengths)  # those have products not
        values[is_binary] = values[is_binary] < 0.2
        X, gradients = Sequences.of_lengths(values, lengths), []
        if i == 0:
            engine.first_guess(params, X, np.ones(33))
        for n in (1, 2, 4):
            monkeypatch.setattr(engine, "_n_threads", n)
            step = engine.loss_and_gradients(params, X, np.arange(33) % 2, np.ones(33))
            gradients.append(step.gradients[0]["coef"])
        assert np.abs(gradients[0]).max() > 0
        for other in gradients[1:]:
            np.testing.assert_array_equal(other, gradients[0])


def test_the_gradient_of_a_chunk_ends_with_its_longest_sample(rng):
    lengths = np.array([3, 2, 5, 4])
    X, delta = rng.normal(size=(4, 5, 3)), rng.normal(size=(4, 5, 2))
    X[:2, 3:] = delta[:2, 3:] = np.nan
    delta[1, 2:3] = delta[3, 4:] = 0
    one, other = weight_gradients(X, delta, 2, 0, Workspace(), lengths)
    expected = sum(X[i, :n].T @ delta[i, :n] for i, n in enumerate(lengths[:2]))
    np.testing.assert_allclose(one, expected, rtol=1e-12)
    np.testing.assert_allclose(other, np.einsum("itj,itk->jk", X[2:], delta[2:]))


def test_steps_of_stages_of_unequal_length(items):
    """What is said at the last step of each is what predict says."""
    model = fast().fit(items, Y)
    stages = list(model.staged_predict(items))
    assert len(stages) == max(len(item) for item in items)
    np.testing.assert_array_equal(stages[-1], model.predict(items))
