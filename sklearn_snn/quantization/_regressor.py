"""QuantizedSpikingRegressor: a regressor whose network is integers."""

from sklearn.base import RegressorMixin

from sklearn_snn._compat import fit_context
from sklearn_snn._regressor import SpikingRegressor
from sklearn_snn._utils.errstate import with_own_errstate
from sklearn_snn.quantization._base import BaseQuantizedNetwork


class QuantizedSpikingRegressor(RegressorMixin, BaseQuantizedNetwork):
    """Spiking regressor in integers, as neuromorphic chips and microcontrollers run it.

    `fit` trains a `SpikingRegressor` and quantises it; what else there is to say is
    said of `QuantizedSpikingClassifier`. The outputs are integers, too: a number is
    ``y = y_mean + y_scale * unit * output``.

    Parameters
    ----------
    estimator : SpikingRegressor, default=None
        What is trained; None is one with its default parameters. Its hidden neurons are
        "lif" or "cuba", recurrent or not.
    bits : int, default=8
        Bits of each weight, from 2 to 16, its sign included.
    leak : {"multiply", "power_of_two"}, default="multiply"
        How membranes leak: ``v * a / 2**leak_bits``, or ``v - (v >> a)``.
    leak_bits : int, default=12
        Bits of that fraction, from 2 to 15. Only used with ``leak="multiply"``.
    fraction_bits : int, default=6
        Bits of a membrane, from 0 to 16, that are finer than the weights of spikes.
    membrane_bits : int, default=32
        Bits of each membrane and synaptic current, from 16 to 32, the sign included.
    input_bits : int or "auto", default="auto"
        Bits of each input, from 1, which is spikes, to 16. "auto" is 1 for spike
        trains, and for sequences whose values range from 0 to 1 exactly; else 8.
    epochs : int, default=0
        Epochs of fine-tuning: the network is trained on while it is rounded, with the
        gradients of the rounded one.
    learning_rate_init : float, default=0.001
        Learning rate of the fine-tuning, positive, which falls to 0 as half a cosine.

    Attributes
    ----------
    layers_ : list of QuantizedLayer
        The integers of each layer. Not to be assigned.
    network_ : tuple
        What the network consists of: ``layers``, ``readout`` and ``loss``.
    n_features_in_ : int
        Number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names. Defined only when `X` has feature names that are all strings.
    n_layers_, n_outputs_ : int
        Number of layers, with the input, and of output neurons.
    out_activation_ : str
        "identity".

    See Also
    --------
    sklearn_snn.quantization.quantize : Quantises what is trained, a pipeline too.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_snn import SpikingRegressor
    >>> from sklearn_snn.quantization import QuantizedSpikingRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = QuantizedSpikingRegressor(
    ...     SpikingRegressor((20,), n_steps=10, max_iter=20, random_state=0)
    ... ).fit(X, y)
    >>> abs(model.to_estimator().score(X, y) - model.score(X, y)) < 0.01
    True
    """

    _parameter_constraints = BaseQuantizedNetwork._parameter_constraints | {
        "estimator": [SpikingRegressor, None],
    }
    _default = SpikingRegressor

    @with_own_errstate
    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, sample_weight=None):
        """Train the estimator, and quantise it.

        Parameters
        ----------
        X : SpikeTrains, array-like or sparse matrix with n_samples rows
            Of any kind that `SpikingRegressor.fit` takes.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
            Real numbers.
        sample_weight : array-like of shape (n_samples,), default=None
            As `SpikingRegressor.fit` takes it; fine-tuning takes it, too.

        Returns
        -------
        self : QuantizedSpikingRegressor
            The quantised network.

        Raises
        ------
        ValueError, TypeError
            As `SpikingRegressor.fit` does; and for networks that no integers stand for.
        """
        return self._fit(X, y, sample_weight)

    @with_own_errstate
    def predict(self, X):
        """Predict numbers.

        Parameters
        ----------
        X : SpikeTrains, array-like or sparse matrix with n_samples rows
            Of any kind that `fit` takes.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            In the unit of the y of `fit`.

        Warns
        -----
        InputMismatchWarning
            As all methods that take X, if it is unlike what was learned from.
        """
        return self._answers(X, "predict")

    @with_own_errstate
    def staged_predict(self, X):
        """Predict after each step, from what was seen so far.

        Parameters
        ----------
        X : SpikeTrains, array-like or sparse matrix with n_samples rows
            Of any kind that `fit` takes.

        Returns
        -------
        stages : iterator of ndarrays of shape (n_samples,) or (n_samples, n_outputs)
            Numbers after step 1, 2, ...; the last are those of `predict`.
        """
        return self._staged_answers(X, "predict")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags
