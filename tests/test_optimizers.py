"""Optimizers against torch.optim, on arrays of several shapes."""

import math

import numpy as np
import pytest
from networks import lif, network_of

from sklearn_snn._engines.compiled.engine import NumbaEngine
from sklearn_snn._engines.numpy_engine import NumpyEngine
from sklearn_snn._training.optimizers import (
    SCHEDULES,
    SGD,
    Adam,
    clip_by_norm,
    clip_by_value,
    norms,
)
from sklearn_snn._utils.workspace import side_by_side

SHAPES = [(4, 6), (6,), (1, 1)]


@pytest.fixture(scope="module")
def torch():
    """Return what the optimizers are compared with."""
    return pytest.importorskip("torch")


def run_both(torch, name, ours, rng, **kwargs):
    """Return parameters after ten steps with the same gradients."""
    params = [rng.normal(size=s) for s in SHAPES]
    tensors = [torch.tensor(p) for p in params]
    optimizer = ours(params)
    reference = getattr(torch.optim, name)(tensors, lr=0.01, **kwargs)
    for _ in range(10):
        grads = [rng.normal(size=s) for s in SHAPES]
        optimizer.update(grads, 0.01)
        for tensor, grad in zip(tensors, grads, strict=True):
            tensor.grad = torch.tensor(grad)
        reference.step()
    return params, [t.numpy() for t in tensors]


def test_adam(torch, rng):
    ours, theirs = run_both(torch, "Adam", Adam, rng)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("nesterov", [False, True])
def test_sgd(momentum, nesterov, torch, rng):
    ours, theirs = run_both(
        torch,
        "SGD",
        lambda params: SGD(params, momentum, nesterov),
        rng,
        momentum=momentum,
        nesterov=nesterov and momentum > 0,
    )
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


@pytest.mark.parametrize("optimizer", [SGD, Adam])
def test_a_parameter_moves_in_its_unit(optimizer, rng):
    one, other = np.zeros(4), np.zeros(4)
    with_units = optimizer([one, other], scales=[1.0, 1000.0])
    for _ in range(3):
        g = rng.normal(size=4)
        with_units.update([g, g.copy()], 0.01)
    assert one.all()
    np.testing.assert_allclose(other, 1000 * one, rtol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("engine", [NumpyEngine, NumbaEngine])
def test_arrays_that_lie_behind_each_other_take_a_step_alike(dtype, engine, rng):
    """To the bit, each in its unit; so do others, and whatever their gradients are."""
    shapes, units = [(4, 6), (150, 200), (6,), (3,), (5,)], [3.0, 0.7, 0.1, 2.0, 1.0]
    together = side_by_side(shapes[:3], dtype)
    # Of another type, as constants of neurons are, and by itself.
    together += [np.empty(3), np.empty(5, dtype)]
    for array in together:
        array[...] = rng.normal(size=array.shape)
    params = [together, [p.copy() for p in together], [p.copy() for p in together]]
    takes = engine(network_of(lif(), (4, 6, 3), 1.0), 5).take_adam_step
    states = []
    for arrays, take_step in zip(params, (takes, takes, None), strict=True):
        kwargs = {} if take_step is None else {"take_step": take_step}
        optimizer = Adam(arrays, scales=units, **kwargs)
        random = np.random.default_rng(0)
        for n in range(4):
            grads = [random.normal(size=a.shape).astype(a.dtype) for a in arrays]
            if n % 2:
                grads[0] = np.asfortranarray(grads[0])
            else:
                grads[:3] = joined(grads[:3])
            optimizer.update(grads, 0.01)
            if n == 1:
                optimizer.restore(optimizer.state())
        states.append(optimizer.state())
    assert [state["t"] for state in states] == [4] * 3
    kinds = params, *([s[name] for s in states] for name in ("ms", "vs"))
    for ours, *others in kinds:
        for theirs in others:
            for one, other in zip(ours, theirs, strict=True):
                np.testing.assert_array_equal(one, other, strict=True)


def test_arrays_that_could_not_be_changed_in_place_are_refused():
    with pytest.raises(ValueError, match="C-contiguous"):
        Adam([np.zeros((4, 6)).T])


def joined(arrays):
    """Return copies that lie behind each other."""
    copies = side_by_side([a.shape for a in arrays], arrays[0].dtype)
    for copy, array in zip(copies, arrays, strict=True):
        copy[...] = array
    return copies


@pytest.mark.parametrize("optimizer", [SGD, Adam])
def test_parameters_keep_their_type_and_memory(optimizer):
    params = [np.ones((2, 2), dtype=np.float32)]
    address = params[0].ctypes.data
    optimizer(params).update([np.ones((2, 2), dtype=np.float32)], 0.1)
    assert params[0].dtype == np.float32
    assert params[0].ctypes.data == address
    assert (params[0] < 1).all()


def test_clip_by_value(rng):
    grads = [rng.normal(size=s) for s in SHAPES]
    expected = [np.clip(g, -0.5, 0.5) for g in grads]
    clip_by_value(grads, 0.5)
    for g, e in zip(grads, expected, strict=True):
        np.testing.assert_array_equal(g, e)


@pytest.mark.parametrize("limit", [0.1, 1e6])
def test_clip_by_norm(limit, torch, rng):
    grads = [rng.normal(size=s) for s in SHAPES]
    tensors = [torch.zeros(s) for s in SHAPES]
    for tensor, grad in zip(tensors, grads, strict=True):
        tensor.grad = torch.tensor(grad, dtype=torch.float32)
    torch.nn.utils.clip_grad_norm_(tensors, limit)
    clip_by_norm(grads, limit, math.hypot(*norms(grads)))
    for g, t in zip(grads, tensors, strict=True):
        np.testing.assert_allclose(g, t.grad.numpy(), rtol=1e-4)


def test_norms_do_not_overflow():
    grads = [np.full(3, 1e25, dtype=np.float32), np.zeros(2, dtype=np.float32)]
    assert math.hypot(*norms(grads)) == pytest.approx(np.sqrt(3) * 1e25)
    assert not math.isfinite(math.hypot(*norms([np.array([np.nan])])))


def test_schedules():
    for name in ("constant", "adaptive"):
        assert [SCHEDULES[name](p, 7, 0.5) for p in (0, 0.5, 1)] == [1, 1, 1]
    cosine = [SCHEDULES["cosine"](p, 7, 0.5) for p in (0, 0.25, 0.5, 1)]
    expected = [1, (1 + math.sqrt(0.5)) / 2, 0.5, 0]
    np.testing.assert_allclose(cosine, expected, atol=1e-12)
    falling = [SCHEDULES["invscaling"](0.3, n, 0.5) for n in (0, 3, 8)]
    np.testing.assert_allclose(falling, [1, 1 / 2, 1 / 3])


@pytest.mark.parametrize("make", [Adam, SGD])
def test_a_restored_optimizer_goes_on(make, rng):
    whole = [rng.normal(size=(3, 2)), rng.normal(size=2)]
    start = [p.copy() for p in whole]
    steps = [[rng.normal(size=p.shape) for p in whole] for _ in range(4)]
    optimizer = make(whole)
    for grads in steps:
        optimizer.update(grads, 0.1)
    first = make(start)
    for grads in steps[:2]:
        first.update(grads, 0.1)
    state = first.state()
    second = make([p.copy() for p in start])
    second.restore(state)
    first.update(steps[0], 0.1)  # must not change what was saved
    for grads in steps[2:]:
        second.update(grads, 0.1)
    for a, b in zip(second.params, whole, strict=True):
        np.testing.assert_array_equal(a, b)
