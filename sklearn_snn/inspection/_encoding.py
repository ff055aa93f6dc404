"""EncodingDisplay: what an encoder makes of a sample."""

import numpy as np

from sklearn_snn._utils.errstate import with_own_errstate
from sklearn_snn._utils.warnings import each_once
from sklearn_snn.inspection._figure import draw_raster, panels, size_of
from sklearn_snn.inspection._inputs import (
    MAX_BARS,
    bars_height,
    check_image_shape,
    draw_image,
    fitting,
    n_rows_of,
)
from sklearn_snn.inspection._pipelines import (
    active_steps,
    choose_sample,
    encoder_and_input,
    row_of,
    split_pipeline,
)
from sklearn_snn.inspection._text import answer_title, title_line, truth_text, wrapped


class EncodingDisplay:
    """Intensities, the spikes that encode them, and what these tell.

    Use `from_estimator` to make one.

    Parameters
    ----------
    intensities : ndarray of shape (n_features,)
        What is encoded.
    spikes : ndarray of shape (n_steps, n_features) or (n_steps, n_neurons)
        Its spikes, 0 or 1; with several neurons for a feature, theirs.
    image_shape : tuple of two int, default=None
        Shape of the image that the features make up; None draws them as bars.
    names : list of str, default=None
        What the features are called; more than 30 names are not drawn. A value that
        `from_estimator` adds is the one before the steps of a pipeline scaled it.
    title : str, default=None
        What is written above: truth, answer and how sure it is.
    decoded : ndarray of shape (n_features,), default=None
        The intensities that the spikes tell, which are drawn beside them. None draws
        the rates of the spikes.

    Attributes
    ----------
    ax_ : ndarray of matplotlib Axes of shape (3,)
        Intensities, raster, reconstruction.
    figure_ : matplotlib Figure
        The figure they are in.

    See Also
    --------
    sklearn_snn.PoissonSpikeEncoder : An encoder, whose rates are drawn.
    sklearn_snn.LatencySpikeEncoder : One of times, which are decoded.
    sklearn_snn.PopulationSpikeEncoder : One of several neurons for each feature.
    SpikeRasterDisplay : The spikes that the network answers with.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_snn import PoissonSpikeEncoder
    >>> from sklearn_snn.inspection import EncodingDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> encoder = PoissonSpikeEncoder(n_steps=50, random_state=0).fit(X)
    >>> display = EncodingDisplay.from_estimator(encoder, X, sample=7)
    >>> display.spikes.shape, display.image_shape
    ((50, 64), (8, 8))
    >>> plt.close()
    """

    def __init__(
        self,
        intensities,
        spikes,
        *,
        image_shape=None,
        names=None,
        title=None,
        decoded=None,
    ):
        self.intensities = intensities
        self.spikes = spikes
        self.image_shape = image_shape
        self.names = names
        self.title = title
        self.decoded = decoded

    @property
    def rates(self):
        """Spikes per step of each row of the raster."""
        return self.spikes.mean(axis=0)

    @classmethod
    @with_own_errstate
    @each_once()
    def from_estimator(
        cls, estimator, X, *, sample=0, image_shape=None, y=None, ax=None
    ):
        """Encode a sample and draw.

        Parameters
        ----------
        estimator : encoder, Pipeline or search
            Fitted. Of a pipeline, the steps up to the encoder; if there is a spiking
            network at its end, the title says what it answers.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            What `estimator` was fitted on.
        sample : int, default=0
            Which row of X.
        image_shape : tuple of two int, default=None
            Shape of the image that the features make up. None takes it for square if
            the number of features is the square of 8 or more and the columns of X have
            no names, and draws bars if not.
        y : array-like with n_samples rows, or that of the sample, default=None
            True labels or numbers of X, or of the sample, for the title.
        ax : matplotlib Axes, default=None
            Axes whose place is used; None makes a figure.

        Returns
        -------
        display : EncodingDisplay
            The picture, drawn.

        Raises
        ------
        ValueError
            If there is no such sample, or `image_shape` or `y` does not fit.
        TypeError
            If there is no encoder.
        """
        x, truth = choose_sample(estimator, X, sample, y)
        encoder, encoded = encoder_and_input(estimator, x)
        trains = encoder.transform(encoded)
        decoded = None
        if hasattr(encoder, "inverse_transform"):
            decoded = encoder.inverse_transform(trains)[0]
        row = row_of(estimator, x)
        title = title_line(truth=truth_text(truth))
        if hasattr(active_steps(estimator)[-1], "simulate"):
            model, given = split_pipeline(estimator, x)
            record = model.simulate(given, layers=[], inputs=False)
            title = answer_title(record, 0, truth)
        return cls(
            row.values,
            np.asarray(trains)[0],
            image_shape=check_image_shape(image_shape, len(row.values), row.is_table),
            names=row.names,
            title=title,
            decoded=decoded,
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
        display : EncodingDisplay
            Itself, with `ax_` and `figure_`.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        n_features = len(self.intensities)
        is_named = self.names is not None and n_features <= MAX_BARS
        is_named &= self.image_shape is None
        height = max(3, bars_height(n_features)) if is_named else 3
        figure, axes = panels(
            "EncodingDisplay.plot",
            ax,
            (1,),
            (1.6, 1.6, 1) if is_named else (1, 1.6, 1),
            title=self.title,
            figsize=(12 if is_named else 10, height),
        )
        image, raster, reconstruction = axes[0]
        self._draw_values(image, self.intensities, "Intensity")
        image.set_title("Sample")
        if is_named and n_features <= n_rows_of(image):
            image.set_yticks(range(n_features), fitting(image, self.names), fontsize=8)
            image.set_ylabel("")
        draw_raster(raster, self.spikes)
        is_one_each = self.spikes.shape[1] == n_features
        raster.set(title="Spikes", ylabel="Feature" if is_one_each else "Neuron")
        if self.image_shape is not None:
            raster.invert_yaxis()  # as in the image: the first feature is at the top
        shown = "Rate of the spikes", self.rates, "Spikes per step"
        if self.decoded is not None:
            shown = "What the spikes tell", self.decoded, "Intensity"
        self._draw_values(reconstruction, *shown[1:])
        width, _ = size_of(reconstruction)
        reconstruction.set_title(wrapped(shown[0], 1.5 * width, 12))
        self.ax_, self.figure_ = axes[0], figure
        return self

    def _draw_values(self, ax, values, label):
        """Draw a value per feature, as an image or as bars."""
        if self.image_shape is None:
            if len(values) > MAX_BARS:
                # One outline: a bar each takes seconds to draw, and has no gaps to see.
                edges = np.arange(len(values) + 1) - 0.5
                ax.stairs(values, edges, orientation="horizontal", fill=True, fc="0.3")
            else:
                ax.barh(np.arange(len(values)), values, color="0.3")
            ax.set(xlabel=label, ylabel="Feature", ylim=(-0.5, len(values) - 0.5))
            return
        shown = draw_image(ax, values, self.image_shape)
        ax.figure.colorbar(shown, ax=ax, label=label, shrink=0.8)
