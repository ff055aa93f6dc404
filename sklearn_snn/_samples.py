"""The samples of a fit: weights by class, and those that are set aside to watch it."""

import math

import numpy as np
from sklearn.model_selection import train_test_split

from sklearn_snn._training import child_random_state
from sklearn_snn._validation import class_weights


def set_aside(samples, fraction, classes, seed):
    """Split samples, stratified by class, for early stopping.

    Parameters
    ----------
    samples : Samples
    fraction : float
        Share that is set aside.
    classes : ndarray of shape (n_classes,)
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
    n_least = max(2, len(np.unique(samples.y)))
    if math.ceil(fraction * n_samples) < n_least:
        raise ValueError(
            f"The validation set is too small: validation_fraction={fraction} of "
            f"{n_samples} samples is less than {n_least}, one of each class. Increase "
            "'validation_fraction' or the size of your dataset."
        )
    train, validation = train_test_split(
        np.arange(n_samples),
        test_size=fraction,
        stratify=classes[samples.y],
        random_state=child_random_state(seed, "validation"),
    )
    validation = samples.take(validation)
    # Their sum may be infinite.
    weights = validation.weights / validation.weights.max()
    return samples.take(train), validation._replace(weights=weights)


def weigh(samples, class_weight, classes):
    """Multiply the weights by those of the classes, and make their mean 1.

    Parameters
    ----------
    samples : Samples
    class_weight : dict, "balanced" or None
    classes : ndarray of shape (n_classes,)

    Returns
    -------
    samples : Samples
        Without those of classes of weight 0.
    """
    factors = class_weights(class_weight, classes, classes[samples.y], samples.weights)
    if not factors.all():
        present = factors > 0
        samples, factors = samples.take(present), factors[present]
    # The largest of each first: products and sums of extreme weights leave the range.
    weights = samples.weights / samples.weights.max() * (factors / factors.max())
    weights /= weights.max()
    return samples._replace(weights=weights / weights.mean())
