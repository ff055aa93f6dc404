"""Adapters of aeon and sktime: their checks, their layouts, and who hears whom.

Where these libraries are: see `conftest.py`.
"""

import importlib
import math
import warnings

import numpy as np
import pandas as pd
import pytest
from aeon.testing.estimator_checking import check_estimator as check_for_aeon
from helpers import fast, regressor
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sktime.utils.estimator_checks import check_estimator as check_for_sktime

from sklearn_snn import (
    ChannelTransformer,
    DelayLine,
    SpikingClassifier,
    SpikingRegressor,
)
from sklearn_snn.adapters import _series
from sklearn_snn.adapters._recipe import recipe
from sklearn_snn.neurons import AdLIF

LIBRARIES = "aeon", "sktime"
SHAPE = 20, 2, 12
LENGTHS = 8 + np.arange(20) % 5


def adapter(library, kind, *args, **kwargs):
    """Return an estimator of a library, "Classifier" or "Regressor"."""
    module = importlib.import_module(f"sklearn_snn.adapters.{library}")
    return getattr(module, f"SpikingTimeSeries{kind}")(*args, **kwargs)


@pytest.fixture(params=LIBRARIES)
def library(request):
    """Return the name of a library."""
    return request.param


@pytest.fixture
def series(rng):
    """Return series with channels first, and the names of three classes."""
    y = np.arange(SHAPE[0]) % 3
    X = rng.normal(size=SHAPE) + y[:, np.newaxis, np.newaxis]
    return X, np.array(["b", "c", "a"])[y]


def network(make=fast, **params):
    """Return a small pipeline for series."""
    return make_pipeline(
        ChannelTransformer(StandardScaler()), make(engine="numpy", **params)
    )


@pytest.mark.parametrize("kind", ["Classifier", "Regressor"])
def test_checks_of_aeon(kind):
    results = check_for_aeon(type(adapter("aeon", kind)))
    assert len(results) >= 30
    assert {*results.values()} == {"PASSED"}


@pytest.mark.parametrize("kind", ["Classifier", "Regressor"])
def test_checks_of_sktime(kind):
    """All but that which runs the examples of docstrings, which pytest does.

    Those of instances take the first of the parameters for checks, a pipeline.
    """
    model = type(adapter("sktime", kind)).create_test_instance()
    # Some provoke what they, or pandas, warn of.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results = check_for_sktime(
            model, verbose=False, tests_to_exclude="test_doctest_examples"
        )
    assert len(results) >= 80
    assert {name: r for name, r in results.items() if r != "PASSED"} == {}


def frames(X):
    """Return series as data frames with a row for each point of time."""
    return [pd.DataFrame(x.T, columns=["a", "b"]) for x in X]


def stacked(X):
    """Return series as one data frame, with an index of instances and times."""
    return pd.concat(frames(X), keys=range(len(X)), names=["instance", "time"])


def nested(X):
    """Return series in the cells of a data frame."""
    return pd.DataFrame({n: [f[n] for f in frames(X)] for n in ("a", "b")})


@pytest.mark.parametrize(
    ("library", "of"),
    [("aeon", list), *(("sktime", f) for f in (frames, stacked, nested))],
    ids=lambda value: getattr(value, "__name__", value),
)
@pytest.mark.parametrize("is_equal", [True, False])
def test_each_layout_gives_what_the_pipeline_gives(is_equal, library, of, series):
    """To the bit: steps, channels and cases are where they belong."""
    X, y = series
    if not is_equal:
        X = [x[:, :length] for x, length in zip(X, LENGTHS, strict=True)]
    model = adapter(library, "Classifier", network()).fit(of(X), y)
    expected = network().fit([x.T for x in X], y)
    p = expected.predict_proba([x.T for x in X])
    np.testing.assert_array_equal(model.predict_proba(of(X)), p)
    np.testing.assert_array_equal(model.predict(of(X)), model.classes_[p.argmax(1)])
    assert model.classes_.tolist() == ["a", "b", "c"]
    if is_equal:
        again = adapter(library, "Classifier", network()).fit(X, y)
        np.testing.assert_array_equal(again.predict_proba(X), p)


def test_one_channel_without_an_axis(library, series):
    X, y = series
    model = adapter(library, "Classifier", network()).fit(X[:, :1], y)
    other = adapter(library, "Classifier", network()).fit(X[:, 0], y)
    expected = model.predict_proba(X[:, :1])
    np.testing.assert_array_equal(other.predict_proba(X[:, 0]), expected)
    assert len(model.estimator_[-1].coefs_[0]) == 1


@pytest.mark.parametrize("is_equal", [True, False])
def test_regressor(is_equal, library, series):
    X, y = series[0], series[0].mean(axis=(1, 2))
    of = list if library == "aeon" else frames
    if not is_equal:
        X = [x[:, :length] for x, length in zip(X, LENGTHS, strict=True)]
    pipeline = network(regressor)
    model = adapter(library, "Regressor", pipeline).fit(of(X), y)
    expected = clone(pipeline).fit([x.T for x in X], y)
    given = [x.T for x in X]
    np.testing.assert_array_equal(model.predict(of(X)), expected.predict(given))


