"""
Saving a model, and the same answers elsewhere
==============================================

A fitted pipeline is saved with joblib, and loaded in another process. There it predicts
the same probabilities, to the bit.
"""

import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import joblib
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.exceptions import ConvergenceWarning
from sklearn.pipeline import make_pipeline

from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier

# A fixed number of epochs is the plan.
warnings.simplefilter("ignore", ConvergenceWarning)
X, y = load_digits(return_X_y=True)
model = make_pipeline(
    PoissonSpikeEncoder(n_steps=25, random_state=0),
    SpikingClassifier(max_iter=10, random_state=0),
)
model.fit(X[:1000], y[:1000])

# %%
# A joblib file, like a pickle, can run any code when it is loaded: load only files that
# you trust.

with tempfile.TemporaryDirectory() as folder:
    model_file = Path(folder) / "digits.joblib"
    answer_file = Path(folder) / "probabilities.npy"
    joblib.dump(model, model_file, compress=3)
    print(f"{model_file.stat().st_size / 1024:.0f} KiB on disk")
    other_process = """
import sys
import joblib, numpy as np
from sklearn.datasets import load_digits
model = joblib.load(sys.argv[1])
np.save(sys.argv[2], model.predict_proba(load_digits().data[1000:]))
"""
    subprocess.run(
        [sys.executable, "-c", other_process, model_file, answer_file],
        check=True,
    )
    loaded = np.load(answer_file)

same = np.array_equal(loaded, model.predict_proba(X[1000:]))
print(f"same probabilities in the other process, to the bit: {same}")
accuracy = (loaded.argmax(axis=1) == y[1000:]).mean()
print(f"accuracy on held-out digits: {accuracy:.4f}")

# %%
# A digit and its probabilities, computed here and in the other process:

here = model.predict_proba(X[1000:])

# Plotting code
# Alt text: A digit of 8 x 8 pixels, and bars of its ten class probabilities: those of
# this process and those of the other one are equal.
figure, axes = plt.subplots(
    1, 2, figsize=(5.2, 2.6), width_ratios=(1, 2), layout="constrained"
)
axes[0].imshow(X[1000].reshape(8, 8), cmap="Greys")
axes[0].set(xticks=[], yticks=[], title=f"A digit {y[1000]}")
axes[1].bar(np.arange(10) - 0.2, here[0], 0.4, label="Here")
axes[1].bar(np.arange(10) + 0.2, loaded[0], 0.4, label="Loaded elsewhere")
axes[1].set(xlabel="Class", ylabel="Probability", xticks=range(10))
axes[1].legend(fontsize="small")
plt.show()
