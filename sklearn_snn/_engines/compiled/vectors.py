"""Vector code that a loop in Python does not compile to: sums of rows, masks of bits.

numba turns a loop over an array into vector instructions, but keeps the array in
memory. What is here is emitted as LLVM code for vectors of 64 bytes instead, so that a
sum of rows stays in registers; LLVM makes of it what the processor at hand can do.
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from sklearn_snn._compat import numba_cgutils

cgutils = numba_cgutils()

# Every width is a multiple of this: 64 bytes of float32.
LANES = 16
# Vectors of 64 bytes that a sum of rows keeps in registers: 14 of the 16 of AVX2.
MAX_VECTORS = 7


def _array(context, builder, type_, value):
    """Return data pointer and shape of an array argument."""
    struct = context.make_array(type_)(context, builder, value)
    return struct.data, cgutils.unpack_tuple(builder, struct.shape)


def _emit_row_sum(context, builder, dtype, init, table, n, out, term):
    """Emit ``out = init + sum_{e < n} term(e)``, a block of vectors at a time.

    ``term(e)`` returns the index of a row of the table and its factor or None. The
    sums stay in registers, which is what a loop over arrays would not do. Blocks are
    about as wide as each other: a narrow one waits for its own sums.
    """
    index = ir.IntType(64)
    number = context.get_value_type(dtype)
    itemsize = context.get_abi_sizeof(number)
    lanes = 64 // itemsize
    vector = ir.VectorType(number, lanes)
    add = builder.fadd if isinstance(dtype, types.Float) else builder.add
    (init, _), (table, (_, width)), (out, _) = init, table, out

    def at(pointer, vectors):
        offset = builder.mul(vectors, index(lanes))
        return builder.bitcast(builder.gep(pointer, [offset]), vector.as_pointer())

    def load(pointer, j):
        return builder.load(at(pointer, index(j)), align=itemsize)

    done = cgutils.alloca_once_value(builder, index(0))
    head = builder.append_basic_block("row_sum")
    end = builder.append_basic_block("row_sum.end")
    builder.branch(head)
    builder.position_at_end(head)
    first = builder.load(done)
    left = builder.sub(builder.udiv(width, index(lanes)), first)
    n_blocks = _divided_up(builder, left, index(MAX_VECTORS))
    n_blocks = builder.select(
        builder.icmp_unsigned("==", left, index(0)), index(1), n_blocks
    )
    left = _divided_up(builder, left, n_blocks)
    offset = builder.mul(first, index(lanes))
    switch = builder.switch(left, end)
    for n_vectors in range(1, MAX_VECTORS + 1):
        start = builder.append_basic_block(f"row_sum.{n_vectors}")
        switch.add_case(index(n_vectors), start)
        builder.position_at_end(start)
        pointers = [builder.gep(p, [offset]) for p in (init, table, out)]
        sums = [
            cgutils.alloca_once_value(builder, load(pointers[0], j))
            for j in range(n_vectors)
        ]
        with cgutils.for_range(builder, n) as loop:
            row, factor = term(loop.index)
            row = builder.gep(pointers[1], [builder.mul(row, width)])
            for j, total in enumerate(sums):
                value = load(row, j)
                if factor is not None:
                    lane = builder.insert_element(
                        ir.Constant(vector, ir.Undefined), factor, ir.IntType(32)(0)
                    )
                    zeros = ir.Constant(ir.VectorType(ir.IntType(32), lanes), None)
                    factors = builder.shuffle_vector(lane, lane, zeros)
                    value = builder.fmul(value, factors)
                builder.store(add(builder.load(total), value), total)
        for j, total in enumerate(sums):
            builder.store(
                builder.load(total), at(pointers[2], index(j)), align=itemsize
            )
        builder.store(builder.add(first, left), done)
        builder.branch(head)
    builder.position_at_end(end)
    return context.get_dummy_value()


def _divided_up(builder, number, by):
    """Emit a quotient, rounded up."""
    one = ir.IntType(64)(1)
    return builder.udiv(builder.add(number, builder.sub(by, one)), by)


@intrinsic
def sum_rows(typingctx, init, table, rows, out):
    """Set ``out = init + sum_e table[rows[e]]``.

    ``init`` and ``out`` have shape (width,), may be the same, and width is a multiple
    of `LANES`; ``table`` has shape (n_rows, width); ``rows`` is of uint32.
    """

    def codegen(context, builder, signature, args):
        init, table, rows, out = (
            _array(context, builder, *pair)
            for pair in zip(signature.args, args, strict=True)
        )

        def term(e):
            row = builder.load(builder.gep(rows[0], [e]))
            return builder.zext(row, ir.IntType(64)), None

        n = rows[1][0]
        dtype = signature.args[1].dtype
        return _emit_row_sum(context, builder, dtype, init, table, n, out, term)

    return types.void(init, table, rows, out), codegen


@intrinsic
def sum_scaled_rows(typingctx, init, factors, table, out):
    """Set ``out = init + factors @ table``; shapes as in `sum_rows`."""

    def codegen(context, builder, signature, args):
        init, factors, table, out = (
            _array(context, builder, *pair)
            for pair in zip(signature.args, args, strict=True)
        )

        def term(e):
            return e, builder.load(builder.gep(factors[0], [e]))

        n = table[1][0]
        dtype = signature.args[2].dtype
        return _emit_row_sum(context, builder, dtype, init, table, n, out, term)

    return types.void(init, factors, table, out), codegen


@intrinsic
def nonzero_mask(typingctx, row, start):
    """Return a uint64 whose bit j tells whether ``row[start + j]``, a byte, is set."""

    def codegen(context, builder, signature, args):
        data, _ = _array(context, builder, signature.args[0], args[0])
        vector = ir.VectorType(ir.IntType(8), 64)
        pointer = builder.bitcast(builder.gep(data, [args[1]]), vector.as_pointer())
        values = builder.load(pointer, align=1)
        nonzero = builder.icmp_unsigned("!=", values, ir.Constant(vector, None))
        return builder.bitcast(nonzero, ir.IntType(64))

    return types.uint64(row, types.int64), codegen


@intrinsic
def lowest_bit(typingctx, word):
    """Return the position of the lowest set bit of a uint64 other than 0."""

    def codegen(context, builder, signature, args):
        return builder.cttz(args[0], ir.IntType(1)(1))

    return types.int64(types.uint64), codegen
