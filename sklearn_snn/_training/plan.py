"""How to train: the parameters of an estimator, and what "auto" stands for."""

import math
from numbers import Real
from typing import NamedTuple

import numpy as np

from sklearn_snn._inputs.validation import hidden_sizes

# What "auto" stands for where the input has time in it, and in a stream; patience is of
# so many epochs, and at least so many updates.
_BATCH, _DECAY, _PATIENCE, _PATIENT_UPDATES = 128, 1e-5, 10, 100
_RATE = 0.002
# And for constant currents: the weight decay of all samples together, and the most for
# each; of how many samples it would be twice that, and the most for each if it is more;
# from how many on the rate is the same, and how many times as large it is at most.
_CONSTANT_BATCH = 200
_PRIOR, _MOST_DECAY = 3.0, 0.1
_TWICE_THE_PRIOR, _MOST_MORE = 300, 0.03
_FULL_RATE_SAMPLES, _MOST_RATES = 250, 5.0
# The share of the hidden neurons that is left out, of at least so many in each layer,
# of how many samples on, to less than how many, in all and for each pair of features.
_DROPOUT, _FEWEST_NEURONS = 0.2, 30
_LEFT_OUT_FROM, _LEFT_OUT_BELOW, _LEFT_OUT_PER_PAIR = 100, 5000, 15


class TrainingPlan(NamedTuple):
    """How to train; the names are explained in `SpikingClassifier`."""

    batch_size: int
    shuffle: bool
    learning_rate_init: float
    learning_rate: str
    power_t: float
    solver: str
    momentum: float
    nesterovs_momentum: bool
    beta_1: float
    beta_2: float
    epsilon: float
    grad_clip: float | None
    max_grad_norm: float | None
    weight_decay: float
    centering: bool
    dropout: float
    rate_bounds: np.ndarray | None
    rate_penalty: float
    max_iter: int
    n_iter_no_change: float


def training_plan(params, samples, is_stream):
    """Return the TrainingPlan for `params` of `SpikingClassifier` and these samples.

    Its numbers are plain ones: numpy's narrow ones, such as int8, would overflow. What
    is "auto" becomes a number. For constant currents all epochs of the plan are carried
    out, and the decay of the weights is a prior: all of them weigh as much against the
    loss of many samples as against that of few, and somewhat more against that of a few
    hundred, whose noise a network can learn by heart. Neurons are left out where there
    are few samples for the ways to combine features, but not so few that all of the
    network is needed. Of a stream nobody knows how long it will be.
    """
    n_samples, is_constant = len(samples.y), samples.X.ndim == 2
    is_whole_table = is_constant and not is_stream
    plan = {name: params[name] for name in TrainingPlan._fields}
    plan["centering"] = bool(params["centering"]) and is_constant
    for name, value in plan.items():
        if isinstance(value, Real) and not isinstance(value, bool):
            plan[name] = float(value)
    sizes = hidden_sizes(params["hidden_layer_sizes"])
    plan["rate_bounds"] = rate_bounds(params["rate_bounds"], len(sizes))
    batch_size = params["batch_size"]
    if batch_size == "auto":
        batch_size = _CONSTANT_BATCH if is_constant else _BATCH
    plan["batch_size"] = min(int(batch_size), n_samples)
    if plan["weight_decay"] == "auto":
        plan["weight_decay"] = _DECAY
        if is_whole_table:
            share = _PRIOR / n_samples
            more = share * (1 + _TWICE_THE_PRIOR / n_samples)
            plan["weight_decay"] = min(max(share, min(more, _MOST_MORE)), _MOST_DECAY)
    if plan["dropout"] == "auto":
        n_enough = min(_LEFT_OUT_PER_PAIR * samples.X.shape[1] ** 2, _LEFT_OUT_BELOW)
        are_some = is_whole_table and _LEFT_OUT_FROM <= n_samples < n_enough
        can_spare = min(sizes, default=0) >= _FEWEST_NEURONS
        plan["dropout"] = _DROPOUT if are_some and can_spare else 0.0
    if plan["learning_rate_init"] == "auto":
        ratio = _FULL_RATE_SAMPLES / n_samples if is_whole_table else 1.0
        plan["learning_rate_init"] = _RATE * min(max(ratio, 1.0), _MOST_RATES)
    if plan["n_iter_no_change"] == "auto":
        is_planned = plan["learning_rate"] == "cosine" and not params["early_stopping"]
        n_updates = math.ceil(n_samples / plan["batch_size"])
        patience = max(_PATIENCE, math.ceil(_PATIENT_UPDATES / n_updates))
        plan["n_iter_no_change"] = patience
        if is_constant and is_planned:
            plan["n_iter_no_change"] = math.inf
    return TrainingPlan(**plan | {"max_iter": int(plan["max_iter"])})


def rate_bounds(value, n_hidden):
    """Return the lowest and the highest firing rate of each hidden layer, or None.

    Parameters
    ----------
    value : array-like or None
        The parameter: a pair, or one for each layer.
    n_hidden : int

    Returns
    -------
    bounds : ndarray of float64 of shape (n_hidden, 2) or None

    Raises
    ------
    ValueError
        If it is no such thing.
    """
    if value is None:
        return None
    try:
        bounds = np.array(value, dtype=float)
    except (TypeError, ValueError, OverflowError):
        bounds = np.empty(0)
    is_pair = bounds.shape in ((2,), (n_hidden, 2))
    low, high = bounds.T if is_pair else (1, 0)
    if not np.all((low >= 0) & (low <= high) & (high <= 1)):
        raise ValueError(
            "rate_bounds must be a pair (lowest, highest) of spikes per neuron and "
            "step, 0 <= lowest <= highest <= 1, or a list of such pairs, one for each "
            f"of the {n_hidden} hidden layers, got {value!r}."
        )
    return np.ascontiguousarray(np.broadcast_to(bounds, (n_hidden, 2)))
