"""The first guess of the weights of every neuron: none is born silent, nor wild."""

import tracemalloc

import numpy as np
import pytest
from neurons.cases import ALL, FIRING, KINDS, TABLE, case_of, stacks, telling

from sklearn_snn._engines.numpy_chunks import inputs_of
from sklearn_snn._model import first_guess as module
from sklearn_snn._model.first_guess import (
    INTEGRATOR_RANGE,
    MEMBRANE_RANGE,
    OUTPUT_PERIOD,
    _membrane_deviation,
    first_guess,
)
from sklearn_snn._model.network import within
from sklearn_snn._utils.workspace import Workspace

N_STEPS, N_SAMPLES = 30, 40


def membranes(neuron, p, current):
    """Return membranes, of shape (n_steps, n_samples, n_units), without spikes."""
    if neuron.fires:
        neuron, p = neuron.unreset(p)
    tape = {name: np.empty_like(current) for name in neuron.tape}
    state = tuple(np.zeros((neuron.n_states, *current.shape[1:]), current.dtype))
    neuron.forward(p, current, state, tape)
    return tape["membrane"]


def guessed(case):
    """Make the first guess; return what each layer receives, time-major."""
    engine = case.engine("numpy")
    engine.first_guess(case.params, case.X, np.ones(N_SAMPLES))
    (_, tape), *others = engine.tapes(case.params, case.X)
    assert not others
    X = np.asarray(case.X, float)
    X = np.repeat(X[:, np.newaxis], N_STEPS, axis=1) if X.ndim == 2 else X
    below = [layer["spikes"].copy() for layer in tape.layers[:-1]]
    return [X.transpose(1, 0, 2), *below]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ALL)
def test_the_mean_current_charges_to_the_threshold(name, kind):
    """Within the steps there are, or 10 for an output; of an integrator it is 0."""
    for names, readout in stacks(name):
        case = case_of(names, readout, kind=kind, n_steps=N_STEPS, n_samples=N_SAMPLES)
        inputs = guessed(case)
        layers = zip(case.network.layers, case.params, inputs, strict=True)
        for index, (layer, p, x) in enumerate(layers):
            is_output = index == len(names) - 1
            n_steps = OUTPUT_PERIOD if is_output else N_STEPS
            mean = x.mean(axis=(0, 1)) @ p["coef"] + p["intercept"]
            current = np.tile(mean, (n_steps, 1, 1))
            with telling(names, readout, index):
                if layer.neuron.fires:
                    highest = membranes(layer.neuron, p, current).max(axis=(0, 1))
                    np.testing.assert_allclose(highest, p["threshold"], rtol=1e-9)
                else:
                    np.testing.assert_allclose(mean, 0, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ALL)
def test_no_neuron_is_born_silent(name, kind):
    for names, readout in stacks(name):
        case = case_of(names, readout, kind=kind, n_steps=N_STEPS, n_samples=N_SAMPLES)
        guessed(case)
        for layer, spikes in zip(
            case.network.layers, case.spikes("numpy"), strict=True
        ):
            with telling(names, readout):
                assert spikes.any(axis=(0, 1)).all() == layer.neuron.fires


@pytest.mark.parametrize("scale", [1e-3, 0.3, 1e3])
@pytest.mark.parametrize("name", ALL)
def test_membranes_deviate_by_what_a_threshold_can_tell(name, scale):
    """By at least 0.3 and at most one threshold; the weights change if they have to."""
    for names, readout in stacks(name):
        case = case_of(
            names, readout, kind="graded", n_steps=N_STEPS, n_samples=N_SAMPLES
        )
        case = case._replace(X=scale * case.X)
        drawn = [p["coef"].copy() for p in case.params]
        for index, x in enumerate(guessed(case)):
            neuron, p = case.network.layers[index].neuron, case.params[index]
            current = x @ p["coef"]
            current -= current.mean(axis=(0, 1))
            u = membranes(neuron, p, current)
            deviation = np.sqrt(np.mean(np.square(u)))
            unit = np.median(p["threshold"]) if neuron.fires else 1
            low, high = MEMBRANE_RANGE if neuron.fires else INTEGRATOR_RANGE
            with telling(names, readout, index):
                assert low * (1 - 1e-6) < deviation / unit < high * (1 + 1e-6)
                if low * 1.001 < deviation / unit < high * 0.999:
                    np.testing.assert_array_equal(p["coef"], drawn[index])


