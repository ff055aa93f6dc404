"""From the numbers of a fitted network to integers, and back to numbers on their grid.

A weight becomes ``W = round(w / unit)``, of so many bits with its sign, and symmetric:
what is beyond is clipped. The unit is any number, not a power of two: nothing is ever
multiplied with it, since thresholds and biases are measured in it as well, so that a
finer choice costs nothing on a chip. Each neuron has its own, with a threshold of its
own, as its currents meet no others; integrators, whose membranes are compared with each
other, have one for all. It is the one of several that makes the sum of the squared
errors of a neuron's weights least: clipping a few large ones may make all others finer
(Banner, Nahshan & Soudry, "Post training 4-bit quantization of convolutional networks
for rapid-deployment", NeurIPS 2019).

Currents that are multiplied by a gain ``g``, as ``1 - alpha``, need no multiplication:
in the unit of ``g`` times a current, the gain is 1. Membranes are finer than weights,
by a shift of some bits, so that the leak finds something to take.
"""

from typing import NamedTuple

import numpy as np

from sklearn_snn.quantization._dynamics import IntegerNeuron

# Shares of the range of the weights that clipping may leave.
_SHARES = np.linspace(0.3, 1.0, 36)
# How much larger than other weights recurrent ones may be, beyond what inputs of many
# bits make of it, in bits.
_MORE = 8
# Sums of float64, and of the integers that stand in it, are exact below.
_LARGEST_SUM = 2**53


class Precision(NamedTuple):
    """How many bits there are; see `QuantizedSpikingClassifier`."""

    bits: int
    leak: str
    leak_bits: int
    fraction_bits: int
    membrane_bits: int


class Scale(NamedTuple):
    """What the integers of a layer stand for.

    Attributes
    ----------
    units : ndarray of shape (n_units,)
        The current of a weight of 1, times the gain of the neuron.
    shift, recurrent_shift : int
        By how many bits sums of weights, and of recurrent weights, are shifted to be
        currents.
    """

    units: np.ndarray
    shift: int
    recurrent_shift: int = 0

    @property
    def of_membranes(self):
        """What 1 of a membrane, threshold or bias stands for."""
        return self.units / 2.0**self.shift

    @property
    def of_recurrent(self):
        """What a recurrent weight of 1 stands for."""
        return self.of_membranes * 2.0**self.recurrent_shift


class QuantizedLayer(NamedTuple):
    """The integers of a layer, and what they stand for.

    Attributes
    ----------
    weights : ndarray of int8 or int16 of shape (n_inputs, n_units)
        ``W`` of the dynamics.
    recurrent_weights : ndarray of int8 or int16 of shape (n_units, n_units), or None
        ``R``.
    bias, threshold : ndarray of int32 of shape (n_units,)
        ``B`` and ``Theta``, in the unit of membranes; threshold is None if the neurons
        never fire.
    leak, leak_syn : ndarray of int32 of shape (n_units,)
        ``a`` of membranes and of synaptic currents, of which None has none.
    shift, recurrent_shift : int
        ``f`` and ``r``.
    weight_units, recurrent_units, membrane_units : ndarray of float64 of shape \
            (n_units,)
        What a weight, a recurrent weight and a membrane of 1 stand for. Of the first
        layer with graded inputs, `weight_units` have the shape (n_inputs, n_units),
        since these have units of their own.
    """

    weights: np.ndarray
    recurrent_weights: np.ndarray | None
    bias: np.ndarray
    threshold: np.ndarray | None
    leak: np.ndarray
    leak_syn: np.ndarray | None
    shift: int
    recurrent_shift: int
    weight_units: np.ndarray
    recurrent_units: np.ndarray
    membrane_units: np.ndarray

    def params(self):
        """Return the parameters that the dynamics take."""
        p = {
            "coef": self.weights * 2.0**self.shift,
            "intercept": self.bias.astype(np.float64),
            "leak": self.leak.astype(np.int64),
        }
        if self.recurrent_weights is not None:
            p["recurrent"] = self.recurrent_weights * 2.0**self.recurrent_shift
        for name in ("threshold", "leak_syn"):
            if getattr(self, name) is not None:
                p[name] = getattr(self, name).astype(np.int64)
        return p


def integer_neuron(neuron, precision):
    """Return the neuron that stands for one of `_model.neurons`."""
    return IntegerNeuron(
        getattr(neuron, "reset", "none"),
        precision.leak,
        precision.leak_bits,
        precision.membrane_bits,
        is_current_based="alpha_syn" in neuron.constants,
        fires=neuron.fires,
    )


