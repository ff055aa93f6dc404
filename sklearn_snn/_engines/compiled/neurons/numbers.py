"""Constants in compiled code: one number for all neurons, or an array of one for each.

Which of them it is, numba knows when it compiles. A kernel for arrays has more to read
at every step, which is spared where all neurons are alike.
"""

from numba import types
from numba.extending import intrinsic, overload

from sklearn_snn._engines.compiled.options import APART
from sklearn_snn._engines.compiled.views import emit_element, emit_view, segment


@intrinsic
def at(typingctx, constant, h):
    """Return the constant of neuron ``h``."""

    def codegen(context, builder, signature, args):
        return _emit_number(context, builder, constant, args[0], args[1])

    return _dtype(constant)(constant, types.intp), codegen


@intrinsic
def part(typingctx, constant, first, stop):
    """Return the constants of some neurons."""

    def codegen(context, builder, signature, args):
        if not isinstance(constant, types.Array):
            return args[0]
        n = builder.sub(args[2], args[1])
        return emit_view(context, builder, constant, constant, args[:2], [n])

    return constant(constant, types.intp, types.intp), codegen


def _dtype(constant):
    return constant.dtype if isinstance(constant, types.Array) else constant


def _emit_number(context, builder, type_, constant, h):
    """Emit the constant of neuron ``h``."""
    if isinstance(type_, types.Array):
        return emit_element(context, builder, type_, constant, [h])
    return constant


def above_threshold(u, first, threshold, x):
    """Set ``x`` to how far the membranes of some steps are above the threshold.

    ``u`` has shape (n_steps, width), and ``x``, the steps from ``first`` on one behind
    the other.
    """
    raise NotImplementedError  # compiled code takes one of those below


def _above_number(u, first, threshold, x):
    some = segment(u, first * u.shape[1], len(x))
    for k in range(len(x)):
        x[k] = some[k] - threshold


def _above_each(u, first, threshold, x):
    width = u.shape[1]
    for t in range(len(x) // width):
        some = segment(x, t * width, width)
        for h in range(width):
            some[h] = u[first + t, h] - threshold[h]


@overload(above_threshold, jit_options=APART)
def _above(u, first, threshold, x):
    return _above_each if isinstance(threshold, types.Array) else _above_number


class ManyNumbersError(Exception):
    """Neurons differ in a constant."""


def number_of_all(arrays):
    """Return the number that all elements are, or raise `ManyNumbersError`."""
    number = arrays[0][0]
    for array in arrays:
        if array[-1] != number or not (array == number).all():
            raise ManyNumbersError
    return number
