"""The libraries that `compare.py` times with a recurrent network, each at its fastest.

The work is the same for all: the network of `recurrent_task.py` with reset by
subtraction, forward pass, softmax cross-entropy, backpropagation through time and an
Adam update without clipping, in float32, on all cores that each library takes by
itself. The batches of binary input are made beforehand, in the type and shape that each
library takes fastest: bytes for ours, float32 for the others. All others take the
product of the input with its weights in one go, ahead of the loop over time.

What differs, as a library has nothing else or is faster so:

- snnTorch subtracts the threshold one step later, its gradient does not go through the
  reset, and its recurrent product has a bias: 128 more parameters.
- norse has no logistic surrogate: it has its default, of the same steepness.
- The gains ``1 - alpha`` of norse's neurons are in the weights, those of snnTorch's
  integrator in the logits.
- torch's script takes no autograd function: its surrogate is a straight-through one.

A contestant is a function of (X, y), batches of spikes and classes, that returns a
`Contestant`.
"""

import torch_loops
from recurrent_task import (
    ALPHA,
    BATCH_SIZE,
    BETA,
    LEARNING_RATE,
    N_CLASSES,
    N_HIDDEN,
    N_INPUTS,
    N_STEPS,
    SCALES,
    THRESHOLD,
    Contestant,
    shares_of_steps,
)


def make_ours(engine, neuron):
    """Return the contestant of one of our engines, with one kind of hidden neurons."""

    def make(X, y):
        import numpy as np

        from sklearn_snn import SpikingClassifier
        from sklearn_snn._model.parameters import copied_side_by_side, learning
        from sklearn_snn._training.optimizers import Adam

        model = SpikingClassifier(
            (N_HIDDEN,),
            neuron=neuron,
            recurrent=True,
            readout="membrane_mean",
            engine=engine,
            random_state=0,
        )
        # For the first guess of the weights, and to compile.
        model.partial_fit(X[0], y[0], classes=np.arange(N_CLASSES))
        runner = model._engine(X[0])
        params = copied_side_by_side(model._learned_params())
        arrays = learning(runner.network, params)
        optimizer = Adam(arrays, take_step=runner.take_adam_step)
        loss_weights = np.full(BATCH_SIZE, 1 / BATCH_SIZE)

        def evaluate(i):
            return runner.loss_and_gradients(params, X[i], y[i], loss_weights)

        def step(i):
            result = evaluate(i)
            optimizer.update(learning(runner.network, result.gradients), LEARNING_RATE)
            return result.loss

        def firing_rate(i):
            return evaluate(i).n_spikes[0].mean() / (BATCH_SIZE * N_STEPS)

        return Contestant(step, firing_rate, sum(a.size for a in arrays))

    return make


def _torch_layers():
    """Return the three products of the network, with their first weights."""
    import torch

    layers = torch.nn.ModuleDict(
        {
            "inputs": torch.nn.Linear(N_INPUTS, N_HIDDEN),
            "recurrent": torch.nn.Linear(N_HIDDEN, N_HIDDEN, bias=False),
            "output": torch.nn.Linear(N_HIDDEN, N_CLASSES),
        }
    )
    for name, scale in SCALES.items():
        layers[name].weight.data *= scale
    return layers


def _torch_contestant(X, y, net, run, groups=None):
    """Return the contestant of a torch network.

    Parameters
    ----------
    X, y : ndarrays
        X may be a list of tensors, as `run` takes them.
    net : torch.nn.Module
    run : callable
        Returns logits, and hidden spikes of any shape, of a batch of shape
        (batch_size, n_steps, n_inputs).
    groups : list of dicts, default=None
        Parameters with learning rates of their own; None is all with one.
    """
    import torch

    y = torch.tensor(y)
    if not isinstance(X, list):
        X = torch.tensor(X, dtype=torch.float32)
    optimizer = torch.optim.Adam(groups or net.parameters(), lr=LEARNING_RATE)

    def step(i):
        loss = torch.nn.functional.cross_entropy(run(X[i])[0], y[i])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    def firing_rate(i):
        with torch.no_grad():
            return run(X[i])[1].mean().item()

    return Contestant(step, firing_rate, sum(p.numel() for p in net.parameters()))


