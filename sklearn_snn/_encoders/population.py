"""PopulationSpikeEncoder: each feature becomes the spikes of several neurons."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils import gen_batches
from sklearn.utils.validation import check_is_fitted

from sklearn_snn._compat import (
    Interval,
    StrOptions,
    check_feature_names_in,
    fit_context,
)
from sklearn_snn._encoders.checks import check_parameters, checked_spikes
from sklearn_snn._encoders.latency import (
    fire_once,
    first_spikes,
    linear_intensities,
    linear_times,
)
from sklearn_snn._encoders.ranges import ROWS, SCALING, RangeEncoder, seed_of
from sklearn_snn._inputs.spike_trains import SpikeTrains
from sklearn_snn._utils.errstate import with_own_errstate

# In widths: beyond it a neuron is silent, and costs nothing. It would fire in one of
# 3000 steps at most.
_REACH = 4


class PopulationSpikeEncoder(RangeEncoder):
    """Encode each feature by a population of neurons with Gaussian receptive fields.

    Each feature gets ``n = n_neurons`` neurons, of which each is active where the value
    is near the centre of its receptive field [1]_. With ``x`` the value's place in the
    range that `fit` learned, from 0 to 1, neuron ``i`` of feature ``j`` is active by::

        a[j, i] = exp(-((x[j] - mu_i) / sigma)**2 / 2)      i = 1, ..., n
        mu_i = (2 i - 3) / 2 / (n - 2),     sigma = 1 / (beta (n - 2))

    so that the centres are evenly spaced, and the first and the last one lie half their
    distance outside of the range. More than 4 ``sigma`` from the centre a neuron is
    silent. A feature that was constant in `fit` is silent, too.

    So each part of a feature's range has inputs of its own, with weights of their own,
    where one input per feature can only count for more the larger it is.

    `fit` learns the range of values and nothing else.

    Parameters
    ----------
    n_neurons : int, default=8
        Number of neurons for each feature, at least 3.
    n_steps : int, default=100
        Number of time steps, at least 1.
    code : {"poisson", "latency"}, default="poisson"
        How an activation becomes spikes.

        - "poisson": it is the rate, as of `PoissonSpikeEncoder`, and spikes are drawn
          anew in every epoch of a fit, which makes it harder to overfit;
        - "latency": it is told by the time of a single spike, as in [1]_ and as of
          ``LatencySpikeEncoder``: at step ``round((1 - a) (n_steps - 1))``, and none
          where that is the last step. Nothing is drawn.
    beta : float, default=1.5
        How narrow the receptive fields are, positive; from 1 to 2 in [1]_.
    max_rate : float, default=1.0
        Spike probability per step of a neuron at whose centre the value is, in (0, 1].
        Only with ``code="poisson"``.
    scaling : {"feature", "global"} or None, default="feature"
        Over which range the centres are spread.

        - "feature": a range for each feature, as columns of a table need;
        - "global": one range for all features;
        - None: `X` lies in [0, 1] already, as after `MinMaxScaler`. In `fit` it must,
          up to rounding (1e-6).
    random_state : int, RandomState instance or None, default=None
        Determines the spikes of ``code="poisson"``. Pass an int for the same spikes in
        every `fit`.

    Attributes
    ----------
    data_min_, data_max_ : float or ndarray of shape (`n_features_in_`,)
        The range of values that was learned: numbers with ``scaling="global"`` and
        ``scaling=None``, one per feature with ``scaling="feature"``.
    seed_ : int
        Seed of the spikes, drawn from `random_state`.
    n_features_in_ : int
        Number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during `fit`. Defined only when `X` has feature names
        that are all strings.

    See Also
    --------
    PoissonSpikeEncoder : One neuron for each feature.
    LatencySpikeEncoder : One spike for each feature.
    SpikingClassifier : Learns from the spikes.

    Notes
    -----
    The output has a time axis, so it stays what it is whatever `set_output` or
    scikit-learn's ``transform_output`` say about data frames.

    References
    ----------
    .. [1] Sander M. Bohte, Han La Poutre and Joost N. Kok, "Unsupervised clustering
           with spiking neurons by sparse temporal coding and multilayer RBF networks",
           IEEE Transactions on Neural Networks 13, 2002.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_snn import PopulationSpikeEncoder
    >>> X = np.array([[0.0], [5.0], [10.0]])
    >>> encoder = PopulationSpikeEncoder(n_neurons=4, n_steps=1000, random_state=0)
    >>> trains = encoder.fit_transform(X)
    >>> trains
    SpikeTrains(n_samples=3, n_steps=1000, n_features=4, seed=..., presentation=0)
    >>> np.asarray(trains).mean(axis=1).round(1)
    array([[0.8, 0.8, 0.1, 0. ],
           [0.1, 0.8, 0.7, 0.1],
           [0. , 0.1, 0.8, 0.7]])
    >>> encoder.inverse_transform(trains).round(0)
    array([[ 0.],
           [ 5.],
           [10.]])
    """

    _fitted_names = "data_min_", "data_max_", "seed_", "n_features_in_"
    _parameter_constraints = {
        "n_neurons": [Interval(Integral, 3, None, closed="left")],
        "n_steps": [Interval(Integral, 1, None, closed="left")],
        "code": [StrOptions({"poisson", "latency"})],
        "beta": [Interval(Real, 0, None, closed="neither")],
        "max_rate": [Interval(Real, 0, 1, closed="right")],
        "scaling": SCALING,
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        n_neurons=8,
        n_steps=100,
        *,
        code="poisson",
        beta=1.5,
        max_rate=1.0,
        scaling="feature",
        random_state=None,
    ):
        self.n_neurons = n_neurons
        self.n_steps = n_steps
        self.code = code
        self.beta = beta
        self.max_rate = max_rate
        self.scaling = scaling
        self.random_state = random_state

    @with_own_errstate
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn the range over which the centres are spread.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Values.
        y : Ignored
            Present for compatibility.

        Returns
        -------
        self : PopulationSpikeEncoder
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
        return self._learn(X, seed_=seed_of(self.random_state))

    @with_own_errstate
    def transform(self, X):
        """Encode values; those outside the learned range are clipped to it.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Values.

        Returns
        -------
        spikes : SpikeTrains, or with ``code="latency"`` ndarray of uint8, of shape \
                (n_samples, n_steps, n_features * n_neurons)
            Spikes of all neurons of the first feature, then of the second, and so on.

        Raises
        ------
        NotFittedError
            If `fit` was not called.
        ValueError
            If `X` is not numeric, finite and 2-D, or has another number of features
            than in `fit`; or if a parameter, of which all but `scaling` and
            `random_state` are in force at once, was set to what is not accepted.
        TypeError
            If `X` is sparse.

        Warns
        -----
        InputMismatchWarning
            If much of `X` lies far outside the learned range (with ``scaling=None``
            that is [0, 1]), or nearly nothing reaches it.
        """
        X = self._to_encode(X)
        n_samples, n = X.shape[0], X.shape[1] * self.n_neurons
        if self.code == "poisson":
            rates = np.empty((n_samples, n), dtype=np.float32)
            for rows in gen_batches(n_samples, ROWS):
                rates[rows] = self.max_rate * self._activations(X[rows])
            return SpikeTrains(rates, self.n_steps, seed=self.seed_)
        spikes = np.zeros((n_samples, self.n_steps, n), dtype=np.uint8)
        for rows in gen_batches(n_samples, ROWS):
            times, fires = linear_times(self._activations(X[rows]), self.n_steps)
            # As in the paper, what would come last does not come at all.
            fire_once(spikes[rows], times, fires & (times < max(1, self.n_steps - 1)))
        return spikes

    @with_own_errstate
    def inverse_transform(self, X):
        """Return the values that spikes tell: the mean of the centres.

        Each centre counts by the activation that the spikes of its neuron tell: by
        their rate or, with ``code="latency"``, by the time of the first. With the
        default `beta` and exact activations, this is off by a tenth of the distance of
        two centres at most, and by nearly nothing in the middle of the range.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_steps, n_features * n_neurons)
            Spikes, of which all that is not 0 is one.

        Returns
        -------
        X_original : ndarray of float64 of shape (n_samples, n_features)
            Values in the range that was learned; NaN where no neuron of a feature
            fired, unless it was constant in `fit`.

        Raises
        ------
        NotFittedError
            If `fit` was not called.
        ValueError
            If `X` is not numeric, finite and of that shape.
        """
        check_is_fitted(self)
        check_parameters(self)
        n = self.n_features_in_ * self.n_neurons
        spikes = checked_spikes(self, X, self.n_steps, n)
        if self.code == "poisson":
            activations = np.count_nonzero(spikes, axis=1) / self.n_steps
        else:
            times, fires = first_spikes(spikes)
            activations = np.where(fires, linear_intensities(times, self.n_steps), 0)
        activations = activations.reshape(len(spikes), -1, self.n_neurons)
        total = activations.sum(axis=2)
        positions = np.full(total.shape, np.nan)
        weighed = (activations * self._centers()).sum(axis=2)
        np.divide(weighed, total, out=positions, where=total > 0)
        positions[:, np.broadcast_to(~self._varies(), total.shape[1:])] = 0
        return self._unscaled(np.clip(positions, 0, 1))

    def get_feature_names_out(self, input_features=None):
        """Return the names of the neurons.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the features; None for those seen in `fit`, else x0, x1, ...

        Returns
        -------
        names : ndarray of str
            Each name with the number of the neuron, as in ``"x0_neuron3"``.
        """
        check_is_fitted(self)
        names = check_feature_names_in(self, input_features)
        neurons = range(self.n_neurons)
        return np.array(
            [f"{name}_neuron{i}" for name in names for i in neurons], dtype=object
        )

    def _activations(self, x):
        """Return the activations of all neurons, of shape (n_samples, n)."""
        width = 1 / (self.beta * (self.n_neurons - 2))
        distance = (self._scaled(x)[:, :, np.newaxis] - self._centers()) / width
        activations = np.exp(np.square(distance) / -2)
        activations[np.abs(distance) > _REACH] = 0
        activations *= np.reshape(self._varies(), (-1, 1))
        return activations.reshape(len(x), -1)

    def _centers(self):
        """Return the centres as places in the range, from below 0 to above 1."""
        return (np.arange(self.n_neurons) - 0.5) / (self.n_neurons - 2)

    def _varies(self):
        """Return whether features were not constant in `fit`, all or each of them."""
        return np.asarray(self.data_max_ > self.data_min_)

    def _resolution(self):
        """Return how many neurons a range is, and what a lack of one is called."""
        return self.n_neurons - 2, f"of {self.n_neurons} neurons less than one"
