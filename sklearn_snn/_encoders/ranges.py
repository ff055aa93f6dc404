"""What encoders of tables share: the range of values that they learn."""

from functools import partial

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_array, check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_snn._compat import StrOptions, check_feature_names_in
from sklearn_snn._encoders.checks import check_parameters
from sklearn_snn._inputs.dates import refuse_dates_and_text
from sklearn_snn._inputs.dtypes import FLOATS, check_halves, kept_dtypes
from sklearn_snn._inputs.extent import Extent, extent
from sklearn_snn._inputs.layout import n_dimensions, refuse_sequences
from sklearn_snn._inputs.learned_input import Wording, mismatch
from sklearn_snn._inputs.plain import is_plain
from sklearn_snn._inputs.recordings import gathered
from sklearn_snn._inputs.tensors import of_numpy
from sklearn_snn._inputs.unscaled import FEWEST, namer, some_rows, warn_of_spread
from sklearn_snn._inputs.validation import quietly
from sklearn_snn._persistence import PersistenceMixin
from sklearn_snn._utils.warnings import warn_user
from sklearn_snn.exceptions import InputMismatchWarning, UnscaledInputWarning

# What is converted at a time: keeps the float64 temporaries small.
ROWS = 1024
# With scaling=None, so much beyond [0, 1] is rounding, as of MinMaxScaler.
_ROUNDING = 1e-6
# Share of the range below which even the strongest intensity of a sample is next to it.
_BARELY = 0.1
# How a warning calls the range that X leaves.
_LEARNED = Wording(
    remedy="Scale X as it was scaled in fit; what lies outside is clipped."
)
_DECLARED = _LEARNED._replace(learned="that scaling=None stands for", was="is encoded")
# What every encoder of tables takes as `scaling`.
SCALING = [StrOptions({"global", "feature"}), None]


def seed_of(random_state):
    """Return a seed of spikes, drawn from the parameter of an encoder."""
    return int(check_random_state(random_state).randint(2**63 - 1, dtype=np.int64))


class RangeEncoder(PersistenceMixin, TransformerMixin, BaseEstimator):
    """Encoder of intensities that learns which range these have.

    A class that derives from it has the parameter `scaling`, its own docstrings, and
    `_resolution`, which says when an input is too near to an end of the range.
    """

    _accepts_sparse = False

    def __init_subclass__(cls, **kwargs):
        """Let no data frame be made of spikes, which have three axes."""
        super().__init_subclass__(auto_wrap_output_keys=None, **kwargs)

    def _learn(self, X, **drawn):
        """Learn the range of intensities, and keep it with what was drawn."""
        checked = self._checked(X, check_array, estimator=self, input_name="X")
        seen = extent(checked)
        low, high = self._range(checked, seen)
        if np.max(high / 2 - low / 2) > np.finfo(float).max / 2:
            raise ValueError("The range of X is too large for float64 numbers.")
        # All is in order: only now is anything written.
        validate_data(self, X, skip_check_array=True)
        self.data_min_, self.data_max_ = low, high
        vars(self).update(drawn)
        self._learned_input_ = {
            "n_samples": checked.shape[0],
            "weakest": seen.weakest,
            "faintest": seen.faintest,
        }
        self._warn_of_silence(checked, seen)
        if self.scaling != "feature":
            warn_of_spread(checked, namer(self, checked), "scaling='feature'")
        return self

    def _to_encode(self, X):
        """Return X as it is checked in `transform`; warn if it is out of range."""
        check_is_fitted(self)
        check_parameters(self)
        with quietly():
            is_as_it_is = is_plain(self, X, 2)
        if not is_as_it_is:
            X = self._checked(X, partial(validate_data, self, reset=False))
        self._warn_of_mismatch(X)
        return X

    def set_output(self, *, transform=None):
        """Do nothing: spikes, which have a time axis, stay what they are.

        A pipeline passes on what its own `set_output` was told.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"} or None, default=None
            Ignored.

        Returns
        -------
        self : estimator
            The encoder.
        """
        return self

    def get_feature_names_out(self, input_features=None):
        """Return the names of the features, which keep theirs.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the features; None for those seen in `fit`, else x0, x1, ...

        Returns
        -------
        names : ndarray of str
            The same names.
        """
        check_is_fitted(self)
        return check_feature_names_in(self, input_features)

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

    def _unscaled(self, positions):
        """Return the intensities that lie there in the learned range."""
        low = np.asarray(self.data_min_, dtype=np.float64)
        return low + positions * (self.data_max_ - low)

    def _range(self, X, seen):
        """Return the intensities that become the lowest and the highest ones."""
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
        given, X = X, gathered(X)
        refuse_sequences(X, n_dimensions(X), type(self).__name__, given)
        refuse_dates_and_text(X)
        with quietly():
            X = of_numpy(X)
            dtypes = kept_dtypes(X, (np.uint8,))
            X = check(
                X,
                accept_sparse="csr" if self._accepts_sparse else False,
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
        units, of_what = self._resolution()
        for end, distance, extreme in ends:
            distance = distance[:, varied]
            distance = distance[(distance > 0).any(axis=1)]
            if not len(distance) or np.median(units * distance.sum(axis=1)) >= 1:
                continue
            if np.median(distance.max(axis=1)) >= _BARELY:
                continue  # because there are so few steps
            worst = namer(self, X)(varied[np.argmax(extreme[varied])])
            warn_user(
                f"Nearly all of X lies at the {end} end of the range that is encoded, "
                f"most extreme in {worst}: {of_what} tells the median sample from that "
                "end. Clip outliers, or transform them as QuantileTransformer does; "
                "scaling='feature' keeps those of one column from the others.",
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
        tags.input_tags.sparse = self._accepts_sparse
        # Spikes are uint8, whatever the intensities are.
        tags.transformer_tags.preserves_dtype = []
        return tags
