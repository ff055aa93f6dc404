"""Counts of operations: against counting one by one, and by hand on a tiny network."""

import dataclasses
import re

import numpy as np
import pytest
from helpers import fast, make_encoder, regressor
from scipy import sparse
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_snn import EventSequences, SpikeTrains
from sklearn_snn._engines import numpy_chunks
from sklearn_snn.metrics import operation_report

N_SAMPLES, N_STEPS, N_INPUTS = 9, 6, 4


def assert_same(a, b):
    """Compare reports, in which NaN equals itself."""
    np.testing.assert_equal(dataclasses.asdict(a), dataclasses.asdict(b))


def tiny(kind=fast, **params):
    """Return a small network that has not been fitted."""
    return kind(
        **{"hidden_layer_sizes": (5, 3), "engine": "numpy", "max_iter": 1, **params}
    )


@pytest.fixture
def spikes(rng):
    return (rng.random((N_SAMPLES, N_STEPS, N_INPUTS)) < 0.5).astype(np.uint8)


@pytest.fixture
def recordings(rng):
    """Return recordings of 2 to 6 steps."""
    lengths = 2 + np.arange(N_SAMPLES) % 5
    return [(rng.random((n, N_INPUTS)) < 0.5).astype(np.uint8) for n in lengths]


def case(name, rng, spikes, recordings):
    """Return an estimator that has not been fitted, X and y, of a kind of input."""
    y = np.arange(N_SAMPLES) % 3
    table = np.maximum(rng.normal(size=(N_SAMPLES, N_INPUTS)), 0)
    graded = np.maximum(rng.normal(size=spikes.shape), 0)
    padded = [r.astype(float) * 0.5 for r in recordings]
    steps = [np.arange(len(r)) % 3 for r in recordings]
    labels = np.column_stack([y > 0, y > 1]).astype(int)
    return {
        "spikes": (tiny(), spikes, y),
        "of one layer": (tiny(hidden_layer_sizes=()), spikes, y),
        "trains": (tiny(), SpikeTrains(table / table.max(), N_STEPS), y),
        "graded": (tiny(reset="subtract"), graded, y),
        "signed spikes": (tiny(), spikes.astype(float) - spikes[::-1], y),
        "constant": (tiny(n_steps=N_STEPS, readout="soft_count"), table, y),
        "constant bits": (tiny(n_steps=N_STEPS), (table > 0.5).astype(float), y),
        "sparse": (tiny(n_steps=N_STEPS), sparse.csr_array(table), y),
        "recurrent": (tiny(recurrent=True, reset="subtract"), spikes, y),
        "recurrent, unequal": (tiny(recurrent=True), recordings, y),
        "unequal": (tiny(readout="membrane_last"), padded, y),
        "adlif": (tiny(neuron="adlif", readout="membrane_mean"), spikes, y),
        "cuba": (tiny(neuron="cuba", learn_neuron=True), graded, y),
        "per step": (tiny(per_step=True, readout="auto"), recordings, steps),
        "labels": (tiny(), spikes, labels),
        "numbers": (tiny(regressor, neuron="cuba"), spikes, labels * 2.5),
    }[name]


CASES = (
    *("spikes", "of one layer", "trains", "graded", "signed spikes", "constant"),
    *("constant bits", "sparse", "recurrent", "recurrent, unequal", "unequal"),
    *("adlif", "cuba", "per step", "labels", "numbers"),
)


@pytest.fixture(params=CASES)
def fitted(request, rng, spikes, recordings):
    """Return a fitted network, a fifth of whose weights are 0, and its input."""
    model, X, y = case(request.param, rng, spikes, recordings)
    model.fit(X, y)
    for weights in [*model.coefs_, *model.recurrent_coefs_]:
        weights[rng.random(weights.shape) < 0.2] = 0
    return model, X


