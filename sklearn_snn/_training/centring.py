"""The coordinates in which the first layer learns of a table: about the mean row.

With weights ``W``, bias ``b`` and the mean row ``m``, a constant current is

    x W + b  =  (x - m) W + c         with c = b + m W

`W` and `c` learn, instead of `W` and `b`. The network is the same, but a step that
changes `W` moves no current of the mean row: where columns have a mean that is large
beside what they vary by, as those of unscaled tables, steps of `W` would push all
currents up or down at once, and the bias would have to follow (LeCun, Bottou, Orr &
Muller, "Efficient BackProp", 1998, section 4.3). Of a standardized table the mean is 0,
and nothing changes. Of a stream it is the mean of the first call, which stays: any
point among the rows is better than 0 far from them.
"""

import numpy as np
from scipy.sparse import issparse

# Rows that are added up at a time, in float64.
_BLOCK = 1024


def find_mean_row(samples):
    """Return the weighted mean of the rows of a table.

    Row by row, in an order of sums that hangs neither on how X lies in memory nor on
    the number of threads.

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
    mean = np.zeros(samples.X.shape[1])
    for start in range(0, len(shares), _BLOCK):
        rows = np.arange(start, min(start + _BLOCK, len(shares)))
        block, of_rows = samples.take(rows).inputs(), shares[rows]
        if issparse(block):
            mean += block.T @ of_rows
        else:
            weighted = np.multiply(block, of_rows[:, np.newaxis], order="C")
            mean += weighted.sum(axis=0)
    return mean


class Centring:
    """What `W` and `c` are to the first layer's `W` and `b`; nothing else is kept.

    Parameters
    ----------
    layer : dict of ndarrays
        Parameters of the first layer, as they are trained in place.
    mean : ndarray of shape (n_features,)
    """

    def __init__(self, layer, mean):
        self._layer = layer
        self._mean = mean.astype(layer["coef"].dtype)[:, np.newaxis]
        self._scratch = np.empty_like(layer["coef"])

    def turn(self, gradient):
        """Make of the first layer's gradient, in place, that by `W` and `c`.

        With `c` held, a change of `W` changes `b`: the gradient by `W` is less by the
        outer product of `m` and the gradient by `b`, which is the one by `c`.
        """
        np.multiply(self._mean, gradient["intercept"], out=self._scratch)
        gradient["coef"] -= self._scratch

    def step(self, update, *arguments):
        """Let an optimizer update `W`, and `b` as if it were `c`; then `b` follows `W`.

        Parameters
        ----------
        update : callable
        *arguments
            What it is called with.
        """
        weights, change = self._layer["coef"], self._scratch
        np.copyto(change, weights)
        update(*arguments)
        np.subtract(weights, change, out=change)
        change *= self._mean
        self._layer["intercept"] -= change.sum(axis=0)
