r"""
9. Adaptive neurons
===================

All neurons of the chapters before were alike: one leak, one threshold, and after a
spike nothing was left of what came before. Neurons of animals differ from each other,
and most of them **adapt**: under a lasting current they fire less and less. This
chapter adds the adaptation to the equations of :ref:`chapter 1
<sphx_glr_auto_guide_01_neuron.py>` and shows that such a neuron can swing. What that is
worth, :ref:`chapter 10 <sphx_glr_auto_guide_10_time_constants.py>` measures. At the end
comes a neuron with another second number, a :ref:`synaptic current <synaptic_current>`.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np

from sklearn_snn import SpikingClassifier
from sklearn_snn.neurons import CUBA, AdLIF

# sphinx_gallery_thumbnail_number = 1

# A fixed number of epochs is the plan, and some networks here do not learn.
warnings.simplefilter("ignore")

# %%
# Four equations
# --------------
# The adaptive neuron, ``neuron="adlif"``, has a second number, its **adaptation**
# :math:`w`. It follows the membrane and the spikes slowly, with a leak :math:`\rho` of
# its own, and is taken off the current. In each step, and in this order:
#
# .. math::
#
#    u_t &= \alpha \, v_{t-1} + (1 - \alpha) \, (I_t - w_{t-1}) \\
#    s_t &= \begin{cases} 1 & \text{if } u_t > \theta \\ 0 & \text{else} \end{cases} \\
#    v_t &= u_t \, (1 - s_t) \\
#    w_t &= \rho \, w_{t-1} + (1 - \rho) \, q \, (a \, v_t + b \, s_t)
#
# :math:`a` says how strongly the membrane drives the adaptation, :math:`b` how strongly
# a spike does, and :math:`q` is the scale of both. The other resets are those of
# chapter 1. With :math:`a = b = 0` there is no adaptation, and a leaky
# integrate-and-fire neuron is left; its current is multiplied by :math:`1 - \alpha`,
# the **gain**, so that a longer memory is not a louder input too. These are the
# equations of Baronig, Ferrand, Sabathiel and Legenstein, "Advancing spatio-temporal
# processing in spiking neural networks through adaptation", 2024. That :math:`w_t`
# takes the *new* :math:`v_t` and :math:`s_t` keeps it stable at their scale,
# :math:`q=120`.
#
# As in chapter 1, each equation is a line:


def adlif(current, alpha=0.9, rho=0.98, a=0.0, b=0.2, q=120.0):
    """Return membrane, spikes and adaptation of one neuron."""
    membrane, spikes, adaptation = np.empty((3, len(current)))
    v = w = 0.0
    for t in range(len(current)):
        u = alpha * v + (1 - alpha) * (current[t] - w)
        s = float(u > 0.6)
        v = u * (1 - s)
        w = rho * w + ((1 - rho) * q * a * v + (1 - rho) * q * b * s)
        membrane[t], spikes[t], adaptation[t] = u, s, w
    return membrane, spikes, adaptation


# %%
# Is it the library's neuron? A network with a single hidden neuron, whose weight of 1
# and bias of 0 hand it the current as it is, tells:
# :meth:`~sklearn_snn.SpikingClassifier.simulate` records its membrane and spikes.


def library(current, neuron):
    """Return membrane and spikes of a neuron of the library."""
    X = current.reshape(1, -1, 1)  # one sample, its steps, one channel
    model = SpikingClassifier((1,), neuron=neuron, reset="zero", max_iter=1)
    model.fit(np.concatenate([X, -X]), [0, 1])
    model.coefs_[0][:], model.intercepts_[0][:] = 1, 0
    record = model.simulate(X, layers=[0])
    return record.membranes[0].ravel(), record.spikes[0].ravel()


rng = np.random.default_rng(0)
current = rng.normal(2, 2, size=300)
for a, b in ((0, 0), (0.2, 0.5), (1, 2)):
    constants = {"alpha": 0.9, "rho": 0.98, "a": a, "b": b}
    membrane, spikes, _ = adlif(current, **constants)
    u, s = library(current, AdLIF(**constants))
    assert np.array_equal(membrane, u)
    assert np.array_equal(spikes, s)
    print(f"a={a}, b={b}: {int(s.sum())} spikes, equal to the last bit")

# %%
# What adaptation does
# --------------------
# We begin with an adaptation that spikes alone drive, :math:`a = 0`. First comes a
# current that is switched on and stays. Without adaptation the neuron fires on and on
# at the same rate. With it the first spikes come nearly as fast, and then the
# adaptation takes most of the current away: the neuron tells that something *began*,
# rather than that it is there.

steps = np.arange(1, 201)
lasting = np.where(steps > 20, 2.0, 0.0)
kinds = {"without adaptation": {"b": 0}, "with adaptation": {}}
for name, constants in kinds.items():
    at = np.flatnonzero(adlif(lasting, **constants)[1]) + 1
    gaps = ", ".join(map(str, np.diff(at)[:9]))
    print(f"{name}: {len(at)} spikes; steps between them: {gaps}, ...")

# Plotting code
BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"


def draw(current):
    """Draw a current, both membranes, and the adaptation."""
    _, axes = plt.subplots(
        4,
        figsize=(5.2, 6.4),
        sharex=True,
        layout="constrained",
        height_ratios=(0.6, 1, 1, 0.8),
    )
    axes[0].plot(steps, current, color="black")
    axes[0].set(ylabel="Current $I_t$")
    for ax, (name, constants) in zip(axes[1:3], kinds.items(), strict=True):
        membrane, spikes, adaptation = adlif(current, **constants)
        ax.axhline(0.6, color=ORANGE, linestyle="--", linewidth=1)
        ax.plot(steps, membrane, color=BLUE)
        fired = spikes > 0
        ax.plot(steps[fired], membrane[fired], "v", color="black", markersize=4)
        ax.set(ylabel="Membrane $u_t$", title=name.capitalize())
    axes[2].sharey(axes[1])
    axes[3].plot(steps, adaptation, color=GREEN)
    axes[3].set(ylabel="Adapt. $w_t$", xlabel="Time (steps)")
    plt.show()


# Alt text: A current that is switched on at step 21 and stays, and what two neurons do.
# Without adaptation the membrane charges and fires at equal intervals to the end. With
# adaptation the first interval is nearly as short, the later ones several times as
# long, while the adaptation rises and then keeps its level.
draw(lasting)

# %%
# Now pulses of current, all alike, and a pause among them. Without adaptation the
# answer to every pulse is the same. With it, the answer depends on how long ago the
# last ones came: the neuron remembers them for as long as the adaptation lasts, here
# some :math:`1 / (1 - \rho) = 50` steps, which is five times the memory of its
# membrane, and its spikes do not erase it.

pulses = np.where((steps - 10) % 20 < 10, 4.0, 0.0)
pulses[(steps < 10) | ((steps >= 110) & (steps < 170))] = 0
begins = np.flatnonzero(np.diff(pulses) > 0) + 1
for name, constants in kinds.items():
    spikes = adlif(pulses, **constants)[1]
    counts = [int(spikes[i : i + 20].sum()) for i in begins]
    print(f"{name}: spikes for each pulse: {counts}")

# Plotting code
# Alt text: Five equal pulses of current 20 steps apart, a pause of 60 steps, and two
# more. Without adaptation every pulse makes the same spikes. With adaptation the first
# makes nearly as many, those that follow fewer, and after the pause, when the
# adaptation has fallen, there are more again.
draw(pulses)

# %%
# Why it can swing
# ----------------
# Membrane and adaptation drive each other: a high membrane raises the adaptation, which
# pulls the membrane down, below zero too, which lowers the adaptation. For that the
# membrane has to drive it, :math:`a > 0`. As long as there is no spike, a step is a
# product with a matrix:
#
# .. math::
#
#    \begin{pmatrix} u_t \\ w_t \end{pmatrix} =
#    \begin{pmatrix} \alpha & -(1 - \alpha) \\
#                    k \alpha & \rho - k (1 - \alpha) \end{pmatrix}
#    \begin{pmatrix} u_{t-1} \\ w_{t-1} \end{pmatrix} + \text{what } I_t \text{ brings},
#    \qquad k = (1 - \rho) \, q \, a
#
# Its determinant is :math:`\alpha \rho`. If its eigenvalues are complex, the membrane
# turns through a period of
#
# .. math:: P = 2 \pi \Big/ \arccos
#           \frac{\alpha + \rho - k (1 - \alpha)}{2 \sqrt{\alpha \rho}}
#           \quad \text{steps}
#
# and shrinks by :math:`\sqrt{\alpha \rho}` in each of them. A neuron with a period
# answers best to currents with the same period: it is a **resonator**. One without
# adaptation answers best to what does not change at all.


def period(alpha, rho, a, q=120.0):
    """Return the period in steps; NaN for a neuron that does not swing."""
    trace = alpha + rho - (1 - rho) * q * a * (1 - alpha)
    cosine = trace / (2 * np.sqrt(alpha * rho))
    with np.errstate(invalid="ignore"):
        return 2 * np.pi / np.arccos(cosine)


def amplitude(p, a):
    """Return how far a membrane swings under a weak current of a period."""
    weak = 0.01 * np.sin(2 * np.pi * np.arange(1000) / p)
    membrane, spikes, _ = adlif(weak, rho=0.99, a=a, b=0)
    assert not spikes.any()
    return np.abs(membrane[500:]).max() / 0.01


pulse = np.zeros(100)
pulse[0] = 5
periods = np.geomspace(4, 200, 60)
strengths = {0: "black", 0.2: BLUE, 1: ORANGE}
answers = {a: [amplitude(p, a) for p in periods] for a in strengths}
for a in (0.2, 1):
    best = periods[np.argmax(answers[a])]
    found = period(0.9, 0.99, a)
    print(
        f"a = {a}: period {found:.1f}, best answer to one of {best:.1f} steps"
    )

# Plotting code
# Alt text: On top the membrane after one pulse: without adaptation it falls to zero,
# with a = 0.2 it goes below zero and back within some 40 steps, with a = 1 it swings
# faster and for longer. Below, how strongly it answers to currents of each period:
# without adaptation the more, the longer the period; else with a peak, near the period
# by which it swings.
figure, axes = plt.subplots(2, figsize=(5.2, 5.6), layout="constrained")
for a, color in strengths.items():
    membrane = adlif(pulse, rho=0.99, a=a, b=0)[0]
    axes[0].plot(membrane, color=color, label=f"$a$ = {a}")
    axes[1].plot(periods, answers[a], color=color)
    axes[1].axvline(period(0.9, 0.99, a), color=color, linestyle=":")
axes[0].set(xlabel="Steps after a pulse", ylabel="Membrane $u_t$")
axes[1].set(
    xlabel="Period of the current (steps)", ylabel="Swing of the membrane"
)
axes[1].set(xscale="log", title="Answer to each period; dotted: $P$")
axes[1].set_xticks([5, 10, 20, 50, 100, 200], [5, 10, 20, 50, 100, 200])
axes[1].minorticks_off()
axes[0].legend(fontsize="small")
plt.show()

# %%
# On top the membrane after one pulse, below how far it swings under weak currents of
# each period. So an adaptive neuron has three properties that those of chapter 1 lack:
# it answers to what changes, it remembers beyond its own spikes, and it has a rhythm.
#
# .. _synaptic_current:
#
# Another second number: the synaptic current
# -------------------------------------------
# A synapse does not hand on a spike at once either: its current rises and decays. The
# **current-based neuron**, ``neuron="cuba"``, has that current, :math:`i`, for its
# second number, with a leak :math:`\alpha_s` of its own, ``alpha_syn``. It comes
# *before* the membrane, where the adaptation comes after the spike:
#
# .. math::
#
#    i_t &= \alpha_s \, i_{t-1} + (1 - \alpha_s) \, I_t \\
#    u_t &= \alpha \, v_{t-1} + (1 - \alpha) \, i_t
#
# Spike and reset are those of above, and the reset leaves :math:`i` as it is. The
# membrane takes the new :math:`i_t`, so an input can make a spike in the step in which
# it comes. As both gains are normalised, a lasting current charges the membrane to
# itself, whatever the leaks.


def cuba(current, alpha=0.9, alpha_syn=0.0):
    """Return membrane and spikes of one current-based neuron."""
    membrane, spikes = np.empty((2, len(current)))
    v = i = 0.0
    for t in range(len(current)):
        i = alpha_syn * i + (1 - alpha_syn) * current[t]
        u = alpha * v + (1 - alpha) * i
        s = float(u > 0.6)
        v = u * (1 - s)
        membrane[t], spikes[t] = u, s
    return membrane, spikes


single = np.where(np.arange(60) == 0, 50.0, 0.0)
for alpha_syn in (0.0, 0.8, 0.95):
    neuron = CUBA(alpha=0.9, alpha_syn=alpha_syn)
    membrane, spikes = cuba(current, alpha_syn=alpha_syn)
    u, s = library(current, neuron)
    assert np.array_equal(membrane, u)
    assert np.array_equal(spikes, s)
    at = np.flatnonzero(cuba(single, alpha_syn=alpha_syn)[1]) + 1
    print(
        f"alpha_syn={alpha_syn}: one input at step 1, spikes at {at.tolist()}"
    )

# %%
# With :math:`\alpha_s = 0` a leaky integrate-and-fire neuron is left, whose reset takes
# away all of an input, however strong it was: one spike. With a synaptic current the
# same input comes in bit by bit, and what is left of it goes on charging the membrane
# after every reset: the neuron fires for longer, and the number of its spikes tells how
# strong the input was. Take it where inputs are brief and have to last, or are noisy
# and have to be smoothed; where what you model has synapses; and for what comes from a
# library that has them: see :doc:`/coming_from`. It has no rhythm.
