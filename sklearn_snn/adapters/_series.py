"""What the adapters share: the recipe for series, which a base class calls."""

from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state

from sklearn_snn._channels import ChannelTransformer
from sklearn_snn._classifier import SpikingClassifier
from sklearn_snn._compat import HasMethods, validate_parameter_constraints
from sklearn_snn._encoders import DelayLine
from sklearn_snn._regressor import SpikingRegressor

_MAX_SEED = 2**31 - 1


def missing(library, error):
    """Return an ImportError that says which extra brings a library."""
    return ImportError(
        f"sklearn_snn.adapters.{library} needs {library}, which cannot be imported "
        f"({error}): pip install 'sklearn-snn[{library}]'"
    )


class SeriesAdapter:
    """Hands series to a pipeline: what the base classes of the libraries call.

    These have checked the input, and converted it to an array (n_cases, n_channels,
    n_timepoints) or a list of (n_channels, n_timepoints). A subclass has the parameters
    `estimator` and `random_state`, and `_network`, the class that the recipe ends with.
    """

    def _fit(self, X, y):
        """Fit a clone of the estimator."""
        validate_parameter_constraints(
            {
                "estimator": [HasMethods(["fit", "predict"]), None],
                "random_state": ["random_state"],
            },
            {"estimator": self.estimator, "random_state": self.random_state},
            caller_name=type(self).__name__,
        )
        if self.estimator is None:
            estimator = recipe(self._network)
        else:
            estimator = clone(self.estimator)
        seed(estimator, self.random_state)
        self.estimator_ = estimator.fit(self._steps_first(X), y)
        return self

    def _predict(self, X):
        """Predict with what was fitted."""
        return self.estimator_.predict(self._steps_first(X))

    def _steps_first(self, X):
        """Return series with channels last, as networks take them."""
        if isinstance(X, list):
            return [x.T for x in X]
        return X.swapaxes(1, 2)


class ClassifierAdapter(SeriesAdapter):
    """Classifies series."""

    _network = SpikingClassifier

    def _predict_proba(self, X):
        """Return probabilities, with a column for each of `classes_`."""
        return self.estimator_.predict_proba(self._steps_first(X))


class RegressorAdapter(SeriesAdapter):
    """Predicts a number of each series."""

    _network = SpikingRegressor


def recipe(network):
    """Return the pipeline for series that "None" stands for, new."""
    return make_pipeline(
        ChannelTransformer(StandardScaler()),
        DelayLine(),
        network(
            neuron="adlif",
            learn_neuron=True,
            readout="membrane_mean",
            batch_size=32,
            learning_rate_init=0.005,
        ),
    )


def seed(estimator, random_state):
    """Set each `random_state` of an estimator and its parts, unless it is None."""
    if random_state is None:
        return
    generator = check_random_state(random_state)
    names = [
        name
        for name in sorted(estimator.get_params())
        if name == "random_state" or name.endswith("__random_state")
    ]
    seeds = generator.randint(_MAX_SEED, size=len(names)).tolist()
    estimator.set_params(**dict(zip(names, seeds, strict=True)))


def small(network):
    """Return two estimators that are fast to fit, for checks of their libraries."""
    fast = {"max_iter": 2, "engine": "numpy"}
    return (
        make_pipeline(ChannelTransformer(StandardScaler()), network((4,), **fast)),
        make_pipeline(DelayLine(2), network((3,), neuron="adlif", **fast)),
    )
