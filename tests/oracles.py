"""Independent implementations of the network, by automatic differentiation in torch."""

import numpy as np
import pytest

# A test that imports this module is skipped without them; what needs none still runs.
torch = pytest.importorskip("torch")
sj_neuron = pytest.importorskip("spikingjelly.activation_based.neuron")
sj_surrogate = pytest.importorskip("spikingjelly.activation_based.surrogate")

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


def _torch_layer(current, neuron):
    """Step through a layer; every line is one of the defining equations."""
    v = torch.zeros_like(current[0])
    spikes = []
    for current_t in current:
        u = neuron.alpha * v + current_t
        s = _Spike.apply(
            u - neuron.threshold, SURROGATE_DERIVATIVES[neuron.surrogate], neuron.beta
        )
        spikes.append(s)
        r = s.detach() if neuron.detach_reset else s
        if neuron.reset == "zero":
            v = u * (1 - r)
        elif neuron.reset == "subtract":
            v = u - neuron.threshold * r
        else:
            v = u
    return torch.stack(spikes)


def _spikingjelly_layer(current, neuron):
    layer = sj_neuron.LIFNode(
        tau=1 / (1 - neuron.alpha),
        decay_input=False,
        v_threshold=neuron.threshold,
        v_reset={"zero": 0.0, "subtract": None}[neuron.reset],
        surrogate_function=SPIKINGJELLY_SURROGATES[neuron.surrogate](alpha=neuron.beta),
        detach_reset=neuron.detach_reset,
        step_mode="m",
    ).to(current.dtype)
    return layer(current)


LAYERS = {"torch": _torch_layer, "spikingjelly": _spikingjelly_layer}


def loss_and_gradients(library, network, coefs, intercepts, X, y, shares):
    """Return spikes of all layers, the loss, and the gradients, all as numpy arrays.

    X has shape (n_samples, n_steps, n_features), or (n_samples, n_features) for a
    constant current.
    """
    params = [torch.tensor(p, requires_grad=True) for p in (*coefs, *intercepts)]
    weights, biases = params[: len(coefs)], params[len(coefs) :]
    if X.ndim == 2:
        X = np.repeat(X[:, np.newaxis], network.n_steps, axis=1)
    x = torch.tensor(X.astype(coefs[0].dtype)).transpose(0, 1)
    spikes = []
    for w, b in zip(weights, biases, strict=True):
        x = LAYERS[library](x @ w + b, network.neuron)
        spikes.append(x)
    logits = network.logit_scale * x.sum(dim=0)
    losses = torch.nn.functional.cross_entropy(
        logits, torch.tensor(y), reduction="none"
    )
    loss = (torch.tensor(shares) * losses).sum()
    loss.backward()
    return (
        [s.detach().numpy() for s in spikes],
        loss.item(),
        [w.grad.numpy() for w in weights],
        [b.grad.numpy() for b in biases],
    )
