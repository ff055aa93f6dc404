"""How functions are compiled."""

import numpy as np
from numba import njit

from sklearn_snn._compat import numba_inner_compiler

# Of what Python calls; C does not.
OPTIONS = {"nogil": True, "error_model": "numpy", "no_cfunc_wrapper": True}
# Of what compiled code alone calls, and which makes no arrays: numba need not count who
# refers to one. Where each view was counted up and down again, across threads, that
# took a seventh of the time of training, and a third of that of compiling. It must not
# return any either, but views of `views`: its caller may count, and would give back a
# reference that was never taken. Nor is it optimized by itself, but with its callers.
INNER = OPTIONS | {
    "no_cpython_wrapper": True,
    "_nrt": False,
    "pipeline_class": numba_inner_compiler(),
}

# Of functions of which no array shares an element with another that is written.
APART = INNER | {"pipeline_class": numba_inner_compiler(are_apart=True)}

compiled = njit(**INNER)
compiled_apart = njit(**APART)
# For what returns views: numba puts the function's own code in its place, before it
# knows any types, and has to infer them at each call anew.
inlined = njit(**INNER, inline="always")
# For what else is small, or called once: types are inferred once, and it is LLVM that
# puts the code in its place. With layers `inlined`, a first fit took a sixth longer.
merged = njit(**INNER, forceinline=True)
# Not where a spike is decided: there, fused operations would round differently.
compiled_with_fma = njit(**INNER, fastmath={"contract"})
# For what makes arrays.
allocating = njit(**INNER | {"_nrt": True})

# A literal has a type of its own, and what is called with it is compiled once more.
ZERO = np.int64(0)
