"""Kinds of neurons for the hidden layers, with what each of them has for itself.

An estimator takes one as its parameter `neuron`, by name (``neuron="adlif"``, with the
defaults) or as an object, whose parameters a search finds as ``neuron__rho`` and so on.
What all neurons have, `beta`, `surrogate`, `reset` and `detach_reset`, the estimator
has.

Every constant is a number, the same for all neurons of a layer, or a pair, the first
and the last of numbers that are spread evenly over them: those of leaks evenly in the
time constant ``tau = -1 / log(leak)``, in steps. A leak of time constant ``tau`` is
``exp(-1 / tau)``. With ``learn_neuron`` of the estimator they learn, each neuron its
own.
"""

from numbers import Real

import numpy as np
from sklearn.base import BaseEstimator

from sklearn_snn._compat import InvalidParameterError

# Of each number: lowest, highest, and in words.
RANGES = {
    "alpha": (0.0, 1.0, "in [0, 1], below 1 in a pair"),
    "rho": (0.0, np.nextafter(1.0, 0.0), "in [0, 1)"),
    "alpha_syn": (0.0, np.nextafter(1.0, 0.0), "in [0, 1)"),
    "threshold": (np.nextafter(0.0, 1.0), np.finfo(float).max, "positive"),
    "a": (0.0, np.finfo(float).max, "not negative"),
    "b": (0.0, np.finfo(float).max, "not negative"),
    "q": (np.nextafter(0.0, 1.0), np.finfo(float).max, "positive"),
}


class Neuron(BaseEstimator):
    """What all kinds have in common: see the classes."""

    # The name by which estimators and files know the kind.
    name = None
    # Parameters that are a single number for all neurons.
    _single = ()

    def settings(self):
        """Return the checked parameters as plain values, which any file can hold.

        Returns
        -------
        settings : dict
            Of a float, a list of two floats, or None for each parameter.

        Raises
        ------
        ValueError
            If a parameter is not what it may be.
        """
        return {
            name: self._checked(name, value)
            for name, value in self.get_params(deep=False).items()
        }

    def _checked(self, name, value):
        if value is None and name in ("alpha", "threshold"):
            return None
        low, high, words = RANGES[name]
        is_pair = np.ndim(value) == 1 and len(value) == 2 and name not in self._single
        numbers = [*value] if is_pair else [value]
        if is_pair and name == "alpha":
            high = RANGES["rho"][1]
        if not all(
            isinstance(x, Real) and not isinstance(x, bool) and low <= x <= high
            for x in numbers
        ):
            kinds = "a number" if name in self._single else "a number or a pair of them"
            raise InvalidParameterError(
                f"The {name!r} parameter of {type(self).__name__} must be {kinds}, "
                f"{words}. Got {value!r} instead."
            )
        numbers = [float(x) for x in numbers]
        return numbers if is_pair else numbers[0]


class LIF(Neuron):
    """Leaky integrate-and-fire neuron.

    ::

        u_t = alpha * v_{t-1} + gain * I_t       membrane before the spike test
        s_t = 1 if u_t > threshold else 0        spike
        v_t = what the reset of the estimator makes of u_t and s_t

    where the gain is 1 if all neurons have the same leak, and ``1 - alpha`` if they
    differ or learn it: else a longer memory would also be a louder input.

    Parameters
    ----------
    alpha : float or pair of float, default=None
        Leak: share of the membrane that is left after one step, in [0, 1]; below 1
        where it is a pair, or learned. None is the `alpha` of the estimator.
    threshold : float or pair of float, default=None
        Membrane above which a neuron fires, positive. None is that of the estimator.

    See Also
    --------
    AdLIF : Adapts to what it did.
    CUBA : Has a synaptic current.

    Examples
    --------
    Neurons that remember 2 to 50 steps:

    >>> import numpy as np
    >>> from sklearn_snn import SpikingClassifier
    >>> from sklearn_snn.neurons import LIF
    >>> leaks = tuple(np.exp(-1 / np.array([2, 50])).round(3).tolist())
    >>> SpikingClassifier(neuron=LIF(alpha=leaks))
    SpikingClassifier(neuron=LIF(alpha=(0.607, 0.98)))
    """

    name = "lif"

    def __init__(self, alpha=None, threshold=None):
        self.alpha = alpha
        self.threshold = threshold


