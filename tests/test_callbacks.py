"""Callbacks of scikit-learn in SpikingClassifier: what they see, and what they do."""

import threading
import warnings

import numpy as np
import pandas as pd
import pytest
from helpers import assert_same_network, steady
from recording import (
    Recorder,
    TravellingRecorder,
    assert_same_but_callbacks,
    calls_of_a_fit,
    raise_error,
    recorded,
)
from sklearn.base import clone
from sklearn.callback import ProgressBar, ScoringMonitor
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_snn import PoissonSpikeEncoder, SpikeTrains


@pytest.fixture(scope="module")
def named_iris(iris):
    """Iris as a DataFrame and a Series of strings."""
    X, y = iris
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    return pd.DataFrame(X, columns=list("abcd")), pd.Series(names)


# What callbacks see


@pytest.mark.parametrize("max_iter", [1, 4])
def test_hooks_in_their_order(max_iter, iris):
    recorder = recorded(steady(max_iter=max_iter), *iris)
    assert recorder.calls == calls_of_a_fit(max_iter)
    root = ("SpikingClassifier", "fit", max_iter)
    assert recorder.paths[2] == [root, ("SpikingClassifier", "epoch", 0)]
    assert recorder.paths[-1] == [root]


def test_hooks_of_a_fit_that_stops_by_itself(iris):
    recorder = recorded(steady(max_iter=50, tol=9, n_iter_no_change=2), *iris)
    assert recorder.calls == calls_of_a_fit(4)
    assert recorder.paths[0] == [("SpikingClassifier", "fit", 50)]


def test_every_fit_is_seen(iris):
    recorder = Recorder()
    model = steady(max_iter=2, warm_start=True).set_callbacks(recorder)
    model.fit(*iris).fit(*iris)
    assert recorder.calls == 2 * calls_of_a_fit(2)
    assert [len(m.loss_curve_) for m in recorder.fitted()] == [1, 2, 3, 4]


@pytest.mark.parametrize("early_stopping", [False, True])
def test_data_are_given_as_the_user_gave_them(early_stopping, named_iris):
    """Not validated, split, encoded, or without the rows of weight 0."""
    X, y = named_iris
    weights = (np.arange(150) % 3).tolist()
    model = steady(early_stopping=early_stopping)
    recorder = recorded(model, X, y, sample_weight=weights)
    for hook in ("begin", "end"):
        for given in recorder.of(hook, "fit") + recorder.of(hook, "epoch"):
            assert given["X"] is X
            assert given["y"] is y
            assert list(given["metadata"]) == ["sample_weight"]
            assert given["metadata"]["sample_weight"] is weights


def test_no_metadata_without_weights(iris):
    recorder = recorded(steady(), *iris)
    given = recorder.of("begin", "fit") + recorder.of("end", "epoch")
    assert not any(g["metadata"] for g in given)


def test_each_epoch_gives_what_a_fit_that_stops_there_gives(named_iris):
    """And later epochs do not change it."""
    X, y = named_iris
    for n_epochs, model in enumerate(recorded(steady(max_iter=4), X, y).fitted(), 1):
        until_then = steady(max_iter=n_epochs).fit(X, y)
        assert_same_but_callbacks(
            model.set_params(max_iter=n_epochs), fitted_state(model, until_then)
        )
        assert set(model.predict(X)) <= set(y)
        np.testing.assert_array_equal(
            model.predict_proba(X), until_then.predict_proba(X)
        )


def fitted_state(model, until_then):
    """State of a fit that was not watched, and what only lives during a fit."""
    passing = ("_callback_fit_ctx", "_skl_callbacks_to_teardown")
    return vars(until_then) | {k: vars(model)[k] for k in passing if k in vars(model)}


def test_early_stopping_gives_the_best_epoch_so_far(iris):
    params = {"early_stopping": True, "learning_rate_init": 0.1, "batch_size": 20}
    params |= {"validation_fraction": 0.3, "n_iter_no_change": np.inf}
    fitted = recorded(steady(**params, max_iter=8), *iris).fitted()
    scores = fitted[-1].validation_scores_
    assert any(score < max(scores[:i]) for i, score in enumerate(scores) if i)
    for n_epochs, model in enumerate(fitted, 1):
        assert_same_network(model, steady(**params, max_iter=n_epochs).fit(*iris))
        assert model.validation_scores_ == scores[:n_epochs]
        assert model.best_validation_score_ == max(scores[:n_epochs])


def test_the_end_of_a_fit_gives_the_result(iris):
    recorder = Recorder()
    model = steady().set_callbacks(recorder).fit(*iris)
    (given,) = recorder.of("end", "fit")
    assert_same_network(given["fitted"], model)
    assert given["fitted"].n_iter_ == model.n_iter_ == 3


