"""export_html: the page's spikes are those of `simulate`, whatever the network is."""

import copy

import numpy as np
import pandas as pd
import pytest
from browsing import open_browser, open_page
from helpers import fast, make_encoder, regressor
from scipy import sparse
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    StandardScaler,
)

from sklearn_snn import (
    ChannelTransformer,
    DeltaSpikeEncoder,
    EventSequences,
    LatencySpikeEncoder,
    PoissonSpikeEncoder,
    Sequences,
    SpikeTrains,
    SpikingClassifier,
)
from sklearn_snn._inputs.lengths import known_lengths
from sklearn_snn._inputs.validation import validate_input
from sklearn_snn.export import export_html
from sklearn_snn.inspection._pipelines import split_pipeline
from sklearn_snn.neurons import CUBA, LIF, AdLIF

# What the page makes of each of its samples.
RUN = """() => {
    const { model, spec } = spikingPage;
    return spec.samples.map((sample) => {
        const record = model.run(model.input.ofSample(sample));
        return {
            layers: record.layers.map(({ membranes, spikes }) =>
                ({ membranes: Array.from(membranes), spikes: Array.from(spikes) })),
            logits: record.logits, answers: record.answers,
            fired: (record.events ?? []).map(({ on, off }) => [on, off]),
        };
    });
}"""


@pytest.fixture(autouse=True)
def numpy_engine(monkeypatch):
    """Compile nothing: the spikes of all engines are the same."""
    monkeypatch.setattr("sklearn_snn._engines.fastest", lambda: "numpy")


@pytest.fixture(scope="module")
def browser():
    """Open one browser for all tests of this file."""
    with open_browser() as browser:
        yield browser


def networks(rng):
    """Return, by name, estimators that are not fitted, X, y and what to fit with."""
    table = rng.normal(size=(40, 6))
    pixels = rng.integers(0, 256, (40, 64)).astype(np.uint8)
    y = np.arange(40) % 3
    spikes = rng.random((40, 12, 6)) < 0.3
    graded = rng.normal(size=(40, 9, 5)).astype(np.float32)
    lengths = rng.integers(3, 12, 40)
    unequal = Sequences(
        rng.normal(size=(lengths.sum(), 5)), np.cumsum(lengths) - lengths, lengths
    )
    listed = [*unequal]
    padded = np.full((40, 12, 5), np.nan)
    for i, recording in enumerate(listed):
        padded[i, : len(recording)] = recording
    events = EventSequences(
        np.tile(np.arange(9), 40),
        rng.integers(0, 6, 360),
        9 * np.arange(41),
        lengths=9 + np.arange(40) % 3,
        n_units=6,
    )
    numbers, labels = table[:, :2] + [5, 1], (table[:, :3] > 0).astype(int)
    rates = SpikeTrains(sparse.csr_array(pixels / 255 * (pixels > 99)), 8, seed=2**63)
    steps = (table[:, :1] + np.arange(12) > 4).astype(int)
    options = {"hidden_layer_sizes": (9, 7), "max_iter": 2}
    wide = LIF(alpha=(0.5, 0.97), threshold=(0.4, 0.8))
    two = {**options, "recurrent": True}
    return {
        "constant": (make_pipeline(StandardScaler(), fast()), table, y),
        "float32": (fast(readout="soft_count"), table.astype(np.float32), y),
        "sparse": (fast(reset="subtract"), sparse.csr_array(table * (table > 0)), y),
        "scaled": (
            make_pipeline(
                MinMaxScaler((0.2, 0.8), clip=True), make_encoder(scaling=None), fast()
            ),
            table,
            y,
        ),
        "by feature": (
            make_pipeline(make_encoder(scaling="feature"), fast()),
            table * np.arange(6),
            y,
        ),
        "trains": (fast(reset="subtract", **two), rates, y),
        "no hidden layer": (fast(hidden_layer_sizes=()), spikes, y),
        "no reset": (fast(reset="none", neuron=wide, **options), spikes, y),
        "learned": (fast(learn_neuron=True, readout="membrane_max"), spikes, y),
        "float64": (fast(readout="membrane_mean"), spikes.astype(float), y),
        "adlif": (
            fast(neuron="adlif", readout="membrane_last", reset="subtract", **two),
            graded,
            y,
        ),
        "adlif, often": (fast(neuron=AdLIF(b=2.0, rho=0.9), threshold=0.1), graded, y),
        "cuba": (fast(neuron=CUBA(), readout="softmax_mean", **two), spikes, y),
        "unequal": (fast(readout="soft_count", readout_start=2), unequal, y),
        "list": (fast(recurrent=True), listed, y),
        "scaled list": (
            make_pipeline(ChannelTransformer(StandardScaler()), fast(recurrent=True)),
            listed,
            y,
        ),
        "frames": (
            make_pipeline(ChannelTransformer(StandardScaler()), fast()),
            [pd.DataFrame(x, columns=[*"abcde"]) for x in listed],
            y,
        ),
        "list of lists": (fast(), [x.tolist() for x in listed], y),
        "padded": (
            make_pipeline(ChannelTransformer(StandardScaler()), fast()),
            padded,
            y,
        ),
        "events": (fast(threshold=0.1), events, y),
        "of a kind of one's own": (
            make_pipeline(FunctionTransformer(means), fast(threshold=0.1)),
            [x[:, 0].tolist() for x in listed],
            y,
        ),
        "signed": (fast(), spikes.astype(np.int8) - spikes[:, ::-1], y),
        "delta": (make_pipeline(DeltaSpikeEncoder(0.5), fast()), graded, y),
        "latency": (make_pipeline(LatencySpikeEncoder(10), fast()), pixels, y),
        "pca": (
            make_pipeline(PCA(4, random_state=0), make_encoder(), fast()),
            table,
            y,
        ),
        "gaps": (
            make_pipeline(SimpleImputer(), fast()),
            np.where(table > 1, np.nan, table),
            y,
        ),
        "labels": (fast(), table, labels),
        "label shares": (fast(readout="softmax_mean"), spikes, labels),
        "numbers": (regressor(), table, numbers),
        "per step": (
            fast(per_step=True, readout="auto", readout_start=3),
            spikes,
            steps,
        ),
    }


