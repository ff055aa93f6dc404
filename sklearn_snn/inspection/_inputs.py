"""How displays draw a row of input: as bars with names, or as the image that it is."""

import math

import numpy as np

from sklearn_snn.inspection._figure import size_of
from sklearn_snn.inspection._text import named_values, room_for

# Of a picture, in pixels, if nobody says that it is one.
_SMALLEST_SIDE = 8
# Up to so many bars have a name each.
MAX_BARS = 30
# Of a name in points, and of its row in inches.
_SIZE = 8
_ROW = 0.13


def check_image_shape(image_shape, n_features, is_table=False):
    """Return the shape of images of so many features; None if they are no images.

    Parameters
    ----------
    image_shape : tuple of two int, or None
        None is a square, if that is possible and its side is `_SMALLEST_SIDE` or more:
        small squares are more often columns of a table.
    n_features : int
    is_table : bool, default=False
        Whether the columns have names: then None is no image.

    Raises
    ------
    ValueError
        If the shape does not fit.
    """
    if image_shape is None:
        side = math.isqrt(n_features)
        is_image = side >= _SMALLEST_SIDE and side * side == n_features
        is_image &= not is_table
        return (side, side) if is_image else None
    shape = np.atleast_1d(image_shape).tolist()
    if len(shape) != 2 or math.prod(shape) != n_features:
        raise ValueError(
            f"image_shape={image_shape!r} is not a shape of {n_features} features."
        )
    return tuple(shape)


def bars_height(n_bars):
    """Return the height, in inches, that so many bars with names need."""
    return 1.8 + 0.17 * min(n_bars, MAX_BARS)


def draw_image(ax, values, shape):
    """Draw an image, dark where it is high, and return what a colorbar needs."""
    image = np.reshape(values, shape)
    shown = ax.imshow(image, cmap="Greys", vmin=min(0, image.min()))
    ax.set(xticks=[], yticks=[])
    return shown


def draw_input(ax, values, names, image_shape, who):
    """Draw what somebody is given, as an image or as bars from the first column down.

    Parameters
    ----------
    ax : Axes
    values : ndarray of shape (n_features,)
        Of more than `MAX_BARS` columns, those of the largest values are drawn.
    names : list of str
    image_shape : tuple of two int, or None
    who : str
        Who is given that: "encoder" or "network".
    """
    ax.set_title("Input", fontsize="medium")
    if image_shape is not None:
        draw_image(ax, values, image_shape)
        return
    n_bars = min(MAX_BARS, max(5, n_rows_of(ax)))
    shown = np.sort(np.argsort(-np.abs(values), kind="stable")[:n_bars])
    ax.barh(np.arange(len(shown)), values[shown], color="0.3")
    name_bars(ax, [names[i] for i in shown], n_rows=8)
    ax.axvline(0, color="0.6", linewidth=0.8)
    ax.set_xlabel(f"Value as the {who} gets it")
    if len(shown) < len(values):
        ax.set_title(f"Input ({n_bars} of {len(values)})", fontsize="medium")


def name_bars(ax, labels, n_rows=1):
    """Name horizontal bars, the first one on top.

    Parameters
    ----------
    ax : Axes
    labels : list of str
        Cut where they would need more than three fifths of the width.
    n_rows : int, default=1
        For how many bars there is room at least.
    """
    from matplotlib.ticker import MaxNLocator

    width, _ = size_of(ax)
    ax.set_yticks(np.arange(len(labels)), fitting(ax, labels), fontsize=_SIZE)
    ax.set_ylim(max(n_rows, len(labels)) - 0.4, -0.6)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=int(np.clip(2 * width, 2, 6))))


def fitting(ax, labels):
    """Return labels, cut where they would need more than 3/5 of the width of axes."""
    n_characters = max(6, room_for(0.6 * size_of(ax)[0], _SIZE))
    return named_values(labels, n_characters)


def n_rows_of(ax):
    """Return for how many bars with names there is room, below and above them too."""
    return int((size_of(ax)[1] - 0.6) / _ROW)
