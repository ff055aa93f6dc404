"""PoissonSpikeEncoder: intensities become firing rates."""

from numbers import Integral, Real

import numpy as np
from scipy import sparse
from sklearn.utils import gen_batches

from sklearn_snn._compat import Interval, fit_context
from sklearn_snn._encoders.ranges import ROWS, SCALING, RangeEncoder, seed_of
from sklearn_snn._inputs.spike_trains import SpikeTrains
from sklearn_snn._utils.errstate import with_own_errstate

# How many stored entries of a sparse matrix are converted at a time.
_ENTRIES = 2**20


class PoissonSpikeEncoder(RangeEncoder):
    """Encode intensities as Poisson spike trains ("rate coding").

    A Poisson process of rate r is approximated in discrete time: at each of `n_steps`
    steps, and independently of all others, feature ``j`` of sample ``i`` fires with
    probability::

        P(s[i, t, j] = 1) = r[i, j],
        r[i, j] = max_rate * clip((X[i, j] - low) / (high - low), 0, 1)

    so that the number of spikes is binomial with mean ``n_steps * r``, and intervals
    between spikes are geometric; at most one spike fits into a step. The result is
    close to a Poisson process where ``r`` is small. A feature that was constant in
    `fit` (``low == high``) is silent.

    `fit` learns the range from `low` to `high` and nothing else; `transform` keeps no
    state, and gives the same spikes whenever it sees the same row. While a
    `SpikingClassifier` is trained it draws fresh spikes for every epoch.

    Parameters
    ----------
    n_steps : int, default=100
        Number of time steps, at least 1.
    max_rate : float, default=1.0
        Spike probability per step of the highest intensity, in (0, 1].
    scaling : {"global", "feature"} or None, default="global"
        What is scaled to the range of rates.

        - "global": one range for all features, as pixels of an image need. Put no
          `StandardScaler` before it, which makes each pixel's own range the same;
        - "feature": a range for each feature, as columns of a table need;
        - None: `X` lies in [0, 1] already, as after `MinMaxScaler`. In `fit` it must,
          up to rounding (1e-6).
    random_state : int, RandomState instance or None, default=None
        Determines the spikes. Pass an int for the same spikes in every `fit`.

    Attributes
    ----------
    data_min_, data_max_ : float or ndarray of shape (`n_features_in_`,)
        The range of intensities that was learned: numbers with ``scaling="global"``
        and ``scaling=None``, one per feature with ``scaling="feature"``.
    seed_ : int
        Seed of the spikes, drawn from `random_state`.
    n_features_in_ : int
        Number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during `fit`. Defined only when `X` has feature names
        that are all strings.

    See Also
    --------
    SpikingClassifier : Learns from the spike trains.
    SpikeTrains : What `transform` returns.

    Notes
    -----
    The output has a time axis, which only a spiking network understands: put the
    encoder last before `SpikingClassifier`. So it stays SpikeTrains whatever
    `set_output`, of the encoder or of a pipeline around it, or scikit-learn's
    ``transform_output`` say about data frames.

    References
    ----------
    .. [1] David Heeger, "Poisson model of spike generation", Stanford University,
           2000.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_snn import PoissonSpikeEncoder
    >>> X = np.array([[0, 64, 255], [255, 128, 0]], dtype=np.uint8)
    >>> encoder = PoissonSpikeEncoder(n_steps=1000, random_state=0)
    >>> trains = encoder.fit_transform(X)
    >>> trains.shape
    (2, 1000, 3)
    >>> np.asarray(trains).mean(axis=1).round(1)
    array([[0. , 0.3, 1. ],
           [1. , 0.5, 0. ]])
    """

    _accepts_sparse = True
    _fitted_names = "data_min_", "data_max_", "seed_", "n_features_in_"
    _parameter_constraints = {
        "n_steps": [Interval(Integral, 1, None, closed="left")],
        "max_rate": [Interval(Real, 0, 1, closed="right")],
        "scaling": SCALING,
        "random_state": ["random_state"],
    }

    def __init__(
        self, n_steps=100, *, max_rate=1.0, scaling="global", random_state=None
    ):
        self.n_steps = n_steps
        self.max_rate = max_rate
        self.scaling = scaling
        self.random_state = random_state

    @with_own_errstate
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y=None):
        """Learn the range of intensities.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Intensities.
        y : Ignored
            Present for compatibility.

        Returns
        -------
        self : PoissonSpikeEncoder
            The fitted encoder.

        Raises
        ------
        ValueError
            If `X` is not numeric, finite and 2-D, or ``scaling=None`` and `X` leaves
            [0, 1] by more than rounding.

        Warns
        -----
        UnscaledInputWarning
            If an outlier, or with one range for all features a column in other units,
            makes nearly all else silent.
        """
        return self._learn(X, seed_=seed_of(self.random_state))

    @with_own_errstate
    def transform(self, X):
        """Encode intensities; those outside the learned range are clipped to it.

        Parameters
        ----------
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            Intensities.

        Returns
        -------
        trains : SpikeTrains of shape (n_samples, n_steps, n_features)
            Spikes that are made when they are needed; ``np.asarray(trains)`` gives the
            dense array.

        Raises
        ------
        NotFittedError
            If `fit` was not called.
        ValueError
            If `X` is not numeric, finite and 2-D, or has another number of features
            than in `fit`; or if a parameter, of which `n_steps` and `max_rate` are in
            force at once, was set to what is not accepted.

        Warns
        -----
        InputMismatchWarning
            If much of `X` lies far outside the learned range (with ``scaling=None``
            that is [0, 1]), or nearly nothing reaches it.
        """
        X = self._to_encode(X)
        one_range = np.ndim(self.data_min_) == 0
        levels = None
        if sparse.issparse(X) and np.all(self.data_min_ >= 0):
            # Zero stays zero: only stored entries can fire.
            data = np.empty(X.nnz, dtype=np.float32)
            for start in range(0, X.nnz, _ENTRIES):
                part = slice(start, start + _ENTRIES)
                data[part] = self._rates(X.data[part], X.indices[part])
            rates = sparse.csr_array((data, X.indices, X.indptr), X.shape, copy=True)
        elif X.dtype == np.uint8 and one_range and not sparse.issparse(X):
            rates, levels = X.copy(), self._rates(np.arange(256))
        else:
            rates = np.empty(X.shape, dtype=np.float32)
            for rows in gen_batches(X.shape[0], ROWS):
                part = X[rows].toarray() if sparse.issparse(X) else X[rows]
                rates[rows] = self._rates(part)
        return SpikeTrains(rates, self.n_steps, seed=self.seed_, levels=levels)

    def _rates(self, x, features=slice(None)):
        """Return spike probabilities of intensities that stand in given features."""
        return (self.max_rate * self._scaled(x, features)).astype(np.float32)

    def _resolution(self):
        """Return how many spikes a whole range is, and what a lack of one is called."""
        steps = f"in {self.n_steps} steps less than one spike"
        return self.max_rate * self.n_steps, steps
