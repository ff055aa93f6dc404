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

# Numbers of the rows that are added up at a time, which are copied.
_BLOCK = 2**17


def find_mean_row(samples):
    """Return the weighted mean of the rows of a table.

    In an order of sums that hangs neither on how X lies in memory nor on the number of
    threads, as that of a product by BLAS may.

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
    n_rows = max(1, _BLOCK // len(mean))
    for start in range(0, len(shares), n_rows):
        some = slice(start, start + n_rows)
        rows = some if samples.rows is None else samples.rows[some]
        block = samples.X[rows]
        if issparse(block):
            mean += block.T @ shares[some]
        else:
            # Numbers of two types einsum would multiply a few at a time.
            block = np.ascontiguousarray(block, np.float64)
            mean += np.einsum("i,ij->j", shares[some], block)
    return mean


class Centring:
    """Lets `b` follow what has become of `W`.

    With `c` held, a change of `W` changes `b`: the gradient by `W` is less by the outer
    product of `m` and the gradient by `b`, which is the one by `c`. So the engine makes
    it: see `_model.updates.finish_gradient`.

    Parameters
    ----------
    layer : dict of ndarrays
        Parameters of the first layer, as they are trained in place.
    mean : ndarray of shape (n_features,)

    Attributes
    ----------
    mean : ndarray of the dtype of the weights
    """

    def __init__(self, layer, mean):
        self._layer, self.mean = layer, mean.astype(layer["coef"].dtype)
        self._of_mean = self._current_of_mean()

    def _current_of_mean(self):
        return np.einsum("i,ij->j", self.mean, self._layer["coef"])

    def follow(self):
        """Let `b`, in place, follow what has changed in `W`, so that `c` does not."""
        before, self._of_mean = self._of_mean, self._current_of_mean()
        self._layer["intercept"] -= self._of_mean - before
