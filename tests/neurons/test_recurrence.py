"""Layers whose neurons hear each other: exact, in both engines, in any batch."""

from concurrent.futures import ThreadPoolExecutor
from itertools import product

import numpy as np
import pytest
from helpers import fast
from networks import arrays_of
from neurons.cases import (
    COUNTED,
    FIRING,
    INTEGRATED,
    KINDS,
    case_of,
    narrow,
    telling,
    variants,
)
from neurons.checks import check_autograd
from neurons.test_agreement import answers, assert_same_answers, check_engines
from neurons.test_differences import slope
from neurons.test_lengths import LENGTHS, alone, unequal

from sklearn_snn._engines import threads
from sklearn_snn._engines.compiled import engine as engine_numba
from sklearn_snn._model import recurrence
from sklearn_snn._model.network import Layer, Network
from sklearn_snn._model.neurons import LIF
from sklearn_snn._model.parameters import learning
from sklearn_snn._model.readouts import Readout
from sklearn_snn._model.recurrence import orthogonal_weights, unit_of_recurrence
from sklearn_snn._model.restraint import Restraint
from sklearn_snn._model.synapses import exact_parts

ENGINES = "numba", "numpy"


def stacks(name):
    """Return networks with hidden layers of a neuron, as (names of rows, readout)."""
    return [
        ((name, name, COUNTED), "spike_count"),
        ((name, INTEGRATED), "membrane_mean"),
    ]


def recurrent_case(names, readout, **choices):
    return case_of(names, readout, recurrent=True, **choices)


def restrained(case):
    """Return a case with dropout, and bounds on rates."""
    rng, hidden = np.random.default_rng(3), case.network.layers[:-1]
    kept = [rng.random((len(case.targets), n.n_units)) < 0.6 for n in hidden]
    bounds = np.array([[0.05, 0.1], [0.4, 0.6]])[: len(hidden)]
    return case._replace(restraint=Restraint(kept, bounds, 30.0))


def check_with_restraint(case, engine):
    """Compare loss, penalty and gradients with autograd; spikes are all heard there."""
    from networks import assert_same_gradients
    from oracles import loss_and_gradients

    _, loss, outputs, gradients = loss_and_gradients("torch", case)
    step = case.step(engine)
    assert step.loss + step.penalty == pytest.approx(loss, rel=1e-9)
    np.testing.assert_allclose(step.outputs, outputs, atol=1e-9)
    assert_same_gradients(step.gradients, gradients, 1e-9)


# Against autograd, and finite differences


@pytest.mark.parametrize("name", FIRING)
def test_equal_to_autograd(name, engine):
    for choices in variants(name, surrogate="atan"):
        for names, readout in stacks(name):
            case = recurrent_case(names, readout, **choices)
            with telling(names, readout, choices):
                gradients = check_autograd(case, engine)
                for of_layer in gradients[:-1]:
                    assert np.count_nonzero(of_layer["recurrent"]) > 5


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", FIRING)
def test_every_kind_of_input(name, kind, engine):
    for names, readout in stacks(name):
        for learns in (False, True):
            case = recurrent_case(names, readout, kind=kind, learns=learns, n_steps=14)
            with telling(names, readout, learns):
                check_autograd(case, engine)


@pytest.mark.parametrize("n_steps", [1, 2, 50])
@pytest.mark.parametrize("name", FIRING)
def test_every_length(name, n_steps, engine):
    """In a single step nobody hears anybody, and recurrent weights have no gradient."""
    for names, readout in stacks(name):
        case = recurrent_case(names, readout, n_steps=n_steps, reset="subtract")
        with telling(names, readout):
            gradients = check_autograd(case, engine)
            assert all(g["recurrent"].any() == (n_steps > 1) for g in gradients[:-1])


@pytest.mark.parametrize("name", FIRING)
def test_what_is_left_out_is_not_heard(name, engine):
    for names, readout in stacks(name):
        for kind in ("spikes", "graded"):
            case = restrained(recurrent_case(names, readout, kind=kind))
            with telling(names, readout, kind):
                check_with_restraint(case, engine)


