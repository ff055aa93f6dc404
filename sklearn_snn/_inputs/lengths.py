"""How many steps the samples of an input have: as many for all, or each its own."""

import numpy as np

from sklearn_snn._inputs.spike_trains import SpikeTrains


def known_lengths(X):
    """Return the number of steps of each sample, or None if all have as many.

    Parameters
    ----------
    X : input
        Validated.

    Returns
    -------
    lengths : ndarray of int64 of shape (n_samples,) or None
    """
    return getattr(X, "lengths", None)


def all_lengths(X, n_steps):
    """Return the number of steps of each sample, `n_steps` if all have as many."""
    lengths = known_lengths(X)
    return np.full(X.shape[0], n_steps, np.int64) if lengths is None else lengths


def steps_of(X, n_steps):
    """Return the number of steps: one for all, or of shape (n_samples, 1)."""
    lengths = known_lengths(X)
    return n_steps if lengths is None else lengths[:, np.newaxis]


def shortest(X, n_steps):
    """Return the number of steps of the shortest sample."""
    lengths = known_lengths(X)
    return n_steps if lengths is None else int(lengths.min())


def check_start(X, n_steps, start):
    """Raise ValueError if of some sample no step would be read."""
    if start >= (fewest := shortest(X, n_steps)):
        raise ValueError(
            f"readout_start must be smaller than the number of steps, {fewest}, "
            f"of which some have to be read. Got {start} instead."
        )


def with_ends(X):
    """Return a batch as an array, and the lengths of its samples or None.

    Parameters
    ----------
    X : input
        Of three axes, and no SpikeTrains.

    Returns
    -------
    X : ndarray of shape (n_samples, n_steps, n_features)
        Zero beyond the end of a sample.
    lengths : ndarray of int64 of shape (n_samples,) or None
    """
    lengths = known_lengths(X)
    return (X, None) if lengths is None else (X.padded(), lengths)


def repeated(X, n_steps):
    """Return a batch of samples of one length that begin anew until `n_steps`.

    Of spike trains, whose spikes are drawn, there are more.
    """
    if X.ndim == 2:
        return X
    if isinstance(X, SpikeTrains):
        return X.prolonged(n_steps)
    X, _ = with_ends(X)
    return np.tile(X, (1, -(-n_steps // X.shape[1]), 1))[:, :n_steps]


def steps_between(X, first, stop):
    """Return some of the steps of a batch, of samples that all have some of them.

    Parameters
    ----------
    X : batch
        Of a constant current, which is the same at all steps, it is returned.
    first, stop : int

    Returns
    -------
    X : batch
        Of arrays, a view.
    """
    if X.ndim == 2:
        return X
    return X[:, first:stop] if isinstance(X, np.ndarray) else X.between(first, stop)
