"""LatencySpikeEncoder: intensities become the times of single spikes."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils import gen_batches
from sklearn.utils.validation import check_is_fitted

from sklearn_snn._compat import (
    Interval,
    StrOptions,
    fit_context,
)
from sklearn_snn._encoders.checks import check_parameters, checked_spikes
from sklearn_snn._encoders.ranges import ROWS, SCALING, RangeEncoder
from sklearn_snn._utils.errstate import with_own_errstate

# So many time constants fit into the steps by default: what a membrane lacks of its
# intensity in the end is less than a hundredth of it.
_TIME_CONSTANTS = 5


class LatencySpikeEncoder(RangeEncoder):
    """Encode intensities as times to the first spike ("latency coding").

    Feature ``j`` of sample ``i`` fires once, the sooner the larger it is. With ``x``
    its place in the range that `fit` learned, from 0 to 1::

        x[i, j] = clip((X[i, j] - low) / (high - low), 0, 1)

    and ``T = n_steps``, the spike comes at step ``round(t)``::

        t = (1 - x) (T - 1)                  law="linear"
        t = tau ln(x / (x - threshold))      law="logarithmic"

    The first, and why it is fast, is from [1]_. The second is the time that a leaky
    membrane takes to the threshold, ``u(t) = x (1 - exp(-t / tau))``, when a constant
    current charges it [2]_. An intensity of 0 never fires, in either law; nor does, in
    the second, one that does not charge the membrane to the threshold within the steps.
    A feature that was constant in `fit` (``low == high``) is silent.

    `fit` learns the range from `low` to `high` and nothing else. Nothing is drawn: a
    row has the same spikes whenever and beside whatever it is seen.

    Parameters
    ----------
    n_steps : int, default=100
        Number of time steps, at least 1.
    law : {"linear", "logarithmic"}, default="linear"
        How the time depends on the intensity. "linear" tells all intensities apart
        equally well; "logarithmic" crowds strong ones into the first steps, and tells
        those just above the threshold apart best.
    threshold : float, default=0.2
        Threshold of the membrane with ``law="logarithmic"``, in (0, 1): the share of
        the range at and below which intensities are silent.
    tau : float, default=None
        Time constant of the membrane in steps, positive. None is ``n_steps / 5``.
    scaling : {"global", "feature"} or None, default="global"
        What is scaled to the range from 0 to 1, as for `PoissonSpikeEncoder`.

        - "global": one range for all features, as pixels of an image need;
        - "feature": a range for each feature, as columns of a table need;
        - None: `X` lies in [0, 1] already, as after `MinMaxScaler`. In `fit` it must,
          up to rounding (1e-6).

    Attributes
    ----------
    data_min_, data_max_ : float or ndarray of shape (`n_features_in_`,)
        The range of intensities that was learned: numbers with ``scaling="global"``
        and ``scaling=None``, one per feature with ``scaling="feature"``.
    n_features_in_ : int
        Number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during `fit`. Defined only when `X` has feature names
        that are all strings.

    See Also
    --------
    PoissonSpikeEncoder : Rates instead of times, drawn anew in every epoch.
    PopulationSpikeEncoder : Several neurons for each feature.
    SpikingClassifier : Learns from the spikes.

    Notes
    -----
    One spike for each feature is little to learn from where there are few of them: for
    a table of a few columns, `PopulationSpikeEncoder` does better.

    All spikes are stored, a byte for each step: ``n_samples * n_steps * n_features``
    bytes. The output has a time axis, so it stays an array whatever `set_output` or
    scikit-learn's ``transform_output`` say about data frames.

    References
    ----------
    .. [1] Simon Thorpe, Arnaud Delorme and Rufin Van Rullen, "Spike-based strategies
           for rapid processing", Neural Networks 14, 2001.
    .. [2] Wulfram Gerstner, Werner M. Kistler, Richard Naud and Liam Paninski,
           "Neuronal Dynamics", Cambridge University Press, 2014, section 1.3.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_snn import LatencySpikeEncoder
    >>> X = np.array([[0, 64, 255], [255, 128, 0]], dtype=np.uint8)
    >>> encoder = LatencySpikeEncoder(n_steps=5)
    >>> spikes = encoder.fit_transform(X)
    >>> spikes[0].T
    array([[0, 0, 0, 0, 0],
           [0, 0, 0, 1, 0],
           [1, 0, 0, 0, 0]], dtype=uint8)
    >>> encoder.inverse_transform(spikes)
    array([[  0.  ,  63.75, 255.  ],
           [255.  , 127.5 ,   0.  ]])
    """

    _fitted_names = "data_min_", "data_max_", "n_features_in_"
    _parameter_constraints = {
        "n_steps": [Interval(Integral, 1, None, closed="left")],
        "law": [StrOptions({"linear", "logarithmic"})],
        "threshold": [Interval(Real, 0, 1, closed="neither")],
        "tau": [Interval(Real, 0, None, closed="neither"), None],
        "scaling": SCALING,
    }

    def __init__(
        self, n_steps=100, *, law="linear", threshold=0.2, tau=None, scaling="global"
    ):
        self.n_steps = n_steps
        self.law = law
        self.threshold = threshold
        self.tau = tau
        self.scaling = scaling

    @with_own_errstate
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn the range of intensities.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Intensities.
        y : Ignored
            Present for compatibility.

        Returns
        -------
        self : LatencySpikeEncoder
            The fitted encoder.

        Raises
        ------
        ValueError
            If `X` is not numeric, finite and 2-D, or ``scaling=None`` and `X` leaves
            [0, 1] by more than rounding.
        TypeError
            If `X` is sparse.

        Warns
        -----
        UnscaledInputWarning
            If an outlier, or with one range for all features a column in other units,
            brings nearly all else to one end of the range.
        """
        return self._learn(X)

    @with_own_errstate
    def transform(self, X):
        """Encode intensities; those outside the learned range are clipped to it.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Intensities.

        Returns
        -------
        spikes : ndarray of uint8 of shape (n_samples, n_steps, n_features)
            1 where a feature fires, else 0.

        Raises
        ------
        NotFittedError
            If `fit` was not called.
        ValueError
            If `X` is not numeric, finite and 2-D, or has another number of features
            than in `fit`; or if a parameter, of which all but `scaling` are in force at
            once, was set to what is not accepted.
        TypeError
            If `X` is sparse.

        Warns
        -----
        InputMismatchWarning
            If much of `X` lies far outside the learned range (with ``scaling=None``
            that is [0, 1]), or nearly nothing reaches it.
        """
        X = self._to_encode(X)
        spikes = np.zeros((X.shape[0], self.n_steps, X.shape[1]), dtype=np.uint8)
        for rows in gen_batches(X.shape[0], ROWS):
            fire_once(spikes[rows], *self._times(self._scaled(X[rows])))
        return spikes

    @with_own_errstate
    def inverse_transform(self, X):
        """Return the intensities that spikes tell, up to the width of a step.

        With ``law="linear"`` that is ``(high - low) / (n_steps - 1) / 2`` at most.
        Features without a spike are at the lower end of the range; of several spikes
        the first counts.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_steps, n_features)
            Spikes, of which all that is not 0 is one.

        Returns
        -------
        X_original : ndarray of float64 of shape (n_samples, n_features)
            Intensities, in the range that was learned.

        Raises
        ------
        NotFittedError
            If `fit` was not called.
        ValueError
            If `X` is not numeric, finite and of that shape.
        """
        check_is_fitted(self)
        check_parameters(self)
        spikes = checked_spikes(self, X, self.n_steps, self.n_features_in_)
        times, fires = first_spikes(spikes)
        if self.law == "linear":
            positions = linear_intensities(times, self.n_steps)
        else:
            # Of a spike at once it is infinite, which is clipped.
            with np.errstate(divide="ignore", over="ignore"):
                positions = self.threshold / (1 - np.exp(-times / self._tau()))
        return self._unscaled(np.where(fires, np.clip(positions, 0, 1), 0))

    def _times(self, x):
        """Return at which step intensities fire, and whether they do."""
        if self.law == "linear":
            return linear_times(x, self.n_steps)
        # What stays below the threshold takes for ever.
        ratio = np.full(x.shape, np.inf)
        np.divide(x, x - self.threshold, out=ratio, where=x > self.threshold)
        times = np.rint(self._tau() * np.log(ratio))
        return times, times < self.n_steps

    def _tau(self):
        return self.n_steps / _TIME_CONSTANTS if self.tau is None else self.tau

    def _resolution(self):
        """Return how many steps a whole range is, and what a lack of one is called."""
        return self.n_steps - 1, f"of {self.n_steps} steps less than one"


def linear_times(x, n_steps):
    """Return the steps at which intensities from 0 to 1 fire, and whether they do."""
    return np.rint((1 - x) * (n_steps - 1)), x > 0


def linear_intensities(times, n_steps):
    """Return what fires at these steps, by `linear_times`."""
    return 1 - times / max(1, n_steps - 1)


def fire_once(spikes, times, fires):
    """Let each feature of a batch fire at its time.

    Parameters
    ----------
    spikes : ndarray of uint8 of shape (n_samples, n_steps, n_features)
        Zeros, into which the spikes are written.
    times : ndarray of shape (n_samples, n_features)
        Whole numbers, where it fires.
    fires : ndarray of bool of shape (n_samples, n_features)
    """
    samples, features = np.nonzero(fires)
    spikes[samples, times[fires].astype(np.intp), features] = 1


def first_spikes(spikes):
    """Return the step of each feature's first spike, and whether there is one."""
    fired = spikes != 0
    return fired.argmax(axis=1), fired.any(axis=1)
