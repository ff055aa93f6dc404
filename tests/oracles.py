"""Independent implementations of the network, by automatic differentiation in torch."""

import numpy as np
import pytest

# A test that imports this module is skipped without them; what needs none still runs.
torch = pytest.importorskip("torch")
sj_neuron = pytest.importorskip("spikingjelly.activation_based.neuron")
sj_surrogate = pytest.importorskip("spikingjelly.activation_based.surrogate")
functional = torch.nn.functional
# For products as small as here a second thread costs many times what it brings.
torch.set_num_threads(1)

# Derivatives of the surrogates, written down once more from their definitions.
SURROGATE_DERIVATIVES = {
    "sigmoid": lambda x, b: b * torch.sigmoid(b * x) * (1 - torch.sigmoid(b * x)),
    "fast_sigmoid": lambda x, b: b / 2 / (1 + b * x.abs()) ** 2,
    "atan": lambda x, b: b / 2 / (1 + (torch.pi / 2 * b * x) ** 2),
    "triangular": lambda x, b: b * torch.clamp(1 - b * x.abs(), min=0),
}

SPIKINGJELLY_SURROGATES = {
    "sigmoid": sj_surrogate.Sigmoid,
    "fast_sigmoid": sj_surrogate.SoftSign,
    "atan": sj_surrogate.ATan,
    "triangular": sj_surrogate.PiecewiseQuadratic,
}


class _Spike(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, derivative, beta):
        ctx.save_for_backward(x)
        ctx.derivative, ctx.beta = derivative, beta
        return (x > 0).to(x.dtype)

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return grad * ctx.derivative(x, ctx.beta), None, None


def _fire(u, neuron, threshold):
    """Return spikes, and the membranes that their resets leave."""
    derivative = SURROGATE_DERIVATIVES[neuron.surrogate]
    s = _Spike.apply(u - threshold, derivative, neuron.beta)
    r = s.detach() if neuron.detach_reset else s
    v = {"zero": u * (1 - r), "subtract": u - threshold * r, "none": u}
    return s, v[neuron.reset]


def _felt(spikes, p):
    """Return what neurons hear of the spikes of the step before."""
    if "recurrent" not in p or not spikes:
        return 0
    return (spikes[-1] * p["kept"]) @ p["recurrent"]


# Every line is one of the defining equations. A layer gets its currents over time, and
# returns membranes and spikes.


def _lif_layer(current, neuron, p):
    alpha, v = p["alpha"], torch.zeros_like(current[0])
    gain = 1 if neuron.has_unit_gain else 1 - alpha
    membranes, spikes = [], []
    for current_t in current:
        u = alpha * v + gain * (current_t + _felt(spikes, p))
        s, v = _fire(u, neuron, p["threshold"])
        membranes.append(u)
        spikes.append(s)
    return torch.stack(membranes), torch.stack(spikes)


def _adlif_layer(current, neuron, p):
    alpha, rho, a, b = (p[name] for name in ("alpha", "rho", "a", "b"))
    v, w = torch.zeros_like(current[0]), torch.zeros_like(current[0])
    membranes, spikes = [], []
    for current_t in current:
        u = alpha * v + (1 - alpha) * (current_t + _felt(spikes, p) - w)
        s, v = _fire(u, neuron, p["threshold"])
        w = rho * w + (1 - rho) * neuron.q * (a * v + b * s)
        membranes.append(u)
        spikes.append(s)
    return torch.stack(membranes), torch.stack(spikes)


def _cuba_layer(current, neuron, p):
    alpha, alpha_syn = p["alpha"], p["alpha_syn"]
    v, i = torch.zeros_like(current[0]), torch.zeros_like(current[0])
    membranes, spikes = [], []
    for current_t in current:
        i = alpha_syn * i + (1 - alpha_syn) * (current_t + _felt(spikes, p))
        u = alpha * v + (1 - alpha) * i
        s, v = _fire(u, neuron, p["threshold"])
        membranes.append(u)
        spikes.append(s)
    return torch.stack(membranes), torch.stack(spikes)


def _integrator_layer(current, neuron, p):
    u, membranes = torch.zeros_like(current[0]), []
    for current_t in current:
        u = p["alpha"] * u + (1 - p["alpha"]) * current_t
        membranes.append(u)
    return torch.stack(membranes), torch.zeros_like(current)


TORCH_LAYERS = {
    "LIF": _lif_layer,
    "AdLIF": _adlif_layer,
    "CUBA": _cuba_layer,
    "LeakyIntegrator": _integrator_layer,
}


def _torch_layer(current, neuron, p):
    return TORCH_LAYERS[type(neuron).__name__](current, neuron, p)


def _spikingjelly_layer(current, neuron, p):
    layer = sj_neuron.LIFNode(
        tau=1 / (1 - p["alpha"][0].item()),
        decay_input=not neuron.has_unit_gain,
        v_threshold=p["threshold"][0].item(),
        v_reset={"zero": 0.0, "subtract": None}[neuron.reset],
        surrogate_function=SPIKINGJELLY_SURROGATES[neuron.surrogate](alpha=neuron.beta),
        detach_reset=neuron.detach_reset,
        step_mode="m",
    ).to(current.dtype)
    return None, layer(current)


