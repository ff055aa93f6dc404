"""What the tests of the displays draw."""

import matplotlib as mpl
import pytest
from helpers import fast, some_digits, spiking

mpl.use("Agg")
import matplotlib.pyplot as plt


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
