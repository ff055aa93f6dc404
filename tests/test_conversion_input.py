"""What from_mlp takes for X, and what it refuses."""

import numpy as np
import pandas as pd
import pytest
from conversions import X, activations, convert, fitted, random_mlp
from helpers import assert_same_network
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_snn import (
    PoissonSpikeEncoder,
    SpikeTrains,
    SpikingClassifier,
    SpikingRegressor,
)
from sklearn_snn.exceptions import InputMismatchWarning


def test_rows_may_be_sparse_of_float32_or_have_names():
    mlp, model = convert("classes")
    table = pd.DataFrame(X, columns=list("abcde"))
    named, spiking = random_mlp("classes", X=table)
    of_names = spiking.from_mlp(named, table, engine="numpy")
    np.testing.assert_array_equal(of_names.feature_names_in_, list("abcde"))
    assert_same_network(of_names, model)
    with pytest.raises(ValueError, match="feature names should match"):
        spiking.from_mlp(named, table[list("edcba")])
    from_sparse = spiking.from_mlp(mlp, sparse.csr_array(X), engine="numpy")
    assert_same_network(from_sparse, model)
    small = spiking.from_mlp(mlp, X.astype(np.float32), engine="numpy")
    assert small.coefs_[0].dtype == np.float32
    np.testing.assert_allclose(small.coefs_[0], model.coefs_[0], rtol=1e-5)


def test_spike_trains_stand_for_their_rates():
    rates = np.random.default_rng(2).random((60, 5)).astype(np.float32)
    mlp, spiking = random_mlp("classes")
    codes = (rates * 255).astype(np.uint8)
    levels = np.linspace(0, 1, 256, dtype=np.float32)
    scale = activations(mlp, rates)[0].max()
    for trains in (
        SpikeTrains(rates, 4000),
        SpikeTrains(sparse.csr_array(rates), 4000),
        SpikeTrains(codes, 4000, levels=levels),
    ):
        model = spiking.from_mlp(mlp, trains, n_steps=3, engine="numpy")
        found = model.predict_proba(trains)
        np.testing.assert_allclose(found, mlp.predict_proba(rates), atol=0.03)
        ratio = model.coefs_[0][0, 0] / mlp.coefs_[0][0, 0]
        assert 1 / ratio == pytest.approx(scale, rel=0.03)
        # It is as many steps as there are that the bias is shifted for.
        shift = model.intercepts_[0] - mlp.intercepts_[0] * ratio
        np.testing.assert_allclose(shift, 1 / 8000, atol=1e-7)
    assert model.stream().feed(np.asarray(trains[:1])[0]).predict_proba().shape == (3,)


def test_it_stands_behind_an_encoder():
    digits, y = load_digits(n_class=3, return_X_y=True)
    encoder = PoissonSpikeEncoder(n_steps=60, random_state=0).fit(digits)
    trains = encoder.transform(digits)
    rates = trains.rates
    mlp = fitted(MLPClassifier, rates, y, max_iter=60, hidden_layer_sizes=(20,))
    spiking = SpikingClassifier.from_mlp(mlp, trains, engine="numpy")
    model = make_pipeline(encoder, spiking)
    assert model.score(digits, y) > 0.97


def test_input_is_compared_with_that_of_the_conversion():
    """It may have columns of any scale: the MLP, which is trained, has."""
    mlp, spiking = random_mlp("classes")
    uneven = X * [1, 1, 1, 1, 1e6]
    model = spiking.from_mlp(mlp, uneven, engine="numpy")
    model.predict(uneven)
    with pytest.warns(InputMismatchWarning):
        model.predict(uneven * 1000)


def diverged():
    """Return an MLP with a weight that is no number."""
    mlp = fitted(MLPClassifier)
    mlp.coefs_[1][0, 0] = np.nan
    return mlp


