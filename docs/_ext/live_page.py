"""The network on the start page, which is trained and exported when pages are built.

``digits.html`` in the static files of the site is what `export_html` makes of the
model that the start page trains. A frame shows it; ``live_page.js`` gives the frame the
height that it asks for, and the theme of the page around it.
"""

import warnings
from pathlib import Path

NAME = "digits.html"


def write_page(path):
    """Train on scikit-learn's digits, and write the page of 20 others.

    Parameters
    ----------
    path : Path
    """
    from sklearn.datasets import load_digits
    from sklearn.pipeline import make_pipeline

    from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier
    from sklearn_snn.export import export_html

    X, y = load_digits(return_X_y=True)
    model = make_pipeline(
        PoissonSpikeEncoder(n_steps=25, random_state=0),
        SpikingClassifier(random_state=0),
    )
    model.fit(X[:1500], y[:1500])
    samples = slice(1700, 1720)
    title = "A spiking network reads digits"
    export_html(model, path, X[samples], y=y[samples], title=title)


def _build(app, exception):
    """Write the page beside the other static files of the site."""
    if exception is None and app.builder.format == "html":
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            write_page(Path(app.outdir) / "_static" / NAME)


def setup(app):
    """Connect to Sphinx."""
    app.add_js_file("live_page.js")
    app.connect("build-finished", _build)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
