"""Small networks, their parameters and their data, as the engines take them."""

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from sklearn_snn._engines import make_engine
from sklearn_snn._engines.truncated import TruncatedEngine
from sklearn_snn._model.network import Layer, Network
from sklearn_snn._model.neurons import LIF
from sklearn_snn._model.parameters import initial_weights, layered
from sklearn_snn._model.readouts import Readout
from sklearn_snn._model.restraint import NO_RESTRAINT, Restraint


class Neurons(NamedTuple):
    """A neuron, and its constants as numbers that all neurons of a layer have."""

    neuron: object
    constants: dict

    def spread(self, n_units):
        """Return the constants of a layer."""
        return {name: np.full(n_units, float(c)) for name, c in self.constants.items()}


def lif(alpha=0.95, threshold=0.6, *args, **kwargs):
    """Return Neurons; further arguments are those of LIF."""
    return Neurons(LIF(*args, **kwargs), {"alpha": alpha, "threshold": threshold})


def network_of(neurons, sizes, scale="auto"):
    """Return a network of layers that are alike; sizes begin with that of the input."""
    layers = tuple(Layer(neurons.neuron, n_units) for n_units in sizes[1:])
    return Network(layers, Readout(scale=scale))


def params_of(neurons, coefs, intercepts):
    """Return the parameters of a network of alike layers."""
    constants = [neurons.spread(len(b)) for b in intercepts]
    return layered(coefs, intercepts, constants)


def initial_params(neurons, sizes, dtype, seed):
    """Return the first parameters of a network of alike layers."""
    weights = initial_weights(sizes, dtype, np.random.RandomState(seed))
    return params_of(neurons, *weights)


class Case(NamedTuple):
    """A small network, and its input; gradients go back `bptt_steps`, if given."""

    network: Network
    n_steps: int
    params: list
    X: np.ndarray
    targets: np.ndarray
    shares: np.ndarray
    restraint: Restraint = NO_RESTRAINT
    bptt_steps: int | None = None

    def engine(self, name="auto"):
        """Return an engine for it."""
        engine = make_engine(name, self.network, self.n_steps)
        if self.bptt_steps is None:
            return engine
        return TruncatedEngine(engine, self.bptt_steps)

    def step(self, name="auto", **network_changes):
        """Return what an engine says of it."""
        case = self._replace(network=self.network._replace(**network_changes))
        # What runs a smooth step is the numpy engine alone.
        engine = case.engine("numpy" if case.network.smooth else name)
        arguments = case.params, case.X, case.targets, case.shares
        return engine.loss_and_gradients(*arguments, case.restraint)

    def spikes(self, name="auto"):
        """Return the spikes of each layer, time-major as the oracles do."""
        spikes = self.engine(name).spikes(self.params, self.X)
        return [s.transpose(1, 0, 2) for s in spikes]


N_SAMPLES, N_FEATURES, N_CLASSES = 6, 8, 3
HIDDEN = {0: (), 1: (9,), 2: (9, 7), 3: (9, 7, 5)}


def make_case(neurons, n_steps, depth=1, dtype=np.float64, kind="spikes"):
    """Return a small network that spikes in every layer, and its input."""
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
    shares = rng.uniform(0, 0.3, N_SAMPLES)
    network = network_of(neurons, sizes, 2.0 / n_steps)
    params = params_of(neurons, coefs, intercepts)
    return Case(network, n_steps, params, X, y, shares)


def arrays_of(gradients):
    """Return the arrays of all layers in a list."""
    return [gradient for of_layer in gradients for gradient in of_layer.values()]


def assert_same_gradients(ours, theirs, rtol, of_largest=None):
    """Compare gradients up to shares of each number, and of the largest of its array.

    The second is as the first, unless it is given.
    """
    of_largest = rtol if of_largest is None else of_largest
    for index, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        assert a.keys() == b.keys()
        for name in a:
            np.testing.assert_allclose(
                a[name],
                b[name],
                rtol=rtol,
                atol=of_largest * np.abs(b[name]).max(),
                err_msg=f"{name} of layer {index}",
            )


def both_engines(network, n_steps):
    return [make_engine(name, network, n_steps) for name in ("numpy", "numba")]
