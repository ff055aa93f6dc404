"""Boards, on which compiled code offers chunks of work to whoever comes for them.

Several threads read and write one without a lock, and without the interpreter's. A
chunk is taken by lowering the number of those that are left: nobody gets one twice. Who
would help first counts itself among the helpers, and only then takes a chunk; who has
offered them waits, once none is left, until there is no helper. So what a chunk is
about, which is the memory of a call, is there for as long as anyone runs one; and a
helper that comes late gets none, and reads nothing else of what the board says.
"""

import ctypes
import os
import platform

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from sklearn_snn._compat import numba_call, numba_cgutils
from sklearn_snn._engines.compiled.options import compiled, merged
from sklearn_snn._engines.compiled.references import Reference
from sklearn_snn._engines.compiled.vectors import parts_of_array

cgutils = numba_cgutils()

# Places of a board: in cache lines of their own, as one that a thread writes is taken
# from all others.
LEFT, HELPERS, MOST_HELPERS, TOTAL, FAILED, RUN, ABOUT, GIVE_WAY, CLOSED = (
    8 * place for place in range(9)
)
# How often a thread that waits rests, for tens of cycles, before it lets others run.
_N_RESTS = 8
# By processor: an instruction, and its operands.
_REST = dict.fromkeys(("x86_64", "AMD64"), ("llvm.x86.sse2.pause", ()))
_REST |= dict.fromkeys(("aarch64", "arm64"), ("llvm.aarch64.hint", (1,)))
_ORDER = "seq_cst"

_index, _bytes = ir.IntType(64), ir.IntType(8).as_pointer()


def _system_call():
    """Return the address of what lets another thread run, if one is ready."""
    if os.name == "nt":
        function = ctypes.WinDLL("kernel32").SwitchToThread
    else:
        function = ctypes.CDLL(None).sched_yield
    return ctypes.cast(function, ctypes.c_void_p).value


_ADDRESS = _system_call()


def new_board():
    """Return a board with nothing on it, an array of int64."""
    board = np.zeros(CLOSED + 8, np.int64)
    board[GIVE_WAY] = _ADDRESS
    return board


def _place(context, builder, board, index):
    """Emit the pointer to a place; `board` is an LLVM value and its type of numba."""
    data, _ = parts_of_array(context, builder, *board)
    return builder.gep(data, [index])


@intrinsic
def read(typingctx, board, place):
    """Return what is at a place, as the thread that wrote last has left it."""

    def codegen(context, builder, signature, args):
        pointer = _place(context, builder, (board, args[0]), args[1])
        return builder.load_atomic(pointer, _ORDER, 8)

    return types.int64(board, types.intp), codegen


@intrinsic
def write(typingctx, board, place, number):
    """Write to a place what all see who see what comes after."""

    def codegen(context, builder, signature, args):
        pointer = _place(context, builder, (board, args[0]), args[1])
        builder.store_atomic(args[2], pointer, _ORDER, 8)
        return context.get_dummy_value()

    return types.void(board, types.intp, types.int64), codegen


@intrinsic
def add(typingctx, board, place, number):
    """Add to what is at a place and return what it was before."""

    def codegen(context, builder, signature, args):
        pointer = _place(context, builder, (board, args[0]), args[1])
        return builder.atomic_rmw("add", pointer, args[2], _ORDER)

    return types.int64(board, types.intp, types.int64), codegen


@intrinsic
def say_what(typingctx, board, function, about):
    """Write where code is that calls ``function(about, chunk)``, and where `about` is.

    It is handed over as a reference, and lasts until the function returns that has it
    written: after it has called `share`, which leaves no chunk behind.
    """
    about_it = Reference(about)
    call = function.get_call_type(typingctx, (about_it, types.int64), {})

    def codegen(context, builder, signature, args):
        code = _emit_call(context, builder, function, call)
        pointers = (RUN, code), (ABOUT, cgutils.alloca_once_value(builder, args[2]))
        for place, pointer in pointers:
            where = _place(context, builder, (board, args[0]), _index(place))
            builder.store(builder.ptrtoint(pointer, _index), where)
        return context.get_dummy_value()

    return types.void(board, function, about), codegen


def _emit_call(context, builder, function, call):
    """Emit C code that calls a function, and tells whether that has failed.

    So it is compiled in one place, and not for each who may call it.
    """
    type_ = ir.FunctionType(ir.IntType(1), [_bytes, _index])
    name = builder.module.get_unique_name(f"{builder.function.name}.chunk")
    code = ir.Function(builder.module, type_, name)
    code.linkage = "linkonce_odr"
    inside = ir.IRBuilder(code.append_basic_block())
    about = inside.bitcast(code.args[0], context.get_value_type(call.args[0]))
    inside.ret(numba_call(context, inside, function, call, [about, code.args[1]]))
    return code


@intrinsic
def _run(typingctx, board, chunk):
    """Call what the board says to run; return whether that failed."""

    def codegen(context, builder, signature, args):
        def number(place):
            pointer = _place(context, builder, (board, args[0]), _index(place))
            return builder.load(pointer)

        type_ = ir.FunctionType(ir.IntType(1), [_bytes, _index])
        code = builder.inttoptr(number(RUN), type_.as_pointer())
        about = builder.inttoptr(number(ABOUT), _bytes)
        return builder.call(code, [about, args[1]])

    return types.boolean(board, types.int64), codegen


@intrinsic
def _rest(typingctx):
    """Let the processor rest for some cycles, which its core has for other threads."""

    def codegen(context, builder, signature, args):
        if (instruction := _REST.get(platform.machine())) is not None:
            name, operands = instruction
            operands = [ir.IntType(32)(operand) for operand in operands]
            type_ = ir.FunctionType(ir.VoidType(), [o.type for o in operands])
            rest = cgutils.get_or_insert_function(builder.module, type_, name)
            builder.call(rest, operands)
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def _let_others_run(typingctx, board):
    """Let the system run another thread on this core, if one is ready."""

    def codegen(context, builder, signature, args):
        pointer = _place(context, builder, (board, args[0]), _index(GIVE_WAY))
        type_ = ir.FunctionType(ir.IntType(32), []).as_pointer()
        builder.call(builder.inttoptr(builder.load(pointer), type_), [])
        return context.get_dummy_value()

    return types.void(board), codegen


@merged
def wait(board):
    """Wait for a microsecond or so."""
    for _ in range(_N_RESTS):
        _rest()
    _let_others_run(board)


@merged
def take(board):
    """Return a chunk that nobody else gets, or -1 if none is left."""
    left = add(board, LEFT, -1)
    return read(board, TOTAL) - left if left > 0 else -1


@compiled
def run_chunk(board, chunk):
    """Run a chunk that was taken, and as many more as what runs it takes."""
    if _run(board, chunk):
        write(board, FAILED, 1)


@compiled
def share(board, n_chunks):
    """Run the chunks of what the board says, with all who help, until none runs.

    Parameters
    ----------
    board : ndarray
        One on which `say_what` has written.
    n_chunks : int

    Returns
    -------
    has_failed : bool
        Whether a call has raised something; then not all chunks may have been run.
    """
    write(board, FAILED, 0)
    write(board, TOTAL, n_chunks)
    write(board, LEFT, n_chunks)
    chunk = take(board)
    if chunk >= 0:
        run_chunk(board, chunk)
    write(board, LEFT, 0)  # where that has failed, it has not taken them all
    while read(board, HELPERS) > 0:
        wait(board)
    return read(board, FAILED) != 0
