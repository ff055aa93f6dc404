"""Networks as files that need neither this library nor Python."""

from sklearn_snn.export._c import export_c
from sklearn_snn.export._html import export_html

__all__ = ["export_c", "export_html"]
