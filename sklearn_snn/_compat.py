"""Private names of other libraries: all that is used, in one place, with the reason.

What a library does not promise may move in any of its versions. Everything else here
imports such a name from this module, which is then the one to mend; a test sees to it.
numba is not imported before one of its names is asked for.
"""

import ctypes
import functools

import numpy as np

# The only executor whose processes may be started in those of a pool or of Dask.
from joblib.externals.loky import ProcessPoolExecutor

# Checks the parameters and the metadata around `fit`, as scikit-learn's estimators do.
from sklearn.base import _fit_context as fit_context

# The rows of an array, a sparse matrix, a list or a data frame of any library.
from sklearn.utils import _safe_indexing as safe_indexing

# What `_parameter_constraints` is written in, and the check of a function's arguments.
from sklearn.utils._param_validation import (
    HasMethods,
    Interval,
    InvalidParameterError,
    Options,
    StrOptions,
    validate_parameter_constraints,
    validate_params,
)

# The checks and messages of `partial_fit`, which every estimator that has one shares.
from sklearn.utils.multiclass import (
    _check_partial_fit_first_call as check_partial_fit_first_call,
)

# The names of features: those that were given, those seen in `fit`, or x0, x1, ...
from sklearn.utils.validation import _check_feature_names_in as check_feature_names_in

# The checks and messages of `sample_weight`, of targets that come without a table, and
# the number of rows of whatever X is.
from sklearn.utils.validation import _check_sample_weight as check_sample_weight
from sklearn.utils.validation import _check_y as check_y
from sklearn.utils.validation import _num_samples as num_samples

# Lifts a limit that another thread has set, without which none of ours has an effect.
from threadpoolctl import OpenBLASController

__all__ = [
    "HasMethods",
    "Interval",
    "InvalidParameterError",
    "OpenBLASController",
    "Options",
    "ProcessPoolExecutor",
    "StrOptions",
    "array_api_numpy",
    "check_feature_names_in",
    "check_partial_fit_first_call",
    "check_sample_weight",
    "check_y",
    "fit_context",
    "num_samples",
    "numba_attributes",
    "numba_before_compiling",
    "numba_borrowed_array",
    "numba_call",
    "numba_cgutils",
    "numba_compile_within",
    "numba_disk_cache",
    "numba_forget_calls",
    "numba_inner_compiler",
    "numba_new_array",
    "numpy_matmul",
    "safe_indexing",
    "validate_parameter_constraints",
    "validate_parameters",
    "validate_params",
]


def array_api_numpy():
    """Return numpy by the name under which scikit-learn's array API support knows it.

    It tells namespaces apart by identity, and knows only the copy that it brings.
    """
    from sklearn.externals.array_api_compat import numpy

    return numpy


def validate_parameters(estimator):
    """Check the parameters of an estimator against its constraints, as `fit` does.

    `fit_context` leaves it out in all calls of `partial_fit` but the first.
    """
    estimator._validate_params()


