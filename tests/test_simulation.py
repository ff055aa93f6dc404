"""Records of what happened in a network, and answers after each step."""

import subprocess
import sys

import numpy as np
import pytest
from helpers import (
    KINDS,
    each_engine,
    fast,
    kinds_of_input,
    make_classifier,
    running_counts,
    some_digits,
    spiking,
    use_wide_range,
)
from sklearn.exceptions import NotFittedError

from sklearn_snn import SimulationRecord, SpikeTrains, SpikingClassifier
from sklearn_snn._engines.numpy_engine import NumpyEngine
from sklearn_snn.neurons import LIF


@pytest.fixture(scope="module")
def data():
    return some_digits(3, 120)


@pytest.fixture(scope="module")
def inputs(data):
    return kinds_of_input(data[0])


def fit(X, y, **params):
    defaults = {"hidden_layer_sizes": (12, 7), "max_iter": 3}
    return make_classifier(**defaults | params).fit(X, y)


def test_a_record_needs_no_compiled_engine(data, monkeypatch):
    """A model of another machine, where numba was asked for by name."""
    X, y = data
    model = fit(X, y, engine="numpy")
    expected = model.simulate(X[:3])
    model.set_params(engine="numba")
    monkeypatch.setattr("sklearn_snn._engines.numba_problem", lambda: "not here")
    with pytest.raises(ImportError, match="not here"):
        model.predict(X)
    np.testing.assert_array_equal(model.simulate(X[:3]).logits, expected.logits)
    assert model._spikes_per_step(X).shape == (10, 4)


