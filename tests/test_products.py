"""What compiled code multiplies with the first weights: tables, and fractions."""

import ctypes
from types import SimpleNamespace

import numpy as np
import pytest
from networks import (
    assert_same_gradients,
    both_engines,
    initial_params,
    lif,
    network_of,
)
from numba import njit, typeof
from scipy import sparse

from sklearn_snn import _compat
from sklearn_snn._engines import make_engine
from sklearn_snn._engines.blas import single_threaded_blas
from sklearn_snn._engines.compiled import chunks, products, ready, running
from sklearn_snn._inputs.sequences import Sequences
from sklearn_snn._model.readouts import Readout

N_STEPS, N_FEATURES, SIZES = 9, 21, [21, 8, 3]


def fractions(rng, n_samples, n_steps=N_STEPS, n_features=N_FEATURES, dtype=float):
    return rng.normal(0.2, 0.6, (n_samples, n_steps, n_features)).astype(dtype)


def learn(engine, params, X):
    n = X.shape[0]
    y, weights = np.arange(n) % 3, np.linspace(0.5, 1, n) / n
    return engine.loss_and_gradients(params, X, y, weights)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_products_are_those_of_numpy(dtype, rng):
    """To the bit, also of vectors, which the BLAS multiplies in another way."""
    matmul = _compat.numpy_matmul(np.dtype(dtype))
    assert matmul != 0
    forward, back = (njit(f) for f in (_forward, _back))
    shapes = [(1, 7, 9), (100, 64, 128), (250, 13, 33), (3, 1, 2), (17, 300, 2)]
    for n, k, m in shapes:
        x, y, delta = (
            rng.normal(size=shape).astype(dtype) for shape in ((n, k), (k, m), (n, m))
        )
        out, gradient = np.empty((n, m), dtype), np.empty(k * m, dtype)
        with single_threaded_blas():
            forward(matmul, x, y, out)
            back(matmul, x, delta, gradient)
            np.testing.assert_array_equal(out, x @ y)
            np.testing.assert_array_equal(gradient.reshape(k, m), x.T @ delta)


def _forward(matmul, x, y, out):
    products._multiply_rows(matmul, x, y, 0, len(x), out, 0)


def _back(matmul, x, delta, gradient):
    products._gradient_of_rows(matmul, x, delta, 0, len(x), gradient)


def test_a_ufunc_that_is_another_thing_has_no_address(monkeypatch):
    double, find = np.dtype(float), _compat.numpy_matmul.__wrapped__
    assert find(double) == _compat.numpy_matmul(double) != 0
    assert find(np.dtype(np.float32)) not in (0, find(double))
    assert find(np.dtype("m8")) == 0
    for other in (np.add, np.negative, np.vecdot, np.dot, np.frompyfunc(abs, 1, 1)):
        with monkeypatch.context() as patch:
            patch.setattr(_compat.np, "matmul", other)
            assert find(double) == 0


@pytest.mark.parametrize(
    ("field", "value"),
    [("name", b"other"), ("types", None), ("data", None), ("functions", None)],
)
def test_fields_that_are_not_what_numpy_says(field, value, monkeypatch):
    """Of a copy, as a ufunc is not to be changed."""
    size = ctypes.sizeof(_compat._UFunc)
    copy = _compat._UFunc.from_buffer_copy(ctypes.string_at(id(np.matmul), size))
    find, double = _compat.numpy_matmul.__wrapped__, np.dtype(float)
    monkeypatch.setattr(_compat._UFunc, "from_address", lambda address: copy)
    assert find(double) == _compat.numpy_matmul(double)
    setattr(copy, field, value)
    assert find(double) == 0


@pytest.fixture
def ways(monkeypatch):
    """Return a set of whether calls that begin with currents multiplied."""
    found, run_currents = set(), chunks.run_currents

    def record(*args):
        found.add(args[4] != 0)
        run_currents(*args)

    monkeypatch.setattr(chunks, "run_currents", record)
    return found


def test_what_compiled_code_multiplies(rng, ways):
    """All that is no spikes, no counts, not sparse, and has more than a column.

    Of many samples it is a few that tell, and not more than are asked at a time.
    """
    table, X = rng.random((20, N_FEATURES)), fractions(rng, 20)
    counts, quiet = np.rint(3 * np.abs(X)), X.copy()
    quiet[3, 1:] = quiet[5] = 0
    late, starts = X.copy(), np.arange(20) * N_STEPS
    late[::2, :5] = 0
    lists = Sequences(X.reshape(-1, N_FEATURES), starts, 1 + np.arange(20) % N_STEPS)
    mixed = np.where(np.arange(20)[:, np.newaxis, np.newaxis] == 7, counts, X)

    def ways_of(X, task=learn, sizes=SIZES, bptt_steps=None):
        params = initial_params(lif(), sizes, float, 0)
        network = network_of(lif(), sizes, 0.5)
        ways.clear()
        task(make_engine("numba", network, N_STEPS, bptt_steps), params, X)
        return {*ways}

    def answer(engine, params, X):
        return engine.run(params, X)

    for some in (table, X, late, lists, X.astype(np.float32)):
        assert ways_of(some) == {True}
        assert ways_of(some, answer) == {True}
        assert ways_of(some, sizes=[N_FEATURES, 1, 3]) == {False}
    assert ways_of(X, bptt_steps=4) == ways_of(table, bptt_steps=4) == {True}
    many = np.tile(X, (20, 1, 1))
    assert ways_of(many, answer) == {True}
    many[-1] = 1
    for others in (counts, mixed, quiet, many, sparse.csr_array(table)):
        assert ways_of(others) == ways_of(others, answer) == {False}


