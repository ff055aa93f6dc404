"""Train a spiking network on images: scikit-learn's digits, MNIST or FashionMNIST.

    python examples/train_images.py --data digits
    python examples/train_images.py --data mnist

MNIST and FashionMNIST come through torchvision (``pip install sklearn-snn[datasets]``):
from the folder that SKLEARN_SNN_DATA names, else they are downloaded.
"""

import argparse
import time
import warnings
from pathlib import Path

import joblib
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline

from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier
from sklearn_snn.datasets import fetch_mnist


def load(name):
    """Return X_train, X_test, y_train, y_test."""
    if name == "digits":
        X, y = load_digits(return_X_y=True)
        return train_test_split(
            X, y, test_size=0.25, random_state=0, stratify=y
        )
    images = fetch_mnist({"mnist": "MNIST", "fashion": "FashionMNIST"}[name])
    # The first 60,000 images are the training set.
    return train_test_split(
        images.data, images.target, train_size=60_000, shuffle=False
    )


parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument(
    "--data", choices=["digits", "mnist", "fashion"], default="digits"
)
parser.add_argument(
    "--n-steps", type=int, help="default: 25 for digits, else 100"
)
parser.add_argument(
    "--max-iter", type=int, help="default: 30 for digits, else 5"
)
parser.add_argument("--save", type=Path, help="default: spiking_DATA.joblib")
args = parser.parse_args()
small = args.data == "digits"
n_steps = args.n_steps or (25 if small else 100)
max_iter = args.max_iter or (30 if small else 5)
path = (args.save or Path(f"spiking_{args.data}.joblib")).absolute()

X_train, X_test, y_train, y_test = load(args.data)
model = make_pipeline(
    PoissonSpikeEncoder(n_steps=n_steps, random_state=0),
    SpikingClassifier(
        hidden_layer_sizes=(100,),
        max_iter=max_iter,
        random_state=0,
        verbose=True,
    ),
)
# A fixed number of epochs is the plan.
warnings.simplefilter("ignore", ConvergenceWarning)
print(
    f"{len(X_train)} images of {X_train.shape[1]} pixels, {n_steps} steps each"
)
start = time.perf_counter()
model.fit(X_train, y_train)
seconds = time.perf_counter() - start
accuracy = model.score(X_test, y_test)
joblib.dump(model, path)

print(f"accuracy on {len(X_test)} held-out images: {accuracy:.4f}")
print(f"training time: {seconds:.1f} s")
print(f"model saved to: {path}")
