"""How functions are compiled."""

from numba import njit

OPTIONS = {"nogil": True, "error_model": "numpy"}

compiled = njit(**OPTIONS)
# For what is small, or called once: a call counts the references to all of its arrays,
# those within tuples included, up and down again, which takes longer than the work.
inlined = njit(**OPTIONS, inline="always")
# Not where a spike is decided: there, fused operations would round differently.
compiled_with_fma = njit(**OPTIONS, fastmath={"contract"})