def test_spikes_are_not_looked_through(rng, monkeypatch):
    """Where the first are some, of a large batch no copies are made."""
    n_looked_at, are_fractional = [], ready.are_fractional

    def record(numbers):
        n_looked_at.append(numbers.size)
        return are_fractional(numbers)

    monkeypatch.setattr(ready, "are_fractional", record)
    X = (rng.random((2000, 8, 30)) < 0.1).astype(np.float32)
    lengths, weights = np.full(2000, 8), np.ones((30, 4), np.float32)
    assert not ready.kernel_multiplies(X, lengths, weights)
    assert max(n_looked_at) <= 256 * 30
    over = Sequences(X[:2].reshape(-1, 30) + 0.5, [0, 8], [8, 8]).between(8, 9)
    assert not ready.kernel_multiplies(over, over.lengths, weights)
    assert sum(n_looked_at) <= 256 * 30 * 8
    huge = np.full((3, 8, 30), 1e300)
    assert ready.kernel_multiplies(huge, lengths[:3], weights)  # infinite: no count


@pytest.mark.parametrize("n_steps", [1, 100])
@pytest.mark.parametrize("order", ["F", "strided"])
def test_weights_in_another_order(order, n_steps, rng):
    """With these the BLAS rounds otherwise: both engines, and any company, alike.

    That shows in the membranes of a single layer, of which a spike would tell nothing.
    """
    sizes = [300, 33]
    params = initial_params(lif(), sizes, np.float32, 0)
    coef = params[0]["coef"]
    wide = np.repeat(coef, 2, axis=1)
    params[0]["coef"] = np.asfortranarray(coef) if order == "F" else wide[:, ::2]
    network = network_of(lif(), sizes)._replace(readout=Readout("membrane_mean"))
    both = both_engines(network, n_steps)
    X = fractions(rng, 30, n_steps, 300, np.float32)
    mixed = np.concatenate([X, np.ones_like(X[:1])])
    for some in (X, X[:, 0], mixed):
        np.testing.assert_array_equal(*(engine.run(params, some) for engine in both))
    whole = both[1].run(params, X)
    np.testing.assert_array_equal(both[1].run(params, mixed)[:-1], whole)


