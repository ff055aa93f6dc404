"""Exchange with other simulators: networks as graphs of NIR, and back.

The Neuromorphic Intermediate Representation [1]_ describes spiking networks by the
equations of their parts, for simulators and chips to read. `to_nir` writes a fitted
network as such a graph, `from_nir` makes a fitted estimator of a graph, and
`nir_compatibility` tells which readers will make the same spikes of it, and why others
will not. What is sent is the network: an encoder before it stays here, and what another
simulator is fed is the spikes that it makes.

Graphs need the library nir: ``pip install 'sklearn-snn[nir]'``.

References
----------
.. [1] J. E. Pedersen et al., "Neuromorphic intermediate representation: a unified
   instruction set for interoperable brain-inspired computing", Nature Communications
   15, 2024.
"""

from sklearn_snn.nir._compatibility import (
    BackendCompatibility,
    NIRCompatibility,
    nir_compatibility,
)
from sklearn_snn.nir._export import to_nir
from sklearn_snn.nir._import import from_nir

__all__ = [
    "BackendCompatibility",
    "NIRCompatibility",
    "from_nir",
    "nir_compatibility",
    "to_nir",
]
