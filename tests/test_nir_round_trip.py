"""Graphs of NIR that `to_nir` writes, what is in them, and what they come back as."""

import json
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline

from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier, SpikingRegressor
from sklearn_snn.neurons import CUBA, LIF
from sklearn_snn.nir import from_nir, nir_compatibility, to_nir
from sklearn_snn.quantization import quantize

SMALL = {"reset": "zero", "engine": "numpy", "random_state": 0, "n_steps": 8}
rng = np.random.default_rng(0)
TABLE, LABELS = rng.normal(size=(40, 6)), np.arange(40) % 3
SPIKES = (rng.random((40, 12, 6)) < 0.4).astype(np.uint8)


def fitted(X=TABLE, y=LABELS, kind=SpikingClassifier, **params):
    params = {"hidden_layer_sizes": (7,), "max_iter": 2, **SMALL, **params}
    return kind(**params).fit(X, y)


def assert_same(model, other, X):
    """See that two networks are the same to the bit, in all that they say."""
    for name in ("coefs_", "intercepts_", "recurrent_coefs_"):
        pairs = zip(getattr(model, name), getattr(other, name), strict=True)
        assert all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in pairs)
    for ours, theirs in zip(
        model.neuron_constants_, other.neuron_constants_, strict=True
    ):
        assert ours.keys() == theirs.keys()
        assert all(np.array_equal(ours[k], theirs[k]) for k in ours)
    assert model._constants_ == other._constants_
    a, b = model.simulate(X), other.simulate(X)
    np.testing.assert_array_equal(a.logits, b.logits)
    np.testing.assert_array_equal(model.predict(X), other.predict(X))
    if hasattr(model, "predict_proba"):
        probabilities = model.predict_proba(X)
        np.testing.assert_array_equal(probabilities, other.predict_proba(X))


def come_back(model, tmp_path, **params):
    """Return what a network comes back as through a file."""
    to_nir(model, tmp_path / "model.nir", **params)
    return from_nir(tmp_path / "model.nir")


