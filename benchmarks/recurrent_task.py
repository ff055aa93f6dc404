"""The recurrent network that `compare.py` times, and the data that it learns from.

The network is 700-128-20. Hidden neurons are LIF and hear each other's spikes of the
step before, through weights that learn; outputs are leaky integrators, whose mean
membranes are the logits.
"""

from typing import NamedTuple

ALPHA, THRESHOLD, BETA, LEARNING_RATE = 0.95, 0.6, 5.0, 1e-4
N_STEPS, N_INPUTS, N_HIDDEN, N_CLASSES = 100, 700, 128, 20
RATE, BATCH_SIZE, N_BATCHES = 0.02, 128, 4
# Bounds of the others' first weights, in 1 / sqrt(n_inputs): hidden neurons fire about
# as often as ours do after our first guess, and hear each other as little at first.
SCALES = {"inputs": 2.0, "recurrent": 0.1, "output": 16.0}


class Contestant(NamedTuple):
    """A network that learns.

    Attributes
    ----------
    step : callable
        Trains on the batch of a number; returns the loss before the update.
    firing_rate : callable
        Returns the spikes per step of hidden neurons, in the batch of a number.
    n_parameters : int
    """

    step: object
    firing_rate: object
    n_parameters: int


def make_batches():
    """Return binary X and classes y: each class has firing rates of its own.

    Returns
    -------
    X : ndarray of uint8 of shape (n_batches, batch_size, n_steps, n_inputs)
    y : ndarray of int of shape (n_batches, batch_size)
    """
    import numpy as np

    rng = np.random.default_rng(0)
    rates = RATE * rng.uniform(0, 2, (N_CLASSES, N_INPUTS)).astype(np.float32)
    y = rng.integers(N_CLASSES, size=(N_BATCHES, BATCH_SIZE))
    X = np.empty((*y.shape, N_STEPS, N_INPUTS), np.uint8)
    for spikes, classes in zip(X, y, strict=True):
        chance = rng.random(spikes.shape, np.float32)
        spikes[...] = chance < rates[classes][:, np.newaxis]
    return X, y


def shares_of_steps():
    """Return what a current of 1 at each step adds to the mean membrane of an output.

    For the contestants without a library: an integrator is linear, so its mean is a
    weighted sum over time, and takes no loop.
    """
    import numpy as np

    return (1 - ALPHA ** np.arange(N_STEPS, 0, -1)) / N_STEPS
