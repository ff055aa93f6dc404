"""From a fitted MLPClassifier or MLPRegressor to a fitted network of spikes."""

import numpy as np
from sklearn import get_config
from sklearn.base import ClassifierMixin, is_regressor
from sklearn.utils.validation import check_is_fitted, validate_data

from sklearn_snn._compat import validate_parameters
from sklearn_snn._constants import frozen_constants
from sklearn_snn._conversion.balancing import balanced, scale_of, scales_and_outputs
from sklearn_snn._engines.blas import single_threaded_blas
from sklearn_snn._inputs.learned_input import learned_from
from sklearn_snn._inputs.spike_trains import SpikeTrains
from sklearn_snn._inputs.validation import (
    check_magnitudes,
    network_dtype,
    validate_input,
)
from sklearn_snn._model.first_guess import unit_like
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

    The arguments are those of `from_mlp`, of which `balancing` and `bias_shift` have
    been checked.
    """
    _check_kind(mlp, cls)
    _check_network(mlp, cls)
    if taken := sorted(_TAKEN & params.keys()):
        raise TypeError(
            f"{cls.__name__}.from_mlp sets {', '.join(taken)} itself: rates of other "
            "neurons, or read otherwise, are not the activations of the MLP."
        )
    hidden = tuple(len(b) for b in mlp.intercepts_[:-1])
    settings = _NETWORK | {"hidden_layer_sizes": hidden, "n_steps": n_steps}
    estimator = cls(**settings, **params)
    if not get_config()["skip_parameter_validation"]:
        validate_parameters(estimator)
    check_magnitudes(estimator._params())
    checked = validate_input(estimator, X, reset=True)
    n_steps, seen = _as_seen(cls, checked, int(n_steps))
    # With the names of the features, which are lost in what was checked.
    named = seen if isinstance(X, SpikeTrains) else X
    validate_data(mlp, named, reset=False, skip_check_array=True)
    dtype = network_dtype(checked)
    weights = _weights(mlp, seen, n_steps, balancing, bias_shift, dtype)
    target, coefs, intercepts = weights
    is_constant = checked.ndim == 2
    constants = frozen_constants(estimator._params(), target.loss, is_constant)
    vars(estimator).update(target.attributes())
    begin(estimator, checked, target, constants)
    estimator._learned_input_ = learned_from(checked, np.ones(checked.shape[0], bool))
    estimator.coefs_, estimator.intercepts_ = coefs, intercepts
    estimator._initial_scales_ = np.array([unit_like(w) for w in coefs])
    estimator._recurrent_scales_ = np.empty(0)
    estimator._is_converted_, estimator.n_iter_ = True, 0
    return estimator


def _check_kind(mlp, cls):
    """Raise TypeError unless it is the kind that an estimator of a class stands for."""
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    kinds = [MLPClassifier, MLPRegressor]
    names = ["SpikingClassifier", "SpikingRegressor"]
    own = 0 if issubclass(cls, ClassifierMixin) else 1
    if isinstance(mlp, kinds[own]):
        return
    advice = ""
    if isinstance(mlp, kinds[1 - own]):
        advice = f" {names[1 - own]}.from_mlp takes that."
    elif hasattr(mlp, "best_estimator_"):
        advice = " Of a search, that is its best_estimator_."
    elif hasattr(mlp, "steps"):
        advice = (
            f" Of a pipeline, that is its last step: {cls.__name__}.from_mlp("
            "pipeline[-1], pipeline[:-1].transform(X))."
        )
    raise TypeError(
        f"{cls.__name__}.from_mlp converts a fitted {kinds[own].__name__}, got an "
        f"object of class {type(mlp).__name__}.{advice}"
    )


def _check_network(mlp, cls):
    """Raise ValueError or NotFittedError unless rates can tell what an MLP does."""
    name, kind = cls.__name__, type(mlp).__name__
    check_is_fitted(mlp)
    if len(mlp.coefs_) > 1 and mlp.activation != "relu":
        raise ValueError(
            f"{name}.from_mlp converts hidden neurons with activation='relu', as rates "
            "of spikes are never negative and grow in proportion; those of this "
            f"{kind} have activation={mlp.activation!r}. Train it with 'relu', or "
            f"train a {name} with fit."
        )
    if mlp.out_activation_ not in ("softmax", "logistic", "identity"):
        raise ValueError(
            f"{name}.from_mlp converts outputs that are numbers as they are, and not "
            f"{mlp.out_activation_!r} of them, as with loss={mlp.loss!r}. Train the "
            f"{kind} with loss='squared_error', if need be on np.log(y)."
        )
    if len(getattr(mlp, "classes_", (0, 1))) < 2:
        raise ValueError(
            f"{name} needs at least 2 classes, and this {kind} has {len(mlp.classes_)}."
        )
    if not all(np.isfinite(a).all() for a in (*mlp.coefs_, *mlp.intercepts_)):
        raise ValueError(
            f"The weights of this {kind} are not all finite: its training diverged."
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


def _weights(mlp, X, n_steps, balancing, bias_shift, dtype):
    """Return the target, and the weights and biases with which rates tell activations.

    Parameters
    ----------
    mlp : MLPClassifier or MLPRegressor
    X : ndarray or CSR array
        As the `mlp` sees it.
    n_steps : int
    balancing : "mse", "max" or float
    bias_shift : bool
    dtype : type
        Of what is returned.
    """
    arrays = mlp.coefs_, mlp.intercepts_
    offset = 0.5 if bias_shift else 0.0
    # What leaves the range is found in the end.
    with single_threaded_blas(), np.errstate(over="ignore", invalid="ignore"):
        scales, outputs = scales_and_outputs(
            X, *arrays, lambda a: scale_of(a, n_steps, balancing, offset)
        )
        coefs, intercepts = balanced(*arrays, scales, offset / n_steps)
        target, *last = _output_layer(mlp, coefs.pop(), intercepts.pop(), outputs)
        coefs, intercepts = (
            [a.astype(dtype) for a in (*hidden, output)]
            for hidden, output in zip((coefs, intercepts), last, strict=True)
        )
    if not all(np.isfinite(a).all() for a in (*coefs, *intercepts)):
        raise ValueError(
            f"With activations as large, or small, as those of this "
            f"{type(mlp).__name__} the weights leave the range of floating-point "
            "numbers. Scale X, and the y of a regressor."
        )
    return target, coefs, intercepts


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
    if is_regressor(mlp):
        y = outputs[:, 0] if mlp.n_outputs_ == 1 else outputs
        target = Numbers.of(y, np.ones(len(y))).measured()
        return target, coef / target.scale, (intercept - target.mean) / target.scale
    if mlp.out_activation_ == "softmax":
        return Classes(mlp.classes_), coef, intercept
    if mlp.n_outputs_ > 1:
        return Labels(mlp.n_outputs_), coef, intercept
    # The logit of the second class is the difference of the two outputs.
    halves = np.array([-0.5, 0.5])
    return Classes(mlp.classes_), coef * halves, intercept * halves
