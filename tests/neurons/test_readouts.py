"""Every readout in both engines: against autograd, differences, and each other."""

import numpy as np
import pytest
from networks import assert_same_gradients
from neurons.cases import (
    COUNTED,
    LOSSES,
    MORE_READOUTS,
    READOUTS,
    assert_alive,
    case_of,
    telling,
    with_readout,
)
from neurons.checks import check_autograd
from neurons.test_agreement import DTYPES, TOLERANCES, answers, assert_same_answers
from neurons.test_differences import slope

from sklearn_snn._model.parameters import learning

N_STEPS = 10
EVERY_READOUT = READOUTS | MORE_READOUTS
each = pytest.mark.parametrize


def cases(readout, **options):
    """Yield (names of rows, case) of a readout: with hidden layers, and without."""
    output = EVERY_READOUT[readout]
    for names in (("lif", output), ("adlif", "adlif", output), (output,)):
        base = "spike_count" if output == COUNTED else "membrane_mean"
        case = case_of(names, base, n_steps=N_STEPS, **options)
        yield names, with_readout(case, name=readout)


@each("start", [0, 4, N_STEPS - 1])
@each("loss", LOSSES)
@each("readout", EVERY_READOUT)
def test_autograd(readout, loss, start, engine):
    for names, case in cases(readout, loss=loss, kind="graded"):
        case = with_readout(case, start=start)
        assert_alive(case)
        for scale in ("auto", 3.0):
            with telling(names, scale):
                gradients = check_autograd(with_readout(case, scale=scale), engine)
                assert any(of_layer["coef"].any() for of_layer in gradients)


@each("loss", LOSSES)
@each("readout", EVERY_READOUT)
def test_differences(readout, loss, rng):
    """Of the smooth network, where a soft count hangs on the threshold twice."""
    for names, case in cases(readout, loss=loss, smooth=True):
        case = with_readout(case, start=2)
        gradients = learning(case.network, case.step().gradients)
        arrays = learning(case.network, case.params)
        for i, (array, gradient) in enumerate(zip(arrays, gradients, strict=True)):
            direction = rng.normal(size=array.shape)
            with telling(names, i, array.shape):
                exact = (gradient * direction).sum()
                found = slope(case, array, direction)
                assert found == pytest.approx(exact, rel=1e-6, abs=1e-8)


@each("dtype", DTYPES)
@each("kind", ["trains", "mixed", "constant"])
@each("readout", MORE_READOUTS)
def test_engines_agree(readout, kind, dtype):
    """On answers to the bit: also those after each step lead to them."""
    for names, case in cases(readout, kind=kind, dtype=dtype):
        for start in (0, 3):
            case = with_readout(case, start=start)
            with telling(names, start):
                check_engines(case, dtype)


def check_engines(case, dtype):
    assert_same_answers(answers(case, "numba"), answers(case, "numpy"))
    fast, reference = case.step("numba"), case.step("numpy")
    tolerance = TOLERANCES[dtype]
    assert fast.loss == pytest.approx(reference.loss, rel=tolerance)
    np.testing.assert_allclose(fast.outputs, reference.outputs, rtol=tolerance)
    assert_same_gradients(fast.gradients, reference.gradients, 0, tolerance)


@each("dtype", DTYPES)
@each("readout", EVERY_READOUT)
def test_ties_are_broken_in_answers_alone(readout, dtype, engine):
    """By less than half a spike, and in the order of the mean membranes."""
    for names, case in cases(readout, dtype=dtype, kind="trains", learns=False):
        plain, broken = case, with_readout(case, breaks_ties=True)
        before, after = plain.step(engine), broken.step(engine)
        with telling(names):
            assert before.loss == after.loss
            assert_same_gradients(before.gradients, after.gradients, 0)
            outputs = plain.engine(engine).run(case.params, case.X)
            refined = broken.engine(engine).run(case.params, case.X)
            np.testing.assert_array_equal(after.outputs, refined)
            if readout != "spike_count":
                np.testing.assert_array_equal(outputs, refined)
                continue
            scale = case.network.readout.factor(N_STEPS)
            assert (np.abs(refined - outputs) < scale / 2).all()
            (tape,) = [
                tape for _, tape in broken.engine("numpy").tapes(case.params, case.X)
            ]
            mean = tape.layers[-1]["membrane"].mean(axis=0)
            threshold = case.params[-1]["threshold"]
            expected = outputs + scale * np.tanh(mean / threshold) / 2
            rtol = 100 * np.finfo(dtype).eps
            np.testing.assert_allclose(refined, expected, rtol=rtol, atol=rtol)


@each("readout", EVERY_READOUT)
def test_a_sample_alone_or_in_a_batch(readout, engine):
    """To the bit, in any order."""
    for names, case in cases(readout, kind="graded", dtype=np.float32, n_samples=40):
        case = with_readout(case, breaks_ties=True)
        run = case.engine(engine).run
        together = run(case.params, case.X)
        with telling(names):
            for rows in ([7], [39, 0, 7], slice(3, 38)):
                np.testing.assert_array_equal(
                    run(case.params, case.X[rows]), together[rows]
                )
