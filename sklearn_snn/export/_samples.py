"""Samples as a page gets them: values, spikes or currents, with a picture and a name.

Where every step before the network is known to the page, it is given values, and makes
of any others what the pipeline would make of them: so they can be drawn, or set.
"""

from typing import NamedTuple

import numpy as np
from scipy import sparse
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sklearn_snn._encoders.poisson import PoissonSpikeEncoder
from sklearn_snn._inputs.layout import n_dimensions
from sklearn_snn._inputs.lengths import all_lengths
from sklearn_snn._inputs.random import counter_keys, counter_start
from sklearn_snn._inputs.recordings import gathered
from sklearn_snn._inputs.spike_trains import SpikeTrains
from sklearn_snn.export._description import (
    first_currents,
    narrowed,
    packed,
    packed_bits,
)
from sklearn_snn.inspection._inputs import check_image_shape

# Up to so many features have a slider each.
MAX_SLIDERS = 40


class Rows(NamedTuple):
    """Samples that are rows of numbers, and what their pipeline does to them.

    Attributes
    ----------
    values : ndarray of shape (n_samples, n_features)
    steps : list of transformers
        Those before the network, none if they are not all known to the page.
    are_known : bool
        Whether they are: the page is given the values themselves.
    """

    values: np.ndarray
    steps: list
    are_known: bool


def rows_of(samples, X, steps):
    """Return samples as Rows; None if they are recordings, or not finite numbers.

    Parameters
    ----------
    samples : array-like, sparse matrix or SpikeTrains
        As the user gave them.
    X : batch
        As the network is given them.
    steps : list of transformers
        Those before the network.
    """
    if isinstance(samples, SpikeTrains):
        return Rows(rates_of(samples), [], not steps)
    if not _is_table(samples):
        return None
    values = samples.toarray() if sparse.issparse(samples) else np.asarray(samples)
    # Gaps are for a step that fills them.
    if values.dtype.kind not in "biuf" or not np.isfinite(values).all():
        return None
    *scalers, last = steps or [None]
    if not isinstance(last, PoissonSpikeEncoder):
        scalers = steps
    are_known = (isinstance(X, SpikeTrains) or X.ndim == 2) and all(
        type(step) in (StandardScaler, MinMaxScaler) for step in scalers
    )
    # Scalers compute in float32 what is float32, and the page does not.
    are_known &= not scalers or values.dtype.kind != "f" or values.itemsize == 8
    return Rows(values, steps if are_known else [], are_known)


def _is_table(samples):
    """Tell whether samples are rows; what a first step alone understands is none."""
    try:
        return n_dimensions(gathered(samples)) == 2
    except ValueError:
        return False


def rates_of(trains):
    """Return the rates of SpikeTrains as a dense array of float32."""
    if sparse.issparse(trains.rates):
        return trains.rates.toarray()
    return trains.rates if trains.levels is None else trains.levels[trains.rates]


def describe_input(rows, X, n_steps, params, names, image_shape):
    """Return what a page knows of its input, apart from samples.

    Parameters
    ----------
    rows : Rows or None
    X : batch
    n_steps : int
    params : list of dicts of ndarrays
    names : list of str or None
        Of the columns of a table; None if they have none.
    image_shape : tuple of two int, or None

    Returns
    -------
    description : dict

    Raises
    ------
    ValueError
        If `image_shape` does not fit.
    """
    description = {
        "kind": "constant" if X.ndim == 2 else "sequence",
        "n_features": X.shape[-1],
        "n_steps": n_steps,
        "choice": None,
        "shape": None,
    }
    if isinstance(X, SpikeTrains):
        description |= {"kind": "rates", "encoder": _encoder(rows, X)}
    if rows is None:
        if image_shape is not None:
            raise ValueError("image_shape is for samples that are rows of pixels.")
        return description
    n_columns = rows.values.shape[1]
    shape = check_image_shape(image_shape, n_columns, names is not None)
    low, high = _range(rows, X, shape is not None)
    description |= {
        "shape": shape,
        "low": low.tolist(),
        "high": high.tolist(),
        "names": names or [f"x{i}" for i in range(n_columns)],
    }
    if rows.are_known:
        has_sliders = "sliders" if n_columns <= MAX_SLIDERS else None
        description["choice"] = has_sliders if shape is None else "draw"
        description["scaling"] = [
            [name, packed(np.asarray(by, np.float64))]
            for step in rows.steps
            for name, by in _operations(step)
        ]
        if X.ndim == 2 and description["choice"]:
            p = params[0]
            description |= {
                "coef": packed(p["coef"]),
                "intercept": packed(p["intercept"]),
            }
    return description


