"""Accuracies of training and validation measure the same thing."""

import numpy as np
import pytest
from helpers import fast


@pytest.mark.parametrize("method", ["fit", "partial_fit"])
def test_scores_are_weighted_by_sample_alone(method):
    """All rows are alike: both are the weight of the samples of a class."""
    X, y = np.ones((120, 3)), (np.arange(120) % 4 == 0).astype(int)
    weights = np.where(y == 1, 1.5, 1.0)  # a third for the class of 30 samples
    model = fast(class_weight={0: 1, 1: 50}, max_iter=1, learning_rate_init=1e-300)
    if method == "fit":
        model.set_params(early_stopping=True, validation_fraction=0.5)
        model.fit(X, y, weights)
        (score,) = model.validation_scores_
        assert model.train_scores_ == [pytest.approx(score)]
    else:
        model.partial_fit(X, y, [0, 1], weights)
    expected = 1 / 3 if model.predict(X[:1]) == 1 else 2 / 3
    assert model.train_scores_ == [pytest.approx(expected)]


def test_a_class_of_weight_zero_is_in_no_score():
    """Of the others one is always right, as all rows are alike."""
    X, y = np.ones((120, 3)), np.arange(120) % 3
    model = fast(class_weight={2: 0}, max_iter=1, learning_rate_init=1e-300)
    model.set_params(early_stopping=True, validation_fraction=0.3).fit(X, y)
    answer = model.predict(X[:1])[0]
    expected = 0.0 if answer == 2 else 0.5
    assert model.train_scores_ == [expected]
    assert model.validation_scores_ == [expected]


def test_a_validation_set_of_ignored_classes_is_refused():
    """Two rows of the class that counts, and neither set aside."""
    y = np.append(np.zeros(200, int), [1, 1])
    X = np.random.default_rng(0).random((202, 3))
    for seed in range(3):
        model = fast(class_weight={0: 0}, early_stopping=True, random_state=seed)
        with pytest.raises(ValueError, match="only samples of classes of weight 0"):
            model.set_params(validation_fraction=0.01).fit(X, y)
