"""Threads that share a batch: chunks, errors, Ctrl-C, and how many there are."""

import gc
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from sklearn_snn._engines import threads


def test_chunks_run_on_several_threads_and_come_back_in_order(monkeypatch):
    barrier = threading.Barrier(3, timeout=30)  # passed by three at the same time only

    def run(chunk, runner):
        if chunk < 3:
            barrier.wait()
        return chunk, runner

    with ThreadPoolExecutor(4) as pool:  # however few the cores are
        monkeypatch.setattr(threads, "_pool", pool)
        results = threads.run_chunks(run, 20, 3)
    assert [chunk for chunk, _ in results] == list(range(20))
    assert {runner for _, runner in results} == {0, 1, 2}


@pytest.mark.parametrize("error", [KeyError, SystemExit])
@pytest.mark.parametrize("failing", [0, 1, 5])
def test_an_error_in_a_chunk_is_raised_and_ends_the_others(failing, error):
    running, done = [], []

    def run(chunk, runner):
        if chunk == failing:
            raise error(chunk)
        running.append(chunk)
        time.sleep(0.02)
        running.remove(chunk)
        done.append(chunk)

    with pytest.raises(error):
        threads.run_chunks(run, 100, 3)
    assert not running
    assert len(done) < 50


@pytest.fixture
def no_collection():
    gc.disable()
    yield
    gc.enable()


def test_an_error_of_another_thread_is_gone_with_what_it_refers_to(no_collection):
    barrier, thing = threading.Barrier(2, timeout=30), threading.Event()

    def run(chunk, runner, held=thing):
        barrier.wait()
        if runner == 1:
            raise KeyError(chunk)

    try:
        threads.run_chunks(run, 2, 2)
    except KeyError:
        known = weakref.ref(thing)
    del run, thing
    deadline = time.monotonic() + 10
    while known() is not None and time.monotonic() < deadline:
        time.sleep(0.01)  # the other thread may not have come to forget it
    assert known() is None


def test_nothing_goes_on_after_an_interruption_while_threads_are_called(monkeypatch):
    done, submit = [], threads._submit

    def interrupted(*args):
        submit(*args)
        raise KeyboardInterrupt

    def run(chunk, runner):
        time.sleep(0.01)
        done.append(chunk)

    with ThreadPoolExecutor(1) as pool:
        monkeypatch.setattr(threads, "_pool", pool)
        monkeypatch.setattr(threads, "_submit", interrupted)
        with pytest.raises(KeyboardInterrupt):
            threads.run_chunks(run, 30, 2)
        n_done = len(done)
    assert len(done) == n_done < 30


@pytest.mark.parametrize("n_started", [0, 1])
def test_where_no_thread_can_be_had_the_caller_works(n_started, monkeypatch):
    """Also if the pool fails after it has queued a call, which it runs later."""
    queued = []
    with ThreadPoolExecutor(3) as pool:

        def submit(*args):
            queued.append(args)
            if len(queued) > n_started:
                raise RuntimeError("can't start new thread")
            return pool.submit(*args)

        monkeypatch.setattr(threads, "_submit", submit)
        got = threads.run_chunks(lambda chunk, runner: (chunk, runner), 20, 4)
        assert [chunk for chunk, _ in got] == list(range(20))
        assert {runner for _, runner in got} <= set(range(n_started + 1))
    assert len(queued) == n_started + 1
    function, *args = queued[-1]
    function(*args)  # finds nothing to do, and no array to write to
    assert [chunk for chunk, _ in got] == list(range(20))


def test_threads_have_the_error_state_of_the_caller():
    barrier = threading.Barrier(2, timeout=30)

    def run(chunk, runner):
        barrier.wait()
        return np.geterr()

    with np.errstate(all="raise"):
        states = threads.run_chunks(run, 2, 2)
        assert states == [np.geterr()] * 2


@pytest.mark.parametrize("variable", ["OMP_NUM_THREADS", "NUMBA_NUM_THREADS"])
def test_environment_limits_threads(variable, monkeypatch):
    monkeypatch.setattr(threads, "cpu_count", lambda: 8)
    monkeypatch.setattr(threads, "n_allowed_threads", lambda: 8)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.delenv("NUMBA_NUM_THREADS", raising=False)
    assert threads.n_threads() == 8
    monkeypatch.setenv(variable, "3,2")
    assert threads.n_threads() == 3


@pytest.mark.parametrize("user_api", [None, "blas", "openmp"])
def test_threadpoolctl_limits_threads(user_api, monkeypatch):
    monkeypatch.setattr(threads, "cpu_count", lambda: 8)
    with threadpool_limits(1, user_api=user_api):
        assert threads.n_threads() == 1


def test_joblib_workers_share_the_cores(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    n_cores = joblib.cpu_count()
    for backend in ("loky", "multiprocessing"):
        counts = joblib.Parallel(n_jobs=n_cores, backend=backend)(
            joblib.delayed(threads.n_threads)() for _ in range(n_cores)
        )
        assert counts == [1] * n_cores
