"""Displays: what is drawn is what a simulation, or a fit, gave."""

import numpy as np
import pytest
from drawings import drawn_spikes, line
from helpers import fast
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_snn import PoissonSpikeEncoder
from sklearn_snn.inspection import (
    AnytimeAccuracyDisplay,
    EncodingDisplay,
    MembraneDisplay,
    SpikeRasterDisplay,
    TrainingDisplay,
    WeightDisplay,
)

# Rasters


def test_raster_of_a_sample(model, data, record):
    display = SpikeRasterDisplay.from_estimator(model, data[0], sample=4)
    layers = [*reversed(record.spikes), record.inputs]
    assert len(display.ax_) == 4
    for ax, spikes in zip(display.ax_, layers, strict=True):
        assert spikes[4].any()
        np.testing.assert_array_equal(drawn_spikes(ax), spikes[4])
    assert [ax.get_title() for ax in display.ax_] == [
        "Output layer",
        "Hidden layer 2",
        "Hidden layer 1",
        "Input",
    ]
    assert display.ax_[-1].get_xlabel() == "Time (steps)"
    labels = [text.get_text() for text in display.ax_[0].get_yticklabels()]
    assert labels == ["0", "1", "2"]


def test_raster_of_the_mean(model, data, record):
    display = SpikeRasterDisplay.from_estimator(model, data[0], sample="mean")
    layers = [*reversed(record.spikes), record.inputs]
    for ax, spikes in zip(display.ax_, layers, strict=True):
        (image,) = ax.images
        np.testing.assert_allclose(image.get_array().T, spikes.mean(axis=0))
        # Step t is drawn around t, as the marks of single spikes are.
        np.testing.assert_allclose(
            image.get_extent(), [0.5, 10.5, -0.5, spikes.shape[2] - 0.5]
        )


def test_raster_of_a_record(record, blobs, tabular_model):
    display = SpikeRasterDisplay.from_record(record, sample=2)
    np.testing.assert_array_equal(drawn_spikes(display.ax_[1]), record.spikes[1][2])
    # A current is no spike train.
    X, _ = blobs
    display = SpikeRasterDisplay.from_record(tabular_model.simulate(X), sample=2)
    assert display.names == ["Hidden layer 1", "Output layer"]
    chosen = tabular_model.simulate(X, layers=[0])
    assert SpikeRasterDisplay.from_record(chosen).names == ["Hidden layer 1"]


# Membranes


@pytest.mark.parametrize(("layer", "units"), [(-1, None), (0, [11, 3, -2]), (1, [0])])
def test_membranes_cross_the_threshold_where_there_are_spikes(
    layer, units, model, data, record
):
    arguments = {"sample": 4, "layer": layer, "units": units}
    display = MembraneDisplay.from_estimator(model, data[0], **arguments)
    ax = display.ax_
    chosen = [0, 1, 2] if units is None else units
    traces = [one for one in ax.lines if one.get_label() == "_membrane"]
    limits = [one for one in ax.lines if one.get_linestyle() == "--"]
    marks = [one for one in ax.lines if one.get_marker() == "v"]
    assert len(traces) == len(limits) == len(marks) == len(chosen)
    assert sum(len(m.get_xdata()) for m in marks) > 0
    for k, trace, limit, mark, offset in zip(
        chosen, traces, limits, marks, display.offsets_, strict=True
    ):
        u = record.membranes[layer][4, :, k]
        np.testing.assert_array_equal(trace.get_xdata(), np.arange(1, 11))
        shown = np.asarray(trace.get_ydata(), float)
        deep = u < -2 * record.threshold
        np.testing.assert_array_equal(np.isnan(shown), deep)
        np.testing.assert_allclose(shown[~deep] - offset, u[~deep], atol=1e-5)
        (level,) = set(limit.get_ydata())
        assert level == pytest.approx(record.threshold + offset)
        fired = np.flatnonzero(record.spikes[layer][4, :, k]) + 1
        np.testing.assert_array_equal(np.flatnonzero(shown > level) + 1, fired)
        np.testing.assert_array_equal(mark.get_xdata(), fired)
        np.testing.assert_array_equal(mark.get_ydata(), shown[fired - 1])
    # Traces do not touch: the highest of one is below the floor of the next.
    if len(chosen) > 1:
        room = np.nanmax(display.membranes) + 2 * record.threshold
        assert np.diff(display.offsets_).min() > min(room, 2 * record.threshold)


