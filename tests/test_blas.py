"""The limit on the threads of the BLAS: set, kept on between blocks, and lifted."""

import threading
import time

import numpy as np
import pytest
from helpers import fast
from interrupting import n_blas_threads
from sklearn.callback import ProgressBar
from threadpoolctl import ThreadpoolController, threadpool_limits

from sklearn_snn._engines import blas, threads
from sklearn_snn._engines.blas import limit_kept, single_threaded_blas

LONG = 20  # seconds until a thread that waits in vain gives up


@pytest.fixture(autouse=True)
def three_threads():
    """Let the BLAS have three threads, whatever the machine has."""
    with threadpool_limits(3, user_api="blas"):
        yield
        assert set(n_blas_threads()) == {3}, "the BLAS has its threads again"
    assert not blas._waiting
    assert not blas._lock.locked()


def is_limited():
    return set(n_blas_threads()) == {1}


def in_another_thread(function):
    """Start a thread that runs a function within the limit; return an Event and it."""
    done = threading.Event()

    def run():
        with single_threaded_blas():
            function()
            done.set()

    thread = threading.Thread(target=run)
    thread.start()
    return done, thread


def wait_until(condition):
    end = time.monotonic() + LONG
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


def test_the_limit_is_set_within_a_block():
    with single_threaded_blas():
        assert is_limited()
    assert not is_limited()


def test_the_limit_is_kept_from_the_first_block_on():
    with limit_kept():
        assert not is_limited(), "no block has had it yet"
        for _ in range(2):
            with single_threaded_blas():
                assert is_limited()
            assert is_limited()
    assert not is_limited()


def test_blocks_may_be_nested_where_it_is_kept():
    with limit_kept(), single_threaded_blas():
        with single_threaded_blas():
            assert is_limited()
        assert is_limited()


@pytest.mark.parametrize("is_kept", [True, False])
def test_whoever_waits_gets_in_after_a_block(is_kept):
    """Not only after an epoch; and not before the outer one of nested blocks ends."""
    seen = []
    with limit_kept():
        if is_kept:
            with single_threaded_blas():
                pass
        with single_threaded_blas():
            done, thread = in_another_thread(lambda: seen.append(is_limited()))
            wait_until(lambda: blas._waiting)
            with single_threaded_blas():
                pass
            assert is_limited()
            assert not done.is_set()
        assert done.wait(LONG)
        with single_threaded_blas():
            assert is_limited()
    thread.join(LONG)
    assert seen == [True]


def test_another_limit_set_meanwhile_is_found():
    libraries = ThreadpoolController().select(user_api="blas").lib_controllers
    with limit_kept():
        with single_threaded_blas():
            pass
        for library in libraries:
            library.set_num_threads(2)
        with single_threaded_blas():
            assert is_limited()
    assert set(n_blas_threads()) == {2}, "whoever set it wants it to stay"
    for library in libraries:
        library.set_num_threads(3)


def test_what_keeps_it_may_be_nested():
    with limit_kept():
        with limit_kept(), single_threaded_blas():
            pass
        with single_threaded_blas():
            assert is_limited()
        assert is_limited()


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
def test_an_error_lifts_it(error):
    with pytest.raises(error), limit_kept(), single_threaded_blas():
        raise error
    assert not is_limited()


@pytest.mark.parametrize("name", ["lift", "_set"])
@pytest.mark.parametrize("is_late", [True, False])
def test_an_interrupt_on_the_way_leaves_nothing_behind(name, is_late, monkeypatch):
    """Though the error, and all frames that it went through, are kept."""
    function, calls = getattr(blas._Kept, name), []

    def interrupted(self):
        calls.append(name)
        if is_late or len(calls) > 1:
            function(self)
        if len(calls) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(blas._Kept, name, interrupted)
    with pytest.raises(KeyboardInterrupt), limit_kept(), single_threaded_blas():
        pass
    assert not is_limited()
    assert not blas._lock.locked()
    assert blas._kept() is None


def test_the_threads_there_are_are_not_taken_for_one(monkeypatch):
    monkeypatch.setattr(threads, "cpu_count", lambda: 8)
    for variable in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
        monkeypatch.delenv(variable, raising=False)
    counts = []

    def count():  # elsewhere, as it might wait for itself
        with threadpool_limits(8, user_api="openmp"), limit_kept():
            with single_threaded_blas():
                pass
            counts.append(threads.n_threads())

    thread = threading.Thread(target=count, daemon=True)
    thread.start()
    thread.join(LONG)
    assert counts == [3]


def test_callbacks_have_all_threads(engine, blobs):
    """An epoch keeps the limit, and what is called after it must not wait for that."""
    seen = []

    class Look(ProgressBar):
        def on_fit_task_end(self, *args, **kwargs):
            done, thread = in_another_thread(lambda: None)
            is_done = done.wait(LONG)
            thread.join(LONG)
            seen.append((is_done, n_blas_threads()))

    X, y = blobs
    fast(engine=engine, max_iter=2).set_callbacks(Look()).fit(X, y)
    assert [is_done for is_done, _ in seen] == [True] * len(seen)
    assert len(seen) >= 2
    assert {n for _, counts in seen for n in counts} == {3}


def test_fits_in_two_threads_take_turns(engine, blobs):
    X, y = blobs
    expected = fast(engine=engine, max_iter=5).fit(X, y).coefs_
    models = [fast(engine=engine, max_iter=5) for _ in range(2)]
    fits = [threading.Thread(target=model.fit, args=(X, y)) for model in models]
    for thread in fits:
        thread.start()
    for thread in fits:
        thread.join(LONG)
    for model in models:
        for ours, theirs in zip(model.coefs_, expected, strict=True):
            np.testing.assert_array_equal(ours, theirs)
