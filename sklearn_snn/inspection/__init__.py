"""Pictures of spiking networks, in the style of scikit-learn's displays.

A display holds the data of a picture; `plot` draws it with matplotlib. The class
methods `from_estimator` do both, for a fitted `SpikingClassifier`, a pipeline that ends
in one, or a finished search over either.
"""

from sklearn_snn.inspection._anytime import AnytimeAccuracyDisplay
from sklearn_snn.inspection._contribution import ContributionDisplay
from sklearn_snn.inspection._encoding import EncodingDisplay
from sklearn_snn.inspection._membrane import MembraneDisplay
from sklearn_snn.inspection._raster import SpikeRasterDisplay
from sklearn_snn.inspection._training import TrainingDisplay
from sklearn_snn.inspection._weights import WeightDisplay

__all__ = [
    "AnytimeAccuracyDisplay",
    "ContributionDisplay",
    "EncodingDisplay",
    "MembraneDisplay",
    "SpikeRasterDisplay",
    "TrainingDisplay",
    "WeightDisplay",
]
