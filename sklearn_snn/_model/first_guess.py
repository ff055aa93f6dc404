"""The first guess of the parameters, from a few samples: no neuron is born silent.

Layer by layer:

- The membrane's standard deviation, with no bias and no reset, is brought into
  `MEMBRANE_RANGE`, or `CONSTANT_RANGE`, in thresholds: a weaker current could not tell
  samples apart, and with a stronger one, as a long memory piles it up, one step of the
  optimizer would turn a neuron from silent to always firing.
- The bias makes each neuron's mean current the one that, held constant, just charges
  its membrane to the threshold within the steps there are. With random weights alone
  some neurons get a current so negative that they never fire; their surrogate gradient
  vanishes, and an output neuron that is born silent stays it. At just that current, one
  step of the optimizer may silence it for good: output neurons get the current that
  charges them within `OUTPUT_PERIOD` steps, if that is more.
- Recurrent weights are orthogonal, in the unit of `unit_of_recurrence`.
- Neurons that never fire have no threshold: their mean current is made 0, and its
  deviation brought into `INTEGRATOR_RANGE`, in outputs.

The idea of setting scale and biases from data is that of Salimans & Kingma, "Weight
normalization", NeurIPS 2016, and Mishkin & Matas, "All you need is a good init",
ICLR 2016.
"""

import math

import numpy as np

from sklearn_snn._model.network import layer_current, resting, run_neurons, within
from sklearn_snn._model.recurrence import unit_of_recurrence
from sklearn_snn._model.synapses import exact_parts, is_constant

# Between these, in thresholds, the first guess puts the membranes' standard deviation:
# of constant currents, which all come at once, and of what has time in it.
CONSTANT_RANGE, MEMBRANE_RANGE = (0.3, 3.0), (0.3, 1.0)
# And here that of outputs that are membranes.
INTEGRATOR_RANGE = 0.03, 0.3
_FLOAT32_RANGE = np.finfo(np.float32).tiny, np.finfo(np.float32).max
# The first guess lets an output neuron fire once in so many steps.
OUTPUT_PERIOD = 10
# Membranes, and spikes as numbers, that are looked at together: 256 kB in float32.
_AT_ONCE = 2**16


def first_guess(
    network,
    params,
    inputs,
    n_steps,
    sample_weights,
    workspace,
    lengths=None,
    n_charging=None,
    spikes_of=None,
):
    """Scale the weights and set the biases from a few samples.

    Parameters
    ----------
    network : Network
    params : list of dicts of ndarrays
        ``"coef"`` and ``"recurrent"`` are scaled and ``"intercept"`` overwritten, in
        place.
    inputs, n_steps, workspace, lengths
        As in `network.forward`.
    sample_weights : ndarray of shape (n_samples,)
        Weights of the samples, which sum to 1.
    n_charging : int, default=None
        Number of steps that a current has to charge a membrane in, if not `n_steps`.
    spikes_of : callable, default=None
        Returns the spikes of the layer of an index with the parameters as they are, of
        bool and shape (n_steps, n_samples, n_units); None works them out.

    Returns
    -------
    scales : list of float
        What the weights of each layer were multiplied with.
    recurrent_scales : list of float
        What the recurrent weights of each layer that has them were multiplied with.
    """
    x, scales, recurrent_scales = inputs, [], []
    n_charging = n_steps if n_charging is None else n_charging
    n_samples = len(sample_weights)
    shares = _shares_of_steps(n_samples, n_steps, lengths)
    limits = CONSTANT_RANGE if is_constant(inputs) else MEMBRANE_RANGE
    for index, (layer, p) in enumerate(zip(network.layers, params, strict=True)):
        p["intercept"][:] = 0
        shape = n_steps, n_samples, layer.n_units
        current = _current(p, x, index, shape, workspace, lengths)
        mean = sample_weights @ _mean_over_steps(current, shares)
        neuron, constants = layer.neuron, p
        if neuron.fires:
            neuron, constants = neuron.unreset(p)
            response, threshold = neuron.response(p, n_charging), p["threshold"]
            median = np.median(threshold)
            low, high = (median * r for r in limits)
        else:
            response, (low, high) = np.ones(1), INTEGRATOR_RANGE
        deviation = _membrane_deviation(
            neuron, constants, current - mean, n_steps, sample_weights, shares
        )
        scale = np.float32(1)
        # Samples that are all alike differ by rounding, which is not to be magnified.
        rounding = 8 * np.finfo(mean.dtype).eps * np.abs(mean).max() * response.max()
        if rounding < deviation < np.inf:
            target = np.clip(deviation, low, high)
            scale = _factor(target / deviation)
        p["coef"] *= scale
        wanted = 0.0
        if neuron.fires:
            is_output = index == len(params) - 1
            period = min(OUTPUT_PERIOD, n_charging) if is_output else n_charging
            wanted = threshold / layer.neuron.response(p, period)
        p["intercept"][:] = wanted - scale * mean
        if layer.recurrent:
            unit = _factor(unit_of_recurrence(layer.neuron, p, n_charging))
            p["recurrent"] *= unit
            recurrent_scales.append(float(unit))
        scales.append(float(scale))
        if index + 1 == len(params):
            break
        if spikes_of is None:
            current = _current(p, x, index, shape, workspace, lengths)
            x = _spikes(network, index, p, current, n_steps, workspace)
        else:
            x = spikes_of(index)
    return scales, recurrent_scales


