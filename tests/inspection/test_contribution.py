"""ContributionDisplay: parts of a current, which sum to it, however they are cut."""

from typing import NamedTuple

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from drawings import bars
from helpers import fast, kinds_of_input, make_encoder
from scipy import sparse
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_snn.inspection import ContributionDisplay
from sklearn_snn.neurons import LIF

RESETS = ("zero", "subtract", "none")


def total_currents(classifier, record):
    """Return the current of each output neuron over all steps, from the definition."""
    spikes = [s[0].astype(float) for s in record.spikes[:-1]]
    if spikes:
        inputs = spikes[-1]
    else:
        x = record.inputs
        x = x.toarray() if sparse.issparse(x) else np.asarray(x, float)
        inputs = np.broadcast_to(x[0], (record.logits.shape[1], x.shape[-1]))
    return sum(x @ classifier.coefs_[-1] + classifier.intercepts_[-1] for x in inputs)


class Neurons(NamedTuple):
    """What the membranes of a layer follow: a number for each neuron."""

    alpha: np.ndarray
    threshold: np.ndarray
    gain: np.ndarray
    reset: str


def hidden_neurons(model, has_unit_gain=True):
    """Return the Neurons of each hidden layer."""
    return [
        Neurons(
            p["alpha"],
            p["threshold"],
            np.ones(len(p["alpha"])) if has_unit_gain else 1 - p["alpha"],
            model.reset,
        )
        for p in model.neuron_constants_[:-1]
    ]


def shares_forward(neuron, weights, bias, x):
    """Return spikes, and the parts of inputs and bias (last) in the membrane.

    Step by step and forward, where the library goes backwards.
    """
    n_units, n_inputs = weights.shape[1], len(weights)
    m = np.zeros((n_inputs + 1, n_units))
    parts, spikes = [], []
    for x_t in x:
        m = neuron.alpha * m
        m = m + neuron.gain * np.vstack([x_t[:, np.newaxis] * weights, bias])
        u = m.sum(axis=0)
        s = u > neuron.threshold
        parts.append(m / np.where(s, u, 1) * s)
        spikes.append(s)
        if neuron.reset == "zero":
            m = m * ~s
        elif neuron.reset == "subtract":
            m = m * np.where(s, 1 - neuron.threshold / u, 1)
    return np.array(spikes), np.array(parts)


@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize("hidden", [(), (8,), (8, 6, 5)])
@pytest.mark.parametrize("kind", ["dense", "sparse", "sequence", "spikes", "trains"])
def test_contributions_sum_to_the_difference_of_the_currents(kind, hidden, reset, rng):
    X, y = kinds_of_input(np.clip(rng.normal(0.4, 1, (12, 6)), 0, None)), np.arange(12)
    y, X = y % 3, X[kind]
    model = fast(hidden_layer_sizes=hidden, reset=reset, alpha=0.8, max_iter=2)
    model.fit(X, y)
    sample = 4
    display = ContributionDisplay.from_estimator(model, X, sample=sample, n_top=3)
    record = model.simulate(X[[sample]])
    current = total_currents(model, record)
    order = np.argsort(-record.logits[0, -1], kind="stable")
    expected = current[order[0]] - current[order[1]]
    assert display.answer == str(order[0])
    assert display.against == str(order[1])
    scale = np.abs(display.inputs).sum() + abs(display.input_bias) + 1
    assert display.total == pytest.approx(expected, abs=1e-5 * scale)
    by_inputs = display.inputs.sum() + display.input_bias
    assert by_inputs == pytest.approx(expected, abs=1e-5 * scale)
    assert (display.neurons is None) == (not hidden)
    if hidden:
        by_neurons = display.neurons.sum() + display.neuron_bias
        assert by_neurons == pytest.approx(expected, abs=1e-5 * scale)
    if kind in ("sequence", "spikes", "trains"):
        assert display.over_time.sum() == pytest.approx(display.inputs.sum(), abs=1e-5)
    # What is drawn, others and bias included, is the same sum.
    for ax in display.ax_[: 1 + bool(hidden)]:
        drawn = sum(bars(ax).values())
        assert drawn == pytest.approx(expected, abs=1e-4 * scale)


