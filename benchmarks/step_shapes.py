"""The training steps that `profile_step.py` takes apart, and what they consist of.

Of the engine it uses what estimators use too: `loss_and_gradients`, `run` and `spikes`.
"""

import math
from typing import NamedTuple

import numpy as np

from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier
from sklearn_snn._engines import make_engine
from sklearn_snn._model.network import Layer, Network
from sklearn_snn._model.neurons import LIF
from sklearn_snn._model.parameters import (
    copied_side_by_side,
    initial_weights,
    layered,
    learning,
)
from sklearn_snn._training import optimizers
from sklearn_snn._training.weights import Weights
from sklearn_snn.datasets import fetch_mnist

N_OUTPUTS, ALPHA, THRESHOLD, BETA = 10, 0.95, 0.6, 5.0
# So small that the network stays as it is while it is timed.
LEARNING_RATE = 1e-9


class Shape(NamedTuple):
    """A training step.

    Attributes
    ----------
    kind : {"trains", "table", "sequences"}
        Poisson spikes of MNIST, a constant current, or graded values at each step.
    n_steps, n_inputs, n_hidden, batch : int
    """

    kind: str
    n_steps: int
    n_inputs: int
    n_hidden: int
    batch: int

    def __str__(self):
        sizes = f"{self.n_inputs}-{self.n_hidden}-{N_OUTPUTS}"
        what = {
            "trains": "Poisson spikes",
            "table": "a constant current",
            "sequences": "graded sequences",
        }[self.kind]
        rows = f"batch of {self.batch}" if self.batch > 1 else "one row"
        return f"{sizes}, {what}, {self.n_steps} steps, {rows}"


SHAPES = {
    "headline": Shape("trains", 100, 784, 100, 128),
    "wide": Shape("trains", 25, 784, 1000, 128),
    "table": Shape("table", 25, 50, 100, 128),
    "sequences": Shape("sequences", 100, 64, 128, 128),
    "small": Shape("trains", 100, 784, 100, 16),
    "row": Shape("table", 25, 30, 100, 1),
}


class Counts(NamedTuple):
    """How much there is to do in a step.

    Attributes
    ----------
    draws : int
        Spikes that may be: of each input that can fire, at each step.
    active : int
        Inputs that can fire, of all samples.
    input_rows : int
        Rows of the first weights that are to be added in the forward pass: a spike
        each or, for an input that fires at half of the steps or more, a silence each
        and one row for all steps.
    hidden_spikes : int
    products : int
        Rows of graded input that the first weights are multiplied with.
    """

    draws: int = 0
    active: int = 0
    input_rows: int = 0
    hidden_spikes: int = 0
    products: int = 0


class Work:
    """A network, its data and its optimizer: ready to take a step of a shape.

    Parameters
    ----------
    shape : Shape
    """

    def __init__(self, shape):
        self.shape = shape
        self.X, self.y = _data(shape)
        sizes = shape.n_inputs, shape.n_hidden, N_OUTPUTS
        self.network = Network(tuple(Layer(LIF(BETA), n) for n in sizes[1:]))
        constants = [
            {"alpha": np.full(n, ALPHA), "threshold": np.full(n, THRESHOLD)}
            for n in sizes[1:]
        ]
        weights = initial_weights(sizes, np.float32, np.random.RandomState(0))
        self.params = copied_side_by_side(layered(*weights, constants))
        self.engine = make_engine("numba", self.network, shape.n_steps)
        self.engine.first_guess(self.params, self.X, np.ones(shape.batch))
        self.arrays = learning(self.network, self.params)
        self.weights = Weights(self.params, 0.0, [1.0] * len(self.params), [])
        take_step = self.engine.take_adam_step
        self.optimizer = optimizers.Adam(self.arrays, take_step=take_step)
        self.loss_weights = np.full(shape.batch, 1 / shape.batch)

    def forward(self):
        """Predict the batch."""
        return self.engine.run(self.params, self.X)

    def step(self):
        """Train on the batch, as a fit does: with clipping and Adam."""
        result = self.engine.loss_and_gradients(
            self.params, self.X, self.y, self.loss_weights
        )
        grads = learning(self.network, result.gradients)
        bias = result.gradients[0]["intercept"]
        _, norms = self.weights.finish(self.engine, grads, None, bias, 0.0)
        # By the name of the module, which a profile may have wrapped.
        optimizers.clip_by_norm(grads, 1.0, math.hypot(*norms))
        self.optimizer.update(grads, LEARNING_RATE)

    def estimator_step(self):
        """Return a function that does the same by `SpikingClassifier.partial_fit`."""
        model = SpikingClassifier(
            (self.shape.n_hidden,),
            n_steps=self.shape.n_steps,
            learning_rate_init=LEARNING_RATE,
            engine="numba",
            random_state=0,
        )
        model.partial_fit(self.X, self.y, classes=np.arange(N_OUTPUTS))
        return lambda: model.partial_fit(self.X, self.y)

    def counts(self):
        """Return Counts of what this batch and these weights take."""
        shape = self.shape
        hidden = int(self.engine.spikes(self.params, self.X)[0].sum())
        if shape.kind != "trains":
            n_rows = shape.batch * (1 if shape.kind == "table" else shape.n_steps)
            return Counts(hidden_spikes=hidden, products=n_rows)
        rates = self.X.levels[self.X.rates]
        n_spikes = np.asarray(self.X).sum(axis=1, dtype=int)
        often = rates >= 0.5
        rows = np.where(often, 1 + shape.n_steps - n_spikes, n_spikes).sum()
        n_active = int((rates > 0).sum())
        return Counts(n_active * shape.n_steps, n_active, int(rows), hidden)


def _data(shape):
    """Return X and y of a batch."""
    rng = np.random.default_rng(0)
    if shape.kind == "trains":
        images, labels = fetch_mnist(split="train", return_X_y=True)
        some = slice(0, shape.batch)
        encoder = PoissonSpikeEncoder(shape.n_steps, random_state=0)
        return encoder.fit_transform(images[some]), labels[some].astype(int)
    y = rng.integers(N_OUTPUTS, size=shape.batch)
    if shape.kind == "table":
        return rng.random((shape.batch, shape.n_inputs), np.float32), y
    size = shape.batch, shape.n_steps, shape.n_inputs
    return rng.standard_normal(size, np.float32), y
