"""SpikingClassifier: parameters and training; no mathematics of the network."""

import warnings
from contextlib import contextmanager
from numbers import Integral, Real

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, _fit_context
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets

from sklearn_snn._engines import ENGINES
from sklearn_snn._network import initial_parameters
from sklearn_snn._neurons import RESETS
from sklearn_snn._optimizers import SCHEDULES
from sklearn_snn._prediction import PredictionMixin
from sklearn_snn._surrogates import SURROGATES
from sklearn_snn._training import TrainingPlan, train
from sklearn_snn._validation import network_dtype, validate_input


class SpikingClassifier(PredictionMixin, ClassifierMixin, BaseEstimator):
    """Spiking neural network classifier.

    A stack of leaky integrate-and-fire (LIF) layers, trained with backpropagation
    through time and surrogate gradients on the softmax cross-entropy of the output
    neurons' spike counts. Per layer and step, with input spikes (or currents) ``x_t``::

        u_t = alpha * v_{t-1} + x_t @ W + b      membrane before the spike test
        s_t = 1 if u_t > threshold else 0        spike
        v_t = u_t * (1 - s_t)                    reset="zero"
              u_t - threshold * s_t              reset="subtract"
              u_t                                reset="none"

        logits = logit_scale * sum_t s_t         of the output layer, one per class

    The gradient is exact, through the membrane and through the reset; only the
    derivative of the spike is replaced, by that of a smooth step of steepness `beta`
    around the threshold [1]_.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of shape (n_layers - 2,), default=(100,)
        Number of neurons of each hidden layer; ``()`` connects the input to the output.
    alpha : float, default=0.95
        Leak: share of the membrane that is left after one step, in [0, 1]. (Not the
        L2 penalty of `MLPClassifier`: that is `weight_decay` here.)
    threshold : float, default=0.6
        Membrane above which a neuron fires, positive.
    beta : float, default=5.0
        Steepness of the surrogate, positive: its width is about ``1 / beta``.
    n_steps : int, default=25
        Number of steps for which a 2-D `X` is injected as a constant current. Unused
        for sequences and spike trains, which bring their own.
    surrogate : {"sigmoid", "fast_sigmoid", "atan", "triangular"}, default="sigmoid"
        Smooth step whose derivative stands in for that of the spike; with
        ``x = u - threshold``:

        - "sigmoid": ``beta * S * (1 - S)``, where ``S = 1 / (1 + exp(-beta * x))``;
        - "fast_sigmoid": ``beta / 2 / (1 + beta * |x|)**2``;
        - "atan": ``beta / 2 / (1 + (pi / 2 * beta * x)**2)``;
        - "triangular": ``beta * max(0, 1 - beta * |x|)``.
    reset : {"zero", "subtract", "none"}, default="zero"
        What a spike does to the membrane, in the same step.
    detach_reset : bool, default=False
        Whether the gradient ignores that the reset depends on the spike.
    logit_scale : "auto" or float, default="auto"
        Logit per output spike, positive. "auto" is ``10 / n_steps``: an output neuron
        that always fires has logit 10. (Counts as they are would saturate the softmax.)
    solver : {"adam", "sgd"}, default="adam"
        Optimizer.
    learning_rate : {"constant", "cosine"}, default="cosine"
        Schedule of the learning rate; "cosine" lets it fall to 0 over `max_iter`
        epochs.
    learning_rate_init : float, default=0.002
        Initial learning rate, positive.
    momentum : float, default=0.9
        Momentum in [0, 1]. Only used with ``solver="sgd"``.
    nesterovs_momentum : bool, default=True
        Whether to use Nesterov's momentum. Only used with ``solver="sgd"``.
    batch_size : int, default=128
        Samples per mini-batch; at most all samples.
    max_iter : int, default=200
        Maximum number of epochs.
    shuffle : bool, default=True
        Whether to shuffle the samples in each epoch.
    tol : float, default=1e-4
        Improvement of the loss that counts.
    n_iter_no_change : int, default=10
        Training stops when the loss has not improved by `tol` for more than this many
        epochs in a row.
    grad_clip : float or None, default=None
        Every element of the gradient is clipped to [-grad_clip, grad_clip].
    max_grad_norm : float or None, default=1.0
        The gradient of all parameters together is scaled down to at most this
        Euclidean norm (after `grad_clip`).
    weight_decay : float, default=0.0
        L2 penalty: ``weight_decay / 2 * sum(W**2)`` of all weights, without the biases,
        is added to the loss.
    random_state : int, RandomState instance or None, default=None
        Determines the initial weights, the samples from which the initial biases are
        set, and the order of the samples. Pass an int for the same result, to the bit,
        in every `fit`.
    verbose : bool, default=False
        Whether to print a line per epoch.
    engine : {"auto", "numba", "numpy"}, default="auto"
        What computes. "numba" needs that package, compiles in the first fit on a
        machine and uses all cores, within the limits of ``OMP_NUM_THREADS``,
        ``NUMBA_NUM_THREADS``, threadpoolctl and joblib; "auto" takes it where it is
        installed. Spikes are the same for all engines, gradients up to rounding.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels.
    coefs_ : list of shape (n_layers_ - 1,)
        Weights; element ``l`` is an ndarray of shape (n_inputs, n_units) of layer
        ``l + 1``.
    intercepts_ : list of shape (n_layers_ - 1,)
        Biases; element ``l`` is an ndarray of shape (n_units,).
    n_features_in_ : int
        Number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of features seen during `fit`. Defined only when `X` has feature names
        that are all strings.
    n_iter_ : int
        Number of epochs.
    loss_curve_ : list of shape (n_iter_,)
        Mean loss of each epoch, while its weights were changing.
    loss_, best_loss_ : float
        The last and the smallest of them.
    firing_rates_ : ndarray of shape (n_layers_ - 1,)
        Mean number of spikes per neuron and step in the last epoch, for each hidden
        layer and the output layer; in [0, 1].
    n_layers_ : int
        Number of layers, input and output included.
    n_outputs_ : int
        Number of output neurons, one per class.
    out_activation_ : str
        "softmax".

    See Also
    --------
    PoissonSpikeEncoder : Turns intensities into spike trains.
    sklearn.neural_network.MLPClassifier : The network without spikes.

    References
    ----------
    .. [1] E. O. Neftci, H. Mostafa, F. Zenke, "Surrogate gradient learning in spiking
       neural networks", IEEE Signal Processing Magazine 36(6), 2019.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import train_test_split
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
    >>> model = make_pipeline(
    ...     PoissonSpikeEncoder(n_steps=20, random_state=0),
    ...     SpikingClassifier(max_iter=20, random_state=0),
    ... )
    >>> model.fit(X_train, y_train).score(X_test, y_test) > 0.9
    True
    """

    _parameter_constraints = {
        "hidden_layer_sizes": [
            "array-like",
            Interval(Integral, 1, None, closed="left"),
        ],
        "alpha": [Interval(Real, 0, 1, closed="both")],
        "threshold": [Interval(Real, 0, None, closed="neither")],
        "beta": [Interval(Real, 0, None, closed="neither")],
        "n_steps": [Interval(Integral, 1, None, closed="left")],
        "surrogate": [StrOptions(set(SURROGATES))],
        "reset": [StrOptions(set(RESETS))],
        "detach_reset": ["boolean"],
        "logit_scale": [
            StrOptions({"auto"}),
            Interval(Real, 0, None, closed="neither"),
        ],
        "solver": [StrOptions({"adam", "sgd"})],
        "learning_rate": [StrOptions(set(SCHEDULES))],
        "learning_rate_init": [Interval(Real, 0, None, closed="neither")],
        "momentum": [Interval(Real, 0, 1, closed="both")],
        "nesterovs_momentum": ["boolean"],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "shuffle": ["boolean"],
        "tol": [Interval(Real, 0, None, closed="left")],
        "n_iter_no_change": [Interval(Integral, 1, None, closed="left")],
        "grad_clip": [Interval(Real, 0, None, closed="neither"), None],
        "max_grad_norm": [Interval(Real, 0, None, closed="neither"), None],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "random_state": ["random_state"],
        "verbose": ["verbose"],
        "engine": [StrOptions(set(ENGINES))],
    }

    def __init__(
        self,
        hidden_layer_sizes=(100,),
        *,
        alpha=0.95,
        threshold=0.6,
        beta=5.0,
        n_steps=25,
        surrogate="sigmoid",
        reset="zero",
        detach_reset=False,
        logit_scale="auto",
        solver="adam",
        learning_rate="cosine",
        learning_rate_init=0.002,
        momentum=0.9,
        nesterovs_momentum=True,
        batch_size=128,
        max_iter=200,
        shuffle=True,
        tol=1e-4,
        n_iter_no_change=10,
        grad_clip=None,
        max_grad_norm=1.0,
        weight_decay=0.0,
        random_state=None,
        verbose=False,
        engine="auto",
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.alpha = alpha
        self.threshold = threshold
        self.beta = beta
        self.n_steps = n_steps
        self.surrogate = surrogate
        self.reset = reset
        self.detach_reset = detach_reset
        self.logit_scale = logit_scale
        self.solver = solver
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.grad_clip = grad_clip
        self.max_grad_norm = max_grad_norm
        self.weight_decay = weight_decay
        self.random_state = random_state
        self.verbose = verbose
        self.engine = engine

    @_fit_context(prefer_skip_nested_validation=True)
    def fit(self, X, y):
        """Train the network.

        Parameters
        ----------
        X : SpikeTrains, {array-like, sparse matrix} of shape (n_samples, n_features) \
                or array-like of shape (n_samples, n_steps, n_features)
            2-D input is injected as a constant current for `n_steps` steps; 3-D input
            is a recorded sequence, of spikes or of graded values; spike trains from an
            encoder are drawn anew in every epoch. Computing is done in float32 for
            spike trains, float32 arrays, and sequences of uint8 or bool; else in
            float64.
        y : array-like of shape (n_samples,)
            Class labels, of two or more classes.

        Returns
        -------
        self : SpikingClassifier
            The trained network.

        Raises
        ------
        ValueError, TypeError
            If a parameter, `X` or `y` is not acceptable. A fit that fails or is
            interrupted leaves the estimator as it was.
        ImportError
            If ``engine="numba"`` and numba is not installed.
        """
        with _all_or_nothing(self):
            X, y = validate_input(self, X, y, reset=True)
            check_classification_targets(y)
            self.classes_, y = np.unique(y, return_inverse=True)
            if len(self.classes_) < 2:
                raise ValueError(
                    f"{type(self).__name__} needs samples of at least 2 classes in y, "
                    "but the data contains only one class: "
                    f"{self.classes_[0]!r}."
                )
            random_state = check_random_state(self.random_state)
            sizes = self._layer_sizes(X.shape[-1])
            self.n_layers_, self.n_outputs_ = len(sizes), sizes[-1]
            self.out_activation_ = "softmax"
            self.coefs_, self.intercepts_ = initial_parameters(
                sizes, network_dtype(X), random_state
            )
            self._train(X, y, random_state)
        return self

    def _layer_sizes(self, n_features):
        """Return the number of units of all layers, input and output included."""
        hidden = np.atleast_1d(self.hidden_layer_sizes)
        if hidden.ndim > 1 or not all(
            isinstance(n, Integral) and n > 0 for n in hidden.tolist()
        ):
            raise ValueError(
                "hidden_layer_sizes must be a positive int or a sequence of them, "
                f"got {self.hidden_layer_sizes!r}."
            )
        return [n_features, *hidden.tolist(), len(self.classes_)]

    def _train(self, X, y, random_state):
        """Run epochs until the loss no longer improves; parameters change in place."""
        plan = TrainingPlan(
            max_iter=self.max_iter,
            batch_size=self.batch_size,
            shuffle=self.shuffle,
            learning_rate_init=self.learning_rate_init,
            schedule=self.learning_rate,
            solver=self.solver,
            momentum=self.momentum,
            nesterov=self.nesterovs_momentum,
            grad_clip=self.grad_clip,
            max_grad_norm=self.max_grad_norm,
            weight_decay=self.weight_decay,
        )
        self.loss_curve_ = []
        self.best_loss_ = np.inf
        n_stale = 0
        engine = self._engine(X)
        if self.verbose and engine.compiles:
            self._prepare(engine, X)
        for epoch in train(
            engine, self.coefs_, self.intercepts_, X, y, plan, random_state
        ):
            self.loss_ = epoch.loss
            self.loss_curve_.append(epoch.loss)
            self.n_iter_ = len(self.loss_curve_)
            self.firing_rates_ = epoch.firing_rates
            if self.verbose:
                self._report(epoch)
            n_stale = n_stale + 1 if epoch.loss > self.best_loss_ - self.tol else 0
            self.best_loss_ = min(self.best_loss_, epoch.loss)
            if n_stale > self.n_iter_no_change:
                return
        warnings.warn(
            f"Maximum number of epochs (max_iter={self.max_iter}) reached and the "
            "optimization hasn't converged yet.",
            ConvergenceWarning,
            stacklevel=4,
        )

    def _prepare(self, engine, X):
        """Let the engine compile before the first epoch, and say how long it took."""
        print("Loading compiled code, or compiling it in the first use on a machine")
        seconds = engine.prepare(self.coefs_, self.intercepts_, X)
        if seconds:
            print(f"Compiled in {seconds:.0f} s")

    def _report(self, epoch):
        """Print one line on the epoch that has just ended."""
        rates = ", ".join(f"{rate:.3f}" for rate in epoch.firing_rates)
        print(
            f"Epoch {self.n_iter_}/{self.max_iter}: loss {epoch.loss:.4f}, "
            f"firing rates {rates}, {epoch.seconds:.2f} s"
        )

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.three_d_array = True
        return tags


@contextmanager
def _all_or_nothing(estimator):
    """Give the estimator back as it was if the block does not end well."""
    before = vars(estimator).copy()
    try:
        yield
    except BaseException:
        vars(estimator).clear()
        vars(estimator).update(before)
        raise
