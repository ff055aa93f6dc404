"""Files of models: whole ones, cut ones, and such as are none."""

import gzip
import pickle
import sys
import warnings

import joblib
import numpy as np
import pytest
import skops.io
from helpers import some_digits, spiking
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.pipeline import make_pipeline

from sklearn_snn import load_model


@pytest.fixture(scope="module")
def model():
    return spiking(hidden_layer_sizes=(5,), max_iter=2).fit(*some_digits(3))


def dump(model, path, compress):
    joblib.dump(model, path, compress=compress)
    return path.read_bytes()


@pytest.mark.parametrize("compress", [0, 3, "lzma"])
def test_a_whole_file(compress, model, tmp_path):
    X, _ = some_digits(3)
    dump(model, tmp_path / "model", compress)
    for path in (tmp_path / "model", str(tmp_path / "model")):
        loaded = load_model(path)
        np.testing.assert_array_equal(loaded.predict_proba(X), model.predict_proba(X))


@pytest.mark.parametrize("compress", [0, 3, "lzma"])
def test_a_file_that_is_cut_anywhere(compress, model, tmp_path):
    path = tmp_path / "model"
    whole = dump(model, path, compress)
    lengths = {0, 1, 2, len(whole) - 1, *range(3, len(whole), len(whole) // 150)}
    for length in sorted(lengths):
        path.write_bytes(whole[:length])
        try:
            load_model(path)
        except ValueError as error:
            assert str(path) in str(error)
            assert "truncated" in str(error)
        else:
            # Of a compressed file only a checksum is missing.
            assert compress and length > len(whole) - 32, length


def test_skops_files_that_are_cut(model, tmp_path):
    """They are zip archives, whose index stands at the end."""
    path = tmp_path / "model"
    skops.io.dump(model, path)
    trusted = skops.io.get_untrusted_types(file=path)
    whole = path.read_bytes()
    for length in (0, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(Exception, match=r"(?i)zip"):
            skops.io.load(path, trusted=trusted)


FOREIGN = {
    "text": b"alpha: 0.95\n",
    "bytes": bytes(range(256)),
    "gzip": gzip.compress(b"hello"),
    "image": b"\x89PNG\r\n\x1a\n" + bytes(100),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_foreign_file(kind, tmp_path):
    path = tmp_path / "model"
    path.write_bytes(FOREIGN[kind])
    with pytest.raises(ValueError, match=r"model is no whole file of joblib\.dump"):
        load_model(path)


@pytest.mark.parametrize("content", [{"alpha": 0.9}, [1, 2], np.zeros(3), None])
def test_a_file_of_something_else(content, tmp_path):
    joblib.dump(content, tmp_path / "model")
    message = f"model holds no estimator but a {type(content).__name__}"
    with pytest.raises(ValueError, match=message):
        load_model(tmp_path / "model")


def test_no_file(tmp_path):
    with pytest.raises(FileNotFoundError):
        load_model(tmp_path / "nothing")
    with pytest.raises(IsADirectoryError):
        load_model(tmp_path)


def test_a_damaged_model_says_what_is_wrong(model, tmp_path):
    damaged = pickle.loads(pickle.dumps(model))
    del damaged[-1]._seed_
    dump(damaged, tmp_path / "model", 0)
    with pytest.raises(ValueError, match=r"it lacks \['_seed_'\]"):
        load_model(tmp_path / "model")


def test_another_version(model, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("sklearn_snn._persistence.__version__", "0.0.7")
        dump(model, tmp_path / "model", 0)
    with pytest.warns(InconsistentVersionWarning, match=r"0\.0\.7"):
        load_model(tmp_path / "model")


# Of somebody else: raises, when it is loaded, what it was given.
STRANGE = """
from sklearn.base import BaseEstimator

class Strange(BaseEstimator):
    def __init__(self, error=None):
        self.error = error

    def __setstate__(self, state):
        vars(self).update(state)
        if self.error is not None:
            raise self.error
"""


@pytest.fixture
def strange(tmp_path, monkeypatch):
    """Return a module of a third party, which is gone after the test."""
    (tmp_path / "strange_library.py").write_text(STRANGE)
    monkeypatch.syspath_prepend(tmp_path)
    import strange_library

    yield strange_library
    sys.modules.pop("strange_library", None)


def test_a_module_is_missing(strange, model, tmp_path, monkeypatch):
    joblib.dump(make_pipeline(strange.Strange(), model), tmp_path / "model")
    assert isinstance(load_model(tmp_path / "model")[0], strange.Strange)
    monkeypatch.setitem(sys.modules, "strange_library", None)
    with pytest.raises(ModuleNotFoundError, match=r"model needs .*strange_lib") as info:
        load_model(tmp_path / "model")
    assert info.value.name == "strange_library"
    assert "truncated" not in str(info.value)


def test_a_class_is_missing(strange, tmp_path, monkeypatch):
    """As where another version of its library has no such class any more."""
    joblib.dump(strange.Strange(), tmp_path / "model")
    monkeypatch.delattr(strange, "Strange")
    with pytest.raises(ImportError, match=r"model needs .*'Strange'.*strange_lib"):
        load_model(tmp_path / "model")


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("2 TiB"),
        PermissionError(13, "no right to read"),
        OSError(5, "the disk is broken"),
        RuntimeError("there is no GPU"),
        RecursionError("too deep"),
    ],
    ids=lambda e: type(e).__name__,
)
def test_what_is_no_fault_of_the_file(error, strange, tmp_path):
    joblib.dump(strange.Strange(error), tmp_path / "model")
    with pytest.raises(type(error)) as info:
        load_model(tmp_path / "model")
    assert info.value.args == error.args


def test_a_newer_format_is_no_damage(model, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("sklearn_snn._persistence.__version__", "99.0.0")
        patch.setattr("sklearn_snn._persistence.FORMAT", 99)
        dump(model, tmp_path / "model", 0)
    with pytest.raises(ValueError, match=r"model: .* 99.* update sklearn-snn") as info:
        load_model(tmp_path / "model")
    assert "damaged" not in str(info.value)


def test_a_warning_that_is_an_error_is_no_damage(model, tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("sklearn_snn._persistence.__version__", "0.1.7")
        dump(model, tmp_path / "model", 0)
    with warnings.catch_warnings():
        warnings.simplefilter("error", InconsistentVersionWarning)
        with pytest.raises(InconsistentVersionWarning, match=r"0\.1\.7"):
            load_model(tmp_path / "model")
