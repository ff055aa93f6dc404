"""Spikes that compiled code draws: rates as they come, and what of them can fire."""

import numpy as np
import pytest
from networks import both_engines, initial_params, lif, network_of
from numba import njit, typeof
from scipy import sparse

from sklearn_snn import SpikeTrains
from sklearn_snn._engines.compiled import chunks, running
from sklearn_snn._engines.compiled.encoding import most_inputs
from sklearn_snn._engines.compiled.engine import NumbaEngine

N_STEPS, SIZES = 20, [70, 6, 3]
LEVELS = np.r_[0, np.linspace(0.02, 1, 254), 0.5].astype(np.float32)


def _as_they_come(codes):
    """Return the same rates in all forms that there are."""
    rates = LEVELS[codes]
    trains = {
        "dense": SpikeTrains(rates.copy(), N_STEPS, seed=3),
        "by columns": SpikeTrains(np.asfortranarray(rates), N_STEPS, seed=3),
        "read-only": SpikeTrains(rates, N_STEPS, seed=3),
        "codes": SpikeTrains(codes, N_STEPS, seed=3, levels=LEVELS),
        "read-only codes": SpikeTrains(codes.copy(), N_STEPS, seed=3, levels=LEVELS),
        "sparse": SpikeTrains(sparse.csr_array(rates), N_STEPS, seed=3),
    }
    # As joblib hands them to its workers.
    trains["read-only"].rates.flags.writeable = False
    trains["read-only codes"].rates.flags.writeable = False
    trains["read-only codes"].levels.flags.writeable = False
    return trains


def _codes(n_samples, n_features, rng):
    """Return codes of which half cannot fire, and some fire at half of the steps."""
    codes = rng.integers(0, 256, (n_samples, n_features))
    codes[rng.random(codes.shape) < 0.5] = 0
    codes[:, :3], codes[0], codes[-1] = 255, 0, 254
    return codes.astype(np.uint8)


# At once; at once unless they are sparse; a few at a time.
@pytest.mark.parametrize("n_samples", [1, 33, 257])
def test_forms_of_rates_are_one(n_samples, rng):
    trains, y = _as_they_come(_codes(n_samples, SIZES[0], rng)), np.arange(n_samples)
    params = initial_params(lif(), SIZES, np.float32, 0)
    numpy_engine, engine = both_engines(network_of(lif(), SIZES, 0.5), N_STEPS)
    expected = engine.loss_and_gradients(
        params, trains["dense"], y % 3, np.ones(n_samples)
    )
    answers = numpy_engine.spikes(params, trains["dense"])
    for name, X in trains.items():
        for ours, theirs in zip(engine.spikes(params, X), answers, strict=True):
            np.testing.assert_array_equal(ours, theirs, err_msg=name)
        got = engine.loss_and_gradients(params, X, y % 3, np.ones(n_samples))
        for one, other in zip(got.gradients, expected.gradients, strict=True):
            np.testing.assert_array_equal(one["coef"], other["coef"], err_msg=name)


def test_forms_of_rates_share_what_is_compiled(rng, monkeypatch):
    trains = _as_they_come(_codes(5, SIZES[0], rng))
    params = initial_params(lif(), SIZES, np.float32, 0)
    _, engine = both_engines(network_of(lif(), SIZES, 0.5), N_STEPS)
    run_spikes, types = chunks.run_spikes, []

    def record(*args):
        types.append(tuple(typeof(arg) for arg in args))
        run_spikes(*args)

    monkeypatch.setattr(chunks, "run_spikes", record)
    for X in trains.values():
        engine.spikes(params, X)
    assert len(types) == len(trains)
    assert len({*types}) == 1


@pytest.mark.parametrize("form", ["dense", "codes", "sparse"])
def test_how_many_samples_are_one_call(form, monkeypatch):
    """Of samples that take long fewer, as Ctrl-C waits for the end of a call."""
    X = _as_they_come(np.full((257, SIZES[0]), 9, np.uint8))[form]
    params = initial_params(lif(), SIZES, np.float32, 0)
    _, engine = both_engines(network_of(lif(), SIZES, 0.5), N_STEPS)

    def most():
        ways = {
            n: running.is_small(engine._batch(params, X[:n]))
            for n in (32, 33, 256, 257)
        }
        return max(n for n, is_one in ways.items() if is_one)

    assert most() == (32 if form == "sparse" else 256)
    n_weights = sum(p["coef"].size for p in params)
    monkeypatch.setattr(running, "FEW_WEIGHTS", 256 * N_STEPS * n_weights)
    assert most() == (32 if form == "sparse" else 256)
    monkeypatch.setattr(running, "FEW_WEIGHTS", 33 * N_STEPS * n_weights - 1)
    assert most() == 32


@njit
def _most_inputs(trains, n_samples, n_features, enough):
    return most_inputs(trains, n_samples, n_features, enough)


@pytest.mark.parametrize("form", ["dense", "codes", "sparse"])
@pytest.mark.parametrize("n_active", [0, 1, 500])
def test_of_very_many_inputs_those_are_counted_that_can_fire(
    form, n_active, rng, monkeypatch
):
    """So that the lists need no room for all of them."""
    n_features = 2 * chunks._FEW_TIMES // N_STEPS
    codes = np.zeros((4, n_features), np.uint8)
    for row in codes[1:]:
        row[rng.choice(n_features, n_active, replace=False)] = 80 + n_active // 4
    X, sizes = _as_they_come(codes)[form], [n_features, 6, 3]
    params = initial_params(lif(), sizes, np.float32, 0)
    both, trains = both_engines(network_of(lif(), sizes, 0.5), N_STEPS), []
    run_spikes = chunks.run_spikes
    monkeypatch.setattr(
        chunks, "run_spikes", lambda *args: trains.append(args[4]) or run_spikes(*args)
    )
    for theirs, ours in zip(*(e.spikes(params, X) for e in both), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    enough = chunks._FEW_TIMES // (N_STEPS + 1)
    assert _most_inputs(trains[0], 4, n_features, enough) == max(n_active, 1)
    gradients = [
        e.loss_and_gradients(params, X, np.arange(4) % 3, np.ones(4)).gradients[0]
        for e in both
    ]
    np.testing.assert_allclose(*(g["coef"] for g in gradients), atol=1e-6, rtol=1e-5)


# Lists of inputs; of steps; of neither, with masks.
@pytest.mark.parametrize("sizes", [[70, 40, 50, 40], SIZES, [70, 6, 2]])
def test_answers_count_spikes(sizes, rng):
    """Where nothing is learned no events are kept, and all are counted."""
    X = _as_they_come(_codes(9, sizes[0], rng))["codes"]
    params = initial_params(lif(), sizes, np.float32, 0)
    engine = NumbaEngine(network_of(lif(), sizes, 0.5), N_STEPS)
    _, counts = engine.run_batch(engine._asked(params, X), [slice(0, 9)])
    spikes = engine.spikes(params, X)
    expected = np.concatenate([s.sum(axis=(0, 1), dtype=int) for s in spikes])
    np.testing.assert_array_equal(counts.sum(axis=0), expected)
    assert all(s.any() for s in spikes)
