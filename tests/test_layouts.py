"""Lists, event lists, frames, and axes in another order: what to do is said."""

import re

import numpy as np
import pandas as pd
import pytest
from helpers import fast
from numpy.lib import recfunctions

from sklearn_snn import (
    ChannelTransformer,
    LatencySpikeEncoder,
    PoissonSpikeEncoder,
    PopulationSpikeEncoder,
    SpikeTrains,
    SpikingClassifier,
    SpikingRegressor,
)
from sklearn_snn._inputs.layout import check_items

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


@pytest.mark.parametrize("kind", [list, tuple, "objects"])
def test_recordings_of_unequal_length(refuses, kind):
    X = recordings((5, 3), (9, 3), (7, 3))
    if kind == "objects":
        listed, X = X, np.empty(3, object)
        X[:] = listed
    else:
        X = kind(X)
    refuses(X, "list of 3 recordings of 5 to 9 steps: .*np.pad")
    # The recipe of the message:
    padded = np.stack([np.pad(x, ((9 - len(x), 0), (0, 0))) for x in X])
    assert padded.shape == (3, 9, 3)
    assert padded[:, -5:].all()  # silence comes first
    assert padded.sum(axis=(1, 2)).tolist() == [15, 27, 21]


@pytest.mark.parametrize(
    ("shapes", "match"),
    [
        ([(5, 3), (5, 2)], "2 recordings of 2 to 3 features at 5 steps"),
        ([(5, 3), (6, 2)], "of 5 to 6 steps and of 2 to 3 features"),
        ([(5, 3), (5,)], "2 arrays of 1 to 2 dimensions"),
        ([(4,), (6,)], r"2 rows of 4 to 6 values: .*\[:, np.newaxis\]"),
        ([(4, 2, 3), (6, 2, 3)], r"of 4 to 6 frames of shape \(2, 3\): .*reshape"),
        (
            [(4, 2), (4, 2), (1, 2)],
            r"pad\(x(, \(\(4|\[-5:\], \(\(max\(0, 5) - len\(x\)",
        ),
        ([(4, 2, 2), (6, 2, 3)], r"frames .* \(2, 2\) in one and \(2, 3\) in another"),
    ],
)
def test_lists_of_other_shapes(refuses, shapes, match):
    refuses(recordings(*shapes), match)
    refuses([a.tolist() for a in recordings(*shapes)], match)


def test_channels_first_recordings_of_unequal_length():
    X = recordings((2, 5), (2, 9))
    with pytest.raises(ValueError, match=r"channels-first, .*x\.T"):
        SpikingClassifier().fit(X, [0, 1])
    padded = np.stack([np.pad(x.T, ((9 - x.shape[1], 0), (0, 0))) for x in X])
    assert padded.shape == (2, 9, 2)


def test_recipes_for_frames_and_for_one_channel(refuses):
    X = recordings((4, 2, 3), (6, 2, 3))
    recipe = "np.pad(np.reshape(x, (len(x), -1)), ((6 - len(x), 0), (0, 0)))"
    refuses(X, re.escape(f"np.stack([{recipe} for x in X])"))
    padded = np.stack([eval(recipe, {"np": np, "x": x}) for x in X])
    assert padded.shape == (2, 6, 6)
    assert padded[:, -4:].all()
    X = recordings((4,), (6,))
    recipe = "np.pad(x, (6 - len(x), 0))[:, np.newaxis]"
    refuses(X, re.escape(f"np.stack([{recipe} for x in X])"))
    padded = np.stack([eval(recipe, {"np": np, "x": x}) for x in X])
    assert padded.shape == (2, 6, 1)
    assert padded[:, -4:].all()


def test_rows_of_text_are_no_recordings(refuses):
    refuses([["a", 1], ["b"]], "2 rows of 1 to 2 values: all .* must be numbers.$")


def test_time_major_in_score():
    """Said before anything is predicted, or its length warned of."""
    model = SpikingClassifier(max_iter=1, engine="numpy").fit(X, Y)
    with pytest.raises(ValueError, match=r"\[5, 12\]\. X of shape .* time-major"):
        model.score(X.transpose(1, 0, 2), Y)
    assert model.score(X, Y) == np.mean(model.predict(X) == Y)
    weights = np.arange(12)
    expected = np.average(model.predict(X) == Y, weights=weights)
    assert model.score(X, Y, weights) == pytest.approx(expected)


def test_arrays_in_cells(refuses):
    same = np.empty(12, object)
    same[:] = list(X)
    refuses(same, r"12 arrays of shape \(5, 3\): np.stack\(list\(X\)\)")
    np.testing.assert_array_equal(np.stack(list(same)), X)
    # As sktime had it: a series in each cell, a row per sample, a column per channel.
    cells = [[pd.Series(x[:, j]) for j in range(3)] for x in X]
    nested = pd.DataFrame(cells)
    refuses(nested, "in its cells")
    refuses(np.array(nested, dtype=object), "in its cells")
    recipe = np.stack([np.stack([*row]) for row in np.asarray(nested)])
    np.testing.assert_array_equal(recipe.swapaxes(1, 2), X)