def one_by_one(model, X):
    """Count all from a simulation, with loops; by layer, of all samples together."""
    record = model.simulate(X)
    n_samples, longest, _ = record.logits.shape
    lengths = [len(r) for r in X] if isinstance(X, list) else [longest] * n_samples
    inputs = record.inputs
    is_constant = inputs.ndim == 2
    inputs = inputs.toarray() if sparse.issparse(inputs) else inputs
    found = []
    for layer, weights in enumerate(model.coefs_):
        names = "dense", "effective", "recurrent_dense", "recurrent", "updates"
        n = dict.fromkeys((*names, "fired", "silent"), 0)
        n["is_graded"] = False
        for i in range(n_samples):
            before = np.zeros(weights.shape[1])
            membrane = None
            for t in range(lengths[i]):
                if layer:
                    x = record.spikes[layer - 1][i, t]
                else:
                    x = inputs[i] if is_constant else inputs[i, t]
                s = record.spikes[layer][i, t]
                if layer or t == 0 or not is_constant:
                    for j, k in np.ndindex(weights.shape):
                        n["dense"] += 1
                        n["effective"] += x[j] != 0 and weights[j, k] != 0
                        n["is_graded"] |= x[j] not in (-1, 0, 1)
                if layer < len(model.recurrent_coefs_):
                    own = model.recurrent_coefs_[layer]
                    for j, k in np.ndindex(own.shape):
                        n["recurrent_dense"] += 1
                        n["recurrent"] += before[j] != 0 and own[j, k] != 0
                before = s
                n["fired"] += int(s.sum())
                n["silent"] += int((s == 0).sum())
                u = record.membranes[layer][i, t].copy()
                if (threshold := record.thresholds[layer]) is not None:
                    if model.reset_ == "zero":
                        u[s == 1] = 0
                    else:
                        assert model.reset_ == "subtract"
                        u -= threshold * s
                n["updates"] += len(u) if membrane is None else (u != membrane).sum()
                membrane = u
        found.append(n)
    return found, n_samples, lengths


def test_equals_counting_one_by_one(fitted):
    model, X = fitted
    report = operation_report(model, X)
    found, n_samples, lengths = one_by_one(model, X)
    assert report.n_samples == n_samples
    assert report.n_steps == np.mean(lengths)
    network = model.network_
    for layer, n, of_network in zip(report.layers, found, network.layers, strict=True):
        effective = layer.effective_macs if n["is_graded"] else layer.effective_acs
        assert layer.dense == n["dense"] / n_samples
        assert effective == n["effective"] / n_samples
        assert layer.effective_acs + layer.effective_macs == effective
        assert layer.recurrent_dense == n["recurrent_dense"] / n_samples
        assert layer.recurrent_acs == n["recurrent"] / n_samples
        assert layer.membrane_updates == n["updates"] / n_samples
        sparsity = n["silent"] / (n["silent"] + n["fired"])
        expected = sparsity if of_network.neuron.fires else np.nan
        np.testing.assert_equal(layer.activation_sparsity, expected)
    assert report.input_operations == found[0]["effective"] / n_samples
    sending = [
        n for n, layer in zip(found, network.layers, strict=True) if layer.neuron.fires
    ]
    silent, fired = (sum(n[name] for n in sending) for name in ("silent", "fired"))
    expected = silent / (silent + fired) if sending else np.nan
    np.testing.assert_equal(report.activation_sparsity, expected)


def test_the_networks_that_are_counted_do_something(rng, spikes, recordings):
    """Else nothing would have been compared."""
    for name in CASES:
        model, X, y = case(name, rng, spikes, recordings)
        report = operation_report(model.fit(X, y), X)
        for layer in report.layers:
            assert layer.synaptic_operations > 0, name
        if "recurrent" in name:
            assert min(layer.recurrent_acs for layer in report.layers[:-1]) > 0


def test_by_hand():
    """Two inputs, one hidden neuron, two outputs; three steps of one sample."""
    X = np.array([[[1, 1], [0, 1], [0, 0]]], np.uint8)
    model = tiny(hidden_layer_sizes=(1,), alpha=0.5, threshold=1.0)
    model.fit(np.repeat(X, 2, axis=0), [0, 1])
    model.coefs_ = [np.array([[1.5], [0.5]], np.float32), np.float32([[2, 0]])]
    model.intercepts_ = [np.zeros(1, np.float32), np.zeros(2, np.float32)]
    report = operation_report(model, X)
    hidden, output = report.layers
    # Currents 2, 0.5 and 0: a spike in the first step, then membranes 0.5 and 0.25.
    assert (hidden.dense, hidden.effective_acs) == (3 * 2, 2 + 1)
    assert hidden.activation_sparsity == 2 / 3
    assert hidden.membrane_updates == 1 + 1 + 1
    # Of two weights, one is zero; the first output fires once, and stays at 0.
    assert (output.dense, output.effective_acs) == (3 * 2, 1)
    assert output.connection_sparsity == 0.5
    assert output.activation_sparsity == 5 / 6
    # The first step counts, as NeuroBench has it; then nothing changes any more.
    assert output.membrane_updates == 2
    assert (report.dense, report.synaptic_operations) == (12, 4)
    assert (report.input_operations, report.membrane_updates) == (3, 5)
    assert report.activation_sparsity == 7 / 9
    assert report.connection_sparsity == 1 / 4
    # Two weights, a bias, leak and threshold; then two weights, two biases, and both.
    assert report.footprint == 4 * (2 + 1 + 2) + 4 * (2 + 2 + 2)


