r"""
12. From fit to hardware
========================

A trained network can leave Python: for another simulator, a chip, a microcontroller or
a browser. This chapter counts what an answer costs, says what an estimate of energy is
worth, makes a network of a trained MLP, rounds a network to whole numbers and writes
it in three forms. :ref:`An example <sphx_glr_auto_examples_to_hardware.py>` goes all
the way with one network.
"""

import tempfile
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline

from sklearn_snn import PoissonSpikeEncoder, SpikingClassifier
from sklearn_snn.export import export_c, export_html
from sklearn_snn.metrics import EnergyConstants, energy, operation_report
from sklearn_snn.nir import from_nir, to_nir
from sklearn_snn.quantization import quantization_cost, quantize

# A fixed number of epochs is the plan.
warnings.simplefilter("ignore")

X, y = load_digits(return_X_y=True)
X = X / 16
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=0.4, random_state=0, stratify=y
)
encoder = PoissonSpikeEncoder(n_steps=30, random_state=0)
model = make_pipeline(
    encoder,
    SpikingClassifier(
        (50,),
        reset="zero",
        max_iter=30,
        learning_rate_init=0.005,
        random_state=0,
    ),
)
model.fit(X_train, y_train)
print(f"accuracy on held-out digits: {model.score(X_test, y_test):.3f}")

# %%
# What an answer costs
# --------------------
# A spike that meets a weight that is not zero is one **synaptic operation**: an
# addition. A layer of :math:`n` neurons that receives :math:`z` spikes takes at most
# :math:`z n` of them, whatever the number of inputs that are silent. A graded value
# that meets a weight is a multiplication and an addition, as in an MLP. Beside these,
# every membrane is updated in every step.
#
# :func:`~sklearn_snn.metrics.operation_report` counts all of it on given data. The
# input layer is told apart: with rate coding, where a bright pixel fires again and
# again, most operations are there.

report = operation_report(model, X_test)
print(report)

# %%
# The same report of an MLP has multiplications, once:

mlp = MLPClassifier((50,), max_iter=120, random_state=0).fit(X_train, y_train)
of_mlp = operation_report(mlp, X_test)
print(f"spiking: {report.synaptic_operations:,.0f} additions per sample")
print(f"MLP: {of_mlp.synaptic_operations:,.0f} multiplications with additions")

# %%
# Energy
# ------
# Arithmetic is what most articles count: 0.9 pJ for an addition, 4.6 pJ for a
# multiplication with one [1]_. A chip also reads a weight for each operation, updates
# membranes, and draws power while it waits. :func:`~sklearn_snn.metrics.energy` takes
# what you know of yours, and says what is not in it. With 5 pJ for reading a weight
# and 4.6 pJ for an update of a membrane:

complete = EnergyConstants(weight_access=5.0, membrane_update=4.6)
for name, r in {"spiking": report, "MLP": of_mlp}.items():
    print(
        f"{name:8} arithmetic {energy(r).total / 1000:5.1f} nJ, "
        f"with memory and membranes {energy(r, complete).total / 1000:5.1f} nJ"
    )

# %%
# Fewer spikes are what saves energy: fewer steps, ``max_rate`` of the encoder,
# ``rate_bounds`` of the network, or a code with one spike per feature. Costs are scores
# for a search, in :ref:`an example <sphx_glr_auto_examples_energy.py>` of its own.
#
# From a trained MLP
# ------------------
# An integrate-and-fire neuron that is reset by subtraction fires, in :math:`T` steps of
# a current :math:`I` between 0 and 1, some :math:`T I` times: it is a rectified linear
# unit that is read with :math:`T + 1` values. So
# :meth:`~sklearn_snn.SpikingClassifier.from_mlp` takes the weights of an MLP, divides
# those of each layer by a scale, and trains nothing. A scale that is too large wastes
# the few values there are, one too small cuts activations off: it is found from data
# ("threshold balancing"). The plain way takes the largest activation.

