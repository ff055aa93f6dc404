"""A saved estimator is the same elsewhere, and says so where it cannot be."""

import copy
import hashlib
import os
import pickle
import subprocess
import sys
from functools import cache, partial

import joblib
import numpy as np
import pytest
import skops.io
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.pipeline import make_pipeline

import sklearn_snn
from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier, SpikingRegressor
from sklearn_snn.neurons import LIF

X, Y = (a[:200] for a in load_digits(n_class=3, return_X_y=True))
X = X / 16
NAMES = np.array(["zero", "one", "two"])[Y]
ONE_HOT, NUMBERS = np.eye(3, dtype=int)[Y], np.column_stack([5.0 * Y, X[:, 30]])
OWN = LIF(alpha=(0.6, 0.95), threshold=(0.4, 0.8))
ADAPTIVE = {"neuron": "adlif", "learn_neuron": ["b", "rho"], "readout": "membrane_mean"}

# Prints a digest of what a saved model predicts: of all rows, as this file does.
SCRIPT = """
import hashlib, sys
if "without numba" in sys.argv:
    sys.modules["numba"] = None
import joblib
from sklearn.datasets import load_digits
model = joblib.load(sys.argv[1])
p = model.predict_proba(load_digits(n_class=3).data[:200] / 16)
print(hashlib.sha256(p.tobytes()).hexdigest())
"""


def make_classifier(**params):
    defaults = {
        "hidden_layer_sizes": (16, 8),
        "n_steps": 8,
        "learning_rate_init": 0.01,
        "batch_size": 32,
        "max_iter": 2,
        "random_state": 0,
    }
    return SpikingClassifier(**{**defaults, **params})


def make_regressor(**params):
    defaults = {"hidden_layer_sizes": (8,), "n_steps": 8, "max_iter": 2}
    return SpikingRegressor(**{**defaults, "random_state": 0, **params})


def make_encoder(**params):
    return PoissonSpikeEncoder(**{"n_steps": 8, "random_state": 0, **params})


def fit_partially(**params):
    return make_classifier(**params).partial_fit(X, Y, classes=[0, 1, 2])


# What has a state of its own kind, by name.
MODELS = {
    "fit": lambda: make_classifier().fit(X, Y),
    "fit, float32": lambda: make_classifier().fit(X.astype(np.float32), Y),
    "partial_fit, adam": fit_partially,
    "partial_fit, sgd": partial(fit_partially, solver="sgd"),
    "early stopping": lambda: make_classifier(early_stopping=True).fit(X, Y),
    "weights by class": lambda: (
        make_classifier(class_weight={0: 1, 1: 2.5, 2: 3}, n_iter_no_change=np.inf)
    ).fit(X, Y),
    "strings": lambda: make_classifier(class_weight={"zero": 2}).fit(X, NAMES),
    "objects": lambda: make_classifier().fit(X, NAMES.astype(object)),
    "adaptive": lambda: make_classifier(**ADAPTIVE).fit(X, Y),
    "current-based": lambda: make_classifier(
        neuron="cuba", learn_neuron="alpha_syn"
    ).fit(X, Y),
    "partial_fit, learned": partial(fit_partially, neuron=OWN, learn_neuron=True),
    "labels": lambda: make_classifier(readout="membrane_mean").fit(X, ONE_HOT),
    "numbers": lambda: make_regressor(neuron=OWN).fit(X, NUMBERS),
    "number": lambda: make_regressor(hidden_layer_sizes=()).fit(X, NUMBERS[:, 0]),
    "encoder": lambda: make_encoder().fit(X),
    "encoder by feature": lambda: make_encoder(scaling="feature").fit(X),
    "pipeline": lambda: make_pipeline(make_encoder(), make_classifier()).fit(X, Y),
}
NETWORKS = [name for name in MODELS if not name.startswith(("encoder", "pipe"))]
# What they are fitted on if it is not Y.
TARGETS = {
    **{"strings": NAMES, "objects": NAMES.astype(object), "labels": ONE_HOT},
    **{"numbers": NUMBERS, "number": NUMBERS[:, 0]},
}
OURS = PoissonSpikeEncoder, SpikingClassifier, SpikingRegressor, LIF


@cache
def fitted(name):
    """Return a model, which no test may change."""
    return MODELS[name]()


def through_joblib(model, folder, compress=0, mmap_mode=None):
    joblib.dump(model, folder / "model", compress=compress)
    return joblib.load(folder / "model", mmap_mode=mmap_mode)


