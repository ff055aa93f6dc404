"""Pictures of networks that tell several labels at once."""

import numpy as np
import pytest
from drawings import heading, line
from helpers import fast
from scipy import sparse

from sklearn_snn.inspection import (
    AnytimeAccuracyDisplay,
    ContributionDisplay,
    EncodingDisplay,
    MembraneDisplay,
    SpikeRasterDisplay,
    TrainingDisplay,
    WeightDisplay,
)

TITLED = (SpikeRasterDisplay, MembraneDisplay, EncodingDisplay, ContributionDisplay)
each_titled = pytest.mark.parametrize("display", TITLED)


def expected_answer(model, X, sample, names="0123"):
    """Return what is to be said of several labels, from public methods."""
    p, told = model.predict_proba(X)[sample], model.predict(X)[sample]
    sure = ["> 0.99" if 0.995 <= q < 1 else f"= {q:.2f}" for q in p]
    chosen = [f"{names[k]} (p {sure[k]})" for k in np.flatnonzero(told)]
    return ", ".join(chosen) or f"no label (p {sure[p.argmax()]} at most)"


@each_titled
def test_titles_of_labels(display, labelled, data, labels):
    X, _ = data
    told = labelled.predict(X).sum(axis=1)
    samples = [int(np.flatnonzero(told == n)[0]) for n in np.unique(told)]
    assert len(samples) >= 2
    for sample in samples:
        answer = expected_answer(labelled, X, sample)
        true = ", ".join(map(str, np.flatnonzero(labels[sample]))) or "no label"
        for y in (labels, labels[sample], sparse.csr_array(labels), labels.tolist()):
            shown = display.from_estimator(labelled, X, sample=sample, y=y)
            assert heading(shown) == f"True: {true}; answer: {answer}"
        shown = display.from_estimator(labelled, X, sample=sample)
        assert heading(shown) == f"Answer: {answer}"
    none = display.from_estimator(labelled, X, y=np.zeros(4))
    assert heading(none).startswith("True: no label; answer: ")


@each_titled
def test_refused_truths_of_labels(display, labelled, data, labels):
    X, y = data
    for wrong in (y, labels[:-1], labels[:, :3], labels[0, :3], 3, "one"):
        with pytest.raises(ValueError, match=r"of shape \(150, 4\), or of \(4,\)"):
            display.from_estimator(labelled, X, y=wrong)


def test_no_label_is_told(labelled, data):
    """With what the most probable one has, which is less than half."""
    network = labelled[-1]
    record = network.simulate(labelled[0].transform(data[0]))
    record.logits[3, -1] = [-1, -0.5, -3, -2]
    p = 1 / (1 + np.exp(0.5))
    title = MembraneDisplay.from_record(record, sample=3).title
    title = title.replace("\N{NO-BREAK SPACE}", " ")
    assert title == f"Answer: no label (p = {p:.2f} at most)"
    # Just half is not more than half.
    record.logits[3, -1] = 0
    assert "no label" in MembraneDisplay.from_record(record, sample=3).title


def test_what_is_told_of_a_record_of_labels(labelled, data, labels):
    record = labelled[-1].simulate(labelled[0].transform(data[0]))
    for display in (SpikeRasterDisplay, MembraneDisplay):
        shown = display.from_record(record, sample=7, y=labels)
        answer = expected_answer(labelled, data[0], 7)
        assert heading(shown).endswith(f"answer: {answer}")


def test_panels_of_labels(labelled, data, labels):
    X, _ = data
    counts = labelled[-1].readout == "spike_count"
    shown = SpikeRasterDisplay.from_estimator(labelled, X, y=labels)
    assert (shown.ax_[0].get_ylabel() == "Label") == counts
    assert MembraneDisplay.from_estimator(labelled, X).names == [*"0123"]
    shown = AnytimeAccuracyDisplay.from_estimator(labelled, X, labels)
    assert shown.ax_[0].get_ylabel() == "Accuracy (all labels right)"
    right = (labelled.predict(X) == labels).all(axis=1).mean()
    assert shown.accuracy[-1] == pytest.approx(right)
    stages = [*labelled[-1].staged_predict(labelled[0].transform(X))]
    by_step = [(stage == labels).all(axis=1).mean() for stage in stages]
    np.testing.assert_allclose(shown.accuracy, by_step)
    loss, score = TrainingDisplay.from_estimator(labelled).ax_[0]
    assert loss.get_ylabel() == "Loss (logistic, nats)"
    assert score.get_ylabel() == "Accuracy of all labels"
    scores = labelled[-1].validation_scores_
    np.testing.assert_array_equal(line(score, "Validation"), scores)
    WeightDisplay.from_estimator(labelled).figure_.canvas.draw()


def test_labels_told_are_among_the_membranes():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3))
    y = np.zeros((40, 15), int)
    y[:, 12] = 1
    y[::2, 14] = 1
    model = fast(max_iter=30).fit(X, y)
    assert model.predict(X[:1])[0, 12] == 1
    shown = MembraneDisplay.from_estimator(model, X, y=y)
    assert len(shown.names) == 10
    assert {"12", "14"} <= set(shown.names)
    everything = MembraneDisplay.from_estimator(model, X, y=np.ones(15))
    assert everything.names == [*"0123456789"]


@pytest.mark.parametrize("output", [None, 0, 3])
def test_contributions_to_a_label(output, labelled, data, labels):
    X, _ = data
    shown = ContributionDisplay.from_estimator(
        labelled, X, sample=4, y=labels, output=output
    )
    logits = labelled.decision_function(X)[4].astype(float)
    k = int(logits.argmax()) if output is None else output
    network = labelled[-1]
    if network.readout == "membrane_mean":
        assert shown.total == pytest.approx(logits[k], abs=1e-4)
    else:
        record = network.simulate(labelled[0].transform(X[[4]]))
        current = record.spikes[0][0].sum(axis=0) @ network.coefs_[-1][:, k]
        current += 10 * network.intercepts_[-1][k]
        assert shown.total == pytest.approx(current, rel=1e-4)
    by_inputs = shown.inputs.sum() + shown.input_bias
    assert by_inputs == pytest.approx(shown.total, abs=1e-4)
    assert (shown.answer, shown.against) == (f"label {k}", None)
    title = shown.figure_.get_suptitle().split("\n", 1)[1]
    assert title.startswith(f"Contributions (not causes) to label {k}: ")
    assert shown.ax_[0].get_xlabel() == "Contribution, not cause\n(> 0: raises it)"


def test_refused_outputs(labelled, predicting, model, data):
    X, _ = data
    for one, n_outputs in ((labelled, 4), (predicting, 2)):
        for output in (n_outputs, -1, 0.5, "0"):
            with pytest.raises(ValueError, match=rf"one of {n_outputs} outputs, got"):
                ContributionDisplay.from_estimator(one, X, output=output)
        for against in (1, "mean"):
            with pytest.raises(ValueError, match="against names a class, of which th"):
                ContributionDisplay.from_estimator(one, X, against=against)
    with pytest.raises(ValueError, match=r"several labels, or numbers; .*against"):
        ContributionDisplay.from_estimator(model, X, output=1)
