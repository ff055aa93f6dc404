"""Truncated backpropagation through time: long samples in pieces, with little memory.

A sample is cut into pieces of ``bptt_steps`` steps (Williams & Peng, "An efficient
gradient-based algorithm for on-line training of recurrent network trajectories", Neural
Computation 2, 1990). All states are carried from piece to piece, and no gradient is:
that of a piece counts what its steps do within it, as if the states before were given.
A first pass makes the outputs, and so the loss; a second one runs each piece again and
goes back through it. So the memory is that of a piece, and the loss that of the whole
sample.
"""

import math
from copy import copy
from typing import NamedTuple

import numpy as np

from sklearn_snn._engines.hurry import unless_compiled_first
from sklearn_snn._engines.numpy_chunks import Step, add_gradients, no_gradients
from sklearn_snn._engines.numpy_engine import NumpyEngine
from sklearn_snn._inputs.lengths import (
    known_lengths,
    repeated,
    shortest,
    steps_between,
    steps_of,
)
from sklearn_snn._model.network import (
    add_threshold_gradient,
    answers,
    loss_and_gradient,
    resting,
)
from sklearn_snn._model.readouts import Reading
from sklearn_snn._model.restraint import NO_RESTRAINT

# Number of steps of the first guess, and of those that charge a membrane at most.
MIN_FIRST_STEPS, MAX_FIRST_STEPS, MAX_CHARGING = 100, 3_000, 10_000


