"""Every neuron in both engines, alone and in batches, on any number of threads."""

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from itertools import product

import numpy as np
import pytest
from networks import arrays_of, assert_same_gradients
from neurons.cases import (
    ALL,
    COUNTED,
    FIRING,
    INTEGRATED,
    KINDS,
    LOSSES,
    N_FEATURES,
    case_of,
    lone,
    stacks,
    telling,
    variants,
)

from sklearn_snn._engines import make_engine, threads
from sklearn_snn._engines.compiled import cache as compiled_code
from sklearn_snn._engines.compiled import engine as engine_numba
from sklearn_snn._engines.compiled.engine import NumbaEngine
from sklearn_snn._model.neurons.resets import RESETS
from sklearn_snn._model.parameters import WEIGHTS
from sklearn_snn._model.surrogates import SURROGATES

ENGINES = "numba", "numpy"
DTYPES = np.float64, np.float32
TOLERANCES = {np.float64: 1e-12, np.float32: 1e-5}


def typed(names):
    """Run a test for neurons, in both types."""
    return pytest.mark.parametrize(("name", "dtype"), list(product(names, DTYPES)))


def assert_same_answers(a, b):
    """Compare spikes and outputs to the bit."""
    for one, other in zip(a, b, strict=True):
        np.testing.assert_array_equal(one, other)


def answers(case, engine):
    """Return spikes of all layers, outputs, and what the readout reads, by sample."""
    engine = case.engine(engine)
    arguments = case.params, case.X
    read = engine.read_out(*arguments).values()
    return [
        *engine.spikes(*arguments),
        engine.run(*arguments),
        *(array.transpose(1, 0, 2) for array in read),
    ]


def check_engines(case, dtype):
    assert_same_answers(answers(case, "numba"), answers(case, "numpy"))
    fast, reference = case.step("numba"), case.step("numpy")
    tolerance = TOLERANCES[dtype]
    assert fast.loss == pytest.approx(reference.loss, rel=tolerance)
    assert_same_answers(fast.n_spikes, reference.n_spikes)
    np.testing.assert_array_equal(fast.outputs, reference.outputs)
    assert_same_gradients(fast.gradients, reference.gradients, 0, tolerance)
    for step in (fast, reference):
        for gradient in step.gradients:
            kinds = {
                name: dtype if name in WEIGHTS else np.float64 for name in gradient
            }
            assert {name: g.dtype for name, g in gradient.items()} == kinds


@pytest.mark.parametrize("surrogate", sorted(SURROGATES))
@typed(FIRING)
def test_engines_agree(name, dtype, surrogate):
    for choices in variants(name, surrogate=surrogate):
        for names, readout in stacks(name):
            for kind in ("trains", "graded"):
                case = case_of(names, readout, dtype=dtype, kind=kind, **choices)
                with telling(names, readout, kind, choices):
                    check_engines(case, dtype)


@typed([n for n in ALL if n != "leaky gain"])
def test_engines_agree_on_neurons_that_are_alike(name, dtype):
    """Alike in a layer, and in all of them, so that one number is enough.

    A gain other than 1 belongs to neurons that differ; that of integrators is a number.
    """
    for choices in variants(name, surrogate="sigmoid"):
        for names, readout in stacks(name):
            for kind in ("trains", "graded"):
                case = case_of(
                    names,
                    readout,
                    dtype=dtype,
                    kind=kind,
                    learns=False,
                    alike=True,
                    **choices,
                )
                with telling(names, readout, kind, choices):
                    check_engines(case, dtype)


@pytest.mark.parametrize("kind", KINDS)
@typed(ALL)
def test_engines_agree_on_every_input_and_loss(name, dtype, kind):
    for names, readout in stacks(name):
        for loss in LOSSES:
            case = case_of(
                names, readout, dtype=dtype, kind=kind, loss=loss, n_steps=25
            )
            with telling(names, readout, loss):
                check_engines(case, dtype)


@typed([COUNTED, INTEGRATED])
def test_engines_agree_on_a_single_layer(name, dtype):
    """Membranes of neurons that fire are read, too; others are in hidden layers."""
    for names, readout in lone(name):
        for kind in ("trains", "constant"):
            case = case_of(names, readout, dtype=dtype, kind=kind)
            with telling(names, readout, kind):
                check_engines(case, dtype)


