"""Targets that are none of steps, what is said of them, and displays: `per_step`."""

import numpy as np
import pytest
from helpers import assert_same_network
from rhythms import NEXT, PHASES, X, classifier, regressor, rhythms
from sklearn.exceptions import ConvergenceWarning, DataConversionWarning

from sklearn_snn import Sequences, SpikeTrains
from sklearn_snn.exceptions import InputMismatchWarning
from sklearn_snn.inspection import (
    AnytimeAccuracyDisplay,
    ContributionDisplay,
    MembraneDisplay,
    SpikeRasterDisplay,
    TrainingDisplay,
)

pytestmark = pytest.mark.filterwarnings("ignore:Maximum number of epochs")
each = pytest.mark.parametrize


# What is refused


def refusals():
    short, object_y = [*PHASES], PHASES.astype(object)
    short[7] = short[7][:-1]
    object_y[4, 0] = None
    holes = NEXT.copy()
    holes[3, 5] = np.nan
    deep = np.stack([NEXT, NEXT], axis=2)
    uneven = [*deep]
    uneven[2] = deep[2, :, :1]
    infinite = np.where(NEXT.max() == NEXT, np.inf, NEXT)
    return {
        "a label for each sample": (
            PHASES[:, 0],
            r"y\[0\] must have shape \(n_steps,\)",
        ),
        "a sample is shorter": (short, r"y\[7\] has 29 steps, but X\[7\] has 30"),
        "all are longer": (np.repeat(PHASES, 2, 1), r"y\[0\] has 60 steps, but X\[0\]"),
        "a label is missing": (
            object_y,
            r"y\[4\] has no value at step 0.*not supported",
        ),
        "fewer samples": (PHASES[1:], r"inconsistent numbers of samples: \[60, 59\]"),
        "no y": (None, "requires y to be passed"),
        "one class": (np.full(PHASES.shape, "a"), "only one class"),
        "a number is missing": (holes, r"y\[3\] has no value at step 5"),
        "other numbers": (uneven, r"y\[2\] has shape \(30, 1\) and y\[0\] \(30, 2\)"),
        "four axes": (NEXT[..., None, None], r"\(n_steps,\) or \(n_steps, n_outputs\)"),
        "infinite": (infinite, "y contains infinity"),
        "text": (PHASES, "dtype='numeric' is not compatible"),
    }


@each("what", refusals())
def test_targets_that_are_no_targets_of_steps(what):
    """Said before anything is done, and of the first sample that does not fit."""
    y, message = refusals()[what]
    is_of_numbers = [*refusals()].index(what) > 6
    make = regressor if is_of_numbers else classifier
    model = make()
    with pytest.raises(ValueError, match=message):
        model.fit(X, y)
    assert not hasattr(model, "coefs_")
    if what != "one class":
        fitted = make().fit(X, NEXT if is_of_numbers else PHASES)
        for method in (fitted.score, fitted.loss_and_gradients, fitted.partial_fit):
            with pytest.raises(ValueError, match=message):
                method(X, y)


@each("as_given", [list, lambda w: np.array(w, object)])
def test_steps_have_no_weights(as_given):
    cut = [x[: 20 + i % 2] for i, x in enumerate(X)]
    labels = [y[: len(x)] for x, y in zip(cut, PHASES, strict=True)]
    weights = as_given([np.ones(len(x)) for x in cut])
    model = classifier().fit(cut, labels)
    for method in (model.fit, model.partial_fit, model.score, model.loss_and_gradients):
        with pytest.raises(
            ValueError, match=r"sample_weight must be one .* each sample"
        ):
            method(cut, labels, sample_weight=weights)


def test_several_labels_of_a_step_are_each_0_or_1():
    with pytest.raises(ValueError, match="must hold 0 and 1 for each of several"):
        classifier().fit(X, np.stack([PHASES, PHASES], axis=2))


def test_an_axis_of_one_label_is_none():
    expected = classifier().fit(X, PHASES)
    with pytest.warns(DataConversionWarning):
        model = classifier().fit(X, PHASES[..., np.newaxis])
    assert_same_network(model, expected)


# What seems to be meant where y is as long as recordings, and per_step is False.

LISTED = [x[: 20 + i % 10] for i, x in enumerate(X)]
PADDED = np.full((len(X), 33, 1), np.nan)
for row, recording in zip(PADDED, LISTED, strict=True):
    row[: len(recording)] = recording
