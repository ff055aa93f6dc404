"""Compiled code on disk: what it is kept under, and how it fails without harm.

numba renews what it keeps when the file of a function changes, but not when one that
the function calls into does. So a number that stands for all code that compiled
functions are made of is an argument of each: that makes it part of numba's key.
"""

import dis
import hashlib
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from types import CodeType

from numba import njit

from sklearn_snn._compat import (
    numba_before_compiling,
    numba_compile_within,
    numba_disk_cache,
    numba_forget_calls,
)
from sklearn_snn._engines.compiled.options import OPTIONS
from sklearn_snn._engines.hurry import check_hurry, compiling
from sklearn_snn._utils.garbage import rare_collections

# All that Python calls.
_entries = []


def code_key(entry, find=find_spec):
    """Return a number that changes with the code of a module, or of any it imports.

    Modules that are imported by those that the module imports count too, as long as
    they belong to the same package. Imports are read from the code and not from what
    is loaded, so that a constant counts like a function; the files are those that the
    modules are loaded from: sources, compiled files, or members of a zip archive.

    Parameters
    ----------
    entry : str
        Name of a module, such as ``__name__``.
    find : callable, default=importlib.util.find_spec
        Returns the spec of a module by its name, or None.

    Returns
    -------
    key : int or None
        None if the files cannot be read, as in some frozen applications.
    """
    package, contents, names = entry.partition(".")[0], {}, [entry]
    try:
        while names:
            name = names.pop()
            if name in contents or name.partition(".")[0] != package:
                continue
            spec = find(name)
            contents[name] = spec.loader.get_data(spec.origin)
            names += _imports(spec.loader.get_code(name), package, find)
    except (AttributeError, ImportError, OSError, TypeError):
        return None
    digest = hashlib.blake2b(digest_size=7)  # which is below 2**63
    for name in sorted(contents):
        digest.update(b"%s %d\n" % (name.encode(), len(contents[name])))
        digest.update(contents[name])
    return int.from_bytes(digest.digest())


def _imports(code, package, find):
    """Return the modules of a package that some code imports, also in functions."""
    modules, statements = [], []
    if any(name.partition(".")[0] == package for name in code.co_names):
        for instruction in dis.get_instructions(code):
            if instruction.opname == "IMPORT_NAME":
                statements.append((instruction.argval, []))
            elif instruction.opname == "IMPORT_FROM":
                statements[-1][1].append(instruction.argval)
    for parent, names in statements:
        if parent.partition(".")[0] == package:
            children = [f"{parent}.{name}" for name in names]
            found = [child for child in children if _is_module(child, find)]
            # "from package import module" takes nothing of the package itself.
            all_found = names and len(found) == len(names)
            modules += found if all_found else [parent, *found]
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            modules += _imports(constant, package, find)
    return modules


def _is_module(name, find):
    with suppress(ImportError):  # if what should hold it is no package
        return find(name) is not None
    return False


def entry_point(key, is_small=False):
    """Return a decorator that compiles, and keeps the result on disk if it can.

    Parameters
    ----------
    key : int or None
        The `code_key` of the module. Without one nothing is kept: it could not be told
        when it is out of date.
    is_small : bool, default=False
        Whether also who is in a hurry may wait for it; see `hurry`.

    Returns
    -------
    compile : callable
        Makes a Dispatcher of numba of a function.
    """

    def compile(function):
        dispatcher = _dispatcher_of(function, key)
        if not is_small:
            numba_before_compiling(dispatcher, check_hurry)
        numba_compile_within(dispatcher, _compilation())
        _entries.append(dispatcher)
        return dispatcher

    return compile


@contextmanager
def _compilation():
    """Compile an entry point: with few collections, and nothing left behind."""
    with compiling(), rare_collections():
        try:
            yield
        finally:
            numba_forget_calls()


def n_compiled():
    """Return how many functions this process compiled because none was on disk."""
    return sum(sum(entry.stats.cache_misses.values()) for entry in _entries)


def _dispatcher_of(function, key):
    if key is None:
        return njit(**OPTIONS)(function)
    try:
        dispatcher = njit(**OPTIONS, cache=True)(function)
    except Exception:  # no folder, or whatever numba makes of a missing source file
        return njit(**OPTIONS)(function)
    cache = numba_disk_cache(dispatcher, key)
    load, save, flush = cache.load_overload, cache.save_overload, cache.flush

    def load_if_sound(*args):
        try:
            found = load(*args)
            # Two processes that save at once may give a signature the other's code.
            is_it = found is None or tuple(found.signature.args) == tuple(args[0])
            return found if is_it else None
        except OSError:
            return None
        except Exception:  # whatever pickle makes of a damaged file
            with suppress(OSError):
                flush()
            return None

    def save_if_possible(*args):
        # The folder may have vanished, or the disk be full.
        with suppress(OSError):
            save(*args)

    cache.load_overload, cache.save_overload = load_if_sound, save_if_possible
    return dispatcher
