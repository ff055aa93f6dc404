"""Samples of unequal length: each as if it were alone, in both engines, to the bit."""

import numpy as np
import pytest
from networks import assert_same_gradients
from neurons.cases import (
    COUNTED,
    FIRING,
    INTEGRATED,
    LOSSES,
    MORE_READOUTS,
    N_FEATURES,
    READOUTS,
    case_of,
    telling,
    with_readout,
)
from neurons.test_agreement import check_engines

from sklearn_snn import EventSequences, Sequences
from sklearn_snn._engines.compiled import packing
from sklearn_snn._model.restraint import Restraint

LENGTHS = np.array([9, 4, 12, 5, 12, 7, 4])
KINDS = "spikes", "graded", "mixed", "events"


def unequal(names, readout, kind="graded", start=0, is_restrained=False, **choices):
    """Return a case whose samples have `LENGTHS`; "mixed" has some of spikes."""
    n_samples, dtype = len(LENGTHS), choices.get("dtype", np.float64)
    case = case_of(names, readout, n_samples=n_samples, n_steps=12, **choices)
    rng = np.random.default_rng(7)
    graded = rng.normal(0.2, 0.5, (LENGTHS.sum(), N_FEATURES)).astype(dtype)
    spikes = rng.random(graded.shape) < 0.4
    if kind == "events":
        sample = np.repeat(np.arange(n_samples), LENGTHS)
        row, unit = np.nonzero(spikes)
        steps = np.concatenate([np.arange(n) for n in LENGTHS])
        indptr = np.searchsorted(sample[row], np.arange(n_samples + 1))
        X = EventSequences(
            steps[row], unit, indptr, lengths=LENGTHS, n_units=N_FEATURES
        )
    else:
        values = {"graded": graded, "spikes": spikes.astype(np.uint8)}.get(kind)
        if kind == "mixed":
            values = graded.copy()
            values[: LENGTHS[0]] = spikes[: LENGTHS[0]]
        X = Sequences.of_lengths(values, LENGTHS)
    restraint = case.restraint
    if is_restrained:
        hidden = case.network.layers[:-1]
        kept = [rng.random((n_samples, layer.n_units)) < 0.7 for layer in hidden]
        bounds = np.array([[0.05, 0.1], [0.4, 0.6]])[: len(hidden)]
        restraint = Restraint(kept, bounds, 30.0)
    return with_readout(case._replace(X=X, restraint=restraint), start=start)


def alone(case, i):
    """Return the case of a sample alone, of an array as long as it is."""
    rows = slice(i, i + 1)
    X = case.X[rows].padded()
    return case._replace(
        n_steps=X.shape[1],
        X=X,
        targets=case.targets[rows],
        shares=case.shares[rows],
        restraint=case.restraint.take(rows),
    )


def outputs(case, engine):
    """Return the answers, and the running ones."""
    made = case.engine(engine)
    return made.run(case.params, case.X)


def networks(name):
    both = READOUTS | MORE_READOUTS
    return [((name, last), readout) for readout, last in both.items()]


def check_alone(case, engine):
    """Compare answers with those of each sample alone, and gradients with their sum."""
    step, answers = case.step(engine), outputs(case, engine)
    parts = [alone(case, i) for i in range(len(LENGTHS))]
    by_sample = np.concatenate([outputs(part, engine) for part in parts])
    np.testing.assert_array_equal(answers, by_sample)
    steps = [part.step(engine) for part in parts]
    by_sample = np.concatenate([s.outputs for s in steps])
    np.testing.assert_array_equal(step.outputs, by_sample)
    assert step.loss == pytest.approx(sum(s.loss for s in steps), rel=1e-12)
    assert step.penalty == pytest.approx(sum(s.penalty for s in steps), rel=1e-12)
    for n, of_parts in zip(
        step.n_spikes, zip(*(s.n_spikes for s in steps), strict=True), strict=True
    ):
        np.testing.assert_array_equal(n, np.sum(of_parts, axis=0))
    total = [
        {name: sum(s.gradients[i][name] for s in steps) for name in gradient}
        for i, gradient in enumerate(step.gradients)
    ]
    assert_same_gradients(step.gradients, total, 0, 1e-12)
    spikes = case.engine(engine).spikes(case.params, case.X)
    for i, part in enumerate(parts):
        for ours, theirs in zip(spikes, part.spikes(engine), strict=True):
            theirs = theirs.transpose(1, 0, 2)[0]
            np.testing.assert_array_equal(ours[i, : len(theirs)], theirs)
            assert not ours[i, len(theirs) :].any()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", FIRING)
