"""Long names that may go on in the next line, at a dot, an underscore or a hump.

A browser breaks a line at spaces and hyphens. A name such as
``sklearn_snn.inspection.AnytimeAccuracyDisplay`` has neither: it would be broken inside
a word or run out of its box. ``<wbr>`` tells where it may be broken, and is not copied.
"""

import re
from pathlib import Path

# What is not text: code blocks and formulae with all that is in them, and any tag.
TOKEN = re.compile(
    r"<(?P<tag>pre|script|style|svg|textarea|button)\b.*?</(?P=tag)>"
    r'|<(?P<math>span|div) class="math.*?</(?P=math)>'
    r"|<[^>]*>|(?P<text>[^<]+)",
    re.DOTALL,
)
# Shorter names fit anywhere.
LONG = re.compile(r"[\w./=:-]{12,}")
BREAK = re.compile(r"(?<=[^\W_])[._/=:]+(?=\w)|(?<=[a-z])(?=[A-Z])")


def break_names(html):
    """Let the long names of a page be broken.

    Parameters
    ----------
    html : str

    Returns
    -------
    html : str
    """

    def in_name(match):
        return BREAK.sub(r"\g<0><wbr>", match[0])

    def in_token(match):
        text = match["text"]
        return LONG.sub(in_name, text) if text else match[0]

    return TOKEN.sub(in_token, html)


def _in_pages(app, exception):
    """Change the pages when all are written: names stand in sidebars and indices, too.

    Once changed, a page is not changed again: its names are in pieces.
    """
    if exception is not None or app.builder.format != "html":
        return
    for path in Path(app.outdir).rglob("*.html"):
        if "_static" not in path.parts:
            head, body, rest = path.read_text().partition("<body")
            changed = head + body + break_names(rest)
            path.write_text(changed)


def setup(app):
    """Connect to Sphinx."""
    app.connect("build-finished", _in_pages)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
