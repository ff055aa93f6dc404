"""What quantised classifiers and regressors have in common: fitting, answers, state."""

import copy
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from sklearn_snn._compat import Interval, StrOptions
from sklearn_snn._engines.numpy_engine import NumpyEngine
from sklearn_snn._inputs.learned_input import learned_from
from sklearn_snn._inputs.lengths import check_start, known_lengths
from sklearn_snn._inputs.validation import validate_input
from sklearn_snn._model.network import running_answers
from sklearn_snn._persistence import PersistenceMixin, StateError
from sklearn_snn._simulation import check_record, record, spikes_per_step
from sklearn_snn._training.results import parameters_of
from sklearn_snn._utils.errstate import with_own_errstate
from sklearn_snn.quantization._dynamics import (
    LEAKS,
    MAX_STEPS,
    IntegerReadout,
)
from sklearn_snn.quantization._fine_tuning import fine_tuned
from sklearn_snn.quantization._inputs import (
    InputLevels,
    input_levels,
    is_range_known,
    warn_of_narrow,
)
from sklearn_snn.quantization._layers import (
    Precision,
    QuantizedLayer,
    check_layers,
    check_sums,
    integer_neuron,
    on_grid,
    quantized_layer,
    scale_of,
)

_BITS = Interval(Integral, 2, 16, closed="both")
# What a quantised network has of the one that it was made of, if that has it.
_SHARED = "n_features_in_", "feature_names_in_", "n_layers_", "n_outputs_"
_SHARED += "classes_", "out_activation_", "_is_sequential_", "_learned_input_"