n_steps = [2, 4, 8, 16, 32, 64]


def converted_scores(**options):
    """Return the accuracy for each number of steps."""
    return [
        SpikingClassifier.from_mlp(mlp, X_train, n_steps=n, **options).score(
            X_test, y_test
        )
        for n in n_steps
    ]


default = converted_scores()
plain = converted_scores(balancing="max", bias_shift=False)
for n, a, b in zip(n_steps, default, plain, strict=True):
    print(f"{n:3} steps: {a:.3f}, with the largest activation {b:.3f}")


# Plotting code
# Alt text: Accuracy of a converted MLP against 2 to 64 steps. By default it is that of
# the MLP but for a point from two steps on; with the largest activation it begins far
# below and needs eight.
fig, ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
ax.axhline(mlp.score(X_test, y_test), color="0.5", linestyle="--", label="MLP")
ax.plot(n_steps, default, "o-", label="default")
ax.plot(n_steps, plain, "s-", label="largest activation, no shift")
ax.set_xscale("log", base=2)
ax.set_xticks(n_steps, n_steps)
ax.set(xlabel="Number of steps", ylabel="Accuracy", title="A converted MLP")
ax.legend()
plt.show()

# %%
# Whole numbers
# -------------
# Neuromorphic chips and microcontrollers compute with integers.
# :func:`~sklearn_snn.quantization.quantize` rounds weights to a few bits, in a unit of
# their own for each neuron, biases and thresholds to 64ths of that unit, in which the
# membranes are counted, and the leak to a fraction of 12 bits, or to a shift:
#
# .. math::
#
#    u_t = \operatorname{leak}(v_{t-1}) + I_t, \qquad
#    \operatorname{leak}(v) = \operatorname{sign}(v)
#    \left\lfloor a |v| / 2^{12} \right\rfloor
#    \quad\text{or}\quad v - \left\lfloor v / 2^k \right\rfloor
#
# What it returns predicts as estimators do, and runs on integers.

quantized = quantize(model, bits=8)
layer = quantized[-1].layers_[0]
weight, unit = layer.weights[20, 3], layer.weight_units[3]
before = model[-1].coefs_[0][20, 3]
print(f"a weight, {before:.5f}, has become {weight} * {unit:.5f}")

bits = [8, 6, 5, 4, 3, 2]
rounded, tuned = [], []
for b in bits:
    for kept, options in (
        (rounded, {}),
        (tuned, {"X": X_train, "y": y_train, "epochs": 5}),
    ):
        other = quantize(model, b, **options)
        kept.append(
            quantization_cost(model, other, X_test, y_test).quantized_score
        )
    print(f"{b} bits: {rounded[-1]:.3f}, fine-tuned {tuned[-1]:.3f}")

# %%
# Fine-tuning (``epochs``) trains on while the forward pass sees rounded numbers: the
# gradient that these give is applied to the numbers behind them. It is for few bits;
# where rounding costs nothing, it moves the accuracy up or down by as much as more
# training would.

# Plotting code
# Alt text: Accuracy against the bits of a weight, from 8 down to 2. It stays that of
# the network that is not rounded down to 3 bits. With 2 it falls to 0.89, and to 0.96
# where the network was fine-tuned.
fig, ax = plt.subplots(figsize=(6, 3.5), layout="constrained")
score = model.score(X_test, y_test)
ax.axhline(score, color="0.5", linestyle="--", label="not rounded")
ax.plot(bits, rounded, "s-", label="rounded")
ax.plot(bits, tuned, "o-", label="fine-tuned")
ax.invert_xaxis()
ax.set(
    xlabel="Bits of a weight", ylabel="Accuracy", title="A quantised network"
)
ax.legend()
plt.show()

