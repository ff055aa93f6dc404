"""The table of neurons that the tests of this folder run over: a row for each.

A new neuron gets its row in `TABLE`, and its equations in `oracles`.
"""

import zlib
from contextlib import contextmanager
from itertools import pairwise, product
from typing import NamedTuple

import numpy as np
from networks import Case

from sklearn_snn import SpikeTrains
from sklearn_snn._model.network import Layer, Network
from sklearn_snn._model.neurons import CUBA, LIF, AdLIF, LeakyIntegrator
from sklearn_snn._model.neurons.resets import RESETS
from sklearn_snn._model.parameters import layered
from sklearn_snn._model.readouts import Readout
from sklearn_snn._model.surrogates import SURROGATES


class Row(NamedTuple):
    """A neuron.

    Attributes
    ----------
    neuron : neuron
    ranges : dict of pairs of float
        Those of its constants, of which each neuron of a layer has others.
    learnable : tuple of str
        The constants that it can learn.
    drive : float
        How strong its weights have to be, for spikes that are neither rare nor
        frequent.
    """

    neuron: object
    ranges: dict
    learnable: tuple
    drive: float


LEAKS = {"alpha": (0.5, 0.97), "threshold": (0.4, 0.8)}
ADAPTATIONS = {"rho": (0.8, 0.99), "a": (0.1, 1.0), "b": (0.1, 2.0)}
TABLE = {
    "lif": Row(LIF(beta=2.0), LEAKS, ("threshold",), 1.0),
    "leaky gain": Row(
        LIF(beta=2.0, has_unit_gain=False), LEAKS, ("alpha", "threshold"), 4.0
    ),
    "adlif": Row(AdLIF(q=20.0, beta=2.0), LEAKS | ADAPTATIONS, AdLIF.constants, 6.0),
    "cuba": Row(CUBA(beta=2.0), LEAKS | {"alpha_syn": (0.3, 0.9)}, CUBA.constants, 8.0),
    "integrator": Row(LeakyIntegrator(), {"alpha": LEAKS["alpha"]}, ("alpha",), 4.0),
}
ALL = [*TABLE]
FIRING = [name for name in ALL if TABLE[name].neuron.fires]
# Whatever the hidden layers are, compiled code knows outputs of these two kinds.
COUNTED, INTEGRATED = "lif", "integrator"
READOUTS = {"spike_count": COUNTED, "membrane_mean": INTEGRATED}
# The others, whatever the neuron.
MORE_READOUTS = {
    "soft_count": COUNTED,
    "membrane_last": INTEGRATED,
    "membrane_max": INTEGRATED,
    "softmax_mean": INTEGRATED,
}
# Of float32 each neuron has compiled code of its own, which takes long to make: for
# these it is tried wherever layers are recurrent.
NARROW = "lif", "leaky gain"
KINDS = "spikes", "trains", "graded", "mixed", "constant"
LOSSES = "cross_entropy", "logistic", "squared_error"

N_SAMPLES, N_FEATURES, N_OUTPUTS = 5, 6, 3
HIDDEN = 7, 4
# Of weights, biases and inputs with which all layers fire, whatever is chosen.
SEED = 40


def narrow(name):
    """Return the type that recurrent layers of a neuron are tried in everywhere."""
    return np.float32 if name in NARROW else np.float64


def variants(name, **fixed):
    """Return all choices of reset, surrogate and detach_reset that a neuron has."""
    choices = {
        "reset": sorted(RESETS),
        "surrogate": sorted(SURROGATES),
        "detach_reset": [False, True],
    } | {key: [value] for key, value in fixed.items()}
    fields = TABLE[name].neuron._fields
    choices = {key: values for key, values in choices.items() if key in fields}
    return [dict(zip(choices, c, strict=True)) for c in product(*choices.values())]


def layer_of(name, n_units, learns, **choices):
    """Return a Layer; `learns` is a bool, or the names of some constants."""
    row = TABLE[name]
    learned = row.learnable if learns is True else tuple(learns or ())
    choices = {k: v for k, v in choices.items() if k in row.neuron._fields}
    learned = tuple(c for c in learned if c in row.learnable)
    return Layer(row.neuron._replace(**choices, learned=learned), n_units)


def constants_of(name, n_units, rng, alike=False):
    """Return constants within the ranges of a row, or in the middle of them."""
    ranges = TABLE[name].ranges
    constants = {key: rng.uniform(*ends, n_units) for key, ends in ranges.items()}
    if alike:
        constants = {k: np.full(n_units, sum(ranges[k]) / 2) for k in constants}
    return constants


