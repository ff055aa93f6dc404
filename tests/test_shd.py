"""fetch_shd: files as they are published, written small; damage; downloads."""

import hashlib
import zipfile

import h5py
import numpy as np
import pytest
from helpers import fast
from sklearn.utils import Bunch

from sklearn_snn import EventSequences, as_sequences
from sklearn_snn.datasets import _shd, fetch_shd

NAMES = ["zero", "one", "fünf"]
# The last of them fires on the edges of steps of 0.01, and at 1.25, which is the first
# moment of the step that it makes.
TIMES = [[0.0, 0.125, 0.125], [0.5], [0.25, 0.75, 1.25]]
UNITS = [[699, 0, 1], [5], [7, 7, 350]]


def write(path, times=TIMES, units=UNITS, dtype="float16", **arrays):
    """Write a file of the layout of SHD; arrays are by name, and None is left out."""
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {"labels": [2, 0, 1], "speaker": [4, 4, 11], "keys": NAMES} | arrays
    with h5py.File(path, "w") as file:
        for name, ragged, kind in (("times", times, dtype), ("units", units, "int64")):
            data = file.create_dataset(
                f"spikes/{name}", (len(ragged),), h5py.vlen_dtype(np.dtype(kind))
            )
            for i, values in enumerate(ragged):
                data[i] = np.array(values, kind)
        for name in ("labels", "speaker"):
            if arrays[name] is not None:
                key = name if name == "labels" else f"extra/{name}"
                file[key] = np.array(arrays[name], np.uint16)
        file["extra/keys"] = np.char.encode(arrays["keys"], "utf-8")
        file["extra/meta_info/age"] = np.arange(12)


@pytest.fixture
def data_home(tmp_path):
    """Write three recordings for training, and two for tests."""
    write(tmp_path / "SHD" / "shd_train.h5")
    write(
        tmp_path / "SHD" / "shd_test.h5",
        *(TIMES[:2], UNITS[:2]),
        labels=[1, 1],
        speaker=[0, 3],
    )
    return tmp_path


@pytest.fixture
def train(data_home):
    """Return the path of the file for training."""
    return data_home / "SHD" / "shd_train.h5"