@pytest.mark.parametrize("name", FIRING)
def test_finite_differences(name, rng):
    for choices in variants(name, surrogate="sigmoid", detach_reset=False):
        for names, readout in stacks(name):
            case = recurrent_case(names, readout, smooth=True, **choices)
            gradients = learning(case.network, case.step().gradients)
            arrays = learning(case.network, case.params)
            for i, (array, gradient) in enumerate(zip(arrays, gradients, strict=True)):
                direction = rng.normal(size=array.shape)
                with telling(names, readout, choices, i, array.shape):
                    assert slope(case, array, direction) == pytest.approx(
                        (gradient * direction).sum(), rel=1e-6, abs=1e-8
                    )


MISTAKES = {
    "run_recurrent": [
        ("heard = _heard(step", "heard = heard if t else _heard(step"),
        ('_heard(step["spikes"][0], kept)', 'step["spikes"][0]'),
        ("np.add(current[t], total[0], out=total[0])", "total[0] = current[t]"),
    ],
    "backpropagate_recurrent": [
        ("_heard(delta[t + 1] @ back, kept)", "delta[t + 1] @ back"),
        ("delta[t + 1] @ back", "delta[t + 1] @ back.T"),
        ("if t + 1 < n_steps", "if t + 2 < n_steps"),
        ("states[t], carry", "states[0], carry"),
        ("delta[1:].reshape", "delta[:-1].reshape"),
        ('heard = _heard(tape["spikes"][:-1], kept)', 'heard = tape["spikes"][:-1]'),
    ],
}


@pytest.mark.parametrize(
    ("function", "mistake"),
    [(f, m) for f, of_function in MISTAKES.items() for m in of_function],
)
def test_planted_mistakes_are_seen(function, mistake, monkeypatch):
    from neurons.test_mistakes import Mistake, plant

    from sklearn_snn._model import network

    plant(Mistake("lif", recurrence, function, [mistake]), monkeypatch)
    monkeypatch.setattr(network, function, getattr(recurrence, function))
    with pytest.raises(AssertionError):
        for names, readout in stacks("leaky gain"):
            case = recurrent_case(names, readout)
            check_autograd(case, "numpy")
            check_with_restraint(restrained(case), "numpy")


# In both engines, alone and in batches


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", FIRING)
def test_engines_agree(name, kind):
    """On every spike, to the bit."""
    for dtype in {np.float64, narrow(name)}:
        check_all_agree(name, dtype, kind)


def check_all_agree(name, dtype, kind):
    for names, readout in stacks(name):
        # Code for one number of each constant is that of the default neuron.
        for alike in {False, name == "lif"}:
            case = recurrent_case(
                names, readout, dtype=dtype, kind=kind, n_steps=25, alike=alike
            )
            with telling(names, readout, alike):
                check_engines(case, dtype)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", FIRING)
def test_answers_do_not_depend_on_the_batch(name, kind, engine):
    for names, readout in stacks(name):
        dtype = narrow(name)
        case = recurrent_case(names, readout, dtype=dtype, kind=kind, n_samples=35)
        together = answers(case, engine)
        order = np.random.default_rng(0).permutation(35)
        for rows in (order, slice(0, 1), slice(31, 34)):
            some = answers(case._replace(X=case.X[rows]), engine)
            with telling(names, readout, rows):
                assert_same_answers(some, [array[rows] for array in together])


@pytest.mark.parametrize("kind", ["spikes", "graded"])
@pytest.mark.parametrize("name", ["lif", "adlif"])
def test_a_sample_goes_back_as_if_alone_whoever_goes_with_it(name, kind):
    """Without a weight the others add nothing; to the bit, and of unequal lengths."""
    for names, readout in stacks(name):
        choices = {"recurrent": True, "learns": False, "is_restrained": True}
        case, n_felt = unequal(names, readout, kind, **choices), 0
        for i in range(len(LENGTHS)):
            shares = np.where(np.arange(len(LENGTHS)) == i, case.shares, 0)
            among_others = case._replace(shares=shares).step("numba").gradients
            by_itself = alone(case, i).step("numba").gradients
            with telling(names, readout, i):
                for one, other in zip(among_others, by_itself, strict=True):
                    for key in one:
                        np.testing.assert_array_equal(one[key], other[key])
            n_felt += np.any(by_itself[0]["recurrent"])
        assert n_felt > 3


