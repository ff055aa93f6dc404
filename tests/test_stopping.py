"""When training stops: tolerance and patience, max_iter, and early stopping."""

import copy
import warnings

import numpy as np
import pandas as pd
import pytest
from helpers import (
    PLAIN,
    SOLVERS,
    assert_same_network,
    assert_same_state,
    differ,
    each_engine,
    fast,
    some_digits,
)
from sklearn.datasets import make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.preprocessing import StandardScaler

from sklearn_snn import SpikingClassifier
from sklearn_snn._training.trainer import Trainer
from sklearn_snn.exceptions import DeadNeuronWarning


@each_engine
def test_stops_without_progress(blobs):
    model = fast(max_iter=100, tol=10.0, n_iter_no_change=4).fit(*blobs)
    # The first epoch improves on infinity, then four may pass, and one too many.
    assert model.n_iter_ == 6


@each_engine
def test_convergence_warning(blobs):
    with pytest.warns(ConvergenceWarning, match=r"\(max_iter=3\) reached") as caught:
        fast().fit(*blobs)
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fast(tol=10.0, n_iter_no_change=1, max_iter=9).fit(*blobs)


@pytest.mark.parametrize("solver", SOLVERS)
def test_tolerance_ends_training(solver):
    model = fast(tol=0.5, max_iter=3000, solver=solver)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        model.fit([[3, 2], [1, 6]], [1, 0])
    assert model.n_iter_ < 100


@pytest.mark.parametrize("n_iter_no_change", [1, 2, 5, 20])
def test_n_iter_no_change(n_iter_no_change, iris):
    """One epoch beats infinity, so many may pass, one is too many."""
    for early_stopping in (False, True):
        model = fast(
            tol=5.0,
            max_iter=100,
            n_iter_no_change=n_iter_no_change,
            early_stopping=early_stopping,
        )
        assert model.fit(*iris).n_iter_ == n_iter_no_change + 2


def test_xor_is_solved():
    """Of four rows an epoch is a single step, of which the defaults plan 200."""
    X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
    for seed in range(20):
        model = SpikingClassifier(random_state=seed, engine="numpy").fit(X, y)
        assert model.score(X, y) == 1
        assert model.n_iter_ == 200


