"""Readouts: outputs of what was read over time, final and running."""

import numpy as np
import pytest

from sklearn_snn._model.readouts import STATISTICS, Readout

N_STEPS, START = 12, 3
DTYPES = np.float64, np.float32
CHOICES = [
    Readout(name, scale, is_signed, start, True)
    for name in STATISTICS
    for scale in ("auto", 3.0)
    for is_signed in (False, True)
    for start in (0, START)
]
each_readout = pytest.mark.parametrize("readout", CHOICES, ids=str)


def tape_of(readout, dtype, rng, n_samples=4, n_outputs=3):
    """Return a tape of an output layer; what is not read must not count."""
    shape = N_STEPS, n_samples, n_outputs
    u = rng.normal(0.3, 1, shape).astype(dtype)
    tape = {"membrane": u, "spikes": (u > 0.5).astype(dtype)}
    for array in tape.values():
        array[: readout.start] = np.nan
    if not readout.counts:
        tape["spikes"][:] = np.nan
    return tape


def threshold_of(n_outputs=3):
    return np.linspace(0.5, 1.5, n_outputs)


def final_of(readout, tape):
    n_outputs = tape["membrane"].shape[2]
    return readout.outputs(readout.read(tape), threshold_of(n_outputs), N_STEPS)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", DTYPES)
@each_readout
def test_running_outputs_end_at_the_final_ones(readout, dtype, order, rng):
    """To the bit, as an answer after the last step must not differ from the answer."""
    tape = tape_of(readout, dtype, rng)
    final = final_of(readout, tape)
    assert final.dtype == dtype
    record = {name: tape[name] for name in readout.reads}
    steps = readout.running(record, threshold_of(), tape["membrane"].dtype, order)
    stages = [outputs.copy() for outputs in steps]
    assert len(stages) == N_STEPS
    assert all(outputs.dtype == dtype for outputs in stages)
    assert np.isfinite(stages).all()
    for outputs in stages[: readout.start]:
        np.testing.assert_array_equal(outputs, np.zeros_like(outputs))
    np.testing.assert_array_equal(stages[-1], final)


def by_hand(readout, u, s):
    """Return the outputs of membranes and spikes of the steps that are read."""
    is_count = readout.name in ("spike_count", "soft_count")
    scale = readout.scale
    if scale == "auto":
        scale = 10 / (N_STEPS - readout.start) if is_count else 1
    soft = u.mean(axis=0) / threshold_of()
    middle = len(u) / 2 if readout.is_signed else 0
    if readout.name == "spike_count":
        return scale * (s.sum(axis=0) + np.tanh(soft) / 2 - middle)
    if readout.name == "soft_count":
        return scale * (s.sum(axis=0) + soft - middle)
    if readout.name == "softmax_mean":
        powers = np.exp(scale * u)
        if readout.is_signed:
            p = (powers / (1 + powers)).mean(axis=0)
            return np.log(p / (1 - p))
        return np.log((powers / powers.sum(axis=2, keepdims=True)).mean(axis=0))
    return (
        scale
        * {
            "membrane_mean": u.mean(axis=0),
            "membrane_last": u[-1],
            "membrane_max": u.max(axis=0),
        }[readout.name]
    )


@each_readout
def test_running_outputs_by_hand(readout, rng):
    """A count grows, from the middle that its sign is told from; a mean is one."""
    tape = tape_of(readout, np.float64, rng)
    u = tape["membrane"]
    s = (u > 0.5).astype(float)
    steps = readout.running(tape, threshold_of(), u.dtype)
    for n_done, outputs in enumerate(steps, 1):
        if n_done > readout.start:
            rows = slice(readout.start, n_done)
            expected = by_hand(readout, u[rows], s[rows])
            np.testing.assert_allclose(outputs, expected, rtol=1e-12, atol=1e-12)


def test_signs_of_counts_are_balanced():
    """A neuron that fires at half of the steps does not say which."""
    readout = Readout("spike_count", "auto", is_signed=True)
    spikes = np.zeros((N_STEPS, 1, 3))
    spikes[:6, 0, 1] = spikes[:, 0, 2] = 1
    tape = {"spikes": spikes, "membrane": np.zeros_like(spikes)}
    assert final_of(readout, tape).tolist() == [[-5, 0, 5]]


@pytest.mark.parametrize("name", ["spike_count", "soft_count"])
def test_equal_counts_are_told_apart_by_membranes(name):
    """And never is a spike outweighed by them, where it is the count that answers."""
    spikes, u = np.zeros((N_STEPS, 1, 3)), np.zeros((N_STEPS, 1, 3))
    spikes[:2, 0, :2] = 1
    u[:, 0] = 0.1, 0.3, 30.0
    answer = final_of(
        Readout(name, breaks_ties=True), {"spikes": spikes, "membrane": u}
    )[0]
    assert answer[1] > answer[0]
    assert (answer[1] > answer[2]) == (name == "spike_count")
    before = final_of(Readout("spike_count"), {"spikes": spikes, "membrane": u})[0]
    assert before[0] == before[1]


@pytest.mark.parametrize("is_signed", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
def test_certain_steps_have_finite_logits(dtype, is_signed):
    """Where all steps agree, the mean probability rounds to 0 or 1."""
    readout = Readout("softmax_mean", is_signed=is_signed)
    u = np.zeros((N_STEPS, 1, 3), dtype) + np.array([-1e4, 0, 1e4], dtype)
    tape = {"membrane": u, "spikes": np.zeros_like(u)}
    outputs = final_of(readout, tape)
    assert np.isfinite(outputs).all()
    grads = readout.backward(tape, readout.read(tape), np.ones_like(outputs), None)
    assert np.isfinite(grads[1]).all()


@pytest.mark.parametrize("dtype", DTYPES)
@each_readout
def test_the_order_of_a_sum_does_not_depend_on_the_shape(readout, dtype, rng):
    """Sample by sample, and output by output where each is read alone: to the bit."""
    tape = tape_of(readout, dtype, rng, n_samples=70, n_outputs=33)
    together = readout.read(tape)
    is_softmax = readout.name == "softmax_mean" and not readout.is_signed
    parts = [slice(None)] if is_softmax else [slice(None), slice(0, 1), slice(5, 22)]
    for i in (0, 1, 69):
        for columns in parts:
            part = {k: a[:, i : i + 1, columns].copy() for k, a in tape.items()}
            alone = readout.read(part)
            for ours, theirs in zip(alone[:2], together[:2], strict=True):
                np.testing.assert_array_equal(ours, theirs[i : i + 1, columns])


@each_readout
def test_outputs_leave_the_reading_as_it_is(readout, rng):
    """Others go on adding to it."""
    reading = readout.read(tape_of(readout, np.float64, rng))
    before = [a.copy() for a in reading[:2]]
    readout.outputs(reading, threshold_of(), N_STEPS)
    for now, then in zip(reading[:2], before, strict=True):
        np.testing.assert_array_equal(now, then)
