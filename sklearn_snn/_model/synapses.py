"""Synapses: from a whole sequence of inputs to a whole sequence of currents, and back.

``I_t = x_t @ W + b`` has no memory, so no loop over time is needed: each sample's whole
sequence is one matrix product. A spike hangs on the last bit of a current, so two
things are done about rounding. The product of spikes is exact but for one rounding at
its end (see `exact_parts`). So is that of small whole numbers, such as counts. That
of other graded inputs cannot be, and its rounding depends on shapes: so it is one
product *per sample*, of the weights as they are, and the current of a sample does not
depend on which samples it is computed with.

An input is either

- `Events`: only the features that can fire take part, on MNIST a fifth of them;
- a time-major array ``(n_steps, n_samples, n_features)``; or
- an array or CSR array ``(n_samples, n_features)``, a constant current ("direct
  coding"), multiplied once and used at every step.
"""

import functools
import math
from itertools import pairwise

import numpy as np
from scipy import sparse

from sklearn_snn._inputs.spike_trains import Events

# Counts up to this are multiplied without rounding, as spikes are.
MOST_WHOLE = 255
# Numbers that are looked at together for that, as copies are made of them.
_AT_ONCE = 2**14
# Steps of which spikes are multiplied at a time.
_STEPS_AT_ONCE = 512


def time_major(X, dtype, workspace):
    """Return an array or CSR array of samples as an input.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_steps, n_features) or (n_samples, n_features), \
            or CSR array of the latter
    dtype : dtype
    workspace : Workspace

    Returns
    -------
    inputs : ndarray of shape (n_steps, n_samples, n_features) or (n_samples, \
            n_features), or CSR array of the latter
    """
    if sparse.issparse(X):
        return X.astype(dtype)
    if X.ndim == 2:
        return np.ascontiguousarray(X, dtype)
    n_samples, n_steps, n_features = X.shape
    inputs = workspace.array("input", (n_steps, n_samples, n_features), dtype)
    inputs[...] = X.transpose(1, 0, 2)
    return inputs


def is_constant(inputs):
    """Tell whether an input, or a batch, is the same at every step."""
    return not isinstance(inputs, Events) and inputs.ndim == 2


def grid(weights, bound=None):
    """Return the spacing to which weights are rounded: a power of two.

    It is chosen such that any sum of weights of a neuron is a whole number of it below
    ``2**31`` (float32) or ``2**53`` (float64). Rounding errors of the weights are then
    at most ``2**-31`` or ``2**-53`` of a neuron's largest current, which is less than
    the rounding of a sum.

    Parameters
    ----------
    weights : ndarray of shape (n_inputs, n_units)
    bound : float, default=None
        Their `largest_current`, if it is known.

    Returns
    -------
    spacing : scalar of the dtype of the weights
        NaN if a weight is not finite.
    """
    bound = largest_current(weights) if bound is None else bound
    dtype = weights.dtype
    if not (math.isfinite(bound) or np.isfinite(weights).all()):
        return dtype.type(np.nan)  # and so will the current be, and the gradient
    exponent = math.frexp(bound)[1] if math.isfinite(bound) else np.finfo(dtype).maxexp
    n_bits = 30 if dtype == np.float32 else 52
    # Of subnormal weights nothing is left.
    return max(dtype.type(2.0 ** (exponent - n_bits)), _smallest_normal(dtype))


@functools.cache
def _smallest_normal(dtype):
    return np.finfo(dtype).tiny


@np.errstate(over="ignore")
def largest_current(weights):
    """Return the largest sum of the weights of a neuron, without their signs."""
    return float(np.abs(weights).sum(axis=0).max())


def exact_parts(weights):
    """Split weights so that sums of each part have no rounding error.

    A sum of weights is then rounded once, when the parts are added, and whatever the
    order of the summands. So spikes, which hang on the last bit of a current, are the
    same in every engine and on every machine.

    Parameters
    ----------
    weights : ndarray of shape (n_inputs, n_units)

    Returns
    -------
    parts : ndarray of shape (n_inputs, n_units) or (n_inputs, 2 * n_units)
        On the `grid`; of float32 first the high and then the low bits, as a mantissa of
        24 bits cannot hold both.
    """
    fine = grid(weights)
    if weights.dtype == np.float64:
        return np.rint(weights / fine) * fine
    coarse = fine * np.float32(2**7)
    high = np.rint(weights / coarse) * coarse
    low = np.rint((weights - high) / fine) * fine
    return np.hstack([high, low])


