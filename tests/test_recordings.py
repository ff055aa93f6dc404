"""Recorded data: files made of what is published, and scripts that read them."""

import gzip
import importlib.util
import os
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from sklearn_snn import SpikingClassifier
from sklearn_snn.adapters._recipe import recipe

ROOT = Path(__file__).parents[1]


def script(name):
    """Return a script of the benchmarks as a module."""
    spec = importlib.util.spec_from_file_location(
        name, ROOT / "benchmarks" / f"{name}.py"
    )
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "benchmarks")  # for what scripts share
        spec.loader.exec_module(module)
    return module


@pytest.fixture
def published(tmp_path):
    """Return folders as the two data sets have them, with two recordings each."""
    digits, letters = tmp_path / "digits", tmp_path / "letters"
    (digits / "recordings").mkdir(parents=True)
    for name, hertz, n_samples in (("7_theo_12", 400, 2000), ("3_lucas_4", 2500, 900)):
        tone = 20_000 * np.sin(2 * np.pi * hertz * np.arange(n_samples) / 8000)
        path = digits / "recordings" / f"{name}.wav"
        wavfile.write(path, 8000, tone.astype(np.int16))
    (letters / "notebooks" / "data").mkdir(parents=True)
    return digits, letters


def write_letters(folder, content):
    name = "tutorial5_braille_spiking_data.pkl.gz"
    with gzip.open(folder / "notebooks" / "data" / name, "wb") as file:
        pickle.dump(content, file)


def test_files_are_made_of_what_is_published(published, tmp_path, monkeypatch):
    digits, letters = published
    touches = [
        {"letter": "Space", "repetition": 3, "taxel_data": np.full((4, 12), 255.0)},
        {"letter": "A", "repetition": 5, "taxel_data": np.full((3, 12), 90.0)},
    ]
    write_letters(letters, touches)
    files = script("recording_files")
    monkeypatch.setattr(sys, "argv", ["x", *map(str, (digits, letters, tmp_path))])
    files.main()
    with np.load(tmp_path / "FSDD" / "fsdd_mel.npz") as data:
        # In the order of the names; frames of 256 samples, one every 80.
        assert data["digit"].tolist() == [3, 7]
        assert data["recording"].tolist() == [4, 12]
        assert data["lengths"].tolist() == [9, 22]
        mel = data["mel"]
    assert mel.shape == (31, 32)
    assert mel.dtype == np.uint8
    # 2,500 Hz are 2,061 mel and 400 Hz 509, of 78 to 2,118 in 33 parts.
    assert set(mel[:9].argmax(axis=1)) == {25}
    assert set(mel[9:].argmax(axis=1)) == {6}
    with np.load(tmp_path / "Braille" / "braille.npz") as data:
        assert data["letters"][data["letter"]].tolist() == ["Space", "A"]
        assert data["repetition"].tolist() == [3, 5]
        assert data["lengths"].tolist() == [4, 3]
        assert data["taxels"][:, 0].tolist() == [255.0] * 4 + [90.0] * 3


def test_a_pickle_that_is_more_than_arrays_is_not_read(published):
    _, letters = published
    write_letters(letters, [{"letter": os.getcwd}])
    with pytest.raises(pickle.UnpicklingError, match=r"getcwd is no part of an array"):
        script("recording_files").touched_letters(letters)


def test_what_the_recipe_and_the_mlp_see():
    recordings = script("recordings")
    X = [np.array([[0, 4], [8, 12]], np.uint8), np.arange(33.0)[:, np.newaxis]]
    assert recordings.levelled(X)[0].tolist() == [[-6, -2], [2, 6]]
    rows = recordings.resampled(X[:1])
    assert rows.shape == (1, 64)
    np.testing.assert_allclose(rows[0, :2], [0, 4])
    np.testing.assert_allclose(rows[0, -2:], [8, 12])
    np.testing.assert_allclose(np.diff(rows[0].reshape(32, 2), axis=0), 8 / 31)


@pytest.mark.parametrize("n_steps", [30, 1000])
def test_adapters_fit_the_recipe_that_was_measured(n_steps):
    """But for what lets series end together: adapters hear each to its own end."""
    measured = dict(script("time_series").recipe(n_steps, 3, seed=None).steps)
    del measured["functiontransformer"]
    fitted = dict(recipe(SpikingClassifier, n_steps, 3).steps)
    assert [*fitted] == [*measured]
    for name, step in fitted.items():
        params = {n: repr(value) for n, value in step.get_params().items()}
        expected = measured[name].get_params().items()
        assert params == {n: repr(value) for n, value in expected}


@pytest.mark.parametrize("name", ["spoken_digits", "touch"])
def test_an_example_says_what_is_missing(name, tmp_path):
    path = ROOT / "examples" / f"{name}.py"
    done = subprocess.run(
        [sys.executable, path, tmp_path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"There is no file {tmp_path}")
    assert "Traceback" not in done.stderr
