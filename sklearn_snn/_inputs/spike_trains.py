"""SpikeTrains: rate-coded spikes as a lazy array of shape (sample, step, feature)."""

import operator
from typing import NamedTuple

import numpy as np
from scipy import sparse

from sklearn_snn._inputs.random import bernoulli, content_keys, counter_keys, mix64
from sklearn_snn._inputs.selection import check_span, selected
from sklearn_snn._utils.errstate import with_own_errstate
from sklearn_snn._utils.workspace import Workspace

# A probability may leave [0, 1] by so much: rounding, which is clipped.
_ROUNDING = 1e-6


class Events(NamedTuple):
    """Spikes of a few samples, stored for those features only that can fire.

    Attributes
    ----------
    indptr : ndarray of int of shape (n_samples + 1,)
        Sample ``i`` owns the rows ``indptr[i]:indptr[i + 1]`` of the other two.
    features : ndarray of int of shape (n_active,)
        Which feature a row stands for; each at most once per sample.
    spikes : ndarray of bool of shape (n_active, n_steps)
    """

    indptr: np.ndarray
    features: np.ndarray
    spikes: np.ndarray

    def of_sample(self, i):
        """Return features (n,) and spikes (n, n_steps) of a sample."""
        rows = slice(self.indptr[i], self.indptr[i + 1])
        return self.features[rows], self.spikes[rows]


