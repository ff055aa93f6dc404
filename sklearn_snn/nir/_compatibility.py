"""`nir_compatibility`: which readers of a graph will make the same spikes of it.

What is said of snnTorch, SpikingJelly and norse is what they do: tests run each of them
on such networks, and see it refuse others. What is said of the others stands in their
code or in the examples of NIR.
"""

import textwrap
from dataclasses import dataclass

import numpy as np

from sklearn_snn._compat import validate_params
from sklearn_snn.inspection._pipelines import unquantized_model
from sklearn_snn.nir._export import EXPORT_CONSTRAINTS, layers_of
from sklearn_snn.nir._layers import DT

_WIDTH = 88


@dataclass(frozen=True)
class BackendCompatibility:
    """What a reader of NIR makes of a network.

    Parameters
    ----------
    name : str
        Of the library.
    exact : bool
        Whether all of its layers make the spikes that they make here, but for what
        rounding does to membranes at their threshold.
    reason : str
        Why they do not; or if they do, in which numbers.
    call : str
        How it reads the graph; empty if it does not make the same spikes of it.
    tested : bool
        Whether tests run the library, or what is said stands in its code.

    See Also
    --------
    nir_compatibility : Makes one for each reader.

    Examples
    --------
    >>> from sklearn_snn.nir import BackendCompatibility
    >>> BackendCompatibility("snnTorch", True, "float32", "call", True)
    BackendCompatibility(name='snnTorch', exact=True, reason='float32', ...)
    """

    name: str
    exact: bool
    reason: str
    call: str
    tested: bool


@dataclass(frozen=True, repr=False)
class NIRCompatibility:
    """What the readers of NIR make of a network; see `nir_compatibility`.

    Parameters
    ----------
    backends : tuple of BackendCompatibility
        One for each reader; iterating goes through them, and ``report["norse"]`` is
        that of norse.
    dt : float
        Duration of a step in seconds.
    resistance : str
        As of `to_nir`.

    Attributes
    ----------
    exact : list of str
        Names of those that make the same spikes.

    See Also
    --------
    nir_compatibility : Makes one of a network.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_snn import SpikingClassifier
    >>> from sklearn_snn.nir import nir_compatibility
    >>> X, y = load_iris(return_X_y=True)
    >>> model = SpikingClassifier((5,), alpha=0.0, reset="zero", random_state=0)
    >>> report = nir_compatibility(model.fit(X, y))
    >>> print(report)
    NIRCompatibility, dt=0.0001, resistance='auto'
      snnTorch     exact  snntorch.import_nir.import_from_nir(graph): float32; pass
                          the state from step to step, and import anew for each batch
      SpikingJelly -      tau must be more than dt, and alpha=0 makes it dt
    ...
    >>> report["spikingjelly"].exact
    False
    """

    backends: tuple
    dt: float
    resistance: str

    @property
    def exact(self):
        """Names of the backends that make the same spikes."""
        return [backend.name for backend in self.backends if backend.exact]

    def __getitem__(self, name):
        """Return that of a backend; capital letters do not matter."""
        for backend in self.backends:
            if backend.name.lower() == str(name).lower():
                return backend
        names = [backend.name for backend in self.backends]
        raise KeyError(f"{name!r} is none of {names}.")

    def __iter__(self):
        return iter(self.backends)

    def __len__(self):
        return len(self.backends)

    def __repr__(self):
        lines = [f"NIRCompatibility, dt={self.dt}, resistance={self.resistance!r}"]
        if len(reasons := {backend.reason for backend in self.backends}) == 1:
            # There is no graph to read.
            return "\n".join([*lines, *_indented("  none is exact: ", *reasons)])
        for backend in self.backends:
            said = (
                f"{backend.call}: {backend.reason}" if backend.call else backend.reason
            )
            said += "" if backend.tested else " (not run)"
            head = f"  {backend.name:<13}{'exact' if backend.exact else '-':<7}"
            lines += _indented(head, said)
        return "\n".join(lines)


def _indented(head, text):
    """Return a text as lines that begin below the end of a head."""
    return textwrap.wrap(
        text, _WIDTH, initial_indent=head, subsequent_indent=" " * len(head)
    )


