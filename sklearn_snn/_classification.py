"""What a spiking network does as a classifier: methods, and what its targets are."""

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import type_of_target
from sklearn.utils.validation import check_consistent_length

from sklearn_snn._base import POSITIVE, BaseSpikingNetwork
from sklearn_snn._compat import StrOptions, check_partial_fit_first_call, fit_context
from sklearn_snn._inputs.layout import hints
from sklearn_snn._inputs.validation import check_classes, n_columns
from sklearn_snn._model.losses import LOSSES
from sklearn_snn._training import fitting
from sklearn_snn._training.targets import Classes, Labels
from sklearn_snn._utils.errstate import with_own_errstate

_LISTED = (
    " sklearn.preprocessing.MultiLabelBinarizer makes such columns of the labels of "
    "each sample."
)


class BaseSpikingClassifier(ClassifierMixin, BaseSpikingNetwork):
    """Base class of `SpikingClassifier`, which says what the parameters mean."""

    _parameter_constraints = BaseSpikingNetwork._parameter_constraints | {
        "logit_scale": [StrOptions({"auto"}), POSITIVE],
        "class_weight": [dict, StrOptions({"balanced"}), None],
    }
    _fitted_names = ("classes_", *BaseSpikingNetwork._fitted_names)
    # What a network is trained on, of which a state must be.
    _losses = Classes.loss, Labels.loss

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
            2-D input is injected as a constant current for `n_steps` steps; 3-D input
            is a recorded sequence, of spikes or of graded values, and so is each array
            of a list: of any length, as are recordings that end with steps of NaN, and
            each is read up to its end. Spike trains from an encoder are drawn anew in
            every epoch. Computing is done in float32 for
            spike trains, float32 arrays, and sequences of types of up to 16 bits; else
            in float64. Arrays of whole numbers and halves are converted by the batch.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            Class labels, of two or more classes; or 0 and 1 for several labels at once.
            With `per_step` those of each step, with an axis of steps after the first;
            or a list of arrays as long as recordings of unequal length. What it has
            beyond the end of a recording, as `X` has NaN, counts for nothing.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, not negative, in the mean loss (they are scaled to a
            mean of 1) and in the accuracies. Weight 0 is the same as the row
            being absent. Weight 2 is the same as the row twice: up to rounding if there
            are at most 128 samples in a single mini-batch, no `dropout`, and nothing
            counts rows, as "invscaling" does, and "auto" of `weight_decay` and
            `learning_rate_init`; else on the average over mini-batches, what is
            dropped, and samples of the first guess.

        Returns
        -------
        self : SpikingClassifier
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
        ConvergenceWarning
            If `max_iter` ends the training, or it ends because the loss does not get
            better although loss and accuracy are hardly better than those of guessing;
            in both cases also if a neuron's memory of ``1 / (1 - alpha)`` steps may be
            the reason, as recordings are more than 20 times as long. If no epoch
            surpasses the weights before it, with `warm_start` and `early_stopping`.
        DeadNeuronWarning
            If output neurons, or half of a hidden layer, never fire, or always, or if
            many samples let no output neuron fire; see `sklearn_snn.exceptions`.
        UnscaledInputWarning, InputMismatchWarning
            If one column or channel outweighs all; if `y` has a column for each step.
        """
        fitting.fit(self, X, y, sample_weight)
        return self

    @with_own_errstate
    # In the context of later calls scikit-learn validates no parameters: we do, unless
    # the user's configuration, which this leaves as it is, says not to.
    @fit_context(prefer_skip_nested_validation=False)
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Train one epoch on a part of the data, such as a block of a stream.

        Calls add up: `fit` for some epochs with a constant learning rate, and as many
        calls with the same data, give the same network to the bit, if `dropout`,
        `weight_decay` and `learning_rate_init` are numbers. Memory is that of a
        mini-batch and of `X`, which may be a memory map. The first call makes the first
        guess of the parameters from the samples it is given: they should vary as the
        others will, which a single one cannot; and all parts be scaled alike.
        Nothing is done that concerns a fit as a whole: the learning rate of "cosine"
        and of "adaptive" stays at its beginning, callbacks are not called, and dead
        neurons are not warned of. What is kept of each epoch, such as `loss_curve_`,
        is kept for the last 1,000 calls. After a `fit`, the optimizer starts anew.

        Weights, those of `class_weight` included, count relative to the mean weight of
        the samples of the first call, or of the `fit` before: a later block of twice
        that mean has twice the gradient, even if it has a single row or class. (What
        `max_grad_norm` cuts off, it cuts off there too.) The losses that are kept are
        means with the weights of the call. A later call whose samples all have weight 0
        has nothing to say: it is checked, and changes nothing.

        Parameters
        ----------
        X : SpikeTrains, array-like or sparse matrix with n_samples rows
            Of any kind that `fit` takes.
        y : array-like of shape (n_samples,) or as in `fit`
            Class labels.
        classes : array-like of shape (n_classes,), default=None
            All classes that will ever occur, two or more. Needed in the first call.
        sample_weight : array-like of shape (n_samples,), default=None
            As in `fit`, but relative to those of the first call. Weights that are on
            the average less than 2**-64 or more than 2**64 times those are refused.

        Returns
        -------
        self : SpikingClassifier
            The network, trained one epoch further.

        Raises
        ------
        ValueError, TypeError
            As in `fit`; if classes are missing or other than before; if all weights of
            the first call are 0; or with ``early_stopping`` or
            ``class_weight="balanced"``, which need all data. A
            call that fails or is interrupted leaves the estimator as it was.
        """

        def check_first():
            with np.errstate(invalid="ignore"):  # of labels that no integer can hold
                check_partial_fit_first_call(self, classes)

        fitting.partial_fit(self, X, y, sample_weight, check_first)
        return self

    @with_own_errstate
    def decision_function(self, X):
        """Compute the logits: what `readout` makes of the output neurons.

        Parameters
        ----------
        X : SpikeTrains, array-like or sparse matrix with n_samples rows
            Of any kind that `fit` takes.

        Returns
        -------
        logits : ndarray of shape (n_samples, n_classes) or (n_samples,)
            For two classes the logit of ``classes_[1]`` minus that of ``classes_[0]``.
            With `per_step`, an axis of steps comes second.
        """
        return self._answers(X, "decision_function")

    @with_own_errstate
    def predict(self, X):
        """Predict the class with the largest logit; of equals, the first.

        With `readout` "spike_count" that is the class whose output neuron fires most;
        of equal counts, the one with the largest mean membrane.

        Parameters
        ----------
        X : SpikeTrains, array-like or sparse matrix with n_samples rows
            Of any kind that `fit` takes.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_labels)
            Class labels. With `per_step`, an axis of steps comes second; to recordings
            of unequal length, here and in the other methods, a list of arrays as long.

        Warns
        -----
        InputMismatchWarning
            As all methods that take X, if it is unlike what was learned from.
        """
        return self._answers(X, "predict")

    @with_own_errstate
    def score(self, X, y, sample_weight=None):
        """Compute the accuracy: the share of samples that are predicted as in `y`.

        With `per_step` it is that of all steps read, as ``scoring="accuracy"`` is not.

        Parameters
        ----------
        X : SpikeTrains, array-like or sparse matrix with n_samples rows
            Of any kind that `fit` takes.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            True labels; with `per_step` as `fit` takes them.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, and of each of their steps.

        Returns
        -------
        score : float
            From 0 to 1.

        Raises
        ------
        ValueError
            If there are not as many labels as samples, before anything is predicted.
        """
        if self._is_per_step():
            from sklearn.metrics import accuracy_score

            return self._score_of_steps(X, y, sample_weight, accuracy_score)
        with hints(X, y, None):
            check_consistent_length(X, y)
        return super().score(X, y, sample_weight)

    @with_own_errstate
    def predict_log_proba(self, X):
        """Compute the logarithm of the class probabilities.

        Parameters
        ----------
        X : SpikeTrains, array-like or sparse matrix with n_samples rows
            Of any kind that `fit` takes.

        Returns
        -------
        log_p : ndarray of shape (n_samples, n_classes)
            In the order of `classes_`. With `per_step`, an axis of steps comes second.
        """
        return self._answers(X, "predict_log_proba")

    @with_own_errstate
    def predict_proba(self, X):
        """Compute the class probabilities, the softmax of the logits.

        Parameters
        ----------
        X : SpikeTrains, array-like or sparse matrix with n_samples rows
            Of any kind that `fit` takes.

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes)
            In the order of `classes_`. With `per_step`, an axis of steps comes second.
        """
        return self._answers(X, "predict_proba")

    @with_own_errstate
    def staged_predict(self, X):
        """Predict after each step, from the spikes so far ("anytime inference").

        The network runs once, at little more than the cost of `predict`; output spikes
        and membranes of all samples, a byte and a number for each step and class, are
        held meanwhile. With `per_step`, stages are the steps of what `predict` answers.

        Parameters
        ----------
        X : SpikeTrains, array-like or sparse matrix with n_samples rows
            Of any kind that `fit` takes.

        Returns
        -------
        stages : iterator of ndarrays of shape (n_samples,)
            Class labels after step 1, 2, ...; the last are those of `predict`.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn_snn import SpikingClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> model = SpikingClassifier((20,), n_steps=10, random_state=0).fit(X, y)
        >>> accuracy = [(labels == y).mean() for labels in model.staged_predict(X)]
        >>> len(accuracy), bool(accuracy[0] < accuracy[-1])
        (10, True)
        """
        stages, target = self._staged_outputs(X), self._fitted_target()
        return (target.decode(outputs) for outputs in stages)

    @with_own_errstate
    def staged_predict_proba(self, X):
        """Compute the class probabilities after each step, from the spikes so far.

        Parameters
        ----------
        X : SpikeTrains, array-like or sparse matrix with n_samples rows
            Of any kind that `fit` takes.

        Returns
        -------
        stages : iterator of ndarrays of shape (n_samples, n_classes)
            The softmax of the running logits after step 1, 2, ...; the last are those
            of `predict_proba`.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn_snn import SpikingClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> model = SpikingClassifier((20,), n_steps=10, random_state=0).fit(X, y)
        >>> sure = [p.max(axis=1).mean() for p in model.staged_predict_proba(X)]
        >>> bool(sure[0] < sure[-1])
        True
        """
        stages = self._staged_outputs(X)
        activate = self._answer_functions()["predict_proba"]
        return (activate(outputs) for outputs in stages)

    def _answer_functions(self):
        loss = LOSSES[self._constants_["loss"]]
        return super()._answer_functions() | {
            "predict_proba": loss.activate,
            "predict_log_proba": loss.log_activate,
            "decision_function": loss.decide,
        }

    @staticmethod
    def _y_options(y):
        return {"multi_output": n_columns(y) > 1}

    def _check_y(self, y):
        """Return y as labels, or as a dense array of several labels for each sample."""
        return y.toarray() if hasattr(y, "toarray") else y

    def _find_target(self, y, weights):
        """Return the target that y shows."""
        name = type(self).__name__
        if y.ndim == 1:
            return Classes(check_classes(y, None, name))
        return self._labels(y, y.shape[1])

    def _known_target(self, y, weights, is_continued):
        """Return the target that `classes_` shows, of which y must be."""
        name, n_classes = type(self).__name__, len(self.classes_)
        has_labels = y.ndim == 2
        if is_continued and has_labels != (self._constants_["loss"] == "logistic"):
            raise ValueError(
                f"y must have {1 if has_labels else 2} dimensions, as what {name} "
                "learned from."
            )
        if has_labels:
            return self._labels(y, n_classes)
        return Classes(check_classes(y, self.classes_, name))

    def _labels(self, y, n_labels):
        """Return the target of several labels at once; raise ValueError for others."""
        kind = type_of_target(y, input_name="y")
        # To scikit-learn any two values are an indicator.
        is_of_labels = kind == "multilabel-indicator" and np.isin(y, (0, 1)).all()
        if not is_of_labels or y.shape[1] != n_labels:
            found = list(dict.fromkeys(y.ravel().tolist()))
            some = ", ".join(map(repr, found[:4])) + ", ..." * (len(found) > 4)
            raise ValueError(
                f"y of two dimensions must hold 0 and 1 for each of several labels, "
                f"{n_labels} here; got {kind!r} of shape {y.shape} with the values "
                f"{some}.{_LISTED if isinstance(found[0], str) else ''}"
            )
        return Labels(n_labels)

    def _fitted_target(self):
        """Return the target of the fit."""
        if self._constants_["loss"] == "logistic":
            return Labels(self.n_outputs_)
        return Classes(self.classes_)

    def _same_target(self, y, weights):
        """Return the target of y; raise ValueError if it is not that of the fit."""
        target, fitted = self._find_target(y, weights), self._fitted_target()
        if target.loss != fitted.loss or not np.array_equal(target.names, fitted.names):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the "
                f"previous call to fit. Previously got {fitted.names}, `y` has "
                f"{target.names}"
            )
        return target

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
