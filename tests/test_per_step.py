"""An answer at each step, of both estimators: `per_step`."""

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from helpers import assert_same_network
from rhythms import N_STEPS, NAMES, NEXT, PHASES, X, classifier, regressor, rhythms
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV, KFold, cross_val_score

from sklearn_snn import PoissonSpikeEncoder, SpikingRegressor, as_sequences
from sklearn_snn._training.targets import Classes, PerStep
from sklearn_snn.exceptions import InputMismatchWarning

pytestmark = pytest.mark.filterwarnings("ignore:Maximum number of epochs")
each = pytest.mark.parametrize


# What can be learned


def test_the_phase_of_a_rhythm():
    model = classifier(max_iter=40, readout_start=3).fit(X, PHASES)
    new, phases, _ = rhythms(seed=1)
    assert model.classes_.tolist() == sorted(NAMES)
    answers = model.predict(new)
    assert answers.shape == phases.shape
    assert (answers[:, 3:] == phases[:, 3:]).mean() > 0.9
    assert model.score(new, phases) == (answers[:, 3:] == phases[:, 3:]).mean()
    # One answer, or the answer of another step, would not do.
    assert (answers[:, 3:] == np.roll(phases, 3, axis=1)[:, 3:]).mean() < 0.3


def test_the_next_value_of_a_signal():
    model = regressor(max_iter=150, readout_start=3).fit(X, NEXT)
    new, _, following = rhythms(seed=1)
    assert model.score(new, following) > 0.9
    # To repeat the value there is, is much worse.
    repeated = new[:, 3:, 0].ravel()
    assert r2_score(following[:, 3:].ravel(), repeated) < 0.8


# What it is


def test_the_readout_is_that_of_each_step():
    for model, y in ((classifier(), PHASES), (regressor(), NEXT)):
        readout = model.fit(X, y).network_.readout
        assert (readout.name, readout.per_step) == ("membrane_last", True)
        again = copy.deepcopy(model).set_params(readout="membrane_last").fit(X, y)
        np.testing.assert_array_equal(again.predict(X), model.predict(X))
    plain = SpikingRegressor((3,), max_iter=1, n_steps=3, engine="numpy")
    assert plain.fit(X[:, 0], NEXT[:, 0]).network_.readout.name == "membrane_mean"


def test_the_loss_is_the_mean_over_steps_and_samples(rng):
    """And with weights, their mean; of a regressor in the deviation of y."""
    weights, start = rng.uniform(0.5, 2, len(X)), 4
    model = classifier(readout_start=start).fit(X, PHASES)
    p = model.predict_proba(X)
    assert p.shape == (*PHASES.shape, 4)
    np.testing.assert_allclose(model.predict_log_proba(X), np.log(p))
    right = np.searchsorted(model.classes_, PHASES)[..., np.newaxis]
    losses = -np.log(np.take_along_axis(p, right, axis=2)[..., 0])[:, start:]
    expected = np.average(losses.mean(axis=1), weights=weights)
    assert model.loss_and_gradients(X, PHASES, weights).loss == pytest.approx(expected)
    assert (p[:, :start] == 0.25).all()  # nothing is read yet

    Y = np.stack([NEXT, 10 + 5 * NEXT**2], axis=2)
    model = regressor(readout_start=start).fit(X, Y)
    assert model.predict(X).shape == Y.shape
    np.testing.assert_allclose(model.y_mean_, Y.mean(axis=(0, 1)))
    np.testing.assert_allclose(model.y_scale_, Y.std(axis=(0, 1)))
    error = (model.predict(X) - Y)[:, start:] / model.y_scale_
    expected = np.average(np.square(error).mean(axis=(1, 2)) / 2, weights=weights)
    assert model.loss_and_gradients(X, Y, weights).loss == pytest.approx(expected)


