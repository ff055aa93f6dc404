"""What a fitted network answers: logits, probabilities and classes."""

from scipy.special import log_softmax, softmax
from sklearn.utils.validation import check_is_fitted

from sklearn_snn._engines import make_engine
from sklearn_snn._network import Network
from sklearn_snn._neurons import LIF, is_reset_stable
from sklearn_snn._validation import validate_input

# With logit_scale="auto", the logit of an output neuron that fires at every step.
_FULL_RATE_LOGIT = 10


class PredictionMixin:
    """Prediction methods of an estimator with the parameters of a spiking network."""

    def _engine(self, X):
        """Return the engine for an input like X."""
        n_steps = X.shape[1] if X.ndim == 3 else int(self.n_steps)
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
        return make_engine(self.engine, Network(neuron, n_steps, float(scale)))

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
        return softmax(self._logits(X), axis=1)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "coefs_")
