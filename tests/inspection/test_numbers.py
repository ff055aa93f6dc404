"""Pictures of networks that predict numbers."""

import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from drawings import bars, heading, line
from helpers import make_encoder, regressor
from sklearn.exceptions import DataConversionWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_snn import SpikingRegressor
from sklearn_snn.inspection import (
    AnytimeAccuracyDisplay,
    ContributionDisplay,
    EncodingDisplay,
    MembraneDisplay,
    SpikeRasterDisplay,
    TrainingDisplay,
    WeightDisplay,
)

TITLED = (SpikeRasterDisplay, MembraneDisplay, EncodingDisplay, ContributionDisplay)
each_titled = pytest.mark.parametrize("display", TITLED)


def text_of(values):
    """Return four digits of each number, or all that are left of the point."""
    return ", ".join(f"{v:.0f}" if v >= 1e4 else f"{v:.4g}" for v in values)


@each_titled
def test_titles_of_numbers(display, predicting, data, numbers):
    X, _ = data
    predicted = predicting.predict(X)[5]
    title = f"True: {text_of(numbers[5])}; answer: {text_of(predicted)}"
    assert text_of(numbers[5]).startswith("10")
    for y in (numbers, pd.DataFrame(numbers), numbers[5]):
        shown = display.from_estimator(predicting, X, sample=5, y=y)
        assert heading(shown) == title
    shown = display.from_estimator(predicting, X, sample=5)
    assert heading(shown) == f"Answer: {text_of(predicted)}"
    with pytest.raises(ValueError, match=r"of shape \(150, 2\), or of \(2,\)"):
        display.from_estimator(predicting, X, sample=5, y=numbers[:, 0])


@each_titled
@pytest.mark.parametrize("column", [False, True])
def test_titles_of_one_number(display, column, data):
    X, y = data
    y = y / 8
    model = make_pipeline(make_encoder(), regressor())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataConversionWarning)
        model.fit(X, y[:, np.newaxis] if column else y)
    predicted = np.ravel(model.predict(X))[5]
    for truth in (y, y[:, np.newaxis], y[5], pd.Series(y)):
        shown = display.from_estimator(model, X, sample=5, y=truth)
        assert heading(shown) == f"True: {y[5]:.4g}, answer: {predicted:.4g}"
    shown = display.from_estimator(model, X, sample=5, y="unknown")
    assert heading(shown) == f"True: unknown, answer: {predicted:.4g}"


def test_many_numbers_are_not_all_told(rng):
    X, y = rng.normal(size=(20, 3)), rng.normal(size=(20, 9))
    model = regressor().fit(X, y)
    shown = MembraneDisplay.from_estimator(model, X, y=y)
    true, answer = shown.title.split("; ")
    for text, values in ((true, y[0]), (answer, model.predict(X)[0])):
        assert text.split(": ")[1] == text_of(values[:5]) + ", …"
    assert shown.names == [*"012345678"]


def test_panels_of_numbers(predicting, data, numbers):
    X, _ = data
    network = predicting[-1]
    raster = SpikeRasterDisplay.from_estimator(predicting, X, y=numbers)
    assert raster.names == ["Input", "Hidden layer 1"]
    record = network.simulate(predicting[0].transform(X))
    np.testing.assert_array_equal(record.values[:, -1], predicting.predict(X))
    assert heading(MembraneDisplay.from_record(record, sample=3, y=numbers)).startswith(
        f"True: {text_of(numbers[3])}; answer: "
    )
    (loss, score), (_, rates) = TrainingDisplay.from_estimator(predicting).ax_
    assert loss.get_ylabel() == "Loss (half the squared error)"
    assert score.get_ylabel() == "R squared"
    np.testing.assert_array_equal(line(score, "Training"), network.train_scores_)
    assert [one.get_label() for one in rates.lines] == ["Hidden layer 1"]
    WeightDisplay.from_estimator(predicting).figure_.canvas.draw()


