"""What a spiking network does as a regressor: methods, and what its targets are."""

from sklearn.base import RegressorMixin
from sklearn.utils.validation import (
    assert_all_finite,
    check_consistent_length,
    column_or_1d,
)

from sklearn_snn._base import BaseSpikingNetwork
from sklearn_snn._compat import StrOptions, fit_context
from sklearn_snn._inputs.dates import check_numeric_y
from sklearn_snn._inputs.layout import hints
from sklearn_snn._inputs.validation import n_columns
from sklearn_snn._model.readouts import STATISTICS
from sklearn_snn._training import fitting
from sklearn_snn._training.targets import Numbers
from sklearn_snn._utils.errstate import with_own_errstate


class BaseSpikingRegressor(RegressorMixin, BaseSpikingNetwork):
    """Base class of `SpikingRegressor`, which says what the parameters mean."""

    _fitted_names = (
        "y_mean_",
        "y_scale_",
        "_is_flat_",
        *BaseSpikingNetwork._fitted_names,
    )
    # What networks that were saved before there was this attribute do.
    _keeps_digits_ = False
    # What a network is trained on, of which a state must be.
    _losses = (Numbers.loss,)
    _parameter_constraints = BaseSpikingNetwork._parameter_constraints | {
        # Probabilities, of which another mean might be taken, are no numbers.
        "readout": [StrOptions({*STATISTICS, "auto"} - {"softmax_mean"})],
    }
    _fixed_params = {"logit_scale": "auto"}

    @with_own_errstate
    @fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Train the network.

        Ctrl-C ends the training: the estimator is then that of the last complete epoch
        and a warning says so; within the first epoch it stays as it was and
        KeyboardInterrupt is raised. Callbacks set with `set_callbacks` see each epoch.

        Parameters
        ----------
        X : SpikeTrains, {array-like, sparse matrix} of shape (n_samples, n_features), \
                array-like of shape (n_samples, n_steps, n_features), list of arrays \
                (n_steps, n_features), Sequences or EventSequences
            As of `SpikingClassifier.fit`: 2-D input is a constant current, 3-D input a
            recorded sequence, and spike trains are drawn anew in every epoch.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Real numbers. With `per_step`, those of each step, of shape (n_samples,
            n_steps) or (n_samples, n_steps, n_outputs); or a list of arrays as long as
            recordings of unequal length. What it has beyond the end of a recording, as
            `X` has NaN, counts for nothing.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, not negative, in the mean loss (they are scaled to a
            mean of 1), in the mean and deviation of y, and in R squared. Weight 0 is
            the same as the row being absent, and weight 2 as the row twice, as far as
            `SpikingClassifier.fit` says.

        Returns
        -------
        self : SpikingRegressor
            The trained network.

        Raises
        ------
        ValueError, TypeError
            If a parameter, `X`, `y` or `sample_weight` is not acceptable; the estimator
            stays as it was. ValueError also if training diverges; the estimator is then
            that of the last complete epoch, if there is one, and else as it was.
        ImportError
            If ``engine="numba"`` and numba cannot be used.

        Warns
        -----
        ConvergenceWarning, DeadNeuronWarning, InputMismatchWarning, \
                UnscaledInputWarning
            As `SpikingClassifier.fit` does.
        """
        fitting.fit(self, X, y, sample_weight)
        return self

    @with_own_errstate
    # In the context of later calls scikit-learn validates no parameters: we do.
    @fit_context(prefer_skip_nested_validation=False)
    def partial_fit(self, X, y, sample_weight=None):
        """Train one epoch on a part of the data, such as a block of a stream.

        As `SpikingClassifier.partial_fit`, which says how calls add up and what weights
        count relative to. Mean and deviation of y are those of the first call, too: it
        should hold numbers as the others will.

        Parameters
        ----------
        X : SpikeTrains, array-like or sparse matrix with n_samples rows
            Of any kind that `fit` takes.
        y : array-like of shape (n_samples,), (n_samples, n_outputs) or as in `fit`
            Real numbers.
        sample_weight : array-like of shape (n_samples,), default=None
            As in `fit`, but relative to those of the first call.

        Returns
        -------
        self : SpikingRegressor
            The network, trained one epoch further.

        Raises
        ------
        ValueError, TypeError
            As in `fit`; if y has other columns than before; if all weights of the first
            call are 0; or with ``early_stopping``, which needs all data. A call that
            fails or is interrupted leaves the estimator as it was.
        """
        fitting.partial_fit(self, X, y, sample_weight)
        return self

    @with_own_errstate
    def predict(self, X):
        """Predict the numbers.

        Parameters
        ----------
        X : SpikeTrains, array-like or sparse matrix with n_samples rows
            Of any kind that `fit` takes.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            As many dimensions as y had in `fit`; of the dtype of `coefs_`, or float64
            where float32 could not tell apart by how much they differ, far from 0. With
            `per_step`, an axis of steps comes second; or a list of arrays as long as
            recordings of unequal length.

        Warns
        -----
        InputMismatchWarning
            As all methods that take X, if it is unlike what was learned from.
        """
        return self._answers(X, "predict")

    @with_own_errstate
    def score(self, X, y, sample_weight=None):
        """Compute R squared, the share of the variance of y that is predicted.

        With `per_step` it is that of all steps that are read, of all samples.

        Parameters
        ----------
        X : SpikeTrains, array-like or sparse matrix with n_samples rows
            Of any kind that `fit` takes.
        y : array-like of shape (n_samples,), (n_samples, n_outputs) or as in `fit`
            True numbers.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, and of each of their steps.

        Returns
        -------
        score : float
            At most 1; 0 is that of the mean of y. Mean over the columns of y.

        Raises
        ------
        ValueError
            If y has no numbers, or not as many rows as there are samples, before
            anything is predicted.
        """
        if self._is_per_step():
            from sklearn.metrics import r2_score

            return self._score_of_steps(X, y, sample_weight, r2_score)
        check_numeric_y(y)
        with hints(X, y, None):
            check_consistent_length(X, y)
        return super().score(X, y, sample_weight)

    @with_own_errstate
    def staged_predict(self, X):
        """Predict after each step, from the membranes so far ("anytime inference").

        With `per_step`, stages are the steps of what `predict` answers.

        Parameters
        ----------
        X : SpikeTrains, array-like or sparse matrix with n_samples rows
            Of any kind that `fit` takes.

        Returns
        -------
        stages : iterator of ndarrays of shape (n_samples,) or (n_samples, n_outputs)
            Numbers after step 1, 2, ...; the last are those of `predict`.
        """
        stages, target = self._staged_outputs(X), self._fitted_target()
        return (target.decode(outputs) for outputs in stages)

    @staticmethod
    def _y_options(y):
        return {"multi_output": n_columns(y) > 1, "y_numeric": True}

    def _check_y(self, y):
        """Return y; a single column becomes flat."""
        assert_all_finite(y, input_name="y")  # of objects, nobody has looked yet
        return column_or_1d(y) if y.ndim == 2 and y.shape[1] == 1 else y

    def _find_target(self, y, weights):
        """Return the target that y shows."""
        return Numbers.of(y, weights)

    def _known_target(self, y, weights, is_continued):
        """Return the target of the fit, of which y must be, or of y without one."""
        if not is_continued:
            return Numbers.of(y, weights)
        n_numbers = 1 if y.ndim == 1 else y.shape[1]
        if n_numbers != self.n_outputs_:
            raise ValueError(
                f"y has {n_numbers} columns, but {type(self).__name__} learned from "
                f"{self.n_outputs_}."
            )
        return self._fitted_target().following(y)

    def _fitted_target(self):
        """Return the target of the fit."""
        told = self.y_mean_, self.y_scale_, self._is_flat_
        return Numbers(*told, self._keeps_digits_)

    def _same_target(self, y, weights):
        """Return the target of the fit; raise ValueError if y is not of it."""
        return self._known_target(y, weights, True)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