class BaseQuantizedNetwork(PersistenceMixin, BaseEstimator):
    """Base class of the estimators that are a quantised spiking network."""

    _parameter_constraints = {
        "bits": [_BITS],
        "leak": [StrOptions(set(LEAKS))],
        "leak_bits": [Interval(Integral, 2, 15, closed="both")],
        "fraction_bits": [Interval(Integral, 0, 16, closed="both")],
        "membrane_bits": [Interval(Integral, 16, 32, closed="both")],
        "input_bits": [
            StrOptions({"auto"}),
            Interval(Integral, 1, 16, closed="both"),
        ],
        "epochs": [Interval(Integral, 0, None, closed="left")],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
    }
    _fitted_names = "layers_", "_levels_", "_on_grid_", "_is_sequential_"

    def __init__(
        self,
        estimator=None,
        *,
        bits=8,
        leak="multiply",
        leak_bits=12,
        fraction_bits=6,
        membrane_bits=32,
        input_bits="auto",
        epochs=0,
        learning_rate_init=0.001,
    ):
        self.estimator = estimator
        self.bits = bits
        self.leak = leak
        self.leak_bits = leak_bits
        self.fraction_bits = fraction_bits
        self.membrane_bits = membrane_bits
        self.input_bits = input_bits
        self.epochs = epochs
        self.learning_rate_init = learning_rate_init

    @property
    def network_(self):
        """What the quantised network consists of, but for its numbers.

        A named tuple of ``layers``, each with its ``neuron`` and ``n_units``,
        ``readout`` and ``loss``; it cannot be changed.
        """
        of = self._on_grid_.network_
        precision = self._precision_
        layers = tuple(
            layer._replace(neuron=integer_neuron(layer.neuron, precision))
            for layer in of.layers
        )
        readout = IntegerReadout(*of.readout)
        if not readout.counts:
            unit = float(self.layers_[-1].membrane_units[0])
            readout = readout._replace(scale=readout.factor(1) * unit)
        return of._replace(layers=layers, readout=readout)

    def _fit(self, X, y, sample_weight):
        """Fit a clone of the estimator, and quantise it."""
        estimator = self.estimator
        estimator = self._default() if estimator is None else clone(estimator)
        self._check_kind(estimator)
        neuron = estimator.neuron
        neuron = neuron if isinstance(neuron, str) else neuron.name
        _refuse(neuron, estimator.readout, estimator.per_step)
        estimator.fit(X, y, sample_weight)
        return self._quantize(estimator, X, y, sample_weight)

    def _quantize(self, estimator, X=None, y=None, sample_weight=None):
        """Become the quantised network of a fitted estimator, which is not changed.

        X is what it learns on with, if it does, and where no range of inputs is known,
        what says it.
        """
        self._check_kind(estimator)
        check_is_fitted(estimator)
        constants = estimator._constants_
        _refuse(*(constants[name] for name in ("neuron", "readout", "per_step")))
        _check_finite(estimator)
        names = Precision._fields
        precision = Precision(*(getattr(self, name) for name in names))
        precision = Precision(*(v if isinstance(v, str) else int(v) for v in precision))
        learned = getattr(estimator, "_learned_input_", None)
        if X is not None and not is_range_known(learned):
            given = validate_input(estimator, X, reset=False)
            learned = learned_from(given, np.ones(given.shape[0], bool))
        levels = input_levels(learned, estimator._is_sequential_, self.input_bits)
        make = _Rounding(estimator, precision, levels)
        params = estimator._learned_params()
        if self.epochs:
            rate, epochs = float(self.learning_rate_init), int(self.epochs)
            data = X, y, sample_weight
            params = fine_tuned(estimator, data, make.on_grid, levels, epochs, rate)
        layers = make.layers(params)
        check_sums(layers, levels.largest)
        if not levels.are_spikes:
            weights = params[0]["coef"], layers[0].weights
            warn_of_narrow(estimator, levels, learned, *weights)
        on_the_grid = copy.deepcopy(estimator)
        on_the_grid._optimizer_state_ = on_the_grid._states_ = None
        vars(on_the_grid).update(parameters_of(make.on_grid(params)))
        self.layers_, self._levels_, self._on_grid_ = layers, levels, on_the_grid
        self._precision_ = precision
        for name in _SHARED:
            vars(self).pop(name, None)  # of an earlier fit
            if hasattr(estimator, name):
                setattr(self, name, getattr(estimator, name))
        if learned is not None:
            self._learned_input_ = learned
        return self

    def _check_kind(self, estimator):
        """Raise TypeError for an estimator of another kind than is quantised."""
        if not isinstance(estimator, type(self._default())):
            raise TypeError(
                f"{type(self).__name__} quantises a {type(self._default()).__name__}, "
                f"not a {type(estimator).__name__}."
            )

    def to_estimator(self):
        """Return the estimator whose numbers are those that the integers stand for.

        Its weights, biases, leaks and thresholds are those, and inputs and membranes
        are not rounded. Integers round graded inputs to levels, and membranes where
        they leak, so that spikes may differ where a membrane comes next to a threshold,
        and later ones with them. Of spikes, without a leak (``alpha=1``) and with
        ``reset="zero"`` or ``"none"``, the spikes are the same, up to the rounding of
        `coefs_`. On MNIST, by default and with 100 steps, all spikes are the same for
        68 % of the images at 8 bits, and for 1 % at 4 bits, where membranes are rounded
        more (``benchmarks/quantization.py``).

        With ``reset="zero"`` or ``"none"``, a threshold is half a unit of membranes
        above the integer one: ``u > Theta`` and ``u >= Theta + 1/2`` are the same of
        whole numbers, so that it does not matter which of both a library takes. With
        ``reset="subtract"`` it is the integer one, as this is what a spike takes off;
        membranes that meet it exactly, as whole numbers do, fire with a ``>=`` and do
        not fire here.

        It is what other libraries and formats of exchange are given, and what
        fine-tuning trains. With `partial_fit` or `warm_start` it learns on from the
        numbers that it has, of which the next are not on the grid any more; leaks and
        thresholds that do not learn stay.

        Returns
        -------
        estimator : SpikingClassifier or SpikingRegressor
            Fitted; a copy.
        """
        check_is_fitted(self)
        return copy.deepcopy(self._on_grid_)

    @with_own_errstate
    def simulate(self, X, *, layers=None, inputs=True, max_memory=1.0):
        """Run the integers and record what happens.

        Parameters
        ----------
        X : SpikeTrains, array-like or sparse matrix with n_samples rows
            Of any kind that `fit` takes.
        layers : array-like of int, default=None
            The layers to record, by their index in `layers_`; -1 is the output layer.
            None records all of them.
        inputs : bool, default=True
            Whether to record what the first layer received, too, as whole numbers.
        max_memory : float, default=1.0
            Largest size of the record in GiB, above 0.

        Returns
        -------
        record : SimulationRecord
            Membranes and thresholds are whole numbers, in the unit that
            ``membrane_units`` of `layers_` says.

        Raises
        ------
        ValueError
            Before anything is done, if the record would take more than `max_memory`,
            or there is no such layer.
        """
        check_is_fitted(self)
        chosen = check_record(layers, len(self.layers_), max_memory)
        engine, X = self._engine_and_input(X)
        target = self._on_grid_._fitted_target()
        return record(
            engine, self._integer_params(), X, target, chosen, inputs, max_memory
        )

    def _integer_params(self):
        """Return the parameters of the integer network."""
        return [layer.params() for layer in self.layers_]

    def _engine_and_input(self, X):
        """Check X; return what runs the network, and X as whole numbers."""
        X = validate_input(self, X, reset=False)
        constants = self._on_grid_._constants_
        n_steps = X.shape[1] if X.ndim == 3 else constants["n_steps"]
        check_start(X, n_steps, constants["readout_start"])
        if n_steps > MAX_STEPS:
            raise ValueError(
                f"X has {n_steps} steps; sums of membranes hold up to {MAX_STEPS}."
            )
        return NumpyEngine(self.network_, n_steps), self._levels_.of(X)

    def _answers(self, X, answer):
        """Return an answer, by its name, to X."""
        check_is_fitted(self)
        engine, X = self._engine_and_input(X)
        outputs = engine.run(self._integer_params(), X)
        return self._on_grid_._answer_functions()[answer](outputs)

    def _staged_answers(self, X, answer):
        """Run the network, and return an iterator over the answers after each step."""
        check_is_fitted(self)
        engine, X = self._engine_and_input(X)
        params = self._integer_params()
        tape, lengths = engine.read_out(params, X), known_lengths(X)
        answer = self._on_grid_._answer_functions()[answer]
        stages = running_answers(engine.network, params, tape, "F", lengths)
        return (answer(outputs) for outputs in stages)

    @with_own_errstate
    def _spikes_per_step(self, X):
        """Return mean spikes per step, (n_steps, n_layers_), of validated input."""
        check_is_fitted(self)
        engine, X = self._engine_and_input(X)
        return spikes_per_step(engine, self._integer_params(), X)

    def _is_per_step(self):
        return False

    def __sklearn_is_fitted__(self):
        return hasattr(self, "layers_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.three_d_array = True
        return tags

    def __getstate__(self):
        state = super().__getstate__()
        if "layers_" in state:
            state["layers_"] = [layer._asdict() for layer in state["layers_"]]
            for name in ("_levels_", "_precision_"):
                state[name] = state[name]._asdict()
        return state

    def __setstate__(self, state):
        if isinstance(state, dict) and "layers_" in state:
            kinds = {"_levels_": InputLevels, "_precision_": Precision}
            try:
                layers = [QuantizedLayer(**layer) for layer in state["layers_"]]
                state = state | {"layers_": layers}
                state |= {name: kind(**state[name]) for name, kind in kinds.items()}
                check_layers(layers, state["_on_grid_"].coefs_)
                state["_levels_"].check(len(layers[0].weights))
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                raise StateError(
                    f"The integers in this state of a {type(self).__name__} are "
                    "damaged: they do not fit each other, or the network that they "
                    "were made of."
                ) from error
        super().__setstate__(state)


class _Rounding:
    """Makes integers of parameters, in a unit that is chosen once.

    Parameters
    ----------
    estimator : fitted estimator
    precision : Precision
    levels : InputLevels
    """

    def __init__(self, estimator, precision, levels):
        self._layers, self._precision = estimator.network_.layers, precision
        others = [(np.ones(1), 1)] * (len(self._layers) - 1)
        self._inputs = [(levels.unit, levels.n_bits), *others]
        self._scales = [
            scale_of(layer, p, precision, *of_input)
            for layer, p, of_input in zip(
                self._layers, estimator._learned_params(), self._inputs, strict=True
            )
        ]

    def layers(self, params):
        """Return the QuantizedLayer of each layer."""
        parts = zip(self._layers, params, self._scales, self._inputs, strict=True)
        return [
            quantized_layer(layer, p, self._precision, scale, unit)
            for layer, p, scale, (unit, _) in parts
        ]

    def on_grid(self, params):
        """Return the parameters that the integers stand for."""
        parts = zip(self._layers, self.layers(params), params, strict=True)
        return [on_grid(layer, q, p, self._precision) for layer, q, p in parts]


def _refuse(neuron, readout, per_step):
    """Raise ValueError for what no integers stand for, naming the nearest that has."""
    problem = None
    if neuron not in ("lif", "cuba"):
        problem = f"neuron={neuron!r}", "neuron='cuba' or 'lif'"
    elif readout == "softmax_mean":
        problem = (
            "readout='softmax_mean', which takes exponentials at each step",
            "readout='membrane_mean' or 'spike_count'",
        )
    elif per_step:
        problem = (
            "per_step=True",
            "readout='membrane_last', whose staged_predict answers after each step",
        )
    if problem is not None:
        raise ValueError(
            f"There are no integer dynamics of {problem[0]}. Fit with {problem[1]}."
        )


def _check_finite(estimator):
    """Raise ValueError unless weights, which users may assign, are finite."""
    arrays = [*estimator.coefs_, *estimator.intercepts_, *estimator.recurrent_coefs_]
    if not all(np.isfinite(a).all() for a in arrays):
        raise ValueError("Weights and biases must be finite to be quantised.")
