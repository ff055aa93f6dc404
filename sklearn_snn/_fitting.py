"""How a fit runs: data, epochs, early stopping, callbacks, interruption, results.

Training works on copies of the parameters. After each epoch, all that the estimator
would know if the fit had ended there is put together as one dict of attributes, so that
there is always a last complete epoch to fall back to.
"""

import warnings

import numpy as np
from sklearn.base import _fit_context
from sklearn.callback import CallbackSupportMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import _check_partial_fit_first_call

from sklearn_snn._control import Callbacks, Stall, all_or_nothing, compile_aloud, report
from sklearn_snn._diagnosis import dead_neurons, hardly_learned
from sklearn_snn._learned_input import remember
from sklearn_snn._network import initial_parameters
from sklearn_snn._samples import set_aside, weigh
from sklearn_snn._training import (
    DivergedError,
    Samples,
    Trainer,
    child_random_state,
    first_guess,
    training_plan,
)
from sklearn_snn._validation import (
    check_classes,
    check_magnitudes,
    check_memory,
    hidden_sizes,
    network_dtype,
    validate_input,
    validate_weights,
)
from sklearn_snn.exceptions import DeadNeuronWarning

# An adaptive learning rate is divided by this where training stalls, down to a floor.
_REDUCTION, _LOWEST_RATE = 5, 1e-6
# What is kept of each epoch.
_CURVES = "loss_curve_", "train_scores_", "grad_norm_curve_", "firing_rate_curve_"
# Of a stream, which has no end, of the last so many calls.
_MAX_CALLS = 10_000
# From where a fit ends up to the line of the user that called it.
_CALLER = 4


