"""Figures that stay legible on a phone, and open at full size.

Each figure becomes a link to its file, and its box knows how wide it is by nature. The
style sheet lets no figure shrink so far that its letters cannot be read, which CSS
alone could not know; the box scrolls instead.
"""

import re
from pathlib import Path

FIGURE = re.compile(
    r'<img\b[^>]*class\s*=\s*"(?:plot-directive|sphx-glr-(?:single|multi)-img)"[^>]*>'
)
SRC = re.compile(r'\bsrc="([^"]+)"')
LARGE = re.compile(r'([^\s",]+) 2\.0+x')


def wrap_figures(html, width_of):
    """Put the figures of a page into links to their files.

    Parameters
    ----------
    html : str
    width_of : callable
        Takes the name of an image file; returns its width in pixels, or None.

    Returns
    -------
    html : str
    """

    def wrap(match):
        image, src = match[0], SRC.search(match[0])[1]
        large = LARGE.search(image)
        width = width_of(Path(src).name)
        style = f' style="--natural-width: {width}px"' if width else ""
        href = large[1] if large else src
        return f'<a class="full-size" href="{href}"{style}>{image}</a>'

    return FIGURE.sub(wrap, html)


def _in_page(app, pagename, templatename, context, doctree):
    """Change the body of a page before it is written."""
    from sphinx.util.images import get_image_size

    copies = {name: path for path, name in app.builder.images.items()}

    def width_of(name):
        # sphinx-gallery copies its figures itself, Sphinx those of the plot directive.
        copied = Path(app.outdir, app.builder.imagedir, name)
        path = Path(app.srcdir, copies[name]) if name in copies else copied
        size = get_image_size(path)
        return size and size[0]

    if "body" in context:
        context["body"] = wrap_figures(context["body"], width_of)


def setup(app):
    """Connect to Sphinx."""
    app.connect("html-page-context", _in_page)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
