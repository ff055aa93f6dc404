"""Estimators taken apart: the network in one, what it is given for a sample, names.

At predict, a pipeline calls `transform` of all its steps but the last, and passes over
"passthrough", None and (as pipelines of imbalanced-learn do) samplers.
"""

from itertools import pairwise
from numbers import Integral
from typing import NamedTuple

import numpy as np
from scipy import sparse
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from sklearn_snn._compat import num_samples, safe_indexing
from sklearn_snn._inputs.layout import n_dimensions
from sklearn_snn.inspection._text import column_labels, true_label


class Row(NamedTuple):
    """A row of a table, or an image, as a network or its encoder gets it.

    Attributes
    ----------
    values : ndarray of shape (n_features,)
    names : list of str
        Names of the columns; with what the user gave for it, if a column of theirs has
        that name and was scaled or otherwise changed.
    is_table : bool
        Whether the columns that the user gave have names.
    """

    values: np.ndarray
    names: list
    is_table: bool = False


def final_estimator(estimator):
    """Return a fitted estimator without the search, or the threshold, around it.

    What shows an answer shows the one before `TunedThresholdClassifierCV` and its like.
    """
    check_is_fitted(estimator)
    inner = getattr(estimator, "best_estimator_", None)
    if inner is None and _hands_on(estimator):
        inner = estimator.estimator_
    if inner is not None:
        return final_estimator(inner)
    if hasattr(estimator, "refit"):
        raise AttributeError(
            f"This {type(estimator).__name__} has no best_estimator_ to show: fit it "
            "with refit=True."
        )
    return estimator


def _hands_on(estimator):
    """Return whether an estimator has one other, which it gives X as it is.

    Those of many have a template as their `estimator_`, and selectors choose columns.
    """
    has_many = hasattr(estimator, "estimators_") or hasattr(estimator, "transform")
    return hasattr(estimator, "estimator_") and not has_many


def active_steps(estimator):
    """Return the steps that a fitted estimator takes at predict, as a flat list."""
    estimator = final_estimator(estimator)
    if not isinstance(estimator, Pipeline):
        return [estimator]
    *before, last = [step for _, step in estimator.steps]
    steps = [inner for step in before for inner in _transformers(step)]
    return steps if _is_passed_over(last) else [*steps, *active_steps(last)]


def _transformers(step):
    """Return the steps that a step before the last consists of."""
    if isinstance(step, Pipeline):
        return [one for _, inner in step.steps for one in _transformers(inner)]
    return [] if _is_passed_over(step) else [step]


def _is_passed_over(step):
    if step is None or isinstance(step, str):
        return True
    return hasattr(step, "fit_resample") and not hasattr(step, "transform")


def _is_encoder(step):
    return hasattr(step, "n_steps") and hasattr(step, "transform")


def _model_of(steps, estimator):
    """Return the last step; raise TypeError if it is no spiking network."""
    if not steps or not hasattr(steps[-1], "simulate"):
        raise TypeError(
            f"There is no SpikingClassifier at the end of {type(estimator).__name__}, "
            "nor a SpikingRegressor."
        )
    return steps[-1]


def final_model(estimator):
    """Return the spiking network at the end of a fitted estimator."""
    return _model_of(active_steps(estimator), estimator)


def unquantized_model(estimator):
    """Return the spiking network at the end of a fitted estimator.

    Raises
    ------
    TypeError
        If there is none, or a quantised one: it has integers, which only simulate.
    """
    model = final_model(estimator)
    if hasattr(model, "to_estimator"):
        instead = "quantized.to_estimator()"
        if isinstance(final_estimator(estimator), Pipeline):
            instead = "make_pipeline(*quantized[:-1], quantized[-1].to_estimator())"
        raise TypeError(
            "What is needed here are the weights and constants of a trained network, "
            f"and this {type(model).__name__} has integers. Give {instead} instead: "
            "its numbers are those that the integers stand for."
        )
    return model


def refuse_answers_per_step(model, what):
    """Raise ValueError if a network has not one answer to a sample, as is shown."""
    if model.network_.readout.per_step:
        raise ValueError(
            f"{what} the one answer to a sample, but this {type(model).__name__} has "
            "an answer to each of its steps (per_step=True)."
        )


def split_pipeline(estimator, X):
    """Return the network at the end of an estimator, and what it is given for X."""
    steps = active_steps(estimator)
    model = _model_of(steps, estimator)
    for step in steps[:-1]:
        X = step.transform(X)
    return model, X


def n_labels(estimator):
    """Return how many labels or numbers a sample has; None if nothing answers.

    Of classes it is one.
    """
    steps = active_steps(estimator)
    if not steps or not hasattr(steps[-1], "simulate"):
        return None
    model = steps[-1]
    return 1 if model.network_.loss == "cross_entropy" else model.n_outputs_


def n_labels_of(record):
    """Return how many labels or numbers a sample has in a record."""
    return 1 if record.loss == "cross_entropy" else len(record.classes)


def has_names(estimator):
    """Return whether the columns of what an estimator was fitted on have names."""
    return getattr(active_steps(estimator)[0], "feature_names_in_", None) is not None


