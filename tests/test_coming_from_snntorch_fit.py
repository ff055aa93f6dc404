"""The rows on data and training in "From snnTorch" of the page, each executed."""

import inspect
import math
import tempfile
from pathlib import Path

import joblib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from correspondence import DATA, PAGE, Rows, arguments
from helpers import fast
from pages import code_blocks, literals
from sklearn.exceptions import ConvergenceWarning
from torch_correspondence import make_task, torch

import sklearn_snn
from sklearn_snn import (
    DeltaSpikeEncoder,
    LatencySpikeEncoder,
    PoissonSpikeEncoder,
    SpikingClassifier,
    load_model,
)
from sklearn_snn.inspection import MembraneDisplay, SpikeRasterDisplay

snn = pytest.importorskip("snntorch")
SF = pytest.importorskip("snntorch.functional")
splt = pytest.importorskip("snntorch.spikeplot")
spikegen = pytest.importorskip("snntorch.spikegen")
utils = pytest.importorskip("snntorch.utils")

rows = Rows("Data and training")
pytestmark = [
    pytest.mark.usefixtures("engine"),
    pytest.mark.parametrize("engine", ["numpy"], indirect=True),
]


@pytest.mark.parametrize("left", rows.cells)
def test_row(left):
    rows.run(left)


def test_every_test_has_a_row():
    assert list(rows.tests) == list(rows.cells)


def test_blocks_run(capsys):
    """A network that is moved counts the same spikes, and gets back what it gave."""
    there, _, back = code_blocks("coming_from.rst")
    scope = {}
    exec(compile(there, "coming_from.rst", "exec"), scope)
    assert float(capsys.readouterr().out) >= 0.99
    linear, model = scope["linear"], scope["model"]
    before = [p.detach().clone() for layer in linear for p in layer.parameters()]
    for p in (p for layer in linear for p in layer.parameters()):
        p.detach().zero_()  # which is not to reach the weights that were moved
    exec(compile(back, "coming_from.rst", "exec"), scope)
    after = [p.detach() for layer in linear for p in layer.parameters()]
    for a, b in zip(before, after, strict=True):
        assert torch.equal(a, b)
    for array in (*model.coefs_, *model.intercepts_):
        array[:] = 0
    assert all(p.any() for p in after)


def test_training_of_a_moved_network_goes_on_alike():
    """Its settings give snnTorch's gradient of a loss of counts."""
    there = code_blocks("coming_from.rst")[0]
    scope = {}
    exec(compile(there, "coming_from.rst", "exec"), scope)
    X, linear, leaky = scope["X"], scope["linear"], scope["leaky"]
    y = np.arange(100) % 2
    membranes, outputs = [layer.reset_mem() for layer in leaky], []
    for step in torch.from_numpy(X).float().transpose(0, 1):
        for i in range(2):
            step, membranes[i] = leaky[i](linear[i](step), membranes[i])
        outputs.append(step)
    SF.ce_count_loss()(torch.stack(outputs), torch.from_numpy(y)).backward()
    ours = scope["model"].loss_and_gradients(X, y)
    for layer, gradient in zip(linear, ours.coef_grads, strict=True):
        theirs = layer.weight.grad.numpy().T
        np.testing.assert_allclose(gradient, theirs, atol=0.01 * np.abs(theirs).max())


def test_a_moved_network_takes_the_steps_of_torch():
    """Going on with `fit`; the call before it leaves nothing in the optimizer."""
    there, go_on, _ = code_blocks("coming_from.rst")
    scope = {}
    exec(compile(there, "coming_from.rst", "exec"), scope)
    X, linear, leaky = scope["X"], scope["linear"], scope["leaky"]
    assert len(X) <= 128  # a single mini-batch
    with pytest.warns(ConvergenceWarning):
        exec(compile(go_on, "coming_from.rst", "exec"), scope)
    parameters = [p for layer in linear for p in layer.parameters()]
    adam = torch.optim.Adam(parameters, lr=0.002)
    for _ in range(5):
        membranes, counts = [layer.reset_mem() for layer in leaky], 0
        for step in torch.from_numpy(X).float().transpose(0, 1):
            for i in range(2):
                step, membranes[i] = leaky[i](linear[i](step), membranes[i])
            counts = counts + step
        adam.zero_grad()
        loss = torch.nn.functional.cross_entropy(counts, torch.from_numpy(scope["y"]))
        loss.backward()
        adam.step()
    model = scope["model"]
    for layer, coef, intercept in zip(
        linear, model.coefs_, model.intercepts_, strict=True
    ):
        np.testing.assert_allclose(coef, layer.weight.detach().T, atol=1e-5)
        np.testing.assert_allclose(intercept, layer.bias.detach(), atol=1e-5)


