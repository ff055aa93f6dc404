"""fetch_mnist: real files, the layouts of all four sets, and clear failures."""

import multiprocessing
import os
import shutil
import struct
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from sklearn.utils import Bunch

from sklearn_snn.datasets import _mnist, fetch_mnist
from sklearn_snn.datasets._home import found_home

pytestmark = pytest.mark.skipif(
    find_spec("torchvision") is None, reason="needs the extra datasets"
)
NAMES = ["MNIST", "FashionMNIST", "KMNIST", "EMNIST-digits"]


def write_idx(path, array):
    """Write an array in the format of the MNIST files."""
    header = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
    path.write_bytes(header + array.astype(np.uint8).tobytes())


@pytest.fixture
def data_home(tmp_path, rng):
    """Write tiny sets of every kind, as torchvision lays them out."""
    for name in NAMES:
        folder = tmp_path / name.split("-")[0] / "raw"
        folder.mkdir(parents=True)
        prefixes = ("train", "t10k")
        if name == "EMNIST-digits":
            prefixes = ("emnist-digits-train", "emnist-digits-test")
        for n, prefix in zip((30, 20), prefixes, strict=True):
            images = rng.integers(0, 256, (n, 28, 28))
            write_idx(folder / f"{prefix}-images-idx3-ubyte", images)
            write_idx(folder / f"{prefix}-labels-idx1-ubyte", np.arange(n) % 10)
    return tmp_path


@pytest.fixture(scope="module")
def fetch_in_daemon():
    """Return fetch_mnist as a process runs it that may have no children.

    It keeps torchvision, whose import is most of what a call takes.
    """
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        yield lambda *args, **kwargs: pool.apply(fetch_mnist, args, kwargs)


@pytest.mark.parametrize("name", NAMES)
def test_bunch(name, data_home, fetch_in_daemon):
    bunch = fetch_in_daemon(name, data_home=data_home, download=False)
    assert isinstance(bunch, Bunch)
    assert (bunch.data.shape, bunch.data.dtype) == ((50, 784), np.uint8)
    assert (bunch.images.shape, bunch.target.dtype) == ((50, 28, 28), np.int64)
    assert len(bunch.target_names) == 10
    assert name in bunch.DESCR
    np.testing.assert_array_equal(bunch.images.reshape(50, -1), bunch.data)
    np.testing.assert_array_equal(bunch.target, [*range(10)] * 5)
    stored = np.concatenate(
        [
            np.frombuffer(path.read_bytes(), np.uint8, offset=16).reshape(-1, 28, 28)
            for path in sorted(
                (data_home / name.split("-")[0] / "raw").glob("*images*"),
                key=lambda path: "train" not in path.name,
            )
        ]
    )
    if name == "EMNIST-digits":  # stored column by column
        stored = stored.transpose(0, 2, 1)
    np.testing.assert_array_equal(bunch.images, stored)


def test_splits_and_tuples(data_home, fetch_in_daemon):
    options = {"data_home": data_home, "return_X_y": True}
    both, target = fetch_in_daemon(**options)
    train, _ = fetch_in_daemon(split="train", **options)
    test, target_test = fetch_in_daemon(split="test", **options)
    np.testing.assert_array_equal(both, np.concatenate([train, test]))
    np.testing.assert_array_equal(target[30:], target_test)


def test_real_mnist(mnist):
    X_train, y_train, X_test, y_test = mnist
    assert X_train.shape == (60_000, 784)
    assert X_test.shape == (10_000, 784)
    assert np.bincount(y_test).tolist() == [
        *(980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009)
    ]
    assert X_train.mean() / 255 == pytest.approx(0.1307, abs=1e-4)
    assert y_train[:5].tolist() == [5, 0, 4, 1, 9]


def test_default_folder_is_under_sklearns(monkeypatch, tmp_path):
    monkeypatch.delenv("SKLEARN_SNN_DATA", raising=False)
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path))
    assert found_home(None) == tmp_path / "sklearn_snn"
    monkeypatch.setenv("SKLEARN_SNN_DATA", str(tmp_path / "elsewhere"))
    assert found_home(None) == tmp_path / "elsewhere"


@pytest.mark.parametrize("name", ["MNIST", "EMNIST-digits"])
def test_not_there(name, tmp_path, fetch_in_daemon):
    prefix = {"MNIST": "t10k", "EMNIST-digits": "emnist-digits-test"}[name]
    folder = tmp_path / name.split("-")[0] / "raw"
    with pytest.raises(OSError, match="put these files") as error:
        fetch_in_daemon(name, data_home=tmp_path, download=False)
    assert str(folder) in str(error.value)
    assert f"{prefix}-images-idx3-ubyte" in str(error.value)
    assert f"{prefix}-labels-idx1-ubyte" in str(error.value)


@pytest.mark.parametrize("name", ["MNIST", "EMNIST-digits"])
def test_doing_what_the_message_says_helps(name, data_home, tmp_path, fetch_in_daemon):
    target = tmp_path / "new"
    with pytest.raises(OSError, match="put these files") as error:
        fetch_in_daemon(name, data_home=target, download=False, split="test")
    where, *files = str(error.value).split("into ")[1].split("\n")
    Path(where.rstrip(":")).mkdir(parents=True, exist_ok=True)
    for file in files:
        source = data_home / name.split("-")[0] / "raw" / file.strip()
        shutil.copy(source, where.rstrip(":"))
    fetch_in_daemon(name, data_home=target, download=False, split="test")


