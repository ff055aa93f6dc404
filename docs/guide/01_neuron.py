r"""
1. The neuron: how it charges, leaks and fires
==============================================

A *leaky integrate-and-fire* (LIF) neuron holds one number, its **membrane**. Input
current charges it, a leak empties it, and when it rises above a **threshold** the
neuron fires a **spike** and the membrane is reset. A neuron's spikes over time are a
**spike train**. That is all there is to it, and this chapter looks at each part.

Time goes in whole steps :math:`t = 1, \dots, T`. All quantities are plain numbers: a
membrane has the unit of the threshold, whatever that is.
"""

# %%
# Three equations
# ---------------
# In each step, with input current :math:`I_t`, leak :math:`\alpha` and threshold
# :math:`\theta`, and in this order:
#
# .. math::
#
#    u_t &= \alpha \, v_{t-1} + I_t \\
#    s_t &= \begin{cases} 1 & \text{if } u_t > \theta \\ 0 & \text{else} \end{cases} \\
#    v_t &= \begin{cases}
#        u_t \, (1 - s_t) & \text{reset to zero} \\
#        u_t - \theta \, s_t & \text{reset by subtraction} \\
#        u_t & \text{no reset}
#        \end{cases}
#
# Here :math:`u_t` is the membrane before the spike test, :math:`s_t` the spike, and
# :math:`v_t` the membrane that is carried on to the next step. Written down for one
# neuron, each equation is a line of Python:
#
# .. list-table::
#    :header-rows: 1
#
#    * - equation
#      - line
#    * - :math:`v_0 = 0`
#      - ``v = 0.0``
#    * - :math:`u_t = \alpha \, v_{t-1} + I_t`
#      - ``u = alpha * v + current[t]``
#    * - :math:`s_t = 1` if :math:`u_t > \theta`
#      - ``s = float(u > threshold)``
#    * - :math:`v_t = u_t \, (1 - s_t)`
#      - ``v = u * (1 - s)``
#    * - :math:`v_t = u_t - \theta \, s_t`
#      - ``v = u - threshold * s``
#    * - :math:`v_t = u_t`
#      - ``v = u``

import warnings

import matplotlib.pyplot as plt
import numpy as np

from sklearn_snn import SpikingClassifier

# sphinx_gallery_thumbnail_number = 1


def lif(current, alpha=0.95, threshold=0.6, reset="zero"):
    """Return membrane and spikes of one neuron."""
    membrane, spikes = np.empty((2, len(current)))
    v = 0.0
    for t in range(len(current)):
        u = alpha * v + current[t]
        s = float(u > threshold)
        if reset == "zero":
            v = u * (1 - s)
        elif reset == "subtract":
            v = u - threshold * s
        else:
            v = u
        membrane[t], spikes[t] = u, s
    return membrane, spikes


# %%
# The library's own
# -----------------
# :class:`~sklearn_snn.SpikingClassifier` computes the same, a step of all neurons for
# all samples at once. :meth:`~sklearn_snn.SpikingClassifier.simulate` records what its
# neurons do, so we can put one of them beside ours: a network with a single hidden
# neuron, whose weight of 1 and bias of 0 hand it the current as it is.


def library(current, **parameters):
    """Return membrane and spikes of a neuron of the library."""
    X = current.reshape(1, -1, 1)  # one sample, its steps, one channel
    model = SpikingClassifier((1,), max_iter=1, **parameters)
    with warnings.catch_warnings():
        # One epoch teaches nothing; the weights are set by hand.
        warnings.simplefilter("ignore")
        model.fit(np.concatenate([X, -X]), [0, 1])
    model.coefs_[0][:], model.intercepts_[0][:] = 1, 0
    record = model.simulate(X, layers=[0])
    return record.membranes[0].ravel(), record.spikes[0].ravel()


rng = np.random.default_rng(0)
current = rng.normal(0.05, 0.2, size=200)
for reset in ("zero", "subtract", "none"):
    membrane, spikes = lif(current, reset=reset)
    u, s = library(current, reset=reset)
    assert np.array_equal(membrane, u)
    assert np.array_equal(spikes, s)
    n_spikes = int(spikes.sum())
    print(f"reset={reset!r}: {n_spikes} spikes, equal to the last bit")

# %%
# .. dropdown:: The library's lines, for those who want to read them
#
#    Arrays have the shape ``(n_steps, n_samples, n_units)``, and the leak and the
#    threshold are arrays of one number per neuron. Results go on a tape, into memory
#    that is reused (``out=``), and ``smooth`` is for :ref:`tests of the gradient
#    <sphx_glr_auto_guide_04_bptt.py>`. The gain is for neurons that differ in their
#    leak: then the current is multiplied by :math:`1 - \alpha`, else it is added as it
#    is.
#
#    .. literalinclude:: /../sklearn_snn/_model/neurons/lif.py
#       :pyobject: LIF.forward

