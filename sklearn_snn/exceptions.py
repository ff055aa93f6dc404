"""Warnings that sklearn-snn raises, beside those of scikit-learn."""

__all__ = ["DeadNeuronWarning"]


class DeadNeuronWarning(UserWarning):
    """Neurons that never fire, or always, tell nothing and hardly learn.

    Raised at the end of `SpikingClassifier.fit` for an output neuron that is silent or
    saturated in the whole last epoch (its class is never, or always, an answer), and
    for a hidden layer of which at least half is; else, if for more than a tenth of the
    samples no output neuron fired. The message says which layer, what share, and which
    parameters to change.

    Examples
    --------
    >>> import warnings
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_snn import SpikingClassifier
    >>> from sklearn_snn.exceptions import DeadNeuronWarning
    >>> X, y = load_iris(return_X_y=True)
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     model = SpikingClassifier(learning_rate_init=1.0, random_state=0).fit(X, y)
    >>> DeadNeuronWarning in [warning.category for warning in caught]
    True
    """