def test_what_is_planned():
    """By the kind of input, where nothing else is asked for."""
    rng = np.random.default_rng(0)
    table, y = rng.normal(size=(300, 3)), np.arange(300) % 3
    spikes = rng.random((300, 4, 3)) < 0.3
    for X, reset, readout, n_updates in (
        (table, "subtract", "soft_count", 2),
        (spikes, "subtract", "spike_count", 3),
    ):
        model = SpikingClassifier((4,), n_steps=4, random_state=0, max_iter=1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.partial_fit(X, y, classes=[0, 1, 2])
        assert model._optimizer_state_["t"] == n_updates
        assert (model.reset_, model.network_.readout.name) == (reset, readout)
    model = SpikingClassifier((4,), n_steps=4, random_state=0).fit(table, y)
    assert model.n_iter_ == 200
    model.set_params(early_stopping=True).fit(table, y)
    assert model.n_iter_ < 200


@pytest.mark.parametrize(
    ("n_samples", "batch_size", "n_epochs"),
    [(20, "auto", 100), (300, "auto", 34), (100, 10, 10), (100, 9, 10)],
)
def test_patience_is_of_updates_too(n_samples, batch_size, n_epochs, rng):
    """Ten epochs of a few recordings are ten updates."""
    X, y = rng.random((n_samples, 3, 2)), np.arange(n_samples) % 2
    model = SpikingClassifier((4,), tol=1e9, batch_size=batch_size, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, y)
    # The first epoch sets what has to be surpassed, and more than those end it.
    assert model.n_iter_ == n_epochs + 2


def test_patience_starts_again_after_an_improvement():
    """The last epoch that improved the best loss by tol is that long ago."""
    X, y = some_digits(2, 100)
    model = fast(tol=0.01, max_iter=300, n_iter_no_change=3, learning_rate="constant")
    curve = np.array(model.fit(X, y).loss_curve_)
    assert 6 < model.n_iter_ < 300
    best_before = np.minimum.accumulate(np.append(np.inf, curve[:-1]))
    improved = curve <= best_before - 0.01
    assert np.flatnonzero(improved)[-1] == len(curve) - 5
    assert not any((~improved[i : i + 4]).all() for i in range(len(curve) - 4))


def test_infinite_patience(iris):
    """All epochs are planned: that they were carried out is no matter of warning."""
    model = fast(tol=1e9, max_iter=30, n_iter_no_change=1000)
    with pytest.warns(ConvergenceWarning, match=r"max_iter=30\) reached"):
        model.fit(*iris)
    assert model.n_iter_ == 30
    model = fast(tol=1e9, max_iter=30, n_iter_no_change=np.inf).fit(*iris)
    assert model.n_iter_ == 30


def test_a_plan_that_led_to_nothing_warns(rng):
    X, y = rng.normal(size=(200, 3)), rng.integers(2, size=200)
    model = SpikingClassifier((5,), n_steps=5, max_iter=3, random_state=0)
    with pytest.warns(ConvergenceWarning, match="After the last epoch the loss is"):
        model.fit(X, y)


# Early stopping


def test_early_stopping():
    X, y = some_digits(2, 100)
    model = fast(early_stopping=True, tol=0.2, max_iter=3000).fit(X, y)
    assert model.n_iter_ < 100
    scores = model.validation_scores_
    assert isinstance(scores, list)
    assert len(scores) == len(model.loss_curve_) == model.n_iter_
    assert model.best_validation_score_ == max(scores)
    assert max(scores[-11:]) < max(scores[:-11]) + 0.2
    assert model.best_loss_ is None
    assert model.t_ == 90 * model.n_iter_

    model.set_params(early_stopping=False).fit(X, y)
    assert model.validation_scores_ is None
    assert model.best_validation_score_ is None
    assert model.best_loss_ == min(model.loss_curve_)
    assert model.t_ == 100 * model.n_iter_


def best_epoch(scores, losses):
    """Return the index of the best score and, of equals, of the smallest loss."""
    return int(np.lexsort((losses, -np.array(scores)))[0])


def test_the_weights_of_the_best_epoch_are_kept(iris):
    """As if training had stopped there."""
    params = {"early_stopping": True, "learning_rate": "constant", "batch_size": 20}
    params |= {"learning_rate_init": 0.05, "validation_fraction": 0.3}
    params |= {"n_iter_no_change": np.inf}
    model = fast(**params, max_iter=12).fit(*iris)
    best = best_epoch(model.validation_scores_, model.loss_curve_)
    assert 0 < best < 11
    until_then = fast(**params, max_iter=best + 1).fit(*iris)
    assert_same_network(model, until_then)
    assert model.validation_scores_[: best + 1] == until_then.validation_scores_
    assert differ(model, fast(**params, max_iter=best).fit(*iris))


def test_an_early_epoch_is_no_evidence_that_little_was_learned(monkeypatch):
    """Where the validation scores of all epochs are equal, while the loss falls.

    As where nine of ten samples are of one class, and few are set aside.
    """
    monkeypatch.setattr(Trainer, "score", lambda self, samples: 0.9)
    X, y = make_classification(800, 10, weights=[0.9], flip_y=0.05, random_state=10)
    X = StandardScaler().fit_transform(X)
    model = SpikingClassifier(early_stopping=True, random_state=3, **PLAIN)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeadNeuronWarning)
        warnings.simplefilter("error", ConvergenceWarning)
        model.fit(X, y)
    assert len(set(model.validation_scores_)) == 1
    # The weights are those of the last epoch, and not of the first.
    assert model.loss_and_gradients(X, y).loss < 0.6 * model.loss_curve_[1]


