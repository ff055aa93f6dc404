"""Warnings that sklearn-snn raises, beside those of scikit-learn."""

__all__ = ["DeadNeuronWarning", "InputMismatchWarning", "UnscaledInputWarning"]


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


class InputMismatchWarning(UserWarning):
    """X is unlike what was learned from, and the answers may mean nothing.

    Raised, once per call and reason, when a fitted `SpikingClassifier` is given, to
    answer or to go on learning, or a fitted `PoissonSpikeEncoder` transforms,

    - values that leave the range of their feature in `fit` by more than a quarter of
      it: more than half of all values, or, of ten rows or more, more than half of a
      feature's; or that leave it far: one by more than a hundred times its width, three
      of a feature by ten times, or three of a row (or step) by twice. Zeros and
      features that were constant do not count, and nothing is said after a fit of
      fewer than twenty samples;
    - values of which the largest is less than a quarter of the largest of any sample in
      `fit`, all-zero samples aside, and whose sums are small, too: nearly nothing
      reaches the network;
    - sequences that are shorter or longer than all in `fit` and `partial_fit`; not
      where these go on, since the lengths in a stream may vary.

    Of a large `X`, evenly spaced rows are looked at.
    The message names the feature that is worst, and both ranges or lengths.

    Examples
    --------
    >>> import warnings
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_snn import SpikingClassifier
    >>> from sklearn_snn.exceptions import InputMismatchWarning
    >>> X, y = load_iris(return_X_y=True)
    >>> model = SpikingClassifier((20,), n_steps=10, random_state=0).fit(X, y)
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     labels = model.predict(10 * X)  # mm, where the fit had cm
    >>> InputMismatchWarning in [warning.category for warning in caught]
    True
    """


class UnscaledInputWarning(UserWarning):
    """A few values outweigh all others, which therefore tell nothing.

    Raised at the end of the checks in

    - `SpikingClassifier.fit`, and the first `partial_fit`, if a column, or channel of a
      sequence, is spread (from its 10th to its 90th percentile) at least fifty times as
      wide as the narrowest (or, of many columns, as a tenth of them). Those that hardly
      vary, such as a rare category's, do not count;
    - `PoissonSpikeEncoder.fit` if an outlier sets the range, so that the median sample
      fires less than once in all, or fails to fire less than once.

    Examples
    --------
    >>> import warnings
    >>> import numpy as np
    >>> from sklearn_snn import PoissonSpikeEncoder
    >>> from sklearn_snn.exceptions import UnscaledInputWarning
    >>> X = np.random.default_rng(0).random((50, 4))
    >>> X[7, 2] = 1e6
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     warnings.simplefilter("always")
    ...     encoder = PoissonSpikeEncoder().fit(X)
    >>> UnscaledInputWarning in [warning.category for warning in caught]
    True
    """
