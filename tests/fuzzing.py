"""Random parameters and data, and what must hold whatever they are.

A case is a plain record of choices, which hypothesis draws and makes smaller; building
it twice gives the same estimator and the same data. Either all works, and gives finite
numbers and the same bits each time, or there is a ValueError or TypeError and the
estimator is as it was before.
"""

import contextlib
import copy
import dataclasses
import io
import itertools
import re
import warnings
from fractions import Fraction

import numpy as np
import pandas as pd
from hypothesis import strategies as st
from scipy import sparse
from sklearn.exceptions import (
    ConvergenceWarning,
    DataConversionWarning,
    UndefinedMetricWarning,
)

from sklearn_snn import PoissonSpikeEncoder, SpikeTrains, SpikingClassifier
from sklearn_snn.exceptions import DeadNeuronWarning

HUGE, TINY, SUBNORMAL = 1e308, 1e-308, 5e-324
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


def _share(*usual):
    """Return usual, extreme and bad values of a number between 0 and 1."""
    extreme = [
        *(0, 1, 0.0, 1.0, True, False, np.float32(0.9), np.float16(0.5)),
        *(TINY, SUBNORMAL, 1 - 2**-53, Fraction(1, 2), np.longdouble(0.3)),
    ]
    return usual, extreme, [-0.1, 1.1, HUGE, np.inf, 10**400, *NOT_NUMBERS]


def _count(*usual, extreme=()):
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

