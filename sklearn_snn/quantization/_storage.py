"""How the integers of a layer are stored: types, rows of weights, and bytes.

It is how the files of `export_c` have them, and what `operation_report` counts.
"""

import numpy as np


def are_packed(bits):
    """Tell whether two weights of so many bits lie in a byte."""
    return bits <= 4


def weight_type(bits):
    """Return the type in C of what weights of so many bits lie in."""
    if are_packed(bits):
        return "uint8_t"
    return "int8_t" if bits <= 8 else "int16_t"


def stored_constants(layer, bits):
    """Return the constants of a layer as arrays.

    Parameters
    ----------
    layer : QuantizedLayer
    bits : int
        Of each weight.

    Returns
    -------
    arrays : list of tuples (name, type, values)
        The name of a constant, its type in C, and an ndarray. A leak that all neurons
        have in common is no array: it is a number in the code.
    """
    arrays = [("weights", weight_type(bits), _stored(layer.weights, bits))]
    if layer.recurrent_weights is not None:
        stored = _stored(layer.recurrent_weights, bits)
        arrays.append(("recurrent", weight_type(bits), stored))
    arrays.append(("bias", "int32_t", layer.bias))
    if layer.threshold is not None:
        arrays.append(("threshold", "int32_t", layer.threshold))
    for name in ("leak", "leak_syn"):
        leak = getattr(layer, name)
        if leak is not None and not are_alike(leak):
            type_ = "int16_t" if leak.max() < 2**15 else "int32_t"
            arrays.append((name, type_, leak))
    return arrays


def _stored(weights, bits):
    """Return weights as they lie in memory; those of an input in a row."""
    if not are_packed(bits):
        return weights
    rows = weights.astype(np.uint8) & 15  # two's complement, of four bits
    if rows.shape[1] % 2:
        rows = np.pad(rows, ((0, 0), (0, 1)))
    return rows[:, ::2] | rows[:, 1::2] << 4


def are_alike(values):
    """Tell whether all neurons have the same constant."""
    return bool((values == values[0]).all())


def n_bytes(type_):
    """Return how many bytes an integer of C takes."""
    return int("".join(filter(str.isdigit, type_))) // 8


def footprint(layer, bits):
    """Return the bytes of the constants of a layer; see `stored_constants`."""
    arrays = stored_constants(layer, bits)
    return sum(n_bytes(type_) * values.size for _, type_, values in arrays)
