"""The page of export_html in use: clock, keys, fingers, drawing, and its layout."""

import numpy as np
import pytest
from browsing import open_browser, open_page
from helpers import fast, make_encoder
from sklearn.datasets import load_digits
from sklearn.pipeline import make_pipeline

from sklearn_snn.export import export_html

N_STEPS = 40
# In steps per second: none of these tests waits for a slow clock.
FAST = "spikingPage.player.setSpeed(60)"


@pytest.fixture(scope="module")
def browser():
    """Open one browser for all tests of this file."""
    with open_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def digits_model():
    """Return a pipeline that reads digits a little, and ten images."""
    X, y = load_digits(return_X_y=True)
    encoder = make_encoder(n_steps=N_STEPS, max_rate=0.6)
    model = make_pipeline(encoder, fast(engine="numpy", hidden_layer_sizes=(30, 20)))
    return model.fit(X[:400], y[:400]), X[-10:], y[-10:]


@pytest.fixture(scope="module")
def digits_page(digits_model, tmp_path_factory):
    """Return the file of a page of ten digits."""
    model, X, y = digits_model
    path = tmp_path_factory.mktemp("pages") / "digits.html"
    return export_html(model, path, X, y=y, title="Digits")


@pytest.fixture
def page(browser, digits_page):
    """Open the page, and let it stand still at its first step."""
    with open_page(browser, digits_page) as page:
        page.evaluate("spikingPage.player.goTo(0)")
        yield page


def steps(page):
    """Return how many steps are shown, as a reader sees it."""
    text, handle = page.evaluate(
        "[document.getElementById('clock').innerText,"
        " document.getElementById('time').value]"
    )
    assert text == f"{handle} / {N_STEPS} steps"
    return int(handle)


def is_playing(page):
    """Tell whether the button says that it pauses."""
    return page.get_attribute("#play", "aria-label") == "Pause"


def wait_for(page, n_steps):
    """Wait until so many steps are shown; the page lets nobody evaluate text in it."""
    for _ in range(1000):
        if steps(page) >= n_steps:
            return
        page.wait_for_timeout(20)
    pytest.fail(f"It stands still at {steps(page)} steps.")


def pixels(page, selector):
    """Return how many pixels of a canvas are not empty."""
    return page.locator(selector).evaluate("""(canvas) => {
        const { width, height } = canvas;
        const copy = new OffscreenCanvas(width, height);
        const context = copy.getContext("2d", { willReadFrequently: true });
        context.drawImage(canvas, 0, 0);
        const { data } = context.getImageData(0, 0, width, height);
        return data.filter((x, i) => i % 4 === 3 && x > 0).length;
    }""")


def test_it_begins_by_itself_and_stays_at_the_end(browser, digits_page):
    with open_page(browser, digits_page) as page:
        assert is_playing(page)
        page.evaluate(FAST)
        wait_for(page, N_STEPS)
        assert not is_playing(page)
        page.click("#play")
        assert is_playing(page)
        assert steps(page) < N_STEPS


def test_play_and_pause(page):
    page.evaluate(FAST)
    assert not is_playing(page)
    page.click("#play")
    wait_for(page, 5)
    page.click("#play")
    stopped = steps(page)
    page.wait_for_timeout(100)
    assert steps(page) == stopped < N_STEPS
    assert page.inner_text("#status").startswith(f"{stopped} of {N_STEPS} steps: ")


def test_step_restart_and_time(page):
    for expected in (1, 2, 3):
        page.click("#step")
        assert steps(page) == expected
    page.fill("#time", "17")
    assert steps(page) == 17
    page.click("#restart")
    assert steps(page) == 0
    assert page.inner_text("#verdict") == "\N{EN DASH}"


def test_speed(page):
    """At twice the speed, twice as many steps in the same time of the clock."""
    shown = []
    for speed in (10, 20):
        page.evaluate(f"spikingPage.player.setSpeed({speed})")
        assert page.inner_text("#speed-value").startswith(str(speed))
        shown.append(
            page.evaluate("""() => {
                const { player } = spikingPage;
                let frame;
                const real = window.requestAnimationFrame;
                window.requestAnimationFrame = (callback) => { frame = callback; };
                player.goTo(0);
                player.play();
                for (const now of [1000, 1500, 2000]) frame(now);
                window.requestAnimationFrame = real;
                player.pause();
                return player.time;
            }""")
        )
    assert shown == pytest.approx([10, 20], rel=0.03)


def test_keys(page):
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    assert steps(page) == 2
    page.keyboard.press("ArrowLeft")
    assert steps(page) == 1
    page.keyboard.press("End")
    assert steps(page) == N_STEPS
    page.keyboard.press("Home")
    assert steps(page) == 0
    page.keyboard.press("Space")
    assert is_playing(page)
    page.keyboard.press("Space")
    assert not is_playing(page)
    # On a button, space presses it, once.
    page.focus("#step")
    page.keyboard.press("Home")
    page.keyboard.press("Space")
    assert steps(page) == 1
    # Sliders have their own keys.
    page.focus("#time")
    page.keyboard.press("ArrowRight")
    assert steps(page) == 2


