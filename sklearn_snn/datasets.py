"""Image sets of the MNIST family, fetched and read by torchvision."""

import os
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from sklearn.datasets import get_data_home
from sklearn.utils import Bunch

from sklearn_snn._compat import ProcessPoolExecutor, StrOptions, validate_params

__all__ = ["fetch_mnist"]

# What torchvision raises for a file that is not what its name says.
_DAMAGED = (AssertionError, ValueError, IndexError, KeyError)

# Folder, prefix of the file names for train and test, and what the set shows.
_SETS = {
    "MNIST": ("MNIST", "train", "t10k", "handwritten digits"),
    "FashionMNIST": ("FashionMNIST", "train", "t10k", "articles of clothing"),
    "KMNIST": ("KMNIST", "train", "t10k", "cursive Japanese characters"),
    "EMNIST-digits": (
        "EMNIST",
        "emnist-digits-train",
        "emnist-digits-test",
        "handwritten digits of the NIST collection",
    ),
}

_DESCR = """{name}: {content}

Grey-scale images of 28 x 28 pixels in 10 classes, as torchvision reads them.

data : ndarray of uint8 of shape ({n}, 784), intensities from 0 to 255
images : the same of shape ({n}, 28, 28)
target : ndarray of int64 of shape ({n},), index into target_names
split : {split}
"""


@validate_params(
    {
        "name": [StrOptions(set(_SETS))],
        "data_home": [str, os.PathLike, None],
        "download": ["boolean"],
        "split": [StrOptions({"train", "test"}), None],
        "return_X_y": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def fetch_mnist(
    name="MNIST", *, data_home=None, download=True, split=None, return_X_y=False
):
    """Load a set of the MNIST family, downloading it if necessary.

    =============== ======== ========= ====================================
    name            train    test      content
    =============== ======== ========= ====================================
    MNIST           60,000   10,000    handwritten digits
    FashionMNIST    60,000   10,000    articles of clothing
    KMNIST          60,000   10,000    cursive Japanese characters
    EMNIST-digits   240,000  40,000    handwritten digits
    =============== ======== ========= ====================================

    Parameters
    ----------
    name : {"MNIST", "FashionMNIST", "KMNIST", "EMNIST-digits"}, default="MNIST"
        Which set.
    data_home : str or path-like, default=None
        Folder of the data, in the layout of torchvision. None means the folder that the
        environment variable ``SKLEARN_SNN_DATA`` names, else ``sklearn_snn`` under
        `sklearn.datasets.get_data_home`.
    download : bool, default=True
        Whether to download what is not there.
    split : {"train", "test"} or None, default=None
        Which part; None gives both, train first.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` instead of a Bunch.

    Returns
    -------
    data : Bunch
        With the attributes

        - data : ndarray of uint8 of shape (n_samples, 784)
        - target : ndarray of int64 of shape (n_samples,)
        - images : ndarray of uint8 of shape (n_samples, 28, 28)
        - target_names : list of str, one per class
        - DESCR : str
    (data, target) : tuple
        If ``return_X_y=True``.

    Raises
    ------
    ImportError
        If torchvision is not installed.
    OSError
        If the set is not there and cannot be, or may not be, downloaded.

    Notes
    -----
    torchvision runs in a process of its own that ends with the call: it would keep some
    600 MB of the memory of the process that trains.

    Examples
    --------
    >>> from sklearn_snn.datasets import fetch_mnist
    >>> mnist = fetch_mnist(split="test")
    >>> mnist.data.shape
    (10000, 784)
    """
    if find_spec("torchvision") is None:
        raise ImportError(
            "fetch_mnist needs torchvision, which is not installed: "
            "pip install 'sklearn-snn[datasets]'"
        )
    root = _data_home(data_home)
    folder = root / _SETS[name][0] / "raw"
    with ProcessPoolExecutor(max_workers=1) as torch_process:
        reading = torch_process.submit(_read, name, root, download, split)
        try:
            parts, target_names = reading.result()
        except _DAMAGED as error:
            raise OSError(f"A file of {name} in {folder} is damaged.") from error
        except (OSError, RuntimeError) as error:
            raise OSError(_how_to_provide(name, folder)) from error
    images = np.concatenate([images for images, _ in parts])
    target = np.concatenate([target for _, target in parts])
    if name.startswith("EMNIST"):
        images = images.transpose(0, 2, 1)  # stored column by column
    images = np.ascontiguousarray(images)
    data = images.reshape(len(images), -1)
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        target=target,
        images=images,
        target_names=target_names,
        DESCR=_DESCR.format(
            name=name,
            content=_SETS[name][3],
            n=len(data),
            split=split or "train, then test",
        ),
    )


def _data_home(data_home):
    """Return the folder in which torchvision keeps its sets."""
    if data_home is None:
        data_home = os.environ.get("SKLEARN_SNN_DATA")
    if data_home is None:
        data_home = Path(get_data_home()) / "sklearn_snn"
    return Path(data_home).expanduser().absolute()


def _read(name, root, download, split):
    """Read ``[(images, target), ...]`` and the names of the classes."""
    from torchvision import datasets

    kwargs = {"root": root, "download": download}
    if name == "EMNIST-digits":
        name, kwargs["split"] = "EMNIST", "digits"
    parts = [
        getattr(datasets, name)(train=part == "train", **kwargs)
        for part in (["train", "test"] if split is None else [split])
    ]
    arrays = [(part.data.numpy(), part.targets.numpy()) for part in parts]
    return arrays, list(map(str, parts[0].classes))


def _how_to_provide(name, folder):
    """Return a message that says which files to put where."""
    files = [
        f"  {prefix}-{kind}-ubyte"
        for prefix in _SETS[name][1:3]
        for kind in ("images-idx3", "labels-idx1")
    ]
    return (
        f"{name} was not found and not downloaded. Either allow download=True with a "
        f"network, or put these files, unzipped, into {folder}:\n" + "\n".join(files)
    )