@pytest.mark.parametrize("kind", KINDS)
def test_engines_agree_where_some_go_back_together(kind):
    for names, readout in stacks("lif"):
        choices = {"dtype": np.float32, "learns": False, "alike": True}
        case = recurrent_case(names, readout, kind=kind, **choices)
        with telling(names, readout):
            check_engines(case, np.float32)


@pytest.mark.parametrize("kind", ["trains", "mixed"])
def test_gradients_for_any_number_of_threads(kind, monkeypatch):
    with ThreadPoolExecutor(3) as pool:
        monkeypatch.setattr(threads, "_pool", pool)
        for (names, readout), learns in product(stacks("lif"), (False, True)):
            case = recurrent_case(
                *(names, readout),
                **{"dtype": np.float32, "kind": kind, "n_samples": 70},
                learns=learns,
            )
            steps = []
            for n_threads in (1, 2, 4):
                monkeypatch.setattr(engine_numba, "n_threads", lambda n=n_threads: n)
                steps.append(arrays_of(case.step("numba").gradients))
            assert_same_answers(steps[1], steps[0])
            assert_same_answers(steps[2], steps[0])


def test_currents_are_added_in_the_order_that_is_specified():
    """What comes from below first, each product rounded once; another sum differs."""
    rng = np.random.default_rng(0)
    case = recurrent_case(
        ("lif", INTEGRATED), "membrane_mean", dtype=np.float32, alike=True, learns=False
    )
    p, x = case.params[0], case.X.astype(np.float32)
    for name in ("coef", "recurrent"):
        p[name][...] = rng.normal(size=p[name].shape)
    neuron = case.network.layers[0].neuron
    _, tape = next(case.engine("numpy").tapes(case.params, case.X))
    spikes = tape.layers[0]["spikes"].transpose(1, 0, 2).copy()
    membranes = tape.layers[0]["membrane"].transpose(1, 0, 2).copy()

    def once(s, w):
        n = w.shape[1]
        product = s @ exact_parts(w)
        return product[..., :n] + product[..., n:]

    below = once(x, p["coef"]) + p["intercept"]
    felt = np.zeros_like(below)
    felt[:, 1:] = once(spikes[:, :-1], p["recurrent"])
    alpha, threshold = (p[k].astype(np.float32) for k in ("alpha", "threshold"))
    others = 0
    for add in (
        lambda a, b: a + b,
        lambda a, b: (once(x, p["coef"]) + b) + p["intercept"],
    ):
        v, seen = 0, []
        for t, current in enumerate(np.moveaxis(add(below, felt), 1, 0)):
            u = current + alpha * v
            seen.append(u)
            v = {"zero": u * (1 - spikes[:, t])}[neuron.reset]
        others += np.array_equal(np.array(seen).transpose(1, 0, 2), membranes)
    assert others == 1
    assert (spikes == (membranes > threshold)).all()


# The first guess


def test_first_weights_are_orthogonal():
    weights = orthogonal_weights(40, np.float64, np.random.RandomState(0))
    np.testing.assert_allclose(weights @ weights.T, np.eye(40), atol=1e-12)
    # Not the reflections that a decomposition alone would give.
    assert (np.diagonal(weights) > 0).sum() in range(8, 33)
    narrow = orthogonal_weights(40, np.float32, np.random.RandomState(0))
    np.testing.assert_array_equal(narrow, weights.astype(np.float32))


