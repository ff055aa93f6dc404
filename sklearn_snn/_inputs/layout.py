"""What is wrong with the layout of an input, and how it becomes one that is accepted.

Recordings come as lists that do not fit, as event lists with named fields, as frames,
time-major or channels-first. Each of these is told from the others here, and the
message that refuses it says how to turn it.
"""

from contextlib import contextmanager

import numpy as np

from sklearn_snn._compat import num_samples
from sklearn_snn._inputs.event_sequences import EventSequences
from sklearn_snn._inputs.sequences import Recordings
from sklearn_snn._inputs.spike_trains import SpikeTrains

_ACCEPTED = "(n_samples, n_features) and (n_samples, n_steps, n_features)"


def n_dimensions(X):
    """Return the number of axes of an input.

    Parameters
    ----------
    X : anything
        Lists of recordings are `gathered` already.

    Returns
    -------
    n : int

    Raises
    ------
    ValueError
        If it has named fields, or is made of arrays that do not fit each other.
    """
    check_items(X)
    if hasattr(X, "ndim"):
        return X.ndim
    try:
        return np.asarray(X).ndim
    except ValueError as error:
        raise _ragged(X, error) from None


def check_items(X):
    """Raise ValueError if X has named fields, or arrays where numbers belong."""
    is_listed = isinstance(X, list | tuple)
    if hasattr(X, "get_group"):
        raise ValueError(
            "X is grouped by a column, and recordings come in a list, without that "
            "column: [x.drop(columns=name) for _, x in X]."
        )
    if is_listed and not len(X):
        raise ValueError("X is an empty list: at least one sample is needed.")
    _refuse_fields(X)
    if is_listed:
        _refuse_fields(X[0])
    elif isinstance(X, np.ndarray) and X.dtype.kind == "O" and X.size and X.ndim:
        _refuse_cells(X)
    # The length of Dask's is no number.
    elif hasattr(X, "iloc") and isinstance(X.shape[0], int) and 0 not in X.shape:
        first = np.asarray(X.iloc[:1])
        _refuse_cells(np.asarray(X) if _holds_arrays(first) else first)


def refuse_unlike(shapes):
    """Raise ValueError unless recordings in a list fit each other.

    Parameters
    ----------
    shapes : list of tuple
        Of each recording; the first is of two dimensions.
    """
    if {len(shape) for shape in shapes} != {2}:
        raise _of_dimensions(shapes)
    n_features = shapes[0][1]
    for i, shape in enumerate(shapes):
        if shape[1] != n_features:
            raise ValueError(_other_features(shapes, i))
        if 0 in shape:
            raise ValueError(
                f"X[{i}] is a recording of shape {shape}: each needs at least one step "
                "and one feature."
            )


def refuse_dimensions(X, n, owner):
    """Raise ValueError if an input of a network has more than three axes.

    Parameters
    ----------
    X : array-like of n axes
    n : int
    owner : str
        Name of the estimator.
    """
    if n > 3:
        shape = np.shape(X)
        raise ValueError(
            f"Found array with dim {n}; {owner} accepts {_ACCEPTED}: frames in time of "
            f"shape {shape} become sequences by "
            f"X.reshape({shape[0]}, {shape[1]}, {_product(shape[2:])}), images without "
            f"time rows by X.reshape({shape[0]}, {_product(shape[1:])})."
        )


def refuse_sequences(X, n, owner, given):
    """Raise ValueError if intensities to encode have more than two axes.

    Parameters
    ----------
    X : array-like of n axes
    n : int
    owner : str
        Name of the estimator.
    given : array-like, or list of recordings
        What X was before it was `gathered`.
    """
    if isinstance(X, SpikeTrains | EventSequences):
        raise ValueError(
            f"Found array with dim 3; {owner} accepts intensities of shape (n_samples, "
            "n_features), and these are spike trains already: a SpikingClassifier "
            "takes them as they are."
        )
    if n > 2:
        raise ValueError(
            f"Found array with dim {n}; {owner} accepts intensities of shape "
            "(n_samples, n_features). Recordings, (n_samples, n_steps, n_features) or "
            "a list of arrays of shape (n_steps, n_features), have their time already: "
            "they go to a SpikingClassifier without an encoder, or through "
            "DeltaSpikeEncoder, which encodes their changes."
            f"{_rows_of_images(X, given)}"
        )


