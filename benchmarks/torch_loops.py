"""Networks of torch alone: the loops that a user would write, at their fastest.

Layer after layer, as no layer hears a later one: a product for all steps, then the loop
over time of its neurons. Three loops:

plain
    As in tutorials: the surrogate is an autograd function of one step, and torch keeps
    what the backward pass needs.
compiled
    The same, of which `torch.compile` unrolls some steps at a time and makes code of
    C++: the more it unrolls, the longer it compiles.
own backward
    One autograd function for all steps, with its backward pass written by hand: three
    operations a step forward and one backward, all else for all steps at once.

Neurons are those of `contestants.py`.
"""

ALPHA, THRESHOLD, BETA = 0.95, 0.6, 5.0
COMPILED_STEPS = 25


def _plain(is_compiled):
    """Return a function from currents, steps first, to spikes."""
    import torch

    class Spike(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return (x > 0).to(x.dtype)

        @staticmethod
        def backward(ctx, grad):
            s = torch.sigmoid(BETA * ctx.saved_tensors[0])
            return grad * BETA * s * (1 - s)

    def steps(v, currents):
        spikes = []
        for current in currents.unbind(0):
            u = ALPHA * v + current
            s = Spike.apply(u - THRESHOLD)
            v = u * (1 - s)
            spikes.append(s)
        return v, torch.stack(spikes)

    if not is_compiled:
        return lambda currents: steps(torch.zeros_like(currents[0]), currents)[1]
    compiled = torch.compile(steps, dynamic=False)

    def lif(currents):
        # With a gradient as later ones have, or it would be compiled for both.
        v = torch.zeros_like(currents[0], requires_grad=torch.is_grad_enabled())
        spikes = []
        for some in currents.split(COMPILED_STEPS):
            v, s = compiled(v, some)
            spikes.append(s)
        return torch.cat(spikes)

    return lif


def _own_backward():
    """Return the same function with a backward pass of its own.

    With ``h`` the derivative of the surrogate, ``du[t] = h[t] * ds[t] + dv[t] * (1 -
    s[t] - u[t] * h[t])`` and ``dv[t] = alpha * du[t + 1]``.
    """
    import torch

    class LIF(torch.autograd.Function):
        @staticmethod
        def forward(ctx, currents):
            u, below = torch.empty_like(currents), torch.empty_like(currents)
            v = torch.zeros_like(currents[0])
            steps = zip(*(x.unbind(0) for x in (currents, u, below)), strict=True)
            for current, now, is_below in steps:
                torch.add(current, v, alpha=ALPHA, out=now)
                torch.le(now, THRESHOLD, out=is_below)
                torch.mul(now, is_below, out=v)
            ctx.save_for_backward(u, below)
            return 1 - below

        @staticmethod
        def backward(ctx, grad):
            u, below = ctx.saved_tensors
            h = (u - THRESHOLD).mul_(BETA).sigmoid_()
            h = h.mul_(1 - h).mul_(BETA)
            grad = grad * h
            kept = below.addcmul(u, h, value=-1).mul_(ALPHA)
            later = None
            for now, factor in zip(
                reversed(grad.unbind(0)), reversed(kept.unbind(0)), strict=True
            ):
                if later is not None:
                    now.addcmul_(later, factor)
                later = now
            return grad

    return LIF.apply


def make_network(n_inputs, n_hidden, kind):
    """Return a network with 10 outputs, and what maps its input to spike counts.

    Parameters
    ----------
    n_inputs, n_hidden : int
    kind : {"plain", "compiled", "own backward"}

    Returns
    -------
    net : torch.nn.Module
    to_counts : callable
        Of input of shape (n_steps, n_samples, n_inputs).
    """
    import torch

    net = torch.nn.ModuleList(
        [torch.nn.Linear(n_inputs, n_hidden), torch.nn.Linear(n_hidden, 10)]
    )
    lif = _own_backward() if kind == "own backward" else _plain(kind == "compiled")

    def to_counts(x):
        return lif(net[1](lif(net[0](x)))).sum(0)

    return net, to_counts


def byte_spikes(images, n_steps):
    """Return Poisson spikes of images in bytes, eight to a random number.

    Random numbers of 32 bits for each spike that may be take as long as the network.
    An intensity fires with a probability of 256ths where others take 255ths.
    """
    import torch

    shape = n_steps, *images.shape
    n_words = -(-n_steps * images.numel() // 8)
    words = torch.empty(n_words, dtype=torch.int64).random_(-(2**63), None)
    chance = words.view(torch.uint8)[: n_steps * images.numel()].view(shape)
    return (chance < images).float()


def scripted_recurrent():
    """Return a loop of recurrent neurons, reset by subtraction, as torch scripts it.

    Of currents, steps first, recurrent weights, leak, threshold and steepness; returns
    spikes. The script takes no autograd function: its surrogate is a straight-through
    one.
    """
    import torch

    def loop(
        currents: torch.Tensor,
        weights: torch.Tensor,
        alpha: float,
        threshold: float,
        beta: float,
    ) -> torch.Tensor:
        v = torch.zeros_like(currents[0])
        s = v
        spikes = []
        for current in currents.unbind(0):
            u = torch.add(torch.addmm(current, s, weights), v, alpha=alpha)
            x = u - threshold
            smooth = torch.sigmoid(beta * x)
            s = ((x > 0).to(smooth.dtype) - smooth).detach() + smooth
            v = torch.sub(u, s, alpha=threshold)
            spikes.append(s)
        return torch.stack(spikes)

    return torch.jit.script(loop)


def own_recurrent():
    """Return the same loop as one autograd function, with a backward pass of its own.

    With ``h`` the derivative of the surrogate, ``du[t] = h[t] * (ds[t] + du[t + 1] W^T)
    + alpha * du[t + 1] * (1 - threshold * h[t])``; the gradient of W is one product for
    all steps.
    """
    import torch

    class Recurrent(torch.autograd.Function):
        @staticmethod
        def forward(ctx, currents, weights, alpha, threshold, beta):
            u, spikes = torch.empty_like(currents), torch.empty_like(currents)
            s = v = torch.zeros_like(currents[0])
            steps = zip(*(x.unbind(0) for x in (currents, u, spikes)), strict=True)
            for current, now, fired in steps:
                torch.addmm(current, s, weights, out=now).add_(v, alpha=alpha)
                s = torch.gt(now, threshold, out=fired)
                v = torch.sub(now, s, alpha=threshold)
            ctx.save_for_backward(u, spikes, weights)
            ctx.constants = alpha, threshold, beta
            return spikes

        @staticmethod
        def backward(ctx, grad):
            u, spikes, weights = ctx.saved_tensors
            alpha, threshold, beta = ctx.constants
            h = (u - threshold).mul_(beta).sigmoid_()
            h = h.mul_(1 - h).mul_(beta)
            kept = (1 - threshold * h).mul_(alpha)
            du, later = torch.empty_like(u), None
            heard = weights.t()
            for t in reversed(range(len(u))):
                if later is None:
                    torch.mul(h[t], grad[t], out=du[t])
                else:
                    torch.mul(torch.addmm(grad[t], later, heard), h[t], out=du[t])
                    du[t].addcmul_(later, kept[t])
                later = du[t]
            earlier, after = (
                x.reshape(-1, len(weights)) for x in (spikes[:-1], du[1:])
            )
            return du, earlier.t() @ after, None, None, None

    return Recurrent.apply
