"""
Convert an MLP: a trained network becomes one of spikes
=======================================================

A trained :class:`~sklearn.neural_network.MLPClassifier` becomes a fitted
:class:`~sklearn_snn.SpikingClassifier` in one call, without training. We look at how
many steps it takes until the answers are those of the MLP, at what the conversion does
about that, and at what a little training adds where there are very few steps.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_snn import SpikingClassifier
from sklearn_snn.inspection import AnytimeAccuracyDisplay, SpikeRasterDisplay

# A fixed number of epochs is the plan.
warnings.filterwarnings("ignore", "Stochastic Optimizer")

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=0.4, random_state=0, stratify=y
)
mlp = make_pipeline(
    StandardScaler(),
    MLPClassifier((100, 100), alpha=0.01, max_iter=60, random_state=0),
)
mlp.fit(X_train, y_train)
print(f"MLPClassifier: accuracy {mlp.score(X_test, y_test):.3f}")

# %%
# One call
# --------
#
# ``from_mlp`` takes the MLP and the data that it sees, here behind a scaler, which the
# spiking network stands behind as well. Rows are injected as a constant current for
# ``n_steps`` steps. Each hidden neuron integrates and fires, and its firing rate tells
# the activation that it had.

scaler, classifier = mlp
scaled = scaler.transform(X_train)
spiking = SpikingClassifier.from_mlp(classifier, scaled, n_steps=16)
model = make_pipeline(scaler, spiking)
print(f"16 steps of spikes: accuracy {model.score(X_test, y_test):.3f}")
print(
    f"same answers: {(model.predict(X_test) == mlp.predict(X_test)).mean():.3f}"
)

# %%
# These are the spikes of one digit. The input is no spike, but a current.

# Alt text: Spikes of two hidden layers of 100 neurons over 16 steps, and the digit.
# The first spikes come after some steps; many neurons stay silent, and the others fire
# evenly, none of them at every step.
SpikeRasterDisplay.from_estimator(model, X_test[:1])
plt.show()

# %%
# How many steps?
# ---------------
#
# In ``n`` steps a rate has ``n + 1`` values. What stands for 1, a spike at every step?
# Threshold balancing finds it from the data, for each layer:
#
# - the largest activation, ``balancing="max"``, is reached by few neurons for few
#   samples, and little is left of the range for all others;
# - a percentile of the activations, such as ``balancing=99.9``, cuts off the largest;
# - ``balancing="mse"``, the default, takes that with which the rates have the least
#   squared error. It cuts off more where steps are few.
#
# Beyond that, a neuron that has not quite charged for another spike loses what it has:
# rates are rounded down. ``bias_shift``, which is on by default, makes up for half a
# spike. Here is the accuracy with the default, with a percentile, and with neither.

steps = np.array([2, 3, 4, 6, 8, 12, 16, 32, 64])
ways = {
    "Default": {},
    "Percentile 99.9": {"balancing": 99.9},
    "Largest, rounded down": {"balancing": "max", "bias_shift": False},
}
test = scaler.transform(X_test)
scores = {}
for name, options in ways.items():
    converted = [
        SpikingClassifier.from_mlp(classifier, scaled, n_steps=n, **options)
        for n in steps
    ]
    scores[name] = [network.score(test, y_test) for network in converted]
    print(f"{name:21}", *(f"{score:.3f}" for score in scores[name]))

# Plotting code
# Alt text: Accuracy against the number of steps, from 2 to 64. With the default it is
# close to that of the MLP from three steps on. With a percentile it begins a little
# lower. With the largest activation, rounded down, the network guesses up to six steps,
# and needs 32 to get there.
figure, ax = plt.subplots(figsize=(6, 3.8), layout="constrained")
for (name, values), marker in zip(scores.items(), "os^", strict=True):
    ax.plot(steps, values, marker=marker, label=name)
ax.axhline(mlp.score(X_test, y_test), color="0.5", linestyle="--", label="MLP")
ax.set_xscale("log", base=2)
ax.set_xticks(steps, [str(n) for n in steps])
ax.set(xlabel="n_steps of the conversion", ylabel="Accuracy")
ax.legend(loc="lower right")
plt.show()

# %%
# What counts is the number of steps that a network was made for. The answers of one
# network after each of its steps are right later: its scales are those for more steps,
# and the shift of its biases has its full effect at the last one.

# Alt text: On top the accuracy of one converted network after each of its 32 steps: a
# guess for three steps, then it rises to its final value, at step seven. Below, the
# spikes of both hidden layers so far, which begin with the second step.
converted = SpikingClassifier.from_mlp(classifier, scaled, n_steps=32)
AnytimeAccuracyDisplay.from_estimator(converted, test, y_test)
plt.show()

# %%
# Probabilities
# -------------
#
# Outputs are the mean current of the output neurons, which stands for the logits of the
# MLP; so the probabilities get closer to its own, too.

wanted = mlp.predict_proba(X_test)
for n in (4, 16, 64, 256):
    network = SpikingClassifier.from_mlp(classifier, scaled, n_steps=n)
    error = np.abs(network.predict_proba(test) - wanted).mean()
    print(f"{n:3} steps: mean error of probabilities {error:.4f}")

# %%
# Train it further
# ----------------
#
# A converted network is fitted like any other, and ``partial_fit`` goes on from it. The
# rates of two steps are 0, a half and 1: what was lost by that, training with spikes
# can win back in part.

short = SpikingClassifier.from_mlp(
    classifier, scaled, n_steps=2, random_state=0
)
print(f"2 steps, converted: accuracy {short.score(test, y_test):.3f}")
for _ in range(20):
    short.partial_fit(scaled, y_train)
print(f"2 steps, 20 epochs: accuracy {short.score(test, y_test):.3f}")
