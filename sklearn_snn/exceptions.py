"""Warnings that sklearn-snn raises, beside those of scikit-learn."""

__all__ = ["DeadNeuronWarning"]


class DeadNeuronWarning(UserWarning):
    """Neurons that never fire, or always, tell nothing and hardly learn.

    Raised at the end of `SpikingClassifier.fit` for an output neuron that is silent or
    saturated in the whole last epoch (its class is never, or always, an answer), and
    for a hidden layer of which at least half is. The message says which layer, what
    share, and which parameters to change.

    Examples
    --------
    >>> import warnings
    >>> from sklearn_snn.exceptions import DeadNeuronWarning
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore", DeadNeuronWarning)
    ...     # fits whose dead neurons are no surprise
    """
