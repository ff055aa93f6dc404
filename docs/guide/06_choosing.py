r"""
6. What leak, threshold, steepness and steps do
===============================================

Four numbers make the character of a spiking network: the leak ``alpha``, the
``threshold``, the steepness ``beta`` of the surrogate, and the number of steps. This
chapter turns each of them, with all others at their defaults, and looks at what
happens to the accuracy and to the firing rate.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits, make_classification
from sklearn.model_selection import train_test_split

from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier
from sklearn_snn.exceptions import DeadNeuronWarning

# sphinx_gallery_thumbnail_number = 3

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, random_state=0, stratify=y
)

# %%
# The experiment
# --------------
# The task is scikit-learn's digits, as Poisson spikes. The network has 50 hidden
# neurons and trains for 40 epochs: small enough to be trained some eighty times on this
# page. Each setting is tried from three seeds, since a difference that is smaller than
# those between seeds is none. Of each fit we keep the accuracy on test digits and the
# mean firing rate of the hidden neurons; what is printed is the mean of the three, and
# behind that of the accuracy the standard deviation. A cross would mark a fit that
# ended with a :class:`~sklearn_snn.exceptions.DeadNeuronWarning`, the matter of
# :ref:`the next chapter <sphx_glr_auto_guide_07_silence.py>`.


def measure(n_steps=25, **parameters):
    """Return accuracy, hidden rate and whether neurons died, per seed."""
    encoder = PoissonSpikeEncoder(n_steps=n_steps, random_state=0).fit(X_train)
    S_train, S_test = encoder.transform(X_train), encoder.transform(X_test)
    results = []
    for seed in range(3):
        model = SpikingClassifier(
            (50,), max_iter=40, random_state=seed, **parameters
        )
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.fit(S_train, y_train)
        is_dead = any(w.category is DeadNeuronWarning for w in caught)
        accuracy = model.score(S_test, y_test)
        results.append((accuracy, model.firing_rates_[0], is_dead))
    return np.array(results)


def try_all(name, values, **others):
    """Measure each value of a parameter, and print a line for it."""
    results = []
    print(f"{name:>9}  accuracy         hidden rate")
    for value in values:
        results.append(measure(**{name: value}, **others))
        mean, spread = results[-1].mean(axis=0), results[-1].std(axis=0)
        print(f"{value:>9}  {mean[0]:.3f} +/- {spread[0]:.3f}", end="  ")
        print(f"{mean[1]:.2f}")
    return np.array(results)


# Plotting code
BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"


def draw(values, results, default, xlabel, log=True):
    """Draw accuracy and hidden firing rate against a parameter."""
    x = np.arange(len(values)) if not log else np.array(values)
    _, axes = plt.subplots(2, figsize=(5.2, 5.6), layout="constrained")
    for ax, column, color in ((axes[0], 0, BLUE), (axes[1], 1, GREEN)):
        mean = results[:, :, column].mean(axis=1)
        ax.plot(x, mean, color=color, label="Mean")
        lines = ax.plot(x, results[:, :, column], ".", color=color)
        lines[0].set_label("One seed")
        at_default = x[values.index(default)]
        ax.axvline(at_default, color="black", linewidth=0.8, label="Default")
        if log:
            ax.set_xscale("log")
            ax.minorticks_off()
        ax.set_xticks(x, [f"{v:g}" for v in values])
    setting, seed = np.nonzero(results[:, :, 2])
    axes[0].plot(
        x[setting],
        results[setting, seed, 0],
        "x",
        color=ORANGE,
        markersize=8,
        label="Silent output neuron" if len(setting) else None,
    )
    axes[0].set(ylabel="Accuracy on test digits", ylim=(0.6, 1))
    axes[1].set(ylabel="Spikes per hidden neuron\nand step", ylim=(0, None))
    axes[1].set_xlabel(xlabel)
    axes[0].legend(loc="lower right", fontsize="small")
    plt.show()


# %%
# The leak
# --------
# The memory of a neuron is :math:`1 / (1 - \alpha)` steps: 1, 2, 5, 20 and 100 steps
# for the first five values here, and without end for the last.

alphas = [0, 0.5, 0.8, 0.95, 0.99, 1]
results = try_all("alpha", alphas)
rates = results[:, :, 1].mean(axis=1)
assert rates[0] > 2 * rates[alphas.index(0.95)]

# Plotting code
# Alt text: Accuracy and hidden firing rate for six values of the leak. The accuracy is
# about the same for all. The firing rate falls from half a spike per step without
# memory to a fifth with the default, and hardly further.
draw(alphas, results, 0.95, r"Leak $\alpha$", log=False)

# %%
# On this task the leak hardly matters to the accuracy. A digit lies still, the same
# rates hold in every step, and a sum over many hidden neurons replaces a sum over time.
# What changes is the firing rate: without a memory, hidden neurons cannot gather
# current over several steps. They fire in every other step, more than twice as often as
# with the default.
#
# Where the order of the spikes carries the message, it is different. This is the task
# at the end of :ref:`sphx_glr_auto_guide_02_encoding.py`: one spike per channel,
# running up or down over 20 channels within 50 steps. So that nothing but the leak
# differs, the gradient ignores the reset throughout (``detach_reset=True``); the
# default does so for memories of more than 20 steps only.


def sweeps(n_samples, rng):
    """Return spikes that sweep over 20 channels, and which way they go."""
    direction = rng.integers(2, size=n_samples)
    spikes = np.zeros((n_samples, 50, 20), np.uint8)
    for i, is_down in enumerate(direction):
        channels = np.arange(20)[::-1] if is_down else np.arange(20)
        steps = 4 + 2 * np.arange(20) + rng.integers(-2, 3, size=20)
        spikes[i, steps, channels] = 1
    return spikes, direction


# Some of these networks cannot learn, and warn.
warnings.simplefilter("ignore")
for alpha in alphas:
    accuracy = []
    for seed in range(3):
        S, d = sweeps(800, np.random.default_rng(seed))
        model = SpikingClassifier(
            (30,),
            alpha=alpha,
            detach_reset=True,
            max_iter=20,
            random_state=seed,
        ).fit(S[:400], d[:400])
        accuracy.append(model.score(S[400:], d[400:]))
    print(f"alpha = {alpha:<4}  accuracy", end=" ")
    print(f"{np.mean(accuracy):.2f} +/- {np.std(accuracy):.2f}")

# %%
# A neuron without memory sees one step at a time, in which nothing tells up from
# down, and the accuracy is that of guessing. It takes a memory of about 20 steps to
# solve this task. Half of what a sweep lasts was enough here: of that an eighth is left
# in the end. A memory of 5 steps is too short, and one that is too long costs little.
# So, to be safe, choose one of one to four times the length of what has to be
# remembered; for a rate code, any will do, and a long one saves spikes.
#
# The threshold
# -------------

thresholds = [0.1, 0.3, 0.6, 1, 2, 8]
results = try_all("threshold", thresholds)
rates = results[:, :, 1].mean(axis=1)

# Plotting code
# Alt text: Accuracy and hidden firing rate against the threshold, from 0.1 to 8. The
# accuracy is the same up to 2, and a little lower at 8. The firing rate rises up to 2
# and is low at both ends.
draw(thresholds, results, 0.6, r"Threshold $\theta$")

# %%
# The accuracy hardly changes, but at the upper end. In
# :ref:`sphx_glr_auto_guide_01_neuron.py` the threshold was a mere unit: twice the
# threshold and twice the weights give the same spikes. The first guess scales the
# weights to the threshold, if they are too large for it, and they learn at that scale;
# so a low threshold changes little. Where nothing has to be scaled, a step of the
# optimizer is as long as before, and a high threshold makes training slow. With five
# times the learning rate the high thresholds do as well as the default, and better:

results = try_all("threshold", (2, 8), learning_rate_init=0.01)

# %%
# The steepness of the surrogate
# ------------------------------

betas = [0.5, 1, 2, 5, 20, 50]
results = try_all("beta", betas)

# Plotting code
# Alt text: Accuracy and hidden firing rate against the steepness, from 0.5 to 50. The
# accuracy is the same for all. The firing rate is half as high for the flattest.
draw(betas, results, 5, r"Steepness $\beta$")

# %%
# A flat surrogate gives every neuron a gradient, but one that has little to do with
# when it fires. A steep one is closer to the step that it stands for, but reaches only
# neurons that nearly fire or just did. Of fifty hidden neurons some always do, and on
# this task every value here is as good. Where neurons are reset to zero that is another
# matter: a steep surrogate makes the gradient grow
# (:ref:`sphx_glr_auto_guide_04_bptt.py`).
#
# The number of steps
# -------------------
# For spike trains, it is the encoder's ``n_steps``.

numbers = [2, 4, 8, 16, 25, 50]
results = try_all("n_steps", numbers)

# Plotting code
# Alt text: Accuracy and hidden firing rate against the number of steps, from 2 to 50.
# The accuracy rises steeply up to 8 steps and slowly after that; the firing rate falls.
draw(numbers, results, 25, "Number of steps")

# %%
# More steps mean less noise, and the accuracy rises, ever more slowly; the time it
# takes grows in proportion. With very few steps there is no time to charge, and the
# hidden neurons fire more often. The default that is marked is the
# classifier's, for constant currents; that of an encoder is 100, more than these small
# digits need.
#
# Few rows
# --------
# An epoch has as many updates as there are mini-batches: ten epochs of 1,000 recordings
# are 80 updates, ten epochs of at most 128 are ten updates, and a pause of ten updates
# is nothing unusual. So a training that stops when the loss has not improved for ten
# epochs may end before it began. ``n_iter_no_change="auto"`` is patient for at least
# 100 updates. The smallest case is XOR, four rows, which no linear model can learn;
# here each is a recording of 25 steps. This one is learned either way, by a patience of
# ten epochs in half of the time; harder ones are not:

X_xor = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
y_xor, recordings = [0, 1, 1, 0], np.repeat(X_xor[:, np.newaxis], 25, axis=1)


def try_xor(X, patience):
    """Print how often XOR is learned, of ten seeds, and the mean of epochs."""
    n_solved, n_epochs = 0, []
    for seed in range(10):
        model = SpikingClassifier(n_iter_no_change=patience, random_state=seed)
        n_solved += model.fit(X, y_xor).score(X, y_xor) == 1
        n_epochs.append(model.n_iter_)
    print(f"n_iter_no_change={patience}: {n_solved} of 10 seeds,", end=" ")
    print(f"{np.mean(n_epochs):.0f} epochs on average")


for patience in (10, "auto"):
    try_xor(recordings, patience)

# %%
# With a constant current the default does not stop for such a reason at all: the
# ``max_iter=200`` epochs are carried out while the learning rate falls along its
# cosine. And its weights begin small, and its counts are soft, so that a network rarely
# gives up before it has begun:

try_xor(X_xor, "auto")

# %%
# Few rows also say little: what a large network finds in them may be noise. The weight
# decay of a classifier's fit to ``n`` constant currents is ``3 / n``, so that the
# weights of the network are held back as if by a few rows more, whatever the size of
# the table; above 100 rows it is ``3 / n * (1 + 300 / n)``, which is more for some
# hundred rows, and at most 0.03 (0.1 for fewer rows). Those below have two classes, on
# either side of a line, and a part of the labels is wrong:

for share in (0.0, 0.2):
    for decay in ("auto", 1e-5):
        accuracies = []
        for seed in range(5):
            rng = np.random.default_rng(seed)
            X_line = rng.normal(size=(1200, 6))
            y_line = X_line[:, 0] + X_line[:, 1] > 0
            labels = y_line[:200] ^ (rng.random(200) < share)
            model = SpikingClassifier(weight_decay=decay, random_state=seed)
            model.fit(X_line[:200], labels)
            accuracies.append(model.score(X_line[200:], y_line[200:]))
        mean = f"{np.mean(accuracies):.3f}"
        print(f"{share:3.0%} wrong, weight_decay={decay}: {mean}")

# %%
# A prior has its price where there is no noise: what is hard to learn, such as a
# checkerboard, needs large weights, and is learned better with less. So if the answers
# to the training data themselves are poor, try ``weight_decay=1e-5``:

for decay in ("auto", 1e-5):
    accuracies = []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        X_board = rng.uniform(-2, 2, size=(1400, 2))
        y_board = np.floor(X_board).sum(axis=1) % 2
        model = SpikingClassifier(weight_decay=decay, random_state=seed)
        model.fit(X_board[:400], y_board[:400])
        rows = slice(0, 400), slice(400, None)
        accuracies.append([model.score(X_board[r], y_board[r]) for r in rows])
    trained, others = np.mean(accuracies, axis=0)
    means = f"training data {trained:.3f}, others {others:.3f}"
    print(f"weight_decay={decay}: {means}")

# %%
# Decay holds all weights back alike. Where there are many columns, neurons also learn
# to rely on each other: each mends, for single rows of the training data, what another
# one gets wrong. So ``dropout="auto"`` leaves a fifth of the hidden neurons out of each
# sample, at random, while the network learns from 100 rows or more, but less than 5,000
# and 15 times the square of the number of columns, if hidden layers have at least 30
# neurons:

for dropout in (0, "auto"):
    accuracies = []
    for seed in range(5):
        X_many, y_many = make_classification(
            2000,
            20,
            n_informative=5,
            n_redundant=0,
            flip_y=0.2,
            random_state=seed,
        )
        model = SpikingClassifier(dropout=dropout, random_state=seed)
        model.fit(X_many[:1000], y_many[:1000])
        accuracies.append(model.score(X_many[1000:], y_many[1000:]))
    print(f"dropout={dropout!s:4}: {np.mean(accuracies):.3f} of others")

# %%
# Of a few columns no neuron is left out: there each may be the only one that knows a
# region. This, too, has its price where there is no noise and all columns are needed:
# if the answers to the training data are poor, try ``dropout=0``. The rows that count
# are those that are learned from, without those that ``early_stopping`` sets aside or
# whose weight is 0.
#
# A few rows also make few updates: below 250 rows the steps of
# ``learning_rate_init="auto"`` are larger.
#
# Fewer spikes, and neurons that are left out
# -------------------------------------------
# Leak and threshold decide how often hidden neurons fire, but not to the point: where a
# budget of spikes is given, or a layer falls silent, ``rate_bounds`` says it. A layer
# whose firing rate in a sample is beyond them adds to the loss, and the gradient of
# that reaches all of its neurons, silent ones too.

for bounds in (None, (0.0, 0.05), (0.0, 0.02), (0.4, 1.0)):
    accuracy, rate, _ = measure(rate_bounds=bounds).mean(axis=0)
    print(f"rate_bounds={bounds!s:11} accuracy {accuracy:.3f}", end="  ")
    print(f"hidden rate {rate:.2f}")

# %%
# With a third of the spikes the digits are told apart nearly as well; each of those
# that are left says more, and hardware that computes per spike spends less. A bound is
# a price and no wall: ``rate_penalty`` raises it.
#
# ``dropout`` leaves hidden neurons out of a sample at random, so that none of them can
# rely on another. It is a remedy where a network knows its training data by heart:

for dropout in (0, 0.25, 0.5):
    accuracy = measure(dropout=dropout)[:, 0]
    print(f"dropout={dropout:<4}  accuracy", end=" ")
    print(f"{accuracy.mean():.3f} +/- {accuracy.std():.3f}")

# %%
# These digits need none: Poisson spikes are drawn anew in each epoch, which is a remedy
# of that kind already.

# %%
# Images
# ------
# The article that this library began with resets to zero, and so did its versions up
# to 0.3.0. A neuron that is reset by subtraction keeps what is above the threshold, and
# its spikes count its current more finely. Beside it a smaller first guess helps:
# weights by which membranes vary by at most one threshold, where it was ten.
#
# All training images, 100 hidden neurons, 50 steps; accuracy on all test images, mean
# of five seeds, and of three where there are more than 5 epochs:
#
# ================================  =======  ============
# ..                                MNIST    FashionMNIST
# ================================  =======  ============
# Reset to zero, as in 0.3.0, 5     0.975    0.872
# Defaults, 5 epochs                0.980    0.881
# Defaults, 10 epochs               0.981
# Defaults, 15 epochs                        0.888
# ================================  =======  ============
#
# The defaults fire a third to a half of the hidden spikes that the reset to zero did.
# With it and the smaller first guess, accuracy is 0.972 and 0.869, of two seeds.
# ``benchmarks/defaults.py --groups images`` measures the like.
#
# For wide layers there is something better still. A soft count reads the membranes of
# the output neurons too, and a higher threshold with a flatter surrogate makes the
# first guess smaller in thresholds, and with it the steps of the weights. What is left
# is that 1,000 neurons learn the training images by heart: from intensities as constant
# currents within a few epochs, where spikes that are drawn anew in each epoch delay it.
# Dropout prevents it, and then currents tell more than the spikes of 25 steps do:
#
# .. code-block:: python
#
#    n_steps = 25
#    model = SpikingClassifier(
#        (1000,),
#        n_steps=n_steps,
#        max_iter=20,
#        dropout=0.5,
#        threshold=2,
#        beta=2.5,
#        readout="soft_count",
#        logit_scale=20 / n_steps,
#    )
#    model.fit(images / 255, labels)
#
# From 1,000 neurons, 25 steps and 20 epochs, means of five seeds:
#
# ================================  =======  ============
# ..                                MNIST    FashionMNIST
# ================================  =======  ============
# This setting                      0.986    0.904
# Of Poisson spikes, no dropout     0.985    0.893
# ================================  =======  ============
#
# ``benchmarks/accuracy.py --currents --hidden 1000 --n-steps 25 --epochs 20`` measures
# the first line.

# %%
# How to choose
# -------------
# - Begin with the defaults. On the digits no other value does clearly better.
# - With few recordings, take smaller batches, ``batch_size=16``.
# - Take as many steps as you can afford, and fewer once it works: it is the one
#   parameter whose cost is known beforehand.
# - For sequences, set the memory :math:`1 / (1 - \alpha)` to one to four times the
#   length of what has to be remembered.
# - For fewer spikes, set an upper bound, ``rate_bounds=(0, 0.05)``.
# - Where training data are answered better than others by far, try ``dropout=0.3``,
#   and more weight decay; where not even these are, none of either.
# - A :class:`~sklearn_snn.exceptions.DeadNeuronWarning` comes first: a network that
#   raises it is not yet worth comparing.
#
# These are places to begin. They interact, other data differ, and three seeds are few:
# the answer is a grid search with cross-validation, as for any estimator of
# scikit-learn. :ref:`sphx_glr_auto_examples_grid_search.py` does one over leak,
# threshold and steepness. Next, networks that do not learn at all:
# :ref:`sphx_glr_auto_guide_07_silence.py`.
