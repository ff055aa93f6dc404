"""Inputs as whole numbers: spikes as they are, graded values as so many levels."""

from typing import NamedTuple

import numpy as np
from scipy import sparse

from sklearn_snn._inputs.event_sequences import EventSequences
from sklearn_snn._inputs.sequences import Recordings, Sequences
from sklearn_snn._inputs.spike_trains import SpikeTrains


class InputLevels(NamedTuple):
    """Which whole number stands for a value: ``clip(round(x / unit), low, high)``.

    Attributes
    ----------
    unit : float
        The value that 1 stands for.
    low, high : int
        0 and 1 for spikes.
    """

    unit: float
    low: int
    high: int

    @property
    def are_spikes(self):
        """Whether there are only spikes."""
        return self.high == 1 and self.low == 0

    @property
    def largest(self):
        """The largest absolute value of a level."""
        return max(self.high, -self.low)

    @property
    def dtype(self):
        """The smallest type that holds the levels."""
        return np.min_scalar_type(self.low or self.high)

    def of(self, X):
        """Return an input as whole numbers.

        Parameters
        ----------
        X : validated input

        Returns
        -------
        X : SpikeTrains, EventSequences, Sequences, ndarray or CSR array
            The same where it consists of spikes.

        Raises
        ------
        ValueError
            If there are to be spikes, and X has other values; or the other way round.
        """
        if isinstance(X, SpikeTrains):
            if not self.are_spikes:
                raise ValueError(
                    "X is spike trains, but the network was quantised for graded "
                    f"values from {self.low * self.unit:.4g} to "
                    f"{self.high * self.unit:.4g}."
                )
            return X
        if isinstance(X, EventSequences) and self.are_spikes and X.counts is None:
            return X
        if isinstance(X, Recordings):
            rows = X.concatenated()
            rows = rows.toarray() if sparse.issparse(rows) else rows
            return Sequences.of_lengths(self._levels(rows), X.lengths)
        if sparse.issparse(X):
            parts = self._levels(X.data), X.indices, X.indptr
            return sparse.csr_array(parts, X.shape)
        return self._levels(X)

    def values(self, X, dtype):
        """Return the values that the whole numbers of an input stand for.

        Parameters
        ----------
        X : validated input
        dtype : dtype
            Of graded values.

        Returns
        -------
        X : validated input
        """
        levels = self.of(X)
        if self.are_spikes:
            return X
        if isinstance(levels, Sequences):
            return levels.with_values((levels.values * self.unit).astype(dtype))
        return (levels * self.unit).astype(dtype)

    def _levels(self, values):
        """Return an array as whole numbers; raise ValueError for what are no spikes."""
        if self.are_spikes:
            if not np.isin(values, (0, 1)).all():
                raise ValueError(
                    "X has other values than 0 and 1, but the network was quantised "
                    "for spikes: quantize with input_bits=8, or as many as X needs."
                )
            return values.astype(np.uint8)
        scaled = np.rint(np.asarray(values, np.float64) / self.unit)
        return np.clip(scaled, self.low, self.high).astype(self.dtype)


def input_levels(learned, is_sequential, bits):
    """Return the levels of an input like what a network learned from.

    Parameters
    ----------
    learned : dict or None
        What `learned_input.remember` kept.
    is_sequential : bool
        Whether its input has steps.
    bits : int or "auto"
        Of each value, its sign included if there are negative ones; 1 for spikes.
        "auto" is 1 for spike trains, and sequences that range from 0 to 1 exactly; else
        8.

    Returns
    -------
    levels : InputLevels

    Raises
    ------
    ValueError
        If the range of the values is not known.
    """
    spikes = InputLevels(1.0, 0, 1)
    is_known = learned is not None and learned["n_samples"] > 0
    if bits == 1 or (is_known and learned["low"] is None):
        return spikes
    if not is_known:
        raise ValueError(
            "The range of the input is not known, as the network was saved by an old "
            "version: fit it again, or, if its input is spikes, take input_bits=1."
        )
    low, high = float(learned["low"].min()), float(learned["high"].max())
    if isinstance(bits, str):
        limits = np.concatenate([learned["low"], learned["high"]])
        if is_sequential and high == 1 and np.isin(limits, (0, 1)).all():
            return spikes
        bits = 8
    top = 2**bits - 1 if low >= 0 else 2 ** (bits - 1) - 1
    largest = max(high, -low) or 1.0
    unit = largest / top
    if largest <= top and np.isin([low % 1, high % 1], 0).all():
        unit = 1 / (top // largest)  # all whole numbers are levels, then
    return InputLevels(unit, 0 if low >= 0 else -top, top)