@pytest.mark.parametrize("reset", ["zero", "subtract"])
def test_a_threshold_for_each_layer_moves(reset):
    """Divided by it, a layer fires as before; by a power of two, to the bit."""
    task = make_task()
    model = fast(hidden_layer_sizes=(15,), threshold=1.0, reset=reset)
    model.partial_fit(task.X[:1], task.y[:1], classes=[0, 1, 2])
    thresholds = 0.5, 2.0
    for name, arrays in (("coefs_", task.coefs), ("intercepts_", task.intercepts)):
        scaled = [a / t for a, t in zip(arrays, thresholds, strict=True)]
        setattr(model, name, scaled)
    ours = model.simulate(task.X).spikes
    spikes = task.X
    for i, threshold in enumerate(thresholds):
        layer = fast(hidden_layer_sizes=(), threshold=threshold, reset=reset)
        n = len(task.intercepts[i])
        layer.partial_fit(spikes[:1], [0], classes=range(n))
        layer.coefs_, layer.intercepts_ = [task.coefs[i]], [task.intercepts[i]]
        spikes = layer.simulate(spikes).spikes[0]
        assert spikes.any()
        np.testing.assert_array_equal(ours[i], spikes)


def rates(left, right):
    """Both fire at the same rates; ours puts the samples first."""
    X = np.repeat(DATA, 100, axis=1)
    theirs = eval(left[0], {"spikegen": spikegen, "data": torch.tensor(X)})
    encoder = eval(right[0], {"PoissonSpikeEncoder": PoissonSpikeEncoder})
    ours = encoder.set_params(random_state=0).fit_transform(X)
    assert tuple(theirs.shape) == (100, 1, 300)
    assert ours.shape == (1, 100, 300)
    for spikes in (theirs.numpy()[:, 0], np.asarray(ours)[0]):
        by_value = spikes.mean(0).reshape(3, 100).mean(1)
        np.testing.assert_allclose(by_value, encoder.max_rate * DATA[0], atol=0.03)
        assert by_value[0] == 0
    # By default the range of the data is learned: 0.25 of it is the highest here.
    learned = PoissonSpikeEncoder(100, random_state=0).fit_transform(DATA[:, :2])
    assert np.asarray(learned)[0].mean(0).tolist() == [0, 1]


rows("``spikegen.rate(data, num_steps=100)``")(rates)
rows("``spikegen.rate(data, num_steps=100, gain=0.5)``")(rates)


@rows("``spikegen.rate(data, time_var_input=True)``")
def _(left, right):
    X = np.tile(DATA, (400, 20, 1))
    data = torch.tensor(X).transpose(0, 1)
    theirs = eval(left[0], {"spikegen": spikegen, "data": data})
    scope = {"np": np, "X": X}
    scope["rng"] = eval(right[1].removeprefix("rng = "), scope)
    ours = eval(right[0], scope)
    for spikes in (theirs.transpose(0, 1).numpy(), ours):
        assert spikes.shape == X.shape
        np.testing.assert_allclose(spikes.mean((0, 1)), DATA[0], atol=0.03)
    assert fast().fit(X[:6], [0, 1] * 3).n_features_in_ == 3  # graded, as it is


@rows("``spikegen.latency(data, num_steps=20, normalize=True, linear=True)``")
def _(left, right):
    X = np.linspace(0, 1, 101)[np.newaxis]
    theirs = eval(left[0], {"spikegen": spikegen, "data": torch.tensor(X)})
    theirs = theirs.transpose(0, 1).numpy().astype("uint8")
    ours = eval(right[0], {"LatencySpikeEncoder": LatencySpikeEncoder}).fit_transform(X)
    assert ours.shape == theirs.shape == (1, 20, 101)
    assert theirs[0, :, 0].tolist() == [0] * 19 + [1]
    assert not ours[0, :, 0].any()
    for spikes in (ours, theirs):
        assert (spikes[0, :, 1:].sum(axis=0) == 1).all()  # when, not how often
    np.testing.assert_array_equal(ours[0, :, 1:], theirs[0, :, 1:])