def test_each_sample_as_if_it_were_alone(name, kind, engine):
    for names, readout in networks(name):
        for start in (0, 3):
            case = unequal(names, readout, kind, start)
            with telling(names, readout, start):
                check_alone(case, engine)


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_and_scale(loss, engine):
    for names, readout in networks("leaky gain"):
        for scale in ("auto", 0.7):
            case = with_readout(unequal(names, readout, loss=loss), scale=scale)
            with telling(names, readout, scale):
                check_alone(case, engine)


@pytest.mark.parametrize("recurrent", [False, True])
def test_what_holds_spikes_back(recurrent, engine):
    """Rates are those of the steps that there are."""
    for last, readout in ((COUNTED, "soft_count"), (INTEGRATED, "membrane_mean")):
        for kind in ("spikes", "graded"):
            names = "leaky gain", "leaky gain", last
            case = unequal(
                names, readout, kind, is_restrained=True, recurrent=recurrent
            )
            with telling(readout, kind):
                check_alone(case, engine)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_engines_agree(dtype, kind):
    for names, readout in networks("leaky gain"):
        if readout != "softmax_mean":  # whose exponentials may be rounded otherwise
            with telling(names, readout):
                check_engines(unequal(names, readout, kind, dtype=dtype), dtype)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", FIRING)
def test_events_by_step_by_input_or_some_of_each_are_the_same(name, kind, monkeypatch):
    for (_, last), readout in networks(name):
        case = unequal((name, name, last), readout, kind, is_restrained=True)
        steps = packing.pack(case.params, has_events=True).steps_by_step
        assert (steps[1:] >= LENGTHS.max()).all()
        by_step = case.step("numba")
        for changes in ({"MOST_BY_STEP": 0}, {"_NEAREST_CACHE": 0, "_FEW_STEPS": 7}):
            with monkeypatch.context() as patch:
                for constant, value in changes.items():
                    patch.setattr(packing, constant, value)
                other = case.step("numba")
            with telling(name, readout, changes):
                assert by_step.loss == other.loss
                assert_same_gradients(by_step.gradients, other.gradients, 0, 0)
                for n, known in zip(by_step.n_spikes, other.n_spikes, strict=True):
                    np.testing.assert_array_equal(n, known)


@pytest.mark.parametrize("kind", KINDS)
def test_order_and_batch(kind, engine):
    case = unequal(("leaky gain", INTEGRATED), "membrane_max", kind, dtype=np.float32)
    whole, order = outputs(case, engine), np.random.default_rng(0).permutation(7)
    for rows in (order, order[:3], slice(1, 2), slice(3, 7)):
        X = case.X[rows]
        some = case._replace(X=X, n_steps=X.shape[1])
        np.testing.assert_array_equal(outputs(some, engine), whole[rows])


def test_running_answers_stay_when_a_sample_ends(engine):
    from sklearn_snn._model.network import running_answers

    for names, readout in networks("leaky gain"):
        case = unequal(names, readout, start=2)
        made = case.engine(engine)
        record = made.read_out(case.params, case.X)
        steps = [
            a.copy()
            for a in running_answers(
                case.network, case.params, record, lengths=case.X.lengths
            )
        ]
        with telling(names, readout):
            np.testing.assert_array_equal(steps[-1], outputs(case, engine))
            for i, n in enumerate(LENGTHS):
                for t in range(n, 12):
                    np.testing.assert_array_equal(steps[t][i], steps[n - 1][i])


@pytest.mark.parametrize("engine", ["numpy", "numba"])
def test_the_first_guess_is_that_of_the_steps_there_are(engine):
    """Padding would halve the deviation of membranes, and so double the weights."""
    case = unequal(("leaky gain", COUNTED), "spike_count", kind="graded")
    weights, guesses = np.full(7, 1.0), []
    long = np.zeros((7, 50, N_FEATURES))
    long[:, :12] = case.X.padded()
    for X in (
        case.X,
        Sequences(long.reshape(-1, N_FEATURES), 50 * np.arange(7), LENGTHS),
    ):
        params = [dict(p) for p in case.params]
        for p in params:
            p["coef"], p["intercept"] = p["coef"].copy(), p["intercept"].copy()
        made = case._replace(X=X).engine(engine)
        guesses.append((made.first_guess(params, X, weights), params))
    assert guesses[0][0] == guesses[1][0]
    np.testing.assert_equal(guesses[0][1], guesses[1][1])
    shares = np.repeat(1 / LENGTHS, LENGTHS)[:, np.newaxis] / 7
    values = case.X.values @ case.params[0]["coef"]
    mean = (values * shares).sum(axis=0)
    scale = guesses[0][0][0][0]
    p = guesses[0][1][0]
    neuron = case.network.layers[0].neuron
    wanted = p["threshold"] / neuron.response(p, 12)
    np.testing.assert_allclose(p["intercept"], wanted - scale * mean, rtol=1e-6)