@pytest.mark.parametrize("n_together", [1, 4])
def test_how_many_are_multiplied_together(n_together, rng):
    """As many as have enough rows, and no more than there is memory for."""
    layers = SimpleNamespace(recurrence=None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(products, "most_together", lambda recurrence: n_together)
        for longest in (1, 3, 40, 99, 100, 101, 500):
            lengths = rng.integers(1, longest + 1, 60)
            begins = np.cumsum(lengths) - lengths
            call = SimpleNamespace(
                layers=layers,
                matmul=1,
                is_constant=False,
                asked=SimpleNamespace(lengths=lengths),
                begins=begins,
                inputs=np.empty((lengths.sum(), 1)),
                most_steps=lengths.max(),
            )
            start, most = 0, products.most_rows.py_func(call)
            while start < 60:
                stop = products.end_of_few.py_func(call, start, 60)
                n_rows = products.n_rows_of.py_func(call, start, stop)
                assert n_rows == lengths[start:stop].sum() <= most
                is_last = stop == 60
                assert is_last or ((stop - start) % n_together == 0 and n_rows >= 100)
                start = stop


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("is_recurrent", [False, True])
@pytest.mark.parametrize("n_steps", [1, 9, 130])
def test_sequences_in_both_engines(n_steps, is_recurrent, dtype, rng):
    """Few and many, of one length and of many, a few at a time and one by one."""
    sizes, n_samples = [5, 18, 4, 3], 300
    params = initial_params(lif(), sizes, dtype, 0)
    network = network_of(lif(), sizes, 0.5)
    if is_recurrent:
        hidden = [layer._replace(recurrent=True) for layer in network.layers[:-1]]
        network = network._replace(layers=(*hidden, network.layers[-1]))
        for p in params[:-1]:
            n_units = len(p["intercept"])
            p["recurrent"] = rng.normal(0, 0.2, (n_units, n_units)).astype(dtype)
    X = fractions(rng, n_samples, n_steps, 5, dtype)
    lengths = rng.integers(1, n_steps + 1, n_samples)
    starts = np.arange(n_samples) * n_steps
    lists = Sequences(X.reshape(-1, 5), starts, lengths)
    both = both_engines(network, n_steps)
    # Too many for one call, whose chunks are run in parts; chunks not full; one.
    for some in (X, X[:67], X[:1], lists, lists[:67], lists[[8, 3, 60]]):
        spikes = [engine.spikes(params, some) for engine in both]
        for a, b in zip(*spikes, strict=True):
            np.testing.assert_array_equal(a, b)
        expected, got = (learn(engine, params, some) for engine in both)
        assert got.loss == pytest.approx(expected.loss, rel=1e-5)
        rtol = 1e-4 if dtype == np.float32 else 1e-11
        assert_same_gradients(got.gradients, expected.gradients, rtol)


@pytest.mark.parametrize("kind", ["table", "sequences", "lists"])
def test_it_is_the_same_where_numpy_multiplies(kind, rng, monkeypatch, ways):
    """As it does if a ufunc of some later numpy should be another thing."""
    X = fractions(rng, 40) if kind != "table" else rng.random((40, N_FEATURES))
    if kind == "lists":
        starts = np.arange(40) * N_STEPS
        X = Sequences(X.reshape(-1, N_FEATURES), starts, 1 + np.arange(40) % N_STEPS)
    params = initial_params(lif(), SIZES, float, 0)
    engine = make_engine("numba", network_of(lif(), SIZES, 0.5), N_STEPS)
    results, answers = [], []
    for has_address in (True, False):
        if not has_address:
            monkeypatch.setattr(ready, "numpy_matmul", lambda dtype: 0)
        ways.clear()
        results.append(learn(engine, params, X).gradients)
        answers.append(engine.run(params, X))
        assert ways == {has_address}
    np.testing.assert_array_equal(*answers)
    assert_same_gradients(*results, 1e-12)


def test_a_sample_does_not_hang_on_others(rng):
    """Nor on whether these are fractions, and it is numpy that multiplies."""
    X, sizes = fractions(rng, 300, 11, dtype=np.float32), [N_FEATURES, 8]
    params = initial_params(lif(), sizes, np.float32, 0)
    network = network_of(lif(), sizes)._replace(readout=Readout("membrane_mean"))
    engine = make_engine("numba", network, 11)
    whole = engine.run(params, X)
    for rows in (slice(7, 8), slice(0, 299, 3), rng.permutation(300)):
        np.testing.assert_array_equal(engine.run(params, X[rows]), whole[rows])
    quiet, spikes = np.zeros_like(X[:1]), np.ones_like(X[:1])
    for company in (quiet, spikes, 2 * spikes):
        mixed = np.concatenate([X, company])
        np.testing.assert_array_equal(engine.run(params, mixed)[:-1], whole)


def _in_other_memory(X):
    """Return equal arrays, of which only the first is as compiled code wants it."""
    read_only = X.copy()
    read_only.flags.writeable = False
    wide = np.repeat(X, 2, axis=-1)
    others = np.asfortranarray(X), wide[..., ::2], X.astype(np.float64)
    return X, read_only, *others


@pytest.mark.parametrize("kind", ["table", "sequences"])
def test_an_array_of_any_memory_is_multiplied_alike(kind, rng, monkeypatch):
    """And by the same compiled code: for what is read-only numba made it anew."""
    params = initial_params(lif(), SIZES, np.float32, 0)
    _, engine = both_engines(network_of(lif(), SIZES, 0.5), N_STEPS)
    run_currents, types, results = chunks.run_currents, set(), []

    def record(*args):
        types.add(tuple(typeof(arg) for arg in args))
        run_currents(*args)

    monkeypatch.setattr(chunks, "run_currents", record)
    X = fractions(rng, 20, dtype=np.float32)
    for some in _in_other_memory(X if kind == "sequences" else X[:, 0].copy()):
        results.append(learn(engine, params, some).gradients[0]["coef"])
        engine.run(params, some)
        for p in params:  # as of a model whose file is mapped into memory
            p["coef"].flags.writeable = False
    for result in results[1:]:
        np.testing.assert_array_equal(result, results[0])
    assert len(types) == 1


def test_how_many_sequences_are_one_call(rng, monkeypatch):
    """Of those that take long none, as Ctrl-C waits for the end of a call."""
    params = initial_params(lif(), SIZES, float, 0)
    _, engine = both_engines(network_of(lif(), SIZES, 0.5), N_STEPS)

    def is_one_call(n_samples):
        return running.is_small(engine._batch(params, fractions(rng, n_samples)))

    assert is_one_call(256)
    assert not is_one_call(257)
    n_weights = N_FEATURES * 8 + 8 * 3 + 64 * 11
    with monkeypatch.context() as patch:
        patch.setattr(running, "FEW_WEIGHTS", 30 * N_STEPS * n_weights)
        assert is_one_call(30)
        assert not is_one_call(31)
    monkeypatch.setattr(running, "FEW_NUMBERS", 40 * N_STEPS * N_FEATURES)
    assert is_one_call(40)
    assert not is_one_call(41)