def test_equal_scores_do_not_surpass_the_weights_before(split_iris):
    """A smaller loss does not count against weights whose loss is not known."""
    X, _, y, _ = split_iris
    model = fast(early_stopping=True, warm_start=True, max_iter=20).fit(X, y)
    before = copy.deepcopy(model)
    model.set_params(max_iter=5, learning_rate_init=1e-9)
    with pytest.warns(ConvergenceWarning, match="None of the 5 epochs"):
        model.fit(X, y)
    assert model.validation_scores_[-5:] == 5 * [before.best_validation_score_]
    assert_same_network(model, before)


@pytest.mark.parametrize("random_state", range(5))
def test_the_validation_set_is_stratified(random_state):
    """All rows are alike, so the score is the share of one of the classes."""
    X, y = np.ones((100, 3)), np.arange(100) % 5 == 0
    model = fast(early_stopping=True, validation_fraction=0.25, max_iter=1)
    model.set_params(random_state=random_state).fit(X, y)
    (score,) = model.validation_scores_
    assert min(score, 1 - score) == pytest.approx(0.2)


def test_a_class_of_one_sample_cannot_be_stratified():
    """The message names the class as the user does."""
    X, y = [[1, 2], [2, 3], [3, 4], [4, 5]], ["often", "often", "often", "once"]
    model = fast(early_stopping=True, validation_fraction=0.5)
    message = "least populated classes in y have only 1 member.*'once'"
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)
    assert not hasattr(model, "classes_")


def test_too_small_a_validation_set():
    model = fast(early_stopping=True)
    X, y = np.random.default_rng(0).random((20, 2)), np.arange(20) % 2
    for n in (4, 10):
        with pytest.raises(ValueError, match=r"validation set is too small.*Increase"):
            model.fit(X[:n], y[:n])
        assert not hasattr(model, "classes_")
    model.fit(X[:11], y[:11])


def test_warm_start_keeps_the_best_weights_of_all_calls(split_iris):
    """A second call that makes things worse gives back the best of the first."""
    X, X_test, y, y_test = split_iris
    model = fast(early_stopping=True, warm_start=True, max_iter=15).fit(X, y)
    best, coefs = model.best_validation_score_, model.coefs_
    accuracy = model.score(X_test, y_test)
    model.set_params(learning_rate_init=1e3, max_iter=3).fit(X, y)
    assert max(model.validation_scores_[15:]) <= best
    assert min(model.validation_scores_[15:]) < best
    assert model.best_validation_score_ == best
    for now, then in zip(model.coefs_, coefs, strict=True):
        np.testing.assert_array_equal(now, then)
    assert model.score(X_test, y_test) == accuracy


def test_other_data_are_judged_by_themselves(split_iris):
    """A perfect score on old data throws no new weights away.

    The new data have other labels: the old weights score badly there.
    """
    X, _, y, _ = split_iris
    params = {"early_stopping": True, "warm_start": True, "validation_fraction": 0.3}
    model = fast(**params, max_iter=40).fit(X, y)
    best, coefs = model.best_validation_score_, model.coefs_
    assert best > 0.9
    renamed = (y + 1) % 3
    model.set_params(max_iter=6).fit(X, renamed)
    news = model.validation_scores_[-6:]
    assert max(news) < best
    assert model.best_validation_score_ == max(news)
    assert not np.array_equal(model.coefs_[0], coefs[0])
    n_best = int(np.argmax(news)) + 1
    until_then = fast(**params, max_iter=40).fit(X, y)
    until_then.set_params(learning_rate="constant")
    assert model.score(X, renamed) > until_then.score(X, renamed)
    assert 1 <= n_best <= 6


def test_weights_that_no_epoch_surpasses_are_kept_and_it_is_said(split_iris):
    X, _, y, _ = split_iris
    model = fast(early_stopping=True, warm_start=True, max_iter=15).fit(X, y)
    before = copy.deepcopy(model)
    other = X + np.random.default_rng(0).normal(size=X.shape) / 10
    model.set_params(learning_rate_init=1e3, max_iter=3)
    message = r"None of the 3 epochs has a validation score above (0|1)\.\d{4}, .*kept"
    with pytest.warns(ConvergenceWarning, match=message):
        model.fit(other, y)
    assert_same_network(model, before)
    assert model.n_iter_ == 3
    # The score of the weights that are kept, on the samples of this call.
    assert model.best_validation_score_ > max(model.validation_scores_[-3:])


