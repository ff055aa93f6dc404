"""Compiled recurrence: what a layer's neurons hear of each other's last spikes.

The formulas are those of `_model.recurrence`. A network without recurrence has None in
place of the weights, and a kernel of its own, in which none of this is left.
"""

from typing import NamedTuple

import numpy as np
from numba import types
from numba.extending import overload

from sklearn_snn._engines.compiled.neurons import forward_step
from sklearn_snn._engines.compiled.options import INNER
from sklearn_snn._engines.compiled.synapses import add_weight_gradient, list_heard
from sklearn_snn._engines.compiled.vectors import sum_rows, sum_scaled_rows
from sklearn_snn._engines.compiled.views import matrix, segment


class Recurrence(NamedTuple):
    """The recurrent weights of the hidden layers, laid out as `Layers` are.

    Attributes
    ----------
    starts : ndarray of int64 of shape (n_hidden_layers + 1,)
        Where the weights of a layer begin.
    grids : ndarray of shape (n_hidden_layers,)
        The unit of `whole`.
    whole : ndarray of int32 or float64 of shape (starts[-1],)
        Per layer a matrix of shape (width, width), in whole units.
    transposed : ndarray of shape (starts[-1],)
        Per layer the weights as they are, transposed.
    """

    starts: np.ndarray
    grids: np.ndarray
    whole: np.ndarray
    transposed: np.ndarray


def take_step(
    recurrence, layers, layer, heard, neuron, work, t, total, scale, bias, u, s, z, zs
):
    """Take a step of a layer; see `forward_step`, whose state and second are ``z, zs``.

    In a recurrent layer, what the neurons hear of the step before is added to the
    current ``scale * total + bias``, as whole numbers that one multiplication makes a
    current of.
    """
    raise NotImplementedError  # compiled code takes one of those below


def _take_step(
    recurrence, layers, layer, heard, neuron, work, t, total, scale, bias, u, s, z, zs
):
    forward_step(neuron, t, total, scale, bias, u, s, z, zs)


def _take_recurrent_step(
    recurrence, layers, layer, heard, neuron, work, t, total, scale, bias, u, s, z, zs
):
    width, m = z.shape[1], 0
    number = u.dtype.type
    if t > 0:
        m = list_heard(s[t - 1], heard, layers.firsts[layer], work.listed)
    weights = matrix(recurrence.whole, recurrence.starts[layer], width, width)
    felt, current = segment(work.felt, 0, width), segment(work.slopes, 0, width)
    sum_rows(segment(work.nothing, 0, width), weights, segment(work.listed, 0, m), felt)
    grid = recurrence.grids[layer]
    for h in range(width):
        from_below = scale * number(total[h]) + bias[h]
        current[h] = from_below + grid * number(felt[h])
    zeros = segment(work.zeros, 0, width)
    forward_step(neuron, t, current, number(1), zeros, u, s, z, zs)


def add_felt(recurrence, layers, layer, n_steps, t, u, g):
    """Add to ``g``, the gradient by the spikes of a step, what the next step felt.

    ``u[t + 1]`` is the gradient by the current of that step already.
    """
    raise NotImplementedError


def _add_nothing(recurrence, layers, layer, n_steps, t, u, g):
    return


def _add_felt(recurrence, layers, layer, n_steps, t, u, g):
    if t + 1 < n_steps:
        width, n_units = u.shape[1], layers.sizes[layer + 1]
        start = recurrence.starts[layer]
        back = matrix(recurrence.transposed, start, n_units, width)
        row = segment(u, (t + 1) * width, n_units)
        sum_scaled_rows(g, row, back, g)


def add_recurrent_gradient(recurrence, layers, layer, n_steps, tape, gradients):
    """Add the gradient of a layer's recurrent weights.

    A spike is felt one step later: the lists of the layer above name the rows of the
    deltas one further down, of which that after the last step is zero.
    """
    raise NotImplementedError


def _add_no_gradient(recurrence, layers, layer, n_steps, tape, gradients):
    return


def _add_gradient(recurrence, layers, layer, n_steps, tape, gradients):
    if layer + 1 < len(recurrence.starts):
        width, n_units = layers.widths[layer + 1], layers.sizes[layer + 1]
        after = matrix(tape.deltas[layer], 0, n_steps + 1, width)
        for h in range(width):
            after[n_steps, h] = 0
        add_weight_gradient(
            matrix(tape.deltas[layer], width, n_steps, width),
            segment(tape.units, 0, n_units),
            tape.times[layer + 1],
            tape.n_times[layer + 1],
            matrix(gradients.recurrent, recurrence.starts[layer], width, width),
        )


def _register(function, without, with_recurrence):
    """Let compiled code call one of two functions, by whether there is recurrence."""

    @overload(function, jit_options=INNER, strict=False)
    def choose(recurrence, *args):
        is_none = isinstance(recurrence, types.NoneType)
        return without if is_none else with_recurrence


_register(take_step, _take_step, _take_recurrent_step)
_register(add_felt, _add_nothing, _add_felt)
_register(add_recurrent_gradient, _add_no_gradient, _add_gradient)
