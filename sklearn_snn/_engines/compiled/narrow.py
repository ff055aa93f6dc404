"""Compiled synapses of layers of very few neurons: sums over all inputs, no events.

To list an event, and to look up what it adds, takes about as long as to add a vector.
Where a layer has but a few neurons, as the answers of most tables do, a list would have
more work than what it saves: here every input is looked at, a vector of 64 bytes at a
time, and what is silent adds nothing.
"""

from sklearn_snn._engines.compiled.options import compiled, compiled_apart
from sklearn_snn._engines.compiled.vectors import add_where, sum_all_rows, sum_where
from sklearn_snn._engines.compiled.views import matrix, segment

# Of more neurons lists are as fast, on tables; or, as events may be rare, on all else:
# with spikes at one step of two hundred, four neurons learned a quarter slower.
MOST_NEURONS, MOST_BY_EVENTS = 4, 2
# Spikes of so many steps are counted in a byte.
_STEPS_OF_A_BYTE = 255


@compiled
def sum_fired(bits, weights, total):
    """Set ``total[k]`` to the sum of those of ``weights[k]`` whose input fired.

    ``bits`` has shape (at least n_inputs,), ``weights`` (n_neurons, n_inputs), whole
    numbers, whose sums are exact in any order; beyond n_neurons the total is 0.
    """
    n_neurons, n_inputs = weights.shape
    for k in range(len(total)):
        total[k] = 0
    for k in range(n_neurons):
        total[k] = sum_where(segment(weights, k * n_inputs, n_inputs), bits)


@compiled
def weights_of_heard(weights, heard, out):
    """Copy the weights of those inputs that are ``heard``, and zeros for the others.

    So nothing has to be taken from the spikes. ``weights`` and ``out`` have shape
    (n_neurons, n_inputs), ``heard`` (n_inputs,).
    """
    zero = weights.dtype.type(0)
    for k in range(weights.shape[0]):
        for h in range(weights.shape[1]):
            out[k, h] = weights[k, h] if heard[h] else zero


@compiled
def count_spikes(s, counts, some):
    """Set ``counts[h]`` to the number of spikes of column ``h`` of ``s``.

    ``some``, as many bytes as a row of ``s``, is overwritten. Fast because 64 columns
    are counted at a time, in bytes, for as many steps as these can count.
    """
    for h in range(len(counts)):
        counts[h] = 0
    for start in range(0, len(s), _STEPS_OF_A_BYTE):
        n_steps = min(_STEPS_OF_A_BYTE, len(s) - start)
        for h in range(len(some)):
            some[h] = 0
        sum_all_rows(matrix(s, start * s.shape[1], n_steps, s.shape[1]), some)
        for h in range(len(counts)):
            counts[h] += some[h]


@compiled
def add_narrow_gradient(deltas, s, heard, work, gradient):
    """Add to ``gradient[k, h]`` the ``deltas[t, k]`` of all steps at which ``h`` fired.

    ``deltas`` has shape (n_steps, at least n_neurons), ``s`` (n_steps, at least
    n_inputs), and ``gradient`` (n_neurons, n_inputs): it is transposed. ``work``, of
    shape (n_inputs,), is overwritten. Inputs that are not ``heard``, if that is not
    empty, have no gradient.

    The order of the sum is that of `synapses.add_weight_gradient`, to the bit. Fast
    because a delta is added to a vector of inputs at a time, in registers, where a list
    of its own for each input would be read.
    """
    n_neurons, n_inputs = gradient.shape
    for k in range(n_neurons):
        own = segment(gradient, k * n_inputs, n_inputs)
        if len(heard) > 0:
            add_where(own, deltas, k, s, work)
            _keep_heard(work, heard, own)
        else:
            add_where(own, deltas, k, s, own)


@compiled_apart
def _keep_heard(new, heard, out):
    for h in range(len(out)):  # which ones are, no processor can guess
        out[h] = new[h] if heard[h] else out[h]
