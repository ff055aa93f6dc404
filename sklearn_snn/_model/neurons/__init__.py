"""The neurons: one file each, with all its equations.

A neuron is a NamedTuple of what its layer is, but for its numbers: these, the
*constants*, are arrays of one number per neuron, beside the weights in the layer's
parameters. Any of them may learn. A neuron has

``constants``
    the names of its numbers;
``learned``, ``leaks``
    those of them that learn, and those that say how long it remembers;
``tape``
    the names of what `forward` records at every step: "membrane", "spikes" and more;
``n_states``
    how many numbers it carries from step to step;
``fires``
    whether it has spikes at all;
``must_leak``
    whether ``alpha`` has to be below 1, as currents are multiplied by ``1 - alpha``;
``sums_inputs``
    whether its membrane is a sum of what came in, which leaks and is reset as a whole;
``forward(p, current, state, tape, smooth)``, ``backward(p, grads, tape, state, carry, \
delta, workspace)``
    both over any number of steps: with state and carry handed on, the parts of a
    sequence give the same as the whole, to the bit;
``of(settings, learned)``, ``initial(settings, n_units)``
    the neuron, and its constants at first, from plain values; see `build`;
``response(p, n_steps)``, ``unreset(p)``
    what the first guess asks of a neuron that can fire;
``limits(name, value)``, ``unit(name, value)``
    the range of a constant that learns, and the unit it learns in.
"""

from sklearn_snn._model.neurons.adlif import AdLIF
from sklearn_snn._model.neurons.cuba import CUBA
from sklearn_snn._model.neurons.integrator import LeakyIntegrator
from sklearn_snn._model.neurons.lif import LIF

# Those that hidden layers can be made of, by the names that users give.
NEURONS = {"lif": LIF, "adlif": AdLIF, "cuba": CUBA}

__all__ = ["CUBA", "LIF", "NEURONS", "AdLIF", "LeakyIntegrator"]
