"""What firing rates, loss and accuracy say about a network that does not learn."""

import math

import numpy as np

from sklearn_snn._inputs.event_sequences import EventSequences
from sklearn_snn._inputs.extent import parts
from sklearn_snn._inputs.lengths import all_lengths
from sklearn_snn._inputs.spike_trains import SpikeTrains

# Share of a hidden layer that may be silent, or saturated, without a word.
TOLERATED_SHARE = 0.5
# Of the samples, for which no output neuron fires.
TOLERATED_UNANSWERED = 0.1
# Of the loss of someone who knows how frequent the classes are and nothing else, and of
# the way from the accuracy of that to 1.
HARDLY_LESS, HARDLY_MORE = 0.95, 0.2
# How many times the memory of a neuron a recording may last without a word, and how
# many times is recommended; and the share of the way from guessing to 1 that is well
# learned in spite of it.
LONGEST_RECORDING, FITTING_RECORDING, WELL_LEARNED = 20, 5, 0.9

# What is lost again: so much of the way from guessing to 1 an epoch must have reached,
# and such a share of that, and a few samples, one of so many last ones must have lost.
REACHED, LOST, FEW_SAMPLES, LAST = 0.5, 0.25, 5, 10

# What may help, by the kind of X: spikes have no scale, and recordings their own steps.
_SILENT = "lower threshold or beta, or raise alpha"
_OR_STEPS = " or n_steps"
_OF_RARE_CLASSES = ", or weigh rare classes with class_weight"
_OF_CHANNELS = "the channels of X, as ChannelTransformer(StandardScaler()) does"
_SATURATED = "raise threshold, lower alpha or learning_rate_init, or centre and scale "
_ADVICE = {
    "table": {
        "silent": _SILENT,
        "saturated": f"{_SATURATED}the columns of X",
        "stalled": "scale the columns of X, to raise n_iter_no_change, as a start may "
        "be slow, to lower batch_size,",
    },
    "channels": {
        "silent": _SILENT,
        "saturated": f"{_SATURATED}{_OF_CHANNELS}",
        "stalled": f"scale {_OF_CHANNELS}, to raise n_iter_no_change, as a start may "
        "be slow, to lower batch_size,",
    },
    "spikes": {
        "silent": _SILENT,
        "saturated": "lower learning_rate_init or alpha, or raise threshold",
        "stalled": "change learning_rate_init, to lower batch_size, to raise "
        "n_iter_no_change, as a start may be slow,",
    },
}


class Answers:
    """Counts, over the batches of an epoch, who was silent and who was wrong.

    Parameters
    ----------
    network : Network
    target : target
    """

    def __init__(self, network, target):
        self._readout = network.readout
        counts = network.readout.name == "spike_count"
        self._may_be_silent = counts and target.silence_is_no_answer
        # Samples for which an output neuron fired or not, by right and wrong.
        self._counts = np.zeros((2, 2), int)

    def add(self, outputs, targets, n_steps):
        """Count the samples of a batch, which have so many steps each."""
        if self._may_be_silent:
            # What tells equal counts apart is less than half of a spike.
            is_silent = outputs.max(axis=1) < self._readout.factor(n_steps) / 2
            is_wrong = outputs.argmax(axis=1) != targets
            kinds = 2 * is_silent + is_wrong
            self._counts += np.bincount(kinds, minlength=4).reshape(2, 2)

    def unanswered(self):
        """Return the share of silent samples; 0 if they are not wrong more often."""
        n_samples, (n_others, n_silent) = self._counts.sum(), self._counts.sum(axis=1)
        others_wrong, silent_wrong = self._counts[:, 1].tolist()
        if n_silent == 0 or silent_wrong * n_others < others_wrong * n_silent:
            return 0.0
        return float(n_silent / n_samples)


def dead_neurons(epoch, network, target, X):
    """Describe layers of silent or saturated neurons, and silence for many samples.

    Parameters
    ----------
    epoch : Epoch
    network : Network
    target : target
    X : SpikeTrains, ndarray or CSR array
        What was learned from.

    Returns
    -------
    findings : list of str
        Sentences with what may help. Empty if all is well.
    """
    findings = dead_layers(epoch.firing_rates, network, target, X)
    if not findings and epoch.unanswered > TOLERATED_UNANSWERED:
        findings.append(
            f"For {epoch.unanswered:.0%} of the samples no output neuron fired in the "
            "last epoch: their answers are a guess, and they are hardly learned from. "
            "It may help to train for longer (max_iter, n_iter_no_change), in smaller "
            "batches, or with a lower beta."
        )
    return findings


