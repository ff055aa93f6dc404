"""
A parameter search on a Dask cluster
====================================

Leak and threshold are chosen on a Dask cluster: two worker processes on this machine,
or one elsewhere, whose scheduler is named on the command line::

    python distributed_search.py --scheduler tcp://host:8786

What is sent, and what happens when a worker is lost, is explained in
:doc:`/distributed`.
"""

import argparse
import os
import warnings
from itertools import chain

import joblib
import matplotlib.pyplot as plt
import numpy as np
from dask.distributed import Client, LocalCluster
from sklearn.datasets import load_digits
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedKFold,
    train_test_split,
)
from sklearn.pipeline import make_pipeline

from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier

# A fixed number of epochs is the plan; workers read the environment.
warnings.filterwarnings("ignore", "Maximum number of epochs")
os.environ["PYTHONWARNINGS"] = "ignore:Maximum number of epochs"


# Plotting code


def draw(search):
    """Draw the mean accuracy of each candidate, and its folds."""
    results = search.cv_results_
    folds = np.array([results[f"split{i}_test_score"] for i in range(3)])
    names = [
        ", ".join(f"{k.split('__')[1]} {v}" for k, v in params.items())
        for params in results["params"]
    ]
    _, ax = plt.subplots(figsize=(5.2, 2.8), layout="constrained")
    ax.barh(names, folds.mean(axis=0), color="C0", alpha=0.5)
    ax.plot(folds.T, range(len(names)), "o", color="C0", markersize=4)
    ax.invert_yaxis()
    ax.set(xlabel="Accuracy: mean (bar) and folds (dots)", xlim=(0.8, 1))
    plt.show()


# %%
# Workers import this file, so what it does stands in a function:


def main():
    """Search on a cluster and report."""
    parser = argparse.ArgumentParser(description="Search on a Dask cluster.")
    parser.add_argument(
        "--scheduler", help="tcp://host:8786; default: 2 workers"
    )
    address = parser.parse_args().scheduler

    X, y = load_digits(return_X_y=True)
    X_train, X_test, y_train, y_test = train_test_split(
        X, y, random_state=0, stratify=y
    )
    folds = list(StratifiedKFold(3).split(X_train, y_train))
    model = make_pipeline(
        PoissonSpikeEncoder(n_steps=15, random_state=0),
        SpikingClassifier(
            hidden_layer_sizes=(50,), max_iter=10, random_state=0
        ),
    )
    search = GridSearchCV(
        model,
        {
            "spikingclassifier__alpha": [0.8, 0.95],
            "spikingclassifier__threshold": [0.6, 1.0],
        },
        cv=folds,
    )
    cluster = address or LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0"
    )
    with Client(cluster) as client:
        print(f"{len(client.ncores())} workers")
        # What is named here is copied to every worker, so that none of it is
        # lost with one of them: the data, and which rows are in which fold.
        # Dask's memory manager would remove all copies but one.
        client.amm.stop()
        shared = [X_train, y_train, *chain.from_iterable(folds)]
        with joblib.parallel_config(backend="dask", scatter=shared):
            search.fit(X_train, y_train)
    if address is None:
        cluster.close()
    print(f"best: {search.best_params_}")
    accuracy = search.score(X_test, y_test)
    print(f"accuracy of the best on held-out digits: {accuracy:.4f}")

    # Alt text: Bars of the mean accuracy of four candidates, two values of alpha with
    # two of threshold, each with three dots for the folds.
    draw(search)


if __name__ == "__main__":  # workers import this file again
    main()
