"""States of other versions: brought up to date, warned of, or refused."""

import pickle
import warnings

import joblib
import numpy as np
import pytest
import sklearn
import skops.io
from helpers import arrays, fast, running_counts
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.preprocessing import StandardScaler

import sklearn_snn
from sklearn_snn import (
    ChannelTransformer,
    PoissonSpikeEncoder,
    SpikingClassifier,
    __version__,
    load_model,
    quantization,
)
from sklearn_snn._migrations import (
    _FIRST,
    ADDED,
    FORMAT,
    MIGRATIONS,
    Added,
    constructor_defaults,
    version_key,
)
from sklearn_snn._persistence import PersistenceMixin
from sklearn_snn.exceptions import OtherVersionWarning

VERSION, FORMAT_KEY = "_sklearn_snn_version", "_sklearn_snn_format"
SKLEARN = "_sklearn_version"


@pytest.fixture(scope="module")
def model():
    X = np.random.default_rng(0).normal(size=(40, 3))
    return fast(engine="numpy", beta=7.0).fit(X, X[:, 0] > 0)


def state_of(model, version=__version__, without=(), **changes):
    """Return the state of a model as another version would have saved it."""
    state = model.__getstate__() | {VERSION: version} | changes
    return {key: value for key, value in state.items() if key not in without}


def load(state, estimator_class=SpikingClassifier):
    """Return an estimator with a state, and the messages of its warnings."""
    loaded = estimator_class()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        loaded.__setstate__(state)
    for warning in caught:
        assert issubclass(warning.category, InconsistentVersionWarning)
        assert warning.filename == __file__
    return loaded, [str(w.message) for w in caught]


def test_a_state_says_who_wrote_it(model):
    state = model.__getstate__()
    assert state[VERSION] == __version__
    assert state[FORMAT_KEY] == FORMAT == 5
    assert state[SKLEARN] == sklearn.__version__
    loaded, messages = load(state)
    assert messages == []
    assert not any(key in vars(loaded) for key in (VERSION, FORMAT_KEY, SKLEARN))


SAVED = [
    cls
    for cls in (*vars(sklearn_snn).values(), *vars(quantization).values())
    if isinstance(cls, type) and issubclass(cls, PersistenceMixin)
]


@pytest.mark.parametrize("cls", SAVED)
def test_every_parameter_says_since_when_it_is(cls):
    """One that is new stands in ADDED, with the value that stands for what was."""
    assert len(SAVED) >= 3
    name = cls.__name__
    assert set(_FIRST[name]) | set(ADDED[name]) == set(constructor_defaults(cls))
    assert not set(_FIRST[name]) & set(ADDED[name])
    for version, _ in ADDED[name].values():
        assert (0, 1, 0) < version_key(version) <= version_key(__version__)


def test_one_migration_for_each_format():
    assert len(MIGRATIONS) == FORMAT - 1


def test_a_parameter_that_came_later_is_as_things_were(model, monkeypatch):
    """Not what the constructor says now, if that is something else."""
    monkeypatch.setitem(_FIRST, "SpikingClassifier", ("alpha",))
    monkeypatch.setitem(ADDED["SpikingClassifier"], "beta", Added("0.1.5", 4.0))
    loaded, messages = load(state_of(model, "0.1.4", without=["beta"]))
    assert len(messages) == 1
    assert "by version 0.1.4 of sklearn-snn" in messages[0]
    assert f"of version {__version__}, which is in use" in messages[0]
    assert loaded.beta == 4.0 != SpikingClassifier().beta
    # What is there is not replaced, and a file of the version that has it is damaged.
    assert load(state_of(model, "0.1.4"))[0].beta == 7.0
    for version in ("0.1.5", "0.1.10", __version__):
        with pytest.raises(ValueError, match=rf"{version}, lacks .*\['beta'\].*damag"):
            load(state_of(model, version, without=["beta"]))


def test_parameters_that_came_with_neurons(model):
    """A file from before them has plain neurons, that learn nothing and are counted."""
    names = "neuron", "learn_neuron", "readout"
    for version in ("0.1.0", "0.2.0"):
        loaded, _ = load(state_of(model, version, without=names))
        assert loaded.get_params() == model.get_params()
        assert [getattr(loaded, n) for n in names] == ["lif", False, "spike_count"]
    for name in names:
        with pytest.raises(ValueError, match=rf"0\.3\.0, lacks .*\['{name}'\]"):
            load(state_of(model, "0.3.0", without=[name]))


