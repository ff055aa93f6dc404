"""Layers of few neurons, which sum over all inputs, or list the events of a step.

They answer and learn as what lists the steps of each input.
"""

from itertools import product

import numpy as np
import pytest
from networks import arrays_of, initial_params, lif, network_of

from sklearn_snn._engines.compiled import narrow, packing
from sklearn_snn._engines.compiled.engine import NumbaEngine
from sklearn_snn._model.restraint import NO_RESTRAINT, Restraint

N_SAMPLES, N_INPUTS, DTYPES = 12, 3, (np.float32, np.float64)
# Hidden layers of widths that fill vectors, and words, in all ways; narrow ones within.
HIDDEN = {"1": (1,), "17": (17,), "100": (100,), "130": (130,), "deep": (40, 2, 21)}


@pytest.fixture(params=["everyone", "some"])
def restraint_of(request, rng):
    """Return a function that makes the restraint of hidden layers of these sizes."""

    def make(hidden):
        if request.param == "everyone":
            return NO_RESTRAINT
        kept = [rng.random((N_SAMPLES, n_units)) < 0.7 for n_units in hidden]
        return Restraint(kept)

    return make


def step(network, params, X, y, n_steps, restraint):
    weights = np.full(N_SAMPLES, 1 / N_SAMPLES)
    engine = NumbaEngine(network, n_steps)
    return engine.loss_and_gradients(params, X, y, weights, restraint)


def assert_as_by_lists(sizes, X, dtype, n_steps, restraint, rng, monkeypatch):
    network = network_of(lif(), sizes, 0.5)._replace(loss="squared_error")
    params = initial_params(lif(), sizes, dtype, 0)
    params[0]["intercept"] += 0.3  # some neurons fire all the time, others seldom
    y = rng.normal(size=(N_SAMPLES, sizes[-1])).astype(dtype)
    layers = packing.pack(params, has_events=X.ndim == 3)
    assert layers.are_narrow[-1] or layers.steps_by_step[-1] > 0
    ours = step(network, params, X, y, n_steps, restraint)
    with monkeypatch.context() as patch:
        patch.setattr(packing, "MOST_NEURONS", 0)
        patch.setattr(packing, "MOST_BY_EVENTS", 0)
        patch.setattr(packing, "MOST_BY_STEP", 0)
        theirs = step(network, params, X, y, n_steps, restraint)
    assert all(counts.any() for counts in ours.n_spikes[:-1])
    assert ours.gradients[-1]["coef"].any()
    assert ours.loss == theirs.loss
    np.testing.assert_array_equal(ours.outputs, theirs.outputs)
    pairs = zip(*map(arrays_of, (ours.gradients, theirs.gradients)), strict=True)
    for a, b in pairs:
        np.testing.assert_array_equal(a, b)
    for a, b in zip(ours.n_spikes, theirs.n_spikes, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("n_outputs", "dtype"),
    [*product((1, 3, narrow.MOST_NEURONS, 5, 16), DTYPES), (32, np.float32)],
)
@pytest.mark.parametrize("hidden", HIDDEN.values(), ids=HIDDEN)
@pytest.mark.parametrize("n_steps", [7, 300])  # a byte counts no more than 255
def test_sums_are_those_of_lists_to_the_bit(
    n_steps, hidden, n_outputs, dtype, restraint_of, rng, monkeypatch
):
    sizes = [N_INPUTS, *hidden, n_outputs]
    X = rng.normal(0, 0.5, (N_SAMPLES, N_INPUTS)).astype(dtype)
    restraint = restraint_of(hidden)
    assert_as_by_lists(sizes, X, dtype, n_steps, restraint, rng, monkeypatch)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("n_outputs", [narrow.MOST_BY_EVENTS, 3, 10])
@pytest.mark.parametrize("kind", ["spikes", "graded"])
def test_recordings(kind, n_outputs, dtype, restraint_of, rng, monkeypatch):
    sizes, n_steps = [N_INPUTS, 40, n_outputs], 30
    X = (rng.random((N_SAMPLES, n_steps, N_INPUTS)) < 0.4).astype(np.uint8)
    if kind == "graded":
        X = X * rng.random(X.shape).astype(dtype)
    restraint = restraint_of(sizes[1:2])
    assert_as_by_lists(sizes, X, dtype, n_steps, restraint, rng, monkeypatch)


def test_which_layers_are_narrow():
    """Not the first, whose inputs no layer fires; none where others are heard."""
    sizes = 5, 2, 30, narrow.MOST_NEURONS, narrow.MOST_NEURONS + 1, 1
    params = initial_params(lif(), list(sizes), np.float32, 0)
    of_tables = packing.pack(params, has_events=False).are_narrow
    assert of_tables.tolist() == [False, False, True, False, True]
    by_events = packing.pack(params, has_events=True).are_narrow
    assert by_events.tolist() == [False, False, False, False, True]
    for p, n_units in zip(params[:-1], sizes[1:], strict=False):
        p["recurrent"] = np.zeros((n_units, n_units), np.float32)
    assert not packing.pack(params, has_events=False).are_narrow.any()


@pytest.mark.parametrize(("dtype", "most"), [(np.float32, 32), (np.float64, 16)])
def test_which_layers_list_events_by_step(dtype, most):
    """Those of a vector or two; likewise not the first, nor where others are heard."""
    sizes = 5, 8, most + 1, most, narrow.MOST_NEURONS, narrow.MOST_BY_EVENTS
    params = initial_params(lif(), list(sizes), dtype, 0)
    of_tables = packing.pack(params, has_events=False).steps_by_step > 0
    assert of_tables.tolist() == [False, False, True, False, False]
    by_events = packing.pack(params, has_events=True).steps_by_step > 0
    assert by_events.tolist() == [False, False, True, True, False]
    for p, n_units in zip(params[:-1], sizes[1:], strict=False):
        p["recurrent"] = np.zeros((n_units, n_units), dtype)
    assert not packing.pack(params, has_events=False).steps_by_step.any()


def test_long_samples_list_events_by_input_where_the_gradient_is_large():
    for n_inputs, most in ((512, np.iinfo(np.int64).max), (513, 100)):  # times 64 bytes
        params = initial_params(lif(), [5, n_inputs, 10], np.float32, 0)
        steps = packing.pack(params, has_events=False).steps_by_step
        assert steps.tolist() == [0, most]
