"""
Rare classes
============

Where one class is rare, a classifier can be right most of the time by never answering
it. ``class_weight`` tells the network how much each class counts.
"""

import warnings

import matplotlib.pyplot as plt
from sklearn.datasets import make_classification
from sklearn.metrics import (
    ConfusionMatrixDisplay,
    accuracy_score,
    balanced_accuracy_score,
    recall_score,
    roc_auc_score,
)
from sklearn.model_selection import TunedThresholdClassifierCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_snn import SpikingClassifier

# A fixed number of epochs is the plan.
warnings.filterwarnings("ignore", "Maximum number of epochs")

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
    f"{len(y_train)} samples to learn from, {y_train.sum()} of them of the rare class"
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


def network(class_weight=None):
    """Return a pipeline that is not fitted."""
    return make_pipeline(
        StandardScaler(),
        SpikingClassifier(
            (50,), max_iter=10, class_weight=class_weight, random_state=0
        ),
    )


models = {
    "class_weight=None": network(),
    'class_weight="balanced"': network("balanced"),
    "Tuned threshold": TunedThresholdClassifierCV(
        network(), scoring="balanced_accuracy", cv=3
    ),
}
answers = {}
print(f"{'':24}  accuracy  balanced    recall       AUC")
for name, model in models.items():
    answers[name] = model.fit(X_train, y_train).predict(X_test)
    scores = (
        accuracy_score(y_test, answers[name]),
        balanced_accuracy_score(y_test, answers[name]),
        recall_score(y_test, answers[name]),
        roc_auc_score(y_test, model.predict_proba(X_test)[:, 1]),
    )
    print(f"{name:24}" + "".join(f"{score:10.3f}" for score in scores))

# %%
# Without weights the accuracy is the best, and most samples of the rare class are
# missed: its recall says so, and so does the balanced accuracy, the mean recall of the
# classes. With balanced weights, or with the tuned threshold, most of them are found,
# for more false alarms. The area under the ROC curve (AUC), which depends on no
# threshold, differs much less: the networks rank the samples about as well, and draw
# the line elsewhere.

figure, axes = plt.subplots(1, 3, figsize=(10, 3.6), layout="constrained")
for (name, predicted), ax in zip(answers.items(), axes, strict=True):
    ConfusionMatrixDisplay.from_predictions(
        y_test,
        predicted,
        display_labels=["common", "rare"],
        normalize="true",
        values_format=".0%",
        cmap="Blues",
        im_kw={"vmin": 0, "vmax": 1},
        colorbar=False,
        ax=ax,
    )
    ax.set(title=name, xlabel="Predicted class", ylabel="")
axes[0].set_ylabel("True class")
plt.show()
