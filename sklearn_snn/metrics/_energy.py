"""energy: what the operations of a report take, by constants that can be replaced."""

from dataclasses import dataclass, fields
from numbers import Real

import numpy as np

from sklearn_snn._compat import InvalidParameterError
from sklearn_snn.metrics._report import OperationReport, as_table, number_of

# What an estimate leaves out where a constant is 0.
_PARTS = {
    "membrane_update": "updates of membranes",
    "weight_access": "reading weights from memory",
    "step": "time steps (static power)",
}


@dataclass(frozen=True)
class EnergyConstants:
    """What operations take, in picojoules; the defaults are of arithmetic alone.

    They are those that most articles on spiking networks take: additions and
    multiplications of 32-bit floats in a process of 45 nm at 0.9 V, an addition 0.9 pJ
    and a multiplication 3.7 pJ, from Horowitz, "Computing's energy problem (and what we
    can do about it)", ISSCC 2014. So are these, of the same table: whole numbers of 32
    bits 0.1 and 3.1 pJ, of 8 bits 0.03 and 0.2 pJ; a 64-bit read of a memory of 8 KB
    10 pJ, of 1 MB 100 pJ, and of DRAM 1,300 to 2,600 pJ. What your hardware takes, its
    data sheet or a measurement says.

    Parameters
    ----------
    accumulate : float, default=0.9
        An addition to a sum: a synaptic operation on a spike.
    multiply_accumulate : float, default=4.6
        A multiplication and an addition: one on a graded value.
    membrane_update : float, default=0.0
        An update of a membrane: leak, threshold and reset. A multiplication and an
        addition are the least.
    weight_access : float, default=0.0
        Reading a weight, once per effective synaptic operation.
    step : float, default=0.0
        A time step of the whole network, whatever happens in it: its duration times
        the static power.

    Raises
    ------
    ValueError, TypeError
        If a constant is no number, negative, or not finite.

    See Also
    --------
    energy : Applies them.

    Examples
    --------
    Whole numbers of 8 bits, weights in a small memory, and updates that are not free:

    >>> from sklearn_snn.metrics import EnergyConstants
    >>> EnergyConstants(
    ...     accumulate=0.03, multiply_accumulate=0.23, membrane_update=0.23,
    ...     weight_access=1.25,
    ... ).accumulate
    0.03
    """

    accumulate: float = 0.9
    multiply_accumulate: float = 4.6
    membrane_update: float = 0.0
    weight_access: float = 0.0
    step: float = 0.0

    def __post_init__(self):
        for field in fields(self):
            value = getattr(self, field.name)
            is_number = isinstance(value, Real) and not isinstance(value, bool)
            if not is_number or not 0 <= value < np.inf:
                raise InvalidParameterError(
                    f"The {field.name!r} parameter of EnergyConstants must be a number "
                    f"of picojoules in the range [0, inf). Got {value!r} instead."
                )


@dataclass(frozen=True, repr=False)
class EnergyEstimate:
    """Energy that a network takes for a sample, in picojoules, by what takes it.

    As text it is a table, with what the constants leave out.

    Parameters
    ----------
    input_operations : float
        Arithmetic of the synaptic operations on the input of the network.
    other_operations : float
        Arithmetic of all other synaptic operations.
    membrane_updates : float
        Updates of membranes.
    weight_accesses : float
        Reading the weights.
    steps : float
        What each time step takes, whatever happens.
    constants : EnergyConstants
        What it was computed with.
    has_membranes : bool, default=True
        Whether there are any: an MLP has none.

    Attributes
    ----------
    total : float
        All of it.
    not_counted : list of str
        What the constants leave out.

    See Also
    --------
    energy : Makes an estimate.

    Examples
    --------
    >>> from sklearn_snn.metrics import EnergyConstants, EnergyEstimate
    >>> estimate = EnergyEstimate(72.0, 18.0, 0.0, 0.0, 0.0, EnergyConstants())
    >>> estimate.total
    90.0
    >>> estimate.not_counted[0]
    'updates of membranes'
    """

    input_operations: float
    other_operations: float
    membrane_updates: float
    weight_accesses: float
    steps: float
    constants: EnergyConstants
    has_membranes: bool = True

    @property
    def total(self):
        """All of it."""
        arithmetic = self.input_operations + self.other_operations
        return arithmetic + self.membrane_updates + self.weight_accesses + self.steps

    @property
    def not_counted(self):
        """What the constants leave out, as a list of str."""
        missing = [
            text for name, text in _PARTS.items() if not getattr(self.constants, name)
        ]
        if not self.has_membranes:
            missing = [text for text in missing if text != _PARTS["membrane_update"]]
        return [*missing, "encoding, moving spikes and reading the answer out"]

    def __repr__(self):
        missing = self.not_counted
        parts = {
            "operations on the input": self.input_operations,
            "other synaptic operations": self.other_operations,
            _PARTS["membrane_update"]: self.membrane_updates,
            _PARTS["weight_access"]: self.weight_accesses,
            _PARTS["step"]: self.steps,
            "all that is counted" if len(missing) > 1 else "all": self.total,
        }
        rows = [
            (name, "", "not counted" if name in missing else number_of(value))
            for name, value in parts.items()
        ]
        return (
            "EnergyEstimate: picojoules per sample\n"
            f"{as_table(rows)}\n"
            f"Not counted: {'; '.join(missing)}."
        )