NETWORKS = {
    "deep": {"hidden_layer_sizes": (7, 5, 4)},
    "no hidden layer": {"hidden_layer_sizes": ()},
    "recurrent": {"recurrent": True, "hidden_layer_sizes": (7, 5)},
    "without leak": {"alpha": 1.0},
    "without memory": {"alpha": 0.0},
    "another leak": {"alpha": 0.3333, "readout_alpha": 0.71},
    "spread": {"neuron": LIF(alpha=(0.5, 0.9), threshold=(0.4, 0.7))},
    "learned": {"learn_neuron": True},
    "all learned": {"learn_neuron": ("alpha", "threshold", "readout_alpha")},
    "cuba": {"neuron": CUBA(alpha=(0.3, 0.9)), "recurrent": True},
    "membranes": {"readout": "membrane_mean", "readout_start": 2},
    "probabilities": {"readout": "softmax_mean", "logit_scale": 3.0},
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("X", [TABLE, SPIKES], ids=["float64", "float32"])
def test_networks_come_back_to_the_bit(name, X, tmp_path):
    model = fitted(X, **NETWORKS[name])
    for resistance in ("auto", "one", "tau/dt"):
        same = come_back(model, tmp_path, resistance=resistance)
        assert_same(model, same, X)
        assert repr(same) == repr(model)
    assert_same(model, pickle.loads(pickle.dumps(same)), X)
    # Where it began, and the units that it learns in, are known, too.
    for ours, theirs in zip(model._initial_coefs(), same._initial_coefs(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    same.partial_fit(X, LABELS)
    assert not np.array_equal(same.coefs_[0], model.coefs_[0])


@pytest.mark.parametrize("name", ["spread", "another leak", "cuba", "membranes"])
def test_what_lies_on_a_grid_comes_back_to_the_bit(name, tmp_path):
    model = quantize(fitted(**NETWORKS[name]), bits=4).to_estimator()
    for resistance in ("auto", "one", "tau/dt"):
        same = come_back(model, tmp_path, resistance=resistance)
        assert_same(model, same, TABLE)
        assert repr(same) == repr(model)
    same.partial_fit(TABLE, LABELS)
    for ours, theirs in zip(
        model.neuron_constants_, same.neuron_constants_, strict=True
    ):
        np.testing.assert_array_equal(ours["alpha"], theirs["alpha"])


def test_weights_that_are_not_finite_are_refused():
    model = fitted()
    for name, array in (("coefs_", model.coefs_), ("intercepts_", model.intercepts_)):
        kept = array[0].copy()
        array[0].flat[1] = np.nan if name == "coefs_" else np.inf
        with pytest.raises(ValueError, match="Weights and biases must be finite to"):
            to_nir(model)
        array[0][...] = kept


ANSWERS = {
    "strings": (SpikingClassifier, np.array(["b", "a", "ö"])[LABELS]),
    "objects": (SpikingClassifier, np.array(["b", "a", "c"], object)[LABELS]),
    "numbers": (SpikingClassifier, np.array([0.0, -2.0, 3e9])[LABELS]),
    "booleans": (SpikingClassifier, LABELS == 1),
    "labels": (SpikingClassifier, np.stack([LABELS == 0, LABELS > 1], 1).astype(int)),
    "a number": (SpikingRegressor, TABLE[:, 0] / 3),
    "several numbers": (SpikingRegressor, TABLE[:, :2] * [1e-7, 1e9]),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_answers_come_back(name, tmp_path):
    kind, y = ANSWERS[name]
    model = fitted(y=y, kind=kind)
    same = come_back(model, tmp_path)
    assert type(same) is kind
    assert_same(model, same, TABLE)
    assert same.predict(TABLE).dtype == model.predict(TABLE).dtype
    if kind is SpikingClassifier:
        assert same.classes_.dtype == model.classes_.dtype


def test_answers_per_step_and_names_of_columns_come_back(tmp_path):
    model = fitted(SPIKES, np.repeat(LABELS[:, np.newaxis], 12, axis=1), per_step=True)
    assert_same(model, come_back(model, tmp_path), SPIKES)
    frame = pd.DataFrame(TABLE, columns=list("abcdef"))
    same = come_back(fitted(frame), tmp_path)
    assert same.feature_names_in_.tolist() == list("abcdef")
    with pytest.raises(ValueError, match="feature names should match"):
        same.predict(frame.rename(columns={"a": "z"}))


def test_parameters_come_back_but_for_objects(tmp_path):
    model = fitted(
        solver="sgd",
        class_weight={0: 2.0},
        rate_bounds=(0.0, 0.9),
        neuron=LIF(threshold=0.7),
        hidden_layer_sizes=np.array([5, 4]),
        max_iter=np.int64(2),
    )
    same = come_back(model, tmp_path)
    assert same.get_params()["neuron__threshold"] == 0.7
    assert (same.solver, same.max_iter, same.rate_bounds) == ("sgd", 2, (0.0, 0.9))
    assert same.hidden_layer_sizes == (5, 4)
    assert same.class_weight is None
    # What was set after fit belongs to the next fit, here as there.
    later = come_back(model.set_params(alpha=0.1), tmp_path)
    assert later.alpha == 0.1
    assert later._constants_["alpha"] == 0.95
    assert clone(later).alpha == 0.1


def test_a_network_is_found_in_pipelines_and_searches():
    search = GridSearchCV(
        make_pipeline(
            PoissonSpikeEncoder(n_steps=8, random_state=0),
            SpikingClassifier((5,), max_iter=2, **SMALL),
        ),
        {"spikingclassifier__alpha": [0.9]},
        cv=2,
    ).fit(np.abs(TABLE) / 4, LABELS)
    graph = to_nir(search)
    X = search.best_estimator_[:-1].transform(np.abs(TABLE) / 4)
    model = search.best_estimator_[-1]
    assert_same(model, from_nir(graph), X)
    assert graph.nodes["layer1_fc"].weight.dtype == np.float32
    assert nir_compatibility(search).exact == ["snnTorch", "SpikingJelly", "norse"]


def test_nodes_and_their_numbers():
    model = fitted(hidden_layer_sizes=(7, 5), alpha=0.9, threshold=0.5, recurrent=True)
    model.intercepts_[1][:] = 0
    graph = to_nir(model, dt=1e-3)
    kinds = {name: type(node).__name__ for name, node in graph.nodes.items()}
    assert kinds == {
        "input": "Input",
        "layer1_fc": "Affine",
        "layer1_lif": "NIRGraph",
        "layer2_fc": "Linear",
        "layer2_lif": "NIRGraph",
        "layer3_fc": "Affine",
        "layer3_lif": "LIF",
        "output": "Output",
    }
    assert set(graph.edges) == {*zip(list(kinds)[:-1], list(kinds)[1:], strict=True)}
    assert graph.metadata["dt"] == 1e-3
    # What a file makes of the order is still that of the layers, of many, too.
    assert [*graph.nodes] == sorted(graph.nodes)
    deep = [*to_nir(fitted(hidden_layer_sizes=(1,) * 10)).nodes]
    assert deep == sorted(deep)
    assert deep[1:3] == ["layer01_fc", "layer01_lif"]
    lif = graph.nodes["layer3_lif"]
    for name, number in [("tau", 1e-2), ("r", 1), ("v_leak", 0), ("v_reset", 0)]:
        value = getattr(lif, name)
        assert (value.shape, value.dtype) == ((3,), np.float64)
        np.testing.assert_allclose(value, number, rtol=1e-12)
    assert (lif.v_threshold == 0.5).all()
    np.testing.assert_allclose(graph.nodes["layer3_fc"].weight, model.coefs_[2].T / 0.1)
    np.testing.assert_allclose(
        graph.nodes["layer3_fc"].bias, model.intercepts_[2] / 0.1
    )
    recurrent = graph.nodes["layer1_lif"].nodes["w_rec"].weight
    np.testing.assert_allclose(recurrent, model.recurrent_coefs_[0].T / 0.1)
    other = to_nir(model, dt=1e-3, resistance="tau/dt")
    np.testing.assert_array_equal(other.nodes["layer3_fc"].weight, model.coefs_[2].T)
    np.testing.assert_allclose(other.nodes["layer3_lif"].r, 10)


def test_current_based_neurons_are_written_by_their_time_constants():
    model = fitted(neuron=CUBA(alpha=0.9, alpha_syn=0.75))
    lif = to_nir(model).nodes["layer1_lif"]
    for name, number in [("tau_mem", 1e-3), ("tau_syn", 4e-4), ("r", 10), ("w_in", 4)]:
        np.testing.assert_allclose(getattr(lif, name), number, rtol=1e-12)
    lif = to_nir(model, resistance="one").nodes["layer1_lif"]
    assert (lif.r == 1).all()
    assert (lif.w_in == 1).all()


def test_a_graph_is_none_of_the_memory_of_its_network():
    model = fitted(recurrent=True)
    params = model._learned_params()
    ours = [array for p in params for array in p.values()]
    nodes = [*to_nir(model).nodes.values()]
    for node in [*nodes, *nodes[2].nodes.values()]:
        for array in [*vars(node).values(), *node.metadata.values()]:
            if isinstance(array, np.ndarray):
                assert not any(np.shares_memory(array, a) for a in ours)


def test_what_was_changed_in_a_graph_counts():
    model = fitted(SPIKES)
    graph = to_nir(model)
    graph.nodes["layer1_lif"].tau *= 2
    graph.nodes["layer2_fc"].weight *= 3
    changed = from_nir(graph)
    np.testing.assert_allclose(changed.neuron_constants_[0]["alpha"], 0.975)
    np.testing.assert_allclose(changed.coefs_[0], model.coefs_[0] / 2, rtol=1e-6)
    np.testing.assert_allclose(changed.coefs_[1], model.coefs_[1] * 3, rtol=1e-6)
    assert changed.alpha == changed.neuron_constants_[0]["alpha"][0]
    assert changed.readout_alpha == 0.95
    assert changed.readout == "spike_count"
    # Half the threshold is as good as weights of twice the size.
    graph = to_nir(model)
    graph.nodes["layer1_lif"].v_threshold /= 2
    spikes = from_nir(graph).simulate(SPIKES).spikes[0]
    model.coefs_[0] *= 2
    model.intercepts_[0] *= 2
    np.testing.assert_array_equal(spikes, model.simulate(SPIKES).spikes[0])


def test_what_nir_has_no_words_for_is_refused_with_what_to_do():
    for params, message in (
        ({"neuron": "adlif"}, r"'adlif': refit with neuron='cuba'.*or neuron='lif'"),
        ({"reset": "subtract"}, r"reset='subtract': refit with reset='zero'"),
        ({"reset": "none"}, r"reset='none': refit with reset='zero'"),
    ):
        model = fitted(**params)
        with pytest.raises(ValueError, match=message):
            to_nir(model)
        report = nir_compatibility(model)
        assert report.exact == []
        assert "refit with" in report["snnTorch"].reason
    # Membranes that are never reset are those of no spikes.
    model = fitted(hidden_layer_sizes=(), reset="subtract", readout="membrane_mean")
    assert_same(model, from_nir(to_nir(model)), TABLE)


def test_a_converted_mlp_is_not_told_to_be_refitted():
    mlp = MLPClassifier((5,), max_iter=3, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        mlp.fit(TABLE, LABELS)
    model = SpikingClassifier.from_mlp(mlp, TABLE, engine="numpy", max_iter=1)
    advice = r"Train a SpikingClassifier with fit and reset='zero'"
    with pytest.raises(ValueError, match=rf"converted MLP.*no way to NIR\. {advice}"):
        to_nir(model)
    assert "converted MLP" in nir_compatibility(model)["norse"].reason
    # A network that was trained since can be trained from the start.
    with pytest.raises(ValueError, match=r"reset='subtract': refit with reset='zero'"):
        to_nir(model.fit(TABLE, LABELS))


def test_arguments_that_are_refused(tmp_path):
    with pytest.raises(NotFittedError):
        to_nir(SpikingClassifier())
    with pytest.raises(TypeError, match="no SpikingClassifier at the end of Logistic"):
        to_nir(LogisticRegression().fit(TABLE, LABELS))
    model = fitted()
    for bad in ({"dt": 0}, {"dt": 1e300}, {"resistance": "two"}, {"path": 3}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            to_nir(model, **bad)
    model.coefs_[0] *= 1e308
    with pytest.raises(ValueError, match=r"become infinite.*resistance='tau/dt'"):
        to_nir(model)
    model.classes_ = np.array([0, 1, 2], "M8[s]")
    with pytest.raises(ValueError, match="Classes of type datetime64"):
        to_nir(model, resistance="tau/dt")


def test_the_report_prints_as_a_table_and_is_looked_up_by_name():
    report = nir_compatibility(fitted(), resistance="tau/dt")
    names = [backend.name for backend in report]
    assert names[:3] == ["snnTorch", "SpikingJelly", "norse"]
    assert names[3:] == ["Rockpool", "spyx", "Nengo", "sinabs", "Lava"]
    assert len(report) == 8
    assert [backend.tested for backend in report] == [True] * 3 + [False] * 5
    lines = repr(report).splitlines()
    assert lines[0] == "NIRCompatibility, dt=0.0001, resistance='tau/dt'"
    assert max(map(len, lines)) <= 88
    starts = [line.split()[:2] for line in lines if line[2] != " "][1:]
    assert starts == [[b.name, "exact" if b.exact else "-"] for b in report]
    assert report["NORSE"].reason == "it takes r for 1 where it is tau / dt"
    refused = repr(nir_compatibility(fitted(reset="subtract"))).splitlines()
    assert refused[1].startswith("  none is exact: A spike sets a membrane of NIR")
    assert max(map(len, refused)) <= 88
    text = " ".join(" ".join(refused).split())
    assert text.count("refit with reset='zero'") == 1
    with pytest.raises(KeyError, match="'brian' is none of"):
        report["brian"]


def test_damaged_and_newer_metadata_are_named():
    graph = to_nir(fitted())
    record = json.loads(graph.metadata["sklearn_snn"])
    for text in ("{", "[]", json.dumps(record | {"constants": {"alpha": 1}})):
        graph.metadata["sklearn_snn"] = text
        with pytest.raises(ValueError, match=r"metadata 'sklearn_snn'.*damaged"):
            from_nir(graph)
    graph.metadata["sklearn_snn"] = json.dumps(record | {"format": 2})
    with pytest.raises(ValueError, match=r"format of metadata 2.*update sklearn-snn"):
        from_nir(graph)


def test_nir_missing(monkeypatch):
    model = fitted()
    monkeypatch.setattr("sklearn_snn.nir._layers.find_spec", lambda name: None)
    for call in (lambda: to_nir(model), lambda: from_nir("model.nir")):
        with pytest.raises(ImportError, match=r"pip install 'sklearn-snn\[nir\]'"):
            call()
    assert nir_compatibility(model).exact
