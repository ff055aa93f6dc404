"""Constants of neurons: one number per neuron, spread, typed, and kept from decay."""

import math

import numpy as np

# Numbers of float64 that are made of neurons and steps at once, but for one neuron.
MOST_AT_ONCE = 2**13


def by_dtype(p, names, dtype):
    """Return constants, which are kept in float64, to compute with.

    Where all neurons are alike that is one number: an operation with it is one long
    loop, with an array it is one short loop for each sample.
    """
    arrays = (p[name] for name in names)
    return [(a[0] if (a == a[0]).all() else a).astype(dtype) for a in arrays]


def flush_of(dtype):
    """Return what makes zero of a number that would become subnormal.

    A decaying delta drifts into subnormal numbers, which make the matrix products that
    follow up to ten times slower. Adding and subtracting sqrt(tiny) flushes everything
    below sqrt(tiny) * eps / 2 (1e-26 in float32) to zero.
    """
    return np.sqrt(np.finfo(dtype).tiny)


def leak_of(tau):
    """Return the leak ``exp(-1 / tau)`` of a time constant in steps."""
    return float(np.exp(-1 / tau))


def mean_of(values):
    """Return the mean of constants, which may be too large to add up; a float."""
    with np.errstate(over="ignore"):
        mean = float(values.mean())
    return mean if math.isfinite(mean) else float((values / len(values)).sum())


def spread(value, n_units, over_time=False):
    """Return one number per neuron.

    Parameters
    ----------
    value : float or pair of float
        The number of all neurons, or the first and the last of numbers that are spread
        evenly.
    n_units : int
    over_time : bool, default=False
        Whether the numbers are leaks, whose time constants, ``-1 / log(leak)``, are
        spread evenly.

    Returns
    -------
    values : ndarray of float64 of shape (n_units,)
    """
    if np.ndim(value) == 0:
        return np.full(n_units, float(value))
    low, high = map(float, value)
    if low == high:
        return np.full(n_units, low)
    if not over_time:
        return np.linspace(low, high, n_units)
    with np.errstate(divide="ignore"):
        taus = np.linspace(*(-1 / np.log([low, high])), n_units)
        leaks = np.clip(np.exp(-1 / taus), min(low, high), max(low, high))
    # The ends are what they were said to be, not what rounding makes of them.
    leaks[-1], leaks[0] = high, low
    return leaks


def neuron_by_neuron(function, n_steps, *constants):
    """Call a function with the constants of a few neurons at a time.

    What it makes of a neuron and `n_steps` steps need not be kept for all at once:
    long recordings would take more memory than what learns from them.

    Parameters
    ----------
    function : callable
        Of constants of shape (n_some, 1); returns values of shape (n_some,), each of
        which hangs on the constants of its neuron alone.
    n_steps : int
    *constants : ndarrays of shape (n_units,)

    Returns
    -------
    values : ndarray of shape (n_units,)
    """
    n_some = max(1, MOST_AT_ONCE // n_steps)
    return np.concatenate(
        [
            function(*(c[first : first + n_some, np.newaxis] for c in constants))
            for first in range(0, len(constants[0]), n_some)
        ]
    )
