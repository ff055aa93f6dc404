"""Lists, event lists, frames, and axes in another order: what to do is said."""

import re

import numpy as np
import pandas as pd
import pytest
from helpers import fast
from numpy.lib import recfunctions
from scipy import sparse

from sklearn_snn import (
    ChannelTransformer,
    LatencySpikeEncoder,
    PoissonSpikeEncoder,
    PopulationSpikeEncoder,
    Sequences,
    SpikeTrains,
    SpikingClassifier,
    SpikingRegressor,
)
from sklearn_snn._inputs.layout import check_items
from sklearn_snn._inputs.validation import validate_input

X = np.random.default_rng(0).random((12, 5, 3))
Y = np.arange(12) % 2
EVENTS = np.zeros(9, [("t", "i8"), ("x", "i2"), ("y", "i2"), ("p", "?")])


@pytest.fixture(
    params=[
        *("classifier, 2-D", "classifier, 3-D", "channels"),
        *("encoder", "latency", "population"),
    ]
)
def refuses(request):
    """Return a function that checks the message of fit, and of a fitted estimator."""
    fitted = {
        "classifier, 2-D": lambda: SpikingClassifier(max_iter=1, engine="numpy").fit(
            X[:, 0], Y
        ),
        "classifier, 3-D": lambda: SpikingClassifier(max_iter=1, engine="numpy").fit(
            X, Y
        ),
        "encoder": lambda: PoissonSpikeEncoder().fit(X[:, 0]),
        "latency": lambda: LatencySpikeEncoder().fit(X[:, 0]),
        "population": lambda: PopulationSpikeEncoder().fit(X[:, 0]),
        "channels": lambda: ChannelTransformer(PoissonSpikeEncoder()).fit(X[:, 0]),
    }[request.param]()
    answer = getattr(fitted, "predict", None) or fitted.transform

    def refuses(X, match):
        with pytest.raises(ValueError, match=match):
            fitted.fit(X, Y)
        with pytest.raises(ValueError, match=match):
            answer(X)
        if hasattr(fitted, "simulate"):
            with pytest.raises(ValueError, match=match):
                fitted.simulate(X)
            with pytest.raises(ValueError, match=match):
                fitted.partial_fit(X, Y, classes=[0, 1])

    return refuses


def recordings(*shapes):
    return [np.ones(shape) for shape in shapes]


@pytest.mark.parametrize(
    ("shapes", "match"),
    [
        ([(5, 3), (5, 2)], r"X\[1\] has 2 features, of .*X\[0\] has 3.*x\.T for"),
        ([(5, 3), (6, 3), (6, 2)], r"X\[2\] has 2 features, .* need the same\.$"),
        ([(5, 3), (5,)], "2 arrays of 1 to 2 dimensions"),
        ([(5,), (5, 3)], "2 arrays of 1 to 2 dimensions"),
        ([(5, 3), (0, 3)], r"X\[1\] is a recording of shape \(0, 3\): .* one step"),
        ([(5, 0), (4, 0)], r"X\[0\] is a recording of shape \(5, 0\): .* feature"),
        ([(4,), (6,)], r"2 rows of 4 to 6 values: .*reshape\(x, \(-1, 1\)\)"),
        ([(4, 2, 3), (6, 2, 3)], r"of 4 to 6 frames of shape \(2, 3\): .*reshape"),
        ([(4, 2, 2), (6, 2, 3)], r"frames .* \(2, 2\) in one and \(2, 3\) in another"),
    ],
)
def test_lists_that_do_not_fit(refuses, shapes, match):
    refuses(recordings(*shapes), match)
    if not any(0 in shape for shape in shapes):  # of which a list tells less
        refuses([a.tolist() for a in recordings(*shapes)], match)


def test_recipes_for_lists(refuses):
    """What the messages say makes recordings of unequal length, which are taken."""
    X = recordings((2, 5), (2, 9))
    with pytest.raises(ValueError, match=r"channels-first, .*x\.T"):
        SpikingClassifier().fit(X, [0, 1])
    assert [x.shape for x in turned(X, "[x.T for x in X]")] == [(5, 2), (9, 2)]
    recipe = "[np.reshape(x, (len(x), -1)) for x in X]"
    X = recordings((4, 2, 3), (6, 2, 3))
    refuses(X, re.escape(recipe))
    assert [x.shape for x in turned(X, recipe)] == [(4, 6), (6, 6)]
    recipe = "[np.reshape(x, (-1, 1)) for x in X]"
    X = recordings((4,), (6,))
    refuses(X, re.escape(recipe))
    assert [x.shape for x in turned(X, recipe)] == [(4, 1), (6, 1)]


