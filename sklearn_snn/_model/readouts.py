"""Readouts: from what the output neurons did over time to one number per output.

Two things are read, step by step, of each output neuron: how often it fired, and one
statistic of its membrane. With ``N`` steps that are read, the first ``start`` being
left out, spikes ``s_t``, membranes ``u_t`` and the ``threshold`` of the neuron::

    n = sum_t s_t        mean = sum_t u_t / N

=============== ========================================== ==================== ======
readout         outputs                                    scale of "auto"      neuron
=============== ========================================== ==================== ======
"spike_count"   scale * n                                  10 / N               fires
"soft_count"    scale * (n + mean / threshold)             10 / N               fires
"membrane_mean" scale * mean                               1                    never
"membrane_last" scale * u_T                                1                    never
"membrane_max"  scale * max_t u_t                          1                    never
"softmax_mean"  log(sum_t softmax(scale * u_t) / N)        1                    never
=============== ========================================== ==================== ======

A neuron that never fires is the leaky integrator. A count is never negative: where the
sign of an output is its answer, as of several labels at once, half of the count that it
can reach is taken off; and the last readout takes the logistic function for the
softmax, and its inverse for the logarithm.

A count has ties, of which a network that `breaks_ties` answers with the larger mean
membrane: it adds ``tanh(mean / threshold) / 2``, less than a spike, to a count. The
loss is that of the plain count, and so is its gradient.

A readout `per_step` has outputs for each step that is read, those of "membrane_last"
if it were the last one: ``scale * u_t``. They have an axis of steps, (n_samples,
n_steps, n_outputs), and are zero at steps that are not read.
"""

from typing import NamedTuple

import numpy as np
from scipy.special import expit

# With scale="auto", the output of a neuron that fires at every step.
_FULL_RATE_OUTPUT = 10
# What is read of the membranes: nothing, their sum, the last one, the largest one, or
# the sum of the probabilities that each step makes of them.
STATISTICS = {
    "spike_count": None,
    "soft_count": "sum",
    "membrane_mean": "sum",
    "membrane_last": "last",
    "membrane_max": "max",
    "softmax_mean": "probability",
}
COUNTING = "spike_count", "soft_count"
_PARTS = "spikes", "membrane"


class Reading(NamedTuple):
    """What was read over some steps.

    Attributes
    ----------
    counts, membranes : ndarrays of shape (n_samples, n_outputs)
        Spikes, and the statistic of the membranes, of the dtype of the weights. Per
        step, None and those of each step, (n_samples, n_steps, n_outputs).
    n_steps : int, or ndarray of int of shape (n_samples, 1)
        Number of steps that were read.
    """

    counts: np.ndarray
    membranes: np.ndarray
    n_steps: int | np.ndarray


