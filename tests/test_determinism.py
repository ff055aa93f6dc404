"""The same random_state gives the same bits, however the work is divided."""

import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_info, threadpool_limits

from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier
from sklearn_snn._training.seeds import child_random_state

pytestmark = pytest.mark.usefixtures("engine")

# Fits, and predicts with a given file; prints digests of both.
SCRIPT = """
import hashlib, sys
import joblib
from sklearn.datasets import load_digits
X, y = load_digits(return_X_y=True)
X, y = X[:300], y[:300]
model = joblib.load(sys.argv[1])
print(hashlib.sha256(model.predict_proba(X).tobytes()).hexdigest())
model.fit(X, y)
print(hashlib.sha256(b"".join(w.tobytes() for w in model[-1].coefs_)).hexdigest())
"""


def make_model(**params):
    classifier = {"hidden_layer_sizes": (40, 20), "max_iter": 2, "random_state": 0}
    return make_pipeline(
        PoissonSpikeEncoder(n_steps=30, random_state=0),
        SpikingClassifier(**{**classifier, **params}),
    )


def kinds_of_input(X):
    """Every kind of input, made of intensities from 0 to 16."""
    X = X / 16
    yield "constant, float64", X
    yield "constant, float32", X.astype(np.float32)
    yield "constant, Fortran order", np.asfortranarray(X)
    rng = np.random.default_rng(0)
    yield "graded", (X[:, None] * rng.random((1, 20, 1))).astype(np.float32)
    yield "spikes", rng.random((len(X), 20, 64)) < X[:, None]
    yield "trains", PoissonSpikeEncoder(n_steps=100, random_state=0).fit_transform(X)


def test_predictions_do_not_depend_on_the_company_of_a_row(digits, rng):
    X, _, y, _ = digits
    X, y = X[:300], y[:300]
    order = rng.permutation(300)
    for name, data in kinds_of_input(X):
        model = SpikingClassifier((50, 30), max_iter=2, random_state=0).fit(data, y)
        together = model.decision_function(data)
        np.testing.assert_array_equal(
            model.decision_function(data[order]), together[order], err_msg=name
        )
        alone = np.concatenate(
            [model.decision_function(data[i : i + 1]) for i in range(0, 300, 7)]
        )
        np.testing.assert_array_equal(alone, together[::7], err_msg=name)


def test_refit_is_identical(digits):
    X, _, y, _ = digits
    for name, data in kinds_of_input(X[:150]):
        model = SpikingClassifier((20,), max_iter=2, random_state=7)
        first = model.fit(data, y[:150]).coefs_
        again = model.fit(data, y[:150]).coefs_
        for a, b in zip(first, again, strict=True):
            np.testing.assert_array_equal(a, b, err_msg=name)


def test_random_state(digits):
    X, _, y, _ = digits

    def weights(random_state):
        return SpikingClassifier((5,), max_iter=1, random_state=random_state).fit(
            X[:50], y[:50]
        )

    same = [weights(np.random.RandomState(1)).coefs_[0] for _ in range(2)]
    np.testing.assert_array_equal(*same)
    assert (weights(1).coefs_[0] != weights(2).coefs_[0]).all()
    assert (weights(None).coefs_[0] != weights(None).coefs_[0]).all()


def test_saved_model_in_processes_with_other_threads(engine, tmp_path):
    """A joblib file predicts, and a fit learns, the same with 1, 2 and 4 threads."""
    X, y = (a[:300] for a in load_digits(return_X_y=True))
    model = make_model(engine=engine).fit(X, y)
    path = tmp_path / "model.joblib"
    joblib.dump(model, path)
    outputs = set()
    for n_threads in "124":
        variables = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT, path],
            env={**os.environ, **dict.fromkeys(variables, n_threads)},
            capture_output=True,
            text=True,
            check=True,
        )
        outputs.add(done.stdout)
    digests = [
        model.predict_proba(X).tobytes(),
        b"".join(w.tobytes() for w in model[-1].coefs_),
    ]
    assert {tuple(o.split()) for o in outputs} == {
        tuple(hashlib.sha256(d).hexdigest() for d in digests)
    }


