"""Constants in compiled code: one number for all neurons, or an array of one for each.

Which of them it is, numba knows when it compiles; a factor may also be None, which is
that it is 1. A kernel for arrays has to make sure that none of them overlaps with what
it writes, at every step: that takes as long as the arithmetic of a small layer, and is
spared where all neurons are alike.

What is called for each neuron is emitted as LLVM code: to inline a function a hundred
times takes numba longer than to compile a neuron.
"""

import operator

from numba import types
from numba.extending import intrinsic, overload


@intrinsic
def at(typingctx, constant, h):
    """Return the constant of neuron ``h``."""
    if not isinstance(constant, types.Array):
        return constant(constant, h), _take_first

    def codegen(context, builder, signature, args):
        return _element(context, builder, signature.args[:2], args[:2])

    return constant.dtype(constant, h), codegen


@intrinsic
def scaled(typingctx, factor, h, x):
    """Return ``x`` times the factor of neuron ``h``, of which None is 1."""

    def codegen(context, builder, signature, args):
        kind, (factor, _, x) = signature.args[0], args
        if isinstance(kind, types.NoneType):
            return x
        if isinstance(kind, types.Array):
            factor = _element(context, builder, signature.args[:2], args[:2])
        return builder.fmul(factor, x)

    return x(factor, h, x), codegen


@intrinsic
def plus(typingctx, x, added, t, h):
    """Return ``x``, plus ``added[t, h]`` if that is not None."""

    def codegen(context, builder, signature, args):
        x, kind = args[0], signature.args[1]
        if isinstance(kind, types.NoneType):
            return x
        pair = types.UniTuple(types.intp, 2)
        index = context.make_tuple(builder, pair, args[2:])
        value = _element(context, builder, (kind, pair), (args[1], index))
        return builder.fadd(x, value)

    return x(x, added, t, h), codegen


def _take_first(context, builder, signature, args):
    return args[0]


def _element(context, builder, kinds, args):
    """Emit ``array[index]``."""
    signature = kinds[0].dtype(*kinds)
    return context.get_function(operator.getitem, signature)(builder, args)


def part(constant, first, stop):
    """Return the constants of some neurons."""
    raise NotImplementedError  # compiled code takes the function below


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
