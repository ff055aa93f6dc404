"""The libraries that `compare.py` times, each as its own tutorial does it.

The work is the same for all: a network for MNIST with one hidden layer of LIF neurons
(leak 0.95, threshold 0.6, reset to zero, surrogate of steepness 5), Poisson encoding,
backpropagation through time, gradient clipping and an Adam update, in float32, on all
cores that each library takes by itself. snnTorch and norse step through time,
SpikingJelly runs its multi-step mode, which is its fastest on a CPU, and JAX compiles a
scan over time. What torch does without a library is in `torch_loops.py`. Spikes are
drawn anew at each step of training.

SpikingJelly chooses its compiled neurons, of CUDA or triton, for a GPU only: on a CPU
its operators have one implementation, that of torch, whatever is asked for. What can be
compiled there is the network, by `torch.compile`, as its examples do.

A contestant is a function of (images, labels, n_steps, n_hidden) that returns two: one
trains on the images of given rows, the other predicts their classes.
"""

import itertools
import math

import torch_loops
from torch_loops import ALPHA, BETA, THRESHOLD

LEARNING_RATE = 2e-3


def our_functions(engine_name, some, n_steps, n_hidden):
    """Return two functions of a batch: one trains on it, the other returns outputs.

    Parameters
    ----------
    engine_name : str
    some : batch
        A few samples, for the first guess of the weights.
    n_steps, n_hidden : int
    """
    import numpy as np

    from sklearn_snn._engines import make_engine
    from sklearn_snn._model.network import Layer, Network
    from sklearn_snn._model.neurons import LIF
    from sklearn_snn._model.parameters import (
        copied_side_by_side,
        initial_weights,
        layered,
        learning,
    )
    from sklearn_snn._training.optimizers import Adam, clip_by_norm
    from sklearn_snn._training.weights import Weights

    sizes = some.shape[-1], n_hidden, 10
    network = Network(tuple(Layer(LIF(BETA), n) for n in sizes[1:]))
    constants = [
        {"alpha": np.full(n, ALPHA), "threshold": np.full(n, THRESHOLD)}
        for n in sizes[1:]
    ]
    weights = initial_weights(sizes, np.float32, np.random.RandomState(0))
    params = copied_side_by_side(layered(*weights, constants))
    engine = make_engine(engine_name, network, n_steps)
    optimizer = Adam(learning(network, params), take_step=engine.take_adam_step)
    engine.first_guess(params, some, np.ones(len(some)))
    all_weights = Weights(params, 0.0, [1.0] * len(params), [])

    def learn(X, y):
        loss_weights = np.full(len(y), 1 / len(y))
        result = engine.loss_and_gradients(params, X, y, loss_weights)
        grads = learning(network, result.gradients)
        bias = result.gradients[0]["intercept"]
        _, norms = all_weights.finish(engine, grads, None, bias, 0.0)
        clip_by_norm(grads, 1.0, math.hypot(*norms))
        optimizer.update(grads, LEARNING_RATE)

    return learn, lambda X: engine.run(params, X)


def make_ours(engine_name):
    """Return the contestant of one of our engines."""

    def make(images, labels, n_steps, n_hidden):
        from sklearn_snn import PoissonSpikeEncoder

        trains = PoissonSpikeEncoder(n_steps, random_state=0).fit_transform(images)
        learn, outputs = our_functions(engine_name, trains[:128], n_steps, n_hidden)
        presentations = itertools.count(1)

        def step(rows):
            learn(trains.present(next(presentations))[rows], labels[rows])

        def predict(rows):
            return outputs(trains[rows]).argmax(axis=1)

        return step, predict

    return make


