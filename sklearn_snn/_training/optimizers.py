"""Stochastic optimizers and learning-rate schedules on lists of arrays.

A parameter may have a unit, a scale: what is optimized is the number ``param / scale``,
and gradients are those with respect to it.
"""

import math
from itertools import pairwise

import numpy as np

from sklearn_snn._model.updates import sum_of_squares, take_step
from sklearn_snn._utils.workspace import as_one, side_by_side


class SGD:
    """Stochastic gradient descent with momentum ``m``, in place.

    ::

        velocity = m * velocity - learning_rate * grad
        param   += velocity                                  nesterov=False
        param   += m * velocity - learning_rate * grad       nesterov=True

    after Sutskever, Martens, Dahl & Hinton, "On the importance of initialization and
    momentum in deep learning", ICML 2013.

    Parameters
    ----------
    params : list of ndarrays
        Updated in place.
    momentum : float, default=0.9
    nesterov : bool, default=True
    scales : list of float, default=None
        Unit of each parameter; None is 1.
    """

    def __init__(self, params, momentum=0.9, nesterov=True, scales=None):
        self.params = params
        self.scales = scales or [1.0] * len(params)
        self.momentum = momentum
        self.nesterov = nesterov
        self.velocities = [np.zeros_like(p) for p in params]

    def update(self, grads, learning_rate):
        """Take one step.

        Parameters
        ----------
        grads : list of ndarrays
            Gradients, in the order of the parameters.
        learning_rate : float
        """
        arrays = zip(self.params, grads, self.velocities, self.scales, strict=True)
        for p, g, v, scale in arrays:
            v *= self.momentum
            v -= learning_rate * g
            p += scale * (self.momentum * v - learning_rate * g if self.nesterov else v)

    def state(self):
        """Return what the next step depends on, as a dict of copied arrays."""
        return {"velocities": [v.copy() for v in self.velocities]}

    def restore(self, state):
        """Go on from a `state`."""
        self.velocities = [v.copy() for v in state["velocities"]]


class Adam:
    """Adam (Kingma & Ba, "Adam: a method for stochastic optimization", ICLR 2015).

    ::

        m = beta_1 * m + (1 - beta_1) * grad
        v = beta_2 * v + (1 - beta_2) * grad**2
        param -= learning_rate * m / (1 - beta_1**t) / (sqrt(v / (1 - beta_2**t)) + eps)

    Parameters
    ----------
    params : list of ndarrays
        C-contiguous; updated in place.
    beta_1, beta_2 : float, default=0.9, 0.999
        Decay of the running means of the gradient and of its square.
    epsilon : float, default=1e-8
    scales : list of float, default=None
        Unit of each parameter; None is 1.
    take_step : callable, default=`_model.updates.take_step`
        What lets arrays take a step: that of an engine is the same, to the bit. Those
        that lie behind each other take it together.
    """

    def __init__(
        self,
        params,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        scales=None,
        take_step=take_step,
    ):
        self.params, self._take_step = params, take_step
        self.scales = scales or [1.0] * len(params)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.t = 0
        self.ms, self.vs, self._runs = [], [], []
        for few in _runs(params):
            own = params[few]
            shapes, sizes = [p.shape for p in own], [p.size for p in own]
            means = [side_by_side(shapes, own[0].dtype, np.zeros) for _ in range(2)]
            self.ms += means[0]
            self.vs += means[1]
            arrays = [as_one(a) for a in (own, *means)]
            if arrays[0] is None:
                raise ValueError("Parameters have to be C-contiguous.")
            self._runs.append((few, arrays, np.cumsum(sizes)))

    def update(self, grads, learning_rate):
        """Take one step.

        Parameters
        ----------
        grads : list of ndarrays
            Gradients, in the order of the parameters.
        learning_rate : float
        """
        self.t += 1
        step = learning_rate / (1 - self.beta_1**self.t)
        correction = 1 / math.sqrt(1 - self.beta_2**self.t)
        numbers = 1 - self.beta_1, 1 - self.beta_2, correction, self.epsilon
        for few, (param, mean, square), ends in self._runs:
            steps = [scale * step for scale in self.scales[few]]
            grad = as_one(grads[few])
            if grad is None:
                grad = np.concatenate([g.ravel() for g in grads[few]])
            self._take_step(param, grad, mean, square, ends, steps, *numbers)

    def state(self):
        """Return what the next step depends on, as a dict of copied arrays."""
        ms, vs = [m.copy() for m in self.ms], [v.copy() for v in self.vs]
        return {"t": self.t, "ms": ms, "vs": vs}

    def restore(self, state):
        """Go on from a `state`."""
        self.t = state["t"]
        for arrays, saved in (self.ms, state["ms"]), (self.vs, state["vs"]):
            for array, numbers in zip(arrays, saved, strict=True):
                array[...] = numbers


def _runs(params):
    """Cut arrays into slices of those that lie behind each other.

    They take a step together: it is calls that take time where arrays are small.
    """
    starts = [0]
    for i in range(1, len(params)):
        if as_one(params[i - 1 : i + 1]) is None:
            starts.append(i)
    return [slice(*ends) for ends in pairwise([*starts, len(params)])]


def clip_by_value(grads, limit):
    """Clip every element to [-limit, limit], in place.

    Parameters
    ----------
    grads : list of ndarrays
    limit : float
    """
    for g in grads:
        np.clip(g, -limit, limit, out=g)


def norms(arrays, sum_of_squares=sum_of_squares):
    """Return the Euclidean norm of each array; `math.hypot` gives that of all of them.

    Parameters
    ----------
    arrays : list of ndarrays
    sum_of_squares : callable, default=`_model.updates.sum_of_squares`
        That of an engine may add in another order.

    Returns
    -------
    norms : list of float
    """
    return [math.sqrt(sum_of_squares(a)) for a in arrays]


def clip_by_norm(grads, limit, norm):
    """Scale all gradients so that their joint Euclidean norm is at most `limit`.

    Pascanu, Mikolov & Bengio, "On the difficulty of training recurrent neural
    networks", ICML 2013.

    Parameters
    ----------
    grads : list of ndarrays
        Scaled in place.
    limit : float
    norm : float
        What it is.
    """
    if norm > limit:
        for g in grads:
            g *= limit / norm


def _constant(progress, n_seen, power):
    return 1.0


def _cosine(progress, n_seen, power):
    return 0.5 * (1 + math.cos(math.pi * progress))


def _inverse_scaling(progress, n_seen, power):
    return (n_seen + 1) ** -power


# Factor on the initial learning rate, given the share of the training that is done, the
# number of samples seen in all epochs before, and a power. "adaptive" is constant here:
# it is the fit that reduces the rate, when the loss stalls.
SCHEDULES = {
    "constant": _constant,
    "cosine": _cosine,
    "invscaling": _inverse_scaling,
    "adaptive": _constant,
}
