"""Graphs of NIR that are made by hand, and what its equations say of them."""

from itertools import pairwise

import nir
import numpy as np

DT = 1e-4
# Of all numbers in them; a test sets it to its beginning.
rng = np.random.default_rng(0)


def numbers(low, high, n):
    return rng.uniform(low, high, n)


def lif(n=4, **fields):
    """Return neurons that differ in all that they may."""
    leak = numbers(-0.2, 0.3, n)
    default = {
        "tau": numbers(2, 20, n) * DT,
        "r": numbers(1, 12, n),
        "v_leak": leak,
        "v_reset": leak.copy(),
        "v_threshold": leak + numbers(0.3, 1, n),
    }
    return nir.LIF(**(default | fields))


def plain(n=3, **fields):
    """Return neurons that are all alike."""
    default = {"tau": 1e-3, "r": 10.0, "v_leak": 0.0, "v_reset": 0.0, "v_threshold": 1}
    return nir.LIF(**{k: np.full(n, v, float) for k, v in (default | fields).items()})


def cuba(n=4, **fields):
    neurons = lif(n)
    default = {
        "tau_mem": neurons.tau,
        "tau_syn": numbers(1, 6, n) * DT,
        "w_in": numbers(1, 3, n),
        **{k: getattr(neurons, k) for k in ("r", "v_leak", "v_reset", "v_threshold")},
    }
    return nir.CubaLIF(**(default | fields))


def weights(n_inputs, n_units, has_bias=True):
    weight = rng.normal(0.2, 0.3, (n_units, n_inputs))
    return (
        nir.Affine(weight, rng.normal(0, 0.1, n_units))
        if has_bias
        else nir.Linear(weight)
    )


def chain(*nodes, n_inputs=6, **metadata):
    """Return a graph of nodes in a row."""
    named = {"input": nir.Input({"input": np.array([n_inputs])})}
    named |= {f"n{i}": node for i, node in enumerate(nodes)}
    last = [*named.values()][-1].output_type
    named["output"] = nir.Output({"output": np.array(next(iter(last.values())))})
    edges = [*pairwise(named)]
    return nir.NIRGraph(named, edges, metadata=metadata, type_check=False)


def loop(neurons, around):
    """Return the graph of neurons that hear each other."""
    shape = neurons.v_threshold.shape
    nodes = {
        "in": nir.Input({"input": np.array(shape)}),
        "neurons": neurons,
        "around": around,
        "out": nir.Output({"output": np.array(shape)}),
    }
    edges = [("in", "neurons"), ("neurons", "around"), ("around", "neurons")]
    return nir.NIRGraph(nodes, [*edges, ("neurons", "out")])


def integrated(nodes, x, dt=DT, decay=lambda tau, dt: 1 - dt / tau):
    """Return what each neuron node of a row does, from the equations of NIR.

    Spikes, or the membrane of a nir.LI, of shape (n_samples, n_steps, n_units).
    """
    found = []
    for node in nodes:
        around = None
        if isinstance(node, nir.NIRGraph):
            node, around = node.nodes["neurons"], node.nodes["around"]
        if isinstance(node, nir.Linear | nir.Affine):
            x = x @ node.weight.T + getattr(node, "bias", 0)
            continue
        leak = getattr(node, "v_leak", getattr(node, "v_reset", None))
        v = np.zeros((len(x), *node.output_type["output"])) + leak
        i, s, steps = np.zeros_like(v), np.zeros_like(v), []
        for t in range(x.shape[1]):
            current = x[:, t]
            if around is not None:
                current = current + s @ around.weight.T + getattr(around, "bias", 0)
            if isinstance(node, nir.CubaLIF):
                kept = decay(node.tau_syn, dt)
                i = current = kept * i + (1 - kept) * node.w_in * current
            if isinstance(node, nir.IF):
                v = v + dt * node.r * current
            else:
                tau = getattr(node, "tau", getattr(node, "tau_mem", None))
                kept = decay(tau, dt)
                v = kept * v + (1 - kept) * (node.v_leak + node.r * current)
            if isinstance(node, nir.LI):
                steps.append(v)
                continue
            s = (v > node.v_threshold).astype(float)
            v = np.where(s, node.v_reset, v)
            steps.append(s)
        x = np.stack(steps, axis=1)
        found.append(x)
    return found
