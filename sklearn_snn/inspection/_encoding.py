"""EncodingDisplay: what an encoder makes of a sample."""

import numpy as np
from scipy import sparse
from sklearn.pipeline import Pipeline
from sklearn.utils import check_array

from sklearn_snn._errstate import with_own_errstate
from sklearn_snn.inspection._figure import (
    check_image_shape,
    choose_sample,
    draw_raster,
    final_estimator,
    panels,
)


class EncodingDisplay:
    """Intensities, the spikes that encode them, and the rates that these tell.

    Use `from_estimator` to make one.

    Parameters
    ----------
    intensities : ndarray of shape (n_features,)
        What is encoded.
    spikes : ndarray of shape (n_steps, n_features)
        Its spikes, 0 or 1.
    image_shape : tuple of two int, default=None
        Shape of the image that the features make up; None draws them as bars.

    Attributes
    ----------
    ax_ : ndarray of matplotlib Axes of shape (3,)
        Intensities, raster, reconstruction.
    figure_ : matplotlib Figure
        The figure they are in.

    See Also
    --------
    sklearn_snn.PoissonSpikeEncoder : The encoder.
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

    def __init__(self, intensities, spikes, *, image_shape=None):
        self.intensities = intensities
        self.spikes = spikes
        self.image_shape = image_shape

    @property
    @with_own_errstate
    def rates(self):
        """Spikes per step of each feature, of shape (n_features,)."""
        return self.spikes.mean(axis=0)

    @classmethod
    @with_own_errstate
    def from_estimator(cls, estimator, X, *, sample=0, image_shape=None, ax=None):
        """Encode a sample and draw.

        Parameters
        ----------
        estimator : PoissonSpikeEncoder, Pipeline or search
            Fitted. Of a pipeline, the steps up to the encoder.
        X : {array-like, sparse matrix} of shape (n_samples, n_features)
            What `estimator` was fitted on.
        sample : int, default=0
            Which row of X.
        image_shape : tuple of two int, default=None
            Shape of the image that the features make up. None takes it for square if
            the number of features is the square of 8 or more, and draws bars if not.
        ax : matplotlib Axes, default=None
            Axes whose place is used; None makes a figure.

        Returns
        -------
        display : EncodingDisplay
            The picture, drawn.

        Raises
        ------
        ValueError
            If there is no such sample, or `image_shape` does not fit.
        TypeError
            If there is no encoder.
        """
        encoder, x = _encoder_and_input(estimator, choose_sample(X, sample))
        spikes = np.asarray(encoder.transform(x))[0]
        x = x.toarray() if sparse.issparse(x) else check_array(x)
        shape = check_image_shape(image_shape, spikes.shape[1])
        return cls(x[0], spikes, image_shape=shape).plot(ax=ax)

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
        figure, axes = panels(
            "EncodingDisplay.plot", ax, (1,), columns=(1, 1.6, 1), figsize=(10, 3)
        )
        image, raster, reconstruction = axes[0]
        self._draw_values(image, self.intensities, "Intensity")
        image.set_title("Sample")
        draw_raster(raster, self.spikes)
        raster.set(title="Spikes", ylabel="Feature")
        if self.image_shape is not None:
            raster.invert_yaxis()  # as in the image: the first feature is at the top
        self._draw_values(reconstruction, self.rates, "Spikes per step")
        reconstruction.set_title("Rate of the spikes")
        self.ax_, self.figure_ = axes[0], figure
        return self

    def _draw_values(self, ax, values, label):
        """Draw a value per feature, as an image or as bars."""
        if self.image_shape is None:
            ax.barh(np.arange(len(values)), values, color="0.3")
            ax.set(xlabel=label, ylabel="Feature", ylim=(-0.5, len(values) - 0.5))
            return
        image = values.reshape(self.image_shape)
        shown = ax.imshow(image, cmap="Greys", vmin=min(0, image.min()))
        ax.figure.colorbar(shown, ax=ax, label=label, shrink=0.8)
        ax.set(xticks=[], yticks=[])


def _encoder_and_input(estimator, x):
    """Return the encoder of an estimator, and what it is given for x."""
    estimator = final_estimator(estimator)
    if isinstance(estimator, Pipeline):
        for _, step in estimator.steps:
            if hasattr(step, "n_steps") and hasattr(step, "transform"):
                return step, x
            if not hasattr(step, "transform"):
                break
            x = step.transform(x)
    elif hasattr(estimator, "n_steps") and hasattr(estimator, "transform"):
        return estimator, x
    raise TypeError(f"There is no encoder in {type(estimator).__name__}.")
