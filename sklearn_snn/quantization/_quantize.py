"""quantize: from what is trained to integers, and what that costs."""

import copy
from typing import NamedTuple

from sklearn.base import clone, is_classifier
from sklearn.metrics import accuracy_score, r2_score
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sklearn_snn._classifier import SpikingClassifier
from sklearn_snn._compat import validate_parameter_constraints
from sklearn_snn._regressor import SpikingRegressor
from sklearn_snn._utils.errstate import with_own_errstate
from sklearn_snn.quantization._base import BaseQuantizedNetwork
from sklearn_snn.quantization._classifier import QuantizedSpikingClassifier
from sklearn_snn.quantization._inputs import is_range_known
from sklearn_snn.quantization._regressor import QuantizedSpikingRegressor

_KINDS = {
    SpikingClassifier: QuantizedSpikingClassifier,
    SpikingRegressor: QuantizedSpikingRegressor,
}


class QuantizationCost(NamedTuple):
    """What quantising costs on given data.

    Attributes
    ----------
    score, quantized_score : float
        Accuracy, or R squared, of either.
    cost : float
        What is lost of it: ``score - quantized_score``.
    agreement : float
        Share of the samples to which both answer the same; of a regressor, R squared of
        the quantised one's numbers as predictions of the other's.
    """

    score: float
    quantized_score: float
    cost: float
    agreement: float


@with_own_errstate
def quantize(
    estimator,
    bits=8,
    *,
    leak="multiply",
    leak_bits=12,
    fraction_bits=6,
    membrane_bits=32,
    input_bits="auto",
    X=None,
    y=None,
    epochs=0,
    learning_rate_init=0.001,
):
    """Quantise a fitted network.

    Parameters
    ----------
    estimator : SpikingClassifier, SpikingRegressor, Pipeline that ends with one, or \
            search over these
        Fitted; it is not changed. Of a search, its ``best_estimator_`` is quantised.
    bits : int, default=8
        Bits of each weight, from 2 to 16, its sign included.
    leak, leak_bits, fraction_bits, membrane_bits, input_bits : str or int
        As of `QuantizedSpikingClassifier`.
    X, y : array-like, default=None
        Samples and targets to fine-tune with, as `fit` of the estimator takes them;
        only with `epochs`. An `X` alone says the range of graded inputs where that was
        not learned, as of networks of `from_nir`.
    epochs : int, default=0
        Epochs of fine-tuning, for which `X` and `y` are needed.
    learning_rate_init : float, default=0.001
        Learning rate of the fine-tuning, positive, which falls to 0 as half a cosine.

    Returns
    -------
    quantized : QuantizedSpikingClassifier, QuantizedSpikingRegressor, or Pipeline
        Fitted. A pipeline shares the steps before with the one that was given.

    Raises
    ------
    TypeError
        If the estimator is none of these.
    ValueError
        If it has what no integers stand for, such as adaptive neurons; if there are
        `epochs` without data, or data without `epochs`; or if a parameter is not valid.
    NotFittedError
        If the estimator is not fitted.

    See Also
    --------
    quantization_cost : What it costs.
    QuantizedSpikingClassifier : What it becomes; and trains, in a search for example.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier
    >>> from sklearn_snn.quantization import quantization_cost, quantize
    >>> X, y = load_digits(return_X_y=True)
    >>> model = make_pipeline(
    ...     PoissonSpikeEncoder(n_steps=20, random_state=0),
    ...     SpikingClassifier((50,), max_iter=10, random_state=0),
    ... ).fit(X[:1000], y[:1000])
    >>> quantized = quantize(model, bits=8)
    >>> cost = quantization_cost(model, quantized, X[1000:], y[1000:])
    >>> abs(cost.cost) < 0.02
    True
    """
    options = {
        "bits": bits,
        "leak": leak,
        "leak_bits": leak_bits,
        "fraction_bits": fraction_bits,
        "membrane_bits": membrane_bits,
        "input_bits": input_bits,
        "epochs": epochs,
        "learning_rate_init": learning_rate_init,
    }
    constraints = BaseQuantizedNetwork._parameter_constraints
    validate_parameter_constraints(constraints, options, caller_name="quantize")
    if epochs and (X is None or y is None):
        raise ValueError(f"epochs={epochs} of fine-tuning need X and y.")
    estimator = without_search(estimator)
    model, before = estimator, None
    if isinstance(estimator, Pipeline):
        check_is_fitted(estimator)
        model, before = without_search(estimator[-1]), estimator[:-1]
    kind = next((k for of, k in _KINDS.items() if isinstance(model, of)), None)
    if kind is None:
        raise TypeError(
            "quantize takes a fitted SpikingClassifier or SpikingRegressor, a Pipeline "
            f"that ends with one, or a search over these, got {_described(estimator)}."
        )
    check_is_fitted(model)
    is_range_wanted = X is not None and not is_range_known(
        getattr(model, "_learned_input_", None)
    )
    if not epochs and (y is not None or X is not None) and not is_range_wanted:
        raise ValueError(
            "X and y are what quantize fine-tunes with, but there are epochs=0 of "
            "that: take epochs=1 or more, or leave X and y out."
        )
    quantized = kind(clone(model), **options)
    if X is not None and before is not None and len(before):
        X = before.transform(X)
    quantized._quantize(model, X, y)
    if before is None:
        return quantized
    pipeline = copy.copy(estimator)
    pipeline.steps = [*estimator.steps[:-1], (estimator.steps[-1][0], quantized)]
    return pipeline


@with_own_errstate
def quantization_cost(estimator, quantized, X, y, sample_weight=None):
    """Measure what quantising costs: both answer, and are compared.

    Parameters
    ----------
    estimator : SpikingClassifier, SpikingRegressor, or Pipeline that ends with one
        Fitted.
    quantized : QuantizedSpikingClassifier, QuantizedSpikingRegressor, or Pipeline
        What `quantize` made of it.
    X : array-like with n_samples rows
        Data that neither learned from.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        What is right.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the samples in the scores.

    Returns
    -------
    cost : QuantizationCost
        A named tuple of ``score`` and ``quantized_score``, accuracies or R squared;
        ``cost``, what is lost of it; and ``agreement``, the share of the samples to
        which both answer the same, or R squared of the quantised one's numbers as
        predictions of the other's.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_snn import SpikingClassifier
    >>> from sklearn_snn.quantization import quantization_cost, quantize
    >>> X, y = load_iris(return_X_y=True)
    >>> model = SpikingClassifier((20,), n_steps=10, random_state=0).fit(X, y)
    >>> cost = quantization_cost(model, quantize(model, bits=6), X, y)
    >>> cost.cost == cost.score - cost.quantized_score
    True
    """
    metric = accuracy_score if is_classifier(estimator) else r2_score
    answers = [model.predict(X) for model in (estimator, quantized)]
    scores = [float(metric(y, a, sample_weight=sample_weight)) for a in answers]
    return QuantizationCost(
        *scores,
        scores[0] - scores[1],
        float(metric(*answers, sample_weight=sample_weight)),
    )


def without_search(estimator):
    """Return a fitted estimator without the searches around it, if there are any."""
    while hasattr(estimator, "best_estimator_"):
        estimator = estimator.best_estimator_
    return estimator


def _described(estimator):
    """Return what an estimator is, for an error message."""
    if isinstance(estimator, Pipeline):
        return f"a Pipeline that ends with {type(estimator[-1]).__name__}"
    name = type(estimator).__name__
    if hasattr(estimator, "refit"):
        return f"a {name} without best_estimator_: fit it, with refit=True"
    return name
