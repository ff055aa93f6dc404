"""Chromium on this machine, without a window, for checks and tests of pages."""

import os
import shutil

BROWSERS = "chromium", "chromium-browser", "google-chrome"


def find_browser():
    """Return the path of Chromium.

    Raises
    ------
    FileNotFoundError
        If there is none.
    """
    names = [os.environ.get("CHROMIUM"), *BROWSERS]
    path = next((p for name in names if name and (p := shutil.which(name))), None)
    if path is None:
        raise FileNotFoundError(
            f"No browser: install Chromium ({', '.join(BROWSERS)} on the PATH), or "
            "name one in the environment variable CHROMIUM."
        )
    return path


def launch(playwright):
    """Return a browser, whose scroll bars take room as those of a desk do."""
    return playwright.chromium.launch(
        executable_path=find_browser(),
        args=["--no-sandbox", "--disable-background-networking"],
        ignore_default_args=["--hide-scrollbars"],
    )
