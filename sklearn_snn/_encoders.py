"""Encoders: transformers from intensities to spike trains."""

from functools import partial
from numbers import Integral, Real

import numpy as np
from scipy import sparse
from sklearn import get_config
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_array, check_random_state, gen_batches
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_snn._compat import (
    Interval,
    StrOptions,
    fit_context,
    validate_parameter_constraints,
)
from sklearn_snn._inputs.dates import refuse_dates_and_text
from sklearn_snn._inputs.dtypes import FLOATS, check_halves, kept_dtypes
from sklearn_snn._inputs.extent import Extent, extent
from sklearn_snn._inputs.layout import n_dimensions, refuse_sequences
from sklearn_snn._inputs.learned_input import Wording, mismatch
from sklearn_snn._inputs.recordings import gathered
from sklearn_snn._inputs.spike_trains import SpikeTrains
from sklearn_snn._inputs.tensors import of_numpy
from sklearn_snn._inputs.unscaled import FEWEST, namer, some_rows, warn_of_spread
from sklearn_snn._inputs.validation import quietly
from sklearn_snn._persistence import PersistenceMixin
from sklearn_snn._utils.errstate import with_own_errstate
from sklearn_snn._utils.warnings import warn_user
from sklearn_snn.exceptions import InputMismatchWarning, UnscaledInputWarning

# What is converted at a time, dense and sparse: keeps the float64 temporaries small.
_ROWS = 1024
_ENTRIES = 2**20
# With scaling=None, so much beyond [0, 1] is rounding, as of MinMaxScaler.
_ROUNDING = 1e-6
# Share of the range below which even the strongest intensity of a sample is next to it.
_BARELY = 0.1
# How a warning calls the range that X leaves.
_LEARNED = Wording(
    remedy="Scale X as it was scaled in fit; what lies outside is clipped."
)
_DECLARED = _LEARNED._replace(learned="that scaling=None stands for", was="is encoded")


