"""Public sets of images and of spikes, fetched and read."""

from sklearn_snn.datasets._mnist import fetch_mnist
from sklearn_snn.datasets._shd import fetch_shd

__all__ = ["fetch_mnist", "fetch_shd"]
