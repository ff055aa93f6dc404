"""The engines against each other, and what threads, forks and caches do to one."""

import os
import select
import signal
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from networks import (
    arrays_of,
    assert_same_gradients,
    both_engines,
    initial_params,
    lif,
    network_of,
)
from numba import njit
from scipy import sparse
from sklearn.datasets import load_digits
from sklearn.model_selection import cross_val_score

from sklearn_snn import PoissonSpikeEncoder, SpikeTrains, SpikingClassifier
from sklearn_snn import _engines as engines
from sklearn_snn._engines import threads
from sklearn_snn._engines.compiled import crew, packing, ready, running
from sklearn_snn._engines.compiled import engine as engine_numba
from sklearn_snn._engines.compiled.engine import NumbaEngine
from sklearn_snn._engines.compiled.neurons import backward_step
from sklearn_snn._engines.numpy_engine import NumpyEngine
from sklearn_snn._model.neurons.resets import RESETS
from sklearn_snn._model.surrogates import SURROGATES


def kinds_of_input(images, n_steps):
    """Make every kind of input of rates; the mixed one has spikes and other samples."""
    rng = np.random.default_rng(0)
    trains = SpikeTrains(images, n_steps, seed=3)
    spikes = np.asarray(trains)
    graded = spikes * rng.random(images.shape[1])
    mixed = graded.copy()
    mixed[3:7] = spikes[3:7]
    return {
        "trains": trains,
        "spikes": spikes,
        "graded": graded,
        "mixed": mixed,
        "constant": images,
        "sparse": sparse.csr_array(images),
    }