@validate_params(EXPORT_CONSTRAINTS, prefer_skip_nested_validation=True)
def nir_compatibility(estimator, *, dt=DT, resistance="auto"):
    """Tell which simulators make the same spikes of a network that `to_nir` writes.

    Parameters
    ----------
    estimator : fitted SpikingClassifier, SpikingRegressor, Pipeline or search
        As of `to_nir`, but any network: of one that NIR has no words for, that is what
        is said, once, as it holds for all of them.
    dt : float, default=1e-4
        As of `to_nir`.
    resistance : {"auto", "one", "tau/dt"}, default="auto"
        As of `to_nir`.

    Returns
    -------
    compatibility : NIRCompatibility
        With a BackendCompatibility for each of snnTorch, SpikingJelly and norse, which
        tests run, and Rockpool, spyx, Nengo, sinabs and Lava, of which it is what their
        code, or the examples of NIR, say. It prints as a table.

    Raises
    ------
    TypeError
        If there is no spiking network at the end of `estimator`, or a quantised one:
        give what `to_estimator` of it returns.

    See Also
    --------
    to_nir : Writes the graph.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_snn import SpikingClassifier
    >>> from sklearn_snn.nir import nir_compatibility
    >>> X, y = load_iris(return_X_y=True)
    >>> model = SpikingClassifier((10,), reset="zero", random_state=0).fit(X, y)
    >>> report = nir_compatibility(model)
    >>> report.exact
    ['snnTorch', 'SpikingJelly', 'norse']
    >>> report["norse"].call
    'norse.torch.from_nir(graph, dt=0.0001)'
    >>> nir_compatibility(model, resistance="tau/dt")["norse"].reason
    'it takes r for 1 where it is tau / dt'
    """
    model = unquantized_model(estimator)
    try:
        layers, refusal = layers_of(model, dt, resistance), None
    except ValueError as error:
        layers, refusal = [], str(error)
    backends = []
    for name, why_not, numbers, call in _TESTED:
        reason = refusal or why_not(layers, dt)
        said, how = (reason, "") if reason else (numbers, call.format(dt=dt))
        backends.append(BackendCompatibility(name, not reason, said, how, True))
    backends += [
        BackendCompatibility(name, False, refusal or reason, "", False)
        for name, reason in _DOCUMENTED.items()
    ]
    return NIRCompatibility(tuple(backends), float(dt), resistance)


def _of_kind(layers, kind):
    return [layer.fields for layer in layers if layer.kind == kind]


def _is_one(values, other=1.0):
    """Tell whether numbers are others, up to rounding."""
    return bool(np.allclose(values, other, rtol=1e-6, atol=0))


def _differ(layers, *names):
    """Return the first of some fields that differs within a layer, or None."""
    for layer in layers:
        for name in names:
            values = layer.fields.get(name)
            if values is not None and not (values == values[0]).all():
                return name
    return None


def _snntorch(layers, dt):
    """Return why snnTorch does not make the same spikes, or None."""
    if not _is_one(dt, DT):
        return f"its dt is {DT} always"
    if _of_kind(layers, "LI"):
        return "it does not know nir.LI: refit with readout='spike_count'"
    for fields in _of_kind(layers, "LIF"):
        gain = fields["r"] * dt / fields["tau"]
        if not _is_one(gain, gain[0]):
            return (
                "it takes the gain r dt / tau of a layer's first neuron for all: write "
                "resistance='tau/dt'"
            )
    for fields in _of_kind(layers, "CubaLIF"):
        if not _is_one(fields["r"], fields["tau_mem"] / dt):
            return "in nir.CubaLIF r must be tau_mem / dt: write resistance='tau/dt'"
    return None


def _spikingjelly(layers, dt):
    """Return why SpikingJelly does not make the same spikes, or None."""
    if _of_kind(layers, "LI"):
        return "it does not know nir.LI: refit with readout='spike_count'"
    name = _differ(layers, "tau", "tau_mem", "tau_syn")
    if name is not None:
        return f"{name} must be the same for all neurons of a layer"
    for fields in _of_kind(layers, "LIF"):
        if (fields["tau"] <= dt).any():
            return "tau must be more than dt, and alpha=0 makes it dt"
    for fields in _of_kind(layers, "CubaLIF"):
        if not _is_one(fields["r"], fields["tau_mem"] / dt):
            return "in nir.CubaLIF r must be tau_mem / dt: write resistance='tau/dt'"
    return None


def _norse(layers, dt):
    """Return why norse does not make the same spikes, or None."""
    if _of_kind(layers, "LI"):
        return (
            "it leaves out nir.LI without a word, so that its outputs are currents: "
            "refit with readout='spike_count'"
        )
    if any(not _is_one(fields["r"]) for fields in _of_kind(layers, "LIF")):
        return "it takes r for 1 where it is tau / dt"
    return None


_STATE = "pass the state from step to step"
# Name, what tells why not, in which numbers it computes, and how it reads a graph.
_TESTED = (
    (
        "snnTorch",
        _snntorch,
        f"float32; {_STATE}, and import anew for each batch",
        "snntorch.import_nir.import_from_nir(graph)",
    ),
    (
        "SpikingJelly",
        _spikingjelly,
        f"float32 or float64, by dtype; at the threshold it fires, too; {_STATE}",
        "spikingjelly.activation_based.nir_exchange.import_from_nir(graph, dt={dt})",
    ),
    ("norse", _norse, f"float32; {_STATE}", "norse.torch.from_nir(graph, dt={dt})"),
)
_DOCUMENTED = {
    "Rockpool": (
        "its reader asks a nir.LIF for tau_mem, which it has not; its neurons take the "
        "threshold off, fire several times in a step, and leak exp(-dt / tau)"
    ),
    "spyx": (
        "its neurons take the threshold off, a step later, and it passes over r and "
        "what it does not know"
    ),
    "Nengo": (
        "the example of NIR fires at the rates that steady currents would lead to, "
        "with a threshold of 1; it passes over r"
    ),
    "sinabs": (
        "its neurons take the threshold off and leak exp(-1 / tau), tau in steps; it "
        "passes over r and nir.Linear"
    ),
    "Lava": (
        "the example of NIR has a nir.LIF of a single neuron, without a bias; that of "
        "lava-dl none, and states of whole numbers"
    ),
}
