"""Vector code that a loop in Python does not compile to: sums of rows and of lanes.

numba turns a loop over an array into vector instructions, but keeps the array in
memory. What is here is emitted as LLVM code for vectors of 64 bytes instead, so that a
sum of rows stays in registers; LLVM makes of it what the processor at hand can do.
"""

from functools import partial

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from sklearn_snn._compat import numba_cgutils

cgutils = numba_cgutils()

# Every width is a multiple of so many bytes.
VECTOR_BYTES = 64
# Vectors of 64 bytes that a sum of rows keeps in registers: 14 of the 16 of AVX2.
MAX_VECTORS = 7
# The same, where more would not be much faster but take longer to compile.
_FEW = 4
# Sums that are made at a time of the rows of one table.
MOST_SUMS = 4
# Vectors of a row of a layer that lists its events by step; see `synapses`.
MOST_BY_STEP = 2


def lanes_of(dtype):
    """Return how many numbers of a dtype a vector has."""
    return VECTOR_BYTES // dtype.itemsize


def parts_of_array(context, builder, type_, value):
    """Return data pointer and shape of an array argument."""
    struct = context.make_array(type_)(context, builder, value)
    return struct.data, cgutils.unpack_tuple(builder, struct.shape)


def vector_of(context, dtype):
    """Return the type of a vector of 64 bytes."""
    number = context.get_value_type(dtype)
    return ir.VectorType(number, VECTOR_BYTES // context.get_abi_sizeof(number))


def vector_at(builder, pointer, j, vector):
    """Emit the pointer to the ``j``-th vector of an array."""
    further = builder.gep(pointer, [ir.IntType(64)(j * vector.count)])
    return builder.bitcast(further, vector.as_pointer())


def _load(builder, pointer, j, vector):
    """Emit the ``j``-th vector of an array."""
    place = vector_at(builder, pointer, j, vector)
    return builder.load(place, align=VECTOR_BYTES // vector.count)


def _are_set(builder, pointer, j, lanes):
    """Emit which bytes are not zero, of as many as the ``j``-th vector has lanes."""
    some = ir.VectorType(ir.IntType(8), lanes)
    some_bytes = builder.load(vector_at(builder, pointer, j, some), align=1)
    return builder.icmp_unsigned("!=", some_bytes, ir.Constant(some, None))


def _emit_row_sum(
    context, builder, dtype, inits, table, n, outs, term, most=MAX_VECTORS, n_added=None
):
    """Emit ``out = init + sum_{e < n} term(e)``, a block of vectors at a time.

    ``term(e)`` returns the index of a row of the table and, for each of the ``outs``,
    its factor or None. A vector of the table is loaded once for all outs. From
    ``n_added`` on, if that is given, terms are subtracted.
    """
    is_float = isinstance(dtype, types.Float)
    add = builder.fadd if is_float else builder.add
    subtract = builder.fsub if is_float else builder.sub
    vector = vector_of(context, dtype)
    table, (_, width) = table

    def add_term(e, offset, sums, add=add):
        row, factors = term(e)
        row = builder.gep(builder.gep(table, [offset]), [builder.mul(row, width)])
        factors = [f if f is None else everywhere(builder, f, vector) for f in factors]
        for j in range(len(sums[0])):
            value = _load(builder, row, j, vector)
            for factor, totals in zip(factors, sums, strict=True):
                product = value if factor is None else builder.fmul(value, factor)
                builder.store(add(builder.load(totals[j]), product), totals[j])

    loops = [(None, n, add_term)]
    if n_added is not None:
        loops = [
            (None, n_added, add_term),
            (n_added, n, partial(add_term, add=subtract)),
        ]
    return _emit_sums(context, builder, vector, inits, width, outs, loops, most)


def _emit_sums(context, builder, vector, inits, width, outs, loops, most):
    """Emit ``out = init``, plus the terms of loops, a block of at ``most`` at a time.

    Of each of the ``loops``, ``(start, stop, add_term)``, ``add_term(e, offset, sums)``
    emits what adds term ``e`` to a block that begins ``offset`` elements further, of
    which ``sums`` has pointers to a vector each, for each of the ``outs``. The sums
    stay in registers, which is what a loop over arrays would not do. Blocks are about
    as wide as each other: a narrow one waits for its own sums.
    """
    index, lanes, most = ir.IntType(64), vector.count, most // len(outs)
    done = cgutils.alloca_once_value(builder, index(0))
    head = builder.append_basic_block("row_sum")
    end = builder.append_basic_block("row_sum.end")
    builder.branch(head)
    builder.position_at_end(head)
    first = builder.load(done)
    left = builder.sub(builder.udiv(width, index(lanes)), first)
    n_blocks = _divided_up(builder, left, index(most))
    n_blocks = builder.select(
        builder.icmp_unsigned("==", left, index(0)), index(1), n_blocks
    )
    left = _divided_up(builder, left, n_blocks)
    offset = builder.mul(first, index(lanes))
    switch = builder.switch(left, end)
    for n_vectors in range(1, most + 1):
        start = builder.append_basic_block(f"row_sum.{n_vectors}")
        switch.add_case(index(n_vectors), start)
        builder.position_at_end(start)
        sums = []
        for init, _ in inits:
            init = builder.gep(init, [offset])
            values = [_load(builder, init, j, vector) for j in range(n_vectors)]
            sums.append([cgutils.alloca_once_value(builder, v) for v in values])
        for start_of_terms, stop, add_term in loops:
            with cgutils.for_range(builder, stop, start_of_terms) as loop:
                add_term(loop.index, offset, sums)
        for (out, _), totals in zip(outs, sums, strict=True):
            out = builder.gep(out, [offset])
            for j, total in enumerate(totals):
                place = vector_at(builder, out, j, vector)
                builder.store(builder.load(total), place, align=VECTOR_BYTES // lanes)
        builder.store(builder.add(first, left), done)
        builder.branch(head)
    builder.position_at_end(end)
    return context.get_dummy_value()


def _divided_up(builder, number, by):
    """Emit a quotient, rounded up."""
    one = ir.IntType(64)(1)
    return builder.udiv(builder.add(number, builder.sub(by, one)), by)


def everywhere(builder, number, vector):
    """Emit a vector, all lanes of which are a number."""
    lane = builder.insert_element(
        ir.Constant(vector, ir.Undefined), number, ir.IntType(32)(0)
    )
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), vector.count), None)
    return builder.shuffle_vector(lane, lane, zeros)


