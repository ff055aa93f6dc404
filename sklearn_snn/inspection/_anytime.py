"""AnytimeAccuracyDisplay: how soon a network knows, and what that costs in spikes."""

import numpy as np
from sklearn.base import is_classifier
from sklearn.metrics import accuracy_score

from sklearn_snn._utils.errstate import with_own_errstate
from sklearn_snn._utils.warnings import each_once
from sklearn_snn.inspection._figure import COLORS, layer_style, panels, set_time_axis
from sklearn_snn.inspection._pipelines import (
    final_model,
    refuse_answers_per_step,
    split_pipeline,
)

_SCORE_NAMES = {"cross_entropy": "Accuracy", "logistic": "Accuracy (all labels right)"}


class AnytimeAccuracyDisplay:
    """Accuracy of the answer after each step, and the spikes fired until then.

    Of several labels at once, all must be right. Layers that never fire are left out.
    Use `from_estimator` or `from_predictions` to make one.

    Parameters
    ----------
    accuracy : ndarray of shape (n_steps,)
        Accuracy after step 1, 2, ...
    spikes : ndarray of shape (n_steps, n_layers), default=None
        Mean number of spikes of a sample up to each step, by layer.
    names : list of str, default=None
        Name of each layer.
    score_name : str, default="Accuracy"
        What the accuracy is called.

    Attributes
    ----------
    ax_ : ndarray of matplotlib Axes of shape (1,) or (2,)
        Accuracy, and spikes if there are any.
    figure_ : matplotlib Figure
        The figure they are in.

    See Also
    --------
    sklearn_snn.SpikingClassifier.staged_predict : The answers after each step.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_snn import SpikingClassifier
    >>> from sklearn_snn.inspection import AnytimeAccuracyDisplay
    >>> X, y = load_iris(return_X_y=True)
    >>> model = SpikingClassifier((20,), random_state=0).fit(X, y)
    >>> display = AnytimeAccuracyDisplay.from_estimator(model, X, y)
    >>> float(display.accuracy[-1]) == model.score(X, y)
    True
    >>> plt.close()
    """

    def __init__(self, accuracy, *, spikes=None, names=None, score_name="Accuracy"):
        self.accuracy = accuracy
        self.spikes = spikes
        self.names = names
        self.score_name = score_name

    @classmethod
    @with_own_errstate
    @each_once()
    def from_estimator(cls, estimator, X, y, *, sample_weight=None, ax=None):
        """Predict step by step and draw.

        Parameters
        ----------
        estimator : SpikingClassifier, Pipeline or search
            Fitted.
        X : array-like with n_samples rows
            What `estimator` predicts from.
        y : array-like of shape (n_samples,) or (n_samples, n_labels)
            True labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples in the accuracy.
        ax : matplotlib Axes, default=None
            Axes whose place is used; None makes a figure.

        Returns
        -------
        display : AnytimeAccuracyDisplay
            The picture, drawn.

        Raises
        ------
        TypeError
            If there is no SpikingClassifier at the end of `estimator`: numbers, which a
            regressor predicts, have no accuracy.
        ValueError
            If it has an answer to each step (`per_step`).
        """
        model = final_model(estimator)
        if not is_classifier(model):
            raise TypeError(
                f"AnytimeAccuracyDisplay shows accuracy, which is of labels: "
                f"{type(model).__name__} predicts numbers."
            )
        refuse_answers_per_step(model, "AnytimeAccuracyDisplay shows how soon there is")
        _, X = split_pipeline(estimator, X)
        spikes = model._spikes_per_step(X).cumsum(axis=0)
        n_hidden = spikes.shape[1] - 2
        names = [
            "Input",
            *(f"Hidden layer {i + 1}" for i in range(n_hidden)),
            "Output layer",
        ]
        network = model.network_
        if not network.layers[-1].neuron.fires:
            spikes, names = spikes[:, :-1], names[:-1]
        if not spikes[:, 0].any():  # a constant current
            spikes, names = spikes[:, 1:], names[1:]
        return cls.from_predictions(
            y,
            model.staged_predict(X),
            sample_weight=sample_weight,
            spikes=spikes if names else None,
            names=names or None,
            score_name=_SCORE_NAMES[network.loss],
            ax=ax,
        )

    @classmethod
    @with_own_errstate
    def from_predictions(
        cls,
        y_true,
        staged_y_pred,
        *,
        sample_weight=None,
        spikes=None,
        names=None,
        score_name="Accuracy",
        ax=None,
    ):
        """Draw given answers.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,) or (n_samples, n_labels)
            True labels.
        staged_y_pred : iterable of array-likes of that shape
            Labels after each step, such as `SpikingClassifier.staged_predict` gives.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples in the accuracy.
        spikes : ndarray of shape (n_steps, n_layers), default=None
            Mean number of spikes of a sample up to each step, by layer.
        names : list of str, default=None
            Name of each layer.
        score_name : str, default="Accuracy"
            What the accuracy is called.
        ax : matplotlib Axes, default=None
            Axes whose place is used; None makes a figure.

        Returns
        -------
        display : AnytimeAccuracyDisplay
            The picture, drawn.
        """
        accuracy = np.array(
            [
                accuracy_score(y_true, labels, sample_weight=sample_weight)
                for labels in staged_y_pred
            ]
        )
        display = cls(accuracy, spikes=spikes, names=names, score_name=score_name)
        return display.plot(ax=ax)

    @with_own_errstate
    def plot(self, ax=None):
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes whose place is used; None makes a figure.

        Returns
        -------
        display : AnytimeAccuracyDisplay
            Itself, with `ax_` and `figure_`.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        n_panels = 1 if self.spikes is None else 2
        figure, axes = panels(
            "AnytimeAccuracyDisplay.plot",
            ax,
            rows=[1] * n_panels,
            figsize=(6, 1 + 2.2 * n_panels),
        )
        axes = axes[:, 0]
        steps = np.arange(1, len(self.accuracy) + 1)
        axes[0].plot(steps, self.accuracy, color=COLORS[0], marker=".")
        axes[0].set(ylabel=self.score_name)
        if self.spikes is not None:
            for layer in range(self.spikes.shape[1]):
                name = None if self.names is None else self.names[layer]
                style = layer_style(layer)
                axes[1].plot(steps, self.spikes[:, layer], label=name, **style)
            axes[1].set(
                ylabel="Spikes per sample so far", yscale="symlog", ylim=(0, None)
            )
            if self.names is not None:
                axes[1].legend()
        for panel in axes:
            set_time_axis(panel, len(self.accuracy), label=panel is axes[-1])
        self.ax_, self.figure_ = axes, figure
        return self
