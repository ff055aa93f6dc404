"""The package as its users get it: imports, wheel, README, examples."""

import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OPTIONAL = ["torch", "torchvision", "numba", "matplotlib", "nir", "dask"]


def run(*args, **kwargs):
    """Run a command; return what it printed, with errors in the failure message."""
    done = subprocess.run(
        [str(a) for a in args], capture_output=True, text=True, check=False, **kwargs
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_import_loads_no_optional_package():
    code = (
        "import sys, sklearn_snn, sklearn_snn.datasets;"
        f"print([m for m in {OPTIONAL} if m in sys.modules])"
    )
    assert run(sys.executable, "-c", code).strip() == "[]"


def test_wheel_and_sdist_install_and_work_outside_the_repository(tmp_path):
    run(sys.executable, "-m", "build", "--outdir", tmp_path, ROOT)
    (wheel,) = tmp_path.glob("*.whl")
    (sdist,) = tmp_path.glob("*.tar.gz")
    names = run(sys.executable, "-m", "tarfile", "--list", sdist)
    assert "sklearn_snn/_neurons.py" in names
    assert "LICENSE" in names
    # The dependencies are those of this environment; the package is the wheel's.
    environment = tmp_path / "venv"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    run(python, "-m", "pip", "install", "--no-deps", "--no-index", wheel)
    site = next((environment / "lib").glob("python*/site-packages"))
    dependencies = Path(pytest.__file__).parents[1]
    (site / "dependencies.pth").write_text(f"{dependencies}\n")
    code = (
        "import sklearn_snn; print(sklearn_snn.__file__)\n"
        "from sklearn.datasets import load_iris\n"
        "print(sklearn_snn.SpikingClassifier().fit(*load_iris(return_X_y=True)))\n"
    )
    printed = run(python, "-c", code, cwd=tmp_path)
    assert printed.splitlines()[0].startswith(str(site))
    assert printed.splitlines()[1] == "SpikingClassifier()"


@pytest.mark.parametrize(
    ("script", "pattern", "at_least"),
    [
        ("train_images.py", r"held-out images: ([\d.]+)", 0.95),
        ("grid_search.py", r"best on held-out digits: ([\d.]+)", 0.93),
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


def test_readme_code_runs(tmp_path):
    readme = (ROOT / "README.md").read_text()
    digits, table, _, _, callbacks, displays, stream = re.findall(
        r"```python\n(.*?)```", readme, re.DOTALL
    )
    rows = "import numpy; numpy.save('X.npy', X[:99]); y = y[:99] > 0\n"
    code = digits + displays + table + callbacks + rows + stream
    environment = os.environ | {"MPLBACKEND": "Agg"}
    printed = run(sys.executable, "-c", code, cwd=tmp_path, env=environment)
    assert [float(accuracy) > 0.95 for accuracy in printed.split()] == [True, True]
    assert (tmp_path / "digits.joblib").exists()


def test_public_names_are_documented_in_the_architecture():
    text = (ROOT / "docs" / "architecture.md").read_text()
    modules = {path.name for path in (ROOT / "sklearn_snn").glob("*.py")}
    assert modules == set(re.findall(r"`(\w+\.py)`", text)) & modules
    for module in modules:
        assert f"`{module}`" in text


def test_versions_agree():
    import sklearn_snn

    citation = (ROOT / "CITATION.cff").read_text()
    assert f"version: {sklearn_snn.__version__}\n" in citation


SKIPS = {
    "in a test": "def test():\n    pytest.skip()",
    "in a docstring": "def f():\n    'D.\\n\\n>>> pytest.skip()\\n'",
    "in a module": "pytest.skip(allow_module_level=True)",
}


@pytest.mark.parametrize("where", sorted(SKIPS))
def test_ci_does_not_overlook_a_skip(where, tmp_path):
    shutil.copy(ROOT / "conftest.py", tmp_path)
    (tmp_path / "test_it.py").write_text(f"import pytest\n\n{SKIPS[where]}\n")
    (tmp_path / "test_other.py").write_text("def test_passes():\n    pass\n")
    command = [sys.executable, "-m", "pytest", "--doctest-modules", "-q", tmp_path]
    for no_skips, returncode in (("", 0), ("1", 1)):
        environment = {**os.environ, "SKLEARN_SNN_NO_SKIPS": no_skips}
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False
        )
        assert "skipped" in done.stdout
        assert done.returncode == returncode, done.stdout
