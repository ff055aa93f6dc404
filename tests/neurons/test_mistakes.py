"""Planted mistakes, each of which the checks of this folder must notice.

A mistake is a line of the model that is replaced by a wrong one; if the line is not
there any more, the test says so.
"""

import inspect
import textwrap
from typing import NamedTuple

import numpy as np
import pytest
from neurons import checks
from neurons.cases import case_of, lone, stacks, variants
from neurons.checks import (
    Sequence,
    assert_same_run,
    check_autograd,
    check_limits,
    put_at_limits,
)

from sklearn_snn._engines import numpy_engine
from sklearn_snn._model.neurons import CUBA, LIF, AdLIF, LeakyIntegrator, adlif, lif
from sklearn_snn._model.parameters import learning
from sklearn_snn._model.readouts import Readout
from sklearn_snn._training.optimizers import SGD

UNEQUAL = r"Not equal to tolerance|Arrays are not equal"


class Mistake(NamedTuple):
    """A mistake in a function that a class or module has.

    Attributes
    ----------
    row : str
        Of the neuron whose checks see it.
    where : class or module
    function : str
    lines : list of pairs of str
        What is right, and what is wrong in its place.
    """

    row: str
    where: object
    function: str
    lines: list


def mistakes(row, where, text):
    """Return what a text lists, ``function: right => wrong`` in each line.

    One that begins with "and" belongs to the mistake before it.
    """
    found = []
    for line in textwrap.dedent(text).strip().splitlines():
        function, _, change = line.partition(": ")
        pair = tuple(part.strip() for part in change.split(" =>"))
        if function == "and":
            found[-1].lines.append(pair)
        else:
            found.append(Mistake(row, where, function, [pair]))
    return found


def name_of(mistake):
    """Return a name for a test."""
    right, wrong = mistake.lines[0]
    return f"{mistake.row}: {wrong or 'no ' + right}"


def plant(mistake, monkeypatch):
    """Let the function have the mistake."""
    attribute = vars(mistake.where)[mistake.function]
    function = getattr(attribute, "__func__", attribute)
    source = textwrap.dedent(inspect.getsource(function))
    for right, wrong in mistake.lines:
        assert source.count(right) == 1, f"not once, but {source.count(right)}: {right}"
        source = source.replace(right, wrong or "pass")
    found = {}
    exec(compile(source, "<a mistake>", "exec"), function.__globals__, found)
    monkeypatch.setattr(mistake.where, mistake.function, found[mistake.function])


def check_networks(row):
    """Compare networks of a neuron with autograd, for all its resets."""
    for choices in variants(row, surrogate="sigmoid"):
        for names, readout in stacks(row) + lone(row):
            check_autograd(case_of(names, readout, **choices), "numpy")


def check_pieces(row):
    """Compare pieces of sequences with the whole, for all resets."""
    for choices in variants(row, surrogate="sigmoid"):
        sequence = Sequence(row, np.float64, **choices)
        assert_same_run(sequence.run(4, 6), sequence.run(), 1e-12)


@pytest.mark.parametrize("row", ["lif", "leaky gain", "adlif", "cuba", "integrator"])
def test_without_a_mistake(row):
    check_networks(row)
    check_pieces(row)


# Equations

