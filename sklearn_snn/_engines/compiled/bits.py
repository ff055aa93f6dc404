"""Bits of which each has a byte, as words: which are set, how many, and where.

Each is an instruction or two of the processor, which a loop would not compile to.
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from sklearn_snn._engines.compiled.vectors import parts_of_array

# Set bits of a word that are listed at a time.
BITS_AT_ONCE = 4


@intrinsic
def nonzero_mask(typingctx, row, start):
    """Return a uint64 whose bit j tells whether ``row[start + j]``, a byte, is set."""

    def codegen(context, builder, signature, args):
        data, _ = parts_of_array(context, builder, signature.args[0], args[0])
        vector = ir.VectorType(ir.IntType(8), 64)
        pointer = builder.bitcast(builder.gep(data, [args[1]]), vector.as_pointer())
        values = builder.load(pointer, align=1)
        nonzero = builder.icmp_unsigned("!=", values, ir.Constant(vector, None))
        return builder.bitcast(nonzero, ir.IntType(64))

    return types.uint64(row, types.int64), codegen


@intrinsic
def n_bits_of(typingctx, word):
    """Return how many bits of a uint64 are set, as one."""

    def codegen(context, builder, signature, args):
        return builder.ctpop(args[0])

    return types.uint64(types.uint64), codegen


@intrinsic
def lowest_bit(typingctx, word):
    """Return the position of the lowest set bit of a uint64; 64 if none is."""

    def codegen(context, builder, signature, args):
        return builder.cttz(args[0], ir.IntType(1)(0))

    return types.int64(types.uint64), codegen
