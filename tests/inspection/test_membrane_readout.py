"""Networks whose outputs are membranes, and neurons with thresholds of their own."""

import numpy as np
import pytest
from drawings import drawn_spikes, heading, line
from helpers import fast, make_encoder
from sklearn.pipeline import make_pipeline

from sklearn_snn.inspection import (
    AnytimeAccuracyDisplay,
    MembraneDisplay,
    SpikeRasterDisplay,
    TrainingDisplay,
)


@pytest.fixture(scope="module")
def membranes(data):
    """Return a pipeline that reads the membranes of its outputs."""
    params = {"hidden_layer_sizes": (12, 7), "max_iter": 6, "readout": "membrane_mean"}
    return make_pipeline(make_encoder(), fast(**params)).fit(*data)


def test_rasters_of_the_layers_that_fire(membranes, data):
    X, y = data
    record = membranes[-1].simulate(membranes[0].transform(X))
    shown = SpikeRasterDisplay.from_estimator(membranes, X, sample=4, y=y)
    assert shown.names == ["Input", "Hidden layer 1", "Hidden layer 2"]
    assert shown.classes is None
    assert [ax.get_ylabel() for ax in shown.ax_] == ["Neuron", "Neuron", "Channel"]
    layers = zip(shown.ax_[1::-1], record.spikes, strict=False)
    for ax, spikes in layers:
        np.testing.assert_array_equal(drawn_spikes(ax), spikes[4])
    p = membranes.predict_proba(X)[4]
    how_sure = "> 0.99" if 0.995 <= p.max() < 1 else f"= {p.max():.2f}"
    assert heading(shown) == f"True: {y[4]}, answer: {p.argmax()} (p {how_sure})"
    of_output = membranes[-1].simulate(membranes[0].transform(X), layers=[-1])
    shown = SpikeRasterDisplay.from_record(of_output)
    assert shown.names == ["Input"]


def test_nothing_that_fires(blobs):
    X, y = blobs
    model = fast(hidden_layer_sizes=(), readout="membrane_mean").fit(X, y)
    with pytest.raises(ValueError, match="never fire: see MembraneDisplay"):
        SpikeRasterDisplay.from_estimator(model, X)
    shown = AnytimeAccuracyDisplay.from_estimator(model, X, y)
    assert shown.spikes is shown.names is None
    assert len(shown.ax_) == 1
    rates = TrainingDisplay.from_estimator(model).ax_[1, 1]
    assert [text.get_text() for text in rates.texts] == ["No layer that fires"]
    assert not rates.lines
    MembraneDisplay.from_estimator(model, X).figure_.canvas.draw()


def test_membranes_without_a_threshold(membranes, data):
    """Are drawn whole, with a line at zero and nothing of thresholds or spikes."""
    X, _ = data
    shown = MembraneDisplay.from_estimator(membranes, X, sample=4, depth=0.01)
    u = membranes[-1].simulate(membranes[0].transform(X)).membranes[-1][4]
    assert shown.threshold is None
    assert u.min() < 0 < u.max()
    traces = [one for one in shown.ax_.lines if one.get_label() == "_membrane"]
    for k, (trace, offset) in enumerate(zip(traces, shown.offsets_, strict=True)):
        drawn = np.asarray(trace.get_ydata(), float) - offset
        np.testing.assert_allclose(drawn, u[:, k], atol=1e-5)
    flat = [one.get_ydata()[0] for one in shown.ax_.lines if one.get_color() == "0.8"]
    np.testing.assert_array_equal(flat, shown.offsets_)
    assert not [one for one in shown.ax_.lines if one.get_linestyle() == "--"]
    assert shown.ax_.get_legend() is None
    low, high = shown.ax_.get_ylim()
    assert low < u.min()
    assert high > shown.offsets_[-1] + u[:, -1].max()
    # Those that never move are no error.
    still = MembraneDisplay(np.zeros((5, 2)), np.zeros((5, 2)), None, ["a", "b"])
    still.plot().figure_.canvas.draw()
    assert np.diff(still.offsets_) > 0


@pytest.mark.parametrize("units", [[0, 1, 2, 3], [3, -2]])
def test_each_membrane_has_its_threshold(units):
    u = np.array([[0.5, 0.5, -0.9, 0.9], [0.2, -3.0, 3.0, 0.5]])
    thresholds = np.array([0.4, 0.6, 2.0, 0.8])
    spikes = u > thresholds
    shown = MembraneDisplay(
        u[:, units], spikes[:, units], thresholds[units], [*"abcd"][: len(units)]
    ).plot()
    limits = [one for one in shown.ax_.lines if one.get_linestyle() == "--"]
    traces = [one for one in shown.ax_.lines if one.get_label() == "_membrane"]
    marks = [one for one in shown.ax_.lines if one.get_marker() == "v"]
    assert len(limits) == len(units)
    for k, offset, limit, trace, mark in zip(
        units, shown.offsets_, limits, traces, marks, strict=True
    ):
        assert limit.get_ydata()[0] == pytest.approx(thresholds[k] + offset)
        drawn = np.asarray(trace.get_ydata(), float) - offset
        deep = u[:, k] < -2 * thresholds[k]
        np.testing.assert_allclose(drawn, np.where(deep, np.nan, u[:, k]), atol=1e-9)
        np.testing.assert_array_equal(
            mark.get_xdata(), np.flatnonzero(spikes[:, k]) + 1
        )
    texts = [text.get_text() for text in shown.ax_.get_legend().get_texts()]
    assert ("Below -2 thresholds" in texts) == (len(units) == 4)


def test_membranes_of_learned_thresholds(data):
    """Those of the chosen neurons, which fire where they are above their own."""
    X, y = data
    params = {"hidden_layer_sizes": (8,), "learn_neuron": "threshold", "max_iter": 20}
    model = make_pipeline(make_encoder(), fast(**params)).fit(X, y)
    shown = MembraneDisplay.from_estimator(model, X, layer=0, units=[5, -1, 0])
    learned = model[-1].neuron_constants_[0]["threshold"]
    assert np.ptp(learned) > 0
    np.testing.assert_allclose(shown.threshold, learned[[5, -1, 0]], rtol=1e-6)
    np.testing.assert_array_equal(shown.membranes > shown.threshold, shown.spikes == 1)


def test_training_and_spikes_of_the_layers_that_fire(membranes, data):
    network = membranes[-1]
    shown = TrainingDisplay.from_estimator(membranes)
    norms, rates = shown.ax_[1]
    names = ["Hidden layer 1", "Hidden layer 2", "Output layer"]
    assert [one.get_label() for one in norms.lines] == names
    assert [one.get_label() for one in rates.lines] == names[:2]
    values = np.array(network.firing_rate_curve_)
    assert not values[:, 2].any()
    np.testing.assert_array_equal(line(rates, names[1]), values[:, 1])
    shown = AnytimeAccuracyDisplay.from_estimator(membranes, *data)
    assert shown.names == ["Input", *names[:2]]
    assert shown.accuracy[-1] == membranes.score(*data)
    assert shown.spikes.shape == (10, 3)
