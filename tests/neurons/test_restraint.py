"""Dropout of hidden spikes and bounds on their rates: exact, in both engines."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from networks import arrays_of, assert_same_gradients
from neurons.cases import (
    COUNTED,
    FIRING,
    INTEGRATED,
    KINDS,
    LOSSES,
    case_of,
    telling,
)

from sklearn_snn._engines import threads
from sklearn_snn._engines.compiled import engine as engine_numba
from sklearn_snn._model.restraint import NO_RESTRAINT, Restraint
from sklearn_snn._training.gradients import mean_loss_and_gradients
from sklearn_snn._training.samples import Samples

# Below, between and above what the layers of the cases do.
BOUNDS = np.array([[0.05, 0.1], [0.4, 0.6]])


def stacks(name):
    """Return networks with hidden layers of a neuron, as (names of rows, readout)."""
    return [
        ((name, name, COUNTED), "spike_count"),
        ((name, name, COUNTED), "soft_count"),
        ((name, INTEGRATED), "membrane_mean"),
    ]


def restrained(names, readout, *, drops=True, is_bounded=True, **choices):
    """Return a case that is held back."""
    case = case_of(names, readout, **choices)
    rng, kept, hidden = np.random.default_rng(3), None, case.network.layers[:-1]
    if drops:
        shape = len(case.targets)
        kept = [rng.random((shape, layer.n_units)) < 0.6 for layer in hidden]
    bounds = BOUNDS[: len(hidden)] if is_bounded else None
    return case._replace(restraint=Restraint(kept, bounds, 30.0))


@pytest.mark.parametrize("drops", [True, False])
@pytest.mark.parametrize("name", FIRING)
def test_equal_to_autograd(name, drops, engine):
    from oracles import loss_and_gradients

    for names, readout in stacks(name):
        for loss in LOSSES:
            for is_bounded in (True, False):
                case = restrained(
                    names, readout, drops=drops, is_bounded=is_bounded, loss=loss
                )
                spikes, expected, outputs, gradients = loss_and_gradients("torch", case)
                step = case.step(engine)
                with telling(names, readout, loss, is_bounded):
                    assert step.loss + step.penalty == pytest.approx(expected, rel=1e-9)
                    assert (step.penalty > 0) == is_bounded
                    np.testing.assert_allclose(step.outputs, outputs, atol=1e-9)
                    for count, s in zip(step.n_spikes, spikes, strict=True):
                        np.testing.assert_array_equal(count, s.sum(axis=(0, 1)))
                    assert_same_gradients(step.gradients, gradients, 1e-9)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", FIRING)
def test_engines_agree(name, dtype, kind):
    tolerance = 1e-12 if dtype == np.float64 else 1e-5
    for names, readout in stacks(name):
        case = restrained(names, readout, dtype=dtype, kind=kind)
        fast, reference = case.step("numba"), case.step("numpy")
        with telling(names, readout):
            np.testing.assert_array_equal(fast.outputs, reference.outputs)
            for a, b in zip(fast.n_spikes, reference.n_spikes, strict=True):
                np.testing.assert_array_equal(a, b)
            assert fast.loss == pytest.approx(reference.loss, rel=tolerance)
            assert fast.penalty == pytest.approx(reference.penalty, rel=tolerance)
            assert_same_gradients(fast.gradients, reference.gradients, 0, tolerance)


@pytest.mark.parametrize("kind", ["trains", "mixed", "constant"])
def test_samples_batches_and_threads(kind, engine, monkeypatch):
    """Each sample has its own neurons, whatever it is computed with."""
    choices = {"kind": kind, "n_samples": 70}
    case = restrained(("lif", "lif", COUNTED), "spike_count", **choices)
    whole = case.step(engine)
    for rows in (slice(3, 4), slice(31, 50)):
        some = case._replace(
            X=case.X[rows],
            targets=case.targets[rows],
            shares=case.shares[rows],
            restraint=case.restraint.take(rows),
        )
        np.testing.assert_array_equal(some.step(engine).outputs, whole.outputs[rows])
    if engine == "numba":
        with ThreadPoolExecutor(3) as pool:
            monkeypatch.setattr(threads, "_pool", pool)
            monkeypatch.setattr(engine_numba, "n_threads", lambda: 3)
            again = case.step(engine)
        assert (again.loss, again.penalty) == (whole.loss, whole.penalty)
        for a, b in zip(
            arrays_of(again.gradients), arrays_of(whole.gradients), strict=True
        ):
            np.testing.assert_array_equal(a, b)


def test_a_neuron_that_nobody_hears_is_as_good_as_none(engine):
    """The network without it has the same loss and gradients."""
    case = case_of(("lif", COUNTED), "soft_count", n_samples=20)
    kept = np.array([True, False, True, True, False, True, False])
    of_all = [np.tile(kept, (20, 1))]
    step = case._replace(restraint=Restraint(of_all)).step(engine)
    below, above = case.params
    smaller = {name: array[..., kept] for name, array in below.items()}
    network, layer = case.network, case.network.layers[0]
    layers = layer._replace(n_units=int(kept.sum())), network.layers[1]
    fewer = case._replace(
        params=[smaller, above | {"coef": above["coef"][kept]}],
        network=network._replace(layers=layers),
    ).step(engine)
    assert step.loss == pytest.approx(fewer.loss, rel=1e-12)
    np.testing.assert_allclose(step.outputs, fewer.outputs, rtol=1e-12)
    hidden, output = step.gradients
    for name, gradient in hidden.items():
        assert not gradient[..., ~kept].any(), name
    kept_ones = [
        {name: gradient[..., kept] for name, gradient in hidden.items()},
        output | {"coef": output["coef"][kept]},
    ]
    assert not output["coef"][~kept].any()
    assert_same_gradients(kept_ones, fewer.gradients, 1e-9)


def test_bounds_that_are_kept_cost_nothing(engine):
    case = restrained(("lif", "lif", COUNTED), "spike_count", drops=False)
    free = case._replace(restraint=Restraint(None, np.tile([0.0, 1.0], (2, 1)), 30.0))
    step, plain = free.step(engine), case._replace(restraint=NO_RESTRAINT).step(engine)
    assert step.penalty == 0
    assert_same_gradients(step.gradients, plain.gradients, 1e-12)


def test_what_is_asked_of_a_network_is_not_restrained(engine):
    """The loss on given data is that of the whole network."""
    case = restrained(("lif", "lif", COUNTED), "spike_count")
    weights = case.shares / case.shares.sum()
    samples = Samples(case.X, case.targets, weights, weights)
    got = mean_loss_and_gradients(case.engine(engine), case.params, samples)
    plain = case._replace(restraint=NO_RESTRAINT, shares=weights).step(engine)
    assert got.loss == pytest.approx(plain.loss, rel=1e-12)
