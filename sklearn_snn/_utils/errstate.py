"""Public methods run under numpy's own error state, whatever the user's is.

With ``np.seterr(all="raise")`` a harmless underflow, deep in a fit, would be an error;
with ``all="ignore"`` nobody would hear of what numpy has to say. What is computed must
depend on neither.
"""

import functools
from inspect import isgenerator

import numpy as np


def own_errstate():
    """Return a context with the error state that numpy starts with."""
    return np.errstate(
        divide="warn", over="warn", under="ignore", invalid="warn", call=None
    )


def with_own_errstate(function):
    """Let a function run under `own_errstate`, as a decorator.

    If it returns a generator, each of the steps of that does, too: what stands around
    them, in the user's loop, keeps the user's state.

    Parameters
    ----------
    function : function

    Returns
    -------
    function : function
    """

    @functools.wraps(function)
    def run(*args, **kwargs):
        with own_errstate():
            result = function(*args, **kwargs)
        return _step_by_step(result) if isgenerator(result) else result

    return run


def _step_by_step(stages):
    """Yield from a generator that runs under `own_errstate`."""
    while True:
        with own_errstate():
            try:
                stage = next(stages)
            except StopIteration:
                return
        yield stage
