"""Scratch memory that is allocated once and reused."""

import ctypes
import math
from itertools import accumulate, pairwise

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


def side_by_side(shapes, dtype, allocate=np.empty):
    """Allocate arrays that lie behind each other in one memory.

    Parameters
    ----------
    shapes : list of tuples of int
    dtype : dtype-like
    allocate : callable, default=`numpy.empty`
        Or `numpy.zeros`.

    Returns
    -------
    arrays : list of ndarrays, C-contiguous
    """
    return parts_of(aligned(allocate, sum(map(math.prod, shapes)), dtype), shapes)


def parts_of(flat, shapes):
    """Return the arrays of some shapes that a flat array consists of."""
    ends = pairwise(accumulate(map(math.prod, shapes), initial=0))
    return [
        flat[first:stop].reshape(shape)
        for (first, stop), shape in zip(ends, shapes, strict=True)
    ]


def as_one(arrays):
    """Return a flat view of arrays that lie behind each other, or None if they do not.

    Parameters
    ----------
    arrays : list of ndarrays

    Returns
    -------
    flat : ndarray, or None
    """
    first, end = arrays[0], _address(arrays[0])
    for array in arrays:
        is_next = array.flags.c_contiguous and _address(array) == end
        if not is_next or array.base is not first.base or array.dtype != first.dtype:
            return None
        end += array.nbytes
    if len(arrays) == 1:
        return first.reshape(-1)
    if first.base is None:
        return None
    start = _address(first)
    size, offset = (end - start) // first.itemsize, start - _address(first.base)
    return np.ndarray(size, first.dtype, first.base, offset)


def _address(array):
    return array.__array_interface__["data"][0]


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