def scale_of(layer, p, precision, unit_of_input, input_bits):
    """Choose what the integers of a layer stand for.

    Parameters
    ----------
    layer : Layer
    p : dict of ndarrays
        Its parameters.
    precision : Precision
    unit_of_input : ndarray of shape (n_inputs,) or (1,)
        What an input of 1 stands for.
    input_bits : int
        Of each input, 1 for spikes. What has many of them has fine sums, too, which
        take so much less of a shift.

    Returns
    -------
    scale : Scale
    """
    neuron = integer_neuron(layer.neuron, precision)
    gain = _gain(neuron, layer.neuron, *_leaks(neuron, layer.neuron, p))
    shift = max(0, precision.fraction_bits - input_bits + 1)
    weights, more = p["coef"] * unit_of_input[:, np.newaxis] * gain, 0
    if layer.recurrent:
        own = p["recurrent"] * gain
        sizes = np.abs(own).max(), np.abs(weights).max()
        # As far apart as both are, in powers of two, which a shift can make up for; but
        # no farther than either counts.
        more = int(np.rint(np.log2(sizes[0] / sizes[1]))) if min(sizes) > 0 else 0
        more = min(max(more, -shift), input_bits + _MORE)
        weights = np.vstack([weights, own / 2.0**more])
    largest = 2 ** (precision.bits - 1) - 1
    if neuron.fires:
        units = _best_units(weights, largest)
        # A threshold may take half of the range of a membrane. Only weights that are
        # next to nothing beside it would need more.
        least = p["threshold"] * 2.0 ** (shift - precision.membrane_bits + 2)
        units = np.maximum(units, least)
    else:
        units = np.repeat(_best_units(weights.reshape(-1, 1), largest), layer.n_units)
        units[units == 0] = 1.0
    return Scale(units, shift, shift + more)


def quantized_layer(layer, p, precision, scale, unit_of_input):
    """Return the integers of a layer; parameters as of `scale_of`, and its Scale."""
    neuron = integer_neuron(layer.neuron, precision)
    leaks = _leaks(neuron, layer.neuron, p)
    gain = _gain(neuron, layer.neuron, *leaks)
    largest = 2 ** (precision.bits - 1) - 1
    small = np.int8 if precision.bits <= 8 else np.int16
    units = scale.units / gain / unit_of_input[:, np.newaxis]
    if len(unit_of_input) == 1:
        units = units[0]
    recurrent, threshold = None, None
    if layer.recurrent:
        own = scale.of_recurrent / gain
        recurrent = _rounded(p["recurrent"] / own, largest).astype(small)
    if neuron.fires:
        threshold = _threshold(neuron, p["threshold"] / scale.of_membranes)
        threshold = np.clip(threshold, 1, neuron.limit).astype(np.int32)
    bias = _rounded(p["intercept"] * gain / scale.of_membranes, neuron.limit)
    return QuantizedLayer(
        _rounded(p["coef"] / units, largest).astype(small),
        recurrent,
        bias.astype(np.int32),
        threshold,
        *(None if a is None else a.astype(np.int32) for a in leaks),
        scale.shift,
        scale.recurrent_shift,
        units,
        scale.of_recurrent / gain,
        scale.of_membranes,
    )


def on_grid(layer, quantized, p, precision):
    """Return the parameters of a layer with the numbers that its integers stand for.

    Parameters
    ----------
    layer : Layer
    quantized : QuantizedLayer
    p : dict of ndarrays
        What it was made of.
    precision : Precision

    Returns
    -------
    p : dict of ndarrays
        Of the same types.
    """
    neuron = integer_neuron(layer.neuron, precision)
    leaks = quantized.leak, quantized.leak_syn
    gain = _gain(neuron, layer.neuron, *leaks)
    dtype = p["coef"].dtype
    grid = {
        "coef": (quantized.weights * quantized.weight_units).astype(dtype),
        "intercept": (quantized.bias * quantized.membrane_units / gain).astype(dtype),
        "alpha": _real(neuron, quantized.leak),
    }
    if quantized.recurrent_weights is not None:
        own = quantized.recurrent_weights * quantized.recurrent_units
        grid["recurrent"] = own.astype(dtype)
    if quantized.threshold is not None:
        threshold = quantized.threshold + _height(neuron)
        grid["threshold"] = threshold * quantized.membrane_units
    if quantized.leak_syn is not None:
        grid["alpha_syn"] = _real(neuron, quantized.leak_syn)
    return p | grid


def largest_sums(layers, largest_input):
    """Return the largest sum of weights, of either kind, that each layer can have."""
    bounds = []
    for index, layer in enumerate(layers):
        both = [_sizes(layer.weights) * (largest_input if index == 0 else 1)]
        if layer.recurrent_weights is not None:
            both.append(_sizes(layer.recurrent_weights))
        bounds.append(max(int(sizes.max()) for sizes in both))
    return bounds


