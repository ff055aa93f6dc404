"""Losses and their gradients, against scikit-learn and torch."""

import numpy as np
import pytest
from scipy.special import log_softmax
from sklearn.metrics import log_loss, mean_squared_error

from sklearn_snn._model.losses import LOSSES

N_SAMPLES, N_OUTPUTS = 20, 3
each_loss = pytest.mark.parametrize("name", LOSSES)


def data_of(name, rng, dtype=np.float64, size=2.0):
    """Return outputs, targets and weights that sum to 1."""
    outputs = rng.normal(0, size, (N_SAMPLES, N_OUTPUTS)).astype(dtype)
    targets = {
        "cross_entropy": rng.integers(0, N_OUTPUTS, N_SAMPLES),
        "logistic": rng.integers(0, 2, outputs.shape).astype(dtype),
        "squared_error": rng.normal(0, size, outputs.shape).astype(dtype),
    }[name]
    weights = rng.uniform(0.1, 2, N_SAMPLES)
    return outputs, targets, (weights / weights.sum()).astype(dtype)


def test_equal_to_scikit_learn(rng):
    """The first two of the probabilities that they are activated to."""
    z, y, w = data_of("cross_entropy", rng)
    loss = LOSSES["cross_entropy"]
    expected = log_loss(y, loss.activate(z), sample_weight=w, labels=range(N_OUTPUTS))
    assert loss.evaluate(z, y, w)[0] == pytest.approx(expected, rel=1e-12)

    z, y, w = data_of("logistic", rng)
    loss = LOSSES["logistic"]
    p = loss.activate(z)
    expected = sum(
        log_loss(y[:, k], p[:, k], sample_weight=w) for k in range(N_OUTPUTS)
    )
    assert loss.evaluate(z, y, w)[0] == pytest.approx(expected, rel=1e-12)

    z, y, w = data_of("squared_error", rng)
    expected = mean_squared_error(y, z, sample_weight=w) / 2
    got, _ = LOSSES["squared_error"].evaluate(z, y, w)
    assert got == pytest.approx(expected, rel=1e-12)


@each_loss
def test_equal_to_torch(name, rng):
    import oracles

    z, y, w = data_of(name, rng)
    outputs = oracles.torch.tensor(z, requires_grad=True)
    by_sample = oracles.LOSSES[name](outputs, oracles.torch.tensor(y))
    loss = (oracles.torch.tensor(w) * by_sample).sum()
    loss.backward()
    ours, gradient = LOSSES[name].evaluate(z, y, w)
    assert ours == pytest.approx(loss.item(), rel=1e-12)
    np.testing.assert_allclose(gradient, outputs.grad.numpy(), rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@each_loss
def test_types(name, dtype, rng):
    """The gradient is of the dtype of the network, and the loss a plain float."""
    outputs, targets, weights = data_of(name, rng, dtype)
    before = outputs.copy(), targets.copy(), weights.copy()
    loss, gradient = LOSSES[name].evaluate(outputs, targets, weights)
    assert type(loss) is float
    assert gradient.dtype == dtype
    for array, old in zip((outputs, targets, weights), before, strict=True):
        np.testing.assert_array_equal(array, old)
    if LOSSES[name].activate is not None:
        for function in (LOSSES[name].activate, LOSSES[name].log_activate):
            assert function(outputs).dtype == dtype


@each_loss
def test_weights_are_rows(name, rng):
    """And a sample of weight 0 is none."""
    z, y, _ = data_of(name, rng)
    weights = np.arange(N_SAMPLES) % 3
    rows = np.repeat(np.arange(N_SAMPLES), weights)
    loss, gradient = LOSSES[name].evaluate(z, y, weights.astype(float))
    repeated, by_row = LOSSES[name].evaluate(z[rows], y[rows], np.ones(len(rows)))
    assert loss == pytest.approx(repeated, rel=1e-12)
    summed = np.zeros_like(gradient)
    np.add.at(summed, rows, by_row)
    np.testing.assert_allclose(gradient, summed, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("name", ["cross_entropy", "logistic"])
def test_certain_outputs(name, dtype):
    """Right or wrong beyond all doubt: nothing overflows, and no gradient is lost."""
    z = np.array([[1e4, -1e4, 0], [-1e4, 1e4, 0]], dtype)
    y = {"cross_entropy": np.zeros(2, int), "logistic": np.eye(3, dtype=dtype)[[0, 0]]}
    loss, gradient = LOSSES[name].evaluate(z, y[name], np.ones(2, dtype))
    middle = 2 * np.log(2) if name == "logistic" else 0
    assert loss == pytest.approx(2e4 + middle, rel=1e-6)
    if name == "cross_entropy":
        expected = [[0, 0, 0], [-1, 1, 0]]
    else:
        expected = [[0, 0, 0.5], [-1, 1, 0.5]]
    np.testing.assert_allclose(gradient, expected, atol=1e-6)
    log_p = LOSSES[name].log_activate(z)
    assert np.isfinite(log_p).all()


@pytest.mark.parametrize("shape", [(4, 3), (2, 5, 3)])
def test_activations(shape, rng):
    """Of outputs at every step too; the softmax goes over the last axis."""
    z = rng.normal(size=shape)
    for name, total in (("cross_entropy", True), ("logistic", False)):
        p, log_p = LOSSES[name].activate(z), LOSSES[name].log_activate(z)
        np.testing.assert_allclose(np.exp(log_p), p, rtol=1e-12)
        assert np.allclose(p.sum(axis=-1), 1) == total
    softmax = LOSSES["cross_entropy"].activate(z)
    np.testing.assert_allclose(np.log(softmax), log_softmax(z, axis=-1), rtol=1e-9)
    np.testing.assert_allclose(LOSSES["logistic"].activate(z), 1 / (1 + np.exp(-z)))