def test_neurons_contribute_spikes_times_weights(model, data, record):
    """Of the last hidden layer, against the runner-up, a class, and the mean."""
    X, _ = data
    classifier = model[-1]
    winner, runner_up = np.argsort(-record.logits[4, -1], kind="stable")[:2]
    (third,) = {0, 1, 2} - {winner, runner_up}
    n_spikes = record.spikes[1][4].sum(axis=0, dtype=int)
    assert n_spikes.any()
    W, b = classifier.coefs_[-1].astype(float), classifier.intercepts_[-1].astype(float)
    for against, other in ((None, runner_up), (int(third), third), ("mean", None)):
        display = ContributionDisplay.from_estimator(
            model, X, sample=4, against=against, n_top=2
        )
        if other is None:
            w, bias = W[:, [runner_up, third]].mean(1), b[[runner_up, third]].mean()
            assert display.against == "the mean of the others"
        else:
            w, bias = W[:, other], b[other]
            assert display.against == str(other)
        expected = n_spikes * (W[:, winner] - w)
        np.testing.assert_allclose(display.neurons, expected, rtol=1e-6, atol=1e-12)
        assert display.neuron_bias == pytest.approx(10 * (b[winner] - bias))
        np.testing.assert_array_equal(display.counts, n_spikes)
        order = np.argsort(-np.abs(expected), kind="stable")
        names = [
            f"{k} ({n_spikes[k]} spike{'' if n_spikes[k] == 1 else 's'})"
            for k in order[:2]
        ]
        drawn = bars(display.ax_[0])
        assert list(drawn) == [*names, "5 others", "Bias"]
        heights = [*expected[order[:2]], expected[order[2:]].sum(), display.neuron_bias]
        np.testing.assert_allclose(list(drawn.values()), heights, atol=1e-6)


OWN = {"neuron": LIF(alpha=(0.6, 0.95), threshold=(0.3, 0.7)), "learn_neuron": True}
NETWORKS = {
    "plain": {},
    "learned": OWN,
    "mean": {"readout": "membrane_mean"},
    "learned mean": {**OWN, "readout": "membrane_mean"},
}
each_network = pytest.mark.parametrize("name", NETWORKS)


def output_of_currents(model, name, n_steps):
    """Return what a current of 1 at each step adds to the outputs, or to the charge."""
    alpha = model.neuron_constants_[-1]["alpha"]
    if not name.endswith("mean"):
        gain = 1 - alpha if name == "learned" else np.ones(len(alpha))
        return np.tile(gain, (n_steps, 1))
    effects = []
    for step in range(n_steps):
        u, total = 0, 0
        for t in range(n_steps):
            u = alpha * u + (1 - alpha) * (t == step)
            total = total + u
        effects.append(total / n_steps)
    return np.array(effects)


@each_network
@pytest.mark.parametrize("reset", RESETS)
def test_inputs_get_their_share_of_the_membrane_at_each_spike(reset, name, rng):
    """Through two hidden layers, computed forward in time instead of backward."""
    X = (rng.random((10, 9, 5)) < 0.4).astype(float)
    y = np.arange(10) % 2
    params = {"hidden_layer_sizes": (4, 3), "reset": reset, "alpha": 0.9, "max_iter": 2}
    model = fast(**params, **NETWORKS[name]).fit(X, y)
    display = ContributionDisplay.from_estimator(model, X, sample=2)
    neurons = hidden_neurons(model, has_unit_gain="learned" not in name)
    below, parts = [], X[2]
    layers = zip(neurons, model.coefs_[:-1], model.intercepts_[:-1], strict=True)
    for neuron, W, b in layers:
        spikes, shares = shares_forward(neuron, W, b, parts)
        below.append(shares)  # (n_steps, n_inputs + 1, n_units)
        parts = spikes.astype(float)
    assert parts.any()
    sign = 1 if display.answer == "1" else -1
    effects = output_of_currents(model, name, len(parts)) * [-sign, sign]
    value = parts * (effects @ model.coefs_[-1].T)
    np.testing.assert_allclose(display.neurons, value.sum(axis=0), rtol=1e-6, atol=1e-9)
    # Spikes of layer 2 to those of layer 1, each with the step at which it was fired,
    # which the shares have lost: so the parts of every single step are run again.
    W, b = model.coefs_[1], model.intercepts_[1]
    first = shares_forward(neurons[0], model.coefs_[0], model.intercepts_[0], X[2])
    spikes = first[0].astype(float)
    worth = np.zeros(spikes.shape)
    for t in range(len(spikes)):
        worth[t] = _value_of_step(neurons[1], W, b, spikes, value, t)
    expected = np.einsum("tjh,th->j", first[1][:, :-1], worth * spikes)
    np.testing.assert_allclose(display.inputs, expected, rtol=1e-6, atol=1e-9)