class Later(SpikingClassifier):
    """What a later version may look like."""

    def __init__(self, hidden_layer_sizes=(100,), *, alpha=0.5, added=3):
        super().__init__(hidden_layer_sizes, alpha=alpha)
        self.added = added


def test_a_parameter_that_is_in_no_list_has_its_default(model):
    loaded, messages = load(state_of(model, "0.1.0"), Later)
    assert loaded.added == 3
    assert loaded.alpha == model.alpha
    assert len(messages) == 1
    with pytest.raises(ValueError, match=r"lacks the parameters \['added'\]"):
        load(state_of(model), Later)


def test_a_parameter_that_there_always_was(model):
    """No file of any version lacks it unless it is damaged: it is not made up."""
    first = _FIRST["SpikingClassifier"]
    assert set(first) < set(model.get_params())
    for name in first:
        with pytest.raises(ValueError, match=rf"0\.1\.0, lacks .*\['{name}'\]"):
            load(state_of(model, "0.1.0", without=[name]))
    channels = ChannelTransformer(StandardScaler())
    with pytest.raises(ValueError, match=r"lacks .*\['transformer'\]"):
        channels.__setstate__(state_of(channels, "0.1.9", without=["transformer"]))


class Required(SpikingClassifier):
    """One whose new parameter has no default."""

    def __init__(self, needed, *, alpha=0.5):
        super().__init__(alpha=alpha)
        self.needed = needed


def test_a_parameter_without_a_default_is_not_made_up(model):
    with pytest.raises(ValueError, match=r"0\.1\.0, lacks .*\['needed'\]"):
        Required(1).__setstate__(state_of(model, "0.1.0"))


@pytest.mark.parametrize(
    ("params", "detach"),
    [
        ({}, False),
        ({"alpha": 0.99}, True),
        ({"detach_reset": True}, True),
        ({"alpha": 0.99, "detach_reset": False}, False),
    ],
)
def test_constants_of_format_1_are_frozen(params, detach, model):
    old = [FORMAT_KEY, SKLEARN, "_constants_", "detach_reset_"]
    loaded, _ = load(state_of(model, "0.1.0", without=old, **params))
    assert loaded.detach_reset_ is detach
    expected = {"alpha": 0.95, "threshold": 0.6, "beta": 7.0, "n_steps": 10, **params}
    expected["detach_reset"] = detach
    assert loaded._constants_.items() >= expected.items()
    for a, b in zip(arrays(loaded), arrays(model), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("params", "detach"),
    [({}, False), ({"reset": "subtract", "logit_scale": 2.0, "alpha": 0.99}, True)],
)
def test_constants_of_format_2_become_those_of_each_neuron(params, detach):
    X = np.random.default_rng(0).normal(size=(40, 3))
    model = fast(hidden_layer_sizes=(6, 4), engine="numpy", **params)
    model.fit(X, np.arange(40) % 3)
    names = "alpha", "threshold", "beta", "surrogate", "reset", "n_steps", "logit_scale"
    old = {name: getattr(model, name) for name in names} | {"detach_reset": detach}
    without = ["neuron", "learn_neuron", "readout", "neuron_constants_"]
    changes = {"_constants_": old, FORMAT_KEY: 2}
    # What is set after a fit is not what it answers with.
    state = state_of(model, "0.2.0", without, **changes, threshold=9.0)
    loaded, messages = load(state)
    assert len(messages) == 1
    # Nothing told equal counts apart then.
    assert loaded._constants_ == model._constants_ | {"breaks_ties": False}
    readout = model.network_.readout._replace(breaks_ties=False)
    assert loaded.network_ == model.network_._replace(readout=readout)
    assert loaded.threshold == 9.0
    assert [len(p["alpha"]) for p in loaded.neuron_constants_] == [6, 4, 3]
    for found, expected in zip(
        loaded.neuron_constants_, model.neuron_constants_, strict=True
    ):
        np.testing.assert_equal(found, expected)
    logits = loaded.decision_function(X)
    record = model.simulate(X)
    scale = old["logit_scale"] if params else 1
    expected = scale * running_counts(record, finer=False)[:, -1]
    np.testing.assert_allclose(logits, expected)
    # The state that was given is not changed.
    assert state["_constants_"] is old
    assert set(old) == {*names, "detach_reset"}