def test_the_first_watched_fit_has_to_surpass_what_there_was(split_iris):
    """Also where the fit before was not watched, or its parameters were others."""
    X, _, y, _ = split_iris
    model = fast(warm_start=True, max_iter=30).fit(X, y)
    before = copy.deepcopy(model)
    model.set_params(early_stopping=True, learning_rate_init=1e3, max_iter=2)
    with pytest.warns(ConvergenceWarning, match="None of the 2 epochs"):
        model.fit(X, y)
    assert_same_network(model, before)
    assert model.best_validation_score_ > max(model.validation_scores_)
    # Of a network that is silent with its threshold the score is that of guessing.
    model.set_params(threshold=1e6, max_iter=1, learning_rate_init=1e-9).fit(X, y)
    assert model.best_validation_score_ == pytest.approx(1 / 3, abs=0.05)


def test_going_on_with_the_same_data_is_judged_by_the_best_so_far(split_iris):
    """The weights that are kept have that score, so nothing changes."""
    X, _, y, _ = split_iris
    model = fast(early_stopping=True, warm_start=True, max_iter=5).fit(X, y)
    for _ in range(3):
        model.fit(X, y)
        assert model.best_validation_score_ == max(model.validation_scores_)


def test_early_stopping_with_string_labels(iris):
    X, y = iris
    model, named = (fast(early_stopping=True, max_iter=15) for _ in "ab")
    model.fit(X, y)
    named.fit(X, np.array(["setosa", "versicolor", "virginica"], dtype=object)[y])
    assert named.validation_scores_ == model.validation_scores_
    assert named.best_validation_score_ > 0.5
    assert_same_network(model, named)


def test_early_stopping_keeps_feature_names(iris):
    X, y = iris
    frame = pd.DataFrame(X, columns=list("abcd"))
    model = fast(early_stopping=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(frame, pd.Series(y, name="species"))
        model.predict(frame)
    assert model.feature_names_in_.tolist() == list("abcd")
    assert_same_network(model, fast(early_stopping=True).fit(X, y))


def test_no_partial_fit_with_early_stopping(iris):
    model = fast(early_stopping=True)
    message = "partial_fit does not support early_stopping=True"
    with pytest.raises(ValueError, match=message):
        model.partial_fit(*iris, classes=[0, 1, 2])
    assert not hasattr(model, "classes_")
    model.fit(*iris)
    before = copy.deepcopy(vars(model))
    with pytest.raises(ValueError, match=message):
        model.partial_fit(*iris)
    assert_same_state(model, before)


def test_unit_weights_with_early_stopping(iris):
    X, y = iris
    params = {"early_stopping": True, "batch_size": 10}
    model = fast(**params).fit(X, y)
    assert_same_network(fast(**params).fit(X, y, sample_weight=np.ones(150)), model)


def test_weights_count_in_the_validation_score():
    """All rows are alike: the score is the weight of the class that is answered."""
    X, y = np.ones((80, 3)), np.arange(80) % 2
    model = fast(early_stopping=True, validation_fraction=0.5, max_iter=1)
    model.fit(X, y, np.where(y == 1, 3.0, 1.0))
    expected = 0.75 if model.predict(X[:1]) == 1 else 0.25
    assert model.validation_scores_ == [pytest.approx(expected)]


def test_class_weights_do_not_count_in_the_validation_score():
    """All rows are alike: the score is the share of the class that is answered."""
    X, y = np.ones((80, 3)), np.arange(80) % 4 == 0
    model = fast(early_stopping=True, validation_fraction=0.5, max_iter=1)
    model.set_params(class_weight="balanced").fit(X, y)
    (score,) = model.validation_scores_
    assert min(score, 1 - score) == pytest.approx(0.25)