class SpikeTrains:
    """Rate-coded spike trains that are made when they are looked at.

    Feature ``j`` of sample ``i`` fires at each step with probability ``rates[i, j]``,
    independently of all other features and steps: a Bernoulli process, the discrete
    approximation of a Poisson process. Only the rates and a seed are stored; the spike
    at step ``t`` is a pure function of ``(seed, presentation, rates[i], j, t)``::

        s[i, t, j] = 1  if  draw(seed, presentation, rates[i], j, t) < rates[i, j]

    so that the spikes of a row depend neither on its neighbours nor on the order or
    the thread in which they are made, and equal rows have equal spikes.

    Parameters
    ----------
    rates : {ndarray, CSR matrix or array} of shape (n_samples, n_features)
        Spike probability per step, in [0, 1]; kept as float32. With `levels`, an array
        of uint8 codes instead.
    n_steps : int
        Number of time steps, at least 1.
    seed : int, default=0
        Which of the 2**64 families of spike trains is drawn.
    presentation : int, default=0
        Which of a row's independent spike trains is drawn. Training presents each row
        anew in every epoch (1, 2, ...); prediction uses 0.
    levels : array-like of shape (256,), default=None
        Rate of each uint8 code. 8-bit images stay 8-bit this way: MNIST takes 47 MB
        instead of 188.

    Attributes
    ----------
    shape : tuple (n_samples, n_steps, n_features)
    dtype : dtype
        Always uint8.
    ndim : int
        Always 3.

    See Also
    --------
    PoissonSpikeEncoder : Makes SpikeTrains from intensities.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_snn import SpikeTrains
    >>> trains = SpikeTrains(np.array([[0.0, 0.5, 1.0]]), n_steps=6, seed=3)
    >>> trains
    SpikeTrains(n_samples=1, n_steps=6, n_features=3, seed=3, presentation=0)
    >>> np.asarray(trains)[0].T
    array([[0, 0, 0, 0, 0, 0],
           [1, 0, 1, 0, 1, 1],
           [1, 1, 1, 1, 1, 1]], dtype=uint8)
    """

    dtype = np.dtype(np.uint8)
    ndim = 3
    # Number of steps before the first of these, of those that are `between` others.
    first_step = 0

    @with_own_errstate
    def __init__(self, rates, n_steps, *, seed=0, presentation=0, levels=None):
        n_steps, seed = operator.index(n_steps), operator.index(seed)
        if n_steps < 1:
            raise ValueError(f"n_steps must be at least 1, got {n_steps}.")
        if levels is not None:
            levels = np.asarray(levels, dtype=np.float32)
            is_dense = isinstance(rates, np.ndarray)
            if not is_dense or rates.dtype != np.uint8 or levels.shape != (256,):
                raise ValueError(
                    "levels must have shape (256,) and need an ndarray of uint8 as "
                    f"rates, got levels of shape {levels.shape} and "
                    f"{getattr(rates, 'dtype', '')} {type(rates).__name__}."
                )
        elif sparse.issparse(rates):
            rates = sparse.csr_array(rates, dtype=np.float32)
            if not rates.has_canonical_format:
                rates = rates.copy()
                rates.sum_duplicates()
        else:
            rates = np.asarray(rates, dtype=np.float32)
        if rates.ndim != 2:
            raise ValueError(
                "rates must have shape (n_samples, n_features), got shape "
                f"{rates.shape}; rates of images become rows by "
                "rates.reshape(len(rates), -1)."
            )
        if levels is None:
            self.rates, self.levels = _probabilities(rates), None
        else:
            self.rates, self.levels = rates, _probabilities(levels)
        self.n_steps = n_steps
        self.seed = seed
        self.presentation = operator.index(presentation)

    @property
    def shape(self):
        """Return (n_samples, n_steps, n_features)."""
        return self.rates.shape[0], self.n_steps, self.rates.shape[1]

    def __len__(self):
        return self.rates.shape[0]

    def __repr__(self):
        n_samples, n_steps, n_features = self.shape
        return (
            f"SpikeTrains(n_samples={n_samples}, n_steps={n_steps}, "
            f"n_features={n_features}, seed={self.seed}, "
            f"presentation={self.presentation})"
        )

    def _replace(self, **changes):
        """Copy with other attributes; skips the checks that these values passed."""
        other = object.__new__(SpikeTrains)
        other.__dict__.update(self.__dict__, **changes)
        return other

    def __getitem__(self, samples):
        """Select samples.

        Parameters
        ----------
        samples : int, slice, array-like of int or of bool
            An int gives SpikeTrains of length 1. As with a numpy array, ``...`` or full
            slices may follow; the other axes cannot be cut.

        Returns
        -------
        subset : SpikeTrains
            With the spikes that the samples have here.
        """
        samples = selected(samples, len(self), "SpikeTrains")
        if isinstance(samples, int):
            samples = [samples]
        return self._replace(rates=self.rates[samples])

    def between(self, first, stop):
        """Select some of the steps of all samples.

        Parameters
        ----------
        first, stop : int
            From step `first` on, to before `stop`.

        Returns
        -------
        X : SpikeTrains
            With the spikes that the steps have here; it shares the rates.

        Raises
        ------
        ValueError
            If there are none.
        """
        stop = min(stop, self.n_steps)
        check_span(first, stop)
        return self._replace(n_steps=stop - first, first_step=self.first_step + first)

    def prolonged(self, n_steps):
        """Return the same rates for so many steps.

        Parameters
        ----------
        n_steps : int
            At least 1.

        Returns
        -------
        trains : SpikeTrains
            With the same spikes at the steps that there are here.
        """
        return self._replace(n_steps=n_steps)

    def present(self, presentation):
        """Return the same rates as another, independent presentation.

        Parameters
        ----------
        presentation : int
            Which one.

        Returns
        -------
        trains : SpikeTrains
            It shares the rates.
        """
        return self._replace(presentation=operator.index(presentation))

    def events(self, workspace=None):
        """Draw the spikes.

        Parameters
        ----------
        workspace : Workspace, default=None
            Where the spikes are put; the next call with the same one overwrites them.

        Returns
        -------
        events : Events
            The spikes of all samples.
        """
        workspace = Workspace() if workspace is None else workspace
        indptr, features, thresholds, keys = self.streams()
        spikes = workspace.array("spikes", (len(features), self.n_steps), bool)
        for i in range(len(self)):
            # Sample by sample, so that the words being mixed stay in the cache.
            rows = slice(indptr[i], indptr[i + 1])
            shape = spikes[rows].shape
            scratch = (
                workspace.array("words", shape, np.uint32),
                workspace.array("spare words", shape, np.uint32),
            )
            bernoulli(
                keys[rows], thresholds[rows], spikes[rows], scratch, self.first_step
            )
        return Events(indptr, features, spikes)

    def streams(self):
        """Return what decides the spikes of all entries that can fire.

        Returns
        -------
        indptr : ndarray of int of shape (n_samples + 1,)
            Sample ``i`` owns the entries ``indptr[i]:indptr[i + 1]``.
        features : ndarray of int of shape (n_active,)
            Which feature an entry stands for.
        thresholds : ndarray of uint32 of shape (n_active,)
            The words up to which an entry fires.
        keys : ndarray of uint64 of shape (n_active,)
            What the words of an entry are drawn from.
        """
        active = self.active()
        return *active, self._stream_keys(*active)

    def active(self):
        """Return what decides how often each entry that can fire does.

        Returns
        -------
        indptr : ndarray of int of shape (n_samples + 1,)
            Sample ``i`` owns the entries ``indptr[i]:indptr[i + 1]``.
        features : ndarray of int of shape (n_active,)
            Which feature an entry stands for.
        thresholds : ndarray of uint32 of shape (n_active,)
            The words up to which an entry fires.
        """
        if sparse.issparse(self.rates):
            csr = self.rates
            features, rates, indptr = csr.indices, csr.data, csr.indptr
            if not rates.all():
                keep = rates > 0
                indptr = np.concatenate([[0], np.cumsum(keep)])[indptr]
                features, rates = features[keep], rates[keep]
            return indptr, features, _thresholds(rates)
        if self.levels is None:
            can_fire = self.rates > 0
        else:
            can_fire = (self.levels > 0)[self.rates]
        samples, features = np.nonzero(can_fire)
        rates = self.rates[samples, features]
        if self.levels is not None:
            rates = self.levels[rates]
        indptr = np.searchsorted(samples, np.arange(len(self) + 1))
        return indptr, features, _thresholds(rates)

    def _stream_keys(self, indptr, features, thresholds):
        """Return one 64-bit stream key per active entry."""
        feature_keys = counter_keys(self.seed, np.arange(self.rates.shape[1]))
        entry_keys = feature_keys[features]
        row_keys = content_keys(indptr, thresholds, entry_keys)
        # ~seed: presentations must not share their keys with features.
        row_keys = mix64(row_keys ^ counter_keys(~self.seed, [self.presentation]))
        return mix64(np.repeat(row_keys, np.diff(indptr)) + entry_keys)

    def __array_namespace__(self, *, api_version=None):
        """Return numpy, whose functions take SpikeTrains as dense arrays."""
        # With array API dispatch on, scikit-learn knows numpy by this name only.
        from sklearn_snn._compat import array_api_numpy

        return array_api_numpy()

    @with_own_errstate
    def __array__(self, dtype=None, copy=None):
        """Return the spikes of all samples as a dense array.

        Parameters
        ----------
        dtype : dtype-like, default=None
            None means uint8.
        copy : bool, default=None
            False is refused: there is no array to share.

        Returns
        -------
        spikes : ndarray of shape (n_samples, n_steps, n_features)
        """
        if copy is False:
            raise ValueError("SpikeTrains are made on request: an array is a copy.")
        dense = np.zeros(self.shape, dtype=self.dtype if dtype is None else dtype)
        workspace = Workspace()
        for i in range(len(self)):
            features, spikes = self[i].events(workspace).of_sample(0)
            dense[i][:, features] = spikes.T
        return dense


def _thresholds(rates):
    """Return the words up to which a rate > 0 fires: P(word <= t) = (t + 1) / 2**32."""
    return (np.ceil(rates.astype(np.float64) * 2.0**32) - 1).astype(np.uint32)


def _probabilities(rates):
    """Return rates clipped to [0, 1]; raise ValueError if that is not mere rounding.

    NaN does not lie there.
    """
    values = rates.data if sparse.issparse(rates) else rates
    low, high = values.min(initial=0), values.max(initial=0)
    if not (low >= -_ROUNDING and high <= 1 + _ROUNDING):
        raise ValueError(
            "rates are probabilities and must lie in [0, 1], got values from "
            f"{low} to {high}."
        )
    if low >= 0 and high <= 1:
        return rates
    if not sparse.issparse(rates):
        return np.clip(rates, 0, 1)
    parts = np.clip(values, 0, 1), rates.indices, rates.indptr
    return sparse.csr_array(parts, rates.shape)
