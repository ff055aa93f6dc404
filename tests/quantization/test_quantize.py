"""quantize: what it makes of networks, how close that is, and what it refuses."""

import numpy as np
import pandas as pd
import pytest
from helpers import fast, make_encoder
from quantized import CASES, N_STEPS, fitted, inputs, quantized, targets
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler
from sklearn.utils.estimator_checks import (
    check_dataframe_column_names_consistency,
    check_estimator,
    check_param_validation,
)

from sklearn_snn import SpikingClassifier, SpikingRegressor
from sklearn_snn.export import export_html
from sklearn_snn.inspection import (
    AnytimeAccuracyDisplay,
    ContributionDisplay,
    SpikeRasterDisplay,
    TrainingDisplay,
    WeightDisplay,
)
from sklearn_snn.nir import nir_compatibility, to_nir
from sklearn_snn.quantization import (
    QuantizedSpikingClassifier,
    QuantizedSpikingRegressor,
    quantization_cost,
    quantize,
)

SMALL = {"n_steps": 5, "max_iter": 15, "learning_rate_init": 0.05}
SMALL |= {"random_state": 0, "engine": "numpy"}
ESTIMATORS = [
    QuantizedSpikingClassifier(SpikingClassifier((10,), **SMALL)),
    QuantizedSpikingRegressor(SpikingRegressor((20,), **SMALL | {"max_iter": 30})),
]


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_check_estimator(estimator, monkeypatch):
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # else one check would be skipped
    results = check_estimator(estimator, on_skip=None)
    assert len(results) > 40
    assert {r["status"] for r in results} == {"passed"}
    name = type(estimator).__name__
    check_param_validation(name, estimator)
    check_dataframe_column_names_consistency(name, estimator)


FINE = {"bits": 16, "leak_bits": 15, "fraction_bits": 10, "input_bits": 16}


@pytest.mark.parametrize("name", [n for n in CASES if "power_of_two" not in n])
def test_of_many_bits_it_is_the_network_that_was_trained(name):
    """Whatever its neurons, gains and readout: nothing is scaled wrongly."""
    model, case = fitted(name), CASES[name]
    options = {"input_bits": 1} if case.kind in ("trains", "spikes") else {}
    fine, X = quantize(model, **FINE | options), inputs(case.kind, 100)
    ours, theirs = fine.simulate(X), model.simulate(X)
    for layer, (a, b) in enumerate(zip(ours.spikes, theirs.spikes, strict=True)):
        assert (a == b).mean() > 0.995, layer
    u = ours.membranes[0] * fine.layers_[0].membrane_units
    np.testing.assert_allclose(np.median(np.abs(u - theirs.membranes[0])), 0, atol=2e-3)
    logits = ours.logits[:, -1], theirs.logits[:, -1]
    error = np.median(np.abs(logits[0] - logits[1]))
    # Among equal counts it is not tanh that decides, but what is as monotonous.
    of_ties = 0.16 * 10 / N_STEPS if fine.network_.readout.ties else 0
    assert error < of_ties + 0.02 * np.abs(logits[1]).max()


@pytest.mark.parametrize("name", ["default", "recurrent_graded", "mean", "cuba_spread"])
def test_numbers_are_integers_in_their_unit(name):
    """The nearest ones, but for those that are clipped, and one unit a neuron."""
    model, case = fitted(name), CASES[name]
    quantized_model = quantize(model, **case.options)
    grid = quantized_model.to_estimator()
    largest = 2 ** (case.options.get("bits", 8) - 1) - 1
    for index, layer in enumerate(quantized_model.layers_):
        pairs = [(model.coefs_, grid.coefs_, layer.weights, layer.weight_units)]
        if layer.recurrent_weights is not None:
            own = layer.recurrent_weights, layer.recurrent_units
            pairs.append((model.recurrent_coefs_, grid.recurrent_coefs_, *own))
        for before, after, integers, units in pairs:
            assert largest / 2 <= np.abs(integers.astype(int)).max() <= largest
            np.testing.assert_allclose(after[index], integers * units, rtol=1e-6)
            error = np.abs(before[index] - after[index]) / units
            assert error[np.abs(integers.astype(int)) < largest].max() <= 0.5001
        error = np.abs(model.intercepts_[index] - grid.intercepts_[index])
        gain = layer.membrane_units / layer.weight_units * 2.0**layer.shift
        assert (error <= 0.5001 * layer.membrane_units / gain.min()).all()
        before, after = (m.neuron_constants_[index] for m in (model, grid))
        if "threshold" in before:
            error = np.abs(before["threshold"] - after["threshold"])
            assert (error <= 0.5001 * layer.membrane_units).all()
        else:
            assert len(set(layer.membrane_units)) == 1
    assert quantized_model.predict(inputs(case.kind)).shape[0] == 300
    agreement = accuracy_score(
        *(m.predict(inputs(case.kind)) for m in (quantized_model, grid))
    )
    assert agreement > 0.95


