"""Compiled code on disk: kept, found again, and renewed where it is damaged."""

import compileall
import os
import shutil
import subprocess
import sys
import threading
import time
import zipimport
from importlib.machinery import PathFinder
from pathlib import Path

import numpy as np
import pytest
from helpers import fast, regressor
from sklearn.base import clone

import sklearn_snn
from sklearn_snn import SpikeTrains
from sklearn_snn._engines.compiled import cache as compiled_cache
from sklearn_snn._engines.compiled import engine as compiled_engine
from sklearn_snn._engines.compiled import running
from sklearn_snn._engines.compiled.chunks import entry_point, run_currents
from sklearn_snn._engines.numpy_engine import NumpyEngine
from sklearn_snn._training import control
from sklearn_snn.neurons import LIF

PACKAGE = Path(sklearn_snn.__file__).parent
# What the compiled functions consist of, with the neurons that they are made for.
_FOLDERS = {
    "": ("_compat",),
    "_engines/": ("hurry",),
    "_engines/compiled/": (
        *(
            "backward",
            "bits",
            "boards",
            "cache",
            "chunks",
            "encoding",
            "formulas",
            "layers",
            "losses",
            "narrow",
            "network",
            "options",
            "products",
            "readouts",
            "recurrence",
            "references",
            "restraint",
            "samples",
            "sums",
        ),
        *("surrogates", "synapses", "vectors", "views"),
    ),
    "_engines/compiled/neurons/": (
        *("__init__", "adlif", "cuba", "lif", "numbers", "resets"),
    ),
    "_inputs/": ("random",),
    "_model/": ("surrogates",),
    "_utils/": ("garbage", "workspace"),
    "_model/neurons/": (
        *("__init__", "adlif", "constants", "cuba", "integrator", "lif", "resets"),
    ),
}
COMPILED = {folder + name for folder, names in _FOLDERS.items() for name in names}

FIT = """
import sys
import sklearn_snn
assert "numba" not in sys.modules, "importing sklearn_snn imports numba"
from sklearn.datasets import load_digits
X, y = load_digits(return_X_y=True)
sklearn_snn.SpikingClassifier(
    (5,), max_iter=1, n_steps=4, verbose=True, engine="numba", random_state=0
).fit(X[:50], y[:50])
from sklearn_snn._engines.compiled.chunks import run_currents as entry
"""
# A function for each type of numbers, which is compiled in no time.
DOUBLE = """
import shutil, sys
from pathlib import Path
import numpy as np
from sklearn_snn._engines.compiled.cache import entry_point
@entry_point(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
def entry(x):
    return x + x
if len(sys.argv) > 1 and sys.argv[1]:  # the folder becomes a file
    shutil.rmtree(sys.argv[1])
    Path(sys.argv[1]).write_text("")
print(*(entry(number(3e38)) for number in (np.float32, np.float64)))
"""
TELL = """
stats = entry.stats
n_compiled, n_loaded = stats.cache_misses.values(), stats.cache_hits.values()
print(sum(n_compiled), "compiled", sum(n_loaded), "loaded")
"""


def run_script(script, cache, *args, **env):
    """Run a script, with its cache in a folder; return what it prints."""
    path = cache.parent / "script.py"  # numba keeps nothing of what has no file
    if not path.exists():  # what is newer is compiled anew
        path.write_text(script + TELL)
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(path), *args],
        env={**os.environ, "NUMBA_CACHE_DIR": str(cache), **env},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.fixture
def cache(tmp_path):
    """Return the folder of a cache that is empty."""
    folder = tmp_path / "cache"
    folder.mkdir()
    return folder


def test_a_second_process_does_not_compile(cache):
    first, second = run_script(FIT, cache), run_script(FIT, cache)
    assert "Compiled in" in first
    assert "Compiled in" not in second
    assert "1 compiled 0 loaded" in first
    assert "0 compiled 1 loaded" in second


DOUBLED = "inf 6e+38"


def test_a_cache_that_cannot_be_written_is_no_error(cache):
    """A file where the folder should be stops root too."""
    blocked = cache / "file"
    blocked.write_text("")
    only_here = {
        "NUMBA_CACHE_LOCATOR_CLASSES": "numba.core.caching.UserProvidedCacheLocator",
        "NUMBA_CACHE_DIR": str(blocked / "cache"),
    }
    assert DOUBLED in run_script(DOUBLE, cache, **only_here)


