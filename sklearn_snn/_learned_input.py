"""What an estimator learned from, in a few numbers, and whether new input is like it.

A value is *far outside* if it leaves the range of its feature by more than a quarter of
that range. Ordinary new data does so rarely, whatever its distribution; data that was
scaled otherwise does so throughout, or, if it became smaller, does not even reach what
the weakest sample reached. All that is kept are extremes and counts, which later parts
of a stream can be added to in any order.
"""

from typing import NamedTuple

import numpy as np
from scipy import sparse
from sklearn.utils import gen_batches
from sklearn.utils.sparsefuncs import min_max_axis

from sklearn_snn._spike_trains import SpikeTrains
from sklearn_snn._unscaled import FEWEST, namer, warn_of_spread
from sklearn_snn._warnings import warn_user
from sklearn_snn.exceptions import InputMismatchWarning

# A value may leave the range of its feature by this share of it.
_MARGIN = 0.25
# Fewer values than this may be chance in a single row, and fewer rows in a feature.
_FEWEST_VALUES, _FEWEST_ROWS = 3, 10
# What is below this share of the weakest sample hardly reaches the network.
_WEAK = 0.25
# How many values are looked at at a time.
_VALUES = 2**18


class Extent(NamedTuple):
    """The extremes of an input.

    Attributes
    ----------
    low, high : ndarrays of float64 of shape (n_features,)
    weakest : float
        The smallest, over all samples that are not zero throughout, of a sample's
        largest absolute value; infinite if there are none.
    faintest : float
        The same of a sample's sum of absolute values.
    """

    low: np.ndarray
    high: np.ndarray
    weakest: float
    faintest: float