class TruncatedEngine:
    """Outputs and gradients of a network; the same contract as `NumpyEngine`.

    Parameters
    ----------
    engine : engine
        That runs the pieces, and all that has no gradient.
    bptt_steps : int
        Number of steps of a piece, positive.
    has_states : bool, default=False
        Whether samples are parts of streams, and go on from states.
    """

    def __init__(self, engine, bptt_steps, has_states=False):
        self._engine, self.bptt_steps = engine, min(bptt_steps, engine.n_steps)
        self.network, self.n_steps = engine.network, engine.n_steps
        self._has_states, self.compiles = has_states, engine.compiles
        self.is_hurried = engine.is_hurried
        self.read_out, self.spikes = engine.read_out, engine.spikes
        self.take_adam_step = engine.take_adam_step
        self.finish_gradient = engine.finish_gradient
        self.sum_of_squares, self.limit_kept = engine.sum_of_squares, engine.limit_kept

    def prepare(self, params, X, targets):
        """Compile or load what `loss_and_gradients` needs for batches like `X`."""
        engine, n_steps = copy(self._engine), self.bptt_steps
        engine.n_steps = n_steps
        targets = targets[:1, :n_steps] if self.network.readout.per_step else targets
        return engine.prepare(params, steps_between(X[:1], 0, n_steps), targets)

    def first_guess(self, params, X, weights, n_longest=None):
        """Make the first guess, from a piece in the middle of a few samples.

        It has as many steps at least as membranes take to show how far they go; the
        samples are fewer where these are more than a piece has, so that memory is that
        of a piece. Of a part of a stream, which may be shorter, it is the part again
        and again. The longest sample that is learned from has `n_longest` steps, if not
        as many as any: currents have these to charge a membrane in.
        """
        n_all = MAX_CHARGING if self._has_states else n_longest or self.n_steps
        layers = zip(self.network.layers, params, strict=True)
        leak = max(p[name].max() for of, p in layers for name in of.neuron.leaks)
        memory = min(1 / max(1 - leak, 1e-9), MAX_FIRST_STEPS)
        n_few = max(self.bptt_steps, MIN_FIRST_STEPS)
        n_steps = max(n_few, math.ceil(3 * memory))
        n_steps = min(n_steps, n_all, MAX_FIRST_STEPS)
        n_samples = max(1, X.shape[0] * n_few // max(n_few, n_steps))
        X, weights = X[:n_samples], weights[:n_samples]
        if n_steps > self.n_steps:
            X = repeated(X, n_steps)
        else:
            first = max(0, (shortest(X, self.n_steps) - n_steps) // 2)
            X = steps_between(X, first, first + n_steps)
        engine = NumpyEngine(self.network, n_steps)
        return engine.first_guess(params, X, weights, min(n_all, MAX_CHARGING))

    def by_numpy(self):
        """Return an engine of the same answers for which nothing is compiled."""
        return TruncatedEngine(
            self._engine.by_numpy(), self.bptt_steps, self._has_states
        )

    @unless_compiled_first
    @np.errstate(over="ignore", invalid="ignore")
    def run(self, params, X):
        """Run the network, piece by piece; see `NumpyEngine.run`."""
        states = self._resting(params, X)
        whole = self.go_on(params, X, states)
        return answers(self.network, params, whole.reading(), whole.n_steps)

    def go_on(self, params, X, states):
        """Run the network on from states, which are overwritten with those after it."""
        whole = _Whole(self.network, X, self.n_steps, params[0]["coef"].dtype)
        for piece in self._pieces(X):
            whole.run(params, piece, states, NO_RESTRAINT)
        return whole

    def _resting(self, params, X):
        dtype = params[0]["coef"].dtype
        return [resting(layer, X.shape[0], dtype) for layer in self.network.layers]

    @np.errstate(over="ignore", invalid="ignore")
    def loss_and_gradients(
        self,
        params,
        X,
        targets,
        loss_weights,
        restraint=NO_RESTRAINT,
        states=None,
    ):
        """Backpropagate through the steps of each piece.

        Parameters
        ----------
        params, X, targets, loss_weights, restraint
            As of `NumpyEngine.loss_and_gradients`.
        states : list of ndarrays of shape (n_states + 1, n_samples, n_units), \
                default=None
            Those before the first step, overwritten with those after the last, of
            samples of equal lengths; see `Tape`. None is rest.

        Returns
        -------
        step : Step
        """
        network, dtype = self.network, params[0]["coef"].dtype
        loss_weights = np.asarray(loss_weights, dtype)
        if targets.dtype.kind == "f":
            targets = targets.astype(dtype, copy=False)
        states = self._resting(params, X) if states is None else states
        before = [state.copy() for state in states]
        whole, pieces = _Whole(network, X, self.n_steps, dtype), list(self._pieces(X))
        for piece in pieces:
            whole.run(params, piece, states, restraint)
        n_steps, reading = whole.n_steps, whole.reading()
        loss, grad_outputs = loss_and_gradient(
            network, params, reading, n_steps, targets, loss_weights
        )
        penalty, pushes = restraint.penalties(
            whole.of_samples,
            [layer.n_units for layer in network.layers[:-1]],
            n_steps if np.ndim(n_steps) == 0 else n_steps[:, 0],
            loss_weights.reshape(len(loss_weights), -1).sum(axis=1),
        )
        gradients = no_gradients(network, params)
        for piece in pieces:
            some = piece.take(before)
            of_piece = piece.engine.gradients_of(
                params,
                piece.X,
                some,
                reading.take(piece.rows),
                whole.gradient_in(piece, grad_outputs),
                restraint.take(piece.rows),
                [push[piece.rows] for push in pushes],
            )
            piece.put(some, before)
            add_gradients(gradients, of_piece)
        add_threshold_gradient(
            network, params, reading, grad_outputs, n_steps, gradients[-1]
        )
        outputs = answers(network, params, reading, n_steps)
        return Step(loss, penalty, gradients, whole.n_spikes, outputs)

    def _pieces(self, X):
        """Yield the pieces of a batch, each of the samples that have steps in it."""
        lengths, longest = known_lengths(X), self.n_steps
        if lengths is not None:
            longest = int(lengths.max())
        for first in range(0, longest, self.bptt_steps):
            stop, rows, some = min(first + self.bptt_steps, longest), slice(None), X
            if lengths is not None and lengths.min() <= first:
                rows = np.flatnonzero(lengths > first)
                some = X[rows]
            in_all = steps_of(some, self.n_steps)
            engine = self._engine.piece(first, stop - first, in_all)
            yield _Piece(engine, steps_between(some, first, stop), first, stop, rows)


class _Piece(NamedTuple):
    """Some of the steps of those samples that have any of them.

    Attributes
    ----------
    engine : engine of a piece
        See `NumpyPiece`.
    X : batch
        The steps of the samples.
    first, stop : int
    rows : slice or ndarray of int
        Which samples these are.
    """

    engine: object
    X: object
    first: int
    stop: int
    rows: slice | np.ndarray

    def take(self, states):
        """Return the states of its samples."""
        return [state[:, self.rows] for state in states]

    def put(self, some, states):
        """Put the states of its samples back."""
        for state, of_rows in zip(states, some, strict=True):
            state[:, self.rows] = of_rows


class _Whole:
    """What comes of all pieces of a batch, one after the other."""

    def __init__(self, network, X, n_steps, dtype):
        self.readout, self.n_steps = network.readout, steps_of(X, n_steps)
        shape = X.shape[0], network.layers[-1].n_units
        self.read = self.readout.begin(shape, dtype)
        self.n_spikes = [np.zeros(layer.n_units) for layer in network.layers]
        self.of_samples = [np.zeros(X.shape[0]) for _ in network.layers[:-1]]
        self.membranes = np.zeros((0, 0, 0))
        if self.readout.per_step:
            self.membranes = np.zeros((shape[0], n_steps, shape[1]), dtype)
        # Where the first step of the piece is that has the largest membrane so far.
        self.largest_in = np.zeros(shape, int)

    def run(self, params, piece, states, restraint):
        """Run the network over a piece that follows those before."""
        rows, some = piece.rows, piece.take(states)
        reading = self.read.take(rows)
        before = reading.membranes.copy()
        membranes, n_spikes, of_samples = piece.engine.run_on(
            params, piece.X, some, reading, restraint.take(rows)
        )
        piece.put(some, states)
        if membranes is not None:
            self.membranes[rows, piece.first : piece.stop] = membranes
        self.read.counts[rows] = reading.counts
        self.read.membranes[rows] = reading.membranes
        is_larger = reading.membranes > before
        self.largest_in[rows] = np.where(is_larger, piece.first, self.largest_in[rows])
        for total, more in zip(self.n_spikes, n_spikes, strict=True):
            total += more
        # There are some if rates have bounds.
        for total, more in zip(self.of_samples, of_samples, strict=False):
            total[rows] += more

    def reading(self):
        """Return the Reading of all steps."""
        if self.readout.per_step:
            return Reading(None, self.membranes, 1)
        return self.read._replace(n_steps=self.n_steps - self.readout.start)

    def gradient_in(self, piece, grad_outputs):
        """Return the gradient by the outputs, as far as it comes from a piece."""
        rows = piece.rows
        grad, zero = grad_outputs[rows], grad_outputs.dtype.type(0)
        if self.readout.per_step:
            return grad[:, piece.first : piece.stop]
        if self.readout.statistic == "last":
            ends = np.broadcast_to(self.n_steps, (len(grad_outputs), 1))[rows]
            return np.where(ends <= piece.stop, grad, zero)
        if self.readout.statistic == "max":
            return np.where(self.largest_in[rows] == piece.first, grad, zero)
        return grad
