"""The BLAS on one thread while a network runs; how many threads there may be.

To set that limit, and to lift it, takes some twenty microseconds: it can be kept on
between the batches of an epoch, for as long as no other thread wants it.
"""

import functools
import os
import sys
import threading
from contextlib import contextmanager

from threadpoolctl import ThreadpoolController

from sklearn_snn._compat import OpenBLASController

_lock = threading.Lock()
# Threads that wait for it.
_waiting = set()
_of_thread = threading.local()


def _renew_lock():
    global _lock
    _lock = threading.Lock()
    _waiting.clear()
    _of_thread.kept = None


# A fork in another thread may have copied the lock while it was held.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


@functools.cache
def _libraries():
    return ThreadpoolController()


@functools.cache
def _blas():
    return _libraries().select(user_api="blas")


def n_allowed_threads():
    """Return how many threads the BLAS and OpenMP may use: what threadpoolctl was told.

    OpenMP's limit is that of the calling thread, the BLAS's that of the process.

    Returns
    -------
    n : int
        A huge number if threadpoolctl does not know the libraries there are.
    """
    if (kept := _kept()) is not None:
        if kept.n_held:
            raise RuntimeError("How many threads there may be is asked too late.")
        kept.lift()
    with _locked():  # else another thread's limit, below, would be taken for the user's
        limits = (library["num_threads"] for library in _libraries().info())
        return min(limits, default=sys.maxsize)


@contextmanager
def single_threaded_blas():
    """Run a block in which every BLAS call stays on the thread that makes it.

    The rounding of a matrix product may depend on how many threads share it, and for
    the small products of one sample a second thread costs more than it brings. The
    number of threads belongs to the process, so one thread at a time gets in: hold it
    for a mini-batch, not for a fit. An epoch may keep it: see `limit_kept`.
    """
    if (kept := _kept()) is None:
        with _limit():
            yield
        return
    with kept.hold():
        yield


@contextmanager
def limit_kept():
    """Run a block in which this thread keeps the limit of `single_threaded_blas`.

    From the first of the blocks that have it until this one ends, or until one of them
    does for which another thread waits. Within it, these blocks may be nested, and so
    may what keeps the limit.
    """
    if _kept() is not None:
        yield
        return
    kept = _Kept()
    try:
        _of_thread.kept = kept
        yield
    finally:
        try:
            _end(kept)
        except KeyboardInterrupt:
            _end(kept)
            raise


def _end(kept):
    """Let the thread keep no limit any more."""
    _of_thread.kept = None
    kept.lift()


def _kept():
    """Return the _Kept of this thread, if there is one."""
    return getattr(_of_thread, "kept", None)


class _Kept:
    """A limit that a thread sets once, and lifts at the end."""

    def __init__(self):
        self._limit, self.n_held = None, 0

    @contextmanager
    def hold(self):
        if self.n_held == 0:
            self._set()
        self.n_held += 1
        try:
            yield
        finally:
            self.n_held -= 1
            if self.n_held == 0 and _waiting:
                self.lift()

    def _set(self):
        if self._limit is not None:
            libraries = _blas().lib_controllers
            numbers = [library.num_threads for library in libraries]
            if all(n == 1 for n in numbers):
                return
            # Somebody has set another limit meanwhile, which is to stay.
            self.lift()
            for library, n in zip(libraries, numbers, strict=True):
                if n != 1:
                    library.set_num_threads(n)
        self._limit = _limits()
        next(self._limit)

    def lift(self):
        # To close it once more, after Ctrl-C or before it has begun, does no harm.
        if self._limit is not None:
            self._limit.close()
            self._limit = None


@contextmanager
def _locked():
    """Hold the lock; whoever keeps it on meanwhile is told that somebody waits."""
    me = threading.get_ident()
    try:
        _waiting.add(me)
        with _lock:
            _waiting.discard(me)
            yield
    finally:
        _waiting.discard(me)


def _limits():
    """Set the limit, yield, and lift it: as a generator, which can be closed."""
    with _locked():
        # Else the limit has no effect where another thread has set one of its own.
        OpenBLASController.clear_controlling_thread(force=True)
        libraries = _blas().lib_controllers
        before = [library.num_threads for library in libraries]
        try:
            with _blas().limit(limits=1, user_api="blas"):
                yield
        except KeyboardInterrupt:
            # It may have come while the limit was being set, or lifted.
            for library, n in zip(libraries, before, strict=True):
                library.set_num_threads(n)
            raise


_limit = contextmanager(_limits)
