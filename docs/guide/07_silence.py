r"""
7. Silence
==========

A neuron that never fires says nothing, and hardly learns. It is the commonest way in
which a spiking network fails, and :class:`~sklearn.neural_network.MLPClassifier` has
little that compares. This chapter makes it happen, shows why training does not readily
undo it, what the library does at the start to avoid it, and what to turn when it
happens all the same.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.metrics import recall_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier
from sklearn_snn._engine_numpy import NumpyEngine
from sklearn_snn._network import Network, initial_parameters
from sklearn_snn._neurons import LIF
from sklearn_snn.exceptions import DeadNeuronWarning
from sklearn_snn.inspection import MembraneDisplay

BLUE, ORANGE = "#0072B2", "#D55E00"

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, random_state=0, stratify=y
)


def fit(model, X, y):
    """Fit, and return the texts of the warnings about dead neurons."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, y)
    return [str(w.message) for w in caught if w.category is DeadNeuronWarning]


# %%
# A class that is never answered
# ------------------------------
# Rare classes are common in practice. Here are two examples of the digit 8, and all
# there are of the others; the test digits stay as they are.

kept = np.setdiff1d(np.arange(len(y_train)), np.flatnonzero(y_train == 8)[2:])
encoder = PoissonSpikeEncoder(n_steps=25, random_state=0).fit(X_train)
S_train, S_test = encoder.transform(X_train[kept]), encoder.transform(X_test)
y_kept = y_train[kept]

options = {"learning_rate": "constant", "max_iter": 15, "random_state": 0}
silent = SpikingClassifier((50,), **options)
for text in fit(silent, S_train, y_kept):
    print("DeadNeuronWarning:", text)

recall = recall_score(y_test, silent.predict(S_test), average=None)
print(f"\naccuracy on test digits: {silent.score(S_test, y_test):.3f}")
print("share of each digit that is recognized:", recall.round(2))

# %%
# The network does well, except that it never answers "8". The accuracy alone does
# not show that, but the :class:`~sklearn_snn.exceptions.DeadNeuronWarning` at the end
# of ``fit`` does. It counts the neurons that never fired in the last epoch, or always:
# in the output layer one is enough, in a hidden layer it takes half, since some idle
# neurons there do no harm.
#
# Why it stays silent
# -------------------
# Every term of a weight's gradient has the derivative :math:`S'` of the surrogate as a
# factor (:ref:`sphx_glr_auto_guide_04_bptt.py`). Far from the threshold :math:`\theta`
# it falls off exponentially:
#
# .. math:: S'(u - \theta) = \beta \, \frac{e}{(1 + e)^2} \approx \beta \, e, \qquad
#           e = e^{-\beta \, |u - \theta|}
#
# .. list-table::
#    :header-rows: 1
#
#    * - equation
#      - line
#    * - :math:`e = e^{-\beta |u - \theta|}`
#      - ``e = np.exp(-beta * np.abs(u - threshold))``
#    * - :math:`S' = \beta \, e / (1 + e)^2`
#      - ``return beta * e / (1 + e) ** 2``


def surrogate(u, beta=5, threshold=0.6):
    """Return the derivative of the surrogate at a membrane."""
    e = np.exp(-beta * np.abs(u - threshold))
    return beta * e / (1 + e) ** 2


record = silent.simulate(S_test, layers=[-1], inputs=False)
membranes = [
    record.membranes[-1][y_test == k, :, k].astype(float) for k in range(10)
]
median = [np.median(u) for u in membranes]
mean_surrogate = [surrogate(u).mean() for u in membranes]

figure, axes = plt.subplots(1, 3, figsize=(9, 3), layout="constrained")
u = np.linspace(-4, 3, 500)
axes[0].semilogy(u, surrogate(u), color=BLUE, label="$S'$")
axes[0].axvline(0.6, color="black", linestyle=":", label="Threshold")
axes[0].set(xlabel="Membrane $u$", ylabel=r"$S'(u - \theta)$")
axes[0].legend(fontsize="small", loc="upper left")
colors = [ORANGE if k == 8 else "0.6" for k in range(10)]
axes[1].bar(range(10), median, color=colors)
axes[1].axhline(0.6, color="black", linestyle=":")
axes[1].set(ylabel="Median membrane $u$")
axes[2].bar(range(10), mean_surrogate, color=colors)
axes[2].set(ylabel="Mean of $S'$")
for ax in axes[1:]:
    ax.set(xlabel="Output neuron (class)")
    ax.set_xticks(range(10))