def energy(report, constants=None):
    """Estimate the energy that a network takes for a sample.

    It is the sum of

    - ``accumulate`` for each effective AC, and ``multiply_accumulate`` for each MAC;
    - ``membrane_update`` for each update of a membrane;
    - ``weight_access`` for each effective synaptic operation; and
    - ``step`` for each time step.

    The last three are 0 unless you say otherwise, as in most articles: then it is
    arithmetic alone, good for comparing networks of one kind. Take care with more:

    - Reading a weight takes more than adding it, from memories of all sizes.
    - Every neuron is updated at every step, silent ones too, and the static power of
      a chip flows as long as it computes: both grow with the number of steps, which an
      MLP does not have.
    - With rate coding most operations are on the input. Fewer steps, fewer spikes of
      the encoder and fewer neurons in the first layer save the most.
    - Whole numbers take less than floats, of which the default constants are: for
      quantised networks `EnergyConstants` has others.
    - What encodes the input, what moves spikes from core to core, and what reads the
      answer out is not counted.

    Parameters
    ----------
    report : OperationReport
        Of `operation_report`.
    constants : EnergyConstants, default=None
        What operations take; None takes the defaults.

    Returns
    -------
    estimate : EnergyEstimate
        In picojoules per sample.

    Raises
    ------
    TypeError
        If `report` or `constants` is something else.

    See Also
    --------
    operation_report : Makes a report.
    neg_energy_scorer : The same as a score for searches.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_snn import SpikingClassifier
    >>> from sklearn_snn.metrics import EnergyConstants, energy, operation_report
    >>> X, y = load_iris(return_X_y=True)
    >>> model = SpikingClassifier((20,), n_steps=10, random_state=0).fit(X, y)
    >>> report = operation_report(model, X)
    >>> energy(report).input_operations  # of 4 numbers to 20 neurons, once
    368.0
    >>> whole = EnergyConstants(membrane_update=4.6, weight_access=5.0)
    >>> bool(energy(report, whole).total > 3 * energy(report).total)
    True
    """
    constants = EnergyConstants() if constants is None else constants
    for name, value, kind in (
        ("report", report, OperationReport),
        ("constants", constants, EnergyConstants),
    ):
        if not isinstance(value, kind):
            raise TypeError(
                f"{name} must be an {kind.__name__}, got {type(value).__name__}."
            )
    first = report.layers[0]
    on_input = _arithmetic(constants, first.effective_acs, first.effective_macs)
    in_all = _arithmetic(constants, report.effective_acs, report.effective_macs)
    return EnergyEstimate(
        on_input,
        in_all - on_input,
        constants.membrane_update * report.membrane_updates,
        constants.weight_access * report.synaptic_operations,
        constants.step * report.n_steps,
        constants,
        has_membranes=report.membrane_updates > 0,
    )


def _arithmetic(constants, acs, macs):
    return constants.accumulate * acs + constants.multiply_accumulate * macs
