"""What `compare.py` times with graded sequences: a number for each input at each step.

One hidden layer of the neurons of `contestants.py`, 10 outputs whose spikes are
counted, float32; forward pass, backpropagation through time, clipping and Adam.

A contestant is a function of (n_steps, n_inputs, n_hidden, batch) that returns one that
takes a training step. Each has four batches, made beforehand as it takes them fastest:
steps first for the others.
"""

import itertools

import torch_loops
from contestants import our_functions, spikingjelly_network, torch_functions

N_BATCHES = 4


def _batches(n_steps, n_inputs, batch):
    """Return X of shape (n_batches, batch, n_steps, n_inputs), and classes y."""
    import numpy as np

    rng = np.random.default_rng(0)
    X = rng.standard_normal((N_BATCHES, batch, n_steps, n_inputs), np.float32)
    return X, rng.integers(10, size=(N_BATCHES, batch))


def make_ours(engine_name):
    """Return the contestant of one of our engines."""

    def make(n_steps, n_inputs, n_hidden, batch):
        X, y = _batches(n_steps, n_inputs, batch)
        learn, _ = our_functions(engine_name, X[0], n_steps, n_hidden)
        batches = itertools.cycle(zip(X, y, strict=True))
        return lambda: learn(*next(batches))

    return make


def _make_torch(make_network):
    """Return the contestant of a torch network, a function of its two sizes."""

    def make(n_steps, n_inputs, n_hidden, batch):
        import torch

        X, y = _batches(n_steps, n_inputs, batch)
        X = [torch.tensor(x).transpose(0, 1).contiguous() for x in X]
        network = make_network(n_inputs, n_hidden)
        # The number of a batch takes the place of rows.
        step, _ = torch_functions(
            X.__getitem__, torch.tensor(y), n_steps, *network, fused=True
        )
        numbers = itertools.cycle(range(N_BATCHES))
        return lambda: step(next(numbers))

    return make


def _own_backward(n_inputs, n_hidden):
    return torch_loops.make_network(n_inputs, n_hidden, "own backward")


# name: (function, whether torch flushes subnormal numbers, package)
GRADED = {
    "sklearn-snn, numba": (make_ours("numba"), None, "sklearn-snn"),
    "sklearn-snn, numpy": (make_ours("numpy"), None, "sklearn-snn"),
    "SpikingJelly": (_make_torch(spikingjelly_network), False, "spikingjelly"),
    "SpikingJelly, flushed": (_make_torch(spikingjelly_network), True, "spikingjelly"),
    "torch, own backward, flushed": (_make_torch(_own_backward), True, "torch"),
}