figure.suptitle("Middle and right: each output neuron, shown its own digit")
plt.show()

print(f"neuron 8: highest membrane {membranes[8].max():.2f}, threshold 0.6")
print(f"mean of S': {mean_surrogate[8]:.4f}, of the others ", end="")
print(f"{np.mean(mean_surrogate[:8] + mean_surrogate[9:]):.4f}")

# %%
# Shown its own digit, each of the other neurons is near the threshold, where the
# surrogate is large. Neuron 8 is far below, and never reaches it. The loss of an 8 is
# large and asks it to fire, but what arrives at its weights is multiplied by a much
# smaller number.
#
# How it fell silent
# ------------------
# No neuron begins like that. ``partial_fit`` trains epoch by epoch, and we watch neuron
# 8 on the 8s of the test digits. The second network gives each class the same weight,
# as ``class_weight="balanced"`` would:

equal = {k: len(y_kept) / 10 / (y_kept == k).sum() for k in range(10)}
eights = S_test[np.flatnonzero(y_test == 8)]
epochs = np.arange(1, 11)
figure, axes = plt.subplots(1, 3, figsize=(9, 3), layout="constrained")
for weights, color, style in ((None, ORANGE, "s--"), (equal, BLUE, "o-")):
    model = SpikingClassifier((50,), class_weight=weights, **options)
    rates, medians, gradients = [], [], []
    for _ in epochs:
        model.partial_fit(S_train, y_kept, classes=range(10))
        record = model.simulate(eights, layers=[-1], inputs=False)
        u = record.membranes[-1][:, :, 8].astype(float)
        rates.append(record.spikes[-1][:, :, 8].mean())
        medians.append(np.median(u))
        gradients.append(surrogate(u).mean())
    label = "All samples alike" if weights is None else "All classes alike"
    axes[0].plot(epochs, rates, style, color=color, markersize=4, label=label)
    axes[1].plot(epochs, medians, style, color=color, markersize=4)
    axes[2].plot(epochs, gradients, style, color=color, markersize=4)
axes[0].set(ylabel="Spikes per step")
axes[0].legend(fontsize="small")
axes[1].axhline(0.6, color="black", linestyle=":")
axes[1].set(ylabel="Median membrane $u$")
axes[2].set(ylabel="Mean of $S'$", ylim=(0, None))
for ax in axes:
    ax.set(xlabel="Epoch", xticks=epochs[1::2])
plt.show()

# %%
# After the first epoch it hardly fires any more. Of nearly all samples the neuron
# hears that it should fire less, of two that it should fire more. The membrane sinks,
# and the deeper it is the less a rare sample can lift it. With equal weights it is
# lifted as often as it is pushed down.
#
# What the first guess does
# -------------------------
# Random weights alone make silent neurons too: where the current is too weak, or so
# negative that the membrane never rises. Before the first epoch the library therefore
# fits weights and biases to a few samples, layer by layer. With the mean current
# :math:`\overline{x W}` of a neuron, the bias makes it fire just about on average:
#
# .. math:: b = \underbrace{\frac{\theta}{\sum_{t=0}^{T-1} \alpha^t}}_{\text{rheobase}}
#           - \; \overline{x W}
#
# For output neurons the sum has fewer steps, so that they start with some spikes to
# lose. The weights of a layer are multiplied by one number, where that is needed to
# bring the standard deviation of its membranes to between 0.3 and 10 thresholds.
#
# .. literalinclude:: /../sklearn_snn/_network.py
#    :pyobject: fit_to_data
#
# It matters most where currents are weak and the threshold is high. So here all ten
# digits are back, but their pixels fire at most in every fifth step, and the threshold
# is 4. These are the firing rates of 100 hidden and 10 output neurons before any
# training:

dim = PoissonSpikeEncoder(n_steps=25, max_rate=0.2, random_state=0).fit(X_train)
D_train, D_test = dim.transform(X_train), dim.transform(X_test)
engine = NumpyEngine(Network(LIF(threshold=4.0), n_steps=25, logit_scale=0.4))


def firing_rates(coefs, intercepts):
    """Return the spikes per step of each neuron, hidden and output."""
    rates = [0, 0]
    for _, tape in engine.tapes(coefs, intercepts, D_train):
        for layer, s in enumerate(tape.spikes):
            rates[layer] = rates[layer] + s.sum(axis=(0, 1)) / 25 / len(y_train)
    return rates


coefs, intercepts = initial_parameters(
    [64, 100, 10], np.float32, np.random.RandomState(0)
)
drawn = firing_rates(coefs, intercepts)
engine.fit_to_data(coefs, intercepts, D_train[:200], np.ones(200))
fitted = firing_rates(coefs, intercepts)

figure, axes = plt.subplots(
    1, 2, figsize=(8, 3), width_ratios=(2, 1), layout="constrained"
)
for ax, layer, name in zip(axes, (0, 1), ("Hidden", "Output"), strict=True):
    for rates, color, marker, label in (
        (drawn[layer], ORANGE, "x", "Drawn at random"),
        (fitted[layer], BLUE, ".", "After the first guess"),
    ):
        ax.plot(np.sort(rates), marker, color=color, label=label)
        print(f"{name} layer, {label.lower()}: {(rates == 0).sum()} silent")
    ax.set(xlabel=f"{name} neuron, in order of rate")
axes[0].set_ylabel("Spikes per step")
axes[1].legend(fontsize="small", loc="center right")
plt.show()

# %%
# After the first guess none is silent, and the difference lasts. From what was drawn
# the network does not learn at all, since no output neuron ever fires; from the first
# guess it does. (``fit`` goes on from weights of one's own if ``warm_start`` is set and
# ``coefs_`` and ``intercepts_`` are replaced.)

for start in ("drawn at random", "first guess"):
    model = SpikingClassifier((100,), threshold=4, **options)
    if start == "drawn at random":
        model.set_params(warm_start=True, max_iter=1)
        fit(model, D_train, y_train)
        model.coefs_, model.intercepts_ = initial_parameters(
            [64, 100, 10], np.float32, np.random.RandomState(0)
        )
        model.set_params(max_iter=15)
    texts = fit(model, D_train, y_train)
    print(f"{start}: accuracy {model.score(D_test, y_test):.2f}")
    for text in texts:
        print("   DeadNeuronWarning:", text.split(":")[0])

# %%
# The first guess guards the start, not what comes after it, as the rare 8 has shown.
#
# What to turn
# ------------
# The warning names what may help. For the network of the rare 8, one change at a time,
# from two seeds each:

changes = {
    "nothing": {},
    'class_weight="balanced"': {"class_weight": "balanced"},
    "threshold=0.1": {"threshold": 0.1},
    "beta=2": {"beta": 2},
    "alpha=0.99": {"alpha": 0.99},
    "learning_rate_init=0.01": {"learning_rate_init": 0.01},
    "max_iter=40": {"max_iter": 40},
}
figure, ax = plt.subplots(figsize=(7, 3.2), layout="constrained")
for row, change in enumerate(changes.values()):
    for seed in range(2):
        parameters = {**options, "random_state": seed, **change}
        model = SpikingClassifier((50,), **parameters)
        is_dead = bool(fit(model, S_train, y_kept))
        recall = recall_score(y_test, model.predict(S_test), average=None)[8]
        marker, color = ("x", ORANGE) if is_dead else ("o", BLUE)
        # Side by side, since many are zero.
        ax.plot(
            recall, row + 0.2 * seed - 0.1, marker, color=color, markersize=5
        )
ax.plot([], [], "x", color=ORANGE, label="Warned")
ax.plot([], [], "o", color=BLUE, label="Did not warn")
ax.set_yticks(range(len(changes)), changes)
ax.invert_yaxis()
ax.set(xlabel="Share of the 8s that is recognized", xlim=(-0.02, None))
ax.legend(fontsize="small", loc="center right")
plt.show()

