"""Environments of processes in which our code is compiled, or run, in another way."""

import tempfile
from pathlib import Path

# A folder for each, as numba keeps code by the processor that it is for; it stays, so
# that the code of a later run is there.
_CACHES = Path(tempfile.gettempdir()) / "sklearn-snn-benchmarks"
_AVX2 = (
    *("sse", "sse2", "sse3", "ssse3", "sse4.1", "sse4.2", "avx", "avx2", "fma"),
    *("f16c", "bmi", "bmi2", "lzcnt", "popcnt", "movbe", "cx16", "fxsr", "xsave"),
)


def avx2():
    """Return variables for which numba and the BLAS take no AVX-512.

    numpy's own loops take what there is: they are little of a step.
    """
    return {
        "NUMBA_CPU_NAME": "haswell",
        "NUMBA_CPU_FEATURES": ",".join(f"+{name}" for name in _AVX2),
        "NUMBA_CACHE_DIR": str(_CACHES / "avx2"),
        "OPENBLAS_CORETYPE": "Haswell",
    }


def threads(n):
    """Return variables for which a process takes so many threads."""
    return {"OMP_NUM_THREADS": str(n)}
