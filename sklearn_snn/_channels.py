"""ChannelTransformer: a transformer of tables, applied to the channels of sequences."""

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import (
    check_consistent_length,
    check_is_fitted,
    validate_data,
)

from sklearn_snn._compat import HasMethods, check_feature_names_in, fit_context
from sklearn_snn._inputs.dates import refuse_dates_and_text
from sklearn_snn._inputs.event_sequences import LAID_OUT, EventSequences
from sklearn_snn._inputs.extent import as_table
from sklearn_snn._inputs.frames import array_of, is_frame
from sklearn_snn._inputs.layout import hints, n_dimensions, refuse_dimensions
from sklearn_snn._inputs.lengths import all_lengths
from sklearn_snn._inputs.recordings import (
    check_recordings,
    gathered,
    of_own_types,
    with_names,
)
from sklearn_snn._inputs.sequences import Sequences
from sklearn_snn._inputs.spike_trains import SpikeTrains
from sklearn_snn._inputs.step_targets import targets_of_steps
from sklearn_snn._persistence import PersistenceMixin
from sklearn_snn._utils.errstate import with_own_errstate


def _inner_has(name):
    """Return a check that the transformer, fitted or not, has a method."""

    def has(self):
        inner = getattr(self, "transformer_", self.transformer)
        getattr(inner, name)  # raises AttributeError, which says what is missing
        return True

    return has


