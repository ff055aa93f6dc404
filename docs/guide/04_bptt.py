r"""
4. Backpropagation through time
===============================

A weight acts at every step, and what it does at one step is felt at later ones, since
the membrane carries it on. Its gradient therefore sums over all steps, and over all
ways from each step to the end. **Backpropagation through time** computes that sum in
one walk from the last step to the first. This chapter derives it for the neuron of
:ref:`chapter 1 <sphx_glr_auto_guide_01_neuron.py>`, writes it down in some lines of
numpy, and checks it.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import expit, log_softmax
from sklearn.datasets import load_digits

from sklearn_snn import PoissonSpikeEncoder
from sklearn_snn._engine_numpy import NumpyEngine
from sklearn_snn._network import Network
from sklearn_snn._neurons import LIF, lif_backward, lif_forward
from sklearn_snn._workspace import Workspace

BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"

# %%
# The recursion
# -------------
# A neuron that resets to zero computes, in each step,
#
# .. math::
#
#    u_t = \alpha \, v_{t-1} + I_t, \qquad
#    s_t = 1 \text{ if } u_t > \theta \text{ else } 0, \qquad
#    v_t = u_t \, (1 - s_t)
#
# We look for :math:`\delta_t = dL / du_t`, the gradient of the loss :math:`L` with
# respect to the membrane. It is also that with respect to the current, since
# :math:`du_t / dI_t = 1`. The membrane :math:`u_t` reaches the loss in two ways:
#
# 1. Through the spike :math:`s_t`, which goes to the layer above. Let :math:`g_t` be
#    what comes back from there, the gradient with respect to that spike. For the slope
#    of the spike we take the surrogate of :ref:`chapter 3
#    <sphx_glr_auto_guide_03_surrogate.py>`, :math:`e_t = S'(u_t - \theta)`. This way
#    contributes :math:`g_t \, e_t`.
# 2. Through :math:`v_t`, which is carried on to the next membrane. Call
#    :math:`\kappa_t = dv_t / du_t` what the reset leaves of a change. As
#    :math:`du_{t+1} / dv_t = \alpha`, this way contributes
#    :math:`\alpha \, \kappa_t \, \delta_{t+1}`.
#
# Together, from the last step, where there is no next one, to the first:
#
# .. math:: \delta_t = g_t \, e_t + \alpha \, \kappa_t \, \delta_{t+1},
#           \qquad \delta_{T+1} = 0
#
# The product rule gives :math:`\kappa_t` for :math:`v_t = u_t \, (1 - s_t)`, in which
# :math:`s_t` depends on :math:`u_t` too:
#
# .. math:: \kappa_t = (1 - s_t) - u_t \, e_t
#
# The first part is a **gate**: a spike erases the membrane, and with it all that had
# happened before. The second is there because a higher membrane is also closer to a
# reset. The other two resets in the same way:
#
# .. list-table::
#    :header-rows: 1
#
#    * - ``reset``
#      - :math:`v_t`
#      - :math:`\kappa_t`
#      - :math:`\kappa_t` with ``detach_reset=True``
#    * - ``"zero"``
#      - :math:`u_t \, (1 - s_t)`
#      - :math:`1 - s_t - u_t \, e_t`
#      - :math:`1 - s_t`
#    * - ``"subtract"``
#      - :math:`u_t - \theta \, s_t`
#      - :math:`1 - \theta \, e_t`
#      - 1
#    * - ``"none"``
#      - :math:`u_t`
#      - 1
#      - 1
#
# The network around it
# ---------------------
# The current is :math:`I_t = x_t W + b`, with the spikes :math:`x_t` of the layer
# below. The same weights act at all steps, so their gradients sum over them; and the
# gradient of the spikes below goes through the same weights:
#
# .. math::
#
#    \frac{dL}{dW} = \sum_t x_t^\top \delta_t, \qquad
#    \frac{dL}{db} = \sum_t \delta_t, \qquad
#    g_t^\text{below} = \delta_t W^\top
#
# At the top, the logit of a class is :math:`c` times the number of spikes of its
# neuron. With the softmax :math:`p` of the logits, the one-hot label :math:`y` and the
# mean cross-entropy of :math:`n` samples, the gradient with respect to an output spike
# is the same at every step:
#
# .. math:: g_t^\text{out} = \frac{c}{n} \, (p - y)
#
# By hand
# -------
# Each equation beside its lines:
#
# .. list-table::
#    :header-rows: 1
#    :widths: 45 55
#
#    * - equation
#      - line
#    * - :math:`I_t = x_t W + b`
#      - ``current = x @ weights + bias``
#    * - :math:`u_t = \alpha \, v_{t-1} + I_t`
#      - ``u[t] = alpha * v + current[t]``
#    * - :math:`v_t = u_t \, (1 - s_t)`
#      - ``v = u[t] * (1 - s[t])``
#    * - :math:`g_t^\text{out} = c \, (p - y) / n`
#      - ``g = scale * (np.exp(log_p) - one_hot) / n``
#    * - :math:`e_t = S'(u_t - \theta)`
#      - ``e = beta * step * (1 - step)``
#    * - :math:`\kappa_t = 1 - s_t - u_t \, e_t`
#      - ``kappa = 1 - s - u * e``
#    * - :math:`\delta_t = g_t \, e_t + \alpha \, \kappa_t \, \delta_{t+1}`
#      - ``later = g[t] * e[t] + alpha * kappa[t] * later``
#    * - :math:`dL / dW = \sum_t x_t^\top \delta_t`
#      - ``np.einsum("tni,tnj->ij", x, delta)``
#    * - :math:`dL / db = \sum_t \delta_t`
#      - ``delta.sum(axis=(0, 1))``
#    * - :math:`g_t^\text{below} = \delta_t W^\top`
#      - ``g = delta @ weights[1].T``
#
# All arrays have the shape (steps, samples, neurons). With ``smooth``, neurons fire
# :math:`S(u_t - \theta)` instead of spikes; we come to that.

alpha, threshold, beta, scale = 0.95, 0.6, 5.0, 0.4


def layer_forward(x, weights, bias, smooth=False):
    """Return membranes and spikes of a layer."""
    current = x @ weights + bias
    u, s, v = np.empty_like(current), np.empty_like(current), 0.0
    for t in range(len(x)):
        u[t] = alpha * v + current[t]
        s[t] = expit(beta * (u[t] - threshold)) if smooth else u[t] > threshold
        v = u[t] * (1 - s[t])
    return u, s


def layer_backward(g, u, s):
    """Return delta of a layer."""
    step = expit(beta * (u - threshold))
    e = beta * step * (1 - step)
    kappa = 1 - s - u * e
    delta, later = np.empty_like(u), 0.0
    for t in reversed(range(len(u))):
        later = g[t] * e[t] + alpha * kappa[t] * later
        delta[t] = later
    return delta


def loss_and_gradients(x, one_hot, weights, biases, smooth=False):
    """Return the loss of a network of two layers, and the gradients of its weights."""
    n_steps, n = x.shape[:2]
    u_hidden, s_hidden = layer_forward(x, weights[0], biases[0], smooth)
    u_out, s_out = layer_forward(s_hidden, weights[1], biases[1], smooth)
    log_p = log_softmax(scale * s_out.sum(axis=0), axis=1)
    g = scale * (np.exp(log_p) - one_hot) / n
    delta_out = layer_backward(
        np.broadcast_to(g, (n_steps, *g.shape)), u_out, s_out
    )
    g = delta_out @ weights[1].T
    delta_hidden = layer_backward(g, u_hidden, s_hidden)
    gradients = [
        (np.einsum("tni,tnj->ij", x, delta), delta.sum(axis=(0, 1)))
        for x, delta in ((x, delta_hidden), (s_hidden, delta_out))
    ]
    return -(one_hot * log_p).sum() / n, gradients


# %%
# Is it the library's gradient?
# -----------------------------
# The library does the same, for any number of layers, in memory that is reused, and
# with a word on tiny numbers that the loop above does not need:
#
# .. literalinclude:: /../sklearn_snn/_neurons.py
#    :pyobject: lif_backward
#
# We compare on 32 digits, in double precision, with random weights and with biases that
# let the neurons fire:

X, y = load_digits(return_X_y=True)
trains = PoissonSpikeEncoder(n_steps=25, random_state=0).fit_transform(X)[:32]
labels, shares = y[:32], np.full(32, 1 / 32)
rng = np.random.default_rng(0)
weights = [rng.normal(0, 0.125, (64, 30)), rng.normal(0, 0.2, (30, 10))]
biases = [np.full(30, 0.05), np.full(10, 0.05)]
x = np.asarray(trains).transpose(1, 0, 2).astype(float)
one_hot = np.eye(10)[labels]


def library(smooth=False, **parameters):
    """Return the library's loss and gradients."""
    neuron = LIF(alpha, threshold, beta, **parameters)
    engine = NumpyEngine(Network(neuron, 25, scale, smooth=smooth))
    return engine.loss_and_gradients(weights, biases, trains, labels, shares)