# Alone, in a batch, in another order


@pytest.mark.parametrize("kind", KINDS)
@typed(ALL)
def test_answers_do_not_depend_on_the_batch(name, dtype, kind, engine):
    for names, readout in stacks(name):
        case = case_of(names, readout, dtype=dtype, kind=kind, n_samples=35)
        together = answers(case, engine)
        order = np.random.default_rng(0).permutation(35)
        for rows in (order, slice(0, 1), slice(31, 34), slice(34, 35)):
            some = answers(case._replace(X=case.X[rows]), engine)
            with telling(names, readout, rows):
                assert_same_answers(some, [array[rows] for array in together])


@pytest.mark.parametrize("kind", ["trains", "mixed", "constant"])
@pytest.mark.parametrize("name", ALL)
def test_gradients_for_any_number_of_threads(name, kind, monkeypatch):
    """To the bit, in more chunks than threads; those of constants too."""
    with ThreadPoolExecutor(3) as pool:  # however few the cores are
        monkeypatch.setattr(threads, "_pool", pool)
        for names, readout in stacks(name):
            case = case_of(names, readout, dtype=np.float32, kind=kind, n_samples=70)
            steps = {}
            for n_threads in (1, 2, 4):
                monkeypatch.setattr(engine_numba, "n_threads", lambda n=n_threads: n)
                steps[n_threads] = case.step("numba")
            for n_threads in (2, 4):
                with telling(names, readout, n_threads):
                    assert steps[n_threads].loss == steps[1].loss
                    assert_same_answers(
                        arrays_of(steps[n_threads].gradients),
                        arrays_of(steps[1].gradients),
                    )


@pytest.mark.parametrize("name", ALL)
def test_chunks_of_samples_add_up(name, engine, monkeypatch):
    for names, readout in stacks(name):
        case = case_of(names, readout, n_samples=11)
        whole = case.step(engine)
        with monkeypatch.context() as patch:
            patch.setattr("sklearn_snn._engines.numpy_chunks.MAX_CHUNK_SAMPLES", 4)
            patch.setattr(engine_numba, "MAX_GRADIENT_CHUNKS", 3)
            parts = case.step(engine)
        np.testing.assert_array_equal(parts.outputs, whole.outputs)
        with telling(names, readout):
            assert_same_gradients(parts.gradients, whole.gradients, 0, 1e-12)


@pytest.mark.parametrize("name", ALL)
def test_pickles_and_copies_do_the_same(name, engine):
    for names, readout in stacks(name):
        case = case_of(names, readout)
        step = case.step(engine)
        for other in (pickle.loads(pickle.dumps(case)), copy.deepcopy(case)):
            assert other.network == case.network
            assert hash(other.network) == hash(case.network)
            again = other.step(engine)
            assert again.loss == step.loss
            assert_same_answers(arrays_of(again.gradients), arrays_of(step.gradients))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ALL)
def test_what_is_prepared_is_not_compiled_again(name, kind):
    """Whatever the targets; and nothing that is learned changes."""
    for names, readout in stacks(name):
        for loss in LOSSES:
            case = case_of(names, readout, kind=kind, loss=loss)
            engine, before = case.engine("numba"), copy.deepcopy(case.params)
            assert engine.prepare(case.params, case.X, case.targets) >= 0
            assert engine.prepare(case.params, case.X, case.targets) == 0
            n_compiled = compiled_code.n_compiled()
            case.step("numba")
            assert compiled_code.n_compiled() == n_compiled
            np.testing.assert_equal(case.params, before)


# The ends of the range of floats

LARGEST = {np.float64: 1e308, np.float32: 1e38}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("size", ["huge", "subnormal", "mixed"])
@pytest.mark.parametrize("name", ALL)
def test_extreme_inputs(name, size, dtype, rng):
    """Both engines fire the same spikes; membranes may leave the range of floats."""
    sizes = {"huge": LARGEST[dtype], "subnormal": float(np.finfo(dtype).tiny) / 8}
    for reset in RESETS:
        for names, readout in stacks(name):
            case = case_of(names, readout, dtype=dtype, kind="graded", reset=reset)
            for shape in (case.X.shape, (*case.X.shape[::2],)):
                X = rng.uniform(-1, 1, shape)
                X *= sizes.get(size) or rng.choice([1, *sizes.values()], shape)
                extreme = case._replace(X=X.astype(dtype))
                spikes = [extreme.spikes(engine) for engine in ENGINES]
                with telling(names, readout, reset, shape):
                    assert_same_answers(*spikes)
                if size == "huge" and case.network.layers[0].neuron.fires:
                    assert spikes[0][0].any()