@pytest.mark.parametrize("size", [1, 4, 1000])
def test_does_not_depend_on_how_many_are_computed_at_once(size, fitted, monkeypatch):
    expected = operation_report(*fitted)
    monkeypatch.setattr(numpy_chunks, "MAX_CHUNK_SAMPLES", size)
    assert_same(operation_report(*fitted), expected)


@pytest.mark.parametrize("graded", [0, N_SAMPLES - 1])
def test_one_graded_value_is_enough_for_all_samples(graded, spikes, monkeypatch):
    monkeypatch.setattr(numpy_chunks, "MAX_CHUNK_SAMPLES", 1)
    X = spikes.astype(float)
    X[graded] /= 2
    report = operation_report(tiny().fit(X, np.arange(N_SAMPLES) % 3), X)
    assert report.effective_macs == report.input_operations == 5 * spikes.sum() / 9


def test_footprint_has_constants_that_differ(spikes):
    """One number if all have it in common, else one for each neuron."""
    y = np.arange(N_SAMPLES) % 3
    hidden = {"hidden_layer_sizes": (5,), "recurrent": True}
    model = tiny(**hidden).fit(spikes, y)
    n_weights = 4 * 5 + 5 + 5 * 5
    (first, _) = operation_report(model, spikes).layers
    assert first.footprint == 4 * (n_weights + 2)
    model = tiny(**hidden, learn_neuron="alpha").fit(spikes, y)
    (first, _) = operation_report(model, spikes).layers
    assert first.footprint == 4 * (n_weights + 5 + 1)
    model = tiny(**hidden).fit(spikes.astype(float) * 0.5, y)
    (first, _) = operation_report(model, spikes.astype(float)).layers
    assert first.footprint == 8 * (n_weights + 2)


@pytest.mark.parametrize("activation", ["relu", "identity", "logistic", "tanh"])
@pytest.mark.parametrize("kind", [MLPClassifier, MLPRegressor])
def test_mlp_one_by_one(kind, activation):
    X, y = load_iris(return_X_y=True)
    X, y = np.maximum(X[::8] - 2, 0), y[::8]
    mlp = kind(
        hidden_layer_sizes=(6, 5),
        activation=activation,
        max_iter=400,
        tol=0.1,
        random_state=0,
    )
    mlp.fit(X, y)
    mlp.coefs_[0][1] = 0
    report, by_hand = operation_report(mlp, X), [0, 0, 0]
    functions = {"relu": lambda z: z * (z > 0), "identity": lambda z: z}
    functions |= {"logistic": lambda z: 1 / (1 + np.exp(-z)), "tanh": np.tanh}
    for row in X:
        for i, (coef, intercept) in enumerate(
            zip(mlp.coefs_, mlp.intercepts_, strict=True)
        ):
            by_hand[i] += sum(
                row[j] != 0 and coef[j, k] != 0 for j, k in np.ndindex(coef.shape)
            )
            row = functions[activation](row @ coef + intercept)
    assert [layer.effective_macs for layer in report.layers] == [
        n / len(X) for n in by_hand
    ]
    n_outputs = mlp.n_outputs_
    assert report.dense == 4 * 6 + 6 * 5 + 5 * n_outputs
    assert (report.effective_acs, report.membrane_updates) == (0, 0)
    assert report.n_steps == 1
    n_weights = report.dense + 6 + 5 + n_outputs
    assert report.footprint == 8 * n_weights
    np.testing.assert_equal(report.layers[-1].activation_sparsity, np.nan)
    for make_sparse in (sparse.csr_array, sparse.csc_matrix):
        assert_same(operation_report(mlp, make_sparse(X)), report)


def test_mlp_on_bits():
    """What is 0 or 1 is added, not multiplied, here too."""
    X, y = load_iris(return_X_y=True)
    X = (X[::8] > 3).astype(float)
    report = operation_report(
        MLPClassifier((6,), max_iter=400, tol=0.1, random_state=0).fit(X, y[::8]), X
    )
    assert report.layers[0].effective_acs == 6 * X.sum() / len(X) > 0
    assert report.effective_macs == report.layers[1].effective_macs > 0


