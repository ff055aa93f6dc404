"""Time functions of a package where they stand, by their names, each without the rest.

A function that calls another one that is timed is charged only for its own part.
"""

import functools
import importlib
import inspect
import time
from contextlib import contextmanager


class Stopwatch:
    """Seconds and calls of named parts, each without the parts that it calls.

    Attributes
    ----------
    seconds : dict of float
        By part, since the last `reset`.
    calls : dict of int
    """

    def __init__(self):
        self._stack = []
        self.reset()

    def reset(self):
        """Begin anew."""
        self.seconds, self.calls = {}, {}

    @contextmanager
    def part(self, label):
        """Charge what is done within to a part."""
        start = time.perf_counter()
        self._stack.append(0.0)  # seconds of the parts within this one
        try:
            yield
        finally:
            whole = time.perf_counter() - start
            within = self._stack.pop()
            self.seconds[label] = self.seconds.get(label, 0.0) + whole - within
            self.calls[label] = self.calls.get(label, 0) + 1
            if self._stack:
                self._stack[-1] += whole

    @contextmanager
    def watch(self, parts):
        """Charge calls of functions to their parts, as long as this lasts.

        Parameters
        ----------
        parts : dict of (str, str)
            The part of each function: of a module and a name in it, or in a class of
            it, such as ``"Adam.update"``.

        Raises
        ------
        AttributeError
            If a name is gone: what it did would count as something else.
        TypeError
            If one is that of a generator, which does its work after it was called.
        """
        replaced = []
        try:
            for (module, name), label in parts.items():
                holder, attribute = _find(module, name)
                # As it stands there: a class's own function, not a method.
                function = vars(holder)[attribute]
                if inspect.isgeneratorfunction(function):
                    raise TypeError(f"{name} is a generator: time what it calls.")
                replaced.append((holder, attribute, function))
                setattr(holder, attribute, self._timed(function, label))
            yield self
        finally:
            for holder, attribute, function in reversed(replaced):
                setattr(holder, attribute, function)

    def _timed(self, function, label):
        @functools.wraps(function, updated=())
        def timed(*args, **kwargs):
            with self.part(label):
                return function(*args, **kwargs)

        return timed


def _find(module, name):
    """Return what a name is an attribute of, and the attribute's name."""
    holder = importlib.import_module(module)
    *path, attribute = name.split(".")
    try:
        for part in path:
            holder = getattr(holder, part)
        vars(holder)[attribute]
    except (AttributeError, KeyError):
        raise AttributeError(
            f"{module} has no {name} any more: say in PARTS of profile_step.py what "
            "does its work now."
        ) from None
    return holder, attribute