def test_scores_are_of_all_steps_that_are_read(rng):
    weights, start = rng.integers(0, 3, len(X)).astype(float), 2
    every = np.repeat(weights[:, np.newaxis], N_STEPS - start, axis=1).ravel()
    model = classifier(readout_start=start).fit(X, PHASES)
    pairs = PHASES[:, start:].ravel(), model.predict(X)[:, start:].ravel()
    expected = accuracy_score(*pairs, sample_weight=every)
    assert model.score(X, PHASES, weights) == pytest.approx(expected)
    # A label that nobody learned is a mistake.
    other = np.full(PHASES.shape, "other")
    assert model.score(X, other) == 0
    model = regressor(readout_start=start).fit(X, NEXT)
    pairs = NEXT[:, start:].ravel(), model.predict(X)[:, start:].ravel()
    expected = r2_score(*pairs, sample_weight=every)
    assert model.score(X, NEXT, weights) == pytest.approx(expected)
    with pytest.warns(InputMismatchWarning):
        model.score(100 * X, NEXT)
    for model, y in ((classifier(), PHASES), (regressor(), NEXT)):
        model.set_params(batch_size=60, max_iter=1, learning_rate_init=1e-12)
        # Of one step that is next to none, before and after are the same.
        model.fit(X, y, weights)
        assert model.train_scores_[-1] == pytest.approx(model.score(X, y, weights))


LABELS = np.stack([X[..., 0] > 0, X[..., 0] < NEXT], axis=2).astype(int)


def test_several_labels_of_a_step(rng):
    """Whether the signal is high, and whether it rises: all four quarters."""
    model = classifier(max_iter=80, readout_start=3).fit(X, LABELS)
    new, _, following = rhythms(seed=1)
    labels = np.stack([new[..., 0] > 0, new[..., 0] < following], axis=2).astype(int)
    p, answers, read = model.predict_proba(new), model.predict(new), labels[:, 3:]
    assert answers.shape == p.shape == labels.shape
    np.testing.assert_array_equal(answers, p > 0.5)
    right = (answers[:, 3:] == read).all(axis=2)
    assert model.score(new, labels) == pytest.approx(right.mean())
    assert right.mean() > 0.8
    assert (answers[:, 3:] == np.roll(read, 3, axis=1)).all(axis=2).mean() < 0.3
    losses = -np.log(np.where(read, p[:, 3:], 1 - p[:, 3:])).sum(axis=2).mean(axis=1)
    weights = rng.uniform(0.5, 2, len(new))
    expected = np.average(losses, weights=weights)
    loss = model.loss_and_gradients(new, labels, weights).loss
    assert loss == pytest.approx(expected)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(new), answers)
    with pytest.raises(ValueError, match="y must have 2 dimensions"):
        model.partial_fit(X, PHASES)


def test_two_classes_have_one_logit():
    is_high = PHASES == "high"
    model = classifier().fit(X, is_high)
    p = model.predict_proba(X)
    logits = model.decision_function(X)
    assert logits.shape == is_high.shape
    np.testing.assert_allclose(logits, np.log(p[..., 1] / p[..., 0]), atol=1e-9)
    np.testing.assert_array_equal(model.predict(X), logits > 0)


def test_stages_are_the_steps_of_the_answer():
    model = classifier(readout_start=2).fit(X, PHASES)
    stages = np.stack([*model.staged_predict(X)], axis=1)
    np.testing.assert_array_equal(stages, model.predict(X))
    stages = np.stack([*model.staged_predict_proba(X)], axis=1)
    np.testing.assert_array_equal(stages, model.predict_proba(X))
    np.testing.assert_array_equal(model.simulate(X).logits, model.decision_function(X))
    model = regressor().fit(X, NEXT)
    stages = np.stack([*model.staged_predict(X)], axis=1)
    np.testing.assert_array_equal(stages, model.predict(X))


