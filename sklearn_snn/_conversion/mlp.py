"""From a fitted MLPClassifier or MLPRegressor to a fitted network of spikes."""

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_snn._compat import validate_parameters
from sklearn_snn._constants import frozen_constants
from sklearn_snn._conversion.balancing import balanced, scale_of, scales_and_outputs
from sklearn_snn._engines.blas import single_threaded_blas
from sklearn_snn._inputs.learned_input import learned_from
from sklearn_snn._inputs.spike_trains import SpikeTrains
from sklearn_snn._inputs.validation import check_magnitudes, validate_input
from sklearn_snn._training.fitting import begin
from sklearn_snn._training.targets import Classes, Labels, Numbers

# Integrate-and-fire neurons, which forget nothing; and outputs that are their mean
# current, which is what an integrator without a memory has for a membrane.
_NETWORK = {
    "neuron": "lif",
    "learn_neuron": False,
    "recurrent": False,
    "alpha": 1.0,
    "threshold": 1.0,
    "reset": "subtract",
    "readout": "membrane_mean",
    "readout_alpha": 0.0,
    "readout_start": 0,
    "per_step": False,
}
_TAKEN = {*_NETWORK, "hidden_layer_sizes", "logit_scale"}


def converted(cls, mlp, X, n_steps, balancing, bias_shift, params):
    """Return a fitted estimator of a class that answers as an MLP does.

    The arguments are those of `from_mlp`, of which only the names and ranges of
    `balancing` and `bias_shift` have been checked.
    """
    _check_mlp(mlp, cls)
    if taken := sorted(_TAKEN & params.keys()):
        raise TypeError(
            f"{cls.__name__}.from_mlp sets {', '.join(taken)} itself: rates of other "
            "neurons, or read otherwise, are not the activations of the MLP."
        )
    hidden = tuple(len(b) for b in mlp.intercepts_[:-1])
    settings = _NETWORK | {"hidden_layer_sizes": hidden, "n_steps": n_steps}
    estimator = cls(**settings, **params)
    validate_parameters(estimator)
    check_magnitudes(estimator._params())
    checked = validate_input(estimator, X, reset=True)
    n_steps, seen = _as_seen(cls, checked, int(n_steps))
    # By the names of its features, too, of which `seen` has none.
    of_user = seen if isinstance(X, SpikeTrains) else X
    validate_data(mlp, of_user, reset=False, skip_check_array=True)
    shift = 0.5 if bias_shift else 0.0
    with single_threaded_blas():
        scales, outputs = scales_and_outputs(
            seen,
            mlp.coefs_,
            mlp.intercepts_,
            lambda a: scale_of(a, n_steps, balancing, shift),
        )
    coefs, intercepts = balanced(mlp.coefs_, mlp.intercepts_, scales, shift / n_steps)
    target, coefs[-1], intercepts[-1] = _output_layer(
        mlp, coefs[-1], intercepts[-1], outputs
    )
    constants = frozen_constants(
        estimator._params(), target.loss, is_constant=checked.ndim == 2
    )
    vars(estimator).update(target.attributes())
    begin(estimator, checked, target, constants)
    estimator._learned_input_ = learned_from(checked, np.ones(checked.shape[0], bool))
    _go_on_from(estimator, coefs, intercepts)
    return estimator


