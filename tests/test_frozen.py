"""What is set after a fit changes no answer of its network, but for the engine."""

import copy
import json

import numpy as np
import pytest
from helpers import (
    KINDS,
    arrays,
    assert_same_network,
    differ,
    fast,
    interrupt,
    kinds_of_input,
    some_digits,
    stream,
)
from recording import Recorder
from sklearn.utils._param_validation import InvalidParameterError

from sklearn_snn import neurons
from sklearn_snn._constants import frozen_constants
from sklearn_snn._model.build import initial_constants, make_network
from sklearn_snn._model.network import Layer, Network
from sklearn_snn._model.neurons import LIF, AdLIF, LeakyIntegrator
from sklearn_snn._model.readouts import Readout
from sklearn_snn.inspection import AnytimeAccuracyDisplay, SpikeRasterDisplay

X, Y = some_digits(3, 60)
# Each parameter that an answer depends on, other than by default, and a wrong value.
OTHERS = {
    "alpha": 0.5,
    "threshold": 1.7,
    "beta": 1.0,
    "n_steps": 7,
    "surrogate": "atan",
    "reset": "subtract",
    "detach_reset": True,
    "logit_scale": 3.0,
}
WRONG = {
    "alpha": 2,
    "threshold": -1,
    "beta": "steep",
    "n_steps": 0,
    "surrogate": "step",
    "reset": "soft",
    "detach_reset": "sometimes",
    "logit_scale": "none",
    "hidden_layer_sizes": -3,
    "solver": "lbfgs",
    "class_weight": "rare",
}


def frozen(**params):
    return frozen_constants(fast(**params).get_params(), "cross_entropy")


def answers(model, X, y):
    """Return all that a fitted network says of data."""
    record = model.simulate(X)
    loss, *gradients = model.loss_and_gradients(X, y)
    return [
        model.predict(X),
        model.predict_proba(X),
        model.predict_log_proba(X),
        model.decision_function(X),
        model.score(X, y),
        list(model.staged_predict(X)),
        list(model.staged_predict_proba(X)),
        [record.membranes, record.spikes, record.logits, record.threshold],
        [loss, *gradients],
        model._spikes_per_step(X),
    ]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("values", [OTHERS, WRONG], ids=["others", "wrong"])
def test_set_params_changes_no_answer(values, kind):
    """One by one, and all at once."""
    data = kinds_of_input(X)[kind]
    model = fast().fit(data, Y)
    expected = answers(model, data, Y)
    for name, value in values.items():
        changed = copy.deepcopy(model).set_params(**{name: value})
        np.testing.assert_equal(answers(changed, data, Y), expected, err_msg=name)
    model.set_params(**values)
    np.testing.assert_equal(answers(model, data, Y), expected)


def test_displays_show_the_network_that_was_fitted():
    model = fast().fit(X, Y)
    accuracy = AnytimeAccuracyDisplay.from_estimator(model, X, Y)
    raster = SpikeRasterDisplay.from_estimator(model, X)
    model.set_params(**OTHERS)
    again = AnytimeAccuracyDisplay.from_estimator(model, X, Y)
    np.testing.assert_array_equal(again.accuracy, accuracy.accuracy)
    np.testing.assert_array_equal(again.spikes, accuracy.spikes)
    now = SpikeRasterDisplay.from_estimator(model, X)
    np.testing.assert_equal(now.rasters, raster.rasters)


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("how", ["fit", "warm start", "partial_fit"])
def test_training_takes_the_present_parameters(how, name):
    """And the network then answers with them, as one that always had them."""
    model = fast(warm_start=how == "warm start").fit(X, Y)
    first = copy.deepcopy(model)
    model.set_params(**{name: OTHERS[name]})
    train = model.partial_fit if how == "partial_fit" else model.fit
    train(X, Y)
    assert model._constants_ == frozen(**{name: OTHERS[name]})
    assert model._constants_ != first._constants_
    same = copy.deepcopy(model)
    same._constants_ = frozen(**{name: OTHERS[name]})
    np.testing.assert_equal(answers(model, X, Y), answers(same, X, Y))
    if how == "fit":
        assert_same_network(model, fast(**{name: OTHERS[name]}).fit(X, Y))


def test_a_failed_fit_keeps_the_constants(monkeypatch):
    model = fast(warm_start=True).fit(X, Y)
    expected = answers(model, X, Y)
    model.set_params(**OTHERS)
    for train in (model.fit, model.partial_fit):
        with monkeypatch.context() as patch:
            patch.setattr("sklearn_snn._training.optimizers.Adam.update", interrupt)
            with pytest.raises(KeyboardInterrupt):
                train(X, Y)
        np.testing.assert_equal(answers(model, X, Y), expected)


