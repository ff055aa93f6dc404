"""Products of the rows of a table with the first weights, and with deltas: by the BLAS.

A row, the same current at every step, is multiplied before it runs, and all rows of a
chunk with their deltas after. numba's `dot` calls the BLAS of scipy without the
interpreter, for whose lock the threads of a batch would wait if numpy called its own.

`dot` returns what it has written to: so numba has to count references here.
"""

import numpy as np

from sklearn_snn._engines.compiled.options import allocating
from sklearn_snn._engines.compiled.views import matrix, segment


@allocating
def multiply_rows(inputs, weights, start, stop, currents):
    """Set ``currents[i, 0] = inputs[i] @ weights`` for each ``i`` in a range.

    One after the other, so that no current hangs on what it is computed with; see
    `_model.synapses`.

    Parameters
    ----------
    inputs : ndarray of shape (n_samples, n_inputs)
    weights : ndarray of shape (n_inputs, n_units)
    start, stop : int
    currents : ndarray of shape (n_samples, 1, n_units)
    """
    n_inputs, n_units = weights.shape
    for i in range(start, stop):
        x = segment(inputs, i * n_inputs, n_inputs)
        np.dot(x, weights, segment(currents, i * n_units, n_units))


@allocating
def gradient_of_rows(inputs, deltas, start, stop, gradient):
    """Set ``gradient = inputs[start:stop].T @ deltas[start:stop, 0]``.

    One product of the BLAS, which keeps blocks of both in registers and caches.

    Parameters
    ----------
    inputs : ndarray of shape (n_samples, n_inputs)
    deltas : ndarray of shape (n_samples, 1, n_units)
        Their sums over the steps.
    start, stop : int
    gradient : ndarray of shape (n_inputs * n_units,)
    """
    n_inputs, n_units = inputs.shape[1], deltas.shape[2]
    x = matrix(inputs, start * n_inputs, stop - start, n_inputs)
    delta = matrix(deltas, start * n_units, stop - start, n_units)
    np.dot(x.T, delta, matrix(gradient, 0, n_inputs, n_units))