def test_each_neuron_has_the_unit_with_the_least_error():
    """A large weight in one of them leaves the others as they are, and is clipped."""
    model = fitted("default")
    before = quantize(model, bits=4).layers_[0]
    model.coefs_[0][3, 5] = 30 * np.abs(model.coefs_[0][:, 5]).max()
    weights = model.coefs_[0].astype(float)
    after = quantize(model, bits=4).layers_[0]
    others = np.arange(14) != 5
    np.testing.assert_array_equal(before.weights[:, others], after.weights[:, others])
    units = after.weight_units

    def error(units):
        rounded = np.clip(np.rint(weights / units), -7, 7) * units
        return np.square(weights - rounded).sum(axis=0)

    plain = np.abs(weights).max(axis=0) / 7
    assert (error(units) <= error(plain)).all()
    assert (error(units) < 0.8 * error(plain)).sum() > 3
    for factor in (0.97, 1.03):
        assert (error(units * factor) > 0.9 * error(units)).all()


def test_neurons_without_weights_are_silent():
    model = fitted("default")
    model.coefs_[0][:, :5] = 0
    model.coefs_[0][:, 5] = 1e-20
    for array in (model.intercepts_[0], model.coefs_[1]):
        array[:6] = 0
    spikes = quantize(model).simulate(inputs("trains")).spikes[0]
    assert not spikes[..., :6].any()
    assert spikes[..., 6:].any()


def test_a_pipeline_stays_one():
    X, y = inputs("constant"), targets("classes")
    pipeline = make_pipeline(MinMaxScaler(), make_encoder(), fast(engine="numpy"))
    pipeline.fit(X, y)
    whole = quantize(pipeline, bits=6)
    assert isinstance(whole, Pipeline)
    assert [*whole.named_steps] == [*pipeline.named_steps]
    assert isinstance(pipeline[-1], SpikingClassifier)
    assert isinstance(whole[-1], QuantizedSpikingClassifier)
    assert whole[-1].bits == 6
    given = pipeline[:-1].transform(X)
    np.testing.assert_array_equal(whole.predict(X), whole[-1].predict(given))
    tuned = quantize(pipeline, bits=2, X=X, y=y, epochs=1)
    assert tuned.score(X, y) > quantize(pipeline, bits=2).score(X, y)


def test_the_estimator_is_not_changed():
    model, X = fitted("default"), inputs("trains")
    before = model.decision_function(X), [w.copy() for w in model.coefs_]
    quantized_model = quantize(model, bits=2, X=X, y=targets("classes"), epochs=1)
    quantized_model.to_estimator().coefs_[0][:] = 0
    np.testing.assert_array_equal(model.decision_function(X), before[0])
    np.testing.assert_array_equal(model.coefs_[0], before[1][0])
    assert quantized_model.to_estimator().coefs_[0].any()


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: type(e).__name__)
def test_weights_of_samples_are_those_of_the_fit_and_of_fine_tuning(estimator):
    X, y = inputs("signed"), targets("classes")
    weights = np.arange(300.0) % 3
    model = clone(estimator).set_params(bits=3, epochs=2)
    model.fit(X, y, sample_weight=weights)
    inside = clone(estimator.estimator).fit(X, y, sample_weight=weights)
    untuned = quantize(inside, bits=3)
    plain = clone(estimator).set_params(bits=3).fit(X, y, sample_weight=weights)
    np.testing.assert_array_equal(untuned.layers_[0].weights, plain.layers_[0].weights)
    assert (model.layers_[0].weights != plain.layers_[0].weights).any()
    unweighed = quantize(inside, bits=3, X=X, y=y, epochs=2)
    assert (model.layers_[0].weights != unweighed.layers_[0].weights).any()


