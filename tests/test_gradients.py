"""Spikes and gradients against torch autograd, SpikingJelly and finite differences."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest

import sklearn_snn._model.network as network_module
from sklearn_snn import SpikeTrains
from sklearn_snn._engines import make_engine
from sklearn_snn._engines.numpy_engine import NumpyEngine
from sklearn_snn._model.network import Network, forward
from sklearn_snn._model.neurons import LIF, RESETS
from sklearn_snn._model.surrogates import SURROGATES
from sklearn_snn._utils.workspace import Workspace

pytestmark = pytest.mark.usefixtures("engine")

N_SAMPLES, N_FEATURES, N_CLASSES = 6, 8, 3
HIDDEN = {0: (), 1: (9,), 2: (9, 7), 3: (9, 7, 5)}


class Case(NamedTuple):
    """A small network that spikes in every layer, and its input."""

    network: Network
    coefs: list
    intercepts: list
    X: np.ndarray
    y: np.ndarray
    shares: np.ndarray


def make_case(neuron, n_steps, depth=1, dtype=np.float64, kind="spikes"):
    rng = np.random.default_rng(1000 * n_steps + depth)
    sizes = [N_FEATURES, *HIDDEN[depth], N_CLASSES]
    coefs = [
        (rng.normal(0.15, 0.6, shape) * 1.5 / np.sqrt(shape[0] / 4)).astype(dtype)
        for shape in pairwise(sizes)
    ]
    intercepts = [rng.uniform(-0.1, 0.2, n).astype(dtype) for n in sizes[1:]]
    shape = N_SAMPLES, n_steps, N_FEATURES
    X = {
        "spikes": (rng.random(shape) < 0.4).astype(np.uint8),
        "graded": rng.normal(0.2, 0.5, shape).astype(dtype),
        "constant": rng.normal(0.1, 0.5, shape[::2]).astype(dtype),
    }[kind]
    y = rng.integers(0, N_CLASSES, N_SAMPLES)
    network = Network(neuron, n_steps, logit_scale=2.0 / n_steps)
    return Case(network, coefs, intercepts, X, y, rng.uniform(0, 0.3, N_SAMPLES))


def engine_gradients(case, **network_changes):
    network = case.network._replace(**network_changes)
    # What runs a smooth step is the numpy engine alone.
    engine = make_engine("numpy" if network.smooth else "auto", network)
    return engine.loss_and_gradients(*case[1:])


def spikes_of(case):
    """Return the spikes of each layer, time-major as the oracles do."""
    engine = make_engine("auto", case.network)
    spikes = engine.spikes(case.coefs, case.intercepts, case.X)
    return [s.transpose(1, 0, 2) for s in spikes]


def assert_same_gradients(ours, oracle, rtol, atol=0.0):
    for a, b in zip(ours, oracle, strict=True):
        scale = np.abs(b).max()
        np.testing.assert_allclose(a, b, rtol=rtol, atol=max(atol, rtol * scale))


def check_against(library, case, rtol=1e-9):
    from oracles import loss_and_gradients

    oracle_spikes, oracle_loss, *oracle_grads = loss_and_gradients(library, *case)
    spikes = spikes_of(case)
    for ours, theirs in zip(spikes, oracle_spikes, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    step = engine_gradients(case)
    np.testing.assert_allclose(step.loss, oracle_loss, rtol=rtol)
    for count, s in zip(step.n_spikes, oracle_spikes, strict=True):
        np.testing.assert_array_equal(count, s.sum(axis=(0, 1)))
    counts = oracle_spikes[-1].sum(axis=0)
    np.testing.assert_allclose(step.logits, case.network.logit_scale * counts)
    assert_same_gradients(step.coef_grads, oracle_grads[0], rtol)
    assert_same_gradients(step.intercept_grads, oracle_grads[1], rtol)
    return oracle_spikes, oracle_grads


@pytest.mark.parametrize("detach_reset", [False, True])
@pytest.mark.parametrize("reset", sorted(RESETS))
@pytest.mark.parametrize("surrogate", sorted(SURROGATES))
@pytest.mark.parametrize("n_steps", [1, 2, 12, 50])
def test_equal_to_torch_autograd(n_steps, surrogate, reset, detach_reset):
    neuron = LIF(0.9, 0.7, 3.0, surrogate, reset, detach_reset)
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
    neuron = LIF(0.9, 0.7, 3.0, surrogate, reset, detach_reset)
    for depth in HIDDEN:
        check_against("spikingjelly", make_case(neuron, n_steps, depth))


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("kind", ["spikes", "graded", "constant"])
def test_every_kind_of_input_and_leak(kind, alpha):
    check_against("torch", make_case(LIF(alpha=alpha), 12, depth=2, kind=kind))


def test_spike_trains_have_the_gradient_of_their_dense_spikes(rng):
    case = make_case(LIF(), 30, depth=1)
    rates = rng.random((N_SAMPLES, N_FEATURES)) * (rng.random(N_FEATURES) < 0.6)
    rates[2] = 0  # a sample without any spike
    trains = SpikeTrains(rates, 30, seed=5)
    dense = case._replace(X=np.asarray(trains))
    lazy = case._replace(X=trains)
    for a, b in zip(spikes_of(lazy), spikes_of(dense), strict=True):
        np.testing.assert_array_equal(a, b)
    ours, reference = engine_gradients(lazy), engine_gradients(dense)
    assert ours[0] == pytest.approx(reference[0], rel=1e-12)
    assert_same_gradients(ours[1], reference[1], 1e-12)
    assert_same_gradients(ours[2], reference[2], 1e-12)


@pytest.mark.parametrize("surrogate", sorted(SURROGATES))
def test_float32_agrees_with_float64(surrogate):
    neuron = LIF(surrogate=surrogate)
    case = make_case(neuron, 12, depth=2)
    single = case._replace(
        coefs=[w.astype(np.float32) for w in case.coefs],
        intercepts=[b.astype(np.float32) for b in case.intercepts],
    )
    for a, b in zip(spikes_of(single), spikes_of(case), strict=True):
        np.testing.assert_array_equal(a, b)
    ours = engine_gradients(single)
    assert all(g.dtype == np.float32 for g in ours[1] + ours[2])
    assert_same_gradients(ours[1], engine_gradients(case)[1], 1e-5)


@pytest.mark.parametrize("reset", sorted(RESETS))
@pytest.mark.parametrize("surrogate", sorted(SURROGATES))
def test_gradient_of_the_smooth_network_by_finite_differences(surrogate, reset, rng):
    """With the surrogate's primitive for a spike, BPTT is the exact derivative."""
    case = make_case(LIF(surrogate=surrogate, reset=reset, beta=2.0), 9, depth=2)
    step = engine_gradients(case, smooth=True)
    params = case.coefs + case.intercepts
    for param, grad in zip(params, step.coef_grads + step.intercept_grads, strict=True):
        direction = rng.normal(size=param.shape)
        original = param.copy()
        losses = []
        for sign in (-1, 1):
            param[...] = original + sign * 1e-5 * direction
            losses.append(engine_gradients(case, smooth=True)[0])
        param[...] = original
        numeric = (losses[1] - losses[0]) / 2e-5
        # triangular has kinks, which a difference may straddle
        rel = 1e-4 if surrogate == "triangular" else 1e-6
        assert numeric == pytest.approx((grad * direction).sum(), rel=rel, abs=1e-8)


