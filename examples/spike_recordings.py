"""
Your own spike recordings
=========================

Recordings are a 3-D array: samples, time steps, channels. A spiking network reads them
step by step, so it can use *when* spikes come. Here two classes have the same spike
counts, and differ only in which of two groups of channels fires first.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression

from sklearn_snn import SpikingClassifier
from sklearn_snn.inspection import SpikeRasterDisplay

# A fixed number of epochs is the plan.
warnings.filterwarnings("ignore", "Maximum number of epochs")
warnings.filterwarnings(
    "ignore", "Training stopped for want"
)  # without a memory

# %%
# The recordings
# --------------
#
# 40 channels fire at random, with a probability of 0.02 per step. At a random time, one
# half of them has a burst of 10 steps, and 15 steps after its beginning the other half
# has one. The class is which half comes first. Spikes are best kept as
# ``bool`` or ``uint8``: a byte each, and the network computes in float32.


def record(n_samples, n_steps, rng):
    """Return recordings of shape (n_samples, n_steps, 40), and which half is first."""
    y = rng.integers(2, size=n_samples)
    begin = rng.integers(5, n_steps - 30, size=(n_samples, 1))
    rates = np.full((n_samples, n_steps, 40), 0.02)
    for half, channels in enumerate((slice(0, 20), slice(20, 40))):
        delay = np.where(y == half, 0, 15)[:, np.newaxis]
        since = np.arange(n_steps) - begin - delay
        is_burst = (since >= 0) & (since < 10)
        rates[:, :, channels][is_burst] = 0.25
    return rng.random(rates.shape) < rates, y


rng = np.random.default_rng(0)
X_train, y_train = record(1500, 60, rng)
X_test, y_test = record(1500, 60, rng)
print(f"X_train: {X_train.dtype} of shape {X_train.shape}")
for label in (0, 1):
    of_class = X_train[y_train == label]
    halves = of_class[:, :, :20].mean(), of_class[:, :, 20:].mean()
    print(f"class {label}: {halves[0]:.4f} and {halves[1]:.4f} spikes per step")

# %%
# Counts do not tell
# ------------------
#
# Both halves fire as much in either class. A classifier of each channel's spike count
# can only guess.

counts = LogisticRegression().fit(X_train.sum(axis=1), y_train)
print(f"spike counts: accuracy {counts.score(X_test.sum(axis=1), y_test):.3f}")

# %%
# Time does
# ---------
#
# The network is given the array as it is. Its number of steps is that of the array.

network = SpikingClassifier((30,), alpha=0.95, max_iter=20, random_state=0)
network.fit(X_train, y_train)
print(f"spiking network: accuracy {network.score(X_test, y_test):.3f}")

# %%
# One recording of each class, and what the network makes of it: input at the bottom,
# the answer on top.

figure, axes = plt.subplots(1, 2, figsize=(11, 7), layout="constrained")
for label, ax in enumerate(axes):
    sample = int(np.flatnonzero(y_test == label)[0])
    display = SpikeRasterDisplay.from_estimator(
        network, X_test, sample=sample, ax=ax
    )
    display.ax_[0].set_title(f"A recording of class {label}\nOutput layer")
plt.show()

# %%
# Why the leak matters
# --------------------
#
# What a membrane received ``k`` steps ago has decayed to ``alpha ** k``. To notice that
# the other half fired before, a membrane has to remember it for some 15 steps: with
# ``alpha=0.8`` only 4 % would be left by then, with 0.95 it is 46 %.

leaks = [0, 0.6, 0.8, 0.85, 0.9, 0.95, 0.98]
models = [
    SpikingClassifier((30,), alpha=alpha, max_iter=20, random_state=0).fit(
        X_train, y_train
    )
    for alpha in leaks
]
accuracy = [model.score(X_test, y_test) for model in models]

figure, ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
ax.plot(accuracy, "o-", color="C0", label="Spiking network")
ax.axhline(0.5, linestyle="--", color="C1", label="Chance")
ax.set_xticks(range(len(leaks)), [f"{a}\n{a**15:.0%}" for a in leaks])
ax.set_xlabel("Leak alpha, and what it leaves after 15 steps")
ax.set(ylabel="Accuracy", ylim=(0.45, 1.02))
ax.legend()
plt.show()
for alpha, score in zip(leaks, accuracy, strict=True):
    print(f"alpha={alpha}: accuracy {score:.3f}")

# %%
# For other data the right memory, about ``1 / (1 - alpha)`` steps, is another one; it
# can be found by cross-validation, as in
# :ref:`sphx_glr_auto_examples_grid_search.py`. Without any, ``alpha=0``, a neuron sees
# the present step only. A recording and the same played backwards, which belongs to the
# other class, are then one to the network:

backwards = models[0].predict_proba(X_test[:, ::-1])
print(np.array_equal(models[0].predict_proba(X_test), backwards))

# %%
# Longer recordings
# -----------------
#
# A linear classifier can use time as well, if each channel at each step is a feature of
# its own.

by_step = LogisticRegression().fit(X_train.reshape(1500, -1), y_train)
score = by_step.score(X_test.reshape(1500, -1), y_test)
print(f"a weight for each channel and step: accuracy {score:.3f}")

# %%
# But such weights belong to a step; the network's do not. It reads recordings of any
# length, here of 120 steps with the bursts anywhere in them.

X_long, y_long = record(500, 120, rng)
print(f"twice as long: accuracy {network.score(X_long, y_long):.3f}")
