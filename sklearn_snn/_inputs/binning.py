"""Times of spikes as steps of a fixed width, without the rounding of a quotient."""

import numpy as np

from sklearn_snn._inputs.event_sequences import MAX_STEPS, EventSequences, joined
from sklearn_snn._utils.warnings import warn_user
from sklearn_snn.exceptions import UnscaledInputWarning

# A quotient is taken for the whole number that it is so near to, in parts of itself,
# and, whatever its size, in parts of a step. Times that their type rounds by more may
# be farther away: up to a part of a step in which steps can still be told apart.
_RELATIVE, _LEAST, _MOST = 1e-9, 1e-9, 1e-3
_MOST_ROUNDED = 0.25
# How many events are binned at a time, up to a recording: they take many times the
# memory that they are kept in.
_BLOCK = 2**20


def steps_of(times, dt, start=0.0):
    """Return the step that each time lies in.

    Step ``k`` holds the times from ``start + k * dt`` to below ``start + (k + 1) *
    dt``. A time that is on an edge but for rounding (``0.3 / 0.1`` is
    2.9999999999999996) is taken to be on it: if it is as near as 1e-9 of it, which is
    no more than 1e-3 of a step, or as `_rounding` says, which is no more than a quarter
    of a step, and where that is more, the type of the times does not resolve steps.
    Whole numbers are divided as such.

    Parameters
    ----------
    times : ndarray of real numbers of shape (n,)
        Finite.
    dt, start : float
        Width of a step, and where the first begins. A `start` of another type of
        floating numbers is rounded as that is.

    Returns
    -------
    steps : ndarray of int64 of shape (n,)
        Negative for times before the start.
    """
    numbers = float(dt), float(start)
    if times.dtype.kind in "iu" and all(number.is_integer() for number in numbers):
        return (times.astype(np.int64) - int(start)) // int(dt)
    quotients = (times.astype(np.float64) - numbers[1]) / dt
    relative = _RELATIVE
    if times.dtype.kind == "f":
        relative = max(relative, np.finfo(times.dtype).eps)
    size = np.maximum(np.abs(times.astype(np.float64)), abs(numbers[1])) / dt
    rounded = np.maximum(_rounding(times), _rounding(np.asarray(start))) / dt
    tolerance = np.maximum(
        np.clip(relative * size, _LEAST, _MOST), np.minimum(rounded, _MOST_ROUNDED)
    )
    nearest = np.rint(quotients)
    is_near = np.abs(quotients - nearest) <= tolerance
    steps = np.where(is_near, nearest, np.floor(quotients))
    return np.clip(steps, -(2.0**62), 2.0**62).astype(np.int64)


def _rounding(numbers):
    """Return by how much numbers may be off, for the type that they are of.

    That is half the distance to the next number of the type, and as much again for a
    sum or a product; but not of half floats, which are stored and not computed with.
    """
    if numbers.dtype.kind != "f":
        return np.zeros(numbers.shape)
    with np.errstate(over="ignore"):  # the largest has no next
        spacing = np.spacing(np.abs(numbers)).astype(np.float64)
    return spacing / 2 if numbers.dtype == np.float16 else spacing


