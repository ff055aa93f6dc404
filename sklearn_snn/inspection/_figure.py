"""What the displays share: room in a figure, titles, colours, time axes, rasters."""

import numpy as np

from sklearn_snn.inspection._text import room_for, wrapped

# Colours that the colour-blind can tell apart: Okabe & Ito, "Color universal design",
# 2008. The first is for what is dark on white, the threshold has one of its own.
COLORS = "#0072B2", "#D55E00", "#009E73", "#E69F00", "#56B4E9", "#CC79A7", "#000000"
THRESHOLD_COLOR = "#D55E00"
TIME_LABEL = "Time (steps)"
# Up to so many neurons, each spike is a line of its own; above, a dot.
_FEW_UNITS = 100
# In points; and the height of a line in font sizes, and in heights of its letters.
_TITLE_SIZE = 10
_LINE = 1.4
_SPACING = 1.9


def import_pyplot(caller):
    """Import matplotlib; raise ImportError that names what to install."""
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            f"{caller} needs matplotlib: pip install 'sklearn-snn[plot]'"
        ) from error
    return plt


def space(caller, ax, title=None, **figure_options):
    """Return a figure and a cell of its grid: a new one, or that of `ax`.

    Parameters
    ----------
    caller : str
        Who needs matplotlib.
    ax : Axes or None
        Axes whose place is taken; they are turned off themselves. Their figure is laid
        out ("constrained") if it has no layout engine.
    title : str, default=None
        What is written above all of it.
    **figure_options
        For a new figure.

    Returns
    -------
    figure : Figure
    cell : SubplotSpec
    """
    plt = import_pyplot(caller)
    if ax is None:
        figure = plt.figure(**{"layout": "constrained", **figure_options})
        _set_figure_title(figure, title)
        return figure, figure.add_gridspec(1, 1)[0]
    _check_axes(ax)
    cell = ax.get_subplotspec()
    if cell is None:
        raise ValueError("ax must be of a grid, as plt.subplots makes it.")
    ax.set_axis_off()
    _lay_out(ax.figure)
    return ax.figure, cell if title is None else _below_title(ax, cell, title)


def _check_axes(ax):
    """Raise TypeError unless `ax` is one Axes of matplotlib."""
    from matplotlib.axes import Axes

    if not isinstance(ax, Axes):
        shape = f" of shape {ax.shape}" if isinstance(ax, np.ndarray) else ""
        raise TypeError(
            f"ax must be one matplotlib Axes, got {type(ax).__name__}{shape}."
        )


def _lay_out(figure):
    """Give a figure a layout if it has none: several texts in one place would overlap.

    A part of a figure has that of the whole.
    """
    if figure.get_layout_engine() is None and hasattr(figure, "set_layout_engine"):
        figure.set_layout_engine("constrained")


def _below_title(ax, cell, title):
    """Write a title in the upper part of a cell, and return the lower part."""
    width, height = size_of(ax)
    title = wrapped(title, width, _TITLE_SIZE)
    needed = _LINE * _TITLE_SIZE / 72 * (1 + title.count("\n"))
    ratios = needed, max(height - needed, needed)
    above, below = cell.subgridspec(2, 1, height_ratios=ratios)
    heading = ax.figure.add_subplot(above)
    heading.set_axis_off()
    style = {"ha": "center", "va": "center", "in_layout": False}
    heading.text(0.5, 0.5, title, fontsize=_TITLE_SIZE, **style)
    return below


def size_of(ax):
    """Return width and height of axes in inches, as they are before any layout."""
    return ax.bbox.width / ax.figure.dpi, ax.bbox.height / ax.figure.dpi


def room_for_labels(ax):
    """Return how long the labels of a vertical axis may be, in characters."""
    return int(np.clip(room_for(size_of(ax)[0] / 3, _TITLE_SIZE), 6, 20))


def divide(figure, cell, rows, columns=(1,)):
    """Return axes, of shape (n_rows, n_columns), in the space of a cell.

    Parameters
    ----------
    figure : Figure
    cell : SubplotSpec
    rows, columns : sequences of float
        Relative heights and widths.
    """
    shape = len(rows), len(columns)
    grid = cell.subgridspec(*shape, height_ratios=rows, width_ratios=columns)
    return np.array([figure.add_subplot(one) for one in grid]).reshape(shape)


def panels(caller, ax, rows, columns=(1,), title=None, **figure_options):
    """Return a figure and axes in new space or in that of `ax`: `space`, `divide`."""
    figure, cell = space(caller, ax, title, **figure_options)
    return figure, divide(figure, cell, rows, columns)


def single_axes(caller, ax, title=None, **figure_options):
    """Return a figure and axes, new ones unless `ax` is given.

    The title leaves a line free above given axes, and room for labels beside them.
    """
    plt = import_pyplot(caller)
    if ax is None:
        figure, ax = plt.subplots(**{"layout": "constrained", **figure_options})
        _set_figure_title(figure, title)
        return figure, ax
    _check_axes(ax)
    _lay_out(ax.figure)
    if title is not None:
        width = 2 / 3 * size_of(ax)[0]
        title = wrapped(title, width, _TITLE_SIZE) + "\n"
        ax.set_title(title, fontsize=_TITLE_SIZE, linespacing=_SPACING)
    return ax.figure, ax


def _set_figure_title(figure, title):
    if title is not None:
        width = figure.bbox.width / figure.dpi
        figure.suptitle(wrapped(title, width, _TITLE_SIZE), fontsize=_TITLE_SIZE)


def set_time_axis(ax, n_steps, label=True):
    """Let the axis show whole steps 1, ..., n_steps."""
    from matplotlib.ticker import MaxNLocator

    ax.set_xlim(0.5, n_steps + 0.5)
    n_ticks = int(np.clip(2.5 * size_of(ax)[0], 2, 10))
    ax.xaxis.set_major_locator(MaxNLocator(n_ticks, integer=True, min_n_ticks=1))
    if label:
        ax.set_xlabel(TIME_LABEL)
    else:
        ax.tick_params(labelbottom=False)


def line_width(n_steps):
    """Return the width of lines of which there may be one per step, in points."""
    return min(1, max(0.3, 200 / n_steps))


def layer_style(layer, is_output=False):
    """Return colour and line style of a layer, the output layer being dashed."""
    styles = "-", ":", "-.", (0, (5, 1, 1, 1, 1, 1))
    style = "--" if is_output else styles[layer // len(COLORS) % len(styles)]
    return {"color": COLORS[layer % len(COLORS)], "linestyle": style}


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
            style = {"color": "black", "linewidth": line_width(n_steps)}
            ax.vlines(steps + 1, units - 0.4, units + 0.4, **style)
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
