"""The charts of the page on benchmarks, as SVG."""

import matplotlib

OURS_COLOR, PEER_COLOR = "#c44e52", "#4c72b0"
_STYLE = {
    "figure.constrained_layout.use": True,
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    # The same file for the same figures.
    "svg.hashsalt": "sklearn-snn",
}


def _color(name):
    return OURS_COLOR if name.startswith("sklearn-snn") else PEER_COLOR


def _figure(n_rows):
    from matplotlib.figure import Figure

    # As wide as a phone shows without making letters too small to read.
    figure = Figure(figsize=(6.0, 0.9 + 0.3 * n_rows))
    return figure, figure.subplots()


def _save(figure, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, facecolor="white", metadata={"Date": None})


def bars(path, medians):
    """Draw milliseconds by name, the least first, on a logarithmic axis.

    Parameters
    ----------
    path : Path
        Of the file to write.
    medians : dict of float
        Seconds.

    Returns
    -------
    alt : str
        What the chart shows, in words.
    """
    names = sorted(medians, key=medians.get)
    values = [1e3 * medians[name] for name in names]
    with matplotlib.rc_context(_STYLE):
        figure, axes = _figure(len(names))
        drawn = axes.barh(names, values, color=[_color(name) for name in names])
        axes.bar_label(drawn, [f"{value:.3g}" for value in values], padding=3)
        axes.set_xscale("log")
        axes.set_xlim(min(values) / 2, 2 * max(values))
        axes.invert_yaxis()
        axes.set_xlabel("ms per batch, logarithmic")
        _save(figure, path)
    texts = [f"{name} {value:.3g}" for name, value in zip(names, values, strict=True)]
    return f"Milliseconds per batch: {'; '.join(texts)}."


def dots(path, times, accuracies):
    """Draw a dot for each time and name: accuracies after so many seconds.

    Parameters
    ----------
    path : Path
    times : list of float
    accuracies : dict of list of float
        Of each name, by time.

    Returns
    -------
    alt : str
    """
    names = sorted(accuracies, key=lambda name: -accuracies[name][-1])
    sizes = [40 + 40 * i for i in range(len(times))]
    with matplotlib.rc_context(_STYLE):
        figure, axes = _figure(len(names))
        for row, name in enumerate(names):
            values, color = [100 * a for a in accuracies[name]], _color(name)
            axes.plot(values, [row] * len(values), color=color, alpha=0.5)
            axes.scatter(values, [row] * len(values), sizes, color=color)
        for seconds, size in zip(times, sizes, strict=True):
            axes.scatter([], [], size, color="gray", label=f"after {seconds:g} s")
        axes.set_yticks(range(len(names)), names)
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.grid(axis="x", alpha=0.3)
        axes.set_xlabel("test accuracy, %")
        # Above, where no dot can be.
        figure.legend(loc="outside upper right", ncols=len(times), frameon=False)
        _save(figure, path)
    texts = [
        f"{name} {', '.join(f'{a:.2%}' for a in accuracies[name])}" for name in names
    ]
    after = ", ".join(f"{seconds:g}" for seconds in times)
    return f"Test accuracy after {after} seconds: {'; '.join(texts)}."