@pytest.mark.parametrize("name", FIRING)
def test_the_response_is_that_to_a_current_of_one(name):
    """Other currents charge in proportion, as long as nothing fires."""
    row = TABLE[name]
    usual = {key: np.linspace(*ends, 6) for key, ends in row.ranges.items()}
    slow = usual | {leak: np.linspace(0.99, 0.9999, 6) for leak in row.neuron.leaks}
    for n_steps, p in ((1, usual), (7, usual), (40, usual), (250, slow)):
        response = row.neuron.response(p, n_steps)
        assert response.shape == (6,)
        for strength in (0.01, 3.0):
            current = np.full((n_steps, 1, 6), strength)
            highest = membranes(row.neuron, p, current).max(axis=(0, 1))
            np.testing.assert_allclose(highest, strength * response, rtol=1e-12)


@pytest.mark.parametrize("name", FIRING)
def test_the_response_of_a_neuron_is_its_own(name):
    """However many there are, and however many of them are looked at together."""
    row, n_steps = TABLE[name], 1_000
    p = {key: np.linspace(*ends, 150) for key, ends in row.ranges.items()}
    response = row.neuron.response(p, n_steps)
    assert len(np.unique(response)) > 1
    for i in (0, 64, 65, 149):
        alone = {key: constant[i : i + 1] for key, constant in p.items()}
        assert row.neuron.response(alone, n_steps) == response[i]


@pytest.mark.parametrize("name", FIRING)
def test_the_response_takes_the_memory_of_a_neuron(name):
    """Pieces of a long recording, which learn, take little more."""
    n_steps = 10_000
    p = {key: np.linspace(*ends, 20) for key, ends in TABLE[name].ranges.items()}
    tracemalloc.start()
    TABLE[name].neuron.response(p, n_steps)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 8 * n_steps


@np.errstate(over="ignore", invalid="ignore")
@pytest.mark.parametrize("threshold", [5e-324, 1e-45, 1e300])
def test_no_weights_are_multiplied_by_0_or_infinity(threshold):
    """They learn in units of what they were multiplied by, which is of float32."""
    case = case_of(("lif", "lif"), n_samples=N_SAMPLES, recurrent=True)
    for p in case.params:
        p["threshold"][:] = threshold
    scales = case.engine("numpy").first_guess(case.params, case.X, np.ones(N_SAMPLES))
    for factors in scales:
        assert factors and all(0 < factor < np.inf for factor in factors)
    for p in case.params:
        assert np.isfinite(p["coef"]).all() and np.isfinite(p.get("recurrent", 0)).all()


@pytest.mark.parametrize("name", FIRING)
def test_the_deviation_is_that_of_the_steps_a_sample_has(name, rng):
    """In which samples of unequal lengths count as much as each other."""
    case = case_of([name], "spike_count", n_steps=N_STEPS, n_samples=3)
    neuron, p = case.network.layers[0].neuron.unreset(case.params[0])
    n_units, lengths = len(p["threshold"]), np.array([N_STEPS, 4, 11])
    current, weights = rng.normal(size=(N_STEPS, 3, n_units)), np.array([0.2, 0.5, 0.3])
    u = membranes(neuron, p, current)
    squares = [np.square(u[:n, i]).mean() for i, n in enumerate(lengths)]
    shares = (np.arange(N_STEPS)[:, None] < lengths) / lengths
    shares = np.broadcast_to(shares[..., None], (*current.shape[:2], 1))
    args = neuron, p, current.copy(), N_STEPS, weights
    deviation = _membrane_deviation(*args, shares)
    assert deviation == pytest.approx(np.sqrt(weights @ squares), rel=1e-12)
    args = neuron, p, current.copy(), N_STEPS, weights
    squares = np.square(u).mean(axis=(0, 2))
    deviation = _membrane_deviation(*args, None)
    assert deviation == pytest.approx(np.sqrt(weights @ squares), rel=1e-12)