loss, gradients = loss_and_gradients(x, one_hot, weights, biases)
theirs = library()
print(f"loss by hand {loss:.12f}, library {theirs.loss:.12f}")
pairs = zip(gradients, theirs.coef_grads, theirs.intercept_grads, strict=True)
for name, (ours, coef_grad, intercept_grad) in zip(
    ("1", "2"), pairs, strict=True
):
    for kind, a, b in zip("Wb", ours, (coef_grad, intercept_grad), strict=True):
        difference = np.abs(a - b).max() / np.abs(b).max()
        print(
            f"{kind}{name}: largest difference / largest entry = {difference:.0e}"
        )
        assert difference < 1e-12

# %%
# The same up to rounding. But two programs may share a mistake in the mathematics.
#
# Is it the gradient?
# -------------------
# A network of spikes is a staircase, and a finite difference of it is zero or worse. So
# we let the neurons fire :math:`S(u_t - \theta)` forwards as well. Then :math:`e_t`
# *is* the slope of what is fired, the loss is smooth, and everything else in the
# recursion, :math:`\alpha`, :math:`\kappa_t`, the sums, must be exact. We move 20
# weights of each layer, one by one, by a tiny :math:`h` in both directions:

h = 1e-5
gradients = library(smooth=True).coef_grads
_, by_hand = loss_and_gradients(x, one_hot, weights, biases, smooth=True)
for layer, w in enumerate(weights):
    assert np.allclose(
        by_hand[layer][0], gradients[layer], rtol=1e-9, atol=1e-14
    )
    errors = []
    for index in rng.choice(w.size, 20, replace=False):
        value, losses = w.flat[index], []
        for moved in (value + h, value - h):
            w.flat[index] = moved
            losses.append(library(smooth=True).loss)
        w.flat[index] = value
        slope = (losses[0] - losses[1]) / (2 * h)
        errors.append(abs(slope - gradients[layer].flat[index]))
    worst = max(errors) / np.abs(gradients[layer]).max()
    print(f"W{layer + 1}: largest difference / largest entry = {worst:.0e}")
    assert worst < 1e-7