# A synaptic current is never reset: see `test_cuba`.
@pytest.mark.parametrize("name", [name for name in FIRING if name != "cuba"])
def test_a_neuron_recovers_from_an_infinite_current(name, engine):
    """Of which nothing is left after a reset to zero."""
    case = case_of((name, COUNTED), reset="zero", n_steps=6)
    X = np.zeros((2, 6, N_FEATURES))
    case.params[0]["coef"][:] = 1e300
    case.params[0]["intercept"][:] = 20
    X[:, 0] = 1e300
    first, _ = case._replace(X=X).spikes(engine)
    assert first[0].all()
    assert first[1:].any()
    quiet = case_of((name, COUNTED), reset="zero", n_steps=6)
    quiet.params[0]["intercept"][:] = 20
    expected, _ = quiet._replace(X=np.zeros_like(X)).spikes(engine)
    assert expected[0].all()
    np.testing.assert_array_equal(first, expected)


@pytest.mark.parametrize("detach_reset", [False, True])
@pytest.mark.parametrize("reset", sorted(RESETS))
@pytest.mark.parametrize("name", FIRING)
def test_gradients_where_a_membrane_is_infinite(name, reset, detach_reset):
    """Both engines have the same numbers, and the same that are none.

    A factor of zero must not multiply an infinite membrane.
    """
    choices = {"reset": reset, "detach_reset": detach_reset}
    for names, readout in stacks(name):
        case = case_of(names, readout, kind="graded", **choices)
        np.abs(case.params[0]["coef"], out=case.params[0]["coef"])
        case.params[0]["coef"] *= 10
        case.X[0, 3] = LARGEST[np.float64]
        fast, reference = (case.step(engine).gradients for engine in ENGINES)
        with telling(names, readout):
            for a, b in zip(arrays_of(fast), arrays_of(reference), strict=True):
                np.testing.assert_array_equal(np.isfinite(a), np.isfinite(b))
                finite = np.isfinite(b)
                np.testing.assert_allclose(a[finite], b[finite], rtol=1e-9)
            if detach_reset and reset == "zero":
                assert np.isfinite(reference[0]["coef"]).all()


@pytest.mark.parametrize("scale", [1e-4, 1e6])
@pytest.mark.parametrize("loss", LOSSES)
def test_extreme_outputs(loss, scale):
    """No loss overflows, and both engines have the same gradients."""
    for names, readout in (*stacks("lif"), *stacks("adlif")):
        case = case_of(names, readout, loss=loss, n_steps=5)
        readout = case.network.readout._replace(scale=scale)
        case = case._replace(network=case.network._replace(readout=readout))
        check_engines(case, np.float64)
        assert all(np.isfinite(g).all() for g in arrays_of(case.step().gradients))


def test_auto_takes_what_supports_the_network(monkeypatch):
    """With a word, where the fastest does not: here, two kinds of hidden layers."""
    monkeypatch.setattr("sklearn_snn._engines._told", set())
    case = case_of(("lif", "adlif", COUNTED), "spike_count")
    with pytest.warns(RuntimeWarning, match=r"numpy engine runs, as .* in numba"):
        engine = make_engine("auto", case.network, 10)
    assert not engine.compiles


@pytest.mark.parametrize(
    ("kind", "rules"), [("surrogate", SURROGATES), ("reset", RESETS)]
)
def test_a_rule_without_compiled_code(kind, rules, monkeypatch):
    """What is new in the model runs in numpy; compiled code says that it cannot."""
    monkeypatch.setattr("sklearn_snn._engines._told", set())
    monkeypatch.setitem(rules, "new", next(iter(rules.values())))
    case = case_of(("lif", COUNTED), **{kind: "new"})
    problem = f"there is no compiled code for the {kind} 'new'"
    assert NumbaEngine.supports(case.network) == problem
    with pytest.raises(ValueError, match=problem):
        case.engine("numba")
    with pytest.warns(RuntimeWarning, match=problem):
        assert not case.engine("auto").compiles
