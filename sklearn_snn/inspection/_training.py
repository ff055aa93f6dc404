"""TrainingDisplay: how a network learned, epoch by epoch."""

import numpy as np

from sklearn_snn._utils.errstate import with_own_errstate
from sklearn_snn.inspection._figure import (
    COLORS,
    label_few_decades,
    layer_style,
    panels,
)
from sklearn_snn.inspection._pipelines import unquantized_model

# Of loss and score, by objective.
_NAMES = {
    "cross_entropy": ("Loss (cross-entropy, nats)", "Accuracy"),
    "logistic": ("Loss (logistic, nats)", "Accuracy of all labels"),
    "squared_error": ("Loss (half the squared error)", "R squared"),
}


class TrainingDisplay:
    """Loss, score, gradient norms and firing rates of each epoch.

    The score is the accuracy, of several labels at once that of all of them together,
    or the R squared of numbers. Layers that never fire have no rate. Use
    `from_estimator` to make one.

    Parameters
    ----------
    loss : list of float
        Mean loss of each epoch.
    train_scores : list of float
        Score of each epoch on the samples that are learned from, weighted by their
        `sample_weight` if they have any.
    grad_norms : ndarray of shape (n_epochs, n_layers)
        Norm of the gradient of each layer's weights.
    firing_rates : ndarray of shape (n_epochs, n_layers) or (n_epochs, n_layers - 1)
        Spikes per neuron and step of each layer; without the output layer if that never
        fires.
    validation_scores : list of float, default=None
        The score of samples set aside.
    objective : {"cross_entropy", "logistic", "squared_error"}, default="cross_entropy"
        What the loss is.

    Attributes
    ----------
    ax_ : ndarray of matplotlib Axes of shape (2, 2)
        Loss, score; gradient norms, firing rates.
    figure_ : matplotlib Figure
        The figure they are in.

    See Also
    --------
    WeightDisplay : What became of the weights.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_snn import SpikingClassifier
    >>> from sklearn_snn.inspection import TrainingDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> model = SpikingClassifier((20,), max_iter=50, random_state=0).fit(X, y)
    >>> display = TrainingDisplay.from_estimator(model)
    >>> display.grad_norms.shape == (model.n_iter_, 2)
    True
    >>> plt.close()
    """

    def __init__(
        self,
        loss,
        train_scores,
        grad_norms,
        firing_rates,
        *,
        validation_scores=None,
        objective="cross_entropy",
    ):
        self.loss = loss
        self.train_scores = train_scores
        self.grad_norms = grad_norms
        self.firing_rates = firing_rates
        self.validation_scores = validation_scores
        self.objective = objective

    @classmethod
    @with_own_errstate
    def from_estimator(cls, estimator, *, ax=None):
        """Draw what a fitted network kept of its training.

        Parameters
        ----------
        estimator : SpikingClassifier, SpikingRegressor, Pipeline or search
            Fitted. Calls of `partial_fit`, and of `fit` with `warm_start`, follow each
            other.
        ax : matplotlib Axes, default=None
            Axes whose place is used; None makes a figure.

        Returns
        -------
        display : TrainingDisplay
            The picture, drawn.

        Raises
        ------
        ValueError
            If there was no epoch, as of a network of `from_mlp` or `from_nir` that was
            not trained further.
        TypeError
            If there is no spiking network at the end of `estimator`, or a quantised
            one: give what it was made of.
        """
        model = unquantized_model(estimator)
        if not model.loss_curve_:
            raise ValueError(
                "TrainingDisplay shows epochs, and there was none: the weights of this "
                f"{type(model).__name__} were made elsewhere, and nothing trained it."
            )
        network, rates = model.network_, np.array(model.firing_rate_curve_)
        if not network.layers[-1].neuron.fires:
            rates = rates[:, :-1]
        return cls(
            model.loss_curve_,
            model.train_scores_,
            np.array(model.grad_norm_curve_),
            rates,
            validation_scores=model.validation_scores_,
            objective=network.loss,
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
        display : TrainingDisplay
            Itself, with `ax_` and `figure_`.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        figure, axes = panels(
            "TrainingDisplay.plot", ax, rows=(1, 1), columns=(1, 1), figsize=(8, 5.5)
        )
        (loss, score), (norms, rates) = axes
        epochs = np.arange(1, len(self.loss) + 1)
        # A single epoch would be a line without length.
        style = {"marker": "." if len(epochs) <= 30 else ""}
        loss.plot(epochs, self.loss, color=COLORS[0], **style)
        loss_name, score_name = _NAMES[self.objective]
        loss.set(ylabel=loss_name)
        score.plot(
            epochs, self.train_scores, color=COLORS[0], label="Training", **style
        )
        if self.validation_scores is not None:
            score.plot(
                epochs[-len(self.validation_scores) :],
                self.validation_scores,
                color=COLORS[1],
                linestyle="--",
                label="Validation",
                **style,
            )
        score.set(ylabel=score_name)
        score.legend()
        low, high = score.get_ylim()
        if self.objective == "squared_error" and low < -1 and high > 0:
            # R squared has no lower bound, and the first epochs would hide the others.
            score.set_ylim(bottom=-1)
        n_layers = self.grad_norms.shape[1]
        self._draw_layers(norms, epochs, self.grad_norms, n_layers, style)
        norms.set(ylabel="Gradient norm of the weights", yscale="log")
        label_few_decades(norms)
        self._draw_layers(rates, epochs, self.firing_rates, n_layers, style)
        rates.set(ylabel="Spikes per neuron and step", ylim=(0, None))
        if not self.firing_rates.size:
            text = {"ha": "center", "va": "center", "transform": rates.transAxes}
            rates.text(0.5, 0.5, "No layer that fires", **text)
            rates.set_xlim(loss.get_xlim())
        for panel in axes.ravel():
            panel.set_xlabel("Epoch")
            panel.xaxis.get_major_locator().set_params(integer=True)
        self.ax_, self.figure_ = axes, figure
        return self

    @staticmethod
    def _draw_layers(ax, epochs, values, n_layers, style):
        """Draw a line for each layer that has values."""
        for layer in range(values.shape[1]):
            is_output = layer == n_layers - 1
            ax.plot(
                epochs,
                values[:, layer],
                label="Output layer" if is_output else f"Hidden layer {layer + 1}",
                **layer_style(layer, is_output),
                **style,
            )
        if values.size:
            ax.legend(fontsize="small", ncols=1 + (n_layers > 8))