def test_a_neuron_at_the_threshold_does_not_fire():
    """The comparison is strict; 0.5 and 0.75 are exact in binary."""
    network = Network(LIF(alpha=0.5, threshold=0.5), 2, 1.0)
    X = np.array([[[0.5], [0.25]], [[0.5], [0.75]]])
    case = Case(
        network, [np.ones((1, 1))], [np.zeros(1)], X, np.zeros(2, int), np.ones(2)
    )
    (spikes,) = spikes_of(case)
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
    engine = NumpyEngine(Network(LIF(threshold=5.0), n_steps, 1.0))
    together = [u.copy() for u in engine._forward(coefs, intercepts, X).membranes]
    for i in range(n_samples):
        alone = engine._forward(coefs, intercepts, X[i : i + 1]).membranes
        for a, b in zip(alone, together, strict=True):
            np.testing.assert_array_equal(a[:, 0], b[:, i])


# Mistakes that published code makes: each must be noticed.


def _drop_alpha_carry(lif_backward, g, u, s, neuron, delta, workspace):
    lif_backward(g, u, s, neuron._replace(alpha=0.0), delta, workspace)


def _drop_reset_gate(lif_backward, g, u, s, neuron, delta, workspace):
    kept = RESETS["zero"]
    RESETS["zero"] = kept._replace(by_membrane=lambda s, out: np.copyto(out, 1))
    try:
        lif_backward(g, u, s, neuron, delta, workspace)
    finally:
        RESETS["zero"] = kept


def _surrogate_at_zeroed_membrane(lif_backward, g, u, s, neuron, delta, workspace):
    current = u.copy()
    current[1:] -= neuron.alpha * (u * (1 - s))[:-1]
    lif_backward(g, current, s, neuron, delta, workspace)


