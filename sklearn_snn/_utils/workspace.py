"""Scratch memory that is allocated once and reused."""

import ctypes
import math

import numpy as np

CACHE_LINE = 64  # bytes


def aligned(allocate, shape, dtype):
    """Allocate an array that begins at a cache line, unlike numpy's own.

    Vectors that lie across two lines take twice as long to load.

    Parameters
    ----------
    allocate : callable
        `numpy.empty` or `numpy.zeros`.
    shape : int or tuple of int
    dtype : dtype-like

    Returns
    -------
    array : ndarray of shape `shape`, C-contiguous
    """
    size = math.prod(shape) if isinstance(shape, tuple) else int(shape)
    n_bytes = size * np.dtype(dtype).itemsize
    memory = allocate(n_bytes + CACHE_LINE, np.uint8)
    # What `memory.ctypes.data` is, which takes longer than all the rest.
    start = -ctypes.addressof(ctypes.c_char.from_buffer(memory)) % CACHE_LINE
    return memory[start : start + n_bytes].view(dtype).reshape(shape)


class Workspace:
    """Named scratch arrays.

    A fresh temporary of some megabytes costs as much in page faults as the arithmetic
    done in it, so buffers are kept between mini-batches and only ever grow.
    """

    def __init__(self):
        self._buffers = {}

    def array(self, name, shape, dtype):
        """Return an uninitialised array; it is valid until `name` is asked for again.

        Parameters
        ----------
        name : hashable
            Who uses the memory.
        shape : tuple of int
        dtype : dtype-like

        Returns
        -------
        scratch : ndarray of shape `shape`, C-contiguous
        """
        size = math.prod(shape)
        key = name, np.dtype(dtype)
        buffer = self._buffers.get(key)
        if buffer is None or buffer.size < size:
            buffer = self._buffers[key] = aligned(np.empty, size, dtype)
        return buffer[:size].reshape(shape)
