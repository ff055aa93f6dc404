r"""
3. The surrogate gradient
=========================

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
from sklearn.datasets import load_digits

from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier
from sklearn_snn._engine_numpy import NumpyEngine
from sklearn_snn._network import Network
from sklearn_snn._neurons import LIF
from sklearn_snn._surrogates import SURROGATES

BLUE, ORANGE, GREEN, PINK = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
COLORS = dict(zip(SURROGATES, (BLUE, ORANGE, GREEN, PINK), strict=True))
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
trains = encoder.fit_transform(X)
model = SpikingClassifier((50,), max_iter=5, random_state=0).fit(trains, y)

batch, labels = trains[:20], y[:20]
shares = np.full(20, 1 / 20)
# The weights in double precision, to tell small differences of the loss.
coefs = [w.astype(float) for w in model.coefs_]
intercepts = [b.astype(float) for b in model.intercepts_]
engine = NumpyEngine(Network(LIF(), n_steps=25, logit_scale=10 / 25))


def evaluate(coefs):
    """Return the loss, and its gradient, at these weights."""
    return engine.loss_and_gradients(coefs, intercepts, batch, labels, shares)


gradients = evaluate(coefs).coef_grads
chosen = np.unravel_index(np.abs(gradients[0]).argmax(), gradients[0].shape)


def loss(change):
    """Return the loss with the chosen weight changed."""
    weights = coefs[0].copy()
    weights[chosen] += change
    return evaluate([weights, coefs[1]]).loss


figure, axes = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
for ax, reach in zip(axes, (1, 0.02), strict=True):
    changes = np.linspace(-reach, reach, 401)
    losses = np.array([loss(change) for change in changes])
    ax.plot(changes, losses, color=BLUE, drawstyle="steps-mid")
    ax.set(xlabel="Change of the weight", title=f"Up to {reach}")
    print(
        f"up to {reach}: {len(np.unique(losses.round(9)))} values of the loss"
    )
axes[0].set_ylabel("Loss (nats)")
plt.show()

# %%
# On the left one sees that the loss depends on the weight. On the right, fifty times
# closer, one sees why the slope does not say so: the curve is flat but for its jumps. A
# finite difference, which looks from a tiny distance, finds nothing:

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

x = np.linspace(-1, 1, 1001)
figure, axes = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
axes[0].plot(x, x > 0, color="black", linewidth=1, label="spike")
for name, surrogate in SURROGATES.items():
    style = {"color": COLORS[name], "label": name}
    axes[0].plot(x, surrogate.primitive(x, 5), **style)
    axes[1].plot(x, surrogate.derivative(x.copy(), 5), **style)
label = r"Distance from the threshold $u_t - \theta$"
axes[0].set(xlabel=label, ylabel="$S$", title=r"Smooth step, $\beta = 5$")
axes[1].set(xlabel=label, ylabel="$S'$", title=r"Its derivative, $\beta = 5$")
axes[0].legend(fontsize="small")
plt.show()

# %%
# Each primitive rises by 1 in all, so the area under each derivative is 1. They differ
# in how it is spread. The triangle ends at a distance of :math:`1 / \beta`; the sigmoid
# falls off exponentially; the fast sigmoid and the arctangent have long tails, falling
# off with the square of the distance: even a neuron far from the threshold learns a
# little.
#
# The library's own
# -----------------
# Two functions per surrogate. The derivative overwrites its argument, which may be
# large; therefore the ``x.copy()`` above. Formulas are written such that nothing
# overflows: the sigmoid's derivative is even, and :math:`e^{-\beta |x|}` is at most 1.
#
# .. literalinclude:: /../sklearn_snn/_surrogates.py
#    :start-at: class Surrogate(NamedTuple)
#
# Is each derivative the derivative of its primitive? A finite difference tells:
#
# .. math:: S'(x) \approx \frac{S(x + h) - S(x - h)}{2 h}

points, h = np.random.default_rng(0).uniform(-2, 2, 10_000), 1e-6
for name, (primitive, derivative) in SURROGATES.items():
    for beta in (1, 5, 25):
        slope = (primitive(points + h, beta) - primitive(points - h, beta)) / (
            2 * h
        )
        error = np.abs(derivative(points.copy(), beta) - slope).max() / beta
        assert error < 1e-4
    print(f"{name:13} largest difference / beta, at beta = 25: {error:.0e}")

# %%
# What the gradient is the gradient of
# ------------------------------------
# With :math:`S` in the *forward* pass too, the network is smooth, and the surrogate
# gradient is its gradient in the ordinary sense. The next chapter checks the library in
# this way. But it is another network, since its neurons pass on fractions of a spike.
# The larger :math:`\beta`, the closer the fractions are to 0 and 1. With spikes
# forwards and :math:`S'` backwards, the surrogate gradient is not the exact gradient of
# anything. It is a direction in which the loss tends to fall, and that is what descent
# needs. Here is the loss of the network above along that direction, over all weights:


norm = np.sqrt(sum(np.square(g).sum() for g in gradients))
lengths = np.linspace(0, 0.4, 201)
losses = []
for length in lengths:
    moved = [
        w - length * g / norm for w, g in zip(coefs, gradients, strict=True)
    ]
    losses.append(evaluate(moved).loss)

figure, ax = plt.subplots(figsize=(6, 3), layout="constrained")
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

membranes = model.simulate(trains[:200], layers=[0]).membranes[0]
distance = membranes.astype(float).ravel() - model.threshold
betas = np.array([0.5, 1, 2, 5, 10, 20, 50])


def share_in_window(name, beta):
    """Return the share of membranes whose surrogate is above half its peak."""
    derivative = SURROGATES[name].derivative
    peak = derivative(np.zeros(1), beta)[0]
    return (derivative(distance.copy(), beta) > peak / 2).mean()


for beta in betas:
    print(
        f"beta = {beta:4.1f}: {share_in_window('sigmoid', beta):6.1%} in the window"
    )

figure, axes = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
axes[0].hist(distance, bins=np.linspace(-4, 4, 81), density=True, color="0.8")
for beta, color in ((2, GREEN), (5, BLUE), (20, ORANGE)):
    height = SURROGATES["sigmoid"].derivative(np.linspace(-4, 4, 801), beta)
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
# What counts is the width relative to the membranes, so :math:`\beta` goes with the
# threshold, as :ref:`sphx_glr_auto_guide_06_choosing.py` shows. A neuron that is out of
# the window for all samples is the subject of :ref:`sphx_glr_auto_guide_07_silence.py`.
# Next: how the gradient gets from the last step to the first, in
# :ref:`sphx_glr_auto_guide_04_bptt.py`.
