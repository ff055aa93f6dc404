"""What the displays share: estimators taken apart, axes, colours, rasters, images."""

import math
from numbers import Integral

import numpy as np
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sklearn_snn._compat import num_samples, safe_indexing

# Colours that the colour-blind can tell apart: Okabe & Ito, "Color universal design",
# 2008. The first is for what is dark on white, the threshold has one of its own.
COLORS = "#0072B2", "#D55E00", "#009E73", "#E69F00", "#56B4E9", "#CC79A7", "#000000"
THRESHOLD_COLOR = "#D55E00"
TIME_LABEL = "Time (steps)"
# Up to so many neurons, each spike is a line of its own; above, a dot.
_FEW_UNITS = 100
# Of a picture, in pixels, if nobody says that it is one.
_SMALLEST_SIDE = 8


def import_pyplot(caller):
    """Import matplotlib; raise ImportError that names what to install."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f"{caller} needs matplotlib: pip install 'sklearn-snn[plot]'"
        ) from error
    return plt


def final_estimator(estimator):
    """Return a fitted estimator without the search around it."""
    check_is_fitted(estimator)
    return getattr(estimator, "best_estimator_", estimator)


def final_classifier(estimator):
    """Return the classifier at the end of a fitted estimator."""
    estimator = final_estimator(estimator)
    if isinstance(estimator, Pipeline):
        return final_classifier(estimator[-1])
    return estimator


def split_pipeline(estimator, X):
    """Return the classifier at the end of an estimator, and what it is given for X."""
    estimator = final_estimator(estimator)
    if not isinstance(estimator, Pipeline):
        return estimator, X
    if len(estimator) > 1:
        X = estimator[:-1].transform(X)
    return split_pipeline(estimator[-1], X)


def choose_sample(X, sample):
    """Return one sample of X, as a batch of one.

    Raises
    ------
    ValueError
        If there is no such sample.
    """
    check_index(sample, num_samples(X), "sample")
    return safe_indexing(X, [int(sample)])


def check_index(i, n, what):
    """Raise ValueError if ``i`` is not an index of one of ``n`` things."""
    if not isinstance(i, Integral) or not -n <= i < n:
        raise ValueError(f"{what} must be the index of one of {n} {what}s, got {i!r}.")


def panels(caller, ax, rows, columns=(1,), **figure_options):
    """Return a figure and an array of axes, in new space or in that of `ax`.

    Parameters
    ----------
    caller : str
        Who needs matplotlib.
    ax : Axes or None
        Axes whose place is divided; they are turned off themselves.
    rows, columns : sequences of float
        Relative heights and widths.
    **figure_options
        For a new figure.

    Returns
    -------
    figure : Figure
    axes : ndarray of Axes of shape (n_rows, n_columns)
    """
    plt = import_pyplot(caller)
    shape = len(rows), len(columns)
    ratios = {"height_ratios": rows, "width_ratios": columns}
    if ax is None:
        figure = plt.figure(**{"layout": "constrained", **figure_options})
        grid = figure.add_gridspec(*shape, **ratios)
    else:
        figure = ax.figure
        grid = ax.get_subplotspec()
        if grid is None:
            raise ValueError("ax must be of a grid, as plt.subplots makes it.")
        ax.set_axis_off()
        grid = grid.subgridspec(*shape, **ratios)
    axes = [figure.add_subplot(cell) for cell in grid]
    axes = np.array(axes).reshape(shape)
    return figure, axes


def single_axes(caller, ax, **figure_options):
    """Return a figure and axes, new ones unless `ax` is given."""
    plt = import_pyplot(caller)
    if ax is None:
        return plt.subplots(**{"layout": "constrained", **figure_options})
    return ax.figure, ax


def set_time_axis(ax, n_steps, label=True):
    """Let the axis show whole steps 1, ..., n_steps."""
    from matplotlib.ticker import MaxNLocator

    ax.set_xlim(0.5, n_steps + 0.5)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if label:
        ax.set_xlabel(TIME_LABEL)
    else:
        ax.tick_params(labelbottom=False)


def label_few_decades(ax):
    """Label 1, 2 and 5 of each power of ten: matplotlib labels all that it can fit."""
    from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter

    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=12))
    ax.yaxis.set_major_formatter(FormatStrFormatter("%g"))
    ax.yaxis.set_minor_formatter(NullFormatter())


def draw_raster(ax, raster):
    """Draw spikes as marks, or mean spikes as shades of grey.

    Parameters
    ----------
    ax : Axes
    raster : ndarray of shape (n_steps, n_units)
        Step ``t`` is drawn at ``t + 1``, neurons from 0 upwards.
    """
    from matplotlib.ticker import MaxNLocator

    n_steps, n_units = raster.shape
    if np.isin(raster, (0, 1)).all():
        steps, units = np.nonzero(raster)
        if n_units <= _FEW_UNITS:
            ax.vlines(steps + 1, units - 0.4, units + 0.4, color="black", linewidth=1)
        else:
            ax.plot(steps + 1, units, ",", color="black", alpha=0.6, rasterized=True)
    else:
        extent = 0.5, n_steps + 0.5, -0.5, n_units - 0.5
        image = ax.imshow(
            raster.T,
            aspect="auto",
            origin="lower",
            cmap="Greys",
            vmin=0,
            interpolation="nearest",
            extent=extent,
        )
        ax.figure.colorbar(image, ax=ax, label="Spikes per step")
    ax.set_ylim(-0.5, n_units - 0.5)
    ax.yaxis.set_major_locator(MaxNLocator(integer=True, nbins=5, min_n_ticks=1))
    set_time_axis(ax, n_steps)


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
