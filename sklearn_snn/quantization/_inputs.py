"""Inputs as whole numbers: spikes as they are, graded values as so many levels.

Each column, or channel, of graded values has levels of its own, and the weights make up
for what a level stands for. Of how much narrower a column is than the widest, a half
goes into its levels, as a ratio: one a hundredth as wide has levels a tenth as wide,
and so a tenth as many, and weights a tenth as large. All of it in either place would
leave nothing there (Xiao et al., "SmoothQuant: accurate and efficient post-training
quantization for large language models", ICML 2023, with their alpha of 0.5).
"""

from typing import NamedTuple

import numpy as np
from scipy import sparse

from sklearn_snn._inputs.event_sequences import EventSequences
from sklearn_snn._inputs.sequences import Recordings, Sequences
from sklearn_snn._inputs.spike_trains import SpikeTrains
from sklearn_snn._inputs.unscaled import name_of_feature
from sklearn_snn._utils.warnings import warn_user
from sklearn_snn.exceptions import UnscaledInputWarning

# A column that is so much narrower than the widest, and keeps fewer levels than this,
# is warned of; one that is as narrow and exact is not.
_NARROW, _FEW = 50, 4


class InputLevels(NamedTuple):
    """Which whole number stands for a value: ``clip(round(x / unit), low, high)``.

    Attributes
    ----------
    unit : ndarray of float64 of shape (n_features,)
        The value that 1 stands for, in each column; of shape (1,) for spikes.
    low, high : int
        0 and 1 for spikes.
    """

    unit: np.ndarray
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
    def n_bits(self):
        """Bits of a level, but for its sign."""
        return int(self.high).bit_length()

    @property
    def dtype(self):
        """The smallest type that holds the levels."""
        return np.min_scalar_type(self.low or self.high)

    def check(self, n_features):
        """Raise ValueError unless these are levels of so many columns."""
        unit = self.unit
        if unit.shape not in ((1,), (n_features,)) or not (unit > 0).all():
            raise ValueError(f"unit is no positive numbers of shape ({n_features},).")

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
                    f"values from {self.low * self.unit.max():.4g} to "
                    f"{self.high * self.unit.max():.4g}."
                )
            return X
        if isinstance(X, EventSequences) and self.are_spikes and X.counts is None:
            return X
        if isinstance(X, Recordings):
            rows = X.concatenated()
            rows = rows.toarray() if sparse.issparse(rows) else rows
            return Sequences.of_lengths(self._levels(rows), X.lengths)
        if sparse.issparse(X):
            unit = np.broadcast_to(self.unit, X.shape[1])[X.indices]
            parts = self._levels(X.data, unit), X.indices, X.indptr
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
        if sparse.issparse(levels):
            data = (levels.data * self.unit[levels.indices]).astype(dtype)
            return sparse.csr_array((data, levels.indices, levels.indptr), X.shape)
        return (levels * self.unit).astype(dtype)

    def _levels(self, values, unit=None):
        """Return an array as whole numbers; raise ValueError for what are no spikes."""
        if self.are_spikes:
            if not np.isin(values, (0, 1)).all():
                raise ValueError(
                    "X has other values than 0 and 1, but the network was quantised "
                    "for spikes: quantize with input_bits=8, or as many as X needs."
                )
            return values.astype(np.uint8)
        unit = self.unit if unit is None else unit
        scaled = np.rint(np.asarray(values, np.float64) / unit)
        return np.clip(scaled, self.low, self.high).astype(self.dtype)


def is_range_known(learned):
    """Tell whether what `learned_input.remember` kept, or None, says the range."""
    return learned is not None and learned["n_samples"] > 0


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
    spikes = InputLevels(np.ones(1), 0, 1)
    is_known = is_range_known(learned)
    if bits == 1 or (is_known and learned["low"] is None):
        return spikes
    if not is_known:
        raise ValueError(
            "The range of the input is not known, as of networks of other programs, of "
            "such as were converted without X, and of files of old versions: give "
            "quantize an X like what the network is for, or, if that is spikes, take "
            "input_bits=1."
        )
    low, high = (np.asarray(learned[name], np.float64) for name in ("low", "high"))
    is_signed = low.min() < 0
    if isinstance(bits, str):
        are_ends = np.isin([low, high], (0, 1)).all()
        if is_sequential and high.max() == 1 and are_ends:
            return spikes
        bits = 8
    top = 2 ** (bits - 1) - 1 if is_signed else 2**bits - 1
    largest = np.maximum(high, -low)
    # Of a column without any value there is nothing better to say than of the widest.
    largest[largest == 0] = largest.max() or 1.0
    largest = np.maximum(largest, np.finfo(np.float64).tiny)
    unit = np.sqrt(largest) * (np.sqrt(largest.max()) / top)
    # All whole numbers are levels, where the ends of a range are some.
    is_whole = (largest <= top) & (low % 1 == 0) & (high % 1 == 0)
    unit[is_whole] = 1 / np.maximum(np.floor(1 / unit[is_whole] + 1e-9), 1)
    return InputLevels(unit, -top if is_signed else 0, top)


def warn_of_narrow(estimator, levels, learned, coef, weights):
    """Warn of columns of which hardly anything is left, beside those that are wider.

    Not of a few among many, as pixels at a margin that are centered.

    Parameters
    ----------
    estimator : fitted estimator
    levels : InputLevels
        Of a range that is known.
    learned : dict
        What `learned_input.remember` kept of it.
    coef, weights : ndarrays of shape (n_features, n_units)
        Of the first layer, before and after they were rounded.
    """
    low, high = learned["low"], learned["high"]
    widths = np.maximum(high, -low)
    widest = int(np.argmax(widths))
    is_exact, varies = (low % 1 == 0) & (high % 1 == 0), high > low
    is_narrow = varies & (widths < widths[widest] / _NARROW)
    is_coarse = (widths < _FEW * levels.unit) & ~is_exact
    is_mute = coef.any(axis=1) & ~weights.any(axis=1)
    lost = np.flatnonzero(is_narrow & (is_coarse | is_mute))
    if 2 * len(lost) < max(1, np.count_nonzero(varies)):
        return
    name = name_of_feature(estimator, estimator._is_sequential_)
    named = ", ".join(map(name, lost[:3])) + (", ..." if len(lost) > 3 else "")
    warn_user(
        f"Next to nothing is left of {len(lost)} of {len(widths)} inputs where they "
        f"are quantised, {named}: few levels, or no weight. Their range is narrow "
        f"beside that of {name(widest)}, {low[widest]:.4g} to {high[widest]:.4g}. "
        "Scale X, and clip its outliers, before fit, or take more bits and input_bits.",
        UnscaledInputWarning,
    )
