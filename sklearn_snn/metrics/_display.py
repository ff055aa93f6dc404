"""AccuracyOperationsDisplay: what accuracy costs, of candidates or estimators."""

from collections.abc import Mapping

import numpy as np
from sklearn.base import is_regressor
from sklearn.utils.validation import check_is_fitted

from sklearn_snn._utils.errstate import with_own_errstate
from sklearn_snn._utils.warnings import each_once
from sklearn_snn.inspection._figure import COLORS, single_axes
from sklearn_snn.inspection._text import short
from sklearn_snn.metrics._operations import operation_report
from sklearn_snn.metrics._search import mean_scores

_OPERATIONS = "Synaptic operations per sample"
_COST_NAMES = {
    "neg_synaptic_operations": _OPERATIONS,
    "neg_energy": "Energy per sample (pJ)",
}
_SCORE_NAMES = {"accuracy": "Accuracy", "r2": "R squared"}


class AccuracyOperationsDisplay:
    """Accuracy against synaptic operations: a point for each of several networks.

    A line connects those that are best for what they cost: no other is as good for
    less. Use `from_search` or `from_estimators` to make one.

    Parameters
    ----------
    accuracy : ndarray of shape (n_points,)
        Accuracy, or another score, of each network; NaN for one that has none.
    operations : ndarray of shape (n_points,)
        What each of them costs, not negative.
    names : list of str, default=None
        Names of the networks, to be written beside them.
    chosen : int, default=None
        Index of the network that was chosen.
    score_name : str, default="Accuracy"
        What the accuracy is called.
    operations_name : str, default="Synaptic operations per sample"
        What the cost is called.

    Attributes
    ----------
    ax_ : matplotlib Axes
        The axes.
    figure_ : matplotlib Figure
        The figure they are in.

    See Also
    --------
    cheapest_within : A rule that chooses one of them.
    operation_report : Where the operations come from.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.neural_network import MLPClassifier
    >>> from sklearn_snn import SpikingClassifier
    >>> from sklearn_snn.metrics import AccuracyOperationsDisplay
    >>> X, y = load_digits(return_X_y=True)
    >>> X, y = X[:200] / 16, y[:200]
    >>> networks = {
    ...     "spiking": SpikingClassifier((20,), n_steps=5, max_iter=10),
    ...     "MLP": MLPClassifier((20,), max_iter=10),
    ... }
    >>> for network in networks.values():
    ...     _ = network.set_params(random_state=0).fit(X, y)
    >>> display = AccuracyOperationsDisplay.from_estimators(networks, X, y)
    >>> display.names
    ['spiking', 'MLP']
    >>> plt.close()
    """

    def __init__(
        self,
        accuracy,
        operations,
        *,
        names=None,
        chosen=None,
        score_name="Accuracy",
        operations_name=_OPERATIONS,
    ):
        self.accuracy = accuracy
        self.operations = operations
        self.names = names
        self.chosen = chosen
        self.score_name = score_name
        self.operations_name = operations_name

    @classmethod
    @with_own_errstate
    def from_search(
        cls, search, *, score="accuracy", cost="neg_synaptic_operations", ax=None
    ):
        """Draw the candidates of a search, with the one that it chose.

        Parameters
        ----------
        search : GridSearchCV or the like
            Fitted, with `score` and `cost` in its `scoring`.
        score : str, default="accuracy"
            Name of the score in `scoring`.
        cost : str, default="neg_synaptic_operations"
            Name of the cost in `scoring`, of which greater is better: it is negated.
        ax : matplotlib Axes, default=None
            Axes to draw in; None makes a figure.

        Returns
        -------
        display : AccuracyOperationsDisplay
            The picture, drawn.

        Raises
        ------
        ValueError
            If there is no such score in the search.
        """
        check_is_fitted(search, "cv_results_")
        return cls(
            mean_scores(search.cv_results_, score),
            -mean_scores(search.cv_results_, cost),
            chosen=getattr(search, "best_index_", None),
            score_name=_SCORE_NAMES.get(score, score),
            operations_name=_COST_NAMES.get(cost, f"Minus {cost}"),
        ).plot(ax=ax)

    @classmethod
    @with_own_errstate
    @each_once()
    def from_estimators(cls, estimators, X, y, *, ax=None):
        """Draw fitted estimators, each by its `score` and its operations.

        Accumulates and multiply-accumulates count alike, although the latter take more.

        Parameters
        ----------
        estimators : dict of str to estimator
            Fitted, by name: any that `operation_report` takes, MLPs among them.
        X : array-like with n_samples rows
            What they predict from.
        y : array-like with n_samples rows
            True labels or numbers.
        ax : matplotlib Axes, default=None
            Axes to draw in; None makes a figure.

        Returns
        -------
        display : AccuracyOperationsDisplay
            The picture, drawn.

        Raises
        ------
        TypeError
            If `estimators` is no dict, or has what `operation_report` does not take.
        """
        if not isinstance(estimators, Mapping):
            raise TypeError(
                "estimators must be a dict of fitted estimators by name, as in "
                f"{{'small': model}}, got {type(estimators).__name__}."
            )
        kind = "r2" if any(map(is_regressor, estimators.values())) else "accuracy"
        reports = [operation_report(one, X) for one in estimators.values()]
        return cls(
            np.array([one.score(X, y) for one in estimators.values()]),
            np.array([report.synaptic_operations for report in reports]),
            names=list(estimators),
            score_name=_SCORE_NAMES[kind],
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
        display : AccuracyOperationsDisplay
            Itself, with `ax_` and `figure_`.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        figure, ax = single_axes("AccuracyOperationsDisplay.plot", ax, figsize=(6, 4))
        accuracy, operations = np.asarray(self.accuracy), np.asarray(self.operations)
        ax.plot(operations, accuracy, "o", color=COLORS[0], alpha=0.7)
        best = self._best_for_their_cost()
        style = {"color": COLORS[0], "linewidth": 1, "drawstyle": "steps-post"}
        ax.plot(operations[best], accuracy[best], label="Best for its cost", **style)
        if self.chosen is not None:
            point = operations[[self.chosen]], accuracy[[self.chosen]]
            ring = {"markersize": 14, "markerfacecolor": "none", "linestyle": "none"}
            ax.plot(*point, "o", color=COLORS[1], label="Chosen", **ring)
        ax.set(xlabel=self.operations_name, ylabel=self.score_name)
        # Networks that do nothing at all have no place on a logarithmic axis.
        if (operations[np.isfinite(operations)] > 0).all():
            ax.set_xscale("log")
        else:
            ax.set_xscale("symlog")
        ax.margins(0.1)
        for name, *point in zip(self.names or (), operations, accuracy, strict=False):
            # Towards the middle, where there is room.
            place = ax.transAxes.inverted().transform(ax.transData.transform(point))
            side = "left" if place[0] < 0.5 else "right"
            offset = {"xytext": (0, 7), "textcoords": "offset points", "ha": side}
            ax.annotate(short(name), point, **offset)
        ax.legend(loc="lower right")
        self.ax_, self.figure_ = ax, figure
        return self

    def _best_for_their_cost(self):
        """Return the indices of points that no other is as good for less as."""
        accuracy, operations = np.asarray(self.accuracy), np.asarray(self.operations)
        best, found = -np.inf, []
        for i in np.lexsort((-accuracy, operations)):
            if accuracy[i] > best and not np.isnan(operations[i]):
                best = accuracy[i]
                found.append(i)
        return found
