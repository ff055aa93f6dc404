"""Pieces of the steps in the numpy engine: a network goes on from where it was left."""

import numpy as np

from sklearn_snn._engines.blas import single_threaded_blas
from sklearn_snn._engines.numpy_chunks import (
    add_gradients,
    chunks_of,
    join_steps,
    no_gradients,
    run_forward,
    spikes_of_samples,
)
from sklearn_snn._inputs.lengths import known_lengths
from sklearn_snn._model.network import backward
from sklearn_snn._model.restraint import NO_RESTRAINT


class NumpyPiece:
    """Runs a network over some of the steps of samples.

    Parameters
    ----------
    network : Network
        With the readout of the piece; see `Readout.from_step`.
    n_steps : int
        Of the piece.
    workspace : Workspace
    """

    def __init__(self, network, n_steps, workspace):
        self.network, self.n_steps = network, n_steps
        self._workspace = workspace

    @np.errstate(over="ignore", invalid="ignore")
    def run_on(self, params, X, states, reading, restraint=NO_RESTRAINT):
        """Run the network on from where the piece before left it.

        Parameters
        ----------
        params : list of dicts of ndarrays
        X : batch of n_samples samples
            The steps of the piece, of which each sample has some.
        states : list of ndarrays of shape (n_states + 1, n_samples, n_units)
            Overwritten with those after the last step; see `Tape`.
        reading : Reading
            Overwritten with that of all steps so far, but for their number; not looked
            at per step.
        restraint : Restraint, default=NO_RESTRAINT

        Returns
        -------
        membranes : ndarray of shape (n_samples, n_steps, n_outputs) or None
            Per step, those of the output layer.
        n_spikes : list of ndarrays of shape (n_units,)
            Number of spikes of each neuron, all samples together.
        of_samples : list of ndarrays of float64 of shape (n_samples,)
            Number of spikes of each sample in the hidden layers, if their rates have
            bounds; else there are none.
        """
        per_step = self.network.readout.per_step
        n_spikes = [np.zeros(layer.n_units) for layer in self.network.layers]
        membranes, of_samples = [], []
        for chunk in chunks_of(X.shape[0], self.n_steps, params):
            read = None if per_step else reading.take(chunk)
            tape = self._run(params, X[chunk], states, read, restraint, chunk)
            if restraint.bounds is not None:
                of_samples.append(list(spikes_of_samples(tape)))
            for n, record in zip(n_spikes, tape.layers, strict=True):
                n += record["spikes"].sum(axis=(0, 1))
            membranes.append(tape.reading.membranes)
        of_samples = [np.concatenate(n) for n in zip(*of_samples, strict=True)]
        together = join_steps(membranes, self.n_steps) if per_step else None
        return together, n_spikes, of_samples

    @np.errstate(over="ignore", invalid="ignore")
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
        """Backpropagate through the steps of the piece, and no further.

        Parameters
        ----------
        params, X, states, restraint
            As of `run_on`.
        reading : Reading
            That of all steps of the samples; not looked at per step.
        grad_outputs : ndarray of the shape of the outputs
            Gradient of the loss; per step, of the steps of the piece.
        pushes : list of ndarrays of shape (n_samples,), default=()
            Per hidden layer the gradient of its penalty by a spike, if there are any.

        Returns
        -------
        gradients : list of dicts of ndarrays
            Without what `add_threshold_gradient` adds.
        """
        gradients = no_gradients(self.network, params)
        for chunk in chunks_of(X.shape[0], self.n_steps, params):
            tape = self._run(params, X[chunk], states, None, restraint, chunk)
            if not self.network.readout.per_step:
                tape = tape._replace(reading=reading.take(chunk))
            with single_threaded_blas():
                of_chunk = backward(
                    self._network_of(chunk),
                    params,
                    tape,
                    grad_outputs[chunk],
                    self._workspace,
                    restraint.take(chunk),
                    [push[chunk] for push in pushes],
                    known_lengths(X[chunk]),
                )
            add_gradients(gradients, of_chunk)
        return gradients

    def _network_of(self, chunk):
        """Return the network for some samples, whose scale may be their own."""
        readout = self.network.readout
        if np.ndim(readout.scale):
            readout = readout._replace(scale=readout.scale[chunk])
        return self.network._replace(readout=readout)

    def _run(self, params, X, states, reading, restraint, chunk):
        """Return the Tape of a chunk, whose states become those after it."""
        before = [state[:, chunk].copy() for state in states]
        with single_threaded_blas():
            tape = run_forward(
                self._network_of(chunk),
                params,
                X,
                self.n_steps,
                self._workspace,
                restraint.take(chunk),
                before,
                reading,
            )
        for state, after in zip(states, tape.after, strict=True):
            state[:, chunk] = after
        return tape