class Readout(NamedTuple):
    """How the outputs are read.

    Attributes
    ----------
    name : str
        Key of `STATISTICS`.
    scale : float or "auto"
        Output per spike, or per membrane.
    is_signed : bool
        Whether the sign of an output is an answer.
    start : int
        Number of first steps that are left out.
    breaks_ties : bool
        Whether answers of equal counts are told apart by the membranes.
    per_step : bool
        Whether each step has outputs; of "membrane_last" alone.
    """

    name: str = "spike_count"
    scale: float | str = "auto"
    is_signed: bool = False
    start: int = 0
    breaks_ties: bool = False
    per_step: bool = False

    @property
    def counts(self):
        """Whether spikes are counted: the output neurons fire."""
        return self.name in COUNTING

    @property
    def ties(self):
        """Whether membranes tell equal counts apart."""
        return self.breaks_ties and self.name == "spike_count"

    @property
    def statistic(self):
        """What the answers take of the membranes, or None."""
        return "sum" if self.ties else STATISTICS[self.name]

    @property
    def reads(self):
        """The parts of the tape that answers are read from."""
        are_read = self.counts, self.statistic is not None
        return [name for name, is_read in zip(_PARTS, are_read, strict=True) if is_read]

    def factor(self, n_steps):
        """Return the output per spike, or per membrane, of so many steps in all.

        An array of float64 of that shape, if `n_steps` is one of shape (n_samples, 1)
        and it depends on that; else a number.
        """
        if self.scale != "auto":
            return self.scale
        return _FULL_RATE_OUTPUT / (n_steps - self.start) if self.counts else 1.0

    def begin(self, shape, dtype, order="C"):
        """Return the Reading of no steps, of this shape and order of memory."""
        lowest = -np.inf if self.statistic == "max" else 0
        membranes = np.full(shape, lowest, dtype, order)
        return Reading(np.zeros(shape, dtype, order), membranes, 0)

    def add(self, reading, spikes, membranes, goes_on=True):
        """Return a Reading with a further step, in the memory of the one before.

        Step by step: the order of numpy's own sums, and so their rounding, depends on
        the shape.

        Parameters
        ----------
        reading : Reading
        spikes, membranes : ndarrays of shape (n_samples, n_outputs)
            None for what is not read.
        goes_on : True, or ndarray of bool of shape (n_samples, 1)
            Which samples have that step.
        """
        where = {} if goes_on is True else {"where": goes_on}
        if self.counts:
            counts = reading.counts
            np.add(counts, spikes, out=counts, casting="unsafe", **where)
        total = reading.membranes
        if self.statistic == "sum":
            np.add(total, membranes, out=total, **where)
        elif self.statistic == "last":
            np.copyto(total, membranes, **where)
        elif self.statistic == "max":
            np.maximum(total, membranes, out=total, **where)
        elif self.statistic == "probability":
            np.add(total, self._probabilities(membranes), out=total, **where)
        return reading._replace(n_steps=reading.n_steps + goes_on)

    def read(self, tape, lengths=None):
        """Return the Reading of a tape.

        Parameters
        ----------
        tape : dict of ndarrays of shape (n_steps, n_samples, n_outputs)
        lengths : ndarray of int of shape (n_samples,), default=None
            Number of steps of each sample; None if all have as many.
        """
        membranes = tape["membrane"]
        if self.per_step:
            return self._read_steps(membranes, lengths)
        reading = self.begin(membranes.shape[1:], membranes.dtype)
        parts = self._parts(tape)
        for t in range(self.start, len(membranes)):
            step = [a if a is None else a[t] for a in parts]
            reading = self.add(reading, *step, _go_on(lengths, t))
        return reading

    def _read_steps(self, u, lengths):
        """Return the Reading of all steps, of which each is the last of its own."""
        read = self._are_read(len(u), lengths)
        membranes = u.copy() if read is None else _at(read, u)
        return Reading(None, membranes.transpose(1, 0, 2), 1)

    def _parts(self, tape):
        """Return spikes and membranes of a tape, None for what is not read."""
        reads = self.reads
        return [tape[name] if name in reads else None for name in _PARTS]

    def running(self, record, threshold, dtype, order="C", lengths=None):
        """Yield the outputs that are the answers after each step.

        Parameters
        ----------
        record : dict of ndarrays of shape (n_steps, n_samples, n_outputs)
            What `reads` names.
        threshold : ndarray of shape (n_outputs,) or None
        dtype : dtype
            Of the weights.
        order : {"C", "F"}, default="C"
            Of the memory of the outputs.
        lengths : ndarray of int of shape (n_samples,), default=None
            Number of steps of each sample, whose answer stays what it is at its end;
            None if all have as many.
        """
        n_steps, *shape = record[self.reads[0]].shape
        in_all = n_steps if lengths is None else lengths[:, np.newaxis]
        parts = self._parts(record)
        reading = self.begin(shape, dtype, order)
        for t in range(n_steps):
            step = [a if a is None else a[t] for a in parts]
            with np.errstate(over="ignore", invalid="ignore"):
                if t >= self.start:
                    reading = self.add(reading, *step, _go_on(lengths, t))
                outputs = self.outputs(reading, threshold, in_all)
            yield outputs

    def loss_outputs(self, reading, threshold, n_steps):
        """Return the outputs that the loss takes; parameters as of `outputs`."""
        return self._replace(breaks_ties=False).outputs(reading, threshold, n_steps)

    def outputs(self, reading, threshold, n_steps):
        """Return the outputs that are the answers.

        Parameters
        ----------
        reading : Reading
            Of all steps, or of those so far: a count grows until the last step.
        threshold : ndarray of shape (n_outputs,) or None
            Of the output neurons; None if they never fire.
        n_steps : int, or ndarray of int of shape (n_samples, 1)
            Number of steps in all.

        Returns
        -------
        outputs : ndarray of the shape of the membranes of the Reading
            Of the dtype of the weights. Zero before anything is read.
        """
        counts, membranes, n_read = reading
        dtype, scale = membranes.dtype, self.factor(n_steps)
        if np.ndim(n_read) == 0 and n_read == 0:
            return np.zeros_like(counts)
        if self.counts:
            total = counts
            if self.statistic is not None:
                # Divided in float64: float32 may not hold a tiny threshold.
                with np.errstate(over="ignore", invalid="ignore"):
                    soft = (membranes / (n_read * threshold)).astype(dtype)
                total = counts + (np.tanh(soft) / 2 if self.ties else soft)
            outputs = _in(dtype, scale) * total
            if self.is_signed:
                outputs = outputs - _in(dtype, scale * n_read / 2)
        elif self.statistic == "probability":
            outputs = self._log_odds(self._mean_probabilities(membranes, n_read))
        else:
            n_summed = n_read if self.statistic == "sum" else 1
            outputs = _in(dtype, scale / n_summed) * membranes
        return outputs.astype(dtype, copy=False)

    def backward(self, tape, reading, grad_outputs, threshold, lengths=None):
        """Return the gradients by spikes and by membranes.

        Parameters
        ----------
        tape : dict of ndarrays of shape (n_steps, n_samples, n_outputs)
        reading : Reading
            Of the tape.
        grad_outputs : ndarray of the shape of the outputs
            Of the loss, by `loss_outputs`.
        threshold : ndarray of shape (n_outputs,) or None
        lengths : ndarray of int of shape (n_samples,), default=None
            As of `read`.

        Returns
        -------
        grads : tuple of two ndarrays broadcastable to (n_steps, n_samples, n_outputs)
            None for one that is zero.
        """
        u = tape["membrane"]
        n_read, dtype, name = reading.n_steps, u.dtype, self.name
        factor = self.factor(len(u) if lengths is None else lengths[:, np.newaxis])
        scaled = _in(dtype, factor) * grad_outputs
        read = self._are_read(len(u), lengths)
        if name == "spike_count":
            return _at(read, scaled), None
        if name == "soft_count":
            by_membrane = scaled / (n_read * threshold)
            by_both = scaled, by_membrane.astype(dtype, copy=False)
            return tuple(_at(read, g) for g in by_both)
        if self.per_step:
            return None, scaled.transpose(1, 0, 2)  # of what is not read it is zero
        if name == "membrane_mean":
            return None, _at(read, _in(dtype, factor / n_read) * grad_outputs)
        by_step = np.zeros(u.shape, dtype)
        if name == "membrane_last":
            last = -1 if lengths is None else lengths - 1
            by_step[last, np.arange(u.shape[1])] = scaled
        elif name == "membrane_max":
            seen = u if read is None else np.where(read, u, -np.inf)
            when = seen.argmax(axis=0)  # of equals, the first
            np.put_along_axis(by_step, when[np.newaxis], scaled, axis=0)
        else:
            p = self._mean_probabilities(reading.membranes, n_read)
            inner = self._by_probability(p) * (scaled / _in(dtype, n_read))
            for u_t, by in zip(u[self.start :], by_step[self.start :], strict=True):
                q = self._probabilities(u_t)
                if self.is_signed:
                    by[...] = inner * q * (1 - q)
                else:
                    by[...] = q * (inner - (inner * q).sum(axis=1, keepdims=True))
            by_step = _at(read, by_step)
        return None, by_step

    def shares(self, u):
        """Return how much of each membrane is in what is read of a sample.

        Parameters
        ----------
        u : ndarray of shape (n_steps, n_outputs)

        Returns
        -------
        shares : ndarray of that shape
            They sum to 1 over the steps. Of probabilities, the same for all steps.
        """
        shares = np.zeros(u.shape)
        if self.statistic == "last":
            shares[-1] = 1
        elif self.statistic == "max":
            when = self.start + u[self.start :].argmax(axis=0)
            shares[when, np.arange(u.shape[1])] = 1
        else:
            shares[self.start :] = 1 / (len(u) - self.start)
        return shares

    def threshold_gradient(self, reading, grad_outputs, threshold, n_steps):
        """Return what the outputs themselves say about the thresholds.

        Of shape (n_outputs,), or None: only a soft count is measured in thresholds.
        """
        if self.name != "soft_count":
            return None
        mean = reading.membranes.astype(np.float64) / reading.n_steps
        total = (self.factor(n_steps) * (grad_outputs * mean)).sum(axis=0)
        return -total / threshold**2

    def _are_read(self, n_steps, lengths):
        """Tell which steps are read, (n_steps, n_samples or 1, 1); None for all."""
        if not self.start and lengths is None:
            return None
        steps = np.arange(n_steps)[:, np.newaxis, np.newaxis]
        end = n_steps if lengths is None else lengths[:, np.newaxis]
        return (self.start <= steps) & (steps < end)

    def _probabilities(self, u):
        """Return the probabilities that a step makes of its membranes."""
        z = np.multiply(u, self.factor(0), dtype=u.dtype)
        if self.is_signed:
            return expit(z)
        powers = np.exp(z - z.max(axis=-1, keepdims=True))
        # numpy adds the classes of a single sample in another order than those of many.
        total = powers[..., 0].copy()
        for k in range(1, powers.shape[-1]):
            total += powers[..., k]
        return powers / total[..., np.newaxis]

    @staticmethod
    def _mean_probabilities(total, n_read):
        """Return mean probabilities, none of them 0 or 1 by rounding."""
        info = np.finfo(total.dtype)
        mean = total / _in(total.dtype, n_read)
        return np.clip(mean, info.tiny, 1 - info.epsneg)

    def _log_odds(self, p):
        return np.log(p) - np.log1p(-p) if self.is_signed else np.log(p)

    def _by_probability(self, p):
        """Return the derivative of `_log_odds`."""
        return 1 / (p * (1 - p)) if self.is_signed else 1 / p


def _go_on(lengths, t):
    """Tell which samples have step ``t``, of shape (n_samples, 1); True for all."""
    return True if lengths is None else (t < lengths)[:, np.newaxis]


def _in(dtype, factor):
    """Return a factor in a type; a number takes that of what it is multiplied with."""
    return factor if np.ndim(factor) == 0 else factor.astype(dtype)


def _at(read, values):
    """Return values, or the same at all steps, where a step is read, and else zero."""
    return values if read is None else np.where(read, values, values.dtype.type(0))
