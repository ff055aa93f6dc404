"""MembraneDisplay: how membranes charge, fire and are reset."""

from numbers import Integral

import numpy as np

from sklearn_snn._utils.errstate import with_own_errstate
from sklearn_snn.inspection._figure import (
    COLORS,
    THRESHOLD_COLOR,
    line_width,
    room_for_labels,
    set_time_axis,
    single_axes,
)
from sklearn_snn.inspection._pipelines import (
    check_index,
    choose_sample,
    n_labels_of,
    split_pipeline,
)
from sklearn_snn.inspection._text import answer_title, told_apart, true_label

_THRESHOLD_STYLE = {"linestyle": "--", "color": THRESHOLD_COLOR}
_ZERO_STYLE = {"color": "0.8"}
_MAX_UNITS = 10
_TOO_MANY_UNITS = 200


class MembraneDisplay:
    """Membranes of a layer over time, stacked, with threshold and spikes.

    The membrane is that before the spike test and the reset: it is above its dashed
    threshold line exactly where a spike is marked. Neurons that never fire have no
    such line, and are drawn whole; zero is a faint one. Use `from_estimator` or
    `from_record` to make a display.

    Parameters
    ----------
    membranes : ndarray of shape (n_steps, n_units)
        Membrane of each neuron, in the unit of the threshold; NaN beyond the end of the
        sample, where nothing is drawn.
    spikes : ndarray of shape (n_steps, n_units)
        1 where it fires.
    threshold : float, ndarray of shape (n_units,) or None
        Membrane above which each neuron fires; None if they never do.
    names : list of str
        What each neuron is called.
    depth : float, default=2.0
        Membranes are drawn down to so many thresholds below 0: that of an inhibited
        neuron, far below, would leave no room to see the others cross the threshold.
    title : str, default=None
        What is written above: truth, answer and how sure it is.
    layer_size : int, default=None
        How many neurons the layer has; if they are more, it is said how many are shown.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes that were drawn in.
    figure_ : matplotlib Figure
        The figure they are in.
    offsets_ : ndarray of shape (n_units,)
        Height at which the zero of each membrane is drawn.

    See Also
    --------
    SpikeRasterDisplay : The spikes of all layers.
    sklearn_snn.SpikingClassifier.simulate : The record that is shown.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_snn import SpikingClassifier
    >>> from sklearn_snn.inspection import MembraneDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> model = SpikingClassifier((20,), random_state=0).fit(X, y)
    >>> display = MembraneDisplay.from_estimator(model, X, layer=0, units=[3, 5])
    >>> display.membranes.shape
    (25, 2)
    >>> plt.close()
    """

    def __init__(
        self,
        membranes,
        spikes,
        threshold,
        names,
        *,
        depth=2.0,
        title=None,
        layer_size=None,
    ):
        self.membranes = membranes
        self.spikes = spikes
        self.threshold = threshold
        self.names = names
        self.depth = depth
        self.title = title
        self.layer_size = layer_size

    @classmethod
    @with_own_errstate
    def from_estimator(
        cls, estimator, X, *, sample=0, layer=-1, units=None, depth=2.0, y=None, ax=None
    ):
        """Simulate and draw.

        Parameters
        ----------
        estimator : SpikingClassifier, SpikingRegressor, Pipeline or search
            Fitted.
        X : array-like with n_samples rows
            What `estimator` predicts from.
        sample : int, default=0
            Which row of X.
        layer : int, default=-1
            Which layer, by its index in `coefs_`; -1 is the output layer.
        units : array-like of int, default=None
            Which neurons; None means the first ten, and of the output layer ten among
            which are the answer and the truth (of several labels, as many as ten).
        depth : float, default=2.0
            Membranes are drawn down to so many thresholds below 0.
        y : array-like with n_samples rows, or that of the sample, default=None
            True labels or numbers of the samples, or of the one, for the title.
        ax : matplotlib Axes, default=None
            Axes to draw in; None makes a figure.

        Returns
        -------
        display : MembraneDisplay
            The picture, drawn.

        Raises
        ------
        ValueError
            If there is no such sample, layer or neuron, or `y` does not fit.
        TypeError
            If there is no spiking network at the end of `estimator`.
        """
        X, truth = choose_sample(estimator, X, sample, y)
        model, X = split_pipeline(estimator, X)
        record = model.simulate(X, layers=[layer], inputs=False)
        options = {"layer": layer, "units": units, "depth": depth}
        return cls.from_record(record, **options, y=truth, ax=ax)

    @classmethod
    @with_own_errstate
    def from_record(
        cls, record, *, sample=0, layer=-1, units=None, depth=2.0, y=None, ax=None
    ):
        """Draw a record.

        Parameters
        ----------
        record : SimulationRecord
            As `SpikingClassifier.simulate` returns it.
        sample : int, default=0
            Which of its samples.
        layer : int, default=-1
            Which layer, by its index in `coefs_`; -1 is the output layer.
        units : array-like of int, default=None
            Which neurons; None means the first ten, and of the output layer ten among
            which are the answer and the truth (of several labels, as many as ten).
        depth : float, default=2.0
            Membranes are drawn down to so many thresholds below 0.
        y : array-like with n_samples rows, or that of the sample, default=None
            True labels or numbers of the samples, or of the one, for the title.
        ax : matplotlib Axes, default=None
            Axes to draw in; None makes a figure.

        Returns
        -------
        display : MembraneDisplay
            The picture, drawn.

        Raises
        ------
        ValueError
            If that layer was not recorded, there is no such sample or neuron, `y` does
            not fit, or there are more neurons than can be told apart: 200.
        """
        check_index(layer, len(record.membranes), "layer")
        n_samples = len(record.logits)
        check_index(sample, n_samples, "sample")
        if record.membranes[layer] is None:
            raise ValueError(f"Layer {layer} was not recorded, only {record.layers}.")
        truth = true_label(y, n_samples, sample, n_labels_of(record))
        u, s = record.membranes[layer][sample], record.spikes[layer][sample]
        n_units = u.shape[1]
        is_output = layer % len(record.spikes) == len(record.spikes) - 1
        if units is None:
            told = _outputs_told(record, sample, truth) if is_output else []
            units = _first_with(told, n_units)
        units = np.atleast_1d(units).tolist()
        if not units or not all(
            isinstance(k, Integral) and -n_units <= k < n_units for k in units
        ):
            raise ValueError(
                f"units must be indices of {n_units} neurons, got {units}."
            )
        if len(units) > _TOO_MANY_UNITS:
            raise ValueError(
                f"{len(units)} membranes cannot be told apart; take at most "
                f"{_TOO_MANY_UNITS}."
            )
        if is_output:
            names = [str(record.classes[k]) for k in units]
        else:
            names = [str(k % n_units) for k in units]
        threshold = record.thresholds[layer]
        return cls(
            u[:, units],
            s[:, units],
            None if threshold is None else threshold[units],
            names,
            depth=depth,
            title=answer_title(record, sample, truth),
            layer_size=n_units,
        ).plot(ax=ax)

    @with_own_errstate
    def plot(self, ax=None):
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw in; None makes a figure.

        Returns
        -------
        display : MembraneDisplay
            Itself, with `ax_`, `figure_` and `offsets_`.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        n_steps, n_units = self.membranes.shape
        figure, ax = single_axes(
            "MembraneDisplay.plot",
            ax,
            self.title,
            figsize=(7, np.clip(1.5 + 0.6 * n_units, 2.5, 9)),
        )
        fires = self.threshold is not None
        thresholds = np.broadcast_to(self.threshold if fires else 0.0, n_units)
        lowest = np.fmin.reduce(self.membranes, axis=None, initial=np.inf)
        floors = np.full(n_units, lowest)
        if fires:
            floors = np.maximum(floors, -self.depth * thresholds)
        is_deep = self.membranes < floors
        shown = np.where(is_deep, np.nan, self.membranes)
        highest = np.fmax.reduce(shown, axis=None, initial=thresholds.max())
        bottom = min(floors.min(), 0)
        spacing = 1.1 * (highest - bottom) or 1.0
        self.offsets_ = spacing * np.arange(n_units)
        steps = np.arange(1, n_steps + 1)
        width = line_width(n_steps)
        for k, offset in enumerate(self.offsets_):
            u, fired = shown[:, k] + offset, self.spikes[:, k] > 0
            ax.axhline(
                thresholds[k] + offset,
                linewidth=0.8,
                **(_THRESHOLD_STYLE if fires else _ZERO_STYLE),
                label="Threshold" if fires and k == 0 else None,
            )
            ax.plot(steps, u, color=COLORS[0], linewidth=width, label="_membrane")
            # Where it is too deep to be drawn, a faint line says so.
            deep = np.where(is_deep[:, k], floors[k] + offset, np.nan)
            ax.plot(steps, deep, ":", color="0.6", linewidth=1, label="_deep")
            ax.plot(
                steps[fired],
                u[fired],
                "v",
                color="black",
                markersize=2 + 2 * width,
                label="Spike" if k == 0 else "_spike",
            )
        ax.set_yticks(self.offsets_, told_apart(self.names, room_for_labels(ax)))
        if is_deep.any():
            below = f"{floors[0]:.3g}"
            if np.ptp(floors):
                below = f"-{self.depth:.3g} thresholds"
            ax.plot([], [], ":", color="0.6", label=f"Below {below}")
        # The lowest line, not quite at the edge, is seen whole.
        ax.set_ylim(bottom - 0.03 * spacing, self.offsets_[-1] + spacing)
        label = "Membrane (0 at its name)"
        if self.layer_size is not None and n_units < self.layer_size:
            label += f"\n{n_units} of {self.layer_size} neurons"
        ax.set(ylabel=label)
        set_time_axis(ax, n_steps)
        if fires:
            place = {"loc": "lower right", "bbox_to_anchor": (1, 1), "frameon": False}
            style = {"fontsize": "small", "handlelength": 1.2, "columnspacing": 1}
            ax.legend(**place, **style, ncols=3)
        self.ax_, self.figure_ = ax, figure
        return self


def _outputs_told(record, sample, truth):
    """Return the indices of what the title names: the answer, and what is true."""
    logits, classes = record.logits[sample, -1], record.classes.tolist()
    if record.loss == "squared_error":
        return []
    if record.loss == "logistic":
        is_true = np.zeros(len(classes), bool) if truth is None else truth > 0
        return np.flatnonzero(is_true | (logits > 0)).tolist()
    told = {int(logits.argmax())}
    return sorted(told | ({classes.index(truth)} if truth in classes else set()))


def _first_with(chosen, n_units):
    """Return the first neurons, as many as are drawn, in order; the chosen are in."""
    others = [k for k in range(n_units) if k not in chosen]
    return sorted([*chosen, *others][:_MAX_UNITS])