# %%
# That is as good as such a difference gets. The tests of the library check all
# surrogates and resets like this.
#
# How far back the gradient reaches
# ---------------------------------
# Let only the last step matter: :math:`g_T = 1` and no other. The recursion is then
# :math:`\delta_t = \alpha \, \kappa_t \, \delta_{t+1}`, a product of one factor per
# step. With the gate alone, :math:`\kappa_t = 1 - s_t`, the factors are :math:`\alpha`
# in a step without a spike and 0 in one with. So :math:`\delta` fades as
# :math:`\alpha^k` over :math:`k` steps, back to the neuron's most recent spike, and is
# zero before. On the left are neurons whose current is too weak to fire; on the right
# 2,000 that get the same random currents for each :math:`\alpha`.


def deltas_of_last_step(current, **parameters):
    """Return spikes and delta if only the last step counts."""
    neuron = LIF(**parameters)
    u, s, delta = np.empty((3, *current.shape))
    lif_forward(current, neuron, u, s)
    g = np.zeros_like(u)
    g[-1] = 1
    lif_backward(g, u, s, neuron, delta, Workspace())
    return s, delta


n_steps = 100
steps = np.arange(1, n_steps + 1)
weak = np.full((n_steps, 1, 1), 0.001)
random = rng.normal(0.05, 0.4, (n_steps, 1, 2000))

figure, axes = plt.subplots(
    1, 2, figsize=(8, 3), sharey=True, layout="constrained"
)
for a, color in ((0.5, GREEN), (0.9, ORANGE), (0.99, BLUE)):
    for ax, current in zip(axes, (weak, random), strict=True):
        s, delta = deltas_of_last_step(current, alpha=a, detach_reset=True)
        size = np.abs(delta).mean(axis=(1, 2))
        size[size == 0] = np.nan
        label = rf"$\alpha$ = {a}, {s.mean():.2f} spikes per step"
        ax.semilogy(steps, size / size[-1], color=color, label=label)
        if ax is axes[0]:
            assert np.allclose(size / size[-1], a ** (n_steps - steps))
