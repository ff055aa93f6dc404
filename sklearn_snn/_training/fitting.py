"""What `fit` and `partial_fit` do: data, first guess, epochs, and all or nothing.

Training works on copies of the parameters. What came of it is published in a single
step at the end: an error, or Ctrl-C, leaves the estimator whole. What depends on the
task is asked of the estimator's target; see `targets`.
"""

import numpy as np
from sklearn import get_config
from sklearn.utils import check_random_state

from sklearn_snn._compat import InvalidParameterError, validate_parameters
from sklearn_snn._constants import frozen_constants
from sklearn_snn._inputs.learned_input import remember
from sklearn_snn._inputs.validation import (
    check_magnitudes,
    check_memory,
    hidden_sizes,
    network_dtype,
)
from sklearn_snn._model.build import initial_constants
from sklearn_snn._model.parameters import copied_side_by_side, initial_weights, layered
from sklearn_snn._model.recurrence import initial_recurrent_weights
from sklearn_snn._training.control import all_or_nothing, compile_aloud, report
from sklearn_snn._training.data import check_data
from sklearn_snn._training.epochs import Epochs
from sklearn_snn._training.plan import rate_bounds, training_plan
from sklearn_snn._training.results import CURVES, ends_of_curves, results
from sklearn_snn._training.samples import (
    check_class_weight,
    relative_weight,
    set_aside,
    weigh,
    weigh_nothing,
    without_ignored,
)
from sklearn_snn._training.seeds import child_random_state
from sklearn_snn._training.states import (
    check_all_learn,
    pass_by,
    states_to_go_on_from,
)
from sklearn_snn._training.trainer import Trainer, first_guess
from sklearn_snn._utils.warnings import warn_user

# What there is of every fitted network from before the first epoch on.
FITTED_NAMES = (
    *("n_features_in_", "n_layers_", "n_outputs_", "out_activation_"),
    *("coefs_", "intercepts_", "neuron_constants_", "t_", "validation_scores_"),
    *("best_validation_score_", "_seed_", "_n_epochs_", "_optimizer_state_"),
    *("_initial_scales_", "_is_sequential_", "_constants_", "recurrent_coefs_"),
    *("_recurrent_scales_", *CURVES),
)
# One of these is True of a network that began with the weights of another one: of
# `from_mlp`, or of a graph of `from_nir`.
_OF_OTHERS = "_is_converted_", "_is_from_graph_"


def fit(estimator, X, y, sample_weight):
    """Train until an end is reached, from scratch or, with `warm_start`, on."""
    is_continued = estimator.warm_start and hasattr(estimator, "coefs_")
    params = estimator._params()
    class_weight = params.get("class_weight")
    with all_or_nothing(estimator):
        data = _check_data(estimator, X, y, sample_weight, is_continued)
        find = estimator._same_target if is_continued else estimator._find_target
        target = data.target(find)
        data.warn_of_columns(estimator, X)
        check_class_weight(class_weight, target)
        constants = _constants(estimator, params, data.X, target, is_continued)
        samples = _samples(estimator, data, target, constants, is_continued)
        validation = None
        if estimator.early_stopping:
            samples, validation = set_aside(
                samples, estimator.validation_fraction, target, estimator._seed_
            )
            validation = without_ignored(validation, class_weight, target)
        samples, mean_weight = weigh(samples, class_weight, target)
        trainer = _trainer(estimator, samples, target, constants, is_continued)
        fixed = {"_constants_": constants, "_log2_mean_weight_": mean_weight}
        fixed |= {"_mean_row_": trainer.mean_row, "_states_": None}
        epochs = Epochs(estimator, trainer, validation, fixed, is_continued)
        problems = epochs.run((X, y, sample_weight))
    for problem in problems:
        if not isinstance(problem, Warning):
            raise problem
        warn_user(problem)