# %%
# For other simulators and chips
# ------------------------------
# NIR [2]_ describes networks by equations in continuous time, which other simulators,
# and the tools of chips, read. A neuron of it,
#
# .. math::
#
#    \tau \dot v = -v + r I,
#
# is, in steps of :math:`\Delta t`, ours with :math:`\alpha = 1 - \Delta t / \tau`. A
# graph has no steps: whoever reads it has to take the same. It also has no reset but
# that to zero, and no adaptation; :func:`~sklearn_snn.nir.to_nir` says so before you
# wonder, and :func:`~sklearn_snn.nir.nir_compatibility` tells which readers make the
# same spikes. Back from a file comes the same estimator, to the bit:

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "digits.nir"
    to_nir(model, path)
    back = from_nir(path)
spikes = encoder.transform(X_test)
same = np.array_equal(back.predict_proba(spikes), model.predict_proba(X_test))
print("the same probabilities, to the bit:", same)

# %%
# What is sent of a quantised network is the network that lies on its grid,
# ``to_nir(quantized[-1].to_estimator())``. Its membranes are rounded by nothing, those
# of the integers are: some of their spikes differ. How many, a comparison with
# ``quantized.simulate`` tells. What does to the bit what the integers do is the C file
# of the next section.
#
# For a microcontroller
# ---------------------
# :func:`~sklearn_snn.export.export_c` writes a quantised network as one C file that
# needs nothing: no library, no floating point, no allocation. Its spikes, outputs and
# answers are those of the integers in Python, to the bit.

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "digits.c"
    export_c(quantized, path)
    print(*path.read_text().splitlines()[:14], sep="\n")

# %%
# For a browser
# -------------
# :func:`~sklearn_snn.export.export_html` writes a page that runs the network, as it
# is, and shows it step by step: spikes, membranes, and the answer as it builds up. It
# asks no server for anything. One is on the first page of this documentation.

with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "digits.html"
    export_html(model, path, X_test[:20], y=y_test[:20])
    print(f"a page of {path.stat().st_size / 1e3:.0f} kB")

# %%
# On MNIST
# --------
# Here the networks were small. These are figures of 784-100-10, each of a script in
# ``benchmarks/`` that prints it on your machine:
#
# - **Search** (``operations.py``): the best candidate has 0.9796 on held-back training
#   images, with 254,355 operations per image; the cheapest within a point has 0.9711
#   with 25,949, a tenth. On the test images it is 1.2 points below the best: a rule
#   holds for the scores that it sees. (MLP: 0.9780, with 15,713 multiplications.)
# - **Conversion** (``conversion.py``) of an MLP with 97.89 %: after 4 steps 97.34 %, 8
#   97.65 %, 16 97.79 %, 32 97.83 %, 100 97.82 %; with the largest activation and no
#   shift 64.01 %, 95.93 %, 97.64 %, 97.70 % and 97.88 %.
# - **Integers** (``quantization.py``): 8 bits cost 0.02 points, 4 bits 0.16, and the
#   C file takes 41 to 81 kB; :func:`~sklearn_snn.quantization.quantize` has the table.
# - **NIR** (``nir_exchange.py``): networks of one to three hidden layers made the same
#   spikes in SpikingJelly, snnTorch and norse, all 175,000 to 588,000 of 200 images and
#   100 steps. In float32, which snnTorch and norse have for weights, a recurrent
#   network differed in 6 spikes of one image, and one of current-based neurons in 2,
#   both where a membrane came within 5e-8 of its threshold; after another training it
#   was other networks, with as few.
# - **Browser** (``page.py``): 0.54 MB with 20 images; spikes of 1,000 images were those
#   of Python.
#
# References
# ----------
# .. [1] M. Horowitz, "Computing's energy problem (and what we can do about it)", ISSCC
#    2014.
# .. [2] J. E. Pedersen et al., "Neuromorphic intermediate representation: a unified
#    instruction set for interoperable brain-inspired computing", Nature Communications
#    15, 2024.
