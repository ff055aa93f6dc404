"""How a fit runs: data, epochs, early stopping, callbacks, interruption, results.

Training works on copies of the parameters. After each epoch, all that the estimator
would know if the fit had ended there is put together as one dict of attributes, so that
there is always a last complete epoch to fall back to.
"""

import warnings
from contextlib import contextmanager
from numbers import Integral

import numpy as np
from sklearn.callback import CallbackSupportMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import _check_partial_fit_first_call

from sklearn_snn._diagnosis import dead_layers
from sklearn_snn._network import initial_parameters
from sklearn_snn._training import (
    DivergedError,
    Samples,
    Trainer,
    TrainingPlan,
    child_random_state,
)
from sklearn_snn._validation import (
    check_classes,
    check_magnitudes,
    class_weights,
    network_dtype,
    validate_input,
    validate_weights,
)
from sklearn_snn.exceptions import DeadNeuronWarning

# An adaptive learning rate is divided by this where training stalls, down to a floor.
_REDUCTION, _LOWEST_RATE = 5, 1e-6
# From where a fit ends up to the line of the user that called it.
_CALLER = 4


class FitMixin(CallbackSupportMixin):
    """Training of an estimator with the parameters of `SpikingClassifier`."""

    def _fit(self, X, y, sample_weight):
        """Train until an end is reached, from scratch or, with `warm_start`, on."""
        going_on = self.warm_start and hasattr(self, "coefs_")
        with _all_or_nothing(self):
            X_valid, y_valid, weights = self._validate(X, y, sample_weight, going_on)
            classes = check_classes(y_valid, None, type(self).__name__)
            if going_on and not np.array_equal(classes, self.classes_):
                raise ValueError(
                    "warm_start can only be used where `y` has the same classes as in "
                    f"the previous call to fit. Previously got {self.classes_}, `y` "
                    f"has {classes}"
                )
            samples = self._samples(X_valid, y_valid, weights, classes, going_on)
            samples, validation = self._split(samples)
            trainer = self._trainer(self._weigh_classes(samples), going_on)
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
        with _all_or_nothing(self):
            with np.errstate(invalid="ignore"):  # of labels that no integer can hold
                _check_partial_fit_first_call(self, classes)
            X, y, weights = self._validate(X, y, sample_weight, going_on)
            classes = check_classes(y, self.classes_, type(self).__name__)
            samples = self._samples(X, y, weights, classes, going_on)
            trainer = self._trainer(self._weigh_classes(samples), going_on)
            state = self._optimizer_state_
            if state is not None and state["solver"] == self.solver:
                trainer.optimizer.restore(state)
            epoch = trainer.epoch()
            fitted = self._after_epoch(trainer, epoch, n_iter=1)
            state = {"solver": self.solver} | trainer.optimizer.state()
            vars(self).update(fitted | {"_optimizer_state_": state})
        if self.verbose:
            _report(fitted, epoch, f"Epoch {len(self.loss_curve_)}")
        return self

    def _validate(self, X, y, sample_weight, going_on):
        """Check the data; return it without the rows of weight 0."""
        check_magnitudes(self.get_params(deep=False))
        X, y = validate_input(self, X, y, reset=not going_on)
        weights = validate_weights(X, sample_weight)
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
        sizes = [X.shape[-1], *self._hidden_sizes(), len(self.classes_)]
        self.n_layers_, self.n_outputs_ = len(sizes), sizes[-1]
        self.out_activation_ = "softmax"
        self.coefs_, self.intercepts_ = initial_parameters(
            sizes, network_dtype(X), random_state
        )
        self._seed_ = int(random_state.randint(2**31 - 1))
        self.t_, self.loss_curve_, self._optimizer_state_ = 0, [], None
        self.validation_scores_ = self.best_validation_score_ = None

    def _hidden_sizes(self):
        hidden = np.atleast_1d(self.hidden_layer_sizes)
        if hidden.ndim > 1 or not all(
            isinstance(n, Integral) and n > 0 for n in hidden.tolist()
        ):
            raise ValueError(
                "hidden_layer_sizes must be a positive int or a sequence of them, "
                f"got {self.hidden_layer_sizes!r}."
            )
        return hidden.tolist()

    def _split(self, samples):
        """Return Samples to train on and, with early stopping, Samples to test on."""
        if not self.early_stopping:
            return samples, None
        train, test = train_test_split(
            np.arange(len(samples.y)),
            test_size=self.validation_fraction,
            stratify=self.classes_[samples.y],
            random_state=child_random_state(self._seed_, "validation"),
        )
        if len(test) < 2:
            raise ValueError(
                "The validation set is too small. Increase 'validation_fraction' or "
                "the size of your dataset."
            )
        test = samples.take(test)
        # Their sum may be infinite.
        test = test._replace(weights=test.weights / test.weights.max())
        return samples.take(train), test

    def _weigh_classes(self, samples):
        """Multiply the weights by those of the classes, and make their mean 1."""
        labels = self.classes_[samples.y]
        weights = samples.weights * class_weights(
            self.class_weight, self.classes_, labels, samples.weights
        )
        samples = samples.take(weights > 0)
        # The largest first, as the sum of very large weights may be infinite.
        weights = weights[weights > 0] / weights.max()
        return samples._replace(weights=weights / weights.mean())

    def _trainer(self, samples, going_on):
        """Return a Trainer on copies of the parameters."""
        hidden = [len(b) for b in self.intercepts_[:-1]]
        if hidden != self._hidden_sizes():
            raise ValueError(
                f"hidden_layer_sizes={self.hidden_layer_sizes!r} is not what the "
                f"network to go on with has, {tuple(hidden)}."
            )
        # Plain numbers: numpy's narrow ones, such as int8, would overflow.
        batch_size = 200 if self.batch_size == "auto" else int(self.batch_size)
        plan = TrainingPlan(
            batch_size=min(batch_size, len(samples.y)),
            shuffle=self.shuffle,
            learning_rate_init=float(self.learning_rate_init),
            schedule=self.learning_rate,
            power_t=float(self.power_t),
            solver=self.solver,
            momentum=float(self.momentum),
            nesterov=self.nesterovs_momentum,
            beta_1=float(self.beta_1),
            beta_2=float(self.beta_2),
            epsilon=float(self.epsilon),
            grad_clip=_float_or_none(self.grad_clip),
            max_grad_norm=_float_or_none(self.max_grad_norm),
            weight_decay=float(self.weight_decay),
        )
        trainer = Trainer(
            self._engine(samples.X),
            [w.copy() for w in self.coefs_],
            [b.copy() for b in self.intercepts_],
            samples,
            plan,
            self._seed_,
            n_epochs=len(self.loss_curve_),
            n_seen=self.t_,
        )
        if self.verbose and trainer.engine.compiles and not going_on:
            print(
                "Preparing the compiled engine: the first use on a machine takes "
                "some seconds",
                flush=True,
            )
            if seconds := trainer.compile():
                print(f"Compiled in {seconds:.1f} s", flush=True)
        if not going_on:
            trainer.first_guess()
        return trainer

    def _run(self, trainer, validation, user_data):
        """Train epoch by epoch; return the warnings and the error of its end."""
        callbacks = _Callbacks(self, user_data)
        stall = _Stall(float(self.tol), self.n_iter_no_change)
        max_iter = int(self.max_iter)
        last, best, epoch, problems = None, {}, None, []
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
                last = fitted | best
                if self.verbose:
                    _report(fitted, epoch, f"Epoch {n_iter}/{max_iter}")
                is_stalled = stall.goes_on(score) and not self._reduce_rate(
                    trainer, stall
                )
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
            message = f"Training interrupted by user after {last['n_iter_']} epochs."
            problems.append(UserWarning(message))
        except DivergedError as error:
            if last is None:
                raise
            problems.append(error)
        vars(self).update(last | {"_optimizer_state_": None})
        callbacks.end()
        problems[:0] = [
            DeadNeuronWarning(finding)
            for finding in dead_layers(epoch.firing_rates, self.classes_)
        ]
        return problems

    def _after_epoch(self, trainer, epoch, n_iter, last=None, validation=None):
        """Return the attributes of an estimator whose fit ends with this epoch."""
        trainer.check_parameters()
        last = vars(self) if last is None else last
        curve = [*last["loss_curve_"], epoch.loss]
        fitted = {
            "coefs_": [w.copy() for w in trainer.coefs],
            "intercepts_": [b.copy() for b in trainer.intercepts],
            "n_iter_": n_iter,
            "t_": trainer.n_seen,
            "loss_": epoch.loss,
            "loss_curve_": curve,
            "best_loss_": min(curve),
            "firing_rates_": np.array([r.mean() for r in epoch.firing_rates]),
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


class _Stall:
    """Counts the epochs in a row in which a score did not improve by `tol`."""

    def __init__(self, tol, patience):
        self.tol, self.patience = tol, patience
        self.best, self.count = -np.inf, 0

    def goes_on(self, score):
        """Take the score of another epoch; tell whether patience is at its end."""
        self.count = self.count + 1 if score < self.best + self.tol else 0
        self.best = max(self.best, score)
        return self.count > self.patience


class _Callbacks:
    """The calls that scikit-learn's callbacks get during a fit; an epoch is a leaf.

    They are given the data as the user gave it, which the labels of `classes_` and the
    names of features belong to.
    """

    def __init__(self, estimator, user_data):
        X, y, sample_weight = user_data
        metadata = None if sample_weight is None else {"sample_weight": sample_weight}
        self._call = {"estimator": estimator, "X": X, "y": y, "metadata": metadata}
        self._root = estimator._init_callback_context(
            max_subtasks=int(estimator.max_iter)
        )
        self._root.call_on_fit_task_begin(**self._call)
        self._epoch = None

    def begin_epoch(self):
        """Say that an epoch begins."""
        self._epoch = self._root.subcontext(task_name="epoch")
        self._epoch.call_on_fit_task_begin(**self._call)

    def end_epoch(self, fitted):
        """Say what an epoch led to; tell whether a callback wants no further one."""
        return self._epoch.call_on_fit_task_end(
            **self._call, reconstruction_attributes=fitted
        )

    def end(self):
        """Say that the estimator is fitted."""
        self._root.call_on_fit_task_end(**self._call, reconstruction_attributes={})


def _float_or_none(value):
    return None if value is None else float(value)


def _report(fitted, epoch, title):
    """Print one line on an epoch."""
    scores = fitted["validation_scores_"]
    validation = f"validation score {scores[-1]:.4f}, " if scores else ""
    rates = " ".join(f"{rate:.3f}" for rate in fitted["firing_rates_"])
    print(
        f"{title}: loss {epoch.loss:.4f}, {validation}firing rates {rates}, "
        f"{epoch.seconds:.2f} s"
    )


@contextmanager
def _all_or_nothing(estimator):
    """Give the estimator back as it was if the block does not end well."""
    before = _fitted_attributes(estimator)
    try:
        yield
    except BaseException:
        for name in _fitted_attributes(estimator):
            delattr(estimator, name)
        vars(estimator).update(before)
        raise


def _fitted_attributes(estimator):
    """Return what a fit leaves, by scikit-learn's convention for names."""
    return {
        name: value
        for name, value in vars(estimator).items()
        if name.endswith("_") and not name.endswith("__")
    }
