"""What is done with a random case, and what must hold whatever it is.

Either all works, and gives finite numbers and the same bits each time, or there is a
ValueError or TypeError and the estimator is as it was before.
"""

import contextlib
import copy
import io
import re
import warnings

import numpy as np
import pandas as pd
from fuzz_cases import PREDICTIONS
from scipy import sparse
from sklearn.base import is_classifier
from sklearn.exceptions import (
    ConvergenceWarning,
    DataConversionWarning,
    UndefinedMetricWarning,
)

from sklearn_snn import PoissonSpikeEncoder, SpikeTrains, SpikingClassifier
from sklearn_snn._inputs.validation import validate_input
from sklearn_snn.exceptions import (
    DeadNeuronWarning,
    InputMismatchWarning,
    UnscaledInputWarning,
)

ENGINES = "numpy", "numba"
_HUGE_LABELS = "1e308", "huge numbers", "one huge number"
# Warnings that may be shown; those of scikit-learn are told by what they say.
_WARNINGS = (
    ConvergenceWarning,
    DeadNeuronWarning,
    InputMismatchWarning,
    UnscaledInputWarning,
    DataConversionWarning,
    UndefinedMetricWarning,
)
_MESSAGES = re.compile(
    "number of unique classes is greater than 50%|least populated class"
    "|feature names|y_pred contains classes not in y_true"
)


def fitted_attributes(estimator):
    """Return what a fit leaves, copied."""
    attributes = {k: v for k, v in vars(estimator).items() if k.endswith("_")}
    return copy.deepcopy(attributes)


