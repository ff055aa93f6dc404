"""Read pages of the documentation: rows of their tables, blocks of their code."""

import re
import textwrap
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"


def table_rows(text):
    """Return the rows of a list-table, as lists of cells without line breaks."""
    rows = []
    for line in text.splitlines():
        if match := re.match(r"   (\*| ) - (.*)", line):
            if match[1] == "*":
                rows.append([])
            rows[-1].append(match[2].strip())
        elif rows and line.startswith("       "):
            rows[-1][-1] += " " + line.strip()
    return rows


def section(text, title):
    """Return the part of a page below a heading, up to the next heading."""
    parts = re.split(r"^(.+)\n(?:-+|~+)\n", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))[title]


def literals(cell):
    """Return what stands in double backticks."""
    return re.findall(r"``(.+?)``", cell)


def code_blocks(name):
    """Return the Python blocks of a page, in reStructuredText or Markdown."""
    text = (DOCS / name).read_text()
    if name.endswith(".md"):
        return re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    blocks = re.findall(
        r"^\.\. code-block:: python\n\n((?:   .*\n|\n)+)", text, re.MULTILINE
    )
    return [textwrap.dedent(block) for block in blocks]
