"""export_html refuses what a page cannot be made of, before it writes anything."""

import numpy as np
import pytest
from helpers import fast, regressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_snn import SpikingClassifier
from sklearn_snn.export import export_html


@pytest.fixture(autouse=True)
def numpy_engine(monkeypatch):
    """Compile nothing."""
    monkeypatch.setattr("sklearn_snn._engines.fastest", lambda: "numpy")


@pytest.fixture
def model(rng):
    """Return a network of six columns and three classes, and ten rows."""
    X = rng.normal(size=(40, 6))
    return fast().fit(X, np.arange(40) % 3), X[:10]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"y": [0, 1]}, "10 samples, and 2 rows of y"),
        ({"y": ["a", 0] * 5}, r"does not know: 'a', '0'\. It knows 0, 1, 2"),
        ({"y": [[0, 1]] * 10}, "y must have 1 column, got 2"),
        ({"labels": ["a", "b"]}, "labels must name the 3 outputs"),
        ({"image_shape": (2, 2)}, "not a shape of 6 features"),
    ],
)
def test_what_does_not_fit_is_refused(options, message, model, tmp_path):
    estimator, X = model
    path = tmp_path / "page.html"
    with pytest.raises(ValueError, match=message):
        export_html(estimator, path, X, **options)
    assert not path.exists()


def test_refusals(model, rng, tmp_path, monkeypatch):
    estimator, X = model
    path = tmp_path / "page.html"
    with pytest.raises(NotFittedError):
        export_html(SpikingClassifier(), path, X)
    other = make_pipeline(StandardScaler(), LogisticRegression())
    with pytest.raises(TypeError, match="no SpikingClassifier at the end of Pipeline"):
        export_html(other.fit(X, np.arange(10) % 2), path, X)
    with pytest.raises(ValueError, match="one at least"):
        export_html(estimator, path, X[:0])
    spikes, steps = rng.random((9, 5, 2)) < 0.5, rng.integers(2, size=(9, 5))
    per_step = fast(per_step=True, readout="auto").fit(spikes, steps)
    with pytest.raises(ValueError, match="answer to each of its steps"):
        export_html(per_step, path, spikes, y=steps)
    with pytest.raises(ValueError, match="rows of pixels"):
        export_html(per_step, path, spikes, image_shape=(1, 2))
    numbers = regressor().fit(X, X[:, :2])
    with pytest.raises(ValueError, match="y must have 2 columns"):
        export_html(numbers, path, X, y=X[:, :3])
    labels = fast().fit(X, (X[:, :2] > 0).astype(int))
    with pytest.raises(ValueError, match=r"does not know: 2, 3\. It knows 0, 1"):
        export_html(labels, path, X, y=[[0, 2], [3, 1]] * 5)
    monkeypatch.setattr("sklearn_snn.export._description._KINDS", {})
    with pytest.raises(TypeError, match="'lif', 'adlif', 'cuba'; this network has LIF"):
        export_html(estimator, path, X)
    monkeypatch.undo()
    monkeypatch.setattr(estimator, "coefs_", [w * np.inf for w in estimator.coefs_])
    with pytest.raises(ValueError, match="finite"):
        export_html(estimator, path, X)
    assert not path.exists()
