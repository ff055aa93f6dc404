"""Graphs of NIR by other programs: against its equations, and what is refused."""

import pickle

import nir
import numpy as np
import pytest
from nir_graphs import (
    DT,
    chain,
    cuba,
    integrated,
    lif,
    loop,
    numbers,
    plain,
    rng,
    weights,
)
from sklearn.base import clone

from sklearn_snn import SpikingClassifier, SpikingRegressor
from sklearn_snn.inspection import TrainingDisplay, WeightDisplay
from sklearn_snn.nir import from_nir, to_nir
from sklearn_snn.quantization import quantize

pytestmark = [
    pytest.mark.usefixtures("engine", "seeded"),
    pytest.mark.parametrize("engine", ["numpy"], indirect=True),
]
X = (rng.random((20, 30, 6)) < 0.4).astype(np.float64)


@pytest.fixture
def seeded():
    """Let the numbers of a test not depend on which others were before."""
    rng.bit_generator.state = np.random.default_rng(1).bit_generator.state


ROWS = {
    "leaks": lambda: [weights(6, 4), lif(), weights(4, 3, False), lif(3)],
    "alike": lambda: [weights(6, 3), plain(), weights(3, 3), plain(v_threshold=0.5)],
    "currents": lambda: [weights(6, 4), cuba(), weights(4, 3), lif(3)],
    "both": lambda: [
        weights(6, 4),
        cuba(),
        weights(4, 5),
        lif(5),
        weights(5, 3),
        lif(3),
    ],
    "last currents": lambda: [weights(6, 4), lif(), weights(4, 3), cuba(3)],
    "no leak": lambda: [
        weights(6, 4),
        nir.IF(
            r=numbers(2e3, 9e3, 4), v_threshold=np.ones(4), v_reset=np.full(4, -0.2)
        ),
        weights(4, 3),
        nir.IF(r=np.full(3, 1 / DT), v_threshold=np.full(3, 0.7)),
    ],
    "recurrent": lambda: [
        weights(6, 4),
        loop(lif(), weights(4, 4)),
        weights(4, 5),
        lif(5),
        weights(5, 3),
        loop(lif(3), weights(3, 3, False)),
    ],
    "no weights": lambda: [lif(6), weights(6, 3), lif(3)],
}


def assert_spikes(model, expected, X=X):
    record = model.simulate(X)
    for ours, theirs in zip(record.spikes, expected, strict=False):
        assert 0.005 < theirs.mean() < 0.95
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(record.spikes[-1], expected[-1])
    return record


@pytest.mark.parametrize("name", ROWS)
def test_spikes_are_those_of_the_equations(name):
    nodes = ROWS[name]()
    model = from_nir(chain(*nodes))
    record = assert_spikes(model, integrated(nodes, X))
    is_repeated = name in ("last currents", "recurrent")
    n_neurons = sum(not isinstance(n, nir.Linear | nir.Affine) for n in nodes)
    assert len(record.spikes) == n_neurons + is_repeated
    assert isinstance(model, SpikingClassifier)
    assert (model.n_iter_, model.n_features_in_) == (0, 6)
    np.testing.assert_array_equal(model.classes_, [0, 1, 2])
    # It goes on learning from there, and is written as it is read.
    again = from_nir(to_nir(model))
    np.testing.assert_array_equal(again.predict_proba(X), model.predict_proba(X))
    before = [{k: a.copy() for k, a in p.items()} for p in model.neuron_constants_]
    model.set_params(learning_rate_init=1e-12, engine="numpy")
    model.partial_fit(X, np.arange(20) % 3)
    for old, new in zip(before, model.neuron_constants_, strict=True):
        for k in old:
            np.testing.assert_allclose(old[k], new[k], atol=1e-9)


def test_what_was_not_trained_here_has_no_epochs_to_show():
    model = from_nir(chain(*ROWS["leaks"]()))
    with pytest.raises(ValueError, match=r"weights of this .* were made elsewhere"):
        TrainingDisplay.from_estimator(model)
    model.set_params(warm_start=True, max_iter=2).fit(X, np.arange(20) % 3)
    assert len(TrainingDisplay.from_estimator(model).loss) == 2


def exactly(tau, dt):
    return np.exp(-dt / tau)


def test_steps_of_another_length_or_law():
    nodes = ROWS["both"]()
    for dt, metadata, given in ((5e-5, {}, 5e-5), (5e-5, {"dt": 5e-5}, None)):
        expected = integrated(nodes, X, dt)
        assert_spikes(from_nir(chain(*nodes, **metadata), dt=given), expected)
    model = from_nir(chain(*nodes, dt=1e-3), dt=DT, discretization="exp")
    assert_spikes(model, integrated(nodes, X, DT, exactly))
    for bad in (-1.0, "soon", np.nan):
        with pytest.raises(ValueError, match="no positive number: pass dt"):
            from_nir(chain(*nodes, dt=bad))


