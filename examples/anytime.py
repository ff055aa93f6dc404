"""
Early answers
=============

A spiking network has an answer at every step, from the spikes so far. We look at how
soon it is right, and let it stop as soon as it is sure.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier
from sklearn_snn.inspection import AnytimeAccuracyDisplay

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

n_steps = len(probability)
steps = np.arange(1, n_steps + 1)
by_confidence = probability[-1].max(axis=1).argsort()
chosen = by_confidence[[-1, len(by_confidence) // 10, 0]]
figure, axes = plt.subplots(
    1, 3, figsize=(10, 3.2), sharey=True, layout="constrained"
)
for sample, ax in zip(chosen, axes, strict=True):
    for label, curve in zip(
        classifier.classes_, probability[:, sample].T, strict=True
    ):
        style = {"linewidth": 3 if label == y_test[sample] else 1.5}
        style |= {"label": label} if curve.max() > 0.2 else {"color": "0.8"}
        ax.plot(steps, curve, **style)
    ax.set(title=f"A {y_test[sample]}", xlabel="Time (steps)", ylim=(0, 1.02))
    ax.legend(title="Class", loc="upper left")
axes[0].set_ylabel("Probability so far")
plt.show()

# %%
# Stop when sure
# --------------
#
# The rule: answer at the first step at which the largest probability exceeds ``p``, or
# at the last step if there is none.


def stop_when_sure(probability, p):
    """Return the answers, and the number of steps that each took."""
    is_sure = probability.max(axis=2) > p
    is_sure[-1] = True
    stop = is_sure.argmax(axis=0)
    samples = np.arange(probability.shape[1])
    answers = classifier.classes_[probability[stop, samples].argmax(axis=1)]
    return answers, stop + 1


levels = [0.15, 0.2, 0.3, 0.4, 0.6, 0.8, 0.95]
accuracy, mean_steps = [], []
for p in levels:
    answers, stop = stop_when_sure(probability, p)
    accuracy.append((answers == y_test).mean())
    mean_steps.append(stop.mean())
    print(
        f"p={p:<4}  accuracy {accuracy[-1]:.3f}  mean number of steps {stop.mean():.1f}"
    )

# %%
# Easy samples are answered soon and leave the steps to the hard ones. Where steps are
# few, below some ten on average, stopping when sure is more often right than stopping
# at a fixed step; with more, both are about as good as all 50.

fixed = (probability.argmax(axis=2) == y_test).mean(axis=1)
figure, ax = plt.subplots(figsize=(6.5, 3.8), layout="constrained")
ax.plot(steps, fixed, ".--", color="C1", label="At a fixed step")
ax.plot(mean_steps, accuracy, "o-", color="C0", label="When sure (p)")
for p, x, height in zip(levels, mean_steps, accuracy, strict=True):
    ax.annotate(
        f"{p}", (x, height), (0, 6), textcoords="offset points", ha="center"
    )
ax.set(xlabel="Mean number of steps", ylabel="Accuracy", ylim=(0.8, 1))
ax.legend(loc="lower right")
plt.show()
