"""Sequences: recordings of unequal length as a lazy array; what such arrays share."""

import numpy as np

from sklearn_snn._inputs.selection import check_span, selected

_NUMBERS = {*"biuf"}


class Recordings:
    """What lazy arrays of unequal length share: samples, each of its number of steps.

    A subclass has `lengths`, `dtype`, `_n_features`, and the methods `_one`, which
    makes an array of a sample, `_some`, which takes samples, and `padded`.
    """

    ndim = 3

    @property
    def shape(self):
        """Return (n_samples, steps of the longest, n_features)."""
        return len(self.lengths), int(self.lengths.max(initial=0)), self._n_features

    def __len__(self):
        return len(self.lengths)

    def __repr__(self):
        n_samples, longest, n_features = self.shape
        shortest = int(self.lengths.min(initial=longest))
        n_steps = f"{longest}" if shortest == longest else f"{shortest} to {longest}"
        return (
            f"{type(self).__name__}(n_samples={n_samples}, n_steps={n_steps}, "
            f"n_features={n_features}, dtype={self.dtype})"
        )

    def __getitem__(self, samples):
        """Select samples.

        Parameters
        ----------
        samples : int, slice, array-like of int or of bool
            As with a numpy array, ``...`` or full slices may follow; the other axes
            cannot be cut.

        Returns
        -------
        selected : ndarray of shape (n_steps, n_features) or object of this class
            The array of one sample for an int, else some of the samples.
        """
        samples = selected(samples, len(self), type(self).__name__)
        if isinstance(samples, int):
            return self._one(samples % len(self))
        return self._some(samples)

    def __iter__(self):
        return (self._one(i) for i in range(len(self)))

    def __array_namespace__(self, *, api_version=None):
        """Return numpy, the namespace of what is made of these."""
        # With array API dispatch on, scikit-learn knows numpy by this name only.
        from sklearn_snn._compat import array_api_numpy

        return array_api_numpy()

    def __array__(self, dtype=None, copy=None):
        """Return samples of one length as an array; raise ValueError for others."""
        if copy is False:
            raise ValueError(f"{type(self).__name__} become an array by a copy only.")
        if len(self) and self.lengths.min() < self.lengths.max():
            raise ValueError(
                f"{type(self).__name__} of {self.lengths.min()} to "
                f"{self.lengths.max()} steps are no array; padded() makes one, with "
                "zeros behind the ends."
            )
        return self.padded(dtype)


