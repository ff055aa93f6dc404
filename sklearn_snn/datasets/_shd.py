"""The Spiking Heidelberg Digits: spoken digits as spikes, fetched and read by h5py."""

import hashlib
import os
import shutil
import tempfile
import urllib.request
import zipfile
from functools import partial
from importlib.util import find_spec
from numbers import Real
from pathlib import Path

import numpy as np
from sklearn.utils import Bunch

from sklearn_snn._compat import Interval, StrOptions, validate_params
from sklearn_snn._inputs.conversion import as_sequences
from sklearn_snn.datasets._home import found_home

_URL = "https://zenkelab.org/datasets/"
# Name of the file of each part, and the MD5 sum of what is downloaded, its ZIP archive.
_FILES = {
    "train": ("shd_train.h5", "f3252aeb598ac776c1b526422d90eecb"),
    "test": ("shd_test.h5", "1503a5064faa34311c398fb0a1ed0a6f"),
}
_N_UNITS = 700
_TIMEOUT = 60.0  # seconds without an answer
# What h5py raises for a file that is none, is cut short, or lacks something.
_UNREADABLE = OSError, KeyError, ValueError, TypeError, AttributeError, RuntimeError

_DESCR = """Spiking Heidelberg Digits: spoken digits, as spikes of the auditory nerve

Digits from 0 to 9, spoken in German and in English, through a model of the inner ear.

data : EventSequences of shape ({n}, {n_steps}, 700), in steps of {dt} s
target : ndarray of int64 of shape ({n},), index into target_names
speaker : ndarray of int64 of shape ({n},), who spoke
split : {split}
"""


@validate_params(
    {
        "data_home": [str, os.PathLike, None],
        "download": ["boolean"],
        "split": [StrOptions({"train", "test"}), None],
        "dt": [Interval(Real, 0, None, closed="neither")],
        "counts": ["boolean"],
        "return_X_y": ["boolean"],
    },
    prefer_skip_nested_validation=True,
)
def fetch_shd(
    *,
    data_home=None,
    download=True,
    split=None,
    dt=0.01,
    counts=False,
    return_X_y=False,
):
    """Load the Spiking Heidelberg Digits, downloading them if necessary.

    Digits from 0 to 9, spoken in German and in English by twelve speakers, as the
    spikes of 700 channels of a model of the inner ear [1]_: 8,156 recordings of up to
    about 1.4 seconds for training, and 2,264 for tests, among them all those of two
    speakers who are not heard in training.

    Parameters
    ----------
    data_home : str or path-like, default=None
        Folder of the data, in which there is a folder ``SHD``. None means the folder
        that the environment variable ``SKLEARN_SNN_DATA`` names, else ``sklearn_snn``
        under `sklearn.datasets.get_data_home`.
    download : bool, default=True
        Whether to download what is not there.
    split : {"train", "test"} or None, default=None
        Which part; None gives both, train first.
    dt : float, default=0.01
        Width of a step in seconds, positive. Times that are stored as half floats are
        known to half a millisecond: steps below 1 ms say nothing more.
    counts : bool, default=False
        Whether several spikes of a channel in one step count as so many, or as one.
    return_X_y : bool, default=False
        Whether to return ``(data, target)`` instead of a Bunch.

    Returns
    -------
    data : Bunch
        With the attributes

        - data : EventSequences of shape (n_samples, n_steps, 700); each recording ends
          with the step of its last spike
        - target : ndarray of int64 of shape (n_samples,)
        - speaker : ndarray of int64 of shape (n_samples,)
        - target_names : list of str, one per class
        - DESCR : str
    (data, target) : tuple
        If ``return_X_y=True``.

    Raises
    ------
    ImportError
        If h5py is not installed.
    OSError
        If the set is not there and cannot be, or may not be, downloaded, or if a file
        of it is damaged, which is then named.
    ValueError
        If `dt` is so wide, with `counts`, that more than 255 spikes come together.

    See Also
    --------
    sklearn_snn.as_sequences : Other spike times, in the same way.

    Notes
    -----
    The files are those that are published, unzipped: ``SHD/shd_train.h5`` and
    ``SHD/shd_test.h5``. An archive that was downloaded is compared with its MD5 sum.

    References
    ----------
    .. [1] Benjamin Cramer, Yannik Stradmann, Johannes Schemmel and Friedemann Zenke,
           "The Heidelberg Spiking Data Sets for the Systematic Evaluation of Spiking
           Neural Networks", IEEE Transactions on Neural Networks and Learning Systems
           33, 2022.

    Examples
    --------
    >>> from sklearn_snn.datasets import fetch_shd
    >>> digits = fetch_shd(split="test")  # doctest: +SKIP
    >>> len(digits.data), digits.target_names[0]  # doctest: +SKIP
    (2264, 'zero')
    """
    if find_spec("h5py") is None:
        raise ImportError(
            "fetch_shd needs h5py, which is not installed: "
            "pip install 'sklearn-snn[shd]'"
        )
    folder = found_home(data_home) / "SHD"
    paths = [
        _provided(folder, part, download)
        for part in (["train", "test"] if split is None else [split])
    ]
    parts = [_read_whole(path) for path in paths]
    recordings = [pair for part in parts for pair in part["recordings"]]
    data = as_sequences(
        recordings, layout="spike_times", dt=dt, n_units=_N_UNITS, counts=counts
    )
    target = np.concatenate([part["target"] for part in parts])
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        target=target,
        speaker=np.concatenate([part["speaker"] for part in parts]),
        target_names=parts[0]["target_names"],
        DESCR=_DESCR.format(
            n=len(data),
            n_steps=data.shape[1],
            dt=dt,
            split=split or "train, then test",
        ),
    )