@intrinsic
def sum_rows(typingctx, init, table, rows, n_added, out):
    """Set ``out = init + sum_e table[rows[e]]``, or minus, from ``n_added`` on.

    ``init`` and ``out`` have shape (width,), may be the same, and width is a multiple
    of `lanes_of`; ``table`` has shape (n_rows, width); ``rows`` is of uint32. The first
    ``n_added`` are added, and then the others subtracted, each in their order.
    """

    def codegen(context, builder, signature, args):
        init, table, rows, out = (
            parts_of_array(context, builder, signature.args[i], args[i])
            for i in (0, 1, 2, 4)
        )

        def term(e):
            row = builder.load(builder.gep(rows[0], [e]))
            return builder.zext(row, ir.IntType(64)), [None]

        n = rows[1][0]
        dtype = signature.args[1].dtype
        return _emit_row_sum(
            context, builder, dtype, [init], table, n, [out], term, n_added=args[3]
        )

    return types.void(init, table, rows, types.int64, out), codegen


@intrinsic
def add_to_rows(typingctx, row, rows, table):
    """Add a row to ``table[rows[e]]``, for all ``e``; shapes are as in `sum_rows`.

    Only of at most `MOST_BY_STEP` vectors: the caller sees to it.
    """

    def codegen(context, builder, signature, args):
        (row, (width,)), (rows, (n,)), (table, _) = (
            parts_of_array(context, builder, *pair)
            for pair in zip(signature.args, args, strict=True)
        )
        vector, index = vector_of(context, signature.args[0].dtype), ir.IntType(64)
        align, end = VECTOR_BYTES // vector.count, builder.append_basic_block("end")
        switch = builder.switch(builder.udiv(width, index(vector.count)), end)
        for n_vectors in range(1, MOST_BY_STEP + 1):
            start = builder.append_basic_block(f"add_to_rows.{n_vectors}")
            switch.add_case(index(n_vectors), start)
            builder.position_at_end(start)
            values = [_load(builder, row, j, vector) for j in range(n_vectors)]
            with cgutils.for_range(builder, n) as loop:
                e = builder.load(builder.gep(rows, [loop.index]))
                first = builder.mul(
                    builder.zext(e, index), index(n_vectors * vector.count)
                )
                own = builder.gep(table, [first])
                for j, value in enumerate(values):
                    place = vector_at(builder, own, j, vector)
                    total = builder.fadd(builder.load(place, align=align), value)
                    builder.store(total, place, align=align)
            builder.branch(end)
        builder.position_at_end(end)
        return context.get_dummy_value()

    return types.void(row, rows, table), codegen


@intrinsic
def sum_scaled_rows(typingctx, init, factors, table, out):
    """Set ``out = init + factors @ table``; shapes as in `sum_rows`."""

    def codegen(context, builder, signature, args):
        init, factors, table, out = (
            parts_of_array(context, builder, *pair)
            for pair in zip(signature.args, args, strict=True)
        )

        def term(e):
            return e, [builder.load(builder.gep(factors[0], [e]))]

        n = table[1][0]
        dtype = signature.args[2].dtype
        return _emit_row_sum(context, builder, dtype, [init], table, n, [out], term)

    return types.void(init, factors, table, out), codegen


