"""Gradients that are cut at the borders of pieces, and states that are carried."""

import numpy as np
import pytest
from networks import assert_same_gradients
from neurons.cases import (
    FIRING,
    KINDS,
    MORE_READOUTS,
    READOUTS,
    case_of,
    telling,
    with_readout,
)
from neurons.checks import check_autograd
from neurons.test_agreement import DTYPES, assert_same_answers, check_engines
from neurons.test_lengths import LENGTHS, alone, unequal
from neurons.test_per_step import check_engines as check_engines_per_step
from neurons.test_per_step import check_plain
from neurons.test_per_step import unequal as unequal_per_step
from neurons.test_per_step import weighted as with_targets_of_steps
from neurons.test_recurrence import restrained

from sklearn_snn._engines import truncated
from sklearn_snn._engines.truncated import TruncatedEngine
from sklearn_snn._inputs.lengths import steps_between
from sklearn_snn._model.network import resting
from sklearn_snn._model.restraint import NO_RESTRAINT

N_STEPS = 12
ALL_READOUTS = READOUTS | MORE_READOUTS


def networks(name):
    """Return networks of a neuron with every readout, as (names of rows, readout)."""
    return [((name, last), readout) for readout, last in ALL_READOUTS.items()]


def truncated_case(names, readout, bptt_steps=5, start=0, n_steps=N_STEPS, **choices):
    """Return a case in pieces of 5, 5 and 2 steps."""
    case = case_of(names, readout, n_steps=n_steps, **choices)
    return with_readout(case._replace(bptt_steps=bptt_steps), start=start)


def per_step_case(names, rng, n_steps=N_STEPS, **choices):
    """Return one that answers at each step."""
    case = truncated_case(names, "membrane_mean", n_steps=n_steps, **choices)
    case = with_readout(case, name="membrane_last", per_step=True, start=3)
    return with_targets_of_steps(case, rng)


@pytest.mark.parametrize("recurrent", [False, True])
@pytest.mark.parametrize("name", FIRING)
def test_equal_to_autograd(name, recurrent, engine):
    for names, readout in networks(name):
        for kind in ("spikes", "graded"):
            for bptt_steps, start in ((5, 0), (4, 6), (1, 0)):
                case = truncated_case(
                    names, readout, bptt_steps, start, kind=kind, recurrent=recurrent
                )
                with telling(names, readout, kind, bptt_steps, start):
                    check_autograd(case, engine)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_input(kind, engine):
    for names, readout in networks("leaky gain"):
        for loss in ("logistic", "squared_error"):
            case = truncated_case(names, readout, kind=kind, loss=loss)
            with telling(names, readout, loss):
                check_autograd(case, engine)


def test_it_is_not_the_whole_gradient(engine):
    """Or all of this would hold for gradients that are never cut."""
    for names, readout in networks("leaky gain"):
        case = truncated_case(names, readout)
        whole = case._replace(bptt_steps=None).step(engine)
        with pytest.raises(AssertionError), telling(names, readout):
            assert_same_gradients(case.step(engine).gradients, whole.gradients, 1e-3)


@pytest.mark.parametrize("recurrent", [False, True])
@pytest.mark.parametrize("name", FIRING)
def test_dropout_and_bounds_on_rates(name, recurrent, engine):
    """The rate of a sample is that of all its steps."""
    for names, readout in networks(name):
        case = truncated_case((names[0], *names), readout, recurrent=recurrent)
        with telling(names, readout):
            check_plain(restrained(case), engine)


@pytest.mark.parametrize("recurrent", [False, True])
@pytest.mark.parametrize("kind", ["spikes", "graded"])
def test_outputs_of_each_step(kind, recurrent, engine, rng):
    for name in FIRING:
        case = per_step_case((name, "integrator"), rng, kind=kind, recurrent=recurrent)
        with telling(name):
            check_autograd(case, engine)
            check_plain(restrained(case), engine)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("kind", KINDS)
def test_engines_agree(kind, dtype):
    for names, readout in networks("leaky gain"):
        if readout != "softmax_mean":  # whose exponentials may be rounded otherwise
            case = truncated_case(names, readout, kind=kind, dtype=dtype)
            with telling(names, readout):
                check_engines(case, dtype)


@pytest.mark.parametrize("recurrent", [False, True])
@pytest.mark.parametrize("name", FIRING)
def test_engines_agree_on_unequal_lengths(name, recurrent, rng):
    for names, readout in networks(name):
        if readout != "softmax_mean":
            for kind in ("graded", "events"):
                case = unequal(names, readout, kind, recurrent=recurrent)
                with telling(names, readout, kind):
                    check_engines(case._replace(bptt_steps=5), np.float64)
    case = per_step_case((name, "integrator"), rng, 10, recurrent=recurrent)
    with telling("per step"):
        check_engines_per_step(unequal_per_step(case, rng), np.float64)


@pytest.mark.parametrize("bptt_steps", [N_STEPS, 1000])
def test_a_piece_that_has_all_steps_is_the_whole(bptt_steps, engine):
    for names, readout in networks("leaky gain"):
        case = truncated_case(names, readout, bptt_steps, kind="graded")
        piece, whole = case.step(engine), case._replace(bptt_steps=None).step(engine)
        with telling(names, readout):
            assert piece.loss == pytest.approx(whole.loss, rel=1e-12)
            if readout == "softmax_mean":  # compiled exponentials round otherwise
                np.testing.assert_allclose(piece.outputs, whole.outputs, rtol=1e-12)
            else:
                np.testing.assert_array_equal(piece.outputs, whole.outputs)
            assert_same_gradients(piece.gradients, whole.gradients, 1e-12)


