"""What a network is trained for: classes, several labels at once, or real numbers.

All that depends on the task is here: how y is checked, encoded for the loss, weighed
and split, what a score is, what guessing would reach, and what answers the outputs
are. A target has

``loss``, ``activation``
    key of `_model.losses.LOSSES`, and the name of what makes probabilities of outputs;
``n_outputs``, ``names``
    how many output neurons there are, and what they stand for;
``attributes()``
    what a fitted estimator is to know of it, from which it is made again;
``encode(y)``, ``decode(outputs)``
    from y to what the loss compares outputs with, and from outputs to answers;
``tally(outputs, targets, weights)``, ``score(total, targets, weights)``
    what a batch adds up to, and the score of the total of all batches;
``guessing(targets, weights, score_weights)``
    loss and score of who knows how frequent all answers are, and nothing of X;
``strata(targets)``, ``n_least(targets)``
    what a split of the samples keeps in proportion, and how few may be set aside;
``guess``, ``score_name``, ``output_name``
    what guessing goes by, what the score is, and what outputs stand for, in words;
``takes_class_weight``
    whether samples can be weighed by class;
``silence_is_no_answer``
    whether a sample for which no output neuron fires is left unanswered.
"""

import numpy as np
from scipy.special import entr


class Classes:
    """One label of several for each sample, by the softmax of an output for each.

    Parameters
    ----------
    classes : ndarray of shape (n_classes,)
        Sorted.
    """

    loss = "cross_entropy"
    activation = "softmax"
    silence_is_no_answer = True
    takes_class_weight = True
    guess = "the frequencies of the classes"
    score_name = "accuracy"
    output_name = "classes"

    def __init__(self, classes):
        self.names = classes

    @property
    def n_outputs(self):
        """Number of classes."""
        return len(self.names)

    def attributes(self):
        """Return the fitted attributes that this target is made from."""
        return {"classes_": self.names}

    def encode(self, y):
        """Return the index of the class of each sample."""
        return np.searchsorted(self.names, y)

    def decode(self, outputs):
        """Return the label of the largest output; of equals, the first."""
        return self.names[outputs.argmax(axis=-1)]

    def tally(self, outputs, targets, weights):
        """Return the weight of the samples that are predicted right."""
        return weights[outputs.argmax(axis=1) == targets].sum()

    def score(self, total, targets, weights):
        """Return the accuracy."""
        return float(total / weights.sum())

    def guessing(self, targets, weights, score_weights):
        """Return cross-entropy and accuracy of the frequencies of the classes.

        Who predicts the frequency ``p_c`` of each class for every sample has the
        cross-entropy ``-sum_c p_c log(p_c)`` and the accuracy ``max_c p_c``. In the
        loss the classes have other frequencies than in the accuracy: their weights
        count.
        """
        frequencies = [
            np.bincount(targets, w) / w.sum() for w in (weights, score_weights)
        ]
        return entr(frequencies[0]).sum(), frequencies[1].max()

    def strata(self, targets):
        """Return the labels."""
        return self.names[targets]

    def n_least(self, targets):
        """Return one for each class, and two."""
        return max(2, len(np.unique(targets)))


class Labels:
    """Any number of labels for each sample, by the logistic function of each output.

    Parameters
    ----------
    n_outputs : int
        Number of labels.
    """

    loss = "logistic"
    activation = "logistic"
    silence_is_no_answer = False
    takes_class_weight = False
    guess = "the frequencies of the labels"
    score_name = "accuracy"
    output_name = "labels"

    def __init__(self, n_outputs):
        self.n_outputs = n_outputs

    @property
    def names(self):
        """The labels, which are columns of y."""
        return np.arange(self.n_outputs)

    def attributes(self):
        """Return the fitted attributes that this target is made from."""
        return {"classes_": self.names}

    def encode(self, y):
        """Return y, of 0 and 1, as numbers."""
        return np.asarray(y, np.float64)

    def decode(self, outputs):
        """Return 1 for labels that are more probable than not, else 0."""
        return (outputs > 0).astype(int)

    def tally(self, outputs, targets, weights):
        """Return the weight of the samples of which all labels are right."""
        return weights[((outputs > 0) == targets).all(axis=1)].sum()

    def score(self, total, targets, weights):
        """Return the subset accuracy."""
        return float(total / weights.sum())

    def guessing(self, targets, weights, score_weights):
        """Return loss and accuracy of the frequencies of the labels."""
        p, q = (
            (weights @ targets / weights.sum()),
            (score_weights @ targets / score_weights.sum()),
        )
        total = self.tally(np.tile(q - 0.5, (len(targets), 1)), targets, score_weights)
        return (entr(p) + entr(1 - p)).sum(), self.score(total, targets, score_weights)

    def strata(self, targets):
        """Return None: combinations of labels may be rare."""
        return None

    def n_least(self, targets):
        """Return two."""
        return 2


