"""Scratch memory that is allocated once and reused."""

import math

import numpy as np


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
            buffer = self._buffers[key] = np.empty(size, dtype)
        return buffer[:size].reshape(shape)