def test_membranes_of_a_record(record):
    """Of the chosen sample, and down to the chosen depth."""
    lowest = record.membranes[0][3].min() / -record.threshold
    for depth in (0.5 * lowest, 2 * lowest):
        display = MembraneDisplay.from_record(record, sample=3, layer=0, depth=depth)
        floor = max(-depth * record.threshold, record.membranes[0][3].min())
        lines = {name: [] for name in ("_membrane", "_deep")}
        for one in display.ax_.lines:
            lines.get(one.get_label(), []).append(np.asarray(one.get_ydata(), float))
        for k, offset in enumerate(display.offsets_):
            u = record.membranes[0][3, :, k]
            trace, deep = (lines[name][k] - offset for name in ("_membrane", "_deep"))
            np.testing.assert_allclose(
                trace, np.where(u >= floor, u, np.nan), atol=1e-5
            )
            np.testing.assert_allclose(
                deep, np.where(u < floor, floor, np.nan), atol=1e-5
            )
        legend = [text.get_text() for text in display.ax_.get_legend().get_texts()]
        assert (f"Below {floor:.3g}" in legend) == (depth < lowest)
        assert display.ax_.get_ylim()[0] < min(floor, 0)


def test_membranes_that_are_all_deep():
    u, s = np.full((5, 2), -9.0), np.zeros((5, 2))
    display = MembraneDisplay(u, s, 0.6, ["a", "b"]).plot()
    low, high = display.ax_.get_ylim()
    assert low < -1.2 < 0.6 < high


def test_too_many_membranes():
    model = fast(hidden_layer_sizes=(201,), max_iter=1)
    X, y = np.eye(4), np.arange(4) % 2
    model.fit(X, y)
    with pytest.raises(ValueError, match="201 membranes cannot be told apart"):
        MembraneDisplay.from_estimator(model, X, layer=0, units=range(201))


def test_membranes_are_named(model, data):
    model = model.__sklearn_clone__().fit(data[0], np.array(["a", "b", "c"])[data[1]])
    display = MembraneDisplay.from_estimator(model, data[0], units=[2, 0])
    labels = [text.get_text() for text in display.ax_.get_yticklabels()]
    assert labels == display.names == ["c", "a"]
    hidden = MembraneDisplay.from_estimator(model, data[0], layer=0, units=[-1, 4])
    assert hidden.names == ["11", "4"]
    assert len(MembraneDisplay.from_estimator(model, data[0], layer=0).names) == 10


@pytest.mark.parametrize("units", [[12], [-13], [0.5], [], "a"])
def test_refused_neurons(units, model, data):
    with pytest.raises(ValueError, match="units must be indices of 12 neurons"):
        MembraneDisplay.from_estimator(model, data[0], layer=0, units=units)


def test_a_layer_that_was_not_recorded(model, data):
    record = model[-1].simulate(model[:-1].transform(data[0]), layers=[0])
    with pytest.raises(ValueError, match=r"Layer -1 was not recorded, only \[0\]"):
        MembraneDisplay.from_record(record)


# Weights and training