# Of each parameter: usual values, extreme ones and such as must be refused (most of the
# time: what counts is that the outcome is one of the two that there may be).
PARAMETERS = {
    "hidden_layer_sizes": LAYERS,
    "alpha": _share(0.95, 0.5, 0.0, 1.0),
    "threshold": _positive(0.6, 1.0, 0.1),
    "beta": _positive(5.0, 1.0, 20.0),
    "n_steps": _count(1, 2, 5, 8),
    "surrogate": _either("sigmoid", "fast_sigmoid", "atan", "triangular"),
    "reset": _either("zero", "subtract", "none"),
    "detach_reset": ((True, False, "auto"), *BOOL[1:]),
    "logit_scale": _positive("auto", 1.0),
    "solver": _either("adam", "sgd"),
    "learning_rate": _either("constant", "cosine", "invscaling", "adaptive"),
    "learning_rate_init": _positive(0.002, 0.1),
    "power_t": _positive(0.5, 0.0, 2.0),
    "momentum": _share(0.9, 0.0),
    "nesterovs_momentum": BOOL,
    "beta_1": _share(0.9, 0.0),
    "beta_2": _share(0.999, 0.0),
    "epsilon": _positive(1e-8),
    "batch_size": _count("auto", 5, 128, extreme=[1, 3, 10**30]),
    "max_iter": _count(1, 2, 3),
    "shuffle": BOOL,
    "tol": _positive(1e-4, 0.0),
    "n_iter_no_change": _count(1, 10, np.inf, extreme=[10**30]),
    "early_stopping": BOOL,
    "validation_fraction": _share(0.1, 0.3, 0.5),
    "warm_start": BOOL,
    "class_weight": CLASS_WEIGHTS,
    "grad_clip": _positive(None, 0.1),
    "max_grad_norm": _positive(1.0, None),
    "weight_decay": _positive(0.0, 1e-3),
    "random_state": SEED,
    "verbose": ((False, True), (0, 1, 3), [-1, 0.5, "a", None, ()]),
    "engine": (("numpy", "numba", "auto"), ("numpy", "numba"), ["torch", 0, None, ""]),
}
SMALL = {"hidden_layer_sizes": (3,), "n_steps": 4, "max_iter": 2, "random_state": 0}
ENCODER_PARAMETERS = {
    "n_steps": _count(1, 2, 8, extreme=[10**30]),
    "max_rate": _share(1.0, 0.5, 0.1),
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
            return _build_input(self, np.random.default_rng(self.seed), n_features)

    def y(self):
        """Build the labels."""
        return _build_labels(self, np.random.default_rng(self.seed + 1))

    def sample_weight(self):
        """Build the weights of the samples."""
        return _build_weights(self, np.random.default_rng(self.seed + 2))


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


def _pick(pools, odd=0.15, bad=0.03):
    return st.sampled_from(_weighted(pools, odd, bad))


def _parameters(pools, most):
    """Draw values for a few of the parameters."""
    size, pairs = max(sum(map(len, pool)) for pool in pools.values()), []
    for name, pool in pools.items():
        values = _weighted(pool, 0.3, 0.04)
        values = [values[i * len(values) // (25 * size)] for i in range(25 * size)]
        pairs += [(name, value) for value in values]
    return st.lists(st.sampled_from(pairs), max_size=most).map(dict)


_DATA = {
    "dtype": _pick(DTYPES, 0.25),
    "values": _pick(VALUES, 0.25),
    "layout": _pick(LAYOUTS, 0.3),
    "n_samples": _pick(SIZES, 0.1, 0.02),
    "n_features": _pick(WIDTHS, 0.1, 0.02),
    "n_steps": _pick(STEPS, 0.1, 0.02),
    "labels": _pick(LABELS, 0.25),
    "weights": _pick(WEIGHTS, 0.25),
    "seed": st.integers(0, 1000),
}
DATA = st.builds(Data, kind=_pick(KINDS, 0.25), **_DATA)
TABLES = st.builds(Data, kind=_pick(TABLE_KINDS, 0.3, 0.06), **_DATA)
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
def _cases(draw, params, data, first, more):
    operations = draw(first), *draw(more)
    other = max(operation.data for operation in operations)
    return Case(draw(params), (draw(data), draw(data) if other else None), operations)


CLASSIFIER_CASES = _cases(
    st.builds(
        lambda engine, params: SMALL | {"engine": engine} | params,
        st.sampled_from(["numpy", "numba", "auto"]),
        _parameters(PARAMETERS, 5),
    ),
    DATA,
    FIRST,
    st.lists(MORE, max_size=2),
)
ENCODER_CASES = _cases(
    _parameters(ENCODER_PARAMETERS, 3).map(lambda params: {"random_state": 0} | params),
    TABLES,
    st.just(Operation("fit")),
    st.just((Operation("transform"), Operation("transform", 1), Operation("fit", 1))),
)


def _numbers(values, shape, rng):
    """Return an array of float64, or longdouble, numbers of some kind."""
    x = rng.random(shape)
    place = tuple(n // 2 for n in shape)
    match values:
        case "normal":
            x = rng.standard_normal(shape)
        case "bytes":
            x = np.floor(256 * x)
        case "binary":
            x = np.floor(2 * x)
        case "zeros" | "ones":
            x = np.full(shape, float(values == "ones"))
        case "constant column" | "zero column":
            x[..., -1:] = values == "constant column"
        case "huge":
            x = HUGE * (2 * x - 1)
        case "tiny":
            x = TINY * x
        case "subnormal":
            x = SUBNORMAL * np.floor(4 * x)
        case "wide":
            x = (2 * x - 1) * 10.0 ** rng.integers(-300, 300, shape)
        case "1e30" | "1e19":
            x = x * float(values)
        case "beyond float64":
            x = x * np.longdouble("1e4000")
        case "nan" | "inf" | "-inf":
            x = np.where(x < 0.3, float(values), x)
        case "one huge" | "one nan" if x.size:
            x[place] = HUGE if values == "one huge" else np.nan
    return x


def _convert(x, dtype):
    """Return an array of another type; whole numbers are wrapped into its range."""
    kind = np.dtype(dtype).kind
    if kind in "iuMm":
        x = np.nan_to_num(x.astype(float)).clip(-1e18, 1e18).astype("i8")
        return x.astype("u8" if kind == "u" else "i8").astype(dtype)
    if kind == "V":
        return np.zeros(x.shape, dtype)
    return x.astype(dtype)


def _lay_out(x, layout):
    """Return the same numbers, laid out otherwise in memory."""
    if not x.ndim:
        return x
    match layout:
        case "F":
            return np.asfortranarray(x)
        case "strided":
            return np.repeat(x, 2, axis=-1)[..., ::2]
        case "reversed":
            return x[::-1].copy()[::-1]
        case "both reversed":
            return x[::-1, ..., ::-1].copy()[::-1, ..., ::-1] if x.ndim > 1 else x
        case "read-only":
            x.flags.writeable = False
        case "repeated":
            return np.broadcast_to(x[:1], x.shape)
        case "unaligned" if x.dtype != object and x.size:
            buffer = np.empty(x.nbytes + 1, "u1")[1:]
            other = buffer.view(x.dtype).reshape(x.shape)
            other[...] = x
            return other
    return x


def _build_input(data, rng, n_features):
    n, t, d = data.n_samples, data.n_steps, data.n_features
    d = d if n_features is None else n_features
    kind = data.kind
    if kind in ("number", "none", "text", "dict", "ragged"):
        return {
            "number": 5.0,
            "none": None,
            "text": "spikes",
            "dict": {0: [1, 2]},
            "ragged": [[1.0], [2.0, 3.0]],
        }[kind]
    shape = {"1-D": (n,), "4-D": (n, t, d, 2)}.get(kind, (n, d))
    if kind.startswith("sequence"):
        shape = n, t, d
    x = _numbers(data.values, shape, rng)
    if kind.endswith("trains"):
        rates = np.nan_to_num(np.abs(x).astype(np.float64)).clip(0, 1)
        if kind == "level trains":
            codes, levels = np.floor(255 * rates).astype("u1"), np.linspace(0, 1, 256)
            return SpikeTrains(codes, max(t, 1), levels=levels, seed=data.seed)
        if kind == "sparse trains":
            rates = sparse.csr_array(rates * (rates > 0.5))
        return SpikeTrains(rates, max(t, 1), seed=data.seed)
    x = _lay_out(_convert(x, data.dtype), data.layout)
    match kind:
        case "list" | "sequence list":
            return x.tolist()
        case "data frame":
            names = [f"f{j}" for j in range(d)] if data.seed % 2 else None
            x = x if x.dtype.kind != "V" else x.astype(object)
            return pd.DataFrame(x if x.dtype.isnative else x.astype("f8"), None, names)
        case "masked":
            return np.ma.masked_array(x, mask=rng.random(x.shape) < 0.2)
        case "matrix":
            return np.asmatrix(x)
        case "csr" | "csc" | "coo" | "lil" | "csr matrix":
            return _sparse(x, kind)
        case "int64 csr" | "unsorted csr" | "zeros csr":
            return _odd_sparse(x, kind)
    return x


def _sparse(x, kind):
    """Return a sparse array, or x itself if there is none of its type."""
    make = {
        "csr": sparse.csr_array,
        "csc": sparse.csc_array,
        "coo": sparse.coo_array,
        "lil": sparse.lil_array,
        "csr matrix": sparse.csr_matrix,
    }[kind]
    try:
        return make(x)
    except (ValueError, TypeError):
        return x


def _odd_sparse(x, kind):
    """Return a CSR array with 64-bit indices, in disorder and twice, or with zeros."""
    array = _sparse(x, "csr")
    if not sparse.issparse(array):
        return x
    if kind == "int64 csr":
        array.indices = array.indices.astype(np.int64)
        array.indptr = array.indptr.astype(np.int64)
    elif kind == "zeros csr":
        array.data[::2] = 0
    else:
        # Each row is followed by itself in reverse: every entry is there twice.
        rows = [slice(*ends) for ends in zip(array.indptr, array.indptr[1:])]  # noqa: B905
        index = np.concatenate(
            [np.r_[r.start : r.stop, r.start : r.stop][::-1] for r in rows]
            or [np.empty(0, int)]
        ).astype(int)
        array = sparse.csr_array(
            (array.data[index], array.indices[index], 2 * array.indptr), array.shape
        )
    return array


def _build_labels(data, rng):
    n = data.n_samples
    y = np.arange(n) % 2
    rng.shuffle(y)
    match data.labels:
        case "0/1/2":
            return rng.permutation(np.arange(n) % 3)
        case "text":
            return np.array(["a", "b"])[y]
        case "object text":
            return np.array(["a", "b"], object)[y]
        case "object int":
            return y.astype(object)
        case "bytes":
            return np.array([b"a", b"b"])[y]
        case "bool":
            return y.astype(bool)
        case "negative":
            return 1 - 2 * y
        case "list" | "series" | "category":
            if data.labels == "list":
                return y.tolist()
            return pd.Series(y, dtype="category" if data.labels == "category" else None)
        case "u1" | ">i4" | "float" | "complex":
            return y.astype(data.labels)
        case "column":
            return y[:, np.newaxis]
        case "int64 ends":
            return np.array([-(2**63), 2**63 - 1])[y]
        case "all different":
            return rng.permutation(n)
        case "rare class":
            return (np.arange(n) == 0).astype(int)
        case "read-only":
            y.flags.writeable = False
        case "reversed":
            return y[::-1]
        case "one class":
            return np.zeros(n, int)
        case "continuous":
            return rng.random(n)
        case "nan" | "inf":
            return np.where(y, float(data.labels), 0.0)
        case "1e308":
            return y * HUGE
        case "none":
            return None
        case "None inside":
            return np.where(y, "a", None)
        case "number":
            return 3
        case "too short" | "too long" | "empty":
            sizes = {"too short": max(n - 1, 0), "too long": n + 1, "empty": 0}
            return np.arange(sizes[data.labels]) % 2
        case "2-D":
            return np.eye(max(n, 1), 3, dtype=int)[:n]
        case "3-D":
            return y[:, np.newaxis, np.newaxis]
        case "mixed":
            return np.array([1, "a"], object)[y]
        case "dates":
            return y.astype("M8[D]")
        case "sparse":
            return sparse.csr_array(y[:, np.newaxis])
        case "dict":
            return {0: 1}
    return y


def _build_weights(data, rng):
    n = data.n_samples
    w = rng.random(n) + 0.1
    odd = np.arange(n) % 2 == 1
    match data.weights:
        case "none":
            return None
        case "ones":
            return np.ones(n)
        case "some zeros":
            return np.where(rng.random(n) < 0.2, 0, w)
        case "zeros":
            return np.zeros(n)
        case "negative" | "nan" | "inf":
            bad = {"negative": -1.0}.get(data.weights) or float(data.weights)
            return np.where(odd, bad, w)
        case "huge" | "tiny" | "subnormal" | "1e38":
            known = {"huge": HUGE, "tiny": TINY, "subnormal": SUBNORMAL, "1e38": 1e38}
            return np.full(n, known[data.weights])
        case "wide":
            return 10.0 ** rng.integers(-300, 300, n)
        case "bool":
            return w > 0.2
        case "integers":
            return rng.integers(0, 4, n)
        case "float32":
            return w.astype("f4")
        case "object":
            return w.astype(object)
        case "list":
            return w.tolist()
        case "number":
            return 2.0
        case "reversed":
            return w[::-1]
        case "one left":
            return (np.arange(n) == 0).astype(float)
        case "one class left":
            labels = _build_labels(data, np.random.default_rng(data.seed + 1))
            return np.where(np.asarray(labels, object).ravel()[:n] == 0, w, 0.0)
        case "too short":
            return w[1:]
        case "2-D":
            return w[:, np.newaxis]
        case "text":
            return np.full(n, "a")
        case "complex":
            return w + 1j
        case "dict":
            return {0: 1.0}
    return w


# Warnings that may be shown; those of scikit-learn are told by what they say.
_WARNINGS = (
    ConvergenceWarning,
    DeadNeuronWarning,
    DataConversionWarning,
    UndefinedMetricWarning,
    FutureWarning,
)
_MESSAGES = re.compile(
    "number of unique classes is greater than 50%|least populated class"
    "|feature names|y_pred contains classes not in y_true"
)


def fitted_attributes(estimator):
    """Return what a fit leaves, copied."""
    attributes = {k: v for k, v in vars(estimator).items() if k.endswith("_")}
    return copy.deepcopy(attributes)


def fingerprint(value):
    """Return something that is equal for values that are the same to the bit."""
    if isinstance(value, dict):
        return {name: fingerprint(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [fingerprint(item) for item in value]
    if isinstance(value, np.ma.MaskedArray):
        return fingerprint([value.data, value.mask])
    if isinstance(value, np.ndarray):
        # The bytes of objects are addresses, and those of longdouble have gaps.
        has_bytes = value.dtype.kind != "O" and value.dtype.char not in "gG"
        items = value.tobytes() if has_bytes else repr(list(value.flat))
        return value.shape, value.dtype, items
    if sparse.issparse(value):
        if value.format == "lil":
            value = value.tocsr()
        names = ("indptr", "indices", "coords", "data")
        parts = {k: getattr(value, k) for k in names if hasattr(value, k)}
        return value.shape, fingerprint(parts)
    if isinstance(value, SpikeTrains):
        return fingerprint(vars(value))
    if isinstance(value, pd.DataFrame | pd.Series):
        return value.to_csv()
    return repr(value)


@contextlib.contextmanager
def only_known_warnings():
    """Fail if a warning is shown that says nothing to the user."""
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        yield
    for warning in shown:
        known = issubclass(warning.category, _WARNINGS)
        if not known and not _MESSAGES.search(str(warning.message)):
            raise AssertionError(
                f"{warning.category.__name__}: {warning.message} "
                f"({warning.filename}:{warning.lineno})"
            )


def attempt(function, *args, **kwargs):
    """Call; return the result and None, or None and the error that there may be."""
    with only_known_warnings(), contextlib.redirect_stdout(io.StringIO()):
        try:
            return function(*args, **kwargs), None
        except (ValueError, TypeError) as error:
            assert str(error).strip(), "an error says what is wrong"
            return None, error


def check_classifier(estimator, X):
    """Check a fitted classifier, and what it says of data that it must accept."""
    arrays = [*estimator.coefs_, *estimator.intercepts_]
    assert all(np.isfinite(array).all() for array in arrays), "weights are finite"
    answers = {}
    for method in PREDICTIONS[:-1]:
        answers[method], error = attempt(getattr(estimator, method), X)
        if error is not None:
            raise AssertionError(f"{method} of the data of a fit failed") from error
        check_answer(estimator, method, answers[method])
    return answers


def check_answer(estimator, method, answer):
    """Check that predictions make sense."""
    match method:
        case "predict":
            assert np.isin(answer, estimator.classes_).all(), "labels are known"
        case "predict_proba":
            assert answer.shape[1] == len(estimator.classes_)
            assert np.isfinite(answer).all(), "probabilities are finite"
            assert (answer >= 0).all()
            np.testing.assert_allclose(answer.sum(axis=1), 1, atol=1e-5)
        case "predict_log_proba":
            assert not np.isnan(answer).any() and (answer <= 0).all()
        case "decision_function":
            assert np.isfinite(answer).all(), "logits are finite"
        case "score":
            assert 0 <= answer <= 1 + 1e-9


def run_classifier(case, event=lambda text: None):
    """Run a case; return fingerprints of all that came of it."""
    estimator = SpikingClassifier(**copy.deepcopy(case.params))
    record = []
    for operation in case.operations:
        outcome = _operate(estimator, case, operation)
        event(f"{operation.method}: {outcome[0]}")
        record.append(outcome)
    return record


def _operate(estimator, case, operation):
    data = case.data[operation.data]
    width = None if operation.own_width else case.data[0].n_features
    X, y, weights = data.X(width), data.y(), data.sample_weight()
    if operation.warm_start is not None:
        estimator.set_params(warm_start=operation.warm_start)
    arguments = (X,)
    keywords = {}
    if operation.method in ("fit", "partial_fit", "score"):
        arguments, keywords = (X, y), {"sample_weight": weights}
    if operation.method == "partial_fit" and not hasattr(estimator, "classes_"):
        with contextlib.suppress(Exception):
            keywords["classes"] = np.unique(y)
    before, given = fitted_attributes(estimator), fingerprint([X, y, weights])
    params = fingerprint(_without_generator(estimator.get_params()))
    result, error = attempt(
        getattr(estimator, operation.method), *arguments, **keywords
    )
    after = fitted_attributes(estimator)
    assert fingerprint([X, y, weights]) == given, "data are left as they are"
    now = fingerprint(_without_generator(estimator.get_params()))
    assert now == params, "parameters are left as they are"
    is_fit = operation.method in ("fit", "partial_fit")
    if error is None and is_fit:
        assert result is estimator
        return "succeeds", fingerprint([after, check_classifier(estimator, X)])
    if error is None:
        check_answer(estimator, operation.method, result)
        assert fingerprint(after) == fingerprint(before)
        return "succeeds", fingerprint(result)
    if operation.method == "fit" and "training has diverged" in str(error):
        # The last complete epoch, or all as it was.
        if fingerprint(after) != fingerprint(before):
            check_classifier(estimator, X)
        return "diverges", fingerprint(after)
    assert fingerprint(after) == fingerprint(before), "a failure leaves no trace"
    return "fails", type(error).__name__


def _without_generator(params):
    """Leave out a RandomState, which a fit draws from."""
    return {k: v for k, v in params.items() if k != "random_state"}


def is_repeatable(case):
    """Tell whether all that is random follows from a seed."""
    return case.params.get("random_state", 0) is not None


def run_encoder(case, event=lambda text: None):
    """Fit an encoder and transform the same data, and others with it."""
    encoder = PoissonSpikeEncoder(**copy.deepcopy(case.params))
    X, other = (data.X() for data in case.data)
    given = fingerprint([X, other])
    _, error = attempt(encoder.fit, X)
    event(f"fit: {'succeeds' if error is None else 'fails'}")
    if error is not None:
        assert not fitted_attributes(encoder), "a failure leaves no trace"
        return ["fails", type(error).__name__]
    state = fingerprint(fitted_attributes(encoder))
    assert np.isfinite(encoder.data_min_).all() and np.isfinite(encoder.data_max_).all()
    trains, error = attempt(encoder.transform, X)
    if error is not None:
        raise AssertionError("transform of the data of a fit failed") from error
    record = [state, check_trains(trains, X)]
    trains, error = attempt(encoder.transform, other)
    event(f"transform of other data: {'succeeds' if error is None else 'fails'}")
    record.append("fails" if error is not None else check_trains(trains, other))
    _, error = attempt(encoder.fit, other)
    if error is not None:
        now = fingerprint(fitted_attributes(encoder))
        assert now == state, "a failure leaves no trace"
    assert fingerprint([X, other]) == given, "data are left as they are"
    return record


def check_trains(trains, X):
    """Check spike trains, and return their fingerprint."""
    assert isinstance(trains, SpikeTrains)
    n_samples = X.shape[0] if hasattr(X, "shape") else len(X)
    assert trains.shape[0] == n_samples
    if trains.n_steps > 10:
        return fingerprint(trains)
    spikes = np.asarray(trains)
    assert spikes.shape == trains.shape and spikes.dtype == np.uint8
    assert np.isin(spikes, (0, 1)).all()
    return fingerprint([trains, spikes])
