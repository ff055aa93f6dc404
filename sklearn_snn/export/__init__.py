"""Fitted networks in other forms, which run without this library and without Python."""

from sklearn_snn.export._html import export_html

__all__ = ["export_html"]