def partial_fit(estimator, X, y, sample_weight, check_first=None):
    """Train one epoch, from scratch or on, and keep the state of the optimizer.

    Parameters
    ----------
    estimator : estimator
    X, y, sample_weight : as the user gave them
    check_first : callable, default=None
        Called within all or nothing, before anything else.
    """
    if not get_config()["skip_parameter_validation"]:
        validate_parameters(estimator)
    if estimator.early_stopping:
        raise ValueError("partial_fit does not support early_stopping=True")
    params = estimator._params()
    class_weight = params.get("class_weight")
    if class_weight == "balanced":
        raise ValueError(
            "class_weight='balanced' needs all data at once, which partial_fit "
            "does not have: pass a dict of weights, or sample_weight."
        )
    is_continued = hasattr(estimator, "coefs_")
    with all_or_nothing(estimator):
        if check_first is not None:
            check_first()
        data = _check_data(
            estimator, X, y, sample_weight, is_continued, all_zero=is_continued
        )
        target = data.target(
            lambda y, weights: estimator._known_target(y, weights, is_continued)
        )
        data.warn_of_columns(estimator, X)
        check_class_weight(class_weight, target)
        if is_continued and weigh_nothing(data.read_y(), class_weight, target):
            if estimator.stateful:
                check_all_learn(data.rows, data.X.shape[0])
                pass_by(estimator, data.X)
            return
        constants = _constants(estimator, params, data.X, target, is_continued)
        samples = _samples(estimator, data, target, constants, is_continued)
        samples, mean_weight = weigh(samples, class_weight, target)
        # Not known of a network of version 0.1.0: its next call is the first.
        first_mean = getattr(estimator, "_log2_mean_weight_", None)
        if not is_continued or first_mean is None:
            first_mean = mean_weight
        relative = relative_weight(mean_weight, first_mean)
        trainer = _trainer(
            estimator, samples, target, constants, is_continued, relative
        )
        state = estimator._optimizer_state_
        if state is not None and state["solver"] == estimator.solver:
            trainer.optimizer.restore(state)
        epoch = trainer.epoch()
        trainer.check_parameters()
        fitted = results(trainer, epoch, 1, ends_of_curves(vars(estimator)))
        state = {"solver": estimator.solver} | trainer.optimizer.state()
        fitted |= {"_constants_": constants, "_log2_mean_weight_": first_mean}
        fitted |= {"_mean_row_": trainer.mean_row, "_states_": trainer.states}
        vars(estimator).update(fitted | {"_optimizer_state_": state})
    if estimator.verbose:
        report(fitted, epoch, f"Epoch {estimator._n_epochs_}")


def begin(estimator, X, target, constants):
    """Draw the initial parameters, freeze the constants, and forget all epochs."""
    for name in _OF_OTHERS:
        vars(estimator).pop(name, None)
    random_state = check_random_state(estimator.random_state)
    hidden = hidden_sizes(estimator.hidden_layer_sizes)
    sizes = [X.shape[-1], *hidden, target.n_outputs]
    check_memory(sizes, 1, network_dtype(X))
    estimator.n_layers_, estimator.n_outputs_ = len(sizes), sizes[-1]
    estimator.out_activation_ = target.activation
    estimator._seed_ = int(random_state.randint(2**31 - 1))
    estimator.coefs_, estimator.intercepts_ = initial_weights(
        sizes, network_dtype(X), child_random_state(estimator._seed_, "weights")
    )
    estimator.recurrent_coefs_ = []
    if constants["recurrent"]:
        random_state = child_random_state(estimator._seed_, "recurrent weights")
        estimator.recurrent_coefs_ = initial_recurrent_weights(
            hidden, network_dtype(X), random_state
        )
    estimator.neuron_constants_ = initial_constants(constants, sizes[1:])
    estimator._constants_ = constants
    estimator.t_, estimator._n_epochs_, estimator._optimizer_state_ = 0, 0, None
    for name in CURVES:
        setattr(estimator, name, [])
    estimator.validation_scores_ = estimator.best_validation_score_ = None


def initial_coefs(estimator):
    """Return the weights that training began with, drawn again.

    None for a network that began with those of another, which are not kept.
    """
    if begins_with_others(estimator):
        return None
    coefs, _ = initial_weights(
        [len(estimator.coefs_[0]), *n_units(estimator)],
        estimator.coefs_[0].dtype,
        child_random_state(estimator._seed_, "weights"),
    )
    for weights, scale in zip(coefs, estimator._initial_scales_, strict=True):
        weights *= weights.dtype.type(scale)
    return coefs


def begins_with_others(estimator):
    """Tell whether the first weights of a network are those of another one."""
    return any(getattr(estimator, name, False) for name in _OF_OTHERS)


def n_units(estimator):
    """Return how many neurons each layer of a fitted estimator has."""
    return [len(b) for b in estimator.intercepts_]


