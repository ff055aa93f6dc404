"""SpikeRasterDisplay: which neuron fires when, layer by layer."""

import numpy as np

from sklearn_snn._errstate import with_own_errstate
from sklearn_snn.inspection._figure import (
    check_index,
    choose_sample,
    draw_raster,
    panels,
    split_pipeline,
)


class SpikeRasterDisplay:
    """Raster of the spikes of input, hidden and output layers.

    Use `from_estimator` or `from_record` to make one.

    Parameters
    ----------
    rasters : list of ndarrays of shape (n_steps, n_units)
        Spikes of each layer, from the input upwards, 0 or 1; or their mean over
        samples, in [0, 1].
    names : list of str
        Name of each layer.
    classes : ndarray of shape (n_classes,), default=None
        What the neurons of the last layer stand for.

    Attributes
    ----------
    ax_ : ndarray of matplotlib Axes of shape (n_layers,)
        One panel per layer, the output on top.
    figure_ : matplotlib Figure
        The figure they are in.

    See Also
    --------
    MembraneDisplay : The membranes below the spikes.
    sklearn_snn.SpikingClassifier.simulate : The record that is shown.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_snn import SpikingClassifier
    >>> from sklearn_snn.inspection import SpikeRasterDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> model = SpikingClassifier((20,), random_state=0).fit(X, y)
    >>> display = SpikeRasterDisplay.from_estimator(model, X, sample=3)
    >>> display.names
    ['Hidden layer 1', 'Output layer']
    >>> plt.close()
    """

    def __init__(self, rasters, names, *, classes=None):
        self.rasters = rasters
        self.names = names
        self.classes = classes

    @classmethod
    @with_own_errstate
    def from_estimator(cls, estimator, X, *, sample=0, ax=None):
        """Simulate and draw.

        Parameters
        ----------
        estimator : SpikingClassifier, Pipeline or search
            Fitted.
        X : array-like with n_samples rows
            What `estimator` predicts from.
        sample : int or "mean", default=0
            Which row of X; "mean" shows the mean over all of them.
        ax : matplotlib Axes, default=None
            Axes whose place is used; None makes a figure.

        Returns
        -------
        display : SpikeRasterDisplay
            The picture, drawn.

        Raises
        ------
        ValueError
            If there is no such sample, or X is too large to simulate at once.
        """
        if not (isinstance(sample, str) and sample == "mean"):
            X, sample = choose_sample(X, sample), 0
        classifier, X = split_pipeline(estimator, X)
        return cls.from_record(classifier.simulate(X), sample=sample, ax=ax)

    @classmethod
    @with_own_errstate
    def from_record(cls, record, *, sample=0, ax=None):
        """Draw a record.

        Parameters
        ----------
        record : SimulationRecord
            As `SpikingClassifier.simulate` returns it.
        sample : int or "mean", default=0
            Which of its samples; "mean" shows the mean over all of them.
        ax : matplotlib Axes, default=None
            Axes whose place is used; None makes a figure.

        Returns
        -------
        display : SpikeRasterDisplay
            The picture, drawn. An input that is no spike train is not in it.

        Raises
        ------
        ValueError
            If there is no such sample, or nothing was recorded.
        """
        is_mean = isinstance(sample, str) and sample == "mean"
        if not is_mean:
            check_index(sample, len(record.logits), "sample")
        layers, names = [], []
        x = record.inputs
        if x is not None and x.ndim == 3 and np.isin(x, (0, 1)).all():
            layers, names = [x], ["Input"]
        last = len(record.spikes) - 1
        for layer in record.layers:
            layers.append(record.spikes[layer])
            is_output = layer == last
            names.append("Output layer" if is_output else f"Hidden layer {layer + 1}")
        if not layers:
            raise ValueError("The record has neither layers nor input spikes.")
        if is_mean:
            rasters = [s.mean(axis=0) for s in layers]
        else:
            rasters = [s[sample] for s in layers]
        classes = record.classes if last in record.layers else None
        return cls(rasters, names, classes=classes).plot(ax=ax)

    @with_own_errstate
    def plot(self, ax=None):
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes whose place is used; None makes a figure.

        Returns
        -------
        display : SpikeRasterDisplay
            Itself, with `ax_` and `figure_`.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        # In inches: more neurons get more room, within reason.
        heights = [
            min(max(0.9, 0.15 * r.shape[1]), 2 + 0.001 * r.shape[1], 4)
            for r in reversed(self.rasters)
        ]
        figure, axes = panels(
            "SpikeRasterDisplay.plot",
            ax,
            heights,
            figsize=(7, 1 + sum(heights)),
        )
        axes = axes[:, 0]
        layers = zip(axes, reversed(self.rasters), reversed(self.names), strict=True)
        for i, (panel, raster, name) in enumerate(layers):
            draw_raster(panel, raster)
            panel.set_title(name, fontsize="medium")
            is_output = i == 0 and self.classes is not None
            panel.set_ylabel("Class" if is_output else "Neuron")
            if is_output and len(self.classes) <= 20:
                panel.set_yticks(range(len(self.classes)), self.classes)
            if i < len(axes) - 1:
                panel.set_xlabel("")
                panel.tick_params(labelbottom=False)
        self.ax_, self.figure_ = axes, figure
        return self
