"""Boards, on which threads share chunks in compiled code, and the crew that helps."""

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import pytest
from helpers import fast
from numba import njit

from sklearn_snn import SpikeTrains
from sklearn_snn._engines.compiled import crew
from sklearn_snn._engines.compiled.boards import (
    CLOSED,
    HELPERS,
    LEFT,
    MOST_HELPERS,
    add,
    new_board,
    read,
    say_what,
    share,
    take,
    wait,
)
from sklearn_snn._engines.compiled.options import OPTIONS, allocating
from sklearn_snn._engines.compiled.views import zeros

FOREVER = 2**62


class Task(NamedTuple):
    """What chunks of these tests are about."""

    board: np.ndarray
    met: np.ndarray
    counts: np.ndarray
    n_to_meet: int
    failing: int


@allocating
def _count(task, chunk):
    """Count how often each chunk is run; the first ones wait for each other."""
    one = zeros(1, np.int64)
    one[0] = 1
    while chunk >= 0:
        if chunk == task.failing:
            raise MemoryError
        if chunk < task.n_to_meet:
            add(task.met, 0, 1)
            for _ in range(10**8):
                if read(task.met, 0) >= task.n_to_meet:
                    break
                wait(task.board)
            if read(task.met, 0) < task.n_to_meet:
                raise MemoryError
        task.counts[chunk] += one[0]
        chunk = take(task.board)


@njit(**OPTIONS)
def _share(board, met, counts, n_to_meet, failing):
    say_what(board, _count, Task(board, met, counts, n_to_meet, failing))
    return share(board, len(counts))


@njit(**OPTIONS)
def _share_often(board, met, counts, n_times):
    """Return at how many times not every chunk had been run by the end, just once."""
    say_what(board, _count, Task(board, met, counts, 0, -1))
    n_wrong = 0
    for i in range(n_times):
        n_chunks = 1 + i % len(counts)
        counts[:] = 0
        share(board, n_chunks)
        for k in range(len(counts)):
            if counts[k] != (k < n_chunks):
                n_wrong += 1
                break
    return n_wrong


def _called(board, n_chunks, n_to_meet=0, failing=-1):
    counts = np.zeros(n_chunks, np.int64)
    has_failed = _share(board, np.zeros(1, np.int64), counts, n_to_meet, failing)
    return has_failed, counts.tolist()


@pytest.fixture
def helped_board():
    """Make a board that two helpers look at, for as long as the test takes."""
    board = new_board()
    board[MOST_HELPERS] = 2
    crew._help_out(board, 0)  # compiled by one thread
    with ThreadPoolExecutor(2) as pool:
        helpers = [pool.submit(crew._help_out, board, FOREVER) for _ in range(2)]
        yield board
        board[CLOSED] = 1
        for helper in helpers:
            helper.result(timeout=60)
    assert board[HELPERS] == 0


@pytest.mark.parametrize("n_chunks", [1, 2, 9])
def test_without_helpers_one_does_all(n_chunks):
    assert _called(new_board(), n_chunks) == (False, [1] * n_chunks)


def test_chunks_run_at_the_same_time(helped_board):
    for _ in range(3):  # that three threads meet takes both helpers
        assert _called(helped_board, 9, n_to_meet=3) == (False, [1] * 9)


def test_no_chunk_is_run_twice_or_left_and_none_goes_on_afterwards(helped_board):
    met, counts = np.zeros(1, np.int64), np.zeros(5, np.int64)
    assert _share_often(helped_board, met, counts, 100_000) == 0


@pytest.mark.parametrize("failing", [0, 1, 5])
def test_what_fails_is_told_and_the_board_goes_on(failing, helped_board):
    has_failed, counts = _called(helped_board, 6, failing=failing)
    assert has_failed
    assert counts[failing] == 0
    assert max(counts) <= 1
    assert _called(helped_board, 6, n_to_meet=3) == (False, [1] * 6)


def test_nothing_is_left_of_what_fails():
    """What it was about is gone, and who came late would read it."""
    board = new_board()
    board[MOST_HELPERS] = 1
    assert _called(board, 6, failing=0) == (True, [0] * 6)
    assert board[LEFT] <= 0
    assert crew._help_out(board, 10) == 0


@pytest.mark.parametrize("n_helpers", [0, 1])
def test_no_more_help_than_the_board_asks_for(n_helpers):
    board, met, counts = new_board(), np.zeros(1, np.int64), np.zeros(5, np.int64)
    board[MOST_HELPERS] = n_helpers
    with ThreadPoolExecutor(1) as pool:
        helper = pool.submit(crew._help_out, board, FOREVER)
        assert _called(board, 9, n_to_meet=1 + n_helpers) == (False, [1] * 9)
        assert _share_often(board, met, counts, 10_000) == 0
        board[CLOSED] = 1
    assert bool(helper.result()) == bool(n_helpers)


def test_who_finds_nothing_calls_nothing():
    board = new_board()  # with no code on it, whose call would be the end
    board[MOST_HELPERS] = 1
    assert crew._help_out(board, 10) == 0
    board[LEFT] = -3  # as others leave it that came late
    assert crew._help_out(board, 10) == 0
    assert board[LEFT] == -3
    assert board[HELPERS] == 0


