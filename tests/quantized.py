"""Quantised networks of all kinds, and an oracle: their equations, in Python's ints."""

import functools
from typing import NamedTuple

import numpy as np
from sklearn.datasets import load_digits

from sklearn_snn import SpikeTrains, SpikingClassifier, SpikingRegressor
from sklearn_snn.neurons import CUBA, LIF
from sklearn_snn.quantization import quantize


class Case(NamedTuple):
    """A network, how it is quantised, and what it is given."""

    params: dict
    options: dict
    kind: str = "trains"
    target: str = "classes"
    has_bias: bool = True
    breaks_ties: bool = True


LONG = {"readout_alpha": 0.97, "alpha": 0.9}
CASES = {
    "default": Case({}, {}),
    "no_bias": Case({"hidden_layer_sizes": (13, 11)}, {}, has_bias=False),
    "deep": Case({"hidden_layer_sizes": (15, 12, 9)}, {"bits": 6}),
    "no_hidden_layer": Case({"hidden_layer_sizes": ()}, {}),
    "recurrent": Case({"recurrent": True, "hidden_layer_sizes": (15, 12)}, {}),
    "recurrent_graded": Case({"recurrent": True}, {"bits": 5}, "graded"),
    "power_of_two": Case({"alpha": 0.9}, {"leak": "power_of_two"}),
    "four_bits": Case({"hidden_layer_sizes": (15,), "recurrent": True}, {"bits": 4}),
    "sixteen_bits": Case({}, {"bits": 16, "leak_bits": 15}),
    "saturating": Case({"alpha": 0.98}, {"bits": 12, "membrane_bits": 16}),
    "zero": Case({"reset": "zero", "readout_start": 2}, {}),
    "no_reset": Case({"reset": "none", "alpha": 0.7}, {"fraction_bits": 0}),
    "no_leak": Case({"alpha": 1.0}, {}),
    "all_leak": Case({"alpha": 0.0}, {"leak": "power_of_two"}),
    "spread": Case({"neuron": LIF(alpha=(0.8, 0.97), threshold=(0.4, 0.9))}, {}),
    "cuba": Case({"neuron": CUBA(alpha_syn=0.8)}, {}),
    "cuba_spread": Case(
        {"neuron": CUBA(alpha_syn=(0.5, 0.9))}, {"leak": "power_of_two"}
    ),
    "constant": Case({}, {}, "constant"),
    "constant_signed": Case({"readout": "spike_count"}, {"bits": 3}, "signed"),
    "constant_wide": Case({}, {"bits": 16, "input_bits": 16}, "signed"),
    "constant_linear": Case({"hidden_layer_sizes": ()}, {"bits": 4}, "signed"),
    "ties": Case({}, {}, breaks_ties=False),
    "events": Case({"readout": "soft_count"}, {}, "spikes"),
    "graded": Case({"readout": "soft_count"}, {"input_bits": 12}, "graded"),
    "mean": Case({"readout": "membrane_mean", **LONG}, {}),
    "last": Case({"readout": "membrane_last", "learn_neuron": True}, {}),
    "max": Case({"readout": "membrane_max", "readout_start": 3}, {"bits": 4}),
    "labels": Case({}, {}, target="labels"),
    "numbers": Case({}, {}, target="numbers"),
    "number_of_spikes": Case({"readout": "spike_count"}, {}, "signed", target="number"),
}
N_STEPS = 12


def inputs(kind, n_samples=300):
    """Return the first digits as input of a kind."""
    X = load_digits(return_X_y=True)[0][:1000] / 16
    rng = np.random.default_rng(0)
    steps = X[:, np.newaxis] > rng.random((1000, N_STEPS, 64))
    return {
        "trains": SpikeTrains(X * 0.9, N_STEPS, seed=3),
        "spikes": steps.astype(np.uint8),
        "constant": X,
        "signed": X - X.mean(axis=0),
        "graded": steps * rng.normal(size=64),
    }[kind][:n_samples]


def targets(kind, n_samples=300):
    """Return labels, or numbers, of the first digits."""
    y = load_digits(return_X_y=True)[1][:n_samples]
    return {
        "classes": y,
        "labels": np.stack([y % 2, y > 4], axis=1).astype(int),
        "numbers": np.stack([y * 1.0, np.abs(y - 5.0)], axis=1),
        "number": y * 1.0,
    }[kind]


