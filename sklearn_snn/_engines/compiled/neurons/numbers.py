"""Constants in compiled code: one number for all neurons, or an array of one for each.

Which of them it is, numba knows when it compiles; a factor may also be None, which is
that it is 1. A kernel for arrays has to make sure
that none of them overlaps with what it writes, at every step: that takes as long as the
arithmetic of a small layer, and is spared where all neurons are alike.
"""

from numba import types
from numba.extending import overload


def at(constant, h):
    """Return the constant of neuron ``h``."""
    raise NotImplementedError  # compiled code takes the function below


@overload(at, inline="always")
def _at(constant, h):
    if isinstance(constant, types.Array):
        return lambda constant, h: constant[h]
    return lambda constant, h: constant


def scaled(factor, h, x):
    """Return ``x`` times the factor of neuron ``h``, of which None is 1."""
    raise NotImplementedError


@overload(scaled, inline="always")
def _scaled(factor, h, x):
    if isinstance(factor, types.NoneType):
        return lambda factor, h, x: x
    if isinstance(factor, types.Array):
        return lambda factor, h, x: factor[h] * x
    return lambda factor, h, x: factor * x


def plus(x, added, t, h):
    """Return ``x``, plus ``added[t, h]`` if that is not None."""
    raise NotImplementedError


@overload(plus, inline="always")
def _plus(x, added, t, h):
    if isinstance(added, types.NoneType):
        return lambda x, added, t, h: x
    return lambda x, added, t, h: x + added[t, h]


def part(constant, first, stop):
    """Return the constants of some neurons."""
    raise NotImplementedError


@overload(part, inline="always")
def _part(constant, first, stop):
    if isinstance(constant, types.Array):
        return lambda constant, first, stop: constant[first:stop]
    return lambda constant, first, stop: constant


class ManyNumbersError(Exception):
    """Neurons differ in a constant."""


def number_of_all(arrays):
    """Return the number that all elements are, or raise `ManyNumbersError`."""
    number = arrays[0][0]
    for array in arrays:
        if array[-1] != number or not (array == number).all():
            raise ManyNumbersError
    return number
