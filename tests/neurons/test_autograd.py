"""Every neuron against torch autograd, which knows its defining equations alone."""

import numpy as np
import pytest
from neurons.cases import (
    ALL,
    FIRING,
    KINDS,
    LOSSES,
    TABLE,
    assert_alive,
    case_of,
    networks_of,
    stacks,
    telling,
    variants,
)
from neurons.checks import check_autograd, put_at_limits

from sklearn_snn._model.neurons.resets import RESETS
from sklearn_snn._model.surrogates import SURROGATES


@pytest.mark.parametrize("surrogate", sorted(SURROGATES))
@pytest.mark.parametrize("reset", sorted(RESETS))
@pytest.mark.parametrize("name", FIRING)
def test_every_choice(name, reset, surrogate):
    """In networks of one layer and of several, whose constants learn, or do not."""
    for choices in variants(name, reset=reset, surrogate=surrogate):
        for names, readout, engines in networks_of(name):
            for learns in (False, True):
                case = case_of(names, readout, learns=learns, **choices)
                assert_alive(case)
                for engine in engines:
                    with telling(names, readout, choices, learns, engine):
                        gradients = check_autograd(case, engine)
                        # The comparison must not be of zeros.
                        assert all(of_layer["coef"].any() for of_layer in gradients)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ALL)
def test_every_kind_of_input(name, kind):
    for names, readout, engines in networks_of(name):
        case = case_of(names, readout, kind=kind, n_steps=14)
        assert_alive(case)
        for engine in engines:
            with telling(names, readout, engine):
                check_autograd(case, engine)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ALL)
def test_neurons_that_are_alike(name, kind):
    """Compiled code keeps one number of each constant, where none of them learns."""
    for choices in variants(name, surrogate="sigmoid"):
        for names, readout, engines in networks_of(name):
            for learns in (False, True):
                case = case_of(
                    names, readout, kind=kind, learns=learns, alike=True, **choices
                )
                for engine in engines:
                    with telling(names, readout, engine, choices, learns):
                        check_autograd(case, engine)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", ALL)
def test_every_loss_and_readout(name, loss):
    """A count whose sign is an answer too, as the logistic loss needs it."""
    for names, readout, engines in networks_of(name):
        case = case_of(names, readout, loss=loss)
        for engine in engines:
            with telling(names, readout, engine):
                check_autograd(case, engine)
                auto = case.network.readout._replace(scale="auto")
                network = case.network._replace(readout=auto)
                check_autograd(case._replace(network=network), engine)


@pytest.mark.parametrize("n_steps", [1, 2, 60])
@pytest.mark.parametrize("name", ALL)
def test_every_length(name, n_steps):
    """A single step has no carry; in many, the adaptation settles."""
    for names, readout, engines in networks_of(name):
        for detach_reset in (False, True):
            choices = {"reset": "subtract", "detach_reset": detach_reset}
            case = case_of(names, readout, n_steps=n_steps, **choices)
            for engine in engines:
                with telling(names, readout, detach_reset, engine):
                    check_autograd(case, engine)


@pytest.mark.parametrize("name", ALL)
def test_a_constant_that_learns_alone(name, engine):
    """Its gradient is that which it has when all learn, and no other has one."""
    for names, readout in stacks(name):
        together = case_of(names, readout).step(engine).gradients
        for constant in TABLE[name].learnable:
            alone = case_of(names, readout, learns=[constant]).step(engine).gradients
            for gradient, layer_name, others in zip(
                alone, names, together, strict=True
            ):
                learnable = {constant} & {*TABLE[layer_name].learnable}
                assert gradient.keys() == {"coef", "intercept"} | learnable
                for key, array in gradient.items():
                    np.testing.assert_array_equal(array, others[key])


@pytest.mark.parametrize("end", [0, 1])
@pytest.mark.parametrize("name", ALL)
def test_constants_at_the_limits_they_learn_in(name, end, engine):
    """It is the function that is differentiated, and not the step that is cut short.

    A gradient of zero would keep a constant at a limit that it once came to.
    """
    for names, readout in stacks(name):
        case = case_of(names, readout)
        put_at_limits(case, end)
        with telling(names, readout):
            check_autograd(case, engine)


@pytest.mark.parametrize("detach_reset", [False, True])
@pytest.mark.parametrize("reset", ["zero", "subtract"])
@pytest.mark.parametrize("surrogate", sorted(SURROGATES))
def test_the_gain_of_spikingjelly(surrogate, reset, detach_reset, engine):
    """Its ``decay_input`` is our gain of ``1 - alpha``."""
    choices = {"surrogate": surrogate, "reset": reset, "detach_reset": detach_reset}
    case = case_of(("leaky gain",) * 3, learns=False, **choices)
    for p in case.params:
        p["alpha"][:], p["threshold"][:] = 0.75, 0.6
    check_autograd(case, engine, "spikingjelly")
