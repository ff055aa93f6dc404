"""A state that is not a whole one is refused with a word, and changes nothing."""

import copy
import io
import pickle

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from test_persistence import fitted, leaves, make_classifier, make_encoder

from sklearn_snn import SpikingClassifier


@pytest.mark.parametrize("make", [make_classifier, make_encoder])
@pytest.mark.parametrize("foreign", [None, [1, 2], "text", {}, {"n_steps": 3}])
def test_foreign_states(make, foreign):
    name = type(make()).__name__
    with pytest.raises(ValueError, match=f"not the state of a {name}"):
        make().__setstate__(foreign)


@pytest.mark.parametrize(
    ("owner", "other", "message"),
    [
        (make_encoder, make_classifier, r"PoissonSpikeEncoder.*lacks.*max_rate"),
        (make_classifier, make_encoder, r"SpikingClassifier.*lacks.*hidden_layer"),
        (make_classifier, LogisticRegression, "not the state of a SpikingClassifier"),
    ],
)
def test_states_of_other_classes(owner, other, message):
    with pytest.raises(ValueError, match=message):
        owner().__setstate__(other().__getstate__())


@pytest.mark.parametrize("name", ["fit", "encoder"])
def test_a_parameter_is_missing(name):
    """Each parameter is looked for, and named; the estimator stays as it was."""
    state = fitted(name).__getstate__()
    for parameter in fitted(name).get_params():
        new = type(fitted(name))()
        before = list(leaves(vars(new)))
        without = {k: v for k, v in state.items() if k != parameter}
        with pytest.raises(ValueError, match=f"lacks the parameters.*'{parameter}'"):
            new.__setstate__(without)
        assert list(leaves(vars(new))) == before


DAMAGE = {
    "a layer too few": lambda s: s["coefs_"].pop(),
    "intercepts too few": lambda s: s["intercepts_"].pop(),
    "no layers": lambda s: s.update(coefs_=[], intercepts_=[]),
    "nothing": lambda s: s.update(coefs_=None),
    "flat weights": lambda s: s["coefs_"].__setitem__(1, s["coefs_"][1].ravel()),
    "layers in another order": lambda s: s["coefs_"].reverse(),
    "rows too few": lambda s: s["coefs_"].__setitem__(0, s["coefs_"][0][1:]),
    "rows too few above": lambda s: s["coefs_"].__setitem__(1, s["coefs_"][1][1:]),
    "units too few": lambda s: s["intercepts_"].__setitem__(0, s["intercepts_"][0][1:]),
    "classes too few": lambda s: s.update(classes_=s["classes_"][1:]),
    "more features": lambda s: s.update(n_features_in_=s["n_features_in_"] + 1),
    "NaN": lambda s: s["coefs_"][0].__setitem__((0, 0), np.nan),
    "infinity": lambda s: s["intercepts_"][1].fill(np.inf),
    "objects": lambda s: s["coefs_"].__setitem__(0, s["coefs_"][0].astype(object)),
    "text": lambda s: s["intercepts_"].__setitem__(0, s["intercepts_"][0].astype(str)),
    "neurons of a layer too few": lambda s: s["neuron_constants_"].pop(),
    "no neurons": lambda s: s.update(neuron_constants_=None),
    "neurons too few": lambda s: with_constant(s, "alpha", lambda a: a[1:]),
    "a leak that grows": lambda s: with_constant(s, "alpha", lambda a: a + 1),
    "NaN for a leak": lambda s: with_constant(s, "alpha", lambda a: a * np.nan),
    "no threshold": lambda s: s["neuron_constants_"][0].pop("threshold"),
    "threshold 0": lambda s: with_constant(s, "threshold", lambda a: a * (a != a[1])),
    "no limit": lambda s: with_constant(s, "threshold", lambda a: a + np.inf),
    "half numbers": lambda s: with_constant(s, "alpha", lambda a: a.astype("f4")),
    "a list of leaks": lambda s: with_constant(s, "alpha", lambda a: a.tolist()),
    "one constant more": lambda s: with_constant(s, "threshold", np.copy, "rho"),
}


def with_constant(state, name, change, new_name=None):
    constants = state["neuron_constants_"][-1]
    constants[new_name or name] = change(constants[name])


@pytest.mark.parametrize("damage", DAMAGE)
def test_arrays_that_do_not_fit(damage):
    state = copy.deepcopy(fitted("fit").__getstate__())
    SpikingClassifier().__setstate__(state)
    DAMAGE[damage](state)
    new = SpikingClassifier()
    with pytest.raises(ValueError, match="arrays in this state of a SpikingClassifier"):
        new.__setstate__(state)
    assert not hasattr(new, "coefs_")


