"""The page on adding a neuron: its files and changes work, in a copy of the package."""

import os
import re
import shutil
import subprocess
import sys
import textwrap
from typing import NamedTuple

import pytest
from pages import DOCS

ROOT = DOCS.parent
BLOCK = re.compile(
    r"^\.\. code-block:: (\w+)\n   :caption: (.+)\n\n((?:   .*\n|\n)+)", re.MULTILINE
)


# What a program prints, on the same line or the next.
PRINTS = re.compile(r"^ *print\(.*\)(?:  |\n *)# (.+)$", re.MULTILINE)


class Block(NamedTuple):
    """A block of the page: a file, a change to one, or a program."""

    language: str
    path: str
    text: str


def blocks():
    """Return the blocks of the page that have the name of a file, in order."""
    found = BLOCK.findall((DOCS / "adding.rst").read_text())
    return [
        Block(language, path, textwrap.dedent(text).strip("\n") + "\n")
        for language, path, text in found
    ]


def changed(text, change):
    """Return a text with a change that is given as parts of a diff, without numbers.

    Parts are separated by ``@@``; what a part takes away or leaves must stand in the
    text once.
    """
    for part in change.split("@@\n"):
        lines = part.splitlines(keepends=True)
        old = "".join(line[1:] for line in lines if not line.startswith("+"))
        new = "".join(line[1:] for line in lines if not line.startswith("-"))
        assert text.count(old) == 1, f"{text.count(old)} times in the file:\n{old}"
        text = text.replace(old, new)
    return text


class Copy:
    """A copy of the package in which the page is followed.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder):
        self.folder = folder
        ignored = shutil.ignore_patterns("__pycache__", "golden")
        for name in ("sklearn_snn", "tests"):
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        for name in ("conftest.py", "pyproject.toml"):
            shutil.copy(ROOT / name, folder)

    def follow(self, block):
        """Write a file, or change one."""
        path = self.folder / block.path
        if block.language == "diff":
            path.write_text(changed(path.read_text(), block.text))
        else:
            assert not path.exists()
            path.write_text(block.text)

    def run(self, *args):
        """Run Python, with a cache of its own; return the lines that it prints."""
        environment = os.environ | {
            "PYTHONPATH": str(self.folder),
            "NUMBA_CACHE_DIR": str(self.folder / "cache"),
        }
        command = [sys.executable, *args]
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.splitlines()


def is_program(block):
    """Tell whether a block is run, not only written."""
    return block.language == "python" and "/" not in block.path


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """Follow the whole page; its programs must print what they say."""
    copy = Copy(tmp_path_factory.mktemp("copy"))
    for block in blocks():
        copy.follow(block)
        if is_program(block):
            assert copy.run(block.path) == PRINTS.findall(block.text), block.path
    return copy


def test_the_page_is_followed(copy):
    paths = [block.path for block in blocks()]
    assert len(paths) == len(BLOCK.findall((DOCS / "adding.rst").read_text())) > 10
    assert sum(map(is_program, blocks())) == 5


def test_the_row_of_the_table(copy):
    """What tests of the package say of the new neuron, but for those that compile."""
    files = [f"tests/neurons/test_{name}.py" for name in ("differences", "pieces")]
    printed = copy.run(
        "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", "resonator", *files
    )
    assert re.search(r"^\d\d passed", printed[-1]), printed[-1]


def test_a_change():
    text = "a\nb\nc\nd\n"
    assert changed(text, " b\n+x\n@@\n-d\n") == "a\nb\nx\nc\n"
    with pytest.raises(AssertionError, match="0 times in the file"):
        changed(text, " a\n-c\n")
    with pytest.raises(AssertionError, match="2 times in the file"):
        changed("a\na\n", " a\n+b\n")


def test_lines_of_code_fit():
    for block in blocks():
        assert max(map(len, block.text.splitlines())) <= 88, block.path
