"""Compiled neurons: one file each; the equations are those of `_model.neurons`.

A compiled neuron is a NamedTuple of arrays and codes. numba knows the class of such an
argument when it compiles, so that a kernel is made for each neuron, with nothing to
decide inside its loops. Each file registers, for its class, the functions below.

The constants of all layers lie one after another, as the biases do; `of_layer` returns
a neuron with those of one layer. No view is made per step where an index will do: it
would cost as much as the arithmetic.
"""

from numba.extending import overload

from sklearn_snn._engines.compiled.neurons import adlif, cuba, lif
from sklearn_snn._engines.compiled.neurons.resets import RESET_CODES
from sklearn_snn._engines.compiled.options import APART, INNER
from sklearn_snn._engines.compiled.surrogates import SURROGATE_CODES

_FILES = lif, adlif, cuba
_BY_CLASS = {file.Compiled: file for file in _FILES}


def compile_neuron(neuron, arrange, number):
    """Return the compiled form of a neuron of the model.

    Parameters
    ----------
    neuron : neuron
    arrange : callable
        Makes an array for compiled code of what ``array_of(p)`` returns of the
        parameters of each layer with such neurons, laid out as the biases are, or one
        number if they are all the same.
    number : type
        Of floats.
    """
    return _file_of(neuron).pack(neuron, arrange, number)


def problem_of(neuron):
    """Return why a neuron cannot run compiled, or None."""
    if not any(type(neuron) in file.NEURONS for file in _FILES):
        return f"there is no compiled code for neurons of class {type(neuron).__name__}"
    for kind, codes in (("surrogate", SURROGATE_CODES), ("reset", RESET_CODES)):
        name = getattr(neuron, kind, None)
        if name is not None and name not in codes:
            return f"there is no compiled code for the {kind} {name!r}"
    return None


def gradient_rows(neuron):
    """Return the names of the constants by the rows of their compiled gradients."""
    return _file_of(neuron).ROWS


def _file_of(neuron):
    return next(file for file in _FILES if type(neuron) in file.NEURONS)


def n_states(neuron):
    """Return how many numbers a neuron carries from step to step."""
    raise NotImplementedError  # compiled code takes what its class registers


def of_layer(neuron, first, stop):
    """Return a neuron with the constants that a layer has among those of all."""
    raise NotImplementedError


def forward_step(neuron, t, total, scale, bias, u, s, state, second):
    """Take one step of all neurons of a layer: from a current to membranes and spikes.

    The current is ``scale * total + bias``, and ``state``, of shape (n_states, width),
    what the last step left; ``u[t]``, ``s[t]`` and, for a second state, ``second[t]``
    are written, and ``state`` is overwritten. The order of all operations is that of
    the model, so that every spike is the same.
    """
    raise NotImplementedError


def backward_step(neuron, t, g, m, s, e, u, carry, total):
    """Take one step back: u[t] becomes the gradient by the current.

    ``g`` is the gradient by the spikes of the step, ``m`` that by the membranes, which
    only the output layer has, and ``e`` the surrogate's derivative, all of shape
    (width,); ``carry``, of shape (n_states, width), comes from the step after, and is
    overwritten. The gradients by the current are added to ``total``. As in the model,
    ``flush`` makes zero of what would become subnormal.
    """
    raise NotImplementedError


def add_gradients(neuron, t, g, s, e, u_t, u, before, second, later, carry, gradients):
    """Add what a step says about the constants to ``gradients``, (n_rows, width).

    Called after `backward_step`: ``u_t`` is a copy of what ``u[t]`` was, ``later`` one
    of the carry before, and ``u[t - 1]`` still is a membrane. ``before``, of shape (at
    least n_states, width), is the state before step 0.
    """
    raise NotImplementedError


def _register(function, options):
    """Let compiled code call the function of this name that the class registers."""

    @overload(function, jit_options=options, strict=False)
    def choose(neuron, *args):
        return getattr(_BY_CLASS[neuron.instance_class], function.__name__)


for _function in (of_layer, n_states):
    _register(_function, INNER)
for _function in (forward_step, backward_step, add_gradients):
    _register(_function, APART)
