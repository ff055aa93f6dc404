"""What a trained network costs: operations, memory and energy; and searches for less.

`operation_report` counts by the definitions of NeuroBench (Yik et al., "The neurobench
framework for benchmarking neuromorphic computing algorithms and systems", Nature
Communications 16, 2025), for spiking networks and for scikit-learn's MLPs beside them.
"""

from sklearn_snn.metrics._display import AccuracyOperationsDisplay
from sklearn_snn.metrics._energy import EnergyConstants, EnergyEstimate, energy
from sklearn_snn.metrics._operations import operation_report
from sklearn_snn.metrics._report import LayerOperations, OperationReport
from sklearn_snn.metrics._search import (
    cheapest_within,
    neg_energy_scorer,
    neg_synaptic_operations_scorer,
)

__all__ = [
    "AccuracyOperationsDisplay",
    "EnergyConstants",
    "EnergyEstimate",
    "LayerOperations",
    "OperationReport",
    "cheapest_within",
    "energy",
    "neg_energy_scorer",
    "neg_synaptic_operations_scorer",
    "operation_report",
]
