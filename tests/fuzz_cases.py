"""Random parameters and choices of data, which hypothesis draws.

A case is a plain record of choices, which hypothesis makes smaller; building it twice
gives the same estimator and the same data.
"""

import dataclasses
import itertools
import warnings
from fractions import Fraction

import numpy as np
import pandas as pd
from fuzz_data import HUGE, SUBNORMAL, TINY, build_input, build_labels, build_weights
from hypothesis import strategies as st
from scipy import sparse

NOT_NUMBERS = ["a", None, (), [1.0], 1j, np.nan, {}]


def _positive(*usual):
    """Return usual, extreme and bad values of a positive number."""
    extreme = [
        *(1e-3, 30.0, 1, True, np.float32(0.3), np.float16(0.5), np.longdouble(0.3)),
        *(np.float64(2), np.int8(1), np.uint64(2), Fraction(1, 3)),
        *(HUGE, TINY, SUBNORMAL, 1e30, 1e-30, 1e150, 1e-150, 10**30, 10**400),
        *(np.float32(1e38), np.longdouble("1e4000"), np.longdouble("1e-4000")),
    ]
    return usual, extreme, [0, 0.0, -1, -HUGE, np.inf, -np.inf, *NOT_NUMBERS]


def share(*usual):
    """Return usual, extreme and bad values of a number between 0 and 1."""
    extreme = [
        *(0, 1, 0.0, 1.0, True, False, np.float32(0.9), np.float16(0.5)),
        *(TINY, SUBNORMAL, 1 - 2**-53, Fraction(1, 2), np.longdouble(0.3)),
    ]
    return usual, extreme, [-0.1, 1.1, HUGE, np.inf, 10**400, *NOT_NUMBERS]


def count(*usual, extreme=()):
    """Return usual, extreme and bad values of a positive whole number."""
    extreme = [True, np.int8(2), np.uint64(1), np.int64(3), *extreme]
    return usual, extreme, [0, -1, 2.0, 1.5, False, -(10**30), np.inf, *NOT_NUMBERS]


def _either(*usual):
    """Return usual and bad values of a choice."""
    return usual, usual, [0.5, 2, -1, "none of these", b"zero", *NOT_NUMBERS]


BOOL = (True, False), (np.True_, np.False_), [2, -1, 0.5, *NOT_NUMBERS]
SEED = (
    (0, 1, 42),
    (2**32 - 1, np.int64(3), np.uint8(3), True, np.random.RandomState(3), None),
    [-1, 2**32, 10**30, 1.5, "a", (1,), np.random.default_rng(0), 1j],
)
LAYERS = (
    [(3,), (), 2, [4], (2, 3), (1,), (17,), (2, 1, 2)],
    [np.array([3]), np.array(2), np.int8(3), np.array([], int), range(2, 4), (True,)],
    [
        *(0, -1, 2.5, (0,), (2, -3), (2.5,), ((2,),), [[1, 2]], [[1], [2, 3]], "3"),
        *(None, (None,), (3, "a"), ("3",), np.nan, (np.nan,), {3}, {}, b"3", 1j),
        *(np.array([[2]]), np.array([2.0]), np.array(["3"]), np.zeros((0, 2)), (1j,)),
        *((10**13,), (3, 10**13), (10**9, 10**9)),
        *(pd.Series([3, 2]), np.array([2, 3], object), sparse.eye_array(2)),
    ],
)
CLASS_WEIGHTS = (
    [None, "balanced", {0: 1.0, 1: 2.0}, {0: 1, 1: 0.5, 2: 3}, {"a": 2, "b": 1}],
    [
        *({}, {0: 0.0, 1: 1.0}, {0: 0, 1: 0, 2: 0}, {1: 2.0}, {7: 1.0}, {True: 2}),
        *({0: HUGE, 1: 1.0}, {0: HUGE, 1: HUGE, 2: HUGE}, {0: 1.0, 1: TINY}),
        *({0: SUBNORMAL, 1: SUBNORMAL}, {0: HUGE, 1: TINY}, {0: True, 1: Fraction(1)}),
        *({0: np.float16(2), 1: 10**400}, {0: np.longdouble("1e4000"), 1: 1}),
    ],
    [
        *({0: -1.0, 1: 1.0}, {0: np.nan, 1: 1}, {0: np.inf, 1: 1}, {0: "a", 1: 1}),
        *({0: None, 1: 1}, {0: 1j, 1: 1}, {0: [1], 1: [2]}, {0: [1, 2], 1: 1}),
        *("equal", [1, 2], 1.0, [{0: 1, 1: 2}], np.ones(2), {None: 1}, {(0,): 1}),
    ],
)

BOUNDS = (
    [None, (0.1, 0.2), (0.0, 0.0), (0.3, 1)],
    [
        *([0, TINY], np.array([1, 1]), [(0.1, 0.2)], [(0.1, 0.2), (0, 1)]),
        *((True, True), (Fraction(1, 3), 1), np.array([0, 1], np.int8)),
    ],
    [
        *((0.5, 0.1), (-0.1, 1), (0, 2), (0, np.nan), (0.1,), (), [[]], "ab", 0.5),
        *((0, 10**400), (None, 1), {0.1, 0.2}, [(0, 1), (1, 0)], (0, 1j)),
    ],
)

