"""
Choosing leak and threshold by cross-validation
===============================================

Leak, threshold and the steepness of the surrogate are parameters as any other:
``GridSearchCV`` compares their combinations. Each candidate is a whole pipeline, from
pixels to answers; two processes share the work.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline

from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier

# A fixed number of epochs is the plan. Processes take over the filters of this
# one.
warnings.filterwarnings("ignore", "Maximum number of epochs")

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, random_state=0, stratify=y
)
model = make_pipeline(
    PoissonSpikeEncoder(n_steps=25, random_state=0),
    SpikingClassifier(hidden_layer_sizes=(50,), max_iter=15, random_state=0),
)
grid = {
    "spikingclassifier__alpha": [0.5, 0.8, 0.95],
    "spikingclassifier__threshold": [0.3, 0.6, 1.0],
    "spikingclassifier__beta": [2, 5],
}
search = GridSearchCV(model, grid, cv=3, n_jobs=2, verbose=1)
search.fit(X_train, y_train)

# %%
# All candidates, the best first:

order = search.cv_results_["rank_test_score"].argsort()
for i in order:
    params = ", ".join(
        f"{name.removeprefix('spikingclassifier__')} {value}"
        for name, value in search.cv_results_["params"][i].items()
    )
    print(f"{search.cv_results_['mean_test_score'][i]:.4f}  {params}")
accuracy = search.score(X_test, y_test)
print(f"accuracy of the best on held-out digits: {accuracy:.4f}")

# %%
# The same as a map for each steepness. The candidates come in the order of the grid,
# with the parameters in alphabetical order and the last changing fastest.

alphas, thresholds, betas = grid.values()
scores = search.cv_results_["mean_test_score"]
scores = scores.reshape(len(alphas), len(betas), len(thresholds))

# Plotting code
# Alt text: Two maps of the mean accuracy, for steepness 2 and 5, with a row per leak
# and a column per threshold; each cell has its value written in it.
figure, axes = plt.subplots(
    len(betas), figsize=(5.2, 6.4), sharex=True, layout="constrained"
)
for i, ax in enumerate(axes):
    image = ax.imshow(scores[:, i], vmin=scores.min(), vmax=scores.max())
    for (row, column), score in np.ndenumerate(scores[:, i]):
        is_dark = score < (scores.min() + scores.max()) / 2
        color = "white" if is_dark else "black"
        ax.text(
            column, row, f"{score:.3f}", color=color, ha="center", va="center"
        )
    ax.set_xticks(range(len(thresholds)), thresholds)
    ax.set_yticks(range(len(alphas)), alphas)
    ax.set(title=f"Steepness beta = {betas[i]}", ylabel="Leak alpha")
axes[-1].set_xlabel("Threshold")
figure.colorbar(image, ax=axes, label="Mean accuracy on 3 folds")
plt.show()
