r"""
Forecasting a chaotic signal
============================

A network with ``per_step=True`` answers at each step. If what it is to answer is the
signal one step later, it forecasts. The signal here is that of Mackey and Glass, which
is chaotic: its rise hangs on what it was 17 time units ago. The network learns from
pieces of the past, forecasts a part that it has not seen, value after value as they
come, and goes on learning from a stream.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.pipeline import make_pipeline

from sklearn_snn import DelayLine, SpikingRegressor

# sphinx_gallery_thumbnail_number = 1

# A fixed number of epochs is the plan.
warnings.filterwarnings("ignore", "Maximum number of epochs")

# %%
# The signal
# ----------
#
# .. math::
#
#    \dot x = 0.2\, \frac{x(t - 17)}{1 + x(t - 17)^{10}} - 0.1\, x
#
# in Euler steps of 0.1, of which each tenth is kept, and scaled by mean and deviation
# of the first 4,000 values. These are for learning, and the next 2,000 for the test.


def mackey_glass(n, delay=17, per_unit=10, n_settling=500):
    """Return so many values, one time unit apart, of the settled signal."""
    n_past = delay * per_unit
    x = np.full((n + n_settling) * per_unit + n_past, 1.2)
    for t in range(n_past, len(x)):
        past = x[t - n_past]
        change = 0.2 * past / (1 + past**10) - 0.1 * x[t - 1]
        x[t] = x[t - 1] + change / per_unit
    return x[n_past + n_settling * per_unit :: per_unit][:n]


signal = mackey_glass(6001)
signal = ((signal - signal[:4000].mean()) / signal[:4000].std()).astype(
    np.float32
)


def error(forecast, n_before):
    """Return the root mean squared error of forecasts from a place on."""
    truth = signal[n_before + 1 : n_before + 1 + len(forecast)]
    return np.sqrt(np.mean((forecast - truth) ** 2))


print(f"The last value as forecast: {error(signal[4000:6000], 4000):.3f}")

# %%
# In units of the deviation of the signal, so that 1 is the error of its mean.
#
# Learning from pieces
# --------------------
# Twenty pieces of 200 steps. What matters is 17 steps ago: a
# :class:`~sklearn_snn.DelayLine` puts the last 18 values of the signal side by side.
# The membranes of the output neuron, which are the forecast, forget within a few steps
# (``readout_alpha``).

X = signal[:4000].reshape(20, 200, 1)
y = signal[1:4001].reshape(20, 200)
model = make_pipeline(
    DelayLine(18),
    SpikingRegressor(
        (100,),
        per_step=True,
        readout_alpha=0.8,
        learning_rate_init=0.005,
        batch_size=4,
        max_iter=300,
        n_iter_no_change=np.inf,
        random_state=0,
    ),
).fit(X, y)
forecast = model.predict(signal[4000:6000].reshape(1, 2000, 1))[0]
print(f"The network's: {error(forecast, 4000):.3f}")

# Plotting code
# Alt text: Over 300 steps, the signal, which swings irregularly, and the forecast,
# which lies on it but for the sharpest turns; below, the difference, mostly within 0.2.
BLUE, ORANGE = "#0072B2", "#D55E00"
shown = slice(500, 800)
steps = np.arange(2000)[shown]
truth = signal[4001:6001]
figure, axes = plt.subplots(
    2,
    sharex=True,
    figsize=(6.4, 4.2),
    layout="constrained",
    height_ratios=(2, 1),
)
axes[0].plot(steps, truth[shown], color="black", label="signal")
axes[0].plot(
    steps, forecast[shown], color=ORANGE, label="forecast", linewidth=1
)
axes[0].legend(fontsize="small")
axes[1].plot(steps, (forecast - truth)[shown], color=BLUE, linewidth=1)
axes[1].set(xlabel="Time (steps)", ylabel="Difference")
axes[0].set(ylabel="Signal (deviations)")
plt.show()

# %%
# Value after value
# -----------------
# A forecast is of use when it comes before the value. ``stream`` is fed step by step,
# and answers at any time as ``predict`` does to all steps so far, without looking at
# any of them again. The delay line keeps the last 18 values:

stream, live = model[-1].stream(transformers=model[:-1]), []
for value in signal[4000:4300]:
    live.append(float(stream.feed([value]).predict()))
print(f"Largest difference: {np.abs(live - forecast[:300]).max():.1e}")

# %%
# Learning from a stream
# ----------------------
# With ``stateful=True`` each call of ``partial_fit`` goes on with the membranes that
# the last one left: the parts of a stream are learned as they come, here 40 parts of
# 100 steps. Before it is learned each is forecast, from empty membranes, as all answers
# begin. ``reset_states`` would begin with another signal. A transformer knows nothing
# of the part before: the delay line is given the last 17 values of it, too.

learner = SpikingRegressor(
    (100,),
    per_step=True,
    stateful=True,
    readout_alpha=0.8,
    learning_rate="constant",
    learning_rate_init=0.01,
    random_state=0,
)
delays, errors = model[0], []
for first in range(0, 4000, 100):
    past = max(first - 17, 0)
    values = signal[past : first + 100].reshape(1, -1, 1)
    part = delays.transform(values)[:, first - past :]
    if first:
        errors.append(error(learner.predict(part)[0], first))
    learner.partial_fit(part, signal[np.newaxis, first + 1 : first + 101])
print("Error of the parts 2 to 11, and of the last ten:", end=" ")
print(f"{np.mean(errors[:10]):.2f}, {np.mean(errors[-10:]):.2f}")

# %%
# A signal that is too long for memory to hold all of its steps is learned in pieces
# within ``fit``, too: ``bptt_steps=200`` lets gradients go back 200 steps at most, and
# takes the memory of as many, beside that of all answers. All 4,000 steps as one
# recording make one update in each epoch, where the twenty pieces made five.

long = clone(model).set_params(spikingregressor__bptt_steps=200)
long.fit(signal[:4000].reshape(1, 4000, 1), signal[np.newaxis, 1:4001])
forecast = long.predict(signal[4000:6000].reshape(1, 2000, 1))[0]
print(f"Learned as one recording: {error(forecast, 4000):.3f}")
