"""EventSequences: spikes of recordings of unequal length, as their events alone."""

from itertools import pairwise

import numpy as np
from scipy import sparse

from sklearn_snn._inputs.selection import check_span
from sklearn_snn._inputs.sequences import Recordings, whole_numbers

# What 32 bits, and the place of a unit in a step in 64, have room for.
MAX_STEPS, _MAX_UNITS = 2**32, 2**31
# What to do where values are needed. Padded, silence beyond an end would be steps.
LAID_OUT = "list(X) lays them out, each up to its end, a byte for each step and unit."


class EventSequences(Recordings):
    """Spikes of recordings of unequal length, of which the events alone are stored.

    The memory is that of the events, whatever the number of steps and units. A network
    looks at a mini-batch at a time, as an array.

    Parameters
    ----------
    steps, units : array-like of int of shape (n_events,)
        Step, from 0 on, and unit, below `n_units`, of each event: those of a sample by
        step, then by unit, each pair at most once.
    indptr : array-like of int of shape (n_samples + 1,)
        Sample ``i`` owns the events ``indptr[i]:indptr[i + 1]``.
    lengths : array-like of int of shape (n_samples,)
        Number of steps of each sample.
    n_units : int
        Number of units, the features.
    counts : array-like of int of shape (n_events,), default=None
        Spikes of each event, from 1 to 255; None is one each.

    Attributes
    ----------
    shape : tuple (n_samples, n_steps, n_units)
        With the steps of the longest sample.
    dtype : dtype
        Always uint8.
    ndim : int
        Always 3.

    Raises
    ------
    ValueError
        If the arrays do not fit each other, or events are not in order, or lie outside
        of their sample.

    See Also
    --------
    as_sequences : Makes these of spike times and of event lists.
    Sequences : Recordings of unequal length, as values.

    Examples
    --------
    >>> from sklearn_snn import EventSequences
    >>> X = EventSequences([0, 2, 1], [1, 0, 1], [0, 2, 3], lengths=[4, 2], n_units=2)
    >>> X
    EventSequences(n_samples=2, n_steps=2 to 4, n_features=2, dtype=uint8)
    >>> X[0]
    array([[0, 1],
           [0, 0],
           [1, 0],
           [0, 0]], dtype=uint8)
    """

    dtype = np.dtype(np.uint8)

    def __init__(self, steps, units, indptr, *, lengths, n_units, counts=None):
        steps, units = whole_numbers("steps", steps), whole_numbers("units", units)
        indptr = whole_numbers("indptr", indptr)
        self.lengths = whole_numbers("lengths", lengths)
        if n_units != int(n_units) or n_units < 0 or self.lengths.min(initial=0) < 0:
            raise ValueError(
                "n_units must be a whole number, and neither it nor a length negative; "
                f"got n_units={n_units!r}, lengths from {self.lengths.min(initial=0)}."
            )
        self.n_units = int(n_units)
        if self.n_units > _MAX_UNITS or self.lengths.max(initial=0) > MAX_STEPS:
            raise ValueError(
                f"There may be up to {MAX_STEPS} steps and {_MAX_UNITS} units, got "
                f"{self.lengths.max()} and {self.n_units}."
            )
        if len(indptr) != len(self.lengths) + 1 or (
            [indptr[0], indptr[-1]] != [0, len(steps)] or (np.diff(indptr) < 0).any()
        ):
            raise ValueError(
                f"indptr must rise from 0 to {len(steps)}, the number of events, with "
                f"one number more than there are lengths, {len(self.lengths)}."
            )
        if len(units) != len(steps):
            raise ValueError(f"There are {len(steps)} steps, but {len(units)} units.")
        owners = np.repeat(np.arange(len(self.lengths)), np.diff(indptr))
        _check_in_range("step", steps, self.lengths[owners], owners)
        _check_in_range("unit", units, np.full(len(units), self.n_units), owners)
        places = steps * self.n_units + units
        unordered = (np.diff(places) <= 0) & (np.diff(owners) == 0)
        if unordered.any():
            i = owners[int(np.argmax(unordered))]
            raise ValueError(
                f"The events of sample {i} must be sorted by step, then by unit, each "
                "pair at most once."
            )
        self.counts = None
        if counts is not None:
            counts = whole_numbers("counts", counts)
            if len(counts) != len(steps):
                raise ValueError(
                    f"There are {len(steps)} steps, but {len(counts)} counts."
                )
            if len(counts) and not 1 <= counts.min() <= counts.max() <= 255:
                raise ValueError(
                    f"counts must be from 1 to 255, got {counts.min()} to "
                    f"{counts.max()}: take narrower bins."
                )
            self.counts = counts.astype(np.uint8)
        self.steps = steps.astype(np.uint32)
        self.units = units.astype(np.min_scalar_type(max(self.n_units - 1, 0)))
        self.indptr = indptr

    @property
    def _n_features(self):
        return self.n_units

    def _one(self, i):
        return self._some([i]).padded()[0]

    def _some(self, samples):
        starts, n_events = self.indptr[:-1][samples], np.diff(self.indptr)[samples]
        some = self._of_events(starts, n_events)
        some.lengths = self.lengths[samples]
        return some

    def _of_events(self, starts, n_events):
        """Return samples that have some of the events, so many from a place on each."""
        some = object.__new__(type(self))
        some.n_units = self.n_units
        some.indptr = np.concatenate([[0], np.cumsum(n_events)])
        if (starts[1:] == (starts + n_events)[:-1]).all():
            first = starts[0] if len(starts) else 0
            events = slice(first, first + some.indptr[-1])  # a view
        else:
            shift = np.repeat(starts - some.indptr[:-1], n_events)
            events = np.arange(some.indptr[-1]) + shift
        some.steps, some.units = self.steps[events], self.units[events]
        some.counts = None if self.counts is None else self.counts[events]
        return some

    def between(self, first, stop):
        """Select some of the steps of all samples.

        Parameters
        ----------
        first, stop : int
            From step `first` on, to before `stop`.

        Returns
        -------
        X : EventSequences
            A sample that has none of the steps has length 0.

        Raises
        ------
        ValueError
            Unless ``0 <= first < stop``.
        """
        check_span(first, stop)
        # Those of a sample are in the order of their steps.
        span = np.minimum([first, stop], MAX_STEPS - 1).astype(self.steps.dtype)
        places = [
            start + np.searchsorted(self.steps[start:end], span)
            for start, end in pairwise(self.indptr.tolist())
        ]
        starts, ends = np.reshape(places, (-1, 2)).T
        some = self._of_events(starts, ends - starts)
        some.steps = some.steps - np.uint32(first)
        some.lengths = np.minimum(self.lengths, stop) - np.minimum(self.lengths, first)
        return some

    def concatenated(self):
        """Return the steps of all samples as the rows of one table.

        Returns
        -------
        rows : CSR array of uint8 of shape (n_steps_of_all, n_units)
            With an entry for each event.
        """
        first = np.cumsum(self.lengths) - self.lengths
        rows = np.repeat(first, np.diff(self.indptr)) + self.steps
        n_rows = int(self.lengths.sum())
        indptr = np.searchsorted(rows, np.arange(n_rows + 1))
        counts = self.counts
        if counts is None:
            counts = np.ones(len(rows), np.uint8)
        parts = counts, self.units.astype(indptr.dtype), indptr
        return sparse.csr_array(parts, (n_rows, self.n_units))

    def padded(self, dtype=None):
        """Return the samples as one array, with zeros behind the end of each.

        Parameters
        ----------
        dtype : dtype-like, default=None
            None is uint8.

        Returns
        -------
        X : ndarray of shape (n_samples, n_steps, n_units)
            C-contiguous, and as long as the longest of these samples.
        """
        out = np.zeros(self.shape, self.dtype if dtype is None else dtype)
        owners = np.repeat(np.arange(len(self)), np.diff(self.indptr))
        out[owners, self.steps, self.units] = 1 if self.counts is None else self.counts
        return out


def _check_in_range(name, values, ends, owners):
    """Raise ValueError unless each of the values is from 0 to below its end."""
    outside = (values < 0) | (values >= ends)
    if outside.any():
        k = int(np.argmax(outside))
        raise ValueError(
            f"Sample {owners[k]} has an event at {name} {values[k]}, which must be "
            f"from 0 to {ends[k] - 1}."
        )


def joined(parts):
    """Return the samples of several EventSequences, of the same units, as one.

    Parameters
    ----------
    parts : list of EventSequences
        At least one; all of them have counts, or none has.

    Returns
    -------
    X : EventSequences
    """
    first, *others = parts
    if not others:
        return first
    whole = object.__new__(type(first))
    whole.n_units = first.n_units
    for name in ("steps", "units", "lengths"):
        arrays = [getattr(part, name) for part in parts]
        setattr(whole, name, np.concatenate(arrays))
    n_events = np.concatenate([np.diff(part.indptr) for part in parts])
    whole.indptr = np.concatenate([[0], np.cumsum(n_events)])
    has_counts = first.counts is not None
    counts = [part.counts for part in parts]
    whole.counts = np.concatenate(counts) if has_counts else None
    return whole
