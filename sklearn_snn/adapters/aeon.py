"""Spiking networks as estimators of aeon, with its layouts and methods."""

from sklearn_snn.adapters._series import (
    ClassifierAdapter,
    RegressorAdapter,
    missing,
    small,
)

try:
    from aeon.classification.base import BaseClassifier
    from aeon.regression.base import BaseRegressor
except ModuleNotFoundError as error:
    raise missing("aeon", error) from error

__all__ = ["SpikingTimeSeriesClassifier", "SpikingTimeSeriesRegressor"]

_TAGS = {
    "X_inner_type": ["np-list", "numpy3D"],
    "capability:multivariate": True,
    "capability:unequal_length": True,
}


class SpikingTimeSeriesClassifier(ClassifierAdapter, BaseClassifier):
    """Spiking neural network classifier of time series, for aeon.

    Series have their channels first: an array (n_cases, n_channels, n_timepoints), one
    of univariate series (n_cases, n_timepoints), or a list of arrays (n_channels,
    n_timepoints) of unequal lengths. Each point of time is a step of the network; no
    series is padded, and each is answered as if it were alone.

    Parameters
    ----------
    estimator : estimator, default=None
        What learns, of sklearn-snn, with whatever is to come before: an estimator that
        takes arrays (n_samples, n_steps, n_features), and lists of arrays (n_steps,
        n_features) if series are of unequal length. A clone of it is fitted. None is
        the recipe of the notes.
    n_delays : int or "auto", default="auto"
        Only used without an `estimator`: how many values of each channel the network
        sees at each step, the present one included; at least 1. "auto" is as many as
        the longest series has steps, and as make up to 64 channels, but at least 1.
        It is worth a search: sets of series differ in it most.
    random_state : int, RandomState instance or None, default=None
        Sets each `random_state` of the estimator and its parts; None leaves them. Pass
        an int for the same result, to the bit, in every `fit`.

    Attributes
    ----------
    estimator_ : estimator
        The fitted estimator, for all that this class has no method for, such as
        ``estimator_[-1].loss_curve_``. Its input has steps first.
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    n_classes_ : int
        Number of classes.

    See Also
    --------
    sklearn_snn.SpikingClassifier : The network, and its parameters.

    Notes
    -----
    `fit`, `predict`, `predict_proba`, `score` and so on are those of aeon's
    classifiers, and raise what these raise; besides, `fit` raises ValueError for a
    parameter that is not as above, such as an `estimator` without `predict`.
    `predict_proba` needs an estimator that has it.

    Without an `estimator` it is this pipeline, where ``n_steps`` is the length of the
    longest series that `fit` is given: all channels in one unit, beside what they were
    in the steps before, and adaptive neurons, whose time constants follow the length of
    the series, and learn::

        make_pipeline(
            ChannelTransformer(StandardScaler()),
            DelayLine(n_delays),
            SpikingClassifier(
                (256,),
                neuron=AdLIF(
                    alpha=(
                        exp(-1 / max(4, 0.01 * n_steps)),
                        exp(-1 / max(8, 0.05 * n_steps)),
                    ),
                    rho=(
                        exp(-1 / max(20, 0.1 * n_steps)),
                        exp(-1 / max(40, 0.5 * n_steps)),
                    ),
                    b=(0.0, 0.5),
                ),
                learn_neuron=True,
                readout="soft_count",
                logit_scale=20 / n_steps,
                beta=10.0,
                learning_rate_init=0.005,
                batch_size=32,
                dropout=0.3,
                max_iter=100,
                n_iter_no_change=inf,
            ),
        )

    To tune it, hand it over with other numbers. Parameters of its steps are
    ``estimator__spikingclassifier__max_iter`` and so on.

    Examples
    --------
    >>> from aeon.datasets import load_unit_test
    >>> from sklearn_snn.adapters.aeon import SpikingTimeSeriesClassifier
    >>> X, y = load_unit_test(split="train")
    >>> X.shape
    (20, 1, 24)
    >>> model = SpikingTimeSeriesClassifier(random_state=0).fit(X, y)
    >>> X_test, y_test = load_unit_test(split="test")
    >>> float(model.score(X_test, y_test)) > 0.7
    True

    Series of unequal length, and an estimator of one's own:

    >>> from sklearn_snn import SpikingClassifier
    >>> network = SpikingClassifier((20,), max_iter=5)
    >>> model = SpikingTimeSeriesClassifier(network, random_state=0)
    >>> model.fit([X[0], X[1, :, :20], X[-1]], y[[0, 1, -1]]).predict(X[:5]).shape
    (5,)
    """

    _tags = _TAGS

    def __init__(self, estimator=None, n_delays="auto", random_state=None):
        self.estimator = estimator
        self.n_delays = n_delays
        self.random_state = random_state
        super().__init__()

    @classmethod
    def _get_test_params(cls, parameter_set="default"):
        """Return parameters for aeon's checks."""
        return small(cls._network)


class SpikingTimeSeriesRegressor(RegressorAdapter, BaseRegressor):
    """Spiking neural network regressor of time series, for aeon.

    It predicts a number of each series. Series are what `SpikingTimeSeriesClassifier`
    takes, and so is the pipeline for them.

    Parameters
    ----------
    estimator : estimator, default=None
        What learns, as for `SpikingTimeSeriesClassifier`. None is the pipeline that it
        takes, too, with a `SpikingRegressor` at the end, whose `readout` is "auto".
    n_delays : int or "auto", default="auto"
        Only used without an `estimator`: how many values of each channel the network
        sees at each step, as for `SpikingTimeSeriesClassifier`.
    random_state : int, RandomState instance or None, default=None
        Sets each `random_state` of the estimator and its parts; None leaves them. Pass
        an int for the same result, to the bit, in every `fit`.

    Attributes
    ----------
    estimator_ : estimator
        The fitted estimator, for all that this class has no method for. Its input has
        steps first.

    See Also
    --------
    sklearn_snn.SpikingRegressor : The network, and its parameters.

    Notes
    -----
    `fit`, `predict`, `score` and so on are those of aeon's regressors, and raise what
    these raise; besides, `fit` raises ValueError for an `estimator` without `fit` or
    `predict`.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_snn.adapters.aeon import SpikingTimeSeriesRegressor
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(30, 1, 15))
    >>> X[:15] += 2
    >>> model = SpikingTimeSeriesRegressor(random_state=0).fit(X, X.mean(axis=(1, 2)))
    >>> float(model.score(X, X.mean(axis=(1, 2)))) > 0.9
    True
    """

    _tags = _TAGS

    def __init__(self, estimator=None, n_delays="auto", random_state=None):
        self.estimator = estimator
        self.n_delays = n_delays
        self.random_state = random_state
        super().__init__()

    @classmethod
    def _get_test_params(cls, parameter_set="default"):
        """Return parameters for aeon's checks."""
        return small(cls._network)