@pytest.mark.parametrize("data", ["frame", "trains"])
def test_scores_are_those_of_fits_that_stop_there(data, named_iris):
    X, y = named_iris
    if data == "trains":
        X = PoissonSpikeEncoder(n_steps=8, random_state=0).fit_transform(X)
    weights = 1.0 + np.arange(150) % 4
    monitor = ScoringMonitor(scoring="accuracy")
    model = steady(max_iter=4).set_callbacks(monitor).fit(X, y, sample_weight=weights)
    log = monitor.get_logs()
    assert log.estimator_name == "SpikingClassifier"
    expected = []
    for n_epochs in (1, 2, 3, 4):
        until_then = steady(max_iter=n_epochs).fit(X, y, sample_weight=weights)
        expected.append(accuracy_score(y, until_then.predict(X), sample_weight=weights))
    epochs = [row["accuracy"] for row in log.data if row["task_name"] == "epoch"]
    assert epochs == pytest.approx(expected)
    (end,) = (row["accuracy"] for row in log.data if row["task_name"] == "fit")
    assert end == pytest.approx(model.score(X, y, weights))
    assert np.ptp(epochs) > 0


def test_names_of_features_raise_no_warning(named_iris):
    X, y = named_iris
    model = steady(early_stopping=True).set_callbacks(
        ScoringMonitor(scoring="accuracy")
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, y)
        for array in (X, X.to_numpy()):
            clone(model).fit(array, y).predict(array)


def test_progress_bar(iris, capsys):
    bar = ProgressBar()
    for _ in range(2):
        steady(max_iter=4).set_callbacks(bar).fit(*iris)
        printed = capsys.readouterr().out
        assert "SpikingClassifier" in printed
        assert "100%" in printed
    steady(max_iter=50, tol=9, n_iter_no_change=1).set_callbacks(bar).fit(*iris)
    assert "100%" in capsys.readouterr().out
    threads = [type(thread).__name__ for thread in threading.enumerate()]
    assert "RichProgressMonitor" not in threads


# What callbacks do


@pytest.mark.parametrize("data", ["dense", "float32", "trains"])
def test_watching_changes_nothing(data, iris, engine):
    """To the bit: predictions between the epochs, of two watchers, draw no numbers."""
    X, y = iris
    if data != "dense":
        X = X.astype(np.float32)
    if data == "trains":
        X = SpikeTrains(np.clip(np.abs(X) / 3, 0, 1), 8, seed=1)
    params = {"batch_size": 40, "early_stopping": True, "max_iter": 5}
    unwatched = steady(**params).fit(X, y)
    monitors = [ScoringMonitor(scoring=s) for s in ("accuracy", "neg_log_loss")]
    watched = steady(**params).set_callbacks(*monitors).fit(X, y)
    assert_same_but_callbacks(watched, vars(unwatched))


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("last", [0, 2, 5])
def test_a_callback_stops_the_fit(last, early_stopping, iris):
    """Others see it all the same, and there is no word of max_iter, even at its end."""
    params = {"early_stopping": early_stopping, "max_iter": 6, "batch_size": 20}
    stopper, other = Recorder(("end", "epoch", last), lambda: True), Recorder()
    model = steady(**params).set_callbacks(stopper, other)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        model.fit(*iris)
    assert stopper.calls == other.calls == calls_of_a_fit(last + 1)
    assert model.n_iter_ == last + 1
    until_then = steady(**params).set_params(max_iter=last + 1).fit(*iris)
    assert_same_but_callbacks(model, vars(until_then) | {"max_iter": 6})


@pytest.mark.parametrize("answer", [None, False, 0])
def test_other_answers_do_not_stop_the_fit(answer, iris):
    recorder = Recorder(("end", "epoch", 0), lambda: answer)
    with pytest.warns(ConvergenceWarning, match=r"max_iter=3\)"):
        steady().set_callbacks(recorder).fit(*iris)
    assert recorder.calls == calls_of_a_fit(3)


def test_an_adaptive_rate_does_not_outlive_a_stop(iris):
    """The fit stops also where the rate would be reduced to go on."""
    recorder = Recorder(("end", "epoch", 2), lambda: True)
    model = steady(learning_rate="adaptive", tol=9, n_iter_no_change=1, max_iter=9)
    assert model.set_callbacks(recorder).fit(*iris).n_iter_ == 3


