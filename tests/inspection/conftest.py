"""What the tests of the displays draw."""

import matplotlib as mpl
import numpy as np
import pytest
from helpers import fast, make_encoder, regressor, some_digits, spiking
from sklearn.pipeline import make_pipeline

mpl.use("Agg")
import matplotlib.pyplot as plt


@pytest.fixture(scope="module", autouse=True)
def numpy_alone():
    """Let numpy compute: a record is its work, and nothing has to be compiled."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sklearn_snn._engines.fastest", lambda: "numpy")
        yield


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def data():
    return some_digits(3, 150)


@pytest.fixture(scope="module")
def model(data):
    """Return a pipeline with two hidden layers, of 12 and 7 neurons, and 10 steps."""
    params = {"hidden_layer_sizes": (12, 7), "max_iter": 6, "early_stopping": True}
    return spiking(**params).fit(*data)


@pytest.fixture(scope="module")
def record(model, data):
    return model[-1].simulate(model[:-1].transform(data[0]))


@pytest.fixture(scope="module")
def tabular_model(blobs):
    return fast().fit(*blobs)


@pytest.fixture(scope="module")
def labels(data):
    """Return four labels of each digit, of which some have all and some none."""
    X, y = data
    rich = X.sum(axis=1) > np.median(X.sum(axis=1))
    return np.column_stack([y == 0, y >= 1, rich, rich & (y >= 1)]).astype(int)


@pytest.fixture(scope="module", params=["spike_count", "membrane_mean"])
def labelled(request, data, labels):
    """Return a pipeline that tells several labels at once."""
    network = fast(max_iter=20, readout=request.param, early_stopping=True)
    return make_pipeline(make_encoder(), network).fit(data[0], labels)


@pytest.fixture(scope="module")
def numbers(data):
    """Return two numbers for each digit, of which one is far from 0."""
    X, y = data
    return np.column_stack([1e4 + 100.0 * y, X.sum(axis=1)])


@pytest.fixture(scope="module")
def predicting(data, numbers):
    """Return a pipeline that predicts two numbers."""
    return make_pipeline(make_encoder(), regressor()).fit(data[0], numbers)