def torch_functions(inputs, y, n_steps, net, to_counts, fused=None):
    """Return a function of rows that trains a torch network, and one that predicts.

    Parameters
    ----------
    inputs : callable
        Returns the input of rows, of shape (n_steps, n_samples, n_inputs).
    y : Tensor
    n_steps : int
    net : torch.nn.Module
    to_counts : callable
        Maps the input to spike counts.
    fused : bool, default=None
        Whether Adam is one loop, and not what torch takes by itself.
    """
    import torch

    optimizer = torch.optim.Adam(net.parameters(), lr=LEARNING_RATE, fused=fused)

    def step(rows):
        logits = to_counts(inputs(rows)) * (10 / n_steps)
        loss = torch.nn.functional.cross_entropy(logits, y[rows])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()

    def predict(rows):
        with torch.no_grad():
            return to_counts(inputs(rows)).argmax(1).numpy()

    return step, predict


def _with_poisson(images, labels, n_steps, net, to_counts):
    """Return both functions of a torch network that is given spikes of images."""
    import torch

    X = torch.tensor(images, dtype=torch.float32) / 255

    def inputs(rows):
        rates = X[rows]
        return (torch.rand(n_steps, *rates.shape) < rates).float()

    return torch_functions(inputs, torch.tensor(labels), n_steps, net, to_counts)


def make_torch(kind):
    """Return the contestant of one of the loops of `torch_loops.py`."""

    def make(images, labels, n_steps, n_hidden):
        import torch

        X, y = torch.tensor(images), torch.tensor(labels)
        net, to_counts = torch_loops.make_network(images.shape[1], n_hidden, kind)

        def inputs(rows):
            return torch_loops.byte_spikes(X[rows], n_steps)

        return torch_functions(inputs, y, n_steps, net, to_counts, fused=True)

    return make


def _step_through(net, spikes, hidden, output):
    """Return the spike counts of a (linear, neuron, linear, neuron) network."""
    counts = 0
    for x in spikes:
        s, hidden = net[1](net[0](x), hidden)
        s, output = net[3](net[2](s), output)
        counts = counts + s
    return counts


def spikingjelly_network(n_inputs, n_hidden):
    """Return a network, and what maps its input, steps first, to spike counts.

    In the multi-step mode: one product per layer, then a loop over the neuron.
    """
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
        layer.Linear(n_inputs, n_hidden), lif(), layer.Linear(n_hidden, 10), lif()
    )
    functional.set_step_mode(net, "m")

    def to_counts(spikes):
        functional.reset_net(net)
        return net(spikes).sum(0)

    return net, to_counts


def make_spikingjelly(is_compiled):
    """Return its contestant; the network may go through `torch.compile`."""

    def make(images, labels, n_steps, n_hidden):
        import torch

        net, to_counts = spikingjelly_network(images.shape[1], n_hidden)
        if is_compiled:
            to_counts = torch.compile(to_counts)
        return _with_poisson(images, labels, n_steps, net, to_counts)

    return make


def make_snntorch(images, labels, n_steps, n_hidden):
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

    net = nn.ModuleList(
        [nn.Linear(images.shape[1], n_hidden), lif(), nn.Linear(n_hidden, 10), lif()]
    )

    def to_counts(spikes):
        return _step_through(net, spikes, net[1].init_leaky(), net[3].init_leaky())

    return _with_poisson(images, labels, n_steps, net, to_counts)


def make_norse(images, labels, n_steps, n_hidden):
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

    net = nn.ModuleList(
        [nn.Linear(images.shape[1], n_hidden), lif(), nn.Linear(n_hidden, 10), lif()]
    )
    for linear in (net[0], net[2]):
        linear.weight.data /= 1 - ALPHA

    def to_counts(spikes):
        return _step_through(net, spikes, None, None)

    return _with_poisson(images, labels, n_steps, net, to_counts)