def check_sums(layers, largest_input):
    """Raise ValueError if currents could leave the integers that float64 has."""
    bounds = largest_sums(layers, largest_input)
    for index, (layer, bound) in enumerate(zip(layers, bounds, strict=True)):
        if bound * 2 ** max(layer.shift, layer.recurrent_shift) >= _LARGEST_SUM / 4:
            raise ValueError(
                f"The currents of layer {index} could need more than 50 bits: take "
                "smaller bits, input_bits or fraction_bits."
            )


def _sizes(weights):
    """Return the sums of the absolute values of the columns of integers."""
    return np.abs(weights.astype(np.int64)).sum(axis=0)


def check_layers(layers, coefs):
    """Raise ValueError unless layers are whole, and of the shapes of weights."""
    for layer, weights in zip(layers, coefs, strict=True):
        shape, n_units = weights.shape, weights.shape[1]
        wanted = {"weights": shape, "recurrent_weights": (n_units, n_units)}
        for name in ("bias", "threshold", "leak", "leak_syn"):
            wanted[name] = (n_units,)
        for name, of in wanted.items():
            array = getattr(layer, name)
            is_optional = name in ("recurrent_weights", "threshold", "leak_syn")
            if array is None and is_optional:
                continue
            if array.shape != of or array.dtype.kind != "i":
                raise ValueError(f"{name} are no integers of shape {of}.")
        units = layer.recurrent_units, layer.membrane_units
        are_whole = all(u.shape == (n_units,) for u in units)
        are_whole &= layer.weight_units.shape in ((n_units,), shape)
        if not (are_whole and all((u > 0).all() for u in (layer.weight_units, *units))):
            raise ValueError("What integers stand for must be positive.")


def _leaks(neuron, of, p):
    """Return the leaks of membranes and synaptic currents as integers; None for none.

    Parameters
    ----------
    neuron : IntegerNeuron
    of : neuron
        The one of `_model.neurons` that it stands for.
    p : dict of ndarrays

    Returns
    -------
    leaks : tuple of two
    """
    return tuple(
        _integer(neuron, p[name], _has_gain(of)) if name in of.constants else None
        for name in ("alpha", "alpha_syn")
    )


def _integer(neuron, alpha, has_gain):
    """Return leaks as integers; below 1 where ``1 - alpha`` is a gain."""
    if neuron.leak == "power_of_two":
        if alpha.max() == 1:
            raise ValueError(
                "leak='power_of_two' has no power for alpha=1, which never leaks: take "
                "leak='multiply'."
            )
        return np.clip(np.rint(-np.log2(1 - alpha)), 0, 30)
    whole = 2**neuron.leak_bits
    return np.clip(np.rint(alpha * whole), 0, whole - has_gain)


def _real(neuron, leak):
    """Return the leaks that integers stand for."""
    if neuron.leak == "power_of_two":
        return 1 - 2.0 ** -leak.astype(np.float64)
    return leak / 2.0**neuron.leak_bits


def _gain(neuron, of, *leaks):
    """Return what currents are multiplied with, of shape (n_units,); see `_leaks`."""
    gain = np.ones(len(leaks[0]))
    if not _has_gain(of):
        return gain
    for leak in leaks:
        if leak is not None:
            gain = gain * (1 - _real(neuron, leak))
    return gain


def _threshold(neuron, threshold):
    """Return what stands for thresholds, in the unit of membranes; see `_height`."""
    if neuron.reset == "subtract":
        return np.rint(threshold)
    # Whole numbers are above a threshold if they are above the whole one below it. What
    # is next to a whole one was rounded on its way here.
    return np.floor(threshold + 2.0**-20)


def _height(neuron):
    """Return how far above ``Theta`` the threshold is that stands for it.

    Half of what 1 stands for: whole numbers above ``Theta`` are those above, or at
    least, ``Theta + 1/2``. Not where as much as a threshold is taken off a membrane.
    """
    return 0.0 if neuron.reset == "subtract" else 0.5


def _has_gain(of):
    """Tell whether the currents of a neuron are multiplied by what its leaks take."""
    return not getattr(of, "has_unit_gain", False)


def _rounded(values, largest):
    """Return values as whole numbers from ``-largest`` to ``largest``, of float64."""
    return np.clip(np.rint(values), -largest, largest)


def _best_units(weights, largest):
    """Return the unit of each column whose squared errors are the least, (n_units,).

    0 for a column of zeros.
    """
    widest = np.abs(weights).max(axis=0) / largest
    best, least = widest.copy(), np.full(len(widest), np.inf)
    for share in _SHARES[::-1]:
        units = np.where(widest > 0, widest * share, 1.0)
        error = np.square(weights - units * _rounded(weights / units, largest))
        error = error.sum(axis=0)
        best = np.where((error < least) & (widest > 0), units, best)
        least = np.minimum(error, least)
    return best
