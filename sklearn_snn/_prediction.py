"""What a fitted network answers, step by step too, and what happened in it."""

from numbers import Integral, Real

import numpy as np
from scipy.special import log_softmax
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from sklearn_snn._compat import validate_parameter_constraints
from sklearn_snn._engines import make_engine
from sklearn_snn._inputs.layout import hints
from sklearn_snn._inputs.learned_input import check_likeness
from sklearn_snn._inputs.validation import (
    check_classes,
    check_memory,
    check_shapes,
    network_dtype,
    validate_input,
    validate_weights,
)
from sklearn_snn._model.constants import make_network
from sklearn_snn._model.network import class_probabilities, readout
from sklearn_snn._simulation import record, spikes_per_step
from sklearn_snn._training.gradients import mean_loss_and_gradients
from sklearn_snn._training.trainer import Samples
from sklearn_snn._utils.errstate import with_own_errstate


class PredictionMixin:
    """Prediction methods of an estimator with the parameters of a spiking network.

    They read the constants of the fit and the parameters that it made, not those of the
    constructor; of these `engine` alone, which changes no answer, is in force at once.
    """

    @property
    def detach_reset_(self):
        """Whether the gradient of the fit ignores that the reset depends on the spike.

        A bool, also where ``detach_reset="auto"``: then it is what that chose.
        """
        return self._constants_["detach_reset"]

    def _engine(self, X, constants=None):
        """Return the engine for an input like X, with the constants of the fit."""
        return make_engine(self.engine, self._network(X, constants))

    def _network(self, X, constants=None):
        """Return the Network for an input like X, with the constants of the fit.

        An `engine` that there is not is refused, also by what has no use for it.
        """
        validate_parameter_constraints(
            {"engine": self._parameter_constraints["engine"]},
            {"engine": self.engine},
            caller_name=type(self).__name__,
        )
        constants = self._constants_ if constants is None else constants
        network = make_network(constants, X.shape[1] if X.ndim == 3 else None)
        check_shapes(self.coefs_, self.intercepts_, X.shape[-1], len(self.classes_))
        sizes = [X.shape[-1], *(len(b) for b in self.intercepts_)]
        check_memory(sizes, network.n_steps, network_dtype(X))
        return network

    def _logits(self, X):
        """Return the logits, of shape (n_samples, n_classes), of validated input."""
        check_is_fitted(self)
        X = validate_input(self, X, reset=False)
        return self._engine(X).logits(self.coefs_, self.intercepts_, X)

    @with_own_errstate
    def decision_function(self, X):
        """Compute the logits: scaled spike counts of the output neurons.

        Parameters
        ----------
        X : SpikeTrains, array-like or sparse matrix with n_samples rows
            Of any kind that `fit` takes.

        Returns
        -------
        logits : ndarray of shape (n_samples, n_classes) or (n_samples,)
            For two classes the logit of ``classes_[1]`` minus that of ``classes_[0]``.
        """
        logits = self._logits(X)
        return logits if logits.shape[1] > 2 else logits[:, 1] - logits[:, 0]

    @with_own_errstate
    def predict(self, X):
        """Predict the class whose output neuron fires most; of equals, the first.

        Parameters
        ----------
        X : SpikeTrains, array-like or sparse matrix with n_samples rows
            Of any kind that `fit` takes.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Class labels.

        Warns
        -----
        InputMismatchWarning
            As all methods that take X, if it is unlike what was learned from.
        """
        indices = self._logits(X).argmax(axis=1)
        return self.classes_[indices]

    @with_own_errstate
    def score(self, X, y, sample_weight=None):
        """Compute the accuracy: the share of samples that are predicted as in `y`.

        Parameters
        ----------
        X : SpikeTrains, array-like or sparse matrix with n_samples rows
            Of any kind that `fit` takes.
        y : array-like of shape (n_samples,)
            True labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples.

        Returns
        -------
        score : float
            From 0 to 1.

        Raises
        ------
        ValueError
            If there are not as many labels as samples, before anything is predicted.
        """
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
            In the order of `classes_`.
        """
        return log_softmax(self._logits(X), axis=1)

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
            In the order of `classes_`.
        """
        return class_probabilities(self._logits(X))

    def _staged_logits(self, X):
        """Check X, run the network, and return an iterator over the running logits."""
        check_is_fitted(self)
        X = validate_input(self, X, reset=False)
        engine = self._engine(X)
        (spikes,) = engine.spikes(
            self.coefs_, self.intercepts_, X, first=len(self.coefs_) - 1
        )
        # By class, which is how the answers are computed fastest.
        counts = np.zeros((spikes.shape[2], len(spikes)), self.coefs_[0].dtype)

        def running():
            for t in range(spikes.shape[1]):
                np.add(counts, spikes[:, t].T, out=counts)
                yield readout(engine.network, counts).T

        return running()

    @with_own_errstate
    def staged_predict(self, X):
        """Predict after each step, from the spikes so far ("anytime inference").

        The network runs once, at little more than the cost of `predict`; the output
        spikes of all samples, a byte per step and class, are held meanwhile.

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
        stages = self._staged_logits(X)
        return (self.classes_[logits.argmax(axis=1)] for logits in stages)

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
        return (class_probabilities(logits) for logits in self._staged_logits(X))

    @with_own_errstate
    def loss_and_gradients(self, X, y, sample_weight=None):
        """Compute the loss on given data, and its gradients, as training does.

        With ``p`` the `predict_proba` of a sample and ``w`` its weight, the loss is the
        softmax cross-entropy, without the penalty of `weight_decay`::

            loss = sum_i w_i * -log(p[i, y_i]) / sum_i w_i

        and the gradients are those of backpropagation through time with respect to
        `coefs_` and `intercepts_`: exact, as the class says, with `detach_reset_`. The
        network is not changed. Spikes are those that `predict` sees.

        Parameters
        ----------
        X : SpikeTrains, array-like or sparse matrix with n_samples rows
            Of any kind that `fit` takes.
        y : array-like of shape (n_samples,)
            Class labels, of those in `classes_`.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, not negative. Weight 2 is the same as the row twice,
            up to rounding, and 0 as its absence.

        Returns
        -------
        result : LossAndGradients
            A named tuple of ``loss``, a float; ``coef_grads``, a list of ndarrays of
            the shapes of `coefs_`; and ``intercept_grads``, of those of `intercepts_`.

        Raises
        ------
        ValueError, TypeError
            If `X`, `y` or `sample_weight` is not acceptable, or `y` has labels that are
            not in `classes_`.

        Examples
        --------
        A step of gradient descent, by hand:

        >>> from sklearn.datasets import load_iris
        >>> from sklearn_snn import SpikingClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> model = SpikingClassifier((20,), n_steps=10, max_iter=5, random_state=0)
        >>> before = model.fit(X, y).loss_and_gradients(X, y)
        >>> [grad.shape for grad in before.coef_grads]
        [(4, 20), (20, 3)]
        >>> for weights, grad in zip(model.coefs_, before.coef_grads):
        ...     weights -= 0.01 * grad
        >>> model.loss_and_gradients(X, y).loss < before.loss
        True
        """
        check_is_fitted(self)
        X, y = validate_input(self, X, y, reset=False)
        weights = validate_weights(X, sample_weight)
        rows = None if weights.all() else np.flatnonzero(weights)
        if rows is not None:
            y, weights = y[rows], weights[rows]
        check_likeness(self, X, rows)
        check_classes(y, self.classes_, type(self).__name__)
        indices = np.searchsorted(self.classes_, y)
        return mean_loss_and_gradients(
            self._engine(X),
            self.coefs_,
            self.intercepts_,
            Samples(X, indices, weights, weights, rows),
        )

    @with_own_errstate
    def simulate(self, X, *, layers=None, inputs=True, max_memory=1.0):
        """Run the network and record what happens in it.

        Parameters
        ----------
        X : SpikeTrains, array-like or sparse matrix with n_samples rows
            Of any kind that `fit` takes.
        layers : array-like of int, default=None
            The layers to record, by their index in `coefs_`: 0 is the first hidden
            layer, -1 the output layer. None records all of them.
        inputs : bool, default=True
            Whether to record what the first layer received, too.
        max_memory : float, default=1.0
            Largest size of the record in GiB, above 0.

        Returns
        -------
        record : SimulationRecord
            Inputs, membranes, spikes, and running logits and probabilities. The spikes
            are those that `predict` counts, to the bit.

        Raises
        ------
        ValueError
            Before anything is done, if the record would take more than `max_memory`,
            or there is no such layer.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn_snn import SpikingClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> model = SpikingClassifier((20,), n_steps=10, random_state=0).fit(X, y)
        >>> record = model.simulate(X[:5], layers=[-1])
        >>> record.membranes[-1].shape
        (5, 10, 3)
        >>> bool((record.logits[:, -1] == model.decision_function(X[:5])).all())
        True
        """
        check_is_fitted(self)
        n_layers = len(self.coefs_)
        chosen = np.arange(n_layers) if layers is None else np.atleast_1d(layers)
        if chosen.ndim > 1 or not all(
            isinstance(i, Integral) and -n_layers <= i < n_layers
            for i in chosen.tolist()
        ):
            raise ValueError(
                f"layers must be a list of indices of coefs_, of which there are "
                f"{n_layers}, got {layers!r}."
            )
        if not (isinstance(max_memory, Real) and max_memory > 0):
            raise ValueError(f"max_memory must be positive, got {max_memory!r}.")
        X = validate_input(self, X, reset=False)
        return record(
            self._network(X),
            self.coefs_,
            self.intercepts_,
            X,
            self.classes_,
            sorted({int(i) % n_layers for i in chosen}),
            inputs,
            max_memory,
        )

    @with_own_errstate
    def _spikes_per_step(self, X):
        """Return mean spikes per step, (n_steps, n_layers_), of validated input."""
        check_is_fitted(self)
        X = validate_input(self, X, reset=False)
        return spikes_per_step(self._network(X), self.coefs_, self.intercepts_, X)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "coefs_")