def fingerprint(value):
    """Return something that is equal for values that are the same to the bit."""
    if isinstance(value, dict):
        return {name: fingerprint(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [fingerprint(item) for item in value]
    if isinstance(value, np.ma.MaskedArray):
        return fingerprint([value.data, value.mask])
    if isinstance(value, np.ndarray):
        # The bytes of objects are addresses, and those of longdouble have gaps.
        has_bytes = value.dtype.kind != "O" and value.dtype.char not in "gG"
        items = value.tobytes() if has_bytes else repr(list(value.flat))
        return value.shape, value.dtype, items
    if sparse.issparse(value):
        if value.format == "lil":
            value = value.tocsr()
        names = ("indptr", "indices", "coords", "data")
        parts = {k: getattr(value, k) for k in names if hasattr(value, k)}
        return value.shape, fingerprint(parts)
    if isinstance(value, SpikeTrains):
        return fingerprint(vars(value))
    if isinstance(value, pd.DataFrame | pd.Series):
        return value.to_csv()
    return repr(value)


@contextlib.contextmanager
def only_known_warnings():
    """Fail if a warning is shown that says nothing to the user."""
    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        yield
    for warning in shown:
        known = issubclass(warning.category, _WARNINGS)
        if not known and not _MESSAGES.search(str(warning.message)):
            raise AssertionError(
                f"{warning.category.__name__}: {warning.message} "
                f"({warning.filename}:{warning.lineno})"
            )


def attempt(function, *args, **kwargs):
    """Call; return the result and None, or None and the error that there may be."""
    with only_known_warnings(), contextlib.redirect_stdout(io.StringIO()):
        try:
            return function(*args, **kwargs), None
        except (ValueError, TypeError) as error:
            assert str(error).strip(), "an error says what is wrong"
            return None, error


def check_network(estimator, X):
    """Check a fitted network, and what it says of data that it must accept."""
    constants = [a for p in estimator.neuron_constants_ for a in p.values()]
    arrays = [*estimator.coefs_, *estimator.intercepts_, *constants]
    assert all(np.isfinite(array).all() for array in arrays), "weights are finite"
    answers = {}
    for method in PREDICTIONS[:-1] if is_classifier(estimator) else ["predict"]:
        answers[method], error = attempt(getattr(estimator, method), X)
        if error is not None:
            raise AssertionError(f"{method} of the data of a fit failed") from error
        check_answer(estimator, method, answers[method])
    return answers


def check_answer(estimator, method, answer):
    """Check that predictions make sense."""
    is_classes = is_classifier(estimator) and estimator.network_.loss != "logistic"
    match method:
        case "predict" if not is_classifier(estimator):
            is_in_range = estimator.y_scale_.max() < 1e300
            assert np.isfinite(answer).all() or not is_in_range, "numbers are finite"
        case "predict" if not is_classes:
            assert answer.shape[-1] == estimator.n_outputs_
            assert np.isin(answer, (0, 1)).all()
        case "predict":
            assert np.isin(answer, estimator.classes_).all(), "labels are known"
        case "predict_proba":
            assert answer.shape[-1] == len(estimator.classes_)
            assert np.isfinite(answer).all(), "probabilities are finite"
            assert (answer >= 0).all()
            assert (answer <= 1 + 1e-6).all()
            if is_classes:
                np.testing.assert_allclose(answer.sum(axis=-1), 1, atol=1e-5)
        case "predict_log_proba":
            assert not np.isnan(answer).any() and (answer <= 0).all()
        case "decision_function":
            assert np.isfinite(answer).all(), "logits are finite"
        case "score" if is_classifier(estimator):
            assert 0 <= answer <= 1 + 1e-9
        case "score":
            assert answer <= 1 + 1e-9 or np.isnan(answer)  # of a single sample


def run_network(case, event=lambda text: None, kind=SpikingClassifier):
    """Run a case; return fingerprints of all that came of it."""
    estimator = kind(**copy.deepcopy(case.params))
    record = []
    for operation in case.operations:
        outcome = _operate(estimator, case, operation)
        event(f"{operation.method}: {outcome[0]}")
        record.append(outcome)
    return record


def _operate(estimator, case, operation):
    data = case.data[operation.data]
    width = None if operation.own_width else case.data[0].n_features
    X, y, weights = data.X(width), data.y(), data.sample_weight()
    # A regressor answers in the range of what it learned, too.
    told = (data,) if is_classifier(estimator) else filter(None, case.data)
    extreme = data.weights == "huge" or any(d.labels in _HUGE_LABELS for d in told)
    if operation.method == "score" and extreme:
        return "is scikit-learn's own", None  # its scores warn of an overflow
    if operation.warm_start is not None:
        estimator.set_params(warm_start=operation.warm_start)
    arguments = (X,)
    keywords = {}
    if operation.method in ("fit", "partial_fit", "score"):
        arguments, keywords = (X, y), {"sample_weight": weights}
    is_first = operation.method == "partial_fit" and not hasattr(estimator, "coefs_")
    if is_first and is_classifier(estimator):
        with contextlib.suppress(Exception):
            n_axes = 2 + case.params.get("per_step", False)
            is_labels = np.ndim(y) == n_axes and np.shape(y)[-1] > 1
            keywords["classes"] = range(np.shape(y)[-1]) if is_labels else np.unique(y)
    before, given = fitted_attributes(estimator), fingerprint([X, y, weights])
    params = fingerprint(_without_generator(estimator.get_params()))
    result, error = attempt(
        getattr(estimator, operation.method), *arguments, **keywords
    )
    after = fitted_attributes(estimator)
    assert fingerprint([X, y, weights]) == given, "data are left as they are"
    now = fingerprint(_without_generator(estimator.get_params()))
    assert now == params, "parameters are left as they are"
    is_fit = operation.method in ("fit", "partial_fit")
    if error is None and is_fit:
        assert result is estimator
        return "succeeds", fingerprint([after, check_network(estimator, X)])
    if error is None:
        check_answer(estimator, operation.method, result)
        assert fingerprint(after) == fingerprint(before)
        return "succeeds", fingerprint(result)
    if operation.method == "fit" and "training has diverged" in str(error):
        # The last complete epoch, or all as it was.
        if fingerprint(after) != fingerprint(before):
            check_network(estimator, X)
        return "diverges", fingerprint(after)
    assert fingerprint(after) == fingerprint(before), "a failure leaves no trace"
    return "fails", type(error).__name__


def compare_engines(case, event=lambda text: None):
    """Fit once, and hold both engines to the same answers with the same weights.

    Spikes, and so all answers, are the same to the bit; gradients up to rounding.
    """
    estimator = SpikingClassifier(**copy.deepcopy(case.params))
    data = [choices for choices in case.data if choices is not None]
    _, error = attempt(
        estimator.fit, data[0].X(), data[0].y(), sample_weight=data[0].sample_weight()
    )
    event(f"fit: {'succeeds' if error is None else 'fails'}")
    if not hasattr(estimator, "coefs_"):
        return
    for choices in data:
        by_engine = [_answers(estimator, engine, choices) for engine in ENGINES]
        event(f"answers: {by_engine[0][0]}")
        assert fingerprint(by_engine[0]) == fingerprint(by_engine[1]), "same answers"
        if by_engine[0][0] == "succeeds":
            _compare_gradients(estimator, choices, event)


def _answers(estimator, engine, choices):
    """Return what an engine answers: through public methods, and all spikes."""
    estimator.set_params(engine=engine)
    answers = []
    for method in ("decision_function", "staged_predict_proba", "simulate"):
        result, error = attempt(lambda X, m=method: _call(estimator, m, X), choices.X())
        if error is not None:
            return "fails", type(error).__name__, str(error)
        answers.append(result)
    spikes = _with_engine(estimator, choices, _spikes)
    for layer, recorded in zip(spikes, answers[-1], strict=True):
        np.testing.assert_array_equal(layer, recorded, err_msg="simulated as predicted")
    return "succeeds", answers, spikes


def _call(estimator, method, X):
    result = getattr(estimator, method)(X)
    if method == "simulate":
        return result.spikes
    return list(result) if method.startswith("staged") else result


def _with_engine(estimator, choices, function):
    """Call ``function(engine, params, X)`` with input that was checked."""
    with np.errstate(all="ignore"), only_known_warnings():
        X = validate_input(estimator, choices.X(), reset=False)
        return function(estimator._engine(X), estimator._learned_params(), X)


def _spikes(engine, *args):
    return engine.spikes(*args)


def _compare_gradients(estimator, choices, event):
    """Check that both engines find the same loss and gradients up to rounding.

    Rounding is that of the summands: those of equal samples may cancel. Where a sample
    is nearly certain, that of its probability is large beside what it lacks to 1.
    """
    n_most = 8
    all_weights = 0.1 + np.arange(n_most) % 7

    def steps(engine, params, X):
        """Return the steps of some samples together, and of each alone."""
        X = X[:n_most]
        n, n_outputs = X.shape[0], len(params[-1]["intercept"])
        labels, weights = np.arange(n) % n_outputs, all_weights[:n]
        if estimator.network_.loss == "logistic":
            labels = np.eye(n_outputs)[labels]
        return [
            engine.loss_and_gradients(params, X[rows], labels[rows], weights[rows])
            for rows in (slice(n), *(slice(i, i + 1) for i in range(n)))
        ]

    by_engine = []
    for engine in ENGINES:
        estimator.set_params(engine=engine)
        by_engine.append(_with_engine(estimator, choices, steps))
    (one, *alone), (other, *_) = by_engine
    np.testing.assert_array_equal(one.outputs, other.outputs)
    for a, b in zip(one.n_spikes, other.n_spikes, strict=True):
        np.testing.assert_array_equal(a, b)
    rtol = 1e-3 if one.outputs.dtype == np.float32 else 1e-9
    np.testing.assert_allclose(one.loss, other.loss, rtol=rtol, atol=rtol)
    if not all(np.isfinite(a).all() for step in (one, other) for a in _gradients(step)):
        event("gradients: overflow")  # of which a fit is told, in either engine
        return
    if estimator._constants_["beta"] > 1e6:
        event("gradients: steep")  # so much magnify the tails that one engine cuts
        return
    event("gradients: finite")
    summands = zip(*map(_gradients, alone), strict=True)
    # What is smaller becomes 0 in an engine as soon as it goes one step back.
    info = np.finfo(one.outputs.dtype)
    flushed = np.sqrt(info.tiny)
    lacks = [-np.expm1(-s.loss / w) for s, w in zip(alone, all_weights, strict=False)]
    shares = [rtol + 4 * info.eps / max(lack, info.eps) for lack in lacks]
    for a, b, terms in zip(_gradients(one), _gradients(other), summands, strict=True):
        sizes = [np.abs(term).max(initial=0) for term in terms]
        error = sum(size * share for size, share in zip(sizes, shares, strict=True))
        np.testing.assert_allclose(a, b, rtol=0, atol=max(error, flushed))


def _gradients(step):
    return [gradient for layer in step.gradients for gradient in layer.values()]


def _without_generator(params):
    """Leave out a RandomState, which a fit draws from."""
    return {k: v for k, v in params.items() if k != "random_state"}


def is_repeatable(case):
    """Tell whether all that is random follows from a seed."""
    return case.params.get("random_state", 0) is not None


def run_encoder(case, event=lambda text: None):
    """Fit an encoder and transform the same data, and others with it."""
    encoder = PoissonSpikeEncoder(**copy.deepcopy(case.params))
    X, other = (data.X() for data in case.data)
    given = fingerprint([X, other])
    _, error = attempt(encoder.fit, X)
    event(f"fit: {'succeeds' if error is None else 'fails'}")
    if error is not None:
        assert not fitted_attributes(encoder), "a failure leaves no trace"
        return ["fails", type(error).__name__]
    state = fingerprint(fitted_attributes(encoder))
    assert np.isfinite(encoder.data_min_).all() and np.isfinite(encoder.data_max_).all()
    trains, error = attempt(encoder.transform, X)
    if error is not None:
        raise AssertionError("transform of the data of a fit failed") from error
    record = [state, check_trains(trains, X)]
    trains, error = attempt(encoder.transform, other)
    event(f"transform of other data: {'succeeds' if error is None else 'fails'}")
    record.append("fails" if error is not None else check_trains(trains, other))
    _, error = attempt(encoder.fit, other)
    if error is not None:
        now = fingerprint(fitted_attributes(encoder))
        assert now == state, "a failure leaves no trace"
    assert fingerprint([X, other]) == given, "data are left as they are"
    return record


def check_trains(trains, X):
    """Check spike trains, and return their fingerprint."""
    assert isinstance(trains, SpikeTrains)
    n_samples = X.shape[0] if hasattr(X, "shape") else len(X)
    assert trains.shape[0] == n_samples
    if trains.n_steps > 10:
        return fingerprint(trains)
    spikes = np.asarray(trains)
    assert spikes.shape == trains.shape and spikes.dtype == np.uint8
    assert np.isin(spikes, (0, 1)).all()
    return fingerprint([trains, spikes])
