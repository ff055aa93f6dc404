"""Synapses: from a whole sequence of inputs to a whole sequence of currents, and back.

``I_t = x_t @ W + b`` has no memory, so no loop over time is needed: each sample's whole
sequence is one matrix product. It is one product *per sample* and never one over the
batch, because the rounding of a product depends on its shape: this way the current of a
sample, and hence its spikes, does not depend on which samples it is computed with.

An input is either

- `Events`: only the features that can fire take part, on MNIST a fifth of them; or
- a time-major array ``(n_steps, n_samples, n_features)``. One with a single step is a
  constant current ("direct coding"), which is multiplied once and used at every step.
"""

import numpy as np

from sklearn_snn._spike_trains import Events


def input_current(inputs, weights, bias, out, workspace):
    """Compute ``I_t = x_t @ W + b``.

    Parameters
    ----------
    inputs : Events or ndarray of shape (n_steps, n_samples, n_inputs)
    weights : ndarray of shape (n_inputs, n_units)
    bias : ndarray of shape (n_units,)
    out : ndarray of shape (n_steps, n_samples, n_units)
        Overwritten with the current. Has one step where `inputs` has one.
    workspace : Workspace
    """
    if isinstance(inputs, Events):
        for i in range(out.shape[1]):
            features, x = _sample(inputs, i, weights.dtype, workspace)
            np.matmul(x.T, weights[features], out=out[:, i])
    else:
        np.matmul(inputs.transpose(1, 0, 2), weights, out=out.transpose(1, 0, 2))
    np.add(out, bias, out=out)


def weight_gradient(inputs, delta, workspace):
    """Compute ``dW = sum_t x_t^T delta_t``, summed over the samples.

    Parameters
    ----------
    inputs : Events or ndarray of shape (n_steps, n_samples, n_inputs)
    delta : ndarray of shape (n_steps, n_samples, n_units)
    workspace : Workspace

    Returns
    -------
    gradient : ndarray of shape (n_inputs, n_units) for an array; for Events, of shape
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
    if len(inputs) == 1:
        delta = delta.sum(axis=0)
    return inputs.reshape(-1, inputs.shape[2]).T @ delta.reshape(-1, n_units)


def _sample(events, i, dtype, workspace):
    """Return features (n_active,) and spikes (n_active, n_steps) of a sample."""
    features, spikes = events.of_sample(i)
    x = workspace.array("spikes of a sample", spikes.shape, dtype)
    x[...] = spikes
    return features, x
