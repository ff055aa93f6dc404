"""
From fit to hardware: a search, integers, another simulator, and a program in C
===============================================================================

All the way from a table to what a chip runs. We look for a network that is cheap and
good enough, make integers of its numbers, let another simulator run it, and compile it
to a program that needs neither Python nor any library: its spikes are those of the
integers, to the bit.

It needs ``pip install 'sklearn-snn[plot,nir]' snntorch`` and, for its last part, a C
compiler.
"""

import contextlib
import io
import shutil
import subprocess
import tempfile
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline
from snntorch.import_nir import import_from_nir

from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier
from sklearn_snn.export import export_c
from sklearn_snn.metrics import (
    AccuracyOperationsDisplay,
    cheapest_within,
    energy,
    neg_synaptic_operations_scorer,
    operation_report,
)
from sklearn_snn.nir import nir_compatibility, to_nir
from sklearn_snn.quantization import quantization_cost, quantize

# A fixed number of epochs is the plan.
warnings.filterwarnings("ignore", "Maximum number of epochs")

X, y = load_digits(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, random_state=0, stratify=y
)

# %%
# 1. Train, with hardware in mind
# -------------------------------
#
# Chips and other simulators mostly reset a membrane to zero after a spike; so does
# this network, from the first step of its training on. A search that sees the
# operations takes the cheapest candidate within a point of the best.

model = Pipeline(
    [
        ("encode", PoissonSpikeEncoder(random_state=0)),
        (
            "classify",
            SpikingClassifier(
                reset="zero",
                max_iter=20,
                learning_rate_init=0.005,
                random_state=0,
            ),
        ),
    ]
)
search = GridSearchCV(
    model,
    {
        "encode__n_steps": [5, 10, 25, 50],
        "classify__hidden_layer_sizes": [(30,), (100,)],
        "classify__rate_bounds": [None, (0, 0.05)],
    },
    scoring={
        "accuracy": "accuracy",
        "neg_synaptic_operations": neg_synaptic_operations_scorer,
    },
    refit=cheapest_within(0.01),
    cv=3,
)
search.fit(X_train, y_train)

# Alt text: Accuracy against synaptic operations of 16 candidates, on a logarithmic
# axis, and a line through those that are best for their cost. The chosen one lies
# where it becomes flat.
AccuracyOperationsDisplay.from_search(search)
plt.show()

# %%
results = search.cv_results_
accuracy = results["mean_test_accuracy"]
operations = -results["mean_test_neg_synaptic_operations"]
for name, i in {
    "chosen": search.best_index_,
    "most accurate": accuracy.argmax(),
    "most expensive": operations.argmax(),
}.items():
    cost = f"{operations[i]:7,.0f} operations"
    print(f"{name:14}  accuracy {accuracy[i]:.3f}, {cost}")
model = search.best_estimator_
print(search.best_params_)
print(f"accuracy on held-out digits: {model.score(X_test, y_test):.3f}")
print(energy(operation_report(model, X_test)))

# %%
# 2. Integers
# -----------
#
# Chips have weights of few bits, and membranes that are whole numbers.
# :func:`~sklearn_snn.quantization.quantize` makes a network of these, whose cost is
# measured, and not hoped for. Where it is too much, as with the very few bits of the
# last lines, some epochs of training with rounded numbers (``epochs``) win most of it
# back.

for bits in (8, 4, 2):
    tuned = quantize(model, bits, X=X_train, y=y_train, epochs=5)
    for kind, integers in {
        "rounded": quantize(model, bits),
        "fine-tuned": tuned,
    }.items():
        cost = quantization_cost(model, integers, X_test, y_test)
        print(
            f"{bits} bits, {kind:10}  accuracy {cost.quantized_score:.3f}, "
            f"same answers {cost.agreement:.3f}"
        )

quantized = quantize(model, bits=8)

# %%
# 3. Another simulator
# --------------------
#
# :func:`~sklearn_snn.nir.to_nir` writes a network as a graph of NIR, which other
# simulators read, and through them chips are programmed. What is written here is the
# network whose weights lie on the grid of the 8 bits. Who will make the same spikes of
# it?

on_grid = quantized[-1].to_estimator()
report = nir_compatibility(on_grid)
for name in ("snnTorch", "SpikingJelly", "norse"):
    print(f"{name}: {'yes' if report[name].exact else 'no'}")
print(f"Rockpool: no, {report['Rockpool'].reason}")

# %%
# snnTorch takes the graph, and the spikes of the encoder:

graph = to_nir(on_grid)
spikes = np.asarray(quantized[:-1].transform(X_test))
with contextlib.redirect_stdout(io.StringIO()):  # it tells what it reads
    foreign = import_from_nir(graph)
outputs, state = [], None
with torch.no_grad():
    for step in torch.from_numpy(spikes).float().unbind(dim=1):
        output, state = foreign(step, state)
        outputs.append(output.numpy())
record = on_grid.simulate(spikes)
same = np.stack(outputs, axis=1) == record.spikes[-1]
print(f"output spikes that are the same in snnTorch: {same.mean():.4%}")

# %%
# 4. A program in C
# -----------------
#
# :func:`~sklearn_snn.export.export_c` writes the integers, and all that is done with
# them, as one file of C99 that includes ``stdint.h`` and nothing else. It allocates no
# memory: what a microcontroller needs is known when it is compiled. The program below
# reads spikes, a byte each, and prints answers.

MAIN = """
#include <stdio.h>
#include "snn.c"

int main(void)
{
    static uint8_t spikes[SNN_N_INPUTS];
    for (;;) {
        snn_reset();
        for (int t = 0; t < N_STEPS; t++) {
            if (fread(spikes, sizeof spikes, 1, stdin) != 1)
                return 0;
            snn_step(spikes, 0);
        }
        printf("%d ", snn_answer());
    }
}
"""

compiler = shutil.which("cc")
if compiler is None:
    raise SystemExit("There is no C compiler: the last part needs one.")
with tempfile.TemporaryDirectory() as folder:
    source, program = Path(folder) / "main.c", Path(folder) / "main"
    export_c(quantized, Path(folder) / "snn.c")
    print(*(Path(folder) / "snn.c").read_text().splitlines()[:14], sep="\n")
    source.write_text(MAIN)
    options = ["-std=c99", "-O2", "-Wall", "-Wextra", "-Werror"]
    steps = f"-DN_STEPS={spikes.shape[1]}"
    subprocess.run(
        [compiler, *options, steps, source, "-o", program], check=True
    )
    printed = subprocess.run(
        [program], input=spikes.tobytes(), capture_output=True, check=True
    ).stdout

# %%
# What it says is what the integers say in Python:

answers = quantized.classes_[np.array(printed.split(), dtype=int)]
agree = np.array_equal(answers, quantized.predict(X_test))
print(f"answers of the program equal: {agree}")
print(f"accuracy of the program: {np.mean(answers == y_test):.3f}")

# %%
# :ref:`Chapter 12 <sphx_glr_auto_guide_12_hardware.py>` of the guide explains each of
# these, and a page that runs a network in the browser.
