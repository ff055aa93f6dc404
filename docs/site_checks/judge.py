"""Which of what a page says of its layout is a fault, and from where on.

No browser here: the functions take what ``measure.js`` returned for one page at one
width, and return sentences.
"""

import hashlib
import re
from collections import Counter, defaultdict
from pathlib import Path
from urllib.parse import unquote, urlparse

# The header is one line of links. In pixels, as all lengths here.
HEADER = 72
# From this width on, nothing has to be scrolled sideways to be read.
DESK = 1280
# A bar that is thinner is not seen, so nobody knows that there is more.
BAR = 4
# A figure's letters are 14 px high at its natural width, and 8 px are legible.
FIGURE = 0.6
# Of letters; fewer do not describe a picture, or an example.
ALT_WORDS, TITLE_WORDS = 3, 2


def cuts(seen, width):
    """Return what is wrong with boxes that hold more than they show."""
    problems = []
    for box in seen["cut"]:
        where = f"{box['what']} ({box['text']!r})"
        if box["high"]:
            problems.append(f"{where} is cut: {box['high']} px below are hidden")
        if not box["wide"]:
            continue
        hidden = f"{box['wide']} px to the right are hidden"
        if not box["scrolls"]:
            problems.append(f"{where} is cut: {hidden}")
        elif width >= DESK:
            problems.append(f"{where} has to be scrolled: {hidden}")
        elif box["bar"] < BAR:
            problems.append(f"{where} scrolls, but has no bar that shows it: {hidden}")
    return problems


def describes(alt, src):
    """Tell whether an alternative text describes a picture.

    It does not if it is the name of the file, or has fewer than three words.
    """
    words = _words(alt)
    of_file = set(_words(unquote(Path(urlparse(src).path).stem)))
    return len(words) >= ALT_WORDS and not set(words) <= of_file


def _words(text):
    """Return the words of a text that have at least two letters, in lower case."""
    return re.findall(r"[^\W\d_]{2,}", text.lower())


def images(seen, width):
    """Return what is wrong with the pictures of a page."""
    problems = []
    for image in seen["images"]:
        name = Path(urlparse(image["src"]).path).name or image["src"][:40]
        if image["isLogo"]:
            if not (image["alt"] + image["title"]).strip():
                problems.append(f"{name} has no alt, and no text beside it")
        elif image["isThumb"]:
            if len(_words(image["title"])) < TITLE_WORDS:
                problems.append(f"{name}: {image['title']!r} does not say what it is")
        else:
            if not describes(image["alt"], image["src"]):
                problems.append(f"{name}: alt {image['alt']!r} does not describe it")
            scale = image["shown"] / (image["natural"] or 1)
            if image["natural"] and scale < FIGURE:
                problems.append(f"{name} is shown at {scale:.2f} of its size")
    texts = Counter(
        image["alt"].strip().lower()
        for image in seen["images"]
        if not image["isThumb"] and not image["isLogo"]
    )
    problems += [f"{n} pictures with the alt {t!r}" for t, n in texts.items() if n > 1]
    return problems


def layout(seen, width):
    """Return all that is wrong with the layout of a page at a width."""
    problems = []
    if seen["width"] > width:
        problems.append(f"{seen['width']} px wide")
    if seen["header"] > HEADER:
        problems.append(f"header of {seen['header']} px")
    if seen["headerEnd"] > seen["window"]:
        problems.append(f"the header goes on to {seen['headerEnd']} px")
    for word, n in Counter(seen["broken"]).items():
        problems.append(f"word broken in two lines, {n} times: {word[:60]}")
    problems += [f"markup is shown: {text!r}" for text in seen["residue"]]
    return problems + cuts(seen, width) + images(seen, width)


def placeholders(folder):
    """Return what is wrong with the thumbnails of the galleries.

    A picture that several examples share says nothing of any of them; nor does the one
    that ``conf.py`` names for examples without a figure.

    Parameters
    ----------
    folder : Path
        Of the site.
    """
    empty = hashlib.sha256((folder / "_static" / "no_figure.svg").read_bytes()).digest()
    examples = defaultdict(list)
    for path in sorted((folder / "_images").glob("sphx_glr_*_thumb*")):
        digest = hashlib.sha256(path.read_bytes()).digest()
        examples[digest].append(re.sub("^sphx_glr_|_thumb.*$", "", path.name))
    return [
        f"a placeholder is the thumbnail of {' and '.join(names)}"
        for digest, names in examples.items()
        if len(names) > 1 or digest == empty
    ]