class ChannelTransformer(
    PersistenceMixin, TransformerMixin, BaseEstimator, auto_wrap_output_keys=None
):
    """Apply a transformer to the channels of sequences.

    A transformer of scikit-learn takes tables. Here it sees every step of every sample
    as a row of one table, (n_steps of all samples, n_features), and what it makes of it
    becomes sequences again, each as long as before.
    ``ChannelTransformer(StandardScaler())``, for example, brings channels that are
    recorded in different units to mean 0 and variance 1 over all samples and steps;
    unscaled, the channel with the largest numbers would decide alone.

    Parameters
    ----------
    transformer : estimator
        What is applied; a clone of it is fitted. Whether there may be missing values
        in `X` is up to it.

    Attributes
    ----------
    transformer_ : estimator
        The fitted transformer.
    n_features_in_ : int
        Number of channels seen during `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of features seen during `fit`. Defined only when `X` was a table, or a
        list of data frames, with feature names that are all strings.

    See Also
    --------
    SpikingClassifier : Learns from sequences.

    Notes
    -----
    Recordings may differ in length: a list of arrays (n_steps, n_features), Sequences,
    or an array in which they are padded with steps of NaN at the end. The transformer
    never sees that padding, and what comes out is Sequences, which hold none.

    What becomes of a step is up to the transformer. Most make the same of it to the
    bit, whatever rows are beside it, but `PCA` does not: a product of matrices rounds
    otherwise for another number of rows. So a network behind it may answer a little
    otherwise to a sample alone than among others.

    A table, of two dimensions, is handed to the transformer as it is: so one pipeline
    serves tables and sequences, and a single recording, (n_steps, n_features), can be
    transformed alone. Of recordings it sees an array, of data frames in a list, too: so
    a `ColumnTransformer` takes channels by their numbers there, and text is encoded
    before recordings are made.

    The transformer gets all of `X` at once, and most make a float64 copy of it, of
    eight bytes a value, whatever the type of `X` is. For a memory map that is too large
    for that, fit on some of the recordings, transform block by block, and write the
    blocks to a file of float32.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_snn import ChannelTransformer, SpikingClassifier
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(40, 20, 2)) * [1.0, 1e5]  # volts and pascals
    >>> y = np.arange(40) % 2
    >>> X[y == 1, :10, 0] += 1
    >>> scaler = ChannelTransformer(StandardScaler())
    >>> scaler.fit_transform(X).std(axis=(0, 1)).round(3)
    array([1., 1.])
    >>> model = make_pipeline(scaler, SpikingClassifier((20,), random_state=0))
    >>> model.fit(X, y).predict(X).shape
    (40,)
    """

    _fitted_names = "transformer_", "n_features_in_"
    _parameter_constraints = {"transformer": [HasMethods(["fit", "transform"])]}

    def __init__(self, transformer):
        self.transformer = transformer

    @with_own_errstate
    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y=None):
        """Fit a clone of the transformer to the steps of all samples.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_steps, n_features) or (n_samples, \
                n_features), list of arrays (n_steps, n_features), or Sequences
            Sequences, or a table.
        y : array-like of shape (n_samples,) or (n_samples, n_steps), or list of \
                arrays, default=None
            Labels, for a transformer that needs them: each step has its sample's; or
            those of the steps, as `SpikingClassifier` takes them with `per_step`. A
            second axis as long as the recordings is taken for that of steps, and what
            it has beyond the end of a recording counts for nothing.

        Returns
        -------
        self : ChannelTransformer
            The fitted transformer.

        Raises
        ------
        ValueError
            If `X` is not of two or three dimensions, or is SpikeTrains or
            EventSequences, which have no values to transform; and as the transformer
            does.
        """
        inner, given, (X, is_sequential) = clone(self.transformer), X, self._checked(X)
        table = as_table(X) if is_sequential else X
        if y is not None and is_sequential:
            with hints(X, y, None):
                check_consistent_length(X, y)
            y = targets_of_steps(y, all_lengths(X, X.shape[1]), given)
        inner.fit(table, y)
        self._compare(given, table, reset=True)
        self.transformer_ = inner
        return self

    @with_own_errstate
    def transform(self, X):
        """Transform the channels.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_steps, n_features) or (n_samples, \
                n_features), list of arrays (n_steps, n_features), or Sequences
            Sequences, of any number of steps, or a table.

        Returns
        -------
        X_new : ndarray of shape (n_samples, n_steps, n_features_new), Sequences, or \
                what the transformer makes of a table
            The new values: Sequences if recordings differ in length, are padded with
            NaN, or were Sequences.

        Raises
        ------
        NotFittedError
            If `fit` was not called.
        ValueError
            As in `fit`, and if `X` has another number of channels.
        """
        check_is_fitted(self)
        given, (X, is_sequential) = X, self._checked(X)
        if not is_sequential:
            return self.transformer_.transform(self._as_learned(X))
        with hints(X, "none", self.n_features_in_):
            self._compare(given, as_table(X), reset=False)
        method, arrays = self.transformer_.transform, of_own_types(given)
        if arrays is not None:
            # What becomes of a recording may hang on its type, not on that of others.
            types = [array.dtype for array in arrays]
            method = _for_each_type(method, types, all_lengths(X, X.shape[1]))
        return self._apply(method, X)

    @available_if(_inner_has("inverse_transform"))
    @with_own_errstate
    def inverse_transform(self, X):
        """Undo `transform`, where the transformer can.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_steps, n_features_new) or (n_samples, \
                n_features_new), list of arrays (n_steps, n_features_new), or Sequences
            Transformed sequences, or a transformed table.

        Returns
        -------
        X_original : ndarray of shape (n_samples, n_steps, n_features) or (n_samples, \
                n_features), or Sequences
            The values before, as far as the transformer keeps them.
        """
        check_is_fitted(self)
        X, is_sequential = self._checked(X)
        inverse = self.transformer_.inverse_transform
        return self._apply(inverse, X) if is_sequential else inverse(X)

    @available_if(_inner_has("get_feature_names_out"))
    def get_feature_names_out(self, input_features=None):
        """Return the names of the new channels.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the channels; None for those seen in `fit`, else x0, x1, ...

        Returns
        -------
        names : ndarray of str
            As the transformer names them.
        """
        check_is_fitted(self)
        names = check_feature_names_in(self, input_features)
        return self.transformer_.get_feature_names_out(names)

    def set_output(self, *, transform=None):
        """Set what tables are transformed to; sequences stay arrays.

        Sequences have three axes, and a data frame has two.

        Parameters
        ----------
        transform : {"default", "pandas", "polars"} or None, default=None
            As of scikit-learn's transformers. None changes nothing.

        Returns
        -------
        self : ChannelTransformer
            The transformer.
        """
        for inner in (self.transformer, getattr(self, "transformer_", None)):
            if hasattr(inner, "set_output"):
                inner.set_output(transform=transform)
        return self

    def _checked(self, X):
        """Return sequences as arrays, a table as it is, and which of them it is."""
        name = type(self).__name__
        if isinstance(X, SpikeTrains | EventSequences):
            is_of_events = isinstance(X, EventSequences)
            advice = f" As values {LAID_OUT}" if is_of_events else ""
            raise ValueError(
                f"{name} transforms values, of which {type(X).__name__} have none: put "
                f"it before the encoder, or leave it out.{advice}"
            )
        X = gathered(X)
        n = n_dimensions(X)
        refuse_dimensions(X, n, name)
        if n != 3:
            return X, False
        refuse_dates_and_text(X)
        return check_recordings(self, X), True

    def _go_on(self, x, state):
        """Transform steps of a stream, each by itself; see `Stages`."""
        return self._apply(self.transformer_.transform, x), state

    def _as_learned(self, X):
        """Return a table as the transformer got the steps of recordings, if it did.

        That was an array, so that names are compared here.
        """
        inner, is_named = self.transformer_, hasattr(self, "feature_names_in_")
        knows_names = hasattr(inner, "feature_names_in_")
        if knows_names or not (is_named and is_frame(X)):
            return X
        if not hasattr(inner, "n_features_in_"):  # it may keep no names of tables
            return X
        validate_data(self, X, reset=False, skip_check_array=True)
        return np.asarray(array_of(X))

    def _compare(self, given, table, *, reset):
        """Keep number and names of channels, or compare them with those of `fit`."""
        named = with_names(self, given, table, reset=reset)
        validate_data(self, named, reset=reset, skip_check_array=True)

    def _apply(self, method, X):
        """Apply a method of the transformer to the steps of sequences."""
        table = as_table(X)
        rows = method(table)
        if sparse.issparse(rows):
            raise ValueError(
                f"{type(self.transformer_).__name__} makes sparse arrays, which have "
                "no sequences: set its sparse_output=False."
            )
        rows = np.asarray(rows)
        if rows.shape[:1] != table.shape[:1] or rows.ndim != 2:
            raise ValueError(
                f"{type(self.transformer_).__name__} made an array of shape "
                f"{rows.shape} of {table.shape[0]} steps: it must keep them."
            )
        if isinstance(X, Sequences):
            return X.with_values(rows)
        return rows.reshape(*X.shape[:2], rows.shape[1])

    def __sklearn_tags__(self):
        tags, inner = super().__sklearn_tags__(), get_tags(self.transformer)
        tags.input_tags = inner.input_tags
        tags.input_tags.three_d_array = True
        tags.target_tags = inner.target_tags
        tags.no_validation = inner.no_validation
        if inner.transformer_tags is not None:
            tags.transformer_tags = inner.transformer_tags
        return tags


def _for_each_type(method, types, lengths):
    """Return a method that takes the steps of recordings of each type by themselves.

    Parameters
    ----------
    method : callable
        Makes rows of rows.
    types : list of dtype
        Of each recording.
    lengths : ndarray of int of shape (n_samples,)
        Number of steps of each.

    Returns
    -------
    method : callable
        Of all steps as rows of one type that holds them.
    """
    places = [
        np.flatnonzero(np.repeat([other == own for other in types], lengths))
        for own in dict.fromkeys(types)
    ]

    def of_all(table):
        made = [
            method(table[rows].astype(own))
            for own, rows in zip(dict.fromkeys(types), places, strict=True)
        ]
        if any(map(sparse.issparse, made)):
            return made[0]  # which is refused
        return np.concatenate(made)[np.argsort(np.concatenate(places))]

    return of_all