@pytest.mark.parametrize("kind", ["trains", "spikes", "graded", "mixed", "constant"])
@pytest.mark.parametrize(("dtype", "rtol"), [(np.float32, 1e-5), (np.float64, 1e-12)])
def test_engines_agree_on_mnist(kind, dtype, rtol, mnist):
    images, labels = mnist[0][:64] / 255, mnist[1][:64].astype(int)
    sizes = [784, 100, 30, 10]
    params = initial_params(lif(), sizes, dtype, 0)
    X = kinds_of_input(images, 40)[kind]
    if kind not in ("trains", "spikes"):
        X = X.astype(dtype)
    both = both_engines(network_of(lif(), sizes, 0.25), 40)
    for engine in both:
        engine.first_guess(params, X, np.ones(len(X)))
    loss_weights = np.linspace(0, 0.03, 64)
    reference, fast = (
        engine.loss_and_gradients(params, X, labels, loss_weights) for engine in both
    )
    spikes = [engine.spikes(params, X) for engine in both]
    for a, b in zip(*spikes, strict=True):
        assert a.any()
        np.testing.assert_array_equal(a, b)
    assert fast.loss == pytest.approx(reference.loss, rel=rtol)
    assert all(g.dtype == dtype for g in arrays_of(fast.gradients))
    assert_same_gradients(fast.gradients, reference.gradients, 0, rtol)
    for a, b in zip(fast.n_spikes, reference.n_spikes, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(*[engine.run(params, X) for engine in both])


@pytest.mark.parametrize("detach_reset", [False, True])
@pytest.mark.parametrize("reset", sorted(RESETS))
@pytest.mark.parametrize("surrogate", sorted(SURROGATES))
def test_engines_agree_on_all_neurons(surrogate, reset, detach_reset, rng):
    neurons = lif(0.9, 0.7, 3.0, surrogate, reset, detach_reset)
    sizes = [70, 17, 5, 3]
    network = network_of(neurons, sizes, 0.5)
    y = rng.integers(0, 3, 20)
    X = SpikeTrains(rng.random((20, 70)), 15)
    for dtype, rtol in ((np.float32, 1e-5), (np.float64, 1e-12)):
        params = initial_params(neurons, sizes, dtype, 1)
        reference, fast = both_engines(network, 15)
        reference.first_guess(params, X, np.ones(len(X)))
        expected = reference.loss_and_gradients(params, X, y, np.ones(len(y)))
        got = fast.loss_and_gradients(params, X, y, np.ones(len(y)))
        assert all(g.any() for g in arrays_of(expected.gradients))
        assert_same_gradients(got.gradients, expected.gradients, 0, rtol)


@njit
def _carry_back(neuron, s, delta, carry):
    g, e = np.zeros_like(carry[0]), np.zeros_like(carry[0])
    total = np.zeros_like(carry[0])
    for t in range(len(s) - 1, -1, -1):
        backward_step(neuron, t, g, g, s, e, delta, carry, total)


@pytest.mark.parametrize("reset", sorted(RESETS))
def test_compiled_gradients_do_not_become_subnormal(reset):
    """As those of numpy do not; subnormal numbers take many times as long."""
    n_steps, n_units = 400, 5
    neurons, sizes = lif(alpha=0.5, reset=reset), [1, n_units]
    params = initial_params(neurons, sizes, np.float32, 0)
    layers = packing.pack(params, has_events=True)
    network = network_of(neurons, sizes)
    _, neuron = packing.compiled_neurons(network, params, layers)
    delta = np.zeros((n_steps, n_units), np.float32)
    s = np.zeros_like(delta, np.uint8)
    carry = np.ones((1, n_units), np.float32)  # and nothing but its decay after it
    _carry_back(neuron, s, delta, carry)
    nonzero = delta[delta != 0]
    assert 50 < len(nonzero) / n_units < 100
    assert nonzero.min() > np.finfo(np.float32).tiny


@pytest.mark.parametrize("rate", [0.0, 1e-7, 0.4, 0.5, 0.6, 1 - 1e-7, 1.0])
@pytest.mark.parametrize("n_features", [1, 63, 64, 65])
def test_rare_and_frequent_spikes(n_features, rate):
    """Silences are counted from a rate of one half on."""
    neurons, sizes = lif(threshold=0.3), [n_features, 2]
    params = initial_params(neurons, sizes, np.float32, 0)
    X = SpikeTrains(np.full((3, n_features), rate), 50)
    both = both_engines(network_of(neurons, sizes, 0.2), 50)
    gradients = [
        e.loss_and_gradients(params, X, np.array([0, 1, 1]), np.ones(3)).gradients[0]
        for e in both
    ]
    spikes = [e.spikes(params, X) for e in both]
    np.testing.assert_array_equal(*spikes)
    coefs = [gradient["coef"] for gradient in gradients]
    np.testing.assert_allclose(*coefs, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", ["trains", "spikes", "graded", "constant", "sparse"])
def test_memory_does_not_grow_with_the_batch(kind, rng, monkeypatch):
    """A large batch is worked on a few samples at a time, with the same gradient."""
    X = kinds_of_input(rng.random((70, 9)), 12)[kind]
    sizes = [9, 8, 3]
    params = initial_params(lif(), sizes, float, 0)
    y = rng.integers(0, 3, 70)
    engine = NumbaEngine(network_of(lif(), sizes, 0.5), 12)
    engine.first_guess(params, X, np.ones(70))
    expected = engine.loss_and_gradients(params, X, y, np.ones(len(y)))
    n_samples = []
    for name in ("Drawn", "Recorded", "Multiplied", "Currents"):
        make_ready = getattr(ready, name)

        def record(batch, X, *args, make_ready=make_ready):
            n_samples.append(X.shape[0])
            return make_ready(batch, X, *args)

        monkeypatch.setattr(ready, name, record)
    for name in ("MAX_CHUNK_SAMPLES", "MAX_CONSTANT_SAMPLES"):
        monkeypatch.setattr(running, name, 3)
    monkeypatch.setattr(engine_numba, "MAX_GRADIENT_ELEMENTS", 1)
    got = engine.loss_and_gradients(params, X, y, np.ones(len(y)))
    assert max(n_samples) == 3
    assert got.loss == pytest.approx(expected.loss, rel=1e-12)
    assert_same_gradients(got.gradients, expected.gradients, 0, 1e-12)


def test_trained_networks_are_the_same():
    """Rounding differs in the gradients alone; a short fit does not amplify it."""
    X, y = load_digits(return_X_y=True)
    trains = PoissonSpikeEncoder(20, random_state=0).fit_transform(X[:500])
    models = [
        SpikingClassifier((30,), max_iter=3, random_state=0, engine=engine).fit(
            trains, y[:500]
        )
        for engine in ("numpy", "numba")
    ]
    a, b = (model.coefs_[0] for model in models)
    np.testing.assert_allclose(a, b, atol=1e-6)
    assert np.abs(a).max() > 0.04


ANY = network_of(lif(), [4, 3]), 5


def test_auto_takes_numba_and_a_missing_one_is_named(monkeypatch):
    assert isinstance(engines.make_engine("auto", *ANY), NumbaEngine)
    monkeypatch.setattr(engines, "find_spec", lambda name: None)
    assert isinstance(engines.make_engine("auto", *ANY), NumpyEngine)
    with pytest.raises(ImportError, match=r"sklearn-snn\[fast\]"):
        engines.make_engine("numba", *ANY)


@pytest.fixture
def broken_numba(monkeypatch):
    """Return what is said of a numba whose import fails."""

    def fail(name):
        raise ImportError("llvmlite is too old")

    monkeypatch.setattr(engines, "import_module", fail)
    monkeypatch.setattr(engines, "_told", set())
    return "llvmlite is too old"


def test_a_broken_numba_is_named_once(broken_numba, iris):
    """Falling back from what was installed for speed is never silent, nor a storm."""
    X, y = iris
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = SpikingClassifier((3,), n_steps=3, max_iter=2).fit(X, y)
        cross_val_score(model, X, y, cv=2)
        model.predict(X)
    about_numba = [w for w in caught if broken_numba in str(w.message)]
    assert [w.category for w in about_numba] == [RuntimeWarning]
    assert about_numba[0].filename == __file__
    with pytest.raises(ImportError, match=broken_numba):
        model.set_params(engine="numba").predict(X)


def test_a_warning_that_is_an_error_comes_each_time(broken_numba):
    for _ in range(2):
        with pytest.raises(RuntimeWarning, match=broken_numba):
            engines.make_engine("auto", *ANY)


def test_a_disabled_numba_is_not_used_without_a_word(monkeypatch):
    """Who sets the variable knows; whoever asks for numba by name is told."""
    monkeypatch.setattr("numba.config.DISABLE_JIT", 1)
    assert isinstance(engines.make_engine("auto", *ANY), NumpyEngine)
    with pytest.raises(ImportError, match="NUMBA_DISABLE_JIT"):
        engines.make_engine("numba", *ANY)


# Any number of threads


def _coefs_of_a_fit(kind="trains", batch_size="auto"):
    X, y = load_digits(return_X_y=True)
    X = kinds_of_input(X[:300] / 16, 20)[kind]
    parameters = {"max_iter": 2, "random_state": 0, "engine": "numba"}
    model = SpikingClassifier((20,), batch_size=batch_size, **parameters)
    return model.fit(X, y[:300]).coefs_


@pytest.mark.parametrize(
    "kind", ["trains", "spikes", "mixed", "graded", "constant", "sparse"]
)
@pytest.mark.parametrize("batch_size", [200, 20])
def test_coefs_for_any_number_of_threads(kind, batch_size, monkeypatch):
    """And whether the samples of a batch are made ready together or not."""
    is_small = kind in ("graded", "constant", "sparse", "trains")
    ways, coefs = [(1, is_small), (2, is_small), (4, is_small), (2, False)], []
    with ThreadPoolExecutor(3) as pool:  # however few the cores are
        monkeypatch.setattr(threads, "_pool", pool)
        for n_threads, are_small in ways:
            at_work = {"most": 0, "now": [], "all": set(), "helped": 0}

            def record(*args, run=running._run_group, at_work=at_work):
                at_work["now"].append(threading.get_ident())
                at_work["all"].update(at_work["now"])
                at_work["most"] = max(at_work["most"], len(at_work["now"]))
                result = run(*args)
                at_work["now"].remove(threading.get_ident())
                return result

            def help_out(*args, run=crew._help_out, at_work=at_work):
                at_work["helped"] += run(*args)

            with monkeypatch.context() as patch:
                patch.setattr(running, "_run_group", record)
                patch.setattr(crew, "_help_out", help_out)
                patch.setattr(engine_numba, "is_small", lambda _, are=are_small: are)
                patch.setattr(engine_numba, "n_threads", lambda n=n_threads: n)
                coefs.append(_coefs_of_a_fit(kind, batch_size))
                crew.dismiss()
                # On busy cores one thread may have done all before another is awake.
                deadline = time.monotonic() + 60
                while n_threads > 1 and len(at_work["all"]) + at_work["helped"] < 2:
                    assert time.monotonic() < deadline
                    coefs.append(_coefs_of_a_fit(kind, batch_size))
                    crew.dismiss()
                assert bool(at_work["all"]) != are_small
                assert at_work["most"] <= n_threads
    for other in coefs[1:]:
        for a, b in zip(other, coefs[0], strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_fork_after_a_fit():
    """The child fits on threads of its own; the parent goes on."""
    expected = _coefs_of_a_fit()
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        # Whatever happens, the child must not go on with the other tests.
        try:
            coefs = _coefs_of_a_fit()
            same = all(map(np.array_equal, coefs, expected))
            os.write(writer, b"same" if same else b"other")
        finally:
            os._exit(0)
    os.close(writer)
    ready, _, _ = select.select([reader], [], [], 120)
    if not ready:
        os.kill(child, signal.SIGKILL)
    with os.fdopen(reader, "rb") as pipe:
        assert pipe.read() == b"same"
    os.waitpid(child, 0)
    for a, b in zip(_coefs_of_a_fit(), expected, strict=True):
        np.testing.assert_array_equal(a, b)
