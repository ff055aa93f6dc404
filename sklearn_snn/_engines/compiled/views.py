"""Arrays, and views of flat ones, made without numba's code for these; loops over them.

A slice in Python may be negative or reach beyond the end, and `reshape` may not fit:
numba compiles code for all of that, at each place. What is here is told where a view
begins and its shape, and believes it. Nor does a view count as a reference to what it
is of, which has to be kept for as long: as an entry point keeps all that it makes.

What a view is of has to be contiguous; of a matrix, its elements are counted row after
row.
"""

from numba import types
from numba.extending import intrinsic

from sklearn_snn._compat import (
    numba_borrowed_array,
    numba_cgutils,
    numba_new_array,
)
from sklearn_snn._engines.compiled.options import compiled


def emit_view(context, builder, flat, result, flat_and_start, shape):
    """Emit an array of type `result` of the elements of a flat one from a place on."""
    array, start = flat_and_start
    source = context.make_array(flat)(context, builder, array)
    size = context.get_abi_sizeof(context.get_data_type(flat.dtype))
    size = context.get_constant(types.intp, size)
    strides = [size] if len(shape) == 1 else [builder.mul(shape[1], size), size]
    data = builder.gep(source.data, [start])
    return numba_borrowed_array(context, builder, result, data, shape, strides, size)


def emit_element(context, builder, type_, array, index):
    """Emit the element of an array at an index that is known to be one."""
    array = context.make_array(type_)(context, builder, array)
    place = numba_cgutils().get_item_pointer(
        context, builder, type_, array, index, wraparound=False
    )
    return context.unpack_value(builder, type_.dtype, place)


def _type_of_view(flat, ndim):
    """Return the type of a view; raise ValueError if what it is of has gaps."""
    if flat.layout != "C":
        raise ValueError("A view is of an array without gaps.")
    return types.Array(flat.dtype, ndim, "C")


@intrinsic
def matrix(typingctx, flat, start, n_rows, n_columns):
    """Return the matrix that begins at ``flat[start]``, as a view."""
    result = _type_of_view(flat, 2)

    def codegen(context, builder, signature, args):
        return emit_view(context, builder, flat, result, args[:2], args[2:])

    return result(flat, types.intp, types.intp, types.intp), codegen


@intrinsic
def segment(typingctx, flat, start, n):
    """Return ``flat[start : start + n]``, as a view."""
    result = _type_of_view(flat, 1)

    def codegen(context, builder, signature, args):
        return emit_view(context, builder, flat, result, args[:2], args[2:])

    return result(flat, types.intp, types.intp), codegen


def _new_array(shape, dtype, fill):
    """Return signature and code of a function that makes an array; as of `empty`."""
    n_dims = len(shape) if isinstance(shape, types.BaseTuple) else 1
    result = types.Array(dtype.dtype, n_dims, "C")
    shape = types.UniTuple(types.intp, n_dims) if n_dims > 1 else types.intp

    def codegen(context, builder, signature, args):
        sizes = [args[0]]
        if n_dims > 1:
            sizes = numba_cgutils().unpack_tuple(builder, args[0])
        return numba_new_array(context, builder, result, sizes, fill)

    return result(shape, dtype), codegen


@intrinsic
def empty(typingctx, shape, dtype):
    """Return a new array, as `numpy.empty`, which takes far longer to compile."""
    return _new_array(shape, dtype, None)


@intrinsic
def zeros(typingctx, shape, dtype):
    """Return a new array of zeros, as `empty`."""
    return _new_array(shape, dtype, 0)


@compiled
def copy_columns(a, out):
    """Copy as many of the columns of a matrix as there are in ``out``.

    An assignment of slices would bring code along that compares their shapes, and
    tells of them, which takes as long to compile as a tenth of all else.
    """
    for t in range(len(out)):
        for h in range(out.shape[1]):
            out[t, h] = a[t, h]


@compiled
def set_to_zero(a):
    """Set all elements of a matrix to 0."""
    for k in range(a.shape[0]):
        for h in range(a.shape[1]):
            a[k, h] = 0
