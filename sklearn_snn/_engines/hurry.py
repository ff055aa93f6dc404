"""Answers that wait for no compiler: numpy gives them, the same to the bit.

To compile takes some ten seconds, in which numpy answers thousands of rows. So it
answers what there is no compiled code for, until it has worked about half as long as
that takes: a process that asks for little is answered at once, also where no compiled
code can be kept, and one that asks for much waits but once.
"""

import time
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps

# Seconds that numpy may answer in a process, and what it takes, at least, for a step of
# a neuron, and of a weight: of what would take it longer at once it is not asked.
PATIENCE, _SECONDS_OF_NEURON, _SECONDS_OF_WEIGHT = 5.0, 5e-9, 2e-11
# To look on disk for code takes longer than to answer a row, so that seconds go by
# until it is looked for again.
_SECONDS_BETWEEN_LOOKS = 1.0

# Whether this thread, and those that work for it, wait for no compiler.
_is_hurried = ContextVar("is_hurried", default=False)
# How long numpy has worked, when what kind of code is looked for again, which kinds
# have been found, and how many threads compile, each of which would be waited for.
_spent, _looks, _found, _compiling = {"seconds": 0.0}, {}, set(), []
_now = time.perf_counter


class NotCompiledError(Exception):
    """Code would have to be compiled, for which its caller does not wait."""


@contextmanager
def not_compiled():
    """Run a block that raises NotCompiledError rather than compile what takes long."""
    token = _is_hurried.set(True)
    try:
        yield
    finally:
        _is_hurried.reset(token)


def check_hurry():
    """Raise NotCompiledError if this is called for someone who does not wait."""
    if _is_hurried.get():
        raise NotCompiledError


@contextmanager
def compiling():
    """Run a block that compiles, or loads: who is hurried does not wait for it."""
    _compiling.append(None)
    try:
        yield
    finally:
        _compiling.pop()


def unless_compiled_first(method):
    """Make a method of an engine an answer that need not wait, if it `is_hurried`.

    Parameters
    ----------
    method : callable
        Of an engine, parameters, X and more. The engine has a method `by_numpy`, which
        returns one of which the same method needs nothing compiled.

    Returns
    -------
    answer : callable
        The method.
    """

    @wraps(method)
    def answer(self, params, X, *args):
        # What is asked for the sake of another answer is decided with that.
        if not self.is_hurried or _is_hurried.get():
            return method(self, params, X, *args)
        kind, start = _kind_of_code(self, params, X), _now()
        is_due = start >= _looks.get(kind, 0.0) and not _compiling
        if kind in _found or is_due:
            try:
                with not_compiled():
                    result = method(self, params, X, *args)
            except NotCompiledError:
                _looks[kind] = start + _SECONDS_BETWEEN_LOOKS
            else:
                _found.add(kind)
                return result
        if _spent["seconds"] + _seconds_of_numpy(self, params, X) > PATIENCE:
            return method(self, params, X, *args)
        result = getattr(self.by_numpy(), method.__name__)(params, X, *args)
        _spent["seconds"] += _now() - start
        return result

    return answer


def _seconds_of_numpy(engine, params, X):
    """Return what numpy takes for an answer, at least."""
    n_weights = sum(p["coef"].size for p in params)
    n_neurons = sum(layer.n_units for layer in engine.network.layers)
    of_step = _SECONDS_OF_NEURON * n_neurons + _SECONDS_OF_WEIGHT * n_weights
    return X.shape[0] * engine.n_steps * of_step


def _kind_of_code(engine, params, X):
    """Return what code differs by, for the most part."""
    layers = [(type(layer.neuron), layer.recurrent) for layer in engine.network.layers]
    return (*layers, params[0]["coef"].dtype, type(X), X.ndim, X.dtype)