def test_one_thread_at_a_time_has_the_crew():
    with crew.board(2) as board, crew.board(2) as other, crew.board(1) as none:
        assert board is crew._crew._board
        assert not {id(other), id(none)} & {id(board)}
        assert other[MOST_HELPERS] == none[MOST_HELPERS] == 0
    with crew.board(3) as again:
        assert again is board
        assert again[MOST_HELPERS] == 2


def test_helpers_may_be_left_asleep_and_take_part_if_they_are_awake(monkeypatch):
    monkeypatch.setattr(crew, "_crew", crew._Crew())
    with crew.board(None) as board:
        assert board is crew._crew._board
        assert crew._crew._n_threads == 0
        assert _called(board, 9) == (False, [1] * 9)
    monkeypatch.setattr(crew, "_PATIENCE", FOREVER)
    with crew.board(2):
        pass
    with crew.board(None) as board:
        assert _called(board, 9, n_to_meet=2) == (False, [1] * 9)
    crew.dismiss()
    with crew.board(None) as board:
        assert board[CLOSED] == 1
        assert _called(board, 9) == (False, [1] * 9)
    crew._end()


def test_where_no_thread_can_be_had_the_caller_works(monkeypatch):
    def refuse(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(crew, "_crew", crew._Crew())
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with crew.board(3) as board:
        assert _called(board, 9) == (False, [1] * 9)
    assert not crew._crew._n_helpers()


@pytest.mark.parametrize("is_dismissed", [False, True])
def test_helpers_go_in_the_end(is_dismissed, monkeypatch):
    monkeypatch.setattr(crew, "_crew", crew._Crew())
    if is_dismissed:
        monkeypatch.setattr(crew, "_PATIENCE", FOREVER)
    for _ in range(20):
        with crew.board(2):
            assert crew._crew._n_helpers() <= 2  # one that is just being taken up
            assert crew._crew._n_threads == 1
    if is_dismissed:
        crew.dismiss()
    deadline = time.monotonic() + 60
    while crew._crew._n_helpers():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_nobody_helps_after_the_end(monkeypatch):
    """Of the process; a helper that is busy leaves, however patient."""
    monkeypatch.setattr(crew, "_crew", crew._Crew())
    monkeypatch.setattr(crew, "_PATIENCE", FOREVER)
    with crew.board(2):
        assert crew._crew._n_helpers() == 1
    crew._end()
    assert crew._crew._n_helpers() == 0
    with crew.board(2) as board:
        assert board is not crew._crew._board
    assert crew._crew._n_helpers() == 0


def test_large_batches_dismiss_helpers(monkeypatch, rng):
    dismissed = []
    monkeypatch.setattr(crew, "dismiss", lambda: dismissed.append(True))
    X, y = rng.random((600, 3)), np.arange(600) % 2
    fast(engine="numba", batch_size=100).fit(X, y)
    dismissed.clear()
    model = fast(engine="numba", batch_size=600).fit(X, y)
    assert dismissed
    dismissed.clear()
    model.predict(X[:200])
    assert not dismissed


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
def test_a_fork_has_a_crew_of_its_own():
    with crew.board(2):  # which the thread that holds it does not give back there
        child = os.fork()
        if child == 0:
            status = 1
            try:
                with crew.board(2) as board:
                    is_whole = _called(board, 9, n_to_meet=2) == (False, [1] * 9)
                status = 0 if is_whole else 2
            finally:
                os._exit(status)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def test_threads_that_fit_at_a_time_get_what_one_gets(rng):
    """Of spike trains, for which nobody waits for the BLAS of another one."""
    X, y = SpikeTrains(rng.random((60, 9)), 50, seed=0), np.arange(60) % 2
    parameters = {"engine": "numba", "max_iter": 20, "batch_size": 20}
    expected = fast(**parameters).fit(X, y).coefs_
    models = [fast(**parameters) for _ in range(3)]
    fits = [threading.Thread(target=model.fit, args=(X, y)) for model in models]
    for thread in fits:
        thread.start()
    for thread in fits:
        thread.join()
    for model in models:
        for a, b in zip(model.coefs_, expected, strict=True):
            np.testing.assert_array_equal(a, b)


DAEMON = """
import threading, time
import numpy as np
from sklearn_snn import SpikingClassifier
X, y = np.random.default_rng(0).random((70, 3)), np.arange(70) % 2
rest = {"n_iter_no_change": 10**9, "batch_size": 7, "engine": "numba"}
SpikingClassifier((5,), max_iter=1, **rest).fit(X, y)
fit = SpikingClassifier((5,), max_iter=10**9, **rest).fit
threading.Thread(target=fit, args=(X, y), daemon=True).start()
time.sleep(0.5)
"""


def test_a_process_ends_while_helpers_are_busy():
    """With a thread that does not keep it from that."""
    subprocess.run([sys.executable, "-c", DAEMON], check=True, timeout=200)
