"""Fixtures shared by the tests, and the rule that nothing is skipped unseen."""

import os

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from sklearn_snn.datasets import fetch_mnist

NO_MNIST = "needs MNIST: set SKLEARN_SNN_DATA to its folder"


def pytest_runtest_setup(item):
    """Skip the docstring example of fetch_mnist where there is no data."""
    if item.name.endswith("fetch_mnist") and not os.environ.get("SKLEARN_SNN_DATA"):
        pytest.skip(NO_MNIST)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """With SKLEARN_SNN_NO_SKIPS set, as in CI, a skipped test is a failed one."""
    report = yield
    skipped = report.skipped and not hasattr(report, "wasxfail")
    if skipped and os.environ.get("SKLEARN_SNN_NO_SKIPS"):
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def mnist():
    """Return the real MNIST as (X_train, y_train, X_test, y_test)."""
    if not os.environ.get("SKLEARN_SNN_DATA"):
        pytest.skip(NO_MNIST)
    sets = [
        fetch_mnist(split=s, download=False, return_X_y=True) for s in ("train", "test")
    ]
    return *sets[0], *sets[1]


@pytest.fixture(scope="session")
def digits():
    """Return scikit-learn's digits as (X_train, X_test, y_train, y_test)."""
    X, y = load_digits(return_X_y=True)
    return train_test_split(X, y, random_state=0)


@pytest.fixture
def rng():
    """Return a generator with a fixed seed."""
    return np.random.default_rng(0)