def _value_of_step(neuron, W, b, x, value, step):
    """Return what the inputs of one step are worth in all spikes that follow."""
    n_steps = len(x)
    m, whole = np.zeros_like(W), np.zeros(W.shape[1])
    worth = np.zeros(len(W))
    for t in range(n_steps):
        whole = neuron.alpha * whole + neuron.gain * (x[t] @ W + b)
        m = neuron.alpha * m
        if t == step:
            m = m + neuron.gain * x[t][:, np.newaxis] * W
        s = whole > neuron.threshold
        worth += m @ (s * value[t] / np.where(s, whole, 1))
        left = {
            "zero": np.where(s, 0, 1),
            "subtract": np.where(s, 1 - neuron.threshold / whole, 1),
            "none": np.ones(len(whole)),
        }[neuron.reset]
        m, whole = m * left, whole * left
    return worth


@pytest.mark.parametrize("hidden", [(), (8,), (8, 6)])
@pytest.mark.parametrize("kind", ["dense", "sparse", "sequence", "spikes", "trains"])
@pytest.mark.parametrize("name", ["mean", "learned mean"])
def test_contributions_to_means_sum_to_the_difference_of_the_logits(
    name, kind, hidden, rng
):
    """Which are theirs, bias by bias and step by step: not currents only."""
    X = kinds_of_input(np.clip(rng.normal(0.4, 1, (12, 6)), 0, None))[kind]
    params = {"hidden_layer_sizes": hidden, "alpha": 0.8, "max_iter": 2}
    model = fast(**params, logit_scale=3.0, **NETWORKS[name]).fit(X, np.arange(12) % 3)
    logits = model.decision_function(X)[4].astype(float)
    order = np.argsort(-logits)
    for against, others in ((None, order[1:2]), ("mean", order[1:])):
        shown = ContributionDisplay.from_estimator(model, X, sample=4, against=against)
        assert shown.answer == str(order[0])
        expected = logits[order[0]] - logits[others].mean()
        scale = np.abs(shown.inputs).sum() + abs(shown.input_bias) + 1
        assert shown.total == pytest.approx(expected, abs=1e-5 * scale)
        by_inputs = shown.inputs.sum() + shown.input_bias
        assert by_inputs == pytest.approx(expected, abs=1e-5 * scale)
        if hidden:
            by_neurons = shown.neurons.sum() + shown.neuron_bias
            assert by_neurons == pytest.approx(expected, abs=1e-5 * scale)
        title = shown.figure_.get_suptitle()
        assert f"{shown.total:.3g} in total" in title.replace("\n", " ")


@pytest.mark.parametrize("learned", [True, ["threshold"], ["alpha"]])
def test_currents_of_learned_neurons_are_those_that_charge(learned, rng):
    """Multiplied by 1 - alpha where alpha learned, in the output layer as well."""
    X, y = rng.normal(1, 1, (12, 6)), np.arange(12) % 3
    model = fast(learn_neuron=learned, alpha=0.8).fit(X, y)
    display = ContributionDisplay.from_estimator(model, X, sample=4)
    record = model.simulate(X[[4]])
    current = record.spikes[0][0].sum(axis=0) @ model.coefs_[-1]
    current += 10 * model.intercepts_[-1]
    if learned != ["threshold"]:
        current *= 1 - model.neuron_constants_[-1]["alpha"]
    classes = int(display.answer), int(display.against)
    expected = current[classes[0]] - current[classes[1]]
    assert display.total == pytest.approx(expected)
    assert display.inputs.sum() + display.input_bias == pytest.approx(expected)


@pytest.mark.parametrize("neuron", ["adlif", "cuba"])
def test_some_neurons_cannot_be_taken_apart(neuron, monkeypatch, rng):
    """Which is said before anything is done; without hidden neurons there are none."""
    X, y = rng.normal(size=(12, 6)), np.arange(12) % 3
    model = fast(neuron=neuron).fit(X, y)
    refusal = "Those of adaptive neurons do not.* of current-based neurons"
    with monkeypatch.context() as patch:
        for name in ("simulate", "predict"):
            patch.setattr(type(model), name, None)
        patch.setattr(StandardScaler, "transform", None)
        pipeline = make_pipeline(StandardScaler(), model)
        pipeline[0].fit(X)
        for one in (model, pipeline):
            with pytest.raises(ValueError, match=refusal):
                ContributionDisplay.from_estimator(one, X)
    assert not plt.get_fignums()
    none = fast(hidden_layer_sizes=(), neuron=neuron).fit(X, y)
    assert ContributionDisplay.from_estimator(none, X).neurons is None


