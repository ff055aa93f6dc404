"""Compiled recurrence: what a layer's neurons hear of each other's last spikes.

The formulas are those of `_model.recurrence`. A network without recurrence has None in
place of the weights, and a kernel of its own, in which none of this is left.
"""

from typing import NamedTuple

import numpy as np
from numba import types
from numba.extending import overload

from sklearn_snn._engines.compiled.layers import deltas_of, states_of, times_of
from sklearn_snn._engines.compiled.neurons import forward_step
from sklearn_snn._engines.compiled.options import INNER, compiled
from sklearn_snn._engines.compiled.synapses import add_weight_gradient, list_heard
from sklearn_snn._engines.compiled.vectors import MOST_SUMS, sum_rows
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
    recurrence,
    layers,
    layer,
    heard,
    neuron,
    work,
    t,
    total,
    scale,
    bias,
    before,
    u,
    s,
    z,
    zs,
):
    """Take a step of a layer; see `forward_step`, whose state and second are ``z, zs``.

    The last row of ``before`` are the spikes before step 0. In a recurrent layer, what
    the neurons hear of the step before is added to the current ``scale * total +
    bias``, as whole numbers that one multiplication makes a current of.
    """
    raise NotImplementedError  # compiled code takes one of those below


def _take_step(
    recurrence,
    layers,
    layer,
    heard,
    neuron,
    work,
    t,
    total,
    scale,
    bias,
    before,
    u,
    s,
    z,
    zs,
):
    forward_step(neuron, t, total, scale, bias, u, s, z, zs)


def _take_recurrent_step(
    recurrence,
    layers,
    layer,
    heard,
    neuron,
    work,
    t,
    total,
    scale,
    bias,
    before,
    u,
    s,
    z,
    zs,
):
    width, m = z.shape[1], 0
    number, first = u.dtype.type, layers.firsts[layer]
    if t > 0:
        m = list_heard(s[t - 1], heard, first, work.listed)
    else:
        for k in range(layers.sizes[layer + 1]):
            if _was_heard(before, heard, first, k):
                work.listed[m] = k
                m += 1
    weights = matrix(recurrence.whole, recurrence.starts[layer], width, width)
    felt, current = segment(work.felt, 0, width), segment(work.slopes, 0, width)
    listed, nothing = segment(work.listed, 0, m), segment(work.nothing, 0, width)
    sum_rows(nothing, weights, listed, m, felt)
    grid = recurrence.grids[layer]
    for h in range(width):
        from_below = scale * number(total[h]) + bias[h]
        current[h] = from_below + grid * number(felt[h])
    zeros = segment(work.zeros, 0, width)
    forward_step(neuron, t, current, number(1), zeros, u, s, z, zs)


@compiled
def _was_heard(before, heard, first, k):
    """Tell whether neuron ``k`` fired before step 0, and is heard by others."""
    return before[before.shape[0] - 1, k] != 0 and (len(heard) == 0 or heard[first + k])


def most_together(recurrence):
    """Return how many samples go back together at most; see `backward`."""
    raise NotImplementedError


def _one(recurrence):
    return 1


def _some(recurrence):
    return MOST_SUMS


def add_recurrent_gradient(recurrence, layers, layer, heard, n_steps, tape, gradients):
    """Add the gradient of a layer's recurrent weights.

    A spike is felt one step later: the lists of the layer above name the rows of the
    deltas one further down, of which that after the last step is zero.
    """
    raise NotImplementedError


def _add_no_gradient(recurrence, layers, layer, heard, n_steps, tape, gradients):
    return


def _add_gradient(recurrence, layers, layer, heard, n_steps, tape, gradients):
    if layer + 1 < len(recurrence.starts):
        width, n_units = layers.widths[layer + 1], layers.sizes[layer + 1]
        after = deltas_of(tape, layers, layer, n_steps)
        gradient = matrix(gradients.recurrent, recurrence.starts[layer], width, width)
        add_weight_gradient(
            matrix(tape.record.deltas[tape.row + layer], width, n_steps, width),
            segment(tape.record.units, 0, n_units),
            n_units,
            times_of(tape, layer + 1),
            tape.record.n_times[tape.row + layer + 1],
            gradient,
        )
        before = states_of(tape.record.befores, tape, layers, layer)
        for k in range(n_units):
            if _was_heard(before, heard, layers.firsts[layer], k):
                for h in range(width):
                    gradient[k, h] += after[0, h]


def _register(function, without, with_recurrence):
    """Let compiled code call one of two functions, by whether there is recurrence."""

    @overload(function, jit_options=INNER, strict=False)
    def choose(recurrence, *args):
        is_none = isinstance(recurrence, types.NoneType)
        return without if is_none else with_recurrence


_register(take_step, _take_step, _take_recurrent_step)
_register(most_together, _one, _some)
_register(add_recurrent_gradient, _add_no_gradient, _add_gradient)
