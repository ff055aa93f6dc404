"""From a graph of NIR to a chain of layers, or to the name of what is in the way.

A network here is a chain: weights, neurons, weights, neurons, and beside neurons the
weights of what they hear of each other. Graphs within the graph are taken for what is
in them, weights that follow each other are multiplied, and images that are flattened
before anything else are what they are to `reshape`.
"""

import numpy as np

from sklearn_snn.nir._layers import NodeLayer

_WEIGHTS = "Linear", "Affine", "Scale"
# What passes on what it gets.
_PASSES = "Input", "Output", "Flatten", "Identity"
# The fields of neurons, of which those of a reset may be missing in old files.
_FIELDS = {
    "LIF": ("tau", "r", "v_leak", "v_threshold", "v_reset"),
    "CubaLIF": ("tau_mem", "tau_syn", "r", "w_in", "v_leak", "v_threshold", "v_reset"),
    "IF": ("r", "v_threshold", "v_reset"),
    "LI": ("tau", "r", "v_leak"),
}
_KNOWN = (*_WEIGHTS, *_FIELDS, *_PASSES, "NIRGraph")


def chain_of(graph):
    """Return the layers of a graph, in order.

    Parameters
    ----------
    graph : nir.NIRGraph

    Returns
    -------
    layers : list of NodeLayer
        If weights lead to the output, the last of them has no neurons.

    Raises
    ------
    ValueError
        If there is a node that is not known, or the graph is no chain.
    """
    nodes, edges, ends = _flat(graph)
    kinds = {name: type(node).__name__ for name, node in nodes.items()}
    for name, kind in kinds.items():
        if kind not in _KNOWN:
            raise ValueError(
                f"Node {name!r} of this graph is a nir.{kind}, which there is nothing "
                f"like here: from_nir reads {', '.join(_KNOWN)}."
            )
    before, after = ({name: [] for name in nodes} for _ in range(2))
    for source, target in edges:
        if source not in nodes or target not in nodes:
            raise ValueError(
                f"An edge of this graph leads from {source!r} to {target!r}, of which "
                "one is no node."
            )
        before[target].append(source)
        after[source].append(target)
    loops = {
        name: [w for w in after[name] if _is_loop(name, w, kinds, before, after)]
        for name in nodes
        if kinds[name] in _FIELDS
    }
    layers, pending = [], []
    for name in _walk(ends, before, after, loops):
        kind = kinds[name]
        if kind in _WEIGHTS:
            pending.append((name, nodes[name]))
        elif kind in _FIELDS:
            around = [(w, nodes[w]) for w in loops[name]]
            layers.append(_layer(pending, name, nodes[name], around))
            pending = []
        elif kind == "Flatten" and (layers or pending):
            raise ValueError(
                f"Node {name!r} of this graph flattens what comes of others: from_nir "
                "reads a nir.Flatten next to the input alone."
            )
    if pending:
        layers.append(_layer(pending, None, None, []))
    if not layers:
        raise ValueError("There is nothing in this graph but its input and output.")
    return layers


def _flat(graph, name=None):
    """Return nodes by name, edges, and the names of input and output.

    Those of graphs within the graph stand among the others, under the name of theirs.
    """
    prefix = "" if name is None else f"{name}."
    ends = [_only(graph, kind, name) for kind in ("Input", "Output")]
    nodes, edges, inner_ends = {}, [], {}
    for own, node in graph.nodes.items():
        if type(node).__name__ != "NIRGraph":
            nodes[prefix + own] = node
            continue
        inner, inner_edges, inner_ends[own] = _flat(node, prefix + own)
        nodes |= inner
        edges += inner_edges
    for source, target in graph.edges:
        start = inner_ends[source][1] if source in inner_ends else prefix + source
        end = inner_ends[target][0] if target in inner_ends else prefix + target
        edges.append((start, end))
    return nodes, [*dict.fromkeys(edges)], [prefix + end for end in ends]


def _only(graph, kind, name):
    """Return the name of the one node of a kind; raise ValueError for none or more."""
    found = [k for k, node in graph.nodes.items() if type(node).__name__ == kind]
    if len(found) != 1:
        raise ValueError(
            f"{'The graph' if name is None else f'Graph {name!r}'} has {len(found)} "
            f"nodes that are a nir.{kind}: from_nir reads graphs with one."
        )
    return found[0]


