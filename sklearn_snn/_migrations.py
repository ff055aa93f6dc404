"""What became of the states that other versions saved: parameters, and migrations.

A state tells its version and the number of its format. The format rises when a state of
the present version cannot be read as it is by the version before; what brings an older
one up to date is a function in `MIGRATIONS`. A new parameter needs no new format, and
stands in `ADDED` if what it defaults to is not what versions without it did.
"""

import inspect
import re
from typing import NamedTuple

import numpy as np

from sklearn_snn._constants import frozen_constants
from sklearn_snn._model.build import initial_constants

# The format that this version writes.
FORMAT = 5


class Added(NamedTuple):
    """A parameter that a version added, and the value that stands for what was before.

    Attributes
    ----------
    version : str
        The version whose files have it.
    before : object
        With this value a model answers, and goes on learning, as it did without.
    """

    version: str
    before: object


_QUANTIZED = (
    *("estimator", "bits", "leak", "leak_bits", "fraction_bits", "membrane_bits"),
    *("input_bits", "epochs", "learning_rate_init"),
)
# The parameters of each class in the version that it came with: every file of it, and
# of later versions, has them.
_FIRST = {
    "SpikingClassifier": (
        *("hidden_layer_sizes", "alpha", "threshold", "beta", "n_steps", "surrogate"),
        *("reset", "detach_reset", "logit_scale", "solver", "learning_rate"),
        *("learning_rate_init", "power_t", "momentum", "nesterovs_momentum", "beta_1"),
        *("beta_2", "epsilon", "batch_size", "max_iter", "shuffle", "tol"),
        *("n_iter_no_change", "early_stopping", "validation_fraction", "warm_start"),
        *("class_weight", "grad_clip", "max_grad_norm", "weight_decay"),
        *("random_state", "verbose", "engine"),
    ),
    "SpikingRegressor": (
        *("hidden_layer_sizes", "neuron", "learn_neuron", "alpha", "threshold", "beta"),
        *("n_steps", "surrogate", "reset", "detach_reset", "solver", "learning_rate"),
        *("learning_rate_init", "power_t", "momentum", "nesterovs_momentum", "beta_1"),
        *("beta_2", "epsilon", "batch_size", "max_iter", "shuffle", "tol"),
        *("n_iter_no_change", "early_stopping", "validation_fraction", "warm_start"),
        *("grad_clip", "max_grad_norm", "weight_decay", "random_state", "verbose"),
        "engine",
    ),
    "PoissonSpikeEncoder": ("n_steps", "max_rate", "scaling", "random_state"),
    "LatencySpikeEncoder": ("n_steps", "law", "threshold", "tau", "scaling"),
    "PopulationSpikeEncoder": (
        *("n_neurons", "n_steps", "code", "beta", "max_rate", "scaling"),
        "random_state",
    ),
    "DeltaSpikeEncoder": ("threshold", "max_count", "initial"),
    "DelayLine": ("n_delays", "stride"),
    "ChannelTransformer": ("transformer",),
    "QuantizedSpikingClassifier": _QUANTIZED,
    "QuantizedSpikingRegressor": _QUANTIZED,
}
# Parameters that came later, by class: {"SpikingClassifier": {"name": Added(...)}}.
ADDED = {
    "SpikingClassifier": {
        "neuron": Added("0.3.0", "lif"),
        "learn_neuron": Added("0.3.0", False),
        "readout": Added("0.3.0", "spike_count"),
        "readout_alpha": Added("0.4.0", "auto"),
        "readout_start": Added("0.4.0", 0),
        "dropout": Added("0.4.0", 0.0),
        "rate_bounds": Added("0.4.0", None),
        "rate_penalty": Added("0.4.0", 100.0),
        "recurrent": Added("0.5.0", False),
        "per_step": Added("0.5.0", False),
        "bptt_steps": Added("0.5.0", None),
        "stateful": Added("0.5.0", False),
        "centering": Added("0.5.0", False),
    },
    "SpikingRegressor": {
        "readout": Added("0.4.0", "membrane_mean"),
        "readout_alpha": Added("0.4.0", "auto"),
        "readout_start": Added("0.4.0", 0),
        "dropout": Added("0.4.0", 0.0),
        "rate_bounds": Added("0.4.0", None),
        "rate_penalty": Added("0.4.0", 100.0),
        "recurrent": Added("0.5.0", False),
        "per_step": Added("0.5.0", False),
        "bptt_steps": Added("0.5.0", None),
        "stateful": Added("0.5.0", False),
        "centering": Added("0.5.0", False),
    },
    "PoissonSpikeEncoder": {},
    "LatencySpikeEncoder": {},
    "PopulationSpikeEncoder": {},
    "DeltaSpikeEncoder": {},
    "DelayLine": {},
    "ChannelTransformer": {},
    "QuantizedSpikingClassifier": {},
    "QuantizedSpikingRegressor": {},
}


