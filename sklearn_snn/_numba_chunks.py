"""Compiled entry points: a chunk of samples, from the engine's arrays to gradients.

What is compiled here is kept on disk, with all that it calls.
"""

import inspect
import math
import zlib
from contextlib import suppress
from typing import NamedTuple

import numpy as np
from numba import njit

from sklearn_snn import _numba_network, _numba_neurons, _numba_vectors, _random
from sklearn_snn._compat import numba_disk_cache
from sklearn_snn._numba_network import (
    add_weight_gradient,
    append_negatives,
    backward,
    bias_of,
    copy_spikes,
    loss_gradient,
    matrix,
    new_tape,
    run_above,
    run_layer,
    spikes_of,
    weights_of,
    whole_words,
)
from sklearn_snn._numba_neurons import draw, fire, stream_keys

# numba renews what it keeps when the file of a function changes, but not when one that
# it calls into does. So this number is an argument, which makes it part of the key.
_SOURCES = zlib.crc32(
    "".join(
        inspect.getsource(module)
        for module in (_random, _numba_neurons, _numba_network, _numba_vectors)
    ).encode()
)


def _cached(function):
    """Compile, and keep the result on disk if there is a folder that can be written."""
    try:
        dispatcher = njit(nogil=True, error_model="numpy", cache=True)(function)
    except RuntimeError:  # numba found no folder
        return njit(nogil=True, error_model="numpy")(function)
    cache = numba_disk_cache(dispatcher)
    load, save, flush = cache.load_overload, cache.save_overload, cache.flush

    def load_if_sound(*args):
        try:
            found = load(*args)
            # Two processes that save at once may give a signature the other's code.
            is_it = found is None or tuple(found.signature.args) == tuple(args[0])
            return found if is_it else None
        except OSError:
            return None
        except Exception:  # whatever pickle makes of a damaged file
            with suppress(OSError):
                flush()
            return None

    def save_if_possible(*args):
        # The folder may have vanished, or the disk be full.
        with suppress(OSError):
            save(*args)

    cache.load_overload, cache.save_overload = load_if_sound, save_if_possible
    return dispatcher


class Trains(NamedTuple):
    """Spike trains to draw.

    Attributes
    ----------
    indptr : ndarray of int64 of shape (n_samples + 1,)
        Sample ``i`` owns the entries ``indptr[i]:indptr[i + 1]``.
    features, thresholds : ndarrays of uint32 of shape (n_active,)
    seed_key, presentation_key : uint64
        See `_numba_neurons.stream_keys`.
    """

    indptr: np.ndarray
    features: np.ndarray
    thresholds: np.ndarray
    seed_key: np.uint64
    presentation_key: np.uint64


@_cached
def active_inputs(rates, sources=_SOURCES):
    """Return indptr, features and thresholds of all rates above 0, by sample.

    ``rates`` is of float32 and of shape (n_samples, n_features); the thresholds are
    those of `SpikeTrains.active`.
    """
    n_samples, n_features = rates.shape
    indptr = np.zeros(n_samples + 1, np.int64)
    features = np.empty(rates.size, np.uint32)
    thresholds = np.empty(rates.size, np.uint32)
    n = 0
    for i in range(n_samples):
        for k in range(n_features):
            features[n] = k  # the next one replaces it if the rate is 0
            n += np.int64(rates[i, k] > 0)
        for e in range(indptr[i], n):
            words = math.ceil(np.float64(rates[i, features[e]]) * 2.0**32)
            thresholds[e] = np.uint32(words - 1)
        indptr[i + 1] = n
    return indptr, features[:n], thresholds[:n]


@_cached
def as_bits(x, bits, sources=_SOURCES):
    """Copy spikes to bytes; tell for each sample whether it consists of spikes.

    ``x`` has shape (n_samples, n_steps, n_features), ``bits`` at least that shape.
    """
    is_binary = np.ones(len(x), np.bool_)
    for i in range(len(x)):
        for t in range(x.shape[1]):
            n_others = 0
            for k in range(x.shape[2]):
                value = x[i, t, k]
                bits[i, t, k] = np.uint8(value != 0)
                n_others += np.int64((value != 0) & (value != 1))
            for k in range(x.shape[2], bits.shape[2]):
                bits[i, t, k] = 0
            if n_others > 0:
                is_binary[i] = False
                break
    return is_binary


