"""What all displays share: labels, colours, axes that are given, refusals, sizes."""

import sys

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from drawings import drawn_spikes
from helpers import spiking
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV

from sklearn_snn.inspection import (
    AnytimeAccuracyDisplay,
    ContributionDisplay,
    EncodingDisplay,
    MembraneDisplay,
    SpikeRasterDisplay,
    TrainingDisplay,
    WeightDisplay,
)

UNITS = ("Intensity", "Spikes per step", "Contribution, not cause")
# Colours that the colour-blind can tell apart.
OKABE_ITO = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#56B4E9", "#CC79A7")

DRAW = {
    "raster": lambda m, X, y, **k: SpikeRasterDisplay.from_estimator(m, X, **k),
    "membrane": lambda m, X, y, **k: MembraneDisplay.from_estimator(m, X, **k),
    "weights": lambda m, X, y, **k: WeightDisplay.from_estimator(m, **k),
    "training": lambda m, X, y, **k: TrainingDisplay.from_estimator(m, **k),
    "contribution": lambda m, X, y, **k: ContributionDisplay.from_estimator(m, X, **k),
    "encoding": lambda m, X, y, **k: EncodingDisplay.from_estimator(m, X, **k),
    "anytime": lambda m, X, y, **k: AnytimeAccuracyDisplay.from_estimator(m, X, y, **k),
}
each_display = pytest.mark.parametrize("name", DRAW)


@each_display
def test_axes_are_labelled_and_drawing_can_be_repeated(name, model, data):
    display = DRAW[name](model, *data)
    first = display.figure_
    assert display.plot() is display
    assert display.figure_ is not first
    for ax in np.ravel(display.ax_):
        assert ax.figure is display.figure_
        is_image = len(ax.images) and not ax.get_xticks().size
        assert ax.get_ylabel() or is_image or ax.get_title().startswith("Weights")
        lowest = ax is np.ravel(display.ax_)[-1] or name in ("encoding", "weights")
        assert ax.get_xlabel() or is_image or not lowest
        for mappable in ax.images:
            assert mappable.colorbar.ax.get_ylabel() in ("Weight", *UNITS)
            assert mappable.get_cmap().name in ("Greys", "PuOr")
        for one in ax.lines:
            color = mpl.colors.to_rgb(one.get_color())
            assert mpl.colors.to_hex(color).upper() in OKABE_ITO or len({*color}) == 1
    display.figure_.canvas.draw()


@each_display
def test_in_given_axes(name, model, data):
    figure, (left, right) = plt.subplots(1, 2, layout="constrained", figsize=(16, 6))
    display = DRAW[name](model, *data, ax=left)
    assert display.figure_ is figure
    assert all(ax.figure is figure for ax in np.ravel(display.ax_))
    figure.canvas.draw()
    border = right.get_position().x0
    for ax in np.ravel(display.ax_):
        assert ax.get_position().x1 <= border


@each_display
def test_of_a_search(name, data):
    grid = {"spikingclassifier__alpha": [0.8, 0.9]}
    search = GridSearchCV(spiking(max_iter=2), grid, cv=2)
    with pytest.raises(NotFittedError):
        DRAW[name](search, *data)
    search.fit(*data)
    display = DRAW[name](search, *data)
    for key, value in vars(DRAW[name](search.best_estimator_, *data)).items():
        if not key.endswith("_"):
            np.testing.assert_equal(getattr(display, key), value)


@each_display
def test_matplotlib_is_missing(name, model, data, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"pip install 'sklearn-snn\[plot\]'"):
        DRAW[name](model, *data)


@pytest.mark.parametrize("name", ["raster", "membrane", "encoding", "contribution"])
@pytest.mark.parametrize("sample", [150, -151, 0.5, "first", None])
def test_refused_samples(name, sample, model, data):
    with pytest.raises(ValueError, match="sample must be the index of one of 150"):
        DRAW[name](model, *data, sample=sample)


@pytest.mark.parametrize("sample", [150, "median", 1.0])
def test_refused_samples_of_a_record(sample, record):
    for display in (SpikeRasterDisplay, MembraneDisplay):
        with pytest.raises(ValueError, match="sample must be the index of one of 150"):
            display.from_record(record, sample=sample)


def test_refused_layers(record):
    with pytest.raises(ValueError, match="layer must be the index of one of 3 layers"):
        MembraneDisplay.from_record(record, layer=3)


def test_a_record_of_nothing(tabular_model, blobs):
    empty = tabular_model.simulate(blobs[0], layers=[])
    with pytest.raises(ValueError, match="neither layers nor input spikes"):
        SpikeRasterDisplay.from_record(empty)


@pytest.mark.parametrize("n_units", [1, 10_000])
def test_one_neuron_and_many(n_units):
    rng = np.random.default_rng(0)
    spikes = (rng.random((20, n_units)) < 0.1).astype(np.uint8)
    spikes[3, n_units - 1] = 1
    display = SpikeRasterDisplay([spikes, spikes], ["Input", "Output layer"]).plot()
    for ax in display.ax_:
        np.testing.assert_array_equal(drawn_spikes(ax), spikes)
    display.figure_.canvas.draw()
    assert max(display.figure_.get_size_inches()) < 12
    means = SpikeRasterDisplay([spikes / 2], ["Input"]).plot()
    np.testing.assert_array_equal(means.ax_[0].images[0].get_array().T, spikes / 2)
    weights = [rng.normal(size=(64, n_units)), rng.normal(size=(n_units, 3))]
    WeightDisplay(weights, image_shape=(8, 8)).plot().figure_.canvas.draw()
    values = rng.random(n_units)
    shown = EncodingDisplay(values, spikes).plot()
    np.testing.assert_array_equal(drawn_spikes(shown.ax_[1]), spikes)
    for ax, expected in zip(shown.ax_[::2], (values, spikes.mean(axis=0)), strict=True):
        (outline,) = ax.patches  # however many there are
        widths = outline.get_data().values if n_units > 1 else [outline.get_width()]
        np.testing.assert_allclose(widths, expected)
    shown.figure_.canvas.draw()


def test_a_single_step():
    spikes = np.ones((1, 3), np.uint8)
    SpikeRasterDisplay([spikes], ["Output layer"]).plot().figure_.canvas.draw()
    display = MembraneDisplay(0.9 * spikes, spikes, 0.6, ["a", "b", "c"]).plot()
    display.figure_.canvas.draw()
    AnytimeAccuracyDisplay(np.array([0.5])).plot().figure_.canvas.draw()
