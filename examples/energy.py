"""
Counting operations, and a search for the cheapest network that is good enough
==============================================================================

What does an answer of a spiking network cost? We count the operations of one, let
``GridSearchCV`` look for a cheaper one that is almost as accurate, and put both beside
an ``MLPClassifier``, with energies that tell what they leave out.
"""

import warnings

import matplotlib.pyplot as plt
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline

from sklearn_snn import (
    LatencySpikeEncoder,
    PoissonSpikeEncoder,
    SpikingClassifier,
)
from sklearn_snn.metrics import (
    AccuracyOperationsDisplay,
    EnergyConstants,
    cheapest_within,
    energy,
    neg_synaptic_operations_scorer,
    operation_report,
)

# A fixed number of epochs is the plan. Processes take over the filters of this
# one.
warnings.filterwarnings("ignore", "Maximum number of epochs")

X, y = load_digits(return_X_y=True)
X = X / 16
X_train, X_test, y_train, y_test = train_test_split(
    X, y, random_state=0, stratify=y
)
model = Pipeline(
    [
        ("encode", PoissonSpikeEncoder(n_steps=50, random_state=0)),
        (
            "classify",
            SpikingClassifier(
                max_iter=15, learning_rate_init=0.005, random_state=0
            ),
        ),
    ]
)
model.fit(X_train, y_train)
print(f"accuracy on held-out digits: {model.score(X_test, y_test):.3f}")

# %%
# What it does for an answer
# --------------------------
#
# A spike that meets a weight is an addition, an accumulate (AC). Where either is zero
# there is nothing to do: such operations are in the column ``dense`` alone. Of all
# additions, most are at the input, where each pixel fires again and again to tell how
# bright it is.

report = operation_report(model, X_test)
print(report)
share = report.input_operations / report.synaptic_operations
print(f"operations on the input: {share:.0%}")

# %%
# A search that looks at the cost
# -------------------------------
#
# Fewer steps, spikes and neurons all make it cheaper. ``rate_bounds`` lets training
# hold hidden neurons back, here to a spike in 20 steps; ``max_rate`` does so with those
# of the input. The cost is a score as any other, and with ``cheapest_within`` the
# search takes what costs least among the candidates whose accuracy is at most a point
# below the best.

search = GridSearchCV(
    model,
    {
        "encode__n_steps": [8, 25, 50],
        "encode__max_rate": [0.5, 1.0],
        "classify__hidden_layer_sizes": [(50,), (100,)],
        "classify__rate_bounds": [None, (0, 0.05)],
    },
    scoring={
        "accuracy": "accuracy",
        "neg_synaptic_operations": neg_synaptic_operations_scorer,
    },
    refit=cheapest_within(0.01),
    cv=3,
    n_jobs=2,
)
search.fit(X_train, y_train)

# Alt text: Accuracy against synaptic operations of 24 candidates, on a logarithmic
# axis. A line of steps goes through those that are best for their cost; it rises
# steeply and is almost flat from the candidate on that is marked as chosen.
AccuracyOperationsDisplay.from_search(search)
plt.show()

# %%
# The chosen one beside the most accurate:

results = search.cv_results_
accuracy = results["mean_test_accuracy"]
operations = -results["mean_test_neg_synaptic_operations"]
best, chosen = accuracy.argmax(), search.best_index_
for name, i in {"best": best, "chosen": chosen}.items():
    cost = f"{operations[i]:6,.0f} operations"
    print(f"{name:6}  accuracy {accuracy[i]:.4f}, {cost}")
    print(f"        {results['params'][i]}")
ratio = operations[chosen] / operations[best]
print(f"the chosen one needs {ratio:.2f} of the operations")

# %%
# Beside an MLP
# -------------
#
# An MLP has one step, and multiplies. A code of one spike per pixel,
# ``LatencySpikeEncoder``, has the fewest operations of all, and costs accuracy. (The
# MLP was not searched for: a smaller one would be cheaper, too.)

networks = {
    "rate, 50 steps": model,
    "chosen": search.best_estimator_,
    "latency": Pipeline(
        [
            ("encode", LatencySpikeEncoder(n_steps=8)),
            ("classify", clone(search.best_estimator_["classify"])),
        ]
    ),
    "MLP": MLPClassifier((100,), max_iter=300, random_state=0),
}
for name in ("latency", "MLP"):
    networks[name].fit(X_train, y_train)

# Alt text: Accuracy against synaptic operations of four networks. The one with a
# latency code has about as few operations as the MLP and the lowest accuracy; that with
# a rate code of 50 steps has some 25 times as many, and the chosen one lies between.
AccuracyOperationsDisplay.from_estimators(networks, X_test, y_test)
plt.show()

# %%
# Energy, and what it leaves out
# ------------------------------
#
# The usual estimate takes 0.9 pJ for an addition and 4.6 pJ for a multiplication with
# one, and nothing else. It flatters spiking networks: a weight has to be read from
# memory before it is added, every membrane leaks in every step, and the chip draws
# power as long as it computes. With a memory of 5 pJ per weight and 4.6 pJ per update,
# the picture is another one. Use the constants of your hardware.

complete = EnergyConstants(weight_access=5.0, membrane_update=4.6)
print(f"{'':15} accuracy  operations  arithmetic  with memory and membranes")
for name, network in networks.items():
    report = operation_report(network, X_test)
    print(
        f"{name:15} {network.score(X_test, y_test):8.3f}"
        f"  {report.synaptic_operations:10,.0f}"
        f"  {energy(report).total / 1000:7.1f} nJ"
        f"  {energy(report, complete).total / 1000:7.1f} nJ"
    )

# %%
# What an estimate does not count, it says:

print(energy(operation_report(search.best_estimator_, X_test)))
