"""Configuration of the documentation, which ``make docs`` builds."""

import os
import sys
import warnings
from pathlib import Path

import sklearn_snn
from sklearn_snn.datasets import fetch_mnist

sys.path.insert(0, str(Path(__file__).parent))

project = "sklearn-snn"
author = "The sklearn-snn developers"
project_copyright = author
release = version = sklearn_snn.__version__

extensions = [
    "_ext.fold_plots",
    "matplotlib.sphinxext.plot_directive",
    "myst_parser",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx-mathjax-offline",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "_ext.full_size",
    "_ext.live_page",
    "_ext.soft_breaks",
]
exclude_patterns = ["_build", "_generated", "guide", "**/GALLERY_HEADER.rst"]
myst_heading_anchors = 3
numpydoc_show_class_members = False
# They hold other libraries back, and are not installed where pages are built.
autodoc_mock_imports = ["aeon", "sktime"]
# Long signatures have a line for each parameter.
python_maximum_signature_line_length = 70
toc_object_entries_show_parents = "hide"
autodoc_default_options = {"member-order": "bysource"}
# Text within a formula is LaTeX too: an underscore in it is written ``\\_``.
mathjax4_config = {
    "loader": {"load": ["[tex]/textmacros"]},
    "tex": {"packages": {"[+]": ["textmacros"]}},
}
plot_html_show_formats = False
plot_html_show_source_link = False
plot_formats = [("png", 120)]
plot_rcparams = {"figure.constrained_layout.use": True}

html_theme = "pydata_sphinx_theme"
html_title = "sklearn-snn"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_show_sourcelink = False
html_logo = html_favicon = "_static/logo.svg"
html_context = {"default_mode": "auto"}
html_sidebars = {
    name: []
    for name in (
        *("index", "install", "when_to_use", "your_data", "deployment"),
        *("coming_from", "benchmarks", "distributed", "glossary", "time_series"),
        *("architecture", "adding"),
    )
}
html_theme_options = {
    "show_prev_next": False,
    "navigation_with_keys": False,
    "footer_start": ["copyright"],
    "footer_end": [],
    "header_links_before_dropdown": 5,
    "logo": {"text": "sklearn-snn"},
    "navbar_persistent": ["search-button"],
}


# Examples that read recordings from the folder that SKLEARN_SNN_DATA names.
_RECORDINGS = {
    "spoken_digits": Path("FSDD", "fsdd_mel.npz"),
    "touch": Path("Braille", "braille.npz"),
}


def _not_to_be_run():
    """Return a pattern of the examples that cannot be run, for want of their data."""
    missing = []
    try:
        fetch_mnist(split="test")
    except OSError as error:
        missing.append((r"mnist|08_article", f"no MNIST ({error})"))
    folder = Path(os.environ.get("SKLEARN_SNN_DATA", ""))
    for name, file in _RECORDINGS.items():
        if not (folder / file).exists():
            missing.append((rf"{name}\.py", f"no {folder / file}"))
    if missing and os.environ.get("SKLEARN_SNN_NO_SKIPS"):
        raise FileNotFoundError("; ".join(why for _, why in missing))
    for pattern, why in missing:
        print(
            f"There is {why} here: examples ({pattern}) are shown without having been "
            "run. SKLEARN_SNN_DATA may name the folder."
        )
    return "|".join(pattern for pattern, _ in missing) or "^$"


def _strict(gallery_conf, fname):
    """Let a warning in an example be an error, but for those that are the subject."""
    warnings.resetwarnings()
    warnings.filterwarnings("error", module="sklearn_snn|sklearn|__main__")


sphinx_gallery_conf = {
    "examples_dirs": ["guide", "../examples"],
    "gallery_dirs": ["auto_guide", "auto_examples"],
    # Run all but those that cannot be; train_images.py is the program of `make demo`.
    "filename_pattern": rf"^(?!.*({_not_to_be_run()})).*$",
    "ignore_pattern": r"train_images\.py",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "reset_modules": ("matplotlib", "seaborn", _strict),
    "show_memory": False,
    # Screens of phones have more points than pixels of CSS.
    "image_srcset": ["2x"],
    # What docs-check knows an example by that has no picture of its own.
    "default_thumb_file": str(Path(__file__).parent / "_static" / "no_figure.svg"),
    "show_signature": False,
    "download_all_examples": False,
    "min_reported_time": 1,
    "write_computation_times": False,
    "remove_config_comments": True,
    "doc_module": ("sklearn_snn",),
    "backreferences_dir": "api/backreferences",
    "inspect_global_variables": False,
}
# The footer of an example's page has a date, which would differ in every build.
suppress_warnings = ["config.cache"]
