"""Rows of "From SpikingJelly" in "Coming from elsewhere", each executed."""

import inspect

import numpy as np
import pytest
from correspondence import DATA, Rows, arguments
from helpers import fast
from torch_correspondence import (
    assert_same_run,
    gradients_differ,
    make_task,
    our_slopes,
    run_ours,
    run_torch,
    slopes,
    torch,
)

from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier

encoding, functional, monitor, neuron, surrogate = (
    pytest.importorskip(f"spikingjelly.activation_based.{name}")
    for name in ("encoding", "functional", "monitor", "neuron", "surrogate")
)

rows = Rows("From SpikingJelly")
pytestmark = [
    pytest.mark.usefixtures("engine"),
    pytest.mark.parametrize("engine", ["numpy"], indirect=True),
]


@pytest.mark.parametrize("left", rows.cells)
def test_row(left):
    rows.run(left)


def test_every_test_has_a_row():
    assert list(rows.tests) == list(rows.cells)


def run_spikingjelly(task, layer="LIFNode(decay_input=False)", **params):
    """Run the node that a cell names."""

    def step(node, current, _):
        spikes = node(current)
        return spikes, node.v

    def make():
        node = eval(layer, {"LIFNode": neuron.LIFNode})
        for name, value in params.items():
            setattr(node, name, value)
        return node

    return run_torch(task, make, step)


# From SpikingJelly


JELLY = "LIFNode(tau=20., decay_input=False, v_threshold=0.6, detach_reset=True)"


def jelly_run(left, right, **changes):
    """Run both at leak 0.95 and threshold 0.6."""
    task = make_task()
    params = {"alpha": 0.95, "threshold": 0.6, "beta": 4.0, "detach_reset": True}
    params |= {"reset": "zero"}
    ours = run_ours(task, **{**params, **right})
    theirs = run_spikingjelly(task, left, **changes)
    return ours, theirs


@rows("``LIFNode(tau=20., decay_input=False, v_threshold=0.6)``")
def _(left, right):
    task = make_task()  # and all that the cell does not say as SpikingJelly has it
    ours = run_ours(task, **arguments(right[0]), beta=4.0, detach_reset=False)
    assert_same_run(ours, run_spikingjelly(task, left[0]))


@rows("fires at ``v >= v_threshold``")
def _(left, right):
    node = neuron.LIFNode(tau=20.0, decay_input=False, v_threshold=1.0)
    assert float(node(torch.tensor([1.0]))) == 1
    X = np.ones((4, 1, 1))
    model = fast(hidden_layer_sizes=(), threshold=1.0).fit(X, [0, 1, 0, 1])
    model.coefs_, model.intercepts_ = [np.ones((1, 2))], [np.zeros(2)]
    assert not model.simulate(X).spikes[0].any()


def jelly_reset(left, right):
    node = f"{JELLY[:-1]}, {left[0]})"
    assert_same_run(*jelly_run(node, arguments(right[0])))


rows("``v_reset=0.``")(jelly_reset)
rows("``v_reset=None``")(jelly_reset)


@rows("``detach_reset=True``")
def _(left, right):
    node = JELLY.replace("detach_reset=True", left[0])
    assert_same_run(*jelly_run(node, arguments(right[0])))
    default = inspect.signature(neuron.LIFNode).parameters["detach_reset"].default
    assert default is eval(right[2])
    assert SpikingClassifier().detach_reset == eval(right[1])
    ours, theirs = jelly_run(node, {"detach_reset": False})
    assert gradients_differ(ours, theirs) > 0.01


def jelly_slopes(left, right):
    x, theirs = slopes(eval(left[0], {"surrogate": surrogate}))
    ours = our_slopes(x, **arguments(right[0]))
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-12)


rows("``surrogate.Sigmoid(alpha=5.)``")(jelly_slopes)
rows("``surrogate.ATan(alpha=2.)``")(jelly_slopes)
rows("``surrogate.PiecewiseQuadratic(alpha=1.)``")(jelly_slopes)
rows("``surrogate.SoftSign(alpha=2.)``")(jelly_slopes)


@rows("``encoding.PoissonEncoder()``")
def _(left, right):
    encoder = eval(left[0], {"encoding": encoding})
    theirs = np.mean([encoder(torch.tensor(DATA)).numpy() for _ in range(2000)], 0)
    ours = eval(right[0], {"PoissonSpikeEncoder": PoissonSpikeEncoder})
    spikes = ours.set_params(n_steps=2000, random_state=0).fit_transform(DATA)
    np.testing.assert_allclose(np.asarray(spikes)[0].mean(0), DATA[0], atol=0.05)
    np.testing.assert_allclose(theirs, DATA, atol=0.05)


@rows("``functional.reset_net(net)``")
def _(left, _):
    net = neuron.LIFNode(tau=20.0, decay_input=False)
    x = torch.tensor([0.7])
    assert [float(net(x)) for _ in range(2)] == [0, 1]
    eval(left[0], {"functional": functional, "net": net})
    assert float(net(x)) == 0


@rows("``monitor.OutputMonitor``")
def _(left, right):
    eval(left[0], {"monitor": monitor})
    assert callable(getattr(SpikingClassifier, right[0]))