@pytest.mark.parametrize("recurrent", [False, True])
@pytest.mark.parametrize("kind", ["graded", "events"])
@pytest.mark.parametrize("name", FIRING)
def test_samples_of_unequal_length(name, kind, recurrent, engine):
    """They end in the first piece, at its border, or later."""
    assert {4, 5, 12} <= {*LENGTHS.tolist()}
    check_unequal(name, kind, engine, recurrent=recurrent)


def check_unequal(name, kind, engine, **choices):
    for names, readout in networks(name):
        case = unequal(names, readout, kind, start=2, is_restrained=True, **choices)
        case = case._replace(bptt_steps=5)
        step, parts = case.step(engine), [alone(case, i) for i in range(len(LENGTHS))]
        steps = [part.step(engine) for part in parts]
        with telling(names, readout):
            assert step.loss == pytest.approx(sum(s.loss for s in steps), rel=1e-12)
            penalty = sum(s.penalty for s in steps)
            assert step.penalty == pytest.approx(penalty, rel=1e-12)
            by_sample = np.concatenate([s.outputs for s in steps])
            np.testing.assert_allclose(step.outputs, by_sample, rtol=1e-12)
            total = [
                {name: sum(s.gradients[i][name] for s in steps) for name in gradient}
                for i, gradient in enumerate(step.gradients)
            ]
            assert_same_gradients(step.gradients, total, 0, 1e-12)


@pytest.mark.parametrize("recurrent", [False, True])
@pytest.mark.parametrize("name", FIRING)
def test_states_go_on(name, recurrent, engine, rng):
    """Parts of a stream, one after the other, are the pieces of the whole."""
    names = name, "integrator"
    for kind in ("spikes", "graded", "trains"):
        case = per_step_case(
            names, rng, kind=kind, recurrent=recurrent, dtype=np.float64
        )
        layers, whole = case.network.layers, case.step(engine)
        states = [resting(layer, case.X.shape[0], np.float64) for layer in layers]
        parts, n_before = [], 0
        for n_steps in (5, 5, 2):
            steps = slice(n_before, n_before + n_steps)
            readout = case.network.readout._replace(start=max(3 - n_before, 0))
            part = case._replace(
                n_steps=n_steps, network=case.network._replace(readout=readout)
            )
            X = steps_between(case.X, steps.start, steps.stop)
            targets, shares = case.targets[:, steps], case.shares[:, steps]
            parts.append(
                part.engine(engine).loss_and_gradients(
                    case.params, X, targets, shares, NO_RESTRAINT, states
                )
            )
            n_before += n_steps
        with telling(kind):
            outputs = np.concatenate([part.outputs for part in parts], axis=1)
            np.testing.assert_allclose(outputs, whole.outputs, rtol=1e-12)
            total = [
                {k: sum(part.gradients[i][k] for part in parts) for k in gradient}
                for i, gradient in enumerate(whole.gradients)
            ]
            assert_same_gradients(whole.gradients, total, 0, 1e-12)
            spikes = case.spikes(engine)[0][-1]
            np.testing.assert_array_equal(states[0][-1], spikes)


def test_batches_and_chunks(engine, monkeypatch):
    for names, readout in networks("leaky gain"):
        case = truncated_case(names, readout, kind="trains", dtype=np.float32)
        whole = case.step(engine)
        with monkeypatch.context() as patch:
            patch.setattr("sklearn_snn._engines.numpy_chunks.MAX_CHUNK_SAMPLES", 2)
            parts = case.step(engine)
        assert_same_answers([whole.outputs], [parts.outputs])
        assert_same_gradients(whole.gradients, parts.gradients, 0, 1e-6)
        again = case.step(engine)
        for a, b in zip(whole.gradients, again.gradients, strict=True):
            np.testing.assert_equal(a, b)


MISTAKES = [
    ("run", "piece.put(some, states)", ""),
    ("run", "np.where(is_larger, piece.first,", "np.where(is_larger, 0,"),
    ("run", "total[rows] += more", "total[rows] = more"),
    ("gradient_in", "ends <= piece.stop", "ends <= piece.first"),
    ("gradient_in", "== piece.first", "!= piece.first"),
    ("reading", "self.n_steps - self.readout.start", "self.n_steps"),
]


@pytest.mark.parametrize(("function", "right", "wrong"), MISTAKES)
def test_planted_mistakes_are_seen(function, right, wrong, monkeypatch):
    from neurons.test_mistakes import Mistake, plant

    mistake = Mistake("lif", truncated._Whole, function, [(right, wrong)])
    plant(mistake, monkeypatch)
    with pytest.raises(AssertionError):
        for names, readout in networks("leaky gain"):
            case = truncated_case(names, readout, start=3)
            check_plain(restrained(case), "numpy")
        check_unequal("leaky gain", "graded", "numpy")


def test_the_gradient_of_thresholds_counts_once(engine, monkeypatch):
    """A soft count is measured in thresholds, which are none of a piece."""
    case = truncated_case(("lif", "lif"), "soft_count")
    monkeypatch.setattr(truncated, "add_threshold_gradient", lambda *args: None)
    with pytest.raises(AssertionError, match="threshold of layer 1"):
        check_autograd(case, engine)


def test_what_has_no_gradient_runs_whole(engine):
    case = truncated_case(("lif", "lif"), "spike_count", kind="trains")
    plain, pieces = case._replace(bptt_steps=None).engine(engine), case.engine(engine)
    assert isinstance(pieces, TruncatedEngine)
    for ours, theirs in zip(
        pieces.spikes(case.params, case.X),
        plain.spikes(case.params, case.X),
        strict=True,
    ):
        np.testing.assert_array_equal(ours, theirs)