def _rows_of_images(X, given):
    """Return how images, if these are some, become rows."""
    if isinstance(X, Recordings):  # of which the lengths differ
        return ""
    if X is given and hasattr(X, "reshape"):
        shape = np.shape(X)
        recipe = f"X.reshape({shape[0]}, {_product(shape[1:])})"
    else:
        recipe = "[np.ravel(x) for x in X]"
    return f" Images become rows by {recipe}."


@contextmanager
def hints(X, y, n_features, is_numeric=False):
    """Add to errors what seems to be meant, or what helps here.

    Which axis of X, where lengths differ; and what takes gaps in recordings, and lists
    of labels.

    Parameters
    ----------
    X : array-like
    y : array-like of shape (n_samples,), or str for none
    n_features : int or None
        As many were learned from.
    is_numeric : bool, default=False
        Whether y must be numbers, and not labels.
    """
    try:
        yield
    except ValueError as error:
        hint = None
        if "inconsistent numbers of samples" in str(error):
            hint = _hint_at_samples(X, y)
        elif n_features is not None and "features, but" in str(error):
            hint = _hint_at_channels(X, n_features)
        elif "Input X contains NaN" in str(error) and len(np.shape(X)) == 3:
            # What scikit-learn advises takes tables alone.
            raise ValueError(
                "Input X contains NaN. ChannelTransformer(SimpleImputer()) in a "
                "pipeline fills gaps in recordings, each channel by its own values."
            ) from None
        elif "inhomogeneous shape" in str(error) and _is_ragged(y):
            raise ValueError(_rows_of_y(is_numeric)) from None
        if hint is None:
            raise
        raise ValueError(f"{str(error).rstrip('.')}. {hint}") from None


def _is_ragged(y):
    """Tell whether y cannot become an array."""
    try:
        np.asarray(y)
    except ValueError:
        return True
    return False


def _rows_of_y(is_numeric):
    """Say that y has rows of unequal length, and what to do about it."""
    if is_numeric:
        return "y has rows of unequal length: all samples need equally many numbers."
    return (
        "y has rows of unequal length. The labels of each sample become columns of 0 "
        "and 1 by sklearn.preprocessing.MultiLabelBinarizer."
    )


def _product(shape):
    """Return the product as a number, which is what reshape needs; -1 if it is 0."""
    return int(np.prod(shape)) or -1


def _hint_at_samples(X, y):
    """Say which axis of X is as long as y."""
    if isinstance(X, SpikeTrains | Recordings):
        return None
    shape, n = np.shape(X), num_samples(y)
    if len(shape) == 2 and shape[1] == n:
        return f"X of shape {shape} has as many columns as y has labels: try X.T."
    if len(shape) == 3 and shape[:2] == (1, n):
        return (
            f"X of shape {shape} is a single recording, and y has as many rows as it "
            "has steps: targets of each step need per_step=True, and y to be [y]."
        )
    if len(shape) == 3 and shape[1] == n:
        return (
            f"X of shape {shape} seems to be time-major, (n_steps, n_samples, "
            "n_features): X.swapaxes(0, 1) makes it (n_samples, n_steps, n_features)."
        )
    if len(shape) == 3 and shape[2] == n:
        return (
            f"X of shape {shape} seems to have its samples last: X.swapaxes(0, 2)"
            ".swapaxes(1, 2), or X.swapaxes(0, 2) if the steps come second, makes it "
            "(n_samples, n_steps, n_features)."
        )
    return None


def _hint_at_channels(X, n_features):
    """Say so if the channels, which come last, come first."""
    shape = np.shape(X)
    if len(shape) == 3 and shape[1] == n_features:
        return (
            f"X of shape {shape} seems to be channels-first, (n_samples, n_channels, "
            "n_steps): X.swapaxes(1, 2) makes it (n_samples, n_steps, n_features)."
        )
    return None


def _refuse_fields(X):
    """Raise ValueError if X has named fields, as event lists do."""
    names = getattr(getattr(X, "dtype", None), "names", None)
    if names is not None:
        raise ValueError(
            f"X is a structured array with the fields {', '.join(names)}: a table "
            "becomes plain by numpy.lib.recfunctions.structured_to_unstructured(X), "
            "and lists of events, one of each recording, become sequences by "
            'sklearn_snn.as_sequences(X, layout="events", dt=width of a step, '
            "sensor_size=(width, height, n_polarities))."
        )