def test_bunch(data_home):
    bunch = fetch_shd(data_home=data_home, download=False)
    assert isinstance(bunch, Bunch)
    assert isinstance(bunch.data, EventSequences)
    assert bunch.data.shape == (5, 126, 700)
    assert bunch.target.tolist() == [2, 0, 1, 1, 1]
    assert bunch.speaker.tolist() == [4, 4, 11, 0, 3]
    assert (bunch.target.dtype, bunch.speaker.dtype) == (np.int64, np.int64)
    assert bunch.target_names == NAMES
    assert "(5, 126, 700), in steps of 0.01 s" in bunch.DESCR
    assert "split : train, then test" in bunch.DESCR


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_every_spike_has_its_place(dtype, train, data_home):
    """The first and the last too, which both lie on the edge of a step."""
    write(train, dtype=dtype)
    X, _ = fetch_shd(data_home=data_home, split="train", return_X_y=True)
    assert X.lengths.tolist() == [13, 51, 126]
    for i in range(3):
        steps, units = np.nonzero(X[i])
        expected = sorted(zip(np.array(TIMES[i]) * 100 // 1, UNITS[i], strict=True))
        assert list(zip(steps, units, strict=True)) == expected
        assert X[i].max() == 1
    expected = as_sequences(
        list(zip(TIMES, UNITS, strict=True)), dt=0.5, n_units=700, counts=True
    )
    X = fetch_shd(data_home=data_home, split="train", dt=0.5, counts=True).data
    np.testing.assert_array_equal(X.padded(), expected.padded())
    assert X[2][:, 7].tolist() == [1, 1, 0]


def test_counts(train, data_home):
    write(train, times=[[0.125, 0.125]] * 3, units=[[3, 3]] * 3)
    options = {"data_home": data_home, "split": "train", "return_X_y": True}
    assert fetch_shd(**options)[0].padded().max() == 1
    assert fetch_shd(counts=True, **options)[0].padded().max() == 2


def test_splits(data_home):
    X, y = fetch_shd(data_home=data_home, split="test", return_X_y=True)
    assert (len(X), y.tolist()) == (2, [1, 1])
    bunch = fetch_shd(data_home=data_home, split="train")
    assert bunch.target.tolist() == [2, 0, 1]
    assert "split : train\n" in bunch.DESCR


def test_a_network_learns_from_it(data_home):
    X, y = fetch_shd(data_home=data_home, return_X_y=True)
    model = fast(engine="numpy", max_iter=2).fit(X, y)
    assert model.predict(X).shape == (5,)


DAMAGES = {
    "labels": ({"labels": None}, "labels"),
    "fewer labels": ({"labels": [0]}, "3 arrays of times, 3 of units, 1 labels"),
    "unknown label": ({"labels": [0, 1, 3]}, "labels from 0 to 3, and 3 classes"),
    "no speaker": ({"speaker": None}, "speaker"),
    "unit": ({"units": [*UNITS[:2], [0, 700, 1]]}, "recording 2 has units .* 700"),
    "a unit more": (
        {"units": [[1, 2], *UNITS[1:]]},
        "recording 0 has 3 times and 2 units",
    ),
    "silence": (
        {"times": [[], *TIMES[1:]], "units": [[], *UNITS[1:]]},
        "recording 0 has 0 times",
    ),
    "time": ({"times": [TIMES[0], [-1.0], TIMES[2]]}, "recording 1 has a time"),
    "NaN": ({"times": [TIMES[0], [np.nan], TIMES[2]]}, "recording 1 has a time"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_contents(damage, train, data_home):
    arrays, match = DAMAGES[damage]
    write(train, **arrays)
    with pytest.raises(OSError, match=match) as error:
        fetch_shd(data_home=data_home, download=False)
    assert str(error.value).startswith(f"{train} is damaged: ")
    assert "Delete it, to have it downloaded again" in str(error.value)


@pytest.mark.parametrize("n_bytes", [0, 100, 2000])
def test_files_cut_short(n_bytes, train, data_home):
    train.write_bytes(train.read_bytes()[:n_bytes])
    with pytest.raises(OSError, match="is damaged") as error:
        fetch_shd(data_home=data_home, split="train")
    assert str(train) in str(error.value)


def test_a_width_that_is_wrong_is_no_damage(train, data_home):
    write(train, times=[[0.125] * 300] * 3, units=[[3] * 300] * 3)
    with pytest.raises(ValueError, match="narrower bins"):
        fetch_shd(data_home=data_home, split="train", counts=True)


def test_not_there(tmp_path):
    folder = tmp_path / "SHD"
    with pytest.raises(OSError, match="put these files") as error:
        fetch_shd(data_home=tmp_path, download=False)
    for part in (str(folder), "shd_train.h5", "shd_test.h5"):
        assert part in str(error.value)
    assert not folder.exists()
    folder.mkdir()
    (folder / "shd_train.h5.gz").touch()
    with pytest.raises(OSError, match=r"unzipped \(shd_train\.h5\.gz is there\)"):
        fetch_shd(data_home=tmp_path, download=False)


@pytest.fixture
def server(data_home, tmp_path_factory, monkeypatch):
    """Zip the files into a folder that stands for the server; return that folder."""
    folder, sums = tmp_path_factory.mktemp("server"), {}
    for part in ("train", "test"):
        name = f"shd_{part}.h5"
        with zipfile.ZipFile(folder / f"{name}.zip", "w") as archive:
            archive.write(data_home / "SHD" / name, name)
        content = (folder / f"{name}.zip").read_bytes()
        sums[part] = name, hashlib.md5(content).hexdigest()
    monkeypatch.setattr(_shd, "_URL", f"{folder.as_uri()}/")
    monkeypatch.setattr(_shd, "_FILES", sums)
    return folder


def test_download(server, data_home, tmp_path):
    new = tmp_path / "new"
    _, y = fetch_shd(data_home=new, split="test", return_X_y=True)
    assert y.tolist() == [1, 1]
    assert [path.name for path in (new / "SHD").iterdir()] == ["shd_test.h5"]
    X, _ = fetch_shd(data_home=new, return_X_y=True)
    there, _ = fetch_shd(data_home=data_home, return_X_y=True)
    np.testing.assert_array_equal(X.padded(), there.padded())
    for path in server.iterdir():
        path.unlink()
    assert len(fetch_shd(data_home=new, return_X_y=True)[0]) == 5  # what is there stays


def test_downloads_that_fail_leave_nothing(server, tmp_path):
    archive = server / "shd_train.h5.zip"
    archive.write_bytes(archive.read_bytes()[:-1])
    with pytest.raises(OSError, match=r"put these files[\s\S]*MD5 sum \w+, and should"):
        fetch_shd(data_home=tmp_path / "new")
    archive.unlink()
    with pytest.raises(OSError, match=r"put these files[\s\S]*No such file"):
        fetch_shd(data_home=tmp_path / "new")
    assert list((tmp_path / "new" / "SHD").iterdir()) == []


def test_h5py_missing(monkeypatch):
    monkeypatch.setattr(_shd, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"pip install 'sklearn-snn\[shd\]'"):
        fetch_shd()


@pytest.mark.parametrize(
    "kwargs", [{"split": "validation"}, {"download": "no"}, {"dt": 0}, {"counts": 2}]
)
def test_bad_arguments(kwargs):
    with pytest.raises(ValueError, match="parameter of fetch_shd must be"):
        fetch_shd(**kwargs)