def dead_layers(firing_rates, network, target, X):
    """Describe the layers whose neurons are silent or saturated.

    Parameters
    ----------
    firing_rates : list of ndarrays of shape (n_units,)
        Spikes per step of each neuron, layer by layer, over many samples.
    network : Network
        Neurons that never fire by nature are passed over, and so are output neurons
        whose membranes are read as well.
    target : target
    X : SpikeTrains, ndarray or CSR array
        What was learned from.

    Returns
    -------
    findings : list of str
        A sentence for each layer and kind, with what may help. Empty if all is well.
    """
    findings = []
    for layer, rates in enumerate(firing_rates):
        is_output = layer == len(firing_rates) - 1
        is_soft = is_output and network.readout.name == "soft_count"
        if is_soft or not network.layers[layer].neuron.fires:
            continue
        for kind, dead in (("silent", rates == 0), ("saturated", rates >= 1)):
            share = dead.mean()
            if is_output and dead.any():
                some = ", ".join(repr(c) for c in target.names[dead][:10].tolist())
                more = ", ..." if dead.sum() > 10 else ""
                where = f"the output layer (of {target.output_name} {some}{more})"
            elif not is_output and share >= TOLERATED_SHARE:
                where = f"hidden layer {layer + 1}"
            else:
                continue
            advice = _advice(kind, X)
            if kind == "silent" and target.takes_class_weight:
                advice += _OF_RARE_CLASSES
            findings.append(
                f"{dead.sum()} of {len(rates)} neurons ({share:.0%}) of {where} are "
                f"{kind}: they {'never' if kind == 'silent' else 'always'} fired in "
                f"the last epoch. It may help to {advice}."
            )
    return findings


def hardly_learned(epoch, trainer, is_stalled=True):
    """Tell of a training that ended at hardly more than guessing.

    Parameters
    ----------
    epoch : Epoch
        The last one.
    trainer : Trainer
        What was trained, and on what.
    is_stalled : bool, default=True
        Whether it was for want of progress; else all epochs were carried out.

    Returns
    -------
    findings : list of str
        What may help, or nothing if loss or accuracy are clearly better.
    """
    comparison = _with_guessing(epoch, trainer)
    if comparison is None:
        return []
    advice = _advice("stalled", trainer.samples.X)
    end = "Training stopped for want of progress at a loss of"
    if not is_stalled:
        end = "After the last epoch the loss is"
        advice = advice.replace("n_iter_no_change", "max_iter")
    # Of recurrent layers it is the resets that keep the gradient in bounds.
    is_recurrent = trainer.engine.network.layers[0].recurrent
    last = "set detach_reset=True where the time of a spike matters"
    if is_recurrent:
        last = "begin with shorter sequences, as warm_start=True lets a fit go on"
    return [
        f"{end} {comparison}. {_memory_advice(trainer)}It may help to {advice} or to "
        f"{last}."
    ]


def has_fallen_back(scores, trainer, last=None):
    """Tell whether a training is far worse now than it was in an earlier epoch.

    Parameters
    ----------
    scores : list of float
        Of all epochs.
    trainer : Trainer
        What was trained, and on what.
    last : float, default=None
        The score now. None is the worst of the last few epochs, as samples are scored
        before each was learned from: one that is thrown about tells of the next.

    Returns
    -------
    has_fallen_back : bool
    """
    samples, target = trainer.samples, trainer.target
    _, most = target.guessing(samples.y, samples.weights, samples.score_weights)
    best = max(scores)
    if last is None:
        last = min(scores[scores.index(best) :][-LAST:])
    reached, lost = best - most, best - last
    has_lost = lost > LOST * reached and lost * len(samples.y) >= FEW_SAMPLES
    return bool(has_lost and reached > REACHED * (1 - most))


