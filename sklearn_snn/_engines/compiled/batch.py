"""A batch as the compiled code wants it, and what comes of it.

What is asked for, and of which network, becomes arrays, and the gradients, which lie in
flat arrays, become matrices again. In between `running` runs it.
"""

from functools import cached_property
from itertools import accumulate, pairwise

import numpy as np

from sklearn_snn._engines.compiled.arrays import SMALL
from sklearn_snn._engines.compiled.kept import packed
from sklearn_snn._engines.compiled.losses import GIVEN
from sklearn_snn._engines.compiled.neurons import gradient_rows
from sklearn_snn._engines.compiled.packing import (
    kept_neurons,
    kept_readout,
    pack,
    pack_kept,
    pack_states,
    readout_of,
)
from sklearn_snn._engines.compiled.ready import kernel_multiplies
from sklearn_snn._engines.compiled.restraint import Bounds
from sklearn_snn._engines.compiled.unpacking import places_of, unpack
from sklearn_snn._inputs.lengths import all_lengths, known_lengths
from sklearn_snn._inputs.random import counter_keys, counter_start
from sklearn_snn._inputs.spike_trains import SpikeTrains
from sklearn_snn._model.readouts import Reading
from sklearn_snn._model.restraint import NO_RESTRAINT
from sklearn_snn._model.synapses import exact_parts