def test_numbers_of_no_dimension_are_those_of_all_neurons(tmp_path):
    nodes = ROWS["alike"]()
    expected = integrated(nodes, X)
    for node in (nodes[1], nodes[3]):
        for name in ("tau", "r", "v_leak", "v_threshold", "v_reset"):
            setattr(node, name, getattr(node, name)[0])
    nir.write(tmp_path / "graph.nir", chain(*nodes))
    for graph in (chain(*nodes), str(tmp_path / "graph.nir")):
        assert_spikes(from_nir(graph), expected)


def test_a_gain_of_one_in_single_precision_leaves_weights_as_they_are():
    first, neurons = weights(6, 3), plain()
    first.weight, first.bias = np.float32(first.weight), np.float32(first.bias)
    gains = []
    for alpha in np.linspace(0.05, 0.99, 50, dtype=np.float32):
        neurons.tau = np.full(3, np.float32(DT) / (1 - alpha))
        neurons.r = neurons.tau / np.float32(DT)
        gains.append(float(neurons.r[0]) * DT / float(neurons.tau[0]))
        model = from_nir(chain(first, neurons))
        np.testing.assert_array_equal(model.coefs_[0], first.weight.T)
        np.testing.assert_array_equal(model.intercepts_[0], first.bias)
    assert 1e-8 < np.abs(np.array(gains) - 1).max() < 1e-6


def test_a_reset_that_old_files_do_not_have_is_zero():
    nodes = ROWS["alike"]()
    expected = integrated(nodes, X)
    nodes[1].v_reset = None
    assert_spikes(from_nir(chain(*nodes)), expected)


def test_weights_in_a_row_images_and_loops_without_a_graph_of_their_own():
    first, second = weights(6, 4), weights(4, 3)
    scale = nir.Scale(numbers(0.5, 2, 4))
    neurons = lif(3)
    image = nir.Flatten({"input": np.array([2, 3])}, start_dim=0, end_dim=-1)
    graph = chain(image, first, scale, second, neurons, n_inputs=6)
    x = X @ (scale.scale[:, np.newaxis] * first.weight).T + first.bias * scale.scale
    expected = integrated([second, neurons], x)
    assert_spikes(from_nir(graph), expected)
    around = weights(3, 3)
    graph.nodes["around"] = around
    graph.edges += [("n4", "around"), ("around", "n4")]
    assert_spikes(from_nir(graph), integrated([second, loop(neurons, around)], x))


def test_membranes_and_currents_are_read_out():
    li = nir.LI(tau=numbers(2, 9, 3) * DT, r=numbers(1, 3, 3), v_leak=np.zeros(3))
    nodes = [weights(6, 4), lif(), weights(4, 3), li]
    model = from_nir(chain(*nodes))
    assert model.readout == "membrane_mean"
    membranes = integrated(nodes, X)[-1]
    logits = model.decision_function(X)
    np.testing.assert_allclose(logits, membranes.mean(axis=1), rtol=1e-9)
    last = SpikingRegressor(readout="membrane_last")
    model = from_nir(chain(*nodes), estimator=last)
    np.testing.assert_allclose(model.predict(X), membranes[:, -1], rtol=1e-9)
    assert not hasattr(last, "coefs_")
    model = from_nir(chain(*nodes[:-1]))
    currents = integrated(nodes[:2], X)[-1] @ nodes[2].weight.T + nodes[2].bias
    logits = model.decision_function(X)
    np.testing.assert_allclose(logits, currents.mean(axis=1), rtol=1e-9)


def test_what_the_graph_does_not_tell_is_taken_from_arguments():
    nodes = ROWS["alike"]()
    graph = chain(*nodes)
    template = SpikingClassifier(
        (9, 9, 9), alpha=0.1, logit_scale=2.0, reset="subtract", neuron="adlif"
    )
    model = from_nir(graph, classes=["c", "a", "b"], n_steps=30, estimator=template)
    assert (model.alpha, model.neuron.threshold, model.threshold) == (0.9, 1.0, 0.5)
    assert (model.reset_, model.hidden_layer_sizes) == ("zero", (3,))
    table = rng.normal(size=(20, 6))
    steady = np.repeat(table[:, np.newaxis], 30, axis=1)
    spikes = integrated(nodes, steady)[-1]
    # In the order of the labels.
    np.testing.assert_array_equal(model.classes_, ["a", "b", "c"])
    record = model.simulate(table)
    np.testing.assert_array_equal(record.spikes[-1], spikes[..., [1, 2, 0]])
    counts = spikes.sum(axis=1)[:, [1, 2, 0]]
    assert (np.abs(model.decision_function(table) - 2 * counts) <= 1).all()


def other_fields(**fields):
    """Return a graph with such a field in one of its neurons."""
    nodes = ROWS["alike"]()
    for name, value in fields.items():
        getattr(nodes[1], name)[1] = value
    return chain(*nodes)


def other_edges(*edges, without=(), **nodes):
    graph = chain(*ROWS["alike"]())
    graph.nodes |= nodes
    graph.edges = [e for e in graph.edges if e not in without] + [*edges]
    return graph


