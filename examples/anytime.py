"""
Early answers: how soon they are right, and what stopping saves
===============================================================

A spiking network has an answer at every step, from the spikes so far. We look at how
soon it is right, let it stop as soon as it is sure, and count what that saves, and
where.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier
from sklearn_snn.inspection import AnytimeAccuracyDisplay

# sphinx_gallery_thumbnail_number = 3

# A fixed number of epochs is the plan.
warnings.filterwarnings("ignore", "Maximum number of epochs")

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=0.4, random_state=0, stratify=y
)
model = make_pipeline(
    PoissonSpikeEncoder(n_steps=50, random_state=0),
    SpikingClassifier((100,), max_iter=30, random_state=0),
)
model.fit(X_train, y_train)
print(f"accuracy after all 50 steps: {model.score(X_test, y_test):.3f}")

# %%
# Accuracy after each step
# ------------------------
#
# Above, the accuracy of the answer after each step; below, the spikes that the input
# and each layer have fired for it by then.

# Alt text: On top the accuracy after each of 50 steps, which rises within some ten
# steps to its final value. Below, the spikes fired so far by input, hidden and output
# layer, which grow in straight lines.
AnytimeAccuracyDisplay.from_estimator(model, X_test, y_test)
plt.show()

# %%
# Single samples
# --------------
#
# ``staged_predict_proba`` yields the class probabilities after step 1, 2, ... It is a
# method of the classifier, which takes the spike trains that the encoder makes.

encoder, classifier = model
spikes = encoder.transform(X_test)
probability = np.stack(list(classifier.staged_predict_proba(spikes)))
print(f"steps, samples, classes: {probability.shape}")

# %%
# Here are the sample of which the network is most sure at the end, one in between, and
# the one of which it is least sure. A line is a class, the true one is thick; those
# that never get above 0.2 are grey.

# Plotting code
# Alt text: Class probabilities over 50 steps for three digits. For the surest one class
# rises at once; for the one in between it takes longer; for the least sure several
# classes stay close to each other.
n_steps = len(probability)
steps = np.arange(1, n_steps + 1)
by_confidence = probability[-1].max(axis=1).argsort()
chosen = by_confidence[[-1, len(by_confidence) // 10, 0]]
figure, axes = plt.subplots(
    3, figsize=(5.2, 7.4), sharex=True, layout="constrained"
)
for sample, ax in zip(chosen, axes, strict=True):
    for label, curve in zip(
        classifier.classes_, probability[:, sample].T, strict=True
    ):
        style = {"linewidth": 3 if label == y_test[sample] else 1.5}
        style |= {"label": label} if curve.max() > 0.2 else {"color": "0.8"}
        ax.plot(steps, curve, **style)
    ax.set(title=f"A {y_test[sample]}", ylim=(0, 1.02))
    ax.set_ylabel("Probability so far")
    ax.legend(title="Class", loc="upper left")
axes[-1].set_xlabel("Time (steps)")
plt.show()

# %%
# Stop when sure
# --------------
#
# The rule: answer at the first step at which the largest probability exceeds ``p``, or
# at the last step if there is none. Easy samples are answered soon and leave the steps
# to the hard ones. Up to its last step, a sample costs the spikes that have been fired
# for it by then; we count those of the input and of all layers.


def stop_when_sure(probability, p):
    """Return the answers, and the number of steps that each took."""
    is_sure = probability.max(axis=2) > p
    is_sure[-1] = True
    stop = is_sure.argmax(axis=0)
    samples = np.arange(probability.shape[1])
    answers = classifier.classes_[probability[stop, samples].argmax(axis=1)]
    return answers, stop + 1


record = classifier.simulate(spikes)
layers = [record.inputs, *record.spikes]
fired = sum(np.sum(layer, axis=2, dtype=float) for layer in layers).cumsum(
    axis=1
)
print(f"all 50 steps: {fired[:, -1].mean():.0f} spikes per sample")

levels = [0.15, 0.2, 0.3, 0.4, 0.6, 0.8, 0.95]
accuracy, mean_steps = [], []
for p in levels:
    answers, stop = stop_when_sure(probability, p)
    accuracy.append((answers == y_test).mean())
    mean_steps.append(stop.mean())
    n_spikes = fired[np.arange(len(stop)), stop - 1].mean()
    print(f"p={p:<4}  accuracy {accuracy[-1]:.3f},", end=" ")
    print(f"{stop.mean():4.1f} steps, {n_spikes:4.0f} spikes")

# %%
# The same accuracy comes from a part of the steps and of the spikes. Where steps are
# few, stopping when sure is more often right than stopping at a fixed step; with more,
# both are about as good as all 50.

fixed = (probability.argmax(axis=2) == y_test).mean(axis=1)

# Plotting code
# Alt text: Accuracy against the mean number of steps. Stopping at a fixed step, it
# rises from below 0.8 and levels off after some 15 steps. Stopping when sure, it is
# higher for fewer than ten steps, and the same after that.
figure, ax = plt.subplots(figsize=(5.2, 3.8), layout="constrained")
ax.plot(steps, fixed, ".--", color="C1", label="At a fixed step")
ax.plot(mean_steps, accuracy, "o-", color="C0", label="When sure (p)")
for p, x, height in zip(levels, mean_steps, accuracy, strict=True):
    ax.annotate(
        f"{p}", (x, height), (0, 6), textcoords="offset points", ha="center"
    )
ax.set(xlabel="Mean number of steps", ylabel="Accuracy", ylim=(0.8, 1))
ax.legend(loc="lower right")
plt.show()

# %%
# What it saves, and where
# ------------------------
#
# These steps and spikes are saved where a network runs step by step: on neuromorphic
# hardware, or in a program that is fed by a sensor. Here nothing is saved: the
# ``staged_`` methods compute all steps before they yield the first answer, since that
# is the fastest way for many samples at once. They tell how many steps are worth their
# while. To save time with this library, train a network for fewer steps; its cost falls
# in proportion. With three seeds each:

for n in (10, 20, 50):
    scores = []
    for seed in range(3):
        short = make_pipeline(
            PoissonSpikeEncoder(n_steps=n, random_state=seed),
            SpikingClassifier((100,), max_iter=30, random_state=seed),
        ).fit(X_train, y_train)
        scores.append(short.score(X_test, y_test))
    print(f"trained for {n} steps: accuracy", end=" ")
    print(f"{np.mean(scores):.3f} +/- {np.std(scores):.3f}")