def test_weights(model):
    display = WeightDisplay.from_estimator(model, n_fields=5)
    classifier = model[-1]
    first = classifier._initial_coefs()
    assert len(display.ax_) == 4
    for layer, ax in enumerate(display.ax_[:3]):
        before, after = (
            {p.get_label(): p for p in ax.patches}[x] for x in ("Before", "After")
        )
        for patch, weights in (
            (before, first[layer]),
            (after, classifier.coefs_[layer]),
        ):
            # The outline rises to each count in turn.
            heights = patch.get_xy()[1:-1:2, 1]
            edges = patch.get_xy()[::2, 0]
            assert heights.sum() == weights.size
            np.testing.assert_array_equal(heights, np.histogram(weights, edges)[0])
    assert not np.array_equal(first[0], classifier.coefs_[0])
    tiles = display.ax_[-1].images[0].get_array().filled(np.nan)
    assert tiles.shape == (17, 26)
    np.testing.assert_array_equal(
        tiles[9:17, 9:17], classifier.coefs_[0][:, 4].reshape(8, 8)
    )
    assert np.isnan(tiles[8]).all()
    low, high = display.ax_[-1].images[0].get_clim()
    assert low == -high == -np.abs(classifier.coefs_[0][:, :5]).max()
    assert np.isnan(tiles[9:, 18:]).all()


def test_image_shapes(model, tabular_model):
    assert WeightDisplay.from_estimator(tabular_model).image_shape is None
    display = WeightDisplay.from_estimator(model, image_shape=(4, 16))
    assert display.image_shape == (4, 16)
    for shape in ((8, 9), (64,), (4, 4, 4), 64):
        with pytest.raises(ValueError, match="is not a shape of 64 features"):
            WeightDisplay.from_estimator(model, image_shape=shape)


def test_training(model, tabular_model):
    classifier = model[-1]
    (loss, accuracy), (norms, rates) = TrainingDisplay.from_estimator(model).ax_
    np.testing.assert_array_equal(loss.lines[0].get_ydata(), classifier.loss_curve_)
    np.testing.assert_array_equal(loss.lines[0].get_xdata(), np.arange(1, 7))
    np.testing.assert_array_equal(line(accuracy, "Training"), classifier.train_scores_)
    np.testing.assert_array_equal(
        line(accuracy, "Validation"), classifier.validation_scores_
    )
    names = "Hidden layer 1", "Hidden layer 2", "Output layer"
    for layer, name in enumerate(names):
        for ax, curve in ((norms, "grad_norm_curve_"), (rates, "firing_rate_curve_")):
            values = [epoch[layer] for epoch in getattr(classifier, curve)]
            np.testing.assert_array_equal(line(ax, name), values)
    display = TrainingDisplay.from_estimator(tabular_model)
    assert [one.get_label() for one in display.ax_[0, 1].lines] == ["Training"]


def test_layers_can_be_told_apart():
    """Also where there are more of them than colours."""
    rng = np.random.default_rng(0)
    values, scores = rng.random((5, 20)), [0.5] * 5
    norms, rates = TrainingDisplay(scores, scores, values, values).plot().ax_[1]
    _, spikes = (
        AnytimeAccuracyDisplay(
            np.array(scores), spikes=values, names=[f"Layer {i}" for i in range(20)]
        )
        .plot()
        .ax_
    )
    for ax in (norms, rates, spikes):
        styles = {(one.get_color(), str(one.get_linestyle())) for one in ax.lines}
        # Two dash patterns of their own have the same name.
        assert len(styles) == len(ax.lines) == 20
    accuracy = TrainingDisplay(scores, scores, values, values).plot().ax_[0, 1]
    assert accuracy.get_ylabel() == "Accuracy"


def test_validation_scores_stand_at_their_epochs(blobs):
    """Of a first fit without early stopping and a warm one with it."""
    model = fast(warm_start=True, max_iter=3).fit(*blobs)
    model.set_params(early_stopping=True, max_iter=2).fit(*blobs)
    accuracy = TrainingDisplay.from_estimator(model).ax_[0, 1]
    (validation,) = (x for x in accuracy.lines if x.get_label() == "Validation")
    np.testing.assert_array_equal(validation.get_xdata(), [4, 5])