def means(rows):
    """Return the mean and the largest value of rows of unequal length."""
    return np.array([[np.mean(row), max(row)] for row in rows])


NAMES = [*networks(np.random.default_rng(0))]


def record_of(estimator, samples):
    """Return what `simulate` records."""
    model, X = split_pipeline(estimator, samples)
    return model.simulate(X)


def lengths_of(estimator, samples):
    """Return how many steps each sample has; None if all have as many."""
    model, X = split_pipeline(estimator, samples)
    return known_lengths(validate_input(model, X, reset=False))


def assert_equal_records(pages, record, lengths=None):
    """Compare what a page did with a record: spikes and membranes to the bit."""
    answers = record.probabilities if record.y_mean is None else record.values
    for i, page in enumerate(pages):
        n = len(page["logits"])
        assert n == (record.logits.shape[1] if lengths is None else lengths[i])
        for layer, u, s in zip(
            page["layers"], record.membranes, record.spikes, strict=True
        ):
            assert layer["spikes"] == s[i, :n].ravel().tolist()
            assert layer["membranes"] == u[i, :n].astype(float).ravel().tolist()
        close = {"rtol": 2e-5, "atol": 2e-5}
        np.testing.assert_allclose(page["logits"], record.logits[i, :n], **close)
        of_sample = answers[i, :n].reshape(n, -1)
        np.testing.assert_allclose(page["answers"], of_sample, **close)


def assert_same(browser, estimator, samples, path):
    """Compare what the page does with what `simulate` records, which is returned."""
    with open_page(
        browser, export_html(estimator, path, samples), reduced_motion="reduce"
    ) as page:
        found = page.evaluate(RUN)
    record = record_of(estimator, samples)
    assert_equal_records(found, record, lengths_of(estimator, samples))
    return record


@pytest.mark.parametrize("name", NAMES)
def test_spikes_are_those_of_simulate(name, browser, rng, tmp_path):
    estimator, X, y = networks(rng)[name]
    estimator.fit(X, y)
    record = assert_same(browser, estimator, X[:6], tmp_path / "page.html")
    # A network in which nothing fires would show nothing.
    assert all(s.any() for s in record.spikes[:-1])


def test_a_membrane_at_the_threshold_does_not_fire(browser, model, tmp_path):
    estimator, X = model
    estimator = copy.deepcopy(estimator)
    estimator.coefs_[0][...] = 0
    estimator.intercepts_[0][...] = estimator.threshold
    estimator.intercepts_[0][1:] = np.nextafter(estimator.threshold, 1)
    record = assert_same(browser, estimator, X, tmp_path / "page.html")
    assert record.spikes[0][0, 0].tolist() == [0] + [1] * 9


def test_values_beyond_what_was_learned_are_clipped(browser, rng, tmp_path):
    estimator, X, y = networks(rng)["scaled"]
    assert_same(browser, estimator.fit(X, y), 2 * X[:6], tmp_path / "page.html")


def test_spikes_of_20_images(browser, digits, tmp_path):
    """In all layers, the input among them, and the answers of `predict`."""
    X_train, X, y_train, _ = digits
    model = make_pipeline(
        PoissonSpikeEncoder(25, random_state=0),
        SpikingClassifier(max_iter=3, random_state=0),
    ).fit(X_train[:500], y_train[:500])
    samples = X[:20]
    path = export_html(model, tmp_path / "digits.html", samples)
    with open_page(browser, path) as page:
        found = page.evaluate(RUN)
        drawn = page.evaluate("""() => {
            const levels = spikingPage.pad.levels.map((_, i) => (37 * i) % 256);
            const values = spikingPage.valuesOf(levels);
            const { events, layers } = spikingPage.model.run(
                spikingPage.model.input.ofValues(values));
            const fired = events.map(({ on, off }) => [on, off]);
            return { fired, spikes: layers.map(({ spikes }) => Array.from(spikes)) };
        }""")
    record = record_of(model, samples)
    assert_equal_records(found, record)
    for spikes, of_page in zip(record.inputs, found, strict=True):
        assert_fired(of_page["fired"], spikes)
    answers = [np.argmax(of_page["logits"][-1]) for of_page in found]
    assert answers == model.predict(samples).tolist()
    # What is drawn is an image like any other.
    levels = 37 * np.arange(64) % 256
    record = record_of(model, (X_train.max() * levels / 255)[np.newaxis])
    assert_fired(drawn["fired"], record.inputs[0])
    for of_page, spikes in zip(drawn["spikes"], record.spikes, strict=True):
        assert of_page == spikes[0].ravel().tolist()


