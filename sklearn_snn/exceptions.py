"""Warnings that sklearn-snn raises, beside those of scikit-learn."""

from sklearn.exceptions import InconsistentVersionWarning

__all__ = [
    "DeadNeuronWarning",
    "InputMismatchWarning",
    "OtherVersionWarning",
    "UnscaledInputWarning",
]


class DeadNeuronWarning(UserWarning):
    """Neurons that never fire, or always, tell nothing and hardly learn.

    Raised at the end of `SpikingClassifier.fit` for an output neuron that is silent or
    saturated in the whole last epoch (its class is never, or always, an answer), unless
    its membrane is learned from as well (``readout="soft_count"``, the default for
    tables), and for a hidden layer of which at least half is; else, if for more than a
    tenth of the samples no output neuron fired. The message says which layer, what
    share, and which parameters to change.

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
    """X or y seems not to be what is meant, and the answers may mean nothing.

    Raised, once per call and reason, when a fitted `SpikingClassifier` is given, to
    answer or to go on learning, or a fitted `PoissonSpikeEncoder` transforms,

    - values that leave the range of their feature in `fit` by more than a quarter of
      it: more than half of all values, or, of ten rows or more, more than half of a
      feature's; or that leave it far: one by more than a hundred times its width, three
      of a feature by ten times, or three of a row (or step) by twice. Zeros and
      features that were constant do not count, features that are hardly ever other
      than 0 may go as far as any that begin at 0, and nothing is said after a fit of
      fewer than twenty samples;
    - values of which the largest is less than a quarter of the largest of any sample in
      `fit`, all-zero samples aside, and whose sums are small, too: nearly nothing
      reaches the network;
    - sequences that are shorter or longer than all in `fit` and `partial_fit`, by more
      than a quarter of the range of these lengths; not where these go on, since the
      lengths in a stream may vary.

    Of a large `X`, evenly spaced rows are looked at.
    The message names the feature that is worst, and both ranges or lengths.

    Raised, too, once per call of `fit` and `partial_fit` where recordings have several
    steps and `y` has as many columns: these are learned as so many outputs, or labels,
    of each recording, while those of each step need ``per_step=True``.

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


class OtherVersionWarning(InconsistentVersionWarning):
    """An estimator was saved by another version of sklearn-snn, and answers as there.

    Raised, once per estimator, when one is loaded. What an older version saved is
    brought up to date, and what a newer one saved is loaded only if this one can read
    its format. Saved again, it is of the present version, and loads in silence. For
    another version of scikit-learn alone there is scikit-learn's own
    `InconsistentVersionWarning`, of which this is a subclass.

    Parameters
    ----------
    estimator_name : str
        Name of the class.
    current_version, original_version : str
        The version of sklearn-snn that loads, and the one that saved.
    current_sklearn_version : str
        The version of scikit-learn that is in use.
    original_sklearn_version : str or None
        That with which it was saved; None if the file does not say.

    Examples
    --------
    >>> import joblib, tempfile, warnings
    >>> from pathlib import Path
    >>> from sklearn_snn import SpikingClassifier, load_model
    >>> from sklearn_snn.exceptions import OtherVersionWarning
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "model.joblib"
    ...     files = joblib.dump(SpikingClassifier(alpha=0.9), path)
    ...     with warnings.catch_warnings():
    ...         warnings.simplefilter("ignore", OtherVersionWarning)
    ...         load_model(path)
    SpikingClassifier(alpha=0.9)
    """

    def __init__(
        self,
        *,
        estimator_name,
        current_version,
        original_version,
        current_sklearn_version,
        original_sklearn_version,
    ):
        super().__init__(
            estimator_name=estimator_name,
            current_sklearn_version=current_sklearn_version,
            original_sklearn_version=original_sklearn_version,
        )
        self.current_version = current_version
        self.original_version = original_version

    def __str__(self):
        versions = self.original_sklearn_version, self.current_sklearn_version
        also = ""
        if versions[0] not in (None, versions[1]):
            also = " The version of scikit-learn was {}, and here it is {}.".format(
                *versions
            )
        return (
            f"The {self.estimator_name} was saved by version {self.original_version} "
            f"of sklearn-snn and brought into the form of version "
            f"{self.current_version}, which is in use: it answers as before. Save it "
            f"again, and this is not said any more.{also}"
        )


class UnscaledInputWarning(UserWarning):
    """By their scale values tell nothing: all of them, or all but a few.

    Raised at the end of the checks in

    - `SpikingClassifier.fit`, and the first `partial_fit`, if a column, or channel of a
      sequence, is spread (from its 10th to its 90th percentile) at least fifty times as
      wide as the narrowest (or, of many columns, as a tenth of them). Those that hardly
      vary, such as a rare category's, do not count;
    - `PoissonSpikeEncoder.fit` if an outlier sets the range, so that the median sample
      fires less than once in all, or fails to fire less than once;
    - `DeltaSpikeEncoder.fit` if no channel of any recording changes by a threshold, so
      that there is no spike at all;
    - `as_sequences` if each recording of events ends within its first step, though its
      times differ, as they do where `dt` is in another unit;
    - `quantize`, and `fit` of `QuantizedSpikingClassifier`, if the range of graded
      values, an outlier's for example, is so much wider in one column than in others
      that next to nothing is left of these.

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
