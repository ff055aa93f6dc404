"""What the adapters share: methods that the base classes of the libraries call."""

from numbers import Integral

from sklearn.base import clone
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import check_random_state

from sklearn_snn._channels import ChannelTransformer
from sklearn_snn._classifier import SpikingClassifier
from sklearn_snn._compat import (
    HasMethods,
    Interval,
    StrOptions,
    validate_parameter_constraints,
)
from sklearn_snn._regressor import SpikingRegressor
from sklearn_snn.adapters._recipe import default_n_delays, recipe

_MAX_SEED = 2**31 - 1


def missing(library, error):
    """Return an ImportError that says which extra brings a library."""
    return ImportError(
        f"sklearn_snn.adapters.{library} needs {library}, which cannot be imported "
        f"({error}): pip install 'sklearn-snn[{library}]'"
    )


class SeriesAdapter:
    """Hands series to an estimator: what the base classes of the libraries call.

    These have checked the input, and converted it to an array (n_cases, n_channels,
    n_timepoints) or a list of (n_channels, n_timepoints). A subclass has the parameters
    below, and `_network`, the class that the recipe ends with.
    """

    _constraints = {
        "estimator": [HasMethods(["fit", "predict"]), None],
        "n_delays": [Interval(Integral, 1, None, closed="left"), StrOptions({"auto"})],
        "random_state": ["random_state"],
    }

    def _fit(self, X, y):
        """Fit a clone of the estimator, or the recipe."""
        validate_parameter_constraints(
            self._constraints,
            {name: getattr(self, name) for name in self._constraints},
            caller_name=type(self).__name__,
        )
        X = self._steps_first(X)
        if self.estimator is None:
            n_steps, n_delays = max(map(len, X)), self.n_delays
            if n_delays == "auto":
                n_delays = default_n_delays(n_steps, X[0].shape[1])
            estimator = recipe(self._network, n_steps, n_delays)
        else:
            estimator = clone(self.estimator)
        seed(estimator, self.random_state)
        self.estimator_ = estimator.fit(X, y)
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
    """Return parameters with which adapters fit fast, for checks of their libraries."""
    tiny = network((3,), max_iter=1, engine="numpy")
    scaled = make_pipeline(ChannelTransformer(StandardScaler()), tiny)
    return [{"estimator": scaled}, {"estimator": tiny, "n_delays": 2}]