def test_everything_can_be_reached_by_keyboard(page):
    page.evaluate("document.activeElement.blur()")
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        name = page.evaluate(
            "document.activeElement.id || document.activeElement.ariaLabel || ''"
        )
        if name in reached:
            break
        reached.append(name)
    names = {"pad", "clear", "play", "restart", "step", "speed", "time"}
    names |= {"Hidden neuron", "Hidden layer"}
    assert names <= {*reached}
    assert sum(name.startswith("Sample ") for name in reached) == 10


def test_what_is_shown_builds_up(page):
    canvases = [f"#panels figure:nth-of-type({i}) canvas" for i in (1, 3, 4, 5, 6, 7)]
    page.evaluate(f"spikingPage.player.goTo({N_STEPS // 4})")
    before = [pixels(page, canvas) for canvas in canvases]
    page.evaluate(f"spikingPage.player.goTo({N_STEPS})")
    after = [pixels(page, canvas) for canvas in canvases]
    assert all(a < b for a, b in zip(before, after, strict=True))
    record = page.evaluate("""() => {
        const { record } = spikingPage;
        const counts = record.layers.map(
            ({ spikes }) => spikes.reduce((sum, s) => sum + s, 0));
        const n = record.events.reduce((sum, { on }) => sum + on.length, 0);
        return [n, ...counts];
    }""")
    notes = page.locator("#panels figcaption span").all_inner_texts()
    shown = [int(n.split()[0].replace(",", "")) for n in notes if "so far" in n]
    assert shown == record[:3]


def test_answer_and_truth(page, digits_model):
    model, X, y = digits_model
    probabilities = model.predict_proba(X)
    for i in range(10):
        page.click(f"#samples button:nth-of-type({i + 1})")
        page.evaluate(f"spikingPage.player.goTo({N_STEPS})")
        best = probabilities[i].argmax()
        assert page.inner_text("#verdict") == str(model.classes_[best])
        detail = page.inner_text("#verdict-detail")
        assert detail == f"Probability {probabilities[i, best]:.2f}.\nTruth: {y[i]}."
        pressed = page.locator("#samples [aria-pressed=true]")
        assert pressed.get_attribute("aria-label") == f"Sample {i + 1}: class {y[i]}"
    shown = page.locator("#outputs .number").all_inner_texts()
    assert [float(n) for n in shown] == pytest.approx(probabilities[-1], abs=0.0051)
    assert page.locator("#outputs li.best .name").inner_text() == str(best)


def test_a_hidden_neuron_is_chosen_by_number_and_in_the_raster(page):
    page.select_option("[aria-label='Hidden layer']", "0")
    page.fill("[aria-label='Hidden neuron']", "29")
    page.press("[aria-label='Hidden neuron']", "Enter")
    assert page.evaluate("spikingPage.neuron") == {"layer": 0, "unit": 29}
    shown = page.evaluate("spikingPage.membrane.data.values.length")
    assert shown == N_STEPS
    page.fill("[aria-label='Hidden neuron']", "99")
    page.press("[aria-label='Hidden neuron']", "Enter")
    assert page.input_value("[aria-label='Hidden neuron']") == "29"
    raster = page.locator("#panels figure:nth-of-type(4) canvas")
    box = raster.bounding_box()
    # The neuron at the bottom of the second layer is its first.
    raster.click(position={"x": 200, "y": box["height"] - 2})
    assert page.evaluate("spikingPage.neuron") == {"layer": 1, "unit": 0}
    assert page.input_value("[aria-label='Hidden layer']") == "1"
    values = page.evaluate("""() => {
        const { membrane, record } = spikingPage;
        const { membranes } = record.layers[1];
        return membrane.data.values.every((u, t) => u === membranes[20 * t]);
    }""")
    assert values


DRAWN = """() => ({
    levels: Array.from(spikingPage.pad.levels),
    spikes: spikingPage.record.layers.map(({ spikes }) => Array.from(spikes)),
})"""


def assert_answers_to_drawing(page, digits_model):
    """Check that what is drawn is what the network answers to; return the pixels."""
    model, _, _ = digits_model
    drawn = page.evaluate(DRAWN)
    encoder, network = model[0], model[-1]
    values = encoder.data_max_ * np.array(drawn["levels"]) / 255
    record = network.simulate(encoder.transform(values[np.newaxis]))
    for found, spikes in zip(drawn["spikes"], record.spikes, strict=True):
        assert found == spikes[0].ravel().tolist()
    page.evaluate(f"spikingPage.player.goTo({N_STEPS})")
    answer = model.predict(values[np.newaxis])[0]
    assert page.inner_text("#verdict") == str(answer)
    assert "Truth" not in page.inner_text("#verdict-detail")
    assert page.locator("#samples [aria-pressed=true]").count() == 0
    return np.reshape(drawn["levels"], (8, 8))


