"""The samples of a fit, their weights by class, and those set aside to watch it."""

import math
from typing import NamedTuple

import numpy as np

from sklearn_snn._inputs.lengths import all_lengths
from sklearn_snn._inputs.sequences import Sequences
from sklearn_snn._inputs.validation import class_weights
from sklearn_snn._training.seeds import child_random_state

# How many times as heavy as the first the samples of a later call may be: a power of 2.
_MAX_LOG2_WEIGHT = 64


class Samples(NamedTuple):
    """Data to train on.

    Attributes
    ----------
    X : SpikeTrains, ndarray or CSR array
        Data of which the samples are rows.
    y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        What the loss compares outputs with; see `targets`.
    weights : ndarray of shape (n_samples,)
        Weight of each sample's loss: that of the sample times that of its class. Where
        steps have targets, of each step, of shape (n_samples, n_steps): 0 where it is
        not read.
    score_weights : ndarray of that shape
        Weight of each sample, or step, in the score: that of the sample alone.
    rows : ndarray of int of shape (n_samples,), default=None
        Which rows of `X` the samples are; None for all of them, in their order.
    """

    X: object
    y: np.ndarray
    weights: np.ndarray
    score_weights: np.ndarray
    rows: np.ndarray | None = None

    def take(self, chosen):
        """Return some of the samples; of X, which may be a memory map, no copy."""
        return self._replace(
            y=self.y[chosen],
            weights=self.weights[chosen],
            score_weights=self.score_weights[chosen],
            rows=chosen if self.rows is None else self.rows[chosen],
        )

    def without_copies(self):
        """Return samples of which taking some copies nothing, where that is possible.

        For those that are long, and looked at piece by piece.
        """
        X = self.X
        if X.ndim == 3 and isinstance(X, np.ndarray) and X.flags.c_contiguous:
            X = Sequences.of_array(X)
        return self._replace(X=X)

    def steps(self, n_steps):
        """Return how many steps each has; `n_steps` if all have as many."""
        lengths = all_lengths(self.X, n_steps)
        return lengths if self.rows is None else lengths[self.rows]

    def weights_of_samples(self):
        """Return the weight of each sample's loss, that of all of its steps."""
        return self.weights.reshape(len(self.weights), -1).sum(axis=1)

    def inputs(self):
        """Return the rows of X that belong to these samples, which copies them."""
        return self.X if self.rows is None else self.X[self.rows]


def check_class_weight(class_weight, target):
    """Raise ValueError if samples of a target cannot be weighed by class."""
    if class_weight is not None and not target.takes_class_weight:
        raise ValueError("class_weight is not for several labels at once.")


def set_aside(samples, fraction, target, seed):
    """Split samples, stratified by class if there are any, for early stopping.

    Parameters
    ----------
    samples : Samples
    fraction : float
        Share that is set aside.
    target : target
    seed : int

    Returns
    -------
    train, validation : Samples

    Raises
    ------
    ValueError
        If a class has a single sample, or the share is less than one of each.
    """
    n_samples = len(samples.y)
    n_least = target.n_least(samples.y)
    if math.ceil(fraction * n_samples) < n_least:
        each = ", one of each class" if target.strata(samples.y) is not None else ""
        raise ValueError(
            f"The validation set is too small: validation_fraction={fraction} of "
            f"{n_samples} samples is less than {n_least}{each}. Increase "
            "'validation_fraction' or the size of your dataset."
        )
    from sklearn.model_selection import train_test_split

    train, validation = train_test_split(
        np.arange(n_samples),
        test_size=fraction,
        stratify=target.strata(samples.y),
        random_state=child_random_state(seed, "validation"),
    )
    validation = samples.take(validation)
    # Their sum may be infinite.
    weights = validation.score_weights / validation.score_weights.max()
    return samples.take(train), validation._replace(score_weights=weights)


