"""fetch_mnist: real files, the layouts of all four sets, and clear failures."""

import shutil
import struct
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from sklearn.utils import Bunch

import sklearn_snn.datasets
from sklearn_snn.datasets import fetch_mnist

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


@pytest.mark.parametrize("name", NAMES)
def test_bunch(name, data_home):
    bunch = fetch_mnist(name, data_home=data_home, download=False)
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


def test_splits_and_tuples(data_home, monkeypatch):
    monkeypatch.setenv("SKLEARN_SNN_DATA", str(data_home))
    both, target = fetch_mnist(return_X_y=True)
    train, _ = fetch_mnist(split="train", return_X_y=True)
    test, target_test = fetch_mnist(split="test", return_X_y=True)
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
    assert sklearn_snn.datasets._data_home(None) == tmp_path / "sklearn_snn"


@pytest.mark.parametrize("name", ["MNIST", "EMNIST-digits"])
def test_not_there(name, tmp_path):
    prefix = {"MNIST": "t10k", "EMNIST-digits": "emnist-digits-test"}[name]
    folder = tmp_path / name.split("-")[0] / "raw"
    with pytest.raises(OSError, match="put these files") as error:
        fetch_mnist(name, data_home=tmp_path, download=False)
    assert str(folder) in str(error.value)
    assert f"{prefix}-images-idx3-ubyte" in str(error.value)
    assert f"{prefix}-labels-idx1-ubyte" in str(error.value)


@pytest.mark.parametrize("name", ["MNIST", "EMNIST-digits"])
def test_doing_what_the_message_says_helps(name, data_home, tmp_path):
    target = tmp_path / "new"
    with pytest.raises(OSError, match="put these files") as error:
        fetch_mnist(name, data_home=target, download=False, split="test")
    where, *files = str(error.value).split("into ")[1].split("\n")
    Path(where.rstrip(":")).mkdir(parents=True, exist_ok=True)
    for file in files:
        source = data_home / name.split("-")[0] / "raw" / file.strip()
        shutil.copy(source, where.rstrip(":"))
    fetch_mnist(name, data_home=target, download=False, split="test")


def test_damaged_file(data_home):
    (data_home / "MNIST" / "raw" / "t10k-images-idx3-ubyte").write_bytes(b"\0\0\10")
    with pytest.raises(OSError, match=r"A file of MNIST in .* is damaged"):
        fetch_mnist(data_home=data_home, download=False)


def test_no_network(tmp_path, monkeypatch):
    """An address that refuses connections stands for a network that is not there."""
    for variable in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    with pytest.raises(OSError, match="put these files"):
        fetch_mnist(data_home=tmp_path)


def test_torchvision_missing(monkeypatch):
    monkeypatch.setattr(sklearn_snn.datasets, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install 'sklearn-snn\[datasets\]'"):
        fetch_mnist()


@pytest.mark.parametrize(
    "kwargs", [{"name": "CIFAR"}, {"split": "validation"}, {"download": "no"}]
)
def test_bad_arguments(kwargs):
    with pytest.raises(ValueError, match="parameter of fetch_mnist must be"):
        fetch_mnist(**kwargs)