def test_a_column_that_says_all():
    """The one column that differs between the classes speaks for each of them."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(scale=0.1, size=(40, 4)), np.repeat([0, 1], 20)
    X[:, 2] += np.where(y == 1, 1.5, -1.5)
    model = fast(max_iter=60, hidden_layer_sizes=(12,)).fit(X, y)
    assert model.score(X, y) == 1
    for sample in (0, 39):
        display = ContributionDisplay.from_estimator(model, X, sample=sample)
        assert np.abs(display.inputs).argmax() == 2
        assert display.inputs[2] > 0


def test_pictures_channels_and_time(model, data, blobs, rng):
    X, y = data
    display = ContributionDisplay.from_estimator(model, X, sample=4, y=y)
    image = display.ax_[1].images[0]
    np.testing.assert_array_equal(image.get_array(), display.inputs.reshape(8, 8))
    low, high = image.get_clim()
    assert low == -high
    assert high == np.abs(display.inputs).max()
    # A pixel that never fires has no part in anything.
    assert not display.inputs[X[4] == 0].any()
    recording = (rng.random((12, 7, 3)) < 0.4).astype(np.uint8)
    network = fast(max_iter=1).fit(recording, np.arange(12) % 2)
    display = ContributionDisplay.from_estimator(network, recording, sample=1)
    assert len(display.ax_) == 3
    (line,) = (x for x in display.ax_[2].lines if len(x.get_xdata()) == 7)
    np.testing.assert_array_equal(line.get_ydata(), display.over_time)
    assert set(bars(display.ax_[1])) == {"x0", "x1", "x2", "Bias"}
    silent = ~recording[1].any(axis=1)
    assert silent.any() and not display.over_time[silent].any()
    shown = ContributionDisplay.from_estimator(network, recording, image_shape=(1, 3))
    assert shown.ax_[1].images[0].get_array().shape == (1, 3)


def test_it_is_said_that_a_contribution_is_no_cause(model, data):
    display = ContributionDisplay.from_estimator(model, *data[:1], y=data[1])
    assert "Contributions (not causes)" in display.figure_.get_suptitle()
    assert display.ax_[0].get_xlabel().startswith("Contribution, not cause")
    assert (
        display.ax_[1].images[0].colorbar.ax.get_ylabel()
        == display.ax_[0].get_xlabel().split("\n")[0]
    )
    assert "not a cause" in " ".join(ContributionDisplay.__doc__.split())
    bar_colors = {mpl.colors.to_hex(p.get_facecolor()) for p in display.ax_[0].patches}
    assert bar_colors <= {"#0072b2", "#d55e00"}


def test_names_and_values_of_the_columns(rng):
    X = pd.DataFrame(rng.normal(5, 2, (20, 2)), columns=["age $", "height"])
    y = np.where(X["height"] > 5, "tall", "small")
    model = make_pipeline(StandardScaler(), fast()).fit(X, y)
    display = ContributionDisplay.from_estimator(model, X, sample=3)
    assert display.names == [
        f"age $ = {X.iloc[3, 0]:.4g}",
        f"height = {X.iloc[3, 1]:.4g}",
    ]
    spiking = make_pipeline(
        StandardScaler(), make_encoder(scaling="feature"), fast()
    ).fit(X, y)
    encoded = ContributionDisplay.from_estimator(spiking, X, sample=3)
    assert encoded.names == display.names
    assert encoded.over_time is None


@pytest.mark.parametrize("n_top", [0, -1, 2.5, None])
def test_refused_numbers_of_bars(n_top, tabular_model, blobs):
    with pytest.raises(ValueError, match="n_top must be a positive int"):
        ContributionDisplay.from_estimator(tabular_model, blobs[0], n_top=n_top)


def test_refused_classes(tabular_model, blobs):
    X, _ = blobs
    (answer,) = tabular_model.predict(X[:1]).tolist()
    for against in (answer, 5, "others"):
        with pytest.raises(ValueError, match=rf"one of \[{1 - answer}\], got"):
            ContributionDisplay.from_estimator(tabular_model, X, against=against)
    ContributionDisplay.from_estimator(tabular_model, X, against=1 - answer)


def test_a_class_that_is_called_mean(blobs):
    X, y = blobs
    model = fast().fit(X, np.array(["mean", "cruel"])[y])
    sample = int(np.flatnonzero(model.predict(X) == "cruel")[0])
    display = ContributionDisplay.from_estimator(
        model, X, sample=sample, against="mean"
    )
    assert display.against == "mean"