class AdLIF(Neuron):
    """Adaptive leaky integrate-and-fire neuron.

    A second state ``w``, the adaptation, follows membrane and spikes slowly and is
    taken off the current: a neuron gets quieter the more it did, and can oscillate. So
    it tells changes from what lasts, and remembers for as long as the adaptation does
    [1]_. Per step, in this order::

        u_t = alpha * v_{t-1} + (1 - alpha) * (I_t - w_{t-1})
        s_t = 1 if u_t > threshold else 0
        v_t = what the reset of the estimator makes of u_t and s_t
        w_t = rho * w_{t-1} + (1 - rho) * q * (a * v_t + b * s_t)

    Constants that learn stay in the ranges of the defaults, which are those of the
    paper, and of what they are at first.

    Parameters
    ----------
    alpha : float or pair of float, default=(0.8187, 0.9608)
        Leak of the membrane, in [0, 1): time constants of 5 to 25 steps. None is the
        `alpha` of the estimator.
    rho : float or pair of float, default=(0.9835, 0.9967)
        Leak of the adaptation, in [0, 1): time constants of 60 to 300 steps. For
        sequences that are much shorter or longer, choose others.
    a : float or pair of float, default=(0.0, 1.0)
        How strongly the membrane drives the adaptation, not negative.
    b : float or pair of float, default=(0.0, 2.0)
        How strongly a spike does, not negative.
    q : float, default=120.0
        Scale of both, positive.
    threshold : float or pair of float, default=None
        Membrane above which a neuron fires, positive. None is that of the estimator.

    See Also
    --------
    LIF : Has no adaptation.

    References
    ----------
    .. [1] M. Baronig, R. Ferrand, S. Sabathiel, R. Legenstein, "Advancing
       spatio-temporal processing in spiking neural networks through adaptation", 2024.

    Examples
    --------
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn_snn import SpikingClassifier
    >>> from sklearn_snn.neurons import AdLIF
    >>> model = SpikingClassifier(neuron=AdLIF(), readout="membrane_mean")
    >>> search = GridSearchCV(model, {"neuron__b": [0.0, (0.0, 2.0)]})
    """

    name = "adlif"
    _single = ("q",)

    def __init__(
        self,
        alpha=(0.8187, 0.9608),
        rho=(0.9835, 0.9967),
        a=(0.0, 1.0),
        b=(0.0, 2.0),
        q=120.0,
        threshold=None,
    ):
        self.alpha = alpha
        self.rho = rho
        self.a = a
        self.b = b
        self.q = q
        self.threshold = threshold


class CUBA(Neuron):
    """Current-based leaky integrate-and-fire neuron.

    A second state ``i``, the synaptic current, leaks by itself and is what charges the
    membrane: an input comes in smoothed and lasts, and what is left of it survives the
    spike that it made. Per step, in this order::

        i_t = alpha_syn * i_{t-1} + (1 - alpha_syn) * I_t     never reset
        u_t = alpha * v_{t-1} + (1 - alpha) * i_t
        s_t = 1 if u_t > threshold else 0
        v_t = what the reset of the estimator makes of u_t and s_t

    The membrane takes the new ``i_t``, so that an input can make a spike in the step in
    which it comes; with ``i_{t-1}``, as in [1]_, each layer would delay by a step. Both
    gains are normalised: a lasting current of 1 charges a membrane without resets to 1,
    whatever the leaks. With ``alpha_syn=0`` the synapse keeps nothing, and the neuron
    is a `LIF` with a gain of ``1 - alpha``.

    Parameters
    ----------
    alpha : float or pair of float, default=None
        Leak of the membrane, in [0, 1). None is the `alpha` of the estimator.
    alpha_syn : float or pair of float, default=0.8187
        Leak of the synaptic current, in [0, 1). The default is a time constant of 5
        steps, such as the 5 ms of [2]_ at a step of 1 ms.
    threshold : float or pair of float, default=None
        Membrane above which a neuron fires, positive. None is that of the estimator.

    See Also
    --------
    LIF : Has no synaptic current.
    AdLIF : Has another second state, which is driven by what the neuron does.

    Notes
    -----
    It is ``dv/dt = (v_leak - v + r i) / tau_mem`` and ``di/dt = (-i + w_in I) /
    tau_syn``, the neuron that exchange formats call CubaLIF, in steps of ``dt``: with
    ``alpha = exp(-dt / tau_mem)`` and ``alpha_syn = exp(-dt / tau_syn)``, or ``1 - dt /
    tau`` where the Euler method takes the steps. The factors ``r`` and ``w_in`` go into
    the weights and the bias, and ``v_leak``, if also what is reset to, is taken off the
    threshold.

    References
    ----------
    .. [1] N. Perez-Nieves, V. C. H. Leung, P. L. Dragotti, D. F. M. Goodman, "Neural
       heterogeneity promotes robust learning", Nature Communications 12, 2021.
    .. [2] E. O. Neftci, H. Mostafa, F. Zenke, "Surrogate gradient learning in spiking
       neural networks", IEEE Signal Processing Magazine 36, 2019.

    Examples
    --------
    Synapses of 2 to 20 steps, which learn, before membranes that all have the `alpha`
    of the estimator:

    >>> import numpy as np
    >>> from sklearn_snn import SpikingClassifier
    >>> from sklearn_snn.neurons import CUBA
    >>> leaks = tuple(np.exp(-1 / np.array([2, 20])).round(3).tolist())
    >>> SpikingClassifier(neuron=CUBA(alpha_syn=leaks), learn_neuron="alpha_syn")
    SpikingClassifier(learn_neuron='alpha_syn',
                      neuron=CUBA(alpha_syn=(0.607, 0.951)))
    """

    name = "cuba"

    def __init__(self, alpha=None, alpha_syn=0.8187, threshold=None):
        self.alpha = alpha
        self.alpha_syn = alpha_syn
        self.threshold = threshold


KINDS = {kind.name: kind for kind in (LIF, AdLIF, CUBA)}

__all__ = ["CUBA", "LIF", "AdLIF"]
