"""Graded input: counts are multiplied without rounding, as spikes are; others once."""

import numpy as np
import pytest

from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier
from sklearn_snn._model import synapses
from sklearn_snn._model.synapses import are_fractional

ENGINES = "numpy", "numba"


def fitted(X, engine, **settings):
    """Return a network without hidden layers, whose answers are sums of currents."""
    model = SpikingClassifier(
        (), readout="membrane_mean", max_iter=2, engine=engine, random_state=0
    )
    return model.set_params(**settings).fit(X, np.arange(len(X)) % 3)


def test_what_is_fractional():
    values = {0: False, 255: False, -255: False, 256: True, -256: True, 0.5: True}
    X = np.zeros((2 * len(values), 4, 3))
    X[: len(values), 2, 1] = X[len(values) :, 0, 0] = [*values]
    assert are_fractional(X).tolist() == 2 * [*values.values()]
    many = np.repeat(X, 2000, axis=0)  # more than are looked at together
    assert are_fractional(many).tolist() == np.repeat(are_fractional(X), 2000).tolist()
    assert are_fractional(X[:2].astype(np.uint8)).tolist() == [False, False]


@pytest.mark.parametrize("engine", ENGINES)
def test_counts_answer_the_same_whole_and_in_pieces(engine, rng):
    """A piece may be nothing but spikes, where the whole recording is not."""
    X = rng.poisson(0.03, (30, 40, 19)).astype(np.float32)
    X[0, 0, 0] = 2
    whole, pieces = (fitted(X, engine, bptt_steps=k) for k in (None, 4))
    for name in ("coefs_", "intercepts_"):
        setattr(pieces, name, getattr(whole, name))
    expected = whole.decision_function(X)
    np.testing.assert_array_equal(pieces.decision_function(X), expected)
    np.testing.assert_array_equal(whole.simulate(X).logits[:, -1], expected)


@pytest.mark.parametrize("value", [1 - 2**-53, 1.0, 0.3])
def test_engines_agree_on_what_is_multiplied_without_rounding(value, rng):
    """Also where a number of 64 bits is whole only as one of 32."""
    X = (rng.random((30, 7, 19)) > 0.5).astype(np.float32)
    model, X = fitted(X, "numpy"), X.astype(np.float64) * value
    one, other = (model.set_params(engine=e).decision_function(X) for e in ENGINES)
    np.testing.assert_array_equal(one, other)


def test_spikes_are_multiplied_some_steps_at_a_time(rng, monkeypatch):
    X = PoissonSpikeEncoder(40, random_state=0).fit_transform(rng.random((30, 19)))
    model = fitted(X, "numpy")
    expected = model.decision_function(X)
    for n_steps in (1, 7, 20):
        monkeypatch.setattr(synapses, "_STEPS_AT_ONCE", n_steps)
        np.testing.assert_array_equal(model.decision_function(X), expected)
