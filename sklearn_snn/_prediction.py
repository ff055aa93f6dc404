"""What a fitted network answers, step by step too, and what happened in it."""

from numbers import Integral, Real

import numpy as np
from scipy.special import log_softmax
from sklearn.utils.validation import check_is_fitted

from sklearn_snn._engines import make_engine
from sklearn_snn._network import Network, class_probabilities, readout
from sklearn_snn._neurons import LIF, is_reset_stable
from sklearn_snn._simulation import record, spikes_per_step
from sklearn_snn._validation import check_memory, network_dtype, validate_input

# With logit_scale="auto", the logit of an output neuron that fires at every step.
_FULL_RATE_LOGIT = 10


class PredictionMixin:
    """Prediction methods of an estimator with the parameters of a spiking network."""

    def _engine(self, X):
        """Return the engine for an input like X."""
        return make_engine(self.engine, self._network(X))

    def _network(self, X):
        """Return the Network for an input like X."""
        n_steps = X.shape[1] if X.ndim == 3 else int(self.n_steps)
        sizes = [X.shape[-1], *(len(b) for b in self.intercepts_)]
        check_memory(sizes, n_steps, network_dtype(X))
        scale = self.logit_scale
        if scale == "auto":
            scale = _FULL_RATE_LOGIT / n_steps
        neuron = LIF(
            alpha=float(self.alpha),
            threshold=float(self.threshold),
            beta=float(self.beta),
            surrogate=self.surrogate,
            reset=self.reset,
        )
        detach = self.detach_reset
        detach = not is_reset_stable(neuron) if detach == "auto" else bool(detach)
        neuron = neuron._replace(detach_reset=detach)
        return Network(neuron, n_steps, float(scale))

    def _logits(self, X):
        """Return the logits, of shape (n_samples, n_classes), of validated input."""
        check_is_fitted(self)
        X = validate_input(self, X, reset=False)
        return self._engine(X).logits(self.coefs_, self.intercepts_, X)

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

    def _spikes_per_step(self, X):
        """Return mean spikes per step, (n_steps, n_layers_), of validated input."""
        check_is_fitted(self)
        X = validate_input(self, X, reset=False)
        return spikes_per_step(self._network(X), self.coefs_, self.intercepts_, X)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "coefs_")
