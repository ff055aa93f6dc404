"""Quantised networks: integers in the place of numbers, as chips compute with."""

from sklearn_snn.quantization._classifier import QuantizedSpikingClassifier
from sklearn_snn.quantization._quantize import quantization_cost, quantize
from sklearn_snn.quantization._regressor import QuantizedSpikingRegressor

__all__ = [
    "QuantizedSpikingClassifier",
    "QuantizedSpikingRegressor",
    "quantization_cost",
    "quantize",
]
