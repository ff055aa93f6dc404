"""
Your own spike recordings: which burst came first
=================================================

Recordings are a 3-D array: samples, time steps, channels. A spiking network reads them
step by step, so it can use *when* spikes come. Here two classes have the same spike
counts, and differ only in which of two groups of channels fires first.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression

from sklearn_snn import SpikingClassifier
from sklearn_snn.exceptions import InputMismatchWarning
from sklearn_snn.inspection import SpikeRasterDisplay

# A fixed number of epochs is the plan.
warnings.filterwarnings("ignore", "Maximum number of epochs")

# sphinx_gallery_thumbnail_number = 1

# %%
# The recordings
# --------------
#
# 40 channels fire at random, with a probability of 0.02 per step. At a random time, one
# half of them has a burst of 10 steps, and 15 steps after its beginning the other half
# has one. The class is which half comes first. Spikes are best kept as
# ``bool`` or ``uint8``: a byte each, and the network computes in float32.


def record(n_samples, n_steps, rng):
    """Return recordings of 40 channels, and which half is first."""
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

# Plotting code
# Alt text: A recording of each class over 60 steps: spikes of 40 channels, of 30 hidden
# neurons and of the two output neurons. In class 0 the lower half of the channels has
# its burst first, in class 1 the upper half; the output neuron of the class fires most.
figure, axes = plt.subplots(2, figsize=(6, 10), layout="constrained")
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

leaks = [0, 0.8, 0.85, 0.9, 0.95, 0.98]
accuracy = np.empty((len(leaks), 3))
print("mean and standard deviation of three seeds:")
for i, alpha in enumerate(leaks):
    for seed in range(3):
        model = SpikingClassifier(
            (30,), alpha=alpha, max_iter=15, random_state=seed
        )
        with warnings.catch_warnings():
            # With too short a memory nothing is learned, and fit says so.
            warnings.simplefilter("ignore")
            model.fit(X_train, y_train)
        accuracy[i, seed] = model.score(X_test, y_test)
        if alpha == 0:
            forgetful = model
    mean, spread = accuracy[i].mean(), accuracy[i].std()
    print(f"alpha={alpha}: accuracy {mean:.3f} +/- {spread:.3f}")

# Plotting code
# Alt text: Accuracy against the leak: that of chance up to 0.8, and rising steeply from
# there to nearly 1 at 0.95 and 0.98.
figure, ax = plt.subplots(figsize=(5.2, 3.5), layout="constrained")
ax.plot(accuracy.mean(axis=1), color="C0", label="Spiking network, mean")
ax.plot(accuracy, "o", color="C0", markersize=4)
ax.axhline(0.5, linestyle="--", color="C1", label="Chance")
ax.set_xticks(range(len(leaks)), [f"{a}\n{a**15:.0%}" for a in leaks])
ax.set_xlabel("Leak alpha, and what it leaves after 15 steps")
ax.set(ylabel="Accuracy", ylim=(0.45, 1.02))
ax.legend()
plt.show()

# %%
# For other data the right memory, about ``1 / (1 - alpha)`` steps, is another one; it
# can be found by cross-validation, as in
# :ref:`sphx_glr_auto_examples_grid_search.py`. Without any, ``alpha=0``, a neuron sees
# the present step only. A recording and the same played backwards, which belongs to the
# other class, are then one to the network:

backwards = forgetful.predict_proba(X_test[:, ::-1])
print(np.array_equal(forgetful.predict_proba(X_test), backwards))

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
# length, here of 120 steps with the bursts anywhere in them. It warns about that, since
# an answer is a count, and a network may have learned how long there is to count.

X_long, y_long = record(500, 120, rng)
with warnings.catch_warnings():
    # Here it is fine: the score is measured on recordings of this very length.
    warnings.simplefilter("ignore", InputMismatchWarning)
    print(f"twice as long: accuracy {network.score(X_long, y_long):.3f}")
