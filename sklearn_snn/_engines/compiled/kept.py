"""Packed networks that answers share for as long as no bit of a network changes.

To pack a network takes longer than to run a row through it. What is kept stands here
and not in the estimator, whose state it is no part of, and is found by the first
weights. Users may change these in place, and all the rest: so a network is compared
with a copy of what was packed, which costs next to nothing. It is never overwritten:
other threads may be running it.
"""

import weakref
from typing import NamedTuple

import numpy as np

from sklearn_snn._engines.compiled.packing import compiled_neurons, pack, readout_of

# So many networks are kept, of so many numbers and bytes at most: 64 MB in all.
_MOST, _MOST_NUMBERS, _MOST_BYTES = 8, 2**18, 2**23
# Samples of which a Readout is kept, too, which has some numbers for each.
_MOST_SAMPLES = 1024

_kept = {}


class Packed:
    """A network as compiled code wants it; nothing of it changes.

    Parameters
    ----------
    network : Network
    params : list of dicts of ndarrays
    has_events : bool
        See `pack`.
    """

    def __init__(self, network, params, has_events):
        self._network, self._params = network, params
        self.layers = pack(params, has_events)
        self.neurons = compiled_neurons(network, params, self.layers)
        self._last = None, None
        arrays = [a for a in self.layers if isinstance(a, np.ndarray)]
        self.n_bytes = sum(a.nbytes for a in arrays)

    def readout(self, lengths):
        """Return the Readout of samples of these lengths; see `readout_of`.

        That of the last ones if they are the same, as from row to row and from batch
        to batch; unless they are so many that it would take much memory.
        """
        parts = self._network, self._params, lengths, self.layers.biases.dtype
        if len(lengths) > _MOST_SAMPLES:
            return readout_of(*parts)
        own, (known, readout) = lengths.tobytes(), self._last
        if known != own:
            readout = readout_of(*parts)
            self._last = own, readout
        return readout


class _Kept(NamedTuple):
    source: list
    packed: Packed
    first: weakref.ref


def packed(network, params, has_events):
    """Return the Packed of a network, that of an earlier call if it is the same.

    Parameters
    ----------
    network, params, has_events
        As of `Packed`.

    Returns
    -------
    packed : Packed or None
        None if it is too large to be kept, or not of numbers.
    """
    arrays = [a for p in params for a in p.values()]
    are_numbers = all(isinstance(a, np.ndarray) and a.dtype.kind == "f" for a in arrays)
    if not are_numbers or sum(a.size for a in arrays) > _MOST_NUMBERS:
        return None
    source, first = _source(network, params, has_events), params[0]["coef"]
    key = id(first), has_events
    kept = _kept.get(key)
    if kept is not None and kept.source == source:
        return kept.packed
    # Of the copy, which no other thread can have changed since.
    made = Packed(network, _restored(source, params), has_events)
    if made.n_bytes > _MOST_BYTES:
        return made
    forget = weakref.ref(first, lambda _: _kept.pop(key, None))
    _kept.pop(key, None)  # or it would stay among the oldest
    _kept[key] = _Kept(source, made, forget)
    for oldest in list(_kept)[:-_MOST]:
        _kept.pop(oldest, None)
    return made


def _source(network, params, has_events):
    """Return all that is packed, to be compared: numbers as their bytes.

    Where the input has no events that is not the first weights; neurons of different
    classes may be equal tuples.
    """
    source = [network, *(type(layer.neuron) for layer in network.layers)]
    for index, p in enumerate(params):
        for name, a in p.items():
            is_packed = has_events or index or name != "coef"
            numbers = a.tobytes() if is_packed else None
            source.append((name, a.dtype, a.shape, numbers))
    return source


def _restored(source, params):
    """Return the parameters that a source consists of; what is not packed is zero.

    None of them refers to the arrays of the estimator, which would live on.
    """
    of_arrays, restored = iter(source[1 + len(params) :]), []
    for p in params:
        restored.append({})
        for name in p:
            _, dtype, shape, numbers = next(of_arrays)
            if numbers is None:
                array = np.broadcast_to(dtype.type(0), shape)
            else:
                # For what is read-only numba would compile all anew.
                array = np.frombuffer(bytearray(numbers), dtype).reshape(shape)
            restored[-1][name] = array
    return restored
