"""What `compare.py` times of both classifiers, ours and scikit-learn's, on tables.

Both with their defaults, but for what a request says, and the same number of epochs and
rows of a batch. Columns are a constant current for the 25 steps of `SpikingClassifier`.
"""

import time
import warnings

import numpy as np
from sklearn.datasets import load_breast_cancer, load_wine, make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

N_IMAGES = 10_000
OURS, OTHER = MODELS = "SpikingClassifier", "MLPClassifier"
# data: (title, batch size, epochs of a fit)
TABLES = {
    "table": ("10,000 rows of 50 columns, float32", 128, 1),
    "wine": ("wine, 178 rows of 13 columns", "auto", 10),
    "breast cancer": ("breast cancer, 569 rows of 30 columns", "auto", 10),
    "images": (f"MNIST, {N_IMAGES:,} images, float32", 128, 1),
}


def load(data, images, labels):
    """Return X and y; the images are those of MNIST."""
    if data == "images":
        return images[:N_IMAGES].astype(np.float32) / 255, labels[:N_IMAGES]
    if data == "table":
        X, y = make_classification(
            10_000, 50, n_informative=20, n_classes=10, random_state=0
        )
        return X.astype(np.float32), y
    X, y = {"wine": load_wine, "breast cancer": load_breast_cancer}[data](
        return_X_y=True
    )
    return StandardScaler().fit_transform(X), y


def run_tabular(estimator, images, labels):
    """Return a function that times epochs of fits, or work on a single row."""
    from sklearn_snn import SpikingClassifier

    warnings.simplefilter("ignore", ConvergenceWarning)
    kind = {OURS: SpikingClassifier, OTHER: MLPClassifier}[estimator]

    def run(task, data, count):
        X, y = load(data, images, labels)
        _, batch_size, n_epochs = TABLES[data]
        model = kind((100,), batch_size=batch_size, max_iter=n_epochs, random_state=0)
        if task == "fit":
            seconds = _seconds(lambda: model.fit(X, y), count)
            return [s / n_epochs for s in seconds]
        model.fit(X, y)
        row, target = X[:1], y[:1]
        if task == "predict":
            return _seconds(lambda: model.predict(row), count)
        model = kind((100,), random_state=0)
        model.partial_fit(X, y, classes=np.unique(y))
        return _seconds(lambda: model.partial_fit(row, target), count)

    return run


def _seconds(function, count):
    seconds = []
    for _ in range(count):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return seconds
