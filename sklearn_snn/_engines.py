"""The engines by name; that which needs an optional library is imported when asked for.

An engine takes batches through a network: `logits`, `loss_and_gradients` and
`fit_to_data`, as `NumpyEngine` documents them. All engines give the same spikes, to
the bit, and the same gradients up to rounding.
"""

from importlib.util import find_spec

from sklearn_snn._engine_numpy import NumpyEngine

ENGINES = ("auto", "numba", "numpy")


def fastest():
    """Return the name of the fastest engine that is installed."""
    return "numpy" if find_spec("numba") is None else "numba"


def make_engine(name, network):
    """Return an engine.

    Parameters
    ----------
    name : {"auto", "numba", "numpy"}
        "auto" is "numba" where numba is installed, else "numpy".
    network : Network

    Returns
    -------
    engine : NumpyEngine or NumbaEngine

    Raises
    ------
    ImportError
        If numba is asked for by name and not installed.
    """
    if name == "auto":
        name = fastest()
    if name == "numpy":
        return NumpyEngine(network)
    if find_spec("numba") is None:
        raise ImportError(
            "engine='numba' needs numba, which is not installed: "
            "pip install 'sklearn-snn[fast]'"
        )
    from sklearn_snn._engine_numba import NumbaEngine

    return NumbaEngine(network)
