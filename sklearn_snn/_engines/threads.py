"""A pool of threads for compiled code that releases the interpreter lock."""

import contextvars
import itertools
import multiprocessing
import os
import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait

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
    """
    if n_chunks - first < 2 or n < 2:
        return [function(chunk, 0) for chunk in range(first, n_chunks)]
    results = [None] * (n_chunks - first)
    chunks = itertools.count(first)
    stopped = threading.Event()

    def run(runner):
        while not stopped.is_set() and (chunk := next(chunks)) < n_chunks:
            try:
                results[chunk - first] = function(chunk, runner)
            except BaseException:
                stopped.set()
                raise

    others = _start(run, range(1, min(n, n_chunks - first)))
    try:
        run(0)
    finally:
        # Those that no thread has begun are not needed any more: no chunk is left. The
        # others are waited for even after an error or Ctrl-C: they write to our arrays.
        others = [other for other in others if not other.cancel()]
        wait(others)
    for other in others:
        other.result()
    return results


def _start(run, runners):
    """Let threads call ``run(runner)``; return a Future for each that may.

    A pool may fail to start a thread when it has queued the call already, which another
    of its threads then finds. So the futures are ours: what is cancelled never runs.
    """
    futures = []
    for runner in runners:
        futures.append(Future())
        try:
            _submit(contextvars.copy_context().run, _fulfil, futures[-1], run, runner)
        except RuntimeError:  # no threads any more, or no further one
            break
    return futures


def _fulfil(future, run, runner):
    """Call ``run(runner)`` unless it was cancelled."""
    if future.set_running_or_notify_cancel():
        try:
            future.set_result(run(runner))
        except BaseException as error:
            future.set_exception(error)


def _submit(function, *args):
    global _pool
    with _lock:
        if _pool is None:
            _pool = ThreadPoolExecutor(max(1, cpu_count() - 1), "sklearn-snn")
        return _pool.submit(function, *args)
