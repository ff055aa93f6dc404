"""Private names of other libraries are used in one module, which says why."""

import ast
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from llvmlite.binding import parse_assembly

import sklearn_snn
from sklearn_snn import _compat

PACKAGE = Path(sklearn_snn.__file__).parent
# Modules that are private although their names do not begin with an underscore.
PRIVATE = "joblib.externals", "sklearn.externals", "numba.core"
# Attributes with an underscore that are promised: those of named tuples and of `sys`,
# and what scikit-learn tells those who support its callbacks to call.
PROMISED = {
    *("_asdict", "_fields", "_replace", "_getframe"),
    "_init_callback_context",
}


def is_private(name):
    return any(
        part.startswith("_") and not part.endswith("__") for part in name.split(".")
    )


def imported(tree):
    """Yield the full names of all that a module imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def foreign_private_imports(tree):
    """Return the private names of other libraries that a module imports."""
    found = set()
    for name in imported(tree):
        library, _, rest = name.partition(".")
        if library == "sklearn_snn":
            continue
        promised = getattr(sys.modules.get(library), "__all__", None)
        is_hidden = (
            library == "threadpoolctl" and rest and rest not in (promised or [rest])
        )
        if is_private(name) or name.startswith(PRIVATE) or is_hidden:
            found.add(name)
    return found


def own_names(trees):
    """Return all names with an underscore that the package itself gives."""
    found = set()
    for node in (node for tree in trees for node in ast.walk(tree)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            found.add(node.attr)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)  # of an attribute that is set by its name
    return found


TREES = {path: ast.parse(path.read_text()) for path in PACKAGE.rglob("*.py")}
OWN = own_names(TREES.values())


def foreign_private_attributes(tree):
    """Return the private attributes, not of our own objects, that a module looks up."""
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and is_private(node.attr)
    } - (OWN | PROMISED)


@pytest.mark.parametrize("path", sorted(TREES), ids=lambda p: p.stem)
def test_private_names_are_those_of_one_module(path):
    found = foreign_private_imports(TREES[path])
    found |= foreign_private_attributes(TREES[path])
    if path.name == "_compat.py":
        assert {"joblib.externals.loky.ProcessPoolExecutor", "_cache"} < found
    else:
        assert found == set()


@pytest.mark.parametrize(
    "code",
    [
        "from sklearn.utils import _safe_indexing",
        "from sklearn.utils._param_validation import Interval",
        "import sklearn.utils._mask as mask",
        "from joblib.externals import loky",
        "from numba.core import cgutils",
        "from threadpoolctl import OpenBLASController",
        "dispatcher._cache.flush()",
        "estimator._validate_params()",
    ],
)
def test_a_private_name_elsewhere_is_found(code):
    tree = ast.parse(code)
    assert foreign_private_imports(tree) | foreign_private_attributes(tree)


def test_every_name_is_there_and_used():
    compat = import_module("sklearn_snn._compat")
    used = {
        name.rpartition(".")[2]
        for path, tree in TREES.items()
        if path.name != "_compat.py"
        for name in imported(tree)
        if name.startswith("sklearn_snn._compat.")
    }
    assert used == set(compat.__all__)
    assert all(hasattr(compat, name) for name in compat.__all__)
    import numpy

    assert compat.array_api_numpy().asarray is not None
    assert compat.array_api_numpy().ndarray is numpy.ndarray
    assert callable(compat.numba_cgutils().unpack_tuple)


def test_numba_is_not_imported_by_the_package():
    code = "import sys, sklearn_snn._compat; assert 'numba' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_a_call_makes_of_types_is_found_out_once():
    """But not what it makes of arguments by name, and that nothing is found."""
    asked = []

    class Context:
        name = "numba's"

        def resolve_function_type(self, function, args, kws):
            asked.append((function, *args, *kws))
            return None if function == "no function" else (function, args)

    known = {}
    first, second = (_compat._Remembering(Context(), known) for _ in range(2))
    for context in (first, first, second):
        assert context.resolve_function_type("f", ("x",), {}) == ("f", ("x",))
    assert first.resolve_function_type("f", ["y"], {}) == ("f", ["y"])
    assert asked == [("f", "x"), ("f", "y")]
    for _ in range(2):
        assert first.resolve_function_type("no function", (), {}) is None
        first.resolve_function_type("f", ("x",), {"by": "name"})
    assert asked[2:] == 2 * [("no function",), ("f", "x", "by")]
    assert first.name == "numba's"


def test_functions_without_code_are_left_out():
    module = parse_assembly("declare void @a()\ndefine void @b() { ret void }")
    some = _compat._WithoutDeclarations(module)
    assert [f.name for f in module.functions] == ["a", "b"]
    assert [f.name for f in some.functions] == ["b"]
    some.name = "other"
    assert module.name == some.name == "other"
