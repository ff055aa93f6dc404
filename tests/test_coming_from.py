"""Rows of "From MLPClassifier" in "Coming from elsewhere", each executed."""

import numpy as np
import pytest
from correspondence import Rows, arguments
from helpers import fast
from sklearn.neural_network import MLPClassifier

from sklearn_snn import SpikingClassifier

rows = Rows("From MLPClassifier")
pytestmark = [
    pytest.mark.usefixtures("engine"),
    pytest.mark.parametrize("engine", ["numpy"], indirect=True),
]


@pytest.mark.parametrize("left", rows.cells)
def test_row(left):
    rows.run(left)


def test_every_test_has_a_row():
    assert list(rows.tests) == list(rows.cells)


# From MLPClassifier


def default_of(estimator, text):
    """Check that a cell's ``name=value`` is the default of an estimator."""
    ((name, value),) = arguments(text).items()
    assert estimator().get_params()[name] == value


def both_defaults(left, right):
    default_of(MLPClassifier, left[0])
    default_of(SpikingClassifier, right[0])


rows('``activation="relu"``')(both_defaults)
rows("``alpha=0.0001``, the L2 penalty")(both_defaults)


@rows('``solver="lbfgs"``')
def _(left, right):
    MLPClassifier(**arguments(left[0]))._validate_params()
    with pytest.raises(ValueError, match="'solver' parameter"):
        SpikingClassifier(**arguments(left[0]))._validate_params()
    for name in right:
        SpikingClassifier(solver=eval(name))._validate_params()


@rows('``learning_rate="constant"``, of SGD only')
def _(left, right):
    both_defaults(left, right)
    for solver in ("adam", "sgd"):
        for schedule in ("constant", "invscaling", "adaptive", "cosine"):
            fast(solver=solver, learning_rate=schedule)._validate_params()
    X, y = np.eye(6), np.arange(6) % 2
    ends = [
        fast(solver="adam", learning_rate=name).fit(X, y).learning_rate_
        for name in ("constant", "cosine")
    ]
    assert ends[0] > ends[1]


rows("``learning_rate_init=0.001``")(both_defaults)


@rows('``batch_size="auto"``')
def _(left, right):
    default_of(MLPClassifier, left[0])
    default_of(SpikingClassifier, right[0])
    X = np.random.default_rng(0).normal(size=(250, 3))
    one, other = (
        fast(batch_size=size, max_iter=1).fit(X, X[:, 0] > 0) for size in (200, "auto")
    )
    np.testing.assert_array_equal(one.coefs_[0], other.coefs_[0])


@rows("``max_fun=15000``")
def _(left, _):
    default_of(MLPClassifier, left[0])
    assert "max_fun" not in SpikingClassifier().get_params()


@rows('``out_activation_="logistic"`` for two classes')
def _(left, right):
    X, y = np.eye(6), np.arange(6) % 2
    theirs = MLPClassifier(max_iter=3).fit(X, y)
    model = fast().fit(X, y)
    assert {"out_activation_": theirs.out_activation_} == arguments(left[0])
    assert {"out_activation_": model.out_activation_} == arguments(right[0])
    assert model.n_outputs_ == 2


@rows("multilabel ``y``")
def _(_, right):
    Y = np.eye(6, dtype=int)
    theirs = MLPClassifier(max_iter=3).fit(np.eye(6), Y)
    model = fast().fit(np.eye(6), Y)
    assert {"out_activation_": model.out_activation_} == arguments(right[0])
    assert model.out_activation_ == theirs.out_activation_
    assert model.predict(np.eye(6)).shape == theirs.predict(np.eye(6)).shape == (6, 6)


@rows("``loss_curve_``")
def _(left, right):
    assert left == right[:1]
    model = fast(max_iter=4).fit(np.eye(6), np.arange(6) % 2)
    assert {len(getattr(model, name)) for name in right} == {4}


@rows("no weights by class")
def _(_, right):
    assert "class_weight" not in MLPClassifier().get_params()
    SpikingClassifier(**arguments(right[0]))._validate_params()


@rows("two-dimensional ``X`` only")
def _(*_):
    X, y = np.ones((6, 4, 3)), np.arange(6) % 2
    with pytest.raises(ValueError, match="dim 3"):
        MLPClassifier().fit(X, y)
    assert fast().fit(X, y).n_features_in_ == 3


@rows("no record of the units")
def _(_, right):
    for name in right:
        assert not hasattr(MLPClassifier, name)
        assert callable(getattr(SpikingClassifier, name))
