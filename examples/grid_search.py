"""Choose leak, threshold and surrogate steepness by cross-validation (a minute)."""

import os
import warnings

from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline

from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier

# A fixed number of epochs is the plan; the processes of n_jobs read the environment.
warnings.filterwarnings("ignore", "Maximum number of epochs")
os.environ["PYTHONWARNINGS"] = "ignore:Maximum number of epochs"

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)
model = make_pipeline(
    PoissonSpikeEncoder(n_steps=25, random_state=0),
    SpikingClassifier(hidden_layer_sizes=(50,), max_iter=25, random_state=0),
)
search = GridSearchCV(
    model,
    {
        "spikingclassifier__alpha": [0.8, 0.95],
        "spikingclassifier__threshold": [0.6, 1.0],
        "spikingclassifier__beta": [2, 5],
    },
    cv=3,
    n_jobs=2,
    verbose=1,
)
search.fit(X_train, y_train)

order = search.cv_results_["rank_test_score"].argsort()
for i in order:
    params = {
        name.removeprefix("spikingclassifier__"): value
        for name, value in search.cv_results_["params"][i].items()
    }
    print(f"{search.cv_results_['mean_test_score'][i]:.4f}  {params}")
print(f"accuracy of the best on held-out digits: {search.score(X_test, y_test):.4f}")