@each_engine
@pytest.mark.parametrize("kind", KINDS)
def test_a_record_is_what_predict_saw(kind, inputs, data, monkeypatch):
    """Also where samples are worked on a few at a time."""
    X = inputs[kind]
    model = fit(X, data[1])
    monkeypatch.setattr("sklearn_snn._engines.numpy_chunks.MAX_CHUNK_SAMPLES", 50)
    record = model.simulate(X)
    assert isinstance(record, SimulationRecord)
    assert record.layers == [0, 1, 2]
    spikes = model._engine(X).spikes(model._learned_params(), X)
    for recorded, s in zip(record.spikes, spikes, strict=True):
        assert recorded.dtype == np.uint8
        np.testing.assert_array_equal(recorded, s)
    assert 0 < record.spikes[0].mean() < 1
    counts = running_counts(record)
    logits = counts * (10 / counts.shape[1])
    np.testing.assert_allclose(record.logits, logits, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(record.logits[:, -1], model.decision_function(X))
    np.testing.assert_array_equal(record.probabilities[:, -1], model.predict_proba(X))
    np.testing.assert_array_equal(record.classes, model.classes_)


NEURONS = {
    "lif": {"neuron": LIF((0.6, 0.95), (0.3, 0.7)), "learn_neuron": True},
    "adlif": {"neuron": "adlif", "reset": "subtract"},
    "cuba": {"neuron": "cuba", "learn_neuron": "alpha_syn"},
    "no hidden layer": {"hidden_layer_sizes": ()},
}


@each_engine
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("neuron", NEURONS)
def test_a_record_of_membranes_that_are_read_out(neuron, kind, inputs, data):
    """Running means, the last of which are the logits; the output has no threshold."""
    X = inputs[kind]
    model = fit(X, data[1], readout="membrane_mean", logit_scale=3, **NEURONS[neuron])
    record = model.simulate(X)
    u = record.membranes[-1].astype(float)
    n_done = np.arange(1, u.shape[1] + 1)[:, np.newaxis]
    means = 3 * u.cumsum(axis=1) / n_done
    np.testing.assert_allclose(record.logits, means, rtol=1e-4, atol=1e-5)
    assert record.logits.dtype == record.membranes[-1].dtype
    np.testing.assert_array_equal(record.logits[:, -1], model.decision_function(X))
    np.testing.assert_array_equal(record.probabilities[:, -1], model.predict_proba(X))
    stages = np.stack([*model.staged_predict_proba(X)], axis=1)
    np.testing.assert_array_equal(record.probabilities, stages)
    assert record.thresholds[-1] is None
    assert not record.spikes[-1].any()
    hidden = zip(record.membranes, record.spikes, record.thresholds, strict=True)
    for u, s, threshold in [*hidden][:-1]:
        assert threshold.dtype == u.dtype
        np.testing.assert_array_equal(u > threshold, s == 1)
    if neuron == "no hidden layer":
        with pytest.raises(AttributeError, match="No neuron of this network has"):
            record.threshold  # noqa: B018
    with pytest.raises(AttributeError, match="classifier are no numbers"):
        record.values  # noqa: B018


@each_engine
@pytest.mark.parametrize("readout", ["spike_count", "membrane_mean"])
def test_a_record_of_several_labels(readout, inputs, data):
    """Whose counts are taken from half of what there can be until each step."""
    X, y = inputs["trains"], np.eye(3, dtype=int)[data[1]]
    model = fit(X, y, readout=readout)
    record = model.simulate(X, layers=[-1])
    if readout == "spike_count":
        n_done = np.arange(1, 7)[:, np.newaxis]
        expected = 10 / 6 * (running_counts(record) - n_done / 2)
        np.testing.assert_allclose(record.logits, expected, rtol=1e-5, atol=1e-5)
    p = record.probabilities
    np.testing.assert_allclose(p, 1 / (1 + np.exp(-record.logits.astype(float))), 1e-5)
    np.testing.assert_array_equal(p[:, -1], model.predict_proba(X))
    np.testing.assert_array_equal(record.logits[:, -1] > 0, model.predict(X) == 1)
    np.testing.assert_array_equal(record.classes, [0, 1, 2])


def test_a_record_keeps_its_thresholds(inputs, data):
    """In the type of the membranes, as they were compared; not those of the model."""
    model = fit(inputs["trains"], data[1], learn_neuron="threshold", threshold=0.7)
    record = model.simulate(inputs["trains"][:3])
    kept = [t.copy() for t in record.thresholds]
    for p in model.neuron_constants_:
        p["threshold"] *= 2
    np.testing.assert_equal(record.thresholds, kept)
    assert np.ptp(record.thresholds[0]) > 0
    assert record.threshold == pytest.approx(record.thresholds[0][0], rel=1e-7)
    plain = fit(inputs["trains"], data[1], threshold=0.7).simulate(inputs["trains"])
    assert plain.threshold == 0.7


@pytest.mark.parametrize("reset", ["zero", "subtract", "none"])
def test_membranes_obey_the_equation(reset, inputs, data):
    """Integrated again, in float64, from the recorded spikes below and of the layer."""
    model = fit(inputs["trains"], data[1], reset=reset, alpha=0.9, threshold=0.7)
    record = model.simulate(inputs["trains"])
    below = record.inputs
    for u, s, weights, bias in zip(
        record.membranes, record.spikes, model.coefs_, model.intercepts_, strict=True
    ):
        current = below @ weights.astype(float) + bias
        v = np.zeros(u[:, 0].shape)
        for t in range(u.shape[1]):
            expected = 0.9 * v + current[:, t]
            np.testing.assert_allclose(u[:, t], expected, atol=1e-4)
            fired = s[:, t].astype(float)
            v = {
                "zero": expected * (1 - fired),
                "subtract": expected - 0.7 * fired,
                "none": expected,
            }[reset]
        # Before the reset: above the threshold exactly where there is a spike.
        np.testing.assert_array_equal(u > np.float32(record.threshold), s == 1)
        below = s


@pytest.mark.parametrize("kind", KINDS)
def test_recorded_inputs(kind, inputs, data):
    X = inputs[kind]
    model = fit(X, data[1])
    record = model.simulate(X)
    if kind == "sparse":
        assert (record.inputs != X).nnz == 0
    else:
        np.testing.assert_array_equal(record.inputs, np.asarray(X))
    assert model.simulate(X, inputs=False).inputs is None


def test_chosen_layers(inputs, data):
    model = fit(inputs["trains"], data[1])
    everything = model.simulate(inputs["trains"])
    for chosen, expected in (([0, -1], [0, 2]), (1, [1]), ([-2], [1]), ([], [])):
        record = model.simulate(inputs["trains"], layers=chosen)
        assert record.layers == expected
        assert repr(record) == (
            f"SimulationRecord(n_samples=120, n_steps=6, layers={expected})"
        )
        np.testing.assert_array_equal(record.logits, everything.logits)
        for layer in range(3):
            if layer in expected:
                np.testing.assert_array_equal(
                    record.membranes[layer], everything.membranes[layer]
                )
            else:
                assert record.membranes[layer] is record.spikes[layer] is None


@pytest.mark.parametrize("layers", [[3], -4, [0.5], "all", [[0]], [None]])
def test_refused_layers(layers, inputs, data):
    with pytest.raises(ValueError, match="layers must be a list of indices"):
        fit(inputs["trains"], data[1]).simulate(inputs["trains"], layers=layers)


@pytest.mark.filterwarnings("ignore:The sequences in X have 10000 steps")
def test_a_record_that_is_too_large(inputs, data, monkeypatch):
    """It is refused before anything is done; choosing less helps."""
    model = fit(inputs["trains"], data[1])
    # 120 samples, 6 steps: 22 neurons of 4 + 1 bytes, 3 logits, 64 inputs of a byte.
    size = 120 * 6 * (22 * 5 + 3 * 4 + 64) / 2**30
    model.simulate(inputs["trains"], max_memory=1.001 * size)
    model.simulate(inputs["trains"], inputs=False, max_memory=0.999 * size)
    model.simulate(inputs["trains"], layers=[1], max_memory=0.999 * size)
    monkeypatch.setattr(NumpyEngine, "tapes", None)
    with pytest.raises(ValueError, match=r"would take 0\.00 GiB.*raise max_memory"):
        model.simulate(inputs["trains"], max_memory=0.999 * size)
    long = SpikeTrains(np.ones((10**5, 64), np.float32), 10_000)
    with pytest.raises(ValueError, match=r"would take 173\.\d\d GiB.*choose layers"):
        model.simulate(long)
    for max_memory in (0, -1, "1", None, np.nan):
        with pytest.raises(ValueError, match="max_memory must be positive"):
            model.simulate(inputs["trains"], max_memory=max_memory)


def test_memory_of_a_thousand_images(mnist, tmp_path):
    """The peak of a whole process that simulates, with the hidden layer and without."""
    code = """
import resource
from pathlib import Path
import numpy as np
from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier
X, y = np.load("X.npy"), np.load("y.npy")
trains = PoissonSpikeEncoder(100, random_state=0).fit_transform(X)
model = SpikingClassifier(max_iter=1, random_state=0).fit(trains, y)
for layers in ([-1], [0, -1]):
    record = model.simulate(trains, layers=layers)
    assert record.inputs.shape == (1000, 100, 784)
# The peak since this program began, without that of the process it was forked from.
status = Path("/proc/self/status")
if status.exists():
    print(int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024)
else:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""
    *_, X_test, y_test = mnist
    np.save(tmp_path / "X.npy", X_test[:1000])
    np.save(tmp_path / "y.npy", y_test[:1000])
    command = [sys.executable, "-W", "ignore", "-c", code]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert 100 < float(done.stdout) < 1024


# Answers after each step


@each_engine
@pytest.mark.parametrize("kind", KINDS)
def test_staged_answers_are_those_of_the_running_counts(kind, inputs, data):
    X = inputs[kind]
    model = fit(X, data[1] + 5)
    record = model.simulate(X)
    labels = list(model.staged_predict(X))
    probabilities = list(model.staged_predict_proba(X))
    n_steps = record.logits.shape[1]
    assert len(labels) == len(probabilities) == n_steps
    for t in range(n_steps):
        best = record.logits[:, t].argmax(axis=1)
        np.testing.assert_array_equal(labels[t], model.classes_[best])
        np.testing.assert_array_equal(probabilities[t], record.probabilities[:, t])
    assert not np.array_equal(labels[0], labels[-1])
    np.testing.assert_array_equal(labels[-1], model.predict(X))
    np.testing.assert_array_equal(probabilities[-1], model.predict_proba(X))


@each_engine
def test_staged_answers_of_two_classes_without_a_hidden_layer(blobs):
    X, y = blobs
    model = fast(hidden_layer_sizes=()).fit(X, y)
    *_, labels = model.staged_predict(X)
    *_, probabilities = model.staged_predict_proba(X)
    np.testing.assert_array_equal(labels, model.predict(X))
    np.testing.assert_array_equal(probabilities, model.predict_proba(X))
    logits = model.simulate(X).logits[:, -1]
    difference = logits[:, 1] - logits[:, 0]
    np.testing.assert_array_equal(difference, model.decision_function(X))


def test_the_network_runs_once(inputs, data, monkeypatch):
    """Answers are worth their price only if steps are not computed again."""
    X, calls = inputs["trains"], []
    model = fit(X, data[1], engine="numpy")
    forward = NumpyEngine._forward
    monkeypatch.setattr(
        NumpyEngine, "_forward", lambda *a: calls.append(a) or forward(*a)
    )
    assert len(list(model.staged_predict(X))) == 6
    assert len(calls) == 1


@pytest.mark.parametrize(
    "method", ["staged_predict", "staged_predict_proba", "simulate"]
)
def test_bad_input_is_refused_at_the_call(method, inputs, data):
    with pytest.raises(NotFittedError):
        getattr(SpikingClassifier(), method)(inputs["dense"])
    model = fit(inputs["dense"], data[1])
    with pytest.raises(ValueError, match=r"has 5 features.*expecting 64"):
        getattr(model, method)(inputs["dense"][:, :5])
    with pytest.raises(ValueError, match="NaN"):
        getattr(model, method)(np.full((2, 64), np.nan))


# What a fit keeps of its epochs


@each_engine
def test_curves_of_a_fit(data, engine):
    X, y = data
    model = spiking(max_iter=4, batch_size=40, learning_rate="constant").fit(X, y)[-1]
    curves = model.train_scores_, model.grad_norm_curve_, model.firing_rate_curve_
    assert [len(c) for c in curves] == [4, 4, 4]
    assert all(np.shape(n) == (2,) for n in model.grad_norm_curve_)
    np.testing.assert_array_equal(model.firing_rate_curve_[-1], model.firing_rates_)
    assert model.train_scores_[0] < model.train_scores_[-1] <= 1


@each_engine
def test_train_scores_and_gradient_norms_by_hand(blobs, engine, monkeypatch):
    """One mini-batch: predicted before the step, with the gradient of that step."""
    use_wide_range(monkeypatch)
    X, y = blobs
    weights = np.linspace(0.5, 1.5, 60)
    plain = {"max_iter": 1, "weight_decay": 0}
    start = fast(**plain, learning_rate_init=1e-300).fit(X, y, weights)
    model = fast(**plain, learning_rate_init=0.1).fit(X, y, weights)
    hits = start.predict(X) == y
    assert model.train_scores_ == [pytest.approx(weights[hits].sum() / 60)]
    step = start._engine(X).loss_and_gradients(
        start._learned_params(), X, y, weights / 60
    )
    expected = [np.linalg.norm(g["coef"]) for g in step.gradients]
    np.testing.assert_allclose(model.grad_norm_curve_[0], expected, rtol=1e-9)


def test_the_first_weights_are_drawn_again(data):
    for X in (data[0], data[0].astype(np.float32)):
        start = fast(max_iter=1, learning_rate_init=1e-300).fit(X, data[1])
        model = fast(max_iter=5).fit(X, data[1])
        for again, first in zip(model._initial_coefs(), start.coefs_, strict=True):
            assert again.dtype == first.dtype
            np.testing.assert_array_equal(again, first)
        assert not np.array_equal(model.coefs_[0], start.coefs_[0])


def test_curves_of_a_long_stream_are_bounded(blobs, monkeypatch):
    X, y = blobs
    monkeypatch.setattr("sklearn_snn._training.results.MAX_CALLS", 5)
    model, whole = fast(), fast(learning_rate="constant", max_iter=8)
    for _ in range(8):
        model.partial_fit(X, y, classes=[0, 1])
    whole.fit(X, y)
    for name in ("loss_curve_", "train_scores_", "grad_norm_curve_"):
        assert len(getattr(model, name)) == 5
        np.testing.assert_array_equal(getattr(model, name), getattr(whole, name)[3:])
    # Epochs are counted on: the ninth is not taken for the sixth.
    np.testing.assert_array_equal(model.coefs_[0], whole.coefs_[0])