def test_spike_trains():
    """Whose labels follow their rates."""
    rates = np.random.default_rng(0).random((40, 5))
    trains = PoissonSpikeEncoder(n_steps=9, random_state=0).fit_transform(rates)
    y = np.repeat(rates[:, :1] > 0.5, 9, axis=1)
    model = classifier(max_iter=30).fit(trains, y)
    assert model.predict(trains).shape == y.shape
    assert model.score(trains, y) > 0.65


# Recordings of unequal length


def unequal(y, n_samples=20):
    """Return recordings of other lengths each, and what belongs to their steps."""
    lengths = np.random.default_rng(3).integers(5, N_STEPS + 1, n_samples)
    cut = [[a[:n] for a, n in zip(x, lengths, strict=False)] for x in (X, y)]
    assert len(np.unique(lengths)) > 5
    return cut


@each("make, y", [(classifier, PHASES), (classifier, LABELS), (regressor, NEXT)])
def test_recordings_of_unequal_length(make, y):
    """Answers are lists, those to each recording as if it were alone."""
    listed, targets = unequal(y)
    model = make(readout_start=2).fit(listed, targets)
    names = ["predict"]
    if make is classifier:
        names += ["decision_function", "predict_proba", "predict_log_proba"]
    for name in names:
        answers = getattr(model, name)(listed)
        assert isinstance(answers, list)
        assert [len(a) for a in answers] == [len(x) for x in listed]
        for x, answer in zip(listed, answers, strict=True):
            (alone,) = getattr(model, name)(x[np.newaxis])
            np.testing.assert_array_equal(answer, alone)
    metric = accuracy_score if make is classifier else r2_score
    read = [
        np.concatenate([a[2:] for a in b]) for b in (targets, model.predict(listed))
    ]
    assert model.score(listed, targets) == pytest.approx(metric(*read))
    losses = [
        model.loss_and_gradients(x[np.newaxis], t[np.newaxis]).loss
        for x, t in zip(listed, targets, strict=True)
    ]
    found = model.loss_and_gradients(listed, targets).loss
    assert found == pytest.approx(np.mean(losses))  # long or short, they count alike
    if make is regressor:
        every = np.concatenate(targets)
        np.testing.assert_allclose(model.y_mean_, every.mean())
        np.testing.assert_allclose(model.y_scale_, every.std())


@each("make, y", [(classifier, PHASES), (classifier, LABELS), (regressor, NEXT)])
def test_targets_of_padding_count_for_nothing(make, y):
    """Whatever they are; and a transformer may have taken the padding away."""
    listed, targets = unequal(y)
    model = make().fit(listed, targets)
    # Longer than the longest, as a part of an array may be.
    n_steps = N_STEPS + 3
    X = np.full((len(listed), n_steps, listed[0].shape[1]), np.nan)
    nothing = np.nan if make is regressor else 7 if y is LABELS else "nothing"
    filled = np.full((len(listed), n_steps, *y.shape[2:]), nothing)
    for i, (x, t) in enumerate(zip(listed, targets, strict=True)):
        X[i, : len(x)], filled[i, : len(t)] = x, t
    items = [x[: len(x) - i % 2] for i, x in enumerate(X)]
    items_y = [t[: len(t) - i % 2] for i, t in enumerate(filled)]
    for some, of_some in (
        (X, filled),
        (X, targets),
        (X, [*filled]),
        (items, items_y),
        (as_sequences(np.concatenate(items), lengths=[*map(len, items)]), items_y),
        (as_sequences(X, layout="steps_first"), filled),
    ):
        assert_same_network(make().fit(some, of_some), model)
        assert model.score(some, of_some) == model.score(listed, targets)
    first = [t[:-1] if i == 0 else t for i, t in enumerate(filled)]
    with pytest.raises(ValueError, match=rf"y\[0\] has {N_STEPS + 2} steps"):
        model.fit(X, first)


