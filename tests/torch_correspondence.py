"""The same network here and in torch, and whether they do the same."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest

from sklearn_snn import SpikingClassifier
from sklearn_snn._model.surrogates import SURROGATES

# A test that imports this module is skipped without it; what needs none still runs.
torch = pytest.importorskip("torch")


class Run(NamedTuple):
    """What happened, samples first: spikes and membranes by layer, and gradients."""

    spikes: list
    membranes: list
    gradients: list


class Task(NamedTuple):
    """Weights in whole 64ths, of which all sums are exact, and an input of spikes."""

    X: np.ndarray
    y: np.ndarray
    coefs: list
    intercepts: list


def make_task(scale=0.5):
    rng = np.random.default_rng(0)
    sizes = 20, 15, 3
    coefs = [
        np.round(64 * rng.normal(scale / 5, scale, shape)) / 64
        for shape in pairwise(sizes)
    ]
    intercepts = [np.round(64 * rng.uniform(-0.1, 0.2, n)) / 64 for n in sizes[1:]]
    X = (rng.random((12, 40, 20)) < 0.15).astype(np.uint8)
    to_float32 = [[p.astype(np.float32) for p in ps] for ps in (coefs, intercepts)]
    return Task(X, rng.integers(3, size=12), *to_float32)


def run_ours(task, **params):
    """Run a SpikingClassifier with the weights of the task."""
    params = {"max_iter": 1, "random_state": 0, **params}
    model = SpikingClassifier((15,), **params).fit(task.X, task.y)
    model.coefs_, model.intercepts_ = task.coefs, task.intercepts
    record = model.simulate(task.X)
    gradients = model.loss_and_gradients(task.X, task.y).coef_grads
    return Run(record.spikes, record.membranes, gradients)


def run_torch(task, make_layer, step):
    """Run a loop over time in torch; `step` makes (spikes, membrane or None)."""
    n_steps = task.X.shape[1]
    weights = [torch.tensor(w.T, requires_grad=True) for w in task.coefs]
    biases = [torch.tensor(b) for b in task.intercepts]
    layers = [make_layer() for _ in weights]
    states = [torch.zeros(len(task.X), len(b)) for b in biases]
    spikes, membranes = ([[] for _ in weights] for _ in range(2))
    for x in torch.from_numpy(task.X).float().transpose(0, 1):
        for i, layer in enumerate(layers):
            current = torch.nn.functional.linear(x, weights[i], biases[i])
            x, states[i] = step(layer, current, states[i])
            spikes[i].append(x)
            membranes[i].append(states[i])
    logits = 10 / n_steps * torch.stack(spikes[-1]).sum(0)
    torch.nn.functional.cross_entropy(logits, torch.from_numpy(task.y)).backward()
    spikes, membranes = (
        [torch.stack(steps, dim=1).detach().numpy() for steps in by_layer]
        for by_layer in (spikes, membranes)
    )
    return Run(spikes, membranes, [w.grad.numpy().T for w in weights])


def assert_same_spikes(ours, theirs):
    for a, b in zip(ours.spikes, theirs.spikes, strict=True):
        assert 0.01 < a.mean() < 0.9
        np.testing.assert_array_equal(a, b)


def assert_same_run(ours, theirs):
    assert_same_spikes(ours, theirs)
    for a, b in zip(ours.gradients, theirs.gradients, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=3e-6 * np.abs(b).max())


def gradients_differ(a, b):
    return max(
        np.abs(x - y).max() / np.abs(y).max()
        for x, y in zip(a.gradients, b.gradients, strict=True)
    )


def slopes(function):
    """Return the derivative of a spike function at some distances to the threshold."""
    x = torch.linspace(-1.5, 1.5, 41, dtype=torch.float64, requires_grad=True)
    function(x).sum().backward()
    return x.detach().numpy(), x.grad.numpy()


def our_slopes(x, surrogate, beta):
    """Return the derivative of our smooth step there."""
    return SURROGATES[surrogate].derivative(x.copy(), beta)