LISTED_Y = [y[: len(x)] for x, y in zip(LISTED, PHASES, strict=True)]
AS_OBJECTS = np.empty(len(X), dtype=object)
AS_OBJECTS[:] = LISTED_Y
LONG = np.resize(PHASES, (len(X), 33))
MEANT = {
    "array": (X, PHASES, "0 and 1 for each of several"),
    "list of one length": ([*X], [*PHASES], "0 and 1 for each of several"),
    "several labels": (X, np.stack([PHASES, PHASES], axis=2), "one target for each"),
    "lists": (LISTED, LISTED_Y, "unequal length.*MultiLabelBinarizer"),
    "objects": (LISTED, AS_OBJECTS, "one target for each"),
    "X is padded": (PADDED, LISTED_Y, "unequal length.*MultiLabelBinarizer"),
    "both are padded": (PADDED, LONG, "0 and 1 for each of several"),
    "as the longest": (LISTED, PHASES[:, :29], "0 and 1 for each of several"),
    "spike trains": (SpikeTrains(X[:, :, 0] > 0, 30), PHASES, "0 and 1 for each of"),
}


@each("case", MEANT)
def test_targets_of_steps_need_per_step(case):
    given, y, message = MEANT[case]
    meant, model = "labels of each step need per_step=True", classifier(per_step=False)
    whole = "As targets of whole recordings: y "
    with pytest.raises(ValueError, match=rf"^y is as .* {meant}\. {whole}.*{message}"):
        model.fit(given, y)
    fitted = classifier(per_step=False).fit(given, PHASES[:, 0])
    for method in (fitted.partial_fit, fitted.loss_and_gradients):
        with pytest.raises(ValueError, match=meant):
            method(given, y)
    weight = np.arange(len(y)) % 7  # the first of them counts for nothing
    with pytest.raises(ValueError, match=meant):
        model.fit(given, y, sample_weight=weight)


def test_numbers_of_steps_need_per_step():
    y = [t[: len(x)] for x, t in zip(LISTED, NEXT, strict=True)]
    with pytest.raises(ValueError, match="numbers of each step need per_step=True"):
        regressor(per_step=False).fit(LISTED, y)


@each(
    ("given", "y"),
    [
        (X, PHASES[:, :7]),
        (X[:, :, 0], PHASES),
        (LISTED, LISTED_Y[::-1]),
        (LISTED, [*PHASES]),
        (X, np.where(PHASES[:, 0] == "low", "a", "b")[:, np.newaxis][:, [0, 0]]),
    ],
    ids=["fewer", "table", "other lengths", "longer", "two columns"],
)
def test_other_targets_are_no_targets_of_steps(given, y):
    with pytest.raises(ValueError, match=r"y (has rows|of two)") as raised:
        classifier(per_step=False).fit(given, y)
    assert "per_step" not in str(raised.value)


@each(
    "given",
    [X[:1], [X[0]], SpikeTrains(X[:1, :, 0] > 0, 30), Sequences(X[0], [0], [30])],
    ids=["array", "list", "spike trains", "sequences"],
)
@each("y", [NEXT[0], NEXT[0, :, np.newaxis], [*NEXT[0]]], ids=["1-D", "2-D", "list"])
def test_targets_of_a_single_recording_need_an_axis(given, y):
    model = regressor()
    with pytest.raises(ValueError, match=r"is \[y\]\.$") as raised:
        model.fit(given, y)
    assert "swapaxes" not in str(raised.value)
    model.fit(given, np.asarray(y)[np.newaxis])
    with pytest.raises(ValueError, match=r"is \[y\]\.$"):
        model.score(given, y)


def test_other_numbers_of_samples_are_no_single_recording():
    for given, y in ((X[:1], NEXT[0, :29]), (X[:2], NEXT[0]), (X[:1, :, 0], NEXT[0])):
        with pytest.raises(ValueError, match="inconsistent numbers of samp") as raised:
            regressor().fit(given, y)
        assert "[y]" not in str(raised.value)


COLUMNS = {
    "array": (X, 30),
    "list": (LISTED, 29),
    "padded": (PADDED, 29),
    "with its padding": (PADDED, 33),
    "spike trains": (SpikeTrains(X[:, :, 0] > 0, 30), 30),
}