# Old numbers for new ones, gains and factors that are missing, terms that are left out.
ADLIF = """
    forward: reset(u, s, threshold, out=v) => old = v / alpha; reset(u, s, threshold, v)
    and: np.multiply(v, by_membrane, out=drive) => np.multiply(old, by_membrane, drive)
    forward: np.multiply(s, by_spike => np.multiply(tape['spikes'][0], by_spike
    forward: np.multiply(u, gain, out=u) =>
    forward: np.subtract(current_t, w, out=u) => u[...] = current_t
    forward: np.multiply(w, rho, out=w) =>
    forward: np.greater(u, threshold, out=s) => np.greater(u - w, threshold, out=s)
    drives: (1 - p["rho"]) * self.q => self.q
    backward: np.multiply(d, gain, out=delta[t]) => delta[t] = d
    backward: om = rho * om - gain * d => om = rho * om - d
    backward: om = rho * om - gain * d => om = om - gain * d
    backward: nu = alpha * d + by_membrane * om => nu = alpha * d
    backward: h = by_spike * om => h = 0 * om
    backward: om = rho * om - gain * d => old, om = om, rho * om - gain * d
    and: nu = alpha * d + by_membrane * om => nu = alpha * d + by_membrane * old
    backward: d = h * e[t] + nu * kappa[t] => d = h * e[t] + nu
    backward: d += m[t] =>
    backward: h += g[t] =>
    _constant_gradients: w_before - adaptation => w_before + adaptation
    _constant_gradients: v_before - u => v_before + u
    _constant_gradients: om * v, => om * v_before,
    _constant_gradients: om * s, => om * u,
    _constant_gradients: nu * by_threshold => 0
    _constant_gradients: - h * e =>  + h * e
    gradient_factors: "alpha": 1 / (1 - p["alpha"]) => "alpha": 1.0
    gradient_factors: "rho": 1 / (1 - p["rho"]) => "rho": 1.0
    gradient_factors: "a": scale => "a": self.q
    gradient_factors: "b": scale => "b": self.q
"""
LEAKY_GAIN = """
    forward: np.multiply(current_t, gain, out=u) => u[...] = current_t
    backward: if not self.has_unit_gain: => if False:
    backward: np.multiply(kappa, alpha, out=kappa) => kappa
    backward: += through.sum => += 0 * through.sum
    backward: by_threshold[: len(later)] * alpha => by_threshold[: len(later)]
    backward: = -delta.sum => = delta.sum
    backward: np.add(delta, from_membranes, out=delta) =>
    _alpha_gradient: np.subtract(before, u, out=before) =>
    _alpha_gradient: np.multiply(before, delta, out=before) =>
    _alpha_gradient: before[0] = state[0] => before[0] = u[0]
    gradient_factors: 1 / (1 - p["alpha"]) => 1.0
"""
CUBA_PARTS = """
    synapse: {"alpha": p["alpha_syn"]} => {"alpha": p["alpha"]}
    membrane: has_unit_gain=False => has_unit_gain=True
    membrane: self.detach_reset, => not self.detach_reset,
    membrane: self.reset, => "none",
    forward: leak, current, (i,) => leak, 2 * current, (i,)
    forward: (p, tape["synaptic"], => (p, current,
    backward: (None, delta), => grads,
    backward: gradients["alpha_syn"] = of_leak => gradients["alpha_syn"] = -of_leak
"""
INTEGRATOR = """
    forward: np.multiply(current_t, gain, out=u) => u[...] = current_t
    backward: d += alpha * following => d += following
    backward: np.multiply(delta, (1 - p["alpha"]) => np.multiply(delta, (1 + p["alpha"])
    backward: before - u => before
    backward: u[:-1] => u[1:]
    gradient_factors: 1 / (1 - p["alpha"]) => 1.0
"""
RESETS = """
    reset_derivatives: np.add(through, taken => np.subtract(through, taken
    reset_derivatives: if not neuron.detach_reset: => if True:
    reset_derivatives: reset.by_threshold(spikes, through) => through[...] = 0
"""
NETWORK = """
    backward: tape.reading, grad_outputs, threshold => tape.reading, -grad_outputs, 1
    backward: intercept = delta.sum(axis=(0, 1)) => intercept = delta[0].sum(axis=0)
    backward: params[index]["coef"].T, => -params[index]["coef"].T,
"""
READOUT = """
    backward: scaled = _in(dtype, factor) * => scaled = 2 *
    backward: _in(dtype, factor / n_read) * grad_outputs => grad_outputs / n_read
"""
EQUATIONS = [
    *mistakes("adlif", AdLIF, ADLIF),
    *mistakes("cuba", CUBA, CUBA_PARTS),
    *mistakes("leaky gain", LIF, LEAKY_GAIN),
    *mistakes("lif", LIF, "forward: if self.has_unit_gain: => if False:"),
    *mistakes("integrator", LeakyIntegrator, INTEGRATOR),
    *mistakes("lif", lif, RESETS),
    *mistakes("adlif", adlif, RESETS),
    *mistakes("lif", numpy_engine, NETWORK),
    *mistakes("lif", Readout, READOUT),
]


@pytest.mark.parametrize("mistake", EQUATIONS, ids=name_of)
def test_mistakes_in_equations(mistake, monkeypatch):
    plant(mistake, monkeypatch)
    with pytest.raises(AssertionError, match=UNEQUAL):
        check_networks(mistake.row)


# Pieces: what is dropped between them

