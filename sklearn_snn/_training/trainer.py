"""Training: epochs of mini-batches through an engine, gradients to an optimizer."""

import math
import time
from typing import NamedTuple

import numpy as np

from sklearn_snn._inputs.spike_trains import SpikeTrains
from sklearn_snn._model.parameters import (
    keep_in_limits,
    limits_of_constants,
    units_of_constants,
)
from sklearn_snn._model.parameters import learning as learning_arrays
from sklearn_snn._model.restraint import Restraint
from sklearn_snn._training.centring import Centring, find_mean_row
from sklearn_snn._training.diagnosis import Answers
from sklearn_snn._training.optimizers import (
    SCHEDULES,
    SGD,
    Adam,
    clip_by_norm,
    clip_by_value,
    norms,
)
from sklearn_snn._training.seeds import child_random_state
from sklearn_snn._training.weights import Weights

# Enough samples to tell the mean current of a neuron.
N_FIRST_SAMPLES = 128


class Epoch(NamedTuple):
    """What an epoch came to.

    Attributes
    ----------
    loss : float
        Mean over the samples while the parameters were changing, penalty included.
    penalty : float
        The part of the loss that is due to weight decay and bounds on firing rates.
    score : float
        Score on the same samples, each predicted before it was learned from.
    grad_norms : ndarray of shape (n_layers,)
        Euclidean norm of the gradient of each layer's weights, before clipping; mean
        over the mini-batches.
    firing_rates : list of ndarrays of shape (n_units,)
        Spikes per step of each neuron, layer by layer.
    unanswered : float
        Share of the samples for which no output neuron fired, if these were answered
        wrong more often than the others; a network may use silence as an answer.
    learning_rate : float
        Of the last mini-batch.
    seconds : float
    """

    loss: float
    penalty: float
    score: float
    grad_norms: np.ndarray
    firing_rates: list
    unanswered: float
    learning_rate: float
    seconds: float


class DivergedError(ValueError):
    """Training met a number that is not finite."""


def first_guess(engine, params, samples, seed):
    """Fit the first parameters to a few of the samples, chosen at random.

    Parameters
    ----------
    engine : engine
    params : list of dicts of ndarrays
        Changed in place.
    samples : Samples
    seed : int

    Returns
    -------
    scales, recurrent_scales : lists of float
        What the weights, and recurrent weights, of layers were multiplied with.
    """
    random_state, more = child_random_state(seed, "first guess"), []
    if engine.bptt_steps is not None:  # the others look at whole samples
        more.append(int(samples.steps(engine.n_steps).max()))
    some = random_state.permutation(len(samples.y))[:N_FIRST_SAMPLES]
    samples = samples.take(some)
    X = samples.inputs()
    X = X.present(1) if isinstance(X, SpikeTrains) else X
    return engine.first_guess(params, X, samples.weights_of_samples(), *more)


