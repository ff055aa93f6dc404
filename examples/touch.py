"""
Touch: letters under a finger, spikes of changes, answers on the way
====================================================================

A robot's finger slides over letters in Braille. Its sensors give signals that change
slowly or not at all, which is what spikes of changes are for; and while the finger is
still moving, the network has an answer already.

The recordings are those of `tutorial 5 of SpyTorch
<https://github.com/fzenke/spytorch>`_ by Friedemann Zenke, CC BY 4.0, from Müller-Cleve
and others, "Braille letter reading: a benchmark for spatio-temporal pattern recognition
on neuromorphic hardware", Frontiers in Neuroscience 16, 2022: 26 letters and the space,
each touched fifty times. The script reads ``Braille/braille.npz``, in the folder that
is its first argument or that ``SKLEARN_SNN_DATA`` names. The file is no part of this
package; ``benchmarks/recording_files.py`` of its repository makes it from a copy of
SpyTorch.
"""

import math
import os
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_snn import (
    ChannelTransformer,
    DeltaSpikeEncoder,
    Sequences,
    SpikingClassifier,
)
from sklearn_snn.inspection import AnytimeAccuracyDisplay
from sklearn_snn.neurons import AdLIF

# sphinx_gallery_thumbnail_number = 2

folder = (
    sys.argv[1] if len(sys.argv) > 1 else os.environ.get("SKLEARN_SNN_DATA", "")
)
path = Path(folder, "Braille", "braille.npz")
if not path.exists():
    sys.exit(
        f"There is no file {path}: what it is stands at the top of this script."
    )

# %%
# The recordings
# --------------
# Most take 76 steps, some one more. Of the twelve sensors, taxels, only four ever
# change: the others never touch a dot, and we leave them out. Every fifth repetition of
# each letter is for the test.

with np.load(path) as data:
    touched = data["taxels"].min(axis=0) < data["taxels"].max(axis=0)
    X = Sequences.of_lengths(data["taxels"][:, touched], data["lengths"])
    y = data["letters"][data["letter"]]
    is_test = data["repetition"] % 5 == 0
X_train, y_train = X[~is_test], y[~is_test]
X_test, y_test = X[is_test], y[is_test]
print(f"taxels that change: {np.flatnonzero(touched)} of {len(touched)}")
print(X_train)

# Plotting code
# Alt text: The signals of four taxels over 77 steps for the letters A and R. Two hardly
# move; one swells in both letters; and one rises for a while in A and dips widely in R.
figure, axes = plt.subplots(
    2, figsize=(5.6, 4.4), sharex=True, layout="constrained"
)
for letter, ax in zip("AR", axes, strict=True):
    signals = X[np.flatnonzero(y == letter)[0]]
    ax.plot(signals, label=[f"taxel {i}" for i in np.flatnonzero(touched)])
    ax.set(title=f"{letter}, first touch", ylabel="Signal")
axes[-1].set_xlabel("Time (steps)")
figure.legend(*axes[0].get_legend_handles_labels(), loc="outside right")
plt.show()

# %%
# A trap
# ------
# The letters were recorded one after the other, from A to Z, and meanwhile the readings
# at rest drifted. How much do the first readings tell, before any dot is touched?

first_train, first_test = (
    np.array([x[0] for x in part]) for part in (X_train, X_test)
)
for letter in "AMZ":
    at_rest = first_train[y_train == letter].mean(axis=0)
    print(f"{letter}: first readings {at_rest.round(1)}")
cheat = make_pipeline(StandardScaler(), LogisticRegression())
cheat.fit(first_train, y_train)
print(f"by these alone: accuracy {cheat.score(first_test, y_test):.3f}")

# %%
# A guess is right once in 27 times. What tells the letters here is nothing that a
# finger feels, and would not hold on another day; held-out repetitions, which drifted
# alike, do not show it. So the network had better not see it.
#
# Spikes of changes
# -----------------
# A :class:`~sklearn_snn.DeltaSpikeEncoder` sends a spike for each change by a quarter
# of a standard deviation, up or down, and nothing while nothing changes: that is what
# event-driven sensors send. Of the reading at which a recording begins it tells
# nothing. For comparison, the same network is given the values of each step, as they
# are and less the first reading. It has recurrent neurons that adapt, with time
# constants of 5 to 200 steps.


def from_rest(X):
    """Return recordings, each less its first reading."""
    return [x - x[0] for x in X]


def leaks(first, last):
    """Return the leaks of time constants, in steps."""
    return math.exp(-1 / first), math.exp(-1 / last)


def network(*steps):
    """Return a pipeline with the given steps before the network."""
    return make_pipeline(
        *steps,
        SpikingClassifier(
            (100,),
            neuron=AdLIF(alpha=leaks(5, 40), rho=leaks(20, 200)),
            learn_neuron=True,
            recurrent=True,
            readout="soft_count",
            learning_rate_init=0.005,
            batch_size=32,
            max_iter=20,
            n_iter_no_change=math.inf,
            random_state=0,
        ),
    )


encoder = DeltaSpikeEncoder(threshold=0.25, max_count=3)
scaler = ChannelTransformer(StandardScaler())
models = {
    "values": network(scaler),
    "values from rest": network(FunctionTransformer(from_rest), scaler),
    "spikes of changes": network(scaler, encoder),
}
for name, model in models.items():
    model.fit(X_train, y_train)
    shown = model[:-1].transform(X_test)
    n_inputs = [np.count_nonzero(x) for x in shown]
    print(f"{name}: accuracy {model.score(X_test, y_test):.3f},", end=" ")
    print(f"{np.mean(n_inputs):.0f} inputs that are not 0 in a touch")

# %%
# With the drift all test letters are right, and without it nearly all: this is what
# touch can tell, from values or, with a quarter of the inputs, from spikes.
#
# Answers on the way
# ------------------
# The finger need not have passed a letter for an answer: this is the accuracy after
# each step, and the spikes until then.

# Alt text: On top, the accuracy after each of 77 steps, low at first, which rises
# steeply between steps 30 and 60. Below, the spikes fired so far by input, hidden and
# output layer.
model = models["spikes of changes"]
AnytimeAccuracyDisplay.from_estimator(model, X_test, y_test)
plt.show()

# %%
# Which letters are known soon? ``staged_predict`` yields the answers after step 1, 2,
# ... of the classifier, from the spikes. For each touch we look up the step from which
# on its answer was right and stayed so.

spikes = model[:-1].transform(X_test)
answers = np.array(list(model[-1].staged_predict(spikes)))
is_wrong = answers != y_test
n_steps = len(answers)
# The step after the last wrong answer, counted from 1.
known = n_steps - is_wrong[::-1].argmax(axis=0) + 1
known[~is_wrong.any(axis=0)] = 1
letters = np.unique(y)
median = np.array([np.median(known[y_test == letter]) for letter in letters])
for letter in letters[median.argsort()][[0, 1, 2, -3, -2, -1]]:
    print(f"{letter}: right from step {median[letters == letter][0]:.0f} on")

# Plotting code
# Alt text: A dot for each letter at the median step from which on its answers are
# right.
figure, ax = plt.subplots(figsize=(6.4, 3.2), layout="constrained")
order = median.argsort()
ax.plot(median[order], "o", color="#0072B2")
ax.set_xticks(range(len(letters)), [x[:2] for x in letters[order]])
ax.set(xlabel="Letter (Sp: the space)", ylabel="Right from step ... on")
ax.set_ylim(0, n_steps)
plt.show()

# %%
# In the first 30 steps no dot is under the sensors, and the answer is nearly always the
# space, which is what nothing feels like. Most letters are known before the finger has
# left them.