def fallen_back(scores, trainer):
    """Tell of a training that ended far worse than it was in an earlier epoch.

    The weights that it ended with are only asked if the last epochs were worse.

    Parameters
    ----------
    scores, trainer
        As of `has_fallen_back`.

    Returns
    -------
    findings : list of str
        What may help, or nothing.
    """
    if not has_fallen_back(scores, trainer):
        return []
    last = trainer.score(trainer.samples)
    if not has_fallen_back(scores, trainer, last):
        return []
    return [
        f"The {trainer.target.score_name} on what was learned from is {last:.4f} in "
        f"the end, and was {max(scores):.4f} in an earlier epoch: what was learned is "
        "lost again. It may help to lower learning_rate_init, or to set "
        "early_stopping=True, which keeps the best epoch."
    ]


def short_memory(epoch, trainer):
    """Tell where the neurons remember a small part only, and learned no more than that.

    More epochs would hardly help there.

    Parameters
    ----------
    epoch : Epoch
        The last one.
    trainer : Trainer
        What was trained, and on what.

    Returns
    -------
    findings : list of str
        What may help, or nothing.
    """
    comparison = _with_guessing(epoch, trainer, less=0, more=WELL_LEARNED)
    advice = _memory_advice(trainer)
    if comparison is None or not advice:
        return []
    return [f"After the last epoch the loss is {comparison}. {advice.rstrip()}"]


def _advice(problem, X):
    """Return what may help, for X of its kind."""
    kind = "table" if X.ndim == 2 else "spikes" if _is_of_spikes(X) else "channels"
    has_own_steps = X.ndim == 3 and not isinstance(X, SpikeTrains)
    more = _OR_STEPS if problem == "silent" and not has_own_steps else ""
    return _ADVICE[kind][problem] + more


def _is_of_spikes(X):
    """Tell whether sequences consist of spikes: events, or 0 and 1."""
    if isinstance(X, SpikeTrains | EventSequences) or X.dtype == np.bool_:
        return True
    return all(((part == 0) | (part == 1)).all() for _, part in parts(X))


def _with_guessing(epoch, trainer, less=HARDLY_LESS, more=HARDLY_MORE):
    """Return loss and that of guessing, as text; None if more than that was learned.

    That is a loss below ``less`` times that of guessing, or a score that is farther on
    its way to 1 than ``more``.
    """
    samples, target = trainer.samples, trainer.target
    guessing, most = target.guessing(samples.y, samples.weights, samples.score_weights)
    loss = epoch.loss - epoch.penalty
    if (
        guessing == 0  # there is but one class
        or loss < less * guessing
        or epoch.score - most > more * (1 - most)
    ):
        return None
    return f"{loss:.4f}; guessing by {target.guess} has {guessing:.4f}"


def _memory_advice(trainer):
    """Return a sentence on a memory that is short beside the recordings, or nothing.

    Recordings are told from what is the same all the time: currents, and rates. What is
    answered at each step may hang on the last few.
    """
    if trainer.engine.network.readout.per_step:
        return ""
    X, n_steps = trainer.samples.X, trainer.engine.n_steps
    layers = zip(trainer.engine.network.layers, trainer.params, strict=True)
    leak = 1 - max(p[name].max() for of, p in layers for name in of.neuron.leaks)
    # Pieces of an array are looked at as sequences of one length.
    lengths = all_lengths(X, n_steps)
    is_recorded = X.ndim == 3 and not isinstance(X, SpikeTrains)
    is_recorded = is_recorded and lengths.min() == lengths.max()
    # Up to the rounding of 1 - alpha.
    if not is_recorded or n_steps * leak <= LONGEST_RECORDING * (1 + 1e-9):
        return ""
    digits = 1 + math.ceil(math.log10(n_steps))
    return (
        f"The memory of a neuron, 1 / (1 - alpha) = {1 / leak:.3g} steps, is short "
        f"beside the {n_steps} steps of a recording: it may help to raise alpha to "
        f"1 - {FITTING_RECORDING} / {n_steps} = "
        f"{1 - FITTING_RECORDING / n_steps:.{digits}g}, or to take bins "
        f"{round(n_steps * leak / FITTING_RECORDING)} times as wide. "
    )
