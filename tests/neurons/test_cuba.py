"""What is said of the current-based neuron alone."""

import numpy as np
import pytest
from networks import assert_same_gradients
from neurons.cases import COUNTED, N_FEATURES, TABLE, case_of, telling

from sklearn_snn._model.neurons import CUBA, LIF
from sklearn_snn._model.neurons.resets import RESETS


def with_first(case, **changes):
    """Return a case whose first layer has other neurons, or other constants."""
    first, *others = case.network.layers
    constants = changes.pop("constants", {})
    first = first._replace(**changes)
    network = case.network._replace(layers=(first, *others))
    params = [case.params[0] | constants, *case.params[1:]]
    return case._replace(network=network, params=params)


@pytest.mark.parametrize("reset", RESETS)
def test_a_synapse_that_keeps_nothing(reset, engine):
    """A leaky integrate-and-fire neuron is left: the same spikes, and gradients."""
    case = case_of(("cuba", COUNTED), learns=["alpha"], reset=reset, kind="graded")
    neuron, n_units, _ = case.network.layers[0]
    shared = {name: getattr(neuron, name) for name in CUBA._fields}
    cuba = with_first(case, constants={"alpha_syn": np.zeros(n_units)})
    lif = with_first(case, neuron=LIF(**shared, has_unit_gain=False))
    spikes = [one.spikes(engine)[0] for one in (cuba, lif)]
    assert spikes[0].any()
    np.testing.assert_array_equal(*spikes)
    steps = [one.step(engine) for one in (cuba, lif)]
    assert steps[0].loss == steps[1].loss
    assert_same_gradients(*(step.gradients for step in steps), 1e-12)


def test_an_input_can_make_a_spike_at_once_and_later_ones(engine):
    """In the step in which it comes, whatever the leaks; and after it has ended."""
    for reset in ("zero", "subtract"):
        case = case_of(("cuba", COUNTED), reset=reset, n_steps=6, learns=False)
        case.params[0]["coef"][:], case.params[0]["intercept"][:] = 100, 0
        X = np.zeros((1, 6, N_FEATURES))
        X[:, 2] = 1
        (first, _) = case._replace(X=X).spikes(engine)
        with telling(reset):
            assert not first[:2].any()
            assert first[2].all()
            assert first[3].all()


def test_an_infinite_synaptic_current_stays(engine):
    """No reset takes it away, unlike an infinite membrane."""
    case = case_of(("cuba", COUNTED), reset="zero", n_steps=6)
    X = np.zeros((2, 6, N_FEATURES))
    case.params[0]["coef"][:] = 1e300
    X[:, 0] = 1e300
    first, _ = case._replace(X=X).spikes(engine)
    assert first.all()


def test_a_lasting_current_charges_to_itself():
    """Whatever the leaks: so that none of them makes an input louder."""
    neuron = TABLE["cuba"].neuron
    for leaks in ((0.0, 0.0), (0.9, 0.0), (0.0, 0.9), (0.8, 0.8), (0.95, 0.9)):
        alpha, alpha_syn = np.array(leaks)[:, np.newaxis]
        p = {"alpha": alpha, "alpha_syn": alpha_syn, "threshold": np.ones(1)}
        assert neuron.response(p, 1) == pytest.approx((1 - alpha) * (1 - alpha_syn))
        assert neuron.response(p, 1000) == pytest.approx(1)
