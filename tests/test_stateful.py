"""Parts of a stream, which partial_fit learns one after the other."""

import copy
import pickle
import re

import numpy as np
import pytest
from helpers import assert_same_network, assert_same_state, fast
from sequences import of_events
from sklearn.base import clone
from test_streams import N_STEPS, labels_of_steps, recordings

from sklearn_snn import SpikingClassifier, SpikingRegressor
from sklearn_snn._training.trainer import DivergedError, Trainer


def still(**params):
    """Return a network that answers at each step, and hardly learns."""
    settings = {"learning_rate_init": 1e-12, "weight_decay": 0.0, "per_step": True}
    return SpikingClassifier(
        **{"hidden_layer_sizes": (8,), "random_state": 0} | settings | params
    )


# Parts of a stream


@pytest.mark.parametrize("recurrent", [False, True])
@pytest.mark.parametrize("kind", ["spikes", "graded", "events"])
def test_states_are_carried_from_call_to_call(kind, recurrent, engine):
    """The losses of the parts are those of the whole, as the weights hardly change."""
    X, _ = recordings("graded" if kind == "graded" else "spikes")
    y = labels_of_steps(X)
    given = of_events if kind == "events" else np.asarray
    for batch_size in ("auto", 7):
        model = still(stateful=True, recurrent=recurrent, batch_size=batch_size)
        losses = []
        for first in range(0, N_STEPS, 10):
            steps = slice(first, first + 10)
            model.partial_fit(given(X[:, steps]), y[:, steps], classes=[0, 1, 2])
            losses.append(model.loss_)
        whole = model.loss_and_gradients(given(X), y).loss
        assert np.mean(losses) == pytest.approx(whole, rel=1e-5)
        model.reset_states()
        forgetful = []
        for first in range(0, N_STEPS, 10):
            steps = slice(first, first + 10)
            model.set_params(stateful=False).partial_fit(
                given(X[:, steps]), y[:, steps]
            )
            forgetful.append(model.loss_)
        assert forgetful[0] == pytest.approx(losses[0], rel=1e-5)
        assert np.mean(forgetful) != pytest.approx(whole, rel=1e-4)


def test_a_stream_goes_on_after_pickle_and_failure(engine):
    X, _ = recordings()
    y = labels_of_steps(X)
    parts = [(X[:, i : i + 10], y[:, i : i + 10]) for i in (0, 10, 20)]
    model = SpikingClassifier((8,), per_step=True, stateful=True, random_state=0)
    model.partial_fit(*parts[0], classes=[0, 1, 2])
    other = pickle.loads(pickle.dumps(model))
    before = copy.deepcopy(vars(model))
    for bad in (np.full_like(parts[1][0], np.nan), parts[1][0][:5]):
        with pytest.raises(ValueError, match=r"NaN|goes on from row i|inconsistent"):
            model.partial_fit(bad, parts[1][1][: len(bad)])
        assert_same_state(model, before)
    for part in parts[1:]:
        model.partial_fit(*part)
        other.partial_fit(*part)
    assert_same_network(model, other)
    assert not hasattr(clone(model), "_states_")


def test_reset_states_begins_at_rest(engine):
    X, _ = recordings()
    y = labels_of_steps(X)
    model = still(stateful=True).partial_fit(X, y, classes=[0, 1, 2])
    first = model.loss_
    assert model.partial_fit(X, y).loss_ != pytest.approx(first, rel=1e-4)
    assert model.reset_states() is model
    assert model.partial_fit(X, y).loss_ == pytest.approx(first, rel=1e-5)
    message = re.escape("which had 24 rows; X has 5. reset_states() lets")
    with pytest.raises(ValueError, match=message):
        model.partial_fit(X[:5], y[:5])
    model.reset_states().partial_fit(X[:5], y[:5])


