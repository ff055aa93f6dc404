"""The picture of accuracy against operations."""

import sys

import matplotlib as mpl
import numpy as np
import pytest
from helpers import fast, regressor
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier

from sklearn_snn.metrics import (
    AccuracyOperationsDisplay,
    cheapest_within,
    neg_energy_scorer,
    neg_synaptic_operations_scorer,
    operation_report,
)

mpl.use("Agg")
import matplotlib.pyplot as plt

ACCURACY = np.array([0.5, 0.9, 0.8, 0.95, 0.9, np.nan])
OPERATIONS = np.array([10, 200, 100, 3000, 400, 50])


def line_of(display, label):
    """Return the points of a line in the legend."""
    (line,) = (one for one in display.ax_.lines if one.get_label() == label)
    return line.get_xdata(), line.get_ydata()


def test_points_and_those_that_are_best_for_their_cost():
    display = AccuracyOperationsDisplay(ACCURACY, OPERATIONS, chosen=1).plot()
    points = display.ax_.lines[0]
    np.testing.assert_array_equal(points.get_xdata(), OPERATIONS)
    np.testing.assert_array_equal(points.get_ydata(), ACCURACY)
    x, y = line_of(display, "Best for its cost")
    assert [*zip(x, y, strict=True)] == [
        (10, 0.5),
        (100, 0.8),
        (200, 0.9),
        (3000, 0.95),
    ]
    assert line_of(display, "Chosen") == (200, 0.9)
    assert display.ax_.get_xlabel() == "Synaptic operations per sample"
    assert display.ax_.get_ylabel() == "Accuracy"
    assert display.ax_.get_xscale() == "log"
    first = display.figure_
    assert display.plot().figure_ is not first
    display.figure_.canvas.draw()


def test_names_stay_within_the_axes():
    names = ["a network of many words", "in the middle", "another one of such words"]
    operations = np.array([1.0, 1e3, 1e6])
    display = AccuracyOperationsDisplay(ACCURACY[:3], operations, names=names).plot()
    display.figure_.canvas.draw()
    axes = display.ax_.get_window_extent()
    texts = display.ax_.texts
    assert len(texts) == 3
    for text in texts:
        box = text.get_window_extent()
        assert axes.x0 < box.x0 < box.x1 < axes.x1


def test_a_network_that_does_nothing_is_drawn():
    display = AccuracyOperationsDisplay(np.array([0.1, 0.9]), np.array([0, 100])).plot()
    assert display.ax_.get_xscale() == "symlog"
    display.figure_.canvas.draw()
    assert "Chosen" not in [line.get_label() for line in display.ax_.lines]


def test_of_equal_costs_the_best_counts():
    accuracy, operations = np.array([0.7, 0.9, 0.8]), np.array([5, 5, 5])
    display = AccuracyOperationsDisplay(accuracy, operations).plot()
    assert line_of(display, "Best for its cost") == (5, 0.9)


def test_from_search(blobs):
    scoring = {
        "accuracy": "accuracy",
        "neg_synaptic_operations": neg_synaptic_operations_scorer,
        "neg_energy": neg_energy_scorer,
    }
    options = {"scoring": scoring, "refit": cheapest_within(0.5), "cv": 2}
    network = fast(engine="numpy")
    search = GridSearchCV(network, {"n_steps": [5, 2], "alpha": [0.8]}, **options)
    with pytest.raises(NotFittedError):
        AccuracyOperationsDisplay.from_search(search)
    results = search.fit(*blobs).cv_results_
    display = AccuracyOperationsDisplay.from_search(search)
    np.testing.assert_array_equal(display.accuracy, results["mean_test_accuracy"])
    costs = -results["mean_test_neg_synaptic_operations"]
    np.testing.assert_array_equal(display.operations, costs)
    assert display.chosen == search.best_index_ == costs.argmin()
    display = AccuracyOperationsDisplay.from_search(search, cost="neg_energy")
    np.testing.assert_array_equal(display.operations, -results["mean_test_neg_energy"])
    assert display.ax_.get_xlabel() == "Energy per sample (pJ)"
    with pytest.raises(ValueError, match="no score 'r2' in this search"):
        AccuracyOperationsDisplay.from_search(search, score="r2")
    unchosen = clone(search).set_params(refit=False).fit(*blobs)
    assert AccuracyOperationsDisplay.from_search(unchosen).chosen is None


def test_from_estimators(blobs):
    X, y = blobs
    networks = {
        "spiking, $n$": fast(engine="numpy").fit(X, y),
        "MLP": MLPClassifier((8,), max_iter=400, tol=0.1, random_state=0).fit(X, y),
    }
    display = AccuracyOperationsDisplay.from_estimators(networks, X, y)
    for i, network in enumerate(networks.values()):
        assert display.accuracy[i] == network.score(X, y)
        expected = operation_report(network, X).synaptic_operations
        assert display.operations[i] == expected
    assert [text.get_text() for text in display.ax_.texts] == [r"spiking, \$n\$", "MLP"]
    assert display.ax_.get_ylabel() == "Accuracy"
    for given in ([*networks.values()], networks["MLP"]):
        with pytest.raises(
            TypeError, match=r"must be a dict .* by name.*got (list|MLP)"
        ):
            AccuracyOperationsDisplay.from_estimators(given, X, y)
    numbers = {"one": regressor(engine="numpy").fit(X, X[:, 0])}
    display = AccuracyOperationsDisplay.from_estimators(numbers, X, X[:, 0])
    assert display.ax_.get_ylabel() == "R squared"


def test_in_given_axes():
    figure, axes = plt.subplots(1, 2)
    display = AccuracyOperationsDisplay(ACCURACY, OPERATIONS).plot(ax=axes[1])
    assert display.ax_ is axes[1]
    assert display.figure_ is figure
    with pytest.raises(TypeError, match="ax must be one matplotlib Axes"):
        display.plot(ax=axes)


def test_matplotlib_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    display = AccuracyOperationsDisplay(ACCURACY, OPERATIONS)
    with pytest.raises(ImportError, match=r"pip install 'sklearn-snn\[plot\]'"):
        display.plot()