def _refuse_cells(X):
    """Raise ValueError if an array of objects holds arrays."""
    if not _holds_arrays(X):
        return
    if X.ndim > 1:
        raise _arrays_in_cells(X)
    _refuse_fields(X[0])
    shapes = _shapes(X)
    if shapes is not None and len(set(shapes)) == 1:
        raise ValueError(
            f"X is an array of objects that holds {len(X)} arrays of shape "
            f"{shapes[0]}: np.stack(list(X)) makes one array of them."
        )
    raise _ragged(X, "its items have no common shape")


def _holds_arrays(X):
    """Tell whether there are arrays in the first row of an array of objects."""
    return any(_is_array(cell) for cell in X[:1].flat)


def _arrays_in_cells(X):
    """Return the ValueError for a table that has arrays in its cells."""
    start = "X has arrays or lists in its cells, where a number belongs: "
    cells = X.reshape(len(X), -1)
    are_arrays = np.array([[_is_array(cell) for cell in row] for row in cells])
    if not are_arrays.all():
        return ValueError(
            f"{start}in {np.count_nonzero(are_arrays.all(axis=0))} of "
            f"{cells.shape[1]} columns all cells are arrays. A sequence takes these "
            "columns alone, and a number that belongs to all of its steps becomes a "
            "series too, by np.full(n_steps, number)."
        )
    shapes = [_shapes(row) for row in cells]
    if any(len(shape) != 1 for row in shapes for shape in row) or any(
        len(set(row)) > 1 for row in shapes
    ):
        return ValueError(
            f"{start}cells become a sequence where all are series, and those of a row "
            "are equally long."
        )
    return ValueError(
        f"{start}cells that are series become sequences, features last, by "
        "[np.column_stack([*row]) for row in np.asarray(X)]."
    )


def _is_array(cell):
    return isinstance(cell, list | tuple) or getattr(cell, "shape", ()) != ()


def _shapes(items):
    """Return the shape of each item, or None if one has none."""
    try:
        return [np.shape(item) for item in items]
    except (TypeError, ValueError):
        return None


def _ragged(X, error):
    """Return the ValueError for a list of arrays that do not fit each other."""
    shapes = _shapes(X)
    if shapes is None:
        return ValueError(f"X is no array of numbers, and cannot become one: {error}")
    dimensions = {len(shape) for shape in shapes}
    if len(dimensions) > 1:
        return _of_dimensions(shapes)
    return _ragged_rows(X, shapes) if dimensions == {1} else _ragged_frames(shapes)


def _of_dimensions(shapes):
    dimensions = [len(shape) for shape in shapes]
    return ValueError(
        f"X is a list of {len(shapes)} arrays of {min(dimensions)} to "
        f"{max(dimensions)} dimensions: each sample must be (n_steps, n_features), or "
        "each (n_features,)."
    )


def _ragged_rows(X, shapes):
    low, high = _limits(shapes, 0)
    message = f"X is a list of {len(shapes)} rows of {low} to {high} values: "
    if any(np.asarray(x).dtype.kind not in "biuf" for x in X):
        return ValueError(f"{message}all must be equally long, and numbers.")
    return ValueError(
        f"{message}rows of a table must be equally long, and a recording of a single "
        "channel (n_steps, 1): [np.reshape(x, (-1, 1)) for x in X]."
    )


def _other_features(shapes, i):
    """Say that recording i has not as many features as the first."""
    message = (
        f"X[{i}] has {shapes[i][1]} features, of shape {shapes[i]}, but X[0] has "
        f"{shapes[0][1]}: all recordings need the same"
    )
    if len({n_steps for n_steps, _ in shapes}) > 1:
        return f"{message}."
    return (
        f"{message}; or, if they are channels-first, (n_channels, n_steps), each is "
        "turned by [x.T for x in X]."
    )


def _ragged_frames(shapes):
    n, steps, sizes = len(shapes), _limits(shapes, 0), {shape[1:] for shape in shapes}
    if len(sizes) > 1:
        first, second = sorted(sizes)[:2]
        return ValueError(
            f"X is a list of {n} recordings of frames that are of shape {first} in one "
            f"and {second} in another: all need the same."
        )
    return ValueError(
        f"X is a list of {n} recordings of {steps[0]} to {steps[1]} frames of shape "
        f"{sizes.pop()}: a frame becomes a row of features by "
        "[np.reshape(x, (len(x), -1)) for x in X]."
    )


def _limits(shapes, axis):
    """Return the shortest and the longest along an axis."""
    lengths = [shape[axis] for shape in shapes]
    return min(lengths), max(lengths)
