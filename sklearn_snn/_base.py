"""What all spiking networks have in common: parameters, answers, records, state.

A subclass says what its target is (see `_training.targets`), and documents the methods
that users call.
"""

from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.callback import CallbackSupportMixin
from sklearn.utils.validation import check_is_fitted

from sklearn_snn._compat import (
    Interval,
    Options,
    StrOptions,
    validate_parameter_constraints,
)
from sklearn_snn._conversion.mixin import ConversionMixin
from sklearn_snn._engines import ENGINES, make_engine
from sklearn_snn._engines.numpy_engine import NumpyEngine
from sklearn_snn._inputs.learned_input import check_likeness
from sklearn_snn._inputs.lengths import check_start, known_lengths
from sklearn_snn._inputs.validation import (
    check_memory,
    check_shapes,
    network_dtype,
    validate_input,
)
from sklearn_snn._model.build import make_network
from sklearn_snn._model.network import running_answers
from sklearn_snn._model.neurons.resets import RESETS
from sklearn_snn._model.parameters import layered
from sklearn_snn._model.readouts import STATISTICS
from sklearn_snn._model.recurrence import check_recurrent
from sklearn_snn._model.surrogates import SURROGATES
from sklearn_snn._persistence import PersistenceMixin
from sklearn_snn._simulation import check_record, record, spikes_per_step
from sklearn_snn._stream import StreamMixin
from sklearn_snn._training.data import check_data
from sklearn_snn._training.fitting import FITTED_NAMES, initial_coefs, n_units
from sklearn_snn._training.gradients import mean_loss_and_gradients
from sklearn_snn._training.optimizers import SCHEDULES
from sklearn_snn._training.results import packed, unpacked
from sklearn_snn._utils.errstate import with_own_errstate
from sklearn_snn.neurons import KINDS, Neuron

COUNT = Interval(Integral, 1, None, closed="left")
POSITIVE = Interval(Real, 0, None, closed="neither")
NOT_NEGATIVE = Interval(Real, 0, None, closed="left")