def test_what_is_beyond_the_end_is_no_class():
    listed, targets = unequal(PHASES)
    model = classifier(class_weight="balanced").fit(listed, targets)
    assert model.classes_.tolist() == sorted(NAMES)
    stages = [*model.staged_predict(listed)]
    for i, answers in enumerate(model.predict(listed)):
        np.testing.assert_array_equal([s[i] for s in stages[: len(answers)]], answers)
        # A recording that is at its end keeps its last answer.
        assert {s[i] for s in stages[len(answers) :]} <= {answers[-1]}
    shorter = [*targets]
    shorter[4] = shorter[4][1:]
    n = len(listed[4])
    with pytest.raises(
        ValueError, match=rf"y\[4\] has {n - 1} steps, but X\[4\] has {n}"
    ):
        model.fit(listed, shorter)
    with pytest.raises(ValueError, match="readout_start must be smaller than"):
        classifier(readout_start=min(map(len, listed))).fit(listed, targets)
    model.set_params(max_iter=15, batch_size=5)
    scores = cross_val_score(model, listed, targets, cv=KFold(3))
    assert scores.min() > 0.4


# Weights


@each("make, y", [(classifier, PHASES), (classifier, LABELS), (regressor, NEXT)])
def test_a_sample_of_weight_2_counts_twice(make, y):
    params = {"batch_size": 100, "shuffle": False, "weight_decay": 0.0}
    weights = np.ones(30)
    weights[:8], weights[8:12] = 2, 0
    weighted = make(**params).fit(X[:30], y[:30], weights)
    rows = np.r_[:8, 12:30, :8]
    plain = make(**params).fit(X[rows], y[rows])
    new = weighted.loss_and_gradients(X[:30], y[:30], weights)
    old = weighted.loss_and_gradients(X[rows], y[rows])
    assert new.loss == pytest.approx(old.loss)
    for a, b in zip(new.coef_grads, old.coef_grads, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)
    assert weighted.score(X[:30], y[:30], weights) == pytest.approx(
        weighted.score(X[rows], y[rows])
    )
    for name in ("y_mean_", "y_scale_"):
        if make is regressor:
            ours, theirs = getattr(weighted, name), getattr(plain, name)
            np.testing.assert_allclose(ours, theirs)


def test_class_weights_weigh_steps():
    """A class of weight 0 is left out of loss and scores; rare ones can be raised."""
    rare = np.where(np.arange(N_STEPS) % 10 == 3, "rare", "usual")
    y = np.tile(rare, (len(X), 1))
    X_noise = np.random.default_rng(0).normal(size=X.shape)
    params = {"max_iter": 20, "batch_size": 60}
    p = {}
    for weight in (None, "balanced", {"rare": 9.0}):
        model = classifier(class_weight=weight, **params).fit(X_noise, y)
        p[str(weight)] = model.predict_proba(X_noise)[..., 0].mean()
    assert p["None"] < 0.25 < 0.4 < p["balanced"] < 0.6
    assert p["{'rare': 9.0}"] == pytest.approx(p["balanced"], abs=0.02)
    params["max_iter"] = 60
    one = classifier(class_weight={"usual": 0}, **params).fit(X_noise, y)
    assert (one.predict(X_noise) == "rare").mean() > 0.95
    assert one.train_scores_[-1] > 0.95
    ends = {"usual": 0, "rare": 0}
    with pytest.raises(ValueError, match="class_weight must be"):
        classifier(class_weight=ends).fit(X_noise, y)


def test_what_guessing_would_reach(rng):
    """That of all steps, by their weights; a step that is not read has none."""
    targets, weights = rng.integers(0, 3, (5, 7)), rng.random((5, 7))
    score_weights = rng.random((5, 7))
    weights[:, :2] = score_weights[:, :2] = 0
    guessing = PerStep(Classes(np.arange(3))).guessing(targets, weights, score_weights)
    share, score_share = (
        np.array([w[targets == k].sum() for k in range(3)]) / w.sum()
        for w in (weights, score_weights)
    )
    expected = -(share * np.log(share)).sum(), score_share.max()
    np.testing.assert_allclose(guessing, expected)


