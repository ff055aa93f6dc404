"""DeltaSpikeEncoder: changes of signals become spikes."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_snn._compat import Interval, check_feature_names_in, fit_context
from sklearn_snn._encoders.checks import check_parameters
from sklearn_snn._encoders.recordings import RecordingTransformer
from sklearn_snn._inputs.sequences import Sequences
from sklearn_snn._utils.errstate import with_own_errstate
from sklearn_snn._utils.warnings import warn_user
from sklearn_snn.exceptions import UnscaledInputWarning

# A level is reached by what lacks so much of it for rounding, in parts of the values.
# That of float32, in wider types too, in which many signals are that were float32 once:
# the spikes do not depend on which of the two they are kept in.
_ROUNDING = float(np.finfo(np.float32).eps)
# The same in thresholds, whatever the values: only in float32 it may have to be more.
_MOST, _MOST_SINGLE = 1 / 2000, 1 / 4
# How many recordings are looked at at a time for a change that is a spike.
_ROWS = 64


class DeltaSpikeEncoder(RecordingTransformer):
    """Encode the changes of signals as spikes of on and off channels.

    Send-on-delta sampling [1]_, known for spiking networks as step-forward encoding
    [2]_: a level follows each channel in steps of `threshold`. Each step up is a spike
    of the on channel, each step down one of the off channel::

        n[t] = trunc((x[t] - level[t - 1]) / threshold)     at most max_count either way
        level[t] = level[t - 1] + n[t] * threshold
        on[t] = max(n[t], 0),  off[t] = max(-n[t], 0)

    A signal that is short of a level by rounding alone has reached it (``0.3 / 0.1`` is
    2.9999999999999996): by less than a part in ``2**23`` of its value or its first, as
    float32 rounds, whatever the type is, and by at most 1/2000 of a threshold, or a
    quarter of one in float32.

    So a signal that stays within a threshold of its level is silent. One that moves
    faster than ``max_count * threshold`` per step runs ahead of its level, which
    follows it with `max_count` spikes in each step until it has caught up.

    Each recording is encoded by itself, and each step from what came until then: the
    first steps of a recording give the first steps of its spikes.

    Parameters
    ----------
    threshold : float, default=0.5
        The change that is a spike, positive, in the unit of `X`. After
        ``ChannelTransformer(StandardScaler())``, standard deviations of a channel.
    max_count : int, default=1
        How many spikes a channel has in a step at most, from 1 to 255. With 1, the
        output is 0 or 1.
    initial : float, default=None
        Level at which each channel starts. None is its first value, of which nothing is
        told then, and the first step is silent; with a number, the first spikes tell
        how far from it the channel starts.

    Attributes
    ----------
    n_features_in_ : int
        Number of channels seen during `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names. Defined only when `X` was a list of data frames with names that are
        all strings.

    See Also
    --------
    ChannelTransformer : Scales the channels; put it before.
    DelayLine : The past values of each channel.
    SpikingClassifier : Learns from the spikes.

    References
    ----------
    .. [1] Marek Miskowicz, "Send-on-delta concept: an event-based data reporting
           strategy", Sensors 6, 2006.
    .. [2] Balint Petro, Nikola Kasabov and Rita M. Kiss, "Selection and optimization of
           temporal spike encoding methods for spiking neural networks", IEEE
           Transactions on Neural Networks and Learning Systems 31, 2020.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_snn import DeltaSpikeEncoder
    >>> X = np.array([0.0, 1.2, 1.4, 3.1, 3.0, 1.0])[np.newaxis, :, np.newaxis]
    >>> encoder = DeltaSpikeEncoder(threshold=1.0)
    >>> spikes = encoder.fit_transform(X)
    >>> spikes[0].T
    array([[0, 1, 0, 1, 1, 0],
           [0, 0, 0, 0, 0, 1]], dtype=uint8)
    >>> encoder.inverse_transform(spikes)[0].T
    array([[0., 1., 1., 2., 3., 2.]])
    """

    _parameter_constraints = {
        "threshold": [Interval(Real, 0, None, closed="neither")],
        "max_count": [Interval(Integral, 1, 255, closed="both")],
        "initial": [Interval(Real, None, None, closed="neither"), None],
    }

    def __init__(self, threshold=0.5, *, max_count=1, initial=None):
        self.threshold = threshold
        self.max_count = max_count
        self.initial = initial

    @with_own_errstate
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn how many channels there are, and nothing else.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_steps, n_channels) or list of arrays of \
                shape (n_steps, n_channels)
            Signals; in a list they may be of unequal length.
        y : Ignored
            Present for compatibility.

        Returns
        -------
        self : DeltaSpikeEncoder
            The fitted encoder.

        Raises
        ------
        ValueError
            If `X` is not of three dimensions, or of two in a list, not numeric, not
            finite, without a step or a channel, or SpikeTrains or EventSequences.

        Warns
        -----
        UnscaledInputWarning
            If no channel of any recording changes by a threshold, so that there is no
            spike at all. Recordings of a single step are no reason for it.
        """
        self._warn_of_silence(X, self._learn(X))
        return self

    @with_own_errstate
    def transform(self, X):
        """Encode changes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_steps, n_channels) or list of arrays of \
                shape (n_steps, n_channels)
            Signals, of any number of steps.

        Returns
        -------
        spikes : ndarray of uint8 of shape (n_samples, n_steps, 2 * n_channels), or \
                Sequences if the recordings differ in length
            Spikes of each step: all on channels, then all off channels.

        Raises
        ------
        NotFittedError
            If `fit` was not called.
        ValueError
            As in `fit`, and if `X` has another number of channels; or if a parameter,
            which is in force at once, was set to what is not accepted.
        """
        return self._transformed(X)

    @with_own_errstate
    def inverse_transform(self, X):
        """Return the levels that spikes tell: signals, up to a threshold.

        That is, if no signal runs ahead of its level. With ``initial=None`` they are
        what was added to the first value, and start at 0.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_steps, 2 * n_channels) or list of arrays \
                of shape (n_steps, 2 * n_channels)
            Spikes, as `transform` returns them.

        Returns
        -------
        X_original : ndarray of float64 of shape (n_samples, n_steps, n_channels), or \
                Sequences if the recordings differ in length
            Levels.

        Raises
        ------
        NotFittedError
            If `fit` was not called.
        ValueError
            If `X` is not numeric, finite and of that shape.
        """
        check_is_fitted(self)
        check_parameters(self)
        X = self._checked(X)
        if X.shape[2] != 2 * self.n_features_in_:
            raise ValueError(
                f"X has {X.shape[2]} channels, but DeltaSpikeEncoder decodes spikes of "
                f"{self.n_features_in_} on and as many off channels."
            )
        return self._each(self._levels, X)

    def get_feature_names_out(self, input_features=None):
        """Return the names of the on and off channels.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the channels; None for x0, x1, ...

        Returns
        -------
        names : ndarray of str
            As in ``"x0_on"``, then as in ``"x0_off"``.
        """
        check_is_fitted(self)
        names = check_feature_names_in(self, input_features)
        return np.array(
            [f"{name}_{way}" for way in ("on", "off") for name in names], dtype=object
        )

    def _continued(self, x, levels):
        """Return spikes of steps, and the levels that they lead to from those before.

        Levels are a pair: where each channel starts, and how many thresholds it got
        from there; None before the first step.
        """
        if levels is None:
            first = _beginning(x, self.initial)
            levels = first, np.zeros((*x.shape[:-2], x.shape[-1]))
        return level_crossings(x, self.threshold, self.max_count, *levels)

    def _warn_of_silence(self, given, X):
        """Warn if none of the recordings, as given and as checked, makes a spike."""
        if X.shape[1] == 1:
            return
        change = 0.0
        if not isinstance(X, Sequences):  # most change within the first few
            X = [X[i : i + _ROWS] for i in range(0, len(X), _ROWS)]
        for x in X:
            change = max(change, largest_change(x, self.initial))
            if change >= self.threshold:
                return
        # What falls short of a threshold by rounding alone is a spike, too.
        if any(spikes.any() for spikes in self._transformed(given)):
            return
        message = (
            f"DeltaSpikeEncoder makes no spike of X: with threshold={self.threshold}, "
            f"initial={self.initial}, the largest change of a channel from where it "
            f"begins is {change:.3g}."
        )
        if change > 0:
            message += (
                " A lower threshold helps, or ChannelTransformer(StandardScaler()) "
                "before it, after which a threshold is in standard deviations."
            )
        warn_user(message, UnscaledInputWarning)

    def _levels(self, spikes):
        """Return the level of each channel at each step."""
        on, off = np.split(spikes.astype(np.float64), 2, axis=-1)
        start = 0.0 if self.initial is None else self.initial
        return start + self.threshold * np.cumsum(on - off, axis=-2)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        # Spikes are uint8, whatever the signals are.
        tags.transformer_tags.preserves_dtype = []
        return tags


def largest_change(x, initial):
    """Return how far signals get from where they begin.

    Parameters
    ----------
    x : ndarray of shape (..., n_steps, n_channels)
    initial
        See `DeltaSpikeEncoder`.

    Returns
    -------
    change : float
    """
    # The extremes are few: only they are converted.
    low, high = (limit(axis=-2).astype(np.float64) for limit in (x.min, x.max))
    first = _beginning(x, initial)
    with np.errstate(over="ignore"):
        return float(np.maximum(high - first, first - low).max())


def _beginning(x, initial):
    """Return the level at which each channel starts."""
    return x[..., 0, :].astype(np.float64) if initial is None else float(initial)


def level_crossings(x, threshold, max_count, first, level):
    """Return on and off spikes of signals, and the levels in the end.

    The level is kept as a whole number of thresholds, so that no rounding adds up.

    Parameters
    ----------
    x : ndarray of shape (..., n_steps, n_channels)
    threshold, max_count
        See `DeltaSpikeEncoder`.
    first : ndarray of shape (..., n_channels) or float
        Where each channel starts.
    level : ndarray of shape (..., n_channels)
        The levels before, in thresholds from there.

    Returns
    -------
    spikes : ndarray of uint8 of shape (..., n_steps, 2 * n_channels)
    levels : tuple of `first` and ndarray of shape (..., n_channels)
        As they were given, after these steps.
    """
    *before, n_steps, n_channels = x.shape
    spikes = np.zeros((*before, n_steps, 2 * n_channels), dtype=np.uint8)
    level = level.copy()  # that of a stream counts until these steps do
    most = _MOST_SINGLE if x.dtype == np.float32 else _MOST
    for t in range(n_steps):
        value = x[..., t, :].astype(np.float64)
        with np.errstate(over="ignore"):  # infinity is cut off, too
            distance = (value - first) / threshold - level
            size = np.maximum(np.abs(value), np.abs(first)) / threshold
        reached = distance + np.copysign(np.minimum(_ROUNDING * size, most), distance)
        count = np.clip(np.trunc(reached), -max_count, max_count)
        level += count
        spikes[..., t, :n_channels] = np.maximum(count, 0)
        spikes[..., t, n_channels:] = np.maximum(-count, 0)
    return spikes, (first, level)