CLASSIFIER, REGRESSOR = SpikingClassifier.from_mlp, SpikingRegressor.from_mlp
COUNTS = np.arange(60) % 4 + 1.0
REFUSED = {
    "tanh": (
        *(CLASSIFIER, lambda: fitted(MLPClassifier, activation="tanh"), {}),
        *(ValueError, r"activation='relu', as rates .* have activation='tanh'"),
    ),
    "identity": (
        *(REGRESSOR, lambda: fitted(MLPRegressor, y=COUNTS, activation="identity")),
        *({}, ValueError, r"or train a SpikingRegressor with fit"),
    ),
    "poisson": (
        *(REGRESSOR, lambda: fitted(MLPRegressor, y=COUNTS, loss="poisson"), {}),
        *(ValueError, r"not 'exp' of them, as with loss='poisson'.*np\.log\(y\)"),
    ),
    "unfitted": (CLASSIFIER, MLPClassifier, {}, NotFittedError, "not fitted yet"),
    "regressor": (
        *(CLASSIFIER, lambda: fitted(MLPRegressor, y=COUNTS), {}, TypeError),
        r"class MLPRegressor\. SpikingRegressor\.from_mlp takes that",
    ),
    "classifier": (
        *(REGRESSOR, lambda: fitted(MLPClassifier), {}, TypeError),
        r"class MLPClassifier\. SpikingClassifier\.from_mlp takes that",
    ),
    "pipeline": (
        *(CLASSIFIER, lambda: make_pipeline(StandardScaler(), MLPClassifier()), {}),
        *(TypeError, r"SpikingClassifier\.from_mlp\(pipeline\[-1\], pipeline\[:-1\]"),
    ),
    "other": (
        *(CLASSIFIER, lambda: fitted(LogisticRegression), {}, TypeError),
        r"converts a fitted MLPClassifier, got an object of class LogisticRegression",
    ),
    "one class": (
        *(CLASSIFIER, lambda: fitted(MLPClassifier, y=np.zeros(60)), {}),
        *(ValueError, "needs at least 2 classes, and this MLPClassifier has 1"),
    ),
    "diverged": (CLASSIFIER, diverged, {}, ValueError, "are not all finite"),
    "alpha": (
        *(CLASSIFIER, lambda: fitted(MLPClassifier), {"alpha": 0.9, "reset": "zero"}),
        *(TypeError, r"from_mlp sets alpha, reset itself"),
    ),
    "no parameter": (
        *(CLASSIFIER, lambda: fitted(MLPClassifier), {"gamma": 1}, TypeError, "gamma"),
    ),
    "parameter": (
        *(CLASSIFIER, lambda: fitted(MLPClassifier), {"tol": -1}, ValueError),
        "The 'tol' parameter of SpikingClassifier",
    ),
    "beta": (
        *(CLASSIFIER, lambda: fitted(MLPClassifier), {"beta": 10**400}, ValueError),
        "beta is, or contains, too large a number",
    ),
    "n_steps": (
        *(CLASSIFIER, lambda: fitted(MLPClassifier), {"n_steps": 0}, ValueError),
        "The 'n_steps' parameter of SpikingClassifier",
    ),
    "balancing": (
        *(CLASSIFIER, lambda: fitted(MLPClassifier), {"balancing": 0.0}, ValueError),
        r"'balancing' parameter of SpikingClassifier\.from_mlp",
    ),
    "bias_shift": (
        *(CLASSIFIER, lambda: fitted(MLPClassifier), {"bias_shift": 2}, ValueError),
        r"'bias_shift' parameter of SpikingClassifier\.from_mlp",
    ),
    "width": (
        *(CLASSIFIER, lambda: fitted(MLPClassifier), {"X": X[:, :3]}, ValueError),
        "X has 3 features, but MLPClassifier is expecting 5",
    ),
    "width of trains": (
        *(CLASSIFIER, lambda: fitted(MLPClassifier)),
        *({"X": SpikeTrains(np.ones((9, 3)), 5)}, ValueError),
        "X has 3 features, but MLPClassifier is expecting 5",
    ),
    "sequences": (
        *(CLASSIFIER, lambda: fitted(MLPClassifier), {"X": X.reshape(6, 10, 5)}),
        *(ValueError, r"rows as the MLP sees them, a 2-D X.*got sequences"),
    ),
    "not finite": (
        *(CLASSIFIER, lambda: fitted(MLPClassifier), {"X": X * [np.nan, 1, 1, 1, 1]}),
        *(ValueError, "contains NaN"),
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_is_named(case):
    method, make, params, kind, message = REFUSED[case]
    with pytest.raises(kind, match=message):
        method(make(), **{"X": X, **params})


def test_of_a_search_the_best_is_converted():
    best = fitted(MLPClassifier)
    search = GridSearchCV(best, {"alpha": [0.1]})
    search.best_estimator_ = best
    with pytest.raises(TypeError, match="Of a search, that is its best_estimator_"):
        SpikingClassifier.from_mlp(search, X)


def test_scales_out_of_range_are_refused():
    mlp, spiking = random_mlp("classes")
    mlp.coefs_[0] *= 1e200
    mlp.coefs_[1] *= 1e200
    with pytest.raises(ValueError, match="leave the range of floating-point numbers"):
        spiking.from_mlp(mlp, X)
