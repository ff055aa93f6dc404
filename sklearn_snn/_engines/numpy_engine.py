"""The numpy engine: takes batches of any kind of input through the network.

A large batch is cut into chunks, so that memory does not grow with it. Where the cuts
are depends on shapes alone and the partial gradients are added in order, so that the
result is the same to the bit wherever and however often it is computed.
"""

from typing import NamedTuple

import numpy as np

from sklearn_snn._engines.blas import single_threaded_blas
from sklearn_snn._inputs.lengths import known_lengths, steps_of, with_ends
from sklearn_snn._inputs.spike_trains import SpikeTrains
from sklearn_snn._model.first_guess import first_guess
from sklearn_snn._model.network import (
    answers,
    backward,
    forward,
    loss_and_gradient,
    within,
)
from sklearn_snn._model.parameters import WEIGHTS
from sklearn_snn._model.restraint import NO_RESTRAINT
from sklearn_snn._model.synapses import time_major
from sklearn_snn._utils.workspace import Workspace

# Largest (n_steps, n_samples, n_units) of a chunk: 64 MB in float32.
MAX_CHUNK_ELEMENTS = 2**24
MAX_CHUNK_SAMPLES = 128


class Step(NamedTuple):
    """What a batch says about the parameters.

    Attributes
    ----------
    loss : float
        Weighted sum over the samples.
    penalty : float
        That of the firing rates, to be added to it.
    gradients : list of dicts of ndarrays
        Per layer, by "coef", "intercept" and the constants that learn.
    n_spikes : list of ndarrays of shape (n_units,)
        Number of spikes of each neuron, all samples together.
    outputs : ndarray of shape (n_samples, n_outputs) or (n_samples, n_steps, n_outputs)
        The answers.
    """

    loss: float
    penalty: float
    gradients: list
    n_spikes: list
    outputs: np.ndarray


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

    compiles = False

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
        for rows in self._chunks(X.shape[0], params):
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
        gradients = [
            {
                name: np.zeros_like(p[name])
                for name in (*WEIGHTS, *layer.neuron.learned)
                if name in p
            }
            for layer, p in zip(self.network.layers, params, strict=True)
        ]
        loss, penalty, outputs = 0.0, 0.0, []
        n_spikes = [np.zeros(layer.n_units) for layer in self.network.layers]
        for chunk in self._chunks(len(targets), params):
            restrained, some, weights = (
                restraint.take(chunk),
                X[chunk],
                loss_weights[chunk],
            )
            lengths, n_steps = known_lengths(some), steps_of(some, self.n_steps)
            with single_threaded_blas():
                tape = self._forward(params, some, restrained)
                hidden = [record["spikes"] for record in tape.layers[:-1]]
                of_samples = weights.reshape(len(weights), -1).sum(axis=1)
                of_rates, pushes = restraint.penalties(hidden, of_samples, lengths)
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
            for total, gradient in zip(gradients, of_chunk, strict=True):
                for name, part in gradient.items():
                    total[name][: len(part)] += part
            loss, penalty = loss + chunk_loss, penalty + of_rates
            outputs.append(answers(self.network, params, tape.reading, n_steps))
            for n, record in zip(n_spikes, tape.layers, strict=True):
                n += record["spikes"].sum(axis=(0, 1))
        return Step(loss, penalty, gradients, n_spikes, self._together(outputs))

    @np.errstate(over="ignore", invalid="ignore")
    def first_guess(self, params, X, weights):
        """Make the first guess, from a few samples; see `first_guess`.

        Parameters
        ----------
        params : list of dicts of ndarrays
            Weights are scaled and biases overwritten, in place.
        X : batch
            As many samples as fit into a chunk are used.
        weights : ndarray of shape (n_samples,)
            Positive.

        Returns
        -------
        scales : list of float
            What the weights of each layer were multiplied with.
        """
        dtype = params[0]["coef"].dtype
        chunk = self._chunks(X.shape[0], params)[0]
        some = X[chunk]
        inputs, n_steps = self._inputs(some, dtype)
        weights = (weights[chunk] / weights[chunk].sum()).astype(dtype)
        with single_threaded_blas():
            return first_guess(
                self.network,
                params,
                inputs,
                n_steps,
                weights,
                self._workspace,
                known_lengths(some),
            )

    def _together(self, outputs):
        """Return the outputs of all chunks; zero at steps that a chunk has not."""
        if not self.network.readout.per_step:
            return np.concatenate(outputs)
        shape = sum(map(len, outputs)), self.n_steps, outputs[0].shape[2]
        whole, start = np.zeros(shape, outputs[0].dtype), 0
        for some in outputs:
            whole[start : start + len(some), : some.shape[1]] = some
            start += len(some)
        return whole

    def _chunks(self, n_samples, params):
        """Cut a batch; depends on shapes alone."""
        widest = max(max(p["coef"].shape) for p in params)
        size = MAX_CHUNK_ELEMENTS // (self.n_steps * widest)
        size = min(max(size, 1), MAX_CHUNK_SAMPLES)
        return [slice(i, min(i + size, n_samples)) for i in range(0, n_samples, size)]

    def _forward(self, params, X, restraint=NO_RESTRAINT):
        """Return the Tape of a chunk; the next one overwrites it."""
        inputs, n_steps = self._inputs(X, params[0]["coef"].dtype)
        return forward(
            self.network,
            params,
            inputs,
            X.shape[0],
            n_steps,
            self._workspace,
            restraint,
            known_lengths(X),
        )

    def _inputs(self, X, dtype):
        """Return what the first layer receives, and over how many steps."""
        if isinstance(X, SpikeTrains):
            return X.events(self._workspace), self.n_steps
        if X.ndim == 2:
            return time_major(X, dtype, self._workspace), self.n_steps
        X, _ = with_ends(X)
        return time_major(X, dtype, self._workspace), X.shape[1]