def _is_loop(name, weights, kinds, before, after):
    """Return whether weights are those of what neurons hear of each other."""
    is_of_weights = kinds[weights] in ("Linear", "Affine")
    return is_of_weights and before[weights] == after[weights] == [name]


def _walk(ends, before, after, loops):
    """Return the names from input to output; raise ValueError unless it is a chain."""
    (name, last), path = ends, [ends[0]]
    while name != last:
        following = [n for n in after[name] if n not in loops.get(name, ())]
        leads_on = len(following) == 1
        if leads_on:
            (following,) = following
            sources = [
                n for n in before[following] if n not in loops.get(following, ())
            ]
            leads_on = sources == [name] and following not in path
        if not leads_on:
            raise ValueError(
                f"Node {name!r} of this graph leads to {after[name]}, which may have "
                "other sources: from_nir reads chains of layers, beside the weights of "
                "what neurons hear of each other."
            )
        name = following
        path.append(name)
    apart = {*before} - {*path} - {w for around in loops.values() for w in around}
    if apart:
        raise ValueError(
            f"Nodes {sorted(apart)} of this graph are not on the way from its input to "
            "its output: from_nir reads chains of layers."
        )
    return path


def _layer(pending, name, neurons, around):
    """Return the layer of some weights, neurons, and the weights around these."""
    kind = None if neurons is None else type(neurons).__name__
    recorded = {}
    if len(pending) == 1:
        recorded |= _recorded(pending[0][1])
    weight, bias = _product(pending)
    n_units = _size(name, neurons) if weight is None else weight.shape[1]
    if weight is None:
        weight = np.eye(n_units, dtype=np.float32)
    bias = np.zeros(n_units, weight.dtype) if bias is None else bias
    fields = {}
    if neurons is not None:
        recorded |= _recorded(neurons)
        fields = {f: _field(name, neurons, f, n_units) for f in _FIELDS[kind]}
    recurrent = None
    if around:
        if len(around) > 1:
            raise ValueError(
                f"Node {name!r} of this graph hears itself through {len(around)} "
                "weights: from_nir reads neurons with one."
            )
        recorded |= _recorded(around[0][1])
        recurrent, more = _product(around)
        if recurrent.shape != (n_units, n_units):
            raise ValueError(
                f"Node {around[0][0]!r} of this graph has weights of shape "
                f"{recurrent.shape[::-1]} around {n_units} neurons."
            )
        bias = bias if more is None else bias + more.astype(bias.dtype)
    return NodeLayer(kind, fields, weight, bias, recurrent, recorded)


def _product(nodes):
    """Return weights (n_inputs, n_units) and bias of nodes in a row; None for none."""
    weight = bias = None
    for name, node in nodes:
        if type(node).__name__ == "Scale":
            scale = _floats(node.scale).ravel()
            own = np.diag(scale)
        else:
            own = _floats(node.weight).T
        if own.ndim != 2 or (weight is not None and weight.shape[1] != len(own)):
            raise ValueError(
                f"Node {name!r} of this graph has weights of shape {own.shape[::-1]}, "
                "which do not fit what comes before, or are no matrix."
            )
        weight = own if weight is None else weight @ own
        bias = bias if bias is None else bias @ own
        if type(node).__name__ == "Affine":
            more = _floats(node.bias).reshape(-1).astype(own.dtype)
            bias = more if bias is None else bias + more
    return weight, bias


def _floats(values):
    """Return an array of float32, if it is that, or else of float64."""
    values = np.asarray(values)
    return values if values.dtype == np.float32 else values.astype(np.float64)


def _size(name, neurons):
    """Return how many neurons there are, where no weights say so."""
    return max(np.size(getattr(neurons, f)) for f in _FIELDS[type(neurons).__name__])


def _field(name, neurons, field, n_units):
    """Return a number per neuron; the same for all, if there is only one."""
    values = getattr(neurons, field, None)
    values = np.zeros(1) if values is None else np.asarray(values, np.float64).ravel()
    if values.size not in (1, n_units) or not np.isfinite(values).all():
        raise ValueError(
            f"Node {name!r} of this graph has {field} of {values.size} numbers, not "
            f"one finite number for each of its {n_units} neurons."
        )
    return np.broadcast_to(values, n_units).copy()


def _recorded(node):
    """Return the arrays in the metadata of a node."""
    return {k: a for k, a in node.metadata.items() if isinstance(a, np.ndarray)}