def raw_file(data_home, name, kind):
    """Return the path of a file of the test part."""
    prefix = "emnist-digits-test" if name == "EMNIST-digits" else "t10k"
    return data_home / name.split("-")[0] / "raw" / f"{prefix}-{kind}-ubyte"


def test_a_daemonic_process_reads_itself(data_home, fetch_in_daemon):
    """As a worker of multiprocessing.Pool, and one of Dask, is."""
    here = fetch_mnist(data_home=data_home, download=False, return_X_y=True)
    there = fetch_in_daemon(data_home=data_home, download=False, return_X_y=True)
    for a, b in zip(here, there, strict=True):
        np.testing.assert_array_equal(a, b)


LATE = """
import sys, threading
from sklearn_snn.datasets import fetch_mnist

def late():
    threading.main_thread().join()
    images, _ = fetch_mnist(data_home=sys.argv[1], download=False, return_X_y=True)
    print(images.shape)

threading.Thread(target=late).start()
"""


def test_a_thread_that_outlives_the_main_one_reads_itself(data_home):
    """Python starts no process any more that somebody would have to wait for."""
    done = subprocess.run(
        [sys.executable, "-c", LATE, data_home],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "(50, 784)\n", done.stderr


@pytest.mark.parametrize("kind", ["images-idx3", "labels-idx1"])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n_bytes", [25, 100_000, 0])
def test_a_file_cut_short_or_too_long(n_bytes, name, kind, data_home, fetch_in_daemon):
    """The size is that of which the header speaks, or of the set if it is cut too."""
    path = raw_file(data_home, name, kind)
    header, expected = {
        "images-idx3": (16, 16 + 20 * 784),
        "labels-idx1": (8, 8 + 20),
    }[kind]
    content = path.read_bytes() + bytes(n_bytes)
    path.write_bytes(content[:n_bytes])
    if n_bytes < header:
        n = 40_000 if name == "EMNIST-digits" else 10_000
        expected = header + n * (784 if kind == "images-idx3" else 1)
    with pytest.raises(OSError, match="is damaged") as error:
        fetch_in_daemon(name, data_home=data_home, download=False, split="test")
    assert str(error.value).startswith(f"{path} is damaged: ")
    assert f"has {n_bytes:,} bytes and should have {expected:,}." in str(error.value)


def test_a_file_with_another_header(data_home, fetch_in_daemon):
    path = raw_file(data_home, "MNIST", "labels-idx1")
    path.write_bytes(b"abcd" + bytes(4 + 10_000))
    with pytest.raises(OSError, match="does not begin as such a file does") as error:
        fetch_in_daemon(data_home=data_home, download=False)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("labels", [np.arange(19) % 10, np.full(20, 200)])
def test_labels_that_do_not_belong_to_the_images(labels, data_home, fetch_in_daemon):
    write_idx(raw_file(data_home, "MNIST", "labels-idx1"), labels)
    with pytest.raises(OSError, match=r"A file of MNIST in .* is damaged") as error:
        fetch_in_daemon(data_home=data_home, download=False)
    assert f"{len(labels)} labels up to {labels.max()}" in str(error.value)


def test_what_was_downloaded_and_not_unzipped(data_home, fetch_in_daemon):
    path = raw_file(data_home, "MNIST", "images-idx3")
    path.rename(f"{path}.gz")
    with pytest.raises(OSError, match=r"end in \.gz are there: unzip them"):
        fetch_in_daemon(data_home=data_home, download=False)


def test_a_reader_that_dies(data_home, monkeypatch):
    """As one does that takes more memory than there is."""
    monkeypatch.setattr(_mnist, "_read", lambda *args: os._exit(1))
    with pytest.raises(OSError, match="ended before it was done"):
        fetch_mnist(data_home=data_home, download=False)


def test_files_that_may_not_be_read(data_home, monkeypatch):
    def refuse(*args):
        raise PermissionError("Permission denied")

    monkeypatch.setattr(_mnist, "_read_apart", refuse)
    with pytest.raises(OSError, match=r"MNIST in .* cannot be read: Permission denied"):
        fetch_mnist(data_home=data_home, download=False)


def test_no_network(tmp_path, monkeypatch):
    """An address that refuses connections stands for a network that is not there."""
    for variable in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    with pytest.raises(OSError, match="put these files"):
        fetch_mnist(data_home=tmp_path)


def test_torchvision_missing(monkeypatch):
    monkeypatch.setattr(_mnist, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install 'sklearn-snn\[datasets\]'"):
        fetch_mnist()


@pytest.mark.parametrize(
    "kwargs", [{"name": "CIFAR"}, {"split": "validation"}, {"download": "no"}]
)
def test_bad_arguments(kwargs):
    with pytest.raises(ValueError, match="parameter of fetch_mnist must be"):
        fetch_mnist(**kwargs)