@rows("``spikegen.delta(data, threshold=0.5, padding=True, off_spike=True)``")
def _(left, right):
    X = np.array([0.0, 0.75, 0.75, 0.25, 0.5, 0.75, 1.0])[np.newaxis, :, np.newaxis]
    data = torch.tensor(X).transpose(0, 1)
    theirs = eval(left[0], {"spikegen": spikegen, "data": data}).flatten().tolist()
    ours = eval(right[0], {"DeltaSpikeEncoder": DeltaSpikeEncoder}).fit_transform(X)[0]
    on, off = ours.astype(int).T
    assert theirs == [0, 1, 0, -1, 0, 0, 0]
    assert (on - off).tolist() == [0, 1, 0, 0, 0, 0, 1]
    ours = eval(right[0], {"DeltaSpikeEncoder": DeltaSpikeEncoder}).fit_transform(-X)
    np.testing.assert_array_equal(ours[0].T, [off, on])


@rows("tensor ``(num_steps, batch, features)``")
def _(left, right):
    spikes = spikegen.rate(torch.rand(6, 3), num_steps=10)
    names = {"num_steps": 10, "batch": 6, "features": 3}
    assert tuple(spikes.shape) == eval(left[0], names)
    X = eval(right[1], {"spikes": spikes})
    ours = {"n_samples": 6, "n_steps": 10, "n_features": 3}
    assert X.shape == eval(right[0], ours)
    assert X.dtype == np.uint8
    np.testing.assert_array_equal(X[4, 7], spikes[7, 4])
    graded = torch.rand(10, 6, 3)
    X = eval(right[2], {"spikes": graded})
    np.testing.assert_array_equal(X[4, 7], graded[7, 4])
    assert fast().fit(X, [0, 1] * 3).n_features_in_ == 3


@rows("``nn.Linear(8, 9)``: ``weight`` is ``(9, 8)``")
def _(left, right):
    fc = eval(left[0], {"nn": torch.nn})
    assert tuple(getattr(fc, left[1]).shape) == eval(left[2])
    model = fast(hidden_layer_sizes=(9,)).fit(np.eye(8), [0, 1] * 4)
    assert eval(right[0], {"coefs_": model.coefs_}).shape == eval(right[1])
    weights = eval(right[2], {"fc": fc})
    assert weights.shape == eval(right[1])
    assert not np.shares_memory(weights, fc.weight.detach().numpy())
    assert getattr(fc, right[3]).shape == model.intercepts_[0].shape
    without = torch.nn.Linear(8, 9, **arguments(right[5]))
    assert getattr(without, right[3]) is None


@rows("``SF.ce_count_loss()``")
def _(left, right):
    task = make_task()
    for params in (arguments(right[0]), {"logit_scale": "auto"}):
        model = SpikingClassifier((15,), max_iter=1, random_state=0, **params).fit(
            task.X, task.y
        )
        model.coefs_, model.intercepts_ = task.coefs, task.intercepts
        spikes = torch.from_numpy(model.simulate(task.X).spikes[-1]).float()
        scale = eval(right[1], {"n_steps": 40})
        scale = params["logit_scale"] if params["logit_scale"] == 1 else scale
        loss_fn = eval(left[0], {"SF": SF})
        theirs = loss_fn(scale * spikes.transpose(0, 1), torch.from_numpy(task.y))
        ours = model.loss_and_gradients(task.X, task.y).loss
        assert math.isclose(float(theirs), ours, rel_tol=1e-5)


@rows("``SF.accuracy_rate(spk_rec, targets)``")
def _(left, _):
    X = np.random.default_rng(0).random((60, 15, 4))
    y = (X[..., 0].mean(1) > 0.5).astype(int)
    model = fast().fit(X, y)
    spikes = torch.from_numpy(model.simulate(X).spikes[-1]).float().transpose(0, 1)
    scope = {"SF": SF, "spk_rec": spikes, "targets": torch.from_numpy(y)}
    assert math.isclose(eval(left[0], scope), model.score(X, y))
    assert model.score(X, y) > 0