def parts_for(inputs, weights):
    """Return the exact parts that spikes are multiplied with, if an input may spike.

    Parameters
    ----------
    inputs : input or batch
    weights : ndarray of shape (n_inputs, n_units)

    Returns
    -------
    parts : ndarray of shape (n_inputs, n_units) or (n_inputs, 2 * n_units), or None
        None for a constant current.
    """
    return None if is_constant(inputs) else exact_parts(weights)


def input_current(
    inputs, weights, parts, bias, out, workspace, lengths=None, may_be_graded=True
):
    """Compute ``I_t = x_t @ W + b``.

    Parameters
    ----------
    inputs : Events, ndarray of shape (n_steps, n_samples, n_inputs) or (n_samples, \
            n_inputs), or CSR array of the latter
    weights : ndarray of shape (n_inputs, n_units)
        What fractional samples are multiplied with, and those that are constant.
    parts : ndarray of shape (n_inputs, n_units) or (n_inputs, 2 * n_units), or None
        What spikes and counts are multiplied with; see `parts_for`.
    bias : ndarray of shape (n_units,)
    out : ndarray of shape (n_steps, n_samples, n_units)
        Overwritten with the current. A single step where `inputs` is constant.
    workspace : Workspace
    lengths : ndarray of int of shape (n_samples,), default=None
        Number of steps of each sample; None if all have as many.
    may_be_graded : bool, default=True
        Whether samples may be something else than spikes.
    """
    if isinstance(inputs, Events):
        # Some steps at a time, so that a long sample takes no more memory than many.
        shape = min(len(out), _STEPS_AT_ONCE), parts.shape[1]
        product = workspace.array("product of a sample", shape, parts.dtype)
        for i in range(out.shape[1]):
            features, x = _sample(inputs, i, parts.dtype, workspace)
            factor = parts[features]
            for first in range(0, len(out), _STEPS_AT_ONCE):
                to = out[first : first + _STEPS_AT_ONCE, i]
                some = product[: len(to)]
                np.matmul(x.T[first : first + len(to)], factor, out=some)
                add_parts(some, to)
    elif sparse.issparse(inputs):
        add_parts(inputs @ weights, out[0])
    else:
        by_time = inputs[np.newaxis] if is_constant(inputs) else inputs
        by_sample, to = by_time.transpose(1, 0, 2), out.transpose(1, 0, 2)
        make = None if parts is None else lambda: parts
        kinds = None if may_be_graded else np.zeros(len(to), bool)
        multiply_samples(by_sample, weights, make, to, workspace, lengths, kinds)
    np.add(out, bias, out=out)


def multiply_samples(
    inputs, weights, make_parts, out, workspace, lengths=None, kinds=None
):
    """Set ``out`` to the currents of samples, without the biases.

    Parameters
    ----------
    inputs : ndarray of shape (n_samples, n_steps, n_inputs)
    weights : ndarray of shape (n_inputs, n_units)
        What fractional samples are multiplied with.
    make_parts : callable or None
        Returns the exact parts of the weights, for other samples; None if there are
        none.
    out : ndarray of shape (n_samples, n_steps, n_units)
    workspace : Workspace
    lengths : ndarray of int of shape (n_samples,), default=None
    kinds : ndarray of bool of shape (n_samples,), default=None
        Which samples are fractional, if that is known.
    """
    if make_parts is not None and kinds is None:
        kinds = are_fractional(inputs)
    runs = [(0, len(inputs))] if make_parts is None else alike(kinds)
    for start, stop in runs:
        some, is_fractional = slice(start, stop), make_parts is None or kinds[start]
        factor = weights if is_fractional else make_parts()
        ends = None if lengths is None else lengths[some]
        if is_fractional and out.flags.c_contiguous:
            multiply(inputs[some], factor, out[some], ends)
            continue
        shape = *out[some].shape[:2], factor.shape[1]
        products = workspace.array("products", shape, factor.dtype)
        multiply(inputs[some], factor, products, ends)
        add_parts(products, out[some])


