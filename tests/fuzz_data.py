"""What the fuzz tests feed: input, labels and weights, usual ones and others."""

import numpy as np
import pandas as pd
from scipy import sparse

from sklearn_snn import SpikeTrains

HUGE, TINY, SUBNORMAL = 1e308, 1e-308, 5e-324


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


def build_input(data, rng, n_features):
    """Build the input that was chosen, as it is or with another width."""
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


def build_labels(data, rng):
    """Build the labels that were chosen."""
    n = data.n_samples
    y = np.arange(n) % 2
    rng.shuffle(y)
    if data.labels.startswith("steps"):
        return _labels_of_steps(data, rng)
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
        case "random labels":
            return rng.integers(0, 2, (n, 3))
        case "labels as floats" | "labels as bools" | "no labels":
            share = 0.0 if data.labels == "no labels" else 0.5
            kind = {"labels as floats": float, "labels as bools": bool}
            return (rng.random((n, 2)) < share).astype(kind.get(data.labels, int))
        case "sparse labels":
            return sparse.csr_array(rng.integers(0, 2, (n, 4)))
        case "twice 0/1":
            return np.column_stack([y, y])
        case "1 and 2" | "signs":
            pair = {"1 and 2": (1, 2), "signs": (-1, 1)}[data.labels]
            return np.where(rng.random((n, 3)) < 0.5, *pair)
        case "numbers":
            return rng.normal(size=(n, 2)) * [1, 1e6] + [0, 1e3]
        case "constant":
            return np.full(n, 0.1)
        case "tiny numbers" | "huge numbers":
            return rng.normal(size=n) * {"t": TINY, "h": HUGE / 8}[data.labels[0]]
        case "one huge number":
            return np.where(np.arange(n) == 0, HUGE, rng.random(n))
        case "far away":
            return 1e12 + rng.random(n)
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


def _labels_of_steps(data, rng):
    """Build labels, or numbers, of each step."""
    kind = data.labels.removeprefix("steps ")
    n_steps = data.n_steps + {"too short": -1, "too long": 1}.get(kind, 0)
    shape = data.n_samples, max(n_steps, 0)
    if kind in ("numbers", "several numbers"):
        return rng.normal(size=shape + (2,) * (kind != "numbers")) * 1e3
    y = rng.integers(0, 3 if kind == "0/1/2" else 2, shape)
    match kind:
        case "text":
            return np.array(["a", "b"])[y]
        case "lists":
            return y.tolist()
        case "several":
            return rng.integers(0, 2, (*shape, 3))
        case "column":
            return y[..., np.newaxis]
        case "one class":
            return np.zeros_like(y)
        case "nan":
            return np.where(y, np.nan, 0.0)
    return y


def build_weights(data, rng):
    """Build the weights of the samples that were chosen."""
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
            labels = build_labels(data, np.random.default_rng(data.seed + 1))
            if sparse.issparse(labels):
                labels = labels.toarray()
            labels = np.resize(np.asarray(labels, object), n)  # there may be too few
            return np.where(labels == 0, w, 0.0)
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