def _provided(folder, part, download):
    """Return the path of a file that is there, downloaded if it may be."""
    name, md5 = _FILES[part]
    path = folder / name
    if path.is_file():
        return path
    if download:
        try:
            _download(path, md5)
        except (OSError, zipfile.BadZipFile, KeyError) as error:
            raise OSError(f"{_how_to_provide(folder)}\n({error})") from error
        return path
    raise OSError(_how_to_provide(folder))


def _download(path, md5):
    """Download the archive of a file, and unzip it; the file is whole or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    url = f"{_URL}{path.name}.zip"
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        archive, unzipped = Path(scratch) / "archive.zip", Path(scratch) / path.name
        with (
            urllib.request.urlopen(url, timeout=_TIMEOUT) as source,
            archive.open("wb") as file,
        ):
            shutil.copyfileobj(source, file)
        with archive.open("rb") as file:
            new = partial(hashlib.md5, usedforsecurity=False)
            found = hashlib.file_digest(file, new).hexdigest()
        if found != md5:
            raise OSError(f"{url} has the MD5 sum {found}, and should have {md5}.")
        with zipfile.ZipFile(archive) as files:
            files.extract(path.name, scratch)
        unzipped.replace(path)


def _read_whole(path):
    """Read a file, as `_read` does; raise OSError if it is damaged."""
    try:
        return _read(path)
    except PermissionError:
        raise
    except _UNREADABLE as error:
        reason = error.args[0] if isinstance(error, KeyError) else error
        raise OSError(
            f"{path} is damaged: {reason}. Delete it, to have it downloaded again, or "
            "put a whole one in its place."
        ) from error


def _read(path):
    """Read a file; return a dict of its recordings, target, speaker, target_names.

    What does not belong together is a ValueError, which says what it is.
    """
    import h5py

    with h5py.File(path, "r") as file:
        times, units = file["spikes/times"][:], file["spikes/units"][:]
        target, speaker = file["labels"][:], file["extra/speaker"][:]
        names = [name.decode() for name in file["extra/keys"][:].tolist()]
    numbers = len(times), len(units), len(target), len(speaker)
    if len(set(numbers)) > 1 or not numbers[0]:
        raise ValueError(
            "it has {} arrays of times, {} of units, {} labels and {} speakers".format(
                *numbers
            )
        )
    for i, (of_times, of_units) in enumerate(zip(times, units, strict=True)):
        if len(of_times) != len(of_units) or not len(of_times):
            raise ValueError(
                f"recording {i} has {len(of_times)} times and {len(of_units)} units"
            )
        if not (np.isfinite(of_times) & (of_times >= 0)).all():
            raise ValueError(f"recording {i} has a time that is negative, or NaN")
        if of_units.min() < 0 or of_units.max() >= _N_UNITS:
            raise ValueError(f"recording {i} has units that are none of {_N_UNITS}")
    target = target.astype(np.int64)
    if target.min() < 0 or target.max() >= len(names):
        raise ValueError(
            f"it has labels from {target.min()} to {target.max()}, and {len(names)} "
            "classes"
        )
    return {
        "recordings": list(zip(times, units, strict=True)),
        "target": target,
        "speaker": speaker.astype(np.int64),
        "target_names": names,
    }


def _how_to_provide(folder):
    """Return a message that says which files to put where."""
    names = [name for name, _ in _FILES.values()]
    zipped = [
        f"{name}{end}"
        for name in names
        for end in (".gz", ".zip")
        if (folder / f"{name}{end}").exists()
    ]
    hint = f" ({', '.join(zipped)} is there)" if zipped else ""
    return (
        "The Spiking Heidelberg Digits were not found and not downloaded. Either allow "
        "download=True with a network, or put these files, which are published at "
        f"{_URL}, unzipped{hint}, into {folder}:\n"
        + "\n".join(f"  {name}" for name in names)
    )