class Trainer:
    """Trains parameters in place, epoch by epoch.

    All that is random in an epoch follows from a seed and the number of epochs before
    it: epochs in one go or one by one, as from a stream, are the same to the bit.

    Parameters
    ----------
    engine : engine
        See `_engines`.
    params : list of dicts of ndarrays
        Updated in place; their weights lie as those of `weights_like`.
    samples : Samples
    target : target
        What the samples are labelled with; see `targets`.
    plan : TrainingPlan
    seed : int
    scales, recurrent_scales : lists of float
        Unit of each layer's weights, and recurrent weights, in which they are
        optimized: what `first_guess` multiplied them with. So it does not matter in
        what unit the inputs are.
    first_constants : list of dicts of ndarrays
        The constants of the neurons before they learned, which tell their units and
        limits.
    n_epochs, n_seen : int, default=0
        Epochs and samples that these parameters were trained on before.
    weight : float, default=1.0
        Weight of these samples together, in that of those that were trained on before.
    mean_row : ndarray of shape (n_features,), default=None
        Mean about which the first layer learns, if the plan says so; that of a stream
        stays. None is that of these samples.
    states : list of ndarrays, default=None
        States that samples go on from, by layer, and leave; see `_model.network.Tape`.
        None is rest; else the engine is a `TruncatedEngine`.
    """

    def __init__(
        self,
        engine,
        params,
        samples,
        target,
        plan,
        seed,
        scales,
        recurrent_scales,
        first_constants,
        n_epochs=0,
        n_seen=0,
        weight=1.0,
        mean_row=None,
        states=None,
    ):
        self.engine, self.samples, self.plan, self.seed = engine, samples, plan, seed
        self.params, self.target, self.states = params, target, states
        self.n_epochs, self.n_seen, self.weight = n_epochs, n_seen, weight
        self.reduction, self._random_states = 1.0, {}
        network = engine.network
        self.limits = limits_of_constants(network, first_constants)
        self.units = units_of_constants(network, first_constants)
        self.mean_row = self._centring = None
        if plan.centering:
            self.mean_row = find_mean_row(samples) if mean_row is None else mean_row
            self._centring = Centring(params[0], self.mean_row)
        learning = learning_arrays(network, params)
        self._weights = Weights(params, plan.weight_decay, scales, recurrent_scales)
        units = [*self._weights.scales, *self.units]
        if plan.solver == "adam":
            betas = plan.beta_1, plan.beta_2
            self.optimizer = Adam(
                learning, *betas, plan.epsilon, units, engine.take_adam_step
            )
        else:
            nesterov = plan.nesterovs_momentum
            self.optimizer = SGD(learning, plan.momentum, nesterov, units)

    def epoch(self, n_done=0, max_iter=None):
        """Train on all samples once; spike trains are drawn anew.

        Parameters
        ----------
        n_done, max_iter : int, default=0, None
            Place of this epoch in a plan of so many, for schedules with an end; without
            one they stay at their beginning.

        Returns
        -------
        epoch : Epoch

        Raises
        ------
        DivergedError
            If the norm of a gradient is not finite. The parameters are those before the
            step that failed.
        """
        start, n_samples = time.perf_counter(), len(self.samples.y)
        order = np.arange(n_samples)
        if self.plan.shuffle and n_samples > 1:  # a generator takes 0.1 ms to make
            order = self._random_state("order").permutation(order)
        X = self.samples.X
        if isinstance(X, SpikeTrains):
            X = X.present(self.n_epochs + 1)
        samples = self.samples._replace(X=X)
        loss, penalty, tally, grad_norms = 0.0, 0.0, 0.0, []
        dropout = self._random_state("dropout") if self.plan.dropout else None
        answers = Answers(self.engine.network, self.target)
        counts = [np.zeros(layer.n_units) for layer in self.engine.network.layers]
        with self.engine.limit_kept():
            for i in range(0, n_samples, self.plan.batch_size):
                batch = samples.take(order[i : i + self.plan.batch_size])
                progress = (n_done + i / n_samples) / max_iter if max_iter else 0.0
                rate = self._learning_rate(progress)
                # What is not finite is found, and reported, by the step itself.
                with np.errstate(over="ignore", invalid="ignore"):
                    batch_penalty, batch_norms, step = self._step(batch, rate, dropout)
                share = len(batch.y) / n_samples
                loss += (step.loss / self.weight + batch_penalty) * share
                penalty += batch_penalty * share
                n_steps = batch.steps(self.engine.n_steps)
                answers.add(step.outputs, batch.y, n_steps)
                tally += self.target.tally(step.outputs, batch.y, batch.score_weights)
                grad_norms.append(batch_norms)
                for count, more in zip(counts, step.n_spikes, strict=True):
                    count += more
        self.n_epochs += 1
        self.n_seen += n_samples
        n_tests = samples.steps(self.engine.n_steps).sum()
        rates = [count / n_tests for count in counts]
        return Epoch(
            loss,
            penalty,
            self.target.score(tally, samples.y, samples.score_weights),
            np.array(grad_norms).mean(axis=0),
            rates,
            answers.unanswered(),
            rate,
            time.perf_counter() - start,
        )

    def _random_state(self, purpose):
        """Return the generator of a purpose in this epoch."""
        used = self._random_states.get(purpose)
        random_state = child_random_state(self.seed, purpose, self.n_epochs, used)
        self._random_states[purpose] = random_state
        return random_state

    def _learning_rate(self, progress):
        plan = self.plan
        factor = SCHEDULES[plan.learning_rate](progress, self.n_seen, plan.power_t)
        return plan.learning_rate_init * self.reduction * factor

    def _restraint(self, n_samples, random_state):
        """Return what holds back the hidden spikes of the samples of a mini-batch."""
        kept, share = None, 1 - self.plan.dropout
        if share < 1:
            hidden = self.engine.network.layers[:-1]
            kept = [
                random_state.random_sample((n_samples, layer.n_units)) < share
                for layer in hidden
            ]
        return Restraint(kept, self.plan.rate_bounds, self.plan.rate_penalty)

    def _params_at_work(self):
        """Return the parameters that loss and gradients are those of."""
        return self.params

    def _loss_and_gradients(self, batch, loss_weights, random_state):
        """Return a Step; where neurons are left out, the others count for them."""
        restraint = self._restraint(len(batch.y), random_state)
        params, share = self._params_at_work(), 1 - self.plan.dropout
        if share < 1:
            params = [_louder(p, index, share) for index, p in enumerate(params)]
        arguments = params, batch.inputs(), batch.y, loss_weights, restraint
        if self.states is None:
            step = self.engine.loss_and_gradients(*arguments)
        else:
            states = [state[:, batch.rows] for state in self.states]
            step = self.engine.loss_and_gradients(*arguments, states)
            for state, of_batch in zip(self.states, states, strict=True):
                state[:, batch.rows] = of_batch
        if share < 1:
            for index, gradient in enumerate(step.gradients):
                for name in _of_spikes(index, gradient):
                    gradient[name] /= share
        return step

    def _step(self, batch, learning_rate, random_state):
        """Update the parameters; return penalty, norms of gradients by layer, Step."""
        plan, loss_weights = self.plan, self.weight * batch.weights / len(batch.y)
        step = self._loss_and_gradients(batch, loss_weights, random_state)
        penalty, n_layers = step.penalty / self.weight, len(self.params)
        grads = learning_arrays(self.engine.network, step.gradients)
        mean = None if self._centring is None else self._centring.mean
        bias = step.gradients[0]["intercept"]
        penalty, by_array = self._weights.finish(
            self.engine, grads, mean, bias, penalty
        )
        constants = grads[len(by_array) :]
        for grad, unit in zip(constants, self.units, strict=True):
            grad *= unit
        by_array += norms(constants, self.engine.sum_of_squares)
        # The loss tells nothing: a neuron whose membrane is NaN is merely silent.
        norm = _check_finite(by_array, "gradient")
        if plan.grad_clip is not None:
            clip_by_value(grads, plan.grad_clip)
            norm = math.hypot(*norms(grads, self.engine.sum_of_squares))
        if plan.max_grad_norm is not None:
            clip_by_norm(grads, plan.max_grad_norm, norm)
        self.optimizer.update(grads, learning_rate)
        if self._centring is not None:
            self._centring.follow()
        keep_in_limits(self.engine.network, self.params, self.limits)
        return penalty, by_array[:n_layers], step

    def score(self, samples):
        """Predict, a mini-batch of samples at a time, and return the score.

        Parameters
        ----------
        samples : Samples

        Returns
        -------
        score : float
        """
        n_samples, tally = len(samples.y), 0.0
        for rows in slices(n_samples, self.plan.batch_size):
            batch = samples.take(np.arange(n_samples)[rows])
            outputs = self.engine.run(self.params, batch.inputs())
            tally += self.target.tally(outputs, batch.y, batch.score_weights)
        return self.target.score(tally, samples.y, samples.score_weights)

    @np.errstate(over="ignore", invalid="ignore")
    def check_parameters(self):
        """Raise DivergedError if the norm of the parameters is not finite."""
        _check_finite([self._weights.norm(self.engine)], "weights")
        if self.states is not None:
            check_states(self.states)


def _louder(arrays, index, share):
    """Return a layer's weights of spikes as they are where a share of these is heard.

    The gradient of a weight is enlarged by the same factor as the weight.
    """
    names = _of_spikes(index, arrays)
    return arrays | {name: arrays[name] / share for name in names}


def _of_spikes(index, arrays):
    """Return the names of a layer's weights of spikes: not those of the input."""
    names = ("coef", "recurrent") if index else ("recurrent",)
    return [name for name in names if name in arrays]


def slices(n_samples, size):
    """Cut so many samples into slices of `size`."""
    return [slice(i, min(i + size, n_samples)) for i in range(0, n_samples, size)]


def check_states(states):
    """Raise DivergedError if states are not finite."""
    _check_finite([float(np.abs(state).max()) for state in states], "states")


def _check_finite(by_array, what):
    """Return the norm of all arrays together."""
    norm = math.hypot(*by_array)
    if not math.isfinite(norm):
        raise DivergedError(
            f"The norm of the {what} is not finite: training has diverged. Likely "
            "causes: a learning_rate_init that is too large, inputs with very large "
            "values (scale X), sample weights of very different size, or a gradient "
            "that grows through the resets (detach_reset=True, or a smaller beta or "
            "alpha)."
        )
    return norm
