"""Look at every page of the documentation in a real browser: ``make docs-check``.

    python docs/check_site.py docs/_build/html [--screenshots FOLDER] [--pages PATTERN]

Serves the site on this machine and opens each page in headless Chromium, as a phone and
at the widths of three desks. It fails if a page logs an error, asks for anything beyond
this machine, has a link or an image that leads nowhere, shows a Python warning, or has
a fault of layout: ``site_checks/judge.py`` says what is one.
"""

import argparse
import functools
import re
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin

from playwright.sync_api import sync_playwright
from site_checks import judge
from site_checks.browser import launch

PHONE, DESKS = 400, (1280, 1400, 1920)
# Pages that are empty until someone searches.
GENERATED = "search.html", "genindex.html"

# What a page has to say about itself, whatever its width.
LOOK = """() => ({
    ids: [...document.querySelectorAll('[id]')].map(e => e.id),
    links: [...document.querySelectorAll('a[href]')].map(e => e.href),
    images: [...document.images].map(e => [e.src, e.naturalWidth]),
    warnings: [...document.querySelectorAll('.sphx-glr-script-out')]
        .map(e => e.innerText).filter(t => /:\\d+: \\w*Warning:/.test(t)),
    text: document.querySelector('article, main')?.innerText.length ?? 0,
})"""
MEASURE = (Path(__file__).parent / "site_checks" / "measure.js").read_text()


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and does not talk about it."""

    def log_message(self, *args):
        """Say nothing."""


def serve(folder):
    """Serve a folder on a free port of this machine; return its address."""
    handler = functools.partial(Quiet, directory=folder)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/"


def _is_elsewhere(url, base):
    """Tell whether a request leaves the machine."""
    return not url.startswith((base, "data:", "blob:"))


def _wait_for_formulae(page):
    """Wait until formulae are set, which is after the page is loaded."""
    page.wait_for_function(
        "() => !window.MathJax?.startup?.promise || window.mathIsReady ||"
        " (MathJax.startup.promise.then(() => window.mathIsReady = true), false)"
    )


def look_at(context, base, name, widths, screenshots):
    """Open a page; return what it says of itself, and (where, problem) for each."""
    problems = []
    page = context.new_page()
    page.on("console", lambda m: m.type == "error" and problems.append(m.text))
    page.on("pageerror", lambda e: problems.append(f"script: {e}"))
    page.on("requestfailed", lambda r: problems.append(f"not loaded: {r.url}"))
    page.on("request", lambda r: _is_elsewhere(r.url, base) and problems.append(r.url))
    page.goto(base + name, wait_until="load")
    _wait_for_formulae(page)
    seen = page.evaluate(LOOK)
    problems += [f"image {src} is broken" for src, w in seen["images"] if not w]
    problems += [f"shows a warning: {text[:200]}" for text in seen["warnings"]]
    if seen["text"] < 100 and name not in GENERATED:
        problems.append("hardly any text")
    found = [(name, text) for text in problems]
    for width in widths:
        page.set_viewport_size({"width": width, "height": 900})
        faults = judge.layout(page.evaluate(MEASURE), width)
        found += [(f"{name} at {width} px", text) for text in faults]
        if screenshots:
            path = screenshots / f"{width}" / f"{name.replace('/', '_')}.png"
            page.screenshot(path=path, full_page=True)
    page.close()
    return seen, found


def broken_links(base, folder, pages):
    """Return (page, problem) for each internal link that leads nowhere."""
    broken = []
    for name, seen in pages.items():
        for link in seen["links"]:
            url, anchor = urldefrag(urljoin(base + name, link))
            if not url.startswith(base):
                continue
            target = unquote(url.removeprefix(base).split("?")[0]) or "index.html"
            if target.endswith("/"):
                target += "index.html"
            if not (folder / target).is_file():
                broken.append((name, f"link to {target}, which is not there"))
            elif (
                anchor
                and target in pages
                and unquote(anchor) not in pages[target]["ids"]
            ):
                broken.append((name, f"link to {target}#{anchor}, which is not there"))
    return broken


def open_contexts(browser):
    """Return (context, widths) for a phone and for desks.

    The bars of a phone take no room, and are not there until it is touched, unless the
    page has its own; a desk may change its width while a page is open.
    """
    phone = browser.new_context(
        viewport={"width": PHONE, "height": 900}, is_mobile=True, has_touch=True
    )
    desk = browser.new_context(viewport={"width": DESKS[0], "height": 900})
    return (phone, (PHONE,)), (desk, DESKS)


def look_at_all(base, names, screenshots):
    """Return what each page says of itself, and (where, problem) for each problem."""
    problems, pages = [], {}
    with sync_playwright() as playwright:
        browser = launch(playwright)
        for context, widths in open_contexts(browser):
            for name in names:
                seen, found = look_at(context, base, name, widths, screenshots)
                problems += found
                pages[name] = seen
        browser.close()
    return pages, problems


def main():
    """Look at all pages; return the number of problems."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--screenshots", type=Path)
    parser.add_argument("--pages", default="", help="regular expression")
    args = parser.parse_args()
    names = sorted(
        str(path.relative_to(args.folder))
        for path in args.folder.rglob("*.html")
        if "_static" not in path.parts and re.search(args.pages, str(path))
    )
    base = serve(args.folder)
    pages, problems = look_at_all(base, names, args.screenshots)
    problems += broken_links(base, args.folder, pages)
    problems += [("galleries", text) for text in judge.placeholders(args.folder)]
    for where, text in problems:
        print(f"{where}: {text}")
    n_links = sum(len(seen["links"]) for seen in pages.values())
    n_images = sum(len(seen["images"]) for seen in pages.values())
    print(
        f"{len(names)} pages at {', '.join(map(str, (PHONE, *DESKS)))} px, "
        f"{n_links} links, {n_images} images: {len(problems)} problems"
    )
    return len(problems)


if __name__ == "__main__":
    sys.exit(main() > 0)