# %%
# Two changes help every time: weights that make up for the rarity, which is the cause,
# and a low threshold, which is nearer to where the membrane rests. The others do
# nothing reliable here; each has a case of its own. So look for the cause first:
#
# - a rare class: ``class_weight``;
# - weak currents or few steps: a lower threshold, a higher ``alpha``, more steps;
# - a surrogate that is too narrow to reach the membrane: a lower ``beta``;
# - a network in which little has changed yet: more epochs, or a higher learning rate,
#   which a high threshold needs (:ref:`sphx_glr_auto_guide_06_choosing.py`).
#
# And no warning is not yet a cure: one spike in the whole epoch is enough for none.
#
# Before and after
# ----------------
# :class:`~sklearn_snn.inspection.MembraneDisplay` shows neurons while the network looks
# at a sample: here the output neurons of 8, 1 and 3, and an 8. Where a membrane is far
# below zero its line is left out.

cured = SpikingClassifier((50,), class_weight="balanced", **options)
assert not fit(cured, S_train, y_kept)
sample = np.flatnonzero((y_test == 8) & (cured.predict(S_test) == 8))[0]

figure, axes = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
for ax, model, title in zip(
    axes, (silent, cured), ("Before", "After"), strict=True
):
    MembraneDisplay.from_estimator(
        model, S_test, sample=sample, units=[1, 3, 8], ax=ax
    )
    ax.set_title(title, loc="left")
plt.show()

# %%
# Before, the membrane of neuron 8 sinks out of the picture within a few steps.
# After, it charges, fires, and charges again.
#
# The opposite: saturation
# ------------------------
# A neuron that fires in every step says as little, and far above the threshold the
# surrogate vanishes too. A learning rate that is too high throws membranes that far:
# here the default and one that is 250 times as high, on the columns of the breast
# cancer data.

X_c, y_c = load_breast_cancer(return_X_y=True)
A_train, A_test, b_train, b_test = train_test_split(
    X_c, y_c, random_state=0, stratify=y_c
)
scaler = StandardScaler().fit(A_train)
Z_train, Z_test = scaler.transform(A_train), scaler.transform(A_test)
figure, axes = plt.subplots(
    1, 2, figsize=(7, 3), sharey=True, layout="constrained"
)
for ax, rate in zip(axes, (0.002, 0.5), strict=True):
    model = SpikingClassifier(**options | {"learning_rate_init": rate})
    texts = fit(model, Z_train, b_train)
    spikes = model.simulate(Z_test, layers=[0], inputs=False).spikes[0]
    answers = spikes.mean(axis=1).ravel()
    weights = np.full(answers.size, 1 / answers.size)
    ax.hist(answers, bins=np.linspace(0, 1, 26), weights=weights, color=BLUE)
    ax.set(title=f"learning_rate_init={rate}", xlabel="Spikes per step")
    print(
        f"learning_rate_init={rate}: accuracy {model.score(Z_test, b_test):.2f}"
    )
    for text in texts:
        print("   DeadNeuronWarning:", text.split(":")[0])
axes[0].set_ylabel("Share of hidden neurons and samples")
plt.show()

# %%
# With the high rate a neuron answers a sample with silence or with a spike in every
# step, and so do the output neurons: one is silent and one saturated, whatever the
# sample. The warning names what helps: a lower learning rate, a higher threshold, a
# lower ``alpha``.
#
# The unit of a table is no cause, since the first guess scales the weights and they
# learn at that scale. But it scales all weights of a layer by the same number: of
# columns that reach from less than 0.1 to some thousands, the largest decide alone.

for title, train, test in (
    ("raw", A_train, A_test),
    ("scaled", Z_train, Z_test),
):
    model = SpikingClassifier(**options)
    fit(model, train, b_train)
    print(f"{title} columns: accuracy {model.score(test, b_test):.2f}")

# %%
# So :class:`~sklearn.preprocessing.StandardScaler` belongs in front.
#
# Next, what a gradient costs that is not quite the gradient:
# :ref:`sphx_glr_auto_guide_08_article.py`.