@_cached
def run_spikes(
    constants,
    layers,
    trains,
    bits,
    y,
    shares,
    logits,
    spikes,
    gradients,
    fired,
    sources=_SOURCES,
):
    """Run samples of spikes forward and, where there are labels, backward.

    Parameters
    ----------
    constants : Constants
    layers : Layers
    trains : Trains
        Drawn if there are no bits.
    bits : ndarray of uint8 of shape (n_samples or 0, n_steps, n_bits)
        Spikes, with n_bits a multiple of 64.
    y : ndarray of int64 of shape (n_samples,) or (0,)
        Index of the class.
    shares : ndarray of shape (n_samples,) or (0,)
        What each sample's loss is multiplied with.
    logits : ndarray of shape (n_samples, n_classes)
        Overwritten.
    spikes : ndarray of uint8 of shape (n_samples or 0, n_steps, n_neurons)
        Overwritten; the last layers side by side, as many as fit.
    gradients : tuple of two ndarrays
        Added to; laid out as ``layers.transposed``, but not
        transposed, and ``layers.biases``.
    fired : ndarray of int64 of shape (n_neurons,)
        The number of spikes of each neuron is added, layer after layer.
    sources : int
        Leave it alone.

    Returns
    -------
    loss : float
        Sum over the samples.
    """
    n_steps, n_features, width = bits.shape[1], layers.sizes[0], layers.widths[1]
    must_draw, n_inputs = len(bits) == 0, n_features
    if must_draw:
        n_inputs = 1
        for i in range(len(logits)):
            n_inputs = max(n_inputs, trains.indptr[i + 1] - trains.indptr[i])
    tape = new_tape(layers, n_steps, n_inputs)
    times, counts = tape.times[0], tape.counts[0]
    units = np.arange(tape.counts.shape[1]).astype(np.uint32)
    rows, shifts = units[:n_inputs].copy(), np.zeros(n_inputs, np.uint32)
    keys, often = np.empty(n_inputs, np.uint64), np.zeros(n_inputs, np.uint8)
    drawn = np.empty((n_steps, whole_words(n_inputs)), np.uint8)
    base = np.zeros(width, layers.signed.dtype)
    first_bias = bias_of(layers.biases, layers, 0)
    grad_counts = np.zeros(layers.widths[-1], logits.dtype)
    deltas = matrix(tape.deltas[0], 0, 2 * n_steps + 1, width)
    s = spikes_of(tape, layers, 0, n_steps)
    loss = 0.0
    for i in range(len(logits)):
        active, x = units[:n_inputs], drawn
        for k in range(n_inputs):
            counts[k] = 0
        if must_draw:
            active = trains.features[trains.indptr[i] : trains.indptr[i + 1]]
            limits = trains.thresholds[trains.indptr[i] : trains.indptr[i + 1]]
            n = len(active)
            for h in range(width):
                base[h] = 0
            for k in range(n):
                often[k] = np.uint8(limits[k] >= np.uint32(2**31))
                rows[k], shifts[k] = active[k], 0
                if often[k]:
                    # At every step, and then back by the rows of -W and -delta.
                    rows[k], shifts[k] = active[k] + n_features, n_steps
                    times[k, 0], counts[k] = 2 * n_steps, 1
                    for h in range(width):
                        base[h] += layers.signed[active[k], h]
            stream_keys(active, limits, trains.seed_key, trains.presentation_key, keys)
            draw(keys[:n], limits, often, drawn)
        else:
            x = bits[i]
        run_layer(
            constants,
            x,
            rows,
            shifts,
            layers.signed,
            base,
            layers.grids[0],
            first_bias,
            deltas,
            s,
            times,
            counts,
        )
        run_above(constants, layers, tape, n_steps, units, fired, logits[i])
        if len(spikes) > 0:
            copy_spikes(layers, tape, n_steps, spikes[i])
        if len(y) > 0:
            loss += loss_gradient(constants, logits[i], y[i], shares[i], grad_counts)
            total = backward(
                constants, layers, tape, n_steps, grad_counts, units, gradients
            )
            append_negatives(deltas, n_steps, total)
            gradient = weights_of(gradients[0], layers, 0)
            add_weight_gradient(deltas, active, times, counts, gradient)
    return loss


@_cached
def run_currents(
    constants,
    layers,
    n_steps,
    currents,
    y,
    shares,
    logits,
    spikes,
    gradients,
    fired,
    sources=_SOURCES,
):
    """Run samples from the currents of the first layer on; else as `run_spikes`.

    Parameters
    ----------
    n_steps : int
    currents : ndarray of shape (n_steps or 1, n_samples, n_units)
        Of a single step: constant. Where there are labels, overwritten with the
        deltas, or their sum over the steps if constant; the gradient of the first
        weights, which follows from it, is not added.
    constants, layers, y, shares, logits, spikes, gradients, fired, sources
        As in `run_spikes`.

    Returns
    -------
    loss : float
        Sum over the samples.
    """
    n_units, width = layers.sizes[1], layers.widths[1]
    tape = new_tape(layers, n_steps, 0)
    units = np.arange(tape.counts.shape[1]).astype(np.uint32)
    grad_counts = np.zeros(layers.widths[-1], logits.dtype)
    u = matrix(tape.deltas[0], 0, n_steps, width)
    s = spikes_of(tape, layers, 0, n_steps)
    one, v = logits.dtype.type(1), np.empty(width, logits.dtype)
    current, bias = np.zeros(width, logits.dtype), np.zeros(width, logits.dtype)
    loss = 0.0
    for i in range(len(logits)):
        for h in range(width):
            v[h] = 0
        for t in range(n_steps):
            if t < len(currents):  # else it is constant
                for h in range(n_units):
                    current[h] = currents[t, i, h]
            fire(t, current, one, bias, u, s, v, constants)
        run_above(constants, layers, tape, n_steps, units, fired, logits[i])
        if len(spikes) > 0:
            copy_spikes(layers, tape, n_steps, spikes[i])
        if len(y) > 0:
            loss += loss_gradient(constants, logits[i], y[i], shares[i], grad_counts)
            total = backward(
                constants, layers, tape, n_steps, grad_counts, units, gradients
            )
            if len(currents) == 1:
                for h in range(n_units):
                    currents[0, i, h] = total[h]
            else:
                for t in range(n_steps):
                    for h in range(n_units):
                        currents[t, i, h] = u[t, h]
    return loss


def n_compiled():
    """Return how many functions this process compiled because none was on disk."""
    entries = active_inputs, as_bits, run_spikes, run_currents
    return sum(sum(entry.stats.cache_misses.values()) for entry in entries)