# %%
# Charging and firing
# -------------------
# A constant current :math:`I` charges the membrane along a curve that bends towards
# :math:`I / (1 - \alpha)`, where the leak takes away per step what the current brings:
#
# .. math:: u_t = I \, (1 + \alpha + \dots + \alpha^{t-1})
#               = I \, \frac{1 - \alpha^t}{1 - \alpha}
#
# Only a current above :math:`\theta \, (1 - \alpha)`, the *rheobase*, ever makes the
# neuron fire. With :math:`\alpha = 0.95` and :math:`\theta = 0.6` the rheobase is 0.03.
# So a current of 0.025 stays below the threshold, 0.04 makes the neuron fire, and 0.1
# makes it fire more often:

for strength in (0.025, 0.04, 0.1):
    membrane, spikes = lif(np.full(60, strength))
    print(f"current {strength}: {int(spikes.sum())} spikes in 60 steps")

# Plotting code
BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"


def draw_membrane(ax, current, threshold=0.6, **parameters):
    """Draw a membrane, its threshold and its spikes."""
    membrane, spikes = lif(current, threshold=threshold, **parameters)
    steps = np.arange(1, len(current) + 1)
    ax.axhline(
        threshold, color=ORANGE, linestyle="--", linewidth=1, label="Threshold"
    )
    ax.plot(
        steps, membrane, color=BLUE, marker=".", markersize=3, label="Membrane"
    )
    fired = spikes > 0
    ax.plot(steps[fired], membrane[fired], "v", color="black", label="Spike")


# Alt text: The membrane of a neuron over 60 steps for three currents. With 0.025 it
# levels off below the threshold; with 0.04 it crosses it after 28 steps, fires and
# starts again from zero; with 0.1 it does so every 7 steps.
figure, axes = plt.subplots(3, figsize=(5.2, 5.6), layout="constrained")
for ax, strength in zip(axes, (0.025, 0.04, 0.1), strict=True):
    draw_membrane(ax, np.full(60, strength))
    ax.set(title=f"Current {strength}", ylabel="Membrane $u_t$", ylim=(0, 0.9))
axes[-1].set_xlabel("Time (steps)")
axes[0].legend(loc="upper left", fontsize="small", ncols=3)
plt.show()

# %%
# The membrane :math:`u_t` is drawn before the reset, so it is above the threshold in
# exactly the steps that have a spike. At the top the current is below the rheobase;
# further down, the stronger the current, the sooner the next spike.
#
# How often a neuron fires
# ------------------------
# From reset to spike the neuron needs as many steps as its membrane takes to rise above
# the threshold. Solving the equation above for :math:`t` gives that number, and one
# spike in so many steps is the firing rate. The simulation agrees for every current:


def steps_to_spike(strength, alpha=0.95, threshold=0.6):
    """Return the steps from a reset to zero to the next spike."""
    share = threshold * (1 - alpha) / strength
    return np.floor(np.log(1 - share) / np.log(alpha)) + 1