NONE = {"alpha": None, "threshold": None}
# In the constants of the fit, and in what is known of the data.
DEEPER = {
    "a constant alone": ("_constants_", {"alpha": 0.9}),
    "no constants": ("_constants_", None),
    "a list of constants": ("_constants_", [0.9, 0.6]),
    "one constant more": ("_constants_", lambda c: c | {"gamma": 1.0}),
    "no such surrogate": ("_constants_", lambda c: c | {"surrogate": "step"}),
    "no such reset": ("_constants_", lambda c: c | {"reset": None}),
    "a leak that grows": ("_constants_", lambda c: c | {"alpha": 1.5}),
    "NaN for a threshold": ("_constants_", lambda c: c | {"threshold": np.nan}),
    "half a step": ("_constants_", lambda c: c | {"n_steps": 10.5}),
    "auto, not chosen": ("_constants_", lambda c: c | {"detach_reset": "auto"}),
    "text for a scale": ("_constants_", lambda c: c | {"logit_scale": "ten"}),
    "no such neuron": ("_constants_", lambda c: c | {"neuron": "izhikevich"}),
    "another neuron": ("_constants_", lambda c: c | {"neuron": "adlif"}),
    "no settings": ("_constants_", lambda c: c | {"neuron_settings": None}),
    "one setting": ("_constants_", lambda c: c | {"neuron_settings": {"alpha": 0.9}}),
    "a leak of 2": (
        *("_constants_", lambda c: c | {"neuron_settings": {**NONE, "alpha": 2.0}}),
    ),
    "it learns all": ("_constants_", lambda c: c | {"learn_neuron": True}),
    "it learns else": ("_constants_", lambda c: c | {"learn_neuron": ["rho"]}),
    "no such readout": ("_constants_", lambda c: c | {"readout": "last"}),
    "no such loss": ("_constants_", lambda c: c | {"loss": "hinge"}),
    "of a regressor": ("_constants_", lambda c: c | {"loss": "squared_error"}),
    "no readout": ("_constants_", lambda c: {k: c[k] for k in c if k != "readout"}),
    "no dict": ("_learned_input_", 3),
    "an empty dict": ("_learned_input_", {}),
    "samples below 0": ("_learned_input_", lambda d: d | {"n_samples": -1}),
    "text for steps": ("_learned_input_", lambda d: d | {"shortest": "ten"}),
    "one limit": ("_learned_input_", lambda d: d | {"high": None}),
    "limits too few": ("_learned_input_", lambda d: d | {"low": d["low"][1:]}),
    "limits the other way": ("_learned_input_", lambda d: d | {"low": d["high"] + 1}),
    "NaN for a limit": ("_learned_input_", lambda d: d | {"low": d["low"] * np.nan}),
    "nothing faint": ("_learned_input_", lambda d: d | {"faintest": None}),
}


@pytest.mark.parametrize("damage", DEEPER)
def test_what_a_fit_keeps_besides_is_damaged(damage):
    """It is said when it is loaded, not by a KeyError in predict."""
    state = fitted("fit").__getstate__()
    SpikingClassifier().__setstate__(state)
    name, value = DEEPER[damage]
    value = value(state[name]) if callable(value) else value
    new = SpikingClassifier()
    with pytest.raises(ValueError, match=r"this state of a SpikingClassifier .* damag"):
        new.__setstate__(state | {name: value})
    assert vars(new) == vars(SpikingClassifier())


@pytest.mark.parametrize("name", ["fit", "encoder"])
def test_an_attribute_of_a_fitted_estimator_is_missing(name):
    """Each is looked for: what is half there fails at once, not at a later call."""
    state = fitted(name).__getstate__()
    assert set(fitted(name)._fitted_names) <= set(state)
    for attribute in fitted(name)._fitted_names:
        new = type(fitted(name))()
        without = {k: v for k, v in state.items() if k != attribute}
        with pytest.raises(ValueError, match=rf"damaged: it lacks \['{attribute}'\]"):
            new.__setstate__(without)
        assert not any(k.endswith("_") for k in vars(new))


def test_a_damaged_state_in_a_file(tmp_path):
    """The same message comes out of the functions that load files."""
    model = copy.deepcopy(fitted("fit"))
    del model.beta
    path = tmp_path / "model"
    joblib.dump(model, path)
    with pytest.raises(ValueError, match=r"lacks the parameters \['beta'\]"):
        joblib.load(path)
    buffer = io.BytesIO(pickle.dumps(model))
    with pytest.raises(ValueError, match=r"lacks the parameters \['beta'\]"):
        pickle.load(buffer)
