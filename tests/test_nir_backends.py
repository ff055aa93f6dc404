"""Networks in other simulators, through graphs of NIR, and back: spike for spike."""

import re

import nir
import numpy as np
import pytest
from nir_backends import quiet, readers

from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier
from sklearn_snn.neurons import CUBA, LIF
from sklearn_snn.nir import from_nir, nir_compatibility, to_nir

pytestmark = quiet
BACKENDS, torch = readers.BACKENDS, readers.torch
# Membranes of float32 are as near as this to those of float64.
NEAR = 1e-5


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Keep torch from one thread per core, which small layers only wait for."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def assert_same_spikes(record, spikes, is_double):
    """See that spikes are the same, but where float32 has the membrane at threshold."""
    distances = readers.first_differences(record, spikes)
    assert len(distances) <= (0 if is_double else 3)
    assert max(distances, default=0) < NEAR
    for a in record.spikes:
        assert 0.002 < a.mean() < 0.9


def as_double(model):
    """Make a network compute in float64."""
    for arrays in (model.coefs_, model.intercepts_, model.recurrent_coefs_):
        arrays[:] = [a.astype(np.float64) for a in arrays]
    return model


@pytest.mark.parametrize(
    ("sizes", "recurrent"),
    [((50,), False), ((40, 30), False), ((40, 30, 30), False), ((40,), True)],
)
def test_trained_networks_make_the_same_spikes_everywhere(
    sizes, recurrent, mnist, tmp_path
):
    X_train, y_train, X_test, _ = mnist
    encoder = PoissonSpikeEncoder(n_steps=100, random_state=0).fit(X_train[:400])
    model = SpikingClassifier(
        sizes,
        reset="zero",
        recurrent=recurrent,
        max_iter=3,
        learning_rate_init=0.01,
        engine="numpy",
        random_state=0,
    ).fit(encoder.transform(X_train[:400]), y_train[:400])
    X = np.asarray(encoder.transform(X_test[:200]))
    as_double(model)
    for has_bias in (True, False):
        if not has_bias:
            model.intercepts_ = [np.zeros_like(b) for b in model.intercepts_]
        to_nir(model, tmp_path / "network.nir")
        graph = nir.read(tmp_path / "network.nir")
        assert type(graph.nodes["layer1_fc"]) is (
            nir.Affine if has_bias else nir.Linear
        )
        record, same = model.simulate(X, inputs=False), from_nir(graph)
        np.testing.assert_array_equal(same.predict_proba(X), model.predict_proba(X))
        for backend in BACKENDS:
            spikes = readers.spikes_in(backend, graph, X)
            assert_same_spikes(record, spikes, backend == "SpikingJelly")


def make_network(sizes=(12, 9), n_steps=40, **params):
    """Return a network of float64 with random weights, and spikes that go into it."""
    rng = np.random.default_rng(0)
    X = (rng.random((30, n_steps, 16)) < 0.2).astype(np.uint8)
    model = SpikingClassifier(
        sizes, reset="zero", max_iter=1, engine="numpy", random_state=0, **params
    ).fit(X, np.arange(30) % 3)
    as_double(model)
    for index, (w, constants) in enumerate(
        zip(model.coefs_, model.neuron_constants_, strict=True)
    ):
        size = 0.4
        gains = not getattr(model.network_.layers[index].neuron, "has_unit_gain", False)
        size = size / (1 - constants["alpha"]) if gains else size
        w[...] = rng.normal(0.15, 1, w.shape) * size
        model.intercepts_[index] = rng.normal(0, 0.1, w.shape[1]) * size
    for w in model.recurrent_coefs_:
        w[...] = rng.normal(0, 0.3, w.shape)
    return model, X