def test_a_first_epoch_does_not_hide_the_others():
    values = np.ones((3, 1))
    for scores, is_cut in (([-80.0, 0.5, 0.7], True), ([-80.0, -50.0, -30.0], False)):
        arguments = [1.0, 0.5, 0.4], scores, values, values
        display = TrainingDisplay(*arguments, objective="squared_error").plot()
        low, high = display.ax_[0, 1].get_ylim()
        assert (low == -1) == is_cut
        assert low < max(scores) < high
        classes = TrainingDisplay(*arguments).plot().ax_[0, 1]
        assert classes.get_ylim()[0] < -80


def test_accuracy_is_not_of_numbers(predicting, data, numbers, monkeypatch):
    """It is said before the network runs."""
    monkeypatch.setattr(SpikingRegressor, "staged_predict", None)
    monkeypatch.setattr(SpikingRegressor, "_spikes_per_step", None)
    with pytest.raises(TypeError, match="is of labels: SpikingRegressor predicts num"):
        AnytimeAccuracyDisplay.from_estimator(predicting, data[0], numbers)
    assert not plt.get_fignums()


@pytest.mark.parametrize("readout", ["spike_count", "soft_count"])
def test_contributions_to_a_number_that_is_counted(readout, data, numbers):
    """To the current of its neuron: in the unit of y it would be no part of it."""
    X, y = data[0], numbers[:, 1]
    model = make_pipeline(make_encoder(), regressor(readout=readout)).fit(X, y)
    shown = ContributionDisplay.from_estimator(model, X, sample=4)
    assert shown.answer == "the value"
    record = model[-1].simulate(model[:-1].transform(X)[4:5])
    (spikes,), W, b = record.spikes[-2], model[-1].coefs_[-1], model[-1].intercepts_[-1]
    assert shown.total == pytest.approx((spikes @ W + b).sum(), rel=1e-5)


@pytest.mark.parametrize("output", [None, 0, 1])
def test_contributions_to_a_number(output, predicting, data, numbers):
    """To how it differs from the mean, in the unit of y."""
    X, _ = data
    shown = ContributionDisplay.from_estimator(predicting, X, sample=4, output=output)
    k, network = output or 0, predicting[-1]
    mean = network.y_mean_[k]
    assert mean == pytest.approx(numbers[:, k].mean())
    expected = predicting.predict(X)[4, k] - mean
    tolerance = 1e-4 * network.y_scale_[k] + 1e-6 * mean
    assert shown.total == pytest.approx(expected, abs=tolerance)
    by_inputs = shown.inputs.sum() + shown.input_bias
    assert by_inputs == pytest.approx(expected, abs=tolerance)
    assert shown.answer == f"number {k} over its mean {text_of([mean])}"
    title = shown.figure_.get_suptitle().split("\n", 1)[1]
    assert title.startswith(f"Contributions (not causes) to {shown.answer}: ")


def test_contributions_to_the_only_number(rng):
    X = pd.DataFrame(rng.normal(size=(40, 3)), columns=["age", "mass", "size"])
    y = 30 * X["mass"] + 7
    network = regressor(max_iter=100, learning_rate_init=0.02)
    model = make_pipeline(StandardScaler(), network).fit(X, y)
    assert model.score(X, y) > 0.6
    for sample in (int(X["mass"].argmax()), int(X["mass"].argmin())):
        shown = ContributionDisplay.from_estimator(model, X, sample=sample, y=y)
        assert shown.answer == f"the value over its mean {y.mean():.4g}"
        expected = model.predict(X)[sample] - y.mean()
        assert shown.total == pytest.approx(expected, abs=1e-3)
        assert np.abs(shown.inputs).argmax() == 1
        assert np.sign(shown.inputs[1]) == np.sign(X["mass"][sample])
        assert f"mass = {X['mass'][sample]:.4g}" in bars(shown.ax_[1])


def test_an_encoder_alone_knows_the_truth(data, labels, numbers):
    X, _ = data
    encoder = make_encoder().fit(X)
    true = ", ".join(map(str, np.flatnonzero(labels[5]))) or "no label"
    cases = ((labels, true), (numbers, text_of(numbers[5])))
    for y, text in cases:
        shown = EncodingDisplay.from_estimator(encoder, X, sample=5, y=y)
        assert heading(shown) == f"True: {text}"
