"""Time one training step of ours and of three torch frameworks, side by side.

    pip install -e .[bench]
    python benchmarks/training_step.py

The work is the same for all: a 784-100-10 network of LIF neurons (leak 0.95, threshold
0.6, reset to zero, logistic surrogate of steepness 5), 100 Poisson steps, a mini-batch
of 128 MNIST images: encoding, forward pass, backpropagation through time, gradient
clipping and an Adam update, in float32, on all cores that each library takes by itself.
Each peer is written as its own tutorial does it: snnTorch and norse step through time,
SpikingJelly runs its multi-step mode, which is its fastest on a CPU. Each runs in a
process of its own, because subnormal numbers are flushed per process; the processes
take turns, so that a change of the machine's speed meets all of them. Printed is the
median of all steps.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from importlib.metadata import version

import numpy as np

from sklearn_snn.datasets import fetch_mnist

N_STEPS, BATCH, HIDDEN = 100, 128, 100
ALPHA, THRESHOLD, BETA, LEARNING_RATE = 0.95, 0.6, 5.0, 2e-3


def make_ours(images, labels):
    """Return a function that takes one training step with the numpy engine."""
    from sklearn_snn import PoissonSpikeEncoder
    from sklearn_snn._engine_numpy import NumpyEngine
    from sklearn_snn._network import Network, initial_parameters
    from sklearn_snn._neurons import LIF
    from sklearn_snn._optimizers import Adam, clip_by_norm

    trains = PoissonSpikeEncoder(N_STEPS, random_state=0).fit_transform(images)
    network = Network(LIF(ALPHA, THRESHOLD, BETA), N_STEPS, 10 / N_STEPS)
    coefs, intercepts = initial_parameters(
        [784, HIDDEN, 10], np.float32, np.random.RandomState(0)
    )
    optimizer = Adam(coefs + intercepts)
    engine = NumpyEngine(network)

    def step(rows):
        _, coef_grads, intercept_grads, _ = engine.loss_and_gradients(
            coefs, intercepts, trains[rows], labels[rows]
        )
        grads = coef_grads + intercept_grads
        clip_by_norm(grads, 1.0)
        optimizer.update(grads, LEARNING_RATE)

    return step


def make_torch(images, labels, net, to_counts):
    """Return a training step of a torch network; to_counts maps spikes to counts."""
    import torch

    X = torch.tensor(images, dtype=torch.float32) / 255
    y = torch.tensor(labels)
    optimizer = torch.optim.Adam(net.parameters(), lr=LEARNING_RATE)

    def step(rows):
        rates = X[rows]
        spikes = (torch.rand(N_STEPS, *rates.shape) < rates).float()
        logits = to_counts(spikes) * (10 / N_STEPS)
        loss = torch.nn.functional.cross_entropy(logits, y[rows])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()

    return step


def step_through(net, spikes, hidden, output):
    """Return the spike counts of a (linear, neuron, linear, neuron) network."""
    counts = 0
    for x in spikes:
        s, hidden = net[1](net[0](x), hidden)
        s, output = net[3](net[2](s), output)
        counts = counts + s
    return counts


def make_spikingjelly(images, labels):
    """Use the multi-step mode: one product per layer, then a loop over the neuron."""
    from spikingjelly.activation_based import functional, layer, neuron, surrogate
    from torch import nn

    def lif():
        return neuron.LIFNode(
            tau=1 / (1 - ALPHA),
            decay_input=False,
            v_threshold=THRESHOLD,
            v_reset=0.0,
            surrogate_function=surrogate.Sigmoid(alpha=BETA),
        )

    net = nn.Sequential(
        layer.Linear(784, HIDDEN), lif(), layer.Linear(HIDDEN, 10), lif()
    )
    functional.set_step_mode(net, "m")

    def to_counts(spikes):
        functional.reset_net(net)
        return net(spikes).sum(0)

    return make_torch(images, labels, net, to_counts)


def make_snntorch(images, labels):
    """Loop over time, as in its tutorials."""
    import snntorch
    from snntorch import surrogate
    from torch import nn

    def lif():
        return snntorch.Leaky(
            beta=ALPHA,
            threshold=THRESHOLD,
            reset_mechanism="zero",
            spike_grad=surrogate.sigmoid(slope=BETA),
        )

    net = nn.ModuleList([nn.Linear(784, HIDDEN), lif(), nn.Linear(HIDDEN, 10), lif()])

    def to_counts(spikes):
        return step_through(net, spikes, net[1].init_leaky(), net[3].init_leaky())

    return make_torch(images, labels, net, to_counts)


def make_norse(images, labels):
    """Loop over time with its LIFBoxCell, the neuron without a synaptic current."""
    import torch
    from norse.torch import LIFBoxCell, LIFBoxParameters
    from torch import nn

    # v += dt * tau_mem_inv * (v_leak - v + x): the factor on x goes into the weights.
    dt = 1e-3

    def lif():
        return LIFBoxCell(
            LIFBoxParameters(
                tau_mem_inv=torch.tensor((1 - ALPHA) / dt),
                v_th=torch.tensor(THRESHOLD),
                method="super",  # its default; it has no logistic surrogate
                alpha=torch.tensor(BETA),
            ),
            dt=dt,
        )

    net = nn.ModuleList([nn.Linear(784, HIDDEN), lif(), nn.Linear(HIDDEN, 10), lif()])
    for linear in (net[0], net[2]):
        linear.weight.data /= 1 - ALPHA

    def to_counts(spikes):
        return step_through(net, spikes, None, None)

    return make_torch(images, labels, net, to_counts)


# name: (function, whether torch flushes subnormal numbers, package)
CONTESTANTS = {
    "sklearn-snn, numpy": (make_ours, None, "sklearn-snn"),
    "SpikingJelly": (make_spikingjelly, False, "spikingjelly"),
    "SpikingJelly, flushed": (make_spikingjelly, True, "spikingjelly"),
    "snnTorch": (make_snntorch, False, "snntorch"),
    "snnTorch, flushed": (make_snntorch, True, "snntorch"),
    "norse": (make_norse, False, "norse"),
    "norse, flushed": (make_norse, True, "norse"),
}


def worker(name):
    """Take as many steps as each line of input says; print their times in seconds."""
    make, flush, _ = CONTESTANTS[name]
    if flush is not None:
        import torch

        torch.manual_seed(0)
        torch.set_flush_denormal(flush)
    arrays = np.load(sys.stdin.readline().strip())
    images, labels = arrays["images"], arrays["labels"]
    step = make(images, labels)
    rng = np.random.default_rng(0)
    print("ready", flush=True)
    for line in sys.stdin:
        seconds = []
        for _ in range(int(line)):
            rows = rng.choice(len(labels), BATCH, replace=False)
            start = time.perf_counter()
            step(rows)
            seconds.append(time.perf_counter() - start)
        print(json.dumps(seconds), flush=True)


def main():
    """Run all contestants in turn and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="turns of each (5)")
    parser.add_argument("--steps", type=int, default=12, help="steps per turn (12)")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        return worker(args.worker)

    import tempfile

    images, labels = fetch_mnist(split="train", return_X_y=True)
    times = {name: [] for name in CONTESTANTS}
    with tempfile.NamedTemporaryFile(suffix=".npz") as file:
        np.savez(file, images=images[:10_000], labels=labels[:10_000])
        file.flush()
        processes = {}
        for name in CONTESTANTS:
            process = processes[name] = subprocess.Popen(
                [sys.executable, __file__, "--worker", name],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            print(file.name, file=process.stdin, flush=True)
            if process.stdout.readline().strip() != "ready":
                raise RuntimeError(f"{name} did not start")
        for turn in range(args.rounds + 1):
            for name, process in processes.items():
                print(args.steps, file=process.stdin, flush=True)
                seconds = json.loads(process.stdout.readline())
                if turn:  # the first turn warms up
                    times[name] += seconds
        for process in processes.values():
            process.communicate()

    medians = {name: statistics.median(seconds) for name, seconds in times.items()}
    ours = medians["sklearn-snn, numpy"]
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, torch {version('torch')}"
    )
    print(f"784-{HIDDEN}-10, {N_STEPS} steps, batch {BATCH}, encoding included")
    print(f"{'':24}{'version':>10}{'ms/step':>9}{'ratio':>7}")
    for name, seconds in medians.items():
        package = version(CONTESTANTS[name][2])
        print(f"{name:24}{package:>10}{1e3 * seconds:9.1f}{seconds / ours:7.2f}")
    fastest = min(s for name, s in medians.items() if CONTESTANTS[name][1] is not None)
    print(f"as fast as the fastest peer, times: {fastest / ours:.2f}")


if __name__ == "__main__":
    main()