def binned(recordings, *, n_units, dt, starts, lengths, must_be_inside, counts):
    """Return times and units of recordings as EventSequences.

    Parameters
    ----------
    recordings : iterable of tuple (times, units) of ndarrays
        Units are from 0 to below n_units.
    n_units : int
    dt : float
    starts : ndarray of float of shape (n_samples,)
    lengths : ndarray of int of shape (n_samples,) or None
        Numbers of steps; None is up to the last event.
    must_be_inside : bool
        Whether an event outside of the steps is an error; else it is left out.
    counts : bool
        Whether spikes in one step are counted.

    Returns
    -------
    X : EventSequences

    Raises
    ------
    ValueError
        As `as_sequences` says.

    Warns
    -----
    UnscaledInputWarning
        As well.
    """
    blocks, rows, n_events, longest, is_differing = [], [], 0, 0, False
    for i, (times, of_units) in enumerate(recordings):
        _check_times(times, i)
        of_times = steps_of(times, dt, starts[i])
        end = int(of_times.max(initial=-1)) + 1 if lengths is None else int(lengths[i])
        is_inside = (of_times >= 0) & (of_times < end)
        if must_be_inside and not is_inside.all():
            raise ValueError(
                f"X[{i}] has an event at {times[np.argmin(is_inside)]}, outside of its "
                f'{end} steps of {dt} from {starts[i]} on; outside="drop" leaves such '
                "events out."
            )
        if end < 1:
            raise ValueError(
                f"X[{i}] has no events, from which its length would follow: give "
                "n_steps or duration."
            )
        if end > MAX_STEPS:
            raise ValueError(
                f"X[{i}] would have {end} steps from start={starts[i]} on: is dt in "
                "the unit of the times? Of times that begin late, as those since 1970 "
                "do, start says when the first step begins."
            )
        places, spikes = np.unique(
            of_times[is_inside] * n_units + of_units[is_inside], return_counts=True
        )
        longest = max(longest, end)
        is_differing = is_differing or bool((times != times[:1]).any())
        rows.append((places, spikes, end))
        n_events += len(places)
        if n_events >= _BLOCK:
            blocks.append(_block(rows, n_units, counts))
            rows, n_events = [], 0
    if rows:
        blocks.append(_block(rows, n_units, counts))
    if lengths is None and longest == 1 and is_differing:
        warn_user(
            f"Each recording ends within its first step of {dt}, and when something "
            "came is lost: is dt in the unit of the times?",
            UnscaledInputWarning,
        )
    return joined(blocks)


def _block(rows, n_units, counts):
    """Return recordings as EventSequences, of places, numbers of spikes, and ends."""
    places, n_spikes, ends = zip(*rows, strict=True)
    indptr, places = np.cumsum([0, *map(len, places)]), np.concatenate(places)
    return EventSequences(
        places // n_units,
        places % n_units,
        indptr,
        lengths=ends,
        n_units=n_units,
        counts=np.concatenate(n_spikes) if counts else None,
    )


def lengths_of(n_steps, duration, dt, n):
    """Return the number of steps of each of n recordings, as users may say it.

    Parameters
    ----------
    n_steps : int or array-like of int of shape (n,), or None
    duration : float or array-like of float of shape (n,), or None
        Of a part of a step there is a step.
    dt : float
    n : int

    Returns
    -------
    lengths : ndarray of int64 of shape (n,), or None if neither is given
    """
    if n_steps is not None and duration is not None:
        raise ValueError("n_steps and duration say the same: give one of them.")
    if n_steps is not None:
        lengths = of_each("n_steps", n_steps, n)
        if lengths.dtype.kind not in "iu" or lengths.min() < 1:
            raise ValueError(
                f"n_steps must be positive whole numbers, got {n_steps!r}."
            )
        return lengths
    if duration is None:
        return None
    durations = of_each("duration", duration, n)
    if not (np.isfinite(durations) & (durations > 0)).all():
        raise ValueError(f"duration must be positive and finite, got {duration!r}.")
    if durations.dtype.kind != "f":
        durations = durations.astype(np.float64)  # those without a sign have no minus
    return -steps_of(-durations, dt)


def of_each(name, value, n):
    """Return a number for each of n recordings, given as one for all, or for each."""
    value = np.asarray(value)
    if value.shape not in ((), (n,)) or value.dtype.kind not in "iuf":
        raise ValueError(
            f"{name} must be one number, or one for each of {n} recordings; got "
            f"{value.dtype} of shape {value.shape}."
        )
    if not np.isfinite(value).all():
        raise ValueError(f"{name} must be finite, and is not for all recordings.")
    return np.broadcast_to(value, (n,))


def _check_times(times, i):
    """Raise ValueError unless times are finite numbers."""
    if times.size and times.dtype.kind not in "iuf":
        raise ValueError(
            f"X[{i}] has times of {times.dtype}, which are no numbers: of dates, take "
            "what has passed since the start, divided by a unit."
        )
    if times.dtype.kind == "f" and not np.isfinite(times).all():
        raise ValueError(f"X[{i}] has a time that is NaN or infinite.")
