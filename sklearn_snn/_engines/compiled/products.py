"""Products of samples with the first weights, and with deltas: by numpy's own code.

What is a number at each step, or the same one at all steps, is multiplied before it
runs, and with its deltas after. A thread that asked numpy for that would wait for the
interpreter's lock, which other threads of the batch hold. So compiled code calls what
`numpy.matmul` itself calls, and needs no interpreter for: the same BLAS, and so the
same bits, which numba's `dot`, with the BLAS of scipy, does not promise.

Of sequences a few are multiplied, run, and multiplied with their deltas before the next
ones are, while all that this takes is in the second cache.
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from sklearn_snn._compat import numba_cgutils
from sklearn_snn._engines.compiled.options import ZERO, compiled
from sklearn_snn._engines.compiled.recurrence import most_together
from sklearn_snn._engines.compiled.sums import chunk_of, of_first_in
from sklearn_snn._engines.compiled.vectors import parts_of_array
from sklearn_snn._engines.compiled.views import matrix, segment
from sklearn_snn._utils.workspace import CACHE_LINE

cgutils = numba_cgutils()

# Rows of sequences that are multiplied with their deltas at a time, if there are as
# many: to add a product to a gradient takes longer than to make one of a few rows.
_ENOUGH_ROWS = 100

_index, _bytes = ir.IntType(64), ir.IntType(8).as_pointer()


@intrinsic
def _multiply(typingctx, matmul, n, k, m, x, of_row, of_column, y, out):
    """Set ``out = x @ y``, of shapes (n, k), (k, m) and (n, m).

    Element (i, j) of ``x`` is ``of_row * i + of_column * j`` elements behind its first;
    ``y`` and ``out`` have no gaps. ``matmul`` is what `_compat.numpy_matmul` returns.
    """

    def codegen(context, builder, signature, args):
        matmul, n, k, m, _, of_row, of_column, _, _ = args
        data = (
            parts_of_array(context, builder, signature.args[i], args[i])[0]
            for i in (4, 7, 8)
        )
        size = context.get_abi_sizeof(context.get_value_type(x.dtype))
        size, one, nothing = _index(size), _index(1), _index(0)
        strides = [of_row, of_column, m, one, m, one]
        strides = [builder.mul(stride, size) for stride in strides]
        tables = [
            _table(builder, [builder.bitcast(pointer, _bytes) for pointer in data]),
            # Of one product: how many there are, and how far apart.
            _table(builder, [one, n, k, m]),
            _table(builder, [nothing, nothing, nothing, *strides]),
        ]
        types_ = [*(table.type for table in tables), _bytes]
        function = ir.FunctionType(ir.VoidType(), types_).as_pointer()
        no_data = ir.Constant(_bytes, None)
        builder.call(builder.inttoptr(matmul, function), [*tables, no_data])
        return context.get_dummy_value()

    i = types.int64
    return types.void(i, i, i, i, x, i, i, y, out), codegen


@intrinsic
def fetch(typingctx, array, start, n):
    """Let the processor fetch ``array[start : start + n]``, while it goes on.

    To the second cache. What is beyond the end of the array does no harm.
    """

    def codegen(context, builder, signature, args):
        data, _ = parts_of_array(context, builder, array, args[0])
        size = _index(context.get_abi_sizeof(context.get_value_type(array.dtype)))
        place = builder.bitcast(builder.gep(data, [args[1]]), _bytes)
        n_bytes = builder.mul(args[2], size)
        flags = [ir.IntType(32)(flag) for flag in (0, 2, 1)]  # to be read, data
        type_ = ir.FunctionType(ir.VoidType(), [_bytes, *(flag.type for flag in flags)])
        function = cgutils.get_or_insert_function(
            builder.module, type_, "llvm.prefetch.p0i8"
        )
        zero, line = _index(0), _index(CACHE_LINE)
        with cgutils.for_range_slice(builder, zero, n_bytes, line) as (offset, _):
            builder.call(function, [builder.gep(place, [offset]), *flags])
        return context.get_dummy_value()

    return types.void(array, types.int64, types.int64), codegen


def _table(builder, values):
    """Emit an array of these values; return the pointer to the first."""
    table = cgutils.alloca_once(builder, values[0].type, size=len(values))
    for i, value in enumerate(values):
        builder.store(value, builder.gep(table, [_index(i)]))
    return table


@compiled
def _multiply_rows(matmul, inputs, weights, first, n_rows, currents, place):
    """Set some rows of the currents to the product of rows of the inputs.

    Parameters
    ----------
    matmul : int
    inputs : ndarray of shape (n, n_inputs)
    weights : ndarray of shape (n_inputs, n_units)
    first, n_rows : int
        Of the inputs. How a row is rounded hangs on how many there are: those of one
        sample, and no more, so that it does not hang on what other samples there are.
    currents : ndarray of shape (m, n_units)
    place : int
        Of the first of their rows.
    """
    n_inputs, n_units = weights.shape
    _multiply(
        matmul,
        n_rows,
        n_inputs,
        n_units,
        segment(inputs, first * n_inputs, n_rows * n_inputs),
        n_inputs,
        1,
        weights,
        matrix(currents, place * n_units, n_rows, n_units),
    )


@compiled
def _gradient_of_rows(matmul, inputs, deltas, first, n_rows, gradient):
    """Set ``gradient = inputs[first : first + n_rows].T @ deltas[:n_rows]``.

    Parameters
    ----------
    matmul : int
    inputs : ndarray of shape (n, n_inputs)
    deltas : ndarray of shape (m, n_units)
    first, n_rows : int
    gradient : ndarray of shape (n_inputs * n_units,)
    """
    n_inputs, n_units = inputs.shape[1], deltas.shape[1]
    _multiply(
        matmul,
        n_inputs,
        n_rows,
        n_units,
        segment(inputs, first * n_inputs, n_rows * n_inputs),
        1,
        n_inputs,
        deltas,
        gradient,
    )


@compiled
def end_of_few(call, start, stop):
    """Return where those samples end that are multiplied together, from ``start`` on.

    Of sequences there are as many as have enough rows, and go back together.
    """
    n_together, n_rows, i = most_together(call.layers.recurrence), ZERO, start
    if call.matmul == 0 or call.is_constant:
        return stop
    while i < stop and (n_rows < _ENOUGH_ROWS or (i - start) % n_together > 0):
        n_rows += call.asked.lengths[i]
        i += 1
    return i


@compiled
def most_rows(call):
    """Return how many rows `end_of_few` lets there be at most."""
    if call.matmul == 0:
        return ZERO
    if call.is_constant:
        return min(call.sums.size, len(call.begins))
    most = _ENOUGH_ROWS + most_together(call.layers.recurrence) * call.most_steps
    return min(most, len(call.inputs))


@compiled
def n_rows_of(call, start, stop):
    """Return how many rows some samples have, which lie one behind the other."""
    n_last = 1 if call.is_constant else call.asked.lengths[stop - 1]
    return call.begins[stop - 1] + n_last - call.begins[start]


@compiled
def multiply_some(call, start, stop, currents):
    """Set the first rows of the currents to those of some samples, one by one."""
    for i in range(start, stop):
        n_rows = 1 if call.is_constant else call.asked.lengths[i]
        first = call.begins[i]
        place = first - call.begins[start]
        _multiply_rows(
            call.matmul, call.inputs, call.weights, first, n_rows, currents, place
        )


@compiled
def learn_from_some(call, start, stop, is_first, deltas, product):
    """Add the gradient of the first weights that some samples have, of one chunk."""
    first, n_rows = call.begins[start], n_rows_of(call, start, stop)
    total = of_first_in(call.sums, chunk_of(call.sums, start))
    own = total if is_first else product
    _gradient_of_rows(call.matmul, call.inputs, deltas, first, n_rows, own)
    if not is_first:
        for k in range(len(total)):
            total[k] += product[k]
