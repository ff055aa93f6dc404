"""From the constants of a fit, which are plain values, to a network and its neurons.

``constants`` is a dict that any file can hold:

- ``alpha``, ``threshold``, ``beta``, ``surrogate``, ``reset``, ``detach_reset``: of all
  neurons, where those of the hidden layers say nothing else;
- ``neuron`` and ``neuron_settings``: the key of `NEURONS` and a dict of what that has
  for itself, for the hidden layers;
- ``learn_neuron``: a list of names of constants;
- ``recurrent``: whether the hidden layers are;
- ``readout``, ``logit_scale``, ``readout_start``, ``breaks_ties``, ``per_step``,
  ``loss``;
  ``readout_alpha``, the leak of the output neurons; and ``n_steps``, for a constant
  current.

A name in ``learn_neuron`` is that of a constant of any layer, or "readout_alpha".
"""

from sklearn_snn._model.network import Layer, Network
from sklearn_snn._model.neurons import NEURONS, LeakyIntegrator
from sklearn_snn._model.neurons.lif import LIF
from sklearn_snn._model.readouts import COUNTING, Readout


def make_network(constants, n_units):
    """Return the Network with these constants.

    Parameters
    ----------
    constants : dict
    n_units : list of int
        Of each layer, the output layer last.

    Returns
    -------
    network : Network
    """
    *hidden, n_outputs = n_units
    neuron, output = _neurons(constants)
    own = constants["recurrent"]
    layers = *(Layer(neuron, n, own) for n in hidden), Layer(output, n_outputs)
    loss = constants["loss"]
    readout = Readout(
        constants["readout"],
        constants["logit_scale"],
        is_signed=loss != "cross_entropy",
        start=constants["readout_start"],
        breaks_ties=constants["breaks_ties"],
        per_step=constants["per_step"],
    )
    return Network(layers, readout, loss)


def initial_constants(constants, n_units):
    """Return the constants of all neurons before they learn.

    Parameters
    ----------
    constants : dict
    n_units : list of int

    Returns
    -------
    by_layer : list of dicts of ndarrays of float64 of shape (n_units,)
    """
    *hidden, n_outputs = n_units
    neuron, output = _neurons(constants)
    settings = _settings(constants)
    common = settings | _of_output(constants)
    return [
        *(neuron.initial(settings, n) for n in hidden),
        output.initial(common, n_outputs),
    ]


def longest_memory(constants):
    """Return the largest leak of a hidden neuron, or of the output without any."""
    alpha = _settings(constants)["alpha"]
    return max(alpha) if isinstance(alpha, list | tuple) else alpha


def _settings(constants):
    """Return what the hidden neurons are made from: their own, or what all have."""
    own = constants["neuron_settings"]
    own = {name: value for name, value in own.items() if value is not None}
    return {k: v for k, v in constants.items() if k != "neuron_settings"} | own


def _neurons(constants):
    """Return the neurons of the hidden layers, and those of the output layer."""
    learned = constants["learn_neuron"]
    neuron = NEURONS[constants["neuron"]]
    hidden = neuron.of(_settings(constants), _some(neuron, learned))
    if "readout_alpha" in learned:
        learned = [*learned, "alpha"]
    if constants["readout"] in COUNTING:
        settings = constants | _of_output(constants)
        return hidden, LIF.of(settings, _some(LIF, learned))
    return hidden, LeakyIntegrator(_some(LeakyIntegrator, learned))


def _of_output(constants):
    """Return the settings of the output neurons that hidden ones may have others of."""
    return {
        "alpha": constants["readout_alpha"],
        "threshold": constants["threshold"],
    }


def _some(neuron, learned):
    return tuple(name for name in neuron.constants if name in learned)
