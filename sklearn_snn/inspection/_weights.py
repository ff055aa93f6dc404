"""WeightDisplay: what training made of the weights."""

import numpy as np

from sklearn_snn._utils.errstate import with_own_errstate
from sklearn_snn.inspection._figure import COLORS, panels
from sklearn_snn.inspection._inputs import check_image_shape
from sklearn_snn.inspection._pipelines import has_names, unquantized_model

_N_BINS = 50


class WeightDisplay:
    """Histograms of the weights before and after training, and receptive fields.

    A receptive field is the picture that the weights from the input to one hidden
    neuron make. Use `from_estimator` to make a display.

    Parameters
    ----------
    coefs : list of ndarrays of shape (n_inputs, n_units)
        Weights of each layer.
    initial_coefs : list of ndarrays of the same shapes, default=None
        Those before training.
    image_shape : tuple of two int, default=None
        Shape of the images that the input consists of; None if it is none.
    n_fields : int, default=20
        How many receptive fields are drawn at most: the first ones.

    Attributes
    ----------
    ax_ : ndarray of matplotlib Axes of shape (n_layers,) or (n_layers + 1,)
        A histogram per layer, and one for the fields if there are any.
    figure_ : matplotlib Figure
        The figure they are in.

    See Also
    --------
    TrainingDisplay : What happened on the way.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_digits
    >>> from sklearn_snn import SpikingClassifier
    >>> from sklearn_snn.inspection import WeightDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> model = SpikingClassifier((20,), max_iter=10, random_state=0).fit(X / 16, y)
    >>> display = WeightDisplay.from_estimator(model)
    >>> display.image_shape
    (8, 8)
    >>> plt.close()
    """

    def __init__(self, coefs, *, initial_coefs=None, image_shape=None, n_fields=20):
        self.coefs = coefs
        self.initial_coefs = initial_coefs
        self.image_shape = image_shape
        self.n_fields = n_fields

    @classmethod
    @with_own_errstate
    def from_estimator(cls, estimator, *, image_shape=None, n_fields=20, ax=None):
        """Draw the weights of a fitted network.

        Parameters
        ----------
        estimator : SpikingClassifier, SpikingRegressor, Pipeline or search
            Fitted.
        image_shape : tuple of two int, default=None
            Shape of the images that the input consists of. None takes them for square
            if the number of features is the square of 8 or more and the columns of X
            had no names in `fit`, and draws no fields if not.
        n_fields : int, default=20
            How many receptive fields are drawn at most: those of the first neurons; 0
            leaves them out.
        ax : matplotlib Axes, default=None
            Axes whose place is used; None makes a figure.

        Returns
        -------
        display : WeightDisplay
            The picture, drawn. Networks that were trained on with `warm_start` are
            compared with how they were before the first fit; those that `from_mlp`
            made, with nothing.

        Raises
        ------
        ValueError
            If `image_shape` does not fit the number of features.
        TypeError
            If there is no spiking network at the end of `estimator`, or a quantised
            one: give what `to_estimator` of it returns.
        """
        model = unquantized_model(estimator)
        return cls(
            model.coefs_,
            initial_coefs=model._initial_coefs(),
            image_shape=check_image_shape(
                image_shape, model.n_features_in_, has_names(estimator)
            ),
            n_fields=n_fields,
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
        display : WeightDisplay
            Itself, with `ax_` and `figure_`.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        n_layers = len(self.coefs)
        has_fields = self.image_shape is not None and self.n_fields > 0
        figure, axes = panels(
            "WeightDisplay.plot",
            ax,
            rows=(1,),
            columns=[1] * n_layers + [1.3] * has_fields,
            figsize=(3 * (n_layers + 1.3 * has_fields), 3),
        )
        axes = axes[0]
        for layer, panel in enumerate(axes[:n_layers]):
            self._draw_histogram(panel, layer)
        if has_fields:
            self._draw_fields(axes[-1])
        self.ax_, self.figure_ = axes, figure
        return self

    def _draw_histogram(self, ax, layer):
        """Draw the distribution of a layer's weights, before and after."""
        after = self.coefs[layer].ravel()
        both = [after]
        if self.initial_coefs is not None:
            both.append(self.initial_coefs[layer].ravel())
        bins = np.histogram_bin_edges(np.concatenate(both), _N_BINS)
        style = {"bins": bins, "histtype": "step", "linewidth": 1.5}
        if self.initial_coefs is not None:
            ax.hist(both[1], color=COLORS[1], label="Before", linestyle="--", **style)
        ax.hist(after, color=COLORS[0], label="After", **style)
        is_output = layer == len(self.coefs) - 1
        name = "output layer" if is_output else f"hidden layer {layer + 1}"
        ax.set(title=f"Weights to {name}", xlabel="Weight", yscale="log")
        ax.set_ylim(0.5, None)  # a single weight is not nothing
        ax.set_ylabel("Number of weights" if layer == 0 else "")
        ax.legend(fontsize="small")

    def _draw_fields(self, ax):
        """Draw the receptive fields of the first hidden layer, tiled."""
        fields = self.coefs[0].T[: self.n_fields]
        height, width = self.image_shape
        n_columns = int(np.ceil(np.sqrt(len(fields) * height / width)))
        n_rows = -(-len(fields) // n_columns)
        tiles = np.full(
            (n_rows * (height + 1) - 1, n_columns * (width + 1) - 1), np.nan
        )
        for i, field in enumerate(fields):
            y, x = (height + 1) * (i // n_columns), (width + 1) * (i % n_columns)
            tiles[y : y + height, x : x + width] = field.reshape(height, width)
        largest = np.abs(fields).max()
        image = ax.imshow(tiles, cmap="PuOr", vmin=-largest, vmax=largest)
        ax.figure.colorbar(image, ax=ax, label="Weight", shrink=0.8)
        ax.set(xticks=[], yticks=[])
        plural = "s" if len(fields) > 1 else ""
        ax.set_title(f"{len(fields)} receptive field{plural}")
