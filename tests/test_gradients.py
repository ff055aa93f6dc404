"""Spikes and gradients against torch autograd, SpikingJelly and finite differences."""

from itertools import pairwise

import numpy as np
import pytest
from networks import (
    HIDDEN,
    N_FEATURES,
    N_SAMPLES,
    Case,
    arrays_of,
    assert_same_gradients,
    lif,
    make_case,
    network_of,
    params_of,
)
from scipy import sparse

from sklearn_snn import SpikeTrains
from sklearn_snn._engines.numpy_chunks import chunks_of
from sklearn_snn._engines.numpy_engine import NumpyEngine
from sklearn_snn._model.network import forward
from sklearn_snn._model.neurons import LIF
from sklearn_snn._model.neurons.resets import RESETS
from sklearn_snn._model.surrogates import SURROGATES
from sklearn_snn._model.synapses import weight_gradients
from sklearn_snn._utils.workspace import Workspace

pytestmark = pytest.mark.usefixtures("engine")


def check_against(library, case, rtol=1e-9):
    from oracles import loss_and_gradients

    oracle_spikes, oracle_loss, _, oracle_grads = loss_and_gradients(library, case)
    spikes = case.spikes()
    for ours, theirs in zip(spikes, oracle_spikes, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    step = case.step()
    np.testing.assert_allclose(step.loss, oracle_loss, rtol=rtol)
    for count, s in zip(step.n_spikes, oracle_spikes, strict=True):
        np.testing.assert_array_equal(count, s.sum(axis=(0, 1)))
    counts = oracle_spikes[-1].sum(axis=0)
    np.testing.assert_allclose(step.outputs, case.network.readout.scale * counts)
    assert_same_gradients(step.gradients, oracle_grads, rtol)
    return oracle_spikes, oracle_grads


@pytest.mark.parametrize("detach_reset", [False, True])
@pytest.mark.parametrize("reset", sorted(RESETS))
@pytest.mark.parametrize("surrogate", sorted(SURROGATES))
@pytest.mark.parametrize("n_steps", [1, 2, 12, 50])
def test_equal_to_torch_autograd(n_steps, surrogate, reset, detach_reset):
    neuron = lif(0.9, 0.7, 3.0, surrogate, reset, detach_reset)
    for depth in HIDDEN:
        spikes, _ = check_against("torch", make_case(neuron, n_steps, depth))
        assert spikes[0].any()
        if n_steps > 2:  # the comparison must not be of zeros
            assert all(0 < s.mean() < 1 for s in spikes)


@pytest.mark.parametrize("detach_reset", [False, True])
@pytest.mark.parametrize("reset", ["zero", "subtract"])
@pytest.mark.parametrize("surrogate", sorted(SURROGATES))
@pytest.mark.parametrize("n_steps", [1, 2, 12, 50])
def test_equal_to_spikingjelly(n_steps, surrogate, reset, detach_reset):
    neuron = lif(0.9, 0.7, 3.0, surrogate, reset, detach_reset)
    for depth in HIDDEN:
        check_against("spikingjelly", make_case(neuron, n_steps, depth))


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("kind", ["spikes", "graded", "constant"])
def test_every_kind_of_input_and_leak(kind, alpha):
    check_against("torch", make_case(lif(alpha=alpha), 12, depth=2, kind=kind))


def test_spike_trains_have_the_gradient_of_their_dense_spikes(rng):
    case = make_case(lif(), 30, depth=1)
    rates = rng.random((N_SAMPLES, N_FEATURES)) * (rng.random(N_FEATURES) < 0.6)
    rates[2] = 0  # a sample without any spike
    trains = SpikeTrains(rates, 30, seed=5)
    dense = case._replace(X=np.asarray(trains))
    lazy = case._replace(X=trains)
    for a, b in zip(lazy.spikes(), dense.spikes(), strict=True):
        np.testing.assert_array_equal(a, b)
    ours, reference = lazy.step(), dense.step()
    assert ours.loss == pytest.approx(reference.loss, rel=1e-12)
    assert_same_gradients(ours.gradients, reference.gradients, 1e-12)


@pytest.mark.parametrize("surrogate", sorted(SURROGATES))
def test_float32_agrees_with_float64(surrogate):
    neuron = lif(surrogate=surrogate)
    case = make_case(neuron, 12, depth=2)
    weights = [
        {name: p[name].astype(np.float32) for name in ("coef", "intercept")}
        for p in case.params
    ]
    single = case._replace(
        params=[p | w for p, w in zip(case.params, weights, strict=True)]
    )
    for a, b in zip(single.spikes(), case.spikes(), strict=True):
        np.testing.assert_array_equal(a, b)
    ours = single.step().gradients
    assert all(g.dtype == np.float32 for g in arrays_of(ours))
    assert_same_gradients(ours, case.step().gradients, 1e-5)


@pytest.mark.parametrize("reset", sorted(RESETS))
@pytest.mark.parametrize("surrogate", sorted(SURROGATES))
def test_gradient_of_the_smooth_network_by_finite_differences(surrogate, reset, rng):
    """With the surrogate's primitive for a spike, BPTT is the exact derivative."""
    case = make_case(lif(surrogate=surrogate, reset=reset, beta=2.0), 9, depth=2)
    step = case.step(smooth=True)
    pairs = [
        (p[name], grads[name])
        for p, grads in zip(case.params, step.gradients, strict=True)
        for name in ("coef", "intercept")
    ]
    for param, grad in pairs:
        direction = rng.normal(size=param.shape)
        original = param.copy()
        losses = []
        for sign in (-1, 1):
            param[...] = original + sign * 1e-5 * direction
            losses.append(case.step(smooth=True).loss)
        param[...] = original
        numeric = (losses[1] - losses[0]) / 2e-5
        # triangular has kinks, which a difference may straddle
        rel = 1e-4 if surrogate == "triangular" else 1e-6
        assert numeric == pytest.approx((grad * direction).sum(), rel=rel, abs=1e-8)


def test_a_neuron_at_the_threshold_does_not_fire():
    """The comparison is strict; 0.5 and 0.75 are exact in binary."""
    neurons = lif(alpha=0.5, threshold=0.5)
    network = network_of(neurons, [1, 1], 1.0)
    X = np.array([[[0.5], [0.25]], [[0.5], [0.75]]])
    params = params_of(neurons, [np.ones((1, 1))], [np.zeros(1)])
    case = Case(network, 2, params, X, np.zeros(2, int), np.ones(2))
    (spikes,) = case.spikes()
    # u = 0.5, then 0.25 + 0.25 = 0.5 or 0.25 + 0.75 = 1
    assert spikes[:, :, 0].T.tolist() == [[0, 0], [0, 1]]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", ["trains", "graded", "constant"])
@pytest.mark.parametrize("sizes", [(90, 70, 50, 10), (3, 1, 2), (40, 1, 7, 1, 3)])
def test_membranes_do_not_depend_on_the_batch(kind, sizes, dtype, rng):
    """To the bit, in every layer; a product over the batch would not do."""
    n_samples, n_steps = 100, 12
    coefs = [rng.normal(size=shape).astype(dtype) for shape in pairwise(sizes)]
    intercepts = [rng.normal(size=n).astype(dtype) for n in sizes[1:]]
    X = {
        "trains": SpikeTrains(rng.random((n_samples, sizes[0])), n_steps),
        "graded": rng.normal(size=(n_samples, n_steps, sizes[0])).astype(dtype),
        "constant": rng.normal(size=(n_samples, sizes[0])).astype(dtype),
    }[kind]
    neurons = lif(threshold=5.0)
    engine = NumpyEngine(network_of(neurons, sizes, 1.0), n_steps)
    params = params_of(neurons, coefs, intercepts)
    together = [
        record["membrane"].copy() for record in engine._forward(params, X).layers
    ]
    for i in range(n_samples):
        alone = engine._forward(params, X[i : i + 1]).layers
        for a, b in zip(alone, together, strict=True):
            np.testing.assert_array_equal(a["membrane"][:, 0], b[:, i])


# Mistakes that published code makes: each must be noticed.


def _drop_alpha_carry(backward, neuron, p, *args):
    return backward(neuron, p | {"alpha": np.zeros_like(p["alpha"])}, *args)


def _drop_reset_gate(backward, neuron, *args):
    kept = RESETS["zero"]
    RESETS["zero"] = kept._replace(by_membrane=lambda s, out: np.copyto(out, 1))
    try:
        return backward(neuron, *args)
    finally:
        RESETS["zero"] = kept


def _surrogate_at_zeroed_membrane(backward, neuron, p, grads, tape, *args):
    u, s = tape["membrane"], tape["spikes"]
    current = u.copy()
    current[1:] -= p["alpha"] * (u * (1 - s))[:-1]
    return backward(neuron, p, grads, tape | {"membrane": current}, *args)


def _surrogate_off_the_threshold(backward, neuron, p, *args):
    off = np.full_like(p["threshold"], -1 / neuron.beta)
    return backward(neuron, p | {"threshold": off}, *args)


@pytest.mark.parametrize("engine", ["numpy"], indirect=True)
@pytest.mark.parametrize("detach_reset", [False, True])
@pytest.mark.parametrize(
    "mistake",
    [
        _drop_alpha_carry,
        _drop_reset_gate,
        _surrogate_at_zeroed_membrane,
        _surrogate_off_the_threshold,
    ],
)
def test_planted_mistakes_are_caught(engine, mistake, detach_reset, monkeypatch):
    case = make_case(lif(detach_reset=detach_reset), 12)
    check_against("torch", case)
    correct = LIF.backward
    monkeypatch.setattr(LIF, "backward", lambda *args: mistake(correct, *args))
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        check_against("torch", case)


# Numerical health


@pytest.mark.parametrize("alpha", [0.0, 0.9, 1.0])
@pytest.mark.parametrize("kind", ["trains", "graded", "constant"])
def test_initial_biases_center_the_currents(kind, alpha, rng):
    """The mean current alone charges to the threshold, of outputs within 10 steps."""
    case = make_case(lif(alpha=alpha), 30, depth=2, kind="graded")
    if kind == "trains":
        case = case._replace(X=SpikeTrains(rng.random((6, N_FEATURES)), 30))
    elif kind == "constant":
        case = case._replace(X=case.X[:, 0])
    case.engine().first_guess(case.params, case.X, np.ones(N_SAMPLES))
    spike_trains = case.spikes()
    x = np.asarray(case.X, dtype=float)
    x = x.mean(axis=(0, 1)) if x.ndim == 3 else x.mean(axis=0)
    for p, spikes, n_steps in zip(case.params, spike_trains, (30, 30, 10), strict=True):
        v = np.zeros(len(p["intercept"]))
        for _ in range(n_steps):
            v = alpha * v + x @ p["coef"] + p["intercept"]
        np.testing.assert_allclose(v, p["threshold"])
        x = spikes.mean(axis=(0, 1))


def test_decayed_gradients_do_not_become_subnormal(rng):
    """A subnormal delta makes the matrix products several times slower."""
    n_steps = 400
    case = make_case(lif(alpha=0.5, reset="none"), n_steps, dtype=np.float32)
    case.X[:, 5:] = 0
    case.targets[:] = 0
    workspace = Workspace()
    inputs = case.X.transpose(1, 0, 2).astype(np.float32)
    tape = forward(case.network, case.params, inputs, N_SAMPLES, n_steps, workspace)
    neuron, record = case.network.layers[0].neuron, tape.layers[0]
    g = np.zeros_like(record["spikes"])
    g[-1] = 1.0
    delta = np.empty_like(g)
    state = np.zeros((neuron.n_states, *g.shape[1:]), g.dtype)
    neuron.backward(case.params[0], (g, None), record, state, None, delta, workspace)
    assert np.abs(delta).max() > 0.1
    nonzero = np.abs(delta[delta != 0])
    assert nonzero.min() > np.finfo(np.float32).tiny
    assert np.abs(delta[: n_steps // 2]).max() == 0


@pytest.mark.parametrize(("n_steps", "n_features"), [(20_000, 64), (10, 10**6)])
def test_chunks_keep_memory_bounded(n_steps, n_features):
    sizes = n_features, 64, 3
    params = [{"coef": np.empty(shape)} for shape in pairwise(sizes)]
    chunks = chunks_of(1000, n_steps, params)
    rows = np.concatenate([np.arange(1000)[chunk] for chunk in chunks])
    np.testing.assert_array_equal(rows, np.arange(1000))
    longest = max(chunk.stop - chunk.start for chunk in chunks)
    assert longest * n_steps * max(n_features, 64) <= 2**24


@pytest.mark.parametrize("kind", ["spikes", "constant"])
def test_chunks_do_not_change_the_result(kind, monkeypatch):
    case = make_case(lif(), 12, depth=2, kind=kind)
    whole = case.step()
    monkeypatch.setattr("sklearn_snn._engines.numpy_chunks.MAX_CHUNK_SAMPLES", 4)
    monkeypatch.setattr("sklearn_snn._engines.compiled.engine.MAX_GRADIENT_CHUNKS", 2)
    parts = case.step()
    assert parts.loss == pytest.approx(whole.loss, rel=1e-12)
    assert_same_gradients(parts.gradients, whole.gradients, 1e-12)
    for a, b in zip(parts.n_spikes, whole.n_spikes, strict=True):
        np.testing.assert_array_equal(a, b)
    engine = case.engine()
    together = engine.run(case.params, case.X)
    alone = [engine.run(case.params, case.X[i : i + 1]) for i in range(N_SAMPLES)]
    np.testing.assert_array_equal(together, np.concatenate(alone))


@pytest.mark.parametrize("size", [1, 5, 6, 23])
@pytest.mark.parametrize("kind", ["constant", "graded", "sparse"])
def test_gradients_of_parts(kind, size, rng):
    """Each part has the bits that it has alone, whatever comes before it."""
    shape = (23, 1, 4) if kind == "graded" else (23, 4)
    X, delta = rng.normal(size=shape), rng.normal(size=(23, 1, 7))
    inputs = sparse.csr_array(X) if kind == "sparse" else X
    for n_before in range(size):
        parts = [*weight_gradients(inputs, delta, size, n_before, Workspace())]
        numbers = np.arange(n_before, n_before + 23) // size
        assert len(parts) == numbers[-1] + 1
        for number, part in enumerate(parts):
            mine = numbers == number
            flat = X[mine].reshape(-1, 4)
            expected = flat.T @ delta[mine].reshape(-1, 7)
            np.testing.assert_allclose(part, expected, rtol=1e-12, atol=1e-15)
            if kind == "constant":
                np.testing.assert_array_equal(part, expected)
