r"""
9. Adaptive neurons, and time constants that learn
==================================================

All neurons of the chapters before were alike: one leak, one threshold, and after a
spike nothing was left of what came before. Neurons of animals differ from each other,
and most of them **adapt**: under a lasting current they fire less and less. This
chapter adds the adaptation to the equations of :ref:`chapter 1
<sphx_glr_auto_guide_01_neuron.py>`, shows that such a neuron can swing, lets every
neuron learn its own time constants, and measures on two tasks what that is worth, and
where it is worth nothing.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier
from sklearn_snn.neurons import LIF, AdLIF

# sphinx_gallery_thumbnail_number = 1

# A fixed number of epochs is the plan, and some networks here do not learn.
warnings.simplefilter("ignore")

# %%
# Four equations
# --------------
# The adaptive neuron, ``neuron="adlif"``, has a second number, its **adaptation**
# :math:`w`. It follows the membrane and the spikes slowly, with a leak :math:`\rho` of
# its own, and is taken off the current. In each step, and in this order:
#
# .. math::
#
#    u_t &= \alpha \, v_{t-1} + (1 - \alpha) \, (I_t - w_{t-1}) \\
#    s_t &= \begin{cases} 1 & \text{if } u_t > \theta \\ 0 & \text{else} \end{cases} \\
#    v_t &= u_t \, (1 - s_t) \\
#    w_t &= \rho \, w_{t-1} + (1 - \rho) \, q \, (a \, v_t + b \, s_t)
#
# :math:`a` says how strongly the membrane drives the adaptation, :math:`b` how strongly
# a spike does, and :math:`q` is the scale of both. The other resets are those of
# chapter 1. With :math:`a = b = 0` there is no adaptation, and a leaky
# integrate-and-fire neuron is left; its current is multiplied by :math:`1 - \alpha`,
# the **gain**, so that a longer memory is not a louder input too. These are the
# equations of Baronig, Ferrand, Sabathiel and Legenstein, "Advancing spatio-temporal
# processing in spiking neural networks through adaptation", 2024. That :math:`w_t`
# takes the *new* :math:`v_t` and :math:`s_t` keeps it stable at their scale,
# :math:`q=120`.
#
# As in chapter 1, each equation is a line:


def adlif(current, alpha=0.9, rho=0.98, a=0.0, b=0.2, q=120.0):
    """Return membrane, spikes and adaptation of one neuron."""
    membrane, spikes, adaptation = np.empty((3, len(current)))
    v = w = 0.0
    for t in range(len(current)):
        u = alpha * v + (1 - alpha) * (current[t] - w)
        s = float(u > 0.6)
        v = u * (1 - s)
        w = rho * w + ((1 - rho) * q * a * v + (1 - rho) * q * b * s)
        membrane[t], spikes[t], adaptation[t] = u, s, w
    return membrane, spikes, adaptation


# %%
# Is it the library's neuron? A network with a single hidden neuron, whose weight of 1
# and bias of 0 hand it the current as it is, tells:
# :meth:`~sklearn_snn.SpikingClassifier.simulate` records its membrane and spikes.


def library(current, **constants):
    """Return membrane and spikes of an adaptive neuron of the library."""
    X = current.reshape(1, -1, 1)  # one sample, its steps, one channel
    model = SpikingClassifier((1,), neuron=AdLIF(**constants), max_iter=1)
    model.fit(np.concatenate([X, -X]), [0, 1])
    model.coefs_[0][:], model.intercepts_[0][:] = 1, 0
    record = model.simulate(X, layers=[0])
    return record.membranes[0].ravel(), record.spikes[0].ravel()


rng = np.random.default_rng(0)
current = rng.normal(2, 2, size=300)
for a, b in ((0, 0), (0.2, 0.5), (1, 2)):
    constants = {"alpha": 0.9, "rho": 0.98, "a": a, "b": b}
    membrane, spikes, _ = adlif(current, **constants)
    u, s = library(current, **constants)
    assert np.array_equal(membrane, u)
    assert np.array_equal(spikes, s)
    print(f"a={a}, b={b}: {int(s.sum())} spikes, equal to the last bit")

# %%
# What adaptation does
# --------------------
# We begin with an adaptation that spikes alone drive, :math:`a = 0`. First comes a
# current that is switched on and stays. Without adaptation the neuron fires on and on
# at the same rate. With it the first spikes come nearly as fast, and then the
# adaptation takes most of the current away: the neuron tells that something *began*,
# rather than that it is there.

steps = np.arange(1, 201)
lasting = np.where(steps > 20, 2.0, 0.0)
kinds = {"without adaptation": {"b": 0}, "with adaptation": {}}
for name, constants in kinds.items():
    at = np.flatnonzero(adlif(lasting, **constants)[1]) + 1
    gaps = ", ".join(map(str, np.diff(at)[:9]))
    print(f"{name}: {len(at)} spikes; steps between them: {gaps}, ...")

# Plotting code
BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"


def draw(current):
    """Draw a current, both membranes, and the adaptation."""
    _, axes = plt.subplots(
        4,
        figsize=(5.2, 6.4),
        sharex=True,
        layout="constrained",
        height_ratios=(0.6, 1, 1, 0.8),
    )
    axes[0].plot(steps, current, color="black")
    axes[0].set(ylabel="Current $I_t$")
    for ax, (name, constants) in zip(axes[1:3], kinds.items(), strict=True):
        membrane, spikes, adaptation = adlif(current, **constants)
        ax.axhline(0.6, color=ORANGE, linestyle="--", linewidth=1)
        ax.plot(steps, membrane, color=BLUE)
        fired = spikes > 0
        ax.plot(steps[fired], membrane[fired], "v", color="black", markersize=4)
        ax.set(ylabel="Membrane $u_t$", title=name.capitalize())
    axes[2].sharey(axes[1])
    axes[3].plot(steps, adaptation, color=GREEN)
    axes[3].set(ylabel="Adapt. $w_t$", xlabel="Time (steps)")
    plt.show()


# Alt text: A current that is switched on at step 21 and stays, and what two neurons do.
# Without adaptation the membrane charges and fires at equal intervals to the end. With
# adaptation the first interval is nearly as short, the later ones several times as
# long, while the adaptation rises and then keeps its level.
draw(lasting)

# %%
# Now pulses of current, all alike, and a pause among them. Without adaptation the
# answer to every pulse is the same. With it, the answer depends on how long ago the
# last ones came: the neuron remembers them for as long as the adaptation lasts, here
# some :math:`1 / (1 - \rho) = 50` steps, which is five times the memory of its
# membrane, and its spikes do not erase it.

pulses = np.where((steps - 10) % 20 < 10, 4.0, 0.0)
pulses[(steps < 10) | ((steps >= 110) & (steps < 170))] = 0
begins = np.flatnonzero(np.diff(pulses) > 0) + 1
for name, constants in kinds.items():
    spikes = adlif(pulses, **constants)[1]
    counts = [int(spikes[i : i + 20].sum()) for i in begins]
    print(f"{name}: spikes for each pulse: {counts}")

# Plotting code
# Alt text: Five equal pulses of current 20 steps apart, a pause of 60 steps, and two
# more. Without adaptation every pulse makes the same spikes. With adaptation the first
# makes nearly as many, those that follow fewer, and after the pause, when the
# adaptation has fallen, there are more again.
draw(pulses)

# %%
# Why it can swing
# ----------------
# Membrane and adaptation drive each other: a high membrane raises the adaptation, which
# pulls the membrane down, below zero too, which lowers the adaptation. For that the
# membrane has to drive it, :math:`a > 0`. As long as there is no spike, a step is a
# product with a matrix:
#
# .. math::
#
#    \begin{pmatrix} u_t \\ w_t \end{pmatrix} =
#    \begin{pmatrix} \alpha & -(1 - \alpha) \\
#                    k \alpha & \rho - k (1 - \alpha) \end{pmatrix}
#    \begin{pmatrix} u_{t-1} \\ w_{t-1} \end{pmatrix} + \text{what } I_t \text{ brings},
#    \qquad k = (1 - \rho) \, q \, a
#
# Its determinant is :math:`\alpha \rho`. If its eigenvalues are complex, the membrane
# turns through a period of
#
# .. math:: P = 2 \pi \Big/ \arccos
#           \frac{\alpha + \rho - k (1 - \alpha)}{2 \sqrt{\alpha \rho}}
#           \quad \text{steps}
#
# and shrinks by :math:`\sqrt{\alpha \rho}` in each of them. A neuron with a period
# answers best to currents with the same period: it is a **resonator**. One without
# adaptation answers best to what does not change at all.


def period(alpha, rho, a, q=120.0):
    """Return the period in steps; NaN for a neuron that does not swing."""
    trace = alpha + rho - (1 - rho) * q * a * (1 - alpha)
    cosine = trace / (2 * np.sqrt(alpha * rho))
    with np.errstate(invalid="ignore"):
        return 2 * np.pi / np.arccos(cosine)


def amplitude(p, a):
    """Return how far a membrane swings under a weak current of a period."""
    weak = 0.01 * np.sin(2 * np.pi * np.arange(1000) / p)
    membrane, spikes, _ = adlif(weak, rho=0.99, a=a, b=0)
    assert not spikes.any()
    return np.abs(membrane[500:]).max() / 0.01


pulse = np.zeros(100)
pulse[0] = 5
periods = np.geomspace(4, 200, 60)
strengths = {0: "black", 0.2: BLUE, 1: ORANGE}
answers = {a: [amplitude(p, a) for p in periods] for a in strengths}
for a in (0.2, 1):
    best = periods[np.argmax(answers[a])]
    found = period(0.9, 0.99, a)
    print(
        f"a = {a}: period {found:.1f}, best answer to one of {best:.1f} steps"
    )

# Plotting code
# Alt text: On top the membrane after one pulse: without adaptation it falls to zero,
# with a = 0.2 it goes below zero and back within some 40 steps, with a = 1 it swings
# faster and for longer. Below, how strongly it answers to currents of each period:
# without adaptation the more, the longer the period; else with a peak, near the period
# by which it swings.
figure, axes = plt.subplots(2, figsize=(5.2, 5.6), layout="constrained")
for a, color in strengths.items():
    membrane = adlif(pulse, rho=0.99, a=a, b=0)[0]
    axes[0].plot(membrane, color=color, label=f"$a$ = {a}")
    axes[1].plot(periods, answers[a], color=color)
    axes[1].axvline(period(0.9, 0.99, a), color=color, linestyle=":")
axes[0].set(xlabel="Steps after a pulse", ylabel="Membrane $u_t$")
axes[1].set(
    xlabel="Period of the current (steps)", ylabel="Swing of the membrane"
)
axes[1].set(xscale="log", title="Answer to each period; dotted: $P$")
axes[1].set_xticks([5, 10, 20, 50, 100, 200], [5, 10, 20, 50, 100, 200])
axes[1].minorticks_off()
axes[0].legend(fontsize="small")
plt.show()

# %%
# On top the membrane after one pulse, below how far it swings under weak currents of
# each period. So an adaptive neuron has three properties that those of chapter 1 lack:
# it answers to what changes, it remembers beyond its own spikes, and it has a rhythm.
#
# A neuron is not its neighbour
# -----------------------------
# Each constant can be a number, or a pair: then the neurons of a layer differ, with
# numbers that are spread evenly between the two; leaks evenly in the **time constant**
# :math:`\tau = -1 / \log(\alpha)`, the steps after which :math:`1 / e` is left. The
# defaults of :class:`~sklearn_snn.neurons.AdLIF` are the ranges of the paper: membranes
# of 5 to 25 steps, adaptations of 60 to 300. And with ``learn_neuron=True`` each neuron
# learns its own constants, by the same :term:`exact gradient` as the weights; with a
# name, as in ``learn_neuron="alpha"``, that one only.


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
# further still. On recall those with time constants of up to 100 steps are ahead, with
# adaptation or without, and adaptive neurons of 5 to 25 steps are not.
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
# ones have, little is left after 40; with 5 to 100 steps both kinds do well. A leak
# that learns gets there in part only: learning tunes time constants, and a range that
# is wrong from the start is better set than learned.
#
# What they learned
# -----------------
# ``neuron_constants_`` holds the constants of each layer, learned or not: arrays of one
# number per neuron, by name. Here are those of the adaptive neurons that learned
# rhythms, before and after: the time constants of membrane and adaptation, and the
# period that follows from all of them.


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
# On rhythms the mean does no worse. On recall the count is ahead: an output neuron that
# fires has a threshold, is reset and remembers, and is one more layer of neurons; a
# mean adds up what the hidden layer says. What the mean is good for are finer answers
# from few steps. A count of four steps is a whole number from 0 to 4, and two classes
# are often tied; a membrane is never tied and never silent. On the digits of
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
#   ``neuron=LIF(alpha=(0.82, 0.99))`` for 5 to 100 steps.
# - For rhythms, changes, and intervals between events take ``neuron="adlif"``, with
#   ``learn_neuron=True``, and with a range of ``alpha`` that fits.
# - Learned constants need no other learning rate than the weights, but one that is not
#   too small: here it is 0.02. They make a fit longer, adaptive neurons too; here from
#   the first row to the last it is twice as long.
# - ``readout="membrane_mean"`` for probabilities and ranks from few steps; the count
#   where operations are counted, as hardware sends spikes, and where the last layer has
#   to remember. :class:`~sklearn_snn.SpikingRegressor` always reads membranes:
#   :ref:`sphx_glr_auto_examples_regression.py` shows it.
#
# All this was measured on two tasks that were made for it, with small networks and
# three seeds. On your data it is for a grid search to say: the constants of a neuron
# are parameters such as ``neuron__alpha``, and the neuron is one itself.
