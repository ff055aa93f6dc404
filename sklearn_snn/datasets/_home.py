"""The folder in which sets are kept."""

import os
from pathlib import Path

from sklearn.datasets import get_data_home


def found_home(data_home):
    """Return the folder that a user means, absolute.

    Parameters
    ----------
    data_home : str, path-like or None
        None is what ``SKLEARN_SNN_DATA`` names, else a folder under scikit-learn's.

    Returns
    -------
    folder : Path
    """
    if data_home is None:
        data_home = os.environ.get("SKLEARN_SNN_DATA")
    if data_home is None:
        data_home = Path(get_data_home()) / "sklearn_snn"
    return Path(data_home).expanduser().absolute()