def test_a_new_estimator_of_format_1_stays_new():
    new = SpikingClassifier(alpha=0.9)
    loaded, _ = load(state_of(new, "0.1.0", without=[FORMAT_KEY, SKLEARN]))
    assert vars(loaded) == vars(new)


@pytest.mark.parametrize("make", [SpikingClassifier, PoissonSpikeEncoder])
def test_a_newer_format_is_refused(make):
    state = state_of(make(), "0.9.0", **{FORMAT_KEY: FORMAT + 1})
    new = make()
    with pytest.raises(
        ValueError, match=rf"0\.9\.0, whose format {FORMAT + 1} .*update"
    ):
        new.__setstate__(state)
    assert vars(new) == vars(make())


def test_a_newer_version_of_the_same_format(model):
    """It loads; of what is unknown only a parameter may change the answers."""
    loaded, messages = load(state_of(model, "0.9.0", curve_=[1.0], _private=1))
    assert len(messages) == 1
    assert "0.9.0" in messages[0]
    assert loaded.curve_ == [1.0]
    with pytest.raises(ValueError, match=r"0\.9\.0.*\['delays'\].*update"):
        load(state_of(model, "0.9.0", delays=True))


def test_another_scikit_learn_warns_as_its_own_estimators_do(model):
    loaded, messages = load(state_of(model, **{SKLEARN: "1.8.2"}))
    (message,) = messages
    assert "SpikingClassifier from version 1.8.2 of scikit-learn" in message
    assert f"version {sklearn.__version__} of scikit-learn" in message
    assert "sklearn-snn" not in message
    # Once for an estimator, whatever differs.
    _, messages = load(state_of(model, "0.1.3", **{SKLEARN: "1.8.2"}))
    (message,) = messages
    assert "by version 0.1.3 of sklearn-snn" in message
    assert f"scikit-learn was 1.8.2, and here it is {sklearn.__version__}" in message
    # It is of these versions from now on.
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pickle.loads(pickle.dumps(loaded))


@pytest.mark.parametrize("library", ["pickle", "joblib", "load_model", "skops"])
def test_what_is_said_of_another_version(library, model, tmp_path, monkeypatch):
    """That it is up to date, at the line that loads; not that it may be wrong."""
    path = tmp_path / "model"
    with monkeypatch.context() as patch:
        patch.setattr("sklearn_snn._persistence.__version__", "0.1.3")
        if library == "pickle":
            path.write_bytes(pickle.dumps(model))
        else:
            (skops.io if library == "skops" else joblib).dump(model, path)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if library == "pickle":
            pickle.loads(path.read_bytes())
        elif library == "skops":
            skops.io.load(path, trusted=skops.io.get_untrusted_types(file=path))
        else:
            {"joblib": joblib.load, "load_model": load_model}[library](path)
    (warning,) = caught
    assert warning.filename == __file__
    assert warning.category is OtherVersionWarning
    message = str(warning.message)
    for part in ("SpikingClassifier", "0.1.3", __version__, "it answers as before"):
        assert part in message
    for part in ("risk", "breaking", "scikit-learn"):
        assert part not in message
    assert warning.message.estimator_name == "SpikingClassifier"
    assert warning.message.original_version == "0.1.3"
    assert warning.message.current_version == __version__
    assert warning.message.current_sklearn_version == sklearn.__version__


@pytest.mark.parametrize(
    "changes",
    [
        {VERSION: 2},
        {VERSION: "unknown"},
        {FORMAT_KEY: 0},
        {FORMAT_KEY: "two"},
        {FORMAT_KEY: None},
    ],
    ids=str,
)
def test_a_state_without_an_origin(changes, model):
    with pytest.raises(ValueError, match="not the state of a SpikingClassifier"):
        SpikingClassifier().__setstate__(model.__getstate__() | changes)


@pytest.mark.parametrize(
    ("older", "newer"),
    [("0.1.0", "0.2.0"), ("0.9.9", "0.10.0"), ("0.2", "0.2.1"), ("1.2.0", "10.0")],
)
def test_versions_have_an_order(older, newer):
    assert version_key(older) < version_key(newer)
    assert version_key(newer + ".dev0") == version_key(newer)