NETWORKS = {
    "plain": {},
    "without leak": {"alpha": 1.0},
    "without memory": {"alpha": 0.0},
    "recurrent": {"recurrent": True},
    "thresholds": {"neuron": LIF(threshold=(0.4, 0.9))},
    "leaks": {"neuron": LIF(alpha=(0.5, 0.95))},
    "cuba": {"neuron": "cuba"},
    "cuba, leaks": {"neuron": CUBA(alpha=(0.5, 0.9), alpha_syn=(0.3, 0.8))},
    "cuba, recurrent": {"neuron": "cuba", "recurrent": True},
    "no hidden layer": {"sizes": ()},
    "membranes": {"readout": "membrane_mean"},
    "of a millisecond": {"dt": 1e-3},
}
MEMBRANES = (ValueError, "Unknown node type <class 'nir.ir.neuron.LI'>")
# What a backend makes of a network that it cannot run: an error, or other spikes.
OTHERWISE = {
    ("plain", "tau/dt", "norse"): "other spikes",
    ("without memory", "auto", "SpikingJelly"): (ValueError, "be finite and greater"),
    ("leaks", "auto", "snnTorch"): "other spikes",
    ("leaks", "auto", "SpikingJelly"): (ValueError, "tau must be uniform"),
    ("leaks", "tau/dt", "SpikingJelly"): (ValueError, "tau must be uniform"),
    ("leaks", "tau/dt", "norse"): "other spikes",
    ("cuba", "one", "snnTorch"): (AssertionError, "r not supported in CubaLIF"),
    ("cuba", "one", "SpikingJelly"): (ValueError, "r must equal tau_mem / dt"),
    ("cuba, leaks", "auto", "SpikingJelly"): (ValueError, "tau_syn must be uniform"),
    ("membranes", "auto", "snnTorch"): MEMBRANES,
    ("membranes", "auto", "SpikingJelly"): MEMBRANES,
    # Its outputs are the currents into the integrators, which it leaves out.
    ("membranes", "auto", "norse"): "no membranes",
    ("of a millisecond", "auto", "snnTorch"): "other spikes",
}
RESISTANCES = {"plain": ["tau/dt"], "leaks": ["tau/dt"], "cuba": ["one"]}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_report_says_what_each_backend_does(name):
    params = dict(NETWORKS[name])
    dt = params.pop("dt", 1e-4)
    model, X = make_network(**params)
    record = model.simulate(X)
    for resistance in ("auto", *RESISTANCES.get(name, [])):
        graph = to_nir(model, dt=dt, resistance=resistance)
        report = nir_compatibility(model, dt=dt, resistance=resistance)
        for backend in BACKENDS:
            otherwise = OTHERWISE.get((name, resistance, backend))
            assert report[backend].exact == (otherwise is None)
            if otherwise is None or otherwise == "other spikes":
                spikes = readers.spikes_in(backend, graph, X, dt)
            if otherwise is None:
                assert_same_spikes(record, spikes, backend == "SpikingJelly")
            elif otherwise == "other spikes":
                assert len(readers.first_differences(record, spikes)) > 20
            elif otherwise == "no membranes":
                hidden = readers.spikes_in(backend, graph, X)
                current = hidden[-1] @ model.coefs_[-1] + model.intercepts_[-1]
                outputs = readers.outputs_in(backend, graph, X)
                np.testing.assert_allclose(outputs, current, atol=1e-4)
            else:
                error, message = otherwise
                with pytest.raises(error, match=re.escape(message)):
                    readers.spikes_in(backend, graph, X)


# Weights in whole 64ths, of which all sums are exact in float32.
def set_weights(module, rng):
    """Give all weights and biases in a module values of which sums are exact."""
    for name, p in module.named_parameters():
        if name.endswith(("weight", "bias")):
            low = -0.1 if name.endswith("bias") else -0.4
            values = np.round(64 * rng.uniform(low, 0.6, p.shape)) / 64
            p.data = torch.tensor(values, dtype=torch.float32)


def step_by_step(module, X, keep):
    """Return the spikes of the modules of some types in a foreign network."""
    spikes = {m: [] for m in module if isinstance(m, keep)}
    with torch.no_grad():
        for t in range(X.shape[1]):
            x = torch.from_numpy(X[:, t]).float()
            for m in module:
                x = m(x)
                x = x[0] if isinstance(x, tuple) else x
                if m in spikes:
                    spikes[m].append(x.numpy() != 0)
    return [np.stack(steps, axis=1) for steps in spikes.values()]


