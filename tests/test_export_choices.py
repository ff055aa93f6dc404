"""The page of export_html: axes of its plots, and how samples are chosen and named."""

import numpy as np
import pytest
from browsing import open_browser, open_page
from helpers import fast, regressor
from playwright.sync_api import expect

from sklearn_snn.export import export_html

RNG = np.random.default_rng(0)
TABLE, SPIKES = RNG.normal(size=(70, 3)), RNG.random((70, 15, 4)) < 0.4
CLASSES = np.arange(70) % 2
# What is written beside a plot whose values reach from one number to another.
LABELS = """([low, high]) => {
    const { record, panels } = spikingPage;
    const panel = panels.find(({ title }) => title === "Output membranes");
    const found = [], { prototype } = CanvasRenderingContext2D;
    const real = prototype.fillText;
    prototype.fillText = function (text, right, y) {
        const { width } = this.measureText(text);
        found.push({ text, left: right - width, y: y / panel.ratio });
    };
    panel.series = () => ({ values: [low, high], n: 1, isWhole: true });
    panel.set({ ...record, nSteps: 2 });
    panel.show(2);
    prototype.fillText = real;
    return found;
}"""
PLOT = """(title) => {
    const { low, high, end, data } =
        spikingPage.panels.find((panel) => panel.title === title);
    return { low, high, said: end.textContent, lowest: Math.min(...data.values) };
}"""


@pytest.fixture(scope="module")
def browser():
    """Open one browser for all tests of this file."""
    with open_browser() as browser:
        yield browser


@pytest.fixture(autouse=True)
def numpy_engine(monkeypatch):
    """Compile nothing."""
    monkeypatch.setattr("sklearn_snn._engines.fastest", lambda: "numpy")


@pytest.fixture
def page_of(browser, tmp_path):
    """Return a function that opens the page of an estimator."""

    def open_it(estimator, samples, width=1400, **options):
        path = export_html(estimator, tmp_path / "page.html", samples, **options)
        return open_page(browser, path, width, reduced_motion="reduce")

    return open_it


@pytest.mark.parametrize("width", [400, 1400])
def test_numbers_at_an_axis_are_whole_and_apart(width, page_of):
    model = fast(readout="membrane_mean").fit(TABLE, CLASSES)
    ends = [
        (-0.0178, 0.0123),
        (-0.323, 5.1),
        (-0.323, 2.0),
        (-123456.0, 234567.0),
        (-1.23e-5, 1.2e-5),
        (-1.5e-30, 3e30),
        (-0.0178, 0.0),
    ]
    with page_of(model, TABLE[:3], width) as page:
        for low, high in ends:
            labels = page.evaluate(LABELS, [low, high])
            assert labels[0]["text"].startswith(str(low)[:2])
            assert float(labels[0]["text"]) == pytest.approx(low, rel=0.2)
            assert float(labels[1]["text"]) == pytest.approx(high, rel=0.2)
            assert all(label["left"] >= 0 for label in labels)
            heights = sorted(label["y"] for label in labels)
            assert np.diff(heights).min() >= 11
            assert heights[0] >= 6
            assert heights[-1] <= 120 - 6


@pytest.mark.parametrize(
    ("readout", "is_whole"),
    [("membrane_mean", True), ("soft_count", True), ("spike_count", False)],
)
def test_membranes_leave_the_picture_only_where_it_says_so(readout, is_whole, page_of):
    model = fast(readout=readout, reset="subtract").fit(SPIKES, CLASSES)
    with page_of(model, SPIKES[:2]) as page:
        assert page.evaluate(PLOT, "Output membranes")["said"] == ""
    model.intercepts_[-1][:] = [-50, 1]
    with page_of(model, SPIKES[:2]) as page:
        plot = page.evaluate(PLOT, "Output membranes")
        assert plot["lowest"] < -1.5 * plot["high"]
        if is_whole:
            assert (plot["low"], plot["said"]) == (plot["lowest"], "")
        else:
            assert plot["low"] == -1.5 * plot["high"]
            assert plot["said"].startswith(f"cut off below -{1.5 * plot['high']:.3g}, ")
            assert float(plot["said"].split()[-1]) == pytest.approx(
                plot["lowest"], rel=0.01
            )


