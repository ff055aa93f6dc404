"""What transformers of recordings share: checks of an array of them, or of a list."""

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_snn._encoders.checks import check_parameters
from sklearn_snn._inputs.dates import refuse_dates_and_text
from sklearn_snn._inputs.dtypes import check_finite, kept_dtypes
from sklearn_snn._inputs.event_sequences import LAID_OUT, EventSequences
from sklearn_snn._inputs.layout import hints, n_dimensions
from sklearn_snn._inputs.lengths import all_lengths
from sklearn_snn._inputs.recordings import (
    check_recordings,
    gathered,
    of_own_types,
    with_names,
)
from sklearn_snn._inputs.sequences import Sequences
from sklearn_snn._inputs.spike_trains import SpikeTrains
from sklearn_snn._inputs.tensors import of_numpy
from sklearn_snn._inputs.validation import quietly
from sklearn_snn._persistence import PersistenceMixin


class RecordingTransformer(PersistenceMixin, TransformerMixin, BaseEstimator):
    """Transformer of each recording by itself, step for step, that learns nothing.

    A class that derives from it says in `_continued` what becomes of an array of shape
    (..., n_steps, n_channels) after other steps, and has its own docstrings.
    """

    _fitted_names = ("n_features_in_",)

    def __init_subclass__(cls, **kwargs):
        """Let no data frame be made of recordings, which have three axes."""
        super().__init_subclass__(auto_wrap_output_keys=None, **kwargs)

    def _learn(self, X):
        """Keep the number of channels, and nothing else; return X as it is checked."""
        given, X = X, self._checked(X)
        named = with_names(self, given, X[0], reset=True)
        validate_data(self, named, skip_check_array=True)
        return X

    def _transformed(self, X):
        """Return what becomes of the channels."""
        check_is_fitted(self)
        check_parameters(self)
        given, X = X, self._checked(X)
        named = with_names(self, given, X[0], reset=False)
        with hints(X, "none", self.n_features_in_):
            validate_data(self, named, reset=False, skip_check_array=True)
        arrays = of_own_types(given)
        if arrays is None:
            return self._each(self._of_channels, X)
        # What becomes of a recording may hang on its type, but not on that of others.
        lengths = all_lengths(X, X.shape[1]).tolist()
        rows = [self._of_channels(a[:n]) for a, n in zip(arrays, lengths, strict=True)]
        is_unequal = isinstance(X, Sequences)
        return X.with_values(np.concatenate(rows)) if is_unequal else np.stack(rows)

    def _of_channels(self, x):
        """Return what becomes of whole recordings, of shape (..., n_steps, n_channels).

        As an array of the same shape but for the last axis.
        """
        return self._continued(x, None)[0]

    def _go_on(self, x, state):
        """Transform steps of a stream; see `Stages`."""
        if not np.isfinite(x).all():
            raise ValueError(
                f"X contains NaN or infinity, which {type(self).__name__} does not "
                "take: ChannelTransformer(SimpleImputer()) before it fills gaps."
            )
        return self._continued(x, state)

    @staticmethod
    def _each(function, X):
        """Apply a function to an array of recordings, or to each of Sequences."""
        if isinstance(X, Sequences):
            return X.with_values(np.concatenate([function(x) for x in X]))
        return function(X)

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
        """Return recordings as an array, or as Sequences if their lengths differ."""
        name = type(self).__name__
        if isinstance(X, SpikeTrains):
            raise ValueError(
                f"{name} takes recordings, and SpikeTrains are rates, of which spikes "
                "are drawn when they are needed: np.asarray(X) draws one of them."
            )
        if isinstance(X, EventSequences):
            raise ValueError(
                f"{name} takes recordings of values, and EventSequences are events: "
                f"{LAID_OUT}"
            )
        X = of_numpy(gathered(X))
        _refuse_other_dimensions(X, n_dimensions(X), name)
        refuse_dates_and_text(X)
        with hints(X, "none", None), quietly():
            X = check_recordings(self, X, kept_dtypes(X))
            check_finite(self, X)
        return X

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags


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
            "single recording, (n_steps, n_channels), by [X]."
        )
    if n > 3:
        shape = np.shape(X)
        raise ValueError(
            f"{start}. Frames in time become recordings by X.reshape({shape[0]}, "
            f"{shape[1]}, -1)."
        )
    raise ValueError(f"{start}.")
