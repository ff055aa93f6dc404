"""Transformers that come before a network: encoders, and the past of signals.

Models that were saved by earlier versions look for `PoissonSpikeEncoder` here.
"""

from sklearn_snn._encoders.delay_line import DelayLine
from sklearn_snn._encoders.delta import DeltaSpikeEncoder
from sklearn_snn._encoders.latency import LatencySpikeEncoder
from sklearn_snn._encoders.poisson import PoissonSpikeEncoder
from sklearn_snn._encoders.population import PopulationSpikeEncoder

__all__ = [
    "DelayLine",
    "DeltaSpikeEncoder",
    "LatencySpikeEncoder",
    "PoissonSpikeEncoder",
    "PopulationSpikeEncoder",
]
