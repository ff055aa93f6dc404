"""How functions are compiled."""

from numba import njit

OPTIONS = {"nogil": True, "error_model": "numpy"}

compiled = njit(**OPTIONS)
# Not where a spike is decided: there, fused operations would round differently.
compiled_with_fma = njit(**OPTIONS, fastmath={"contract"})
