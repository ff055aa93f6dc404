"""QuantizedSpikingClassifier: a classifier whose network is integers."""

from sklearn.base import ClassifierMixin

from sklearn_snn._classifier import SpikingClassifier
from sklearn_snn._compat import fit_context
from sklearn_snn._utils.errstate import with_own_errstate
from sklearn_snn.quantization._base import BaseQuantizedNetwork


class QuantizedSpikingClassifier(ClassifierMixin, BaseQuantizedNetwork):
    """Spiking classifier in integers, as chips and microcontrollers run it.

    `fit` trains a `SpikingClassifier` and quantises it; `quantize` does the latter
    alone, with one that is trained. All answers are those of an integer simulation, the
    same to the bit wherever it runs: weights of few bits, membranes of fixed width that
    saturate, a leak that is a shift, or a product and a shift.

    Per layer and step, in integers (the :ref:`quantised dynamics
    <quantised-dynamics>` say it in full)::

        u_t = leak(v_{t-1}) + ((x_t @ W) << f) + B
        s_t = 1 if u_t > Theta else 0
        v_t = what the reset makes of u_t and s_t

    Parameters
    ----------
    estimator : SpikingClassifier, default=None
        What is trained; None is one with its default parameters. Its hidden neurons are
        "lif" or "cuba", recurrent or not, and its readout is any but "softmax_mean".
    bits : int, default=8
        Bits of each weight, from 2 to 16, its sign included. Each neuron has a unit of
        its own, in which its threshold and bias are measured, too.
    leak : {"multiply", "power_of_two"}, default="multiply"
        How membranes leak. "multiply" is by a fraction, ``v * a / 2**leak_bits``, and
        close to any `alpha`. "power_of_two" is ``v - (v >> a)``, without a product, for
        which `alpha` becomes the nearest ``1 - 2**-a``: 0.5, 0.75, 0.875, 0.9375, 0.969
        and so on. Train with one of these, or fine-tune.
    leak_bits : int, default=12
        Bits of that fraction, from 2 to 15; 12 are those of Loihi. Only used with
        ``leak="multiply"``.
    fraction_bits : int, default=6
        Bits of a membrane, from 0 to 16, that are finer than the weights of spikes.
        With none of them, a leak of small membranes is lost in rounding. Of graded
        inputs, which have bits of their own, there are so many less.
    membrane_bits : int, default=32
        Bits of each membrane and synaptic current, from 16 to 32, the sign included.
        Beyond them they saturate.
    input_bits : int or "auto", default="auto"
        Bits of each input, from 1, which is spikes, to 16. Graded values become the
        nearest of so many levels, which reach as far as the values that were learned
        from, an outlier included: clip these before. Columns, or channels, have levels
        of their own; those that are narrower than the widest have fewer, by the root of
        the ratio. Values beyond the last level become that. "auto" is 1 for spike
        trains, and for sequences whose values range from 0 to 1 exactly; else 8.
    epochs : int, default=0
        Epochs of fine-tuning: the network is trained on while it is rounded, with the
        gradients of the rounded one. For 4 bits and less, and for leaks that change.
    learning_rate_init : float, default=0.001
        Learning rate of the fine-tuning, positive, which falls to 0 as half a cosine.

    Attributes
    ----------
    layers_ : list of QuantizedLayer
        The integers of each layer: named tuples of ``weights``, ``recurrent_weights``,
        ``bias``, ``threshold``, ``leak``, ``leak_syn`` and shifts, and of what a 1 of
        them stands for. Not to be assigned.
    classes_ : ndarray of shape (n_classes,)
        Class labels; of several labels at once, the indices of the columns of y.
    network_ : tuple
        What the network consists of: ``layers``, ``readout`` and ``loss``.
    n_features_in_ : int
        Number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names. Defined only when `X` has feature names that are all strings.
    n_layers_, n_outputs_ : int
        Number of layers, with the input, and of output neurons.
    out_activation_ : str
        "softmax"; "logistic" with several labels.

    See Also
    --------
    sklearn_snn.quantization.quantize : Quantises what is trained, a pipeline too.
    sklearn_snn.export.export_c : Writes it as a C file.
    sklearn_snn.metrics.operation_report : Counts what its integers do, and its bytes.

    Notes
    -----
    Displays of spikes, membranes and answers over time take it as it is. Those of
    weights, contributions and training take what `to_estimator` returns, and so does
    what exchanges networks with other libraries.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_snn import SpikingClassifier
    >>> from sklearn_snn.quantization import QuantizedSpikingClassifier
    >>> X, y = load_iris(return_X_y=True)
    >>> model = QuantizedSpikingClassifier(
    ...     SpikingClassifier((20,), n_steps=10, random_state=0), bits=4
    ... ).fit(X, y)
    >>> model.score(X, y) > 0.9
    True
    >>> model.layers_[0].weights.dtype, int(abs(model.layers_[0].weights).max())
    (dtype('int8'), 7)
    """

    _parameter_constraints = BaseQuantizedNetwork._parameter_constraints | {
        "estimator": [SpikingClassifier, None],
    }
    _default = SpikingClassifier

    @with_own_errstate
    @fit_context(prefer_skip_nested_validation=False)
    def fit(self, X, y, sample_weight=None):
        """Train the estimator, and quantise it.

        Parameters
        ----------
        X : SpikeTrains, array-like or sparse matrix with n_samples rows
            Of any kind that `SpikingClassifier.fit` takes.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            As `SpikingClassifier.fit` takes it.
        sample_weight : array-like of shape (n_samples,), default=None
            As `SpikingClassifier.fit` takes it; fine-tuning takes it, too.

        Returns
        -------
        self : QuantizedSpikingClassifier
            The quantised network.

        Raises
        ------
        ValueError, TypeError
            As `SpikingClassifier.fit` does; and for networks that no integers stand
            for.
        """
        return self._fit(X, y, sample_weight)

    @with_own_errstate
    def decision_function(self, X):
        """Compute the logits: what the readout makes of the output neurons.

        Parameters
        ----------
        X : SpikeTrains, array-like or sparse matrix with n_samples rows
            Of any kind that `fit` takes.

        Returns
        -------
        logits : ndarray of shape (n_samples, n_classes) or (n_samples,)
            For two classes the logit of ``classes_[1]`` minus that of ``classes_[0]``.
        """
        return self._answers(X, "decision_function")

    @with_own_errstate
    def predict(self, X):
        """Predict the class with the largest output; of equals, the first.

        Parameters
        ----------
        X : SpikeTrains, array-like or sparse matrix with n_samples rows
            Of any kind that `fit` takes.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_labels)
            Class labels.

        Warns
        -----
        InputMismatchWarning
            As all methods that take X, if it is unlike what was learned from.
        """
        return self._answers(X, "predict")

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
            In the order of `classes_`.
        """
        return self._answers(X, "predict_proba")

    @with_own_errstate
    def staged_predict(self, X):
        """Predict after each step, from the spikes so far.

        Parameters
        ----------
        X : SpikeTrains, array-like or sparse matrix with n_samples rows
            Of any kind that `fit` takes.

        Returns
        -------
        stages : iterator of ndarrays of shape (n_samples,)
            Class labels after step 1, 2, ...; the last are those of `predict`.
        """
        return self._staged_answers(X, "predict")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_label = True
        return tags
