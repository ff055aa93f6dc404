"""Whether new input is like what an estimator learned from.

A value is *outside* if it leaves the range of its feature by more than a quarter of
that range. Ordinary new data does so rarely, whatever its distribution; data that was
scaled otherwise does so throughout, or far, or, if it became smaller, does not even
reach what the weakest sample reached. All that is kept are extremes and counts, which
later parts of a stream can be added to in any order; of large inputs only evenly spaced
rows are looked at, so that the check costs next to nothing beside the network.
"""

from typing import NamedTuple

import numpy as np
from scipy import sparse

from sklearn_snn._inputs.event_sequences import EventSequences
from sklearn_snn._inputs.extent import (
    Extent,
    as_table,
    extent,
    limits_of,
    some_samples,
    sums,
    tables,
    union,
)
from sklearn_snn._inputs.sequences import Recordings
from sklearn_snn._inputs.spike_trains import SpikeTrains
from sklearn_snn._inputs.unscaled import FEWEST, namer, warn_of_spread
from sklearn_snn._utils.warnings import warn_user
from sklearn_snn.exceptions import InputMismatchWarning

# A value may leave the range of its feature by this share of it.
_MARGIN = 0.25
# In ranges: three values of a row, three of a feature, and a single one may be so far
# outside and no farther. The extremes of heavy tails are often several ranges apart,
# but not in one row; a hundred ranges apart not even Cauchy's are.
_FAR_IN_ROW, _FAR_IN_FEATURE, _FAR_ALONE = 2, 10, 100
# Fewer values than this may be chance, and fewer rows in a feature.
_FEWEST_VALUES, _FEWEST_ROWS = 3, 10
# Share of the rows, or of all values of few rows, of which a rare feature has less.
_RARE = 0.1
# What is below this share of the weakest sample hardly reaches the network.
_WEAK = 0.25


class Wording(NamedTuple):
    """How the range is called to which an input is compared.

    Attributes
    ----------
    learned : str
        Which range it is.
    was : str
        What is said of its limits.
    remedy : str
        What to do about it.
    """

    learned: str = "that was learned in fit"
    was: str = "was learned"
    remedy: str = "Scale X as it was scaled in fit."


@np.errstate(over="ignore", invalid="ignore")
def mismatch(X, learned, names, wording, rows=None):
    """Say how values are unlike those that were learned from.

    Parameters
    ----------
    X : ndarray or CSR array
        See `extent.parts`.
    learned : Extent
        Its limits may also be numbers, for all features alike.
    names : callable
        Makes a name of a feature's index.
    wording : Wording
    rows : ndarray of int, default=None
        Indices of the samples that count; None for all.

    Returns
    -------
    message : str or None
    """
    X = some_samples(X, rows)
    table = as_table(X)
    strongest, outside = _outside(table, learned)
    worst = None if outside is None else _worst(X, table, *outside)
    if worst is not None:
        limits = [np.broadcast_to(x, X.shape[-1:])[worst] for x in learned[:2]]
        new = _column(table, worst)
        return (
            f"X leaves the range {wording.learned}, most of all in {names(worst)}, "
            f"where {limits[0]:.4g} to {limits[1]:.4g} {wording.was} and X has "
            f"{new.min():.4g} to {new.max():.4g}. {wording.remedy}"
        )
    is_weak = 0 < strongest < _WEAK * learned.weakest < np.inf
    if is_weak and _n_evident(table) >= _FEWEST_VALUES and _is_faint(X, learned):
        return (
            "X hardly reaches the range of the samples in fit: its largest absolute "
            f"value is {strongest:.4g}, and every sample in fit had one of at least "
            f"{learned.weakest:.4g}. {wording.remedy}"
        )
    return None


def _is_faint(X, learned):
    """Tell whether no sample has a sum that is worth mentioning.

    Its largest value alone may be small because it is of no category that was known.
    """
    return all(
        (sums(*table) < 2 * _WEAK * learned.faintest).all() for table in tables(X)
    )


def _column(table, j):
    column = table[:, [j]].toarray() if sparse.issparse(table) else table[:, j]
    return column.astype(np.float64)


def _n_evident(table):
    """Return how many values are not zero."""
    return np.count_nonzero(table.data if sparse.issparse(table) else table)