def version_key(version):
    """Return what versions are ordered by; raise ValueError for what is no version."""
    numbers = re.match(r"(\d+)\.(\d+)(?:\.(\d+))?", version)
    if numbers is None:
        raise ValueError(f"{version!r} is not a version.")
    return tuple(int(n or 0) for n in numbers.groups())


def constructor_defaults(estimator_class):
    """Return the parameters of a constructor and their defaults."""
    parameters = [*inspect.signature(estimator_class.__init__).parameters.values()]
    return {p.name: p.default for p in parameters[1:]}


def defaults_before(estimator_class, version):
    """Return the parameters that a version did not have, and what stands for them.

    Parameters
    ----------
    estimator_class : type
    version : str
        An older version.

    Returns
    -------
    defaults : dict
        The value of each parameter of the constructor that files of the version lack,
        unless there is none: one without a default cannot be made up.
    """
    names = [c.__name__ for c in estimator_class.__mro__]
    first = {p for name in names for p in _FIRST.get(name, ())}
    added = {}
    for name in reversed(names):
        added |= ADDED.get(name, {})
    found = {}
    for name, default in constructor_defaults(estimator_class).items():
        since = "0.1.0" if name in first else None
        if name in added:
            since, default = added[name]
        # A parameter that is in no list is new in the present version.
        is_newer = since is None or version_key(version) < version_key(since)
        if is_newer and default is not inspect.Parameter.empty:
            found[name] = default
    return found


def migrate(state, since):
    """Bring the attributes of a state from an older format to the present one.

    Parameters
    ----------
    state : dict
        Parameters and attributes of an estimator, fitted or not; is changed.
    since : int
        Its format.
    """
    for migration in MIGRATIONS[since - 1 :]:
        migration(state)


def _to_format_2(state):
    """Freeze the constants that predictions took from the parameters until then."""
    if "coefs_" in state:
        names = "alpha", "threshold", "beta", "surrogate", "reset", "detach_reset"
        names += "n_steps", "logit_scale"
        state["_constants_"] = {name: state[name] for name in names}


def _to_format_3(state):
    """Give each neuron constants of its own, and name what there was one of."""
    if "coefs_" in state:
        params = state["_constants_"] | {"neuron": "lif", "learn_neuron": False}
        params |= {"readout": "spike_count", **_NEUTRAL, "breaks_ties": False}
        state["_constants_"] = frozen_constants(params, "cross_entropy")
        n_units = [len(b) for b in state["intercepts_"]]
        state["neuron_constants_"] = initial_constants(state["_constants_"], n_units)


# What networks did before they had these.
_NEUTRAL = {
    "readout_alpha": "auto",
    "readout_start": 0,
    "recurrent": False,
    "per_step": False,
    "bptt_steps": None,
}


def _to_format_4(state):
    """Say how outputs were read: at all steps, by neurons of the common leak, ties too.

    What came after format 3 made it of an older one is there already.
    """
    if "coefs_" in state:
        constants = state["_constants_"]
        before = {"readout_start": 0, "readout_alpha": constants["alpha"]}
        state["_constants_"] = before | {"breaks_ties": False} | constants


def _to_format_5(state):
    """Say that nothing is recurrent, per step or truncated."""
    if "coefs_" in state:
        none = {"recurrent_coefs_": [], "_recurrent_scales_": np.empty(0)}
        before = {"recurrent": False, "per_step": False, "bptt_steps": None}
        state |= none | {"_constants_": before | state["_constants_"]}


# The migration at index i leads from format i + 1 to format i + 2.
MIGRATIONS = _to_format_2, _to_format_3, _to_format_4, _to_format_5
