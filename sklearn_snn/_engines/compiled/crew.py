"""Threads that wait in compiled code for the chunks of small batches, and of passes.

Where a step takes a millisecond or two, to hand work over counts: to wake a thread
takes up to a quarter of one, and whoever runs Python waits for whoever else does. A
helper, once awake, needs neither: it looks at a board for what is shared next, a little
longer than a step takes around its compiled code, as threads of OpenMP and of the BLAS
do. Other work, which those may have that are woken, would find its core taken: who has
some dismisses the helpers.
"""

import atexit
import os
import threading
import time
from contextlib import contextmanager
from queue import SimpleQueue

from sklearn_snn._engines.compiled.boards import (
    CLOSED,
    HELPERS,
    LEFT,
    MOST_HELPERS,
    add,
    new_board,
    read,
    run_chunk,
    take,
    wait,
)
from sklearn_snn._engines.compiled.cache import code_key, entry_point

# So that numba renews what it keeps when any code that it consists of changes.
_CODE = code_key(__name__)
# How often a helper looks in vain before it goes: for some milliseconds.
_PATIENCE = 5000
# Seconds in which they leave, at the latest, when a process ends: after a chunk or two.
_LONGEST_END = 10


class _Crew:
    """Helpers that look at a board; one thread at a time has them.

    They are threads that do not keep a process from ending: where a fit goes on in a
    daemon thread, they are needed as long as that.
    """

    def __init__(self):
        self._lock, self._board = threading.Lock(), new_board()
        self._awake, self._calls = set(), SimpleQueue()
        self._n_threads, self._is_over = 0, False

    @contextmanager
    def board(self, n_threads):
        is_alone = self._is_over or (n_threads is not None and n_threads < 2)
        if is_alone or not self._lock.acquire(blocking=False):
            yield new_board()
            return
        try:
            if n_threads is not None:
                self._call(n_threads - 1)
            yield self._board
        finally:
            self._lock.release()

    def dismiss(self):
        self._board[CLOSED] = 1

    def end(self):
        """Let helpers go for good, and wait until they have left the compiled code."""
        self._is_over = True
        deadline = time.monotonic() + _LONGEST_END
        while self._n_helpers() and time.monotonic() < deadline:
            self.dismiss()
            time.sleep(0.001)

    def _call(self, n_helpers):
        self._board[CLOSED], self._board[MOST_HELPERS] = 0, n_helpers
        for _ in range(n_helpers - self._n_helpers()):
            _help_out(self._board, 0)  # the thread that calls compiles
            if self._n_helpers() >= self._n_threads and not self._has_one_more():
                return
            self._calls.put(None)

    def _n_helpers(self):
        """Return how many have been called and not gone yet.

        A call is counted by its place in the queue, not by who makes it, which Ctrl-C
        may end in between.
        """
        return len(self._awake) + self._calls.qsize()

    def _has_one_more(self):
        """Start a thread, if there can be one more."""
        thread = threading.Thread(target=self._help, name="sklearn-snn", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # no threads any more, or no further one
            return False
        self._n_threads += 1
        return True

    def _help(self):
        helper = threading.get_ident()
        while True:
            self._calls.get()
            self._awake.add(helper)
            try:
                _help_out(self._board, _PATIENCE)
            finally:
                self._awake.discard(helper)


@entry_point(_CODE, is_small=True)
def _help_out(board, patience):
    """Take part in what is shared, until nothing has been for so many waits.

    Returns
    -------
    n_helped : int
        How often.
    """
    n_helped = n_waits = 0
    while n_waits < patience and read(board, CLOSED) == 0:
        if read(board, LEFT) > 0:
            if add(board, HELPERS, 1) < read(board, MOST_HELPERS):
                chunk = take(board)
                if chunk >= 0:
                    run_chunk(board, chunk)
                    n_helped, n_waits = n_helped + 1, 0
            add(board, HELPERS, -1)
        wait(board)
        n_waits += 1
    return n_helped


_crew = _Crew()


def _forget_helpers():
    """Start anew in a forked process, where the threads are gone."""
    global _crew
    _crew = _Crew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_helpers)


@atexit.register
def _end():
    """Leave no thread in compiled code, which goes with the process."""
    _crew.end()


def board(n_threads):
    """Hold a board on which so many threads take part in what is shared.

    Fewer, where another thread holds the one that helpers look at.

    Parameters
    ----------
    n_threads : int or None
        With the calling one. With None nobody is woken: those take part that are still
        awake after the last batch.

    Returns
    -------
    manager : context manager
        Of a board, as of `boards.new_board`.
    """
    return _crew.board(n_threads)


def dismiss():
    """Let helpers go, as there is work for other threads than these."""
    _crew.dismiss()
