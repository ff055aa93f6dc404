"""Plotting code that stays folded, and pictures that are described.

Two comments in a cell of a teaching page or an example, and both pages and scripts
read well:

``# Plotting code``
    From here to the end of the cell, the code is shown only when asked for. The
    script that readers download has it where it is.
``# Alt text: ...``
    Describes the picture that the cell draws, on as many comment lines as it needs;
    the second one describes the second picture. It becomes the alternative text of
    the image and is not shown in the page.
"""

import re
from typing import NamedTuple

FOLD = re.compile(r"^# Plotting code\s*$")
ALT = re.compile(r"^\s*# Alt text: (.*)$")
MORE = re.compile(r"^\s*# ?(.*)$")
SUMMARY = "Show the plotting code"


class Cell(NamedTuple):
    """A cell in parts.

    Attributes
    ----------
    shown, folded : str
        Code without the two comments, "" where there is none.
    alts : list of str
        Descriptions of the pictures, in order.
    """

    shown: str
    folded: str
    alts: list


def split_cell(code):
    """Take a cell apart.

    Parameters
    ----------
    code : str

    Returns
    -------
    cell : Cell
    """
    shown, folded, alts = [], [], []
    part, in_alt = shown, False
    for line in code.splitlines():
        alt, more = ALT.match(line), MORE.match(line)
        if alt:
            alts.append(alt[1])
        elif in_alt and more:
            alts[-1] += " " + more[1]
        elif FOLD.match(line):
            part = folded
        else:
            part.append(line)
        in_alt = bool(alt or (in_alt and more))
    shown, folded = ("\n".join(lines).strip("\n") for lines in (shown, folded))
    return Cell(shown, folded, alts)


def describe(rst, alts):
    """Give images their alternative texts.

    Parameters
    ----------
    rst : str
        The images, as sphinx-gallery writes them.
    alts : list of str
        For the first, second, ... image; those beyond keep what they have.

    Returns
    -------
    rst : str
    """
    texts = iter(alts)
    return re.sub(r"(?m)^( *:alt:) (.*)$", lambda m: f"{m[1]} {next(texts, m[2])}", rst)


def described_images(block, block_vars, gallery_conf, **kwargs):
    """Scrape the pictures of a cell, with the descriptions that stand in it.

    Parameters
    ----------
    block, block_vars, gallery_conf
        See sphinx-gallery's ``matplotlib_scraper``, which this calls.

    Returns
    -------
    rst : str
    """
    from sphinx_gallery.scrapers import matplotlib_scraper

    rst = matplotlib_scraper(block, block_vars, gallery_conf, **kwargs)
    return describe(rst, split_cell(block[1]).alts)


def _literal(node, text):
    """Return a literal block like another, with its own text."""
    from docutils import nodes

    new = nodes.literal_block(text, text)
    new.attributes.update(node.attributes)
    return new


def fold(app, doctree):
    """Fold the plotting code in the cells of the page that was just read."""
    from docutils import nodes

    if not app.env.docname.startswith(("auto_guide/", "auto_examples/")):
        return
    for node in list(doctree.findall(nodes.literal_block)):
        cell = split_cell(node.astext())
        if not cell.folded and not cell.alts:
            continue
        parts = [_literal(node, cell.shown)] if cell.shown else []
        if cell.folded:
            opening = f'<details class="fold-plots"><summary>{SUMMARY}</summary>'
            parts += [
                nodes.raw("", opening, format="html"),
                _literal(node, cell.folded),
                nodes.raw("", "</details>", format="html"),
            ]
        node.parent.replace(node, parts)


def _use_scraper(app, config):
    """Let sphinx-gallery use the scraper of this module."""
    # By name, which can be pickled.
    name = f"{__name__}.{described_images.__name__}"
    config.sphinx_gallery_conf["image_scrapers"] = (name,)


def setup(app):
    """Connect to Sphinx."""
    app.connect("config-inited", _use_scraper, priority=1)
    app.connect("doctree-read", fold)
    app.add_css_file("fold.css")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