def test_steps_of_classes_that_are_not_learned_are_not_watched():
    """Every answer is right where only one class counts."""
    y = np.where(PHASES == "low", "low", "else")
    model = classifier(early_stopping=True, class_weight={"else": 0}, max_iter=25)
    assert model.fit(X, y).best_validation_score_ == 1


def test_early_stopping_sets_whole_samples_aside():
    for model, y in ((classifier(), PHASES), (regressor(), NEXT)):
        if y is PHASES:
            model.set_params(class_weight={"low": 0})
        model.set_params(early_stopping=True).fit(X, y)
        assert model.t_ == 3 * 54  # of 60, a tenth is not learned from
        assert len(model.validation_scores_) == 3


# Going on


@each("make, y", [(classifier, PHASES), (classifier, LABELS), (regressor, NEXT)])
def test_partial_fit_is_fit_epoch_by_epoch(make, y):
    classes = np.arange(2) if y is LABELS else np.sort(NAMES)
    more = {"classes": classes} if make is classifier else {}
    params = {"learning_rate": "constant"}
    stream = make(**params)
    for _ in range(3):
        stream.partial_fit(X, y, **more)
    whole = make(**params).fit(X, y)
    np.testing.assert_array_equal(stream.predict(X), whole.predict(X))
    assert stream.loss_curve_ == whole.loss_curve_
    # A part whose samples are shorter, and of some of the classes.
    stream.partial_fit(X[:5, :7], y[:5, :7])
    before = stream.coefs_[0].copy()
    stream.partial_fit(X, y, sample_weight=np.zeros(len(X)))
    np.testing.assert_array_equal(stream.coefs_[0], before)


def test_warm_start():
    model = classifier(warm_start=True).fit(X, PHASES)
    first = model.loss_curve_[0]
    assert model.fit(X, PHASES).loss_curve_[3] < first
    with pytest.raises(ValueError, match="same classes"):
        model.fit(X, PHASES == "high")


def test_saved_models_answer_alike():
    for model, y in ((classifier(), PHASES), (regressor(), NEXT)):
        model.fit(X, y)
        loaded = pickle.loads(pickle.dumps(model))
        np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
        # What is set afterwards belongs to the next fit.
        model.set_params(per_step=False, readout="auto")
        np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
        assert loaded.score(X, y) == model.score(X, y)


# scikit-learn


def test_cross_validation_and_search():
    """With the score of the estimator, which knows that there are steps."""
    numbers = np.searchsorted(np.sort(NAMES), PHASES)
    for model, y in ((classifier(), PHASES), (classifier(), numbers)):
        scores = cross_val_score(model, X, y, cv=3)
        assert scores.shape == (3,)
        assert scores.min() > 0.25
    search = GridSearchCV(regressor(), {"max_iter": [1, 15]}, cv=3).fit(X, NEXT)
    assert search.best_params_ == {"max_iter": 15}
    assert search.best_score_ > 0.2
    # Lists, as recordings of unequal length have them.
    scores = cross_val_score(classifier(), X, [*PHASES], cv=KFold(3))
    np.testing.assert_array_equal(
        scores, cross_val_score(classifier(), X, PHASES, cv=3)
    )


def test_y_of_other_kinds():
    expected = classifier().fit(X, PHASES).predict(X)
    for y in (PHASES.tolist(), [*PHASES], pd.DataFrame(PHASES), PHASES.astype(object)):
        np.testing.assert_array_equal(classifier().fit(X, y).predict(X), expected)
    expected = regressor().fit(X, NEXT).predict(X)
    for y in (NEXT[..., np.newaxis], [*NEXT], NEXT.astype(object)):
        np.testing.assert_array_equal(regressor().fit(X, y).predict(X), expected)