def of_snntorch(name):
    """Return a network of snnTorch and its graph."""
    import snntorch as snn
    from snntorch.export_nir import export_to_nir

    def constants(n, **more):
        each = {"beta": torch.full((n,), 0.9), "threshold": torch.full((n,), 1.003)}
        return {**each, "init_hidden": True, "reset_mechanism": "zero", **more}

    # Else these lose the input of the step after a spike, too.
    now = {"reset_delay": False}
    hidden, last = {
        "Leaky": lambda: (
            snn.Leaky(**constants(6)),
            snn.Leaky(**constants(3), output=True),
        ),
        "RLeaky": lambda: (
            snn.RLeaky(**constants(6), **now, linear_features=6),
            snn.RLeaky(**constants(3), **now, linear_features=3, output=True),
        ),
        "Synaptic": lambda: (
            snn.Synaptic(torch.full((6,), 0.5), **constants(6), **now),
            snn.Synaptic(torch.full((3,), 0.5), **constants(3), **now, output=True),
        ),
    }[name]()
    first, second = torch.nn.Linear(8, 6), torch.nn.Linear(6, 3, bias=False)
    module = torch.nn.Sequential(first, hidden, second, last)
    set_weights(module, np.random.default_rng(1))
    graph = export_to_nir(module, torch.rand(8))
    for m in (hidden, last):
        m.reset_mem()
    return module, graph, (type(hidden),)


def of_spikingjelly(name):
    """Return a network of SpikingJelly and its graph."""
    from spikingjelly.activation_based import layer, neuron
    from spikingjelly.activation_based.nir_exchange import export_to_nir

    common = {"v_threshold": 1.003}
    make = {
        "LIFNode": lambda: neuron.LIFNode(tau=4.0, decay_input=False, **common),
        "LIFNode, decayed": lambda: neuron.LIFNode(tau=2.0, v_threshold=0.5003),
        "LIFNode, shifted": lambda: neuron.LIFNode(
            tau=2.0, v_reset=-0.25, v_threshold=0.2503
        ),
        "IFNode": lambda: neuron.IFNode(**common),
        "CUBALIFNode": lambda: neuron.CUBALIFNode(c_decay=0.5, v_decay=0.75, **common),
    }[name]
    module = torch.nn.Sequential(
        layer.Flatten(),
        layer.Linear(8, 6),
        make(),
        layer.Linear(6, 3, bias=False),
        make(),
    )
    set_weights(module, np.random.default_rng(1))
    return module, export_to_nir(module, torch.rand(1, 8)), (type(module[-1]),)


@pytest.mark.parametrize(
    ("make", "name"),
    [(of_snntorch, name) for name in ("Leaky", "RLeaky", "Synaptic")]
    + [
        (of_spikingjelly, name)
        for name in (
            "LIFNode",
            "LIFNode, decayed",
            "LIFNode, shifted",
            "IFNode",
            "CUBALIFNode",
        )
    ],
)
def test_graphs_of_others_make_the_same_spikes_here(make, name, tmp_path):
    module, graph, kinds = make(name)
    nir.write(tmp_path / "theirs.nir", graph)
    X = (np.random.default_rng(0).random((40, 60, 8)) < 0.3).astype(np.uint8)
    theirs = step_by_step(module, X, kinds)
    for source in (graph, tmp_path / "theirs.nir"):
        model = from_nir(source, classes=["a", "b", "c"])
        record = model.simulate(X)
        for ours, spikes in zip(record.spikes, theirs, strict=False):
            assert 0.02 < spikes.mean() < 0.9
            np.testing.assert_array_equal(ours, spikes)
        # Neurons that output neurons here are not are repeated by some that are.
        repeats = name in ("RLeaky", "Synaptic", "CUBALIFNode")
        assert len(record.spikes) == len(theirs) + repeats
        np.testing.assert_array_equal(record.spikes[-1], theirs[-1])
        assert set(model.predict(X)) <= {"a", "b", "c"}
