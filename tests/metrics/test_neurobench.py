"""Counts beside those of NeuroBench's harness, which runs the same network in snnTorch.

Weights, leaks and inputs are such that all sums are exact: the spikes are the same.
"""

from typing import NamedTuple

import numpy as np
import pytest
from helpers import fast
from sklearn.datasets import load_iris
from sklearn.neural_network import MLPClassifier

from sklearn_snn.metrics import operation_report

torch = pytest.importorskip("torch")
snn = pytest.importorskip("snntorch")
benchmarks = pytest.importorskip("neurobench.benchmarks")
static = pytest.importorskip("neurobench.metrics.static")
workload = pytest.importorskip("neurobench.metrics.workload")
models = pytest.importorskip("neurobench.models")

N_SAMPLES, N_STEPS, N_INPUTS, N_CLASSES = 12, 20, 10, 3
NEURON = {"alpha": 0.75, "threshold": 0.5}
METRICS = [
    [static.ConnectionSparsity, static.Footprint],
    [
        workload.SynapticOperations,
        workload.ActivationSparsity,
        workload.MembraneUpdates,
    ],
]


class Case(NamedTuple):
    """A fitted network of ours, and its input."""

    model: object
    X: np.ndarray

    @property
    def report(self):
        """The report on it."""
        return operation_report(self.model, self.X)

    def layers_of_torch(self, reset="zero", last_fires=True):
        """Return the modules of the same network, with snnTorch's neurons."""
        n_layers, modules = len(self.model.coefs_), []
        recurrent = [*self.model.recurrent_coefs_, *[None] * n_layers]
        layers = zip(self.model.coefs_, self.model.intercepts_, recurrent, strict=False)
        for i, (coef, intercept, own) in enumerate(layers):
            is_last = i == n_layers - 1
            params = {"beta": NEURON["alpha"], "threshold": NEURON["threshold"]}
            params |= {"reset_mechanism": reset, "reset_delay": False}
            if is_last and not last_fires:
                # Our integrator takes in the current times 1 - alpha.
                coef, intercept = (0.25 * array for array in (coef, intercept))
                params |= {"threshold": 1e9, "reset_mechanism": "none"}
            if own is None:
                neuron = snn.Leaky(init_hidden=True, output=is_last, **params)
            else:
                params["linear_features"] = len(own)
                neuron = snn.RLeaky(init_hidden=True, output=is_last, **params)
                neuron.recurrent.weight.data = torch.tensor(own.T)
                neuron.recurrent.bias.data[...] = 0
            modules += [linear(coef, intercept), neuron]
        return modules


def linear(coef, intercept):
    """Return the same weights and biases as a module."""
    module = torch.nn.Linear(*coef.shape)
    module.weight.data = torch.tensor(coef.T)
    module.bias.data = torch.tensor(intercept)
    return module


def make_case(X, hidden=(15, 8), **params):
    """Return a network of whole 64ths, of which a fifth of the weights are 0."""
    rng = np.random.default_rng(0)
    y = np.arange(len(X)) % N_CLASSES
    params = {"max_iter": 1, "engine": "numpy", "n_steps": N_STEPS, **NEURON, **params}
    model = fast(hidden_layer_sizes=hidden, **params).fit(X, y)

    def drawn(array, low, high):
        weights = np.round(64 * rng.uniform(low, high, array.shape)) / 64
        return (weights * (rng.random(array.shape) > 0.2)).astype(array.dtype)

    model.coefs_ = [drawn(w, -0.3, 0.5) for w in model.coefs_]
    model.intercepts_ = [drawn(b, -0.1, 0.2) for b in model.intercepts_]
    model.recurrent_coefs_ = [drawn(w, -0.2, 0.2) for w in model.recurrent_coefs_]
    return Case(model, X)


@pytest.fixture
def spikes(rng):
    return (rng.random((N_SAMPLES, N_STEPS, N_INPUTS)) < 0.2).astype(np.uint8)


def measure(wrapped, X, batch_size=6):
    """Return what NeuroBench's harness measures."""
    X = torch.tensor(X.astype(np.float32))
    data = torch.utils.data.TensorDataset(X, torch.zeros(len(X)))
    loader = torch.utils.data.DataLoader(data, batch_size)
    return benchmarks.Benchmark(wrapped, loader, [], [], METRICS).run(quiet=True)


def measure_modules(modules, X, **kwargs):
    """Return what the harness measures of modules one after the other."""
    return measure(models.SNNTorchModel(torch.nn.Sequential(*modules)), X, **kwargs)


def assert_same_operations(report, theirs):
    ours = {
        "Effective_MACs": report.effective_macs,
        "Effective_ACs": report.effective_acs,
        "Dense": report.dense,
    }
    assert ours == pytest.approx(theirs["SynapticOperations"], rel=1e-12)
    assert report.synaptic_operations > 0
    assert round(report.connection_sparsity, 4) == theirs["ConnectionSparsity"] > 0.1
    updates = theirs["MembraneUpdates"]
    assert report.membrane_updates == pytest.approx(updates, rel=1e-12)


