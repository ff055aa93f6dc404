"""How fast this machine can be at most: rates of bare loops, measured when asked for.

They are what `step_limits.py` divides by. Each is the best of many repeats, on one
thread: what disturbs a repeat makes it slower only. Memory is slower than a cache, so
what moves data is measured with as much data as the part that it is the limit of.
"""

import platform
import time
from functools import cache
from pathlib import Path

import numpy as np
from numba import njit
from threadpoolctl import threadpool_limits

# Of less than that the call would be measured, not the loop.
LEAST_MOVED, LEAST_ADDED = 2**16, 2**14
N_LANES, N_CHAINED = 512, 16


def processor():
    """Return the name of the processor."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.exists() else []
    names = [line.split(":")[1].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.processor() or platform.machine()


def best_rate(function, amount, repeats=40, least_seconds=2e-4):
    """Return the highest rate at which a function did an amount of work.

    Parameters
    ----------
    function : callable
    amount : float
        What one call does.
    repeats : int
    least_seconds : float
        Calls are repeated until they take so long, to be above the clock's grain.

    Returns
    -------
    rate : float
        Per second.
    """
    function()  # to compile, and to have the data in the cache
    n_calls, best = 1, 0.0
    while repeats:
        start = time.perf_counter()
        for _ in range(n_calls):
            function()
        seconds = time.perf_counter() - start
        if seconds < least_seconds:
            n_calls *= 2
            continue
        best = max(best, n_calls * amount / seconds)
        repeats -= 1
    return best


@njit(fastmath=True)
def _chains(values, factor, n_rounds):
    """Chain multiply-adds in each lane; lanes do not depend on each other."""
    for _ in range(n_rounds):
        for j in range(N_LANES):
            x = values[j]
            for _ in range(N_CHAINED):  # unrolled, as its length is known
                x = x * factor + factor
            values[j] = x


@njit
def _total(values, n_rounds):
    total = np.uint32(0)
    for _ in range(n_rounds):
        for i in range(len(values)):
            total = np.uint32(total + values[i])
    return total


@cache
def operations_rate():
    """Return multiply-adds, or other operations on a float32, per second.

    Of a loop that keeps its numbers in registers, or of a product of matrices by the
    BLAS if that is faster.
    """
    values, factor, rounds = np.ones(N_LANES, np.float32), np.float32(0.5), 20
    amount = rounds * N_LANES * N_CHAINED
    loop = best_rate(lambda: _chains(values, factor, rounds), amount)
    a = np.ones((384, 384), np.float32)
    out = np.empty_like(a)
    with threadpool_limits(1):
        blas = best_rate(lambda: np.matmul(a, a, out=out), len(a) ** 3)
    return max(loop, blas)


def additions_rate(n_bytes):
    """Return numbers of 4 bytes a second that are loaded, from so many, and added."""
    return _additions_rate(_size(n_bytes, LEAST_ADDED))


@cache
def _additions_rate(n_bytes):
    values = np.ones(n_bytes // 4, np.uint32)
    n_rounds = max(1, 2**18 // n_bytes)
    return best_rate(lambda: _total(values, n_rounds), n_rounds * len(values))


def copy_rate(n_bytes):
    """Return bytes per second, read or written, of a copy that moves so many."""
    return _copy_rate(_size(n_bytes, LEAST_MOVED))


@cache
def _copy_rate(n_bytes):
    values = np.ones(n_bytes // 2, np.uint8)
    out = np.empty_like(values)
    return best_rate(lambda: np.copyto(out, values), n_bytes)


def _size(n_bytes, least):
    """Round up to a power of two, so that few sizes are measured."""
    return max(least, 1 << (int(n_bytes) - 1).bit_length())