def turned(X, recipe):
    """Return what a recipe makes of X, which is accepted."""
    made = eval(recipe, {"np": np, "X": X})
    return [*validate_input(SpikingClassifier(), made, reset=True)]


@pytest.mark.parametrize(
    ("bad", "match"),
    [
        (sparse.csr_array(np.ones((4, 3))), r"X\[1\] is sparse: .*x\.toarray\(\)"),
        (np.ones((4, 3), complex), r"X\[1\] is of complex128: .* real numbers"),
        (np.full((4, 3), "a"), "arrays of bytes/strings"),
        (np.full((4, 3), "2024", "M8[D]"), "dates or times"),
        ([[1, 2, 3], [1, 2]], r"X\[1\] cannot become an array"),
    ],
)
def test_items_that_are_no_numbers(refuses, bad, match):
    refuses([np.ones((5, 3)), bad], match)


def test_rows_of_text_are_no_recordings(refuses):
    refuses([["a", 1], ["b"]], "2 rows of 1 to 2 values: all .*, and numbers.$")


def test_time_major_in_score():
    """Said before anything is predicted, or its length warned of."""
    model = SpikingClassifier(max_iter=1, engine="numpy").fit(X, Y)
    with pytest.raises(ValueError, match=r"\[5, 12\]\. X of shape .* time-major"):
        model.score(X.transpose(1, 0, 2), Y)
    assert model.score(X, Y) == np.mean(model.predict(X) == Y)
    weights = np.arange(12)
    expected = np.average(model.predict(X) == Y, weights=weights)
    assert model.score(X, Y, weights) == pytest.approx(expected)


def test_series_in_cells(refuses):
    """As sktime had it: a row per sample, a column per channel."""
    for lengths in ((5, 5, 5), (2, 9, 7)):
        frame = frame_of_series(*lengths)
        recipe = "[np.column_stack([*row]) for row in np.asarray(X)]"
        refuses(frame, f"in its cells.*{re.escape(recipe)}")
        refuses(frame.to_numpy(), "in its cells")
        for sequence, n in zip(turned(frame, recipe), lengths, strict=True):
            steps = np.arange(n) + 1
            np.testing.assert_array_equal(sequence.T, [steps, -steps])


def test_objects_that_are_numbers_are_accepted():
    check_items(X.astype(object))
    check_items(pd.DataFrame(X[:, 0]).astype(object))
    check_items(np.array(["a", "b"], object))


@pytest.mark.parametrize("listed", [False, True])
def test_event_lists(refuses, listed):
    refuses([EVENTS, EVENTS] if listed else EVENTS, "fields t, x, y, p: .*as_sequence")


def test_what_the_message_on_fields_says():
    table = recfunctions.structured_to_unstructured(EVENTS)
    assert table.shape == (9, 4)


@pytest.mark.parametrize("shape", [(12, 5, 4, 4), (12, 5, 4, 4, 2)])
def test_frames(refuses, shape):
    refuses(np.zeros(shape), rf"dim {len(shape)}; .*X.reshape\(12, (5, )?\d+\)")


def test_frames_are_turned_as_the_message_says():
    frames = np.zeros((12, 5, 4, 4, 2))
    with pytest.raises(ValueError, match=r"by X.reshape\(12, 5, 32\), images .*160\)"):
        SpikingClassifier().fit(frames, Y)
    with pytest.raises(ValueError, match=r"rows by X.reshape\(12, 160\)"):
        PoissonSpikeEncoder().fit(frames)
    with pytest.raises(ValueError, match="are spike trains already"):
        PoissonSpikeEncoder().fit(SpikeTrains(X[:, 0], 5))


@pytest.mark.parametrize(
    ("axes", "match", "back"),
    [
        ((1, 0, 2), r"\[5, 12\]\. X of shape .* time-major", "X.swapaxes(0, 1)"),
        ((1, 2, 0), "samples last: .*", "X.swapaxes(0, 2).swapaxes(1, 2)"),
        ((2, 1, 0), "samples last: .*", "X.swapaxes(0, 2)"),
    ],
)
def test_samples_on_another_axis(axes, match, back):
    turned = X.transpose(axes)
    for estimator in (SpikingClassifier(), ChannelTransformer(PoissonSpikeEncoder())):
        with pytest.raises(ValueError, match=match) as caught:
            estimator.fit(turned, Y)
        assert "inconsistent numbers of samples" in str(caught.value)
        hint = rf"[ :]{re.escape(back)}(,? or | if | makes )"
        assert re.search(hint, str(caught.value))
    np.testing.assert_array_equal(eval(back, {"X": turned}), X)
    torch = pytest.importorskip("torch")
    np.testing.assert_array_equal(eval(back, {"X": torch.from_numpy(turned)}), X)


