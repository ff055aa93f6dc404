"""SpikeRasterDisplay: which neuron fires when, layer by layer."""

import numpy as np

from sklearn_snn._utils.errstate import with_own_errstate
from sklearn_snn.inspection._figure import (
    divide,
    draw_raster,
    room_for_labels,
    space,
)
from sklearn_snn.inspection._inputs import bars_height, check_image_shape, draw_input
from sklearn_snn.inspection._pipelines import (
    check_index,
    choose_sample,
    mean_over_steps,
    n_labels_of,
    row_of,
    row_of_record,
    split_pipeline,
)
from sklearn_snn.inspection._text import (
    OUTPUT_NAMES,
    answer_title,
    told_apart,
    true_label,
)

# The name of the layer that is no layer of neurons.
_INPUT = "Input"


class SpikeRasterDisplay:
    """Raster of the spikes of input, hidden and output layers.

    A layer that never fires, as the output layer with ``readout="membrane_mean"`` and
    of a `SpikingRegressor`, has no raster: `MembraneDisplay` shows what it does.

    The input has a raster where it is spikes. A row of a table, which has no steps, is
    drawn beside the others, and graded recordings, with values other than 0 and 1, are
    not drawn.

    Use `from_estimator` or `from_record` to make one.

    Parameters
    ----------
    rasters : list of ndarrays of shape (n_steps, n_units)
        Spikes of each layer, from the input upwards, 0 or 1; or their mean over
        samples, in [0, 1], of those that have not ended.
    names : list of str
        Name of each layer.
    classes : ndarray of shape (n_outputs,), default=None
        What the neurons of the last layer stand for.
    title : str, default=None
        What is written above: truth, answer and how sure it is.
    inputs : ndarray of shape (n_features,), default=None
        The row of a table, or the image, that the spikes are the answer to.
    input_names : list of str, default=None
        What its columns are called. A value that `from_estimator` adds is the one
        before the steps of a pipeline scaled it.
    image_shape : tuple of two int, default=None
        Shape of the image that `inputs` makes up; None draws bars, of at most 30
        columns: those of the largest values.
    output : str, default="Class"
        What a neuron of the last layer is called, if it stands for something.

    Attributes
    ----------
    ax_ : ndarray of matplotlib Axes of shape (n_layers,)
        One panel per layer, the output on top.
    input_ax_ : matplotlib Axes or None
        The panel of `inputs`, beside the others; None without.
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

    def __init__(
        self,
        rasters,
        names,
        *,
        classes=None,
        title=None,
        inputs=None,
        input_names=None,
        image_shape=None,
        output="Class",
    ):
        self.rasters = rasters
        self.names = names
        self.classes = classes
        self.output = output
        self.title = title
        self.inputs = inputs
        self.input_names = input_names
        self.image_shape = image_shape

    @classmethod
    @with_own_errstate
    def from_estimator(
        cls, estimator, X, *, sample=0, y=None, image_shape=None, ax=None
    ):
        """Simulate and draw.

        Parameters
        ----------
        estimator : SpikingClassifier, SpikingRegressor, Pipeline or search
            Fitted.
        X : array-like with n_samples rows
            What `estimator` predicts from.
        sample : int or "mean", default=0
            Which row of X; "mean" shows, at each step, the mean over all that have not
            ended.
        y : array-like with n_samples rows, or that of the sample, default=None
            True labels or numbers of X, or of the sample, for the title. Not used with
            ``sample="mean"``.
        image_shape : tuple of two int, default=None
            Shape of the image that the features make up. None takes rows for square
            images if the number of features is the square of 8 or more and the columns
            of X have no names, and draws bars if not. Not used with ``sample="mean"``.
        ax : matplotlib Axes, default=None
            Axes whose place is used; None makes a figure.

        Returns
        -------
        display : SpikeRasterDisplay
            The picture, drawn.

        Raises
        ------
        ValueError
            If there is no such sample, X is too large to simulate at once, `y` or
            `image_shape` does not fit, or nothing can fire.
        TypeError
            If there is no spiking network at the end of `estimator`.
        """
        row = None
        if not _is_mean(sample):
            X, y = choose_sample(estimator, X, sample, y)
        model, given = split_pipeline(estimator, X)
        if not _is_mean(sample):
            sample, row = 0, row_of(estimator, X)
        record = model.simulate(given)
        return cls._from_row(record, row, sample, y, image_shape, ax)

    @classmethod
    @with_own_errstate
    def from_record(cls, record, *, sample=0, y=None, image_shape=None, ax=None):
        """Draw a record.

        Parameters
        ----------
        record : SimulationRecord
            As `SpikingClassifier.simulate` returns it.
        sample : int or "mean", default=0
            Which of its samples; "mean" shows, at each step, the mean over all that
            have not ended.
        y : array-like with n_samples rows, or that of the sample, default=None
            True labels or numbers of the samples, or of the one, for the title. Not
            used with ``sample="mean"``.
        image_shape : tuple of two int, default=None
            Shape of the image that the features make up. None takes rows for square
            images if the number of features is the square of 8 or more, and draws bars
            if not. Not used with ``sample="mean"``.
        ax : matplotlib Axes, default=None
            Axes whose place is used; None makes a figure.

        Returns
        -------
        display : SpikeRasterDisplay
            The picture, drawn. An input that is no spike train is not in its rasters.

        Raises
        ------
        ValueError
            If there is no such sample, nothing was recorded that can fire, or `y` or
            `image_shape` does not fit.
        """
        n_samples, row = len(record.logits), None
        if not _is_mean(sample):
            check_index(sample, n_samples, "sample")
            y = true_label(y, n_samples, sample, n_labels_of(record))
            row = row_of_record(record, sample)
        return cls._from_row(record, row, sample, y, image_shape, ax)

    @classmethod
    def _from_row(cls, record, row, sample, truth, image_shape, ax):
        """Draw a record, and beside it the Row that it is the answer to."""
        is_mean = _is_mean(sample)
        if not is_mean and row is None and image_shape is not None:
            row = mean_over_steps(record, sample)
        if row is not None:
            shape = image_shape, len(row.values)
            image_shape = check_image_shape(*shape, is_table=row.is_table)
        layers, names = [], []
        x = record.inputs
        if x is not None and x.ndim == 3 and np.isin(x, (0, 1)).all():
            layers, names = [x], [_INPUT]
        last = len(record.spikes) - 1
        shown = [i for i in record.layers if record.thresholds[i] is not None]
        for layer in shown:
            layers.append(record.spikes[layer])
            is_output = layer == last
            names.append("Output layer" if is_output else f"Hidden layer {layer + 1}")
        if not layers:
            raise ValueError(
                "The record has neither layers nor input spikes."
                if not record.layers
                else "The only layers recorded never fire: see MembraneDisplay."
            )
        if is_mean:
            rasters = [_mean_of_steps(s, record.lengths) for s in layers]
        else:
            rasters = [s[sample] for s in layers]
        classes = record.classes if last in shown else None
        return cls(
            rasters,
            names,
            classes=classes,
            title=None if is_mean else answer_title(record, sample, truth),
            inputs=None if row is None else row.values,
            input_names=None if row is None else row.names,
            image_shape=image_shape,
            output=OUTPUT_NAMES[record.loss],
        ).plot(ax=ax)

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
        width, height, shares = 7, 1 + sum(heights), (1,)
        if self.inputs is not None and self.image_shape is not None:
            width, shares = 8.5, (5, 1)
        elif self.inputs is not None:
            width, shares = 10.5, (5, 4)
            height = max(height, bars_height(len(self.inputs)))
        figure, cell = space(
            "SpikeRasterDisplay.plot", ax, self.title, figsize=(width, height)
        )
        cells = cell.subgridspec(1, len(shares), width_ratios=shares)
        axes = divide(figure, cells[0], heights)[:, 0]
        self.input_ax_ = None
        if self.inputs is not None:
            self.input_ax_ = figure.add_subplot(cells[1])
            # What the spikes of the input were made of, or what made those above.
            who = "encoder" if _INPUT in self.names else "network"
            shown = self.inputs, self.input_names, self.image_shape
            draw_input(self.input_ax_, *shown, who)
        layers = zip(axes, reversed(self.rasters), reversed(self.names), strict=True)
        for i, (panel, raster, name) in enumerate(layers):
            draw_raster(panel, raster)
            panel.set_title(name, fontsize="medium")
            is_output = i == 0 and self.classes is not None
            unit = "Channel" if name == _INPUT else "Neuron"
            panel.set_ylabel(self.output if is_output else unit)
            if is_output and len(self.classes) <= 20:
                labels = told_apart(self.classes, room_for_labels(panel))
                panel.set_yticks(range(len(labels)), labels)
            if i < len(axes) - 1:
                panel.set_xlabel("")
                panel.tick_params(labelbottom=False)
        self.ax_, self.figure_ = axes, figure
        return self


def _mean_of_steps(spikes, lengths):
    """Return the mean of each step over the samples that have it."""
    if lengths is None:
        return spikes.mean(axis=0)
    goes_on = np.arange(spikes.shape[1])[:, np.newaxis] < lengths
    return spikes.sum(axis=0) / np.maximum(goes_on.sum(axis=1, keepdims=True), 1)


def _is_mean(sample):
    return isinstance(sample, str) and sample == "mean"