def make_jax(images, labels, n_steps, n_hidden):
    """Compile one function per batch: encoding, a scan over time, gradient and Adam."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    @jax.custom_jvp
    def spike(x):
        return (x > 0).astype(x.dtype)

    @spike.defjvp
    def _(primals, tangents):
        (x,), (dx,) = primals, tangents
        s = jax.nn.sigmoid(BETA * x)
        return spike(x), BETA * s * (1 - s) * dx

    def lif(v, current):
        u = ALPHA * v + current
        s = spike(u - THRESHOLD)
        return u * (1 - s), s

    def logits(params, key, rates):
        (w1, b1), (w2, b2) = params
        shape = n_steps, *rates.shape
        x = (jax.random.uniform(key, shape) < rates).astype(jnp.float32)

        def step(carry, current):
            v1, v2, counts = carry
            v1, s1 = lif(v1, current)
            v2, s2 = lif(v2, s1 @ w2 + b2)
            return (v1, v2, counts + s2), None

        n = len(rates)
        start = jnp.zeros((n, n_hidden)), jnp.zeros((n, 10)), jnp.zeros((n, 10))
        (_, _, counts), _ = jax.lax.scan(step, start, x @ w1 + b1)
        return counts * (10 / n_steps)

    def loss(params, key, rates, y):
        log_p = jax.nn.log_softmax(logits(params, key, rates))
        return -log_p[jnp.arange(len(y)), y].mean()

    @jax.jit
    def train(state, key, rates, y):
        params, means, squares, t = state
        grads = jax.grad(loss)(params, key, rates, y)
        norm = jnp.sqrt(sum((g**2).sum() for g in jax.tree.leaves(grads)))
        grads = jax.tree.map(lambda g: g * jnp.minimum(1, 1 / norm), grads)
        t += 1
        means = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, means, grads)
        squares = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g**2, squares, grads)
        params = jax.tree.map(
            lambda p, m, v: (
                p
                - LEARNING_RATE
                * (m / (1 - 0.9**t))
                / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8)
            ),
            params,
            means,
            squares,
        )
        return params, means, squares, t

    @jax.jit
    def classes(params, key, rates):
        return logits(params, key, rates).argmax(1)

    rng = np.random.default_rng(0)
    params = []
    for n_in, n_out in ((images.shape[1], n_hidden), (n_hidden, 10)):
        weights = rng.uniform(-1, 1, (n_in, n_out)) / n_in**0.5
        params.append((jnp.asarray(weights, jnp.float32), jnp.zeros(n_out)))
    zeros = jax.tree.map(jnp.zeros_like, params)
    state = [(params, zeros, zeros, 0)]
    keys = iter(jax.random.split(jax.random.key(0), 100_000))
    X, y = images.astype(np.float32) / 255, labels.astype(np.int32)

    def step(rows):
        state[0] = jax.block_until_ready(train(state[0], next(keys), X[rows], y[rows]))

    def predict(rows):
        return jax.block_until_ready(classes(state[0][0], next(keys), X[rows]))

    return step, predict


# name: (function, whether torch flushes subnormal numbers, package)
CONTESTANTS = {
    "sklearn-snn, numba": (make_ours("numba"), None, "sklearn-snn"),
    "sklearn-snn, numpy": (make_ours("numpy"), None, "sklearn-snn"),
    "SpikingJelly": (make_spikingjelly(False), False, "spikingjelly"),
    "SpikingJelly, flushed": (make_spikingjelly(False), True, "spikingjelly"),
    "SpikingJelly, compiled, flushed": (make_spikingjelly(True), True, "spikingjelly"),
    "snnTorch": (make_snntorch, False, "snntorch"),
    "snnTorch, flushed": (make_snntorch, True, "snntorch"),
    "norse": (make_norse, False, "norse"),
    "norse, flushed": (make_norse, True, "norse"),
    "torch, plain loop, flushed": (make_torch("plain"), True, "torch"),
    "torch, compiled loop, flushed": (make_torch("compiled"), True, "torch"),
    "torch, own backward, flushed": (make_torch("own backward"), True, "torch"),
    "JAX, jitted scan": (make_jax, None, "jax"),
}