class Batch:
    """A batch and the network as the compiled code wants them, and the results.

    Parameters
    ----------
    network : Network
    params : list of dicts of ndarrays
    X : batch
    n_steps : int
    kept : dict, default=None
        Where memory, and neurons, are kept from batch to batch; see `pack`.
    is_asked : bool, default=False
        Whether it is only to be answered: then a network is packed but once, if it can
        be kept; see `packed`.

    Attributes
    ----------
    is_multiplied : bool
        Whether it is the kernel that multiplies with the first weights.
    has_events : bool
        Whether there may be spikes in the input.
    """

    def __init__(self, network, params, X, n_steps, kept=None, is_asked=False):
        self.network, self.params, self.X = network, params, X
        self.n_steps, self._kept = n_steps, {} if kept is None else kept
        self.lengths, dtype = all_lengths(X, n_steps), params[0]["coef"].dtype
        self.is_multiplied = kernel_multiplies(X, self.lengths, params[0]["coef"])
        self.has_events = X.ndim == 3 and not self.is_multiplied
        made = packed(network, params, self.has_events) if is_asked else None
        if made is not None:
            self.layers, self.neurons = made.layers, made.neurons
            self.readout = made.readout(self.lengths)
        else:
            kept = self._kept
            self.layers = pack(params, self.has_events, kept)
            self.neurons = kept_neurons(network, params, self.layers, kept)
            self.readout = kept_readout(network, params, self.lengths, dtype, kept)
        self.has_learned = any(layer.neuron.learned for layer in network.layers)
        sizes = self.layers.sizes
        begin = network.readout.begin((X.shape[0], sizes[-1]), dtype)
        self.readings = np.empty((X.shape[0], 2, sizes[-1]), dtype)
        self.readings[:, 0], self.readings[:, 1] = begin.counts, begin.membranes
        self.states = np.empty((0, 0, len(self.layers.biases)), dtype)
        self.spikes = np.empty((0, n_steps, 0), np.uint8)
        self.membranes = np.empty((0, n_steps, sizes[-1]), dtype)
        self.targets = self.loss_weights = np.empty((0, 1), dtype)
        self.restrain(NO_RESTRAINT)
        self.gradients = None
        self.of_first = np.empty((0, 0), dtype)
        if isinstance(X, SpikeTrains):
            self.seed_key = counter_start(X.seed)
            self.presentation_key = counter_keys(~X.seed, [X.presentation])[0]

    def keep_spikes(self, n_neurons):
        """Keep the spikes of the last layers, side by side."""
        shape = self.X.shape[0], self.n_steps, n_neurons
        self.spikes = np.zeros(shape, np.uint8)

    def keep_membranes(self):
        """Keep the membranes of the output layer."""
        shape = self.X.shape[0], *self.membranes.shape[1:]
        self.membranes = np.zeros(shape, self.membranes.dtype)

    def reading(self):
        """Return the Reading of the output layer; per step, its membranes are kept."""
        lengths = known_lengths(self.X)
        if self.network.readout.per_step:
            record = {"membrane": self.membranes.transpose(1, 0, 2)}
            return self.network.readout.read(record, lengths)
        n_read = self.n_steps - self.network.readout.start
        if lengths is not None:
            n_read = (lengths - self.network.readout.start)[:, np.newaxis]
        return Reading(self.readings[:, 0], self.readings[:, 1], n_read)

    def go_on(self, states, reading):
        """Go on from these states and, unless per step, from this reading."""
        self.states = pack_states(states, self.layers)
        if not self.network.readout.per_step:
            self.readings[:, 0], self.readings[:, 1] = reading[:2]

    def come_back(self, reading, grad_outputs, pushes, gradients, of_first):
        """Go backward from the gradient of the loss by outputs of a whole reading.

        `pushes` are those of the penalties of the rates; all else as in `learn`.
        """
        shape = len(grad_outputs), 1
        if self.network.readout.per_step:
            shape = grad_outputs.shape[:2]
            self.readout = self.readout._replace(loss=GIVEN)
        else:
            n_read = np.broadcast_to(reading.n_steps, shape)[:, 0]
            self.readout = readout_of(
                self.network, self.params, self.lengths, self.readings.dtype, n_read
            )._replace(loss=GIVEN)
        self.learn(grad_outputs, np.ones(shape), gradients, of_first)
        if pushes:
            self.bounds = self.bounds._replace(pushes=np.stack(pushes, axis=1))

    def restrain(self, restraint):
        """Hold hidden spikes back; see `_model.restraint`."""
        self.kept = pack_kept(restraint.kept, self.layers)
        limits = np.empty((0, 2)) if restraint.bounds is None else restraint.bounds
        # A copy, as for what is read-only numba would compile all anew.
        none = np.empty((0, len(limits)))
        self.bounds = Bounds(np.array(limits), float(restraint.strength), none)

    def learn(self, targets, loss_weights, gradients, of_first):
        """Go backward too, and put the gradients of each chunk where it is said.

        `gradients`, of shape (n_chunks, n_gradients), and `of_first` have a row for
        each; see `Sums`.
        """
        self.targets, self.loss_weights = (
            np.ascontiguousarray(array.reshape(len(array), -1), self.readings.dtype)
            for array in (targets, loss_weights)
        )
        self.gradients, self.of_first = gradients, of_first
        n_features = self.layers.sizes[0]
        self.has_begun = np.zeros((len(gradients), n_features), np.uint8)

    def n_begun_later(self):
        """Return how many gradients of a chunk need not be 0 before it runs.

        Those of the first weights, if there are many; see `Sums`.
        """
        n_first = self.layers.starts[1]
        return n_first if n_first >= SMALL else 0

    def n_of_first(self):
        """Return how many gradients of a chunk are those of what is multiplied."""
        return 0 if self.has_events else self.params[0]["coef"].size

    def n_gradients(self):
        """Return how many numbers all other gradients of a chunk are: see `Sums`."""
        n_weights, n_biases = len(self.layers.whole_weights), len(self.layers.biases)
        return n_weights + (1 + self.n_rows()) * n_biases + self._n_recurrent()

    def _n_recurrent(self):
        recurrence = self.layers.recurrence
        return 0 if recurrence is None else len(recurrence.whole)

    def n_rows(self):
        """Return how many gradients of constants a neuron has, if any of them learn."""
        if not self.has_learned:
            return 0
        return max(len(gradient_rows(layer.neuron)) for layer in self.network.layers)

    @cached_property
    def parts(self):
        """The exact parts of the first weights, made where there are counts."""
        return exact_parts(self.params[0]["coef"])

    def by_layer(self, neurons):
        """Return the part of each layer of an array of all neurons, its last axis."""
        ends = accumulate(self.layers.sizes[1:].tolist(), initial=0)
        return [neurons[..., first:stop] for first, stop in pairwise(ends)]

    def unpack(self, count_threads):
        """Return the sum of the gradients of all chunks, added in order.

        Parameters
        ----------
        count_threads : callable
            As of `unpack`.

        Returns
        -------
        gradients : list of dicts of ndarrays, of the shapes of the parameters
        """
        sizes, dtype = self.layers.sizes.tobytes(), self.layers.biases.dtype
        key = "places", self.has_events, sizes, dtype
        if key not in self._kept:
            are_apart, begins_later = not self.has_events, self.n_begun_later() > 0
            self._kept[key] = places_of(
                self.params, self.layers, self.n_rows(), are_apart, begins_later
            )
        gradients = unpack(
            self._kept[key],
            self.gradients,
            self.has_begun,
            self.of_first,
            count_threads,
        )
        if self.has_learned:
            self._add_gradients_by_constants(gradients)
        return gradients

    @np.errstate(over="ignore", invalid="ignore")
    def _add_gradients_by_constants(self, gradients):
        """Give gradients by weights those by the constants that learn."""
        n_biases, n_rows = len(self.layers.biases), self.n_rows()
        start = len(self.layers.whole_weights) + n_biases
        own = self.gradients[:, start : start + n_rows * n_biases]
        constants = np.sum(own, axis=0).reshape(n_rows, n_biases)
        layers = zip(
            self.network.layers, self.params, gradients, self.layers.firsts, strict=True
        )
        for layer, p, gradient, first in layers:
            if layer.neuron.learned:
                names = gradient_rows(layer.neuron)
                factors = layer.neuron.gradient_factors(p)
                for name in layer.neuron.learned:
                    neurons = slice(first, first + layer.n_units)
                    total = constants[names.index(name), neurons]
                    gradient[name] = total.astype(np.float64) * factors[name]
