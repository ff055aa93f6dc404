"""Sequences in pieces: state and carry are handed on, and all is as in one piece."""

import copy

import numpy as np
import pytest
from neurons.cases import ALL, telling, variants
from neurons.checks import N_STEPS, Sequence, assert_same_run

from sklearn_snn._utils.workspace import Workspace

each_dtype = pytest.mark.parametrize(
    ("dtype", "rtol"), [(np.float64, 1e-12), (np.float32, 1e-5)]
)


@pytest.mark.parametrize("sources", ["spikes", "membranes", "both"])
@each_dtype
@pytest.mark.parametrize("name", ALL)
def test_pieces_are_the_whole(name, dtype, rtol, sources):
    for choices in variants(name):
        sequence = Sequence(name, dtype, sources, **choices)
        whole = sequence.run()
        with telling(choices):
            for cut in range(1, N_STEPS):
                assert_same_run(sequence.run(cut), whole, rtol)
            assert_same_run(sequence.run(*range(1, N_STEPS)), whole, rtol)


@pytest.mark.parametrize("name", ALL)
def test_what_is_given_stays_as_it_is(name):
    """State, constants and gradients: others use them too."""
    for choices in variants(name, surrogate="atan"):
        sequence = Sequence(name, np.float64, **choices)
        before = copy.deepcopy(vars(sequence))
        sequence.run(4)
        np.testing.assert_equal(vars(sequence), before)


@pytest.mark.parametrize("name", ALL)
def test_memory_that_is_shared(name):
    """Membranes may replace the currents, and deltas the gradients by the spikes."""
    for choices in variants(name, surrogate="atan"):
        sequence = Sequence(name, np.float64, **choices)
        tape, state, delta, carry, gradients = sequence.run()
        neuron, grads = sequence.neuron, sequence.grads
        shared = {key: np.empty_like(array) for key, array in tape.items()}
        shared["membrane"] = sequence.current
        end = neuron.forward(sequence.p, sequence.current, sequence.state, shared)
        arguments = shared, sequence.state, None, grads[0], Workspace()
        more, first = neuron.backward(sequence.p, grads, *arguments)
        with telling(choices):
            assert_same_run(
                (shared, end, grads[0], first, more),
                (tape, state, delta, carry, gradients),
                1e-12,
            )


@pytest.mark.parametrize("name", ALL)
def test_decayed_deltas_do_not_become_subnormal(name):
    """They would make the matrix products that follow several times slower."""
    for choices in variants(name, surrogate="atan"):
        sequence = Sequence(name, np.float32, "membranes", **choices)
        n_steps, rest = 500, sequence.current.shape[1:]
        current = np.zeros((n_steps, *rest), np.float32)
        tape = {key: np.empty_like(current) for key in sequence.neuron.tape}
        # Short memories, and hardly an adaptation, which would oscillate.
        small = dict.fromkeys(sequence.neuron.leaks, 0.5) | {"a": 0.01, "b": 0.01}
        p = {k: np.full_like(c, small.get(k, 0.6)) for k, c in sequence.p.items()}
        state = tuple(np.zeros((sequence.neuron.n_states, *rest), np.float32))
        sequence.neuron.forward(p, current, state, tape)
        m, delta = np.zeros_like(current), np.empty_like(current)
        m[-1] = 1  # and nothing but its decay before it
        arguments = tape, state, None, delta, Workspace()
        sequence.neuron.backward(p, (None, m), *arguments)
        nonzero = np.abs(delta[delta != 0])
        with telling(choices):
            assert len(nonzero) > 20 * delta[0].size
            assert nonzero.min() > np.finfo(np.float32).tiny
            assert not delta[0].any()
