"""The coordinates in which the first layer learns of a table: about the mean row.

With weights ``W``, bias ``b`` and the mean row ``m``, a constant current is

    x W + b  =  (x - m) W + c         with c = b + m W

`W` and `c` learn, instead of `W` and `b`. The network is the same, but a step that
changes `W` moves no current of the mean row: where columns have a mean that is large
beside what they vary by, as those of unscaled tables, steps of `W` would push all
currents up or down at once, and the bias would have to follow (LeCun, Bottou, Orr &
Muller, "Efficient BackProp", 1998, section 4.3). Of a standardized table the mean is 0,
and nothing changes.
"""

import numpy as np
from scipy.sparse import issparse

# Rows that are added up at a time, in float64.
_BLOCK = 1024


def mean_row(samples):
    """Return the weighted mean of the rows of a table.

    Row by row, in an order of sums that does not hang on how X lies in memory.

    Parameters
    ----------
    samples : Samples
        Of constant currents.

    Returns
    -------
    mean : ndarray of float64 of shape (n_features,)
    """
    shares = samples.weights_of_samples()
    shares = shares / shares.sum()
    total = np.zeros(samples.X.shape[1])
    for start in range(0, len(shares), _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, len(shares)))
        block = samples.take(rows).inputs()
        block = block.toarray() if issparse(block) else np.ascontiguousarray(block)
        total += (block * shares[rows, np.newaxis]).sum(axis=0)
    return total


class Centring:
    """The first layer's parameters in coordinates about a mean row.

    Parameters
    ----------
    layer : dict of ndarrays
        Parameters of the first layer. Its intercept is what `put_back` writes to.
    mean : ndarray of shape (n_features,)
    """

    def __init__(self, layer, mean):
        self._layer = layer
        self._mean = mean.astype(layer["coef"].dtype)[:, np.newaxis]
        self._scratch = np.empty_like(layer["coef"])
        self.intercept = layer["intercept"] + self._current_of_mean()

    @np.errstate(over="ignore", invalid="ignore")  # found with the parameters
    def _current_of_mean(self):
        np.multiply(self._layer["coef"], self._mean, out=self._scratch)
        return self._scratch.sum(axis=0)

    def learning(self, params):
        """Return parameters of which the first bias is the one that learns."""
        first, *others = params
        return [first | {"intercept": self.intercept}, *others]

    def turn(self, gradient):
        """Make of the first layer's gradient, in place, that in these coordinates.

        With `c` held, a change of `W` changes `b`: the gradient by `W` is less by the
        outer product of `m` and the gradient by `b`, which is the one by `c`.
        """
        np.multiply(self._mean, gradient["intercept"], out=self._scratch)
        gradient["coef"] -= self._scratch

    def put_back(self):
        """Write the bias of the network, in place, after `W` and `c` have changed."""
        of_mean = self._current_of_mean()
        np.subtract(self.intercept, of_mean, out=self._layer["intercept"])