class FitMixin(CallbackSupportMixin):
    """Training of an estimator with the parameters of `SpikingClassifier`."""

    # What there is from before the first epoch on.
    _fitted_names = (
        *("classes_", "n_features_in_", "n_layers_", "n_outputs_", "out_activation_"),
        *("coefs_", "intercepts_", "t_", "validation_scores_"),
        *("best_validation_score_", "_seed_", "_n_epochs_", "_optimizer_state_"),
        *("_initial_scales_", "_is_sequential_", *_CURVES),
    )

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y, sample_weight=None):
        """Train the network.

        Ctrl-C ends the training: the estimator is then that of the last complete epoch
        and a warning says so; within the first epoch it stays as it was and
        KeyboardInterrupt is raised. Callbacks set with `set_callbacks` see each epoch.

        Parameters
        ----------
        X : SpikeTrains, {array-like, sparse matrix} of shape (n_samples, n_features) \
                or array-like of shape (n_samples, n_steps, n_features)
            2-D input is injected as a constant current for `n_steps` steps; 3-D input
            is a recorded sequence, of spikes or of graded values; spike trains from an
            encoder are drawn anew in every epoch. Computing is done in float32 for
            spike trains, float32 arrays, and sequences of types of up to 16 bits; else
            in float64. Arrays of whole numbers and halves are converted by the batch.
        y : array-like of shape (n_samples,)
            Class labels, of two or more classes.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights of the samples, not negative, in the mean loss (they are scaled to a
            mean of 1) and in the validation score. Weight 0 is the same as the row
            being absent. Weight 2 is the same as the row twice: up to rounding if there
            are at most 128 samples in a single mini-batch; else on the average over
            mini-batches, and over the samples that the first guess is made from.

        Returns
        -------
        self : SpikingClassifier
            The trained network.

        Raises
        ------
        ValueError, TypeError
            If a parameter, `X`, `y` or `sample_weight` is not acceptable; the estimator
            stays as it was. ValueError also if training diverges; the estimator is then
            that of the last complete epoch, if there is one, and else as it was.
        ImportError
            If ``engine="numba"`` and numba cannot be used.

        Warns
        -----
        ConvergenceWarning
            If `max_iter` ends the training, or it ends because the loss does not get
            better although loss and accuracy are hardly better than those of guessing.
        DeadNeuronWarning
            If output neurons, or half of a hidden layer, never fire, or always, or if
            many samples let no output neuron fire; see `sklearn_snn.exceptions`.
        UnscaledInputWarning
            If a column, or channel, is so much wider than others that it alone counts.
        """
        return self._fit(X, y, sample_weight)

    @_fit_context(prefer_skip_nested_validation=True)
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Train one epoch on a part of the data, such as a block of a stream.

        Calls add up: `fit` for some epochs with a constant learning rate, and as many
        calls with the same data, give the same network to the bit. Memory is that of a
        mini-batch and of `X`, which may be a memory map. The first call makes the first
        guess of the parameters from the samples it is given: they should vary as the
        others will, which a single one cannot; and all parts be scaled alike.
        Nothing is done that concerns a fit as a whole: the learning rate of "cosine"
        and of "adaptive" stays at its beginning, callbacks are not called, and dead
        neurons are not warned of. What is kept of each epoch, such as `loss_curve_`,
        is kept for the last 10,000 calls. After a `fit`, the optimizer starts anew.

        Parameters
        ----------
        X : SpikeTrains, array-like or sparse matrix with n_samples rows
            Of any kind that `fit` takes.
        y : array-like of shape (n_samples,)
            Class labels.
        classes : array-like of shape (n_classes,), default=None
            All classes that will ever occur, two or more. Needed in the first call.
        sample_weight : array-like of shape (n_samples,), default=None
            As in `fit`; relative to the other samples of this call.

        Returns
        -------
        self : SpikingClassifier
            The network, trained one epoch further.

        Raises
        ------
        ValueError, TypeError
            As in `fit`; if classes are missing or other than before; or with
            ``early_stopping`` or ``class_weight="balanced"``, which need all data. A
            call that fails or is interrupted leaves the estimator as it was.
        """
        return self._partial_fit(X, y, classes, sample_weight)

    def _fit(self, X, y, sample_weight):
        """Train until an end is reached, from scratch or, with `warm_start`, on."""
        going_on = self.warm_start and hasattr(self, "coefs_")
        with all_or_nothing(self):
            X_valid, y_valid, weights = self._validate(X, y, sample_weight, going_on)
            classes = check_classes(y_valid, None, type(self).__name__)
            if going_on and not np.array_equal(classes, self.classes_):
                raise ValueError(
                    "warm_start can only be used where `y` has the same classes as in "
                    f"the previous call to fit. Previously got {self.classes_}, `y` "
                    f"has {classes}"
                )
            samples = self._samples(X_valid, y_valid, weights, classes, going_on)
            validation = None
            if self.early_stopping:
                samples, validation = set_aside(
                    samples, self.validation_fraction, self.classes_, self._seed_
                )
            samples = weigh(samples, self.class_weight, self.classes_)
            trainer = self._trainer(samples, going_on)
            problems = self._run(trainer, validation, (X, y, sample_weight))
        for problem in problems:
            if not isinstance(problem, Warning):
                raise problem
            warnings.warn(problem, stacklevel=_CALLER)
        return self

    def _partial_fit(self, X, y, classes, sample_weight):
        """Train one epoch, from scratch or on, and keep the state of the optimizer."""
        if self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' needs all data at once, which partial_fit "
                "does not have: pass a dict of weights, or sample_weight."
            )
        going_on = hasattr(self, "coefs_")
        with all_or_nothing(self):
            with np.errstate(invalid="ignore"):  # of labels that no integer can hold
                _check_partial_fit_first_call(self, classes)
            X, y, weights = self._validate(X, y, sample_weight, going_on)
            classes = check_classes(y, self.classes_, type(self).__name__)
            samples = self._samples(X, y, weights, classes, going_on)
            samples = weigh(samples, self.class_weight, self.classes_)
            trainer = self._trainer(samples, going_on)
            state = self._optimizer_state_
            if state is not None and state["solver"] == self.solver:
                trainer.optimizer.restore(state)
            epoch = trainer.epoch()
            fitted = self._after_epoch(trainer, epoch, n_iter=1)
            fitted |= {name: fitted[name][-_MAX_CALLS:] for name in _CURVES}
            state = {"solver": self.solver} | trainer.optimizer.state()
            vars(self).update(fitted | {"_optimizer_state_": state})
        if self.verbose:
            report(fitted, epoch, f"Epoch {self._n_epochs_}")
        return self

    def _validate(self, X, y, sample_weight, going_on):
        """Check the data; return it without the rows of weight 0."""
        check_magnitudes(self.get_params(deep=False))
        X, y = validate_input(self, X, y, reset=not going_on)
        weights = validate_weights(X, sample_weight)
        remember(self, X, weights, going_on)
        present = weights > 0
        if present.all():
            return X, y, weights
        return X[present], y[present], weights[present]

    def _samples(self, X, y, weights, classes, going_on):
        """Return Samples; draw the first parameters unless there are some."""
        if not going_on:
            self.classes_ = classes
            self._initialize(X)
        return Samples(X, np.searchsorted(classes, y), weights)

    def _initialize(self, X):
        """Draw the first parameters and forget all epochs."""
        random_state = check_random_state(self.random_state)
        sizes = [
            X.shape[-1],
            *hidden_sizes(self.hidden_layer_sizes),
            len(self.classes_),
        ]
        check_memory(sizes, 1, network_dtype(X))
        self.n_layers_, self.n_outputs_ = len(sizes), sizes[-1]
        self.out_activation_ = "softmax"
        self._seed_ = int(random_state.randint(2**31 - 1))
        self.coefs_, self.intercepts_ = initial_parameters(
            sizes, network_dtype(X), child_random_state(self._seed_, "weights")
        )
        self.t_, self._n_epochs_, self._optimizer_state_ = 0, 0, None
        for name in _CURVES:
            setattr(self, name, [])
        self.validation_scores_ = self.best_validation_score_ = None

    def _initial_coefs(self):
        """Return the weights that training began with, drawn again."""
        sizes = [len(self.coefs_[0]), *(len(b) for b in self.intercepts_)]
        coefs, _ = initial_parameters(
            sizes, self.coefs_[0].dtype, child_random_state(self._seed_, "weights")
        )
        for weights, scale in zip(coefs, self._initial_scales_, strict=True):
            weights *= weights.dtype.type(scale)
        return coefs

    def _trainer(self, samples, going_on):
        """Return a Trainer on copies of the parameters."""
        hidden = [len(b) for b in self.intercepts_[:-1]]
        if hidden != hidden_sizes(self.hidden_layer_sizes):
            raise ValueError(
                f"hidden_layer_sizes={self.hidden_layer_sizes!r} is not what the "
                f"network to go on with has, {tuple(hidden)}."
            )
        network = (
            self._engine(samples.X),
            [w.copy() for w in self.coefs_],
            [b.copy() for b in self.intercepts_],
        )
        if not going_on:
            scales = first_guess(*network, samples, self._seed_)
            self._initial_scales_ = np.array(scales)
        trainer = Trainer(
            *network,
            samples,
            training_plan(self.get_params(deep=False), len(samples.y)),
            self._seed_,
            self._initial_scales_.tolist(),
            n_epochs=self._n_epochs_,
            n_seen=self.t_,
        )
        if self.verbose and trainer.engine.compiles and not going_on:
            compile_aloud(trainer)
        return trainer

    def _run(self, trainer, validation, user_data):
        """Train epoch by epoch; return the warnings and the error of its end."""
        callbacks = Callbacks(self, user_data)
        stall = Stall(float(self.tol), self.n_iter_no_change)
        max_iter = int(self.max_iter)
        last, last_epoch, best, problems = None, None, {}, []
        if validation is not None and self.best_validation_score_ is not None:
            # Going on: what was best so far has to be surpassed.
            stall.best = self.best_validation_score_
            best = {"coefs_": self.coefs_, "intercepts_": self.intercepts_}
        try:
            for n_iter in range(1, max_iter + 1):
                callbacks.begin_epoch()
                epoch = trainer.epoch(n_iter - 1, max_iter)
                fitted = self._after_epoch(trainer, epoch, n_iter, last, validation)
                score = -epoch.loss
                if validation is not None:
                    score = fitted["validation_scores_"][-1]
                    if score > stall.best:
                        best = {
                            name: fitted[name] for name in ("coefs_", "intercepts_")
                        }
                last, last_epoch = fitted | best, epoch
                if self.verbose:
                    report(fitted, epoch, f"Epoch {n_iter}/{max_iter}")
                is_stalled = stall.goes_on(score) and not self._reduce_rate(
                    trainer, stall
                )
                if is_stalled:
                    findings = hardly_learned(epoch, trainer.samples)
                    problems += map(ConvergenceWarning, findings)
                if callbacks.end_epoch(last) or is_stalled:
                    break
            else:
                problems.append(
                    ConvergenceWarning(
                        f"Maximum number of epochs (max_iter={max_iter}) reached "
                        "and the optimization hasn't converged yet."
                    )
                )
        except KeyboardInterrupt:
            if last is None:
                raise
            problems.append(_interrupted(last))
        except DivergedError as error:
            if last is None:
                raise
            problems.append(error)
        vars(self).update(last | {"_optimizer_state_": None})
        try:
            callbacks.end()
        except KeyboardInterrupt:
            problems.append(_interrupted(last))
        problems[:0] = [
            DeadNeuronWarning(finding)
            for finding in dead_neurons(last_epoch, self.classes_)
        ]
        return problems

    def _after_epoch(self, trainer, epoch, n_iter, last=None, validation=None):
        """Return the attributes of an estimator whose fit ends with this epoch."""
        trainer.check_parameters()
        last = vars(self) if last is None else last
        rates = np.array([rates.mean() for rates in epoch.firing_rates])
        news = epoch.loss, epoch.score, epoch.grad_norms, rates
        curves = {
            name: [*last[name], new] for name, new in zip(_CURVES, news, strict=True)
        }
        fitted = curves | {
            "coefs_": [w.copy() for w in trainer.coefs],
            "intercepts_": [b.copy() for b in trainer.intercepts],
            "n_iter_": n_iter,
            "t_": trainer.n_seen,
            "_n_epochs_": trainer.n_epochs,
            "loss_": epoch.loss,
            "best_loss_": min(curves["loss_curve_"]),
            "firing_rates_": rates,
            "learning_rate_": epoch.learning_rate,
            "validation_scores_": None,
            "best_validation_score_": None,
        }
        if validation is not None:
            logits = trainer.engine.logits(
                trainer.coefs, trainer.intercepts, validation.X
            )
            score = accuracy_score(
                validation.y, logits.argmax(axis=1), sample_weight=validation.weights
            )
            scores = [*(last["validation_scores_"] or []), float(score)]
            fitted |= {
                "best_loss_": None,
                "validation_scores_": scores,
                "best_validation_score_": max(scores),
            }
        return fitted

    def _reduce_rate(self, trainer, stall):
        """Reduce an adaptive learning rate; tell whether training goes on with it."""
        rate = float(self.learning_rate_init) * trainer.reduction
        if self.learning_rate != "adaptive" or rate <= _LOWEST_RATE:
            return False
        trainer.reduction /= _REDUCTION
        stall.count = 0
        return True


def _interrupted(fitted):
    return UserWarning(
        f"Training interrupted by user after {fitted['n_iter_']} epochs."
    )
