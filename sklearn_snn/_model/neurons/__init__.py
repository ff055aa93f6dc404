"""The neurons: one file each, with all its equations.

A neuron is a NamedTuple of what its layer is, but for its numbers: these, the
*constants*, are arrays of one number per neuron, beside the weights in the layer's
parameters. Any of them may learn. A neuron has

``constants``
    the names of its numbers;
``learned``
    those of them that learn;
``tape``
    the names of what `forward` records at every step: "membrane", "spikes" and more;
``n_states``
    how many numbers it carries from step to step;
``fires``
    whether it has spikes at all;
``forward(p, current, state, tape, smooth)``, ``backward(p, grads, tape, state, carry, \
delta, workspace)``
    both over any number of steps: with state and carry handed on, the parts of a
    sequence give the same as the whole, to the bit;
``response(p, n_steps)``, ``unreset(p)``
    what the first guess asks of a neuron that can fire;
``limits(name, value)``, ``unit(name, value)``
    the range of a constant that learns, and the unit it learns in.
"""

from sklearn_snn._model.neurons.adlif import AdLIF
from sklearn_snn._model.neurons.integrator import LeakyIntegrator
from sklearn_snn._model.neurons.lif import LIF

__all__ = ["LIF", "AdLIF", "LeakyIntegrator"]