def make_spikingjelly(X, y):
    """Use the multi-step mode of its container for recurrence."""
    import torch
    from spikingjelly.activation_based import functional, layer, neuron, surrogate

    layers, tau = _torch_layers(), 1 / (1 - ALPHA)

    class Recurrence(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.weights = layers["recurrent"]

        def forward(self, spikes, current):
            return current + self.weights(spikes)

    lif = neuron.LIFNode(
        tau=tau,
        decay_input=False,
        v_threshold=THRESHOLD,
        v_reset=None,
        surrogate_function=surrogate.Sigmoid(alpha=BETA),
    )
    hidden = layer.ElementWiseRecurrentContainer(lif, Recurrence(), step_mode="m")
    integrator = neuron.NonSpikingLIFNode(tau=tau, decode="mean-mem")
    net = torch.nn.ModuleList([layers, hidden])

    def run(x):
        functional.reset_net(hidden)
        spikes = hidden(layers["inputs"](x).transpose(0, 1))
        return integrator(layers["output"](spikes)), spikes

    return _torch_contestant(X, y, net, run)


def make_snntorch(X, y):
    """Loop over time, as in its tutorials."""
    import snntorch
    import torch
    from snntorch import surrogate

    layers = _torch_layers()
    hidden = snntorch.RLeaky(
        beta=ALPHA,
        linear_features=N_HIDDEN,
        threshold=THRESHOLD,
        reset_mechanism="subtract",
        spike_grad=surrogate.sigmoid(slope=BETA),
    )
    hidden.recurrent.weight.data *= SCALES["recurrent"]
    integrator = snntorch.Leaky(beta=ALPHA, reset_mechanism="none")
    net = torch.nn.ModuleList([layers["inputs"], layers["output"], hidden, integrator])

    def run(x):
        s, v = hidden.reset_mem()
        u = integrator.reset_mem()
        spikes, membranes = [], []
        for current in layers["inputs"](x).unbind(1):
            s, v = hidden(current, s, v)
            spikes.append(s)
        spikes = torch.stack(spikes)
        for current in layers["output"](spikes):
            _, u = integrator(current, u)
            membranes.append(u)
        return (1 - ALPHA) * torch.stack(membranes).mean(0), spikes

    return _torch_contestant(X, y, net, run)


def make_norse(X, y):
    """Loop over time with its cells that have no synaptic current."""
    import torch
    from norse.torch import LIBoxCell, LIBoxParameters, LIFBoxCell, LIFBoxParameters
    from norse.torch.functional.reset import reset_subtract

    # v += dt * tau_mem_inv * (v_leak - v + x): the factor on x goes into the weights.
    dt = 1e-3
    tau_mem_inv = torch.tensor((1 - ALPHA) / dt)
    layers = _torch_layers()
    to_hidden = [*layers["inputs"].parameters(), *layers["recurrent"].parameters()]
    for array in to_hidden:
        array.data /= 1 - ALPHA
    groups = [
        {"params": to_hidden, "lr": LEARNING_RATE / (1 - ALPHA)},
        {"params": layers["output"].parameters()},
    ]
    lif = LIFBoxCell(
        LIFBoxParameters(
            tau_mem_inv=tau_mem_inv,
            v_th=torch.tensor(THRESHOLD),
            method="super",
            alpha=torch.tensor(BETA),
            reset_method=reset_subtract,
        ),
        dt=dt,
    )
    integrator = LIBoxCell(LIBoxParameters(tau_mem_inv=tau_mem_inv), dt=dt)

    def run(x):
        s, state = torch.zeros(len(x), N_HIDDEN), None
        spikes, membranes = [], []
        for current in layers["inputs"](x).unbind(1):
            s, state = lif(current + layers["recurrent"](s), state)
            spikes.append(s)
        spikes, state = torch.stack(spikes), None
        for current in layers["output"](spikes):
            u, state = integrator(current, state)
            membranes.append(u)
        return torch.stack(membranes).mean(0), spikes

    return _torch_contestant(X, y, layers, run, groups)


def make_torch(is_sparse, make_loop=torch_loops.scripted_recurrent):
    """Return the contestant of torch alone, with a loop of `torch_loops.py`.

    With a sparse matrix as the input, its product with the weights takes less time.
    """

    def make(X, y):
        import torch

        layers, loop = _torch_layers(), make_loop()
        inputs, output = layers["inputs"], layers["output"]
        shares = torch.tensor(shares_of_steps(), dtype=torch.float32)

        def run(x):
            if is_sparse:
                currents = torch.sparse.mm(x, inputs.weight.t()) + inputs.bias
                currents = currents.view(N_STEPS, -1, N_HIDDEN)
            else:
                currents = inputs(x).transpose(0, 1).contiguous()
            recurrent = layers["recurrent"].weight.t()
            spikes = loop(currents, recurrent, ALPHA, THRESHOLD, BETA)
            summed = torch.tensordot(shares, spikes, 1)
            logits = summed @ output.weight.t() + shares.sum() * output.bias
            return logits, spikes

        if is_sparse:
            by_step = X.swapaxes(1, 2).reshape(len(X), -1, N_INPUTS)
            X = [torch.tensor(x, dtype=torch.float32).to_sparse_csr() for x in by_step]
        return _torch_contestant(X, y, layers, run)

    return make


def make_jax(X, y):
    """Compile one function per batch: a scan over time, gradient and Adam."""
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

    shares = jnp.asarray(shares_of_steps(), jnp.float32)

    def run(params, x):
        (w_in, b_in), (w_rec,), (w_out, b_out) = params

        def hidden(carry, current):
            v, s = carry
            u = ALPHA * v + current + s @ w_rec
            s = spike(u - THRESHOLD)
            return (u - THRESHOLD * s, s), s

        zeros = jnp.zeros((len(x), N_HIDDEN))
        currents = (x @ w_in + b_in).transpose(1, 0, 2)
        _, spikes = jax.lax.scan(hidden, (zeros, zeros), currents)
        summed = jnp.tensordot(shares, spikes, 1)
        return summed @ w_out + shares.sum() * b_out, spikes

    def loss(params, x, y):
        log_p = jax.nn.log_softmax(run(params, x)[0])
        return -log_p[jnp.arange(len(y)), y].mean()

    @jax.jit
    def train(state, x, y):
        params, means, squares, t = state
        value, grads = jax.value_and_grad(loss)(params, x, y)
        t += 1
        means = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, means, grads)
        squares = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g**2, squares, grads)

        def update(p, m, v):
            m, v = m / (1 - 0.9**t), v / (1 - 0.999**t)
            return p - LEARNING_RATE * m / (jnp.sqrt(v) + 1e-8)

        return (jax.tree.map(update, params, means, squares), means, squares, t), value

    rng = np.random.default_rng(0)

    def first(n_in, n_out, name):
        weights = SCALES[name] * rng.uniform(-1, 1, (n_in, n_out)) / n_in**0.5
        return jnp.asarray(weights, jnp.float32)

    params = (
        (first(N_INPUTS, N_HIDDEN, "inputs"), jnp.zeros(N_HIDDEN)),
        (first(N_HIDDEN, N_HIDDEN, "recurrent"),),
        (first(N_HIDDEN, N_CLASSES, "output"), jnp.zeros(N_CLASSES)),
    )
    zeros = jax.tree.map(jnp.zeros_like, params)
    state = [(params, zeros, zeros, 0)]
    X = [jnp.asarray(x, jnp.float32) for x in X]
    y = [jnp.asarray(classes, jnp.int32) for classes in y]

    def step(i):
        state[0], value = jax.block_until_ready(train(state[0], X[i], y[i]))
        return float(value)

    @jax.jit
    def rate(params, x):
        return run(params, x)[1].mean()

    def firing_rate(i):
        return float(rate(state[0][0], X[i]))

    return Contestant(step, firing_rate, sum(p.size for p in jax.tree.leaves(params)))


# name: (function, whether torch flushes subnormal numbers, package)
RECURRENT = {
    "sklearn-snn, numba": (make_ours("numba", "lif"), None, "sklearn-snn"),
    "sklearn-snn, numpy": (make_ours("numpy", "lif"), None, "sklearn-snn"),
    "sklearn-snn, numba, adlif": (make_ours("numba", "adlif"), None, "sklearn-snn"),
    "SpikingJelly": (make_spikingjelly, False, "spikingjelly"),
    "SpikingJelly, flushed": (make_spikingjelly, True, "spikingjelly"),
    "snnTorch": (make_snntorch, False, "snntorch"),
    "snnTorch, flushed": (make_snntorch, True, "snntorch"),
    "norse": (make_norse, False, "norse"),
    "norse, flushed": (make_norse, True, "norse"),
    "torch, scripted loop": (make_torch(False), False, "torch"),
    "torch, scripted loop, flushed": (make_torch(False), True, "torch"),
    "torch, scripted loop, sparse input, flushed": (make_torch(True), True, "torch"),
    "torch, own backward, sparse input, flushed": (
        make_torch(True, torch_loops.own_recurrent),
        True,
        "torch",
    ),
    "JAX, jitted scan": (make_jax, None, "jax"),
}