def test_drawing_with_the_mouse(page, digits_model):
    box = page.locator("#pad").bounding_box()
    x, y, side = box["x"], box["y"], box["width"] / 8
    page.mouse.move(x + 4.5 * side, y + 1.5 * side)
    page.mouse.down()
    page.mouse.move(x + 4.5 * side, y + 6.5 * side)
    page.mouse.up()
    assert is_playing(page)
    image = assert_answers_to_drawing(page, digits_model)
    # The sample that was there is gone, and the line is where it was drawn.
    assert (image[1:7, 4] > 200).all()
    assert image[:, [0, 1, 2, 6, 7]].sum() == 0
    page.click("#clear")
    assert page.evaluate("spikingPage.pad.levels.every((level) => level === 0)")
    assert page.inner_text("#pad-hint") == "Draw here, as large\nas the samples"


def test_drawing_with_the_keyboard(page, digits_model):
    page.focus("#pad")
    for key in ("ArrowUp", "ArrowUp", "Space", *["ArrowDown"] * 3, "Space"):
        page.keyboard.press(key)
    image = assert_answers_to_drawing(page, digits_model)
    assert (image[2:6, 4] > 100).all()
    assert image[:, :3].sum() == 0
    page.focus("#pad")
    page.keyboard.press("Delete")
    assert page.evaluate("spikingPage.pad.levels.every((level) => level === 0)")


def test_fingers(browser, digits_page, digits_model):
    """They draw on the pad without scrolling, and every control is large enough."""
    with open_page(browser, digits_page, 400, is_mobile=True, has_touch=True) as page:
        page.locator("#play").tap()
        assert not is_playing(page)
        page.locator("#samples button").nth(2).tap()
        assert is_playing(page)
        box = page.locator("#pad").bounding_box()
        touch = page.context.new_cdp_session(page)
        # Upwards, which would scroll the page down.
        middle, bottom = box["x"] + box["width"] / 2, box["y"] + box["height"] - 30
        kinds = ["touchStart", *["touchMove"] * 4, "touchEnd"]
        for i, kind in enumerate(kinds):
            points = [] if kind == "touchEnd" else [{"x": middle, "y": bottom - 25 * i}]
            event = {"type": kind, "touchPoints": points}
            touch.send("Input.dispatchTouchEvent", event)
        assert page.evaluate("window.scrollY") == 0
        image = assert_answers_to_drawing(page, digits_model)
        assert image.any(axis=1).sum() >= 4
        for control in page.locator("button, input[type=range]").all():
            if control.is_visible():
                assert control.bounding_box()["height"] >= 40


@pytest.mark.parametrize("width", [400, 1400])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_layout(width, scheme, browser, digits_page):
    with open_page(browser, digits_page, width, color_scheme=scheme) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        back = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (
            back == {"light": "rgb(255, 255, 255)", "dark": "rgb(20, 24, 30)"}[scheme]
        )
        # What is drawn has the colours of the page.
        ink = page.evaluate("palette.text")
        assert ink == page.evaluate("getComputedStyle(document.body).color")
        boxes = [page.locator(part).bounding_box() for part in ("#input", "#activity")]
        if width == 1400:
            assert boxes[0]["x"] + boxes[0]["width"] <= boxes[1]["x"]
        for canvas in page.locator("#panels figure:not([hidden]) canvas").all():
            assert canvas.bounding_box()["width"] > 0.85 * boxes[1]["width"]
            assert canvas.get_attribute("aria-label")


def test_reduced_motion(browser, digits_page):
    """Nothing moves by itself; what was chosen is shown whole."""
    with open_page(browser, digits_page, reduced_motion="reduce") as page:
        assert not is_playing(page)
        assert steps(page) == N_STEPS
        page.click("#samples button:nth-of-type(2)")
        assert steps(page) == N_STEPS
        page.click("#play")
        assert is_playing(page)


def test_within_another_page(browser, digits_page, tmp_path):
    """It tells its height, and wears the theme that it is told."""
    outer = tmp_path / "outer.html"
    outer.write_text(f"""<!doctype html><link rel="icon" href="data:,">
        <iframe src="{digits_page.as_uri()}" width="900" height="9"></iframe><script>
        addEventListener("message", ({{ data }}) => {{
            window.told = data.spikingPageHeight;
        }});</script>""")
    context = browser.new_context(color_scheme="light")
    page = context.new_page()
    page.goto(outer.as_uri())
    page.wait_for_function("window.told > 300")
    inner = page.frames[1]
    assert page.evaluate("told") == inner.evaluate(
        "document.documentElement.scrollHeight"
    )
    assert not inner.is_visible("h1")
    page.evaluate("frames[0].postMessage({ theme: 'dark' }, '*')")
    page.wait_for_function("told")  # by then the message has come
    assert inner.evaluate("palette.text") == "rgb(221, 227, 233)"
    context.close()
