"""Spiking neural networks that drop into scikit-learn."""

from sklearn_snn._channels import ChannelTransformer
from sklearn_snn._classifier import SpikingClassifier
from sklearn_snn._encoders import (
    DelayLine,
    DeltaSpikeEncoder,
    LatencySpikeEncoder,
    PoissonSpikeEncoder,
    PopulationSpikeEncoder,
)
from sklearn_snn._inputs.conversion import as_sequences
from sklearn_snn._inputs.event_sequences import EventSequences
from sklearn_snn._inputs.sequences import Sequences
from sklearn_snn._inputs.spike_trains import SpikeTrains
from sklearn_snn._persistence import load_model
from sklearn_snn._regressor import SpikingRegressor
from sklearn_snn._simulation import SimulationRecord
from sklearn_snn._version import __version__

__all__ = [
    "ChannelTransformer",
    "DelayLine",
    "DeltaSpikeEncoder",
    "EventSequences",
    "LatencySpikeEncoder",
    "PoissonSpikeEncoder",
    "PopulationSpikeEncoder",
    "Sequences",
    "SimulationRecord",
    "SpikeTrains",
    "SpikingClassifier",
    "SpikingRegressor",
    "__version__",
    "as_sequences",
    "load_model",
]
