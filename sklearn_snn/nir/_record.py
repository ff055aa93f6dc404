"""What a graph of ours says of itself beside NIR: the metadata, and how it is read.

NIR tells of the neurons and the weights, and these are taken from it, whoever changed
them. It does not tell what is read of the output neurons, and what that stands for:
that is one string of JSON in the metadata of the graph, which other readers pass over.
And weights that were scaled, or leaks that became time constants, are rounded: by how
much, is in the metadata of the nodes, so that a graph that nobody changed comes back to
the bit.
"""

import json
from typing import NamedTuple

import numpy as np

from sklearn_snn._constants import frozen_constants, params_of
from sklearn_snn._training.fitting import begins_with_others
from sklearn_snn._training.targets import Classes, Labels, Numbers
from sklearn_snn._version import __version__
from sklearn_snn.nir._layers import DT

_KEY, _FORMAT = "sklearn_snn", 1
_WRITABLE = "biufUO"
_PLAIN = bool, int, float, str, type(None)


class NewerFormatError(ValueError):
    """The metadata of a graph are of a version that this one does not know."""


class Record(NamedTuple):
    """What a graph says of the estimator that it was written from.

    Attributes
    ----------
    params : dict
        Its parameters, but for those that are no plain values.
    constants : dict
        See `_model.build`.
    target : target
        What the outputs stand for.
    is_sequential : bool
        Whether its input has steps.
    feature_names : list of str or None
    seed : int
    scales, recurrent_scales : lists of float
        The units that its weights learn in.
    begins_with_others : bool
        Whether the weights that it began with are not known.
    """

    params: dict
    constants: dict
    target: object
    is_sequential: bool
    feature_names: list | None
    seed: int
    scales: list
    recurrent_scales: list
    begins_with_others: bool


def metadata(model, dt):
    """Return the metadata of the graph of a fitted estimator, a flat dict.

    Raises
    ------
    ValueError
        If its classes are of a type that JSON does not have.
    """
    names = getattr(model, "feature_names_in_", None)
    record = {
        "format": _FORMAT,
        "version": __version__,
        "estimator": type(model).__name__,
        "params": _plain_params(model),
        "constants": model._constants_,
        **_described(model._fitted_target()),
        "is_sequential": bool(model._is_sequential_),
        "feature_names": None if names is None else names.tolist(),
        "seed": model._seed_,
        "scales": model._initial_scales_.tolist(),
        "recurrent_scales": model._recurrent_scales_.tolist(),
        "begins_with_others": begins_with_others(model),
    }
    return {"dt": dt, "discretization": "euler", _KEY: json.dumps(record)}


def _plain_params(model):
    """Return the parameters that JSON has a value for: a neuron by name, no object."""
    found = {}
    for name, value in model.get_params(deep=False).items():
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, np.ndarray | tuple):
            value = np.asarray(value, object).tolist()
        items = value if isinstance(value, list) else [value]
        if all(isinstance(x, _PLAIN) for x in np.asarray(items, object).ravel()):
            found[name] = value
    return found


def _described(target):
    """Return what makes a target again, as plain values."""
    if target.loss == Numbers.loss:
        numbers = {"mean": target.mean.tolist(), "scale": target.scale.tolist()}
        return numbers | {"is_flat": bool(target.is_flat)}
    if target.loss == Labels.loss:
        return {"n_labels": target.n_outputs}
    classes = target.names
    is_text = classes.dtype.kind != "O" or all(isinstance(c, str) for c in classes)
    if classes.dtype.kind not in _WRITABLE or not is_text:
        raise ValueError(
            f"Classes of type {classes.dtype} cannot be written to the metadata of a "
            "graph: fit with labels that are numbers or strings."
        )
    return {"classes": classes.tolist(), "dtype": classes.dtype.str}


def read_record(graph):
    """Return the Record of a graph; None if another program wrote it.

    Raises
    ------
    ValueError
        If it is damaged, or of a newer version.
    """
    text = graph.metadata.get(_KEY)
    if text is None:
        return None
    try:
        record = json.loads(text)
        if record["format"] > _FORMAT:
            raise NewerFormatError(
                f"This graph is of sklearn-snn {record['version']}, whose format of "
                f"metadata {record['format']} version {__version__} does not know yet: "
                "update sklearn-snn, or delete the graph's metadata['sklearn_snn']."
            )
        constants, target = record["constants"], _target(record)
        if frozen_constants(params_of(constants), target.loss) != constants:
            raise TypeError("other constants")
        return Record(
            {str(name): value for name, value in record["params"].items()},
            constants,
            target,
            bool(record["is_sequential"]),
            record["feature_names"],
            int(record["seed"]),
            [float(scale) for scale in record["scales"]],
            [float(scale) for scale in record["recurrent_scales"]],
            bool(record["begins_with_others"]),
        )
    except NewerFormatError:
        raise
    except (TypeError, KeyError, AttributeError, ValueError) as error:
        raise ValueError(
            "The metadata 'sklearn_snn' of this graph is damaged: delete it to read "
            "the graph like one of another program."
        ) from error


def _target(record):
    """Return the target that `_described` described."""
    if "mean" in record:
        numbers = (np.array(record[name], float) for name in ("mean", "scale"))
        return Numbers(*numbers, record["is_flat"])
    if "n_labels" in record:
        return Labels(record["n_labels"])
    return Classes(np.array(record["classes"], dtype=record["dtype"]))


def time_step(graph, dt):
    """Return the step that was given, that of the metadata, or the usual one; see DT.

    Raises
    ------
    ValueError
        If the metadata has one that is no positive number.
    """
    if dt is not None:
        return float(dt)
    recorded = graph.metadata.get("dt", DT)
    try:
        dt = float(recorded)
    except (TypeError, ValueError):
        dt = np.nan
    if not 0 < dt < np.inf:
        raise ValueError(
            f"The metadata of this graph has the step dt={recorded!r}, which is no "
            "positive number: pass dt."
        )
    return dt
