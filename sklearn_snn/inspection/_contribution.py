"""ContributionDisplay: which neurons and which inputs spoke for an answer."""

from numbers import Integral

import numpy as np

from sklearn_snn._utils.errstate import with_own_errstate
from sklearn_snn.inspection._attribution import attribute, can_attribute
from sklearn_snn.inspection._comparison import compare
from sklearn_snn.inspection._figure import (
    COLORS,
    line_width,
    panels,
    set_time_axis,
    size_of,
)
from sklearn_snn.inspection._inputs import check_image_shape, n_rows_of, name_bars
from sklearn_snn.inspection._pipelines import (
    choose_sample,
    has_names,
    names_given,
    refuse_answers_per_step,
    row_of,
    split_pipeline,
    unquantized_model,
)
from sklearn_snn.inspection._text import answer_title, short, told_apart, wrapped

_LABEL = "Contribution, not cause"
# What an output is called, in characters.
_LONGEST_OUTPUT = 40


class ContributionDisplay:
    """What spoke for the answer to one sample: spikes times weights.

    A contribution is a part of a current, and not a cause: it says from where the
    output neurons were charged, not what the answer would be without that neuron or
    column. What kept a neuron silent has no part in it.

    Shown is the current that the output neuron of the answer gets over all steps, minus
    that of another class (or minus the mean of all others). A neuron of the last hidden
    layer contributes::

        number of its spikes * (W[neuron, answer] - W[neuron, other])

    with the weights ``W = coefs_[-1]``, and the biases of the output layer
    ``n_steps * (b[answer] - b[other])``. These sum to the difference of the currents,
    which is written above. It may be negative: contributions are parts of currents, and
    the answer counts spikes, so that where two classes are close or tied, the one that
    fired less may have got more current.

    Where outputs are means of membranes (``readout="membrane_mean"``, and regressors),
    a spike at step ``t``, of 0, 1, ..., counts ``factor * (1 - alpha**(n_steps - t))``
    times as much, as it does in the mean, and contributions sum to the difference of
    the logits. So they do where one membrane is read, that of step ``T``
    ("membrane_last", "membrane_max"): up to it a spike counts ``factor * (1 - alpha) *
    alpha**(T - t)`` times, and later ones nothing. With "softmax_mean", whose logits
    are no sums, it is the means of the membranes that are taken apart.

    Of several labels at once it is one label whose current, or logit, is taken apart,
    and of a regressor one predicted number, as it differs from the mean of y, in its
    unit; where the regressor counts spikes, the current of its output neuron.

    An input contributes through the spikes that it charged. Each spike of a hidden
    neuron is worth ``W[neuron, answer] - W[neuron, other]``, and is shared out among
    the inputs as they made up the membrane ``u_t`` at that step::

        share of input j = m_t / u_t
        m_t = alpha * k_{t-1} * m_{t-1} + x_t[j] * W_0[j, neuron],    W_0 = coefs_[0]

    where ``k_t`` is what a reset leaves of the membrane: 1 without a spike, 0 after one
    with ``reset="zero"``, ``1 - threshold / u_t`` with "subtract". (``W_0`` is to be
    multiplied by ``1 - alpha`` where the neurons' leaks differ or were learned.) Inputs
    that inhibited a neuron that fired all the same have a negative share; that of the
    bias is kept apart. In deeper networks the spikes of a layer are shared out in the
    same way among those of the layer below. These contributions, and the biases of all
    layers, sum to the same difference. Without hidden layers they are
    ``sum_t x_t[j] * (W[j, answer] - W[j, other])``. Adaptive neurons, whose membranes
    are no sums of inputs, cannot be taken apart, nor can current-based ones, of whose
    inputs a part outlives the reset.

    Use `from_estimator` to make one.

    Parameters
    ----------
    inputs : ndarray of shape (n_features,)
        Contributions of the columns, pixels or channels.
    input_bias : float
        That of the biases of all layers.
    neurons : ndarray of shape (n_units,), default=None
        Contributions of the neurons of the last hidden layer; None if there is none.
    neuron_bias : float, default=0.0
        That of the biases of the output layer.
    counts : ndarray of int of shape (n_units,), default=None
        Number of spikes of these neurons.
    over_time : ndarray of shape (n_steps,), default=None
        Contributions of all inputs together at each step; None for rows.
    answer, against : str, default="the answer", "others"
        What the two classes are called; of an output alone `against` is None.
    names : list of str, default=None
        What the inputs are called; None numbers them. A value that `from_estimator`
        adds is the one before the steps of a pipeline scaled it.
    image_shape : tuple of two int, default=None
        Shape of the image that the inputs make up; None draws them as bars.
    n_top : int, default=10
        How many bars are drawn: the largest, by absolute value; fewer where there is no
        room for their names. The others are summed.
    title : str, default=None
        Truth, answer and how sure it is.

    Attributes
    ----------
    ax_ : ndarray of matplotlib Axes of shape (n_panels,)
        Hidden neurons if there are any, inputs, and time for recordings.
    figure_ : matplotlib Figure
        The figure they are in.

    See Also
    --------
    SpikeRasterDisplay : The spikes.
    sklearn.inspection.permutation_importance : What a column is worth to the score of a
        model, over many samples.

    Examples
    --------
    >>> import matplotlib.pyplot as plt
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_snn import SpikingClassifier
    >>> from sklearn_snn.inspection import ContributionDisplay
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> model = SpikingClassifier((20,), random_state=0).fit(X, y)
    >>> display = ContributionDisplay.from_estimator(model, X, sample=3, y=y)
    >>> display.names[0], display.neurons.shape
    ('sepal length (cm)', (20,))
    >>> float(abs(display.inputs.sum() + display.input_bias - display.total)) < 1e-4
    True
    >>> plt.close()
    """

    def __init__(
        self,
        inputs,
        input_bias,
        *,
        neurons=None,
        neuron_bias=0.0,
        counts=None,
        over_time=None,
        answer="the answer",
        against="others",
        names=None,
        image_shape=None,
        n_top=10,
        title=None,
    ):
        self.inputs = inputs
        self.input_bias = input_bias
        self.neurons = neurons
        self.neuron_bias = neuron_bias
        self.counts = counts
        self.over_time = over_time
        self.answer = answer
        self.against = against
        self.names = names
        self.image_shape = image_shape
        self.n_top = n_top
        self.title = title

    @property
    def total(self):
        """What all contributions and biases sum to."""
        if self.neurons is None:
            return float(self.inputs.sum() + self.input_bias)
        return float(self.neurons.sum() + self.neuron_bias)

    @classmethod
    @with_own_errstate
    def from_estimator(
        cls,
        estimator,
        X,
        *,
        sample=0,
        y=None,
        against=None,
        output=None,
        n_top=10,
        image_shape=None,
        ax=None,
    ):
        """Simulate, find the contributions, and draw.

        Parameters
        ----------
        estimator : SpikingClassifier, SpikingRegressor, Pipeline or search
            Fitted; of leaky integrate-and-fire neurons.
        X : array-like with n_samples rows
            What `estimator` predicts from.
        sample : int, default=0
            Which row of X.
        y : array-like with n_samples rows, or that of the sample, default=None
            True labels or numbers of X, or of the sample, for the title.
        against : label or "mean", default=None
            With which class the answer is compared. None is the runner-up: of all other
            classes the most probable (of equals, the first). "mean" is the mean of all
            other classes, unless there is a class of that name.
        output : int, default=None
            Of several labels, or numbers, which one. None is the most probable label,
            or the first number.
        n_top : int, default=10
            How many bars are drawn, at least 1. The others are summed.
        image_shape : tuple of two int, default=None
            Shape of the image that the features make up. None takes rows for square
            images if the number of features is the square of 8 or more and the columns
            of X have no names, and draws bars if not.
        ax : matplotlib Axes, default=None
            Axes whose place is used; None makes a figure.

        Returns
        -------
        display : ContributionDisplay
            The picture, drawn.

        Raises
        ------
        ValueError
            If the neurons adapt or are current-based, or each step has an answer
            (`per_step`), before anything is done; if there is no such sample, class or
            output, `against` is the answer itself, `y`, `n_top` or `image_shape` does
            not fit, or currents are not finite.
        TypeError
            If there is no spiking network at the end of `estimator`, or a quantised
            one: give what `to_estimator` of it returns.
        """
        if not isinstance(n_top, Integral) or n_top < 1:
            raise ValueError(f"n_top must be a positive int, got {n_top!r}.")
        model = unquantized_model(estimator)
        refuse_answers_per_step(model, "Contributions are to")
        network = model.network_
        if not can_attribute(network):
            raise ValueError(
                "Contributions are parts of membranes that sum what comes in. Those of "
                "adaptive neurons do not: adaptation, which hangs on earlier spikes, "
                "goes into them as well. Nor do those of current-based neurons: the "
                "synaptic current outlives their reset."
            )
        x, truth = choose_sample(estimator, X, sample, y)
        model, given = split_pipeline(estimator, x)
        record = model.simulate(given)
        direction, answer, other = compare(record, against, output)
        parts = attribute(network, model._learned_params(), record, direction)
        if not np.isfinite(parts.total):
            raise ValueError(
                "The currents of this sample are not finite: scale X, as for an MLP."
            )
        row, n_features = row_of(estimator, x), len(parts.inputs)
        is_image = row is not None and len(row.values) == n_features
        is_image |= image_shape is not None
        return cls(
            parts.inputs,
            parts.input_bias,
            neurons=parts.neurons,
            neuron_bias=parts.neuron_bias,
            counts=None if parts.neurons is None else record.spikes[-2][0].sum(axis=0),
            over_time=parts.over_time if row is None else None,
            answer=answer,
            against=other,
            names=names_given(estimator, row),
            image_shape=(
                check_image_shape(image_shape, n_features, has_names(estimator))
                if is_image
                else None
            ),
            n_top=n_top,
            title=answer_title(record, 0, truth),
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
        display : ContributionDisplay
            Itself, with `ax_` and `figure_`.

        Raises
        ------
        ImportError
            If matplotlib is not installed.
        """
        if self.against is None:
            what = short(self.answer, _LONGEST_OUTPUT)
        else:
            what = " rather than ".join(told_apart([self.answer, self.against]))
        lines = [] if self.title is None else [self.title]
        lines.append(f"Contributions (not causes) to {what}: {self.total:.3g} in total")
        n_panels = 1 + (self.neurons is not None) + (self.over_time is not None)
        figure, axes = panels(
            "ContributionDisplay.plot",
            ax,
            (1,),
            [1] * n_panels,
            title="\n".join(lines),
            figsize=(4.2 * n_panels, 1.6 + 0.2 * (self.n_top + 2)),
        )
        self.ax_, self.figure_ = axes[0], figure
        remaining = list(axes[0])
        if self.neurons is not None:
            self._draw_neurons(remaining.pop(0))
        self._draw_inputs(remaining.pop(0))
        if self.over_time is not None:
            self._draw_time(remaining.pop(0))
        return self

    def _draw_neurons(self, ax):
        names = [str(k) for k in range(len(self.neurons))]
        if self.counts is not None:
            plurals = ["" if n == 1 else "s" for n in self.counts]
            names = [
                f"{name} ({n} spike{plural})"
                for name, n, plural in zip(names, self.counts, plurals, strict=True)
            ]
        self._draw_bars(ax, self.neurons, names, self.neuron_bias)
        ax.set_title("Last hidden layer", fontsize="medium")
        ax.set_ylabel("Neuron")

    def _draw_inputs(self, ax):
        ax.set_title("Input", fontsize="medium")
        if self.image_shape is None:
            names = self.names
            if names is None:
                names = [f"x{j}" for j in range(len(self.inputs))]
            self._draw_bars(ax, self.inputs, names, self.input_bias)
            ax.set_ylabel("Column" if self.over_time is None else "Channel")
            return
        largest = np.abs(self.inputs).max() or 1
        shown = ax.imshow(
            self.inputs.reshape(self.image_shape),
            cmap="PuOr",
            vmin=-largest,
            vmax=largest,
        )
        ax.figure.colorbar(shown, ax=ax, label=_LABEL, shrink=0.8)
        ax.set(xticks=[], yticks=[], xlabel=f"Biases: {self.input_bias:.3g}")

    def _draw_time(self, ax):
        n_steps = len(self.over_time)
        steps = np.arange(1, n_steps + 1)
        ax.axhline(0, color="0.6", linewidth=0.8)
        ax.plot(
            steps,
            self.over_time,
            color=COLORS[0],
            linewidth=max(0.5, line_width(n_steps)),
            drawstyle="steps-mid",
        )
        ax.set_title("Input over time", fontsize="medium")
        ax.set_ylabel(_LABEL)
        set_time_axis(ax, n_steps)

    def _draw_bars(self, ax, values, names, bias):
        """Draw the largest values, the sum of the others, and the bias."""
        order = np.argsort(-np.abs(values), kind="stable")
        n_top = min(self.n_top, max(3, n_rows_of(ax) - 2), np.count_nonzero(values))
        top, others = order[:n_top], order[n_top:]
        heights, labels = list(values[top]), [names[i] for i in top]
        if len(others):
            heights.append(values[others].sum())
            labels.append(f"{len(others)} others")
        heights.append(bias)
        labels.append("Bias")
        colors = [COLORS[0] if height > 0 else COLORS[1] for height in heights]
        ax.barh(np.arange(len(heights)), heights, color=colors)
        name_bars(ax, labels)
        ax.axvline(0, color="0.6", linewidth=0.8)
        sense = "raises it"
        if self.against is not None:
            sense = f"for {told_apart([self.answer, self.against], 12)[0]}"
        label = f"{_LABEL}\n(> 0: {sense})"
        width, _ = size_of(ax)
        # Where there is little room, the names of the bars take some of it.
        room, size = (width, 10) if width > 2 else (0.6 * width, 8)
        ax.set_xlabel(wrapped(label, room, size), fontsize=size)
