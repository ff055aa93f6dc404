"""What `fit` and `partial_fit` do: data, first guess, epochs, and all or nothing.

Training works on copies of the parameters. What came of it is published in a single
step at the end: an error, or Ctrl-C, leaves the estimator whole.
"""

from typing import NamedTuple

import numpy as np
from sklearn import get_config
from sklearn.callback import CallbackSupportMixin
from sklearn.utils import check_random_state

from sklearn_snn._compat import (
    check_partial_fit_first_call,
    fit_context,
    validate_parameters,
)
from sklearn_snn._inputs.learned_input import remember
from sklearn_snn._inputs.validation import (
    check_classes,
    check_magnitudes,
    check_memory,
    hidden_sizes,
    network_dtype,
    validate_input,
    validate_weights,
)
from sklearn_snn._model.constants import frozen_constants
from sklearn_snn._model.network import initial_parameters
from sklearn_snn._training.control import all_or_nothing, compile_aloud, report
from sklearn_snn._training.epochs import Epochs
from sklearn_snn._training.results import (
    CURVES,
    ends_of_curves,
    packed,
    results,
    unpacked,
)
from sklearn_snn._training.samples import (
    relative_weight,
    set_aside,
    weigh,
    weigh_nothing,
    without_ignored,
)
from sklearn_snn._training.trainer import (
    Samples,
    Trainer,
    child_random_state,
    first_guess,
    training_plan,
)
from sklearn_snn._utils.errstate import with_own_errstate
from sklearn_snn._utils.warnings import warn_user