def encoder_and_input(estimator, x):
    """Return the encoder of an estimator, and what it is given for x.

    Raises
    ------
    TypeError
        If there is none.
    """
    steps = active_steps(estimator)
    for step in steps:
        if _is_encoder(step):
            return step, x
        if not hasattr(step, "transform"):
            break
        x = step.transform(x)
    names = ", ".join(type(step).__name__ for step in steps)
    raise TypeError(
        f"There is no encoder of tables in {names}: what is drawn is how intensities, "
        "(n_samples, n_features), become spikes, as by PoissonSpikeEncoder, "
        "LatencySpikeEncoder and PopulationSpikeEncoder."
    )


def choose_sample(estimator, X, sample, y=None):
    """Return one sample of X, as a batch of one, and its true label if there is one.

    Parameters
    ----------
    estimator : fitted estimator
        Which says how many labels there are.
    X : array-like, sparse matrix or SpikeTrains of n_samples samples
    sample : int
    y : array-like with n_samples rows, label or row of one sample, or None

    Raises
    ------
    ValueError
        If there is no such sample, or y does not fit.
    """
    n_samples, n_columns = num_samples(X), n_labels(estimator)
    check_index(sample, n_samples, "sample")
    if y is not None and n_columns is not None:
        refuse_answers_per_step(final_model(estimator), "y in a title is beside")
    truth = true_label(y, n_samples, sample, n_columns)
    if sparse.issparse(X):
        X = X.tocsr()  # not every format has rows to choose from
    return safe_indexing(X, [int(sample)]), truth


def check_index(i, n, what):
    """Raise ValueError if ``i`` is not an index of one of ``n`` things."""
    if not isinstance(i, Integral) or not -n <= i < n:
        raise ValueError(f"{what} must be the index of one of {n} {what}s, got {i!r}.")


def row_of(estimator, x):
    """Return the Row that an encoder, or else the network, is given for one sample.

    Parameters
    ----------
    estimator : fitted estimator
    x : batch of one sample

    Returns
    -------
    row : Row or None
        None for a recording, which is no row.
    """
    if n_dimensions(x) != 2:
        return None
    steps, original = active_steps(estimator), _dense_row(x)
    first = names = _names_in(steps[0], len(original))
    is_changed = is_lost = False
    for step, following in pairwise(steps):
        if _is_encoder(step):
            break
        x, names = step.transform(x), _names_out(step, names, following)
        is_changed, is_lost = True, is_lost or names is None
    if n_dimensions(x) != 2:
        return None
    values = np.asarray(_dense_row(x), float)
    if names is None or len(names) != len(values):
        names, is_lost = _default_names(len(values)), True
    given = [None] * len(values)
    if is_changed and not is_lost:
        by_name = dict(zip(first, original, strict=True))
        given = [by_name.get(name) for name in names]
    return Row(values, column_labels(names, given), has_names(estimator))


def row_of_record(record, sample):
    """Return the Row that a network was given; None if its input was none."""
    x = record.inputs
    if x is None or x.ndim != 2:
        return None
    values = np.asarray(_dense_row(x[[sample]]), float)
    return Row(values, _default_names(len(values)))


def mean_over_steps(record, sample):
    """Return the mean of a recorded sequence as a Row; None if it was not recorded."""
    if record.inputs is None:
        return None
    values = np.mean(record.inputs[sample], axis=0, dtype=float)
    return Row(values, _default_names(len(values)))


def names_given(estimator, row):
    """Return the names of what the network in an estimator is given for a sample.

    Parameters
    ----------
    estimator : fitted estimator
    row : Row or None
        See `row_of`.
    """
    model = final_model(estimator)
    if row is not None and len(row.names) == model.n_features_in_:
        return row.names
    *before, last = active_steps(estimator)
    names = _names_out(before[-1], None, last) if before else None
    is_whole = names is not None and len(names) == model.n_features_in_
    return [str(name) for name in names] if is_whole else _channel_names(model)


def _channel_names(model):
    """Return the names of what a network gets, or numbers where they have none."""
    names = getattr(model, "feature_names_in_", None)
    if names is None:
        return _default_names(model.n_features_in_)
    return [str(name) for name in names]


def _default_names(n):
    return [f"x{i}" for i in range(n)]


def _dense_row(x):
    """Return the values of a table of one row, of whatever types they are."""
    if sparse.issparse(x):
        return x.toarray()[0]
    if hasattr(x, "iloc"):
        return list(x.iloc[0])
    if hasattr(x, "row"):  # polars
        return list(x.row(0))
    return list(x[0]) if isinstance(x, list) else list(np.asarray(x)[0])


def _names_in(step, n_features):
    """Return the names of the columns that a step was fitted on."""
    names = getattr(step, "feature_names_in_", None)
    if names is None or len(names) != n_features:
        return _default_names(n_features)
    return list(names)


def _names_out(step, names, following):
    """Return the names of what a step gives, or None if nobody knows them."""
    known = getattr(following, "feature_names_in_", None)
    if known is not None:
        return list(known)
    try:
        return list(step.get_feature_names_out(*([] if names is None else [names])))
    except (AttributeError, ValueError):
        return None
