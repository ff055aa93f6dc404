"""
A stream of events: which way does it move?
===========================================

An event camera sends no images. Each of its pixels tells when it has become brighter or
darker: a list of events ``(t, x, y, p)``, with times in microseconds. Here bars sweep
over a small sensor in one of four directions. A network learns from short recordings
which direction that is, and then watches a stream, in which the direction changes, bin
by bin.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np

from sklearn_snn import SpikingClassifier, as_sequences

# sphinx_gallery_thumbnail_number = 1

# A fixed number of epochs is the plan.
warnings.filterwarnings("ignore", "Maximum number of epochs")

# %%
# The events
# ----------
# 12 by 12 pixels, the layout of events that `tonic <https://tonic.readthedocs.io>`_
# has. A bar of three pixels, which is as long as the sensor is wide, moves by a pixel
# in 4 to 8 ms, and starts anew where it leaves. What its front edge reaches becomes
# brighter, ``p = 1``, what its back edge leaves darker. Half of these events are lost,
# times jitter by 2 ms, and noise adds five events per pixel and second.

SIZE = 12
EVENT = np.dtype([("t", "<i8"), ("x", "<i2"), ("y", "<i2"), ("p", "<i2")])
DIRECTIONS = np.array(["right", "left", "down", "up"])


def sweep(direction, duration, rng, start=0):
    """Return the events of a bar that moves for so many microseconds."""
    period = rng.integers(4_000, 8_000)
    times = np.arange(start, start + duration, period)
    place = rng.integers(SIZE + 3) + np.arange(len(times))
    parts = []
    for p, edge in ((1, place % (SIZE + 3)), (0, (place - 3) % (SIZE + 3))):
        seen = edge < SIZE
        along = np.repeat(edge[seen], SIZE)
        across = np.tile(np.arange(SIZE), seen.sum())
        if direction in ("left", "up"):
            along = SIZE - 1 - along
        x, y = (
            (along, across)
            if direction in ("right", "left")
            else (across, along)
        )
        t = np.repeat(times[seen], SIZE)
        parts.append((t, x, y, np.full(len(x), p)))
    n_noise = rng.poisson(5 * SIZE**2 * duration / 1e6)
    noise = rng.integers(0, [[duration], [SIZE], [SIZE], [2]], (4, n_noise))
    noise[0] += start
    t, x, y, p = np.concatenate(
        [np.array(part) for part in parts] + [noise], axis=1
    )
    t = t + rng.normal(0, 2_000, len(t)).astype(int)
    kept = rng.random(len(t)) < 0.5
    kept &= (t >= start) & (t < start + duration)
    events = np.empty(kept.sum(), EVENT)
    for name, values in zip("txyp", (t, x, y, p), strict=True):
        events[name] = values[kept]
    return np.sort(events, order="t")


rng = np.random.default_rng(0)
print(sweep("right", 100_000, rng)[:4])

# %%
# Learning from recordings
# ------------------------
# 600 recordings of 80 to 160 ms, in bins of 2 ms. :func:`~sklearn_snn.as_sequences`
# keeps the events as they are, and a network looks at a mini-batch at a time.


def recordings(n, rng):
    """Return recordings as events in bins, and their directions."""
    y = rng.choice(DIRECTIONS, n)
    lengths = rng.integers(40, 81, n)
    events = [
        sweep(direction, 2_000 * n, rng)
        for direction, n in zip(y, lengths, strict=True)
    ]
    X = as_sequences(
        events, dt=2_000, sensor_size=(SIZE, SIZE, 2), n_steps=lengths
    )
    return X, y


X, y = recordings(600, rng)
X_test, y_test = recordings(400, rng)
print(X)

# %%
# The direction shows from step to step, and so does the answer: with ``per_step=True``
# each step has a label, here the same for all of a recording. An output neuron that
# leaks slowly gathers what the hidden ones find.

model = SpikingClassifier(
    (100,),
    per_step=True,
    readout_alpha=0.9,
    learning_rate_init=0.005,
    max_iter=40,
    random_state=0,
)
y_steps = [np.full(n, label) for n, label in zip(X.lengths, y, strict=True)]
model.fit(X, y_steps)
answers = model.predict(X_test)
ends = [answer[-1] for answer in answers]
print(f"Right at the end of a recording: {np.mean(ends == y_test):.3f}")
early = [answer[9] for answer in answers]
print(f"After 20 ms: {np.mean(early == y_test):.3f}")

# %%
# Watching a stream
# -----------------
# Three seconds in which the direction changes every 300 ms. A network that is to watch
# it need not see it as a whole, nor keep it: ``stream`` is fed the events of a bin when
# this is over. It keeps membranes, and nothing else.

course = rng.permuted(np.tile(DIRECTIONS, 3))[:10]
parts = [
    sweep(d, 300_000, rng, start=300_000 * i) for i, d in enumerate(course)
]
events = np.concatenate(parts)

stream, probabilities = model.stream(), []
for begin in range(0, 3_000_000, 2_000):
    first, last = np.searchsorted(events["t"], [begin, begin + 2_000])
    some = events[first:last]
    step = np.zeros((2, SIZE, SIZE), np.uint8)
    step[some["p"], some["y"], some["x"]] = 1
    probabilities.append(stream.feed(step.ravel()).predict_proba())
probabilities = np.array(probabilities)

truth = np.repeat(course, 150)
found = model.classes_[probabilities.argmax(axis=1)]
settled = np.arange(1500) % 150 >= 25
print(f"From 50 ms after a change on: {np.mean((found == truth)[settled]):.3f}")

# Plotting code
# Alt text: Over three seconds, the probabilities of four directions, each in a row of
# its own and shaded where it is the true one: within some ten milliseconds of a change
# one falls from 1 to 0 and another rises, and now and then one dips.
figure, axes = plt.subplots(
    4, sharex=True, figsize=(6.4, 4.4), layout="constrained"
)
seconds = np.arange(1500) * 0.002
for ax, name, p in zip(axes, model.classes_, probabilities.T, strict=True):
    ax.fill_between(
        seconds, truth == name, color="#D55E00", alpha=0.25, step="post"
    )
    ax.plot(seconds, p, color="#0072B2", linewidth=1)
    ax.set(ylabel=name, ylim=(0, 1.05), yticks=(0, 1))
axes[0].set_title(
    "Probability of each direction; shaded where it is true", fontsize=10
)
axes[-1].set_xlabel("Time (s)")
plt.show()

# %%
# What the stream answered is what ``predict_proba`` answers to the whole, to the bit:

bins = as_sequences(
    [events], dt=2_000, sensor_size=(SIZE, SIZE, 2), duration=3_000_000
)
print(np.array_equal(model.predict_proba(bins)[0], probabilities))
