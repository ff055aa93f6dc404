"""The dynamics of a quantised network: whole numbers, step by step.

All of what follows are integers. Per layer there are weights ``W``, and of a recurrent
layer ``R``, biases ``B`` and thresholds ``Theta``, one per neuron; ``a``, the leak; the
shifts ``f`` and ``r``; and ``x_t``, the spikes of the layer below, or values of the
input. Per step and neuron, in this order::

    I_t = ((x_t @ W) << f) + ((s_{t-1} @ R) << r) + B
    i_t = hold(leak(i_{t-1}) + I_t)             current-based neurons; else i_t = I_t
    u_t = hold(leak(v_{t-1}) + i_t)             membrane before the spike test
    s_t = 1 if u_t > Theta else 0               integrators never fire
    v_t = 0 if s_t else u_t                     reset="zero"
          u_t - Theta s_t                       reset="subtract"
          u_t                                   reset="none", and integrators

All states are 0 at rest. The leak is a product with a fraction of ``leak_bits`` bits,
rounded toward zero; or takes a power of two off, rounded down (an arithmetic shift),
without any product::

    leak(v) = sign(v) ((a |v|) >> leak_bits)   "multiply": alpha = a / 2**leak_bits
              v - (v >> a)                     "power_of_two": alpha = 1 - 2**-a

A state has ``membrane_bits`` bits with its sign, and saturates where others would wrap
around: ``hold`` clips to ``+-(2**(membrane_bits - 1) - 1)``.

The fraction of 12 bits, its rounding, the shift of 6 bits between weights and membranes
and the saturation are those of Loihi: Davies et al., "Loihi: a neuromorphic manycore
processor with on-chip learning", IEEE Micro 38(1), 2018, as the bit-accurate model in
Intel's Lava has them (``lava.proc.lif.models.PyLifModelBitAcc``), where membranes have
24 bits, and synaptic currents wrap around. The leak without a product is that of small
digital neurons, such as https://github.com/rejunity/tt05-lif-neuron
(``src/membrane.v``).

Answers are integers, too. Of the ``n`` steps that are read, the first ones being left
out, with the count ``c`` of spikes of an output neuron and the sum ``M`` of its
membranes, an output is, divisions being rounded toward zero and 2**13 standing for a
spike::

    "spike_count"    2**13 c + 2**12 M / (|M| + n Theta)
    "soft_count"     2**13 c + 2**13 M / (n Theta)
    "membrane_mean"  M
    "membrane_last"  u_t of the last step
    "membrane_max"   max_t u_t

The second term of the first line, less than half a spike, tells equal counts apart, as
``tanh`` does elsewhere, of which an integer knows nothing. It is left out of networks
whose ties are not broken. Where the sign of an output is an answer, ``2**12 n`` are
taken off a count. The largest output is the answer, of equals the first.

In this file integers are int64, and sums of weights, which are products of matrices,
numbers of float64 below 2**53, which are exact in any order.
"""

from typing import NamedTuple

import numpy as np

from sklearn_snn._model.readouts import Readout

# Bits of a part of a spike in an output, and how many steps leave room for it: a
# membrane of 32 bits, summed over them and shifted by 13, has 63.
SPIKE_BITS = 13
MAX_STEPS = 2**19
LEAKS = "multiply", "power_of_two"


