"""The numpy engine: takes batches of any kind of input through the network.

A large batch is cut into chunks, so that memory does not grow with it. Where the cuts
are depends on shapes alone and the partial gradients are added in order, so that the
result is the same to the bit wherever and however often it is computed.
"""

import numpy as np

from sklearn_snn._engines.blas import limit_kept, single_threaded_blas
from sklearn_snn._engines.numpy_chunks import (
    Step,
    add_gradients,
    chunks_of,
    inputs_of,
    join_steps,
    no_gradients,
    run_forward,
    spikes_of_samples,
)
from sklearn_snn._engines.numpy_pieces import NumpyPiece
from sklearn_snn._inputs.lengths import known_lengths, steps_of
from sklearn_snn._model.first_guess import first_guess
from sklearn_snn._model.network import (
    add_threshold_gradient,
    answers,
    backward,
    loss_and_gradient,
    within,
)
from sklearn_snn._model.restraint import NO_RESTRAINT
from sklearn_snn._model.updates import (
    finish_gradient,
    sum_of_squares,
    take_step,
)
from sklearn_snn._utils.workspace import Workspace


class NumpyEngine:
    """Outputs and gradients of a network, for batches of any kind of input.

    A batch `X` is SpikeTrains, an array of shape (n_samples, n_steps, n_features), or
    an array or CSR array of shape (n_samples, n_features), which is injected as a
    constant current.

    Parameters
    ----------
    network : Network
    n_steps : int
    """

    compiles, bptt_steps, is_hurried = False, None, False
    take_adam_step = staticmethod(take_step)
    sum_of_squares = staticmethod(sum_of_squares)
    finish_gradient = staticmethod(finish_gradient)
    limit_kept = staticmethod(limit_kept)

    def __init__(self, network, n_steps):
        self.network, self.n_steps = network, n_steps
        self._workspace = Workspace()

    @staticmethod
    def supports(network):
        """Return None: every network; else it would be the reason."""
        return None

    def tapes(self, params, X):
        """Run the network chunk by chunk, and show all that happened.

        Parameters
        ----------
        params : list of dicts of ndarrays
        X : batch of n_samples samples

        Yields
        ------
        rows : slice
        tape : Tape
            Of these rows of X; the next one overwrites it, but for its reading.
        """
        for rows in chunks_of(X.shape[0], self.n_steps, params):
            with (
                single_threaded_blas(),
                np.errstate(over="ignore", invalid="ignore"),
            ):
                tape = self._forward(params, X[rows])
            yield rows, tape

    def run(self, params, X):
        """Run the network.

        Parameters
        ----------
        params : list of dicts of ndarrays
        X : batch of n_samples samples

        Returns
        -------
        outputs : ndarray of shape (n_samples, n_outputs), or per step (n_samples, \
                n_steps, n_outputs)
        """
        n_steps = self.n_steps
        outputs = [
            answers(self.network, params, tape.reading, steps_of(X[rows], n_steps))
            for rows, tape in self.tapes(params, X)
        ]
        return self._together(outputs)

    def read_out(self, params, X):
        """Run the network and keep what the readout reads, step by step.

        Parameters
        ----------
        params : list of dicts of ndarrays
        X : batch of n_samples samples

        Returns
        -------
        record : dict of ndarrays of shape (n_steps, n_samples, n_outputs)
            Of the output layer: "spikes", of uint8, and "membrane" if they are read;
            zero beyond the end of a sample.
        """
        shape = self.n_steps, X.shape[0], self.network.layers[-1].n_units
        dtypes = {"spikes": np.uint8, "membrane": params[-1]["coef"].dtype}
        record = {
            name: np.zeros(shape, dtypes[name]) for name in self.network.readout.reads
        }
        for rows, tape in self.tapes(params, X):
            for name, kept in record.items():
                of_chunk = tape.layers[-1][name]
                if (lengths := known_lengths(X[rows])) is not None:
                    of_chunk = np.where(within(lengths, len(of_chunk)), of_chunk, 0)
                kept[: len(of_chunk), rows] = of_chunk
        return record

    def spikes(self, params, X, first=0):
        """Run the network and keep the spikes of some layers.

        Parameters
        ----------
        params : list of dicts of ndarrays
        X : batch of n_samples samples
        first : int, default=0
            The layers from this one on.

        Returns
        -------
        spikes : list of ndarrays of uint8 of shape (n_samples, n_steps, n_units)
            One per layer.
        """
        shape = X.shape[0], self.n_steps
        sizes = [layer.n_units for layer in self.network.layers[first:]]
        spikes = [np.zeros((*shape, n_units), np.uint8) for n_units in sizes]
        for rows, tape in self.tapes(params, X):
            for kept, record in zip(spikes, tape.layers[first:], strict=True):
                of_chunk = record["spikes"].transpose(1, 0, 2)
                kept[rows, : of_chunk.shape[1]] = of_chunk
        return spikes

    @np.errstate(over="ignore", invalid="ignore")
    def loss_and_gradients(
        self, params, X, targets, loss_weights, restraint=NO_RESTRAINT
    ):
        """Run the network and backpropagate its loss through time.

        Parameters
        ----------
        params : list of dicts of ndarrays
        X : batch of n_samples samples
        targets : ndarray of shape (n_samples,) or (n_samples, n_outputs)
            As the loss of the network wants them; per step, with a second axis of
            `n_steps` steps.
        loss_weights : ndarray of shape (n_samples,)
            What each sample's loss is multiplied with; ``1 / n_samples`` for a mean.
            Per step, of shape (n_samples, n_steps), what the loss of each step is
            multiplied with: 0 where it is not read, and in the sum over the steps the
            weight of the penalties of the sample.
        restraint : Restraint, default=NO_RESTRAINT
            Of the hidden spikes of these samples.

        Returns
        -------
        step : Step
        """
        dtype = params[0]["coef"].dtype
        loss_weights = np.asarray(loss_weights, dtype)
        if targets.dtype.kind == "f":
            targets = targets.astype(dtype, copy=False)
        gradients = no_gradients(self.network, params)
        loss, penalty, outputs = 0.0, 0.0, []
        n_spikes = [np.zeros(layer.n_units) for layer in self.network.layers]
        for chunk in chunks_of(len(targets), self.n_steps, params):
            restrained, some, weights = (
                restraint.take(chunk),
                X[chunk],
                loss_weights[chunk],
            )
            lengths, n_steps = known_lengths(some), steps_of(some, self.n_steps)
            with single_threaded_blas():
                tape = self._forward(params, some, restrained)
                of_rates, pushes = restraint.penalties(
                    spikes_of_samples(tape),
                    [layer.n_units for layer in self.network.layers[:-1]],
                    n_steps if lengths is None else lengths,
                    weights.reshape(len(weights), -1).sum(axis=1),
                )
                chunk_loss, grad_outputs = loss_and_gradient(
                    self.network,
                    params,
                    tape.reading,
                    n_steps,
                    targets[chunk],
                    weights,
                )
                of_chunk = backward(
                    self.network,
                    params,
                    tape,
                    grad_outputs,
                    self._workspace,
                    restrained,
                    pushes,
                    lengths,
                )
                add_threshold_gradient(
                    self.network,
                    params,
                    tape.reading,
                    grad_outputs,
                    n_steps,
                    of_chunk[-1],
                )
            add_gradients(gradients, of_chunk)
            loss, penalty = loss + chunk_loss, penalty + of_rates
            outputs.append(answers(self.network, params, tape.reading, n_steps))
            for n, record in zip(n_spikes, tape.layers, strict=True):
                n += record["spikes"].sum(axis=(0, 1))
        outputs = self._together(outputs)
        return Step(loss, penalty, gradients, n_spikes, outputs)

    @np.errstate(over="ignore", invalid="ignore")
    def first_guess(self, params, X, weights, n_charging=None, spikes=None):
        """Make the first guess, from a few samples; see `first_guess`.

        Parameters
        ----------
        params : list of dicts of ndarrays
            Weights are scaled and biases overwritten, in place.
        X : batch
            As many samples as fit into a chunk are used.
        weights : ndarray of shape (n_samples,)
            Positive.
        n_charging : int, default=None
            See `first_guess`.
        spikes : callable, default=None
            The method `spikes` of another engine, which may be faster.

        Returns
        -------
        scales : list of float
            What the weights of each layer were multiplied with.
        """
        dtype = params[0]["coef"].dtype
        chunk = chunks_of(X.shape[0], self.n_steps, params)[0]
        some = X[chunk]
        inputs, n_steps = inputs_of(some, self.n_steps, dtype, self._workspace)
        weights = (weights[chunk] / weights[chunk].sum()).astype(dtype)

        def spikes_of(index):
            of_layer = spikes(params, some, index)[0][:, :n_steps]
            return of_layer.transpose(1, 0, 2).view(bool)

        with single_threaded_blas():
            return first_guess(
                self.network,
                params,
                inputs,
                n_steps,
                weights,
                self._workspace,
                known_lengths(some),
                n_charging,
                None if spikes is None else spikes_of,
            )

    def piece(self, first, n_steps, n_steps_in_all):
        """Return a `NumpyPiece` of so many steps that follow the first ones.

        Parameters
        ----------
        first, n_steps : int
        n_steps_in_all : int, or ndarray of int of shape (n_samples, 1)
        """
        readout = self.network.readout.from_step(first, n_steps_in_all)
        network = self.network._replace(readout=readout)
        return NumpyPiece(network, n_steps, self._workspace)

    def _together(self, outputs):
        """Return the outputs of all chunks."""
        if self.network.readout.per_step:
            return join_steps(outputs, self.n_steps)
        return np.concatenate(outputs)

    def _forward(self, params, X, restraint=NO_RESTRAINT):
        """Return the Tape of a chunk; the next one overwrites it."""
        return run_forward(
            self.network, params, X, self.n_steps, self._workspace, restraint
        )
