"""Print the lowest versions that pyproject.toml allows, as constraints for pip.

    python tests/lowest.py [extra ...] > constraints.txt

Of every requirement of the package and of these extras.
"""

import re
import sys
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"
_REQUIREMENT = re.compile(r"([\w.-]+)(?:\[([\w,-]+)\])?(?:(>=|==)([\w.]+))?")


def requirements(project, extras):
    """Yield (name, extras, operator, version) of the package's and of some extras'."""
    texts = [*project["dependencies"]]
    for extra in extras:
        texts += project["optional-dependencies"][extra]
    for text in texts:
        name, more, operator, version = _REQUIREMENT.match(text).groups()
        if name == project["name"]:
            yield from requirements(project, more.split(","))
        else:
            yield name, operator, version


def constraints(project, extras):
    """Return the constraints, by name; raise ValueError where a version is missing."""
    found = {}
    for name, operator, version in requirements(project, extras):
        if operator is None:
            raise ValueError(f"{name} has no lowest version.")
        if found.setdefault(name, version) != version:
            raise ValueError(f"{name} has the floors {found[name]} and {version}.")
    return found


if __name__ == "__main__":
    project = tomllib.loads(PYPROJECT.read_text())["project"]
    for name, version in sorted(constraints(project, sys.argv[1:]).items()):
        print(f"{name}=={version}")
