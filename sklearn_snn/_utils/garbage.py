"""Python's collector of garbage, run more rarely while a compiler works.

A compiler makes objects by the million and keeps them to the end. To look through all
of them again and again frees little, and took a seventh of the time of compiling.
"""

import gc
import threading
from contextlib import contextmanager

# New objects before the young are looked through, and how often until the older are.
# Not never: another thread may make garbage meanwhile.
_RARE = 200_000, 50, 100

_lock = threading.Lock()
# How many are within, the user's thresholds, and what was set in their place.
_n_within, _before, _set = 0, None, None


@contextmanager
def rare_collections():
    """Let the collector run rarely meanwhile, in all threads; then as it did before.

    A collector that is off, or runs more rarely, or that someone sets meanwhile, is
    left as it is.
    """
    global _n_within, _before, _set
    with _lock:
        _n_within += 1
        if _n_within == 1:
            _before = gc.get_threshold()
            if 0 < _before[0] < _RARE[0]:
                gc.set_threshold(*_RARE)
            _set = gc.get_threshold()
    try:
        yield
    finally:
        with _lock:
            _n_within -= 1
            if _n_within == 0 and gc.get_threshold() == _set:
                gc.set_threshold(*_before)
