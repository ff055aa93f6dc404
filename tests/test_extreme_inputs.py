"""Values at the ends of the range of floats: both engines fire the same spikes."""

import numpy as np
import pytest
from helpers import fast
from networks import lif, network_of, params_of

from sklearn_snn._engines import make_engine
from sklearn_snn._model.neurons.resets import RESETS
from sklearn_snn._model.parameters import initial_weights

N_STEPS = 6
LARGEST = {np.float64: 1e308, np.float32: 1e38}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize("kind", ["current", "sequence"])
@pytest.mark.parametrize("size", ["huge", "subnormal", "mixed"])
def test_engines_agree(size, kind, reset, dtype, rng):
    shape = (9, 4) if kind == "current" else (9, N_STEPS, 4)
    X = rng.uniform(-1, 1, shape)
    sizes = {"huge": LARGEST[dtype], "subnormal": float(np.finfo(dtype).tiny) / 8}
    X *= sizes.get(size) or rng.choice([1, *sizes.values()], shape)
    X = X.astype(dtype)
    neurons, sizes = lif(alpha=0.9, reset=reset), (4, 7, 3)
    network = network_of(neurons, sizes, 1.0)
    coefs, intercepts = initial_weights(sizes, dtype, rng)
    coefs[0] *= 10  # currents of the largest inputs are infinite
    params = params_of(neurons, coefs, intercepts)
    spikes = [
        make_engine(engine, network, N_STEPS).spikes(params, X)
        for engine in ("numpy", "numba")
    ]
    for numpys, numbas in zip(*spikes, strict=True):
        np.testing.assert_array_equal(numpys, numbas)
    if size == "huge":
        assert spikes[0][0].any()


@pytest.mark.parametrize(
    ("reset", "expected"),
    [("zero", [0, -np.inf, 0.25]), ("subtract", [np.inf, -np.inf, 0.25])],
)
def test_what_an_infinite_membrane_is_reset_to(reset, expected):
    """Without leak or input, the second step's membrane is the reset one."""
    current = np.zeros((2, 1, 3))
    current[0] = np.inf, -np.inf, 0.25
    neurons, tape = lif(alpha=1.0, reset=reset), {}
    tape["membrane"], tape["spikes"] = np.empty((2, 2, 1, 3))
    with np.errstate(invalid="ignore"):  # as in the engines
        neurons.neuron.forward(neurons.spread(3), current, (np.zeros((1, 3)),), tape)
    assert tape["membrane"][1, 0].tolist() == expected
    assert tape["spikes"][0, 0].tolist() == [1, 0, 0]


def test_running_answers_of_membranes_whose_sum_is_infinite(engine, rng):
    """In silence: the last one is that of `predict_proba`, which is silent too."""
    X = rng.random((12, 30, 3)).astype(np.float32)
    model = fast(threshold=1e38).fit(X, np.arange(12) % 2)
    u = model.simulate(X).membranes[-1]
    assert (u.sum(axis=1, dtype=float) > np.finfo(u.dtype).max).any()
    *_, last = model.staged_predict_proba(X)
    np.testing.assert_array_equal(last, model.predict_proba(X))