def assert_fired(fired, spikes):
    """Compare the features that fire in each step with an array (n_steps, n)."""
    assert [on for on, _ in fired] == [np.flatnonzero(s).tolist() for s in spikes]


def test_size(digits, tmp_path):
    """Of images and a network of the size of MNIST's."""
    X, _, y, _ = digits
    images = np.zeros((300, 28, 28), np.uint8)
    images[:, 2:26, 2:26] = np.kron(X[:300].reshape(-1, 8, 8), np.ones((3, 3))) * 15
    images = images.reshape(-1, 784)
    model = make_pipeline(
        PoissonSpikeEncoder(100, random_state=0),
        SpikingClassifier((100,), max_iter=1, random_state=0),
    ).fit(images, y[:300])
    path = export_html(model, tmp_path / "mnist.html", images[:20])
    assert path.stat().st_size < 1.5e6


@pytest.mark.parametrize("title", ["", "</script><b>{{network}}"])
def test_texts_are_text(title, browser, rng, tmp_path):
    """Names of classes, columns and titles may be any text."""
    odd = "</script><img src=x>"
    X = pd.DataFrame(rng.normal(size=(30, 2)), columns=[odd, "b"])
    y = np.where(X["b"] > 0, odd, "no")
    model = fast().fit(X, y)
    path = export_html(model, tmp_path / "a.html", X[:3], y=y[:3], title=title)
    with open_page(browser, path) as page:
        assert page.title() == title.strip()
        assert page.locator("h1").inner_text() == title
        assert page.locator("#sliders span").all_inner_texts() == [odd, "b"]
        assert page.locator("#outputs .name").all_inner_texts() == [odd, "no"]
        assert page.locator("img, h1 b").count() == 0


def test_values_are_set(browser, iris, tmp_path):
    X, y = iris
    model = make_pipeline(StandardScaler(), fast(n_steps=40))
    model.fit(X, y)
    path = export_html(model, tmp_path / "iris.html", X[:3], labels=["a", "b", "c"])
    with open_page(browser, path) as page:
        page.evaluate("spikingPage.player.goTo(0)")
        assert page.locator("#sliders input").count() == 4
        assert not page.is_visible("#pad")
        values = X[:3].max(axis=0)
        for slider in page.locator("#sliders input").all():
            slider.press("End")
        assert page.inner_text("#clock") == "40 / 40 steps"
        answer = "abc"[model.predict(values[np.newaxis])[0]]
        assert page.inner_text("#verdict") == answer
        shown = page.locator("#outputs .number").all_inner_texts()
        expected = model.predict_proba(values[np.newaxis])[0]
        assert [float(n) for n in shown] == pytest.approx(expected, abs=0.0051)


def test_numbers_and_pictures_that_cannot_be_drawn(browser, images, tmp_path):
    X, _, y, _ = images
    X, y = X[:20], y[:20]
    latency = make_pipeline(LatencySpikeEncoder(40), regressor())
    path = export_html(latency.fit(X, y), tmp_path / "a.html", X, y=y)
    with open_page(browser, path) as page:
        page.evaluate("spikingPage.player.goTo(40)")
        shown = float(page.inner_text("#verdict"))
        assert shown == pytest.approx(latency.predict(X)[0], rel=0.006)
        assert page.inner_text("#verdict-detail") == f"Truth: {y[0]}."
        assert page.is_visible("#pad")
        assert not page.is_visible("#clear")
        before = page.evaluate("spikingPage.pad.levels.join()")
        page.locator("#pad").click()
        assert page.evaluate("spikingPage.pad.levels.join()") == before


@pytest.fixture(scope="module")
def model():
    """Return a network of six columns and three classes, and ten rows."""
    X = np.random.default_rng(0).normal(size=(40, 6))
    return fast(engine="numpy").fit(X, np.arange(40) % 3), X[:10]


def test_a_search_is_the_model_it_found(model, tmp_path):
    estimator, X = model
    search = GridSearchCV(estimator, {"alpha": [0.9]}, cv=2)
    search.fit(X, np.arange(10) % 2)
    paths = [
        export_html(one, tmp_path / f"{i}.html", X)
        for i, one in enumerate((search, search.best_estimator_))
    ]
    assert paths[0].read_text() == paths[1].read_text()
