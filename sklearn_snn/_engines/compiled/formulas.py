"""Formulas of vectors: what Python's operators make of them is LLVM code.

A loop over an array that numba compiles goes over one vector at a time. Where each step
of a long formula waits for the step before, as in a series, the processor then waits
too. Here a formula is worked out for several vectors of 64 bytes at a time, term by
term: while one of them waits the others go on.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from sklearn_snn._compat import numba_cgutils
from sklearn_snn._engines.compiled.vectors import (
    everywhere,
    parts_of_array,
    vector_at,
    vector_of,
)

cgutils = numba_cgutils()

# A product and the sum it is added to may be rounded once, as `compiled_with_fma`.
_FLAGS = ("contract",)
# Vectors of 64 bytes that a formula is worked out for at a time.
_AT_ONCE = 4


class Formula:
    """A vector of floats, of which formulas may be made; numbers stand for all lanes.

    Parameters
    ----------
    builder : IRBuilder
    value : llvmlite value
        Of a vector.

    Attributes
    ----------
    value : llvmlite value
    dtype : dtype
        Of a lane.
    """

    def __init__(self, builder, value):
        self._builder, self.value = builder, value
        is_single = value.type.element == ir.FloatType()
        self.dtype = np.dtype(np.float32 if is_single else np.float64)

    def __add__(self, other):
        return self._made(self._builder.fadd, self, other)

    def __sub__(self, other):
        return self._made(self._builder.fsub, self, other)

    def __mul__(self, other):
        return self._made(self._builder.fmul, self, other)

    def __truediv__(self, other):
        return self._made(self._builder.fdiv, self, other)

    def __neg__(self):
        return Formula(self._builder, self._builder.fneg(self.value))

    def __lt__(self, other):
        return self._builder.fcmp_ordered("<", self.value, self._value(other))

    def absolute(self):
        """Return it without signs."""
        return self._called("llvm.fabs")

    def truncated(self):
        """Return it without fractions."""
        return self._called("llvm.trunc")

    def where(self, condition, other):
        """Return ``other`` where the condition, a comparison, holds."""
        other = self._value(other)
        return Formula(
            self._builder, self._builder.select(condition, other, self.value)
        )

    def shifted_bits(self, n_bits):
        """Return the floats whose bits are those of this, ``n_bits`` further left."""
        builder, vector = self._builder, self.value.type
        integers = ir.VectorType(ir.IntType(8 * self.dtype.itemsize), vector.count)
        bits = builder.bitcast(self.value, integers)
        bits = builder.shl(bits, ir.Constant(integers, [n_bits] * vector.count))
        return Formula(builder, builder.bitcast(bits, vector))

    def _value(self, other):
        if isinstance(other, Formula):
            return other.value
        vector = self.value.type
        return ir.Constant(vector, [float(other)] * vector.count)

    def _made(self, operation, *terms):
        terms = [self._value(term) for term in terms]
        return Formula(self._builder, operation(*terms, flags=_FLAGS))

    def _called(self, name):
        builder, vector = self._builder, self.value.type
        name = f"{name}.v{vector.count}f{8 * self.dtype.itemsize}"
        type_ = ir.FunctionType(vector, [vector])
        function = cgutils.get_or_insert_function(builder.module, type_, name)
        return Formula(builder, builder.call(function, [self.value]))


def in_place(formula):
    """Return what replaces the numbers of an array by those of a formula.

    Parameters
    ----------
    formula : callable
        Makes of a `Formula` of the array and one of a number, in all of its lanes, the
        Formula that replaces the first.

    Returns
    -------
    replace : callable
        Of an array, whose length is a multiple of `lanes_of`, and a number of its
        dtype; of compiled code.
    """

    @intrinsic
    def replace(typingctx, array, value):
        def codegen(context, builder, signature, args):
            data, (n,) = parts_of_array(context, builder, signature.args[0], args[0])
            vector, index = vector_of(context, signature.args[0].dtype), ir.IntType(64)
            several = ir.VectorType(vector.element, vector.count * _AT_ONCE)
            done, align = index(0), 64 // vector.count
            for lanes in (several, vector):  # the second takes what the first leaves
                number = Formula(builder, everywhere(builder, args[1], lanes))
                n_times = builder.udiv(builder.sub(n, done), index(lanes.count))
                with cgutils.for_range(builder, n_times) as loop:
                    further = builder.mul(loop.index, index(lanes.count))
                    start = builder.gep(data, [builder.add(done, further)])
                    place = vector_at(builder, start, 0, lanes)
                    each = Formula(builder, builder.load(place, align=align))
                    builder.store(formula(each, number).value, place, align=align)
                done = builder.mul(n_times, index(lanes.count))
            return context.get_dummy_value()

        return types.void(array, value), codegen

    return replace