def through_pickle(model, folder, protocol):
    return pickle.loads(pickle.dumps(model, protocol=protocol))


def through_skops(model, folder):
    data = skops.io.dumps(model)
    return skops.io.loads(data, trusted=skops.io.get_untrusted_types(data=data))


def through_a_skops_file(model, folder):
    path = folder / "model.skops"
    skops.io.dump(model, path)
    return skops.io.load(path, trusted=skops.io.get_untrusted_types(file=path))


ROUND_TRIPS = {
    **{
        f"pickle {protocol}": partial(through_pickle, protocol=protocol)
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1)
    },
    "joblib": through_joblib,
    "joblib, zlib": partial(through_joblib, compress=3),
    "joblib, lzma": partial(through_joblib, compress=("lzma", 3)),
    "joblib, memory map": partial(through_joblib, mmap_mode="r"),
    "copy": lambda model, folder: copy.copy(model),
    "deepcopy": lambda model, folder: copy.deepcopy(model),
    "skops": through_skops,
    "skops file": through_a_skops_file,
}


def answer(model, data=X):
    """Return all that a model says of the data: spikes, or probabilities and labels."""
    if isinstance(model, PoissonSpikeEncoder):
        return np.asarray(model.transform(data))
    if isinstance(model, SpikingRegressor):
        return model.predict(data)
    return model.predict_proba(data), model.predict(data), model.classes_


