"""Operations and bytes of quantised networks: against counting in their simulation."""

import re

import numpy as np
import pytest
from helpers import make_encoder
from quantized import CASES, fitted, inputs, quantized, targets
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler

from sklearn_snn import SpikingClassifier
from sklearn_snn.export import export_c
from sklearn_snn.metrics import (
    AccuracyOperationsDisplay,
    cheapest_within,
    energy,
    neg_energy_scorer,
    neg_synaptic_operations_scorer,
    operation_report,
)
from sklearn_snn.quantization import QuantizedSpikingClassifier, quantize

N_SAMPLES = 3


def by_simulation(model, X):
    """Count from a simulation, step by step; by layer, for a sample."""
    record, found = model.simulate(X), []
    for i, layer in enumerate(model.layers_):
        x = record.spikes[i - 1] if i else record.inputs
        x = x[:, np.newaxis] if x.ndim == 2 else x  # a constant current: once
        n = dict.fromkeys(("dense", "effective", "recurrent", "updates"), 0)
        u, s = record.membranes[i].astype(np.int64), record.spikes[i]
        for sample in range(len(x)):
            for values in x[sample]:
                n["dense"] += layer.weights.size
                n["effective"] += np.count_nonzero(layer.weights[values != 0])
            left = u[sample].copy()
            for t, fired in enumerate(s[sample] == 1):
                if layer.recurrent_weights is not None and t + 1 < len(left):
                    own = layer.recurrent_weights[fired]
                    n["recurrent"] += np.count_nonzero(own)
                if layer.threshold is not None:
                    reset = model.network_.layers[i].neuron.reset
                    less = {"subtract": layer.threshold, "none": 0, "zero": left[t]}
                    left[t][fired] -= np.broadcast_to(less[reset], fired.shape)[fired]
                changed = True if t == 0 else left[t] != left[t - 1]
                n["updates"] += np.broadcast_to(changed, fired.shape).sum()
        found.append({name: count / len(x) for name, count in n.items()})
        found[-1]["is_graded"] = bool(np.any((x != 0) & (x != 1) & (x != -1)))
    return found, record


@pytest.mark.parametrize("name", CASES)
def test_counts_are_those_of_the_integers(name):
    model, X = quantized(name), inputs(CASES[name].kind, N_SAMPLES)
    report = operation_report(model, X)
    found, record = by_simulation(model, X)
    assert (report.n_samples, report.n_steps) == record.logits.shape[:2]
    for i, (layer, n) in enumerate(zip(report.layers, found, strict=True)):
        counts = layer.effective_acs, layer.effective_macs
        kinds = (0, 1) if n["is_graded"] else (1, 0)
        assert counts == tuple(n["effective"] * kind for kind in kinds)
        assert layer.dense == n["dense"]
        assert layer.recurrent_acs == n["recurrent"]
        assert layer.membrane_updates == n["updates"]
        integers = model.layers_[i]
        weights = [integers.weights.ravel()]
        if integers.recurrent_weights is not None:
            weights.append(integers.recurrent_weights.ravel())
        is_zero = np.concatenate(weights) == 0
        assert layer.connection_sparsity == is_zero.mean()
        fires = integers.threshold is not None
        expected = (record.spikes[i] == 0).mean() if fires else np.nan
        assert layer.activation_sparsity == pytest.approx(expected, nan_ok=True)
    assert energy(report).total > 0


def test_what_is_rounded_to_zero_does_nothing():
    model, X = fitted("constant_signed"), inputs("signed", 20)
    before = operation_report(model, X)
    coarse = operation_report(quantize(model, bits=2, input_bits=3), X)
    assert before.connection_sparsity == 0
    assert coarse.connection_sparsity > 0.2
    assert coarse.input_operations < 0.8 * before.input_operations


@pytest.mark.parametrize("name", CASES)
def test_bytes_are_those_of_the_constants_of_the_file(name, tmp_path):
    model, X = quantized(name), inputs(CASES[name].kind, 1)
    export_c(model, tmp_path / "net.c")
    said = re.search(r"Bytes: (\d+) of", (tmp_path / "net.c").read_text())[1]
    assert operation_report(model, X).footprint == int(said)


@pytest.mark.parametrize(("bits", "size"), [(3, 0.5), (4, 0.5), (5, 1), (8, 1), (9, 2)])
def test_bytes_by_hand(bits, size):
    report = operation_report(quantize(fitted("spread"), bits=bits), inputs("trains"))
    hidden, output = report.layers
    # Biases, thresholds, and leaks, of which the output neurons have one.
    assert hidden.footprint == 64 * 14 * size + 14 * (4 + 4 + 2)
    assert output.footprint == 14 * 10 * size + 10 * (4 + 4)


def test_in_pipelines_searches_and_pictures():
    X, y = inputs("constant", 90), targets("classes", 90)
    network = SpikingClassifier((9,), max_iter=3, engine="numpy", random_state=0)
    model = make_pipeline(
        MinMaxScaler(), make_encoder(), QuantizedSpikingClassifier(network)
    )
    scoring = {
        "accuracy": "accuracy",
        "neg_synaptic_operations": neg_synaptic_operations_scorer,
        "neg_energy": neg_energy_scorer,
    }
    options = {"scoring": scoring, "refit": cheapest_within(1.0), "cv": 2}
    grid = {"quantizedspikingclassifier__bits": [2, 8]}
    search = GridSearchCV(model, grid, **options).fit(X, y)
    operations = -search.cv_results_["mean_test_neg_synaptic_operations"]
    assert search.best_index_ == operations.argmin()
    assert operations[0] < operations[1]  # of 2 bits, more weights are 0
    best = search.best_estimator_
    report = operation_report(search, X)
    assert report == operation_report(best[-1], best[:-1].transform(X))
    assert report.n_samples == 90
    floats = make_pipeline(*best[:-1], best[-1].to_estimator())
    both = {"two bits": best, "floats": floats}
    display = AccuracyOperationsDisplay.from_estimators(both, X, y)
    assert display.operations[0] == report.synaptic_operations
