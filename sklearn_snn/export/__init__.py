"""Networks as files that need neither this library nor Python."""

from sklearn_snn.export._c import export_c

__all__ = ["export_c"]