def test_a_hidden_membrane_that_is_cut_off_says_so(page_of):
    model = fast(readout="membrane_mean").fit(SPIKES, CLASSES)
    model.intercepts_[0][:] = -9
    with page_of(model, SPIKES[:2]) as page:
        assert page.evaluate(PLOT, "Membrane of neuron")["said"].startswith("cut off")


@pytest.mark.parametrize(
    ("y", "width", "expected"),
    [
        (CLASSES, 1400, ["No. 1 (class 0)", "No. 2 (class 1)"]),
        (CLASSES, 400, ["No. 1 (0)", "No. 2 (1)"]),
        (np.array(["ill", "well"])[CLASSES], 1400, ["No. 1 (ill)", "No. 2 (well)"]),
    ],
)
def test_names_of_samples(y, width, expected, page_of):
    model = fast().fit(TABLE, y)
    with page_of(model, TABLE[:2], width, y=y[:2]) as page:
        assert page.locator("#samples button").all_inner_texts() == expected
    with page_of(model, TABLE[:2], width) as page:
        assert page.locator("#samples button").all_inner_texts() == ["1", "2"]


def test_names_of_samples_that_are_numbers(page_of):
    y = TABLE[:, 0].round(2)
    with page_of(regressor().fit(TABLE, y), TABLE[:1], y=y[:1]) as page:
        assert page.locator("#samples button").inner_text() == f"No. 1 ({y[0]:.4g})"


@pytest.mark.parametrize("n_samples", [60, 61])
def test_many_samples_are_a_list(n_samples, page_of):
    model = fast().fit(TABLE, CLASSES)
    samples, y = TABLE[:n_samples], CLASSES[:n_samples]
    with page_of(model, samples, y=y) as page:
        is_list = n_samples > 60
        assert page.locator("#samples button").count() == (0 if is_list else 60)
        if not is_list:
            return
        chooser = page.get_by_label("Sample", exact=True)
        assert chooser.bounding_box()["height"] >= 40
        assert chooser.locator("option").nth(9).inner_text() == "No. 10 (class 1)"
        chooser.select_option(index=60)
        assert page.inner_text("#verdict-detail").endswith(f"Truth: {y[60]}.")
        shown = page.evaluate("spikingPage.sliders.rows.map(r => +r.slider.value)")
        np.testing.assert_allclose(shown, samples[60])
        # Values that someone sets are no sample; and the same one can be chosen again.
        page.locator("#sliders input").first.press("End")
        assert chooser.input_value() == ""
        chooser.select_option(index=60)
        assert "Truth" in page.inner_text("#verdict-detail")


def test_only_a_pad_tells_of_its_keys(page_of):
    images = RNG.random((20, 64))
    keys = "Arrow keys move the pen, space lowers and lifts it, delete clears."
    with page_of(fast().fit(images, CLASSES[:20]), images[:2]) as page:
        pad = page.get_by_role("application")
        expect(pad).to_have_accessible_description(keys)
        assert keys not in page.locator("body").aria_snapshot()
    with page_of(fast().fit(TABLE, CLASSES), TABLE[:2]) as page:
        assert "pen" not in page.locator("body").aria_snapshot()


def test_summary(page_of):
    listed = [x[: 4 + i % 9] for i, x in enumerate(SPIKES)]
    model = fast(alpha=1.0, recurrent=True).fit(listed, CLASSES)
    with page_of(model, listed[:6]) as page:
        text = page.inner_text("#summary")
        assert text == (
            "4 inputs, 10 recurrent integrate-and-fire neurons, 2 outputs; up to 9 "
            "steps."
        )
    model = fast().fit(SPIKES, CLASSES)
    with page_of(model, SPIKES[:3]) as page:
        text = page.inner_text("#summary")
        assert "10 leaky integrate-and-fire neurons" in text
        assert text.endswith("2 outputs; 15 steps.")
