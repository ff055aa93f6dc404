r"""
4. Backpropagation through time, derived and checked
====================================================

A weight acts at every step, and what it does at one step is felt at later ones, since
the membrane carries it on. Its gradient therefore sums over all steps, and over all
ways from each step to the end. **Backpropagation through time** computes that sum in
one walk from the last step to the first. This chapter derives it for the neuron of
:ref:`chapter 1 <sphx_glr_auto_guide_01_neuron.py>`, writes it down in some lines of
numpy, and checks it.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import expit, log_softmax
from sklearn.datasets import load_digits

from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier

# sphinx_gallery_thumbnail_number = 1

# The fits of this page only make networks, whose weights are then set by hand.
warnings.filterwarnings("ignore", "Maximum number of epochs")

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
#      - ``layer_forward(x @ weights[0] + biases[0], ...)``
#    * - :math:`u_t = \alpha \, v_{t-1} + I_t`
#      - ``u[t] = alpha * v + current[t]``
#    * - :math:`v_t = u_t \, (1 - s_t)`
#      - ``v = u[t] * (1 - s[t])``
#    * - :math:`g_t^\text{out} = c \, (p - y) / n`
#      - ``g = scale * (np.exp(log_p) - one_hot) / n``
#    * - :math:`e_t = S'(u_t - \theta)`
#      - ``e = beta * step * (1 - step)``
#    * - :math:`\kappa_t = 1 - s_t - u_t \, e_t`
#      - ``kappa = 1 - s if detach else 1 - s - u * e``
#    * - :math:`\delta_t = g_t \, e_t + \alpha \, \kappa_t \, \delta_{t+1}`
#      - ``later = g[t] * e[t] + alpha * kappa[t] * later``
#    * - :math:`dL / dW = \sum_t x_t^\top \delta_t`
#      - ``np.tensordot(x, delta, axes=((0, 1), (0, 1)))``
#    * - :math:`dL / db = \sum_t \delta_t`
#      - ``delta.sum(axis=(0, 1))``
#    * - :math:`g_t^\text{below} = \delta_t W^\top`
#      - ``g = delta @ weights[1].T``
#
# All arrays have the shape (steps, samples, neurons). With ``smooth``, neurons fire
# :math:`S(u_t - \theta)` instead of spikes; we come to that.

threshold, scale = 0.6, 0.4


def layer_forward(current, alpha=0.95, beta=5.0, smooth=False):
    """Return membranes and spikes of a layer."""
    u, s, v = np.empty_like(current), np.empty_like(current), 0.0
    for t in range(len(current)):
        u[t] = alpha * v + current[t]
        above = u[t] - threshold
        s[t] = expit(beta * above) if smooth else above > 0
        v = u[t] * (1 - s[t])
    return u, s


def layer_backward(g, u, s, alpha=0.95, beta=5.0, detach=False):
    """Return delta of a layer."""
    step = expit(beta * (u - threshold))
    e = beta * step * (1 - step)
    kappa = 1 - s if detach else 1 - s - u * e
    delta, later = np.empty_like(u), 0.0
    for t in reversed(range(len(u))):
        later = g[t] * e[t] + alpha * kappa[t] * later
        delta[t] = later
    return delta


def loss_and_gradients(x, one_hot, weights, biases, smooth=False, detach=False):
    """Return the loss of a network of two layers, and its gradients."""
    n_steps, n = x.shape[:2]
    u_hidden, s_hidden = layer_forward(
        x @ weights[0] + biases[0], smooth=smooth
    )
    current = s_hidden @ weights[1] + biases[1]
    u_out, s_out = layer_forward(current, smooth=smooth)
    log_p = log_softmax(scale * s_out.sum(axis=0), axis=1)
    g = scale * (np.exp(log_p) - one_hot) / n
    g = np.broadcast_to(g, (n_steps, *g.shape))
    delta_out = layer_backward(g, u_out, s_out, detach=detach)
    g = delta_out @ weights[1].T
    delta_hidden = layer_backward(g, u_hidden, s_hidden, detach=detach)
    gradients = [
        (np.tensordot(x, delta, axes=((0, 1), (0, 1))), delta.sum(axis=(0, 1)))
        for x, delta in ((x, delta_hidden), (s_hidden, delta_out))
    ]
    return -(one_hot * log_p).sum() / n, gradients


# %%
# Is it the library's gradient?
# -----------------------------
# :meth:`~sklearn_snn.SpikingClassifier.loss_and_gradients` gives the loss of a fitted
# network on given samples, and its gradient. We compare on 32 digits, in double
# precision, with random weights and with biases that let the neurons fire, with the
# gradient through the reset and without:

X, y = load_digits(return_X_y=True)
encoder = PoissonSpikeEncoder(n_steps=25, random_state=0)
spikes = np.asarray(encoder.fit_transform(X)[:32], dtype=float)
labels, one_hot = y[:32], np.eye(10)[y[:32]]
rng = np.random.default_rng(0)
weights = [rng.normal(0, 0.125, (64, 30)), rng.normal(0, 0.2, (30, 10))]
biases = [np.full(30, 0.05), np.full(10, 0.05)]
x = spikes.transpose(1, 0, 2)  # steps first

for detach in (False, True):
    loss, gradients = loss_and_gradients(
        x, one_hot, weights, biases, detach=detach
    )
    model = SpikingClassifier(
        (30,),
        logit_scale=scale,
        reset="zero",
        detach_reset=detach,
        max_iter=1,
        random_state=0,
    ).fit(spikes, labels)
    model.coefs_, model.intercepts_ = weights, biases
    library = model.loss_and_gradients(spikes, labels)
    assert np.isclose(loss, library.loss, rtol=1e-12)
    print(f"detach_reset={detach}")
    for layer, by_hand in enumerate(gradients):
        theirs = library.coef_grads[layer], library.intercept_grads[layer]
        for kind, a, b in zip("Wb", by_hand, theirs, strict=True):
            difference = np.abs(a - b).max() / np.abs(b).max()
            print(
                f"  {kind}{layer + 1}: difference / largest = {difference:.0e}"
            )
            assert difference < 1e-12

# %%
# The same up to rounding. But two programs may share a mistake in the mathematics.
#
# .. dropdown:: The library's lines, for those who want to read them
#
#    They work for any number of layers, in memory that is reused, have a word on tiny
#    numbers that the loop above does not need, and gradients of leaks and thresholds,
#    where these learn.
#
#    .. literalinclude:: /../sklearn_snn/_model/neurons/lif.py
#       :pyobject: LIF.backward
#
# Is it the gradient?
# -------------------
# A network of spikes is a staircase, and a finite difference of it is zero or worse. So
# we let the neurons fire :math:`S(u_t - \theta)` forwards as well. Then :math:`e_t`
# *is* the slope of what is fired, the loss is smooth, and everything else in the
# recursion, :math:`\alpha`, :math:`\kappa_t`, the sums, must be right. We move 20
# weights of each layer, one by one, by a tiny :math:`h` in both directions:

h = 1e-5
_, gradients = loss_and_gradients(x, one_hot, weights, biases, smooth=True)
for layer, w in enumerate(weights):
    errors = []
    for index in rng.choice(w.size, 20, replace=False):
        value, losses = w.flat[index], []
        for moved in (value + h, value - h):
            w.flat[index] = moved
            loss, _ = loss_and_gradients(
                x, one_hot, weights, biases, smooth=True
            )
            losses.append(loss)
        w.flat[index] = value
        slope = (losses[0] - losses[1]) / (2 * h)
        errors.append(abs(slope - gradients[layer][0].flat[index]))
    worst = max(errors) / np.abs(gradients[layer][0]).max()
    print(f"W{layer + 1}: largest difference / largest entry = {worst:.0e}")
    assert worst < 1e-7

# %%
# That is as good as such a difference gets, and it is what the library means by an
# :term:`exact gradient`: the smooth step in place of the spike, the recursion is what
# finite differences measure. The tests of the library check all surrogates and resets
# like this.
#
# How far back the gradient reaches
# ---------------------------------
# Let only the last step matter: :math:`g_T = 1` and no other. The recursion is then
# :math:`\delta_t = \alpha \, \kappa_t \, \delta_{t+1}`, a product of one factor per
# step. With the gate alone, :math:`\kappa_t = 1 - s_t`, the factors are :math:`\alpha`
# in a step without a spike and 0 in one with. So :math:`\delta` fades as
# :math:`\alpha^k` over :math:`k` steps, back to the neuron's most recent spike, and is
# zero before. First come neurons whose current is too weak to fire, then 2,000 that get
# the same random currents for each :math:`\alpha`.


def deltas_of_last_step(current, alpha, beta=5.0, detach=False):
    """Return spikes per step, and mean sizes of delta from the last step."""
    u, s = layer_forward(current, alpha, beta)
    g = np.zeros_like(u)
    g[-1] = 1
    delta = layer_backward(g, u, s, alpha, beta, detach)
    size = np.abs(delta).mean(axis=1)
    return s.mean(), size / size[-1]


n_steps = 100
steps = np.arange(1, n_steps + 1)
currents = {
    "Neurons that do not fire": np.full((n_steps, 1), 0.001),
    "Neurons that fire": rng.normal(0.05, 0.4, (n_steps, 2000)),
}
sizes = {}
for title, current in currents.items():
    for a in (0.5, 0.9, 0.99):
        sizes[title, a] = deltas_of_last_step(current, a, detach=True)
        rate, size = sizes[title, a]
        print(f"{title}, alpha = {a}: {rate:.2f} spikes per step,", end=" ")
        print(f"20 steps back {size[-21]:.0e} is left")
        if rate == 0:
            assert np.allclose(size, a ** (n_steps - steps))

# Plotting code
# Alt text: The size of delta at each of 100 steps, relative to the last, on a
# logarithmic axis, for alpha 0.5, 0.9 and 0.99. Of neurons that do not fire these are
# straight lines, the steeper the smaller alpha. Of neurons that fire all three fall
# faster, also the one of 0.99.
BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"
figure, axes = plt.subplots(2, figsize=(5.2, 6), layout="constrained")
for ax, title in zip(axes, currents, strict=True):
    for a, color in ((0.5, GREEN), (0.9, ORANGE), (0.99, BLUE)):
        rate, size = sizes[title, a]
        label = rf"$\alpha$ = {a}, {rate:.2f} spikes per step"
        size = np.where(size > 0, size, np.nan)
        ax.semilogy(steps, size, color=color, label=label)
    ax.set(title=title, ylim=(1e-13, 2))
    ax.set_ylabel(r"Mean $|\delta_t|$ / mean $|\delta_T|$")
    ax.legend(fontsize="small", loc="lower left")
axes[1].set_xlabel("Time (steps)")
plt.show()

# %%
# The gradient of a short memory never hears of the first steps. A longer memory reaches
# further, but no further than the neuron's spikes allow: the mean over neurons that
# fire falls faster, as fewer and fewer have not fired in between.
#
# Through the reset or not
# ------------------------
# With the whole :math:`\kappa_t = 1 - s_t - u_t \, e_t`, a step near the threshold is
# no longer a mere gate. Just above the threshold, :math:`\kappa = -\theta \, S'(0)`,
# which for the sigmoid is :math:`-\theta \beta / 4`. If :math:`\alpha` times that is
# below -1, each such step makes :math:`\delta` larger, with its sign turned.
# ``detach_reset=True`` takes the :math:`s_t` of the reset as a constant, which drops
# the term :math:`u_t \, e_t` and leaves the gate. Here are both, for :math:`\alpha =
# 0.95`: first :math:`\kappa`, then how :math:`\delta` of 2,000 neurons that fire goes
# back from the last step.

random = rng.normal(0.05, 0.15, (n_steps, 2000))
through = {b: deltas_of_last_step(random, 0.95, b)[1] for b in (5, 20, 50)}
rate, detached = deltas_of_last_step(random, 0.95, detach=True)
for b, size in through.items():
    print(f"through, beta = {b}: first step / last step = {size[0]:.1e}")
print(f"detached: first step / last step = {detached[0]:.1e}")
print(f"{rate:.2f} spikes per step")

# Plotting code
# Alt text: On top kappa against the membrane. Detached, it is 1 up to the threshold and
# 0 above; through the reset it dips around the threshold, for beta 20 and 50 far below
# -1 / alpha. Below, the size of delta on the way back from the last step: it fades with
# beta 5 and, more slowly, when detached or with beta 20; with beta 50 it does not fade.
u = np.linspace(0, 1.4, 1401)
figure, axes = plt.subplots(2, figsize=(5.2, 6), layout="constrained")
axes[0].plot(u, u <= threshold, color="black", label="detached")
for (b, size), color in zip(
    through.items(), (BLUE, ORANGE, GREEN), strict=True
):
    step = expit(b * (u - threshold))
    kappa = (u <= threshold) - u * b * step * (1 - step)
    label = rf"through, $\beta$ = {b}"
    axes[0].plot(u, kappa, color=color, label=label)
    axes[1].semilogy(steps, size, color=color)
axes[1].semilogy(steps, detached, color="black")
axes[0].axhline(-1 / 0.95, color="0.6", linestyle=":", label=r"$-1 / \alpha$")
axes[0].set(xlabel="Membrane $u_t$", ylabel=r"$\kappa_t$")
axes[0].set_title("What a reset leaves")
axes[1].set_ylabel(r"Mean $|\delta_t|$ / mean $|\delta_T|$")
axes[1].set(xlabel="Time (steps)", title="Back from the last step")
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
# most 20 steps (in recurrent networks, however long it is), and detaches it
# otherwise. What it chose stands in the fitted network, in ``detach_reset_``. Of the
# reset to zero (by subtraction, the default, :math:`\kappa` is :math:`1 - \theta \beta
# / 4` there, and thresholds may be about twice as high):

for parameters in ({}, {"alpha": 0.99}, {"beta": 20}, {"threshold": 1.5}):
    options = {"reset": "zero", "max_iter": 1, "random_state": 0}
    model = SpikingClassifier((30,), **options, **parameters)
    model.fit(spikes, labels)
    print(parameters or "all else by default", "->", model.detach_reset_)
assert model.detach_reset_

# %%
# Through the reset, the gradient is the one that the finite difference has confirmed;
# detached, it leaves out the term of the reset and nothing else. What it costs to leave
# out more is measured in :ref:`sphx_glr_auto_guide_08_article.py`. Next: what to make
# of the spikes at the top, in :ref:`sphx_glr_auto_guide_05_readout.py`.
