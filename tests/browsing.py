"""Pages in Chromium: nothing may leave them, and nothing may go wrong in them."""

import importlib.util
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

_PATH = Path(__file__).parents[1] / "docs" / "site_checks" / "browser.py"


def _checks():
    """Return the module that starts Chromium for the checks of the documentation."""
    spec = importlib.util.spec_from_file_location("site_browser", _PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextmanager
def open_browser():
    """Open Chromium; fail, and say what to install, where there is none."""
    checks = _checks()
    try:
        checks.find_browser()
    except FileNotFoundError as error:
        pytest.fail(str(error), pytrace=False)
    with sync_playwright() as playwright:
        browser = checks.launch(playwright)
        yield browser
        browser.close()


@contextmanager
def open_page(browser, path, width=1400, **options):
    """Open a file; in the end check that it had no error, and asked for nothing.

    Parameters
    ----------
    browser : Browser
    path : Path
    width : int, default=1400
        Of the window, in pixels.
    **options
        Of the context: ``color_scheme``, ``has_touch``, ``reduced_motion``, ...
    """
    problems = []
    viewport = {"width": width, "height": 900}
    context = browser.new_context(viewport=viewport, **options)
    page = context.new_page()
    url = path.as_uri()
    page.on("console", lambda message: problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on(
        "request",
        lambda request: (
            request.url.startswith((url, "data:")) or problems.append(request.url)
        ),
    )
    page.goto(url)
    yield page
    context.close()
    assert problems == []
