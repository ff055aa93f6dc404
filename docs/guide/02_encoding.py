r"""
2. From numbers to spikes, and the noise it costs
=================================================

A spiking network lives in time; a row of a table does not. Three ways lead from one to
the other: **rate coding**, where a number becomes the probability of a spike in each
step; **direct current**, where it is injected as it is, in every step; and a
**recording** that has a time axis already. This chapter shows all three and what the
first one costs: noise.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import binom, poisson
from sklearn.datasets import load_digits, load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier
from sklearn_snn.inspection import EncodingDisplay

# sphinx_gallery_thumbnail_number = 1

# Some epochs are enough for these pictures.
warnings.filterwarnings("ignore", "Maximum number of epochs")

X, y = load_digits(return_X_y=True)

# %%
# Rate coding
# -----------
# :class:`~sklearn_snn.PoissonSpikeEncoder` scales intensities to rates :math:`r` from 0
# to 1. At each step, and independently of all others, a feature fires with that
# probability:
#
# .. math:: P(s_t = 1) = r, \qquad r = \text{max\_rate} \cdot
#           \frac{x - \text{low}}{\text{high} - \text{low}}
#
# The display shows an image, its spikes, and the image that the spikes tell: of each
# pixel, the number of spikes divided by the number of steps.

encoder = PoissonSpikeEncoder(n_steps=50, random_state=0).fit(X)
# Alt text: A handwritten seven of 8 x 8 pixels, the spikes of its 64 pixels over 50
# steps, in which bright pixels fire in nearly every step, and the image of the mean
# spikes, which is the seven with some noise.
EncodingDisplay.from_estimator(encoder, X, sample=7)
plt.show()

# %%
# What comes out is a :class:`~sklearn_snn.SpikeTrains`, an array of shape ``(n_samples,
# n_steps, n_features)`` that makes its spikes when they are asked for. It stores the
# rates only. The same row always gives the same spikes, so predictions do not change
# from call to call; in training, each epoch draws new ones.

trains = encoder.transform(X)
one = np.asarray(trains[7])
print(f"{trains.shape}; the spikes of one sample: {one.nbytes} bytes")
assert np.array_equal(trains[7:8], encoder.transform(X[7:8]))

# %%
# Poisson or Bernoulli?
# ---------------------
# A Poisson process can fire any number of times in an interval; here at most one spike
# fits into a step. The count of :math:`n` steps is therefore binomial. Where the rate
# is low, a Poisson distribution is close; where it is high, it is not: a rate of 0.9
# fires more regularly than a Poisson process. Here are the encoder's counts for 20,000
# rows, whose values are nearly the rate; equal rows would have equal spikes.

values = np.linspace(-1e-3, 1e-3, 20_000)
k = np.arange(31)
coder = PoissonSpikeEncoder(n_steps=20, scaling=None, random_state=0)
shares = {}
for rate in (0.1, 0.9):
    spikes = np.asarray(coder.fit_transform(rate + values[:, np.newaxis]))
    counts = spikes.sum(axis=1).ravel()
    shares[rate] = np.bincount(counts, minlength=31) / len(counts)
    assert np.abs(shares[rate] - binom.pmf(k, 20, rate)).max() < 0.015
    print(f"rate {rate}: variance of the counts {counts.var():.2f},", end=" ")
    print(f"binomial {20 * rate * (1 - rate):.2f}, Poisson {20 * rate:.2f}")

# Plotting code
# Alt text: Distributions of spike counts in 20 steps at rates 0.1 and 0.9. The bars of
# the encoder have the heights of the binomial distribution at both. The Poisson
# distribution is close at 0.1, and far too wide at 0.9.
BLUE, ORANGE = "#0072B2", "#D55E00"
figure, axes = plt.subplots(2, figsize=(5.2, 5), layout="constrained")
for ax, rate, limits in zip(axes, (0.1, 0.9), ((-1, 10), (8, 31)), strict=True):
    share = shares[rate]
    ax.bar(k, share, color="0.8", label="Encoder")
    ax.plot(
        k,
        binom.pmf(k, 20, rate),
        "o",
        color=BLUE,
        markersize=5,
        label="Binomial",
    )
    ax.plot(k, poisson.pmf(k, 20 * rate), "x", color=ORANGE, label="Poisson")
    ax.set(ylabel="Share of rows", title=f"Rate {rate}", xlim=limits)
axes[1].set_xlabel("Spikes in 20 steps")
axes[0].legend(fontsize="small")
plt.show()

# %%
# How many steps?
# ---------------
# The count of :math:`n` steps has the mean :math:`n r` and the variance
# :math:`n r (1 - r)`. The rate that it tells is off by, root mean square,
#
# .. math:: \sqrt{\frac{r (1 - r)}{n}}
#
# Ten times as precise takes a hundred times as many steps. Here is the error of all
# pixels of 300 digits, measured and as the formula has it:

n_steps = np.array([3, 10, 30, 100, 300, 1000])
rates = X[:300] / 16
measured = []
for n in n_steps:
    coder = PoissonSpikeEncoder(n_steps=int(n), random_state=0).fit(X)
    counts = np.asarray(coder.transform(X[:300])).sum(axis=1, dtype=float)
    measured.append(np.sqrt(np.mean((counts / n - rates) ** 2)))
theory = np.sqrt(np.mean(rates * (1 - rates)) / n_steps)
assert np.allclose(measured, theory, rtol=0.03)
for n, error in zip(n_steps, measured, strict=True):
    print(f"{n:4} steps: error of the rate {error:.3f}")

# Plotting code
# Alt text: The error of the rate against the number of steps, on logarithmic axes:
# from 0.15 at 3 steps to 0.01 at 1000, with the measured points on the formula's line.
figure, ax = plt.subplots(figsize=(5.2, 3), layout="constrained")
ax.loglog(
    n_steps, theory, color=ORANGE, label=r"$\sqrt{\overline{r (1 - r)} / n}$"
)
ax.loglog(n_steps, measured, "o", color=BLUE, label="Measured")
ax.set(xlabel="Number of steps $n$", ylabel="Error of the rate")
ax.set_xticks(n_steps, n_steps)
ax.minorticks_off()
ax.legend()
plt.show()

# %%
# A network need not know every pixel that well: its neurons sum over many of them, and
# the noise averages out.
#
# One range or many
# -----------------
# Pixels have one common range, and a dark image should stay darker than a bright one:
# that is ``scaling="global"``. Columns of a table have units of their own. With a
# common range the column with the largest numbers gets nearly all the spikes, of which
# ``fit`` warns; ``scaling="feature"`` gives each column its own range:

warnings.filterwarnings("ignore", "Column .* outweigh")
wine = load_wine()
for scaling in ("global", "feature"):
    coder = PoissonSpikeEncoder(n_steps=100, scaling=scaling, random_state=0)
    spikes = np.asarray(coder.fit_transform(wine.data))
    print(f"scaling={scaling!r}, spikes per step of each column:")
    print(spikes.mean(axis=(0, 1)).round(2))

# %%
# Direct current
# --------------
# Without an encoder, a row of a 2-D array is injected as a constant current: the same
# :math:`I = x W + b` in every step. There is no noise; nor are there spikes before the
# hidden layer. The membrane of a neuron with random weights, for five independent draws
# of an image's spikes and for its direct current:

rng = np.random.default_rng(0)
weights = rng.normal(0.006, 0.02, size=64)


def membrane(current, alpha=0.95):
    """Return the membrane of a neuron that never fires, from step 0 on."""
    u = [0.0]
    for i in current:
        u.append(alpha * u[-1] + i)
    return u


from_spikes = []
for seed in range(5):
    coder = PoissonSpikeEncoder(n_steps=50, random_state=seed).fit(X)
    spikes = np.asarray(coder.transform(X[7:8]))[0]
    from_spikes.append(membrane(spikes @ weights))
from_current = membrane(np.full(50, X[7] / 16 @ weights))

# Plotting code
# Alt text: The membrane of a neuron over 50 steps. Under a direct current it rises
# along a smooth curve; under five draws of spikes it wanders around that curve.
figure, ax = plt.subplots(figsize=(5.2, 2.8), layout="constrained")
lines = ax.plot(np.transpose(from_spikes), color=BLUE, linewidth=0.7)
lines[0].set_label("Spikes of the encoder")
ax.plot(from_current, color=ORANGE, linewidth=2, label="Direct current")
ax.set(xlabel="Time (steps)", ylabel="Membrane, no reset")
ax.legend(fontsize="small")
plt.show()

# %%
# The noise matters where there are few steps to average it over. The same network,
# trained on either, with three seeds each, which draw the spikes and the first weights:

X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0)
numbers = (2, 4, 8, 16, 32)
accuracy = {"Poisson spikes": {}, "Direct current": {}}
for n in numbers:
    of_spikes, of_current = [], []
    for seed in range(3):
        network = SpikingClassifier(max_iter=15, n_steps=n, random_state=seed)
        encoder = PoissonSpikeEncoder(n_steps=n, random_state=seed)
        model = make_pipeline(encoder, network).fit(X_train, y_train)
        of_spikes.append(model.score(X_test, y_test))
        network.fit(X_train / 16, y_train)
        of_current.append(network.score(X_test / 16, y_test))
    accuracy["Poisson spikes"][n] = of_spikes
    accuracy["Direct current"][n] = of_current
for name, by_steps in accuracy.items():
    print(f"{name}: accuracy, mean and standard deviation of three seeds")
    for n, scores in by_steps.items():
        print(f"  {n:2} steps: {np.mean(scores):.3f} +/- {np.std(scores):.3f}")

# Plotting code
# Alt text: Accuracy on test digits against the number of steps, from 2 to 32. With 2
# steps direct current is far ahead of Poisson spikes; with 16 steps and more both are
# about as good.
figure, ax = plt.subplots(figsize=(5.2, 3), layout="constrained")
for (name, by_steps), color in zip(
    accuracy.items(), (BLUE, ORANGE), strict=True
):
    scores = np.array(list(by_steps.values()))
    ax.semilogx(numbers, scores.mean(axis=1), color=color, label=name)
    ax.semilogx(numbers, scores, "o", markersize=4, color=color)
ax.set(xlabel="Number of steps", ylabel="Accuracy on test digits")
ax.set_xticks(numbers, numbers)
ax.minorticks_off()
ax.legend()
plt.show()

# %%
# Own recordings
# --------------
# A 3-D array ``(n_samples, n_steps, n_features)`` is taken as it is: spikes of sensors
# or of real neurons, best kept as ``uint8``, or graded values such as sound. Here are
# 20 channels over which spikes run upwards (class 0) or downwards (class 1), each up to
# 2 steps early or late at random. Every channel fires once in either class: a model of
# the counts has nothing to go by; a network with a memory has.


def sweeps(n_samples, rng):
    """Return spikes that sweep over 20 channels, and which way they go."""
    direction = rng.integers(2, size=n_samples)
    spikes = np.zeros((n_samples, 50, 20), np.uint8)
    for i, is_down in enumerate(direction):
        channels = np.arange(20)[::-1] if is_down else np.arange(20)
        steps = 4 + 2 * np.arange(20) + rng.integers(-2, 3, size=20)
        spikes[i, steps, channels] = 1
    return spikes, direction


by_counts, by_spikes = [], []
for seed in range(3):
    rng = np.random.default_rng(seed)
    S_train, d_train = sweeps(400, rng)
    S_test, d_test = sweeps(400, rng)
    counts = LogisticRegression().fit(S_train.sum(axis=1), d_train)
    by_counts.append(counts.score(S_test.sum(axis=1), d_test))
    network = SpikingClassifier(
        (30,),
        max_iter=30,
        batch_size=32,
        learning_rate_init=0.01,
        random_state=seed,
    ).fit(S_train, d_train)
    by_spikes.append(network.score(S_test, d_test))
print("accuracy from counts:", np.round(by_counts, 3))
print("accuracy from spikes:", np.round(by_spikes, 3))
assert max(by_counts) < 0.6 < 0.95 < min(by_spikes)

# Plotting code
# Alt text: A recording of each class, 20 channels over 50 steps, one spike per channel:
# in class 0 the spikes climb from the lowest channel to the highest, in class 1 they
# descend.
figure, axes = plt.subplots(
    1, 2, figsize=(5.2, 2.5), sharey=True, layout="constrained"
)
for ax, label in zip(axes, (0, 1), strict=True):
    steps, channels = np.nonzero(S_test[np.flatnonzero(d_test == label)[0]])
    ax.vlines(steps + 1, channels - 0.4, channels + 0.4, color="black")
    ax.set(title=f"Class {label}", xlabel="Time (steps)", xlim=(0, 51))
axes[0].set_ylabel("Channel")
plt.show()

# %%
# Next: what the network learns from these spikes, and why it needs a trick for it, in
# :ref:`sphx_glr_auto_guide_03_surrogate.py`.
