"""Weights of samples through pipelines and searches, by metadata routing."""

import numpy as np
import pytest
from helpers import (
    assert_same_network,
    differ,
    fast,
)
from sklearn import config_context
from sklearn.metrics import accuracy_score, get_scorer
from sklearn.model_selection import cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_snn import SpikingClassifier


@pytest.fixture
def routing():
    with config_context(enable_metadata_routing=True):
        yield


def test_weights_reach_the_last_step_of_a_pipeline(iris, routing):
    X, y = iris
    weights = 1.0 + np.arange(150) % 3
    classifier = fast().set_fit_request(sample_weight=True)
    model = make_pipeline(
        StandardScaler().set_fit_request(sample_weight=False), classifier
    )
    model.fit(X, y, sample_weight=weights)
    scaled = StandardScaler().fit_transform(X)
    assert_same_network(model[-1], fast().fit(scaled, y, weights))
    assert differ(model[-1], fast().fit(scaled, y))


def test_weights_are_cut_into_folds(iris, routing):
    X, y = iris
    weights = 1.0 + np.arange(150) % 3
    result = cross_validate(
        fast()
        .set_fit_request(sample_weight=True)
        .set_score_request(sample_weight=True),
        X,
        y,
        cv=[(np.arange(100), np.arange(100, 150))],
        params={"sample_weight": weights},
        scoring=get_scorer("accuracy").set_score_request(sample_weight=True),
        return_estimator=True,
    )
    expected = fast().fit(X[:100], y[:100], weights[:100])
    assert_same_network(result["estimator"][0], expected)
    score = accuracy_score(
        y[100:], expected.predict(X[100:]), sample_weight=weights[100:]
    )
    assert result["test_score"] == [pytest.approx(score)]


def test_metadata_that_can_be_routed(routing):
    requests = (
        SpikingClassifier()
        .set_fit_request(sample_weight="weight")
        .set_partial_fit_request(sample_weight=False, classes=True)
        .get_metadata_routing()
    )
    assert requests.fit.requests == {"sample_weight": "weight"}
    assert requests.partial_fit.requests == {"sample_weight": False, "classes": True}
