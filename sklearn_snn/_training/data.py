"""The checked data of a call: X, y and weights, and the samples that they become."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np

from sklearn_snn._inputs.lengths import all_lengths, check_start
from sklearn_snn._inputs.step_targets import (
    hint_at_per_step,
    validate_steps,
    warn_of_columns,
)
from sklearn_snn._inputs.validation import validate_input, validate_weights
from sklearn_snn._training.samples import Samples
from sklearn_snn._training.targets import PerStep


class Data(NamedTuple):
    """Checked data: y and weights are those of some rows of X, None for all.

    Attributes
    ----------
    X : validated input
    all_weights : ndarray of shape (n_samples,)
        Of all rows of X.
    y : ndarray of shape (n_rows, ...)
    weights : ndarray of shape (n_rows,)
        Positive.
    rows : ndarray of int of shape (n_rows,) or None
        Those of X that have a weight.
    start : int or None
        Where each step has a target, the first one that is read.
    hint : callable
        Of y: a context that adds to its errors what seems to be meant.
    """

    X: object
    all_weights: np.ndarray
    y: np.ndarray
    weights: np.ndarray
    rows: np.ndarray | None
    start: int | None
    hint: Callable

    def target(self, find):
        """Return the target that ``find(y, weights)`` sees, of all steps if need be."""
        if self.start is None:
            with self.hint(self.y):
                return find(self.y, self.weights)
        steps = self.steps(0)
        weights = np.broadcast_to(self.weights[:, np.newaxis], steps.shape)
        return PerStep(find(self.y[steps], weights[steps]))

    def warn_of_columns(self, estimator, given):
        """Warn if targets of samples, of X as it was given, seem to be of steps."""
        if self.start is None:
            warn_of_columns(estimator, self.X, self.y, given)

    def samples(self, target):
        """Return Samples; of the mean over steps, each has its share in the loss."""
        weights = score_weights = self.weights
        if self.start is not None:
            steps = self.steps(self.start)
            score_weights = np.where(steps, weights[:, np.newaxis], 0)
            weights = score_weights / np.count_nonzero(steps, axis=1)[:, np.newaxis]
            # The share of a weight may be too small for a float, but is not nothing.
            np.maximum(weights, np.nextafter(0, 1), out=weights, where=steps)
        y = target.encode(self.y)
        return Samples(self.X, y, weights, score_weights, self.rows)

    def read_y(self):
        """Return all targets that are learned, or all of the steps that are read."""
        return self.y if self.start is None else self.y[self.steps(self.start)]

    def steps(self, start):
        """Tell which steps the samples have from one on, (n_rows, n_steps)."""
        n_steps = self.X.shape[1]
        lengths = all_lengths(self.X, n_steps)
        lengths = lengths if self.rows is None else lengths[self.rows]
        steps = np.arange(n_steps)
        return (start <= steps) & (steps < lengths[:, np.newaxis])


def check_data(estimator, X, y, sample_weight, settings, *, reset, all_zero=False):
    """Check the data, and find out which rows there are: not those of weight 0.

    X stays whole, since it may be a memory map: nothing copies more of it at once
    than a mini-batch.

    Parameters
    ----------
    estimator : estimator
    X, y, sample_weight : as the user gave them
    settings : dict
        With ``per_step`` and ``readout_start``.
    reset : bool
        Whether the estimator learns the features of X anew.
    all_zero : bool, default=False
        Whether all weights may be 0.

    Returns
    -------
    data : Data
    """
    start, hint = None, partial(hint_at_per_step, estimator, X)
    if settings["per_step"]:
        start = settings["readout_start"]
        X, y = validate_steps(estimator, X, y, reset=reset)
        check_start(X, X.shape[1], start)
    else:
        options = estimator._y_options(y)
        with hint(y):
            X, y = validate_input(estimator, X, y, reset=reset, **options)
    weights = validate_weights(X, sample_weight, all_zero)
    if start is None:
        y = estimator._check_y(y)
    if weights.all():
        return Data(X, weights, y, weights, None, start, hint)
    rows = np.flatnonzero(weights)
    return Data(X, weights, y[rows], weights[rows], rows, start, hint)
