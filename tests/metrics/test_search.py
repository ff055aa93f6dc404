"""Scorers of costs, and the rule that takes the cheapest that is good enough."""

import pickle
from functools import partial

import numpy as np
import pytest
from helpers import fast, make_encoder
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline

from sklearn_snn.metrics import (
    EnergyConstants,
    cheapest_within,
    energy,
    neg_energy_scorer,
    neg_synaptic_operations_scorer,
    operation_report,
)

COSTLY_STEPS = EnergyConstants(step=1000.0)
SCORING = {
    "accuracy": "accuracy",
    "neg_synaptic_operations": neg_synaptic_operations_scorer,
    "neg_energy": neg_energy_scorer,
    "neg_costly_steps": partial(neg_energy_scorer, constants=COSTLY_STEPS),
}


@pytest.fixture(scope="module")
def search(digits):
    """Return a search over the steps of an encoder and the size of a network."""
    X, y = digits[0][:120], digits[2][:120]
    model = make_pipeline(
        make_encoder(), fast(engine="numpy", max_iter=15, learning_rate_init=0.03)
    )
    grid = {
        "poissonspikeencoder__n_steps": [1, 4],
        "spikingclassifier__hidden_layer_sizes": [(5,), (20,)],
    }
    options = {"scoring": SCORING, "refit": cheapest_within(0.2), "cv": KFold(2)}
    return GridSearchCV(model, grid, **options).fit(X, y)


def test_scores_of_a_search_are_those_of_its_folds(search, digits):
    X, y = digits[0][:120], digits[2][:120]
    results = search.cv_results_
    for fold, (train, test) in enumerate(KFold(2).split(X)):
        model = clone(search.estimator).set_params(**results["params"][2])
        report = operation_report(model.fit(X[train], y[train]), X[test])
        expected = {
            "accuracy": model.score(X[test], y[test]),
            "neg_synaptic_operations": -report.synaptic_operations,
            "neg_energy": -energy(report).total,
            "neg_costly_steps": -energy(report, COSTLY_STEPS).total,
        }
        for name, score in expected.items():
            assert results[f"split{fold}_test_{name}"][2] == score, name


def test_the_rule_chooses_in_a_search(search):
    results = search.cv_results_
    accuracy = results["mean_test_accuracy"]
    operations = -results["mean_test_neg_synaptic_operations"]
    good = np.flatnonzero(accuracy >= accuracy.max() - 0.2)
    assert 1 < len(good) < 4
    assert search.best_index_ == good[operations[good].argmin()]
    assert search.best_index_ != accuracy.argmax()
    chosen = search.best_estimator_.get_params()
    assert {k: chosen[k] for k in search.best_params_} == search.best_params_


def test_the_score_of_a_search_is_that_of_the_rule(search, digits):
    """With its scorers in a dict, and with one callable that returns them all."""
    X, y = digits[0][120:240], digits[2][120:240]
    accuracy = search.best_estimator_.score(X, y)
    assert 0.2 < search.score(X, y) == accuracy < 1

    def both(model, X, y):
        cost = neg_synaptic_operations_scorer(model, X)
        return {"hits": 2 * model.score(X, y), "neg_synaptic_operations": cost}

    rule = cheapest_within(0.4, of="hits")
    again = clone(search).set_params(scoring=both, refit=rule)
    again.fit(digits[0][:120], digits[2][:120])
    assert again.best_index_ == search.best_index_
    assert again.score(X, y) == 2 * accuracy


def test_a_rule_equals_its_score_and_rules_alike():
    rule = cheapest_within(0.1)
    assert {"accuracy": 3, "r2": 4}[rule] == 3
    assert rule == "accuracy"
    assert rule != "neg_synaptic_operations"
    assert rule == cheapest_within(0.1)
    for other in (cheapest_within(0.2), cheapest_within(0.1, of="r2"), 0.1, None):
        assert rule != other
    assert rule != cheapest_within(0.1, cost="neg_energy")


def results_of(accuracy, cost):
    """Return what a search keeps of its candidates."""
    costs = -np.array(cost, float)
    return {"mean_test_accuracy": np.array(accuracy), "mean_test_neg_cost": costs}


NAN = float("nan")


@pytest.mark.parametrize(
    ("x", "accuracy", "cost", "expected"),
    [
        (0.0, [0.9, 0.8, 0.7], [3, 2, 1], 0),
        (0.1, [0.9, 0.8, 0.7], [3, 2, 1], 1),
        (0.1, [0.8, 0.7, 0.6], [3, 2, 1], 1),  # although 0.8 - 0.1 > 0.7 as floats
        (0.09, [0.9, 0.8, 0.7], [3, 2, 1], 0),
        (1.0, [0.9, 0.8, 0.7], [1, 2, 3], 0),
        (0.1, [0.85, 0.9, 0.88], [2, 3, 2], 2),  # of equally cheap ones the best
        (0.1, [0.85, 0.9, 0.85], [2, 3, 2], 0),  # and of these the first
        (0.0, [0.85, 0.9, 0.9], [1, 3, 2], 2),
        (0.1, [NAN, 0.9, 0.85], [1, 3, 2], 2),
        (0.1, [0.9, 0.9, 0.85], [NAN, 3, 4], 1),
        (0.1, [0.99, 0.9, 0.85], [NAN, 3, 2], 2),
        (1.0, [-5.0, -5.5, -7.0], [3, 2, 1], 1),
    ],
)
def test_cheapest_within(x, accuracy, cost, expected):
    rule = cheapest_within(x, cost="neg_cost")
    index = rule(results_of(accuracy, cost))
    assert index == expected
    assert isinstance(index, int)


def test_a_rule_can_be_sent_and_cloned():
    rule = cheapest_within(0.1, of="r2", cost="neg_cost")
    results = results_of([0.9, 0.85], [3, 2])
    results["mean_test_r2"] = results.pop("mean_test_accuracy")
    for copy in (pickle.loads(pickle.dumps(rule)), clone(rule, safe=False)):
        assert copy(results) == 1
    search = GridSearchCV(fast(), {"alpha": [0.9]}, refit=rule)
    assert clone(search).refit == rule
    assert "refit=_CheapestWithin(x=0.1, of='r2'," in repr(search)


def test_refusals():
    for x in (-0.1, np.inf, np.nan, "0.1", None, True):
        with pytest.raises((ValueError, TypeError), match="The 'x' parameter of cheap"):
            cheapest_within(x)
    results = results_of([0.9], [1])
    with pytest.raises(ValueError, match=r"no score 'r2' in this search: its scoring"):
        cheapest_within(0.1, of="r2", cost="neg_cost")(results)
    message = r"no score 'neg_synaptic_operations'.*\['accuracy', 'neg_cost'\]"
    with pytest.raises(ValueError, match=message):
        cheapest_within(0.1)(results)
    message = "both 'accuracy' and 'neg_cost': fits or scorings failed.*error_score='r"
    with pytest.raises(ValueError, match=message):
        cheapest_within(0.1, cost="neg_cost")(results_of([NAN, 0.9], [1, NAN]))
