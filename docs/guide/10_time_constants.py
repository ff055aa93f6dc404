r"""
10. Time constants that differ, and that learn
==============================================

Neurons need not be alike. This chapter spreads the time constants of a layer, lets
every neuron learn its own, and measures on two tasks what that, and the adaptation of
:ref:`chapter 9 <sphx_glr_auto_guide_09_adaptive_neurons.py>`, is worth, and where it is
worth nothing.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, train_test_split

from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier
from sklearn_snn.neurons import LIF, AdLIF

# A fixed number of epochs is the plan, and some networks here do not learn.
warnings.simplefilter("ignore")

# %%
# A neuron is not its neighbour
# -----------------------------
# Each constant can be a number, or a pair: then the neurons of a layer differ, with
# numbers that are spread evenly between the two; leaks evenly in the **time constant**
# :math:`\tau = -1 / \log(\alpha)`, the steps after which :math:`1 / e` is left. The
# defaults of :class:`~sklearn_snn.neurons.AdLIF` are the ranges of the paper: membranes
# of 5 to 25 steps, adaptations of 60 to 300. And with ``learn_neuron=True`` each neuron
# learns its own constants, by the same :term:`exact gradient` as the weights; with a
# name, as in ``learn_neuron="alpha"``, that one only. That takes a learning rate which
# is not too small, and more epochs; the end of this chapter says why.


def leaks(first, last):
    """Return leaks with these time constants, in steps."""
    return float(np.exp(-1 / first)), float(np.exp(-1 / last))


neurons = {
    "lif": {},
    "lif, learned": {"learn_neuron": True},
    "lif, 5 to 100 steps": {"neuron": LIF(alpha=leaks(5, 100))},
    "adlif": {"neuron": "adlif"},
    "adlif, learned": {"neuron": "adlif", "learn_neuron": True},
    "adlif, 5 to 100 steps, learned": {
        "neuron": AdLIF(alpha=leaks(5, 100)),
        "learn_neuron": True,
    },
}

# %%
# Two tasks
# ---------
# Both are recordings of 20 channels, and neither can be answered by looking at the
# steps one by one and adding up what each of them says.
#
# In the first, a **rhythm**: the rate of all channels swings with a period of 10, 15,
# 22 or 33 steps, from a random phase on. Which of the four is it?
#
# In the second, a **recall**: either half of the channels has a burst of 10 steps at
# the beginning, and either half another one, 40 steps after the end of the first. Was
# it the same half? That has to be remembered over the pause. Guessing is right in a
# quarter of the cases, and in half of them.


def rhythms(n_samples, rng):
    """Return recordings of 100 steps, and which rhythm they have."""
    y = rng.integers(4, size=n_samples)
    periods = np.array([10, 15, 22, 33])[y]
    turns = np.arange(100) / periods[:, np.newaxis] + rng.random((n_samples, 1))
    rates = 0.1 * (1 + np.sin(2 * np.pi * turns))
    return rng.random((n_samples, 100, 20)) < rates[:, :, np.newaxis], y


def recalls(n_samples, rng):
    """Return recordings, and whether both bursts are of one half."""
    halves = rng.integers(2, size=(n_samples, 2))
    rates = np.full((n_samples, 70, 20), 0.02)
    for i, (first, second) in enumerate(halves):
        rates[i, 5:15, 10 * first : 10 * first + 10] = 0.3
        rates[i, 55:65, 10 * second : 10 * second + 10] = 0.3
    return rng.random(rates.shape) < rates, halves[:, 0] == halves[:, 1]


def train(task, **parameters):
    """Return networks and accuracies of three seeds, of data and network."""
    models, accuracy = [], []
    for seed in range(3):
        rng = np.random.default_rng(seed)
        (X, y), (X_test, y_test) = task(500, rng), task(500, rng)
        model = SpikingClassifier(
            (30,),
            max_iter=20,
            batch_size=32,
            learning_rate_init=0.02,
            random_state=seed,
            **parameters,
        ).fit(X, y)
        models.append(model)
        accuracy.append(model.score(X_test, y_test))
    return models, np.array(accuracy)


tasks = {"rhythm": rhythms, "recall": recalls}
found, networks = {}, {}
for task, make in tasks.items():
    for name, parameters in neurons.items():
        networks[task, name], accuracy = train(make, **parameters)
        found[task, name] = accuracy
        print(f"{task}, {name}: ", end="")
        print(f"{accuracy.mean():.2f} +/- {accuracy.std():.2f}")

# Plotting code
# Alt text: Accuracy of six kinds of hidden neurons on two tasks, with a dot per seed.
# On rhythms the adaptive neurons are ahead of all others, and those that learned
# further still. On recall those that learned are ahead of those that did not, and most
# of all those with adaptation and time constants of up to 100 steps.
BLUE, ORANGE = "#0072B2", "#D55E00"
figure, axes = plt.subplots(2, figsize=(5.2, 6), layout="constrained")
for ax, (task, guess) in zip(
    axes, {"rhythm": 0.25, "recall": 0.5}.items(), strict=True
):
    for row, name in enumerate(neurons):
        accuracy = found[task, name]
        color = BLUE if name.startswith("lif") else ORANGE
        ax.barh(row, accuracy.mean(), color=color, alpha=0.4, height=0.6)
        ax.plot(accuracy, np.full(3, row), "o", color=color, markersize=4)
    ax.axvline(guess, color="black", linestyle="--", linewidth=1)
    ax.set_yticks(range(len(neurons)), neurons)
    ax.invert_yaxis()
    ax.set(xlim=(0, 1), title=f"{task.capitalize()}; dashed: guessing")
axes[1].set_xlabel("Accuracy on 500 other recordings")
plt.show()

# %%
# Rhythms belong to neurons that swing: adaptive ones are ahead of all others, and by
# much if they learn their constants. On recall something else counts, a membrane that
# lasts over the pause. Of 20 steps, as all have by default, or 5 to 25, as adaptive
# ones have, little is left after 40, and these guess. Constants that learn get further,
# from seed to seed not equally far; furthest, and most evenly, where they learn from a
# range that is right at the start, 5 to 100 steps. That range alone is not enough.
#
# What they learned
# -----------------
# ``neuron_constants_`` holds the constants of each layer, learned or not: arrays of one
# number per neuron, by name. Here are those of the adaptive neurons that learned
# rhythms, before and after: the time constants of membrane and adaptation, and the
# period that follows from all of them.


def period(alpha, rho, a, q=120.0):
    """Return the period in steps, by chapter 9; NaN without one."""
    trace = alpha + rho - (1 - rho) * q * a * (1 - alpha)
    cosine = trace / (2 * np.sqrt(alpha * rho))
    with np.errstate(invalid="ignore"):
        return 2 * np.pi / np.arccos(cosine)


def times(models):
    """Return time constants and periods of all hidden neurons."""
    constants = [model.neuron_constants_[0] for model in models]
    alpha, rho, a = (
        np.concatenate([c[name] for c in constants])
        for name in ("alpha", "rho", "a")
    )
    return -1 / np.log(alpha), -1 / np.log(rho), period(alpha, rho, a)


before = times(networks["rhythm", "adlif"])
after = times(networks["rhythm", "adlif, learned"])
names = "Membrane", "Adaptation", "Period"
for name, old, new in zip(names, before, after, strict=True):
    print(f"{name}: median {np.nanmedian(old):.0f} steps before,", end=" ")
    print(f"{np.nanmedian(new):.0f} after")
for old, when in ((before, "before"), (after, "after")):
    swings = np.isfinite(old[2])
    inside = (old[2] >= 10) & (old[2] <= 33)
    print(f"{when}: {swings.mean():.0%} swing, {inside.mean():.0%}", end=" ")
    print("with a period from 10 to 33 steps")

# Plotting code
# Alt text: Histograms of membrane time constants, adaptation time constants and periods
# of 90 neurons, before and after learning. Time constants of the membrane hardly move;
# many adaptations go to the ends of their range, 60 and 300 steps; periods spread out,
# and there are more within the range of the task, from 10 to 33 steps.
figure, axes = plt.subplots(3, figsize=(5.2, 6.4), layout="constrained")
bins = (
    np.linspace(4, 26, 23),
    np.linspace(55, 305, 26),
    np.geomspace(8, 300, 30),
)
for ax, edges, name, old, new in zip(
    axes, bins, names, before, after, strict=True
):
    ax.hist(old, edges, color="0.75", label="Before")
    ax.hist(
        new, edges, color=BLUE, histtype="step", linewidth=1.5, label="Learned"
    )
    ax.set(ylabel="Neurons", xlabel=f"{name} (steps)")
for p in (10, 15, 22, 33):
    axes[2].axvline(p, color=ORANGE, linestyle=":")
axes[2].set_xscale("log")
axes[2].set_xticks([10, 15, 22, 33, 100, 200], [10, 15, 22, 33, 100, 200])
axes[2].minorticks_off()
axes[0].legend(fontsize="small")
plt.show()

# %%
# The medians of the time constants hardly move, but neurons part from each other, and
# more of them swing with a period of the task. Constants stay within the ranges of the
# paper, in which the neuron is stable, and of what they are at first: where a histogram
# is high at its end, they would have gone further.
#
# Counts or membranes
# -------------------
# So far the answer was a count of output spikes. With ``readout="membrane_mean"`` the
# output neurons never fire: they are **integrators**, which leak and add up, and their
# membranes, averaged over the steps, are the logits. (Such a mean is small beside what
# a softmax wants, hence the ``logit_scale`` of 20.) On the two tasks:

longest = "lif, 5 to 100 steps", "adlif, 5 to 100 steps, learned"
means = {"readout": "membrane_mean", "logit_scale": 20}
for task, make in tasks.items():
    for name in longest:
        _, accuracy = train(make, **neurons[name], **means)
        counted = found[task, name]
        print(f"{task}, {name}:")
        for how, values in (("count", counted), ("membrane", accuracy)):
            print(f"  {how:8} {values.mean():.2f} +/- {values.std():.2f}")

# %%
# On rhythms the mean does no worse. On recall the count is ahead where the network does
# well: an output neuron that fires has a threshold, is reset and remembers, and is one
# more layer of neurons; a mean adds up what the hidden layer says, which is easier to
# learn from where that is not much. Answers from few steps are as fine with both:
# a count of four steps is a whole number from 0 to 4, but equal ones are told apart by
# the membranes, which have no ties and are never silent. On the digits of
# :ref:`chapter 5 <sphx_glr_auto_guide_05_readout.py>`, in four steps:

X, y = load_digits(return_X_y=True)
for readout in ({}, means):
    scores = []
    for seed in range(3):
        X_train, X_test, y_train, y_test = train_test_split(
            X, y, random_state=seed, stratify=y
        )
        encoder = PoissonSpikeEncoder(n_steps=4, random_state=seed)
        S_train = encoder.fit_transform(X_train)
        S_test = encoder.transform(X_test)
        model = SpikingClassifier(
            (50,), max_iter=15, random_state=seed, **readout
        ).fit(S_train, y_train)
        p = model.predict_proba(S_test)
        ties = np.sort(p, axis=1)
        scores.append(
            (
                model.score(S_test, y_test),
                log_loss(y_test, p),
                (ties[:, -1] == ties[:, -2]).mean(),
            )
        )
    mean, spread = np.mean(scores, axis=0), np.std(scores, axis=0)
    print(readout.get("readout", "spike_count"))
    for name, m, d in zip(
        ("accuracy", "log loss", "tied answers"), mean, spread, strict=True
    ):
        print(f"  {name:12} {m:.3f} +/- {d:.3f}")

# %%
# When to use which
# -----------------
# - Begin with the defaults, ``neuron="lif"``. For a table, an image or a rate code
#   nothing here is needed: there is nothing to remember.
# - For recordings, ask first how long something has to be remembered, and let the
#   membranes last that long: one ``alpha``, or better a range,
#   ``neuron=LIF(alpha=(0.82, 0.99))`` for 5 to 100 steps, and let it learn.
# - For rhythms, changes, and intervals between events take ``neuron="adlif"``, with
#   ``learn_neuron=True``, and with a range of ``alpha`` that fits.
# - Where synapses have a time constant of their own, take ``neuron="cuba"``, the
#   current-based neuron at the end of :ref:`chapter 9 <synaptic_current>`; its
#   ``alpha_syn`` can be a range, and learn, as ``alpha`` can. It was not measured here.
# - Learned constants need no other learning rate than the weights, but one that is not
#   too small: here it is 0.02. With a rate that is too small, or with too few epochs, a
#   network is worse than one whose constants stay. On other recordings, at a rate of
#   0.002, accuracy fell from 0.84 to 0.64 where plain neurons learned theirs, and was
#   0.80 at 0.01; that of adaptive ones rose from 0.94 to 0.99. Compare both.
# - They make a fit longer, adaptive neurons too; here from the first row to the last it
#   is twice as long.
# - ``readout="membrane_mean"`` where an output that is silent at first has to learn;
#   the count where operations are counted, as hardware sends spikes, and where the last
#   layer has to remember. :class:`~sklearn_snn.SpikingRegressor` reads membranes unless
#   told otherwise: :ref:`sphx_glr_auto_examples_regression.py` shows it.
#
# All this was measured on two tasks that were made for it, with small networks and
# three seeds. On your data it is for a grid search to say: the neuron is a parameter,
# and so are its constants, such as ``neuron__alpha``. For these ``neuron`` has to be an
# object, ``LIF()``, ``AdLIF()`` or ``CUBA()``: a name, as ``"lif"``, has no parameters.
# The same goes for a pair of numbers, which only ``LIF(alpha=(0.9, 0.95))`` takes:

search = GridSearchCV(
    SpikingClassifier((10,), neuron=LIF(), max_iter=10, random_state=0),
    {"neuron__alpha": [0.5, (0.5, 0.95)]},
    cv=2,
)
print(search.fit(*rhythms(100, np.random.default_rng(0))).best_params_)