class Numbers:
    """One or several real numbers for each sample, by outputs in their deviation.

    Parameters
    ----------
    mean, scale : ndarrays of shape (n_outputs,)
        What an output of 0, and a change of it by 1, stand for.
    is_flat : bool
        Whether y has one dimension.
    """

    loss = "squared_error"
    activation = "identity"
    silence_is_no_answer = False
    takes_class_weight = False
    guess = "the mean of y"
    score_name = "R squared"
    output_name = "outputs"

    def __init__(self, mean, scale, is_flat):
        self.mean, self.scale, self.is_flat = mean, scale, is_flat

    @classmethod
    def of(cls, y, weights):
        """Return the target whose numbers have mean 0 and deviation 1 in y.

        Parameters
        ----------
        y : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        weights : ndarray of shape (n_samples,)
        """
        columns = y.reshape(len(y), -1).astype(np.float64)
        shares = weights / weights.max()
        shares /= shares.sum()
        # In units of the largest, whose square stays in range.
        unit = np.abs(columns).max(axis=0)
        unit[unit == 0] = 1
        columns = columns / unit
        mean = shares @ columns
        scale = np.sqrt(shares @ np.square(columns - mean))
        # A column that is constant up to rounding has no scale to be measured in.
        scale[scale <= 16 * np.finfo(float).eps * np.abs(mean)] = 1
        return cls(mean * unit, scale * unit, y.ndim == 1)

    @property
    def n_outputs(self):
        """Number of numbers."""
        return len(self.mean)

    @property
    def names(self):
        """The indices of the numbers."""
        return np.arange(self.n_outputs)

    def attributes(self):
        """Return the fitted attributes that this target is made from."""
        return {"y_mean_": self.mean, "y_scale_": self.scale, "_is_flat_": self.is_flat}

    @np.errstate(over="ignore")  # of what is infinite a fit says that it diverges
    def encode(self, y):
        """Return the numbers in their deviation, of shape (n_samples, n_outputs)."""
        return (np.asarray(y, np.float64).reshape(len(y), -1) - self.mean) / self.scale

    @np.errstate(over="ignore")
    def decode(self, outputs):
        """Return the numbers, of the dtype of the outputs if that can hold them."""
        y = outputs.astype(np.float64) * self.scale + self.mean
        y = y[..., 0] if self.is_flat else y
        fits = np.abs(y).max(initial=0) <= np.finfo(outputs.dtype).max
        return y.astype(outputs.dtype) if fits else y

    def tally(self, outputs, targets, weights):
        """Return the sum of the squared errors of each number."""
        return weights @ np.square(outputs - targets, dtype=np.float64)

    def score(self, total, targets, weights):
        """Return R squared, the mean of those of all numbers, as scikit-learn does."""
        mean = weights @ targets / weights.sum()
        variation = weights @ np.square(targets - mean)
        is_constant = variation == 0
        r2 = 1 - total / np.where(is_constant, 1, variation)
        r2[is_constant] = np.where(total[is_constant] == 0, 1.0, 0.0)
        return float(r2.mean())

    def guessing(self, targets, weights, score_weights):
        """Return loss and R squared of the mean."""
        mean = weights @ targets / weights.sum()
        variance = weights @ np.square(targets - mean) / weights.sum()
        return variance.mean() / 2, 0.0

    def strata(self, targets):
        """Return None: there is nothing to keep in proportion."""
        return None

    def n_least(self, targets):
        """Return two, of which R squared is defined."""
        return 2


class PerStep:
    """Another target, at each step that is read.

    What samples have there, steps have here: targets, outputs and weights with a second
    axis. A step of weight 0 does not count.

    Parameters
    ----------
    of : Classes, Labels or Numbers
        Of a single step.
    """

    silence_is_no_answer = False

    def __init__(self, of):
        self.of = of
        self.loss, self.activation, self.names = of.loss, of.activation, of.names
        self.takes_class_weight, self.guess = of.takes_class_weight, of.guess
        self.score_name, self.output_name = of.score_name, of.output_name

    @property
    def n_outputs(self):
        """Number of outputs at each step."""
        return self.of.n_outputs

    def attributes(self):
        """Return the fitted attributes that the target of a step is made from."""
        return self.of.attributes()

    def encode(self, y):
        """Return what the loss compares the outputs of each step with."""
        n_axes = min(y.ndim, 2)
        flat = self.of.encode(y.reshape(-1, *y.shape[n_axes:]))
        return flat.reshape(*y.shape[:n_axes], *flat.shape[1:])

    def decode(self, outputs):
        """Return the answer of each step."""
        return self.of.decode(outputs)

    def tally(self, outputs, targets, weights):
        """Return what all steps add up to."""
        return self.of.tally(*map(_of_steps, (outputs, targets)), weights.ravel())

    def score(self, total, targets, weights):
        """Return the score of all steps."""
        return self.of.score(total, _of_steps(targets), weights.ravel())

    def guessing(self, targets, weights, score_weights):
        """Return loss and score of who knows nothing of X."""
        all_weights = weights.ravel(), score_weights.ravel()
        return self.of.guessing(_of_steps(targets), *all_weights)

    def strata(self, targets):
        """Return None: samples have many labels."""
        return None

    def n_least(self, targets):
        """Return one, which has many steps."""
        return 1


def _of_steps(array):
    """Return an array whose first two axes are one."""
    return array.reshape(-1, *array.shape[2:])