class BaseSpikingNetwork(
    ConversionMixin, StreamMixin, PersistenceMixin, CallbackSupportMixin, BaseEstimator
):
    """Base class of the estimators that are a spiking network."""

    _parameter_constraints = {
        "hidden_layer_sizes": ["array-like", COUNT],
        "alpha": [Interval(Real, 0, 1, closed="both")],
        "threshold": [POSITIVE],
        "beta": [POSITIVE],
        "n_steps": [COUNT],
        "surrogate": [StrOptions(set(SURROGATES))],
        "reset": [StrOptions({"auto", *RESETS})],
        "detach_reset": ["boolean", StrOptions({"auto"})],
        "neuron": [StrOptions(set(KINDS)), Neuron],
        "learn_neuron": ["boolean", str, "array-like"],
        "recurrent": ["boolean"],
        "readout": [StrOptions({*STATISTICS, "auto"})],
        "readout_alpha": [StrOptions({"auto"}), Interval(Real, 0, 1, closed="both")],
        "readout_start": [Interval(Integral, 0, None, closed="left")],
        "per_step": ["boolean"],
        "bptt_steps": [COUNT, None],
        "stateful": ["boolean"],
        "solver": [StrOptions({"adam", "sgd"})],
        "learning_rate": [StrOptions(set(SCHEDULES))],
        "learning_rate_init": [StrOptions({"auto"}), POSITIVE],
        "power_t": [NOT_NEGATIVE],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "beta_1": [Interval(Real, 0, 1, closed="left")],
        "beta_2": [Interval(Real, 0, 1, closed="left")],
        "epsilon": [POSITIVE],
        "batch_size": [StrOptions({"auto"}), COUNT],
        "max_iter": [COUNT],
        "shuffle": ["boolean"],
        "tol": [NOT_NEGATIVE],
        "n_iter_no_change": [StrOptions({"auto"}), COUNT, Options(Real, {np.inf})],
        "early_stopping": ["boolean"],
        "validation_fraction": [Interval(Real, 0, 1, closed="neither")],
        "warm_start": ["boolean"],
        "grad_clip": [POSITIVE, None],
        "max_grad_norm": [POSITIVE, None],
        "centering": ["boolean"],
        "weight_decay": [StrOptions({"auto"}), NOT_NEGATIVE],
        "dropout": [StrOptions({"auto"}), Interval(Real, 0, 1, closed="left")],
        "rate_bounds": ["array-like", None],
        "rate_penalty": [NOT_NEGATIVE],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "engine": [StrOptions(set(ENGINES))],
    }
    # What is a parameter of other subclasses.
    _fixed_params = {}
    # What there is of a fitted estimator, in its state as well.
    _fitted_names = FITTED_NAMES

    @property
    def reset_(self):
        """What a spike does to the membrane: what `reset` said, or "auto" chose."""
        return self._constants_["reset"]

    @property
    def detach_reset_(self):
        """Whether the gradient of the fit ignores that the reset depends on the spike.

        A bool, also where ``detach_reset="auto"``: then it is what that chose.
        """
        return self._constants_["detach_reset"]

    @property
    def network_(self):
        """What the fitted network consists of, but for its numbers.

        A named tuple of ``layers``, each with its ``neuron`` and ``n_units``,
        ``readout`` and ``loss``; it cannot be changed.
        """
        return make_network(self._constants_, n_units(self))

    def _params(self):
        """Return all parameters; the constructor of a subclass may have fewer."""
        names = self._parameter_constraints
        return self._fixed_params | {name: getattr(self, name) for name in names}

    def _learned_params(self):
        """Return the parameters of the network, which users may assign."""
        arrays = self.coefs_, self.intercepts_, self.neuron_constants_
        return layered(*arrays, self.recurrent_coefs_)

    def _engine(self, X, constants=None, has_states=False):
        """Return the engine for an input like X, with the constants of the fit."""
        constants = self._constants_ if constants is None else constants
        bptt_steps = constants["bptt_steps"]
        network, n_steps = self._network_for(X, constants, bptt_steps)
        return make_engine(self.engine, network, n_steps, bptt_steps, has_states)

    def _network_for(self, X, constants=None, at_once=None):
        """Return the Network and the number of steps for an input like X.

        No more than so many of them, if that is given, are in memory at once.
        An `engine` that there is not is refused, also by what has no use for it.
        """
        if type(self.engine) is not str or self.engine not in ENGINES:
            validate_parameter_constraints(
                {"engine": self._parameter_constraints["engine"]},
                {"engine": self.engine},
                caller_name=type(self).__name__,
            )
        check_shapes(self.coefs_, self.intercepts_, X.shape[-1], self.n_outputs_)
        sizes = [X.shape[-1], *n_units(self)]
        constants = self._constants_ if constants is None else constants
        own = sizes[1:-1] if self._constants_["recurrent"] else []
        check_recurrent(self.recurrent_coefs_, own, self.coefs_[0].dtype)
        n_steps = X.shape[1] if X.ndim == 3 else constants["n_steps"]
        check_start(X, n_steps, constants["readout_start"])
        at_once = n_steps if at_once is None else min(at_once, n_steps)
        check_memory(sizes, at_once, network_dtype(X))
        return make_network(constants, sizes[1:]), n_steps

    def _answers(self, X, answer):
        """Return an answer, by its name, to X; per step, a list if lengths are unequal.

        Those of outputs of shape (n_samples, n_outputs) or, per step, (n_samples,
        n_steps, n_outputs).
        """
        check_is_fitted(self)
        X = validate_input(self, X, reset=False)
        outputs = self._engine(X).run(self._learned_params(), X)
        answers = self._answer_functions()[answer](outputs)
        lengths = known_lengths(X)
        if lengths is None or not self._constants_["per_step"]:
            return answers
        return [of_sample[:n] for of_sample, n in zip(answers, lengths, strict=True)]

    def _answer_functions(self):
        """Return what makes answers of outputs, by the name of the method."""
        return {"predict": self._fitted_target().decode}

    def _is_per_step(self):
        """Tell whether it is fitted, and answers at each step."""
        return hasattr(self, "_constants_") and self._constants_["per_step"]

    def _score_of_steps(self, X, y, sample_weight, metric):
        """Return a metric of all steps that are read, of all samples."""
        constants = self._constants_
        data = check_data(self, X, y, sample_weight, constants, reset=False)
        check_likeness(self, data.X)
        outputs = self._engine(data.X).run(self._learned_params(), data.X)
        outputs = outputs if data.rows is None else outputs[data.rows]
        steps = data.steps(constants["readout_start"])
        answers = self._fitted_target().decode(outputs)[steps]
        weights = np.broadcast_to(data.weights[:, np.newaxis], steps.shape)[steps]
        return metric(data.y[steps], answers, sample_weight=weights)

    def _staged_outputs(self, X):
        """Check X, run the network, and return an iterator over the running outputs."""
        check_is_fitted(self)
        X = validate_input(self, X, reset=False)
        # What is read of all steps is kept, so there is nothing to gain by pieces.
        engine = make_engine(self.engine, *self._network_for(X))
        params = self._learned_params()
        tape, lengths = engine.read_out(params, X), known_lengths(X)
        # By output, which is how the answers are computed fastest.
        return running_answers(engine.network, params, tape, "F", lengths)

    @with_own_errstate
    def loss_and_gradients(self, X, y, sample_weight=None):
        """Compute the loss on given data, and its gradients, as training does.

        The loss is the weighted mean of the samples' losses, without the penalties of
        `weight_decay` and `rate_bounds` and without `dropout`. With outputs ``z`` and
        targets ``y``, a sample's loss is

        - ``-log(softmax(z)[y])`` of a classifier;
        - ``sum_k log(1 + exp(z_k)) - y_k z_k`` of a classifier of several labels;
        - ``mean_k (z_k - y_k)**2 / 2`` of a regressor, in the deviation of y;
        - with `per_step`, the mean of those of all steps that are read.

        The gradients are those of backpropagation through time with respect to
        `coefs_`, `intercepts_`, `recurrent_coefs_` and learned `neuron_constants_`:
        exact, as the class says, with `detach_reset_`, and as far back as `bptt_steps`
        says. The network is not changed. Spikes are those that `predict` sees.

        Parameters
        ----------
        X : SpikeTrains, array-like or sparse matrix with n_samples rows
            Of any kind that `fit` takes.
        y : array-like of shape (n_samples,), (n_samples, n_outputs) or as per step
            Of the kind that `fit` took; of classes, none but those in `classes_`.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, not negative. Weight 2 is the same as the row twice,
            up to rounding, and 0 as its absence.

        Returns
        -------
        result : LossAndGradients
            A named tuple of ``loss``, a float; ``coef_grads``, a list of ndarrays of
            the shapes of `coefs_`; ``intercept_grads``, of those of `intercepts_`; and
            ``neuron_grads``, a list of dicts of ndarrays of shape (n_units,); and
            ``recurrent_grads``, a list like `recurrent_coefs_`.

        Raises
        ------
        ValueError, TypeError
            If `X`, `y` or `sample_weight` is not acceptable, or `y` has labels that are
            not in `classes_`.

        Examples
        --------
        A step of gradient descent, by hand:

        >>> from sklearn.datasets import load_iris
        >>> from sklearn_snn import SpikingClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> model = SpikingClassifier((20,), n_steps=10, max_iter=5, random_state=0)
        >>> before = model.fit(X, y).loss_and_gradients(X, y)
        >>> [grad.shape for grad in before.coef_grads]
        [(4, 20), (20, 3)]
        >>> for weights, grad in zip(model.coefs_, before.coef_grads):
        ...     weights -= 0.01 * grad
        >>> model.loss_and_gradients(X, y).loss < before.loss
        True
        """
        check_is_fitted(self)
        data = check_data(self, X, y, sample_weight, self._constants_, reset=False)
        check_likeness(self, data.X, data.rows)
        target = data.target(lambda y, weights: self._known_target(y, weights, True))
        engine, params = self._engine(data.X), self._learned_params()
        return mean_loss_and_gradients(engine, params, data.samples(target))

    @with_own_errstate
    def simulate(self, X, *, layers=None, inputs=True, max_memory=1.0):
        """Run the network and record what happens in it.

        Parameters
        ----------
        X : SpikeTrains, array-like or sparse matrix with n_samples rows
            Of any kind that `fit` takes.
        layers : array-like of int, default=None
            The layers to record, by their index in `coefs_`: 0 is the first hidden
            layer, -1 the output layer. None records all of them.
        inputs : bool, default=True
            Whether to record what the first layer received, too.
        max_memory : float, default=1.0
            Largest size of the record in GiB, above 0.

        Returns
        -------
        record : SimulationRecord
            Inputs, membranes, spikes, and running logits and probabilities. The spikes
            are those that `predict` counts, to the bit.

        Raises
        ------
        ValueError
            Before anything is done, if the record would take more than `max_memory`,
            or there is no such layer.

        Examples
        --------
        >>> from sklearn.datasets import load_iris
        >>> from sklearn_snn import SpikingClassifier
        >>> X, y = load_iris(return_X_y=True)
        >>> model = SpikingClassifier((20,), n_steps=10, random_state=0).fit(X, y)
        >>> record = model.simulate(X[:5], layers=[-1])
        >>> record.membranes[-1].shape
        (5, 10, 3)
        >>> bool((record.logits[:, -1] == model.decision_function(X[:5])).all())
        True
        """
        check_is_fitted(self)
        chosen = check_record(layers, len(self.coefs_), max_memory)
        X = validate_input(self, X, reset=False)
        return record(
            NumpyEngine(*self._network_for(X)),
            self._learned_params(),
            X,
            self._fitted_target(),
            chosen,
            inputs,
            max_memory,
        )

    @with_own_errstate
    def _spikes_per_step(self, X):
        """Return mean spikes per step, (n_steps, n_layers_), of validated input."""
        check_is_fitted(self)
        X = validate_input(self, X, reset=False)
        engine = NumpyEngine(*self._network_for(X))
        return spikes_per_step(engine, self._learned_params(), X)

    def _initial_coefs(self):
        """Return the weights that training began with; None if nobody knows them."""
        return initial_coefs(self)

    def __sklearn_is_fitted__(self):
        return hasattr(self, "coefs_")

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.three_d_array = True
        return tags

    def __getstate__(self):
        return packed(super().__getstate__())

    def __setstate__(self, state):
        super().__setstate__(unpacked(state) if isinstance(state, dict) else state)
