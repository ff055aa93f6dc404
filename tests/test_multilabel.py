"""Several labels at once: what MLPClassifier's own tests ask, and what is our own."""

import numpy as np
import pytest
from helpers import (
    PLAIN,
    assert_same_network,
    each_engine,
)
from scipy import sparse
from sklearn.datasets import make_multilabel_classification
from sklearn.metrics import accuracy_score, log_loss

from sklearn_snn import SpikingClassifier

pytestmark = each_engine
READOUTS = "spike_count", "membrane_mean"


@pytest.fixture(scope="module")
def data():
    """Return 50 rows and 5 labels."""
    return make_multilabel_classification(
        n_samples=50, random_state=0, return_indicator=True
    )


def labelling(**params):
    """Return a classifier that learns 50 rows by heart."""
    defaults = {
        **PLAIN,
        "hidden_layer_sizes": (50,),
        "n_steps": 10,
        "max_iter": 300,
        "n_iter_no_change": 50,
        "learning_rate_init": 0.01,
        "random_state": 0,
    }
    return SpikingClassifier(**defaults | params)


@pytest.mark.parametrize("readout", READOUTS)
def test_labels_are_learned(readout, data):
    X, y = data
    model = labelling(readout=readout).fit(X, y)
    assert model.score(X, y) > 0.97
    assert model.predict(X).shape == y.shape
    assert (model.n_outputs_, model.out_activation_) == (5, "logistic")
    np.testing.assert_array_equal(model.classes_, range(5))


@pytest.mark.parametrize("readout", READOUTS)
def test_probabilities_are_of_each_label(readout, data):
    X, y = data
    model = labelling(readout=readout).fit(X, y)
    p, log_p = model.predict_proba(X), model.predict_log_proba(X)
    assert p.shape == y.shape
    np.testing.assert_array_equal(p > 0.5, model.predict(X))
    assert np.abs(p.sum(axis=1) - 1).max() > 0.1
    np.testing.assert_allclose(log_p, np.log(p))
    logits = model.decision_function(X)
    np.testing.assert_allclose(p, 1 / (1 + np.exp(-logits)))
    if readout == "spike_count":
        # The loss knows nothing of what tells equal counts apart.
        counts = model.simulate(X).spikes[-1].sum(axis=1)
        p = 1 / (1 + np.exp(-(counts - 5.0)))
    by_label = [log_loss(y[:, k], p[:, k], labels=[0, 1]) for k in range(5)]
    assert model.loss_and_gradients(X, y).loss == pytest.approx(sum(by_label))


def test_two_labels_are_no_binary_problem(data):
    X, y = data[0], data[1][:, :2]
    model = labelling(max_iter=5).fit(X, y)
    assert model.decision_function(X).shape == (50, 2)
    assert model.predict_proba(X).shape == (50, 2)


def test_a_half_rate_is_a_probability_of_one_half(data):
    """A neuron that fires at every second step says neither yes nor no."""
    X, y = data
    model = labelling(max_iter=1).fit(X, y)
    model.coefs_[-1][:], model.intercepts_[-1][:] = 0, 0.8  # fires at every step

    def logits():
        """Return the logits but for what tells equal counts apart."""
        membranes = model.simulate(X).membranes[-1].mean(axis=1)
        return model.decision_function(X) - np.tanh(membranes / 0.6) / 2

    np.testing.assert_allclose(logits(), 5)
    model.intercepts_[-1][:] = 0.4  # u = 0.4, 0.78: at every second one
    np.testing.assert_allclose(logits(), 0, atol=1e-12)
    model.intercepts_[-1][:] = 0
    np.testing.assert_allclose(logits(), -5)
    *_, last = model.staged_predict_proba(X)
    np.testing.assert_array_equal(last, model.predict_proba(X))


def test_partial_fit(data):
    X, y = data
    parts = labelling(learning_rate="constant")
    for _ in range(8):
        parts.partial_fit(X, y, classes=range(5))
    whole = labelling(learning_rate="constant", max_iter=8).fit(X, y)
    assert_same_network(whole, parts)


def test_early_stopping(data):
    X, y = data
    model = labelling(early_stopping=True, validation_fraction=0.4).fit(X, y)
    assert model.best_validation_score_ == max(model.validation_scores_)


def test_sparse_labels(data):
    X, y = data
    one = labelling(max_iter=3).fit(X, y)
    other = labelling(max_iter=3).fit(X, sparse.csr_matrix(y))
    assert_same_network(one, other)


def test_scores_are_of_whole_rows(data):
    X, y = data
    weights = np.linspace(0.5, 2, 50)
    model = labelling(max_iter=20).fit(X, y)
    expected = accuracy_score(y, model.predict(X), sample_weight=weights)
    assert model.score(X, y, sample_weight=weights) == pytest.approx(expected)
    # With one mini-batch the score of an epoch is that of the weights before.
    model = labelling(max_iter=1, batch_size=50).fit(X, y)
    before = labelling(max_iter=1, batch_size=50, learning_rate_init=1e-300).fit(X, y)
    assert model.train_scores_[0] == pytest.approx(before.score(X, y))


def test_a_weight_of_two_is_the_row_twice(data):
    X, y = data
    weights = np.ones(50)
    weights[:10] = 2
    one = labelling(max_iter=3, batch_size=60).fit(X, y, sample_weight=weights)
    rows = np.r_[np.arange(50), np.arange(10)]
    other = labelling(max_iter=3, batch_size=60).fit(X[rows], y[rows])
    assert one.loss_ == pytest.approx(other.loss_)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda y: y * 2.5, "0 and 1 for each of several labels"),
        (lambda y: y + 3 * (np.arange(5) == 1), "0 and 1 for each of several labels"),
        (lambda y: y[:, :3], "0 and 1 for each of several labels, 5 here"),
        (lambda y: y[:, 0], "2 dimensions"),
    ],
)
def test_other_y_is_refused(change, match, data):
    X, y = data
    model = labelling(max_iter=1).fit(X, y)
    with pytest.raises(ValueError, match=match):
        model.partial_fit(X, change(y))
    with pytest.raises(ValueError, match=match):
        model.loss_and_gradients(X, change(y))


def test_other_labels_are_refused_by_a_warm_start(data):
    X, y = data
    model = labelling(max_iter=1, warm_start=True).fit(X, y)
    for other in (y[:, :3], y[:, 0]):
        with pytest.raises(ValueError, match="same classes"):
            model.fit(X, other)


@pytest.mark.parametrize("class_weight", ["balanced", {0: 2.0}])
@pytest.mark.parametrize("early_stopping", [False, True])
def test_class_weight_is_refused(class_weight, early_stopping, data):
    X, y = data
    model = labelling(class_weight=class_weight, early_stopping=early_stopping)
    with pytest.raises(ValueError, match=r"class_weight .* several labels"):
        model.fit(X, y)
    assert not hasattr(model, "coefs_")


def test_class_weight_is_refused_by_a_stream(data):
    X, y = data
    model = labelling(class_weight={0: 2.0})
    with pytest.raises(ValueError, match=r"class_weight .* several labels"):
        model.partial_fit(X, y, classes=range(5))
