"""scikit-learn's own checks, with no expected failures."""

import numpy as np
import pytest
from sklearn.base import clone, is_classifier
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_estimator,
    check_param_validation,
)
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_snn import (
    ChannelTransformer,
    DelayLine,
    DeltaSpikeEncoder,
    LatencySpikeEncoder,
    PoissonSpikeEncoder,
    PopulationSpikeEncoder,
    SpikingClassifier,
    SpikingRegressor,
)


class OfTables:
    """Makes a transformer of recordings take tables, which is all the checks have.

    A row becomes a recording of a single step.
    """

    def fit(self, X, y=None):
        """Fit to the values of a table, and keep the names of its columns."""
        self._validate_params()
        checked = validate_data(self, X, dtype=[np.float64, np.float32])
        super().fit(checked[:, np.newaxis])
        validate_data(self, X, skip_check_array=True)
        return self

    def transform(self, X):
        """Transform the rows."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=[np.float64, np.float32])
        return self._of_channels(self._checked(X[:, np.newaxis]))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = True
        return tags


class DelayLineOfTables(OfTables, DelayLine):
    """The delay line, of recordings of a single step."""


class DeltaSpikeEncoderOfTables(OfTables, DeltaSpikeEncoder):
    """The encoder of changes, of recordings of a single step."""


ESTIMATORS = [
    SpikingClassifier(),
    SpikingClassifier(neuron="adlif", readout="membrane_mean", learn_neuron=True),
    SpikingClassifier(neuron="cuba", learn_neuron=True, recurrent=True),
    SpikingRegressor(),
    PoissonSpikeEncoder(),
    LatencySpikeEncoder(),
    PopulationSpikeEncoder(),
    PopulationSpikeEncoder(code="latency"),
    DelayLineOfTables(),
    DeltaSpikeEncoderOfTables(initial=0.0),
    ChannelTransformer(StandardScaler()),
]


@pytest.fixture(params=ESTIMATORS, ids=lambda e: type(e).__name__)
def estimator(request, engine):
    """Return an estimator; networks are smaller and train for less than by default."""
    params, fewer = request.param.get_params(deep=False), {}
    if "hidden_layer_sizes" in params:
        fewer = {"hidden_layer_sizes": (30,), "n_steps": 8}
        fewer["max_iter"] = 30 if is_classifier(request.param) else 60
    return clone(request.param).set_params(**fewer)


def test_check_estimator(estimator, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # else one check would be skipped
    results = check_estimator(estimator, on_skip=None)
    assert len(results) > 40
    assert {r["status"] for r in results} == {"passed"}
    names = {r["check_name"] for r in results}
    if isinstance(estimator, SpikingClassifier):
        assert "check_sample_weight_equivalence_on_dense_data" in names
        assert "check_sample_weight_equivalence_on_sparse_data" in names


# Checks that check_estimator does not run.


def test_check_param_validation(estimator):
    check_param_validation(type(estimator).__name__, estimator)


def test_check_dataframe_column_names_consistency(estimator):
    check_dataframe_column_names_consistency(type(estimator).__name__, estimator)