def test_objects_that_are_numbers_are_accepted():
    check_items(X.astype(object))
    check_items(pd.DataFrame(X[:, 0]).astype(object))
    check_items(np.array(["a", "b"], object))


@pytest.mark.parametrize("listed", [False, True])
def test_event_lists(refuses, listed):
    refuses([EVENTS, EVENTS] if listed else EVENTS, "fields t, x, y, p: .*histogram2d")


def test_what_the_messages_on_event_lists_say():
    events = EVENTS.copy()
    events["t"], events["x"], events["p"] = np.arange(9) * 10, 1, True
    feature = events["x"] * 2 + events["p"]
    counts = np.histogram2d(events["t"], feature, bins=(3, 4), range=((0, 90), (0, 4)))[
        0
    ]
    assert counts.tolist() == [[0, 0, 0, 3]] * 3
    table = recfunctions.structured_to_unstructured(events)
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


@pytest.mark.parametrize("lengths", [(2, 3, 4), (3, 9, 7)])
def test_lists_at_predict_become_as_long_as_in_fit(lengths):
    model = SpikingClassifier((3,), max_iter=1, engine="numpy").fit(X, Y)
    listed = recordings(*((n, 3) for n in lengths))
    for answer in (model.predict, model.simulate):
        with pytest.raises(ValueError, match="the same length, 5 as in fit") as caught:
            answer(listed)
        recipe = re.search(r"np.stack.*(?=\.$)", str(caught.value))[0]
        stacked = eval(recipe, {"np": np, "X": listed})
        assert stacked.shape == (3, 5, 3)
        ones = [min(n, 5) * 3 for n in lengths]
        assert stacked.sum(axis=(1, 2)).tolist() == ones
        model.predict(stacked)
    with pytest.raises(
        ValueError, match=f"need the same length, which.*{max(lengths)}"
    ):
        model.fit(listed, Y[:3])


@pytest.mark.parametrize("dtype", [float, int, bool, str, object, "category"])
def test_a_series_is_no_table(refuses, dtype):
    series = pd.Series(np.arange(12) % 5).astype(dtype)
    match = "Expected a 2-dimensional container but got .*Series.* Pass a DataFrame"
    refuses(series, match)
    with pytest.raises(ValueError, match=match):
        SpikingRegressor().fit(series, Y)


def test_a_series_of_recordings(refuses):
    X = pd.Series(recordings((5, 2), (6, 2), (7, 2)))
    refuses(X, "list of 3 recordings of 5 to 7 steps: .*np.pad")
    refuses(X.to_numpy(), "list of 3 recordings of 5 to 7 steps: .*np.pad")
    X = pd.Series(recordings(*3 * [(5, 2)]))
    refuses(X, r"holds 3 arrays of shape \(5, 2\): np.stack\(list\(X\)\)")
    assert np.stack(list(X)).shape == (3, 5, 2)


def frame_of_series(*lengths):
    """Return a frame with two series of 1, 2, ... in the cells of each row."""
    column = pd.Series([np.arange(n) + 1 for n in lengths])
    return pd.DataFrame({"a": column, "b": -column})


def test_a_frame_of_series_of_unequal_length(refuses):
    refuses(frame_of_series(2, 9, 7), "series of 2 to 9 steps become .*, [59]( as|, f)")
    refuses(frame_of_series(2, 9, 7).to_numpy(), "series of 2 to 9 steps become")


@pytest.mark.parametrize("lengths", [(2, 9, 7), (2, 3, 3), (6, 8, 9)])
def test_what_is_said_of_series_of_unequal_length(lengths):
    model = SpikingClassifier((3,), max_iter=1, engine="numpy").fit(X[:, :, :2], Y)
    frame = frame_of_series(*lengths)
    for method, n in ((model.predict, 5), (lambda X: model.fit(X, Y[:3]), 0)):
        with pytest.raises(ValueError, match="series of") as caught:
            method(frame)
        recipe = re.search(r"np.stack.*(?=\.$)", str(caught.value))[0]
        stacked = eval(recipe, {"np": np, "X": frame})
        assert stacked.shape == (3, n or max(lengths), 2)
        for sequence, length in zip(stacked, lengths, strict=True):
            n_kept = min(length, len(sequence))
            expected = np.arange(length)[-n_kept:] + 1
            np.testing.assert_array_equal(sequence[-n_kept:].T, [expected, -expected])
            assert not sequence[:-n_kept].any()


@pytest.mark.parametrize("value", [1.5, None])
def test_a_frame_of_series_and_numbers(refuses, value):
    X = frame_of_series(5, 5, 5).assign(c=value)
    refuses(X, r"in 2 of 3 columns all cells are arrays.*np.full\(n_steps, number\)")


def test_a_frame_of_cells_that_do_not_fit(refuses):
    match = "where all are series, and those of a row are equally long"
    X = frame_of_series(5, 5, 5)
    refuses(X.assign(c=frame_of_series(4, 4, 4)["a"]), match)
    refuses(X.assign(c=pd.Series(recordings(*3 * [(5, 2)]))), match)
