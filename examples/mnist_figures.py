"""
MNIST: the figures of an article, from input to weights
=======================================================

This reproduces the figures of an article, `Spiking Neural Network classifying MNIST
data <https://github.com/eoinmurray/spiking-neural-network-on-mnist>`_ by Eoin Murray,
with this library: 784 inputs, 100 hidden and 10 output neurons, Poisson spikes for 100
steps, mini-batches of 128 images, 5 epochs. The leak, threshold and optimizer are the
defaults of :class:`~sklearn_snn.SpikingClassifier`, not the article's.

The script needs torchvision to read the images, and takes about a minute on two idle
cores with numba.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.utils import shuffle

from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier
from sklearn_snn.datasets import fetch_mnist
from sklearn_snn.inspection import (
    EncodingDisplay,
    MembraneDisplay,
    SpikeRasterDisplay,
    WeightDisplay,
)

# sphinx_gallery_thumbnail_number = 4

X_train, y_train = fetch_mnist(split="train", return_X_y=True)
X_test, y_test = fetch_mnist(split="test", return_X_y=True)
encoder = PoissonSpikeEncoder(n_steps=100, random_state=0).fit(X_train)

# %%
# The input
# ---------
#
# One image, and the raster of its 784 pixels over 100 steps. A pixel fires at each
# step with a probability that is its intensity, from 0 for black background to 1 for
# the whitest stroke (drawn dark here).

# Alt text: A handwritten seven of 28 x 28 pixels, the spikes of its 784 pixels over 100
# steps, and the image of the mean spikes, which is nearly the first.
EncodingDisplay.from_estimator(encoder, X_test, sample=0)
plt.show()

# %%
# Three more images. The rate of the spikes gives the image back, up to noise: the
# standard deviation of a rate ``r`` after 100 steps is ``sqrt(r * (1 - r) / 100)``, at
# most 0.05.

# Plotting code
# Alt text: Three more test images, each with its spikes over 100 steps and the image of
# the mean spikes.
figure, axes = plt.subplots(3, 1, figsize=(7.2, 7.6), layout="constrained")
for sample, ax in enumerate(axes, start=1):
    EncodingDisplay.from_estimator(encoder, X_test, sample=sample, ax=ax)
plt.show()

# %%
# Training
# --------
#
# ``fit`` would keep one value per epoch. Here we want the gradient norms every 50
# iterations and the test accuracy after every epoch, so we call ``partial_fit`` on
# blocks of 50 mini-batches: each call trains once on its block, with fresh spikes, and
# appends to ``loss_curve_``, ``train_scores_`` and ``grad_norm_curve_``.


batch_size, n_epochs = 128, 5
n_block = 50 * batch_size
model = SpikingClassifier(
    (100,), batch_size=batch_size, weight_decay=1e-5, random_state=0
)
block_sizes, test_scores = [], []
for epoch in range(n_epochs):
    # A stream has no known end: partial_fit follows no schedule, but this one.
    model.set_params(learning_rate_init=0.002 * (1 - epoch / n_epochs))
    X, y = shuffle(X_train, y_train, random_state=epoch)
    for start in range(0, len(X), n_block):
        rows = slice(start, start + n_block)
        model.partial_fit(
            encoder.transform(X[rows]), y[rows], classes=range(10)
        )
        block_sizes.append(len(y[rows]))
    test_scores.append(model.score(encoder.transform(X_test), y_test))
    print(f"epoch {epoch + 1}: test accuracy {test_scores[-1]:.4f}")

# %%
# Accuracy and loss of each epoch. The training accuracy counts each image just before
# its mini-batch changes the weights, so in the first epoch, in which the network learns
# most, it is below the test accuracy.

block_sizes = np.reshape(block_sizes, (n_epochs, -1))


def per_epoch(curve):
    """Return the mean over the images of each epoch of a curve of blocks."""
    return np.average(
        np.reshape(curve, block_sizes.shape), axis=1, weights=block_sizes
    )


print(f"final test accuracy: {test_scores[-1]:.4f}")

# Plotting code
# Alt text: Over five epochs the accuracy rises, that on test images beginning above
# that on training images, and the training loss falls.
epochs = np.arange(1, n_epochs + 1)
figure, (left, right) = plt.subplots(
    2, figsize=(5.2, 5.6), layout="constrained"
)
left.plot(
    epochs, per_epoch(model.train_scores_), "o-", color="C0", label="Training"
)
left.plot(epochs, test_scores, "s--", color="C1", label="Test")
left.set(xlabel="Epoch", ylabel="Accuracy", xticks=epochs)
left.legend()
right.plot(epochs, per_epoch(model.loss_curve_), "o-", color="C0")
right.set(
    xlabel="Epoch", ylabel="Training loss (cross-entropy, nats)", xticks=epochs
)
right.set_ylim(0, None)
plt.show()

# %%
# Spikes and membranes
# --------------------
#
# The trained network sees a test image. On top, the spikes of its 100 hidden and 10
# output neurons; below, the membranes of the output neurons, stacked, each with a
# dashed line at its threshold. A membrane is drawn as it is before the reset, so that
# it is above the threshold wherever the neuron fires. Most output neurons are
# inhibited: their membranes fall far below zero, where they are not drawn.

sample = encoder.transform(X_test[:1])
record = model.simulate(sample, inputs=False)
print(f"a {y_test[0]}, taken for a {model.predict(sample)[0]}")
print(f"output spikes by class: {record.spikes[-1][0].sum(axis=0)}")

# Plotting code
# Alt text: On top the spikes of hidden and output neurons over 100 steps, where one
# output neuron fires far more than the others. Below, the membranes of the output
# neurons: one charges and fires throughout, most others sink below zero.
figure, (left, right) = plt.subplots(2, figsize=(6, 9), layout="constrained")
SpikeRasterDisplay.from_record(record, ax=left)
MembraneDisplay.from_record(record, ax=right)
plt.show()

# %%
# Gradient norms
# --------------
#
# The Euclidean (L2) norm of the gradient of each layer's weights, every 50 iterations;
# each point is the mean over the 50 before it. (The last block of an epoch has only 19,
# whose mean is noisier: it is left out.)

norms = np.array(model.grad_norm_curve_)
iterations = np.cumsum(np.ceil(block_sizes.ravel() / batch_size))
is_full = block_sizes.ravel() == n_block
norms, iterations = norms[is_full], iterations[is_full]
print(f"first 50 iterations: {norms[0].round(3)}, last: {norms[-1].round(3)}")

# Plotting code
# Alt text: Gradient norms of both layers of weights against the iteration. They fall
# from the start and level off.
figure, ax = plt.subplots(figsize=(5.2, 3.5), layout="constrained")
ax.plot(
    iterations, norms[:, 0], ".-", color="C0", label="Input to hidden layer"
)
ax.plot(
    iterations, norms[:, 1], ".--", color="C1", label="Hidden to output layer"
)
ax.set(xlabel="Iteration (mini-batch)", ylabel="Gradient norm", ylim=(0, None))
ax.legend()
plt.show()

# %%
# Weights
# -------
#
# Histograms of the weights of both layers before and after training, in 50 bins. A
# :class:`~sklearn_snn.inspection.WeightDisplay` has both: the weights that a fit began
# with need not be kept, they are drawn again from the seed.

# Alt text: Histograms of the weights of both layers before and after training, and the
# weights of some hidden neurons as images.
weights = WeightDisplay.from_estimator(model)
plt.show()

# %%
# The same side by side, on the linear scale of the article. In the peak at 0 are the
# weights of pixels at the border that are never on: where the data say nothing, Adam
# lets even a slight weight decay have its way.

layers = "input to hidden", "hidden to output"
for name, before, after in zip(
    layers, weights.initial_coefs, weights.coefs, strict=True
):
    print(
        f"{name}: standard deviation {before.std():.3f}, then {after.std():.3f}"
    )

# Plotting code
# Alt text: Four histograms on a linear scale, both layers of weights before and after
# training. Before, they are uniform; after, they have broad bells, and those of the
# input a sharp peak at zero.
figure, axes = plt.subplots(
    2, 2, figsize=(6.4, 5), sharex="row", layout="constrained"
)
for name, row, before, after in zip(
    layers, axes, weights.initial_coefs, weights.coefs, strict=True
):
    row[0].hist(before.ravel(), bins=50, color="C1")
    row[0].set(title=f"Before, {name}", xlabel="Weight", ylabel="Weights")
    row[1].hist(after.ravel(), bins=50, color="C0")
    row[1].set(title=f"After, {name}", xlabel="Weight")
plt.show()

# %%
# Those of the pixels that are never on:

never_on = X_train.max(axis=0) == 0
before, after = (
    coefs[0][never_on] for coefs in (weights.initial_coefs, weights.coefs)
)
print(f"standard deviation of the weights of {never_on.sum()} such pixels:")
print(f"{before.std():.3f}, then {after.std():.3f}")
