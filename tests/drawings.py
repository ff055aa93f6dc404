"""What matplotlib was told to draw, read back from its axes."""

import numpy as np


def drawn_spikes(ax):
    """Return the (n_steps, n_units) raster that the marks of an axes show."""
    n_steps = round(ax.get_xlim()[1] - 0.5)
    n_units = round(max(ax.get_ylim()) + 0.5)
    raster = np.zeros((n_steps, n_units))
    for marks in ax.collections:
        for (t, low), (_, high) in marks.get_segments():
            raster[round(t) - 1, round((low + high) / 2)] = 1
    for line in ax.lines:
        raster[np.int_(line.get_xdata()) - 1, np.int_(line.get_ydata())] = 1
    return raster


def line(ax, label):
    """Return the values of the line with a label."""
    (found,) = (one for one in ax.lines if one.get_label() == label)
    return np.asarray(found.get_ydata(), float)


def bars(ax):
    """Return the widths of the horizontal bars of an axes by their names."""
    names = [text.get_text() for text in ax.get_yticklabels()]
    widths = [patch.get_width() for patch in ax.patches]
    return dict(zip(names, widths, strict=True))


def heading(display):
    """Return the first line of what is written above a picture."""
    title = display.figure_.get_suptitle()
    return title.replace("\N{NO-BREAK SPACE}", " ").split("\n")[0]
