r"""
3. The surrogate gradient: how a network of steps can learn
===========================================================

A network learns by gradient descent: it asks of each weight in which direction the loss
falls, and by how much. A spike cannot answer that. It is 0 or 1, and a small change of
a weight changes nothing at all, until it changes everything. The way out is a
**surrogate gradient**: forwards the spike stays as it is, backwards a smooth step
stands in for it. This chapter shows the problem, the four stand-ins of the library, and
what their one parameter :math:`\beta` does.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import expit
from sklearn.datasets import load_digits

from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier

# sphinx_gallery_thumbnail_number = 2

# Some epochs are enough for these pictures.
warnings.filterwarnings("ignore", "Maximum number of epochs")

# %%
# Why a spike has no gradient
# ---------------------------
# With :math:`x = u_t - \theta`, the membrane's distance from the threshold, a spike is
# a step: 1 if :math:`x > 0`, else 0. To the left of the step and to its right the slope
# is zero; at the step it is infinite. By the chain rule, the gradient of a weight is a
# product in which this slope is a factor, so it is zero for every weight.
#
# A whole network is a staircase in each of its weights. Here is one trained on digits,
# whose loss on 20 images we follow while a single weight of its first layer changes:
# the one that matters most, as the gradient of this chapter will say.

X, y = load_digits(return_X_y=True)
encoder = PoissonSpikeEncoder(n_steps=25, random_state=0)
# In double precision, to tell small differences of the loss.
spikes = np.asarray(encoder.fit_transform(X), dtype=float)
model = SpikingClassifier((50,), max_iter=5, random_state=0).fit(spikes, y)
coefs = [w.copy() for w in model.coefs_]


def evaluate(coefs):
    """Return the loss on 20 images, and its gradients, at these weights."""
    model.coefs_ = coefs
    return model.loss_and_gradients(spikes[:20], y[:20])


gradients = evaluate(coefs).coef_grads
chosen = np.unravel_index(np.abs(gradients[0]).argmax(), gradients[0].shape)


def loss(change):
    """Return the loss with the chosen weight changed."""
    weights = coefs[0].copy()
    weights[chosen] += change
    return evaluate([weights, coefs[1]]).loss


curves = {}
for reach in (1, 0.02):
    changes = np.linspace(-reach, reach, 401)
    curves[reach] = changes, np.array([loss(change) for change in changes])
    n_values = len(np.unique(curves[reach][1].round(9)))
    print(f"up to {reach}: {n_values} values of the loss at 401 points")

# Plotting code
# Alt text: The loss against the change of one weight. Up to 1 in both directions it is
# a jagged curve with a trend; up to 0.02 it is flat, with a few jumps.
BLUE, ORANGE, GREEN, PINK = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
figure, axes = plt.subplots(2, figsize=(5.2, 5), layout="constrained")
for ax, (reach, curve) in zip(axes, curves.items(), strict=True):
    ax.plot(*curve, color=BLUE, drawstyle="steps-mid")
    ax.set(ylabel="Loss (nats)", title=f"Up to {reach}")
axes[1].set_xlabel("Change of the weight")
plt.show()

# %%
# At the top one sees that the loss depends on the weight. Below, fifty times closer,
# one sees why the slope does not say so: the curve is flat but for its jumps. A finite
# difference, which looks from a tiny distance, finds nothing:

print("slope by finite difference:", (loss(1e-9) - loss(-1e-9)) / 2e-9)

# %%
# A smooth step instead
# ---------------------
# Replace the step by a curve :math:`S(x)` that rises from 0 to 1 around the threshold.
# It has a slope :math:`S'(x)`, large where the neuron was about to fire, or only just
# did, and small far from the threshold. A *surrogate gradient* uses :math:`S'`
# backwards and the real spike forwards:
#
# .. math:: \frac{\partial s_t}{\partial u_t} \; \rightarrow \; S'(u_t - \theta)
#
# The idea is reviewed in Neftci, Mostafa and Zenke, "Surrogate gradient learning in
# spiking neural networks", IEEE Signal Processing Magazine 36(6), 2019. The library has
# four such curves, each with a steepness :math:`\beta`:
#
# .. list-table::
#    :header-rows: 1
#    :widths: 16 42 32 10
#
#    * - ``surrogate``
#      - primitive :math:`S(x)`
#      - derivative :math:`S'(x)`
#      - peak
#    * - ``"sigmoid"``
#      - :math:`1 / (1 + e^{-\beta x})`
#      - :math:`\beta \, S \, (1 - S)`
#      - :math:`\beta / 4`
#    * - ``"fast_sigmoid"``
#      - :math:`\frac{1}{2} \left(1 + \frac{\beta x}{1 + \beta |x|}\right)`
#      - :math:`\frac{\beta}{2 \, (1 + \beta |x|)^2}`
#      - :math:`\beta / 2`
#    * - ``"atan"``
#      - :math:`\frac{1}{2} + \frac{1}{\pi} \arctan \frac{\pi \beta x}{2}`
#      - :math:`\frac{\beta}{2 \, (1 + (\pi \beta x / 2)^2)}`
#      - :math:`\beta / 2`
#    * - ``"triangular"``
#      - :math:`\frac{1}{2} + z - \frac{1}{2} z |z|`, with :math:`z = \beta x` clipped
#        to :math:`[-1, 1]`
#      - :math:`\beta \max(0, 1 - \beta |x|)`
#      - :math:`\beta`
#
# In Python, each as a function that returns :math:`S` and :math:`S'`:


def sigmoid(x, beta):
    """Return S and its derivative."""
    S = expit(beta * x)
    return S, beta * S * (1 - S)


def fast_sigmoid(x, beta):
    """Return S and its derivative."""
    z = 1 + beta * np.abs(x)
    return (1 + beta * x / z) / 2, beta / (2 * z**2)


def atan(x, beta):
    """Return S and its derivative."""
    z = np.pi * beta * x / 2
    return 1 / 2 + np.arctan(z) / np.pi, beta / (2 * (1 + z**2))


def triangular(x, beta):
    """Return S and its derivative."""
    z = np.clip(beta * x, -1, 1)
    return 1 / 2 + z - z * np.abs(z) / 2, beta * (1 - np.abs(z))


SURROGATES = {
    "sigmoid": sigmoid,
    "fast_sigmoid": fast_sigmoid,
    "atan": atan,
    "triangular": triangular,
}

# Plotting code
# Alt text: On top the four smooth steps from 0 to 1 beside the spike, which is a sharp
# one; below their derivatives, four bumps around the threshold. The triangular one is
# the highest and narrowest, the sigmoid the lowest and widest near the threshold, and
# the tails of fast sigmoid and arctangent reach furthest.
COLORS = dict(zip(SURROGATES, (BLUE, ORANGE, GREEN, PINK), strict=True))
x = np.linspace(-1, 1, 1001)
figure, axes = plt.subplots(2, figsize=(5.2, 5.4), layout="constrained")
axes[0].plot(x, x > 0, color="black", linewidth=1, label="spike")
for name, surrogate in SURROGATES.items():
    for ax, values in zip(axes, surrogate(x, 5), strict=True):
        ax.plot(x, values, color=COLORS[name], label=name)
axes[0].set(ylabel="$S$", title=r"Smooth step, $\beta = 5$")
axes[1].set(ylabel="$S'$", title=r"Its derivative, $\beta = 5$")
axes[1].set_xlabel(r"Distance from the threshold $u_t - \theta$")
axes[0].legend(fontsize="small")
plt.show()

# %%
# Each primitive rises by 1 in all, so the area under each derivative is 1. They differ
# in how it is spread. The triangle ends at a distance of :math:`1 / \beta`; the sigmoid
# falls off exponentially; the fast sigmoid and the arctangent have long tails, falling
# off with the square of the distance: even a neuron far from the threshold learns a
# little.
#
# Is each derivative the derivative of its primitive? A finite difference tells:
#
# .. math:: S'(x) \approx \frac{S(x + h) - S(x - h)}{2 h}

points, h = np.random.default_rng(0).uniform(-2, 2, 10_000), 1e-6
for name, surrogate in SURROGATES.items():
    for beta in (1, 5, 25):
        above, below = (
            surrogate(points + h, beta)[0],
            surrogate(points - h, beta)[0],
        )
        slope = (above - below) / (2 * h)
        error = np.abs(surrogate(points, beta)[1] - slope).max() / beta
        assert error < 1e-4
    print(f"{name:13} largest difference / beta, at beta = 25: {error:.0e}")

# %%
# Is it the library's?
# --------------------
# The smallest network shows the surrogate by itself: no hidden layer, a single step, an
# input :math:`x` with the weight 1. The membrane is :math:`u = x`, and if spikes are
# what is read (``readout="spike_count"``), the gradient of the bias of the right class
# is :math:`c \, (q - 1) \, S'(x - \theta)`, where :math:`q` is the probability that the
# loss sees, that of the counts alone, and :math:`c` the ``logit_scale``: the derivation
# is in :ref:`chapter 4 <sphx_glr_auto_guide_04_bptt.py>`. Both outputs have the same
# weights, so that :math:`q` is one half. What is left after division is :math:`S'`.

points = np.linspace(-1, 2, 31)
for name, surrogate in SURROGATES.items():
    tiny = SpikingClassifier(
        (),
        n_steps=1,
        surrogate=name,
        readout="spike_count",
        logit_scale=1,
        max_iter=1,
        random_state=0,
    ).fit([[0.0], [1.0]], [0, 1])
    tiny.coefs_[0][:], tiny.intercepts_[0][:] = 1, 0
    measured = []
    for point in points:
        grads = tiny.loss_and_gradients([[point]], [0]).intercept_grads
        measured.append(grads[0][0] / (0.5 - 1))
    assert np.allclose(
        measured, surrogate(points - tiny.threshold, tiny.beta)[1]
    )
    print(f"{name}: equal at {len(points)} distances from the threshold")

# %%
# .. dropdown:: The library's lines, for those who want to read them
#
#    Two functions per surrogate. The derivative overwrites its argument, which may be
#    large. Formulas are written such that nothing overflows: the sigmoid's derivative
#    is even, and :math:`e^{-\beta |x|}` is at most 1.
#
#    .. literalinclude:: /../sklearn_snn/_model/surrogates.py
#       :start-at: class Surrogate(NamedTuple)
#
# What the gradient is the gradient of
# ------------------------------------
# With :math:`S` in the *forward* pass too, the network is smooth, and the surrogate
# gradient is its gradient in the ordinary sense. The next chapter checks the library in
# this way. But it is another network, since its neurons pass on fractions of a spike.
# The larger :math:`\beta`, the closer the fractions are to 0 and 1. With spikes
# forwards and :math:`S'` backwards, the surrogate gradient is not the gradient of any
# loss. It is a direction in which the loss tends to fall, and that is what descent
# needs. Where these pages say :term:`exact gradient`, they mean that nothing but this
# one derivative is replaced. Here is the loss of the network above along that
# direction, over all weights:

norm = np.sqrt(sum(np.square(g).sum() for g in gradients))
lengths = np.linspace(0, 0.4, 201)
losses = []
for length in lengths:
    moved = [
        w - length * g / norm for w, g in zip(coefs, gradients, strict=True)
    ]
    losses.append(evaluate(moved).loss)
model.coefs_ = coefs
print(f"loss at the start {losses[0]:.3f}, lowest on the way {min(losses):.3f}")

# Plotting code
# Alt text: The loss along the surrogate gradient: a jagged curve that falls from the
# start, has its lowest values on the way, and rises again where the step is too long.
figure, ax = plt.subplots(figsize=(5.2, 3), layout="constrained")
ax.plot(lengths, losses, color=BLUE)
ax.set(xlabel="Length of the step", ylabel="Loss (nats)")
ax.set_title("Down the surrogate gradient")
plt.show()

# %%
# The staircase is still there, but its trend is downwards, until the step is too long.
#
# What beta does
# --------------
# :math:`\beta` sets the width of the window around the threshold in which neurons
# learn. As the area is 1, a window half as wide is twice as high. In units of :math:`1
# / \beta`, the derivative is above half its peak up to these distances:
#
# .. list-table::
#    :header-rows: 1
#
#    * - ``surrogate``
#      - distance, times :math:`\beta`
#    * - ``"sigmoid"``
#      - :math:`\ln(3 + 2 \sqrt{2}) \approx 1.763`
#    * - ``"fast_sigmoid"``
#      - :math:`\sqrt{2} - 1 \approx 0.414`
#    * - ``"atan"``
#      - :math:`2 / \pi \approx 0.637`
#    * - ``"triangular"``
#      - :math:`1 / 2`
#
# How many membranes are in the window? Take those of the hidden neurons of our network,
# for 200 images and at every step, and the default sigmoid:

membranes = model.simulate(spikes[:200], layers=[0]).membranes[0]
distance = membranes.ravel() - model.threshold
betas = np.array([0.5, 1, 2, 5, 10, 20, 50])


def share_in_window(name, beta):
    """Return the share of membranes whose surrogate is above half its peak."""
    _, derivative = SURROGATES[name](distance, beta)
    _, peak = SURROGATES[name](0.0, beta)
    return (derivative > peak / 2).mean()


for beta in betas:
    share = share_in_window("sigmoid", beta)
    print(f"beta = {beta:4.1f}: {share:6.1%} in the window")

# Plotting code
# Alt text: On top a histogram of the membranes, most of them below the threshold, under
# three windows of the surrogate: with beta 2 it covers most of them, with 20 a narrow
# strip around the threshold. Below, the share of membranes in the window against beta:
# it falls from nearly all to few per cent, and is highest for the sigmoid.
figure, axes = plt.subplots(2, figsize=(5.2, 5.8), layout="constrained")
axes[0].hist(distance, bins=np.linspace(-4, 4, 81), density=True, color="0.8")
for beta, color in ((2, GREEN), (5, BLUE), (20, ORANGE)):
    height = sigmoid(np.linspace(-4, 4, 801), beta)[1]
    height /= height.max()
    label = rf"$\beta$ = {beta}"
    axes[0].plot(np.linspace(-4, 4, 801), height, color=color, label=label)
axes[0].set(xlabel=r"Distance from the threshold $u_t - \theta$")
axes[0].set(ylabel="Density; surrogate / peak", title="Membranes and windows")
axes[0].legend(fontsize="small")
for name in SURROGATES:
    shares_of_name = [100 * share_in_window(name, beta) for beta in betas]
    axes[1].semilogx(
        betas, shares_of_name, marker="o", color=COLORS[name], label=name
    )
axes[1].set_xticks(betas, [f"{beta:g}" for beta in betas])
axes[1].minorticks_off()
axes[1].set(xlabel=r"Steepness $\beta$", ylabel="Neurons x steps (%)")
axes[1].set_title("Surrogate above half its peak")
axes[1].legend(fontsize="small")
plt.show()

# %%
# Most membranes lie below the threshold, some far below. With a small :math:`\beta`
# nearly all of them count, also those that no small change of a weight would make fire.
# With a large one, few do: a neuron learns only in the steps in which it is close to
# the threshold, and one that never is does not learn. The same :math:`\beta` means a
# wider window for the sigmoid than for the others; whoever changes the surrogate should
# choose :math:`\beta` anew.
#
# What counts is the width relative to the membranes: with twice the threshold and twice
# the weights, half the :math:`\beta` lets as many neurons learn. How accuracy depends
# on it is measured in :ref:`sphx_glr_auto_guide_06_choosing.py`. A neuron that is out
# of the window for all samples is the subject of
# :ref:`sphx_glr_auto_guide_07_silence.py`.
# Next: how the gradient gets from the last step to the first, in
# :ref:`sphx_glr_auto_guide_04_bptt.py`.