axes[0].set(ylabel=r"Mean $|\delta_t|$ / mean $|\delta_T|$", ylim=(1e-9, 2))
axes[0].set(title="Neurons that do not fire", xlabel="Time (steps)")
axes[1].set(title="Neurons that fire", xlabel="Time (steps)")
for ax in axes:
    ax.legend(fontsize="small", loc="lower left")
plt.show()

# %%
# The gradient of a short memory never hears of the first steps. A longer memory reaches
# further, but no further than the neuron's spikes allow: the mean over neurons falls
# faster on the right, as fewer and fewer have not fired in between.
#
# Through the reset or not
# ------------------------
# With the whole :math:`\kappa_t = 1 - s_t - u_t \, e_t`, a step near the threshold is
# no longer a mere gate. Just above the threshold, :math:`\kappa = -\theta \, S'(0)`,
# which for the sigmoid is :math:`-\theta \beta / 4`. If :math:`\alpha` times that is
# below -1, each such step makes :math:`\delta` larger, with its sign turned.
# ``detach_reset=True`` takes the :math:`s_t` of the reset as a constant, which drops
# the term :math:`u_t \, e_t` and leaves the gate. Here are both, for :math:`\alpha =
# 0.95`: on the left :math:`\kappa`, and on the right how :math:`\delta` of 2,000
# neurons that fire goes back from the last step.

random = rng.normal(0.05, 0.15, (n_steps, 1, 2000))
u = np.linspace(0, 1.4, 1401)
figure, axes = plt.subplots(1, 2, figsize=(8, 3.2), layout="constrained")
axes[0].plot(u, u <= threshold, color="black", label="detached")
for b, color in ((5, BLUE), (20, ORANGE), (50, GREEN)):
    step = expit(b * (u - threshold))
    kappa = (u <= threshold) - u * b * step * (1 - step)
    axes[0].plot(u, kappa, color=color, label=rf"through, $\beta$ = {b}")
    _, delta = deltas_of_last_step(random, alpha=0.95, beta=b)
    size = np.abs(delta).mean(axis=(1, 2))
    axes[1].semilogy(steps, size / size[-1], color=color)
    print(
        f"through, beta = {b}: first step / last step = {size[0] / size[-1]:.1e}"
    )
s, delta = deltas_of_last_step(random, alpha=0.95, detach_reset=True)
size = np.abs(delta).mean(axis=(1, 2))
axes[1].semilogy(steps, size / size[-1], color="black")
print(f"detached: first step / last step = {size[0] / size[-1]:.1e}")
print(f"{s.mean():.2f} spikes per step")
axes[0].axhline(-1 / 0.95, color="0.6", linestyle=":", label=r"$-1 / \alpha$")
axes[0].set(
    xlabel="Membrane $u_t$", ylabel=r"$\kappa_t$", title="What a reset leaves"
)
axes[1].set(
    xlabel="Time (steps)", ylabel=r"Mean $|\delta_t|$ / mean $|\delta_T|$"
)
axes[1].set_title("Back from the last step")
axes[0].legend(fontsize="small")
plt.show()

# %%
# With :math:`\beta = 5`, :math:`\alpha \kappa` stays between -1 and 1, and the whole
# :math:`\kappa` makes :math:`\delta` fade faster than the gate alone. With 20 it fades
# more slowly, and with 50 it does not fade at all: what arrives at the first steps is
# made of large factors, not of what these steps have to do with the loss.
#
# The default ``detach_reset="auto"`` goes through the reset as long as :math:`\alpha
# |\kappa|` at the threshold is at most 1 and the memory, :math:`1 / (1 - \alpha)`, at
# most 20 steps, and detaches it otherwise. Through the reset, the gradient is the one
# that the finite difference has confirmed; detached, it is a simpler one that leaves a
# term out. What it costs to leave out more is measured in
# :ref:`sphx_glr_auto_guide_08_article.py`. Next: what to make of the spikes at the top,
# in :ref:`sphx_glr_auto_guide_05_readout.py`.