@pytest.mark.parametrize("has_unit_gain", [True, False])
def test_a_neuron_that_always_fires_makes_another_fire(has_unit_gain):
    n_steps, neuron = 30, LIF(has_unit_gain=has_unit_gain)
    p = {"alpha": np.full(3, 0.9), "threshold": np.full(3, 0.7)}
    unit = unit_of_recurrence(neuron, p, n_steps)
    current, shape = np.full((n_steps, 1, 3), float(unit)), (n_steps, 1, 3)
    tape = {name: np.empty(shape) for name in neuron.tape}
    free = neuron._replace(reset="none")
    free.forward(p, current, (np.zeros(shape[1:]),), tape)
    assert tape["membrane"][-1] == pytest.approx(0.7, rel=1e-6)
    assert (tape["membrane"][-2] < 0.7).all()


# As users meet it


def sums(n_samples, n_steps=20, seed=0):
    """Return recordings, of two channels, whose class is the parity of two cues."""
    rng = np.random.default_rng(seed)
    cues = rng.integers(2, size=(n_samples, 2))
    X = (rng.random((n_samples, n_steps, 4)) < 0.02).astype(np.uint8)
    for cue, start in zip(cues.T, (0, n_steps - 5), strict=True):
        for i, channel in enumerate(cue):
            X[i, start : start + 3, 2 * (start > 0) + channel] = 1
    return X, cues[:, 0] ^ cues[:, 1]


def test_a_network_that_learns_with_it():
    X, y = sums(300, n_steps=12)
    model = fast(
        hidden_layer_sizes=(24,),
        recurrent=True,
        max_iter=100,
        learning_rate_init=0.01,
        readout="membrane_last",
    ).fit(X[:200], y[:200])
    assert [w.shape for w in model.recurrent_coefs_] == [(24, 24)]
    assert all(layer.recurrent for layer in model.network_.layers[:-1])
    assert not model.network_.layers[-1].recurrent
    assert model.score(X[200:], y[200:]) > 0.9
    first = model.recurrent_coefs_[0].copy()
    model.recurrent_coefs_[0][...] = 0
    assert model.score(X[200:], y[200:]) < 0.8  # what was learned is in these weights
    model.recurrent_coefs_[0] = first[:, :3]
    with pytest.raises(
        ValueError, match=r"recurrent_coefs_ must be arrays of .*24, 24"
    ):
        model.predict(X)


def test_networks_without_it_have_no_such_weights(rng):
    X, y = rng.normal(size=(30, 4)), np.arange(30) % 3
    model = fast(hidden_layer_sizes=(6,), max_iter=2).fit(X, y)
    assert model.recurrent_coefs_ == []
    assert model.loss_and_gradients(X, y).recurrent_grads == []


def test_gradients_of_a_fitted_network(rng):
    X, y = sums(30)
    model = fast(hidden_layer_sizes=(6, 5), recurrent=True, max_iter=2).fit(X, y)
    result = model.loss_and_gradients(X, y)
    shapes = [g.shape for g in result.recurrent_grads]
    assert shapes == [w.shape for w in model.recurrent_coefs_] == [(6, 6), (5, 5)]
    model.recurrent_coefs_ = [
        w - g
        for w, g in zip(model.recurrent_coefs_, result.recurrent_grads, strict=True)
    ]
    assert model.loss_and_gradients(X, y).loss != result.loss


def test_what_cannot_be_recurrent(rng):
    X, y = rng.normal(size=(30, 4)), np.arange(30) % 3
    with pytest.raises(ValueError, match="needs a hidden layer"):
        fast(hidden_layer_sizes=(), recurrent=True).fit(X, y)
    model = fast(hidden_layer_sizes=(6,), max_iter=2, warm_start=True).fit(X, y)
    before = model.predict_proba(X)
    with pytest.raises(ValueError, match="not what the network to go on with is"):
        model.set_params(recurrent=True).fit(X, y)
    np.testing.assert_array_equal(model.predict_proba(X), before)


def test_recurrence_of_hidden_layers_is_all_or_none():
    """Compiled code knows no other; the model does."""
    layers = (
        Layer(LIF(), 4, recurrent=True),
        Layer(LIF(), 3),
        Layer(LIF(), 2),
    )
    network = Network(layers, Readout())
    assert "recurrent" in engine_numba.NumbaEngine.supports(network)
    assert engine_numba.NumbaEngine.supports(Network(layers[1:])) is None