def parts(X):
    """Cut an input into parts of a few hundred thousand values, dense ones as tables.

    Parameters
    ----------
    X : ndarray of shape (n_samples, n_features) or (n_samples, n_steps, n_features), \
            or CSR array of the former

    Yields
    ------
    rows : slice
        The samples.
    part : ndarray or CSR array of shape (n_rows, n_features)
        All steps of theirs.
    """
    per_sample = X.nnz // X.shape[0] if sparse.issparse(X) else X[0].size
    for rows in gen_batches(X.shape[0], max(1, _VALUES // max(1, per_sample))):
        part = X[rows]
        yield rows, part if X.ndim == 2 else part.reshape(-1, X.shape[2])


@np.errstate(over="ignore")
def extent(X, present=None):
    """Return the Extent of an input.

    Parameters
    ----------
    X : ndarray or CSR array
        See `parts`.
    present : ndarray of bool of shape (n_samples,), default=None
        The samples that count; at least one does.

    Returns
    -------
    extent : Extent
    """
    extents = []
    for rows, part in parts(X):
        n_samples = rows.stop - rows.start
        if present is not None and not present[rows].all():
            keep, n_samples = present[rows], np.count_nonzero(present[rows])
            if n_samples == 0:
                continue
            part = part[np.repeat(keep, part.shape[0] // len(keep))]
        by_row = np.maximum(*map(np.abs, _limits(part, axis=1)))
        by_sample = by_row.reshape(n_samples, -1).max(axis=1), _sums(part, n_samples)
        weakest, faintest = (x[x > 0].min(initial=np.inf) for x in by_sample)
        extents.append(Extent(*_limits(part, axis=0), float(weakest), float(faintest)))
    return _union(extents)


def _union(extents):
    low, high, weakest, faintest = zip(*extents, strict=True)
    limits = np.min(low, axis=0), np.max(high, axis=0)
    return Extent(*limits, min(weakest), min(faintest))


def _sums(part, n_samples):
    """Return the sum of the absolute values of each sample."""
    sizes = abs(part.astype(np.float64))  # of -128, an 8-bit integer has none
    return np.asarray(sizes.sum(axis=1)).reshape(n_samples, -1).sum(axis=1)


def _limits(part, axis):
    """Return least and largest along an axis, as float64."""
    if sparse.issparse(part):
        limits = min_max_axis(part, axis=axis)
    else:
        limits = part.min(axis=axis), part.max(axis=axis)
    return [limit.astype(np.float64) for limit in limits]


@np.errstate(over="ignore")
def mismatch(X, learned, names, scale):
    """Say how values are unlike those that were learned from.

    Parameters
    ----------
    X : ndarray or CSR array
        See `parts`.
    learned : Extent
        Its limits may also be numbers, for all features alike.
    names : callable
        Makes a name of a feature's index.
    scale : str
        What to do about it.

    Returns
    -------
    message : str or None
    """
    width = np.broadcast_to(learned.high - learned.low, X.shape[-1:])
    size = np.maximum(np.abs(learned.low), np.abs(learned.high))
    margin = np.maximum(_MARGIN * width, 1e-6 * size)
    # Of what was constant nobody knows how far it may go.
    low = np.where(width > 0, learned.low - margin, -np.inf)
    high = np.where(width > 0, learned.high + margin, np.inf)
    outside, n_evident, strongest = np.zeros(len(width), np.int64), 0, 0.0
    for _, part in parts(X):
        n, found, largest = _outside(part, low, high)
        n_evident, outside = n_evident + n, outside + found
        strongest = max(strongest, largest)
    n_values = X.shape[0] if X.ndim == 2 else X.shape[0] * X.shape[1]
    worst = int(np.argmax(outside))
    is_far = outside.sum() > max(n_evident / 2, _FEWEST_VALUES - 1)
    if is_far or (X.shape[0] >= _FEWEST_ROWS and outside[worst] > n_values / 2):
        limits = [np.broadcast_to(x, width.shape)[worst] for x in learned[:2]]
        new = _column(X, worst)
        return (
            "X leaves the range that was learned in fit, most of all in "
            f"{names(worst)}, where {limits[0]:.4g} to {limits[1]:.4g} was learned and "
            f"X has {new.min():.4g} to {new.max():.4g}. {scale}"
        )
    is_weak = 0 < strongest < _WEAK * learned.weakest < np.inf
    if is_weak and n_evident >= _FEWEST_VALUES and _is_faint(X, learned):
        return (
            "X hardly reaches the range that was learned in fit: its largest absolute "
            f"value is {strongest:.4g}, and every sample in fit had one of at least "
            f"{learned.weakest:.4g}. {scale}"
        )
    return None


def _is_faint(X, learned):
    """Tell whether no sample has a sum that is worth mentioning.

    Its largest value alone may be small because it is of no category that was known.
    """
    return all(
        (_sums(part, rows.stop - rows.start) < 2 * _WEAK * learned.faintest).all()
        for rows, part in parts(X)
    )


def _column(X, j):
    column = X[..., j] if not sparse.issparse(X) else X[:, [j]].toarray()
    return column.astype(np.float64)


def _outside(part, low, high):
    """Count, by feature, what is far outside, and all that could be.

    Zeros are taken to be inside: they say that there is nothing, in any unit.

    Returns
    -------
    n_evident : int
        How many values are not zero.
    outside : ndarray of int of shape (n_features,)
    largest : float
        The largest absolute value.
    """
    if sparse.issparse(part):
        values, features = part.data, part.indices
        far = ((values < low[features]) | (values > high[features])) & (values != 0)
        outside = np.bincount(features[far], minlength=len(low))
        return np.count_nonzero(values), outside, float(np.abs(values).max(initial=0))
    least, most = _limits(part, axis=0)
    largest = float(max(most.max(), -least.min()))
    n_evident = np.count_nonzero(part)
    if (least >= low).all() and (most <= high).all():
        return n_evident, np.zeros(len(low), np.int64), largest
    far = ((part < low) | (part > high)) & (part != 0)
    return n_evident, np.count_nonzero(far, axis=0), largest


def remember(estimator, X, weights, going_on):
    """Keep what a network learns from; warn where a few features outweigh all others.

    Parameters
    ----------
    estimator : estimator
        Gets an attribute ``_learned_input_``, a dict: number of samples, length of the
        sequences (of the last call) or None, and the fields of Extent, None if there
        were spike trains only.
    X : validated input
    weights : ndarray of shape (n_samples,)
        Samples of weight 0 do not count.
    going_on : bool
        Whether this is added to what was learned from before.
    """
    present = weights > 0
    learned = {
        "n_samples": int(np.count_nonzero(present)),
        "n_steps": int(X.shape[1]) if X.ndim == 3 else None,
        **dict.fromkeys(Extent._fields),
    }
    if not isinstance(X, SpikeTrains):
        learned |= extent(X, None if present.all() else present)._asdict()
    if going_on:
        before = getattr(estimator, "_learned_input_", None)
        learned |= _together(before, learned)
    elif not isinstance(X, SpikeTrains):
        scaler = "ChannelTransformer(StandardScaler())"
        remedy = scaler if X.ndim == 3 else "StandardScaler()"
        warn_of_spread(X, namer(estimator, X), remedy)
    estimator._learned_input_ = learned


def is_learned_input(learned, n_features):
    """Tell whether this is what `remember` keeps.

    Parameters
    ----------
    learned : object
    n_features : int

    Returns
    -------
    is_whole : bool
    """
    try:
        n_samples, n_steps, *fields = (
            learned[name] for name in ("n_samples", "n_steps", *Extent._fields)
        )
        is_whole = n_samples >= 0 and (n_steps is None or n_steps >= 1)
        if any(field is not None for field in fields):
            low, high, *sizes = fields
            is_whole &= np.shape(low) == np.shape(high) == (n_features,)
            is_whole &= bool(np.isfinite([low, high]).all() and np.all(low <= high))
            is_whole &= all(size > 0 for size in sizes)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return False
    return is_whole


def _together(before, learned):
    """Return number of samples and Extent of what was learned before and now."""
    if before is None or before["n_samples"] == 0:
        # A model of version 0.1.0, which kept nothing: it stays unknown.
        return {"n_samples": 0, **dict.fromkeys(Extent._fields)}
    extents = [known for some in (before, learned) if (known := _known(some))]
    return {
        "n_samples": before["n_samples"] + learned["n_samples"],
        **(_union(extents)._asdict() if extents else {}),
    }


def _known(learned):
    """Return the Extent, or None if there were spike trains only."""
    if learned["low"] is None:
        return None
    return Extent(*(learned[name] for name in Extent._fields))


def check_likeness(estimator, X):
    """Warn where an input is unlike what a network learned from.

    Parameters
    ----------
    estimator : fitted estimator
    X : validated input
    """
    learned = getattr(estimator, "_learned_input_", None)
    if learned is None:
        return
    if X.ndim == 3 and X.shape[1] != learned["n_steps"]:
        warn_user(_other_length(X, learned["n_steps"]), InputMismatchWarning)
    known = _known(learned)
    if isinstance(X, SpikeTrains) or known is None or learned["n_samples"] < FEWEST:
        return
    message = mismatch(
        X, known, namer(estimator, X), "Scale X as it was scaled in fit."
    )
    if message is not None:
        warn_user(message, InputMismatchWarning)


def _other_length(X, n_steps):
    """Return what to say of sequences of another length than in fit."""
    message = (
        f"The sequences in X have {X.shape[1]} steps, and those in fit had {n_steps}: "
        "logits are made of spikes counted over all steps, so answers and "
        "probabilities shift."
    )
    if not isinstance(X, SpikeTrains) and X.shape[0] == n_steps:
        message += (
            f" X of shape {X.shape} may be time-major, (n_steps, n_samples, "
            "n_features): X.transpose(1, 0, 2) turns it."
        )
    return message
