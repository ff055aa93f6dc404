"""Recurrent layers with every readout, input and length, and with answers per step."""

import numpy as np
import pytest
from neurons.cases import FIRING, INTEGRATED, case_of, telling, with_readout
from neurons.test_agreement import check_engines
from neurons.test_lengths import KINDS, check_alone, networks, unequal
from neurons.test_per_step import N_STEPS, weighted
from neurons.test_per_step import check_engines as check_engines_per_step
from neurons.test_per_step import unequal as unequal_per_step

each = pytest.mark.parametrize


@each("kind", KINDS)
@each("name", FIRING)
def test_engines_agree(name, kind):
    for names, readout in networks(name):
        if readout != "softmax_mean":  # whose exponentials may be rounded otherwise
            with telling(names, readout):
                case = unequal(names, readout, kind, recurrent=True)
                check_engines(case, np.float64)


@each("kind", ["spikes", "graded"])
@each("name", ["adlif", "cuba"])
def test_engines_agree_in_float32(name, kind):
    """Of which each neuron has code of its own; "lif" is tried elsewhere."""
    names, readout = (name, INTEGRATED), "membrane_mean"
    case = unequal(names, readout, kind, recurrent=True, dtype=np.float32)
    check_engines(case, np.float32)


@each("kind", KINDS)
@each("name", FIRING)
def test_each_sample_as_if_it_were_alone(name, kind, engine):
    for names, readout in networks(name):
        with telling(names, readout):
            check_alone(unequal(names, readout, kind, 3, recurrent=True), engine)


@each("kind", ["trains", "spikes", "mixed"])
@each("name", FIRING)
def test_engines_agree_per_step(name, kind, rng):
    names = name, INTEGRATED
    options = {"kind": kind, "n_steps": N_STEPS, "recurrent": True}
    case = case_of(names, "membrane_mean", **options)
    case = with_readout(case, name="membrane_last", per_step=True, start=3)
    case = weighted(case, rng)
    check_engines_per_step(case, np.float64)
    if kind != "trains":
        check_engines_per_step(unequal_per_step(case, rng), np.float64)
