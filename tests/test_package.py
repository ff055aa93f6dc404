"""The package as its users get it: imports, wheel, README, examples."""

import ast
import importlib
import os
import re
import shutil
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import numpy as np
import pytest
from lowest import constraints
from sklearn.base import BaseEstimator
from sklearn.datasets import load_digits

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGE = ROOT / "sklearn_snn"
PAGE = PACKAGE / "export" / "page"
OPTIONAL = ["torch", "torchvision", "numba", "matplotlib", "dask", "distributed"]
OPTIONAL += ["h5py", "nir", "aeon", "sktime"]


def run(*args, **kwargs):
    """Run a command; return what it printed, with errors in the failure message."""
    done = subprocess.run(
        [str(a) for a in args], capture_output=True, text=True, check=False, **kwargs
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_import_loads_no_optional_package():
    code = (
        "import sys, sklearn_snn, sklearn_snn.datasets, sklearn_snn.adapters._series;"
        "import sklearn_snn.nir;"
        f"print([m for m in {OPTIONAL} if m in sys.modules])"
    )
    assert run(sys.executable, "-c", code).strip() == "[]"


def test_import_leaves_what_few_calls_need():
    """They bring dozens of modules, which an answer does not wait for."""
    names = ["sklearn.metrics", "sklearn.model_selection", "sklearn.neural_network"]
    code = f"import sys, sklearn_snn; print([m for m in {names} if m in sys.modules])"
    assert run(sys.executable, "-c", code).strip() == "[]"


@pytest.mark.parametrize("library", ["aeon", "sktime"])
def test_an_adapter_without_its_library_names_the_extra(library, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules, f"sklearn_snn.adapters.{library}", raising=False)
    with pytest.raises(ImportError, match=rf"pip install 'sklearn-snn\[{library}\]'"):
        importlib.import_module(f"sklearn_snn.adapters.{library}")


def test_wheel_and_sdist_install_and_work_outside_the_repository(tmp_path):
    run(sys.executable, "-m", "build", "--outdir", tmp_path, ROOT)
    (wheel,) = tmp_path.glob("*.whl")
    (sdist,) = tmp_path.glob("*.tar.gz")
    names = run(sys.executable, "-m", "tarfile", "--list", sdist)
    # Whoever builds from the sources can run all tests, those on old files too.
    for part in ("sklearn_snn/_model/neurons/lif.py", "LICENSE", "conftest.py"):
        assert part in names
    golden = (ROOT / "tests" / "golden").glob("[0-9]*/*")
    missing = [p.name for p in golden if f"{p.parent.name}/{p.name}" not in names]
    assert missing == []
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = archive.read(next(n for n in names if n.endswith("METADATA")))
    files = [*PACKAGE.rglob("*.py"), *PAGE.iterdir()]
    assert {str(path.relative_to(ROOT)) for path in files} <= {*names}
    page = [name for name in names if name.startswith("sklearn_snn/export/page/")]
    assert len(page) == len([*PAGE.iterdir()])
    folders = {name.split("/")[0] for name in names}
    assert sorted(folders)[0] == "sklearn_snn"
    assert len(folders) == 2  # the package, and what describes it
    for line in (
        "License-Expression: BSD-3-Clause",
        "Project-URL: Changelog, https://",
    ):
        assert line in metadata.decode()
    # The dependencies are those of this environment; the package is the wheel's.
    environment = tmp_path / "venv"
    venv.create(environment)
    python = environment / "bin" / "python"
    pip = sys.executable, "-m", "pip", "--python", python
    run(*pip, "install", "--no-deps", "--no-index", wheel)
    site = next((environment / "lib").glob("python*/site-packages"))
    dependencies = Path(pytest.__file__).parents[1]
    (site / "dependencies.pth").write_text(f"{dependencies}\n")
    code = (
        "import sklearn_snn; print(sklearn_snn.__file__)\n"
        # What it compiles outside the repository, another test does.
        "import sklearn_snn._engines.compiled.engine\n"
        "from sklearn.datasets import load_iris\n"
        "model = sklearn_snn.SpikingClassifier(max_iter=5, engine='numpy')\n"
        "print(model.fit(*load_iris(return_X_y=True)).n_iter_)\n"
    )
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    printed = run(python, "-c", code, cwd=tmp_path, env=environment)
    assert printed.splitlines()[0].startswith(str(site))
    assert printed.splitlines()[1] == "5"


@pytest.mark.parametrize(
    ("script", "pattern", "at_least"),
    [
        ("train_images.py", r"held-out images: ([\d.]+)", 0.95),
        ("distributed_search.py", r"best on held-out digits: ([\d.]+)", 0.8),
        ("persistence.py", r"bit: True\naccuracy on held-out digits: ([\d.]+)", 0.85),
    ],
)
def test_examples(script, pattern, at_least, tmp_path):
    environment = os.environ | {"MPLBACKEND": "Agg"}
    path = ROOT / "examples" / script
    printed = run(sys.executable, path, cwd=tmp_path, env=environment)
    assert float(re.search(pattern, printed)[1]) >= at_least


def test_train_images_reads_mnist(mnist, tmp_path):
    args = ["--data", "mnist", "--n-steps", 3, "--max-iter", 1, "--save", "m.joblib"]
    script = ROOT / "examples" / "train_images.py"
    printed = run(sys.executable, script, *args, cwd=tmp_path)
    assert float(re.search(r"10000 held-out images: ([\d.]+)", printed)[1]) > 0.8
    assert (tmp_path / "m.joblib").exists()


def small_mnist(**params):
    """Return digits in the shape of MNIST, in place of `fetch_mnist`."""
    X, y = load_digits(return_X_y=True)
    rows = slice(1000) if params["split"] == "train" else slice(1000, None)
    images = np.zeros((len(X), 28, 28), np.uint8)
    images[:, 10:18, 10:18] = X.reshape(-1, 8, 8) * 15.9375
    return images.reshape(-1, 784)[rows], y[rows]


def promised(code):
    """Return the numbers that a piece of code says it is about to print."""
    return [float(n) for n in re.findall(r"print\(.*\)  # about ([\d.]+)", code)]


@pytest.mark.filterwarnings("ignore:.*interactive:UserWarning")
def test_readme_code_runs(tmp_path, monkeypatch, capsys):
    """All of it, in order and in one namespace, as somebody would type it."""
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.setattr("sklearn_snn.datasets.fetch_mnist", small_mnist)
    np.save("X.npy", np.random.default_rng(0).normal(size=(99, 5)))
    namespace, n_promises = {}, 0
    for block in blocks:
        if "X.npy" in block:  # of the reader's own, with labels
            namespace["y"] = np.arange(99) % 2
        exec(compile(block, "README.md", "exec"), namespace)
        printed = capsys.readouterr().out.splitlines()
        if "fetch_mnist" not in block and promised(block):
            said = [float(line) for line in printed[-len(promised(block)) :]]
            np.testing.assert_allclose(said, promised(block), atol=0.015)
            n_promises += len(said)
    assert n_promises >= 2
    assert (tmp_path / "digits.joblib").exists()


def test_classifiers_claim_the_tested_versions_of_python():
    page = (ROOT / "docs" / "install.rst").read_text()
    tested = re.search(r"(?m)^Python +(3\.\d+) +(3\.\d+)$", page).groups()
    lowest, newest = (int(version.removeprefix("3.")) for version in tested)
    python = "Programming Language :: Python :: 3."
    claimed = [c for c in PYPROJECT["project"]["classifiers"] if c.startswith(python)]
    assert claimed == [f"{python}{minor}" for minor in range(lowest, newest + 1)]
    assert PYPROJECT["project"]["requires-python"] == f">=3.{lowest}"


def test_readme_names_the_types_that_skops_asks_about():
    import sklearn_snn
    from sklearn_snn import quantization

    modules = sklearn_snn, quantization
    public = [getattr(module, name) for module in modules for name in module.__all__]
    ours = [c for c in public if isinstance(c, type) and issubclass(c, BaseEstimator)]
    named = re.findall(r"`(sklearn_snn\.(?:\w+\.)?_[\w.]+)`", README)
    # Where files of older versions have it.
    named.remove("sklearn_snn._encoders.PoissonSpikeEncoder")
    assert sorted(named) == sorted(f"{c.__module__}.{c.__qualname__}" for c in ours)


ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()


def documented_modules():
    """Return the modules that the tables of the architecture list, in order."""
    rows = re.findall(r"(?m)^\| (`.*?) \|", ARCHITECTURE)
    paths = [path for row in rows for path in re.findall(r"`([\w/]+\.py)`", row)]
    return [PACKAGE / path for path in paths]


def imports(path):
    """Return the modules of the package that one imports, also in functions."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("sklearn_snn"):
            base = ROOT / node.module.replace(".", "/")
            found |= {base / f"{alias.name}.py" for alias in node.names}
            found |= {base.with_suffix(".py"), base / "__init__.py"}
    return {path for path in found if path.exists()}


def test_modules_are_documented_in_the_architecture():
    """In its tables, or, those of displays, in the text."""
    documented, modules = documented_modules(), {*PACKAGE.rglob("*.py")}
    assert len(documented) == len({*documented} & modules)
    for path in modules - {*documented}:
        is_empty = path.name == "__init__.py" and not imports(path)
        is_shown = path.parent.name == "inspection" and (
            f"`{path.name}`" in ARCHITECTURE or path.name == "__init__.py"
        )
        assert is_empty or is_shown, path


def test_parts_of_a_page_are_documented_in_the_architecture():
    assert [p.name for p in PAGE.iterdir() if f"`{p.name}`" not in ARCHITECTURE] == []


def test_imports_go_down_the_architecture():
    """A module imports those that are listed below it, and training no engine."""
    documented = documented_modules()
    for index, path in enumerate(documented):
        if path == PACKAGE / "__init__.py":
            continue
        listed = imports(path) & {*documented}
        above = {p for p in listed if p in documented[:index]}
        assert not above, (path, above)
    for path in (PACKAGE / "_training").glob("*.py"):
        assert not [p for p in imports(path) if "_engines" in p.parts], path


def test_files_have_one_purpose_and_no_more_than_400_lines():
    files = [*PACKAGE.rglob("*.py"), *Path(__file__).parent.rglob("*.py")]
    files += PAGE.iterdir()
    assert len(files) > 150
    assert [f for f in files if len(f.read_text().splitlines()) > 400] == []


def test_versions_agree():
    import sklearn_snn

    citation = (ROOT / "CITATION.cff").read_text()
    assert f"version: {sklearn_snn.__version__}\n" in citation


SKIPS = {
    "in_a_test": "def test():\n    pytest.skip()",
    "in_a_docstring": "def f():\n    'D.\\n\\n>>> pytest.skip()\\n'",
    "in_a_module": "pytest.skip(allow_module_level=True)",
}


# A module that is skipped as a whole is one of tests and one of docstrings, which count
# as one where several processes report.
@pytest.mark.parametrize(
    ("n_processes", "n_skipped", "no_skips"), [(0, 4, ""), (0, 4, "1"), (2, 3, "1")]
)
def test_ci_does_not_overlook_a_skip(n_processes, n_skipped, no_skips, tmp_path):
    shutil.copy(ROOT / "conftest.py", tmp_path)
    for where, code in SKIPS.items():
        (tmp_path / f"test_{where}.py").write_text(f"import pytest\n\n{code}\n")
    (tmp_path / "test_other.py").write_text("def test_passes():\n    pass\n")
    command = [sys.executable, "-m", "pytest", "--doctest-modules", "-q", tmp_path]
    done = subprocess.run(
        [*command, f"--numprocesses={n_processes}"],
        env={**os.environ, "SKLEARN_SNN_NO_SKIPS": no_skips},
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"1 passed, {n_skipped} skipped" in done.stdout
    assert done.returncode == int(bool(no_skips)), done.stdout
    assert ("which CI does not allow" in done.stdout) == bool(no_skips)


# Blocks what only comparisons with other libraries need, in the plugin of a run.
NO_ORACLES = """
import sys
libraries = "torch torchvision torchaudio spikingjelly snntorch norse nirtorch"
for name in libraries.split():
    sys.modules[name] = None
"""


def test_tests_are_found_without_the_oracles(tmp_path):
    """`pip install '.[test]'` brings no torch; what needs none runs."""
    (tmp_path / "no_oracles.py").write_text(NO_ORACLES)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no_oracles", "-k"]
    chosen = "surrogates or test_optimizers or smooth_network"
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"PYTHONPATH": path, "SKLEARN_SNN_NO_SKIPS": ""}
    printed = run(*command, chosen, "tests", cwd=ROOT, env=environment)
    assert re.search(r"\d+ passed, .*\d+ skipped", printed), printed


def test_extras_bring_what_code_uses():
    extras = PYPROJECT["project"]["optional-dependencies"]
    everything = {"fast", "plot", "datasets", "shd", "nir", "distributed", "progress"}
    assert {*re.split(r"[\[\],]", extras["all"][0])[1:-1]} == everything
    # These bound other libraries, of which the tests take the newest.
    bounding = {"aeon", "sktime"}
    # The page on installing names each, and nothing that is not there.
    page = (ROOT / "docs" / "install.rst").read_text()
    named = {*re.findall(r"(?m)^``(\w+)`` ", page)}
    assert named == everything | bounding | {"all"}
    assert not re.search("torch|aeon|sktime", " ".join(extras["test"]))


def test_lowest_versions_are_read_from_pyproject():
    project = {
        "name": "me",
        "dependencies": ["numpy>=2.0"],
        "optional-dependencies": {
            "a": ["b[c]>=1.2", "me[d,e]"],
            "d": ["f==3"],
            "e": [],
        },
    }
    assert constraints(project, ["a"]) == {"numpy": "2.0", "b": "1.2", "f": "3"}
    assert constraints(project, []) == {"numpy": "2.0"}
    with pytest.raises(ValueError, match="g has no lowest version"):
        constraints({**project, "dependencies": ["g"]}, [])
    with pytest.raises(ValueError, match=r"f has the floors 2 and 3"):
        constraints({**project, "dependencies": ["f>=2"]}, ["a"])
    everything = PYPROJECT["project"]["optional-dependencies"]
    for extra in everything:
        assert "numpy" in constraints(PYPROJECT["project"], [extra])