# Of each parameter: usual values, extreme ones and such as must be refused (most of the
# time: what counts is that the outcome is one of the two that there may be).
PARAMETERS = {
    "hidden_layer_sizes": LAYERS,
    "alpha": share(0.95, 0.5, 0.0, 1.0),
    "threshold": _positive(0.6, 1.0, 0.1),
    "beta": _positive(5.0, 1.0, 20.0),
    "n_steps": count(1, 2, 5, 8, extreme=[10**13, 10**30]),
    "recurrent": BOOL,
    "bptt_steps": count(None, 2, 3, extreme=[1, 4, 10**30]),
    "stateful": BOOL,
    "surrogate": _either("sigmoid", "fast_sigmoid", "atan", "triangular"),
    "reset": _either("zero", "subtract", "none"),
    "detach_reset": ((True, False, "auto"), *BOOL[1:]),
    "logit_scale": _positive("auto", 1.0),
    "solver": _either("adam", "sgd"),
    "learning_rate": _either("constant", "cosine", "invscaling", "adaptive"),
    "learning_rate_init": _positive("auto", 0.002, 0.1),
    "power_t": _positive(0.5, 0.0, 2.0),
    "momentum": share(0.9, 0.0),
    "nesterovs_momentum": BOOL,
    "beta_1": share(0.9, 0.0),
    "beta_2": share(0.999, 0.0),
    "epsilon": _positive(1e-8),
    "batch_size": count("auto", 5, 128, extreme=[1, 3, 10**30]),
    "max_iter": count(1, 2, 3),
    "shuffle": BOOL,
    "tol": _positive(1e-4, 0.0),
    "n_iter_no_change": count(1, 10, np.inf, extreme=[10**30]),
    "early_stopping": BOOL,
    "validation_fraction": share(0.1, 0.3, 0.5),
    "warm_start": BOOL,
    "class_weight": CLASS_WEIGHTS,
    "grad_clip": _positive(None, 0.1),
    "max_grad_norm": _positive(1.0, None),
    "centering": BOOL,
    "weight_decay": _positive("auto", 0.0, 1e-3),
    "dropout": share("auto", 0.0, 0.5),
    "rate_bounds": BOUNDS,
    "rate_penalty": _positive(100.0, 0.0),
    "random_state": SEED,
    "verbose": ((False, True), (0, 1, 3), [-1, 0.5, "a", None, ()]),
    "engine": (("numpy", "numba", "auto"), ("numpy", "numba"), ["torch", 0, None, ""]),
}
SMALL = {"hidden_layer_sizes": (3,), "n_steps": 4, "max_iter": 2, "random_state": 0}
ENCODER_PARAMETERS = {
    "n_steps": count(1, 2, 8, extreme=[10**30]),
    "max_rate": share(1.0, 0.5, 0.1),
    "scaling": _either("global", "feature", None),
    "random_state": SEED,
}

DTYPES = (
    ["f8", "f4", "f8", "f4", "u1", "?", "i8"],
    ["i1", "i2", "i4", "u2", "u4", "u8", "f2", "g", ">f8", ">f4", ">i4", ">u2", "O"],
    ["c8", "c16", "U", "S", "M8[s]", "m8[s]", "V8"],
)
VALUES = (
    ["unit", "normal", "bytes", "binary"],
    [
        *("zeros", "ones", "constant column", "zero column", "one huge", "huge"),
        *("tiny", "subnormal", "wide", "1e30", "1e19", "beyond float64"),
    ],
    ["nan", "inf", "-inf", "one nan"],
)
LAYOUTS = (
    ["C"],
    ["F", "strided", "reversed", "read-only", "repeated", "unaligned", "both reversed"],
    [],
)
KINDS = (
    ["dense", "dense", "sequence", "trains", "csr"],
    [
        *("list", "csc", "coo", "csr matrix", "int64 csr", "unsorted csr", "zeros csr"),
        *("data frame", "sparse trains", "level trains", "sequence list", "lil"),
    ],
    ["1-D", "4-D", "number", "none", "text", "dict", "ragged", "masked", "matrix"],
)
# What an encoder takes, and what it does not.
TABLE_KINDS = (
    ["dense", "dense", "csr"],
    [kind for kind in KINDS[1] if "trains" not in kind and "sequence" not in kind],
    ["sequence", "trains", *KINDS[2]],
)
LABELS = (
    ["0/1", "0/1", "0/1/2", "text", "bool", "object text", "negative"],
    [
        *("list", "u1", "float", "column", "series", "category", "bytes", "int64 ends"),
        *("all different", "rare class", "read-only", "reversed", ">i4", "object int"),
    ],
    [
        *("one class", "continuous", "nan", "inf", "none", "None inside", "number"),
        *("too short", "too long", "empty", "2-D", "mixed", "dates", "complex"),
        *("sparse", "1e308", "dict", "3-D"),
    ],
)
WEIGHTS = (
    ["none", "none", "none", "ones", "random", "some zeros"],
    [
        *("huge", "tiny", "subnormal", "wide", "bool", "list", "number", "integers"),
        *("float32", "one left", "one class left", "1e38", "reversed", "object"),
    ],
    ["zeros", "negative", "nan", "inf", "too short", "2-D", "text", "complex", "dict"],
)
SIZES = (12, 9, 20), (1, 2, 3, 5, 33, 40), (0,)
WIDTHS = (3, 4, 1), (2, 7, 65), (0,)
STEPS = (4, 2, 8), (1, 3, 5), (0,)