def _check_mlp(mlp, cls):
    """Raise TypeError, ValueError or NotFittedError unless it can be converted."""
    name = cls.__name__
    ours, other = MLPClassifier, MLPRegressor
    if not issubclass(cls, ClassifierMixin):
        ours, other = other, ours
    if not isinstance(mlp, ours):
        advice = ""
        if isinstance(mlp, other):
            kind = "Regressor" if other is MLPRegressor else "Classifier"
            advice = f" Spiking{kind}.from_mlp takes that."
        elif hasattr(mlp, "best_estimator_"):
            advice = " Of a search, that is its best_estimator_."
        elif hasattr(mlp, "steps"):
            advice = (
                f" Of a pipeline, that is its last step: {name}.from_mlp(pipeline[-1], "
                "pipeline[:-1].transform(X))."
            )
        raise TypeError(
            f"{name}.from_mlp converts a fitted {ours.__name__}, got an object of "
            f"class {type(mlp).__name__}.{advice}"
        )
    check_is_fitted(mlp)
    if len(mlp.coefs_) > 1 and mlp.activation != "relu":
        raise ValueError(
            f"{name}.from_mlp converts hidden neurons with activation='relu', as rates "
            "of spikes are never negative and grow in proportion; those of this "
            f"{ours.__name__} have activation={mlp.activation!r}. Train it with 'relu',"
            f" or train a {name} with fit."
        )
    if mlp.out_activation_ not in ("softmax", "logistic", "identity"):
        raise ValueError(
            f"{name}.from_mlp converts outputs that are numbers as they are, and not "
            f"{mlp.out_activation_!r} of them, as with loss={mlp.loss!r}. Train the "
            f"{ours.__name__} with loss='squared_error', if need be on np.log(y)."
        )
    if len(getattr(mlp, "classes_", (0, 1))) < 2:
        raise ValueError(
            f"{name} needs at least 2 classes, and this {ours.__name__} has "
            f"{len(mlp.classes_)}."
        )
    arrays = [*mlp.coefs_, *mlp.intercepts_]
    if not all(np.isfinite(a).all() for a in arrays):
        raise ValueError(
            f"The weights of this {ours.__name__} are not all finite: its training has "
            "diverged."
        )


def _as_seen(cls, X, n_steps):
    """Return the number of steps, and the rows that the MLP has for X."""
    if X.ndim == 2:
        return n_steps, X
    if not isinstance(X, SpikeTrains):
        raise ValueError(
            f"{cls.__name__}.from_mlp needs rows as the MLP sees them, a 2-D X, or the "
            "SpikeTrains of an encoder, whose rates it sees; got sequences."
        )
    return X.n_steps, X.rates if X.levels is None else X.levels[X.rates]


def _output_layer(mlp, coef, intercept, outputs):
    """Return the target, and weights and biases of the outputs that it has.

    Parameters
    ----------
    mlp : MLPClassifier or MLPRegressor
    coef : ndarray of shape (n_units, n_outputs)
    intercept : ndarray of shape (n_outputs,)
    outputs : ndarray of shape (n_samples, n_outputs)
        Of the MLP, before its `out_activation_`.
    """
    if isinstance(mlp, MLPRegressor):
        y = outputs[:, 0] if mlp.n_outputs_ == 1 else outputs
        target = Numbers.of(y, np.ones(len(y)))
        scaled = (coef / target.scale, (intercept - target.mean) / target.scale)
        return target, *scaled
    if mlp.out_activation_ == "softmax":
        return Classes(mlp.classes_), coef, intercept
    if mlp.n_outputs_ > 1:
        return Labels(mlp.n_outputs_), coef, intercept
    # The logit of the second class is the difference of the two outputs.
    halves = np.array([-0.5, 0.5])
    return Classes(mlp.classes_), coef * halves, intercept * halves


def _go_on_from(estimator, coefs, intercepts):
    """Let an estimator that has begun go on from these weights."""
    units = []
    for array, weights in zip(estimator.coefs_, coefs, strict=True):
        # That of a first guess that is as large: the mean square of what it draws.
        size = np.sqrt(3 * len(weights) * np.square(weights, dtype=np.float64).mean())
        units.append(float(np.float32(size)) or 1.0)
        array[...] = weights
    for array, biases in zip(estimator.intercepts_, intercepts, strict=True):
        array[...] = biases
    if not all(np.isfinite([*map(np.sum, coefs), *map(np.sum, intercepts)])):
        raise ValueError(
            "The activations of the MLP are so large or small that weights in their "
            "scale leave the range of floating-point numbers. Scale X and y."
        )
    estimator._initial_scales_ = np.array(units)
    estimator._recurrent_scales_ = np.empty(0)
    estimator._is_converted_ = True
    estimator.n_iter_ = 0