LIF_PIECES = """
    forward: v = state[0].copy() => v = 0 * state[0]
    backward: following = carry => following = None
    backward: [] if carry is None else [carry[0]] => []
    backward: first = delta[0].copy() => first = delta[-1].copy()
    backward: first = delta[0].copy() => first = delta[0]
    _alpha_gradient: before[0] = state[0] => before[0] = 0
"""
ADLIF_PIECES = """
    forward: (array.copy() for array in state) => state[0].copy(), 0 * state[1]
    forward: (array.copy() for array in state) => 0 * state[0], state[1].copy()
    backward: (zeros, zeros) if carry is None else carry => zeros, zeros
    backward: if carry is None else carry => if carry is None else (carry[0], zeros)
    backward: if carry is None else carry => if carry is None else (zeros, carry[1])
    _constant_gradients: state[0][np.newaxis] => 0 * v[:1]
    _constant_gradients: state[1][np.newaxis] => 0 * v[:1]
"""
CUBA_PIECES = """
    forward: v, i = state => i, v = state
    forward: leak, current, (i,) => leak, current, (0 * i,)
    forward: tape["synaptic"], (v,) => tape["synaptic"], (0 * v,)
    forward: return v, i => return i, v
    backward: v, i = state => i, v = state
    backward: if carry is None else => if True else
    backward: p, grads, tape, (v,), d => p, grads, tape, (v,), None
    backward: of_synapse, (i,), j => of_synapse, (i,), None
    backward: return gradients, (d, j) => return gradients, (j, d)
"""
INTEGRATOR_PIECES = """
    forward: v = state[0].copy() => v = 0 * state[0]
    backward: None if carry is None else carry[0] => None
    backward: state[0][np.newaxis] => 0 * u[:1]
"""
PIECES = [
    *mistakes("leaky gain", LIF, LIF_PIECES),
    *mistakes("adlif", AdLIF, ADLIF_PIECES),
    *mistakes("cuba", CUBA, CUBA_PIECES),
    *mistakes("integrator", LeakyIntegrator, INTEGRATOR_PIECES),
]


@pytest.mark.parametrize("mistake", PIECES, ids=name_of)
def test_what_is_dropped_between_pieces(mistake, monkeypatch):
    plant(mistake, monkeypatch)
    with pytest.raises(AssertionError, match=UNEQUAL):
        check_pieces(mistake.row)


# Limits


@pytest.mark.parametrize("end", [0, 1])
@pytest.mark.parametrize("row", ["lif", "leaky gain", "adlif", "cuba", "integrator"])
def test_a_gradient_of_zero_at_a_limit(row, end, monkeypatch):
    """As a clamp that is differentiated has: the constant would never leave it."""
    names, readout = stacks(row)[-1]
    case = case_of(names, readout)
    neuron = type(case.network.layers[-1 if row == "integrator" else 0].neuron)
    backward = neuron.backward
    put_at_limits(case, end)
    check_autograd(case, "numpy")

    def clamped(self, p, *args):
        gradients, carry = backward(self, p, *args)
        for gradient in gradients.values():
            gradient[:2] = 0  # those that were put there
        return gradients, carry

    monkeypatch.setattr(neuron, "backward", clamped)
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        check_autograd(case, "numpy")


LIMITS = """
    keep_in_limits: high, out=p[name] => high
    keep_in_limits: low, high, out=p[name] => low, None, out=p[name]
    keep_in_limits: low, high, out=p[name] => None, high, out=p[name]
"""


@pytest.mark.parametrize("row", ["lif", "leaky gain", "adlif", "cuba", "integrator"])
@pytest.mark.parametrize("mistake", mistakes("", checks, LIMITS), ids=name_of)
def test_limits_that_are_not_kept(mistake, row, monkeypatch):
    plant(mistake, monkeypatch)
    with pytest.raises(AssertionError):
        check_limits(case_of(*stacks(row)[-1]), SGD, 1e3)


@pytest.mark.parametrize("row", ["lif", "leaky gain", "adlif", "cuba", "integrator"])
def test_a_limit_that_is_kept_for_good(row, monkeypatch):
    keep, ends = checks.keep_in_limits, {}

    def stay(network, params, limits):
        keep(network, params, limits)
        for array in learning(network, params)[2 * len(params) :]:
            low, high = array.min(), array.max()
            if low == high:
                array[:] = ends.setdefault(id(array), low)

    monkeypatch.setattr(checks, "keep_in_limits", stay)
    with pytest.raises(AssertionError, match="Arrays are not equal"):
        check_limits(case_of(*stacks(row)[-1]), SGD, 1e3)