class _UFunc(ctypes.Structure):
    """The first fields of a ufunc, as numpy documents them: `PyUFuncObject`."""

    _fields_ = (
        ("head", ctypes.c_char * object.__basicsize__),
        ("nin", ctypes.c_int),
        ("nout", ctypes.c_int),
        ("nargs", ctypes.c_int),
        ("identity", ctypes.c_int),
        ("functions", ctypes.POINTER(ctypes.c_void_p)),
        ("data", ctypes.POINTER(ctypes.c_void_p)),
        ("ntypes", ctypes.c_int),
        ("reserved1", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("types", ctypes.POINTER(ctypes.c_char)),
    )


@functools.cache
def numpy_matmul(dtype):
    """Return the address of the loop of `numpy.matmul`, of a type of floats.

    What ufuncs consist of, and how their loops are called, numpy documents for C. This
    one multiplies as `matmul` does, to the bit, and needs no interpreter for it.

    Parameters
    ----------
    dtype : dtype

    Returns
    -------
    address : int
        0 if a ufunc is another thing than numpy says.
    """
    types = 2 * dtype.char + "->" + dtype.char
    if type(np.matmul) is not np.ufunc or types not in np.matmul.types:
        return 0
    ufunc = _UFunc.from_address(id(np.matmul))
    numbers = ufunc.nin, ufunc.nout, ufunc.nargs, ufunc.ntypes
    are_there = ufunc.functions and ufunc.data and ufunc.types
    if numbers != (2, 1, 3, np.matmul.ntypes) or not are_there:
        return 0
    i = np.matmul.types.index(types)
    numbers = [ord(ufunc.types[3 * i + j]) for j in range(3)]
    is_it = ufunc.name == b"matmul" and numbers == 3 * [dtype.num]
    if not is_it or ufunc.data[i] is not None:
        return 0
    return ufunc.functions[i] or 0


def numba_cgutils():
    """Return numba's helpers for code that is emitted by an intrinsic.

    `numba.extending` documents intrinsics, but not the helpers that they are made of.
    """
    from numba.core import cgutils

    return cgutils


def numba_attributes():
    """Return numba's base class of what knows the attributes of a type of one's own.

    `numba.extending` has what registers it, but not the class.
    """
    from numba.core.typing.templates import AttributeTemplate

    return AttributeTemplate


def numba_borrowed_array(context, builder, type_, data, shape, strides, itemsize):
    """Emit an array that counts as no reference to its data; as `numba_cgutils`."""
    from numba.np.arrayobj import populate_array

    array = context.make_array(type_)(context, builder)
    owner = {"meminfo": None, "parent": None}
    populate_array(array, data, shape, strides, itemsize, **owner)
    return array._getvalue()


def numba_call(context, builder, function, signature, args):
    """Emit a call of a compiled function, and return whether it has failed.

    What an intrinsic calls by `context.get_function` hands errors on to who has called,
    as numba's own functions do: not so one that other code is to call.
    """
    found = function.dispatcher.overloads[signature.args]
    context.add_linking_libs([found.library])
    status, _ = context.call_internal_no_propagate(
        builder, found.fndesc, signature, args
    )
    return status.is_error


def numba_new_array(context, builder, type_, shape, fill=None):
    """Emit an array of one's own, filled with a byte or not; as `numba_cgutils`."""
    from numba.core import cgutils
    from numba.np.arrayobj import _empty_nd_impl

    array = _empty_nd_impl(context, builder, type_, shape)
    if fill is not None:
        n_bytes = builder.mul(array.nitems, array.itemsize)
        cgutils.memset(builder, array.data, n_bytes, fill)
    return array._getvalue()


def numba_compile_within(dispatcher, manager):
    """Let a dispatcher compile within a context manager of `contextlib`.

    numba calls the method that Python would, whoever asks for a kind of arguments that
    is new; it has no hook for that.
    """
    dispatcher.compile = manager(dispatcher.compile)


def numba_before_compiling(dispatcher, check):
    """Let a function, which may raise, be called before a dispatcher compiles.

    Only where nothing was found on disk, which numba's own methods look for and then
    compile without another word. What is not compiled is counted as no miss.
    """
    compiler = dispatcher._compiler
    compile = compiler.compile

    def checked(args, return_type):
        try:
            check()
        except BaseException:
            dispatcher._cache_misses[args] -= 1
            raise
        return compile(args, return_type)

    compiler.compile = checked


def numba_disk_cache(dispatcher, key):
    """Return what loads and saves the compiled code of a function, under a key as well.

    numba has no public way to go on where a file of the cache is damaged, or its folder
    cannot be written any more; nor one to tell that code which a function calls, in
    another file, has changed. (A default value with the key would do, but each call
    that omits it looks up the types of all arguments again, for 0.3 ms.)
    """
    cache = dispatcher._cache
    index_key = cache._index_key
    cache._index_key = lambda sig, codegen: (*index_key(sig, codegen), key)
    return cache


class _WithoutDeclarations:
    """A module of LLVM, of which only those functions are seen that have code."""

    def __init__(self, module):
        vars(self)["_module"] = module

    def __getattr__(self, name):
        return getattr(self._module, name)

    def __setattr__(self, name, value):
        setattr(self._module, name, value)

    @property
    def functions(self):
        return [f for f in self._module.functions if not f.is_declaration]


class _Remembering:
    """What numba infers types with; what a call makes of some it finds out but once."""

    def __init__(self, context, known):
        vars(self).update(_context=context, _known=known)

    def __getattr__(self, name):
        return getattr(self._context, name)

    def __setattr__(self, name, value):
        setattr(self._context, name, value)

    def resolve_function_type(self, function, args, kws):
        find = self._context.resolve_function_type
        if kws:
            return find(function, args, kws)
        key = function, tuple(args)
        if key not in self._known:
            found = find(function, args, kws)
            if found is None:
                return None
            self._known[key] = found
        return self._known[key]


# By the flags of the calling function, which change how what it calls is compiled.
_known_calls = {}


def numba_forget_calls():
    """Forget what calls make of which types, when a function is compiled as a whole."""
    _known_calls.clear()


def numba_inner_compiler(are_apart=False):
    """Return a compiler of functions that other compiled functions alone call.

    numba optimizes each function with all that it calls, and makes machine code of it,
    before it does the same for its callers; Python calls the last of these alone.
    What is done for the others is done in vain: three in ten seconds. Here a function
    is left as it was first put down, to be optimized as a part of its callers.

    At each place where an operator or a function is called, numba asks all that is
    registered for it whether it takes these types, several times and in several ways.
    Here that is asked once; and passes leave out functions that are only declared. Both
    together took a twelfth of the time.

    Of arrays that are apart from each other, no element of one being one of another,
    LLVM is told so: else it compiles each loop twice, and at each of its turns compares
    where all of them begin and end, to know which of both will do.

    Compilers of one's own are documented; what a library of code is made of is not.
    """
    from numba.core.codegen import JITCodeLibrary
    from numba.core.compiler import CompilerBase, DefaultPassBuilder
    from numba.core.compiler_machinery import FunctionPass, register_pass
    from numba.core.untyped_passes import IRProcessing

    class PartOfCallers(JITCodeLibrary):
        """Code that has no address of its own."""

        def _optimize_functions(self, ll_module):
            super()._optimize_functions(_WithoutDeclarations(ll_module))

        def finalize(self):
            self._raise_if_finalized()
            for library in dict.fromkeys(self._linking_libraries):
                if hasattr(self, "_reload_init"):  # not in numba 0.61
                    self._reload_init.update(library._reload_init)
                module = library._get_module_for_linking()
                self._final_module.link_in(module, preserve=True)
            self._finalize_dynamic_globals()
            self._finalized = True

        def get_pointer_to_function(self, name):
            self._ensure_finalized()
            return 0  # as of a function without a wrapper for Python

        @property
        def codegen(self):
            return _WithoutEnvironments(self._codegen)

    class _WithoutEnvironments:
        """What errors with messages need is kept at an address, which is not there."""

        def __init__(self, codegen):
            self._codegen = codegen

        def __getattr__(self, name):
            return getattr(self._codegen, name)

        def set_env(self, name, environment):
            pass

    @register_pass(mutates_CFG=False, analysis_only=False)
    class MakePartOfCallers(FunctionPass):
        _name = "sklearn_snn_make_part_of_callers"

        def __init__(self):
            FunctionPass.__init__(self)

        def run_pass(self, state):
            codegen, name = state.targetctx.codegen(), state.func_id.func_qualname
            state.library = PartOfCallers(codegen, name)
            state.flags.noalias = are_apart
            known = _known_calls.setdefault(state.flags.summary(), {})
            state.typingctx = _Remembering(state.typingctx, known)
            return False

    class InnerCompiler(CompilerBase):
        def define_pipelines(self):
            passes = DefaultPassBuilder.define_nopython_pipeline(self.state)
            passes.add_pass_after(MakePartOfCallers, IRProcessing)
            passes.finalize()
            return [passes]

    return InnerCompiler