def test_nothing_is_left_behind(iris):
    recorder, monitor = Recorder(), ScoringMonitor(scoring="accuracy")
    model = steady().set_callbacks(recorder, monitor).fit(*iris)
    plain = steady().fit(*iris)
    assert vars(model).keys() == {*vars(plain), "_skl_callbacks"}
    assert model._skl_callbacks == [recorder, monitor]
    model.set_callbacks().fit(*iris)
    assert vars(model).keys() == vars(plain).keys()
    assert recorder.calls == calls_of_a_fit(3)
    failing = steady().set_callbacks(Recorder(("end", "epoch", 1), raise_error))
    with pytest.raises(RuntimeError):
        failing.fit(*iris)
    assert vars(failing).keys() == {*failing.get_params(), "_skl_callbacks"}


# Inside of other estimators


def test_callbacks_of_a_pipeline_reach_its_classifier(named_iris):
    """Given what the classifier is given, in the one tree of tasks."""
    X, y = named_iris
    recorder, monitor = TravellingRecorder(), ScoringMonitor(scoring="accuracy")
    model = make_pipeline(StandardScaler(), steady(max_iter=2).set_callbacks(monitor))
    model.set_callbacks(recorder).fit(X, y)
    at_epoch = [path for path in recorder.paths if path[-1][1] == "epoch"]
    assert len(at_epoch) == 4
    names = [(estimator, task) for estimator, task, _ in at_epoch[0]]
    assert names == [
        ("Pipeline", "fit"),
        ("SpikingClassifier", "fit"),
        ("SpikingClassifier", "epoch"),
    ]
    scaled = StandardScaler().fit_transform(X)
    for n_epochs, given in enumerate(recorder.of("end", "epoch"), 1):
        np.testing.assert_array_equal(given["X"], scaled)
        assert given["y"] is y
        until_then = steady(max_iter=n_epochs).fit(scaled, y)
        assert_same_network(given["fitted"], until_then)
    assert [call[0] for call in recorder.calls].count("setup") == 1
    assert recorder.calls[-1][0] == "teardown"
    # The callback of the classifier's own is still there, and that alone.
    assert model[-1]._skl_callbacks == [monitor]
    scores = [
        r["accuracy"] for r in monitor.get_logs().data if r["task_name"] == "epoch"
    ]
    assert len(scores) == 2
    assert scores[-1] == model.score(X, y)


def test_a_callback_of_a_pipeline_stops_its_classifier(iris):
    stopper = TravellingRecorder(("end", "epoch", 1), lambda: True)
    model = make_pipeline(StandardScaler(), steady(max_iter=9)).set_callbacks(stopper)
    assert model.fit(*iris)[-1].n_iter_ == 2
    assert "_skl_callbacks" not in vars(model[-1])


def test_progress_bar_of_a_pipeline(iris, capsys):
    model = make_pipeline(StandardScaler(), steady()).set_callbacks(ProgressBar())
    model.fit(*iris)
    printed = capsys.readouterr().out
    assert "Pipeline" in printed
    assert "SpikingClassifier" in printed


def grid_search(**params):
    return GridSearchCV(
        steady(max_iter=2),
        {"alpha": [0.5, 0.9]},
        cv=StratifiedKFold(3),
        error_score="raise",
        **params,
    )


def test_callbacks_of_a_grid_search_reach_all_of_its_fits(iris):
    """Two candidates and three folds, and the refit, of two epochs each."""
    X, y = iris
    recorder = TravellingRecorder()
    search = grid_search().set_callbacks(recorder).fit(X, y)
    ends = recorder.of("end", "epoch")
    assert [len(given["X"]) for given in ends] == [100] * 12 + [150] * 2
    alphas = [given["fitted"].alpha for given in ends]
    assert alphas == [0.5] * 6 + [0.9] * 6 + [search.best_params_["alpha"]] * 2
    assert_same_network(ends[-1]["fitted"], search.best_estimator_)
    assert [call[0] for call in recorder.calls].count("setup") == 1
    assert [call[0] for call in recorder.calls].count("teardown") == 1
    assert "_skl_callbacks" not in vars(search.best_estimator_)
    plain = grid_search().fit(X, y)
    for name in ("mean_test_score", "std_test_score"):
        np.testing.assert_array_equal(search.cv_results_[name], plain.cv_results_[name])


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_scores_come_back_from_other_processes(n_jobs, iris):
    monitor = ScoringMonitor(scoring="accuracy")
    search = grid_search(n_jobs=n_jobs)
    search.estimator.set_callbacks(monitor)
    search.fit(*iris)
    (log,) = monitor.get_logs(select="all")
    epochs = [row for row in log.data if row["task_name"] == "epoch"]
    assert len(epochs) == 14
    assert all(0 < row["accuracy"] <= 1 for row in epochs)
