"""Teaching pages and examples: what they show, what they fold, how wide they are."""

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("docs/guide/*.py"), *ROOT.glob("examples/*.py")])
# Wider code scrolls sideways, and wider pictures cannot be read on a phone.
CODE_WIDTH, FIGURE_WIDTH = 80, 7.5


def _load_extension():
    path = ROOT / "docs/_ext/fold_plots.py"
    spec = importlib.util.spec_from_file_location("fold_plots", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


fold_plots = _load_extension()
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def cells(page):
    """Return the cells of a page, without the text between them."""
    text = re.sub(r'\A(r?""".*?""")', "", page.read_text(), flags=re.DOTALL)
    # A cell of text is a run of comment lines after the mark.
    return [re.sub(r"\A(#.*\n)*", "", part) for part in re.split(r"(?m)^# %%\n", text)]


def test_a_cell_is_taken_apart():
    cell = fold_plots.split_cell(
        "x = 1  # shown\n"
        "\n"
        "# Plotting code\n"
        "# Alt text: A line\n"
        "# that rises.\n"
        "# Not to scale: the rest of the description.\n"
        "plt.plot(x)\n"
        "# a comment\n"
        "\n"
        "# Alt text: Another.\n"
        "plt.show()\n"
    )
    assert cell.shown == "x = 1  # shown"
    assert cell.folded == "plt.plot(x)\n# a comment\n\nplt.show()"
    assert cell.alts == [
        "A line that rises. Not to scale: the rest of the description.",
        "Another.",
    ]


def test_a_cell_without_marks_is_left_as_it_is():
    code = "x = 1\n# Plotting codes are others\nprint(x)"
    assert fold_plots.split_cell(code) == (code, "", [])


def test_images_are_described_in_order():
    rst = "  :alt: first\n  :srcset: /a.png\n\n  :alt: second\n\n  :alt: third\n"
    assert fold_plots.describe(rst, ["A line.", r"A \1 curve."]) == (
        "  :alt: A line.\n  :srcset: /a.png\n\n  :alt: A \\1 curve.\n\n  :alt: third\n"
    )


def test_there_are_pages():
    assert len(PAGES) >= 18


@every_page
def test_no_page_imports_a_private_module(page):
    assert re.findall(r"sklearn_snn(?:\.\w+)*\._\w+", page.read_text()) == []


@every_page
def test_every_picture_is_described(page):
    for cell in cells(page):
        n_pictures = len(re.findall(r"(?m)^(?:plt\.show\(\)| *draw\()", cell))
        alts = fold_plots.split_cell(cell).alts
        assert len(alts) == n_pictures, cell
        assert all(len(alt) > 40 and alt.endswith(".") for alt in alts)


@every_page
def test_plotting_code_is_folded(page):
    """Only a display of the library, which is a line, is shown."""
    for cell in cells(page):
        shown = fold_plots.split_cell(cell).shown
        shown = shown.replace("plt.show()", "").replace("pyplot as plt", "")
        assert not re.search(r"\bplt\.|\baxe?s?\b\.|\bax\[", shown), shown


@every_page
def test_code_and_figures_fit(page):
    parts = [fold_plots.split_cell(cell) for cell in cells(page)]
    code = "\n".join(part.shown + "\n" + part.folded for part in parts).splitlines()
    assert [line for line in code if len(line) > CODE_WIDTH] == []
    widths = re.findall(r"figsize=\(([\d.]+),", page.read_text())
    assert all(float(width) <= FIGURE_WIDTH for width in widths)