@each("case", COLUMNS)
def test_targets_as_many_as_steps_are_taken_with_a_warning(case):
    given, n = COLUMNS[case]
    y = np.resize(NEXT, (len(NEXT), n))
    for model, y_fit, outputs, of_steps in (
        (regressor(per_step=False, readout="auto"), y, "outputs", "numbers"),
        (classifier(per_step=False), (y > 0).astype(int), "labels", "labels"),
    ):
        model.set_params(max_iter=1)
        message = (
            f"y has as many columns as X has steps, {n}, and they are taken as {n} "
            f"{outputs} of each recording: {of_steps} of each step need per_step=True."
        )
        for fit in (model.fit, model.partial_fit):
            with pytest.warns(InputMismatchWarning) as told:
                fit(given, y_fit)
            told = [w for w in told if w.category is InputMismatchWarning]
            assert [str(w.message) for w in told] == [message]
            assert told[0].filename == __file__
        assert model.predict(given).shape == y.shape
        model.score(given, y_fit)
        model.loss_and_gradients(given, y_fit)


@each(
    ("given", "n", "per_step"),
    [(X, 29, False), (X[:, :, 0], 30, False), (X[:, :1], 1, False), (X, 30, True)],
    ids=["fewer", "table", "one step", "of steps"],
)
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.DataConversionWarning")
def test_other_targets_are_taken_without_a_warning(given, n, per_step):
    model = regressor(per_step=per_step, readout="auto", max_iter=1)
    model.fit(given, NEXT[:, :n]).partial_fit(given, NEXT[:, :n])


def test_labels_as_many_as_steps_stay_labels():
    y = (PHASES == "high").astype(int)
    model = classifier(per_step=False, readout="spike_count")
    with pytest.warns(InputMismatchWarning, match="30 labels of each recording"):
        model.fit(X, y)
    assert model.predict(X).shape == y.shape
    assert model.out_activation_ == "logistic"


def test_a_table_has_no_steps():
    for model, y in ((classifier(), PHASES), (regressor(), NEXT)):
        with pytest.raises(
            ValueError, match=r"per_step=True needs X with steps.*table"
        ):
            model.fit(X[:, :, 0], y)


def test_readouts_of_many_steps_are_refused():
    for name in ("spike_count", "soft_count", "membrane_mean", "membrane_max"):
        for model, y in ((classifier(), PHASES), (regressor(), NEXT)):
            with pytest.raises(ValueError, match=f"'membrane_last'.*Got '{name}' inst"):
                model.set_params(readout=name).fit(X, y)
    with pytest.raises(ValueError, match=r"readout_start must be smaller than .* 30"):
        classifier(readout_start=30).fit(X, PHASES)
    with pytest.raises(ValueError, match="'per_step' parameter"):
        classifier(per_step="yes").fit(X, PHASES)


# Diagnosis and displays


def test_a_short_memory_is_no_matter():
    """Where each step has an answer, long recordings need no long memory."""
    long, phases, _ = rhythms(6, 300)
    noise = np.random.default_rng(0).permutation(phases.ravel()).reshape(phases.shape)
    model = classifier(n_iter_no_change=1, tol=10.0, learning_rate_init=1e-6)
    with pytest.warns(ConvergenceWarning, match="guessing by the frequencies") as told:
        model.set_params(max_iter=9).fit(long, noise)
    assert not any("memory" in str(w.message) for w in told)
    guessing = float(str(told[0].message).split("classes has ")[1][:6])
    shares = np.unique(noise, return_counts=True)[1] / noise.size
    assert guessing == pytest.approx(-(shares * np.log(shares)).sum(), abs=1e-4)


def test_displays():
    model = classifier().fit(X, PHASES)
    for show in (
        lambda: AnytimeAccuracyDisplay.from_estimator(model, X, PHASES),
        lambda: ContributionDisplay.from_estimator(model, X),
        lambda: SpikeRasterDisplay.from_estimator(model, X, y=PHASES),
        lambda: MembraneDisplay.from_estimator(model, X, y=PHASES),
    ):
        with pytest.raises(ValueError, match=r"answer to each of its steps \(per_step"):
            show()
    for show in (
        lambda: TrainingDisplay.from_estimator(model),
        lambda: SpikeRasterDisplay.from_estimator(model, X),
        lambda: MembraneDisplay.from_estimator(model, X),
    ):
        show()
