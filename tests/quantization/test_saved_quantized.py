"""Quantised networks are saved and loaded, whole or not at all."""

import pickle

import joblib
import numpy as np
import pytest
import skops.io
from quantized import CASES, inputs, quantized
from sklearn.base import clone

from sklearn_snn import load_model

NAMES = "recurrent_graded", "numbers", "cuba_spread"


@pytest.mark.parametrize("name", NAMES)
def test_answers_are_the_same_after_loading(name, tmp_path):
    model, X = quantized(name), inputs(CASES[name].kind, 40)
    joblib.dump(model, tmp_path / "model.joblib")
    text = skops.io.dumps(model)
    trusted = skops.io.get_untrusted_types(data=text)
    assert all(t.startswith("sklearn_snn.") for t in trusted)
    copies = [
        pickle.loads(pickle.dumps(model)),
        load_model(tmp_path / "model.joblib"),
        skops.io.loads(text, trusted=trusted),
    ]
    for copy in copies:
        np.testing.assert_array_equal(copy.predict(X), model.predict(X))
        np.testing.assert_array_equal(
            copy.to_estimator().predict(X), model.to_estimator().predict(X)
        )
        assert copy.network_ == model.network_
        assert repr(copy) == repr(model)
    unfitted = pickle.loads(pickle.dumps(clone(model)))
    assert not hasattr(unfitted, "layers_")


def damaged(state, index, **arrays):
    """Return a state in which a layer has other arrays."""
    layers = [dict(layer) for layer in state["layers_"]]
    layers[index] |= arrays
    return state | {"layers_": layers}


def test_damaged_states_are_refused():
    model = quantized("recurrent_graded")
    state = model.__getstate__()
    layer = state["layers_"][0]
    wrong = [
        damaged(state, 0, weights=layer["weights"][:-1]),
        damaged(state, 0, weights=layer["weights"] * 0.5),
        damaged(state, 0, bias=layer["bias"][:3]),
        damaged(state, 1, weights=state["layers_"][1]["weights"][:, :2]),
        damaged(state, 0, weight_units=-layer["weight_units"]),
        damaged(state, 0, other=1),
        state | {"layers_": state["layers_"][:1]},
        state | {"_levels_": {}},
        state | {"_levels_": state["_levels_"] | {"unit": np.ones(3)}},
        state | {"_levels_": state["_levels_"] | {"unit": -state["_levels_"]["unit"]}},
        damaged(state, 0, weight_units=layer["weight_units"][:3]),
        state | {"_on_grid_": None},
    ]
    for one in wrong:
        with pytest.raises(ValueError, match="QuantizedSpikingClassifier are damaged"):
            type(model)().__setstate__(one)
    without = {k: v for k, v in state.items() if k != "_levels_"}
    with pytest.raises(ValueError, match="damaged"):
        type(model)().__setstate__(without)
