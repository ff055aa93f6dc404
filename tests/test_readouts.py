"""Readouts: outputs of sums over time, final and running."""

import numpy as np
import pytest

from sklearn_snn._model.readouts import OBSERVABLES, Readout

N_STEPS = 12
DTYPES = np.float64, np.float32
CHOICES = [
    Readout(name, scale, is_signed)
    for name in OBSERVABLES
    for scale in ("auto", 3.0)
    for is_signed in (False, True)
]
each_readout = pytest.mark.parametrize("readout", CHOICES, ids=str)


def tape_of(readout, dtype, rng, n_samples=4, n_outputs=3):
    """Return a tape of an output layer; what is not observed must not count."""
    shape = N_STEPS, n_samples, n_outputs
    tape = {"membrane": np.full(shape, np.nan, dtype), "spikes": np.full(shape, np.nan)}
    observed = rng.normal(0.3, 1, shape)
    if readout.observes == "spikes":
        observed = observed > 0.5
    return tape | {readout.observes: observed.astype(dtype)}


@pytest.mark.parametrize("dtype", DTYPES)
@each_readout
def test_running_outputs_end_at_the_final_ones(readout, dtype, rng):
    """To the bit, as an answer after the last step must not differ from the answer."""
    tape = tape_of(readout, dtype, rng)
    observed = tape[readout.observes]
    final = readout.outputs(readout.sum_of(tape), N_STEPS)
    assert final.dtype == dtype
    total = np.zeros_like(observed[0])
    for t, at_step in enumerate(observed):
        total += at_step
        running = readout.outputs(total, N_STEPS, t + 1)
        assert running.dtype == dtype
    np.testing.assert_array_equal(running, final)


@each_readout
def test_running_outputs_by_hand(readout, rng):
    """A count grows, from the middle that its sign is told from; a mean is one."""
    observed = tape_of(readout, np.float64, rng)[readout.observes]
    for n_done in (1, 5, N_STEPS):
        got = readout.outputs(observed[:n_done].sum(axis=0), N_STEPS, n_done)
        if readout.observes == "membrane":
            scale = 1 if readout.scale == "auto" else readout.scale
            expected = scale * observed[:n_done].mean(axis=0)
        else:
            scale = 10 / N_STEPS if readout.scale == "auto" else readout.scale
            middle = n_done / 2 if readout.is_signed else 0
            expected = scale * (observed[:n_done].sum(axis=0) - middle)
        np.testing.assert_allclose(got, expected, rtol=1e-12, atol=1e-12)


@each_readout
def test_the_factor_is_the_derivative(readout):
    """Of each output by each step of what is observed."""
    more = readout.outputs(np.ones((1, 1)), N_STEPS)
    none = readout.outputs(np.zeros((1, 1)), N_STEPS)
    assert (more - none).item() == pytest.approx(readout.factor(N_STEPS), rel=1e-12)


def test_signs_of_counts_are_balanced():
    """A neuron that fires at half of the steps does not say which."""
    readout = Readout("spike_count", "auto", is_signed=True)
    outputs = readout.outputs(np.array([[0.0, 6.0, 12.0]]), N_STEPS)
    assert outputs.tolist() == [[-5, 0, 5]]


@pytest.mark.parametrize("dtype", DTYPES)
@each_readout
def test_the_order_of_a_sum_does_not_depend_on_the_shape(readout, dtype, rng):
    """Sample by sample and output by output, to the bit."""
    tape = tape_of(readout, dtype, rng, n_samples=70, n_outputs=33)
    together = readout.sum_of(tape)
    for i in (0, 1, 69):
        for columns in (slice(None), slice(0, 1), slice(5, 22)):
            part = {name: array[:, i : i + 1, columns] for name, array in tape.items()}
            alone = readout.sum_of({k: a.copy() for k, a in part.items()})
            np.testing.assert_array_equal(alone, together[i : i + 1, columns])


@each_readout
def test_outputs_leave_the_total_as_it_is(readout, rng):
    """Others go on adding to it."""
    total = readout.sum_of(tape_of(readout, np.float64, rng))
    before = total.copy()
    readout.outputs(total, N_STEPS, 5)
    np.testing.assert_array_equal(total, before)