def _surrogate_off_the_threshold(lif_backward, g, u, s, neuron, delta, workspace):
    off = neuron._replace(threshold=-1 / neuron.beta)
    lif_backward(g, u, s, off, delta, workspace)


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
    case = make_case(LIF(detach_reset=detach_reset), 12)
    check_against("torch", case)
    correct = network_module.lif_backward
    monkeypatch.setattr(
        network_module, "lif_backward", lambda *args: mistake(correct, *args)
    )
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        check_against("torch", case)


# Numerical health


@pytest.mark.parametrize("alpha", [0.0, 0.9, 1.0])
@pytest.mark.parametrize("kind", ["trains", "graded", "constant"])
def test_initial_biases_center_the_currents(kind, alpha, rng):
    """The mean current alone charges to the threshold, of outputs within 10 steps."""
    case = make_case(LIF(alpha=alpha), 30, depth=2, kind="graded")
    if kind == "trains":
        case = case._replace(X=SpikeTrains(rng.random((6, N_FEATURES)), 30))
    elif kind == "constant":
        case = case._replace(X=case.X[:, 0])
    engine = make_engine("auto", case.network)
    engine.first_guess(case.coefs, case.intercepts, case.X, np.ones(N_SAMPLES))
    spike_trains = spikes_of(case)
    x = np.asarray(case.X, dtype=float)
    x = x.mean(axis=(0, 1)) if x.ndim == 3 else x.mean(axis=0)
    for weights, bias, spikes, n_steps in zip(
        case.coefs, case.intercepts, spike_trains, (30, 30, 10), strict=True
    ):
        v = np.zeros(len(bias))
        for _ in range(n_steps):
            v = alpha * v + x @ weights + bias
        np.testing.assert_allclose(v, case.network.neuron.threshold)
        x = spikes.mean(axis=(0, 1))


def test_decayed_gradients_do_not_become_subnormal(rng):
    """A subnormal delta makes the matrix products several times slower."""
    n_steps = 400
    case = make_case(LIF(alpha=0.5, reset="none"), n_steps, dtype=np.float32)
    case.X[:, 5:] = 0
    case.y[:] = 0
    workspace = Workspace()
    inputs = case.X.transpose(1, 0, 2).astype(np.float32)
    tape = forward(
        case.network, case.coefs, case.intercepts, inputs, N_SAMPLES, workspace
    )
    g = np.zeros_like(tape.spikes[0])
    g[-1] = 1.0
    delta = np.empty_like(g)
    network_module.lif_backward(
        g, tape.membranes[0], tape.spikes[0], case.network.neuron, delta, workspace
    )
    assert np.abs(delta).max() > 0.1
    nonzero = np.abs(delta[delta != 0])
    assert nonzero.min() > np.finfo(np.float32).tiny
    assert np.abs(delta[: n_steps // 2]).max() == 0


@pytest.mark.parametrize(("n_steps", "n_features"), [(20_000, 64), (10, 10**6)])
def test_chunks_keep_memory_bounded(n_steps, n_features):
    coefs = [np.empty((n_features, 64)), np.empty((64, 3))]
    chunks = NumpyEngine(Network(LIF(), n_steps, 1.0))._chunks(1000, coefs)
    rows = np.concatenate([np.arange(1000)[chunk] for chunk in chunks])
    np.testing.assert_array_equal(rows, np.arange(1000))
    longest = max(chunk.stop - chunk.start for chunk in chunks)
    assert longest * n_steps * max(n_features, 64) <= 2**24


@pytest.mark.parametrize("kind", ["spikes", "constant"])
def test_chunks_do_not_change_the_result(kind, monkeypatch):
    case = make_case(LIF(), 12, depth=2, kind=kind)
    whole = engine_gradients(case)
    monkeypatch.setattr("sklearn_snn._engines.numpy_engine.MAX_CHUNK_SAMPLES", 4)
    monkeypatch.setattr("sklearn_snn._engines.compiled.engine.MAX_GRADIENT_CHUNKS", 2)
    parts = engine_gradients(case)
    assert parts[0] == pytest.approx(whole[0], rel=1e-12)
    assert_same_gradients(parts[1], whole[1], 1e-12)
    for a, b in zip(parts[3], whole[3], strict=True):
        np.testing.assert_array_equal(a, b)
    engine = make_engine("auto", case.network)
    together = engine.logits(case.coefs, case.intercepts, case.X)
    alone = [
        engine.logits(case.coefs, case.intercepts, case.X[i : i + 1])
        for i in range(N_SAMPLES)
    ]
    np.testing.assert_array_equal(together, np.concatenate(alone))
