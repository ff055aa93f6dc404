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

# Numbers that differ by less than so many times their rounding are the same.
_ROUNDING = 16 * np.finfo(float).eps
# Numbers are floats of 32 bits, where outputs are, unless these are so far from each
# other, in the deviation of y, that a hundredth of it would be lost.
_COARSE = 0.01


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
        What an output of 0, and a change of it by 1, stand for. With a scale of 0 it is
        the same number always.
    is_flat : bool
        Whether y has one dimension.
    keeps_digits : bool, default=True
        Whether numbers are of float64 where float32 could not tell them apart. Those of
        a network that was saved before 0.5.0 are what they were.
    """

    loss = "squared_error"
    activation = "identity"
    silence_is_no_answer = False
    takes_class_weight = False
    guess = "the mean of y"
    score_name = "R squared"
    output_name = "outputs"

    def __init__(self, mean, scale, is_flat, keeps_digits=True):
        self.mean, self.scale, self.is_flat = mean, scale, is_flat
        self.keeps_digits = keeps_digits

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
        # A column that is constant up to rounding has no scale to be measured in. It is
        # itself, where a mean of many would be off by their rounding.
        itself = columns[np.argmax(shares)]
        is_constant = _is_same(columns[shares > 0], itself)
        mean[is_constant] = itself[is_constant]
        scale[is_constant] = 0
        scale[~is_constant & (scale == 0)] = 1
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
        return {
            "y_mean_": self.mean,
            "y_scale_": self.scale,
            "_is_flat_": self.is_flat,
            "_keeps_digits_": self.keeps_digits,
        }

    def following(self, y):
        """Return the target that y is learned as, once this one has been learned.

        What was the same number always, and is another one now, is measured in its own
        size from then on: so far the network has learned 0 of it.
        """
        columns = np.asarray(y, np.float64).reshape(len(y), self.n_outputs)
        return self.measured(~_is_same(columns, self.mean))

    def measured(self, which=True):
        """Return a target with a scale, of those numbers that have none."""
        own = np.where(self.mean == 0, 1, np.abs(self.mean))
        scale = np.where((self.scale == 0) & which, own, self.scale)
        return Numbers(self.mean, scale, self.is_flat, self.keeps_digits)

    @np.errstate(over="ignore")  # of what is infinite a fit says that it diverges
    def encode(self, y):
        """Return the numbers in their deviation, of shape (n_samples, n_outputs)."""
        beyond = np.asarray(y, np.float64).reshape(len(y), -1) - self.mean
        varies = self.scale > 0
        return np.divide(beyond, self.scale, out=np.zeros_like(beyond), where=varies)

    @np.errstate(over="ignore")
    def decode(self, outputs):
        """Return the numbers, of the dtype of the outputs if that can hold them.

        Not where it may be too small for them, or too coarse for how they differ.
        """
        y = outputs.astype(np.float64) * self.scale + self.mean
        y, own = y[..., 0] if self.is_flat else y, np.finfo(outputs.dtype)
        holds = np.abs(y).max(initial=0) <= own.max
        if holds and self.keeps_digits:
            is_exact = self.mean.astype(outputs.dtype) == self.mean
            is_fine = own.eps * np.abs(self.mean) <= _COARSE * self.scale
            holds = np.where(self.scale == 0, is_exact, is_fine).all()
        return y.astype(outputs.dtype) if holds else y

    def tally(self, outputs, targets, weights):
        """Return the sum of the squared errors of each number; none of a constant."""
        errors = np.square(outputs - targets, dtype=np.float64)
        return np.where(self.scale == 0, 0, weights @ errors)

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


def _is_same(columns, numbers):
    """Tell which columns have one of the numbers throughout, up to rounding."""
    beyond = np.abs(columns - numbers).max(axis=0, initial=0)
    return beyond <= _ROUNDING * np.abs(numbers)


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
