"""The engines by name; that which needs an optional library is imported when asked for.

An engine takes batches through a network: `run`, `read_out`, `spikes`,
`loss_and_gradients` and `first_guess`, as `NumpyEngine` documents them, and `supports`
says whether it can; `take_adam_step`, `finish_gradient` and `sum_of_squares` are those
of `_model.updates`, and `limit_kept` is that of `blas`. All engines give the same
spikes, to the bit, and the same gradients up to rounding.
"""

import sys
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec

from sklearn_snn._engines.numpy_engine import NumpyEngine
from sklearn_snn._engines.truncated import TruncatedEngine
from sklearn_snn._utils.warnings import warn_user

ENGINES = ("auto", "numba", "numpy")
_DISABLED = "the environment variable NUMBA_DISABLE_JIT is set"
# What is wrong with numba and has been said in this process.
_told = set()


def numba_problem():
    """Return why numba cannot be used here, or None."""
    if find_spec("numba") is None:
        return "numba is not installed: pip install 'sklearn-snn[fast]'"
    try:
        with _all_or_nothing("numba", "llvmlite"):
            config = import_module("numba").config
    except Exception as error:  # a broken installation may raise anything
        return f"numba is installed but cannot be imported: {error}"
    if config.DISABLE_JIT:
        return _DISABLED
    return None


@contextmanager
def _all_or_nothing(*packages):
    """Leave nothing behind of an import that Ctrl-C ends, or an error.

    Python forgets the modules that it was about to import, but not those that these had
    imported: which is half of a package, on which no further import of it can build.
    """
    new = [package for package in packages if package not in sys.modules]
    try:
        yield
    except BaseException:
        for name in list(sys.modules):
            if any(
                name == package or name.startswith(f"{package}.") for package in new
            ):
                sys.modules.pop(name, None)
        raise


def fastest():
    """Return the name of the fastest engine that can be used.

    That is "numpy" without a word where numba is not installed, or was switched off in
    the environment: who did that knows.

    Warns
    -----
    RuntimeWarning
        Once in a process, if numba is installed but broken.
    """
    problem = numba_problem()
    if problem is None:
        return "numba"
    if find_spec("numba") is not None and problem not in {_DISABLED, *_told}:
        warn_user(f"The numpy engine runs, as {problem}", RuntimeWarning)
        _told.add(problem)
    return "numpy"


def make_engine(name, network, n_steps, bptt_steps=None, has_states=False):
    """Return an engine.

    Parameters
    ----------
    name : {"auto", "numba", "numpy"}
        "auto" is the fastest that can be used and supports the network; where it would
        have to compile first, numpy gives answers that do not take it long.
    network : Network
    n_steps : int
    bptt_steps : int, default=None
        Number of steps that gradients go back; None is all.
    has_states : bool, default=False
        Whether samples may go on from states, and leave some.

    Returns
    -------
    engine : NumpyEngine, NumbaEngine or TruncatedEngine

    Raises
    ------
    ImportError
        If numba is asked for by name and cannot be used.
    ValueError
        If it does not support the network.

    Warns
    -----
    RuntimeWarning
        Once in a process and for each reason, if "auto" cannot take the fastest
        because it does not support the network.
    """
    engine = _whole_engine(name, network, n_steps)
    bptt_steps = n_steps if bptt_steps is None else bptt_steps
    if bptt_steps >= n_steps and not has_states:
        return engine
    return TruncatedEngine(engine, bptt_steps, has_states)


def _whole_engine(name, network, n_steps):
    """Return an engine whose gradients go back all steps; see `make_engine`."""
    is_choice = name == "auto"
    if is_choice:
        name = fastest()
    if name == "numpy":
        return NumpyEngine(network, n_steps)
    if (problem := numba_problem()) is not None:
        raise ImportError(f"engine='numba' cannot run: {problem}")
    with _all_or_nothing(f"{__name__}.compiled", "numba", "llvmlite"):
        from sklearn_snn._engines.compiled.engine import NumbaEngine

    problem = NumbaEngine.supports(network)
    if problem is None:
        return NumbaEngine(network, n_steps, is_hurried=is_choice)
    if not is_choice:
        raise ValueError(f"engine='numba' does not support this network: {problem}.")
    if problem not in _told:
        warn_user(f"The numpy engine runs, as {problem} in numba.", RuntimeWarning)
        _told.add(problem)
    return NumpyEngine(network, n_steps)