strengths = np.linspace(0.0312, 0.7, 150)
rates = [lif(np.full(1000, i))[1].mean() for i in strengths]
expected = [(1000 // steps_to_spike(i)) / 1000 for i in strengths]
assert np.allclose(rates, expected)

# Plotting code
# Alt text: Spikes per step against the current, in two panels. After a reset to zero
# they rise as a staircase with steps at 1/4, 1/3, 1/2 and 1, later for a smaller alpha.
# With reset by subtraction they rise nearly in a straight line; without a reset they
# jump to 1 at the rheobase.
figure, axes = plt.subplots(2, figsize=(5.2, 5.4), layout="constrained")
strengths = np.linspace(0, 0.8, 200)
for alpha, color in ((0.5, GREEN), (0.9, ORANGE), (0.95, BLUE)):
    rates = [lif(np.full(1000, i), alpha=alpha)[1].mean() for i in strengths]
    axes[0].plot(strengths, rates, color=color, label=rf"$\alpha$ = {alpha}")
for reset, color in (("zero", BLUE), ("subtract", ORANGE), ("none", GREEN)):
    rates = [lif(np.full(1000, i), reset=reset)[1].mean() for i in strengths]
    axes[1].plot(strengths, rates, color=color, label=f'reset="{reset}"')
axes[0].set(title="Reset to zero")
axes[1].set(xlabel="Current", title=r"$\alpha$ = 0.95")
for ax in axes:
    ax.set_ylabel("Spikes per step")
    ax.legend(fontsize="small")
plt.show()

# %%
# After a reset to zero the intervals between spikes are equal and whole, so the rate is
# 1, 1/2, 1/3, ...: a staircase. Subtraction keeps what was above the threshold for the
# next spike, which makes the rate rise nearly in a straight line. Without a reset the
# membrane stays above the threshold once it has passed it, and the neuron fires in
# every step from then on.
#
# What the leak does
# ------------------
# :math:`\alpha` is the share of the membrane that is left after one step, so a current
# of one step is down to :math:`\alpha^k` after :math:`k` more. The sum of all these
# shares, :math:`1 / (1 - \alpha)` steps, is the memory of the neuron. Here are a single
# current of 1 and then random currents of 0.2, for three values of :math:`\alpha`, with
# the threshold too high to matter.

pulse = np.zeros(60)
pulse[4] = 1
noise = rng.binomial(1, 0.2, 60) * 0.2
for alpha in (0.5, 0.9, 0.99):
    left = lif(pulse, alpha, threshold=9)[0][14]
    print(f"alpha = {alpha}: {left:.3f} of the pulse is left after 10 steps")

# Plotting code
# Alt text: Membranes with alpha 0.5, 0.9 and 0.99 over 60 steps. After a current of 1
# at step 5 the first is back at zero within some 5 steps, the second within some 40,
# the third has hardly fallen by the end. Under random currents the first follows each
# of them, the third adds them up.
figure, axes = plt.subplots(2, figsize=(5.2, 5.4), layout="constrained")
steps = np.arange(1, 61)
for alpha, color in ((0.5, GREEN), (0.9, ORANGE), (0.99, BLUE)):
    memory = round(1 / (1 - alpha))
    label = rf"$\alpha$ = {alpha}, memory {memory} steps"
    axes[0].plot(
        steps, lif(pulse, alpha, threshold=9)[0], color=color, label=label
    )
    axes[1].plot(steps, lif(noise, alpha, threshold=9)[0], color=color)
axes[1].vlines(steps[noise > 0], -0.25, -0.1, color="black", linewidth=1)
axes[0].set(ylabel="Membrane", title="Current of 1 at step 5")
axes[1].set(ylabel="Membrane", title="Currents of 0.2 where the marks are")
axes[1].set_xlabel("Time (steps)")
axes[0].legend(fontsize="small", loc="upper right", bbox_to_anchor=(1, 0.55))
plt.show()

# %%
# With :math:`\alpha = 0` a neuron sees only the current step; with :math:`\alpha = 1`
# it forgets nothing. The longer the memory, the more a lasting current piles up: to
# :math:`2 I` with :math:`\alpha = 0.5`, and to :math:`100 I` with 0.99.
#
# What the threshold does
# -----------------------
# A higher threshold makes spikes rarer. It is also the unit of everything else: divide
# the equations by :math:`\theta`, and only :math:`u_t / \theta` and
# :math:`I_t / \theta` are left in them. Twice the threshold and twice the current give
# the same spikes.

noise = rng.normal(0.06, 0.15, 100)
thresholds = (0.3, 0.6, 1.2)
trains = [lif(noise, threshold=threshold)[1] for threshold in thresholds]
doubled = lif(2 * noise, threshold=2 * 0.6)[1]
assert np.array_equal(doubled, trains[1])
for threshold, spikes in zip(thresholds, trains, strict=True):
    print(f"threshold {threshold}: {int(spikes.sum())} spikes")

# Plotting code
# Alt text: Spikes of one neuron over 100 steps, from the same current, with the
# thresholds 0.3, 0.6 and 1.2: the higher the threshold, the fewer the spikes.
figure, ax = plt.subplots(figsize=(5.2, 2.2), layout="constrained")
ax.eventplot(
    [np.flatnonzero(s) + 1 for s in trains], linelengths=0.7, color="black"
)
ax.set_yticks(range(3), thresholds)
ax.set(xlabel="Time (steps)", ylabel="Threshold", xlim=(0, 101))
ax.set_title("Spikes from the same current")
plt.show()

# %%
# The threshold matters all the same, since the weights of a network begin at a scale of
# their own and the surrogate gradient has a width of its own:
# :ref:`sphx_glr_auto_guide_06_choosing.py` tries thresholds from 0.1 to 8.
#
# What the reset does
# -------------------
# A strong current shows the difference between the three resets. Back at zero, the
# neuron has forgotten by how much it had passed the threshold. After a subtraction that
# rest remains, and the next spike may come sooner. Without a reset the membrane charges
# on towards :math:`I / (1 - \alpha)`, far above the threshold.

for reset in ("zero", "subtract", "none"):
    n_spikes = int(lif(np.full(30, 0.28), reset=reset)[1].sum())
    print(f"reset={reset!r}: {n_spikes} spikes in 30 steps")

# Plotting code
# Alt text: The membrane under a strong current over 30 steps. Reset to zero, it climbs
# from zero to the threshold again and again; reset by subtraction, it starts a little
# higher each time and fires more often; without a reset it charges on to nearly 5 and
# fires in every step.
figure, axes = plt.subplots(3, figsize=(5.2, 5.6), layout="constrained")
for ax, reset in zip(axes, ("zero", "subtract", "none"), strict=True):
    draw_membrane(ax, np.full(30, 0.28), reset=reset)
    n_spikes = int(lif(np.full(30, 0.28), reset=reset)[1].sum())
    ax.set(title=f'reset="{reset}": {n_spikes} spikes', ylabel="Membrane $u_t$")
    ax.set_ylim(0, 5 if reset == "none" else 1.4)
axes[-1].set_xlabel("Time (steps)")
axes[0].legend(loc="upper left", ncols=3, fontsize="small")
plt.show()

# %%
# A layer of such neurons gets its currents from the layer below, whose spikes are
# :math:`x_t`, through weights and biases: :math:`I_t = x_t W + b`. Where the first
# spikes come from is the next chapter's matter:
# :ref:`sphx_glr_auto_guide_02_encoding.py`.
