"""Readouts: from what the output neurons did over time to one number per output.

All sum an observable of the output layer over the steps::

    outputs = factor * sum_t o_t - offset

================= ==================== =========================== ====================
readout           observable ``o_t``   factor, of "auto"           factor, of a number
================= ==================== =========================== ====================
"spike_count"     spikes ``s_t``       10 / n_steps                the number
"membrane_mean"   membranes ``u_t``    1 / n_steps                 the number / n_steps
================= ==================== =========================== ====================

so the gradient by the observable is the same at every step, ``factor * dL/doutputs``.
A count is never negative: where the sign of an output is its answer, half of the count
that it can reach is taken off as the offset.
"""

from typing import NamedTuple

import numpy as np

# With scale="auto", the output of a neuron that fires at every step.
_FULL_RATE_OUTPUT = 10
# The part of the tape that each readout observes.
OBSERVABLES = {"spike_count": "spikes", "membrane_mean": "membrane"}


class Readout(NamedTuple):
    """How the outputs are read.

    Attributes
    ----------
    name : str
        Key of `OBSERVABLES`.
    scale : float or "auto"
        Output per spike, or per mean membrane.
    is_signed : bool
        Whether the sign of an output is an answer.
    """

    name: str = "spike_count"
    scale: float | str = "auto"
    is_signed: bool = False

    @property
    def observes(self):
        """The part of the tape that is summed."""
        return OBSERVABLES[self.name]

    def factor(self, n_steps):
        """Return what the sum over so many steps is multiplied with."""
        if self.name == "spike_count":
            return _FULL_RATE_OUTPUT / n_steps if self.scale == "auto" else self.scale
        return (1.0 if self.scale == "auto" else self.scale) / n_steps

    def offset(self, n_steps):
        """Return what is taken off."""
        if not self.is_signed or self.name != "spike_count":
            return 0.0
        return self.factor(n_steps) * n_steps / 2

    def outputs(self, total, n_steps, n_done=None):
        """Return the outputs of a sum.

        Parameters
        ----------
        total : ndarray of shape (..., n_outputs)
            Sum of the observable, of the dtype of the weights.
        n_steps : int
            Number of steps in all.
        n_done : int, default=None
            Number of steps that were summed; None is all of them. A count grows until
            the last step; a mean is one of the steps that there were.

        Returns
        -------
        outputs : ndarray of shape (..., n_outputs)
        """
        n_done = n_steps if n_done is None else n_done
        is_count = self.name == "spike_count"
        outputs = self.factor(n_steps if is_count else n_done) * total
        if offset := self.offset(n_steps):
            outputs = outputs - offset * (n_done / n_steps)
        return outputs.astype(total.dtype, copy=False)

    def sum_of(self, tape):
        """Return the sum of the observable over the steps of a tape.

        That of membranes step by step: the order of numpy's own sum, and so its
        rounding, depends on the shape.

        Parameters
        ----------
        tape : dict of ndarrays of shape (n_steps, n_samples, n_outputs)

        Returns
        -------
        total : ndarray of shape (n_samples, n_outputs)
        """
        observed = tape[self.observes]
        if self.observes == "spikes":
            return observed.sum(axis=0)
        total = np.zeros(observed.shape[1:], observed.dtype)
        for at_step in observed:
            np.add(total, at_step, out=total)
        return total