def test_samples_in_columns():
    with pytest.raises(ValueError, match=r"inconsistent numbers .* try X\.T"):
        SpikingClassifier().fit(X[:, 0].T, Y)


def test_nothing_is_said_where_no_axis_fits():
    for X_ in (X, X[:, 0], SpikeTrains(X[:, 0], 9)):
        with pytest.raises(ValueError, match=r"inconsistent numbers of samples: .*\]$"):
            SpikingClassifier().fit(X_, Y[:9])


def test_labels_without_an_axis():
    """Whatever has a length but no shape is counted as scikit-learn does."""
    X = np.zeros((12, 3))
    model = fast().fit(np.eye(12)[:, :3] + X, np.arange(12) % 2)
    with pytest.raises(ValueError, match=r"inconsistent numbers of samples: \[12, 1\]"):
        model.score(X, {0: 1})


def test_channels_first_at_predict():
    model = SpikingClassifier(max_iter=1, engine="numpy").fit(X, Y)
    first = X.transpose(0, 2, 1)
    with pytest.raises(ValueError, match=r"has 5 features, but .* X.swapaxes\(1, 2"):
        model.predict(first)
    with pytest.raises(ValueError, match=r"has 4 features, but .* as input\.$"):
        model.predict(np.zeros((2, 7, 4)))


@pytest.mark.parametrize("dtype", [float, int, bool, str, object, "category"])
def test_a_series_is_no_table(refuses, dtype):
    series = pd.Series(np.arange(12) % 5).astype(dtype)
    match = "Expected a 2-dimensional container but got .*Series.* Pass a DataFrame"
    refuses(series, match)
    with pytest.raises(ValueError, match=match):
        SpikingRegressor().fit(series, Y)


def frame_of_series(*lengths):
    """Return a frame with two series of 1, 2, ... in the cells of each row."""
    column = pd.Series([np.arange(n) + 1 for n in lengths])
    return pd.DataFrame({"a": column, "b": -column})


@pytest.mark.parametrize("value", [1.5, None])
def test_a_frame_of_series_and_numbers(refuses, value):
    X = frame_of_series(5, 5, 5).assign(c=value)
    refuses(X, r"in 2 of 3 columns all cells are arrays.*np.full\(n_steps, number\)")


def test_a_frame_of_cells_that_do_not_fit(refuses):
    match = "where all are series, and those of a row are equally long"
    X = frame_of_series(5, 5, 5)
    refuses(X.assign(c=frame_of_series(4, 4, 4)["a"]), match)
    refuses(X.assign(c=pd.Series(recordings(*3 * [(5, 2)]))), match)


@pytest.mark.parametrize(
    "encoder", [PoissonSpikeEncoder, LatencySpikeEncoder, PopulationSpikeEncoder]
)
def test_encoders_of_tables_say_what_encodes_recordings(encoder):
    """And how images become rows: by what the input has, and if they are of a size."""
    unequal = [x[: 2 + i % 3] for i, x in enumerate(X)]
    uneven = [unequal, tuple(unequal), Sequences.of_lengths(X[:, 0], [5, 7])]
    recipes = "X.reshape(12, 15)", "[np.ravel(x) for x in X]"
    listed = [list(X), X.tolist(), list(map(pd.DataFrame, X)), pd.Series(list(X))]
    listed.append(list(X.reshape(12, 5, 3, 1)))
    cases = [*((x, None) for x in uneven), *((x, recipes[1]) for x in listed)]
    for given, recipe in [*cases, (X, recipes[0])]:
        with pytest.raises(ValueError, match=r"without an encoder, or .*Delta") as e:
            encoder().fit(given)
        said = [one for one in ("X.reshape", "np.ravel") if one in str(e.value)]
        assert len(said) == (recipe is not None)
        if recipe is not None:
            assert f"by {recipe}." in str(e.value)
            rows = eval(recipe, {"np": np, "X": given})
            np.testing.assert_array_equal(rows, X.reshape(12, 15))
