"""The least time that each part of a training step can take on this machine.

A limit is what a part cannot do without, in bytes to move or in operations, divided by
the rate of a bare loop that does nothing else (`machine.py`). It is no target that can
be reached: such a loop knows where its data are and has no branches, and no part is
charged for what its algorithm could leave out. In the order of a sample:

draws
    One multiply-add for the random number of each input that can fire, at each step,
    and one comparison.
row additions
    Each spike adds the row of weights of its neuron, and backward the row of its
    step's errors to the gradient of the weights. An input that fires at half of the
    steps or more is counted by its silences. Backward, what an input gathered is added
    to the gradient once. A number each is loaded and added.
neuron-steps
    Forward 4 operations: leak and current, weights' unit and bias, threshold, reset.
    Backward 15: the derivative of a logistic surrogate takes 12 (1 for its argument, 8
    for the exponential, 1 division, 2 for the product) and the error 3.
products
    A multiply-add for each number of graded input and hidden neuron, both ways, and
    backward for each step, hidden neuron and output.
"""

import numpy as np
from machine import additions_rate, copy_rate, operations_rate
from step_shapes import N_OUTPUTS

FORWARD_OPERATIONS, BACKWARD_OPERATIONS = 4, 15
ADAM_OPERATIONS = 12
ITEM = np.dtype(np.float32).itemsize


def kernel_work(shape, counts):
    """Return what the compiled kernels have at least to do.

    Parameters
    ----------
    shape : Shape
    counts : Counts

    Returns
    -------
    forward, backward : dicts
        ``operations``, and ``additions``: those of a number from memory, as pairs of
        how many and the bytes of the array that they are from.
    """
    n_neurons = shape.n_hidden + N_OUTPUTS
    neuron_steps = shape.batch * shape.n_steps * n_neurons
    first = shape.n_inputs * shape.n_hidden * ITEM
    errors = shape.n_steps * shape.n_hidden * ITEM
    second = shape.n_hidden * N_OUTPUTS * ITEM
    of_outputs = counts.hidden_spikes * N_OUTPUTS, second
    n_products = counts.products * shape.n_inputs * shape.n_hidden
    forward = {
        "operations": 2 * counts.draws + FORWARD_OPERATIONS * neuron_steps + n_products,
        "additions": [(counts.input_rows * shape.n_hidden, first), of_outputs],
    }
    n_products += shape.batch * shape.n_steps * shape.n_hidden * N_OUTPUTS
    backward = {
        "operations": n_products + BACKWARD_OPERATIONS * neuron_steps,
        "additions": [
            (counts.input_rows * shape.n_hidden, errors),
            (counts.active * shape.n_hidden, first),
            of_outputs,
        ],
    }
    return forward, backward


def kernel_seconds(work):
    """Return the least time of what `kernel_work` says: one after the other."""
    additions = sum(n / additions_rate(size) for n, size in work["additions"] if n)
    return work["operations"] / operations_rate() + additions


def seconds_to_move(n_bytes):
    """Return the least time to read or write so many bytes."""
    return n_bytes / copy_rate(n_bytes) if n_bytes else 0.0


def limits(shape, counts, n_chunks):
    """Return the least seconds of each part of a step that has any.

    Parameters
    ----------
    shape : Shape
    counts : Counts
    n_chunks : int
        Partial gradients to be added.

    Returns
    -------
    seconds : dict of float
        By the parts of `profile_step.py`. What is not there could be left out.
    """
    n_first = shape.n_inputs * shape.n_hidden
    n_parameters = n_first + shape.n_hidden * (1 + N_OUTPUTS) + N_OUTPUTS
    # Where no rows are added, as numbers are multiplied, the first are not packed.
    n_packed = n_parameters - (0 if shape.kind == "trains" else n_first)
    forward, backward = (kernel_seconds(work) for work in kernel_work(shape, counts))
    if shape.kind == "trains":
        # A byte of each input is read; what can fire is written: place and threshold.
        n_bytes = shape.batch * shape.n_inputs + 8 * counts.active
        forward += seconds_to_move(n_bytes)
    found = {
        # Read, and written as whole numbers.
        "packing the weights": seconds_to_move(2 * ITEM * n_packed),
        "kernel, forward": forward,
        "kernel, backward": backward,
        "sum of partial gradients": seconds_to_move(
            (n_chunks + 1) * ITEM * n_parameters
        ),
        # Read for the norm; Adam could take care of the factor.
        "norm and clipping": seconds_to_move(ITEM * n_parameters),
        # Parameters and both means are read and written, the gradient is read.
        "Adam": max(
            seconds_to_move(7 * ITEM * n_parameters),
            ADAM_OPERATIONS * n_parameters / operations_rate(),
        ),
    }
    return {part: seconds for part, seconds in found.items() if seconds}
