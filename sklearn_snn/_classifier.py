"""SpikingClassifier: its parameters and what they mean."""

from sklearn_snn._classification import BaseSpikingClassifier


class SpikingClassifier(BaseSpikingClassifier):
    """Spiking neural network classifier.

    A stack of leaky integrate-and-fire (LIF) layers, trained with backpropagation
    through time and surrogate gradients on the softmax cross-entropy of the output
    neurons' spike counts, or, with several labels at once (`y` of shape (n_samples,
    n_labels), of 0 and 1), on the sum of the logistic losses of all labels. Per layer
    and step, with input spikes (or currents) ``x_t``::

        u_t = alpha * v_{t-1} + x_t @ W + b      membrane before the spike test
        s_t = 1 if u_t > threshold else 0        spike
        v_t = u_t * (1 - s_t)                    reset="zero"
              u_t - threshold * s_t              reset="subtract"
              u_t                                reset="none"

        logits = logit_scale * sum_t s_t         of the output layer, one per class;
                                                 `readout` has others

    Training follows the :term:`exact gradient`, where the derivative of a smooth step
    of steepness `beta` around the threshold stands for that of the spike [1]_.

    A fitted network answers with the parameters of its fit: what `set_params` changes
    counts from the next fit on, but for `engine`, which counts at once. `coefs_` and
    `intercepts_` may be assigned: all answers follow.

    Parameters
    ----------
    hidden_layer_sizes : int or array-like of shape (n_layers - 2,), default=(100,)
        Number of neurons of each hidden layer; ``()`` connects the input to the output.
        More neurons learn more where there are data enough, and cost in proportion.
    neuron : {"lif", "adlif", "cuba"} or neuron, default="lif"
        The neurons of the hidden layers: leaky integrate-and-fire, adaptive ones,
        current-based ones, or an object of `sklearn_snn.neurons` with parameters of its
        own.
    learn_neuron : bool, str or list of str, default=False
        Which constants of the neurons learn, each neuron its own: all, none, or those
        named, of ``"alpha"``, ``"threshold"`` and what `neuron` has besides; in the
        output layer too, if it has them. ``"readout_alpha"`` is the leak of the output
        layer alone. Where `alpha` learns, or differs between neurons, currents are
        multiplied by ``1 - alpha``. `neuron_constants_` says what came of them.
    recurrent : bool, default=False
        Whether the neurons of a hidden layer hear each other's spikes of the step
        before: ``I_t = (x_t @ W + b) + s_{t-1} @ R``. For input in which the past says
        what the present means; it takes more epochs, and time like a layer more.
    alpha : float, default=0.95
        Leak: share of the membrane left after one step, in [0, 1]; with "adlif" of the
        outputs alone. Below 1 where it learns, or neurons other than `LIF` have it, as
        outputs that never fire do. Not `MLPClassifier`'s L2 penalty (`weight_decay`).
    threshold : float, default=0.6
        Membrane above which a neuron fires, positive. Raise it for fewer spikes, lower
        it where neurons are silent.
    beta : float, default=5.0
        Steepness of the surrogate, positive: its width is about ``1 / beta``. Lower it
        where neurons stay silent, as it says how far from the threshold they learn.
    n_steps : int, default=25
        Number of steps for which a 2-D `X` is injected as a constant current; sequences
        and spike trains bring their own.
    surrogate : {"sigmoid", "fast_sigmoid", "atan", "triangular"}, default="sigmoid"
        Smooth step whose derivative stands in for that of the spike. Try the long tails
        of "fast_sigmoid" and "atan" where neurons far from the threshold do not learn.
        With ``x = u - threshold``:

        - "sigmoid": ``beta * S * (1 - S)``, where ``S = 1 / (1 + exp(-beta * x))``;
        - "fast_sigmoid": ``beta / 2 / (1 + beta * |x|)**2``;
        - "atan": ``beta / 2 / (1 + (pi / 2 * beta * x)**2)``;
        - "triangular": ``beta * max(0, 1 - beta * |x|)``.
    reset : {"auto", "zero", "subtract", "none"}, default="auto"
        What a spike does to the membrane, in the same step. "auto" is "subtract": what
        is above the threshold stays, and spikes count how often the current filled it.
        "zero" forgets that, as the article does; on images it costs about a point.
        `reset_` says what it was.
    detach_reset : bool or "auto", default="auto"
        Whether the gradient ignores that the reset depends on the spike. "auto" does
        not ignore it as long as that is stable: while a reset at the threshold does not
        amplify the gradient, and, unless `recurrent`, the memory ``1 / (1 - alpha)`` is
        at most 20 steps; so it is with the default `alpha`, `threshold` and `beta`.
        `detach_reset_` says what it chose.
    readout : {"auto", "spike_count", "soft_count", "membrane_mean", \
            "membrane_last", "membrane_max", "softmax_mean"}, default="auto"
        What the logits are read from, at all steps that are read. "auto" is
        "soft_count" where 2-D `X` is injected as a constant current, and "spike_count"
        where `X` has time in it, but for `per_step`; `network_` says which.

        - "spike_count": ``n = sum_t s_t``, the spikes of output neurons, which is what
          hardware sends. Equal counts are told apart by the membranes, by less than a
          spike: answers have ``tanh(mean_t u_t / threshold) / 2`` added, of which the
          loss knows nothing;
        - "soft_count": ``n + mean_t u_t / threshold``. Never tied, and an output that
          is silent still learns;
        - "membrane_mean", "membrane_last", "membrane_max": ``mean_t u_t``, ``u_T`` or
          ``max_t u_t`` of output neurons that never fire, leaky integrators, ``u_t =
          alpha * u_{t-1} + (1 - alpha) * (x_t @ W + b)``. The last one where the answer
          shows in the end, the largest where it shows at some moment;
        - "softmax_mean": ``log(mean_t softmax(u_t))`` of such neurons: each step votes
          with its probabilities. With several labels the logistic function stands for
          the softmax, and its inverse for the logarithm.
    readout_alpha : "auto" or float, default="auto"
        Leak of the output neurons, in [0, 1]; below 1 where they are integrators.
        "auto" is `alpha`. Raise it where they have to remember longer than hidden ones,
        and lower it, to 0 even, where answers per step are to change at once.
    readout_start : int, default=0
        Number of first steps that are not read, while the network settles: for answers
        that show late.
    per_step : bool, default=False
        Whether each step has a label, and an answer from what was seen until then: `y`
        is (n_samples, n_steps), or (n_samples, n_steps, n_labels), or a list of arrays
        as long as recordings (which cross-validation splits with a given ``KFold()``).
        `readout` is "membrane_last" at each step; the loss is the mean over those read.
    bptt_steps : int or None, default=None
        Number of steps that gradients go back. None: all, which is the exact gradient.
        Longer samples are learned in pieces of so many steps, more slowly: states are
        carried on, gradients not. Memory is that of a piece, and of answers per step.
    stateful : bool, default=False
        Whether `partial_fit` goes on with the states that its last call left: row ``i``
        of `X` follows row ``i`` of that; `reset_states` lets it begin at rest, as all
        answers do. `readout_start` counts in each part.
    logit_scale : "auto" or float, default="auto"
        Logit per output spike, positive. "auto" is ``10 / n_steps``, of the steps that
        are read: an output neuron that always fires has logit 10. Counts as they are
        would saturate the softmax. With several labels, 5 are taken off: a neuron that
        fires at half of the steps has the probability 0.5. With readouts of membranes
        it is the logit per membrane, within the softmax of each step where it is these
        that are averaged, and "auto" is 1.
    solver : {"adam", "sgd"}, default="adam"
        Optimizer. "adam" needs hardly any tuning; "sgd" is for comparisons.
    learning_rate : {"constant", "cosine", "invscaling", "adaptive"}, default="cosine"
        Schedule of the learning rate, for both solvers:

        - "constant" keeps it: for a stream, whose end nobody knows;
        - "cosine" lets it fall to 0 over `max_iter` epochs, and suits any plan;
        - "invscaling" divides it by ``(1 + t)**power_t`` after ``t`` samples in all;
        - "adaptive" divides it by 5 whenever training would stop, until below 1e-6.
    learning_rate_init : "auto" or float, default="auto"
        Initial learning rate, positive. "auto" is 0.002; in a `fit` to less than 250
        constant currents ``0.5 / n_samples``, at most 0.01. The unit of `X` hardly
        matters while columns vary by 0.2 or more; of unlike scales the largest decides.
    power_t : float, default=0.5
        Exponent, not negative. Only used with ``learning_rate="invscaling"``.
    momentum : float, default=0.9
        Momentum in [0, 1]. Only used with ``solver="sgd"``.
    nesterovs_momentum : bool, default=True
        Whether to use Nesterov's momentum. Only used with ``solver="sgd"``.
    beta_1, beta_2 : float, default=0.9, 0.999
        Decay of Adam's running means of the gradient and its square, in [0, 1). Only
        used with ``solver="adam"``, and not related to `beta`.
    epsilon : float, default=1e-8
        Positive number in Adam's denominator. Only used with ``solver="adam"``.
    batch_size : int or "auto", default="auto"
        Samples per mini-batch; at most all samples. "auto" is 200 for a constant
        current, and 128 where `X` has time in it.
    max_iter : int, default=200
        Number of epochs, at most: see `n_iter_no_change` and `tol`.
    shuffle : bool, default=True
        Whether to shuffle the samples in each epoch.
    tol : float, default=1e-4
        Improvement of the loss that counts; raise it to stop sooner.
    n_iter_no_change : int, inf or "auto", default="auto"
        Training stops when the loss (or with `early_stopping` the validation score) has
        not improved by `tol` for more than this many epochs in a row, unless the last
        ones are far worse than an earlier one. "auto" is 10, or as many as 100 updates
        take, but inf for a constant current with the learning rate "cosine" and without
        `early_stopping`: all epochs are planned then, and the last ones do most good.
    early_stopping : bool, default=False
        Whether to set samples aside, and to watch the accuracy on them instead of the
        loss. The weights of the best epoch are kept. With `warm_start`, those that
        there are before the first epoch are scored on the same samples, and kept, with
        a warning, if no epoch surpasses them.
    validation_fraction : float, default=0.1
        Share of the samples, in (0, 1), set aside; stratified unless `per_step`.
    warm_start : bool, default=False
        Whether `fit` goes on with the weights there are, instead of new ones. The data
        may be others, with the same features and classes.
    class_weight : dict {label: weight}, "balanced" or None, default=None
        Multiplies the weights of the samples (or steps) of each class. "balanced" gives
        all classes the same total weight, which rare ones may need to be learned. They
        count in the loss, not in accuracies; a class of weight 0 is left out of both.
    grad_clip : float or None, default=None
        Every element of the gradient is clipped to [-grad_clip, grad_clip], for weights
        in the unit that they learn in. Where single gradients explode.
    max_grad_norm : float or None, default=1.0
        All gradients together are scaled down to at most this Euclidean norm (after
        `grad_clip`). Lower it where the loss jumps, as over long sequences.
    centering : bool, default=True
        Whether of constant currents the first layer, ``x @ W + b``, learns ``W`` and
        ``c`` of ``(x - mean) @ W + c``: then means of columns do not matter. In
        `partial_fit` the mean is that of the first call.
    weight_decay : float or "auto", default="auto"
        L2 penalty: ``weight_decay / 2 * sum(W**2)`` of all weights, without the biases,
        is added to the loss, in the unit that they learn in. Adam turns even a weak
        gradient into full steps: a weight whose input never fires decays to 0. "auto"
        is 1e-5; but in a `fit` to ``n`` constant currents ``3 / n``, at most 0.1, and
        if ``n > 100`` ``3 / n * (1 + 300 / n)``, at most 0.03. Raise it where training
        data are answered better than others by far, lower it where not even they are.
    dropout : "auto" or float, default="auto"
        Share of the hidden neurons, in [0, 1), that each sample of a mini-batch leaves
        out at random, for all steps; the others count ``1 / (1 - dropout)`` times. All
        are there in answers. Against overfitting; takes more epochs [2]_. "auto" is 0;
        in a `fit` to 100 constant currents or more, but less than 5,000 and 15 times
        the square of the number of features, 0.2 for hidden layers of 30 or more.
    rate_bounds : (low, high), list of such pairs or None, default=None
        Lowest and highest firing rate, in spikes per neuron and step, of each hidden
        layer in each sample; a pair for all layers, or one for each. A layer beyond
        them costs ``rate_penalty / 2`` times the square of what it is beyond. A lower
        bound wakes silent layers, an upper one keeps spikes few.
    rate_penalty : float, default=100.0
        Weight of that penalty in the loss, not negative.
    random_state : int, RandomState instance or None, default=None
        Determines all that is random. An int: the same result, to the bit, in any fit.
    verbose : bool, default=False
        Whether to print a line per epoch.
    engine : {"auto", "numba", "numpy"}, default="auto"
        What computes. "numba" needs that package, compiles in the first fit on a
        machine and uses all cores (for a mini-batch of training up to 8), within the
        limits of ``OMP_NUM_THREADS``, ``NUMBA_NUM_THREADS``, threadpoolctl and joblib;
        "auto" takes it where it is installed (and ``NUMBA_DISABLE_JIT`` not set) and
        need not compile for a small answer. Spikes are the same, gradients nearly so.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Class labels; of several labels at once, the indices of the columns of y.
    coefs_ : list of shape (n_layers - 1,)
        Weights; element ``l`` has shape (n_inputs, n_units) of layer ``l + 1``.
    intercepts_ : list of shape (n_layers - 1,)
        Biases; element ``l`` is an ndarray of shape (n_units,).
    recurrent_coefs_ : list of ndarrays
        Recurrent weights ``R`` of each hidden layer, of shape (n_units, n_units); empty
        without `recurrent`.
    neuron_constants_ : list of dicts of ndarrays
        The constants of each layer's neurons, of shape (n_units,) and float64, by name,
        such as "alpha" and "threshold"; learned or not. Not to be assigned.
    network_ : tuple
        What the network consists of: ``layers``, ``readout`` and ``loss``.
    reset_, detach_reset_ : str, bool
        What `reset` and `detach_reset` said, or "auto" chose.
    n_features_in_ : int
        Number of features seen during `fit`.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Their names. Defined only when `X` has feature names that are all strings.
    n_iter_ : int
        Number of epochs of the last call.
    t_ : int
        Number of samples seen by the solver, a sample of each epoch counting anew.
    loss_curve_ : list of float
        Mean loss of each epoch, while its weights were changing; with `warm_start` and
        in `partial_fit`, those of earlier calls (the last 1,000) too.
    loss_, best_loss_ : float
        The last and the smallest of them; ``best_loss_`` is None with `early_stopping`.
    train_scores_ : list of float
        Accuracy of each epoch on the samples that are learned from, each predicted just
        before its mini-batch changes the weights, by neurons that `dropout` leaves in.
        `sample_weight` counts, `class_weight` does not; so in `validation_scores_`.
    validation_scores_ : list of float or None
        Accuracy after each epoch on the samples set aside, by `early_stopping`.
    best_validation_score_ : float or None
        That of the weights that are kept, on the samples set aside in the last call:
        the highest of its epochs, or with `warm_start` that of the weights before.
    learning_rate_ : float
        The learning rate of the last mini-batch.
    firing_rates_ : ndarray of shape (n_layers - 1,)
        Mean spikes per neuron and step of each layer in the last epoch; in [0, 1].
    firing_rate_curve_ : list of ndarrays of shape (n_layers - 1,)
        The same for each epoch.
    grad_norm_curve_ : list of ndarrays of shape (n_layers - 1,)
        Norm of the gradient of each layer's weights, as `centering` and the unit that
        they learn in make it, before clipping: mean over the mini-batches of an epoch.
    n_layers_, n_outputs_ : int
        Number of layers, with the input, and of output neurons.
    out_activation_ : str
        "softmax"; "logistic" with several labels.

    See Also
    --------
    PoissonSpikeEncoder : Turns intensities into spike trains.
    sklearn.neural_network.MLPClassifier : No spikes; `from_mlp` converts it.

    References
    ----------
    .. [1] E. O. Neftci, H. Mostafa, F. Zenke, "Surrogate gradient learning in spiking
       neural networks", IEEE Signal Processing Magazine 36(6), 2019.
    .. [2] N. Srivastava et al., "Dropout: a simple way to prevent neural networks from
       overfitting", Journal of Machine Learning Research 15, 2014.

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

    def __init__(
        self,
        hidden_layer_sizes=(100,),
        *,
        neuron="lif",
        learn_neuron=False,
        recurrent=False,
        alpha=0.95,
        threshold=0.6,
        beta=5.0,
        n_steps=25,
        surrogate="sigmoid",
        reset="auto",
        detach_reset="auto",
        readout="auto",
        readout_alpha="auto",
        readout_start=0,
        per_step=False,
        bptt_steps=None,
        stateful=False,
        logit_scale="auto",
        solver="adam",
        learning_rate="cosine",
        learning_rate_init="auto",
        power_t=0.5,
        momentum=0.9,
        nesterovs_momentum=True,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-8,
        batch_size="auto",
        max_iter=200,
        shuffle=True,
        tol=1e-4,
        n_iter_no_change="auto",
        early_stopping=False,
        validation_fraction=0.1,
        warm_start=False,
        class_weight=None,
        grad_clip=None,
        max_grad_norm=1.0,
        centering=True,
        weight_decay="auto",
        dropout="auto",
        rate_bounds=None,
        rate_penalty=100.0,
        random_state=None,
        verbose=False,
        engine="auto",
    ):
        self.hidden_layer_sizes = hidden_layer_sizes
        self.neuron = neuron
        self.learn_neuron = learn_neuron
        self.recurrent = recurrent
        self.alpha = alpha
        self.threshold = threshold
        self.beta = beta
        self.n_steps = n_steps
        self.surrogate = surrogate
        self.reset = reset
        self.detach_reset = detach_reset
        self.readout = readout
        self.readout_alpha = readout_alpha
        self.readout_start = readout_start
        self.per_step = per_step
        self.bptt_steps = bptt_steps
        self.stateful = stateful
        self.logit_scale = logit_scale
        self.solver = solver
        self.learning_rate = learning_rate
        self.learning_rate_init = learning_rate_init
        self.power_t = power_t
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.batch_size = batch_size
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.tol = tol
        self.n_iter_no_change = n_iter_no_change
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.warm_start = warm_start
        self.class_weight = class_weight
        self.grad_clip = grad_clip
        self.max_grad_norm = max_grad_norm
        self.centering = centering
        self.weight_decay = weight_decay
        self.dropout = dropout
        self.rate_bounds = rate_bounds
        self.rate_penalty = rate_penalty
        self.random_state = random_state
        self.verbose = verbose
        self.engine = engine
