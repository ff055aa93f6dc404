"""Answers that wait for no compiler: numpy gives them, and they are the same."""

import os
import subprocess
import sys

import numpy as np
import pytest
from helpers import KINDS, fast, kinds_of_input, some_digits

pytest.importorskip("numba")
from sklearn_snn._engines import hurry
from sklearn_snn._engines.compiled import cache, ready
from sklearn_snn._engines.compiled.engine import NumbaEngine
from sklearn_snn._engines.numpy_engine import NumpyEngine

ANSWERS = {
    "predict": lambda model, X: model.predict(X),
    "predict_proba": lambda model, X: model.predict_proba(X),
    "staged": lambda model, X: np.stack([*model.staged_predict_proba(X)]),
}


@pytest.fixture
def asked(monkeypatch):
    """Let nothing be compiled, as far as who is hurried can see; return who ran."""
    ran = []
    monkeypatch.setattr(hurry, "_spent", {"seconds": 0.0})
    monkeypatch.setattr(hurry, "_looks", {})
    monkeypatch.setattr(hurry, "_found", set())

    def record(who, function):
        def recorded(*args):
            if who == "numba":
                hurry.check_hurry()
            ran.append(who)
            return function(*args)

        return recorded

    for who, owner, names in (
        ("numba", ready.kernels, ("run_spikes", "run_currents")),
        ("numpy", NumpyEngine, ("run", "read_out")),
    ):
        for name in names:
            monkeypatch.setattr(owner, name, record(who, getattr(owner, name)))
    return ran


@pytest.fixture(scope="module", params=["soft_count", "membrane_mean", "softmax_mean"])
def models(request):
    """Return fitted networks, and what they learned from, by the kind of input."""
    X, y = some_digits(3, 60)
    made = {}
    for kind in KINDS:
        data = kinds_of_input(X)[kind]
        model = fast(readout=request.param, engine="numpy").fit(data, y)
        made[kind] = model.set_params(engine="auto"), data
    return made


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("kind", KINDS)
def test_answers_are_those_of_compiled_code(kind, answer, models, asked):
    model, X = models[kind]
    hurried = ANSWERS[answer](model, X)
    assert {*asked} == {"numpy"}
    asked.clear()
    model.set_params(engine="numba")
    compiled = ANSWERS[answer](model, X)
    model.set_params(engine="auto")
    assert {*asked} == {"numba"}
    np.testing.assert_array_equal(hurried, compiled)


def test_what_is_compiled_is_not_put_off(models, monkeypatch):
    model, X = models["dense"]
    compiled = model.set_params(engine="numba").predict_proba(X)
    monkeypatch.setattr(NumpyEngine, "run", None)
    monkeypatch.setattr(hurry, "_looks", {})
    model.set_params(engine="auto")
    np.testing.assert_array_equal(model.predict_proba(X), compiled)


def test_numpy_is_asked_until_it_would_have_been_compiled(models, asked, monkeypatch):
    """By the time that it took, which is more than what it takes at least."""
    model, X = models["dense"]
    clock = iter(range(100))
    monkeypatch.setattr(hurry, "_now", lambda: float(next(clock)))
    monkeypatch.setattr(hurry, "PATIENCE", 2.5)
    for _ in range(4):
        model.predict_proba(X)
    assert [*dict.fromkeys(asked)] == ["numpy", "numba"]
    assert hurry._spent["seconds"] == 3


def test_one_large_answer_is_compiled_for_at_once(models, asked, monkeypatch):
    model, X = models["dense"]
    engine = model._engine(X)
    assert engine.is_hurried
    estimate = hurry._seconds_of_numpy(engine, model._learned_params(), X)
    monkeypatch.setattr(hurry, "PATIENCE", 0.9 * estimate)
    model.predict_proba(X)
    assert asked == ["numba"]