def _outside(table, learned):
    """Find the largest absolute value, and what is outside.

    Zeros are taken to be inside: they say that there is nothing, in any unit. So is
    what was constant, of which nobody knows how far it may go. A rare feature, such as
    a word, of which few values are known, may go as far as any that begins at 0.

    Returns
    -------
    largest : float
    outside : tuple of ndarrays of shape (n_outside,), or None if there is nothing
        Row, feature, and distance from the range in widths of it.
    """
    low, high = learned.low, learned.high
    if sparse.issparse(table):
        values, features = table.data.astype(np.float64), table.indices
        largest = float(np.abs(values).max(initial=0))
        own = (low[features], high[features]) if np.ndim(low) else (low, high)
        distance = np.where(values == 0, 0, _distance(values, values, *own))
        if np.ndim(low) and (distance > _MARGIN).any():
            counts = np.bincount(features[values != 0], minlength=table.shape[1])
            low, high = _as_far_as_others(low, high, _are_rare(counts, table))
            far = _distance(values, values, low[features], high[features])
            distance = np.minimum(distance, far)
        found = np.flatnonzero(distance > _MARGIN)
        if len(found) == 0:
            return largest, None
        rows = np.searchsorted(table.indptr, found, side="right") - 1
        return largest, (rows, features[found], distance[found])
    least, most = limits_of(table, axis=0)
    largest = max(float(most.max()), -float(least.min()))
    if (least >= low).all() and (most <= high).all():
        return largest, None
    suspects = np.flatnonzero(_distance(least, most, low, high) > _MARGIN)
    if len(suspects) == 0:
        return largest, None
    values = table[:, suspects].astype(np.float64)
    if np.ndim(low):
        are_rare = np.zeros(len(low), bool)
        are_rare[suspects] = _are_rare(np.count_nonzero(values, axis=0), table)
        low, high = _as_far_as_others(low, high, are_rare)
        low, high = low[suspects], high[suspects]
    distance = _distance(values, values, low, high)
    rows, features = np.nonzero((distance > _MARGIN) & (values != 0))
    if len(rows) == 0:
        return largest, None
    return largest, (rows, suspects[features], distance[rows, features])


def _are_rare(counts, table):
    """Tell which features are hardly ever other than 0: they are in `counts` rows."""
    if table.shape[0] < _FEWEST_ROWS:
        return np.full(len(counts), _n_evident(table) < _RARE * np.prod(table.shape))
    return counts < _RARE * table.shape[0]


def _as_far_as_others(low, high, are_rare):
    """Return the limits of all features; of rare ones, those of all that begin at 0."""
    begins_at_0 = (low == 0) | (high == 0)
    are_rare = are_rare & begins_at_0
    if not are_rare.any():
        return low, high
    low = np.where(are_rare, low[begins_at_0].min(), low)
    return low, np.where(are_rare, high[begins_at_0].max(), high)


def _distance(least, most, low, high):
    """Return by how many widths of their range values leave it; 0 if it has none."""
    width = high - low
    # Of a range that is narrow beside its values, rounding may be a large part.
    unit = np.maximum(width, 4e-6 * np.maximum(np.abs(low), np.abs(high)))
    beyond = np.maximum(low - least, most - high)
    return beyond / np.where(width > 0, unit, np.inf)


def _worst(X, table, rows, features, distance):
    """Return the feature that is farthest off, or None if it all may be chance.

    Parameters
    ----------
    X : ndarray or CSR array
    table : ndarray or CSR array of shape (n_rows, n_features)
        All steps of X.
    rows, features, distance : ndarrays of shape (n_outside,)
        See `_outside`.
    """
    counts = np.bincount(features)
    is_most = len(rows) > max(_n_evident(table) / 2, _FEWEST_VALUES - 1)
    enough_rows = X.shape[0] >= _FEWEST_ROWS
    if is_most or (enough_rows and counts.max() > table.shape[0] / 2):
        return int(np.argmax(counts))
    is_far = (
        distance.max() > _FAR_ALONE
        # An odd row among many ordinary ones is an outlier.
        or _n_with_several(rows[distance > _FAR_IN_ROW]) > table.shape[0] / 10
        or _n_with_several(features[distance > _FAR_IN_FEATURE]) > 0
    )
    return int(features[np.argmax(distance)]) if is_far else None


def _n_with_several(indices):
    """Return how many rows, or features, have at least `_FEWEST_VALUES` of these."""
    return np.count_nonzero(np.bincount(indices, minlength=1) >= _FEWEST_VALUES)


def remember(estimator, X, weights, is_continued):
    """Keep what a network learns from; warn where that is unlike before, or uneven.

    Parameters
    ----------
    estimator : estimator
        Gets an attribute ``_learned_input_``, a dict: number of samples, shortest and
        longest of the sequences or None, and the fields of Extent, None if there were
        spike trains only.
    X : validated input
    weights : ndarray of shape (n_samples,)
        Samples of weight 0 do not count.
    is_continued : bool
        Whether this is added to what was learned from before.
    """
    present = weights > 0
    learned = learned_from(X, present)
    if is_continued:
        # Lengths may vary in a stream, and answers are not asked for.
        _warn_of_range(estimator, X, np.flatnonzero(present))
        learned = _together(getattr(estimator, "_learned_input_", None), learned)
    elif not isinstance(X, SpikeTrains | EventSequences):
        scalers = ["StandardScaler()", "QuantileTransformer()"]
        if X.ndim == 3:
            scalers = [f"ChannelTransformer({scaler})" for scaler in scalers]
        warn_of_spread(X, namer(estimator, X), *scalers)
    estimator._learned_input_ = learned


