"""Outputs of each step in both engines: against autograd, differences, each other."""

import numpy as np
import pytest
from networks import arrays_of, assert_same_gradients
from neurons.cases import (
    INTEGRATED,
    N_OUTPUTS,
    assert_alive,
    case_of,
    targets_of,
    telling,
    with_readout,
)
from neurons.checks import check_autograd
from neurons.test_agreement import DTYPES, TOLERANCES, assert_same_answers
from neurons.test_differences import slope
from sequences import of_events

from sklearn_snn import Sequences
from sklearn_snn._engines.compiled import engine as engine_numba
from sklearn_snn._inputs.lengths import all_lengths
from sklearn_snn._model.parameters import learning
from sklearn_snn._model.restraint import Restraint

N_STEPS = 10
LOSSES = "cross_entropy", "logistic", "squared_error"
STACKS = (
    (INTEGRATED,),
    ("lif", INTEGRATED),
    ("adlif", "adlif", INTEGRATED),
    ("cuba", INTEGRATED),
)
each = pytest.mark.parametrize


def weighted(case, rng):
    """Return a case with targets and weights for each step, of which some are 0."""
    n_samples, n_steps = case.X.shape[0], case.n_steps
    targets = targets_of(case.network.loss, n_samples * n_steps, rng)
    shares = rng.uniform(0.01, 0.1, (n_samples, n_steps))
    shares[0, 3] = 0
    ends = all_lengths(case.X, n_steps)[:, np.newaxis]
    steps = np.arange(n_steps)
    is_read = (case.network.readout.start <= steps) & (steps < ends)
    return case._replace(
        targets=targets.reshape(n_samples, n_steps, *targets.shape[1:]),
        shares=np.where(is_read, shares, 0),
    )


def cases(rng, start=0, **options):
    """Yield (names of rows, case) with hidden layers, and without."""
    for names in STACKS:
        case = case_of(names, "membrane_mean", n_steps=N_STEPS, **options)
        case = with_readout(case, name="membrane_last", per_step=True, start=start)
        yield names, weighted(case, rng)


def unequal(case, rng):
    """Return a case whose samples have other lengths; the first one has all steps."""
    lengths = rng.integers(4, N_STEPS, case.X.shape[0])
    lengths[0] = N_STEPS
    X = np.asarray(case.X)
    starts = np.arange(len(X)) * N_STEPS
    sequences = Sequences(X.reshape(-1, X.shape[2]), starts, lengths)
    return weighted(case._replace(X=sequences), rng)


@each("start", [0, 4, N_STEPS - 1])
@each("loss", LOSSES)
def test_autograd(loss, start, engine, rng):
    for names, case in cases(rng, start, loss=loss, kind="graded"):
        assert_alive(case)
        for scale in ("auto", 3.0):
            with telling(names, scale):
                gradients = check_autograd(with_readout(case, scale=scale), engine)
                assert any(of_layer["coef"].any() for of_layer in gradients)


@each("recurrent", [False, True])
def test_autograd_with_rate_bounds_and_dropout(recurrent, engine, rng):
    """A sample's penalty has the weight of its steps together."""
    for names, case in cases(rng, kind="spikes", recurrent=recurrent):
        hidden = case.network.layers[:-1]
        shape = case.X.shape[0]
        kept = [rng.random((shape, layer.n_units)) < 0.7 for layer in hidden]
        bounds = np.tile([0.05, 0.1], (len(hidden), 1))
        restrained = case._replace(restraint=Restraint(kept, bounds, 50.0))
        with telling(names):
            gradients = check_plain(restrained, engine)
            assert any(of_layer["coef"].any() for of_layer in gradients)


def check_plain(case, engine):
    """Compare loss and gradients alone: answers are those without a restraint."""
    from oracles import loss_and_gradients

    _, loss, _, gradients = loss_and_gradients("torch", case)
    step = case.step(engine)
    np.testing.assert_allclose(step.loss + step.penalty, loss, rtol=1e-9)
    assert_same_gradients(step.gradients, gradients, 1e-9)
    return gradients


@each("loss", LOSSES)
def test_differences(loss, rng):
    for names, case in cases(rng, 2, loss=loss, smooth=True):
        for some in (case, unequal(case, rng)):
            gradients = learning(some.network, some.step().gradients)
            arrays = learning(some.network, some.params)
            for i, (array, gradient) in enumerate(zip(arrays, gradients, strict=True)):
                direction = rng.normal(size=array.shape)
                with telling(names, i, array.shape, type(some.X)):
                    exact = (gradient * direction).sum()
                    found = slope(some, array, direction)
                    assert found == pytest.approx(exact, rel=1e-6, abs=1e-8)


@each("dtype", DTYPES)
@each("kind", ["trains", "spikes", "mixed"])
def test_engines_agree(kind, dtype, rng):
    """On answers to the bit, also where samples have lengths of their own."""
    for names, case in cases(rng, 3, kind=kind, dtype=dtype):
        some = [case] if kind == "trains" else [case, unequal(case, rng)]
        if kind == "spikes":
            some += [one._replace(X=of_events([*one.X])) for one in some]
        for one in some:
            with telling(names, type(one.X)):
                check_engines(one, dtype)


