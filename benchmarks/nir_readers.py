"""Graphs of NIR in the simulators that read them, and the spikes of their layers.

snnTorch and norse have weights of float32; SpikingJelly is asked for float64.
"""

import contextlib
import io

import numpy as np
import torch


def snntorch(graph, dt=1e-4):
    """Read a graph as snnTorch does, in float32: it has no choice of dt."""
    from snntorch.import_nir import import_from_nir

    with contextlib.redirect_stdout(io.StringIO()):
        return import_from_nir(graph)


def spikingjelly(graph, dt=1e-4):
    """Read a graph as SpikingJelly does, in float64."""
    from spikingjelly.activation_based.nir_exchange import import_from_nir

    return import_from_nir(graph, dt=dt, dtype=torch.float64)


def norse(graph, dt=1e-4):
    """Read a graph as norse does, in float32."""
    from norse.torch import from_nir

    return from_nir(graph, dt=dt, ignore_warnings=True)


BACKENDS = {"snnTorch": snntorch, "SpikingJelly": spikingjelly, "norse": norse}


def spikes_in(backend, graph, X, dt=1e-4):
    """Return the spikes of each layer, (n_samples, n_steps, n_units), in a backend.

    Parameters
    ----------
    backend : str
    graph : nir.NIRGraph
        Of `to_nir`.
    X : ndarray of shape (n_samples, n_steps, n_features)
    dt : float
    """
    module = BACKENDS[backend](graph, dt)
    dtype = torch.float64 if backend == "SpikingJelly" else torch.float32
    names = sorted(name for name in graph.nodes if name.endswith("_lif"))
    spikes, state = {name: [] for name in names}, None

    def keep(name):
        def hook(_, inputs, output):
            output = output[0] if isinstance(output, tuple) else output
            spikes[name].append(output.numpy() != 0)

        return hook

    for name in names:
        module.get_submodule(name).register_forward_hook(keep(name))
    with torch.no_grad():
        for t in range(X.shape[1]):
            _, state = module(torch.from_numpy(X[:, t]).to(dtype), state)
    return [np.stack(spikes[name], axis=1) for name in names]


def outputs_in(backend, graph, X):
    """Return what a backend has for outputs, (n_samples, n_steps, n_outputs)."""
    module, outputs, state = BACKENDS[backend](graph), [], None
    with torch.no_grad():
        for t in range(X.shape[1]):
            out, state = module(torch.from_numpy(X[:, t]).float(), state)
            outputs.append(out.numpy())
    return np.stack(outputs, axis=1)


def first_differences(record, spikes):
    """Return how near to its threshold each membrane was whose spikes differ first.

    Parameters
    ----------
    record : SimulationRecord
    spikes : list of ndarrays
        Of the same network elsewhere.

    Returns
    -------
    distances : list of float
        Of the neurons, in each sample whose spikes differ, that are the first to: in
        the earliest step, and there in the lowest layer. What follows follows from it.
    """
    distances = []
    differ = [a != b for a, b in zip(record.spikes, spikes, strict=True)]
    for i in range(len(spikes[0])):
        steps = [d[i].any(axis=1) for d in differ]
        found = [(int(s.argmax()), layer) for layer, s in enumerate(steps) if s.any()]
        if found:
            t, layer = min(found)
            u = record.membranes[layer][i, t] - record.thresholds[layer]
            distances += np.abs(u[differ[layer][i, t]]).tolist()
    return distances
