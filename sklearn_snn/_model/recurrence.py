"""Recurrence: the neurons of a layer hear each other's spikes of the step before.

With ``c_t = x_t @ W + b``, the current from below, and recurrent weights ``R``::

    I_t = c_t + s_{t-1} @ R,    s_0 = 0 at rest

Both products are exact but for one rounding at their ends, and they are added in this
order: so engines agree on every spike. Backward, with ``g_t = dL/ds_t`` from above and
``D_t = dL/dI_t``::

    dL/ds_t = g_t + D_{t+1} @ R^T
    dR      = sum_t s_{t-1}^T @ D_t

A neuron's own scans work over any number of steps, so recurrence is one step of them
after the other, whatever the neuron. Where dropout leaves a neuron out, the others do
not hear it either.
"""

import numpy as np

from sklearn_snn._model.synapses import add_parts, exact_parts


def orthogonal_weights(n_units, dtype, random_state):
    """Draw an orthogonal matrix: it turns a pattern of spikes, and keeps its size.

    After Saxe, McClelland & Ganguli, "Exact solutions to the nonlinear dynamics of
    learning in deep linear neural networks", ICLR 2014.

    Parameters
    ----------
    n_units : int
    dtype : dtype-like
        The same numbers are drawn for all types.
    random_state : RandomState

    Returns
    -------
    weights : ndarray of shape (n_units, n_units)
    """
    q, r = np.linalg.qr(random_state.standard_normal((n_units, n_units)))
    # With these signs all orthogonal matrices are equally likely.
    return (q * np.sign(np.diagonal(r))).astype(dtype)


def initial_recurrent_weights(sizes, dtype, random_state):
    """Draw the recurrent weights of layers of these sizes; a list of ndarrays."""
    return [orthogonal_weights(n_units, dtype, random_state) for n_units in sizes]


def check_recurrent(arrays, sizes, dtype):
    """Raise ValueError unless recurrent weights, which users may assign, fit.

    Parameters
    ----------
    arrays : list of ndarrays
    sizes : list of int
        Of the layers that are recurrent.
    dtype : dtype
        Of all other weights.
    """
    shapes = [np.shape(w) for w in arrays]
    if shapes != [(n, n) for n in sizes] or any(w.dtype != dtype for w in arrays):
        raise ValueError(
            f"recurrent_coefs_ must be arrays of {dtype} of shapes "
            f"{[(n, n) for n in sizes]}; their shapes are {shapes}, their types "
            f"{[str(getattr(w, 'dtype', type(w).__name__)) for w in arrays]}."
        )


def unit_of_recurrence(neuron, p, n_steps):
    """Return the weight with which a neuron that always fires just makes another fire.

    That is, by the end of so many steps; of neurons that differ, the median.
    """
    response = neuron.response(p, n_steps)
    return np.median(p["threshold"] / response)


def run_recurrent(neuron, p, current, state, last, tape, smooth, kept):
    """Run a layer whose neurons hear each other.

    Parameters
    ----------
    neuron : neuron
    p : dict of ndarrays
        Parameters of the layer, ``"recurrent"`` among them.
    current : ndarray of shape (n_steps, n_samples, n_units)
        That from below; may be the same memory as the membranes on the tape.
    state : tuple of ndarrays of shape (n_samples, n_units)
    last : ndarray of shape (n_samples, n_units)
        The spikes of the step before the first.
    tape : dict of ndarrays of shape (n_steps, n_samples, n_units)
        Overwritten, as by the neuron's ``forward``.
    smooth : bool
    kept : ndarray of bool of shape (n_samples, n_units) or None
        Which neurons the others hear; None for all.

    Returns
    -------
    states : list of tuples of ndarrays
        The state before each step, and after the last.
    """
    parts, dtype = p.get("recurrent_parts"), current.dtype
    if parts is None:
        parts = exact_parts(p["recurrent"])
    n_samples, n_units = current.shape[1:]
    product = np.empty((n_samples, parts.shape[1]), dtype)
    total = np.zeros((1, n_samples, n_units), dtype)
    states, heard = [state], _heard(last, kept)
    for t in range(len(current)):
        if t or heard.any():
            np.matmul(heard, parts, out=product)
            add_parts(product, total[0])
        np.add(current[t], total[0], out=total[0])
        step = {name: array[t : t + 1] for name, array in tape.items()}
        states.append(neuron.forward(p, total, states[-1], step, smooth))
        heard = _heard(step["spikes"][0], kept)
    return states


def backpropagate_recurrent(
    neuron, p, from_spikes, tape, states, last, delta, kept, workspace
):
    """Carry the gradient back through time, and through the neurons' own spikes.

    Parameters
    ----------
    neuron, p, last, tape, kept
        As of `run_recurrent`.
    from_spikes : ndarray of shape (n_steps, n_samples, n_units)
        The gradient by the spikes that comes from above.
    states : list of tuples of ndarrays
        What `run_recurrent` returned.
    delta : ndarray of shape (n_steps, n_samples, n_units)
        Overwritten with the gradient by the current.
    workspace : Workspace

    Returns
    -------
    gradients : dict of ndarrays
        Of ``"recurrent"``, and of the constants that learn.
    """
    n_steps, back = len(delta), np.ascontiguousarray(p["recurrent"].T)
    gradients, carry = {}, None
    for t in reversed(range(n_steps)):
        step = {name: array[t : t + 1] for name, array in tape.items()}
        g = from_spikes[t : t + 1]
        if t + 1 < n_steps:
            g = g + _heard(delta[t + 1] @ back, kept)
        here = delta[t : t + 1]
        of_step, carry = neuron.backward(
            p, (g, None), step, states[t], carry, here, workspace
        )
        for name, gradient in of_step.items():
            gradients[name] = gradients.get(name, 0) + gradient
    heard = _heard(tape["spikes"][:-1], kept)
    n_units = delta.shape[2]
    by_time = heard.reshape(-1, n_units).T @ delta[1:].reshape(-1, n_units)
    if last.any():
        by_time += _heard(last, kept).T @ delta[0]
    return gradients | {"recurrent": by_time}


def _heard(values, kept):
    """Return what the other neurons hear, or what comes back from them."""
    return values if kept is None else values * kept