def test_what_cannot_go_on():
    X, y = recordings()
    model = fast(engine="numpy", stateful=True).partial_fit(X, y, classes=[0, 1, 2])
    model.reset_states()
    with pytest.raises(ValueError, match="as many steps"):
        model.partial_fit([x[: 10 + i] for i, x in enumerate(X)], y)
    weights = np.ones(len(y))
    weights[3] = 0
    with pytest.raises(ValueError, match="no weight may be 0"):
        model.partial_fit(X, y, sample_weight=weights)
    assert model._states_ is None


def test_fit_begins_at_rest_and_forgets():
    X, y = recordings()
    model = fast(engine="numpy", stateful=True).partial_fit(X, y, classes=[0, 1, 2])
    assert model._states_ is not None
    assert_same_network(model.fit(X, y), fast(engine="numpy").fit(X, y))
    assert model._states_ is None


def test_states_of_other_neurons_are_refused(engine):
    X, _ = recordings()
    y = labels_of_steps(X)
    for first, second in (("lif", "adlif"), ("adlif", "lif"), ("adlif", "cuba")):
        model = still(stateful=True, neuron=first)
        model.partial_fit(X, y, classes=[0, 1, 2]).set_params(neuron=second)
        with pytest.raises(ValueError, match="of other neurons"):
            model.partial_fit(X, y)
        model.reset_states().partial_fit(X, y)


@pytest.mark.parametrize("kind", ["graded", "spikes"])
def test_the_first_guess_of_short_parts(kind, engine):
    """A part of a step would make weights so large that all neurons fire always."""
    X, _ = recordings(kind, n_steps=120)
    y = labels_of_steps(X)
    rates = {}
    for n_steps in (2, 120):
        model, of_parts = still(hidden_layer_sizes=(40,), stateful=True), []
        for first in range(0, 120, n_steps):
            part = slice(first, first + n_steps)
            model.partial_fit(X[:, part], y[:, part], classes=[0, 1, 2])
            of_parts.append(model.firing_rates_[0])
        rates[n_steps] = np.mean(of_parts)
    assert rates[120] / 4 < rates[2] < 4 * rates[120]


def test_parts_without_anything_to_learn_pass_by(engine):
    """States go on as they do where something is learned, and nothing else changes."""
    X, _ = recordings()
    y = labels_of_steps(X)
    y[:, 10:20] = 0
    first, background = ((X[:, i : i + 10], y[:, i : i + 10]) for i in (0, 10))
    model = still(stateful=True, class_weight={0: 0.0})
    model.partial_fit(*first, classes=[0, 1, 2])
    other = copy.deepcopy(model).set_params(class_weight=None)
    coefs, before = model.coefs_[0].copy(), model._states_[0].copy()
    model.partial_fit(*background)
    other.partial_fit(*background)
    np.testing.assert_array_equal(model.coefs_[0], coefs)
    assert not np.array_equal(model._states_[0], before)
    for ours, theirs in zip(model._states_, other._states_, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="no weight may be 0"):
        model.partial_fit(*background, sample_weight=np.zeros(len(X)))


def test_states_that_are_not_finite_are_not_kept(monkeypatch):
    X, y = recordings()
    model = fast(engine="numpy", stateful=True)
    model.partial_fit(X, y, classes=[0, 1, 2])
    before, epoch = copy.deepcopy(vars(model)), Trainer.epoch

    def overflowing(trainer):
        result = epoch(trainer)
        trainer.states[0][0, 3] = np.inf
        return result

    monkeypatch.setattr(Trainer, "epoch", overflowing)
    with pytest.raises(DivergedError, match="states"):
        model.partial_fit(X, y)
    assert_same_state(model, before)


def test_numbers_are_learned_from_a_stream(engine):
    X, _ = recordings()
    y = np.cumsum(X.sum(axis=2), axis=1)
    model = SpikingRegressor((8,), per_step=True, stateful=True, random_state=0)
    for first in range(0, N_STEPS, 10):
        model.partial_fit(X[:, first : first + 10], y[:, first : first + 10])
    assert np.isfinite(model.loss_)
    assert [s.shape[1] for s in model._states_] == [len(X)] * 2