def leaves(value, path=""):
    """Yield the path, the type and the content of everything in a state."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from leaves(key, f"{path}, key {key!r}")
            yield from leaves(item, f"{path}[{key!r}]")
    elif isinstance(value, list | tuple):
        yield path, type(value), len(value)
        for i, item in enumerate(value):
            yield from leaves(item, f"{path}[{i}]")
    elif isinstance(value, np.ndarray):
        yield path, (value.dtype, value.shape), value.tolist()
    elif isinstance(value, LIF):
        yield path, LIF, None
        yield from leaves(vars(value), f"{path}, neuron")
    else:
        yield path, type(value), value


def assert_same(first, second):
    np.testing.assert_equal(answer(first), answer(second))
    steps = [
        [step for _, step in getattr(m, "steps", [("", m)])] for m in (first, second)
    ]
    for a, b in zip(*steps, strict=True):
        assert list(leaves(vars(a))) == list(leaves(vars(b)))


@pytest.fixture(params=ROUND_TRIPS)
def round_trip(request, tmp_path):
    """Return a function that saves a model and loads it again."""
    return partial(ROUND_TRIPS[request.param], folder=tmp_path)


@pytest.mark.parametrize("name", MODELS)
def test_round_trips(name, round_trip):
    model = fitted(name)
    loaded = round_trip(model)
    assert loaded is not model
    assert_same(loaded, model)


@pytest.mark.parametrize("make", [make_classifier, make_encoder])
def test_round_trips_before_a_fit(make, round_trip):
    new = make(n_steps=11)
    loaded = round_trip(new)
    assert list(leaves(vars(loaded))) == list(leaves(vars(new)))
    # A fit of the one is no fit of the other.
    at_first = answer(loaded.fit(X, Y))
    assert not hasattr(new, "n_features_in_")
    np.testing.assert_equal(answer(new.fit(X, Y)), at_first)


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("own", [{}, {"neuron": OWN, "learn_neuron": True}])
def test_partial_fit_goes_on_where_it_was(own, solver, round_trip):
    """The state of the solver, the count of epochs and the seed are saved too."""
    model = fit_partially(solver=solver, **own)
    loaded = round_trip(model)
    at_first = answer(model)
    for rows in (slice(0, 120), slice(80, 200)):
        loaded.partial_fit(X[rows], Y[rows])
    # Neither may write into arrays of the other.
    np.testing.assert_equal(answer(model), at_first)
    for rows in (slice(0, 120), slice(80, 200)):
        model.partial_fit(X[rows], Y[rows])
    assert_same(loaded, model)
    assert model.t_ == 440
    assert not np.array_equal(answer(model)[0], at_first[0])


def test_warm_start_goes_on_where_it_was(round_trip):
    model = make_classifier(warm_start=True, early_stopping=True).fit(X, Y)
    loaded = round_trip(model).fit(X, Y)
    assert_same(loaded, model.fit(X, Y))
    assert len(model.validation_scores_) == 4


@pytest.mark.parametrize("name", NETWORKS)
def test_clones_are_new(name):
    """A clone has the parameters and nothing of the fit, and learns the same."""
    model = fitted(name)
    new = clone(model)
    assert vars(new).keys() == model.get_params(deep=False).keys()
    assert repr(new.get_params()) == repr(model.get_params())
    with pytest.raises(ValueError, match="not fitted"):
        new.predict(X)
    if name.startswith("partial_fit"):
        new.partial_fit(X, Y, classes=[0, 1, 2])
    else:
        data = X.astype(np.float32) if "float32" in name else X
        new.fit(data, TARGETS.get(name, Y))
    assert_same(new, model)


@pytest.mark.parametrize("name", MODELS)
def test_skops_meets_no_types_but_ours(name):
    data = skops.io.dumps(fitted(name))
    ours = {f"{c.__module__}.{c.__qualname__}" for c in OURS}
    untrusted = set(skops.io.get_untrusted_types(data=data))
    assert untrusted
    assert untrusted <= ours


@pytest.mark.parametrize("name", [n for n in MODELS if n != "pipeline"])
def test_a_state_is_made_of_plain_things(name):
    """What is saved can be read by any version, and executes nothing."""
    plain = bool, int, float, str, list, tuple, type(None), np.generic, LIF
    state = fitted(name).__getstate__()
    assert type(state) is dict
    for path, kind, content in leaves(state):
        if isinstance(kind, tuple):
            assert kind[0].kind in "biufU" or set(map(type, content)) == {str}, path
        else:
            assert issubclass(kind, plain), path


def test_a_memory_map_is_not_changed(tmp_path):
    """The file still holds the first network after another has learned from it."""
    joblib.dump(fitted("partial_fit, adam"), tmp_path / "model")
    before = (tmp_path / "model").read_bytes()
    loaded = joblib.load(tmp_path / "model", mmap_mode="r+")
    assert isinstance(loaded.coefs_[0], np.memmap)
    loaded.partial_fit(X, Y)
    assert (tmp_path / "model").read_bytes() == before


@pytest.mark.parametrize("engines", [("numba", "numpy"), ("numpy", "numba")])
def test_engines_can_be_changed_after_loading(engines, round_trip):
    first, second = engines
    model = make_pipeline(make_encoder(), make_classifier(engine=first)).fit(X, Y)
    # A shallow copy shares its steps.
    loaded = copy.deepcopy(round_trip(model))
    loaded.set_params(spikingclassifier__engine=second)
    np.testing.assert_equal(answer(loaded), answer(model))
    assert loaded[-1].engine == second != model[-1].engine


@pytest.mark.parametrize(
    ("n_threads", "argument"), [("1", ""), ("2", ""), ("2", "without numba")]
)
def test_another_process(n_threads, argument, tmp_path):
    """A file predicts the same with any number of threads, and with numba or not."""
    model = fitted("pipeline")
    joblib.dump(model, tmp_path / "model")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, tmp_path / "model", argument],
        env={**os.environ, "NUMBA_NUM_THREADS": n_threads},
        capture_output=True,
        text=True,
        check=True,
    )
    expected = hashlib.sha256(model.predict_proba(X).tobytes()).hexdigest()
    assert done.stdout.split() == [expected]


@pytest.mark.parametrize("name", ["fit", "encoder"])
@pytest.mark.parametrize("library", [pickle, joblib, skops.io])
def test_another_version_warns(name, library, monkeypatch, tmp_path):
    model, path = fitted(name), tmp_path / "model"
    with monkeypatch.context() as patch:
        patch.setattr("sklearn_snn._persistence.__version__", "0.0.7")
        if library is pickle:
            path.write_bytes(pickle.dumps(model))
        else:
            library.dump(model, path)
    options = {}
    if library is skops.io:
        options = {"trusted": skops.io.get_untrusted_types(file=path)}
    with pytest.warns(InconsistentVersionWarning) as caught:
        if library is pickle:
            loaded = pickle.loads(path.read_bytes())
        else:
            loaded = library.load(path, **options)
    (message,) = {str(w.message) for w in caught}
    for part in (type(model).__name__, "0.0.7", sklearn_snn.__version__):
        assert part in message
    # It is of this version from now on: neither a copy nor a second file warns.
    assert_same(loaded, model)
    assert_same(pickle.loads(pickle.dumps(loaded)), model)


def test_setting_a_state_does_not_change_it():
    state = fitted("fit").__getstate__()
    before = list(leaves(state))
    SpikingClassifier().__setstate__(state)
    assert list(leaves(state)) == before
    assert "_sklearn_snn_version" not in vars(fitted("fit"))