def without_ignored(samples, class_weight, target):
    """Leave out the samples of classes of weight 0, which are not learned.

    Parameters
    ----------
    samples : Samples
        Those that are set aside.
    class_weight : dict, "balanced" or None
    target : target

    Returns
    -------
    samples : Samples

    Raises
    ------
    ValueError
        If none is left.
    """
    if not isinstance(class_weight, dict):
        return samples
    names = target.names.tolist()
    is_learned = np.array([class_weight.get(c, 1) != 0 for c in names])[samples.y]
    if is_learned.ndim == 2:  # of steps
        scores = np.where(is_learned, samples.score_weights, 0)
        samples, is_learned = samples._replace(score_weights=scores), scores.any(axis=1)
    present = np.flatnonzero(is_learned)
    if len(present) == len(samples.y):
        return samples
    if len(present) == 0:
        raise ValueError(
            "The validation set has only samples of classes of weight 0. Increase "
            "'validation_fraction' or the size of your dataset."
        )
    return samples.take(present)


def weigh_nothing(labels, class_weight, target):
    """Tell whether samples are all of classes of weight 0, or there are none.

    Parameters
    ----------
    labels : ndarray of shape (n_samples, ...)
        Those of weights above 0.
    class_weight : dict or None
    target : target

    Returns
    -------
    weigh_nothing : bool

    Raises
    ------
    ValueError
        If the weight of a class is negative or not finite, or all are 0.
    """
    if not target.takes_class_weight:
        return len(labels) == 0
    classes = target.names
    by_class = class_weights(class_weight, classes, classes, np.ones(len(classes)))
    return not by_class[target.encode(labels)].any()


def weigh(samples, class_weight, target):
    """Multiply the weights by those of the classes, and make their mean 1.

    Parameters
    ----------
    samples : Samples
    class_weight : dict, "balanced" or None
    target : target

    Returns
    -------
    samples : Samples
        Without those of classes of weight 0. Weights of the score have a mean of 1,
        too, but those of the classes are not in it. Where steps have targets, it is
        they that are weighed, and a sample has the sum.
    log2_mean : float
        Logarithm of what the mean was, which may itself leave the range of floats.
    """
    factors = np.ones(samples.weights.shape)
    if class_weight is not None:
        labels, weights = target.names[samples.y].ravel(), samples.weights.ravel()
        factors = class_weights(class_weight, target.names, labels, weights)
        factors = factors.reshape(samples.weights.shape)
    if not factors.all():
        if factors.ndim == 2:  # of steps
            scores = np.where(factors, samples.score_weights, 0)
            samples = samples._replace(score_weights=scores)
        is_learned = (factors != 0) & (samples.weights != 0)
        present = np.flatnonzero(is_learned.reshape(len(factors), -1).any(axis=1))
        samples, factors = samples.take(present), factors[present]
    # The largest of each first: products and sums of extreme weights leave the range.
    units = samples.weights.max(), factors.max()
    score_weights = samples.score_weights / samples.score_weights.max()
    weights = (samples.weights / units[0]) * (factors / units[1])
    units = *units, weights.max()
    weights /= units[2]
    units = *units, weights.sum() / len(weights)
    samples = samples._replace(
        weights=weights / units[3], score_weights=score_weights / score_weights.mean()
    )
    return samples, float(np.log2(units).sum())


def relative_weight(log2_mean, log2_first):
    """Return how much samples weigh, in the mean weight of those of a first call.

    Parameters
    ----------
    log2_mean, log2_first : float
        Logarithms of the mean weights, as `weigh` returns them.

    Returns
    -------
    weight : float
        Exactly 1 if both are equal.

    Raises
    ------
    ValueError
        If it is so large or small that a gradient of float32 would leave its range.
    """
    difference = log2_mean - log2_first
    if abs(difference) > _MAX_LOG2_WEIGHT:
        raise ValueError(
            "The weights of the samples (with class_weight) are on the average "
            f"2**{difference:.0f} times those of the first call, to which they are "
            f"relative; from 2**-{_MAX_LOG2_WEIGHT} to 2**{_MAX_LOG2_WEIGHT} are "
            "accepted."
        )
    return float(2.0**difference)