def test_takes_pipelines_and_searches(images):
    X, _, y, _ = images
    X, y = X[:60], y[:60]
    network = tiny(hidden_layer_sizes=(8,))
    model = make_pipeline(make_encoder(), network).fit(X, y)
    report = operation_report(model, X)
    encoded = model[0].transform(X)
    assert_same(report, operation_report(model[1], encoded))
    n_spikes = np.asarray(encoded).sum()
    assert report.input_operations == 8 * n_spikes / 60
    search = GridSearchCV(model, {"spikingclassifier__alpha": [0.8]}, cv=2)
    best = search.fit(X, y).best_estimator_
    assert_same(operation_report(search, X), operation_report(best, X))
    mlp = MLPClassifier((6,), max_iter=400, tol=0.1, random_state=0)
    scaled = make_pipeline(StandardScaler(), mlp).fit(X, y)
    expected = operation_report(scaled[1], scaled[0].transform(X))
    assert_same(operation_report(scaled, X), expected)


def test_events_and_arrays_of_them_are_alike(recordings):
    steps, units = map(np.concatenate, zip(*map(np.nonzero, recordings), strict=True))
    indptr = np.cumsum([0, *map(np.count_nonzero, recordings)])
    lengths = [len(r) for r in recordings]
    events = EventSequences(steps, units, indptr, lengths=lengths, n_units=N_INPUTS)
    model = tiny().fit(recordings, np.arange(N_SAMPLES) % 3)
    expected = operation_report(model, recordings)
    assert_same(operation_report(model, events), expected)


def test_refusals(spikes):
    y = np.arange(N_SAMPLES) % 3
    X = spikes[:, 0]
    with pytest.raises(TypeError, match="there is none at the end of this Logistic"):
        operation_report(LogisticRegression().fit(X, y), X)
    scaler = make_pipeline(StandardScaler()).fit(X)
    with pytest.raises(TypeError, match="there is none at the end of this Pipeline"):
        operation_report(scaler, X)
    for unfitted in (tiny(), MLPClassifier(), make_pipeline(make_encoder(), tiny())):
        with pytest.raises(NotFittedError):
            operation_report(unfitted, spikes)
    with pytest.raises(TypeError, match="estimator instance"):
        operation_report("model", X)
    model = tiny().fit(spikes, y)
    with pytest.raises(ValueError, match="X has 3 features"):
        operation_report(model, spikes[:, :, :3])


def test_what_a_report_says(spikes):
    y = np.arange(N_SAMPLES) % 3
    model = tiny(recurrent=True, readout="membrane_mean").fit(spikes, y)
    report = operation_report(model, spikes)
    heading, columns, *rows = repr(report).splitlines()
    rows, legend = rows[:6], "\n".join(rows[6:])
    assert columns.split()[-4:] == ["own", "silence", "zero", "weights"]
    for name in ("dense", "ACs", "MACs", "updates", "own silence", "zero weights"):
        assert re.search(rf"\b{name}(:| and| are) ", legend)
    assert heading.startswith(f"OperationReport(n_samples={N_SAMPLES}, n_steps=6)")
    assert columns.split()[:5] == ["from", "dense", "ACs", "MACs", "updates"]
    names = [row[:14].strip() for row in rows]
    expected = ["Hidden layer 1", "", "Hidden layer 2", "", "Output layer", "All"]
    assert names == expected
    assert [row.split()[0] for row in rows if not row[0].strip()] == ["itself"] * 2
    assert rows[1].split()[1] == str(int(report.layers[0].recurrent_dense))
    assert rows[-1].split()[1] == str(int(report.dense))
    assert max(map(len, repr(report).splitlines())) <= 100
    assert rows[4].split()[-2] == "-"  # outputs that never fire
    columns = report.to_dict()
    assert {type(n) for n in columns["membrane_updates"]} == {float}
    assert {type(n) for n in columns["connection_sparsity"]} == {float}
    assert columns["name"] == ["Hidden layer 1", "Hidden layer 2", "Output layer"]
    assert columns["source"] == ["Input", "Hidden layer 1", "Hidden layer 2"]
    assert sum(columns["dense"]) + sum(columns["recurrent_dense"]) == report.dense
    assert (columns["n_inputs"], columns["n_units"]) == ([4, 5, 3], [5, 3, 3])