@dataclasses.dataclass(frozen=True)
class Data:
    """Choices that X, y and weights follow from."""

    kind: str
    dtype: str
    values: str
    layout: str
    n_samples: int
    n_features: int
    n_steps: int
    labels: str
    weights: str
    seed: int

    def X(self, n_features=None):
        """Build the input."""
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return build_input(self, np.random.default_rng(self.seed), n_features)

    def y(self):
        """Build the labels."""
        return build_labels(self, np.random.default_rng(self.seed + 1))

    def sample_weight(self):
        """Build the weights of the samples."""
        return build_weights(self, np.random.default_rng(self.seed + 2))


@dataclasses.dataclass(frozen=True)
class Operation:
    """A method call; ``data=0`` is that of the case, 1 is other data."""

    method: str
    data: int = 0
    own_width: bool = True
    warm_start: object = None


@dataclasses.dataclass(frozen=True)
class Case:
    """Parameters, two sets of data, and methods called with them one by one."""

    params: dict
    data: tuple
    operations: tuple


def _weighted(pools, odd=0.15, bad=0.03):
    """Return a list in which these shares are extreme and bad values; usual ones first.

    Hypothesis makes a failing case smaller by going towards the first.
    """
    usual, extreme, bad_ones = map(list, pools)
    size = 1 + int(max(len(bad_ones) / bad, len(extreme) / odd))
    n_odd, n_bad = round(odd * size), round(bad * size)
    return [
        *_repeat(usual, size - n_odd - n_bad),
        *_repeat(extreme or usual, n_odd),
        *_repeat(bad_ones or usual, n_bad),
    ]


def _repeat(values, size):
    return [values[i % len(values)] for i in range(size)]


def pick(pools, odd=0.15, bad=0.03):
    return st.sampled_from(_weighted(pools, odd, bad))


def parameters_of(pools, most):
    """Draw values for a few of the parameters."""
    size, pairs = max(sum(map(len, pool)) for pool in pools.values()), []
    for name, pool in pools.items():
        values = _weighted(pool, 0.3, 0.04)
        values = [values[i * len(values) // (25 * size)] for i in range(25 * size)]
        pairs += [(name, value) for value in values]
    return st.lists(st.sampled_from(pairs), max_size=most).map(dict)


CHOICES = {
    "dtype": pick(DTYPES, 0.25),
    "values": pick(VALUES, 0.25),
    "layout": pick(LAYOUTS, 0.3),
    "n_samples": pick(SIZES, 0.1, 0.02),
    "n_features": pick(WIDTHS, 0.1, 0.02),
    "n_steps": pick(STEPS, 0.1, 0.02),
    "labels": pick(LABELS, 0.25),
    "weights": pick(WEIGHTS, 0.25),
    "seed": st.integers(0, 1000),
}
DATA = st.builds(Data, kind=pick(KINDS, 0.25), **CHOICES)
TABLES = st.builds(Data, kind=pick(TABLE_KINDS, 0.3, 0.06), **CHOICES)
PREDICTIONS = [
    "predict",
    "predict_proba",
    "predict_log_proba",
    "decision_function",
    "score",
]
FIRST = st.sampled_from([Operation(m) for m in ("fit", "fit", "fit", "partial_fit")])
MORE = st.sampled_from(
    [
        Operation(*choices)
        for choices in itertools.product(
            ["fit", "fit", "partial_fit", "partial_fit", *PREDICTIONS],
            [0, 1, 1],
            [False, False, True],
            [None, True, True, False],
        )
    ]
)


@st.composite
def cases_of(draw, params, data, first, more):
    operations = draw(first), *draw(more)
    other = max(operation.data for operation in operations)
    return Case(draw(params), (draw(data), draw(data) if other else None), operations)


CLASSIFIER_CASES = cases_of(
    st.builds(
        lambda engine, recurrent, params: (
            SMALL | {"engine": engine, "recurrent": recurrent} | params
        ),
        st.sampled_from(["numpy", "numba", "auto"]),
        st.booleans(),
        parameters_of(PARAMETERS, 5),
    ),
    DATA,
    FIRST,
    st.lists(MORE, max_size=2),
)
ENCODER_CASES = cases_of(
    parameters_of(ENCODER_PARAMETERS, 3).map(
        lambda params: {"random_state": 0} | params
    ),
    TABLES,
    st.just(Operation("fit")),
    st.just((Operation("transform"), Operation("transform", 1), Operation("fit", 1))),
)
