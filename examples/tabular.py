"""
Columns of a table: constant currents or Poisson spikes
=======================================================

Tabular data need no spikes to begin with: a scaled column is injected into the network
as a constant current. We compare this with Poisson spikes, and with scikit-learn's
network without spikes, on measurements of breast tumours.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier
from sklearn_snn.inspection import EncodingDisplay

# sphinx_gallery_thumbnail_number = 1

# A fixed number of epochs is the plan.
warnings.filterwarnings("ignore", "Maximum number of epochs")
warnings.filterwarnings("ignore", "Stochastic Optimizer: Maximum iterations")

X, y = load_breast_cancer(return_X_y=True, as_frame=True)
print(f"{len(X)} rows, {X.shape[1]} columns, {y.mean():.0%} benign")

# %%
# Scale
# -----
#
# The columns are a data frame's, and can be chosen by name: those that measure an area
# are skewed and get a logarithm first. All are then standardized, as for any network.

areas = [name for name in X.columns if "area" in name]
scaler = ColumnTransformer(
    [
        (
            "areas",
            make_pipeline(FunctionTransformer(np.log), StandardScaler()),
            areas,
        )
    ],
    remainder=StandardScaler(),
)

# %%
# Three networks
# --------------
#
# All have 50 hidden neurons and are trained for at most 50 epochs. Directly after the
# scaler, the spiking network is given each number as a current, at each of its 25
# steps. The encoder needs rates, from 0 to 1, instead: with ``scaling="feature"`` each
# column gets a range of its own, from its smallest to its largest value in the training
# data.

options = {"hidden_layer_sizes": (50,), "max_iter": 50, "random_state": 0}
models = {
    "Spiking, constant current": make_pipeline(
        scaler, SpikingClassifier(n_steps=25, **options)
    ),
    "Spiking, Poisson spikes": make_pipeline(
        scaler,
        PoissonSpikeEncoder(n_steps=50, scaling="feature", random_state=0),
        SpikingClassifier(**options),
    ),
    "MLPClassifier": make_pipeline(
        scaler, MLPClassifier(learning_rate_init=0.002, **options)
    ),
}
cv = RepeatedStratifiedKFold(n_splits=5, n_repeats=2, random_state=0)
scores = {
    name: cross_val_score(model, X, y, cv=cv) for name, model in models.items()
}
for name, accuracy in scores.items():
    print(f"{name:26} {accuracy.mean():.3f} +/- {accuracy.std():.3f}")

# %%
# Errors on the rows left out: bars are the mean over ten splits, dots the splits. The
# differences between the networks are smaller than those between the splits. Poisson
# spikes add noise to every number, and gain nothing for it here.

# Plotting code
# Alt text: Bars of the mean error on rows left out, for constant current, Poisson
# spikes and MLPClassifier, each with a dot per split; the dots of the three overlap
# widely.
figure, ax = plt.subplots(figsize=(5.2, 2.6), layout="constrained")
for row, accuracy in enumerate(scores.values()):
    error = 100 * (1 - accuracy)
    ax.barh(row, error.mean(), color=f"C{row}", alpha=0.5, height=0.6)
    heights = row + np.linspace(-0.2, 0.2, len(error))
    ax.plot(error, heights, "o", color=f"C{row}", markersize=4, clip_on=False)
ax.set_yticks(range(len(scores)), scores)
ax.invert_yaxis()
ax.set(xlabel="Error on rows left out (%)", xlim=(0, None))
plt.show()

# %%
# What the encoder makes of a row
# -------------------------------
#
# One tumour: its scaled columns, their spikes, and the rates that the spikes tell. The
# smallest value of a column is silent, the largest fires at every step.

poisson = models["Spiking, Poisson spikes"].fit(X, y)
# Alt text: The scaled columns of one tumour as rates, their spikes over 50 steps, and
# the rates that the spikes tell, column by column.
EncodingDisplay.from_estimator(poisson, X, sample=0)
plt.show()