class PoissonSpikeEncoder(PersistenceMixin, TransformerMixin, BaseEstimator):
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

    _fitted_names = "data_min_", "data_max_", "seed_", "n_features_in_"
    _parameter_constraints = {
        "n_steps": [Interval(Integral, 1, None, closed="left")],
        "max_rate": [Interval(Real, 0, 1, closed="right")],
        "scaling": [StrOptions({"global", "feature"}), None],
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
        checked = self._checked(X, check_array, estimator=self, input_name="X")
        seen = extent(checked)
        low, high = self._range(checked, seen)
        if np.max(high / 2 - low / 2) > np.finfo(float).max / 2:
            raise ValueError("The range of X is too large for float64 numbers.")
        random_state = check_random_state(self.random_state)
        # All is in order: only now is anything written.
        validate_data(self, X, skip_check_array=True)
        self.data_min_, self.data_max_ = low, high
        self.seed_ = int(random_state.randint(2**63 - 1, dtype=np.int64))
        self._learned_input_ = {
            "n_samples": checked.shape[0],
            "weakest": seen.weakest,
            "faintest": seen.faintest,
        }
        self._warn_of_silence(checked, seen)
        if self.scaling != "feature":
            warn_of_spread(checked, namer(self, checked), "scaling='feature'")
        return self

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
        check_is_fitted(self)
        if not get_config()["skip_parameter_validation"]:
            # Set after `fit`, they are in force at once; the seed is that of the fit.
            names = "n_steps", "max_rate", "scaling"
            validate_parameter_constraints(
                {name: self._parameter_constraints[name] for name in names},
                {name: getattr(self, name) for name in names},
                caller_name=type(self).__name__,
            )
        X = self._checked(X, partial(validate_data, self, reset=False))
        self._warn_of_mismatch(X)
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
            for rows in gen_batches(X.shape[0], _ROWS):
                part = X[rows].toarray() if sparse.issparse(X) else X[rows]
                rates[rows] = self._rates(part)
        return SpikeTrains(rates, self.n_steps, seed=self.seed_, levels=levels)

    def set_output(self, *, transform=None):
        """Do nothing: spike trains stay spike trains.

        A pipeline passes on what its own `set_output` was told.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"} or None, default=None
            Ignored.

        Returns
        -------
        self : PoissonSpikeEncoder
            The encoder.
        """
        return self

    def _rates(self, x, features=slice(None)):
        """Return spike probabilities of intensities that stand in given features."""
        return (self.max_rate * self._scaled(x, features)).astype(np.float32)

    def _scaled(self, x, features=slice(None)):
        """Return where in the learned range intensities lie, from 0 to 1."""
        low, high = self.data_min_, self.data_max_
        if np.ndim(low):
            low, high = low[features], high[features]
        low = np.asarray(low, dtype=np.float64)
        width = high - low
        # A constant feature carries nothing: an infinite width makes it silent.
        with np.errstate(over="ignore"):  # infinity is clipped, too
            positions = (x - low) / np.where(width > 0, width, np.inf)
        return np.clip(positions, 0, 1)

    def _range(self, X, seen):
        """Return the intensities that become the lowest and the highest rate."""
        least, most = seen.low.min(), seen.high.max()
        if self.scaling is None:
            if not (least >= -_ROUNDING and most <= 1 + _ROUNDING):
                raise ValueError(
                    "With scaling=None, X must lie in [0, 1], got values from "
                    f"{least} to {most}. scaling='global' or 'feature' scales it."
                )
            return 0.0, 1.0
        if self.scaling == "global":
            return float(least), float(most)
        dtype = X.dtype if X.dtype in (*FLOATS, np.uint8) else np.float64
        return seen.low.astype(dtype), seen.high.astype(dtype)

    def _checked(self, X, check, **kwargs):
        """Return X as a checked array without duplicate entries."""
        X = gathered(X)
        refuse_sequences(X, n_dimensions(X), type(self).__name__)
        refuse_dates_and_text(X)
        with quietly():
            X = of_numpy(X)
            dtypes = kept_dtypes(X, (np.uint8,))
            X = check(
                X,
                accept_sparse="csr",
                dtype=dtypes,
                ensure_all_finite=np.float16 not in dtypes,
                **kwargs,
            )
            check_halves(self, X)
        if sparse.issparse(X) and not X.has_canonical_format:
            X = X.copy()
            X.sum_duplicates()
        return X

    def _warn_of_silence(self, X, seen):
        """Warn if an outlier leaves nearly all else at an end of the range."""
        varied = np.flatnonzero(seen.high > seen.low)
        if X.shape[0] < FEWEST or len(varied) == 0:
            return
        positions = self._scaled(some_rows(X))
        ends = ("lower", positions, seen.high), ("upper", 1 - positions, -seen.low)
        for end, distance, extreme in ends:
            distance = distance[:, varied]
            distance = distance[(distance > 0).any(axis=1)]
            spikes = self.max_rate * self.n_steps * distance.sum(axis=1)
            if not len(distance) or np.median(spikes) >= 1:
                continue
            if np.median(distance.max(axis=1)) >= _BARELY:
                continue  # because there are so few steps
            worst = namer(self, X)(varied[np.argmax(extreme[varied])])
            warn_user(
                f"Nearly all of X lies at the {end} end of the range that is encoded, "
                f"most extreme in {worst}: in {self.n_steps} steps less than one spike "
                "tells the median sample from that end. Clip outliers, or transform "
                "them as QuantileTransformer does; scaling='feature' keeps those of "
                "one column from the others.",
                UnscaledInputWarning,
            )

    def _warn_of_mismatch(self, X):
        """Warn if much of X leaves, or nearly nothing reaches, the learned range."""
        unknown = {"n_samples": 0, "weakest": np.inf, "faintest": np.inf}
        learned = getattr(self, "_learned_input_", unknown)
        is_declared = self.scaling is None
        if learned["n_samples"] < FEWEST:
            learned = unknown
            if not is_declared:
                return
        message = mismatch(
            X,
            Extent(
                self.data_min_,
                self.data_max_,
                learned["weakest"],
                learned["faintest"],
            ),
            namer(self, X),
            _DECLARED if is_declared else _LEARNED,
        )
        if message is not None:
            warn_user(message, InputMismatchWarning)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        # Spikes are uint8, whatever the intensities are.
        tags.transformer_tags.preserves_dtype = []
        return tags