# Encoding and early answers


def test_encoding(model, data):
    X, _ = data
    image, raster, rates = EncodingDisplay.from_estimator(model, X, sample=7).ax_
    spikes = np.asarray(model[0].transform(X[7:8]))[0]
    np.testing.assert_array_equal(image.images[0].get_array(), X[7].reshape(8, 8))
    np.testing.assert_array_equal(drawn_spikes(raster), spikes)
    assert raster.yaxis_inverted(), "the first row of the image is at the top"
    np.testing.assert_allclose(
        rates.images[0].get_array(), spikes.mean(axis=0).reshape(8, 8)
    )


def test_encoding_of_a_table(blobs):
    X, _ = blobs
    encoder = PoissonSpikeEncoder(20, scaling="feature", random_state=0).fit(X)
    display = EncodingDisplay.from_estimator(encoder, X, sample=-1)
    values, _, rates = display.ax_
    np.testing.assert_array_equal([p.get_width() for p in values.patches], X[-1])
    np.testing.assert_allclose([p.get_width() for p in rates.patches], display.rates)


def test_what_the_encoder_is_given(data):
    """After the steps before it."""
    X, _ = data
    scaled = make_pipeline(
        StandardScaler(), PoissonSpikeEncoder(10, scaling="feature", random_state=0)
    ).fit(X)
    display = EncodingDisplay.from_estimator(scaled, X, sample=2)
    expected = scaled[0].transform(X[2:3])[0]
    np.testing.assert_allclose(display.intensities, expected)
    image = display.ax_[0].images[0]
    assert image.get_clim()[0] == pytest.approx(expected.min())


def test_no_encoder(tabular_model, blobs):
    for estimator in (tabular_model, make_pipeline(tabular_model)):
        with pytest.raises(TypeError, match="There is no encoder of tables in"):
            EncodingDisplay.from_estimator(estimator, blobs[0])


def test_anytime_accuracy(model, data, record):
    X, y = data
    weights = np.linspace(0, 1, len(y))
    display = AnytimeAccuracyDisplay.from_estimator(model, X, y, sample_weight=weights)
    accuracy, spikes = display.ax_
    hits = record.logits.argmax(axis=2) == y[:, np.newaxis]
    np.testing.assert_allclose(
        accuracy.lines[0].get_ydata(), np.average(hits, axis=0, weights=weights)
    )
    assert accuracy.lines[0].get_ydata()[-1] == pytest.approx(
        model.score(X, y, sample_weight=weights)
    )
    names = "Input", "Hidden layer 1", "Hidden layer 2", "Output layer"
    for name, s in zip(names, [record.inputs, *record.spikes], strict=True):
        total = s.sum(axis=2).mean(axis=0).cumsum()
        np.testing.assert_allclose(line(spikes, name), total)


def test_anytime_accuracy_of_a_recording(record, data):
    """Its input spikes are counted like those that are drawn."""
    X, y = record.inputs, data[1]
    network = fast(max_iter=1).fit(X, y)
    _, spikes = AnytimeAccuracyDisplay.from_estimator(network, X, y).ax_
    total = X.sum(axis=2).mean(axis=0).cumsum()
    np.testing.assert_allclose(line(spikes, "Input"), total)


def test_anytime_accuracy_of_a_current_has_no_input_spikes(tabular_model, blobs):
    display = AnytimeAccuracyDisplay.from_estimator(tabular_model, *blobs)
    assert display.names == ["Hidden layer 1", "Output layer"]


def test_anytime_accuracy_from_predictions():
    y = np.array([0, 1, 1, 0])
    stages = ([0, 0, 0, 0], [0, 1, 0, 0], y)
    display = AnytimeAccuracyDisplay.from_predictions(y, stages)
    np.testing.assert_array_equal(display.accuracy, [0.5, 0.75, 1])
    assert len(display.ax_) == 1
