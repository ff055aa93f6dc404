"""Searches that look at costs, too: scorers, and a rule that chooses."""

from dataclasses import astuple, dataclass
from numbers import Real

import numpy as np

from sklearn_snn._compat import InvalidParameterError
from sklearn_snn.metrics._energy import energy
from sklearn_snn.metrics._operations import operation_report

# Shares that differ by rounding alone are equal.
_ROUNDING = 1e-9


def neg_synaptic_operations_scorer(estimator, X, y=None):
    """Score a fitted estimator by its synaptic operations per sample, negated.

    A scorer, as `sklearn.model_selection.GridSearchCV` takes them as `scoring`: greater
    is better.

    Parameters
    ----------
    estimator : estimator
        As of `operation_report`; also an encoder and a network in a pipeline.
    X : array-like, sparse matrix or SpikeTrains with n_samples rows
        What it predicts from.
    y : object, default=None
        Not used.

    Returns
    -------
    score : float
        Minus the mean number of effective operations of a sample.

    See Also
    --------
    cheapest_within : Chooses by it.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_snn import SpikingClassifier
    >>> from sklearn_snn.metrics import neg_synaptic_operations_scorer
    >>> X, y = load_iris(return_X_y=True)
    >>> model = SpikingClassifier((20,), n_steps=10, random_state=0).fit(X, y)
    >>> bool(neg_synaptic_operations_scorer(model, X) < -80)
    True
    """
    return -operation_report(estimator, X).synaptic_operations


def neg_energy_scorer(estimator, X, y=None, *, constants=None):
    """Score a fitted estimator by the energy that it takes for a sample, negated.

    With other constants it is ``functools.partial(neg_energy_scorer, constants=...)``.

    Parameters
    ----------
    estimator : estimator
        As of `operation_report`; also an encoder and a network in a pipeline.
    X : array-like, sparse matrix or SpikeTrains with n_samples rows
        What it predicts from.
    y : object, default=None
        Not used.
    constants : EnergyConstants, default=None
        What operations take; None takes the defaults.

    Returns
    -------
    score : float
        Minus the energy in picojoules, which `energy` estimates.

    See Also
    --------
    energy : What is counted and what is not.

    Examples
    --------
    >>> from functools import partial
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_snn import SpikingClassifier
    >>> from sklearn_snn.metrics import EnergyConstants, neg_energy_scorer
    >>> X, y = load_iris(return_X_y=True)
    >>> model = SpikingClassifier((20,), n_steps=10, random_state=0).fit(X, y)
    >>> with_steps = partial(neg_energy_scorer, constants=EnergyConstants(step=50))
    >>> round(neg_energy_scorer(model, X) - with_steps(model, X))
    500
    """
    return -energy(operation_report(estimator, X), constants).total


@dataclass(frozen=True, eq=False)
class _CheapestWithin:
    """The rule of `cheapest_within`; see there.

    `score` of a search looks its scorer up by what `refit` is: a rule, which is found
    there as it equals the name of its score.
    """

    x: float
    of: str
    cost: str

    def __eq__(self, other):
        if isinstance(other, _CheapestWithin):
            return astuple(self) == astuple(other)
        return self.of == other if isinstance(other, str) else NotImplemented

    def __hash__(self):
        return hash(self.of)

    def __call__(self, cv_results):
        """Return the index of the candidate."""
        scores, costs = (mean_scores(cv_results, name) for name in (self.of, self.cost))
        is_known = ~(np.isnan(scores) | np.isnan(costs))
        if not is_known.any():
            raise ValueError(
                f"No candidate has both {self.of!r} and {self.cost!r}: fits or "
                "scorings failed. The warnings say why; with error_score='raise' the "
                "search raises the first failure."
            )
        enough = scores[is_known].max() - self.x
        enough -= _ROUNDING * max(abs(enough), 1)
        (good,) = np.nonzero(is_known & (np.nan_to_num(scores, nan=-np.inf) >= enough))
        # Of equally cheap ones the best, and of these the first.
        order = np.lexsort((good, -scores[good], -costs[good]))
        return int(good[order[0]])


def cheapest_within(x, of="accuracy", cost="neg_synaptic_operations"):
    """Return a rule for `refit` of a search: the cheapest within x of the best.

    Of the candidates whose mean score is at least that of the best minus `x`, it takes
    the one that costs least; of equally cheap ones the best. Candidates whose fits or
    scorings failed are passed over. `score` of the search is the score `of`. There is
    no ``best_score_``, as with any rule: ``cv_results_`` has it at ``best_index_``.

    Parameters
    ----------
    x : float
        How much less than the best is enough, in the unit of the score: 0.01 is one
        point of accuracy. Not negative.
    of : str, default="accuracy"
        Name of the score in `scoring`.
    cost : str, default="neg_synaptic_operations"
        Name of the cost in `scoring`; as with all scores, greater is better.

    Returns
    -------
    rule : callable
        Returns the index of a candidate, of ``cv_results_`` of a search. It can be
        pickled and cloned. It equals the string `of`, by which a search finds what its
        `score` is, and rules of the same numbers and names.

    Raises
    ------
    ValueError, TypeError
        If `x` is negative or no finite number.

    See Also
    --------
    AccuracyOperationsDisplay : Shows what there was to choose from.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier
    >>> from sklearn_snn.metrics import (
    ...     cheapest_within, neg_synaptic_operations_scorer
    ... )
    >>> X, y = load_digits(return_X_y=True)
    >>> search = GridSearchCV(
    ...     make_pipeline(
    ...         PoissonSpikeEncoder(random_state=0),
    ...         SpikingClassifier((20,), max_iter=10, random_state=0),
    ...     ),
    ...     {"poissonspikeencoder__n_steps": [4, 8]},
    ...     scoring={
    ...         "accuracy": "accuracy",
    ...         "neg_synaptic_operations": neg_synaptic_operations_scorer,
    ...     },
    ...     refit=cheapest_within(0.1),
    ...     cv=2,
    ... ).fit(X[:300], y[:300])
    >>> search.best_params_
    {'poissonspikeencoder__n_steps': 4}
    >>> search.score(X, y) == search.best_estimator_.score(X, y)
    True
    """
    is_number = isinstance(x, Real) and not isinstance(x, bool)
    if not is_number or not 0 <= x < np.inf:
        raise InvalidParameterError(
            "The 'x' parameter of cheapest_within must be a number in the range "
            f"[0, inf). Got {x!r} instead."
        )
    return _CheapestWithin(float(x), of, cost)


def mean_scores(cv_results, name):
    """Return the mean test scores of a name; raise ValueError if there is none."""
    key = f"mean_test_{name}"
    if key not in cv_results:
        prefix = "mean_test_"
        known = [k.removeprefix(prefix) for k in cv_results if k.startswith(prefix)]
        raise ValueError(
            f"There is no score {name!r} in this search: its scoring has {known}."
        )
    return np.asarray(cv_results[key], dtype=float)