def test_a_cache_that_vanishes_is_no_error(cache):
    assert DOUBLED in run_script(DOUBLE, cache, str(cache))


@pytest.mark.parametrize("suffix", ["nbi", "nbc"])  # the index, the code
def test_a_damaged_cache_is_renewed(cache, suffix):
    assert "2 compiled 0 loaded" in run_script(DOUBLE, cache)
    files = list(cache.rglob(f"*.{suffix}"))
    assert files
    for file in files:
        content = file.read_bytes()
        file.write_bytes(content[: len(content) // 2])
    assert f"{DOUBLED}\n2 compiled 0 loaded" in run_script(DOUBLE, cache)
    assert f"{DOUBLED}\n0 compiled 2 loaded" in run_script(DOUBLE, cache)


def test_a_cache_with_the_code_of_another_signature_is_renewed(cache):
    """Two processes that save at the same time may leave such a one."""
    assert DOUBLED in run_script(DOUBLE, cache)
    one, other = cache.rglob("*.nbc")
    other.write_bytes(one.read_bytes())
    assert f"{DOUBLED}\n1 compiled 1 loaded" in run_script(DOUBLE, cache)


# What renews it


@pytest.fixture
def copy(tmp_path):
    """Return a copy of the package, as a folder."""
    return Path(shutil.copytree(PACKAGE, tmp_path / "sklearn_snn"))


ENTRY = "sklearn_snn._engines.compiled.chunks"


def parent_of(name, folder):
    """Return where a module is, if the package is in a folder."""
    return folder.parent.joinpath(*name.split(".")[:-1])


def key_of(folder):
    """Return the key of the compiled code of a package in a folder."""

    def find(name):
        return PathFinder.find_spec(name, [str(parent_of(name, folder))])

    return compiled_cache.code_key(ENTRY, find)


def test_what_compiled_code_uses_renews_it_and_nothing_else(copy):
    before, renewing = key_of(copy), set()
    assert before is not None
    for path in copy.rglob("*.py"):
        content = path.read_bytes()
        path.write_bytes(content + b"\n# another line\n")
        if key_of(copy) != before:
            renewing.add(path.relative_to(copy).with_suffix("").as_posix())
        path.write_bytes(content)
    assert renewing == COMPILED
    assert key_of(copy) == before


@pytest.mark.parametrize(
    "statement",
    [
        "from sklearn_snn import _new",
        "from sklearn_snn._new import NUMBER",
        "import sklearn_snn._new as new",
        "def later():\n    from sklearn_snn._new import NUMBER",
    ],
)
def test_a_module_that_compiled_code_comes_to_use(statement, copy):
    with (copy / "_inputs" / "random.py").open("a") as file:
        file.write(f"\n\n{statement}\n")
    keys = set()
    for number in (1, 2):
        (copy / "_new.py").write_text(f"NUMBER = {number}\n")
        keys.add(key_of(copy))
    assert len(keys) == 2
    assert None not in keys


def test_the_key_without_sources(copy):
    assert compileall.compile_dir(copy, legacy=True, quiet=1)
    for path in copy.rglob("*.py"):
        path.unlink()
    before = key_of(copy)
    assert before is not None
    (copy / "_engines" / "compiled" / "engine.pyc").unlink()
    assert key_of(copy) == before
    other = (copy / "_model" / "synapses.pyc").read_bytes()
    (copy / "_inputs" / "random.pyc").write_bytes(other)
    assert key_of(copy) not in (before, None)


def test_the_key_in_an_archive(copy, tmp_path):
    shutil.make_archive(tmp_path / "package", "zip", tmp_path, "sklearn_snn")
    inside = tmp_path / "package.zip" / "sklearn_snn"

    def find(name):
        folder = str(parent_of(name, inside))
        return zipimport.zipimporter(folder).find_spec(name)

    key = compiled_cache.code_key(ENTRY, find)
    assert key is not None
    assert key == key_of(copy)


def test_code_of_another_key_is_compiled_anew(cache):
    assert "2 compiled 0 loaded" in run_script(DOUBLE, cache, "", "1")
    assert "0 compiled 2 loaded" in run_script(DOUBLE, cache, "", "1")
    assert "2 compiled 0 loaded" in run_script(DOUBLE, cache, "", "2")
    assert "0 compiled 2 loaded" in run_script(DOUBLE, cache, "", "1")


def test_without_a_key_nothing_is_kept(monkeypatch):
    """As in applications whose loader does not give its files away."""
    assert compiled_cache.code_key("sklearn_snn", lambda name: None) is None

    def double(x):
        return 2 * x

    dispatcher = entry_point(None)(double)
    assert dispatcher(3) == 6
    assert not dispatcher.stats.cache_path


def test_what_is_loaded_is_not_announced_again(monkeypatch, capsys):
    """A kind of code is what differs in neurons, constants, numbers or input."""
    pytest.importorskip("numba")
    monkeypatch.setattr(control, "_announced", set())
    X, y = np.random.default_rng(0).random((20, 3)), np.arange(20) % 2
    model = fast(max_iter=1, engine="numba", verbose=True)

    def is_announced(X, **params):
        n_before = len(run_currents.signatures)
        clone(model).set_params(**params).fit(X, y)
        is_said = "Preparing the compiled engine" in capsys.readouterr().out
        assert is_said or len(run_currents.signatures) == n_before
        return is_said

    others = {"beta": 4.0, "alpha": 0.9, "reset": "none", "hidden_layer_sizes": (3, 2)}
    others |= {"readout": "membrane_mean", "readout_alpha": 0.5}
    assert is_announced(X)
    assert not is_announced(X)
    for name, value in others.items():
        assert not is_announced(X, **{name: value}), name
    for params in (
        {"neuron": "adlif"},
        {"neuron": "cuba"},
        {"neuron": LIF(alpha=(0.5, 0.9))},
        {"recurrent": True},
        {"hidden_layer_sizes": ()},
    ):
        assert is_announced(X, **params), params
        assert not is_announced(X, **params), params
    assert not is_announced(X, learn_neuron=True)  # arrays, as of a range
    for Z in (X.astype(np.float32), np.stack([X, X], axis=1), SpikeTrains(X, 5)):
        assert is_announced(Z)
        assert not is_announced(Z)


def test_counts_and_membranes_share_a_kernel(rng):
    """What neurons and integrators multiply a current with is a number, be it 1."""
    X, y = rng.random((20, 3)), np.arange(20) % 2
    fast(engine="numba").fit(X, y)
    known = {*run_currents.signatures}
    fast(engine="numba", readout="membrane_mean").fit(X, y)
    regressor(engine="numba").fit(X, y)
    assert {*run_currents.signatures} == known


def test_the_calling_thread_compiles(monkeypatch):
    """Before others begin; a compiler that another thread waits for is slow."""
    events, run = [], running._run_group

    def record(batch, first, chunks, workspace):
        numbers = range(first, first + len(chunks))
        events.append(("begins", numbers, threading.current_thread()))
        if first == 0:
            time.sleep(0.1)  # in which others would begin
        result = run(batch, first, chunks, workspace)
        events.append(("ends", numbers, threading.current_thread()))
        return result

    monkeypatch.setattr(running, "_run_group", record)
    monkeypatch.setattr(running, "_known", set())
    monkeypatch.setattr(compiled_engine, "is_small", lambda batch: False)
    monkeypatch.setattr(compiled_engine, "n_threads", lambda: 2)
    # That would run, and compile, before any batch is learned from.
    monkeypatch.setattr(
        compiled_engine.NumbaEngine,
        "first_guess",
        lambda own, *args: NumpyEngine(own.network, own.n_steps).first_guess(*args),
    )
    X, y = np.random.default_rng(0).random((64, 3)), np.arange(64) % 2
    model = fast(max_iter=2, batch_size=64, engine="numba")
    model.fit(X, y)
    here = threading.main_thread()
    (begun, ended), others = events[:2], events[2:]
    assert [begun[0], ended[0]] == ["begins", "ends"]
    assert begun[1:] == ended[1:] == (begun[1], here)
    assert begun[1].start == 0
    assert len(others) > 2  # of the first batch some, and all of the second
    done = sorted(k for what, numbers, _ in events if what == "ends" for k in numbers)
    assert done == sorted(2 * [*range(8)])