def fitted(name):
    """Return the network of a case, trained within a tenth of a second."""
    case = CASES[name]
    is_regressor = case.target.startswith("number")
    kind = SpikingRegressor if is_regressor else SpikingClassifier
    params = {"hidden_layer_sizes": (14,), "n_steps": N_STEPS, "max_iter": 2}
    params |= {"learning_rate_init": 0.01, "engine": "numpy", "random_state": 0}
    model = kind(**params | case.params)
    model.fit(inputs(case.kind), targets(case.target))
    if not case.has_bias:
        for bias in model.intercepts_:
            bias[:] = 0
    # Networks of old files do not break them.
    model._constants_["breaks_ties"] = case.breaks_ties
    return model


@functools.cache
def quantized(name):
    """Return the quantised network of a case, which is not to be changed."""
    return quantize(fitted(name), **CASES[name].options)


def oracle(model, x):
    """Run a sample in Python's integers, neuron by neuron.

    Parameters
    ----------
    model : fitted estimator
        Quantised.
    x : ndarray of int of shape (n_steps, n_features)
        The whole numbers that the first layer receives.

    Returns
    -------
    membranes, spikes : lists of lists of lists of int
        By layer, step and neuron.
    outputs : list of int
    """
    precision = model._precision_
    limit = 2 ** (precision.membrane_bits - 1) - 1

    def held(state):
        return max(-limit, min(limit, state))

    def leaked(v, a):
        if precision.leak == "power_of_two":
            return v - v // 2**a
        size = abs(v) * a // 2**precision.leak_bits
        return size if v > 0 else -size

    membranes, spikes, x = [], [], x.tolist()
    for layer, of in zip(model.layers_, model.network_.layers, strict=True):
        n = of.n_units
        W, B, a = layer.weights.tolist(), layer.bias.tolist(), layer.leak.tolist()
        v, i, s = [0] * n, [0] * n, [0] * n
        us, ss = [], []
        for x_t in x:
            before, u = s, [0] * n
            s = [0] * n
            for k in range(n):
                current = sum(x_j * W[j][k] for j, x_j in enumerate(x_t) if x_j)
                current = current * 2**layer.shift + B[k]
                if layer.recurrent_weights is not None:
                    R = layer.recurrent_weights
                    own = sum(int(R[j, k]) for j in range(n) if before[j])
                    current += own * 2**layer.recurrent_shift
                if layer.leak_syn is not None:
                    i[k] = held(leaked(i[k], int(layer.leak_syn[k])) + current)
                    current = i[k]
                u[k] = v[k] = held(leaked(v[k], a[k]) + current)
                if layer.threshold is not None and u[k] > layer.threshold[k]:
                    s[k] = 1
                    reset = of.neuron.reset
                    if reset != "none":
                        v[k] = 0 if reset == "zero" else u[k] - int(layer.threshold[k])
            us.append(u)
            ss.append(s)
        membranes.append(us)
        spikes.append(ss)
        x = ss
    return membranes, spikes, outputs_of(model, us, ss)


def outputs_of(model, membranes, spikes):
    """Return the outputs, of what the last layer did, as integers."""
    readout, threshold = model.network_.readout, model.layers_[-1].threshold
    read = membranes[readout.start :], spikes[readout.start :]
    n, outputs = len(read[0]), []
    for k in range(len(membranes[0])):
        u, count = [step[k] for step in read[0]], sum(step[k] for step in read[1])
        if readout.name == "membrane_last":
            outputs.append(u[-1])
        elif readout.name == "membrane_max":
            outputs.append(max(u))
        elif readout.name == "membrane_mean":
            outputs.append(sum(u))
        else:
            m = sum(u)
            if readout.name == "soft_count":
                part = abs(m) * 2**13 // (n * int(threshold[k]))
            else:
                part = abs(m) * 2**12 // (abs(m) + n * int(threshold[k]))
                part *= readout.ties
            output = count * 2**13 + (part if m > 0 else -part)
            outputs.append(output - n * 2**12 * readout.is_signed)
    return outputs


def unit_of_outputs(model, n_steps):
    """Return what an output of 1 stands for."""
    readout = model.network_.readout
    if readout.counts:
        return 10 / (n_steps - readout.start) / 2**13
    n = n_steps - readout.start if readout.name == "membrane_mean" else 1
    return float(model.layers_[-1].membrane_units[0]) / n
