"""Synapses: from a whole sequence of inputs to a whole sequence of currents, and back.

``I_t = x_t @ W + b`` has no memory, so no loop over time is needed: each sample's whole
sequence is one matrix product. It is one product *per sample* and never one over the
batch, because the rounding of a product depends on its shape: this way the current of a
sample, and hence its spikes, does not depend on which samples it is computed with.

An input is either

- `Events`: only the features that can fire take part, on MNIST a fifth of them;
- a time-major array ``(n_steps, n_samples, n_features)``. One with a single step is a
  constant current ("direct coding"), multiplied once and used at every step; or
- a CSR array ``(n_samples, n_features)``, a constant current too.
"""

import numpy as np
from scipy import sparse

from sklearn_snn._spike_trains import Events


def is_constant(inputs):
    """Tell whether an input is the same at every step."""
    return sparse.issparse(inputs) or (
        isinstance(inputs, np.ndarray) and len(inputs) == 1
    )


def input_current(inputs, weights, bias, out, workspace):
    """Compute ``I_t = x_t @ W + b``.

    Parameters
    ----------
    inputs : Events, ndarray of shape (n_steps, n_samples, n_inputs) or CSR array
    weights : ndarray of shape (n_inputs, n_units)
    bias : ndarray of shape (n_units,)
    out : ndarray of shape (n_steps, n_samples, n_units)
        Overwritten with the current. Has one step where `inputs` is constant.
    workspace : Workspace
    """
    if isinstance(inputs, Events):
        for i in range(out.shape[1]):
            features, x = _sample(inputs, i, weights.dtype, workspace)
            np.matmul(x.T, weights[features], out=out[:, i])
    elif sparse.issparse(inputs):
        out[0] = inputs @ weights
    else:
        _product_per_sample(inputs, weights, out)
    np.add(out, bias, out=out)


def _product_per_sample(inputs, weights, out):
    """Write ``inputs[:, i] @ weights`` to ``out[:, i]`` for each sample ``i``."""
    inputs, out = inputs.transpose(1, 0, 2), out.transpose(1, 0, 2)
    if weights.shape[1] == 1:
        # A product with a single column takes another path through the BLAS, which
        # depends on the strides and so on the number of samples: make it two columns.
        out[...] = np.matmul(inputs, np.repeat(weights, 2, axis=1))[..., :1]
    else:
        np.matmul(inputs, weights, out=out)


def weight_gradient(inputs, delta, workspace):
    """Compute ``dW = sum_t x_t^T delta_t``, summed over the samples.

    Parameters
    ----------
    inputs : Events, ndarray of shape (n_steps, n_samples, n_inputs) or CSR array
    delta : ndarray of shape (n_steps, n_samples, n_units)
    workspace : Workspace

    Returns
    -------
    gradient : ndarray of shape (n_inputs, n_units); for Events, of shape
        (1 + largest feature that can fire, n_units): what follows is zero.
    """
    n_units = delta.shape[2]
    if isinstance(inputs, Events):
        n_rows = inputs.features.max(initial=-1) + 1
        gradient = np.zeros((n_rows, n_units), dtype=delta.dtype)
        for i in range(delta.shape[1]):
            features, x = _sample(inputs, i, delta.dtype, workspace)
            gradient[features] += np.matmul(x, delta[:, i])
        return gradient
    if is_constant(inputs):
        delta = delta.sum(axis=0)
    if sparse.issparse(inputs):
        return inputs.T @ delta
    return inputs.reshape(-1, inputs.shape[2]).T @ delta.reshape(-1, n_units)


def _sample(events, i, dtype, workspace):
    """Return features (n_active,) and spikes (n_active, n_steps) of a sample."""
    features, spikes = events.of_sample(i)
    x = workspace.array("spikes of a sample", spikes.shape, dtype)
    x[...] = spikes
    return features, x