@intrinsic
def add_scaled_rows_to_each(
    typingctx, sums, apart, factors, factors_apart, n_sums, table
):
    """Add to each of some sums the rows of a table, scaled by factors of its own.

    Each becomes what `sum_scaled_rows` makes of it, to the bit, but the table comes
    from memory once. There are 1 to `MOST_SUMS` of them, of shape (width,); one begins
    ``apart`` elements of ``sums`` after the other, and its factors, one for each row,
    ``factors_apart`` elements of ``factors`` after those of the other.
    """

    def codegen(context, builder, signature, args):
        (sums, _), (factors, _), (table, shape) = (
            parts_of_array(context, builder, signature.args[i], args[i])
            for i in (0, 2, 5)
        )
        dtype = signature.args[5].dtype
        end = builder.append_basic_block("each.end")
        switch = builder.switch(args[4], end)
        for n in range(1, MOST_SUMS + 1):
            start = builder.append_basic_block(f"each.{n}")
            switch.add_case(ir.IntType(64)(n), start)
            builder.position_at_end(start)
            each = [(_further(builder, sums, j, args[1]), shape[1:]) for j in range(n)]
            own = [_further(builder, factors, j, args[3]) for j in range(n)]

            def term(e, own=own):
                return e, [builder.load(builder.gep(f, [e])) for f in own]

            rows = table, shape
            _emit_row_sum(context, builder, dtype, each, rows, shape[0], each, term)
            builder.branch(end)
        builder.position_at_end(end)
        return context.get_dummy_value()

    n = types.int64
    return types.void(sums, n, factors, n, n, table), codegen


def _further(builder, pointer, j, apart):
    """Emit the pointer that is ``j`` times so many elements further."""
    return builder.gep(pointer, [builder.mul(apart, ir.IntType(64)(j))])


@intrinsic
def sum_all_rows(typingctx, table, out):
    """Set ``out`` to the sum of all rows of a table; shapes as in `sum_rows`.

    Of bytes, ``width`` is a multiple of 64.
    """

    def codegen(context, builder, signature, args):
        table, out = (
            parts_of_array(context, builder, *pair)
            for pair in zip(signature.args, args, strict=True)
        )

        def term(e):
            return e, [None]

        n = table[1][0]
        dtype = signature.args[0].dtype
        return _emit_row_sum(
            context, builder, dtype, [out], table, n, [out], term, most=_FEW
        )

    return types.void(table, out), codegen


@intrinsic
def add_where(typingctx, init, deltas, k, bits, out):
    """Set ``out[h] = init[h]`` plus those ``deltas[t, k]`` whose ``bits[t, h]`` is set.

    They are added in the order of the steps. ``init`` and ``out`` have shape (width,)
    and may be the same; ``bits``, a byte each, has as many columns at least.
    """

    def codegen(context, builder, signature, args):
        init, deltas, bits, out = (
            parts_of_array(context, builder, signature.args[i], args[i])
            for i in (0, 1, 3, 4)
        )
        dtype = signature.args[0].dtype
        vector = vector_of(context, dtype)

        def add_term(t, offset, sums):
            place = builder.add(builder.mul(t, deltas[1][1]), args[2])
            number = builder.load(builder.gep(deltas[0], [place]))
            delta = everywhere(builder, number, vector)
            row = builder.gep(bits[0], [builder.mul(t, bits[1][1])])
            row = builder.gep(row, [offset])
            for j, total in enumerate(sums[0]):
                before = builder.load(total)
                after = builder.fadd(before, delta)
                mask = _are_set(builder, row, j, vector.count)
                builder.store(builder.select(mask, after, before), total)

        width, n = init[1][0], deltas[1][0]
        return _emit_sums(
            context, builder, vector, [init], width, [out], [(None, n, add_term)], _FEW
        )

    return types.void(init, deltas, types.int64, bits, out), codegen


@intrinsic
def sum_where(typingctx, row, bits):
    """Return the sum of those elements of a row whose bit, a byte, is set.

    Its length is a multiple of `lanes_of`. Only of what is exact in any order: it is
    added up in lanes, and these by halves.
    """

    def codegen(context, builder, signature, args):
        (row, shape), (bits, _) = (
            parts_of_array(context, builder, *pair)
            for pair in zip(signature.args, args, strict=True)
        )
        dtype, index = signature.args[0].dtype, ir.IntType(64)
        vector = vector_of(context, dtype)
        add = builder.fadd if isinstance(dtype, types.Float) else builder.add
        nothing = ir.Constant(vector, None)
        total = cgutils.alloca_once_value(builder, nothing)
        n_vectors = builder.udiv(shape[0], index(vector.count))
        with cgutils.for_range(builder, n_vectors) as loop:
            offset = [builder.mul(loop.index, index(vector.count))]
            mask = _are_set(builder, builder.gep(bits, offset), 0, vector.count)
            value = _load(builder, builder.gep(row, offset), 0, vector)
            value = builder.select(mask, value, nothing)
            builder.store(add(builder.load(total), value), total)
        lanes, n = builder.load(total), vector.count
        while n > 1:
            n //= 2
            low, high = (
                builder.shuffle_vector(lanes, lanes, _numbers(range(start, start + n)))
                for start in (0, n)
            )
            lanes = add(low, high)
        return builder.extract_element(lanes, ir.IntType(32)(0))

    return row.dtype(row, bits), codegen


def _numbers(numbers):
    """Return numbers as a constant vector."""
    return ir.Constant(ir.VectorType(ir.IntType(32), len(numbers)), [*numbers])
