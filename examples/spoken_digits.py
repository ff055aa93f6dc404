"""
Spoken digits: recordings of unequal length, speakers never heard
=================================================================

Recordings of speech last as long as they last, and a model of them has to work for
people that it never heard. A recurrent network reads spoken digits as they are, from a
list of arrays; cross-validation that leaves out one speaker after the other tells what
it is worth.

The recordings are those of the `Free Spoken Digit Dataset
<https://github.com/Jakobovski/free-spoken-digit-dataset>`_ by Zohar Jackson and others,
CC BY-SA 4.0: six speakers who say each digit fifty times, as log-energies of 32 mel
bands, a frame every 10 ms. The script reads ``FSDD/fsdd_mel.npz``, in the folder that
is its first argument or that ``SKLEARN_SNN_DATA`` names. The file is no part of this
package; ``benchmarks/recording_files.py`` of its repository makes it from a copy of the
data set.
"""

import math
import os
import sys
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import ConfusionMatrixDisplay
from sklearn.model_selection import (
    LeaveOneGroupOut,
    StratifiedKFold,
    cross_val_predict,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_snn import (
    ChannelTransformer,
    DelayLine,
    Sequences,
    SpikingClassifier,
)
from sklearn_snn.exceptions import InputMismatchWarning
from sklearn_snn.neurons import AdLIF

# Some speakers take longer than all others, who are learned from.
warnings.simplefilter("ignore", InputMismatchWarning)

# sphinx_gallery_thumbnail_number = 1

folder = (
    sys.argv[1] if len(sys.argv) > 1 else os.environ.get("SKLEARN_SNN_DATA", "")
)
path = Path(folder, "FSDD", "fsdd_mel.npz")
if not path.exists():
    sys.exit(
        f"There is no file {path}: what it is stands at the top of this script."
    )

# %%
# The recordings
# --------------
# All frames lie one behind the other in one array, and with the lengths they are
# :class:`~sklearn_snn.Sequences`. To be quick we take 12 of the 50 times that a speaker
# says a digit.

with np.load(path) as data:
    X = Sequences.of_lengths(data["mel"], data["lengths"])
    chosen = data["recording"] < 12
    X, y, speaker = X[chosen], data["digit"][chosen], data["speaker"][chosen]
print(X)
print(f"frames: {X.lengths.min()} to {X.lengths.max()}", end=", ")
print(f"median {np.median(X.lengths):.0f}")

# Plotting code
# Alt text: Log-energies of 32 mel bands over time of four recordings, each as wide as
# it is long: two speakers who say six and nine. The hiss of the consonants of six is
# high, with pauses; the vowel of nine is a band of low and middle frequencies.
figure, axes = plt.subplots(
    2, 2, figsize=(6, 4.4), sharex=True, sharey=True, layout="constrained"
)
for digit, row in zip((6, 9), axes, strict=True):
    for voice, ax in zip((1, 5), row, strict=True):
        sample = np.flatnonzero((y == digit) & (speaker == voice))[0]
        n_steps = len(X[sample])
        ax.imshow(
            X[sample].T,
            origin="lower",
            aspect="auto",
            extent=(0, n_steps, 0, 32),
        )
        ax.set_title(f"{digit}, speaker {voice}", fontsize="medium")
for ax in axes[-1]:
    ax.set(xlabel="Time (frames)", xlim=(0, 70))
for ax in axes[:, 0]:
    ax.set_ylabel("Mel band")
plt.show()

# %%
# The model
# ---------
# How loud somebody speaks says nothing about the digit: we take the mean of all its
# values, the level, off each recording. This looks at the whole recording; what follows
# does not. Channels are standardized, and a delay line shows each frame with the seven
# before it, so that a hidden neuron can see how energies move. The hidden neurons
# adapt, hear each other, and remember 3 to 100 frames, a part of a digit or all of it;
# their time constants learn.


def levelled(X):
    """Return recordings, each without the mean of its values."""
    return [x - np.mean(x, dtype=np.float32) for x in X]


def leaks(first, last):
    """Return the leaks of time constants, in frames."""
    return math.exp(-1 / first), math.exp(-1 / last)


def network(n_delays=8, level=levelled, **parameters):
    """Return the model, or a variation of it."""
    parameters = {
        "neuron": AdLIF(alpha=leaks(3, 20), rho=leaks(10, 100)),
        "learn_neuron": True,
        "recurrent": True,
        "readout": "soft_count",
        "learning_rate_init": 0.005,
        "batch_size": 32,
        "max_iter": 15,
        "n_iter_no_change": math.inf,
        "dropout": 0.2,
        "random_state": 0,
        **parameters,
    }
    return make_pipeline(
        FunctionTransformer(level),
        ChannelTransformer(StandardScaler()),
        DelayLine(n_delays),
        SpikingClassifier((64,), **parameters),
    )


# %%
# Speakers that it knows, and others
# ----------------------------------
# ``LeaveOneGroupOut`` leaves out all recordings of one speaker after the other: each
# answer comes from a network that has heard the five others. ``StratifiedKFold``, with
# as many folds, mixes the speakers.

mixed = cross_val_predict(
    network(), X, y, cv=StratifiedKFold(6, shuffle=True, random_state=0)
)
unheard = cross_val_predict(
    network(), X, y, groups=speaker, cv=LeaveOneGroupOut()
)
print(f"other recordings of the same speakers: {np.mean(mixed == y):.3f}")
print(f"speakers never heard: {np.mean(unheard == y):.3f}")
for voice in range(6):
    is_right = (unheard == y)[speaker == voice]
    print(f"    speaker {voice}: {is_right.mean():.3f}")

# %%
# Both are honest answers, to two questions. Who wants to use the model on voices that
# it has not learned from has to ask the second one; the first one would promise too
# much.
#
# What it takes for what
# ----------------------
# A row is a digit that was said by a speaker never heard.

# Plotting code
# Alt text: A confusion matrix of ten digits, most of it on the diagonal. Three is taken
# for six and zero, and six for seven and eight, most often.
figure, ax = plt.subplots(figsize=(5.2, 4.6), layout="constrained")
ConfusionMatrixDisplay.from_predictions(
    y, unheard, ax=ax, cmap="Blues", colorbar=False
)
ax.set(xlabel="Answer", ylabel="Digit")
plt.show()

# %%
# What each part brings
# ---------------------
# The same, with a part left out:

variations = {
    "without the level taken off": {"level": None},
    "without a delay line": {"n_delays": 1},
    "without recurrence": {"recurrent": False},
    "neurons that do not adapt": {"neuron": "lif"},
}
accuracy = {"all": np.mean(unheard == y)}
for name, parameters in variations.items():
    answers = cross_val_predict(
        network(**parameters), X, y, groups=speaker, cv=LeaveOneGroupOut()
    )
    accuracy[name] = np.mean(answers == y)
for name, value in accuracy.items():
    print(f"{name}: {value:.3f}")

# %%
# Every part has its share, the adaptation and the delay line the largest. These are
# single runs over 720 answers, and differences of two points are noise; the more so as
# speakers differ by more than twenty. With all recordings, 128 neurons and more epochs,
# ``benchmarks/recordings.py`` has the figures of five seeds.
