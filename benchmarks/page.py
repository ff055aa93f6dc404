"""Measure a page of export_html in Chromium: its size, its frames, and what it answers.

    python benchmarks/page.py

Trains 784-100-10 on MNIST, writes a page of 20 test images, and opens it without a
window at the widths of a phone and of a desk. Per width: frames per second while it
plays, and the slowest frame of 20; milliseconds from a choice to its whole record. Then
how many of 1,000 test images have the same spikes, in all layers, as `simulate` says.
"""

import argparse
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
from playwright.sync_api import sync_playwright
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline

from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier
from sklearn_snn.datasets import fetch_mnist
from sklearn_snn.export import export_html

sys.path.insert(0, str(Path(__file__).parents[1] / "docs"))
from site_checks.browser import launch

WIDTHS = 400, 1400
# Milliseconds between frames while all steps are played at the first speed.
PLAY = """() => new Promise((resolve) => {
    const { player } = spikingPage;
    const times = [];
    player.goTo(0);
    player.play();
    requestAnimationFrame(function note(now) {
        times.push(now);
        if (player.isPlaying) requestAnimationFrame(note);
        else resolve(times.slice(1).map((time, i) => time - times[i]));
    });
})"""
CHOOSE = """() => spikingPage.spec.samples.map((_, i) => {
    const before = performance.now();
    spikingPage.chooseSample(i);
    return performance.now() - before;
})"""
SPIKES = """(images) => images.map((image) => {
    const { model } = spikingPage;
    const { layers } = model.run(model.input.ofValues(image));
    return layers.map(({ spikes }) => Array.from(spikes).join(""));
})"""


def same_spikes(page, model, images):
    """Return of how many images the spikes of all layers are the same."""
    n_same = 0
    for start in range(0, len(images), 100):
        some = images[start : start + 100]
        record = model[-1].simulate(model[0].transform(some), inputs=False)
        for i, layers in enumerate(page.evaluate(SPIKES, some.tolist())):
            expected = ["".join(map(str, s[i].ravel())) for s in record.spikes]
            n_same += layers == expected
    return n_same


def main():
    """Train, export, open, and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--images", type=int, default=1000)
    args = parser.parse_args()
    X, y = fetch_mnist(split="train", return_X_y=True)
    X_test, y_test = fetch_mnist(split="test", return_X_y=True)
    model = make_pipeline(
        PoissonSpikeEncoder(100, random_state=0),
        SpikingClassifier((100,), max_iter=args.epochs, random_state=0),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(X, y)
    print(f"784-100-10, 100 steps: accuracy {model.score(X_test, y_test):.4f}")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        path = Path(folder) / "mnist.html"
        export_html(model, path, X_test[:20], y=y_test[:20])
        print(f"size of the page: {path.stat().st_size / 1e6:.2f} MB")
        browser = launch(playwright)
        for width in WIDTHS:
            page = browser.new_page(viewport={"width": width, "height": 900})
            page.goto(path.as_uri())
            spans = np.array(page.evaluate(PLAY))
            choices = np.array(page.evaluate(CHOOSE))
            print(
                f"{width} px: {1000 / spans.mean():.0f} frames a second, of 20 the "
                f"slowest {np.quantile(spans, 0.95):.0f} ms; a choice takes "
                f"{np.median(choices):.0f} ms"
            )
        n = args.images
        n_same = same_spikes(page, model, X_test[:n])
        print(f"{n_same} of {n} images have the same spikes in all layers")
        browser.close()


if __name__ == "__main__":
    main()