@rows("``spk_rec``, ``mem_rec`` of a loop of your own")
def _(_, right):
    task = make_task()
    model = fast(hidden_layer_sizes=(15,)).fit(task.X, task.y)
    for text in right:
        record = eval(text, {"simulate": model.simulate, "X": task.X})
        assert [r.shape for r in record] == [(12, 40, 15), (12, 40, 3)]


@rows("``utils.reset(net)``, ``net.lif.reset_mem()``")
def _(left, _):
    net = torch.nn.Module()
    net.lif = snn.Leaky(beta=0.9, init_hidden=True)
    x = torch.full((2, 1), 0.7)
    fires = [float(net.lif(x)[0]) for _ in range(2)]
    assert fires == [0, 1]  # it remembers
    for text in left:
        eval(text, {"utils": utils, "net": net})
        assert float(net.lif(x)[0]) == 0
    X, y = np.eye(6), np.arange(6) % 2
    model = fast().fit(X, y)
    np.testing.assert_array_equal(model.predict_proba(X), model.predict_proba(X))


@rows("``loss.backward()``, ``optimizer.step()``")
def _(_, right):
    """See that a call of partial_fit with one mini-batch is one step."""
    X, y = np.eye(6), np.arange(6) % 2
    model = fast(max_iter=1, batch_size=6)
    getattr(model, right[1])(X, y, classes=[0, 1])
    assert model.t_ == 6
    assert getattr(fast(max_iter=2), right[0])(X, y).t_ == 12
    gradient = eval(
        right[2], {"loss_and_gradients": model.loss_and_gradients, "X": X, "y": y}
    )
    assert [g.shape for g in gradient.coef_grads] == [w.shape for w in model.coefs_]


@rows("``torch.manual_seed(0)``")
def _(_, right):
    params = arguments(right[0])
    encoder = PoissonSpikeEncoder(10, **params)
    X, y = np.random.default_rng(0).random((9, 4)), np.arange(9) % 3
    one, other = (
        fast(**params).fit(encoder.fit_transform(X), y).coefs_[0] for _ in range(2)
    )
    np.testing.assert_array_equal(one, other)


@rows("``torch.save(net.state_dict(), path)``")
def _(left, right):
    X, y = np.eye(6), np.arange(6) % 2
    model, net = fast().fit(X, y), torch.nn.Linear(2, 2)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model"
        eval(left[0], {"torch": torch, "net": net, "path": path})
        assert torch.load(path).keys() == {"weight", "bias"}
        eval(right[0], {"joblib": joblib, "model": model, "path": path})
        loaded = load_model(path)
    np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))


def displayed(left, display):
    """Draw with both; return our display."""
    X, y = np.eye(6), np.arange(6) % 2
    model = fast(threshold=0.2).fit(X, y)
    record = model.simulate(X)
    _, ax = plt.subplots()
    scope = {"splt": splt, "ax": ax}
    scope["spk_rec"] = torch.from_numpy(record.spikes[0][0])
    scope["mem_rec"] = torch.from_numpy(record.membranes[0][0, :, :9])
    eval(left[0], scope)
    ours = display.from_estimator(model, X, sample=0)
    plt.close("all")
    return ours


@rows("``splt.raster(spk_rec, ax)``")
def _(left, right):
    assert displayed(left, SpikeRasterDisplay).figure_ is not None
    assert not right


@rows("``splt.traces(mem_rec)``")
def _(left, right):
    assert displayed(left, MembraneDisplay).figure_ is not None
    assert not right


def test_what_has_no_counterpart():
    """What is said to be missing is there in snnTorch, and not here."""
    text = PAGE.partition("What has no counterpart")[2].partition("From Spiking")[0]
    ours = {*SpikingClassifier().get_params(), *dir(sklearn_snn)}
    sources = {p.stem: p.read_text() for p in Path(snn.__path__[0]).glob("*.py")}
    for name in literals(text):
        module, _, attribute = name.rpartition(".")
        if module in ("snn", "SF"):
            assert hasattr({"snn": snn, "SF": SF}[module], attribute), name
        elif name not in inspect.signature(snn.Leaky).parameters:
            # Importing these warns, or needs another package.
            source = sources[module or name.replace("_to", "")]
            assert f"def {attribute}(" in source, name
        assert attribute not in ours
