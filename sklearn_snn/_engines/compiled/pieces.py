"""Pieces of the steps in the compiled engine: a network goes on from where it was left.

The contract is that of `numpy_pieces`.
"""

import numpy as np

from sklearn_snn._engines.compiled.batch import Batch
from sklearn_snn._engines.compiled.packing import unpack_states
from sklearn_snn._engines.compiled.running import MAX_CHUNK_SAMPLES, cut
from sklearn_snn._inputs.lengths import known_lengths
from sklearn_snn._model.restraint import NO_RESTRAINT


class CompiledPiece:
    """Runs a network over some of the steps of samples; see `NumpyPiece`.

    Parameters
    ----------
    engine : NumbaEngine
        Whose threads and memory it uses.
    network : Network
    n_steps : int
    packed : dict
        Where memory is kept from batch to batch.
    """

    def __init__(self, engine, network, n_steps, packed):
        self._engine, self._packed = engine, packed
        self.network, self.n_steps = network, n_steps

    def run_on(self, params, X, states, reading, restraint=NO_RESTRAINT):
        """Run the network on; see `NumpyPiece.run_on`."""
        batch = self._batch(params, X, restraint)
        batch.go_on(states, reading)
        readout, has_bounds = self.network.readout, len(batch.bounds.limits)
        per_step, is_mean = readout.per_step, readout.statistic == "probability"
        if per_step or is_mean:
            batch.keep_membranes()
        if has_bounds:
            batch.keep_spikes(batch.layers.sizes[1:].sum())
        chunks = cut(X.shape[0], MAX_CHUNK_SAMPLES)
        _, n_spikes = self._engine.run_batch(batch, chunks)
        unpack_states(batch.states, batch.layers, states)
        n_spikes, of_samples = batch.by_layer(n_spikes.sum(axis=0)), []
        if has_bounds:
            *hidden, _ = batch.by_layer(batch.spikes.sum(axis=1, dtype=np.float64))
            of_samples = [n.sum(axis=1) for n in hidden]
        if per_step:
            return batch.reading().membranes, n_spikes, of_samples
        if is_mean:
            # Of exponentials, which compiled code may round in another way than numpy.
            record = {"membrane": batch.membranes.transpose(1, 0, 2)}
            readout.read(record, known_lengths(X), reading)
            return None, n_spikes, of_samples
        reading.counts[...], reading.membranes[...] = batch.readings.transpose(1, 0, 2)
        return None, n_spikes, of_samples

    def gradients_of(
        self,
        params,
        X,
        states,
        reading,
        grad_outputs,
        restraint=NO_RESTRAINT,
        pushes=(),
    ):
        """Backpropagate through the piece; see `NumpyPiece.gradients_of`."""
        batch = self._batch(params, X, restraint)
        batch.go_on(states, reading)
        gradients, _, _ = self._engine.go_back(
            batch,
            lambda *parts: batch.come_back(reading, grad_outputs, pushes, *parts),
        )
        unpack_states(batch.states, batch.layers, states)
        return gradients

    def _batch(self, params, X, restraint):
        batch = Batch(self.network, params, X, self.n_steps, self._packed)
        batch.restrain(restraint)
        return batch