def _operations(step):
    """Return what a transformer does to values, in its order."""
    if isinstance(step, MinMaxScaler):
        operations = [("multiply", step.scale_), ("add", step.min_)]
        if step.clip:
            operations += [
                ("at_least", np.full(len(step.scale_), step.feature_range[0])),
                ("at_most", np.full(len(step.scale_), step.feature_range[1])),
            ]
        return operations
    if isinstance(step, StandardScaler):
        operations = ("subtract", step.mean_), ("divide", step.scale_)
        uses = step.with_mean, step.with_std
        return [one for one, is_used in zip(operations, uses, strict=True) if is_used]
    return []


def _encoder(rows, trains):
    """Return the encoder that makes of values the spikes of these SpikeTrains."""
    low, high, max_rate = np.zeros(1), np.ones(1), 1.0
    last = rows.steps[-1] if rows is not None and rows.steps else None
    if last is not None:
        low, high = (
            np.atleast_1d(np.asarray(limit, np.float64))
            for limit in (last.data_min_, last.data_max_)
        )
        max_rate = float(last.max_rate)
    width = high - low
    presentation = counter_keys(~trains.seed, [trains.presentation])[0]
    return {
        "low": packed(low),
        "width": packed(np.where(width > 0, width, np.inf)),
        "max_rate": max_rate,
        "start": str(int(counter_start(trains.seed))),
        "presentation": str(int(presentation)),
        "n_features": trains.shape[-1],
        "n_steps": trains.n_steps,
    }


def _range(rows, X, is_image):
    """Return the lowest and the highest value of each column that may be chosen."""
    n_columns = rows.values.shape[1]
    last = rows.steps[-1] if len(rows.steps) == 1 else None
    if isinstance(last, PoissonSpikeEncoder):
        low, high = last.data_min_, last.data_max_
    else:
        axis = None if is_image else 0
        low, high = rows.values.min(axis=axis), rows.values.max(axis=axis)
    low, high = (
        np.broadcast_to(np.asarray(limit, np.float64), n_columns)
        for limit in (low, high)
    )
    return low, np.where(high > low, high, low + 1)


def describe_sample(i, rows, X, n_steps, network, params, limits):
    """Return one sample, without its name.

    Parameters
    ----------
    i : int
        Which one.
    rows : Rows or None
    X : batch
        Of all samples.
    n_steps : int
    network : Network
    params : list of dicts of ndarrays
    limits : tuple of two ndarrays of shape (n_features,), or None
        The values that are black and white in a picture, if there is one.

    Returns
    -------
    description : dict
    """
    description = {}
    if limits is not None:
        low, high = limits
        grey = np.clip((rows.values[i] - low) / (high - low), 0, 1)
        description["picture"] = packed(np.rint(255 * grey).astype(np.uint8))
    is_known = rows is not None and rows.are_known
    if is_known:
        description["values"] = packed(narrowed(rows.values[i]))
    if isinstance(X, SpikeTrains):
        if not is_known:
            description["values"] = packed(narrowed(rates_of(X[[i]])[0]))
        return description
    one, n_steps = X[[i]], int(all_lengths(X[[i]], n_steps)[0])
    if X.ndim == 3:
        of_steps = np.asarray(X[i])[:n_steps]
        is_on, is_off = of_steps == 1, of_steps == -1
        if (is_on | is_off | (of_steps == 0)).all():
            off = packed_bits(is_off) if is_off.any() else None
            spikes = {"n_steps": n_steps, "on": packed_bits(is_on), "off": off}
            return description | {"spikes": spikes}
        description["graded"] = packed(_shades(of_steps))
    current = first_currents(network, params, one, n_steps)
    return description | {"n_steps": n_steps, "currents": packed(current)}


def _shades(values):
    """Return values as shades from 0 to 255, of which 128 is a value of 0."""
    values = np.asarray(values, np.float64)
    largest = np.abs(values).max(initial=0)
    return np.rint(128 + 127 * (values / (largest or 1))).astype(np.uint8)
