"""Docstrings of all that is public, by numpydoc's rules."""

import importlib
import inspect
import sys

import pytest
from numpydoc.validate import validate
from sphinx.ext.autodoc.mock import mock

import sklearn_snn
from sklearn_snn import datasets, exceptions, export, inspection, neurons

MODULES = sklearn_snn, datasets, exceptions, export, inspection, neurons
# Rules that are not kept: a summary may say it all (ES01), not all have relatives
# (SA01), and, as in scikit-learn, what is returned has a name (RT02).
IGNORED = {"ES01", "SA01", "RT02"}
# Methods are shown at work in the example of their class.
IGNORED_IN_METHODS = IGNORED | {"EX01"}


def public_objects():
    """Yield the name and whether it is a method, of all that users can name."""
    for module in MODULES:
        for name in module.__all__:
            thing = getattr(module, name)
            if name.startswith("__"):
                continue
            full = f"{module.__name__}.{name}"
            yield full, False
            if not inspect.isclass(thing) or issubclass(thing, Warning):
                continue
            for method, value in inspect.getmembers(thing):
                is_ours = getattr(value, "__module__", "sklearn_snn") or ""
                if method.startswith("_") or not is_ours.startswith("sklearn_snn"):
                    continue
                if callable(value) or isinstance(value, property):
                    yield f"{full}.{method}", True


OBJECTS = dict(public_objects())


def test_what_is_public_was_found():
    assert "sklearn_snn.SpikingClassifier" in OBJECTS
    assert "sklearn_snn.SpikingClassifier.partial_fit" in OBJECTS
    assert "sklearn_snn.SpikingClassifier.simulate" in OBJECTS
    assert "sklearn_snn.SpikingClassifier.get_params" not in OBJECTS  # scikit-learn's
    assert "sklearn_snn.inspection.WeightDisplay.from_estimator" in OBJECTS
    assert len(OBJECTS) > 45


def errors(name, ignored):
    """Return what numpydoc finds, but for some rules."""
    return [(c, text) for c, text in validate(name)["errors"] if c not in ignored]


@pytest.mark.parametrize("name", OBJECTS)
def test_numpydoc_finds_nothing(name):
    assert not errors(name, IGNORED_IN_METHODS if OBJECTS[name] else IGNORED)


@pytest.mark.parametrize("library", ["aeon", "sktime"])
def test_numpydoc_finds_nothing_in_adapters(library, monkeypatch):
    """With stand-ins for the libraries, as on their pages; methods are inherited."""
    module = f"sklearn_snn.adapters.{library}"
    monkeypatch.delitem(sys.modules, module, raising=False)
    with mock([library]):
        names = importlib.import_module(module).__all__
        assert len(names) == 2
        for name in names:
            assert not errors(f"{module}.{name}", IGNORED)
    del sys.modules[module]