@pytest.mark.parametrize("n_together", [1, 4])
@pytest.mark.parametrize("name", ALL)
def test_the_deviation_is_that_of_all_steps(name, n_together, rng, monkeypatch):
    """Of a constant current too, and however many steps are run at a time."""
    row = TABLE[name]
    p = {key: np.linspace(*ends, 6) for key, ends in row.ranges.items()}
    neuron = row.neuron
    if neuron.fires:
        neuron, p = neuron.unreset(p)
    weights = rng.dirichlet(np.ones(5))
    monkeypatch.setattr("sklearn_snn._model.first_guess._AT_ONCE", n_together * 5 * 6)
    for n_given in (1, 30):
        current = rng.normal(0, 3, (n_given, 5, 6))
        every = np.repeat(current, 30 // n_given, axis=0)
        squares = np.square(membranes(neuron, p, every)).mean(axis=(0, 2))
        ours = _membrane_deviation(neuron, p, current, 30, weights, None)
        assert ours == pytest.approx(np.sqrt(weights @ squares), rel=1e-12)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("recurrent", [False, True])
@pytest.mark.parametrize("name", FIRING)
def test_few_steps_at_a_time_are_all_steps(name, recurrent, dtype, monkeypatch):
    """To the bit, in a layer above two others, and where samples end early."""
    lengths = np.array([N_STEPS, 4, 11, 1, N_STEPS])
    names = name, name, "lif"
    choices = {"recurrent": recurrent, "dtype": dtype, "n_steps": N_STEPS}
    for kind, ends in (("constant", None), ("trains", None), ("graded", lengths)):
        guesses = []
        for n_numbers in (10**6, 1, 4 * len(lengths) * 7):
            case = case_of(names, kind=kind, **choices)
            monkeypatch.setattr("sklearn_snn._model.first_guess._AT_ONCE", n_numbers)
            workspace, weights = Workspace(), np.full(len(lengths), 0.2, dtype)
            X, _ = inputs_of(case.X, N_STEPS, dtype, workspace)
            args = case.network, case.params, X, N_STEPS, weights, workspace, ends
            scales = first_guess(*args)
            guesses.append([*scales, *(a for p in case.params for a in p.values())])
        for guess in guesses[1:]:
            for ours, at_once in zip(guess, guesses[0], strict=True):
                np.testing.assert_array_equal(ours, at_once)


@pytest.mark.parametrize("recurrent", [False, True])
@pytest.mark.parametrize("name", FIRING)
def test_spikes_beyond_the_end_of_a_sample_are_no_matter(name, recurrent, monkeypatch):
    """To the bit; there are some, of neurons that go on without an input."""
    lengths, weights = np.array([N_STEPS, 4, 11, 1, N_STEPS]), np.full(5, 0.2)
    spikes_of, n_beyond = module._spikes, []

    def silenced(*args):
        spikes = spikes_of(*args)
        n_beyond.append((spikes & ~within(lengths, N_STEPS)).sum())
        return spikes & within(lengths, N_STEPS)

    guesses = []
    for spikes in (spikes_of, silenced):
        monkeypatch.setattr(module, "_spikes", spikes)
        choices = {"kind": "graded", "n_steps": N_STEPS, "recurrent": recurrent}
        case, workspace = case_of((name, name, "lif"), **choices), Workspace()
        X, _ = inputs_of(case.X, N_STEPS, np.float64, workspace)
        args = case.network, case.params, X, N_STEPS, weights, workspace, lengths
        scales = first_guess(*args)
        guesses.append([*scales, *(a for p in case.params for a in p.values())])
    assert sum(n_beyond) > 0
    for ours, silent in zip(*guesses, strict=True):
        np.testing.assert_array_equal(ours, silent)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ALL)
def test_both_engines_guess_the_same(name, kind):
    """To the bit: they are the same spikes, whoever works them out."""
    for names, readout in stacks(name):
        guesses = []
        for engine in ("numpy", "numba"):
            case = case_of(names, readout, kind=kind, n_steps=9, n_samples=N_SAMPLES)
            weights = np.arange(1.0, 1 + N_SAMPLES)
            scales = case.engine(engine).first_guess(case.params, case.X, weights)
            guesses.append((scales, case.params))
        with telling(names, readout):
            np.testing.assert_equal(*guesses)
