"""Test accuracy, training time and peak memory on MNIST and FashionMNIST.

    python benchmarks/accuracy.py --data MNIST FashionMNIST --seeds 0 1 2

784-100-10, 100 Poisson steps, 5 epochs, unless told otherwise, and everything else by
default; or intensities as constant currents, in the setting that chapter 6 of the guide
has for wide layers::

    python benchmarks/accuracy.py --currents --hidden 1000 --n-steps 25 --epochs 20

The peak memory is that of the whole process, with the data, as the operating system
counts it, up to then: for a single figure ask for one set and one seed.
"""

import argparse
import resource
import time
import warnings

from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier
from sklearn_snn.datasets import fetch_mnist

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--data", nargs="+", default=["MNIST", "FashionMNIST"])
parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
parser.add_argument("--hidden", nargs="+", type=int, default=[100])
parser.add_argument("--n-steps", type=int, default=100)
parser.add_argument("--epochs", type=int, default=5)
parser.add_argument("--currents", action="store_true")
parser.add_argument("--engine", default="auto")
args = parser.parse_args()
# The number of epochs is part of the task.
warnings.simplefilter("ignore", ConvergenceWarning)

currents, setting = FunctionTransformer(lambda images: images / 255), {}
if args.currents:
    setting = {"dropout": 0.5, "threshold": 2, "beta": 2.5, "readout": "soft_count"}
    setting |= {"n_steps": args.n_steps, "logit_scale": 20 / args.n_steps}

for name in args.data:
    X_train, y_train = fetch_mnist(name, split="train", return_X_y=True)
    X_test, y_test = fetch_mnist(name, split="test", return_X_y=True)
    for seed in args.seeds:
        state = {"random_state": seed}
        model = make_pipeline(
            currents if args.currents else PoissonSpikeEncoder(args.n_steps, **state),
            SpikingClassifier(
                hidden_layer_sizes=args.hidden,
                max_iter=args.epochs,
                engine=args.engine,
                **setting,
                **state,
            ),
        )
        start = time.perf_counter()
        model.fit(X_train, y_train)
        seconds = time.perf_counter() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"{name}, seed {seed}: test accuracy {model.score(X_test, y_test):.4f}, "
            f"fit {seconds:.0f} s, peak memory {peak:.0f} MiB",
            flush=True,
        )