def test_what_it_costs():
    X, y = inputs("trains"), targets("classes")
    model, coarse = fitted("default"), quantize(fitted("default"), bits=2)
    weights = np.arange(300.0)
    cost = quantization_cost(model, coarse, X, y, sample_weight=weights)
    assert cost.score == pytest.approx(model.score(X, y, weights))
    assert cost.quantized_score == pytest.approx(coarse.score(X, y, weights))
    assert cost.cost == cost.score - cost.quantized_score != 0
    same = model.predict(X) == coarse.predict(X)
    assert cost.agreement == pytest.approx(weights[same].sum() / weights.sum())
    numbers, y = fitted("numbers"), targets("numbers")
    cost = quantization_cost(numbers, quantized("numbers"), X, y)
    assert cost.score == pytest.approx(numbers.score(X, y))
    theirs = quantized("numbers").predict(X)
    assert cost.agreement == r2_score(numbers.predict(X), theirs)
    assert cost.agreement > 0.99


def test_a_second_fit_is_as_a_first():
    X, y = inputs("signed"), targets("classes")
    model = QuantizedSpikingClassifier(fast(engine="numpy"))
    model.fit(pd.DataFrame(X).add_prefix("x"), y)
    assert len(model.feature_names_in_) == 64
    first = model.fit(X[:, :9], y > 4).decision_function(X[:, :9])
    assert not hasattr(model, "feature_names_in_")
    again = clone(model).fit(X[:, :9], y > 4).decision_function(X[:, :9])
    np.testing.assert_array_equal(again, first)


def test_a_search_over_bits():
    X, y = inputs("signed"), targets("classes")
    model = QuantizedSpikingClassifier(SpikingClassifier((10,), **SMALL))
    grid = {"bits": [2, 8], "estimator__alpha": [0.8, 0.9]}
    search = GridSearchCV(model, grid, cv=2).fit(X, y)
    assert search.best_params_["bits"] == 8
    assert search.best_estimator_.layers_[0].leak[0] in (3277, 3686)
    assert repr(model.set_params(bits=4)).startswith(
        "QuantizedSpikingClassifier(bits=4,"
    )


def test_of_a_search_the_best_is_quantised():
    X, y = inputs("constant"), targets("classes")
    pipeline = make_pipeline(MinMaxScaler(), SpikingClassifier((10,), **SMALL))
    grid = {"spikingclassifier__alpha": [0.8, 0.9]}
    search = GridSearchCV(pipeline, grid, cv=2)
    with pytest.raises(TypeError, match=r"GridSearchCV without best_estimator_: fit"):
        quantize(search)
    whole = quantize(search.fit(X, y), bits=6)
    best = quantize(search.best_estimator_, bits=6)
    np.testing.assert_array_equal(whole.predict_proba(X), best.predict_proba(X))
    assert [*whole.named_steps] == ["minmaxscaler", "spikingclassifier"]
    # A search may also be the last step.
    grid = {"alpha": [0.8, 0.9]}
    inner = GridSearchCV(SpikingClassifier((10,), **SMALL), grid, cv=2)
    within = quantize(make_pipeline(MinMaxScaler(), inner).fit(X, y))
    assert isinstance(within[-1], QuantizedSpikingClassifier)
    without_best = clone(search).set_params(refit=False).fit(X, y)
    with pytest.raises(TypeError, match=r"without best_estimator_: fit it, with refit"):
        quantize(without_best)


def test_answers_after_each_step():
    model, X = quantized("events"), inputs("spikes", 40)
    stages, record = [*model.staged_predict(X)], model.simulate(X)
    assert len(stages) == N_STEPS
    for t, stage in enumerate(stages):
        answers = model.classes_[record.logits[:, t].argmax(axis=1)]
        np.testing.assert_array_equal(stage, answers)
    np.testing.assert_array_equal(stages[-1], model.predict(X))
    numbers, X = quantized("numbers"), inputs("trains", 40)
    np.testing.assert_array_equal([*numbers.staged_predict(X)][-1], numbers.predict(X))