def described(estimator):
    """Return the parameters of an estimator and its parts, as text."""
    return {name: repr(value) for name, value in estimator.get_params().items()}


def test_the_recipe_is_what_the_docstring_says(library):
    doc = type(adapter(library, "Classifier")).__doc__
    code = doc.partition("and learn::")[2].partition("To tune")[0]
    names = ChannelTransformer, StandardScaler, DelayLine, AdLIF, SpikingClassifier
    scope = {f.__name__: f for f in (*names, make_pipeline)} | vars(math)
    for n_steps in (30, 1000):  # a floor of a time constant, or a share of the length
        scope |= {"n_steps": n_steps, "n_delays": 3}
        exec(f"said = ({code.strip()})", scope)
        found = recipe(SpikingClassifier, n_steps, 3)
        assert described(found) == described(scope["said"])


def test_the_recipe_for_numbers():
    """It is the same but for what is read, and the unit of that, as of classifiers."""
    given, numbers = recipe(SpikingClassifier, 500, 8), recipe(SpikingRegressor, 500, 8)
    assert (type(numbers[-1]), numbers[-1].readout) == (SpikingRegressor, "auto")
    assert described(given[:-1]) == described(numbers[:-1])
    set_to, default = described(given[-1]), described(SpikingClassifier())
    found = described(numbers[-1])
    same = {n for n in set_to if set_to[n] != default.get(n)}
    same -= {"readout", "logit_scale"}
    assert same > {"neuron__rho", "beta", "dropout", "max_iter"}
    assert {n: set_to[n] for n in same} == {n: found[n] for n in same}


@pytest.mark.parametrize("kind", ["Classifier", "Regressor"])
def test_without_an_estimator_the_recipe_is_fitted(kind, library, monkeypatch, rng):
    """To the length of the longest series, with a delay line that fits them."""
    made = []

    def short(network, n_steps, n_delays):
        made.append((network, n_steps, n_delays))
        return network((2,), max_iter=1, engine="numpy")

    monkeypatch.setattr(_series, "recipe", short)
    network = SpikingClassifier if kind == "Classifier" else SpikingRegressor
    of = list if library == "aeon" else frames
    y = np.arange(6) % 3
    cases = [(1, 70, "auto", 64), (2, 12, "auto", 12), (9, 12, "auto", 7)]
    cases += [(70, 12, "auto", 1), (2, 12, 20, 20)]
    for n_channels, n_steps, n_delays, expected in cases:
        X = rng.normal(size=(6, n_channels, n_steps))
        model = adapter(library, kind, n_delays=n_delays).fit(X, y)
        assert made.pop() == (network, n_steps, expected)
        assert (model.estimator, model.n_delays) == (None, n_delays)
        assert type(model.estimator_) is network
    lengths = 3, 4, 7, 5, 3, 6
    X = [x[:2, :length] for x, length in zip(X, lengths, strict=True)]
    adapter(library, kind).fit(of(X), y)
    assert made.pop() == (network, 7, 7)


def test_random_state(library, series):
    X, y = series
    unseeded = network(random_state=None)
    a, b, c = (
        adapter(library, "Classifier", unseeded, random_state=seed)
        .fit(X, y)
        .predict_proba(X)
        for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(a, b)
    assert (a != c).any()
    assert unseeded[-1].random_state is None
    kept = adapter(library, "Classifier", network(random_state=7)).fit(X, y)
    assert kept.estimator_[-1].random_state == 7
    alone = adapter(library, "Classifier", fast(engine="numpy"), random_state=3)
    assert alone.fit(X, y).estimator_.random_state != fast().random_state


def test_parameters_of_the_estimator(library, series):
    """They are heard, and the given estimator stays unfitted."""
    X, y = series
    pipeline = network(max_iter=1)
    model = adapter(library, "Classifier", pipeline)
    name = "estimator__spikingclassifier__max_iter"
    assert model.get_params()[name] == 1
    copy = clone(model).set_params(**{name: 2})
    assert copy.fit(X, y).estimator_[-1].n_iter_ == 2
    assert not hasattr(pipeline[-1], "coefs_")
    assert pipeline[-1].max_iter == 1


def test_search(series):
    """Of scikit-learn, which takes what aeon has, and not what sktime has."""
    model = adapter("aeon", "Classifier", network())
    name = "estimator__spikingclassifier__max_iter"
    search = GridSearchCV(model, {name: [1, 4]}, cv=2).fit(*series)
    assert search.best_estimator_.estimator_[-1].n_iter_ == search.best_params_[name]
    assert search.cv_results_["mean_test_score"].min() > 0


@pytest.mark.parametrize(
    ("params", "match"),
    [
        ({"estimator": "lif"}, "'estimator' parameter .* 'fit' and 'predict'"),
        ({"estimator": StandardScaler()}, "'estimator' parameter .* 'predict'"),
        ({"n_delays": 0}, r"'n_delays' parameter .* \[1, inf\) or .* {'auto'}"),
        ({"n_delays": "all"}, "'n_delays' parameter"),
        ({"random_state": "x"}, "'random_state' parameter"),
    ],
)
def test_bad_parameters(params, match, library, series):
    with pytest.raises(ValueError, match=match):
        adapter(library, "Classifier", **params).fit(*series)