class Sequences(Recordings):
    """Recordings of unequal length, of which taking samples copies nothing.

    Sample ``i`` is ``values[starts[i] : starts[i] + lengths[i]]``. So rows one behind
    the other are one array, which may be a memory map; so is an array of recordings
    that are padded to one length, whose padding is never looked at.

    Parameters
    ----------
    values : ndarray of shape (n_rows, n_features)
        Rows of all samples, of a type of real numbers.
    starts : array-like of int of shape (n_samples,)
        Row of each sample's first step.
    lengths : array-like of int of shape (n_samples,)
        Number of steps of each sample.

    Attributes
    ----------
    shape : tuple (n_samples, n_steps, n_features)
        With the steps of the longest sample.
    dtype : dtype
        Of `values`.
    ndim : int
        Always 3.

    Raises
    ------
    ValueError
        If `values` is no 2-D array of numbers, or a sample does not lie in it.

    See Also
    --------
    as_sequences : Makes these of what other libraries have.
    EventSequences : Spikes of recordings of unequal length, as events.

    Notes
    -----
    Pickled, it holds the rows of its samples alone. Samples may end with steps of NaN,
    before which estimators take them to end, as those of an array.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_snn import Sequences
    >>> X = Sequences(np.arange(10.0).reshape(5, 2), starts=[0, 3], lengths=[3, 2])
    >>> X
    Sequences(n_samples=2, n_steps=2 to 3, n_features=2, dtype=float64)
    >>> X[1]
    array([[6., 7.],
           [8., 9.]])
    >>> X[1:].shape
    (1, 2, 2)
    """

    def __init__(self, values, starts, lengths):
        self.values = np.asanyarray(values)
        if self.values.ndim != 2 or self.values.dtype.kind not in _NUMBERS:
            raise ValueError(
                "values must be an array of numbers of shape (n_rows, n_features), got "
                f"{self.values.dtype} of shape {self.values.shape}."
            )
        self.starts = whole_numbers("starts", starts)
        self.lengths = whole_numbers("lengths", lengths)
        if self.starts.shape != self.lengths.shape:
            raise ValueError(
                f"There are {len(self.starts)} starts, but {len(self.lengths)} lengths."
            )
        ends = self.starts + self.lengths
        outside = (self.starts < 0) | (self.lengths < 0) | (ends > len(self.values))
        if outside.any():
            i = int(np.argmax(outside))
            raise ValueError(
                f"Sample {i}, rows {self.starts[i]} to {ends[i]}, does not lie in "
                f"values, which has {len(self.values)} rows."
            )

    @classmethod
    def of_lengths(cls, values, lengths):
        """Make sequences of rows that lie one behind the other.

        Parameters
        ----------
        values : ndarray of shape (n_rows, n_features)
            Rows of all samples.
        lengths : array-like of int of shape (n_samples,)
            Number of steps of each sample, together at most n_rows.

        Returns
        -------
        X : Sequences
            They share the values.
        """
        lengths = whole_numbers("lengths", lengths)
        return cls(values, np.cumsum(lengths) - lengths, lengths)

    @classmethod
    def of_array(cls, X):
        """Make sequences of the samples of an array.

        Parameters
        ----------
        X : ndarray of shape (n_samples, n_steps, n_features)
            Values.

        Returns
        -------
        X : Sequences
            They share the values if these are C-contiguous, and no sample that is taken
            is a copy.
        """
        n_samples, n_steps, n_features = X.shape
        starts = n_steps * np.arange(n_samples)
        return cls(X.reshape(-1, n_features), starts, np.full(n_samples, n_steps))

    @property
    def dtype(self):
        """Return the type of the values."""
        return self.values.dtype

    @property
    def _n_features(self):
        return self.values.shape[1]

    def _one(self, i):
        return self.values[self.starts[i] : self.starts[i] + self.lengths[i]]

    def _some(self, samples):
        some = object.__new__(type(self))
        some.values = self.values
        some.starts, some.lengths = self.starts[samples], self.lengths[samples]
        return some

    def between(self, first, stop):
        """Select some of the steps of all samples.

        Parameters
        ----------
        first, stop : int
            From step `first` on, to before `stop`.

        Returns
        -------
        X : Sequences
            They share the values. A sample that has none of the steps has length 0.

        Raises
        ------
        ValueError
            Unless ``0 <= first < stop``.
        """
        check_span(first, stop)
        some = self._some(slice(None))
        n_before = np.minimum(self.lengths, first)
        some.starts = self.starts + n_before
        some.lengths = np.minimum(self.lengths, stop) - n_before
        return some

    def with_values(self, values):
        """Return samples of the same lengths with other rows.

        Parameters
        ----------
        values : ndarray of shape (n_steps_of_all, n_features)
            In the order of `concatenated`.

        Returns
        -------
        X : Sequences
            They share the values.
        """
        return type(self).of_lengths(values, self.lengths)

    def concatenated(self):
        """Return the steps of all samples as the rows of one table.

        Returns
        -------
        rows : ndarray of shape (n_steps_of_all, n_features)
            A view of `values` where the samples lie one behind the other.
        """
        if len(self) == 0:
            return self.values[:0]
        ends = self.starts + self.lengths
        if (self.starts[1:] == ends[:-1]).all():
            return self.values[self.starts[0] : ends[-1]]
        return np.concatenate(list(self))

    def padded(self, dtype=None):
        """Return the samples as one array, with zeros behind the end of each.

        Parameters
        ----------
        dtype : dtype-like, default=None
            None is that of the values.

        Returns
        -------
        X : ndarray of shape (n_samples, n_steps, n_features)
            C-contiguous, and as long as the longest of these samples.
        """
        out = np.zeros(self.shape, self.dtype if dtype is None else dtype)
        for row, sample in zip(out, self, strict=True):
            row[: len(sample)] = sample
        return out

    def __getstate__(self):
        """Return the rows of these samples alone, if there are others."""
        changes = np.zeros(len(self.values) + 1, np.int64)
        np.add.at(changes, self.starts, 1)
        np.add.at(changes, self.starts + self.lengths, -1)
        if (np.cumsum(changes[:-1]) > 0).all():
            return vars(self)
        return vars(self.with_values(np.asarray(self.concatenated())))


def whole_numbers(name, values):
    """Return values as int64; raise ValueError unless they are 1-D and whole."""
    array = np.asarray(values)
    if array.size == 0:
        array = array.astype(np.int64)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise ValueError(
            f"{name} must be whole numbers, of shape (n,); got {array.dtype} of shape "
            f"{array.shape}."
        )
    return array.astype(np.int64)
