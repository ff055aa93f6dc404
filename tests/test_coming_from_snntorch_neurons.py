"""The rows on neurons in "From snnTorch" of the page, each executed with snnTorch."""

import inspect
import math

import numpy as np
import pytest
from correspondence import Rows, arguments
from helpers import fast
from sklearn.datasets import load_digits
from torch_correspondence import (
    Run,
    Task,
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
from sklearn_snn.neurons import CUBA

snn = pytest.importorskip("snntorch")
surrogate = pytest.importorskip("snntorch.surrogate")

rows = Rows("Neurons")
pytestmark = [
    pytest.mark.usefixtures("engine"),
    pytest.mark.parametrize("engine", ["numpy"], indirect=True),
]


@pytest.mark.parametrize("left", rows.cells)
def test_row(left):
    rows.run(left)


def test_every_test_has_a_row():
    assert list(rows.tests) == list(rows.cells)


ATAN = {"surrogate": "atan", "beta": 2.0}  # snnTorch's default


def run_snntorch(task, **params):
    def step(layer, current, membrane):
        return layer(current, membrane)

    return run_torch(task, lambda: snn.Leaky(**params), step)


@rows("``snn.Leaky(beta=0.95, threshold=0.6)``")
def _(left, right):
    """See a charge leak alike, and that steepness is another thing."""
    leaky = eval(left[0], {"snn": snn})
    params = arguments(right[0])
    assert math.isclose(leaky.beta, params["alpha"], rel_tol=1e-7)
    assert math.isclose(leaky.threshold, params["threshold"], rel_tol=1e-7)
    task = make_task()
    theirs = run_snntorch(
        task, beta=leaky.beta, threshold=leaky.threshold, reset_mechanism="none"
    )
    assert_same_run(run_ours(task, **params, **ATAN, reset="none"), theirs)
    steeper = run_ours(task, **params, **{**ATAN, "beta": 3.0}, reset="none")
    assert gradients_differ(steeper, theirs) > 0.01


@rows("``beta=exp(-dt / tau)``")
def _(left, right):
    """After a time of tau, exp(-1) of a charge is left, whatever the bin."""
    for dt in (0.001, 0.005):
        constants = {"dt": dt, "tau": 0.02, "exp": math.exp}
        beta = eval(left[0].removeprefix("beta="), constants)
        alpha = eval(right[0].removeprefix("alpha="), constants)
        steps = round(0.02 / dt)
        leaky = snn.Leaky(beta=beta)
        membrane = torch.tensor([[0.5]])
        for _ in range(steps):
            _, membrane = leaky(torch.zeros(1, 1), membrane)
        X = np.zeros((4, steps + 1, 1))
        X[:, 0] = 0.5
        model = fast(hidden_layer_sizes=(), alpha=alpha, threshold=1.0)
        model.fit(X, [0, 1, 0, 1])
        model.coefs_, model.intercepts_ = [np.ones((1, 2))], [np.zeros(2)]
        ours = model.simulate(X).membranes[0][0, -1, 0]
        assert math.isclose(ours, 0.5 * math.exp(-1), rel_tol=1e-6)
        assert math.isclose(float(membrane), ours, rel_tol=1e-5)


@rows("spike where ``mem > threshold``")
def _(*_):
    """See that a membrane at the threshold does not fire."""
    X = np.full((4, 1, 1), 1.0)
    X[2:] = np.nextafter(np.float32(1), np.float32(2))
    model = fast(hidden_layer_sizes=(), threshold=1.0).fit(X, [0, 1, 0, 1])
    model.coefs_, model.intercepts_ = [np.ones((1, 2))], [np.zeros(2)]
    ours = model.simulate(X).spikes[0][:, 0, 0]
    spikes, _ = snn.Leaky(beta=0.9)(torch.tensor(X[:, 0], dtype=torch.float32))
    np.testing.assert_array_equal(ours, [0, 0, 1, 1])
    np.testing.assert_array_equal(spikes[:, 0], ours)


def neuron_row(left, right, scale=0.5, **common):
    """Run both with what their cells say; check spikes and gradients."""
    task = make_task(scale)
    ours = run_ours(task, alpha=0.9, threshold=1.0, **ATAN, **arguments(right[0]))
    theirs = run_snntorch(task, beta=0.9, threshold=1.0, **arguments(left[0]))
    assert_same_run(ours, theirs)
    return task, ours, theirs


@rows('``reset_mechanism="zero"``')
def _(left, right):
    task, ours, theirs = neuron_row(left, right)
    for a, b in zip(ours.membranes, theirs.membranes, strict=True):
        np.testing.assert_array_equal(a, b)
    through = run_ours(
        task, alpha=0.9, threshold=1.0, **ATAN, reset="zero", detach_reset=False
    )
    assert gradients_differ(through, theirs) > 0.01


@rows('``reset_mechanism="zero", reset_delay=False``')
def _(left, right):
    _, ours, theirs = neuron_row(left, right)
    for u, s, theirs_after in zip(*ours[:2][::-1], theirs.membranes, strict=True):
        after = eval(right[2], {"membranes": u, "spikes": s})
        np.testing.assert_array_equal(after, theirs_after)
        assert (u != theirs_after).any()


@rows('``reset_mechanism="subtract"``, the default')
def _(left, right):
    """Not the same, and how many differ depends on how much fires."""
    params = arguments(left[0])
    assert (
        inspect.signature(snn.Leaky).parameters["reset_mechanism"].default
        == (params["reset_mechanism"])
    )
    X, y = load_digits(return_X_y=True)
    S = np.asarray(PoissonSpikeEncoder(25, random_state=0).fit_transform(X[:500]))
    model = SpikingClassifier(
        (50,), max_iter=6, random_state=0, **arguments(right[0])
    ).fit(S, y[:500])
    differ = []
    for scale in (1, 0.5):  # of the currents; with half of them, neurons seldom fire
        coefs, intercepts = (
            [scale * a for a in arrays] for arrays in (model.coefs_, model.intercepts_)
        )
        task = Task(S[:100], y[:100], coefs, intercepts)
        theirs = run_snntorch(task, beta=0.95, threshold=0.6, **params)
        model.coefs_, model.intercepts_ = coefs, intercepts
        ours = model.simulate(task.X).spikes
        differ.append((ours[0] != theirs.spikes[0]).mean())
        of_spikes = [
            (a != b).sum() / b.sum() for a, b in zip(ours, theirs.spikes, strict=True)
        ]
        assert differ[-1] < of_spikes[0] < of_spikes[1]
    assert 0.03 < differ[0] < 0.1
    assert 0.005 < differ[1] < 0.03


@rows('``reset_mechanism="subtract", reset_delay=False``')
def _(left, right):
    _, ours, _ = neuron_row(left, right, scale=0.1)
    assert max(u.max() for u in ours.membranes) < 2
    with pytest.raises(AssertionError):
        neuron_row(left, right, scale=0.5)


rows('``reset_mechanism="none"``')(neuron_row)


@rows("``snn.Leaky(beta=0.95)``, all else by default")
def _(left, right):
    signature = inspect.signature(snn.Leaky).parameters
    theirs = {name: p.default for name, p in signature.items()}
    ours = arguments(f"{right[0]}, {right[1]}")
    assert math.isclose(eval(left[0], {"snn": snn}).beta, ours["alpha"], rel_tol=1e-7)
    assert theirs["threshold"] == ours["threshold"]
    assert theirs["reset_mechanism"] == ours["reset"]
    assert theirs["reset_delay"] is True is ours["detach_reset"]
    assert theirs["spike_grad"] is None  # its atan, as the next row says
    default = SpikingClassifier().get_params()
    for text in right[2:-1]:
        ((name, value),) = arguments(text).items()
        assert default[name] == value
    model = fast().fit(np.eye(6), np.arange(6) % 2)
    assert model.detach_reset_ is eval(right[-1])


def run_synaptic(task, node):
    """Run a layer of the node, and an output layer of leaky neurons."""
    reset = {"reset_mechanism": node.reset_mechanism, "reset_delay": node.reset_delay}
    layers = iter([node, snn.Leaky(beta=0.9, threshold=1.0, **reset)])

    def step(layer, current, _):
        spikes, *_, membrane = layer(current)
        return spikes, membrane

    return run_torch(task, lambda: next(layers), step)


@rows(
    "``snn.Synaptic(alpha=0.75, beta=0.875, "
    'reset_mechanism="zero", reset_delay=False)``'
)
def _(left, right):
    """Scaled by a power of two: spikes and membranes are the same to the bit."""
    task = make_task(scale=1.0)
    params = eval(f"dict({right[0]}, {right[2]})", {"CUBA": CUBA})
    scale = eval(right[3], params["neuron"].get_params())
    coefs, intercepts = (
        [arrays[0] / np.float32(scale), arrays[1]]
        for arrays in (task.coefs, task.intercepts)
    )
    scaled = task._replace(coefs=coefs, intercepts=intercepts)
    ours = run_ours(scaled, alpha=0.9, threshold=1.0, **ATAN, **params)
    ours.gradients[0] /= scale
    theirs = run_synaptic(task, eval(left[0], {"snn": snn}))
    assert_same_run(ours, theirs)
    after = ours.membranes[0] * (1 - ours.spikes[0])
    np.testing.assert_array_equal(after, theirs.membranes[0])
    # What comes in the step after a spike has no effect.
    delay = inspect.signature(snn.Synaptic).parameters["reset_delay"].default
    assert delay is arguments(right[-1])["reset_delay"]
    node = snn.Synaptic(alpha=0.75, beta=0.875, reset_mechanism="zero")
    delayed = run_synaptic(task, node)
    fired = delayed.spikes[0][:, :-1] > 0
    assert not delayed.membranes[0][:, 1:][fired].any()
    assert ours.membranes[0][:, 1:][ours.spikes[0][:, :-1] > 0].all()


def run_rleaky(task, node):
    """Run a recurrent layer, which hears itself, and an output layer of leaky ones."""
    reset = {"reset_mechanism": "zero", "reset_delay": node.reset_delay}
    layers = iter([node, snn.Leaky(beta=0.875, threshold=1.0, **reset)])

    def step(layer, current, membrane):
        if layer is not node:
            return layer(current, membrane)
        return layer(current)

    return run_torch(task, lambda: next(layers), step)


@rows(
    '``snn.RLeaky(beta=0.875, linear_features=15, reset_mechanism="zero",`` '
    "``reset_delay=False)``"
)
def _(left, right):
    """Its recurrent bias is part of ours, and its weights have a gradient too."""
    task = make_task()
    node = eval(" ".join(left), {"snn": snn})
    rng = np.random.default_rng(1)
    with torch.no_grad():
        for parameter in node.recurrent.parameters():
            values = np.round(16 * rng.normal(0, 1, tuple(parameter.shape))) / 64
            parameter.copy_(torch.from_numpy(values))
    theirs = run_rleaky(task, node)
    params = arguments(f"{right[0]}, {right[1]}")
    model = SpikingClassifier((15,), max_iter=1, random_state=0, **ATAN, **params)
    model.fit(task.X, task.y)
    model.coefs_ = task.coefs
    model.recurrent_coefs_ = [eval(right[3], {"recurrent": node.recurrent})]
    bias = node.recurrent.bias.detach().numpy()
    model.intercepts_ = [task.intercepts[0] + bias, task.intercepts[1]]
    record = model.simulate(task.X)
    found = model.loss_and_gradients(task.X, task.y)
    ours = Run(record.spikes, record.membranes, found.coef_grads)
    assert_same_run(ours, theirs)
    after = ours.membranes[0] * (1 - ours.spikes[0])
    # Up to rounding: snnTorch adds to the membrane what comes from below first.
    np.testing.assert_allclose(after, theirs.membranes[0], rtol=0, atol=2e-6)
    gradient = node.recurrent.weight.grad.numpy().T
    np.testing.assert_allclose(
        found.recurrent_grads[0], gradient, rtol=0, atol=3e-6 * np.abs(gradient).max()
    )
    # What comes in the step after a spike has no effect.
    delayed = snn.RLeaky(beta=0.875, linear_features=15, reset_mechanism="zero")
    assert delayed.reset_delay is arguments(right[-1])["reset_delay"]
    late = run_rleaky(task, delayed)
    fired = late.spikes[0][:, :-1] > 0
    assert not late.membranes[0][:, 1:][fired].any()


def same_slopes(left, right):
    function = eval(left[0], {"surrogate": surrogate})
    x, theirs = slopes(function)
    np.testing.assert_allclose(our_slopes(x, **arguments(right[0])), theirs, rtol=1e-6)


@rows("``surrogate.atan(alpha=2.0)``, the default")
def _(left, right):
    same_slopes(left, right)
    x, theirs = slopes(snn.Leaky(beta=0.9).spike_grad)
    np.testing.assert_allclose(our_slopes(x, **arguments(right[0])), theirs, rtol=1e-6)


rows("``surrogate.sigmoid(slope=25)``")(same_slopes)


@rows("``surrogate.fast_sigmoid(slope=25)``")
def _(left, right):
    x, theirs = slopes(eval(left[0], {"surrogate": surrogate}))
    params = arguments(right[0])
    peak = eval(right[1], dict(params))
    np.testing.assert_allclose(our_slopes(x, **params), peak * theirs, rtol=1e-6)
    assert math.isclose(theirs.max(), 1)


@rows("``surrogate.triangular(threshold=1)``")
def _(left, right):
    x, theirs = slopes(eval(left[0], {"surrogate": surrogate}))
    np.testing.assert_array_equal(theirs, np.where(x < 0, 1, -1))
    assert (our_slopes(x, **arguments(right[2]), beta=1) >= 0).all()
