"""DelayLine: each channel of recordings beside its own past."""

from numbers import Integral

import numpy as np
from sklearn.utils.validation import check_is_fitted

from sklearn_snn._compat import Interval, check_feature_names_in, fit_context
from sklearn_snn._encoders.checks import check_parameters
from sklearn_snn._encoders.recordings import RecordingTransformer
from sklearn_snn._utils.errstate import with_own_errstate


class DelayLine(RecordingTransformer):
    """Put each channel of recordings beside its own past values.

    A tapped delay line [1]_: with ``d = n_delays``, ``C`` channels and ``t`` in steps,
    it gives ``d * C`` channels::

        out[t, j * C + c] = x[t - j * stride, c]        j = 0, ..., d - 1

    and 0 where ``t < j * stride``, before the recording starts. The present counts:
    ``DelayLine(30)`` shows at each step the last 30 values of each channel, of which
    the present one comes first, and ``DelayLine(1)`` changes nothing. So the network
    sees at once what it would have to remember, and its first layer is a filter of
    ``(d - 1) * stride + 1`` steps.

    Each recording is transformed by itself, and each step from what came until then:
    the first steps of a recording give the same as the first steps of its result.

    Parameters
    ----------
    n_delays : int, default=10
        How many values of each channel there are, the present one included; at least 1.
    stride : int, default=1
        How many steps lie between one of these values and the next; at least 1.

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
    DeltaSpikeEncoder : The changes of each channel.

    Notes
    -----
    The result is `n_delays` times as large as `X`, and of the same type: float32,
    float64, and types of up to 16 bits, in which recordings are best kept, stay what
    they are.

    References
    ----------
    .. [1] Alexander Waibel, Toshiyuki Hanazawa, Geoffrey Hinton, Kiyohiro Shikano and
           Kevin J. Lang, "Phoneme recognition using time-delay neural networks", IEEE
           Transactions on Acoustics, Speech, and Signal Processing 37, 1989.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_snn import DelayLine
    >>> X = np.array([[[1, 10], [2, 20], [3, 30], [4, 40]]])
    >>> delays = DelayLine(3).fit(X)
    >>> delays.transform(X)
    array([[[ 1, 10,  0,  0,  0,  0],
            [ 2, 20,  1, 10,  0,  0],
            [ 3, 30,  2, 20,  1, 10],
            [ 4, 40,  3, 30,  2, 20]]])
    >>> delays.get_feature_names_out(["left", "right"])
    array(['left_delay0', 'right_delay0', 'left_delay1', 'right_delay1',
           'left_delay2', 'right_delay2'], dtype=object)
    """

    _parameter_constraints = {
        "n_delays": [Interval(Integral, 1, None, closed="left")],
        "stride": [Interval(Integral, 1, None, closed="left")],
    }

    def __init__(self, n_delays=10, stride=1):
        self.n_delays = n_delays
        self.stride = stride

    @with_own_errstate
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn how many channels there are, and nothing else.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_steps, n_channels) or list of arrays of \
                shape (n_steps, n_channels)
            Recordings; in a list they may be of unequal length.
        y : Ignored
            Present for compatibility.

        Returns
        -------
        self : DelayLine
            The fitted transformer.

        Raises
        ------
        ValueError
            If `X` is not of three dimensions, or of two in a list, not numeric, not
            finite, without a step or a channel, or SpikeTrains or EventSequences.
        """
        self._learn(X)
        return self

    @with_own_errstate
    def transform(self, X):
        """Put each channel beside its past values.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_steps, n_channels) or list of arrays of \
                shape (n_steps, n_channels)
            Recordings, of any number of steps.

        Returns
        -------
        X_new : ndarray of shape (n_samples, n_steps, n_channels * n_delays), or \
                Sequences if the recordings differ in length
            The channels of each step, and behind them those of the steps before.

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
        """Return the present values, of which the past ones are copies.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_steps, n_channels * n_delays) or list of \
                arrays of shape (n_steps, n_channels * n_delays)
            Recordings, as `transform` returns them.

        Returns
        -------
        X_original : ndarray of shape (n_samples, n_steps, n_channels), or Sequences \
                if the recordings differ in length
            The channels before.

        Raises
        ------
        NotFittedError
            If `fit` was not called.
        ValueError
            If `X` is not numeric, finite and of that shape.
        """
        check_is_fitted(self)
        check_parameters(self)
        X, n_channels = self._checked(X), self.n_features_in_
        if X.shape[2] != n_channels * self.n_delays:
            raise ValueError(
                f"X has {X.shape[2]} channels, but DelayLine made {self.n_delays} of "
                f"each of {n_channels}."
            )
        return self._each(lambda x: x[..., :n_channels].copy(), X)

    def get_feature_names_out(self, input_features=None):
        """Return the names of the new channels.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the channels; None for x0, x1, ...

        Returns
        -------
        names : ndarray of str
            Each name with the delay in steps, as in ``"x0_delay3"``.
        """
        check_is_fitted(self)
        names = check_feature_names_in(self, input_features)
        lags = range(0, self.n_delays * self.stride, self.stride)
        return np.array(
            [f"{name}_delay{lag}" for lag in lags for name in names], dtype=object
        )

    def _continued(self, x, before):
        """Return delays of steps, and the last steps, of which others will be delays.

        Before are the steps that were returned so, or None.
        """
        n_before = 0 if before is None else before.shape[-2]
        x = x if before is None else np.concatenate([before, x], axis=-2)
        past = delayed(x, self.n_delays, self.stride)[..., n_before:, :]
        n_kept = (self.n_delays - 1) * self.stride
        # A copy: callers may fill the same array with the steps that come next.
        return past, x[..., max(0, x.shape[-2] - n_kept) :, :].copy()

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def delayed(x, n_delays, stride):
    """Return channels beside their past values.

    Parameters
    ----------
    x : ndarray of shape (..., n_steps, n_channels)
    n_delays, stride : int
        See `DelayLine`.

    Returns
    -------
    past : ndarray of shape (..., n_steps, n_channels * n_delays)
        Of the type of `x`.
    """
    *before, n_steps, n_channels = x.shape
    past = np.zeros((*before, n_steps, n_delays, n_channels), dtype=x.dtype)
    for j, lag in enumerate(range(0, min(n_delays * stride, n_steps), stride)):
        past[..., lag:, j, :] = x[..., : n_steps - lag, :]
    return past.reshape(*before, n_steps, n_delays * n_channels)
