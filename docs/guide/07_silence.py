r"""
7. Why neurons fall silent, and what helps
==========================================

A neuron that never fires says nothing, and hardly learns. It is the commonest way in
which a spiking network fails, and :class:`~sklearn.neural_network.MLPClassifier` has
little that compares. This chapter makes it happen, shows why training does not readily
undo it, what the library does at the start to avoid it, and what to turn when it
happens all the same.
"""

import textwrap
import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.metrics import recall_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier
from sklearn_snn.exceptions import DeadNeuronWarning
from sklearn_snn.inspection import MembraneDisplay

# sphinx_gallery_thumbnail_number = 2

X, y = load_digits(return_X_y=True)
split = train_test_split(X, y, random_state=0, stratify=y)
X_train, X_test, y_train, y_test = split


def fit(model, X, y):
    """Fit, and return the texts of the warnings about dead neurons."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, y)
    return [str(w.message) for w in caught if w.category is DeadNeuronWarning]


def show(texts):
    """Print warnings in lines that fit a phone."""
    for text in texts:
        print(textwrap.fill(f"DeadNeuronWarning: {text}", 46))


# %%
# A class that is never answered
# ------------------------------
# Rare classes are common in practice. Here are two examples of the digit 8, and all
# there are of the others; the test digits stay as they are. The neurons are reset to
# zero, and learn fast. (By subtraction, the default, neuron 8 fires now and then with
# these data; with ``beta=10`` it falls silent too.)

kept = np.setdiff1d(np.arange(len(y_train)), np.flatnonzero(y_train == 8)[2:])
encoder = PoissonSpikeEncoder(n_steps=25, random_state=0).fit(X_train)
S_train, S_test = encoder.transform(X_train[kept]), encoder.transform(X_test)
y_kept = y_train[kept]

options = {"learning_rate": "constant", "max_iter": 15, "random_state": 0}
zero = {"reset": "zero", "learning_rate_init": 0.005, **options}
silent = SpikingClassifier((50,), **zero)
show(fit(silent, S_train, y_kept))

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
# it falls off exponentially, :math:`S' \approx \beta \, e`:
#
# .. list-table::
#    :header-rows: 1
#
#    * - equation
#      - line
#    * - :math:`e = \exp(-\beta \, |u - \theta|)`
#      - ``e = np.exp(-beta * np.abs(u - threshold))``
#    * - :math:`S'(u - \theta) = \beta \, e / (1 + e)^2`
#      - ``return beta * e / (1 + e) ** 2``


def surrogate(u, beta=5, threshold=0.6):
    """Return the derivative of the surrogate at a membrane."""
    e = np.exp(-beta * np.abs(u - threshold))
    return beta * e / (1 + e) ** 2


record = silent.simulate(S_test, layers=[-1], inputs=False)
u = record.membranes[-1].astype(float)
membranes = [u[y_test == k, :, k] for k in range(10)]
median = [np.median(u) for u in membranes]
mean_surrogate = [surrogate(u).mean() for u in membranes]

print(f"neuron 8: highest membrane {membranes[8].max():.2f}, threshold 0.6")
others = np.mean(mean_surrogate[:8] + mean_surrogate[9:])
print(f"mean of S': {mean_surrogate[8]:.4f}, of the others {others:.4f}")

# Plotting code
# Alt text: On top the surrogate derivative on a logarithmic axis, a peak at the
# threshold with straight flanks. Below, of output neurons shown their own digit, the
# median membrane, near the threshold but for neuron 8, which is far below zero, and the
# mean surrogate derivative, many times smaller for neuron 8.
BLUE, ORANGE = "#0072B2", "#D55E00"
figure, axes = plt.subplots(3, figsize=(5.2, 7), layout="constrained")
u = np.linspace(-4, 3, 500)
axes[0].semilogy(u, surrogate(u), color=BLUE, label="$S'$")
axes[0].axvline(0.6, color="black", linestyle=":", label="Threshold")
axes[0].set(xlabel="Membrane $u$", ylabel=r"$S'(u - \theta)$")
axes[0].legend(fontsize="small", loc="upper left")
colors = [ORANGE if k == 8 else "0.6" for k in range(10)]
axes[1].bar([*"0123456789"], median, color=colors)
axes[1].axhline(0.6, color="black", linestyle=":")
axes[1].set(ylabel="Median membrane $u$", title="Each shown its own digit")
axes[2].bar([*"0123456789"], mean_surrogate, color=colors)
axes[2].set(ylabel="Mean of $S'$", xlabel="Output neuron (class)")
plt.show()

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
curves = {}
weightings = {"All samples alike": None, "All classes alike": equal}
for name, weights in weightings.items():
    model = SpikingClassifier((50,), class_weight=weights, **zero)
    rows = []
    for _ in epochs:
        model.partial_fit(S_train, y_kept, classes=range(10))
        record = model.simulate(eights, layers=[-1], inputs=False)
        u = record.membranes[-1][:, :, 8].astype(float)
        rate = record.spikes[-1][:, :, 8].mean()
        rows.append((rate, np.median(u), surrogate(u).mean()))
    curves[name] = np.array(rows)
    print(f"{name}: {rows[0][0]:.3f} spikes per step after epoch 1,", end=" ")
    print(f"{rows[-1][0]:.3f} after epoch 10")

# Plotting code
# Alt text: Over ten epochs, spikes per step, median membrane and mean surrogate
# derivative of neuron 8, shown 8s. With all samples alike spikes and derivative vanish
# and the membrane sinks. With all classes alike it fires and stays near the threshold.
figure, axes = plt.subplots(3, figsize=(5.2, 6.4), sharex=True, layout="tight")
for (name, rows), style in zip(curves.items(), ("s--", "o-"), strict=True):
    color = ORANGE if style == "s--" else BLUE
    for ax, values in zip(axes, rows.T, strict=True):
        ax.plot(epochs, values, style, color=color, markersize=4, label=name)
axes[0].set(ylabel="Spikes per step")
axes[0].legend(fontsize="small")
axes[1].axhline(0.6, color="black", linestyle=":")
axes[1].set(ylabel="Median membrane $u$")
axes[2].set(xlabel="Epoch", ylabel="Mean of $S'$", ylim=(0, None))
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
# .. math:: b = \frac{\theta}{\sum_{t=0}^{T-1} \alpha^t} - \overline{x W}
#
# The first term is the current that just charges a membrane to the threshold within the
# :math:`T` steps there are: a little more than the rheobase, which would take forever.
# For output neurons the sum has fewer steps, so that they start with some spikes to
# lose. The weights of a layer are multiplied by one number, where that is needed to
# bring the standard deviation of its membranes to between 0.3 thresholds and 1, or 3
# where the current is constant.
#
# .. dropdown:: The library's lines, for those who want to read them
#
#    .. literalinclude:: /../sklearn_snn/_model/first_guess.py
#       :pyobject: first_guess
#
# It matters most where currents are weak and the threshold is high. So here all ten
# digits are back, but their pixels fire at most in every fifth step, and the threshold
# is 4. A fit of one epoch at next to no learning rate leaves the first guess as it is;
# beside it are uniformly drawn weights, as the library begins with, without biases:

dim = PoissonSpikeEncoder(n_steps=25, max_rate=0.2, random_state=0).fit(X_train)
D_train, D_test = dim.transform(X_train), dim.transform(X_test)


def draw_weights(model):
    """Write weights drawn at random, and no biases, into a network."""
    rng = np.random.RandomState(0)
    for w, b in zip(model.coefs_, model.intercepts_, strict=True):
        w[:] = rng.uniform(-(len(w) ** -0.5), len(w) ** -0.5, w.shape)
        b[:] = 0


def rates_of(model):
    """Return the spikes per step of each neuron, hidden and output."""
    record = model.simulate(D_train, inputs=False)
    return [s.mean(axis=(0, 1)) for s in record.spikes]


still = SpikingClassifier((100,), threshold=4, **zero)
still.set_params(learning_rate_init=1e-12, max_iter=1)
fit(still, D_train, y_train)
rates = {"After the first guess": rates_of(still)}
draw_weights(still)
rates["Drawn at random"] = rates_of(still)
for label, layers in rates.items():
    n_silent = [int((r == 0).sum()) for r in layers]
    print(f"{label}: silent neurons, hidden and output: {n_silent}")

# Plotting code
# Alt text: Firing rates of 100 hidden and 10 output neurons, sorted. Drawn at random,
# all output neurons and nearly all hidden ones are at zero. After the first guess all
# of them fire, at about the same rate.
figure, axes = plt.subplots(2, figsize=(5.2, 5.4), layout="constrained")
for i, (ax, name) in enumerate(zip(axes, ("Hidden", "Output"), strict=True)):
    for (label, layers), marker in zip(rates.items(), ".x", strict=True):
        color = BLUE if marker == "." else ORANGE
        ax.plot(np.sort(layers[i]), marker, color=color, label=label)
    ax.set(xlabel=f"{name} neuron, in order of rate", ylabel="Spikes per step")
axes[0].legend(fontsize="small", loc="upper left")
plt.show()

# %%
# After the first guess none is silent, and the difference lasts. From what was drawn
# the network does not learn at all, since no output neuron ever fires; from the first
# guess it does. (With ``warm_start``, ``fit`` goes on from the weights that there are.)

still.set_params(warm_start=True, learning_rate_init=0.002, max_iter=15)
guessed = SpikingClassifier((100,), threshold=4, **zero)
for start, model in {"drawn at random": still, "first guess": guessed}.items():
    texts = fit(model, D_train, y_train)
    print(f"{start}: accuracy {model.score(D_test, y_test):.2f}")
    show(text.split(":")[0] for text in texts)

# %%
# The first guess guards the start, not what comes after it, as the rare 8 has shown.
#
# What to turn
# ------------
# The warning names what may help. For the network of the rare 8, one change at a time,
# from three seeds each:

changes = {
    "nothing": {},
    'class_weight="balanced"': {"class_weight": "balanced"},
    "threshold=0.1": {"threshold": 0.1},
    "beta=2": {"beta": 2},
    "alpha=0.99": {"alpha": 0.99},
    "learning_rate_init=0.01": {"learning_rate_init": 0.01},
    "max_iter=40": {"max_iter": 40},
}
recalls = {}
for name, change in changes.items():
    recalls[name] = []
    for seed in range(3):
        parameters = {**zero, "random_state": seed, **change}
        model = SpikingClassifier((50,), **parameters)
        is_dead = bool(fit(model, S_train, y_kept))
        recall = recall_score(y_test, model.predict(S_test), average=None)[8]
        recalls[name].append((recall, is_dead))
    shares = np.round([recall for recall, _ in recalls[name]], 2)
    print(f"{name:24} {shares}, mean {shares.mean():.2f}")
assert min(recalls['class_weight="balanced"'])[0] > 0.1

# Plotting code
# Alt text: The share of the 8s that is recognized, three seeds each, for seven
# settings. With balanced class weights all seeds are well above zero; with a threshold
# of 0.1, as with most others, all stay at zero and warn; with 40 epochs one does not.
figure, ax = plt.subplots(figsize=(5.2, 3.4), layout="constrained")
for row, results in enumerate(recalls.values()):
    for seed, (recall, is_dead) in enumerate(results):
        marker, color = ("x", ORANGE) if is_dead else ("o", BLUE)
        height = row + 0.2 * (seed - 1)  # side by side, since many are zero
        ax.plot(recall, height, marker, color=color, markersize=5)
ax.plot([], [], "x", color=ORANGE, label="Warned")
ax.plot([], [], "o", color=BLUE, label="Did not warn")
ax.set_yticks(range(len(changes)), changes)
ax.set(xlabel="Share of the 8s that is recognized", xlim=(-0.02, None))
ax.invert_yaxis()
ax.legend(fontsize="small", loc="center right")
plt.show()

# %%
# Weights that make up for the rarity, which is the cause, help with every seed. More
# epochs help with one of them. The others do nothing here; each has a case of its own.
# So look for the cause first:
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

cured = SpikingClassifier((50,), class_weight="balanced", **zero)
assert not fit(cured, S_train, y_kept)
sample = np.flatnonzero((y_test == 8) & (cured.predict(S_test) == 8))[0]

# Plotting code
# Alt text: Membranes of the output neurons 1, 3 and 8 over 25 steps while the network
# sees an 8. Before, that of neuron 8 sinks out of the picture within a few steps.
# After, it charges and fires again and again.
figure, axes = plt.subplots(2, figsize=(5.2, 7), layout="constrained")
shown = {"sample": sample, "units": [1, 3, 8]}
for ax, model in zip(axes, (silent, cured), strict=True):
    MembraneDisplay.from_estimator(model, S_test, ax=ax, **shown)
    ax.set_title("Before" if model is silent else "After", loc="left")
plt.show()

# %%
# Before, the membrane of neuron 8 sinks out of the picture within a few steps. After,
# it charges, fires, and charges again.
#
# The opposite: saturation
# ------------------------
# A neuron that fires in every step says as little, and far above the threshold the
# surrogate vanishes too. Too high a learning rate throws membranes that far: here the
# default and one 250 times as high, on the columns of the breast cancer data.

X_c, y_c = load_breast_cancer(return_X_y=True)
split = train_test_split(X_c, y_c, random_state=0, stratify=y_c)
A_train, A_test, b_train, b_test = split
scaler = StandardScaler().fit(A_train)
Z_train, Z_test = scaler.transform(A_train), scaler.transform(A_test)
answers = {}
for rate in (0.002, 0.5):
    model = SpikingClassifier(**options | {"learning_rate_init": rate})
    texts = fit(model, Z_train, b_train)
    spikes = model.simulate(Z_test, layers=[0], inputs=False).spikes[0]
    answers[rate] = spikes.mean(axis=1).ravel()
    extreme = np.isin(answers[rate], (0, 1)).mean()
    accuracy = model.score(Z_test, b_test)
    print(f"learning_rate_init={rate}: accuracy {accuracy:.2f},", end=" ")
    print(f"{extreme:.0%} silent or at every step")
    show(text.split(":")[0] for text in texts)

# Plotting code
# Alt text: Histograms of the firing rates of hidden neurons. With the default learning
# rate half of them are silent and the rest spread up to a spike in every step; with the
# high one they are silent or fire in every step, and nothing in between.
figure, axes = plt.subplots(2, figsize=(5.2, 5), layout="constrained")
for ax, (rate, values) in zip(axes, answers.items(), strict=True):
    weights = np.full(values.size, 1 / values.size)
    ax.hist(values, bins=np.linspace(0, 1, 26), weights=weights, color=BLUE)
    ax.set(title=f"learning_rate_init={rate}", ylabel="Share")
axes[1].set_xlabel("Spikes per step, of each hidden neuron and sample")
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

columns = {"raw": (A_train, A_test), "scaled": (Z_train, Z_test)}
for title, (train, test) in columns.items():
    accuracy = []
    for seed in range(3):
        model = SpikingClassifier(**options | {"random_state": seed})
        fit(model, train, b_train)
        accuracy.append(model.score(test, b_test))
    print(f"{title} columns: accuracy", end=" ")
    print(f"{np.mean(accuracy):.2f} +/- {np.std(accuracy):.2f}, three seeds")

# %%
# So :class:`~sklearn.preprocessing.StandardScaler` belongs in front. Next, what a
# gradient costs that is not quite one: :ref:`sphx_glr_auto_guide_08_article.py`.