LAYERS = {"torch": _torch_layer, "spikingjelly": _spikingjelly_layer}

LOSSES = {
    "cross_entropy": lambda z, y: functional.cross_entropy(z, y, reduction="none"),
    "logistic": lambda z, y: functional.binary_cross_entropy_with_logits(
        z, y, reduction="none"
    ).sum(dim=1),
    "squared_error": lambda z, y: ((z - y) ** 2).mean(dim=1) / 2,
}


def _outputs(readout, membranes, spikes, p):
    """Return the outputs, for the loss, of what the last layer did over time."""
    u, s = membranes, spikes[readout.start :]
    u = u if u is None else u[readout.start :]  # one that is not known
    counts = readout.name in ("spike_count", "soft_count")
    scale = readout.scale
    if scale == "auto":
        scale = 10 / len(s) if counts else 1
    if counts:
        middle = len(s) / 2 if readout.is_signed else 0
        count = s.sum(dim=0)
        if readout.name == "soft_count":
            count = count + u.mean(dim=0) / p["threshold"]
        return scale * (count - middle)
    if readout.name == "softmax_mean":
        if readout.is_signed:
            return torch.logit(torch.sigmoid(scale * u).mean(dim=0))
        return functional.softmax(scale * u, dim=2).mean(dim=0).log()
    return (
        scale
        * {
            "membrane_mean": lambda: u.mean(dim=0),
            "membrane_last": lambda: u[-1],
            "membrane_max": lambda: u.max(dim=0).values,
        }[readout.name]()
    )


def _outputs_of_steps(readout, membranes):
    """Return the outputs of each step, (n_samples, n_steps, n_outputs)."""
    scale = 1 if readout.scale == "auto" else readout.scale
    is_read = torch.arange(len(membranes)) >= readout.start
    return (scale * membranes * is_read[:, None, None]).transpose(0, 1)


def _restrain(restraint, index, s):
    """Return what the next layer receives, and a penalty for each sample."""
    sent, penalty = s, 0
    if restraint.kept is not None:
        sent = s * torch.tensor(restraint.kept[index])
    if restraint.bounds is not None:
        low, high = restraint.bounds[index]
        rate = s.mean(dim=(0, 2))
        beyond = torch.relu(rate - high) ** 2 + torch.relu(low - rate) ** 2
        penalty = restraint.strength / 2 * beyond
    return sent, penalty


def loss_and_gradients(library, case):
    """Return spikes of all layers, the loss, outputs, and gradients, as numpy arrays.

    The loss has the penalty of the case's restraint. The gradients are those of
    weights, biases, and constants that learn, by layer. X has shape (n_samples,
    n_steps, n_features), or (n_samples, n_features) for a constant current.
    """
    dtype, X = case.params[0]["coef"].dtype, np.asarray(case.X)
    params = [
        {name: torch.tensor(array.astype(dtype)) for name, array in p.items()}
        for p in case.params
    ]
    if X.ndim == 2:
        X = np.repeat(X[:, np.newaxis], case.n_steps, axis=1)
    x = torch.tensor(X.astype(dtype)).transpose(0, 1)
    spikes, leaves, penalty = [], [], 0
    for index, (layer, p) in enumerate(zip(case.network.layers, params, strict=True)):
        names = [name for name in ("coef", "intercept", "recurrent") if name in p]
        names += layer.neuron.learned
        leaves.append({name: p[name].requires_grad_() for name in names})
        if layer.recurrent:
            kept = case.restraint.heard(index)
            p["kept"] = 1 if kept is None else torch.tensor(kept)
        current = x @ p["coef"] + p["intercept"]
        membranes, x = LAYERS[library](current, layer.neuron, p)
        spikes.append(x)
        if index + 1 < len(params):
            x, of_layer = _restrain(case.restraint, index, x)
            penalty = penalty + of_layer
    shares, targets = torch.tensor(case.shares), torch.tensor(case.targets)
    if case.network.readout.per_step:
        outputs = _outputs_of_steps(case.network.readout, membranes)
        losses = LOSSES[case.network.loss](outputs.flatten(0, 1), targets.flatten(0, 1))
        loss = (shares.flatten() * losses).sum() + (shares.sum(dim=1) * penalty).sum()
    else:
        outputs = _outputs(case.network.readout, membranes, x, p)
        losses = LOSSES[case.network.loss](outputs, targets)
        loss = (shares * (losses + penalty)).sum()
    loss.backward()
    return (
        [s.detach().numpy() for s in spikes],
        loss.item(),
        outputs.detach().numpy(),
        [{name: _gradient(p) for name, p in of.items()} for of in leaves],
    )


def _gradient(p):
    """Return the gradient of a leaf; torch has none for what has no effect."""
    return (torch.zeros_like(p) if p.grad is None else p.grad).numpy()
