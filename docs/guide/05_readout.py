r"""
5. From spikes to a class
=========================

The last layer has one neuron per class. Its spikes are counted, the counts are scaled
to **logits**, and from there on all is as in logistic regression: a softmax makes
probabilities of them, and the cross-entropy is the loss. This chapter computes each
step, shows what the scale is for, and follows the answer while it forms.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import softmax
from sklearn.datasets import load_digits
from sklearn.metrics import log_loss
from sklearn.model_selection import train_test_split

from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier
from sklearn_snn._network import cross_entropy

BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"
# A fixed number of epochs is the plan.
warnings.filterwarnings("ignore", "Maximum number of epochs")

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, random_state=0, stratify=y
)
n_steps = 50
encoder = PoissonSpikeEncoder(n_steps=n_steps, random_state=0).fit(X_train)
S_train, S_test = encoder.transform(X_train), encoder.transform(X_test)
model = SpikingClassifier((50,), max_iter=15, random_state=0).fit(
    S_train, y_train
)
print(f"accuracy on test digits: {model.score(S_test, y_test):.3f}")

# %%
# Counts, logits, probabilities
# -----------------------------
# The output neuron of class :math:`k` fires :math:`n_k` times in :math:`T` steps. With
# a scale :math:`c`, the parameter ``logit_scale``,
#
# .. math::
#
#    n_k &= \sum_{t=1}^{T} s_{t,k} && \text{count} \\
#    z_k &= c \, n_k && \text{logit} \\
#    p_k &= \frac{e^{z_k}}{\sum_j e^{z_j}} && \text{probability, the softmax}
#
# :meth:`~sklearn_snn.SpikingClassifier.simulate` records the spikes, and each equation
# is a line:

record = model.simulate(S_test)
c = 10 / n_steps
n = record.spikes[-1].sum(axis=1).astype(float)
z = c * n
p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)

assert np.allclose(z, model.decision_function(S_test))
assert np.allclose(p, model.predict_proba(S_test))
print("counts of the first test digit:", n[0].astype(int))
print("its probabilities:             ", p[0].round(2))

# %%
# The library's own line, in ``sklearn_snn/_network.py``:
#
# .. literalinclude:: /../sklearn_snn/_network.py
#    :pyobject: readout
#
# Only differences of counts matter: one more spike of every output neuron leaves the
# probabilities as they were, since :math:`e^c` cancels. And ``predict`` needs neither
# scale nor softmax: the largest count is also the largest probability.
#
# The loss and its gradient
# -------------------------
# The loss of a sample of class :math:`y` is the cross-entropy, and its derivative by
# the logits is as short as in logistic regression. Each output spike adds :math:`c` to
# its logit, so the derivative by a spike has one more factor and is the same in all
# steps:
#
# .. math::
#
#    L &= -\log p_y = \log \sum_j e^{z_j} - z_y \\
#    \frac{\partial L}{\partial z_k} &= p_k - [k = y] \\
#    \frac{\partial L}{\partial s_{t,k}} &= c \, (p_k - [k = y])
#
# ``[k = y]`` is 1 for the right class and 0 for the others. So the neuron of the right
# class is told to fire more, all others to fire less, and all the less the surer the
# network already is. In lines of Python, for the mean over the samples:

rows = np.arange(len(y_test))
loss = -np.log(p[rows, y_test]).mean()
one_hot = np.zeros_like(p)
one_hot[rows, y_test] = 1
gradient = (p - one_hot) / len(p)

shares = np.full(len(p), 1 / len(p))
library_loss, library_gradient = cross_entropy(z, y_test, shares)
assert np.allclose(loss, library_loss)
assert np.allclose(gradient, library_gradient)
print(f"loss: {loss:.4f}, of scikit-learn: {log_loss(y_test, p):.4f}")

# %%
# A difference quotient of the loss agrees with the derivative, for each logit of the
# first digit:

h, quotients = 1e-5, []
for k in range(10):
    up, down = z.copy(), z.copy()
    up[0, k] += h
    down[0, k] -= h
    difference = cross_entropy(up, y_test, shares)[0]
    difference -= cross_entropy(down, y_test, shares)[0]
    quotients.append(difference / (2 * h))
assert np.allclose(quotients, gradient[0], atol=1e-8)

# %%
# In the library the samples may count differently, as ``sample_weight`` says; the
# shares are what each has of the whole:
#
# .. literalinclude:: /../sklearn_snn/_network.py
#    :pyobject: cross_entropy
#
# From :math:`\partial L / \partial s_{t,k}` the gradient goes back through the steps:
# :ref:`sphx_glr_auto_guide_04_bptt.py`.
#
# Why a scale?
# ------------
# A lead of 10 spikes is nothing unusual in 50 steps, and with counts as logits it would
# mean odds of :math:`e^{10}`, which is 22,026 to 1. The default, ``"auto"``, is
# :math:`c = 10 / T`: a neuron that always fires has logit 10, whatever the number of
# steps. Here is a digit that the network is not sure of, and then the largest
# probability of every test digit, of the same counts:

unsure = 28
largest = {}
figure, axes = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
for i, (scale, color) in enumerate(((c, BLUE), (1, ORANGE))):
    p_scaled = softmax(scale * n, axis=1)
    largest[scale] = p_scaled.max(axis=1)
    label = (
        "Scaled, $c = 10 / T = 0.2$"
        if scale == c
        else "Counts as logits, $c = 1$"
    )
    x = np.arange(10) + 0.4 * i - 0.2
    axes[0].bar(x, p_scaled[unsure], width=0.4, color=color, label=label)
    axes[1].hist(
        largest[scale],
        bins=np.linspace(0, 1, 21),
        histtype="step",
        linewidth=1.5,
        color=color,
    )
axes[0].set(xlabel="Class", ylabel="Probability", title="A digit 2")
axes[0].set_xticks(range(10))
axes[0].set_ylim(0, 1.25)
axes[0].legend(fontsize="small", loc="upper left")
axes[1].set(xlabel="Largest probability", ylabel="Number of test digits")
axes[1].set_title("All test digits")
plt.show()

print("counts of that digit:", n[unsure].astype(int))
for scale, values in largest.items():
    print(
        f"c = {scale}: largest probability above 0.99 in {(values > 0.99).mean():.0%}"
    )

# %%
# With counts as they are the softmax **saturates**: nearly every answer has a
# probability of almost 1, that of the wrong ones included. Two things follow for the
# training. A network that has learned nothing yet is already sure, so its loss begins
# high. And once a sample is right by a few spikes, :math:`p - [k = y]` is almost zero,
# and it teaches nothing more. A scale that is too small is no better: the probabilities
# cannot come near 1 even if an output neuron fires in every step. The same network,
# trained with eight scales:

scales = (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
first_loss, test_loss, accuracy = [], [], []
for scale in scales:
    trial = SpikingClassifier(
        (50,), logit_scale=scale, max_iter=15, random_state=0
    ).fit(S_train, y_train)
    first_loss.append(trial.loss_curve_[0])
    test_loss.append(log_loss(y_test, trial.predict_proba(S_test)))
    accuracy.append(trial.score(S_test, y_test))

figure, axes = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
axes[0].loglog(
    scales, first_loss, "s--", color=ORANGE, label="Training, first epoch"
)
axes[0].loglog(
    scales, test_loss, "o-", color=BLUE, label="Test, after training"
)
axes[0].set(ylabel="Loss (cross-entropy, nats)")
axes[0].axhline(
    np.log(10), color="0.5", linestyle=":", label="Equal probabilities"
)
axes[1].semilogx(scales, accuracy, "o-", color=BLUE, label="Test accuracy")
axes[1].set(ylabel="Accuracy on test digits")
for ax in axes:
    ax.axvline(c, color="black", linewidth=0.8, label='"auto"')
    ax.set_xlabel("Logit per spike, $c$")
    ax.legend(fontsize="small")
plt.show()

# %%
# In a wide range around ``"auto"`` the accuracy hardly depends on the scale; at both
# ends it falls. The loss is more particular about it. It is the probabilities that need
# the scale most, so it is worth a search where they are used.
#
# The answer while it forms
# -------------------------
# Counting can stop after any step. The **running logits** are the scaled counts so far,
# and ``record.logits`` and ``record.probabilities`` hold them for every step. Of the
# digit above:

colors = {1: ORANGE, 2: BLUE}
steps = np.arange(1, n_steps + 1)
figure, axes = plt.subplots(
    1, 3, figsize=(9, 3), width_ratios=(0.6, 1, 1), layout="constrained"
)
axes[0].imshow(X_test[unsure].reshape(8, 8), cmap="Greys")
axes[0].set(xticks=[], yticks=[], title=f"A digit {y_test[unsure]}")
for k in range(10):
    style = {"color": colors.get(k, "0.7"), "label": f"Class {k}"}
    style |= {"zorder": 2 if k in colors else 1}
    if k not in colors:
        style["label"] = "Others" if k == 0 else None
    axes[1].step(steps, record.logits[unsure, :, k], where="mid", **style)
    axes[2].step(
        steps, record.probabilities[unsure, :, k], where="mid", **style
    )
axes[1].set(xlabel="Time (steps)", ylabel="Running logit")
axes[1].legend(fontsize="small")
axes[2].set(xlabel="Time (steps)", ylabel="Running probability")
plt.show()

# %%
# Before the first output spike every class has probability 0.1. Each spike lifts its
# class by :math:`c` and takes from all others. The neurons of classes 1 and 2 fire
# nearly equally often, and the lead changes several times.
#
# Stopping early
# --------------
# :meth:`~sklearn_snn.SpikingClassifier.staged_predict` gives the answers after step 1,
# 2, ... of many samples, without recording anything else. The last one is that of
# ``predict``.

stages = np.array(list(model.staged_predict(S_test)))
assert np.array_equal(stages, record.logits.argmax(axis=2).T)
assert np.array_equal(stages[-1], model.predict(S_test))

is_tied = (record.logits == record.logits.max(axis=2, keepdims=True)).sum(
    axis=2
) > 1
figure, ax = plt.subplots(figsize=(7, 3), layout="constrained")
ax.plot(
    steps, (stages == y_test).mean(axis=1), color=BLUE, label="Answer is right"
)
ax.plot(
    steps,
    is_tied.mean(axis=0),
    "--",
    color=ORANGE,
    label="First place is shared",
)
ax.plot(
    steps, (stages == 0).mean(axis=1), ":", color=GREEN, label='Answer is "0"'
)
ax.set(
    xlabel="Time (steps)", ylabel="Share of test digits", xlim=(0, n_steps + 1)
)
ax.legend(fontsize="small", loc="center right")
plt.show()

# %%
# The first spikes say most: the accuracy is within reach of its final value long before
# the last step. :class:`~sklearn_snn.inspection.AnytimeAccuracyDisplay` draws that
# curve, and what it costs in spikes.
#
# Ties
# ----
# Counts are whole numbers, so two classes can have the same. ``predict`` then answers
# the first of them, in the order of ``classes_``. At step 1 nearly all output neurons
# are still silent, all classes share the first place, and nearly all answers are "0".
# After some ten steps ties are rare:

for t in (1, 2, 5, 10, 50):
    share, zeros = is_tied[:, t - 1].mean(), (stages[t - 1] == 0).mean()
    print(f'step {t:2}: {share:.0%} tied, {zeros:.0%} of the answers are "0"')

# %%
# So a network with few steps may owe some of its errors to ties, and one whose output
# neurons are all silent always answers the first class. What to do about silence is the
# matter of :ref:`sphx_glr_auto_guide_07_silence.py`; what the parameters of neuron and
# training do comes before it: :ref:`sphx_glr_auto_guide_06_choosing.py`.
