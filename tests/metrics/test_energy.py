"""Energy of a report, by constants, and what is said of what they leave out."""

import dataclasses
import re

import numpy as np
import pytest
from helpers import fast, make_encoder
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline

from sklearn_snn.metrics import (
    EnergyConstants,
    LayerOperations,
    OperationReport,
    energy,
    operation_report,
)

PRIMES = EnergyConstants(2.0, 3.0, 5.0, 7.0, 11.0)


@pytest.fixture
def report():
    """Return a report whose numbers are all of different size."""
    shares = 0.5, 0.25
    layers = (
        LayerOperations(
            "Hidden layer 1", "Input", 4, 5, 9e6, 0.0, 10.0, 8e6, 100.0, 1e3, *shares, 1
        ),
        LayerOperations(
            *("Output layer", "Hidden layer 1", 5, 3, 7e6),
            *(1e4, 0.0, 0.0, 0.0, 1e5, *shares, 1),
        ),
    )
    return OperationReport(layers, 20, 6.0, *shares)


def test_each_constant_counts_what_it_says(report):
    estimate = energy(report, PRIMES)
    assert estimate.input_operations == 3 * 10
    assert estimate.other_operations == 2 * (100 + 1e4)
    assert estimate.membrane_updates == 5 * (1e3 + 1e5)
    assert estimate.weight_accesses == 7 * (10 + 100 + 1e4)
    assert estimate.steps == 11 * 6
    parts = dataclasses.astuple(estimate)[:5]
    assert estimate.total == sum(parts)
    assert estimate.constants == PRIMES


def test_sums_of_layers(report):
    assert report.dense == 9e6 + 8e6 + 7e6
    assert (report.effective_acs, report.effective_macs) == (100 + 1e4, 10)
    assert report.synaptic_operations == 10 + 100 + 1e4
    assert report.input_operations == 10
    assert report.membrane_updates == 1e3 + 1e5
    assert report.footprint == 2


def test_default_constants_are_of_arithmetic_alone(report):
    """Horowitz 2014: an addition 0.9 pJ, a multiplication 3.7 pJ."""
    expected = 10 * (3.7 + 0.9) + (100 + 1e4) * 0.9
    assert energy(report).total == pytest.approx(expected)
    assert energy(report) == energy(report, EnergyConstants())


def test_what_is_left_out_is_said(report):
    names = "updates of membranes", "reading weights from memory"
    names += ("time steps (static power)",)
    text = repr(energy(report))
    assert f"Not counted: {'; '.join(names)}; encoding" in text
    for line, name in zip(lines_of(text)[2:5], names, strict=True):
        assert re.fullmatch(rf"{re.escape(name)} +not counted", line)
    assert re.fullmatch(r"all that is counted +9,136", lines_of(text)[-1])
    text = repr(energy(report, EnergyConstants(weight_access=5.0)))
    assert f"Not counted: {names[0]}; {names[2]}; encoding" in text
    assert re.fullmatch(rf"{names[1]} +50,550", lines_of(text)[3])
    text = repr(energy(report, PRIMES))
    assert lines_of(text)[-1].split()[0] == "all"
    assert "Not counted: encoding, moving spikes and reading the answer out." in text
    numbers = [float(line.split()[-1].replace(",", "")) for line in lines_of(text)]
    assert numbers == [30, 20_200, 505_000, 70_770, 66, 596_066]


def lines_of(text):
    """Return the lines of the table."""
    return text.splitlines()[1:-1]


def test_of_networks(images):
    X, _, y, _ = images
    X, y = X[:60], y[:60]
    spiking = make_pipeline(
        make_encoder(), fast(hidden_layer_sizes=(8,), engine="numpy")
    ).fit(X, y)
    report = operation_report(spiking, X)
    estimate = energy(report)
    assert estimate.total == pytest.approx(0.9 * report.synaptic_operations)
    assert estimate.input_operations > estimate.other_operations > 0
    mlp = MLPClassifier((8,), max_iter=400, tol=0.1, random_state=0).fit(X, y)
    report = operation_report(mlp, X)
    estimate = energy(report, EnergyConstants(step=2.0))
    assert estimate.total == pytest.approx(4.6 * report.synaptic_operations + 2)
    assert not re.search("membrane.*;|static", repr(estimate).splitlines()[-1])
    assert re.fullmatch("updates of membranes +0", lines_of(repr(estimate))[2])


@pytest.mark.parametrize("name", [f.name for f in dataclasses.fields(EnergyConstants)])
@pytest.mark.parametrize("value", [-0.1, np.inf, np.nan, "4.6", None, True])
def test_refused_constants(name, value):
    with pytest.raises((ValueError, TypeError), match=f"The '{name}' parameter of Ene"):
        EnergyConstants(**{name: value})


def test_refused_arguments(report):
    with pytest.raises(TypeError, match="report must be an OperationReport, got list"):
        energy([])
    with pytest.raises(TypeError, match="constants must be an EnergyConstants, got d"):
        energy(report, {"step": 1.0})