class FitMixin(CallbackSupportMixin):
    """Training of an estimator with the parameters of `SpikingClassifier`."""

    # What there is from before the first epoch on.
    _fitted_names = (
        *("classes_", "n_features_in_", "n_layers_", "n_outputs_", "out_activation_"),
        *("coefs_", "intercepts_", "t_", "validation_scores_"),
        *("best_validation_score_", "_seed_", "_n_epochs_", "_optimizer_state_"),
        *("_initial_scales_", "_is_sequential_", "_constants_", *CURVES),
    )

    @with_own_errstate
    @fit_context(prefer_skip_nested_validation=True)
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
            mean of 1) and in the accuracies. Weight 0 is the same as the row
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
            better although loss and accuracy are hardly better than those of guessing;
            in both cases also if a neuron's memory of ``1 / (1 - alpha)`` steps may be
            the reason, as recordings are more than 20 times as long. If no epoch
            surpasses the weights before it, with `warm_start` and `early_stopping`.
        DeadNeuronWarning
            If output neurons, or half of a hidden layer, never fire, or always, or if
            many samples let no output neuron fire; see `sklearn_snn.exceptions`.
        UnscaledInputWarning
            If a column, or channel, is so much wider than others that it alone counts.
        """
        return self._fit(X, y, sample_weight)

    @with_own_errstate
    # In the context of later calls scikit-learn validates no parameters: we do, unless
    # the user's configuration, which this leaves as it is, says not to.
    @fit_context(prefer_skip_nested_validation=False)
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
        is kept for the last 1,000 calls. After a `fit`, the optimizer starts anew.

        Weights, those of `class_weight` included, count relative to the mean weight of
        the samples of the first call, or of the `fit` before: a later block of twice
        that mean has twice the gradient, even if it has a single row or class. (What
        `max_grad_norm` cuts off, it cuts off there too.) The losses that are kept are
        means with the weights of the call. A later call whose samples all have weight 0
        has nothing to say: it is checked, and changes nothing.

        Parameters
        ----------
        X : SpikeTrains, array-like or sparse matrix with n_samples rows
            Of any kind that `fit` takes.
        y : array-like of shape (n_samples,)
            Class labels.
        classes : array-like of shape (n_classes,), default=None
            All classes that will ever occur, two or more. Needed in the first call.
        sample_weight : array-like of shape (n_samples,), default=None
            As in `fit`, but relative to those of the first call. Weights that are on
            the average less than 2**-64 or more than 2**64 times those are refused.

        Returns
        -------
        self : SpikingClassifier
            The network, trained one epoch further.

        Raises
        ------
        ValueError, TypeError
            As in `fit`; if classes are missing or other than before; if all weights of
            the first call are 0; or with ``early_stopping`` or
            ``class_weight="balanced"``, which need all data. A
            call that fails or is interrupted leaves the estimator as it was.
        """
        return self._partial_fit(X, y, classes, sample_weight)

    def _fit(self, X, y, sample_weight):
        """Train until an end is reached, from scratch or, with `warm_start`, on."""
        is_continued = self.warm_start and hasattr(self, "coefs_")
        with all_or_nothing(self):
            data = self._check_data(X, y, sample_weight, is_continued)
            classes = check_classes(data.labels, None, type(self).__name__)
            if is_continued and not np.array_equal(classes, self.classes_):
                raise ValueError(
                    "warm_start can only be used where `y` has the same classes as in "
                    f"the previous call to fit. Previously got {self.classes_}, `y` "
                    f"has {classes}"
                )
            samples = self._samples(data, classes, is_continued)
            validation = None
            if self.early_stopping:
                samples, validation = set_aside(
                    samples, self.validation_fraction, classes, self._seed_
                )
                validation = without_ignored(validation, self.class_weight, classes)
            samples, mean_weight = weigh(samples, self.class_weight, classes)
            constants = frozen_constants(self._params())
            trainer = self._trainer(samples, constants, is_continued)
            fixed = {"_constants_": constants, "_log2_mean_weight_": mean_weight}
            epochs = Epochs(self, trainer, validation, fixed, is_continued)
            problems = epochs.run((X, y, sample_weight))
        for problem in problems:
            if not isinstance(problem, Warning):
                raise problem
            warn_user(problem)
        return self

    def _partial_fit(self, X, y, classes, sample_weight):
        """Train one epoch, from scratch or on, and keep the state of the optimizer."""
        if not get_config()["skip_parameter_validation"]:
            validate_parameters(self)
        if self.early_stopping:
            raise ValueError("partial_fit does not support early_stopping=True")
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' needs all data at once, which partial_fit "
                "does not have: pass a dict of weights, or sample_weight."
            )
        is_continued = hasattr(self, "coefs_")
        with all_or_nothing(self):
            with np.errstate(invalid="ignore"):  # of labels that no integer can hold
                check_partial_fit_first_call(self, classes)
            data = self._check_data(
                X, y, sample_weight, is_continued, all_zero=is_continued
            )
            classes = check_classes(data.labels, self.classes_, type(self).__name__)
            if is_continued and weigh_nothing(data.labels, self.class_weight, classes):
                return self
            samples = self._samples(data, classes, is_continued)
            samples, mean_weight = weigh(samples, self.class_weight, classes)
            # Not known of a network of version 0.1.0: its next call is the first.
            first_mean = getattr(self, "_log2_mean_weight_", None)
            if not is_continued or first_mean is None:
                first_mean = mean_weight
            constants = frozen_constants(self._params())
            trainer = self._trainer(
                samples,
                constants,
                is_continued,
                relative_weight(mean_weight, first_mean),
            )
            state = self._optimizer_state_
            if state is not None and state["solver"] == self.solver:
                trainer.optimizer.restore(state)
            epoch = trainer.epoch()
            trainer.check_parameters()
            fitted = results(trainer, epoch, 1, ends_of_curves(vars(self)))
            state = {"solver": self.solver} | trainer.optimizer.state()
            fitted |= {"_constants_": constants, "_log2_mean_weight_": first_mean}
            vars(self).update(fitted | {"_optimizer_state_": state})
        if self.verbose:
            report(fitted, epoch, f"Epoch {self._n_epochs_}")
        return self

    def _params(self):
        """Return all parameters; the constructor of a subclass may have fewer."""
        return {name: getattr(self, name) for name in self._parameter_constraints}

    def _check_data(self, X, y, sample_weight, is_continued, all_zero=False):
        """Check the data; return it, and which rows there are: not those of weight 0.

        X stays whole, since it may be a memory map: nothing copies more of it at once
        than a mini-batch.
        """
        check_magnitudes(self._params())
        X, y = validate_input(self, X, y, reset=not is_continued)
        weights = validate_weights(X, sample_weight, all_zero)
        if weights.all():
            return _Data(X, weights, y, weights, None)
        rows = np.flatnonzero(weights)
        return _Data(X, weights, y[rows], weights[rows], rows)

    def _samples(self, data, classes, is_continued):
        """Return Samples, and remember them; draw the initial parameters if need be."""
        remember(self, data.X, data.all_weights, is_continued)
        if not is_continued:
            self.classes_ = classes
            self._begin(data.X)
        y = np.searchsorted(classes, data.labels)
        return Samples(data.X, y, data.weights, data.weights, data.rows)

    def _begin(self, X):
        """Draw the initial parameters, freeze the constants, and forget all epochs."""
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
        self._constants_ = frozen_constants(self._params())
        self.t_, self._n_epochs_, self._optimizer_state_ = 0, 0, None
        for name in CURVES:
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

    def _trainer(self, samples, constants, is_continued, weight=1.0):
        """Return a Trainer on copies of the parameters; first make the first guess."""
        hidden = [len(b) for b in self.intercepts_[:-1]]
        if hidden != hidden_sizes(self.hidden_layer_sizes):
            raise ValueError(
                f"hidden_layer_sizes={self.hidden_layer_sizes!r} is not what the "
                f"network to go on with has, {tuple(hidden)}."
            )
        network = (
            self._engine(samples.X, constants),
            [w.copy() for w in self.coefs_],
            [b.copy() for b in self.intercepts_],
        )
        if not is_continued:
            scales = first_guess(*network, samples, self._seed_)
            self._initial_scales_ = np.array(scales)
        trainer = Trainer(
            *network,
            samples,
            training_plan(self._params(), len(samples.y)),
            self._seed_,
            self._initial_scales_.tolist(),
            n_epochs=self._n_epochs_,
            n_seen=self.t_,
            weight=weight,
        )
        if self.verbose and trainer.engine.compiles and not is_continued:
            compile_aloud(trainer)
        return trainer

    def __getstate__(self):
        return packed(super().__getstate__())

    def __setstate__(self, state):
        super().__setstate__(unpacked(state) if isinstance(state, dict) else state)


class _Data(NamedTuple):
    """Checked data: labels and weights are those of some rows of X, None for all."""

    X: object
    all_weights: np.ndarray
    labels: np.ndarray
    weights: np.ndarray
    rows: np.ndarray | None