class IntegerNeuron(NamedTuple):
    """What a layer of quantised neurons is, but for its numbers.

    The numbers, one per neuron, are ``leak``, ``threshold`` (of neurons that fire) and
    ``leak_syn`` (of current-based ones).

    Attributes
    ----------
    reset : str
        "zero", "subtract" or "none".
    leak : str
        One of `LEAKS`.
    leak_bits : int
        Of a fraction.
    membrane_bits : int
        Of each state, its sign included.
    is_current_based : bool
        Whether there is a synaptic current.
    fires : bool
        False for integrators.
    """

    reset: str
    leak: str
    leak_bits: int
    membrane_bits: int
    is_current_based: bool = False
    fires: bool = True

    @property
    def tape(self):
        """What is recorded of each step."""
        more = ("synaptic",) if self.is_current_based else ()
        return "membrane", "spikes", *more

    @property
    def n_states(self):
        """Number of states of a neuron."""
        return 2 if self.is_current_based else 1

    @property
    def limit(self):
        """The largest number that a state can hold."""
        return 2 ** (self.membrane_bits - 1) - 1

    def leaked(self, v, leak):
        """Return what is left of states after a step.

        Parameters
        ----------
        v : ndarray of int64 of shape (n_samples, n_units)
        leak : ndarray of int64 of shape (n_units,)

        Returns
        -------
        left : ndarray of the shape of v
        """
        if self.leak == "power_of_two":
            return v - (v >> leak)
        return np.sign(v) * ((np.abs(v) * leak) >> self.leak_bits)

    def held(self, state):
        """Return states as so many bits hold them."""
        return np.clip(state, -self.limit, self.limit)

    def forward(self, p, current, state, tape, smooth=False):
        """Integrate the current and fire.

        Parameters
        ----------
        p : dict of ndarrays of shape (n_units,)
            The constants.
        current : ndarray of shape (n_steps, n_samples, n_units)
            ``I_t``; may be the same memory as the membranes on the tape.
        state : tuple of ndarrays of shape (n_samples, n_units)
            ``(v,)`` or ``(v, i)`` after the step before the first one.
        tape : dict of ndarrays of shape (n_steps, n_samples, n_units)
            Overwritten with what `tape` names.
        smooth : bool, default=False
            Not used: integers have no derivative.

        Returns
        -------
        state : tuple of ndarrays of float64
            After the last step.
        """
        v, *i = (s.astype(np.int64) for s in state)
        for t, of_step in enumerate(current):
            x = of_step.astype(np.int64)
            if self.is_current_based:
                i = [self.held(self.leaked(i[0], p["leak_syn"]) + x)]
                tape["synaptic"][t] = x = i[0]
            v = self.held(self.leaked(v, p["leak"]) + x)
            tape["membrane"][t], tape["spikes"][t] = v, 0
            if self.fires:
                s = v > p["threshold"]
                tape["spikes"][t] = s
                v = self._after(v, s, p["threshold"])
        return tuple(s.astype(np.float64) for s in (v, *i))

    def _after(self, u, s, threshold):
        """Return membranes after the reset."""
        if self.reset == "zero":
            return np.where(s, 0, u)
        return u - threshold * s if self.reset == "subtract" else u


class IntegerReadout(Readout):
    """The readout of whole numbers: outputs of counts are multiples of a small part.

    That of membranes is as elsewhere, with `scale` in their unit.
    """

    __slots__ = ()

    def outputs(self, reading, threshold, n_steps):
        """Return the outputs; see `Readout.outputs`."""
        if not self.counts:
            return super().outputs(reading, threshold, n_steps)
        whole = self.integers(reading, threshold)
        return self.factor(n_steps) * (whole / 2.0**SPIKE_BITS)

    def integers(self, reading, threshold):
        """Return the outputs as integers; see the module.

        Parameters
        ----------
        reading : Reading
        threshold : ndarray of shape (n_outputs,) or None
            None if the output neurons never fire.

        Returns
        -------
        outputs : ndarray of int64 of shape (n_samples, n_outputs)
        """
        n = np.asarray(reading.n_steps, np.int64)
        m = reading.membranes.astype(np.int64)
        if not self.counts:
            return m
        outputs = reading.counts.astype(np.int64) << SPIKE_BITS
        if self.statistic is not None:
            span = np.maximum(n * threshold.astype(np.int64), 1)
            bits = SPIKE_BITS
            if self.ties:
                span, bits = span + np.abs(m), SPIKE_BITS - 1
            outputs += np.sign(m) * ((np.abs(m) << bits) // span)
        return outputs - (n << SPIKE_BITS - 1) if self.is_signed else outputs
