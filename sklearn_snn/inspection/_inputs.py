"""How displays draw a row of input: as bars with names, or as the image that it is."""

import math

import numpy as np

# Of a picture, in pixels, if nobody says that it is one.
_SMALLEST_SIDE = 8
# Up to so many bars have a name each.
MAX_BARS = 30


def check_image_shape(image_shape, n_features):
    """Return the shape of images of so many features; None if they are no images.

    Parameters
    ----------
    image_shape : tuple of two int, or None
        None is a square, if that is possible and its side is `_SMALLEST_SIDE` or more:
        small squares are more often columns of a table.
    n_features : int

    Raises
    ------
    ValueError
        If the shape does not fit.
    """
    if image_shape is None:
        side = math.isqrt(n_features)
        is_image = side >= _SMALLEST_SIDE and side * side == n_features
        return (side, side) if is_image else None
    shape = np.atleast_1d(image_shape).tolist()
    if len(shape) != 2 or math.prod(shape) != n_features:
        raise ValueError(
            f"image_shape={image_shape!r} is not a shape of {n_features} features."
        )
    return tuple(shape)


def bars_height(n_bars):
    """Return the height, in inches, that so many bars with names need."""
    return 1 + 0.16 * min(n_bars, MAX_BARS)


def draw_image(ax, values, shape):
    """Draw an image, dark where it is high, and return what a colorbar needs."""
    image = np.reshape(values, shape)
    shown = ax.imshow(image, cmap="Greys", vmin=min(0, image.min()))
    ax.set(xticks=[], yticks=[])
    return shown


def draw_input(ax, values, names, image_shape):
    """Draw what a network is given, as an image or as bars from the first column down.

    Parameters
    ----------
    ax : Axes
    values : ndarray of shape (n_features,)
        Of more than `MAX_BARS` columns, those of the largest values are drawn.
    names : list of str
    image_shape : tuple of two int, or None
    """
    ax.set_title("Input", fontsize="medium")
    if image_shape is not None:
        draw_image(ax, values, image_shape)
        return
    shown = np.sort(np.argsort(-np.abs(values), kind="stable")[:MAX_BARS])
    ax.barh(np.arange(len(shown)), values[shown], color="0.3")
    name_bars(ax, [names[i] for i in shown])
    ax.axvline(0, color="0.6", linewidth=0.8)
    ax.set_xlabel("Value")
    if len(shown) < len(values):
        ax.set_title(f"Input: {MAX_BARS} largest of {len(values)}", fontsize="medium")


def name_bars(ax, labels):
    """Name horizontal bars, the first one on top."""
    size = "small" if len(labels) <= 15 else "x-small"
    ax.set_yticks(np.arange(len(labels)), labels, fontsize=size)
    ax.set_ylim(len(labels) - 0.4, -0.6)
