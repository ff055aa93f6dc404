"""Long names that may go on in the next line, at a dot, an underscore or a hump.

A browser breaks a line at spaces and hyphens. A name such as
``sklearn_snn.inspection.AnytimeAccuracyDisplay`` has neither: it would be broken inside
a word or run out of its box. ``<wbr>`` tells where it may be broken, and is not copied.
"""

import re

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


def _in_page(app, pagename, templatename, context, doctree):
    """Change the body of a page before it is written."""
    if "body" in context:
        context["body"] = break_names(context["body"])


def setup(app):
    """Connect to Sphinx."""
    app.connect("html-page-context", _in_page)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