def test_probabilities_are_those_of_the_logits():
    model, X = quantized("default"), inputs("trains", 40)
    logits = model.decision_function(X)
    shares = np.exp(logits - logits.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(model.predict_proba(X), shares, rtol=1e-12)
    np.testing.assert_allclose(model.predict_log_proba(X), np.log(shares), rtol=1e-9)
    best = model.classes_[logits.argmax(axis=1)]
    np.testing.assert_array_equal(model.predict(X), best)


def test_it_can_be_looked_at():
    model, X = quantized("default"), inputs("trains", 3)
    display = SpikeRasterDisplay.from_estimator(model, X)
    assert display.figure_ is not None
    X, y = inputs("trains", 100), targets("classes", 100)
    over_time = AnytimeAccuracyDisplay.from_estimator(model, X, y)
    assert over_time.accuracy[-1] == model.score(X, y)
    record = model.simulate(X, layers=[-1], inputs=False)
    assert record.layers == [1]
    assert record.inputs is None
    thresholds = model.layers_[1].threshold
    np.testing.assert_array_equal(record.thresholds[-1], thresholds)
    with pytest.raises(ValueError, match="GiB, more than max_memory"):
        model.simulate(X, max_memory=1e-9)


PER_STEP = {"per_step": True, "readout": "membrane_last"}
REFUSED = {
    "adlif": ({"neuron": "adlif"}, "neuron='adlif'. Fit with neuron='cuba' or 'lif'"),
    "softmax": (
        {"readout": "softmax_mean"},
        r"exponentials at each step\. Fit with readout='membrane_mean'",
    ),
    "per_step": (PER_STEP, "Fit with readout='membrane_last', whose staged_predict"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_networks_that_no_integers_stand_for(name):
    params, message = REFUSED[name]
    y = targets("classes")
    if name == "per_step":
        y = np.repeat(y[:, np.newaxis], N_STEPS, axis=1)
    model = fast(engine="numpy", max_iter=1, **params)
    with pytest.raises(ValueError, match=message):
        QuantizedSpikingClassifier(model).fit(None, None)  # before it looks at data
    with pytest.raises(ValueError, match=message):
        quantize(model.fit(inputs("spikes"), y))


def test_what_is_refused():
    X, model = inputs("trains"), fitted("default")
    for other in (LogisticRegression(), model.network_, None, SpikingClassifier):
        with pytest.raises(TypeError, match="takes a fitted SpikingClassifier"):
            quantize(other)
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    with pytest.raises(TypeError, match="that ends with LogisticRegression"):
        quantize(pipeline.fit(inputs("constant"), targets("classes")))
    for unfitted in (SpikingClassifier(), make_pipeline(SpikingClassifier())):
        with pytest.raises(NotFittedError):
            quantize(unfitted)
    for bits in (1, 17, 8.0, "8"):
        with pytest.raises(ValueError, match="The 'bits' parameter of quantize must"):
            quantize(model, bits)
    with pytest.raises(ValueError, match="The 'leak' parameter of quantize must"):
        quantize(model, leak="exp")
    with pytest.raises(ValueError, match="epochs=2 of fine-tuning need X and y"):
        quantize(model, epochs=2, X=X)
    y = targets("classes")
    for data in ({"X": X, "y": y}, {"X": X}, {"y": y}):
        with pytest.raises(ValueError, match="there are epochs=0 of that: take epochs"):
            quantize(model, 3, **data)
    with pytest.raises(ValueError, match="no power for alpha=1"):
        quantize(fitted("no_leak"), leak="power_of_two")
    with pytest.raises(TypeError, match="quantises a SpikingRegressor, not a Spiking"):
        QuantizedSpikingRegressor()._quantize(model)
    model.coefs_[0][0, 0] = np.nan
    with pytest.raises(ValueError, match="must be finite"):
        quantize(model)


@pytest.mark.parametrize("name", ["alone", "in a pipeline", "of a search"])
@pytest.mark.parametrize(
    "take",
    [
        lambda q, X, folder: export_html(q, folder / "page.html", X),
        lambda q, X, folder: to_nir(q, folder / "graph.nir"),
        lambda q, X, folder: nir_compatibility(q),
        lambda q, X, folder: WeightDisplay.from_estimator(q),
        lambda q, X, folder: TrainingDisplay.from_estimator(q),
        lambda q, X, folder: ContributionDisplay.from_estimator(q, X),
    ],
)
def test_what_needs_the_numbers_of_training_names_them(name, take, tmp_path):
    X, y = inputs("constant", 40), np.arange(40) % 2
    trained = fast(engine="numpy", max_iter=1)
    instead = r"Give quantized\.to_estimator\(\) instead"
    if name == "of a search":
        search = GridSearchCV(QuantizedSpikingClassifier(trained), {"bits": [4]}, cv=2)
        small = search.fit(X, y)
        given = small.best_estimator_.to_estimator()
    elif name == "alone":
        small = quantize(trained.fit(X, y))
        given = small.to_estimator()
    else:
        small = quantize(make_pipeline(MinMaxScaler(), trained).fit(X, y))
        given = make_pipeline(*small[:-1], small[-1].to_estimator())
        instead = r"Give make_pipeline\(\*quantized\[:-1\], quantized\[-1\]\.to_estim"
    with pytest.raises(TypeError, match=rf"QuantizedSpikingClassifier has.*{instead}"):
        take(small, X, tmp_path)
    assert not [*tmp_path.iterdir()]
    take(given, X, tmp_path)
