"""Image sets of the MNIST family, fetched and read by torchvision."""

import concurrent.futures.thread  # noqa: F401 (torch wants it where it is too late)
import math
import multiprocessing
import os
import struct
import threading
from concurrent.futures import BrokenExecutor
from importlib.util import find_spec

import numpy as np
from sklearn.utils import Bunch

from sklearn_snn._compat import ProcessPoolExecutor, StrOptions, validate_params
from sklearn_snn.datasets._home import found_home

# What torchvision raises for files that are not there, or not what their names say.
_UNREADABLE = (
    *(AssertionError, ValueError, IndexError, KeyError, TypeError),
    *(OSError, RuntimeError),
)

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
# How many images there are in each part; of EMNIST four times as many.
_N_IMAGES = 60_000, 10_000
_IMAGE_SHAPE = 28, 28
# Ends of the names of an image and a label file, and the sizes of an entry of each.
_KINDS = {"images-idx3-ubyte": _IMAGE_SHAPE, "labels-idx1-ubyte": ()}

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
        If the set is not there and cannot be, or may not be, downloaded, or if a file
        of it is damaged, which is then named.

    Notes
    -----
    torchvision runs in a process of its own that ends with the call: it would keep some
    600 MB of the memory of the process that trains. Only where there must not be
    another one, as in a worker of `multiprocessing.Pool` or Dask, or in a thread that
    outlives the main one, it runs in the process that calls.

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
    root = found_home(data_home)
    folder = root / _SETS[name][0] / "raw"
    try:
        parts, target_names = _read_apart(name, root, download, split)
    except BrokenExecutor as error:
        raise OSError(
            f"The process that read {name} ended before it was done: there may be too "
            "little memory."
        ) from error
    except _UNREADABLE as error:
        raise OSError(_what_is_wrong(name, folder, split, error)) from error
    for images, target in parts:
        if images.shape != (len(target), *_IMAGE_SHAPE) or target.max() > 9:
            raise OSError(
                f"A file of {name} in {folder} is damaged: the images are of shape "
                f"{images.shape}, and there are {len(target)} labels up to "
                f"{target.max()}."
            )
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


def _read_apart(name, root, download, split):
    """Read in a process of its own, if there may be one; see `_read`."""
    is_daemon = multiprocessing.current_process().daemon  # which may have no children
    # Once the main thread has ended, Python lets nobody wait for a process.
    if is_daemon or not threading.main_thread().is_alive():
        return _read(name, root, download, split)
    with ProcessPoolExecutor(max_workers=1) as torch_process:
        return torch_process.submit(_read, name, root, download, split).result()


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


def _what_is_wrong(name, folder, split, error):
    """Return a message for a set that torchvision could not read."""
    files = _files(name, folder, split)
    for path, n_images in files.items():
        if path.is_file() and (damage := _damage(path, n_images)):
            return (
                f"{path} is damaged: {damage}. Delete it, to have it downloaded again, "
                "or put a whole one in its place."
            )
    if name != "EMNIST-digits":  # torchvision wants both parts of it to be there
        files = _files(name, folder, None)
    if all(path.is_file() for path in files):
        return f"{name} in {folder} cannot be read: {error}"
    return _how_to_provide(name, folder)


def _files(name, folder, split):
    """Return the files that are read, and the number of images that belongs to each."""
    factor = 4 if name == "EMNIST-digits" else 1
    parts = zip(("train", "test"), _SETS[name][1:3], _N_IMAGES, strict=True)
    return {
        folder / f"{prefix}-{kind}": factor * n_images
        for part, prefix, n_images in parts
        for kind in _KINDS
        if split in (part, None)
    }


def _damage(path, n_images):
    """Say what is wrong with a file, or return None.

    Its size is that which the header speaks of, if there is one.
    """
    entry = next(shape for kind, shape in _KINDS.items() if path.name.endswith(kind))
    header = struct.Struct(f">HBB{1 + len(entry)}I")
    with path.open("rb") as file:
        start = file.read(header.size)
    has_header = False
    if len(start) == header.size:
        zero, dtype, n_axes, n, *shape = header.unpack(start)
        has_header = (zero, dtype, n_axes, *shape) == (0, 8, 1 + len(entry), *entry)
    expected = header.size + (n if has_header else n_images) * math.prod(entry)
    size = path.stat().st_size
    if size != expected:
        return f"it has {size:,} bytes and should have {expected:,}"
    return None if has_header else "it does not begin as such a file does"


def _how_to_provide(name, folder):
    """Return a message that says which files to put where."""
    files = _files(name, folder, None)
    zipped = [path.name for path in files if path.with_name(f"{path.name}.gz").exists()]
    hint = " (those that end in .gz are there: unzip them)" if zipped else ""
    return (
        f"{name} was not found and not downloaded. Either allow download=True with a "
        f"network, or put these files, unzipped{hint}, into {folder}:\n"
        + "\n".join(f"  {path.name}" for path in files)
    )
