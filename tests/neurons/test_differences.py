"""Gradients of the smooth network, of which they are exact, by finite differences."""

import pytest
from neurons.cases import ALL, case_of, lone, stacks, telling, variants

from sklearn_snn._model.parameters import learning
from sklearn_snn._model.surrogates import SURROGATES

STEP = 1e-6


def slope(case, array, direction):
    """Return by how much the loss changes per step of an array in a direction."""
    original, losses = array.copy(), []
    for sign in (-1, 1):
        array[...] = original + sign * STEP * direction
        losses.append(case.step().loss)
    array[...] = original
    return (losses[1] - losses[0]) / (2 * STEP)


@pytest.mark.parametrize("surrogate", sorted(SURROGATES))
@pytest.mark.parametrize("name", ALL)
def test_weights_biases_and_constants(name, surrogate, rng):
    """With the surrogate's primitive for a spike, BPTT is the exact derivative."""
    for choices in variants(name, surrogate=surrogate, detach_reset=False):
        for names, readout in stacks(name) + lone(name):
            case = case_of(names, readout, smooth=True, **choices)
            gradients = learning(case.network, case.step().gradients)
            arrays = learning(case.network, case.params)
            for i, (array, gradient) in enumerate(zip(arrays, gradients, strict=True)):
                direction = rng.normal(size=array.shape)
                exact = (gradient * direction).sum()
                # triangular has kinks, which a difference may straddle
                rel = 1e-4 if surrogate == "triangular" else 1e-6
                with telling(names, readout, choices, i, array.shape):
                    assert slope(case, array, direction) == pytest.approx(
                        exact, rel=rel, abs=1e-8
                    )