def test_code_is_looked_for_again_after_a_while(models, asked, monkeypatch):
    """Each look opens a file; and another process may have compiled meanwhile."""
    model, X = models["dense"]
    looks, look = [], hurry.check_hurry
    monkeypatch.setattr(hurry, "check_hurry", lambda: (looks.append(1), look()))
    for _ in range(3):
        model.predict_proba(X)
    assert len(looks) == 1
    monkeypatch.setattr(hurry, "_SECONDS_BETWEEN_LOOKS", 0.0)
    hurry._looks.clear()
    for _ in range(3):
        model.predict_proba(X)
    assert len(looks) == 4


def test_nobody_waits_for_what_others_compile(models, asked, monkeypatch):
    """The compiler has a lock, which a look would wait for; what runs does not."""
    model, X = models["dense"]
    monkeypatch.setattr(hurry, "check_hurry", lambda: None)  # all is there
    with hurry.compiling():
        model.predict_proba(X)
    assert {*asked} == {"numpy"}
    for _ in range(2):
        asked.clear()
        model.predict_proba(X)
        assert {*asked} == {"numba"}
        with hurry.compiling():
            model.predict_proba(X)
        assert {*asked} == {"numba"}


def test_answers_of_networks_that_were_truncated(asked, rng):
    """They run piece by piece, by code of their own."""
    X, y = rng.random((30, 20, 4)) < 0.3, np.arange(30) % 2
    for params in ({}, {"recurrent": True}, {"per_step": True}):
        own = np.tile(y[:, np.newaxis], 20) if "per_step" in params else y
        params |= {"bptt_steps": 6, "readout": "auto", "engine": "numpy"}
        model = fast(**params).fit(X, own)
        expected = model.predict_proba(X)
        model.set_params(engine="auto")
        asked.clear()
        np.testing.assert_array_equal(model.predict_proba(X), expected)
        assert "numba" not in asked
        assert hurry._spent["seconds"] > 0


def test_training_and_gradients_are_compiled_for(models, asked, iris):
    """Their last bits are the engine's own."""
    model = fast(engine="auto").fit(*iris)
    model.partial_fit(*iris).loss_and_gradients(*iris)
    assert {*asked} == {"numba"}
    assert not NumbaEngine(*model._network_for(iris[0])).is_hurried


def test_who_is_hurried_compiles_nothing():
    def double(x):
        return 2 * x

    small = cache.entry_point(None, is_small=True)(double)
    with hurry.not_compiled():
        assert small(3) == 6
    dispatcher, other = (cache.entry_point(None)(double) for _ in range(2))
    n_before = cache.n_compiled()
    with hurry.not_compiled():
        for _ in range(2):
            with pytest.raises(hurry.NotCompiledError):
                dispatcher(3)
    assert cache.n_compiled() == n_before
    assert dispatcher(3) == 6
    assert cache.n_compiled() == n_before + 1
    with hurry.not_compiled():
        assert dispatcher(4) == 8
        with pytest.raises(hurry.NotCompiledError), hurry.not_compiled():
            other(3)
        with pytest.raises(hurry.NotCompiledError):
            other(3)


SCRIPT = """
import numpy as np
from sklearn.datasets import load_iris
from sklearn_snn import SpikingClassifier
X, y = load_iris(return_X_y=True)
model = SpikingClassifier((9,), max_iter=2, random_state=0, engine="numpy").fit(X, y)
expected = model.predict_proba(X)
model.set_params(engine="auto")
answers = model.predict_proba(X), *(model.predict_proba(X[:n])[:1] for n in (1, 70))
from sklearn_snn._engines.compiled.cache import n_compiled
print(n_compiled(), [np.array_equal(a, expected[: len(a)]) for a in answers])
"""


def test_a_new_machine_is_answered_at_once(tmp_path):
    """With as many threads as there are, which would compile code of their own."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT],
        env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    n_compiled, are_same = done.stdout.split(maxsplit=1)
    assert int(n_compiled) <= 1  # what helpers wait in, which takes 0.2 s
    assert are_same == "[True, True, True]\n"
