"""The integer dynamics, against an oracle in Python's integers."""

import numpy as np
import pytest
from quantized import CASES, N_STEPS, inputs, oracle, quantized, unit_of_outputs

from sklearn_snn.quantization._dynamics import IntegerNeuron

N_SAMPLES = 3


def whole_numbers(model, X):
    """Return what the first layer receives, of shape (n_samples, n_steps, n)."""
    x = np.asarray(model._levels_.of(X)).astype(int)
    if x.ndim == 2:
        x = np.repeat(x[:, np.newaxis], N_STEPS, axis=1)
    return x


@pytest.mark.parametrize("name", CASES)
def test_spikes_membranes_and_outputs_are_those_of_the_equations(name):
    case = CASES[name]
    model = quantized(name)
    X = inputs(case.kind)[:N_SAMPLES]
    record = model.simulate(X)
    for sample, x in enumerate(whole_numbers(model, X)):
        membranes, spikes, outputs = oracle(model, x)
        for layer in range(len(model.layers_)):
            np.testing.assert_array_equal(
                record.membranes[layer][sample], membranes[layer]
            )
            np.testing.assert_array_equal(record.spikes[layer][sample], spikes[layer])
        np.testing.assert_allclose(
            record.logits[sample, -1],
            np.array(outputs) * unit_of_outputs(model, N_STEPS),
            rtol=1e-13,
        )
        if case.target == "classes":
            answer = model.classes_[np.argmax(outputs)]
            assert model.predict(X)[sample] == answer
    hidden = record.spikes[0] if len(model.layers_) > 1 else record.membranes[0]
    assert hidden.any()


def test_a_case_saturates():
    """Both ways: else the case of that name would show nothing."""
    record = quantized("saturating").simulate(inputs("trains"))
    extremes = [(u.min(), u.max()) for u in record.membranes]
    assert min(low for low, _ in extremes) == -(2**15) + 1
    assert max(high for _, high in extremes) == 2**15 - 1


def test_leaks_round_as_is_said():
    v = np.array([-5, -4, -1, 0, 1, 4, 5])
    three_quarters = IntegerNeuron("zero", "multiply", 2, 16)
    np.testing.assert_array_equal(
        three_quarters.leaked(v, np.full(7, 3)), [-3, -3, 0, 0, 0, 3, 3]
    )
    halves = IntegerNeuron("zero", "power_of_two", 2, 16)
    np.testing.assert_array_equal(
        halves.leaked(v, np.full(7, 1)), [-2, -2, 0, 0, 1, 2, 3]
    )


def test_answers_do_not_depend_on_the_batch():
    model, X = quantized("recurrent_graded"), inputs("graded")
    whole = model.decision_function(X)
    parts = [model.decision_function(X[i : i + 7]) for i in range(0, 300, 7)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)