def are_fractional(X):
    """Tell for each sample whether not all of it are whole numbers of up to 8 bits."""
    # Where some are not, the first step tells, as a rule.
    result = _is_fractional(X[:, 0]).any(axis=1)
    n_together = max(1, _AT_ONCE // max(1, X[0].size))
    for start in range(0, len(X), n_together):
        some = slice(start, start + n_together)
        if not result[some].all():
            result[some] |= _is_fractional(X[some]).any(axis=(1, 2))
    return result


def _is_fractional(X):
    return (np.rint(X) != X) | (np.abs(X) > MOST_WHOLE)


def alike(kinds):
    """Return where each run of equal elements starts and stops."""
    ends = [0, *(np.flatnonzero(np.diff(kinds)) + 1).tolist(), len(kinds)]
    return list(pairwise(ends))


def multiply(inputs, weights, out, lengths=None):
    """Set ``out[i] = inputs[i] @ weights`` for each sample ``i``, one after the other.

    Parameters
    ----------
    inputs : ndarray of shape (n_samples, n_steps, n_inputs)
    weights : ndarray of shape (n_inputs, n_columns)
    out : ndarray of shape (n_samples, n_steps, n_columns)
    lengths : ndarray of int of shape (n_samples,), default=None
        Number of steps of each sample, beyond which zeros are written.
    """
    if lengths is None:
        _product_per_sample(inputs, weights, out)
        return
    out[...] = 0
    for i, n in enumerate(lengths.tolist()):
        some = slice(i, i + 1), slice(n)
        _product_per_sample(inputs[some], weights, out[some])


def add_parts(product, out):
    """Add the products of both parts, if there are two: see `exact_parts`."""
    n_units = out.shape[-1]
    if product.shape[-1] == n_units:
        out[...] = product
    else:
        np.add(product[..., :n_units], product[..., n_units:], out=out)


def _product_per_sample(inputs, weights, out):
    """Write ``inputs[i] @ weights`` to ``out[i]`` for each sample ``i``."""
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
    inputs : Events, ndarray of shape (n_steps, n_samples, n_inputs) or (n_samples, \
            n_inputs), or CSR array of the latter
    delta : ndarray of shape (n_steps, n_samples, n_units)
        Steps and samples may change places in both, unless `inputs` is constant.
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
        return inputs.T @ delta.sum(axis=0)
    return inputs.reshape(-1, inputs.shape[2]).T @ delta.reshape(-1, n_units)


def weight_gradients(inputs, delta, size, n_before, workspace, lengths=None):
    """Yield the `weight_gradient` of each part of some samples, one after the other.

    Parameters
    ----------
    inputs : ndarray of shape (n_samples, n_steps, n_inputs) or (n_samples, n_inputs), \
            or CSR array of the latter
    delta : ndarray of shape (n_samples, n_steps, n_units)
        Of constant inputs, the sum over the steps, as a single one.
    size : int
        Number of samples of a part; the last one may have fewer.
    n_before : int
        How many samples of the first part came before.
    workspace : Workspace
    lengths : ndarray of int of shape (n_samples,), default=None
        As of `multiply_samples`. A part goes as far as the longest of its samples, and
        not to that of another part: how many zeros are added up may change the
        rounding.

    Yields
    ------
    gradient : ndarray of shape (n_inputs, n_units)
    """
    n_samples, start = len(delta), 0
    while start < n_samples:
        some = slice(start, start + size - n_before)
        x, deltas = inputs[some], delta[some]
        if is_constant(inputs):
            deltas = deltas.transpose(1, 0, 2)
        elif lengths is not None:
            longest = lengths[some].max()
            x, deltas = x[:, :longest], deltas[:, :longest]
        yield weight_gradient(x, deltas, workspace)
        start, n_before = some.stop, 0


def _sample(events, i, dtype, workspace):
    """Return features (n_active,) and spikes (n_active, n_steps) of a sample."""
    features, spikes = events.of_sample(i)
    x = workspace.array("spikes of a sample", spikes.shape, dtype)
    x[...] = spikes
    return features, x
