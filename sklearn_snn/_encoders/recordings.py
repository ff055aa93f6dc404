"""What transformers of recordings share: checks of an array, or of a list, of them."""

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_array
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_snn._encoders.checks import check_parameters
from sklearn_snn._inputs.dates import refuse_dates_and_text
from sklearn_snn._inputs.layout import hints, n_dimensions
from sklearn_snn._inputs.spike_trains import SpikeTrains
from sklearn_snn._inputs.tensors import of_numpy
from sklearn_snn._inputs.validation import check_halves, kept_dtypes, quietly
from sklearn_snn._persistence import PersistenceMixin


class RecordingTransformer(PersistenceMixin, TransformerMixin, BaseEstimator):
    """Transformer of each recording by itself, step for step, that learns nothing.

    A class that derives from it says in `_of_channels` what becomes of an array of
    shape (..., n_steps, n_channels), and has its own docstrings.
    """

    _fitted_names = ("n_features_in_",)

    def __init_subclass__(cls, **kwargs):
        """Let no data frame be made of recordings, which have three axes."""
        super().__init_subclass__(auto_wrap_output_keys=None, **kwargs)

    def _learn(self, X):
        """Keep the number of channels, and nothing else."""
        recordings, is_listed = self._checked(X)
        channels = recordings[0] if is_listed else recordings[:, 0]
        validate_data(self, channels, skip_check_array=True)
        return self

    def _transformed(self, X):
        """Return what becomes of the channels: a list of a list, else an array."""
        check_is_fitted(self)
        check_parameters(self)
        recordings, is_listed = self._checked(X)
        whole = recordings[0][np.newaxis] if is_listed else recordings
        with hints(whole, "none", self.n_features_in_):
            validate_data(self, whole[:, 0], reset=False, skip_check_array=True)
        return self._each(self._of_channels, recordings, is_listed)

    @staticmethod
    def _each(function, recordings, is_listed):
        """Apply a function to an array of recordings, or to each one of a list."""
        if is_listed:
            return [function(recording) for recording in recordings]
        return function(recordings)

    def set_output(self, *, transform=None):
        """Do nothing: recordings, which have three axes, stay arrays.

        A pipeline passes on what its own `set_output` was told.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"} or None, default=None
            Ignored.

        Returns
        -------
        self : estimator
            The transformer.
        """
        return self

    def _checked(self, X):
        """Return recordings, an array or a list of arrays, and whether it is a list."""
        name = type(self).__name__
        if isinstance(X, SpikeTrains):
            raise ValueError(
                f"{name} takes recordings, and SpikeTrains are rates, of which spikes "
                "are drawn when they are needed: np.asarray(X) draws one of them."
            )
        if not _is_list_of_recordings(X):
            _refuse_other_dimensions(X, n_dimensions(X), name)
            return self._checked_values(X), False
        n_channels = {np.shape(recording)[1] for recording in X}
        if len(n_channels) > 1:
            raise ValueError(
                f"X is a list of recordings of {min(n_channels)} to {max(n_channels)} "
                "channels: all need the same ones."
            )
        return [self._checked_values(_alone(recording))[0] for recording in X], True

    def _checked_values(self, X):
        """Return recordings of one length as an array."""
        refuse_dates_and_text(X)
        with hints(X, "none", None), quietly():
            X = of_numpy(X)
            dtypes = kept_dtypes(X)
            X = check_array(
                X,
                dtype=dtypes,
                allow_nd=True,
                ensure_all_finite=np.float16 not in dtypes,
                ensure_min_samples=0,
                ensure_min_features=0,
                estimator=self,
                input_name="X",
            )
            check_halves(self, X)
        if 0 in X.shape:
            raise ValueError(
                f"Found array with shape {X.shape}; {type(self).__name__} needs at "
                "least one sample, one step and one channel."
            )
        return X

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags


def _alone(recording):
    """Return a recording as an array of a single one."""
    if sparse.issparse(recording):
        raise TypeError(
            "X has sparse recordings, but dense data is required: use recording"
            ".toarray() to convert them."
        )
    return np.asarray(of_numpy(recording))[np.newaxis]


def _is_list_of_recordings(X):
    """Tell whether this is a list of recordings, not nested numbers of an array.

    It is if its items are arrays or tables, or are of unequal length.
    """
    if not isinstance(X, list | tuple) or len(X) == 0:
        return False
    try:
        shapes = {np.shape(recording) for recording in X}
    except ValueError:  # of unequal length inside, of which others tell
        return False
    are_arrays = any(hasattr(recording, "shape") for recording in X)
    return {len(s) for s in shapes} == {2} and (are_arrays or len(shapes) > 1)


def _refuse_other_dimensions(X, n, owner):
    """Raise ValueError unless an array-like has three axes."""
    if n == 3:
        return
    start = (
        f"Found array with dim {n}; {owner} takes recordings of shape (n_samples, "
        "n_steps, n_channels), or a list of arrays of shape (n_steps, n_channels)"
    )
    if n == 2:
        raise ValueError(
            f"{start}. A 2-D array is a table, without time. Signals of one channel, "
            "(n_samples, n_steps), become recordings by X[:, :, np.newaxis], and a "
            "single recording, (n_steps, n_channels), by X[np.newaxis]."
        )
    if n > 3:
        shape = np.shape(X)
        raise ValueError(
            f"{start}. Frames in time become recordings by X.reshape({shape[0]}, "
            f"{shape[1]}, -1)."
        )
    raise ValueError(f"{start}.")
