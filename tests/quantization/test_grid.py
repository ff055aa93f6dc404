"""The estimator on the grid of the integers: its spikes, and how it learns on."""

import numpy as np
import pytest
from helpers import fast
from quantized import CASES, inputs, quantized, targets

from sklearn_snn._model.neurons import lif
from sklearn_snn.quantization import quantize

WHOLE = {"alpha": 1.0, "hidden_layer_sizes": (14, 12)}


@pytest.mark.parametrize("reset", ["zero", "none"])
def test_without_a_leak_the_spikes_of_the_grid_are_the_integers(reset, monkeypatch):
    """In which membranes meet thresholds often, whether these fire with > or >=."""
    X, y = inputs("spikes").astype(np.float64), targets("classes")
    model = fast(engine="numpy", reset=reset, max_iter=3, **WHOLE).fit(X, y)
    coarse = quantize(model, bits=3, fraction_bits=0)
    grid, expected = coarse.to_estimator(), coarse.simulate(X)
    theta = coarse.layers_[0].threshold
    assert 0.001 < (expected.membranes[0] == theta).mean() < 0.5

    def check():
        spikes = grid.simulate(X).spikes
        for ours, theirs in zip(spikes, expected.spikes, strict=True):
            np.testing.assert_array_equal(ours, theirs)
        return True

    assert check()
    monkeypatch.setattr(lif.np, "greater", np.greater_equal)
    assert check()
    # It is its own rounding.
    again = quantize(grid, bits=3, fraction_bits=0)
    for ours, theirs in zip(again.layers_, coarse.layers_, strict=True):
        np.testing.assert_array_equal(ours.threshold, theirs.threshold)


def test_what_a_spike_takes_off_is_the_threshold_of_the_integers():
    model = quantized("four_bits")
    for layer, p in zip(
        model.layers_, model.to_estimator().neuron_constants_, strict=True
    ):
        np.testing.assert_allclose(
            p["threshold"], layer.threshold * layer.membrane_units, rtol=1e-12
        )


@pytest.mark.parametrize("name", ["spread", "zero", "default", "constant"])
def test_what_lies_on_the_grid_learns_on_from_there(name):
    grid, case = quantized(name).to_estimator(), CASES[name]
    X, y = inputs(case.kind), targets("classes")
    before, constants = grid.decision_function(X), grid.neuron_constants_
    grid.set_params(learning_rate_init=1e-12).partial_fit(X, y)
    np.testing.assert_allclose(grid.decision_function(X), before, atol=1e-6)
    for ours, theirs in zip(grid.neuron_constants_, constants, strict=True):
        for constant in ours:
            np.testing.assert_array_equal(ours[constant], theirs[constant])
    grid.set_params(warm_start=True, max_iter=1).fit(X, y)
    np.testing.assert_allclose(grid.decision_function(X), before, atol=1e-6)
    # What is set anew counts, as of any network.
    grid.set_params(threshold=0.7).partial_fit(X, y)
    assert (grid.neuron_constants_[-1]["threshold"] == 0.7).all()
    assert grid.neuron_constants_[-1]["alpha"][0] == constants[-1]["alpha"][0]
