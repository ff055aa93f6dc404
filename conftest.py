"""Fixtures shared by the tests, and the rule that nothing is skipped unseen."""

import gc
import os
import sys
from importlib.util import find_spec

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits, load_iris
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from sklearn_snn.datasets import fetch_mnist

# numba makes millions of objects when it compiles, and few of them are garbage: looking
# for that as often as usual takes a tenth of the time.
gc.set_threshold(100_000)

pytest.register_assert_rewrite("helpers", "networks", "neurons", "recording", "warned")

# aeon and sktime hold other libraries back: what needs them is tested in an environment
# of its own (see the Makefile), in which it is an error if nothing is found.
collect_ignore = ["tests/test_adapters.py"]
collect_ignore += [f"sklearn_snn/adapters/{name}.py" for name in ("aeon", "sktime")]
if find_spec("aeon") and find_spec("sktime"):
    collect_ignore = []


def pytest_runtest_setup(item):
    """Skip the docstring example of fetch_mnist where there is no data."""
    if item.name.endswith("fetch_mnist"):
        skip_without_mnist()


def skip_without_mnist():
    """Skip a test that reads the real MNIST where that is not possible."""
    if not os.environ.get("SKLEARN_SNN_DATA"):
        pytest.skip("needs MNIST: set SKLEARN_SNN_DATA to its folder")
    if find_spec("torchvision") is None:
        pytest.skip("needs the extra datasets")


@pytest.fixture(autouse=True)
def close_figures():
    """Close the figures that a test has opened: too many of them are warned of."""
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


def pytest_sessionfinish(session):
    """With SKLEARN_SNN_NO_SKIPS set, as in CI, a skip fails the run."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        return  # one of several processes: the first of them hears of all skips
    if os.environ.get("SKLEARN_SNN_NO_SKIPS") and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
        reporter.write_line("skipped tests, which CI does not allow", red=True)


@pytest.fixture(scope="session")
def mnist():
    """Return the real MNIST as (X_train, y_train, X_test, y_test)."""
    skip_without_mnist()
    X, y = fetch_mnist(download=False, return_X_y=True)
    return X[:60_000], y[:60_000], X[60_000:], y[60_000:]


@pytest.fixture(scope="session")
def digits():
    """Return scikit-learn's digits as (X_train, X_test, y_train, y_test)."""
    X, y = load_digits(return_X_y=True)
    return train_test_split(X, y, random_state=0)


@pytest.fixture(scope="session")
def images(digits):
    """Return 300 digits for training and 300 others."""
    X_train, X_test, y_train, y_test = digits
    return X_train[:300], X_test[:300], y_train[:300], y_test[:300]


@pytest.fixture(scope="session")
def iris():
    """Iris in random order, standardized, as float64 of shape (150, 4)."""
    X, y = load_iris(return_X_y=True)
    order = np.random.default_rng(0).permutation(150)
    return StandardScaler().fit_transform(X)[order], y[order]


@pytest.fixture(scope="session")
def split_iris():
    """Return the scaled iris in random order, as (X_train, X_test, y_train, y_test)."""
    X, y = load_iris(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    return train_test_split(X, y, stratify=y, random_state=0)


@pytest.fixture(scope="session")
def cancer():
    """Return the breast cancer data as (X_train, X_test, y_train, y_test)."""
    X, y = load_breast_cancer(return_X_y=True)
    return train_test_split(X, y, stratify=y, random_state=0)


@pytest.fixture(scope="session")
def blobs():
    """Two separated classes, as float64 of shape (60, 5)."""
    rng = np.random.default_rng(0)
    y = np.arange(60) % 2
    return rng.normal(size=(60, 5)) + 2.5 * (y[:, None] - 0.5), y


@pytest.fixture(params=["numpy", "numba"])
def engine(request, monkeypatch):
    """Run a test with each engine, as that which "auto" stands for; return its name."""
    monkeypatch.setattr("sklearn_snn._engines.fastest", lambda: request.param)
    return request.param


@pytest.fixture
def rng():
    """Return a generator with a fixed seed."""
    return np.random.default_rng(0)
