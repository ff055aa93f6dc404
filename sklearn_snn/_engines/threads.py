"""A pool of threads for compiled code that releases the interpreter lock."""

import contextvars
import itertools
import multiprocessing
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

from joblib import cpu_count

from sklearn_snn._engines.blas import n_allowed_threads

_lock = threading.Lock()
_pool = None


def _forget_pool():
    """Start anew in a forked process, where the threads are gone."""
    global _lock, _pool
    _lock = threading.Lock()
    _pool = None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_pool)


def n_threads():
    """Return how many threads to use.

    As many as there are cores for this process, and at most what ``OMP_NUM_THREADS``,
    ``NUMBA_NUM_THREADS`` and threadpoolctl allow. joblib limits its
    worker processes by these variables; a process that may not have children, such as
    those of `multiprocessing.Pool`, is one of many too, and gets a single thread.

    Returns
    -------
    n : int
    """
    if multiprocessing.current_process().daemon:
        return 1
    allowed = [cpu_count(), n_allowed_threads()]
    for variable in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS"):
        # OMP_NUM_THREADS may list a number for each level of nesting.
        value = os.environ.get(variable, "").split(",")[0].strip()
        if value.isdigit():
            allowed.append(int(value))
    return max(1, min(allowed))


def run_chunks(function, n_chunks, n, first=0):
    """Call ``function(chunk, runner)`` for each chunk; the calling thread takes part.

    Where no thread can be had it does all: once the main thread has ended, as in what
    `atexit` runs, Python starts none any more, and the system may have no more to give.
    The other threads have numpy's error state from the caller.

    Parameters
    ----------
    function : callable
        ``runner``, below `n`, is different for calls that run at the same time.
    n_chunks : int
    n : int
        Number of threads.
    first : int, default=0
        Chunks before this one are left out.

    Returns
    -------
    results : list
        In the order of the chunks, from the first one on.

    Raises
    ------
    BaseException
        What a chunk raised: if several did, the caller's, or else what came first.
    """
    if n_chunks - first < 2 or n < 2:
        return [function(chunk, 0) for chunk in range(first, n_chunks)]
    results = [None] * (n_chunks - first)
    chunks, is_stopped = itertools.count(first), False

    def run(runner):
        nonlocal is_stopped
        while not is_stopped and (chunk := next(chunks)) < n_chunks:
            try:
                results[chunk - first] = function(chunk, runner)
            except BaseException:
                is_stopped = True
                raise

    # Futures of our own would do, but to wait for one takes longer.
    n_others = min(n, n_chunks - first) - 1
    others, ended = iter(range(1, 1 + n_others)), SimpleQueue()

    def take_part():
        if (runner := next(others, None)) is None:
            return  # too late: there is nothing to do
        try:
            run(runner)
        except BaseException as error:
            ended.put(error)
        else:
            ended.put(None)

    try:
        _start(take_part, n_others)
        run(0)
    except BaseException:
        is_stopped = True
        raise
    finally:
        # Those that no thread has begun are not needed any more: no chunk is left. The
        # others are waited for even after an error or Ctrl-C: they write to our arrays.
        # Only a Ctrl-C that comes now leaves each at the chunk that it is about to end.
        n_begun = n_others - len(list(others))
        all_ended = (ended.get() for _ in range(n_begun))
        errors = [error for error in all_ended if error is not None]
    if errors:
        try:
            raise errors[0]
        finally:
            del errors  # what is raised refers to this frame
    return results


def _start(function, n):
    """Let `n` threads call a function, or fewer where there are no more.

    A pool may fail to start a thread when it has queued the call already, which another
    of its threads then finds.
    """
    for _ in range(n):
        try:
            _submit(contextvars.copy_context().run, function)
        except RuntimeError:  # no threads any more, or no further one
            break


def _submit(function, *args):
    global _pool
    with _lock:
        if _pool is None:
            _pool = ThreadPoolExecutor(max(1, cpu_count() - 1), "sklearn-snn")
        return _pool.submit(function, *args)