@pytest.mark.parametrize("n_threads", [1, 2])
def test_a_limit_set_by_another_thread_does_no_harm(n_threads, digits):
    """Only one thread at a time controls the BLAS; the limit must hold all the same."""
    X, _, y, _ = digits
    model = make_model()
    expected = model.fit(X[:300], y[:300])[-1].coefs_
    with (
        threadpool_limits(n_threads, user_api="blas"),
        ThreadPoolExecutor(1) as pool,
    ):
        before = threadpool_info()
        coefs = pool.submit(model.fit, X[:300], y[:300]).result()[-1].coefs_
        assert threadpool_info() == before
    for a, b in zip(coefs, expected, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_limit_set_by_another_thread_afterwards_counts(engine, digits):
    """No fit keeps the control of the BLAS."""
    X, _, y, _ = digits
    SpikingClassifier(max_iter=2, engine=engine).fit(X[:100], y[:100])

    def limited():
        with threadpool_limits(3, user_api="blas"):
            libraries = threadpool_info()
        return {i["num_threads"] for i in libraries if i["user_api"] == "blas"}

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(limited).result() == {3}


def test_grid_search_is_the_same_for_any_number_of_jobs(engine, digits):
    X, _, y, _ = digits
    grid = {
        "spikingclassifier__alpha": [0.9, 0.95],
        "spikingclassifier__threshold": [0.6, 1.0],
        "spikingclassifier__beta": [2, 5],
    }
    scores = []
    for n_jobs in (1, 2):
        search = GridSearchCV(
            make_model(hidden_layer_sizes=(20,), max_iter=3, engine=engine),
            grid,
            cv=2,
            n_jobs=n_jobs,
        ).fit(X[:400], y[:400])
        results = search.cv_results_
        scores.append(np.array([results[f"split{i}_test_score"] for i in (0, 1)]))
    np.testing.assert_array_equal(*scores)
    assert np.ptp(scores[0]) > 0


@pytest.mark.parametrize("backend", ["threading", "loky", "multiprocessing"])
def test_fits_at_the_same_time_do_not_disturb_each_other(backend, engine, digits):
    X, y = digits[0][:200], digits[2][:200]
    models = [make_model(engine=engine, random_state=seed) for seed in range(4)]
    alone = [model.fit(X, y)[-1].coefs_[0] for model in models]
    together = joblib.Parallel(n_jobs=4, backend=backend)(
        joblib.delayed(model.fit)(X, y) for model in models
    )
    for a, b in zip(alone, together, strict=True):
        np.testing.assert_array_equal(a, b[-1].coefs_[0])


def test_a_generator_that_is_seeded_anew_is_as_a_new_one():
    used = child_random_state(3, "order", 1)
    used.normal()  # of the next one a second number is kept
    again = child_random_state(3, "dropout", 2, used)
    new = child_random_state(3, "dropout", 2)
    assert again is used
    np.testing.assert_array_equal(again.normal(size=5), new.normal(size=5))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_how_a_table_lies_in_memory_does_not_matter(dtype, rng, engine):
    """Nor for its mean row, about which the first layer learns."""
    X, y = rng.normal(3, 1, (300, 40)).astype(dtype), rng.integers(0, 2, 300)
    model = SpikingClassifier((10,), max_iter=2, random_state=0, engine=engine)
    model.fit(X, y)
    mean, coefs = model._mean_row_, model.coefs_
    model.fit(np.asfortranarray(X), y)
    np.testing.assert_array_equal(model._mean_row_, mean)
    for ours, theirs in zip(model.coefs_, coefs, strict=True):
        np.testing.assert_array_equal(ours, theirs)
