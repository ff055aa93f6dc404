r"""
5. From spike counts to answers, probabilities and ties
=======================================================

The last layer has one neuron per class. Its spikes are counted, the counts are scaled
to **logits**, and from there on all is as in logistic regression: a softmax makes
probabilities of them, and the cross-entropy is the loss. This chapter computes each
step, shows what the scale is for, follows the answer while it forms, says what it
means that answers are counts, and compares the readouts that there are.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import softmax
from sklearn.datasets import load_digits, make_classification
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier
from sklearn_snn.exceptions import DeadNeuronWarning

# sphinx_gallery_thumbnail_number = 3

# A fixed number of epochs is the plan.
warnings.filterwarnings("ignore", "Maximum number of epochs")

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, random_state=0, stratify=y
)
n_steps = 50
encoder = PoissonSpikeEncoder(n_steps=n_steps, random_state=0).fit(X_train)
S_train, S_test = encoder.transform(X_train), encoder.transform(X_test)
model = SpikingClassifier((50,), max_iter=40, random_state=0).fit(
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
#    n_k &= \sum_{t=1}^{T} s_{t,k} && \quad \text{count} \\
#    z_k &= c \, n_k && \quad \text{logit} \\
#    p_k &= \frac{e^{z_k}}{\sum_j e^{z_j}} && \quad \text{probability, the softmax}
#
# :meth:`~sklearn_snn.SpikingClassifier.simulate` records the spikes, and each equation
# is a line:

record = model.simulate(S_test)
c = 10 / n_steps
n = record.spikes[-1].sum(axis=1).astype(float)
z = c * n
p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)

print("counts of the first test digit:", n[0].astype(int))
print("its probabilities:             ", p[0].round(2))

# %%
# Only differences of counts matter: one more spike of every output neuron leaves the
# probabilities as they were, since :math:`e^c` cancels. And ``predict`` needs neither
# scale nor softmax: the largest count is also the largest probability.
#
# Counts are whole numbers, and two classes may have the same. So an *answer* has a
# little more in it than the count, which the loss knows nothing of: the mean membrane
# of the output neuron, in thresholds, squeezed to less than half a spike either way. It
# decides between equal counts, and never overrules a spike:

mean_membrane = record.membranes[-1].mean(axis=1) / record.threshold
finer = c * (n + np.tanh(mean_membrane) / 2)
assert np.allclose(finer, model.decision_function(S_test), atol=1e-5)
assert np.allclose(
    softmax(finer, axis=1), model.predict_proba(S_test), atol=1e-5
)

# %%
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


def cross_entropy(z):
    """Return the mean loss of logits of the test digits, and its derivative."""
    p = softmax(z, axis=1)
    rows = np.arange(len(y_test))
    one_hot = np.zeros_like(p)
    one_hot[rows, y_test] = 1
    return -np.log(p[rows, y_test]).mean(), (p - one_hot) / len(p)


loss, gradient = cross_entropy(z)
library = model.loss_and_gradients(S_test, y_test)
assert np.isclose(loss, library.loss, rtol=1e-5)
assert np.isclose(loss, log_loss(y_test, p), rtol=1e-5)
print(f"loss: {loss:.4f}, of the library: {library.loss:.4f}")

# %%
# A difference quotient of the loss agrees with the derivative, for each logit of the
# first digit:

h, quotients = 1e-5, []
for k in range(10):
    up, down = z.copy(), z.copy()
    up[0, k] += h
    down[0, k] -= h
    difference = cross_entropy(up)[0] - cross_entropy(down)[0]
    quotients.append(difference / (2 * h))
assert np.allclose(quotients, gradient[0], atol=1e-8)

# %%
# In the library the samples may count differently, as ``sample_weight`` says. Its own
# lines:
#
# .. dropdown:: The library's lines, for those who want to read them
#
#    .. literalinclude:: /../sklearn_snn/_model/readouts.py
#       :pyobject: Readout.outputs
#
#    .. literalinclude:: /../sklearn_snn/_model/readouts.py
#       :pyobject: Readout.backward
#
#    .. literalinclude:: /../sklearn_snn/_model/losses.py
#       :pyobject: cross_entropy
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

unsure = 172
print("counts of that digit:", n[unsure].astype(int))
scaled = {}
for scale in (c, 1):
    scaled[scale] = softmax(scale * n, axis=1)
    is_sure = (scaled[scale].max(axis=1) > 0.99).mean()
    print(f"c = {scale}: largest probability above 0.99 in {is_sure:.0%}")

# Plotting code
# Alt text: On top the probabilities of the ten classes for one digit 1. Scaled, classes
# 1 and 8 share most of it; with counts as logits one class takes most. Below, a
# histogram of the largest probability of all test digits: spread out with the scale,
# nearly all at 1 without.
BLUE, ORANGE = "#0072B2", "#D55E00"
figure, axes = plt.subplots(2, figsize=(5.2, 5.6), layout="constrained")
labels = "Scaled, $c = 10 / T = 0.2$", "Counts as logits, $c = 1$"
for i, (probability, color) in enumerate(
    zip(scaled.values(), (BLUE, ORANGE), strict=True)
):
    x = np.arange(10) + 0.4 * i - 0.2
    axes[0].bar(x, probability[unsure], width=0.4, color=color, label=labels[i])
    axes[1].hist(
        probability.max(axis=1),
        bins=np.linspace(0, 1, 21),
        histtype="step",
        linewidth=1.5,
        color=color,
    )
axes[0].set(xlabel="Class", ylabel="Probability", title="A digit 1")
axes[0].set_xticks(range(10))
axes[0].set_ylim(0, 1.25)
axes[0].legend(fontsize="small", loc="upper right")
axes[1].set(xlabel="Largest probability", ylabel="Number of test digits")
axes[1].set_title("All test digits")
plt.show()

# %%
# With counts as they are the softmax **saturates**: nearly every answer has a
# probability of almost 1, that of the wrong ones included. Two things follow for the
# training. A network that has learned nothing yet is already sure, so its loss begins
# high. And once a sample is right by a few spikes, :math:`p - [k = y]` is almost zero,
# and it teaches nothing more. A scale that is too small is no better: the probabilities
# cannot come near 1 even if an output neuron fires in every step. The same network,
# trained with five scales from three seeds each:

scales = (0.02, 0.05, 0.2, 1, 5)
# Per scale and seed: loss of epoch 1, test loss, test accuracy.
results = np.empty((len(scales), 3, 3))
for i, scale in enumerate(scales):
    for seed in range(3):
        trial = SpikingClassifier(
            (50,), logit_scale=scale, max_iter=40, random_state=seed
        ).fit(S_train, y_train)
        test_loss = log_loss(y_test, trial.predict_proba(S_test))
        accuracy = trial.score(S_test, y_test)
        results[i, seed] = trial.loss_curve_[0], test_loss, accuracy
    mean, spread = results[i].mean(axis=0), results[i].std(axis=0)
    print(
        f"c = {scale:<4}  test loss {mean[1]:.2f} +/- {spread[1]:.2f},", end=" "
    )
    print(f"accuracy {mean[2]:.3f} +/- {spread[2]:.3f}")

# Plotting code
# Alt text: On top the loss against the scale, on logarithmic axes. The test loss is
# smallest between the default and 1 and rises to both sides; that of epoch 1 is high
# for large scales. Below, the test accuracy: highest from the default to 1, and
# lower at both ends.
figure, axes = plt.subplots(2, figsize=(5.2, 5.6), layout="constrained")
first_loss, test_loss, accuracy = results.mean(axis=1).T
axes[0].loglog(
    scales, first_loss, "s--", color=ORANGE, label="Training, epoch 1"
)
axes[0].loglog(scales, test_loss, "o-", color=BLUE, label="Test, at the end")
axes[0].set(ylabel="Loss (cross-entropy, nats)")
axes[0].axhline(
    np.log(10), color="0.5", linestyle=":", label="Equal probabilities"
)
axes[1].semilogx(scales, accuracy, "o-", color=BLUE, label="Test accuracy")
axes[1].semilogx(scales, results[:, :, 2], ".", color=BLUE, markersize=4)
axes[1].set(ylabel="Accuracy on test digits", xlabel="Logit per spike, $c$")
for ax in axes:
    ax.axvline(c, color="black", linewidth=0.8, label='"auto"')
    ax.legend(fontsize="small")
plt.show()

# %%
# From ``"auto"`` to five times as much the accuracy hardly depends on the scale; on
# both sides of that it falls. The loss is more particular about it. It is the
# probabilities that need the scale most, so it is worth a search where they are used.
#
# The answer while it forms
# -------------------------
# Counting can stop after any step. The **running logits** are those of the counts so
# far, and ``record.logits`` and ``record.probabilities`` hold them for every step. Of
# the digit above:

steps = np.arange(1, n_steps + 1)
for t in (1, 5, 10, 20, 50):
    p_t = record.probabilities[unsure, t - 1]
    best = p_t.argmax()
    print(f"step {t:2}: class {best} leads with {p_t[best]:.2f}")

# Plotting code
# Alt text: A digit 1 of 8 x 8 pixels, and below it the running logits and the running
# probabilities of the ten classes over 50 steps. Those of classes 1 and 8 climb side by
# side, 1 a little ahead; the others stay low.
colors = {1: ORANGE, 8: BLUE}
figure, axes = plt.subplots(
    3, figsize=(5.2, 7), height_ratios=(0.6, 1, 1), layout="constrained"
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
axes[1].set_ylabel("Running logit")
axes[1].legend(fontsize="small")
axes[2].set(xlabel="Time (steps)", ylabel="Running probability")
plt.show()

# %%
# Before the first output spike every class has a probability of about 0.1. Each spike
# lifts its class by :math:`c` and takes from all others. The neurons of classes 1 and 8
# fire nearly equally often, and to the end the answer is not sure.
#
# Stopping early
# --------------
# :meth:`~sklearn_snn.SpikingClassifier.staged_predict` gives the answers after step 1,
# 2, ... of many samples, without recording anything else. The last one is that of
# ``predict``. All steps are computed before the first answer comes: what stopping
# saves, and where, is told in :ref:`sphx_glr_auto_examples_anytime.py`.

stages = np.array(list(model.staged_predict(S_test)))
assert np.array_equal(stages, record.logits.argmax(axis=2).T)
assert np.array_equal(stages[-1], model.predict(S_test))

counts = record.spikes[-1].cumsum(axis=1, dtype=int)
is_tied = (counts == counts.max(axis=2, keepdims=True)).sum(axis=2) > 1

# Plotting code
# Alt text: Over 50 steps, the share of right answers rises from a tenth to nearly 1
# within some 15 steps. In the same time the share of samples whose first place is
# shared by counts falls from nearly 1 to few per cent.
figure, ax = plt.subplots(figsize=(5.2, 3), layout="constrained")
ax.plot(
    steps, (stages == y_test).mean(axis=1), color=BLUE, label="Answer is right"
)
ax.plot(
    steps,
    is_tied.mean(axis=0),
    "--",
    color=ORANGE,
    label="First place is shared by counts",
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
# At step 1 all output neurons are still silent, and all classes share the first place
# by counts; the membranes decide, and know nothing yet. A step later they are right
# more often than one in ten, and soon ties are rare:

for t in (1, 2, 5, 10, 50):
    tied = is_tied[:, t - 1]
    right = (stages[t - 1] == y_test)[tied]
    print(f"step {t:2}: {tied.mean():4.0%} tied,", end=" ")
    print(f"of which right: {right.mean():.0%}")

# %%
# Readouts
# --------
# The count is what a chip sends, and it has a weakness: an output neuron that is silent
# has no gradient to come back by, and with few steps the count is coarse. ``readout``
# has others. With the spikes :math:`s_t` and membranes :math:`u_t` of an output neuron,
# and its threshold :math:`\theta`,
#
# .. math::
#
#    \text{"spike\_count"} &\quad c \sum_t s_t \\
#    \text{"soft\_count"} &\quad c \Bigl( \sum_t s_t
#        + \frac{1}{T} \sum_t u_t / \theta \Bigr) \\
#    \text{"membrane\_mean"} &\quad \frac{c}{T} \sum_t u_t \\
#    \text{"membrane\_last"} &\quad c \, u_T \\
#    \text{"membrane\_max"} &\quad c \max_t u_t \\
#    \text{"softmax\_mean"} &\quad \log \frac{1}{T} \sum_t
#        \mathrm{softmax}(c \, u_t)
#
# In the last four the output neurons never fire: they are leaky integrators. All have
# exact gradients, and :math:`\partial L / \partial u_t` takes the way back beside
# :math:`\partial L / \partial s_t`.
#
# Where silence is an answer that nobody learns from, it shows in a plain table. The
# class is whether the product of two of six columns is positive. Two of the four
# quadrants are often given up by a count: both output neurons fall silent there.

rng = np.random.default_rng(0)
X_product = rng.normal(size=(1500, 6))
y_product = X_product[:, 0] * X_product[:, 1] > 0
A, B = X_product[:1000], X_product[1000:]
a, b = y_product[:1000], y_product[1000:]
product = {}
for readout, scale in (
    ("spike_count", "auto"),
    ("soft_count", "auto"),
    ("membrane_mean", 10),
    ("membrane_last", 10),
    ("membrane_max", 10),
    ("softmax_mean", 10),
):
    for seed in range(3):
        trial = SpikingClassifier(
            (50,),
            readout=readout,
            logit_scale=scale,
            max_iter=60,
            random_state=seed,
        )
        with warnings.catch_warnings():
            # Silence is the point here.
            warnings.simplefilter("ignore", DeadNeuronWarning)
            trial.fit(A, a)
        product.setdefault(readout, []).append(trial.score(B, b))
    print(f"{readout:14}", *(f"{score:.2f}" for score in product[readout]))

# %%
# So a constant current is read by ``"soft_count"``, which is what ``readout="auto"``
# means there: it is a count as long as neurons fire, and where they do not, the
# membrane says how far they are from it. Spike trains and sequences are read by
# ``"spike_count"``, the readout that hardware has.
#
# Ties and rankings
# -----------------
# With two classes the probabilities of a plain count depend on the difference of two
# counts alone: in 25 steps that has at most 51 values. Accuracy does not mind. A score
# that looks at the order of all rows does, such as the area under the ROC curve (AUC),
# the probability that a row of the one class is ranked above one of the other. Here is
# a table with a rare class, from three seeds:

X_rare, y_rare = make_classification(
    n_samples=4000,
    n_features=10,
    n_informative=5,
    weights=[0.98],
    class_sep=1.2,
    flip_y=0,
    random_state=0,
)
X_rare = StandardScaler().fit_transform(X_rare)
A_train, A_test, b_train, b_test = train_test_split(
    X_rare, y_rare, test_size=0.5, random_state=0, stratify=y_rare
)


def ranks(readout, seed):
    """Return the AUC of plain counts and of answers, and values of each."""
    model = SpikingClassifier(
        (50,), readout=readout, max_iter=30, random_state=seed
    )
    with warnings.catch_warnings():
        # The neuron of a rare class may be silent in the last epoch.
        warnings.simplefilter("ignore", DeadNeuronWarning)
        model.fit(A_train, b_train)
    output = model.simulate(A_test, layers=[-1], inputs=False)
    counts = output.spikes[-1].sum(axis=1, dtype=float)
    found = []
    for score in (
        counts[:, 1] - counts[:, 0],
        model.decision_function(A_test),
    ):
        found += [roc_auc_score(b_test, score), len(np.unique(score))]
    return found


names = "AUC of counts", "distinct counts", "AUC of answers", "distinct answers"
for readout in ("spike_count", "soft_count"):
    scores = np.array([ranks(readout, seed) for seed in range(3)])
    print(f"{readout}, mean and standard deviation of three seeds:")
    for name, values in zip(names, scores.T, strict=True):
        print(f"  {name:16} {values.mean():8.3f} +/- {values.std():.3f}")

# %%
# The answers rank all rows, where counts alone tie many. What to do about silence is
# the matter of :ref:`sphx_glr_auto_guide_07_silence.py`; what the parameters of neuron
# and training do comes before it: :ref:`sphx_glr_auto_guide_06_choosing.py`.
