"""Show where the time of one training step of the numba engine goes.

    python benchmarks/profile_step.py [--n-steps 100] [--hidden 100] [--batch 128]

The parts run one after another on one thread, as one chunk; the last line is the whole
step as `fit` takes it, on all threads. Medians, in milliseconds.
"""

import argparse
import math
import statistics
import time

import numpy as np

from sklearn_snn import PoissonSpikeEncoder
from sklearn_snn._engines.compiled.batch import Batch
from sklearn_snn._engines.compiled.chunks import active_inputs
from sklearn_snn._engines.compiled.engine import NumbaEngine
from sklearn_snn._engines.compiled.packing import pack
from sklearn_snn._model.network import Layer, Network
from sklearn_snn._model.neurons import LIF
from sklearn_snn._model.parameters import initial_weights, layered, learning
from sklearn_snn._training.optimizers import Adam, clip_by_norm, norms
from sklearn_snn._utils.workspace import Workspace
from sklearn_snn.datasets import fetch_mnist

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--n-steps", type=int, default=100)
parser.add_argument("--hidden", type=int, nargs="*", default=[100])
parser.add_argument("--batch", type=int, default=128)
parser.add_argument("--repeats", type=int, default=30)
args = parser.parse_args()

images, labels = fetch_mnist(split="train", return_X_y=True)
images, labels = images[: args.batch], labels[: args.batch].astype(int)
trains = PoissonSpikeEncoder(args.n_steps, random_state=0).fit_transform(images)
sizes = [784, *args.hidden, 10]
network = Network(tuple(Layer(LIF(), n) for n in sizes[1:]))
constants = [
    {"alpha": np.full(n, 0.95), "threshold": np.full(n, 0.6)} for n in sizes[1:]
]
weights = initial_weights(sizes, np.float32, np.random.RandomState(0))
params = layered(*weights, constants)
engine = NumbaEngine(network, args.n_steps)
engine.first_guess(params, trains, np.ones(args.batch))
optimizer = Adam(learning(network, params))
workspace, everything = Workspace(), slice(0, args.batch)
loss_weights = np.full(args.batch, 1 / args.batch)


def forward():
    """Run the whole batch as one chunk, forward."""
    Batch(network, params, trains, args.n_steps).run(0, everything, workspace)


def forward_and_backward():
    """Run the whole batch as one chunk, both ways."""
    batch = Batch(network, params, trains, args.n_steps)
    parts = np.empty((1, batch.n_gradients()), np.float32)
    batch.learn(labels, loss_weights, parts)
    batch.run(0, everything, workspace)


def gradients():
    """Return the gradients as training sees them."""
    result = engine.loss_and_gradients(params, trains, labels, loss_weights)
    return learning(network, result.gradients)


def step():
    """Take a whole training step."""
    grads = gradients()
    clip_by_norm(grads, 1.0, math.hypot(*norms(grads)))
    optimizer.update(grads, 1e-9)


grads = gradients()
parts = {
    "weights in whole numbers": lambda: pack(params, has_events=True),
    "inputs that can fire": lambda: active_inputs(trains.levels[trains.rates]),
    "forward, with the two above": forward,
    "forward and backward": forward_and_backward,
    "clipping": lambda: clip_by_norm(grads, 1.0, math.hypot(*norms(grads))),
    "Adam": lambda: optimizer.update(grads, 1e-9),
    "whole step, all threads": step,
}
times = {name: [] for name in parts}
for repeat in range(args.repeats + 1):
    for name, part in parts.items():
        start = time.perf_counter()
        part()
        if repeat:  # the first one compiles
            times[name].append(time.perf_counter() - start)
for name, seconds in times.items():
    print(f"{name:30}{1e3 * statistics.median(seconds):8.2f} ms")