def check_engines(case, dtype):
    outputs = {}
    for name in ("numba", "numpy"):
        outputs[name] = case.engine(name).run(case.params, case.X)
        step = case.step(name)
        np.testing.assert_array_equal(step.outputs, outputs[name])
    np.testing.assert_array_equal(outputs["numba"], outputs["numpy"])
    assert outputs["numpy"].shape == (case.X.shape[0], N_STEPS, N_OUTPUTS)
    assert outputs["numpy"].dtype == dtype
    fast, reference = case.step("numba"), case.step("numpy")
    tolerance = TOLERANCES[dtype]
    assert fast.loss == pytest.approx(reference.loss, rel=tolerance)
    assert_same_gradients(fast.gradients, reference.gradients, 0, tolerance)


@each("kind", ["spikes", "graded"])
def test_what_each_step_answers(kind, engine, rng):
    """The membranes of the steps that are read; else 0."""
    for names, case in cases(rng, 2, kind=kind):
        with telling(names):
            (tape,) = [
                tape for _, tape in case.engine("numpy").tapes(case.params, case.X)
            ]
            expected = tape.layers[-1]["membrane"].transpose(1, 0, 2).copy()
            expected *= case.network.readout.scale
            expected[:, :2] = 0
            outputs = case.engine(engine).run(case.params, case.X)
            np.testing.assert_allclose(outputs, expected, rtol=1e-12)
            # What comes later changes nothing: a network hears no future.
            shorter = case._replace(X=case.X[:, :6], n_steps=6)
            before = shorter.engine(engine).run(case.params, shorter.X)
            np.testing.assert_array_equal(before, outputs[:, :6])


@each("kind", ["spikes", "graded"])
def test_a_sample_alone_or_in_a_batch(kind, engine, rng):
    """To the bit, in any order, with its own length, and with its gradient."""
    for names, case in cases(rng, 2, kind=kind, dtype=np.float32, n_samples=40):
        case = unequal(case, rng)
        together = case.engine(engine).run(case.params, case.X)
        for i in (0, 7, 39):
            n_steps = case.X.lengths[i]
            alone = case._replace(
                X=case.X[[i]].padded(),
                n_steps=n_steps,
                targets=case.targets[[i], :n_steps],
                shares=case.shares[[i], :n_steps],
            )
            among = case._replace(
                X=case.X[[i]], targets=case.targets[[i]], shares=case.shares[[i]]
            )
            with telling(names, i):
                outputs = alone.engine(engine).run(case.params, alone.X)
                np.testing.assert_array_equal(together[[i], :n_steps], outputs)
                assert not together[i, n_steps:].any()
                ours, theirs = among.step(engine), alone.step(engine)
                assert ours.loss == theirs.loss
                assert_same_answers(
                    arrays_of(ours.gradients), arrays_of(theirs.gradients)
                )


def test_chunks_of_samples_add_up(engine, monkeypatch, rng):
    """Also where the longest of a chunk is shorter than another's."""
    for names, case in cases(rng, 1, n_samples=11):
        case = unequal(case, rng)
        whole = case.step(engine)
        with monkeypatch.context() as patch:
            patch.setattr("sklearn_snn._engines.numpy_chunks.MAX_CHUNK_SAMPLES", 4)
            patch.setattr(engine_numba, "MAX_GRADIENT_CHUNKS", 3)
            parts = case.step(engine)
            outputs = case.engine(engine).run(case.params, case.X)
        with telling(names):
            np.testing.assert_array_equal(parts.outputs, whole.outputs)
            np.testing.assert_array_equal(outputs, whole.outputs)
            assert_same_gradients(parts.gradients, whole.gradients, 0, 1e-12)


def test_readings_outlive_the_tape_of_their_chunk(monkeypatch, rng):
    for names, case in cases(rng):
        outputs = case.engine("numpy").run(case.params, case.X)
        with monkeypatch.context() as patch:
            patch.setattr("sklearn_snn._engines.numpy_chunks.MAX_CHUNK_SAMPLES", 2)
            tapes = case.engine("numpy").tapes(case.params, case.X)
            membranes = np.concatenate([tape.reading.membranes for _, tape in tapes])
        with telling(names):
            np.testing.assert_array_equal(
                case.network.readout.scale * membranes, outputs
            )


def test_a_step_of_weight_0_is_not_looked_at(engine, rng):
    """Whatever stands for its target, which may be no class at all."""
    for names, case in cases(rng):
        wrong = np.where(case.shares == 0, 10**6, case.targets)
        assert (wrong != case.targets).any()
        with telling(names):
            odd, plain = case._replace(targets=wrong).step(engine), case.step(engine)
            assert odd.loss == plain.loss
            assert_same_answers(arrays_of(odd.gradients), arrays_of(plain.gradients))


def test_what_is_prepared_is_not_compiled_again(rng):
    for names, case in cases(rng):
        engine = case.engine("numba")
        arguments = case.params, unequal(case, rng).X, case.targets
        assert engine.prepare(*arguments) >= 0
        with telling(names):
            assert engine.prepare(*arguments) == 0