def _constants(estimator, params, X, target, is_continued):
    """Return the constants of the network; one that goes on is read as it was."""
    if is_continued:
        params = params | {"breaks_ties": estimator._constants_["breaks_ties"]}
    return frozen_constants(params, target.loss, is_constant=X.ndim == 2)


def _check_data(estimator, X, y, sample_weight, is_continued, all_zero=False):
    """Check what is particular to a fit, and the data, and return these."""
    params = estimator._params()
    check_magnitudes(params)
    hidden = hidden_sizes(params["hidden_layer_sizes"])
    rate_bounds(params["rate_bounds"], len(hidden))
    if params["recurrent"] and not hidden:
        raise InvalidParameterError(
            "recurrent=True needs a hidden layer, of which hidden_layer_sizes has none."
        )
    return check_data(
        estimator,
        X,
        y,
        sample_weight,
        params,
        reset=not is_continued,
        all_zero=all_zero,
    )


def _samples(estimator, data, target, constants, is_continued):
    """Return Samples, and remember them; draw the initial parameters if need be."""
    remember(estimator, data.X, data.all_weights, is_continued)
    vars(estimator).update(target.attributes())
    if not is_continued:
        begin(estimator, data.X, target, constants)
    return data.samples(target)


def _trainer(estimator, samples, target, constants, is_continued, stream_weight=None):
    """Return a Trainer on copies of the parameters; first make the first guess.

    A part of a stream has a weight, in that of the parts before.
    """
    is_stream = stream_weight is not None
    *hidden, _ = n_units(estimator)
    _check_recurrence(estimator, constants)
    if hidden != hidden_sizes(estimator.hidden_layer_sizes):
        raise ValueError(
            f"hidden_layer_sizes={estimator.hidden_layer_sizes!r} is not what the "
            f"network to go on with has, {tuple(hidden)}."
        )
    has_states, states = is_stream and estimator.stateful, None
    engine = estimator._engine(samples.X, constants, has_states)
    if has_states:
        check_all_learn(samples.rows, samples.X.shape[0])
        dtype = estimator.coefs_[0].dtype
        states = states_to_go_on_from(
            estimator, samples.X, engine.network, dtype, is_continued
        )
    if engine.bptt_steps is not None:
        samples = samples.without_copies()
    first_constants = initial_constants(constants, n_units(estimator))
    of_neurons = _constants_to_go_on_with(
        engine.network,
        first_constants,
        initial_constants(estimator._constants_, n_units(estimator)),
        estimator.neuron_constants_,
    )
    arrays = estimator.coefs_, estimator.intercepts_, of_neurons
    params = copied_side_by_side(layered(*arrays, estimator.recurrent_coefs_))
    if not is_continued:
        if estimator.verbose and engine.compiles:
            compile_aloud(engine, params, samples)
        scales = first_guess(engine, params, samples, estimator._seed_)
        estimator._initial_scales_, estimator._recurrent_scales_ = map(np.array, scales)
    return Trainer(
        engine,
        params,
        samples,
        target,
        training_plan(estimator._params(), samples, is_stream),
        estimator._seed_,
        estimator._initial_scales_.tolist(),
        estimator._recurrent_scales_.tolist(),
        first_constants,
        n_epochs=estimator._n_epochs_,
        n_seen=estimator.t_,
        weight=stream_weight if is_stream else 1.0,
        mean_row=getattr(estimator, "_mean_row_", None) if is_stream else None,
        states=states,
    )


def _check_recurrence(estimator, constants):
    """Raise ValueError if a network that goes on is to have weights it has not."""
    if constants["recurrent"] != bool(estimator.recurrent_coefs_):
        raise ValueError(
            f"recurrent={estimator.recurrent!r} is not what the network to go on with "
            f"is: recurrent={bool(estimator.recurrent_coefs_)}."
        )


def _constants_to_go_on_with(network, first, before, present):
    """Return what a network has; of what does not learn, what parameters newly say.

    Constants that are neither learned nor what parameters say are those of a network
    that was rounded, or read from a graph.

    Parameters
    ----------
    network : Network
    first, before : lists of dicts of ndarrays
        What the parameters say, and what they said when the network was made.
    present : list of dicts of ndarrays
        What it has.
    """
    layers = zip(network.layers, first, before, present, strict=True)
    return [
        new
        | {
            k: old[k]
            for k in new.keys() & old.keys()
            if k in layer.neuron.learned or np.array_equal(new[k], said.get(k))
        }
        for layer, new, said, old in layers
    ]