CONV = nir.Conv1d(6, np.ones((2, 1, 3)), 1, 0, 1, 1, np.zeros(2))
STEADY = nir.LI(np.full(3, 1e-3), np.ones(3), np.ones(3))
REFUSED = {
    "'n0' of this graph is a nir.Conv1d": lambda: chain(CONV),
    "nothing in this graph": lambda: chain(),
    "v_leak other than its v_reset": lambda: other_fields(v_leak=0.5),
    "not above its v_reset": lambda: other_fields(v_threshold=0.0),
    "is not positive, or below the step": lambda: other_fields(tau=5e-5),
    "is not positive, or below": lambda: other_fields(tau=-1.0),
    "tau of 3 numbers, not one finite": lambda: other_fields(tau=np.nan),
    "do not leak": lambda: chain(
        weights(6, 3), nir.IF(np.full(3, 1e4), np.ones(3)), weights(3, 3), lif(3)
    ),
    "nir.LI before the last": lambda: chain(
        weights(6, 3), STEADY, weights(3, 3), plain()
    ),
    "v_leak other than 0": lambda: chain(weights(6, 3), STEADY),
    "'input' of this graph leads to": lambda: other_edges(("n3", "n0")),
    "'n0' of this graph leads to": lambda: other_edges(("n0", "n3")),
    "'n2' of this graph leads to": lambda: other_edges(without=[("n2", "n3")]),
    r"\['idle'\] of this graph are not on the way": lambda: other_edges(idle=plain()),
    "to 'nowhere', of which one is no node": lambda: other_edges(("n3", "nowhere")),
    "has 2 nodes that are a nir.Input": lambda: other_edges(
        more=nir.Input({"input": np.array([6])})
    ),
    "through 2 weights": lambda: other_edges(
        *[("n1", "a"), ("a", "n1"), ("n1", "b"), ("b", "n1")],
        a=weights(3, 3),
        b=weights(3, 3),
    ),
    r"shape \(2, 3\) around 3 neurons": lambda: other_edges(
        *[("n1", "a"), ("a", "n1")], a=weights(3, 2)
    ),
    "flattens what comes of others": lambda: chain(
        weights(6, 3),
        plain(),
        nir.Flatten({"input": np.array([3])}, start_dim=0, end_dim=-1),
    ),
    "of 3 neurons in this graph is followed by weights for 4": lambda: chain(
        weights(6, 3), plain(), weights(4, 3), plain()
    ),
    "do not fit what comes before": lambda: chain(weights(6, 3), weights(4, 3)),
    "too few for classes": lambda: chain(weights(6, 1), plain(1)),
    "are not finite where": lambda: chain(
        nir.Linear(np.full((3, 6), 1e308)), plain(r=1e4)
    ),
}


@pytest.mark.parametrize("message", REFUSED)
def test_graphs_that_are_refused(message):
    with pytest.raises(ValueError, match=message):
        from_nir(REFUSED[message]())


def test_arguments_and_files_that_are_refused(tmp_path):
    graph = chain(*ROWS["alike"]())
    for params, message in (
        ({"classes": ["a", "b"]}, "classes must be 3 different labels"),
        ({"classes": ["a", "b", "a"]}, "classes must be 3 different labels"),
        (
            {"classes": [1, 2, 3], "estimator": SpikingRegressor()},
            "classes are of a classifier",
        ),
        (
            {"estimator": SpikingClassifier(readout="membrane_max")},
            "fire, which readout='membrane_max'",
        ),
        ({"estimator": SpikingClassifier(per_step=True)}, "fire, which readout='mem"),
        ({"dt": 0}, "dt"),
        ({"discretization": "midpoint"}, "discretization"),
    ):
        with pytest.raises(ValueError, match=message):
            from_nir(graph, **params)
    with pytest.raises(TypeError, match=r"must be a nir\.NIRGraph or the name of a f"):
        from_nir([1])
    with pytest.raises(FileNotFoundError):
        from_nir(tmp_path / "nothing.nir")
    (tmp_path / "text.nir").write_text("text")
    with pytest.raises(ValueError, match=r"text\.nir is no file of NIR, is damaged"):
        from_nir(tmp_path / "text.nir")


def test_what_is_not_known_of_a_graph_is_not_made_up(tmp_path):
    """Its first weights are shown by nobody, and its range of inputs can be given."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(60, 6))
    graph = chain(weights(6, 5), plain(5), weights(5, 3), plain(3))
    model = from_nir(graph, n_steps=10)
    again = from_nir(to_nir(model))
    for one in (model, again, pickle.loads(pickle.dumps(model))):
        assert one._initial_coefs() is None
        assert WeightDisplay.from_estimator(one).initial_coefs is None
    trained = clone(model).set_params(max_iter=1, engine="numpy")
    assert trained.fit(X, np.arange(60) % 3)._initial_coefs() is not None
    with pytest.raises(ValueError, match="as of networks of other programs"):
        quantize(model)
    given = quantize(model, X=X)
    assert (given.predict(X) == model.predict(X)).mean() > 0.9
    assert quantize(model, input_bits=1).predict(np.sign(X) > 0).shape == (60,)
