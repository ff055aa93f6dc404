"""
Numbers instead of classes: a table, and the time between two events
====================================================================

``SpikingRegressor`` predicts real numbers: its hidden layers fire, and its output
neurons add up their spikes without firing themselves. First a table, where it is one
choice of several, then spike recordings, whose target is a time.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import RepeatedKFold, cross_val_score
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_snn import SpikingRegressor

# A fixed number of epochs is the plan.
warnings.filterwarnings("ignore", "Maximum number of epochs")
warnings.filterwarnings("ignore", "Stochastic Optimizer: Maximum iterations")

# sphinx_gallery_thumbnail_number = 1

# %%
# A table
# -------
#
# How far diabetes has got after a year, from ten measurements of each of 442 patients.
# The columns are scaled as for any network, and are constant currents; the target needs
# no scaling. R squared is the share of its variance that is predicted, on rows left
# out: mean and standard deviation of ten splits.

X, y = load_diabetes(return_X_y=True)
models = {
    "Ridge regression": RidgeCV(np.geomspace(0.01, 1000, 20)),
    "MLPRegressor": MLPRegressor(
        hidden_layer_sizes=(50,),
        max_iter=500,
        learning_rate_init=0.01,
        random_state=0,
    ),
    "SpikingRegressor": SpikingRegressor((50,), max_iter=50, random_state=0),
}
splits = RepeatedKFold(n_splits=5, n_repeats=2, random_state=0)
for name, model in models.items():
    pipeline = make_pipeline(StandardScaler(), model)
    r2 = cross_val_score(pipeline, X, y, cv=splits)
    print(f"{name:16} R squared {r2.mean():.2f} +/- {r2.std():.2f}")

# %%
# The three differ by less than the splits do, and the linear model fits in no time: a
# table of a few hundred rows is no reason for a network of spikes.
#
# The time between two events
# ---------------------------
#
# 40 channels fire at random. One half of them has a burst of 10 steps, the other half
# one that begins some steps after the end of the first; at what time the first comes is
# random too. How long was the pause?


def record(n_samples, rng):
    """Return recordings of 70 steps, and the pause between two bursts."""
    begin = rng.uniform(2, 18, size=(n_samples, 1))
    pause = rng.uniform(3, 27, size=(n_samples, 1))
    rates = np.full((n_samples, 70, 40), 0.02)
    starts = begin, begin + 10 + pause
    for channels, start in zip(
        (slice(0, 20), slice(20, 40)), starts, strict=True
    ):
        since = np.arange(70) - start
        rates[:, :, channels][(since >= 0) & (since < 10)] = 0.25
    return rng.random(rates.shape) < rates, pause[:, 0]


rng = np.random.default_rng(0)
X_train, y_train = record(1000, rng)
X_test, y_test = record(1000, rng)
ridge = RidgeCV(np.geomspace(0.1, 1e4, 11))
for name, flat in (
    ("counts", lambda X: X.sum(axis=1)),
    ("each step", lambda X: X.reshape(len(X), -1).astype(float)),
):
    score = ridge.fit(flat(X_train), y_train).score(flat(X_test), y_test)
    print(f"ridge regression on {name}: R squared {score:.2f}")

# %%
# Counts say nothing. A weight for each channel and step says much, but for recordings
# of this very length. The network reads the recording step by step, and ``alpha``,
# ``neuron`` and ``learn_neuron`` say how its neurons remember
# (:ref:`sphx_glr_auto_guide_09_adaptive_neurons.py`). Three seeds of the network each:

neurons = {
    "leaky, 20 steps": {},
    "adaptive": {"neuron": "adlif"},
    "adaptive, learned": {"neuron": "adlif", "learn_neuron": True},
}
for name, parameters in neurons.items():
    scores = []
    for seed in range(3):
        network = SpikingRegressor(
            (40,),
            max_iter=30,
            batch_size=32,
            learning_rate_init=0.01,
            random_state=seed,
            **parameters,
        ).fit(X_train, y_train)
        scores.append(network.score(X_test, y_test))
    print(f"{name:18} R squared {np.mean(scores):.3f} +/- {np.std(scores):.3f}")

# Plotting code
# Alt text: Predicted against true pauses of 1,000 recordings, from 3 to 27 steps: the
# points lie along the diagonal, and spread by some two steps around it.
figure, ax = plt.subplots(figsize=(5.2, 4.2), layout="constrained")
ax.plot(y_test, network.predict(X_test), ".", color="#0072B2", markersize=3)
ax.plot([3, 27], [3, 27], color="black", linewidth=1)
ax.set(xlabel="True pause (steps)", ylabel="Predicted pause (steps)")
plt.show()

# %%
# While the recording goes on
# ---------------------------
#
# ``staged_predict`` gives the prediction after each step, from the membranes until
# then. It cannot be right before the second burst has begun, which may be at any step
# from 15 on; below it is drawn for three recordings, with a mark at the right for the
# true pause.

stages = np.array([*network.staged_predict(X_test)])
error = np.sqrt(np.mean((stages - y_test) ** 2, axis=1))
for t in (20, 40, 60, 70):
    print(f"after {t} steps: root mean squared error {error[t - 1]:.1f} steps")

# Plotting code
# Alt text: The predicted pause of three recordings after each of 70 steps. The lines
# begin together, part while the bursts come, and end near the true pauses, which are
# marked at the right.
figure, ax = plt.subplots(figsize=(5.2, 3.4), layout="constrained")
chosen = np.argsort(y_test)[[50, 500, 950]]
for i, color in zip(chosen, ("#0072B2", "#D55E00", "#009E73"), strict=True):
    ax.plot(np.arange(1, 71), stages[:, i], color=color)
    ax.plot(72, y_test[i], "<", color=color, clip_on=False)
ax.set(xlabel="Steps seen", ylabel="Predicted pause (steps)", xlim=(0, 72))
plt.show()

# %%
# Several numbers at once
# -----------------------
#
# A ``y`` of two columns is predicted by two output neurons on one hidden layer: here
# the pause, and how strong both bursts were together, in spikes.

both = np.column_stack([y_train, X_train.sum(axis=(1, 2))])
both_test = np.column_stack([y_test, X_test.sum(axis=(1, 2))])
network = SpikingRegressor(
    (40,),
    neuron="adlif",
    learn_neuron=True,
    max_iter=30,
    batch_size=32,
    learning_rate_init=0.01,
    random_state=0,
).fit(X_train, both)
error = np.mean((network.predict(X_test) - both_test) ** 2, axis=0)
for name, r2 in zip(
    ("pause", "spikes"), 1 - error / both_test.var(axis=0), strict=True
):
    print(f"{name}: R squared {r2:.2f}")