def test_callbacks_see_weights_and_constants_that_belong_together():
    """The estimator is as it was until the end; what was fitted so far is new."""
    model = fast(warm_start=True, max_iter=2).fit(X, Y)
    old = model._constants_
    model.set_params(threshold=1.7)
    seen = []

    def look():
        seen.append((model._constants_, model.coefs_))

    recorder = Recorder(("end", "epoch", 0), look)
    first = model.coefs_
    model.set_callbacks(recorder).fit(X, Y)
    assert seen[0][0] is old
    assert seen[0][1] is first
    thresholds = [m._constants_["threshold"] for m in recorder.fitted()]
    assert set(thresholds) == {1.7}


# Parameters that are refused


@pytest.mark.parametrize("name", WRONG)
def test_partial_fit_refuses_wrong_parameters_in_every_call(name):
    model = stream(fast(), X, Y, 2)
    before = copy.deepcopy(model)
    model.set_params(**{name: WRONG[name]})
    with pytest.raises(InvalidParameterError, match=f"'{name}' parameter"):
        model.partial_fit(X, Y)
    assert_same_network(model, before)
    assert model.t_ == before.t_
    model.set_params(**{name: before.get_params()[name]}).partial_fit(X, Y)
    assert differ(model, before)


def test_the_engine_counts_at_once():
    model = fast(engine="numpy").fit(X, Y)
    np.testing.assert_array_equal(
        model.set_params(engine="numba").predict(X),
        model.set_params(engine="numpy").predict(X),
    )
    model.set_params(engine="cupy")
    for ask in (
        model.predict,
        model.predict_proba,
        model.staged_predict,
        model.simulate,
        lambda X: SpikeRasterDisplay.from_estimator(model, X),
        lambda X: AnytimeAccuracyDisplay.from_estimator(model, X, Y),
        lambda X: model.loss_and_gradients(X, Y),
    ):
        with pytest.raises(InvalidParameterError, match="'engine' parameter"):
            ask(X)


# What is kept


def test_constants_are_plain_values():
    """Whatever numbers the parameters are: any file can hold them."""
    numbers = {"alpha": np.float32(0.9), "threshold": np.int8(1), "beta": 4}
    numbers |= {"n_steps": np.int16(5), "logit_scale": np.float64(2)}
    constants = frozen(**numbers, reset=np.str_("zero"))
    alpha = float(np.float32(0.9))
    assert constants == {
        **{"alpha": alpha, "threshold": 1.0, "beta": 4.0},
        **{"surrogate": "sigmoid", "reset": "zero", "detach_reset": False},
        **{"n_steps": 5, "logit_scale": 2.0, "loss": "cross_entropy"},
        **{"neuron": "lif", "neuron_settings": {"alpha": None, "threshold": None}},
        **{"readout": "spike_count", "learn_neuron": []},
        **{"readout_alpha": alpha, "readout_start": 0, "breaks_ties": True},
        **{"recurrent": False, "per_step": False},
    }
    assert json.loads(json.dumps(constants)) == constants
    kinds = {name: type(value) for name, value in constants.items()}
    assert kinds.pop("neuron_settings") is dict
    assert kinds == {
        **dict.fromkeys(("alpha", "threshold", "beta", "logit_scale"), float),
        **{"readout_alpha": float, "readout_start": int, "breaks_ties": bool},
        **dict.fromkeys(("surrogate", "reset", "neuron", "readout", "loss"), str),
        **{"detach_reset": bool, "n_steps": int, "learn_neuron": list},
        **{"recurrent": bool, "per_step": bool},
    }
    neuron = LIF(beta=4.0)
    layers = Layer(neuron, 7), Layer(neuron, 3)
    assert make_network(constants, [7, 3]) == Network(
        layers, Readout(scale=2.0, breaks_ties=True)
    )
    for n, of_layer in zip([7, 3], initial_constants(constants, [7, 3]), strict=True):
        assert of_layer.keys() == {"alpha", "threshold"}
        np.testing.assert_array_equal(of_layer["alpha"], np.full(n, alpha))
        np.testing.assert_array_equal(of_layer["threshold"], np.ones(n))


