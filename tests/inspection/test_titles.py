"""What is said above a picture, and the input beside it: truth, answer, probability."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from drawings import bars
from helpers import fast, make_encoder
from sklearn.compose import make_column_transformer
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from sklearn_snn._simulation import SimulationRecord
from sklearn_snn.inspection import (
    ContributionDisplay,
    EncodingDisplay,
    MembraneDisplay,
    SpikeRasterDisplay,
    WeightDisplay,
)
from sklearn_snn.inspection._text import told_apart

SHOW = (SpikeRasterDisplay, MembraneDisplay, EncodingDisplay, ContributionDisplay)
each_display = pytest.mark.parametrize("display", SHOW)


def said(text):
    """Return the first line of a title."""
    return text.replace("\N{NO-BREAK SPACE}", " ").split("\n")[0]


@each_display
def test_truth_answer_and_probability(display, model, data):
    X, y = data
    answers, every_p = model.predict(X), model.predict_proba(X)
    p = every_p.max(axis=1)
    wrong = int(np.flatnonzero(answers != y)[0])
    for sample in (3, wrong, -1):
        shown = display.from_estimator(model, X, sample=sample, y=y)
        how_sure = "> 0.99" if 0.995 <= p[sample] < 1 else f"= {p[sample]:.2f}"
        equal = np.flatnonzero(every_p[sample] == p[sample])[1:]
        tied = "".join(f", tied with {label}" for label in equal)
        answer = f"nswer: {answers[sample]} (p {how_sure}{tied})"
        title = said(shown.figure_.get_suptitle())
        assert title == f"True: {y[sample]}, a{answer}"
        shown = display.from_estimator(model, X, sample=sample)
        assert said(shown.figure_.get_suptitle()) == f"A{answer}"
        shown = display.from_estimator(model, X, sample=sample, y="seven")
        assert said(shown.figure_.get_suptitle()) == f"True: seven, a{answer}"


@pytest.mark.parametrize("make", [list, pd.Series, lambda y: y[:, np.newaxis]])
def test_kinds_of_labels(make, tabular_model, blobs):
    X, y = blobs
    shown = SpikeRasterDisplay.from_estimator(tabular_model, X, sample=5, y=make(y))
    assert shown.title.startswith(f"True: {y[5]}, answer")


@each_display
def test_refused_labels(display, model, data):
    X, y = data
    with pytest.raises(ValueError, match="one for each of the 150 samples of X"):
        display.from_estimator(model, X, sample=3, y=y[:-1])


def test_records_and_means(record, data):
    _, y = data
    p = record.probabilities[7, -1].max()
    for display in (SpikeRasterDisplay, MembraneDisplay):
        shown = display.from_record(record, sample=7, y=y)
        assert f"True: {y[7]}" in shown.title
        assert f"{p:.2f})" in shown.title or p > 0.995
    mean = SpikeRasterDisplay.from_record(record, sample="mean", y=y)
    assert mean.title is None
    assert mean.input_ax_ is None


def test_an_encoder_alone_gives_no_answer(data):
    X, y = data
    encoder = make_encoder().fit(X)
    shown = EncodingDisplay.from_estimator(encoder, X, sample=3, y=y)
    assert shown.figure_.get_suptitle() == f"True: {y[3]}"
    assert EncodingDisplay.from_estimator(encoder, X).title is None


def test_labels_are_short_and_no_formulas(blobs):
    X, y = blobs
    names = np.array(["from $5 to $10, and all that", "$x$"])
    model = fast().fit(X, names[y])
    for display in (SpikeRasterDisplay, MembraneDisplay, ContributionDisplay):
        shown = display.from_estimator(model, X, sample=0, y=names[y])
        assert r"True: from \$5 to \$10, and…, " in shown.title
        shown.figure_.canvas.draw()
    labels = MembraneDisplay.from_estimator(model, X).ax_.get_yticklabels()
    assert [x.get_text() for x in labels] == [r"\$x\$", r"from \$5 to \$10, and…"]


def assert_inside(figure):
    """Check that all titles and class names lie within the figure."""
    figure.canvas.draw()
    renderer, (width, height) = (
        figure.canvas.get_renderer(),
        figure.canvas.get_width_height(),
    )
    texts = [figure._suptitle] if figure.get_suptitle() else []
    for ax in figure.axes:
        texts += [ax.title, *ax.texts]
    for text in texts:
        box = text.get_window_extent(renderer)
        if text.get_text():
            assert box.x0 >= -1, text
            assert box.x1 <= width + 1, text
            assert box.y1 <= height + 1, text


@pytest.mark.parametrize("display", (SpikeRasterDisplay, MembraneDisplay))
@pytest.mark.parametrize("layout", [None, "constrained"])
def test_titles_fit_where_there_is_little_room(layout, display, blobs):
    X, y = blobs
    names = np.array(["malignant, of some kind", "benign, as far as known"])[y]
    model = fast(max_iter=1).fit(X, names)
    figure, ax = plt.subplots(figsize=(4, 3), dpi=100, layout=layout)
    display.from_estimator(model, X, y=names, ax=ax)
    assert_inside(figure)
    shown = display.from_estimator(model, X, y=names)
    shown.figure_.set_size_inches(4, 3)
    shown.plot(ax=None)
    assert_inside(shown.figure_)


# The input beside the spikes


def test_a_table_is_shown_as_bars_with_names(rng):
    X = pd.DataFrame(rng.normal(40, 9, (30, 3)), columns=["age", "mass", "a" * 40])
    y = np.where(X["age"] > 40, "old", "young")
    model = make_pipeline(StandardScaler(), fast(max_iter=1)).fit(X, y)
    shown = SpikeRasterDisplay.from_estimator(model, X, sample=7)
    names = [f"age = {X.iloc[7, 0]:.4g}", f"mass = {X.iloc[7, 1]:.4g}"]
    drawn = bars(shown.input_ax_)
    assert list(drawn)[:2] == names
    assert list(drawn)[2].startswith("a" * 19 + "…")
    np.testing.assert_allclose(list(drawn.values()), model[:-1].transform(X)[7])
    # As it is where nothing is done to it.
    raw = SpikeRasterDisplay.from_estimator(fast(max_iter=1).fit(X, y), X, sample=7)
    assert list(bars(raw.input_ax_))[:2] == ["age", "mass"]
    record = model[-1].simulate(model[:-1].transform(X))
    shown = SpikeRasterDisplay.from_record(record, sample=7)
    np.testing.assert_allclose(shown.inputs, model[:-1].transform(X)[7])
    assert list(bars(shown.input_ax_)) == ["x0", "x1", "x2"]


def test_names_come_from_the_steps(rng):
    X = pd.DataFrame({"kind": ["a", "b"] * 15, "size": rng.normal(size=30)})
    y = np.arange(30) % 2
    columns = make_column_transformer(
        (OneHotEncoder(), ["kind"]), (StandardScaler(), ["size"])
    )
    cases = {
        # What is too long goes without the name of its step.
        columns: [
            "kind_a",
            "kind_b",
            "standardscaler__size",
        ],
        make_pipeline(columns, PCA(2)): ["pca0", "pca1"],
        # Nobody knows what a function makes of names.
        make_pipeline(columns, FunctionTransformer(np.abs)): ["x0", "x1", "x2"],
    }
    for steps, names in cases.items():
        model = make_pipeline(steps, fast(max_iter=1)).fit(X, y)
        shown = SpikeRasterDisplay.from_estimator(model, X, sample=1)
        assert shown.input_names == names
        np.testing.assert_allclose(shown.inputs, steps.transform(X)[1])


def test_a_value_stands_only_at_its_own_column(rng):
    """Columns are numbered after a function as before, but need not be the same."""
    X, y = rng.normal(size=(30, 3)), np.arange(30) % 2
    turn = FunctionTransformer(lambda x: x[:, ::-1])
    model = make_pipeline(turn, StandardScaler(), fast(max_iter=1)).fit(X, y)
    shown = SpikeRasterDisplay.from_estimator(model, X, sample=1)
    assert shown.input_names == ["x0", "x1", "x2"]
    scaled = make_pipeline(StandardScaler(), fast(max_iter=1)).fit(X, y)
    shown = SpikeRasterDisplay.from_estimator(scaled, X, sample=1)
    assert shown.input_names == [f"x{j} = {X[1, j]:.4g}" for j in range(3)]


def test_an_image_is_shown_as_it_is(model, data):
    X, _ = data
    shown = SpikeRasterDisplay.from_estimator(model, X, sample=7)
    image = shown.input_ax_.images[0].get_array()
    np.testing.assert_array_equal(image, X[7].reshape(8, 8))
    shown = SpikeRasterDisplay.from_estimator(model, X, sample=7, image_shape=(4, 16))
    assert shown.input_ax_.images[0].get_array().shape == (4, 16)
    with pytest.raises(ValueError, match="not a shape of 64 features"):
        SpikeRasterDisplay.from_estimator(model, X, image_shape=(8, 9))


def test_a_recording_has_no_input_but_its_raster(rng):
    X = (rng.random((8, 6, 64)) < 0.3).astype(np.uint8)
    network = fast(max_iter=1).fit(X, np.arange(8) % 2)
    assert SpikeRasterDisplay.from_estimator(network, X).input_ax_ is None
    shown = SpikeRasterDisplay.from_estimator(network, X, sample=2, image_shape=(8, 8))
    np.testing.assert_allclose(
        shown.input_ax_.images[0].get_array(), X[2].mean(axis=0).reshape(8, 8)
    )


def test_of_many_columns_the_largest_are_drawn(rng):
    X = rng.normal(size=(20, 120))
    network = fast(max_iter=1).fit(X, np.arange(20) % 2)
    shown = SpikeRasterDisplay.from_estimator(network, X, sample=4)
    largest = np.sort(np.argsort(-np.abs(X[4]))[:30])
    drawn = bars(shown.input_ax_)
    assert list(drawn) == [f"x{j}" for j in largest]
    np.testing.assert_array_equal(list(drawn.values()), X[4, largest])
    assert shown.input_ax_.get_title() == "Input (30 of 120)"


def test_the_columns_that_an_encoder_gets_have_names(rng):
    X = pd.DataFrame(rng.normal(40, 9, (30, 2)), columns=["age", "mass"])
    pipeline = make_pipeline(StandardScaler(), make_encoder(scaling="feature"))
    shown = EncodingDisplay.from_estimator(pipeline.fit(X), X, sample=7)
    names = [text.get_text() for text in shown.ax_[0].get_yticklabels()]
    assert names == [f"age = {X.iloc[7, 0]:.4g}", f"mass = {X.iloc[7, 1]:.4g}"]


# The answer, and ties


def few_spikes(classes):
    """Return a record of one sample, of one output layer and one step, and fired it."""
    fires = np.asarray(classes, bool)
    n = len(fires)
    logits = fires.astype(float).reshape(1, 1, n)
    return SimulationRecord(
        inputs=None,
        spikes=[logits],
        membranes=[2 * logits],
        logits=logits,
        classes=np.arange(n),
        thresholds=[np.ones(n)],
    )


def test_answer_and_truth_are_among_the_membranes():
    record = few_spikes([0] * 11 + [1] + [0] * 3)
    shown = MembraneDisplay.from_record(record, y=13)
    assert shown.names == [*"01234567", "11", "13"]
    np.testing.assert_array_equal(shown.spikes, [[0] * 8 + [1, 0]])
    assert shown.ax_.get_ylabel().endswith("\n10 of 15 neurons")
    # A truth that is no class of the network, and none.
    for y in ("other", None):
        assert MembraneDisplay.from_record(record, y=y).names == [*"012345678", "11"]
    few = MembraneDisplay.from_record(record, units=[14, 2], y=13)
    assert few.names == ["14", "2"]
    assert "2 of 15" in few.ax_.get_ylabel()
    all_of_them = MembraneDisplay.from_record(few_spikes([0] * 9 + [1]))
    assert all_of_them.names == [*"0123456789"]
    assert all_of_them.ax_.get_ylabel() == "Membrane (0 at its name)"


@pytest.mark.parametrize(
    ("fired", "truth", "tied"),
    [
        ([0, 1, 0], 0, ""),
        ([1, 0, 1], 2, ", tied with 2"),
        ([0, 1, 1, 1], 3, ", tied with 3 and 2"),
        ([0, 1, 1, 1], None, ", tied with 2 and 3"),
        ([1, 1, 1, 1, 0], 3, ", tied with 3 and 2 others"),
    ],
)
def test_a_tie_is_no_decision(fired, truth, tied):
    record = few_spikes(fired)
    winner = np.argmax(fired)
    p = record.probabilities[0, 0, winner]
    title = said(MembraneDisplay.from_record(record, y=truth).title)
    assert title.endswith(f"nswer: {winner} (p = {p:.2f}{tied})")


@pytest.mark.parametrize("weight", [-0.5, 0.25])
def test_the_total_of_the_contributions_is_written(weight):
    shown = ContributionDisplay(np.array([weight, 0.125]), 0.0, answer="a", against="b")
    shown.plot()
    title = shown.figure_.get_suptitle().replace("\n", " ")
    assert title.endswith(f"to a rather than b: {weight + 0.125:.3g} in total")


def test_columns_with_names_are_a_table(rng):
    X = pd.DataFrame(rng.random((20, 64)), columns=[f"c{j}" for j in range(64)])
    y = np.arange(20) % 2
    model = make_pipeline(make_encoder(), fast(max_iter=1))
    shapes = {True: None, False: (8, 8)}
    for is_table, shape in shapes.items():
        given = X if is_table else X.to_numpy()
        model.fit(given, y)
        for display in (SpikeRasterDisplay, EncodingDisplay, ContributionDisplay):
            assert display.from_estimator(model, given).image_shape == shape
            told = display.from_estimator(model, given, image_shape=(4, 16))
            assert told.image_shape == (4, 16)
        assert WeightDisplay.from_estimator(model).image_shape == shape
        told = WeightDisplay.from_estimator(model, image_shape=(4, 16))
        assert told.image_shape == (4, 16)


def test_values_of_a_table_are_those_that_somebody_gets(tabular_model, blobs):
    shown = SpikeRasterDisplay.from_estimator(tabular_model, blobs[0])
    assert shown.input_ax_.get_xlabel() == "Value as the network gets it"
    model = make_pipeline(StandardScaler(), make_encoder(), fast(max_iter=1))
    shown = SpikeRasterDisplay.from_estimator(model.fit(*blobs), blobs[0])
    assert shown.input_ax_.get_xlabel() == "Value as the encoder gets it"
    assert [ax.get_ylabel() for ax in shown.ax_] == ["Class", "Neuron", "Channel"]


@pytest.mark.parametrize("n_rows", [1, 2])
@pytest.mark.parametrize("width", [3.5, 5.2])
def test_titles_above_given_axes_leave_room_for_the_legend(
    tabular_model, blobs, n_rows, width
):
    X, y = blobs
    figure, axes = plt.subplots(
        n_rows, figsize=(width, 7), squeeze=False, layout="constrained"
    )
    for ax in axes[:, 0]:
        MembraneDisplay.from_estimator(tabular_model, X, sample=2, y=y, ax=ax)
        ax.set_title("Before", loc="left")  # which moves the title
    figure.canvas.draw()
    for ax in axes[:, 0]:
        title = ax.title.get_window_extent()
        n_lines = ax.title.get_text().count("\n") + 1  # the last one is empty
        lowest = title.y0 + title.height / n_lines
        texts = ax.get_legend().get_texts()
        assert max(t.get_window_extent().y1 for t in texts) <= lowest


def test_names_that_begin_or_end_alike_are_told_apart(rng):
    begin = [f"sensor_temperature_of_room_{j}" for j in range(4)]
    end = [f"{place}_sensor_temperature_of_all_rooms" for place in "ab"]
    names = [*begin, *end, "age", "in $ and some more of it"]
    X = pd.DataFrame(rng.normal(size=(20, 8)), columns=names)
    y = np.array(["category number one", "category number two", "three"])
    y = np.array([f"the {label} of three" for label in y])[np.arange(20) % 3]
    plain = fast(max_iter=1).fit(X, y)
    scaled = make_pipeline(StandardScaler(), fast(max_iter=1)).fit(X, y)
    values = [f" = {x:.4g}" for x in X.iloc[2]]
    for model, added in ((plain, [""] * 8), (scaled, values)):
        full = [name + value for name, value in zip(names, added, strict=True)]
        shown = SpikeRasterDisplay.from_estimator(model, X, sample=2, y=y)
        assert shown.input_names == full
        drawn = list(bars(shown.input_ax_))
        for j, value in enumerate(added[:4]):
            assert drawn[j].startswith("sensor_t")
            assert drawn[j].endswith(f"of_room_{j}{value}")
        assert drawn[4][:9] == "a_sensor_"
        assert drawn[5][:9] == "b_sensor_"
        assert drawn[6] == "age" + added[6]
        assert drawn[7].startswith(r"in \$ and some")
        contributions = ContributionDisplay.from_estimator(model, X, sample=2)
        assert contributions.names == full
        shown.figure_.canvas.draw()
    _, ax = plt.subplots(figsize=(4, 3))
    shown = MembraneDisplay.from_estimator(plain, X, sample=2, y=y, ax=ax)
    labels = [text.get_text() for text in shown.ax_.get_yticklabels()]
    assert len(set(labels)) == 3
    # Where they end alike too, from where they differ.
    assert told_apart(["abcdefgh 1 end", "abcdefgh 2 end"], 6) == ["…h 1 …", "…h 2 …"]


@pytest.mark.parametrize("display", (SpikeRasterDisplay, MembraneDisplay))
def test_several_axes_are_refused(display, tabular_model, blobs):
    _, axes = plt.subplots(1, 2)
    with pytest.raises(TypeError, match=r"one matplotlib Axes, .* of shape \(2,\)"):
        display.from_estimator(tabular_model, blobs[0], ax=axes)
