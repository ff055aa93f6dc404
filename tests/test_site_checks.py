"""What the check of the documentation takes for a fault of layout; no browser here."""

import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture(autouse=True)
def docs_on_path(monkeypatch):
    """Import from docs, as its scripts do."""
    monkeypatch.syspath_prepend(DOCS)
    yield
    for name in [n for n in sys.modules if n.split(".")[0] in ("site_checks", "_ext")]:
        del sys.modules[name]


def seen(**changes):
    """Return what a page without a fault says of itself."""
    facts = {"header": 64, "headerEnd": 400, "window": 400, "width": 400}
    return facts | {"cut": [], "broken": [], "residue": [], "images": []} | changes


def box(**changes):
    """Return a box that scrolls sideways, and is seen to."""
    facts = {"what": "code", "wide": 90, "high": 0, "scrolls": True, "bar": 8}
    return facts | {"text": "X = 1"} | changes


def image(**changes):
    """Return a figure that is described and legible."""
    facts = {"src": "http://x/_images/sphx_glr_06_choosing_001.png", "natural": 800}
    facts |= {"shown": 500, "title": "", "isThumb": False, "isLogo": False}
    return facts | {"alt": "Accuracy against the leak"} | changes


@pytest.mark.parametrize(
    ("facts", "width", "n_problems"),
    [
        ({}, 400, 0),
        ({"header": 135}, 400, 1),
        ({"headerEnd": 430}, 400, 1),
        ({"width": 410}, 400, 1),
        ({"broken": ["spikes", "spikes"]}, 400, 1),
        ({"residue": [r"max\_rate"]}, 400, 1),
        ({"cut": [box()]}, 400, 0),
        ({"cut": [box()]}, 1400, 1),
        ({"cut": [box(bar=0)]}, 400, 1),
        ({"cut": [box(scrolls=False)]}, 400, 1),
        ({"cut": [box(wide=0, high=20)]}, 400, 1),
        ({"images": [image()]}, 400, 0),
        ({"images": [image(shown=300)]}, 400, 1),
        ({"images": [image(), image()]}, 400, 1),
        ({"images": [image(isThumb=True, title="7. Silence")]}, 400, 1),
        ({"images": [image(isThumb=True, title="Rare classes", alt="")]}, 400, 0),
        ({"images": [image(isLogo=True, alt="")]}, 400, 1),
    ],
)
def test_faults_of_a_page(facts, width, n_problems):
    """Each fault is found once, and a page without one passes."""
    from site_checks import judge

    assert len(judge.layout(seen(**facts), width)) == n_problems


@pytest.mark.parametrize(
    ("alt", "is_good"),
    [
        ("", False),
        ("06 choosing", False),
        ("1 2 3", False),
        ("A 7, A 2, A 5", False),
        ("choosing sphx glr", False),
        ("Accuracy against the leak", True),
    ],
)
def test_alternative_texts(alt, is_good):
    """The name of a file, numbers and single letters describe nothing."""
    from site_checks import judge

    src = "http://x/_images/sphx_glr_06_choosing_001.png"
    assert judge.describes(alt, src) == is_good


def test_placeholder_thumbnails(tmp_path):
    """The picture of examples without one is found, and one that two share."""
    from site_checks import judge

    for folder in ("_static", "_images"):
        (tmp_path / folder).mkdir()
    (tmp_path / "_static/no_figure.svg").write_bytes(b"empty")
    for name, content in {"a": b"a", "b": b"b", "c": b"b", "d": b"empty"}.items():
        (tmp_path / f"_images/sphx_glr_{name}_thumb.svg").write_bytes(content)

    assert judge.placeholders(tmp_path) == [
        "a placeholder is the thumbnail of b and c",
        "a placeholder is the thumbnail of d",
    ]


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        (
            "<h1>sklearn_snn.AnytimeDisplay</h1>",
            "<h1>sklearn_<wbr>snn.<wbr>Anytime<wbr>Display</h1>",
        ),
        ("<p>max_rate presented_spikes_</p>", "<p>max_rate presented_<wbr>spikes_</p>"),
        ("<pre>x = a_very_long_name</pre>", "<pre>x = a_very_long_name</pre>"),
        ('<a href="a_very_long_name">x</a>', '<a href="a_very_long_name">x</a>'),
        (
            r'<span class="math">\(a_very_long_name\)</span>',
            r'<span class="math">\(a_very_long_name\)</span>',
        ),
    ],
)
def test_names_may_be_broken(html, expected):
    """At dots, underscores and humps of long names in text, and nowhere else."""
    from _ext import soft_breaks

    assert soft_breaks.break_names(html) == expected


def test_figures_link_to_their_files():
    """The largest file is linked to; other pictures stay as they are."""
    from _ext import full_size

    figure = (
        '<img src="../_images/a.png" srcset="../_images/a.png, ../_images/a_2_00x.png'
        ' 2.00x" alt="A" class = "sphx-glr-single-img"/>'
    )
    logo = '<img src="logo.svg" class="logo"/>'
    wrapped = full_size.wrap_figures(figure + logo, {"a.png": 800}.get)

    assert wrapped == (
        '<a class="full-size" href="../_images/a_2_00x.png"'
        f' style="--natural-width: 800px">{figure}</a>{logo}'
    )
