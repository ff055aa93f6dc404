"""Random choices of neurons, and of data for several labels, or numbers, at once."""

import numpy as np
from fuzz_cases import (
    CHOICES,
    DATA,
    FIRST,
    KINDS,
    MORE,
    PARAMETERS,
    SMALL,
    Data,
    cases_of,
    parameters_of,
    pick,
    share,
)
from fuzz_data import HUGE, SUBNORMAL, TINY
from hypothesis import strategies as st

from sklearn_snn._model.readouts import STATISTICS
from sklearn_snn.neurons import CUBA, LIF, AdLIF

# As in fuzz_cases: usual values, extreme ones, and such as must be refused.
LEAKS = (
    [0.9, (0.5, 0.95), None],
    [0, 1, 0.0, (0.0, 0.99), (0.9, 0.1), [TINY, 1 - 2**-53], np.array([0.5, 0.6])],
    [-0.1, 1.1, (0.5, 1.0), (0.5,), (0.1, 0.2, 0.3), "a", np.nan, (0.5, np.inf), {}],
)
STRENGTHS = ([0.0, 1.0, (0.0, 2.0)], [TINY, HUGE, 1e30, (HUGE, 0), 3], [-1, None, "a"])
THRESHOLDS = (
    [None, 0.6, (0.3, 0.9)],
    [TINY, HUGE, SUBNORMAL, (1e-30, 1e30), [0.5, 0.5], np.float32(0.5)],
    [0, -1, (0.5, 0), np.inf, np.nan, "a", (1, 2, 3)],
)
NEURONS = {
    "neuron": (
        ["lif", "adlif", "cuba", LIF(alpha=(0.5, 0.95)), AdLIF(), CUBA()],
        [
            *(LIF(a) for a in [*LEAKS[0], *LEAKS[1]]),
            *(LIF(threshold=t) for t in [*THRESHOLDS[0], *THRESHOLDS[1]]),
            *(AdLIF(alpha=a) for a in [*LEAKS[0], *LEAKS[1]]),
            *(AdLIF(rho=a) for a in LEAKS[1]),
            *(AdLIF(a=a, b=1) for a in [*STRENGTHS[0], *STRENGTHS[1]]),
            *(AdLIF(b=b, q=1) for b in [*STRENGTHS[0], *STRENGTHS[1]]),
            *(AdLIF(q=q) for q in (1, 1e-3, TINY, HUGE)),
            *(CUBA(alpha=a) for a in [*LEAKS[0], *LEAKS[1]]),
            *(CUBA(alpha_syn=a) for a in LEAKS[1]),
        ],
        [
            *(LIF(a) for a in LEAKS[2]),
            *(LIF(threshold=t) for t in THRESHOLDS[2]),
            *(AdLIF(rho=a) for a in LEAKS[2]),
            *(AdLIF(a=a) for a in STRENGTHS[2]),
            *(CUBA(alpha_syn=a) for a in [*LEAKS[2], None]),
            *(AdLIF(q=(1, 2)), AdLIF(q=0), LIF, "izhikevich", None, 3, {}),
        ],
    ),
    "learn_neuron": (
        [False, True, "alpha", ["alpha", "threshold"]],
        [
            "threshold",
            ["rho"],
            "alpha_syn",
            ("a", "b"),
            [],
            np.array(["alpha"]),
            np.True_,
        ],
        ["beta", ["alpha", 3], None, 2, [None], {"gamma": 1}, ""],
    ),
    "readout": (sorted(STATISTICS), [], [None, "last", 0]),
    "readout_alpha": share("auto", 0.5, 0.95, 0.0, 1.0),
    "readout_start": (
        [0, 1, 4],
        [7, np.int8(2), True, 10**13],
        [-1, 1.5, None, "auto", np.nan],
    ),
}
LABELS = (
    ["2-D", "random labels"],
    ["labels as floats", "labels as bools", "no labels", "sparse labels", "twice 0/1"],
    ["1 and 2", "signs", "numbers", "3-D", "too long", "continuous"],
)
NUMBERS = (
    ["continuous", "numbers", "0/1", "column", "1e308", "series", "float", "u1"],
    [
        *("constant", "tiny numbers", "huge numbers", "one huge number", "far away"),
        *("2-D", "list", "bool", "read-only", "reversed", ">i4", "object int"),
    ],
    ["nan", "inf", "none", "too short", "too long", "3-D", "dates", "complex", "text"],
)

STEP_LABELS = (
    ["steps 0/1", "steps 0/1/2", "steps several"],
    ["steps text", "steps lists", "steps column", "steps numbers"],
    ["steps one class", "steps nan", "steps too short", "steps too long", "0/1"],
)
STEP_NUMBERS = (
    ["steps numbers", "steps several numbers"],
    ["steps 0/1/2", "steps lists", "steps column"],
    ["steps nan", "steps too short", "steps too long", "continuous", "steps text"],
)
STEP_KINDS = ["sequence", "trains"], ["sequence list", "level trains"], ["dense", "4-D"]


def data_with(labels, kinds=KINDS):
    """Draw data whose y is of some kinds."""
    return st.builds(Data, kind=pick(kinds, 0.25), **CHOICES | {"labels": labels})


def params_of(neurons, others, **fixed):
    """Draw parameters of neurons, and a few others."""
    return st.builds(
        lambda recurrent, *params: (
            SMALL
            | {"engine": "numpy", "recurrent": recurrent, **fixed}
            | params[0]
            | params[1]
        ),
        st.booleans(),
        parameters_of(neurons, 3),
        parameters_of(others, 2),
    )


def without(parameters, *names):
    return {k: v for k, v in parameters.items() if k not in names}


NEURON_CASES = cases_of(
    params_of(NEURONS, PARAMETERS),
    st.one_of(DATA, data_with(pick(LABELS, 0.3))),
    FIRST,
    st.lists(MORE, max_size=2),
)
OF_NUMBERS = (
    sorted({*STATISTICS} - {"softmax_mean"}),
    [],
    [None, "last", "softmax_mean"],
)
STEP_CASES = cases_of(
    params_of(NEURONS, PARAMETERS, per_step=True),
    data_with(pick(STEP_LABELS, 0.3), STEP_KINDS),
    FIRST,
    st.lists(MORE, max_size=2),
)
_METHODS = "fit", "partial_fit", "predict", "score"
REGRESSOR_CASES = cases_of(
    params_of(
        NEURONS | {"readout": OF_NUMBERS},
        without(PARAMETERS, "logit_scale", "class_weight"),
    ),
    data_with(pick(NUMBERS, 0.3)),
    FIRST,
    st.lists(MORE.filter(lambda operation: operation.method in _METHODS), max_size=2),
)
STEP_REGRESSOR_CASES = cases_of(
    params_of(
        NEURONS | {"readout": OF_NUMBERS},
        without(PARAMETERS, "logit_scale", "class_weight"),
        per_step=True,
    ),
    data_with(pick(STEP_NUMBERS, 0.3), STEP_KINDS),
    FIRST,
    st.lists(MORE.filter(lambda operation: operation.method in _METHODS), max_size=2),
)
