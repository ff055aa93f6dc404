r"""
1. The neuron
=============

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

import matplotlib.pyplot as plt
import numpy as np

from sklearn_snn._neurons import LIF, lif_forward

BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"


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
# :class:`~sklearn_snn.SpikingClassifier` computes the same in
# ``sklearn_snn/_neurons.py``. Its arrays have the shape ``(n_steps, n_samples,
# n_units)``, so that one pass of the loop is a step of all neurons for all samples, and
# its results go into memory that is reused (``out=``). The argument ``smooth`` is for
# :ref:`tests of the gradient <sphx_glr_auto_guide_04_bptt.py>`.
#
# .. literalinclude:: /../sklearn_snn/_neurons.py
#    :pyobject: lif_forward
#
# Both give the same numbers, for all three resets:

rng = np.random.default_rng(0)
current = rng.normal(0.05, 0.2, size=200)
for reset in ("zero", "subtract", "none"):
    membrane, spikes = lif(current, reset=reset)
    u, s = np.empty((2, 200, 1, 1))
    lif_forward(current.reshape(200, 1, 1), LIF(reset=reset), u, s)
    assert np.array_equal(membrane, u.ravel())
    assert np.array_equal(spikes, s.ravel())
    print(f"reset={reset!r}: {int(spikes.sum())} spikes, equal to the last bit")

# %%
# Charging and firing
# -------------------
# A constant current :math:`I` charges the membrane along a curve that bends towards
# :math:`I / (1 - \alpha)`, where the leak takes away per step what the current brings:
#
# .. math:: u_t = I \, (1 + \alpha + \dots + \alpha^{t-1})
#               = I \, \frac{1 - \alpha^t}{1 - \alpha}
#
# A current of less than :math:`\theta \, (1 - \alpha)`, the *rheobase*, never makes the
# neuron fire. With :math:`\alpha = 0.95` and :math:`\theta = 0.6` the rheobase is 0.03.


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


figure, axes = plt.subplots(
    1, 3, figsize=(8, 3), sharey=True, layout="constrained"
)
for ax, strength in zip(axes, (0.025, 0.04, 0.1), strict=True):
    draw_membrane(ax, np.full(60, strength))
    ax.set(title=f"Current {strength}", xlabel="Time (steps)")
axes[0].set(ylabel="Membrane $u_t$", ylim=(0, 0.9))
axes[0].legend(loc="upper left", fontsize="small")
plt.show()

# %%
# The membrane :math:`u_t` is drawn before the reset, so it is above the threshold in
# exactly the steps that have a spike. On the left the current is below the rheobase; on
# the right, the stronger the current, the sooner the next spike.
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

figure, axes = plt.subplots(
    1, 2, figsize=(8, 3), sharey=True, layout="constrained"
)
strengths = np.linspace(0, 0.8, 200)
for alpha, color in ((0.5, GREEN), (0.9, ORANGE), (0.95, BLUE)):
    rates = [lif(np.full(1000, i), alpha=alpha)[1].mean() for i in strengths]
    axes[0].plot(strengths, rates, color=color, label=rf"$\alpha$ = {alpha}")
for reset, color in (("zero", BLUE), ("subtract", ORANGE), ("none", GREEN)):
    rates = [lif(np.full(1000, i), reset=reset)[1].mean() for i in strengths]
    axes[1].plot(strengths, rates, color=color, label=f'reset="{reset}"')
axes[0].set(xlabel="Current", ylabel="Spikes per step", title="Reset to zero")
axes[1].set(xlabel="Current", title=r"$\alpha$ = 0.95")
for ax in axes:
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
# shares, :math:`1 / (1 - \alpha)` steps, is the memory of the neuron. On the right is
# the same random input for three values, with the threshold too high to matter.

pulse = np.zeros(60)
pulse[4] = 1
noise = rng.binomial(1, 0.2, 60) * 0.2

figure, axes = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
steps = np.arange(1, 61)
for alpha, color in ((0.5, GREEN), (0.9, ORANGE), (0.99, BLUE)):
    memory = round(1 / (1 - alpha))
    label = rf"$\alpha$ = {alpha}, memory {memory} steps"
    axes[0].plot(
        steps, lif(pulse, alpha, threshold=9)[0], color=color, label=label
    )
    axes[1].plot(steps, lif(noise, alpha, threshold=9)[0], color=color)
axes[1].vlines(steps[noise > 0], -0.25, -0.1, color="black", linewidth=1)
axes[0].set(
    xlabel="Time (steps)", ylabel="Membrane", title="Current of 1 at step 5"
)
axes[1].set(xlabel="Time (steps)", title="Currents of 0.2 where the marks are")
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

figure, ax = plt.subplots(figsize=(7, 2.2), layout="constrained")
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
# :ref:`sphx_glr_auto_guide_06_choosing.py` measures it.
#
# What the reset does
# -------------------
# A strong current shows the difference between the three resets. Back at zero, the
# neuron has forgotten by how much it had passed the threshold. After a subtraction that
# rest remains, and the next spike may come sooner. Without a reset the membrane charges
# on towards :math:`I / (1 - \alpha)`, far above the threshold.

figure, axes = plt.subplots(1, 3, figsize=(8, 3), layout="constrained")
for ax, reset in zip(axes, ("zero", "subtract", "none"), strict=True):
    draw_membrane(ax, np.full(30, 0.28), reset=reset)
    n_spikes = int(lif(np.full(30, 0.28), reset=reset)[1].sum())
    ax.set(title=f'reset="{reset}": {n_spikes} spikes', xlabel="Time (steps)")
    ax.set_ylim(0, 5 if reset == "none" else 1.4)
axes[0].set_ylabel("Membrane $u_t$")
axes[0].legend(loc="upper left", ncols=2, fontsize="small")
plt.show()

# %%
# A layer of such neurons gets its currents from the layer below, whose spikes are
# :math:`x_t`, through weights and biases: :math:`I_t = x_t W + b`. Where the first
# spikes come from is the next chapter's matter:
# :ref:`sphx_glr_auto_guide_02_encoding.py`.
