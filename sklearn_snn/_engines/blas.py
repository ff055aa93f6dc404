"""The BLAS on one thread while a network runs; how many threads there may be."""

import functools
import os
import sys
import threading
from contextlib import contextmanager

from threadpoolctl import ThreadpoolController

from sklearn_snn._compat import OpenBLASController

_lock = threading.Lock()


def _renew_lock():
    global _lock
    _lock = threading.Lock()


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
    with _lock:  # else another thread's limit, below, would be taken for the user's
        limits = (library["num_threads"] for library in _libraries().info())
        return min(limits, default=sys.maxsize)


@contextmanager
def single_threaded_blas():
    """Run a block in which every BLAS call stays on the thread that makes it.

    The rounding of a matrix product may depend on how many threads share it, and for
    the small products of one sample a second thread costs more than it brings. The
    number of threads belongs to the process, so one thread at a time gets in: hold it
    for a mini-batch, not for a fit.
    """
    with _lock:
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
