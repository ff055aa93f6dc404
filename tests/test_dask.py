"""Searches, predictions and streams on a real Dask cluster of two worker processes."""

import os
import signal
from functools import partial
from itertools import chain
from pathlib import Path

import joblib
import numpy as np
import pytest
from helpers import assert_same_network
from sklearn.base import clone
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline

from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier

da = pytest.importorskip("dask.array")
distributed = pytest.importorskip("distributed")

GRID = {
    "spikingclassifier__alpha": [0.8, 0.9],
    "spikingclassifier__threshold": [0.6, 1.0],
    "spikingclassifier__beta": [2, 5],
}
# The fourth of the eight candidates.
HALFWAY = {"alpha": 0.8, "threshold": 1.0, "beta": 5}

pytestmark = [
    pytest.mark.filterwarnings("ignore:Maximum number of epochs"),
    # What a cluster leaves open when it is closed is not for us to close.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def make_cluster():
    return distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0"
    )


@pytest.fixture(scope="module")
def client():
    with make_cluster() as cluster, distributed.Client(cluster) as client:
        yield client


@pytest.fixture(scope="module")
def few_digits(digits):
    X_train, X_test, y_train, y_test = digits
    return X_train[:300], X_test, y_train[:300], y_test


def rate_coded(**params):
    return make_pipeline(
        PoissonSpikeEncoder(n_steps=8, random_state=0),
        SpikingClassifier((20,), max_iter=3, random_state=0, **params),
    )


def score(estimator, X, y, pids=None, killed=None):
    """Return the accuracy; leave a trace of the process, and kill it if it must die.

    Parameters
    ----------
    estimator, X, y
    pids : Path, default=None
        Folder of a file for each process that scored.
    killed : Path, default=None
        File to be made by the process that is the first to score the candidate in
        the middle,
        which it does not survive.
    """
    if pids is not None:
        (pids / str(os.getpid())).touch()
    params = estimator[-1].get_params()
    is_halfway = all(params[name] == value for name, value in HALFWAY.items())
    if killed is not None and is_halfway and not killed.exists():
        killed.write_text(str(os.getpid()))
        os.kill(os.getpid(), signal.SIGKILL)
    return accuracy_score(y, estimator.predict(X))


def search(X, y, folds, **traces):
    grid = GridSearchCV(rate_coded(), GRID, scoring=partial(score, **traces), cv=folds)
    return grid.fit(X, y)


def search_on_cluster(client, X, y, folds, **traces):
    """Search with a copy of the data, and of the folds' rows, on every worker."""
    client.amm.stop()  # it would remove all copies but one
    shared = [X, y, *chain.from_iterable(folds)]
    with joblib.parallel_config(backend="dask", scatter=shared):
        return search(X, y, folds, **traces)


@pytest.fixture(scope="module")
def local(few_digits):
    """Return data, folds and the search that has never seen a cluster."""
    X, _, y, _ = few_digits
    folds = list(StratifiedKFold(3).split(X, y))
    return X, y, folds, search(X, y, folds)


def assert_same_search(a, b):
    assert len(a.cv_results_["params"]) == 8
    assert a.cv_results_["params"] == b.cv_results_["params"]
    for name, values in a.cv_results_.items():
        if "test_score" in name:
            np.testing.assert_array_equal(values, b.cv_results_[name])
    assert len(set(a.cv_results_["mean_test_score"])) > 4  # they can be told apart
    assert a.best_params_ == b.best_params_
    assert_same_network(a.best_estimator_[-1], b.best_estimator_[-1])


def test_a_search_on_two_workers_equals_the_local_one(client, local, tmp_path):
    *data, expected = local
    workers = set(client.run(os.getpid).values())
    assert_same_search(search_on_cluster(client, *data, pids=tmp_path), expected)
    assert {int(path.name) for path in tmp_path.iterdir()} == workers
    assert os.getpid() not in workers


def test_a_killed_worker_does_not_lose_the_search(local, tmp_path):
    *data, expected = local
    pids, killed = tmp_path / "pids", tmp_path / "killed"
    pids.mkdir()
    with make_cluster() as cluster, distributed.Client(cluster) as client:
        workers = set(client.run(os.getpid).values())
        found = search_on_cluster(client, *data, pids=pids, killed=killed)
        client.wait_for_workers(2, timeout=60)
        left = set(client.run(os.getpid).values())
    assert_same_search(found, expected)
    victim = int(killed.read_text())
    assert victim in workers
    assert victim not in left
    # The other one went on, and no task was run by the test's own process.
    assert workers <= {int(path.name) for path in pids.iterdir()}
    assert not Path(pids / str(os.getpid())).exists()


def direct_coded():
    return SpikingClassifier((20,), max_iter=3, n_steps=8, random_state=0)


@pytest.mark.parametrize("make", [direct_coded, rate_coded])
def test_prediction_over_a_dask_array(make, client, few_digits):
    """Also with spikes to draw, as they depend on the row and not on its place."""
    X_train, X_test, y_train, _ = few_digits
    model = make().fit(X_train, y_train)
    blocks = da.from_array(X_test, chunks=(100, -1))
    assert blocks.numblocks == (5, 1)
    labels = blocks.map_blocks(model.predict, drop_axis=1, meta=y_train[:0])
    shares = blocks.map_blocks(
        model.predict_proba, chunks=(blocks.chunks[0], (10,)), meta=np.empty((0, 10))
    )
    labels, shares = (client.compute(a, sync=True) for a in (labels, shares))
    np.testing.assert_array_equal(labels, model.predict(X_test))
    np.testing.assert_array_equal(shares, model.predict_proba(X_test))


def test_a_stream_of_dask_blocks(client, few_digits):
    X, _, y, _ = few_digits
    model = SpikingClassifier((20,), learning_rate="constant", random_state=0)
    expected = clone(model)
    for rows in np.split(np.arange(300), [100, 200]):
        expected.partial_fit(X[rows] / 16, y[rows], classes=range(10))
    scaled = da.from_array(X, chunks=(100, -1)) / 16  # the workers' part
    labels = da.from_array(y, chunks=100)
    for X_block, y_block in zip(scaled.blocks, labels.blocks, strict=True):
        model.partial_fit(*client.compute([X_block, y_block], sync=True), range(10))
    assert model.t_ == 300
    assert_same_network(model, expected)
