"""
Rare classes: weights, or another decision
==========================================

Where one class is rare, a classifier can be right most of the time by never answering
it. ``class_weight`` tells the network how much each class counts.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_classification
from sklearn.metrics import (
    accuracy_score,
    recall_score,
    roc_auc_score,
)
from sklearn.model_selection import TunedThresholdClassifierCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_snn import SpikingClassifier
from sklearn_snn.exceptions import DeadNeuronWarning

# A fixed number of epochs is the plan.
warnings.filterwarnings("ignore", "Maximum number of epochs")
# A network that hardly answers the rare class is the subject.
warnings.simplefilter("ignore", DeadNeuronWarning)

X, y = make_classification(
    n_samples=6000,
    n_informative=6,
    weights=[0.95],
    class_sep=0.8,
    flip_y=0,
    random_state=0,
)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=0.5, random_state=0, stratify=y
)
print(
    f"{len(y_train)} samples to learn from, {y_train.sum()} of the rare class"
)

# %%
# Three ways
# ----------
#
# Left to itself, the loss is mostly that of the common class. With
# ``class_weight="balanced"`` both classes have the same total weight in it. The third
# way changes the decision instead of the training: scikit-learn's
# ``TunedThresholdClassifierCV`` chooses, by cross-validation, from which probability on
# the answer is the rare class.


def network(class_weight=None, seed=0):
    """Return a pipeline that is not fitted."""
    return make_pipeline(
        StandardScaler(),
        SpikingClassifier(
            (50,), max_iter=10, class_weight=class_weight, random_state=seed
        ),
    )


def models(seed):
    """Return the three, not fitted."""
    return {
        "class_weight=None": network(seed=seed),
        'class_weight="balanced"': network("balanced", seed),
        "Tuned threshold": TunedThresholdClassifierCV(
            network(seed=seed), scoring="balanced_accuracy", cv=3
        ),
    }


# %%
# All from three seeds; each number is the mean, with the standard deviation behind it.

names = "accuracy", "recall, common", "recall, rare", "AUC"
scores = {name: [] for name in models(0)}
for seed in range(3):
    for name, model in models(seed).items():
        predicted = model.fit(X_train, y_train).predict(X_test)
        recall = recall_score(y_test, predicted, average=None)
        auc = roc_auc_score(y_test, model.predict_proba(X_test)[:, 1])
        accuracy = accuracy_score(y_test, predicted)
        scores[name].append((accuracy, *recall, auc))
for name, rows in scores.items():
    print(name)
    mean, spread = np.mean(rows, axis=0), np.std(rows, axis=0)
    for kind, m, s in zip(names, mean, spread, strict=True):
        print(f"    {kind:16} {m:.3f} +/- {s:.3f}")

# %%
# Without weights the accuracy is the best, and most samples of the rare class are
# missed: its recall, the share that is found, says so. With balanced weights, or with
# the tuned threshold, most of them are found, for more false alarms. The area under the
# ROC curve (AUC), which depends on no threshold, differs much less: the networks rank
# the samples about as well, and draw the line elsewhere.

# Plotting code
# Alt text: Bars of the share of the common and of the rare class that is recognized,
# for three models. Without weights nearly all of the common class and less than half of
# the rare one; with balanced weights or a tuned threshold about nine and seven tenths.
figure, ax = plt.subplots(figsize=(5.2, 3.4), layout="constrained")
for i, kind in enumerate(("Common class", "Rare class")):
    values = np.array([np.array(rows)[:, 1 + i] for rows in scores.values()])
    places = np.arange(3) + 0.35 * (i - 0.5)
    color = f"C{i}"
    ax.barh(
        places, values.mean(axis=1), 0.33, color=color, alpha=0.5, label=kind
    )
    ax.plot(values, places, "o", color=color, markersize=4)
ax.set_yticks(range(3), list(scores))
ax.invert_yaxis()
ax.set(xlabel="Share that is recognized; dots are seeds", xlim=(0, 1))
figure.legend(loc="outside upper right", ncols=2)
plt.show()
