"""Operations and energy on MNIST: a search for the cheapest that is good enough.

Spiking networks with one hidden layer learn 50,000 digits, and are chosen among by the
other 10,000 of the training set: the cheapest whose accuracy is at most a point below
the best. Then all are measured on the test set, beside an MLP, with how long counting
takes.

    python benchmarks/operations.py [--max-iter 5]

SKLEARN_SNN_DATA may name the folder of MNIST.
"""

import argparse
import time
import warnings

import numpy as np
from sklearn.model_selection import GridSearchCV, PredefinedSplit
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier
from sklearn_snn.datasets import fetch_mnist
from sklearn_snn.metrics import (
    EnergyConstants,
    cheapest_within,
    energy,
    neg_synaptic_operations_scorer,
    operation_report,
)

GRID = {
    "poissonspikeencoder__n_steps": [5, 10, 25],
    "poissonspikeencoder__max_rate": [0.5, 1.0],
    "spikingclassifier__hidden_layer_sizes": [(50,), (100,)],
    "spikingclassifier__rate_bounds": [None, (0, 0.05)],
}
SCORING = {
    "accuracy": "accuracy",
    "neg_synaptic_operations": neg_synaptic_operations_scorer,
}
# A small memory, and a membrane that is multiplied and added to.
COMPLETE = EnergyConstants(weight_access=5.0, membrane_update=4.6)


def to_shares(images):
    """Return pixels from 0 to 1."""
    return images / np.float32(255)


def search_for_the_cheapest(X, y, max_iter):
    """Return a finished search, which has fitted what it chose to all of the data."""
    model = make_pipeline(
        PoissonSpikeEncoder(random_state=0),
        SpikingClassifier(max_iter=max_iter, random_state=0),
    )
    folds = PredefinedSplit(np.where(np.arange(len(y)) < 50_000, -1, 0))
    options = {"scoring": SCORING, "refit": cheapest_within(0.01), "cv": folds}
    return GridSearchCV(model, GRID, **options).fit(X, y)


def print_candidates(search):
    """Print all candidates, the cheapest first; return the index of the best."""
    results = search.cv_results_
    accuracy = results["mean_test_accuracy"]
    operations = -results["mean_test_neg_synaptic_operations"]
    print("validation  operations")
    for i in operations.argsort():
        params = (f"{k.split('__')[1]} {v}" for k, v in results["params"][i].items())
        mark = "  <- chosen" if i == search.best_index_ else ""
        print(f"{accuracy[i]:10.4f}  {operations[i]:10,.0f}  {', '.join(params)}{mark}")
    best = int(accuracy.argmax())
    ratio = operations[search.best_index_] / operations[best]
    print(f"the chosen one has {ratio:.3f} of the operations of the best\n")
    return best


def main():
    """Search, and print tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--max-iter", type=int, default=5, help="epochs (5)")
    max_iter = parser.parse_args().max_iter
    # A fixed number of epochs is the plan.
    warnings.filterwarnings("ignore", "Maximum number of epochs")
    X, y = fetch_mnist(split="train", return_X_y=True)
    X_test, y_test = fetch_mnist(split="test", return_X_y=True)
    search = search_for_the_cheapest(X, y, max_iter)
    best = print_candidates(search)
    most_accurate = search.estimator.set_params(**search.cv_results_["params"][best])
    mlp = make_pipeline(
        FunctionTransformer(to_shares),
        MLPClassifier((100,), early_stopping=True, random_state=0),
    )
    networks = {
        "best": most_accurate.fit(X, y),
        "chosen": search.best_estimator_,
        "MLP, 784-100-10": mlp.fit(X, y),
    }
    for name, network in networks.items():
        start = time.perf_counter()
        report = operation_report(network, X_test)
        duration = time.perf_counter() - start
        print(f"{name}: accuracy {network.score(X_test, y_test):.4f}")
        print(report)
        print(
            f"on the input: {report.input_operations / report.synaptic_operations:.1%};"
            f" arithmetic {energy(report).total / 1000:,.0f} nJ,"
            f" with memory and membranes {energy(report, COMPLETE).total / 1000:,.0f} "
            f"nJ; counted in {duration:.1f} s\n"
        )


if __name__ == "__main__":
    main()