def learned_from(X, present):
    """Return what `remember` keeps of an input, of the samples that are present."""
    shortest, longest = _lengths(X, present)
    learned = {
        "n_samples": int(np.count_nonzero(present)),
        "shortest": shortest,
        "longest": longest,
        **dict.fromkeys(Extent._fields),
    }
    if not isinstance(X, SpikeTrains):
        learned |= extent(X, None if present.all() else present)._asdict()
    return learned


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
        names = "n_samples", "shortest", "longest", *Extent._fields
        n_samples, shortest, longest, *fields = (learned[name] for name in names)
        is_whole = n_samples >= 0
        if shortest is not None or longest is not None:
            is_whole &= 1 <= shortest <= longest
        if any(field is not None for field in fields):
            low, high, *sizes = fields
            is_whole &= np.shape(low) == np.shape(high) == (n_features,)
            is_whole &= bool(np.isfinite([low, high]).all() and np.all(low <= high))
            is_whole &= all(size > 0 for size in sizes)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        return False
    return is_whole


def _together(before, learned):
    """Return what was learned before and now."""
    if before is None or before["n_samples"] == 0:
        # A model of version 0.1.0, which kept nothing: it stays unknown.
        return dict.fromkeys(learned) | {"n_samples": 0}
    extents = [known for some in (before, learned) if (known := _known(some))]
    together = learned | {"n_samples": before["n_samples"] + learned["n_samples"]}
    if extents:
        together |= union(extents)._asdict()
    if learned["longest"] is not None:
        for name, extreme in (("shortest", min), ("longest", max)):
            together[name] = extreme(before[name], learned[name])
    return together


def _known(learned):
    """Return the Extent, or None if there were spike trains only."""
    if learned["low"] is None:
        return None
    return Extent(*(learned[name] for name in Extent._fields))


def check_likeness(estimator, X, rows=None):
    """Warn where an input is unlike what a network learned from.

    Parameters
    ----------
    estimator : fitted estimator
    X : validated input
    rows : ndarray of int, default=None
        Indices of the samples that count; None for all.
    """
    learned = getattr(estimator, "_learned_input_", None)
    if learned is None:
        return
    present = slice(None) if rows is None else rows
    lengths, known = _lengths(X, present), (learned["shortest"], learned["longest"])
    # Where each step is answered it does not matter how many there are.
    has_lengths = None not in (*lengths, *known) and not estimator._is_per_step()
    if has_lengths and _are_unlike(lengths, known):
        warn_user(_other_lengths(X, lengths, known), InputMismatchWarning)
    _warn_of_range(estimator, X, rows)


def _lengths(X, present):
    """Return the steps of the shortest and the longest of some samples; None twice.

    The latter for constant currents.
    """
    if X.ndim == 2:
        return None, None
    if isinstance(X, Recordings):
        lengths = X.lengths[present]
        return int(lengths.min()), int(lengths.max())
    return int(X.shape[1]), int(X.shape[1])


def _are_unlike(lengths, known):
    """Tell whether lengths leave the range of those that are known, as values do."""
    margin = _MARGIN * (known[1] - known[0])
    return lengths[0] < known[0] - margin or lengths[1] > known[1] + margin


def _warn_of_range(estimator, X, rows=None):
    """Warn where values are unlike those that a network learned from."""
    learned = getattr(estimator, "_learned_input_", None)
    if learned is None or isinstance(X, SpikeTrains) or learned["n_samples"] < FEWEST:
        return
    known = _known(learned)
    if known is None:
        return
    message = mismatch(X, known, namer(estimator, X), Wording(), rows)
    if message is not None:
        warn_user(message, InputMismatchWarning)


def _other_lengths(X, lengths, known):
    """Return what to say of sequences of other lengths than in fit."""
    message = (
        f"The sequences in X have {_to(*lengths)} steps, and those in fit had "
        f"{_to(*known)}: answers are read over all steps, and shift with their number."
    )
    if isinstance(X, SpikeTrains | Recordings):
        return message
    message += (
        " Recordings that were padded, or cut, to one length are better given at their "
        "own, in a list of arrays (n_steps, n_features), in fit as here."
    )
    if known[0] <= X.shape[0] <= known[1]:
        message += (
            f" X of shape {X.shape} may be time-major, (n_steps, n_samples, "
            "n_features): X.swapaxes(0, 1) turns it."
        )
    return message


def _to(low, high):
    return f"{low}" if low == high else f"{low} to {high}"
