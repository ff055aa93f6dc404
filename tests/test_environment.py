"""Results are the same whatever the user's program, process and machine are set to."""

import compileall
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from helpers import fast, make_encoder
from odd_settings import digests, table

import sklearn_snn
from sklearn_snn import SpikeTrains
from sklearn_snn.inspection import (
    AnytimeAccuracyDisplay,
    EncodingDisplay,
    MembraneDisplay,
    SpikeRasterDisplay,
    TrainingDisplay,
    WeightDisplay,
)

# What numpy does about floating point errors


def data():
    """Return table, labels, intensities and rates, with subnormal numbers in them."""
    X, y = table()
    X[:, ::7] *= np.float32(1e-42)
    rates = np.array([[0, 5e-324, 1e-300, 1e-42, 0.5]])
    return X, y, X.astype(float) * 1e-290, rates


def answers(engine, X, y, intensities, rates):
    """Return the bits of all that public methods answer."""
    model = fast(engine=engine, early_stopping=True).fit(X, y)
    streamed = fast(engine=engine).partial_fit(X, y, classes=[0, 1])
    found = [*model.coefs_, *streamed.coefs_, model.loss_curve_, model.score(X, y)]
    found += [model.predict(X), model.predict_proba(X), model.predict_log_proba(X)]
    found += [model.decision_function(X)]
    state = np.geterr()
    for method in (model.staged_predict, model.staged_predict_proba):
        for stage in method(X):
            found.append(stage)
            assert np.geterr() == state, "the user's loop has the user's state"
    record = model.simulate(X[:20])
    found += [*record.membranes, record.probabilities]
    encoder = make_encoder(scaling="feature").fit(intensities)
    trains = encoder.transform(intensities)
    found += [np.asarray(trains), fast(engine=engine).fit(trains, y).predict(trains)]
    found.append(np.asarray(SpikeTrains(rates, 10)))
    with mpl.rc_context({"backend": "Agg"}):
        from matplotlib import pyplot as plt

        AnytimeAccuracyDisplay.from_estimator(model, X, y)
        EncodingDisplay.from_estimator(encoder, intensities)
        MembraneDisplay.from_estimator(model, X)
        SpikeRasterDisplay.from_estimator(model, X)
        TrainingDisplay.from_estimator(model)
        WeightDisplay.from_estimator(model)
        plt.close("all")
    assert np.geterr() == state
    return [np.asarray(a).tobytes() for a in found]


@pytest.fixture(scope="module", params=["numpy", "numba"])
def usual(request):
    """Return an engine and data, and the answers under numpy's default state."""
    arguments = request.param, *data()
    return arguments, answers(*arguments)


@pytest.mark.filterwarnings("ignore:Column 2, column 20")  # beside subnormal ones
@pytest.mark.parametrize("state", ["raise", "call", "warn", "ignore"])
def test_results_do_not_depend_on_the_error_state(state, usual):
    arguments, expected = usual
    calls = []
    with np.errstate(all=state, call=lambda *args: calls.append(args)):
        found = answers(*arguments)
    assert found == expected
    assert not calls


# Interpreter, locale, folders, sources: of two processes, as each has to compile


def run(mode, package, folder, *options, **variables):
    """Run the script with a package of its own; return its lines by their names."""
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("NUMBA", "PYTHON", "LC_", "LANG", "XDG"))
    }
    script = Path(__file__).with_name("odd_settings.py")
    done = subprocess.run(
        [sys.executable, *options, script, mode],
        env={**environment, "PYTHONPATH": str(package), **variables},
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = dict(json.loads(line) for line in done.stdout.splitlines())
    assert str(package) in lines.pop("package")
    return lines


@pytest.fixture
def expected():
    """Return the digests of this process."""
    return digests()


@pytest.fixture
def without_sources(tmp_path):
    """Return a folder that holds the package as compiled files, in which none fits."""
    site = tmp_path / "site"
    package = shutil.copytree(
        Path(sklearn_snn.__file__).parent,
        site / "sklearn_snn",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    assert compileall.compile_dir(package, legacy=True, quiet=1)
    for source in package.rglob("*.py"):
        source.unlink()
    (package / "__pycache__").write_text("no folder for what is compiled")
    return site


@pytest.fixture
def locales(tmp_path):
    """Return a folder with a locale that writes 0,5, which few machines have."""
    folder = tmp_path / "locales"
    folder.mkdir()
    if shutil.which("localedef"):  # of glibc; macOS has all locales
        command = "localedef", "-i", "de_DE", "-f", "UTF-8", folder / "de_DE.UTF-8"
        subprocess.run(command, check=True, capture_output=True)
    return folder


def test_settings(without_sources, locales, expected, tmp_path):
    """Each is changed beside those before it; see the script."""
    deleted = tmp_path / "deleted"
    deleted.mkdir()
    found = run(
        "settings",
        without_sources,
        deleted,
        "-O",
        LC_ALL="C",
        LOCPATH=str(locales),
        PYTHONUTF8="0",
        PYTHONCOERCECLOCALE="0",
    )
    names = (
        "optimized, without sources, in the C locale",
        "comma locale",
        "deleted directory",
        "warnings are errors",
        "floating point errors are raised",
    )
    assert found == dict.fromkeys(names, expected)


def test_processes(without_sources, expected, tmp_path):
    """No folder can be written."""
    archive = shutil.make_archive(tmp_path / "site", "zip", without_sources)
    nowhere = str(Path(archive) / "no folder")  # stops root, too
    variables = dict.fromkeys(("HOME", "NUMBA_CACHE_DIR", "XDG_CACHE_HOME"), nowhere)
    names = (
        "from an archive, with nowhere to write",
        "daemonic process",
        "thread after the main one",
        "at exit",
    )
    found = run("processes", archive, tmp_path, **variables)
    assert found == dict.fromkeys(names, expected)
