"""
Handwritten digits, from pixels to spikes
=========================================

A spiking network learns scikit-learn's digits. We look at what it is given, at what
its neurons do with it, and at how it was trained.
"""

import warnings

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier
from sklearn_snn.inspection import (
    EncodingDisplay,
    MembraneDisplay,
    SpikeRasterDisplay,
    TrainingDisplay,
)

# sphinx_gallery_thumbnail_number = 2

# %%
# Fit and score
# -------------
#
# The encoder turns each pixel into a spike train whose rate is the pixel's intensity;
# the classifier has a hidden layer of 100 neurons and a readout of one neuron per
# class. The class whose neuron fires most is the answer.

# A fixed number of epochs is the plan.
warnings.filterwarnings("ignore", "Maximum number of epochs")

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, random_state=0, stratify=y
)

model = make_pipeline(
    PoissonSpikeEncoder(n_steps=25, random_state=0),
    SpikingClassifier(hidden_layer_sizes=(100,), max_iter=30, random_state=0),
)
model.fit(X_train, y_train)
accuracy = model.score(X_test, y_test)
print(f"accuracy on {len(y_test)} held-out digits: {accuracy:.3f}")

# %%
# What the network is given
# -------------------------
#
# One digit, its spikes, and the mean of the spikes over time. Black pixels fire at
# every step, white ones never, grey ones at random: with 25 steps their rate is known
# only roughly.

sample = 1
print(f"this digit is a {y_test[sample]}")
# Alt text: A digit of 8 x 8 pixels, the spikes of its 64 pixels over 25 steps, and the
# mean of the spikes, which is the digit with some noise.
EncodingDisplay.from_estimator(model, X_test, sample=sample)
plt.show()

# %%
# What its neurons do
# -------------------
#
# The spikes of all layers while the network sees this digit. Time runs to the right,
# and the answer is the row of the output layer with the most spikes.

# Alt text: Spikes of the input, of 100 hidden neurons and of the ten output neurons
# over 25 steps. In the output layer the neuron of one class fires far more than the
# others.
SpikeRasterDisplay.from_estimator(model, X_test, sample=sample)
answer = model.predict(X_test[sample : sample + 1])[0]
print(f"the network takes it for a {answer}")
plt.show()

# %%
# Below the spikes are the membranes. Each is drawn on a line of its own. It leaks and
# sums up what comes in; where it exceeds the threshold the neuron fires and the
# membrane starts from zero. Most neurons of other classes are inhibited: their
# membranes are pulled far below zero, where they are not drawn.

# Alt text: Membranes and spikes of the ten output neurons over 25 steps, each on a line
# of its own. One charges and fires again and again; most others sink below zero.
MembraneDisplay.from_estimator(model, X_test, sample=sample)
plt.show()

# %%
# How it was trained
# ------------------
#
# Each epoch leaves its loss, its accuracy on the training samples, the norm of the
# gradient of each layer, and the firing rates. The learning rate falls to 0 (its
# schedule is "cosine"), so the curves flatten.

# Alt text: Over 30 epochs: the loss, which falls and flattens; the accuracy on training
# samples, which rises to nearly 1; the gradient norms; and the firing rates per layer.
TrainingDisplay.from_estimator(model)
plt.show()