@pytest.mark.parametrize("reset", ["zero", "none"])
def test_layers_that_fire(reset, spikes):
    case = make_case(spikes, reset=reset)
    report, theirs = case.report, measure_modules(case.layers_of_torch(reset), spikes)
    assert_same_operations(report, theirs)
    assert report.effective_macs == 0
    sparsity = theirs["ActivationSparsity"]
    assert report.activation_sparsity == pytest.approx(sparsity, rel=1e-6)
    assert 0.1 < sparsity < 0.95


def test_recurrent_layers(spikes):
    case = make_case(spikes, recurrent=True, reset="none")
    report, theirs = case.report, measure_modules(case.layers_of_torch("none"), spikes)
    assert_same_operations(report, theirs)
    sparsity = theirs["ActivationSparsity"]
    assert report.activation_sparsity == pytest.approx(sparsity, rel=1e-6)
    assert sum(layer.recurrent_acs for layer in report.layers) > 100


def test_graded_input(rng):
    X = np.round(rng.normal(size=(N_SAMPLES, N_STEPS, N_INPUTS)) * 4) / 8
    case = make_case(X.astype(np.float32))
    report, theirs = case.report, measure_modules(case.layers_of_torch(), X)
    assert_same_operations(report, theirs)
    assert report.effective_macs == report.input_operations > 0


def test_steps_of_whole_numbers_in_a_graded_input():
    """They judge each step of a batch: the first one here happens to be 0 and 1."""
    X = np.full((1, N_STEPS, N_INPUTS), 0.5, np.float32)
    X[:, 0] = 1
    case = make_case(np.repeat(X, 6, axis=0))
    report = case.report
    theirs = measure_modules(case.layers_of_torch(), case.X)["SynapticOperations"]
    of_a_step = np.count_nonzero(case.model.coefs_[0])
    assert report.effective_macs == N_STEPS * of_a_step
    assert theirs["Effective_MACs"] == (N_STEPS - 1) * of_a_step
    in_all = theirs["Effective_MACs"] + theirs["Effective_ACs"]
    assert in_all == report.synaptic_operations


def test_outputs_that_never_fire(spikes):
    """They take these for silent neurons; we say that they send nothing."""
    case = make_case(spikes, readout="membrane_mean")
    report = case.report
    theirs = measure_modules(case.layers_of_torch(last_fires=False), spikes)
    assert_same_operations(report, theirs)
    of_hidden = 1 - report.activation_sparsity
    with_outputs = 1 - theirs["ActivationSparsity"]
    n_hidden = 15 + 8
    assert with_outputs * (n_hidden + N_CLASSES) == pytest.approx(of_hidden * n_hidden)


def test_a_constant_current():
    """A loop that multiplies it at each step does so as many times as there are."""
    X = np.round(8 * load_iris(return_X_y=True)[0][:N_SAMPLES]).astype(np.float32) / 8
    case = make_case(X, readout="spike_count")
    report = case.report
    repeated = np.repeat(X[:, np.newaxis], N_STEPS, axis=1)
    theirs = measure_modules(case.layers_of_torch(), repeated)["SynapticOperations"]
    assert theirs["Effective_MACs"] == N_STEPS * report.effective_macs > 0
    assert theirs["Effective_ACs"] == pytest.approx(report.effective_acs)
    again = (N_STEPS - 1) * report.layers[0].dense
    assert theirs["Dense"] == pytest.approx(report.dense + again)


def test_footprint(spikes):
    """They add what snnTorch keeps of a neuron: its reset, graded spikes and such."""
    case = make_case(spikes)
    modules = case.layers_of_torch()
    theirs = measure_modules(modules, spikes)["Footprint"]
    kept = {"beta", "threshold"}  # which stand for alpha and threshold
    more = [
        b.numel() * b.element_size()
        for neuron in modules[1::2]
        for name, b in [*neuron.named_buffers(), *neuron.named_parameters()]
        if name not in kept and name != "mem"  # states, empty before it runs
    ]
    assert theirs - sum(more) == case.report.footprint
    assert case.report.footprint == 4 * (10 * 15 + 15 + 15 * 8 + 8 + 8 * 3 + 3 + 3 * 2)


def test_mlp():
    X, y = load_iris(return_X_y=True)
    mlp = MLPClassifier((9, 7), max_iter=5, random_state=0)
    with pytest.warns(match="Maximum iterations"):
        mlp.fit(X, y)
    for weights in mlp.coefs_:
        weights[::3] = 0
    modules = []
    for coef, intercept in zip(mlp.coefs_, mlp.intercepts_, strict=True):
        modules += [linear(coef.astype(np.float32), intercept.astype(np.float32))]
        modules += [torch.nn.ReLU()]
    wrapped = models.TorchModel(torch.nn.Sequential(*modules[:-1]))
    report, theirs = operation_report(mlp, X), measure(wrapped, X, batch_size=75)
    assert_same_operations(report, theirs)
    sparsity = theirs["ActivationSparsity"]
    assert report.activation_sparsity == pytest.approx(sparsity, rel=1e-6)
    assert report.effective_acs == 0 < sparsity
    # Ours computes in float64, by which its memory is twice as large.
    assert report.footprint == 2 * theirs["Footprint"]
