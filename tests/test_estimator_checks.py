"""scikit-learn's own checks, with no expected failures."""

import pytest
from sklearn.base import clone
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_estimator,
    check_param_validation,
)

from sklearn_snn import (
    ChannelTransformer,
    PoissonSpikeEncoder,
    SpikingClassifier,
    SpikingRegressor,
)

ESTIMATORS = [
    SpikingClassifier(),
    SpikingClassifier(neuron="adlif", readout="membrane_mean", learn_neuron=True),
    SpikingClassifier(neuron="cuba", learn_neuron=True),
    SpikingRegressor(),
    PoissonSpikeEncoder(),
    ChannelTransformer(StandardScaler()),
]


@pytest.fixture(params=ESTIMATORS, ids=lambda e: type(e).__name__)
def estimator(request, engine):
    """Return an estimator as it comes; where that is slow, one of fewer epochs."""
    params, fewer = request.param.get_params(deep=False), {}
    if "hidden_layer_sizes" in params and engine == "numpy":
        fewer = {"n_steps": 8, "max_iter": 60}
    elif params.get("neuron") in ("adlif", "cuba"):
        fewer = {"max_iter": 60}
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