def _factor(value):
    """Return what weights of either type are multiplied with: neither 0 nor infinite.

    Weights learn in units of it, and would be lost with it.
    """
    return np.float32(np.clip(value, *_FLOAT32_RANGE))


def _shares_of_steps(n_samples, n_steps, lengths):
    """Return the share that a step has in its sample, (n_steps, n_samples, 1), or None.

    It is none beyond the end of a sample, and None stands for as long samples.
    """
    if lengths is None or lengths.min() == n_steps:
        return None
    shares = within(lengths, n_steps) / lengths[:, np.newaxis]
    return np.broadcast_to(shares, (n_steps, n_samples, 1))


def _mean_over_steps(values, shares):
    """Return the mean of each sample over its steps, (n_samples, n_units)."""
    if shares is None or len(values) == 1:
        return values.mean(axis=0)
    return (values * shares.astype(values.dtype)).sum(axis=0)


def _membrane_deviation(neuron, p, current, n_steps, sample_weights, shares):
    """Return the standard deviation of membranes that integrate and never reset.

    In units of a power of two, which leaves all digits as they are, so that squares of
    small and large currents stay in range; `current` is overwritten.
    """
    _, exponent = math.frexp(float(np.abs(current).max()))
    unit = math.ldexp(1.0, min(exponent, np.finfo(current.dtype).maxexp - 1))
    current /= current.dtype.type(unit)
    with np.errstate(over="ignore", invalid="ignore"):
        if len(current) == 1:
            # Membranes are the current times those of a current of 1.
            one = np.ones((1, 1, current.shape[2]), current.dtype)
            of_one = sum(_squared_membranes(neuron, p, one, n_steps)) / n_steps
            means = (np.square(current[0]) * of_one).mean(axis=1)
        else:
            squares = _squared_membranes(neuron, p, current, n_steps)
            if shares is None:
                means = sum(x.sum(axis=1) for x in squares)
                means = means / (n_steps * current.shape[2])
            else:
                steps = zip(squares, shares, strict=True)
                means = sum(x * share.astype(x.dtype) for x, share in steps)
                means = means.mean(axis=1)
        return unit * math.sqrt(sample_weights @ means)


def _squared_membranes(neuron, p, current, n_steps):
    """Yield the squares of the membranes of each step, (n_samples, n_units)."""
    shape = n_steps, *current.shape[1:]
    state = tuple(np.zeros((neuron.n_states, *shape[1:]), current.dtype))
    every, few = np.broadcast_to(current, shape), _few_steps(shape)
    tape = {n: np.empty(every[few[0]].shape, current.dtype) for n in neuron.tape}
    for steps in few:
        some = every[steps]
        own = {name: array[: len(some)] for name, array in tape.items()}
        state = neuron.forward(p, some, state, own)
        yield from np.square(own["membrane"], out=own["membrane"])


def _few_steps(shape):
    """Cut the steps of (n_steps, n_samples, n_units) into slices of a few.

    What is computed of a few stays in the cache, and what is recorded of all of them
    would be fresh memory, which costs several times what the neurons do.
    """
    n_steps, n_together = shape[0], max(1, _AT_ONCE // math.prod(shape[1:]))
    return [slice(i, i + n_together) for i in range(0, n_steps, n_together)]


def _current(p, x, index, shape, workspace, lengths):
    """Return the current of a layer; of spikes, which are bool, whatever their lengths.

    Of some samples at a time: products of few steps would take as long as of many.
    """
    if index == 0:
        return layer_current(p, x, index, shape, workspace, lengths)
    n_steps, n_samples, n_units = shape
    current = workspace.array("current of spikes", shape, p["coef"].dtype)
    p = p | {"coef_parts": exact_parts(p["coef"])}
    n_together = max(1, _AT_ONCE // x[:, 0].size)
    for start in range(0, n_samples, n_together):
        rows = slice(start, start + n_together)
        some = x[:, rows].astype(current.dtype)
        own = n_steps, some.shape[1], n_units
        current[:, rows] = layer_current(p, some, index, own, workspace)
    return current


def _spikes(network, index, p, current, n_steps, workspace):
    """Return the spikes of a layer, bool of shape (n_steps, n_samples, n_units).

    Those beyond the end of a sample are no matter: they have no share in anything. The
    current may be where membranes are recorded, which is overwritten from its start as
    far as it has been read.
    """
    shape = n_steps, *current.shape[1:]
    spikes, every = np.empty(shape, bool), np.broadcast_to(current, shape)
    layer = network.layers[index]
    state = resting(layer, shape[1], current.dtype)
    if layer.recurrent:
        p = p | {"recurrent_parts": exact_parts(p["recurrent"])}
    for steps in _few_steps(shape):
        some = every[steps]
        tape, state, _ = run_neurons(
            network, index, p, some, some.shape, workspace, state
        )
        spikes[steps] = tape["spikes"]
    return spikes


def unit_like(weights, times=3):
    """Return the unit that weights which were not learned here learn in.

    In it they are about as large as those of a first guess, whose standard deviation is
    ``1 / sqrt(times * n_inputs)``: 3 as of ``U(-n**-0.5, n**-0.5)``, and 1 of recurrent
    weights, which are orthogonal.
    """
    largest = float(np.abs(weights).max()) or 1.0
    shares = np.square(weights / largest, dtype=np.float64)
    return largest * math.sqrt(times * len(weights) * shares.mean()) or 1.0
