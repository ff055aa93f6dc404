"""All weights and biases as they learn: behind each other, in units, with decay."""

import math
from itertools import accumulate

import numpy as np

from sklearn_snn._model.parameters import WEIGHTS, part
from sklearn_snn._utils.workspace import as_one


class Weights:
    """What gradients have to become before an optimizer gets them.

    Parameters
    ----------
    params : list of dicts of ndarrays
        Their weights lie behind each other, as those of `weights_like`.
    decay : float
    scales, recurrent_scales : lists of float
        Unit of each layer's weights, and recurrent weights.

    Attributes
    ----------
    scales : list of float
        Unit of each array, in the order of `parameters.learning`; that of biases is 1.
    """

    def __init__(self, params, decay, scales, recurrent_scales):
        arrays = [array for name in WEIGHTS for array in part(params, name)]
        no_decay = [0.0] * len(params)
        self.scales = [*scales, *[1.0] * len(params), *recurrent_scales]
        self._decays = [
            *(decay / scale for scale in scales),
            *no_decay,
            *(decay / scale for scale in recurrent_scales),
        ]
        self._flat = as_one(arrays)
        if self._flat is None:
            raise ValueError("Weights and biases have to lie behind each other.")
        self._ends = np.array([*accumulate(array.size for array in arrays)])
        self._no_mean = np.empty(0, self._flat.dtype)

    def norm(self, engine):
        """Return the Euclidean norm of all weights and biases together."""
        return math.sqrt(engine.sum_of_squares(self._flat))

    def finish(self, engine, grads, mean, bias, penalty):
        """Make of gradients, in place, those by what learns.

        Parameters
        ----------
        engine : engine
        grads : list of ndarrays
            By all weights and biases, behind each other; others may follow.
        mean : ndarray of shape (n_features,) or None
            About which the first weights learn; see `centring`.
        bias : ndarray of shape (n_units,)
            Gradient by the biases of the first layer.
        penalty : float

        Returns
        -------
        penalty : float
            With that of the weights.
        norms : list of float
            Euclidean norm of each gradient.
        """
        decays, scales = self._decays, self.scales
        of_weights, of_grads = engine.finish_gradient(
            self._flat,
            as_one(grads[: len(scales)]),
            self._ends,
            scales,
            decays,
            self._no_mean if mean is None else mean,
            bias,
        ).tolist()
        for decay, scale, square in zip(decays, scales, of_weights, strict=True):
            penalty += decay / scale / 2 * square
        return penalty, [math.sqrt(square) for square in of_grads]