def test_constants_of_other_neurons_are_plain_values():
    """Of numbers of any kind, and of lists of names."""
    neuron = neurons.AdLIF(alpha=np.array([0.8, 0.9]), a=np.int8(1), q=np.float32(60))
    constants = frozen(
        neuron=neuron, learn_neuron=("b", "alpha"), readout="membrane_mean"
    )
    assert json.loads(json.dumps(constants)) == constants
    settings = constants["neuron_settings"]
    assert settings == {
        **{"alpha": [0.8, 0.9], "rho": [0.9835, 0.9967], "a": 1.0, "b": [0.0, 2.0]},
        **{"q": 60.0, "threshold": None},
    }
    assert type(settings["a"]) is type(settings["q"]) is float
    assert {type(x) for x in settings["alpha"]} == {float}
    assert constants["learn_neuron"] == ["alpha", "b"]
    network = make_network(constants, [4, 2])
    assert network.layers == (
        Layer(AdLIF(q=60.0, learned=("alpha", "b")), 4),
        Layer(LeakyIntegrator(("alpha",)), 2),
    )
    hidden, output = initial_constants(constants, [4, 2])
    taus = np.linspace(*(-1 / np.log([0.8, 0.9])), 4)
    np.testing.assert_allclose(hidden["alpha"], np.exp(-1 / taus))
    np.testing.assert_array_equal(hidden["threshold"], np.full(4, 0.6))
    np.testing.assert_array_equal(hidden["b"], np.linspace(0, 2, 4))
    # The output has the leak of the estimator, not that of the hidden neurons.
    assert output.keys() == {"alpha"}
    np.testing.assert_array_equal(output["alpha"], np.full(2, 0.95))


def test_automatic_logits_depend_on_the_length_of_the_input():
    readout = make_network(frozen(), [3, 2]).readout
    assert readout.factor(10) == 1.0
    assert readout.factor(40) == 0.25


@pytest.mark.parametrize(
    ("params", "detached"),
    [
        ({}, False),
        ({"alpha": 0.99}, True),
        ({"threshold": 2.0}, True),
        ({"detach_reset": True}, True),
        ({"detach_reset": False, "alpha": 0.99}, False),
        ({"detach_reset": np.bool_(True)}, True),
    ],
    ids=str,
)
def test_what_auto_chose(params, detached):
    model = fast(**params)
    assert not hasattr(model, "detach_reset_")
    assert model.fit(X, Y).detach_reset_ is detached
    model.set_params(detach_reset=not detached)
    assert model.detach_reset_ is detached
    assert model.partial_fit(X, Y).detach_reset_ is not detached


# Weights that users assign


@pytest.mark.parametrize("kind", KINDS)
def test_assigned_weights_are_in_force(kind):
    data = kinds_of_input(X)[kind]
    model, other = fast().fit(data, Y), fast(random_state=1).fit(data, Y)
    expected = answers(other, data, Y)
    written = copy.deepcopy(model)
    model.coefs_, model.intercepts_ = other.coefs_, other.intercepts_
    np.testing.assert_equal(answers(model, data, Y), expected)
    for mine, theirs in zip(arrays(written), arrays(other), strict=True):
        mine[...] = theirs
    np.testing.assert_equal(answers(written, data, Y), expected)


@pytest.mark.parametrize(
    "damage",
    [
        lambda m: m.coefs_.pop(),
        lambda m: m.coefs_.reverse(),
        lambda m: m.coefs_.__setitem__(0, m.coefs_[0].T),
        lambda m: m.coefs_.__setitem__(0, m.coefs_[0].tolist()),
        lambda m: m.coefs_.__setitem__(1, m.coefs_[1].astype(np.float32)),
        lambda m: m.coefs_.__setitem__(1, m.coefs_[1].astype(complex)),
        lambda m: m.coefs_.__setitem__(1, m.coefs_[1][:, :2]),
        lambda m: m.intercepts_.__setitem__(0, m.intercepts_[0][1:]),
        lambda m: m.intercepts_.__setitem__(1, 0.0),
        lambda m: m.coefs_.clear(),
    ],
)
def test_assigned_weights_that_do_not_fit_are_refused(damage, engine):
    """Compiled code would read what is not there."""
    model = fast().fit(X, Y)
    damage(model)
    for ask in (
        model.predict,
        model.simulate,
        lambda X: next(model.staged_predict(X)),
        lambda X: model.loss_and_gradients(X, Y),
    ):
        with pytest.raises(ValueError, match=r"coefs_ and intercepts_ must be arrays"):
            ask(X)