def inputs_of(kind, n_samples, n_steps, dtype, rng):
    """Return an input of a kind; "mixed" has samples of spikes, and others."""
    shape = n_samples, n_steps, N_FEATURES
    if kind == "trains":
        # Some never fire, and some are counted by their silences.
        rates = rng.choice([0, 0.2, 0.5, 0.9], (n_samples, N_FEATURES))
        return SpikeTrains(rates, n_steps, seed=4)
    spikes = (rng.random(shape) < 0.4).astype(np.uint8)
    graded = rng.normal(0.2, 0.5, shape).astype(dtype)
    if kind == "mixed":
        graded[::2] = spikes[::2]
    if kind == "constant":
        return rng.normal(0.2, 0.7, shape[::2]).astype(dtype)
    return spikes if kind == "spikes" else graded


def targets_of(loss, n_samples, rng):
    """Return targets as a loss wants them."""
    classes = rng.integers(0, N_OUTPUTS, n_samples)
    return {
        "cross_entropy": classes,
        "logistic": rng.integers(0, 2, (n_samples, N_OUTPUTS)).astype(float),
        "squared_error": rng.normal(size=(n_samples, N_OUTPUTS)),
    }[loss]


def case_of(
    names,
    readout="spike_count",
    *,
    learns=True,
    n_steps=10,
    dtype=np.float64,
    kind="spikes",
    loss="cross_entropy",
    n_samples=N_SAMPLES,
    smooth=False,
    alike=False,
    recurrent=False,
    **choices,
):
    """Return a Case: a network of layers of these rows, and an input.

    Hidden layers may be recurrent. If the neurons are alike, the constants are the same
    for all of a row. Further arguments are the reset, surrogate and detach_reset of all
    layers.
    """
    rng = np.random.default_rng([SEED, zlib.crc32(repr(names).encode())])
    sizes = [N_FEATURES, *HIDDEN[: len(names) - 1], N_OUTPUTS]
    layers, constants, coefs, intercepts = [], [], [], []
    for name, (n_inputs, n_units) in zip(names, pairwise(sizes), strict=True):
        is_hidden = len(layers) < len(names) - 1
        layer = layer_of(name, n_units, learns, **choices)
        layers.append(layer._replace(recurrent=recurrent and is_hidden))
        constants.append(constants_of(name, n_units, rng, alike))
        spread = 2.5 * TABLE[name].drive / np.sqrt(n_inputs)
        coefs.append((spread * rng.normal(0.1, 0.6, (n_inputs, n_units))).astype(dtype))
        drive = TABLE[name].drive
        intercepts.append((drive * rng.uniform(-0.1, 0.2, n_units)).astype(dtype))
    own = []
    if recurrent:
        for name, n_units in zip(names[:-1], sizes[1:-1], strict=True):
            spread = TABLE[name].drive / np.sqrt(n_units)
            own.append((spread * rng.normal(size=(n_units, n_units))).astype(dtype))
    # A count is never negative, where the sign of an output is its answer.
    readout = Readout(readout, 2.0 / n_steps, is_signed=loss == "logistic")
    network = Network(tuple(layers), readout, loss, smooth)
    return Case(
        network,
        n_steps,
        layered(coefs, intercepts, constants, own),
        inputs_of(kind, n_samples, n_steps, dtype, rng),
        targets_of(loss, n_samples, rng),
        rng.uniform(0.05, 0.3, n_samples),
    )


def stacks(name):
    """Return networks with a neuron in them, as (names of rows, readout).

    Those that the numba engine knows; of more layers, and of one.
    """
    if not TABLE[name].neuron.fires:
        return [((name,), "membrane_mean"), (("lif", name), "membrane_mean")]
    return [
        ((name, name, COUNTED), "spike_count"),
        ((name, INTEGRATED), "membrane_mean"),
    ]


def with_readout(case, **changes):
    """Return a case whose readout is another, of the same output neurons."""
    readout = case.network.readout._replace(**changes)
    return case._replace(network=case.network._replace(readout=readout))


def lone(name):
    """Return networks of a single layer of a neuron, as (names of rows, readout)."""
    readouts = READOUTS if TABLE[name].neuron.fires else ["membrane_mean"]
    return [((name,), readout) for readout in readouts]


def networks_of(name):
    """Return (names, readout, engines that are tried) of all networks of a neuron."""
    both = [(*stack, ("numpy", "numba")) for stack in stacks(name)]
    return both + [(*stack, ("numpy",)) for stack in lone(name)]


@contextmanager
def telling(*what):
    """Add to an error of a loop which of its turns it was."""
    try:
        yield
    except Exception as error:
        error.add_note(f"in the case of {what}")
        raise


def assert_alive(case, name="numpy"):
    """Check that all layers that can fire do so at some steps, but not at all."""
    for layer, spikes in zip(case.network.layers, case.spikes(name), strict=True):
        if layer.neuron.fires:
            assert 0.03 < spikes.mean() < 0.9, [s.mean() for s in case.spikes(name)]
